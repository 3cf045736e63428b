//! The whole way: measured trajectories in, a ranked set of laws out.

use crate::contest::{Contest, Entry, Forecast, Race, blind_paths, rank, scales};
use crate::matching::Matching;
use crate::model::Support;
use crate::observer::{Observer, Part, Progress, Pulse, Unobserved};
use crate::origin::FEWEST_ROWS;
use crate::refine::{Law, refine};
use crate::score::Score;
use crate::space;
use crate::verdict::{STRONG, Verdict, contenders, judge, reductions, suffices};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use vecfield_adjoint::Noise;
use vecfield_data::{DataError, Trajectories};
use vecfield_sindy::{Library, SindyError};

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
    /// The most candidates of a contest.
    pub candidates: usize,
    /// The most alternatives in the result, the law itself not counted.
    pub alternatives: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { noise: NoiseChoice::Auto, candidates: 2000, alternatives: 12 }
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
    /// The features that equations are made of.
    pub library: Library,
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
    check(data, options)?;
    let library = Library::polynomial(data.variables(), degree(data.dim()))?;
    let mut noises = noises(data, options.noise).into_iter();
    let first = noises.next().unwrap_or(Noise::Additive);
    let share = if noises.len() > 0 { 0.5 } else { 1.0 };
    let mut found = contest(data, &library, first, options, &Part { of: observer, from: 0.0, to: share })?;
    let mut evidence = vec![(first, found.chosen.law.log_likelihood)];
    if let Some(other) = noises.next() {
        let pulse = Pulse::new(observer, Progress { stage: "comparing noise models", share });
        let best = likeliest_under(data, &library, other, &found, pulse)?;
        evidence.extend(best.as_ref().map(|law| (other, law.log_likelihood)));
        if best.is_some_and(|law| law.bic <= found.chosen.law.bic + STRONG) {
            let rival = contest(data, &library, other, options, &Part { of: observer, from: share, to: 1.0 })?;
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

/// The likeliest of the laws of `found` when they are fitted under another noise model: if even the best of them is far less
/// likely than the law found, a contest under that model is not held.
fn likeliest_under(
    data: &Trajectories,
    library: &Library,
    noise: Noise,
    found: &Discovery,
    pulse: Pulse<'_>,
) -> Result<Option<Law>, DiscoverError> {
    let paths = blind_paths(data, library, noise)?;
    let laws: Vec<&Law> = core::iter::once(&found.chosen).chain(&found.alternatives).map(|c| &c.law).collect();
    let refined: Vec<Option<Law>> =
        laws.par_iter().map(|law| refine(data, library, &law.support, &paths, noise, pulse)).collect();
    Ok(refined.into_iter().flatten().min_by(|a, b| a.bic.total_cmp(&b.bic)))
}

/// Degree of the polynomial library: cubic terms are common in two and three variables (van der Pol, FitzHugh, Duffing);
/// beyond that their number outgrows what data can tell.
fn degree(dim: usize) -> usize {
    match dim {
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
    data: &Trajectories,
    library: &Library,
    noise: Noise,
    options: &Options,
    observer: &dyn Observer,
) -> Result<Discovery, DiscoverError> {
    let paths = blind_paths(data, library, noise)?;
    let supports = space::competing(data, library, &paths, options.candidates);
    let competed = supports.len();
    let contest = Contest::new(data, library, noise)?;
    let Race { entries, cut } = contest.race(supports, &Part { of: observer, from: 0.0, to: RACE });
    if cut && entries.is_empty() {
        return Err(DiscoverError::CutTooSoon { competed });
    }
    let nulls = contest.nulls();
    let mut candidates = Fitted { data, library, paths: &paths, noise, entries, laws: BTreeMap::new() };
    let contenders = contenders(&candidates.entries);
    // The best forecaster is fitted whatever happens: a run that was cut has an answer.
    candidates.fit(&contenders[..contenders.len().min(1)], &Unobserved);
    candidates.fit(&contenders, observer);
    let place = candidates.most_credible(&contenders).ok_or(DiscoverError::NothingFits { competed })?;
    let place = candidates.pruned(place, &contest, observer);
    let entries = &candidates.entries;
    let listed = shortlist(entries, place, options.alternatives);
    let field = entries.iter().map(|entry| (entry.complexity, entry.score.mean())).collect();
    candidates.fit(&listed, observer);
    let chosen = candidates.get(place).ok_or(DiscoverError::NothingFits { competed })?;
    let others: Vec<Candidate> =
        (0..candidates.entries.len()).filter(|&i| i != place).filter_map(|i| candidates.get(i)).collect();
    Ok(Discovery {
        library: library.clone(),
        verdict: judge(&chosen, &others.iter().collect::<Vec<_>>(), &nulls),
        noise,
        noise_evidence: vec![],
        forecasts: contest.forecasts(&chosen.law.support),
        forecast_r2: explained(&chosen.score, &nulls[1]),
        chosen,
        alternatives: listed.iter().filter_map(|&i| candidates.get(i)).collect(),
        nulls,
        competed,
        field,
        cut,
    })
}

/// Share of the variance ahead of the origins, about the past mean, that a score's forecasts explain.
fn explained(score: &Score, mean: &Score) -> f64 {
    let squares = |score: &Score| score.by_origin().iter().map(|e| e * e).sum::<f64>();
    let total = squares(mean);
    if total > 0.0 { 1.0 - squares(score) / total } else { 0.0 }
}

/// The race's share of the work; the rest is fitting the best of it to all the data.
const RACE: f64 = 0.9;

/// Leaving out a term whose constant is `z` standard errors from zero raises `-2 ln L` by about `z²`; with `z` above this the
/// BIC of the rest is higher by more than `z² - ln n`, which is beyond [`suffices`] for any table that fits in memory.
const BEYOND_DOUBT: f64 = 5.0;

/// Entries of a contest, best first, and those of them that have been fitted to all the data.
struct Fitted<'a> {
    data: &'a Trajectories,
    library: &'a Library,
    paths: &'a [Matching; 2],
    noise: Noise,
    entries: Vec<Entry>,
    laws: BTreeMap<Support, Law>,
}

impl Fitted<'_> {
    /// Fits the entries at `places` that are not fitted yet.
    fn fit(&mut self, places: &[usize], observer: &dyn Observer) {
        let missing: Vec<&Support> =
            places.iter().map(|&i| &self.entries[i].support).filter(|s| !self.laws.contains_key(s)).collect();
        let laws: Vec<(Support, Option<Law>)> = missing
            .par_iter()
            .enumerate()
            .map(|(done, &support)| {
                let share = RACE + (1.0 - RACE) * done as f64 / missing.len() as f64;
                let pulse = Pulse::new(observer, Progress { stage: "fitting all the data", share });
                let law =
                    pulse.goes_on().then(|| refine(self.data, self.library, support, self.paths, self.noise, pulse));
                (support.clone(), law.flatten().filter(|_| pulse.goes_on()))
            })
            .collect();
        self.laws.extend(laws.into_iter().filter_map(|(support, law)| Some((support, law?))));
    }

    /// The simplest of `places` that no other beats strongly in BIC; of equally simple ones that with the least BIC.
    fn most_credible(&self, places: &[usize]) -> Option<usize> {
        let fitted: Vec<(usize, &Law)> =
            places.iter().filter_map(|&i| Some((i, self.laws.get(&self.entries[i].support)?))).collect();
        let least = fitted.iter().map(|(_, law)| law.bic).fold(f64::INFINITY, f64::min);
        fitted
            .into_iter()
            .filter(|(_, law)| law.bic <= least + STRONG)
            .min_by(|(i, a), (j, b)| a.complexity.cmp(&b.complexity).then(a.bic.total_cmp(&b.bic)).then(i.cmp(j)))
            .map(|(place, _)| place)
    }

    /// The candidate at `place` without the terms that neither its forecasts nor the likelihood support, dropped one at a
    /// time. What is left enters the contest: its place among the entries is returned.
    fn pruned(&mut self, place: usize, contest: &Contest<'_>, observer: &dyn Observer) -> usize {
        let mut place = place;
        loop {
            let whole = self.entries[place].support.clone();
            let pulse = Pulse::new(observer, Progress { stage: "leaving terms out", share: RACE });
            let Some(law) = self.laws.get(&whole) else { return place };
            // A term many standard errors from nothing is supported by the likelihood: it need not be tried.
            let doubtful = law.constants.iter().map(|c| match c.stderr {
                Some(stderr) => c.value.abs() <= BEYOND_DOUBT * stderr,
                None => !c.snapped,
            });
            let parts = whole.parts().into_iter().zip(doubtful).filter(|(_, doubtful)| *doubtful).map(|(part, _)| part);
            let parts = parts.collect();
            self.enter(parts, contest, pulse);
            // Entering moved the entries: find the whole again.
            let Some(now) = self.entries.iter().position(|entry| entry.support == whole) else { return place };
            place = now;
            let parts = reductions(&self.entries, place);
            self.fit(&parts, observer);
            let Some(law) = self.laws.get(&whole) else { return place };
            let enough = |part: &&usize| self.laws.get(&self.entries[**part].support).is_some_and(|p| suffices(p, law));
            let bic = |part: usize| self.laws[&self.entries[part].support].bic;
            let best = parts.iter().filter(enough).min_by(|a, b| bic(**a).total_cmp(&bic(**b)).then(a.cmp(b)));
            match best {
                Some(&part) => place = part,
                None => return place,
            }
        }
    }

    /// Runs the supports that have not competed yet through every origin, and ranks them among the others.
    fn enter(&mut self, supports: Vec<Support>, contest: &Contest<'_>, pulse: Pulse<'_>) {
        let known: BTreeSet<&Support> = self.entries.iter().map(|entry| &entry.support).collect();
        let new: Vec<Support> = supports.into_iter().filter(|support| !known.contains(support)).collect();
        let entered: Vec<Entry> = new.into_par_iter().map(|support| contest.enter(support, pulse)).collect();
        // A score from fits that were broken off is none.
        if pulse.goes_on() {
            self.entries.extend(entered);
        }
        rank(&mut self.entries);
    }

    fn get(&self, place: usize) -> Option<Candidate> {
        let entry = &self.entries[place];
        Some(Candidate { law: self.laws.get(&entry.support)?.clone(), score: entry.score.clone() })
    }
}

/// Places in `entries` of up to `most` alternatives to the one at `chosen`, in rank. In order of right to a place: the
/// candidates that no simpler one beats; those that tie with one of them at its own size; the best of every other size; and
/// whatever ranks highest besides.
fn shortlist(entries: &[Entry], chosen: usize, most: usize) -> Vec<usize> {
    let mut by_size: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (place, entry) in entries.iter().enumerate() {
        by_size.entry(entry.complexity).or_default().push(place);
    }
    let (mut front, mut ties, mut best_of_size) = (vec![], vec![], vec![]);
    let mut best_so_far = usize::MAX;
    for places in by_size.values() {
        // Entries are sorted by score, so a smaller place is a better score.
        let best = places[0];
        if best < best_so_far {
            best_so_far = best;
            front.push(best);
            ties.extend(places.iter().skip(1).take(1).filter(|&&i| entries[i].score.ties_with(&entries[best].score)));
        } else {
            best_of_size.push(best);
        }
    }
    // Where there is no room for all, the best-ranked of a kind stay.
    [&mut front, &mut ties, &mut best_of_size].into_iter().for_each(|places| places.sort_unstable());
    let mut listed = Vec::new();
    for place in front.into_iter().chain(ties).chain(best_of_size).chain(0..entries.len()) {
        if listed.len() < most && place != chosen && !listed.contains(&place) {
            listed.push(place);
        }
    }
    listed.sort_unstable();
    listed
}

/// The unit of each variable's forecast errors under `noise`; 1 on logarithms.
pub fn error_units(data: &Trajectories, noise: Noise) -> Vec<f64> {
    match noise {
        Noise::Additive => scales(data),
        Noise::Multiplicative => vec![1.0; data.dim()],
    }
}
