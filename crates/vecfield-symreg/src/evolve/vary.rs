//! How sums become other sums: nodes changed, put in, taken out and moved, terms exchanged, and numbers shaken.

use vecfield_expr::Binary;

use super::mutate::{mutate_tree, small};
use super::offer::offer;
use super::sum::{Bench, Sum};
use super::tree::{Token, Tree};
use crate::features::Features;
use crate::operators::Operators;
use crate::random::Stream;
use crate::relation::Relation;
use crate::rules::Rules;
use crate::units::Dimensions;

/// What variation keeps to.
#[derive(Debug, Clone)]
pub(crate) struct Limits<'a> {
    pub(crate) operators: &'a Operators,
    pub(crate) variables: usize,
    pub(crate) max_size: usize,
    pub(crate) terms: usize,
    pub(crate) nesting: usize,
    /// Features from the cheapest on.
    pub(crate) order: &'a [u32],
    pub(crate) units: Option<&'a Dimensions>,
    pub(crate) rules: &'a Rules,
}

impl Limits<'_> {
    pub(crate) fn keeps(&self, sum: &Sum) -> bool {
        !sum.terms.is_empty()
            && sum.terms.len() <= self.terms
            && sum.denominator.len() <= 4
            && sum.size() <= self.max_size
            && sum.trees().all(|tree| tree.nesting() <= self.nesting.max(1) + 1 && self.rules.allow(tree))
            && (!self.operators.has(Binary::Greater) || sum.trees().all(Tree::compares_well))
    }
}

/// A child of one sum or two; it may be what its parent was.
pub(crate) fn child(parent: &Sum, other: &Sum, limits: &Limits<'_>, bench: &mut Bench<'_>, random: &mut Stream) -> Sum {
    let mut sum = parent.clone();
    match random.uniform() {
        u if u < 0.12 => cross(&mut sum, other, random),
        u if u < 0.20 => exchange(&mut sum, other, random),
        u if u < 0.30 => offer(&mut sum, limits, bench, random),
        u if u < 0.37 => drop_term(&mut sum, random),
        u if u < 0.48 => rescale(&mut sum, limits, bench.features, random),
        u if u < 0.54 => move_term(&mut sum, limits, random),
        _ => {
            for _ in 0..=usize::from(random.chance(0.3)) {
                mutate(&mut sum, limits, bench.features, random);
            }
        }
    }
    sum
}

fn pick_tree<'s>(sum: &'s mut Sum, random: &mut Stream) -> Option<&'s mut Tree> {
    let count = sum.trees().count();
    let at = random.below(count);
    sum.trees_mut().nth(at)
}

/// A subtree of the other in the place of one of this.
fn cross(sum: &mut Sum, other: &Sum, random: &mut Stream) {
    let Some(donor) = other.trees().nth(random.below(other.trees().count())) else { return };
    let part = donor.part(donor.subtree(random.below(donor.size())));
    let Some(tree) = pick_tree(sum, random) else { return };
    let place = tree.subtree(random.below(tree.size()));
    *tree = tree.replaced(place, &part);
}

/// A term of the other as well, or instead of one.
fn exchange(sum: &mut Sum, other: &Sum, random: &mut Stream) {
    if let (Some(factor), true) = (&other.factor, random.chance(0.2)) {
        sum.factor = Some(factor.clone());
        return;
    }
    let (from, to) = match other.denominator.is_empty() || random.chance(0.6) || sum.relation == Relation::Product {
        true => (&other.terms, &mut sum.terms),
        false => (&other.denominator, &mut sum.denominator),
    };
    let Some(term) = from.get(random.below(from.len())) else { return };
    match random.chance(0.5) {
        true if !to.is_empty() => {
            let at = random.below(to.len());
            to[at] = term.clone();
        }
        _ => to.push(term.clone()),
    }
}

fn drop_term(sum: &mut Sum, random: &mut Stream) {
    if sum.factor.is_some() && random.chance(0.3) {
        sum.factor = None;
    } else if !sum.denominator.is_empty() && random.chance(0.5) {
        sum.denominator.remove(random.below(sum.denominator.len()));
    } else if sum.terms.len() > 1 {
        sum.terms.remove(random.below(sum.terms.len()));
    }
}

/// Everything times something small, or over it; or that alone.
fn rescale(sum: &mut Sum, limits: &Limits<'_>, features: &Features, random: &mut Stream) {
    if sum.relation == Relation::Product {
        return mutate(sum, limits, features, random);
    }
    let small = small(limits, features, random);
    let divides = limits.operators.has(Binary::Div) && random.chance(0.4);
    let op = if divides { Binary::Div } else { Binary::Mul };
    if !limits.operators.has(op) {
        return;
    }
    sum.factor = match &sum.factor {
        Some(factor) => Some(Tree::binary(op, factor, &small)),
        None if divides => Some(Tree::binary(op, &Tree::leaf(Token::Number(1.0)), &small)),
        None => Some(small),
    };
}

/// A term from above to below the line, or the other way; or a new one below.
fn move_term(sum: &mut Sum, limits: &Limits<'_>, random: &mut Stream) {
    if sum.relation == Relation::Product || !limits.operators.has(Binary::Div) || limits.order.is_empty() {
        return;
    }
    let features = (random.chance(0.5), random.below(sum.terms.len()));
    match features {
        (true, at) if sum.terms.len() > 1 => {
            let term = sum.terms.remove(at);
            sum.denominator.push(term);
        }
        (false, _) if !sum.denominator.is_empty() => {
            let at = random.below(sum.denominator.len());
            sum.terms.push(sum.denominator.remove(at));
        }
        (_, at) => sum.denominator.push(sum.terms[at].clone()),
    }
}

fn mutate(sum: &mut Sum, limits: &Limits<'_>, features: &Features, random: &mut Stream) {
    if let Some(tree) = pick_tree(sum, random) {
        mutate_tree(tree, limits, features, random);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::evolve::tree::Stack;
    use crate::features::Allowed;

    /// A tree is whole if reading it leaves one value and never misses an operand.
    fn is_whole(tree: &Tree) -> bool {
        let mut depth = 0_usize;
        for token in tree.tokens() {
            let Some(left) = depth.checked_sub(token.arity()) else { return false };
            depth = left + 1;
        }
        depth == 1
    }

    fn columns() -> Vec<Vec<f64>> {
        let column = |step: f64| (1..=32).map(|k| 0.5 + (step * f64::from(k)).fract()).collect();
        vec![column(0.754_877_666), column(0.569_840_291)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever is changed and exchanged, every operation has its operands and is one of those that were asked for.
        #[test]
        fn children_are_whole_and_of_the_operators(seed in any::<u64>(), few in any::<bool>()) {
            let operators: Operators = if few { "+,*,sin".parse().unwrap() } else { Operators::default() };
            let (columns, rules) = (columns(), Rules::default());
            let mut features = Features::of(&columns, 200, Allowed { nesting: 2, dimensions: None, rules: rules.clone() });
            features.enumerate(&operators);
            let order: Vec<u32> = (0..features.len() as u32).filter(|&i| features.varies(i)).collect();
            let limits = Limits { operators: &operators, variables: 2, max_size: 30, terms: 4, nesting: 2, order: &order, units: None, rules: &rules };
            let y: Vec<f64> = columns[0].iter().zip(&columns[1]).map(|(x, y)| (x * y).sin() + x).collect();
            let even = vec![1.0; 32];
            let mut bench = Bench::new(&features, &y, &even, Relation::Direct, &limits).unwrap();
            let mut random = Stream::new(seed, 0);
            let small = |random: &mut Stream| Sum {
                relation: Relation::Direct,
                factor: None,
                terms: vec![Tree::of_feature(&features, order[random.below(order.len())])],
                denominator: vec![],
            };
            let (mut parent, mut other) = (small(&mut random), small(&mut random));
            for _ in 0..60 {
                let sum = child(&parent, &other, &limits, &mut bench, &mut random);
                prop_assert!(sum.trees().all(is_whole));
                for token in sum.trees().flat_map(Tree::tokens) {
                    let allowed = match token {
                        Token::Unary(op) => operators.unary().contains(op),
                        // Powers of whole numbers are products.
                        Token::Binary(op) => operators.has(*op) || *op == Binary::Pow,
                        _ => true,
                    };
                    prop_assert!(allowed, "{token:?}");
                }
                if limits.keeps(&sum) {
                    (parent, other) = (sum, parent);
                }
            }
        }

        /// What is solved on the bench is the least squares of the formula: no numbers leave less than its own.
        #[test]
        fn what_is_left_is_the_least(a in -2.0..2.0_f64, b in -2.0..2.0_f64, seed in any::<u64>()) {
            let operators = Operators::default();
            let (columns, rules) = (columns(), Rules::default());
            let mut features = Features::of(&columns, 100, Allowed { nesting: 2, dimensions: None, rules: rules.clone() });
            features.enumerate(&operators);
            let limits = Limits { operators: &operators, variables: 2, max_size: 30, terms: 4, nesting: 2, order: &[], units: None, rules: &rules };
            let y: Vec<f64> = columns[0].iter().zip(&columns[1]).map(|(x, y)| x.exp() * y).collect();
            let even = vec![1.0; 32];
            let mut bench = Bench::new(&features, &y, &even, Relation::Direct, &limits).unwrap();
            let mut random = Stream::new(seed, 1);
            let mut tree = || Tree::of_feature(&features, random.below(features.len()) as u32);
            let sum = Sum { relation: Relation::Direct, factor: None, terms: vec![tree(), tree()], denominator: vec![] };
            if let Some(left) = bench.solve(&sum) {
                let of = |tree: &Tree| {
                    let mut out = vec![0.0; 32];
                    let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
                    assert!(tree.values_into(&columns, features.largest(), &mut Stack::default(), &mut out));
                    out
                };
                let (f, g) = (of(&sum.terms[0]), of(&sum.terms[1]));
                let errors: Vec<f64> = (0..32).map(|i| y[i] - a * f[i] - b * g[i]).collect();
                let spread = |x: &[f64]| {
                    let mean = x.iter().sum::<f64>() / 32.0;
                    x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>()
                };
                prop_assert!(left <= spread(&errors) / spread(&y) + 1e-12);
            }
        }
    }
}
