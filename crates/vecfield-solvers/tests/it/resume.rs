//! A solve put aside between two steps goes on with the same bits, in a stepper that knows nothing else of it.

use proptest::prelude::*;
use vecfield_autodiff::{ByDifferences, Lifted};
use vecfield_solvers::stepper::{Evaluator, Stepper};
use vecfield_solvers::{
    AnyStepper, Checkpoint, Clock, Dynamics, Ending, Event, Flow, Integrator, Kind, Method, Observer, Options, Save,
    Segment, Solution, SolveError, separable,
};
use vecfield_traits::{Elementary, Jacobian, VectorField};

use crate::methods;

/// Van der Pol's oscillator: stiff and not, in turn.
struct Oscillator;

impl Dynamics for Oscillator {
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

/// The states of a solve, taking a fresh stepper after every `every` steps.
fn states(method: Method, options: &Options<f64>, every: usize) -> Result<Vec<f64>, SolveError> {
    let mut field = Lifted::new(Oscillator, vec![100.0]);
    let mut work = field.workspace();
    let mut field = Evaluator::new(&mut field, &mut work);
    let mut stepper = AnyStepper::new(method, 2, options)?;
    stepper.start(&mut field, 0.0, &[2.0, 0.0])?;
    let mut clock = Clock::new(&mut stepper, &mut field, (0.0, 1.0), options);
    let (mut states, mut saved) = (Vec::new(), Vec::new());
    for step in 1.. {
        if clock.done() {
            break;
        }
        let leg = clock.advance(&mut stepper, &mut field, options.max_steps)?;
        Stepper::<Lifted<Oscillator>>::commit(&mut stepper);
        clock.accept(&leg);
        states.extend_from_slice(Stepper::<Lifted<Oscillator>>::y(&stepper));
        if step % every == 0 {
            saved.clear();
            assert!(Stepper::<Lifted<Oscillator>>::save(&stepper, &mut saved), "{} cannot save", method.name());
            stepper = AnyStepper::new(method, 2, options)?;
            stepper.restore(&mut field, &saved);
        }
    }
    Ok(states)
}

#[test]
fn a_solve_put_aside_goes_on_with_the_same_bits() -> Result<(), SolveError> {
    for method in methods() {
        for step in [None, Some(1e-3)] {
            if step.is_none() && method.fixed_step() {
                continue;
            }
            let options = Options { step, ..Options::tolerances(1e-5, 1e-8) };
            let (often, never) = (states(method, &options, 7)?, states(method, &options, usize::MAX)?);
            assert!(often == never, "{} with steps {step:?}", method.name());
        }
    }
    Ok(())
}

/// Stops a solve after so many steps.
struct After(u64);

impl Observer<f64> for After {
    fn step(&mut self, _segment: &mut dyn Segment<f64>) -> Flow {
        self.0 = self.0.saturating_sub(1);
        if self.0 == 0 { Flow::Stop } else { Flow::Continue }
    }
}

/// Kicks the momentum where the position falls through a half, and ends the solve at the fourth such kick.
fn kicks<'a, F>() -> [Event<'a, f64, F>; 2] {
    let kick = Event::falling(|_: &F, _, y: &[f64]| y[0] - 0.5).jump(|_, _, y| y[1] *= 0.9);
    [kick, Event::rising(|_: &F, t, _: &[f64]| (2.0 * t).sin()).stop_after(6)]
}

/// A solve in one go, and one stopped after every `every` steps, each part by an integrator of its own from what was written.
fn whole_and_in_parts<F: Jacobian<f64>>(
    field: &mut F,
    method: Method,
    options: &Options<f64>,
    save: Save<'_, f64>,
    every: u64,
) -> (Solution<f64>, Solution<f64>) {
    let fresh = || Integrator::new(method, 2, options).unwrap();
    let (span, y0) = ((0.0, 20.0), [1.0, 0.0]);
    let whole = fresh().run(field, span, &y0, save, &mut kicks(), &mut ()).unwrap();
    let mut part = fresh().run(field, span, &y0, save, &mut kicks(), &mut After(every)).unwrap();
    let mut joined = part.clone();
    while let Some(checkpoint) = part.checkpoint {
        if !matches!(save, Save::Steps) && joined.t.last() == Some(&checkpoint.t()) {
            // The place where it stopped is kept as well, but was not asked for.
            let asked = matches!(save, Save::At(times) if times.contains(&checkpoint.t()));
            if !asked {
                joined.t.pop();
                joined.y.truncate(2 * joined.t.len());
            }
        }
        let read = Checkpoint::from_words(&checkpoint.to_words()).unwrap();
        assert_eq!(read.to_words(), checkpoint.to_words());
        part = fresh().resume(field, &read, save, &mut kicks(), &mut After(every)).unwrap();
        joined.t.extend_from_slice(&part.t);
        joined.y.extend_from_slice(&part.y);
        joined.events.extend_from_slice(&part.events);
        (joined.stats, joined.ending) = (part.stats, part.ending);
    }
    joined.checkpoint = None;
    (whole, joined)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// However often a solve is put aside, through jumps and with save times, it comes to the same end by the same way.
    #[test]
    fn parts_make_the_whole(every in 1..40_u64, mut times in prop::collection::vec(0.0..20.0_f64, 0..20)) {
        times.sort_by(f64::total_cmp);
        for method in Method::all() {
            let options = match method.fixed_step() {
                true => Options::fixed(0.05),
                false => Options { discontinuities: vec![4.0], ..Options::tolerances(1e-4, 1e-6) },
            };
            for save in [Save::At(&times), Save::Steps] {
                let (whole, joined) = if method.kind() == Kind::Symplectic {
                    let halves = separable(1, |_t, p: &[f64], dq: &mut [f64]| dq[0] = p[0], |_t, q: &[f64], dp: &mut [f64]| dp[0] = -q[0].sin());
                    whole_and_in_parts(&mut ByDifferences::new(halves), method, &options, save, every)
                } else {
                    whole_and_in_parts(&mut Lifted::new(Oscillator, vec![0.3]), method, &options, save, every)
                };
                prop_assert_eq!(whole, joined, "{}", method.name());
            }
        }
    }
}

#[test]
fn what_is_no_checkpoint_of_the_solve_is_refused() {
    let mut field = Lifted::new(Oscillator, vec![1.0]);
    let mut integrator = Integrator::new(Method::Auto, 2, &Options::default()).unwrap();
    let part = integrator.run(&mut field, (0.0, 9.0), &[1.0, 0.0], Save::End, &mut [], &mut After(3)).unwrap();
    assert_eq!(part.ending, Ending::Stopped);
    let checkpoint = part.checkpoint.unwrap();
    let words = checkpoint.to_words();
    for length in 0..words.len() {
        let read = Checkpoint::<f64>::from_words(&words[..length]);
        assert!(matches!(read, Err(SolveError::BadCheckpoint { .. })), "{length} words");
    }
    let other = words.iter().map(|word| word ^ 1).collect::<Vec<_>>();
    assert!(Checkpoint::<f64>::from_words(&other).unwrap_err().to_string().contains("another version"));
    let stopped = integrator.resume(&mut field, &checkpoint, Save::End, &mut kicks(), &mut ()).unwrap_err();
    assert!(stopped.to_string().contains("other events"), "{stopped}");
}
