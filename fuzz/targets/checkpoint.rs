//! A checkpoint: what is read is written as it was.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vecfield_nn::Checkpoint;

fuzz_target!(|bytes: &[u8]| {
    let Ok(checkpoint) = Checkpoint::from_bytes(bytes) else { return };
    let written = checkpoint.to_bytes().expect("what was read can be written");
    let again = Checkpoint::from_bytes(&written).expect("what was written can be read");
    assert_eq!(again.to_bytes().ok(), Some(written));
    drop(vecfield_nde::load(&checkpoint));
});
