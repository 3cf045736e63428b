//! Support search by the Laplace evidence of a quadratic likelihood.
//!
//! With `-2 log L(θ) = const + θᵀMθ - 2 hᵀθ` and independent coefficients of prior variance `s²`, a support `A` scores
//!
//! ```text
//! c |A| + log det(I + s² M_AA) - h_Aᵀ (M_AA + I/s²)⁻¹ h_A
//! ```
//!
//! (less is better). The price of a term is `c + log(s²/variance of its coefficient)`: a term whose coefficient could
//! have been far off and is not, is believed. `s²` is in the units of `M`, so the choice depends on the user's units; it says that
//! the true coefficients are of like size.

use core::cell::Cell;
use vecfield_linalg::Cholesky;

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The support, as flags.
    pub support: Vec<bool>,
    /// Its score; less is better.
    pub score: f64,
}

const MOST_MOVES: usize = 600;
const RIDGE: f64 = 1e-11; // of the scaled matrix: below it lies the rounding of M
const DEPENDENT: f64 = 1e-8; // a feature of which less is left beside the support is not tried

/// The best support reached from `start` by adding, dropping or, when neither helps, swapping one feature at a time.
///
/// * `m`, `h`: `[p, p]` and `[p]`, in units of the noise (a unit of score is a unit of `-2 log L`).
/// * `prior_variance`: `s²`; `None` leaves out the determinant, which makes `price` a plain information criterion's.
/// * `allowed`: features that may be taken.
///
/// # Panics
///
/// If the lengths differ.
pub fn evidence_search(
    m: &[f64],
    h: &[f64],
    start: &[bool],
    allowed: &[bool],
    price: f64,
    prior_variance: Option<f64>,
) -> Evidence {
    let p = h.len();
    assert_eq!([m.len(), start.len(), allowed.len()], [p * p, p, p], "one row, flag and permission per feature");
    let mut search = Search::new(m, h, price, prior_variance);
    search.support = (0..p).filter(|&i| start[i] && allowed[i]).collect();
    search.refit();
    for _ in 0..MOST_MOVES {
        let Some(better) = search.best_move(allowed) else { break };
        match better {
            Move::Add(feature) => search.support.push(feature),
            Move::Drop(place) => {
                search.support.remove(place);
            }
            Move::Swap(place, feature) => search.support[place] = feature,
        }
        search.refit();
    }
    let mut support = vec![false; p];
    search.support.iter().for_each(|&i| support[i] = true);
    Evidence { support, score: search.score }
}

/// The score of a support, as [`evidence_search`] counts it.
///
/// # Panics
///
/// If the lengths differ.
pub fn evidence(m: &[f64], h: &[f64], support: &[bool], price: f64, prior_variance: Option<f64>) -> f64 {
    let p = h.len();
    assert_eq!([m.len(), support.len()], [p * p, p], "one row and flag per feature");
    let mut search = Search::new(m, h, price, prior_variance);
    search.support = (0..p).filter(|&i| support[i]).collect();
    search.refit();
    search.score
}

/// The share of the evidence that has each feature, over a support and the [`neighbours`] of it.
pub(crate) fn inclusion(support: &[bool], near: &[Neighbour]) -> Vec<f64> {
    let mut total = 1.0;
    let mut with: Vec<f64> = support.iter().map(|&inside| f64::from(u8::from(inside))).collect();
    for neighbour in near {
        let weight = (-0.5 * neighbour.change).exp().min(1e12);
        total += weight;
        with.iter_mut().zip(&neighbour.support).filter(|(_, inside)| **inside).for_each(|(sum, _)| *sum += weight);
    }
    with.iter().map(|sum| sum / total).collect()
}

/// Every support that one move (adding, dropping, swapping) makes of `support`, with the change of the score, most likely first.
///
/// Arguments as of [`evidence_search`]. Moves of which the change is above 60 are left out: less than `exp(-30)` speaks for them.
///
/// # Panics
///
/// If the lengths differ.
pub fn neighbours(
    m: &[f64],
    h: &[f64],
    support: &[bool],
    allowed: &[bool],
    price: f64,
    prior_variance: f64,
) -> Vec<Neighbour> {
    let p = h.len();
    assert_eq!([m.len(), support.len(), allowed.len()], [p * p, p, p], "one row, flag and permission per feature");
    let mut search = Search::new(m, h, price, Some(prior_variance));
    search.support = (0..p).filter(|&i| support[i]).collect();
    search.refit();
    let mut moves = Vec::new();
    search.each_move(allowed, Swaps::Always, |change, of| {
        if change < UNLIKELY {
            moves.push((change, of));
        }
    });
    moves.sort_by(|a, b| a.0.total_cmp(&b.0));
    let flags = |of: Move| {
        let mut flags = support.to_vec();
        match of {
            Move::Add(feature) => flags[feature] = true,
            Move::Drop(place) => flags[search.support[place]] = false,
            Move::Swap(place, feature) => {
                flags[search.support[place]] = false;
                flags[feature] = true;
            }
        }
        flags
    };
    moves.into_iter().map(|(change, of)| Neighbour { support: flags(of), change }).collect()
}

/// A support that one move makes of another.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbour {
    /// The support, as flags.
    pub support: Vec<bool>,
    /// Its score less that of the other; positive where it is less likely.
    pub change: f64,
}

const UNLIKELY: f64 = 60.0;

/// When swaps are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Swaps {
    Always,
    /// Only when neither adding nor dropping helps.
    AsLastResort,
}

#[derive(Clone, Copy)]
enum Move {
    Add(usize),
    Drop(usize),
    Swap(usize, usize),
}

struct Search {
    p: usize,
    /// `M` and `h` scaled to a unit diagonal.
    m: Vec<f64>,
    h: Vec<f64>,
    /// `log(1 + s² M_ii)`, or 0 without a prior.
    offset: Vec<f64>,
    with_determinant: bool,
    price: f64,
    support: Vec<usize>,
    theta: Vec<f64>,
    inverse: Vec<f64>,
    score: f64,
}

impl Search {
    fn new(m: &[f64], h: &[f64], price: f64, prior_variance: Option<f64>) -> Self {
        let p = h.len();
        // Without it a combination that the data do not see would be free, and its determinant a reward.
        let prior = prior_variance.map_or(0.0, |variance| 1.0 / variance);
        let diagonal: Vec<f64> = (0..p).map(|i| (m[i * p + i] + prior).max(1e-300)).collect();
        let scale: Vec<f64> = diagonal.iter().map(|d| 1.0 / d.sqrt()).collect();
        let offset = diagonal.iter().map(|d| prior_variance.map_or(0.0, |variance| (variance * d).ln())).collect();
        Self {
            p,
            m: (0..p * p)
                .map(|at| (m[at] + if at % (p + 1) == 0 { prior } else { 0.0 }) * scale[at / p] * scale[at % p])
                .collect(),
            h: h.iter().zip(&scale).map(|(h, s)| h * s).collect(),
            offset,
            with_determinant: prior_variance.is_some(),
            price,
            support: Vec::new(),
            theta: Vec::new(),
            inverse: Vec::new(),
            score: 0.0,
        }
    }

    fn log(&self, x: f64) -> f64 {
        if self.with_determinant { x.max(1e-12).ln() } else { 0.0 }
    }

    fn refit(&mut self) {
        let k = self.support.len();
        // Where rounding has made M indefinite by more than the ridge, a larger one keeps the search well defined.
        let mut ridge = RIDGE;
        let cholesky = loop {
            let mut matrix = vec![0.0; k * k];
            for (a, &i) in self.support.iter().enumerate() {
                for (b, &j) in self.support.iter().enumerate() {
                    matrix[a * k + b] = self.m[i * self.p + j] + if a == b { ridge } else { 0.0 };
                }
            }
            let mut cholesky = Cholesky::new(k);
            if cholesky.factorize(&matrix).is_ok() {
                break cholesky;
            }
            ridge *= 10.0;
            if ridge > 1e3 {
                // Only NaN gets here: no support can be scored.
                self.score = f64::INFINITY;
                return;
            }
        };
        self.inverse.resize(k * k, 0.0);
        cholesky.inverse_into(&mut self.inverse);
        self.theta = self.support.iter().map(|&i| self.h[i]).collect();
        cholesky.solve(&mut self.theta);
        let gain: f64 = self.support.iter().zip(&self.theta).map(|(&i, t)| self.h[i] * t).sum();
        let offsets: f64 = self.support.iter().map(|&i| self.offset[i]).sum();
        let determinant = if self.with_determinant { cholesky.log_det() } else { 0.0 };
        self.score = self.price * k as f64 - gain + determinant + offsets;
    }

    /// The single move that lowers the score most; swaps are looked at only when neither adding nor dropping helps.
    fn best_move(&self, allowed: &[bool]) -> Option<Move> {
        let mut best: (f64, Option<Move>) = (-1e-9, None);
        self.each_move(allowed, Swaps::AsLastResort, |change, of| {
            if change < best.0 {
                best = (change, Some(of));
            }
        });
        best.1
    }

    /// Calls `visit` with the change of the score of every move; of swaps, where other moves help, only if asked.
    fn each_move(&self, allowed: &[bool], swaps: Swaps, mut visit: impl FnMut(f64, Move)) {
        if !self.score.is_finite() {
            return; // no fit to move from
        }
        let (p, k) = (self.p, self.support.len());
        let helped = Cell::new(false);
        let mut visit = |change: f64, of: Move| {
            helped.set(helped.get() || change < -1e-9);
            visit(change, of);
        };
        let variance = |place: usize| self.inverse[place * k + place];
        for place in 0..k {
            let change = -self.price + self.theta[place].powi(2) / variance(place) - self.offset[self.support[place]]
                + self.log(variance(place));
            visit(change, Move::Drop(place));
        }
        let mut inside = vec![false; p];
        self.support.iter().for_each(|&i| inside[i] = true);
        let rest: Vec<usize> = (0..p).filter(|&j| allowed[j] && !inside[j]).collect();
        // C M_{A,j} for each candidate j, and what is left of j beside A.
        let mut projections = vec![0.0; rest.len() * k];
        let mut left = Vec::with_capacity(rest.len());
        for (c, &j) in rest.iter().enumerate() {
            let projection = &mut projections[c * k..(c + 1) * k];
            for a in 0..k {
                projection[a] = (0..k).map(|b| self.inverse[a * k + b] * self.m[self.support[b] * p + j]).sum();
            }
            let overlap: f64 = self.support.iter().zip(&*projection).map(|(&i, x)| self.m[i * p + j] * x).sum();
            let slope: f64 =
                self.h[j] - self.support.iter().zip(&self.theta).map(|(&i, t)| self.m[i * p + j] * t).sum::<f64>();
            left.push((1.0 - overlap, slope));
        }
        let added = |c: usize| {
            let (remainder, slope) = left[c];
            (remainder > DEPENDENT).then(|| self.offset[rest[c]] + self.log(remainder) - slope * slope / remainder)
        };
        for (c, &feature) in rest.iter().enumerate() {
            if let Some(change) = added(c) {
                visit(change + self.price, Move::Add(feature));
            }
        }
        if helped.get() && swaps == Swaps::AsLastResort {
            return;
        }
        for (c, &feature) in rest.iter().enumerate() {
            let Some(gain) = added(c) else { continue };
            let (remainder, slope) = left[c];
            let projection = &projections[c * k..(c + 1) * k];
            for place in 0..k {
                let theta = self.theta[place] - projection[place] * slope / remainder;
                let spread = variance(place) + projection[place].powi(2) / remainder;
                let change = gain + theta * theta / spread - self.offset[self.support[place]] + self.log(spread);
                visit(change, Move::Swap(place, feature));
            }
        }
    }
}
