//! What every training obeys: repeatable on any number of threads, taken up again to the bit, gradients that are right.

use std::ops::ControlFlow;

use vecfield_nde::{Data, Kind, NdeError, Request, RowsOf, Settings, Training, load, resume, train};
use vecfield_nn::Checkpoint;

use crate::turns;

const STARTS: [[f64; 2]; 6] = [[1.0, 0.0], [0.0, 1.0], [-0.5, 0.5], [0.3, -0.9], [0.8, 0.4], [-1.0, -0.2]];

fn settings(more: &str) -> Settings {
    let text = format!("[model]\nkind = \"neural-ode\"\n[field]\nlayers = [12]\n{more}");
    toml::from_str(&text).expect("a model file")
}

const SMALL: &str = "[optimizer]\nbatch = 4\nema = 0.9\nphases = [{steps = 12, horizon = 0.5}, {steps = 14}]\n";

fn data() -> Data {
    Data::Trajectories(turns(&STARTS))
}

fn trained(settings: &Settings, data: &Data) -> Training {
    train(settings, data, 3, &mut |_| ControlFlow::Continue(())).expect("a training")
}

pub(crate) fn on_threads<T: Send>(threads: usize, job: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads").install(job)
}

#[test]
fn threads_change_nothing() {
    // More samples than one chunk holds.
    let starts: Vec<[f64; 2]> = (0..40).map(|k| [(k as f64).sin(), (1.3 * k as f64).cos()]).collect();
    let data = Data::Trajectories(turns(&starts));
    let settings = settings("[optimizer]\nbatch = 40\nsteps = 4\n");
    let [one, three] = [1, 3].map(|threads| on_threads(threads, || trained(&settings, &data)));
    assert_eq!(one.checkpoint.to_bytes(), three.checkpoint.to_bytes());
}

#[test]
fn taken_up_again_is_never_broken_off() {
    let (settings, data) = (settings(SMALL), data());
    let whole = trained(&settings, &data);
    for stop in [1, 11, 12, 17, 25] {
        let mut until = |progress: &vecfield_nde::Progress<'_>| match progress.step {
            step if step == stop => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        };
        let part = train(&settings, &data, 3, &mut until).expect("a training");
        assert!(part.cut && part.done.steps == stop);
        let read = Checkpoint::from_bytes(&part.checkpoint.to_bytes().unwrap()).unwrap();
        let rest = resume(&settings, &data, &read, &mut |_| ControlFlow::Continue(())).expect("the rest");
        assert_eq!(rest, whole, "broken off after {stop} steps");
    }
}

#[test]
fn what_is_put_aside_on_the_way_is_taken_up_alike() {
    let (settings, data) = (settings(SMALL), data());
    let mut kept = None;
    let whole = train(&settings, &data, 3, &mut |progress| {
        if progress.step == 9 {
            kept = Some(progress.checkpoint().expect("a checkpoint"));
        }
        ControlFlow::Continue(())
    });
    let rest = resume(&settings, &data, &kept.unwrap(), &mut |_| ControlFlow::Continue(()));
    assert_eq!(rest.unwrap().checkpoint.to_bytes(), whole.unwrap().checkpoint.to_bytes());
}

#[test]
fn another_model_or_other_data_are_no_place_to_go_on() {
    let training = trained(&settings(SMALL), &data());
    let on = |settings: &Settings, data: &Data| {
        resume(settings, data, &training.checkpoint, &mut |_| ControlFlow::Continue(())).err()
    };
    let wider: Settings = toml::from_str("[model]\nkind = \"neural-ode\"\n[field]\nlayers = [13]\n").unwrap();
    assert!(matches!(on(&wider, &data()), Some(NdeError::OtherTraining { what }) if what == "[field]"));
    let fewer = Data::Trajectories(turns(&STARTS[1..]));
    assert!(matches!(on(&settings(SMALL), &fewer), Some(NdeError::OtherTraining { .. })));
}

#[test]
fn a_training_learns_and_forecasts() {
    let settings =
        settings("[optimizer]\nlearning_rate = 0.02\nphases = [{steps = 150, horizon = 0.3}, {steps = 250}]\n");
    let training = trained(&settings, &data());
    let model = load(&training.checkpoint).unwrap();
    let mse = model.evaluate(&data()).unwrap()[0].1;
    // The variance of the data is about 100: `v` has twenty times the amplitude of `x`.
    assert!(mse < 2.0, "{mse}");
    let history = &training.done.history;
    assert!(history.last().unwrap().loss < 0.1 * history[150].loss && training.done.skipped == 0);

    let answer = model.predict(Some(&data()), &Request::default()).unwrap();
    assert_eq!((answer.of, &answer.columns[..]), (RowsOf::Times, &["x".to_string(), "v".to_string()][..]));
    let Data::Trajectories(given) = data() else { unreachable!() };
    let cells: Vec<f64> = given.runs().iter().flat_map(|run| run.values().to_vec()).collect();
    for (given, answered) in cells.iter().zip(&answer.values) {
        assert!(answered.is_finite() && (given.is_nan() || given == answered));
    }
}

#[test]
fn the_first_row_alone_says_the_rest() {
    let training = trained(&settings(SMALL), &data());
    let model = load(&training.checkpoint).unwrap();
    let whole = turns(&STARTS[..2]);
    let first = |run: &vecfield_data::Trajectory| {
        let values = run.values().iter().enumerate().map(|(i, &v)| if i < 2 { v } else { f64::NAN }).collect();
        vecfield_data::Trajectory::new(run.times().to_vec(), values, vec![]).unwrap()
    };
    let asked = whole.with_runs(whole.runs().iter().map(first).collect()).unwrap();
    let answers = |data| model.predict(Some(&Data::Trajectories(data)), &Request::default()).unwrap().values;
    let (asked, alone) = (answers(asked.clone()), answers(asked.with_runs(asked.runs()[1..].to_vec()).unwrap()));
    // A forecast does not depend on those beside it.
    assert_eq!(asked[asked.len() - alone.len()..], alone);
}

#[test]
fn augmented_dimensions_pass_where_a_line_has_no_room() {
    // -1 goes to 1 and 1 to -1: on a line the two would have to meet.
    let run = |from: f64| vecfield_data::Trajectory::new(vec![0.0, 1.0], vec![from, -from], vec![]).unwrap();
    let data = vecfield_data::Trajectories::new(vec!["y".into()], vec![], vec![run(-1.0), run(1.0)]).unwrap();
    let mse = |model: &str| {
        let text =
            format!("[model]\n{model}\n[field]\nlayers = [16]\n[optimizer]\nsteps = 400\nlearning_rate = 0.02\n");
        let settings: Settings = toml::from_str(&text).unwrap();
        let data = Data::Trajectories(data.clone());
        load(&trained(&settings, &data).checkpoint).unwrap().evaluate(&data).unwrap()[0].1
    };
    assert!(mse("kind = \"neural-ode\"") > 0.9, "two solutions have crossed");
    let augmented = mse("kind = \"augmented-ode\"\naugment = 1");
    assert!(augmented < 1e-2, "{augmented}");
}

#[test]
fn every_kind_says_what_it_takes() {
    for kind in Kind::ALL {
        assert!(!kind.description().name.is_empty() && !kind.data().to_string().is_empty());
        let text = toml::to_string(&Settings::new(kind)).unwrap();
        assert_eq!(toml::from_str::<Settings>(&text).unwrap().model.kind, kind);
    }
}
