//! Reversible methods, backwards: the cotangents of both states, by the formulas at the head of [`vecfield_solvers::reversible`].

use vecfield_solvers::reversible::{COUPLING, Scheme};
use vecfield_solvers::stepper::Formula;
use vecfield_solvers::tableau::Tableau;
use vecfield_traits::{Real, Vjp};

use super::{Bars, ExplicitReverse, Inside, ReverseStep, Taken, add_scaled, cubic, dot};
use crate::AdjointError;

/// The pass back through the steps of any [`ReversibleMethod`](vecfield_solvers::reversible::ReversibleMethod).
#[derive(Debug, Clone)]
pub struct ReversibleReverse<R> {
    explicit: ExplicitReverse<R>,
    /// The stages of one step of the method that is coupled.
    k: Vec<R>,
    /// Of `z` at the beginning.
    z_bar: Vec<R>,
    /// Of the rates at both ends.
    rate_bars: [Vec<R>; 2],
    rates: [Vec<R>; 2],
    y_new: Vec<R>,
    z_new: Vec<R>,
    /// What the coupled method makes of its cotangents.
    part: Bars<R>,
}

impl<R: Real> Default for ReversibleReverse<R> {
    fn default() -> Self {
        let none = Vec::new;
        ReversibleReverse {
            explicit: ExplicitReverse::new(),
            k: none(),
            z_bar: none(),
            rate_bars: [none(), none()],
            rates: [none(), none()],
            y_new: none(),
            z_new: none(),
            part: Bars::new(0, 0),
        }
    }
}

impl<R: Real> ReversibleReverse<R> {
    /// No memory yet: the first step makes it.
    pub fn new() -> ReversibleReverse<R> {
        ReversibleReverse::default()
    }

    fn fit(&mut self, n: usize) {
        let [first, last] = &mut self.rate_bars;
        let [start, end] = &mut self.rates;
        for buffer in [first, last, start, end, &mut self.z_bar, &mut self.y_new, &mut self.z_new, &mut self.part.y] {
            buffer.resize(n, R::zero());
            buffer.fill(R::zero());
        }
    }

    /// Takes the step again: its end in `y_new` and `z_new`, the rates that dense output meets in `rates`.
    fn take<F: Vjp<R>>(&mut self, heun: bool, (field, work): (&F, &mut F::Workspace), step: &Taken<'_, R>) {
        let (t, h, y, z) = (step.t, step.h, step.y, second(step));
        let half = h * R::from_f64(0.5);
        let ReversibleReverse { rates: [start, end], y_new, z_new, .. } = self;
        if heun {
            field.eval(t, z, start, work);
            each(z_new, |i| y[i] + y[i] - z[i] + start[i] * h);
            field.eval(t + h, z_new, end, work);
            each(y_new, |i| y[i] + (start[i] + end[i]) * half);
        } else {
            start.copy_from_slice(z);
            each(y_new, |i| y[i] + z[i] * half);
            field.eval(t + half, y_new, end, work);
            each(z_new, |i| end[i] + end[i] - z[i]);
            end.copy_from_slice(z_new);
            each(y_new, |i| y[i] + (start[i] + end[i]) * half);
        }
    }

    /// What the cubic polynomial inside a step of the first two schemes, and the end, give to the rates and to both states.
    fn gather_ends(&mut self, step: &Taken<'_, R>, inside: Inside<'_, R>, bars: &mut Bars<R>) {
        let (n, h, half) = (step.y.len(), step.h, R::from_f64(0.5));
        let ReversibleReverse { rates: [start, end], rate_bars: [start_bar, end_bar], part, .. } = self;
        // Of `y` at the beginning, in `part.y`.
        for (theta, bar) in inside.iter(n) {
            let ([change, first, last], _) = cubic(theta);
            add_scaled(&mut bars.y, change, bar);
            add_scaled(&mut part.y, R::one() - change, bar);
            add_scaled(start_bar, h * first, bar);
            add_scaled(end_bar, h * last, bar);
            bars.h += first * dot(bar, start) + last * dot(bar, end);
        }
        add_scaled(&mut part.y, R::one(), &bars.y);
        for (rate, rate_bar) in [(start, start_bar), (end, end_bar)] {
            add_scaled(rate_bar, h * half, &bars.y);
            bars.h += half * dot(&bars.y, rate);
        }
    }

    fn heun<F: Vjp<R>>(
        &mut self,
        (field, work): (&F, &mut F::Workspace),
        step: &Taken<'_, R>,
        inside: Inside<'_, R>,
        bars: &mut Bars<R>,
    ) {
        self.take(true, (field, work), step);
        self.gather_ends(step, inside, bars);
        let ReversibleReverse { rates: [start, _], rate_bars: [start_bar, end_bar], part, z_bar, z_new, .. } = self;
        let moved = field.vjp_deferred(step.t + step.h, z_new, end_bar, &mut bars.carried, &mut bars.theta, work);
        add_scaled(&mut part.y, R::from_f64(2.0), &bars.carried);
        add_scaled(z_bar, -R::one(), &bars.carried);
        add_scaled(start_bar, step.h, &bars.carried);
        bars.h += moved + dot(&bars.carried, start);
        bars.t += moved + field.vjp_deferred(step.t, second(step), start_bar, z_bar, &mut bars.theta, work);
        bars.y.copy_from_slice(&part.y);
    }

    fn leapfrog<F: Vjp<R>>(
        &mut self,
        (field, work): (&F, &mut F::Workspace),
        step: &Taken<'_, R>,
        inside: Inside<'_, R>,
        bars: &mut Bars<R>,
    ) {
        let (y, z) = (step.y, second(step));
        let half = step.h * R::from_f64(0.5);
        self.take(false, (field, work), step);
        self.gather_ends(step, inside, bars);
        let ReversibleReverse { rate_bars: [start_bar, end_bar], part, z_bar, y_new: middle, z_new: twice, .. } = self;
        add_scaled(&mut bars.carried, R::one(), end_bar);
        each(middle, |i| y[i] + z[i] * half);
        each(twice, |i| bars.carried[i] + bars.carried[i]);
        // Of the state in the middle; what came of the end has gone to the rates.
        bars.y.fill(R::zero());
        let moved = field.vjp_deferred(step.t + half, middle, twice, &mut bars.y, &mut bars.theta, work);
        bars.t += moved;
        bars.h += R::from_f64(0.5) * (moved + dot(&bars.y, z));
        add_scaled(z_bar, R::one(), start_bar);
        add_scaled(z_bar, -R::one(), &bars.carried);
        add_scaled(z_bar, half, &bars.y);
        add_scaled(&mut bars.y, R::one(), &part.y);
    }

    fn coupled<F: Vjp<R>>(
        &mut self,
        tableau: &'static Tableau,
        (field, work): (&F, &mut F::Workspace),
        step: &Taken<'_, R>,
        inside: Inside<'_, R>,
        bars: &mut Bars<R>,
    ) -> Result<(), AdjointError> {
        let (t, h, y, z, n) = (step.t, step.h, step.y, second(step), step.y.len());
        let kept = R::from_f64(COUPLING);
        let formula = Formula::Explicit(tableau);
        let ReversibleReverse { explicit, k, z_bar, y_new, part, .. } = self;
        explicit.stages((field, work), tableau, (t, h, z), k)?;
        explicit.land(tableau, (h, z), k, y_new);
        add_parted(y_new, kept, y, z);
        // `z⁺ = z + y⁺ - Φ_{-h}(t⁺, y⁺)`
        add_scaled(z_bar, R::one(), &bars.carried);
        add_scaled(&mut bars.y, R::one(), &bars.carried);
        add_scaled(&mut part.y, -R::one(), &bars.carried);
        part.theta.resize(bars.theta.len(), R::zero());
        core::mem::swap(&mut part.theta, &mut bars.theta);
        explicit.stages((field, work), tableau, (t + h, -h, y_new), k)?;
        let back = Taken { t: t + h, h: -h, y: y_new, stages: k, formula, kept: &[] };
        explicit.pull_back(field, work, &back, Inside { thetas: &[], bars: &[] }, part)?;
        (bars.t, bars.h) = (part.t, part.t - part.h);
        add_scaled(&mut bars.y, R::one(), &part.y);
        // `y⁺ = Φ_h(t, z) + λ (y - z)`, and the same with what is kept up to there inside the step.
        part.y.copy_from_slice(&bars.y);
        bars.y.iter_mut().for_each(|bar| *bar *= kept);
        for (theta, bar) in inside.iter(n) {
            add_scaled(&mut bars.y, kept_at(theta), bar);
        }
        add_scaled(z_bar, -R::one(), &bars.y);
        explicit.stages((field, work), tableau, (t, h, z), k)?;
        let forth = Taken { t, h, y: z, stages: k, formula, kept: &[] };
        let passed = explicit.pull_back(field, work, &forth, inside, part);
        core::mem::swap(&mut part.theta, &mut bars.theta);
        passed?;
        bars.t += part.t;
        bars.h += part.h;
        add_scaled(z_bar, R::one(), &part.y);
        Ok(())
    }
}

impl<R: Real, F: Vjp<R>> ReverseStep<R, F> for ReversibleReverse<R> {
    fn pull_back(
        &mut self,
        field: &F,
        work: &mut F::Workspace,
        step: &Taken<'_, R>,
        inside: Inside<'_, R>,
        bars: &mut Bars<R>,
    ) -> Result<(), AdjointError> {
        let Formula::Reversible(method) = step.formula else { return Err(AdjointError::NoPassBack) };
        let n = step.y.len();
        self.fit(n);
        bars.carried.resize(n, R::zero());
        (bars.t, bars.h) = (R::zero(), R::zero());
        let evaluator = (field, &mut *work);
        let leapfrog = match method.scheme {
            Scheme::Heun => {
                self.heun(evaluator, step, inside, bars);
                false
            }
            Scheme::Leapfrog => {
                self.leapfrog(evaluator, step, inside, bars);
                true
            }
            Scheme::Coupled(tableau) => {
                self.coupled(tableau, evaluator, step, inside, bars)?;
                false
            }
            _ => return Err(AdjointError::NoPassBack),
        };
        if !joined(step) {
            core::mem::swap(&mut bars.carried, &mut self.z_bar);
            return Ok(());
        }
        // The second state was found from the first: `z = y`, or the leapfrog's `z = f(t, y)`.
        bars.carried.fill(R::zero());
        if leapfrog {
            bars.t += field.vjp_deferred(step.t, step.y, &self.z_bar, &mut bars.y, &mut bars.theta, work);
        } else {
            add_scaled(&mut bars.y, R::one(), &self.z_bar);
        }
        Ok(())
    }

    fn rate(
        &mut self,
        field: &F,
        work: &mut F::Workspace,
        step: &Taken<'_, R>,
        theta: R,
        rate: &mut [R],
    ) -> Result<(), AdjointError> {
        let Formula::Reversible(method) = step.formula else { return Err(AdjointError::NoPassBack) };
        let (t, h, y, z) = (step.t, step.h, step.y, second(step));
        self.fit(y.len());
        if let Scheme::Coupled(tableau) = method.scheme {
            let ReversibleReverse { explicit, k, .. } = self;
            explicit.stages((field, work), tableau, (t, h, z), k)?;
            let forth = Taken { t, h, y: z, stages: k, formula: Formula::Explicit(tableau), kept: &[] };
            explicit.rate(field, work, &forth, theta, rate)?;
            add_parted(rate, R::from_f64(COUPLING - 1.0) / h, y, z);
            return Ok(());
        }
        self.take(matches!(method.scheme, Scheme::Heun), (field, work), step);
        let (_, [change, first, last]) = cubic(theta);
        let ReversibleReverse { rates: [start, end], y_new, .. } = self;
        each(rate, |i| (y_new[i] - y[i]) * change / h + start[i] * first + end[i] * last);
        Ok(())
    }
}

/// `z` at the beginning of the step.
fn second<'a, R>(step: &Taken<'a, R>) -> &'a [R] {
    &step.stages[..step.y.len()]
}

/// Was `z` found from `y` there?
fn joined<R: Real>(step: &Taken<'_, R>) -> bool {
    step.stages.get(step.y.len()).is_some_and(|&flag| flag != R::zero())
}

/// How much of `y - z` is left at the fraction `theta` of a step.
fn kept_at<R: Real>(theta: R) -> R {
    R::one() - theta * R::from_f64(1.0 - COUPLING)
}

/// `to += by (y - z)`.
fn add_parted<R: Real>(to: &mut [R], by: R, y: &[R], z: &[R]) {
    for (to, (&y, &z)) in to.iter_mut().zip(y.iter().zip(z)) {
        *to += by * (y - z);
    }
}

/// `out_i = value(i)`.
fn each<R>(out: &mut [R], value: impl Fn(usize) -> R) {
    for (i, out) in out.iter_mut().enumerate() {
        *out = value(i);
    }
}
