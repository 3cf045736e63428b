//! What any table and any problem must obey.

mod tables;
