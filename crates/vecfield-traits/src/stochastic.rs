//! Stochastic differential equations `dy = f(t, y) dt + g(t, y) dW`: [`DriftDiffusion`] and what it says of its noise.

use crate::number::{Elementary, Real};

/// How the integral against Brownian motion is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Calculus {
    /// Itô's: the diffusion is taken at the start of every small interval.
    Ito,
    /// Stratonovich's: it is taken in the middle, and the ordinary chain rule holds.
    Stratonovich,
}

impl Calculus {
    /// `Itô`, `Stratonovich`.
    pub fn name(self) -> &'static str {
        match self {
            Calculus::Ito => "Itô",
            Calculus::Stratonovich => "Stratonovich",
        }
    }
}

/// What the diffusion `g` depends on, which decides how well increments alone can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dependence {
    /// On time alone. Both calculi then mean the same.
    Additive,
    /// On the state, with columns whose flows commute: `Σ_l g_lj ∂g_ik/∂y_l = Σ_l g_lk ∂g_ij/∂y_l`. One column always does, and
    /// so do those of diagonal noise where every entry depends on its own component alone.
    Commutative,
    /// On the state, in any way.
    General,
}

/// How the diffusion is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// A motion for every component, `g_i dW_i`: the diagonal alone is kept.
    Diagonal,
    /// Every component takes part in every motion.
    Dense,
}

/// What is known of a noise: how many motions there are, where they go, and what their strength depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Noise {
    /// The number of Brownian motions.
    pub columns: usize,
    /// Where they go.
    pub layout: Layout,
    /// What their strength depends on.
    pub dependence: Dependence,
}

impl Noise {
    /// One motion for all components.
    pub fn scalar() -> Self {
        Noise { columns: 1, layout: Layout::Dense, dependence: Dependence::Commutative }
    }

    /// A motion for each of `n` components, whose strength depends on that component alone.
    pub fn diagonal(n: usize) -> Self {
        Noise { columns: n, layout: Layout::Diagonal, dependence: Dependence::Commutative }
    }

    /// So many motions, whose strength depends on time alone.
    pub fn additive(columns: usize) -> Self {
        Noise { columns, layout: Layout::Dense, dependence: Dependence::Additive }
    }

    /// So many motions, of which nothing is known.
    pub fn general(columns: usize) -> Self {
        let dependence = if columns > 1 { Dependence::General } else { Dependence::Commutative };
        Noise { columns, layout: Layout::Dense, dependence }
    }

    /// How many entries of `g` are kept for a state of `dim` components.
    pub fn entries(&self, dim: usize) -> usize {
        match self.layout {
            Layout::Diagonal => dim,
            Layout::Dense => dim * self.columns,
        }
    }
}

/// `dy = f(t, y) dt + g(t, y) dW` for several paths side by side.
///
/// All arrays hold the paths of one number next to each other: `y` and `f` are `[dim, paths]`, `g` is `[dim, columns, paths]`,
/// or `[dim, paths]` where the noise is [diagonal](Layout::Diagonal). The number of paths is that of the arrays, at most that
/// of the workspace. A path's values depend on that path alone, to the bit: not on its place nor on those beside it. With one
/// path the arrays are plain vectors and matrices.
pub trait DriftDiffusion<R: Real> {
    /// Scratch memory of an evaluation.
    type Workspace;

    /// Scratch memory for up to so many paths.
    fn workspace(&self, paths: usize) -> Self::Workspace;

    /// The number of state components.
    fn dim(&self) -> usize;

    /// What is known of the noise.
    fn noise(&self) -> Noise;

    /// How the equation is meant.
    fn calculus(&self) -> Calculus;

    /// Writes `f(t, y)`; never allocates.
    fn drift(&self, t: R, y: &[R], f: &mut [R], work: &mut Self::Workspace);

    /// Writes `g(t, y)`; never allocates.
    fn diffusion(&self, t: R, y: &[R], g: &mut [R], work: &mut Self::Workspace);

    /// Writes both; worth writing where they share work.
    fn both(&self, t: R, y: &[R], f: &mut [R], g: &mut [R], work: &mut Self::Workspace) {
        self.drift(t, y, f, work);
        self.diffusion(t, y, g, work);
    }

    /// Writes how the columns move each other, `Σ_l g_lj ∂g_ik/∂y_l` as `[dim, columns (k), columns (j), paths]`, or
    /// `g_i ∂g_i/∂y_i` as `[dim, paths]` where the noise is diagonal, and says whether the field can. Milstein's method asks
    /// for it.
    fn self_slopes(&self, _t: R, _y: &[R], _slopes: &mut [R], _work: &mut Self::Workspace) -> bool {
        false
    }

    /// Writes `∂f/∂y` as `[dim, dim, paths]`, and says whether the field can. Drift-implicit methods ask for it.
    fn drift_jacobian(&self, _t: R, _y: &[R], _jacobian: &mut [R], _work: &mut Self::Workspace) -> bool {
        false
    }
}

/// A [`DriftDiffusion`] that pulls cotangents back, which is all a reverse pass through a solve needs.
pub trait DriftDiffusionVjp<R: Real>: DriftDiffusion<R> {
    /// The parameters `θ` the field is held at.
    fn parameters(&self) -> &[R];

    /// For the cotangents `f_bar` of the drift and `g_bar` of the diffusion at `(t, y)`, laid out as they are: adds
    /// `(∂f/∂y)ᵀ f_bar + (∂g/∂y)ᵀ g_bar` of each path to `y_bar`, `[dim, paths]`, and the like by `θ`, summed over the paths in
    /// their order, to `theta_bar`.
    #[allow(clippy::too_many_arguments)]
    fn pull_back(
        &self,
        t: R,
        y: &[R],
        f_bar: &[R],
        g_bar: &[R],
        y_bar: &mut [R],
        theta_bar: &mut [R],
        work: &mut Self::Workspace,
    );
}

/// A user's stochastic equation, written once for one path and generic over the number; `StochasticLifted` of
/// `vecfield-autodiff` makes it a [`DriftDiffusion`] with all its derivatives.
pub trait StochasticDynamics {
    /// The number of state components.
    fn dim(&self) -> usize;

    /// The number of parameters; none unless said.
    fn parameter_count(&self) -> usize {
        0
    }

    /// What is known of the noise.
    fn noise(&self) -> Noise;

    /// How the equation is meant.
    fn calculus(&self) -> Calculus;

    /// Writes `f(t, y; θ)`, `[dim]`.
    fn drift<S: Elementary>(&self, t: S, y: &[S], theta: &[S], f: &mut [S]);

    /// Writes `g(t, y; θ)`, `[dim, columns]`, or `[dim]` where the noise is [diagonal](Layout::Diagonal).
    fn diffusion<S: Elementary>(&self, t: S, y: &[S], theta: &[S], g: &mut [S]);
}

/// Two closures as an equation; made by [`drift_diffusion`].
#[derive(Debug, Clone)]
pub struct DriftDiffusionClosure<F, G> {
    dim: usize,
    noise: Noise,
    calculus: Calculus,
    drift: F,
    diffusion: G,
}

/// The equation of `n` components whose drift and diffusion the closures write for several paths side by side, in the layout
/// that [`DriftDiffusion`] describes.
///
/// ```
/// use vecfield_traits::{Calculus, DriftDiffusion, Noise, drift_diffusion};
///
/// // Geometric Brownian motion, dx = 0.05 x dt + 0.2 x dW: a loop over one component is one over the paths.
/// let drift = |_t, x: &[f64], f: &mut [f64]| f.iter_mut().zip(x).for_each(|(f, x)| *f = 0.05 * x);
/// let diffusion = |_t, x: &[f64], g: &mut [f64]| g.iter_mut().zip(x).for_each(|(g, x)| *g = 0.2 * x);
/// let stock = drift_diffusion(1, Noise::scalar(), Calculus::Ito, drift, diffusion);
/// let (mut f, mut g) = ([0.0; 2], [0.0; 2]);
/// stock.both(0.0, &[1.0, 2.0], &mut f, &mut g, &mut ());
/// assert_eq!((f, g), ([0.05, 0.1], [0.2, 0.4]));
/// ```
pub fn drift_diffusion<R, F, G>(
    n: usize,
    noise: Noise,
    calculus: Calculus,
    drift: F,
    diffusion: G,
) -> DriftDiffusionClosure<F, G>
where
    R: Real,
    F: Fn(R, &[R], &mut [R]),
    G: Fn(R, &[R], &mut [R]),
{
    DriftDiffusionClosure { dim: n, noise, calculus, drift, diffusion }
}

impl<R: Real, F: Fn(R, &[R], &mut [R]), G: Fn(R, &[R], &mut [R])> DriftDiffusion<R> for DriftDiffusionClosure<F, G> {
    type Workspace = ();

    fn workspace(&self, _paths: usize) {}

    fn dim(&self) -> usize {
        self.dim
    }

    fn noise(&self) -> Noise {
        self.noise
    }

    fn calculus(&self) -> Calculus {
        self.calculus
    }

    fn drift(&self, t: R, y: &[R], f: &mut [R], _work: &mut ()) {
        (self.drift)(t, y, f);
    }

    fn diffusion(&self, t: R, y: &[R], g: &mut [R], _work: &mut ()) {
        (self.diffusion)(t, y, g);
    }
}
