//! Extrapolation of the modified midpoint rule: Gragg, Bulirsch and Stoer's method, of variable order (Hairer–Nørsett–Wanner
//! I, II.9).
//!
//! ```text
//! y_1 = y + h_j f(t, y),   y_{i+1} = y_{i-1} + 2 h_j f(t + i h_j, y_i),   h_j = h / n_j         (9.13)
//! T_{j,1} = (y_{n-1} + y_n + h_j f(t + h, y_n)) / 2
//! T_{j,l+1} = T_{j,l} + (T_{j,l} - T_{j-1,l}) / ((n_j / n_{j-l})² - 1)                            (9.10)
//! ```
//!
//! The error of `T_{j,1}` has an expansion in even powers of `h_j`, so every column of the table adds two to the order. The
//! numbers of substeps are `n_j = 2, 6, 10, 14, ..`: with `n_j / 2` odd throughout, values at the midpoint extrapolate as well,
//! which makes dense output of the order of the step for no evaluations.

mod dense;

use vecfield_traits::{Real, Scalar, VectorField};

use crate::norm::Norm;
use crate::options::Options;
use crate::stepper::{Attempt, Culprit, Evaluator, Stepper, first_not_finite, worst};
use crate::{SolveError, initial};
use dense::Midpoint;

/// Columns of the table at most: order 18, with 34 substeps in the last one.
const COLUMNS: usize = 9;
/// The step is tried for a local error of `0.65` of the tolerance, times `0.94` (Hairer–Nørsett–Wanner I, appendix, ODEX).
const SAFETY: [f64; 2] = [0.65, 0.94];
/// An order lower by two is worth it where it costs less than this share of the work per unit step.
const LOWER: f64 = 0.8;
/// An order higher by two likewise.
const HIGHER: f64 = 0.9;

/// Steps the extrapolated midpoint rule over any number, with steps and orders by the work they take per unit of time.
/// Errors are measured by values alone, so duals take the steps floats take.
#[derive(Debug, Clone)]
pub struct Extrapolation<S: Scalar> {
    norm: Norm<S::Real>,
    fixed: bool,
    /// The column where the next step is expected to converge.
    target: usize,
    /// Was the last attempt rejected, and is this the first step since the start?
    rejected: bool,
    first: bool,
    y: Vec<S>,
    y_new: Vec<S>,
    /// The field at both ends.
    rates: [Vec<S>; 2],
    /// `T_{j,·}`, the best value first, `[COLUMNS, n]`.
    table: Vec<S>,
    previous: Vec<S>,
    current: Vec<S>,
    midpoint: Midpoint<S>,
}

/// What a column says about the next step.
#[derive(Debug, Clone, Copy, Default)]
struct Column {
    error: f64,
    /// The factor to the step at which it would just meet the tolerance.
    factor: f64,
    /// Evaluations per unit of this step.
    work: f64,
}

/// `n_j` for `j` from one.
fn substeps(j: usize) -> usize {
    4 * j - 2
}

/// Evaluations for all columns up to `j`, and the one at the end of the step.
fn evaluations(j: usize) -> f64 {
    (1 + (1..=j).map(substeps).sum::<usize>()) as f64
}

impl<S: Scalar> Extrapolation<S> {
    /// Memory for a state of `n` components: some two hundred times as much, which holds the rates that dense output needs.
    ///
    /// # Errors
    ///
    /// Options that cannot be used.
    pub fn new(n: usize, options: &Options<S::Real>) -> Result<Self, SolveError> {
        options.validate(n)?;
        let vector = || vec![S::zero(); n];
        Ok(Extrapolation {
            norm: Norm::new(options, n),
            fixed: options.step.is_some(),
            target: first_target(options.rtol.to_f64()),
            rejected: false,
            first: true,
            y: vector(),
            y_new: vector(),
            rates: [vector(), vector()],
            table: vec![S::zero(); COLUMNS * n],
            previous: vector(),
            current: vector(),
            midpoint: Midpoint::new(n),
        })
    }

    /// Computes `T_{j,1}` and extrapolates.
    fn column<F: VectorField<S>>(&mut self, field: &mut Evaluator<'_, F, S>, (t, h): (S::Real, S::Real), j: usize) {
        let (n, m) = (self.y.len(), substeps(j));
        let number = S::Real::from_f64;
        let step = h / number(m as f64);
        let (once, twice) = (step, step + step);
        self.previous.copy_from_slice(&self.y);
        for i in 0..n {
            self.current[i] = self.y[i] + self.rates[0][i].scale(once);
        }
        for i in 1..m {
            if 2 * i == m {
                self.midpoint.value(j).copy_from_slice(&self.current);
            }
            let rate = self.midpoint.rate(j, i);
            field.eval(t + step * number(i as f64), &self.current, rate);
            for ((previous, current), rate) in self.previous.iter_mut().zip(&mut self.current).zip(&*rate) {
                let next = *previous + rate.scale(twice);
                (*previous, *current) = (*current, next);
            }
        }
        let rate = self.midpoint.rate(j, m);
        field.eval(t + h, &self.current, rate);
        let last = &mut self.table[(j - 1) * n..][..n];
        for i in 0..n {
            let sum = self.previous[i] + self.current[i] + rate[i].scale(once);
            last[i] = sum.scale(number(0.5));
        }
        extrapolate(&mut self.table[..j * n], n, |l| substeps(j) as f64 / substeps(l) as f64);
    }

    /// The error of column `j ≥ 2` against the tolerance, and what follows for the step.
    fn judge(&self, j: usize) -> Column {
        let n = self.y.len();
        let (best, second) = (&self.table[..n], &self.table[n..2 * n]);
        let ratio = |i: usize| {
            let (best, second) = (best[i].value(), second[i].value());
            (best - second) / self.norm.scale(i, self.y[i].value(), best)
        };
        let error = self.norm.measure(n, ratio).to_f64();
        let exponent = 1.0 / (2 * j - 1) as f64;
        let least = 0.02_f64.powf(exponent);
        let shrink = ((error / SAFETY[0]).powf(exponent) / SAFETY[1]).max(least).min(4.0 / least);
        Column { error, factor: 1.0 / shrink, work: evaluations(j) * shrink }
    }

    /// The factor to a step at which dense output would just meet the tolerance.
    fn smooth_for(&mut self, h: S::Real) -> f64 {
        self.midpoint.prepare(h, ((&self.y, &self.y_new), (&self.rates[0], &self.rates[1])));
        let errors = self.midpoint.errors();
        let scale = |i: usize| self.norm.scale(i, self.y[i].value(), self.y_new[i].value());
        let error = self.norm.measure(errors.len(), |i| errors[i] / scale(i)).to_f64();
        (1.0 / error).powf(1.0 / self.midpoint.degree() as f64).clamp(0.1, 10.0)
    }

    /// The order and the factor of the step after one that converged in column `last` (ODEX, after label 60).
    fn accept(&mut self, columns: &[Column; COLUMNS + 1], last: usize) -> f64 {
        let work = |j: usize| columns[j].work;
        let highest = COLUMNS - 1;
        let mut best = if last == 2 {
            if self.rejected { 2 } else { 3.min(highest) }
        } else if last <= self.target {
            if work(last - 1) < LOWER * work(last) {
                last - 1
            } else if work(last) < HIGHER * work(last - 1) {
                (last + 1).min(highest)
            } else {
                last
            }
        } else {
            let lower = if last > 3 && work(last - 2) < LOWER * work(last - 1) { last - 2 } else { last - 1 };
            if work(last) < HIGHER * work(lower) { last.min(highest) } else { lower }
        };
        let factor = if self.rejected {
            best = best.min(last);
            columns[best].factor.min(1.0)
        } else if best <= last {
            columns[best].factor
        } else if last < self.target && work(last) < HIGHER * work(last - 1) {
            columns[last].factor * evaluations(best + 1) / evaluations(last)
        } else {
            columns[last].factor * evaluations(best) / evaluations(last)
        };
        (self.target, self.rejected, self.first) = (best.max(2), false, false);
        factor
    }

    /// The factor to a repetition of a step that was not converging in column `last`.
    fn reject(&mut self, columns: &[Column; COLUMNS + 1], last: usize) -> f64 {
        self.target = self.target.min(last).clamp(2, COLUMNS - 1);
        if self.target > 2 && columns[self.target - 1].work < LOWER * columns[self.target].work {
            self.target -= 1;
        }
        self.rejected = true;
        columns[self.target].factor.min(0.9)
    }

    /// Columns until one converges, or none will: the last one and whether it did.
    fn converge<F: VectorField<S>>(
        &mut self,
        field: &mut Evaluator<'_, F, S>,
        (t, h): (S::Real, S::Real),
        columns: &mut [Column; COLUMNS + 1],
    ) -> (usize, bool) {
        let mut bound = f64::INFINITY;
        let substeps = |j| substeps(j) as f64;
        for j in 1..=self.target + 1 {
            self.column(field, (t, h), j);
            if j == 1 {
                continue;
            }
            columns[j] = self.judge(j);
            let error = columns[j].error;
            // Neither NaN nor errors that grow from column to column get better.
            if error.is_nan() || error >= bound {
                return (j, false);
            }
            bound = (4.0 * error).max(1.0);
            // By how much the columns still to come could reduce the error (Hairer–Nørsett–Wanner I, II.9, (9.29)).
            let hope = match (self.target + 1).saturating_sub(j) {
                0 => 1.0,
                1 => (substeps(self.target + 1) / 2.0).powi(2),
                2 if self.target > 2 && !self.rejected => {
                    (substeps(self.target + 1) * substeps(self.target) / 4.0).powi(2)
                }
                _ if self.first => f64::INFINITY,
                _ => continue,
            };
            // The one difference that two columns make vanishes for many a jump of the field by accident.
            if error <= 1.0 && j > 2 {
                return (j, true);
            }
            if error > hope {
                return (j, false);
            }
        }
        (self.target + 1, false)
    }
}

/// Where a first step converges, more or less (ODEX).
fn first_target(rtol: f64) -> usize {
    let digits = if rtol > 0.0 { -rtol.log10() } else { 16.0 };
    ((0.6 * digits + 1.5) as usize).clamp(2, COLUMNS - 1)
}

/// Aitken and Neville's scheme on rows of `n`, the last one new; `ratio(l)` is that of its number of substeps to those of row
/// `l` (from one). The best value ends up in the first row.
fn extrapolate<S: Scalar>(rows: &mut [S], n: usize, ratio: impl Fn(usize) -> f64) {
    for l in (1..rows.len() / n.max(1)).rev() {
        let weight = S::Real::from_f64(1.0 / (ratio(l).powi(2) - 1.0));
        let (coarse, fine) = rows[(l - 1) * n..(l + 1) * n].split_at_mut(n);
        for (coarse, fine) in coarse.iter_mut().zip(fine) {
            *coarse = *fine + (*fine - *coarse).scale(weight);
        }
    }
}

impl<S: Scalar, F: VectorField<S>> Stepper<F> for Extrapolation<S> {
    type Scalar = S;

    fn dim(&self) -> usize {
        self.y.len()
    }

    fn start(&mut self, field: &mut Evaluator<'_, F, S>, t: S::Real, y: &[S]) -> Result<(), SolveError> {
        self.y.copy_from_slice(y);
        (self.rejected, self.first) = (false, true);
        self.target = first_target(self.norm.rtol().to_f64());
        self.midpoint.restart();
        field.eval_finite(t, &self.y, &mut self.rates[0])
    }

    fn first_step(&mut self, field: &mut Evaluator<'_, F, S>, t: S::Real, span: S::Real) -> S::Real {
        let trial = initial::Trial { stage: &mut self.previous, rate: &mut self.current };
        let order = 2 * self.target as u32 - 1;
        initial::step(field, &self.norm, order, (t, span), &self.y, &self.rates[0], trial)
    }

    fn attempt(&mut self, field: &mut Evaluator<'_, F, S>, t: S::Real, h: S::Real) -> Attempt<S::Real> {
        self.midpoint.restart();
        let mut columns = [Column::default(); COLUMNS + 1];
        let (last, mut accepted) = if self.fixed {
            (1..=self.target).for_each(|j| self.column(field, (t, h), j));
            (self.target, true)
        } else {
            self.converge(field, (t, h), &mut columns)
        };
        self.y_new.copy_from_slice(&self.table[..self.y.len()]);
        self.midpoint.columns = last;
        let mut longest = 1.0;
        if accepted {
            field.eval(t + h, &self.y_new, &mut self.rates[1]);
            accepted = first_not_finite(&self.y_new).is_none() && first_not_finite(&self.rates[1]).is_none();
        }
        if accepted && !self.fixed {
            longest = self.smooth_for(h);
            accepted = longest > 0.5;
        }
        let factor = match (self.fixed, accepted) {
            (true, _) => 1.0,
            (false, true) => self.accept(&columns, last).min(longest),
            (false, false) if longest <= 0.5 => {
                self.rejected = true;
                longest
            }
            (false, false) if columns[last].error.is_finite() => self.reject(&columns, last),
            (false, false) => {
                self.rejected = true;
                0.2
            }
        };
        Attempt { accepted, factor: S::Real::from_f64(factor) }
    }

    fn dense(&mut self, _field: &mut Evaluator<'_, F, S>, _t: S::Real, h: S::Real, theta: S::Real, out: &mut [S]) {
        let ends = ((&self.y[..], &self.y_new[..]), (&self.rates[0][..], &self.rates[1][..]));
        self.midpoint.at(h, ends, theta, out);
    }

    fn commit(&mut self) {
        core::mem::swap(&mut self.y, &mut self.y_new);
        self.rates.swap(0, 1);
        self.midpoint.restart();
    }

    fn y(&self) -> &[S] {
        &self.y
    }

    fn y_new(&self) -> &[S] {
        &self.y_new
    }

    fn save(&self, out: &mut Vec<S>) -> bool {
        out.extend_from_slice(&self.y);
        out.extend_from_slice(&self.rates[0]);
        let state = [self.target as f64, f64::from(u8::from(self.rejected)), f64::from(u8::from(self.first))];
        out.extend(state.map(|x| S::lift(S::Real::from_f64(x))));
        true
    }

    fn restore(&mut self, _field: &mut Evaluator<'_, F, S>, saved: &[S]) {
        let (y, rest) = saved.split_at(self.y.len());
        let (rate, state) = rest.split_at(self.y.len());
        self.y.copy_from_slice(y);
        self.rates[0].copy_from_slice(rate);
        let [target, rejected, first] = [0, 1, 2].map(|i: usize| state[i].value().to_f64());
        (self.target, self.rejected, self.first) = (target as usize, rejected != 0.0, first != 0.0);
        self.midpoint.restart();
    }

    fn culprit(&self) -> Culprit {
        let spoilt = first_not_finite(&self.y_new).or_else(|| first_not_finite(&self.rates[1]));
        if let Some(component) = spoilt {
            return Culprit::not_finite(component);
        }
        let n = self.y.len();
        worst(n, |i| {
            let error = self.table[i].value() - self.table[n + i].value();
            error / self.norm.scale(i, self.y[i].value(), self.y_new[i].value())
        })
    }
}
