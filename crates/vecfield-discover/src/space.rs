//! The supports a contest is held among.
//!
//! Where all combinations of a few low-degree terms an equation are affordable, all of them compete: nothing is pruned by a
//! criterion that sparse data make unreliable. Beside them, and in their place where they are too many, each equation keeps
//! the supports that match the smoothed data best, and their product competes.

use crate::discovery::{DiscoverError, Options};
use crate::finalists::BEYOND_DOUBT;
use crate::matching::Matching;
use crate::model::{Support, size};
use crate::observer::Pulse;
use crate::source::{Drafts, Proposal, Scene, Source};
use crate::vocabulary::Vocabulary;
use std::collections::BTreeSet;
use vecfield_data::Trajectories;
use vecfield_sindy::{Family, Refinement, Sindy};

/// Effort of a contest: states integrated, tangents included, counted in pairs of states (what a planar system needs). With
/// many rows or variables each fit is slow and matching is reliable, so fewer compete.
const EFFORT: usize = 60_000;

/// What a further run costs beside its rows, counted in rows: the fit has its initial state to find.
const ROWS_OF_A_RUN: usize = 8;

/// Tangents carried by one integration, two terms an equation being the guess beforehand.
const LANES: usize = 8;

/// Data are large when the effort is good for fewer fits than this: ten variables and three hundred rows, or four and two thousand.
const LARGE: usize = 10;

/// With more rows than this, fewer candidates are enough: what is likeliest near the first law is looked for afterwards.
const ROWS_TO_TELL: usize = 40;

/// The fewest candidates, whatever the number of rows.
const FEWEST: usize = 16;

/// Features of this size or less enter a full enumeration: products of two states.
const LOW: usize = 2;

/// Terms an equation may have in a full enumeration, and among the best matches.
const TERMS: [usize; 2] = [3, 4];

/// Terms of the polynomial equations beside composed ones.
const PAIR: usize = 2;

/// Share of the candidates that are best matches from the whole vocabulary, beside a full enumeration.
const MATCHED_SHARE: usize = 6;

/// All combinations of low-degree terms where they are affordable, the best matches of each equation where not.
#[derive(Debug, Clone)]
pub struct Polynomials {
    /// At most about so many, fewer where the data have many rows.
    pub most: usize,
}

impl Polynomials {
    /// As many as the options have candidates.
    pub fn of(options: &Options) -> Self {
        Self { most: options.candidates }
    }
}

impl Source for Polynomials {
    fn name(&self) -> &'static str {
        "polynomials"
    }

    fn laws(&self, scene: &Scene<'_>, drafts: &Drafts<'_>, _pulse: Pulse<'_>) -> Result<Vec<Proposal>, DiscoverError> {
        let Scene { data, vocabulary, .. } = *scene;
        let budget = budget(data, self.most);
        let everything: Vec<usize> = (0..vocabulary.polynomial()).collect();
        let low = low(data, vocabulary);
        let lowest = subsets_of(&low, if data.dim() == 1 { TERMS[1] } else { TERMS[0] });
        let count = u32::try_from(data.dim()).ok().and_then(|d| lowest.len().checked_pow(d));
        let mut all = if count.is_some_and(|count| count <= budget) {
            product(&vec![lowest; data.dim()])
        } else {
            matched(data, &lowest, drafts.paths, budget)
        };
        if low.len() < everything.len() {
            let wider = subsets_of(&everything, TERMS[1]);
            all.extend(matched(data, &wider, drafts.paths, (budget / MATCHED_SHARE).max(FEWEST)));
        }
        Ok(unguessed(all))
    }
}

/// What stands beside formulas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// Few polynomial terms that match best, and the equations that were proposed.
    Polynomials,
    /// Formulas of the other equations alone.
    Nothing,
}

/// The formulas of each equation with those of the others.
#[derive(Debug, Clone)]
pub struct Combinations {
    /// At most about so many, fewer where the data have many rows.
    pub most: usize,
    /// What else an equation may be.
    pub beside: Beside,
}

impl Combinations {
    /// As many as the options have candidates, with polynomials beside them.
    pub fn of(options: &Options) -> Self {
        Self { most: options.candidates, beside: Beside::Polynomials }
    }
}

impl Source for Combinations {
    fn name(&self) -> &'static str {
        "combinations"
    }

    fn laws(&self, scene: &Scene<'_>, drafts: &Drafts<'_>, _pulse: Pulse<'_>) -> Result<Vec<Proposal>, DiscoverError> {
        let Scene { data, vocabulary, .. } = *scene;
        let formulas = |equation: usize| match self.beside {
            // Polynomials compete without being found by anyone.
            Beside::Polynomials => vocabulary.composed(equation),
            Beside::Nothing => vocabulary.formulas(equation),
        };
        let formulas: Vec<Vec<Vec<usize>>> = (0..data.dim()).map(formulas).collect();
        if formulas.iter().all(Vec::is_empty) {
            return Ok(vec![]);
        }
        let others: Vec<&Support> = drafts.proposals.iter().map(|proposal| &proposal.support).collect();
        let (low, others) = match self.beside {
            Beside::Polynomials => (subsets_of(&low(data, vocabulary), PAIR), others),
            Beside::Nothing => (vec![vec![]], vec![]),
        };
        Ok(unguessed(combined(data, &formulas, &low, &others, drafts.paths, budget(data, self.most))))
    }
}

/// Laws without a guess of their constants.
fn unguessed(supports: Vec<Support>) -> Vec<Proposal> {
    supports.into_iter().map(|support| Proposal { support, constants: None }).collect()
}

/// How many candidates are affordable, at most about `most`.
fn budget(data: &Trajectories, most: usize) -> usize {
    let rows = rows(data);
    (affordable(data) * ROWS_TO_TELL / rows.max(ROWS_TO_TELL)).min(most).max(FEWEST)
}

/// Rows of all runs, and what the runs themselves cost.
fn rows(data: &Trajectories) -> usize {
    data.row_count() + ROWS_OF_A_RUN * data.runs().len().saturating_sub(1)
}

/// Fits that the effort of a contest is good for.
fn affordable(data: &Trajectories) -> usize {
    let sweeps = (3 * data.dim()).div_ceil(LANES);
    2 * EFFORT / (rows(data) * data.dim() * sweeps)
}

/// Is each fit so dear that none which is plainly wrong may be finished?
pub(crate) fn is_large(data: &Trajectories) -> bool {
    affordable(data) < LARGE
}

/// Terms of low degree.
fn low(data: &Trajectories, vocabulary: &Vocabulary) -> Vec<usize> {
    let feature_size = |k: usize| size(vocabulary.graph(), vocabulary.features()[k].formula());
    // One variable has few monomials: all of them are affordable.
    (0..vocabulary.polynomial()).filter(|&k| data.dim() == 1 || feature_size(k) <= LOW).collect()
}

/// What sparse regression finds in libraries of rising degree, refined through the solver, with its constants; and the same without a term.
///
/// With dense data this is nearly always right, and no enumeration reaches so far; with sparse data it is one guess more.
#[derive(Debug, Clone)]
pub struct SparseRegression;

impl Source for SparseRegression {
    fn name(&self) -> &'static str {
        "sparse regression"
    }

    fn laws(&self, scene: &Scene<'_>, _drafts: &Drafts<'_>, pulse: Pulse<'_>) -> Result<Vec<Proposal>, DiscoverError> {
        let everything = !is_large(scene.data);
        let with_parts = |seed: Seed| {
            let parts = seed.support.parts().into_iter().zip(&seed.doubtful);
            let tried = parts.filter(|(_, doubtful)| everything || **doubtful).map(|(part, _)| part);
            let mut proposals = unguessed(tried.collect());
            proposals.push(Proposal { support: seed.support, constants: Some(seed.theta) });
            proposals
        };
        Ok(seeds(scene.data, scene.vocabulary, pulse).into_iter().flat_map(with_parts).collect())
    }
}

/// What one regression found.
struct Seed {
    support: Support,
    theta: Vec<f64>,
    /// Which terms are not many standard errors from nothing.
    doubtful: Vec<bool>,
}

fn seeds(data: &Trajectories, vocabulary: &Vocabulary, pulse: Pulse<'_>) -> Vec<Seed> {
    let mut all = Vec::new();
    for degree in 1..=vocabulary.degree() {
        if !pulse.goes_on() {
            break;
        }
        let sindy = Sindy { known: vocabulary.known().to_vec(), ..Sindy::new(vec![Family::Polynomial(degree)]) };
        let Ok(model) = sindy.on(data).watched(&|_| pulse.goes_on()).run() else {
            continue;
        };
        if !matches!(model.refinement(), Refinement::Shooting { .. }) {
            continue;
        }
        let terms = |equation| -> Option<Vec<(usize, f64, f64)>> {
            let mut set: Vec<(usize, f64, f64)> = model
                .terms(equation)
                .map(|(key, coefficient, stderr)| Some((vocabulary.position(key)?, coefficient, stderr)))
                .collect::<Option<_>>()?;
            set.sort_by_key(|&(k, ..)| k);
            Some(set)
        };
        if let Some(equations) = (0..data.dim()).map(terms).collect::<Option<Vec<_>>>() {
            let theta = equations.iter().flatten().map(|&(_, coefficient, _)| coefficient).collect();
            let doubtful = equations.iter().flatten().map(|&(_, c, stderr)| c.abs() <= BEYOND_DOUBT * stderr).collect();
            let sets = equations.iter().map(|set| set.iter().map(|&(k, ..)| k).collect()).collect();
            all.push(Seed { support: Support { equations: sets }, theta, doubtful });
        }
    }
    all
}

/// Sets of an equation beside its formulas: those that were proposed, and the best matches of few terms.
const BESIDE: usize = 3;

/// Part of the candidates that are combinations of formulas, as a divisor.
const COMPOSED_SHARE: usize = 4;

/// Formulas of each equation with each other, with sets of low terms, and with the equations of other supports.
fn combined(
    data: &Trajectories,
    formulas: &[Vec<Vec<usize>>],
    low: &[Vec<usize>],
    others: &[&Support],
    paths: &[Matching; 2],
    budget: usize,
) -> Vec<Support> {
    let rows = data.row_count();
    let list = |equation: usize| {
        let of_others: BTreeSet<Vec<usize>> = others.iter().map(|seed| seed.equations[equation].clone()).collect();
        let of_others: Vec<Vec<usize>> = of_others.into_iter().collect();
        let mut sets = best_matches(&of_others, paths, equation, BESIDE.min(of_others.len()), rows);
        sets.extend(best_matches(low, paths, equation, BESIDE.min(low.len()), rows));
        sets.extend(formulas[equation].iter().cloned());
        let mut seen = BTreeSet::new();
        sets.retain(|set| seen.insert(set.clone()));
        best_matches(&sets, paths, equation, sets.len(), rows)
    };
    let lists: Vec<Vec<Vec<usize>>> = (0..data.dim()).map(list).collect();
    // The best with each other, every other beside the best of the rest.
    let length = list_length(budget / COMPOSED_SHARE, data.dim());
    let best = |list: &Vec<Vec<usize>>| list[..length.min(list.len())].to_vec();
    let mut all = star(&lists);
    all.truncate(budget);
    all.extend(product(&lists.iter().map(best).collect::<Vec<_>>()));
    all
}

/// Each equation's best matches, combined into at most about `budget` supports: their product, or where that would leave an
/// equation fewer than [`FEWEST_EACH`], the best of all and every support that differs from it in one equation.
fn matched(data: &Trajectories, subsets: &[Vec<usize>], paths: &[Matching; 2], budget: usize) -> Vec<Support> {
    let dim = data.dim();
    let length = list_length(budget, dim);
    let lists = |length| -> Vec<Vec<Vec<usize>>> {
        (0..dim).map(|equation| best_matches(subsets, paths, equation, length, data.row_count())).collect()
    };
    if length >= FEWEST_EACH { product(&lists(length)) } else { star(&lists((budget / dim).max(FEWEST_EACH))) }
}

/// The fewest alternatives an equation has in a product.
const FEWEST_EACH: usize = 3;

/// The first of every list, and every support that differs from it in one equation.
fn star(lists: &[Vec<Vec<usize>>]) -> Vec<Support> {
    let centre = Support { equations: lists.iter().map(|list| list[0].clone()).collect() };
    let mut all = vec![centre.clone()];
    for (equation, list) in lists.iter().enumerate() {
        all.extend(list.iter().skip(1).map(|set| {
            let mut other = centre.clone();
            other.equations[equation].clone_from(set);
            other
        }));
    }
    all
}

/// `length` of the subsets that match the path best, the better of the paths deciding: half of them by
/// `n ln(left) + k ln n`, the others the best of each number of terms in turn, since that criterion leans to many terms
/// where the path is smoother than the truth.
fn best_matches(
    subsets: &[Vec<usize>],
    paths: &[Matching; 2],
    equation: usize,
    length: usize,
    rows: usize,
) -> Vec<Vec<usize>> {
    let n = rows as f64;
    let left = |set: &[usize]| {
        let solved = paths.iter().filter_map(|path| path.solve(equation, set));
        solved.map(|(_, left)| left).fold(f64::INFINITY, f64::min)
    };
    let criterion = |set: &[usize]| n * left(set).max(1e-14).ln() + set.len() as f64 * n.ln();
    let mut ranked: Vec<(f64, &Vec<usize>)> = subsets.iter().map(|set| (criterion(set), set)).collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(b.1)));
    let mut kept: Vec<&Vec<usize>> = ranked.iter().take(length.div_ceil(2)).map(|(_, set)| *set).collect();
    let most = subsets.iter().map(Vec::len).max().unwrap_or(0);
    let mut of_size: Vec<Vec<&Vec<usize>>> = vec![vec![]; most + 1];
    for (_, set) in ranked.iter().filter(|(_, set)| !kept.contains(set)) {
        of_size[set.len()].push(set); // within a size the criterion orders by what is left
    }
    let deepest = of_size.iter().map(Vec::len).max().unwrap_or(0);
    let in_turn = (0..deepest).flat_map(|rank| of_size.iter().filter_map(move |sets| sets.get(rank)));
    let room = length - kept.len();
    let others: Vec<&Vec<usize>> = in_turn.take(room).copied().collect();
    kept.extend(others);
    kept.into_iter().cloned().collect()
}

/// Every set of at most `most` of the given features.
pub(crate) fn subsets_of(features: &[usize], most: usize) -> Vec<Vec<usize>> {
    subsets(features.len(), most).into_iter().map(|set| set.into_iter().map(|k| features[k]).collect()).collect()
}

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
