//! Laws of one step and of whole solves: invariance, reversal, dense output, save times, step sizes.

use proptest::prelude::*;
use vecfield_autodiff::Lifted;
use vecfield_solvers::tableau::{ALL, TSIT5};
use vecfield_solvers::{
    Dynamics, Ending, Flow, Integrator, Kind, Method, Observer, Options, Save, Segment, Tolerance, field, solve,
};
use vecfield_traits::Elementary;

use crate::methods;

/// A predator–prey cycle.
struct LotkaVolterra;
impl Dynamics for LotkaVolterra {
    fn dim(&self) -> usize {
        2
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        dy[0] = y[0] - y[0] * y[1];
        dy[1] = y[0] * y[1] - y[1];
    }
}

/// `A → B → C`, whose sum does not change.
struct Chain;
impl Dynamics for Chain {
    fn dim(&self) -> usize {
        3
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        let (first, second) = (y[0] * y[1].scale(S::constant(3.0).value()), y[1] * S::constant(2.0));
        (dy[0], dy[1], dy[2]) = (-first, first - second, second);
    }
}

fn options(method: Method) -> Options<f64> {
    if method.fixed_step() { Options::fixed(0.01) } else { Options::tolerances(1e-7, 1e-9) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Every Runge–Kutta method keeps linear invariants, here to rounding.
    #[test]
    fn linear_invariants_are_kept(y in prop::array::uniform3(0.1..2.0_f64)) {
        let field = Lifted::new(Chain, vec![]);
        for method in methods() {
            let solution = solve(&field, (0.0, 5.0), &y, method, &options(method), Save::Steps).unwrap();
            let total: f64 = y.iter().sum();
            for row in 0..solution.t.len() {
                let sum: f64 = solution.state(row).iter().sum();
                // Newton iterations leave less than the tolerance, and each row of J sums to zero in exact arithmetic;
                // the differences of multistep methods pass their rounding on from step to step.
                let bar = if method.kind() == Kind::Explicit { 1e-13 } else { 1e-11 };
                prop_assert!((sum - total).abs() < bar * total, "{}: {sum}, not {total}", method.name());
            }
        }
    }

    /// A solve commutes with the change of variables `z = s·y` when the absolute tolerance is scaled along.
    #[test]
    fn scaling_the_state_by_powers_of_two_changes_no_bits(y in prop::array::uniform2(0.5..2.0_f64), power in -20..20_i32) {
        let scale = 2.0_f64.powi(power);
        for tableau in ALL {
            let scaled = field(2, move |_t, z: &[f64], dz: &mut [f64]| {
                dz[0] = z[0] - z[0] * (z[1] / scale);
                dz[1] = z[0] * (z[1] / scale) - z[1];
            });
            let plain = field(2, |_t, y: &[f64], dy: &mut [f64]| {
                dy[0] = y[0] - y[0] * y[1];
                dy[1] = y[0] * y[1] - y[1];
            });
            let options = options(Method::Explicit(tableau));
            let along = Options { atol: Tolerance::All(1e-9 * scale), ..options.clone() };
            let (mut a, mut b) = ([0.0; 2], [0.0; 2]);
            let unscaled = Options { atol: Tolerance::All(1e-9), ..options };
            Integrator::explicit(tableau, 2, &unscaled).unwrap().sample(&plain, 0.0, &y, &[3.0], &mut a).unwrap();
            let z = [y[0] * scale, y[1] * scale];
            Integrator::explicit(tableau, 2, &along).unwrap().sample(&scaled, 0.0, &z, &[3.0], &mut b).unwrap();
            for (a, b) in a.iter().zip(&b) {
                prop_assert_eq!((a * scale).to_bits(), b.to_bits(), "{}", tableau.name);
            }
        }
    }

    /// However many components are taken at once, each has the bits it has in a system of its own.
    #[test]
    fn copies_side_by_side_change_no_bits(y in prop::array::uniform3(0.5..2.0_f64), n in 1..4_usize, copies in 1..24_usize) {
        let cycle = |n: usize| field(n, move |t: f64, y: &[f64], dy: &mut [f64]| {
            for (y, dy) in y.chunks(3).zip(dy.chunks_mut(3)) {
                for i in 0..y.len() {
                    dy[i] = y[i] * (t.cos() - y[(i + 1) % y.len()]);
                }
            }
        });
        let side_by_side: Vec<f64> = y.iter().copied().cycle().take(3 * copies + n).collect();
        for tableau in ALL {
            let mut single = [0.0; 3];
            let mut many = vec![0.0; side_by_side.len()];
            let options = Options::fixed(0.05);
            Integrator::explicit(tableau, n, &options).unwrap().sample(&cycle(n), 0.0, &y[..n], &[1.0], &mut single[..n]).unwrap();
            let mut integrator = Integrator::explicit(tableau, many.len(), &options).unwrap();
            integrator.sample(&cycle(many.len()), 0.0, &side_by_side, &[1.0], &mut many).unwrap();
            prop_assert_eq!(&many[3 * copies..], &single[..n], "{}", tableau.name);
            prop_assert_eq!(&many[..3], &many[3 * (copies - 1)..][..3], "{}", tableau.name);
        }
    }

    /// Forth by `T` and back by `T` is the identity to the accuracy asked for.
    #[test]
    fn forth_and_back(y in prop::array::uniform2(0.5..2.0_f64)) {
        let field = Lifted::new(LotkaVolterra, vec![]);
        for method in methods().filter(|method| method.order().0 >= 3) {
            let options = options(method);
            let there = solve(&field, (0.0, 3.0), &y, method, &options, Save::End).unwrap();
            let back = solve(&field, (3.0, 0.0), there.last(), method, &options, Save::End).unwrap();
            for (a, b) in back.last().iter().zip(&y) {
                prop_assert!((a - b).abs() < 3e-5, "{}: {a}, not {b}", method.name());
            }
        }
    }

    /// Save times are read off the dense output: the steps are those of a solve without.
    #[test]
    fn save_times_do_not_change_the_steps(mut times in prop::collection::vec(0.0..5.0_f64, 1..40)) {
        times.sort_by(f64::total_cmp);
        times.push(5.0);
        let field = Lifted::new(LotkaVolterra, vec![]);
        for method in methods() {
            let options = options(method);
            let without = solve(&field, (0.0, 5.0), &[2.0, 0.5], method, &options, Save::End).unwrap();
            let with = solve(&field, (0.0, 5.0), &[2.0, 0.5], method, &options, Save::At(&times)).unwrap();
            prop_assert_eq!(with.stats.steps, without.stats.steps, "{}", method.name());
            prop_assert_eq!(with.last(), without.last(), "{}", method.name());
            prop_assert_eq!(&with.t, &times);
        }
    }
}

/// Checks that dense output meets the ends of every step, and is smooth across them.
struct MeetsTheEnds {
    before: Option<[f64; 2]>,
    bar: f64,
    name: &'static str,
}

impl Observer<f64> for MeetsTheEnds {
    fn step(&mut self, segment: &mut dyn Segment<f64>) -> Flow {
        let (t0, t1, mut near) = (segment.t0(), segment.t1(), [0.0; 2]);
        for (t, end) in [(t0, segment.y0().to_vec()), (t1, segment.y1().to_vec())] {
            // A billionth of the step inside, so that it is the polynomial that is asked and not the end itself.
            let inside = if t == t0 { t0 + (t1 - t0) * 1e-9 } else { t1 - (t1 - t0) * 1e-9 };
            segment.at(inside, &mut near);
            for (near, end) in near.iter().zip(&end) {
                assert!((near - end).abs() < self.bar, "{}: {near} at {inside}, {end} at {t}", self.name);
            }
        }
        if let Some(before) = self.before {
            assert_eq!(segment.y0(), before, "{}: a step begins where the last one ended", self.name);
        }
        self.before = Some([segment.y1()[0], segment.y1()[1]]);
        Flow::Continue
    }
}

#[test]
fn dense_output_meets_both_ends_of_every_step() {
    let field = Lifted::new(LotkaVolterra, vec![]);
    for method in methods() {
        let mut integrator = Integrator::new(method, 2, &options(method)).unwrap();
        let mut observer = MeetsTheEnds { before: None, bar: 1e-8, name: method.name() };
        integrator.solve_observed(&field, (0.0, 10.0), &[2.0, 0.5], Save::End, &mut observer).unwrap();
    }
}

#[test]
fn an_observer_ends_a_solve() {
    struct After(u32);
    impl Observer<f64> for After {
        fn step(&mut self, _segment: &mut dyn Segment<f64>) -> Flow {
            self.0 -= 1;
            if self.0 == 0 { Flow::Stop } else { Flow::Continue }
        }
    }
    let field = Lifted::new(LotkaVolterra, vec![]);
    for method in methods() {
        let mut integrator = Integrator::new(method, 2, &options(method)).unwrap();
        let solution = integrator.solve_observed(&field, (0.0, 10.0), &[2.0, 0.5], Save::Steps, &mut After(5)).unwrap();
        assert_eq!(solution.ending, Ending::Stopped);
        assert_eq!((solution.stats.steps, solution.t.len()), (5, 6), "{}", method.name());
    }
}

#[test]
fn fixed_steps_are_exactly_that_long() {
    let field = Lifted::new(LotkaVolterra, vec![]);
    for method in methods() {
        let options = Options::fixed(0.3);
        let solution = solve(&field, (1.0, 2.0), &[2.0, 0.5], method, &options, Save::Steps).unwrap();
        let expected = [1.0, 1.3, 1.6, 1.0 + 3.0 * 0.3, 2.0];
        assert_eq!(solution.t, expected, "{}", method.name());
        // Ten steps of a tenth are ten, though ten tenths are not quite one.
        let solution = solve(&field, (0.0, 1.0), &[2.0, 0.5], method, &Options::fixed(0.1), Save::Steps).unwrap();
        assert_eq!(solution.stats.steps, 10, "{}", method.name());
    }
}

#[test]
fn a_largest_step_is_kept() {
    let field = Lifted::new(LotkaVolterra, vec![]);
    for method in methods().filter(|method| !method.fixed_step()) {
        let options = Options { max_step: Some(0.01), ..options(method) };
        let solution = solve(&field, (0.0, 2.0), &[2.0, 0.5], method, &options, Save::Steps).unwrap();
        let longest = solution.t.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
        assert!(longest <= 0.01 * 1.0101, "{}: {longest}", method.name());
    }
}

#[test]
fn tolerances_of_single_components_count() {
    // The second component is free of charge: steps are those of the first alone.
    let both = field(2, |_t, y: &[f64], dy: &mut [f64]| (dy[0], dy[1]) = (-y[0], (100.0 * y[0]).sin()));
    let steps = |atol: Tolerance<f64>| {
        let options = Options { rtol: 1e-10, atol, ..Options::default() };
        let mut integrator = Integrator::explicit(&TSIT5, 2, &options).unwrap();
        integrator.solve(&both, (0.0, 5.0), &[1.0, 0.0], Save::End).unwrap().stats.steps
    };
    let (strict, lenient) = (steps(Tolerance::All(1e-10)), steps(Tolerance::Each(vec![1e-10, 1e6])));
    assert!(strict > 3 * lenient, "{strict} and {lenient}");
}

#[test]
fn an_interval_of_no_length_is_no_step() {
    let field = Lifted::new(LotkaVolterra, vec![]);
    for method in methods() {
        let solution = solve(&field, (1.0, 1.0), &[2.0, 0.5], method, &options(method), Save::End).unwrap();
        assert_eq!((solution.stats.steps, solution.last()), (0, &[2.0, 0.5][..]), "{}", method.name());
    }
}

#[test]
fn few_steps_are_thrown_away_where_the_solution_is_smooth() {
    let field = Lifted::new(LotkaVolterra, vec![]);
    for method in methods().filter(|method| !method.fixed_step()) {
        let solution = solve(&field, (0.0, 100.0), &[2.0, 0.5], method, &options(method), Save::End).unwrap();
        let (steps, rejected) = (solution.stats.steps, solution.stats.rejected);
        // Steps that span a tenth of a period and more find out late that the solution turns.
        let share = if method.name().starts_with("radau") { 4 } else { 10 };
        assert!(share * rejected <= steps, "{}: {rejected} rejected, {steps} accepted", method.name());
    }
}

#[test]
fn the_first_step_suits_the_field() {
    struct First(f64);
    impl Observer<f64> for First {
        fn step(&mut self, segment: &mut dyn Segment<f64>) -> Flow {
            self.0 = segment.t1() - segment.t0();
            Flow::Stop
        }
    }
    for rate in [1e-6, 1.0, 1e6] {
        let decay = field(1, move |_t, y: &[f64], dy: &mut [f64]| dy[0] = -rate * y[0]);
        for tableau in ALL.iter().filter(|tableau| tableau.adaptive()) {
            let mut integrator = Integrator::explicit(tableau, 1, &Options::tolerances(1e-6, 1e-9)).unwrap();
            let mut first = First(0.0);
            let span = (0.0, 100.0 / rate);
            let solution = integrator.solve_observed(&decay, span, &[1.0], Save::End, &mut first).unwrap();
            assert_eq!(solution.stats.rejected, 0, "{} at {rate:e}", tableau.name);
            let h = first.0 * rate;
            assert!((1e-5..2.0).contains(&h), "{}: a first step of {h} time constants", tableau.name);
        }
    }
}
