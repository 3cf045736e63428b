//! `vecfield sindy DATA.csv`: sparse equations over a library of candidate terms.

mod field;
mod page;

use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use vecfield_data::Trajectories;
use vecfield_io::{OutputDir, Overwrite, TrajectoryFormat, read_trajectories};
use vecfield_plot::with_error;
use vecfield_sindy::pde::PdeSindy;
use vecfield_sindy::sparse::Penalty;
use vecfield_sindy::{Bag, Candidates, Constraint, Form, Known, Model, Refinement, Selection, Sindy, SindyError};

use crate::context::Context;
use crate::failure::Failure;
use crate::layout::{duration, number, table};

const EXAMPLES: &str = "Examples:
  vecfield sindy lorenz.csv
  vecfield sindy lorenz.csv --library polynomial:3,fourier:2 --json
  vecfield sindy pendulum.csv --library \"angle: polynomial:1; speed: polynomial:1,polynomial:1*fourier:1\"
  vecfield sindy pendulum.csv --library \"polynomial:1,custom:sin(angle)\" --known \"angle: speed\"
  vecfield sindy enzyme.csv --implicit
  vecfield sindy growth.csv --library \"polynomial:1,custom:X*S/(K + S)\"
  vecfield sindy lorenz.csv --constraint \"x[y] = -x[x]\" --constraint \"z[z] <= 0\"
  vecfield sindy lorenz.csv --optimizer trapping --threshold 0.3
  vecfield sindy burgers.csv --pde --grid=-8:0.25 --periodic
  vecfield sindy plate.csv --pde --grid 0:0.25,0:0.25
  vecfield sindy rod.csv --pde --grid points.csv
  vecfield sindy logistic.csv --discrete --out logistic
  vecfield sindy lorenz.csv --optimizer stlsq --threshold 0.1 --derivative finite-difference:2

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
    /// Match derivatives: finite-difference:ORDER, savgol:WINDOW:DEGREE, spline, tv or spectral
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
    /// The columns u_0, u_1, .. (in a plane u_0_0, u_0_1, .. u_1_0, ..) are a field on a grid: find its partial
    /// differential equation
    #[arg(long, requires = "grid", conflicts_with_all = ["derivative", "optimizer", "implicit", "control", "known", "constraint", "simulate", "ensemble", "discrete", "out"])]
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
    /// Write equations.toml, equations.txt (LaTeX and Rust), trajectory.csv and report.html to this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace an earlier result in the folder
    #[arg(long, requires = "out")]
    force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Bagged {
    /// Blocks of rows
    Rows,
    /// Terms
    Library,
    /// Rows and terms
    Both,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Relaxed {
    /// The same for each that is not zero
    L0,
    /// Their absolute values
    L1,
    /// Absolute values, clipped at five thresholds
    Cad,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Optimizer {
    /// By evidence, refined through the solver
    Auto,
    /// Sequentially thresholded least squares
    Stlsq,
    /// Sparse relaxed regularised regression
    Sr3,
    /// The L1 path, fitted again on its supports
    Lasso,
    /// The L1 path, each coefficient in units of what least squares gives it
    AdaptiveLasso,
    /// The path of L1 and L2 penalties together, fitted again on its supports
    ElasticNet,
    /// Forward regression: what explains most comes next
    Frols,
    /// Stepwise sparse regression: the smallest coefficient goes
    Ssr,
    /// Best subsets by the Bayesian information criterion
    Exact,
    /// Bounded quadratic dynamics
    Trapping,
}

/// The most terms of an equation that best subsets are searched for.
const LARGEST_SUBSET: usize = 8;

/// The highest derivative of fields of more than one dimension, where none is given.
const PLANE_ORDER: usize = 2;

/// What PySINDy and its papers start from.
const THRESHOLD: f64 = 0.1;

/// That of scikit-learn.
const L1_RATIO: f64 = 0.5;

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<(), Failure> {
    let format = TrajectoryFormat { controls: arguments.control.clone(), ..TrajectoryFormat::default() };
    let data = read_trajectories(&arguments.data, &format)?;
    if arguments.pde {
        return field::run(arguments, &data, context);
    }
    let overwrite = if arguments.force { Overwrite::Allowed } else { Overwrite::Never };
    let folder = arguments.out.as_deref().map(|out| OutputDir::create(out, &page::FILES, overwrite)).transpose()?;
    let sindy = Sindy { seed: context.seed, ..arguments.task(&data)? };
    let clock = Instant::now();
    let wrong = |e: SindyError| arguments.failure(&e);
    let model = context.on_threads(|| sindy.fit(&data))?.map_err(wrong)?;
    let seconds = clock.elapsed().as_secs_f64();
    let simulated = arguments.simulated(&model, &data)?;
    let fit = Outcome { model: &model, seconds, simulated };
    if model.refinement() == Refinement::DidNotStart {
        context
            .remark("warning: the equations leave the data even on short windows: take them as a start, not as a law");
    }
    if let Some(folder) = &folder {
        page::write(&fit, &data, &arguments.data, folder)?;
        context.remark(&format!("wrote {} to {}", page::FILES.join(", "), folder.path().display()));
    }
    context.result(&fit.to_json(), |_| fit.for_people())
}

impl Arguments {
    fn task(&self, data: &Trajectories) -> Result<Sindy, Failure> {
        let argument = |flag: &str, e: SindyError| Failure::Argument(format!("{flag}: {e}"));
        let candidates = Candidates::parse(&self.library(data)).map_err(|e| argument("--library", e))?;
        let selection = self.selection()?;
        let known = self.known.iter().map(|text| Known::parse(text).map_err(|e| argument("--known", e)));
        let known = known.collect::<Result<_, _>>()?;
        let constraints =
            self.constraint.iter().map(|text| Constraint::parse(text).map_err(|e| argument("--constraint", e)));
        let constraints = constraints.collect::<Result<_, _>>()?;
        Ok(Sindy {
            form: self.form()?,
            selection,
            known,
            constraints,
            rational: self.implicit,
            ensemble: self.ensemble.map_or(0, usize::from),
            bag: match self.bag.unwrap_or(Bagged::Rows) {
                Bagged::Rows => Bag::Rows,
                Bagged::Library => Bag::Library,
                Bagged::Both => Bag::Both,
            },
            ..Sindy::new(candidates)
        })
    }

    fn selection(&self) -> Result<Selection, Failure> {
        use Optimizer::{AdaptiveLasso, ElasticNet, Frols, Lasso, Sr3, Ssr, Stlsq, Trapping};
        let belongs = [
            ("--threshold", self.threshold.is_some(), &[Stlsq, Sr3, Frols, Ssr, Trapping][..]),
            ("--alpha", self.alpha.is_some(), &[Stlsq, Lasso, AdaptiveLasso, ElasticNet][..]),
            ("--l1-ratio", self.l1_ratio.is_some(), &[ElasticNet][..]),
            ("--penalty", self.penalty.is_some(), &[Sr3][..]),
        ];
        for (flag, given, of) in belongs {
            if given && !of.contains(&self.optimizer) {
                let names =
                    of.iter().filter_map(|optimizer| Some(optimizer.to_possible_value()?.get_name().to_owned()));
                let words = names.collect::<Vec<_>>().join(" or ");
                return Err(Failure::Argument(format!(
                    "{flag} belongs to --optimizer {words}; add that, or leave it out"
                )));
            }
        }
        let numbers = [("--threshold", self.threshold), ("--alpha", self.alpha), ("--l1-ratio", self.l1_ratio)];
        if let Some((flag, bad)) =
            numbers.into_iter().find_map(|(flag, v)| Some((flag, v.filter(|v| !(v.is_finite() && *v >= 0.0))?)))
        {
            return Err(Failure::Argument(format!("{flag} {bad}: give a number, 0 or larger")));
        }
        let l1_ratio = self.l1_ratio.unwrap_or(L1_RATIO);
        if !(l1_ratio > 0.0 && l1_ratio <= 1.0) {
            return Err(Failure::Argument(format!("--l1-ratio {l1_ratio}: give a number above 0 and at most 1")));
        }
        let threshold = self.threshold.unwrap_or(THRESHOLD);
        let penalty = match self.penalty {
            None | Some(Relaxed::L0) => Penalty::L0,
            Some(Relaxed::L1) => Penalty::L1,
            Some(Relaxed::Cad) => Penalty::Cad,
        };
        Ok(match self.optimizer {
            Optimizer::Auto => Selection::Auto,
            Optimizer::Exact => Selection::Exact { largest: LARGEST_SUBSET },
            Stlsq => Selection::Stlsq { threshold, ridge: self.alpha.unwrap_or(0.0) },
            Sr3 => Selection::Sr3 { threshold, penalty },
            Lasso => Selection::Lasso { alpha: self.alpha },
            AdaptiveLasso => Selection::AdaptiveLasso { alpha: self.alpha },
            ElasticNet => Selection::ElasticNet { alpha: self.alpha, l1_ratio },
            Frols => Selection::Frols { tolerance: self.threshold },
            Ssr => Selection::Ssr { threshold: self.threshold },
            Trapping => Selection::Trapping { threshold },
        })
    }

    /// How far the terms of a field go: `polynomial:DEGREE,derivative:ORDER`; in a plane there are many derivatives of each order.
    fn field_task(&self, dimension: usize) -> Result<PdeSindy, Failure> {
        let mut task = PdeSindy::default();
        if dimension > 1 {
            task.order = PLANE_ORDER;
        }
        for part in self.library.iter().flat_map(|text| text.split(',')) {
            let number =
                part.split_once(':').and_then(|(kind, n)| Some((kind.trim(), n.trim().parse::<usize>().ok()?)));
            match number {
                Some(("polynomial", n)) if n <= 6 => task.degree = n,
                Some(("derivative", n)) if (1..=4).contains(&n) => task.order = n,
                _ => {
                    let known = "for a field give polynomial:DEGREE (up to 6) and derivative:ORDER (1 to 4)";
                    return Err(Failure::Argument(format!("--library {part}: {known}")));
                }
            }
        }
        Ok(task)
    }

    /// The library asked for; quotients of few variables get higher degrees.
    fn library(&self, data: &Trajectories) -> String {
        let degree = match data.dim() + data.inputs().len() {
            1 if self.implicit => 4,
            2 | 3 if self.implicit => 3,
            _ => 2,
        };
        self.library.clone().unwrap_or_else(|| format!("polynomial:{degree}"))
    }

    fn form(&self) -> Result<Form, Failure> {
        if self.discrete {
            return Ok(Form::NextValue);
        }
        let Some(derivative) = self.derivative.as_deref().filter(|_| !self.weak) else { return Ok(Form::Integral) };
        let refused = || {
            let known = "give finite-difference:ORDER (1 to 8), savgol:WINDOW:DEGREE (an odd window above the degree), spline, tv or spectral";
            Failure::Argument(format!("--derivative {derivative}: {known}"))
        };
        let mut parts = derivative.split(':');
        let kind = parts.next().unwrap_or_default();
        let numbers = parts.map(str::parse::<usize>).collect::<Result<Vec<_>, _>>().map_err(|_| refused())?;
        match (kind, &numbers[..]) {
            ("spline", []) => Ok(Form::SmoothedDerivative),
            ("tv", []) => Ok(Form::TotalVariation),
            ("spectral", []) => Ok(Form::Spectral),
            ("savgol", []) => Ok(Form::SavitzkyGolay { window: 11, degree: 4 }),
            ("savgol", &[window, degree]) if window % 2 == 1 && degree >= 1 && window > degree => {
                Ok(Form::SavitzkyGolay { window, degree })
            }
            ("finite-difference", []) => Ok(Form::FiniteDifference(2)),
            ("finite-difference", &[order]) if (1..=8).contains(&order) => Ok(Form::FiniteDifference(order)),
            _ => Err(refused()),
        }
    }

    /// What the fit could not do, and whose fault it is.
    fn failure(&self, error: &SindyError) -> Failure {
        let message = format!("{}: {error}", self.data.display());
        match error {
            SindyError::Solve(_) | SindyError::SingularSupport { .. } | SindyError::NotTrapped => {
                Failure::Computation(message)
            }
            _ => Failure::Argument(message),
        }
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
            let states = model.simulate(run.row(0), &times).map_err(|e| self.failure(&e))?;
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

/// What an equation gives: a rate, or of a map the next value.
fn rate(name: &str, map: bool) -> String {
    if map { format!("next {name}") } else { format!("d{name}/dt") }
}

/// Terms less likely than this are not listed.
const INCLUDED: f64 = 1e-3;

/// A number, or null where it is none.
fn finite(v: f64) -> Value {
    if v.is_finite() { json!(v) } else { Value::Null }
}

/// A model with what it was made from.
struct Outcome<'a> {
    model: &'a Model,
    seconds: f64,
    simulated: Option<Vec<f64>>,
}

impl Outcome<'_> {
    fn to_json(&self) -> Value {
        let model = self.model;
        let names = model.variables();
        let terms = |pick: fn((&str, f64, f64)) -> (String, Value)| -> Map<String, Value> {
            let of_equation = |i: usize| (names[i].clone(), Value::Object(model.terms(i).map(pick).collect()));
            (0..names.len()).map(of_equation).collect()
        };

        let inclusion = |i: usize| -> Map<String, Value> {
            let shares =
                model.inclusion(i).iter().zip(model.library().features()).filter(|(share, _)| **share > INCLUDED);
            shares.map(|(share, feature)| (feature.key().to_string(), json!(share))).collect()
        };
        let library: Vec<&str> = model.library().features()[..model.feature_count()].iter().map(|f| f.key()).collect();
        let mut result = json!({
            "variables": names,
            "equations": names.iter().cloned().zip(model.equations(None).into_iter().map(Value::from)).collect::<Map<_, _>>(),
            "noise": names.iter().cloned().zip(model.noise().iter().map(|v| finite(*v))).collect::<Map<_, _>>(),
            "score": {
                "derivative_r2": finite(model.derivative_r2()),
                "trajectory_r2": self.model.trajectory_r2().map_or(Value::Null, |r2| json!(r2)),
            },
            "library": library,
            "inclusion": names.iter().cloned().enumerate().map(|(i, name)| (name, Value::Object(inclusion(i)))).collect::<Map<_, _>>(),
            "alternatives": model.runners_up(None).iter().map(|other| json!({
                "equations": names.iter().cloned().zip(other.equations.iter().cloned().map(Value::from)).collect::<Map<_, _>>(),
                "odds": other.odds,
            })).collect::<Vec<_>>(),
            "refined": matches!(model.refinement(), Refinement::Shooting { .. }),
            "seconds": self.seconds,
        });
        // A quotient has no coefficients of terms.
        if !model.is_rational() {
            result["coefficients"] = json!(terms(|(key, value, _)| (key.to_string(), json!(value))));
            result["stderr"] = json!(terms(|(key, _, e)| (key.to_string(), finite(e))));
        }
        if let Some(ball) = model.trapping() {
            result["trapping"] =
                json!({ "centre": ball.centre, "eigenvalues": ball.eigenvalues, "radius": ball.radius });
        }
        if !model.constants().is_empty() {
            let constants = model.constants().iter();
            let fitted = constants.map(|c| (c.name.clone(), json!({ "value": c.value, "stderr": finite(c.stderr) })));
            result["constants"] = Value::Object(fitted.collect());
        }
        if let Some(states) = &self.simulated {
            result["simulated"] = states.chunks_exact(names.len()).map(|state| json!(state)).collect();
        }
        result
    }

    fn for_people(&self) -> String {
        let model = self.model;
        let names = model.variables();
        let equations = model.equations(Some(4));
        let lines = names
            .iter()
            .zip(equations)
            .map(|(name, equation)| format!("  {} = {equation}\n", rate(name, model.is_map())));
        let mut text: String = lines.collect();
        let rows: Vec<Vec<String>> = (0..names.len())
            .flat_map(|i| model.terms(i).map(move |term| (i, term)))
            .map(|(i, (key, value, error))| {
                let (value, error) = if error.is_finite() && error > 0.0 {
                    with_error(value, error)
                } else {
                    (number(value), String::new())
                };
                vec![rate(&names[i], model.is_map()), key.to_string(), value, error]
            })
            .collect();
        text += &format!("\n{}\n", table(&["equation", "term", "coefficient", "std. error"], &rows, &[0, 1]));
        let shown = |r2: Option<f64>| r2.filter(|v| v.is_finite()).map_or("none".into(), |v| format!("{v:.4}"));
        text += &format!(
            "{} of {} terms; R2 of the rates {}, of the trajectories {}; {}\n",
            model.term_count(),
            model.feature_count() * names.len(),
            shown(Some(model.derivative_r2())),
            shown(self.model.trajectory_r2()),
            duration(self.seconds)
        );
        for constant in model.constants() {
            let (value, error) = with_error(constant.value, constant.stderr);
            text += &format!("{} = {value}, std. error {error}\n", constant.name);
        }
        if let Some(ball) = model.trapping() {
            let centre: Vec<String> = ball.centre.iter().map(|v| number(*v)).collect();
            text += &format!("all trajectories end within {} of ({})\n", number(ball.radius), centre.join(", "));
        }
        if let Some(states) = &self.simulated {
            let header: Vec<&str> = names.iter().map(String::as_str).collect();
            let rows: Vec<Vec<String>> =
                states.chunks_exact(names.len()).map(|state| state.iter().map(|v| number(*v)).collect()).collect();
            text += &format!("\nsimulated:\n{}", table(&header, &rows, &[]));
        }
        text
    }
}
