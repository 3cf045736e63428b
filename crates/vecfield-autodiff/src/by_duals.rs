//! A field's Jacobian by evaluating it over duals: `⌈(n+1)/8⌉` evaluations for all `∂f/∂y` and `∂f/∂t`, exact to
//! rounding.

use vecfield_traits::{Jacobian, Jvp, Real, VectorField};

use crate::dual::Dual;

/// Directions carried by one sweep: one AVX-512 register of `f64`, two of AVX2.
pub const LANES: usize = 8;

/// A field over both plain numbers and duals, with the Jacobian this gives it.
///
/// ```
/// use vecfield_autodiff::ByDuals;
/// use vecfield_traits::{Elementary, Jacobian, VectorField};
///
/// /// The forced pendulum x'' = cos t - sin x.
/// struct Pendulum;
/// impl<S: Elementary> VectorField<S> for Pendulum {
///     type Workspace = ();
///     fn workspace(&self) {}
///     fn dim(&self) -> usize { 2 }
///     fn eval(&self, t: S, y: &[S], dy: &mut [S], _work: &mut ()) {
///         dy[0] = y[1];
///         dy[1] = t.cos() - y[0].sin();
///     }
/// }
///
/// let field = ByDuals::new(Pendulum);
/// let (mut jac, mut time) = ([0.0; 4], [0.0; 2]);
/// field.jacobian(0.5, &[0.3, 0.0], &mut jac, &mut time, &mut field.workspace());
/// assert_eq!(jac, [0.0, 1.0, -0.3_f64.cos(), 0.0]);
/// assert_eq!(time, [0.0, -0.5_f64.sin()]);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct ByDuals<F> {
    field: F,
}

impl<F> ByDuals<F> {
    /// Gives `field` its Jacobian.
    pub fn new(field: F) -> Self {
        ByDuals { field }
    }

    /// The field itself.
    pub fn field(&self) -> &F {
        &self.field
    }
}

/// Memory for an evaluation over plain numbers (`P`) and over duals (`D`).
#[derive(Debug, Clone)]
pub struct DualsWorkspace<R, P, D> {
    plain: P,
    dual: D,
    y: Vec<Dual<R, LANES>>,
    dy: Vec<Dual<R, LANES>>,
}

impl<R: Real, F: VectorField<R> + VectorField<Dual<R, LANES>>> VectorField<R> for ByDuals<F> {
    type Workspace = DualsWorkspace<R, <F as VectorField<R>>::Workspace, <F as VectorField<Dual<R, LANES>>>::Workspace>;

    fn workspace(&self) -> Self::Workspace {
        let n = VectorField::<R>::dim(&self.field);
        let still = Dual::constant(R::zero());
        DualsWorkspace {
            plain: VectorField::<R>::workspace(&self.field),
            dual: VectorField::<Dual<R, LANES>>::workspace(&self.field),
            y: vec![still; n],
            dy: vec![still; n],
        }
    }

    fn dim(&self) -> usize {
        VectorField::<R>::dim(&self.field)
    }

    #[inline]
    fn eval(&self, t: R, y: &[R], dy: &mut [R], work: &mut Self::Workspace) {
        self.field.eval(t, y, dy, &mut work.plain);
    }
}

impl<R: Real, F: VectorField<R> + VectorField<Dual<R, LANES>>> Jacobian<R> for ByDuals<F> {
    fn jacobian(&self, t: R, y: &[R], jac: &mut [R], time: &mut [R], work: &mut Self::Workspace) {
        let n = y.len();
        // Directions 0..n are the state's, direction n is time's.
        for first in (0..=n).step_by(LANES) {
            seed(&mut work.y, y, 0, first);
            self.field.eval(seeded(t, n, first), &work.y, &mut work.dy, &mut work.dual);
            scatter(&work.dy, first, jac, time);
        }
    }
}

impl<R: Real, F: VectorField<R> + VectorField<Dual<R, LANES>>> Jvp<R> for ByDuals<F> {
    fn jvp(&self, t: R, y: &[R], t_dot: R, y_dot: &[R], dy: &mut [R], dy_dot: &mut [R], work: &mut Self::Workspace) {
        aim(&mut work.y, y, y_dot);
        let mut time = Dual::constant(t);
        time.tangent[0] = t_dot;
        self.field.eval(time, &work.y, &mut work.dy, &mut work.dual);
        read(&work.dy, dy, dy_dot);
    }
}

/// The dual of `value` when it is variable number `index` and the sweep carries directions `first..first + LANES`.
pub(crate) fn seeded<R: Real>(value: R, index: usize, first: usize) -> Dual<R, LANES> {
    let mut dual = Dual::constant(value);
    // A variable before `first` wraps to an index beyond every lane, as one after the last does.
    if let Some(slot) = dual.tangent.get_mut(index.wrapping_sub(first)) {
        *slot = R::one();
    }
    dual
}

/// [`seeded`] for a block of variables, the first of which has number `index`.
pub(crate) fn seed<R: Real>(duals: &mut [Dual<R, LANES>], values: &[R], index: usize, first: usize) {
    for (j, (dual, &value)) in duals.iter_mut().zip(values).enumerate() {
        *dual = seeded(value, index + j, first);
    }
}

/// Duals that move along one direction, in lane 0.
pub(crate) fn aim<R: Real>(duals: &mut [Dual<R, LANES>], values: &[R], direction: &[R]) {
    for ((dual, &value), &x_dot) in duals.iter_mut().zip(values).zip(direction) {
        *dual = Dual::constant(value);
        dual.tangent[0] = x_dot;
    }
}

/// Values, and tangents of lane 0.
pub(crate) fn read<R: Real>(duals: &[Dual<R, LANES>], values: &mut [R], direction: &mut [R]) {
    for ((dual, value), x_dot) in duals.iter().zip(values).zip(direction) {
        (*value, *x_dot) = (dual.value, dual.tangent[0]);
    }
}

/// Copies the directions `first..first + LANES` of a sweep to their columns of `[∂f/∂y | ∂f/∂t]`.
pub(crate) fn scatter<R: Real>(dy: &[Dual<R, LANES>], first: usize, jac: &mut [R], time: &mut [R]) {
    let n = dy.len();
    let columns = LANES.min(n - first);
    for (i, rate) in dy.iter().enumerate() {
        for (entry, &partial) in jac[i * n + first..][..columns].iter_mut().zip(&rate.tangent) {
            *entry = partial;
        }
        if let Some(&partial) = rate.tangent.get(n - first) {
            time[i] = partial;
        }
    }
}
