//! The best of a contest, fitted to all the data: which of them is believed, what it can do without, which others are shown.

use crate::contest::{Contest, Entry, rank};
use crate::discovery::Candidate;
use crate::model::Support;
use crate::observer::{Observer, Progress, Pulse};
use crate::refine::Law;
use crate::twins::Twins;
use crate::verdict::{STRONG, contenders, is_likelier, near_rivals, reductions, rivals, suffices};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// The race's share of the work; the rest is fitting the best of it to all the data.
pub(crate) const RACE: f64 = 0.9;

/// Leaving out a term whose constant is `z` standard errors from zero raises `-2 ln L` by about `z²`; with `z` above this the
/// BIC of the rest is higher by more than `z² - ln n`, which is beyond [`suffices`] for any table that fits in memory.
pub(crate) const BEYOND_DOUBT: f64 = 5.0;

/// Entries of a contest, best first, and those of them that have been fitted to all the data.
pub(crate) struct Finalists {
    entries: Vec<Entry>,
    laws: BTreeMap<Support, Law>,
}

impl Finalists {
    /// The entries of a race, best first; none is fitted to all the data yet.
    pub(crate) fn new(entries: Vec<Entry>) -> Self {
        Self { entries, laws: BTreeMap::new() }
    }

    /// The likeliest of the laws that were fitted, by the Bayesian information criterion.
    pub(crate) fn likeliest(&self) -> Option<&Law> {
        self.laws.values().min_by(|a, b| a.bic.total_cmp(&b.bic))
    }

    /// The entries, best first.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Fits the entries at `places` that are not fitted yet.
    pub(crate) fn fit(&mut self, places: &[usize], contest: &Contest<'_>, observer: &dyn Observer) {
        let missing: Vec<&Support> =
            places.iter().map(|&i| &self.entries[i].support).filter(|s| !self.laws.contains_key(s)).collect();
        let laws: Vec<(Support, Option<Law>)> = missing
            .par_iter()
            .enumerate()
            .map(|(done, &support)| {
                let share = RACE + (1.0 - RACE) * done as f64 / missing.len() as f64;
                let pulse = Pulse::new(observer, Progress { stage: "fitting all the data", share });
                let law = pulse.goes_on().then(|| contest.refine(support, pulse));
                (support.clone(), law.flatten().filter(|_| pulse.goes_on()))
            })
            .collect();
        self.laws.extend(laws.into_iter().filter_map(|(support, law)| Some((support, law?))));
    }

    /// Fits the entries one after the other, the best first, until one can be; its place.
    pub(crate) fn best_fitted(&mut self, contest: &Contest<'_>, observer: &dyn Observer) -> Option<usize> {
        (0..self.entries.len()).find(|&place| {
            self.fit(&[place], contest, observer);
            self.laws.contains_key(&self.entries[place].support)
        })
    }

    /// The place of the law: the most credible polynomial, or the most credible of all where its likelihood is strongly better, what it
    /// takes to say its features counted. Composed formulas were found in all the data, the rows ahead of the origins among them, so
    /// their forecasts alone do not put them before polynomials, which were not.
    pub(crate) fn law(&mut self, contest: &Contest<'_>, observer: &dyn Observer) -> Option<usize> {
        let vocabulary = contest.vocabulary();
        let is_polynomial = |entry: &Entry| entry.support.equations.iter().all(|set| vocabulary.is_polynomial(set));
        let polynomial = self.credible(contest, observer, is_polynomial);
        let any = self.credible(contest, observer, |_| true);
        let bic = |support: &Support| self.laws[support].bic;
        let law = match (polynomial, any) {
            (Some(polynomial), Some(any)) => {
                if bic(&any) + STRONG < bic(&polynomial) {
                    any
                } else {
                    polynomial
                }
            }
            (polynomial, any) => polynomial.or(any)?,
        };
        self.entries.iter().position(|entry| entry.support == law)
    }

    /// The most credible of the candidates among which one is sought, without the terms that it can do without.
    fn credible(
        &mut self,
        contest: &Contest<'_>,
        observer: &dyn Observer,
        among: impl Fn(&Entry) -> bool,
    ) -> Option<Support> {
        let contenders = contenders(&self.entries, &among);
        self.fit(&contenders, contest, observer);
        let mut place = self.most_credible(&contenders)?;
        // Each round leads to a simpler law, or to a likelier one of the same size.
        loop {
            place = self.pruned(place, contest, observer);
            let mut rivals = rivals(&self.entries, place, &among);
            let near = near_rivals(&self.entries, place, &among);
            self.fit(&[&rivals[..], &near].concat(), contest, observer);
            let law = |i: usize| self.laws.get(&self.entries[i].support);
            let likelier = |&i: &usize| law(i).zip(law(place)).is_some_and(|(near, whole)| is_likelier(near, whole));
            rivals.extend(near.into_iter().filter(likelier));
            match self.most_credible(&rivals) {
                Some(rival) if rival != place => place = rival,
                _ => return Some(self.entries[place].support.clone()),
            }
        }
    }

    /// The simplest of `places` that no other beats strongly in BIC; of equally simple ones that with the least BIC.
    fn most_credible(&self, places: &[usize]) -> Option<usize> {
        let fitted: Vec<(usize, &Law)> =
            places.iter().filter_map(|&i| Some((i, self.laws.get(&self.entries[i].support)?))).collect();
        let least = fitted.iter().map(|(_, law)| law.bic).fold(f64::INFINITY, f64::min);
        fitted
            .into_iter()
            .filter(|(_, law)| law.bic <= least + STRONG)
            .min_by(|(i, a), (j, b)| a.complexity.cmp(&b.complexity).then(a.bic.total_cmp(&b.bic)).then(i.cmp(j)))
            .map(|(place, _)| place)
    }

    /// The candidate at `place` without the terms that neither its forecasts nor the likelihood support, dropped one at a
    /// time. What is left enters the contest: its place among the entries is returned.
    fn pruned(&mut self, place: usize, contest: &Contest<'_>, observer: &dyn Observer) -> usize {
        let mut place = place;
        loop {
            let whole = self.entries[place].support.clone();
            let pulse = Pulse::new(observer, Progress { stage: "leaving terms out", share: RACE });
            let Some(law) = self.laws.get(&whole) else { return place };
            // A term many standard errors from nothing is supported by the likelihood: it need not be tried.
            let doubtful = law.constants.iter().map(|c| match c.stderr {
                Some(stderr) => c.value.abs() <= BEYOND_DOUBT * stderr,
                None => !c.snapped,
            });
            let parts = whole.parts().into_iter().zip(doubtful).filter(|(_, doubtful)| *doubtful).map(|(part, _)| part);
            let parts = parts.collect();
            self.enter(parts, contest, pulse);
            // Entering moved the entries: find the whole again.
            let Some(now) = self.entries.iter().position(|entry| entry.support == whole) else { return place };
            place = now;
            let parts = reductions(&self.entries, place);
            self.fit(&parts, contest, observer);
            let Some(law) = self.laws.get(&whole) else { return place };
            let enough = |part: &&usize| self.laws.get(&self.entries[**part].support).is_some_and(|p| suffices(p, law));
            let bic = |part: usize| self.laws[&self.entries[part].support].bic;
            let best = parts.iter().filter(enough).min_by(|a, b| bic(**a).total_cmp(&bic(**b)).then(a.cmp(b)));
            match best {
                Some(&part) => place = part,
                None => return place,
            }
        }
    }

    /// Runs the supports that have not competed yet through every origin, and ranks them among the others.
    pub(crate) fn enter(&mut self, supports: Vec<Support>, contest: &Contest<'_>, pulse: Pulse<'_>) {
        let known: BTreeSet<&Support> = self.entries.iter().map(|entry| &entry.support).collect();
        let new: Vec<Support> = supports.into_iter().filter(|support| !known.contains(support)).collect();
        let entered: Vec<Entry> = new.into_par_iter().map(|support| contest.enter(support, pulse)).collect();
        // A score from fits that were broken off is none.
        if pulse.goes_on() {
            self.entries.extend(entered);
        }
        rank(&mut self.entries);
    }

    /// Places of up to `most` alternatives to the entry at `place`, in rank, each fitted to all the data if it can be; none of them is
    /// another of them, or that entry, under another name.
    pub(crate) fn alternatives(
        &mut self,
        place: usize,
        most: usize,
        contest: &Contest<'_>,
        observer: &dyn Observer,
    ) -> Vec<usize> {
        let mut left_out = self.other_starts(place, contest);
        loop {
            let listed = shortlist(&self.entries, place, most, &left_out);
            self.fit(&listed, contest, observer);
            let twins = self.twins(place, &listed, contest);
            if twins.is_empty() {
                return listed;
            }
            left_out.extend(twins);
        }
    }

    /// Places of entries whose form stands before them, from another start.
    fn other_starts(&self, place: usize, contest: &Contest<'_>) -> BTreeSet<usize> {
        let mut shapes = BTreeSet::from([self.entries[place].support.shape(contest.vocabulary())]);
        let others = (0..self.entries.len()).filter(|&i| i != place);
        others.filter(|&i| !shapes.insert(self.entries[i].support.shape(contest.vocabulary()))).collect()
    }

    /// Those of `listed` that are the law at `place`, or a simpler or better one of them, under another name.
    fn twins(&self, place: usize, listed: &[usize], contest: &Contest<'_>) -> Vec<usize> {
        let twins = Twins::new(contest.data(), contest.vocabulary());
        let law = |i: usize| self.laws.get(&self.entries[i].support);
        let mut in_turn = listed.to_vec();
        in_turn.sort_by_key(|&i| (self.entries[i].complexity, i));
        let mut kept: Vec<&Law> = law(place).into_iter().collect();
        let mut found = vec![];
        for i in in_turn {
            match law(i) {
                Some(law) if kept.iter().any(|other| twins.are(law, other)) => found.push(i),
                law => kept.extend(law),
            }
        }
        found
    }

    /// What has been fitted beside the law at `place`, and is not that law under another name.
    pub(crate) fn others(&self, place: usize, contest: &Contest<'_>) -> Vec<Candidate> {
        let twins = Twins::new(contest.data(), contest.vocabulary());
        let chosen = self.get(place);
        let others = (0..self.entries.len()).filter(|&i| i != place).filter_map(|i| self.get(i));
        others.filter(|other| !chosen.as_ref().is_some_and(|chosen| twins.are(&chosen.law, &other.law))).collect()
    }

    /// The entry at `place` with its law, if it has been fitted.
    pub(crate) fn get(&self, place: usize) -> Option<Candidate> {
        let entry = &self.entries[place];
        Some(Candidate { law: self.laws.get(&entry.support)?.clone(), score: entry.score.clone() })
    }
}

/// Places in `entries` of up to `most` alternatives to the one at `chosen`, in rank, none of them `left_out`. In order of right to a place: the
/// candidates that no simpler one beats; those that tie with one of them at its own size; the best of every other size; and
/// whatever ranks highest besides.
fn shortlist(entries: &[Entry], chosen: usize, most: usize, left_out: &BTreeSet<usize>) -> Vec<usize> {
    let mut by_size: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let may = |place: &usize| !left_out.contains(place);
    for (place, entry) in entries.iter().enumerate().filter(|(place, _)| may(place)) {
        by_size.entry(entry.complexity).or_default().push(place);
    }
    let (mut front, mut ties, mut best_of_size) = (vec![], vec![], vec![]);
    let mut best_so_far = usize::MAX;
    for places in by_size.values() {
        // Entries are sorted by score, so a smaller place is a better score.
        let best = places[0];
        if best < best_so_far {
            best_so_far = best;
            front.push(best);
            ties.extend(places.iter().skip(1).take(1).filter(|&&i| entries[i].score.ties_with(&entries[best].score)));
        } else {
            best_of_size.push(best);
        }
    }
    // Where there is no room for all, the best-ranked of a kind stay.
    [&mut front, &mut ties, &mut best_of_size].into_iter().for_each(|places| places.sort_unstable());
    let mut listed = Vec::new();
    for place in front.into_iter().chain(ties).chain(best_of_size).chain((0..entries.len()).filter(may)) {
        if listed.len() < most && place != chosen && !listed.contains(&place) {
            listed.push(place);
        }
    }
    listed.sort_unstable();
    listed
}
