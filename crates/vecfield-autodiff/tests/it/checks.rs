//! What is lifted has the derivatives that differences find.

use proptest::prelude::*;
use vecfield_autodiff::Lifted;
use vecfield_laws::{check_jvp, check_parameter_vjp, check_vjp};

use crate::fields::Chain;

proptest! {
    /// Lifted families pass, in both precisions.
    #[test]
    fn lifted_families_pass(y in prop::collection::vec(-1.0..1.0_f64, 1..12), t in -1.0..1.0_f64, seed in any::<u64>()) {
        let theta = [0.3, -0.8, 1.1];
        let at = |theta: &[f64]| Lifted::new(Chain(y.len()), theta.to_vec());
        prop_assert_eq!(check_jvp(&at(&theta), t, &y, 1e-8, seed), Ok(()));
        prop_assert_eq!(check_vjp(&at(&theta), t, &y, 1e-8, seed), Ok(()));
        prop_assert_eq!(check_parameter_vjp(at, t, &y, &theta, 1e-8, seed), Ok(()));

        let single: Vec<f32> = y.iter().map(|&y| y as f32).collect();
        let lifted = Lifted::new(Chain(y.len()), vec![0.3_f32, -0.8, 1.1]);
        prop_assert_eq!(check_jvp(&lifted, t as f32, &single, 1e-3, seed), Ok(()));
        prop_assert_eq!(check_vjp(&lifted, t as f32, &single, 1e-3, seed), Ok(()));
    }
}
