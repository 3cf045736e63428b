//! [`Program`]: formulas compiled to a flat list of instructions over one register file.
//!
//! The file holds the inputs, then the constants, then temporaries, and an instruction names its operands by their place in
//! it. Each shared sub-expression is worked out once, constants are folded, pairs of operations that formulas are full of
//! (`a*b + c`, `a*b - c*d`, `(a - b)*c`) are one instruction, rounded as the two would be, and a temporary's place is
//! used again after its last reader.

mod compile;
mod instruction;
mod rows;
mod run;
mod tape;

use vecfield_kernels::Job;
use vecfield_traits::Elementary;

use crate::error::CompileError;
use crate::graph::{ExprId, Graph};
use instruction::Instruction;
pub use rows::{Column, RowRegisters};
pub use run::Registers;

/// Several formulas over the same inputs, ready to be evaluated fast and over any number.
///
/// ```
/// use vecfield_expr::{Graph, Program, Scope};
///
/// let mut graph = Graph::new();
/// let scope = Scope::new(["x", "y"])?;
/// let radius = graph.parse("sqrt(x^2 + y^2)", &scope)?;
/// let angle = graph.parse("atan(y/x)", &scope)?;
///
/// let program = Program::compile(&graph, &[radius, angle], &["x", "y"])?;
/// let (mut polar, mut registers) = ([0.0; 2], program.registers());
/// program.eval(&[3.0, 4.0], &mut polar, &mut registers);
/// assert_eq!(polar, [5.0, (4.0_f64 / 3.0).atan()]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    inputs: usize,
    constants: Vec<f64>,
    registers: usize,
    code: Code,
    /// Where in the file each output stands at the end.
    outputs: Vec<u32>,
    /// Instructions whose results are outputs that nothing else reads, with the output: over rows they are written there.
    direct: Vec<(u32, u32)>,
    /// The other outputs.
    copied: Vec<u32>,
    /// Tells the constants of this program from those of another that used the same [`Registers`].
    fingerprint: u64,
}

/// Instructions with places of one byte where the file is small, as it is for all but very large systems.
#[derive(Debug, Clone, PartialEq)]
enum Code {
    Narrow(Vec<Instruction<u8>>),
    Wide(Vec<Instruction<u32>>),
}

impl Program {
    /// Compiles `outputs` as functions of `inputs`; an input that no output depends on is legal.
    ///
    /// # Errors
    ///
    /// [`CompileError::Unbound`] if an output depends on a name that is no input, [`CompileError::Duplicate`] if two inputs
    /// have one name.
    pub fn compile<N: AsRef<str>>(graph: &Graph, outputs: &[ExprId], inputs: &[N]) -> Result<Program, CompileError> {
        compile::compile(graph, outputs, inputs)
    }

    /// How many inputs an evaluation takes.
    pub fn input_count(&self) -> usize {
        self.inputs
    }

    /// How many outputs it gives.
    pub fn output_count(&self) -> usize {
        self.outputs.len()
    }

    /// How many instructions it runs.
    pub fn instruction_count(&self) -> usize {
        match &self.code {
            Code::Narrow(code) => code.len(),
            Code::Wide(code) => code.len(),
        }
    }

    /// How many numbers it works on: inputs, constants and temporaries.
    pub fn register_count(&self) -> usize {
        self.registers
    }

    /// Memory for [`eval`](Program::eval), fitted to this program.
    pub fn registers<S: Elementary>(&self) -> Registers<S> {
        let mut registers = Registers::new();
        registers.fit(self);
        registers
    }

    /// Evaluates every output at `inputs`.
    ///
    /// * `inputs`: in the order they were named; `outputs`: overwritten.
    /// * `registers`: scratch. One that was made for another program is fitted to this one, which allocates; after that
    ///   nothing does.
    ///
    /// # Panics
    ///
    /// If `inputs` or `outputs` have another length than the program's.
    #[inline]
    pub fn eval<S: Elementary>(&self, inputs: &[S], outputs: &mut [S], registers: &mut Registers<S>) {
        assert_eq!(inputs.len(), self.inputs, "one value per input");
        self.eval_parts([inputs], outputs, registers);
    }

    /// Evaluates at the inputs that `parts` make one after the other; their lengths must add up to the inputs'.
    #[inline]
    pub(crate) fn eval_parts<S: Elementary, const P: usize>(
        &self,
        parts: [&[S]; P],
        outputs: &mut [S],
        registers: &mut Registers<S>,
    ) {
        assert_eq!(outputs.len(), self.outputs.len(), "one place per output");
        let file = registers.fit(self);
        match &self.code {
            Code::Narrow(code) => narrow(code, parts, file),
            Code::Wide(code) => wide(code, parts, file),
        }
        for (output, &place) in outputs.iter_mut().zip(&self.outputs) {
            *output = file[place as usize];
        }
    }

    /// The same, compiled for the widest vectors the processor has: for numbers that are several side by side.
    pub(crate) fn eval_parts_vectorised<S: Elementary, const P: usize>(
        &self,
        parts: [&[S]; P],
        outputs: &mut [S],
        registers: &mut Registers<S>,
    ) {
        assert_eq!(outputs.len(), self.outputs.len(), "one place per output");
        let file = registers.fit(self);
        vecfield_kernels::run(Vectorised { code: &self.code, parts, file });
        for (output, &place) in outputs.iter_mut().zip(&self.outputs) {
            *output = file[place as usize];
        }
    }
}

#[inline]
fn narrow<S: Elementary, const P: usize>(code: &[Instruction<u8>], parts: [&[S]; P], file: &mut [S]) {
    run::run_narrow(code, parts, file);
}

fn wide<S: Elementary, const P: usize>(code: &[Instruction<u32>], parts: [&[S]; P], file: &mut [S]) {
    run::run_wide(code, parts, file);
}

struct Vectorised<'a, S, const P: usize> {
    code: &'a Code,
    parts: [&'a [S]; P],
    file: &'a mut [S],
}

impl<S: Elementary, const P: usize> Job for Vectorised<'_, S, P> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        match self.code {
            Code::Narrow(code) => run::run_narrow(code, self.parts, self.file),
            Code::Wide(code) => run::run_wide(code, self.parts, self.file),
        }
    }
}
