//! Tests of derivatives written by hand, against finite differences that share no code with them.
//!
//! Differences are central with one Richardson extrapolation, `(4 D(h/2) - D(h)) / 3`, step `ε^(1/5)`: error near
//! `ε^(4/5)` in units of the function's own scale, 3e-13 in `f64`.

use vecfield_traits::{Jvp, Real, Vjp};

use crate::broken::{Broken, Quantity};
use crate::draws::probes;

/// Random directions tried by each check: a wrong entry of the Jacobian survives one with probability zero, and several
/// show up errors that depend on the sign of a component.
const PROBES: u64 = 3;

/// Does the pushforward of `field` agree with differences at `(t, y)`, in a few directions drawn from `seed`?
///
/// `tolerance` is relative to the largest component of the derivative or of the field; 1e-8 is safe in `f64` for a
/// smooth field, 1e-3 in `f32`.
///
/// # Errors
///
/// The first component that differs.
pub fn check_jvp<R: Real, F: Jvp<R>>(field: &F, t: R, y: &[R], tolerance: R, seed: u64) -> Result<(), Broken> {
    let n = field.dim();
    let mut work = field.workspace();
    let (mut dy, mut plain, mut dy_dot) = (vec![R::zero(); n], vec![R::zero(); n], vec![R::zero(); n]);
    field.eval(t, y, &mut plain, &mut work);
    for probe in 0..PROBES {
        let direction = probes::<R>(n + 1, seed, probe);
        let (t_dot, y_dot) = (direction[n], &direction[..n]);
        field.jvp(t, y, t_dot, y_dot, &mut dy, &mut dy_dot, &mut work);
        compare(Quantity::Value, &dy, &plain, &plain, tolerance)?;
        let size = y.iter().fold(t.abs(), |size, y| size.max(y.abs()));
        let mut moved = vec![R::zero(); n];
        let expected = differences(n, size, |h, out| {
            for ((moved, &y), &y_dot) in moved.iter_mut().zip(y).zip(y_dot) {
                *moved = y + h * y_dot;
            }
            field.eval(t + h * t_dot, &moved, out, &mut work);
        });
        compare(Quantity::Tangent, &dy_dot, &expected, &plain, tolerance)?;
    }
    Ok(())
}

/// Does the pullback of `field` agree with differences at `(t, y)` in state and time, for a few cotangents drawn from
/// `seed`, and does it add to its buffers? `tolerance` as in [`check_jvp`]. Parameters: [`check_parameter_vjp`].
///
/// # Errors
///
/// The first component that differs.
pub fn check_vjp<R: Real, F: Vjp<R>>(field: &F, t: R, y: &[R], tolerance: R, seed: u64) -> Result<(), Broken> {
    let n = field.dim();
    let (mut work, mut dy) = (field.workspace(), vec![R::zero(); n]);
    for probe in 0..PROBES {
        let dy_bar = probes::<R>(n, seed, probe);
        let mut y_bar = vec![R::one(); n]; // not zero: a pullback adds
        let mut theta_bar = vec![R::zero(); field.parameters().len()];
        let t_bar = field.vjp(t, y, &dy_bar, &mut y_bar, &mut theta_bar, &mut work);

        let mut paired = |t: R, y: &[R]| {
            field.eval(t, y, &mut dy, &mut work);
            dot(&dy_bar, &dy)
        };
        let scale = [paired(t, y)];
        let mut moved = y.to_vec();
        let mut expected = vec![R::zero(); n];
        for j in 0..n {
            expected[j] = R::one()
                + differences(1, y[j].abs(), |h, out| {
                    moved[j] = y[j] + h;
                    out[0] = paired(t, &moved);
                    moved[j] = y[j];
                })[0];
        }
        compare(Quantity::StateCotangent, &y_bar, &expected, &scale, tolerance)?;
        let expected = differences(1, t.abs(), |h, out| out[0] = paired(t + h, y));
        compare(Quantity::TimeCotangent, &[t_bar], &expected, &scale, tolerance)?;
    }
    Ok(())
}

/// Does the pullback agree with differences in the parameters? `at(θ)` makes the member of the family at `θ`, and
/// `theta` is where it is tested; otherwise as [`check_vjp`].
///
/// # Errors
///
/// The first parameter whose cotangent differs.
pub fn check_parameter_vjp<R: Real, F: Vjp<R>>(
    at: impl Fn(&[R]) -> F,
    t: R,
    y: &[R],
    theta: &[R],
    tolerance: R,
    seed: u64,
) -> Result<(), Broken> {
    let field = at(theta);
    let (n, mut work) = (field.dim(), field.workspace());
    for probe in 0..PROBES {
        let dy_bar = probes::<R>(n, seed, probe);
        let mut theta_bar = vec![R::one(); theta.len()]; // not zero: a pullback adds
        field.vjp(t, y, &dy_bar, &mut vec![R::zero(); n], &mut theta_bar, &mut work);

        let mut dy = vec![R::zero(); n];
        let mut paired = |theta: &[R]| {
            let field = at(theta);
            field.eval(t, y, &mut dy, &mut field.workspace());
            dot(&dy_bar, &dy)
        };
        let scale = [paired(theta)];
        let mut moved = theta.to_vec();
        let mut expected = vec![R::zero(); theta.len()];
        for j in 0..theta.len() {
            expected[j] = R::one()
                + differences(1, theta[j].abs(), |h, out| {
                    moved[j] = theta[j] + h;
                    out[0] = paired(&moved);
                    moved[j] = theta[j];
                })[0];
        }
        compare(Quantity::ParameterCotangent, &theta_bar, &expected, &scale, tolerance)?;
    }
    Ok(())
}

/// `df/dh` at 0, for arguments of order one.
///
/// ```
/// let slope = vecfield_laws::difference(|h| (1.0 + h).ln());
/// assert!((slope - 1.0).abs() < 1e-11);
/// ```
pub fn difference(mut f: impl FnMut(f64) -> f64) -> f64 {
    differences(1, 1.0, |h, out| out[0] = f(h))[0]
}

/// Is `pull` the pullback of `f` at `x`, by differences? `⟨pull(w), v⟩` must be `d/dh ⟨w, f(x + h v)⟩` for a few `v` and `w`
/// drawn from `seed`. Where a map has parameters or a time, let them be a part of `x`.
///
/// * `f(x, out)` writes the value, `[outputs]`; `pull(w, bar)` adds `(∂f/∂x)ᵀ w` to `bar`, `[x.len()]`.
/// * `tolerance` is relative to the larger of the value and the norm of the cotangent.
///
/// # Errors
///
/// The first pair that differs: [`Quantity::Pairing`].
pub fn is_the_pullback<R: Real>(
    mut f: impl FnMut(&[R], &mut [R]),
    x: &[R],
    outputs: usize,
    mut pull: impl FnMut(&[R], &mut [R]),
    tolerance: R,
    seed: u64,
) -> Result<(), Broken> {
    let (mut y, mut moved) = (vec![R::zero(); outputs], x.to_vec());
    for probe in 0..PROBES {
        let (v, w) = (probes::<R>(x.len(), seed, probe), probes::<R>(outputs, !seed, probe));
        // Not zero: a pullback adds.
        let before = vec![R::one(); x.len()];
        let mut bar = before.clone();
        pull(&w, &mut bar);
        let bar: Vec<R> = bar.iter().zip(&before).map(|(&bar, &before)| bar - before).collect();
        let mut paired = |h: R| {
            for ((moved, &x), &v) in moved.iter_mut().zip(x).zip(&v) {
                *moved = x + h * v;
            }
            f(&moved, &mut y);
            dot(&w, &y)
        };
        let scale = [paired(R::zero()), R::from_f64(dot(&bar, &bar).to_f64().sqrt())];
        let size = x.iter().fold(R::zero(), |size, x| size.max(x.abs()));
        let expected = differences(1, size, |h, out| out[0] = paired(h))[0];
        compare_at(Quantity::Pairing, probe as usize, dot(&bar, &v), expected, &scale, tolerance)?;
    }
    Ok(())
}

/// Is `pull` the transpose of `push`? `⟨pull(w), v⟩ = ⟨w, push(v)⟩` to rounding, for a few `v` and `w` drawn from `seed`.
///
/// * `push(v, out)` writes `J v`, `[outputs]`; `pull(w, bar)` adds `Jᵀ w` to `bar`, `[inputs]`.
/// * `tolerance` is relative to the largest product in the sums; 1e-12 is safe in `f64` for some hundred of them.
///
/// # Errors
///
/// The first pair that differs: [`Quantity::Pairing`].
pub fn is_the_transpose<R: Real>(
    (inputs, outputs): (usize, usize),
    mut push: impl FnMut(&[R], &mut [R]),
    mut pull: impl FnMut(&[R], &mut [R]),
    tolerance: R,
    seed: u64,
) -> Result<(), Broken> {
    for probe in 0..PROBES {
        let (v, w) = (probes::<R>(inputs, seed, probe), probes::<R>(outputs, !seed, probe));
        let (mut pushed, mut pulled) = (vec![R::zero(); outputs], vec![R::zero(); inputs]);
        push(&v, &mut pushed);
        pull(&w, &mut pulled);
        let products = w.iter().zip(&pushed).chain(pulled.iter().zip(&v)).map(|(&a, &b)| a * b);
        let scale = [products.fold(R::zero(), |size, product| size.max(product.abs()))];
        compare_at(Quantity::Pairing, probe as usize, dot(&pulled, &v), dot(&w, &pushed), &scale, tolerance)?;
    }
    Ok(())
}

/// `d/dh` at 0 of what `f(h, out)` writes, for arguments of magnitude `size`.
fn differences<R: Real>(n: usize, size: R, mut f: impl FnMut(R, &mut [R])) -> Vec<R> {
    // A power of two: halving and doubling it are exact, and so mostly is moving a number by it.
    let h = R::from_f64((R::EPSILON.to_f64().powf(0.2) * size.to_f64().max(1.0)).log2().round().exp2());
    let half = h.scale(R::from_f64(0.5));
    let mut central = |h: R| -> Vec<R> {
        let (mut above, mut below) = (vec![R::zero(); n], vec![R::zero(); n]);
        f(h, &mut above);
        f(-h, &mut below);
        above.iter().zip(&below).map(|(&a, &b)| (a - b) / (h + h)).collect()
    };
    let (coarse, fine) = (central(h), central(half));
    fine.iter().zip(&coarse).map(|(&fine, &coarse)| fine + (fine - coarse) / R::from_f64(3.0)).collect()
}

/// `found` against `expected`, relative to the largest of `expected` and `scale`.
pub(crate) fn compare<R: Real>(
    quantity: Quantity,
    found: &[R],
    expected: &[R],
    scale: &[R],
    tolerance: R,
) -> Result<(), Broken> {
    let scale = [expected.iter().chain(scale).fold(R::zero(), |size, x| size.max(x.abs()))];
    let mut components = found.iter().zip(expected).enumerate();
    components.try_for_each(|(i, (&found, &expected))| compare_at(quantity, i, found, expected, &scale, tolerance))
}

/// One component of it.
fn compare_at<R: Real>(
    quantity: Quantity,
    component: usize,
    found: R,
    expected: R,
    scale: &[R],
    tolerance: R,
) -> Result<(), Broken> {
    let allowed = tolerance * scale.iter().fold(expected.abs(), |size, x| size.max(x.abs()));
    // Written so that NaN on either side is a difference.
    let agrees = (found - expected).abs() <= allowed;
    if agrees {
        return Ok(());
    }
    let [found, expected, allowed] = [found, expected, allowed].map(|x| x.to_f64());
    Err(Broken::Differs { quantity, component, found, expected, allowed })
}

fn dot<R: Real>(a: &[R], b: &[R]) -> R {
    a.iter().zip(b).fold(R::zero(), |sum, (&a, &b)| sum + a * b)
}
