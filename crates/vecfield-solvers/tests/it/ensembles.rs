//! Ensembles: a member's result is its own, whatever stands beside it.

use proptest::prelude::*;
use vecfield_autodiff::Lifted;
use vecfield_laws::measure;
use vecfield_solvers::ensemble::{Ensemble, EnsembleSolution, LANES, Member, Rows};
use vecfield_solvers::tableau::{ALL, DOP853, TSIT5, Tableau, VERNER_7};
use vecfield_solvers::{
    Dynamics, Ending, Event, Integrator, Method, Options, Save, SolveError, Stats, rosenbrock::RODAS4,
};
use vecfield_traits::{Elementary, ParametricField};

/// Lorenz with `ρ` and a forcing in time: sums and products alone.
struct Lorenz;

impl Dynamics for Lorenz {
    fn dim(&self) -> usize {
        3
    }
    fn parameter_count(&self) -> usize {
        2
    }
    fn eval<S: Elementary>(&self, t: S, y: &[S], theta: &[S], dy: &mut [S]) {
        dy[0] = S::constant(10.0) * (y[1] - y[0]);
        dy[1] = y[0] * (theta[0] - y[2]) - y[1] + theta[1] * t;
        dy[2] = y[0] * y[1] - S::constant(8.0 / 3.0) * y[2];
    }
}

/// A driven pendulum with friction: with functions.
struct Pendulum;

impl Dynamics for Pendulum {
    fn dim(&self) -> usize {
        2
    }
    fn parameter_count(&self) -> usize {
        1
    }
    fn eval<S: Elementary>(&self, t: S, y: &[S], theta: &[S], dy: &mut [S]) {
        dy[0] = y[1];
        dy[1] = theta[0] * t.cos() - y[0].sin() - y[1].tanh() * S::constant(0.1);
    }
}

struct VanDerPol;

impl Dynamics for VanDerPol {
    fn dim(&self) -> usize {
        2
    }
    fn parameter_count(&self) -> usize {
        1
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], mu: &[S], dy: &mut [S]) {
        dy[0] = y[1];
        dy[1] = mu[0] * (S::one() - y[0] * y[0]) * y[1] - y[0];
    }
}

/// y' = a y², which ends at t = 1/(a y₀).
struct BlowUp;

impl Dynamics for BlowUp {
    fn dim(&self) -> usize {
        1
    }
    fn parameter_count(&self) -> usize {
        1
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], a: &[S], dy: &mut [S]) {
        dy[0] = a[0] * y[0] * y[0];
    }
}

/// y' = k (t² - y), which chases a parabola: the slow solution needs no small steps, stability does where k is large.
struct Chase;

impl Dynamics for Chase {
    fn dim(&self) -> usize {
        1
    }
    fn parameter_count(&self) -> usize {
        1
    }
    fn eval<S: Elementary>(&self, t: S, y: &[S], k: &[S], dy: &mut [S]) {
        dy[0] = k[0] * (t * t - y[0]);
    }
}

/// Owned members, so that they can be made at random.
#[derive(Debug, Clone)]
struct Spec {
    span: (f64, f64),
    y0: Vec<f64>,
    theta: Vec<f64>,
}

fn members(specs: &[Spec]) -> Vec<Member<'_>> {
    specs.iter().map(|spec| Member { span: spec.span, y0: &spec.y0, theta: &spec.theta }).collect()
}

fn bits(y: &[f64]) -> Vec<u64> {
    y.iter().map(|y| y.to_bits()).collect()
}

fn options(tableau: &Tableau) -> Options<f64> {
    if tableau.adaptive() { Options::tolerances(1e-6, 1e-8) } else { Options::fixed(0.017) }
}

/// One member, solved alone.
fn alone<F>(family: &F, tableau: &'static Tableau, options: &Options<f64>, spec: &Spec, save: Save<'_, f64>) -> Alone
where
    F: ParametricField<f64>,
{
    let mut integrator = Integrator::explicit(tableau, spec.y0.len(), options).unwrap();
    match integrator.solve(&family.at(spec.theta.clone()), spec.span, &spec.y0, save) {
        Ok(solution) => Alone { y: solution.y, stats: solution.stats, ending: Ok(solution.ending) },
        Err(stopped) => Alone { y: stopped.partial.y, stats: stopped.partial.stats, ending: Err(stopped.error) },
    }
}

struct Alone {
    y: Vec<f64>,
    stats: Stats,
    ending: Result<Ending, SolveError>,
}

fn lorenz() -> impl Strategy<Value = Spec> {
    (prop::array::uniform3(-3.0..3.0_f64), 0.0..30.0_f64, -1.0..1.0_f64, -0.5..3.0_f64).prop_map(
        |(y0, rho, forcing, t1)| {
            // Some go back in time, and not at all far: time reversed, the system expands fast.
            let span = (0.25, if t1 < 0.25 { 0.25 - 0.1 * (0.25 - t1) } else { t1 });
            Spec { span, y0: y0.to_vec(), theta: vec![rho, forcing] }
        },
    )
}

fn pendulum() -> impl Strategy<Value = Spec> {
    (prop::array::uniform2(-2.0..2.0_f64), 0.0..2.0_f64).prop_map(|(y0, drive)| Spec {
        span: (0.0, 5.0),
        y0: y0.to_vec(),
        theta: vec![drive],
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// Sums and products give the bits, the steps and the evaluations of a solve alone, by every explicit method.
    #[test]
    fn lanes_are_solves_alone(specs in prop::collection::vec(lorenz(), 1..3 * LANES)) {
        for tableau in ALL {
            let options = options(tableau);
            let solution = Ensemble::explicit(&Lorenz, tableau, &options).unwrap().solve(&members(&specs), Rows::End);
            for (i, spec) in specs.iter().enumerate() {
                let alone = alone(&Lorenz, tableau, &options, spec, Save::End);
                prop_assert_eq!(bits(solution.member(i)), bits(&alone.y), "{} {:?}", tableau.name, spec);
                prop_assert_eq!(solution.outcomes[i].stats, alone.stats, "{} {:?}", tableau.name, spec);
                prop_assert_eq!(&solution.outcomes[i].ending, &alone.ending);
            }
        }
    }

    /// So does dense output, at times inside steps, at their ends, at both ends of the solve and twice the same.
    #[test]
    fn dense_output_is_that_of_a_solve_alone(
        specs in prop::collection::vec(lorenz(), 1..2 * LANES),
        mut inner in prop::collection::vec(0.25..2.0_f64, 0..12), breaks in 0..3_usize,
    ) {
        inner.extend([0.25, 0.25, 1.0, 1.0, 2.0]);
        inner.sort_by(f64::total_cmp);
        let specs: Vec<Spec> = specs.into_iter().map(|spec| Spec { span: (0.25, 2.0), ..spec }).collect();
        for tableau in ALL {
            // Declared discontinuities cut the solve into legs, each begun anew.
            let discontinuities = [0.6, 1.0][..breaks].to_vec();
            let options = Options { discontinuities, ..options(tableau) };
            let ensemble = Ensemble::explicit(&Lorenz, tableau, &options).unwrap();
            let solution = ensemble.solve(&members(&specs), Rows::At(&inner));
            for (i, spec) in specs.iter().enumerate() {
                let alone = alone(&Lorenz, tableau, &options, spec, Save::At(&inner));
                prop_assert_eq!(bits(solution.member(i)), bits(&alone.y), "{}", tableau.name);
                prop_assert_eq!(solution.outcomes[i].stats, alone.stats, "{}", tableau.name);
            }
        }
    }

    /// With functions too, a member depends neither on its place nor on its neighbours.
    #[test]
    fn place_and_neighbours_do_not_matter(
        specs in prop::collection::vec(pendulum(), 2..3 * LANES), shift in 1..LANES, keep in 1..5_usize,
    ) {
        let times = [0.5, 2.5, 5.0];
        for tableau in [&TSIT5, &VERNER_7, &DOP853] {
            let ensemble = Ensemble::explicit(&Pendulum, tableau, &Options::default()).unwrap();
            let whole = ensemble.solve(&members(&specs), Rows::At(&times));
            let mut moved = specs.clone();
            moved.rotate_left(shift % specs.len());
            let rotated = ensemble.solve(&members(&moved), Rows::At(&times));
            for i in 0..specs.len() {
                let place = (i + specs.len() - shift % specs.len()) % specs.len();
                prop_assert_eq!(bits(whole.member(i)), bits(rotated.member(place)));
                prop_assert_eq!(&whole.outcomes[i], &rotated.outcomes[place]);
            }
            for (i, spec) in specs.iter().enumerate().step_by(keep) {
                let one = ensemble.solve(&members(std::slice::from_ref(spec)), Rows::At(&times));
                prop_assert_eq!(bits(whole.member(i)), bits(one.member(0)));
            }
            // Against `std`'s functions: the bounds of the vectorised ones are a few units in the last place.
            for (i, spec) in specs.iter().enumerate() {
                let alone = alone(&Pendulum, tableau, &Options::default(), spec, Save::At(&times));
                for (x, y) in whole.member(i).iter().zip(&alone.y) {
                    prop_assert!((x - y).abs() < 1e-6, "{x} {y}");
                }
            }
        }
    }

    /// The stiff ones leave their lanes: bits and work are still those of the automatic method alone.
    #[test]
    fn stiff_members_are_gone_on_with_alone(
        mus in prop::collection::vec(0.0..2.0_f64, 1..2 * LANES), rtol in prop::sample::select(vec![1e-3, 1e-6, 1e-9]),
    ) {
        let specs: Vec<Spec> = mus.iter()
            .map(|mu| Spec { span: (0.0, 40.0), y0: vec![2.0, 0.0], theta: vec![10.0_f64.powf(*mu)] })
            .collect();
        let options = Options::tolerances(rtol, 1e-2 * rtol);
        equal_the_automatic_method(&specs, &options);
        equal_the_automatic_method(&specs, &Options { discontinuities: vec![10.0, 25.0], ..options });
    }
}

fn equal_the_automatic_method(specs: &[Spec], options: &Options<f64>) -> EnsembleSolution {
    let times = [3.0, 20.0, 40.0];
    let field = |theta: &[f64]| Lifted::new(VanDerPol, theta.to_vec());
    let ensemble = Ensemble::new(&VanDerPol, field, Method::Auto, options).unwrap();
    let solution = ensemble.solve(&members(specs), Rows::At(&times));
    for (i, spec) in specs.iter().enumerate() {
        let mut integrator = Integrator::new(Method::Auto, 2, options).unwrap();
        let alone = integrator.solve(&field(&spec.theta), spec.span, &spec.y0, Save::At(&times)).unwrap();
        assert_eq!(bits(solution.member(i)), bits(&alone.y), "mu = {}", spec.theta[0]);
        assert_eq!(solution.outcomes[i].stats, alone.stats, "mu = {}", spec.theta[0]);
    }
    solution
}

/// 256 oscillators, `μ` from 1 to 100 on a logarithmic scale.
#[test]
fn oscillators_take_their_own_steps() {
    let mu = |i: usize| 100.0_f64.powf(i as f64 / 255.0);
    let specs: Vec<Spec> =
        (0..256).map(|i| Spec { span: (0.0, 40.0), y0: vec![2.0, 0.0], theta: vec![mu(i)] }).collect();
    let solution = equal_the_automatic_method(&specs, &Options::tolerances(1e-5, 1e-7));
    let implicit = solution.outcomes.iter().filter(|outcome| outcome.stats.jacobian_evals > 0).count();
    assert!(implicit > 20 && implicit < 250, "{implicit} of 256 were found stiff");
}

/// A member that fails, or cannot begin, is told so and leaves the others as they are.
#[test]
fn failures_stay_alone() {
    let good = |a: f64| Spec { span: (0.0, 1.0), y0: vec![1.0], theta: vec![a] };
    let mut specs: Vec<Spec> = (0..40).map(|i| good(0.02 * f64::from(i))).collect();
    let before = Ensemble::explicit(&BlowUp, &DOP853, &Options::default()).unwrap();
    let undisturbed = before.solve(&members(&specs), Rows::At(&[0.5, 1.0]));
    specs[3].theta = vec![4.0];
    specs[5].y0 = vec![f64::NAN];
    specs[8].y0 = vec![1.0, 2.0];
    specs[13].theta = vec![];
    specs[21].span = (0.0, f64::INFINITY);
    specs[22].span = (0.0, 0.25);
    specs[34].theta = vec![f64::NAN];
    let solution = before.solve(&members(&specs), Rows::At(&[0.5, 1.0]));
    let failed: Vec<usize> = solution.failures().map(|(i, _)| i).collect();
    assert_eq!(failed, [3, 5, 8, 13, 21, 22, 34]);
    for (i, spec) in specs.iter().enumerate() {
        let alone = match i {
            8 | 13 => None, // no solve alone could even be asked for
            _ => Some(alone(&BlowUp, &DOP853, &Options::default(), spec, Save::At(&[0.5, 1.0]))),
        };
        if let Some(Err(error)) = alone.map(|alone| alone.ending) {
            assert_eq!(solution.outcomes[i].ending, Err(error));
        } else if !failed.contains(&i) {
            assert_eq!(bits(solution.member(i)), bits(undisturbed.member(i)));
        }
    }
    assert!(matches!(solution.outcomes[3].ending, Err(SolveError::StepTooSmall { t, .. }) if (t - 0.25).abs() < 1e-6));
    assert!(solution.member(3).iter().all(|y| y.is_nan()), "rows that were not reached");
    assert!(matches!(solution.outcomes[13].ending, Err(SolveError::Dimension { what: "theta", .. })));
}

#[test]
fn too_many_steps_are_too_many_for_one() {
    let spec = |t1: f64| Spec { span: (0.0, t1), y0: vec![1.0, 0.0, 0.0], theta: vec![28.0, 0.0] };
    let specs: Vec<Spec> = (1..30).map(|i| spec(f64::from(i))).collect();
    let options = Options { max_steps: 200, ..Options::tolerances(1e-6, 1e-6) };
    let solution = Ensemble::explicit(&Lorenz, &TSIT5, &options).unwrap().solve(&members(&specs), Rows::End);
    for (i, spec) in specs.iter().enumerate() {
        let alone = alone(&Lorenz, &TSIT5, &options, spec, Save::End);
        assert_eq!(solution.outcomes[i].ending, alone.ending);
        assert_eq!(solution.outcomes[i].stats, alone.stats);
    }
    assert!(solution.failures().count() > 5 && solution.failures().count() < 28);
}

/// A member that stability holds is told so, as it is alone: the same diagnosis after the same steps, with the rows before it.
#[test]
fn stiffness_is_diagnosed_in_each_member() {
    let spec = |k: f64| Spec { span: (0.0, 100.0), y0: vec![0.5], theta: vec![k] };
    let rates: Vec<f64> = (0..20).map(|i| 10.0_f64.powf(0.4 * f64::from(i))).collect();
    let specs: Vec<Spec> = rates.iter().map(|&k| spec(k)).collect();
    // Some are told at the first look, some at the last step allowed.
    let options = Options { discontinuities: vec![0.25], max_steps: 10_000, ..Options::tolerances(1e-6, 1e-6) };
    for tableau in [&TSIT5, &VERNER_7] {
        let solution =
            Ensemble::explicit(&Chase, tableau, &options).unwrap().solve(&members(&specs), Rows::At(&[1e-9]));
        for (i, spec) in specs.iter().enumerate() {
            let alone = alone(&Chase, tableau, &options, spec, Save::At(&[1e-9]));
            assert_eq!(solution.outcomes[i].ending, alone.ending, "{}, k = {}", tableau.name, rates[i]);
            assert_eq!(solution.outcomes[i].stats, alone.stats, "{}, k = {}", tableau.name, rates[i]);
            assert_eq!(bits(solution.member(i)), bits(&alone.y[..1]));
        }
        for (i, error) in solution.failures() {
            let &SolveError::Stiff { rate, .. } = error else { panic!("k = {}: {error}", rates[i]) };
            assert!((rate / rates[i] - 1.0).abs() < 0.05, "k = {}: {error}", rates[i]);
        }
        let failed: Vec<u64> = solution.failures().map(|(i, _)| solution.outcomes[i].stats.steps).collect();
        assert!(failed.iter().any(|&steps| steps < 5000) && failed.iter().any(|&steps| steps > 9000), "{failed:?}");
        assert!((4..=18).contains(&failed.len()), "{}: {failed:?}", tableau.name);
    }
}

#[test]
fn events_and_implicit_methods_are_those_of_solves_alone() {
    let specs: Vec<Spec> = (0..30)
        .map(|i| Spec { span: (0.0, 20.0), y0: vec![2.0, 0.1 * f64::from(i)], theta: vec![1.0 + 0.05 * f64::from(i)] })
        .collect();
    let field = |theta: &[f64]| Lifted::new(VanDerPol, theta.to_vec());
    let crossing = || Event::rising(|_, _, y: &[f64]| y[0]).stop_after(2);
    for method in [Method::Auto, Method::Explicit(&TSIT5), Method::Rosenbrock(&RODAS4), Method::Radau5] {
        let options = Options::tolerances(1e-5, 1e-7);
        let ensemble = Ensemble::new(&VanDerPol, field, method, &options).unwrap();
        let plain = ensemble.solve(&members(&specs), Rows::End);
        let ensemble = ensemble.with_events(|_| vec![crossing()]);
        let solution = ensemble.solve(&members(&specs), Rows::At(&[1.0, 20.0]));
        for (i, spec) in specs.iter().enumerate() {
            let mut integrator = Integrator::new(method, 2, &options).unwrap();
            let end = integrator.solve(&field(&spec.theta), spec.span, &spec.y0, Save::End).unwrap();
            assert_eq!(bits(plain.member(i)), bits(end.last()), "{}", method.name());
            let (mut field, mut events) = (field(&spec.theta), [crossing()]);
            let save = Save::At(&[1.0, 20.0]);
            let alone = integrator.solve_with_events(&mut field, spec.span, &spec.y0, save, &mut events).unwrap();
            let outcome = &solution.outcomes[i];
            assert_eq!((&outcome.ending, &outcome.events), (&Ok(alone.ending), &alone.events), "{}", method.name());
            assert_eq!(outcome.t, *alone.t.last().unwrap());
            assert_eq!(bits(solution.state(i, 0)), bits(alone.state(0)));
            assert!(solution.state(i, 1).iter().all(|y| y.is_nan()), "the second crossing comes before 20");
        }
    }
}

/// Twice the steps take as many allocations, and so do twice the members: those of a batch.
#[test]
fn steps_allocate_nothing() {
    let specs = |t1: f64| -> Vec<Spec> {
        let spec = |i| Spec { span: (0.0, t1), y0: vec![1.0, 0.0, 0.0], theta: vec![f64::from(i), 0.0] };
        (0..40).map(spec).collect()
    };
    let times: Vec<f64> = (1..=20).map(|i| 0.2 * f64::from(i)).collect();
    for tableau in ALL {
        let ensemble = Ensemble::explicit(&Lorenz, tableau, &options(tableau)).unwrap();
        let count = |specs: &[Spec]| {
            let members = members(specs);
            measure(|| drop(ensemble.solve(&members, Rows::At(&times)))).count_total
        };
        let (short, long) = (specs(4.0), specs(8.0));
        assert_eq!(count(&short), count(&long), "{}", tableau.name);
        assert_eq!(count(&short[..20]), count(&short), "{}", tableau.name);
    }
}

#[test]
fn nothing_and_no_time_are_solved_too() {
    let ensemble = Ensemble::explicit(&Lorenz, &TSIT5, &Options::default()).unwrap();
    assert_eq!(ensemble.solve(&[], Rows::End).outcomes.len(), 0);
    let still = Member { span: (1.0, 1.0), y0: &[1.0, 2.0, 3.0], theta: &[1.0, 1.0] };
    let solution = ensemble.solve(&[still; 20], Rows::End);
    assert_eq!(solution.state(19, 0), [1.0, 2.0, 3.0]);
    let solution = ensemble.solve(&[still; 20], Rows::At(&[]));
    assert_eq!((solution.rows, solution.failures().count()), (0, 0));
}

#[cfg(feature = "parallel")]
#[test]
fn threads_do_not_matter() {
    let specs: Vec<Spec> = (0..500)
        .map(|i| Spec { span: (0.0, 5.0), y0: vec![0.01 * f64::from(i), 0.0], theta: vec![0.002 * f64::from(i)] })
        .collect();
    let ensemble = Ensemble::explicit(&Pendulum, &DOP853, &Options::default()).unwrap();
    let one = ensemble.solve(&members(&specs), Rows::At(&[1.0, 5.0]));
    for threads in [1, 2, 7] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let many = pool.install(|| ensemble.solve_parallel(&members(&specs), Rows::At(&[1.0, 5.0]), &|_| true));
        assert_eq!((bits(&one.y), &one.outcomes), (bits(&many.y), &many.outcomes), "{threads} threads");
    }
    let stopped = ensemble.solve_parallel(&members(&specs), Rows::End, &|_| false);
    assert!(stopped.outcomes.iter().any(|outcome| outcome.ending == Ok(Ending::Stopped)));
}
