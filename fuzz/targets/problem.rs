//! A problem file: it is refused with its place, or its equations compile.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vecfield_io::{Problem, System};

fuzz_target!(|text: &str| {
    if let Ok(problem) = Problem::parse("problem.toml", text) {
        drop(System::new(&problem));
    }
});
