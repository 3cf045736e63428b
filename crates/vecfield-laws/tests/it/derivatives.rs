//! Derivatives: what is right passes, and what is wrong is named.

use vecfield_laws::{Broken, Quantity, check_jvp, check_parameter_vjp, check_vjp};
use vecfield_traits::{Jvp, VectorField, Vjp};

/// Derivatives of `y' = θ y₀ y₁ + t, y' = y₀²`, by hand, with a factor on one of them.
struct ByHand {
    theta: [f64; 1],
    on_tangent: f64,
    on_state: f64,
    on_parameter: f64,
    on_time: f64,
    overwrites: bool,
}

const RIGHT: ByHand =
    ByHand { theta: [0.7], on_tangent: 1.0, on_state: 1.0, on_parameter: 1.0, on_time: 1.0, overwrites: false };

impl VectorField<f64> for ByHand {
    type Workspace = ();
    fn workspace(&self) {}
    fn dim(&self) -> usize {
        2
    }
    fn eval(&self, t: f64, y: &[f64], dy: &mut [f64], _work: &mut ()) {
        dy[0] = self.theta[0] * y[0] * y[1] + t;
        dy[1] = y[0] * y[0];
    }
}

impl Jvp<f64> for ByHand {
    fn jvp(&self, t: f64, y: &[f64], t_dot: f64, y_dot: &[f64], dy: &mut [f64], dy_dot: &mut [f64], work: &mut ()) {
        self.eval(t, y, dy, work);
        dy_dot[0] = self.theta[0] * (y_dot[0] * y[1] + y[0] * y_dot[1]) + t_dot;
        dy_dot[1] = 2.0 * y[0] * y_dot[0] * self.on_tangent;
    }
}

impl Vjp<f64> for ByHand {
    fn parameters(&self) -> &[f64] {
        &self.theta
    }
    fn vjp(&self, _t: f64, y: &[f64], w: &[f64], y_bar: &mut [f64], theta_bar: &mut [f64], _work: &mut ()) -> f64 {
        if self.overwrites {
            y_bar.fill(0.0);
        }
        y_bar[0] += self.theta[0] * y[1] * w[0] + 2.0 * y[0] * w[1];
        y_bar[1] += self.theta[0] * y[0] * w[0] * self.on_state;
        theta_bar[0] += y[0] * y[1] * w[0] * self.on_parameter;
        w[0] * self.on_time
    }
}

/// Where a broken law says it is broken.
fn place(broken: &Broken) -> (Quantity, usize) {
    match broken {
        Broken::Differs { quantity, component, .. } => (*quantity, *component),
        other => panic!("{other}"),
    }
}

const AT: [f64; 2] = [1.2, -0.6];

#[test]
fn right_derivatives_pass() {
    check_jvp(&RIGHT, 0.3, &AT, 1e-9, 1).unwrap();
    check_vjp(&RIGHT, 0.3, &AT, 1e-9, 1).unwrap();
    check_parameter_vjp(|theta| ByHand { theta: [theta[0]], ..RIGHT }, 0.3, &AT, &[0.7], 1e-9, 1).unwrap();
}

#[test]
fn wrong_derivatives_are_named() {
    let off = 1.0 + 1e-6; // a relative error of a millionth
    let wrong = check_jvp(&ByHand { on_tangent: off, ..RIGHT }, 0.3, &AT, 1e-9, 1).unwrap_err();
    assert_eq!(place(&wrong), (Quantity::Tangent, 1));
    let wrong = check_vjp(&ByHand { on_state: off, ..RIGHT }, 0.3, &AT, 1e-9, 1).unwrap_err();
    assert_eq!(place(&wrong), (Quantity::StateCotangent, 1));
    let wrong = check_vjp(&ByHand { on_time: off, ..RIGHT }, 0.3, &AT, 1e-9, 1).unwrap_err();
    assert_eq!(place(&wrong), (Quantity::TimeCotangent, 0));
    let at = |theta: &[f64]| ByHand { theta: [theta[0]], on_parameter: off, ..RIGHT };
    let wrong = check_parameter_vjp(at, 0.3, &AT, &[0.7], 1e-9, 1).unwrap_err();
    assert_eq!(place(&wrong), (Quantity::ParameterCotangent, 0));
    assert!(wrong.to_string().starts_with("cotangent of parameter 0 is "), "{wrong}");
}

#[test]
fn a_pullback_that_overwrites_is_caught() {
    let wrong = check_vjp(&ByHand { overwrites: true, ..RIGHT }, 0.3, &AT, 1e-9, 1).unwrap_err();
    assert_eq!(place(&wrong).0, Quantity::StateCotangent);
}

#[test]
fn nan_is_a_mismatch() {
    assert!(check_jvp(&ByHand { on_tangent: f64::NAN, ..RIGHT }, 0.3, &AT, 1e-9, 1).is_err());
}
