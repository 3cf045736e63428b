//! Fields in two halves, for symplectic methods: [`separable`] makes one of two closures, [`Partitioned`] says of any
//! field which components are which.

use crate::field::{Jacobian, Jvp, VectorField, Vjp};
use crate::number::{Real, Scalar};
use crate::structure::{Half, Mass, Partition, Sparsity};

/// A field with a [`Partition`] that its author knows: everything else is the field's own.
///
/// ```
/// use vecfield_traits::{Partition, Partitioned, VectorField, field};
///
/// // x'' = -x, the state being (v, x).
/// let oscillator = field(2, |_t, y: &[f64], dy: &mut [f64]| (dy[0], dy[1]) = (-y[1], y[0]));
/// let oscillator = Partitioned::new(oscillator, Partition::with_positions(2, [1]));
/// assert_eq!(VectorField::<f64>::partition(&oscillator).unwrap().momenta(), [0]);
/// ```
#[derive(Debug, Clone)]
pub struct Partitioned<F> {
    field: F,
    partition: Partition,
}

impl<F> Partitioned<F> {
    /// States that the rates of each half depend on the other half and on time alone. A statement that is not true costs
    /// a symplectic method its symplecticity and all but the first of its orders.
    pub fn new(field: F, partition: Partition) -> Self {
        Partitioned { field, partition }
    }

    /// The field itself.
    pub fn field(&self) -> &F {
        &self.field
    }
}

impl<S: Scalar, F: VectorField<S>> VectorField<S> for Partitioned<F> {
    type Workspace = F::Workspace;

    fn workspace(&self) -> F::Workspace {
        self.field.workspace()
    }

    fn dim(&self) -> usize {
        self.field.dim()
    }

    #[inline]
    fn eval(&self, t: S, y: &[S], dy: &mut [S], work: &mut F::Workspace) {
        self.field.eval(t, y, dy, work);
    }

    fn partition(&self) -> Option<&Partition> {
        Some(&self.partition)
    }

    #[inline]
    fn eval_half(&self, half: Half, t: S, y: &[S], dy: &mut [S], work: &mut F::Workspace) {
        self.field.eval_half(half, t, y, dy, work);
    }
}

impl<R: Real, F: Jacobian<R>> Jacobian<R> for Partitioned<F> {
    fn jacobian(&self, t: R, y: &[R], jac: &mut [R], time: &mut [R], work: &mut F::Workspace) {
        self.field.jacobian(t, y, jac, time, work);
    }

    fn sparsity(&self) -> Option<&Sparsity> {
        self.field.sparsity()
    }

    fn mass(&self) -> Option<&Mass<R>> {
        self.field.mass()
    }

    fn taylor(&self, t: R, y: &[R], order: usize, coefficients: &mut [R], work: &mut F::Workspace) -> bool {
        self.field.taylor(t, y, order, coefficients, work)
    }

    fn stiff_part(&self, t: R, y: &[R], dy: &mut [R], work: &mut F::Workspace) -> bool {
        self.field.stiff_part(t, y, dy, work)
    }

    fn stiff_jacobian(&self, t: R, y: &[R], jac: &mut [R], time: &mut [R], work: &mut F::Workspace) {
        self.field.stiff_jacobian(t, y, jac, time, work);
    }
}

impl<R: Real, F: Jvp<R>> Jvp<R> for Partitioned<F> {
    fn jvp(&self, t: R, y: &[R], t_dot: R, y_dot: &[R], dy: &mut [R], dy_dot: &mut [R], work: &mut F::Workspace) {
        self.field.jvp(t, y, t_dot, y_dot, dy, dy_dot, work);
    }
}

impl<R: Real, F: Vjp<R>> Vjp<R> for Partitioned<F> {
    fn parameters(&self) -> &[R] {
        self.field.parameters()
    }

    fn vjp(&self, t: R, y: &[R], dy_bar: &[R], y_bar: &mut [R], theta_bar: &mut [R], work: &mut F::Workspace) -> R {
        self.field.vjp(t, y, dy_bar, y_bar, theta_bar, work)
    }

    fn vjp_along(
        &self,
        t: R,
        y: &[R],
        t_dot: R,
        y_dot: &[R],
        dy_bar: &[R],
        y_bar: &mut [R],
        theta_bar: &mut [R],
        work: &mut F::Workspace,
    ) -> Option<R> {
        self.field.vjp_along(t, y, t_dot, y_dot, dy_bar, y_bar, theta_bar, work)
    }

    fn stiff_vjp(
        &self,
        t: R,
        y: &[R],
        dy_bar: &[R],
        y_bar: &mut [R],
        theta_bar: &mut [R],
        work: &mut F::Workspace,
    ) -> Option<R> {
        self.field.stiff_vjp(t, y, dy_bar, y_bar, theta_bar, work)
    }
}

/// Two closures as a field in two halves; made by [`separable`].
#[derive(Debug, Clone)]
pub struct Separable<V, F> {
    degrees: usize,
    velocities: V,
    forces: F,
    partition: Partition,
}

/// The field of `y = (q, p)`, `degrees` components each: `dq/dt = v(t, p)`, `dp/dt = f(t, q)`.
///
/// ```
/// use vecfield_traits::{VectorField, separable};
///
/// // A pendulum: H = p²/2 - cos q.
/// let pendulum = separable(1, |_t, p: &[f64], dq: &mut [f64]| dq[0] = p[0], |_t, q: &[f64], dp: &mut [f64]| dp[0] = -q[0].sin());
/// let mut dy = [0.0; 2];
/// pendulum.eval(0.0, &[0.5, 2.0], &mut dy, &mut ());
/// assert_eq!(dy, [2.0, -0.5_f64.sin()]);
/// ```
pub fn separable<S, V, F>(degrees: usize, velocities: V, forces: F) -> Separable<V, F>
where
    S: Scalar,
    V: Fn(S, &[S], &mut [S]),
    F: Fn(S, &[S], &mut [S]),
{
    let partition = Partition::with_positions(2 * degrees, 0..degrees);
    Separable { degrees, velocities, forces, partition }
}

impl<S, V, F> VectorField<S> for Separable<V, F>
where
    S: Scalar,
    V: Fn(S, &[S], &mut [S]),
    F: Fn(S, &[S], &mut [S]),
{
    type Workspace = ();

    fn workspace(&self) {}

    fn dim(&self) -> usize {
        2 * self.degrees
    }

    #[inline]
    fn eval(&self, t: S, y: &[S], dy: &mut [S], _work: &mut ()) {
        let ((q, p), (dq, dp)) = (y.split_at(self.degrees), dy.split_at_mut(self.degrees));
        (self.velocities)(t, p, dq);
        (self.forces)(t, q, dp);
    }

    fn partition(&self) -> Option<&Partition> {
        Some(&self.partition)
    }

    #[inline]
    fn eval_half(&self, half: Half, t: S, y: &[S], dy: &mut [S], _work: &mut ()) {
        let ((q, p), (dq, dp)) = (y.split_at(self.degrees), dy.split_at_mut(self.degrees));
        match half {
            Half::Positions => (self.velocities)(t, p, dq),
            Half::Momenta => (self.forces)(t, q, dp),
        }
    }
}
