//! Series moved by chance: gradients, laws that are found again, and what is refused.

use std::ops::ControlFlow;

use vecfield_data::{Trajectories, Trajectory};
use vecfield_nde::{
    Data, Model, Request, Settings, Trained, latent_sde::LatentSde, load, neural_sde::NeuralSde, train,
};
use vecfield_nn::Random;

use crate::kinds::{STARTS, obeys, settings};
use crate::turns;

/// The same with nothing measured at the first row of one of them.
fn without_first_row(data: &Trajectories, run: usize) -> Trajectories {
    let blank = |(i, of): (usize, &Trajectory)| {
        let mut values = of.values().to_vec();
        if i == run {
            values[..of.dim()].fill(f64::NAN);
        }
        Trajectory::new(of.times().to_vec(), values, vec![]).expect("a run")
    };
    data.with_runs(data.runs().iter().enumerate().map(blank).collect()).expect("runs")
}

/// Away from where networks begin.
fn moved<M: Model<f64>>(mut model: M) -> M {
    let mut random = Random::new(2);
    let theta: Vec<f64> = model.parameters().iter().map(|theta| theta + 0.2 * random.normal()).collect();
    model.set_parameters(&theta);
    model
}

/// Of different lengths, with cells missing, and one without a reading at its first row.
fn gappy() -> Data {
    Data::Trajectories(without_first_row(&turns(&STARTS), 2))
}

#[test]
fn latent_stochastic_equations_have_the_gradients_of_their_bound() {
    for more in ["[field]\nlayers = [6]\ntime = true\n[solver]\nstep = 0.3\n", "decoder = [5]\n[field]\nlayers = []\n"]
    {
        let text = format!("[model]\nkind = \"latent-sde\"\nprecision = \"double\"\nlatent = 3\nhidden = 4\n{more}");
        let model = moved(LatentSde::<f64>::prepare(&settings(&text), &gappy(), 3).expect("a model"));
        obeys(model.clone(), Some(2), 1e-5);
        obeys(model, None, 1e-5);
    }
}

#[test]
fn generators_have_the_gradients_of_their_score() {
    for more in ["latent = 3\n[field]\nlayers = [6]\ntime = true\n[solver]\nstep = 0.3\n", "normalise = false\n"] {
        let text = format!("[model]\nkind = \"neural-sde\"\nprecision = \"double\"\n{more}");
        let model = moved(NeuralSde::<f64>::prepare(&settings(&text), &gappy(), 3).expect("a model"));
        obeys(model.clone(), Some(2), 1e-5);
        obeys(model, None, 1e-5);
    }
}

/// Readings of an Ornstein–Uhlenbeck process about 3, `dx = (3 - x) dt + 0.8 dW`, from where it has been long, at irregular times.
fn returning(count: usize) -> Data {
    let mut random = Random::new(4);
    let run = |_| {
        let (mut t, mut x) = (0.0, 3.0 + 0.32_f64.sqrt() * random.normal());
        let (mut times, mut values) = (vec![], vec![]);
        while t < 2.0 {
            times.push(t);
            values.push(x);
            let dt = 0.1 + 0.2 * random.uniform();
            x = 3.0 + (x - 3.0) * (-dt).exp() + (0.32 * (1.0 - (-2.0 * dt).exp())).sqrt() * random.normal();
            t += dt;
        }
        Trajectory::new(times, values, vec![]).expect("a run")
    };
    Data::Trajectories(Trajectories::new(vec!["x".into()], vec![], (0..count).map(run).collect()).expect("runs"))
}

fn trained(text: &str, data: &Data) -> Box<dyn Trained> {
    let training = train(&settings(text), data, 0, &mut |_| ControlFlow::Continue(())).expect("a training");
    load(&training.checkpoint).expect("a model")
}

/// Mean and standard deviation of the process at the end, and of its step from 1.5 to 2.
fn law(model: &dyn Trained) -> [f64; 3] {
    let times: Vec<f64> = (0..=4).map(|k| 0.5 * f64::from(k)).collect();
    let asked = Trajectory::new(times, vec![f64::NAN; 5], vec![]).expect("a run");
    let asked = Data::Trajectories(Trajectories::new(vec!["x".into()], vec![], vec![asked]).expect("a table"));
    let request = Request { samples: Some(1000), seed: 1 };
    let drawn = model.predict(Some(&asked), &request).expect("series");
    assert_eq!(drawn.columns, ["trajectory", "t", "x"]);
    assert_eq!(drawn, model.predict(Some(&asked), &request).expect("series"));
    let series: Vec<&[f64]> = drawn.values.chunks(15).collect();
    let deviation = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (mean, (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / values.len() as f64).sqrt())
    };
    let (mean, at_end) = deviation(&series.iter().map(|of| of[14]).collect::<Vec<_>>());
    let (_, step) = deviation(&series.iter().map(|of| of[14] - of[11]).collect::<Vec<_>>());
    [mean, at_end, step]
}

/// Stationary: √0.32; a step over 0.5: √(2 · 0.32 (1 - e^-0.5)).
fn is_the_law([mean, at_end, step]: [f64; 3]) {
    assert!((mean - 3.0).abs() < 0.1, "mean {mean}");
    assert!((at_end / 0.32_f64.sqrt() - 1.0).abs() < 0.15, "deviation {at_end}");
    assert!((step / 0.5018 - 1.0).abs() < 0.15, "of a step {step}");
}

#[test]
fn a_latent_stochastic_equation_learns_a_law_and_fills_in() {
    let data = returning(200);
    let model = trained("[model]\nkind = \"latent-sde\"\n[field]\nlayers = [8]\n[optimizer]\nsteps = 600\n", &data);
    is_the_law(law(&*model));
    let metrics = model.evaluate(&data).expect("metrics");
    assert!(metrics[0].0 == "rmse" && metrics[0].1 < 0.1 && metrics[1].0 == "elbo", "{metrics:?}");
    // A cell between two readings lies between them, more or less; far behind the last one the mean is that of the process.
    let gap = Trajectory::new(vec![0.0, 0.1, 0.2, 2.0], vec![4.0, f64::NAN, 4.0, f64::NAN], vec![]).expect("a run");
    let gap = Data::Trajectories(Trajectories::new(vec!["x".into()], vec![], vec![gap]).expect("a table"));
    let filled = model.predict(Some(&gap), &Request::default()).expect("series").values;
    assert!(filled[0] == 4.0 && (filled[1] - 4.0).abs() < 0.25 && (filled[3] - 3.17).abs() < 0.4, "{filled:?}");
}

#[test]
fn a_generator_learns_a_law() {
    let data = returning(200);
    let text = "[model]\nkind = \"neural-sde\"\n[field]\nlayers = [8]\n[optimizer]\nsteps = 300\nbatch = 32\n";
    let model = trained(text, &data);
    is_the_law(law(&*model));
    let metrics = model.evaluate(&data).expect("metrics");
    assert!(metrics[0].0 == "sliced_wasserstein" && metrics[0].1 < 0.15, "{metrics:?}");
    // It makes series; it does not fill any in.
    assert!(model.predict(Some(&data), &Request::default()).is_err());
}

#[test]
fn steps_that_are_not_those_of_the_kind_are_refused() {
    for (solver, named) in [
        ("method = \"tsit5\"", "euler-maruyama"),
        ("rtol = 1e-3", "one size"),
        ("step = -1.0", "above zero"),
        ("step = 1e-9", "a million"),
    ] {
        let settings: Settings = settings(&format!("[model]\nkind = \"neural-sde\"\n[solver]\n{solver}\n"));
        let refused = settings.check().err().map(|error| error.to_string());
        let refused = refused.or_else(|| {
            train(&settings, &returning(3), 0, &mut |_| ControlFlow::Continue(())).err().map(|error| error.to_string())
        });
        assert!(refused.as_deref().is_some_and(|text| text.contains(named)), "{refused:?}");
    }
}
