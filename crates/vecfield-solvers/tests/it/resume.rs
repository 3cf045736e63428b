//! A solve put aside between two steps goes on with the same bits, in a stepper that knows nothing else of it.

use vecfield_autodiff::Lifted;
use vecfield_solvers::stepper::{Evaluator, Stepper};
use vecfield_solvers::{AnyStepper, Clock, Dynamics, Method, Options, SolveError};
use vecfield_traits::{Elementary, VectorField};

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
fn states(method: Method, options: &Options<f64>, every: usize) -> Result<Option<Vec<f64>>, SolveError> {
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
            if !Stepper::<Lifted<Oscillator>>::save(&stepper, &mut saved) {
                return Ok(None);
            }
            stepper = AnyStepper::new(method, 2, options)?;
            stepper.restore(&mut field, &saved);
        }
    }
    Ok(Some(states))
}

#[test]
fn a_solve_put_aside_goes_on_with_the_same_bits() -> Result<(), SolveError> {
    for method in methods() {
        for step in [None, Some(1e-3)] {
            if step.is_none() && method.fixed_step() {
                continue;
            }
            let options = Options { step, ..Options::tolerances(1e-5, 1e-8) };
            let Some(often) = states(method, &options, 7)? else { continue };
            let never = states(method, &options, usize::MAX)?;
            assert!(Some(often) == never, "{} with steps {step:?}", method.name());
        }
    }
    Ok(())
}
