//! The search: small expressions, spans of them under every relation, numbers inside functions, sums that evolve, and the front of
//! what fits.

mod bent;
mod checkpoint;
mod choices;
mod evolved;
mod form;
mod opened;
mod pieces;
mod products;
mod progress;
mod quotient;
mod result;
mod rounding;
mod run;
mod spanned;
mod templated;
mod thresholds;

use crate::front::Found;
use crate::guess::Guess;
use crate::loss::Loss;
use crate::operators::Operators;
use crate::rules::Rules;
use crate::shape::Shapes;
use crate::table::Table;
use crate::units::Units;
pub use checkpoint::Checkpoint;
pub(crate) use form::round_to;
pub use progress::Progress;
pub use result::{Number, Search};
use run::Run;
pub use templated::{Function, Templated};

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
    /// What variables and target are measured in; `None` for no matter.
    pub units: Option<Units>,
    /// What a formula has to be, everywhere in a box of the table that is searched; `None` for anything.
    pub shapes: Option<Shapes>,
    /// What operations cost and where they may stand.
    pub rules: Rules,
    /// What errors cost; `None` for their squares.
    pub loss: Option<Loss>,
    /// Rows that expressions are compared at, spread over the values of the target; formulas are fitted to all.
    pub sample: usize,
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
            units: None,
            shapes: None,
            rules: Rules::default(),
            loss: None,
            sample: 64,
        }
    }
}

/// A share of the variance that only rounding leaves.
pub(crate) const EXACT: f64 = 1e-25;
/// The first look is at so many times fewer expressions: what is simple is found at once.
const FIRST_LOOK: usize = 25;
/// Nodes of an exact formula that is no approximation.
const SHORT: usize = 16;
/// How often rows are weighed anew while sums evolve.
const REWEIGHED: usize = 4;
/// One in so many generations evolves before the thorough enumeration, which takes long where there are many variables.
const EARLY: usize = 12;

impl Symreg {
    /// Searches formulas for the target of `table`; `goes_on` is told of its [`Progress`], and may break it off.
    ///
    /// The result is the same on any number of threads (of rayon's current pool).
    pub fn search(&self, table: &Table, goes_on: &mut dyn FnMut(Progress<'_>) -> bool) -> Search {
        let mirrored = self.mirrored(table);
        let mut run = Run::new(self, mirrored.as_ref().unwrap_or(table), table.rows());
        run.constant();
        run.guess();
        self.finish(run, table, 0, goes_on)
    }

    /// Goes on with a search of the same settings and table that was [broken off](Search::checkpoint): what comes out is what would have, had it never
    /// stopped.
    pub fn resume(
        &self,
        table: &Table,
        checkpoint: &Checkpoint,
        goes_on: &mut dyn FnMut(Progress<'_>) -> bool,
    ) -> Search {
        let mirrored = self.mirrored(table);
        let mut run = Run::new(self, mirrored.as_ref().unwrap_or(table), table.rows());
        run.begin();
        run.take_up(checkpoint.clone());
        let mut gathered = self.stages().into_iter().take(checkpoint.stage).filter_map(|stage| match stage.what {
            What::Enumerate(expressions) => Some(expressions),
            What::OpenNumbers | What::Evolve(_) => None,
        });
        if let Some(expressions) = gathered.next_back() {
            run.gather(expressions);
        }
        self.finish(run, table, checkpoint.stage, goes_on)
    }

    /// The rows with their images under the symmetries that are asked for.
    fn mirrored(&self, table: &Table) -> Option<Table> {
        self.shapes.as_ref().and_then(|shapes| shapes.mirrored(table))
    }

    fn finish(
        &self,
        mut run: Run<'_>,
        table: &Table,
        first: usize,
        goes_on: &mut dyn FnMut(Progress<'_>) -> bool,
    ) -> Search {
        let checkpoint = self.run_from(first, &mut run, goes_on);
        let best = run.choice();
        Search::new(run, table, best, checkpoint)
    }

    /// From what is quick to what is thorough, until something fits exactly; where to go on if it was broken off.
    fn run_from(
        &self,
        first: usize,
        run: &mut Run<'_>,
        goes_on: &mut dyn FnMut(Progress<'_>) -> bool,
    ) -> Option<Checkpoint> {
        let stages = self.stages();
        let mut begun = first.checked_sub(1).and_then(|before| stages.get(before)).map_or(0.0, |stage| stage.end);
        for (place, stage) in stages.into_iter().enumerate().skip(first) {
            let before = run.checkpoint(place);
            run.weigh();
            run.clear();
            let share = &mut |share: f64, front: &[Found]| {
                goes_on(Progress { share: begun + share * (stage.end - begun), front })
            };
            let done = match stage.what {
                What::Enumerate(expressions) => run.enumerate(expressions, share),
                What::OpenNumbers => run.open_numbers(share),
                What::Evolve(generations) => run.evolve(generations, share),
            };
            if !done {
                let evolution = run.evolution.take();
                // What evolves goes on between generations; other stages begin again.
                return Some(match evolution {
                    Some(_) => Checkpoint { evolution, ..run.checkpoint(place) },
                    None => before,
                });
            }
            // What is long and exact after evolving may be an approximation to all digits: what is enumerated is not.
            let evolves = matches!(stage.what, What::Evolve(_));
            if run.shortest_exact().is_some_and(|nodes| nodes <= SHORT || !evolves) {
                return None;
            }
            begun = stage.end;
        }
        None
    }

    fn stages(&self) -> Vec<Stage> {
        let few = (self.expressions / FIRST_LOOK).max(100).min(self.expressions);
        let soon = (self.generations / EARLY).min(self.generations);
        let mut stages = vec![
            Stage { end: 0.02, what: What::Enumerate(few) },
            Stage { end: 0.10, what: What::Evolve(soon) },
            Stage { end: 0.30, what: What::Enumerate(self.expressions) },
            Stage { end: 0.40, what: What::OpenNumbers },
        ];
        // Rows are weighed anew for every stage.
        let (rest, parts) = (self.generations - soon, if self.loss.is_some() { REWEIGHED } else { 1 });
        let part = |i: usize| Stage {
            end: 0.40 + 0.60 * (i + 1) as f64 / parts as f64,
            what: What::Evolve(rest * (i + 1) / parts - rest * i / parts),
        };
        stages.extend((0..parts).map(part));
        stages
    }
}

/// A part of the search, and the share that is done after it.
struct Stage {
    end: f64,
    what: What,
}

/// What is done in it.
enum What {
    /// So many expressions are made, and spans of them compared.
    Enumerate(usize),
    /// Numbers are put inside functions.
    OpenNumbers,
    /// Sums evolve for so many generations.
    Evolve(usize),
}
