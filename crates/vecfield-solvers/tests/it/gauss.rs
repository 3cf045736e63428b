//! Laws of Gauss–Legendre methods: order, quadratic invariants, the symplectic form, symmetry, stability.

use proptest::prelude::*;
use vecfield_autodiff::Lifted;
use vecfield_laws::{order_is, order_is_at_least};
use vecfield_solvers::gauss::{ALL, GAUSS_4, GAUSS_6};
use vecfield_solvers::tableau::RK4;
use vecfield_solvers::{Dynamics, Method, Options, Save, Stats, solve};
use vecfield_traits::Elementary;

/// A Hamiltonian that does not separate: `H = (p₁² + p₂²)(1 + q₁²)/2 + q₁⁴/4 - cos q₂ + q₁ p₂ sin(t)/10`; the state is
/// `(q₁, p₁, q₂, p₂)`.
struct Tangled;
impl Dynamics for Tangled {
    fn dim(&self) -> usize {
        4
    }
    fn eval<S: Elementary>(&self, t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        let turn = S::constant(0.1) * t.sin();
        let weight = S::one() + y[0] * y[0];
        dy[0] = y[1] * weight;
        dy[1] = -(y[1] * y[1] + y[3] * y[3]) * y[0] - y[0] * y[0] * y[0] - turn * y[3];
        dy[2] = y[3] * weight + turn * y[0];
        dy[3] = -y[2].sin();
    }
}

const START: [f64; 4] = [0.8, 0.3, 1.1, -0.4];

fn run(method: Method, y0: &[f64], span: (f64, f64), h: f64, save: Save<'_, f64>) -> Vec<f64> {
    solve(&Lifted::new(Tangled, vec![]), span, y0, method, &Options::fixed(h), save).unwrap().y
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn steps_and_dense_output_converge_at_the_order() {
    let times: Vec<f64> = (1..=40).map(|i| f64::from(i) / 20.0).collect();
    let tight = Options::tolerances(1e-14, 1e-14);
    let verner = Method::named("verner9").unwrap();
    let exact = solve(&Lifted::new(Tangled, vec![]), (0.0, 2.0), &START, verner, &tight, Save::At(&times)).unwrap().y;
    for method in ALL {
        let claimed = f64::from(method.order);
        let errors = |steps: i32| {
            let y = run(Method::Gauss(method), &START, (0.0, 2.0), 2.0 / f64::from(steps), Save::At(&times));
            (distance(&y[156..], &exact[156..]), distance(&y, &exact))
        };
        // 3·2ᵏ steps do not end at the times in between.
        let errors: Vec<(f64, f64)> = (0..7).map(|k| errors(3 << k)).collect();
        let (ends, inside): (Vec<f64>, Vec<f64>) = errors.into_iter().unzip();
        order_is(claimed, 0.25, &ends, 1e-13).unwrap_or_else(|broken| panic!("{}: {broken}", method.name));
        // Rounding is noise in forty points sooner than at the end.
        order_is_at_least(claimed, 0.4, &inside, 1e-12).unwrap_or_else(|broken| panic!("{}: {broken}", method.name));
    }
}

/// A body that spins freely: energy and angular momentum are quadratic.
struct RigidBody;
impl Dynamics for RigidBody {
    fn dim(&self) -> usize {
        3
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        // Moments of inertia 2, 1 and 2/3.
        dy[0] = y[1] * y[2] * S::constant(0.5);
        dy[1] = -(y[0] * y[2]);
        dy[2] = y[0] * y[1] * S::constant(0.5);
    }
}

/// The largest change of energy and of squared angular momentum over a thousand steps.
fn invariants_off(method: Method, y: [f64; 3], h: f64) -> f64 {
    let body = Lifted::new(RigidBody, vec![]);
    let momentum = |y: &[f64]| y[0] * y[0] + y[1] * y[1] + y[2] * y[2];
    let energy = |y: &[f64]| y[0] * y[0] / 4.0 + y[1] * y[1] / 2.0 + y[2] * y[2] * 0.75;
    let solution = solve(&body, (0.0, 1000.0 * h), &y, method, &Options::fixed(h), Save::Steps).unwrap();
    let rows = (0..solution.t.len()).map(|row| solution.state(row));
    let off = |row: &[f64]| (momentum(row) - momentum(&y)).abs().max((energy(row) - energy(&y)).abs());
    rows.map(off).fold(0.0, f64::max)
}

#[test]
fn explicit_methods_lose_quadratic_invariants() {
    let off = invariants_off(Method::Explicit(&RK4), [0.5, -0.7, 0.6], 0.3);
    assert!(off > 1e-4, "the test sees what is not kept: {off:e}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn quadratic_invariants_are_kept(y in prop::array::uniform3(-1.0..1.0_f64), h in 0.05..0.5_f64) {
        for method in ALL {
            let off = invariants_off(Method::Gauss(method), y, h);
            // A thousand roundings of sums of squares near one; what is not kept is off by a millionth and more.
            prop_assert!(off < 1e-13, "{}: off by {off:e}", method.name);
        }
    }

    /// `Jᵀ Ω J = Ω` for the map of a step of any Hamiltonian; `J` by central differences, good to 1e-10.
    #[test]
    fn the_symplectic_form_is_kept(y in prop::array::uniform4(-1.0..1.0_f64), h in 0.05..0.3_f64) {
        for method in ALL {
            let (eps, mut jacobian) = (1e-5, [[0.0; 4]; 4]);
            for j in 0..4 {
                let moved = |sign: f64| {
                    let mut y = y;
                    y[j] += sign * eps;
                    run(Method::Gauss(method), &y, (0.2, 0.2 + h), h, Save::End)
                };
                let (up, down) = (moved(1.0), moved(-1.0));
                (0..4).for_each(|i| jacobian[i][j] = (up[i] - down[i]) / (2.0 * eps));
            }
            for i in 0..4 {
                for j in 0..4 {
                    let pair = |q: usize, p: usize| jacobian[q][i] * jacobian[p][j] - jacobian[p][i] * jacobian[q][j];
                    let form = match (i, j) {
                        (0, 1) | (2, 3) => 1.0,
                        (1, 0) | (3, 2) => -1.0,
                        _ => 0.0,
                    };
                    let defect = (pair(0, 1) + pair(2, 3) - form).abs();
                    prop_assert!(defect < 2e-9, "{}: off by {defect:e}", method.name);
                }
            }
        }
    }

    #[test]
    fn a_step_back_undoes_a_step(y in prop::array::uniform4(-1.0..1.0_f64), h in 0.05..0.3_f64) {
        for method in ALL {
            let method = Method::Gauss(method);
            let there = run(method, &y, (0.0, 10.0 * h), h, Save::End);
            let back = run(method, &there, (10.0 * h, 0.0), h, Save::End);
            let left = distance(&back, &y);
            prop_assert!(left < 1e-13, "{}: left by {left:e}", method.name());
        }
    }
}

#[test]
fn tolerances_are_met() {
    let verner = Method::named("verner9").unwrap();
    let end = |method, options: &Options<f64>| {
        let solution = solve(&Lifted::new(Tangled, vec![]), (0.0, 20.0), &START, method, options, Save::End).unwrap();
        (solution.last().to_vec(), solution.stats)
    };
    let (exact, _) = end(verner, &Options::tolerances(1e-14, 1e-14));
    for method in ALL {
        let mut before = (f64::INFINITY, Stats::default());
        for exponent in if method.order == 2 { 2..7 } else { 3..11 } {
            let tolerance = 10.0_f64.powi(-exponent);
            let (y, stats) = end(Method::Gauss(method), &Options::tolerances(tolerance, tolerance));
            let error = distance(&y, &exact);
            let bar = 100.0 * tolerance;
            assert!(error < bar, "{} at {tolerance:e}: {error:e}", method.name);
            assert!(error < 2.0 * before.0, "{}: {error:e} after {:e}", method.name, before.0);
            assert!(stats.rejected * 5 <= stats.steps, "{}: {stats:?}", method.name);
            before = (error, stats);
        }
    }
}

/// Decay at two rates, which is linear: defects of collocation are multiples of `Π (θ - c_i)` there.
struct Decay;
impl Dynamics for Decay {
    fn dim(&self) -> usize {
        2
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        (dy[0], dy[1]) = (-y[0], y[0] - S::constant(3.0) * y[1]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    /// Linear fields of constant coefficients are solved to the tolerance too, and errors are proportional to it.
    #[test]
    fn linear_fields_meet_the_tolerance(a in -2.0..2.0_f64, b in -2.0..2.0_f64, digits in 3..8_i32) {
        let tolerance = 10.0_f64.powi(-digits);
        let exact = |t: f64| [a * (-t).exp(), (b - 0.5 * a) * (-3.0 * t).exp() + 0.5 * a * (-t).exp()];
        let times = [0.5, 2.0, 10.0];
        for method in ALL {
            let options = Options::tolerances(tolerance, tolerance);
            let field = Lifted::new(Decay, vec![]);
            let y = solve(&field, (0.0, 10.0), &[a, b], Method::Gauss(method), &options, Save::At(&times)).unwrap().y;
            for (y, t) in y.chunks(2).zip(times) {
                let error = distance(y, &exact(t));
                prop_assert!(error < 10.0 * tolerance, "{} at {tolerance:e}, {t}: {error:e}", method.name);
            }
        }
    }
}

/// `y' = λ (y - cos t) - sin t`, which is `cos t` from 1 on.
struct ProtheroRobinson(f64);
impl Dynamics for ProtheroRobinson {
    fn dim(&self) -> usize {
        1
    }
    fn eval<S: Elementary>(&self, t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        dy[0] = S::constant(self.0) * (y[0] - t.cos()) - t.sin();
    }
}

#[test]
fn no_decay_is_too_fast_for_the_step() {
    for lambda in [-1.0, -1e3, -1e6] {
        let field = Lifted::new(ProtheroRobinson(lambda), vec![]);
        for method in ALL {
            let solution =
                solve(&field, (0.0, 5.0), &[1.0], Method::Gauss(method), &Options::fixed(0.05), Save::Steps).unwrap();
            let error = |row: usize| (solution.state(row)[0] - f64::cos(solution.t[row])).abs();
            let worst = (0..solution.t.len()).map(error).fold(0.0_f64, f64::max);
            // Order reduction leaves that of the stages, h^s, and no more than that.
            let bar = 0.05_f64.powi(method.order as i32 / 2);
            assert!(worst < bar, "{} at {lambda:e}: {worst:e}", method.name);
            let stats = solution.stats;
            assert!(stats.factorizations <= 2, "one step size, one linear field: {stats:?}");
        }
    }
}

#[test]
fn plain_iterations_do_where_nothing_is_stiff() {
    let field = Lifted::new(Tangled, vec![]);
    for method in [&GAUSS_4, &GAUSS_6] {
        let solution = solve(&field, (0.0, 10.0), &START, Method::Gauss(method), &Options::fixed(0.01), Save::End);
        let stats = solution.unwrap().stats;
        // Momentary trouble where a rate passes through zero may ask for one.
        assert!(stats.factorizations <= 5, "{}: {stats:?}", method.name);
        let iterations = stats.rhs_evals as f64 / (stats.steps as f64 * method.c.len() as f64);
        assert!(iterations < 10.0, "{}: {iterations} iterations a step", method.name);
    }
}
