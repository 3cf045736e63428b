//! What any table, any problem and any result on disk must obey.

mod ensembles;
mod fits;
mod paused;
mod problems;
mod results;
mod samples;
mod tables;
