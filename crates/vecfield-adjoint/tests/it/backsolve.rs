//! The adjoint equation integrated backwards, and what it says of its own error.

use proptest::prelude::*;
use vecfield_adjoint::{AdjointError, Budget, Cotangents, Discrete, backsolve};
use vecfield_autodiff::Lifted;
use vecfield_solvers::{Options, tableau::DOP853};
use vecfield_traits::{Dynamics, Elementary};

use crate::discrete::family;

const WEIGHTS: [f64; 9] = [0.3, -1.0, 0.7, 0.2, 0.9, -0.4, 1.0, 0.5, -0.6];

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    /// The estimate bounds the error, up to what the reference itself is good for.
    #[test]
    fn the_estimate_bounds_the_error(
        start in prop::array::uniform3(-1.0..1.0_f64),
        theta in prop::array::uniform3(0.1..2.0_f64),
        digits in 4.0..8.0_f64,
    ) {
        let (family, save, span) = (family(), [0.5, 1.3, 2.0], (0.0, 2.0));
        let mut field = family.at(theta.to_vec());
        let cotangents = Cotangents::saved(&WEIGHTS);
        let options = Options::tolerances(10.0_f64.powf(-digits), 10.0_f64.powf(-digits));
        let (_, found) = backsolve(&DOP853, &field, span, &start, &save, &cotangents, &options).unwrap();
        let mut exact = Discrete::explicit(&DOP853, 3, &Options::tolerances(1e-13, 1e-13), Budget::default()).unwrap();
        exact.solve(&mut field, span, &start, &save).unwrap();
        let exact = exact.pull_back(&mut field, &cotangents).unwrap();
        let pairs = found.gradient.initial.iter().zip(&exact.initial).zip(&found.initial_error);
        let more = found.gradient.parameters.iter().zip(&exact.parameters).zip(&found.parameter_error);
        let sizes = (pairs.clone().chain(more.clone())).map(|((found, exact), error)| ((found - exact).abs(), *error));
        let (error, estimate) = sizes.fold((0.0_f64, 0.0_f64), |(a, b), (c, d)| (a.max(c), b.max(d)));
        prop_assert!(error <= estimate + 1e-11, "{error:e}, estimated {estimate:e}");
        prop_assert!((found.gradient.t1 - exact.t1).abs() < 1e-3 && (found.gradient.t0 - exact.t0).abs() < 1e-3);
    }
}

/// y' = -θ y so fast that nothing is left of what was a moment ago.
struct Forgetful;

impl Dynamics for Forgetful {
    fn dim(&self) -> usize {
        1
    }
    fn parameter_count(&self) -> usize {
        1
    }
    fn eval<S: Elementary>(&self, t: S, y: &[S], theta: &[S], dy: &mut [S]) {
        dy[0] = -theta[0] * (y[0] - t.sin()) * (S::one() + y[0] * y[0]);
    }
}

#[test]
fn what_cannot_be_followed_back_is_no_gradient() {
    let field = Lifted::new(Forgetful, vec![3000.0]);
    let options = Options { max_steps: 100_000, ..Options::tolerances(1e-6, 1e-6) };
    let found = backsolve(&DOP853, &field, (0.0, 20.0), &[2.0], &[], &Cotangents::end(&[1.0]), &options);
    match found {
        Err(AdjointError::Solve(_)) => {}
        Err(error) => panic!("{error}"),
        Ok((_, found)) => {
            // By θ: tracking sin t with a lag of about 1/θ.
            let size = found.gradient.parameters[0].abs();
            assert!(found.parameter_error[0] > 0.1 * size, "{:?} is trusted", found);
        }
    }
}
