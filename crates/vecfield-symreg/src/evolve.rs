//! Islands of sums that evolve: populations apart, each with random numbers of its own, which exchange their best between rounds.

mod constants;
mod island;
mod mend;
mod mutate;
mod offer;
mod population;
mod sum;
mod tree;
mod vary;

use rayon::prelude::*;

use crate::features::Features;
use crate::random::Stream;
use crate::relation::Relation;

use island::Island;
pub(crate) use island::Member;
pub(crate) use population::{Population, Voyage};
use sum::Bench;
pub(crate) use sum::Sum;
pub(crate) use tree::{Token, Tree};
pub(crate) use vary::Limits;

/// Which relation each island works on, in turn; those that cannot hold are left out.
const RELATIONS: [Relation; 10] = [
    Relation::Direct,
    Relation::Product,
    Relation::Direct,
    Relation::Square,
    Relation::Direct,
    Relation::Reciprocal,
    Relation::Direct,
    Relation::Product,
    Relation::Logarithm,
    Relation::ReciprocalSquare,
];
/// What a node costs on the islands, in turn.
const PRICES: [f64; 5] = [0.05, 0.03, 0.15, 0.05, 0.01];
/// Children of each island in a round.
const CHILDREN: usize = 1000;
/// How many of its neighbour's best an island takes in after a round.
const MIGRANTS: usize = 6;

/// Populations that evolve apart.
#[derive(Debug)]
pub(crate) struct Archipelago<'a> {
    islands: Vec<Island<'a>>,
    round: usize,
}

impl<'a> Archipelago<'a> {
    /// Islands for every relation that can hold, with nobody on them.
    pub(crate) fn empty(
        features: &'a Features,
        y: &'a [f64],
        scale: &'a [f64],
        limits: &'a Limits<'a>,
        seed: u64,
    ) -> Archipelago<'a> {
        let relations = RELATIONS.into_iter().enumerate().filter(|(_, relation)| {
            relation.allowed(limits.operators) && limits.units.is_none_or(|units| units.allow(*relation))
        });
        let islands: Vec<Island<'a>> = relations
            .filter_map(|(i, relation)| {
                let bench = Bench::new(features, y, scale, relation, limits)?;
                let random = Stream::new(seed, i as u64);
                Some(Island::new(random, bench, relation, limits, PRICES[i % PRICES.len()]))
            })
            .collect();
        Archipelago { islands, round: 0 }
    }

    /// Settles each by `seeds` and small sums of its own.
    pub(crate) fn settle(&mut self, seeds: &[Sum]) {
        self.islands.par_iter_mut().for_each(|island| island.settle(seeds));
    }

    /// As it is, to be [taken up](Archipelago::take_up) again.
    pub(crate) fn voyage(&self) -> Voyage {
        Voyage { round: self.round, islands: self.islands.iter().map(Island::population).collect() }
    }

    /// Becomes what others were; `None` where these were of another search.
    pub(crate) fn take_up(&mut self, voyage: Voyage) -> Option<()> {
        if voyage.islands.len() != self.islands.len() {
            return None;
        }
        self.round = voyage.round;
        self.islands
            .iter_mut()
            .zip(voyage.islands)
            .try_for_each(|(island, population)| island.take_up(population).ok_or(()))
            .ok()
    }

    /// One round on all islands at once, then the exchange; the same on any number of threads, as islands meet between rounds only.
    pub(crate) fn advance(&mut self) {
        self.islands.par_iter_mut().for_each(|island| island.advance(CHILDREN));
        self.round += 1;
        let count = self.islands.len();
        if count < 2 {
            return;
        }
        // Each round a step further round the ring.
        let step = 1 + self.round % (count - 1);
        let round = self.round;
        let best: Vec<Vec<Sum>> = self.islands.iter_mut().map(|island| island.emigrants(round, MIGRANTS)).collect();
        for (i, island) in self.islands.iter_mut().enumerate() {
            best[(i + step) % count].iter().for_each(|sum| island.immigrate(sum));
        }
    }

    /// The best of each size on each island.
    pub(crate) fn fronts(&self) -> impl Iterator<Item = Vec<&Member>> {
        self.islands.iter().map(Island::front)
    }

    pub(crate) fn evaluations(&self) -> u64 {
        self.islands.iter().map(|island| island.evaluations).sum()
    }
}
