//! [`JetPlan`]: which derivatives are carried through the layers, and the chain rule that carries them through an activation.
//!
//! ```text
//! ∂^α σ(z) = Σ_π σ^(|π|)(z) Π_{B ∈ π} ∂^B z        over the partitions π of the |α| derivatives (Faà di Bruno)
//! ```
//!
//! The set is closed under taking away derivatives, and no larger: `u_xx` needs `u_x` and `u`, but no `u_t`.

use std::collections::BTreeMap;

/// The derivatives of a network that some formulas need, the value first.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct JetPlan {
    /// How often by each coordinate; the value first, lower orders before higher ones.
    pub(crate) orders: Vec<Vec<u8>>,
    /// The chain rule of each; nothing for the value.
    pub(crate) chains: Vec<Vec<Term>>,
}

/// `times · σ^(order)(z) · Π z_factors`
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Term {
    pub(crate) times: f64,
    pub(crate) order: usize,
    pub(crate) factors: Vec<usize>,
}

/// No higher derivative is carried: the chain rule of order eight has 4,140 partitions.
pub(crate) const HIGHEST: usize = 6;

impl JetPlan {
    /// The smallest plan with these derivatives in it.
    pub(crate) fn new<'j>(dims: usize, wanted: impl IntoIterator<Item = &'j [u8]>) -> Self {
        let mut orders = vec![vec![0; dims]];
        wanted.into_iter().for_each(|order| close(order, &mut orders));
        orders.sort_by_key(|order| (total(order), core::cmp::Reverse(order.clone())));
        let chains = orders.iter().map(|order| chain(order, &orders)).collect();
        Self { orders, chains }
    }

    /// How many derivatives there are, the value included.
    pub(crate) fn len(&self) -> usize {
        self.orders.len()
    }

    /// The highest of them.
    pub(crate) fn highest(&self) -> usize {
        self.orders.last().map_or(0, |order| total(order))
    }

    /// Where a derivative stands.
    pub(crate) fn position(&self, order: &[u8]) -> Option<usize> {
        self.orders.iter().position(|known| known == order)
    }
}

pub(crate) fn total(order: &[u8]) -> usize {
    order.iter().map(|&times| usize::from(times)).sum()
}

/// Adds a derivative with everything below it.
fn close(order: &[u8], orders: &mut Vec<Vec<u8>>) {
    if orders.iter().any(|known| known == order) {
        return;
    }
    orders.push(order.to_vec());
    for i in 0..order.len() {
        if order[i] > 0 {
            let mut lower = order.to_vec();
            lower[i] -= 1;
            close(&lower, orders);
        }
    }
}

/// The terms of the chain rule, equal ones counted together.
fn chain(order: &[u8], orders: &[Vec<u8>]) -> Vec<Term> {
    let single: Vec<usize> = (0..order.len()).flat_map(|i| vec![i; usize::from(order[i])]).collect();
    if single.is_empty() {
        return vec![];
    }
    let mut counted: BTreeMap<Vec<usize>, f64> = BTreeMap::new();
    let mut blocks: Vec<Vec<u8>> = Vec::new();
    partitions(&single, &mut blocks, order.len(), &mut |blocks| {
        let place = |block: &Vec<u8>| orders.iter().position(|known| known == block).expect("the plan is closed");
        let mut factors: Vec<usize> = blocks.iter().map(place).collect();
        factors.sort_unstable();
        *counted.entry(factors).or_insert(0.0) += 1.0;
    });
    counted.into_iter().map(|(factors, times)| Term { times, order: factors.len(), factors }).collect()
}

/// Every partition of single derivatives into blocks: the first goes to a block there is, or to one of its own.
fn partitions(left: &[usize], blocks: &mut Vec<Vec<u8>>, dims: usize, found: &mut impl FnMut(&[Vec<u8>])) {
    let Some((&first, rest)) = left.split_first() else { return found(blocks) };
    for at in 0..blocks.len() {
        blocks[at][first] += 1;
        partitions(rest, blocks, dims, found);
        blocks[at][first] -= 1;
    }
    let mut own = vec![0; dims];
    own[first] = 1;
    blocks.push(own);
    partitions(rest, blocks, dims, found);
    blocks.pop();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Partitions are counted by the Bell numbers.
    #[test]
    fn the_chain_rule_has_as_many_terms_as_there_are_partitions() {
        for (order, bell) in [(1_u8, 1.0), (2, 2.0), (3, 5.0), (4, 15.0), (5, 52.0)] {
            let plan = JetPlan::new(2, [&[order - 1, 1][..]]);
            let at = plan.position(&[order - 1, 1]).unwrap();
            assert_eq!(plan.chains[at].iter().map(|term| term.times).sum::<f64>(), bell);
        }
    }

    #[test]
    fn a_plan_has_what_is_below_its_derivatives_and_no_more() {
        let plan = JetPlan::new(2, [&[2, 0][..], &[0, 1][..]]);
        assert_eq!(plan.orders, [[0, 0], [1, 0], [0, 1], [2, 0]]);
        assert_eq!(plan.highest(), 2);
    }
}
