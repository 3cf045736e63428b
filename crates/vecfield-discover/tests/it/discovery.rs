//! What is found is what the data were made from; units, threads and rests of noise change nothing.

use crate::data::{Scatter, assert_saturating, logistic, predator_prey, saturating, table};
use proptest::prelude::*;
use std::sync::atomic::Ordering::Relaxed;
use vecfield_adjoint::Noise;
use vecfield_discover::curve::curves;
use vecfield_discover::ledger::{Entries, Ledger};
use vecfield_discover::{Discovery, NoiseChoice, Observer, Options, Progress, Unobserved, Verdict, discover};

/// Polynomials under additive noise.
fn additive() -> Options {
    Options { noise: NoiseChoice::Only(Noise::Additive), operators: None, ..Options::default() }
}

/// The features of every equation of the chosen law.
fn terms(found: &Discovery) -> Vec<Vec<&str>> {
    let key = |&k: &usize| found.vocabulary.features()[k].key();
    found.chosen.law.support.equations.iter().map(|set| set.iter().map(key).collect()).collect()
}

/// No two laws on the list are one form with other numbers inside.
fn assert_no_form_stands_twice(found: &Discovery) {
    let mut forms = std::collections::BTreeSet::new();
    for candidate in std::iter::once(&found.chosen).chain(&found.alternatives) {
        let support = &candidate.law.support;
        let form = support.features(&found.vocabulary, &vec![1.0; support.constants(&found.vocabulary)]);
        assert!(forms.insert(form.clone()), "{form:?} stands twice");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// The unit of a variable changes its constants and nothing else (but which of them are near a round number, hence the
    /// tolerances).
    #[test]
    fn units_change_nothing(unit in 1e-3..1e3_f64, seed in 0..20_u64) {
        let data = logistic(1.0, 1.0, 18, 1.0, seed);
        let scaled = table(&["y"], data.runs()[0].times().to_vec(), data.observed(0).map(|v| unit * v).collect());
        let (a, b) = (discover(&data, &additive(), &Unobserved).unwrap(), discover(&scaled, &additive(), &Unobserved).unwrap());
        prop_assert_eq!(terms(&a), terms(&b));
        prop_assert_eq!(a.verdict, b.verdict);
        prop_assert!((a.chosen.law.r2_all - b.chosen.law.r2_all).abs() < 1e-3);
        prop_assert!((a.chosen.score.mean() - b.chosen.score.mean()).abs() < 1e-3);
    }
}

/// Logistic growth is found from twenty measurements with 1 % noise, whatever its rate and capacity, in nine of ten data sets
/// at least; its constants lie within three standard errors.
#[test]
fn logistic_growth_is_found() {
    let mut hits = 0;
    for seed in 0..20_u8 {
        let (rate, capacity) = (0.3 + 0.1 * f64::from(seed), 0.5 * 1.4_f64.powi(i32::from(seed)));
        let found = discover(&logistic(rate, capacity, 20, 1.0, seed.into()), &additive(), &Unobserved).unwrap();
        if terms(&found) != [["y", "y^2"]] || found.verdict == Verdict::None {
            continue;
        }
        hits += 1;
        for (constant, truth) in found.chosen.law.constants.iter().zip([rate, -rate / capacity]) {
            let error = constant.stderr.unwrap_or(0.02 * truth.abs());
            assert!((constant.value - truth).abs() <= 3.0 * error, "{constant:?} for {truth}, seed {seed}");
        }
    }
    assert!(hits >= 18, "{hits} of 20");
}

/// Noise about a constant and random walks: at most one in twenty is called a law, and most are called nothing.
#[test]
fn noise_is_no_law() {
    let (mut laws, mut none) = (0, 0);
    for seed in 0..40 {
        let (mut scatter, mut sum) = (Scatter::new(seed), 5.0);
        let mut value = || {
            let step = scatter.normal();
            sum += 0.2 * step;
            if seed % 2 == 0 { 5.0 + step } else { sum }
        };
        let data = table(&["y"], (0..40).map(|k| 0.5 * f64::from(k)).collect(), (0..40).map(|_| value()).collect());
        let verdict = discover(&data, &additive(), &Unobserved).unwrap().verdict;
        laws += u32::from(verdict == Verdict::Law);
        none += u32::from(verdict == Verdict::None);
    }
    assert!(laws <= 2 && none >= 34, "{laws} laws and {none} times nothing in 40");
}

/// Gompertz growth, `y' = -0.8 y ln(y/3)`, is no polynomial; from its closed form with 0.1 % noise.
fn gompertz() -> vecfield_data::Trajectories {
    let mut scatter = Scatter::new(3);
    let times: Vec<f64> = (0..60).map(|k| 0.1 * f64::from(k)).collect();
    let exact = |t: f64| 3.0 * (-3.0 * (-0.8 * t).exp()).exp();
    let values = times.iter().map(|&t| exact(t) + 0.003 * scatter.normal()).collect();
    table(&["y"], times, values)
}

#[test]
fn what_is_no_polynomial_is_composed() {
    let data = gompertz();
    let options = Options { operators: "+,-,*,/,log,exp".parse().ok(), ..additive() };
    let found = discover(&data, &options, &Unobserved).unwrap();
    let (graph, formulas) = found.chosen.law.support.formulas(&found.vocabulary, &found.chosen.law.theta());
    let program = vecfield_expr::Program::compile(&graph, &formulas, &["y".to_string()]).unwrap();
    let mut value = [0.0];
    for y in [0.3, 0.8, 1.5, 2.5, 4.0] {
        program.eval(&[y], &mut value, &mut program.registers());
        let truth = -0.8 * y * (y / 3.0_f64).ln();
        assert!((value[0] - truth).abs() < 0.02, "{} at {y}: {} for {truth}", graph.to_text(formulas[0]), value[0]);
    }
    // There may be another way to write it.
    assert_ne!(found.verdict, Verdict::None);
    assert_no_form_stands_twice(&found);
}

/// Few noisy points of many runs: rates of smoothed paths tell a fraction from a cubic no more, the flow of the cubic does.
#[test]
fn fractions_are_found_where_rates_are_not_known() {
    let options = Options { operators: "+,-,*,/".parse().ok(), candidates: 60, ..additive() };
    let found = discover(&saturating(8, 10, 1.0, 5), &options, &Unobserved).unwrap();
    assert_saturating(&found);
    assert_no_form_stands_twice(&found);
}

/// What is known is in the law, with no constant of its own, and what is left is found beside it.
#[test]
fn the_rest_of_a_known_law_is_found() {
    let known = vec![vecfield_sindy::Known { variable: "y".into(), formula: "1.5*y".into() }];
    let options = Options { known, ..additive() };
    let found = discover(&logistic(1.5, 2.0, 20, 1.0, 4), &options, &Unobserved).unwrap();
    assert_eq!(terms(&found), [["y^2"]]);
    let constant = found.chosen.law.constants[0];
    assert!((constant.value + 0.75).abs() < 0.02, "{constant:?}");
    let (graph, formulas) = found.chosen.law.support.formulas(&found.vocabulary, &[-0.75]);
    assert_eq!(graph.to_text(formulas[0]), "1.5*y - 0.75*y^2");
    // The number before a term that is known is known.
    let other = |candidate: &vecfield_discover::Candidate| candidate.law.support.equations[0].clone();
    let linear = found.vocabulary.position("y").unwrap();
    assert!(found.alternatives.iter().all(|candidate| !other(candidate).contains(&linear)));
    let wrong = vec![vecfield_sindy::Known { variable: "z".into(), formula: "y".into() }];
    let refused = discover(&logistic(1.5, 2.0, 20, 1.0, 4), &Options { known: wrong, ..additive() }, &Unobserved);
    assert!(refused.is_err_and(|error| error.to_string().contains('z')));
}

/// Predator and prey with gaps and noise: exactly the four terms, in first place.
#[test]
fn predator_and_prey_are_found() {
    let options = Options { candidates: 300, ..additive() };
    let found = discover(&predator_prey(2.0, 36, 3), &options, &Unobserved).unwrap();
    assert_eq!(terms(&found), [["prey", "prey*predator"], ["predator", "prey*predator"]]);
    assert_eq!(found.verdict, Verdict::Law);
    for (constant, truth) in found.chosen.law.constants.iter().zip([0.6, -0.5, -0.7, 0.45]) {
        assert!((constant.value / truth - 1.0).abs() < 0.05, "{constant:?} for {truth}");
    }
}

/// One thread and three give the same bits.
#[test]
fn threads_change_nothing() {
    // Few rows, where forecasts decide alone, and many, where laws are climbed to.
    for (data, candidates) in [(logistic(0.7, 30.0, 18, 2.0, 1), 2000), (predator_prey(1.0, 70, 2), 20)] {
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let options = Options { candidates, ..additive() };
            pool.install(|| discover(&data, &options, &Unobserved).unwrap())
        };
        let (one, three) = (on(1), on(3));
        assert_eq!(format!("{:?}", one.chosen), format!("{:?}", three.chosen));
        assert_eq!(format!("{:?}", one.alternatives), format!("{:?}", three.alternatives));
    }
}

/// Keeps a ledger, and cuts the run after so many candidates.
struct Cutting {
    left: std::sync::atomic::AtomicUsize,
    ledger: Ledger,
}

impl Observer for Cutting {
    fn goes_on(&self, _progress: Progress) -> bool {
        let left = &self.left;
        left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    fn ledger(&self) -> Option<&Ledger> {
        Some(&self.ledger)
    }
}

/// A run that was cut, wherever that was, and goes on with its ledger ends as one that never was, and judges nothing twice.
#[test]
fn a_run_goes_on_where_it_was_cut() {
    let data = logistic(0.7, 30.0, 18, 2.0, 1);
    let options = Options { operators: "+,-,*,/".parse().ok(), ..additive() };
    let run = |steps: usize, entries: Entries| {
        let observer = Cutting { left: steps.into(), ledger: Ledger::new(entries) };
        let found = discover(&data, &options, &observer);
        (found, observer.ledger.entries())
    };
    let (whole, all) = run(usize::MAX, Entries::default());
    let whole = whole.unwrap();
    assert!(run(300, Entries::default()).1.judged.len() < all.judged.len());
    for steps in [3, 300, 3000] {
        let (cut, known) = run(steps, Entries::default());
        assert!(cut.is_err() || known.judged.len() <= all.judged.len());
        assert!(known.judged.iter().all(|(name, judged)| all.judged[name] == *judged));
        let (resumed, after) = run(usize::MAX, known);
        let resumed = resumed.unwrap();
        assert_eq!(format!("{:?}", resumed.chosen), format!("{:?}", whole.chosen));
        assert_eq!(format!("{:?}", resumed.alternatives), format!("{:?}", whole.alternatives));
        assert_eq!(after, all);
    }
    // With all of it known, no forecast is fitted again: what is left is to fit the best to all the data.
    let (again, after) = run(usize::MAX, all.clone());
    assert_eq!(format!("{:?}", again.unwrap().chosen), format!("{:?}", whole.chosen));
    assert_eq!(after, all);
}

/// Where all values are positive the noise model is chosen by likelihood: noise made proportional is seen to be.
#[test]
fn the_likelihood_knows_the_noise() {
    let mut scatter = Scatter::new(9);
    let times: Vec<f64> = (0..30).map(|k| 0.25 * f64::from(k)).collect();
    let exact = |t: f64| 100.0 / (1.0 + 99.0 * (-t).exp());
    let proportional = times.iter().map(|&t| exact(t) * (0.05 * scatter.normal()).exp()).collect();
    let level: Vec<f64> = times.iter().map(|&t| 10.0 + exact(t) + 2.0 * scatter.normal()).collect();
    let find = |values| discover(&table(&["y"], times.clone(), values), &Options::default(), &Unobserved).unwrap();
    assert_eq!(find(proportional).noise, Noise::Multiplicative);
    assert_eq!(find(level).noise, Noise::Additive);
}

/// A curve meets the fitted states at the times of measurement, and its band is no wider there than the data allow.
#[test]
fn curves_pass_through_the_fit() {
    let data = logistic(0.7, 30.0, 18, 2.0, 4);
    let found = discover(&data, &additive(), &Unobserved).unwrap();
    let law = &found.chosen.law;
    let curve = &curves(&data, &found.vocabulary, law, 100).unwrap()[0];
    for (row, t) in data.runs()[0].times().iter().enumerate() {
        let at = curve.times.iter().position(|time| time == t).unwrap();
        assert!((curve.states[at] - law.fit.state(&data, 0, row)[0]).abs() < 1e-6);
        let (fine, coarse) = (curve.stderr.as_ref().unwrap()[at], law.band.as_ref().unwrap()[row]);
        assert!((fine / coarse - 1.0).abs() < 1e-3, "{fine} and {coarse}");
    }
}

/// The list holds the best of every size that no simpler one beats, in rank, without the chosen one.
#[test]
fn alternatives_are_ranked() {
    let found = discover(&logistic(0.7, 30.0, 18, 2.0, 5), &additive(), &Unobserved).unwrap();
    let scores: Vec<f64> = found.alternatives.iter().map(|other| other.score.mean()).collect();
    assert!(scores.windows(2).all(|pair| pair[0] <= pair[1]));
    assert!(scores.len() <= 12 && found.alternatives.iter().all(|other| other.law.support != found.chosen.law.support));
    assert!(found.alternatives.iter().any(|other| other.law.support.terms() == 0), "the simplest model is on the list");
}
