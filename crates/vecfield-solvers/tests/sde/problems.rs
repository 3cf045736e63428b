//! Equations of every kind of noise, after both calculi.

use vecfield_traits::{Calculus, Dependence, DriftDiffusion, Layout, Noise};

/// An equation by its coefficients in Itô's sense, and what changes the drift to Stratonovich's.
#[derive(Clone, Copy)]
pub(super) struct Equation {
    pub(super) calculus: Calculus,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// Two components, three motions, strengths that change in time.
    Additive,
    /// `x = sinh(0.7 W + 0.3 t + arsinh x₀)`.
    Scalar,
    /// Two components, each with a strength of its own.
    Diagonal,
    /// Two motions whose matrices commute.
    Commutative,
    /// Two motions whose matrices do not.
    General,
}

const A: [[f64; 2]; 2] = [[0.3, 0.5], [-0.5, 0.3]];
const B: [[f64; 2]; 2] = [[0.1, -0.4], [0.4, 0.1]];
const C: [[f64; 2]; 2] = [[0.2, 0.5], [0.7, -0.3]];

impl Equation {
    fn matrices(&self) -> [[[f64; 2]; 2]; 2] {
        if self.kind == Kind::General { [A, C] } else { [A, B] }
    }

    pub(super) fn start(&self) -> Vec<f64> {
        match self.kind {
            Kind::Scalar => vec![0.2],
            _ => vec![0.8, 0.5],
        }
    }

    /// One path: the drift.
    fn f(&self, t: f64, y: &[f64], f: &mut [f64]) {
        match self.kind {
            Kind::Additive => {
                f[0] = 0.8 * (2.0 * y[0] + t).cos() + 0.5 * y[1];
                f[1] = (2.0 * y[0]).sin() - 0.3 * y[1];
            }
            Kind::Scalar => f[0] = 0.3 * (1.0 + y[0] * y[0]).sqrt() + 0.5 * 0.49 * y[0],
            Kind::Diagonal => {
                f[0] = y[1] - y[0];
                f[1] = 0.5 * y[0].sin() - 0.3 * y[1];
            }
            Kind::Commutative | Kind::General => {
                f[0] = -0.3 * y[0] + 0.5 * y[1];
                f[1] = -0.5 * y[0] - 0.2 * y[1];
            }
        }
        if self.calculus == Calculus::Stratonovich && self.kind != Kind::Additive {
            self.correct(y, f);
        }
    }

    /// `f - ½ Σ_k (g_k · ∂) g_k`.
    fn correct(&self, y: &[f64], f: &mut [f64]) {
        match self.kind {
            Kind::Additive => {}
            Kind::Scalar => f[0] -= 0.5 * 0.49 * y[0],
            Kind::Diagonal => {
                for i in 0..2 {
                    f[i] -= 0.5 * slope(i, y[i]) * strength(i, y[i]);
                }
            }
            Kind::Commutative | Kind::General => {
                for m in self.matrices() {
                    let g = apply(m, y);
                    let twice = apply(m, &g);
                    (f[0], f[1]) = (f[0] - 0.5 * twice[0], f[1] - 0.5 * twice[1]);
                }
            }
        }
    }

    fn g(&self, t: f64, y: &[f64], g: &mut [f64]) {
        match self.kind {
            Kind::Additive => {
                let strong = 1.0 + 0.5 * (2.0 * t).sin();
                g.copy_from_slice(&[0.5 * strong, 0.2, 0.0, 0.3, 0.4 * strong, 0.2]);
            }
            Kind::Scalar => g[0] = 0.7 * (1.0 + y[0] * y[0]).sqrt(),
            Kind::Diagonal => (g[0], g[1]) = (strength(0, y[0]), strength(1, y[1])),
            Kind::Commutative | Kind::General => {
                for (k, m) in self.matrices().into_iter().enumerate() {
                    let column = apply(m, y);
                    (g[k], g[2 + k]) = (column[0], column[1]);
                }
            }
        }
    }
}

fn apply(m: [[f64; 2]; 2], y: &[f64]) -> [f64; 2] {
    m.map(|row| row[0] * y[0] + row[1] * y[1])
}

fn strength(i: usize, y: f64) -> f64 {
    if i == 0 { 0.7 * y } else { 0.5 * (1.0 + y * y).sqrt() }
}

fn slope(i: usize, y: f64) -> f64 {
    if i == 0 { 0.7 } else { 0.5 * y / (1.0 + y * y).sqrt() }
}

/// Calls `one(y, out)` for every path.
fn each_path(dim: usize, y: &[f64], out: &mut [f64], one: impl Fn(&[f64], &mut [f64])) {
    let paths = y.len() / dim;
    let mut result = vec![0.0; out.len() / paths];
    for p in 0..paths {
        let state: Vec<f64> = y.iter().skip(p).step_by(paths).copied().collect();
        one(&state, &mut result);
        for (i, value) in result.iter().enumerate() {
            out[i * paths + p] = *value;
        }
    }
}

impl DriftDiffusion<f64> for Equation {
    type Workspace = ();

    fn workspace(&self, _paths: usize) {}

    fn dim(&self) -> usize {
        self.start().len()
    }

    fn noise(&self) -> Noise {
        match self.kind {
            Kind::Additive => Noise::additive(3),
            Kind::Scalar => Noise::scalar(),
            Kind::Diagonal => Noise::diagonal(2),
            Kind::Commutative => Noise { columns: 2, layout: Layout::Dense, dependence: Dependence::Commutative },
            Kind::General => Noise::general(2),
        }
    }

    fn calculus(&self) -> Calculus {
        self.calculus
    }

    fn drift(&self, t: f64, y: &[f64], f: &mut [f64], _work: &mut ()) {
        each_path(self.dim(), y, f, |y, f| self.f(t, y, f));
    }

    fn diffusion(&self, t: f64, y: &[f64], g: &mut [f64], _work: &mut ()) {
        each_path(self.dim(), y, g, |y, g| self.g(t, y, g));
    }

    fn self_slopes(&self, _t: f64, y: &[f64], slopes: &mut [f64], _work: &mut ()) -> bool {
        each_path(self.dim(), y, slopes, |y, slopes| match self.kind {
            Kind::Additive => slopes.fill(0.0),
            Kind::Scalar => slopes[0] = 0.49 * y[0],
            Kind::Diagonal => (0..2).for_each(|i| slopes[i] = slope(i, y[i]) * strength(i, y[i])),
            Kind::Commutative | Kind::General => {
                let matrices = self.matrices();
                for k in 0..2 {
                    for j in 0..2 {
                        let moved = apply(matrices[k], &apply(matrices[j], y));
                        (0..2).for_each(|i| slopes[(i * 2 + k) * 2 + j] = moved[i]);
                    }
                }
            }
        });
        true
    }

    fn drift_jacobian(&self, t: f64, y: &[f64], jacobian: &mut [f64], _work: &mut ()) -> bool {
        let n = self.dim();
        each_path(n, y, jacobian, |y, jacobian| {
            let (mut above, mut below) = (vec![0.0; n], vec![0.0; n]);
            for j in 0..n {
                let mut y = y.to_vec();
                y[j] += 1e-6;
                self.f(t, &y, &mut above);
                y[j] -= 2e-6;
                self.f(t, &y, &mut below);
                (0..n).for_each(|i| jacobian[i * n + j] = (above[i] - below[i]) / 2e-6);
            }
        });
        true
    }
}
