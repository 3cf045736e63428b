//! What maps owe to algebra: linearity, symmetry, inverses.

use crate::broken::{Broken, Quantity};
use crate::derivative::compare;
use crate::draws::draws;

/// Is `map` linear? `A(ax + by) = aAx + bAy` to rounding, for `x` and `y` drawn from `seed`.
///
/// * `map(x, out)` writes the image, `[outputs]`, of `x`, `[inputs]`.
/// * `tolerance` is relative to the largest component of the images.
///
/// # Errors
///
/// The first component that differs: [`Quantity::Sum`].
pub fn is_linear(
    (inputs, outputs): (usize, usize),
    mut map: impl FnMut(&[f64], &mut [f64]),
    tolerance: f64,
    seed: u64,
) -> Result<(), Broken> {
    let (a, b) = (1.75, -0.6);
    let (x, y) = (draws::<f64>(inputs, seed), draws::<f64>(inputs, !seed));
    let combined = |x: &[f64], y: &[f64]| -> Vec<f64> { x.iter().zip(y).map(|(x, y)| a * x + b * y).collect() };
    let mut image = |x: &[f64]| {
        let mut out = vec![f64::NAN; outputs];
        map(x, &mut out);
        out
    };
    let (of_x, of_y, of_sum) = (image(&x), image(&y), image(&combined(&x, &y)));
    let scale: Vec<f64> = of_x.iter().chain(&of_y).copied().collect();
    compare(Quantity::Sum, &of_sum, &combined(&of_x, &of_y), &scale, tolerance)
}

/// Does `map` commute with a symmetry? `f(g x) = g f(x)`, with `g` acting on inputs by `before` and on outputs by `after`: a
/// permutation of tokens, a shift of an image, an affine change of variables.
///
/// * `tolerance` is relative to the largest component of the image; 0 where not a bit may change.
///
/// # Errors
///
/// The first component that differs: [`Quantity::Moved`].
pub fn is_equivariant(
    x: &[f64],
    mut map: impl FnMut(&[f64]) -> Vec<f64>,
    before: impl FnOnce(&[f64]) -> Vec<f64>,
    after: impl FnOnce(&[f64]) -> Vec<f64>,
    tolerance: f64,
) -> Result<(), Broken> {
    let (moved, image) = (map(&before(x)), map(x));
    compare(Quantity::Moved, &moved, &after(&image), &image, tolerance)
}

/// Is `map` undone by `inverse`? To `tolerance`, relative to the largest component of `x`.
///
/// # Errors
///
/// The first component that differs: [`Quantity::Return`].
pub fn is_undone(
    x: &[f64],
    map: impl FnOnce(&[f64]) -> Vec<f64>,
    inverse: impl FnOnce(&[f64]) -> Vec<f64>,
    tolerance: f64,
) -> Result<(), Broken> {
    compare(Quantity::Return, &inverse(&map(x)), x, &[], tolerance)
}
