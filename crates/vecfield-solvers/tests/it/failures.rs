//! Solves that cannot be finished stop, say where, and hand over what they had.

use vecfield_solvers::tableau::{ALL, RK4, TSIT5};
use vecfield_solvers::{Options, Save, SolveError, field, solve_explicit};

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
    assert_eq!(stopped.error, SolveError::NotFinite { component: 1, t: 0.0, step: 0.0 });
}

#[test]
fn the_bound_on_steps_holds() {
    let decay = field(1, |_t, y: &[f64], dy: &mut [f64]| dy[0] = -1e6 * y[0]);
    let options = Options { max_steps: 1000, ..Options::default() };
    let stopped = solve_explicit(&decay, (0.0, 10.0), &[1.0], &TSIT5, &options, Save::End).unwrap_err();
    assert!(matches!(stopped.error, SolveError::TooManySteps { limit: 1000, .. }), "{}", stopped.error);
    assert!(stopped.partial.t[0] > 0.0);
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
    let adaptive = solve_explicit(&decay, (0.0, 1.0), &[1.0], &RK4, &options(), Save::End).unwrap_err().error;
    assert_eq!(adaptive, SolveError::StepRequired { method: "rk4" });
}
