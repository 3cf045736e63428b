//! The support chosen again at every length of windows.

use super::fit::Fitted;
use super::{AMBIGUOUS, PRICE, Refiner, Rival, State};
use crate::regression::solve_on;
use crate::shooting::{Columns, Cut, Linearised, Shooting, Windows};
use crate::sparse::{
    Constrained, Evidence, Neighbour, best_small_supports, evidence, evidence_search, inclusion, neighbours,
};
use vecfield_linalg::dot;

const ROUNDS: usize = 4;
/// Of Levenberg–Marquardt; most fits need a few.
const ITERATIONS: usize = 40;
/// The most supports that are carried to the next length of windows, and that are reported.
const MOST_RIVALS: usize = 6;
/// Likelier neighbours that are tried in a round after the likeliest support.
const MOST_NEAR: usize = 3;
/// Supports that are tried in a round.
const MOST_PROPOSALS: usize = 8;
/// What the rounding of `θᵀMθ` may be worth at most in units of `-2 log L`, far below the price of a term. Where data are nearly free of noise it
/// would be worth dozens.
const ROUNDING: f64 = 0.1;
/// Small supports of an equation that are looked at one by one.
const MOST_SMALL: usize = 50_000;

/// The likelihood of the whole library, linearised at a fit: `-2 log L = const + θᵀMθ - 2 hᵀθ`, each coefficient in its unit.
struct Quadratic {
    linear: Linearised,
    h: Vec<f64>,
    prior: f64,
    /// The noise that the likelihood is in units of: what the fit leaves, or as much more as keeps [`ROUNDING`] small.
    sigma: Vec<f64>,
}

impl Refiner<'_> {
    /// Fit, re-select and fit again on other windows.
    pub(super) fn stage(&mut self, state: &State, cut: Cut) -> Option<State> {
        let mut windows = Windows::new(self.task.data, cut);
        let mut fit = self.fit_rivals(&windows, state)?;
        let mut sigma = self.noise_of(&windows, &fit);
        // Where the noise is small the error of the integration must be smaller still, or terms are chosen to make up for it.
        while let Some(finer) = self.finer(&windows, &fit) {
            windows = finer;
            fit = self.fit_from(&windows, &fit.theta, fit.x, &sigma, ITERATIONS)?;
            sigma = self.noise_of(&windows, &fit);
        }
        fit = self.fit_from(&windows, &fit.theta, fit.x, &sigma, ITERATIONS)?;
        let mut seen: Vec<Vec<bool>> = Vec::new();
        let mut last = None;
        for _ in 0..ROUNDS {
            if self.task.pulse.is_cut() {
                break;
            }
            last = self.quadratic(&windows, &fit);
            let Some(quadratic) = &last else { break };
            let current = fit.support();
            let proposals = self.propose(quadratic, &current);
            seen.push(current);
            let fresh = proposals.into_iter().filter(|(support, _)| !seen.contains(support)).collect::<Vec<_>>();
            let better = fresh
                .iter()
                .find_map(|(support, predicted)| self.try_support(&windows, &fit, support, predicted, quadratic));
            seen.extend(fresh.into_iter().map(|(support, _)| support));
            match better {
                Some(next) => {
                    fit = next;
                    last = None;
                }
                None => break,
            }
        }
        let sigma = self.noise_of(&windows, &fit);
        let last = last.or_else(|| self.quadratic(&windows, &fit));
        let support = fit.support();
        let mut state = State::new(fit, sigma, windows.cut);
        if let Some(quadratic) = last {
            self.weigh(&quadratic, &support, &mut state);
        }
        Some(state)
    }

    /// The best fit among the state's support and those that come near it.
    fn fit_rivals(&self, windows: &Windows, state: &State) -> Option<Fitted> {
        let near = state.rivals.iter().filter(|rival| rival.change < AMBIGUOUS).map(|rival| &rival.theta);
        let mut fits: Vec<Fitted> = std::iter::once(&state.theta)
            .chain(near)
            .filter_map(|theta| self.fit(windows, theta, &state.path, &state.sigma, ITERATIONS))
            .collect();
        if fits.len() < 2 {
            return fits.pop();
        }
        let prior = self.prior(&state.theta);
        let scores: Vec<f64> =
            fits.iter().map(|fit| self.objective(windows, fit, &state.sigma, prior).unwrap_or(f64::INFINITY)).collect();
        let best = (0..fits.len()).min_by(|&a, &b| scores[a].total_cmp(&scores[b]))?;
        Some(fits.swap_remove(best))
    }

    fn quadratic(&self, windows: &Windows, fit: &Fitted) -> Option<Quadratic> {
        let columns = Columns::All { features: self.p, denominators: self.task.rational };
        let mut sigma = self.noise_of(windows, fit);
        let mut linear = Shooting::new(self.model(&fit.theta), windows, &sigma).linearised(&fit.x, columns).ok()?;
        let (count, unit) = (linear.g.len(), &self.unit);
        let mut product: Vec<f64> = linear.m.chunks_exact(count).map(|row| dot(row, &fit.theta)).collect();
        let share = f64::EPSILON * dot(&product, &fit.theta) / ROUNDING;
        if share > 1.0 {
            sigma.iter_mut().for_each(|sigma| *sigma *= share.sqrt());
            [&mut linear.m, &mut linear.g, &mut product].into_iter().flatten().for_each(|part| *part /= share);
        }
        let mut h: Vec<f64> = (0..count).map(|i| unit[i] * (linear.g[i] + product[i])).collect();
        linear.m.iter_mut().enumerate().for_each(|(at, m)| *m *= unit[at / count] * unit[at % count]);
        self.without_constants(&mut linear.m, &mut h, &fit.theta);
        Some(Quadratic { h, linear, prior: self.prior(&fit.theta), sigma })
    }

    /// The coefficients of a support, in the units of the table.
    fn solve(&self, quadratic: &Quadratic, support: &[bool]) -> Option<Vec<f64>> {
        let Quadratic { linear, h, .. } = quadratic;
        let mut theta = match self.tied(&linear.m, h, support) {
            Some(tied) => tied.solve(support)?.theta,
            None => solve_on(&linear.m, h, support)?,
        };
        theta.iter_mut().zip(&self.unit).for_each(|(c, unit)| *c *= unit);
        Some(theta)
    }

    /// The likelihood under the relations, where there are some.
    pub(super) fn tied<'t>(&'t self, m: &'t [f64], h: &'t [f64], allowed: &'t [bool]) -> Option<Constrained<'t>> {
        (!self.ties.is_empty()).then_some(Constrained { m, h, relations: &self.ties, allowed })
    }

    fn near(&self, m: &[f64], h: &[f64], support: &[bool], prior: f64) -> Vec<Neighbour> {
        let allowed = self.allowed();
        match self.tied(m, h, &allowed) {
            Some(tied) => tied.others(support, PRICE, prior),
            None => neighbours(m, h, support, &allowed, PRICE, prior),
        }
    }

    /// Supports that are to be tried in turn, with their linear predictions; none when the current one is the best.
    ///
    /// Of sums the likelihood is nearly quadratic, and there is one. Quotients are far from linear: a prediction with many terms is often an
    /// illusion, so that the likelier ones are tried from the smallest on. Under noise the likelihood of long windows is not quadratic either:
    /// likelier neighbours come after the likeliest support.
    fn propose(&self, quadratic: &Quadratic, current: &[bool]) -> Vec<(Vec<bool>, Vec<f64>)> {
        let Quadratic { linear, h, prior, .. } = quadratic;
        let m = &linear.m;
        let allowed = self.allowed();
        let search = |start: &[bool]| match self.tied(m, h, &allowed) {
            Some(tied) => {
                let (support, score) = tied.search(start, PRICE, Some(*prior));
                Evidence { support, score }
            }
            None => evidence_search(m, h, start, &allowed, PRICE, Some(*prior)),
        };
        // Single moves from a crowded support may not reach a sparse one; growing from nothing does.
        let (kept, grown) = (search(current), search(&vec![false; current.len()]));
        let mut found = vec![if grown.score < kept.score { grown } else { kept }];
        if self.task.rational {
            let score = |support: &[bool]| evidence(m, h, support, PRICE, Some(*prior));
            let now = score(current);
            let small = self.small_seeds(quadratic, current, &allowed).into_iter();
            found.extend(
                small.map(|support| Evidence { score: score(&support), support }).filter(|other| other.score < now),
            );
            found.sort_by_key(|found| found.support.iter().filter(|inside| **inside).count());
            found.truncate(MOST_PROPOSALS);
        }
        found.extend(
            self.near(m, h, current, *prior)
                .into_iter()
                .take_while(|near| near.change < 0.0)
                .map(|near| Evidence { support: near.support, score: near.change })
                .take(if self.task.rational || !self.noisy(&quadratic.sigma) { 0 } else { MOST_NEAR }),
        );
        let predicted = |found: Evidence| Some((self.solve(quadratic, &found.support)?, found.support));
        found.into_iter().filter_map(predicted).map(|(theta, support)| (support, theta)).collect()
    }

    /// The support with that of one equation replaced by its best small ones: numerator and denominator may have a common factor, which no
    /// single move takes out.
    fn small_seeds(&self, quadratic: &Quadratic, current: &[bool], allowed: &[bool]) -> Vec<Vec<bool>> {
        let (d, p) = (self.dim(), self.p);
        let mut seeds = Vec::new();
        for equation in 0..d {
            let own = |at: &usize| at / p % d == equation;
            let all = 0..current.len();
            let always: Vec<usize> = all.clone().filter(|at| current[*at] && !own(at)).collect();
            let candidates: Vec<usize> = all.filter(|at| allowed[*at] && own(at)).collect();
            for small in best_small_supports(&quadratic.linear.m, &quadratic.h, &always, &candidates, MOST_SMALL) {
                let mut seed: Vec<bool> = (0..current.len()).map(|at| current[at] && !own(&at)).collect();
                small.features.iter().for_each(|&at| seed[at] = true);
                seeds.push(seed);
            }
        }
        seeds
    }

    /// Fits a proposed support from three starts; the first whose objective is below that of `fit`. Constants inside its features move along.
    fn try_support(
        &mut self,
        windows: &Windows,
        fit: &Fitted,
        support: &[bool],
        predicted: &[f64],
        quadratic: &Quadratic,
    ) -> Option<Fitted> {
        let (d, prior, sigma) = (self.dim(), quadratic.prior, &quadratic.sigma);
        let before = self.objective(windows, fit, sigma, prior)?;
        let chi2 = fit.misfit(sigma);
        // A term that starts at zero must still count as one.
        let placed = |at: usize, value: f64| {
            if !support[at] {
                0.0
            } else if value == 0.0 {
                1e-12 * predicted[at].abs().max(1e-6)
            } else {
                value
            }
        };
        for share in [1.0, 0.0, 0.5] {
            let theta: Vec<f64> = (0..predicted.len())
                .map(|at| placed(at, share * predicted[at] + (1.0 - share) * fit.theta[at]))
                .collect();
            // The initial states answer to the coefficients: over long windows the old ones would lead far away. Quotients are too far from
            // linear for that.
            let change: Vec<f64> = theta.iter().zip(&fit.theta).map(|(new, old)| new - old).collect();
            let mut starts = fit.x[fit.x.len() - d * windows.windows.len()..].to_vec();
            if !self.task.rational {
                quadratic.linear.move_starts(&change, &mut starts);
            }
            let x = theta.iter().copied().filter(|c| *c != 0.0).chain(starts).collect();
            let Some(next) = self.fit_from(windows, &theta, x, sigma, ITERATIONS) else { continue };
            let constants = self.terms.constants.clone();
            let next = self.polished(windows, next, sigma);
            if next.chi2 < chi2 + 200.0 + 0.2 * chi2
                && self.objective(windows, &next, sigma, prior).is_some_and(|after| after < before)
            {
                return Some(next);
            }
            self.put_back(constants);
        }
        None
    }

    /// The rivals of a support, and the share of the evidence that has each term: over the support and all that one move makes of it.
    fn weigh(&self, quadratic: &Quadratic, support: &[bool], state: &mut State) {
        let Quadratic { linear, h, prior, .. } = quadratic;
        let m = &linear.m;
        let near = self.near(m, h, support, *prior);
        state.inclusion = inclusion(support, &near);
        state.rivals = near
            .iter()
            .take(MOST_RIVALS)
            .filter_map(|rival| Some(Rival { theta: self.solve(quadratic, &rival.support)?, change: rival.change }))
            .collect();
    }
}
