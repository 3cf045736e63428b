//! Every derivative of a family of fields at fixed parameters, by duals: Jacobian, tangents and cotangents.

use vecfield_traits::{Jacobian, Jvp, ParametricField, Real, VectorField, Vjp};

use crate::by_duals::{LANES, aim, read, scatter, seed, seeded};
use crate::dual::Dual;

/// The member `dy/dt = f(t, y; θ)` of a family (a [`Dynamics`](vecfield_traits::Dynamics), or any [`ParametricField`]
/// over duals), with all its derivatives.
///
/// A Jacobian takes `⌈(n+1)/8⌉` evaluations, a pullback `⌈(n+p+1)/8⌉`: right for formulas with tens of states and
/// parameters. A network, with thousands, brings its own [`Vjp`].
///
/// ```
/// use vecfield_autodiff::Lifted;
/// use vecfield_traits::{Dynamics, Elementary, VectorField, Vjp};
///
/// /// Logistic growth y' = r y (1 - y/k).
/// struct Logistic;
/// impl Dynamics for Logistic {
///     fn dim(&self) -> usize { 1 }
///     fn parameter_count(&self) -> usize { 2 }
///     fn eval<S: Elementary>(&self, _t: S, y: &[S], theta: &[S], dy: &mut [S]) {
///         dy[0] = theta[0] * y[0] * (S::one() - y[0] / theta[1]);
///     }
/// }
///
/// // At y = k/2 the growth is fastest: ∂f/∂y = 0, ∂f/∂r = k/4, ∂f/∂k = r/4.
/// let growth = Lifted::new(Logistic, vec![0.5, 8.0]);
/// let (mut y_bar, mut theta_bar) = ([0.0], [0.0; 2]);
/// growth.vjp(0.0, &[4.0], &[1.0], &mut y_bar, &mut theta_bar, &mut growth.workspace());
/// assert_eq!((y_bar, theta_bar), ([0.0], [2.0, 0.125]));
/// ```
#[derive(Debug, Clone)]
pub struct Lifted<F, R = f64> {
    family: F,
    theta: Vec<R>,
}

impl<F, R> Lifted<F, R> {
    /// The member of `family` at `theta`.
    ///
    /// # Panics
    ///
    /// If `theta` does not have one entry per parameter of the family.
    pub fn new(family: F, theta: Vec<R>) -> Self
    where
        R: Real,
        F: ParametricField<R>,
    {
        assert_eq!(theta.len(), family.parameter_count(), "one value per parameter");
        Lifted { family, theta }
    }

    /// The family.
    pub fn family(&self) -> &F {
        &self.family
    }

    /// The parameters, to be changed in place; workspaces stay valid.
    pub fn theta_mut(&mut self) -> &mut [R] {
        &mut self.theta
    }
}

/// Memory for an evaluation over plain numbers (`P`) and over duals (`D`).
#[derive(Debug, Clone)]
pub struct LiftedWorkspace<R, P, D> {
    plain: P,
    dual: D,
    y: Vec<Dual<R, LANES>>,
    theta: Vec<Dual<R, LANES>>,
    dy: Vec<Dual<R, LANES>>,
}

impl<R: Real, F: ParametricField<R> + ParametricField<Dual<R, LANES>>> VectorField<R> for Lifted<F, R> {
    type Workspace =
        LiftedWorkspace<R, <F as ParametricField<R>>::Workspace, <F as ParametricField<Dual<R, LANES>>>::Workspace>;

    fn workspace(&self) -> Self::Workspace {
        let still = Dual::constant(R::zero());
        LiftedWorkspace {
            plain: ParametricField::<R>::workspace(&self.family),
            dual: ParametricField::<Dual<R, LANES>>::workspace(&self.family),
            y: vec![still; self.dim()],
            theta: vec![still; self.theta.len()],
            dy: vec![still; self.dim()],
        }
    }

    fn dim(&self) -> usize {
        ParametricField::<R>::dim(&self.family)
    }

    #[inline]
    fn eval(&self, t: R, y: &[R], dy: &mut [R], work: &mut Self::Workspace) {
        ParametricField::<R>::eval(&self.family, t, y, &self.theta, dy, &mut work.plain);
    }
}

impl<R: Real, F: ParametricField<R> + ParametricField<Dual<R, LANES>>> Lifted<F, R> {
    /// One evaluation that carries the directions `first..first + LANES` of `(y, t, θ)`, in this order.
    fn sweep(&self, t: R, y: &[R], first: usize, work: &mut <Self as VectorField<R>>::Workspace) {
        let n = y.len();
        seed(&mut work.y, y, 0, first);
        seed(&mut work.theta, &self.theta, n + 1, first);
        self.family.eval(seeded(t, n, first), &work.y, &work.theta, &mut work.dy, &mut work.dual);
    }
}

impl<R: Real, F: ParametricField<R> + ParametricField<Dual<R, LANES>>> Jacobian<R> for Lifted<F, R> {
    fn jacobian(&self, t: R, y: &[R], jac: &mut [R], time: &mut [R], work: &mut Self::Workspace) {
        let n = y.len();
        for first in (0..=n).step_by(LANES) {
            self.sweep(t, y, first, work);
            scatter(&work.dy, first, jac, time);
        }
    }
}

impl<R: Real, F: ParametricField<R> + ParametricField<Dual<R, LANES>>> Jvp<R> for Lifted<F, R> {
    fn jvp(&self, t: R, y: &[R], t_dot: R, y_dot: &[R], dy: &mut [R], dy_dot: &mut [R], work: &mut Self::Workspace) {
        aim(&mut work.y, y, y_dot);
        for (dual, &parameter) in work.theta.iter_mut().zip(&self.theta) {
            *dual = Dual::constant(parameter);
        }
        let mut time = Dual::constant(t);
        time.tangent[0] = t_dot;
        self.family.eval(time, &work.y, &work.theta, &mut work.dy, &mut work.dual);
        read(&work.dy, dy, dy_dot);
    }
}

impl<R: Real, F: ParametricField<R> + ParametricField<Dual<R, LANES>>> Vjp<R> for Lifted<F, R> {
    fn parameters(&self) -> &[R] {
        &self.theta
    }

    fn vjp(&self, t: R, y: &[R], dy_bar: &[R], y_bar: &mut [R], theta_bar: &mut [R], work: &mut Self::Workspace) -> R {
        let (n, mut t_bar) = (y.len(), R::zero());
        let directions = n + 1 + self.theta.len();
        for first in (0..directions).step_by(LANES) {
            self.sweep(t, y, first, work);
            let mut pulled = [R::zero(); LANES];
            for (rate, &rate_bar) in work.dy.iter().zip(dy_bar) {
                for (sum, &partial) in pulled.iter_mut().zip(&rate.tangent) {
                    *sum += rate_bar * partial;
                }
            }
            for (j, sum) in (first..directions).zip(pulled) {
                match j {
                    _ if j < n => y_bar[j] += sum,
                    _ if j == n => t_bar = sum,
                    _ => theta_bar[j - n - 1] += sum,
                }
            }
        }
        t_bar
    }
}
