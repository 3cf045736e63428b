//! A search of a template under way: formulas for one function after the other, and which of them go together.

use super::problem::{Filled, Form, Problem, Stand};
use super::settle::{Judge, Settled};
use super::written::Written;
use super::{Effort, Symreg};
use crate::error::SymregError;
use crate::front::{Found, Front, Measure, description};
use crate::guess::Guess;
use crate::search::SHORT;
use crate::search::progress::GoesOn;
use crate::search::rounding::outlasts_rounding;
use crate::table::Table;
use crate::template::Template;
use vecfield_expr::Scope;

pub(super) struct Hunt<'a> {
    settings: &'a Symreg,
    problem: Problem<'a>,
    variance: f64,
    measure: Measure,
    /// The shortest description so far, in which functions may be flexible.
    best: Filled,
    /// Formulas that were found for each function.
    pools: Vec<Vec<Pooled>>,
    /// Templates with formulas alone that were fitted and not yet settled.
    fitted: Vec<Filled>,
    front: Front,
    /// What is or was on the front.
    known: Vec<(Found, Settled)>,
    pub(super) evaluations: u64,
}

/// A formula for a function, and the shortest description of the whole with it.
#[derive(Debug, Clone)]
struct Pooled {
    stand: Stand,
    length: f64,
}

/// Numbers of a function's formula at the most: larger ones are no laws.
const MOST: usize = 10;
/// Nodes that a number of a flexible function counts as.
const FLEXIBLE: usize = 3;
/// Combinations of the best formulas that are tried at the most.
const COMBINED: usize = 32;
/// Formulas of each function that are tried beside the best of the others, and how often that is gone through.
const BESIDE: usize = 16;
const SWEEPS: usize = 3;
/// Templates that are settled at a time.
const SETTLED: usize = 16;

impl<'a> Hunt<'a> {
    pub(super) fn new(settings: &'a Symreg, table: &Table, template: &'a Template) -> Result<Hunt<'a>, SymregError> {
        let mut problem = Problem::new(table, template)?;
        let refused = || {
            SymregError::Template {
            text: template.text().into(),
            problem: "it has no value at some rows whatever constants stand for its functions; leave those rows out, or change its form".into(),
        }
        };
        let constant = problem.constant(settings.seed).ok_or_else(refused)?;
        let flexible = problem.flexible(settings.seed).unwrap_or_else(|| constant.clone());
        let variance = table.variance();
        let measure = Measure::of(&settings.operators, table.names().len(), table.rows(), 2.0, variance);
        let pools = vec![Vec::new(); template.unknowns.len()];
        let mut hunt = Hunt {
            settings,
            problem,
            variance,
            front: Front::by(measure.clone()),
            measure,
            best: flexible,
            pools,
            fitted: Vec::new(),
            known: Vec::new(),
            evaluations: 0,
        };
        hunt.fitted.push(constant);
        hunt.settle();
        Ok(hunt)
    }

    /// The best formulas of each complexity, the simplest first.
    pub(super) fn front(&self) -> &[Found] {
        self.front.entries()
    }

    pub(super) fn choice(&self) -> usize {
        self.front.best()
    }

    /// The shortest description of a formula.
    pub(super) fn shortest(&self) -> f64 {
        self.front.shortest()
    }

    pub(super) fn into_front(self) -> (Vec<Found>, Measure) {
        (self.front.into_entries(), self.measure)
    }

    /// The functions and numbers of every formula of the front.
    pub(super) fn written(&mut self) -> Vec<Written> {
        let settled = |found: &Found| self.known.iter().find(|(known, _)| known == found).map(|(_, settled)| settled);
        let settled: Vec<Settled> = self.front().iter().filter_map(settled).cloned().collect();
        settled.iter().map(|settled| self.problem.written(settled)).collect()
    }

    /// Does something fit exactly, and is no approximation?
    pub(super) fn is_done(&self, effort: &Effort) -> bool {
        let exact = self.front().iter().find(|found| found.loss <= self.measure.floor);
        exact.is_some_and(|found| found.complexity <= SHORT * self.pools.len() || effort.generations == 0)
    }

    /// Searches formulas for each function, and those that go together; false if it was broken off.
    pub(super) fn round(&mut self, effort: &Effort, goes_on: &mut GoesOn<'_>) -> bool {
        let count = self.pools.len();
        let mut unknowns = 0..count;
        let whole = unknowns.all(|unknown| {
            let share = |own: f64| (unknown as f64 + own) / count as f64;
            self.improve(unknown, effort, &mut |own, front| goes_on(share(own), front))
        });
        // What was found before it was broken off is a result too.
        self.combine();
        self.settle();
        whole
    }

    /// Searches formulas for one function, the others held, and fits the whole with each; false if it was broken off.
    fn improve(&mut self, unknown: usize, effort: &Effort, goes_on: &mut GoesOn<'_>) -> bool {
        let loosened = match self.best.stands[unknown].form {
            Form::Flexible => None,
            Form::Formula(_) => self.problem.loosened(&self.best, unknown),
        };
        let about = loosened.filter(|loosened| loosened.cost < self.best.cost).unwrap_or_else(|| self.best.clone());
        let Some(table) = self.problem.table_of(&about, unknown) else { return true };
        let settings = Symreg {
            expressions: effort.expressions,
            generations: effort.generations,
            guesses: self.guesses(unknown, &table),
            ..self.settings.clone()
        };
        let front = self.front.entries();
        let search = settings.search(&table, &mut |progress| goes_on(progress.share, front));
        self.evaluations += search.evaluations();
        let mut stands = Vec::new();
        for found in search.front() {
            let stand = self.problem.read(unknown, &found.expression);
            if stand.numbers.len() <= MOST {
                stands.push(stand);
            }
        }
        let tried = stands.into_iter().map(|stand| about.replaced(unknown, stand)).collect();
        self.try_all(tried, &[unknown]);
        !search.cut()
    }

    /// The best formula of a function so far, for the search to begin with.
    fn guesses(&self, unknown: usize, table: &Table) -> Vec<Guess> {
        let best = self.front.entries().get(self.choice());
        let settled = best.and_then(|best| self.known.iter().find(|(found, _)| found == best));
        settled.and_then(|(_, settled)| Guess::parse(&settled.functions[unknown], table).ok()).into_iter().collect()
    }

    /// Fits templates, and keeps the formulas of these functions.
    fn try_all(&mut self, tried: Vec<Filled>, unknowns: &[usize]) {
        for filled in self.problem.fit_all(tried, 30) {
            if !filled.cost.is_finite() {
                continue;
            }
            let length = self.length(&filled);
            for &unknown in unknowns {
                let stand = filled.stands[unknown].clone();
                let pool = &mut self.pools[unknown];
                match pool.iter_mut().find(|known| known.stand.form == stand.form) {
                    Some(known) if known.length <= length => {}
                    Some(known) => *known = Pooled { stand, length },
                    None => pool.push(Pooled { stand, length }),
                }
            }
            if length < self.length(&self.best) {
                self.best = filled.clone();
            }
            if filled.is_formula() {
                self.fitted.push(filled);
            }
        }
    }

    /// The description length of a filled template, before its numbers are settled.
    fn length(&self, filled: &Filled) -> f64 {
        let nodes = |stand: &Stand| match stand.form {
            Form::Flexible => FLEXIBLE * stand.numbers.len(),
            Form::Formula(formula) => self.problem.graph.complexity(formula),
        };
        let complexity = filled.stands.iter().map(nodes).sum();
        let numbers = filled.constants().len();
        description(complexity, filled.cost / self.measure.rows as f64, numbers, &self.measure)
    }

    /// Tries the best formulas of all functions with each other, then those of one beside the best of the others.
    fn combine(&mut self) {
        for pool in &mut self.pools {
            pool.sort_by(|a, b| a.length.total_cmp(&b.length));
        }
        let all: Vec<usize> = (0..self.pools.len()).collect();
        let each = (1..=COMBINED).take_while(|each| each.pow(all.len() as u32) <= COMBINED).last().unwrap_or(1);
        let mut combined = vec![self.best.clone()];
        for (unknown, pool) in self.pools.iter().enumerate() {
            let with = |filled: &Filled| {
                let filled = filled.clone();
                pool.iter().take(each).map(move |known| filled.replaced(unknown, known.stand.clone()))
            };
            combined = combined.iter().flat_map(with).collect();
        }
        self.try_all(combined, &all);
        for _ in 0..SWEEPS {
            let Some(best) = self.best_formula() else { return };
            let before = self.length(&best);
            for &unknown in &all {
                let Some(best) = self.best_formula() else { return };
                let others = self.pools[unknown].iter().filter(|known| known.stand.form != best.stands[unknown].form);
                let tried = others.take(BESIDE).map(|known| best.replaced(unknown, known.stand.clone())).collect();
                self.try_all(tried, &[unknown]);
            }
            if self.best_formula().is_none_or(|best| self.length(&best) >= before) {
                return;
            }
        }
    }

    /// The shortest description of those that are not yet settled.
    fn best_formula(&self) -> Option<Filled> {
        self.fitted.iter().min_by(|a, b| self.length(a).total_cmp(&self.length(b))).cloned()
    }

    /// Settles the numbers of what is best at its size, or shortest of all, and takes it to the front.
    fn settle(&mut self) {
        let mut fitted = std::mem::take(&mut self.fitted);
        fitted.sort_by(|a, b| self.length(a).total_cmp(&self.length(b)));
        let judge = Judge { rules: &self.settings.rules, measure: &self.measure };
        let nodes = |filled: &Filled| -> usize {
            let of = |stand: &Stand| match stand.form {
                Form::Flexible => 0,
                Form::Formula(formula) => self.problem.graph.complexity(formula),
            };
            filled.stands.iter().map(of).sum()
        };
        let sizes: Vec<usize> = fitted.iter().map(nodes).collect();
        let better = |at: usize| (0..at).all(|other| sizes[other] > sizes[at] || fitted[other].cost > fitted[at].cost);
        let chosen: Vec<Filled> =
            (0..fitted.len()).filter(|&at| better(at)).take(SETTLED).map(|at| fitted[at].clone()).collect();
        for settled in self.problem.settle_all(&chosen, &judge) {
            self.take(settled);
        }
    }

    /// Takes a settled template to the front, if it is one to have.
    fn take(&mut self, settled: Settled) {
        let loss = settled.cost / self.measure.rows as f64;
        let r2 = if self.variance > 0.0 { 1.0 - loss / self.variance } else { 1.0 };
        let (complexity, expression) = (settled.complexity, settled.whole.clone());
        let found = Found { complexity, loss, r2, expression, numbers: settled.fitted };
        // What is first is there whatever speaks against it, so that there is a result.
        let is_first = self.front().is_empty();
        if is_first || self.front.welcomes(complexity, loss, found.numbers) && self.is_law(&settled) {
            self.front.insert(found.clone());
            self.known.push((found, settled));
        }
    }

    /// Has it fewer numbers than there are rows, is it not too large, and does what it says outlast rounding?
    fn is_law(&mut self, settled: &Settled) -> bool {
        settled.fitted + 1 < self.measure.rows
            && settled.complexity <= self.settings.max_size * self.pools.len()
            && self.outlasts_rounding(settled)
    }

    fn outlasts_rounding(&mut self, settled: &Settled) -> bool {
        let scope = Scope::new(self.problem.template.names.iter().cloned());
        let scope = scope.expect("a table has names that formulas can hold");
        let graph = &mut self.problem.graph;
        let whole = graph.parse(&settled.whole, &scope).expect("what is printed can be read");
        let deviation = self.variance * self.measure.rows as f64;
        outlasts_rounding(graph, whole, &self.problem.rows, settled.cost, deviation)
    }
}
