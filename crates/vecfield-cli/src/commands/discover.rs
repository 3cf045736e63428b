//! `vecfield discover DATA.csv`: which equation made my data?

mod ledger;
mod page;
mod words;

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use vecfield_adjoint::Noise;
use vecfield_data::{Trajectories, Trajectory};
use vecfield_discover::curve::{Curve, curves};
use vecfield_discover::ledger::Ledger;
use vecfield_discover::{
    Candidate, DiscoverError, Discovery, NoiseChoice, Observer, Options, Progress, Source, discover_from, source,
};
use vecfield_io::{Outline, OutputDir, TrajectoryFormat, read_trajectories, write_trajectories};
use vecfield_sindy::Known;

use crate::commands::{belonging, pages};
use crate::context::Context;
use crate::failure::Failure;
use crate::watch::Watch;

const EXAMPLES: &str = "Examples:
  vecfield discover data/lynx-hare.csv
  vecfield discover data/lynx-hare.csv --out lynx-hare      equations.toml, trajectory.csv, report.html
  vecfield discover data/yeast.csv --noise multiplicative --json
  vecfield discover data/lynx-hare.csv --known \"hare: 0.5*hare\"      the rest of the equation is sought
  vecfield discover heated.csv --control power      a column that is an input, with no equation of its own

A table has a header line, a column t and a column for each variable; times may be irregular, cells may be empty, and a leading
column `trajectory` of integers tells several runs apart. Ctrl-C ends the run with the best so far; with --out it can be taken up again by
--resume.

Try it:
  vecfield examples lynx-hare
  vecfield discover lynx-hare/lynx-hare.csv";

/// Arguments of `vecfield discover`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Measured trajectories
    #[arg(value_name = "DATA.csv")]
    data: PathBuf,
    /// Write equations.toml, trajectory.csv and report.html to this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace an earlier result in the folder
    #[arg(long, requires = "out")]
    force: bool,
    /// Go on with the run that was cut short in this folder, and write there
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    resume: Option<PathBuf>,
    /// Stop after this many seconds with the best so far
    #[arg(long, value_name = "S")]
    seconds: Option<f64>,
    /// Which formulas compete
    #[arg(long, value_enum, default_value_t = MethodArgument::Auto)]
    method: MethodArgument,
    /// The operations of formulas beside polynomials
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    operators: Option<String>,
    /// Columns that are known inputs
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    control: Vec<String>,
    /// A part of an equation that is known, as `x: 1.3*x`; may be repeated
    #[arg(long, value_name = "PART", allow_hyphen_values = true)]
    known: Vec<String>,
    /// How measurements scatter about the truth
    #[arg(long, value_enum, default_value_t = NoiseArgument::Auto)]
    noise: NoiseArgument,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum MethodArgument {
    /// Polynomials, and formulas composed for the smoothed rates
    Auto,
    /// Polynomials alone: sparse regression
    Sindy,
    /// The same as auto: composed formulas always compete with polynomials
    Symbolic,
    /// Formulas read out of a neural equation that is fitted through the solver, and no others
    Neural,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum NoiseArgument {
    /// The likelihood decides
    Auto,
    /// By the same amount everywhere
    Additive,
    /// By the same share everywhere
    Multiplicative,
}

impl NoiseArgument {
    fn choice(self) -> NoiseChoice {
        match self {
            Self::Auto => NoiseChoice::Auto,
            Self::Additive => NoiseChoice::Only(Noise::Additive),
            Self::Multiplicative => NoiseChoice::Only(Noise::Multiplicative),
        }
    }
}

impl Arguments {
    /// The folder that is written to.
    fn folder(&self) -> Result<Option<OutputDir>, Failure> {
        let names: Vec<&str> = FILES.into_iter().chain([ledger::FILE]).collect();
        let Some((path, overwrite)) = belonging::folder(&self.resume, &self.out, self.force) else {
            return Ok(None);
        };
        Ok(Some(OutputDir::create(path, &names, overwrite)?))
    }

    /// Where candidates come from.
    fn sources(&self, options: &Options) -> Vec<Box<dyn Source>> {
        match (self.method, &options.operators) {
            (MethodArgument::Neural, Some(operators)) => source::neural(options, operators),
            _ => source::standard(options),
        }
    }

    fn options(&self) -> Result<Options, Failure> {
        let wrong = |option: &str, error: &dyn std::fmt::Display| Failure::Argument(format!("{option}: {error}"));
        let known = self.known.iter().map(|text| Known::parse(text).map_err(|e| wrong("--known", &e)));
        let mut options =
            Options { noise: self.noise.choice(), known: known.collect::<Result<_, _>>()?, ..Options::default() };
        if let Some(operators) = &self.operators {
            options.operators = Some(operators.parse().map_err(|e| wrong("--operators", &e))?);
        }
        if self.method == MethodArgument::Sindy {
            options.operators = None;
        }
        Ok(options)
    }
}

/// The files of a result.
const FILES: [&str; 3] = ["equations.toml", "trajectory.csv", "report.html"];

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<(), Failure> {
    let data = {
        let format = TrajectoryFormat { controls: arguments.control.clone(), ..TrajectoryFormat::default() };
        read_trajectories(&arguments.data, &format)?
    };
    let options = arguments.options()?;
    let of = belonging::of(&format!("{:?} {options:?} {data:?}", arguments.method));
    let known = arguments.resume.as_deref().map(|folder| ledger::read(folder, &of)).transpose()?;
    let folder = arguments.folder()?;
    let watch = Watch::new(context, arguments.seconds)?;
    let clock = Instant::now();
    let sources = arguments.sources(&options);
    let watched = Watched { watch: &watch, ledger: Ledger::new(known.unwrap_or_default()) };
    let found = context.on_threads(|| discover_from(&sources, &data, &options, &watched))?;
    let seconds = clock.elapsed().as_secs_f64();
    let (cut, entries) = (watch.cut(), watched.ledger.entries());
    drop(watch);
    if let Some(folder) = &folder {
        // A run that is done needs none, and an earlier one would lead back.
        if cut { ledger::write(folder, &of, entries)? } else { folder.remove(ledger::FILE)? }
    }
    let found = found.map_err(|e| failure(&arguments.data, &e))?;
    let outcome = Outcome { data: &data, found: &found, method: arguments.method, seconds, file: &arguments.data };
    if let Some(folder) = &folder {
        outcome.write(folder)?;
        context.remark(&format!("wrote {} to {}", FILES.join(", "), folder.path().display()));
    }
    context.result(&outcome.to_json()?, |_| words::summary(&outcome, folder.as_ref().map(OutputDir::path)))
}

fn failure(file: &Path, error: &DiscoverError) -> Failure {
    let message = format!("{}: {error}", file.display());
    match error {
        DiscoverError::NothingFits { .. } | DiscoverError::CutTooSoon { .. } | DiscoverError::Neural(_) => {
            Failure::Computation(message)
        }
        _ => Failure::Argument(message),
    }
}

/// The command line's watch as the library's observer, and what it has found out so far.
struct Watched<'a> {
    watch: &'a Watch,
    ledger: Ledger,
}

impl Observer for Watched<'_> {
    fn goes_on(&self, progress: Progress) -> bool {
        self.watch.goes_on(progress.stage, progress.share)
    }

    fn ledger(&self) -> Option<&Ledger> {
        Some(&self.ledger)
    }
}

/// A discovery with what it was made from.
struct Outcome<'a> {
    data: &'a Trajectories,
    found: &'a Discovery,
    method: MethodArgument,
    seconds: f64,
    file: &'a Path,
}

impl Outcome<'_> {
    /// Right-hand sides with every digit, as `vecfield solve` reads them.
    fn equations(&self, candidate: &Candidate) -> Vec<String> {
        let (graph, formulas) = candidate.law.support.formulas(&self.found.vocabulary, &candidate.law.theta());
        formulas.into_iter().map(|formula| graph.to_text(formula)).collect()
    }

    /// `(variable, feature, constant)` of every term of a law.
    fn terms(&self, candidate: &Candidate) -> Vec<(usize, String, vecfield_discover::Constant)> {
        let law = &candidate.law;
        let features = law.support.features(&self.found.vocabulary, &law.theta());
        let places = features.into_iter().enumerate().flat_map(|(i, keys)| keys.into_iter().map(move |key| (i, key)));
        places.zip(&law.constants).map(|((i, key), c)| (i, key, *c)).collect()
    }

    /// The method in a word or two.
    fn method(&self) -> &'static str {
        match self.method {
            MethodArgument::Neural => "neural+refine",
            MethodArgument::Auto | MethodArgument::Sindy | MethodArgument::Symbolic => "integral-matching+refine",
        }
    }

    fn to_json(&self) -> Result<Value, Failure> {
        let found = self.found;
        let variables = self.data.variables();
        let named = |values: &[f64]| -> Map<String, Value> {
            variables.iter().cloned().zip(values.iter().map(|v| json!(v))).collect()
        };
        let equations = |candidate| -> Map<String, Value> {
            variables.iter().cloned().zip(self.equations(candidate).into_iter().map(Value::from)).collect()
        };
        let mut stderr = Map::new();
        for (i, key, constant) in self.terms(&found.chosen) {
            let of_equation = stderr.entry(variables[i].clone()).or_insert_with(|| json!({}));
            // A constant that was rounded has no standard error of its own, and one that is not determined none that is finite.
            of_equation[key] = json!(constant.stderr.filter(|s| s.is_finite()));
        }
        let law = &found.chosen.law;
        let mut r2 = named(&law.r2);
        r2.insert("all".into(), json!(law.r2_all));
        let alternatives: Vec<Value> = found
            .alternatives
            .iter()
            .map(|other| {
                json!({
                    "equations": equations(other),
                    "r2": other.law.r2_all,
                    "complexity": other.law.complexity,
                    "forecast_error": other.score.mean(),
                    "bic": other.law.bic,
                })
            })
            .collect();
        let mut noise = named(&law.fit.sigma);
        noise.insert("model".into(), json!(found.noise.name()));
        let mut result = json!({
            "variables": variables,
            "equations": equations(&found.chosen),
            "parameters_stderr": stderr,
            "initial": law.initial(self.data).iter().map(|state| named(state)).collect::<Vec<_>>(),
            "r2": r2,
            "rmse": named(&law.rmse),
            "noise": noise,
            "forecast_r2": found.forecast_r2,
            "forecast_error": found.chosen.score.mean(),
            "complexity": law.complexity,
            "bic": law.bic,
            "method": self.method(),
            "verdict": found.verdict.name(),
            "candidates": found.competed,
            "alternatives": alternatives,
            "seconds": self.seconds,
        });
        if !self.data.inputs().is_empty() {
            result["inputs"] = json!(self.data.inputs());
        }
        if found.cut {
            result["cut"] = json!(true);
        }
        Ok(result)
    }

    fn write(&self, folder: &OutputDir) -> Result<(), Failure> {
        let found = self.found;
        let curves = curves(self.data, &found.vocabulary, &found.chosen.law, CURVE_POINTS)
            .map_err(|e| Failure::Computation(format!("the law was found, and its curve cannot be drawn: {e}")))?;
        let outline = self.outline();
        folder.write("equations.toml", |to| write!(to, "{}", outline.to_toml()))?;
        let model = self.model_trajectories(&curves)?;
        folder.write("trajectory.csv", |to| write_trajectories(to, &model))?;
        let page = page::report(self, &curves)
            .render()
            .map_err(|e| Failure::Computation(format!("the report cannot be written: {e}")))?;
        folder.write("report.html", |to| write!(to, "{page}"))?;
        Ok(())
    }

    /// The law as a problem that `vecfield solve` runs, from the first run's fitted start.
    fn outline(&self) -> Outline {
        let law = &self.found.chosen.law;
        let first = &self.data.runs()[0];
        let initial = law.initial(self.data).swap_remove(0);
        let equations = self.equations(&self.found.chosen);
        let variables = self.data.variables().iter().cloned().zip(initial).zip(equations).map(|((n, v), e)| (n, v, e));
        let name = pages::file_name(self.file);
        let inputs = self.found.vocabulary.inputs();
        let definitions = inputs.names().iter().enumerate().map(|(k, name)| (name.clone(), inputs.formula(0, k)));
        let mut comments = vec![
            format!("Found by `vecfield discover` in {name} ({} noise).", self.found.noise.name()),
            format!("R2 {:.4} on the data, {:.4} ahead of it.", law.r2_all, self.found.forecast_r2),
        ];
        if !inputs.names().is_empty() {
            let names = inputs.names().join(", ");
            comments.push(format!(
                "Inputs: {names}, between the samples of the first run as the fit had them, constant before and after."
            ));
            comments.push("Another formula in their place gives the response to another input.".to_string());
        }
        Outline {
            comments,
            definitions: definitions.collect(),
            title: pages::title(self.file),
            variables: variables.collect(),
            span: Some((first.times()[0], first.times()[first.len() - 1])),
            save: first.times().to_vec(),
            rtol: Some(1e-8),
            ..Outline::default()
        }
    }

    fn model_trajectories(&self, curves: &[Curve]) -> Result<Trajectories, Failure> {
        let internal = |e: vecfield_data::DataError| Failure::Computation(format!("the fitted curve is broken: {e}"));
        let runs = curves.iter().map(|curve| Trajectory::new(curve.times.clone(), curve.states.clone(), vec![]));
        let runs = runs.collect::<Result<Vec<_>, _>>().map_err(internal)?;
        Trajectories::new(self.data.variables().to_vec(), vec![], runs).map_err(internal)
    }
}

/// Points of a curve, so that it looks smooth at the width of a page.
const CURVE_POINTS: usize = 400;
