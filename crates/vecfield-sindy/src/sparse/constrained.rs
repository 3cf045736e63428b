//! Supports under linear relations between coefficients: of all equations together, since relations may tie them.
//!
//! A support is worth what its free directions are: with `θ_A = θ₀ + N z` the evidence of [`evidence`](super::evidence) is that of `z`.
//! Coefficients that equalities tie come and go together.

use crate::constraint::{Minimum, Relations};
use crate::regression::Equilibrated;
use crate::sparse::{Neighbour, Penalty};

/// The most coefficients of all equations together.
pub(crate) const MOST_JOINT: usize = 600;
const MOST_MOVES: usize = 200;
const ROUNDS: usize = 20;
const SR3_ROUNDS: usize = 1000;
const TOLERANCE: f64 = 1e-10;
/// The largest product of moves that swaps are made of.
const MOST_SWAPS: usize = 20_000;

/// A quadratic likelihood `θᵀMθ - 2hᵀθ` under relations.
pub(crate) struct Constrained<'a> {
    pub(crate) m: &'a [f64],
    pub(crate) h: &'a [f64],
    pub(crate) relations: &'a Relations,
    pub(crate) allowed: &'a [bool],
}

impl Constrained<'_> {
    /// The best coefficients of a support; `None` where the relations cannot hold on it.
    pub(crate) fn solve(&self, support: &[bool]) -> Option<Minimum> {
        self.solve_with(support, 0.0)
    }

    fn solve_with(&self, support: &[bool], ridge: f64) -> Option<Minimum> {
        let places: Vec<usize> = (0..support.len()).filter(|&i| support[i]).collect();
        self.relations.minimum(self.m, self.h, &places, ridge)
    }

    /// The score of a support, less is better: `c f + log det(I + s² NᵀMN) + θᵀMθ - 2hᵀθ + |z|²/s²` with `f` free directions.
    pub(crate) fn evidence(&self, support: &[bool], price: f64, prior: Option<f64>) -> f64 {
        let ridge = prior.map_or(0.0, |variance| 1.0 / variance);
        let Some(minimum) = self.solve_with(support, ridge) else { return f64::INFINITY };
        let f = minimum.flat.free;
        let determinant = prior.map_or(Some(0.0), |variance| {
            let places: Vec<usize> = (0..support.len()).filter(|&i| support[i]).collect();
            let n = self.h.len();
            let own: Vec<f64> = places.iter().flat_map(|&i| places.iter().map(move |&j| self.m[i * n + j])).collect();
            let mut reduced = minimum.flat.reduce(&own);
            (0..f).for_each(|a| reduced[a * f + a] += ridge);
            Some(Equilibrated::new(&reduced, f)?.log_det() + f as f64 * variance.ln())
        });
        determinant.map_or(f64::INFINITY, |determinant| price * f as f64 + determinant + minimum.value)
    }

    /// The best support reached from `start` by single moves, and its score.
    pub(crate) fn search(&self, start: &[bool], price: f64, prior: Option<f64>) -> (Vec<bool>, f64) {
        let mut support = self.whole(start);
        let mut score = self.evidence(&support, price, prior);
        if !score.is_finite() {
            self.relations.required().for_each(|k| support[k] = true);
            score = self.evidence(&support, price, prior);
        }
        for _ in 0..MOST_MOVES {
            let best_of = |moves: Vec<Vec<bool>>| {
                let scored = moves.into_iter().map(|other| (self.evidence(&other, price, prior), other));
                scored.min_by(|a, b| a.0.total_cmp(&b.0)).filter(|best| best.0 < score - 1e-9)
            };
            let better = best_of(self.singles(&support)).or_else(|| best_of(self.swaps(&support)));
            let Some(better) = better else { break };
            (score, support) = better;
        }
        (support, score)
    }

    /// The supports that one move makes of another, the likeliest first.
    pub(crate) fn others(&self, support: &[bool], price: f64, prior: f64) -> Vec<Neighbour> {
        let now = self.evidence(support, price, Some(prior));
        let moves = self.singles(support).into_iter().chain(self.swaps(support));
        let mut others: Vec<Neighbour> = moves
            .map(|support| Neighbour { change: self.evidence(&support, price, Some(prior)) - now, support })
            .filter(|other| other.change < 60.0)
            .collect();
        others.sort_by(|a, b| a.change.total_cmp(&b.change));
        others
    }

    /// Added to or dropped from a support: one coefficient, or those that equalities tie to each other.
    fn changes(&self, support: &[bool], inside: bool) -> Vec<Vec<usize>> {
        let open = |k: &usize| support[*k] == inside && self.allowed[*k];
        let multiples = self.relations.multiples();
        let alone = |k: &usize| open(k) && !multiples.iter().any(|group| group.contains(k));
        let single: Vec<Vec<usize>> = (0..support.len()).filter(alone).map(|k| vec![k]).collect();
        let tied = multiples.into_iter().chain(self.relations.pairs()).filter(|group| group.iter().all(open));
        single.into_iter().chain(tied).collect()
    }

    /// The part of a support that the search may start from: coefficients that are multiples of others that are not there are zero.
    fn whole(&self, start: &[bool]) -> Vec<bool> {
        let mut support: Vec<bool> =
            start.iter().zip(self.allowed).map(|(inside, allowed)| *inside && *allowed).collect();
        for group in self.relations.multiples() {
            let all = group.iter().all(|&k| support[k]);
            group.iter().for_each(|&k| support[k] = all);
        }
        support
    }

    fn singles(&self, support: &[bool]) -> Vec<Vec<bool>> {
        let changes = [true, false].map(|inside| self.changes(support, inside));
        changes.into_iter().flatten().map(|change| flipped(support, &change)).collect()
    }

    fn swaps(&self, support: &[bool]) -> Vec<Vec<bool>> {
        let (out, into) = (self.changes(support, true), self.changes(support, false));
        if out.len() * into.len() > MOST_SWAPS {
            return Vec::new();
        }
        out.iter().flat_map(|out| into.iter().map(move |into| flipped(&flipped(support, out), into))).collect()
    }

    /// Sequential thresholding as [`stlsq`](super::stlsq), every fit under the relations; what they need stays whatever its size.
    pub(crate) fn stlsq(&self, threshold: f64, ridge: f64) -> Option<Vec<f64>> {
        let mut support = self.allowed.to_vec();
        let mut theta = self.solve(&support)?.theta;
        for _ in 0..ROUNDS {
            let kept = self.thresholded(&support, &theta, threshold);
            let settled = kept == support;
            support = kept;
            theta = self.solve_with(&support, ridge)?.theta;
            if settled {
                break;
            }
        }
        Some(self.solve(&support)?.theta)
    }

    fn thresholded(&self, support: &[bool], theta: &[f64], threshold: f64) -> Vec<bool> {
        let mut kept: Vec<bool> = (0..theta.len()).map(|k| support[k] && theta[k].abs() >= threshold).collect();
        let mut dropped: Vec<usize> = (0..theta.len()).filter(|&k| support[k] && !kept[k]).collect();
        dropped.sort_by(|&a, &b| theta[a].abs().total_cmp(&theta[b].abs()));
        while self.solve(&kept).is_none() {
            let Some(back) = dropped.pop() else { break };
            kept[back] = true;
        }
        kept
    }

    /// Relaxed regression as [`sr3`](super::sr3): the coefficients obey the relations, their sparse shadows are thresholded (Champion and
    /// others 2020); both are bound by a spring of strength `tie`.
    pub(crate) fn sr3(&self, threshold: f64, penalty: Penalty, tie: f64) -> Option<Vec<f64>> {
        let n = self.h.len();
        let mut relaxed = self.m.to_vec();
        (0..n).for_each(|k| relaxed[k * n + k] += tie);
        let all: Vec<usize> = (0..n).filter(|&k| self.allowed[k]).collect();
        let mut sparse = self.solve(self.allowed)?.theta;
        let mut right = vec![0.0; n];
        let mut theta = sparse.clone();
        for _ in 0..SR3_ROUNDS {
            (0..n).for_each(|k| right[k] = self.h[k] + tie * sparse[k]);
            theta = self.relations.minimum(&relaxed, &right, &all, 0.0)?.theta;
            let next: Vec<f64> = theta.iter().map(|&c| penalty.shrunk(c, threshold)).collect();
            let moved = next.iter().zip(&sparse).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            sparse = next;
            if moved <= TOLERANCE * threshold.max(f64::MIN_POSITIVE) {
                break;
            }
        }
        let kept = self.thresholded(self.allowed, &theta, threshold);
        Some(self.solve(&kept)?.theta)
    }

    /// Standard errors under the relations, with `m` in units of the noise.
    pub(crate) fn standard_errors(&self, theta: &[f64]) -> Vec<f64> {
        let n = self.h.len();
        let support: Vec<bool> = theta.iter().map(|c| *c != 0.0).collect();
        let places: Vec<usize> = (0..n).filter(|&k| support[k]).collect();
        let own: Vec<f64> = places.iter().flat_map(|&i| places.iter().map(move |&j| self.m[i * n + j])).collect();
        let variances = self.solve(&support).and_then(|minimum| minimum.flat.variances(&own));
        let mut errors = vec![0.0; n];
        for (a, &k) in places.iter().enumerate() {
            errors[k] = variances.as_ref().map_or(f64::NAN, |v| v[a].max(0.0).sqrt());
        }
        errors
    }
}

fn flipped(support: &[bool], places: &[usize]) -> Vec<bool> {
    let mut other = support.to_vec();
    places.iter().for_each(|&k| other[k] = !other[k]);
    other
}
