//! The whole way: measured trajectories in, a ranked set of laws out.

use crate::climb::{Summit, climb};
use crate::contest::{Contest, Forecast, Race};
use crate::finalists::{Finalists, RACE};
use crate::model::Support;
use crate::observer::{Observer, Part, Progress, Pulse, Unobserved};
use crate::origin::FEWEST_ROWS;
use crate::refine::Law;
use crate::score::Score;
use crate::source::{Proposal, Scene, Source, proposals, standard, with_formulas};
use crate::verdict::{STRONG, Verdict, judge};
use crate::vocabulary::Vocabulary;
use rayon::prelude::*;
use std::collections::BTreeSet;
use vecfield_adjoint::{AdjointError, Fit, Noise};
use vecfield_data::{DataError, Trajectories};
use vecfield_sindy::{Inputs, Known, SindyError};
use vecfield_symreg::Operators;

/// Which noise models compete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NoiseChoice {
    /// Both where all values are positive; the likelihood decides.
    #[default]
    Auto,
    /// Only this one.
    Only(Noise),
}

/// How far a discovery goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The noise model.
    pub noise: NoiseChoice,
    /// The operations of formulas that are no polynomials; `None` for polynomials alone.
    pub operators: Option<Operators>,
    /// Known parts of equations.
    pub known: Vec<Known>,
    /// The most candidates of a contest.
    pub candidates: usize,
    /// The most alternatives in the result, the law itself not counted.
    pub alternatives: usize,
}

impl Default for Options {
    fn default() -> Self {
        // What rates of change are made of.
        let operators = "+,-,*,/,^,sqrt,log,exp,sin,cos,tanh".parse().ok();
        Self { noise: NoiseChoice::Auto, operators, known: vec![], candidates: 2000, alternatives: 12 }
    }
}

/// A candidate with its numbers and its forecasts.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The law, fitted to all the data.
    pub law: Law,
    /// Its forecast errors at the origins.
    pub score: Score,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Discovery {
    /// What equations are made of.
    pub vocabulary: Vocabulary,
    /// May the first candidate be called a law?
    pub verdict: Verdict,
    /// The noise model that was taken.
    pub noise: Noise,
    /// The log-likelihoods that chose it, by noise model; one entry where there was no choice.
    pub noise_evidence: Vec<(Noise, f64)>,
    /// The chosen law.
    pub chosen: Candidate,
    /// The others, ranked by forecasts; the best of each complexity among them.
    pub alternatives: Vec<Candidate>,
    /// Forecast errors of persistence and of the past mean.
    pub nulls: [Score; 2],
    /// How many candidates competed.
    pub competed: usize,
    /// Complexity and mean forecast error of every candidate that ran the whole race, best first.
    pub field: Vec<(usize, f64)>,
    /// What the chosen law forecast at each origin, fitted to the past alone.
    pub forecasts: Vec<Forecast>,
    /// Share of the variance ahead of the origins that the chosen law's forecasts explain.
    pub forecast_r2: f64,
    /// Did the observer cut the run short?
    pub cut: bool,
}

/// Why nothing could be found.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoverError {
    /// No run is long enough to hold a forecast.
    #[error(
        "the longest trajectory has {rows} rows, and a forecast from its own past needs at least {FEWEST_ROWS}; measure more, or \
         `fit` a known equation instead"
    )]
    TooFewRows {
        /// Rows of the longest run.
        rows: usize,
    },
    /// Logarithms of values that are not positive.
    #[error("multiplicative noise needs positive values, and `{variable}` has {value}; use additive noise")]
    NotPositive {
        /// The variable.
        variable: String,
        /// Its smallest value.
        value: f64,
    },
    /// The data cannot be smoothed, or their names not be used in formulas.
    #[error(transparent)]
    Matching(#[from] SindyError),
    /// The data are not a data set.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The neural equation could not be fitted.
    #[error(
        "the neural equation could not be fitted through the solver: {0}; look for outliers or a jump in the data, or leave \
         `--method neural` out"
    )]
    Neural(#[from] AdjointError),
    /// The observer cut the run before any candidate was judged.
    #[error("the run was cut before the first of {competed} candidates was judged; give it more time")]
    CutTooSoon {
        /// Candidates that were to compete.
        competed: usize,
    },
    /// No candidate could be fitted.
    #[error(
        "none of {competed} candidates could be fitted to the data; look for outliers or a jump, or give runs that start \
         closer together"
    )]
    NothingFits {
        /// Candidates tried.
        competed: usize,
    },
}

/// Finds the equations behind `data`.
///
/// Every candidate is fitted from the past alone at four origins and judged by its forecasts; the simplest of those that
/// cannot be told from the best is the law, and is fitted to all the data by maximum likelihood. Deterministic for any
/// number of threads.
///
/// # Errors
///
/// [`DiscoverError`].
pub fn discover(data: &Trajectories, options: &Options, observer: &dyn Observer) -> Result<Discovery, DiscoverError> {
    discover_from(&standard(options), data, options, observer)
}

/// The same with candidates from other [sources](crate::source) than the [standard](crate::source::standard) ones, which are asked in
/// their order.
///
/// # Errors
///
/// [`DiscoverError`].
pub fn discover_from(
    sources: &[Box<dyn Source>],
    data: &Trajectories,
    options: &Options,
    observer: &dyn Observer,
) -> Result<Discovery, DiscoverError> {
    check(data, options)?;
    let noises = noises(data, options.noise);
    let vocabulary = &words(sources, data, options, &noises, observer)?;
    let mut noises = noises.into_iter();
    let first = noises.next().unwrap_or(Noise::Additive);
    let share = if noises.len() > 0 { 0.5 } else { 1.0 };
    let scene = |noise| Scene { data, vocabulary, noise };
    let mut found = contest(sources, &scene(first), options, &Part { of: observer, from: 0.0, to: share })?;
    let mut evidence = vec![(first, found.chosen.law.log_likelihood)];
    if let Some(other) = noises.next() {
        let pulse = Pulse::new(observer, Progress { stage: "comparing noise models", share });
        let best = likeliest_under(data, other, &found, pulse)?;
        evidence.extend(best.as_ref().map(|law| (other, law.log_likelihood)));
        if best.is_some_and(|law| law.bic <= found.chosen.law.bic + STRONG) {
            let rival = contest(sources, &scene(other), options, &Part { of: observer, from: share, to: 1.0 })?;
            evidence[1].1 = rival.chosen.law.log_likelihood;
            let cut = found.cut || rival.cut;
            if rival.chosen.law.bic < found.chosen.law.bic {
                found = rival;
            }
            found.cut = cut;
        }
    }
    found.noise_evidence = evidence;
    Ok(found)
}

/// Rows from which on laws are looked for by their likelihood. With fewer, likelihoods prefer what bends to the noise, and all simple
/// polynomials can compete by their forecasts.
const PLENTY: usize = 60;

/// What the laws are to be made of.
fn words(
    sources: &[Box<dyn Source>],
    data: &Trajectories,
    options: &Options,
    noises: &[Noise],
    observer: &dyn Observer,
) -> Result<Vocabulary, DiscoverError> {
    let names = data.dim() + data.inputs().len();
    let vocabulary = &Vocabulary::driven(data.variables(), Inputs::new(data), degree(names), options.known.clone())?;
    let noise = noises.first().copied().unwrap_or(Noise::Additive);
    let pulse = Pulse::new(observer, Progress { stage: "composing formulas", share: 0.0 });
    with_formulas(sources, &Scene { data, vocabulary, noise }, pulse)
}

/// The likeliest of the laws of `found` when they are fitted under another noise model: if even the best of them is far less
/// likely than the law found, a contest under that model is not held.
fn likeliest_under(
    data: &Trajectories,
    noise: Noise,
    found: &Discovery,
    pulse: Pulse<'_>,
) -> Result<Option<Law>, DiscoverError> {
    let contest = Contest::new(data, found.vocabulary.clone(), noise)?;
    let places = found.vocabulary.places_in(contest.vocabulary());
    let laws: Vec<&Law> = core::iter::once(&found.chosen).chain(&found.alternatives).map(|c| &c.law).collect();
    let refined = |law: &&Law| contest.refine(&law.support.moved(&places)?, pulse);
    let refined: Vec<Option<Law>> = laws.par_iter().map(refined).collect();
    Ok(refined.into_iter().flatten().min_by(|a, b| a.bic.total_cmp(&b.bic)))
}

/// Degree of the polynomial library over so many variables and inputs: cubic terms are common in two and three variables (van der Pol,
/// FitzHugh, Duffing); beyond that their number outgrows what data can tell.
fn degree(names: usize) -> usize {
    match names {
        1 => 4,
        2 | 3 => 3,
        _ => 2,
    }
}

fn noises(data: &Trajectories, choice: NoiseChoice) -> Vec<Noise> {
    match choice {
        NoiseChoice::Only(noise) => vec![noise],
        NoiseChoice::Auto if least(data).is_none_or(|(_, value)| value > 0.0) => {
            vec![Noise::Additive, Noise::Multiplicative]
        }
        NoiseChoice::Auto => vec![Noise::Additive],
    }
}

/// The variable with the smallest value, and that value.
fn least(data: &Trajectories) -> Option<(usize, f64)> {
    (0..data.dim()).flat_map(|v| data.observed(v).map(move |y| (v, y))).min_by(|a, b| a.1.total_cmp(&b.1))
}

fn check(data: &Trajectories, options: &Options) -> Result<(), DiscoverError> {
    let rows = data.runs().iter().map(vecfield_data::Trajectory::len).max().unwrap_or(0);
    if rows < FEWEST_ROWS {
        return Err(DiscoverError::TooFewRows { rows });
    }
    match least(data) {
        Some((variable, value)) if value <= 0.0 && options.noise == NoiseChoice::Only(Noise::Multiplicative) => {
            Err(DiscoverError::NotPositive { variable: data.variables()[variable].clone(), value })
        }
        _ => Ok(()),
    }
}

/// The contest under one noise model, and the laws that come out of it.
fn contest(
    sources: &[Box<dyn Source>],
    scene: &Scene<'_>,
    options: &Options,
    observer: &dyn Observer,
) -> Result<Discovery, DiscoverError> {
    let pulse = Pulse::new(observer, Progress { stage: "naming candidates", share: 0.0 });
    let Scene { data, noise, .. } = *scene;
    let contest = Contest::new(data, scene.vocabulary.clone(), noise)?;
    let vocabulary = contest.vocabulary().clone();
    let proposals = proposals(sources, &Scene { vocabulary: &vocabulary, ..*scene }, contest.paths(), pulse)?;
    let Summit { mut contest, supports: near, bic: summit } = first_climb(contest, &proposals, options, pulse)?;
    let places = vocabulary.places_in(contest.vocabulary());
    let mut sure = BTreeSet::new();
    let mut supports = near;
    // The likeliest of the laws that were proposed with constants, or, where none could be fitted, that of the largest library.
    let last = proposals.iter().rev().filter(|proposal| proposal.constants.is_some());
    let surest = supports.first().cloned().or_else(|| last.filter_map(|p| p.support.moved(&places)).next());
    for Proposal { support, constants } in proposals {
        let Some(support) = support.moved(&places) else { continue };
        if constants.is_some() {
            sure.insert(support.clone());
        }
        supports.push(support);
    }
    let mut seen = BTreeSet::new();
    supports.retain(|support| seen.insert(support.clone()));
    let competed = supports.len();
    let Race { mut entries, cut } = contest.race(supports, &sure, &Part { of: observer, from: 0.0, to: RACE });
    if cut && entries.is_empty() {
        let surest = surest.ok_or(DiscoverError::CutTooSoon { competed })?;
        entries.push(contest.enter(surest, Pulse::unobserved()));
    }
    let nulls = contest.nulls();
    let mut candidates = Finalists::new(entries);
    // The best forecaster that can be is fitted whatever happens: a run that was cut has an answer.
    let sure = candidates.best_fitted(&contest, &Unobserved).ok_or(DiscoverError::NothingFits { competed })?;
    let mut place = candidates.law(&contest, observer).unwrap_or(sure);
    let pulse = Pulse::new(observer, Progress { stage: "looking near the best law", share: RACE });
    let likelier = candidates.likeliest().filter(|law| law.bic + STRONG < summit);
    if let Some(law) = likelier.filter(|_| data.row_count() >= PLENTY && pulse.goes_on()) {
        let Summit { contest: wider, supports, .. } = climb(&contest, law, options.operators.as_ref(), pulse)?;
        contest = wider;
        candidates.enter(supports, &contest, pulse);
        place = candidates.law(&contest, observer).unwrap_or(place);
    }
    let listed = candidates.alternatives(place, options.alternatives, &contest, observer);
    let field = candidates.entries().iter().map(|entry| (entry.complexity, entry.score.mean())).collect();
    let chosen = candidates.get(place).ok_or(DiscoverError::NothingFits { competed })?;
    let others = candidates.others(place, &contest);
    Ok(Discovery {
        vocabulary: contest.vocabulary().clone(),
        verdict: judge(&chosen, &others, &nulls),
        noise,
        noise_evidence: vec![],
        forecasts: contest.forecasts(&candidates.entries()[place]),
        forecast_r2: explained(&chosen.score, &nulls[1]),
        chosen,
        alternatives: listed.iter().filter_map(|&i| candidates.get(i)).collect(),
        nulls,
        competed,
        field,
        cut,
    })
}

/// Climbs from the likeliest of the laws that were proposed with constants, where there are rows enough to climb by.
fn first_climb<'a>(
    contest: Contest<'a>,
    proposals: &[Proposal],
    options: &Options,
    pulse: Pulse<'_>,
) -> Result<Summit<'a>, DiscoverError> {
    let plenty = contest.data().row_count() >= PLENTY;
    let guessed = proposals
        .iter()
        .filter(|_| plenty)
        .filter_map(|Proposal { support, constants }| Some((support, constants.as_ref()?)));
    let cells = contest.data().observed_count();
    let told = |support: &Support, fit: &Fit| {
        let starts = fit.starts.len() as f64 * (cells as f64).ln();
        cells as f64 * fit.cost.max(f64::MIN_POSITIVE).ln() + support.price(contest.vocabulary(), cells) + starts
    };
    let mut likeliest: Option<(f64, &Support, Fit)> = None;
    // The largest library was looked through last, and says what others can be measured by.
    for (support, theta) in guessed.rev() {
        for fit in contest.fits_from(support, theta, pulse) {
            let told = told(support, &fit);
            if likeliest.as_ref().is_none_or(|(least, ..)| told < *least) {
                contest.measure_by(&fit);
                likeliest = Some((told, support, fit));
            }
        }
    }
    match likeliest.and_then(|(_, support, fit)| contest.polish(support, &fit, pulse)) {
        Some(law) => climb(&contest, &law, options.operators.as_ref(), pulse),
        None => Ok(Summit { contest, supports: vec![], bic: f64::INFINITY }),
    }
}

/// Share of the variance ahead of the origins, about the past mean, that a score's forecasts explain.
fn explained(score: &Score, mean: &Score) -> f64 {
    let squares = |score: &Score| score.by_origin().iter().map(|e| e * e).sum::<f64>();
    let total = squares(mean);
    if total > 0.0 { 1.0 - squares(score) / total } else { 0.0 }
}
