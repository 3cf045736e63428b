//! An explicit Runge–Kutta step for several systems at once, each with its own time and step.
//!
//! Operation for operation the arithmetic of [`ExplicitRungeKutta`](crate::ExplicitRungeKutta) over floats, so that a lane
//! has the bits of a solve on its own. *Checked by* `tests/it/ensembles.rs`.

use vecfield_kernels::{Job, Lanes, run};
use vecfield_traits::{ParametricField, Scalar};

use super::{F64Lanes, LANES};
use crate::combine::{Rows, Term};
use crate::controller::{Law, Past, logarithm_of_root, power};
use crate::explicit::{Estimate, Strain};
use crate::norm::Norm;
use crate::stepper::{Culprit, worst};
use crate::tableau::Tableau;
use crate::{Options, SolveError};

/// The states and stages of [`LANES`] systems.
#[derive(Debug)]
pub(super) struct LaneStepper {
    n: usize,
    stages: usize,
    end: usize,
    /// One row of nonzero weights a slot.
    rows: Rows<f64>,
    times: Vec<f64>,
    error: Estimate<f64>,
    norm: Norm<f64>,
    law: Law<f64>,
    polynomials: Vec<(usize, &'static [f64])>,
    fixed: bool,
    theta: Vec<F64Lanes>,
    y: Vec<F64Lanes>,
    y_new: Vec<F64Lanes>,
    stage: Vec<F64Lanes>,
    /// `[slots, n]`.
    k: Vec<F64Lanes>,
    inside: Vec<F64Lanes>,
    past: Past<F64Lanes>,
    /// Lanes whose step has been accepted and not yet made the beginning of the next.
    accepted: [bool; LANES],
}

/// What a trial step came to, lane by lane.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempts {
    /// Was the error small enough, before the rate at the end was looked at? That rate was then asked for.
    pub(super) tried_end: [bool; LANES],
    /// Is the step accepted?
    pub(super) accepted: [bool; LANES],
    /// The factor to the next step.
    pub(super) factor: F64Lanes,
    /// Signs of stiffness; zero unless asked for.
    strain: Strain<F64Lanes>,
}

impl Attempts {
    /// Signs of stiffness in one lane.
    #[inline(always)]
    pub(super) fn strain(&self, lane: usize) -> Strain<f64> {
        Strain { reach: self.strain.reach.0[lane], turn: self.strain.turn.0[lane] }
    }
}

/// Where the lanes are: beginnings and sizes of their trial steps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trial {
    pub(super) t: F64Lanes,
    pub(super) h: F64Lanes,
}

impl LaneStepper {
    pub(super) fn new(
        tableau: &'static Tableau,
        n: usize,
        parameters: usize,
        options: &Options<f64>,
    ) -> Result<Self, SolveError> {
        options.validate(n)?;
        if !tableau.adaptive() && options.step.is_none() {
            return Err(SolveError::StepRequired { method: tableau.name });
        }
        let (stages, end) = (tableau.stages(), tableau.end_slot());
        let slots = (0..tableau.slots()).map(|slot| tableau.slot(slot));
        let polynomials = tableau.interpolant.weights.iter().copied().enumerate();
        let law = Law::new(&options.controller, tableau.error_exponent());
        let zeros = |count: usize| vec![Lanes::splat(0.0); count];
        Ok(LaneStepper {
            n,
            stages,
            end,
            rows: Rows::new(slots.clone().map(|(row, _)| row)),
            times: slots.map(|(_, time)| time).collect(),
            error: Estimate::new(tableau, options.step.is_some()),
            norm: Norm::new(options, n),
            past: spread(&law.beginning()),
            law,
            polynomials: polynomials.filter(|(_, row)| row.iter().any(|&w| w != 0.0)).collect(),
            fixed: options.step.is_some(),
            theta: zeros(parameters),
            y: zeros(n),
            y_new: zeros(n),
            stage: zeros(n),
            k: zeros(n * tableau.slots()),
            inside: zeros(n),
            accepted: [false; LANES],
        })
    }

    /// Puts a system into a lane, with its rate at the beginning.
    pub(super) fn load(&mut self, lane: usize, theta: &[f64], y: &[f64], rate: &[f64]) {
        let fill = |to: &mut [F64Lanes], from: &[f64]| to.iter_mut().zip(from).for_each(|(to, &x)| to.0[lane] = x);
        fill(&mut self.theta, theta);
        fill(&mut self.y, y);
        fill(&mut self.k[..self.n], rate);
        let Past { history: [before, earlier], ceiling } = self.law.beginning();
        let past = &mut self.past;
        (past.history[0].0[lane], past.history[1].0[lane], past.ceiling.0[lane]) = (before, earlier, ceiling);
        self.accepted[lane] = false;
    }

    /// Makes the ends of accepted steps the beginnings of the next, then tries a step in every lane.
    pub(super) fn attempt<F: ParametricField<F64Lanes>>(
        &mut self,
        family: &F,
        work: &mut F::Workspace,
        trial: Trial,
        watch_stiffness: bool,
    ) -> Attempts {
        run(Attempt { lanes: self, family, work, trial, watch_stiffness })
    }

    /// Evaluates the stages that dense output alone needs.
    pub(super) fn extend<F: ParametricField<F64Lanes>>(&mut self, family: &F, work: &mut F::Workspace, trial: Trial) {
        if self.end + 1 < self.rows.len() {
            run(Extension { lanes: self, family, work, trial });
        }
    }

    /// How many evaluations [`extend`](LaneStepper::extend) takes.
    pub(super) fn extension(&self) -> u64 {
        (self.rows.len() - self.end - 1) as u64
    }

    /// The states at `t + θh`, with a `θ` of its own for each lane.
    pub(super) fn dense(&mut self, h: F64Lanes, theta: F64Lanes) -> &[F64Lanes] {
        run(Dense { lanes: self, h, theta });
        &self.inside
    }

    /// The state at the end of the step.
    pub(super) fn y_new(&self) -> &[F64Lanes] {
        &self.y_new
    }

    /// Copies the state after the last trial step out of a lane: that at its end where it was `accepted`, else at its beginning.
    pub(super) fn read(&self, lane: usize, accepted: bool, out: &mut [f64]) {
        let states = if accepted { &self.y_new } else { &self.y };
        out.iter_mut().zip(states).for_each(|(x, lanes)| *x = lanes.0[lane]);
    }

    /// Evaluations of a trial step, without that at its end if it is no stage.
    pub(super) fn evaluations(&self) -> u64 {
        self.stages as u64 - 1
    }

    /// Is the rate at the end of a step one more evaluation?
    pub(super) fn end_is_extra(&self) -> bool {
        self.end == self.stages
    }

    /// Which component spoilt the last attempt in this lane, and was it by not being finite?
    #[cold]
    pub(super) fn culprit(&self, lane: usize, tried_end: bool) -> Culprit {
        let n = self.n;
        let bad = |x: &[F64Lanes]| x.iter().position(|x| !x.0[lane].is_finite());
        // A rate at the end that a solve on its own would not have asked for says nothing.
        let asked = if self.end_is_extra() && !tried_end { self.end } else { self.end + 1 };
        if let Some(at) = bad(&self.k[..asked * n]) {
            return Culprit { stage: Some(at / n), ..Culprit::not_finite(at % n) };
        }
        if let Some(component) = bad(&self.y_new) {
            return Culprit::not_finite(component);
        }
        let weights = self.error.leading().unwrap_or(&self.rows[self.end]);
        worst(n, |i| self.ratio(weights, i, lane))
    }

    /// The error by these weights of one component in one lane, against its tolerance.
    fn ratio(&self, weights: &[Term<f64>], i: usize, lane: usize) -> f64 {
        let error = weights.iter().fold(0.0, |sum, term| sum + self.k[term.slot * self.n + i].0[lane] * term.weight);
        error / self.norm.scale(i, self.y[i].0[lane], self.y_new[i].0[lane])
    }

    #[inline(always)]
    fn commit(&mut self) {
        if self.accepted.iter().all(|&accepted| accepted) {
            core::mem::swap(&mut self.y, &mut self.y_new);
            let end = self.end * self.n;
            self.k.copy_within(end..end + self.n, 0);
            return;
        }
        for i in 0..self.n {
            let end = self.k[self.end * self.n + i];
            select(&self.accepted, &mut self.y[i], &self.y_new[i]);
            select(&self.accepted, &mut self.k[i], &end);
        }
    }

    #[inline(always)]
    fn stages<F: ParametricField<F64Lanes>>(&mut self, family: &F, work: &mut F::Workspace, trial: &Trial) {
        for slot in 1..self.end {
            self.stage(family, work, trial, slot);
        }
        let (known, unknown) = self.k.split_at_mut(self.end * self.n);
        combine(&self.y, &trial.h, &self.rows[self.end], known, &mut self.y_new);
        let t = trial.t + trial.h.map(|h| self.times[self.end] * h);
        family.eval(t, &self.y_new, &self.theta, &mut unknown[..self.n], work);
    }

    /// The rate of a slot, at the state that the slots before it make.
    #[inline(always)]
    fn stage<F: ParametricField<F64Lanes>>(&mut self, family: &F, work: &mut F::Workspace, trial: &Trial, slot: usize) {
        let (known, unknown) = self.k.split_at_mut(slot * self.n);
        stage_point(&self.y, &trial.h, &self.rows[slot], known, &mut self.stage);
        let t = trial.t + trial.h.map(|h| self.times[slot] * h);
        family.eval(t, &self.stage, &self.theta, &mut unknown[..self.n], work);
    }

    #[inline(always)]
    fn squared_error_ratio(&self, h: &F64Lanes) -> F64Lanes {
        let share = h.map(|h| h * h / self.n as f64);
        match &self.error {
            Estimate::None => vanishing(&self.y_new),
            Estimate::Embedded(weights) => self.sum_of_squares(weights) * share,
            Estimate::Pair { higher, lower } => {
                let (higher, lower) = (self.sum_of_squares(higher), self.sum_of_squares(lower));
                let joined = higher.zip(lower, |higher, lower| higher + 0.01 * lower);
                let square = share * higher * (higher / joined);
                joined.zip(square, |joined, square| if joined == 0.0 { joined } else { square })
            }
        }
    }

    #[inline(always)]
    fn sum_of_squares(&self, terms: &[Term<f64>]) -> F64Lanes {
        if !self.norm.is_mean() {
            return self.otherwise_measured(terms);
        }
        let mut total = Lanes::splat(0.0);
        for i in 0..self.n {
            let ratio = weighted(self.n, terms, &self.k, i) / self.scale(i);
            total += ratio * ratio;
        }
        total
    }

    /// What takes the place of the sum of squares in a norm other than the root mean square.
    #[cold]
    fn otherwise_measured(&self, terms: &[Term<f64>]) -> F64Lanes {
        Lanes(core::array::from_fn(|lane| {
            let size = self.norm.measure(self.n, |i| self.ratio(terms, i, lane));
            size * size * self.n as f64
        }))
    }

    #[inline(always)]
    fn scale(&self, i: usize) -> F64Lanes {
        self.y[i].zip(self.y_new[i], |a, b| self.norm.scale(i, a, b))
    }

    /// [`Law::factor`], part by part over the lanes.
    #[inline(always)]
    fn control(&mut self, error: &F64Lanes) -> F64Lanes {
        let LaneStepper { law, past, .. } = self;
        let log = error.map(logarithm_of_root);
        let mut factor = Lanes::splat(0.0);
        for lane in 0..LANES {
            factor.0[lane] = law.exponent(&one(past, lane), error.0[lane], log.0[lane]);
        }
        factor = factor.map(power);
        for lane in 0..LANES {
            factor.0[lane] = law.bounded(&one(past, lane), error.0[lane], factor.0[lane]);
        }
        for lane in 0..LANES {
            let next = law.next(&one(past, lane), error.0[lane], log.0[lane]);
            (past.history[0].0[lane], past.history[1].0[lane]) = (next.history[0], next.history[1]);
            past.ceiling.0[lane] = next.ceiling;
        }
        factor
    }

    /// [`ExplicitRungeKutta::strain`](crate::ExplicitRungeKutta).
    #[inline(always)]
    fn strain(&self, h: &F64Lanes) -> Strain<F64Lanes> {
        let (n, end, zero) = (self.n, self.end, Lanes::splat(0.0));
        if end == 0 || self.times[end - 1] != 1.0 {
            return Strain { reach: zero, turn: Lanes::splat(1.0) };
        }
        let (mut rates, mut states, mut along, mut size, mut turn) = (zero, zero, zero, zero, zero);
        for i in 0..n {
            let (first, before, after) = (self.k[i], self.k[(end - 1) * n + i], self.k[end * n + i]);
            let scale = self.scale(i);
            let rate = (after - before) / scale;
            let state = (self.y_new[i] - self.stage[i]) / scale;
            let (whole, change) = (first / scale, (after - first) / scale);
            rates += rate * rate;
            states += state * state;
            along += rate * state;
            size += whole * whole;
            turn += change * change;
        }
        let mut strain = Strain { reach: zero, turn: zero };
        for lane in 0..LANES {
            let (rates, states, h) = (rates.0[lane], states.0[lane], h.0[lane]);
            let along = if h < 0.0 { -along.0[lane] } else { along.0[lane] };
            let decays = (-along > (rates * states).sqrt() * 0.5) & (states > 0.0);
            let (reach, change) = (h.abs() * (rates / states).sqrt(), (turn.0[lane] / size.0[lane]).sqrt());
            strain.reach.0[lane] = if decays { reach } else { 0.0 };
            strain.turn.0[lane] = if size.0[lane] > 0.0 { change } else { 1.0 };
        }
        strain
    }
}

struct Attempt<'a, F: ParametricField<F64Lanes>> {
    lanes: &'a mut LaneStepper,
    family: &'a F,
    work: &'a mut F::Workspace,
    trial: Trial,
    watch_stiffness: bool,
}

impl<F: ParametricField<F64Lanes>> Job for Attempt<'_, F> {
    type Output = Attempts;

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> Attempts {
        let Attempt { lanes, family, work, trial, watch_stiffness } = self;
        lanes.commit();
        lanes.stages(family, work, &trial);
        let mut error = lanes.squared_error_ratio(&trial.h);
        let tried_end = error.0.map(|error| error <= 1.0);
        if lanes.end == lanes.stages {
            error += vanishing(&lanes.k[lanes.end * lanes.n..][..lanes.n]);
        }
        let (mut factor, accepted) = (Lanes::splat(1.0), error.0.map(|error| error <= 1.0));
        if !lanes.fixed {
            factor = lanes.control(&error);
        }
        let zero = Lanes::splat(0.0);
        let strain = if watch_stiffness { lanes.strain(&trial.h) } else { Strain { reach: zero, turn: zero } };
        lanes.accepted = accepted;
        Attempts { tried_end, accepted, factor, strain }
    }
}

struct Extension<'a, F: ParametricField<F64Lanes>> {
    lanes: &'a mut LaneStepper,
    family: &'a F,
    work: &'a mut F::Workspace,
    trial: Trial,
}

impl<F: ParametricField<F64Lanes>> Job for Extension<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Extension { lanes, family, work, trial } = self;
        for slot in lanes.end + 1..lanes.rows.len() {
            lanes.stage(family, work, &trial, slot);
        }
    }
}

struct Dense<'a> {
    lanes: &'a mut LaneStepper,
    h: F64Lanes,
    theta: F64Lanes,
}

impl Job for Dense<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Dense { lanes, h, theta } = self;
        let n = lanes.n;
        lanes.inside.fill(Lanes::splat(0.0));
        for &(slot, polynomial) in &lanes.polynomials {
            let mut weight = Lanes::splat(0.0);
            for &w in polynomial.iter().rev() {
                weight = weight.map(|sum| sum + w) * theta;
            }
            for i in 0..n {
                lanes.inside[i] += lanes.k[slot * n + i] * weight;
            }
        }
        for i in 0..n {
            lanes.inside[i] = lanes.y[i] + lanes.inside[i] * h;
        }
    }
}

/// `out = y + h Σ c_j k_j`, in the order of [`combine`](crate::combine::combine).
#[inline(always)]
fn combine(y: &[F64Lanes], h: &F64Lanes, terms: &[Term<f64>], stages: &[F64Lanes], out: &mut [F64Lanes]) {
    for i in 0..y.len() {
        out[i] = y[i] + weighted(y.len(), terms, stages, i) * *h;
    }
}

/// The state at which a stage is evaluated, in the order of [`stage_point`](crate::combine::stage_point).
#[inline(always)]
fn stage_point(y: &[F64Lanes], h: &F64Lanes, terms: &[Term<f64>], stages: &[F64Lanes], out: &mut [F64Lanes]) {
    let Some((last, older)) = terms.split_last() else { return out.copy_from_slice(y) };
    combine(y, h, older, stages, out);
    let weight = h.scale(last.weight);
    for (out, latest) in out.iter_mut().zip(&stages[last.slot * y.len()..]) {
        *out += *latest * weight;
    }
}

/// `Σ c_j k_j` of one component.
#[inline(always)]
fn weighted(n: usize, terms: &[Term<f64>], stages: &[F64Lanes], i: usize) -> F64Lanes {
    let mut sum = Lanes::splat(0.0);
    for term in terms {
        sum += stages[term.slot * n + i].scale(term.weight);
    }
    sum
}

/// Zero where every number is finite, else NaN.
#[inline(always)]
fn vanishing(x: &[F64Lanes]) -> F64Lanes {
    x.iter().fold(Lanes::splat(0.0), |sum, x| sum + x.scale(0.0))
}

/// The same past in every lane.
fn spread(past: &Past<f64>) -> Past<F64Lanes> {
    Past { history: past.history.map(Lanes::splat), ceiling: Lanes::splat(past.ceiling) }
}

/// The past of one lane.
#[inline(always)]
fn one(past: &Past<F64Lanes>, lane: usize) -> Past<f64> {
    let [before, earlier] = &past.history;
    Past { history: [before.0[lane], earlier.0[lane]], ceiling: past.ceiling.0[lane] }
}

#[inline(always)]
fn select(mask: &[bool; LANES], old: &mut F64Lanes, new: &F64Lanes) {
    for lane in 0..LANES {
        old.0[lane] = if mask[lane] { new.0[lane] } else { old.0[lane] };
    }
}
