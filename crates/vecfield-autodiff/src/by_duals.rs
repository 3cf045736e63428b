//! A field's Jacobian by evaluating it over duals: `⌈(n+1)/8⌉` evaluations for all `∂f/∂y` and `∂f/∂t`, or
//! `⌈(colours+1)/8⌉` where the Jacobian is known to be sparse; exact to rounding.

use std::sync::Arc;

use vecfield_kernels::{Job, run};
use vecfield_traits::{Half, Jacobian, Jvp, Partition, Real, Sparsity, VectorField};

use crate::compressed::Compressed;
use crate::dependencies::{Dependencies, field_sparsity};
use crate::dual::{Dual, lanes};

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
#[derive(Debug, Clone)]
pub struct ByDuals<F> {
    field: F,
    compressed: Option<Arc<Compressed>>,
}

impl<F> ByDuals<F> {
    /// Gives `field` its whole Jacobian.
    pub fn new(field: F) -> Self {
        ByDuals { field, compressed: None }
    }

    /// Gives `field` its Jacobian at the places that may differ from zero, found by evaluating it over
    /// [`Dependencies`] at `(t, y)`, where it takes its usual branches.
    ///
    /// ```
    /// use vecfield_autodiff::ByDuals;
    /// use vecfield_traits::{Elementary, Jacobian, VectorField};
    ///
    /// /// Heat in a rod of 1000 cells whose ends are insulated.
    /// struct Rod;
    /// impl<S: Elementary> VectorField<S> for Rod {
    ///     type Workspace = ();
    ///     fn workspace(&self) {}
    ///     fn dim(&self) -> usize { 1000 }
    ///     fn eval(&self, _t: S, y: &[S], dy: &mut [S], _work: &mut ()) {
    ///         for i in 0..1000 {
    ///             let (left, right) = (y[i.max(1) - 1], y[(i + 1).min(999)]);
    ///             dy[i] = left - y[i] + (right - y[i]);
    ///         }
    ///     }
    /// }
    ///
    /// let rod = ByDuals::sparse(Rod, 0.0, &[0.0; 1000]);
    /// let pattern = Jacobian::<f64>::sparsity(&rod).ok_or("a pattern was asked for")?.clone();
    /// assert_eq!((pattern.len(), pattern.bandwidths()), (2998, (1, 1)));
    /// let (mut entries, mut time) = (vec![0.0; pattern.len()], vec![0.0; 1000]);
    /// rod.jacobian(0.0, &[0.0; 1000], &mut entries, &mut time, &mut rod.workspace()); // one evaluation
    /// assert_eq!(entries[2..5], [1.0, -2.0, 1.0]);
    /// # Ok::<(), &str>(())
    /// ```
    pub fn sparse<R: Real>(field: F, t: R, y: &[R]) -> Self
    where
        F: VectorField<Dependencies<R>>,
    {
        let pattern = field_sparsity(&field, t, y);
        Self::with_sparsity(field, pattern)
    }

    /// Gives `field` its Jacobian at the places of `pattern`, which must be all that can differ from zero: what lies
    /// elsewhere is added to other columns.
    pub fn with_sparsity(field: F, pattern: Sparsity) -> Self {
        ByDuals { field, compressed: Some(Compressed::new(pattern)) }
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

    fn partition(&self) -> Option<&Partition> {
        VectorField::<R>::partition(&self.field)
    }

    #[inline]
    fn eval_half(&self, half: Half, t: R, y: &[R], dy: &mut [R], work: &mut Self::Workspace) {
        self.field.eval_half(half, t, y, dy, &mut work.plain);
    }
}

impl<R: Real, F: VectorField<R> + VectorField<Dual<R, LANES>>> Jacobian<R> for ByDuals<F> {
    fn jacobian(&self, t: R, y: &[R], jac: &mut [R], time: &mut [R], work: &mut Self::Workspace) {
        let DualsWorkspace { dual, y: y_duals, dy, .. } = work;
        let field = OfField(&self.field, dual);
        differentiate(Sweeps { compressed: self.compressed.as_deref(), t, y, y_duals, dy, field }, (jac, time));
    }

    fn sparsity(&self) -> Option<&Sparsity> {
        self.compressed.as_ref().map(|compressed| &compressed.sparsity)
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

/// A field over duals, with its memory.
pub(crate) trait OverDuals<R: Real> {
    fn dim(&self) -> usize;
    fn eval(&mut self, t: Dual<R, LANES>, y: &[Dual<R, LANES>], dy: &mut [Dual<R, LANES>]);
}

struct OfField<'a, F: VectorField<Dual<R, LANES>>, R: Real>(&'a F, &'a mut F::Workspace);

impl<R: Real, F: VectorField<Dual<R, LANES>>> OverDuals<R> for OfField<'_, F, R> {
    #[inline(always)]
    fn dim(&self) -> usize {
        self.0.dim()
    }

    #[inline(always)]
    fn eval(&mut self, t: Dual<R, LANES>, y: &[Dual<R, LANES>], dy: &mut [Dual<R, LANES>]) {
        self.0.eval(t, y, dy, self.1);
    }
}

/// Where a field is to be swept over its directions; `y_duals` and `dy` are scratch.
pub(crate) struct Sweeps<'a, R, E> {
    pub(crate) compressed: Option<&'a Compressed>,
    pub(crate) t: R,
    pub(crate) y: &'a [R],
    pub(crate) y_duals: &'a mut [Dual<R, LANES>],
    pub(crate) dy: &'a mut [Dual<R, LANES>],
    pub(crate) field: E,
}

/// `∂f/∂y`, at the places of a pattern or everywhere, and `∂f/∂t`, by as many sweeps as it takes, in the widest registers
/// there are: a dual's tangents are one of AVX-512's.
#[inline]
pub(crate) fn differentiate<R: Real, E: OverDuals<R>>(sweeps: Sweeps<'_, R, E>, derivatives: (&mut [R], &mut [R])) {
    run(Differentiate(sweeps, derivatives));
}

struct Differentiate<'a, R, E>(Sweeps<'a, R, E>, (&'a mut [R], &'a mut [R]));

impl<R: Real, E: OverDuals<R>> Job for Differentiate<'_, R, E> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Differentiate(sweeps, derivatives) = self;
        match sweeps.compressed {
            None if sweeps.field.dim() < LANES => sweeps.at_once(derivatives),
            None => sweeps.by_columns(derivatives),
            Some(compressed) => sweeps.by_colours(compressed, derivatives),
        }
    }
}

impl<R: Real, E: OverDuals<R>> Sweeps<'_, R, E> {
    /// All of a small Jacobian in one sweep. Everything is as long as the field says, which a formula of fixed size says
    /// when it is compiled: the duals then live in registers.
    #[inline(always)]
    fn at_once(mut self, (jac, time): (&mut [R], &mut [R])) {
        let n = self.field.dim();
        let (y, jac, time) = (&self.y[..n], &mut jac[..n * n], &mut time[..n]);
        let (duals, mut dy) = (small(y, 0), [Dual::constant(R::zero()); LANES]);
        self.field.eval(seeded(self.t, n, 0), &duals[..n], &mut dy[..n]);
        for i in 0..n {
            for j in 0..n {
                jac[i * n + j] = dy[i].tangent[j];
            }
            time[i] = dy[i].tangent[n];
        }
    }

    /// Eight columns a sweep, the last ones first.
    #[inline(always)]
    fn by_columns(mut self, (jac, time): (&mut [R], &mut [R])) {
        let Sweeps { t, y, y_duals, dy, .. } = self;
        let n = y.len();
        still(y_duals, y);
        for first in (0..n + 1).step_by(LANES).rev() {
            // Only what moves is written anew, and is still again afterwards.
            for (lane, dual) in y_duals[first..].iter_mut().take(LANES).enumerate() {
                dual.tangent = unit(lane);
            }
            self.field.eval(seeded(t, n, first), y_duals, dy);
            scatter(dy, first, jac);
            if n < first + LANES {
                for (time, rate) in time.iter_mut().zip(&*dy) {
                    *time = rate.tangent[n - first];
                }
            }
            for dual in y_duals[first..].iter_mut().take(LANES) {
                dual.tangent = [R::zero(); LANES];
            }
        }
    }

    /// Eight colours a sweep.
    #[inline(always)]
    fn by_colours(mut self, compressed: &Compressed, (jac, time): (&mut [R], &mut [R])) {
        let Sweeps { t, y, y_duals, dy, .. } = self;
        let last = compressed.directions();
        for first in (0..=last).step_by(LANES) {
            compressed.seed(y_duals, y, first);
            self.field.eval(seeded(t, last, first), y_duals, dy);
            compressed.for_each(dy, first, |place, _, _, partial| jac[place] = partial);
            if last < first + LANES {
                for (time, rate) in time.iter_mut().zip(&*dy) {
                    *time = rate.tangent[last - first];
                }
            }
        }
    }
}

/// One in this lane.
#[inline(always)]
pub(crate) fn unit<R: Real>(lane: usize) -> [R; LANES] {
    lanes(|i| if i == lane { R::one() } else { R::zero() })
}

/// Up to eight variables, the first of which moves along direction `index`, with zeros behind them. A loop of known length:
/// it is unrolled, where one as long as the values would be turned into a loop over lanes of several duals at a time.
#[inline(always)]
pub(crate) fn small<R: Real>(values: &[R], index: usize) -> [Dual<R, LANES>; LANES] {
    let mut duals = [Dual::constant(R::zero()); LANES];
    for j in 0..LANES {
        if j < values.len() {
            duals[j] = Dual { value: values[j], tangent: unit(index + j) };
        }
    }
    duals
}

/// The dual of `value` when it is variable number `index` and the sweep carries directions `first..first + LANES`.
#[inline(always)]
pub(crate) fn seeded<R: Real>(value: R, index: usize, first: usize) -> Dual<R, LANES> {
    // A variable before `first` wraps to an index beyond every lane, as one after the last does. Lane by lane: a register that
    // is read whole after one of its numbers was written waits for it.
    Dual { value, tangent: unit(index.wrapping_sub(first)) }
}

/// [`seeded`] for a block of variables, the first of which has number `index`.
#[inline(always)]
pub(crate) fn seed<R: Real>(duals: &mut [Dual<R, LANES>], values: &[R], index: usize, first: usize) {
    for (j, (dual, &value)) in duals.iter_mut().zip(values).enumerate() {
        *dual = seeded(value, index + j, first);
    }
}

/// Duals that do not move.
#[inline(always)]
pub(crate) fn still<R: Real>(duals: &mut [Dual<R, LANES>], values: &[R]) {
    for (dual, &value) in duals.iter_mut().zip(values) {
        *dual = Dual::constant(value);
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

/// Copies the directions `first..first + LANES` of a sweep to their columns of `∂f/∂y`.
///
/// A row of the last columns is written whole where there is room: what it leaves in the next row stands in the first
/// columns, which a later sweep writes.
#[inline(always)]
fn scatter<R: Real>(dy: &[Dual<R, LANES>], first: usize, jac: &mut [R]) {
    let n = dy.len();
    let jac = &mut jac[..n * n];
    for (i, rate) in dy.iter().enumerate() {
        let to = &mut jac[i * n + first..];
        match to.first_chunk_mut::<LANES>() {
            Some(to) => *to = rate.tangent,
            None => to.copy_from_slice(&rate.tangent[..to.len()]),
        }
    }
}
