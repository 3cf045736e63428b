//! A problem with `[noise]`: many paths, and what they have in common.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde::Serialize;
use vecfield_io::{
    Moments, OutputDir, Problem, StochasticError, StochasticRun, StochasticSolver, number_text, write_table,
};
use vecfield_solvers::sde::SdeError;

use super::ensemble::{bands, quantiles};
use super::{Occurrence, Statistics, keep};
use crate::context::Context;
use crate::failure::Failure;
use crate::layout::{duration, number, table};
use crate::watch::Watch;

/// Files of a stochastic solve.
pub(super) const FILES: [&str; 1] = ["moments.csv"];

pub(super) fn run(
    problem: &Problem,
    solver: &StochasticSolver,
    folder: Option<&OutputDir>,
    plot: bool,
    context: &Context,
    watch: &Watch,
) -> Result<(), Failure> {
    let (ended, all) = (AtomicUsize::new(0), solver.paths());
    let goes_on = |more: usize| {
        let ended = ended.fetch_add(more, Ordering::Relaxed) + more;
        watch.goes_on("solving", ended as f64 / all.max(1) as f64)
    };
    let clock = Instant::now();
    let solved = context.on_threads(|| solver.solve(&goes_on))?;
    let seconds = clock.elapsed().as_secs_f64();
    let run = solved.map_err(|error| match error {
        StochasticError::Sde(SdeError::Stopped) => {
            let done = ended.load(Ordering::Relaxed);
            Failure::Computation(format!("interrupted; {done} of {all} paths came to their end, and moments need all"))
        }
        StochasticError::Sde(SdeError::NotFinite { component, path, t, .. }) => {
            let name = &solver.system().variables()[component];
            let text = format!("`{name}` of path {path} is no longer finite after t = {}; ", number(t));
            let remedy = "take shorter steps (--step), --method drift-implicit-euler, or keep roots and logarithms where \
                          they are defined, as sqrt(max(x, 0)) does";
            Failure::Computation(text + remedy)
        }
        error @ StochasticError::NoMean { .. } => Failure::Argument(format!("--expect {error}")),
        error => Failure::Computation(error.to_string()),
    })?;
    let result = Answer::new(solver, &run, seconds);
    if let Some(folder) = folder {
        folder.write("moments.csv", |to| write_moments(to, solver, &run))?;
        let svg = || plot.then(|| super::picture::paths(problem, solver.system(), &run)).transpose();
        keep(folder, &["moments.csv"], &result, svg, context)?;
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
    events: Vec<Occurrence<'a>>,
    moments: MomentsAnswer<'a>,
}

#[derive(Debug, Serialize)]
struct MomentsAnswer<'a> {
    paths: usize,
    mean: Vec<&'a [f64]>,
    variance: Vec<&'a [f64]>,
    quantiles: BTreeMap<String, Vec<&'a [f64]>>,
    expect: BTreeMap<&'a str, Mean<'a>>,
}

#[derive(Debug, Serialize)]
struct Mean<'a> {
    mean: &'a [f64],
    stderr: &'a [f64],
}

impl<'a> Answer<'a> {
    fn new(solver: &'a StochasticSolver, run: &'a StochasticRun, seconds: f64) -> Self {
        let (variables, moments) = (solver.system().variables(), run.moments());
        let rows = |values: &'a [f64]| values.chunks_exact(variables.len()).collect::<Vec<_>>();
        let expect = run.expectations().iter();
        let expect = expect.map(|e| (e.text.as_str(), Mean { mean: &e.mean, stderr: &e.stderr }));
        Self {
            variables,
            t: run.times(),
            y: rows(&moments.mean),
            method: run.method(),
            stats: Statistics::new(run.stats(), seconds),
            events: Vec::new(),
            moments: MomentsAnswer {
                paths: run.paths(),
                mean: rows(&moments.mean),
                variance: rows(&moments.variance),
                quantiles: quantiles(moments, variables.len()),
                expect: expect.collect(),
            },
        }
    }

    fn for_people(&self, title: Option<&str>) -> String {
        let Statistics { steps, rejected, rhs_evals, seconds, .. } = self.stats;
        let title = title.map(|title| format!("{title}\n")).unwrap_or_default();
        let work = format!("{} paths by {}: {steps} steps ({rejected} rejected), ", self.moments.paths, self.method);
        let mut text = format!("{title}{work}{rhs_evals} evaluations of the drift, {}\n\n", duration(seconds));
        text += &bands(self.variables, self.t, &self.y, &self.moments.quantiles);
        if let (Some(&t), false) = (self.t.last(), self.moments.expect.is_empty()) {
            text += &format!("\nmeans at t = {}\n", number(t));
            let last = |values: &[f64]| number(values.last().copied().unwrap_or(f64::NAN));
            let row = |(text, mean): (&&str, &Mean<'_>)| vec![(*text).to_string(), last(mean.mean), last(mean.stderr)];
            let rows: Vec<_> = self.moments.expect.iter().map(row).collect();
            text += &table(&["quantity", "mean", "standard error"], &rows, &[0]);
        }
        text
    }
}

/// `t`, then mean, variance and quantiles of every variable.
fn write_moments(to: &mut dyn std::io::Write, solver: &StochasticSolver, run: &StochasticRun) -> std::io::Result<()> {
    let (variables, moments) = (solver.system().variables(), run.moments());
    let levels: Vec<String> = Moments::LEVELS.iter().map(|level| format!("quantile_{}", number_text(*level))).collect();
    let kinds: Vec<&str> = ["mean", "variance"].into_iter().chain(levels.iter().map(String::as_str)).collect();
    let named = variables.iter().flat_map(|name| kinds.iter().map(move |kind| format!("{kind}_{name}")));
    let columns: Vec<String> = ["t".to_string()].into_iter().chain(named).collect();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut rows = Vec::new();
    for (k, &t) in run.times().iter().enumerate() {
        rows.push(t);
        for v in 0..variables.len() {
            let place = k * variables.len() + v;
            rows.extend([moments.mean[place], moments.variance[place]]);
            rows.extend(moments.quantiles.iter().map(|quantile| quantile[place]));
        }
    }
    write_table(to, &columns, &rows)
}
