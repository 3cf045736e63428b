//! Ensembles over resampled blocks of rows, over libraries that lack some terms, or over both (Fasel, Kutz, Brunton and Brunton 2022).
//!
//! What a member draws is a function of the seed, the equation and its number, whatever thread works on it.

use crate::SindyError;
use crate::regression::GramSystem;
use crate::sindy::{Bag, Sindy};
use core::sync::atomic::{AtomicUsize, Ordering};
use rayon::prelude::*;
use vecfield_kernels::threefry;

/// One in so many terms is left out of a member's library, and one at least. More would leave few members with all terms of a law, and the
/// others with what makes up for those that are missing.
const LEFT_OUT: usize = 10;

/// Streams of random numbers: of rows, and of terms.
const TERMS: u64 = 1 << 32;

/// What the members of an equation's ensemble are given.
pub(crate) struct Bagging<'a> {
    pub(crate) sindy: &'a Sindy,
    pub(crate) equation: usize,
}

impl Bagging<'_> {
    /// As many blocks with rows as there are, drawn with replacement; or all.
    pub(crate) fn rows(&self, member: usize, blocks: &[GramSystem], whole: &GramSystem) -> GramSystem {
        if self.sindy.bag == Bag::Library {
            return whole.clone();
        }
        let filled: Vec<&GramSystem> = blocks.iter().filter(|block| block.rows > 0).collect();
        GramSystem::sum((0..filled.len()).map(|k| {
            let bits = threefry([self.sindy.seed, self.equation as u64], [member as u64, k as u64])[0];
            filled[(bits % filled.len() as u64) as usize]
        }))
    }

    /// The terms that may be chosen, of those allowed: some are left out, never the ones required; or all.
    pub(crate) fn terms(&self, member: usize, allowed: &[bool], required: &[usize]) -> Vec<bool> {
        let mut offered = allowed.to_vec();
        if self.sindy.bag == Bag::Rows {
            return offered;
        }
        let key = [self.sindy.seed, TERMS | self.equation as u64];
        let mut drawn: Vec<(u64, usize)> = (0..allowed.len())
            .filter(|k| allowed[*k] && !required.contains(k))
            .map(|k| (threefry(key, [member as u64, k as u64])[0], k))
            .collect();
        drawn.sort_unstable();
        // A library of one term stays as it is.
        let count = if drawn.len() > 1 { drawn.len().div_ceil(LEFT_OUT) } else { 0 };
        drawn[..count].iter().for_each(|&(_, k)| offered[k] = false);
        offered
    }
}

/// What became of a member.
enum Draw {
    Fitted(Member),
    /// Its rows leave the coefficients open.
    Singular,
    /// The fit was cut short before.
    Cut,
}

/// A member's coefficients, and the terms it was offered.
pub(crate) struct Member {
    pub(crate) theta: Vec<f64>,
    pub(crate) offered: Vec<bool>,
}

/// Coefficients of all members.
pub(crate) struct Ensemble {
    members: Vec<Member>,
}

impl Ensemble {
    /// Of so many equations, `size` members each by `fit(equation, member)`. `goes_on` is told the share that is there; where it ends the
    /// fit, those are all, about as many of each equation, and none of one that has no member that says something.
    pub(crate) fn of_each(
        equations: usize,
        size: usize,
        fit: impl Fn(usize, usize) -> Result<Member, SindyError> + Sync,
        goes_on: &(dyn Fn(f64) -> bool + Sync),
    ) -> Result<Vec<Option<Self>>, SindyError> {
        let (begun, all) = (AtomicUsize::new(0), equations * size);
        // Equations take turns.
        let draw = |at: usize| {
            if !goes_on(begun.fetch_add(1, Ordering::Relaxed) as f64 / all as f64) {
                return Ok(Draw::Cut);
            }
            match fit(at % equations, at / equations) {
                // A draw in which features depend on each other says nothing.
                Err(SindyError::SingularSupport { .. }) => Ok(Draw::Singular),
                other => other.map(Draw::Fitted),
            }
        };
        let draws: Vec<Draw> = (0..all).into_par_iter().map(draw).collect::<Result<_, _>>()?;
        let mut of_each: Vec<Vec<Draw>> = (0..equations).map(|_| Vec::with_capacity(size)).collect();
        draws.into_iter().enumerate().for_each(|(at, draw)| of_each[at % equations].push(draw));
        of_each.into_iter().map(Self::of).collect()
    }

    fn of(draws: Vec<Draw>) -> Result<Option<Self>, SindyError> {
        let is_cut = draws.iter().any(|draw| matches!(draw, Draw::Cut));
        let singular = draws.iter().filter(|draw| matches!(draw, Draw::Singular)).count();
        let fitted = |draw| if let Draw::Fitted(member) = draw { Some(member) } else { None };
        let members: Vec<Member> = draws.into_iter().filter_map(fitted).collect();
        match (members.len() < singular || members.is_empty(), is_cut) {
            (false, _) => Ok(Some(Self { members })),
            (true, true) => Ok(None),
            (true, false) => Err(SindyError::SingularSupport { feature: 0 }),
        }
    }

    /// The share that has feature `k` of the members that were offered it.
    pub(crate) fn share(&self, k: usize) -> f64 {
        let offered = self.members.iter().filter(|member| member.offered[k]);
        let taken = offered.clone().filter(|member| member.theta[k] != 0.0).count();
        taken as f64 / offered.count().max(1) as f64
    }

    /// The standard deviation of each coefficient over the members that were offered the whole support of `theta` and have it, zero where
    /// `theta` is: the others make up for what they lack. NaN where there are fewer than two.
    pub(crate) fn spreads(&self, theta: &[f64]) -> Vec<f64> {
        let whole = |member: &&Member| member.offered.iter().zip(theta).all(|(offered, c)| *offered || *c == 0.0);
        let members: Vec<&Member> = self.members.iter().filter(whole).collect();
        let spread = |k: usize| {
            let values = || members.iter().map(|member| member.theta[k]).filter(|c| *c != 0.0);
            let n = values().count() as f64;
            let mean = values().sum::<f64>() / n;
            if n < 2.0 {
                return f64::NAN;
            }
            (values().map(|c| (c - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()
        };
        (0..theta.len()).map(|k| if theta[k] == 0.0 { 0.0 } else { spread(k) }).collect()
    }
}
