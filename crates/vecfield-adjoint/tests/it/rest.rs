//! States of rest have the slopes of their closed forms.

use vecfield_adjoint::{AdjointError, Rest};
use vecfield_autodiff::Lifted;
use vecfield_solvers::{Options, steady::steady_state};
use vecfield_traits::{Dynamics, Elementary, Mass, VectorField, WithMass};

/// `A ⇌ B` at the rates `θ₀` and `θ₁`, and `C`, which `A` makes and which decays: `A + B` is conserved.
struct Exchange;

impl Dynamics for Exchange {
    fn dim(&self) -> usize {
        3
    }
    fn parameter_count(&self) -> usize {
        3
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], theta: &[S], dy: &mut [S]) {
        let forth = theta[0] * y[0] - theta[1] * y[1];
        (dy[0], dy[1], dy[2]) = (-forth, forth, y[0] * y[0] - theta[2] * y[2]);
    }
}

#[test]
fn what_is_conserved_carries_the_beginning_over() -> Result<(), Box<dyn std::error::Error>> {
    let (theta, start) = ([0.7, 0.4, 1.5], [2.0, 0.5, 0.1]);
    let field = Lifted::new(Exchange, theta.to_vec());
    let found = steady_state(&field, 0.0, &start, &Options::tolerances(1e-10, 1e-12))?;
    let rest = Rest::new(&field, 0.0, &start, &found.y)?;
    assert_eq!(rest.conserved(), 1);
    // A = T θ₁/(θ₀ + θ₁), B = T θ₀/(θ₀ + θ₁), C = A²/θ₂, with T = A + B at the beginning.
    let (sum, total) = (theta[0] + theta[1], start[0] + start[1]);
    let a = total * theta[1] / sum;
    assert!((found.y[0] - a).abs() < 1e-8);
    let by_a = rest.pull_back(&[1.0, 0.0, 0.0]);
    let by_c = rest.pull_back(&[0.0, 0.0, 1.0]);
    let slope = 2.0 * a / theta[2];
    let wanted = [-total * theta[1] / (sum * sum), total * theta[0] / (sum * sum), 0.0];
    for i in 0..3 {
        let by_start = if i < 2 { theta[1] / sum } else { 0.0 };
        assert!((by_a.initial[i] - by_start).abs() < 1e-9, "{:?}", by_a.initial);
        assert!((by_a.parameters[i] - wanted[i]).abs() < 1e-8, "{:?}", by_a.parameters);
        assert!((by_c.initial[i] - slope * by_start).abs() < 1e-8);
        let direct = if i == 2 { -a * a / (theta[2] * theta[2]) } else { 0.0 };
        assert!((by_c.parameters[i] - slope * wanted[i] - direct).abs() < 1e-7, "{:?}", by_c.parameters);
    }
    // Forward and back are transposes.
    let (y_dot, theta_dot) = ([0.3, -0.2, 0.9], [0.1, 0.5, -0.7]);
    let pushed = rest.push_forward(&y_dot, &theta_dot);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    assert!((pushed[2] - dot(&by_c.initial, &y_dot) - dot(&by_c.parameters, &theta_dot)).abs() < 1e-12);
    Ok(())
}

/// `x' = θ₀ - z`, `0 = z - θ₁ x`: at rest `z = θ₀`, `x = θ₀/θ₁`.
struct Balance;

impl Dynamics for Balance {
    fn dim(&self) -> usize {
        2
    }
    fn parameter_count(&self) -> usize {
        2
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], theta: &[S], dy: &mut [S]) {
        (dy[0], dy[1]) = (theta[0] - y[1], y[1] - theta[1] * y[0]);
    }
}

#[test]
fn algebraic_equations_rest_too() -> Result<(), Box<dyn std::error::Error>> {
    let field = WithMass::new(Lifted::new(Balance, vec![3.0, 2.0]), Mass::diagonal(vec![1.0, 0.0]));
    let found = steady_state(&field, 0.0, &[1.0, 1.0], &Options::default())?;
    let gradient = Rest::new(&field, 0.0, &[1.0, 1.0], &found.y)?.pull_back(&[1.0, 0.0]);
    assert!((gradient.parameters[0] - 0.5).abs() < 1e-10 && (gradient.parameters[1] + 0.75).abs() < 1e-10);
    assert_eq!(gradient.initial, [0.0, 0.0]);
    Ok(())
}

/// `x' = -x y`, `y' = -x y²`: everything rests where `x = 0`, and where it comes to is not told by a linear quantity.
struct Exhaustion;

impl Dynamics for Exhaustion {
    fn dim(&self) -> usize {
        2
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        (dy[0], dy[1]) = (-y[0] * y[1], -y[0] * y[1] * y[1]);
    }
}

#[test]
fn a_family_of_states_without_a_linear_quantity_is_refused() {
    let field = Lifted::new(Exhaustion, vec![]);
    assert_eq!(field.dim(), 2);
    let refused = Rest::new(&field, 0.0, &[0.5, 2.0], &[0.0, 1.2]).map(|rest| rest.conserved());
    assert_eq!(refused, Err(AdjointError::Undecided { directions: 1 }));
}
