//! Ensembles: thousands of solves of one family, each with its own parameters, initial values, interval, steps and events.
//!
//! Explicit methods take [`LANES`] trajectories at a time, one to a lane of the processor's vectors. Every lane has its own
//! time, step and error control, and takes the next trajectory when its own ends, so no lane waits for another. A
//! trajectory that [`Method::Auto`] finds stiff leaves its lane and is gone on with alone; one that stability holds to an explicit
//! method's hopelessly many steps ends with [`SolveError::Stiff`]; trajectories with events, a mass matrix or another method
//! are solved alone from the start.
//!
//! **Architecture invariant:** the result of a member depends on that member alone: not on its place, its neighbours or the
//! number of threads. Where its formula is of `+ - * /`, `sqrt`, `abs`, `min`, `max` and powers, it has the bits and the work of a solve on its own; where
//! it has `exp`, `sin` and the like, the lanes use those of [`vecfield_kernels`], which are as exact but not always the same
//! in the last place. *Why:* an ensemble is then reproducible, and any member of it can be looked at alone. *Checked by*
//! `tests/it/ensembles.rs`.

mod clock;
mod drive;
mod held;
mod outcome;
mod solo;
mod stepper;

use vecfield_kernels::Lanes;
use vecfield_traits::{Jacobian, ParametricField, VectorField};

use self::drive::{Common, drive};
use self::outcome::Sheet;
pub use self::outcome::{EnsembleSolution, Outcome};
use self::stepper::LaneStepper;
use crate::auto::{Auto, solvable, suited_to};
use crate::event::Event;
use crate::integrator::Integrator;
use crate::tableau::Tableau;
use crate::{Method, Options, SolveError};

/// Trajectories side by side.
pub const LANES: usize = 16;

/// What a family is evaluated over, for [`LANES`] trajectories at once.
pub type F64Lanes = Lanes<f64, LANES>;

/// A family that can be evaluated for one system and for several side by side: every [`Dynamics`](crate::Dynamics) is one.
pub trait Family: ParametricField<f64> + ParametricField<F64Lanes> {}

impl<F: ParametricField<f64> + ParametricField<F64Lanes>> Family for F {}

/// One trajectory of an ensemble.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Member<'a> {
    /// Beginning and end; the end may lie before the beginning.
    pub span: (f64, f64),
    /// The initial values, `[dim]`.
    pub y0: &'a [f64],
    /// The parameters, `[parameter_count]`.
    pub theta: &'a [f64],
}

/// Which states of every member are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rows<'a> {
    /// The last alone.
    End,
    /// Those at these times, by dense output: the steps are the same as without.
    At(&'a [f64]),
}

/// Many solves of one family.
///
/// ```
/// use vecfield_solvers::{Dynamics, Options, ensemble::{Ensemble, Member, Rows}, tableau::TSIT5};
/// use vecfield_traits::Elementary;
///
/// /// y' = -k y, hence y(t) = y₀ exp(-k t).
/// struct Decay;
/// impl Dynamics for Decay {
///     fn dim(&self) -> usize { 1 }
///     fn parameter_count(&self) -> usize { 1 }
///     #[inline(always)]
///     fn eval<S: Elementary>(&self, _t: S, y: &[S], k: &[S], dy: &mut [S]) { dy[0] = -k[0] * y[0]; }
/// }
///
/// let rates: Vec<f64> = (0..100).map(|i| 0.01 * f64::from(i)).collect();
/// let members: Vec<Member> = rates.chunks(1).map(|theta| Member { span: (0.0, 2.0), y0: &[3.0], theta }).collect();
/// let ensemble = Ensemble::explicit(&Decay, &TSIT5, &Options::tolerances(1e-9, 1e-9))?;
/// let solution = ensemble.solve(&members, Rows::At(&[1.0, 2.0]));
/// assert_eq!(solution.failures().count(), 0);
/// assert!((solution.state(50, 1)[0] - 3.0 * (-1.0_f64).exp()).abs() < 1e-8);
/// # Ok::<(), vecfield_solvers::SolveError>(())
/// ```
///
/// Mark the formula `#[inline(always)]`: it is then compiled for the widest vectors the processor has, together with the
/// step around it.
pub struct Ensemble<'a, F, G: VectorField<f64> = Unneeded> {
    family: &'a F,
    method: Method,
    options: Options<f64>,
    alone: Option<Box<Alone<'a, G>>>,
    events: Option<Box<Events<'a, G>>>,
}

type Alone<'a, G> = dyn Fn(&[f64]) -> G + Sync + 'a;
type Events<'a, G> = dyn Fn(&Member<'_>) -> Vec<Event<'a, f64, G>> + Sync + 'a;

impl<'a, F: Family> Ensemble<'a, F> {
    /// By an explicit method.
    ///
    /// # Errors
    ///
    /// Options that cannot be used, among them none of a fixed step for a method without an error estimate.
    pub fn explicit(family: &'a F, tableau: &'static Tableau, options: &Options<f64>) -> Result<Self, SolveError> {
        LaneStepper::new(tableau, ParametricField::<f64>::dim(family), 0, options)?;
        let (method, options) = (Method::Explicit(tableau), options.clone());
        Ok(Ensemble { family, method, options, alone: None, events: None })
    }
}

impl<'a, F: Family, G: Jacobian<f64>> Ensemble<'a, F, G> {
    /// By any method. `alone` makes the field of a member from its parameters, for what is not done side by side: with
    /// `vecfield-autodiff`, `|theta| Lifted::new(family, theta.to_vec())`.
    ///
    /// # Errors
    ///
    /// Options that the method cannot use.
    pub fn new(
        family: &'a F,
        alone: impl Fn(&[f64]) -> G + Sync + 'a,
        method: Method,
        options: &Options<f64>,
    ) -> Result<Self, SolveError> {
        Integrator::new(method, ParametricField::<f64>::dim(family), options)?;
        let alone: Option<Box<Alone<'a, G>>> = Some(Box::new(alone));
        Ok(Ensemble { family, method, options: options.clone(), alone, events: None })
    }

    /// The same with the events that `events` makes for each member; they count and stop for each on its own.
    pub fn with_events(mut self, events: impl Fn(&Member<'_>) -> Vec<Event<'a, f64, G>> + Sync + 'a) -> Self {
        self.events = Some(Box::new(events));
        self
    }

    /// Solves every member on this thread. A member that cannot be solved does not touch the others: its
    /// [`Outcome`] says why, and the rows it did not reach are NaN.
    pub fn solve(&self, members: &[Member<'_>], rows: Rows<'_>) -> EnsembleSolution {
        let (mut solution, dim) = self.blank(members.len(), rows);
        let sheet = Sheet::new(rows, dim, &mut solution.y, &mut solution.outcomes);
        self.batch(members, sheet, &|_| true);
        solution
    }

    /// [`solve`](Ensemble::solve) on the threads of the current [`rayon`] pool, with the same result. `goes_on` is asked
    /// now and then, and told how many more members have ended since a thread last asked; once it says no, members under way
    /// end where they are and the others do not begin: [`Ending::Stopped`](crate::Ending::Stopped).
    #[cfg(feature = "parallel")]
    pub fn solve_parallel(
        &self,
        members: &[Member<'_>],
        rows: Rows<'_>,
        goes_on: &(dyn Fn(usize) -> bool + Sync),
    ) -> EnsembleSolution
    where
        F: Sync,
    {
        use rayon::prelude::*;
        let (mut solution, dim) = self.blank(members.len(), rows);
        let size = batch_size(members.len(), rayon::current_num_threads());
        let y = solution.y.par_chunks_mut((size * solution.rows * dim).max(1));
        let outcomes = solution.outcomes.par_chunks_mut(size);
        members.par_chunks(size).zip(y).zip(outcomes).for_each(|((members, y), outcomes)| {
            self.batch(members, Sheet::new(rows, dim, y, outcomes), goes_on);
        });
        solution
    }

    fn blank(&self, members: usize, rows: Rows<'_>) -> (EnsembleSolution, usize) {
        let dim = ParametricField::<f64>::dim(self.family);
        (EnsembleSolution::blank(members, rows.count(), dim), dim)
    }

    /// The field of the first member that has one.
    fn some_field(&self, members: &[Member<'_>]) -> Option<G> {
        let parameters = ParametricField::<f64>::parameter_count(self.family);
        let member = members.iter().find(|member| member.theta.len() == parameters)?;
        self.alone.as_ref().map(|alone| alone(member.theta))
    }

    /// Is there a mass matrix, with which no lane can step?
    fn weighted(&self, members: &[Member<'_>]) -> bool {
        self.some_field(members).is_some_and(|field| field.mass().is_some())
    }

    /// Solves a part of the members.
    fn batch(&self, members: &[Member<'_>], mut sheet: Sheet<'_>, goes_on: &dyn Fn(usize) -> bool) {
        let sheet = &mut sheet;
        if !goes_on(0) {
            return;
        }
        let parameters = ParametricField::<f64>::parameter_count(self.family);
        let side_by_side = self.events.is_none() && !self.weighted(members);
        match (self.method, &self.alone) {
            (Method::Explicit(tableau), _) if side_by_side => {
                let common =
                    Common { family: self.family, tableau, options: &self.options, stability: None, diagnosed: true };
                drive(&common, members, sheet, &mut |_, _| {}, goes_on);
            }
            (Method::Auto, Some(alone)) if side_by_side => {
                let (tableau, stability) = suited_to(&self.options);
                let field = self.some_field(members);
                let solvable = field.is_some_and(|field| solvable(&field, &self.options));
                let stability = solvable.then_some(stability);
                let common =
                    Common { family: self.family, tableau, options: &self.options, stability, diagnosed: false };
                let mut auto = Auto::new(sheet.dim, &self.options).expect("options that served in `new`");
                let mut stiff = |handover: drive::Handover<'_>, sheet: &mut Sheet<'_>| {
                    let member = &members[handover.member];
                    let mut field = alone(member.theta);
                    solo::go_on(&mut auto, &mut field, (&self.options, member.span.1), handover, sheet, goes_on);
                };
                drive(&common, members, sheet, &mut stiff, goes_on);
            }
            (method, Some(alone)) => {
                let mut integrator =
                    Integrator::new(method, sheet.dim, &self.options).expect("options that served in `new`");
                for (index, member) in members.iter().enumerate() {
                    if !goes_on(sheet.take_finished()) {
                        break;
                    }
                    if let Err(error) = solo::check(member, sheet.dim, parameters, sheet) {
                        sheet.end(index, Outcome::failed(crate::Stats::default(), member.span.0, error));
                        continue;
                    }
                    let mut events = self.events.as_ref().map_or_else(Vec::new, |events| events(member));
                    let mut field = alone(member.theta);
                    solo::solve(&mut integrator, &mut field, &mut events, (index, member), sheet, goes_on);
                }
            }
            (_, None) => unreachable!("without fields of its own an ensemble is explicit and has no events"),
        }
        goes_on(sheet.take_finished());
    }
}

/// Members that a thread takes at a time: enough to keep its lanes full, few enough that no thread is left waiting long.
#[cfg(feature = "parallel")]
fn batch_size(members: usize, threads: usize) -> usize {
    members.div_ceil(4 * threads.max(1)).clamp(2 * LANES, 64 * LANES)
}

impl Rows<'_> {
    fn count(&self) -> usize {
        match self {
            Rows::End => 1,
            Rows::At(times) => times.len(),
        }
    }
}

impl<F, G: VectorField<f64>> core::fmt::Debug for Ensemble<'_, F, G> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Ensemble { method, options, .. } = self;
        f.debug_struct("Ensemble").field("method", method).field("options", options).finish_non_exhaustive()
    }
}

/// The field of a member where none is needed: there is no value of this type.
#[derive(Debug, Clone, Copy)]
pub enum Unneeded {}

impl VectorField<f64> for Unneeded {
    type Workspace = ();
    fn workspace(&self) {}
    fn dim(&self) -> usize {
        match *self {}
    }
    fn eval(&self, _t: f64, _y: &[f64], _dy: &mut [f64], _work: &mut ()) {
        match *self {}
    }
}

impl Jacobian<f64> for Unneeded {
    fn jacobian(&self, _t: f64, _y: &[f64], _jac: &mut [f64], _time: &mut [f64], _work: &mut ()) {
        match *self {}
    }
}
