//! Laws near a law: which supports its [flow](Flow) makes likeliest, polynomials, common forms and what was composed among them.
//!
//! The smoothed paths that name the first candidates know each run and each variable by itself. A law knows them all at once: its solution
//! is a far better path, however wrong the law is between the data.

use crate::common::Forms;
use crate::discovery::DiscoverError;
use crate::flow::{Column, Flow};
use crate::inner::slopes;
use crate::model::Support;
use crate::refine::Law;
use crate::space::{list_length, product, subsets_of};
use crate::vocabulary::{Vocabulary, canonical};
use rayon::prelude::*;
use std::collections::BTreeSet;
use vecfield_adjoint::Noise;
use vecfield_data::Trajectories;
use vecfield_expr::ExprId;
use vecfield_symreg::Operators;

/// Values of the number inside a form that are compared, where the vocabulary has room for them.
const VALUES: usize = 8;
/// Features of a vocabulary that is compared, about.
const FEATURES: usize = 900;
/// Products of features that are added up over all cells, for all equations.
const GRAM: usize = 20_000_000_000;
/// Polynomials of an equation that are compared, at most.
const POLYNOMIALS: usize = 20_000;
/// Terms of a polynomial.
const TERMS: usize = 4;
/// Supports whose equations are compared together, and supports that are named.
const TOGETHER: usize = 6000;
const NAMED: usize = 12;
/// Polynomials that are kept for each equation.
const KEPT: usize = 10;
/// The farthest that a number inside a feature moves, as a share of it.
const MOVE: f64 = 0.5;

/// A support near a law, with the constants that the flow gives it.
pub(crate) struct Neighbour {
    /// Per equation: features as texts, the numbers inside them moved, and the coefficients before them.
    equations: Vec<Vec<(String, f64)>>,
}

impl Neighbour {
    /// Its features, as texts.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &String> {
        self.equations.iter().flatten().map(|(text, _)| text)
    }

    /// Its support in a vocabulary and its constants; `None` where the vocabulary lacks a feature.
    pub(crate) fn said_in(&self, vocabulary: &Vocabulary) -> Option<(Support, Vec<f64>)> {
        let (mut equations, mut theta) = (vec![], vec![]);
        for terms in &self.equations {
            let place = |(text, coefficient): &(String, f64)| Some((vocabulary.position(text)?, *coefficient));
            let mut places: Vec<(usize, f64)> = terms.iter().map(place).collect::<Option<_>>()?;
            places.sort_by_key(|&(place, _)| place);
            equations.push(places.iter().map(|&(place, _)| place).collect());
            theta.extend(places.iter().map(|&(_, coefficient)| coefficient));
        }
        let support = Support { equations };
        theta.extend(support.inner(vocabulary));
        Some((support, theta))
    }
}

/// The supports that are likeliest near `law` by the flow of its solution, the likeliest first; none where it cannot be followed.
///
/// # Errors
///
/// [`DiscoverError`] when there are more features than a vocabulary holds.
pub(crate) fn near(
    data: &Trajectories,
    vocabulary: &Vocabulary,
    law: &Law,
    noise: Noise,
    operators: Option<&Operators>,
) -> Result<Vec<Neighbour>, DiscoverError> {
    let own = law.support.features(vocabulary, &law.fit.theta);
    let own: Vec<Vec<String>> = own.iter().map(|set| canonical_all(set, &vocabulary.names())).collect();
    let mut wide = vocabulary.with_further(own.iter().flatten().cloned())?;
    let forms = operators.map(|operators| {
        let bases = Forms::new(&wide, data, operators, 1).texts().count().max(1);
        let cells = data.observed_count() * data.dim();
        let features = FEATURES.min((GRAM / cells.max(1)).isqrt());
        let room = features.saturating_sub(wide.len()) / bases;
        Forms::new(&wide, data, operators, room.clamp(1, VALUES))
    });
    if let Some(forms) = &forms {
        wide = wide.with_further(forms.texts())?;
    }
    let Some(own) = Support::of(&own, &wide) else { return Ok(vec![]) };
    let near = Near::new(data, wide, law, noise, own)?;
    let lists: Option<Vec<Vec<Vec<usize>>>> =
        (0..data.dim()).into_par_iter().map(|equation| near.equation(equation, forms.as_ref())).collect();
    Ok(lists.and_then(|lists| near.together(&lists)).unwrap_or_default())
}

/// Texts as the library writes them.
fn canonical_all(texts: &[String], names: &[String]) -> Vec<String> {
    texts.iter().filter_map(|text| canonical(text, names)).collect()
}

/// What the neighbours of a law are found with.
struct Near<'a> {
    data: &'a Trajectories,
    /// All features that are compared, and behind them their slopes by the numbers inside them.
    wide: Vocabulary,
    /// For every feature, the places of its slopes.
    slopes: Vec<Vec<usize>>,
    law: &'a Law,
    noise: Noise,
    /// The support of the law, its features with the numbers that were fitted.
    own: Support,
}

impl<'a> Near<'a> {
    fn new(
        data: &'a Trajectories,
        vocabulary: Vocabulary,
        law: &'a Law,
        noise: Noise,
        own: Support,
    ) -> Result<Near<'a>, DiscoverError> {
        let mut graph = vocabulary.graph().clone();
        let formulas: Vec<ExprId> =
            vocabulary.features()[..vocabulary.len()].iter().map(vecfield_sindy::Feature::formula).collect();
        let names = vocabulary.names();
        let texts: Vec<Vec<String>> = formulas
            .into_iter()
            .map(|formula| {
                let slopes = slopes(&mut graph, formula);
                slopes.into_iter().filter_map(|slope| canonical(&graph.to_text(slope), &names)).collect()
            })
            .collect();
        let wide = vocabulary.with_further(texts.iter().flatten().cloned())?;
        let places = texts.iter().map(|texts| texts.iter().filter_map(|text| wide.position(text)).collect()).collect();
        Ok(Near { data, wide, slopes: places, law, noise, own })
    }

    fn flow(&self, columns: BTreeSet<Column>) -> Option<Flow> {
        Flow::along(self.data, &self.wide, self.law, self.noise, &columns.into_iter().collect::<Vec<_>>())
    }

    /// A feature and its slopes, as columns.
    fn columns(&self, (equation, feature): Column) -> impl Iterator<Item = Column> + '_ {
        core::iter::once(feature).chain(self.slopes[feature].iter().copied()).map(move |k| (equation, k))
    }

    /// A support by a flow: its Bayesian information criterion, up to a constant, its coefficients, and the numbers inside its features.
    fn valued(&self, support: &Support, flow: &Flow) -> Option<Valued> {
        let features = || support.equations.iter().enumerate().flat_map(|(e, set)| set.iter().map(move |&k| (e, k)));
        let cells = self.data.observed_count();
        let price = support.price(&self.wide, cells);
        let told = |left: f64| cells as f64 * left.max(f64::MIN_POSITIVE).ln() + price;
        let numbers = support.inner(&self.wide);
        if !numbers.is_empty()
            && let Some((theta, left)) = flow.solve(features().flat_map(|column| self.columns(column)))
        {
            let mut theta = theta.into_iter();
            let (mut coefficients, mut moved) = (vec![], Vec::with_capacity(numbers.len()));
            for (_, feature) in features() {
                let coefficient = theta.next()?;
                coefficients.push(coefficient);
                moved.extend(theta.by_ref().take(self.slopes[feature].len()).map(|slope| slope / coefficient));
            }
            // Beyond that the slope says nothing: another value of the number is nearer.
            if numbers.iter().zip(&moved).all(|(number, by)| by.abs() <= MOVE * number.abs()) {
                let numbers = numbers.iter().zip(&moved).map(|(number, by)| number + by).collect();
                return Some(Valued { criterion: told(left), coefficients, numbers });
            }
        }
        let (coefficients, left) = flow.solve(features())?;
        Some(Valued { criterion: told(left), coefficients, numbers })
    }

    /// The sets of an equation that are likeliest while the others keep their terms.
    fn equation(&self, equation: usize, forms: Option<&Forms>) -> Option<Vec<Vec<usize>>> {
        let given = self.wide.given(equation);
        let mut columns: BTreeSet<Column> = (0..self.wide.len()).map(|k| (equation, k)).collect();
        let own = self.own.equations.iter().enumerate();
        columns.extend(own.flat_map(|(e, set)| set.iter().flat_map(move |&k| self.columns((e, k)))));
        let flow = self.flow(columns)?;
        let criterion = |set: &[usize]| {
            let mut support = self.own.clone();
            support.equations[equation] = set.to_vec();
            Some(self.valued(&support, &flow)?.criterion)
        };
        let polynomials: Vec<usize> = (0..self.wide.polynomial()).filter(|k| !given.contains(k)).collect();
        let own = &self.own.equations[equation];
        let mut tried = subsets_up_to(&polynomials, POLYNOMIALS);
        if tried.last().is_some_and(|set| set.len() <= own.len()) {
            tried.extend(beside(own, &polynomials));
        }
        let mut sets = least(tried, KEPT, criterion);
        sets.extend(forms.into_iter().flat_map(|forms| forms.best(&self.wide, criterion)));
        sets.extend(self.wide.composed(equation));
        sets.push(self.own.equations[equation].clone());
        sets.iter_mut().for_each(|set| set.sort_unstable());
        sets.sort();
        sets.dedup();
        let all = sets.len();
        Some(least(sets, all, criterion))
    }

    /// The supports that are likeliest with all equations at once, few enough to hold a contest among.
    fn together(&self, lists: &[Vec<Vec<usize>>]) -> Option<Vec<Neighbour>> {
        let length = list_length(TOGETHER, lists.len()).max(2);
        let lists: Vec<Vec<Vec<usize>>> = lists.iter().map(|list| list[..length.min(list.len())].to_vec()).collect();
        let columns = |(equation, list): (usize, &Vec<Vec<usize>>)| {
            let features: BTreeSet<usize> = list.iter().flatten().copied().collect();
            features.into_iter().flat_map(|k| self.columns((equation, k))).collect::<Vec<_>>()
        };
        let flow = self.flow(lists.iter().enumerate().flat_map(columns).collect())?;
        let valued = |support: Support| Some((self.valued(&support, &flow)?, support));
        let mut valued: Vec<(Valued, Support)> = product(&lists).into_iter().filter_map(valued).collect();
        valued.sort_by(|a, b| a.0.criterion.total_cmp(&b.0.criterion).then_with(|| a.1.cmp(&b.1)));
        let mut shapes = BTreeSet::new();
        valued.retain(|(_, support)| shapes.insert(support.shape(&self.wide)));
        valued.truncate(NAMED);
        Some(valued.into_iter().map(|(valued, support)| self.neighbour(&support, valued)).collect())
    }

    fn neighbour(&self, support: &Support, valued: Valued) -> Neighbour {
        let mut coefficients = valued.coefficients.iter().copied();
        let constants: Vec<f64> = valued.coefficients.iter().chain(&valued.numbers).copied().collect();
        let names = self.wide.names();
        let of_set = |set: Vec<String>| -> Vec<(String, f64)> {
            let texts = canonical_all(&set, &names).into_iter();
            texts.zip(coefficients.by_ref()).collect()
        };
        Neighbour { equations: support.features(&self.wide, &constants).into_iter().map(of_set).collect() }
    }
}

/// What a flow says of a support.
struct Valued {
    criterion: f64,
    coefficients: Vec<f64>,
    numbers: Vec<f64>,
}

/// The first `most` of `sets` by a criterion, those without a value left out.
fn least(sets: Vec<Vec<usize>>, most: usize, criterion: impl Fn(&[usize]) -> Option<f64>) -> Vec<Vec<usize>> {
    let mut valued: Vec<(f64, Vec<usize>)> = sets.into_iter().filter_map(|set| Some((criterion(&set)?, set))).collect();
    valued.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
    valued.into_iter().take(most).map(|(_, set)| set).collect()
}

/// A set with a feature more, and with another in the place of one of its own: what lies next to a set that is longer than all subsets
/// which can be compared.
fn beside(set: &[usize], features: &[usize]) -> Vec<Vec<usize>> {
    let others: Vec<usize> = features.iter().copied().filter(|k| !set.contains(k)).collect();
    let with = |set: &[usize], k: usize| {
        let mut with: Vec<usize> = set.iter().copied().chain([k]).collect();
        with.sort_unstable();
        with
    };
    let mut all: Vec<Vec<usize>> = others.iter().map(|&k| with(set, k)).collect();
    for left_out in 0..set.len() {
        let mut rest = set.to_vec();
        rest.remove(left_out);
        all.extend(others.iter().map(|&k| with(&rest, k)));
        all.push(rest);
    }
    all
}

/// Subsets of as many terms as keep their number below `most`.
fn subsets_up_to(features: &[usize], most: usize) -> Vec<Vec<usize>> {
    let (mut terms, mut count, mut of_size) = (0, 1, 1_usize);
    while terms < TERMS.min(features.len()) {
        of_size = of_size * (features.len() - terms) / (terms + 1);
        if count + of_size > most {
            break;
        }
        count += of_size;
        terms += 1;
    }
    subsets_of(features, terms)
}
