//! A program over many rows: blocks of rows go through it one instruction at a time, so that every instruction is a loop
//! over arrays that stay in the first-level cache, compiled for the widest vectors the processor has.

mod block;

use core::mem::{size_of, swap, take};

use vecfield_kernels::{Job, VectorMath, run};

use super::{Code, Instruction, Program};
use block::CHUNK;

/// Bytes of a register. At half of this the choice of the instruction costs as much as its loop; at double, the registers of
/// common programs outgrow the first-level cache.
const REGISTER: usize = 2048;

/// Rows that go through a program together at most.
const fn most<R>() -> usize {
    REGISTER / size_of::<R>()
}

/// Where the values of an input over rows are, for [`Program::eval_columns`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Column<'a, R> {
    /// One for each row.
    Rows(&'a [R]),
    /// This one at every row.
    Same(R),
}

/// The memory of [`Program::eval_rows`]; made by [`Program::row_registers`], or by [`new`](RowRegisters::new) for any program.
#[derive(Debug, Clone, Default)]
pub struct RowRegisters<R> {
    /// Constants and temporaries; the inputs are read where they are.
    file: Vec<Box<[R]>>,
    /// Where an instruction's result is made, before it takes the place of an old one.
    result: Box<[R]>,
    /// The inputs that are the same at every row.
    held: Vec<Box<[R]>>,
    /// Which inputs, constants and temporaries are the same at every row.
    uniform: Vec<bool>,
    /// Inputs, then outputs, where there are fewer rows than a chunk.
    padded: Vec<R>,
    fitted: Option<u64>,
}

fn register<R: VectorMath>() -> Box<[R]> {
    vec![R::zero(); most::<R>()].into_boxed_slice()
}

impl<R: VectorMath> RowRegisters<R> {
    /// No memory yet: the first evaluation takes what it needs.
    pub fn new() -> RowRegisters<R> {
        RowRegisters {
            file: Vec::new(),
            result: Box::default(),
            held: Vec::new(),
            uniform: Vec::new(),
            padded: Vec::new(),
            fitted: None,
        }
    }

    #[inline]
    fn fit(&mut self, program: &Program) {
        if self.fitted != Some(program.fingerprint) {
            self.refit(program);
        }
    }

    /// Takes memory where a program needs more than those before it.
    #[cold]
    fn refit(&mut self, program: &Program) {
        let length = program.registers - program.inputs;
        if self.file.len() < length {
            self.file.resize_with(length, register);
        }
        if self.result.is_empty() {
            self.result = register();
        }
        for (register, &value) in self.file.iter_mut().zip(&program.constants) {
            register.fill(R::from_f64(value));
        }
        self.uniform.clear();
        self.uniform.resize(program.registers, false);
        self.uniform[program.inputs..][..program.constants.len()].fill(true);
        let padded = CHUNK * (program.inputs + program.outputs.len());
        if self.padded.len() < padded {
            self.padded.resize(padded, R::zero());
        }
        self.fitted = Some(program.fingerprint);
    }

    /// Fills the registers of inputs that are the same at every row.
    fn hold(&mut self, columns: &[Column<'_, R>], rows: usize) {
        if self.held.len() < columns.len() {
            self.held.resize_with(columns.len(), Box::default);
        }
        for (column, held) in columns.iter().zip(&mut self.held) {
            if let Column::Same(value) = *column {
                if held.is_empty() {
                    *held = register();
                }
                held[..rows.min(most::<R>())].fill(value);
            }
        }
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
        registers.fit(self);
        self.run_rows(Columns::Listed(columns), Outputs::Listed(outputs), rows, registers);
    }

    /// The same where some inputs, such as the constants of a formula that are being fitted, are the same at every row.
    ///
    /// ```
    /// use vecfield_expr::{Column, Graph, Program, Scope};
    ///
    /// let mut graph = Graph::new();
    /// let id = graph.parse("a*x + b", &Scope::new(["x", "a", "b"])?)?;
    /// let program = Program::compile(&graph, &[id], &["x", "a", "b"])?;
    /// let (mut values, x) = ([0.0; 3], [1.0, 2.0, 3.0]);
    /// let columns = [Column::Rows(&x[..]), Column::Same(2.0), Column::Same(0.5)];
    /// program.eval_columns(&columns, &mut [&mut values], &mut program.row_registers());
    /// assert_eq!(values, [2.5, 4.5, 6.5]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// As [`eval_rows`](Program::eval_rows).
    pub fn eval_columns<R: VectorMath>(
        &self,
        columns: &[Column<'_, R>],
        outputs: &mut [&mut [R]],
        registers: &mut RowRegisters<R>,
    ) {
        assert_eq!(columns.len(), self.inputs, "one column per input");
        assert_eq!(outputs.len(), self.outputs.len(), "one column per output");
        let Some(rows) = outputs.first().map(|output| output.len()) else { return };
        let fits = |column: &Column<'_, R>| match column {
            Column::Rows(column) => column.len() == rows,
            Column::Same(_) => true,
        };
        let same = columns.iter().all(fits) && outputs.iter().all(|output| output.len() == rows);
        assert!(same, "columns of one length");
        registers.fit(self);
        registers.hold(columns, rows);
        let held = take(&mut registers.held);
        self.run_rows(Columns::Mixed(columns, &held), Outputs::Listed(outputs), rows, registers);
        registers.held = held;
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
        registers.fit(self);
        if !outputs.is_empty() {
            self.run_rows(Columns::Stacked(&parts, rows), Outputs::Stacked(outputs, rows), rows, registers);
        }
    }

    fn run_rows<R: VectorMath>(
        &self,
        columns: Columns<'_, R>,
        mut outputs: Outputs<'_, '_, R>,
        rows: usize,
        registers: &mut RowRegisters<R>,
    ) {
        if rows >= CHUNK {
            for (input, uniform) in registers.uniform[..self.inputs].iter_mut().enumerate() {
                *uniform = columns.is_uniform(input);
            }
            return run(Rows { program: self, columns, outputs, rows, registers });
        }
        if rows == 0 {
            return;
        }
        let mut padded = take(&mut registers.padded);
        let (from, to) = padded.split_at_mut(self.inputs * CHUNK);
        let to = &mut to[..self.outputs.len() * CHUNK];
        for (input, padded) in from.chunks_exact_mut(CHUNK).enumerate() {
            let column = columns.block(input, 0, rows);
            padded[..rows].copy_from_slice(column);
            // The rows beyond the end repeat the last one, so that they take no slow path of their own.
            padded[rows..].fill(column[rows - 1]);
        }
        let (columns, all) = (Columns::Stacked(&[&*from], CHUNK), Outputs::Stacked(&mut *to, CHUNK));
        registers.uniform[..self.inputs].fill(false);
        run(Rows { program: self, columns, outputs: all, rows: CHUNK, registers });
        for (output, padded) in to.chunks_exact(CHUNK).enumerate() {
            outputs.block(output, 0, rows).copy_from_slice(&padded[..rows]);
        }
        registers.padded = padded;
    }

    #[inline(always)]
    fn instruction(&self, i: usize) -> Instruction<u32> {
        match &self.code {
            Code::Narrow(code) => code[i].map(u32::from),
            Code::Wide(code) => code[i],
        }
    }
}

/// Where the values of the inputs are.
#[derive(Clone, Copy)]
enum Columns<'a, R> {
    Listed(&'a [&'a [R]]),
    /// With a register for each input that is the same at every row.
    Mixed(&'a [Column<'a, R>], &'a [Box<[R]>]),
    /// Parts of one or more columns of so many rows.
    Stacked(&'a [&'a [R]], usize),
}

impl<'a, R> Columns<'a, R> {
    /// Is the input given as one number?
    #[inline]
    fn is_uniform(&self, input: usize) -> bool {
        matches!(self, Columns::Mixed(columns, _) if matches!(columns[input], Column::Same(_)))
    }

    /// Of one input, the rows `first..first + length`.
    #[inline(always)]
    fn block(&self, input: usize, first: usize, length: usize) -> &'a [R] {
        match *self {
            Columns::Listed(columns) => &columns[input][first..first + length],
            Columns::Mixed(columns, held) => match columns[input] {
                Column::Rows(column) => &column[first..first + length],
                Column::Same(_) => &held[input][..length],
            },
            Columns::Stacked(parts, rows) => stacked(parts, input * rows + first, length),
        }
    }
}

/// Of parts one behind the other, `length` numbers from `start` on; a column does not go across parts.
fn stacked<'a, R>(parts: &[&'a [R]], mut start: usize, length: usize) -> &'a [R] {
    for part in parts {
        if start < part.len() {
            return &part[start..start + length];
        }
        start -= part.len();
    }
    &[]
}

/// Where the values of the outputs go.
enum Outputs<'a, 'b, R> {
    Listed(&'a mut [&'b mut [R]]),
    /// Columns of so many rows.
    Stacked(&'a mut [R], usize),
}

impl<R> Outputs<'_, '_, R> {
    /// Of one output, the rows `first..first + length`.
    #[inline(always)]
    fn block(&mut self, output: usize, first: usize, length: usize) -> &mut [R] {
        match self {
            Outputs::Listed(outputs) => &mut outputs[output][first..first + length],
            Outputs::Stacked(outputs, rows) => &mut outputs[output * *rows + first..][..length],
        }
    }
}

struct Rows<'a, 'b, R> {
    program: &'a Program,
    columns: Columns<'a, R>,
    outputs: Outputs<'a, 'b, R>,
    /// At least a chunk.
    rows: usize,
    registers: &'a mut RowRegisters<R>,
}

impl<R: VectorMath> Job for Rows<'_, '_, R> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(mut self) {
        let rows = self.rows;
        // Blocks of about one size: a short last one would not be worth its instructions.
        let size = rows.div_ceil(rows.div_ceil(most::<R>())).next_multiple_of(CHUNK);
        for first in (0..rows).step_by(size) {
            let length = size.min(rows - first);
            // Whole chunks where there are enough rows: the last block goes over some a second time, with the same result.
            let length = length.next_multiple_of(CHUNK).min(rows);
            self.block(first.min(rows - length), length);
        }
    }
}

impl<R: VectorMath> Rows<'_, '_, R> {
    /// Rows `first..first + length`.
    #[inline(always)]
    fn block(&mut self, first: usize, length: usize) {
        let Rows { program, columns, ref mut outputs, ref mut registers, .. } = *self;
        let RowRegisters { file, result, uniform, .. } = &mut **registers;
        let mut direct = program.direct.iter().peekable();
        for i in 0..program.instruction_count() {
            let instruction = program.instruction(i);
            let output = direct.next_if(|&&(last, _)| last as usize == i);
            let at = |place: u32| match (place as usize).checked_sub(program.inputs) {
                None => columns.block(place as usize, first, length),
                Some(place) => &file[place][..length],
            };
            let Instruction { a, b, c, d, result: place, .. } = instruction;
            let operands = [at(a), at(b), at(c), at(d)];
            let out = match output {
                Some(&(_, output)) => outputs.block(output as usize, first, length),
                None => &mut result[..length],
            };
            // What all rows share is worked out once.
            let shared = [a, b, c, d].iter().all(|&place| uniform[place as usize]);
            let span = if shared { CHUNK } else { length };
            block::compute(&instruction, operands.map(|operand| &operand[..span]), &mut out[..span]);
            if shared {
                let value = out[0];
                out[CHUNK..].fill(value);
            }
            uniform[place as usize] = shared;
            if output.is_none() {
                swap(&mut file[place as usize - program.inputs], result);
            }
        }
        for &output in &program.copied {
            let place = program.outputs[output as usize] as usize;
            let from = match place.checked_sub(program.inputs) {
                None => columns.block(place, first, length),
                Some(place) => &file[place][..length],
            };
            outputs.block(output as usize, first, length).copy_from_slice(from);
        }
    }
}
