//! Whether a formula has a shape: first at points, which tell most that have not, then over the box by intervals, halved where they are too wide
//! (Moore, Kearfott and Cloud 2009, section 8.2).

use vecfield_expr::{ExprId, Graph, Interval, IntervalProgram, Program};

use super::{Shape, Shapes, Verdict};
use crate::random::Stream;

/// Points that are tried, besides the corners of the box.
const POINTS: usize = 96;
/// Variables of whose sides all corners are tried.
const CORNERED: usize = 6;
/// Boxes that are looked at for one shape.
const BOXES: usize = 4000;
/// A part of the target's size, or of its slope over the box, that is rounding.
const TRACE: f64 = 1e-9;
/// What two values that are to be one may differ by, as a part of theirs.
const SAME: f64 = 1e-8;

impl Shapes {
    pub(super) fn decide(&self, shape: &Shape, graph: &mut Graph, formula: ExprId, names: &[String]) -> Verdict {
        let mut slope = |of: ExprId, x: &str| {
            let slope = graph.derivative(of, x);
            graph.simplify(slope)
        };
        // What is to be no less than zero, and by how many widths of a side it is divided.
        let (part, sign, side, order) = match shape {
            Shape::Positive => (formula, 1.0, None, 0),
            Shape::Negative => (formula, -1.0, None, 0),
            Shape::Increasing(x) => (slope(formula, x), 1.0, Some(x), 1),
            Shape::Decreasing(x) => (slope(formula, x), -1.0, Some(x), 1),
            Shape::Convex(x) | Shape::Concave(x) => {
                let first = slope(formula, x);
                (slope(first, x), if matches!(shape, Shape::Convex(_)) { 1.0 } else { -1.0 }, Some(x), 2)
            }
            Shape::Even(_) | Shape::Odd(_) | Shape::Symmetric(..) | Shape::Antisymmetric(..) => {
                return self.mirrors(shape, graph, formula, names);
            }
        };
        let width = side.and_then(|x| names.iter().position(|name| name == x)).map_or(1.0, |at| self.sides[at].width());
        let trace = TRACE * self.scale / width.max(f64::MIN_POSITIVE).powi(order);
        // Where a formula has a value and no slope, as a root at zero, the slopes beside tell.
        let values = self.values(graph, &[formula, part], names);
        let kept = |(value, part): (&f64, &f64)| value.is_finite() && (part.is_nan() || sign * part >= -trace);
        if !values[0].iter().zip(&values[1]).all(kept) {
            return Verdict::Broken;
        }
        let part = if sign < 0.0 { graph.neg(part) } else { part };
        let mut signed = IntervalProgram::compile(graph, part, names).expect("a formula over the table's variables");
        let mut whole = IntervalProgram::compile(graph, formula, names).expect("a formula over the table's variables");
        self.never_below(&mut signed, &mut whole, -trace)
    }

    /// Is the one no less than a number wherever the other has a value, and has it everywhere?
    fn never_below(&self, signed: &mut IntervalProgram, whole: &mut IntervalProgram, least: f64) -> Verdict {
        let mut open = vec![self.sides.clone()];
        for _ in 0..BOXES {
            let Some(sides) = open.pop() else { return Verdict::Holds };
            let values = signed.eval(&sides);
            if values.low() >= least && whole.eval(&sides).is_defined() {
                continue;
            }
            let middle: Vec<Interval> = sides.iter().map(|side| Interval::point(side.middle())).collect();
            if values.high() < least || signed.eval(&middle).high() < least {
                return Verdict::Broken;
            }
            // Along the side that is longest, as a part of the whole.
            let part = |i: &usize| sides[*i].width() / self.sides[*i].width().max(f64::MIN_POSITIVE);
            let Some(longest) = (0..sides.len()).max_by(|a, b| part(a).total_cmp(&part(b))) else { break };
            for half in sides[longest].halves() {
                let mut sides = sides.clone();
                sides[longest] = half;
                open.push(sides);
            }
        }
        if open.is_empty() { Verdict::Holds } else { Verdict::Undecided }
    }

    /// Is it the same, or its negative, in the mirror?
    fn mirrors(&self, shape: &Shape, graph: &mut Graph, formula: ExprId, names: &[String]) -> Verdict {
        let (replaced, negated): (Vec<(ExprId, ExprId)>, bool) = match shape {
            Shape::Even(x) | Shape::Odd(x) => {
                let x = graph.symbol(x);
                (vec![(x, graph.neg(x))], matches!(shape, Shape::Odd(_)))
            }
            Shape::Symmetric(x, y) | Shape::Antisymmetric(x, y) => {
                let (x, y) = (graph.symbol(x), graph.symbol(y));
                (vec![(x, y), (y, x)], matches!(shape, Shape::Antisymmetric(..)))
            }
            _ => unreachable!("the other shapes are signs"),
        };
        let mirrored = graph.substitute(formula, &replaced);
        let image = if negated { graph.neg(mirrored) } else { mirrored };
        let difference = graph.sub(formula, image);
        let difference = graph.simplify(difference);
        let values = self.values(graph, &[formula, image], names);
        let same = |(a, b): (&f64, &f64)| (a - b).abs() <= SAME * a.abs().max(b.abs()) + TRACE * self.scale;
        let tried = values[0].iter().zip(&values[1]).all(same);
        match graph.constant_value(difference) == Some(0.0) || tried {
            true if values.concat().iter().all(|value| value.is_finite()) => Verdict::Holds,
            _ => Verdict::Broken,
        }
    }

    /// The values of formulas at the corners of the box and at points all over it.
    fn values(&self, graph: &Graph, formulas: &[ExprId], names: &[String]) -> Vec<Vec<f64>> {
        let cornered = self.sides.len().min(CORNERED);
        let corners = 1 << cornered;
        let mut random = Stream::new(0, 0);
        let columns: Vec<Vec<f64>> = (self.sides.iter().enumerate())
            .map(|(i, side)| {
                let at = |share: f64| (side.low() + share * side.width()).min(side.high());
                let corner = |corner: usize| if i < CORNERED { (corner >> i & 1) as f64 } else { 0.5 };
                let points: Vec<f64> = (0..POINTS).map(|_| random.uniform()).collect();
                (0..corners).map(corner).chain(points).map(at).collect()
            })
            .collect();
        let program = Program::compile(graph, formulas, names).expect("a formula over the table's variables");
        let mut values = vec![vec![0.0; corners + POINTS]; formulas.len()];
        let columns: Vec<&[f64]> = columns.iter().map(|column| &column[..]).collect();
        let mut outputs: Vec<&mut [f64]> = values.iter_mut().map(|values| &mut values[..]).collect();
        program.eval_rows(&columns, &mut outputs, &mut program.row_registers());
        values
    }
}
