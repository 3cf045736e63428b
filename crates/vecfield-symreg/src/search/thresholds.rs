//! Where the pieces of a law begin: numbers that something is compared with have no slope, so they are moved over the gaps between the rows.

use vecfield_expr::{Binary, ExprId, Graph, Node};

use super::run::Run;
use crate::candidate::{Candidate, open};

/// Gaps that are tried at first, over all rows.
const COARSE: usize = 16;
/// By how much finer each look around the best is than the one before.
const FINER: usize = 4;
/// Trial steps of the other numbers at each gap.
const ITERATIONS: usize = 6;
/// A formula that leaves so many times more than what is as simple is not worth the search.
const HOPELESS: f64 = 100.0;

/// A share of the rows that is no piece of its own.
const IDLE: f64 = 0.04;
/// By how much of itself a threshold may differ from another number that it is taken for.
const NEAR: f64 = 0.05;

/// An open number and what is compared with it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Threshold {
    number: usize,
    other: ExprId,
    /// Is it in nothing but comparisons, so that between two rows its value makes no difference?
    is_step: bool,
}

impl Run<'_> {
    /// The open numbers of a formula that a fit can move: those that are in it, and not in comparisons alone.
    pub(super) fn movable(&mut self, candidate: &Candidate, thresholds: &[Threshold]) -> Vec<usize> {
        let is_step = |k: usize| thresholds.iter().any(|threshold| threshold.number == k && threshold.is_step);
        let (numbers, order) = (self.numbers_of(candidate), self.graph.reachable(&[candidate.formula]));
        let is_present = |k: usize| order.ids().contains(&numbers[k]);
        (0..numbers.len()).filter(|&k| is_present(k) && !is_step(k)).collect()
    }

    /// The open numbers of a candidate as they stand in its formula.
    fn numbers_of(&mut self, candidate: &Candidate) -> Vec<ExprId> {
        (0..candidate.constants.len()).map(|k| self.graph.symbol(&open(k))).collect()
    }

    /// The open numbers that something is compared with.
    pub(super) fn thresholds(&mut self, candidate: &Candidate) -> Vec<Threshold> {
        let numbers = self.numbers_of(candidate);
        thresholds(&self.graph, candidate.formula, &numbers)
    }

    /// The formula without a comparison that holds at nearly all rows, or at nearly none, if there is one.
    pub(super) fn without_idle_comparison(&mut self, candidate: &Candidate) -> Option<Candidate> {
        let order = self.graph.reachable(&[candidate.formula]);
        let comparisons: Vec<ExprId> = (order.ids().iter().copied())
            .filter(|&id| matches!(self.graph.node(id), Node::Binary(Binary::Greater, ..)))
            .collect();
        let rows = self.rows.y.len();
        for comparison in comparisons {
            let of = Candidate { formula: comparison, constants: candidate.constants.clone() };
            let held: f64 = of.values(&mut self.graph, &self.rows)?.iter().sum();
            let (few, most) = (IDLE * rows as f64, (1.0 - IDLE) * rows as f64);
            if held <= few || held >= most {
                let always = self.graph.constant(f64::from(u8::from(held >= most)));
                let formula = self.graph.substitute(candidate.formula, &[(comparison, always)]);
                return Some(Candidate { formula, constants: candidate.constants.clone() });
            }
        }
        None
    }

    /// Moves each threshold to the gap between two rows where the formula, its other numbers fitted anew, leaves least; those that are steps to the
    /// roundest number there.
    pub(super) fn place_thresholds(&mut self, candidate: &mut Candidate, thresholds: &[Threshold]) {
        if thresholds.is_empty() || self.is_hopeless(candidate) {
            return;
        }
        let free: Vec<usize> = (0..candidate.constants.len())
            .filter(|&k| thresholds.iter().all(|threshold| threshold.number != k))
            .collect();
        let mut least = candidate.clone().fit(&mut self.graph, &self.rows, &free, ITERATIONS);
        // Where one is hangs on where the others are.
        let rounds = thresholds.len().min(2);
        for threshold in (0..rounds).flat_map(|_| thresholds) {
            let Some(gaps) = self.gaps(candidate, threshold.other) else { return };
            self.place(candidate, *threshold, &gaps, &free, &mut least);
        }
    }

    /// Where something is compared with nearly a number that is elsewhere in the formula, and that leaves no more than `allowed`, it is that number:
    /// a ramp begins where it is zero. What it leaves then; `None` where all is as it was.
    pub(super) fn tie_thresholds(
        &mut self,
        candidate: &mut Candidate,
        thresholds: &[Threshold],
        allowed: f64,
    ) -> Option<f64> {
        let mut left = None;
        for threshold in thresholds.iter().filter(|threshold| threshold.is_step) {
            let value = candidate.constants[threshold.number];
            let near = |other: &f64| *other != value && (other - value).abs() <= NEAR * value.abs();
            for other in candidate.constants.clone().into_iter().filter(near) {
                let mut tied = candidate.clone();
                tied.constants[threshold.number] = other;
                let error = tied.error(&mut self.graph, &self.rows);
                if error <= allowed {
                    (*candidate, left) = (tied, Some(error));
                }
            }
        }
        left
    }

    fn is_hopeless(&mut self, candidate: &Candidate) -> bool {
        let nodes = self.graph.complexity(candidate.formula);
        let known = self.front.entries().iter().take_while(|found| found.complexity <= nodes).last();
        let error = candidate.error(&mut self.graph, &self.rows) / self.rows.y.len() as f64;
        known.is_some_and(|found| error > HOPELESS * found.loss)
    }

    /// The gaps between the values of an expression at the rows, in order.
    fn gaps(&mut self, candidate: &Candidate, of: ExprId) -> Option<Vec<[f64; 2]>> {
        let other = Candidate { formula: of, constants: candidate.constants.clone() };
        let mut values = other.values(&mut self.graph, &self.rows)?;
        values.sort_by(f64::total_cmp);
        values.dedup();
        Some(values.windows(2).map(|gap| [gap[0], gap[1]]).collect())
    }

    /// Tries gaps from coarse to fine, and keeps the best if it is better than `least`.
    fn place(
        &mut self,
        candidate: &mut Candidate,
        threshold: Threshold,
        gaps: &[[f64; 2]],
        free: &[usize],
        least: &mut f64,
    ) {
        let mut best: Option<usize> = None;
        let mut stride = (gaps.len() / COARSE).max(1);
        let mut tried: Vec<usize> = (0..gaps.len()).step_by(stride).collect();
        let begin = candidate.clone();
        loop {
            for at in tried {
                let mut moved = begin.clone();
                moved.constants[threshold.number] = roundest(gaps[at]);
                let error = moved.fit(&mut self.graph, &self.rows, free, ITERATIONS);
                if error < *least {
                    (*candidate, *least, best) = (moved, error, Some(at));
                }
            }
            if stride == 1 {
                break;
            }
            // Around what is best, which may be where it stood.
            let now = candidate.constants[threshold.number];
            let centre = best.unwrap_or_else(|| gaps.partition_point(|gap| gap[1] <= now));
            let reach = stride;
            stride = (stride / FINER).max(1);
            let end = (centre + reach + 1).min(gaps.len());
            tried = (centre.saturating_sub(reach)..end).step_by(stride).collect();
        }
        let value = &mut candidate.constants[threshold.number];
        let gap = gaps.iter().find(|gap| gap[0] < *value && *value < gap[1]);
        if let (true, Some(gap)) = (threshold.is_step, gap) {
            *value = roundest(*gap);
        }
    }
}

/// The open numbers of a formula that something is compared with, given all of them.
fn thresholds(graph: &Graph, formula: ExprId, numbers: &[ExprId]) -> Vec<Threshold> {
    let order = graph.reachable(&[formula]);
    let number = |id: ExprId| numbers.iter().position(|number| *number == id);
    let mut found: Vec<Threshold> = Vec::new();
    for &id in order.ids() {
        let Node::Binary(op @ (Binary::Greater | Binary::Min | Binary::Max), a, b) = graph.node(id) else { continue };
        let (number, other) = match (number(a), number(b)) {
            (Some(number), None) => (number, b),
            (None, Some(number)) => (number, a),
            _ => continue,
        };
        match found.iter_mut().find(|known| known.number == number) {
            Some(known) => known.is_step &= op == Binary::Greater,
            None => found.push(Threshold { number, other, is_step: op == Binary::Greater }),
        }
    }
    for &id in order.ids() {
        if matches!(graph.node(id), Node::Binary(Binary::Greater, ..)) {
            continue;
        }
        for operand in graph.arguments(id).filter_map(number) {
            found.iter_mut().filter(|known| known.number == operand).for_each(|known| known.is_step = false);
        }
    }
    found
}

/// The number with the fewest digits between two others.
fn roundest([low, high]: [f64; 2]) -> f64 {
    let middle = 0.5 * (low + high);
    let coarse = (high - low).log10().ceil() as i32;
    // Ten to the power of a negative number is not exact; one over it is.
    let rounded = |digits: i32| match digits {
        0.. => (middle / 10_f64.powi(digits)).round() * 10_f64.powi(digits),
        _ => (middle * 10_f64.powi(-digits)).round() / 10_f64.powi(-digits),
    };
    let inside = |x: &f64| low < *x && *x < high;
    (coarse - 2..=coarse).rev().map(rounded).find(inside).unwrap_or(middle)
}

#[cfg(test)]
mod tests {
    use super::roundest;
    use proptest::prelude::*;

    #[test]
    fn few_digits_are_had_where_there_is_room() {
        for ([low, high], expected) in
            [([1.7, 2.4], 2.0), ([17.2, 18.3], 18.0), ([-0.3, 0.2], 0.0), ([0.31, 0.34], 0.33)]
        {
            assert_eq!(roundest([low, high]), expected);
        }
    }

    proptest! {
        #[test]
        fn it_is_between(low in -1e6..1e6_f64, width in 1e-9..1e6_f64) {
            let high = low + width;
            let x = roundest([low, high]);
            prop_assert!(low < x && x < high, "{x} between {low} and {high}");
        }
    }
}
