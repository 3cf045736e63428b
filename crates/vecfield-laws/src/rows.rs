//! Rows of a batch.

use crate::broken::Broken;

/// Has every row of `x` the bits that it has alone?
///
/// * `map(rows, x)` is the images of that many rows, one after another.
/// * `x` is `[rows, inputs]`.
///
/// # Errors
///
/// [`Broken::SeesNeighbours`], for the first row that does.
///
/// # Panics
///
/// If `x` is not made of so many rows of one length.
pub fn rows_do_not_see_each_other(
    rows: usize,
    x: &[f64],
    mut map: impl FnMut(usize, &[f64]) -> Vec<f64>,
) -> Result<(), Broken> {
    assert!(rows > 0 && x.len().is_multiple_of(rows), "{} numbers are not {rows} rows", x.len());
    let images = map(rows, x);
    let (inputs, outputs) = (x.len() / rows, images.len() / rows);
    for row in 0..rows {
        let image = map(1, &x[row * inputs..][..inputs]);
        for (column, (&together, &alone)) in images[row * outputs..][..outputs].iter().zip(&image).enumerate() {
            if together.to_bits() != alone.to_bits() {
                return Err(Broken::SeesNeighbours { row, rows, column, together, alone });
            }
        }
    }
    Ok(())
}
