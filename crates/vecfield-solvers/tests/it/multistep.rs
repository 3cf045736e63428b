//! Multistep methods: exactness, order, references, restarts.

use proptest::prelude::*;
use vecfield_autodiff::{Dual, Lifted};
use vecfield_laws::problems::Turning;
use vecfield_solvers::tableau::DOP853;
use vecfield_solvers::{
    Dynamics, Event, Integrator, Kind, Method, Options, Save, Stiffness, Tolerance, VectorField, field, solve,
    solve_explicit,
};
use vecfield_traits::{Elementary, Jacobian, Mass, Sparsity};

fn distance(y: &[f64], exact: [f64; 2]) -> f64 {
    (y[0] - exact[0]).hypot(y[1] - exact[1])
}

fn multistep() -> impl Iterator<Item = Method> {
    Method::all().filter(|method| method.kind() == Kind::Multistep)
}

#[test]
fn smaller_tolerances_give_smaller_errors() {
    let field = Lifted::new(Turning, vec![]);
    let times: Vec<f64> = (1..=100).map(|i| f64::from(i) / 10.0).collect();
    for method in multistep() {
        let mut before = f64::INFINITY;
        for exponent in 3..12 {
            let rtol = 10.0_f64.powi(-exponent);
            let options = Options::tolerances(rtol, rtol);
            let solution = solve(&field, (0.0, 10.0), &[1.0, 0.0], method, &options, Save::At(&times)).unwrap();
            let error = |row: usize| Turning::error(times[row], solution.state(row));
            let error = (0..times.len()).map(error).fold(0.0, f64::max);
            // Ten time constants of a neutrally stable problem, and orders low at first: local errors add up to this.
            assert!(error < 300.0 * rtol, "{}: {error:e} at {rtol:e}", method.name());
            assert!(error < 2.0 * before, "{}: {error:e} after {before:e}", method.name());
            before = error;
        }
    }
}

#[test]
fn adams_needs_fewer_evaluations_than_a_runge_kutta_method_of_its_order() {
    let field = Lifted::new(Turning, vec![]);
    let needed = |method| {
        let options = Options::tolerances(1e-11, 1e-11);
        let solution = solve(&field, (0.0, 50.0), &[1.0, 0.0], method, &options, Save::End).unwrap();
        (solution.stats.rhs_evals, Turning::error(50.0, solution.last()))
    };
    let (adams, runge_kutta) = (needed(Method::Adams), needed(Method::Explicit(&DOP853)));
    assert!(2 * adams.0 < runge_kutta.0, "{adams:?} and {runge_kutta:?}");
    assert!(adams.1 < 1e-9, "{adams:?} and {runge_kutta:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// A polynomial of degree at most nine, which the starter reproduces too, is followed to rounding by fixed steps.
    #[test]
    fn adams_is_exact_on_polynomials(coefficients in prop::collection::vec(-1.0..1.0_f64, 10)) {
        let degree = coefficients.len() - 1;
        let rate = coefficients.clone();
        let field = field(1, move |t: f64, _y: &[f64], dy: &mut [f64]| {
            dy[0] = (1..=degree).rev().fold(0.0, |sum, k| sum * t + k as f64 * rate[k]);
        });
        let exact = |t: f64| coefficients.iter().rev().fold(0.0, |sum, c| sum * t + c);
        let times: Vec<f64> = (1..=60).map(|i| f64::from(i) / 30.0 - 1.0).collect();
        let mut integrator = Integrator::adams(1, &Options::fixed(0.075)).unwrap();
        let mut out = [0.0; 60];
        integrator.sample(&field, -1.0, &[exact(-1.0)], &times, &mut out).unwrap();
        for (t, y) in times.iter().zip(out) {
            prop_assert!((y - exact(*t)).abs() < 1e-12, "{:e} at {t}", y - exact(*t));
        }
    }

    /// Components have no order: permuting them permutes the solution, up to the order of summation in norms.
    #[test]
    fn permuting_components_permutes_the_solution(y in prop::array::uniform2(-2.0..2.0_f64)) {
        struct Swapped;
        impl Dynamics for Swapped {
            fn dim(&self) -> usize {
                2
            }
            fn eval<S: Elementary>(&self, t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
                Dynamics::eval(&Turning, t, &[y[1], y[0]], &[], dy);
                dy.swap(0, 1);
            }
        }
        for method in multistep() {
            let options = Options::tolerances(1e-7, 1e-9);
            let plain = solve(&Lifted::new(Turning, vec![]), (0.0, 5.0), &y, method, &options, Save::End).unwrap();
            let there = [y[1], y[0]];
            let swapped = solve(&Lifted::new(Swapped, vec![]), (0.0, 5.0), &there, method, &options, Save::End).unwrap();
            let (plain, swapped) = (plain.last(), swapped.last());
            // Two terms commute, so the norms have the same bits; the pivots of a factorisation differ, and their rounding
            // may tip a choice of step or order: then the solutions agree to the accuracy asked for.
            let bar = if method.stiff() == Stiffness::No { 1e-12 } else { 1e-5 };
            prop_assert!((plain[0] - swapped[1]).abs() < bar, "{}", method.name());
            prop_assert!((plain[1] - swapped[0]).abs() < bar, "{}", method.name());
        }
    }

    #[test]
    fn the_value_of_a_dual_is_the_float_bit_for_bit(y in prop::array::uniform2(-2.0..2.0_f64), fixed in any::<bool>()) {
        type Two = Dual<f64, 2>;
        struct OverAll;
        impl<S: Elementary> VectorField<S> for OverAll {
            type Workspace = ();
            fn workspace(&self) {}
            fn dim(&self) -> usize {
                2
            }
            fn eval(&self, t: S, y: &[S], dy: &mut [S], _work: &mut ()) {
                Dynamics::eval(&Turning, t, y, &[], dy);
            }
        }
        let options = if fixed { Options::fixed(0.05) } else { Options::tolerances(1e-8, 1e-8) };
        let (mut plain, mut dual) = ([0.0; 4], [Two::constant(0.0); 4]);
        Integrator::adams(2, &options).unwrap().sample(&OverAll, 0.0, &y, &[0.7, 3.0], &mut plain).unwrap();
        let y0 = [Two::variable(y[0], 0), Two::variable(y[1], 1)];
        Integrator::adams(2, &options).unwrap().sample(&OverAll, 0.0, &y0, &[0.7, 3.0], &mut dual).unwrap();
        for (x, d) in plain.iter().zip(&dual) {
            prop_assert_eq!(x.to_bits(), d.value.to_bits());
        }
        // The flow is a rotation by the angle φ(t): so is its derivative.
        let exact = Turning::solution(3.0);
        prop_assert!((dual[2].tangent[0] - exact[0]).abs() < 1e-6, "{:?}", dual[2]);
        prop_assert!((dual[3].tangent[0] - exact[1]).abs() < 1e-6, "{:?}", dual[3]);
    }
}

#[test]
fn fixed_steps_converge_at_a_high_order() {
    let field = Lifted::new(Turning, vec![]);
    let error = |method, h: f64| {
        let solution = solve(&field, (0.0, 8.0), &[1.0, 0.0], method, &Options::fixed(h), Save::End).unwrap();
        Turning::error(8.0, solution.last())
    };
    let (coarse, fine) = (error(Method::Adams, 0.1), error(Method::Adams, 0.05));
    // The starter's order is nine, that of the steps after it up to thirteen.
    assert!((coarse / fine).log2() > 8.5, "{coarse:e} and {fine:e}");
    assert!(fine < 1e-11, "{fine:e}");
}

#[test]
fn events_restart_multistep_methods() {
    for method in multistep() {
        let options = Options::tolerances(1e-9, 1e-11);
        // y' = -y from 1, lifted back to 1 whenever it has fallen to 1/2: every log 2.
        let mut decay = Lifted::new(Decay, vec![]);
        let mut events = [Event::falling(|_, _, y: &[f64]| y[0] - 0.5).jump(|_, _, y| y[0] *= 2.0)];
        let mut integrator = Integrator::new(method, 1, &options).unwrap();
        let run = integrator.solve_with_events(&mut decay, (0.0, 7.0), &[1.0], Save::End, &mut events).unwrap();
        assert_eq!(run.events.len(), 10, "{}", method.name());
        for (k, event) in run.events.iter().enumerate() {
            let expected = (k + 1) as f64 * std::f64::consts::LN_2;
            assert!((event.t - expected).abs() < 1e-7, "{}: {} not {expected}", method.name(), event.t);
        }
    }
}

struct Decay;
impl Dynamics for Decay {
    fn dim(&self) -> usize {
        1
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        dy[0] = -y[0];
    }
}

#[test]
fn a_jump_of_the_field_costs_a_restart_and_no_more() {
    // y' = ±1 - y, the sign changing at every integer, without events: the step falls, the order too, and both rise again.
    let square = field(1, |t: f64, y: &[f64], dy: &mut [f64]| dy[0] = (t * std::f64::consts::PI).sin().signum() - y[0]);
    let mut integrator = Integrator::adams(1, &Options::tolerances(1e-8, 1e-8)).unwrap();
    let adams = integrator.solve(&square, (0.0, 20.0), &[2.0], Save::End).unwrap();
    let reference = Options::tolerances(1e-11, 1e-11);
    let exact = solve_explicit(&square, (0.0, 20.0), &[2.0], &DOP853, &reference, Save::End).unwrap();
    assert!((adams.last()[0] - exact.last()[0]).abs() < 1e-6);
    assert!(adams.stats.rhs_evals < 8000, "{:?}", adams.stats);
}

#[test]
fn single_precision_works() {
    let field: Lifted<_, f32> = Lifted::new(Turning, vec![]);
    for method in multistep() {
        for options in [Options::tolerances(1e-4_f32, 1e-5), Options::fixed(0.05)] {
            let solution = solve(&field, (0.0, 5.0), &[1.0_f32, 0.0], method, &options, Save::End).unwrap();
            let y: Vec<f64> = solution.last().iter().map(|y| f64::from(*y)).collect();
            let error = Turning::error(5.0, &y);
            assert!(error < 3e-3, "{}: {error:e}", method.name());
        }
    }
}

#[test]
fn multistep_methods_say_what_they_are() {
    for method in multistep() {
        assert!(!method.fixed_step(), "{}", method.name());
        let highest = if method.stiff() == Stiffness::No { 12 } else { 5 };
        assert_eq!(method.order(), (1, highest), "{}", method.name());
    }
}

/// `y' = A (y - g(t)) + g'(t)` with `A = [-a b; -b -a]`, whose solution is `g = (cos t, sin t)` from `g(0)`.
struct Spiral {
    decay: f64,
    turn: f64,
}

impl Dynamics for Spiral {
    fn dim(&self) -> usize {
        2
    }
    fn eval<S: Elementary>(&self, t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        let (decay, turn) = (S::constant(self.decay), S::constant(self.turn));
        let (x, z) = (y[0] - t.cos(), y[1] - t.sin());
        dy[0] = turn * z - decay * x - t.sin();
        dy[1] = t.cos() - turn * x - decay * z;
    }
}

#[test]
fn backward_differences_are_not_held_back_by_oscillating_modes() {
    // 84° from the negative real axis: beyond the 52° of order five and the 73° of order four, within the 86° of order three.
    let spiral = Lifted::new(Spiral { decay: 1e3, turn: 1e4 }, vec![]);
    for method in [Method::Bdf, Method::Ndf] {
        let options = Options::tolerances(1e-6, 1e-6);
        let solution = solve(&spiral, (0.0, 20.0), &[1.1, 0.0], method, &options, Save::End).unwrap();
        let error = distance(solution.last(), [20.0_f64.cos(), 20.0_f64.sin()]);
        assert!(error < 1e-4, "{}: {error:e}", method.name());
        // At the edge of stability of order five, h|λ| is about 5: forty thousand steps.
        assert!(solution.stats.steps < 4000, "{}: {:?}", method.name(), solution.stats);
    }
}

#[test]
fn fixed_steps_of_backward_differences_converge_at_order_five_and_damp() {
    let rotation = Lifted::new(Turning, vec![]);
    let stiff = Lifted::new(Spiral { decay: 1e6, turn: 1e5 }, vec![]);
    for method in [Method::Bdf, Method::Ndf] {
        let error = |h: f64| {
            let solution = solve(&rotation, (0.0, 8.0), &[1.0, 0.0], method, &Options::fixed(h), Save::End).unwrap();
            Turning::error(8.0, solution.last())
        };
        let order = (error(0.02) / error(0.01)).log2();
        assert!((order - 5.0).abs() < 0.3, "{}: order {order}", method.name());
        let options = Options::fixed(0.1);
        let damped = solve(&stiff, (0.0, 8.0), &[2.0, 1.0], method, &options, Save::End).unwrap();
        let error = distance(damped.last(), [8.0_f64.cos(), 8.0_f64.sin()]);
        assert!(error < 1e-6, "{}: {error:e}", method.name());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Polynomials of degree five are followed to rounding; where the field is stiff around them those of degree three,
    /// the stage order of the starter.
    #[test]
    fn backward_differences_are_exact_on_polynomials(
        mut coefficients in prop::collection::vec(-1.0..1.0_f64, 6), power in 0..6_i32,
    ) {
        struct Around(Vec<f64>, f64);
        impl Dynamics for Around {
            fn dim(&self) -> usize {
                1
            }
            fn eval<S: Elementary>(&self, t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
                let (mut value, mut slope) = (S::zero(), S::zero());
                for c in self.0.iter().rev() {
                    slope = slope * t + value;
                    value = value * t + S::constant(*c);
                }
                dy[0] = slope - (y[0] - value) * S::constant(self.1);
            }
        }
        let pull = if power == 0 { 0.0 } else { 10.0_f64.powi(power) };
        coefficients.truncate(if power == 0 { 6 } else { 4 });
        let exact = |t: f64| coefficients.iter().rev().fold(0.0, |sum, c| sum * t + c);
        let around = Lifted::new(Around(coefficients.clone(), pull), vec![]);
        for method in [Method::Bdf, Method::Ndf] {
            // Between steps too: dense output is of the degree of the order.
            let times: Vec<f64> = (1..=40).map(|i| f64::from(i) * 0.0471).collect();
            let options = Options::fixed(0.1);
            let solution = solve(&around, (0.0, 2.0), &[exact(0.0)], method, &options, Save::At(&times)).unwrap();
            for (t, y) in times.iter().zip(&solution.y).filter(|(t, _)| **t > 0.5) {
                prop_assert!((y - exact(*t)).abs() < 1e-10, "{}: {:e} at {t}", method.name(), y - exact(*t));
            }
        }
    }
}

/// A field with a mass matrix before its rate.
struct WithMass<F>(F, Mass<f64>);

impl<F: VectorField<f64>> VectorField<f64> for WithMass<F> {
    type Workspace = F::Workspace;
    fn workspace(&self) -> F::Workspace {
        self.0.workspace()
    }
    fn dim(&self) -> usize {
        self.0.dim()
    }
    fn eval(&self, t: f64, y: &[f64], dy: &mut [f64], work: &mut F::Workspace) {
        self.0.eval(t, y, dy, work);
    }
}

impl<F: Jacobian<f64>> Jacobian<f64> for WithMass<F> {
    fn jacobian(&self, t: f64, y: &[f64], jac: &mut [f64], time: &mut [f64], work: &mut F::Workspace) {
        self.0.jacobian(t, y, jac, time, work);
    }
    fn mass(&self) -> Option<&Mass<f64>> {
        Some(&self.1)
    }
}

#[test]
fn a_mass_matrix_means_what_its_inverse_does() {
    // M = [2 1; 1 3] before M times the rate of the rotation.
    struct Heavy;
    impl Dynamics for Heavy {
        fn dim(&self) -> usize {
            2
        }
        fn eval<S: Elementary>(&self, t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
            let mut rate = [S::zero(); 2];
            Dynamics::eval(&Turning, t, y, &[], &mut rate);
            dy[0] = rate[0] + rate[0] + rate[1];
            dy[1] = rate[0] + rate[1] * S::constant(3.0);
        }
    }
    let mass = Mass::new(Sparsity::from_rows([vec![0, 1], vec![0, 1]]), vec![2.0, 1.0, 1.0, 3.0]);
    let heavy = WithMass(Lifted::new(Heavy, vec![]), mass);
    for method in [Method::Bdf, Method::Ndf] {
        for rtol in [1e-5, 1e-9] {
            let options = Options::tolerances(rtol, rtol);
            let solution = solve(&heavy, (0.0, 10.0), &[1.0, 0.0], method, &options, Save::End).unwrap();
            let error = Turning::error(10.0, solution.last());
            assert!(error < 300.0 * rtol, "{}: {error:e} at {rtol:e}", method.name());
        }
    }
}

#[test]
fn robertson_with_its_conservation_law_as_an_algebraic_equation() {
    struct Conserving;
    impl Dynamics for Conserving {
        fn dim(&self) -> usize {
            3
        }
        fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
            let (slow, fast, middle) =
                (y[0] * S::constant(0.04), y[1] * y[1] * S::constant(3e7), y[1] * y[2] * S::constant(1e4));
            dy[0] = middle - slow;
            dy[1] = slow - middle - fast;
            dy[2] = y[0] + y[1] + y[2] - S::one();
        }
    }
    let field = WithMass(Lifted::new(Conserving, vec![]), Mass::diagonal(vec![1.0, 1.0, 0.0]));
    let reference = [
        [0.715827068719405, 9.185534764557764e-06, 0.28416374574583037],
        [0.18320225777670932, 8.94237125277591e-07, 0.8167968479861654],
        [0.0005168096014924384, 2.0682944912244536e-09, 0.9994831883302131],
    ];
    for method in [Method::Bdf, Method::Ndf] {
        for (rtol, bar) in [(1e-5, 1e-3), (1e-8, 1e-6)] {
            // The algebraic equation gives the third component to rounding of one.
            let atol = Tolerance::Each(vec![rtol * 1e-6, rtol * 1e-8, rtol * 1e-4]);
            let options = Options { rtol, atol, ..Options::default() };
            let times = [40.0, 4e3, 4e6];
            let solution = solve(&field, (0.0, 4e6), &[1.0, 0.0, 0.0], method, &options, Save::At(&times)).unwrap();
            for (row, reference) in reference.iter().enumerate() {
                let y = solution.state(row);
                for (y, reference) in y.iter().zip(reference) {
                    let error = (y / reference - 1.0).abs();
                    assert!(error < bar, "{} at {rtol:e}: {error:e} in row {row}", method.name());
                }
                // The last Newton iteration solves a linear equation exactly; dense output is a sum of such solutions.
                assert!((y.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{}", method.name());
            }
        }
    }
}
