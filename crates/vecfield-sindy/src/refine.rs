//! Automatic identification: integral matching for a start, then multiple shooting on growing windows with the support chosen again each
//! time.
//!
//! Integral matching ignores the noise in its own features and is biased by it. At a fitted model the likelihood is linearised for the whole
//! library through the solver ([`crate::shooting`]); no error in variables is left there, and a support is searched by its evidence. Longer
//! windows see smaller coefficients: windows grow, and under noise they are then tied closer and closer to each other until every run is one
//! path. Other supports that come near are fitted again on the next windows, so that a term that short ones could not see comes back.

mod choose;
mod constants;
mod fit;
mod start;

use crate::constraint::Relations;
use crate::model::{Model, Refinement};
use crate::noise::difference_noise;
use crate::path::unknown_between;
use crate::progress::Pulse;
use crate::shooting::{Cut, Windows};
use crate::sindy::Terms;
use crate::{Paths, SindyError};
use fit::Fitted;
pub(crate) use start::START_WINDOWS;
use vecfield_data::Trajectories;
use vecfield_linalg::dot;

/// Price of a term beside its Occam factor, in units of `-2 log L`. Between 2 and 10 it hardly matters on the Lorenz system.
const PRICE: f64 = 5.0;
/// First windows, the next where a start leaves the data on the one before.
const FIRST_WINDOWS: [usize; 3] = [25, 12, 6];
/// Windows grow to this many samples, and under noise to so many before they are tied.
const LAST_WINDOW: usize = 200;
const LAST_TIED: usize = 100;
/// What windows that are tied may be off each other, in shares of the noise. Chaos makes as much of a gap as of the noise at a start: the last is so
/// small that gaps along a run of ten Lyapunov times stay below the noise.
const TIES: [f64; 4] = [1.0, 0.1, 0.01, 0.001];
/// Another support as likely as `exp(-AMBIGUOUS/2)` is fitted again on the next windows.
const AMBIGUOUS: f64 = 9.0;
/// Noise worth tied windows, as a share of a variable's size.
const NOISY: f64 = 1e-3;
/// The share of the noise that the integration may err by, as a root mean square.
const INTEGRATION_SHARE: f64 = 0.05;
/// The share of a variable's size that the integration of sensitivities may err by: Gauss and Newton's steps are off by as much, and the minimum
/// by as much of its standard error.
const SLOPES_SHARE: f64 = 1e-4;
/// The most coefficients whose sensitivities are carried at once; time grows with their square.
const MOST_COEFFICIENTS: usize = 1000;
/// Noise below this fraction of a variable's size is rounding of the data or of the integration.
const NOISE_FLOOR: f64 = 1e-8;
/// What is told of the work, and the shares of it that are done when starts are sought and when there are some.
const MATCHING: &str = "matching integrals";
const FITTING: &str = "fitting windows";
const TYING: &str = "tying windows";
const SMOOTHED: f64 = 0.1;
const STARTED: f64 = 0.2;

/// A library at values of constants.
pub(crate) type TermsAt<'a> = dyn Fn(&[(String, f64)]) -> Result<Terms, SindyError> + 'a;

/// What is to be identified.
#[derive(Clone, Copy)]
pub(crate) struct Task<'a> {
    pub(crate) data: &'a Trajectories,
    pub(crate) paths: &'a Paths,
    /// Relations between the coefficients; none of quotients.
    pub(crate) relations: &'a Relations,
    /// Are right-hand sides quotients `N / (1 + D)`?
    pub(crate) rational: bool,
    /// The library at values of the constants inside its features.
    pub(crate) at: &'a TermsAt<'a>,
    pub(crate) pulse: &'a Pulse<'a>,
}

/// Fits the equations of the task over a library; where its features have constants inside, these too.
pub(crate) fn refine(task: &Task, terms: Terms) -> Result<Model, SindyError> {
    let parts = task.data.dim() * (1 + usize::from(task.rational));
    if terms.selectable * parts > MOST_COEFFICIENTS {
        return Err(SindyError::TooManyFeatures { features: terms.selectable, most: MOST_COEFFICIENTS / parts });
    }
    let mut refiner = Refiner::new(*task, terms)?;
    let (state, refinement) = refiner.run()?;
    let (stderr, constants) = match refinement {
        Refinement::DidNotStart | Refinement::None => refiner.regression_errors(&state)?,
        _ => refiner.standard_errors(&state),
    };
    let terms = &refiner.terms;
    let rivals = state.rivals.into_iter();
    Ok(Model {
        coefficients: terms.without_slopes(&state.theta),
        stderr: terms.without_slopes(&stderr),
        noise: state.sigma,
        inclusion: terms.without_slopes(&state.inclusion),
        runners_up: rivals.map(|rival| Rival { theta: terms.without_slopes(&rival.theta), ..rival }).collect(),
        path: if matches!(refinement, Refinement::Shooting { .. }) { state.path } else { Vec::new() },
        refinement,
        constants,
        ..Model::empty(&terms.closed()?)
    })
}

/// A support beside the chosen one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rival {
    /// Coefficients as the linearised likelihood predicts them.
    pub(crate) theta: Vec<f64>,
    /// How much its `-2 log` evidence is above that of the chosen one.
    pub(crate) change: f64,
}

struct Refiner<'a> {
    task: Task<'a>,
    /// The library, with the constants inside its features as they are at the moment.
    terms: Terms,
    p: usize,
    /// Noise by differences, and the least believed.
    noise: Vec<f64>,
    floor: Vec<f64>,
    longest: usize,
    /// What a coefficient is measured in where it is judged: 1, or where the sizes of variables differ wildly, what makes it of order one.
    unit: Vec<f64>,
    /// The relations of coefficients in these units.
    ties: Relations,
}

/// Sizes of variables that differ by more than this are an accident of units, which must not decide on terms.
const WILD: f64 = 1e4;

/// A model with the path it was fitted along.
#[derive(Clone)]
struct State {
    /// `[d, p]` of numerators, then of denominators.
    theta: Vec<f64>,
    sigma: Vec<f64>,
    /// States at every sample of every run: where windows start.
    path: Vec<Vec<f64>>,
    /// The windows it was fitted on; of no samples before any.
    cut: Cut,
    /// The most likely other supports, and how likely each term is among them.
    rivals: Vec<Rival>,
    inclusion: Vec<f64>,
}

impl State {
    fn new(fit: Fitted, sigma: Vec<f64>, cut: Cut) -> Self {
        Self { theta: fit.theta, sigma, path: fit.path, cut, rivals: Vec::new(), inclusion: Vec::new() }
    }
}

impl<'a> Refiner<'a> {
    fn new(task: Task<'a>, terms: Terms) -> Result<Self, SindyError> {
        let data = task.data;
        // What inputs are between their samples is guessed, and no term is to make up for a wrong guess.
        let share = NOISE_FLOOR.max(unknown_between(data));
        let floor: Vec<f64> = (0..data.dim()).map(|i| (share * data.rms(i)).max(f64::MIN_POSITIVE)).collect();
        let by_differences = difference_noise(data);
        let noise = (0..data.dim())
            .map(|i| if by_differences[i] >= 0.0 { by_differences[i] } else { task.paths.noise()[i] }.max(floor[i]))
            .collect();
        let longest = data.runs().iter().map(|run| run.len()).max().unwrap_or(0);
        let unit = units(&task, &terms)?;
        let (ties, p) = (task.relations.in_units(&unit), terms.selectable);
        Ok(Self { ties, unit, task, terms, p, noise, floor, longest })
    }

    /// Mean square of the non-zero coefficients, each in its unit.
    fn prior(&self, theta: &[f64]) -> f64 {
        let scaled: Vec<f64> = theta.iter().zip(&self.unit).map(|(c, unit)| c / unit).collect();
        prior_variance(&scaled).unwrap_or(1.0)
    }

    fn dim(&self) -> usize {
        self.task.data.dim()
    }

    /// Number of coefficients, of numerators and denominators.
    fn width(&self) -> usize {
        self.dim() * self.p * (1 + usize::from(self.task.rational))
    }

    /// Which coefficients may be taken: the constant of a denominator is its 1.
    fn allowed(&self) -> Vec<bool> {
        let (terms, sums) = (&self.terms, self.dim() * self.p);
        let constant = terms.library.position("1").filter(|&k| k < self.p);
        let open = |at: usize| at < sums || constant != Some(at % self.p);
        (0..self.width()).map(|at| terms.allowed[at % sums] && open(at)).collect()
    }

    fn run(&mut self) -> Result<(State, Refinement), SindyError> {
        let path = self.smoothed_path();
        let starts = self.starts()?;
        self.task.pulse.tell(FITTING, STARTED);
        let Some((mut state, mut cut)) = self.first(&starts, &path)? else {
            let theta = starts.into_iter().next().unwrap_or_else(|| vec![0.0; self.width()]);
            let fit = Fitted { theta, path, ..Fitted::default() };
            let refinement = if self.task.pulse.is_cut() { Refinement::None } else { Refinement::DidNotStart };
            return Ok((State::new(fit, self.noise.clone(), Cut::default()), refinement));
        };
        self.polish(&mut state, cut);
        let mut done = STARTED;
        loop {
            let ahead = core::iter::successors(Some(cut), |cut| self.longer(*cut, &state.sigma)).count();
            done += (1.0 - done) / (ahead + 1) as f64;
            self.task.pulse.tell(if cut.tie.is_some() { TYING } else { FITTING }, done);
            let Some(mut next) = self.stage(&state, cut) else { break };
            let grown = |i: usize| next.sigma[i] / state.sigma[i];
            let mean = (0..self.dim()).map(|i| grown(i).powi(2)).sum::<f64>() / self.dim() as f64;
            if state.cut.len > 0 && (0..self.dim()).any(|i| grown(i) > 1.25) && mean > 1.2 {
                break; // longer windows do not fit: the model is not that good
            }
            cut = next.cut;
            self.polish(&mut next, cut);
            state = next;
            match self.longer(cut, &state.sigma) {
                Some(next) => cut = next,
                None => break,
            }
        }
        let refinement = match state.cut.len {
            0 if self.task.pulse.is_cut() => Refinement::None,
            0 => Refinement::DidNotStart,
            window => Refinement::Shooting { window, tied: state.cut.tie.is_some() },
        };
        Ok((state, refinement))
    }

    /// The windows after others: twice as long; then, under noise, tied together closer and closer.
    fn longer(&self, cut: Cut, sigma: &[f64]) -> Option<Cut> {
        let noisy = self.noisy(sigma);
        let last = if noisy { LAST_TIED } else { LAST_WINDOW };
        if cut.tie.is_none() && cut.len < last && 3 * cut.len <= 2 * self.longest {
            return Some(Cut { len: (2 * cut.len).min(last), ..cut });
        }
        let tie = TIES.into_iter().find(|tie| cut.tie.is_none_or(|before| *tie < before))?;
        let tied = Cut { tie: Some(tie), ..cut };
        (noisy && Windows::new(self.task.data, tied).ties() > 0).then_some(tied)
    }

    /// Is there noise to speak of? Without, what is left are the digits of the data and of the integration, which no window makes better.
    fn noisy(&self, sigma: &[f64]) -> bool {
        (0..self.dim()).any(|i| sigma[i] > NOISY * self.task.data.rms(i))
    }

    /// The best start that runs along the data, on the longest first windows that one runs on; where none does, on fewer and fewer terms.
    fn first(&self, starts: &[Vec<f64>], path: &[Vec<f64>]) -> Result<Option<(State, Cut)>, SindyError> {
        if let Some(found) = self.first_of(starts, path) {
            return Ok(Some(found));
        }
        if self.task.pulse.is_cut() {
            return Ok(None);
        }
        for pruned in self.pruned_starts()? {
            if let Some(found) = self.first_of(&pruned, path) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn first_of(&self, starts: &[Vec<f64>], path: &[Vec<f64>]) -> Option<(State, Cut)> {
        for len in FIRST_WINDOWS {
            let mut windows = Windows::new(self.task.data, Cut { len, ..Cut::default() });
            let mut best: Option<(f64, Fitted)> = None;
            // Starts come with rising numbers of terms; what many terms fit and few fit too needs no many.
            let mut enough = usize::MAX;
            for theta in starts {
                let terms = theta.iter().filter(|c| **c != 0.0).count();
                if terms > enough {
                    break;
                }
                let Some(mut fit) = self.fit(&windows, theta, path, &self.noise, 8) else { continue };
                // A coarse integration rewards terms that make up for its error.
                while let Some(finer) = self.finer(&windows, &fit) {
                    windows = finer;
                    let Some(finer) = self.fit_from(&windows, &fit.theta, fit.x.clone(), &self.noise, 8) else { break };
                    fit = finer;
                }
                if fit.chi2 < 2.0 * self.task.data.observed_count() as f64 {
                    enough = enough.min(2 * terms + 2);
                }
                let prior = self.prior(&fit.theta);
                let score =
                    self.objective(&windows, &fit, &self.noise, prior).unwrap_or(fit.chi2 + 2.0 * PRICE * terms as f64);
                if best.as_ref().is_none_or(|best| score < best.0) {
                    best = Some((score, fit));
                }
            }
            if let Some((_, fit)) = best {
                let cut = windows.cut;
                return Some((State::new(fit, self.noise.clone(), Cut { len: 0, ..cut }), cut));
            }
        }
        None
    }

    fn smoothed_path(&self) -> Vec<Vec<f64>> {
        let runs = self.task.data.runs().iter().enumerate();
        runs.map(|(index, run)| {
            let at = |t: &f64| self.task.paths.run(index).iter().map(|curve| curve.value(*t)).collect::<Vec<_>>();
            run.times().iter().flat_map(at).collect()
        })
        .collect()
    }
}

/// Units of the coefficients, `[d, p]` of numerators and then of denominators.
fn units(task: &Task, terms: &Terms) -> Result<Vec<f64>, SindyError> {
    let (data, p) = (task.data, terms.selectable);
    let sizes: Vec<f64> = (0..data.dim()).map(|i| data.rms(i)).collect();
    let (least, most) =
        sizes.iter().filter(|s| **s > 0.0).fold((f64::INFINITY, 0.0_f64), |(a, b), &s| (a.min(s), b.max(s)));
    let width = data.dim() * p * (1 + usize::from(task.rational));
    if most <= WILD * least {
        return Ok(vec![1.0; width]);
    }
    let (mut squares, mut values) = (vec![0.0; p], vec![0.0; terms.library.len()]);
    for (index, run) in data.runs().iter().enumerate() {
        let mut along = crate::path::Along::new(&terms.library, run, task.paths.run(index));
        for &t in run.times() {
            along.features(t, &mut values)?;
            squares.iter_mut().zip(&values).for_each(|(sum, value)| *sum += value * value);
        }
    }
    let feature = |k: usize| (squares[k] / data.row_count() as f64).sqrt().max(f64::MIN_POSITIVE);
    let sums = sizes.iter().flat_map(|&size| (0..p).map(move |k| (size, k)));
    let below = (0..width - data.dim() * p).map(|at| (1.0, at % p));
    Ok(sums.chain(below).map(|(size, k)| if size > 0.0 { size / feature(k) } else { 1.0 }).collect())
}

/// Mean square of the non-zero coefficients.
pub(crate) fn prior_variance(theta: &[f64]) -> Option<f64> {
    let count = theta.iter().filter(|c| **c != 0.0).count();
    (count > 0).then(|| (dot(theta, theta) / count as f64).max(1e-12))
}
