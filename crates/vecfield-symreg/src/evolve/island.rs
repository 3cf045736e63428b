//! One population: regularised evolution, in which a child of the best of a few takes the place of the oldest (Real et al. 2019), with a
//! price on sizes that are common (Cranmer 2023, section 2.2), so that no complexity dies out.

use vecfield_expr::Binary;

use super::constants::tune;
use super::mend::mended;
use super::population::Population;
use super::sum::{Bench, Sum};
use super::tree::{Token, Tree};
use super::vary::{Limits, child};
use crate::random::Stream;
use crate::relation::Relation;
use crate::units::Dimension;

/// A sum with what it leaves over.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    pub(crate) sum: Sum,
    /// The share of the variance that it leaves.
    pub(crate) left: f64,
    pub(crate) size: usize,
}

/// Sums that compete with each other.
#[derive(Debug)]
pub(crate) struct Island<'a> {
    random: Stream,
    relation: Relation,
    limits: &'a Limits<'a>,
    bench: Bench<'a>,
    members: Vec<Member>,
    /// Whose place is taken next.
    oldest: usize,
    /// The best of each size.
    best: Vec<Option<Member>>,
    /// How common sizes are, of late.
    common: Vec<f64>,
    /// What a node costs, as a logarithm of what is left.
    price: f64,
    pub(crate) evaluations: u64,
    /// Of the operands of a tree.
    units: Vec<Dimension>,
}

/// Sums of an island, and how many of them compete for having a child.
const MEMBERS: usize = 120;
const TOURNAMENT: usize = 7;
/// How often the better one of two that meet wins.
const FAIR: f64 = 0.9;
/// How often numbers are tuned of a child that has some and is not hopeless.
const TUNED: f64 = 0.12;
/// Children of one pair until the units agree.
const TRIALS: usize = 8;
/// The share that rounding leaves.
const NOTHING: f64 = 1e-26;

impl<'a> Island<'a> {
    pub(crate) fn new(
        random: Stream,
        bench: Bench<'a>,
        relation: Relation,
        limits: &'a Limits<'a>,
        price: f64,
    ) -> Self {
        Island {
            random,
            relation,
            limits,
            bench,
            members: Vec::new(),
            oldest: 0,
            best: vec![None; limits.max_size + 1],
            common: vec![1.0; limits.max_size + 1],
            price,
            evaluations: 0,
            units: Vec::new(),
        }
    }

    /// As it is, to be [taken up](Island::take_up) again.
    pub(crate) fn population(&self) -> Population {
        Population {
            drawn: self.random.drawn(),
            oldest: self.oldest,
            evaluations: self.evaluations,
            members: self.members.clone(),
            best: self.best.iter().flatten().cloned().collect(),
            common: self.common.clone(),
        }
    }

    /// Becomes what another was; `None` where that was of other limits.
    pub(crate) fn take_up(&mut self, population: Population) -> Option<()> {
        let Population { drawn, oldest, evaluations, members, best, common } = population;
        let fits = |member: &Member| member.size < self.best.len() && member.sum.relation == self.relation;
        if common.len() != self.common.len()
            || members.len() > MEMBERS
            || oldest > members.len()
            || !members.iter().chain(&best).all(fits)
        {
            return None;
        }
        self.random.skip_to(drawn);
        for member in best {
            let size = member.size;
            self.best[size] = Some(member);
        }
        (self.members, self.oldest, self.evaluations, self.common) = (members, oldest, evaluations, common);
        Some(())
    }

    /// Takes some sums in and fills up with small ones of its own.
    pub(crate) fn settle(&mut self, seeds: &[Sum]) {
        for seed in seeds {
            self.immigrate(seed);
        }
        for _ in 0..20 * MEMBERS {
            if self.members.len() >= MEMBERS {
                break;
            }
            let sum = self.newcomer();
            if let Some(member) = self.judge(sum) {
                self.members.push(member);
            }
        }
    }

    /// A few cheap features; of products, the powers of all variables beside one.
    fn newcomer(&mut self) -> Sum {
        let (features, order) = (self.bench.features, &self.bench.terms);
        let mut terms = Vec::new();
        let mut extra = 1 + self.random.below(3);
        if self.relation == Relation::Product {
            terms.extend((0..self.limits.variables as u32).map(|v| Tree::leaf(Token::Variable(v))));
            extra = 1;
        }
        for _ in 0..extra {
            let at = self.random.early(order.len());
            terms.extend(order.get(at).map(|&i| Tree::of_feature(features, i)));
        }
        Sum { relation: self.relation, factor: None, terms, denominator: Vec::new() }
    }

    /// A sum from elsewhere, under the relation of this island.
    pub(crate) fn immigrate(&mut self, sum: &Sum) {
        let mut sum = Sum { relation: self.relation, ..sum.clone() };
        if self.relation == Relation::Product {
            (sum.factor, sum.denominator) = (None, Vec::new());
        }
        if let Some(member) = self.judge(sum) {
            self.place(member);
        }
    }

    /// Some of the best, others every round; of a product of powers also what it is as the factor of a sum.
    pub(crate) fn emigrants(&mut self, round: usize, count: usize) -> Vec<Sum> {
        let front: Vec<Sum> = self.front().into_iter().map(|member| member.sum.clone()).collect();
        let step = front.len().div_ceil(count).max(1);
        let mut chosen: Vec<Sum> = front.into_iter().rev().skip(round % step).step_by(step).collect();
        if self.relation == Relation::Product {
            let factors: Vec<Sum> = chosen.iter().filter_map(|sum| self.as_factor(sum)).collect();
            chosen.extend(factors);
        }
        chosen
    }

    /// `Π |f|^p` as `F` of `F (c_0 + c_1 f_1)`, its powers rounded to halves.
    fn as_factor(&mut self, sum: &Sum) -> Option<Sum> {
        self.bench.solve(sum)?;
        let powers: Vec<f64> = self.bench.numbers().iter().map(|p| (2.0 * p).round() / 2.0).collect();
        if powers.len() != sum.terms.len() {
            return None;
        }
        let power = |(tree, &p): (&Tree, &f64)| match p {
            1.0 => tree.clone(),
            _ => Tree::binary(Binary::Pow, tree, &Tree::leaf(Token::Number(p))),
        };
        let factors = sum.terms.iter().zip(&powers).filter(|(_, p)| **p != 0.0).map(power);
        let factor = factors.reduce(|a, b| Tree::binary(Binary::Mul, &a, &b))?;
        let at = self.limits.order.get(self.random.early(self.limits.order.len()))?;
        let terms = vec![Tree::of_feature(self.bench.features, *at)];
        Some(Sum { relation: Relation::Direct, factor: Some(factor), terms, denominator: Vec::new() })
    }

    fn judge(&mut self, sum: Sum) -> Option<Member> {
        if !self.limits.keeps(&sum) || !self.agrees(&sum) {
            return None;
        }
        self.evaluations += 1;
        let left = self.bench.solve(&sum)?;
        Some(Member { size: sum.size(), left, sum })
    }

    fn agrees(&mut self, sum: &Sum) -> bool {
        self.limits.units.is_none_or(|units| units.allow_sum(sum, &mut self.units))
    }

    /// A child whose units agree, mended if need be; one that does not after a few trials.
    fn child(&mut self, one: usize, other: usize) -> Sum {
        let (parent, other) = (&self.members[one].sum, &self.members[other].sum);
        let mut sum = child(parent, other, self.limits, &mut self.bench, &mut self.random);
        let Some(units) = self.limits.units else { return sum };
        for _ in 0..TRIALS {
            if units.allow_sum(&sum, &mut self.units) {
                break;
            }
            sum = match mended(&sum, units, self.limits.operators, &mut self.random) {
                Some(mended) => mended,
                None => child(parent, other, self.limits, &mut self.bench, &mut self.random),
            };
        }
        sum
    }

    fn place(&mut self, member: Member) {
        // What is the same to nine digits is the same, or another way to write it.
        let twin = |known: &Member| {
            (known.left - member.left).abs() <= 1e-9 * member.left.max(NOTHING) && known.size <= member.size
        };
        if self.members.iter().any(twin) {
            return;
        }
        let best = &mut self.best[member.size];
        if best.as_ref().is_none_or(|best| member.left < best.left) {
            *best = Some(member.clone());
        }
        self.common[member.size] += 1.0;
        if self.members.len() < MEMBERS {
            self.members.push(member);
        } else {
            self.members[self.oldest] = member;
            self.oldest = (self.oldest + 1) % MEMBERS;
        }
    }

    /// Brings up so many children.
    pub(crate) fn advance(&mut self, children: usize) {
        if self.members.is_empty() {
            return;
        }
        for _ in 0..children {
            let (one, other) = (self.tournament(), self.tournament());
            let before = self.members[one].left;
            let sum = self.child(one, other);
            let Some(mut member) = self.judge(sum) else { continue };
            let chance = if member.left < before { 4.0 * TUNED } else { TUNED };
            if member.left < 2.0 * before
                && self.random.chance(chance)
                && let Some(left) = tune(&mut member.sum, &mut self.bench)
            {
                member.left = left;
                self.evaluations += 8;
            }
            self.place(member);
        }
        self.common.iter_mut().for_each(|count| *count *= 0.8);
    }

    /// The best of a few by what it leaves and what its size costs, mostly.
    fn tournament(&mut self) -> usize {
        let mean = self.common.iter().sum::<f64>() / self.common.len() as f64;
        let mut best = (f64::INFINITY, 0);
        for _ in 0..TOURNAMENT {
            let at = self.random.below(self.members.len());
            let member = &self.members[at];
            let rare = self.common[member.size] / (self.common[member.size] + 4.0 * mean);
            let score = member.left.max(NOTHING).ln() + self.price * member.size as f64 + rare;
            if score < best.0 && self.random.chance(FAIR) || best.0.is_infinite() {
                best = (score, at);
            }
        }
        best.1
    }

    /// The best of each size, those that no smaller one outdoes.
    pub(crate) fn front(&self) -> Vec<&Member> {
        let mut least = f64::INFINITY;
        let undominated = |member: &&Member| {
            let better = member.left < least;
            least = least.min(member.left);
            better
        };
        self.best.iter().flatten().filter(undominated).collect()
    }
}
