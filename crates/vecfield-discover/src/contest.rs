//! A fair contest: every candidate is fitted from the past alone, from the same blind starts, and judged by what it
//! forecasts.
//!
//! In-sample criteria prefer equations that bend to the noise of the process; forecasts from several origins do not. Origins
//! are run one after the other, and after each the hopeless are dropped (a race: Maron & Moore 1997), because a fit costs
//! milliseconds and there are thousands of candidates.

use crate::discovery::DiscoverError;
use crate::family::Family;
use crate::ledger::Judged;
use crate::matching::Matching;
use crate::model::Support;
use crate::observer::{Observer, Progress, Pulse};
use crate::origin::Origin;
use crate::refine::{Law, refine, refine_from};
use crate::score::{CEILING, Score};
use crate::space::is_large;
use crate::vocabulary::Vocabulary;
use core::ops::ControlFlow;
use core::sync::atomic::{AtomicUsize, Ordering};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use vecfield_adjoint::{Fit, FitOptions, Noise, Start, fit};
use vecfield_data::Trajectories;
use vecfield_sindy::SindyError;
use vecfield_solvers::tableau::TSIT5;
use vecfield_solvers::{Integrator, Method, Tolerance};
use vecfield_traits::ParametricField;

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

/// A fit is without hope when it leaves so many times the squares that the best of the laws proposed with constants leaves, and so large a
/// share of the variance, after so many steps.
const WITHOUT_HOPE: (f64, f64, usize) = (16.0, 0.002, 6);

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
                Entry { support, score: Score::new(self.cells, []), complexity }
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
            let error = |entry: &Entry| match known.get(&entry.support) {
                Some(known) => Some(known.error),
                None => Some(judged(entry)?.error),
            };
            let errors: Vec<Option<f64>> = entries.par_iter().map(error).collect();
            if errors.iter().any(Option::is_none) {
                cut = true;
                // Only a candidate judged at this origin may be compared by it; with none, the last round stands.
                if origin > 0 {
                    break;
                }
            }
            entries = entries
                .into_iter()
                .zip(errors)
                .filter_map(|(mut entry, error)| {
                    entry.score.push(error?);
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
        judged: &(impl Fn(&Entry) -> Option<Judged> + Sync),
    ) -> BTreeMap<Support, Judged> {
        if !is_large(self.data) {
            return BTreeMap::new();
        }
        let surest: Vec<&Entry> = entries.iter().filter(|entry| sure.contains(&entry.support)).collect();
        let known = |entry: &&Entry| Some((entry.support.clone(), judged(entry)?));
        let known: BTreeMap<Support, Judged> = surest.par_iter().filter_map(known).collect();
        let costs = known.values().filter_map(|judged| judged.cost);
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

    /// What the fits of `support` at each origin forecast, origin by origin and run by run; runs whose solution does not
    /// reach the rows ahead are left out.
    pub fn forecasts(&self, support: &Support) -> Vec<Forecast> {
        let Ok(family) = support.family(&self.vocabulary) else { return vec![] };
        let forecasts_at = |(origin, paths): &(Origin, [Matching; 2])| {
            let options = quick_options(support.constants(&self.vocabulary), origin.past(), self.noise, &self.scale);
            let pulse = Pulse::unobserved();
            let fit = fit_from_paths(
                &family,
                origin.past(),
                (support, &self.vocabulary),
                paths,
                self.noise,
                &options,
                Patience { pulse, hope: None },
            )?;
            let of_run = |run| {
                let states = forecast(&family, &fit, self.data, &self.scale, run, origin.ahead(run))?;
                Some(Forecast { run, rows: origin.ahead(run), states })
            };
            Some((0..self.data.runs().len()).filter_map(of_run).collect::<Vec<_>>())
        };
        self.origins.par_iter().filter_map(forecasts_at).flatten().collect()
    }

    /// Runs one support through every origin.
    pub fn enter(&self, support: Support, pulse: Pulse<'_>) -> Entry {
        let origins = 0..self.origins.len();
        let errors: Vec<f64> = origins.map(|origin| self.forecast(&support, origin, pulse).error).collect();
        let complexity = support.complexity(&self.vocabulary);
        Entry { score: Score::new(self.cells, errors), complexity, support }
    }

    /// What came of `support` at origin number `origin`, worked out unless it is known.
    fn forecast(&self, support: &Support, origin: usize, pulse: Pulse<'_>) -> Judged {
        let make = || self.forecast_anew(support, origin, pulse);
        match pulse.ledger() {
            Some(ledger) => ledger.judged(self.name_of(support, origin), make, || pulse.goes_on()),
            None => make(),
        }
    }

    /// What a ledger knows a forecast by.
    fn name_of(&self, support: &Support, origin: usize) -> String {
        let key = |&k: &usize| self.vocabulary.features()[k].key();
        let equation = |set: &Vec<usize>| set.iter().map(key).collect::<Vec<_>>().join(", ");
        let equations: Vec<String> = support.equations.iter().map(equation).collect();
        format!("{} {origin} of {}: {}", self.noise.name(), self.vocabulary.len(), equations.join("; "))
    }

    /// Fits `support` from the past of origin number `origin` and judges it by its forecast.
    fn forecast_anew(&self, support: &Support, origin: usize, pulse: Pulse<'_>) -> Judged {
        let hope = self.hopes.past[origin].get().copied();
        let (origin, paths) = &self.origins[origin];
        let failed = Judged { error: CEILING, cost: None };
        let Ok(family) = support.family(&self.vocabulary) else { return failed };
        let options = quick_options(support.constants(&self.vocabulary), origin.past(), self.noise, &self.scale);
        let candidate = (support, &self.vocabulary);
        match fit_from_paths(&family, origin.past(), candidate, paths, self.noise, &options, Patience { pulse, hope }) {
            Some(fit) => Judged { error: self.judge(&family, &fit, origin), cost: Some(fit.cost) },
            None => failed,
        }
    }

    /// Integrates a fit beyond its origin and compares.
    fn judge(&self, family: &Family, fit: &Fit, origin: &Origin) -> f64 {
        let forecasts: Vec<Option<Vec<f64>>> = (0..self.data.runs().len())
            .map(|run| forecast(family, fit, self.data, &self.scale, run, origin.ahead(run)))
            .collect();
        let dim = self.data.dim();
        origin.error(self.data, self.noise, &self.scale, |run, row| {
            let states = forecasts[run].as_ref()?;
            let at = row - origin.ahead(run).start;
            Some(states[at * dim..(at + 1) * dim].to_vec())
        })
    }
}

/// The cost above which fits to `data` are without hope, where the best leaves `least`.
fn bound(least: f64, data: &Trajectories) -> f64 {
    let (times, share, _) = WITHOUT_HOPE;
    (times * least).max(share * data.observed_count() as f64)
}

/// When a fit is given up: when it is told to stop, or costs more than this after a few steps.
#[derive(Clone, Copy)]
pub(crate) struct Patience<'a> {
    pub(crate) pulse: Pulse<'a>,
    pub(crate) hope: Option<f64>,
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

/// The unit of each variable's errors: its standard deviation, or its size where it never changes.
pub(crate) fn scales(data: &Trajectories) -> Vec<f64> {
    (0..data.dim())
        .map(|variable| {
            let std = data.std(variable);
            if std > 0.0 { std } else { data.rms(variable).max(1.0) }
        })
        .collect()
}

/// Window lengths of a fit: the run in thirds, then whole; long runs grow from 25 rows and stay bounded, since a chaotic
/// system forgets its start.
pub(crate) fn window_lengths(data: &Trajectories) -> Vec<usize> {
    let longest = data.runs().iter().map(vecfield_data::Trajectory::len).max().unwrap_or(0);
    if longest <= 60 { vec![longest.div_ceil(3), usize::MAX] } else { vec![25, 50, 100, 200] }
}

/// Options of a contest fit: digits enough to rank, no more.
pub(crate) fn quick_options(constants: usize, data: &Trajectories, noise: Noise, scale: &[f64]) -> FitOptions {
    let sigma = if noise == Noise::Additive { scale.to_vec() } else { vec![1.0; scale.len()] };
    FitOptions {
        estimate_sigma: false,
        // The starts are matched already, with more care.
        match_first: false,
        windows: window_lengths(data),
        method: Method::Explicit(&TSIT5),
        solver: solver_options(scale, 1e-4, data.row_count()),
        optimizer: rough(40),
        ..FitOptions::new(data.dim(), constants, noise, sigma)
    }
}

/// A minimum to as many digits as rank candidates.
pub(crate) fn rough(iterations: usize) -> vecfield_optim::Options {
    vecfield_optim::Options {
        iterations,
        cost_tolerance: 1e-4,
        step_tolerance: 1e-5,
        gradient_tolerance: 1e-5,
        ..Default::default()
    }
}

/// Steps a fit may take between two measurements: a candidate that needs more is stiff or about to blow up, and no law is
/// read from so few data.
const STEPS_PER_ROW: u64 = 30;

/// Integration of a fit: explicit, errors relative to each variable's own scale.
pub(crate) fn solver_options(scale: &[f64], rtol: f64, rows: usize) -> vecfield_solvers::Options<f64> {
    vecfield_solvers::Options {
        rtol,
        atol: Tolerance::Each(scale.iter().map(|s| 0.1 * rtol * s).collect()),
        max_steps: 200 + STEPS_PER_ROW * rows as u64,
        ..Default::default()
    }
}

/// Two costs closer than this are the same minimum.
const SAME_MINIMUM: f64 = 0.01;

/// The best of the fits from the blind starts: each path, with whole runs at once and with short windows first.
///
/// Local minima decide a contest, so a single start is never trusted; but when the two most different starts end in one
/// minimum, the other two are left out.
pub(crate) fn fit_from_paths(
    family: &Family,
    data: &Trajectories,
    (support, vocabulary): (&Support, &Vocabulary),
    paths: &[Matching; 2],
    noise: Noise,
    options: &FitOptions,
    patience: Patience<'_>,
) -> Option<Fit> {
    let whole = FitOptions { windows: whole_runs(options), ..options.clone() };
    let from = |path: &Matching, options: &FitOptions| {
        fit_from(family, data, path.start(support, vocabulary)?, path, noise, options, patience)
    };
    let [smooth, close] = paths;
    let (a, b) = (from(smooth, &whole), from(close, options));
    if let (Some(a), Some(b)) = (&a, &b) {
        let agree = a.windows.len() == b.windows.len() && (a.cost - b.cost).abs() <= SAME_MINIMUM * a.cost.min(b.cost);
        if agree {
            return Some(if a.cost <= b.cost { a.clone() } else { b.clone() });
        }
    }
    // Fits that stopped at different window lengths have different numbers of free starts: fewer windows win.
    let (c, d) =
        if whole.windows == options.windows { (None, None) } else { (from(close, &whole), from(smooth, options)) };
    [a, b, c, d]
        .into_iter()
        .flatten()
        .min_by(|a, b| a.windows.len().cmp(&b.windows.len()).then(a.cost.total_cmp(&b.cost)))
}

/// A fit from constants and the states of a smoothed path.
pub(crate) fn fit_from(
    family: &Family,
    data: &Trajectories,
    theta: Vec<f64>,
    path: &Matching,
    noise: Noise,
    options: &FitOptions,
    patience: Patience<'_>,
) -> Option<Fit> {
    let state = guesses(path, noise);
    let theta = family.thetas(&theta, data.runs().len());
    fit(family, data, &Start { theta, state: &state }, options, &mut |progress| {
        let Patience { pulse, hope } = patience;
        let hopeless = hope.is_some_and(|hope| progress.iteration >= WITHOUT_HOPE.2 && progress.cost > hope);
        if hopeless { ControlFlow::Break(()) } else { pulse.flow() }
    })
    .ok()
}

/// States of a smoothed path, for a fit to start from: positive ones, where measurements scatter by factors.
pub(crate) fn guesses(path: &Matching, noise: Noise) -> impl Fn(usize, usize, &mut [f64]) {
    move |run, row, out| {
        for (out, &value) in out.iter_mut().zip(path.state(run, row)) {
            *out = if noise == Noise::Multiplicative { value.max(f64::MIN_POSITIVE) } else { value };
        }
    }
}

/// The windows of a fit that takes whole runs at once; long runs are never taken whole, and grow their windows again.
fn whole_runs(options: &FitOptions) -> Vec<usize> {
    match options.windows.last() {
        Some(&usize::MAX) => vec![usize::MAX],
        _ => options.windows.clone(),
    }
}

/// States at `rows` of `run`, integrated from the start of the run's last window; `None` when the solution does not reach
/// them.
pub(crate) fn forecast(
    family: &Family,
    fit: &Fit,
    data: &Trajectories,
    scale: &[f64],
    run: usize,
    rows: core::ops::Range<usize>,
) -> Option<Vec<f64>> {
    let dim = data.dim();
    let last = fit.windows.iter().rposition(|window| window.run == run)?;
    let from = fit.windows[last].rows.start;
    let times = data.runs()[run].times();
    let field = ParametricField::<f64>::at(family, fit.theta_of(run).to_vec());
    let options = solver_options(scale, 1e-6, 4 * data.row_count());
    let mut out = vec![0.0; rows.len() * dim];
    let start = &fit.starts[last * dim..(last + 1) * dim];
    let mut integrator = Integrator::explicit(&TSIT5, dim, &options).ok()?;
    integrator.sample(&field, times[from], start, &times[rows], &mut out).ok()?;
    Some(out)
}
