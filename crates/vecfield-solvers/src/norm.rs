//! How the errors of all components, each against its tolerance, become one number.

use core::fmt;
use std::sync::Arc;

use vecfield_traits::{Elementary, Real, Scalar};

use crate::{Options, Tolerance};

/// The norm of the ratios `error_i / (atol_i + rtol·max(|y_i|, |y⁺_i|))` that must not exceed one.
///
/// ```
/// use vecfield_solvers::{ErrorNorm, Options, Save, field, solve_explicit, tableau::TSIT5};
///
/// // The second component is carried along and has no say in the steps.
/// let both = field(2, |_t, y: &[f64], dy: &mut [f64]| (dy[0], dy[1]) = (-y[0], (50.0 * y[0]).sin()));
/// let first = ErrorNorm::own(|ratios| ratios.next().map_or(0.0, f64::abs));
/// let steps = |norm| {
///     let options = Options { norm, ..Options::tolerances(1e-9, 1e-9) };
///     let solution = solve_explicit(&both, (0.0, 2.0), &[1.0, 0.0], &TSIT5, &options, Save::End)?;
///     Ok::<_, vecfield_solvers::SolveError>(solution.stats.steps)
/// };
/// assert!(3 * steps(first)? < steps(ErrorNorm::Maximum)?);
/// # Ok::<(), vecfield_solvers::SolveError>(())
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum ErrorNorm<R> {
    /// `√(Σ rᵢ² / n)`: many components in order make up for one that is not.
    #[default]
    RootMeanSquare,
    /// `max |rᵢ|`: every component keeps within its own tolerance.
    Maximum,
    /// The caller's own.
    Own(Arc<OwnNorm<R>>),
}

/// A caller's norm, of the ratios in the order of the components. It is called in every step, by whatever thread solves.
pub type OwnNorm<R> = dyn Fn(&mut dyn Iterator<Item = R>) -> R + Send + Sync;

impl<R> ErrorNorm<R> {
    /// The caller's own; a ratio that is not finite makes it so, whatever it says.
    pub fn own(norm: impl Fn(&mut dyn Iterator<Item = R>) -> R + Send + Sync + 'static) -> ErrorNorm<R> {
        ErrorNorm::Own(Arc::new(norm))
    }
}

impl<R> fmt::Debug for ErrorNorm<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ErrorNorm::RootMeanSquare => "RootMeanSquare",
            ErrorNorm::Maximum => "Maximum",
            ErrorNorm::Own(_) => "Own(..)",
        })
    }
}

impl<R> PartialEq for ErrorNorm<R> {
    /// A caller's own equals itself alone.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (ErrorNorm::Own(a), ErrorNorm::Own(b)) => Arc::ptr_eq(a, b),
            _ => core::mem::discriminant(self) == core::mem::discriminant(other),
        }
    }
}

/// The tolerances with the norm: what every family measures its errors by.
#[derive(Debug, Clone)]
pub(crate) struct Norm<R> {
    rtol: R,
    atol: Vec<R>,
    kind: ErrorNorm<R>,
}

/// Sums that are carried on side by side: one alone would wait for every addition to end.
pub(crate) const LANES: usize = 8;

impl<R: Real> Norm<R> {
    pub(crate) fn new(options: &Options<R>, n: usize) -> Norm<R> {
        // A scale of exactly zero would turn an exact zero error into NaN.
        let floor = |atol: R| if atol > R::MIN_POSITIVE { atol } else { R::MIN_POSITIVE };
        let atol = match &options.atol {
            Tolerance::All(atol) => vec![floor(*atol); n],
            Tolerance::Each(atol) => atol.iter().map(|atol| floor(*atol)).collect(),
        };
        Norm { rtol: options.rtol, atol, kind: options.norm.clone() }
    }

    /// Is it the root mean square, which inner loops have for themselves?
    #[inline(always)]
    pub(crate) fn is_mean(&self) -> bool {
        matches!(self.kind, ErrorNorm::RootMeanSquare)
    }

    /// The relative tolerance, no smaller than rounding.
    pub(crate) fn rtol(&self) -> R {
        Elementary::max(self.rtol, R::EPSILON)
    }

    /// `atol_i + rtol·max(|a|, |b|)`; NaN when `a` or `b` is, or when either is infinite, so that no error looks small
    /// against an infinite state.
    #[inline(always)]
    pub(crate) fn scale(&self, i: usize, a: R, b: R) -> R {
        scale(self.atol[i], self.rtol, a, b)
    }

    /// The norm of the values of `x`, at the state `y`.
    pub(crate) fn of<S: Scalar<Real = R>>(&self, x: &[S], y: &[S]) -> R {
        self.measure(x.len(), |i| x[i].value() / self.scale(i, y[i].value(), y[i].value()))
    }

    /// The norm of `n` ratios; NaN as soon as one is not finite.
    #[inline(always)]
    pub(crate) fn measure(&self, n: usize, ratio: impl Fn(usize) -> R) -> R {
        let [size] = self.measures(n, |i| [ratio(i)]);
        size
    }

    /// [`measure`](Self::measure) of `K` kinds of ratios at once.
    #[inline(always)]
    pub(crate) fn measures<const K: usize>(&self, n: usize, ratios: impl Fn(usize) -> [R; K]) -> [R; K] {
        match &self.kind {
            ErrorNorm::RootMeanSquare => sums_of_squares(n, ratios).map(|total| root_mean(total, n)),
            ErrorNorm::Maximum => maxima(n, ratios),
            ErrorNorm::Own(norm) => core::array::from_fn(|k| own(&**norm, &mut (0..n).map(|i| ratios(i)[k]))),
        }
    }

    /// The sum of the squares of `n` ratios; in another norm than the root mean square, that of as many ratios of its size.
    pub(crate) fn sum_of_squares(&self, n: usize, ratio: impl Fn(usize) -> R) -> R {
        if self.is_mean() {
            let [sum] = sums_of_squares(n, |i| [ratio(i)]);
            return sum;
        }
        let size = self.measure(n, ratio);
        size * size * R::from_f64(n as f64)
    }

    /// The squares of `B` error ratios from component `at` on, added to the sums of [`LANES`] lanes: components a multiple of
    /// that many apart share one, whatever the size of the blocks.
    #[inline(always)]
    pub(crate) fn add_squares<S: Scalar<Real = R>, const B: usize>(
        &self,
        errors: [R; B],
        (y, y_new): (&[S], &[S]),
        at: usize,
        lanes: &mut [R; LANES],
    ) {
        let (atol, y, y_new) = (&self.atol[at..][..B], &y[at..][..B], &y_new[at..][..B]);
        for i in 0..B {
            let ratio = errors[i] / scale(atol[i], self.rtol, y[i].value(), y_new[i].value());
            lanes[i % LANES] += ratio * ratio;
        }
    }
}

#[inline(always)]
fn scale<R: Real>(atol: R, rtol: R, a: R, b: R) -> R {
    let (a, b) = (a.abs(), b.abs());
    let larger = if a > b { a } else { b };
    atol + rtol * larger + (a + b) * R::zero()
}

/// In as many lanes as [`Norm::add_squares`] has, and so with the same bits.
#[inline(always)]
fn sums_of_squares<R: Real, const K: usize>(n: usize, ratios: impl Fn(usize) -> [R; K]) -> [R; K] {
    let add = |sums: [R; K], i: usize| {
        let ratios = ratios(i);
        core::array::from_fn(|k| sums[k] + ratios[k] * ratios[k])
    };
    // Up to a number a lane, the lanes are the squares in their order.
    if n <= LANES {
        return (0..n).fold([R::zero(); K], add);
    }
    let mut lanes = [[R::zero(); K]; LANES];
    for at in (0..n).step_by(LANES) {
        for (lane, sums) in lanes.iter_mut().enumerate().take(n - at) {
            *sums = add(*sums, at + lane);
        }
    }
    lanes.into_iter().fold([R::zero(); K], |sums, lane| core::array::from_fn(|k| sums[k] + lane[k]))
}

#[inline(always)]
fn maxima<R: Real, const K: usize>(n: usize, ratios: impl Fn(usize) -> [R; K]) -> [R; K] {
    let mut most = [R::zero(); K];
    for i in 0..n {
        for (most, ratio) in most.iter_mut().zip(ratios(i)) {
            // NaN is never smaller, and stays.
            *most = if ratio.abs() <= *most { *most } else { ratio.abs() + *most * R::zero() };
        }
    }
    most
}

/// What a caller's norm says of all ratios, which it may not have looked at.
fn own<R: Real>(norm: &OwnNorm<R>, ratios: &mut dyn Iterator<Item = R>) -> R {
    let mut nought = R::zero();
    let mut checked = ratios.inspect(|ratio| nought += *ratio * R::zero());
    let size = norm(&mut checked);
    checked.for_each(drop);
    size + nought
}

/// `√(total / n)`.
#[inline(always)]
pub(crate) fn root_mean<R: Real>(total: R, n: usize) -> R {
    (total / R::from_f64(n as f64)).sqrt()
}
