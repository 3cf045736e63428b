//! A search of the unknown functions of a template.
//!
//! All begin as polynomials, fitted to the target together with the numbers of the template. Then one after the other is searched: with the others held
//! the template is `T + T' (f - f₀)` nearly, so that `f` is looked for by regression on its own arguments with the target `f₀ + (y - T)/T'` and the
//! weight `T'²`. Every formula that this finds is put into the template and all numbers are fitted to all rows; the shortest description stands
//! for the function from then on. (Backfitting, Breiman and Friedman 1985, by Gauss and Newton's linearisation.)

mod basis;
mod free;
mod hunt;
mod problem;
mod settle;
mod start;
mod written;

use vecfield_expr::{ExprId, Graph, Scope};

use super::result::{Number, Search};
use super::{Progress, Symreg};
use crate::error::SymregError;
use crate::front::Found;
use crate::table::Table;
use crate::template::Template;
use hunt::Hunt;
use written::Written;

/// What a search of a template has found.
#[derive(Debug, Clone)]
pub struct Templated {
    search: Search,
    /// In the order of the front.
    written: Vec<Written>,
}

/// What stands for an unknown function.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// What it is called in the template.
    pub name: String,
    /// What its formula calls its arguments.
    pub arguments: Vec<String>,
    /// Its formula as a text.
    pub expression: String,
    /// The numbers in it that were fitted, in the order in which it is evaluated.
    pub numbers: Vec<Number>,
}

impl Function {
    /// Its formula and the graph that it is in.
    pub fn formula(&self) -> (Graph, ExprId) {
        let scope = Scope::new(self.arguments.iter().cloned()).expect("arguments are named as columns are");
        let mut graph = Graph::new();
        let formula = graph.parse(&self.expression, &scope).expect("what is printed can be read");
        (graph, formula)
    }
}

/// How long functions are searched, in rounds.
struct Effort {
    expressions: usize,
    generations: usize,
    /// Rounds at the most.
    times: usize,
    /// The share of the whole search that is done after them.
    end: f64,
}

/// By what a round has to shorten the description for another of the same effort.
const WORTH_A_ROUND: f64 = 1.0;

impl Symreg {
    /// Searches formulas of few operations for the unknown functions of a template. Operations and rules hold for each of these, as does `max_size`; what a
    /// formula's complexity is told as are the nodes of all of them, each counted once.
    ///
    /// ```
    /// use vecfield_symreg::{Symreg, Table, Template};
    ///
    /// // y = exp(x/3) (z² + 1) - 2.
    /// let x: Vec<f64> = (0..60).map(|i| 0.05 * f64::from(i)).collect();
    /// let z: Vec<f64> = (0..60).map(|i| 0.1 * f64::from(i * 7 % 23)).collect();
    /// let y = x.iter().zip(&z).map(|(x, z)| (x / 3.0).exp() * (z * z + 1.0) - 2.0).collect();
    /// let table = Table::new(vec!["x".into(), "z".into()], vec![x, z], y)?;
    /// let template = Template::parse("f(x)*g(z) + c", &table)?;
    /// let settings = Symreg { expressions: 300, generations: 0, ..Symreg::default() };
    /// let found = settings.search_template(&table, &template, &mut |_| true)?;
    /// assert!(found.search().best().r2 > 1.0 - 1e-12, "{found:?}");
    /// let functions = found.functions(found.search().best());
    /// assert_eq!((functions[0].name.as_str(), functions[1].expression.as_str()), ("f", "z^2 + 1"));
    /// # Ok::<(), vecfield_symreg::SymregError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SymregError::NotWithTemplate`] for units, shapes, guesses, and errors that cost something else than their squares; [`SymregError::Template`] for a
    /// template of another table, or one that has no value at some rows whatever its functions are.
    pub fn search_template(
        &self,
        table: &Table,
        template: &Template,
        goes_on: &mut dyn FnMut(Progress<'_>) -> bool,
    ) -> Result<Templated, SymregError> {
        self.fit_for_templates()?;
        let mut hunt = Hunt::new(self, table, template)?;
        let cut = !self.hunt(&mut hunt, goes_on);
        Ok(Templated::of(self, table, hunt, cut))
    }

    fn fit_for_templates(&self) -> Result<(), SymregError> {
        let asked = [
            (self.units.is_some(), "units"),
            (self.shapes.is_some(), "shapes"),
            (self.loss.is_some(), "a loss that is no square"),
            (!self.guesses.is_empty(), "guesses"),
        ];
        match asked.into_iter().find(|(given, _)| *given) {
            Some((_, option)) => Err(SymregError::NotWithTemplate { option }),
            None => Ok(()),
        }
    }

    /// From what is quick to what is thorough, until something fits exactly; false if it was broken off.
    fn hunt(&self, hunt: &mut Hunt<'_>, goes_on: &mut dyn FnMut(Progress<'_>) -> bool) -> bool {
        let mut begun = 0.0;
        for effort in self.efforts() {
            // What one function is, is a better beginning for the others.
            for time in 0..effort.times {
                let (before, step) = (hunt.shortest(), (effort.end - begun) / effort.times as f64);
                let first = begun + step * time as f64;
                let whole =
                    hunt.round(&effort, &mut |share, front| goes_on(Progress { share: first + step * share, front }));
                if !whole || hunt.is_done(&effort) {
                    return whole;
                }
                if hunt.shortest() > before - WORTH_A_ROUND {
                    break;
                }
            }
            begun = effort.end;
        }
        true
    }

    fn efforts(&self) -> Vec<Effort> {
        let of = |part: usize| (self.expressions / part).max(100).min(self.expressions);
        let mut efforts = vec![
            Effort { expressions: of(10), generations: 0, times: 2, end: 0.05 },
            Effort { expressions: of(4), generations: self.generations / 10, times: 2, end: 0.3 },
            Effort { expressions: of(2), generations: self.generations / 4, times: 1, end: 1.0 },
        ];
        efforts.dedup_by_key(|effort| (effort.expressions, effort.generations));
        efforts
    }
}

impl Templated {
    fn of(settings: &Symreg, table: &Table, mut hunt: Hunt<'_>, cut: bool) -> Templated {
        let written = hunt.written();
        let (best, evaluations) = (hunt.choice(), hunt.evaluations);
        let (front, measure) = hunt.into_front();
        let search = Search::of_front(front, (settings, table), (best, measure), evaluations, cut);
        Templated { search, written }
    }

    /// The whole formulas: the best of each complexity, the one to choose, their values and code. Its standard errors are those of the whole.
    pub fn search(&self) -> &Search {
        &self.search
    }

    /// What stands for each unknown function in a formula of the front, in alphabetical order.
    ///
    /// # Panics
    ///
    /// If it is none of this front.
    pub fn functions(&self, found: &Found) -> &[Function] {
        &self.written[self.search.place(found)].functions
    }

    /// The numbers of the template in a formula of the front, in alphabetical order. One that is round, or that the functions could make up for, was not
    /// fitted and has no standard error.
    ///
    /// # Panics
    ///
    /// If it is none of this front.
    pub fn numbers(&self, found: &Found) -> &[(String, Number)] {
        &self.written[self.search.place(found)].numbers
    }
}
