//! A fair contest: every candidate is fitted from the past alone, from the same blind starts, and judged by what it
//! forecasts.
//!
//! In-sample criteria prefer equations that bend to the noise of the process; forecasts from several origins do not. Origins
//! are run one after the other, and after each the hopeless are dropped (a race: Maron & Moore 1997), because a fit costs
//! milliseconds and there are thousands of candidates.

use crate::discovery::DiscoverError;
use crate::ledger::Judged;
use crate::matching::Matching;
use crate::model::Support;
use crate::observer::{Observer, Progress, Pulse};
use crate::origin::Origin;
use crate::quick::{Patience, bound, fit_from, fit_from_paths, forecast, quick_options, scales};
use crate::refine::{Law, refine, refine_from};
use crate::score::{CEILING, Score};
use crate::space::is_large;
use crate::vocabulary::Vocabulary;
use core::sync::atomic::{AtomicUsize, Ordering};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use vecfield_adjoint::{Fit, Noise};
use vecfield_data::Trajectories;
use vecfield_sindy::SindyError;

/// Shares of the field that go on to the second, third and fourth origin, as divisors, and the fewest that do.
const KEEP: [(usize, usize); 3] = [(6, 16), (18, 12), (44, 10)];

/// Of every complexity, this many go on whatever their rank: the reader is to see the trade-off.
const KEEP_OF_EACH_SIZE: usize = 2;

/// A candidate that has run the whole race.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its terms.
    pub support: Support,
    /// Its forecast errors, latest origin first.
    pub score: Score,
    /// Size of its formulas.
    pub complexity: usize,
    /// What its fits forecast, by origin; nothing where only the error is known from an earlier run.
    pub(crate) forecasts: Vec<Option<Vec<Forecast>>>,
}

impl Entry {
    /// A candidate that no origin has judged.
    pub(crate) fn new(support: Support, complexity: usize, cells: usize) -> Self {
        Self { support, score: Score::new(cells, []), complexity, forecasts: Vec::new() }
    }

    fn push(&mut self, made: Made) {
        self.score.push(made.judged.error);
        self.forecasts.push(made.forecasts);
    }
}

/// What came of a candidate at an origin.
#[derive(Clone)]
struct Made {
    judged: Judged,
    forecasts: Option<Vec<Forecast>>,
}

/// Everything the candidates share: data, origins, blind starts, noise model.
pub struct Contest<'a> {
    data: &'a Trajectories,
    vocabulary: Vocabulary,
    noise: Noise,
    scale: Vec<f64>,
    cells: usize,
    /// Through all the data.
    paths: [Matching; 2],
    origins: Vec<(Origin, [Matching; 2])>,
    hopes: Arc<Hopes>,
}

/// Costs above which a fit is not finished: known where data are large and a law has been fitted that others can be measured by.
#[derive(Debug, Default)]
struct Hopes {
    /// To the past of each origin.
    past: Vec<OnceLock<f64>>,
    /// To all the data.
    all: OnceLock<f64>,
}

impl<'a> Contest<'a> {
    /// Prepares origins and smoothed paths. Composed formulas that are not finite on one of them are left out of the vocabulary.
    ///
    /// # Errors
    ///
    /// [`DiscoverError`] when the past of an origin is too short to be smoothed.
    pub fn new(data: &'a Trajectories, vocabulary: Vocabulary, noise: Noise) -> Result<Self, DiscoverError> {
        let (_, contest) = within_domains(vocabulary, |vocabulary| Self::over(data, vocabulary, noise))?;
        Ok(contest)
    }

    fn over(data: &'a Trajectories, vocabulary: &Vocabulary, noise: Noise) -> Result<Self, DiscoverError> {
        let paths = blind_paths(data, vocabulary, noise)?;
        let origins = Origin::all(data)?;
        let cells = origins.last().map_or(0, |earliest| earliest.cells_ahead(data));
        let past = origins.iter().map(|_| OnceLock::new()).collect();
        let origins = origins
            .into_iter()
            .map(|origin| {
                let paths = blind_paths(origin.past(), vocabulary, noise)?;
                Ok((origin, paths))
            })
            .collect::<Result<_, DiscoverError>>()?;
        Ok(Self {
            data,
            vocabulary: vocabulary.clone(),
            noise,
            scale: scales(data),
            cells,
            paths,
            origins,
            hopes: Arc::new(Hopes { past, all: OnceLock::new() }),
        })
    }

    /// The contest with what another one over the same data has found that can be hoped for.
    pub(crate) fn hoping_as(mut self, other: &Contest<'_>) -> Self {
        self.hopes = Arc::clone(&other.hopes);
        self
    }

    /// Fits to all the data are measured by this one from now on, where data are large.
    pub(crate) fn measure_by(&self, fit: &Fit) {
        if is_large(self.data) {
            let _ = self.hopes.all.set(bound(fit.cost, self.data)); // the first stands
        }
    }

    /// The cost above which a fit to all the data is not finished.
    pub(crate) fn hope(&self) -> Option<f64> {
        self.hopes.all.get().copied()
    }

    /// What the candidates are made of.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The smoothed paths through all the data.
    pub(crate) fn paths(&self) -> &[Matching; 2] {
        &self.paths
    }

    /// What was measured.
    pub(crate) fn data(&self) -> &'a Trajectories {
        self.data
    }

    /// The noise model.
    pub(crate) fn noise(&self) -> Noise {
        self.noise
    }

    /// A support fitted to all the data.
    pub(crate) fn refine(&self, support: &Support, pulse: Pulse<'_>) -> Option<Law> {
        refine(self.data, &self.vocabulary, support, &self.paths, self.noise, self.hope(), pulse)
    }

    /// Number of origins.
    pub fn origins(&self) -> usize {
        self.origins.len()
    }

    /// Scores of the two forecasts that know no dynamics: persistence and the past mean.
    pub fn nulls(&self) -> [Score; 2] {
        let errors: Vec<[f64; 2]> =
            self.origins.iter().map(|(origin, _)| origin.null_errors(self.data, self.noise, &self.scale)).collect();
        [0, 1].map(|which| Score::new(self.cells, errors.iter().map(|pair| pair[which])))
    }

    /// Quick fits of a support to all the data from given constants, on both paths.
    pub(crate) fn fits_from(&self, support: &Support, theta: &[f64], pulse: Pulse<'_>) -> Vec<Fit> {
        let quick = quick_options(theta.len(), self.data, self.noise, &self.scale);
        let Ok(family) = support.family(&self.vocabulary) else { return vec![] };
        let patience = Patience { pulse, hope: self.hope() };
        let from = |path| fit_from(&family, self.data, theta.to_vec(), path, self.noise, &quick, patience);
        self.paths.par_iter().filter_map(from).collect()
    }

    /// A law from a quick fit of its support.
    pub(crate) fn polish(&self, support: &Support, fit: &Fit, pulse: Pulse<'_>) -> Option<Law> {
        refine_from(self.data, &self.vocabulary, support, fit, self.noise, pulse)
    }

    /// Runs the race among `supports`; returns those that finished, best first (ties by size, then by terms). Those in `sure` are not
    /// dropped on the way: what has other evidence is judged by all its forecasts.
    pub fn race(&self, supports: Vec<Support>, sure: &BTreeSet<Support>, observer: &dyn Observer) -> Race {
        let mut entries: Vec<Entry> = supports
            .into_iter()
            .map(|support| {
                let complexity = support.complexity(&self.vocabulary);
                Entry::new(support, complexity, self.cells)
            })
            .collect();
        let mut cut = false;
        let field = entries.len();
        let planned: usize = (0..self.origins.len()).map(|origin| self.size_at(origin, field)).sum();
        let done = AtomicUsize::new(0);
        for origin in 0..self.origins.len() {
            let judged = |entry: &Entry| {
                let share = done.fetch_add(1, Ordering::Relaxed) as f64 / planned as f64;
                let pulse = Pulse::new(observer, Progress { stage: "forecasting", share });
                // A fit that was broken off says nothing: ask once more when it is done.
                let judged = pulse.goes_on().then(|| self.forecast(&entry.support, origin, pulse));
                judged.filter(|_| pulse.goes_on())
            };
            let known = self.judge_the_sure(&entries, sure, origin, &judged);
            let made = |entry: &Entry| known.get(&entry.support).cloned().or_else(|| judged(entry));
            let made: Vec<Option<Made>> = entries.par_iter().map(made).collect();
            if made.iter().any(Option::is_none) {
                cut = true;
                // Only a candidate judged at this origin may be compared by it; with none, the last round stands.
                if origin > 0 {
                    break;
                }
            }
            entries = entries
                .into_iter()
                .zip(made)
                .filter_map(|(mut entry, made)| {
                    entry.push(made?);
                    Some(entry)
                })
                .collect();
            rank(&mut entries);
            if cut {
                break;
            }
            if origin + 1 < self.origins.len() {
                drop_hopeless(&mut entries, self.size_at(origin + 1, field), sure);
            }
        }
        Race { entries, cut }
    }

    /// Where data are large, what the sure candidates leave of the past says which fits of the others are without hope. What came of them.
    fn judge_the_sure(
        &self,
        entries: &[Entry],
        sure: &BTreeSet<Support>,
        origin: usize,
        judged: &(impl Fn(&Entry) -> Option<Made> + Sync),
    ) -> BTreeMap<Support, Made> {
        if !is_large(self.data) {
            return BTreeMap::new();
        }
        let surest: Vec<&Entry> = entries.iter().filter(|entry| sure.contains(&entry.support)).collect();
        let known = |entry: &&Entry| Some((entry.support.clone(), judged(entry)?));
        let known: BTreeMap<Support, Made> = surest.par_iter().filter_map(known).collect();
        let costs = known.values().filter_map(|made| made.judged.cost);
        if let Some(least) = costs.min_by(f64::total_cmp) {
            let _ = self.hopes.past[origin].set(bound(least, self.origins[origin].0.past())); // the first stands
        }
        known
    }

    /// How many of `field` candidates are about to run from origin number `origin`.
    fn size_at(&self, origin: usize, field: usize) -> usize {
        origin.checked_sub(1).map_or(field, |previous| {
            let (share, fewest) = KEEP[previous.min(KEEP.len() - 1)];
            field.min((field / share).max(fewest))
        })
    }

    /// What the fits of an entry at each origin forecast, origin by origin and run by run; runs whose solution does not reach the rows
    /// ahead are left out. Fits that were made by an earlier run are made again.
    pub fn forecasts(&self, entry: &Entry) -> Vec<Forecast> {
        let at = |origin: usize| match entry.forecasts.get(origin).and_then(Option::as_ref) {
            Some(kept) => kept.clone(),
            None => self.forecast_anew(&entry.support, origin, Pulse::unobserved()).1,
        };
        (0..self.origins.len()).into_par_iter().flat_map_iter(at).collect()
    }

    /// Runs one support through every origin.
    pub fn enter(&self, support: Support, pulse: Pulse<'_>) -> Entry {
        let complexity = support.complexity(&self.vocabulary);
        let mut entry = Entry::new(support, complexity, self.cells);
        for origin in 0..self.origins.len() {
            entry.push(self.forecast(&entry.support, origin, pulse));
        }
        entry
    }

    /// What came of `support` at origin number `origin`, worked out unless it is known.
    fn forecast(&self, support: &Support, origin: usize, pulse: Pulse<'_>) -> Made {
        let mut forecasts = None;
        let mut make = || {
            let (judged, made) = self.forecast_anew(support, origin, pulse);
            forecasts = Some(made);
            judged
        };
        let judged = match pulse.ledger() {
            Some(ledger) => ledger.judged(self.name_of(support, origin), make, || pulse.goes_on()),
            None => make(),
        };
        Made { judged, forecasts }
    }

    /// What a ledger knows a forecast by.
    fn name_of(&self, support: &Support, origin: usize) -> String {
        let key = |&k: &usize| self.vocabulary.features()[k].key();
        let equation = |set: &Vec<usize>| set.iter().map(key).collect::<Vec<_>>().join(", ");
        let equations: Vec<String> = support.equations.iter().map(equation).collect();
        format!("{} {origin} of {}: {}", self.noise.name(), self.vocabulary.len(), equations.join("; "))
    }

    /// Fits `support` from the past of origin number `origin` and judges it by its forecasts, which come with it.
    fn forecast_anew(&self, support: &Support, origin: usize, pulse: Pulse<'_>) -> (Judged, Vec<Forecast>) {
        let hope = self.hopes.past[origin].get().copied();
        let (origin, paths) = &self.origins[origin];
        let failed = (Judged { error: CEILING, cost: None }, Vec::new());
        let Ok(family) = support.family(&self.vocabulary) else { return failed };
        let options = quick_options(support.constants(&self.vocabulary), origin.past(), self.noise, &self.scale);
        let candidate = (support, &self.vocabulary);
        let patience = Patience { pulse, hope };
        let Some(fit) = fit_from_paths(&family, origin.past(), candidate, paths, self.noise, &options, patience) else {
            return failed;
        };
        let of_run = |run: usize| {
            let rows = origin.ahead(run);
            let states = forecast(&family, &fit, self.data, &self.scale, run, rows.clone())?;
            (!rows.is_empty()).then_some(Forecast { run, rows, states })
        };
        let forecasts: Vec<Forecast> = (0..self.data.runs().len()).filter_map(of_run).collect();
        (Judged { error: self.judge(&forecasts, origin), cost: Some(fit.cost) }, forecasts)
    }

    /// Compares forecasts from an origin with what came.
    fn judge(&self, forecasts: &[Forecast], origin: &Origin) -> f64 {
        let dim = self.data.dim();
        origin.error(self.data, self.noise, &self.scale, |run, row| {
            let forecast = forecasts.iter().find(|forecast| forecast.run == run)?;
            let at = row - forecast.rows.start;
            Some(forecast.states[at * dim..(at + 1) * dim].to_vec())
        })
    }
}

/// What a fit to the past said of the rows ahead, in one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// Which run.
    pub run: usize,
    /// The rows ahead of the origin; the row before the first is the last that the fit has seen.
    pub rows: core::ops::Range<usize>,
    /// Forecast states, `[rows, dim]`.
    pub states: Vec<f64>,
}

/// What a race gave.
#[derive(Debug, Clone)]
pub struct Race {
    /// Candidates that were judged at every origin run so far, best first.
    pub entries: Vec<Entry>,
    /// Did the observer cut it short?
    pub cut: bool,
}

/// Best score first; ties by size, then by terms.
pub fn rank(entries: &mut [Entry]) {
    entries.sort_by(|a, b| {
        let by_score = a.score.mean().total_cmp(&b.score.mean());
        by_score.then(a.complexity.cmp(&b.complexity)).then_with(|| a.support.cmp(&b.support))
    });
}

/// Keeps the first `keep` entries of a sorted list, the first few of every complexity, and those that are sure of their place.
fn drop_hopeless(entries: &mut Vec<Entry>, keep: usize, sure: &BTreeSet<Support>) {
    let mut seen: BTreeMap<usize, usize> = BTreeMap::new();
    let mut rank = 0;
    entries.retain(|entry| {
        let of_this_size = seen.entry(entry.complexity).or_default();
        *of_this_size += 1;
        rank += 1;
        rank <= keep || *of_this_size <= KEEP_OF_EACH_SIZE || sure.contains(&entry.support)
    });
}

/// The vocabulary without composed formulas that are not finite where `tried` looks at them, and what that gives.
pub(crate) fn within_domains<T>(
    mut vocabulary: Vocabulary,
    tried: impl Fn(&Vocabulary) -> Result<T, DiscoverError>,
) -> Result<(Vocabulary, T), DiscoverError> {
    loop {
        match tried(&vocabulary) {
            Err(DiscoverError::Matching(SindyError::FeatureNotFinite { feature, t })) => {
                let nothing_left =
                    DiscoverError::Matching(SindyError::FeatureNotFinite { feature: feature.clone(), t });
                vocabulary = vocabulary.without(&feature).ok_or(nothing_left)?;
            }
            tried => return tried.map(|found| (vocabulary, found)),
        }
    }
}

/// Two paths through the data, one as smooth as the data allow and one that follows them more closely.
pub(crate) fn blind_paths(
    data: &Trajectories,
    vocabulary: &Vocabulary,
    noise: Noise,
) -> Result<[Matching; 2], DiscoverError> {
    let path = |stiffness| Matching::new(data, vocabulary, noise, stiffness);
    Ok([path(1.0)?, path(0.1)?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observer::Unobserved;
    use vecfield_data::Trajectory;

    /// Growth that levels off, from two starts, one run too short to be split.
    fn growth() -> Trajectories {
        let run = |start: f64, rows: usize| {
            let times: Vec<f64> = (0..rows).map(|k| 0.3 * k as f64).collect();
            let values = times.iter().map(|t| 3.0 / (1.0 + (3.0 / start - 1.0) * (-t).exp())).collect();
            Trajectory::new(times, values, vec![]).unwrap()
        };
        Trajectories::new(vec!["x".into()], vec![], vec![run(0.2, 20), run(0.5, 5), run(5.0, 16)]).unwrap()
    }

    /// The forecasts that a race keeps are those that its candidates were judged by, and those of fits that are made again.
    #[test]
    fn kept_forecasts_are_those_of_the_fits() {
        let data = growth();
        let vocabulary = Vocabulary::new(data.variables(), 2, vec![]).unwrap();
        let contest = Contest::new(&data, vocabulary, Noise::Additive).unwrap();
        let place = |key| contest.vocabulary().position(key).unwrap();
        let supports = [vec!["x", "x^2"], vec!["1", "x"], vec!["x"]];
        let supports = supports.map(|keys| Support { equations: vec![keys.into_iter().map(place).collect()] });
        let Race { entries, cut } = contest.race(supports.to_vec(), &BTreeSet::new(), &Unobserved);
        assert!(!cut && entries.len() == 3 && entries[0].support.equations[0] == [place("x"), place("x^2")]);
        for entry in entries {
            let kept = contest.forecasts(&entry);
            assert!(kept.iter().all(|forecast| forecast.run != 1 && forecast.states.len() == forecast.rows.len()));
            let again = Entry { forecasts: Vec::new(), ..entry.clone() };
            assert_eq!(contest.forecasts(&again), kept);
            assert_eq!(contest.enter(entry.support.clone(), Pulse::unobserved()).score, entry.score);
            let (origins, rest) = (contest.origins(), kept.len() % 2);
            assert_eq!((origins, rest), (4, 0), "two runs at each origin");
            for (origin, forecasts) in kept.chunks(2).enumerate() {
                let error = contest.judge(forecasts, &contest.origins[origin].0);
                assert_eq!(error, entry.score.by_origin()[origin]);
            }
        }
    }
}
