//! What any table, any problem and any result on disk must obey.

mod ensembles;
mod problems;
mod results;
mod tables;
