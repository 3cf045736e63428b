//! First-order rules against their formulas, and what holds of all of them.

use proptest::prelude::*;
use vecfield_laws::allocates_nothing;
use vecfield_optim::{Average, Decay, Descent, Group, OptimError, Rule, Schedule, clip_norm, clip_value};

/// Two steps of each rule on one parameter, by its published formula, with rate 0.1 and gradients 2 and -1.
#[test]
fn two_steps_are_those_of_the_formula() {
    let (g1, g2, rate) = (2.0_f64, -1.0_f64, 0.1);
    for rule in Rule::ALL {
        let mut descent = Descent::<f64>::new(rule, 1);
        let mut theta = [1.0];
        descent.step(&mut theta, &[g1], rate);
        descent.step(&mut theta, &[g2], rate);
        let adam = |b1: f64, b2: f64, square: &dyn Fn(f64, f64) -> f64, add: f64, epsilon: f64, rate: f64| {
            let (mut m, mut v, mut x) = (0.0, 0.0, 1.0);
            for (k, g) in [g1, g2].into_iter().enumerate() {
                m = b1 * m + (1.0 - b1) * g;
                v = b2 * v + (1.0 - b2) * square(g, m) + add;
                let fill = |b: f64| 1.0 - b.powi(k as i32 + 1);
                x -= rate * (m / fill(b1)) / ((v / fill(b2)).sqrt() + epsilon);
            }
            x
        };
        let expected = match rule {
            Rule::Sgd { momentum } => 1.0 - rate * g1 - rate * (momentum * g1 + g2),
            Rule::Nesterov { momentum: mu } => {
                let v2 = mu * g1 + g2;
                1.0 - rate * (g1 + mu * g1) - rate * (g2 + mu * v2)
            }
            Rule::Adam { betas: [b1, b2], epsilon } => adam(b1, b2, &|g, _| g * g, 0.0, epsilon, rate),
            Rule::AdaBelief { betas: [b1, b2], epsilon } => {
                adam(b1, b2, &|g, m| (g - m) * (g - m), epsilon, epsilon, rate)
            }
            Rule::RmsProp { decay, epsilon } => {
                let v1 = (1.0 - decay) * g1 * g1;
                let v2 = decay * v1 + (1.0 - decay) * g2 * g2;
                1.0 - rate * g1 / (v1.sqrt() + epsilon) - rate * g2 / (v2.sqrt() + epsilon)
            }
            Rule::Lion { betas: [b1, b2] } => {
                let m1 = (1.0 - b2) * g1;
                1.0 - rate * g1.signum() - rate * (b1 * m1 + (1.0 - b1) * g2).signum()
            }
            // Not a matrix: Adam at a tenth of the rate.
            Rule::Muon { .. } => adam(0.9, 0.95, &|g, _| g * g, 0.0, 1e-8, 0.1 * rate),
            other => panic!("state the formula of {other:?}"),
        };
        assert!((theta[0] - expected).abs() < 1e-14, "{rule:?}: {} {expected}", theta[0]);
    }
}

#[test]
fn decay_is_what_it_says() {
    for rule in Rule::ALL {
        let step = |decay: Decay, gradient: f64| {
            let mut theta = [3.0];
            let group = Group::new(0..1).decay(decay);
            Descent::<f64>::grouped(rule, 1, vec![group]).unwrap().step(&mut theta, &[gradient], 0.1);
            theta[0]
        };
        assert!((step(Decay::Penalty(0.5), 1.0) - step(Decay::None, 2.5)).abs() < 1e-15, "{rule:?}");
        let taken = if matches!(rule, Rule::Muon { .. }) { 0.1 * 0.1 * 0.5 } else { 0.1 * 0.5 };
        let expected = step(Decay::None, 1.0) - taken * 3.0;
        assert!((step(Decay::Decoupled(0.5), 1.0) - expected).abs() < 1e-15, "{rule:?}");
    }
}

/// `½ Σ c_i (x_i - 1)²`, `c` from 1 to 10.
fn slope(x: &[f64]) -> Vec<f64> {
    x.iter().enumerate().map(|(i, x)| (1.0 + i as f64) * (x - 1.0)).collect()
}

fn groups() -> Vec<Group> {
    vec![Group::new(0..6).matrix(2, 3).rate(0.5), Group::new(6..10).decay(Decay::Decoupled(0.01))]
}

/// Every rule goes down a bowl, under a rate that falls.
#[test]
fn every_rule_descends() {
    let schedule = Schedule::Cosine { steps: 3000, end: 0.0 }.after_warm_up(20);
    for rule in Rule::ALL {
        let rate = if rule == Rule::MUON { 0.1 } else { 0.02 };
        let mut descent = Descent::grouped(rule, 10, vec![Group::new(0..6).matrix(2, 3), Group::new(6..10)]).unwrap();
        let mut x: Vec<f64> = (0..10).map(|i| 2.0 - 0.3 * f64::from(i)).collect();
        for k in 0..3000 {
            let gradient = slope(&x);
            descent.step(&mut x, &gradient, rate * schedule.factor(k));
        }
        assert!(x.iter().all(|x| (x - 1.0).abs() < 1e-3), "{rule:?}: {x:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A run that is interrupted and resumed from its data has the bits of one that is not.
    #[test]
    fn resuming_changes_nothing(cut in 1..40_usize, start in -3.0..3.0_f64) {
        for rule in Rule::ALL {
            let run = |x: &mut [f64], descent: &mut Descent<f64>, steps: usize| {
                for _ in 0..steps {
                    let gradient = slope(x);
                    descent.step(x, &gradient, 0.03);
                }
            };
            let mut whole = vec![start; 10];
            run(&mut whole, &mut Descent::grouped(rule, 10, groups()).unwrap(), 40);

            let mut x = vec![start; 10];
            let mut descent = Descent::grouped(rule, 10, groups()).unwrap();
            run(&mut x, &mut descent, cut);
            let text = serde_json::to_string(&(rule, groups(), descent.steps())).unwrap();
            let memory = descent.memory().map(|(_, numbers)| numbers.to_vec());
            drop(descent);
            let (rule, groups, steps): (Rule, Vec<Group>, u64) = serde_json::from_str(&text).unwrap();
            let mut resumed = Descent::grouped(rule, 10, groups).unwrap();
            resumed.resume(steps, [&memory[0], &memory[1]]).unwrap();
            run(&mut x, &mut resumed, 40 - cut);
            prop_assert_eq!(&x, &whole, "{:?}", rule);
        }
    }

    /// Cutting by norm keeps the direction, by value the signs; short gradients stay as they are.
    #[test]
    fn clipping_keeps_directions(x in prop::collection::vec(-5.0..5.0_f64, 1..9), limit in 0.1..8.0_f64, size in -150..150_i32) {
        let norm = x.iter().map(|x| x * x).sum::<f64>().sqrt();
        let scale = 10.0_f64.powi(size);
        let mut cut: Vec<f64> = x.iter().map(|x| x * scale).collect();
        let found = clip_norm(&mut cut, limit * scale);
        prop_assert!((found / scale - norm).abs() < 1e-12 * norm);
        let factor = if norm > limit { limit / norm } else { 1.0 };
        for (cut, x) in cut.iter().zip(&x) {
            prop_assert!((cut / scale - factor * x).abs() <= 1e-12 * x.abs());
        }
        let mut cut = x.clone();
        clip_value(&mut cut, limit);
        prop_assert!(cut.iter().zip(&x).all(|(cut, x)| *cut == x.clamp(-limit, limit)));
    }

    /// The average weighs the step `j` before the last by `βʲ`.
    #[test]
    fn averages_weigh_by_age(values in prop::collection::vec(-3.0..3.0_f64, 1..20), decay in 0.1..0.99_f64) {
        let mut average = Average::new(decay, 1);
        values.iter().for_each(|&value| average.update(&[value]));
        let weights: Vec<f64> = (0..values.len()).rev().map(|age| decay.powi(age as i32)).collect();
        let expected = values.iter().zip(&weights).map(|(v, w)| v * w).sum::<f64>() / weights.iter().sum::<f64>();
        let mut mean = [0.0];
        average.read(&mut mean);
        prop_assert!((mean[0] - expected).abs() < 1e-12);
    }

    /// Muon's step along a matrix is nearly orthogonal, whatever the gradient's scale.
    #[test]
    fn muon_steps_are_nearly_orthogonal(seed in prop::collection::vec(-1.0..1.0_f64, 12), scale in 1e-3..1e3_f64, tall in any::<bool>()) {
        let [rows, columns] = if tall { [4, 3] } else { [3, 4] };
        let mut gradient: Vec<f64> = seed.iter().map(|x| 0.1 * scale * x).collect();
        // Singular values away from zero, where the iteration is not done after five rounds.
        (0..3).for_each(|i| gradient[i * columns + i] += scale);
        let mut theta = vec![0.0; 12];
        let group = Group::new(0..12).matrix(rows, columns);
        Descent::grouped(Rule::Muon { momentum: 0.0 }, 12, vec![group]).unwrap().step(&mut theta, &gradient, 1.0);
        let factor = (rows as f64 / columns as f64).max(1.0).sqrt();
        // The Gram matrix of the shorter side: eigenvalues are squares of singular values, between 0.68² and 1.13².
        for i in 0..3 {
            let along = |a: usize, b: usize| -> f64 {
                let at = |i: usize, l: usize| if tall { theta[l * 3 + i] } else { theta[i * 4 + l] };
                (0..4).map(|l| at(a, l) * at(b, l)).sum::<f64>() / (factor * factor)
            };
            let spread: f64 = (0..3).filter(|&j| j != i).map(|j| along(i, j).abs()).sum();
            prop_assert!(along(i, i) - spread < 1.28 && along(i, i) + spread > 0.46, "{theta:?}");
        }
    }
}

#[test]
fn schedules_are_continuous_where_they_should_be() {
    let schedules = [
        Schedule::Constant,
        Schedule::Cosine { steps: 50, end: 0.1 },
        Schedule::Linear { steps: 50, end: 0.1 },
        Schedule::Exponential { factor: 0.99 },
        Schedule::Linear { steps: 50, end: 0.0 }.after_warm_up(10),
    ];
    for schedule in schedules {
        let text = serde_json::to_string(&schedule).unwrap();
        assert_eq!(serde_json::from_str::<Schedule>(&text).unwrap(), schedule);
        for k in 0..100 {
            let (now, next) = (schedule.factor(k), schedule.factor(k + 1));
            assert!((now - next).abs() <= 0.1 + 1e-12 && (0.0..=1.0).contains(&now), "{schedule:?} at {k}");
        }
    }
    let stairs = Schedule::Stairs { every: 10, factor: 0.5 };
    assert_eq!([0, 9, 10, 25].map(|k| stairs.factor(k)), [1.0, 1.0, 0.5, 0.25]);
}

#[test]
fn wrong_groups_are_refused_and_steps_do_not_allocate() {
    let overlap = vec![Group::new(0..5), Group::new(4..8)];
    let beyond = vec![Group::new(4..11)];
    let no_matrix = vec![Group::new(0..6).matrix(2, 2)];
    for groups in [overlap, beyond, no_matrix] {
        assert!(matches!(Descent::<f64>::grouped(Rule::ADAM, 10, groups), Err(OptimError::Groups { .. })));
    }
    let mut descent = Descent::<f64>::new(Rule::ADAM, 3);
    assert_eq!(descent.resume(1, [&[0.0; 3], &[]]), Err(OptimError::MemoryLength { found: 0, expected: 3 }));
    for rule in Rule::ALL {
        let mut descent = Descent::<f32>::grouped(rule, 10, groups()).unwrap();
        let mut theta = [0.5; 10];
        assert_eq!(allocates_nothing(|| descent.step(&mut theta, &[1.0; 10], 0.1)), Ok(()), "{rule:?}");
    }
}
