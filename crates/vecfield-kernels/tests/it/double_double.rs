//! Reference values with some 100 bits: `hi + lo`, Taylor series after an exact argument reduction. Slow and plain.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// The unevaluated sum of two doubles (Dekker 1971).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dd(pub(crate) f64, pub(crate) f64);

fn two_sum(a: f64, b: f64) -> Dd {
    let s = a + b;
    let b_seen = s - a;
    Dd(s, (a - (s - b_seen)) + (b - b_seen))
}

fn two_product(a: f64, b: f64) -> Dd {
    let p = a * b;
    Dd(p, a.mul_add(b, -p))
}

impl From<f64> for Dd {
    fn from(x: f64) -> Dd {
        Dd(x, 0.0)
    }
}

impl Add for Dd {
    type Output = Dd;
    fn add(self, other: Dd) -> Dd {
        let (high, low) = (two_sum(self.0, other.0), two_sum(self.1, other.1));
        let sum = two_sum(high.0, high.1 + low.0);
        two_sum(sum.0, sum.1 + low.1)
    }
}

impl Neg for Dd {
    type Output = Dd;
    fn neg(self) -> Dd {
        Dd(-self.0, -self.1)
    }
}

impl Sub for Dd {
    type Output = Dd;
    fn sub(self, other: Dd) -> Dd {
        self + -other
    }
}

impl Mul for Dd {
    type Output = Dd;
    fn mul(self, other: Dd) -> Dd {
        let product = two_product(self.0, other.0);
        two_sum(product.0, product.1 + (self.0 * other.1 + self.1 * other.0))
    }
}

impl Div for Dd {
    type Output = Dd;
    fn div(self, other: Dd) -> Dd {
        let first = self.0 / other.0;
        let rest = self - Dd::from(first) * other;
        let second = rest.0 / other.0;
        let rest = rest - Dd::from(second) * other;
        two_sum(first, second) + Dd::from(rest.0 / other.0)
    }
}

impl Dd {
    pub(crate) fn scaled(self, by: f64) -> Dd {
        Dd(self.0 * by, self.1 * by)
    }
}

/// `eʳ - 1` and `k`, where `x = k ln 2 + r`.
fn exp_parts(x: Dd) -> (Dd, f64) {
    // 33 bits, so that the product with k is exact; then 106 more.
    const LN_2: [f64; 3] = [0.6931471803691238, 1.9082149292705877e-10, 1.1612227229362532e-26];
    let k = (x.0 * std::f64::consts::LOG2_E).round();
    let r = Dd::from(x.0 - k * LN_2[0]) + Dd::from(x.1) - two_product(k, LN_2[1]) - Dd::from(k * LN_2[2]);
    let mut sum = Dd::from(0.0);
    for i in (1..=30).rev() {
        sum = r * (Dd::from(1.0) + sum) / Dd::from(f64::from(i));
    }
    (sum, k)
}

/// `eˣ / 2^k` and `k`.
pub(crate) fn exp(x: Dd) -> (Dd, f64) {
    let (p, k) = exp_parts(x);
    (Dd::from(1.0) + p, k)
}

/// `eˣ - 1` for `|x| < 700`.
pub(crate) fn exp_m1(x: Dd) -> Dd {
    let (p, k) = exp_parts(x);
    let scale = 2.0_f64.powi(k as i32);
    p.scaled(scale) + two_sum(scale, -1.0)
}

/// `ln x` by one Newton step from `std`.
pub(crate) fn ln(x: Dd) -> Dd {
    let y = x.0.ln();
    let (e, k) = exp(Dd::from(-y));
    // x e^-y - 1, where x 2^k may leave the range of doubles if the halves are not taken one by one.
    let half = (k / 2.0).floor();
    let near_one = (x.scaled(2.0_f64.powi(half as i32)) * e).scaled(2.0_f64.powi((k - half) as i32));
    let d = near_one - Dd::from(1.0);
    Dd::from(y) + d - d * d.scaled(0.5)
}

/// `ln(1 + x)` for `0 ≤ x ≤ 1`.
pub(crate) fn ln_1p(x: Dd) -> Dd {
    if x.0 > 1e-5 {
        return ln(Dd::from(1.0) + x);
    }
    let mut sum = Dd::from(0.0);
    for i in (1..=8).rev() {
        sum = Dd::from(1.0) / Dd::from(f64::from(i)) - x * sum;
    }
    x * sum
}

/// `(sin x, cos x)` for `|x| ≤ 2^20`.
pub(crate) fn sin_cos(x: f64) -> (Dd, Dd) {
    const PI_2: [f64; 5] =
        [1.5707963267341256, 6.077100506303966e-11, 2.0222662487111665e-21, 8.4784276603689e-32, 0.0];
    let n = (x * std::f64::consts::FRAC_2_PI).round();
    let near = Dd::from(x - n * PI_2[0]) - Dd::from(n * PI_2[1]);
    let r = near - Dd::from(n * PI_2[2]) - two_product(n, PI_2[3]);
    let z = r * r;
    let (mut sin, mut cos) = (Dd::from(0.0), Dd::from(0.0));
    for i in (1..=15).rev() {
        let i = f64::from(i);
        sin = -(z * (Dd::from(1.0) + sin)) / Dd::from(2.0 * i * (2.0 * i + 1.0));
        cos = -(z * (Dd::from(1.0) + cos)) / Dd::from(2.0 * i * (2.0 * i - 1.0));
    }
    let (sin, cos) = (r + r * sin, Dd::from(1.0) + cos);
    match n.rem_euclid(4.0) as u8 {
        0 => (sin, cos),
        1 => (cos, -sin),
        2 => (-sin, -cos),
        _ => (-cos, sin),
    }
}
