//! Sums in one order everywhere.

use proptest::prelude::*;
use vecfield_kernels::{Job, Target, axpy, dot, run_on, sum};

/// The documented order, written plainly.
fn sixteen_partial_sums(terms: &[f64]) -> f64 {
    let mut partial = [0.0; 16];
    for (i, term) in terms.iter().enumerate() {
        partial[i % 16] += term;
    }
    for width in [8, 4, 2, 1] {
        for i in 0..width {
            partial[i] += partial[i + width];
        }
    }
    partial[0]
}

proptest! {
    #[test]
    fn order_is_the_documented_one(x in prop::collection::vec((-1e3..1e3_f64, -1e3..1e3_f64), 0..100)) {
        let (x, y): (Vec<f64>, Vec<f64>) = x.into_iter().unzip();
        prop_assert_eq!(sum(&x), sixteen_partial_sums(&x));
        let products: Vec<f64> = x.iter().zip(&y).map(|(x, y)| x * y).collect();
        prop_assert_eq!(dot(&x, &y), sixteen_partial_sums(&products));
        let mut z = y.clone();
        axpy(0.3, &x, &mut z);
        prop_assert!(z.iter().zip(&x).zip(&y).all(|((z, x), y)| *z == y + 0.3 * x));
    }
}

#[test]
fn a_job_runs_on_every_target() {
    struct Which;
    impl Job for Which {
        type Output = bool;
        fn run<const FUSED: bool>(self) -> bool {
            FUSED
        }
    }
    for target in Target::all() {
        let fused = run_on(target, Which);
        assert!(fused || target == Target::BASELINE);
    }
    assert_eq!(Target::all().last(), Some(&Target::best()));
}

#[test]
fn nothing_sums_to_zero() {
    assert_eq!(sum::<f64>(&[]), 0.0);
    assert_eq!(dot::<f32>(&[], &[]), 0.0);
    assert!(sum(&[1.0, f64::NAN]).is_nan());
}
