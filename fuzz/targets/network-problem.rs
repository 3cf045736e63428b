//! A problem whose solution is a network: it is refused, or its formulas compile.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vecfield_pinn::{Description, Problem};

fuzz_target!(|text: &str| {
    if let Ok(description) = toml::from_str::<Description>(text) {
        drop(Problem::new(&description, &[]));
    }
});
