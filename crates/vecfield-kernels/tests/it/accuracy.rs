//! Errors in ulp against references with twice the bits, on every target this machine has.

use vecfield_kernels::{Function, Target, VectorMath};

use crate::double_double::{Dd, exp, exp_m1, ln, ln_1p, sin_cos};

/// Random arguments per function; `VECFIELD_SAMPLES` in the environment asks for more.
fn samples() -> usize {
    std::env::var("VECFIELD_SAMPLES").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000)
}

/// The bounds that the documentation of [`Function`] states: `f64`, `f32`.
fn bound(function: Function) -> (f64, f64) {
    match function {
        Function::Exp | Function::Ln => (1.0, 1.0),
        Function::Sin | Function::Cos => (1.0, 0.6),
        Function::Tan => (2.5, 0.6),
        Function::Sinh | Function::Sigmoid => (2.5, 2.5),
        Function::Tanh => (3.0, 3.0), // 2.67 at the worst of all f32, 0.06179807
        Function::Cosh => (1.5, 1.5),
        Function::Softplus => (2.0, 2.0),
        Function::Sqrt => (0.5, 0.5),
        Function::Abs => (0.0, 0.0),
        other => panic!("state the accuracy of {}", other.name()),
    }
}

/// `g(x)` as `value · 2^exponent`, for finite `x` inside the domain whose result is finite and not zero.
fn reference(function: Function, x: f64) -> (Dd, f64) {
    // Beyond ±1000 everything that grows is infinite, and everything that decays zero.
    let x = if matches!(function, Function::Exp | Function::Sinh | Function::Cosh | Function::Sigmoid) {
        x.clamp(-1000.0, 1000.0)
    } else {
        x
    };
    let one = Dd::from(1.0);
    let size = Dd::from(x.abs());
    let plain = |y| (y, 0.0);
    match function {
        Function::Exp => exp(Dd::from(x)),
        Function::Ln => plain(ln(Dd::from(x))),
        Function::Sin => plain(sin_cos(x).0),
        Function::Cos => plain(sin_cos(x).1),
        Function::Tan => plain(sin_cos(x).0 / sin_cos(x).1),
        Function::Sinh | Function::Cosh if x.abs() > 50.0 => {
            let (e, k) = exp(size);
            (if x < 0.0 && function == Function::Sinh { -e } else { e }, k - 1.0)
        }
        Function::Sinh if x.abs() < 1e-10 => plain(Dd(x, x * x * x / 6.0)),
        Function::Sinh => {
            let grown = exp_m1(size);
            let y = (grown + grown / (grown + one)).scaled(0.5);
            plain(if x < 0.0 { -y } else { y })
        }
        Function::Cosh => {
            let grown = exp_m1(size) + one;
            plain((grown + one / grown).scaled(0.5))
        }
        Function::Tanh if x.abs() < 1e-10 => plain(Dd(x, -x * x * x / 3.0)),
        Function::Tanh => {
            let grown = exp_m1(Dd::from(2.0 * x.abs().min(100.0)));
            let y = grown / (grown + Dd::from(2.0));
            plain(if x < 0.0 { -y } else { y })
        }
        Function::Sigmoid if x < -100.0 => exp(Dd::from(x)),
        Function::Sigmoid => plain(one / (one + power(-x.min(300.0)))),
        Function::Softplus if x < -100.0 => exp(Dd::from(x.max(-1000.0))),
        Function::Softplus if x > 100.0 => plain(Dd::from(x)),
        Function::Softplus => plain(Dd::from(x.max(0.0)) + ln_1p(power(-x.abs()))),
        Function::Sqrt => plain(Dd::from(x.sqrt())),
        Function::Abs => plain(size),
        other => panic!("give {} a reference", other.name()),
    }
}

fn power(x: f64) -> Dd {
    let (e, k) = exp(Dd::from(x));
    e.scaled(2.0_f64.powi(k as i32))
}

/// `|y - reference|` in units of the last place of `f64` at the reference.
fn error_in_ulp(y: f64, (expected, k): (Dd, f64)) -> f64 {
    let nearest = scale_by(expected.0, k);
    if y.is_infinite() || nearest.is_infinite() {
        // Infinite is right when the reference is beyond the largest number and half a unit.
        return if y == nearest { 0.0 } else { f64::INFINITY };
    }
    let exponent = (nearest.abs().max(f64::MIN_POSITIVE).to_bits() >> 52) as f64 - 1023.0 - 52.0;
    // Compare at the scale of the reference, where nothing is subnormal.
    let y_scaled = scale_by(y, -k);
    ((Dd::from(y_scaled) - expected).0).abs() / scale_by(1.0, exponent - k)
}

/// `x 2^k` for `k` beyond the exponents of doubles, rounding once.
fn scale_by(x: f64, k: f64) -> f64 {
    let first = k.clamp(-900.0, 900.0);
    x * 2.0_f64.powi(first as i32) * 2.0_f64.powi((k - first) as i32)
}

/// SplitMix64.
struct Bits(u64);

impl Bits {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 * 2.0_f64.powi(-53)
    }
}

/// Arguments from everywhere: any bits, every binade, the range where the function lives, and where it is delicate.
fn arguments(function: Function, count: usize) -> Vec<f64> {
    let mut bits = Bits(7);
    let mut x = Vec::with_capacity(5 * count);
    for _ in 0..count {
        x.push(f64::from_bits(bits.next()));
        x.push((bits.unit() - 0.5) * 1500.0);
        x.push((bits.unit() - 0.5) * 12.0);
        let small = bits.unit() * (-60.0 * bits.unit()).exp2();
        x.push(if bits.next() & 1 == 0 { small } else { -small });
        x.push(match function {
            Function::Ln => 1.0 + (bits.unit() - 0.5) * (-40.0 * bits.unit()).exp2(),
            Function::Sin | Function::Cos | Function::Tan => {
                // Doubles at multiples of π/2, where sin or cos almost vanishes.
                let n = (bits.unit() * 19.0).exp2().floor();
                let x = n * std::f64::consts::FRAC_PI_2;
                f64::from_bits(x.to_bits().wrapping_add(bits.next() % 5).wrapping_sub(2))
            }
            _ => 710.0 + (bits.unit() - 0.5) * 2.0,
        });
    }
    if matches!(function, Function::Ln | Function::Sqrt) {
        x.iter_mut().for_each(|x| *x = x.abs());
    }
    x.retain(|x| x.is_finite() && *x != 0.0);
    x
}

fn is_trigonometric(function: Function) -> bool {
    matches!(function, Function::Sin | Function::Cos | Function::Tan)
}

/// The largest error and where, over what `error` says of each result.
fn worst<R: VectorMath>(target: Target, function: Function, x: &[R], error: impl Fn(usize, R) -> f64) -> (f64, R) {
    let mut y = x.to_vec();
    R::map_on(target, function, &mut y);
    let mut worst = (0.0, R::zero());
    for i in 0..x.len() {
        let error = error(i, y[i]);
        assert!(!error.is_nan(), "{}({:e}) = {:e} has no error on {target:?}", function.name(), x[i], y[i]);
        if error > worst.0 {
            worst = (error, x[i]);
        }
    }
    worst
}

#[test]
fn double_precision_is_as_accurate_as_stated() {
    for function in Function::ALL {
        let mut x = arguments(function, samples());
        if is_trigonometric(function) {
            x.retain(|x| x.abs() <= 1_048_576.0);
        }
        let expected: Vec<_> = x.iter().map(|&x| reference(function, x)).collect();
        for target in Target::all() {
            let (error, at) = worst(target, function, &x, |i, y| error_in_ulp(y, expected[i]));
            println!("f64 {:9} {:9} {error:.3} ulp at {at:e}", function.name(), target.name());
            assert!(error <= bound(function).0, "{} on {target:?}: {error} ulp at {at:e}", function.name());
        }
    }
}

#[test]
fn single_precision_is_as_accurate_as_stated() {
    for function in Function::ALL {
        let mut x: Vec<f32> = arguments(function, samples()).iter().map(|&x| x as f32).collect();
        let mut bits = Bits(11);
        x.extend((0..samples()).map(|_| f32::from_bits(bits.next() as u32)));
        x.push(0.061_798_07);
        let limit = if is_trigonometric(function) { 1_048_576.0 } else { f32::MAX };
        let least = if matches!(function, Function::Ln | Function::Sqrt) { f32::from_bits(1) } else { -limit };
        x.retain(|&x| x >= least && x <= limit && x != 0.0);
        let expected: Vec<_> = x.iter().map(|&x| single_reference(function, f64::from(x))).collect();
        for target in Target::all() {
            let (error, at) = worst(target, function, &x, |i, y| single_error(y, expected[i]));
            println!("f32 {:9} {:9} {error:.3} ulp at {at:e}", function.name(), target.name());
            assert!(error <= bound(function).1, "{} on {target:?}: {error} ulp at {at:e}", function.name());
        }
    }
}

/// In double precision `std` is reference enough.
fn single_reference(function: Function, x: f64) -> f64 {
    match function {
        Function::Exp => x.exp(),
        Function::Ln => x.ln(),
        Function::Sin => x.sin(),
        Function::Cos => x.cos(),
        Function::Tan => x.tan(),
        Function::Sinh => x.sinh(),
        Function::Cosh => x.cosh(),
        Function::Tanh => x.tanh(),
        Function::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Function::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        Function::Sqrt => x.sqrt(),
        Function::Abs => x.abs(),
        other => panic!("give {} a reference", other.name()),
    }
}

fn single_error(y: f32, expected: f64) -> f64 {
    let nearest = expected as f32;
    if y.is_infinite() || nearest.is_infinite() {
        return if y == nearest { 0.0 } else { f64::INFINITY };
    }
    let exponent = (nearest.abs().max(f32::MIN_POSITIVE).to_bits() >> 23) as i32 - 127 - 23;
    (f64::from(y) - expected).abs() / 2.0_f64.powi(exponent)
}

/// Beyond the reach of the fast reduction each element is `std`'s.
#[test]
fn far_angles_are_those_of_std() {
    for function in [Function::Sin, Function::Cos, Function::Tan] {
        let far: Vec<f64> = arguments(function, 2000).into_iter().filter(|x| x.abs() > 1_048_576.0).collect();
        assert!(far.len() > 500);
        let single: Vec<f32> = far.iter().map(|&x| x as f32).filter(|x| x.abs() > 1_048_576.0).collect();
        let std = |x: f64| [x.sin(), x.cos(), x.tan()][function as usize - Function::Sin as usize];
        let std_single = |x: f32| [x.sin(), x.cos(), x.tan()][function as usize - Function::Sin as usize];
        for target in Target::all() {
            let (mut y, mut z) = (far.clone(), single.clone());
            f64::map_on(target, function, &mut y);
            f32::map_on(target, function, &mut z);
            assert!(far.iter().zip(&y).all(|(&x, y)| y.to_bits() == std(x).to_bits()));
            assert!(single.iter().zip(&z).all(|(&x, z)| z.to_bits() == std_single(x).to_bits() || x.is_infinite()));
        }
    }
}

/// `(function, argument, result)` with the sign of zeros; NaN stands for any NaN.
fn special_values() -> Vec<(Function, f64, f64)> {
    use Function::*;
    let (nan, inf) = (f64::NAN, f64::INFINITY);
    let mut table: Vec<_> = Function::ALL.into_iter().map(|function| (function, nan, nan)).collect();
    table.extend([(Exp, inf, inf), (Exp, -inf, 0.0), (Exp, 0.0, 1.0), (Exp, -0.0, 1.0), (Exp, 1e300, inf)]);
    table.extend([(Exp, -1e300, 0.0), (Ln, 0.0, -inf), (Ln, -0.0, -inf), (Ln, -1.0, nan), (Ln, inf, inf)]);
    table.extend([(Ln, -inf, nan), (Ln, 1.0, 0.0), (Ln, -1e-310, nan)]);
    for odd in [Sin, Tan, Sinh, Tanh] {
        table.extend([(odd, 0.0, 0.0), (odd, -0.0, -0.0), (odd, 5e-324, 5e-324), (odd, -5e-324, -5e-324)]);
    }
    for angle in [Sin, Cos, Tan] {
        table.extend([(angle, inf, nan), (angle, -inf, nan)]);
    }
    table.extend([(Cos, 0.0, 1.0), (Cos, -0.0, 1.0), (Cosh, 0.0, 1.0), (Cosh, -0.0, 1.0), (Cosh, 5e-324, 1.0)]);
    table.extend([(Sinh, inf, inf), (Sinh, -inf, -inf), (Cosh, inf, inf), (Cosh, -inf, inf)]);
    table.extend([(Sinh, 1e300, inf), (Sinh, -1e300, -inf), (Cosh, -1e300, inf)]);
    table.extend([(Tanh, inf, 1.0), (Tanh, -inf, -1.0), (Tanh, 1e300, 1.0), (Tanh, -1e300, -1.0)]);
    table.extend([(Sigmoid, inf, 1.0), (Sigmoid, -inf, 0.0), (Sigmoid, 0.0, 0.5), (Sigmoid, -0.0, 0.5)]);
    table.extend([(Softplus, inf, inf), (Softplus, -inf, 0.0), (Softplus, 1e300, 1e300)]);
    table.extend([(Sqrt, inf, inf), (Sqrt, -1.0, nan), (Sqrt, 0.0, 0.0), (Sqrt, -0.0, -0.0), (Sqrt, -inf, nan)]);
    table.extend([(Abs, -inf, inf), (Abs, -0.0, 0.0), (Abs, -5e-324, 5e-324)]);
    table
}

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

#[test]
fn special_values_are_the_limits() {
    for (function, x, expected) in special_values() {
        for target in Target::all() {
            for count in [1, 5, 8, 40] {
                let mut y = vec![x; count];
                f64::map_on(target, function, &mut y);
                let y0 = y[count - 1];
                assert!(y.iter().all(|&y| same(y, expected)), "{}({x:e}) = {y0:e} on {target:?}", function.name());
                // What is tiny in double precision is zero in single, where some results differ.
                let (single, expected) = (x as f32, (x as f32 != 0.0 || x == 0.0).then_some(expected as f32));
                let mut y = vec![single; count];
                f32::map_on(target, function, &mut y);
                let y0 = f64::from(y[count - 1]);
                let right = expected.is_none_or(|e| same(y0, f64::from(e)));
                assert!(right, "{}({single:e}_f32) = {y0:e} on {target:?}", function.name());
            }
        }
    }
}
