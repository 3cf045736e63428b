//! Laws of symplectic methods: their order conditions, the symplectic form, energy over long times, symmetry.

use std::collections::HashMap;

use proptest::prelude::*;
use vecfield_autodiff::{ByDuals, Dual, Lifted};
use vecfield_laws::{order_is, order_is_at_least};
use vecfield_solvers::stepper::{Evaluator, Stepper};
use vecfield_solvers::symplectic::{ALL, BLANES_MOAN_4, KAHAN_LI_6, SUZUKI_UMENO_8, Splitting, VERLET, YOSHIDA_4};
use vecfield_solvers::tableau::{RK4, Tableau};
use vecfield_solvers::{
    Integrator, Method, Options, Save, SolveError, Symplectic, VectorField, field, separable, solve,
};
use vecfield_traits::{Elementary, Half, Partition, Partitioned, Real, Scalar};

/// `exp(c₁ A) exp(d₁ B) exp(c₂ A) ..` over words in `A` and `B` of at most `length` letters. The method has order `p` when
/// this is `exp(A + B)` up to words of `p` letters: a word of `k` letters then has the coefficient `1/k!`.
fn exponentials(method: &Splitting, length: usize) -> HashMap<String, f64> {
    let mut words = vec![String::new()];
    for k in 0..length {
        let longest: Vec<String> = words.iter().filter(|word| word.len() == k).cloned().collect();
        words.extend(longest.iter().flat_map(|word| ["A", "B"].map(|letter| word.clone() + letter)));
    }
    let mut sum: HashMap<String, f64> = words.iter().map(|word| (word.clone(), 0.0)).collect();
    sum.insert(String::new(), 1.0);
    let turns = method.drifts.iter().zip(method.kicks).flat_map(|(c, d)| [('A', *c), ('B', *d)]);
    for (letter, size) in turns {
        let appended = |word: &String| {
            let (mut rest, mut weight, mut total) = (word.as_str(), 1.0, 0.0);
            for k in 1.. {
                total += weight * sum[rest];
                let Some(shorter) = rest.strip_suffix(letter) else { break };
                (rest, weight) = (shorter, weight * size / f64::from(k));
            }
            total
        };
        sum = words.iter().map(|word| (word.clone(), appended(word))).collect();
    }
    sum
}

/// How far words of `k` letters are from `1/k!`.
fn defect(words: &HashMap<String, f64>, k: usize) -> f64 {
    let factorial: f64 = (1..=k).map(|i| i as f64).product();
    words.iter().filter(|(word, _)| word.len() == k).map(|(_, c)| (c - 1.0 / factorial).abs()).fold(0.0, f64::max)
}

#[test]
fn coefficients_meet_the_order_conditions_and_no_more() {
    for method in ALL {
        let order = method.order as usize;
        let words = exponentials(method, order + 1);
        for k in 1..=order {
            let defect = defect(&words, k);
            // Sums of up to 34 coefficients of size up to 2, eightfold products of them.
            assert!(defect < 3e-15, "{}: words of {k} letters, off by {defect:e}", method.name);
        }
        assert!(defect(&words, order + 1) > 1e-7, "{} has a higher order than it says", method.name);
    }
}

/// Two coupled anharmonic oscillators in a field that turns: nothing in it is quadratic, linear or still.
struct Driven {
    partition: Partition,
}

impl Driven {
    fn new() -> Driven {
        Driven { partition: Partition::with_positions(4, [0, 2]) }
    }
}

impl<S: Elementary> VectorField<S> for Driven {
    type Workspace = ();
    fn workspace(&self) {}
    fn dim(&self) -> usize {
        4
    }
    fn eval(&self, t: S, y: &[S], dy: &mut [S], work: &mut ()) {
        self.eval_half(Half::Positions, t, y, dy, work);
        self.eval_half(Half::Momenta, t, y, dy, work);
    }
    fn partition(&self) -> Option<&Partition> {
        Some(&self.partition)
    }
    fn eval_half(&self, half: Half, t: S, y: &[S], dy: &mut [S], _work: &mut ()) {
        let tenth = S::constant(0.1);
        match half {
            // ∂/∂p of p₁²/2 + p₂²/2 + (1 + cos t)/10 · (p₁ p₂)²/2
            Half::Positions => {
                let bend = tenth * (S::one() + t.cos());
                dy[0] = y[1] + bend * y[1] * y[3] * y[3];
                dy[2] = y[3] + bend * y[3] * y[1] * y[1];
            }
            // -∂/∂q of q₁⁴/4 + cos q₂ · (-1) + q₁ q₂ sin(t)/10
            Half::Momenta => {
                let turn = tenth * t.sin();
                dy[1] = -y[0] * y[0] * y[0] - turn * y[2];
                dy[3] = -y[2].sin() - turn * y[0];
            }
        }
    }
}

const START: [f64; 4] = [0.8, 0.3, 1.1, -0.4];

fn end<S: Elementary>(method: &'static Splitting, y0: &[S], span: (S::Real, S::Real), h: S::Real) -> Vec<S> {
    let mut integrator = Integrator::symplectic(method, y0.len(), &Options::fixed(h)).unwrap();
    integrator.solve(&Driven::new(), span, y0, Save::End).unwrap().last().to_vec()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn steps_converge_at_their_order() {
    let exact = end(&vecfield_solvers::symplectic::KAHAN_LI_8, &START, (0.0, 2.0), 1.0 / 512.0);
    for method in ALL {
        let error = |k: i32| distance(&end(method, &START, (0.0, 2.0), 2.0_f64.powi(-k)), &exact);
        let errors: Vec<f64> = (0..8).map(error).collect();
        order_is(f64::from(method.order), 0.25, &errors, 2e-13)
            .unwrap_or_else(|broken| panic!("{}: {broken}", method.name));
    }
}

#[test]
fn dense_output_converges_at_the_order_of_the_steps() {
    let times: Vec<f64> = (1..40).map(|i| f64::from(i) / 20.0).collect();
    let sample = |method, h| {
        let mut out = vec![0.0; 4 * times.len()];
        let mut integrator = Integrator::symplectic(method, 4, &Options::fixed(h)).unwrap();
        integrator.sample(&Driven::new(), 0.0, &START, &times, &mut out).unwrap();
        out
    };
    let exact = sample(&vecfield_solvers::symplectic::KAHAN_LI_8, 1.0 / 480.0); // a multiple of every time
    for method in ALL {
        let errors: Vec<f64> = (1..8).map(|k| distance(&sample(method, 0.7 / 2.0_f64.powi(k)), &exact)).collect();
        order_is_at_least(f64::from(method.order), 0.4, &errors, 2e-13)
            .unwrap_or_else(|broken| panic!("{}: {broken}", method.name));
    }
}

/// Largest entry of `Jᵀ Ω J - Ω` for the Jacobian `J` of a map of `(q₁, p₁, q₂, p₂)`.
fn symplectic_defect(jacobian: impl Fn(usize, usize) -> f64) -> f64 {
    let form = |i: usize, j: usize| match (i, j) {
        (0, 1) | (2, 3) => 1.0,
        (1, 0) | (3, 2) => -1.0,
        _ => 0.0,
    };
    let mut worst = 0.0_f64;
    for i in 0..4 {
        for j in 0..4 {
            let mut sum = -form(i, j);
            for k in 0..4 {
                for l in 0..4 {
                    sum += jacobian(k, i) * form(k, l) * jacobian(l, j);
                }
            }
            worst = worst.max(sum.abs());
        }
    }
    worst
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// The Jacobian of the map of ten steps, by duals, keeps the symplectic form; that of Runge and Kutta does not.
    #[test]
    fn the_symplectic_form_is_kept(y in prop::array::uniform4(-1.2..1.2_f64), h in 0.02..0.2_f64) {
        let y0: [Dual<f64, 4>; 4] = core::array::from_fn(|i| Dual::variable(y[i], i));
        let span = (0.3, 0.3 + 10.0 * h);
        for method in ALL {
            let moved = end(method, &y0, span, h);
            let defect = symplectic_defect(|i, j| moved[i].tangent[j]);
            prop_assert!(defect < 1e-13, "{}: off by {defect:e}", method.name);
        }
        let mut rk4 = Integrator::explicit(&RK4, 4, &Options::fixed(h)).unwrap();
        let moved = rk4.solve(&Driven::new(), span, &y0, Save::End).unwrap();
        let defect = symplectic_defect(|i, j| moved.last()[i].tangent[j]);
        prop_assert!(h < 0.1 || defect > 1e-12, "the test sees what is not symplectic: {defect:e}");
    }

    /// A step of `-h` undoes one of `h` exactly where the coefficients read the same from both ends.
    #[test]
    fn symmetric_methods_are_their_own_way_back(y in prop::array::uniform4(-1.2..1.2_f64), h in 0.02..0.2_f64) {
        for method in ALL {
            let there = end(method, &y, (0.0, 10.0 * h), h);
            let back = end(method, &there, (10.0 * h, 0.0), h);
            let left = distance(&back, &y);
            if method.symmetric() {
                prop_assert!(left < 1e-13, "{}: left by {left:e}", method.name);
            }
        }
    }

    /// The value of a dual has the bits of the float.
    #[test]
    fn duals_take_the_same_steps(y in prop::array::uniform4(-1.2..1.2_f64)) {
        let y0: [Dual<f64, 4>; 4] = core::array::from_fn(|i| Dual::variable(y[i], i));
        for method in ALL {
            let (plain, dual) = (end(method, &y, (0.0, 1.0), 0.1), end(method, &y0, (0.0, 1.0), 0.1));
            for (plain, dual) in plain.iter().zip(&dual) {
                prop_assert_eq!(plain.to_bits(), dual.value.to_bits(), "{}", method.name);
            }
        }
    }
}

#[test]
fn the_symmetric_ones_are_known() {
    let asymmetric: Vec<_> = ALL.iter().filter(|method| !method.symmetric()).map(|method| method.name).collect();
    assert_eq!(asymmetric, ["symplectic-euler-a", "symplectic-euler-b", "ruth3"]);
    let work = |name| ALL.iter().find(|method| method.name == name).unwrap().evaluations();
    assert_eq!(["verlet", "position-verlet", "yoshida4", "kahan-li8"].map(work), [1, 1, 3, 17]);
}

/// Kepler's problem: `H = |p|²/2 - 1/|q|`.
fn kepler<S: Elementary>() -> impl VectorField<S, Workspace = ()> {
    let forces = |_t: S, q: &[S], dp: &mut [S]| {
        let r2 = q[0] * q[0] + q[1] * q[1];
        let r3 = r2 * r2.sqrt();
        (dp[0], dp[1]) = (-q[0] / r3, -q[1] / r3);
    };
    separable(2, |_t: S, p: &[S], dq: &mut [S]| dq.copy_from_slice(p), forces)
}

/// The ellipse of eccentricity `e`, from its pericentre.
fn ellipse(e: f64) -> [f64; 4] {
    [1.0 - e, 0.0, 0.0, ((1.0 + e) / (1.0 - e)).sqrt()]
}

fn energy(y: &[f64]) -> f64 {
    (y[2] * y[2] + y[3] * y[3]) / 2.0 - 1.0 / y[0].hypot(y[1])
}

/// Errors of energy over `steps` of `h`: the largest in the first twentieth, and the largest in the last.
fn energy_errors(mut errors: impl FnMut(&[f64]) -> Vec<f64>, h: f64, steps: u32) -> (f64, f64) {
    let times: Vec<f64> = (1..=2000).map(|i| f64::from(i) * h * f64::from(steps) / 2000.0).collect();
    let states = errors(&times);
    let error = |row: &[f64]| (energy(row) + 0.5).abs();
    let errors: Vec<f64> = states.chunks_exact(4).map(error).collect();
    let largest = |errors: &[f64]| errors.iter().copied().fold(0.0, f64::max);
    (largest(&errors[..100]), largest(&errors[1900..]))
}

fn symplectic_energy(method: &'static Splitting, h: f64, steps: u32) -> (f64, f64) {
    let mut integrator = Integrator::symplectic(method, 4, &Options::fixed(h)).unwrap();
    let solve = |times: &[f64]| {
        let mut out = vec![0.0; 4 * times.len()];
        integrator.sample(&kepler(), 0.0, &ellipse(0.3), times, &mut out).unwrap();
        out
    };
    energy_errors(solve, h, steps)
}

fn explicit_energy(tableau: &'static Tableau, h: f64, steps: u32) -> (f64, f64) {
    let mut integrator = Integrator::explicit(tableau, 4, &Options::fixed(h)).unwrap();
    let solve = |times: &[f64]| {
        let mut out = vec![0.0; 4 * times.len()];
        integrator.sample(&kepler(), 0.0, &ellipse(0.3), times, &mut out).unwrap();
        out
    };
    energy_errors(solve, h, steps)
}

#[test]
fn energy_does_not_drift() {
    for method in [&VERLET, &YOSHIDA_4, &BLANES_MOAN_4, &KAHAN_LI_6] {
        let (first, last) = symplectic_energy(method, 0.05, 100_000);
        assert!(last < 1.2 * first, "{}: {first:e}, then {last:e}", method.name);
    }
    let (first, last) = explicit_energy(&RK4, 0.05, 100_000);
    assert!(last > 10.0 * first, "Runge and Kutta's does: {first:e}, then {last:e}");
}

#[test]
fn rounding_does_not_drift_either() {
    // Without the carry the last errors are 30 times these.
    let (_, last) = symplectic_energy(&SUZUKI_UMENO_8, 0.02, 100_000);
    assert!(last < 5e-15, "{last:e}");
}

#[test]
fn a_field_without_halves_is_refused_with_a_remedy() {
    let decay = ByDuals::new(Decay);
    for method in ALL {
        let method = Method::Symplectic(method);
        let error = solve(&decay, (0.0, 1.0), &[1.0], method, &Options::fixed(0.1), Save::End).unwrap_err().error;
        assert!(matches!(error, SolveError::NotOffered { .. }), "{error}");
        assert!(error.to_string().contains("gauss4"), "{error}");
        let error = solve(&decay, (0.0, 1.0), &[1.0], method, &Options::default(), Save::End).unwrap_err().error;
        assert!(matches!(error, SolveError::StepRequired { .. }), "{error}");
    }
}

struct Decay;
impl<S: Scalar> VectorField<S> for Decay {
    type Workspace = ();
    fn workspace(&self) {}
    fn dim(&self) -> usize {
        1
    }
    fn eval(&self, _t: S, y: &[S], dy: &mut [S], _work: &mut ()) {
        dy[0] = -y[0];
    }
}

#[test]
fn halves_may_be_stated_of_any_field() {
    // The same pendulum three times: two closures, one closure with a partition, a lifted formula with one.
    struct Pendulum;
    impl vecfield_solvers::Dynamics for Pendulum {
        fn dim(&self) -> usize {
            2
        }
        fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
            (dy[0], dy[1]) = (y[1], -y[0].sin());
        }
    }
    let halves = || Partition::with_positions(2, [0]);
    let two =
        separable(1, |_t, p: &[f64], dq: &mut [f64]| dq[0] = p[0], |_t, q: &[f64], dp: &mut [f64]| dp[0] = -q[0].sin());
    let one =
        Partitioned::new(field(2, |_t, y: &[f64], dy: &mut [f64]| (dy[0], dy[1]) = (y[1], -y[0].sin())), halves());
    let lifted = Partitioned::new(Lifted::new(Pendulum, vec![]), halves());
    let mut integrator = Integrator::symplectic(&YOSHIDA_4, 2, &Options::fixed(0.1)).unwrap();
    let a = integrator.solve(&two, (0.0, 10.0), &[1.0, 0.0], Save::Steps).unwrap();
    let b = integrator.solve(&one, (0.0, 10.0), &[1.0, 0.0], Save::Steps).unwrap();
    let method = Method::Symplectic(&YOSHIDA_4);
    let c = solve(&lifted, (0.0, 10.0), &[1.0, 0.0], method, &Options::fixed(0.1), Save::Steps).unwrap();
    assert_eq!((&a.y, &a.y), (&b.y, &c.y));
    assert_eq!(a.stats.rhs_evals, 3 * 100 + 1, "three forces a step");
}

#[test]
fn a_solve_put_aside_goes_on_with_the_same_bits() {
    for method in ALL {
        let options = Options::fixed(0.1);
        let (mut field, mut work, h) = (Driven::new(), (), 0.1);
        let mut evaluator = Evaluator::new(&mut field, &mut work);
        let make = || Symplectic::new(method, 4, &options).unwrap();
        let (mut always, mut again) = (make(), make());
        always.start(&mut evaluator, 0.0, &START).unwrap();
        again.start(&mut evaluator, 0.0, &START).unwrap();
        for step in 0..20 {
            let t = f64::from(step) * h;
            for stepper in [&mut always, &mut again] {
                stepper.attempt(&mut evaluator, t, h);
                Stepper::<Driven>::commit(stepper);
            }
            let mut saved = Vec::new();
            assert!(Stepper::<Driven>::save(&again, &mut saved));
            again = make();
            again.restore(&mut evaluator, &saved);
        }
        assert_eq!(Stepper::<Driven>::y(&always), Stepper::<Driven>::y(&again), "{}", method.name);
    }
}

#[test]
fn nothing_is_allocated_between_the_first_step_and_the_last() {
    let field = kepler();
    for method in ALL {
        let mut integrator = Integrator::symplectic(method, 4, &Options::fixed(0.01)).unwrap();
        let mut out = [0.0; 8];
        let mut again = || {
            integrator.sample(&field, 0.0, &ellipse(0.3), &[0.505, 1.0], &mut out).unwrap();
        };
        again(); // the partition is kept at the first start
        assert_eq!(vecfield_laws::allocates_nothing(again), Ok(()), "{}", method.name);
    }
}

#[test]
fn single_precision_is_as_good_as_it_can_be() {
    let mut integrator = Integrator::symplectic(&BLANES_MOAN_4, 4, &Options::fixed(0.02_f32)).unwrap();
    let y0 = ellipse(0.3).map(f32::from_f64);
    let solution = integrator.solve(&kepler::<f32>(), (0.0, 200.0), &y0, Save::End).unwrap();
    let y: Vec<f64> = solution.last().iter().map(|y| f64::from(*y)).collect();
    assert!((energy(&y) + 0.5).abs() < 1e-5, "{}", energy(&y));
}
