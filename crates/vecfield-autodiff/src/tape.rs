//! A formula as the list of elementary operations it performs: the evaluation trace of Griewank–Walther, ch. 2.
//!
//! A tape is made by [recording](Tape::record) a formula over [`Var`](crate::Var), or operation by operation. It can be
//! evaluated over any number, [pulled back](Tape::pullback), and [expanded](crate::Series) order by order.

use vecfield_traits::Elementary;

/// What is done at one place of a [`Tape`]; operands are earlier places.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Operation {
    /// A number.
    Constant(f64),
    /// `-a`
    Neg(u32),
    /// `a + b`
    Add(u32, u32),
    /// `a - b`
    Sub(u32, u32),
    /// `a b`
    Mul(u32, u32),
    /// `a / b`
    Div(u32, u32),
    /// The smaller.
    Min(u32, u32),
    /// The larger.
    Max(u32, u32),
    /// 1 where `a > b`, else 0.
    Greater(u32, u32),
    /// `a` where `b > 0`, else 0.
    WherePositive(u32, u32),
    /// `aᵇ`
    Pow(u32, u32),
    /// `aⁿ`
    Powi(u32, i32),
    /// A function of one argument.
    Apply(Function, u32),
}

/// The elementary functions of one argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // named as in `Elementary`
pub enum Function {
    Exp,
    Ln,
    Sqrt,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Tanh,
    Abs,
    Sign,
}

impl Function {
    /// The value at `x`.
    #[inline]
    pub fn apply<S: Elementary>(self, x: S) -> S {
        match self {
            Function::Exp => x.exp(),
            Function::Ln => x.ln(),
            Function::Sqrt => x.sqrt(),
            Function::Sin => x.sin(),
            Function::Cos => x.cos(),
            Function::Tan => x.tan(),
            Function::Asin => x.asin(),
            Function::Acos => x.acos(),
            Function::Atan => x.atan(),
            Function::Sinh => x.sinh(),
            Function::Cosh => x.cosh(),
            Function::Tanh => x.tanh(),
            Function::Abs => x.abs(),
            Function::Sign => x.sign(),
        }
    }
}

impl Operation {
    /// The places it reads.
    pub fn operands(self) -> impl Iterator<Item = u32> {
        use Operation::*;
        let pair = match self {
            Constant(_) => [None; 2],
            Neg(a) | Powi(a, _) | Apply(_, a) => [Some(a), None],
            Add(a, b) | Sub(a, b) | Mul(a, b) | Div(a, b) | Min(a, b) | Max(a, b) => [Some(a), Some(b)],
            Greater(a, b) | WherePositive(a, b) | Pow(a, b) => [Some(a), Some(b)],
        };
        pair.into_iter().flatten()
    }

    /// The same operation on other places.
    pub(crate) fn renamed(self, mut at: impl FnMut(u32) -> u32) -> Operation {
        use Operation::*;
        match self {
            Constant(value) => Constant(value),
            Neg(a) => Neg(at(a)),
            Add(a, b) => Add(at(a), at(b)),
            Sub(a, b) => Sub(at(a), at(b)),
            Mul(a, b) => Mul(at(a), at(b)),
            Div(a, b) => Div(at(a), at(b)),
            Min(a, b) => Min(at(a), at(b)),
            Max(a, b) => Max(at(a), at(b)),
            Greater(a, b) => Greater(at(a), at(b)),
            WherePositive(a, b) => WherePositive(at(a), at(b)),
            Pow(a, b) => Pow(at(a), at(b)),
            Powi(a, n) => Powi(at(a), n),
            Apply(function, a) => Apply(function, at(a)),
        }
    }

    /// The value, with `at` the places before.
    #[inline]
    pub(crate) fn value<S: Elementary>(self, at: impl Fn(u32) -> S) -> S {
        match self {
            Operation::Constant(value) => S::constant(value),
            Operation::Neg(a) => -at(a),
            Operation::Add(a, b) => at(a) + at(b),
            Operation::Sub(a, b) => at(a) - at(b),
            Operation::Mul(a, b) => at(a) * at(b),
            Operation::Div(a, b) => at(a) / at(b),
            Operation::Min(a, b) => at(a).min(at(b)),
            Operation::Max(a, b) => at(a).max(at(b)),
            Operation::Greater(a, b) => at(a).greater(at(b)),
            Operation::WherePositive(a, b) => at(a).where_positive(at(b)),
            Operation::Pow(a, b) => at(a).powf(at(b)),
            Operation::Powi(a, n) => at(a).powi(n),
            Operation::Apply(function, a) => function.apply(at(a)),
        }
    }
}

/// Elementary operations in order; the places `0..inputs` are the inputs, operation `i` fills place `inputs + i`.
///
/// ```
/// use vecfield_autodiff::{Function, Operation, Tape};
///
/// // sin(x y), recorded and by hand.
/// let recorded = Tape::record(&[2.0, 3.0], 1, |x, y| y[0] = vecfield_traits::Elementary::sin(x[0] * x[1]));
/// let mut tape = Tape::new(2);
/// let product = tape.push(Operation::Mul(0, 1));
/// let sine = tape.push(Operation::Apply(Function::Sin, product));
/// tape.set_outputs([sine]);
/// assert_eq!(tape, recorded);
///
/// let mut places = vec![0.0; tape.len()];
/// tape.eval(&[0.5, 0.25], &mut places);
/// assert_eq!(places[sine as usize], 0.125_f64.sin());
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tape {
    pub(crate) inputs: usize,
    pub(crate) operations: Vec<Operation>,
    pub(crate) outputs: Vec<u32>,
}

impl Tape {
    /// No operation yet.
    pub fn new(inputs: usize) -> Tape {
        Tape { inputs, operations: Vec::new(), outputs: Vec::new() }
    }

    /// Adds an operation and says which place it fills.
    ///
    /// # Panics
    ///
    /// If it reads a place that is not filled.
    pub fn push(&mut self, operation: Operation) -> u32 {
        let place = self.len() as u32;
        assert!(operation.operands().all(|operand| operand < place), "an operation reads places before it");
        self.operations.push(operation);
        place
    }

    /// Says which places are the results.
    ///
    /// # Panics
    ///
    /// If one of them is not filled.
    pub fn set_outputs(&mut self, outputs: impl IntoIterator<Item = u32>) {
        self.outputs.clear();
        self.outputs.extend(outputs);
        assert!(
            self.outputs.iter().all(|&output| (output as usize) < self.len()),
            "an output is a place that is filled"
        );
    }

    /// The number of places: inputs and operations.
    pub fn len(&self) -> usize {
        self.inputs + self.operations.len()
    }

    /// Is there no place at all?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The places of the results.
    pub fn outputs(&self) -> &[u32] {
        &self.outputs
    }

    /// Fills every place, `[len]`, from the inputs.
    ///
    /// # Panics
    ///
    /// If a slice does not fit.
    pub fn eval<S: Elementary>(&self, inputs: &[S], places: &mut [S]) {
        assert_eq!((inputs.len(), places.len()), (self.inputs, self.len()), "one number a place");
        places[..self.inputs].copy_from_slice(inputs);
        for (i, operation) in self.operations.iter().enumerate() {
            places[self.inputs + i] = operation.value(|place| places[place as usize]);
        }
    }
}
