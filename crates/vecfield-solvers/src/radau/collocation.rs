//! The coefficients of Radau IIA with three stages, and what is made of them without a field.

use vecfield_traits::Real;

const SQRT6: f64 = 2.449_489_742_783_178;

/// The Radau points.
pub(super) const C: [f64; 3] = [(4.0 - SQRT6) / 10.0, (4.0 + SQRT6) / 10.0, 1.0];

/// `γ` and `α + iβ`, the eigenvalues of the inverse of the Runge–Kutta matrix.
pub(super) const GAMMA: f64 = 3.637_834_252_744_496;
pub(super) const ALPHA: f64 = 2.681_082_873_627_752;
pub(super) const BETA: f64 = -3.050_430_199_247_411;

/// The basis in which the inverse of the Runge–Kutta matrix is block-diagonal (Hairer–Wanner II, IV.8).
pub(super) const T: [[f64; 3]; 3] = [
    [0.094_438_762_488_975_24, -0.141_255_295_020_954_2, 0.030_029_194_105_147_42],
    [0.250_213_122_965_333_3, 0.204_129_352_293_799_94, -0.382_942_112_757_261_9],
    [1.0, 1.0, 0.0],
];
pub(super) const T_INVERSE: [[f64; 3]; 3] = [
    [4.178_718_591_551_904, 0.327_682_820_761_062_4, 0.523_376_445_499_449_5],
    [-4.178_718_591_551_904, -0.327_682_820_761_062_4, 0.476_623_554_500_550_4],
    [0.502_872_634_945_786_8, -2.571_926_949_855_605, 0.596_039_204_828_224_9],
];

/// Weights of `z` in the error estimate of order three (Hairer–Wanner II, IV.8, eq. (8.20)).
pub(super) const E: [f64; 3] = [(-13.0 - 7.0 * SQRT6) / 3.0, (-13.0 + 7.0 * SQRT6) / 3.0, -1.0 / 3.0];

/// An implicit Runge–Kutta method as its stages `z_i = Y_i - y` see it.
///
/// ```text
/// M z_i = h Σ_j a_ij f(t + c_j h, y + z_j)        y⁺ = y + Σ_i d_i z_i        y(t + θh) = y + Σ_i z_i Σ_p w_ip θ^(p+1)
/// ```
#[derive(Debug)]
pub struct Collocation {
    /// `a_ij`: square.
    pub a: &'static [&'static [f64]],
    /// `c_j`, as fractions of the step.
    pub c: &'static [f64],
    /// `d_i`.
    pub end: &'static [f64],
    /// `w_ip`.
    pub dense: &'static [&'static [f64]],
}

/// Radau IIA with three stages (Hairer–Wanner II, IV.5, Table 5.6).
pub(super) const RADAU5: Collocation =
    Collocation { a: &[&A[0], &A[1], &A[2]], c: &C, end: &[0.0, 0.0, 1.0], dense: &[&P[0], &P[1], &P[2]] };

const A: [[f64; 3]; 3] = [
    [(88.0 - 7.0 * SQRT6) / 360.0, (296.0 - 169.0 * SQRT6) / 1800.0, (-2.0 + 3.0 * SQRT6) / 225.0],
    [(296.0 + 169.0 * SQRT6) / 1800.0, (88.0 + 7.0 * SQRT6) / 360.0, (-2.0 - 3.0 * SQRT6) / 225.0],
    [(16.0 - SQRT6) / 36.0, (16.0 + SQRT6) / 36.0, 1.0 / 9.0],
];

/// The collocation polynomial through `0, z₁, z₂, z₃`: `y(t + θh) = y + Σ_i z_i Σ_p P[i][p] θ^(p+1)`.
pub(super) const P: [[f64; 3]; 3] = [
    [13.0 / 3.0 + 7.0 * SQRT6 / 3.0, -23.0 / 3.0 - 22.0 * SQRT6 / 3.0, 10.0 / 3.0 + 5.0 * SQRT6],
    [13.0 / 3.0 - 7.0 * SQRT6 / 3.0, -23.0 / 3.0 + 22.0 * SQRT6 / 3.0, 10.0 / 3.0 - 5.0 * SQRT6],
    [1.0 / 3.0, -8.0 / 3.0, 10.0 / 3.0],
];

/// Weights of `z₁, z₂, z₃` in the collocation polynomial at `θ`.
pub(super) fn collocation<R: Real>(theta: R) -> [R; 3] {
    P.map(|row| row.iter().rev().fold(R::zero(), |sum, &p| (sum + R::from_f64(p)) * theta))
}

/// `to = (M ⊗ I) from`, both `[3, n]`.
pub(super) fn transform<R: Real>(matrix: &[[f64; 3]; 3], n: usize, from: &[R], to: &mut [R]) {
    let rows = matrix.map(|row| row.map(R::from_f64));
    for (i, row) in rows.iter().enumerate() {
        for j in 0..n {
            to[i * n + j] = row[0] * from[j] + row[1] * from[n + j] + row[2] * from[2 * n + j];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vecfield_linalg::{Complex, Lu};

    fn product(a: &[[f64; 3]; 3], b: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
        core::array::from_fn(|i| core::array::from_fn(|j| (0..3).map(|k| a[i][k] * b[k][j]).sum()))
    }

    fn assert_near(a: &[[f64; 3]; 3], b: &[[f64; 3]; 3]) {
        for (a, b) in a.as_flattened().iter().zip(b.as_flattened()) {
            assert!((a - b).abs() < 1e-14, "{a} and {b}");
        }
    }

    #[test]
    fn the_basis_diagonalises_the_method() {
        let identity = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        assert_near(&product(&T, &T_INVERSE), &identity);
        // A T Λ = T with Λ = diag(γ, [[α, -β], [β, α]]), that is Λ = T⁻¹ A⁻¹ T.
        let blocks = [[GAMMA, 0.0, 0.0], [0.0, ALPHA, -BETA], [0.0, BETA, ALPHA]];
        assert_near(&product(&A, &product(&T, &blocks)), &T);
    }

    #[test]
    fn the_stages_are_collocation_at_the_radau_points() {
        for (i, &c) in C.iter().enumerate() {
            for q in 1..=3 {
                let sum: f64 = (0..3).map(|j| A[i][j] * C[j].powi(q - 1)).sum();
                assert!((sum - c.powi(q) / f64::from(q)).abs() < 1e-15);
            }
            let weights = collocation(c);
            for (j, weight) in weights.iter().enumerate() {
                assert!((weight - f64::from(u8::from(i == j))).abs() < 1e-14);
            }
        }
        // b = last row of A: order five.
        for q in 1..=5 {
            let sum: f64 = (0..3).map(|j| A[2][j] * C[j].powi(q - 1)).sum();
            assert!((sum - 1.0 / f64::from(q)).abs() < 1e-15);
        }
    }

    /// `R(z) = 1 + z bᵀ (I - zA)⁻¹ 1` for `y' = λy`, as the last stage of the solution of the stage equations.
    fn stability_function(re: f64, im: f64) -> Complex<f64> {
        let z = Complex::new(re, im);
        let one = Complex::new(1.0, 0.0);
        let matrix: Vec<Complex<f64>> = (0..9)
            .map(|at| {
                let (i, j) = (at / 3, at % 3);
                let entry = Complex::new(-A[i][j], 0.0) * z;
                if i == j { entry + one } else { entry }
            })
            .collect();
        let mut lu = Lu::new(3);
        lu.factorize(&matrix).unwrap();
        let mut stages = [one; 3];
        lu.solve(&mut stages);
        stages[2] // stiffly accurate
    }

    #[test]
    fn the_method_is_l_stable() {
        let size = |z: Complex<f64>| z.re.hypot(z.im);
        for power in -3..=8 {
            for digit in 1..10 {
                let y = f64::from(digit) * 10.0_f64.powi(power);
                for re in [0.0, -0.1 * y, -y, -10.0 * y] {
                    assert!(size(stability_function(re, y)) <= 1.0 + 1e-14, "at {re} + {y}i");
                }
            }
        }
        assert!(size(stability_function(-1e9, 0.0)) < 1e-8);
        assert!(size(stability_function(0.0, 1e9)) < 1e-8);
        assert!((stability_function(-0.1, 0.0).re - (-0.1_f64).exp()).abs() < 1e-9);
    }
}
