//! The coefficients of Gauss–Legendre methods, and what is made of them without a field.

use vecfield_traits::Real;

/// Every Gauss–Legendre method, lowest order first.
pub const ALL: &[&GaussTableau] = &[&GAUSS_2, &GAUSS_4, &GAUSS_6];

/// Collocation at the zeros of a Legendre polynomial.
///
/// In the `basis` `T` (columns) the inverse of `A` is block-diagonal, `T⁻¹ A⁻¹ T = diag(γ, [[α, -β], [β, α]])`, with either
/// block left out where there is none.
#[derive(Debug)]
pub struct GaussTableau {
    /// As users type it after `--method`.
    pub name: &'static str,
    /// The global error is `O(hᵖ)`, with `p` twice the number of stages.
    pub order: u32,
    /// The Gauss points, ascending.
    pub c: &'static [f64],
    /// Stage weights, row by row.
    pub a: &'static [&'static [f64]],
    /// The real eigenvalue `γ` of `A⁻¹`.
    pub gamma: Option<f64>,
    /// The complex eigenvalues `α ± iβ` of `A⁻¹`.
    pub pair: Option<(f64, f64)>,
    /// `T`.
    pub basis: &'static [&'static [f64]],
    /// `T⁻¹`.
    pub inverse: &'static [&'static [f64]],
    /// What the method is for, in a few words.
    pub when: &'static str,
    /// Where it was published.
    pub source: &'static str,
}

const SQRT3: f64 = 1.732_050_807_568_877_2;
const SQRT15: f64 = 3.872_983_346_207_417;

/// The implicit midpoint rule.
pub const GAUSS_2: GaussTableau = GaussTableau {
    name: "gauss2",
    order: 2,
    c: &[0.5],
    a: &[&[0.5]],
    gamma: Some(2.0),
    pair: None,
    basis: &[&[1.0]],
    inverse: &[&[1.0]],
    when: "the implicit midpoint rule: Hamiltonians that do not separate, at low accuracy",
    source: "Hairer-Lubich-Wanner II.1.3 and VI.4; Hairer-Wanner II, IV.5",
};

/// Hammer and Hollingsworth's method: two stages.
pub const GAUSS_4: GaussTableau = GaussTableau {
    name: "gauss4",
    order: 4,
    c: &[0.5 - SQRT3 / 6.0, 0.5 + SQRT3 / 6.0],
    a: &[&[0.25, 0.25 - SQRT3 / 6.0], &[0.25 + SQRT3 / 6.0, 0.25]],
    gamma: None,
    pair: Some((3.0, SQRT3)),
    basis: &[&[0.0, 2.0 - SQRT3], &[1.0, 0.0]],
    inverse: &[&[0.0, 1.0], &[2.0 + SQRT3, 0.0]],
    when: "long runs of Hamiltonians that do not separate",
    source: "Hammer and Hollingsworth 1955; Hairer-Lubich-Wanner II.1.3",
};

/// Kuntzmann and Butcher's method: three stages.
pub const GAUSS_6: GaussTableau = GaussTableau {
    name: "gauss6",
    order: 6,
    c: &[0.5 - SQRT15 / 10.0, 0.5, 0.5 + SQRT15 / 10.0],
    a: &[
        &[5.0 / 36.0, 2.0 / 9.0 - SQRT15 / 15.0, 5.0 / 36.0 - SQRT15 / 30.0],
        &[5.0 / 36.0 + SQRT15 / 24.0, 2.0 / 9.0, 5.0 / 36.0 - SQRT15 / 24.0],
        &[5.0 / 36.0 + SQRT15 / 30.0, 2.0 / 9.0 + SQRT15 / 15.0, 5.0 / 36.0],
    ],
    gamma: Some(4.644_370_709_252_171),
    pair: Some((3.677_814_645_373_914_4, 3.508_761_919_567_443_3)),
    basis: &[
        &[0.072_151_852_055_200_17, -0.082_241_230_573_630_67, -0.060_120_738_619_308_5],
        &[0.118_832_578_741_277_81, 0.053_065_090_742_061_394, 0.316_205_051_132_291_6],
        &[1.0, 1.0, 0.0],
    ],
    inverse: &[
        &[5.991_698_084_937_801, 1.139_214_295_155_735_4, 0.432_312_113_783_858_36],
        &[-5.991_698_084_937_801, -1.139_214_295_155_735_4, 0.567_687_886_216_141_6],
        &[-1.246_213_273_586_231_5, 2.925_559_646_192_313_7, -0.257_735_201_273_432_5],
    ],
    when: "long runs of Hamiltonians that do not separate, at high accuracy",
    source: "Kuntzmann 1961, Butcher 1964; Hairer-Lubich-Wanner II.1.3",
};

/// Weights of an error estimate: `Σ start_i z_i - h rate f(t, y)`, and the same with `end` and the field at the end.
#[derive(Debug, Clone)]
pub(super) struct Estimate<R> {
    pub(super) rate: R,
    pub(super) start: Vec<R>,
    pub(super) end: Vec<R>,
}

impl GaussTableau {
    /// `s`, the number of stages.
    pub const fn stages(&self) -> usize {
        self.c.len()
    }

    /// `d_i`, the weight of `z_i` in the end of the step.
    pub fn end(&self, i: usize) -> f64 {
        lagrange(self.c, i, 1.0)
    }

    /// The power of `h` in the error estimate.
    pub(super) const fn estimated(&self) -> u32 {
        self.order / 2 + 1
    }

    /// The defect `h (u' - f(u))` of the collocation polynomial at both ends of the step, an `O(h^(s+1))`.
    ///
    /// Combinations of the two of a higher order vanish for every linear field of constant coefficients, where the defect is
    /// a multiple of `Π (θ - c_i)`: they would let any step pass.
    pub(super) fn estimate<R: Real>(&self) -> Estimate<R> {
        let slopes = |theta: f64| (0..self.stages()).map(|k| R::from_f64(slope(self.c, k, theta) / SCALE)).collect();
        Estimate { rate: R::from_f64(1.0 / SCALE), start: slopes(0.0), end: slopes(1.0) }
    }
}

/// What divides the defect: six makes that of the midpoint rule `h² y″/12`, as its error over a unit of time.
const SCALE: f64 = 6.0;

/// The polynomial through the origin that is one at `c_k` and zero at the other points, at `θ`.
pub(super) fn lagrange<R: Real>(c: &[R], k: usize, theta: R) -> R {
    let others = c.iter().enumerate().filter(|(i, _)| *i != k);
    others.fold(theta / c[k], |product, (_, &x)| product * (theta - x) / (c[k] - x))
}

/// The slope of that polynomial at `θ`.
fn slope(c: &[f64], k: usize, theta: f64) -> f64 {
    let nodes: Vec<f64> = [0.0].iter().chain(c).copied().collect();
    let k = k + 1;
    let size: f64 = nodes.iter().enumerate().filter(|(i, _)| *i != k).map(|(_, x)| nodes[k] - x).product();
    let without = |left_out: usize| -> f64 {
        let others = nodes.iter().enumerate().filter(|(i, _)| *i != k && *i != left_out);
        others.map(|(_, x)| theta - x).product()
    };
    (0..nodes.len()).filter(|&i| i != k).map(without).sum::<f64>() / size
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `Σ_k a_ik b_kj`.
    fn product(a: &[Vec<f64>], b: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let entry = |row: &[f64], j: usize| row.iter().zip(b).map(|(a, b)| a * b[j]).sum();
        a.iter().map(|row| (0..b.len()).map(|j| entry(row, j)).collect()).collect()
    }

    fn assert_near(a: &[Vec<f64>], b: &[Vec<f64>]) {
        for (a, b) in a.iter().flatten().zip(b.iter().flatten()) {
            assert!((a - b).abs() < 1e-14, "{a} and {b}");
        }
    }

    fn matrix(rows: &[&[f64]]) -> Vec<Vec<f64>> {
        rows.iter().map(|row| row.to_vec()).collect()
    }

    #[test]
    fn the_basis_diagonalises_the_method() {
        for method in ALL {
            let s = method.stages();
            let (mut blocks, mut identity) = (vec![vec![0.0; s]; s], vec![vec![0.0; s]; s]);
            let mut at = 0;
            if let Some(gamma) = method.gamma {
                blocks[0][0] = gamma;
                at = 1;
            }
            if let Some((alpha, beta)) = method.pair {
                (blocks[at][at], blocks[at][at + 1]) = (alpha, -beta);
                (blocks[at + 1][at], blocks[at + 1][at + 1]) = (beta, alpha);
            }
            (0..s).for_each(|i| identity[i][i] = 1.0);
            let (basis, inverse) = (matrix(method.basis), matrix(method.inverse));
            assert_near(&product(&basis, &inverse), &identity);
            // A T Λ = T.
            assert_near(&product(&matrix(method.a), &product(&basis, &blocks)), &basis);
        }
    }

    #[test]
    fn the_stages_are_collocation_at_the_gauss_points() {
        for method in ALL {
            let s = method.stages();
            for q in 1..=s {
                for (row, c) in method.a.iter().zip(method.c) {
                    let sum: f64 = row.iter().zip(method.c).map(|(a, c)| a * c.powi(q as i32 - 1)).sum();
                    assert!((sum - c.powi(q as i32) / q as f64).abs() < 1e-15, "{}", method.name);
                }
            }
            // b = Aᵀ d integrates polynomials of degree up to 2s - 1.
            let b: Vec<f64> =
                (0..s).map(|j| (0..s).map(|i| lagrange(method.c, i, 1.0) * method.a[i][j]).sum()).collect();
            for q in 1..=2 * s {
                let sum: f64 = b.iter().zip(method.c).map(|(b, c)| b * c.powi(q as i32 - 1)).sum();
                assert!((sum - 1.0 / q as f64).abs() < 1e-15, "{} at {q}", method.name);
            }
            // Symplectic: b_i a_ij + b_j a_ji = b_i b_j (Hairer–Lubich–Wanner VI.4, theorem 4.3).
            for i in 0..s {
                for j in 0..s {
                    let defect = b[i] * method.a[i][j] + b[j] * method.a[j][i] - b[i] * b[j];
                    assert!(defect.abs() < 1e-16, "{}: {defect:e}", method.name);
                }
            }
        }
    }

    #[test]
    fn the_estimate_is_the_slope_of_polynomials_of_the_degree_of_the_stages() {
        for method in ALL {
            let Estimate { rate, start, end } = method.estimate::<f64>();
            for q in 1..=method.stages() as i32 {
                for (theta, weights) in [(0.0, &start), (1.0, &end)] {
                    let found: f64 = weights.iter().zip(method.c).map(|(w, c)| w * c.powi(q)).sum();
                    let slope = rate * f64::from(q) * f64::powi(theta, q - 1);
                    assert!((found - slope).abs() < 1e-14, "{} at {q}, {theta}: {found}", method.name);
                }
            }
        }
    }
}
