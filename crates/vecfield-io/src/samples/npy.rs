//! NPY: a header that is a dictionary in the syntax of Python, then the numbers (NumPy enhancement proposal 1).

use super::{Array, numbers};

/// Reads what stands behind the magic word.
pub(super) fn parse(bytes: &[u8]) -> Result<Array, String> {
    let broken = || "it breaks off in its header".to_string();
    let (long, start) = match bytes {
        [1, _, a, b, ..] => (usize::from(u16::from_le_bytes([*a, *b])), 4),
        [2 | 3, _, a, b, c, d, ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, 6),
        _ => return Err(broken()),
    };
    let header = bytes.get(start..start + long).and_then(|header| str::from_utf8(header).ok()).ok_or_else(broken)?;
    let rest = &bytes[start + long..];
    let value = |key: &str| {
        let behind = header.split_once(&format!("'{key}'"))?.1;
        Some(behind.trim_start().strip_prefix(':')?.trim_start())
    };
    let kind = value("descr").and_then(|v| v.split('\'').nth(1)).ok_or_else(broken)?;
    if value("fortran_order").is_some_and(|v| v.starts_with("True")) {
        return Err("its numbers stand column by column; save `numpy.ascontiguousarray(a)`".into());
    }
    let sizes = value("shape").and_then(|v| v.strip_prefix('(')?.split_once(')')).ok_or_else(broken)?.0;
    let sizes = sizes.split(',').map(str::trim).filter(|size| !size.is_empty());
    let shape = sizes.map(|size| size.parse().map_err(|_| broken())).collect::<Result<Vec<usize>, _>>()?;
    fn chunk<const N: usize>(bytes: &[u8]) -> [u8; N] {
        bytes.try_into().expect("chunks of that size")
    }
    let values = match kind {
        "<f8" => numbers(&shape, 8, rest, false, |b| f64::from_le_bytes(chunk(b))),
        "<f4" => numbers(&shape, 4, rest, false, |b| f64::from(f32::from_le_bytes(chunk(b)))),
        "<i8" => numbers(&shape, 8, rest, false, |b| i64::from_le_bytes(chunk(b)) as f64),
        "<i4" => numbers(&shape, 4, rest, false, |b| f64::from(i32::from_le_bytes(chunk(b)))),
        "<i2" => numbers(&shape, 2, rest, false, |b| f64::from(i16::from_le_bytes(chunk(b)))),
        "|u1" => numbers(&shape, 1, rest, true, |b| f64::from(b[0])),
        "|i1" => numbers(&shape, 1, rest, false, |b| f64::from(b[0] as i8)),
        other => Err(format!("its numbers are of kind \"{other}\"; save `a.astype(\"float64\")`")),
    };
    Ok(Array { values: values?, shape })
}
