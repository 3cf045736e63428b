//! Fits that are watched, cut short, or given the rates.

use crate::sindy::data;
use crate::support::Noise;
use proptest::prelude::*;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use vecfield_data::{Trajectories, Trajectory};
use vecfield_sindy::{
    Bag, Candidates, Constraint, Family, Form, Model, Progress, Refinement, Selection, Sindy, SindyError,
};

fn table(names: [&str; 2], times: &[f64], values: Vec<f64>) -> Trajectories {
    let run = Trajectory::new(times.to_vec(), values, vec![]).unwrap();
    Trajectories::new(names.map(String::from).to_vec(), vec![], vec![run]).unwrap()
}

fn all_terms(model: &Model) -> Vec<(String, f64)> {
    (0..2).flat_map(|i| model.terms(i).map(move |(key, c, _)| (format!("{i} {key}"), c))).collect()
}

fn measured(selection: Selection) -> Sindy {
    Sindy { form: Form::Measured, selection, ..Sindy::new(vec![Family::Polynomial(2)]) }
}

proptest! {
    /// Rates that a law gives at any states, near each other or not, give back the law, whatever cells are missing.
    #[test]
    fn measured_rates_give_back_their_law(seed in any::<u64>(), law in prop::array::uniform4(0.3..2.0_f64), gaps in 0..4_usize) {
        let mut noise = Noise::new(seed);
        let times: Vec<f64> = (0..60).map(f64::from).collect();
        let mut states: Vec<f64> = (0..120).map(|_| noise.normal()).collect();
        let rates = |y: &[f64]| [law[0] * y[1] - law[1] * y[0] * y[0], law[2] - law[3] * y[0] * y[1]];
        let mut slopes: Vec<f64> = states.chunks(2).flat_map(rates).collect();
        for gap in 0..gaps {
            states[17 * gap + 3] = f64::NAN;
            slopes[23 * gap + 8] = f64::NAN;
        }
        let (data, rates) = (table(["x", "y"], &times, states), table(["u", "v"], &times, slopes));
        for selection in [Selection::Auto, Selection::Stlsq { threshold: 0.1, ridge: 0.0 }] {
            let model = measured(selection).on(&data).with_rates(&rates).run().unwrap();
            let found = all_terms(&model);
            let truth = [("0 x^2", -law[1]), ("0 y", law[0]), ("1 1", law[2]), ("1 x*y", -law[3])];
            prop_assert_eq!(found.len(), truth.len(), "{:?}", found);
            for (key, exact) in truth {
                let c = found.iter().find(|(k, _)| k == key).map(|(_, c)| *c);
                prop_assert!(c.is_some_and(|c| (c - exact).abs() < 1e-9), "{key} {exact}: {found:?}");
            }
        }
    }
}

#[test]
fn rates_of_other_rows_or_forms_are_refused() {
    let times = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
    let data = table(["x", "y"], &times, (0..12).map(|k| f64::from(k * k % 7)).collect());
    let sindy = measured(Selection::Auto);
    assert_eq!(sindy.fit(&data).unwrap_err(), SindyError::NoRates);
    let other = Sindy { form: Form::FiniteDifference(2), ..sindy.clone() };
    assert_eq!(other.on(&data).with_rates(&data).run().unwrap_err(), SindyError::RatesNeedForm);
    let late = table(["u", "v"], &times.map(|t| t + 0.5), vec![1.0; 12]);
    assert_eq!(sindy.on(&data).with_rates(&late).run().unwrap_err(), SindyError::RatesAtOtherTimes);
    let one = data.with_variables(&[1]).unwrap();
    assert_eq!(sindy.on(&data).with_rates(&one).run().unwrap_err(), SindyError::OtherRates { found: 1, wanted: 2 });
    let missing = table(["u", "v"], &times, [f64::NAN, 1.0].repeat(6));
    let none = SindyError::TooFewPoints { found: 0, needed: 5 };
    assert_eq!(sindy.on(&data).with_rates(&missing).run().unwrap_err(), none);
}

/// A fit that goes on for so many questions, and how often it was asked.
fn cut_after(sindy: &Sindy, data: &Trajectories, questions: usize) -> (Result<Model, SindyError>, usize) {
    let asked = AtomicUsize::new(0);
    let goes_on = |_: Progress| asked.fetch_add(1, Ordering::Relaxed) < questions;
    let found = sindy.on(data).watched(&goes_on).run();
    (found, asked.into_inner())
}

#[test]
fn a_fit_cut_short_has_what_was_found_until_then() {
    let data = data(0.05, 3, true, [1.0; 2]);
    let sindy = Sindy::new(vec![Family::Polynomial(3)]);
    let shares = Mutex::new(Vec::new());
    let watch = |progress: Progress| {
        shares.lock().unwrap().push(progress.share);
        true
    };
    let whole = sindy.on(&data).watched(&watch).run().unwrap();
    let shares = shares.into_inner().unwrap();
    assert!(shares.is_sorted() && *shares.last().unwrap() > 0.5 && shares.iter().all(|s| (0.0..1.0).contains(s)));
    assert!(!whole.is_cut());
    assert_eq!(all_terms(&whole), all_terms(&sindy.fit(&data).unwrap()), "a watch changes nothing");

    let all = shares.len();
    let mut refined = 0;
    for questions in [0, 1, 5, all / 8, all / 4, all / 2, 3 * all / 4, all - 1] {
        let (found, asked) = cut_after(&sindy, &data, questions);
        let found = found.unwrap();
        assert!(found.is_cut() && asked == questions + 1, "asked {asked} of {questions}");
        assert!(found.term_count() > 0 && found.trajectory_r2().is_none_or(f64::is_finite));
        match found.refinement() {
            Refinement::Shooting { .. } => refined += 1,
            other => assert_eq!(other, Refinement::None, "a fit that was cut short is not one that did not start"),
        }
        if questions == all - 1 {
            let keys = |model: &Model| all_terms(model).into_iter().map(|(key, _)| key).collect::<Vec<_>>();
            assert_eq!(keys(&found), keys(&whole));
        }
    }
    assert!(refined >= 2);
}

/// Everything that a fit tells, in order.
fn tale(sindy: &Sindy, data: &Trajectories) -> (Model, Vec<Progress>) {
    let told = Mutex::new(Vec::new());
    let watch = |progress: Progress| {
        told.lock().unwrap().push(progress);
        true
    };
    let model = sindy.on(data).watched(&watch).run().unwrap();
    (model, told.into_inner().unwrap())
}

/// Cut at any question, an ensemble has a result from the first on that comes after all rows were read: of as many members as there are, and
/// of all rows where there are none.
#[test]
fn an_ensemble_cut_short_is_smaller() {
    let data = data(0.0, 1, false, [1.0; 2]);
    let stlsq = Selection::Stlsq { threshold: 0.1, ridge: 0.0 };
    let rows = Sindy { ensemble: 12, form: Form::FiniteDifference(4), ..measured(stlsq) };
    let plain = Sindy { ensemble: 0, ..rows.clone() };
    let library = Sindy { bag: Bag::Library, ..rows.clone() };
    let smoothed = Sindy { form: Form::Integral, ..rows.clone() };
    let joint = Sindy { constraints: vec![Constraint::parse("hare[hare] = 1").unwrap()], ..rows.clone() };
    for sindy in [&rows, &library, &smoothed, &joint] {
        let (whole, told) = tale(sindy, &data);
        let first = told.iter().position(|progress| progress.stage == "fitting the ensemble").unwrap();
        assert!(told.len() >= first + 12 && !whole.is_cut(), "{} questions", told.len());
        for questions in 0..told.len() {
            let (found, asked) = cut_after(sindy, &data, questions);
            assert_eq!(asked, questions + 1);
            if questions < first && sindy.form != Form::Integral {
                assert_eq!(found.unwrap_err(), SindyError::Cut, "rows that were not read");
                continue;
            }
            let found = found.unwrap();
            assert!(found.is_cut() && found.term_count() > 0, "cut at {questions}");
            // The first members of each equation are those of a smaller ensemble.
            let resampled = (0..2).filter(|i| found.inclusion(*i).iter().all(|share| !share.is_nan())).count();
            assert_eq!(resampled == 0, questions <= first, "cut at {questions}: {resampled} were resampled");
            assert!((0..2).all(|i| found.inclusion(i).len() == found.coefficients(i).len()));
        }
    }
    let (found, _) = cut_after(&rows, &data, tale(&rows, &data).1.len() - 24);
    let (found, plain) = (all_terms(&found.unwrap()), all_terms(&plain.fit(&data).unwrap()));
    let keys = |terms: &[(String, f64)]| terms.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
    assert_eq!(keys(&found), keys(&plain), "no member was fitted");
    // Blocks of rows are added up in another order.
    assert!(found.iter().zip(&plain).all(|((_, a), (_, b))| (a - b).abs() < 1e-9 * b.abs()), "{found:?} {plain:?}");
}

/// Whatever is fitted, the shares that it tells stay from 0 to 1 and never fall.
#[test]
fn shares_never_fall() {
    let data = data(0.02, 3, false, [1.0; 2]);
    let of = |library: &str| Sindy::new(Candidates::parse(library).unwrap());
    let opened = of("polynomial:1,custom:hare*lynx/(K + hare)");
    let stlsq = Selection::Stlsq { threshold: 0.1, ridge: 0.0 };
    let read = Sindy { form: Form::FiniteDifference(2), selection: stlsq, ..opened.clone() };
    let many = Sindy { ensemble: 20, ..of("polynomial:2") };
    for sindy in [&of("polynomial:2"), &opened, &read, &Sindy { ensemble: 20, ..read.clone() }, &many] {
        let shares: Vec<f64> = tale(sindy, &data).1.iter().map(|progress| progress.share).collect();
        assert!(shares.is_sorted(), "{:?}", shares.windows(2).find(|pair| pair[1] < pair[0]));
        assert!(shares.iter().all(|share| (0.0..1.0).contains(share)) && *shares.last().unwrap() > 0.0);
    }
}
