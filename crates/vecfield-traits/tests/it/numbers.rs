//! Laws of `Scalar`, `Elementary` and `Real`, for both floats.
//!
//! A function that is rounded correctly to a few last places moves a value by a few `ε` of its size; where an argument is
//! rounded first, that moves the value by its slope times so much.

use proptest::prelude::*;
use vecfield_traits::{PerReal, Real};

/// Last places that a function of the platform may be off by.
const PLACES: f64 = 4.0;

fn near<R: Real>(found: R, exact: R, size: f64) -> Result<(), TestCaseError> {
    let off = (found.to_f64() - exact.to_f64()).abs();
    let allowed = PLACES * R::EPSILON.to_f64() * size;
    prop_assert!(off <= allowed, "{found:e} is off {exact:e} by {off:e}, allowed are {allowed:e}");
    Ok(())
}

fn same<R: Real>(found: R, wanted: R) -> Result<(), TestCaseError> {
    prop_assert!(found == wanted || (found.is_nan() && wanted.is_nan()), "{found:e} is not {wanted:e}");
    Ok(())
}

/// A constant is lifted as it is, and the identities are identities.
fn constants<R: Real>(x: f64, by: f64) -> Result<(), TestCaseError> {
    let (x, by) = (R::from_f64(x), R::from_f64(by));
    same(R::lift(x).value(), x)?;
    same(R::constant(x.to_f64()), x)?;
    same(R::from_f64(x.to_f64()), x)?;
    same(x + R::zero(), x)?;
    same(x * R::one(), x)?;
    same(x.scale(by), x * R::lift(by))?;
    same(-x + x, R::zero())?;
    same(R::default(), R::zero())
}

/// `x = sign(x) |x|`, both odd and even as they should be.
fn signs<R: Real>(x: f64) -> Result<(), TestCaseError> {
    let x = R::from_f64(x);
    prop_assert!([-R::one(), R::zero(), R::one()].contains(&x.sign()));
    same(x.sign() * x.abs(), x)?;
    same((-x).sign(), -x.sign())?;
    same((-x).abs(), x.abs())?;
    prop_assert!(x.abs() >= R::zero());
    prop_assert_eq!(x.sign() == R::zero(), x == R::zero());
    Ok(())
}

/// The smaller and the larger are the two, in either order; each is the other seen from below.
fn smaller_and_larger<R: Real>(a: f64, b: f64) -> Result<(), TestCaseError> {
    let (a, b) = (R::from_f64(a), R::from_f64(b));
    let (low, high) = (a.min(b), a.max(b));
    prop_assert!(low <= high);
    prop_assert!((low, high) == (a, b) || (low, high) == (b, a));
    same(b.min(a), low)?;
    same(b.max(a), high)?;
    same(-(-a).max(-b), low)?;
    for (x, y) in [(a, R::NAN), (R::NAN, a)] {
        prop_assert!(x.min(y).is_nan() && x.max(y).is_nan(), "NaN is never hidden");
    }
    Ok(())
}

/// `x⁰ = 1`, `xᵐ⁺ⁿ = xᵐ xⁿ`, `x⁻ⁿ = 1/xⁿ`; `powf` with an integral exponent is the same, also below zero.
fn powers<R: Real>(x: f64, m: i32, n: i32) -> Result<(), TestCaseError> {
    let x = R::from_f64(x);
    for base in [x, R::zero(), -x] {
        same(base.powi(0), R::one())?;
        same(base.powi(1), base)?;
    }
    // A rounding for each factor.
    let places = f64::from(m.abs() + n.abs() + 2);
    let whole = x.powi(m + n);
    near(x.powi(m) * x.powi(n), whole, places * whole.to_f64().abs())?;
    near(R::one() / x.powi(n), x.powi(-n), places * x.powi(-n).to_f64().abs())?;
    let exponent = R::from_f64(f64::from(n));
    near(x.powf(exponent), x.powi(n), places * x.powi(n).to_f64().abs())?;
    let below = if n % 2 == 0 { x.powi(n) } else { -x.powi(n) };
    near((-x).powf(exponent), below, places * below.to_f64().abs())
}

/// `x^e = exp(e ln x)`, whose exponent is rounded as a number of its own size.
fn variable_powers<R: Real>(x: f64, e: f64) -> Result<(), TestCaseError> {
    let (x, e) = (R::from_f64(x), R::from_f64(e));
    let (found, exponent) = (x.powf(e), e * x.ln());
    near(found, exponent.exp(), found.to_f64() * (1.0 + 2.0 * exponent.to_f64().abs()))?;
    prop_assert!((-x).powf(R::from_f64(0.5)).is_nan());
    Ok(())
}

/// Functions and their inverses, sums of squares, quotients.
fn identities<R: Real>(x: f64) -> Result<(), TestCaseError> {
    let x = R::from_f64(x);
    let size = 1.0 + x.to_f64().abs();
    near(x.sin() * x.sin() + x.cos() * x.cos(), R::one(), 1.0)?;
    near(x.tan() * x.cos(), x.sin(), 1.0)?;
    near(x.exp().ln(), x, size)?;
    near(x.exp() * (-x).exp(), R::one(), 1.0)?;
    let (cosh, sinh) = (x.cosh(), x.sinh());
    near(cosh * cosh - sinh * sinh, R::one(), 2.0 * cosh.to_f64().powi(2))?;
    near(cosh + sinh, x.exp(), 2.0 * cosh.to_f64())?;
    near(x.tanh() * cosh, sinh, cosh.to_f64())?;
    near(x.abs().sqrt() * x.abs().sqrt(), x.abs(), size)?;
    near(x.atan().tan(), x, 2.0 * (1.0 + size * size))?;
    // The angle of a ratio in (-1, 1), where the inverses have a slope that is not steep.
    let ratio = R::from_f64(0.9) * x.sin();
    near(ratio.asin().sin(), ratio, 3.0)?;
    near(ratio.acos().cos(), ratio, 6.0)?;
    near(ratio.asin() + ratio.acos(), R::one().atan().scale(R::from_f64(2.0)), 4.0)?;
    prop_assert!(ratio.acos() >= R::zero());
    // Odd and even.
    for (odd, minus) in [
        (x.sin(), (-x).sin()),
        (x.tan(), (-x).tan()),
        (x.atan(), (-x).atan()),
        (sinh, (-x).sinh()),
        (x.tanh(), (-x).tanh()),
    ] {
        same(minus, -odd)?;
    }
    same((-x).cos(), x.cos())?;
    same((-x).cosh(), cosh)
}

/// Outside its domain a function holds NaN.
fn domains<R: Real>(x: f64) -> Result<(), TestCaseError> {
    let x = R::from_f64(x); // above zero
    let beyond = R::one() + x;
    prop_assert!((-x).ln().is_nan() && (-x).sqrt().is_nan());
    prop_assert!(beyond.asin().is_nan() && (-beyond).asin().is_nan() && beyond.acos().is_nan());
    prop_assert!(!R::NAN.is_finite() && !R::INFINITY.is_finite() && x.is_finite() && R::MAX.is_finite());
    prop_assert!(R::NAN.sign().is_nan(), "NaN is never hidden");
    prop_assert!(R::NAN.is_nan() && !R::INFINITY.is_nan() && !x.is_nan());
    Ok(())
}

/// `⌊x⌋ ≤ x < ⌊x⌋ + 1`, and an integer is its own.
fn floors<R: Real>(x: f64, n: i16) -> Result<(), TestCaseError> {
    let x = R::from_f64(x);
    prop_assert!(x.floor() <= x && x < x.floor() + R::one());
    same(x.floor().floor(), x.floor())?;
    let n = R::from_f64(f64::from(n));
    same(n.floor(), n)
}

/// `x a + b` with one rounding or with two.
fn products_and_sums<R: Real>(x: f64, a: f64, b: f64) -> Result<(), TestCaseError> {
    let (x, a, b) = (R::from_f64(x), R::from_f64(a), R::from_f64(b));
    let size = (x.to_f64() * a.to_f64()).abs() + b.to_f64().abs();
    near(x.mul_add_fast(a, b), x * a + b, size)
}

struct Bits;
impl PerReal for Bits {
    type Of<R: Real> = u32;
}

/// `ε` is the distance from 1 to the next number; each float chooses its own.
fn limits<R: Real>(bits: u32) {
    let half = R::EPSILON.scale(R::from_f64(0.5));
    assert!(R::one() + R::EPSILON > R::one() && R::one() + half == R::one());
    assert!(R::MAX + R::MAX == R::INFINITY && R::MIN_POSITIVE > R::zero());
    assert!(R::one() / R::MIN_POSITIVE < R::INFINITY);
    assert_eq!(R::choose::<Bits>(32, 64), bits);
}

#[test]
fn each_float_has_its_limits() {
    limits::<f32>(32);
    limits::<f64>(64);
}

macro_rules! for_both_floats {
    ($($(#[$doc:meta])* $name:ident($law:ident: $($argument:ident in $strategy:expr),+);)+) => {
        proptest! {$(
            $(#[$doc])*
            #[test]
            fn $name($($argument in $strategy),+) {
                $law::<f32>($($argument),+)?;
                $law::<f64>($($argument),+)?;
            }
        )+}
    };
}

/// Numbers of all sizes, and the ones that are special.
fn any_size() -> impl Strategy<Value = f64> {
    prop_oneof![8 => -1e3..1e3_f64, 2 => -1e-30..1e-30_f64, 2 => -1e30..1e30_f64, 1 => Just(0.0), 1 => Just(1.0)]
}

for_both_floats! {
    constants_are_lifted_as_they_are(constants: x in any_size(), by in any_size());
    a_number_is_its_sign_times_its_size(signs: x in any_size());
    min_and_max_are_the_two(smaller_and_larger: a in any_size(), b in any_size());
    exponents_add(powers: x in 0.3..3.0_f64, m in -12..12_i32, n in -12..12_i32);
    powers_are_exponentials(variable_powers: x in 0.01..100.0_f64, e in -5.0..5.0_f64);
    functions_keep_their_identities(identities: x in -6.0..6.0_f64);
    outside_the_domain_is_nan(domains: x in 1e-3..1e3_f64);
    floors_are_below(floors: x in -1e4..1e4_f64, n in any::<i16>());
    fused_or_not_is_a_rounding(products_and_sums: x in -1e3..1e3_f64, a in -1e3..1e3_f64, b in -1e3..1e3_f64);
}
