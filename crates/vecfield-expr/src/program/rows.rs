//! A program over many rows: blocks of rows go through it one instruction at a time, so that every instruction is a loop
//! over arrays that stay in the first-level cache, compiled for the widest vectors the processor has.

use core::mem::swap;

use vecfield_kernels::{Job, VectorMath, run};

use super::instruction::{Instruction, Op};
use super::{Code, Program};
use crate::op::Unary;

/// Rows that go through the program together. At half of this the choice of the instruction costs as much as its loop; at
/// double, the registers of common programs outgrow the first-level cache.
const BLOCK: usize = 256;

type Block<R> = [R; BLOCK];

/// The memory of [`Program::eval_rows`]; made by [`Program::row_registers`], or by [`new`](RowRegisters::new) for any program.
#[derive(Debug, Clone, Default)]
pub struct RowRegisters<R> {
    /// Constants and temporaries; the inputs are read where they are.
    file: Vec<Box<Block<R>>>,
    /// Where an instruction's result is made, before it takes the place of an old one.
    result: Vec<Box<Block<R>>>,
    /// The inputs of the last block, where they are fewer than a block.
    tail: Vec<Box<Block<R>>>,
    fitted: Option<u64>,
}

impl<R: VectorMath> RowRegisters<R> {
    /// No memory yet: the first evaluation takes what it needs.
    pub fn new() -> RowRegisters<R> {
        RowRegisters { file: Vec::new(), result: Vec::new(), tail: Vec::new(), fitted: None }
    }

    #[cold]
    fn refit(&mut self, program: &Program) {
        let blocks = |n: usize| (0..n).map(|_| Box::new([R::zero(); BLOCK])).collect::<Vec<_>>();
        self.file = blocks(program.registers - program.inputs);
        self.result = blocks(1);
        self.tail = blocks(program.inputs);
        for (block, &value) in self.file.iter_mut().zip(&program.constants) {
            block.fill(R::from_f64(value));
        }
        self.fitted = Some(program.fingerprint);
    }
}

impl Program {
    /// Memory for [`eval_rows`](Program::eval_rows), fitted to this program.
    pub fn row_registers<R: VectorMath>(&self) -> RowRegisters<R> {
        let mut registers = RowRegisters::new();
        registers.refit(self);
        registers
    }

    /// Evaluates every output at every row: `outputs[k][row]` is output `k` at the inputs `columns[..][row]`.
    ///
    /// A row's result depends on that row alone, not on its place or its neighbours. It is what [`eval`](Program::eval)
    /// gives: exactly for arithmetic, square roots and integral powers, within the bounds of
    /// [`vecfield_kernels::Function`] for the functions listed there.
    ///
    /// ```
    /// use vecfield_expr::{Graph, Program, Scope};
    ///
    /// let mut graph = Graph::new();
    /// let id = graph.parse("x^2 + y", &Scope::new(["x", "y"])?)?;
    /// let program = Program::compile(&graph, &[id], &["x", "y"])?;
    /// let mut values = [0.0; 3];
    /// program.eval_rows(&[&[1.0, 2.0, 3.0], &[0.5, 0.5, 0.5]], &mut [&mut values], &mut program.row_registers());
    /// assert_eq!(values, [1.5, 4.5, 9.5]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// * `registers`: scratch. One that was made for another program is fitted to this one, which allocates; after that
    ///   nothing does.
    ///
    /// # Panics
    ///
    /// If the numbers of columns and outputs are not the program's, or their lengths differ.
    pub fn eval_rows<R: VectorMath>(
        &self,
        columns: &[&[R]],
        outputs: &mut [&mut [R]],
        registers: &mut RowRegisters<R>,
    ) {
        assert_eq!(columns.len(), self.inputs, "one column per input");
        assert_eq!(outputs.len(), self.outputs.len(), "one column per output");
        let Some(rows) = outputs.first().map(|output| output.len()) else { return };
        let same =
            columns.iter().all(|column| column.len() == rows) && outputs.iter().all(|output| output.len() == rows);
        assert!(same, "columns of one length");
        if registers.fitted != Some(self.fingerprint) {
            registers.refit(self);
        }
        self.run_rows(&columns, &mut Listed(outputs), rows, registers);
    }

    /// The same where columns lie one behind the other: `parts` are, in the order of the inputs, `[some inputs, rows]` each,
    /// and `outputs` is `[outputs, rows]`. It allocates nothing after the first call with the same registers.
    ///
    /// # Panics
    ///
    /// If the parts or the outputs do not have the numbers of the program's columns.
    pub fn eval_stacked<R: VectorMath, const P: usize>(
        &self,
        parts: [&[R]; P],
        rows: usize,
        outputs: &mut [R],
        registers: &mut RowRegisters<R>,
    ) {
        let given: usize = parts.iter().map(|part| part.len()).sum();
        assert_eq!((given, outputs.len()), (self.inputs * rows, self.outputs.len() * rows), "one column per quantity");
        if registers.fitted != Some(self.fingerprint) {
            registers.refit(self);
        }
        if !outputs.is_empty() {
            self.run_rows(&Stacked { parts, rows }, &mut StackedOutputs { outputs, rows }, rows, registers);
        }
    }

    fn run_rows<R: VectorMath>(
        &self,
        columns: &impl Columns<R>,
        outputs: &mut impl Outputs<R>,
        rows: usize,
        registers: &mut RowRegisters<R>,
    ) {
        match &self.code {
            Code::Narrow(code) => run(Rows { program: self, code, columns, outputs, rows, registers }),
            Code::Wide(code) => run(Rows { program: self, code, columns, outputs, rows, registers }),
        }
    }
}

/// Where the values of the inputs are.
trait Columns<R> {
    /// Of one input, all rows.
    fn column(&self, input: usize) -> &[R];
}

impl<R> Columns<R> for &[&[R]] {
    #[inline(always)]
    fn column(&self, input: usize) -> &[R] {
        self[input]
    }
}

struct Stacked<'a, R, const P: usize> {
    parts: [&'a [R]; P],
    rows: usize,
}

impl<R, const P: usize> Columns<R> for Stacked<'_, R, P> {
    #[inline(always)]
    fn column(&self, input: usize) -> &[R] {
        let mut start = input * self.rows;
        for part in self.parts {
            if start < part.len() {
                return &part[start..start + self.rows];
            }
            start -= part.len();
        }
        &[]
    }
}

/// Where the values of the outputs go.
trait Outputs<R> {
    /// Of one output, all rows.
    fn output(&mut self, output: usize) -> &mut [R];
}

struct Listed<'a, 'b, R>(&'a mut [&'b mut [R]]);

impl<R> Outputs<R> for Listed<'_, '_, R> {
    #[inline(always)]
    fn output(&mut self, output: usize) -> &mut [R] {
        self.0[output]
    }
}

struct StackedOutputs<'a, R> {
    outputs: &'a mut [R],
    rows: usize,
}

impl<R> Outputs<R> for StackedOutputs<'_, R> {
    #[inline(always)]
    fn output(&mut self, output: usize) -> &mut [R] {
        &mut self.outputs[output * self.rows..][..self.rows]
    }
}

struct Rows<'a, R, I, C, O> {
    program: &'a Program,
    code: &'a [Instruction<I>],
    columns: &'a C,
    outputs: &'a mut O,
    rows: usize,
    registers: &'a mut RowRegisters<R>,
}

/// Where a block finds the program's inputs.
struct Inputs<'a, R, C> {
    columns: &'a C,
    first_row: usize,
    tail: Option<&'a [Box<Block<R>>]>,
}

impl<'a, R, C: Columns<R>> Inputs<'a, R, C> {
    #[inline(always)]
    fn block(&self, input: usize) -> &'a Block<R> {
        match self.tail {
            Some(tail) => &tail[input],
            None => self.columns.column(input)[self.first_row..].first_chunk().expect("only the last block is short"),
        }
    }
}

impl<R: VectorMath, I: Copy + Into<u32>, C: Columns<R>, O: Outputs<R>> Job for Rows<'_, R, I, C, O> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Rows { program, code, columns, outputs, rows, registers } = self;
        let RowRegisters { file, result, tail, .. } = registers;
        for first_row in (0..rows).step_by(BLOCK) {
            let length = BLOCK.min(rows - first_row);
            if length < BLOCK {
                for (input, block) in tail.iter_mut().enumerate() {
                    let column = columns.column(input);
                    // The rows beyond the end repeat the last one, so that they take no slow path of their own.
                    block[..length].copy_from_slice(&column[first_row..]);
                    block[length..].fill(column[rows - 1]);
                }
            }
            let tail = (length < BLOCK).then_some(&tail[..]);
            let inputs = Inputs { columns, first_row, tail };
            for instruction in code {
                let place = |operand: I| -> &Block<R> {
                    let place = operand.into() as usize;
                    if place < program.inputs { inputs.block(place) } else { &file[place - program.inputs] }
                };
                compute(instruction, place, &mut result[0]);
                swap(&mut file[instruction.result.into() as usize - program.inputs], &mut result[0]);
            }
            for (output, &place) in program.outputs.iter().enumerate() {
                let place = place as usize;
                let block = if place < program.inputs { inputs.block(place) } else { &*file[place - program.inputs] };
                outputs.output(output)[first_row..first_row + length].copy_from_slice(&block[..length]);
            }
        }
    }
}

/// One instruction over a block; each arm rounds as `value` in `run.rs` does.
#[inline(always)]
fn compute<'a, R: VectorMath, I: Copy>(
    instruction: &Instruction<I>,
    at: impl Fn(I) -> &'a Block<R>,
    out: &mut Block<R>,
) {
    let &Instruction { op, a, b, c, d, immediate, .. } = instruction;
    match op {
        Op::Add => map2(at(a), at(b), out, |a, b| a + b),
        Op::Sub => map2(at(a), at(b), out, |a, b| a - b),
        Op::Mul => map2(at(a), at(b), out, |a, b| a * b),
        Op::Div => map2(at(a), at(b), out, |a, b| a / b),
        Op::Min => map2(at(a), at(b), out, R::min),
        Op::Max => map2(at(a), at(b), out, R::max),
        Op::Pow => map2(at(a), at(b), out, R::powf),
        Op::Add3 => map3(at(a), at(b), at(c), out, |a, b, c| a + b + c),
        Op::Mul3 => map3(at(a), at(b), at(c), out, |a, b, c| a * b * c),
        Op::MulAdd => map3(at(a), at(b), at(c), out, |a, b, c| a * b + c),
        Op::MulSub => map3(at(a), at(b), at(c), out, |a, b, c| a * b - c),
        Op::SubMul => map3(at(a), at(b), at(c), out, |a, b, c| c - a * b),
        Op::SumTimes => map3(at(a), at(b), at(c), out, |a, b, c| (a + b) * c),
        Op::DifferenceTimes => map3(at(a), at(b), at(c), out, |a, b, c| (a - b) * c),
        Op::MulAddMul => map4([at(a), at(b), at(c), at(d)], out, |a, b, c, d| a * b + c * d),
        Op::MulSubMul => map4([at(a), at(b), at(c), at(d)], out, |a, b, c, d| a * b - c * d),
        Op::Square => map(at(a), out, |a| a * a),
        Op::Cube => map(at(a), out, |a| a * a * a),
        Op::Reciprocal => map(at(a), out, |a| R::one() / a),
        Op::Integral => integral(at(a), immediate, out),
        Op::HalfIntegral => {
            integral(at(a), immediate, out);
            let a = at(a);
            for i in 0..BLOCK {
                out[i] *= a[i].sqrt();
            }
        }
        Op::Apply(function) => apply(function, at(a), out),
    }
}

#[inline(always)]
fn apply<R: VectorMath>(function: Unary, a: &Block<R>, out: &mut Block<R>) {
    if let Some(kernel) = function.kernel() {
        return R::map_into(kernel, a, out);
    }
    match function {
        Unary::Neg => map(a, out, |a| -a),
        Unary::Abs => map(a, out, R::abs),
        Unary::Sqrt => map(a, out, R::sqrt),
        Unary::Sign => map(a, out, R::sign),
        other => map(a, out, |a| other.apply(a)),
    }
}

/// `aⁿ` by repeated squaring, in the order of `powi` in the compiler's run-time library, and so with its bits.
#[inline(always)]
fn integral<R: VectorMath>(a: &Block<R>, n: i32, out: &mut Block<R>) {
    let mut square = *a;
    let mut left = n.unsigned_abs();
    out.fill(R::one());
    loop {
        if left % 2 == 1 {
            for i in 0..BLOCK {
                out[i] *= square[i];
            }
        }
        left /= 2;
        if left == 0 {
            break;
        }
        for i in 0..BLOCK {
            square[i] *= square[i];
        }
    }
    if n < 0 {
        for i in 0..BLOCK {
            out[i] = R::one() / out[i];
        }
    }
}

#[inline(always)]
fn map<R: Copy>(a: &Block<R>, out: &mut Block<R>, f: impl Fn(R) -> R) {
    for i in 0..BLOCK {
        out[i] = f(a[i]);
    }
}

#[inline(always)]
fn map2<R: Copy>(a: &Block<R>, b: &Block<R>, out: &mut Block<R>, f: impl Fn(R, R) -> R) {
    for i in 0..BLOCK {
        out[i] = f(a[i], b[i]);
    }
}

#[inline(always)]
fn map3<R: Copy>(a: &Block<R>, b: &Block<R>, c: &Block<R>, out: &mut Block<R>, f: impl Fn(R, R, R) -> R) {
    for i in 0..BLOCK {
        out[i] = f(a[i], b[i], c[i]);
    }
}

#[inline(always)]
fn map4<R: Copy>([a, b, c, d]: [&Block<R>; 4], out: &mut Block<R>, f: impl Fn(R, R, R, R) -> R) {
    for i in 0..BLOCK {
        out[i] = f(a[i], b[i], c[i], d[i]);
    }
}
