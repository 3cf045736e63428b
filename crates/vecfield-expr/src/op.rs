//! The operations a formula is made of: [`Unary`] and [`Binary`], with their names, values and domains.
//!
//! A new function is one variant here (name, value), one rule in `derivative.rs`, one line in the printers that set it in a
//! way of their own, and is then parsed, compiled and tested by being in [`Unary::FUNCTIONS`].

use vecfield_kernels::Function;
use vecfield_traits::{Elementary, Real};

/// An operation of one argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Unary {
    /// `-x`
    Neg,
    /// `|x|`
    Abs,
    /// `-1`, `0` or `1`
    Sign,
    /// `√x`
    Sqrt,
    /// `eˣ`
    Exp,
    /// Natural logarithm
    Log,
    /// Sine of radians
    Sin,
    /// Cosine of radians
    Cos,
    /// Tangent of radians
    Tan,
    /// Inverse sine
    Asin,
    /// Inverse cosine
    Acos,
    /// Inverse tangent
    Atan,
    /// Hyperbolic sine
    Sinh,
    /// Hyperbolic cosine
    Cosh,
    /// Hyperbolic tangent
    Tanh,
}

impl Unary {
    /// Every function of one argument that a text can call; [`Unary::Neg`] is an operator and not among them.
    pub const FUNCTIONS: [Unary; 14] = [
        Unary::Sin,
        Unary::Cos,
        Unary::Tan,
        Unary::Asin,
        Unary::Acos,
        Unary::Atan,
        Unary::Sinh,
        Unary::Cosh,
        Unary::Tanh,
        Unary::Exp,
        Unary::Log,
        Unary::Sqrt,
        Unary::Abs,
        Unary::Sign,
    ];

    /// The name as a text writes it.
    pub fn name(self) -> &'static str {
        match self {
            Unary::Neg => "-",
            Unary::Abs => "abs",
            Unary::Sign => "sign",
            Unary::Sqrt => "sqrt",
            Unary::Exp => "exp",
            Unary::Log => "log",
            Unary::Sin => "sin",
            Unary::Cos => "cos",
            Unary::Tan => "tan",
            Unary::Asin => "asin",
            Unary::Acos => "acos",
            Unary::Atan => "atan",
            Unary::Sinh => "sinh",
            Unary::Cosh => "cosh",
            Unary::Tanh => "tanh",
        }
    }

    /// The function a text calls by `name`.
    pub fn named(name: &str) -> Option<Unary> {
        Unary::FUNCTIONS.into_iter().find(|function| function.name() == name)
    }

    /// The value at `x`.
    #[inline(always)]
    pub fn apply<S: Elementary>(self, x: S) -> S {
        match self {
            Unary::Neg => -x,
            Unary::Abs => x.abs(),
            Unary::Sign => x.sign(),
            Unary::Sqrt => x.sqrt(),
            Unary::Exp => x.exp(),
            Unary::Log => x.ln(),
            Unary::Sin => x.sin(),
            Unary::Cos => x.cos(),
            Unary::Tan => x.tan(),
            Unary::Asin => x.asin(),
            Unary::Acos => x.acos(),
            Unary::Atan => x.atan(),
            Unary::Sinh => x.sinh(),
            Unary::Cosh => x.cosh(),
            Unary::Tanh => x.tanh(),
        }
    }

    /// The function over slices that computes it, where one is quicker than number by number.
    pub fn kernel(self) -> Option<Function> {
        Some(match self {
            Unary::Exp => Function::Exp,
            Unary::Log => Function::Ln,
            Unary::Sin => Function::Sin,
            Unary::Cos => Function::Cos,
            Unary::Tan => Function::Tan,
            Unary::Sinh => Function::Sinh,
            Unary::Cosh => Function::Cosh,
            Unary::Tanh => Function::Tanh,
            _ => return None,
        })
    }

    /// Is the value a number for every real argument? `tan` counts: its poles are not floating-point numbers.
    pub fn is_total(self) -> bool {
        !matches!(self, Unary::Sqrt | Unary::Log | Unary::Asin | Unary::Acos)
    }
}

/// An operation of two arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Binary {
    /// `a + b`
    Add,
    /// `a - b`
    Sub,
    /// `a*b`
    Mul,
    /// `a/b`
    Div,
    /// `a^b`; see [`power`] for what it means where `a ≤ 0`
    Pow,
    /// The smaller of two
    Min,
    /// The larger of two
    Max,
    /// `a > b`: 1 where it holds, else 0
    Greater,
    /// `cond(a, b)`: `b` where `a > 0`, else 0, whatever `b` is there
    Cond,
}

impl Binary {
    /// Every function of two arguments that a text can call.
    pub const FUNCTIONS: [Binary; 3] = [Binary::Min, Binary::Max, Binary::Cond];

    /// The name or the sign as a text writes it.
    pub fn name(self) -> &'static str {
        match self {
            Binary::Add => "+",
            Binary::Sub => "-",
            Binary::Mul => "*",
            Binary::Div => "/",
            Binary::Pow => "^",
            Binary::Min => "min",
            Binary::Max => "max",
            Binary::Greater => ">",
            Binary::Cond => "cond",
        }
    }

    /// The function a text calls by `name`.
    pub fn named(name: &str) -> Option<Binary> {
        Binary::FUNCTIONS.into_iter().find(|function| function.name() == name)
    }

    /// The value at `(a, b)`; a power whose exponent is a constant of the formula is [`power`], not this.
    #[inline]
    pub fn apply<S: Elementary>(self, a: S, b: S) -> S {
        match self {
            Binary::Add => a + b,
            Binary::Sub => a - b,
            Binary::Mul => a * b,
            Binary::Div => a / b,
            Binary::Pow => a.powf(b),
            Binary::Min => a.min(b),
            Binary::Max => a.max(b),
            Binary::Greater => a.greater(b),
            Binary::Cond => b.where_positive(a),
        }
    }
}

/// Every name that a text cannot use for a quantity of its own: the functions, `if` and `pi`.
pub fn reserved_names() -> impl Iterator<Item = &'static str> {
    let functions =
        Unary::FUNCTIONS.into_iter().map(Unary::name).chain(Binary::FUNCTIONS.into_iter().map(Binary::name));
    functions.chain([CHOICE, "pi"])
}

/// How a text calls a choice between two: `if(c, a, b)` is `a` where `c > 0`, else `b`, and read as a sum of two conditions.
pub(crate) const CHOICE: &str = "if";

/// How a power with a constant exponent is worked out: the cheapest way that is right to a few roundings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Power {
    /// `xⁿ` by multiplication, for every `x`.
    Integral(i32),
    /// `x^(k + 1/2) = xᵏ √x`; with `inverse`, one over that.
    HalfIntegral { whole: i32, inverse: bool },
    /// `x^e` by logarithm and exponential.
    General(f64),
}

impl Power {
    pub(crate) fn of(exponent: f64) -> Power {
        if exponent.fract() == 0.0 && exponent.abs() <= f64::from(i32::MAX) {
            return Power::Integral(exponent as i32);
        }
        let size = exponent.abs();
        // Beyond the tenth power the multiplications cost more than `powf` and round more often.
        if size.fract() == 0.5 && size < 10.0 {
            return Power::HalfIntegral { whole: size as i32, inverse: exponent < 0.0 };
        }
        Power::General(exponent)
    }

    #[inline]
    pub(crate) fn apply<S: Elementary>(self, x: S) -> S {
        match self {
            Power::Integral(n) => x.powi(n),
            Power::HalfIntegral { whole, inverse } => {
                let power = half_integral(x, whole);
                if inverse { S::one() / power } else { power }
            }
            Power::General(exponent) => x.powf(S::constant(exponent)),
        }
    }
}

/// `x^(whole + 1/2)`.
#[inline(always)]
pub(crate) fn half_integral<S: Elementary>(x: S, whole: i32) -> S {
    if whole == 0 {
        return x.sqrt();
    }
    if x.value() == S::Real::from_f64(0.0) {
        // √x has an infinite slope here, x^(3/2) and above have none; the product rule would make it 0·∞.
        return x.powi(whole + 1);
    }
    x.powi(whole) * x.sqrt()
}

/// `x^exponent` for a constant exponent, as formulas mean it: for an integral exponent by multiplication, so every `x` has
/// a power; for any other NaN where `x < 0`.
pub fn power<S: Elementary>(x: S, exponent: f64) -> S {
    Power::of(exponent).apply(x)
}
