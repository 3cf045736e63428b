//! Losses and their gradients.

use proptest::prelude::*;
use vecfield_nn::loss::{cross_entropy, gaussian, huber, mean_squared};

use crate::instances::numbers;

fn differences(x: &[f64], cost: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let mut x = x.to_vec();
    (0..x.len())
        .map(|i| {
            let mut at = |by: f64| {
                let before = x[i];
                x[i] += by;
                let cost = cost(&x);
                x[i] = before;
                cost
            };
            (at(1e-6) - at(-1e-6)) / 2e-6
        })
        .collect()
}

fn near(found: &[f64], expected: &[f64]) -> bool {
    found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-8 * (1.0 + b.abs()))
}

proptest! {
    #[test]
    fn gradients_are_differences(seed in any::<u64>(), delta in 0.1..1.0_f64) {
        let (y, target, mut bar) = (numbers(12, seed), numbers(12, seed ^ 1), vec![0.0; 12]);
        mean_squared(&y, &target, &mut bar);
        prop_assert!(near(&bar, &differences(&y, |y| mean_squared(y, &target, &mut [0.0; 12]))));
        huber(&y, &target, delta, &mut bar);
        prop_assert!(near(&bar, &differences(&y, |y| huber(y, &target, delta, &mut [0.0; 12]))));
        let labels = [2, 0, 1, 1];
        cross_entropy(&y, &labels, &mut bar);
        prop_assert!(near(&bar, &differences(&y, |y| cross_entropy(y, &labels, &mut [0.0; 12]))));
        let (data, mut mean_bar, mut variance_bar) = (numbers(6, seed ^ 2), vec![0.0; 6], vec![0.0; 6]);
        let at = |y: &[f64], bars: (&mut [f64], &mut [f64])| gaussian(3, (&y[..6], &y[6..]), &data, bars);
        at(&y, (&mut mean_bar, &mut variance_bar));
        let found = [mean_bar, variance_bar].concat();
        prop_assert!(near(&found, &differences(&y, |y| at(y, (&mut [0.0; 6], &mut [0.0; 6])))));
    }
}

#[test]
fn large_logits_do_not_overflow() {
    let mut bar = [0.0; 2];
    assert_eq!(cross_entropy(&[1e4, -1e4], &[0], &mut bar), 0.0);
    assert_eq!(bar, [0.0, 0.0]);
    // -ln N(0; 0, 1) of two numbers.
    let cost = gaussian(1, (&[0.0; 2], &[0.0; 2]), &[0.0; 2], (&mut [0.0; 2], &mut [0.0; 2]));
    assert!((cost - std::f64::consts::TAU.ln()).abs() < 1e-15);
}
