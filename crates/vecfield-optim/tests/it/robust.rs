//! Robust losses.

use proptest::prelude::*;
use vecfield_optim::{FromResiduals, LevenbergMarquardt, Loss, Options};

/// A line with every seventh point thrown far off.
fn line(loss: Loss) -> [f64; 2] {
    let data: Vec<f64> = (0..50)
        .map(|i| 2.0 + 0.5 * f64::from(i) + 0.1 * (1.7 * f64::from(i)).sin() + if i % 7 == 3 { 40.0 } else { 0.0 })
        .collect();
    let mut problem = FromResiduals::new(2, 50, |x: &[f64], r: &mut [f64]| {
        for (i, r) in r.iter_mut().enumerate() {
            *r = x[0] + x[1] * i as f64 - data[i];
        }
    });
    let mut x = [0.0, 0.0];
    let options = Options { loss, iterations: 500, ..Options::default() };
    let summary = LevenbergMarquardt::new(options).minimize(&mut problem, &mut x).unwrap();
    assert!(summary.stop.converged(), "{summary:?}");
    x
}

#[test]
fn outliers_move_the_squared_loss_only() {
    let far = |x: [f64; 2]| (x[0] - 2.0).abs() + (x[1] - 0.5).abs();
    assert!(far(line(Loss::Squared)) > 1.0);
    for loss in [Loss::Huber(0.3), Loss::SoftL1(0.3), Loss::Cauchy(0.3)] {
        let x = line(loss);
        assert!(far(x) < 0.15, "{loss:?}: {x:?}");
    }
}

proptest! {
    /// The weights are the derivatives of the loss: `d(½ρ(r²))/dr = w₁ r`, and the derivative of that is `w₂`.
    #[test]
    fn weights_are_derivatives(r in -5.0..5.0_f64, delta in 0.2..3.0_f64) {
        for loss in [Loss::Squared, Loss::Huber(delta), Loss::SoftL1(delta), Loss::Cauchy(delta)] {
            prop_assume!((r.abs() - delta).abs() > 1e-3);
            let h = 1e-5;
            let slope = (loss.rho(r + h) - loss.rho(r - h)) / (4.0 * h);
            let force = |r: f64| loss.weights(r).0 * r;
            prop_assert!((slope - force(r)).abs() < 1e-8, "{loss:?}");
            prop_assert!(((force(r + h) - force(r - h)) / (2.0 * h) - loss.weights(r).1).abs() < 1e-7, "{loss:?}");
        }
    }
}
