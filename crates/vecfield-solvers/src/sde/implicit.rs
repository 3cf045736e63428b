//! Euler's method with the drift at the end of the step, for drifts that are stiff (Kloeden, Platen 1992, (12.2.2)).
//!
//! ```text
//! y⁺ = y + h f(t + h, y⁺) + g(t, y) W
//! ```
//!
//! Newton's iteration runs for each path until that path has converged, whatever the others do.

use vecfield_kernels::axpy;
use vecfield_linalg::Lu;
use vecfield_traits::DriftDiffusion;

use super::products::strike;
use super::stepper::{Increment, SdeStepper, Size};

/// A path that has not converged by then does not: its state becomes NaN.
const MOST_ITERATIONS: usize = 50;
/// The last correction of a component, against its size and one.
const CONVERGED: f64 = 1e-11;

/// Steps of drift-implicit Euler.
#[derive(Debug, Clone)]
pub struct DriftImplicit {
    size: Size,
    f: Vec<f64>,
    g: Vec<f64>,
    gw: Vec<f64>,
    /// What is known before the drift: `y + g W`.
    known: Vec<f64>,
    jacobian: Vec<f64>,
    lu: Lu<f64>,
    correction: Vec<f64>,
    converged: Vec<bool>,
}

impl DriftImplicit {
    pub(crate) fn new(size: Size) -> Self {
        let jacobian = vec![0.0; size.dim * size.dim * size.paths];
        let (lu, correction, converged) = (Lu::new(size.dim), vec![0.0; size.dim], vec![false; size.paths]);
        let (f, g, gw, known) = (size.state(), size.diffusion(), size.state(), size.state());
        DriftImplicit { size, f, g, gw, known, jacobian, lu, correction, converged }
    }

    /// One correction of a path; says whether it was the last.
    fn correct(&mut self, path: usize, h: f64, y: &mut [f64]) -> bool {
        let (n, paths) = (self.size.dim, self.size.paths);
        let jacobian = &self.jacobian;
        let fill = |a: &mut [f64]| {
            for (place, a) in a.iter_mut().enumerate() {
                let unit = if place / n == place % n { 1.0 } else { 0.0 };
                *a = unit - h * jacobian[place * paths + path];
            }
        };
        for i in 0..n {
            let at = i * paths + path;
            self.correction[i] = self.known[at] + h * self.f[at] - y[at];
        }
        if self.lu.factorize_with(fill).is_err() {
            self.correction.fill(f64::NAN);
        } else {
            self.lu.solve(&mut self.correction);
        }
        let mut last = true;
        for (i, correction) in self.correction.iter().enumerate() {
            let y = &mut y[i * paths + path];
            *y += correction;
            last &= correction.is_nan() || correction.abs() <= CONVERGED * (1.0 + y.abs());
        }
        last
    }
}

impl<F: DriftDiffusion<f64>> SdeStepper<F> for DriftImplicit {
    fn step(&mut self, field: &F, over: &Increment<'_>, y: &mut [f64], work: &mut F::Workspace) {
        let &Increment { t, h, w, .. } = over;
        field.diffusion(t, y, &mut self.g, work);
        strike(self.size.noise, &self.g, w, &mut self.gw);
        axpy(1.0, &self.gw, y);
        self.known.copy_from_slice(y);
        self.converged.fill(false);
        for _ in 0..MOST_ITERATIONS {
            field.drift(t + h, y, &mut self.f, work);
            field.drift_jacobian(t + h, y, &mut self.jacobian, work);
            for path in 0..self.size.paths {
                if !self.converged[path] {
                    self.converged[path] = self.correct(path, h, y);
                }
            }
            if self.converged.iter().all(|&done| done) {
                return;
            }
        }
        let paths = self.size.paths;
        for path in (0..paths).filter(|&path| !self.converged[path]) {
            y.iter_mut().skip(path).step_by(paths).for_each(|y| *y = f64::NAN);
        }
    }
}
