//! Features written as formulas, the numbers that something is compared with left open.

use vecfield_expr::{Binary, ExprId, Graph};

use super::{Features, Shape};
use crate::candidate::open;

/// Open numbers that features are compared with, one for each pair of such.
#[derive(Debug, Clone, Default)]
pub(crate) struct Thresholds {
    /// Where the two are in the list of features, the lesser first.
    pairs: Vec<(u32, u32)>,
    /// Their values, from open number zero on.
    pub(crate) numbers: Vec<f64>,
}

impl Thresholds {
    /// None of features, after one of another origin that is open number zero.
    pub(crate) fn beginning_with(value: f64) -> Thresholds {
        Thresholds { pairs: vec![(u32::MAX, u32::MAX)], numbers: vec![value] }
    }

    /// The open number of a pair, if it is known.
    fn of(&self, pair: (u32, u32)) -> Option<usize> {
        self.pairs.iter().position(|known| *known == pair)
    }

    /// A further one.
    fn open(&mut self, pair: (u32, u32), value: f64) -> usize {
        self.pairs.push(pair);
        self.numbers.push(value);
        self.numbers.len() - 1
    }
}

impl Features {
    /// The formula of a feature over symbols of these names.
    pub(crate) fn formula(&self, graph: &mut Graph, names: &[String], i: u32, thresholds: &mut Thresholds) -> ExprId {
        match self.shape(i) {
            Shape::Variable(v) => graph.symbol(&names[v as usize]),
            Shape::Constant(value) => graph.constant(value),
            Shape::Unary(op, x) => {
                let x = self.formula(graph, names, x, thresholds);
                graph.unary(op, x)
            }
            Shape::Binary(op, a, b) => {
                let number = self.threshold(op, a, b, thresholds).map(|k| graph.symbol(&open(k)));
                let [a, b] = [a, b].map(|i| match number {
                    Some(number) if !self.varies(i) => number,
                    _ => self.formula(graph, names, i, thresholds),
                });
                graph.binary(op, a, b)
            }
        }
    }

    /// The open number that stands for the operand that does not vary, if it is a threshold: what is compared with it is, and the distance from one
    /// that is known.
    fn threshold(&self, op: Binary, a: u32, b: u32, thresholds: &mut Thresholds) -> Option<usize> {
        let number = [a, b].into_iter().find(|&i| !self.varies(i))?;
        let pair = (a.min(b), a.max(b));
        let known = thresholds.of(pair);
        match op {
            Binary::Greater | Binary::Min | Binary::Max => {
                known.or_else(|| Some(thresholds.open(pair, self.values(number)[0])))
            }
            Binary::Sub => known,
            _ => None,
        }
    }
}
