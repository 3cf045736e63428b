//! Integrals along a solution, as components of the state: `ż = q(t, y; θ)`, `z(t₀) = 0`, beside `ẏ = f(t, y; θ)`.
//!
//! Their cotangents then enter like those of any other component, and every pass back, forward sensitivity and error control
//! holds for them: `∫ q dt` is differentiated as exactly as the state is.

use vecfield_traits::{Jacobian, Mass, Real, Sparsity, VectorField, Vjp};

use crate::event::{Lane, Swept};

/// A field with `m` integrals behind its state, `[n + m]`.
///
/// ```
/// use vecfield_adjoint::{Budget, Cotangents, Discrete, Integrals};
/// use vecfield_autodiff::Lifted;
/// use vecfield_solvers::{Options, tableau::DOP853};
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
/// // ∫₀² y² dt = 9 (1 - exp(-4θ)) / (2θ) for y(0) = 3; its slope at θ = 1 is 9 (2 exp(-4) - (1 - exp(-4)) / 2).
/// let decay = Lifted::new(Decay, vec![1.0]);
/// let mut field = Integrals::new(decay, 1, |_t, y, _theta, q| q[0] = y[0] * y[0]);
/// let mut adjoint = Discrete::explicit(&DOP853, 2, &Options::tolerances(1e-11, 1e-11), Budget::default())?;
/// adjoint.solve(&mut field, (0.0, 2.0), &[3.0, 0.0], &[])?;
/// let gradient = adjoint.pull_back(&mut field, &Cotangents::end(&[0.0, 1.0]))?;
/// let gone = (-4.0_f64).exp();
/// assert!((gradient.parameters[0] - 9.0 * (2.0 * gone - (1.0 - gone) / 2.0)).abs() < 1e-8);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Integrals<F, Q, R> {
    field: F,
    count: usize,
    integrands: Q,
    mass: Option<Mass<R>>,
}

/// The memory of [`Integrals`]: that of the field, and duals for the integrands.
#[derive(Debug, Clone)]
pub struct IntegralsWorkspace<W, R> {
    field: W,
    swept: Swept<R>,
    jacobian: Vec<R>,
}

impl<F, Q, R: Real> Integrals<F, Q, R>
where
    Q: Fn(Lane<R>, &[Lane<R>], &[Lane<R>], &mut [Lane<R>]),
{
    /// `count` integrals of what `integrands(t, y, θ, q)` writes into `q`.
    pub fn new(field: F, count: usize, integrands: Q) -> Self
    where
        F: Jacobian<R>,
    {
        let n = field.dim();
        let mass = field.mass().map(|mass| {
            let rows = (0..n).map(|i| mass.sparsity().row(i).to_vec()).chain((n..n + count).map(|i| vec![i]));
            let entries = mass.entries().iter().copied().chain((0..count).map(|_| R::one()));
            Mass::new(Sparsity::from_rows(rows), entries.collect())
        });
        Integrals { field, count, integrands, mass }
    }

    /// The same for a field that knows no Jacobian, and so no mass matrix.
    pub fn explicit(field: F, count: usize, integrands: Q) -> Self {
        Integrals { field, count, integrands, mass: None }
    }

    /// The field itself.
    pub fn field(&self) -> &F {
        &self.field
    }

    /// The field itself, to be changed in place.
    pub fn field_mut(&mut self) -> &mut F {
        &mut self.field
    }
}

impl<R: Real, F: Vjp<R>, Q> VectorField<R> for Integrals<F, Q, R>
where
    Q: Fn(Lane<R>, &[Lane<R>], &[Lane<R>], &mut [Lane<R>]),
{
    type Workspace = IntegralsWorkspace<F::Workspace, R>;

    fn workspace(&self) -> Self::Workspace {
        IntegralsWorkspace { field: self.field.workspace(), swept: Swept::new(), jacobian: Vec::new() }
    }

    fn dim(&self) -> usize {
        self.field.dim() + self.count
    }

    fn eval(&self, t: R, y: &[R], dy: &mut [R], work: &mut Self::Workspace) {
        let n = self.field.dim();
        self.field.eval(t, &y[..n], &mut dy[..n], &mut work.field);
        work.swept.values(&self.integrands, (t, &y[..n], self.field.parameters()), &mut dy[n..]);
    }
}

impl<R: Real, F: Jacobian<R> + Vjp<R>, Q> Jacobian<R> for Integrals<F, Q, R>
where
    Q: Fn(Lane<R>, &[Lane<R>], &[Lane<R>], &mut [Lane<R>]),
{
    fn jacobian(&self, t: R, y: &[R], jac: &mut [R], time: &mut [R], work: &mut Self::Workspace) {
        let (n, whole) = (self.field.dim(), y.len());
        let IntegralsWorkspace { field, swept, jacobian } = work;
        jac.fill(R::zero());
        jacobian.resize(self.field.sparsity().map_or(n * n, Sparsity::len), R::zero());
        self.field.jacobian(t, &y[..n], jacobian, &mut time[..n], field);
        match self.field.sparsity() {
            None => (0..n).for_each(|i| jac[i * whole..][..n].copy_from_slice(&jacobian[i * n..][..n])),
            Some(pattern) => {
                pattern.places().zip(&*jacobian).for_each(|((i, j), entry)| jac[i * whole + j] = *entry);
            }
        }
        swept.slopes(
            &self.integrands,
            (t, &y[..n], self.field.parameters()),
            self.count,
            |i, input, slope| match input.checked_sub(n) {
                None => jac[(n + i) * whole + input] = slope,
                Some(input) if input == self.field.parameters().len() => time[n + i] = slope,
                Some(_) => {}
            },
        );
    }

    fn mass(&self) -> Option<&Mass<R>> {
        self.mass.as_ref()
    }
}

impl<R: Real, F: Vjp<R>, Q> Vjp<R> for Integrals<F, Q, R>
where
    Q: Fn(Lane<R>, &[Lane<R>], &[Lane<R>], &mut [Lane<R>]),
{
    fn parameters(&self) -> &[R] {
        self.field.parameters()
    }

    fn vjp(&self, t: R, y: &[R], dy_bar: &[R], y_bar: &mut [R], theta_bar: &mut [R], work: &mut Self::Workspace) -> R {
        let n = self.field.dim();
        let mut t_bar = self.field.vjp(t, &y[..n], &dy_bar[..n], &mut y_bar[..n], theta_bar, &mut work.field);
        let bars = &dy_bar[n..];
        if bars.iter().all(|bar| *bar == R::zero()) {
            return t_bar;
        }
        let inputs = (t, &y[..n], self.field.parameters());
        work.swept.slopes(&self.integrands, inputs, self.count, |i, input, slope| match input.checked_sub(n) {
            None => y_bar[input] += bars[i] * slope,
            Some(input) if input < theta_bar.len() => theta_bar[input] += bars[i] * slope,
            Some(_) => t_bar += bars[i] * slope,
        });
        t_bar
    }
}
