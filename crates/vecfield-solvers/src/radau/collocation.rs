//! The coefficients of Radau IIA, and what is made of them without a field.

use vecfield_traits::Real;

use crate::combine::Term;

const SQRT6: f64 = 2.449_489_742_783_178;

/// Stages of the largest method.
pub(super) const LARGEST: usize = 7;

/// A method of Radau IIA with what its stepper needs to know.
#[derive(Debug)]
pub(super) struct RadauTable {
    /// `2s - 1`.
    pub(super) order: u32,
    pub(super) method: Collocation,
    /// `γ`, the real eigenvalue of the inverse of the Runge–Kutta matrix.
    pub(super) gamma: f64,
    /// `α + iβ`, one of each pair of the others.
    pub(super) pairs: &'static [[f64; 2]],
    /// `T`: the basis in which that inverse is block-diagonal, `γ` and `[[α, -β], [β, α]]` (Hairer–Wanner II, IV.8).
    pub(super) basis: &'static [&'static [f64]],
    /// `T⁻¹`.
    pub(super) inverse: &'static [&'static [f64]],
    /// Weights of `z` in the error estimate of order `s`: those of the quadrature through `0` (with the weight `1/γ`) and the
    /// points, less the method's (Hairer–Wanner II, IV.8, eq. (8.20)).
    pub(super) error: &'static [f64],
    /// `1/(c_i Π(c_i - c_j))` over the other points.
    pub(super) scales: &'static [f64],
    /// The largest value of `|θ Π(θ - c_i)|` for `θ` in `[0, 1]`.
    pub(super) largest_nodes: f64,
}

impl RadauTable {
    /// `s`, the number of stages.
    pub(super) fn stages(&self) -> usize {
        self.method.c.len()
    }

    /// `θ Π(θ - c_i)`.
    pub(super) fn nodes<R: Real>(&self, theta: R) -> R {
        self.method.c.iter().fold(theta, |product, &c| product * (theta - R::from_f64(c)))
    }

    /// Weights of `z_i` in the collocation polynomial at `θ`, zeros behind them: Lagrange's, whose products lose less to
    /// rounding than powers of `θ` do.
    pub(super) fn collocation<R: Real>(&self, theta: R) -> [Term<R>; LARGEST] {
        let c = self.method.c;
        let mut weights = core::array::from_fn(|slot| Term { weight: R::zero(), slot });
        for (i, (term, scale)) in weights.iter_mut().zip(self.scales).enumerate() {
            term.weight = theta * R::from_f64(*scale);
            for (_, other) in c.iter().enumerate().filter(|(j, _)| *j != i) {
                term.weight *= theta - R::from_f64(*other);
            }
        }
        weights
    }
}

/// A square matrix of a table, at hand.
#[inline(always)]
pub(super) fn rows<R: Real, const S: usize>(matrix: &[&[f64]]) -> [[R; S]; S] {
    core::array::from_fn(|i| core::array::from_fn(|j| R::from_f64(matrix[i][j])))
}

/// `to = (M ⊗ I) from`, both `[S, n]`.
#[inline(always)]
pub(super) fn transform<R: Real, const S: usize>(matrix: &[[R; S]; S], n: usize, from: &[R], to: &mut [R]) {
    let from: [&[R]; S] = core::array::from_fn(|stage| &from[stage * n..][..n]);
    for (row, to) in matrix.iter().zip(to[..S * n].chunks_exact_mut(n)) {
        for (j, to) in to.iter_mut().enumerate() {
            let mut sum = row[0] * from[0][j];
            for stage in 1..S {
                sum += row[stage] * from[stage][j];
            }
            *to = sum;
        }
    }
}

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

/// The method of order five.
pub(crate) const FIFTH: &Collocation = &RADAU5.method;

/// Radau IIA with three stages (Hairer–Wanner II, IV.5, Table 5.6).
pub(super) const RADAU5: RadauTable = RadauTable {
    order: 5,
    method: Collocation {
        a: &[
            &[(88.0 - 7.0 * SQRT6) / 360.0, (296.0 - 169.0 * SQRT6) / 1800.0, (-2.0 + 3.0 * SQRT6) / 225.0],
            &[(296.0 + 169.0 * SQRT6) / 1800.0, (88.0 + 7.0 * SQRT6) / 360.0, (-2.0 - 3.0 * SQRT6) / 225.0],
            &[(16.0 - SQRT6) / 36.0, (16.0 + SQRT6) / 36.0, 1.0 / 9.0],
        ],
        c: &[(4.0 - SQRT6) / 10.0, (4.0 + SQRT6) / 10.0, 1.0],
        end: &[0.0, 0.0, 1.0],
        dense: &[
            &[13.0 / 3.0 + 7.0 * SQRT6 / 3.0, -23.0 / 3.0 - 22.0 * SQRT6 / 3.0, 10.0 / 3.0 + 5.0 * SQRT6],
            &[13.0 / 3.0 - 7.0 * SQRT6 / 3.0, -23.0 / 3.0 + 22.0 * SQRT6 / 3.0, 10.0 / 3.0 - 5.0 * SQRT6],
            &[1.0 / 3.0, -8.0 / 3.0, 10.0 / 3.0],
        ],
    },
    gamma: 3.637_834_252_744_496,
    pairs: &[[2.681_082_873_627_752, -3.050_430_199_247_411]],
    basis: &[
        &[0.094_438_762_488_975_24, -0.141_255_295_020_954_2, 0.030_029_194_105_147_42],
        &[0.250_213_122_965_333_3, 0.204_129_352_293_799_94, -0.382_942_112_757_261_9],
        &[1.0, 1.0, 0.0],
    ],
    inverse: &[
        &[4.178_718_591_551_904, 0.327_682_820_761_062_4, 0.523_376_445_499_449_5],
        &[-4.178_718_591_551_904, -0.327_682_820_761_062_4, 0.476_623_554_500_550_4],
        &[0.502_872_634_945_786_8, -2.571_926_949_855_605, 0.596_039_204_828_224_9],
    ],
    error: &[(-13.0 - 7.0 * SQRT6) / 3.0, (-13.0 + 7.0 * SQRT6) / 3.0, -1.0 / 3.0],
    // 1/(c_1 (c_1 - c_2)(c_1 - 1)) and so on are the leading coefficients of the powers.
    scales: &[10.0 / 3.0 + 5.0 * SQRT6, 10.0 / 3.0 - 5.0 * SQRT6, 10.0 / 3.0],
    largest_nodes: 0.018_253_561,
};

#[cfg(test)]
mod tests {
    use super::super::tables::{RADAU9, RADAU13};
    use super::*;
    use vecfield_linalg::{Complex, Lu};

    const ALL: [&RadauTable; 3] = [&RADAU5, &RADAU9, &RADAU13];

    fn product(a: &[Vec<f64>], b: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let entry = |row: &Vec<f64>, j: usize| row.iter().zip(b).map(|(x, other)| x * other[j]).sum();
        a.iter().map(|row| (0..b.len()).map(|j| entry(row, j)).collect()).collect()
    }

    fn owned(rows: &[&[f64]]) -> Vec<Vec<f64>> {
        rows.iter().map(|row| row.to_vec()).collect()
    }

    /// Equal to rounding of terms as large as `size`.
    fn assert_near(a: &[Vec<f64>], b: &[Vec<f64>], size: f64) {
        for (a, b) in a.iter().flatten().zip(b.iter().flatten()) {
            assert!((a - b).abs() < 4e-15 * size, "{a} and {b}");
        }
    }

    #[test]
    fn the_basis_diagonalises_the_method() {
        for table in ALL {
            let s = table.stages();
            let (basis, inverse) = (owned(table.basis), owned(table.inverse));
            let unit = |i: usize, j: usize| f64::from(u8::from(i == j));
            let identity: Vec<Vec<f64>> = (0..s).map(|i| (0..s).map(|j| unit(i, j)).collect()).collect();
            let size = |m: &[Vec<f64>]| m.iter().flatten().fold(1.0_f64, |size, x| size.max(x.abs()));
            assert_near(&product(&inverse, &basis), &identity, size(&inverse));
            // A T Λ = T with Λ = diag(γ, [[α, -β], [β, α]], ..), that is Λ = T⁻¹ A⁻¹ T.
            let mut blocks = vec![vec![0.0; s]; s];
            blocks[0][0] = table.gamma;
            for (pair, [alpha, beta]) in table.pairs.iter().enumerate() {
                let at = 1 + 2 * pair;
                (blocks[at][at], blocks[at][at + 1]) = (*alpha, -beta);
                (blocks[at + 1][at], blocks[at + 1][at + 1]) = (*beta, *alpha);
            }
            assert_near(&product(&owned(table.method.a), &product(&basis, &blocks)), &basis, 10.0);
        }
    }

    #[test]
    fn the_stages_are_collocation_at_the_radau_points() {
        for table in ALL {
            let (a, c, s) = (table.method.a, table.method.c, table.stages());
            assert_eq!(table.order as usize, 2 * s - 1);
            let moment =
                |row: &[f64], q: u32| -> f64 { row.iter().zip(c).map(|(a, c)| a * c.powi(q as i32 - 1)).sum() };
            for (i, &at) in c.iter().enumerate() {
                for q in 1..=s as u32 {
                    assert!((moment(a[i], q) - at.powi(q as i32) / f64::from(q)).abs() < 1e-15);
                }
                let weights = table.collocation(at);
                for (j, term) in weights.iter().take(s).enumerate() {
                    assert!((term.weight - f64::from(u8::from(i == j))).abs() < 1e-14);
                }
            }
            // b = last row of A: the order of the quadrature is that of the method.
            for q in 1..=table.order {
                assert!((moment(a[s - 1], q) - 1.0 / f64::from(q)).abs() < 1e-15, "order {}: moment {q}", table.order);
            }
        }
    }

    #[test]
    fn powers_and_products_are_one_polynomial() {
        for table in ALL {
            for theta in [0.1, 0.5, 0.9, 1.0] {
                let weights = table.collocation(theta);
                for (row, Term { weight, .. }) in table.method.dense.iter().zip(weights) {
                    let powers = row.iter().rev().fold(0.0, |sum, w| (sum + w) * theta);
                    let size = row.iter().fold(1.0_f64, |size, w| size.max(w.abs()));
                    assert!((powers - weight).abs() < 1e-14 * size, "order {}", table.order);
                }
            }
        }
    }

    /// `γ(b̂ - b)ᵀ A⁻¹` applied to `z = h A f` is `γ h (b̂ - b)ᵀ f`; with `f(y)` of weight `1/γ` in `b̂` the difference of the
    /// two quadratures vanishes for polynomials of degree below `s`.
    #[test]
    fn the_error_estimate_is_of_order_s() {
        for table in ALL {
            let (c, s) = (table.method.c, table.stages() as i32);
            // y = t^q: z_i = c_i^q, and the rate at the beginning is 1 for q = 1, else 0.
            for q in 1..=s {
                let sum: f64 = table.error.iter().zip(c).map(|(e, c)| e * c.powi(q)).sum();
                let rate = f64::from(u8::from(q == 1));
                assert!((sum + rate).abs() < 1e-13, "order {}: degree {q} leaves {}", table.order, sum + rate);
            }
            let next: f64 = table.error.iter().zip(c).map(|(e, c)| e * c.powi(s + 1)).sum();
            assert!(next.abs() > 1e-6, "order {}", table.order);
        }
    }

    #[test]
    fn the_largest_value_of_the_nodes_is_known() {
        for table in ALL {
            let largest = (0..=10_000).fold(0.0_f64, |most, i| most.max(table.nodes(f64::from(i) / 1e4).abs()));
            assert!((largest / table.largest_nodes - 1.0).abs() < 1e-4, "order {}: {largest}", table.order);
        }
    }

    /// `R(z) = 1 + z bᵀ (I - zA)⁻¹ 1` for `y' = λy`, as the last stage of the solution of the stage equations.
    fn stability_function(table: &RadauTable, re: f64, im: f64) -> Complex<f64> {
        let (z, one, s) = (Complex::new(re, im), Complex::new(1.0, 0.0), table.stages());
        let mut matrix = vec![];
        for (i, row) in table.method.a.iter().enumerate() {
            for (j, a) in row.iter().enumerate() {
                let entry = Complex::new(-a, 0.0) * z;
                matrix.push(if i == j { entry + one } else { entry });
            }
        }
        let mut lu = Lu::new(s);
        lu.factorize(&matrix).unwrap();
        let mut stages = vec![one; s];
        lu.solve(&mut stages);
        stages[s - 1] // stiffly accurate
    }

    #[test]
    fn the_methods_are_l_stable() {
        let size = |z: Complex<f64>| z.re.hypot(z.im);
        for table in ALL {
            for power in -3..=8 {
                for digit in 1..10 {
                    let y = f64::from(digit) * 10.0_f64.powi(power);
                    for re in [0.0, -0.1 * y, -y, -10.0 * y] {
                        let growth = size(stability_function(table, re, y));
                        assert!(growth <= 1.0 + 1e-12, "order {}: {growth} at {re} + {y}i", table.order);
                    }
                }
            }
            assert!(size(stability_function(table, -1e9, 0.0)) < 1e-7);
            assert!(size(stability_function(table, 0.0, 1e9)) < 1e-7);
            assert!((stability_function(table, -0.1, 0.0).re - (-0.1_f64).exp()).abs() < 1e-9);
        }
    }
}
