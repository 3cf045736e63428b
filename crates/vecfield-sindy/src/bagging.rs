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
    /// Of so many members; `goes_on` is told the share that is there, and if it ends the fit those are all.
    pub(crate) fn of(
        size: usize,
        fit: impl Fn(usize) -> Result<Member, SindyError> + Sync,
        goes_on: &(dyn Fn(f64) -> bool + Sync),
    ) -> Result<Self, SindyError> {
        let begun = AtomicUsize::new(0);
        let member = |member: usize| {
            if !goes_on(begun.load(Ordering::Relaxed) as f64 / size as f64) {
                return Ok(None);
            }
            begun.fetch_add(1, Ordering::Relaxed);
            match fit(member) {
                // A draw in which features depend on each other says nothing.
                Err(SindyError::SingularSupport { .. }) => Ok(None),
                other => other.map(Some),
            }
        };
        let members: Vec<Option<Member>> = (0..size).into_par_iter().map(member).collect::<Result<_, _>>()?;
        let members: Vec<Member> = members.into_iter().flatten().collect();
        match begun.into_inner() {
            0 => Err(SindyError::Cut),
            begun if members.len() * 2 < begun => Err(SindyError::SingularSupport { feature: 0 }),
            _ => Ok(Self { members }),
        }
    }

    /// The share that has feature `k` of the members that were offered it.
    pub(crate) fn share(&self, k: usize) -> f64 {
        let offered = self.members.iter().filter(|member| member.offered[k]);
        let taken = offered.clone().filter(|member| member.theta[k] != 0.0).count();
        taken as f64 / offered.count().max(1) as f64
    }

    /// The standard deviation of each coefficient over the members that were offered the whole support of `theta` and have it, zero where
    /// `theta` is: the others make up for what they lack. NaN where there are none.
    pub(crate) fn spreads(&self, theta: &[f64]) -> Vec<f64> {
        let whole = |member: &&Member| member.offered.iter().zip(theta).all(|(offered, c)| *offered || *c == 0.0);
        let members: Vec<&Member> = self.members.iter().filter(whole).collect();
        let spread = |k: usize| {
            let values = || members.iter().map(|member| member.theta[k]).filter(|c| *c != 0.0);
            let n = values().count() as f64;
            let mean = values().sum::<f64>() / n;
            (values().map(|c| (c - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0)).sqrt()
        };
        (0..theta.len()).map(|k| if theta[k] == 0.0 { 0.0 } else { spread(k) }).collect()
    }
}
