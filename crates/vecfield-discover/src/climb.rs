//! From a law to the likeliest law near it, again and again, until there is none.

use crate::contest::Contest;
use crate::discovery::DiscoverError;
use crate::model::Support;
use crate::near::{Neighbour, near};
use crate::observer::Pulse;
use crate::refine::{Law, fit_near, refine_near};
use crate::verdict::STRONG;
use rayon::prelude::*;
use std::collections::BTreeSet;
use vecfield_adjoint::Fit;
use vecfield_symreg::Operators;

/// Steps from law to law.
const STEPS: usize = 6;

/// Where a climb ended.
pub(crate) struct Summit<'a> {
    /// A contest in whose vocabulary the law and its neighbours can be said.
    pub(crate) contest: Contest<'a>,
    /// The supports that are worth a contest, the law's among them.
    pub(crate) supports: Vec<Support>,
    /// The information criterion of the law.
    pub(crate) bic: f64,
}

/// Climbs from `law`, a law of `contest`. Every neighbour is fitted to all the data from where the flow puts its constants.
///
/// # Errors
///
/// [`DiscoverError`].
pub(crate) fn climb<'a>(
    contest: &Contest<'a>,
    law: &Law,
    operators: Option<&Operators>,
    pulse: Pulse<'_>,
) -> Result<Summit<'a>, DiscoverError> {
    let base = contest.vocabulary();
    // The words of a law and of its neighbours; those of laws that were left behind are forgotten.
    let words = |own: &[Vec<String>], named: &[Neighbour]| {
        let texts = own.iter().flatten().chain(named.iter().flat_map(Neighbour::texts)).cloned();
        base.with_further(texts.collect::<BTreeSet<_>>())
    };
    let (mut vocabulary, mut law) = (base.clone(), law.clone());
    let mut named: Vec<Neighbour> = vec![];
    for _ in 0..STEPS {
        if !pulse.goes_on() {
            break;
        }
        named = near(contest.data(), &vocabulary, &law, contest.noise(), operators)?;
        let wider = words(&law.support.features(&vocabulary, &law.fit.theta), &named)?;
        let fitted = |neighbour: &Neighbour| {
            let (support, theta) = neighbour.said_in(&wider)?;
            let fit = fit_near(contest.data(), &wider, &law, &support, theta, pulse)?;
            Some((support, fit))
        };
        let fitted: Vec<Option<(Support, Fit)>> = named.par_iter().map(fitted).collect();
        let cells = contest.data().observed_count();
        let told = |(support, fit): &(Support, Fit)| {
            cells as f64 * fit.cost.max(f64::MIN_POSITIVE).ln() + support.price(&wider, cells)
        };
        let best = fitted.into_iter().flatten().min_by(|a, b| told(a).total_cmp(&told(b)));
        let best = best.and_then(|(support, fit)| refine_near(contest.data(), &wider, &law, &support, &fit, pulse));
        match best {
            Some(best) if best.bic + STRONG < law.bic => (law, vocabulary) = (best, wider),
            _ => break,
        }
    }
    let own = law.support.features(&vocabulary, &law.fit.theta);
    let wider = Contest::new(contest.data(), words(&own, &named)?, contest.noise())?.hoping_as(contest);
    let mut supports: Vec<Support> = Support::of(&own, wider.vocabulary()).into_iter().collect();
    supports.extend(named.iter().filter_map(|neighbour| Some(neighbour.said_in(wider.vocabulary())?.0)));
    Ok(Summit { contest: wider, supports, bic: law.bic })
}
