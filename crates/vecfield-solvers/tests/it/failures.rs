//! Solves that cannot be finished stop, say where, and hand over what they had.

use proptest::prelude::*;
use vecfield_autodiff::{ByDifferences, Lifted};
use vecfield_solvers::tableau::{ALL, BOGACKI_SHAMPINE_3, DOP853, EULER, TSIT5, VERNER_9};
use vecfield_solvers::{Dynamics, Integrator, Method, Options, Save, SolveError, field, solve, solve_explicit};
use vecfield_traits::Elementary;

use crate::methods;

#[test]
fn a_blow_up_is_named_with_its_time() {
    let square = field(1, |_t, y: &[f64], dy: &mut [f64]| dy[0] = y[0] * y[0]);
    for tableau in ALL.iter().filter(|tableau| tableau.adaptive()) {
        let options = Options::default();
        let stopped = solve_explicit(&square, (0.0, 2.0), &[1.0], tableau, &options, Save::Steps).unwrap_err();
        let t = stopped.error.time().unwrap();
        assert!((t - 1.0).abs() < 1e-4, "{}: {}", tableau.name, stopped.error);
        assert_eq!(stopped.error.component(), Some(0));
        assert_eq!(stopped.partial.t.last().copied(), Some(t), "{}", tableau.name);
    }
}

#[test]
fn leaving_the_domain_is_named_with_its_time() {
    // x = (1 - 3t/2)^(2/3), which ends at t = 2/3.
    let fall = field(1, |_t, y: &[f64], dy: &mut [f64]| dy[0] = -1.0 / y[0].sqrt());
    let options = Options::default();
    let stopped = solve_explicit(&fall, (0.0, 2.0), &[1.0], &TSIT5, &options, Save::End).unwrap_err();
    assert!((stopped.error.time().unwrap() - 2.0 / 3.0).abs() < 1e-5, "{}", stopped.error);
    assert!(stopped.error.named(&["x".to_owned()]).to_string().starts_with("x "), "{}", stopped.error);
}

#[test]
fn a_field_that_is_not_finite_at_once_is_named() {
    let inverse = field(2, |_t, y: &[f64], dy: &mut [f64]| (dy[0], dy[1]) = (1.0, 1.0 / y[1]));
    let stopped =
        solve_explicit(&inverse, (0.0, 2.0), &[0.0, 0.0], &TSIT5, &Options::default(), Save::End).unwrap_err();
    assert_eq!(stopped.error, SolveError::NotFinite { component: 1, t: 0.0, step: 0.0, stage: None });
}

#[test]
fn the_stage_that_is_not_finite_is_named() {
    // Nothing beyond t = 1, and steps of a fixed size that begin there: the third stage of Bogacki and Shampine's pair, at 3/4, is
    // the first that steps over.
    let edge = field(1, |t, _y: &[f64], dy: &mut [f64]| dy[0] = (1.0 - t).sqrt());
    let options = Options { step: Some(1.5), ..Options::default() };
    let stopped = solve_explicit(&edge, (0.0, 3.0), &[0.0], &BOGACKI_SHAMPINE_3, &options, Save::End).unwrap_err();
    assert_eq!(stopped.error, SolveError::StepFailed { component: 0, t: 0.0, step: 1.5, stage: Some(2) });
    assert!(stopped.error.to_string().contains("in component 0 in stage 3"), "{}", stopped.error);

    // With steps that are chosen, the stage named is that of the smallest one tried, which ends beyond.
    let stopped = solve_explicit(&edge, (0.0, 3.0), &[0.0], &TSIT5, &Options::default(), Save::End).unwrap_err();
    assert!(matches!(stopped.error, SolveError::NotFinite { component: 0, stage: Some(1..), .. }), "{}", stopped.error);
}

#[test]
fn the_bound_on_steps_holds() {
    let turn = field(2, |_t, y: &[f64], dy: &mut [f64]| (dy[0], dy[1]) = (y[1], -1e6 * y[0]));
    let options = Options { max_steps: 1000, ..Options::default() };
    let stopped = solve_explicit(&turn, (0.0, 10.0), &[1.0, 0.0], &TSIT5, &options, Save::End).unwrap_err();
    assert!(matches!(stopped.error, SolveError::TooManySteps { limit: 1000, .. }), "{}", stopped.error);
    assert!(stopped.partial.t[0] > 0.0);
}

/// An explicit method on a stiff problem says that it is stiff, long before its steps run out, and how stiff.
#[test]
fn stiffness_is_diagnosed() {
    // y' = -k (y - cos t): the slow solution needs no small steps, stability does.
    let k = 1e8;
    let chase = ByDifferences::new(field(1, |t: f64, y: &[f64], dy: &mut [f64]| dy[0] = -k * (y[0] - t.cos())));
    let explicit = [&BOGACKI_SHAMPINE_3, &TSIT5, &DOP853, &VERNER_9].map(Method::Explicit);
    for method in explicit.into_iter().chain([Method::Adams]) {
        let options = Options::tolerances(1e-6, 1e-6);
        let stopped = solve(&chase, (0.0, 100.0), &[1.0], method, &options, Save::End).unwrap_err();
        let SolveError::Stiff { rate, step, limit, .. } = stopped.error else {
            panic!("{}: {}", method.name(), stopped.error);
        };
        assert!((rate / k - 1.0).abs() < 0.05, "{}: {}", method.name(), stopped.error);
        assert!(step * k < 10.0);
        let steps = stopped.partial.stats.steps + stopped.partial.stats.rejected;
        assert!(steps < limit / 1000, "{} needed {steps} steps to tell", method.name());
        assert!(stopped.error.to_string().contains("radau5"));
    }
    let solution = solve(&chase, (0.0, 100.0), &[1.0], Method::Auto, &Options::default(), Save::End).unwrap();
    assert!((solution.last()[0] - 100.0_f64.cos()).abs() < 1e-5);
}

#[test]
fn what_does_not_fit_is_refused() {
    let decay = field(1, |_t, y: &[f64], dy: &mut [f64]| dy[0] = -y[0]);
    let refused = |span, y0: &[f64], options: Options<f64>, save| {
        solve_explicit(&decay, span, y0, &TSIT5, &options, save).unwrap_err().error.to_string()
    };
    let options = Options::default;
    assert!(refused((0.0, 1.0), &[1.0, 2.0], options(), Save::End).contains("y0 has 2 numbers"));
    assert!(refused((0.0, f64::INFINITY), &[1.0], options(), Save::End).contains("end of the interval"));
    assert!(refused((0.0, 1.0), &[f64::NAN], options(), Save::End).contains("component 0"));
    assert!(refused((0.0, 1.0), &[1.0], options(), Save::At(&[0.5, 0.2])).contains("save time"));
    assert!(refused((0.0, 1.0), &[1.0], options(), Save::At(&[1.5])).contains("save time"));
    assert!(refused((0.0, 1.0), &[1.0], Options::tolerances(-1.0, 1.0), Save::End).contains("rtol"));
    assert!(refused((0.0, 1.0), &[1.0], Options::tolerances(f64::NAN, 1.0), Save::End).contains("rtol"));
    assert!(refused((0.0, 1.0), &[1.0], Options::tolerances(0.0, 0.0), Save::End).contains("atol"));
    let mut for_two = Integrator::explicit(&TSIT5, 2, &options()).unwrap();
    let other = for_two.solve(&decay, (0.0, 1.0), &[1.0], Save::End).unwrap_err().error.to_string();
    assert!(other.contains("integrator was made for has 2 numbers"), "{other}");
    let fixed = solve_explicit(&decay, (0.0, 1.0), &[1.0], &EULER, &options(), Save::End).unwrap_err().error;
    assert_eq!(fixed, SolveError::StepRequired { method: "euler" });
}

/// `dy_i = Σ_j a_ij y_j + Σ_jk b_ijk y_j y_k`: explodes, oscillates, decays or is stiff, as the numbers will.
struct Quadratic {
    linear: Vec<f64>,
    square: Vec<f64>,
}

impl Dynamics for Quadratic {
    fn dim(&self) -> usize {
        2
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        let products = [y[0] * y[0], y[0] * y[1], y[1] * y[1]];
        for i in 0..2 {
            dy[i] = S::constant(self.linear[2 * i]) * y[0] + S::constant(self.linear[2 * i + 1]) * y[1];
            for (j, product) in products.into_iter().enumerate() {
                dy[i] += S::constant(self.square[3 * i + j]) * product;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the field, a solve ends within its bound, with finite numbers or with an error that says where.
    #[test]
    fn no_field_makes_a_solve_hang_or_lie(
        linear in prop::collection::vec(-10.0..10.0_f64, 4),
        square in prop::collection::vec(-10.0..10.0_f64, 6),
        y in prop::array::uniform2(-3.0..3.0_f64),
        power in -6..7_i32,
        rtol in 2..12_i32,
    ) {
        let scale = 10.0_f64.powi(power);
        let scaled = |x: &f64| x * scale;
        let quadratic = Quadratic { linear: linear.iter().map(scaled).collect(), square: square.iter().map(scaled).collect() };
        let field = Lifted::new(quadratic, vec![]);
        let rtol = 10.0_f64.powi(-rtol);
        for method in methods() {
            let step = method.fixed_step().then_some(0.01);
            let options = Options { max_steps: 2000, step, ..Options::tolerances(rtol, 1e-3 * rtol) };
            let times = [0.1, 0.5, 1.0];
            let (t, y) = match solve(&field, (0.0, 1.0), &y, method, &options, Save::At(&times)) {
                Ok(solution) => (solution.t, solution.y),
                Err(stopped) => {
                    let at = stopped.error.time();
                    prop_assert!(at.is_some_and(|t| (0.0..=1.0).contains(&t)), "{}: {}", method.name(), stopped.error);
                    (stopped.partial.t, stopped.partial.y)
                }
            };
            prop_assert_eq!(y.len(), 2 * t.len());
            prop_assert!(y.iter().all(|y| y.is_finite()), "{}: {:?}", method.name(), y);
        }
    }
}

#[test]
fn a_tolerance_below_rounding_is_refused_or_met() {
    let decay = field(1, |_t, y: &[f64], dy: &mut [f64]| dy[0] = -y[0]);
    for tableau in ALL.iter().filter(|tableau| tableau.order >= 5) {
        for rtol in [1e-14, 1e-15, 1e-18] {
            let options = Options { max_steps: 100_000, ..Options::tolerances(rtol, 0.0) };
            match solve_explicit(&decay, (0.0, 1.0), &[1.0], tableau, &options, Save::End) {
                Ok(solution) => assert!((solution.last()[0] - (-1.0_f64).exp()).abs() < 1e-13, "{}", tableau.name),
                Err(stopped) => assert!(stopped.error.to_string().contains("tol"), "{}", stopped.error),
            }
        }
    }
}

#[test]
fn dense_output_outside_the_domain_is_an_error() {
    // The field is not a number between 0.4 and 0.6, which no stage of a step from 0 to 1 need hit, but dense output does.
    let gap = field(1, |t: f64, _y: &[f64], dy: &mut [f64]| dy[0] = if t > 0.4 && t < 0.6 { f64::NAN } else { 1.0 });
    for tableau in ALL {
        let options = Options::fixed(1.0);
        let solved = solve_explicit(&gap, (0.0, 1.0), &[0.0], tableau, &options, Save::At(&[0.3, 0.5]));
        let y = solved.map_or_else(|stopped| stopped.partial.y, |solution| solution.y);
        assert!(y.iter().all(|y| y.is_finite()), "{}: {y:?}", tableau.name);
    }
}
