//! Adams–Bashforth–Moulton methods of orders one to twelve with local extrapolation (Shampine–Gordon 1975, chs. 5 to 7 and
//! 10, the algorithm of DE/STEP).
//!
//! The field's latest values define a polynomial of degree `k - 1`; its integral predicts the state, the field at the
//! prediction makes it one of degree `k`, whose integral corrects it:
//!
//! ```text
//! p = y + h Σ_{m<k} g_m β_m φ_m        e = f(t + h, p) - Σ_{m<k} β_m φ_m        y⁺ = p + h g_k e
//! ```
//!
//! The integral of the corrector up to any time inside the step is the dense output: exact at both ends, of the order of
//! the step. Two evaluations a step, whatever the order.

mod selection;
mod weights;

use vecfield_traits::{Elementary, Real, Scalar, VectorField};

use self::selection::Errors;
use self::weights::{HIGHEST, MOULTON, integrals};
use super::ADAMS_STARTER;
use super::differences::{Differences, SLOTS, Stride};
use crate::explicit::ExplicitRungeKutta;
use crate::norm::Norm;
use crate::options::Options;
use crate::stepper::{Attempt, Culprit, Evaluator, Formula, Stepper, first_not_finite, worst};
use crate::{SolveError, initial};

/// The real interval of stability of predictor and corrector together at the orders of smooth solutions (Hairer–Wanner II, V.1).
const STABILITY: f64 = 0.5;

/// Steps Adams methods over any [`Scalar`], choosing order and step. Errors are measured by values alone.
///
/// Steps of a fixed size begin with eleven of Verner 9, which give the history; from then on the order is the one that
/// promises the smallest error.
#[derive(Debug, Clone)]
pub struct Adams<S: Scalar> {
    n: usize,
    norm: Norm<S::Real>,
    /// Of the field.
    differences: Differences<S>,
    stride: Stride<S::Real>,
    /// `h g_m β_m` and `β_m`.
    weights: [(S::Real, S::Real); SLOTS],
    /// `g_{k-1} - g_k`.
    test: S::Real,
    y: Vec<S>,
    y_new: Vec<S>,
    stage: Vec<S>,
    /// The field at the end of the step as the latest differences have it.
    expected: Vec<S>,
    /// What the field at the prediction, and at the new state, exceed that by.
    predicted: Vec<S>,
    found: Vec<S>,
    order: usize,
    /// Of the step after this one.
    next_order: usize,
    /// Order and step rise together until an error shows.
    rising: bool,
    /// No step has been accepted since the start.
    fresh: bool,
    failures: u32,
    /// The method of the first steps of a fixed size, while they last.
    starter: Option<Box<ExplicitRungeKutta<S>>>,
    starting: bool,
    fixed: bool,
}

impl<S: Scalar> Adams<S> {
    /// Memory for a state of `n` components: nineteen vectors.
    ///
    /// # Errors
    ///
    /// Options that cannot be used.
    pub fn new(n: usize, options: &Options<S::Real>) -> Result<Self, SolveError> {
        options.validate(n)?;
        let fixed = options.step.is_some();
        let starter = if fixed { Some(Box::new(ExplicitRungeKutta::new(ADAMS_STARTER, n, options)?)) } else { None };
        let vector = || vec![S::zero(); n];
        Ok(Adams {
            n,
            norm: Norm::new(options, n),
            differences: Differences::new(n, HIGHEST + 1),
            stride: Stride::none(),
            weights: [(S::Real::zero(), S::Real::zero()); SLOTS],
            test: S::Real::zero(),
            y: vector(),
            y_new: vector(),
            stage: vector(),
            expected: vector(),
            predicted: vector(),
            found: vector(),
            order: 1,
            next_order: 1,
            rising: true,
            fresh: true,
            failures: 0,
            starter,
            starting: false,
            fixed,
        })
    }

    /// The order of the predictor in the step last tried.
    pub fn order(&self) -> usize {
        self.order
    }

    fn predict(&mut self, h: S::Real) {
        self.differences.stride(h, &mut self.stride);
        let g = integrals(&self.stride, self.order, S::Real::one());
        for (m, weight) in self.weights.iter_mut().enumerate() {
            *weight = (h * g[m] * self.stride.beta[m], self.stride.beta[m]);
        }
        self.weights[self.order].0 = h * g[self.order];
        self.test = g[self.order - 1] - g[self.order];
        let (y, stage, expected) = (&self.y, &mut self.stage, &mut self.expected);
        self.differences.sums(&self.weights[..self.order], |i, rise, value| {
            stage[i] = y[i] + rise;
            expected[i] = value;
        });
    }

    /// Corrects the prediction; the norms of `e` plus the scaled differences next to it, which are those of lower orders.
    fn correct(&mut self) -> Errors<S::Real> {
        let k = self.order;
        let gain = self.weights[k].0;
        let (one, two) = (k - 1, k.saturating_sub(2));
        let (below, two_below) = (self.differences.row(one), self.differences.row(two));
        let (beta, beta_below) = (self.stride.beta[one], self.stride.beta[two]);
        for i in 0..self.n {
            let e = self.predicted[i] - self.expected[i];
            self.predicted[i] = e;
            self.y_new[i] = self.stage[i] + e.scale(gain);
        }
        let [here, lower, lowest] = self.norm.measures(self.n, |i| {
            let scale = self.norm.scale(i, self.y[i].value(), self.y_new[i].value());
            let here = self.predicted[i].value();
            let lower = here + beta * below[i].value();
            let lowest = lower + beta_below * two_below[i].value();
            [here, lower, lowest].map(|error| error / scale)
        });
        let h = self.stride.h.abs();
        let sized = |size: S::Real, order: usize| {
            let constant = S::Real::from_f64(-MOULTON[order]);
            h * self.stride.sigma[order] * constant * size
        };
        Errors {
            test: h * self.test * here,
            here: sized(here, k),
            below: sized(lower, one),
            two_below: sized(lowest, two),
        }
    }

    fn refuse(&mut self, factor: S::Real) -> Attempt<S::Real> {
        self.rising = false;
        self.failures += 1;
        Attempt { accepted: false, factor }
    }

    /// What the field at the new state adds to the differences; false if it is not finite.
    fn evaluate<F: VectorField<S>>(&mut self, field: &mut Evaluator<'_, F, S>, t: S::Real) -> bool {
        field.eval(t, &self.y_new, &mut self.found);
        let mut finite = true;
        for (found, expected) in self.found.iter_mut().zip(&self.expected) {
            finite &= Scalar::is_finite(&found.value());
            *found -= *expected;
        }
        finite
    }

    /// The first steps of a fixed size, by the starter, whose history is this method's.
    fn begin<F: VectorField<S>>(
        &mut self,
        field: &mut Evaluator<'_, F, S>,
        t: S::Real,
        h: S::Real,
    ) -> Attempt<S::Real> {
        let Some(starter) = &mut self.starter else { return Attempt { accepted: false, factor: S::Real::zero() } };
        let attempt = starter.attempt(field, t, h);
        self.y_new.copy_from_slice(Stepper::<F>::y_new(&**starter));
        self.order = self.differences.known();
        self.predict(h);
        let accepted = attempt.accepted && self.evaluate(field, t + h);
        Attempt { accepted, factor: attempt.factor }
    }
}

impl<S: Scalar, F: VectorField<S>> Stepper<F> for Adams<S> {
    type Scalar = S;

    fn dim(&self) -> usize {
        self.n
    }

    fn start(&mut self, field: &mut Evaluator<'_, F, S>, t: S::Real, y: &[S]) -> Result<(), SolveError> {
        self.y.copy_from_slice(y);
        self.differences.restart(1, S::Real::zero());
        (self.order, self.next_order, self.rising, self.failures) = (1, 1, !self.fixed, 0);
        (self.starting, self.fresh) = (self.starter.is_some(), true);
        if let Some(starter) = &mut self.starter {
            starter.start(field, t, y)?;
        }
        let rate = self.differences.row_mut(0);
        field.eval_finite(t, &self.y, rate)
    }

    fn first_step(&mut self, field: &mut Evaluator<'_, F, S>, t: S::Real, span: S::Real) -> S::Real {
        let trial = initial::Trial { stage: &mut self.stage, rate: &mut self.found };
        initial::step(field, &self.norm, 2, (t, span), &self.y, self.differences.row(0), trial)
    }

    fn attempt(&mut self, field: &mut Evaluator<'_, F, S>, t: S::Real, h: S::Real) -> Attempt<S::Real> {
        if self.starting {
            return self.begin(field, t, h);
        }
        self.predict(h);
        field.eval(t + h, &self.stage, &mut self.predicted);
        let errors = self.correct();
        if errors.test.is_nan() {
            return self.refuse(S::Real::from_f64(0.25));
        }
        if errors.test > S::Real::one() && !self.fixed {
            return self.reject(&errors);
        }
        if !self.evaluate(field, t + h) {
            return self.refuse(S::Real::from_f64(0.25));
        }
        let (order, error) = self.choose(&errors);
        self.next_order = order;
        Attempt { accepted: true, factor: self.factor(order, error) }
    }

    fn dense(&mut self, field: &mut Evaluator<'_, F, S>, t: S::Real, h: S::Real, theta: S::Real, out: &mut [S]) {
        if let Some(starter) = self.starter.as_mut().filter(|_| self.starting) {
            return starter.dense(field, t, h, theta, out);
        }
        let g = integrals(&self.stride, self.order, theta);
        let h = h * theta;
        let mut weights = self.weights;
        for (m, weight) in weights.iter_mut().enumerate() {
            weight.0 = h * g[m] * self.stride.beta[m];
        }
        let (y, predicted, gain) = (&self.y, &self.predicted, h * g[self.order]);
        self.differences.sums(&weights[..self.order], |i, rise, _| out[i] = y[i] + rise + predicted[i].scale(gain));
    }

    fn commit(&mut self) {
        self.differences.advance(&self.stride, self.order, &self.found);
        core::mem::swap(&mut self.y, &mut self.y_new);
        (self.fresh, self.failures) = (false, 0);
        self.order = self.next_order;
        if let Some(starter) = self.starter.as_mut().filter(|_| self.starting) {
            Stepper::<F>::commit(&mut **starter);
            if self.differences.known() > HIGHEST {
                self.starting = false;
                self.order = self.best_order();
            }
        }
    }

    fn y(&self) -> &[S] {
        &self.y
    }

    fn y_new(&self) -> &[S] {
        &self.y_new
    }

    fn trace(&self, out: &mut Vec<S>) -> Option<Formula> {
        let (k, flag) = (self.order, |set: bool| if set { S::one() } else { S::zero() });
        out.extend([S::constant(k as f64), flag(self.fresh), flag(self.starting)]);
        out.extend(self.differences.spans(k.saturating_sub(1)).iter().map(|&span| S::lift(span)));
        (0..k).for_each(|m| out.extend_from_slice(self.differences.row(m)));
        out.extend_from_slice(&self.predicted);
        match self.starter.as_ref().filter(|_| self.starting) {
            None => Some(Formula::Adams),
            Some(starter) => Stepper::<F>::trace(&**starter, out).map(|_| Formula::Adams),
        }
    }

    fn save(&self, out: &mut Vec<S>) -> bool {
        out.extend_from_slice(&self.y);
        self.differences.save(out);
        let flag = |set: bool| if set { S::one() } else { S::zero() };
        out.extend([S::constant(self.order as f64), flag(self.rising), flag(self.starting)]);
        self.starter.as_ref().filter(|_| self.starting).is_none_or(|starter| Stepper::<F>::save(&**starter, out))
    }

    fn restore(&mut self, field: &mut Evaluator<'_, F, S>, saved: &[S]) {
        let (y, rest) = saved.split_at(self.n);
        self.y.copy_from_slice(y);
        let rest = self.differences.restore(rest);
        let set = |flag: S| flag == S::one();
        self.order = rest[0].value().to_f64() as usize;
        (self.next_order, self.fresh, self.failures) = (self.order, false, 0);
        (self.rising, self.starting) = (set(rest[1]), set(rest[2]));
        if let Some(starter) = self.starter.as_mut().filter(|_| self.starting) {
            starter.restore(field, &rest[3..]);
        }
    }

    fn stability(&self) -> Option<f64> {
        Some(STABILITY)
    }

    fn culprit(&self) -> Culprit {
        let not_finite = [&self.predicted, &self.y_new, &self.found].into_iter().find_map(|x| first_not_finite(x));
        if let Some(component) = not_finite {
            return Culprit::not_finite(component);
        }
        worst(self.n, |i| self.predicted[i].value() / self.norm.scale(i, self.y[i].value(), self.y_new[i].value()))
    }
}
