//! Batches: a member's solution is its own, to the bit, and that of a solve on its own.

use proptest::prelude::*;
use vecfield_solvers::batch::{BatchMember, BatchSolver};
use vecfield_solvers::tableau::{ALL, DOP853, EULER, TSIT5, VERNER_7};
use vecfield_solvers::{Dynamics, ErrorNorm, Integrator, Options, Save, SolveError, Stats, Tolerance};
use vecfield_traits::{BatchField, BatchRows, Elementary, ParametricField};

/// Van der Pol's oscillator, driven: the time of every row counts.
struct Driven;

impl Dynamics for Driven {
    fn dim(&self) -> usize {
        2
    }
    fn parameter_count(&self) -> usize {
        1
    }
    fn eval<S: Elementary>(&self, t: S, y: &[S], mu: &[S], dy: &mut [S]) {
        dy[0] = y[1];
        dy[1] = mu[0] * (S::one() - y[0] * y[0]) * y[1] - y[0] + t.sin();
    }
}

/// Each member with a parameter of its own.
struct Members(Vec<f64>);

impl BatchField<f64> for Members {
    type Workspace = ();
    fn workspace(&self, _rows: usize) {}
    fn width(&self) -> usize {
        2
    }
    fn eval(&self, rows: BatchRows<'_, f64>, dy: &mut [f64], _work: &mut ()) {
        for (row, &member) in rows.member.iter().enumerate() {
            let place = 2 * row..2 * row + 2;
            Dynamics::eval(&Driven, rows.t[row], &rows.y[place.clone()], &self.0[member..=member], &mut dy[place]);
        }
    }
}

/// What a member asks for, and is solved by.
#[derive(Debug, Clone)]
struct Case {
    mu: f64,
    y0: [f64; 2],
    span: (f64, f64),
    save: Vec<f64>,
}

fn case() -> impl Strategy<Value = Case> {
    let save = prop::collection::vec(0.0..=1.0, 0..6);
    (0.0..4.0, [-2.0..2.0, -2.0..2.0], -1.0..1.0, -6.0..6.0, save, any::<bool>()).prop_map(
        |(mu, y0, t0, length, save, to_end): (f64, [f64; 2], f64, f64, Vec<f64>, bool)| {
            let mut save: Vec<f64> = save.iter().map(|part| t0 + part * length).collect();
            save.extend(to_end.then_some(t0 + length));
            save.sort_by(|a, b| if length < 0.0 { b.total_cmp(a) } else { a.total_cmp(b) });
            save.retain(|&t| if length < 0.0 { t >= t0 + length } else { t <= t0 + length });
            Case { mu, y0, span: (t0, t0 + length), save }
        },
    )
}

fn members(cases: &[Case]) -> Vec<BatchMember<'_, f64>> {
    cases.iter().map(|case| BatchMember { span: case.span, y0: &case.y0, save: &case.save }).collect()
}

fn options(tolerance: f64, fixed: bool) -> Options<f64> {
    if fixed { Options::fixed(0.07) } else { Options::tolerances(tolerance, tolerance) }
}

proptest! {
    /// States, work and all, for every method, forth and back in time, whatever is beside them.
    #[test]
    fn a_member_is_solved_as_if_alone(
        cases in prop::collection::vec(case(), 1..9),
        method in 0..ALL.len(),
        exponent in 3..9_i32,
        fixed in any::<bool>(),
    ) {
        let (tableau, fixed) = (ALL[method], fixed || !ALL[method].adaptive());
        let options = options(10_f64.powi(-exponent), fixed);
        let field = Members(cases.iter().map(|case| case.mu).collect());
        let mut batch = BatchSolver::new(tableau, 2, &options)?;
        batch.solve(&field, &members(&cases));
        let mut alone = Integrator::explicit(tableau, 2, &options)?;
        for (index, case) in cases.iter().enumerate() {
            let save = if case.save.is_empty() { Save::End } else { Save::At(&case.save) };
            let (ending, solution) = match alone.solve(&Driven.at(vec![case.mu]), case.span, &case.y0, save) {
                Ok(solution) => (Ok(()), solution),
                Err(interrupted) => (Err(interrupted.error), *interrupted.partial),
            };
            let outcome = &batch.outcomes()[index];
            prop_assert_eq!((&outcome.ending, outcome.stats), (&ending, solution.stats), "{}", tableau.name);
            if ending.is_ok() {
                prop_assert_eq!(batch.member(index), &solution.y[..], "{}", tableau.name);
            }
        }
    }
}

/// Also in another norm, with tolerances of each number's own, and in single precision.
#[test]
fn norms_and_tolerances_are_those_of_a_solve_alone() -> Result<(), SolveError> {
    let norm = ErrorNorm::Maximum;
    let options = Options { norm, atol: Tolerance::Each(vec![1e-3, 1e-8]), rtol: 1e-5, ..Options::default() };
    for tableau in [&TSIT5, &DOP853] {
        let mut batch = BatchSolver::new(tableau, 2, &options)?;
        let one = BatchMember { span: (0.0, 9.0), y0: &[1.0, 0.5], save: &[1.0, 2.5] };
        batch.solve(&Members(vec![3.0, 1.0]), &[one, one]);
        for (index, mu) in [3.0, 1.0].into_iter().enumerate() {
            let mut alone = Integrator::explicit(tableau, 2, &options)?;
            let solution = alone.solve(&Driven.at(vec![mu]), one.span, one.y0, Save::At(one.save))?;
            assert_eq!((batch.member(index), batch.outcomes()[index].stats), (&solution.y[..], solution.stats));
        }
    }
    Ok(())
}

/// `y' = y²` from 1 ends at t = 1, and from where the field is not finite nothing begins; the others do not notice.
#[test]
fn a_member_that_fails_leaves_the_others_alone() -> Result<(), SolveError> {
    struct Exploding;
    impl BatchField<f64> for Exploding {
        type Workspace = ();
        fn workspace(&self, _rows: usize) {}
        fn width(&self) -> usize {
            1
        }
        fn eval(&self, rows: BatchRows<'_, f64>, dy: &mut [f64], _work: &mut ()) {
            for (dy, &y) in dy.iter_mut().zip(rows.y) {
                *dy = if y < -1.0 { f64::NAN } else { y * y };
            }
        }
    }
    let of = |y0, save| BatchMember { span: (0.0, 2.0), y0, save };
    let mut batch = BatchSolver::new(&TSIT5, 1, &Options::tolerances(1e-8, 1e-8))?;
    batch.solve(
        &Exploding,
        &[of(&[1.0], &[0.5, 1.5]), of(&[0.25], &[2.0]), of(&[-2.0], &[]), of(&[0.0, 0.0], &[]), of(&[0.1], &[3.0])],
    );
    let endings: Vec<_> = batch.outcomes().iter().map(|outcome| &outcome.ending).collect();
    assert!(
        matches!(endings[0], Err(SolveError::StepTooSmall { .. } | SolveError::NotFinite { .. })),
        "{:?}",
        endings[0]
    );
    assert!((batch.outcomes()[0].t - 1.0).abs() < 1e-3);
    assert!((batch.member(0)[0] - 2.0).abs() < 1e-6 && batch.member(0)[1].is_nan());
    assert_eq!(endings[1], &Ok(()));
    assert!((batch.member(1)[0] - 0.5).abs() < 1e-7);
    assert_eq!(endings[2], &Err(SolveError::NotFinite { component: 0, t: 0.0, step: 0.0, stage: None }));
    assert_eq!(endings[3], &Err(SolveError::Dimension { what: "y0", found: 2, expected: 1 }));
    assert!(matches!(endings[4], Err(SolveError::BadTime { .. })), "{:?}", endings[4]);
    Ok(())
}

#[test]
fn options_that_cannot_be_used_are_refused() {
    let refused = |tableau, options: &Options<f64>| BatchSolver::new(tableau, 1, options).err();
    assert_eq!(refused(&EULER, &Options::default()), Some(SolveError::StepRequired { method: "euler" }));
    let jumps = Options { discontinuities: vec![1.0], ..Options::default() };
    assert!(matches!(refused(&TSIT5, &jumps), Some(SolveError::BadOption { option: "discontinuities", .. })));
}

/// 256 oscillators from easy to hard take a third of the evaluations that steps in common would, the worst at every time.
#[test]
fn easy_members_do_not_take_the_steps_of_hard_ones() -> Result<(), SolveError> {
    let mu: Vec<f64> = (0..256).map(|i| 100_f64.powf(f64::from(i) / 255.0)).collect();
    let options = Options::tolerances(1e-4, 1e-6);
    let one = BatchMember { span: (0.0, 10.0), y0: &[2.0, 0.0], save: &[] };
    let mut batch = BatchSolver::new(&TSIT5, 2, &options)?;
    batch.solve(&Members(mu.clone()), &vec![one; 256]);
    let evaluations: u64 = batch.outcomes().iter().map(|outcome| outcome.stats.rhs_evals).sum();

    /// All as one system.
    struct Joint(Vec<f64>);
    impl Dynamics for Joint {
        fn dim(&self) -> usize {
            512
        }
        fn eval<S: Elementary>(&self, t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
            for (i, &mu) in self.0.iter().enumerate() {
                let place = 2 * i..2 * i + 2;
                Dynamics::eval(&Driven, t, &y[place.clone()], &[S::constant(mu)], &mut dy[place]);
            }
        }
    }
    let options = Options { norm: ErrorNorm::Maximum, ..options };
    let starts: Vec<f64> = [2.0, 0.0].repeat(256);
    let joint =
        Integrator::explicit(&TSIT5, 512, &options)?.solve(&Joint(mu).at(vec![]), (0.0, 10.0), &starts, Save::End)?;
    assert!(3 * evaluations < 256 * joint.stats.rhs_evals, "{evaluations}, {}", 256 * joint.stats.rhs_evals);
    Ok(())
}

#[test]
fn a_batch_solved_again_allocates_nothing_but_its_outcomes() -> Result<(), SolveError> {
    for tableau in [&TSIT5, &VERNER_7] {
        let (short, long) = ([0.5, 1.0], [1.0, 2.0, 9.5, 20.0]);
        let members = [
            BatchMember { span: (0.0, 1.0), y0: &[1.0, 0.0], save: &short },
            BatchMember { span: (0.0, 20.0), y0: &[0.0, 2.0], save: &long },
        ];
        let field = Members(vec![1.0, 2.0]);
        let mut batch = BatchSolver::new(tableau, 2, &Options::tolerances(1e-7, 1e-7))?;
        batch.solve(&field, &members);
        let counted = vecfield_laws::allocates_nothing(|| batch.solve(&field, &members));
        assert_eq!(counted, Ok(()), "{}", tableau.name);
        assert_ne!(batch.outcomes()[1].stats, Stats::default());
    }
    Ok(())
}
