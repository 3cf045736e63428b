//! Diffusion: processes that are what they say, densities and samples of a mixture whose score is known, trainings.

use std::ops::ControlFlow;

use proptest::prelude::*;
use vecfield_data::Samples;
use vecfield_nde::diffusion::{Diffusion, ProbabilityFlow, Process, sliced_wasserstein};
use vecfield_nde::{Data, NdeError, Request, RowsOf, Settings, load, resume, train};
use vecfield_nn::Random;
use vecfield_solvers::batch::{BatchMember, BatchSolver};
use vecfield_solvers::{Options, tableau::TSIT5};
use vecfield_traits::{BatchField, BatchRows};

use crate::kinds::obeys;
use crate::training::on_threads;

const PROCESSES: [Process; 3] = [Process::Vp, Process::Ve, Process::SubVp];

/// Three clouds in the plane, of mean zero and variance about one together: weights, centres, variances.
const CLOUDS: [(f64, [f64; 2], f64); 3] =
    [(0.5, [-0.94, 0.16], 0.2), (0.3, [1.26, 0.56], 0.1), (0.2, [0.46, -1.24], 0.3)];

/// `cos φ` and `sin φ`.
fn angle(level: f64) -> [f64; 2] {
    let phi = (2.0 * level).exp().atan();
    [phi.cos(), phi.sin()]
}

/// `ln p`, its gradient and its Laplacian, of clouds made smaller by `cos φ` with noise of `sin φ` on them.
fn mixture(u: &[f64], [cos, sin]: [f64; 2]) -> (f64, [f64; 2], f64) {
    let (mut p, mut slope, mut bend) = (0.0, [0.0; 2], 0.0);
    for (weight, centre, variance) in CLOUDS {
        let v = cos * cos * variance + sin * sin;
        let off = [u[0] - cos * centre[0], u[1] - cos * centre[1]];
        let square = off[0] * off[0] + off[1] * off[1];
        let own = weight * (-0.5 * square / v).exp() / (core::f64::consts::TAU * v);
        p += own;
        (0..2).for_each(|i| slope[i] -= own * off[i] / v);
        bend += own * (square / (v * v) - 2.0 / v);
    }
    let slope = slope.map(|slope| slope / p);
    (p.ln(), slope, bend / p - slope[0] * slope[0] - slope[1] * slope[1])
}

/// `F = (sin φ u + sin φ ∇ ln p)/cos φ`.
fn exact(level: f64, u: &[f64], found: &mut [f64]) {
    let [cos, sin] = angle(level);
    for (u, found) in u.chunks_exact(2).zip(found.chunks_exact_mut(2)) {
        let (_, slope, _) = mixture(u, [cos, sin]);
        (0..2).for_each(|i| found[i] = sin * (u[i] + slope[i]) / cos);
    }
}

/// The same with its trace.
struct Exact;

impl BatchField<f64> for Exact {
    type Workspace = ();

    fn workspace(&self, _rows: usize) {}

    fn width(&self) -> usize {
        3
    }

    fn eval(&self, rows: BatchRows<'_, f64>, dy: &mut [f64], _work: &mut ()) {
        for ((y, dy), &level) in rows.y.chunks_exact(3).zip(dy.chunks_exact_mut(3)).zip(rows.t) {
            let [cos, sin] = angle(level);
            exact(level, &y[..2], &mut dy[..2]);
            dy[2] = sin * (2.0 + mixture(&y[..2], [cos, sin]).2) / cos;
        }
    }
}

proptest! {
    /// `f = (ln α)'` and `g² = (σ²)' - 2 f σ²`: what the equations of the mean and of the variance say of them.
    #[test]
    fn marginals_are_those_of_the_process(t in 0.02..0.98_f64) {
        for process in PROCESSES {
            let h = 1e-5;
            let [[alpha, sigma], [later, wider], [earlier, narrower]] = [t, t + h, t - h].map(|t| process.marginal(t));
            let [f, g2] = process.drift(t);
            prop_assert!((f - (later.ln() - earlier.ln()) / (2.0 * h)).abs() < 1e-6 * (1.0 + f.abs()));
            let variance = (wider * wider - narrower * narrower) / (2.0 * h);
            prop_assert!((g2 - (variance - 2.0 * f * sigma * sigma)).abs() < 1e-6 * (1.0 + g2.abs()), "{process:?}");
            prop_assert!((process.level(t) - 0.5 * (sigma / alpha).ln()).abs() < 1e-12);
        }
    }

    /// A likelihood by the probability-flow ODE with the exact score. What is left at the highest level is not quite normal: its
    /// covariance is off by the square of `α/σ < .02`.
    #[test]
    fn likelihoods_are_those_of_the_closed_form(x in prop::array::uniform2(-1.5..1.5_f64)) {
        for process in PROCESSES {
            let [low, high] = process.levels();
            let small = angle(low);
            let start = [small[0] * x[0], small[0] * x[1], 0.0];
            let member = BatchMember { span: (low, high), y0: &start, save: &[] };
            let mut solver = BatchSolver::new(&TSIT5, 3, &Options::tolerances(1e-8, 1e-8)).unwrap();
            solver.solve(&ProbabilityFlow(Exact), &[member]);
            let end = solver.member(0);
            let base = -0.5 * (end[0] * end[0] + end[1] * end[1]) - core::f64::consts::TAU.ln();
            let (found, closed) = (base + end[2], mixture(&start[..2], small).0);
            let bar = if process == Process::Ve { 5e-4 } else { 1e-4 };
            prop_assert!((found - closed).abs() < bar * (1.0 + closed.abs()), "{process:?}: {found} for {closed}");
        }
    }
}

/// Ten thousand points each; two such sets of the mixture itself are about .015 apart.
#[test]
fn samples_are_those_of_the_mixture() {
    const COUNT: usize = 10_000;
    let mut random = Random::new(4);
    let mut truth = vec![];
    for _ in 0..COUNT {
        let pick = random.uniform();
        let (_, centre, variance) = CLOUDS[usize::from(pick > 0.5) + usize::from(pick > 0.8)];
        truth.extend(centre.map(|x| x + variance.sqrt() * random.normal()));
    }
    for process in PROCESSES {
        let starts: Vec<f64> = (0..2 * COUNT).map(|_| random.normal()).collect();
        let (mut few, mut many) = (starts.clone(), starts);
        process.denoise(20, &mut few, &mut exact);
        let mut each: Vec<Random> = (0..COUNT as u64).map(|k| Random::new(900_000 + k)).collect();
        process.reverse(150, &mut many, &mut each, &mut exact);
        for (made, how) in [(few, "20 steps of DPM-Solver++"), (many, "the reverse SDE")] {
            let distance = sliced_wasserstein(&made, &truth, 2);
            assert!(distance < 0.03, "{process:?}, {how}: {distance}");
        }
    }
}

#[test]
fn distances_of_sets_are_those_of_their_shadows() {
    let a = [0.0, 0.0, 1.0, 0.0, 5.0, 0.0];
    let moved: Vec<f64> = a.chunks(2).rev().flat_map(|p| [p[0] + 1.0, p[1]]).collect();
    // The mean of |cos| over 24 sides.
    let side = |k: usize| (core::f64::consts::PI * k as f64 / 24.0).cos().abs();
    let expected = (0..24).map(side).sum::<f64>() / 24.0;
    assert!((sliced_wasserstein(&a, &moved, 2) - expected).abs() < 1e-12);
    assert!((sliced_wasserstein(&[0.0, 1.0], &[0.0, 0.0, 1.0, 1.0, 3.0, 3.0], 1) - 5.0 / 6.0).abs() < 1e-12);
    assert_eq!(sliced_wasserstein(&a, &a, 2), 0.0);
}

fn settings(more: &str) -> Settings {
    toml::from_str(&format!("[model]\nkind = \"diffusion\"\n{more}")).expect("a model file")
}

/// Normal points of mean (5, -20) and deviations (0.5, 3).
fn normals(count: usize) -> Data {
    let mut random = Random::new(8);
    let values = (0..count).flat_map(|_| [5.0 + 0.5 * random.normal(), -20.0 + 3.0 * random.normal()]).collect();
    let rows = Samples::new(vec![2], values).and_then(|rows| rows.with_columns(vec!["a".into(), "b".into()]));
    Data::Samples(rows.expect("rows"))
}

#[test]
fn networks_have_the_gradients_of_their_misfit() {
    for more in ["", "process = \"ve\"\nnormalise = false", "process = \"sub-vp\""] {
        let text = format!("precision = \"double\"\n{more}\n[field]\nlayers = [6]\n");
        obeys(Diffusion::<f64>::prepare(&settings(&text), &normals(8), 3).expect("a model"), Some(2), 1e-6);
    }
}

#[test]
fn trainings_repeat_on_any_threads_and_when_taken_up_again() {
    let (settings, data) = (settings("[field]\nlayers = [8]\n[optimizer]\nbatch = 300\nsteps = 6\n"), normals(400));
    let trained = || train(&settings, &data, 3, &mut |_| ControlFlow::Continue(())).expect("a training");
    let [one, three] = [1, 3].map(|threads| on_threads(threads, trained));
    assert_eq!(one.checkpoint.to_bytes(), three.checkpoint.to_bytes());
    let mut until = |progress: &vecfield_nde::Progress<'_>| match progress.step {
        4 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let part = train(&settings, &data, 3, &mut until).expect("a training");
    let rest = resume(&settings, &data, &part.checkpoint, &mut |_| ControlFlow::Continue(())).expect("the rest");
    assert_eq!(rest, one);
}

#[test]
fn a_training_gives_samples_and_densities() {
    let more = "[field]\nlayers = [32]\n[optimizer]\nsteps = 600\nema = 0.98\n";
    for sampler in ["dpm", "ode", "sde\"\nevaluations = 100\nprocess = \"sub-vp"] {
        let settings = settings(&format!("sampler = \"{sampler}\"\n{more}"));
        let data = normals(4000);
        let training = train(&settings, &data, 0, &mut |_| ControlFlow::Continue(())).expect("a training");
        let model = load(&training.checkpoint).expect("a model");
        let metric = model.evaluate(&data).expect("a metric");
        // In units of the data, whose deviations are .5 and 3.
        assert!(metric[0].0 == "sliced_wasserstein" && metric[0].1 < 0.2, "{sampler}: {metric:?}");
        let drawn = model.predict(None, &Request { samples: Some(500), seed: 1 }).expect("points");
        assert_eq!((drawn.of, drawn.values.len()), (RowsOf::Nothing, 1000));
        let told = model.predict(Some(&normals(20)), &Request::default()).expect("densities");
        assert_eq!(told.columns, ["a", "b", "log_density"]);
        for row in told.values.chunks(3) {
            let [a, b] = [(row[0] - 5.0) / 0.5, (row[1] + 20.0) / 3.0];
            let closed = -0.5 * (a * a + b * b) - core::f64::consts::TAU.ln() - 1.5_f64.ln();
            assert!(
                (row[2] - closed).abs() < 0.25 * (1.0 + 0.2 * (a * a + b * b)),
                "{sampler}: {} for {closed}",
                row[2]
            );
        }
    }
}

#[test]
fn what_cannot_be_learned_is_refused() {
    let refused = |more: &str, data: &Data, word: &str| {
        let settings = settings(more);
        let error = settings.check().map_err(NdeError::from);
        let error = error.and_then(|()| Diffusion::<f32>::prepare(&settings, data, 0).map(|_| ()));
        let error = error.expect_err("no model").to_string();
        assert!(error.contains(word), "{error}");
    };
    refused("[field]\ntime = true\n", &normals(4), "leave `time` out");
    refused("[solver]\nmethod = \"kvaerno5\"\n", &normals(4), "is not explicit");
    refused("evaluations = 1\n", &normals(4), "model.evaluations is 1");
    refused("trace = \"exact\"\n", &normals(4), "has no `trace`");
    let gap = Samples::new(vec![2], vec![1.0, 2.0, f64::NAN, 1.0]).expect("rows");
    refused("", &Data::Samples(gap), "in row 2 is empty");
    let model = load(
        &train(&settings("[optimizer]\nsteps = 1\n"), &normals(4), 0, &mut |_| ControlFlow::Continue(()))
            .unwrap()
            .checkpoint,
    );
    let error = model.unwrap().predict(None, &Request::default()).unwrap_err().to_string();
    assert!(error.contains("--samples"), "{error}");
}
