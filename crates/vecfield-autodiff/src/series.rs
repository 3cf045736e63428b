//! Taylor coefficients of the solution of `dy/dt = f(t, y)`, order by order.
//!
//! Every operation of a [`Tape`] finds its `k`-th coefficient from lower ones by one convolution, so once those of `y` are
//! known up to `k`, one pass over the tape gives those of `f`, and `y_{k+1} = f_k / (k + 1)`: `O(p²)` an operation for order
//! `p` (Moore 1966; Jorba–Zou 2005, section 2; Griewank–Walther, ch. 13).
//!
//! A coefficient is what lower ones give, a convolution of two rows, and a few products with those of its own order. All
//! convolutions of an order come first, four terms at a time in the widest registers the processor has, when nothing waits
//! for another; what is left is a pass of single operations. Products and sums are rounded apart and in one order, so every
//! machine gives the same bits.

mod convolution;
mod kinks;
mod lower;
mod recorded;
mod run;

use vecfield_kernels::run as dispatch;
use vecfield_traits::Real;

use crate::tape::{Function, Operation, Tape};
pub(crate) use recorded::RecordedSeries;
use run::Expansion;

/// A tape made ready for expansion.
///
/// ```
/// use vecfield_autodiff::{Function, Operation, Series, SeriesMemory, Tape};
///
/// // y' = y, y(0) = 1: the coefficients of eᵗ are 1/k!. The inputs of the tape are t and y.
/// let mut tape = Tape::new(2);
/// tape.set_outputs([1]);
/// let (series, mut memory) = (Series::new(&tape), SeriesMemory::new());
/// let mut coefficients = [0.0; 5];
/// series.expand(&mut memory, &[0.0, 1.0], 4, &mut coefficients);
/// assert_eq!(coefficients, [1.0, 1.0, 0.5, 1.0 / 6.0, 1.0 / 24.0]);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    inputs: usize,
    /// The operations on what does not move; their places follow the inputs.
    still: Vec<Operation>,
    /// What moves, in the order in which it can be worked out. The first rows are time's and the states'.
    steps: Vec<Step>,
    /// The steps to which lower orders contribute by more than one product, and how.
    pasts: Vec<(u32, Past)>,
    rows: usize,
    /// Rows and factors of the linear combinations.
    terms: Vec<(u32, u32)>,
    rates: Vec<Value>,
    /// Rows whose zeros are changes of branch.
    kinks: Vec<u32>,
}

/// A quantity: at a place if it does not move, or a row times a place.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Value {
    Still(u32),
    Moving { row: u32, factor: u32 },
}

/// How one row of coefficients follows from others.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Step {
    rule: Rule,
    row: u32,
}

/// The coefficients `cₖ` from the rows `a`, `b`, .. and the places `p`, `q`, ..
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Rule {
    /// `p`, standing still.
    Still(u32),
    /// `p a`
    Scaled(u32, u32),
    /// `p a + q b`: a, p, b, q. Once all rows are known, it is a [`Combination`](Rule::Combination).
    Sum(u32, u32, u32, u32),
    /// `p a + q`: a, p, q. Once all rows are known, it is a [`Combination`](Rule::Combination).
    Shifted(u32, u32, u32),
    /// `Σ p a + q`, with the terms `first .. first + count` and the place `q`.
    Combination { first: u32, count: u32, constant: u32 },
    /// `a b`
    Product(u32, u32),
    /// `a²`
    Square(u32),
    /// `1 + a²`
    OnePlusSquare(u32),
    /// `1 - a²`
    OneMinusSquare(u32),
    /// `a / b`
    Quotient(u32, u32),
    /// `1 / b`
    Inverse(u32),
    /// `√a`
    Root(u32),
    /// `aᵖ`: `k a₀ cₖ = Σ ((p + 1) j - k) a_j c_{k-j}`
    Power(u32, u32),
    /// `k aₖ`
    Slope(u32),
    /// A function of `a` with `c' = ± w a'`: `k cₖ = ± Σ d_j w_{k-j}`, `d` the slope row of `a`.
    Integral { function: Function, a: u32, slope: u32, w: u32, minus: bool },
    /// A function of `a` with `± c' = a' / w`: `k w₀ cₖ = ± (k aₖ - Σ d_j w_{k-j})`, with the slope `d` of `± c` in the next row.
    Antiquotient { function: Function, a: u32, w: u32, minus: bool },
    /// `|a|`
    Absolute(u32),
    /// `sign a`
    Sign(u32),
    /// The row with the smaller value.
    Smaller(u32, u32),
    /// The row with the larger value.
    Larger(u32, u32),
    /// 1 where the first row's value is the larger, else 0; standing still.
    Greater(u32, u32),
    /// The first row where the value of the second is positive.
    WherePositive(u32, u32),
}

impl Rule {
    /// The rows it reads, but for those of a combination.
    fn rows(self) -> [Option<u32>; 3] {
        match self {
            Rule::Still(_) | Rule::Combination { .. } => [None; 3],
            Rule::Scaled(a, _) | Rule::Shifted(a, ..) | Rule::Square(a) | Rule::OnePlusSquare(a) => {
                [Some(a), None, None]
            }
            Rule::OneMinusSquare(a) | Rule::Inverse(a) | Rule::Root(a) | Rule::Power(a, _) => [Some(a), None, None],
            Rule::Slope(a) | Rule::Absolute(a) | Rule::Sign(a) => [Some(a), None, None],
            Rule::Product(a, b) | Rule::Quotient(a, b) | Rule::Sum(a, _, b, _) => [Some(a), Some(b), None],
            Rule::Smaller(a, b) | Rule::Larger(a, b) | Rule::Antiquotient { a, w: b, .. } => [Some(a), Some(b), None],
            Rule::Greater(a, b) | Rule::WherePositive(a, b) => [Some(a), Some(b), None],
            Rule::Integral { a, slope, w, .. } => [Some(a), Some(slope), Some(w)],
        }
    }
}

/// A sum over lower orders.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Past {
    /// `Σ x_j y_{k-j}`
    Convolution(u32, u32),
    /// `Σ x_j x_{k-j}`
    Square(u32),
    /// `Σ ((p + 1) j - k) x_j y_{k-j}`: x, y, p.
    Weighted(u32, u32, u32),
}

/// The memory of an expansion, for any series and any order.
#[derive(Debug, Clone, Default)]
pub struct SeriesMemory<R> {
    /// The inputs and what does not move.
    places: Vec<R>,
    /// All rows, each with its coefficients one after the other.
    file: Vec<R>,
    /// All rows' coefficients of order zero, and of the order being worked out.
    heads: Vec<R>,
    now: Vec<R>,
    /// The factors of all terms.
    factors: Vec<R>,
    /// What lower orders contribute to each step, and one over what it divides by.
    histories: Vec<R>,
    inverses: Vec<R>,
    /// `k` and `1/k`.
    numbers: Vec<R>,
    reciprocals: Vec<R>,
    /// The highest order expanded last.
    order: usize,
}

impl<R> SeriesMemory<R> {
    /// No memory yet: the first expansion takes what it needs, and so does one of a higher order.
    pub fn new() -> SeriesMemory<R> {
        let none = Vec::new;
        SeriesMemory {
            places: none(),
            file: none(),
            heads: none(),
            now: none(),
            factors: none(),
            histories: none(),
            inverses: none(),
            numbers: none(),
            reciprocals: none(),
            order: 0,
        }
    }
}

impl Series {
    /// Makes ready the field whose tape has the inputs `t`, then the `n` states, then parameters that do not move, and the
    /// `n` rates as outputs.
    ///
    /// # Panics
    ///
    /// If the tape has no input for the time and for each rate's state.
    pub fn new(tape: &Tape) -> Series {
        assert!(tape.outputs.len() < tape.inputs, "the inputs are the time, a state for each rate, and parameters");
        lower::lower(tape)
    }

    /// How many series are propagated.
    pub fn row_count(&self) -> usize {
        self.rows
    }

    /// Can an `abs`, `sign`, `min`, `max`, comparison or selection change its branch along a solution?
    pub fn has_kinks(&self) -> bool {
        !self.kinks.is_empty()
    }

    /// Writes `y_i⁽ᵏ⁾ / k!` to `coefficients[k n + i]` for `k ≤ order`, along the solution through `inputs`: `t`, then the
    /// state, then the parameters.
    ///
    /// # Panics
    ///
    /// If a slice does not fit.
    pub fn expand<R: Real>(&self, memory: &mut SeriesMemory<R>, inputs: &[R], order: usize, coefficients: &mut [R]) {
        let n = self.rates.len();
        assert_eq!((inputs.len(), coefficients.len()), (self.inputs, (order + 1) * n), "one number a coefficient");
        self.stills(memory, inputs);
        dispatch(Expansion { series: self, memory, order, coefficients });
    }

    /// What does not move.
    fn stills<R: Real>(&self, memory: &mut SeriesMemory<R>, inputs: &[R]) {
        memory.places.resize(self.inputs + self.still.len(), R::zero());
        memory.places[..self.inputs].copy_from_slice(inputs);
        for (i, operation) in self.still.iter().enumerate() {
            let value = operation.value(|place| memory.places[place as usize]);
            memory.places[self.inputs + i] = value;
        }
    }
}
