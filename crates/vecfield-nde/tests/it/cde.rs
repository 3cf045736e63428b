//! Neural controlled equations: gradients, causality, what they tell apart, what they refuse.

use std::ops::ControlFlow;

use proptest::prelude::*;
use vecfield_data::{Trajectories, Trajectory};
use vecfield_nde::cde::Controlled;
use vecfield_nde::{Data, NdeError, Request, RowsOf, Settings, load, resume, train};
use vecfield_nn::Random;

use crate::kinds::obeys;
use crate::training::on_threads;

fn settings(model: &str, more: &str) -> Settings {
    let text = format!("[model]\nkind = \"neural-cde\"\nhidden = 4\n{model}\n[field]\nlayers = [6]\n{more}");
    toml::from_str(&text).expect("a model file")
}

/// Which way points go around, with noise; times, lengths and the cells that are missing differ.
fn turning(count: usize, missing: f64) -> (Trajectories, Vec<i64>) {
    let mut random = Random::new(21);
    let mut labels = vec![];
    let mut run = |number: usize| {
        let turn = if number.is_multiple_of(2) { 1.0 } else { -1.0 };
        labels.push(if number.is_multiple_of(2) { 5 } else { -2 });
        let (mut t, phase) = (0.0, 6.3 * random.uniform());
        let (mut times, mut values) = (vec![], vec![]);
        for row in 0..10 + number % 4 {
            times.push(t);
            let cells = [(turn * t + phase).cos(), 10.0 * (turn * t + phase).sin()];
            values.extend(cells.map(|x| if row > 0 && random.uniform() < missing { f64::NAN } else { x }));
            t += 0.2 + 0.5 * random.uniform();
        }
        Trajectory::new(times, values, vec![]).expect("increasing times")
    };
    let runs = (0..count).map(&mut run).collect();
    (Trajectories::new(vec!["x".into(), "y".into()], vec![], runs).expect("two columns"), labels)
}

fn data(count: usize, missing: f64) -> Data {
    let (series, labels) = turning(count, missing);
    Data::Series(series, labels)
}

const PATHS: [&str; 9] = [
    "",
    "interpolation = \"linear\"",
    "interpolation = \"rectilinear\"",
    "interpolation = \"natural\"\nnormalise = false",
    "interpolation = \"akima\"\nsmoothing = 0.1",
    "interpolation = \"monotone\"",
    "depth = 2\nwindow = 3",
    "depth = 3",
    "window = 4\ndepth = 1\nnormalise = false",
];

#[test]
fn gradients_are_differences_and_batches_are_sums() {
    let by_rows = PATHS.into_iter().zip(["", "[solver]\nmethod = \"bs3\"\n"].into_iter().cycle());
    // Steps of any size, on paths without corners: near a corner they jump where the parameters change ever so little.
    let adaptive = ["", PATHS[3]].map(|path| (path, "[solver]\nmethod = \"tsit5\"\nrtol = 1e-13\natol = 1e-13\n"));
    for (path, solver) in by_rows.chain(adaptive) {
        let settings = settings(&format!("precision = \"double\"\n{path}"), solver);
        let missing = if solver.contains("rtol") { 0.0 } else { 0.2 };
        let model = Controlled::<f64>::prepare(&settings, &data(8, missing), 3).expect("a model");
        obeys(model, Some(2), 1e-5);
    }
}

#[test]
fn numbers_are_read_too() {
    // How fast points turn, with its sign.
    let (series, labels) = turning(64, 0.1);
    let values: Vec<f64> = series
        .runs()
        .iter()
        .zip(&labels)
        .map(|(run, label)| {
            let pace = 30.0 + run.times()[run.len() - 1];
            if *label == 5 { pace } else { -pace }
        })
        .collect();
    let data = Data::Valued(series.clone(), values.clone());
    let text = "precision = \"double\"";
    obeys(Controlled::<f64>::prepare(&settings(text, ""), &data, 3).expect("a model"), Some(2), 1e-5);
    let training = train(&settings("", "[optimizer]\nsteps = 150\n"), &data, 0, &mut |_| ControlFlow::Continue(()));
    let model = load(&training.expect("a training").checkpoint).expect("a model");
    let metrics = model.evaluate(&data).expect("metrics");
    // The numbers are 33 from their mean.
    assert!(metrics[0].0 == "rmse" && metrics[0].1 < 8.0, "{metrics:?}");
    let told = model.predict(Some(&Data::Trajectories(series.clone())), &Request::default()).expect("an answer");
    assert_eq!((told.of, told.columns.join(",")), (RowsOf::Trajectories, "label".into()));
    let squares: f64 = told.values.iter().zip(&values).map(|(a, b)| (a - b) * (a - b)).sum();
    assert!(((squares / 64.0).sqrt() - metrics[0].1).abs() < 1e-9);
    let same = Data::Valued(series, vec![0.5; 64]);
    assert!(Controlled::<f32>::prepare(&settings("", ""), &same, 0).is_err());
}

#[test]
fn trainings_repeat_on_any_threads_and_when_taken_up_again() {
    let (settings, data) = (settings("", "[optimizer]\nbatch = 20\nsteps = 6\n"), data(40, 0.2));
    let go = |_: &vecfield_nde::Progress<'_>| ControlFlow::Continue(());
    let [one, three] =
        [1, 3].map(|n| on_threads(n, || train(&settings, &data, 3, &mut |p| go(p)).expect("a training")));
    assert_eq!(one.checkpoint.to_bytes(), three.checkpoint.to_bytes());
    let mut until = |progress: &vecfield_nde::Progress<'_>| match progress.step {
        4 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let part = train(&settings, &data, 3, &mut until).expect("a training");
    assert_eq!(resume(&settings, &data, &part.checkpoint, &mut |p| go(p)).expect("the rest"), one);
}

#[test]
fn directions_are_told_apart() {
    let (series, labels) = turning(64, 0.1);
    let settings = settings("", "[optimizer]\nsteps = 80\n");
    let training =
        train(&settings, &Data::Series(series.clone(), labels.clone()), 0, &mut |_| ControlFlow::Continue(()));
    let model = load(&training.expect("a training").checkpoint).expect("a model");
    let metrics = model.evaluate(&Data::Series(series.clone(), labels.clone())).expect("metrics");
    assert!(metrics[0].0 == "accuracy" && metrics[0].1 > 0.98, "{metrics:?}");
    // Asked without labels, and with the columns in another order.
    let swapped = |run: &Trajectory| {
        let values = run.values().chunks(2).flat_map(|row| [row[1], row[0]]).collect();
        Trajectory::new(run.times().to_vec(), values, vec![]).expect("as before")
    };
    let other = Trajectories::new(vec!["y".into(), "x".into()], vec![], series.runs().iter().map(swapped).collect());
    let [own, other] = [series, other.expect("two columns")]
        .map(|series| model.predict(Some(&Data::Trajectories(series)), &Request::default()).expect("an answer"));
    assert_eq!(own, other);
    assert_eq!((own.of, own.columns.join(",")), (RowsOf::Trajectories, "label,p_0,p_1".into()));
    let right = own.values.chunks(3).zip(&labels).filter(|(row, label)| row[0] == **label as f64).count();
    assert_eq!(right as f64 / 64.0, metrics[0].1);
    assert!(own.values.chunks(3).all(|row| (row[1] + row[2] - 1.0).abs() < 1e-12));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// What a causal path says of a row does not change with what comes later, to the bit; the last row but one is the first that
    /// a change of the last may reach.
    #[test]
    fn later_rows_change_nothing_before_them(known in 2..9_usize, other in -9.0..9.0_f64, missing in 0.0..0.5_f64) {
        let (series, labels) = turning(4, missing);
        let changed = |run: &Trajectory| {
            let values = run.values().iter().enumerate().map(|(i, x)| if i < 2 * known { *x } else { other }).collect();
            Trajectory::new(run.times().to_vec(), values, vec![]).expect("as before")
        };
        let later = series.with_runs(series.runs().iter().map(changed).collect()).expect("as before");
        for path in ["", "interpolation = \"linear\"", "interpolation = \"rectilinear\"", "depth = 2\nwindow = 2"] {
            // Units are found in the data: leave them as they are.
            let settings = settings(&format!("normalise = false\nintensities = true\n{path}"), "");
            let said = [&series, &later].map(|series| {
                let data = Data::Series(series.clone(), labels.clone());
                Controlled::<f32>::prepare(&settings, &data, 3).expect("a model").along(1).expect("a solve")
            });
            let rows_a_piece = if path.contains("window") { 2 } else { 1 };
            let pieces_a_row = if path.contains("rectilinear") { 2 } else { 1 };
            let before = 2 * ((known - 1) / rows_a_piece * pieces_a_row);
            prop_assert_eq!(&said[0][..before], &said[1][..before]);
            prop_assert_ne!(&said[0][before..], &said[1][before..]);
        }
    }
}

#[test]
fn what_cannot_be_read_is_refused() {
    let refused = |settings: &Settings, data: &Data, word: &str| {
        let error = settings
            .check()
            .map_err(NdeError::from)
            .and_then(|()| Controlled::<f32>::prepare(settings, data, 0).map(|_| ()));
        let error = error.expect_err("no model").to_string();
        assert!(error.contains(word), "{error}");
    };
    let (series, labels) = turning(4, 0.0);
    let short =
        series.runs().iter().enumerate().map(|(i, run)| if i == 2 { run.slice(0..1).unwrap() } else { run.clone() });
    let one_row = Data::Series(series.with_runs(short.collect()).unwrap(), labels.clone());
    refused(
        &settings("", ""),
        &one_row,
        "trajectory 2, counted from 0: a path needs two rows or more, and there is one",
    );
    refused(&settings("", ""), &Data::Series(series.clone(), vec![1; 4]), "the same label");
    refused(&settings("", ""), &Data::Trajectories(series), "--labels");
    refused(&settings("", "[solver]\nmethod = \"rk4\"\nstep = 1.0\n"), &data(4, 0.0), "take `midpoint`");
    refused(&settings("interpolation = \"natural\"\ndepth = 2", ""), &data(4, 0.0), "leave `interpolation` out");
    refused(&settings("depth = 9", ""), &data(4, 0.0), "model.depth is 9");
    refused(&settings("window = 0", ""), &data(4, 0.0), "model.window is 0");
    refused(&settings("augment = 2", ""), &data(4, 0.0), "has no `augment`");
    assert!(toml::from_str::<Settings>("[model]\nkind = \"neural-cde\"\ninterpolation = \"cubic\"").is_err());
}
