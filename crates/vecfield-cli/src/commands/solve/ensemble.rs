//! `vecfield solve` of a problem with `[ensemble]`: many trajectories, and what they have in common.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde::Serialize;
use vecfield_io::{EnsembleRun, EnsembleSolver, Moments, OutputDir, Problem, number_text, write_table};
use vecfield_solvers::Ending;

use super::{COLUMNS, Occurrence, Statistics, keep};
use crate::context::Context;
use crate::failure::Failure;
use crate::layout::{duration, number, table};
use crate::watch::Watch;

/// Files of an ensemble.
pub(super) const FILES: [&str; 3] = ["trajectories.csv", "members.csv", PARTIAL];
const PARTIAL: &str = "trajectories.partial.csv";

/// Failures that are told one by one.
const TOLD: usize = 10;

pub(super) fn run(
    problem: &Problem,
    solver: &EnsembleSolver,
    folder: Option<&OutputDir>,
    plot: bool,
    context: &Context,
    watch: &Watch,
) -> Result<(), Failure> {
    let (ended, all) = (AtomicUsize::new(0), solver.population().len());
    let goes_on = |more: usize| {
        let ended = ended.fetch_add(more, Ordering::Relaxed) + more;
        watch.goes_on("solving", ended as f64 / all.max(1) as f64)
    };
    let clock = Instant::now();
    let run = context.on_threads(|| solver.solve(&goes_on))?;
    let seconds = clock.elapsed().as_secs_f64();
    if watch.cut() {
        let done = run.endings().iter().filter(|ending| **ending == Ok(Ending::Reached)).count();
        let text = format!("interrupted; {done} of {all} trajectories came to their end");
        return Err(Failure::Computation(text + &partial(solver, &run, folder)));
    }
    let failures = failures(solver, &run);
    if failures.len() == all {
        let first = failures.first().map(|failure| failure.reason.clone()).unwrap_or_default();
        let text = format!("all {all} trajectories failed; the first: {first}");
        return Err(Failure::Computation(text + &partial(solver, &run, folder)));
    }
    if let Some(first) = failures.first() {
        let told = format!("{} of {all} trajectories stopped early; number {}", failures.len(), first.trajectory);
        context.remark(&format!("warning: {told} ({}): {}", values_of(solver, first.trajectory), first.reason));
    }
    let moments = run.moments();
    let result = Answer::new(solver, &run, &moments, failures, seconds);
    if let Some(folder) = folder {
        folder.write("trajectories.csv", |to| write_rows(to, solver, &run))?;
        folder.write("members.csv", |to| write_members(to, solver, &run))?;
        let svg = || plot.then(|| super::picture::ensemble(problem, solver.system(), &run, &moments)).transpose();
        keep(folder, &["trajectories.csv", "members.csv"], &result, svg, context)?;
    }
    context.result(&result, |result| result.for_people(problem.title()))
}

/// The result, as its JSON says it. `y` is the mean.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    variables: &'a [String],
    t: &'a [f64],
    y: Vec<&'a [f64]>,
    method: &'a str,
    stats: Statistics,
    events: Vec<Happened<'a>>,
    moments: MomentsAnswer<'a>,
    ensemble: EnsembleAnswer<'a>,
}

#[derive(Debug, Serialize)]
struct Happened<'a> {
    trajectory: usize,
    #[serde(flatten)]
    occurrence: Occurrence<'a>,
}

#[derive(Debug, Serialize)]
struct MomentsAnswer<'a> {
    paths: usize,
    counts: &'a [usize],
    mean: Vec<&'a [f64]>,
    variance: Vec<&'a [f64]>,
    quantiles: BTreeMap<String, Vec<&'a [f64]>>,
}

#[derive(Debug, Serialize)]
struct EnsembleAnswer<'a> {
    members: usize,
    /// Of each value that differs, what it is in each trajectory.
    parameters: BTreeMap<&'a str, Vec<f64>>,
    failed: usize,
    failures: Vec<Stopped>,
}

/// A trajectory that stopped early.
#[derive(Debug, Clone, Serialize)]
struct Stopped {
    trajectory: usize,
    t: Option<f64>,
    reason: String,
}

impl<'a> Answer<'a> {
    fn new(
        solver: &'a EnsembleSolver,
        run: &'a EnsembleRun,
        moments: &'a Moments,
        mut failures: Vec<Stopped>,
        seconds: f64,
    ) -> Self {
        let (system, population) = (solver.system(), solver.population());
        let variables = system.variables();
        let rows = |values: &'a [f64]| values.chunks_exact(variables.len()).collect::<Vec<_>>();
        let column = |i: usize| (0..population.len()).map(|member| population.member(member)[i]).collect();
        let parameters = population.names().iter().enumerate().map(|(i, name)| (name.as_str(), column(i))).collect();
        let failed = failures.len();
        failures.truncate(TOLD);
        let happened = run.occurrences().iter().map(|(trajectory, e)| {
            let occurrence = Occurrence { name: &system.events()[e.event].name, t: e.t, y: &e.values };
            Happened { trajectory: *trajectory, occurrence }
        });
        Self {
            variables,
            t: &run.times()[..moments.counts.len()],
            y: rows(&moments.mean),
            method: run.method(),
            stats: Statistics::new(run.stats(), seconds),
            events: happened.collect(),
            moments: MomentsAnswer {
                paths: population.len(),
                counts: &moments.counts,
                mean: rows(&moments.mean),
                variance: rows(&moments.variance),
                quantiles: quantiles(moments, variables.len()),
            },
            ensemble: EnsembleAnswer { members: population.len(), parameters, failed, failures },
        }
    }

    fn for_people(&self, title: Option<&str>) -> String {
        let Statistics { steps, rejected, rhs_evals, seconds, .. } = self.stats;
        let title = title.map(|title| format!("{title}\n")).unwrap_or_default();
        let failed = match self.ensemble.failed {
            0 => String::new(),
            failed => format!(", {failed} stopped early"),
        };
        let varied: Vec<&str> = self.ensemble.parameters.keys().copied().collect();
        format!(
            "{title}{} trajectories over {}{failed}\n{}: {steps} steps ({rejected} rejected), {rhs_evals} evaluations, {}\n\n{}",
            self.ensemble.members,
            varied.join(", "),
            self.method,
            duration(seconds),
            bands(self.variables, self.t, &self.y, &self.moments.quantiles)
        )
    }
}

/// The quantiles by level, a row a time.
pub(super) fn quantiles(moments: &Moments, variables: usize) -> BTreeMap<String, Vec<&[f64]>> {
    let levels = Moments::LEVELS.iter().map(|level| number_text(*level));
    levels.zip(&moments.quantiles).map(|(level, values)| (level, values.chunks_exact(variables).collect())).collect()
}

/// Mean and middle nine tenths of every variable.
pub(super) fn bands(
    variables: &[String],
    t: &[f64],
    mean: &[&[f64]],
    quantiles: &BTreeMap<String, Vec<&[f64]>>,
) -> String {
    const LINES: usize = 25;
    let shown = variables.len().min(COLUMNS / 2);
    let names = variables[..shown].iter().flat_map(|name| [name.clone(), "5 %".into(), "95 %".into()]);
    let header: Vec<String> = ["t".to_string()].into_iter().chain(names).collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let (low, high) = (&quantiles["0.05"], &quantiles["0.95"]);
    let (every, last) = (t.len().div_ceil(LINES).max(1), t.len().saturating_sub(1));
    let row = |k: usize| {
        let cells = (0..shown).flat_map(|v| [mean[k][v], low[k][v], high[k][v]]);
        [t[k]].into_iter().chain(cells).map(number).collect::<Vec<_>>()
    };
    let rows: Vec<_> = (0..t.len()).filter(|&k| k.is_multiple_of(every) || k == last).map(row).collect();
    let mut text = table(&header, &rows, &[]);
    if rows.len() < t.len() || shown < variables.len() {
        let (rows, all) = (rows.len(), t.len());
        text += &format!("{rows} of {all} rows, {shown} of {} variables; --json or --out has all\n", variables.len());
    }
    text
}

/// The trajectories that stopped early.
fn failures(solver: &EnsembleSolver, run: &EnsembleRun) -> Vec<Stopped> {
    let names = solver.system().components();
    let failed = run.endings().iter().enumerate().filter_map(|(trajectory, ending)| {
        let error = ending.as_ref().err()?;
        Some(Stopped { trajectory, t: error.time(), reason: error.named(names).to_string() })
    });
    failed.collect()
}

/// `rho = 21, initial.x = 1`.
fn values_of(solver: &EnsembleSolver, member: usize) -> String {
    let population = solver.population();
    let values = population.names().iter().zip(population.member(member));
    values.map(|(name, value)| format!("{name} = {}", number(*value))).collect::<Vec<_>>().join(", ")
}

/// What is kept of an ensemble that failed or was cut short.
fn partial(solver: &EnsembleSolver, run: &EnsembleRun, folder: Option<&OutputDir>) -> String {
    match folder.map(|dir| dir.write(PARTIAL, |to| write_rows(to, solver, run))) {
        None => "\nwith --out DIR the trajectories up to there are kept".into(),
        Some(Ok(path)) => format!("\nthe trajectories up to there are in {}", path.display()),
        Some(Err(e)) => format!("\nand the trajectories up to there could not be kept: {e}"),
    }
}

/// `trajectory,t,..`: the rows that each trajectory came to.
fn write_rows(to: &mut dyn std::io::Write, solver: &EnsembleSolver, run: &EnsembleRun) -> std::io::Result<()> {
    let names = solver.system().variables().iter().map(String::as_str);
    let columns: Vec<&str> = ["trajectory", "t"].into_iter().chain(names).collect();
    writeln!(to, "{}", columns.join(","))?;
    for member in 0..solver.population().len() {
        for (t, row) in run.rows(member) {
            write!(to, "{member},{}", number_text(t))?;
            for value in row {
                write!(to, ",{}", number_text(*value))?;
            }
            writeln!(to)?;
        }
    }
    Ok(())
}

/// A row a trajectory: the values in which it differs, the time it came to, and whether it was stopped by an error.
fn write_members(to: &mut dyn std::io::Write, solver: &EnsembleSolver, run: &EnsembleRun) -> std::io::Result<()> {
    let population = solver.population();
    let names = population.names().iter().map(String::as_str);
    let columns: Vec<&str> = ["trajectory"].into_iter().chain(names).chain(["end", "failed"]).collect();
    let row = |member: usize| {
        let failed = f64::from(u8::from(run.endings()[member].is_err()));
        [&[member as f64], population.member(member), &[run.reached()[member], failed]].concat()
    };
    write_table(to, &columns, &(0..population.len()).flat_map(row).collect::<Vec<_>>())
}
