//! What every model obeys, and what a trainer does with models that fail.

use std::ops::ControlFlow;

use proptest::prelude::*;
use vecfield_adjoint::AdjointError;
use vecfield_nde::trajectory::Forecaster;
use vecfield_nde::{Cost, Data, Keep, Model, NdeError, Pass, Settings, Starts, Trainer, Work};
use vecfield_nn::{Checkpoint, Role, Tensor};

use crate::turns;

fn settings(more: &str) -> Settings {
    toml::from_str(&format!("[model]\nprecision = \"double\"\n{more}")).expect("a model file")
}

const STARTS: [[f64; 2]; 4] = [[1.0, 0.0], [0.0, 1.0], [-0.5, 0.5], [0.3, -0.9]];

/// Each kind's model of a few samples, small enough that differences are quick.
fn forecasters() -> Vec<Forecaster<f64>> {
    let text = [
        "kind = \"neural-ode\"\n[field]\nlayers = [5]\n[solver]\nrtol = 1e-9\natol = 1e-9\n",
        "kind = \"augmented-ode\"\naugment = 1\n[field]\nlayers = [4]\ntime = true\n[solver]\nrtol = 1e-9\natol = 1e-9\n",
        "kind = \"neural-ode\"\nnormalise = false\n[field]\nlayers = [4]\ninput = \"cube\"\n[solver]\nmethod = \"heun\"\nstep = 0.1\n",
        "kind = \"neural-ode\"\n[field]\nlayers = [4]\n[solver]\nmethod = \"kvaerno5\"\nrtol = 1e-9\natol = 1e-9\n",
        "kind = \"neural-ode\"\n[field]\nlayers = [4]\n[solver]\nmethod = \"reversible-tsit5\"\nadjoint = \"reversible\"\nrtol = 1e-9\natol = 1e-9\n",
        "kind = \"neural-ode\"\n[field]\nlayers = [4]\n[solver]\nadjoint = \"backsolve\"\nrtol = 1e-9\natol = 1e-9\n",
        "kind = \"neural-ode\"\n[field]\nlayers = [4]\ntime = true\nstructure = \"second-order\"\n[solver]\nrtol = 1e-9\natol = 1e-9\n",
        "kind = \"neural-ode\"\n[field]\nlayers = [4]\nstructure = \"hamiltonian\"\n[solver]\nrtol = 1e-9\natol = 1e-9\n",
        "kind = \"neural-ode\"\n[field]\nlayers = [4]\nstructure = \"port-hamiltonian\"\n[solver]\nrtol = 1e-9\natol = 1e-9\n",
    ];
    let data = Data::Trajectories(small());
    text.map(|text| Forecaster::prepare(&settings(text), &data, 5).expect("a model")).into()
}

/// The turns with cells near one, as a field without normalisation needs them.
fn small() -> vecfield_data::Trajectories {
    let data = turns(&STARTS);
    let shrink = |run: &vecfield_data::Trajectory| {
        let values = run.values().iter().enumerate().map(|(i, v)| if i % 2 == 0 { v - 3.0 } else { v / 20.0 });
        vecfield_data::Trajectory::new(run.times().to_vec(), values.collect(), vec![]).expect("as before")
    };
    data.with_runs(data.runs().iter().map(shrink).collect()).expect("as before")
}

fn cost(model: &Forecaster<f64>, samples: &[usize], horizon: f64, gradient: &mut [f64]) -> Cost {
    model.cost(samples, &Pass::whole().with_horizon(horizon), gradient, &mut model.memory())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// The gradient along a direction is a central difference of five points: its error is `O(ε⁴)` and rounding over `ε`.
    #[test]
    fn gradients_are_differences(seed in any::<u64>(), horizon in 0.2..1.0_f64) {
        for mut model in forecasters() {
            let theta = model.parameters();
            let mut random = vecfield_nn::Random::new(seed);
            let direction: Vec<f64> = theta.iter().map(|_| random.normal()).collect();
            let mut gradient = vec![0.0; theta.len()];
            let here = cost(&model, &[0, 1, 3], horizon, &mut gradient);
            prop_assert!(here.failed.is_empty() && here.work.backward > 0);
            let mut at = |epsilon: f64| {
                let moved: Vec<f64> = theta.iter().zip(&direction).map(|(t, d)| t + epsilon * d).collect();
                model.set_parameters(&moved);
                cost(&model, &[0, 1, 3], horizon, &mut []).loss
            };
            let (near, far) = (at(1e-4) - at(-1e-4), at(2e-4) - at(-2e-4));
            let difference = (8.0 * near - far) / 12e-4;
            let slope: f64 = gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
            prop_assert!((slope - difference).abs() < 1e-4 * (1.0 + slope.abs()), "{slope} and {difference}");
        }
    }
}

/// What samples cost together is what they cost apart, to the rounding of a sum; so is the gradient.
#[test]
fn a_batch_costs_the_sum_of_its_rows() {
    for model in forecasters() {
        let zeros = vec![0.0; model.parameters().len()];
        let (mut together, mut apart) = (zeros.clone(), zeros.clone());
        let whole = cost(&model, &[2, 0, 3, 1], 0.7, &mut together);
        let mut sum = Cost::default();
        for sample in [2, 0, 3, 1] {
            let mut own = zeros.clone();
            sum.add(cost(&model, &[sample], 0.7, &mut own));
            apart.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
        }
        assert!((whole.loss - sum.loss).abs() <= 1e-12 * whole.loss);
        // What two steps share is pulled back once for both, where the rows beside it let it.
        let (one, other) = (whole.work.backward, sum.work.backward);
        assert!(one.abs_diff(other) <= one / 10, "{one} and {other}");
        assert_eq!((whole.good, Work { backward: 0, ..whole.work }), (4, Work { backward: 0, ..sum.work }));
        assert!((whole.shown - sum.shown).abs() <= 1e-12 * whole.shown);
        for (a, b) in together.iter().zip(&apart) {
            assert!((a - b).abs() <= 1e-12 * (1.0 + a.abs()));
        }
    }
}

/// With all samples in every batch, their order changes sums by rounding alone.
#[test]
fn the_order_of_trajectories_does_not_matter() {
    let settings = settings("kind = \"neural-ode\"\n[field]\nlayers = [6]\n[optimizer]\nbatch = 0\nsteps = 20\n");
    let data = turns(&STARTS);
    let trained = |runs: Vec<vecfield_data::Trajectory>| {
        let data = Data::Trajectories(data.with_runs(runs).expect("as before"));
        let model = Forecaster::<f64>::prepare(&settings, &data, 1).expect("a model");
        let plan = settings.plan(model.samples()).expect("a plan");
        let mut trainer = Trainer::new(model, plan, Keep::Last, 1).expect("a trainer");
        trainer.run(&mut |_, _| ControlFlow::Continue(())).expect("a training");
        trainer.result()
    };
    let (forth, back) = (data.runs().to_vec(), data.runs().iter().rev().cloned().collect());
    for (one, other) in trained(forth).iter().zip(trained(back)) {
        // Twenty steps of a descent that may double what rounding began; a sample that is missed moves it by 1e-3.
        assert!((one - other).abs() < 1e-8, "{one} and {other}");
    }
}

/// `½ (θ - k)²` for sample `k`; some samples fail, some are not finite.
#[derive(Clone)]
struct Toy {
    theta: f64,
    samples: usize,
    fails: fn(usize, f64) -> Option<Fails>,
}

enum Fails {
    Told,
    NotFinite,
}

impl Model<f64> for Toy {
    type Memory = ();

    fn tensors(&self) -> Vec<Tensor> {
        vec![Tensor::new("theta", &[1], Role::Shift)]
    }

    fn parameters(&self) -> Vec<f64> {
        vec![self.theta]
    }

    fn set_parameters(&mut self, theta: &[f64]) {
        self.theta = theta[0];
    }

    fn samples(&self) -> usize {
        self.samples
    }

    fn memory(&self) {}

    fn cost(&self, samples: &[usize], _pass: &Pass, gradient: &mut [f64], _memory: &mut ()) -> Cost {
        let mut cost = Cost::default();
        for &sample in samples {
            let miss = self.theta - sample as f64;
            let loss = match (self.fails)(sample, self.theta) {
                Some(Fails::Told) => {
                    cost.failed.push((sample, AdjointError::Stopped));
                    continue;
                }
                Some(Fails::NotFinite) => f64::NAN,
                None => 0.5 * miss * miss,
            };
            cost.good += 1;
            cost.loss += loss;
            cost.shown += loss;
            gradient.iter_mut().for_each(|slope| *slope += miss);
        }
        cost
    }

    fn save(&self, _theta: &[f64], _checkpoint: &mut Checkpoint) -> Result<(), NdeError> {
        Ok(())
    }
}

fn toy(fails: fn(usize, f64) -> Option<Fails>, more: &str) -> Result<(f64, Trainer<Toy, f64>), NdeError> {
    let text = format!("kind = \"neural-ode\"\n[optimizer]\nname = \"sgd\"\n{more}");
    let plan = settings(&text).plan(4).expect("a plan");
    let mut trainer = Trainer::new(Toy { theta: 10.0, samples: 4, fails }, plan, Keep::Last, 0)?;
    trainer.run(&mut |_, _| ControlFlow::Continue(()))?;
    Ok((trainer.result()[0], trainer))
}

const WHOLE: &str = "batch = 0\nsteps = 60\nlearning_rate = 0.5\n";

#[test]
fn a_batch_is_the_mean_over_the_samples_that_did_not_fail() {
    let (theta, _) = toy(|_, _| None, WHOLE).unwrap();
    assert!((theta - 1.5).abs() < 1e-12, "{theta}");
    let (theta, trainer) = toy(|sample, _| (sample == 0).then_some(Fails::Told), WHOLE).unwrap();
    assert!((theta - 2.0).abs() < 1e-12, "{theta}");
    assert_eq!(trainer.done().failures.values().sum::<u64>(), 60);
    assert_eq!(trainer.done().skipped, 0);
}

#[test]
fn batches_that_are_not_finite_are_skipped_and_counted() {
    let one_bad = |sample, _| (sample == 3).then_some(Fails::NotFinite);
    let (theta, trainer) = toy(one_bad, "batch = 1\nsteps = 400\nlearning_rate = 0.05\n").unwrap();
    assert!((theta - 1.0).abs() < 0.5, "{theta}");
    assert_eq!(trainer.done().skipped, 100);
    assert_eq!(trainer.done().steps, 400);
}

#[test]
fn nothing_but_failures_ends_with_their_cause() {
    match toy(|_, _| Some(Fails::Told), WHOLE).err() {
        Some(NdeError::Diverged { batches, cause, .. }) => {
            assert_eq!((batches, cause), (50, AdjointError::Stopped.to_string()));
        }
        other => panic!("{other:?}"),
    }
}

/// A step to where nothing can be solved is taken back by half, as often as needed. From 10 the first step leads to -7.
#[test]
fn steps_over_a_ledge_are_taken_back() {
    let ledge = |_, theta: f64| (theta < 0.0).then_some(Fails::Told);
    let (theta, trainer) = toy(ledge, "batch = 0\nsteps = 60\nlearning_rate = 2.0\n").unwrap();
    assert!((1..60).contains(&trainer.done().skipped), "{theta}");
    // Nothing is lost that was there: at a rate that fits, the minimum is found from there.
    let (theta, trainer) =
        toy(ledge, "batch = 0\nphases = [{steps = 6, learning_rate = 2.0}, {steps = 60, learning_rate = 0.5}]\n")
            .unwrap();
    assert!((theta - 1.5).abs() < 1e-9 && trainer.done().skipped > 0, "{theta}");
}

/// Short forecasts that begin anywhere are compared with what follows there: a model that is right everywhere costs nothing, one
/// that is right at the beginning alone does not.
#[test]
fn forecasts_begin_anywhere() {
    let rows: Vec<f64> = (0..40).map(f64::from).collect();
    // Rest for twenty rows, then one up in each.
    let values = rows.iter().map(|t| (t - 20.0).max(0.0)).collect();
    let run = vecfield_data::Trajectory::new(rows, values, vec![]).expect("increasing times");
    let data = vecfield_data::Trajectories::new(vec!["y".into()], vec![], vec![run]).expect("a column");
    let settings = settings("kind = \"neural-ode\"\nnormalise = false\n[field]\nlayers = [2]\n");
    let mut model = Forecaster::<f64>::prepare(&settings, &Data::Trajectories(data), 0).expect("a model");
    model.set_parameters(&vec![0.0; model.parameters().len()]);
    let at = |starts, draw| {
        let mut pass = Pass::whole().with_horizon(0.1);
        (pass.starts, pass.draw) = (starts, Some(draw));
        model.cost(&[0], &pass, &mut [], &mut model.memory()).loss
    };
    let costs: Vec<f64> = (0..200).map(|draw| at(Starts::Anywhere, draw)).collect();
    assert!((0..200).all(|draw| at(Starts::First, draw) == 0.0));
    // 18 of 37 starts lie where nothing moves for the three rows ahead: 97 of 200 draws, give or take 7.
    let still = costs.iter().filter(|cost| **cost == 0.0).count();
    assert!((60..=150).contains(&still), "{still}");
    assert!(costs.iter().all(|cost| *cost <= (1.0 + 4.0 + 9.0) / 3.0 + 1e-12));
}
