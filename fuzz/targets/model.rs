//! A model file: it is refused, or all its settings have been checked.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vecfield_nde::Settings;

fuzz_target!(|text: &str| {
    if let Ok(settings) = toml::from_str::<Settings>(text) {
        drop(settings.check());
    }
});
