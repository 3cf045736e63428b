//! What no span of small expressions is: sums that evolve, from the spans that were best.

use super::EXACT;
use super::checkpoint::Evolution;
use super::form::{Form, Part, Role};
use super::progress::GoesOn;
use super::run::Run;
use crate::evolve::{Archipelago, Limits, Member, Sum, Tree};
use crate::relation::Relation;

/// Sums that are fitted to all rows after a round, of those that no island had before.
const HANDED: usize = 6;
/// Rounds without a better choice after which what is left is taken to be noise.
const PATIENCE: usize = 25;
/// Generations after an exact fit, for a shorter way to write it.
const AFTERWARDS: usize = 6;
/// Terms of a sum that evolves.
const TERMS: usize = 8;

impl Run<'_> {
    /// Generations until something fits exactly, nothing more is gained, or they are over; false if it was broken off.
    pub(super) fn evolve(&mut self, generations: usize, goes_on: &mut GoesOn<'_>) -> bool {
        if generations == 0 {
            return goes_on(1.0, self.front.entries());
        }
        let order = self.ordered();
        let (features, y, scale) = (self.features.clone(), self.y.clone(), self.scale.clone());
        let units = self.units.clone();
        let limits = Limits {
            operators: &self.settings.operators,
            variables: self.table.names.len(),
            max_size: self.settings.max_size,
            terms: TERMS.max(self.table.names.len() + 2),
            nesting: self.settings.nesting,
            order: &order,
            units: units.as_ref(),
            rules: &self.settings.rules,
        };
        let mut islands = Archipelago::empty(&features, &y, &scale, &limits, self.settings.seed);
        let begun = self.evolution.take().and_then(|evolution| {
            islands.take_up(evolution.voyage)?;
            let Evolution { generation, choice, since, exact, handed, .. } = evolution;
            Some((generation, choice, since, exact, handed))
        });
        let (first, mut choice, mut since, mut exact, mut handed) = begun.unwrap_or_else(|| {
            islands.settle(&[&self.evolved[..], &self.seeds].concat());
            (0, f64::INFINITY, 0, 0, Vec::new())
        });
        for generation in first..generations {
            if !goes_on(generation as f64 / generations as f64, self.front.entries()) {
                let voyage = islands.voyage();
                self.evolution = Some(Evolution { generation, choice, since, exact, handed, voyage });
                return false;
            }
            self.clear();
            islands.advance();
            for sum in promising(&islands, &mut handed, y.len()) {
                self.fit_sum(&sum);
            }
            let shortest = self.description();
            since = if shortest < choice - 1.0 { 0 } else { since + 1 };
            choice = choice.min(shortest);
            exact += usize::from(self.is_exact());
            if exact > AFTERWARDS || since >= PATIENCE {
                break;
            }
        }
        self.evaluations += islands.evaluations();
        self.evolved = islands.fronts().flatten().map(|member| member.sum.clone()).collect();
        true
    }

    /// Fits the guesses, and keeps them to evolve from.
    pub(super) fn guess(&mut self) {
        for guess in &self.settings.guesses {
            let terms = guess.tree.terms();
            let sum = Sum { relation: Relation::Direct, factor: None, terms, denominator: Vec::new() };
            self.fit_sum(&sum);
            self.evolved.push(sum);
        }
    }

    fn fit_sum(&mut self, sum: &Sum) {
        let Some(form) = self.form(sum) else { return };
        self.fit(form);
    }

    /// A sum with its open numbers, to be fitted to all rows.
    fn form(&mut self, sum: &Sum) -> Option<Form> {
        let names = &self.table.names;
        let columns: Vec<&[f64]> = (0..names.len() as u32).map(|i| self.features.values(i)).collect();
        let (mut inner, largest) = (Vec::new(), self.features.largest());
        let graph = &mut self.graph;
        let mut of = |tree: &Tree| {
            let mut values = vec![0.0; self.y.len()];
            let finite = tree.values_into(&columns, largest, &mut Default::default(), &mut values);
            finite.then(|| (tree.formula(graph, names, &mut inner), values))
        };
        let factor = match &sum.factor {
            Some(factor) => Some(of(factor)?),
            None => None,
        };
        let role = if sum.relation == Relation::Product { Role::Power } else { Role::Term };
        let mut parts = Vec::new();
        for (tree, role) in sum
            .terms
            .iter()
            .map(|tree| (tree, role))
            .chain(sum.denominator.iter().map(|tree| (tree, Role::Denominator)))
        {
            let (formula, values) = of(tree)?;
            parts.push(Part { formula, values, role });
        }
        if factor.is_some() {
            let formula = self.graph.constant(1.0);
            parts.push(Part { formula, values: vec![1.0; self.y.len()], role: Role::Term });
        }
        Some(Form { relation: sum.relation, factor, parts, inner })
    }
}

/// Sums that leave less than those of their relation and size that were fitted before: exact ones first, then by description length.
fn promising(islands: &Archipelago<'_>, handed: &mut Vec<(Relation, usize, f64)>, rows: usize) -> Vec<Sum> {
    let mut new: Vec<&Member> = Vec::new();
    for member in islands.fronts().flatten() {
        let known = |&(relation, size, left): &(Relation, usize, f64)| {
            relation == member.sum.relation && size <= member.size && left <= member.left * 1.02
        };
        if !handed.iter().any(known) {
            new.push(member);
        }
    }
    let length = |member: &Member| 0.5 * rows as f64 * member.left.max(EXACT).ln() + 3.0 * member.size as f64;
    new.sort_by(|a, b| length(a).total_cmp(&length(b)));
    new.truncate(HANDED);
    handed.extend(new.iter().map(|member| (member.sum.relation, member.size, member.left)));
    new.into_iter().map(|member| member.sum.clone()).collect()
}
