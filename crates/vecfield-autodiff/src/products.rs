//! Products with the Jacobian and the Hessian of a function, which is never formed.

use vecfield_traits::Real;

use crate::active::{Active, pullback};
use crate::dual::Dual;
use crate::tape::Tape;
use crate::var::Var;

/// `(f(x), J v)` of `f: ℝⁿ → ℝᵐ`, where `f(x, y)` writes the `m` results into `y`: one evaluation over duals.
///
/// ```
/// let (y, y_dot) = vecfield_autodiff::jvp(|x, y| y[0] = x[0] * x[1], 1, &[3.0, 5.0], &[1.0, -1.0]);
/// assert_eq!((y, y_dot), (vec![15.0], vec![2.0]));
/// ```
///
/// # Panics
///
/// If `v` has not the length of `x`.
pub fn jvp<R: Real>(f: impl FnOnce(&[Dual<R, 1>], &mut [Dual<R, 1>]), m: usize, x: &[R], v: &[R]) -> (Vec<R>, Vec<R>) {
    assert_eq!(x.len(), v.len(), "a direction of the point's dimension");
    let x: Vec<_> = x.iter().zip(v).map(|(&x, &v)| Dual::new(x, [v])).collect();
    let mut y = vec![Dual::constant(R::zero()); m];
    f(&x, &mut y);
    y.iter().map(|y| (y.value, y.tangent[0])).unzip()
}

/// `Jᵀ w` of `f: ℝⁿ → ℝᵐ`, with one cotangent in `w` for each of the `m` results that `f(x, y)` writes into `y`: one
/// evaluation and one pass back, whatever `n` is.
///
/// ```
/// // Of a function of many variables, the gradient.
/// let x: Vec<f64> = (1..=100).map(f64::from).collect();
/// let g = vecfield_autodiff::vjp(|x, y| y[0] = x.iter().fold(y[0], |sum, &x| sum + x * x), &x, &[1.0]);
/// assert!(g.iter().zip(&x).all(|(g, x)| *g == 2.0 * x));
/// ```
pub fn vjp<R: Real>(f: impl FnOnce(&[Active<R>], &mut [Active<R>]), x: &[R], w: &[R]) -> Vec<R> {
    pullback(f, x, w)
}

/// `∇²f(x) v` of the function whose value `f(x, y)` writes into `y[0]`: forward over reverse, at a small multiple of what
/// `f` costs.
///
/// ```
/// // x³ y: the Hessian is [[6xy, 3x²], [3x², 0]].
/// let product = vecfield_autodiff::hvp(|x, y| y[0] = x[0] * x[0] * x[0] * x[1], &[2.0, 5.0], &[1.0, 1.0]);
/// assert_eq!(product, [72.0, 12.0]);
/// ```
///
/// # Panics
///
/// If `v` has not the length of `x`.
pub fn hvp<R: Real>(f: impl FnOnce(&[Var<R>], &mut [Var<R>]), x: &[R], v: &[R]) -> Vec<R> {
    assert_eq!(x.len(), v.len(), "a direction of the point's dimension");
    let tape = Tape::record(x, 1, f);
    let still = Dual::<R, 1>::constant(R::zero());
    let moving: Vec<_> = x.iter().zip(v).map(|(&x, &v)| Dual::new(x, [v])).collect();
    let (mut places, mut bars) = (vec![still; tape.len()], vec![still; tape.len()]);
    tape.eval(&moving, &mut places);
    for &output in tape.outputs() {
        bars[output as usize] = Dual::constant(R::one());
    }
    tape.pullback(&places, &mut bars);
    bars[..x.len()].iter().map(|bar| bar.tangent[0]).collect()
}
