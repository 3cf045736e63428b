//! One instruction over a block of rows.

use vecfield_kernels::VectorMath;

use super::super::instruction::{Instruction, Op};
use crate::op::Unary;

/// A block is made of pieces of so many rows, the last of which may overlap the one before it: no loop has a remainder.
pub(super) const CHUNK: usize = 16;

/// Each arm rounds as `value` in `run.rs` does; `out` and the operands, none of which it is, are of one length, a chunk at
/// least.
#[inline(always)]
pub(super) fn compute<R: VectorMath>(instruction: &Instruction<u32>, [a, b, c, d]: [&[R]; 4], out: &mut [R]) {
    let &Instruction { op, immediate, .. } = instruction;
    match op {
        Op::Add => each([a, b], out, |[a, b]| a + b),
        Op::Sub => each([a, b], out, |[a, b]| a - b),
        Op::Mul => each([a, b], out, |[a, b]| a * b),
        Op::Div => each([a, b], out, |[a, b]| a / b),
        Op::Min => each([a, b], out, |[a, b]| a.min(b)),
        Op::Max => each([a, b], out, |[a, b]| a.max(b)),
        Op::Greater => each([a, b], out, |[a, b]| a.greater(b)),
        Op::Cond => each([a, b], out, |[a, b]| b.where_positive(a)),
        Op::Pow => each([a, b], out, |[a, b]| a.powf(b)),
        Op::Add3 => each([a, b, c], out, |[a, b, c]| a + b + c),
        Op::Mul3 => each([a, b, c], out, |[a, b, c]| a * b * c),
        Op::MulAdd => each([a, b, c], out, |[a, b, c]| a * b + c),
        Op::MulSub => each([a, b, c], out, |[a, b, c]| a * b - c),
        Op::SubMul => each([a, b, c], out, |[a, b, c]| c - a * b),
        Op::SumTimes => each([a, b, c], out, |[a, b, c]| (a + b) * c),
        Op::DifferenceTimes => each([a, b, c], out, |[a, b, c]| (a - b) * c),
        Op::MulAddMul => each([a, b, c, d], out, |[a, b, c, d]| a * b + c * d),
        Op::MulSubMul => each([a, b, c, d], out, |[a, b, c, d]| a * b - c * d),
        Op::Square => each([a], out, |[a]| a * a),
        Op::Cube => each([a], out, |[a]| a * a * a),
        Op::Reciprocal => each([a], out, |[a]| R::one() / a),
        Op::Integral => integral(a, immediate, out),
        Op::HalfIntegral => {
            integral(a, immediate, out);
            for (out, a) in out.iter_mut().zip(a) {
                *out *= a.sqrt();
            }
        }
        Op::Apply(function) => apply(function, a, out),
    }
}

#[inline(always)]
fn apply<R: VectorMath>(function: Unary, a: &[R], out: &mut [R]) {
    if let Some(kernel) = function.kernel() {
        return R::map_into(kernel, a, out);
    }
    match function {
        Unary::Neg => each([a], out, |[a]| -a),
        Unary::Abs => each([a], out, |[a]| a.abs()),
        Unary::Sqrt => each([a], out, |[a]| a.sqrt()),
        Unary::Sign => each([a], out, |[a]| a.sign()),
        other => each([a], out, |[a]| other.apply(a)),
    }
}

/// `aⁿ` by repeated squaring, in the order of `powi` in the compiler's run-time library, and so with its bits.
#[inline(always)]
fn integral<R: VectorMath>(a: &[R], n: i32, out: &mut [R]) {
    by_chunk([a], out, |[a], power| {
        let (mut square, mut left) = (*a, n.unsigned_abs());
        power.fill(R::one());
        loop {
            if left % 2 == 1 {
                for i in 0..CHUNK {
                    power[i] *= square[i];
                }
            }
            left /= 2;
            if left == 0 {
                break;
            }
            for i in 0..CHUNK {
                square[i] *= square[i];
            }
        }
        if n < 0 {
            for i in 0..CHUNK {
                power[i] = R::one() / power[i];
            }
        }
    });
}

/// `out_i ← f(a_i, b_i, ..)`.
#[inline(always)]
fn each<R: Copy, const N: usize>(operands: [&[R]; N], out: &mut [R], f: impl Fn([R; N]) -> R) {
    let chunk = |operands: [&[R; CHUNK]; N], out: &mut [R; CHUNK]| {
        for i in 0..CHUNK {
            out[i] = f(operands.map(|operand| operand[i]));
        }
    };
    // One flat loop: over chunks, LLVM would unroll each and gather a vector's numbers from several.
    let body = out.len() & !(2 * CHUNK - 1);
    let (operands, rest) = (operands.map(|operand| &operand[..out.len()]), out.len() - body);
    let (heads, head) = (operands.map(|operand| &operand[..body]), &mut out[..body]);
    for i in 0..body {
        head[i] = f(heads.map(|operand| operand[i]));
    }
    if rest > CHUNK {
        let out = out[body..].first_chunk_mut().expect("more than a chunk is left");
        chunk(operands.map(|operand| operand[body..].first_chunk().expect("as long as the result")), out);
    }
    if rest > 0 {
        let out = out.last_chunk_mut().expect("a block has a chunk");
        chunk(operands.map(|operand| operand.last_chunk().expect("as long as the result")), out);
    }
}

/// The same, a chunk at a time.
#[inline(always)]
fn by_chunk<R: Copy, const N: usize>(
    operands: [&[R]; N],
    out: &mut [R],
    f: impl Fn([&[R; CHUNK]; N], &mut [R; CHUNK]),
) {
    let operands = operands.map(|operand| &operand[..out.len()]);
    let chunks = operands.map(|operand| operand.as_chunks().0);
    let (whole, rest) = out.as_chunks_mut();
    for (k, out) in whole.iter_mut().enumerate() {
        f(chunks.map(|operand: &[[R; CHUNK]]| &operand[k]), out);
    }
    if !rest.is_empty() {
        let out = out.last_chunk_mut().expect("a block has a chunk");
        f(operands.map(|operand| operand.last_chunk().expect("as long as the result")), out);
    }
}
