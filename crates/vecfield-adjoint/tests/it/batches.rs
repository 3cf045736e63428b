//! Gradients through batches: those of every member alone, added.

use proptest::prelude::*;
use vecfield_adjoint::{AdjointError, BatchAdjoint, Budget, Cotangents, Discrete};
use vecfield_autodiff::Lifted;
use vecfield_laws::measure;
use vecfield_solvers::batch::BatchMember;
use vecfield_solvers::tableau::{ALL, TSIT5};
use vecfield_solvers::{Options, SolveError};
use vecfield_traits::{BatchField, BatchRows, BatchVjp, Dynamics, Elementary, VectorField, Vjp};

/// A driven pendulum with friction: sees the time, and is not linear.
struct Driven;

impl Dynamics for Driven {
    fn dim(&self) -> usize {
        2
    }
    fn parameter_count(&self) -> usize {
        3
    }
    fn eval<S: Elementary>(&self, t: S, y: &[S], theta: &[S], dy: &mut [S]) {
        dy[0] = y[1];
        dy[1] = theta[0] * t.sin() - theta[1] * y[0].sin() - theta[2] * y[1].tanh();
    }
}

type Alone = Lifted<Driven, f64>;

fn alone(theta: [f64; 3]) -> Alone {
    Lifted::new(Driven, theta.to_vec())
}

/// Rows one after the other; the way back reads the states from the tape.
struct Rows(Alone);

impl BatchField<f64> for Rows {
    type Workspace = <Alone as VectorField<f64>>::Workspace;
    fn workspace(&self, _rows: usize) -> Self::Workspace {
        VectorField::<f64>::workspace(&self.0)
    }
    fn width(&self) -> usize {
        2
    }
    fn eval(&self, rows: BatchRows<'_, f64>, dy: &mut [f64], work: &mut Self::Workspace) {
        for ((dy, y), &t) in dy.chunks_exact_mut(2).zip(rows.y.chunks_exact(2)).zip(rows.t) {
            self.0.eval(t, y, dy, work);
        }
    }
}

impl BatchVjp<f64> for Rows {
    fn parameters(&self) -> &[f64] {
        self.0.parameters()
    }
    fn tape_len(&self, rows: usize) -> usize {
        2 * rows
    }
    fn record(&self, rows: BatchRows<'_, f64>, dy: &mut [f64], tape: &mut [f64], work: &mut Self::Workspace) {
        tape.copy_from_slice(rows.y);
        self.eval(rows, dy, work);
    }
    fn pull_back(
        &self,
        rows: BatchRows<'_, f64>,
        tape: &mut [f64],
        dy_bar: &[f64],
        y_bar: &mut [f64],
        theta_bar: &mut [f64],
        work: &mut Self::Workspace,
    ) {
        y_bar.fill(0.0);
        for (row, &t) in rows.t.iter().enumerate() {
            let place = 2 * row..2 * row + 2;
            let (dy_bar, y_bar) = (&dy_bar[place.clone()], &mut y_bar[place.clone()]);
            self.0.vjp(t, &tape[place], dy_bar, y_bar, theta_bar, work);
        }
        tape.fill(f64::NAN);
    }
}

/// A member with the cotangents of its states.
#[derive(Debug, Clone)]
struct Case {
    y0: [f64; 2],
    span: (f64, f64),
    save: Vec<f64>,
    bars: Vec<f64>,
}

fn case() -> impl Strategy<Value = Case> {
    let saves = prop::collection::vec((0.0..=1.0_f64, -1.0..1.0_f64, -1.0..1.0_f64), 0..5);
    ([-1.0..1.0_f64, -1.0..1.0], -1.0..1.0_f64, -4.0..4.0_f64, saves, any::<bool>(), any::<bool>()).prop_map(
        |(y0, t0, length, mut saves, at_start, at_end)| {
            let t1: f64 = t0 + length;
            saves.extend(at_start.then_some((0.0, 0.3, -0.2)));
            saves.sort_by(|a, b| a.0.total_cmp(&b.0));
            let between =
                |part: f64| if length < 0.0 { (t0 + part * length).max(t1) } else { (t0 + part * length).min(t1) };
            let mut save: Vec<f64> = saves.iter().map(|save| between(save.0)).collect();
            let mut bars: Vec<f64> = saves.iter().flat_map(|save| [save.1, save.2]).collect();
            if at_end || save.is_empty() {
                bars.extend([0.7, -0.4]);
                save.extend(at_end.then_some(t1));
            }
            Case { y0, span: (t0, t1), save, bars }
        },
    )
}

const THETA: [f64; 3] = [0.8, 1.3, 0.2];

/// The gradient of a batch: by the initial states, and by the parameters.
fn together(cases: &[Case], adjoint: &mut BatchAdjoint<f64>) -> Result<(Vec<f64>, Vec<f64>), AdjointError> {
    let members: Vec<BatchMember<'_, f64>> =
        cases.iter().map(|case| BatchMember { span: case.span, y0: &case.y0, save: &case.save }).collect();
    let bars: Vec<f64> = cases.iter().flat_map(|case| case.bars.clone()).collect();
    let field = Rows(alone(THETA));
    adjoint.solve(&field, &members);
    let (mut initial, mut theta) = (vec![0.0; 2 * cases.len()], vec![0.0; 3]);
    adjoint.pull_back(&field, &bars, &mut initial, &mut theta)?;
    Ok((initial, theta))
}

/// The two add up in different orders, over hundreds of steps.
const ROUNDING: f64 = 1e-9;

fn near(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= ROUNDING * (1.0 + b.abs()))
}

proptest! {
    /// For every method, whatever is kept: states inside steps, at both ends, none; forth and back in time.
    #[test]
    fn a_batch_has_the_gradients_of_its_members(
        cases in prop::collection::vec(case(), 1..6),
        method in 0..ALL.len(),
        exponent in 2..7_i32,
    ) {
        let tableau = ALL[method];
        let tolerance = 10_f64.powi(-exponent);
        let options = if tableau.adaptive() { Options::tolerances(tolerance, tolerance) } else { Options::fixed(0.13) };
        let budget = Budget::everything();
        let (initial, theta) = together(&cases, &mut BatchAdjoint::new(tableau, 2, &options, budget)?)?;
        let mut expected = vec![0.0; 3];
        for (case, initial) in cases.iter().zip(initial.chunks(2)) {
            let mut discrete = Discrete::explicit(tableau, 2, &options, budget)?;
            discrete.solve(&mut alone(THETA), case.span, &case.y0, &case.save)?;
            let bars = if case.save.is_empty() { Cotangents::end(&case.bars) } else { Cotangents::saved(&case.bars) };
            let gradient = discrete.pull_back(&mut alone(THETA), &bars)?;
            prop_assert!(near(initial, &gradient.initial), "{}: {initial:?}, {:?}", tableau.name, gradient.initial);
            expected.iter_mut().zip(&gradient.parameters).for_each(|(sum, bar)| *sum += bar);
        }
        prop_assert!(near(&theta, &expected), "{}: {theta:?}, {expected:?}", tableau.name);
    }

    /// What is computed again has the bits of what is kept.
    #[test]
    fn no_budget_changes_a_bit(cases in prop::collection::vec(case(), 1..6), method in 0..ALL.len()) {
        let tableau = ALL[method];
        let options = if tableau.adaptive() { Options::tolerances(1e-6, 1e-6) } else { Options::fixed(0.13) };
        let of = |budget| -> Result<_, TestCaseError> {
            Ok(together(&cases, &mut BatchAdjoint::new(tableau, 2, &options, budget)?)?)
        };
        let kept = of(Budget::everything())?;
        prop_assert_eq!(&of(Budget::bytes(0))?, &kept);
        prop_assert_eq!(&of(Budget::bytes(4000))?, &kept);
        prop_assert_eq!(&of(Budget::slots(2))?, &kept);
    }
}

#[test]
fn a_second_gradient_allocates_little() -> Result<(), SolveError> {
    let case = Case { y0: [1.0, 0.0], span: (0.0, 20.0), save: vec![5.0, 20.0], bars: vec![1.0; 4] };
    let cases = [case.clone(), Case { span: (0.0, 2.0), save: vec![1.5, 2.0], ..case }];
    let mut adjoint = BatchAdjoint::new(&TSIT5, 2, &Options::tolerances(1e-8, 1e-8), Budget::everything())?;
    let first = measure(|| drop(together(&cases, &mut adjoint))).count_total;
    let again = measure(|| drop(together(&cases, &mut adjoint))).count_total;
    // What is left is the test's own, the field's memory, and not a matter of steps.
    assert!(again < 40 && again < first, "{first}, then {again}");
    Ok(())
}

#[test]
fn cotangents_that_do_not_fit_are_refused() -> Result<(), SolveError> {
    let field = Rows(alone(THETA));
    let mut adjoint = BatchAdjoint::new(&TSIT5, 2, &Options::default(), Budget::default())?;
    adjoint.solve(&field, &[BatchMember { span: (0.0, 1.0), y0: &[0.0, 1.0], save: &[] }]);
    let refused = adjoint.pull_back(&field, &[1.0; 4], &mut [0.0; 2], &mut [0.0; 3]);
    assert!(matches!(refused, Err(AdjointError::Dimension { found: 4, expected: 2, .. })), "{refused:?}");
    Ok(())
}
