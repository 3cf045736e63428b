//! Explicit Runge–Kutta methods, backwards (Hager 2000; Sanz-Serna 2016): the cotangents of the stages in reverse order,
//!
//! ```text
//! k̄_j = h (b_j ȳ⁺ + Σ_{i>j} a_ij Ȳ_i)        Ȳ_j = (∂f/∂y)ᵀ k̄_j        ȳ = ȳ⁺ + Σ_j Ȳ_j
//! ```

use vecfield_solvers::stepper::{Formula, Term, combine, stage_point, terms};
use vecfield_solvers::tableau::Tableau;
use vecfield_traits::{Real, Vjp};

use super::{Bars, Inside, ReverseStep, Taken, add_scaled, dot, polynomial};
use crate::AdjointError;

/// The pass back through explicit Runge–Kutta steps of any [`Tableau`].
#[derive(Debug, Clone)]
pub struct ExplicitReverse<R> {
    plan: Option<Plan<R>>,
    /// `[slots, n]`: the stages, with those that only dense output needs behind.
    k: Vec<R>,
    /// `[slots + 1, n]`: the cotangents of the stages' states, and that of the end.
    bars: Vec<R>,
    /// `[slots, n]`: what dense output gives to the cotangents of the stages.
    dense: Vec<R>,
    nothing: Vec<R>,
    /// `[slots, n]`: the stages' states, and their times.
    states: Vec<R>,
    times: Vec<R>,
    k_bar: Vec<R>,
}

/// A tableau, by rows for the stages' states and by columns for their cotangents.
#[derive(Debug, Clone)]
struct Plan<R> {
    tableau: &'static Tableau,
    rows: Vec<Box<[Term<R>]>>,
    times: Vec<R>,
    weights: Box<[Term<R>]>,
    /// Column `j` over the stages behind it, then over the end (slot `slots`).
    columns: Vec<Box<[Term<R>]>>,
    /// The stages up to the last that the end depends on.
    used: usize,
}

impl<R: Real> Plan<R> {
    fn new(tableau: &'static Tableau) -> Plan<R> {
        let slots = tableau.slots();
        let (rows, times): (Vec<_>, Vec<_>) = (0..slots).map(|slot| tableau.slot(slot)).unzip();
        let weight = |i: usize, j: usize| rows[i].get(j).copied().unwrap_or(0.0);
        let b = |j: usize| tableau.b.get(j).copied().unwrap_or(0.0);
        let column = |j: usize| {
            let behind: Vec<f64> = (0..slots).map(|i| weight(i, j)).chain([b(j)]).collect();
            terms(&behind)
        };
        let columns: Vec<_> = (0..slots).map(column).collect();
        Plan {
            tableau,
            used: (0..tableau.stages()).rev().find(|&j| b(j) != 0.0).map_or(0, |j| j + 1),
            columns,
            times: times.iter().map(|&c| R::from_f64(c)).collect(),
            weights: terms(tableau.b),
            rows: rows.iter().map(|row| terms(row)).collect(),
        }
    }

    /// The state at which a slot of a step from `y` is evaluated: with the bits of the step, as what was kept of it is of that
    /// state alone.
    fn state(&self, slot: usize, (h, y): (R, &[R]), k: &[R], state: &mut [R]) {
        let point = if slot == self.tableau.end_slot() { combine } else { stage_point };
        point(y, h, &self.rows[slot], k, state);
    }

    /// The rates of these slots of a step from `(t, y)` into `k`, which has those before them.
    fn evaluate<F: Vjp<R>>(
        &self,
        slots: core::ops::Range<usize>,
        (field, work): (&F, &mut F::Workspace),
        (t, h, y): (R, R, &[R]),
        (k, state): (&mut [R], &mut [R]),
    ) {
        let n = y.len();
        for slot in slots {
            let (known, unknown) = k.split_at_mut(slot * n);
            self.state(slot, (h, y), known, state);
            field.eval(t + self.times[slot] * h, state, &mut unknown[..n], work);
        }
    }
}

impl<R: Real> Default for ExplicitReverse<R> {
    fn default() -> Self {
        let nothing = Vec::new;
        ExplicitReverse {
            plan: None,
            k: nothing(),
            bars: nothing(),
            dense: nothing(),
            nothing: nothing(),
            states: nothing(),
            times: nothing(),
            k_bar: nothing(),
        }
    }
}

impl<R: Real> ExplicitReverse<R> {
    /// No memory yet: the first step makes it.
    pub fn new() -> ExplicitReverse<R> {
        ExplicitReverse::default()
    }

    /// The stages of a step from `(t, y)`, as a pass back wants them, into `k`.
    pub(super) fn stages<F: Vjp<R>>(
        &mut self,
        (field, work): (&F, &mut F::Workspace),
        tableau: &'static Tableau,
        (t, h, y): (R, R, &[R]),
        k: &mut Vec<R>,
    ) -> Result<(), AdjointError> {
        let (n, s) = (y.len(), tableau.stages());
        self.fit(Formula::Explicit(tableau), n)?;
        let Some(plan) = &self.plan else { return Err(AdjointError::NoPassBack) };
        k.resize(s * n, R::zero());
        plan.evaluate(0..s, (field, work), (t, h, y), (k, &mut self.states[..n]));
        Ok(())
    }

    /// The end of the step of these [`stages`](Self::stages).
    pub(super) fn land(&self, tableau: &'static Tableau, (h, y): (R, &[R]), k: &[R], end: &mut [R]) {
        end.copy_from_slice(y);
        let n = y.len();
        for (slot, &weight) in tableau.b.iter().enumerate() {
            add_scaled(end, h * R::from_f64(weight), &k[slot * n..][..n]);
        }
    }

    /// Makes ready for steps of `n` components by this formula.
    fn fit(&mut self, formula: Formula, n: usize) -> Result<(), AdjointError> {
        let Formula::Explicit(tableau) = formula else { return Err(AdjointError::NoPassBack) };
        if !self.plan.as_ref().is_some_and(|plan| core::ptr::eq(plan.tableau, tableau)) {
            self.plan = Some(Plan::new(tableau));
        }
        let slots = tableau.slots();
        for buffer in [&mut self.k, &mut self.dense, &mut self.states] {
            buffer.resize(slots * n, R::zero());
        }
        self.bars.resize((slots + 1) * n, R::zero());
        for buffer in [&mut self.nothing, &mut self.k_bar] {
            buffer.resize(n, R::zero());
        }
        self.times.resize(slots, R::zero());
        Ok(())
    }

    /// Evaluates the stages that only dense output needs, into the slots behind the step's own.
    fn extend<F: Vjp<R>>(&mut self, plan: &Plan<R>, field: &F, work: &mut F::Workspace, step: &Taken<'_, R>) {
        let slots = plan.tableau.stages()..plan.tableau.slots();
        plan.evaluate(slots, (field, work), (step.t, step.h, step.y), (&mut self.k, &mut self.states[..step.y.len()]));
    }
}

impl<R: Real, F: Vjp<R>> ReverseStep<R, F> for ExplicitReverse<R> {
    fn pull_back(
        &mut self,
        field: &F,
        work: &mut F::Workspace,
        step: &Taken<'_, R>,
        inside: Inside<'_, R>,
        bars: &mut Bars<R>,
    ) -> Result<(), AdjointError> {
        let n = step.y.len();
        self.fit(step.formula, n)?;
        let Some(plan) = self.plan.take() else { return Err(AdjointError::NoPassBack) };
        let (s, slots, h) = (plan.tableau.stages(), plan.tableau.slots(), step.h);
        // Without dense output only the step's own stages count, and of them not the last of a method that is the first of
        // the next step.
        let last = if inside.thetas.is_empty() { plan.used } else { slots };
        self.k[..s * n].copy_from_slice(step.stages);
        self.bars[slots * n..].copy_from_slice(&bars.y);
        self.bars[last * n..slots * n].fill(R::zero());
        (bars.t, bars.h) = (R::zero(), R::zero());
        for term in &plan.weights {
            bars.h += term.weight * dot(&bars.y, &step.stages[term.slot * n..][..n]);
        }
        if !inside.thetas.is_empty() {
            self.extend(&plan, field, work, step);
            self.dense.fill(R::zero());
            for (theta, bar) in inside.iter(n) {
                add_scaled(&mut bars.y, R::one(), bar);
                for (slot, weights) in plan.tableau.interpolant.weights.iter().enumerate() {
                    let (weight, _) = polynomial(weights, theta);
                    add_scaled(&mut self.dense[slot * n..][..n], h * weight, bar);
                    bars.h += weight * dot(bar, &self.k[slot * n..][..n]);
                }
            }
        }
        for j in 0..last {
            plan.state(j, (h, step.y), &self.k, &mut self.states[j * n..][..n]);
            self.times[j] = step.t + plan.times[j] * h;
        }
        if step.kept.is_empty() {
            field.record(&self.times[..last], &self.states[..last * n], work);
        }
        for j in (0..last).rev() {
            let dense = if inside.thetas.is_empty() { &self.nothing[..] } else { &self.dense[j * n..][..n] };
            combine(dense, h, &plan.columns[j], &self.bars, &mut self.k_bar);
            let y_bar = &mut self.bars[j * n..][..n];
            y_bar.fill(R::zero());
            if self.k_bar.iter().all(|bar| *bar == R::zero()) {
                continue;
            }
            let (t, state) = (self.times[j], &self.states[j * n..][..n]);
            let t_bar = match step.kept.get(j) {
                Some(kept) => field.pull_kept(kept, t, state, &self.k_bar, y_bar, &mut bars.theta, work),
                None if step.kept.is_empty() => {
                    field.pull_recorded(j, t, state, &self.k_bar, y_bar, &mut bars.theta, work)
                }
                None => field.vjp_deferred(t, state, &self.k_bar, y_bar, &mut bars.theta, work),
            };
            bars.t += t_bar;
            bars.h += plan.times[j] * t_bar;
            let mut along = R::zero();
            for (i, bar) in y_bar.iter().enumerate() {
                bars.y[i] += *bar;
                along += *bar * (state[i] - step.y[i]);
            }
            bars.h += along / h;
        }
        self.plan = Some(plan);
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
        let n = step.y.len();
        self.fit(step.formula, n)?;
        let Some(plan) = self.plan.take() else { return Err(AdjointError::NoPassBack) };
        self.k[..plan.tableau.stages() * n].copy_from_slice(step.stages);
        self.extend(&plan, field, work, step);
        rate.fill(R::zero());
        for (slot, weights) in plan.tableau.interpolant.weights.iter().enumerate() {
            add_scaled(rate, polynomial(weights, theta).1, &self.k[slot * n..][..n]);
        }
        self.plan = Some(plan);
        Ok(())
    }
}
