//! What fields with a structure, clocks, second methods and residual twins obey.

use std::ops::ControlFlow;

use proptest::prelude::*;
use vecfield_data::{Trajectories, Trajectory};
use vecfield_nde::trajectory::Forecaster;
use vecfield_nde::{Cost, Data, Model, Pass, Request, Settings, load, train};

fn settings(text: &str) -> Settings {
    toml::from_str(&format!("[model]\nkind = \"neural-ode\"\nprecision = \"double\"\n{text}")).expect("a model file")
}

fn whole(model: &Forecaster<f64>, samples: &[usize]) -> (Cost, Vec<f64>) {
    let mut gradient = vec![0.0; model.parameters().len()];
    (model.cost(samples, &Pass::whole(), &mut gradient, &mut model.memory()), gradient)
}

/// A turn of a pendulum from several heights, `q` and `p = 3 q'`.
fn pendulum(starts: &[f64]) -> Trajectories {
    let run = |&start: &f64| {
        let (mut q, mut p, h) = (start, 0.0, 1e-3);
        let (mut times, mut values) = (vec![], vec![]);
        for step in 0..7001 {
            if step % 100 == 0 {
                times.push(h * step as f64);
                values.extend([q, p]);
            }
            p -= 0.5 * h * 3.0 * q.sin();
            q += h * p / 3.0;
            p -= 0.5 * h * 3.0 * q.sin();
        }
        Trajectory::new(times, values, vec![]).expect("increasing times")
    };
    Trajectories::new(vec!["q".into(), "p".into()], vec![], starts.iter().map(run).collect()).expect("two columns")
}

/// What a model forecasts of `data`, at its times, from the first rows alone.
fn forecast(model: &dyn vecfield_nde::Trained, data: &Trajectories) -> Vec<f64> {
    let blank = |run: &Trajectory| {
        let values = run.values().iter().enumerate().map(|(i, &v)| if i < 2 { v } else { f64::NAN }).collect();
        Trajectory::new(run.times().to_vec(), values, vec![]).expect("as before")
    };
    let asked = data.with_runs(data.runs().iter().map(blank).collect()).expect("as before");
    model.predict(Some(&Data::Trajectories(asked)), &Request::default()).expect("forecasts").values
}

/// Positions move as velocities say, in the data's own units, whatever was learned.
#[test]
fn positions_move_by_velocities() {
    let data = pendulum(&[1.0, 0.4]);
    let velocities = |run: &Trajectory| {
        let values = run.values().iter().enumerate().map(|(i, v)| if i % 2 == 0 { *v } else { v / 3.0 + 0.7 });
        Trajectory::new(run.times().to_vec(), values.collect(), vec![]).expect("as before")
    };
    let data = data.with_runs(data.runs().iter().map(velocities).collect()).expect("as before");
    let settings = settings(
        "[field]\nlayers = [6]\nstructure = \"second-order\"\n[solver]\nrtol = 1e-11\natol = 1e-11\n[optimizer]\nsteps = 5\n",
    );
    let training = train(&settings, &Data::Trajectories(data.clone()), 1, &mut |_| ControlFlow::Continue(()));
    let model = load(&training.expect("a training").checkpoint).expect("a model");
    let fine: Vec<f64> = (0..200).map(|k| 0.005 * k as f64).collect();
    let run = Trajectory::new(fine, [1.0, 0.7].repeat(200), vec![]).expect("a run");
    let states = forecast(&*model, &data.with_runs(vec![run]).expect("as before"));
    for k in 1..199 {
        // The error of a central difference is the step squared.
        let slope = (states[2 * k + 2] - states[2 * k - 2]) / 0.01;
        assert!((slope - states[2 * k + 1]).abs() < 1e-3, "{slope} and {}", states[2 * k + 1]);
    }
}

/// A Hamiltonian field learns a pendulum, and goes round for long where another drifts away.
#[test]
fn an_energy_stays_over_many_turns() {
    let data = pendulum(&[1.2, 0.9, 0.6, 0.3]);
    let energy = |structure: &str| {
        let text = format!(
            "[field]\nlayers = [16]\n{structure}[solver]\nrtol = 1e-8\natol = 1e-8\n[optimizer]\nlearning_rate = 0.02\nschedule = \"cosine\"\nstarts = \"anywhere\"\nphases = [{{steps = 200, horizon = 0.15}}, {{steps = 200, horizon = 0.3}}]\n"
        );
        let training =
            train(&settings(&text), &Data::Trajectories(data.clone()), 1, &mut |_| ControlFlow::Continue(()));
        let model = load(&training.expect("a training").checkpoint).expect("a model");
        let times: Vec<f64> = (0..100).map(|k| 0.6 * k as f64).collect();
        let run = Trajectory::new(times, [0.8, 0.0].repeat(100), vec![]).expect("a run");
        let states = forecast(&*model, &data.with_runs(vec![run]).expect("as before"));
        let of = |s: &[f64]| s[1] * s[1] / 6.0 + 3.0 * (1.0 - s[0].cos());
        let all: Vec<f64> = states.chunks(2).map(of).collect();
        all.iter().fold(0.0_f64, |most, e| most.max((e / all[0] - 1.0).abs()))
    };
    let [with, without] = ["structure = \"hamiltonian\"\n", ""].map(energy);
    // Learned from one turn, told over nine.
    assert!(with < 0.1 && with < 0.5 * without, "{with} and {without}");
}

/// The logarithmic clock sees rows at `exp(t)` as the plain one sees those at `t`.
#[test]
fn a_logarithmic_clock_reads_logarithms() {
    let data = pendulum(&[1.0, 0.4]);
    let late = |run: &Trajectory| {
        let times = run.times().iter().map(|t| t.exp()).collect();
        Trajectory::new(times, run.values().to_vec(), vec![]).expect("increasing times")
    };
    let late = data.with_runs(data.runs().iter().map(late).collect()).expect("as before");
    let told = |clock: &str, data: &Trajectories| {
        let settings = settings(&format!("[field]\nlayers = [6]\nclock = \"{clock}\"\n[optimizer]\nsteps = 20\n"));
        let training = train(&settings, &Data::Trajectories(data.clone()), 1, &mut |_| ControlFlow::Continue(()));
        forecast(&*load(&training.expect("a training").checkpoint).expect("a model"), data)
    };
    for (one, other) in told("linear", &data).iter().zip(told("log", &late)) {
        // ln(exp(t)) is t to rounding, which twenty steps enlarge.
        assert!((one - other).abs() < 1e-9, "{one} and {other}");
    }
    let refused = settings("[field]\nclock = \"log\"\n");
    let error = train(&refused, &Data::Trajectories(data), 1, &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(error.to_string().contains("t = 0"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    /// A second method gives what it gives alone, to the bit, and what it solves is counted.
    #[test]
    fn a_second_method_solves_what_the_first_cannot(decay in 20_000.0..40_000.0_f64, mild in 0.1..2.0_f64) {
        let run = |y: [f64; 2]| Trajectory::new(vec![0.0, 1.0, 3.0], y.repeat(3), vec![]).expect("a run");
        let data = Trajectories::new(vec!["x".into(), "y".into()], vec![], vec![run([1.0, 2.0]), run([0.5, -1.0])]);
        let data = Data::Trajectories(data.expect("two columns"));
        let model = |solver: &str| {
            let text = format!("normalise = false\n[field]\nlayers = []\n[solver]\nrtol = 1e-6\natol = 1e-8\n{solver}");
            let mut model = Forecaster::<f64>::prepare(&settings(&text), &data, 0).expect("a model");
            model.set_parameters(&[-decay, 0.0, 0.0, -mild, 0.1, 0.2]);
            model
        };
        let (failed, _) = whole(&model("method = \"tsit5\"\n"), &[0, 1]);
        prop_assert_eq!((failed.failed.len(), failed.work.retried), (2, 0));
        let (again, slopes) = whole(&model("method = \"tsit5\"\nretry = \"kvaerno5\"\n"), &[0, 1]);
        let (alone, expected) = whole(&model("method = \"kvaerno5\"\n"), &[0, 1]);
        prop_assert_eq!((again.good, again.work.retried), (2, 2));
        prop_assert_eq!((again.loss, slopes), (alone.loss, expected));
    }
}
