//! From graph to program: fold constants, choose instructions, give every value a place.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use super::instruction::{Instruction, Op};
use super::{Code, Program};
use crate::error::CompileError;
use crate::graph::{ExprId, Graph, Node, Reachable};
use crate::op::{Binary, Power, Unary, power};

/// A value before it has a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Value {
    Input(u32),
    Constant(u32),
    /// The result of the instruction of this number.
    Result(u32),
}

pub(super) fn compile<N: AsRef<str>>(graph: &Graph, outputs: &[ExprId], inputs: &[N]) -> Result<Program, CompileError> {
    let order = graph.reachable(outputs);
    let mut selection = Selection::new(graph, &order, outputs, inputs)?;
    selection.absorb();
    selection.emit_all();
    let outputs: Vec<Value> = outputs.iter().map(|&id| selection.value_of(id)).collect();
    let Selection { constants, code, .. } = selection;
    Ok(place(inputs.len(), constants, &code, &outputs))
}

/// Which instruction each node becomes.
struct Selection<'a> {
    graph: &'a Graph,
    order: &'a Reachable,
    inputs: HashMap<&'a str, u32>,
    /// The number a node is, where it depends on no input.
    folded: Vec<Option<f64>>,
    /// How many nodes and outputs read a node.
    readers: Vec<u32>,
    /// Nodes that are part of their only reader's instruction.
    absorbed: Vec<bool>,
    values: Vec<Option<Value>>,
    constants: Vec<f64>,
    places: HashMap<u64, u32>,
    code: Vec<Instruction<Value>>,
}

impl<'a> Selection<'a> {
    fn new<N: AsRef<str>>(
        graph: &'a Graph,
        order: &'a Reachable,
        outputs: &[ExprId],
        inputs: &'a [N],
    ) -> Result<Selection<'a>, CompileError> {
        let mut numbers = HashMap::new();
        for (i, name) in inputs.iter().enumerate() {
            if numbers.insert(name.as_ref(), i as u32).is_some() {
                return Err(CompileError::Duplicate { name: name.as_ref().to_owned() });
            }
        }
        let n = order.len();
        let mut selection = Selection {
            graph,
            order,
            inputs: numbers,
            folded: Vec::with_capacity(n),
            readers: vec![0; n],
            absorbed: vec![false; n],
            values: vec![None; n],
            constants: Vec::new(),
            places: HashMap::new(),
            code: Vec::new(),
        };
        for &id in order.ids() {
            let folded = selection.fold(id)?;
            selection.folded.push(folded);
        }
        selection.count_readers(outputs);
        Ok(selection)
    }

    /// The number `id` is, if its arguments are.
    fn fold(&self, id: ExprId) -> Result<Option<f64>, CompileError> {
        let known = |id| self.folded[self.order.position(id)];
        Ok(match self.graph.node(id) {
            Node::Constant(value) => Some(value),
            Node::Symbol(symbol) => {
                let name = self.graph.name(symbol);
                if !self.inputs.contains_key(name) {
                    return Err(CompileError::Unbound { name: name.to_owned() });
                }
                None
            }
            Node::Unary(op, x) => known(x).map(|x| op.apply(x)),
            Node::Binary(Binary::Pow, a, b) => known(a).zip(known(b)).map(|(a, b)| power(a, b)),
            Node::Binary(op, a, b) => known(a).zip(known(b)).map(|(a, b)| op.apply(a, b)),
        })
    }

    /// Counts over what is left after folding: a node that only folded ones read is read by none.
    fn count_readers(&mut self, outputs: &[ExprId]) {
        for &id in outputs {
            self.readers[self.order.position(id)] += 1;
        }
        for (at, &id) in self.order.ids().iter().enumerate().rev() {
            if self.readers[at] > 0 && self.folded[at].is_none() {
                for argument in self.graph.arguments(id) {
                    self.readers[self.order.position(argument)] += 1;
                }
            }
        }
    }

    /// From the outputs down, lets each node take over arguments that it alone reads.
    fn absorb(&mut self) {
        for (at, &id) in self.order.ids().iter().enumerate().rev() {
            if self.readers[at] == 0 || self.folded[at].is_some() || self.absorbed[at] {
                continue;
            }
            let Node::Binary(op, a, b) = self.graph.node(id) else { continue };
            let (product_a, product_b) = (self.takes(a, &[Binary::Mul]), self.takes(b, &[Binary::Mul]));
            let taken: &[ExprId] = match op {
                Binary::Add | Binary::Sub if product_a && product_b => &[a, b],
                Binary::Add | Binary::Sub if product_b => &[b],
                Binary::Add | Binary::Sub if product_a => &[a],
                Binary::Add if self.takes(a, &[Binary::Add]) => &[a],
                Binary::Mul if self.takes(a, &[Binary::Add, Binary::Sub, Binary::Mul]) => &[a],
                Binary::Mul if self.takes(b, &[Binary::Add, Binary::Sub]) => &[b],
                _ => &[],
            };
            for &id in taken {
                self.absorbed[self.order.position(id)] = true;
            }
        }
    }

    /// Is `id` one of these operations, and read only once?
    fn takes(&self, id: ExprId, ops: &[Binary]) -> bool {
        let at = self.order.position(id);
        let fits = matches!(self.graph.node(id), Node::Binary(op, ..) if ops.contains(&op));
        fits && self.readers[at] == 1 && self.folded[at].is_none()
    }

    fn emit_all(&mut self) {
        for (at, &id) in self.order.ids().iter().enumerate() {
            if self.readers[at] == 0 || self.absorbed[at] {
                continue;
            }
            let value = match (self.folded[at], self.graph.node(id)) {
                (Some(value), _) => self.constant(value),
                (None, Node::Symbol(symbol)) => Value::Input(self.inputs[self.graph.name(symbol)]),
                (None, Node::Unary(op, x)) => {
                    let x = self.value_of(x);
                    self.emit(Op::Apply(op), [x; 4], 0)
                }
                (None, Node::Binary(Binary::Pow, a, b)) => self.emit_power(a, b),
                (None, Node::Binary(op, a, b)) => self.emit_binary(op, a, b),
                (None, Node::Constant(_)) => unreachable!("a constant is folded"),
            };
            self.values[at] = Some(value);
        }
    }

    fn emit_power(&mut self, base: ExprId, exponent: ExprId) -> Value {
        let folded = self.folded[self.order.position(exponent)];
        let x = self.value_of(base);
        match folded.map(Power::of) {
            Some(Power::Integral(0)) => self.constant(1.0),
            Some(Power::Integral(1)) => x,
            Some(Power::Integral(2)) => self.emit(Op::Square, [x; 4], 0),
            Some(Power::Integral(3)) => self.emit(Op::Cube, [x; 4], 0),
            Some(Power::Integral(-1)) => self.emit(Op::Reciprocal, [x; 4], 0),
            Some(Power::Integral(n)) => self.emit(Op::Integral, [x; 4], n),
            Some(Power::HalfIntegral { whole, inverse }) => {
                let power = if whole == 0 {
                    self.emit(Op::Apply(Unary::Sqrt), [x; 4], 0)
                } else {
                    self.emit(Op::HalfIntegral, [x; 4], whole)
                };
                if inverse { self.emit(Op::Reciprocal, [power; 4], 0) } else { power }
            }
            Some(Power::General(_)) | None => {
                let exponent = self.value_of(exponent);
                self.emit(Op::Pow, [x, exponent, x, x], 0)
            }
        }
    }

    fn emit_binary(&mut self, op: Binary, a: ExprId, b: ExprId) -> Value {
        let (inside_a, inside_b) = (self.inside(a), self.inside(b));
        let (op, operands) = match (op, inside_a, inside_b) {
            (Binary::Add, Some((Binary::Mul, p, q)), Some((_, r, s))) => (Op::MulAddMul, [p, q, r, s]),
            (Binary::Sub, Some((Binary::Mul, p, q)), Some((_, r, s))) => (Op::MulSubMul, [p, q, r, s]),
            (Binary::Add, Some((Binary::Add, p, q)), _) => (Op::Add3, [p, q, self.value_of(b), p]),
            (Binary::Add, Some((_, p, q)), _) => (Op::MulAdd, [p, q, self.value_of(b), p]),
            (Binary::Sub, Some((_, p, q)), _) => (Op::MulSub, [p, q, self.value_of(b), p]),
            // Sums commute exactly, so a product on the right is the same instruction.
            (Binary::Add, None, Some((_, p, q))) => (Op::MulAdd, [p, q, self.value_of(a), p]),
            (Binary::Sub, None, Some((_, p, q))) => (Op::SubMul, [p, q, self.value_of(a), p]),
            (Binary::Mul, Some((inner, p, q)), _) => (times(inner), [p, q, self.value_of(b), p]),
            (Binary::Mul, None, Some((inner, p, q))) => (times(inner), [p, q, self.value_of(a), p]),
            (op, ..) => {
                let (a, b) = (self.value_of(a), self.value_of(b));
                (plain(op), [a, b, a, a])
            }
        };
        self.emit(op, operands, 0)
    }

    /// The operation and operands of an absorbed node.
    fn inside(&mut self, id: ExprId) -> Option<(Binary, Value, Value)> {
        match self.graph.node(id) {
            Node::Binary(op, a, b) if self.absorbed[self.order.position(id)] => {
                Some((op, self.value_of(a), self.value_of(b)))
            }
            _ => None,
        }
    }

    fn value_of(&mut self, id: ExprId) -> Value {
        let at = self.order.position(id);
        self.values[at].expect("arguments are emitted before what uses them")
    }

    fn emit(&mut self, op: Op, [a, b, c, d]: [Value; 4], immediate: i32) -> Value {
        let result = Value::Result(self.code.len() as u32);
        self.code.push(Instruction { op, result, a, b, c, d, immediate });
        result
    }

    fn constant(&mut self, value: f64) -> Value {
        let constants = &mut self.constants;
        let place = *self.places.entry(value.to_bits()).or_insert_with(|| {
            constants.push(value);
            constants.len() as u32 - 1
        });
        Value::Constant(place)
    }
}

/// The instruction for `(p inner q)*c`.
fn times(inner: Binary) -> Op {
    match inner {
        Binary::Add => Op::SumTimes,
        Binary::Sub => Op::DifferenceTimes,
        _ => Op::Mul3,
    }
}

fn plain(op: Binary) -> Op {
    match op {
        Binary::Add => Op::Add,
        Binary::Sub => Op::Sub,
        Binary::Mul => Op::Mul,
        Binary::Div => Op::Div,
        Binary::Pow => Op::Pow,
        Binary::Min => Op::Min,
        Binary::Max => Op::Max,
        Binary::Greater => Op::Greater,
        Binary::Cond => Op::Cond,
    }
}

/// Gives every value a place, a temporary's anew once its last reader has run.
fn place(inputs: usize, constants: Vec<f64>, code: &[Instruction<Value>], outputs: &[Value]) -> Program {
    let first = (inputs + constants.len()) as u32;
    // The number of the last instruction that reads each result; outputs are read after the end.
    let mut last = vec![0_usize; code.len()];
    for (i, &Instruction { a, b, c, d, .. }) in code.iter().enumerate() {
        for operand in [a, b, c, d] {
            if let Value::Result(result) = operand {
                last[result as usize] = i;
            }
        }
    }
    let (direct, copied) = destinations(outputs, &last);
    for output in outputs {
        if let Value::Result(result) = output {
            last[*result as usize] = usize::MAX;
        }
    }
    let mut places = vec![0_u32; code.len()];
    let (mut free, mut registers): (Vec<u32>, u32) = (Vec::new(), first);
    let at = |value: Value, places: &[u32]| match value {
        Value::Input(i) => i,
        Value::Constant(i) => inputs as u32 + i,
        Value::Result(i) => places[i as usize],
    };
    let mut placed: Vec<Instruction<u32>> = Vec::with_capacity(code.len());
    for (i, instruction) in code.iter().enumerate() {
        // The result's place is taken before the operands' are given back: blocks of rows write it while reading them.
        places[i] = free.pop().unwrap_or_else(|| {
            registers += 1;
            registers - 1
        });
        placed.push(instruction.map(|value| at(value, &places)));
        let Instruction { a, b, c, d, .. } = *instruction;
        for (k, operand) in [a, b, c, d].into_iter().enumerate() {
            if let Value::Result(result) = operand
                && last[result as usize] == i
                && ![a, b, c, d][..k].contains(&operand)
            {
                free.push(places[result as usize]);
            }
        }
    }
    let outputs: Vec<u32> = outputs.iter().map(|&value| at(value, &places)).collect();
    let code = if registers <= 256 {
        Code::Narrow(placed.into_iter().map(|instruction| instruction.map(|place| place as u8)).collect())
    } else {
        Code::Wide(placed)
    };
    let mut hasher = DefaultHasher::new();
    (inputs, registers, outputs.len()).hash(&mut hasher);
    constants.iter().for_each(|value| value.to_bits().hash(&mut hasher));
    let fingerprint = hasher.finish();
    Program { inputs, constants, registers: registers as usize, code, outputs, direct, copied, fingerprint }
}

/// The results that are one output and nothing else, by instruction, and the outputs left; `last` is the last instruction
/// that reads each result, which is never the first.
fn destinations(outputs: &[Value], last: &[usize]) -> (Vec<(u32, u32)>, Vec<u32>) {
    let mut uses = vec![0_u32; last.len()];
    for output in outputs {
        if let Value::Result(result) = *output {
            uses[result as usize] += 1;
        }
    }
    let (mut direct, mut copied) = (Vec::new(), Vec::new());
    for (output, value) in (0..).zip(outputs) {
        match *value {
            Value::Result(result) if last[result as usize] == 0 && uses[result as usize] == 1 => {
                direct.push((result, output));
            }
            _ => copied.push(output),
        }
    }
    direct.sort_unstable();
    (direct, copied)
}
