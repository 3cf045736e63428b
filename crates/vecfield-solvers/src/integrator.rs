//! A method with its memory, for one solve or for thousands.

use vecfield_traits::{Scalar, VectorField};

use crate::any::AnyStepper;
use crate::checkpoint::Checkpoint;
use crate::clock::Clock;
use crate::event::{Event, Watch};
use crate::explicit::ExplicitRungeKutta;
use crate::extrapolation::Extrapolation;
use crate::integrate::{Halt, Pause, integrate, resume};
use crate::multistep::Adams;
use crate::observe::{Observer, Observing, Together, Witness};
use crate::radau::{Radau, RadauOrder};
use crate::solution::{Interrupted, Recorder, Sampler, Save, Solution, bad_time};
use crate::stabilised::{Polynomials, Stabilised};
use crate::stepper::{Evaluator, Stats, Stepper, first_not_finite};
use crate::tableau::Tableau;
use crate::{Ending, Method, Options, SolveError};

/// A stepper with its memory and options; solves allocate nothing but what they return.
///
/// ```
/// use vecfield_solvers::{Integrator, Options, field, tableau::TSIT5};
///
/// // y' = -y, y(0) = 1, hence y(t) = exp(-t).
/// let decay = field(1, |_t, y: &[f64], dy: &mut [f64]| dy[0] = -y[0]);
/// let mut integrator = Integrator::explicit(&TSIT5, 1, &Options::tolerances(1e-8, 1e-10))?;
/// let mut out = [0.0; 2];
/// integrator.sample(&decay, 0.0, &[1.0], &[0.5, 2.0], &mut out)?;
/// assert!((out[0] - (-0.5_f64).exp()).abs() < 1e-8);
/// assert!((out[1] - (-2.0_f64).exp()).abs() < 1e-8);
/// # Ok::<(), vecfield_solvers::SolveError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Integrator<K, R> {
    stepper: K,
    options: Options<R>,
}

impl<S: Scalar> Integrator<ExplicitRungeKutta<S>, S::Real> {
    /// An explicit method over any number, for states of `n` components.
    ///
    /// # Errors
    ///
    /// Options that cannot be used, among them none of a fixed step for a method without an error estimate.
    pub fn explicit(tableau: &'static Tableau, n: usize, options: &Options<S::Real>) -> Result<Self, SolveError> {
        Ok(Integrator { stepper: ExplicitRungeKutta::new(tableau, n, options)?, options: options.clone() })
    }
}

impl<S: Scalar> Integrator<Adams<S>, S::Real> {
    /// Adams methods over any number, for smooth fields that are dear to evaluate; no Jacobian needed.
    ///
    /// # Errors
    ///
    /// Options that cannot be used.
    pub fn adams(n: usize, options: &Options<S::Real>) -> Result<Self, SolveError> {
        Ok(Integrator { stepper: Adams::new(n, options)?, options: options.clone() })
    }
}

impl<S: Scalar> Integrator<Extrapolation<S>, S::Real> {
    /// Extrapolation of the midpoint rule over any number, for states of `n` components.
    ///
    /// # Errors
    ///
    /// Options that cannot be used.
    pub fn extrapolation(n: usize, options: &Options<S::Real>) -> Result<Self, SolveError> {
        Ok(Integrator { stepper: Extrapolation::new(n, options)?, options: options.clone() })
    }
}

impl<S: Scalar> Integrator<Stabilised<S>, S::Real> {
    /// A stabilised explicit method over any number, for states of `n` components.
    ///
    /// # Errors
    ///
    /// Options that cannot be used.
    pub fn stabilised(polynomials: Polynomials, n: usize, options: &Options<S::Real>) -> Result<Self, SolveError> {
        Ok(Integrator { stepper: Stabilised::new(polynomials, n, options)?, options: options.clone() })
    }
}

impl<R: vecfield_traits::Real> Integrator<Radau<R>, R> {
    /// Radau IIA of order five, for stiff fields that know their Jacobian.
    ///
    /// # Errors
    ///
    /// Options that cannot be used.
    pub fn radau5(n: usize, options: &Options<R>) -> Result<Self, SolveError> {
        Ok(Integrator { stepper: Radau::new(RadauOrder::Five, n, options)?, options: options.clone() })
    }
}

impl<R: vecfield_traits::Real> Integrator<AnyStepper<R>, R> {
    /// Any method, for fields that know their Jacobian.
    ///
    /// # Errors
    ///
    /// Options that the method cannot use.
    pub fn new(method: Method, n: usize, options: &Options<R>) -> Result<Self, SolveError> {
        Ok(Integrator { stepper: AnyStepper::new(method, n, options)?, options: options.clone() })
    }
}

impl<K, R: Clone> Integrator<K, R> {
    /// Around a stepper that was made with these options.
    pub(crate) fn with_stepper(stepper: K, options: &Options<R>) -> Self {
        Integrator { stepper, options: options.clone() }
    }
}

impl<K, R> Integrator<K, R> {
    /// The stepper.
    pub fn stepper(&self) -> &K {
        &self.stepper
    }

    /// The stepper, to be driven by a [`Clock`](crate::Clock).
    pub fn stepper_mut(&mut self) -> &mut K {
        &mut self.stepper
    }

    /// The options.
    pub fn options(&self) -> &Options<R> {
        &self.options
    }

    /// Writes the states at `times` into `out`, `[times.len(), n]`, from `y0` at `t0`.
    ///
    /// The times go away from `t0` in one direction; the solve ends at the last one.
    ///
    /// # Errors
    ///
    /// Slices that do not fit, times out of order, or a solve that cannot be finished; rows up to the error's time are
    /// then written.
    pub fn sample<S, F>(&mut self, field: &F, t0: R, y0: &[S], times: &[R], out: &mut [S]) -> Result<Stats, SolveError>
    where
        S: Scalar<Real = R>,
        R: vecfield_traits::Real,
        F: VectorField<S>,
        K: for<'f> Stepper<&'f F, Scalar = S>,
    {
        self.sample_with(field, &mut field.workspace(), t0, y0, times, out)
    }

    /// [`sample`](Integrator::sample) with the field's workspace made once by the caller.
    ///
    /// # Errors
    ///
    /// As [`sample`](Integrator::sample).
    pub fn sample_with<S, F>(
        &mut self,
        field: &F,
        work: &mut F::Workspace,
        t0: R,
        y0: &[S],
        times: &[R],
        out: &mut [S],
    ) -> Result<Stats, SolveError>
    where
        S: Scalar<Real = R>,
        R: vecfield_traits::Real,
        F: VectorField<S>,
        K: for<'f> Stepper<&'f F, Scalar = S>,
    {
        let t1 = times.last().copied().unwrap_or(t0);
        self.check(Stepper::<&F>::dim(&self.stepper), field.dim(), y0, (t0, t1))?;
        Save::At(times).validate((t0, t1))?;
        if out.len() != times.len() * y0.len() {
            return Err(SolveError::Dimension { what: "out", found: out.len(), expected: times.len() * y0.len() });
        }
        let mut field = field;
        let mut evaluator = Evaluator::new(&mut field, work);
        let mut sampler = Sampler::new(times, out);
        let mut watch = Watch::new(&mut [], 0, t1 - t0);
        let mut witness = Observing(&mut sampler);
        integrate(&mut self.stepper, &mut evaluator, (t0, t1), y0, &self.options, &mut watch, &mut witness)?;
        match sampler.broken {
            Some(error) => Err(error),
            None => Ok(evaluator.stats),
        }
    }

    /// Solves from `t0` to `t1` and keeps the states asked for.
    ///
    /// # Errors
    ///
    /// Slices or times that do not fit, or a solve that cannot be finished; the error carries the states before.
    pub fn solve<S, F>(
        &mut self,
        field: &F,
        (t0, t1): (R, R),
        y0: &[S],
        save: Save<'_, R>,
    ) -> Result<Solution<S>, Interrupted<S>>
    where
        S: Scalar<Real = R>,
        R: vecfield_traits::Real,
        F: VectorField<S>,
        K: for<'f> Stepper<&'f F, Scalar = S>,
    {
        self.solve_observed(field, (t0, t1), y0, save, &mut ())
    }

    /// [`solve`](Integrator::solve), with an observer that sees every step and may end the solve.
    ///
    /// # Errors
    ///
    /// As [`solve`](Integrator::solve).
    pub fn solve_observed<S, F>(
        &mut self,
        field: &F,
        (t0, t1): (R, R),
        y0: &[S],
        save: Save<'_, R>,
        observer: &mut impl Observer<S>,
    ) -> Result<Solution<S>, Interrupted<S>>
    where
        S: Scalar<Real = R>,
        R: vecfield_traits::Real,
        F: VectorField<S>,
        K: for<'f> Stepper<&'f F, Scalar = S>,
    {
        let mut field = field;
        self.run(&mut field, (t0, t1), y0, save, &mut [], observer)
    }

    /// [`solve`](Integrator::solve) with [`Event`]s, whose jumps may change the state and the field.
    ///
    /// # Errors
    ///
    /// As [`solve`](Integrator::solve), and jumps or guards that cannot be followed.
    pub fn solve_with_events<S, F>(
        &mut self,
        field: &mut F,
        (t0, t1): (R, R),
        y0: &[S],
        save: Save<'_, R>,
        events: &mut [Event<'_, S, F>],
    ) -> Result<Solution<S>, Interrupted<S>>
    where
        S: Scalar<Real = R>,
        R: vecfield_traits::Real,
        F: VectorField<S>,
        K: Stepper<F, Scalar = S>,
    {
        self.run(field, (t0, t1), y0, save, events, &mut ())
    }

    /// Everything at once: [`Event`]s, and an observer that sees every step and may end the solve.
    ///
    /// # Errors
    ///
    /// As [`solve_with_events`](Integrator::solve_with_events).
    pub fn run<S, F>(
        &mut self,
        field: &mut F,
        (t0, t1): (R, R),
        y0: &[S],
        save: Save<'_, R>,
        events: &mut [Event<'_, S, F>],
        observer: &mut impl Observer<S>,
    ) -> Result<Solution<S>, Interrupted<S>>
    where
        S: Scalar<Real = R>,
        R: vecfield_traits::Real,
        F: VectorField<S>,
        K: Stepper<F, Scalar = S>,
    {
        self.run_witnessed(field, (t0, t1), y0, save, events, &mut Observing(observer))
    }

    /// [`run`](Integrator::run), with a witness that sees the stepper itself at every step.
    ///
    /// # Errors
    ///
    /// As [`solve_with_events`](Integrator::solve_with_events).
    pub fn run_witnessed<S, F>(
        &mut self,
        field: &mut F,
        (t0, t1): (R, R),
        y0: &[S],
        save: Save<'_, R>,
        events: &mut [Event<'_, S, F>],
        witness: &mut impl Witness<F, K>,
    ) -> Result<Solution<S>, Interrupted<S>>
    where
        S: Scalar<Real = R>,
        R: vecfield_traits::Real,
        F: VectorField<S>,
        K: Stepper<F, Scalar = S>,
    {
        self.course(field, &From::Start((t0, t1), y0), save, events, witness)
    }

    /// Goes on from where an observer stopped a solve with the same method, options and events, with the same bits: the
    /// solution has what comes after, and the work of the whole. `save` is that of the whole solve.
    ///
    /// # Errors
    ///
    /// [`SolveError::BadCheckpoint`] if it is that of another solve, and as [`solve_with_events`](Integrator::solve_with_events).
    pub fn resume<S, F>(
        &mut self,
        field: &mut F,
        checkpoint: &Checkpoint<S>,
        save: Save<'_, R>,
        events: &mut [Event<'_, S, F>],
        observer: &mut impl Observer<S>,
    ) -> Result<Solution<S>, Interrupted<S>>
    where
        S: Scalar<Real = R>,
        R: vecfield_traits::Real,
        F: VectorField<S>,
        K: Stepper<F, Scalar = S>,
    {
        if checkpoint.events.guards.len() != events.len() {
            let error = SolveError::BadCheckpoint { what: "is of a solve with other events" };
            return Err(refused(error, checkpoint.y.len()));
        }
        self.course(field, &From::Checkpoint(checkpoint), save, events, &mut Observing(observer))
    }

    fn course<S, F>(
        &mut self,
        field: &mut F,
        from: &From<'_, S>,
        save: Save<'_, R>,
        events: &mut [Event<'_, S, F>],
        witness: &mut impl Witness<F, K>,
    ) -> Result<Solution<S>, Interrupted<S>>
    where
        S: Scalar<Real = R>,
        R: vecfield_traits::Real,
        F: VectorField<S>,
        K: Stepper<F, Scalar = S>,
    {
        let (span, t, y) = match from {
            From::Start(span, y0) => (*span, span.0, *y0),
            From::Checkpoint(checkpoint) => (checkpoint.span, checkpoint.clock.t, &checkpoint.y[..]),
        };
        let checked = self.check(self.stepper.dim(), field.dim(), y, span).and_then(|()| save.validate(span));
        if let Err(error) = checked {
            return Err(refused(error, y.len()));
        }
        let mut solution = Solution::empty(y.len());
        let mut work = field.workspace();
        let mut evaluator = Evaluator::new(field, &mut work);
        let mut recorder = Recorder::new(save, t, y);
        let mut watch = Watch::new(events, y.len(), span.1 - span.0);
        let (stepper, options) = (&mut self.stepper, &self.options);
        let ended = match from {
            From::Start(..) => {
                let mut both = Together(Observing(&mut recorder), witness);
                integrate(stepper, &mut evaluator, span, y, options, &mut watch, &mut both)
            }
            From::Checkpoint(checkpoint) => {
                recorder.skip_to(t, span.1 < span.0);
                let mut both = Together(Observing(&mut recorder), witness);
                resume(stepper, &mut evaluator, checkpoint, options, &mut watch, &mut both)
            }
        };
        let reached = matches!(ended, Ok(Halt { ending: Ending::Reached, .. }));
        if !recorder.complete() || !reached {
            recorder.finish();
        }
        solution.stats = evaluator.stats;
        let ended = ended.and_then(|halt| recorder.broken.map_or(Ok(halt), Err));
        if let Ok(Halt { pause: Some(pause), .. }) = &ended {
            solution.checkpoint = put_aside(&self.stepper, pause, span, &watch, &solution.stats).map(Box::new);
        }
        solution.events = watch.happened;
        (solution.t, solution.y) = (recorder.t, recorder.y);
        match ended {
            Ok(halt) => Ok(Solution { ending: halt.ending, ..solution }),
            Err(error) => Err(Interrupted { error, partial: Box::new(solution) }),
        }
    }

    fn check<S>(&self, prepared: usize, n: usize, y0: &[S], (t0, t1): (R, R)) -> Result<(), SolveError>
    where
        S: Scalar<Real = R>,
        R: vecfield_traits::Real,
    {
        if y0.len() != n {
            return Err(SolveError::Dimension { what: "y0", found: y0.len(), expected: n });
        }
        if prepared != n {
            return Err(SolveError::Dimension {
                what: "the state this integrator was made for",
                found: prepared,
                expected: n,
            });
        }
        if let Some(component) = first_not_finite(y0) {
            return Err(SolveError::BadInitial { component });
        }
        for (what, t) in [("the beginning of the interval", t0), ("the end of the interval", t1)] {
            if !Scalar::is_finite(&t) {
                return bad_time(what, t, "a finite number");
            }
        }
        Ok(())
    }
}

/// Solves `dy/dt = f(t, y)` from `t0` to `t1` by any method.
///
/// ```
/// use vecfield_autodiff::Lifted;
/// use vecfield_solvers::{Dynamics, Method, Options, Save, solve};
/// use vecfield_traits::Elementary;
///
/// /// y' = -k (y - cos t) - sin t, whose solution is cos t: stiff when k is large.
/// struct Chase;
/// impl Dynamics for Chase {
///     fn dim(&self) -> usize { 1 }
///     fn parameter_count(&self) -> usize { 1 }
///     fn eval<S: Elementary>(&self, t: S, y: &[S], k: &[S], dy: &mut [S]) {
///         dy[0] = -k[0] * (y[0] - t.cos()) - t.sin();
///     }
/// }
///
/// let field = Lifted::new(Chase, vec![1e6]);
/// let solution = solve(&field, (0.0, 10.0), &[1.0], Method::Auto, &Options::default(), Save::End)?;
/// assert!((solution.last()[0] - 10.0_f64.cos()).abs() < 1e-6);
/// assert!(solution.stats.steps < 500); // an explicit method alone would need millions
/// # Ok::<(), vecfield_solvers::SolveError>(())
/// ```
///
/// # Errors
///
/// Options, slices or times that do not fit, or a solve that cannot be finished; the error carries the states before.
pub fn solve<R: vecfield_traits::Real, F: vecfield_traits::Jacobian<R>>(
    field: &F,
    (t0, t1): (R, R),
    y0: &[R],
    method: Method,
    options: &Options<R>,
    save: Save<'_, R>,
) -> Result<Solution<R>, Interrupted<R>> {
    match Integrator::new(method, y0.len(), options) {
        Ok(mut integrator) => integrator.solve(field, (t0, t1), y0, save),
        Err(error) => Err(refused(error, y0.len())),
    }
}

/// Solves `dy/dt = f(t, y)` from `t0` to `t1` by an explicit method, over any number.
///
/// # Errors
///
/// Options, slices or times that do not fit, or a solve that cannot be finished; the error carries the states before.
pub fn solve_explicit<S: Scalar, F: VectorField<S>>(
    field: &F,
    (t0, t1): (S::Real, S::Real),
    y0: &[S],
    tableau: &'static Tableau,
    options: &Options<S::Real>,
    save: Save<'_, S::Real>,
) -> Result<Solution<S>, Interrupted<S>> {
    match Integrator::explicit(tableau, y0.len(), options) {
        Ok(mut integrator) => integrator.solve(field, (t0, t1), y0, save),
        Err(error) => Err(refused(error, y0.len())),
    }
}

/// Where a solve begins.
enum From<'a, S: Scalar> {
    Start((S::Real, S::Real), &'a [S]),
    Checkpoint(&'a Checkpoint<S>),
}

/// The checkpoint of a solve that was stopped; none for a family that cannot save its state.
fn put_aside<F, K>(
    stepper: &K,
    pause: &Pause<<K::Scalar as Scalar>::Real>,
    span: (<K::Scalar as Scalar>::Real, <K::Scalar as Scalar>::Real),
    watch: &Watch<'_, '_, K::Scalar, F>,
    stats: &Stats,
) -> Option<Checkpoint<K::Scalar>>
where
    K: Stepper<F>,
    F: VectorField<K::Scalar>,
{
    let (stats, mut numbers) = (*stats, Vec::new());
    Some(match pause {
        Pause::Between(clock) => {
            if !stepper.save(&mut numbers) {
                return None;
            }
            let (clock, y) = (clock.clone(), stepper.y().to_vec());
            Checkpoint { span, clock, y, stepper: numbers, stats, events: watch.remember(false) }
        }
        Pause::Jump(t) => {
            let (clock, y) = (Clock::at(*t), watch.state.clone());
            Checkpoint { span, clock, y, stepper: numbers, stats, events: watch.remember(true) }
        }
    })
}

/// A solve that did not begin.
fn refused<S: Scalar>(error: SolveError, dim: usize) -> Interrupted<S> {
    Interrupted { error, partial: Box::new(Solution::empty(dim)) }
}
