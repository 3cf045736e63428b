//! The families of stability polynomials, and the recurrences that evaluate them.

/// A family of stability polynomials that stay below one in absolute value on a long interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polynomials {
    /// Chebyshev's, damped: RKC, with the longest interval (Sommeijer, Shampine and Verwer 1998).
    Chebyshev,
    /// Legendre's: RKL2, with an interval three quarters as long, damped all over it (Meyer, Balsara and Aslam 2014).
    Legendre,
}

/// Coefficients of one stage, as [the module](super) writes them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stage {
    /// `μ_j`, of the stage before.
    pub previous: f64,
    /// `ν_j`, of the one before that.
    pub before: f64,
    /// `μ̃_j`, of the field at the stage before.
    pub rate: f64,
    /// `γ̃_j`, of the field at the beginning.
    pub first_rate: f64,
    /// `c_j`.
    pub time: f64,
}

/// Damping of the Chebyshev polynomials.
const DAMPING: f64 = 2.0 / 13.0;

impl Polynomials {
    /// As users type it after `--method`.
    pub const fn name(self) -> &'static str {
        match self {
            Polynomials::Chebyshev => "rkc",
            Polynomials::Legendre => "rkl2",
        }
    }

    /// What it is for, in a few words.
    pub const fn when(self) -> &'static str {
        match self {
            Polynomials::Chebyshev => "diffusion after discretisation in space, large systems, 1e-2 to 1e-5",
            Polynomials::Legendre => "diffusion whose fastest modes must decay, large systems, 1e-2 to 1e-5",
        }
    }

    /// Where it was published.
    pub const fn source(self) -> &'static str {
        match self {
            Polynomials::Chebyshev => "Sommeijer, Shampine and Verwer 1998",
            Polynomials::Legendre => "Meyer, Balsara and Aslam 2014",
        }
    }

    /// The largest `x` such that the stability polynomial is at most one on `[-x, 0]`.
    pub fn stability(self, stages: u32) -> f64 {
        let s = f64::from(stages);
        match self {
            // A little below the value for this damping, 0.653 (s² - 1).
            Polynomials::Chebyshev => 0.65 * (s * s - 1.0),
            Polynomials::Legendre => 0.5 * (s * s + s - 2.0),
        }
    }

    /// The least number of stages, two or more, that is stable for a step times spectral radius of `x`.
    pub fn stages_for(self, x: f64) -> u32 {
        let least = match self {
            Polynomials::Chebyshev => (1.0 + x / 0.65).sqrt(),
            Polynomials::Legendre => 0.5 * ((9.0 + 8.0 * x).sqrt() - 1.0),
        };
        // A conversion that saturates: what is not a number has two stages, and spoils them.
        (least.ceil() as u32).max(2)
    }

    /// The stages of a method with `s ≥ 2` of them, first to last.
    pub fn stages(self, s: u32) -> impl Iterator<Item = Stage> {
        let mut chebyshev = Chebyshev::new(s);
        let mut legendre = Legendre::new(s);
        (1..=s).map(move |j| match self {
            Polynomials::Chebyshev => chebyshev.stage(j),
            Polynomials::Legendre => legendre.stage(j),
        })
    }
}

/// `T_j(w₀)` and its derivatives at the last two stages, by their recurrence.
struct Chebyshev {
    w0: f64,
    w1: f64,
    values: [f64; 2],
    slopes: [f64; 2],
    curvatures: [f64; 2],
    b: [f64; 2],
    times: [f64; 2],
}

impl Chebyshev {
    fn new(s: u32) -> Chebyshev {
        let n = f64::from(s);
        let w0 = 1.0 + DAMPING / (n * n);
        let root = (w0 * w0 - 1.0).sqrt();
        let angle = n * (w0 + root).ln();
        // w₁ = T_s'(w₀) / T_s''(w₀), in closed form.
        let w1 = angle.sinh() * root * root / (angle.cosh() * n * root - w0 * angle.sinh());
        let b = 0.25 / (w0 * w0);
        Chebyshev {
            w0,
            w1,
            values: [1.0, w0],
            slopes: [0.0, 1.0],
            curvatures: [0.0; 2],
            b: [b; 2],
            times: [0.0, w1 * b],
        }
    }

    fn stage(&mut self, j: u32) -> Stage {
        let Chebyshev { w0, w1, values, slopes, curvatures, b, times } = self;
        if j == 1 {
            return Stage { previous: 0.0, before: 0.0, rate: times[1], first_rate: 0.0, time: times[1] };
        }
        let value = 2.0 * *w0 * values[1] - values[0];
        let slope = 2.0 * *w0 * slopes[1] - slopes[0] + 2.0 * values[1];
        let curvature = 2.0 * *w0 * curvatures[1] - curvatures[0] + 4.0 * slopes[1];
        let b_j = curvature / (slope * slope);
        let (previous, before) = (2.0 * *w0 * b_j / b[1], -b_j / b[0]);
        let rate = previous * *w1 / *w0;
        let a = 1.0 - values[1] * b[1];
        let first_rate = -a * rate;
        let time = previous * times[1] + before * times[0] + rate + first_rate;
        (*values, *slopes, *curvatures) = ([values[1], value], [slopes[1], slope], [curvatures[1], curvature]);
        (*b, *times) = ([b[1], b_j], [times[1], time]);
        Stage { previous, before, rate, first_rate, time }
    }
}

struct Legendre {
    w1: f64,
    times: [f64; 2],
}

impl Legendre {
    fn new(s: u32) -> Legendre {
        let n = f64::from(s);
        Legendre { w1: 4.0 / (n * n + n - 2.0), times: [0.0; 2] }
    }

    fn b(j: u32) -> f64 {
        let n = f64::from(j.max(2));
        (n * n + n - 2.0) / (2.0 * n * (n + 1.0))
    }

    fn stage(&mut self, j: u32) -> Stage {
        let n = f64::from(j);
        if j == 1 {
            let rate = Legendre::b(1) * self.w1;
            self.times = [0.0, rate];
            return Stage { previous: 0.0, before: 0.0, rate, first_rate: 0.0, time: rate };
        }
        let previous = (2.0 * n - 1.0) / n * Legendre::b(j) / Legendre::b(j - 1);
        let before = -(n - 1.0) / n * Legendre::b(j) / Legendre::b(j - 2);
        let rate = previous * self.w1;
        let first_rate = -(1.0 - Legendre::b(j - 1)) * rate;
        let time = previous * self.times[1] + before * self.times[0] + rate + first_rate;
        self.times = [self.times[1], time];
        Stage { previous, before, rate, first_rate, time }
    }
}
