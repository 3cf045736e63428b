//! Constants inside features, `exp(-k*x)`, by variable projection (Golub and Pereyra 1973): at any values of them the coefficients are a linear
//! regression, so that only the constants are searched.
//!
//! Where they are nobody knows: first the regression is made on a grid of values over the scales of the data, its support grown by what
//! explains most and judged by the Bayesian information criterion. From the best grid points Gauss–Newton steps go on. To first order a change
//! `δ` of a constant adds `Σ_k θ_k (∂φ_k/∂c) δ` to the right-hand side: the slopes of the features are columns of the same normal equations.
//! Along noisy paths that regression is biased, as any is; what comes out of it is the start of the fit through the solver
//! ([`crate::refine`]).

mod grid;
mod projection;

pub(crate) use projection::Projection;

use crate::matching::Matching;
use crate::regression::GramSystem;
use crate::sindy::Terms;
use crate::sparse::{frols, information, on_support};
use crate::{Sindy, SindyError};
use core::sync::atomic::{AtomicUsize, Ordering};
use rayon::prelude::*;

/// The most constants: the grid has so many dimensions.
const MOST_CONSTANTS: usize = 3;
/// Grid points that Gauss–Newton steps start from.
const STARTS: usize = 6;
/// Rounds of a support and its constants.
const ROUNDS: usize = 6;
const STEPS: usize = 40;
/// The share of a whole fit that the grid is.
const SEARCH: f64 = 0.1;
const HALVINGS: usize = 10;
/// Steps below this share of a constant are no steps.
const SETTLED: f64 = 1e-10;

/// Values with their names, for the constants `names` inside features.
///
/// # Errors
///
/// [`SindyError::TooManyConstants`], [`SindyError::NoConstants`]; of the regressions what is wrong whatever the values.
pub(crate) fn search(
    sindy: &Sindy,
    matching: &Matching<'_>,
    names: Vec<String>,
) -> Result<Vec<(String, f64)>, SindyError> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    if names.len() > MOST_CONSTANTS {
        return Err(SindyError::TooManyConstants { found: names.len(), names: names.join(", "), most: MOST_CONSTANTS });
    }
    let search = Search { sindy, matching, names };
    let values = search.run()?;
    matching.pulse.rest_from(SEARCH);
    Ok(search.named(&values))
}

struct Search<'a> {
    sindy: &'a Sindy,
    matching: &'a Matching<'a>,
    names: Vec<String>,
}

/// The regressions at values of the constants, with the support found there.
struct Found {
    values: Vec<f64>,
    terms: Terms,
    systems: Vec<GramSystem>,
    /// `[d, selectable]`.
    theta: Vec<f64>,
    score: f64,
}

impl Search<'_> {
    fn run(&self) -> Result<Vec<f64>, SindyError> {
        let grids = self.grids()?;
        let points = tuples(&grids);
        // What is wrong at one point may be the point's fault; the last such reason is told where none serves.
        let done = AtomicUsize::new(0);
        let score = |point: &Vec<f64>| {
            let share = done.fetch_add(1, Ordering::Relaxed) as f64 / points.len() as f64;
            match self.matching.pulse.tell("searching constants", SEARCH * share) {
                true => self.at(point).map(|found| found.score),
                false => Err(SindyError::Cut),
            }
        };
        let scored: Vec<Result<f64, SindyError>> = points.par_iter().map(score).collect();
        let reason = scored.iter().rev().find_map(|score| score.as_ref().err()).cloned();
        let scores: Vec<f64> = scored.into_iter().map(|score| score.unwrap_or(f64::INFINITY)).collect();
        let starts = grid::lowest(&grids, &points, &scores, STARTS);
        let found: Vec<Found> = starts.par_iter().filter_map(|start| self.descend(start).ok()).collect();
        let best = found.into_iter().min_by(|a, b| a.score.total_cmp(&b.score)).map(|found| found.values);
        let unusable = |error: SindyError| match error {
            SindyError::FeatureNotFinite { .. } => SindyError::NoConstants { names: self.names.join(", ") },
            other => other,
        };
        best.ok_or_else(|| unusable(reason.unwrap_or(SindyError::NoConstants { names: self.names.join(", ") })))
    }

    fn named(&self, values: &[f64]) -> Vec<(String, f64)> {
        self.names.iter().cloned().zip(values.iter().copied()).collect()
    }

    /// Values of each constant.
    fn grids(&self) -> Result<Vec<Vec<f64>>, SindyError> {
        let library = self.sindy.terms(self.matching.data, &self.named(&vec![1.0; self.names.len()]))?.library;
        let of = |name: &String| grid::values(self.matching.data, &library.beside(name), self.names.len());
        Ok(self.names.iter().map(of).collect())
    }

    /// The regressions there, and a support.
    fn at(&self, values: &[f64]) -> Result<Found, SindyError> {
        let terms = self.sindy.terms(self.matching.data, &self.named(values))?;
        let systems = self.matching.whole(&terms)?;
        let mut theta = vec![0.0; systems.len() * terms.selectable];
        let mut score = 0.0;
        for (i, system) in systems.iter().enumerate() {
            let places = terms.places(i);
            let own = system.on(&places);
            let (found, own_score) = supported(&own)?;
            score += own_score;
            places.iter().zip(found).for_each(|(&k, c)| theta[i * terms.selectable + k] = c);
        }
        Ok(Found { values: values.to_vec(), terms, systems, theta, score })
    }

    /// Down from a point, support after support.
    fn descend(&self, start: &[f64]) -> Result<Found, SindyError> {
        let mut best = self.at(start)?;
        for _ in 0..ROUNDS {
            let values = self.project(&best);
            let next = self.at(&values)?;
            let moved = next.score < best.score - 1e-9 * best.score.abs();
            if next.score < best.score {
                best = next;
            }
            if !moved {
                break;
            }
        }
        Ok(best)
    }

    /// The constants that leave least on the support of `found`.
    fn project(&self, found: &Found) -> Vec<f64> {
        let mut values = found.values.clone();
        let Some(mut at) = Projection::new(&found.systems, &found.terms, &found.theta) else { return values };
        for _ in 0..STEPS {
            let change = at.change();
            let mut share = 1.0;
            let mut better = None;
            for _ in 0..HALVINGS {
                let moved: Vec<f64> = values.iter().zip(&change).map(|(v, d)| v + share * d).collect();
                let next = self.on_support(&moved, &found.theta);
                if let Some(next) = next.filter(|next| next.score() < at.score()) {
                    better = Some((next, moved));
                    break;
                }
                share *= 0.5;
            }
            let Some((next, moved)) = better else { break };
            let settled = values.iter().zip(&moved).all(|(old, new)| (new - old).abs() <= SETTLED * new.abs());
            (at, values) = (next, moved);
            if settled {
                break;
            }
        }
        values
    }

    /// The regressions at values, on a support.
    fn on_support(&self, values: &[f64], theta: &[f64]) -> Option<Projection> {
        let terms = self.sindy.terms(self.matching.data, &self.named(values)).ok()?;
        let systems = self.matching.whole(&terms).ok()?;
        Projection::new(&systems, &terms, theta)
    }
}

/// One value of each grid, the last one changing first.
fn tuples(grids: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut points: Vec<Vec<f64>> = vec![vec![]];
    for grid in grids {
        let longer = |point: Vec<f64>| grid.iter().map(move |&v| point.iter().copied().chain([v]).collect());
        points = points.into_iter().flat_map(longer).collect();
    }
    points
}

/// Coefficients of a support that grows by what explains most, then loses what it does not need, and their Bayesian information criterion.
fn supported(system: &GramSystem) -> Result<(Vec<f64>, f64), SindyError> {
    let mut theta = frols(system, None)?;
    let mut score = information(system, &theta);
    loop {
        let without = |k: usize| {
            let other = on_support(system, |j| j != k && theta[j] != 0.0).ok()?;
            Some((information(system, &other), other))
        };
        let shorter = (0..theta.len()).filter(|&k| theta[k] != 0.0).filter_map(without);
        match shorter.min_by(|a, b| a.0.total_cmp(&b.0)).filter(|best| best.0 < score) {
            Some(best) => (score, theta) = best,
            None => return Ok((theta, score)),
        }
    }
}
