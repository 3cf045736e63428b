//! [`Split`]: a field in two parts, one to be treated explicitly, one implicitly.

use vecfield_traits::{Jacobian, Real, VectorField, Vjp};

/// The sum of two fields, of which the implicit–explicit methods treat one explicitly.
///
/// ```
/// use vecfield_autodiff::ByDifferences;
/// use vecfield_solvers::{Method, Options, Save, Split, field, solve};
///
/// // y' = sin t - 1000 (y - cos t): the second part is stiff.
/// let split = Split {
///     explicit: ByDifferences::new(field(1, |t: f64, _y: &[f64], dy: &mut [f64]| dy[0] = -t.sin())),
///     implicit: ByDifferences::new(field(1, |t: f64, y: &[f64], dy: &mut [f64]| dy[0] = -1000.0 * (y[0] - t.cos()))),
/// };
/// let solution = solve(&split, (0.0, 2.0), &[1.0], Method::named("kc4-imex")?, &Options::default(), Save::End)?;
/// assert!((solution.last()[0] - 2.0_f64.cos()).abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// To every other method it is their sum, with a dense Jacobian.
#[derive(Debug, Clone)]
pub struct Split<E, I> {
    /// What is cheap to follow: advection, reactions, forcing.
    pub explicit: E,
    /// What limits explicit steps: diffusion, fast relaxation.
    pub implicit: I,
}

/// The memory of a [`Split`].
#[derive(Debug, Clone)]
pub struct SplitWorkspace<E, I, R> {
    explicit: E,
    implicit: I,
    rate: Vec<R>,
    jacobian: Vec<R>,
}

impl<R: Real, E: Jacobian<R>, I: Jacobian<R>> VectorField<R> for Split<E, I> {
    type Workspace = SplitWorkspace<E::Workspace, I::Workspace, R>;

    fn workspace(&self) -> Self::Workspace {
        let n = self.implicit.dim();
        SplitWorkspace {
            explicit: self.explicit.workspace(),
            implicit: self.implicit.workspace(),
            rate: vec![R::zero(); n],
            jacobian: vec![R::zero(); n * n],
        }
    }

    fn dim(&self) -> usize {
        self.implicit.dim()
    }

    fn eval(&self, t: R, y: &[R], dy: &mut [R], work: &mut Self::Workspace) {
        self.explicit.eval(t, y, dy, &mut work.explicit);
        self.implicit.eval(t, y, &mut work.rate, &mut work.implicit);
        dy.iter_mut().zip(&work.rate).for_each(|(dy, rate)| *dy += *rate);
    }
}

impl<R: Real, E: Jacobian<R>, I: Jacobian<R>> Jacobian<R> for Split<E, I> {
    fn jacobian(&self, t: R, y: &[R], jac: &mut [R], time: &mut [R], work: &mut Self::Workspace) {
        jac.fill(R::zero());
        time.fill(R::zero());
        let SplitWorkspace { explicit, implicit, rate, jacobian } = work;
        add(&self.explicit, (t, y), (jac, time), (jacobian, rate), explicit);
        add(&self.implicit, (t, y), (jac, time), (jacobian, rate), implicit);
    }

    fn stiff_part(&self, t: R, y: &[R], dy: &mut [R], work: &mut Self::Workspace) -> bool {
        self.implicit.eval(t, y, dy, &mut work.implicit);
        true
    }

    fn stiff_jacobian(&self, t: R, y: &[R], jac: &mut [R], time: &mut [R], work: &mut Self::Workspace) {
        jac.fill(R::zero());
        time.fill(R::zero());
        add(&self.implicit, (t, y), (jac, time), (&mut work.jacobian, &mut work.rate), &mut work.implicit);
    }
}

/// Both parts are of one family: their parameters are the same, and the cotangents of either are added.
impl<R: Real, E: Jacobian<R> + Vjp<R>, I: Jacobian<R> + Vjp<R>> Vjp<R> for Split<E, I> {
    fn parameters(&self) -> &[R] {
        self.implicit.parameters()
    }

    fn vjp(&self, t: R, y: &[R], dy_bar: &[R], y_bar: &mut [R], theta_bar: &mut [R], work: &mut Self::Workspace) -> R {
        self.explicit.vjp(t, y, dy_bar, y_bar, theta_bar, &mut work.explicit)
            + self.implicit.vjp(t, y, dy_bar, y_bar, theta_bar, &mut work.implicit)
    }

    fn stiff_vjp(
        &self,
        t: R,
        y: &[R],
        dy_bar: &[R],
        y_bar: &mut [R],
        theta_bar: &mut [R],
        work: &mut Self::Workspace,
    ) -> Option<R> {
        Some(self.implicit.vjp(t, y, dy_bar, y_bar, theta_bar, &mut work.implicit))
    }
}

/// Adds the Jacobian of a part, sparse or dense, to a dense one, and its derivative in time.
fn add<R: Real, F: Jacobian<R>>(
    part: &F,
    (t, y): (R, &[R]),
    (jac, time): (&mut [R], &mut [R]),
    (own, rate): (&mut [R], &mut [R]),
    work: &mut F::Workspace,
) {
    let places = part.sparsity().map_or(own.len(), |pattern| pattern.len());
    let own = &mut own[..places];
    part.jacobian(t, y, own, rate, work);
    match part.sparsity() {
        None => jac.iter_mut().zip(&*own).for_each(|(jac, own)| *jac += *own),
        Some(pattern) => pattern.places().zip(&*own).for_each(|((i, j), own)| jac[i * y.len() + j] += *own),
    }
    time.iter_mut().zip(rate).for_each(|(time, rate)| *time += *rate);
}
