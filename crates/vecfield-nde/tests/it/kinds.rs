//! What the models of every kind obey: gradients that are differences, batches that are sums, trainings that are repeatable.

use std::ops::ControlFlow;

use vecfield_data::{Samples, Trajectory};
use vecfield_nde::{Data, Model, Pass, Request, Settings, load, resume, train};
use vecfield_nde::{classifier::Classifier, cnf::Flows, latent::Latent, ude};
use vecfield_nn::{Checkpoint, Random};

use crate::turns;

pub(crate) fn settings(text: &str) -> Settings {
    toml::from_str(text).expect("a model file")
}

/// Points of two clouds, which of them, and a third column of noise.
fn clouds(count: usize) -> Data {
    let mut random = Random::new(11);
    let (mut values, mut labels) = (vec![], vec![]);
    for i in 0..count {
        let side = if i % 2 == 0 { 2.0 } else { -1.0 };
        values.extend([side + 0.5 * random.normal(), 10.0 * side + random.normal(), random.normal()]);
        labels.push(if i % 2 == 0 { 7 } else { 3 });
    }
    Data::Samples(Samples::new(vec![3], values).and_then(|rows| rows.with_labels(labels)).expect("rows"))
}

/// Bars across or down, in pictures of 8 x 8.
fn bars(count: usize) -> Data {
    let mut random = Random::new(12);
    let (mut values, mut labels) = (vec![], vec![]);
    for i in 0..count {
        let place = random.below(8);
        for pixel in 0..64 {
            let on = if i % 2 == 0 { pixel / 8 == place } else { pixel % 8 == place };
            values.push(if on { 200.0 } else { 0.0 } + 10.0 * random.uniform());
        }
        labels.push((i % 2) as i64);
    }
    Data::Samples(Samples::new(vec![1, 8, 8], values).and_then(|rows| rows.with_labels(labels)).expect("rows"))
}

/// Checks a model's gradient and the sums it makes of samples.
pub(crate) fn obeys<M: Model<f64>>(mut model: M, draw: Option<u64>, tolerance: f64) {
    let mut pass = Pass::whole();
    (pass.draw, pass.steps, pass.step) = (draw, 100, if draw == Some(1) { 0 } else { 99 });
    let (samples, theta) = ([0, 2, 5, 3], model.parameters());
    let mut gradient = vec![0.0; theta.len()];
    let here = model.cost(&samples, &pass, &mut gradient, &mut model.memory());
    assert!(here.failed.is_empty() && here.good == 4 && here.loss.is_finite(), "{here:?}");

    let (mut apart, mut sum) = (vec![0.0; theta.len()], 0.0);
    for sample in samples {
        sum += model.cost(&[sample], &pass, &mut apart, &mut model.memory()).loss;
    }
    assert!((sum - here.loss).abs() < 1e-9 * (1.0 + sum.abs()), "{sum} and {}", here.loss);
    for (a, b) in gradient.iter().zip(&apart) {
        assert!((a - b).abs() < 1e-9 * (1.0 + a.abs()), "{a} and {b}");
    }

    let mut random = Random::new(5);
    let direction: Vec<f64> = theta.iter().map(|_| random.normal()).collect();
    let mut at = |epsilon: f64| {
        let moved: Vec<f64> = theta.iter().zip(&direction).map(|(t, d)| t + epsilon * d).collect();
        model.set_parameters(&moved);
        model.cost(&samples, &pass, &mut [], &mut model.memory()).loss
    };
    let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
    let slope: f64 = gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
    assert!((slope - difference).abs() < tolerance * (1.0 + slope.abs()), "{slope} and {difference}");
}

const TIGHT: &str = "[solver]\nmethod = \"tsit5\"\nrtol = 1e-10\natol = 1e-10\n";

#[test]
fn flows_have_the_gradients_of_their_likelihood() {
    for model in [
        "trace = \"exact\"\nkinetic = 0.3\njacobian = 0.2",
        "trace = \"hutchinson\"\njacobian = 0.1",
        "trace = \"hutch++\"",
        "normalise = false",
    ] {
        let text = format!("[model]\nkind = \"cnf\"\nprecision = \"double\"\n{model}\n[field]\nlayers = [6]\n{TIGHT}");
        let data = clouds(8);
        let small = Flows::<f64>::prepare(&settings(&text), &data, 3).expect("a model");
        // The first steps compare rates, the last descend the likelihood.
        obeys(small.clone(), Some(1), 1e-6);
        obeys(small, Some(2), 1e-4);
    }
}

#[test]
fn classifiers_have_the_gradients_of_their_cross_entropy() {
    let vectors = format!(
        "[model]\nkind = \"ode-classifier\"\nprecision = \"double\"\nstem = [5]\naugment = 2\nsmoothing = 0.1\nnoise = 0.1\n\
         [field]\nlayers = [6]\n{TIGHT}"
    );
    obeys(Classifier::<f64>::prepare(&settings(&vectors), &clouds(8), 3).expect("a model"), Some(2), 1e-5);
    let bare = format!(
        "[model]\nkind = \"ode-classifier\"\nprecision = \"double\"\nstem = []\n[field]\nlayers = [6]\n{TIGHT}"
    );
    obeys(Classifier::<f64>::prepare(&settings(&bare), &clouds(8), 3).expect("a model"), None, 1e-5);
    let blocks = format!(
        "[model]\nkind = \"ode-classifier\"\nprecision = \"double\"\nstem = [5]\nresidual = 3\n[field]\nlayers = [6]\n{TIGHT}"
    );
    let twin = Classifier::<f64>::prepare(&settings(&blocks), &clouds(8), 3).expect("a model");
    // Three blocks in place of one field, from 5 + 8 inputs to 6 and back.
    let fields = twin.tensors().into_iter().filter(|tensor| tensor.name.starts_with("field"));
    assert_eq!(fields.map(|tensor| tensor.len()).sum::<usize>(), 3 * (13 * 6 + 6 + 6 * 13 + 13));
    obeys(twin, Some(2), 1e-5);
    let images = format!(
        "[model]\nkind = \"ode-classifier\"\nprecision = \"double\"\nstem = [2, 3]\nshift = 1\n[field]\nactivation = \"tanh\"\n{TIGHT}"
    );
    obeys(Classifier::<f64>::prepare(&settings(&images), &bars(8), 3).expect("a model"), None, 1e-4);
}

/// Formulas with every kind of constant, calls in calls and in definitions, networks of several calls.
const FORMULAS: &str = "[model]\nkind = \"ude\"\nfixed = [\"m\"]\n[parameters]\nk = { value = 4, min = 0 }\n\
    c = { value = 0.2, min = 0, max = 1 }\nm = 3\nn = 0.1\ng = { value = -1, max = 0 }\n\
    [definitions]\npull = \"net1(off, t)\"\noff = \"x - m\"\n\
    [equations]\nx = \"n*v + net_b(pull, sin(t))\"\nv = \"-10*k*off - c*v + pull*cos(x) + 5*net1(x, 2*t) + g*net2(v)\"\n\
    [networks.net2]\npositive = true\nlayers = [3]\n[field]\nlayers = [5]\n";

fn whirls(count: usize) -> Data {
    let starts: Vec<[f64; 2]> = (0..count).map(|k| [(k as f64).sin(), (1.3 * k as f64).cos()]).collect();
    Data::Trajectories(turns(&starts))
}

#[test]
fn formulas_have_the_gradients_of_their_misfit() {
    for more in [TIGHT, "[solver]\nmethod = \"kvaerno5\"\nrtol = 1e-10\natol = 1e-10\n"] {
        let mut model = ude::prepare::<f64>(&settings(&format!("{FORMULAS}{more}")), &whirls(8), 3).expect("a model");
        // Away from where networks begin, near zero.
        let mut random = Random::new(2);
        let theta: Vec<f64> = model.parameters().iter().map(|theta| theta + 0.3 * random.normal()).collect();
        model.set_parameters(&theta);
        obeys(model, None, 1e-5);
    }
}

#[test]
fn latent_equations_have_the_gradients_of_their_bound() {
    let text = format!(
        "[model]\nkind = \"latent-ode\"\nprecision = \"double\"\nlatent = 3\nhidden = 4\ndecoder = [5]\n[field]\nlayers = [6]\n{TIGHT}"
    );
    // Of different lengths, with cells missing.
    let data = Data::Trajectories(turns(&STARTS));
    let model = Latent::<f64>::prepare(&settings(&text), &data, 3).expect("a model");
    obeys(model.clone(), Some(2), 1e-5);
    obeys(model, None, 1e-5);
}

pub(crate) const STARTS: [[f64; 2]; 6] = [[1.0, 0.0], [0.0, 1.0], [-0.5, 0.5], [0.3, -0.9], [0.8, 0.4], [-1.0, -0.2]];

/// A linear field carries a normal distribution to a normal one, whose density is known.
#[test]
fn a_linear_flow_has_the_density_of_its_closed_form() {
    let text = "[model]\nkind = \"cnf\"\nnormalise = false\nprecision = \"double\"\n[field]\nlayers = []\n[solver]\n\
                method = \"verner9\"\nrtol = 1e-13\natol = 1e-13\n";
    let points = [0.3, -1.2, 2.0, 0.5, -0.7, -0.1];
    let data = Data::Samples(Samples::new(vec![2], points.to_vec()).expect("rows"));
    let mut flows = Flows::<f64>::prepare(&settings(text), &data, 0).expect("a model");
    // z' = a z + c, the two components apart, so z(0) = (x + c/a) e^(-a) - c/a and ln p = ln N(z(0)) - Σ a.
    let ([a, b], [c, d]) = ([0.8, -0.5], [0.4, 1.0]);
    // Weights by input: z₀, z₁, t; then the biases.
    let by_output = [[a, 0.0, 0.0], [0.0, b, 0.0]];
    let weights: Vec<f64> = by_output.concat();
    flows.set_parameters(&[&weights[..], &[c, d]].concat());
    let cost = |sample: usize| flows.cost(&[sample], &Pass::whole(), &mut [], &mut flows.memory()).loss;
    for (sample, x) in points.chunks(2).enumerate() {
        let start = |x: f64, a: f64, c: f64| (x + c / a) * (-a).exp() - c / a;
        let z = [start(x[0], a, c), start(x[1], b, d)];
        let expected = 0.5 * (z[0] * z[0] + z[1] * z[1]) + core::f64::consts::TAU.ln() + a + b;
        assert!((cost(sample) - expected).abs() < 1e-10, "{} and {expected}", cost(sample));
    }
}

/// Estimates of the trace have no bias: their mean is within three standard errors of the exact one.
#[test]
fn estimated_traces_have_no_bias() {
    let of = |trace: &str| {
        let text = format!(
            "[model]\nkind = \"cnf\"\nprecision = \"double\"\ntrace = \"{trace}\"\n[field]\nlayers = [8]\n[solver]\nrtol = 1e-7\n\
             atol = 1e-7\n"
        );
        Flows::<f64>::prepare(&settings(&text), &clouds(8), 3).expect("a model")
    };
    let loss = |flows: &Flows<f64>, draw| {
        let mut pass = Pass::whole();
        (pass.draw, pass.steps, pass.step) = (Some(draw), 100, 99);
        flows.cost(&[1], &pass, &mut [], &mut flows.memory()).loss
    };
    let exact = loss(&of("exact"), 0);
    for trace in ["hutchinson", "hutch++"] {
        let flows = of(trace);
        let draws: Vec<f64> = (0..400).map(|draw| loss(&flows, draw) - exact).collect();
        let mean = draws.iter().sum::<f64>() / 400.0;
        let variance = draws.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 399.0;
        assert!(mean.abs() < 3.0 * (variance / 400.0).sqrt() && variance > 0.0, "{trace}: {mean}, {variance}");
    }
}

#[test]
fn trainings_are_repeatable_and_can_be_taken_up() {
    let many: Vec<[f64; 2]> = (0..50).map(|k| [(k as f64).sin(), (1.3 * k as f64).cos()]).collect();
    let cases = [
        (
            "[model]\nkind = \"cnf\"\nmatching = 0.5\n[field]\nlayers = [8]\n[optimizer]\nbatch = 70\nsteps = 8\n",
            clouds(100),
        ),
        ("[model]\nkind = \"ode-classifier\"\ndropout = 0.2\n[optimizer]\nbatch = 40\nsteps = 8\n", clouds(100)),
        ("[model]\nkind = \"ode-classifier\"\nstem = [4, 8]\n[optimizer]\nbatch = 20\nsteps = 6\n", bars(30)),
        (&format!("{FORMULAS}[optimizer]\nbatch = 20\nsteps = 6\n"), whirls(20)),
        ("[model]\nkind = \"latent-ode\"\n[optimizer]\nbatch = 40\nsteps = 6\n", Data::Trajectories(turns(&many))),
        ("[model]\nkind = \"latent-sde\"\n[optimizer]\nbatch = 40\nsteps = 6\n", Data::Trajectories(turns(&many))),
        ("[model]\nkind = \"neural-sde\"\n[optimizer]\nbatch = 40\nsteps = 6\n", Data::Trajectories(turns(&many))),
    ];
    for (text, data) in cases {
        let settings = settings(text);
        let trained = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            pool.install(|| train(&settings, &data, 3, &mut |_| ControlFlow::Continue(())).expect("a training"))
        };
        let whole = trained(1);
        assert_eq!(whole.checkpoint.to_bytes(), trained(3).checkpoint.to_bytes());
        let part = train(&settings, &data, 3, &mut |progress| match progress.step {
            4 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        });
        let kept =
            Checkpoint::from_bytes(&part.expect("a part").checkpoint.to_bytes().expect("bytes")).expect("a checkpoint");
        let rest = resume(&settings, &data, &kept, &mut |_| ControlFlow::Continue(())).expect("the rest");
        assert_eq!(rest.checkpoint.to_bytes(), whole.checkpoint.to_bytes());
    }
}

#[test]
fn a_flow_says_densities_and_draws_points() {
    let text = "[model]\nkind = \"cnf\"\n[field]\nlayers = [24, 24]\n[optimizer]\nbatch = 128\nsteps = 1000\nlearning_rate = 1e-2\n";
    let training = train(&settings(text), &clouds(400), 0, &mut |_| ControlFlow::Continue(())).expect("a training");
    let model = load(&training.checkpoint).expect("a model");
    let answer = model.predict(Some(&clouds(6)), &Request::default()).expect("densities");
    assert_eq!(answer.columns, ["x0", "x1", "x2", "log_density"]);
    // Between the clouds there is next to nothing.
    let between = Data::Samples(Samples::new(vec![3], vec![0.5, 5.0, 0.0]).expect("rows"));
    let empty = model.predict(Some(&between), &Request::default()).expect("a density").values[3];
    assert!(answer.values.chunks(4).all(|row| row[3] > empty + 1.0), "{:?} and {empty}", answer.values);
    let drawn = model.predict(None, &Request { samples: Some(200), seed: 1 }).expect("points").values;
    let first = drawn.chunks(3).filter(|row| row[1] > 5.0).count();
    assert!((60..140).contains(&first), "{first} of 200 from the cloud that holds half");
    assert_eq!(drawn, model.predict(None, &Request { samples: Some(200), seed: 1 }).expect("points").values);
}

#[test]
fn a_latent_equation_fills_series_in_and_imagines_others() {
    let many: Vec<[f64; 2]> = (0..60).map(|k| [(k as f64).sin(), (1.3 * k as f64).cos()]).collect();
    let data = Data::Trajectories(turns(&many));
    let text = "[model]\nkind = \"latent-ode\"\n[optimizer]\nbatch = 20\nsteps = 400\n";
    let training = train(&settings(text), &data, 0, &mut |_| ControlFlow::Continue(())).expect("a training");
    let model = load(&training.checkpoint).expect("a model");
    let metrics = model.evaluate(&data).expect("metrics");
    // `v` alone has a standard deviation of ten.
    assert!(metrics[0].0 == "rmse" && metrics[0].1 < 2.0 && metrics[1].0 == "elbo", "{metrics:?}");
    let answer = model.predict(Some(&data), &Request::default()).expect("series");
    assert!(answer.values.iter().all(|value| value.is_finite()));
    let imagined = model.predict(Some(&data), &Request { samples: Some(3), seed: 5 }).expect("series");
    assert_eq!(imagined.columns, ["trajectory", "t", "x", "v"]);
    assert_eq!(imagined.values.len(), 3 * 12 * 4);
}

/// Rows without a reading ask; they tell nothing: with or without them the others have the same bits.
#[test]
fn empty_rows_tell_a_latent_equation_nothing() {
    let many: Vec<[f64; 2]> = (0..20).map(|k| [(k as f64).sin(), (1.3 * k as f64).cos()]).collect();
    let data = turns(&many);
    let text = "[model]\nkind = \"latent-ode\"\nhide = 0.4\n[optimizer]\nbatch = 20\nsteps = 30\n";
    let training = train(&settings(text), &Data::Trajectories(data.clone()), 0, &mut |_| ControlFlow::Continue(()));
    let model = load(&training.expect("a training").checkpoint).expect("a model");
    let emptied = |gone: usize, dropped: usize| {
        let run = &data.runs()[3];
        let values = run.values().iter().enumerate().map(|(i, &v)| if i < 2 * gone { f64::NAN } else { v });
        let values = values.skip(2 * dropped).collect();
        let run = Trajectory::new(run.times()[dropped..].to_vec(), values, vec![]).expect("a run");
        let asked = Data::Trajectories(data.with_runs(vec![run]).expect("as before"));
        model.predict(Some(&asked), &Request::default()).expect("series").values
    };
    let (with, without) = (emptied(4, 0), emptied(4, 4));
    assert_eq!(with[8..], without);
    assert!(with.iter().all(|value| value.is_finite()));
}

#[test]
fn a_classifier_tells_clouds_and_bars_apart() {
    for (text, data, labels) in [
        ("[model]\nkind = \"ode-classifier\"\n[optimizer]\nsteps = 60\nbatch = 32\n", clouds(100), [7.0, 3.0]),
        (
            "[model]\nkind = \"ode-classifier\"\nstem = [4, 8]\n[optimizer]\nsteps = 60\nbatch = 16\n",
            bars(60),
            [0.0, 1.0],
        ),
    ] {
        let training = train(&settings(text), &data, 0, &mut |_| ControlFlow::Continue(())).expect("a training");
        let model = load(&training.checkpoint).expect("a model");
        let metrics = model.evaluate(&data).expect("metrics");
        assert!(metrics[0].0 == "accuracy" && metrics[0].1 > 0.97, "{metrics:?}");
        let answer = model.predict(Some(&data), &Request::default()).expect("labels");
        assert_eq!(answer.columns, ["label", "p_0", "p_1"]);
        let row = &answer.values[..3];
        assert!(row[0] == labels[0] && (row[1] + row[2] - 1.0).abs() < 1e-12, "{row:?}");
    }
}
