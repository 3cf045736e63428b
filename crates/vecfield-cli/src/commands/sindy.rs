//! `vecfield sindy DATA.csv`: sparse equations over a library of candidate terms.

mod field;
mod outcome;
mod page;
mod rates;
mod task;

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use vecfield_data::Trajectories;
use vecfield_io::{OutputDir, Overwrite, TrajectoryFormat, read_trajectories};
use vecfield_sindy::{Model, Progress, Refinement, Score, Sindy, SindyError};

use crate::context::Context;
use crate::failure::Failure;
use crate::watch::Watch;
use outcome::Outcome;
use rates::Rates;
use task::{Bagged, Optimizer, Relaxed};

const EXAMPLES: &str = "Examples:
  vecfield sindy lorenz.csv
  vecfield sindy lorenz.csv --library polynomial:3,fourier:2 --json
  vecfield sindy pendulum.csv --library \"angle: polynomial:1; speed: polynomial:1,polynomial:1*fourier:1\"
  vecfield sindy pendulum.csv --library \"polynomial:1,custom:sin(angle)\" --known \"angle: speed\"
  vecfield sindy enzyme.csv --implicit
  vecfield sindy growth.csv --library \"polynomial:1,custom:X*S/(K + S)\"
  vecfield sindy lorenz.csv --constraint \"x[y] = -x[x]\" --constraint \"z[z] <= 0\"
  vecfield sindy lorenz.csv --symmetry \"x: -x; y: -y\"
  vecfield sindy pendulum.csv --units \"t: s; angle: 1; speed: 1/s\" --library \"polynomial:1,fourier:1\"
  vecfield sindy lorenz.csv --optimizer trapping --threshold 0.3
  vecfield sindy burgers.csv --pde --grid=-8:0.25 --periodic
  vecfield sindy plate.csv --pde --grid 0:0.25,0:0.25
  vecfield sindy rod.csv --pde --grid points.csv
  vecfield sindy logistic.csv --discrete --out logistic
  vecfield sindy lorenz.csv --test other-starts.csv
  vecfield sindy lorenz.csv --optimizer stlsq --threshold 0.1 --derivative finite-difference:2
  vecfield sindy orbit.csv --derivative columns:vx,vy

Without --derivative the equations are matched in integral form, which needs neither derivatives nor regular times.

Try it:
  vecfield examples enzyme
  vecfield sindy enzyme/enzyme.csv --implicit";

/// Arguments of `vecfield sindy`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Measured trajectories
    #[arg(value_name = "DATA.csv")]
    data: PathBuf,
    /// Candidate terms: polynomial:DEGREE, fourier:HARMONICS, custom:FORMULA, separated by commas; products as
    /// polynomial:1*fourier:2, constants to be fitted as custom:exp(-k*x), other terms for each equation as
    /// "x: polynomial:1; y: polynomial:3"
    #[arg(long, value_name = "FAMILY,..")]
    library: Option<String>,
    /// How terms are chosen
    #[arg(long, value_enum, default_value_t = Optimizer::Auto)]
    optimizer: Optimizer,
    /// Coefficients below this are dropped (stlsq, sr3, ssr, trapping), or the share of the rates' squares that may be
    /// left (frols)
    #[arg(long, value_name = "V", allow_hyphen_values = true)]
    threshold: Option<f64>,
    /// What sr3 pays for coefficients: l0 where they are not zero, l1 for their size, cad for their size where they are
    /// small
    #[arg(long, value_enum, value_name = "PENALTY")]
    penalty: Option<Relaxed>,
    /// Ridge penalty (stlsq), L1 penalty (lasso, adaptive-lasso), or both together (elastic-net)
    #[arg(long, value_name = "RIDGE", allow_hyphen_values = true)]
    alpha: Option<f64>,
    /// The share of the penalty of an elastic net that is on absolute values, above 0 and at most 1: 0.5 without it
    #[arg(long, value_name = "SHARE", allow_hyphen_values = true)]
    l1_ratio: Option<f64>,
    /// Match in integral form (the default)
    #[arg(long, conflicts_with = "derivative")]
    weak: bool,
    /// Match derivatives: finite-difference:ORDER, savgol:WINDOW:DEGREE, spline, tv, spectral, or measured ones as
    /// columns:NAME,.. with a column for the rate of each variable
    #[arg(long, value_name = "M")]
    derivative: Option<String>,
    /// Fit so many tables that differ in what --bag says, and keep what most of them have
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    ensemble: Option<u16>,
    /// What an ensemble resamples: rows of the table, terms of the library (one in ten is left out), or both
    #[arg(long, value_enum, value_name = "WHAT", requires = "ensemble")]
    bag: Option<Bagged>,
    /// The equations are a map: each row from the one before it
    #[arg(long, conflicts_with_all = ["derivative", "weak"])]
    discrete: bool,
    /// Right-hand sides are quotients of two sums over the library
    #[arg(long, conflicts_with_all = ["derivative", "optimizer", "ensemble", "discrete"])]
    implicit: bool,
    /// Columns that are known inputs
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    control: Vec<String>,
    /// A known part of an equation, such as "x: 1.3*x"; may be repeated
    #[arg(long, value_name = "VARIABLE: FORMULA")]
    known: Vec<String>,
    /// A relation between coefficients, such as "x[y] = -x[x]" or "z[z] <= 0", or energy; may be repeated
    #[arg(long, value_name = "RELATION", conflicts_with = "implicit")]
    constraint: Vec<String>,
    /// What the equations do not tell apart, such as "x: -x; y: -y" or "x: y; y: z; z: x"; may be repeated
    #[arg(long, value_name = "NAME: IMAGE; ..", conflicts_with = "implicit")]
    symmetry: Vec<String>,
    /// What columns and t are measured in, such as "t: s; x: m; v: m/s": terms that do not agree with that are left out
    #[arg(long, value_name = "NAME: UNIT; ..")]
    units: Option<String>,
    /// The units of the constants that coefficients are made of, such as m/s^2,m; 1 for pure numbers
    #[arg(long, value_name = "UNIT,..", requires = "units")]
    coefficient_units: Option<String>,
    /// The columns u_0, u_1, .. (in a plane u_0_0, u_0_1, .. u_1_0, ..) are a field on a grid: find its partial
    /// differential equation
    #[arg(long, requires = "grid", conflicts_with_all = ["derivative", "optimizer", "implicit", "control", "known", "constraint", "symmetry", "units", "simulate", "test", "ensemble", "discrete", "out"])]
    pde: bool,
    /// The first point of the grid and the distance to the next, for each coordinate; or a CSV table of points with a
    /// column for each, which need not be even
    #[arg(long, value_name = "FIRST:STEP,..", requires = "pde", allow_hyphen_values = true)]
    grid: Option<String>,
    /// The last point of the grid neighbours the first
    #[arg(long, requires = "pde")]
    periodic: bool,
    /// Simulate the equations from the first measured state at these times
    #[arg(long, value_name = "T,T,..", value_delimiter = ',', allow_hyphen_values = true)]
    simulate: Vec<f64>,
    /// Stop after so many seconds with the best so far
    #[arg(long, value_name = "S")]
    seconds: Option<f64>,
    /// Other trajectories of the same columns, on which the equations are scored
    #[arg(long, value_name = "OTHER.csv")]
    test: Option<PathBuf>,
    /// Write equations.toml, equations.txt (LaTeX and Rust), trajectory.csv and report.html to this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace an earlier result in the folder
    #[arg(long, requires = "out")]
    force: bool,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<(), Failure> {
    let format = TrajectoryFormat { controls: arguments.control.clone(), ..TrajectoryFormat::default() };
    let table = read_trajectories(&arguments.data, &format)?;
    if arguments.pde {
        return field::run(arguments, &table, context);
    }
    let named = Rates::named(arguments.derivative.as_deref());
    let rates = named.as_ref().map(|named| named.split(&table)).transpose()?;
    let data = rates.as_ref().map_or(&table, |(data, _)| data);
    let overwrite = if arguments.force { Overwrite::Allowed } else { Overwrite::Never };
    let folder = arguments.out.as_deref().map(|out| OutputDir::create(out, &page::FILES, overwrite)).transpose()?;
    let sindy = Sindy { seed: context.seed, ..arguments.task(data)? };
    let (watch, clock) = (Watch::new(context, arguments.seconds)?, Instant::now());
    let goes_on = |progress: Progress| watch.goes_on(progress.stage, progress.share);
    let fitting = sindy.on(data).watched(&goes_on);
    let fitting = rates.as_ref().map_or(fitting, |(_, rates)| fitting.with_rates(rates));
    let wrong = |e: SindyError| arguments.failure(&e);
    let model = context.on_threads(|| fitting.run())?.map_err(wrong)?;
    drop(watch);
    let seconds = clock.elapsed().as_secs_f64();
    let simulated = arguments.simulated(&model, data)?;
    let test =
        arguments.test.as_deref().map(|other| arguments.tested(&model, other, &format, named.as_ref())).transpose()?;
    let fit = Outcome { model: &model, seconds, simulated, test };
    if model.refinement() == Refinement::DidNotStart {
        context
            .remark("warning: the equations leave the data even on short windows: take them as a start, not as a law");
    }
    if let Some(folder) = &folder {
        page::write(&fit, data, &arguments.data, folder)?;
        context.remark(&format!("wrote {} to {}", page::FILES.join(", "), folder.path().display()));
    }
    context.result(&fit.to_json(), |_| fit.for_people())
}

impl Arguments {
    /// What the fit could not do, and whose fault it is.
    fn failure(&self, error: &SindyError) -> Failure {
        let message = format!("{}: {error}", self.data.display());
        match error {
            SindyError::Solve(_) | SindyError::SingularSupport { .. } | SindyError::NotTrapped | SindyError::Cut => {
                Failure::Computation(message)
            }
            _ => Failure::Argument(message),
        }
    }

    /// The score on the trajectories of another file, whose columns of rates, if it has some, are no variables.
    fn tested(
        &self,
        model: &Model,
        other: &Path,
        format: &TrajectoryFormat,
        rates: Option<&Rates>,
    ) -> Result<Score, Failure> {
        let table = read_trajectories(other, format)?;
        let data = rates.map(|rates| rates.without(&table)).transpose()?.unwrap_or(table);
        model.score(&data).map_err(|e| Failure::Argument(format!("{}: {e}", other.display())))
    }

    fn simulated(&self, model: &Model, data: &Trajectories) -> Result<Option<Vec<f64>>, Failure> {
        if self.simulate.is_empty() {
            return Ok(None);
        }
        let run = &data.runs()[0];
        let start = run.times()[0];
        let increasing = self.simulate.windows(2).all(|pair| pair[0] < pair[1]);
        if !increasing || self.simulate[0] < start || self.simulate.iter().any(|t| !t.is_finite()) {
            let what =
                format!("--simulate: give increasing times from t = {start} on, where the first measured state is");
            return Err(Failure::Argument(what));
        }
        let Some(missing) = run.row(0).iter().position(|v| v.is_nan()) else {
            let times: Vec<f64> =
                std::iter::once(start).chain(self.simulate.iter().copied().filter(|t| *t > start)).collect();
            let states = model.simulate_along(run, run.row(0), &times).map_err(|e| self.failure(&e))?;
            let skip = if self.simulate[0] > start { data.dim() } else { 0 };
            return Ok(Some(states[skip..].to_vec()));
        };
        let what = format!(
            "--simulate: `{}` is not measured in the first row, so there is no state to start from",
            data.variables()[missing]
        );
        Err(Failure::Argument(what))
    }
}
