//! Pieces of laws: steps, ramps and expressions that hold from some value of a variable on.

use vecfield_expr::Binary;

use super::{Features, Shape};
use crate::operators::Operators;

/// Values of each variable at which pieces begin; a fit moves them in between.
const THRESHOLDS: usize = 14;
/// Expressions that hold on one side.
const HOLDING: usize = 24;

impl Features {
    /// Adds pieces of the cheapest expressions, as far as the operations are asked for: with `>` steps, with `cond` what holds on one side, and ramps;
    /// with `min` and `max` what is kept below or above. At most `more` of them.
    pub(crate) fn enumerate_pieces(&mut self, operators: &Operators, variables: usize, more: usize) {
        let kinks: Vec<Binary> = [Binary::Min, Binary::Max].into_iter().filter(|&op| operators.has(op)).collect();
        if kinks.is_empty() && !operators.has(Binary::Greater) {
            return;
        }
        let holding = self.cheapest(HOLDING);
        self.allow(more);
        let mut sides = Vec::new();
        for x in 0..variables as u32 {
            for threshold in self.thresholds(x) {
                let t = self.constant(threshold);
                for &op in &kinks {
                    self.binary(op, x, t);
                }
                if operators.has(Binary::Greater) {
                    let both = [(x, t), (t, x)].map(|(a, b)| self.binary(Binary::Greater, a, b));
                    sides.extend(both.into_iter().flatten().map(|side| (side, x, t)));
                }
            }
        }
        if !operators.has(Binary::Cond) {
            return;
        }
        if operators.has(Binary::Sub) {
            for &(side, x, t) in &sides {
                let ramp = self.binary(Binary::Sub, x, t).and_then(|way| self.binary(Binary::Cond, side, way));
                // Where there is no room for one there is none for the next.
                if ramp.is_none() && self.is_full() {
                    return;
                }
            }
        }
        for i in holding {
            for &(side, ..) in &sides {
                self.binary(Binary::Cond, side, i);
            }
        }
    }

    /// The cheapest that vary and are no pieces themselves.
    fn cheapest(&self, count: usize) -> Vec<u32> {
        let whole = |&i: &u32| self.varies(i) && !self.is_piece(i);
        let mut cheapest: Vec<u32> = (0..self.len() as u32).filter(whole).collect();
        cheapest.sort_by_key(|&i| self.cost(i));
        cheapest.truncate(count);
        cheapest
    }

    /// Does it hang on a comparison?
    pub(crate) fn is_piece(&self, i: u32) -> bool {
        match self.shape(i) {
            Shape::Variable(_) | Shape::Constant(_) => false,
            Shape::Unary(_, x) => self.is_piece(x),
            Shape::Binary(op, a, b) => {
                matches!(op, Binary::Greater | Binary::Cond) || self.is_piece(a) || self.is_piece(b)
            }
        }
    }

    /// Is it how far a variable is beyond what a comparison compares it with?
    pub(super) fn is_way_from(&self, comparison: u32, i: u32) -> bool {
        match (self.shape(comparison), self.shape(i)) {
            (Shape::Binary(Binary::Greater, a, b), Shape::Binary(Binary::Sub, x, t)) => {
                !self.varies(t) && ([a, b] == [x, t] || [b, a] == [x, t])
            }
            _ => false,
        }
    }

    /// Values between those that a variable has, with as many of its rows between each two.
    fn thresholds(&self, x: u32) -> Vec<f64> {
        let mut sorted = self.values(x).to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted.dedup();
        let gaps = sorted.len() - 1;
        let count = gaps.min(THRESHOLDS);
        let between = |k: usize| (2 * k + 1) * gaps / (2 * count);
        (0..count).map(between).map(|at| 0.5 * (sorted[at] + sorted[at + 1])).collect()
    }
}
