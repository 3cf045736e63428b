//! Platen's explicit method of weak order two for Itô equations (Kloeden, Platen 1992, (15.1.1) and (15.1.3)): moments, not paths.
//!
//! ```text
//! y⁺ = y + h/2 (f(Υ) + f) + ¼ Σ_j [ (g_j(R⁺_j) + g_j(R⁻_j) + 2 g_j) + Σ_{r≠j} (g_j(U⁺_r) + g_j(U⁻_r) - 2 g_j) ] W_j
//!        + 1/(4√h) Σ_j [ (g_j(R⁺_j) - g_j(R⁻_j)) (W_j² - h) + Σ_{r≠j} (g_j(U⁺_r) - g_j(U⁻_r)) (W_j W_r + V_rj) ]
//! ```
//!
//! with `Υ = y + h f + Σ g_j W_j`, `R^±_j = y + h f ± √h g_j`, `U^±_r = y ± √h g_r`, and `V_rj = -V_jr = ±h`, a fair coin for
//! every pair, step and path.

use vecfield_kernels::{axpy, threefry};
use vecfield_traits::{DriftDiffusion, Layout};

use super::products::{each, strike};
use super::stepper::{Increment, SdeStepper, Size};

/// Steps of Platen's method.
#[derive(Debug, Clone)]
pub struct Platen {
    size: Size,
    f: Vec<f64>,
    f_end: Vec<f64>,
    g: Vec<f64>,
    /// At `+` and at `-`.
    aside: [Vec<f64>; 2],
    gw: Vec<f64>,
    stage: Vec<f64>,
    start: Vec<f64>,
    /// A column of the diffusion, `[dim, paths]`.
    column: Vec<f64>,
    /// What a column of differences is multiplied by.
    factor: [Vec<f64>; 2],
}

/// Tells the coins from the motion's own draws, whose second key word is below 2^34.
const COINS: u64 = 0x636f_696e_7300_0000;

impl Platen {
    pub(crate) fn new(size: Size) -> Self {
        let state = || size.state();
        Platen {
            size,
            f: state(),
            f_end: state(),
            g: size.diffusion(),
            aside: [size.diffusion(), size.diffusion()],
            gw: state(),
            stage: state(),
            start: state(),
            column: state(),
            factor: [vec![0.0; size.paths], vec![0.0; size.paths]],
        }
    }

    /// Evaluates the diffusion at `base ± √h g_j`.
    fn look_aside<F: DriftDiffusion<f64>>(&mut self, field: &F, t: f64, h: f64, work: &mut F::Workspace) {
        for (sign, g) in [1.0, -1.0].into_iter().zip(&mut self.aside) {
            self.stage.copy_from_slice(&self.start);
            axpy(sign * h.sqrt(), &self.column, &mut self.stage);
            field.diffusion(t, &self.stage, g, work);
        }
    }

    /// `y ← y + Σ_p (..)` with column `j` of both looks aside.
    fn add_column(&self, j: usize, less: f64, y: &mut [f64]) {
        let (m, paths) = (self.size.noise.columns, self.size.paths);
        let [sum, difference] = &self.factor;
        for (i, y) in y.chunks_exact_mut(paths).enumerate() {
            let at = (i * m + j) * paths;
            let (plus, minus, g) =
                (&self.aside[0][at..][..paths], &self.aside[1][at..][..paths], &self.g[at..][..paths]);
            each(paths, |p| {
                y[p] += 0.25 * ((plus[p] + minus[p] + less * g[p]) * sum[p] + (plus[p] - minus[p]) * difference[p]);
            });
        }
    }
}

impl<F: DriftDiffusion<f64>> SdeStepper<F> for Platen {
    fn step(&mut self, field: &F, over: &Increment<'_>, y: &mut [f64], work: &mut F::Workspace) {
        let &Increment { t, h, w, first_path, seed, .. } = over;
        let (paths, m, root) = (self.size.paths, self.size.noise.columns, h.sqrt());
        field.both(t, y, &mut self.f, &mut self.g, work);
        strike(self.size.noise, &self.g, w, &mut self.gw);
        self.stage.copy_from_slice(y);
        axpy(h, &self.f, &mut self.stage);
        axpy(1.0, &self.gw, &mut self.stage);
        field.drift(t + h, &self.stage, &mut self.f_end, work);
        let before = &mut self.start;
        before.copy_from_slice(y);
        axpy(0.5 * h, &self.f, y);
        axpy(0.5 * h, &self.f_end, y);
        if self.size.noise.layout == Layout::Diagonal {
            // Every component has a motion of its own, and its strength looks at no other.
            axpy(h, &self.f, &mut self.start);
            self.column.copy_from_slice(&self.g);
            self.look_aside(field, t, h, work);
            let ([plus, minus], g) = (&self.aside, &self.g);
            return each(y.len().min(w.len()), |i| {
                let squares = (w[i] * w[i] - h) / root;
                y[i] += 0.25 * ((plus[i] + minus[i] + 2.0 * g[i]) * w[i] + (plus[i] - minus[i]) * squares);
            });
        }
        for r in 0..m {
            for (i, column) in self.column.chunks_exact_mut(paths).enumerate() {
                column.copy_from_slice(&self.g[(i * m + r) * paths..][..paths]);
            }
            let w_r = &w[r * paths..][..paths];
            // U first: its base is the state itself.
            if m > 1 {
                self.look_aside(field, t, h, work);
            }
            for j in (0..m).filter(|&j| j != r) {
                let w_j = &w[j * paths..][..paths];
                let (key, up) = ([seed, COINS | (r.min(j) * m + r.max(j)) as u64], if r < j { h } else { -h });
                for p in 0..paths {
                    let coin = threefry(key, [t.to_bits(), first_path + p as u64])[0] & 1 == 0;
                    let v = if coin { up } else { -up };
                    (self.factor[0][p], self.factor[1][p]) = (w_j[p], (w_j[p] * w_r[p] + v) / root);
                }
                self.add_column(j, -2.0, y);
            }
            axpy(h, &self.f, &mut self.start);
            self.look_aside(field, t, h, work);
            for p in 0..paths {
                (self.factor[0][p], self.factor[1][p]) = (w_r[p], (w_r[p] * w_r[p] - h) / root);
            }
            self.add_column(r, 2.0, y);
            axpy(-h, &self.f, &mut self.start);
        }
    }
}
