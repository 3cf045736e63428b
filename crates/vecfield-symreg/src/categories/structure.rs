//! A formula whose numbers are open, and which of them all categories share.

use vecfield_expr::{ExprId, Graph, Scope};

use super::joint::{Joint, Kept, Layout};
use super::{Number, Parameter};
use crate::candidate::{Candidate, Rows, open, opened};
use crate::front::{Measure, description};
use crate::search::round_to;
use crate::table::free_prefix;

/// A formula without its numbers, and those that it had where it was found.
#[derive(Debug, Clone)]
pub(super) struct Structure {
    pub(super) formula: ExprId,
    numbers: Vec<f64>,
}

/// The same with the numbers of every category.
#[derive(Debug, Clone)]
pub(super) struct Settled {
    formula: ExprId,
    kept: Vec<Kept>,
    /// By category.
    numbers: Vec<Vec<f64>>,
    /// The weighted sum of squared errors.
    pub(super) cost: f64,
    complexity: usize,
}

/// Numbers of a formula at the most: larger ones are no laws.
const MOST: usize = 10;

impl Structure {
    /// A formula of a front. Exponents that are whole stay; other numbers are open, whole ones too.
    pub(super) fn of(graph: &mut Graph, text: &str, names: &[String]) -> Structure {
        let scope = Scope::new(names.iter().cloned()).expect("a table has names that formulas can hold");
        let formula = graph.parse(text, &scope).expect("what is printed can be read");
        let mut numbers = Vec::new();
        let formula = opened(graph, formula, &mut numbers);
        Structure { formula, numbers }
    }

    /// The numbers of every category from its own rows; `None` where one has none.
    pub(super) fn fitted(&self, graph: &mut Graph, rows: &[Rows]) -> Option<Settled> {
        let k = self.numbers.len();
        if k > MOST {
            return None;
        }
        let complexity = graph.complexity(self.formula);
        let of = |kept: Kept, numbers: Vec<Vec<f64>>, cost: f64| Settled {
            formula: self.formula,
            kept: vec![kept; k],
            numbers,
            cost,
            complexity,
        };
        let all: Vec<usize> = (0..k).collect();
        let begin = Candidate { formula: self.formula, constants: self.numbers.clone() };
        if rows.iter().any(|rows| rows.y.len() <= k + 1) {
            // Too few rows for numbers of their own: one for all to begin with.
            let layout = Layout::new(&vec![Kept::Same; k], rows.len());
            let mut joint = Joint::of(graph, &begin, rows, &all, layout.clone())?;
            let mut x = self.numbers.clone();
            let cost = joint.descend(&mut x, 50);
            let numbers = vec![layout.numbers(&x, 0); rows.len()];
            return cost.is_finite().then(|| of(Kept::Same, numbers, cost));
        }
        let mut numbers: Vec<Vec<f64>> = Vec::with_capacity(rows.len());
        let mut cost = 0.0;
        for rows in rows {
            // From where it was found, and from what the others have.
            let starts = [&self.numbers].into_iter().chain(&numbers);
            let fits = starts.map(|start| {
                let mut candidate = Candidate { formula: self.formula, constants: start.clone() };
                (candidate.fit(graph, rows, &all, 50), candidate.constants)
            });
            let (own, best) = fits.min_by(|a, b| a.0.total_cmp(&b.0))?;
            cost += own;
            numbers.push(best);
        }
        cost.is_finite().then(|| of(Kept::Own, numbers, cost))
    }
}

impl Settled {
    /// How many numbers there are to write down.
    pub(super) fn numbers(&self) -> usize {
        Layout::new(&self.kept, self.numbers.len()).unknowns()
    }

    pub(super) fn length(&self, measure: &Measure) -> f64 {
        description(self.complexity, self.cost / measure.rows as f64, self.numbers(), measure)
    }

    /// With every number one for all, or round, or each category's own: whichever is described most briefly, one number after the other.
    pub(super) fn settled(mut self, graph: &mut Graph, rows: &[Rows], measure: &Measure) -> Settled {
        let all: Vec<usize> = (0..self.kept.len()).collect();
        let begin = Candidate { formula: self.formula, constants: vec![1.0; self.kept.len()] };
        let layout = Layout::new(&self.kept, rows.len());
        let Some(mut joint) = Joint::of(graph, &begin, rows, &all, layout) else { return self };
        loop {
            let length = self.length(measure);
            let others = (0..self.kept.len()).flat_map(|number| self.moves(number));
            let tried = others.map(|kept| self.with(kept, &mut joint));
            let best = tried.min_by(|a, b| a.length(measure).total_cmp(&b.length(measure)));
            match best {
                Some(better) if better.length(measure) < length => self = better,
                _ => return self,
            }
        }
    }

    /// The other ways to have a number.
    fn moves(&self, number: usize) -> Vec<Vec<Kept>> {
        let mean = self.numbers.iter().map(|own| own[number]).sum::<f64>() / self.numbers.len() as f64;
        let round = round_to(mean).map(Kept::Round);
        // Of numbers that say the same together one may be anything.
        let one = Some(Kept::Round(1.0_f64.copysign(mean)));
        let ways = [Some(Kept::Same), Some(Kept::Own), round, one].into_iter().flatten();
        let ways = ways.filter(|&kept| kept != self.kept[number]);
        ways.map(|kept| {
            let mut changed = self.kept.clone();
            changed[number] = kept;
            changed
        })
        .collect()
    }

    fn with(&self, kept: Vec<Kept>, joint: &mut Joint<'_>) -> Settled {
        let layout = Layout::new(&kept, self.numbers.len());
        let mut x = layout.begin(&self.numbers);
        joint.arranged(layout.clone());
        let cost = joint.descend(&mut x, 20);
        let numbers = (0..self.numbers.len()).map(|category| layout.numbers(&x, category)).collect();
        Settled { kept, numbers, cost, ..*self }
    }

    /// The formula with the numbers that are one for all, and by name those that are each category's own.
    pub(super) fn closed(&self, graph: &mut Graph, rows: &[Rows]) -> (ExprId, Vec<Parameter>) {
        let layout = Layout::new(&self.kept, rows.len());
        let x = layout.begin(&self.numbers);
        let all: Vec<usize> = (0..self.kept.len()).collect();
        let begin = Candidate { formula: self.formula, constants: vec![1.0; self.kept.len()] };
        let errors = Joint::of(graph, &begin, rows, &all, layout.clone())
            .map_or_else(|| vec![f64::NAN; x.len()], |mut joint| joint.standard_errors(&x));
        let prefix = free_prefix(&rows[0].names, &["p", "q", "parameter_"]);
        let (mut replaced, mut parameters) = (Vec::new(), Vec::<Parameter>::new());
        for (number, kept) in self.kept.iter().enumerate() {
            let symbol = graph.symbol(&open(number));
            if *kept == Kept::Own {
                let place = |category: usize| layout.place(number, category).expect("each has its own");
                let value = |category: usize| Number { value: x[place(category)], stderr: errors[place(category)] };
                let name = format!("{prefix}{}", parameters.len() + 1);
                replaced.push((symbol, graph.symbol(&name)));
                parameters.push(Parameter { name, values: (0..rows.len()).map(value).collect() });
            } else {
                replaced.push((symbol, graph.constant(self.numbers[0][number])));
            }
        }
        let closed = graph.substitute(self.formula, &replaced);
        (graph.simplify(closed), parameters)
    }
}
