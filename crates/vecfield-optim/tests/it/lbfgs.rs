//! L-BFGS on functions whose minima are known.

use core::ops::ControlFlow;

use proptest::prelude::*;
use vecfield_laws::allocates_nothing;
use vecfield_optim::{Ended, Infeasible, Lbfgs, LbfgsOptions};

use crate::valley;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Quadratic bowls of any shape.
    #[test]
    fn bowls(minimum in prop::collection::vec(-5.0..5.0_f64, 2..12), spread in 0.0..4.0_f64) {
        let n = minimum.len();
        let weight = |i: usize| 10.0_f64.powf(spread * i as f64 / n as f64);
        let mut bowl = |x: &[f64], g: &mut [f64]| {
            (0..n).for_each(|i| g[i] = weight(i) * (x[i] - minimum[i]));
            Ok((0..n).map(|i| 0.5 * weight(i) * (x[i] - minimum[i]).powi(2)).sum())
        };
        let mut x = vec![0.0; n];
        let summary = Lbfgs::new(n, LbfgsOptions::default()).minimize(&mut x, &mut bowl);
        prop_assert!(summary.ended == Ended::Gradient, "{summary:?}");
        prop_assert!(x.iter().zip(&minimum).all(|(x, m)| (x - m).abs() < 1e-7), "{x:?}");
    }

    /// Rosenbrock's valley in many dimensions, from anywhere; every iteration goes down.
    #[test]
    fn valleys(start in prop::collection::vec(-2.0..2.0_f64, 6)) {
        let mut x = start;
        let mut last = f64::INFINITY;
        let mut falling = true;
        let mut lbfgs = Lbfgs::new(6, LbfgsOptions::default());
        let summary = lbfgs.minimize_watched(&mut x, &mut valley, &mut |now| {
            falling &= now.value <= last;
            last = now.value;
            ControlFlow::Continue(())
        });
        prop_assert!(falling);
        prop_assert!(x.iter().all(|x| (x - 1.0).abs() < 1e-6), "{summary:?} {x:?}");
        prop_assert!(summary.iterations < 150, "{summary:?}");
    }
}

/// `x - ln x`, not there for `x ≤ 0`: steps that leave are shortened.
#[test]
fn infeasible_points_are_stepped_back_from() {
    let mut barrier = |x: &[f64], g: &mut [f64]| {
        if x[0] <= 0.0 {
            return Err(Infeasible);
        }
        g[0] = 1.0 - 1.0 / x[0];
        Ok(x[0] - x[0].ln())
    };
    let mut x = [30.0];
    let mut lbfgs = Lbfgs::new(1, LbfgsOptions::default());
    let summary = lbfgs.minimize(&mut x, &mut barrier);
    assert!((x[0] - 1.0).abs() < 1e-7, "{summary:?} {x:?}");
    assert_eq!(lbfgs.minimize(&mut [-1.0], &mut barrier).ended, Ended::InfeasibleStart);
    let mut x = [30.0];
    assert_eq!(allocates_nothing(|| _ = lbfgs.minimize(&mut x, &mut barrier)), Ok(()));
    let stopped = lbfgs.minimize_watched(&mut [30.0], &mut barrier, &mut |_| ControlFlow::Break(()));
    assert_eq!((stopped.ended, stopped.iterations), (Ended::Stopped, 1));
}
