//! A program as a [`Tape`]: every value at a place of its own, instructions taken apart into elementary operations.

use vecfield_autodiff::{Function, Operation, Tape};

use super::instruction::{Instruction, Op};
use super::{Code, Program};
use crate::op::Unary;

impl Program {
    /// The elementary operations of the program, over the same inputs and outputs: what is expanded in
    /// [`Series`](vecfield_autodiff::Series).
    pub fn tape(&self) -> Tape {
        let mut tape = Tape::new(self.inputs);
        // Which place of the tape each place of the file stands for at the time.
        let mut places: Vec<u32> = (0..self.inputs as u32).collect();
        for &value in &self.constants {
            places.push(tape.push(Operation::Constant(value)));
        }
        places.resize(self.registers, 0);
        match &self.code {
            Code::Narrow(code) => code.iter().for_each(|instruction| unfold(instruction, &mut tape, &mut places)),
            Code::Wide(code) => code.iter().for_each(|instruction| unfold(instruction, &mut tape, &mut places)),
        }
        tape.set_outputs(self.outputs.iter().map(|&output| places[output as usize]));
        tape
    }
}

fn unfold<I: Copy + Into<u32>>(instruction: &Instruction<I>, tape: &mut Tape, places: &mut [u32]) {
    use Operation::{Add, Constant, Div, Greater, Max, Min, Mul, Pow, Powi, Sub, WherePositive};
    let &Instruction { op, immediate, .. } = instruction;
    let [a, b, c, d] = [instruction.a, instruction.b, instruction.c, instruction.d].map(|i| places[i.into() as usize]);
    let mut push = |operation| tape.push(operation);
    let result = match op {
        Op::Add => push(Add(a, b)),
        Op::Sub => push(Sub(a, b)),
        Op::Mul => push(Mul(a, b)),
        Op::Div => push(Div(a, b)),
        Op::Min => push(Min(a, b)),
        Op::Max => push(Max(a, b)),
        Op::Greater => push(Greater(a, b)),
        Op::Cond => push(WherePositive(b, a)),
        Op::Pow => push(Pow(a, b)),
        Op::Add3 => {
            let sum = push(Add(a, b));
            push(Add(sum, c))
        }
        Op::Mul3 => {
            let product = push(Mul(a, b));
            push(Mul(product, c))
        }
        Op::MulAdd => {
            let product = push(Mul(a, b));
            push(Add(product, c))
        }
        Op::MulSub => {
            let product = push(Mul(a, b));
            push(Sub(product, c))
        }
        Op::SubMul => {
            let product = push(Mul(a, b));
            push(Sub(c, product))
        }
        Op::SumTimes => {
            let sum = push(Add(a, b));
            push(Mul(sum, c))
        }
        Op::DifferenceTimes => {
            let difference = push(Sub(a, b));
            push(Mul(difference, c))
        }
        Op::MulAddMul => {
            let (left, right) = (push(Mul(a, b)), push(Mul(c, d)));
            push(Add(left, right))
        }
        Op::MulSubMul => {
            let (left, right) = (push(Mul(a, b)), push(Mul(c, d)));
            push(Sub(left, right))
        }
        Op::Square => push(Mul(a, a)),
        Op::Cube => push(Powi(a, 3)),
        Op::Reciprocal => {
            let one = push(Constant(1.0));
            push(Div(one, a))
        }
        Op::Integral => push(Powi(a, immediate)),
        Op::HalfIntegral => {
            let exponent = push(Constant(f64::from(immediate) + 0.5));
            push(Pow(a, exponent))
        }
        Op::Apply(function) => push(apply(function, a)),
    };
    places[instruction.result.into() as usize] = result;
}

fn apply(function: Unary, a: u32) -> Operation {
    let function = match function {
        Unary::Neg => return Operation::Neg(a),
        Unary::Abs => Function::Abs,
        Unary::Sign => Function::Sign,
        Unary::Sqrt => Function::Sqrt,
        Unary::Exp => Function::Exp,
        Unary::Log => Function::Ln,
        Unary::Sin => Function::Sin,
        Unary::Cos => Function::Cos,
        Unary::Tan => Function::Tan,
        Unary::Asin => Function::Asin,
        Unary::Acos => Function::Acos,
        Unary::Atan => Function::Atan,
        Unary::Sinh => Function::Sinh,
        Unary::Cosh => Function::Cosh,
        Unary::Tanh => Function::Tanh,
    };
    Operation::Apply(function, a)
}
