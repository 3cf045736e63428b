//! The search: small expressions, spans of them under every relation, numbers inside functions, sums that evolve, and the front of
//! what fits.

mod evolved;
mod form;
mod opened;
mod products;
mod quotient;
mod result;
mod run;
mod spanned;

use crate::guess::Guess;
use crate::operators::Operators;
use crate::table::Table;
pub use result::{Number, Search};
use run::Run;

/// What to search for, and how far.
#[derive(Debug, Clone, PartialEq)]
pub struct Symreg {
    /// The operations of a formula.
    pub operators: Operators,
    /// The most nodes of a formula.
    pub max_size: usize,
    /// The most terms of a sum of small expressions.
    pub terms: usize,
    /// How many small expressions there are to be combined, and in proportion how many sums are kept to be made longer.
    pub expressions: usize,
    /// How many functions stand inside each other at the most, from zero to two.
    pub nesting: usize,
    /// Generations that evolve after that, of a thousand children on each of up to ten islands; zero: only what is enumerated.
    pub generations: usize,
    /// What every random choice of the evolution comes from.
    pub seed: u64,
    /// Formulas to begin with.
    pub guesses: Vec<Guess>,
}

impl Default for Symreg {
    fn default() -> Symreg {
        Symreg {
            operators: Operators::default(),
            max_size: 40,
            terms: 6,
            expressions: 20_000,
            nesting: 2,
            generations: 400,
            seed: 0,
            guesses: Vec::new(),
        }
    }
}

/// A share of the variance that only rounding leaves.
const EXACT: f64 = 1e-25;
/// The first look is at so many times fewer expressions: what is simple is found at once.
const FIRST_LOOK: usize = 25;
/// Nodes of an exact formula that is no approximation.
const SHORT: usize = 16;
/// One in so many generations evolves before the thorough enumeration, which takes long where there are many variables.
const EARLY: usize = 12;

impl Symreg {
    /// Searches formulas for the target of `table`; `goes_on` is told the share that is done, and may break it off.
    ///
    /// The result is the same on any number of threads (of rayon's current pool).
    pub fn search(&self, table: &Table, goes_on: &mut dyn FnMut(f64) -> bool) -> Search {
        let mut run = Run::new(self, table);
        run.constant();
        run.guess();
        let cut = !self.stages(&mut run, goes_on);
        let best = run.choice();
        Search::new(run, best, cut)
    }

    /// From what is quick to what is thorough, until something fits exactly; false if it was broken off.
    fn stages(&self, run: &mut Run<'_>, goes_on: &mut dyn FnMut(f64) -> bool) -> bool {
        type Stage<'s> = &'s dyn Fn(&mut Run<'_>, &mut dyn FnMut(f64) -> bool) -> bool;
        let few = (self.expressions / FIRST_LOOK).max(100).min(self.expressions);
        let soon = (self.generations / EARLY).min(self.generations);
        let stages: [(f64, bool, Stage<'_>); 5] = [
            (0.02, false, &|run, goes_on| run.enumerate(few, goes_on)),
            (0.10, true, &|run, goes_on| run.evolve(soon, goes_on)),
            (0.30, false, &|run, goes_on| run.enumerate(self.expressions, goes_on)),
            (0.40, false, &|run, goes_on| run.open_numbers(goes_on)),
            (1.00, true, &|run, goes_on| run.evolve(self.generations - soon, goes_on)),
        ];
        let mut begun = 0.0;
        for (end, evolves, stage) in stages {
            if !stage(run, &mut |share| goes_on(begun + share * (end - begun))) {
                return false;
            }
            // What is long and exact after evolving may be an approximation to all digits: what is enumerated is not.
            if run.shortest_exact().is_some_and(|nodes| nodes <= SHORT || !evolves) {
                return true;
            }
            begun = end;
        }
        true
    }
}
