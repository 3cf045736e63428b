//! A support fitted through the solver on windows of one length.

use super::{INTEGRATION_SHARE, PRICE, Refiner, SLOPES_SHARE, State};
use crate::constraint::Flat;
use crate::regression::Equilibrated;
use crate::shooting::{Columns, Cut, FINEST, Model, Part, Shooting, Term, Windows};
use core::ops::ControlFlow;
use vecfield_optim::{LevenbergMarquardt, Options, Progress};

/// A fit on windows of one length.
#[derive(Default)]
pub(super) struct Fitted {
    pub(super) theta: Vec<f64>,
    /// Coefficients and initial states as the optimiser has them.
    pub(super) x: Vec<f64>,
    pub(super) path: Vec<Vec<f64>>,
    /// Unweighted residual squares per variable.
    pub(super) squares: Vec<f64>,
    pub(super) chi2: f64,
}

impl Fitted {
    /// Which coefficients are not zero.
    pub(super) fn support(&self) -> Vec<bool> {
        self.theta.iter().map(|c| *c != 0.0).collect()
    }

    /// `-2 log L` at noise `sigma`, up to a constant.
    pub(super) fn misfit(&self, sigma: &[f64]) -> f64 {
        self.squares.iter().zip(sigma).map(|(square, s)| square / (s * s)).sum()
    }
}

impl Refiner<'_> {
    /// Terms with non-zero coefficients, then the known parts.
    pub(super) fn model(&self, theta: &[f64]) -> Model<'_> {
        let (d, p) = (self.dim(), self.p);
        let (mut terms, mut coefficients) = (Vec::new(), Vec::new());
        for (at, &c) in theta.iter().enumerate().filter(|(_, c)| **c != 0.0) {
            let part = if at < d * p { Part::Numerator } else { Part::Denominator };
            terms.push(Term { equation: at / p % d, feature: at % p, part });
            coefficients.push(c);
        }
        let free = terms.len();
        terms.extend(self.terms.known.iter().map(|&part| Term::of_sum(part)));
        coefficients.resize(terms.len(), 1.0);
        Model::new(&self.terms.library, d, terms, coefficients, free)
    }

    fn pack(&self, windows: &Windows, theta: &[f64], path: &[Vec<f64>]) -> Vec<f64> {
        let d = self.dim();
        let mut x: Vec<f64> = theta.iter().copied().filter(|c| *c != 0.0).collect();
        for window in &windows.windows {
            x.extend_from_slice(&path[window.run][window.first * d..(window.first + 1) * d]);
        }
        x
    }

    /// Levenberg–Marquardt over the non-zero coefficients and the windows' starts; `None` where the start blows up, and where the whole is cut
    /// short.
    pub(super) fn fit(
        &self,
        windows: &Windows,
        theta: &[f64],
        path: &[Vec<f64>],
        sigma: &[f64],
        iterations: usize,
    ) -> Option<Fitted> {
        self.fit_from(windows, theta, self.pack(windows, theta, path), sigma, iterations)
    }

    /// The same from all of `x`; under relations, along them: inequalities that the free fit breaks hold as equalities, as far as needed.
    pub(super) fn fit_from(
        &self,
        windows: &Windows,
        theta: &[f64],
        x: Vec<f64>,
        sigma: &[f64],
        iterations: usize,
    ) -> Option<Fitted> {
        let relations = self.task.relations;
        if relations.is_empty() {
            return self.fit_along(windows, theta, x, sigma, iterations, None);
        }
        let places: Vec<usize> = (0..theta.len()).filter(|&k| theta[k] != 0.0).collect();
        let along = |active: &[usize], mut x: Vec<f64>| {
            let flat = relations.flat(&places, active)?;
            let inside = flat.nearest(&x[..places.len()]);
            x[..places.len()].copy_from_slice(&inside);
            self.fit_along(windows, theta, x, sigma, iterations, Some(flat))
        };
        let mut active = Vec::new();
        let mut fit = along(&active, x)?;
        while let Some(broken) = relations.broken(&fit.theta) {
            if active.contains(&broken) {
                return None;
            }
            active.push(broken);
            fit = along(&active, fit.x)?;
        }
        // What came in early may not be needed beside what came later.
        for early in 0..active.len().saturating_sub(1) {
            let without: Vec<usize> =
                active.iter().enumerate().filter(|(k, _)| *k != early).map(|(_, &at)| at).collect();
            match along(&without, fit.x.clone()) {
                Some(free) if relations.broken(&free.theta).is_none() => return Some(free),
                _ => {}
            }
        }
        Some(fit)
    }

    fn fit_along(
        &self,
        windows: &Windows,
        theta: &[f64],
        mut x: Vec<f64>,
        sigma: &[f64],
        iterations: usize,
        flat: Option<Flat>,
    ) -> Option<Fitted> {
        let pulse = self.task.pulse;
        if !pulse.goes_on() {
            return None;
        }
        let mut problem = Shooting::new(self.model(theta), windows, sigma).within(flat);
        let options = Options { iterations, cost_tolerance: 1e-7, step_tolerance: 1e-9, ..Options::default() };
        let mut optimizer = LevenbergMarquardt::new(options);
        let flow = |_: Progress<'_>| if pulse.goes_on() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
        let summary = optimizer.minimize_structured(&mut problem, &mut x, flow).ok()?;
        // What a fit would have come to is not known where it was cut short.
        if pulse.is_cut() {
            return None;
        }
        let (path, squares) = problem.trajectory(&x).ok()?;
        let mut fitted = theta.to_vec();
        for (c, value) in fitted.iter_mut().filter(|c| **c != 0.0).zip(&x) {
            // A coefficient that lands on zero would fall out of the count; it is as good as the smallest number.
            *c = if *value == 0.0 { f64::MIN_POSITIVE } else { *value };
        }
        Some(Fitted { theta: fitted, x, path, squares, chi2: 2.0 * summary.cost })
    }

    /// Noise from residuals, one degree of freedom gone for each window that is not tied to the one before and an equation's share of terms.
    pub(super) fn noise_of(&self, windows: &Windows, fit: &Fitted) -> Vec<f64> {
        let terms = fit.theta.iter().filter(|c| **c != 0.0).count() as f64 / self.dim() as f64;
        let apart = (windows.windows.len() - windows.ties()) as f64;
        (0..self.dim())
            .map(|i| {
                let n = self.task.data.observed(i).count() as f64;
                let freedom = (n - terms - apart).max(0.3 * n);
                (fit.squares[i] / freedom).sqrt().max(self.floor[i])
            })
            .collect()
    }

    /// The windows integrated more finely; none where the path of a fit is known far better than the noise, and the one on which
    /// sensitivities are carried far better than the size of the variables.
    pub(super) fn finer<'w>(&self, windows: &Windows<'w>, fit: &Fitted) -> Option<Windows<'w>> {
        let Cut { mut level, mut slopes, .. } = windows.cut;
        if level < FINEST && self.integration_error(windows, fit, &self.noise_of(windows, fit)) > INTEGRATION_SHARE {
            level += 1;
        }
        let sizes: Vec<f64> = (0..self.dim()).map(|i| self.task.data.rms(i).max(f64::MIN_POSITIVE)).collect();
        while slopes < level && self.integration_error(&windows.at(slopes, slopes), fit, &sizes) > SLOPES_SHARE {
            slopes += 1;
        }
        (level > windows.cut.level || slopes > windows.cut.slopes).then(|| windows.at(level, slopes))
    }

    /// The largest root mean square, over variables, of what the next resolution changes, in these units.
    fn integration_error(&self, windows: &Windows, fit: &Fitted, units: &[f64]) -> f64 {
        let Cut { level, slopes, .. } = windows.cut;
        let path = |level: usize| {
            let windows = windows.at(level, slopes);
            Shooting::new(self.model(&fit.theta), &windows, units).trajectory(&fit.x).ok().map(|(path, _)| path)
        };
        let (Some(coarse), Some(fine)) = (path(level), path(level + 1)) else { return f64::INFINITY };
        let d = self.dim();
        let mut squares = vec![0.0; d];
        let mut count = 0.0;
        for (coarse, fine) in coarse.iter().zip(&fine) {
            for (a, b) in coarse.chunks(d).zip(fine.chunks(d)).filter(|(a, _)| a[0].is_finite()) {
                squares.iter_mut().zip(a).zip(b).for_each(|((sum, a), b)| *sum += (a - b).powi(2));
                count += 1.0;
            }
        }
        squares
            .iter()
            .zip(units)
            .map(|(square, unit)| (square / f64::max(count, 1.0)).sqrt() / unit)
            .fold(0.0, f64::max)
    }

    /// `-2 log` evidence at `sigma`, up to a constant.
    pub(super) fn objective(&self, windows: &Windows, fit: &Fitted, sigma: &[f64], prior: f64) -> Option<f64> {
        let linear = Shooting::new(self.model(&fit.theta), windows, sigma).linearised(&fit.x, Columns::Free).ok()?;
        let (k, mut m) = (linear.g.len(), linear.m);
        let unit: Vec<f64> =
            self.unit.iter().zip(&fit.theta).filter(|(_, c)| **c != 0.0).map(|(unit, _)| *unit).collect();
        m.iter_mut().enumerate().for_each(|(at, m)| *m *= unit[at / k] * unit[at % k]);
        let mut k = k;
        if let Some(flat) = self.flat_at(&fit.theta) {
            m = flat.reduce(&m);
            k = flat.free;
        }
        (0..k).for_each(|i| m[i * k + i] += 1.0 / prior);
        let determinant = Equilibrated::new(&m, k)?.log_det();
        // Constants inside features are parameters as well.
        let inside = PRICE * self.used(&fit.theta).len() as f64;
        Some(fit.misfit(sigma) + determinant + k as f64 * (prior.ln() + PRICE) + inside)
    }

    /// The directions that relations leave to the coefficients of a fit, each in its unit: inequalities that hold as equalities are.
    fn flat_at(&self, theta: &[f64]) -> Option<Flat> {
        if self.ties.is_empty() {
            return None;
        }
        let places: Vec<usize> = (0..theta.len()).filter(|&k| theta[k] != 0.0).collect();
        self.ties.flat(&places, &self.task.relations.tight(theta))
    }

    /// `√diag (M_AA)⁻¹` at the last fit; NaN where the model cannot be linearised.
    pub(super) fn coefficient_errors(&self, state: &State) -> Vec<f64> {
        let mut errors = vec![0.0; state.theta.len()];
        let active: Vec<usize> = (0..errors.len()).filter(|&at| state.theta[at] != 0.0).collect();
        let windows = Windows::new(self.task.data, state.cut);
        let x = self.pack(&windows, &state.theta, &state.path);
        let mut problem = Shooting::new(self.model(&state.theta), &windows, &state.sigma);
        let inverse = problem.linearised(&x, Columns::Free).ok().and_then(|linear| {
            let k = active.len();
            let tight = self.task.relations.tight(&state.theta);
            if let Some(flat) = self.task.relations.flat(&active, &tight).filter(|flat| flat.free < k) {
                return Some(flat.variances(&linear.m)?.iter().map(|v| v.max(0.0).sqrt()).collect());
            }
            let inverse = Equilibrated::new(&linear.m, k)?.inverse_diagonal();
            Some(inverse.iter().map(|v| v.sqrt()).collect::<Vec<_>>())
        });
        for (a, &at) in active.iter().enumerate() {
            errors[at] = inverse.as_ref().map_or(f64::NAN, |errors| errors[a]);
        }
        errors
    }
}
