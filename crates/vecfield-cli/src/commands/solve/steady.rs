//! `--steady`: where does the solution come to rest, and does it stay there?

use std::time::Instant;

use serde::Serialize;
use vecfield_io::{Problem, Solver};

use super::Statistics;
use crate::context::Context;
use crate::failure::Failure;
use crate::layout::{duration, number, table};

/// Eigenvalues that are printed: those that decide, and what comes next.
const SHOWN: usize = 10;

/// The result, as its JSON says it.
#[derive(Debug, Serialize)]
struct Rest<'a> {
    variables: &'a [String],
    t: [f64; 1],
    y: [&'a [f64]; 1],
    steady: Steady,
    stats: Statistics,
}

#[derive(Debug, Serialize)]
struct Steady {
    stability: &'static str,
    residual: f64,
    /// Real and imaginary parts, the largest real part first.
    eigenvalues: Vec<[f64; 2]>,
    iterations: u64,
}

/// Finds and prints the steady state.
pub(super) fn run(problem: &Problem, solver: &Solver, context: &Context) -> Result<(), Failure> {
    if !problem.discrete().is_empty() {
        let what =
            "--steady: [discrete] values wait for events, which a state at rest never meets; make them [parameters]";
        return Err(Failure::Argument(what.into()));
    }
    let system = solver.system();
    let clock = Instant::now();
    let found = solver.steady().map_err(|failed| {
        let state = system.variables().iter().zip(&failed.y).map(|(name, v)| format!("{name} = {}", number(*v)));
        let last = state.take(super::COLUMNS).collect::<Vec<_>>().join(", ");
        Failure::Computation(format!("{}\nthe last state is {last}", failed.error.named(system.components())))
    })?;
    let seconds = clock.elapsed().as_secs_f64();
    if let Some(i) = found.y.iter().position(|v| !v.is_finite()) {
        let what = format!("{} is not finite at rest; please report this problem file", system.variables()[i]);
        return Err(Failure::Computation(what));
    }
    let result = Rest {
        variables: system.variables(),
        t: [solver.span().0],
        y: [&found.y],
        steady: Steady {
            stability: found.stability.name(),
            residual: found.residual,
            eigenvalues: found.eigenvalues.iter().take(SHOWN).map(|z| [z.re, z.im]).collect(),
            iterations: found.iterations,
        },
        stats: Statistics::new(&found.stats, seconds),
    };
    context.result(&result, |result| result.for_people(problem.title()))
}

impl Rest<'_> {
    fn for_people(&self, title: Option<&str>) -> String {
        let title = title.map(|title| format!("{title}\n")).unwrap_or_default();
        let Steady { stability, residual, eigenvalues, iterations } = &self.steady;
        let (steps, seconds) = (self.stats.steps, duration(self.stats.seconds));
        let work = format!("steady state, {stability}: {steps} steps, {iterations} Newton steps, {seconds}");
        let rows: Vec<_> =
            self.variables.iter().zip(self.y[0]).map(|(name, v)| vec![name.clone(), number(*v)]).collect();
        let mut text = format!("{title}{work}\n\n{}", table(&["variable", "value"], &rows, &[0]));
        text += &format!("\nlargest rate left: {}\n", number(*residual));
        if !eigenvalues.is_empty() {
            let rows: Vec<_> = eigenvalues.iter().map(|[re, im]| vec![number(*re), number(*im)]).collect();
            text += &format!("\nsmall deviations, as exp(λ t):\n{}", table(&["re λ", "im λ"], &rows, &[]));
        }
        text
    }
}
