//! Events against closed forms.

use proptest::prelude::*;
use vecfield_solvers::tableau::{ALL, DOP853, TSIT5, Tableau, VERNER_7};
use vecfield_solvers::{Ending, Event, Integrator, Options, Save, Solution, SolveError, VectorField, field};

fn tight() -> Options<f64> {
    Options::tolerances(1e-11, 1e-13)
}

fn run<F: VectorField<f64>>(
    tableau: &'static Tableau,
    mut field: F,
    end: f64,
    y0: &[f64],
    events: &mut [Event<f64, F>],
) -> Solution<f64> {
    let mut integrator = Integrator::explicit(tableau, y0.len(), &tight()).unwrap();
    integrator.solve_with_events(&mut field, (0.0, end), y0, Save::End, events).unwrap()
}

fn times(solution: &Solution<f64>) -> Vec<f64> {
    solution.events.iter().map(|occurrence| occurrence.t).collect()
}

fn assert_near(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: {found:?}, not {expected:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-9, "{what}: {found}, not {expected}");
    }
}

const GRAVITY: f64 = 9.81;

/// Height and velocity in free fall.
fn fall() -> impl VectorField<f64, Workspace = ()> {
    field(2, |_t, y: &[f64], dy: &mut [f64]| (dy[0], dy[1]) = (y[1], -GRAVITY))
}

#[test]
fn a_bouncing_ball_lands_where_the_geometric_series_says() {
    let (height, r) = (10.0, 0.8_f64);
    let first = (2.0 * height / GRAVITY).sqrt();
    let landing = |k: i32| first * (1.0 + 2.0 * (1..k).map(|j| r.powi(j)).sum::<f64>());
    let expected: Vec<f64> = (1..).map(landing).take_while(|t| *t < 10.0).collect();
    for tableau in ALL.iter().filter(|tableau| tableau.order >= 5) {
        let mut events = [Event::falling(|_, _, y: &[f64]| y[0]).jump(|_, _, y| y[1] *= -r)];
        let run = run(tableau, fall(), 10.0, &[height, 0.0], &mut events);
        assert_near(&times(&run), &expected, tableau.name);
        let t = 10.0 - expected[expected.len() - 1];
        let up = first * GRAVITY * r.powi(expected.len() as i32);
        assert!((run.last()[0] - (up * t - GRAVITY * t * t / 2.0)).abs() < 1e-8, "{}", tableau.name);
    }
}

#[test]
fn infinitely_many_bounces_are_an_error_that_names_their_limit() {
    for r in [0.8_f64, 0.5, 0.3] {
        let mut events = [Event::falling(|_, _, y: &[f64]| y[0]).jump(|_, _, y| y[1] *= -r)];
        let mut integrator = Integrator::explicit(&TSIT5, 2, &tight()).unwrap();
        let stopped =
            integrator.solve_with_events(&mut fall(), (0.0, 20.0), &[10.0, 0.0], Save::End, &mut events).unwrap_err();
        let limit = (20.0 / GRAVITY).sqrt() * (1.0 + r) / (1.0 - r);
        let SolveError::Chattering { event: 0, t, .. } = stopped.error else { panic!("{}", stopped.error) };
        assert!((t - limit).abs() < 1e-5, "{t}, not {limit}");
        assert!(stopped.partial.events.len() > 5);
    }
}

#[test]
fn zeros_of_an_oscillation_are_found_in_both_directions() {
    let omega = 3.0_f64;
    let oscillator = || field(2, move |_t, y: &[f64], dy: &mut [f64]| (dy[0], dy[1]) = (y[1], -omega * omega * y[0]));
    let zeros: Vec<f64> = (0..9).map(|k| (f64::from(k) + 0.5) * std::f64::consts::PI / omega).collect();
    let every_other = |from: usize| -> Vec<f64> { zeros.iter().skip(from).step_by(2).copied().collect() };
    for tableau in [&TSIT5, &VERNER_7, &DOP853] {
        let mut events = [
            Event::any(|_, _, y: &[f64]| y[0]),
            Event::falling(|_, _, y: &[f64]| y[0]),
            Event::rising(|_, _, y: &[f64]| y[0]),
        ];
        let run = run(tableau, oscillator(), 9.0, &[1.0, 0.0], &mut events);
        let of = |event| -> Vec<f64> { run.events.iter().filter(|o| o.event == event).map(|o| o.t).collect() };
        assert_near(&of(0), &zeros, tableau.name);
        assert_near(&of(1), &every_other(0), tableau.name);
        assert_near(&of(2), &every_other(1), tableau.name);
    }
}

#[test]
fn nothing_fires_where_the_run_begins_on_a_zero() {
    // Thrown upwards from the ground: the landing counts, the start does not.
    let mut events = [Event::any(|_, _, y: &[f64]| y[0]).stop_after(1)];
    let run = run(&TSIT5, fall(), 10.0, &[0.0, GRAVITY], &mut events);
    assert_near(&times(&run), &[2.0], "throw");
    assert_eq!(run.ending, Ending::Event(0));
    assert_eq!(run.t.last().copied(), Some(run.events[0].t));
}

#[test]
fn two_crossings_in_one_step_are_both_found() {
    // A straight line is one step; the guard is a parabola of it with zeros at 4 and 6.
    let line = field(1, |_t, _y: &[f64], dy: &mut [f64]| dy[0] = 1.0);
    let mut events = [Event::any(|_, _, y: &[f64]| (y[0] - 4.0) * (y[0] - 6.0))];
    let run = run(&DOP853, line, 10.0, &[0.0], &mut events);
    assert_near(&times(&run), &[4.0, 6.0], "parabola");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The cosine of a phase rises above `1 - depth` for a moment in every turn, far shorter than a step.
    #[test]
    fn grazing_crossings_are_found_wherever_they_lie(phase in 0.0..6.0_f64, exponent in -7.0..-2.0_f64, offset in 0.0..1.0_f64) {
        let depth = 10.0_f64.powf(exponent);
        let oscillator = field(2, |_t, y: &[f64], dy: &mut [f64]| (dy[0], dy[1]) = (y[1], -y[0]));
        // The state of a smooth solve is good to 1e-11 or so: shallower dips than 1e-7 are not asked for.
        let mut events = [Event::any(move |_, _, y: &[f64]| y[0] - (1.0 - depth))];
        let start = phase + 0.05 + offset;
        let run = run(&VERNER_7, oscillator, 20.0, &[start.cos(), -start.sin()], &mut events);
        let half = (1.0 - depth).acos();
        let turns = (1..10).map(|k| f64::from(k) * core::f64::consts::TAU - start);
        let expected: Vec<f64> = turns
            .flat_map(|centre| [centre - half, centre + half])
            .filter(|t| (0.0..20.0).contains(t))
            .collect();
        let found = times(&run);
        prop_assert_eq!(found.len(), expected.len(), "{:?} for {:?}", &found, &expected);
        for (found, expected) in found.iter().zip(&expected) {
            prop_assert!((found - expected).abs() < 1e-5, "{} for {}", found, expected);
        }
    }
}

proptest! {
    /// The dip begins right after the end of a step, or ends right before one.
    #[test]
    fn dips_beside_the_end_of_a_step_are_found(steps in 1..30_u32, beyond in 0.0..2e-4_f64, exponent in -7.0..-4.0_f64, after in prop::bool::ANY) {
        let (h, depth) = (0.125, 10.0_f64.powf(exponent));
        let away = (1.0 - depth).acos() + beyond * h;
        let centre = f64::from(steps) * h + if after { away } else { -away };
        let oscillator = field(2, |_t, y: &[f64], dy: &mut [f64]| (dy[0], dy[1]) = (y[1], -y[0]));
        let mut events = [Event::any(move |_, _, y: &[f64]| y[0] - (1.0 - depth))];
        let mut integrator = Integrator::explicit(&VERNER_7, 2, &Options::fixed(h)).unwrap();
        let (mut oscillator, y0) = (oscillator, [centre.cos(), centre.sin()]);
        let run = integrator.solve_with_events(&mut oscillator, (0.0, 5.0), &y0, Save::End, &mut events).unwrap();
        prop_assert_eq!(times(&run).len(), 2, "{:?}", times(&run));
    }
}

#[test]
fn a_guard_that_only_comes_close_does_not_fire() {
    let oscillator = field(2, |_t, y: &[f64], dy: &mut [f64]| (dy[0], dy[1]) = (y[1], -y[0]));
    let mut events = [Event::any(|_, _, y: &[f64]| y[0] - (1.0 + 1e-8))];
    assert_eq!(times(&run(&VERNER_7, oscillator, 60.0, &[0.0, 1.0], &mut events)), []);
}

/// `y' = b + u`, with `u` switched by events alone.
struct Relay {
    b: f64,
    u: f64,
}

impl VectorField<f64> for Relay {
    type Workspace = ();
    fn workspace(&self) {}
    fn dim(&self) -> usize {
        1
    }
    fn eval(&self, _t: f64, _y: &[f64], dy: &mut [f64], _work: &mut ()) {
        dy[0] = self.b + self.u;
    }
}

#[test]
fn a_relay_switches_the_field() {
    let (b, eps) = (0.3, 0.01);
    let mut expected = vec![eps / (1.0 + b)];
    while expected[expected.len() - 1] < 1.0 {
        let leg = if expected.len() % 2 == 1 { 2.0 * eps / (1.0 - b) } else { 2.0 * eps / (1.0 + b) };
        expected.push(expected[expected.len() - 1] + leg);
    }
    expected.pop();
    for tableau in [&TSIT5, &VERNER_7, &DOP853] {
        let mut events = [
            Event::rising(|_: &Relay, _, y: &[f64]| y[0] - eps).jump(|relay, _, _| relay.u = -1.0),
            Event::falling(|_: &Relay, _, y: &[f64]| y[0] + eps).jump(|relay, _, _| relay.u = 1.0),
        ];
        let run = run(tableau, Relay { b, u: 1.0 }, 1.0, &[0.0], &mut events);
        assert_near(&times(&run), &expected, tableau.name);
    }
}

#[test]
fn events_at_the_same_time_all_happen() {
    let line = field(2, |_t, _y: &[f64], dy: &mut [f64]| (dy[0], dy[1]) = (1.0, -1.0));
    let mut events = [
        Event::rising(|_, _, y: &[f64]| y[0] - 1.0).jump(|_, _, y| y[0] = 0.0),
        Event::falling(|_, _, y: &[f64]| y[1] + 1.0).jump(|_, _, y| y[1] = 0.0),
    ];
    let run = run(&TSIT5, line, 3.5, &[0.0, 0.0], &mut events);
    assert_near(&times(&run), &[1.0, 1.0, 2.0, 2.0, 3.0, 3.0], "sawtooth");
    assert!((run.last()[0] - 0.5).abs() < 1e-9 && (run.last()[1] + 0.5).abs() < 1e-9);
}

#[test]
fn save_times_around_a_jump_see_both_sides() {
    let line = || field(1, |_t, _y: &[f64], dy: &mut [f64]| dy[0] = 1.0);
    let mut events = [Event::rising(|_, _, y: &[f64]| y[0] - 1.0).jump(|_, _, y| y[0] = -10.0)];
    let mut integrator = Integrator::explicit(&TSIT5, 1, &tight()).unwrap();
    let times = [0.25, 0.999, 1.001, 2.0];
    let run = integrator.solve_with_events(&mut line(), (0.0, 2.0), &[0.0], Save::At(&times), &mut events).unwrap();
    for (y, expected) in run.y.iter().zip([0.25, 0.999, -9.999, -9.0]) {
        assert!((y - expected).abs() < 1e-9, "{y}, not {expected}");
    }
}

#[test]
fn a_guard_that_is_not_finite_is_an_error() {
    let line = field(1, |_t, _y: &[f64], dy: &mut [f64]| dy[0] = -1.0);
    let mut line = line;
    let mut events = [Event::rising(|_, _, y: &[f64]| y[0].ln() - 10.0)];
    let mut integrator = Integrator::explicit(&TSIT5, 1, &tight()).unwrap();
    let stopped = integrator.solve_with_events(&mut line, (0.0, 2.0), &[1.0], Save::Steps, &mut events).unwrap_err();
    assert!(matches!(stopped.error, SolveError::GuardNotFinite { event: 0, .. }), "{}", stopped.error);
}

#[test]
fn events_are_found_backwards_in_time() {
    let mut oscillator = field(2, |_t, y: &[f64], dy: &mut [f64]| (dy[0], dy[1]) = (y[1], -y[0]));
    let mut events = [Event::any(|_, _, y: &[f64]| y[0])];
    let mut integrator = Integrator::explicit(&DOP853, 2, &tight()).unwrap();
    let run = integrator.solve_with_events(&mut oscillator, (0.0, -5.0), &[1.0, 0.0], Save::End, &mut events).unwrap();
    let half_pi = std::f64::consts::FRAC_PI_2;
    assert_near(&times(&run), &[-half_pi, -3.0 * half_pi], "backwards");
}

#[test]
fn a_bounce_is_not_seen_again_on_the_way_up() {
    let expected: Vec<f64> = (0..4).map(|k| (20.0 / GRAVITY).sqrt() * f64::from(1 + 2 * k)).collect();
    for tableau in ALL.iter().filter(|tableau| tableau.order >= 5) {
        let mut events = [Event::any(|_, _, y: &[f64]| y[0]).jump(|_, _, y| y[1] = -y[1]).stop_after(4)];
        let run = run(tableau, fall(), 100.0, &[10.0, 0.0], &mut events);
        assert_near(&times(&run), &expected, tableau.name);
    }
}

#[test]
fn a_zero_is_found_with_few_evaluations_of_its_guard() {
    let asked = std::cell::Cell::new(0);
    let oscillator = field(2, |_t, y: &[f64], dy: &mut [f64]| (dy[0], dy[1]) = (y[1], -y[0]));
    let mut events = [Event::any(|_, _, y: &[f64]| {
        asked.set(asked.get() + 1);
        y[0]
    })];
    let run = run(&DOP853, oscillator, 100.0, &[1.0, 0.0], &mut events);
    // Six samples a step, and a root that the Illinois rule finds in about eight evaluations; bisection would need fifty.
    let roots = asked.get() - 6 * run.stats.steps;
    assert!(roots < 15 * run.events.len() as u64, "{roots} evaluations for {} zeros", run.events.len());
}
