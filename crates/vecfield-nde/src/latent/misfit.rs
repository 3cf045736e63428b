//! What readings cost by a noise that is learned.

use crate::chance::HALF_LOG_TAU;
use crate::model::Number;

/// The first guess of the logarithm of the noise's variance: a third of what the variable does.
pub(crate) const NOISE: f64 = -2.2;

/// `-ln p` of the measured among `cells` when `decoded` was expected, by a noise with the logarithms of variances `noise`; writes
/// its slopes, times `weight`, into `bar`, and adds those of the noise to `noise_bar`, unless that is empty.
pub(crate) fn misfit<R: Number>(
    noise: &[R],
    cells: impl Iterator<Item = R>,
    decoded: &[R],
    bar: &mut [R],
    weight: R,
    noise_bar: &mut [R],
) -> f64 {
    let (n, half) = (noise.len(), R::from_f64(0.5));
    let mut nll = 0.0;
    for (i, (cell, &found)) in cells.zip(decoded).enumerate() {
        bar[i] = R::zero();
        if cell.is_nan() {
            continue;
        }
        let (miss, precision) = (found - cell, (-noise[i % n]).exp());
        let square = miss * miss * precision;
        nll += 0.5 * (square + noise[i % n]).to_f64() + HALF_LOG_TAU;
        bar[i] = weight * miss * precision;
        if !noise_bar.is_empty() {
            noise_bar[i % n] += weight * half * (R::one() - square);
        }
    }
    nll
}
