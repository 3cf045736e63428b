//! `--gradient EXPR` of `vecfield solve`.

use serde::Serialize;
use serde_json::{Map, Value};
use vecfield_adjoint::AdjointError;
use vecfield_io::{Adjoint, Derivatives, NoGradient, Objective, OutputDir, Problem, Run, Solver, System};

use super::{so_far, stopped_early};
use crate::failure::Failure;
use crate::layout::{number, table};

/// What is to be differentiated, and how.
pub(super) struct Wanted {
    objective: Objective,
    adjoint: Adjoint,
}

impl Wanted {
    /// From `--gradient` and `--adjoint`.
    pub(super) fn new(text: Option<&str>, adjoint: Option<&str>, problem: &Problem) -> Result<Option<Wanted>, Failure> {
        let Some(text) = text else { return Ok(None) };
        let objective = Objective::new(problem, text)
            .map_err(|reason| Failure::Argument(format!("--gradient {text:?}: {reason}")))?;
        let adjoint = adjoint.map_or(Ok(Adjoint::ALL[0]), named)?;
        Ok(Some(Wanted { objective, adjoint }))
    }

    /// Solves and differentiates; no derivatives where the run was cut short.
    pub(super) fn solve(
        &self,
        solver: &Solver,
        goes_on: &mut dyn FnMut(f64) -> bool,
        folder: Option<&OutputDir>,
    ) -> Result<(Run, Option<Derivatives>), Failure> {
        solver.differentiate(&self.objective, self.adjoint, goes_on).map_err(|failed| {
            let (system, NoGradient { error, run }) = (solver.system(), *failed);
            match error {
                AdjointError::Solve(error) => stopped_early(system, &error, &run, folder),
                error @ (AdjointError::NoPassBack
                | AdjointError::NoPushForward
                | AdjointError::NotBackwards
                | AdjointError::Massive
                | AdjointError::NoSecondDerivatives { .. }) => {
                    Failure::Argument(format!("--method {}: {error}", solver.method().name()))
                }
                error => Failure::Computation(reason(system, &error) + &so_far(system, &run, folder)),
            }
        })
    }
}

fn named(name: &str) -> Result<Adjoint, Failure> {
    let known = || Adjoint::ALL.into_iter().map(Adjoint::name);
    Adjoint::ALL.into_iter().find(|adjoint| adjoint.name() == name).ok_or_else(|| {
        let hint = vecfield_expr::nearest_name(name, known()).map(|nearest| format!("; did you mean {nearest:?}?"));
        let known: Vec<_> = known().collect();
        let hint = hint.unwrap_or_default();
        Failure::Argument(format!("--adjoint {name:?} is not known{hint} It is one of {}", known.join(", ")))
    })
}

/// The error, with components, parameters and events called by their names.
fn reason(system: &System, error: &AdjointError) -> String {
    let name = match *error {
        AdjointError::NotFinite { parameter: true, index, .. } => ("parameter", index, system.parameters().get(index)),
        AdjointError::NotFinite { parameter: false, index, .. } => ("component", index, system.components().get(index)),
        AdjointError::Grazing { event, .. } => ("event", event, system.events().get(event).map(|event| &event.name)),
        _ => return error.to_string(),
    };
    let (kind, index, Some(name)) = name else { return error.to_string() };
    error.to_string().replacen(&format!("{kind} {index}"), name, 1)
}

/// The gradient, as the JSON says it.
#[derive(Debug, Serialize)]
pub(super) struct Gradient {
    value: f64,
    initial: Map<String, Value>,
    parameters: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<f64>,
}

impl Gradient {
    pub(super) fn new(system: &System, derivatives: Derivatives) -> Result<Gradient, Failure> {
        let Derivatives { value, initial, parameters, error } = derivatives;
        if !value.is_finite() {
            let what = format!("--gradient: the formula is {value} at the end; change it where it leaves its domain");
            return Err(Failure::Computation(what));
        }
        let named = |names: &[String], values: Vec<f64>| -> Result<Map<String, Value>, Failure> {
            let entry = |(name, value): (&String, f64)| match value.is_finite() {
                true => Ok((name.clone(), value.into())),
                false => Err(Failure::Computation(format!(
                    "--gradient: the derivative by {name} is {value}; the formula, or that of an initial value, has no slope there"
                ))),
            };
            names.iter().zip(values).map(entry).collect()
        };
        Ok(Gradient {
            value,
            initial: named(system.variables(), initial)?,
            parameters: named(system.parameters(), parameters)?,
            error,
        })
    }

    pub(super) fn for_people(&self) -> String {
        let cells = |prefix: &str, (name, value): (&String, &Value)| {
            vec![format!("{prefix}{name}"), number(value.as_f64().unwrap_or(f64::NAN))]
        };
        let initial = self.initial.iter().map(|entry| cells("initial.", entry));
        let rows: Vec<_> = initial.chain(self.parameters.iter().map(|entry| cells("", entry))).collect();
        let error = self.error.map(|error| format!(" (derivatives to about {})", number(error))).unwrap_or_default();
        format!("value {}{error}\n\n{}", number(self.value), table(&["by", "derivative"], &rows, &[0]))
    }
}
