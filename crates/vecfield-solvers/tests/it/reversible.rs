//! Laws of reversible methods: order, and the way back to rounding.

use proptest::prelude::*;
use vecfield_autodiff::{Dual, Lifted};
use vecfield_laws::problems::Turning;
use vecfield_laws::{allocates_nothing, order_is_at_least};
use vecfield_solvers::reversible::{ALL, COUPLING, Reversible, ReversibleMethod, Scheme};
use vecfield_solvers::stepper::{Evaluator, Stepper};
use vecfield_solvers::{Dynamics, Integrator, Method, Options, Save, VectorField, field, solve};
use vecfield_traits::{Elementary, ParametricField, Scalar};

/// Largest errors at the end and inside the steps, with `steps` steps.
fn errors(method: &'static ReversibleMethod, steps: u32) -> (f64, f64) {
    let times: Vec<f64> = (1..=97).map(|i| 2.0 * f64::from(i) / 97.0).collect();
    let rotation = Lifted::new(Turning, vec![]);
    let options = Options::fixed(2.0 / f64::from(steps));
    let solution = solve(&rotation, (0.0, 2.0), &[1.0, 0.0], Method::Reversible(method), &options, Save::At(&times));
    let solution = solution.unwrap();
    let error = |row: usize| Turning::error(times[row], solution.state(row));
    (error(96), (0..97).map(error).fold(0.0, f64::max))
}

#[test]
fn steps_and_dense_output_converge_at_the_order() {
    for method in ALL {
        let errors: Vec<(f64, f64)> = (1..9).map(|k| errors(method, 3 << k)).collect();
        let (ends, inside): (Vec<f64>, Vec<f64>) = errors.into_iter().unzip();
        let claimed = f64::from(method.order());
        order_is_at_least(claimed, 0.15, &ends, 2e-13).unwrap_or_else(|broken| panic!("{}: {broken}", method.name));
        // What the last digits are is noise in 97 points sooner than at the end.
        order_is_at_least(claimed, 0.35, &inside, 1e-11).unwrap_or_else(|broken| panic!("{}: {broken}", method.name));
    }
}

/// The pair after `steps` steps and as many back; the field is pure, so `y0` should return.
fn there_and_back<F: VectorField<f64>>(
    method: &'static ReversibleMethod,
    mut f: F,
    y0: &[f64],
    steps: &[f64],
) -> Vec<f64> {
    let mut work = f.workspace();
    let mut field = Evaluator::new(&mut f, &mut work);
    let mut stepper = Reversible::new(method, y0.len(), &Options::fixed(1.0)).unwrap();
    stepper.start(&mut field, 0.0, y0).unwrap();
    let mut times = vec![0.0];
    for h in steps {
        let t = times[times.len() - 1];
        stepper.step(&mut field, t, *h);
        times.push(t + h);
    }
    // From the end on, nothing but the pair is known.
    let (y, z) = stepper.state();
    let (y, z) = (y.to_vec(), z.to_vec());
    let mut stepper = Reversible::new(method, y0.len(), &Options::fixed(1.0)).unwrap();
    stepper.set_state(&y, &z);
    for (t, h) in times.iter().zip(steps).rev() {
        stepper.step_back(&mut field, *t, *h);
    }
    stepper.state().0.to_vec()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn ten_thousand_steps_of_an_oscillator_are_undone() {
    for method in ALL {
        let oscillator = field(2, |_t, y: &[f64], dy: &mut [f64]| (dy[0], dy[1]) = (y[1], -y[0]));
        let back = there_and_back(method, oscillator, &[1.0, 0.5], &[0.05; 10_000]);
        let left = distance(&back, &[1.0, 0.5]);
        // The coupled scheme enlarges each rounding by λ^-k, at most λ^-10000 = 2e4.
        assert!(left < 1e-9, "{}: left by {left:e}", method.name);
    }
}

/// A damped pendulum that is pushed about.
struct Pendulum;
impl Dynamics for Pendulum {
    fn dim(&self) -> usize {
        2
    }
    fn eval<S: Elementary>(&self, t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        dy[0] = y[1];
        dy[1] = (t + t).cos() - y[0].sin() - y[1] * S::constant(0.2);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Steps of any sizes are undone, whatever the field.
    #[test]
    fn a_step_back_undoes_a_step(
        y in prop::array::uniform2(-2.0..2.0_f64),
        steps in prop::collection::vec(0.01..0.3_f64, 1..60),
    ) {
        for method in ALL {
            let back = there_and_back(method, Lifted::new(Pendulum, vec![]), &y, &steps);
            let left = distance(&back, &y);
            prop_assert!(left < 1e-12, "{}: left by {left:e}", method.name);
        }
    }

    /// The value of a dual has the bits of the float, chosen steps and all.
    #[test]
    fn duals_take_the_same_steps(y in prop::array::uniform2(-2.0..2.0_f64)) {
        for method in ALL {
            let options = if method.adaptive() { Options::tolerances(1e-5, 1e-7) } else { Options::fixed(0.1) };
            let plain = Integrator::reversible(method, 2, &options).unwrap()
                .solve(&Pendulum.at(vec![]), (0.0, 2.0), &y, Save::Steps).unwrap();
            let y0: [Dual<f64, 2>; 2] = core::array::from_fn(|i| Dual::variable(y[i], i));
            let dual = Integrator::reversible(method, 2, &options).unwrap()
                .solve(&Pendulum.at(vec![]), (0.0, 2.0), &y0, Save::Steps).unwrap();
            prop_assert_eq!(plain.stats, dual.stats);
            for (plain, dual) in plain.y.iter().zip(&dual.y) {
                prop_assert_eq!(plain.to_bits(), dual.value().to_bits(), "{}", method.name);
            }
        }
    }
}

#[test]
fn tolerances_are_met() {
    let rotation = Lifted::new(Turning, vec![]);
    for method in ALL.iter().filter(|method| method.adaptive()) {
        for exponent in if method.order() < 3 { 2..6 } else { 3..11 } {
            let rtol = 10.0_f64.powi(-exponent);
            let options = Options::tolerances(rtol, rtol);
            let solution = solve(&rotation, (0.0, 10.0), &[1.0, 0.0], Method::Reversible(method), &options, Save::End);
            let solution = solution.unwrap();
            let error = distance(solution.last(), &Turning::solution(10.0));
            assert!(error < 100.0 * rtol, "{}: {error:e} at {rtol:e}", method.name);
        }
    }
}

#[test]
fn a_coupled_step_is_twice_the_stages() {
    let rotation = Lifted::new(Turning, vec![]);
    let evaluations = |method: &'static ReversibleMethod| {
        let solution =
            solve(&rotation, (0.0, 10.0), &[1.0, 0.0], Method::Reversible(method), &Options::fixed(0.1), Save::End);
        solution.unwrap().stats.rhs_evals - 1
    };
    for method in ALL {
        let expected = match method.scheme {
            Scheme::Coupled(tableau) if tableau.first_same_as_last() => 2 * (tableau.stages() - 1),
            Scheme::Coupled(tableau) => 2 * tableau.stages(),
            _ => 1,
        };
        assert_eq!(evaluations(method), 100 * expected as u64, "{}", method.name);
    }
}

#[test]
fn nothing_is_allocated_between_the_first_step_and_the_last() {
    let rotation = Turning.at(vec![]);
    for method in ALL {
        let options = if method.adaptive() { Options::tolerances(1e-5, 1e-7) } else { Options::fixed(0.01) };
        let mut integrator = Integrator::reversible(method, 2, &options).unwrap();
        let mut out = [0.0; 4];
        let counted = allocates_nothing(|| {
            integrator.sample(&rotation, 0.0, &[1.0, 0.0], &[0.505, 1.0], &mut out).unwrap();
        });
        assert_eq!(counted, Ok(()), "{}", method.name);
    }
}

#[test]
fn the_coupling_forgets() {
    // Without a field the pair is drawn together by λ in every step.
    let mut still = field(1, |_t, _y: &[f64], dy: &mut [f64]| dy[0] = 0.0);
    let mut work = ();
    let mut field = Evaluator::new(&mut still, &mut work);
    let method = ALL.iter().find(|method| method.name == "reversible-rk4").unwrap();
    let mut stepper = Reversible::new(method, 1, &Options::fixed(1.0)).unwrap();
    stepper.set_state(&[1.0], &[0.0]);
    stepper.step(&mut field, 0.0, 1.0);
    assert_eq!(stepper.state(), (&[COUPLING][..], &[0.0][..]));
}
