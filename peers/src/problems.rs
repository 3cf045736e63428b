//! The problems: formulas generic over the number, so that ours and the peers' exact Jacobians come of the same lines.

use vecfield_solvers::{Integrator, Options, tableau::VERNER_9};
use vecfield_traits::{Dynamics, Elementary, ParametricField};

/// An initial value problem with a known end.
pub trait Case: Dynamics + Copy + Default + Send + Sync + 'static {
    const NAME: &'static str;
    const N: usize;
    const END: f64;
    /// `atol / rtol`.
    const SCALE: f64;
    const FIRST_STEP: f64;
    const STIFF: bool;

    fn start() -> Vec<f64>;

    /// The state at the end: Radau in high precision for the stiff problems, Verner 9 near rounding for the others.
    fn reference() -> Vec<f64> {
        if Self::STIFF {
            let known: serde_json::Value =
                serde_json::from_str(include_str!("../references.json")).expect("valid JSON");
            let row = known[Self::NAME].as_array().expect("a reference a problem");
            return row.iter().map(|x| x.as_f64().expect("numbers")).collect();
        }
        let mut integrator =
            Integrator::explicit(&VERNER_9, Self::N, &Options::tolerances(1e-15, 1e-16)).expect("valid options");
        let mut out = vec![0.0; Self::N];
        let family = Self::default();
        let field = ParametricField::<f64>::at(&family, Vec::new());
        integrator.sample(&field, 0.0, &Self::start(), &[Self::END], &mut out).expect("the reference can be computed");
        out
    }
}

/// The largest error relative to `|reference| + atol / rtol`.
pub fn error<C: Case>(y: &[f64], reference: &[f64]) -> f64 {
    y.iter().zip(reference).map(|(y, r)| (y - r).abs() / (r.abs() + C::SCALE)).fold(0.0, f64::max)
}

fn number<S: Elementary>(x: f64) -> S {
    S::lift(<S::Real as vecfield_traits::Real>::from_f64(x))
}

fn unit(n: usize, values: &[(usize, f64)]) -> Vec<f64> {
    let mut y = vec![0.0; n];
    values.iter().for_each(|&(i, x)| y[i] = x);
    y
}

macro_rules! case {
    ($kind:ident, $name:literal, $n:expr, stiff: $stiff:expr, end: $end:expr, scale: $scale:expr, first: $first:expr,
     start: $start:expr, |$y:ident, $d:ident| $body:block) => {
        #[derive(Debug, Clone, Copy, Default)]
        pub struct $kind;

        impl Dynamics for $kind {
            fn dim(&self) -> usize {
                $n
            }

            #[inline]
            fn eval<S: Elementary>(&self, _t: S, $y: &[S], _theta: &[S], $d: &mut [S]) {
                // One check here saves one at every index.
                let ($y, $d) = (&$y[..$n], &mut $d[..$n]);
                $body
            }
        }

        impl Case for $kind {
            const NAME: &'static str = $name;
            const N: usize = $n;
            const END: f64 = $end;
            const SCALE: f64 = $scale;
            const FIRST_STEP: f64 = $first;
            const STIFF: bool = $stiff;

            fn start() -> Vec<f64> {
                $start
            }
        }
    };
}

#[inline]
fn robertson<S: Elementary>(y: &[S], d: &mut [S]) {
    let (a, b, c) = (y[0] * number(0.04), y[1] * y[2] * number(1e4), y[1] * y[1] * number(3e7));
    d[0] = b - a;
    d[1] = a - b - c;
    d[2] = c;
}

case!(Rober5, "rober_1e5", 3, stiff: true, end: 1e5, scale: 1e-6, first: 1e-6, start: unit(3, &[(0, 1.0)]),
    |y, d| { robertson(y, d) });
case!(Rober11, "rober_1e11", 3, stiff: true, end: 1e11, scale: 1e-6, first: 1e-6, start: unit(3, &[(0, 1.0)]),
    |y, d| { robertson(y, d) });
case!(Hires, "hires", 8, stiff: true, end: 321.8122, scale: 1e-3, first: 1e-6, start: unit(8, &[(0, 1.0), (7, 0.0057)]),
    |y, d| {
    let k = number::<S>;
    let q = k(280.0) * y[5] * y[7];
    d[0] = k(-1.71) * y[0] + k(0.43) * y[1] + k(8.32) * y[2] + k(0.0007);
    d[1] = k(1.71) * y[0] - k(8.75) * y[1];
    d[2] = k(-10.03) * y[2] + k(0.43) * y[3] + k(0.035) * y[4];
    d[3] = k(8.32) * y[1] + k(1.71) * y[2] - k(1.12) * y[3];
    d[4] = k(-1.745) * y[4] + k(0.43) * y[5] + k(0.43) * y[6];
    d[5] = -q + k(0.69) * y[3] + k(1.71) * y[4] - k(0.43) * y[5] + k(0.69) * y[6];
    d[6] = q - k(1.81) * y[6];
    d[7] = k(1.81) * y[6] - q;
});
case!(Orego, "orego", 3, stiff: true, end: 360.0, scale: 1.0, first: 1e-6, start: vec![1.0, 2.0, 3.0], |y, d| {
    let k = number::<S>;
    d[0] = k(77.27) * (y[1] + y[0] * (k(1.0) - k(8.375e-6) * y[0] - y[1]));
    d[1] = (y[2] - (k(1.0) + y[0]) * y[1]) * k(1.0 / 77.27);
    d[2] = k(0.161) * (y[0] - y[2]);
});
case!(Vdpol, "vdpol_1e3", 2, stiff: true, end: 2000.0, scale: 1e-2, first: 1e-6, start: vec![2.0, 0.0], |y, d| {
    d[0] = y[1];
    d[1] = number::<S>(1e3) * (number::<S>(1.0) - y[0] * y[0]) * y[1] - y[0];
});

const POLLU_RATES: [f64; 25] = [
    0.35, 26.6, 1.23e4, 8.6e-4, 8.2e-4, 1.5e4, 1.3e-4, 2.4e4, 1.65e4, 9e3, 0.022, 1.2e4, 1.88, 1.63e4, 4.8e6, 3.5e-4,
    0.0175, 1e8, 4.44e11, 1240.0, 2.1, 5.78, 0.0474, 1780.0, 3.12,
];
/// The species a reaction takes; 20 marks none.
const POLLU_TAKES: [(usize, usize); 25] = [
    (0, 20),
    (1, 3),
    (4, 1),
    (6, 20),
    (6, 20),
    (6, 5),
    (8, 20),
    (8, 5),
    (10, 1),
    (10, 0),
    (12, 20),
    (9, 1),
    (13, 20),
    (0, 5),
    (2, 20),
    (3, 20),
    (3, 20),
    (15, 20),
    (15, 20),
    (16, 5),
    (18, 20),
    (18, 20),
    (0, 3),
    (18, 0),
    (19, 20),
];
case!(Pollu, "pollu", 20, stiff: true, end: 60.0, scale: 1e-4, first: 1e-8,
    start: unit(20, &[(1, 0.2), (3, 0.04), (6, 0.1), (7, 0.3), (8, 0.01), (16, 0.007)]), |y, d| {
    let mut r = [S::zero(); 26];
    for (i, ((a, b), rate)) in POLLU_TAKES.into_iter().zip(POLLU_RATES).enumerate() {
        r[i + 1] = number::<S>(rate) * y[a];
        if b < 20 {
            r[i + 1] = r[i + 1] * y[b];
        }
    }
    let two = number::<S>(2.0);
    d[0] = -r[1] - r[10] - r[14] - r[23] - r[24] + r[2] + r[3] + r[9] + r[11] + r[12] + r[22] + r[25];
    d[1] = -r[2] - r[3] - r[9] - r[12] + r[1] + r[21];
    d[2] = -r[15] + r[1] + r[17] + r[19] + r[22];
    d[3] = -r[2] - r[16] - r[17] - r[23] + r[15];
    d[4] = -r[3] + two * r[4] + r[6] + r[7] + r[13] + r[20];
    d[5] = -r[6] - r[8] - r[14] - r[20] + r[3] + two * r[18];
    d[6] = -r[4] - r[5] - r[6] + r[13];
    d[7] = r[4] + r[5] + r[6] + r[7];
    d[8] = -r[7] - r[8];
    d[9] = -r[12] + r[7] + r[9];
    d[10] = -r[9] - r[10] + r[8] + r[11];
    d[11] = r[9];
    d[12] = -r[11] + r[10];
    d[13] = -r[13] + r[12];
    d[14] = r[14];
    d[15] = -r[18] - r[19] + r[16];
    d[16] = -r[20];
    d[17] = r[20];
    d[18] = -r[21] - r[22] - r[24] + r[23] + r[25];
    d[19] = -r[25] + r[24];
});

case!(Bruss, "bruss_200", 400, stiff: true, end: 10.0, scale: 1.0, first: 1e-6,
    start: (1..=200).flat_map(|i| [1.0 + (core::f64::consts::TAU * f64::from(i) / 201.0).sin(), 3.0]).collect(), |y, d| {
    let (n, k) = (200, number::<S>);
    let (one, two, three, four, g) = (k(1.0), k(2.0), k(3.0), k(4.0), k(201.0 * 201.0 / 50.0));
    for i in 0..n {
        let (u, v) = (y[2 * i], y[2 * i + 1]);
        let (ul, vl) = if i > 0 { (y[2 * i - 2], y[2 * i - 1]) } else { (one, three) };
        let (ur, vr) = if i + 1 < n { (y[2 * i + 2], y[2 * i + 3]) } else { (one, three) };
        let q = u * u * v;
        d[2 * i] = one + q - four * u + g * (ul - two * u + ur);
        d[2 * i + 1] = three * u - q + g * (vl - two * v + vr);
    }
});

case!(Lorenz, "lorenz", 3, stiff: false, end: 10.0, scale: 1.0, first: 1e-3, start: vec![1.0, 0.0, 0.0], |y, d| {
    let k = number::<S>;
    d[0] = k(10.0) * (y[1] - y[0]);
    d[1] = y[0] * (k(28.0) - y[2]) - y[1];
    d[2] = y[0] * y[1] - k(8.0 / 3.0) * y[2];
});
case!(LotkaVolterra, "lotka_volterra", 2, stiff: false, end: 20.0, scale: 1.0, first: 1e-3, start: vec![1.0, 1.0], |y, d| {
    let eaten = y[0] * y[1];
    d[0] = number::<S>(1.5) * y[0] - eaten;
    d[1] = eaten - number::<S>(3.0) * y[1];
});
case!(Kepler, "kepler", 4, stiff: false, end: 20.0, scale: 1.0, first: 1e-3, start: vec![0.4, 0.0, 0.0, 2.0], |y, d| {
    let square = y[0] * y[0] + y[1] * y[1];
    let cube = square * square.sqrt();
    (d[0], d[1]) = (y[2], y[3]);
    d[2] = -y[0] / cube;
    d[3] = -y[1] / cube;
});
case!(Arenstorf, "arenstorf", 4, stiff: false, end: 17.065_216_560_157_962, scale: 1.0, first: 1e-4,
    start: vec![0.994, 0.0, 0.0, -2.001_585_106_379_082_5], |y, d| {
    let (mu, two) = (number::<S>(0.012_277_471), number::<S>(2.0));
    let rest = number::<S>(1.0 - 0.012_277_471);
    let (a, b) = (y[0] + mu, y[0] - rest);
    let (p, q) = (a * a + y[1] * y[1], b * b + y[1] * y[1]);
    let (p, q) = (p * p.sqrt(), q * q.sqrt());
    (d[0], d[1]) = (y[2], y[3]);
    d[2] = y[0] + two * y[3] - rest * a / p - mu * b / q;
    d[3] = y[1] - two * y[2] - rest * y[1] / p - mu * y[1] / q;
});
case!(Pleiades, "pleiades", 28, stiff: false, end: 3.0, scale: 1.0, first: 1e-3,
    start: vec![
        3.0, 3.0, -1.0, -3.0, 2.0, -2.0, 2.0, 3.0, -3.0, 2.0, 0.0, 0.0, -4.0, 4.0,
        0.0, 0.0, 0.0, 0.0, 0.0, 1.75, -1.5, 0.0, 0.0, 0.0, -1.25, 1.0, 0.0, 0.0,
    ], |y, d| {
    for i in 0..7 {
        (d[i], d[7 + i]) = (y[14 + i], y[21 + i]);
        let (mut ax, mut ay) = (S::zero(), S::zero());
        for j in (0..7).filter(|&j| j != i) {
            let (dx, dy) = (y[j] - y[i], y[7 + j] - y[7 + i]);
            let square = dx * dx + dy * dy;
            let pull = number::<S>((j + 1) as f64) / (square * square.sqrt());
            ax += pull * dx;
            ay += pull * dy;
        }
        (d[14 + i], d[21 + i]) = (ax, ay);
    }
});
