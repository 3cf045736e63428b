//! The coefficients of Adams methods at unequal steps, and at equal ones.

use vecfield_traits::Real;

use crate::multistep::differences::{SLOTS, Stride};

/// The highest order of the predictor; the corrector is one above.
pub(super) const HIGHEST: usize = 12;

/// `γ*_m`, the coefficients of the Adams–Moulton formulas in backward differences (Hairer–Nørsett–Wanner I, III.1,
/// eq. (1.9)), from their recurrence.
pub(super) const MOULTON: [f64; HIGHEST + 2] = {
    let mut gamma = [1.0; HIGHEST + 2];
    let mut m = 1;
    while m < gamma.len() {
        gamma[m] = 0.0;
        let mut j = 0;
        while j < m {
            gamma[m] -= gamma[j] / (m + 1 - j) as f64;
            j += 1;
        }
        m += 1;
    }
    gamma
};

/// `g_m = (1/θ) ∫₀^θ c_m(s) ds` for the polynomials `c_m` that `β_m φ_m` multiply, `m ≤ order`.
///
/// `c_m(s) = c_{m-1}(s) (s α_{m-1} + 1 - α_{m-1})`; integrals of integrals `g_{m,q}`, over powers of `θ`, obey
/// `g_{m,q} = (θ α + 1 - α) g_{m-1,q} - θ α g_{m-1,q+1}` with `α = α_{m-1}` and `g_{0,q} = 1/q`
/// (Shampine–Gordon, ch. 5, for `θ = 1`).
pub(super) fn integrals<R: Real>(stride: &Stride<R>, order: usize, theta: R) -> [R; SLOTS] {
    let (mut g, mut column) = ([R::zero(); SLOTS], [R::zero(); SLOTS]);
    for (q, entry) in column.iter_mut().enumerate() {
        *entry = R::one() / R::from_f64((q + 1) as f64);
    }
    g[0] = R::one();
    for m in 1..=order {
        let alpha = stride.alpha[m - 1];
        let (stay, fall) = (theta * alpha + R::one() - alpha, theta * alpha);
        for q in 0..=order - m {
            column[q] = stay * column[q] - fall * column[q + 1];
        }
        g[m] = column[0];
    }
    g
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{MOULTON, integrals};
    use crate::multistep::differences::{Differences, Stride};

    #[test]
    fn moulton_coefficients_are_the_published_ones() {
        // Hairer–Nørsett–Wanner I, III.1, Table 1.2.
        let published = [1.0, -0.5, -1.0 / 12.0, -1.0 / 24.0, -19.0 / 720.0, -3.0 / 160.0, -863.0 / 60480.0];
        for (ours, published) in MOULTON.iter().zip(published) {
            assert!((ours - published).abs() < 1e-15, "{ours}, not {published}");
        }
    }

    proptest! {
        /// Differences of a polynomial at any times give its integral over any part of the next step.
        #[test]
        fn integrals_are_exact_on_polynomials(
            coefficients in prop::collection::vec(-1.0..1.0_f64, 1..8),
            steps in prop::collection::vec(0.3..1.0_f64, 9),
            theta in 0.1..1.0_f64,
        ) {
            let order = coefficients.len();
            let value = |t: f64| coefficients.iter().rev().fold(0.0, |sum, c| sum * t + c);
            let primitive: Vec<f64> = coefficients.iter().zip(1_u8..).map(|(c, k)| c / f64::from(k)).collect();
            let integral = |t: f64| primitive.iter().rev().fold(0.0, |sum, c| sum * t + c) * t;
            let (mut differences, mut stride, mut t) = (Differences::<f64>::new(1, 13), Stride::none(), -3.0);
            differences.row_mut(0)[0] = value(t);
            differences.restart(1, 0.0);
            for h in &steps[..8] {
                let known = differences.known().min(order);
                differences.stride(*h, &mut stride);
                let weights: Vec<_> = (0..known).map(|m| (stride.beta[m], 0.0)).collect();
                let mut expected = 0.0;
                differences.sums(&weights, |_, sum, _| expected = sum);
                t += h;
                differences.advance(&stride, known, &[value(t) - expected]);
            }
            let h = steps[8];
            differences.stride(h, &mut stride);
            let g = integrals(&stride, order, theta);
            let terms = (0..order).map(|m| h * theta * g[m] * stride.beta[m] * differences.row(m)[0]);
            let exact = integral(t + theta * h) - integral(t);
            let found: f64 = terms.sum();
            prop_assert!((found - exact).abs() < 1e-8, "{found}, not {exact}");
        }
    }
}
