//! Forward sensitivities: tangents carried along the steps of a solve, as they are taken.
//!
//! Each accepted step is a map `(t, h, y; θ) ↦ y⁺`, and its derivative takes the tangents of `y`, `θ` and of the step's ends to
//! that of `y⁺`: stages over duals where they are explicit, one linear system for all directions where they are implicit. Nothing
//! is kept of earlier steps. The numbers are those of the discrete adjoint, to rounding; the cost grows with the number of
//! directions, the memory does not grow with the number of steps.

mod push;

use core::ops::ControlFlow;

use vecfield_autodiff::{Dual, LANES};
use vecfield_solvers::stepper::Stepper;
use vecfield_solvers::{Ending, Event, Flow, Initial, Integrator, Interrupted, Save, Segment, Solution, Step, Witness};
use vecfield_traits::{Jacobian, ParametricField, Real, Scalar, Vjp};

use crate::AdjointError;
use crate::discrete::Unfinished;
use crate::event::Crossing;
use crate::reverse::{Bars, Taken, add_scaled, consistent, dot};
use push::Push;

/// Directions in which all that a solve starts from moves.
#[derive(Debug, Clone, PartialEq)]
pub struct Directions<R> {
    /// Tangents of the initial state, `[directions, n]`.
    pub initial: Vec<R>,
    /// Tangents of the parameters, `[directions, parameters]`.
    pub parameters: Vec<R>,
}

impl<R: Real> Directions<R> {
    /// Every component of the initial state by itself, then every parameter by itself.
    pub fn all(n: usize, parameters: usize) -> Directions<R> {
        let m = n + parameters;
        let (mut initial, mut theta) = (vec![R::zero(); m * n], vec![R::zero(); m * parameters]);
        for i in 0..n {
            initial[i * n + i] = R::one();
        }
        for j in 0..parameters {
            theta[(n + j) * parameters + j] = R::one();
        }
        Directions { initial, parameters: theta }
    }
}

/// How what a solve ends with moves.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Moved<R> {
    /// Where the solve ended.
    pub t: R,
    /// The state there, `[n]`.
    pub y: Vec<R>,
    /// Tangents of that state, `[directions, n]`.
    pub end: Vec<R>,
    /// Tangents of the time of the end, `[directions]`: zero unless an event ended the solve.
    pub end_time: Vec<R>,
    /// Tangents of the states at the save times (but for that of an event that ended the solve), `[times, directions, n]`.
    pub saved: Vec<R>,
}

/// Solves with `integrator` from `t0` to `t1` as [`Discrete`](crate::Discrete) does, and carries tangents along.
///
/// `field` is the member of `family` at its parameters. `progress` is told the time reached after every step, and may end the
/// solve.
///
/// ```
/// use core::ops::ControlFlow;
/// use vecfield_adjoint::{Directions, push_forward};
/// use vecfield_autodiff::Lifted;
/// use vecfield_solvers::{Integrator, Method, Options};
/// use vecfield_traits::{Dynamics, Elementary};
///
/// /// y' = -θ y
/// struct Decay;
/// impl Dynamics for Decay {
///     fn dim(&self) -> usize { 1 }
///     fn parameter_count(&self) -> usize { 1 }
///     fn eval<S: Elementary>(&self, _t: S, y: &[S], theta: &[S], dy: &mut [S]) { dy[0] = -theta[0] * y[0]; }
/// }
///
/// // y(2) = 3 exp(-2θ): slopes exp(-2θ) and -6 exp(-2θ).
/// let mut field = Lifted::new(Decay, vec![0.5]);
/// let mut integrator = Integrator::new(Method::Auto, 1, &Options::tolerances(1e-10, 1e-10))?;
/// let all = Directions::all(1, 1);
/// let go_on = &mut |_| ControlFlow::Continue(());
/// let (_, moved) = push_forward(&mut integrator, &mut field, &Decay, (0.0, 2.0), &[3.0], &[], &mut [], &all, go_on)?;
/// assert!((moved.end[0] - (-1.0_f64).exp()).abs() < 1e-8);
/// assert!((moved.end[1] + 6.0 * (-1.0_f64).exp()).abs() < 1e-7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// Those of the solve; a method that carries no tangents; an event that grazes its zero.
#[allow(clippy::too_many_arguments)]
pub fn push_forward<R, F, G, K>(
    integrator: &mut Integrator<K, R>,
    field: &mut F,
    family: &G,
    (t0, t1): (R, R),
    y0: &[R],
    save: &[R],
    crossings: &mut [Crossing<'_, R>],
    directions: &Directions<R>,
    progress: &mut dyn FnMut(R) -> ControlFlow<()>,
) -> Result<(Solution<R>, Moved<R>), Unfinished<R>>
where
    R: Real,
    F: Jacobian<R> + Vjp<R>,
    G: ParametricField<Dual<R, LANES>>,
    K: Stepper<F, Scalar = R>,
{
    let (n, theta) = (y0.len(), field.parameters().to_vec());
    let m = directions.initial.len() / n.max(1);
    // The solver evaluates guards and jumps while the follower differentiates them: each has its turn.
    let crossings: Vec<core::cell::RefCell<&mut Crossing<'_, R>>> = crossings.iter_mut().map(Into::into).collect();
    let mut events: Vec<_> = crossings.iter().map(|crossing| shared_event::<R, F>(crossing)).collect();
    let mut follower = Follower {
        push: Push::new(family, &theta, n),
        crossings: &crossings,
        directions,
        theta: &theta,
        tangents: directions.initial.clone(),
        start_dot: vec![R::zero(); m],
        first: true,
        opening: 0,
        settles: integrator.options().initial == Initial::Consistent,
        save,
        next: save.iter().take_while(|&&t| t == t0).count(),
        saved: Vec::new(),
        end: (t0, y0.to_vec()),
        rate: vec![R::zero(); n],
        trace: Vec::new(),
        progress,
        refused: None,
    };
    follower.opening = follower.next;
    for _ in 0..follower.next {
        follower.saved.extend_from_slice(&directions.initial);
    }
    let kept = if save.is_empty() { Save::End } else { Save::At(save) };
    let ended = integrator.run_witnessed(field, (t0, t1), y0, kept, &mut events, &mut follower);
    let solution = match (ended, follower.refused.take()) {
        (Ok(solution), None) => solution,
        (Ok(partial), Some(error)) => return Err(Unfinished { error, partial: Box::new(partial) }),
        (Err(Interrupted { error, partial }), refused) => {
            return Err(Unfinished { error: refused.unwrap_or(error.into()), partial });
        }
    };
    let mut end_time = vec![R::zero(); m];
    if let Ending::Event(event) = solution.ending
        && let Err(error) = follower.move_time(event, &mut end_time)
    {
        return Err(Unfinished { error, partial: Box::new(solution) });
    }
    let Follower { tangents, saved, end: (t, y), .. } = follower;
    Ok((solution, Moved { t, y, end: tangents, end_time, saved }))
}

/// The solver's event for a crossing that something else looks at, too.
fn shared_event<'a, R: Real, F: Vjp<R>>(crossing: &'a core::cell::RefCell<&mut Crossing<'_, R>>) -> Event<'a, R, F> {
    let (direction, jumps, stop_after) = {
        let crossing = crossing.borrow();
        (crossing.direction, crossing.jump.is_some(), crossing.stop_after)
    };
    let mut event = Event::new(direction, |field: &F, t, y: &[R]| {
        let mut value = [R::zero()];
        crossing.borrow_mut().guard.eval(t, y, field.parameters(), &mut value);
        value[0]
    });
    if jumps {
        let mut before = Vec::new();
        event = event.jump(move |field: &mut F, t, y: &mut [R]| {
            before.clear();
            before.extend_from_slice(y);
            if let Some(jump) = &mut crossing.borrow_mut().jump {
                jump.eval(t, &before, field.parameters(), y);
            }
        });
    }
    match stop_after {
        Some(count) => event.stop_after(count),
        None => event,
    }
}

/// Carries the tangents over every step it sees.
struct Follower<'f, 'c, R: Real, G: ParametricField<Dual<R, LANES>>> {
    push: Push<'f, R, G>,
    crossings: &'f [core::cell::RefCell<&'f mut Crossing<'c, R>>],
    directions: &'f Directions<R>,
    theta: &'f [R],
    /// Of the state reached, `[m, n]`.
    tangents: Vec<R>,
    /// Of the time at which the solve began anew, `[m]`.
    start_dot: Vec<R>,
    first: bool,
    /// How many of the states saved are those at the very beginning, until the first step.
    opening: usize,
    /// Are algebraic components made consistent where the solve begins?
    settles: bool,
    save: &'f [R],
    next: usize,
    saved: Vec<R>,
    /// The time and the state reached, before a jump.
    end: (R, Vec<R>),
    /// The rate of the dense output there, if an event cut the step short.
    rate: Vec<R>,
    trace: Vec<R>,
    progress: &'f mut dyn FnMut(R) -> ControlFlow<()>,
    refused: Option<AdjointError>,
}

impl<R, F, G, K> Witness<F, K> for Follower<'_, '_, R, G>
where
    R: Real,
    F: Jacobian<R> + Vjp<R>,
    G: ParametricField<Dual<R, LANES>>,
    K: Stepper<F, Scalar = R>,
{
    fn step(&mut self, step: &mut Step<'_, '_, F, K>) -> Flow {
        let followed = self.follow(step);
        if let Err(error) = followed {
            self.refused = Some(error);
            return Flow::Stop;
        }
        if (self.progress)(step.t1()).is_break() { Flow::Stop } else { Flow::Continue }
    }

    fn restarted(&mut self, t: R, y: &[R], due: &[usize]) {
        if let Err(error) = self.jump(t, due) {
            self.refused = Some(error);
        }
        self.end.1.copy_from_slice(y);
        self.first = true;
    }
}

impl<R: Real, G: ParametricField<Dual<R, LANES>>> Follower<'_, '_, R, G> {
    fn follow<F, K>(&mut self, step: &mut Step<'_, '_, F, K>) -> Result<(), AdjointError>
    where
        F: Jacobian<R> + Vjp<R>,
        K: Stepper<F, Scalar = R>,
    {
        if let Some(refused) = self.refused.take() {
            return Err(refused);
        }
        let (t, end, h, n) = (step.t0(), step.t1(), step.h(), self.end.1.len());
        self.trace.clear();
        self.trace.extend_from_slice(step.stepper().y());
        let formula = step.stepper().trace(&mut self.trace).ok_or(AdjointError::NoPushForward)?;
        let trace = core::mem::take(&mut self.trace);
        let (y, stages) = trace.split_at(n);
        let taken = Taken { t, h, y, stages, formula, kept: &[] };
        let rounding = R::from_f64(4.0) * R::EPSILON * end.abs();
        let cut = (t + h - end).abs() > rounding;
        let covered = |save: &&R| if h < R::zero() { **save >= end } else { **save <= end };
        let inside = self.save[self.next..].iter().take_while(covered).count();
        let thetas: Vec<R> = self.save[self.next..][..inside].iter().map(|&save| (save - t) / h).collect();
        let last = if cut { Some((end - t) / h) } else { None };
        let (field, work) = step.field_and_work();
        if self.first && self.settles && field.mass().is_some() {
            self.settle(field, work, (t, y))?;
        }
        self.push.prepare(&taken, field, work)?;
        let m = self.start_dot.len();
        let start = self.saved.len();
        self.saved.resize(start + inside * m * n, R::zero());
        for from in (0..m).step_by(LANES) {
            let lanes = LANES.min(m - from);
            // The first step's beginning moves, its end does not.
            let mut t_dot = [R::zero(); LANES];
            if self.first {
                t_dot[..lanes].copy_from_slice(&self.start_dot[from..][..lanes]);
            }
            let p = self.theta.len();
            let theta_dot = &self.directions.parameters[from * p..][..lanes * p];
            let tangents = &mut self.tangents[from * n..][..lanes * n];
            self.push.begin(&taken, tangents, theta_dot, t_dot)?;
            for (k, &theta) in thetas.iter().enumerate() {
                let row = &mut self.saved[start + k * m * n + from * n..][..lanes * n];
                self.push.dense(&taken, theta, row, &mut self.rate);
            }
            match last {
                None => self.push.end(tangents),
                Some(theta) => self.push.dense(&taken, theta, tangents, &mut self.rate),
            }
        }
        self.next += inside;
        self.first = false;
        self.end.0 = end;
        self.end.1.copy_from_slice(step.y1());
        self.trace = trace;
        Ok(())
    }

    /// Moves the tangents of algebraic components along with those that were given, row by row of the derivative.
    fn settle<F>(&mut self, field: &F, work: &mut F::Workspace, (t, y): (R, &[R])) -> Result<(), AdjointError>
    where
        F: Jacobian<R> + Vjp<R>,
    {
        let (n, p) = (y.len(), self.theta.len());
        let given = self.tangents.clone();
        for i in 0..n {
            let mut bars = Bars::new(n, p);
            bars.y[i] = R::one();
            consistent::pull_start(field, work, (t, y), &mut bars)?;
            for (k, t_dot) in self.start_dot.iter().enumerate() {
                let theta_dot = &self.directions.parameters[k * p..][..p];
                self.tangents[k * n + i] =
                    dot(&bars.y, &given[k * n..][..n]) + dot(&bars.theta, theta_dot) + bars.t * *t_dot;
            }
        }
        let rows = self.saved.chunks_exact_mut(given.len().max(1)).take(self.opening);
        rows.for_each(|row| row.copy_from_slice(&self.tangents));
        self.opening = 0;
        Ok(())
    }

    /// Lets the time of `event`, at which the last step was cut short, move: writes its tangents, and turns those of the state
    /// at that fixed time into those of the state at the moving time.
    fn move_time(&mut self, event: usize, time_dot: &mut [R]) -> Result<(), AdjointError> {
        let (t, y) = (self.end.0, &self.end.1);
        let (n, p) = (y.len(), self.theta.len());
        let (mut slope, mut slope_theta) = (vec![R::zero(); n], vec![R::zero(); p]);
        let guard = &mut self.crossings[event].borrow_mut().guard;
        let by_time = guard.pull_back(t, y, self.theta, &[R::one()], &mut slope, &mut slope_theta);
        let crossing = by_time + dot(&slope, &self.rate);
        for (k, t_dot) in time_dot.iter_mut().enumerate() {
            let tangent = &mut self.tangents[k * n..][..n];
            let theta_dot = &self.directions.parameters[k * p..][..p];
            *t_dot = -(dot(&slope, tangent) + dot(&slope_theta, theta_dot)) / crossing;
            if !Scalar::is_finite(t_dot) {
                return Err(AdjointError::Grazing { event, t: t.to_f64() });
            }
            add_scaled(tangent, *t_dot, &self.rate);
        }
        Ok(())
    }

    /// Through the jumps at `t`.
    fn jump(&mut self, t: R, due: &[usize]) -> Result<(), AdjointError> {
        let (n, p, m) = (self.end.1.len(), self.theta.len(), self.start_dot.len());
        let mut time_dot = vec![R::zero(); m];
        let Some(&first) = due.first() else {
            // A declared discontinuity: its time is fixed, and nothing jumps.
            self.start_dot.copy_from_slice(&time_dot);
            return Ok(());
        };
        self.move_time(first, &mut time_dot)?;
        let (mut before, mut after) = (self.end.1.clone(), vec![R::zero(); n]);
        let mut moved = vec![R::zero(); m * n];
        for &event in due {
            let mut crossing = self.crossings[event].borrow_mut();
            let Some(jump) = &mut crossing.jump else { continue };
            moved.fill(R::zero());
            for i in 0..n {
                let (mut slope, mut slope_theta) = (vec![R::zero(); n], vec![R::zero(); p]);
                let mut unit = vec![R::zero(); n];
                unit[i] = R::one();
                let by_time = jump.pull_back(t, &before, self.theta, &unit, &mut slope, &mut slope_theta);
                for k in 0..m {
                    let theta_dot = &self.directions.parameters[k * p..][..p];
                    moved[k * n + i] = dot(&slope, &self.tangents[k * n..][..n])
                        + dot(&slope_theta, theta_dot)
                        + by_time * time_dot[k];
                }
            }
            self.tangents.copy_from_slice(&moved);
            jump.eval(t, &before, self.theta, &mut after);
            before.copy_from_slice(&after);
        }
        self.start_dot.copy_from_slice(&time_dot);
        Ok(())
    }
}
