//! What a run that was cut short belongs to, so that no other goes on with it.

/// A hash of the data and options (64-bit FNV-1a), after the version of the program.
pub(super) fn of(what: &str) -> String {
    let hash = what
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("vecfield {} {hash:016x}", env!("CARGO_PKG_VERSION"))
}
