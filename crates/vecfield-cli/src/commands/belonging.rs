//! What a run that can be cut short belongs to: its folder, and the data and options with which alone it goes on.

use std::path::{Path, PathBuf};

use vecfield_io::Overwrite;

/// The folder that is written to: that of the run that goes on, whose files are replaced, or a new one.
pub(super) fn folder<'a>(
    resume: &'a Option<PathBuf>,
    out: &'a Option<PathBuf>,
    force: bool,
) -> Option<(&'a Path, Overwrite)> {
    match (resume, out) {
        (Some(path), _) => Some((path, Overwrite::Allowed)),
        (None, Some(path)) => Some((path, if force { Overwrite::Allowed } else { Overwrite::Never })),
        (None, None) => None,
    }
}

/// A hash of the data and options (64-bit FNV-1a), after the version of the program.
pub(super) fn of(what: &str) -> String {
    let hash = what
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("vecfield {} {hash:016x}", env!("CARGO_PKG_VERSION"))
}
