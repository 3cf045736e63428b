//! One law under two names: a form that was started at two numbers, and forms that are equal by algebra.
//!
//! Forms with numbers inside compete from several starts, since local minima decide contests: of two ends of one form the worse is no
//! alternative to the better. Forms that differ as texts may be one function, `1 + x/(x + c)` and `2 - c/(x + c)`: whether two fitted laws
//! are one is asked of their values at points in and about the data, as identities of polynomials are (Schwartz 1980).

use crate::family::Family;
use crate::refine::Law;
use crate::vocabulary::Vocabulary;
use vecfield_data::Trajectories;
use vecfield_traits::{At, ParametricField, VectorField};

/// Points at which two laws are compared.
const POINTS: usize = 64;
/// How far beyond the data the points reach to either side, as a share of its width there.
const BEYOND: f64 = 0.5;
/// Log-likelihoods of one maximum differ by less, however the minimisation came there.
const SAME_MAXIMUM: f64 = 0.02;
/// The share of its size by which a rate may differ: constants of one law are rounded by themselves in each form.
const SAME_RATE: f64 = 0.1;

/// Tells laws from others that are the same.
pub(crate) struct Twins<'a> {
    vocabulary: &'a Vocabulary,
    /// States in and about the data, and behind each a time of the first run.
    points: Vec<Vec<f64>>,
}

impl<'a> Twins<'a> {
    pub(crate) fn new(data: &Trajectories, vocabulary: &'a Vocabulary) -> Self {
        let times = data.runs()[0].times();
        let time = (times[0], times[times.len() - 1]);
        let ranges: Vec<(f64, f64)> = (0..data.dim()).map(|variable| range(data, variable)).chain([time]).collect();
        Self { vocabulary, points: spread(&ranges, POINTS) }
    }

    /// Are these two laws one?
    ///
    /// They are when they differ in the numbers inside their forms alone; and when they have equally many constants, the same maximum
    /// of the likelihood, and about the same rates wherever both have any.
    pub(crate) fn are(&self, a: &Law, b: &Law) -> bool {
        a.support.shape(self.vocabulary) == b.support.shape(self.vocabulary)
            || a.constants.len() == b.constants.len()
                && (a.log_likelihood - b.log_likelihood).abs() <= SAME_MAXIMUM
                && self.have_the_same_rates(a, b)
    }

    fn have_the_same_rates(&self, a: &Law, b: &Law) -> bool {
        let (Ok(f), Ok(g)) = (a.support.family(self.vocabulary), b.support.family(self.vocabulary)) else {
            return false;
        };
        let (mut f, mut g) = (Rates::new(&f, a), Rates::new(&g, b));
        let dim = self.vocabulary.variables().len();
        let (mut compared, mut size, mut difference) = (0, vec![0.0; dim], vec![0.0; dim]);
        for point in &self.points {
            let (state, t) = (&point[..dim], point[dim]);
            let (f, g) = (f.at(t, state), g.at(t, state));
            if f.iter().chain(g).any(|rate| !rate.is_finite()) {
                continue;
            }
            compared += 1;
            for (k, (f, g)) in f.iter().zip(g).enumerate() {
                size[k] += f * f + g * g;
                difference[k] += (f - g) * (f - g);
            }
        }
        // Half the sum of two squares is the mean square of the two rates.
        let close = |(difference, size): (&f64, &f64)| *difference <= SAME_RATE * SAME_RATE * 0.5 * size;
        2 * compared >= POINTS && difference.iter().zip(&size).all(close)
    }
}

/// A law's field with its memory.
struct Rates<'f> {
    field: At<'f, Family, f64>,
    work: <Family as ParametricField<f64>>::Workspace,
    rates: Vec<f64>,
}

impl<'f> Rates<'f> {
    fn new(family: &'f Family, law: &Law) -> Self {
        let field = family.of_run(&law.theta(), 0);
        Self { work: field.workspace(), rates: vec![0.0; field.dim()], field }
    }

    fn at(&mut self, t: f64, state: &[f64]) -> &[f64] {
        self.field.eval(t, state, &mut self.rates, &mut self.work);
        &self.rates
    }
}

/// Where a variable is measured, and a part of that beyond; what is positive stays so.
fn range(data: &Trajectories, variable: usize) -> (f64, f64) {
    let (least, most) =
        data.observed(variable).fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| (low.min(y), high.max(y)));
    let beyond = BEYOND * (most - least);
    let below = if least > 0.0 { (least - beyond).max(0.5 * least) } else { least - beyond };
    (below, most + beyond)
}

/// Points that fill a box evenly: `k α mod 1`, with `α_v = g^{-v}` and `g^{d+1} = g + 1` (Roberts 2018, after Kronecker).
fn spread(ranges: &[(f64, f64)], count: usize) -> Vec<Vec<f64>> {
    let root = 1.0 / (ranges.len() as f64 + 1.0);
    let g = (0..40).fold(1.5_f64, |g, _| (1.0 + g).powf(root));
    let component = |k: usize, v: usize| {
        let (low, high) = ranges[v];
        low + (high - low) * (0.5 + k as f64 * g.powi(-(v as i32 + 1))).fract()
    };
    (0..count).map(|k| (0..ranges.len()).map(|v| component(k, v)).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::{Twins, spread};
    use crate::contest::Contest;
    use crate::model::Support;
    use crate::observer::Pulse;
    use crate::refine::Law;
    use crate::vocabulary::Vocabulary;
    use vecfield_adjoint::Noise;
    use vecfield_data::{Trajectories, Trajectory};

    /// `y' = 1/(1 + y)` from `y(0) = 0`, that is `y = √(1 + 2t) - 1`, and an error of about 1 %.
    fn slowing() -> Trajectories {
        let times: Vec<f64> = (0..40).map(|k| 0.2 * f64::from(k)).collect();
        let values =
            times.iter().enumerate().map(|(k, t)| (1.0 + 2.0 * t).sqrt() - 1.0 + 0.02 * (7.3 * k as f64).sin());
        let run = Trajectory::new(times.clone(), values.collect(), vec![]).unwrap();
        Trajectories::new(vec!["y".into()], vec![], vec![run]).unwrap()
    }

    /// Fitted laws with these features, and what tells them apart.
    fn laws(forms: &[&[&str]]) -> (Contest<'static>, Vec<Law>) {
        let data: &'static Trajectories = Box::leak(Box::new(slowing()));
        let vocabulary = Vocabulary::new(data.variables(), 2, vec![]).unwrap();
        let further = forms.iter().copied().flatten().map(|text| (*text).to_string());
        let contest = Contest::new(data, vocabulary.with_further(further).unwrap(), Noise::Additive).unwrap();
        let law = |form: &&[&str]| {
            let keys = vec![form.iter().map(|key| (*key).to_string()).collect()];
            contest.refine(&Support::of(&keys, contest.vocabulary()).unwrap(), Pulse::unobserved()).unwrap()
        };
        let laws = forms.iter().map(law).collect();
        (contest, laws)
    }

    #[test]
    fn a_form_from_two_starts_is_one_law() {
        let (contest, laws) = laws(&[&["1/(y + 0.7)"], &["1/(y + 1.6)"], &["1"], &["1", "y"]]);
        let twins = Twins::new(contest.data(), contest.vocabulary());
        assert!(twins.are(&laws[0], &laws[1]) && twins.are(&laws[2], &laws[2]));
        assert!(!twins.are(&laws[0], &laws[2]) && !twins.are(&laws[0], &laws[3]) && !twins.are(&laws[2], &laws[3]));
    }

    /// `a + b y/(y + c) = a + b - b c/(y + c)`; `1/(y + c)` alone has one constant less, and a parabola other rates.
    #[test]
    fn forms_that_are_equal_by_algebra_are_one_law() {
        let (contest, laws) =
            laws(&[&["1", "y/(y + 1.2)"], &["1", "1/(y + 0.9)"], &["1/(y + 0.9)"], &["1", "y", "y^2"]]);
        let twins = Twins::new(contest.data(), contest.vocabulary());
        assert!(twins.are(&laws[0], &laws[1]));
        assert!(!twins.are(&laws[1], &laws[2]) && !twins.are(&laws[0], &laws[3]));
    }

    /// Every part of the box has about its share of the points.
    #[test]
    fn points_are_spread_evenly() {
        let points = spread(&[(-1.0, 1.0), (0.0, 4.0), (2.0, 3.0)], 64);
        for (v, (low, middle)) in [(-1.0, 0.0), (0.0, 2.0), (2.0, 2.5)].into_iter().enumerate() {
            let lower = points.iter().filter(|point| (low..middle).contains(&point[v])).count();
            assert!((28..=36).contains(&lower), "{lower} of 64 points have a small component {v}");
        }
    }
}
