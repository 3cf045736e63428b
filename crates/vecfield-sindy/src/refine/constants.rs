//! Constants inside features, fitted through the solver: variable projection with the shooting problem in place of the linear one.
//!
//! The likelihood linearised for the whole library has columns for the slopes of its features too, so that one more combination of them,
//! `Σ_ik θ_ik ∂φ_k/∂c`, is the sensitivity to a constant. A Gauss–Newton step of coefficients, constants and initial states is followed by a fit
//! of all but the constants.

use super::fit::Fitted;
use super::{Refiner, State};
use crate::library::Slope;
use crate::model::Constant;
use crate::regression::Equilibrated;
use crate::shooting::{Columns, Cut, Linearised, Shooting, Windows};
use crate::sindy::Terms;
use vecfield_linalg::{axpy, dot};

const ITERATIONS: usize = 40;
const STEPS: usize = 30;
const HALVINGS: usize = 8;
/// A step is none below this share of a standard error, or of a constant.
const SETTLED: [f64; 2] = [1e-4, 1e-10];

/// The linearised likelihood of a fit along the directions that its coefficients have, and along its constants.
struct Tangent {
    linear: Linearised,
    /// `[directions, width]`: what a unit of each does to the coefficients of the library.
    directions: Vec<Vec<f64>>,
    /// Constants in use: the last directions.
    used: Vec<usize>,
    factor: Equilibrated,
    step: Vec<f64>,
}

impl Refiner<'_> {
    /// Moves the constants inside the features of a state to where they fit best on other windows, and the rest with them. A state
    /// that cannot be fitted there stays.
    pub(super) fn polish(&mut self, state: &mut State, cut: Cut) {
        if self.used(&state.theta).is_empty() {
            return;
        }
        let windows = Windows::new(self.task.data, cut);
        let Some(fit) = self.fit(&windows, &state.theta, &state.path, &state.sigma, ITERATIONS) else { return };
        let fit = self.polished(&windows, fit, &state.sigma);
        state.sigma = self.noise_of(&windows, &fit);
        state.theta = fit.theta;
        state.path = fit.path;
    }

    /// A fit with the constants of its features where they fit best; the library moves along.
    pub(super) fn polished(&mut self, windows: &Windows, mut fit: Fitted, sigma: &[f64]) -> Fitted {
        for _ in 0..STEPS {
            if self.used(&fit.theta).is_empty() {
                break;
            }
            let Some(tangent) = self.tangent(windows, &fit, sigma) else { break };
            let Some((next, settled)) = self.follow(windows, &fit, &tangent, sigma) else { break };
            fit = next;
            if settled {
                break;
            }
        }
        fit
    }

    /// Takes the library at the values that constants had before.
    pub(super) fn put_back(&mut self, constants: Vec<(String, f64)>) {
        if constants != self.terms.constants
            && let Ok(terms) = (self.task.at)(&constants)
        {
            self.terms = terms;
        }
    }

    /// The places of the constants that the features of a support have inside.
    pub(super) fn used(&self, theta: &[f64]) -> Vec<usize> {
        let inside = |slope: &&Slope| theta.iter().skip(slope.feature).step_by(self.p).any(|c| *c != 0.0);
        let mut used: Vec<usize> = self.terms.slopes.iter().filter(inside).map(|slope| slope.constant).collect();
        used.sort_unstable();
        used.dedup();
        used
    }

    fn tangent(&self, windows: &Windows, fit: &Fitted, sigma: &[f64]) -> Option<Tangent> {
        let columns = Columns::All { features: self.p, denominators: false };
        let linear = Shooting::new(self.model(&fit.theta), windows, sigma).linearised(&fit.x, columns).ok()?;
        let (width, used) = (fit.theta.len(), self.used(&fit.theta));
        let mut directions = self.coefficient_directions(&fit.theta)?;
        directions.extend(self.constant_directions(&fit.theta));
        let n = directions.len();
        let mut m = vec![0.0; n * n];
        for (a, direction) in directions.iter().enumerate() {
            let mut image = vec![0.0; width];
            for (k, &weight) in direction.iter().enumerate().filter(|(_, weight)| **weight != 0.0) {
                axpy(weight, &linear.m[k * width..(k + 1) * width], &mut image);
            }
            directions.iter().enumerate().for_each(|(b, other)| m[a * n + b] = dot(other, &image));
        }
        let factor = Equilibrated::new(&m, n)?;
        let slope: Vec<f64> = directions.iter().map(|direction| dot(direction, &linear.g)).collect();
        let step = factor.solve(&slope);
        Some(Tangent { linear, directions, used, factor, step })
    }

    /// What a unit of each constant in use does, as coefficients of slopes.
    fn constant_directions(&self, theta: &[f64]) -> Vec<Vec<f64>> {
        let of = |constant: usize| {
            let mut direction = vec![0.0; theta.len()];
            for slope in self.terms.slopes.iter().filter(|slope| slope.constant == constant) {
                for row in (0..theta.len()).step_by(self.p) {
                    direction[row + slope.place] = theta[row + slope.feature];
                }
            }
            direction
        };
        self.used(theta).into_iter().map(of).collect()
    }

    /// A likelihood `θᵀMθ - 2hᵀθ` of the whole library, coefficients in their units, with the constants of the features of `theta` at their
    /// best for every `θ`: a term whose work a constant can do is not needed.
    pub(super) fn without_constants(&self, m: &mut [f64], h: &mut [f64], theta: &[f64]) {
        let width = h.len();
        for mut direction in self.constant_directions(theta) {
            direction.iter_mut().zip(&self.unit).for_each(|(v, unit)| *v /= unit);
            let mut image = vec![0.0; width];
            for (k, &weight) in direction.iter().enumerate().filter(|(_, weight)| **weight != 0.0) {
                axpy(weight, &m[k * width..(k + 1) * width], &mut image);
            }
            let (square, slope) = (dot(&direction, &image), dot(&direction, h));
            if square > 0.0 {
                axpy(-slope / square, &image, h);
                for k in 0..width {
                    axpy(-image[k] / square, &image, &mut m[k * width..(k + 1) * width]);
                }
            }
        }
    }

    /// What the coefficients of a support may do: each by itself, or under relations along them.
    fn coefficient_directions(&self, theta: &[f64]) -> Option<Vec<Vec<f64>>> {
        let places: Vec<usize> = (0..theta.len()).filter(|&k| theta[k] != 0.0).collect();
        let relations = self.task.relations;
        if relations.is_empty() {
            let unit = |&place: &usize| (0..theta.len()).map(|k| f64::from(u8::from(k == place))).collect();
            return Some(places.iter().map(unit).collect());
        }
        let flat = relations.flat(&places, &relations.tight(theta))?;
        let along = |free: usize| {
            let mut direction = vec![0.0; theta.len()];
            places.iter().enumerate().for_each(|(a, &k)| direction[k] = flat.basis[a * flat.free + free]);
            direction
        };
        Some((0..flat.free).map(along).collect())
    }

    /// A better fit along a step, as much of it as is needed, and whether that was hardly any; the library moves along.
    fn follow(&mut self, windows: &Windows, fit: &Fitted, tangent: &Tangent, sigma: &[f64]) -> Option<(Fitted, bool)> {
        let (d, count) = (self.dim(), tangent.used.len());
        let variances = tangent.factor.inverse_diagonal();
        let first = tangent.step.len() - count;
        let mut share = 1.0;
        for _ in 0..HALVINGS {
            let mut constants = self.terms.constants.clone();
            let mut settled = true;
            for (a, &j) in tangent.used.iter().enumerate() {
                let change = share * tangent.step[first + a];
                let error = variances[first + a].max(0.0).sqrt();
                constants[j].1 += change;
                settled &= change.abs() <= (SETTLED[0] * error).max(SETTLED[1] * constants[j].1.abs());
            }
            // Coefficients of slopes are what constants do; they are never coefficients of a model.
            let mut change = vec![0.0; fit.theta.len()];
            tangent.directions.iter().zip(&tangent.step).for_each(|(v, step)| axpy(share * step, v, &mut change));
            let mut starts = fit.x[fit.x.len() - d * windows.windows.len()..].to_vec();
            tangent.linear.move_starts(&change, &mut starts);
            let placed = |(c, change): (&f64, &f64)| match *c {
                0.0 => 0.0,
                c if c + change == 0.0 => c,
                c => c + change,
            };
            let theta: Vec<f64> = fit.theta.iter().zip(&change).map(placed).collect();
            let x = theta.iter().copied().filter(|c| *c != 0.0).chain(starts).collect();
            if let Ok(terms) = (self.task.at)(&constants) {
                let before = core::mem::replace(&mut self.terms, terms);
                match self.fit_from(windows, &theta, x, sigma, ITERATIONS) {
                    Some(next) if next.chi2 < fit.chi2 => return Some((next, settled)),
                    _ => self.terms = before,
                }
            }
            if settled {
                return None;
            }
            share *= 0.5;
        }
        None
    }

    /// Standard errors of coefficients and constants together at the last fit; NaN where the model cannot be linearised.
    pub(super) fn standard_errors(&self, state: &State) -> (Vec<f64>, Vec<Constant>) {
        let used = self.used(&state.theta);
        if used.is_empty() {
            return (self.coefficient_errors(state), Vec::new());
        }
        let windows = Windows::new(self.task.data, state.cut);
        let fit = self.fit(&windows, &state.theta, &state.path, &state.sigma, 0);
        let tangent = fit.and_then(|fit| self.tangent(&windows, &fit, &state.sigma));
        let mut errors: Vec<f64> = state.theta.iter().map(|c| if *c == 0.0 { 0.0 } else { f64::NAN }).collect();
        let mut inside = vec![f64::NAN; used.len()];
        if let Some(tangent) = tangent {
            let first = tangent.directions.len() - used.len();
            for at in (0..errors.len()).filter(|&at| state.theta[at] != 0.0) {
                let row: Vec<f64> = (0..tangent.directions.len())
                    .map(|k| if k < first { tangent.directions[k][at] } else { 0.0 })
                    .collect();
                errors[at] = tangent.factor.form(&row).max(0.0).sqrt();
            }
            let variances = tangent.factor.inverse_diagonal();
            inside.iter_mut().zip(&variances[first..]).for_each(|(error, v)| *error = v.max(0.0).sqrt());
        }
        let named = |(&j, stderr): (&usize, f64)| {
            let Terms { constants, .. } = &self.terms;
            Constant { name: constants[j].0.clone(), value: constants[j].1, stderr }
        };
        let constants = used.iter().zip(inside).map(named).collect();
        (errors, constants)
    }
}
