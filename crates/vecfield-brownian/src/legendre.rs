//! How Legendre coefficients of white noise go from an interval to its two parts and back.
//!
//! With `φ_k` the orthonormal Legendre polynomials on `[0, 1]`, `φ_k(r x) = Σ_{j≤k} a_kj(r) φ_j(x)`, and by the symmetry of
//! `φ_k` the part from `r` on has `(-1)^(k+j) a_kj(1 - r)` in its place. The coefficients of noise of unit strength over the
//! parts are then an isometry of those over the whole, completed to an orthogonal matrix by fresh normals.

/// The most coefficients of an interval: `W`, `H` and `K`.
pub(crate) const MOST: usize = 3;

/// `a_kj(r)`, lower triangular.
pub(crate) fn contraction(r: f64) -> [[f64; MOST]; MOST] {
    let (three, five, fifteen) = (3.0_f64.sqrt(), 5.0_f64.sqrt(), 15.0_f64.sqrt());
    [[1.0, 0.0, 0.0], [three * (r - 1.0), r, 0.0], [five * (2.0 * r - 1.0) * (r - 1.0), fifteen * r * (r - 1.0), r * r]]
}

/// For the left and the right part a matrix each.
type Parts = [[[f64; MOST]; MOST]; 2];

/// What the parts of an interval are made of: row `i` of a part's matrices gives its coefficient `i` from the coefficients of
/// the whole and from fresh normals. Beyond the number of terms everything is zero.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Split {
    pub(crate) whole: Parts,
    pub(crate) fresh: Parts,
}

impl Split {
    /// Of intervals with so many coefficients, at the share `r`, `0 < r < 1`.
    pub(crate) fn at(terms: usize, r: f64) -> Self {
        let (left, right) = (contraction(r), contraction(1.0 - r));
        let (left_scale, right_scale) = (r.sqrt(), (1.0 - r).sqrt());
        let mut whole = Parts::default();
        for j in 0..terms {
            for k in j..terms {
                let sign = if (j + k) % 2 == 0 { 1.0 } else { -1.0 };
                whole[0][j][k] = left_scale * left[k][j];
                whole[1][j][k] = sign * right_scale * right[k][j];
            }
        }
        Split { whole, fresh: complement(&whole, terms, if r <= 0.5 { 0 } else { 1 }) }
    }
}

/// An orthonormal basis of what is orthogonal to the columns of `whole`: Gram–Schmidt on the unit vectors of one part, the
/// smaller, which a polynomial over the whole cannot imitate.
fn complement(whole: &Parts, terms: usize, part: usize) -> Parts {
    let mut fresh = Parts::default();
    for column in 0..terms {
        let mut v = [[0.0; MOST]; 2];
        v[part][column] = 1.0;
        // Twice is enough (Kahan, in Parlett 1980): the second pass removes what rounding left of the first.
        for _ in 0..2 {
            for known in 0..terms {
                remove(&mut v, whole, known);
            }
            for known in 0..column {
                remove(&mut v, &fresh, known);
            }
        }
        let norm = v.iter().flatten().map(|x| x * x).sum::<f64>().sqrt();
        for (rows, v) in fresh.iter_mut().zip(v) {
            for (row, v) in rows.iter_mut().zip(v) {
                row[column] = v / norm;
            }
        }
    }
    fresh
}

/// Takes from `v` its part along a column.
fn remove(v: &mut [[f64; MOST]; 2], basis: &Parts, column: usize) {
    let rows = |part: usize, i: usize| basis[part][i][column];
    let mut along = 0.0;
    for part in 0..2 {
        for i in 0..MOST {
            along += v[part][i] * rows(part, i);
        }
    }
    for part in 0..2 {
        for i in 0..MOST {
            v[part][i] -= along * rows(part, i);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows are orthonormal: parts of independent standard normals are independent standard normals.
    fn is_orthogonal(terms: usize, r: f64) {
        let split = Split::at(terms, r);
        let row = |i: usize| [split.whole[i / terms][i % terms], split.fresh[i / terms][i % terms]].concat();
        for i in 0..2 * terms {
            for j in 0..2 * terms {
                let product: f64 = row(i).iter().zip(row(j)).map(|(a, b)| a * b).sum();
                let want = if i == j { 1.0 } else { 0.0 };
                assert!((product - want).abs() < 4e-15, "r = {r}, {terms} terms: rows {i} and {j} give {product}");
            }
        }
    }

    #[test]
    fn a_split_is_orthogonal() {
        for r in [1e-9, 0.003, 0.3, 0.5, 0.500001, 0.8, 0.9999999] {
            (1..=MOST).for_each(|terms| is_orthogonal(terms, r));
        }
    }

    /// Foster 2020: `W_{s,t} = W/2 + 3/2 H + Z` at the middle, with `H = -c₁ √h / √12`.
    #[test]
    fn the_middle_is_the_known_bridge() {
        let split = Split::at(2, 0.5);
        let of_h = split.whole[0][0][1] * 0.5_f64.sqrt() * -12.0_f64.sqrt();
        assert!((split.whole[0][0][0] * 0.5_f64.sqrt() - 0.5).abs() < 1e-15 && (of_h - 1.5).abs() < 1e-15);
    }
}
