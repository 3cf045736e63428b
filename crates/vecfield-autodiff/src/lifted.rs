//! Every derivative of a family of fields at fixed parameters, by duals: Jacobian, tangents and cotangents.

use std::sync::Arc;

use vecfield_kernels::{Job, run};
use vecfield_traits::{Jacobian, Jvp, ParametricField, Real, Sparsity, VectorField, Vjp};

use crate::by_duals::{LANES, OverDuals, Sweeps, aim, differentiate, read, seed, seeded, small, still};
use crate::compressed::Compressed;
use crate::dependencies::{Dependencies, sparsity};
use crate::dual::{Dual, lanes};
use crate::series::RecordedSeries;
use crate::var::Var;

/// The member `dy/dt = f(t, y; θ)` of a family (a [`Dynamics`](vecfield_traits::Dynamics), or any [`ParametricField`]
/// over duals), with all its derivatives.
///
/// A Jacobian takes `⌈(n+1)/8⌉` evaluations, a pullback `⌈(n+p+1)/8⌉`: right for formulas with tens of states and
/// parameters. With a [sparse](Lifted::sparse) Jacobian `n` is the number of its [colours](crate::Colouring), however many
/// states there are. A network, with thousands of parameters, brings its own [`Vjp`].
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
    compressed: Option<Arc<Compressed>>,
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
        Lifted { family, theta, compressed: None }
    }

    /// The same, whose Jacobian holds only the places that may differ from zero, found by evaluating the formula over
    /// [`Dependencies`] at `(t, y)`, where it takes its usual branches. What it depends on in time and in parameters is
    /// always found in full.
    ///
    /// # Panics
    ///
    /// If `theta` does not have one entry per parameter of the family.
    pub fn sparse(family: F, theta: Vec<R>, t: R, y: &[R]) -> Self
    where
        R: Real,
        F: ParametricField<R> + ParametricField<Dependencies<R>>,
    {
        let held: Vec<_> = theta.iter().map(|&theta| Dependencies::constant(theta)).collect();
        let mut work = ParametricField::<Dependencies<R>>::workspace(&family);
        let pattern = sparsity(|y, dy| family.eval(Dependencies::constant(t), y, &held, dy, &mut work), y);
        Self::new(family, theta).with_sparsity(pattern)
    }

    /// The same, whose Jacobian holds only the places of `pattern`, which must be all that can differ from zero: what lies
    /// elsewhere is added to other columns.
    pub fn with_sparsity(self, pattern: Sparsity) -> Self {
        Lifted { compressed: Some(Compressed::new(pattern)), ..self }
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

/// Memory for an evaluation over plain numbers (`P`), over duals (`D`), over duals of duals (`N`) and over the tape's variables
/// (`V`).
#[derive(Debug, Clone)]
pub struct LiftedWorkspace<R, P, D, N, V> {
    plain: P,
    dual: D,
    nested: Nested<R, N>,
    var: V,
    series: RecordedSeries<R>,
    y: Vec<Dual<R, LANES>>,
    theta: Vec<Dual<R, LANES>>,
    dy: Vec<Dual<R, LANES>>,
}

impl<R: Real, F: Formula<R>> VectorField<R> for Lifted<F, R> {
    type Workspace = LiftedWorkspace<
        R,
        <F as ParametricField<R>>::Workspace,
        <F as ParametricField<Dual<R, LANES>>>::Workspace,
        <F as ParametricField<Second<R>>>::Workspace,
        <F as ParametricField<Var<R>>>::Workspace,
    >;

    fn workspace(&self) -> Self::Workspace {
        let still = Dual::constant(R::zero());
        LiftedWorkspace {
            plain: ParametricField::<R>::workspace(&self.family),
            dual: ParametricField::<Dual<R, LANES>>::workspace(&self.family),
            nested: Nested {
                work: ParametricField::<Second<R>>::workspace(&self.family),
                y: Vec::new(),
                theta: Vec::new(),
                dy: Vec::new(),
            },
            var: ParametricField::<Var<R>>::workspace(&self.family),
            series: RecordedSeries::new(),
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

impl<R: Real, F: Formula<R>> Jacobian<R> for Lifted<F, R> {
    fn jacobian(&self, t: R, y: &[R], jac: &mut [R], time: &mut [R], work: &mut Self::Workspace) {
        let LiftedWorkspace { dual, y: y_duals, theta, dy, .. } = work;
        still(theta, &self.theta);
        let field = OfFamily { family: &self.family, theta, work: dual };
        differentiate(Sweeps { compressed: self.compressed.as_deref(), t, y, y_duals, dy, field }, (jac, time));
    }

    fn sparsity(&self) -> Option<&Sparsity> {
        self.compressed.as_ref().map(|compressed| &compressed.sparsity)
    }

    /// Records the formula on a tape, with the branches it takes at `(t, y)`, and [expands](crate::Series) that: `O(order²)`
    /// an operation. The tape is made ready anew only where a branch has changed, which allocates.
    fn taylor(&self, t: R, y: &[R], order: usize, coefficients: &mut [R], work: &mut Self::Workspace) -> bool {
        let LiftedWorkspace { var, series, .. } = work;
        series.expand([&[t], y, &self.theta], order, coefficients, |inputs, dy| {
            let (y, theta) = inputs[1..].split_at(y.len());
            self.family.eval(inputs[0], y, theta, dy, var);
        });
        true
    }

    fn smooth_within(&self, h: R, work: &Self::Workspace) -> R {
        work.series.smooth_within(h)
    }
}

/// A formula written once for all numbers: over plain ones, over duals, over duals of duals and over the variables of a
/// [`Tape`](crate::Tape).
///
/// Every [`Dynamics`](vecfield_traits::Dynamics) is one, and so is every [`ParametricField`] over any number.
pub trait Formula<R: Real>:
    ParametricField<R> + ParametricField<Dual<R, LANES>> + ParametricField<Second<R>> + ParametricField<Var<R>>
{
}

impl<R: Real, F> Formula<R> for F where
    F: ParametricField<R> + ParametricField<Dual<R, LANES>> + ParametricField<Second<R>> + ParametricField<Var<R>>
{
}

impl<R: Real, F: Formula<R>> Jvp<R> for Lifted<F, R> {
    fn jvp(&self, t: R, y: &[R], t_dot: R, y_dot: &[R], dy: &mut [R], dy_dot: &mut [R], work: &mut Self::Workspace) {
        aim(&mut work.y, y, y_dot);
        still(&mut work.theta, &self.theta);
        let mut time = Dual::constant(t);
        time.tangent[0] = t_dot;
        self.family.eval(time, &work.y, &work.theta, &mut work.dy, &mut work.dual);
        read(&work.dy, dy, dy_dot);
    }
}

impl<R: Real, F: Formula<R>> Vjp<R> for Lifted<F, R> {
    fn parameters(&self) -> &[R] {
        &self.theta
    }

    fn vjp(&self, t: R, y: &[R], dy_bar: &[R], y_bar: &mut [R], theta_bar: &mut [R], work: &mut Self::Workspace) -> R {
        run(Pullback { field: self, at: (t, y), dy_bar, bars: (y_bar, theta_bar), work })
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
        work: &mut Self::Workspace,
    ) -> Option<R> {
        let Nested { work, y: y_duals, theta: theta_duals, dy } = &mut work.nested;
        // Directions as in `vjp`, without colours: a second derivative meets where no first one does.
        let (n, directions) = (y.len(), y.len() + 1 + self.theta.len());
        y_duals.resize(n, moving(R::zero(), R::zero(), 0, LANES));
        theta_duals.resize(self.theta.len(), moving(R::zero(), R::zero(), 0, LANES));
        dy.resize(n, moving(R::zero(), R::zero(), 0, LANES));
        let mut t_bar = R::zero();
        for first in (0..directions).step_by(LANES) {
            for (j, dual) in y_duals.iter_mut().enumerate() {
                *dual = moving(y[j], y_dot[j], j, first);
            }
            for (j, dual) in theta_duals.iter_mut().enumerate() {
                *dual = moving(self.theta[j], R::zero(), n + 1 + j, first);
            }
            self.family.eval(moving(t, t_dot, n, first), y_duals, theta_duals, dy, work);
            for (lane, j) in (first..directions.min(first + LANES)).enumerate() {
                let terms = dy.iter().zip(dy_bar).map(|(rate, &bar)| bar * rate.tangent[lane].tangent[0]);
                let sum = terms.fold(R::zero(), |sum, term| sum + term);
                match j.checked_sub(n) {
                    None => y_bar[j] += sum,
                    Some(0) => t_bar = sum,
                    Some(i) => theta_bar[i - 1] += sum,
                }
            }
        }
        Some(t_bar)
    }
}

type WorkspaceOf<F, R> = <Lifted<F, R> as VectorField<R>>::Workspace;

/// A pullback by duals, in the widest registers there are.
struct Pullback<'a, F: Formula<R>, R: Real> {
    field: &'a Lifted<F, R>,
    at: (R, &'a [R]),
    dy_bar: &'a [R],
    bars: (&'a mut [R], &'a mut [R]),
    work: &'a mut WorkspaceOf<F, R>,
}

impl<R: Real, F: Formula<R>> Job for Pullback<'_, F, R> {
    type Output = R;

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> R {
        let family = &self.field.family;
        let (n, p) = (dim::<F, R>(family), parameter_count::<F, R>(family));
        if n + p < LANES && self.field.compressed.is_none() { self.at_once(n, p) } else { self.by_sweeps() }
    }
}

/// The same for every number.
#[inline(always)]
fn dim<F: Formula<R>, R: Real>(family: &F) -> usize {
    ParametricField::<Dual<R, LANES>>::dim(family)
}

/// The same for every number.
#[inline(always)]
fn parameter_count<F: Formula<R>, R: Real>(family: &F) -> usize {
    ParametricField::<Dual<R, LANES>>::parameter_count(family)
}

impl<R: Real, F: Formula<R>> Pullback<'_, F, R> {
    /// Of `n` states and `p` parameters, fewer than there are lanes: one sweep. As in a small Jacobian, everything is as long
    /// as the formula says.
    #[inline(always)]
    fn at_once(self, n: usize, p: usize) -> R {
        let Pullback { field: Lifted { family, theta, .. }, at: (t, y), dy_bar, bars: (y_bar, theta_bar), work } = self;
        let (y, theta) = (&y[..n], &theta[..p]);
        let (y_bar, theta_bar) = (&mut y_bar[..n], &mut theta_bar[..p]);
        let (y, theta) = (small(y, 0), small(theta, n + 1));
        let mut dy = [Dual::constant(R::zero()); LANES];
        family.eval(seeded(t, n, 0), &y[..n], &theta[..p], &mut dy[..n], &mut work.dual);
        let sums = pulled(&dy[..n], &dy_bar[..n]);
        for j in 0..n {
            y_bar[j] += sums[j];
        }
        for k in 0..p {
            theta_bar[k] += sums[n + 1 + k];
        }
        sums[n]
    }

    /// Eight directions a sweep.
    #[inline(always)]
    fn by_sweeps(self) -> R {
        let Pullback {
            field: Lifted { family, theta, compressed },
            at: (t, y),
            dy_bar,
            bars: (y_bar, theta_bar),
            work,
        } = self;
        let LiftedWorkspace { dual, y: y_duals, theta: theta_duals, dy, .. } = work;
        let compressed = compressed.as_deref();
        // Directions: the state's, then time's, then the parameters'.
        let time = compressed.map_or(y.len(), Compressed::directions);
        let (directions, mut t_bar) = (time + 1 + theta.len(), R::zero());
        for first in (0..directions).step_by(LANES) {
            match compressed {
                None => seed(y_duals, y, 0, first),
                Some(compressed) => compressed.seed(y_duals, y, first),
            }
            seed(theta_duals, theta, time + 1, first);
            family.eval(seeded(t, time, first), y_duals, theta_duals, dy, dual);
            if let Some(compressed) = compressed {
                compressed.for_each(dy, first, |_, i, j, partial| y_bar[j] += dy_bar[i] * partial);
            }
            for (j, sum) in (first..directions).zip(pulled(dy, dy_bar)) {
                match j {
                    _ if j < time && compressed.is_none() => y_bar[j] += sum,
                    _ if j < time => {} // a colour, whose columns are taken apart above
                    _ if j == time => t_bar = sum,
                    _ => theta_bar[j - time - 1] += sum,
                }
            }
        }
        t_bar
    }
}

/// A family at fixed parameters, over duals.
struct OfFamily<'a, F: ParametricField<Dual<R, LANES>>, R: Real> {
    family: &'a F,
    theta: &'a [Dual<R, LANES>],
    work: &'a mut F::Workspace,
}

impl<R: Real, F: ParametricField<Dual<R, LANES>>> OverDuals<R> for OfFamily<'_, F, R> {
    #[inline(always)]
    fn dim(&self) -> usize {
        self.family.dim()
    }

    #[inline(always)]
    fn eval(&mut self, t: Dual<R, LANES>, y: &[Dual<R, LANES>], dy: &mut [Dual<R, LANES>]) {
        self.family.eval(t, y, self.theta, dy, self.work);
    }
}

/// The number of second derivatives: eight directions, and one along which each is differentiated again.
pub type Second<R> = Dual<Dual<R, 1>, LANES>;

/// Memory for evaluations over [`Second`], made when first asked for.
#[derive(Debug, Clone)]
struct Nested<R, W> {
    work: W,
    y: Vec<Second<R>>,
    theta: Vec<Second<R>>,
    dy: Vec<Second<R>>,
}

/// `value + dot ε`, which is variable number `index` of a sweep over the directions `first..first + LANES`.
fn moving<R: Real>(value: R, dot: R, index: usize, first: usize) -> Second<R> {
    let mut dual = Dual::constant(Dual { value, tangent: [dot] });
    if let Some(slot) = dual.tangent.get_mut(index.wrapping_sub(first)) {
        *slot = Dual::constant(R::one());
    }
    dual
}

/// `Σ_i dy_bar_i ∂f_i` in each direction of a sweep.
#[inline(always)]
fn pulled<R: Real>(dy: &[Dual<R, LANES>], dy_bar: &[R]) -> [R; LANES] {
    let mut pulled = [R::zero(); LANES];
    for (rate, &rate_bar) in dy.iter().zip(dy_bar) {
        pulled = lanes(|lane| pulled[lane] + rate_bar * rate.tangent[lane]);
    }
    pulled
}
