//! IDX: a byte for the kind of number, one for how many dimensions, these as big-endian integers, then the numbers.

use super::{Array, numbers};

/// Reads what stands behind the first four bytes.
pub(super) fn parse(kind: u8, dimensions: u8, bytes: &[u8]) -> Result<Array, String> {
    let dimensions = usize::from(dimensions);
    let Some((sizes, rest)) = bytes.split_at_checked(4 * dimensions).filter(|_| dimensions > 0) else {
        return Err("it breaks off in its header".into());
    };
    let shape: Vec<usize> = sizes.as_chunks().0.iter().map(|size| u32::from_be_bytes(*size) as usize).collect();
    fn chunk<const N: usize>(bytes: &[u8]) -> [u8; N] {
        bytes.try_into().expect("chunks of that size")
    }
    let values = match kind {
        0x08 => numbers(&shape, 1, rest, true, |b| f64::from(b[0])),
        0x09 => numbers(&shape, 1, rest, false, |b| f64::from(b[0] as i8)),
        0x0b => numbers(&shape, 2, rest, false, |b| f64::from(i16::from_be_bytes(chunk(b)))),
        0x0c => numbers(&shape, 4, rest, false, |b| f64::from(i32::from_be_bytes(chunk(b)))),
        0x0d => numbers(&shape, 4, rest, false, |b| f64::from(f32::from_be_bytes(chunk(b)))),
        0x0e => numbers(&shape, 8, rest, false, |b| f64::from_be_bytes(chunk(b))),
        other => Err(format!("IDX has no numbers of kind {other:#04x}")),
    };
    Ok(Array { values: values?, shape })
}
