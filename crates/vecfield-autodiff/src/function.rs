//! Derivatives of functions: closures over duals, or generic functions `fn f<S: Elementary>(x: &[S]) -> S`, which fit
//! every verb here because each verb calls them at the number type it needs.

use vecfield_traits::Real;

use crate::by_duals::{LANES, seed};
use crate::dual::Dual;
use crate::jet::Jet;

/// `(f(x), f'(x))`.
///
/// ```
/// use vecfield_autodiff::derivative;
/// use vecfield_traits::Elementary;
///
/// let (value, slope) = derivative(|x| x * x.sin(), 2.0_f64);
/// assert_eq!(value, 2.0 * 2.0_f64.sin());
/// assert_eq!(slope, 2.0_f64.sin() + 2.0 * 2.0_f64.cos());
/// ```
pub fn derivative<R: Real>(f: impl Fn(Dual<R, 1>) -> Dual<R, 1>, x: R) -> (R, R) {
    let Dual { value, tangent: [slope] } = f(Dual::variable(x, 0));
    (value, slope)
}

/// The Taylor coefficients of `f` at `x`: `f⁽ᵏ⁾(x) / k!` for `k < K`.
///
/// ```
/// use vecfield_autodiff::taylor;
/// use vecfield_traits::Elementary;
///
/// // atan s = s - s³/3 + s⁵/5 - ..
/// let series = taylor::<f64, 6>(|x| x.atan(), 0.0);
/// for (found, expected) in series.iter().zip([0.0, 1.0, 0.0, -1.0 / 3.0, 0.0, 0.2]) {
///     assert!((found - expected).abs() < 1e-15);
/// }
/// ```
pub fn taylor<R: Real, const K: usize>(f: impl Fn(Jet<R, K>) -> Jet<R, K>, x: R) -> [R; K] {
    f(Jet::variable(x)).coefficients
}

/// `f` and its derivatives at `x`, up to the `K - 1`-st.
///
/// ```
/// use vecfield_autodiff::derivatives;
///
/// assert_eq!(derivatives(|x| x * x * x, 2.0), [8.0, 12.0, 12.0, 6.0, 0.0]);
/// ```
pub fn derivatives<R: Real, const K: usize>(f: impl Fn(Jet<R, K>) -> Jet<R, K>, x: R) -> [R; K] {
    f(Jet::variable(x)).derivatives()
}

/// `∇f(x)`, `[n]`.
///
/// ```
/// use vecfield_autodiff::gradient;
///
/// let g = gradient(|x| x[0] * x[0] * x[1], &[3.0, 5.0]);
/// assert_eq!(g, [30.0, 9.0]);
/// ```
pub fn gradient<R: Real>(f: impl Fn(&[Dual<R, LANES>]) -> Dual<R, LANES>, x: &[R]) -> Vec<R> {
    let mut duals = vec![Dual::constant(R::zero()); x.len()];
    let mut g = vec![R::zero(); x.len()];
    gradient_into(f, x, &mut g, &mut duals);
    g
}

/// Writes `∇f(x)` into `g` and returns `f(x)`, without allocation: `x`, `g` and the scratch `duals` are `[n]`.
///
/// # Panics
///
/// If the three lengths differ.
pub fn gradient_into<R: Real>(
    f: impl Fn(&[Dual<R, LANES>]) -> Dual<R, LANES>,
    x: &[R],
    g: &mut [R],
    duals: &mut [Dual<R, LANES>],
) -> R {
    assert!(g.len() == x.len() && duals.len() == x.len(), "x, g and duals have one length");
    seed(duals, x, 0, 0);
    let mut y = f(duals);
    for (sweep, chunk) in g.chunks_mut(LANES).enumerate() {
        if sweep > 0 {
            seed(duals, x, 0, sweep * LANES);
            y = f(duals);
        }
        chunk.copy_from_slice(&y.tangent[..chunk.len()]);
    }
    y.value
}

/// The Jacobian of `f: ℝⁿ → ℝᵐ`, where `f(x, y)` writes `y`: row-major, `[m·n]`.
///
/// ```
/// use vecfield_autodiff::{Dual, jacobian};
/// use vecfield_traits::Elementary;
///
/// // Polar coordinates: the determinant of the Jacobian is r.
/// let j = jacobian(|x, y| (y[0], y[1]) = (x[0] * x[1].cos(), x[0] * x[1].sin()), 2, &[2.0_f64, 0.3]);
/// assert!((j[0] * j[3] - j[1] * j[2] - 2.0).abs() < 1e-15);
/// ```
pub fn jacobian<R: Real>(f: impl Fn(&[Dual<R, LANES>], &mut [Dual<R, LANES>]), m: usize, x: &[R]) -> Vec<R> {
    let n = x.len();
    let mut duals = vec![Dual::constant(R::zero()); n];
    let mut y = vec![Dual::constant(R::zero()); m];
    let mut jac = vec![R::zero(); m * n];
    for first in (0..n).step_by(LANES) {
        seed(&mut duals, x, 0, first);
        f(&duals, &mut y);
        for (row, y_i) in jac.chunks_mut(n).zip(&y) {
            for (entry, &partial) in row[first..].iter_mut().zip(&y_i.tangent) {
                *entry = partial;
            }
        }
    }
    jac
}

/// The matrix of second derivatives of `f`, symmetric, `[n·n]`: `n ⌈n/8⌉ / 2` evaluations over nested duals.
pub fn hessian<R: Real>(f: impl Fn(&[Dual<Dual<R, LANES>, 1>]) -> Dual<Dual<R, LANES>, 1>, x: &[R]) -> Vec<R> {
    let n = x.len();
    let mut inner = vec![Dual::constant(R::zero()); n];
    let mut outer = vec![Dual::constant(Dual::constant(R::zero())); n];
    let mut h = vec![R::zero(); n * n];
    for first in (0..n).step_by(LANES) {
        seed(&mut inner, x, 0, first);
        for i in first..n {
            for (j, (outer, &inner)) in outer.iter_mut().zip(&inner).enumerate() {
                *outer = if i == j { Dual::variable(inner, 0) } else { Dual::constant(inner) };
            }
            let row = f(&outer).tangent[0].tangent;
            for (j, &second) in (first..n).zip(&row) {
                (h[i * n + j], h[j * n + i]) = (second, second);
            }
        }
    }
    h
}
