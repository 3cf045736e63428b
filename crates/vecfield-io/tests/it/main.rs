//! What any table, any problem and any result on disk must obey.

mod problems;
mod results;
mod tables;
