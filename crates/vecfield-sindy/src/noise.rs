//! Noise levels by differences: no model, no curve, irregular times and missing cells allowed.
//!
//! A divided difference of order `q` over `q + 1` neighbours, scaled to unit length, keeps white noise as it is and removes polynomials
//! of degree `q - 1`. The least of several orders is taken: low orders still see the signal, and high ones at coarse sampling
//! amplify it again.

use vecfield_data::Trajectories;

const ORDERS: core::ops::RangeInclusive<usize> = 3..=8;

/// The standard deviation of white noise on each variable; NaN for a variable with fewer than four measurements in every run.
pub fn difference_noise(data: &Trajectories) -> Vec<f64> {
    (0..data.dim()).map(|variable| noise_of(data, variable)).collect()
}

/// Contrasts of each order that are looked at; of more samples, every so many-th.
const ENOUGH: usize = 200_000;

fn noise_of(data: &Trajectories, variable: usize) -> f64 {
    let stride = data.row_count().div_ceil(ENOUGH).max(1);
    let mut least = f64::NAN;
    for order in ORDERS {
        let (mut sum, mut count) = (0.0, 0_usize);
        for run in data.runs() {
            let mut window = Vec::with_capacity(order + 1);
            for (k, point) in run.observed(variable).enumerate() {
                if window.len() > order {
                    window.remove(0);
                }
                window.push(point);
                if window.len() > order && k % stride == 0 {
                    sum += contrast(&window).powi(2);
                    count += 1;
                }
            }
        }
        // Few contrasts make the minimum over orders a lucky one.
        if count >= 4 || (order == *ORDERS.start() && count > 0) {
            let level = (sum / count as f64).sqrt();
            least = if least <= level { least } else { level };
        }
    }
    least
}

/// The unit contrast of these points that vanishes on polynomials of degree `len - 2`.
fn contrast(points: &[(f64, f64)]) -> f64 {
    let span = points[points.len() - 1].0 - points[0].0;
    let (mut value, mut square) = (0.0, 0.0);
    for (i, &(t, y)) in points.iter().enumerate() {
        let others = points.iter().enumerate().filter(|&(k, _)| k != i);
        let weight = 1.0 / others.map(|(_, &(other, _))| (t - other) / span).product::<f64>();
        value += weight * y;
        square += weight * weight;
    }
    value / square.sqrt()
}
