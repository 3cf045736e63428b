//! A table of measured runs, with and without an input.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vecfield_io::{TrajectoryFormat, parse_table, parse_trajectories};

fuzz_target!(|bytes: &[u8]| {
    drop(parse_table("table.csv", bytes));
    for controls in [vec![], vec!["u".to_owned()]] {
        let format = TrajectoryFormat { controls, ..TrajectoryFormat::default() };
        if let Ok(data) = parse_trajectories("table.csv", bytes, &format) {
            assert!(data.observed_count() > 0, "measurements without a measurement");
        }
    }
});
