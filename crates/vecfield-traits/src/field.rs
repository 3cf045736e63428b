//! Vector fields `dy/dt = f(t, y)`, families of them, and what more a field may offer: [`Jacobian`], [`Jvp`], [`Vjp`].

use crate::forward::forward;
use crate::number::{Elementary, Real, Scalar};
use crate::structure::{Half, Mass, Partition, Sparsity};

/// The right-hand side of `dy/dt = f(t, y)`, with `y` of [`dim`](VectorField::dim) components.
///
/// Implementations are pure: the same `(t, y)` gives the same `dy`, bit for bit. Adaptive steppers evaluate points they
/// then reject, and adjoints evaluate points again, so a field that remembers its calls gives wrong answers. Memory it
/// needs (registers, activations) is the caller's: a [`Workspace`](VectorField::Workspace) made once, used for every call.
pub trait VectorField<S: Scalar> {
    /// Scratch memory of an evaluation; `()` for plain formulas.
    type Workspace;

    /// Scratch memory for [`eval`](VectorField::eval), allocated once per solve.
    fn workspace(&self) -> Self::Workspace;

    /// The number of state components, constant for the life of the value.
    fn dim(&self) -> usize;

    /// Writes `f(t, y)` into `dy`; never allocates.
    ///
    /// * `t`: time, as a scalar so that duals and jets can carry a derivative in time.
    /// * `y`, `dy`: `[dim]`. On entry `dy` holds garbage; every component must be written.
    ///
    /// There is no error to return: outside its domain a field writes NaN, and the stepper says when and where.
    fn eval(&self, t: S, y: &[S], dy: &mut [S], work: &mut Self::Workspace);

    /// Positions and momenta, where the field is that of a separable Hamiltonian, or falls into two such halves;
    /// [`Partitioned`](crate::Partitioned) states it for a field that does not know.
    fn partition(&self) -> Option<&Partition> {
        None
    }

    /// Writes the rates of one half of the [partition](VectorField::partition) to their places in `dy`; the other places
    /// hold garbage afterwards. Worth writing where the halves share little: a symplectic method asks for one at a time.
    fn eval_half(&self, _half: Half, t: S, y: &[S], dy: &mut [S], work: &mut Self::Workspace) {
        self.eval(t, y, dy, work);
    }
}

/// A field that knows its Jacobian, which implicit methods need, and perhaps more about itself.
///
/// Only [`jacobian`](Jacobian::jacobian) must be written. What else a field can say (all of it optional) opens further
/// methods or makes the usual ones cheaper; a method that needs what a field does not offer is refused by name.
pub trait Jacobian<R: Real>: VectorField<R> {
    /// Writes `∂f/∂y` into `jac` and `time[i] = ∂f_i/∂t` (`[n]`); both are overwritten.
    ///
    /// `jac` holds the entries at the places of [`sparsity`](Jacobian::sparsity), row by row; without a sparsity that is
    /// the whole matrix, `jac[i·n + j] = ∂f_i/∂y_j`.
    fn jacobian(&self, t: R, y: &[R], jac: &mut [R], time: &mut [R], work: &mut Self::Workspace);

    /// Where the Jacobian may differ from zero; `None` if anywhere.
    fn sparsity(&self) -> Option<&Sparsity> {
        None
    }

    /// `M` of `M dy/dt = f(t, y)`; `None` for the identity.
    fn mass(&self) -> Option<&Mass<R>> {
        None
    }

    /// Writes the Taylor coefficients of the solution through `(t, y)`, `coefficients[k·n + i] = y_i⁽ᵏ⁾ / k!` for `k` up to
    /// `order` (`[order + 1, n]`), and says whether the field can.
    fn taylor(&self, _t: R, _y: &[R], _order: usize, _coefficients: &mut [R], _work: &mut Self::Workspace) -> bool {
        false
    }

    /// How far the series that [`taylor`](Jacobian::taylor) wrote last holds: the longest step, with the sign of `h` and no
    /// longer, before the formula is no longer the same smooth function (an `abs`, a `sign`, a `min` or `max` changes its
    /// branch), or just beyond that place. `h` unless said otherwise, for smooth fields.
    fn smooth_within(&self, h: R, _work: &Self::Workspace) -> R {
        h
    }

    /// Writes the part of `f` that an implicit–explicit method treats implicitly, and says whether the field is split. The
    /// rest, `f` less this part, is then treated explicitly, and [`stiff_jacobian`](Jacobian::stiff_jacobian) is needed.
    fn stiff_part(&self, _t: R, _y: &[R], _dy: &mut [R], _work: &mut Self::Workspace) -> bool {
        false
    }

    /// [`jacobian`](Jacobian::jacobian) of [`stiff_part`](Jacobian::stiff_part) alone, at the same places: that of the
    /// whole field unless said otherwise, for fields that are not split.
    fn stiff_jacobian(&self, t: R, y: &[R], jac: &mut [R], time: &mut [R], work: &mut Self::Workspace) {
        self.jacobian(t, y, jac, time, work);
    }
}

/// A field that pushes tangents forward.
pub trait Jvp<R: Real>: VectorField<R> {
    /// Writes `f(t, y)` into `dy` and `∂f/∂t·t_dot + ∂f/∂y·y_dot` into `dy_dot`; `y_dot`, `dy`, `dy_dot` are `[n]`.
    #[allow(clippy::too_many_arguments)]
    fn jvp(&self, t: R, y: &[R], t_dot: R, y_dot: &[R], dy: &mut [R], dy_dot: &mut [R], work: &mut Self::Workspace);
}

/// A field that pulls cotangents back, which is all a reverse-mode adjoint needs.
pub trait Vjp<R: Real>: VectorField<R> {
    /// The parameters `θ` the field is held at.
    fn parameters(&self) -> &[R];

    /// For the cotangent `dy_bar` (`[n]`) of `f(t, y; θ)`: adds `(∂f/∂y)ᵀ dy_bar` to `y_bar` (`[n]`) and
    /// `(∂f/∂θ)ᵀ dy_bar` to `theta_bar` (one per parameter), and returns `(∂f/∂t)ᵀ dy_bar`. Both buffers are accumulated
    /// into, not overwritten.
    fn vjp(&self, t: R, y: &[R], dy_bar: &[R], y_bar: &mut [R], theta_bar: &mut [R], work: &mut Self::Workspace) -> R;

    /// [`vjp`](Vjp::vjp), except that what it adds to `theta_bar` may wait in `work` until [`settle`](Vjp::settle) is called:
    /// a network adds what several evaluations owe its weights by one product of matrices. Worth writing where there are
    /// thousands of parameters; `vjp` unless said otherwise.
    #[allow(clippy::too_many_arguments)]
    fn vjp_deferred(
        &self,
        t: R,
        y: &[R],
        dy_bar: &[R],
        y_bar: &mut [R],
        theta_bar: &mut [R],
        work: &mut Self::Workspace,
    ) -> R {
        self.vjp(t, y, dy_bar, y_bar, theta_bar, work)
    }

    /// Leaves in `work` what pullbacks at these places need, several at once: `times` (`[count]`) and `states`
    /// (`[count, dim]`), which [`pull_recorded`](Vjp::pull_recorded) then counts. Worth writing where that is cheaper than
    /// one by one; a field may decline, and does unless said otherwise.
    fn record(&self, _times: &[R], _states: &[R], _work: &mut Self::Workspace) {}

    /// [`vjp_deferred`](Vjp::vjp_deferred) at the place `(t, y)`, which was number `index` of those
    /// [recorded](Vjp::record) last; once for each of them.
    #[allow(clippy::too_many_arguments)]
    fn pull_recorded(
        &self,
        _index: usize,
        t: R,
        y: &[R],
        dy_bar: &[R],
        y_bar: &mut [R],
        theta_bar: &mut [R],
        work: &mut Self::Workspace,
    ) -> R {
        self.vjp_deferred(t, y, dy_bar, y_bar, theta_bar, work)
    }

    /// From now on the last so many evaluations with this `work` leave what pullbacks at the same places need, to be
    /// [taken](Vjp::take_kept), and says whether there is such a thing; zero to leave nothing. Worth writing where it is dear to
    /// find again, as the activations of a network are: a pullback then evaluates nothing.
    fn keep(&self, _last: usize, _work: &mut Self::Workspace) -> bool {
        false
    }

    /// Takes what the last evaluation to give the rate `dy` has left, into `kept`, whose memory is used for evaluations to come;
    /// says whether it was among those [kept](Vjp::keep), and else leaves `kept` alone.
    fn take_kept(&self, _dy: &[R], _kept: &mut Vec<R>, _work: &mut Self::Workspace) -> bool {
        false
    }

    /// [`vjp_deferred`](Vjp::vjp_deferred) at `(t, y)`, with the same bits, from what an evaluation there [left](Vjp::take_kept).
    /// One that was made elsewhere, or of which nothing is there, is made again.
    #[allow(clippy::too_many_arguments)]
    fn pull_kept(
        &self,
        _kept: &[R],
        t: R,
        y: &[R],
        dy_bar: &[R],
        y_bar: &mut [R],
        theta_bar: &mut [R],
        work: &mut Self::Workspace,
    ) -> R {
        self.vjp_deferred(t, y, dy_bar, y_bar, theta_bar, work)
    }

    /// Adds to `theta_bar` what [`vjp_deferred`](Vjp::vjp_deferred) has left waiting, in the order of its calls: the bits are
    /// those that [`vjp`](Vjp::vjp) gives. Until then every pullback with this `work` takes the same `theta_bar`, and adds what
    /// waits before anything else.
    fn settle(&self, _theta_bar: &mut [R], _work: &mut Self::Workspace) {}

    /// The derivative of [`vjp`](Vjp::vjp) along a tangent: adds `∂/∂y (dy_barᵀ ḟ)` to `y_bar` and `∂/∂θ (dy_barᵀ ḟ)` to
    /// `theta_bar`, with `ḟ = ∂f/∂t·t_dot + ∂f/∂y·y_dot`, and returns `∂/∂t (dy_barᵀ ḟ)`; `None`, and nothing added, for a
    /// field without second derivatives. Methods whose formulas contain the Jacobian need it, and so do Hessians of a solve.
    #[allow(clippy::too_many_arguments)]
    fn vjp_along(
        &self,
        _t: R,
        _y: &[R],
        _t_dot: R,
        _y_dot: &[R],
        _dy_bar: &[R],
        _y_bar: &mut [R],
        _theta_bar: &mut [R],
        _work: &mut Self::Workspace,
    ) -> Option<R> {
        None
    }

    /// [`vjp`](Vjp::vjp) of [`stiff_part`](Jacobian::stiff_part) alone; `None`, and nothing added, for a field that is not split.
    fn stiff_vjp(
        &self,
        _t: R,
        _y: &[R],
        _dy_bar: &[R],
        _y_bar: &mut [R],
        _theta_bar: &mut [R],
        _work: &mut Self::Workspace,
    ) -> Option<R> {
        None
    }
}

/// A family of vector fields `dy/dt = f(t, y; θ)`: what a fit moves through.
pub trait ParametricField<S: Scalar> {
    /// Scratch memory of an evaluation; `()` for plain formulas.
    type Workspace;

    /// Scratch memory for [`eval`](ParametricField::eval).
    fn workspace(&self) -> Self::Workspace;

    /// The number of state components.
    fn dim(&self) -> usize;

    /// The number of parameters `θ`.
    fn parameter_count(&self) -> usize;

    /// Writes `f(t, y; θ)` into `dy` (`[dim]`, overwritten); `theta` is `[parameter_count]`. Never allocates.
    fn eval(&self, t: S, y: &[S], theta: &[S], dy: &mut [S], work: &mut Self::Workspace);

    /// The member of the family at `theta`, as a vector field.
    ///
    /// # Panics
    ///
    /// If `theta` does not have [`parameter_count`](ParametricField::parameter_count) entries.
    fn at(&self, theta: Vec<S>) -> At<'_, Self, S>
    where
        Self: Sized,
    {
        assert_eq!(theta.len(), self.parameter_count(), "one value per parameter");
        At { family: self, theta }
    }
}

/// A user's formula, written once and generic over the number; it is a [`ParametricField`] over every [`Elementary`].
///
/// Mark `eval` `#[inline(always)]` where it is to run over many systems at once: it is then compiled for the widest vectors
/// the processor has, together with the loop around it.
pub trait Dynamics {
    /// The number of state components.
    fn dim(&self) -> usize;

    /// The number of parameters; none unless said.
    fn parameter_count(&self) -> usize {
        0
    }

    /// Writes `f(t, y; θ)` into `dy`.
    fn eval<S: Elementary>(&self, t: S, y: &[S], theta: &[S], dy: &mut [S]);
}

impl<D: Dynamics, S: Elementary> ParametricField<S> for D {
    type Workspace = ();

    fn workspace(&self) {}

    fn dim(&self) -> usize {
        Dynamics::dim(self)
    }

    fn parameter_count(&self) -> usize {
        Dynamics::parameter_count(self)
    }

    #[inline(always)]
    fn eval(&self, t: S, y: &[S], theta: &[S], dy: &mut [S], _work: &mut ()) {
        Dynamics::eval(self, t, y, theta, dy);
    }
}

/// A member of a [`ParametricField`]: the family with its parameters filled in.
#[derive(Debug, Clone)]
pub struct At<'a, F, S> {
    family: &'a F,
    theta: Vec<S>,
}

impl<F, S> At<'_, F, S> {
    /// The parameters the family is held at.
    pub fn theta(&self) -> &[S] {
        &self.theta
    }

    /// The same parameters, to be changed in place: a fit moves them without a new allocation.
    pub fn theta_mut(&mut self) -> &mut [S] {
        &mut self.theta
    }

    /// The family itself.
    pub fn family(&self) -> &F {
        self.family
    }
}

impl<S: Scalar, F: ParametricField<S>> VectorField<S> for At<'_, F, S> {
    type Workspace = F::Workspace;

    fn workspace(&self) -> F::Workspace {
        self.family.workspace()
    }

    fn dim(&self) -> usize {
        self.family.dim()
    }

    fn eval(&self, t: S, y: &[S], dy: &mut [S], work: &mut F::Workspace) {
        self.family.eval(t, y, &self.theta, dy, work);
    }
}

/// A closure as a vector field; made by [`field`].
#[derive(Debug, Clone)]
pub struct Closure<F> {
    dim: usize,
    f: F,
}

/// The vector field of `n` components that `f(t, y, dy)` writes into `dy`.
///
/// ```
/// use vecfield_traits::{VectorField, field};
///
/// let decay = field(1, |_t, y: &[f64], dy: &mut [f64]| dy[0] = -y[0]);
/// let mut dy = [0.0];
/// decay.eval(0.0, &[2.0], &mut dy, &mut ());
/// assert_eq!(dy, [-2.0]);
/// ```
pub fn field<S: Scalar, F: Fn(S, &[S], &mut [S])>(n: usize, f: F) -> Closure<F> {
    Closure { dim: n, f }
}

impl<S: Scalar, F: Fn(S, &[S], &mut [S])> VectorField<S> for Closure<F> {
    type Workspace = ();

    fn workspace(&self) {}

    fn dim(&self) -> usize {
        self.dim
    }

    fn eval(&self, t: S, y: &[S], dy: &mut [S], _work: &mut ()) {
        (self.f)(t, y, dy);
    }
}

impl<S: Scalar, F: VectorField<S> + ?Sized> VectorField<S> for &F {
    forward!(VectorField<S>: self => **self);

    fn partition(&self) -> Option<&Partition> {
        (**self).partition()
    }
}

impl<R: Real, F: Jacobian<R> + ?Sized> Jacobian<R> for &F {
    forward!(Jacobian<R>: self => **self);

    fn mass(&self) -> Option<&Mass<R>> {
        (**self).mass()
    }

    fn taylor(&self, t: R, y: &[R], order: usize, coefficients: &mut [R], work: &mut F::Workspace) -> bool {
        (**self).taylor(t, y, order, coefficients, work)
    }
}

impl<R: Real, F: Vjp<R> + ?Sized> Vjp<R> for &F {
    forward!(Vjp<R>: self => **self);
}
