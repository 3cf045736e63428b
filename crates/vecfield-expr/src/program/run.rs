//! The loop that evaluates a program at one point, and its memory.

use vecfield_traits::Elementary;

use super::instruction::{Instruction, Op};
use super::{Code, Program};
use crate::op::half_integral;

/// How many places an instruction with places of one byte can reach.
const NARROW: usize = 256;

/// The numbers a [`Program`] works on; made by [`Program::registers`], or by [`new`](Registers::new) for any program.
#[derive(Debug, Clone)]
pub struct Registers<S> {
    file: Vec<S>,
    /// The program whose constants are in the file.
    fitted: Option<u64>,
}

impl<S> Registers<S> {
    /// No memory yet: the first evaluation takes what it needs.
    pub fn new() -> Registers<S> {
        Registers { file: Vec::new(), fitted: None }
    }
}

impl<S> Default for Registers<S> {
    fn default() -> Registers<S> {
        Registers::new()
    }
}

impl<S: Elementary> Registers<S> {
    /// The file with the constants of `program` in place.
    #[inline]
    pub(super) fn fit(&mut self, program: &Program) -> &mut [S] {
        if self.fitted != Some(program.fingerprint) {
            self.refit(program);
        }
        &mut self.file
    }

    #[cold]
    fn refit(&mut self, program: &Program) {
        // A narrow program's file has every place a byte can name, so that the loop needs no bounds check.
        let length = if let Code::Narrow(_) = program.code { NARROW } else { program.registers };
        self.file.clear();
        self.file.resize(length, S::zero());
        let constants = program.constants.iter().map(|&value| S::constant(value));
        for (place, value) in self.file[program.inputs..].iter_mut().zip(constants) {
            *place = value;
        }
        self.fitted = Some(program.fingerprint);
    }
}

#[inline(always)]
pub(super) fn run_narrow<S: Elementary, const P: usize>(code: &[Instruction<u8>], parts: [&[S]; P], file: &mut [S]) {
    let file: &mut [S; NARROW] = file.try_into().expect("a narrow program's file was fitted to the full width");
    let mut place = 0_u8;
    for part in parts {
        for &input in part {
            // Counting in a byte keeps this a loop: as a memcpy its wide loads would stall on components just written.
            file[place as usize] = input;
            place = place.wrapping_add(1);
        }
    }
    for instruction in code {
        let value = value(instruction, |place| file[place as usize]);
        file[instruction.result as usize] = value;
    }
}

#[inline(always)]
pub(super) fn run_wide<S: Elementary, const P: usize>(code: &[Instruction<u32>], parts: [&[S]; P], file: &mut [S]) {
    for (place, &input) in file.iter_mut().zip(parts.into_iter().flatten()) {
        *place = input;
    }
    for instruction in code {
        let value = value(instruction, |place| file[place as usize]);
        file[instruction.result as usize] = value;
    }
}

/// The value of one instruction, with `at` the file.
#[inline(always)]
fn value<S: Elementary, I: Copy>(instruction: &Instruction<I>, at: impl Fn(I) -> S) -> S {
    let &Instruction { op, a, b, c, d, immediate, .. } = instruction;
    match op {
        Op::Add => at(a) + at(b),
        Op::Sub => at(a) - at(b),
        Op::Mul => at(a) * at(b),
        Op::Div => at(a) / at(b),
        Op::Min => at(a).min(at(b)),
        Op::Max => at(a).max(at(b)),
        Op::Greater => at(a).greater(at(b)),
        Op::Cond => at(b).where_positive(at(a)),
        Op::Pow => at(a).powf(at(b)),
        Op::Add3 => at(a) + at(b) + at(c),
        Op::Mul3 => at(a) * at(b) * at(c),
        Op::MulAdd => at(a) * at(b) + at(c),
        Op::MulSub => at(a) * at(b) - at(c),
        Op::SubMul => at(c) - at(a) * at(b),
        Op::SumTimes => (at(a) + at(b)) * at(c),
        Op::DifferenceTimes => (at(a) - at(b)) * at(c),
        Op::MulAddMul => at(a) * at(b) + at(c) * at(d),
        Op::MulSubMul => at(a) * at(b) - at(c) * at(d),
        Op::Square => at(a) * at(a),
        Op::Cube => at(a) * at(a) * at(a),
        Op::Reciprocal => S::one() / at(a),
        Op::Integral => at(a).powi(immediate),
        Op::HalfIntegral => half_integral(at(a), immediate),
        Op::Apply(function) => function.apply(at(a)),
    }
}
