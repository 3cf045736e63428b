//! Normal equations of the shape a multiple-shooting fit has: constants shared by all windows, an initial state for each.
//!
//! ```text
//!         ⎡ A   B₁ᵀ B₂ᵀ … ⎤      A  [p, p]   shared constants
//! JᵀWJ =  ⎢ B₁  D₁        ⎥      Bₖ [d, p]
//!         ⎣ B₂      D₂  … ⎦      Dₖ [d, d]   start of window k
//! ```
//!
//! The windows are eliminated one by one (Schur complement `M = A - Σ Bₖᵀ Dₖ⁻¹ Bₖ`), so a solve costs
//! `O(K (d³ + d²p + dp²) + p³)` instead of `O((p + Kd)³)`: linear in the number of windows `K`.

use vecfield_linalg::{Cholesky, LinalgError};

/// An arrow-shaped `JᵀWJ` and `JᵀWr`, accumulated row by row; unknowns are the shared ones, then window by window.
#[derive(Debug, Clone)]
pub(crate) struct Arrow {
    p: usize,
    d: usize,
    windows: usize,
    a: Vec<f64>,
    b: Vec<f64>,
    c: Vec<f64>,
    /// `JᵀWr`.
    g: Vec<f64>,
    // Scratch of `solve`, kept so that it does not allocate.
    schur: Vec<f64>,
    block: Vec<f64>,
    column: Vec<f64>,
    shared_factor: Cholesky<f64>,
    block_factor: Cholesky<f64>,
}

impl Arrow {
    /// Room for `p` shared unknowns and `windows` blocks of `d`.
    pub(crate) fn new(p: usize, d: usize, windows: usize) -> Self {
        Self {
            p,
            d,
            windows,
            a: vec![0.0; p * p],
            b: vec![0.0; windows * d * p],
            c: vec![0.0; windows * d * d],
            g: vec![0.0; p + windows * d],
            schur: vec![0.0; p * p],
            block: vec![0.0; d * d],
            column: vec![0.0; d],
            shared_factor: Cholesky::new(p),
            block_factor: Cholesky::new(d),
        }
    }

    /// Number of unknowns.
    pub(crate) fn unknowns(&self) -> usize {
        self.g.len()
    }

    /// Forgets every row.
    pub(crate) fn clear(&mut self) {
        for part in [&mut self.a, &mut self.b, &mut self.c, &mut self.g] {
            part.fill(0.0);
        }
    }

    /// `JᵀWr`.
    pub(crate) fn pull(&self) -> &[f64] {
        &self.g
    }

    /// Adds one residual `r` of weight `w`, with the derivatives of its prediction by the shared unknowns at `active` (increasing)
    /// and by the window's `own` (`[d]`).
    pub(crate) fn add(&mut self, window: usize, active: &[usize], shared: &[f64], own: &[f64], r: f64, w: f64) {
        let (p, d) = (self.p, self.d);
        for (i, (&row, s)) in active.iter().zip(shared).enumerate() {
            let wi = w * s;
            self.g[row] += wi * r;
            for (&column, s) in active[..=i].iter().zip(shared) {
                self.a[row * p + column] += wi * s;
            }
        }
        let (b, c) = (&mut self.b[window * d * p..], &mut self.c[window * d * d..]);
        for i in 0..d {
            let wi = w * own[i];
            self.g[p + window * d + i] += wi * r;
            for (&column, s) in active.iter().zip(shared) {
                b[i * p + column] += wi * s;
            }
            for j in 0..=i {
                c[i * d + j] += wi * own[j];
            }
        }
    }

    /// Adds one residual that a single shared unknown moves, of weight one.
    pub(crate) fn add_one(&mut self, index: usize, slope: f64, r: f64) {
        self.g[index] += slope * r;
        self.a[index * self.p + index] += slope * slope;
    }

    /// Writes the diagonal of `JᵀWJ`.
    pub(crate) fn diagonal_into(&self, out: &mut [f64]) {
        let (p, d) = (self.p, self.d);
        for i in 0..p {
            out[i] = self.a[i * p + i];
        }
        for (q, out) in out[p..].iter_mut().enumerate() {
            let (k, i) = (q / d, q % d);
            *out = self.c[k * d * d + i * d + i];
        }
    }

    /// Solves `(JᵀWJ + diag(damping)) step = -gradient` over the unknowns with `free[i]`; the others' steps are zero.
    pub(crate) fn solve(
        &mut self,
        damping: &[f64],
        gradient: &[f64],
        free: &[bool],
        step: &mut [f64],
    ) -> Result<(), LinalgError> {
        let (p, d) = (self.p, self.d);
        for i in 0..step.len() {
            step[i] = if free[i] { -gradient[i] } else { 0.0 };
        }
        self.fill_shared(&damping[..p]);
        for k in 0..self.windows {
            self.eliminate(k, damping, free)?;
            let (shared, own) = step.split_at_mut(p);
            let own = &mut own[k * d..(k + 1) * d];
            self.block_factor.solve(own); // D⁻¹ g
            let b = &self.b[k * d * p..(k + 1) * d * p];
            for i in (0..d).filter(|i| free[p + k * d + i]) {
                for j in 0..p {
                    shared[j] -= b[i * p + j] * own[i];
                }
            }
        }
        for i in (0..p).filter(|&i| !free[i]) {
            step[i] = 0.0;
            for j in 0..p {
                self.schur[i * p + j] = 0.0;
                self.schur[j * p + i] = 0.0;
            }
            self.schur[i * p + i] = 1.0;
        }
        self.shared_factor.factorize(&self.schur)?;
        self.shared_factor.solve(&mut step[..p]);
        for k in 0..self.windows {
            self.factor_block(k, damping, free)?;
            let (shared, own) = step.split_at_mut(p);
            let own = &mut own[k * d..(k + 1) * d];
            let b = &self.b[k * d * p..(k + 1) * d * p];
            for i in 0..d {
                let coupled: f64 = (0..p).map(|j| b[i * p + j] * shared[j]).sum();
                self.column[i] = if free[p + k * d + i] { coupled } else { 0.0 };
            }
            self.block_factor.solve(&mut self.column);
            for i in 0..d {
                own[i] -= self.column[i];
            }
        }
        Ok(())
    }

    /// `stepᵀ JᵀWJ step`.
    pub(crate) fn curvature(&self, step: &[f64]) -> f64 {
        let (p, d) = (self.p, self.d);
        let form = |m: &[f64], v: &[f64]| -> f64 {
            let n = v.len();
            (0..n).map(|i| v[i] * (m[i * n + i] * v[i] + 2.0 * (0..i).map(|j| m[i * n + j] * v[j]).sum::<f64>())).sum()
        };
        let shared = &step[..p];
        let mut sum = form(&self.a, shared);
        for k in 0..self.windows {
            let own = &step[p + k * d..p + (k + 1) * d];
            sum += form(&self.c[k * d * d..(k + 1) * d * d], own);
            let b = &self.b[k * d * p..(k + 1) * d * p];
            sum += 2.0 * (0..d).map(|i| own[i] * (0..p).map(|j| b[i * p + j] * shared[j]).sum::<f64>()).sum::<f64>();
        }
        sum
    }

    /// The information matrix of the shared unknowns with the windows' starts eliminated, `M` (`[p, p]`, symmetric).
    ///
    /// # Errors
    ///
    /// [`LinalgError`] when a window's start is not determined by its own data.
    pub(crate) fn information(&mut self, free: &[bool]) -> Result<&[f64], LinalgError> {
        let none = vec![0.0; self.unknowns()];
        self.fill_shared(&none[..self.p]);
        for k in 0..self.windows {
            self.eliminate(k, &none, free)?;
        }
        Ok(&self.schur)
    }

    fn fill_shared(&mut self, damping: &[f64]) {
        let p = self.p;
        for i in 0..p {
            for j in 0..=i {
                let value = self.a[i * p + j] + if i == j { damping[i] } else { 0.0 };
                self.schur[i * p + j] = value;
                self.schur[j * p + i] = value;
            }
        }
    }

    /// Subtracts `Bₖᵀ Dₖ⁻¹ Bₖ` from the Schur complement; leaves `Dₖ` factorised.
    fn eliminate(&mut self, k: usize, damping: &[f64], free: &[bool]) -> Result<(), LinalgError> {
        let (p, d) = (self.p, self.d);
        self.factor_block(k, damping, free)?;
        let b = &self.b[k * d * p..(k + 1) * d * p];
        let own_free = |i: usize| free[p + k * d + i];
        for j in 0..p {
            for i in 0..d {
                self.column[i] = if own_free(i) { b[i * p + j] } else { 0.0 };
            }
            self.block_factor.solve(&mut self.column);
            for q in 0..p {
                let coupled: f64 = (0..d).filter(|&i| own_free(i)).map(|i| b[i * p + q] * self.column[i]).sum();
                self.schur[q * p + j] -= coupled;
            }
        }
        Ok(())
    }

    /// Factorises the damped block of window `k`; held unknowns become unit rows.
    fn factor_block(&mut self, k: usize, damping: &[f64], free: &[bool]) -> Result<(), LinalgError> {
        let (p, d) = (self.p, self.d);
        let c = &self.c[k * d * d..(k + 1) * d * d];
        for i in 0..d {
            for j in 0..=i {
                let (own, other) = (p + k * d + i, p + k * d + j);
                self.block[i * d + j] = match (i == j, free[own] && free[other]) {
                    (true, true) => c[i * d + i] + damping[own],
                    (false, true) => c[i * d + j],
                    (true, false) => 1.0,
                    (false, false) => 0.0,
                };
            }
        }
        self.block_factor.factorize(&self.block)
    }
}

#[cfg(test)]
mod tests {
    use super::Arrow;
    use proptest::prelude::*;
    use vecfield_linalg::Lu;

    const P: usize = 3;
    const D: usize = 2;
    const K: usize = 4;
    const N: usize = P + K * D;

    proptest! {
        /// Elimination window by window solves the same system as a dense factorisation, held unknowns included.
        #[test]
        fn elimination_is_the_dense_solve(
            rows in prop::collection::vec((0..K, prop::array::uniform5(-1.0..1.0_f64), -1.0..1.0_f64, 0.1..2.0_f64), 60),
            damping in prop::collection::vec(0.01..1.0_f64, N),
            held in prop::collection::vec(prop::bool::weighted(0.2), N),
        ) {
            let mut arrow = Arrow::new(P, D, K);
            let (mut dense, mut pull) = (vec![0.0; N * N], vec![0.0; N]);
            for (k, row, r, w) in &rows {
                arrow.add(*k, &[0, 1, 2], &row[..P], &row[P..], *r, *w);
                let mut full = [0.0; N];
                full[..P].copy_from_slice(&row[..P]);
                full[P + k * D..P + (k + 1) * D].copy_from_slice(&row[P..]);
                for i in 0..N {
                    pull[i] += w * full[i] * r;
                    for j in 0..N {
                        dense[i * N + j] += w * full[i] * full[j];
                    }
                }
            }
            let gradient: Vec<f64> = pull.iter().map(|g| -g).collect();
            let free: Vec<bool> = held.iter().map(|h| !h).collect();
            let mut step = vec![0.0; N];
            arrow.solve(&damping, &gradient, &free, &mut step).unwrap();

            let quadratic: f64 = (0..N * N).map(|q| step[q / N] * dense[q] * step[q % N]).sum();
            prop_assert!((arrow.curvature(&step) - quadratic).abs() < 1e-9 * (1.0 + quadratic));

            for i in 0..N {
                dense[i * N + i] += damping[i];
                if !free[i] {
                    for j in 0..N {
                        dense[i * N + j] = 0.0;
                        dense[j * N + i] = 0.0;
                    }
                    dense[i * N + i] = 1.0;
                    pull[i] = 0.0;
                }
            }
            let mut lu = Lu::new(N);
            lu.factorize(&dense).unwrap();
            lu.solve(&mut pull);
            for (a, b) in step.iter().zip(&pull) {
                prop_assert!((a - b).abs() < 1e-8 * (1.0 + b.abs()), "{a} against {b}");
            }
        }
    }
}
