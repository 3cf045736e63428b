//! The stepper of all explicit Runge–Kutta methods, over any number.

mod estimate;
mod small;

use vecfield_traits::{Elementary, Real, Scalar, VectorField};

use crate::combine::{Rows, Term, combine, combine_block, for_blocks, stage_point, sums, terms};
use crate::controller::Controller;
use crate::norm::{LANES, Norm};
use crate::options::Options;
use crate::stepper::{Attempt, Culprit, Evaluator, Formula, Stepper, first_not_finite, worst};
use crate::tableau::Tableau;
use crate::{SolveError, initial};
pub(crate) use estimate::Estimate;

/// Steps any [`Tableau`] over any [`Scalar`]. Errors are measured by values alone, so duals take the steps floats take.
#[derive(Debug, Clone)]
pub struct ExplicitRungeKutta<S: Scalar> {
    tableau: &'static Tableau,
    n: usize,
    /// One row of nonzero weights a slot.
    rows: Rows<S::Real>,
    times: Vec<S::Real>,
    weights: Box<[Term<S::Real>]>,
    error: Estimate<S::Real>,
    norm: Norm<S::Real>,
    controller: Controller<S::Real>,
    y: Vec<S>,
    y_new: Vec<S>,
    stage: Vec<S>,
    /// `[slots, n]`.
    k: Vec<S>,
    /// The interpolant's weights at the `θ` asked for last.
    dense: Vec<Term<S::Real>>,
    /// Is the field at the end of this step evaluated?
    ended: bool,
    /// Have the interpolant's own stages been evaluated for this step?
    extended: bool,
    fixed: bool,
}

/// Signs of stiffness in a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Strain<R> {
    /// `h|λ|` for the decaying eigenvalue that the last two stages at the end of the step see; zero where the method has no
    /// two such stages, or where what they see turns rather than decays: a stiff method would gain nothing there.
    pub(crate) reach: R,
    /// How much of itself the rate changes over the step: small where the solution is much slower than the steps.
    pub(crate) turn: R,
}

impl<S: Scalar> ExplicitRungeKutta<S> {
    /// Memory for a state of `n` components.
    ///
    /// # Errors
    ///
    /// [`SolveError::StepRequired`] if the method cannot choose its steps and `options` give none; any error of the
    /// options themselves.
    pub fn new(tableau: &'static Tableau, n: usize, options: &Options<S::Real>) -> Result<Self, SolveError> {
        options.validate(n)?;
        if !tableau.adaptive() && options.step.is_none() {
            return Err(SolveError::StepRequired { method: tableau.name });
        }
        let slots = (0..tableau.slots()).map(|slot| tableau.slot(slot));
        Ok(ExplicitRungeKutta {
            tableau,
            n,
            rows: Rows::new(slots.clone().map(|(row, _)| row)),
            times: slots.map(|(_, time)| S::Real::from_f64(time)).collect(),
            weights: terms(tableau.b),
            error: Estimate::new(tableau, options.step.is_some()),
            norm: Norm::new(options, n),
            controller: Controller::new(&options.controller, tableau.error_exponent()),
            y: vec![S::zero(); n],
            y_new: vec![S::zero(); n],
            stage: vec![S::zero(); n],
            k: vec![S::zero(); n * tableau.slots()],
            dense: Vec::with_capacity(tableau.slots()),
            ended: false,
            extended: false,
            fixed: options.step.is_some(),
        })
    }

    /// The method.
    pub fn tableau(&self) -> &'static Tableau {
        self.tableau
    }

    /// The rate at the beginning of the step.
    pub(crate) fn rate(&self) -> &[S] {
        &self.k[..self.n]
    }

    /// Stands at `y`, for another stepper to go on from there.
    pub(crate) fn stand_at(&mut self, y: &[S]) {
        self.y.copy_from_slice(y);
    }

    /// What the step just taken says of stiffness, from evaluations made anyway.
    pub(crate) fn strain(&self, h: S::Real) -> Strain<S::Real> {
        let (n, end, zero) = (self.n, self.tableau.end_slot(), S::Real::zero());
        if end == 0 || self.times[end - 1] != S::Real::one() {
            return Strain { reach: zero, turn: S::Real::one() };
        }
        let slot = |slot: usize| &self.k[slot * n..][..n];
        let (first, before, after) = (slot(0), slot(end - 1), slot(end));
        let (mut rates, mut states, mut along, mut size, mut turn) = (zero, zero, zero, zero, zero);
        for i in 0..n {
            let scale = self.norm.scale(i, self.y[i].value(), self.y_new[i].value());
            let rate = (after[i].value() - before[i].value()) / scale;
            // `stage` still holds the state of the last stage before the end.
            let state = (self.y_new[i].value() - self.stage[i].value()) / scale;
            let (whole, change) = (first[i].value() / scale, (after[i].value() - first[i].value()) / scale);
            rates += rate * rate;
            states += state * state;
            along += rate * state;
            size += whole * whole;
            turn += change * change;
        }
        let along = if h < zero { -along } else { along };
        // The cosine of the angle between change of rate and change of state: -1 for a decaying eigenvector.
        let decays = -along > (rates * states).sqrt() * S::Real::from_f64(0.5);
        let reach = if decays && states > zero { h.abs() * (rates / states).sqrt() } else { zero };
        let turn = if size > zero { (turn / size).sqrt() } else { S::Real::one() };
        Strain { reach, turn }
    }

    /// Begins a step at `(t, y)`, with the controller as it is.
    pub(crate) fn place<F: VectorField<S>>(&mut self, field: &mut Evaluator<'_, F, S>, t: S::Real, y: &[S]) {
        self.y.copy_from_slice(y);
        field.eval(t, y, &mut self.k[..self.n]);
    }

    /// A step from `(t, y)` that ends with `y⁺`: no error, nothing evaluated there.
    pub(crate) fn map<F: VectorField<S>>(&mut self, field: &mut Evaluator<'_, F, S>, t: S::Real, h: S::Real, y: &[S]) {
        self.place(field, t, y);
        let (n, s) = (self.n, self.tableau.end_slot());
        for slot in 1..s {
            self.stage(field, (t, h), slot);
        }
        combine(&self.y, h, &self.weights, &self.k[..s * n], &mut self.y_new);
        (self.ended, self.extended) = (false, false);
    }

    /// The end of a [`map`](Self::map), or of an attempt.
    pub(crate) fn landed(&self) -> &[S] {
        &self.y_new
    }

    /// Evaluates what dense output needs of the end of a [`map`](Self::map).
    pub(crate) fn reach_end<F: VectorField<S>>(&mut self, field: &mut Evaluator<'_, F, S>, t: S::Real, h: S::Real) {
        if !self.ended {
            let end = self.tableau.end_slot() * self.n;
            field.eval(t + h, &self.y_new, &mut self.k[end..end + self.n]);
            self.ended = true;
        }
    }

    /// The rate of a slot, at the state that the slots before it make.
    #[inline]
    fn stage<F: VectorField<S>>(&mut self, field: &mut Evaluator<'_, F, S>, (t, h): (S::Real, S::Real), slot: usize) {
        let (known, unknown) = self.k.split_at_mut(slot * self.n);
        stage_point(&self.y, h, &self.rows[slot], known, &mut self.stage);
        field.eval(t + self.times[slot] * h, &self.stage, &mut unknown[..self.n]);
    }

    fn stages<F: VectorField<S>>(&mut self, field: &mut Evaluator<'_, F, S>, t: S::Real, h: S::Real) {
        let (n, end) = (self.n, self.tableau.end_slot());
        for slot in 1..end {
            self.stage(field, (t, h), slot);
        }
        if end < self.tableau.stages() {
            // The last stage is the state at the end.
            let (known, unknown) = self.k.split_at_mut(end * n);
            combine(&self.y, h, &self.rows[end], known, &mut self.y_new);
            field.eval(t + self.times[end] * h, &self.y_new, &mut unknown[..n]);
        }
    }

    /// The state at the end, where no stage is it, and the squared error ratio, in one pass over the stages.
    fn finish(&mut self, h: S::Real) -> S::Real {
        let mut lanes = [[S::Real::zero(); LANES]; 2];
        for_blocks!(self.n, at, B => self.finish_block::<B>(h, at, &mut lanes));
        self.error.squared_ratio(
            h,
            self.n,
            lanes.map(|lanes| lanes.into_iter().fold(S::Real::zero(), |sum, x| sum + x)),
        )
    }

    #[inline(always)]
    fn finish_block<const B: usize>(&mut self, h: S::Real, at: usize, lanes: &mut [[S::Real; LANES]; 2]) {
        if self.tableau.end_slot() == self.tableau.stages() {
            combine_block::<S, B>(&self.y, h, &self.weights, &self.k, &mut self.y_new, at);
        }
        let [first, second] = lanes;
        let squares = |terms: &[Term<S::Real>], lanes: &mut [S::Real; LANES]| {
            let errors: [S::Real; B] = sums(self.n, terms, &self.k, at, |k| k.value());
            self.norm.add_squares(errors, (&self.y, &self.y_new), at, lanes);
        };
        match &self.error {
            // Zero times a finite number is zero, else NaN.
            Estimate::None => self.y_new[at..][..B].iter().for_each(|y| first[0] += y.value() * S::Real::zero()),
            Estimate::Embedded(weights) => squares(weights, first),
            Estimate::Pair { higher, lower } => {
                squares(higher, first);
                squares(lower, second);
            }
        }
    }

    /// The squared error ratio in a norm other than the root mean square, in which it is `plain`.
    #[cold]
    fn otherwise_measured(&self, h: S::Real, plain: S::Real) -> S::Real {
        let sum_of_squares = |weights: &[Term<S::Real>]| {
            self.norm.sum_of_squares(self.n, |i| {
                let [error] = sums(self.n, weights, &self.k, i, |k| k.value());
                error / self.norm.scale(i, self.y[i].value(), self.y_new[i].value())
            })
        };
        let sums = match &self.error {
            Estimate::None => [plain; 2],
            Estimate::Embedded(weights) => [sum_of_squares(weights), S::Real::zero()],
            Estimate::Pair { higher, lower } => [sum_of_squares(higher), sum_of_squares(lower)],
        };
        self.error.squared_ratio(h, self.n, sums)
    }

    fn extend<F: VectorField<S>>(&mut self, field: &mut Evaluator<'_, F, S>, t: S::Real, h: S::Real) {
        for slot in self.tableau.end_slot() + 1..self.tableau.slots() {
            self.stage(field, (t, h), slot);
        }
        self.extended = true;
    }
}

impl<S: Scalar, F: VectorField<S>> Stepper<F> for ExplicitRungeKutta<S> {
    type Scalar = S;

    fn dim(&self) -> usize {
        self.n
    }

    fn start(&mut self, field: &mut Evaluator<'_, F, S>, t: S::Real, y: &[S]) -> Result<(), SolveError> {
        self.y.copy_from_slice(y);
        self.controller.reset();
        self.extended = false;
        let k = &mut self.k[..self.n];
        field.eval(t, &self.y, k);
        match first_not_finite(k) {
            Some(component) => Err(SolveError::undefined(component, t)),
            None => Ok(()),
        }
    }

    fn first_step(&mut self, field: &mut Evaluator<'_, F, S>, t: S::Real, span: S::Real) -> S::Real {
        let (k, rest) = self.k.split_at_mut(self.n);
        let order = self.tableau.error_exponent();
        let trial = initial::Trial { stage: &mut self.stage, rate: &mut rest[..self.n] };
        initial::step(field, &self.norm, order, (t, span), &self.y, k, trial)
    }

    fn attempt(&mut self, field: &mut Evaluator<'_, F, S>, t: S::Real, h: S::Real) -> Attempt<S::Real> {
        (self.ended, self.extended) = (true, false);
        let mut error = match self.n {
            1 => self.small_step::<F, 1>(field, t, h),
            2 => self.small_step::<F, 2>(field, t, h),
            3 => self.small_step::<F, 3>(field, t, h),
            4 => self.small_step::<F, 4>(field, t, h),
            _ => {
                self.stages(field, t, h);
                self.finish(h)
            }
        };
        if !self.norm.is_mean() {
            error = self.otherwise_measured(h, error);
        }
        let end = self.tableau.end_slot();
        if end == self.tableau.stages() && error <= S::Real::one() {
            let k = &mut self.k[end * self.n..][..self.n];
            field.eval(t + h, &self.y_new, k);
            error += k.iter().fold(S::Real::zero(), |sum, k| sum + k.value() * S::Real::zero());
        }
        let accepted = error <= S::Real::one();
        let factor = if self.fixed { S::Real::one() } else { self.controller.factor_of_square(error) };
        Attempt { accepted, factor }
    }

    fn dense(&mut self, field: &mut Evaluator<'_, F, S>, t: S::Real, h: S::Real, theta: S::Real, out: &mut [S]) {
        if !self.extended {
            self.extend(field, t, h);
        }
        self.dense.clear();
        for slot in 0..self.tableau.slots() {
            let weight = self.tableau.interpolant.weight(slot, theta);
            if weight != S::Real::zero() {
                self.dense.push(Term { weight, slot });
            }
        }
        combine(&self.y, h, &self.dense, &self.k, out);
    }

    fn commit(&mut self) {
        core::mem::swap(&mut self.y, &mut self.y_new);
        let end = self.tableau.end_slot() * self.n;
        self.k.copy_within(end..end + self.n, 0);
        self.extended = false;
    }

    fn y(&self) -> &[S] {
        &self.y
    }

    fn y_new(&self) -> &[S] {
        &self.y_new
    }

    fn trace(&self, out: &mut Vec<S>) -> Option<Formula> {
        out.extend_from_slice(&self.k[..self.tableau.stages() * self.n]);
        Some(Formula::Explicit(self.tableau))
    }

    fn save(&self, out: &mut Vec<S>) -> bool {
        out.extend_from_slice(&self.y);
        out.extend_from_slice(&self.k[..self.n]);
        out.extend(self.controller.memory().map(S::lift));
        true
    }

    fn restore(&mut self, _field: &mut Evaluator<'_, F, S>, saved: &[S]) {
        let (y, rest) = saved.split_at(self.n);
        let (k, memory) = rest.split_at(self.n);
        self.y.copy_from_slice(y);
        self.k[..self.n].copy_from_slice(k);
        self.controller.recall([memory[0].value(), memory[1].value(), memory[2].value()]);
        self.extended = false;
    }

    fn stability(&self) -> Option<f64> {
        Some(self.tableau.real_stability())
    }

    fn culprit(&self) -> Culprit {
        let (n, end) = (self.n, self.tableau.end_slot());
        if let Some(culprit) = Culprit::spoilt(None, &self.k[..(end + 1) * n], n, &[&self.y_new]) {
            return culprit;
        }
        let weights = self.error.leading().unwrap_or(&self.weights);
        worst(n, |i| {
            let [error] = sums(n, weights, &self.k, i, |k| k.value());
            error / self.norm.scale(i, self.y[i].value(), self.y_new[i].value())
        })
    }
}
