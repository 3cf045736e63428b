//! Batches: many systems that share the evaluation of their field, each with its own time, steps and save times.
//!
//! A network is evaluated at all rows of a batch by one product of matrices. Rows that share a step for that would all take
//! the steps of the worst among them, and a row's solution would depend on its neighbours. Here every row has its own time and
//! step, and is done with when it is at its own end: the field sees the rows that are left, each at its own time.
//!
//! **Architecture invariant:** a member's solution and its work are those of a batch of itself alone, to the bit, and those of
//! [`ExplicitRungeKutta`](crate::ExplicitRungeKutta) where the field has the same bits. *Why:* a batch is a way to be fast, not
//! another answer. *Checked by* `tests/it/batches.rs`.

mod group;
mod keep;
mod lane;
mod outcome;
mod plan;
mod start;

use core::ops::Range;

use vecfield_traits::{BatchField, BatchRows, Real};

use self::lane::Lanes;
use self::outcome::Kept;
use self::plan::Plan;
pub use self::plan::{combine_each, stage_points};
use crate::tableau::Tableau;
use crate::{Options, SolveError, Stats};

/// One system of a batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchMember<'a, R> {
    /// Beginning and end; the end may lie before the beginning.
    pub span: (R, R),
    /// The initial values, `[width]`.
    pub y0: &'a [R],
    /// When states are kept, in the direction of the solve; where there are none, the state at the end is.
    pub save: &'a [R],
}

/// How a member of a batch ended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct BatchOutcome<R> {
    /// Why it stopped before its end, if it did.
    pub ending: Result<(), SolveError>,
    /// The time it came to.
    pub t: R,
    /// Its own work, as much as in a batch of itself alone.
    pub stats: Stats,
}

/// Evaluates the field for a [`BatchSolver`], and sees every step.
pub trait BatchWitness<R: Real> {
    /// Writes the rates at these rows into `dy`, for a [slot](Tableau) of the step under way: slot zero where members begin.
    fn eval(&mut self, slot: usize, rows: BatchRows<'_, R>, dy: &mut [R]);

    /// A trial step of every row that has not ended.
    fn step(&mut self, _step: &BatchStep<'_, R>) {}
}

/// A step of all rows that have not ended, each of its own size.
#[derive(Debug, Clone, Copy)]
pub struct BatchStep<'a, R> {
    /// Which member each row is.
    pub member: &'a [usize],
    /// Where each row's step begins.
    pub t: &'a [R],
    /// The size of each row's step, with its sign.
    pub h: &'a [R],
    /// Is it a step, or a trial thrown away?
    pub accepted: &'a [bool],
    /// The states at which the slots were evaluated, `[slots, rows, width]`, that at the end in the
    /// [end slot](Tableau::end_slot); slots of the interpolant hold garbage in rows that keep no state inside the step.
    pub states: &'a [R],
    /// The states kept inside the step and at its end.
    pub kept: &'a [KeptState<R>],
}

/// A state that a member keeps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KeptState<R> {
    /// The row of the step.
    pub row: usize,
    /// Which of the member's save times.
    pub index: usize,
    /// Where in the step, as a fraction; exactly one at its end.
    pub theta: R,
}

/// An explicit method with the memory for batches, used again from batch to batch.
///
/// ```
/// use vecfield_solvers::batch::{BatchMember, BatchSolver};
/// use vecfield_solvers::{Options, tableau::TSIT5};
/// use vecfield_traits::{BatchField, BatchRows};
///
/// /// y' = -y
/// struct Decay;
/// impl BatchField<f64> for Decay {
///     type Workspace = ();
///     fn workspace(&self, _rows: usize) {}
///     fn width(&self) -> usize { 1 }
///     fn eval(&self, rows: BatchRows<'_, f64>, dy: &mut [f64], _work: &mut ()) {
///         dy.iter_mut().zip(rows.y).for_each(|(dy, y)| *dy = -y);
///     }
/// }
///
/// // Two members, of different lengths and with different save times.
/// let short = BatchMember { span: (0.0, 1.0), y0: &[1.0], save: &[] };
/// let long = BatchMember { span: (0.0, 8.0), y0: &[3.0], save: &[2.0, 4.0, 8.0] };
/// let mut solver = BatchSolver::new(&TSIT5, 1, &Options::tolerances(1e-9, 1e-9))?;
/// solver.solve(&Decay, &[short, long]);
/// assert!((solver.member(0)[0] - (-1.0_f64).exp()).abs() < 1e-8);
/// assert!((solver.member(1)[1] - 3.0 * (-4.0_f64).exp()).abs() < 1e-8);
/// assert!(solver.outcomes()[0].stats.steps < solver.outcomes()[1].stats.steps);
/// # Ok::<(), vecfield_solvers::SolveError>(())
/// ```
#[derive(Debug, Clone)]
pub struct BatchSolver<R: Real> {
    plan: Plan<R>,
    lanes: Lanes<R>,
    kept: Kept<R>,
}

impl<R: Real> BatchSolver<R> {
    /// For rows of `width` numbers.
    ///
    /// # Errors
    ///
    /// Options that cannot be used: those of [`ExplicitRungeKutta::new`](crate::ExplicitRungeKutta::new), and declared
    /// discontinuities.
    pub fn new(tableau: &'static Tableau, width: usize, options: &Options<R>) -> Result<Self, SolveError> {
        let plan = Plan::new(tableau, width, options)?;
        Ok(BatchSolver { plan, lanes: Lanes::new(), kept: Kept::default() })
    }

    /// The method.
    pub fn tableau(&self) -> &'static Tableau {
        self.plan.tableau
    }

    /// Solves all members. One that cannot be solved does not touch the others: its [outcome](BatchSolver::outcomes) says why,
    /// and the states it did not reach are NaN.
    pub fn solve<F: BatchField<R>>(&mut self, field: &F, members: &[BatchMember<'_, R>]) {
        let mut plain = Plain { work: field.workspace(members.len()), field };
        self.solve_witnessed(&mut plain, members);
    }

    /// [`solve`](BatchSolver::solve), with a field that `witness` evaluates.
    pub fn solve_witnessed(&mut self, witness: &mut dyn BatchWitness<R>, members: &[BatchMember<'_, R>]) {
        let BatchSolver { plan, lanes, kept } = self;
        kept.clear(members, plan.width);
        start::start(plan, lanes, members, kept, witness);
        while !lanes.is_empty() {
            lanes.attempt(plan, witness);
            lanes.keep(plan, members, kept, witness);
            witness.step(&lanes.step(plan));
            lanes.advance(plan, members, kept);
        }
    }

    /// The states kept by all members, one member behind the other; a member's are at [`range`](BatchSolver::range).
    pub fn states(&self) -> &[R] {
        &self.kept.states
    }

    /// Where the states of a member are, `[save times, width]`.
    ///
    /// # Panics
    ///
    /// If there is no such member.
    pub fn range(&self, member: usize) -> Range<usize> {
        self.kept.range(member)
    }

    /// The states of a member, `[save times, width]`, or the last alone where it has no save times.
    ///
    /// # Panics
    ///
    /// If there is no such member.
    pub fn member(&self, member: usize) -> &[R] {
        &self.kept.states[self.range(member)]
    }

    /// How each member ended.
    pub fn outcomes(&self) -> &[BatchOutcome<R>] {
        &self.kept.outcomes
    }
}

/// A field that nobody watches.
struct Plain<'a, F: BatchField<R>, R: Real> {
    field: &'a F,
    work: F::Workspace,
}

impl<R: Real, F: BatchField<R>> BatchWitness<R> for Plain<'_, F, R> {
    fn eval(&mut self, _slot: usize, rows: BatchRows<'_, R>, dy: &mut [R]) {
        self.field.eval(rows, dy, &mut self.work);
    }
}
