//! Which of the candidates is the law, and may it be called one?

use crate::contest::Entry;
use crate::discovery::Candidate;
use crate::refine::Law;
use crate::score::Score;

/// What the data support.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// One candidate forecasts clearly better than no dynamics at all, and no credible rival does as well.
    Law,
    /// The data cannot tell the first candidate from a rival that is as simple or forecasts better.
    Tentative,
    /// Nothing forecasts clearly better than a constant or a random walk.
    None,
}

impl Verdict {
    /// The word in the output.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Law => "law",
            Verdict::Tentative => "tentative",
            Verdict::None => "none",
        }
    }
}

/// A law's forecast errors must be below this share of the best null's. The best of a thousand candidates beats a null by
/// ten or twenty percent through luck alone; a third is beyond luck at the four origins used (see the pure-noise test).
const CLEARLY: f64 = 0.7;

/// A candidate is decisively worse than another when its BIC is larger by more than this (Kass & Raftery 1995: "strong" from 6).
pub const STRONG: f64 = 6.0;

/// The most candidates between which the likelihood decides: half of them for their forecasts, half for being simple, since the law is
/// the simplest of its equals and a crowd of slightly better forecasters must not hide it.
const MOST_CONTENDERS: usize = 24;

/// Places in `entries` (best score first) of the candidates, of those `among` which one is sought, that may be the law: those whose
/// forecasts cannot be told from the best ones and that are no more complex. The simplest of them that none beats strongly in likelihood
/// is the law: among models that forecast alike the likelihood punishes those that do not fit, and it cannot favour one for bending to
/// the noise, as none is larger than the best forecaster.
pub fn contenders(entries: &[Entry], among: impl Fn(&Entry) -> bool) -> Vec<usize> {
    let Some(best) = entries.iter().find(|entry| among(entry)) else { return vec![] };
    let contends = |entry: &Entry| entry.complexity <= best.complexity && entry.score.ties_with(&best.score);
    few(entries, (0..entries.len()).filter(|&i| among(&entries[i]) && contends(&entries[i])).collect())
}

/// Places of the candidates that are no more complex than the one at `place` and forecast as well, itself among them.
pub fn rivals(entries: &[Entry], place: usize, among: impl Fn(&Entry) -> bool) -> Vec<usize> {
    let mut rivals = no_larger(entries, place, |entry| among(entry) && entry.score.ties_with(&entries[place].score));
    rivals.push(place);
    rivals
}

/// Places of the candidates that are no more complex than the one at `place`, and whose forecasts are worse, but within two standard errors. Four
/// origins estimate those badly: what is likelier for all the data and no larger is not given up for them.
pub(crate) fn near_rivals(entries: &[Entry], place: usize, among: impl Fn(&Entry) -> bool) -> Vec<usize> {
    let score = &entries[place].score;
    let near = |entry: &Entry| !entry.score.ties_with(score) && entry.score.errors_over(score) <= NEARLY;
    no_larger(entries, place, |entry| among(entry) && near(entry))
}

/// A few of the candidates that are no more complex than the one at `place`.
fn no_larger(entries: &[Entry], place: usize, is_one: impl Fn(&Entry) -> bool) -> Vec<usize> {
    let most = entries[place].complexity;
    let others = (0..entries.len()).filter(|&i| i != place && entries[i].complexity <= most && is_one(&entries[i]));
    few(entries, others.collect())
}

/// Forecasts that are worse by no more standard errors than this may be as good.
const NEARLY: f64 = 2.0;

/// The first of some places, and the simplest of the rest.
fn few(entries: &[Entry], places: Vec<usize>) -> Vec<usize> {
    let (first, others) = places.split_at(places.len().min(MOST_CONTENDERS / 2));
    let mut few = others.to_vec();
    few.sort_by_key(|&i| (entries[i].complexity, i));
    few.truncate(MOST_CONTENDERS / 2);
    few.extend(first);
    few.sort_unstable();
    few
}

/// Terms are supported by the likelihood when they lower the BIC by more than this (Kass & Raftery 1995: "positive" from 2).
const POSITIVE: f64 = 2.0;

/// Places of the candidates that are the one at `place` with terms left out, and whose forecasts are within two standard
/// errors of its own.
pub fn reductions(entries: &[Entry], place: usize) -> Vec<usize> {
    let whole = &entries[place];
    let reduction = |entry: &Entry| {
        entry.support != whole.support
            && whole.support.contains(&entry.support)
            && entry.score.errors_over(&whole.score) <= NEARLY
    };
    (0..entries.len()).filter(|&i| reduction(&entries[i])).take(MOST_CONTENDERS).collect()
}

/// Does the likelihood support a law against another that is no smaller?
pub(crate) fn is_likelier(law: &Law, other: &Law) -> bool {
    law.bic + POSITIVE <= other.bic
}

/// May `part`, which is `whole` with terms left out, stand in its place? Yes when the likelihood does not support the terms.
pub fn suffices(part: &Law, whole: &Law) -> bool {
    part.bic <= whole.bic + POSITIVE
}

/// Judges the `chosen` candidate against the nulls and the `others`.
pub fn judge(chosen: &Candidate, others: &[Candidate], nulls: &[Score]) -> Verdict {
    let best_null = nulls.iter().min_by(|a, b| a.mean().total_cmp(&b.mean()));
    if chosen.law.support.terms() == 0 || best_null.is_some_and(|null| !clearly_beats(&chosen.score, null)) {
        return Verdict::None;
    }
    let rival = |other: &Candidate| {
        let as_simple = other.law.complexity <= chosen.law.complexity && other.score.ties_with(&chosen.score);
        let better = other.score.mean() < chosen.score.mean();
        let credible = other.law.bic <= chosen.law.bic + STRONG;
        credible && (as_simple || better) && !other.law.support.contains(&chosen.law.support)
    };
    if others.iter().any(rival) { Verdict::Tentative } else { Verdict::Law }
}

/// Is the mean error well below the null's, and at no more than one origin above it?
fn clearly_beats(score: &Score, null: &Score) -> bool {
    let lost = score.by_origin().iter().zip(null.by_origin()).filter(|(a, b)| a > b).count();
    score.mean() <= CLEARLY * null.mean() && lost <= 1
}

#[cfg(test)]
mod tests {
    use super::{near_rivals, rivals};
    use crate::contest::Entry;
    use crate::model::Support;
    use crate::score::Score;

    fn entry(complexity: usize, errors: [f64; 4]) -> Entry {
        let support = Support { equations: vec![vec![complexity]] };
        Entry { score: Score::new(100, errors), ..Entry::new(support, complexity, 100) }
    }

    /// What forecasts alike is a rival; what forecasts worse within two errors is a near one; neither is larger.
    #[test]
    fn rivals_are_alike_or_near_and_no_larger() {
        // The mean differences are 0.4, 1.4 and 2.8 times what a root mean square of 100 errors is known to.
        let entries = [
            entry(7, [0.100, 0.100, 0.100, 0.100]),
            entry(6, [0.103, 0.095, 0.107, 0.107]),
            entry(6, [0.110, 0.120, 0.102, 0.108]),
            entry(6, [0.120, 0.110, 0.130, 0.120]),
            entry(8, [0.110, 0.120, 0.102, 0.108]),
        ];
        let any = |_: &Entry| true;
        assert_eq!(rivals(&entries, 0, any), [1, 0]);
        assert_eq!(near_rivals(&entries, 0, any), [2]);
        assert!(near_rivals(&entries, 0, |entry| entry.complexity == 8).is_empty());
    }
}
