//! The functions there are, by name.

/// An elementary function over slices.
///
/// Accuracies are bounds on the error in units of the last place of the result, over all finite arguments and on every
/// target; the same in both precisions unless said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Function {
    /// `eˣ`. 1 ulp.
    Exp,
    /// Natural logarithm. 1 ulp.
    Ln,
    /// Sine of radians. 1 ulp; 0.6 in `f32`. Beyond `|x| = 2²⁰` that of `std`.
    Sin,
    /// Cosine of radians. 1 ulp; 0.6 in `f32`. Beyond `|x| = 2²⁰` that of `std`.
    Cos,
    /// Tangent of radians. 2.5 ulp; 0.6 in `f32`. Beyond `|x| = 2²⁰` that of `std`.
    Tan,
    /// Hyperbolic sine. 2.5 ulp.
    Sinh,
    /// Hyperbolic cosine. 1.5 ulp.
    Cosh,
    /// Hyperbolic tangent. 3 ulp.
    Tanh,
    /// `1 / (1 + e⁻ˣ)`. 2.5 ulp, also where it is tiny.
    Sigmoid,
    /// `ln(1 + eˣ)`. 2 ulp, also where it is tiny.
    Softplus,
    /// `√x`, correctly rounded.
    Sqrt,
    /// `|x|`, exact.
    Abs,
}

impl Function {
    /// All of them, in the order of the enum.
    pub const ALL: [Function; 12] = [
        Function::Exp,
        Function::Ln,
        Function::Sin,
        Function::Cos,
        Function::Tan,
        Function::Sinh,
        Function::Cosh,
        Function::Tanh,
        Function::Sigmoid,
        Function::Softplus,
        Function::Sqrt,
        Function::Abs,
    ];

    /// As one writes it in a formula.
    pub fn name(self) -> &'static str {
        match self {
            Function::Exp => "exp",
            Function::Ln => "ln",
            Function::Sin => "sin",
            Function::Cos => "cos",
            Function::Tan => "tan",
            Function::Sinh => "sinh",
            Function::Cosh => "cosh",
            Function::Tanh => "tanh",
            Function::Sigmoid => "sigmoid",
            Function::Softplus => "softplus",
            Function::Sqrt => "sqrt",
            Function::Abs => "abs",
        }
    }
}
