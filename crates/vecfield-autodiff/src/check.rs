//! Tests of derivatives written by hand, against finite differences that share no code with them.
//!
//! Differences are central with one Richardson extrapolation, `(4 D(h/2) - D(h)) / 3`, step `ε^(1/5)`: error near
//! `ε^(4/5)` in units of the function's own scale, 3e-13 in `f64`.

use core::fmt;

use vecfield_traits::{Jvp, Real, Vjp};

/// Random directions tried by each check: a wrong entry of the Jacobian survives one with probability zero, and several
/// show up errors that depend on the sign of a component.
const PROBES: u64 = 3;

/// A derivative that differs from the finite difference.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(
    "{quantity} {component} is {found:e} where finite differences give {expected:e} (allowed difference {allowed:e}); \
     look at the formula of that component first"
)]
#[non_exhaustive]
pub struct Mismatch {
    /// What was compared.
    pub quantity: Quantity,
    /// The first component in which it differs.
    pub component: usize,
    /// What the field's own derivative says.
    pub found: f64,
    /// What it should be.
    pub expected: f64,
    /// The difference that would have been let pass.
    pub allowed: f64,
}

/// What a check compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quantity {
    /// `f(t, y)` as written beside its derivative.
    Value,
    /// `∂f/∂t·t_dot + ∂f/∂y·y_dot`.
    Tangent,
    /// `(∂f/∂y)ᵀ dy_bar`.
    StateCotangent,
    /// `(∂f/∂t)ᵀ dy_bar`.
    TimeCotangent,
    /// `(∂f/∂θ)ᵀ dy_bar`.
    ParameterCotangent,
}

impl fmt::Display for Quantity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Quantity::Value => "value",
            Quantity::Tangent => "tangent",
            Quantity::StateCotangent => "cotangent of state",
            Quantity::TimeCotangent => "cotangent of time",
            Quantity::ParameterCotangent => "cotangent of parameter",
        })
    }
}

/// Does the pushforward of `field` agree with differences at `(t, y)`, in a few directions drawn from `seed`?
///
/// `tolerance` is relative to the largest component of the derivative or of the field; 1e-8 is safe in `f64` for a
/// smooth field, 1e-3 in `f32`.
///
/// # Errors
///
/// The first component that differs.
pub fn check_jvp<R: Real, F: Jvp<R>>(field: &F, t: R, y: &[R], tolerance: R, seed: u64) -> Result<(), Mismatch> {
    let n = field.dim();
    let mut work = field.workspace();
    let (mut dy, mut plain, mut dy_dot) = (vec![R::zero(); n], vec![R::zero(); n], vec![R::zero(); n]);
    field.eval(t, y, &mut plain, &mut work);
    for probe in 0..PROBES {
        let direction = directions::<R>(seed, probe, n + 1);
        let (t_dot, y_dot) = (direction[n], &direction[..n]);
        field.jvp(t, y, t_dot, y_dot, &mut dy, &mut dy_dot, &mut work);
        compare(Quantity::Value, &dy, &plain, &plain, tolerance)?;
        let size = y.iter().fold(t.abs(), |size, y| size.max(y.abs()));
        let mut moved = vec![R::zero(); n];
        let expected = difference(n, size, |h, out| {
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
pub fn check_vjp<R: Real, F: Vjp<R>>(field: &F, t: R, y: &[R], tolerance: R, seed: u64) -> Result<(), Mismatch> {
    let n = field.dim();
    let (mut work, mut dy) = (field.workspace(), vec![R::zero(); n]);
    for probe in 0..PROBES {
        let dy_bar = directions::<R>(seed, probe, n);
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
                + difference(1, y[j].abs(), |h, out| {
                    moved[j] = y[j] + h;
                    out[0] = paired(t, &moved);
                    moved[j] = y[j];
                })[0];
        }
        compare(Quantity::StateCotangent, &y_bar, &expected, &scale, tolerance)?;
        let expected = difference(1, t.abs(), |h, out| out[0] = paired(t + h, y));
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
) -> Result<(), Mismatch> {
    let field = at(theta);
    let (n, mut work) = (field.dim(), field.workspace());
    for probe in 0..PROBES {
        let dy_bar = directions::<R>(seed, probe, n);
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
                + difference(1, theta[j].abs(), |h, out| {
                    moved[j] = theta[j] + h;
                    out[0] = paired(&moved);
                    moved[j] = theta[j];
                })[0];
        }
        compare(Quantity::ParameterCotangent, &theta_bar, &expected, &scale, tolerance)?;
    }
    Ok(())
}

/// `d/dh` at 0 of what `f(h, out)` writes, for arguments of magnitude `size`.
fn difference<R: Real>(n: usize, size: R, mut f: impl FnMut(R, &mut [R])) -> Vec<R> {
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
fn compare<R: Real>(
    quantity: Quantity,
    found: &[R],
    expected: &[R],
    scale: &[R],
    tolerance: R,
) -> Result<(), Mismatch> {
    let allowed = tolerance * expected.iter().chain(scale).fold(R::zero(), |size, x| size.max(x.abs()));
    for (component, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        // Written so that NaN on either side is a mismatch.
        let agrees = (found - expected).abs() <= allowed;
        if !agrees {
            let (found, expected, allowed) = (found.to_f64(), expected.to_f64(), allowed.to_f64());
            return Err(Mismatch { quantity, component, found, expected, allowed });
        }
    }
    Ok(())
}

fn dot<R: Real>(a: &[R], b: &[R]) -> R {
    a.iter().zip(b).fold(R::zero(), |sum, (&a, &b)| sum + a * b)
}

/// Numbers in `[-1, 1)` from SplitMix64 (Steele–Lea–Flood 2014), the same for the same `seed` and `probe` anywhere.
fn directions<R: Real>(seed: u64, probe: u64, n: usize) -> Vec<R> {
    let mut state = seed ^ (probe << 32);
    (0..n)
        .map(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            R::from_f64((z >> 11) as f64 * 2.0_f64.powi(-52) - 1.0)
        })
        .collect()
}
