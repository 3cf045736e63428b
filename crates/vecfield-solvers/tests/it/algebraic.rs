//! Mass matrices and differential-algebraic equations of index one.

use proptest::prelude::*;
use vecfield_autodiff::Lifted;
use vecfield_solvers::ensemble::{Ensemble, Member, Rows};
use vecfield_solvers::{Dynamics, Event, Initial, Integrator, Method, Options, Save, Solution, SolveError, solve};
use vecfield_traits::{Elementary, Jacobian, Mass, Sparsity, WithMass};

type Equations<D> = WithMass<Lifted<D>, f64>;

/// `0` makes a row algebraic.
fn semi_explicit<D: Dynamics>(dynamics: D, mass: &[f64]) -> Equations<D> {
    WithMass::new(Lifted::new(dynamics, vec![]), Mass::diagonal(mass.to_vec()))
}

fn run(
    field: &impl Jacobian<f64>,
    end: f64,
    y0: &[f64],
    method: Method,
    options: &Options<f64>,
    save: &[f64],
) -> Solution<f64> {
    solve(field, (0.0, end), y0, method, options, Save::At(save)).unwrap_or_else(|e| panic!("{}: {e}", method.name()))
}

fn weighted_methods() -> impl Iterator<Item = Method> {
    Method::all().filter(Method::mass)
}

/// Those whose global error is near the tolerance, which low orders miss by far.
fn accurate_methods() -> impl Iterator<Item = Method> {
    weighted_methods().filter(|method| method.order().1 >= 3)
}

/// Robertson's kinetics with the third rate replaced by the conservation of mass, or as three rates.
struct Robertson {
    conserved: bool,
}

impl Dynamics for Robertson {
    fn dim(&self) -> usize {
        3
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        let (slow, fast, middle) =
            (y[0] * S::constant(0.04), y[1] * y[1] * S::constant(3e7), y[1] * y[2] * S::constant(1e4));
        dy[0] = middle - slow;
        dy[1] = slow - middle - fast;
        dy[2] = if self.conserved { y[0] + y[1] + y[2] - S::one() } else { fast };
    }
}

#[test]
fn robertson_as_algebraic_equations_is_robertson() {
    let times = [0.4, 40.0, 4000.0];
    let rates = Lifted::new(Robertson { conserved: false }, vec![]);
    let tight = Options::tolerances(1e-11, 1e-15);
    let reference = run(&rates, 4000.0, &[1.0, 0.0, 0.0], Method::Radau5, &tight, &times);
    let field = semi_explicit(Robertson { conserved: true }, &[1.0, 1.0, 0.0]);
    for method in accurate_methods() {
        // The third value is a guess, and a bad one.
        let options = Options::tolerances(1e-7, 1e-11);
        let found = run(&field, 4000.0, &[1.0, 0.0, 0.3], method, &options, &times);
        for k in 0..times.len() {
            for (y, exact) in found.state(k).iter().zip(reference.state(k)) {
                assert!((y / exact - 1.0).abs() < 1e-4, "{} at {}: {y} for {exact}", method.name(), times[k]);
            }
            let total: f64 = found.state(k).iter().sum();
            assert!((total - 1.0).abs() < 1e-9, "{}: {total}", method.name());
        }
    }
}

/// A pendulum of length one in Cartesian coordinates `x, y, u, v` with its tension `λ`, in the form of index one, or with the
/// length itself as constraint, index three.
struct Pendulum {
    index_one: bool,
}

impl Dynamics for Pendulum {
    fn dim(&self) -> usize {
        5
    }
    fn eval<S: Elementary>(&self, _t: S, s: &[S], _theta: &[S], ds: &mut [S]) {
        let [x, y, u, v, tension] = [s[0], s[1], s[2], s[3], s[4]];
        (ds[0], ds[1]) = (u, v);
        (ds[2], ds[3]) = (-tension * x, -tension * y - S::one());
        let length = x * x + y * y;
        ds[4] = if self.index_one { u * u + v * v - tension * length - y } else { length - S::one() };
    }
}

struct Angle;

impl Dynamics for Angle {
    fn dim(&self) -> usize {
        2
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        (dy[0], dy[1]) = (y[1], -y[0].sin());
    }
}

#[test]
fn a_pendulum_keeps_its_length_and_tension_between_steps_too() {
    let times: Vec<f64> = (0..=40).map(|k| 0.25 * f64::from(k)).collect();
    let tight = Options::tolerances(1e-11, 1e-13);
    let angle = run(&Lifted::new(Angle, vec![]), 10.0, &[1.2, 0.0], Method::Radau5, &tight, &times);
    let field = semi_explicit(Pendulum { index_one: true }, &[1.0, 1.0, 1.0, 1.0, 0.0]);
    let start = [1.2_f64.sin(), -1.2_f64.cos(), 0.0, 0.0, 0.0];
    for method in accurate_methods() {
        let found = run(&field, 10.0, &start, method, &Options::tolerances(1e-7, 1e-8), &times);
        for k in 0..times.len() {
            let (theta, omega) = (angle.state(k)[0], angle.state(k)[1]);
            let exact =
                [theta.sin(), -theta.cos(), omega * theta.cos(), omega * theta.sin(), omega.powi(2) + theta.cos()];
            for (y, exact) in found.state(k).iter().zip(exact) {
                assert!((y - exact).abs() < 3e-5, "{} at {}: {y} for {exact}", method.name(), times[k]);
            }
        }
    }
}

/// A reaction with a fast algebraic balance: `x' = -x z`, `w' = x z - w`, `0 = x + w cos t - z³ - z`.
struct Balance;

impl Dynamics for Balance {
    fn dim(&self) -> usize {
        3
    }
    fn eval<S: Elementary>(&self, t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        let [x, w, z] = [y[0], y[1], y[2]];
        dy[0] = -x * z;
        dy[1] = x * z - w;
        dy[2] = x + w * t.cos() - z * z * z - z;
    }
}

const BALANCED: [f64; 3] = [2.0, 0.5, 1.0];

/// `M = P diag(1, 1, 0) Q` and `f = P g(Q y)`: no row or column of `M` is zero, and the solution is `Q⁻¹` of the plain one.
struct Mixed {
    p: [[f64; 3]; 3],
    q: [[f64; 3]; 3],
}

fn times<S: Elementary>(matrix: &[[f64; 3]; 3], x: &[S]) -> [S; 3] {
    matrix.map(|row| row.iter().zip(x).fold(S::zero(), |sum, (a, x)| sum + S::constant(*a) * *x))
}

impl Dynamics for Mixed {
    fn dim(&self) -> usize {
        3
    }
    fn eval<S: Elementary>(&self, t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        let mut plain = [S::zero(); 3];
        Dynamics::eval(&Balance, t, &times(&self.q, y), &[], &mut plain);
        dy.copy_from_slice(&times(&self.p, &plain));
    }
}

impl Mixed {
    fn mass(&self, diagonal: [f64; 3]) -> Mass<f64> {
        let entry = |i: usize, j: usize| (0..3).map(|k| self.p[i][k] * diagonal[k] * self.q[k][j]).sum();
        let full = Sparsity::from_rows((0..3).map(|_| vec![0, 1, 2]));
        let entries = (0..9).map(|at| entry(at / 3, at % 3)).collect();
        Mass::new(full, entries)
    }
}

/// Diagonally dominant, hence regular, with every entry in play.
fn mixing() -> impl Strategy<Value = [[f64; 3]; 3]> {
    prop::array::uniform3(prop::array::uniform3(-0.4..0.4_f64)).prop_map(|mut matrix| {
        (0..3).for_each(|i| matrix[i][i] += 1.0);
        matrix
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    /// Neither the mixing of equations nor that of components changes the solution, whether the mass matrix is singular or
    /// not, and whether or not the initial values are consistent.
    #[test]
    fn mixed_equations_have_the_mixed_solution(p in mixing(), q in mixing(), singular in any::<bool>()) {
        let diagonal = [1.0, 1.0, if singular { 0.0 } else { 0.5 }];
        let plain = semi_explicit(Balance, &diagonal);
        let (mixed, tight) = (Mixed { p, q }, Options::tolerances(1e-8, 1e-8));
        let mass = mixed.mass(diagonal);
        // y with Q y = (2, 0.5, 1), by the plain iteration of a dominant matrix.
        let mut y0 = [0.0; 3];
        for _ in 0..400 {
            let left = times(&q, &y0);
            (0..3).for_each(|i| y0[i] += 0.5 * (BALANCED[i] - left[i]));
        }
        let field = WithMass::new(Lifted::new(mixed, vec![]), mass);
        for method in accurate_methods() {
            let expected = run(&plain, 1.0, &BALANCED, method, &tight, &[1.0]);
            let found = run(&field, 1.0, &y0, method, &tight, &[1.0]);
            let back = times(&q, found.last());
            for (y, exact) in back.iter().zip(expected.last()) {
                prop_assert!((y - exact).abs() < 1e-6, "{}: {y} for {exact}", method.name());
            }
        }
    }

    /// Consistent values solve the equations, and leave the differential components alone.
    #[test]
    fn initial_values_become_consistent(x in 0.1..3.0_f64, w in 0.1..3.0_f64, guess in -3.0..3.0_f64) {
        let field = semi_explicit(Balance, &[1.0, 1.0, 0.0]);
        for method in weighted_methods() {
            let solution = run(&field, 0.1, &[x, w, guess], method, &Options::default(), &[0.0, 0.1]);
            let [x0, w0, z0] = solution.state(0) else { panic!("three components") };
            prop_assert_eq!((*x0, *w0), (x, w));
            prop_assert!((z0.powi(3) + z0 - x - w).abs() < 1e-8, "{}: {}", method.name(), z0);
        }
    }
}

#[test]
fn methods_keep_their_order_in_algebraic_components() {
    let field = semi_explicit(Balance, &[1.0, 1.0, 0.0]);
    let exact = run(&field, 1.0, &BALANCED, Method::Radau5, &Options::tolerances(1e-13, 1e-13), &[1.0]);
    for method in weighted_methods().filter(|method| *method != Method::Auto) {
        let error = |step: f64| {
            let found = run(&field, 1.0, &BALANCED, method, &Options::fixed(step), &[1.0]);
            (0..3).map(|j| (found.last()[j] - exact.last()[j]).abs()).collect::<Vec<_>>()
        };
        let (coarse, fine) = (error(1.0 / 24.0), error(1.0 / 48.0));
        for j in 0..3 {
            let order = (coarse[j] / fine[j]).log2();
            // The order conditions of Rosenbrock methods leave the algebraic component one less (Hairer–Wanner II, VI.4).
            let less = if j == 2 { 1.5 } else { 0.5 };
            assert!(
                order > f64::from(method.order().0) - less || fine[j] < 1e-11,
                "{}, component {j}: order {order:.2}",
                method.name()
            );
        }
    }
}

#[test]
fn what_is_not_determined_is_named() {
    let field = semi_explicit(Pendulum { index_one: false }, &[1.0, 1.0, 1.0, 1.0, 0.0]);
    for method in weighted_methods() {
        let stopped = solve(&field, (0.0, 1.0), &[1.0, 0.0, 0.0, 0.0, 0.0], method, &Options::default(), Save::End);
        let error = stopped.unwrap_err().error;
        assert_eq!(error, SolveError::HighIndex { components: vec![4], t: 0.0 }, "{}", method.name());
        let names = ["x", "y", "u", "v", "lambda"].map(String::from);
        assert!(error.named(&names).to_string().contains("determine lambda at t = 0"), "{}", error.named(&names));
    }
}

#[test]
fn a_balance_without_solution_is_said_to_have_none() {
    /// `0 = z² + 1 + x`.
    struct Empty;
    impl Dynamics for Empty {
        fn dim(&self) -> usize {
            2
        }
        fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
            (dy[0], dy[1]) = (-y[0], y[1] * y[1] + S::one() + y[0]);
        }
    }
    let field = semi_explicit(Empty, &[1.0, 0.0]);
    let stopped = solve(&field, (0.0, 1.0), &[1.0, 3.0], Method::Radau5, &Options::default(), Save::End);
    let error = stopped.unwrap_err().error;
    assert!(matches!(error, SolveError::Inconsistent { component: 1, .. } | SolveError::HighIndex { .. }), "{error}");
}

#[test]
fn given_values_are_kept_on_request() {
    let field = semi_explicit(Balance, &[1.0, 1.0, 0.0]);
    // The root of z³ + z = 2.5 to six digits, within the tolerance.
    let (given, tolerances) = ([2.0, 0.5, 1.113417], Options::tolerances(1e-4, 1e-4));
    let options = Options { initial: Initial::AsGiven, ..tolerances.clone() };
    for method in ["auto", "radau5", "rodas4", "rodas5p"].map(|name| Method::named(name).unwrap()) {
        let kept = run(&field, 0.1, &given, method, &options, &[0.0, 0.1]);
        assert_eq!(kept.state(0), given, "{}", method.name());
        let found = run(&field, 0.1, &given, method, &tolerances, &[0.0, 0.1]);
        assert!((kept.last()[2] - found.last()[2]).abs() < 1e-3, "{}", method.name());
    }
}

#[test]
fn algebraic_components_follow_a_jump() {
    let mut field = semi_explicit(Balance, &[1.0, 1.0, 0.0]);
    for method in weighted_methods() {
        let mut integrator = Integrator::new(method, 3, &Options::default()).unwrap();
        let mut events: [Event<f64, Equations<Balance>>; 1] =
            [Event::rising(|_, t, _| t - 0.5).jump(|_, _, y| y[0] += 1.0)];
        let times = [0.5 + 1e-9, 1.0];
        let solution =
            integrator.solve_with_events(&mut field, (0.0, 1.0), &BALANCED, Save::At(&times), &mut events).unwrap();
        for k in 0..2 {
            let y = solution.state(k);
            let left = y[2].powi(3) + y[2] - y[0] - y[1] * times[k].cos();
            assert!(left.abs() < 1e-5, "{} at {}: {left:e}", method.name(), times[k]);
        }
    }
}

#[test]
fn methods_for_plain_equations_refuse_by_name() {
    let field = semi_explicit(Balance, &[1.0, 1.0, 0.0]);
    for method in Method::all().filter(|method| !method.mass()) {
        let options = if method.fixed_step() { Options::fixed(0.1) } else { Options::default() };
        let stopped = solve(&field, (0.0, 1.0), &BALANCED, method, &options, Save::End).unwrap_err();
        let named = matches!(stopped.error, SolveError::NotOffered { method: name, .. } if name == method.name());
        assert!(named, "{}: {}", method.name(), stopped.error);
    }
}

#[test]
fn members_of_an_ensemble_solve_their_algebraic_equations() {
    let make = |_theta: &[f64]| semi_explicit(Balance, &[1.0, 1.0, 0.0]);
    let options = Options::default();
    let ensemble = Ensemble::new(&Balance, make, Method::Auto, &options).unwrap();
    let starts = [BALANCED, [1.0, 1.0, 0.0]];
    let members = starts.each_ref().map(|y0| Member { theta: &[], y0, span: (0.0, 1.0) });
    let together = ensemble.solve(&members, Rows::End);
    for (k, y0) in starts.iter().enumerate() {
        let alone = run(&make(&[]), 1.0, y0, Method::Auto, &options, &[1.0]);
        assert_eq!(together.member(k), alone.last());
    }
}
