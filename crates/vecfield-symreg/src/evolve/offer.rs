//! A term that a sum lacks: of two dozen that are offered the one that explains most of what is left.

use vecfield_expr::Binary;

use super::mutate::{function_of_group, mutate_tree};
use super::sum::{Bench, Sum};
use super::tree::Tree;
use super::vary::Limits;
use crate::features::Features;
use crate::random::Stream;

/// Columns compared with what a sum leaves over.
const OFFERED: usize = 24;

/// Puts a further term in, or another in the place of one.
pub(super) fn offer(sum: &mut Sum, limits: &Limits<'_>, bench: &mut Bench<'_>, random: &mut Stream) {
    if sum.terms.len() > 1 && random.chance(0.5) || sum.terms.len() >= limits.terms {
        sum.terms.remove(random.below(sum.terms.len()));
    }
    if limits.order.is_empty() || bench.solve(sum).is_none() {
        return;
    }
    let mut column = vec![0.0; bench.rows()];
    let mut best: (f64, Option<Offer>) = (0.0, None);
    for _ in 0..OFFERED {
        let offer = Offer::drawn(sum, limits, bench, random);
        if !offer.agrees(sum, limits, bench.features) {
            continue;
        }
        let gain = if offer.values_into(bench, &mut column) { bench.gain(&mut column) } else { 0.0 };
        if gain > best.0 {
            best = (gain, Some(offer));
        }
    }
    sum.terms.extend(best.1.map(|offer| offer.into_tree(bench.features)));
}

/// What may be put in: features and their products by the values that are there, without a tree.
enum Offer {
    Feature(u32),
    Product(u32, u32),
    Tree(Tree),
}

impl Offer {
    fn drawn(sum: &Sum, limits: &Limits<'_>, bench: &Bench<'_>, random: &mut Stream) -> Offer {
        let features = bench.features;
        // Factors are of any unit; what is put in as it is, is of that of the terms, if there is such a thing.
        let any = |random: &mut Stream| limits.order[random.early(limits.order.len())];
        let terms = if bench.terms.is_empty() { limits.order } else { &bench.terms };
        let kind = random.uniform();
        if kind < 0.25 && limits.operators.has(Binary::Mul) {
            return Offer::Product(any(random), any(random));
        }
        let tree = match (kind < 0.5, sum.terms.get(random.below(sum.terms.len()))) {
            (true, _) => function_of_group(limits, random),
            (false, Some(term)) if kind < 0.75 => {
                let mut changed = term.clone();
                mutate_tree(&mut changed, limits, features, random);
                Some(changed)
            }
            _ => None,
        };
        tree.map_or_else(|| Offer::Feature(terms[random.early(terms.len())]), Offer::Tree)
    }

    /// May it be a further term of the sum?
    fn agrees(&self, sum: &Sum, limits: &Limits<'_>, features: &Features) -> bool {
        let Some(units) = limits.units else { return true };
        let unit = match self {
            Offer::Feature(a) => Ok(features.unit(*a)),
            Offer::Product(a, b) => units.binary(Binary::Mul, features.unit(*a), features.unit(*b), None),
            Offer::Tree(tree) => units.of_tree(tree, &mut Vec::new()),
        };
        unit.is_ok_and(|unit| units.allow_beside(sum, unit))
    }

    /// Writes the column as it enters the linear problem; false where it has none.
    fn values_into(&self, bench: &mut Bench<'_>, column: &mut [f64]) -> bool {
        match self {
            Offer::Tree(tree) => return bench.column(tree, column),
            Offer::Feature(a) => column.copy_from_slice(bench.features.values(*a)),
            Offer::Product(a, b) => {
                let (a, b) = (bench.features.values(*a), bench.features.values(*b));
                column.iter_mut().zip(a).zip(b).for_each(|((x, a), b)| *x = a * b);
            }
        }
        bench.entered(column)
    }

    fn into_tree(self, features: &Features) -> Tree {
        match self {
            Offer::Feature(a) => Tree::of_feature(features, a),
            Offer::Product(a, b) => {
                Tree::binary(Binary::Mul, &Tree::of_feature(features, a), &Tree::of_feature(features, b))
            }
            Offer::Tree(tree) => tree,
        }
    }
}
