//! Where shooting starts: integral matching on windows of a few lengths.

use super::{MATCHING, PRICE, Refiner, SMOOTHED, STARTED, State, prior_variance};
use crate::SindyError;
use crate::constants::Projection;
use crate::model::Constant;
use crate::regression::{GramSystem, integral, rational_integral, solve_on};
use crate::sparse::{best_small_supports, evidence_search};

/// Price where there is no prior variance yet.
const START_PRICE: f64 = 13.0;
pub(crate) const START_WINDOWS: [usize; 3] = [15, 30, 60];
/// Small supports of an equation that are looked at one by one: of sums, of quotients.
const MOST_SMALL: [usize; 2] = [10_000, 100_000];
const RATIONAL_STARTS: usize = 4;
/// Noise that is assumed at least, in shares of a variable's size: with hardly any, the errors of the smoothed path count as signals, and
/// supports of dozens of terms make up for them.
const ASSUMED: [f64; 3] = [0.0, 1e-3, 1e-2];
/// Factors on the prices where no start runs.
const PRUNING: [f64; 4] = [8.0, 64.0, 512.0, 4096.0];

impl Refiner<'_> {
    /// A start for each length of window; for quotients, also the sums among them.
    pub(super) fn starts(&self) -> Result<Vec<Vec<f64>>, SindyError> {
        self.starts_at(1.0)
    }

    /// Starts of fewer and fewer terms.
    pub(super) fn pruned_starts(&self) -> Result<Vec<Vec<Vec<f64>>>, SindyError> {
        PRUNING.iter().map(|&factor| self.starts_at(factor)).collect()
    }

    fn starts_at(&self, factor: f64) -> Result<Vec<Vec<f64>>, SindyError> {
        let mut starts = Vec::new();
        let lengths = self.start_lengths();
        let kinds: Vec<(usize, f64)> = lengths.iter().flat_map(|&len| ASSUMED.map(|share| (len, share))).collect();
        for (k, &(len, share)) in kinds.iter().enumerate() {
            let begun = k as f64 / kinds.len() as f64;
            // A fit that is cut short answers with the first.
            if !self.task.pulse.tell(MATCHING, SMOOTHED + (STARTED - SMOOTHED) * begun) && k > 0 {
                break;
            }
            if self.task.rational {
                starts.extend(self.start(len, factor, share, true)?);
            }
            starts.extend(self.start(len, factor, share, false)?);
        }
        let mut distinct: Vec<Vec<f64>> = Vec::new();
        for start in starts {
            // Their coefficients are fitted again anyway.
            let alike = |other: &Vec<f64>| other.iter().zip(&start).all(|(a, b)| (*a != 0.0) == (*b != 0.0));
            if !distinct.iter().any(alike) {
                distinct.push(start);
            }
        }
        distinct.sort_by_key(|theta| theta.iter().filter(|c| **c != 0.0).count());
        Ok(distinct)
    }

    fn start_lengths(&self) -> Vec<usize> {
        let fitting: Vec<usize> = START_WINDOWS.into_iter().filter(|len| 3 * len <= self.longest).collect();
        // Of short runs whole ones too: they have nothing to lose.
        let whole = (self.longest < 3 * START_WINDOWS[2]).then_some(self.longest);
        fitting.into_iter().chain(whole).collect()
    }

    /// Integral matching on windows of `len` samples: the likeliest support of each equation; of quotients the next ones too, since what is
    /// left of their noise is not white.
    fn start(&self, len: usize, factor: f64, share: f64, rational: bool) -> Result<Vec<Vec<f64>>, SindyError> {
        let (d, p) = (self.dim(), self.p);
        if !self.ties.is_empty() {
            return self.tied_start(len, factor, share);
        }
        let allowed = self.allowed();
        let mut starts = vec![vec![0.0; self.width()]; if rational { RATIONAL_STARTS } else { 1 }];
        for (equation, system) in self.systems(len, rational)?.iter().enumerate() {
            let place = |k: usize| if k < p { equation * p + k } else { d * p + equation * p + k - p };
            let open: Vec<bool> = (0..system.len()).map(|k| allowed[place(k)]).collect();
            let found = self.start_equation(system, equation, &open, factor, share);
            for (rank, theta) in starts.iter_mut().enumerate() {
                let Some(found) = found.get(rank).or(found.last()) else { continue };
                theta[equation * p..(equation + 1) * p].copy_from_slice(&found[..p]);
                if rational {
                    theta[(d + equation) * p..(d + equation + 1) * p].copy_from_slice(&found[p..]);
                }
            }
        }
        Ok(starts)
    }

    /// Integral matching of all equations together, under the relations of their coefficients.
    fn tied_start(&self, len: usize, factor: f64, share: f64) -> Result<Vec<Vec<f64>>, SindyError> {
        let (p, n) = (self.p, self.width());
        let (mut m, mut h) = (vec![0.0; n * n], vec![0.0; n]);
        for (equation, system) in self.systems(len, false)?.iter().enumerate() {
            let variance = self.variance(system, &self.terms.places(equation), equation, share);
            let unit = &self.unit[equation * p..(equation + 1) * p];
            for i in 0..p {
                let row = equation * p + i;
                h[row] = system.rhs[i] * unit[i] / variance;
                (0..p).for_each(|j| {
                    m[row * n + equation * p + j] = system.gram[i * p + j] * unit[i] * unit[j] / variance
                });
            }
        }
        let allowed = self.allowed();
        let Some(tied) = self.tied(&m, &h, &allowed) else { return Ok(Vec::new()) };
        if !self.ties.feasible(n) {
            return Err(SindyError::Contradiction);
        }
        let mut support = tied.search(&vec![false; n], factor * START_PRICE, None).0;
        for _ in 0..3 {
            let Some(prior) = tied.solve(&support).and_then(|minimum| prior_variance(&minimum.theta)) else { break };
            support = tied.search(&support, factor * PRICE, Some(prior)).0;
        }
        let solved = tied.solve(&support).map(|minimum| minimum.theta);
        Ok(solved.map(|theta| theta.iter().zip(&self.unit).map(|(c, unit)| c * unit).collect()).into_iter().collect())
    }

    /// The noise of a regression: what it leaves with every feature in that it may have, and no less than the noise of the data.
    fn variance(&self, system: &GramSystem, places: &[usize], equation: usize, share: f64) -> f64 {
        let freedom = (system.rows as f64 - places.len() as f64).max(10.0);
        let noise = self.noise[equation].max(share * self.task.data.rms(equation));
        (system.on(places).dense_rss() / freedom).max(noise.powi(2)).max(f64::MIN_POSITIVE)
    }

    /// The regressions of each equation, known parts subtracted: `p` features, or `2p` for a quotient.
    fn systems(&self, len: usize, rational: bool) -> Result<Vec<GramSystem>, SindyError> {
        let (task, terms) = (&self.task, &self.terms);
        let (p, mut result) = (self.p, Vec::new());
        let systems = if rational {
            rational_integral(task.data, task.paths, &terms.library, p, &terms.known, len)?
        } else {
            integral(task.data, task.paths, &terms.library, len)?
        };
        for (equation, system) in systems.into_iter().enumerate() {
            let of_equation = terms.known.iter().filter(|part| part.0 == equation);
            let fixed: Vec<usize> = of_equation.map(|part| part.1 + if rational { p } else { 0 }).collect();
            let system = system.reduced(if rational { 2 * p } else { p }, &fixed);
            let measured = task.data.observed(equation).count().saturating_sub(task.data.runs().len());
            let places = terms.places(equation);
            if measured <= places.len() {
                return Err(SindyError::MoreFeaturesThanRows { features: places.len(), rows: measured });
            }
            if !rational {
                let name = |k: usize| terms.library.features()[places[k]].key().to_string();
                system.on(&places).check_pairs_of(&name)?;
            }
            result.push(system);
        }
        Ok(result)
    }

    /// Coefficients of an equation's supports, the likeliest first.
    fn start_equation(
        &self,
        system: &GramSystem,
        equation: usize,
        allowed: &[bool],
        factor: f64,
        share: f64,
    ) -> Vec<Vec<f64>> {
        let p = system.len();
        let candidates: Vec<usize> = (0..p).filter(|&k| allowed[k]).collect();
        let variance = self.variance(system, &candidates, equation, share);
        let sums = self.dim() * self.p;
        let unit = |k: usize| {
            self.unit[if k < self.p { equation * self.p + k } else { sums + equation * self.p + k - self.p }]
        };
        let m: Vec<f64> =
            system.gram.iter().enumerate().map(|(at, g)| g * (unit(at / p) * unit(at % p) / variance)).collect();
        let h: Vec<f64> = system.rhs.iter().enumerate().map(|(k, h)| h * (unit(k) / variance)).collect();
        let flags = |features: &[usize]| (0..p).map(|k| features.contains(&k)).collect::<Vec<bool>>();
        let small = best_small_supports(&m, &h, &[], &candidates, MOST_SMALL[usize::from(self.task.rational)]);
        // From everything down is the slowest way, and the one that keeps too much.
        let full = (share == 0.0).then(|| allowed.to_vec());
        let seeds = std::iter::once(vec![false; p]).chain(full).chain(small.iter().map(|small| flags(&small.features)));
        let mut ranked: Vec<(f64, Vec<bool>)> = Vec::new();
        for seed in seeds {
            let mut found = evidence_search(&m, &h, &seed, allowed, factor * START_PRICE, None);
            for _ in 0..3 {
                let Some(theta) = solve_on(&m, &h, &found.support) else { break };
                let Some(prior) = prior_variance(&theta) else { break };
                found = evidence_search(&m, &h, &found.support, allowed, factor * PRICE, Some(prior));
            }
            if !ranked.iter().any(|(_, support)| *support == found.support) {
                ranked.push((found.score, found.support));
            }
        }
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
        let in_units = |theta: Vec<f64>| theta.iter().enumerate().map(|(k, c)| c * unit(k)).collect();
        ranked.iter().filter_map(|(_, support)| solve_on(&m, &h, support)).map(in_units).collect()
    }

    /// The standard errors of integral matching, for equations that could not be fitted through the solver.
    pub(super) fn regression_errors(&self, state: &State) -> Result<(Vec<f64>, Vec<Constant>), SindyError> {
        let (p, mut errors) = (self.p, Vec::new());
        let systems = self.systems(self.start_lengths()[0], false)?;
        if let Some(projection) = Projection::new(&systems, &self.terms, &state.theta) {
            let errors = projection.errors();
            return Ok((errors.coefficients, errors.constants));
        }
        for (equation, system) in systems.iter().enumerate() {
            errors.extend(system.standard_errors(&state.theta[equation * p..(equation + 1) * p])?);
        }
        errors.resize(self.width(), f64::NAN);
        Ok((errors, Vec::new()))
    }
}
