//! The numbers of a filled template as they are to be written: what the template leaves [free](super::free) is held, what is near a round number is round.

use rayon::prelude::*;
use vecfield_expr::{Binary, ExprId, Graph, Node};

use super::problem::{Filled, Form, Problem, Stand};
use crate::candidate::{Candidate, Rows, open};
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
        let (mut functions, mut owners) = (Vec::with_capacity(filled.stands.len()), Vec::new());
        for (unknown, stand) in filled.stands.iter().enumerate() {
            if let Form::Formula(formula) = stand.form {
                functions.push(self.numbered(formula, stand.numbers.len(), owners.len()));
            }
            owners.extend(stand.numbers.iter().map(|_| unknown));
        }
        Settling { held: vec![false; whole.constants.len()], whole, functions, owners, cost: filled.cost }
    }
}

/// A filled template whose numbers are to be settled.
#[derive(Clone)]
pub(super) struct Settling {
    pub(super) whole: Candidate,
    /// The functions in the numbers of the whole.
    functions: Vec<ExprId>,
    /// Whose each number is; those of the template come after these.
    pub(super) owners: Vec<usize>,
    pub(super) held: Vec<bool>,
    pub(super) cost: f64,
}

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

    pub(super) fn free(&self) -> Vec<usize> {
        (0..self.held.len()).filter(|&i| !self.held[i]).collect()
    }

    /// With a number held at a value and the others fitted.
    pub(super) fn with(&self, graph: &mut Graph, rows: &Rows, number: usize, value: f64) -> Settling {
        let mut other = self.clone();
        (other.held[number], other.whole.constants[number]) = (true, value);
        other.fit(graph, rows);
        other
    }

    pub(super) fn fit(&mut self, graph: &mut Graph, rows: &Rows) {
        self.cost = self.whole.fit(graph, rows, &self.free(), 20);
    }

    /// A cost that only rounding leaves.
    pub(super) fn floor(&self, rows: &Rows, measure: &Measure) -> f64 {
        measure.floor * rows.y.len() as f64
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
    pub(super) fn written(&self, graph: &mut Graph, judge: &Judge<'_>) -> Option<Settled> {
        let Candidate { formula, constants } = &self.whole;
        let mut close = |formula: ExprId| {
            let closed = Candidate { formula, constants: constants.clone() }.closed(graph);
            (graph.to_text(closed), judge.rules.complexity(graph, closed), numbers(graph, closed))
        };
        let functions: Vec<_> = self.functions.iter().map(|&function| close(function)).collect();
        let complexity = functions.iter().map(|(_, complexity, _)| *complexity).sum::<Option<usize>>()?;
        let own = constants[self.owners.len()..].iter().filter(|number| is_number(**number)).count();
        let fitted = functions.iter().map(|(_, _, numbers)| numbers).sum::<usize>() + own;
        Some(Settled {
            whole: close(*formula).0,
            numbers: constants[self.owners.len()..].to_vec(),
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
