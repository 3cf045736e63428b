//! Events whose times, and jumps whose states, have derivatives.
//!
//! An event happens at the time `t*` at which its guard `g(t, y; θ)` crosses zero, which moves with everything before it:
//!
//! ```text
//! δt* = -(g_y δy + g_θ δθ) / (g_t + g_y ẏ)
//! ```
//!
//! with `δy` at a fixed time. Together with the derivative of the jump this is the saltation matrix (Hiskens and Pai 2000).

use vecfield_autodiff::Dual;
use vecfield_solvers::Direction;
use vecfield_traits::{Real, Scalar};

/// A function of `(t, y; θ)` that pulls cotangents back: a guard (one output) or a jump (the new state).
pub trait Pointwise<R> {
    /// Writes the outputs.
    fn eval(&mut self, t: R, y: &[R], theta: &[R], out: &mut [R]);

    /// For the cotangent `out_bar` of the outputs at `(t, y; θ)`: adds to `y_bar` and `theta_bar`, and returns the cotangent of
    /// `t`.
    fn pull_back(&mut self, t: R, y: &[R], theta: &[R], out_bar: &[R], y_bar: &mut [R], theta_bar: &mut [R]) -> R;
}

/// What happens where a guard crosses zero: an event as [`vecfield_solvers::Event`] has it, with derivatives.
///
/// ```
/// use vecfield_adjoint::Crossing;
///
/// // A ball bounces on the floor with restitution θ₁.
/// let bounce = Crossing::falling(|_t, y, _theta, out| out[0] = y[0])
///     .jump(|_t, y, theta, out| (out[0], out[1]) = (y[0], -theta[1] * y[1]));
/// # let _: Crossing<'_, f64> = bounce;
/// ```
pub struct Crossing<'a, R> {
    pub(crate) direction: Direction,
    pub(crate) guard: Box<dyn Pointwise<R> + 'a>,
    pub(crate) jump: Option<Box<dyn Pointwise<R> + 'a>>,
    pub(crate) stop_after: Option<u64>,
}

/// Directions carried at once by a formula over duals.
const LANES: usize = 4;

/// The number that guards and jumps given as closures are evaluated over.
pub type Lane<R> = Dual<R, LANES>;

impl<'a, R: Real> Crossing<'a, R> {
    /// An event at the zeros of `guard(t, y, θ, out)`, which writes `out[0]`, crossed in the given direction.
    pub fn new(direction: Direction, guard: impl Fn(Lane<R>, &[Lane<R>], &[Lane<R>], &mut [Lane<R>]) + 'a) -> Self {
        Crossing::of(direction, Box::new(Lifted::new(guard)))
    }

    /// An event where `guard` becomes positive.
    pub fn rising(guard: impl Fn(Lane<R>, &[Lane<R>], &[Lane<R>], &mut [Lane<R>]) + 'a) -> Self {
        Crossing::new(Direction::Rising, guard)
    }

    /// An event where `guard` becomes negative.
    pub fn falling(guard: impl Fn(Lane<R>, &[Lane<R>], &[Lane<R>], &mut [Lane<R>]) + 'a) -> Self {
        Crossing::new(Direction::Falling, guard)
    }

    /// An event at the zeros of a guard that brings its own pullback.
    pub fn of(direction: Direction, guard: Box<dyn Pointwise<R> + 'a>) -> Self {
        Crossing { direction, guard, jump: None, stop_after: None }
    }

    /// Replaces the state there by what `jump(t, y, θ, out)` writes; every component must be written.
    pub fn jump(self, jump: impl Fn(Lane<R>, &[Lane<R>], &[Lane<R>], &mut [Lane<R>]) + 'a) -> Self {
        self.jump_of(Box::new(Lifted::new(jump)))
    }

    /// Replaces the state there by the outputs of a function that brings its own pullback.
    pub fn jump_of(self, jump: Box<dyn Pointwise<R> + 'a>) -> Self {
        Crossing { jump: Some(jump), ..self }
    }

    /// Ends the solve at its `count`-th occurrence, before the jump.
    pub fn stop_after(self, count: u64) -> Self {
        Crossing { stop_after: Some(count), ..self }
    }
}

impl<R> core::fmt::Debug for Crossing<'_, R> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Crossing")
            .field("direction", &self.direction)
            .field("jumps", &self.jump.is_some())
            .field("stop_after", &self.stop_after)
            .finish_non_exhaustive()
    }
}

/// A closure over duals, with their buffers.
struct Lifted<R, F> {
    f: F,
    swept: Swept<R>,
}

impl<R: Real, F: Fn(Lane<R>, &[Lane<R>], &[Lane<R>], &mut [Lane<R>])> Lifted<R, F> {
    fn new(f: F) -> Self {
        Lifted { f, swept: Swept::new() }
    }
}

/// What evaluations over duals are made in.
#[derive(Debug, Clone)]
pub(crate) struct Swept<R> {
    y: Vec<Lane<R>>,
    theta: Vec<Lane<R>>,
    out: Vec<Lane<R>>,
}

impl<R: Real> Swept<R> {
    pub(crate) fn new() -> Swept<R> {
        Swept { y: Vec::new(), theta: Vec::new(), out: Vec::new() }
    }

    /// Evaluates with tangents for the inputs `first..first + LANES` of `(y, θ, t)`.
    fn sweep(
        &mut self,
        f: &impl Fn(Lane<R>, &[Lane<R>], &[Lane<R>], &mut [Lane<R>]),
        first: usize,
        (t, y, theta): (R, &[R], &[R]),
        outputs: usize,
    ) {
        let lane = |value: R, input: usize| match input.checked_sub(first) {
            Some(i) if i < LANES => Dual::variable(value, i),
            _ => Dual::lift(value),
        };
        let n = y.len();
        self.y.clear();
        self.y.extend(y.iter().enumerate().map(|(i, &value)| lane(value, i)));
        self.theta.clear();
        self.theta.extend(theta.iter().enumerate().map(|(i, &value)| lane(value, n + i)));
        self.out.resize(outputs, Dual::lift(R::zero()));
        f(lane(t, n + theta.len()), &self.y, &self.theta, &mut self.out);
    }

    /// Writes the outputs of `f(t, y, θ, out)`.
    pub(crate) fn values(
        &mut self,
        f: &impl Fn(Lane<R>, &[Lane<R>], &[Lane<R>], &mut [Lane<R>]),
        inputs: (R, &[R], &[R]),
        out: &mut [R],
    ) {
        self.sweep(f, usize::MAX, inputs, out.len());
        for (out, lane) in out.iter_mut().zip(&self.out) {
            *out = lane.value;
        }
    }

    /// Shows every slope as `each(output, input, slope)`; the inputs are `(y, θ, t)`.
    pub(crate) fn slopes(
        &mut self,
        f: &impl Fn(Lane<R>, &[Lane<R>], &[Lane<R>], &mut [Lane<R>]),
        (t, y, theta): (R, &[R], &[R]),
        outputs: usize,
        mut each: impl FnMut(usize, usize, R),
    ) {
        let inputs = y.len() + theta.len() + 1;
        for first in (0..inputs).step_by(LANES) {
            self.sweep(f, first, (t, y, theta), outputs);
            for (lane, input) in (first..inputs.min(first + LANES)).enumerate() {
                self.out.iter().enumerate().for_each(|(i, out)| each(i, input, out.tangent[lane]));
            }
        }
    }
}

impl<R: Real, F: Fn(Lane<R>, &[Lane<R>], &[Lane<R>], &mut [Lane<R>])> Pointwise<R> for Lifted<R, F> {
    fn eval(&mut self, t: R, y: &[R], theta: &[R], out: &mut [R]) {
        self.swept.values(&self.f, (t, y, theta), out);
    }

    fn pull_back(&mut self, t: R, y: &[R], theta: &[R], out_bar: &[R], y_bar: &mut [R], theta_bar: &mut [R]) -> R {
        let (n, mut t_bar) = (y.len(), R::zero());
        self.swept.slopes(&self.f, (t, y, theta), out_bar.len(), |i, input, slope| match input.checked_sub(n) {
            None => y_bar[input] += out_bar[i] * slope,
            Some(input) if input < theta.len() => theta_bar[input] += out_bar[i] * slope,
            Some(_) => t_bar += out_bar[i] * slope,
        });
        t_bar
    }
}
