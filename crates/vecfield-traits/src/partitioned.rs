//! Fields in two halves, for symplectic methods: [`separable`] makes one of two closures, [`Partitioned`] says of any
//! field which components are which.

use crate::field::{Jacobian, Jvp, VectorField, Vjp};
use crate::forward::forward;
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
    forward!(VectorField<S>: self => self.field);

    fn partition(&self) -> Option<&Partition> {
        Some(&self.partition)
    }
}

impl<R: Real, F: Jacobian<R>> Jacobian<R> for Partitioned<F> {
    forward!(Jacobian<R>: self => self.field);

    fn mass(&self) -> Option<&Mass<R>> {
        self.field.mass()
    }

    fn taylor(&self, t: R, y: &[R], order: usize, coefficients: &mut [R], work: &mut F::Workspace) -> bool {
        self.field.taylor(t, y, order, coefficients, work)
    }
}

impl<R: Real, F: Jvp<R>> Jvp<R> for Partitioned<F> {
    forward!(Jvp<R>: self => self.field);
}

impl<R: Real, F: Vjp<R>> Vjp<R> for Partitioned<F> {
    forward!(Vjp<R>: self => self.field);
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
