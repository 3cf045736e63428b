//! From a tape to rows and rules. What does not move is left out, what is wanted twice is kept once, and constant factors
//! are carried beside the rows, so that sign changes and multiples cost nothing and `m dx/r³` and `-M dx/r³` share a row.

use std::collections::HashMap;

use super::{Past, Rule, Series, Step, Value};
use crate::tape::{Function, Operation, Tape};

pub(super) fn lower(tape: &Tape) -> Series {
    let mut lowering = Lowering::new(tape.inputs);
    let one = lowering.constant(1.0);
    // Time and the states move; parameters do not.
    for place in 0..tape.inputs {
        let moves = place <= tape.outputs.len();
        lowering.values.push(if moves {
            Value::Moving { row: place as u32, factor: one }
        } else {
            Value::Still(place as u32)
        });
    }
    lowering.rows = tape.outputs.len() as u32 + 1;
    let live = live(tape);
    for (i, &operation) in tape.operations.iter().enumerate() {
        let value = if live[tape.inputs + i] { lowering.operation(operation) } else { Value::Still(one) };
        lowering.values.push(value);
    }
    let rates: Vec<Value> = tape.outputs.iter().map(|&output| lowering.values[output as usize]).collect();
    lowering.prune(&rates);
    let terms = lowering.combine(&rates);
    let Lowering { still, steps, rows, kinks, .. } = lowering;
    let past = |(i, step): (usize, &Step)| Some((i as u32, past(step)?));
    let pasts = steps.iter().enumerate().filter_map(past).collect();
    Series { inputs: tape.inputs, still: still.operations, steps, pasts, rows: rows as usize, terms, rates, kinks }
}

/// What lower orders contribute to a step.
fn past(step: &Step) -> Option<Past> {
    Some(match step.rule {
        Rule::Product(a, b) => Past::Convolution(a, b),
        Rule::Square(a) | Rule::OnePlusSquare(a) | Rule::OneMinusSquare(a) => Past::Square(a),
        Rule::Quotient(_, b) | Rule::Inverse(b) => Past::Convolution(b, step.row),
        Rule::Root(_) => Past::Square(step.row),
        Rule::Power(a, p) => Past::Weighted(a, step.row, p),
        Rule::Integral { slope, w, .. } => Past::Convolution(slope, w),
        Rule::Antiquotient { w, .. } => Past::Convolution(step.row + 1, w),
        _ => return None,
    })
}

/// Which places the outputs depend on.
fn live(tape: &Tape) -> Vec<bool> {
    let mut live = vec![false; tape.len()];
    for &output in &tape.outputs {
        live[output as usize] = true;
    }
    for (i, operation) in tape.operations.iter().enumerate().rev() {
        if live[tape.inputs + i] {
            operation.operands().for_each(|operand| live[operand as usize] = true);
        }
    }
    live
}

struct Lowering {
    values: Vec<Value>,
    /// The operations on what does not move.
    still: Tape,
    places: HashMap<(u8, u64, u64), u32>,
    steps: Vec<Step>,
    /// The row of each rule and of each function of a row that has one.
    known: HashMap<Rule, u32>,
    functions: HashMap<(Function, u32), u32>,
    rows: u32,
    kinks: Vec<u32>,
}

impl Lowering {
    fn new(inputs: usize) -> Lowering {
        Lowering {
            values: Vec::new(),
            still: Tape::new(inputs),
            places: HashMap::new(),
            steps: Vec::new(),
            known: HashMap::new(),
            functions: HashMap::new(),
            rows: 0,
            kinks: Vec::new(),
        }
    }

    /// A place for what does not move, with what is known worked out.
    fn still(&mut self, operation: Operation) -> u32 {
        let known = operation.operands().all(|operand| self.number(operand).is_some());
        let operation = match operation {
            Operation::Constant(_) => operation,
            _ if known => Operation::Constant(operation.value(|operand| self.number(operand).unwrap_or(f64::NAN))),
            _ => operation,
        };
        let still = &mut self.still;
        *self.places.entry(key(operation)).or_insert_with(|| still.push(operation))
    }

    fn constant(&mut self, value: f64) -> u32 {
        self.still(Operation::Constant(value))
    }

    /// The number a place is, if it is known.
    fn number(&self, place: u32) -> Option<f64> {
        let at = (place as usize).checked_sub(self.still.inputs)?;
        if let Operation::Constant(value) = self.still.operations[at] { Some(value) } else { None }
    }

    fn times(&mut self, a: u32, b: u32) -> u32 {
        match (self.number(a), self.number(b)) {
            (Some(1.0), _) => b,
            (_, Some(1.0)) => a,
            _ => self.still(Operation::Mul(a, b)),
        }
    }

    /// Is a factor too large to be carried along?
    fn overflows(&self, factor: u32) -> bool {
        self.number(factor).is_some_and(|factor| !factor.is_finite())
    }

    fn over(&mut self, a: u32, b: u32) -> u32 {
        if self.number(b) == Some(1.0) { a } else { self.still(Operation::Div(a, b)) }
    }

    /// The row that follows this rule, which may be there already.
    fn row(&mut self, rule: Rule) -> u32 {
        if let Some(&row) = self.known.get(&rule) {
            return row;
        }
        let row = self.rows;
        self.rows += 1;
        self.steps.push(Step { rule, row });
        self.known.insert(rule, row);
        row
    }

    /// A row as a value.
    fn value(&mut self, rule: Rule) -> Value {
        Value::Moving { row: self.row(rule), factor: self.constant(1.0) }
    }

    /// The row of a value itself, its factor included.
    fn whole(&mut self, value: Value) -> u32 {
        match value {
            Value::Still(place) => self.row(Rule::Still(place)),
            Value::Moving { row, factor } if self.number(factor) == Some(1.0) => row,
            Value::Moving { row, factor } => self.row(Rule::Scaled(row, factor)),
        }
    }

    fn operation(&mut self, operation: Operation) -> Value {
        let values: Vec<Value> = operation.operands().map(|operand| self.values[operand as usize]).collect();
        let places: Option<Vec<u32>> =
            values.iter().map(|value| if let Value::Still(place) = value { Some(*place) } else { None }).collect();
        if let Some(places) = places {
            let mut next = places.into_iter();
            return Value::Still(self.still(operation.renamed(|_| next.next().expect("a place for each operand"))));
        }
        let (a, b) = (values[0], values.get(1).copied().unwrap_or(values[0]));
        match operation {
            Operation::Constant(_) => unreachable!("a constant does not move"),
            Operation::Neg(_) => self.multiple(a, -1.0),
            Operation::Add(..) => self.sum(a, b),
            Operation::Sub(..) => {
                let b = self.multiple(b, -1.0);
                self.sum(a, b)
            }
            Operation::Mul(..) => self.product(a, b),
            Operation::Div(..) => self.quotient(a, b),
            Operation::Min(..) => self.choice(a, b, Rule::Smaller),
            Operation::Max(..) => self.choice(a, b, Rule::Larger),
            Operation::Greater(..) => self.choice(a, b, Rule::Greater),
            Operation::WherePositive(..) => {
                let (a, b) = (self.whole(a), self.whole(b));
                self.kinks.push(b);
                self.value(Rule::WherePositive(a, b))
            }
            Operation::Pow(..) => self.power(a, b),
            Operation::Powi(_, n) => self.whole_power(a, n),
            Operation::Apply(function, _) => {
                let a = self.whole(a);
                self.function(function, a)
            }
        }
    }

    fn multiple(&mut self, value: Value, by: f64) -> Value {
        let by = self.constant(by);
        match value {
            Value::Still(place) => Value::Still(self.times(place, by)),
            Value::Moving { row, factor } => Value::Moving { row, factor: self.times(factor, by) },
        }
    }

    /// `a + b`, and its opposite where that is there already.
    fn sum(&mut self, a: Value, b: Value) -> Value {
        let rule = self.sum_rule(a, b);
        if self.known.contains_key(&rule) {
            return self.value(rule);
        }
        let (minus_a, minus_b) = (self.multiple(a, -1.0), self.multiple(b, -1.0));
        let opposite = self.sum_rule(minus_a, minus_b);
        match self.known.get(&opposite) {
            Some(&row) => Value::Moving { row, factor: self.constant(-1.0) },
            None => self.value(rule),
        }
    }

    fn sum_rule(&mut self, a: Value, b: Value) -> Rule {
        match (a, b) {
            (Value::Moving { row: a, factor: p }, Value::Moving { row: b, factor: q }) => {
                // Sums commute exactly.
                if (a, p) <= (b, q) { Rule::Sum(a, p, b, q) } else { Rule::Sum(b, q, a, p) }
            }
            (Value::Moving { row, factor }, Value::Still(place))
            | (Value::Still(place), Value::Moving { row, factor }) => Rule::Shifted(row, factor, place),
            (Value::Still(_), Value::Still(_)) => unreachable!("what does not move has no row"),
        }
    }

    fn product(&mut self, a_value: Value, b_value: Value) -> Value {
        match (a_value, b_value) {
            (Value::Moving { row: a, factor: p }, Value::Moving { row: b, factor: q }) => {
                let factor = self.times(p, q);
                if self.overflows(factor) {
                    let (a, b) = (self.whole(a_value), self.whole(b_value));
                    return self.value(Rule::Product(a, b));
                }
                let rule = if a == b { Rule::Square(a) } else { Rule::Product(a.min(b), a.max(b)) };
                Value::Moving { row: self.row(rule), factor }
            }
            (Value::Moving { row, factor }, Value::Still(place))
            | (Value::Still(place), Value::Moving { row, factor }) => {
                let together = self.times(factor, place);
                if self.overflows(together) {
                    let row = self.row(Rule::Scaled(row, factor));
                    return Value::Moving { row, factor: place };
                }
                Value::Moving { row, factor: together }
            }
            (Value::Still(a), Value::Still(b)) => Value::Still(self.times(a, b)),
        }
    }

    fn quotient(&mut self, a: Value, b: Value) -> Value {
        match (a, b) {
            (Value::Moving { row: a, factor: p }, Value::Moving { row: b, factor: q }) => {
                let factor = self.over(p, q);
                Value::Moving { row: self.row(Rule::Quotient(a, b)), factor }
            }
            (Value::Moving { row, factor }, Value::Still(place)) => {
                Value::Moving { row, factor: self.over(factor, place) }
            }
            (Value::Still(place), Value::Moving { row, factor }) => {
                let factor = self.over(place, factor);
                // One over a power is a power.
                let rule = match self.rule_of(row) {
                    Some(Rule::Power(a, e)) => {
                        let minus = self.constant(-1.0);
                        Rule::Power(a, self.times(e, minus))
                    }
                    _ => Rule::Inverse(row),
                };
                Value::Moving { row: self.row(rule), factor }
            }
            (Value::Still(a), Value::Still(b)) => Value::Still(self.over(a, b)),
        }
    }

    fn rule_of(&self, row: u32) -> Option<Rule> {
        self.steps.iter().rev().find(|step| step.row == row).map(|step| step.rule)
    }

    /// The smaller or larger of two, or whether one is; their difference is watched for a change of branch.
    fn choice(&mut self, a: Value, b: Value, rule: fn(u32, u32) -> Rule) -> Value {
        let (a, b) = (self.whole(a), self.whole(b));
        let (plus, minus) = (self.constant(1.0), self.constant(-1.0));
        let difference = self.row(Rule::Sum(a, plus, b, minus));
        self.kinks.push(difference);
        self.value(rule(a, b))
    }

    fn power(&mut self, a: Value, e: Value) -> Value {
        let Value::Still(place) = e else {
            // A variable exponent: exp(e ln a).
            let ln = match a {
                Value::Still(a) => Value::Still(self.still(Operation::Apply(Function::Ln, a))),
                Value::Moving { .. } => {
                    let a = self.whole(a);
                    self.function(Function::Ln, a)
                }
            };
            let exponent = self.product(ln, e);
            let exponent = self.whole(exponent);
            return self.function(Function::Exp, exponent);
        };
        match self.number(place) {
            Some(e) if e.fract() == 0.0 && e.abs() <= 64.0 => self.whole_power(a, e as i32),
            _ => {
                let a = self.whole(a);
                self.value(Rule::Power(a, place))
            }
        }
    }

    /// `aⁿ`: products for a positive `n`, which may then have any base.
    fn whole_power(&mut self, a: Value, n: i32) -> Value {
        match n {
            0 => Value::Still(self.constant(1.0)),
            1 => a,
            -1 => {
                let one = Value::Still(self.constant(1.0));
                self.quotient(one, a)
            }
            ..=-2 => {
                let (a, e) = (self.whole(a), self.constant(f64::from(n)));
                self.value(Rule::Power(a, e))
            }
            _ => {
                let half = self.whole_power(a, n / 2);
                let square = self.product(half, half);
                if n % 2 == 1 { self.product(a, square) } else { square }
            }
        }
    }

    /// A function of a row; with sine comes cosine, each the other's slope.
    fn function(&mut self, function: Function, a: u32) -> Value {
        if !self.functions.contains_key(&(function, a)) {
            self.add_function(function, a);
        }
        Value::Moving { row: self.functions[&(function, a)], factor: self.constant(1.0) }
    }

    fn add_function(&mut self, function: Function, a: u32) {
        let row = match function {
            Function::Exp | Function::Tan | Function::Tanh => {
                let slope = self.row(Rule::Slope(a));
                let row = self.rows;
                let w = if function == Function::Exp { row } else { row + 1 };
                self.row(Rule::Integral { function, a, slope, w, minus: false });
                match function {
                    Function::Tan => self.row(Rule::OnePlusSquare(row)),
                    Function::Tanh => self.row(Rule::OneMinusSquare(row)),
                    _ => row,
                };
                row
            }
            Function::Sin | Function::Cos => return self.add_pair(a, [Function::Sin, Function::Cos], true),
            Function::Sinh | Function::Cosh => return self.add_pair(a, [Function::Sinh, Function::Cosh], false),
            Function::Ln => self.antiquotient(function, a, a, false),
            Function::Atan => {
                let w = self.row(Rule::OnePlusSquare(a));
                self.antiquotient(function, a, w, false)
            }
            Function::Asin | Function::Acos => {
                let square = self.row(Rule::OneMinusSquare(a));
                let w = self.row(Rule::Root(square));
                self.antiquotient(function, a, w, function == Function::Acos)
            }
            Function::Sqrt => self.row(Rule::Root(a)),
            Function::Abs | Function::Sign => {
                self.kinks.push(a);
                self.row(if function == Function::Abs { Rule::Absolute(a) } else { Rule::Sign(a) })
            }
        };
        self.functions.insert((function, a), row);
    }

    /// `S' = C a'` and `C' = ± S a'`.
    fn add_pair(&mut self, a: u32, [sine, cosine]: [Function; 2], minus: bool) {
        let slope = self.row(Rule::Slope(a));
        let (s, c) = (self.rows, self.rows + 1);
        self.row(Rule::Integral { function: sine, a, slope, w: c, minus: false });
        self.row(Rule::Integral { function: cosine, a, slope, w: s, minus });
        self.functions.extend([((sine, a), s), ((cosine, a), c)]);
    }

    /// `c' = ± a' / w`; the row after that of `c` is the slope of `± c`.
    fn antiquotient(&mut self, function: Function, a: u32, w: u32, minus: bool) -> u32 {
        let row = self.row(Rule::Antiquotient { function, a, w, minus });
        self.rows += 1;
        row
    }
}

impl Lowering {
    /// Leaves out rows that nothing reads any more.
    fn prune(&mut self, rates: &[Value]) {
        let mut read = vec![false; self.rows as usize];
        let rates =
            rates.iter().filter_map(|rate| if let Value::Moving { row, .. } = rate { Some(*row) } else { None });
        rates.chain(self.kinks.iter().copied()).for_each(|row| read[row as usize] = true);
        // A function and its slope read each other.
        for step in &self.steps {
            if let Rule::Integral { w, .. } = step.rule {
                read[w as usize] = true;
            }
        }
        for step in self.steps.iter().rev() {
            if read[step.row as usize] {
                step.rule.rows().into_iter().flatten().for_each(|row| read[row as usize] = true);
            }
        }
        self.steps.retain(|step| read[step.row as usize]);
    }

    /// Makes sums of sums linear combinations of many terms, and returns the terms of all.
    fn combine(&mut self, rates: &[Value]) -> Vec<(u32, u32)> {
        let uses = self.uses(rates);
        let mut sums: HashMap<u32, (Vec<(u32, u32)>, u32)> = HashMap::new();
        let (mut kept, mut all) = (Vec::with_capacity(self.steps.len()), Vec::new());
        for step in core::mem::take(&mut self.steps) {
            let (parts, constant) = match step.rule {
                Rule::Sum(a, p, b, q) => (vec![(a, p), (b, q)], self.constant(0.0)),
                Rule::Shifted(a, p, q) => (vec![(a, p)], q),
                _ => {
                    kept.push(step);
                    continue;
                }
            };
            let mut sum = (Vec::new(), constant);
            for (row, factor) in parts {
                // A sum that is read here alone is part of this one.
                match sums.remove(&row) {
                    Some((terms, constant)) => {
                        for (row, inner) in terms {
                            sum.0.push((row, self.times(inner, factor)));
                        }
                        if self.number(constant) != Some(0.0) {
                            let constant = self.times(constant, factor);
                            sum.1 = self.plus(sum.1, constant);
                        }
                    }
                    None => sum.0.push((row, factor)),
                }
            }
            if uses.get(&step.row) == Some(&Use::BySum) {
                sums.insert(step.row, sum);
            } else {
                let (first, count) = (all.len() as u32, sum.0.len() as u32);
                all.extend(sum.0);
                kept.push(Step { rule: Rule::Combination { first, count, constant: sum.1 }, row: step.row });
            }
        }
        self.steps = kept;
        all
    }

    /// How each row is read.
    fn uses(&self, rates: &[Value]) -> HashMap<u32, Use> {
        let mut uses = HashMap::new();
        let mut read = |row: u32, by: Use| {
            uses.entry(row).and_modify(|used| *used = Use::Otherwise).or_insert(by);
        };
        for step in &self.steps {
            match step.rule {
                Rule::Sum(a, _, b, _) => {
                    read(a, Use::BySum);
                    read(b, Use::BySum);
                }
                Rule::Shifted(a, ..) => read(a, Use::BySum),
                rule => rule.rows().into_iter().flatten().for_each(|row| read(row, Use::Otherwise)),
            }
        }
        for rate in rates {
            if let Value::Moving { row, .. } = *rate {
                read(row, Use::Otherwise);
            }
        }
        self.kinks.iter().for_each(|&row| read(row, Use::Otherwise));
        uses
    }

    fn plus(&mut self, a: u32, b: u32) -> u32 {
        match (self.number(a), self.number(b)) {
            (Some(0.0), _) => b,
            (_, Some(0.0)) => a,
            _ => self.still(Operation::Add(a, b)),
        }
    }
}

/// Who reads a row: one sum, or others too.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Use {
    BySum,
    Otherwise,
}

/// Equal for operations that give the same number.
fn key(operation: Operation) -> (u8, u64, u64) {
    use Operation::*;
    // Sums and products commute exactly.
    let both = |a: u32, b: u32| (u64::from(a.min(b)), u64::from(a.max(b)));
    let (code, (a, b)) = match operation {
        Constant(value) => (0, (value.to_bits(), 0)),
        Neg(a) => (1, (a.into(), 0)),
        Add(a, b) => (2, both(a, b)),
        Sub(a, b) => (3, (a.into(), b.into())),
        Mul(a, b) => (4, both(a, b)),
        Div(a, b) => (5, (a.into(), b.into())),
        Min(a, b) => (6, (a.into(), b.into())),
        Max(a, b) => (7, (a.into(), b.into())),
        Pow(a, b) => (8, (a.into(), b.into())),
        Powi(a, n) => (9, (a.into(), n as u64)),
        Apply(function, a) => (10, (a.into(), function as u64)),
        Greater(a, b) => (11, (a.into(), b.into())),
        WherePositive(a, b) => (12, (a.into(), b.into())),
    };
    (code, a, b)
}
