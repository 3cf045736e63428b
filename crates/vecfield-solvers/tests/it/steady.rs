//! Steady states: the one the solution goes to, to rounding, with its stability; or an error that says what happens instead.

use proptest::prelude::*;
use vecfield_autodiff::Lifted;
use vecfield_solvers::steady::{Stability, steady_state};
use vecfield_solvers::{Dynamics, Method, Options, Save, SolveError, solve};
use vecfield_traits::{Elementary, Jacobian, Mass, VectorField, WithMass};

/// Two genes that repress each other: two stable states, and a saddle between them.
struct Toggle;

impl Dynamics for Toggle {
    fn dim(&self) -> usize {
        2
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        let repressed = |x: S| S::constant(4.0) / (S::one() + x * x * x);
        (dy[0], dy[1]) = (repressed(y[1]) - y[0], repressed(y[0]) - y[1]);
    }
}

/// The rate at a state.
fn rate(field: &impl VectorField<f64>, y: &[f64]) -> Vec<f64> {
    let mut dy = vec![0.0; y.len()];
    field.eval(0.0, y, &mut dy, &mut field.workspace());
    dy
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// The state found is the one that the solution goes to, and nothing moves there.
    #[test]
    fn it_is_where_the_solution_goes(a in 0.0..5.0_f64, b in 0.0..5.0_f64) {
        prop_assume!((a - b).abs() > 1e-3);
        let field = Lifted::new(Toggle, vec![]);
        let found = steady_state(&field, 0.0, &[a, b], &Options::default()).unwrap();
        let late = solve(&field, (0.0, 200.0), &[a, b], Method::Auto, &Options::default(), Save::End).unwrap();
        for (x, y) in found.y.iter().zip(late.last()) {
            prop_assert!((x - y).abs() < 1e-5, "{:?}, the solution goes to {:?}", found.y, late.last());
        }
        prop_assert!(rate(&field, &found.y).iter().all(|rate| rate.abs() < 1e-12));
        prop_assert_eq!(found.stability, Stability::Stable);
    }
}

#[test]
fn a_saddle_is_found_from_itself_and_its_stable_side_and_called_unstable() {
    let field = Lifted::new(Toggle, vec![]);
    let from_the_side = steady_state(&field, 0.0, &[0.2, 0.2], &Options::default()).unwrap();
    assert_eq!(from_the_side.stability, Stability::Unstable, "{from_the_side:?}");
    let again = steady_state(&field, 0.0, &from_the_side.y, &Options::default()).unwrap();
    assert_eq!(again.stability, Stability::Unstable);
    assert!(again.eigenvalues[0].re > 0.1 && again.eigenvalues[1].re < -0.1);
}

/// Robertson's kinetics, which conserve mass: all of it ends in the third component, by a power of time.
struct Robertson;

impl Dynamics for Robertson {
    fn dim(&self) -> usize {
        3
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        let (slow, fast, middle) =
            (y[0] * S::constant(0.04), y[1] * y[1] * S::constant(3e7), y[1] * y[2] * S::constant(1e4));
        dy[0] = middle - slow;
        dy[1] = slow - middle - fast;
        dy[2] = fast;
    }
}

/// Binding `a + b ⇌ c`, with two conserved totals: `J` has rank one.
struct Binding;

impl Dynamics for Binding {
    fn dim(&self) -> usize {
        3
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        let net = S::constant(2.0) * y[0] * y[1] - S::constant(0.5) * y[2];
        (dy[0], dy[1], dy[2]) = (-net, -net, net);
    }
}

#[test]
fn conserved_quantities_are_kept() {
    let found = steady_state(&Lifted::new(Binding, vec![]), 0.0, &[1.0, 2.0, 0.3], &Options::default()).unwrap();
    let [a, b, c] = found.y[..] else { panic!("three components") };
    assert!((a + c - 1.3).abs() < 1e-12 && (b + c - 2.3).abs() < 1e-12, "{:?}", found.y);
    assert!((2.0 * a * b - 0.5 * c).abs() < 1e-12);
    assert_eq!(found.stability, Stability::Neutral);

    let found = steady_state(&Lifted::new(Robertson, vec![]), 0.0, &[1.0, 0.0, 0.0], &Options::default()).unwrap();
    // Newton's iterations keep the total to a part of the transient's tolerance in each of some hundred steps.
    assert!((found.y.iter().sum::<f64>() - 1.0).abs() < 1e-4, "{:?}", found.y);
    assert!(found.y[0] < 1e-3, "{:?}", found.y);
}

#[test]
fn algebraic_equations_take_part() {
    /// `x' = 1 - x z`, `0 = z - x`: `x = z = 1`, where small deviations decay at the rate 2.
    struct Balance;
    impl Dynamics for Balance {
        fn dim(&self) -> usize {
            2
        }
        fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
            (dy[0], dy[1]) = (S::one() - y[0] * y[1], y[1] - y[0]);
        }
    }
    let field = WithMass::new(Lifted::new(Balance, vec![]), Mass::diagonal(vec![1.0, 0.0]));
    assert!(field.mass().is_some());
    let found = steady_state(&field, 0.0, &[3.0, 0.0], &Options::default()).unwrap();
    assert!(found.y.iter().all(|y| (y - 1.0).abs() < 1e-12), "{:?}", found.y);
    assert_eq!((found.stability, found.eigenvalues.len()), (Stability::Stable, 1));
    assert!((found.eigenvalues[0].re + 2.0).abs() < 1e-9);
}

#[test]
fn what_never_rests_is_an_error() {
    /// Van der Pol's oscillator; growth without bound.
    struct Moving(bool);
    impl Dynamics for Moving {
        fn dim(&self) -> usize {
            2
        }
        fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
            (dy[0], dy[1]) = match self.0 {
                true => (y[1], (S::one() - y[0] * y[0]) * y[1] - y[0]),
                false => (S::one(), y[0]),
            };
        }
    }
    let options = Options { max_steps: 2000, ..Options::default() };
    let stopped = steady_state(&Lifted::new(Moving(true), vec![]), 0.0, &[2.0, 0.0], &options).unwrap_err();
    assert!(matches!(stopped.error, SolveError::NotSteady { residual, .. } if residual > 1e-3), "{stopped}");
    assert!(steady_state(&Lifted::new(Moving(false), vec![]), 0.0, &[2.0, 0.0], &options).is_err());
}
