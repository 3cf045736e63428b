//! Rows and pictures: CSV with labels, IDX, NPY.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vecfield_io::parse_samples;

fuzz_target!(|bytes: &[u8]| drop(parse_samples("samples", bytes)));
