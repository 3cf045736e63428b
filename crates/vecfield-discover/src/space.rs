//! The supports a contest is held among.
//!
//! Where all combinations of a few terms an equation are affordable, all of them compete: nothing is pruned by a criterion
//! that sparse data make unreliable. Where they are not, each equation keeps the supports that match the smoothed data
//! best, and their product competes.

use crate::model::Support;
use vecfield_sindy::Library;

/// Terms an equation may have in a full enumeration.
pub const MOST_TERMS: usize = 3;

/// Every set of at most `most` of `features` features, the empty set included, in order of size.
pub fn subsets(features: usize, most: usize) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    let mut last: Vec<Vec<usize>> = vec![vec![]];
    for _ in 0..most.min(features) {
        last = last
            .iter()
            .flat_map(|set| {
                let next = set.last().map_or(0, |k| k + 1);
                (next..features).map(|k| set.iter().copied().chain([k]).collect())
            })
            .collect();
        all.extend(last.iter().cloned());
    }
    all
}

/// The product of per-equation lists, in the order of an odometer whose last wheel turns fastest.
pub fn product(lists: &[Vec<Vec<usize>>]) -> Vec<Support> {
    let mut all = vec![vec![]];
    for list in lists {
        all = all
            .iter()
            .flat_map(|head: &Vec<Vec<usize>>| {
                list.iter().map(|set| head.iter().cloned().chain([set.clone()]).collect())
            })
            .collect();
    }
    all.into_iter().map(|equations| Support { equations }).collect()
}

/// How many supports an equation may keep so that the product of `equations` lists stays within `budget`.
pub fn list_length(budget: usize, equations: usize) -> usize {
    let root = (budget as f64).powf(1.0 / equations as f64);
    (root + 1e-9).floor().max(1.0) as usize
}

/// All supports of at most `most` terms an equation, if their number stays within `budget`.
pub fn full(library: &Library, most: usize, budget: usize) -> Option<Vec<Support>> {
    let list = subsets(library.len(), most);
    let equations = library.variables().len();
    let count = u32::try_from(equations).ok().and_then(|d| list.len().checked_pow(d))?;
    (count <= budget).then(|| product(&vec![list; equations]))
}

#[cfg(test)]
mod tests {
    use super::{list_length, product, subsets};
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn counts_are_binomial_sums() {
        assert_eq!(subsets(6, 3).len(), 1 + 6 + 15 + 20);
        assert_eq!(subsets(2, 5).len(), 4);
    }

    proptest! {
        /// Every support once, each list's order kept.
        #[test]
        fn products_have_no_twins(a in 1..4_usize, b in 1..4_usize) {
            let lists = [subsets(a, 2), subsets(b, 2)];
            let all = product(&lists);
            prop_assert_eq!(all.len(), lists[0].len() * lists[1].len());
            prop_assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
        }

        /// The lists' product stays within the budget.
        #[test]
        fn list_length_keeps_the_budget(budget in 1..5000_usize, equations in 1..8_u32) {
            let length = list_length(budget, equations as usize);
            prop_assert!(length == 1 || length.pow(equations) <= budget);
        }
    }
}
