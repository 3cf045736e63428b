//! Steady states `0 = f(t, y)`, `t` held: pseudo-transient continuation, then Newton's method (Kelley–Keyes 1998).
//!
//! The transient from `y₀` is followed by Radau IIA at a loose tolerance (and again at that asked for, if anything is
//! conserved), so the state found is the one that the solution
//! goes to, not just any root of `f`. Once a step hardly moves, steps of the implicit Euler method that grow without bound,
//!
//! ```text
//! (M/δ - J) s = f(y),        y ← y + s,        δ ← 10 δ,
//! ```
//!
//! become Newton's; they keep linear invariants (a conserved mass), along which `J` is singular. A root with a growing mode,
//! past which the solution only crawls, is left behind unless the solution stays on it.

use vecfield_linalg::{Complex, eigenvalues};
use vecfield_traits::{AnyField, Elementary, Jacobian, Mass, PerReal, Real, Sparsity, VectorField, with_any_field};

use crate::linear::{Linearisation, Shifted};
use crate::norm::Norm;
use crate::options::Tolerance;
use crate::radau::{Radau, RadauOrder};
use crate::stepper::{Evaluator, Stats, Stepper, first_not_finite};
use crate::{Options, SolveError};

/// The tolerance of the transient, unless the one asked for is looser, or quantities are conserved.
const LOOSE: f64 = 1e-3;
/// How far from the transient, in its tolerances, a root may lie to be the one it goes to: a twentieth of the state.
const NEAR: f64 = 50.0;
/// Newton steps of one attempt, at most.
const ITERATIONS: u32 = 40;
/// Newton steps after which the convergence is known not to be quadratic.
const QUADRATIC: u32 = 12;
/// Components up to which all eigenvalues are computed.
const LARGEST_SPECTRUM: usize = 400;

/// A state in which nothing moves.
#[derive(Debug, Clone, PartialEq)]
pub struct SteadyState<R> {
    /// The state.
    pub y: Vec<R>,
    /// The largest `|f_i(t, y)|`.
    pub residual: R,
    /// What small deviations do.
    pub stability: Stability,
    /// Eigenvalues of the linearisation (the finite ones, with a mass matrix), the largest real part first; none for more
    /// than 400 components.
    pub eigenvalues: Vec<Complex<R>>,
    /// Steps of the transient.
    pub steps: u64,
    /// Newton steps.
    pub iterations: u64,
    /// All work together.
    pub stats: Stats,
}

/// What small deviations from a steady state do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stability {
    /// All decay.
    Stable,
    /// None grows to first order, but some neither grows nor decays: along a conserved quantity, or on a centre.
    Neutral,
    /// Some grow.
    Unstable,
    /// The system is too large for its eigenvalues.
    Unknown,
}

impl Stability {
    /// As the command line prints it.
    pub fn name(self) -> &'static str {
        match self {
            Stability::Stable => "stable",
            Stability::Neutral => "neutral",
            Stability::Unstable => "unstable",
            Stability::Unknown => "unknown",
        }
    }
}

/// No steady state was found.
#[derive(Debug, Clone, PartialEq)]
pub struct NotSteady<R> {
    /// Why.
    pub error: SolveError,
    /// The last state of the transient.
    pub y: Vec<R>,
}

impl<R: Real> core::fmt::Display for NotSteady<R> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.error.fmt(f)
    }
}

impl<R: Real> std::error::Error for NotSteady<R> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// The steady state that the solution of `M dy/dt = f(t, y)` from `y0` goes to, with `t` held.
///
/// The tolerances bound the last Newton correction, so the state is as good as `f` is; [`Options::max_steps`] bounds the
/// steps of the transient.
///
/// ```
/// use vecfield_autodiff::Lifted;
/// use vecfield_solvers::steady::{Stability, steady_state};
/// use vecfield_solvers::{Dynamics, Options};
/// use vecfield_traits::Elementary;
///
/// /// y' = y - y³ rests at -1, 0 and 1, and leaves 0.
/// struct Fork;
/// impl Dynamics for Fork {
///     fn dim(&self) -> usize { 1 }
///     fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
///         dy[0] = y[0] - y[0].powi(3);
///     }
/// }
///
/// let found = steady_state(&Lifted::new(Fork, vec![]), 0.0, &[0.01], &Options::default())?;
/// assert!((found.y[0] - 1.0).abs() < 1e-12);
/// assert_eq!(found.stability, Stability::Stable);
/// assert!((found.eigenvalues[0].re + 2.0).abs() < 1e-10);
/// # Ok::<(), vecfield_solvers::steady::NotSteady<f64>>(())
/// ```
///
/// # Errors
///
/// [`SolveError::NotSteady`] when the transient does not come to rest (an oscillation, growth without bound), and what stops
/// any solve; with the last state.
pub fn steady_state<R: Real, F: Jacobian<R>>(
    field: &F,
    t: R,
    y0: &[R],
    options: &Options<R>,
) -> Result<SteadyState<R>, NotSteady<R>> {
    struct Find;
    impl PerReal for Find {
        type Of<R: Real> = fn(AnyField<'_, R>, R, &[R], &Options<R>) -> Result<SteadyState<R>, NotSteady<R>>;
    }
    let find = R::choose::<Find>(single, double);
    with_any_field(field, &mut field.workspace(), |field| find(field, t, y0, options))
}

#[inline(never)]
fn single(
    field: AnyField<'_, f32>,
    t: f32,
    y0: &[f32],
    options: &Options<f32>,
) -> Result<SteadyState<f32>, NotSteady<f32>> {
    find(&field, t, y0, options)
}

#[inline(never)]
fn double(
    field: AnyField<'_, f64>,
    t: f64,
    y0: &[f64],
    options: &Options<f64>,
) -> Result<SteadyState<f64>, NotSteady<f64>> {
    find(&field, t, y0, options)
}

fn find<R: Real>(
    field: &AnyField<'_, R>,
    t: R,
    y0: &[R],
    options: &Options<R>,
) -> Result<SteadyState<R>, NotSteady<R>> {
    let mut last = y0.to_vec();
    let loose = loosened(options);
    let found = search(field, t, &mut last, options, &loose);
    // What the transient loses of a conserved quantity no later step brings back.
    let kept = matches!(&found, Ok(found) if found.stability == Stability::Stable || found.steps == 0);
    if kept || loose == *options {
        return found.map_err(|error| NotSteady { error, y: last });
    }
    last.copy_from_slice(y0);
    search(field, t, &mut last, options, options).map_err(|error| NotSteady { error, y: last })
}

fn search<R: Real, F: Jacobian<R>>(
    field: &F,
    t: R,
    y: &mut [R],
    options: &Options<R>,
    on_the_way: &Options<R>,
) -> Result<SteadyState<R>, SolveError> {
    let n = y.len();
    if n != field.dim() {
        return Err(SolveError::Dimension { what: "y0", found: n, expected: field.dim() });
    }
    if let Some(component) = first_not_finite(y) {
        return Err(SolveError::BadInitial { component });
    }
    options.validate(n)?;
    let mut held = Held { field, t };
    let mut work = held.workspace();
    let mut evaluator = Evaluator::new(&mut held, &mut work);
    let mut newton = Newton::new(n, options);
    newton.adopt(field);
    let mut transient = Radau::new(RadauOrder::Five, n, &Options { step: None, ..on_the_way.clone() })?;
    transient.start(&mut evaluator, R::zero(), y)?;
    y.copy_from_slice(Stepper::<Held<'_, F, R>>::y(&transient)); // consistent with algebraic equations now
    let mut h = newton.pace(y, &mut evaluator);
    let near = Norm::new(&loosened(options), n);
    // The last step in tolerances of the transient; nothing at all where the start is at rest.
    let mut moved = if newton.rate.iter().all(|rate| *rate == R::zero()) { R::zero() } else { R::INFINITY };
    let (mut steps, mut wait) = (0_u64, 0_u64);
    loop {
        if moved <= R::one() && steps >= wait {
            let there =
                newton.solve(y, h, &mut evaluator).filter(|found| distance(&near, found, y) <= R::from_f64(NEAR));
            if let Some(found) = there {
                let (eigenvalues, stability) = newton.spectrum(&found, &mut evaluator);
                // A growing mode would have led away in the last step, if the solution had any part of it.
                let growth = eigenvalues.first().map_or(R::zero(), |z| z.re) * h;
                if stability != Stability::Unstable || moved == R::zero() || growth > R::from_f64(30.0) {
                    let residual = newton.residual(&found, &mut evaluator);
                    let (iterations, stats) = (newton.iterations, evaluator.stats);
                    return Ok(SteadyState { y: found, residual, stability, eigenvalues, steps, iterations, stats });
                }
            }
            wait = steps + 1 + steps / 4;
        }
        if steps >= options.max_steps.min(LONGEST_TRANSIENT) {
            let residual = newton.residual(y, &mut evaluator).to_f64();
            return Err(SolveError::NotSteady { steps, residual, component: newton.fastest });
        }
        let attempt = transient.attempt(&mut evaluator, R::zero(), h);
        if attempt.accepted {
            (steps, evaluator.stats.steps) = (steps + 1, evaluator.stats.steps + 1);
            Stepper::<Held<'_, F, R>>::commit(&mut transient);
            moved = distance(&near, Stepper::<Held<'_, F, R>>::y(&transient), y);
            y.copy_from_slice(Stepper::<Held<'_, F, R>>::y(&transient));
        } else {
            evaluator.stats.rejected += 1;
        }
        h = bounded(h * attempt.factor, transient.spectral_bound());
        if h.is_nan() || h < R::MIN_POSITIVE / R::EPSILON {
            let culprit = Stepper::<Held<'_, F, R>>::culprit(&transient);
            return Err(culprit.failure(t.to_f64(), h.to_f64(), false));
        }
    }
}

/// A step no longer than keeps `I/h - J` regular: along what is conserved `J` is singular, and there rounding takes `h` times
/// `bound`, one of the eigenvalues of `J`, of what a step moves. Steps so long move little, and a tenth of that is nothing.
fn bounded<R: Real>(h: R, bound: R) -> R {
    let longest = R::from_f64(0.1) / (bound * R::EPSILON);
    let h = if h > longest { longest } else { h };
    Elementary::min(h, R::MAX.sqrt().sqrt())
}

/// Steps of a transient after which it is called an oscillation.
const LONGEST_TRANSIENT: u64 = 20_000;

fn distance<R: Real>(norm: &Norm<R>, a: &[R], b: &[R]) -> R {
    norm.measure(a.len(), |i| (a[i] - b[i]) / norm.scale(i, a[i], b[i]))
}

fn loosened<R: Real>(options: &Options<R>) -> Options<R> {
    let (loose, rtol) = (R::from_f64(LOOSE), options.rtol);
    let by = if rtol > R::zero() { Elementary::max(loose / rtol, R::one()) } else { R::one() };
    let atol = match &options.atol {
        Tolerance::All(atol) => Tolerance::All(*atol * by),
        Tolerance::Each(each) => Tolerance::Each(each.iter().map(|atol| *atol * by).collect()),
    };
    Options { rtol: rtol * by, atol, ..options.clone() }
}

/// A field at one time.
struct Held<'a, F, R> {
    field: &'a F,
    t: R,
}

impl<R: Real, F: VectorField<R>> VectorField<R> for Held<'_, F, R> {
    type Workspace = F::Workspace;

    fn workspace(&self) -> F::Workspace {
        self.field.workspace()
    }

    fn dim(&self) -> usize {
        self.field.dim()
    }

    fn eval(&self, _t: R, y: &[R], dy: &mut [R], work: &mut F::Workspace) {
        self.field.eval(self.t, y, dy, work);
    }
}

impl<R: Real, F: Jacobian<R>> Jacobian<R> for Held<'_, F, R> {
    fn jacobian(&self, _t: R, y: &[R], jac: &mut [R], time: &mut [R], work: &mut F::Workspace) {
        self.field.jacobian(self.t, y, jac, time, work);
        time.fill(R::zero());
    }

    fn sparsity(&self) -> Option<&Sparsity> {
        self.field.sparsity()
    }

    fn mass(&self) -> Option<&Mass<R>> {
        self.field.mass()
    }
}

/// The iteration, and what is asked of a state.
struct Newton<R: Real> {
    norm: Norm<R>,
    linearisation: Linearisation<R>,
    matrix: Shifted<R>,
    rate: Vec<R>,
    iterations: u64,
    /// The component of the largest rate last seen.
    fastest: usize,
}

impl<R: Real> Newton<R> {
    fn new(n: usize, options: &Options<R>) -> Self {
        Newton {
            norm: Norm::new(options, n),
            linearisation: Linearisation::new(n, options),
            matrix: Shifted::default(),
            rate: vec![R::zero(); n],
            iterations: 0,
            fastest: 0,
        }
    }

    fn adopt<F: Jacobian<R>>(&mut self, field: &F) {
        self.linearisation.adopt(field);
        self.matrix.adopt(&self.linearisation);
    }

    /// A first step over which the state moves by about a hundredth of itself.
    fn pace<F: Jacobian<R>>(&mut self, y: &[R], field: &mut Evaluator<'_, F, R>) -> R {
        field.eval(R::zero(), y, &mut self.rate);
        let (size, speed) = (self.norm.of(y, y), self.norm.of(&self.rate, y));
        let h = R::from_f64(0.01) * Elementary::max(size, R::one()) / speed;
        if h.is_finite() { h } else { R::one() }
    }

    /// The root that the growing steps from `y` converge to, if they do.
    fn solve<F: Jacobian<R>>(&mut self, y: &[R], h: R, field: &mut Evaluator<'_, F, R>) -> Option<Vec<R>> {
        let (mut y, mut step, mut before) = (y.to_vec(), h, R::INFINITY);
        for iteration in 0..ITERATIONS {
            field.eval(R::zero(), &y, &mut self.rate);
            if first_not_finite(&self.rate).is_some() {
                return None;
            }
            self.linearisation.evaluate(field, R::zero(), &y);
            self.matrix.factorize(R::one() / step, &self.linearisation).ok()?;
            field.stats.factorizations += 1;
            self.matrix.solve(&mut self.rate);
            self.iterations += 1;
            let size = self.norm.of(&self.rate, &y);
            y.iter_mut().zip(&self.rate).for_each(|(y, change)| *y += *change);
            // What is left of the tolerance, as long as the corrections go on shrinking like this; where rounding has stopped
            // them, nothing is. To a multiple root they shrink by a constant factor, and never get far.
            let rate = size / before;
            let left = if rate > R::zero() && rate < R::one() { size * rate / (R::one() - rate) } else { size };
            let enough = R::from_f64(if iteration < QUADRATIC { 1e-6 } else { 1e-2 });
            if left <= enough || (size <= R::from_f64(1e-2) && size >= before) {
                return Some(y);
            }
            if size.is_nan() || size > R::from_f64(1e3) * Elementary::max(before, R::one()) {
                return None;
            }
            before = size;
            step = bounded(step * R::from_f64(10.0), self.linearisation.spectral_bound());
        }
        None
    }

    /// The largest `|f_i|`.
    fn residual<F: Jacobian<R>>(&mut self, y: &[R], field: &mut Evaluator<'_, F, R>) -> R {
        field.eval(R::zero(), y, &mut self.rate);
        let faster = |best: usize, j: usize| if self.rate[j].abs() > self.rate[best].abs() { j } else { best };
        self.fastest = (0..y.len()).fold(0, faster);
        self.rate.get(self.fastest).map_or(R::zero(), |rate| rate.abs())
    }

    /// The eigenvalues at a state, and what they mean.
    fn spectrum<F: Jacobian<R>>(&mut self, y: &[R], field: &mut Evaluator<'_, F, R>) -> (Vec<Complex<R>>, Stability) {
        let n = y.len();
        if n > LARGEST_SPECTRUM {
            return (Vec::new(), Stability::Unknown);
        }
        self.linearisation.evaluate(field, R::zero(), y);
        let size = Elementary::max(self.linearisation.spectral_bound(), R::MIN_POSITIVE);
        let found = match self.linearisation.mass() {
            None => eigenvalues(&self.linearisation.dense(), n).ok(),
            Some(_) => self.finite_eigenvalues(n, size),
        };
        let Some(found) = found else { return (Vec::new(), Stability::Unknown) };
        // Rounding moves an eigenvalue by about this much.
        let rounding = R::from_f64(100.0 * (n as f64)) * R::EPSILON * size;
        let largest = found.first().map_or(-R::INFINITY, |z| z.re);
        let stability = if largest > rounding {
            Stability::Unstable
        } else if largest >= -rounding {
            Stability::Neutral
        } else {
            Stability::Stable
        };
        (found, stability)
    }

    /// `λ = σ - 1/μ` for the non-zero eigenvalues `μ` of `(σM - J)⁻¹ M`.
    fn finite_eigenvalues(&mut self, n: usize, size: R) -> Option<Vec<Complex<R>>> {
        self.matrix.factorize(size, &self.linearisation).ok()?;
        let (mut transposed, mut unit) = (vec![R::zero(); n * n], vec![R::zero(); n]);
        for (j, column) in transposed.chunks_exact_mut(n).enumerate() {
            unit.fill(R::zero());
            unit[j] = R::one();
            self.linearisation.mass_times(&unit, column);
            self.matrix.solve(column);
        }
        let largest = transposed.iter().fold(R::zero(), |largest, x| Elementary::max(largest, x.abs()));
        let threshold = largest * R::EPSILON.sqrt() * R::from_f64(1e-3);
        let (sigma, one) = (Complex::new(size, R::zero()), Complex::new(R::one(), R::zero()));
        let inverse = eigenvalues(&transposed, n).ok()?;
        let finite = inverse.into_iter().filter(|mu| mu.re.abs() + mu.im.abs() > threshold);
        let mut found: Vec<Complex<R>> = finite.map(|mu| sigma - one / mu).collect();
        found.sort_by(|a, b| b.re.partial_cmp(&a.re).unwrap_or(core::cmp::Ordering::Equal));
        Some(found)
    }
}
