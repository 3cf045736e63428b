//! Gradients through a batch, whose members each take their own steps: the discrete adjoint of all of them side by side.
//!
//! Each pass of the [`BatchSolver`] over its rows is a *frame*: a step of every row that had not ended. Frames are pulled back
//! from the last to the first, all rows of one together, as they were evaluated. The rate at the end of a step is that at the
//! beginning of the next, and is pulled back once for both.

mod apart;
mod record;
mod sweep;

use vecfield_solvers::batch::{BatchMember, BatchOutcome, BatchSolver};
use vecfield_solvers::tableau::Tableau;
use vecfield_solvers::{Options, SolveError};
use vecfield_traits::{BatchVjp, Real, with_any_rows};

use self::record::{Record, Recorder};
use self::sweep::Sweep;
use crate::AdjointError;
use crate::budget::Budget;

/// An explicit method with its memory, for solves of batches and the gradients through them.
///
/// ```
/// use vecfield_adjoint::{BatchAdjoint, Budget};
/// use vecfield_solvers::batch::BatchMember;
/// use vecfield_solvers::{Options, tableau::TSIT5};
/// use vecfield_traits::{BatchField, BatchRows, BatchVjp};
///
/// /// y' = -θ y
/// struct Decay([f64; 1]);
/// impl BatchField<f64> for Decay {
///     type Workspace = ();
///     fn workspace(&self, _rows: usize) {}
///     fn width(&self) -> usize { 1 }
///     fn eval(&self, rows: BatchRows<'_, f64>, dy: &mut [f64], _work: &mut ()) {
///         dy.iter_mut().zip(rows.y).for_each(|(dy, y)| *dy = -self.0[0] * y);
///     }
/// }
/// impl BatchVjp<f64> for Decay {
///     fn parameters(&self) -> &[f64] { &self.0 }
///     fn pull_back(&self, rows: BatchRows<'_, f64>, _tape: &mut [f64], dy_bar: &[f64], y_bar: &mut [f64], theta_bar: &mut [f64], _work: &mut ()) {
///         for ((y_bar, dy_bar), y) in y_bar.iter_mut().zip(dy_bar).zip(rows.y) {
///             *y_bar = -self.0[0] * dy_bar;
///             theta_bar[0] -= y * dy_bar;
///         }
///     }
/// }
///
/// // y(t) = y₀ exp(-θ t), so d/dθ (y₁(2) + y₂(3)) = -2 y₁(2) - 3 y₂(3).
/// let members = [(2.0, [1.0]), (3.0, [4.0])].map(|(end, y0)| (end, y0));
/// let members = members.each_ref().map(|(end, y0)| BatchMember { span: (0.0, *end), y0, save: &[] });
/// let mut adjoint = BatchAdjoint::new(&TSIT5, 1, &Options::tolerances(1e-9, 1e-9), Budget::default())?;
/// adjoint.solve(&Decay([0.5]), &members);
/// let (mut initial_bar, mut theta_bar) = ([0.0; 2], [0.0]);
/// adjoint.pull_back(&Decay([0.5]), &[1.0, 1.0], &mut initial_bar, &mut theta_bar)?;
/// let expected = -2.0 * (-1.0_f64).exp() - 3.0 * 4.0 * (-1.5_f64).exp();
/// assert!((theta_bar[0] - expected).abs() < 1e-7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Memory: with the budget go what evaluations leave on their tapes, then the states at which stages were evaluated; what is
/// beyond it is computed again on the way back, by the same operations. The state at the beginning of each step is always kept.
#[derive(Debug, Clone)]
pub struct BatchAdjoint<R: Real> {
    solver: BatchSolver<R>,
    record: Record<R>,
    sweep: Sweep<R>,
}

impl<R: Real> BatchAdjoint<R> {
    /// For rows of `width` numbers.
    ///
    /// # Errors
    ///
    /// Options that cannot be used; those of [`BatchSolver::new`].
    pub fn new(
        tableau: &'static Tableau,
        width: usize,
        options: &Options<R>,
        Budget(limit): Budget,
    ) -> Result<Self, SolveError> {
        let solver = BatchSolver::new(tableau, width, options)?;
        Ok(BatchAdjoint { solver, record: Record::new(limit, width, tableau), sweep: Sweep::new(tableau) })
    }

    /// Solves all members, and keeps what the way back needs.
    pub fn solve<F: BatchVjp<R>>(&mut self, field: &F, members: &[BatchMember<'_, R>]) {
        self.record.begin(members);
        with_any_rows(field, |field| {
            let mut recorder = Recorder::new(&mut self.record, field, members.len());
            self.solver.solve_witnessed(&mut recorder, members);
        });
        for (index, outcome) in self.solver.outcomes().iter().enumerate() {
            self.record.close(index, outcome.ending.is_ok());
        }
    }

    /// Numbers in a row.
    pub fn width(&self) -> usize {
        self.record.width()
    }

    /// The states kept by all members, one member behind the other.
    pub fn states(&self) -> &[R] {
        self.solver.states()
    }

    /// Where the states of a member are, `[save times, width]`; the last alone where it has no save times.
    ///
    /// # Panics
    ///
    /// If there is no such member.
    pub fn range(&self, member: usize) -> core::ops::Range<usize> {
        self.solver.range(member)
    }

    /// How each member ended.
    pub fn outcomes(&self) -> &[BatchOutcome<R>] {
        self.solver.outcomes()
    }

    /// The gradient of a quantity through the last [`solve`](BatchAdjoint::solve): for its cotangents by
    /// [`states`](BatchAdjoint::states), writes those by the initial states, `[members, width]`, into `initial_bar`, and adds
    /// those by the parameters to `theta_bar`. Cotangents of states that a member did not reach are not looked at. Returns how
    /// many rows were pulled back: as many as the forward pass evaluated, but for first steps and trials thrown away.
    ///
    /// # Errors
    ///
    /// [`AdjointError::Dimension`] where the lengths do not fit.
    pub fn pull_back<F: BatchVjp<R>>(
        &mut self,
        field: &F,
        states_bar: &[R],
        initial_bar: &mut [R],
        theta_bar: &mut [R],
    ) -> Result<u64, AdjointError> {
        let BatchAdjoint { solver, record, sweep } = self;
        let lengths = [
            ("the cotangent of the states", states_bar.len(), solver.states().len()),
            ("the cotangent of the initial states", initial_bar.len(), record.initial().len()),
            ("the cotangent of the parameters", theta_bar.len(), field.parameters().len()),
        ];
        for (what, found, expected) in lengths {
            if found != expected {
                return Err(AdjointError::Dimension { what, found, expected });
            }
        }
        let width = record.width();
        let bar = |member: usize, index: usize| &states_bar[solver.range(member).start + index * width..][..width];
        Ok(with_any_rows(field, |field| sweep.pull_back(record, field, &bar, initial_bar, theta_bar)))
    }
}
