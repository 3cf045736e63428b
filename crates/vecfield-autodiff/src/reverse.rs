//! Reverse mode: cotangents pulled back along a [`Tape`], each operation once (Griewank–Walther, ch. 3, the reverse mode).

use vecfield_traits::{Elementary, Scalar};

use crate::dual::vanishes;
use crate::tape::{Function, Operation, Tape};

impl Tape {
    /// Adds to `cotangents`, `[len]`, what each place owes to the places that use it, from the last back to the inputs.
    ///
    /// * `places`: filled by [`eval`](Tape::eval).
    /// * `cotangents`: on entry those of the outputs, at their places, and zero elsewhere; on return those of the inputs
    ///   come first, and those of every other place have been passed on.
    ///
    /// Over `S = Dual<f64, N>` this gives second derivatives: Hessian–vector products by forward over reverse.
    ///
    /// ```
    /// use vecfield_autodiff::Tape;
    ///
    /// // x² y at (3, 5): the gradient is (2 x y, x²).
    /// let tape = Tape::record(&[3.0, 5.0], 1, |x, y| y[0] = x[0] * x[0] * x[1]);
    /// let (mut places, mut cotangents) = (vec![0.0; tape.len()], vec![0.0; tape.len()]);
    /// tape.eval(&[3.0, 5.0], &mut places);
    /// cotangents[tape.outputs()[0] as usize] = 1.0;
    /// tape.pullback(&places, &mut cotangents);
    /// assert_eq!(cotangents[..2], [30.0, 9.0]);
    /// ```
    ///
    /// # Panics
    ///
    /// If a slice does not fit.
    pub fn pullback<S: Elementary>(&self, places: &[S], cotangents: &mut [S]) {
        assert_eq!((places.len(), cotangents.len()), (self.len(), self.len()), "one number a place");
        for (i, &operation) in self.operations.iter().enumerate().rev() {
            let place = self.inputs + i;
            let bar = cotangents[place];
            // What nothing depends on has no slope to pass on, were it infinite.
            if vanishes(&bar) {
                continue;
            }
            pull(operation, places[place], bar, &|place| places[place as usize], &mut |place, bar| {
                cotangents[place as usize] += bar;
            });
        }
    }
}

/// Gives each operand its share of the cotangent `bar` of `value`.
fn pull<S: Elementary>(operation: Operation, value: S, bar: S, at: &impl Fn(u32) -> S, add: &mut impl FnMut(u32, S)) {
    match operation {
        Operation::Constant(_) => {}
        Operation::Neg(a) => add(a, -bar),
        Operation::Add(a, b) => {
            add(a, bar);
            add(b, bar);
        }
        Operation::Sub(a, b) => {
            add(a, bar);
            add(b, -bar);
        }
        Operation::Mul(a, b) => {
            add(a, bar * at(b));
            add(b, bar * at(a));
        }
        Operation::Div(a, b) => {
            let share = bar / at(b);
            add(a, share);
            add(b, -share * value);
        }
        Operation::Min(a, b) => {
            let (x, y) = (at(a).value(), at(b).value());
            add(if x < y { a } else { b }, bar);
        }
        Operation::Max(a, b) => {
            let (x, y) = (at(a).value(), at(b).value());
            add(if x > y { a } else { b }, bar);
        }
        Operation::Greater(..) => {}
        Operation::WherePositive(a, b) => add(a, bar.where_positive(at(b))),
        Operation::Pow(a, b) => {
            let [base, exponent] = power_slopes(at(a), at(b), value);
            add(a, bar * base);
            add(b, bar * exponent);
        }
        Operation::Powi(a, n) => add(a, bar * whole_power_slope(at(a), n, value)),
        Operation::Apply(function, a) => {
            let slope = slope(function, at(a), value);
            add(a, bar * slope);
        }
    }
}

/// The slope of `xⁿ`, given that.
pub(crate) fn whole_power_slope<S: Elementary>(x: S, n: i32, value: S) -> S {
    if n == 0 {
        return S::zero();
    }
    let slope = n.checked_sub(1).map_or_else(|| value / x, |below| x.powi(below));
    slope.scale(S::Real::constant(f64::from(n)))
}

/// The slopes of `xᵉ`, given that: `e x^(e-1)` by the base, and `xᵉ ln x` by the exponent, unless the base is at or below zero,
/// where only whole constant exponents have a derivative.
pub(crate) fn power_slopes<S: Elementary>(x: S, e: S, value: S) -> [S; 2] {
    let base = if vanishes(&e) { S::zero() } else { e * x.powf(e - S::one()) };
    let exponent = if x.value() > <S::Real as Scalar>::zero() { value * x.ln() } else { S::zero() };
    [base, exponent]
}

/// `g'(x)`, given `g(x)`.
pub(crate) fn slope<S: Elementary>(function: Function, x: S, value: S) -> S {
    let one = S::one();
    match function {
        Function::Exp => value,
        Function::Ln => one / x,
        Function::Sqrt => S::constant(0.5) / value,
        Function::Sin => x.cos(),
        Function::Cos => -x.sin(),
        Function::Tan => one + value * value,
        Function::Asin => one / ((one - x) * (one + x)).sqrt(),
        Function::Acos => -one / ((one - x) * (one + x)).sqrt(),
        Function::Atan => one / (one + x * x),
        Function::Sinh => x.cosh(),
        Function::Cosh => x.sinh(),
        Function::Tanh => one - value * value,
        Function::Abs => x.sign(),
        Function::Sign => S::zero(),
    }
}
