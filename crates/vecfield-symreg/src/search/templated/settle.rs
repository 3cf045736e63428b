//! The numbers of a filled template as they are to be written: what the template leaves free is held, what is near a round number is round.
//!
//! `f(x)*g(z)` is the same whatever factor goes from `f` to `g`. Such numbers are told by the Jacobian, whose columns hang together, and one after the
//! other is held at one or zero.

use rayon::prelude::*;
use vecfield_expr::{Binary, ExprId, Graph, Node};
use vecfield_optim::LeastSquares;

use super::problem::{Filled, Form, Problem, Stand};
use crate::candidate::{Candidate, Fit, Rows, open};
use crate::front::{Measure, description, is_number, number_length, numbers};
use crate::rules::Rules;
use crate::search::form::round_to;

/// A template with formulas for its functions, all numbers written out.
#[derive(Debug, Clone)]
pub(super) struct Settled {
    /// The formula of each function, and the whole.
    pub(super) functions: Vec<String>,
    pub(super) whole: String,
    /// Those of the template.
    pub(super) numbers: Vec<f64>,
    /// The nodes of the functions.
    pub(super) complexity: usize,
    /// How many numbers were fitted.
    pub(super) fitted: usize,
    /// The weighted sum of squared errors.
    pub(super) cost: f64,
}

/// What formulas are judged by.
pub(super) struct Judge<'a> {
    pub(super) rules: &'a Rules,
    pub(super) measure: &'a Measure,
}

impl Problem<'_> {
    /// Those that keep to the rules, in their order; all are formulas.
    pub(super) fn settle_all(&mut self, filled: &[Filled], judge: &Judge<'_>) -> Vec<Settled> {
        let begun: Vec<Vec<Settling>> = filled.iter().map(|filled| self.variants(filled)).collect();
        let (graph, rows) = (&self.graph, &self.rows);
        let settled = |begun: Vec<Settling>| {
            let each = begun.into_iter().filter_map(|begun| begun.settled(&mut graph.clone(), rows, judge));
            each.min_by(|a, b| a.length(judge.measure).total_cmp(&b.length(judge.measure)))
        };
        begun.into_par_iter().map(settled).collect::<Vec<_>>().into_iter().flatten().collect()
    }

    /// As it is, and with a number before each function that has none, which makes another one superfluous: `exp(x)` and `1.7*z + 3.4` are `1.7*exp(x)` and
    /// `z + 2`.
    fn variants(&mut self, filled: &Filled) -> Vec<Settling> {
        let mut variants = vec![self.settling(filled)];
        for (unknown, stand) in filled.stands.iter().enumerate().filter(|_| filled.stands.len() > 1) {
            let Form::Formula(formula) = stand.form else { continue };
            let number = self.graph.symbol(&open(stand.numbers.len()));
            let own: Vec<ExprId> = (0..stand.numbers.len()).map(|k| self.graph.symbol(&open(k))).collect();
            let has_one = match self.graph.node(formula) {
                Node::Binary(Binary::Mul, a, b) => own.contains(&a) || own.contains(&b),
                Node::Binary(Binary::Div, a, _) => own.contains(&a),
                _ => own.contains(&formula),
            };
            if has_one {
                continue;
            }
            let form = Form::Formula(self.graph.mul(number, formula));
            let numbers = [&stand.numbers[..], &[1.0]].concat();
            let other = Filled { cost: filled.cost, ..filled.replaced(unknown, Stand { form, numbers }) };
            variants.push(self.settling(&other));
        }
        variants
    }

    fn settling(&mut self, filled: &Filled) -> Settling {
        let whole = self.candidate(self.template.formula, filled);
        let (mut functions, mut inside) = (Vec::with_capacity(filled.stands.len()), 0);
        for stand in &filled.stands {
            if let Form::Formula(formula) = stand.form {
                functions.push(self.numbered(formula, stand.numbers.len(), inside));
            }
            inside += stand.numbers.len();
        }
        Settling { held: vec![false; whole.constants.len()], whole, functions, inside, cost: filled.cost }
    }
}

/// A filled template whose numbers are to be settled.
#[derive(Clone)]
struct Settling {
    whole: Candidate,
    /// The functions in the numbers of the whole.
    functions: Vec<ExprId>,
    /// How many numbers are theirs.
    inside: usize,
    held: Vec<bool>,
    cost: f64,
}

/// Of a column of the Jacobian what has to be its own, as a share of its square: rounding leaves less.
const OWN: f64 = 1e-11;
/// What holding a number that is free may cost, as a share.
const NOTHING: f64 = 1e-6;
/// Ways to hold what is free that are gone on with.
const WAYS: usize = 4;

impl Settling {
    /// With what is free held in the way that is shortest once all is round; `None` where the formula of a function breaks a rule.
    fn settled(self, graph: &mut Graph, rows: &Rows, judge: &Judge<'_>) -> Option<Settled> {
        let ways = self.ways_to_hold(graph, rows, judge);
        let settled = ways.into_iter().filter_map(|mut way| {
            way.round(graph, rows, judge.measure);
            way.written(graph, judge)
        });
        settled.min_by(|a, b| a.length(judge.measure).total_cmp(&b.length(judge.measure)))
    }

    fn free(&self) -> Vec<usize> {
        (0..self.held.len()).filter(|&i| !self.held[i]).collect()
    }

    /// With a number held at a value and the others fitted.
    fn with(&self, graph: &mut Graph, rows: &Rows, number: usize, value: f64) -> Settling {
        let mut other = self.clone();
        (other.held[number], other.whole.constants[number]) = (true, value);
        other.cost = other.whole.fit(graph, rows, &other.free(), 20);
        other
    }

    /// A cost that only rounding leaves.
    fn floor(&self, rows: &Rows, measure: &Measure) -> f64 {
        measure.floor * rows.y.len() as f64
    }

    /// Numbers held at one or zero until the rows tell all that are left, in the ways that are shortest.
    fn ways_to_hold(self, graph: &mut Graph, rows: &Rows, judge: &Judge<'_>) -> Vec<Settling> {
        let allowed = self.floor(rows, judge.measure).max(self.cost * (1.0 + NOTHING));
        let mut ways = vec![self];
        // One as well as the other leaves as many free.
        while ways[0].leaves_free(graph, rows) {
            let mut next: Vec<(f64, Settling)> = Vec::new();
            for way in &ways {
                for (number, value) in way.free().into_iter().flat_map(|i| [0.0, 1.0, -1.0].map(|value| (i, value))) {
                    let other = way.with(graph, rows, number, value);
                    if other.cost > allowed || next.iter().any(|(_, known)| known.holds_the_same(&other)) {
                        continue;
                    }
                    let Some(settled) = other.written(graph, judge) else { continue };
                    next.push((settled.length(judge.measure), other));
                }
            }
            next.sort_by(|a, b| a.0.total_cmp(&b.0));
            next.truncate(WAYS);
            if next.is_empty() {
                break;
            }
            ways = next.into_iter().map(|(_, way)| way).collect();
        }
        ways
    }

    fn holds_the_same(&self, other: &Settling) -> bool {
        let of = |way: &Settling, i: usize| way.held[i].then_some(way.whole.constants[i]);
        (0..self.held.len()).all(|i| of(self, i) == of(other, i))
    }

    /// Is there a number that the others can make up for?
    fn leaves_free(&self, graph: &mut Graph, rows: &Rows) -> bool {
        let (free, n) = (self.free(), rows.y.len());
        let k = free.len();
        let x: Vec<f64> = free.iter().map(|&i| self.whole.constants[i]).collect();
        let (mut residuals, mut jacobian) = (vec![0.0; n], vec![0.0; n * k]);
        let evaluated = Fit::of(graph, &self.whole, rows, &free)
            .is_some_and(|mut fit| fit.jacobian(&x, &mut residuals, &mut jacobian).is_ok());
        evaluated && k > 0 && hang_together(&jacobian, k)
    }

    /// Rounds numbers near to round ones, the nearest first, where that loses no more than a number is long.
    fn round(&mut self, graph: &mut Graph, rows: &Rows, measure: &Measure) {
        let allowed = (measure.degree * number_length(measure.rows) / measure.rows as f64).exp();
        let mut tried = self.held.clone();
        loop {
            let numbers = &self.whole.constants;
            let near = |i: usize| round_to(numbers[i]).map(|round| ((round - numbers[i]).abs(), i, round));
            let nearest = (0..tried.len()).filter(|&i| !tried[i]).filter_map(near).min_by(|a, b| a.0.total_cmp(&b.0));
            let Some((_, i, round)) = nearest else { return };
            tried[i] = true;
            let other = self.with(graph, rows, i, round);
            let floor = self.floor(rows, measure);
            if other.cost <= floor || other.cost <= self.cost * allowed && self.cost > floor {
                *self = other;
            }
        }
    }

    /// `None` where the formula of a function breaks a rule.
    fn written(&self, graph: &mut Graph, judge: &Judge<'_>) -> Option<Settled> {
        let Candidate { formula, constants } = &self.whole;
        let mut close = |formula: ExprId| {
            let closed = Candidate { formula, constants: constants.clone() }.closed(graph);
            (graph.to_text(closed), judge.rules.complexity(graph, closed), numbers(graph, closed))
        };
        let functions: Vec<_> = self.functions.iter().map(|&function| close(function)).collect();
        let complexity = functions.iter().map(|(_, complexity, _)| *complexity).sum::<Option<usize>>()?;
        let own = constants[self.inside..].iter().filter(|number| is_number(**number)).count();
        let fitted = functions.iter().map(|(_, _, numbers)| numbers).sum::<usize>() + own;
        Some(Settled {
            whole: close(*formula).0,
            numbers: constants[self.inside..].to_vec(),
            functions: functions.into_iter().map(|(text, _, _)| text).collect(),
            complexity,
            fitted,
            cost: self.cost,
        })
    }
}

impl Settled {
    pub(super) fn length(&self, measure: &Measure) -> f64 {
        description(self.complexity, self.cost / measure.rows as f64, self.fitted, measure)
    }
}

/// Is a column of a Jacobian of `k` columns a sum of others, or nothing?
fn hang_together(jacobian: &[f64], k: usize) -> bool {
    let mut columns: Vec<Vec<f64>> = (0..k).map(|i| jacobian.iter().skip(i).step_by(k).copied().collect()).collect();
    let length = |column: &[f64]| column.iter().map(|s| s * s).sum::<f64>();
    for i in 0..k {
        let whole = length(&columns[i]);
        if whole == 0.0 {
            return true;
        }
        let (before, after) = columns.split_at_mut(i);
        // Twice, so that what is left is at right angles to rounding (Kahan and Parlett).
        for _ in 0..2 {
            for other in before.iter() {
                let share = other.iter().zip(&after[0]).map(|(a, b)| a * b).sum::<f64>();
                after[0].iter_mut().zip(other).for_each(|(own, other)| *own -= share * other);
            }
        }
        let left = length(&after[0]);
        if left <= OWN * whole {
            return true;
        }
        after[0].iter_mut().for_each(|own| *own /= left.sqrt());
    }
    false
}

#[cfg(test)]
mod tests {
    use super::hang_together;

    #[test]
    fn columns_hang_together_whatever_their_size() {
        let rows = |f: &dyn Fn(f64) -> [f64; 3]| (0..9).flat_map(|i| f(f64::from(i))).collect::<Vec<f64>>();
        assert!(!hang_together(&rows(&|x| [1.0, 1e-9 * x, 1e9 * x * x]), 3));
        assert!(hang_together(&rows(&|x| [1.0, x, 3e5 * (1.0 - x / 3.0)]), 3));
        assert!(hang_together(&rows(&|x| [x, 0.0, 1.0]), 3));
    }
}
