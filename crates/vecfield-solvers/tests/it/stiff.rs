//! The stiff method and the automatic one against references in quadruple precision.

use vecfield_autodiff::Lifted;
use vecfield_solvers::dirk::tableau as dirk;
use vecfield_solvers::rosenbrock;
use vecfield_solvers::tableau::VERNER_9;
use vecfield_solvers::{Dynamics, Method, Options, Save, Solution, SolveError, Stiffness, solve};
use vecfield_traits::Elementary;

use crate::methods;

/// Robertson's kinetics (Hairer–Wanner II, IV.1).
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

/// Van der Pol's oscillator in the form with `ε` (Hairer–Wanner II, IV.10).
struct VanDerPol(f64);
impl Dynamics for VanDerPol {
    fn dim(&self) -> usize {
        2
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        dy[0] = y[1];
        dy[1] = ((S::one() - y[0] * y[0]) * y[1] - y[0]) / S::constant(self.0);
    }
}

/// Prothero and Robinson's problem, whose solution is `cos t` for every `λ`.
struct ProtheroRobinson(f64);
impl Dynamics for ProtheroRobinson {
    fn dim(&self) -> usize {
        1
    }
    fn eval<S: Elementary>(&self, t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        dy[0] = (y[0] - t.cos()) * S::constant(self.0) - t.sin();
    }
}

fn run<D: Dynamics>(
    dynamics: D,
    end: f64,
    y0: &[f64],
    method: Method,
    options: &Options<f64>,
    save: Save<f64>,
) -> Solution<f64> {
    let field = Lifted::new(dynamics, vec![]);
    solve(&field, (0.0, end), y0, method, options, save)
        .unwrap_or_else(|stopped| panic!("{}: {stopped}", method.name()))
}

fn stiff_methods() -> impl Iterator<Item = Method> {
    Method::all().filter(|method| method.stiff() == Stiffness::Yes)
}

#[test]
fn robertson_to_1e11() {
    let times = [40.0, 4e3, 4e6, 1e11];
    let reference = [
        [0.715827068719405, 9.185534764557764e-06, 0.28416374574583037],
        [0.18320225777670932, 8.94237125277591e-07, 0.8167968479861654],
        [0.0005168096014924384, 2.0682944912244536e-09, 0.9994831883302131],
        [2.083340149701294e-08, 8.333360770334784e-14, 0.9999999791665152],
    ];
    for method in stiff_methods() {
        // The trapezoid keeps what the transients leave, and looks for it with ever so small steps.
        let bars: &[(f64, f64)] = match method.order() {
            _ if method.name() == "trapezoid" => continue,
            (..=2, _) => &[(1e-4, 1e-2)],
            (3, _) => &[(1e-5, 1e-4), (1e-7, 3e-6)],
            _ => &[(1e-5, 1e-4), (1e-8, 1e-6), (1e-10, 3e-8)],
        };
        for &(rtol, bar) in bars {
            let options = Options::tolerances(rtol, rtol * 1e-16);
            let solution = run(Robertson, 1e11, &[1.0, 0.0, 0.0], method, &options, Save::At(&times));
            for (row, reference) in reference.iter().enumerate() {
                for (y, reference) in solution.state(row).iter().zip(reference) {
                    let error = (y / reference - 1.0).abs();
                    assert!(error < bar, "{} at {rtol:e}: {error:e} in row {row}", method.name());
                }
            }
        }
    }
}

#[test]
fn van_der_pol_with_a_small_parameter() {
    let times = [1.0, 2.0, 4.0, 7.0, 11.0];
    let reference = [
        [-1.8636460061388715, 0.7535432683993616],
        [1.7061674375431954, -0.8928100165510994],
        [1.1944137538304973, -2.799598312252839],
        [1.5516142817617873, -1.1023835182524662],
        [-1.5901502015368238, 1.0402799076380336],
    ];
    for method in stiff_methods().filter(|method| method.order().0 > 1) {
        let (rtol, bar) = if method.order().0 == 2 { (1e-5, 5e-2) } else { (1e-8, 1e-4) };
        let options = Options::tolerances(rtol, rtol * 1e-2);
        let solution = run(VanDerPol(1e-6), 11.0, &[2.0, -0.66], method, &options, Save::At(&times));
        for (row, reference) in reference.iter().enumerate() {
            let y = solution.state(row);
            let error = (y[0] - reference[0]).abs().max((y[1] - reference[1]).abs());
            assert!(error < bar, "{}: {error:e} in row {row}", method.name());
        }
    }
}

#[test]
fn dense_output_is_accurate_where_steps_are_long() {
    let times: Vec<f64> = (1..=100).map(|i| f64::from(i) / 10.0).collect();
    for method in [Method::Auto, Method::Radau5] {
        let options = Options::tolerances(1e-8, 1e-8);
        let solution = run(ProtheroRobinson(-1e6), 10.0, &[1.0], method, &options, Save::At(&times));
        for (t, y) in times.iter().zip(&solution.y) {
            assert!((y - t.cos()).abs() < 1e-6, "{}: {:e} at {t}", method.name(), y - t.cos());
        }
        assert!(solution.stats.steps < 1000, "{}: {:?}", method.name(), solution.stats);
    }
}

#[test]
fn stiff_methods_converge_at_their_orders() {
    let times: Vec<f64> = (0..=50).map(|i| f64::from(i) / 25.0).collect();
    let linear = rosenbrock::ALL.iter().map(|tableau| (Method::Rosenbrock(tableau), tableau.dense_order));
    let diagonal = dirk::ALL.iter().map(|tableau| (Method::DiagonallyImplicit(tableau), tableau.dense_order));
    for (method, dense_order) in linear.chain(diagonal).chain([(Method::Radau5, 3), (Method::Radau9, 5)]) {
        let errors = |steps: f64| {
            let options = Options::fixed(2.0 / steps);
            let solution = run(VanDerPol(1.0), 2.0, &[2.0, 0.0], method, &options, Save::At(&times));
            let exact = run(
                VanDerPol(1.0),
                2.0,
                &[2.0, 0.0],
                Method::Explicit(&VERNER_9),
                &Options::fixed(0.02),
                Save::At(&times),
            );
            let inside = exact.y.iter().zip(&solution.y).map(|(exact, y)| (y - exact).abs()).fold(0.0, f64::max);
            let (y, exact) = (solution.last(), exact.last());
            ((y[0] - exact[0]).hypot(y[1] - exact[1]), inside)
        };
        // Two halvings: one alone may meet a change of sign in the error.
        // Before rounding: the higher the order, the fewer steps. Order thirteen leaves no room between the two, and follows
        // from its quadrature.
        let (order, _) = method.order();
        let (steps, halvings) = if order > 5 { (5.0, 1.0_f64) } else { (40.0, 2.0) };
        let (coarse, fine) = (errors(steps), errors(steps * halvings.exp2()));
        let (ends, inside) = ((coarse.0 / fine.0).log2() / halvings, (coarse.1 / fine.1).log2() / halvings);
        assert!(ends > f64::from(order) - 0.4, "{}: order {ends:.2} at the end", method.name());
        let slack = if order > 5 { 1.0 } else { 0.4 };
        assert!(inside > f64::from(order.min(dense_order + 1)) - slack, "{}: order {inside:.2} inside", method.name());
    }
}

#[test]
fn auto_stays_explicit_where_nothing_is_stiff_and_switches_where_it_is() {
    let options = Options::tolerances(1e-8, 1e-8);
    let smooth = run(VanDerPol(1.0), 20.0, &[2.0, 0.0], Method::Auto, &options, Save::End);
    assert_eq!(smooth.stats.jacobian_evals, 0);
    let stiff = run(ProtheroRobinson(-1e6), 10.0, &[1.0], Method::Auto, &options, Save::End);
    assert!(stiff.stats.jacobian_evals > 0);
    // y' = -1e6 (y - cos t) needs a million explicit steps.
    assert!(stiff.stats.steps < 1000, "{:?}", stiff.stats);
}

#[test]
fn auto_finds_stiffness_at_every_tolerance() {
    for rtol in [1e-4, 1e-6, 1e-8, 1e-10, 1e-12] {
        let options = Options::tolerances(rtol, rtol * 1e-6);
        let evaluations = |method| run(Robertson, 1e5, &[1.0, 0.0, 0.0], method, &options, Save::End).stats.rhs_evals;
        let (auto, radau) = (evaluations(Method::Auto), evaluations(Method::Radau5));
        assert!(auto < 2 * radau, "rtol {rtol:e}: {auto} evaluations against {radau}");
    }
}

#[test]
fn every_method_stops_at_a_blow_up() {
    struct Square;
    impl Dynamics for Square {
        fn dim(&self) -> usize {
            1
        }
        fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
            dy[0] = y[0] * y[0];
        }
    }
    let field = Lifted::new(Square, vec![]);
    for method in methods().filter(|method| !method.fixed_step()) {
        let stopped = solve(&field, (0.0, 2.0), &[1.0], method, &Options::default(), Save::Steps).unwrap_err();
        let t = stopped.error.time().unwrap();
        // Implicit methods of low order see the blow-up early.
        let bar = if method.order().0 == 1 { 1e-2 } else { 1e-4 };
        assert!((t - 1.0).abs() < bar, "{}: {}", method.name(), stopped.error);
    }
}

#[test]
fn methods_are_found_by_name() {
    for method in Method::all() {
        assert_eq!(Method::named(method.name()), Ok(method));
        assert!(!method.when().is_empty() && !method.source().is_empty());
    }
    let unknown = Method::named("tist5").unwrap_err();
    assert_eq!(unknown, SolveError::UnknownMethod { name: "tist5".to_owned(), nearest: "tsit5" });
}

#[test]
fn single_precision_is_stiff_too() {
    let field: Lifted<_, f32> = Lifted::new(ProtheroRobinson(-1e4), vec![]);
    for method in [Method::Auto, Method::Radau5] {
        let options = Options::tolerances(1e-4_f32, 1e-5);
        let solution = solve(&field, (0.0, 5.0), &[1.0_f32], method, &options, Save::End).unwrap();
        assert!((solution.last()[0] - 5.0_f32.cos()).abs() < 1e-3, "{}: {:?}", method.name(), solution.last());
        assert!(solution.stats.steps < 500, "{}: {:?}", method.name(), solution.stats);
    }
}
