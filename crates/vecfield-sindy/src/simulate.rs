//! Equations run forward in time, by themselves or driven by the inputs of a run.

use crate::path::{evaluate, input_at};
use crate::{Model, SindyError};
use vecfield_data::Trajectory;
use vecfield_expr::Registers;
use vecfield_solvers::{Options, Save, solve_explicit, tableau::DOP853};
use vecfield_traits::{ParametricField, VectorField};

impl Model {
    /// The states at increasing `times`, `[times, variables]`, from `y0` at `times[0]`.
    ///
    /// # Errors
    ///
    /// [`SindyError::NeedsInputs`]; [`SindyError::Solve`] when the equations cannot be integrated that far.
    pub fn simulate(&self, y0: &[f64], times: &[f64]) -> Result<Vec<f64>, SindyError> {
        if self.library.arguments().len() > y0.len() + 1 {
            return Err(SindyError::NeedsInputs);
        }
        self.states(None, y0, times)
    }

    /// The same with the inputs of a run: cubics between its samples, constant before and behind them.
    ///
    /// # Errors
    ///
    /// [`SindyError::Solve`] when the equations cannot be integrated that far.
    pub fn simulate_along(&self, run: &Trajectory, y0: &[f64], times: &[f64]) -> Result<Vec<f64>, SindyError> {
        self.states(Some(run).filter(|run| run.input_count() > 0), y0, times)
    }

    fn states(&self, run: Option<&Trajectory>, y0: &[f64], times: &[f64]) -> Result<Vec<f64>, SindyError> {
        let (Some(&first), Some(&last)) = (times.first(), times.last()) else { return Ok(Vec::new()) };
        if first == last {
            return Ok(y0.to_vec());
        }
        if let Some(step) = self.step {
            return self.iterate(run, step, y0, times);
        }
        let size = y0.iter().fold(1e-30_f64, |most, y| most.max(y.abs()));
        let options = Options::tolerances(1e-9, 1e-12 * size);
        let (span, save) = ((first, last), Save::At(times));
        let solution = match run {
            None => solve_explicit(&self.field()?.at(Vec::new()), span, y0, &DOP853, &options, save),
            Some(_) => solve_explicit(&Along { model: self, run }, span, y0, &DOP853, &options, save),
        };
        Ok(solution.map_err(|stopped| SindyError::Solve(stopped.error))?.y)
    }

    /// A map from `y0`; a time between two values has the earlier one.
    fn iterate(&self, run: Option<&Trajectory>, step: f64, y0: &[f64], times: &[f64]) -> Result<Vec<f64>, SindyError> {
        let mut driven = self.driven(run);
        let (mut state, mut done, mut states) = (y0.to_vec(), 0.0, Vec::with_capacity(times.len() * y0.len()));
        for &t in times {
            let wanted = ((t - times[0]) / step + 1e-6).floor();
            while done < wanted {
                let now = times[0] + done * step;
                driven.set(now, &state);
                evaluate(&self.library, &driven.arguments, &mut driven.values, &mut driven.registers, now)?;
                state.iter_mut().enumerate().for_each(|(i, y)| *y = self.rate(i, &driven.values));
                done += 1.0;
            }
            states.extend_from_slice(&state);
        }
        Ok(states)
    }

    /// Memory for the library along a run.
    pub(crate) fn driven<'r>(&self, run: Option<&'r Trajectory>) -> Driven<'r> {
        let (arguments, values) = (vec![0.0; self.library.arguments().len()], vec![0.0; self.library.len()]);
        Driven { run, arguments, values, registers: self.library.registers() }
    }
}

/// A library's arguments and values along a run.
pub(crate) struct Driven<'r> {
    /// Where inputs come from; none where there are none.
    run: Option<&'r Trajectory>,
    pub(crate) arguments: Vec<f64>,
    pub(crate) values: Vec<f64>,
    pub(crate) registers: Registers<f64>,
}

impl Driven<'_> {
    /// State, inputs and time as the library has them.
    pub(crate) fn set(&mut self, t: f64, state: &[f64]) {
        let (d, inputs) = (state.len(), self.run.map_or(0, Trajectory::input_count));
        self.arguments[..d].copy_from_slice(state);
        if let Some(run) = self.run {
            input_at(run, t, &mut self.arguments[d..d + inputs]);
        }
        if let Some(time) = self.arguments.get_mut(d + inputs) {
            *time = t;
        }
    }
}

/// The equations with the inputs of a run.
struct Along<'a> {
    model: &'a Model,
    run: Option<&'a Trajectory>,
}

impl<'a> VectorField<f64> for Along<'a> {
    type Workspace = Driven<'a>;

    fn workspace(&self) -> Driven<'a> {
        self.model.driven(self.run)
    }

    fn dim(&self) -> usize {
        self.model.variables().len()
    }

    fn eval(&self, t: f64, y: &[f64], dy: &mut [f64], driven: &mut Driven<'a>) {
        driven.set(t, y);
        self.model.library.eval(&driven.arguments, &mut driven.values, &mut driven.registers);
        dy.iter_mut().enumerate().for_each(|(i, rate)| *rate = self.model.rate(i, &driven.values));
    }
}
