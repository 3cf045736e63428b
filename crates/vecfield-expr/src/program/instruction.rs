//! [`Instruction`]: an operation and the places of its operands and of its result.

use crate::op::Unary;

/// What an instruction does with its operands `a`, `b`, `c`, `d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    Add,
    Sub,
    Mul,
    Div,
    Min,
    Max,
    /// 1 where `a > b`, else 0
    Greater,
    /// `b` where `a > 0`, else 0
    Cond,
    /// `a^b`, the exponent a register.
    Pow,
    /// `a + b + c`
    Add3,
    /// `a*b*c`
    Mul3,
    /// `a*b + c`
    MulAdd,
    /// `a*b - c`
    MulSub,
    /// `c - a*b`
    SubMul,
    /// `(a + b)*c`
    SumTimes,
    /// `(a - b)*c`
    DifferenceTimes,
    /// `a*b + c*d`
    MulAddMul,
    /// `a*b - c*d`
    MulSubMul,
    /// `a²`
    Square,
    /// `a³`
    Cube,
    /// `1/a`
    Reciprocal,
    /// `aⁿ`, `n` the immediate
    Integral,
    /// `a^(n + 1/2)`, `n` the immediate
    HalfIntegral,
    /// One of the functions, or the sign change.
    Apply(Unary),
}

/// One step of a program. Unused operands repeat `a`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Instruction<I> {
    pub(crate) op: Op,
    pub(crate) result: I,
    pub(crate) a: I,
    pub(crate) b: I,
    pub(crate) c: I,
    pub(crate) d: I,
    pub(crate) immediate: i32,
}

impl<I: Copy> Instruction<I> {
    /// The same instruction with every place renamed.
    pub(crate) fn map<J>(self, mut place: impl FnMut(I) -> J) -> Instruction<J> {
        let Instruction { op, result, a, b, c, d, immediate } = self;
        let (a, b, c, d, result) = (place(a), place(b), place(c), place(d), place(result));
        Instruction { op, result, a, b, c, d, immediate }
    }
}
