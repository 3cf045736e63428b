//! [`Sindy`]: from a data set to a [`Model`].

use crate::model::Model;
use crate::noise::difference_noise;
use crate::refine::{Task, refine};
use crate::regression::{GramSystem, finite_difference, integral, smoothed_derivative};
use crate::smooth::Order;
use crate::sparse::{best_subsets, stlsq};
use crate::{Family, Library, Paths, SindyError};
use vecfield_data::Trajectories;
use vecfield_linalg::dot;

/// What the equations are matched to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Form {
    /// Values, by integrals of the features along the smoothed path.
    #[default]
    Integral,
    /// Differences of this order of accuracy, features on the raw samples.
    FiniteDifference(usize),
    /// Derivative and features of the smoothed path.
    SmoothedDerivative,
}

/// How the terms are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum Selection {
    /// By evidence, refined through the solver with the support still free (integral form).
    #[default]
    Auto,
    /// Best subsets of up to so many terms an equation; their number by the Bayesian information criterion.
    Exact {
        /// The most terms of an equation.
        largest: usize,
    },
    /// Sequentially thresholded least squares.
    Stlsq {
        /// Coefficients below this are dropped.
        threshold: f64,
        /// Ridge penalty on the way.
        ridge: f64,
    },
}

/// A part of an equation that is known: `x' = formula + ..`.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// The variable whose equation it is in.
    pub variable: String,
    /// The part, a formula of variables, inputs and `t`.
    pub formula: String,
}

impl Known {
    /// Reads `x: 1.3*x`.
    ///
    /// # Errors
    ///
    /// [`SindyError::KnownSyntax`].
    pub fn parse(text: &str) -> Result<Self, SindyError> {
        match text.split_once(':') {
            Some((variable, formula)) if !variable.trim().is_empty() && !formula.trim().is_empty() => {
                Ok(Self { variable: variable.trim().to_string(), formula: formula.trim().to_string() })
            }
            _ => Err(SindyError::KnownSyntax { text: text.to_string() }),
        }
    }
}

/// Sparse identification: a library, a form, a selection.
///
/// ```
/// use vecfield_data::{Trajectories, Trajectory};
/// use vecfield_sindy::{Sindy, Family};
///
/// // Logistic growth x' = 2 x - 0.5 x² from x(0) = 0.2: x = 4 / (1 + 19 exp(-2 t)).
/// let times: Vec<f64> = (0..60).map(|k| 0.08 * f64::from(k)).collect();
/// let values = times.iter().map(|t| 4.0 / (1.0 + 19.0 * (-2.0 * t).exp())).collect();
/// let run = Trajectory::new(times, values, vec![])?;
/// let data = Trajectories::new(vec!["x".into()], vec![], vec![run])?;
///
/// let model = Sindy::new(vec![Family::Polynomial(3)]).fit(&data)?;
/// assert_eq!(model.equations(Some(4)), ["2*x - 0.5*x^2"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Sindy {
    /// The candidates.
    pub families: Vec<Family>,
    /// What is matched.
    pub form: Form,
    /// How terms are chosen.
    pub selection: Selection,
    /// Known parts of equations.
    pub known: Vec<Known>,
    /// Are right-hand sides quotients of two sums over the library? For automatic selection in integral form.
    pub rational: bool,
}

/// The equation a known part is in, and its place in the library.
type KnownPart = (usize, usize);

/// Squares of quintic monomials of larger values, or of their inverses, leave the range of a number.
const LARGEST_SIZE: f64 = 1e30;

/// Fewer samples than this say nothing about a rate.
const LEAST_ROWS: usize = 5;

impl Sindy {
    /// Integral form, automatic selection, nothing known.
    pub fn new(families: Vec<Family>) -> Self {
        Self { families, form: Form::default(), selection: Selection::default(), known: Vec::new(), rational: false }
    }

    /// The equations of `data`.
    ///
    /// # Errors
    ///
    /// [`SindyError`]: a library that cannot be read or does not fit the data, too few or missing measurements.
    pub fn fit(&self, data: &Trajectories) -> Result<Model, SindyError> {
        for variable in 0..data.dim() {
            let found = data.observed(variable).count();
            if found < LEAST_ROWS {
                return Err(SindyError::TooFewPoints { found, needed: LEAST_ROWS });
            }
            let size = data.rms(variable);
            if size != 0.0 && !(1.0 / LARGEST_SIZE..=LARGEST_SIZE).contains(&size) {
                return Err(SindyError::Unit { variable: data.variables()[variable].clone(), size });
            }
        }
        let (library, selectable, known) = self.library(data)?;
        let paths = Paths::smooth_for_noise(data, Order::Quintic)?;
        if self.rational && (self.form, self.selection) != (Form::Integral, Selection::Auto) {
            return Err(SindyError::RationalNeedsAuto);
        }
        let systems = match (self.form, self.selection) {
            (Form::Integral, Selection::Auto) => {
                let (paths, library, known) = (&paths, &library, &known);
                let model = refine(&Task { data, paths, library, selectable, known, rational: self.rational })?;
                return scored(data, paths, model);
            }
            (Form::Integral, _) => integral(data, &paths, &library, usize::MAX)?,
            (Form::FiniteDifference(order), _) => finite_difference(data, &library, order)?,
            (Form::SmoothedDerivative, _) => smoothed_derivative(data, &paths, &library)?,
        };
        let (mut coefficients, mut stderr, mut noise) = (Vec::new(), Vec::new(), Vec::new());
        for (equation, system) in systems.iter().enumerate() {
            let fixed: Vec<usize> = known.iter().filter(|part| part.0 == equation).map(|part| part.1).collect();
            let system = system.reduced(selectable, &fixed);
            system.check(&library)?;
            let theta = self.select(&system)?;
            stderr.extend(system.standard_errors(&theta)?);
            coefficients.extend(theta);
            noise.push(f64::NAN);
        }
        if self.form == Form::Integral {
            noise = paths.noise().to_vec();
        } else if data.runs().iter().all(|run| run.len() > 3) {
            noise = difference_noise(data);
        }
        let model = Model { coefficients, stderr, noise, ..Model::empty(library, selectable, known) };
        scored(data, &paths, model)
    }

    fn select(&self, system: &GramSystem) -> Result<Vec<f64>, SindyError> {
        match self.selection {
            Selection::Stlsq { threshold, ridge } => stlsq(system, threshold, ridge),
            Selection::Exact { largest } => exact(system, largest),
            Selection::Auto => exact(system, AUTO_LARGEST),
        }
    }

    /// The library with the known parts behind it, the number of features before them, and `(equation, feature)` of each part.
    fn library(&self, data: &Trajectories) -> Result<(Library, usize, Vec<KnownPart>), SindyError> {
        let library = Library::new(&self.families, data.variables(), data.inputs())?;
        if library.is_empty() {
            return Err(SindyError::LibrarySyntax { text: String::new(), problem: "it has no feature".into() });
        }
        let selectable = library.len();
        let mut known = Vec::new();
        let mut formulas = Vec::new();
        for part in &self.known {
            let equation = data.variables().iter().position(|name| *name == part.variable);
            let Some(equation) = equation else {
                let nearest = vecfield_expr::nearest_name(&part.variable, data.variables().iter().map(String::as_str));
                return Err(SindyError::UnknownVariable {
                    name: part.variable.clone(),
                    nearest: nearest.unwrap_or(&data.variables()[0]).to_string(),
                });
            };
            known.push((equation, selectable + formulas.len()));
            formulas.push(part.formula.clone());
        }
        let library = if formulas.is_empty() { library } else { library.with_known(&formulas)? };
        Ok((library, selectable, known))
    }
}

const AUTO_LARGEST: usize = 8;

/// The best subset by `n log(RSS/n) + k log n`: white Gaussian residuals of unknown variance (Schwarz 1978).
fn exact(system: &GramSystem, largest: usize) -> Result<Vec<f64>, SindyError> {
    let found = best_subsets(system, largest, 1)?;
    let n = system.rows as f64;
    // Residuals below the rounding of the Gram matrix are all alike.
    let floor = 1e3 * f64::EPSILON * system.total;
    let score = |rss: f64, size: usize| n * (rss.max(floor) / n).ln() + size as f64 * n.ln();
    let best = found
        .by_size
        .iter()
        .flatten()
        .min_by(|a, b| score(a.rss, a.support.len()).total_cmp(&score(b.rss, b.support.len())));
    let mut theta = vec![0.0; system.len()];
    if let Some(best) = best {
        for (&feature, &c) in best.support.iter().zip(&best.coefficients) {
            theta[feature] = c;
        }
    }
    Ok(theta)
}

fn scored(data: &Trajectories, paths: &Paths, model: Model) -> Result<Model, SindyError> {
    let derivative_r2 = derivative_r2(data, paths, &model)?;
    let trajectory_r2 = trajectory_r2(data, paths, &model);
    Ok(Model { derivative_r2, trajectory_r2, ..model })
}

/// `1 - Σ (y - simulated)² / Σ (y - mean)²`, mean over variables, from the smoothed first state of each run.
fn trajectory_r2(data: &Trajectories, paths: &Paths, model: &Model) -> Option<f64> {
    let d = data.dim();
    let mut left = vec![0.0; d];
    for (index, run) in data.runs().iter().enumerate() {
        let start: Vec<f64> = paths.run(index).iter().map(|curve| curve.value(run.times()[0])).collect();
        let states = model.simulate(&start, run.times()).ok()?;
        for (measured, simulated) in run.values().chunks(d).zip(states.chunks(d)) {
            for i in (0..d).filter(|&i| !measured[i].is_nan()) {
                left[i] += (measured[i] - simulated[i]).powi(2);
            }
        }
    }
    let spread = |i: usize| data.std(i).powi(2) * data.observed(i).count() as f64;
    let mean = (0..d).map(|i| 1.0 - left[i] / spread(i)).sum::<f64>() / d as f64;
    mean.is_finite().then_some(mean)
}

/// `1 - Σ (ẏ - f)² / Σ (ẏ - mean)²` along the smoothed path, mean over equations.
fn derivative_r2(data: &Trajectories, paths: &Paths, model: &Model) -> Result<f64, SindyError> {
    let d = data.dim();
    let (mut left, mut sums, mut squares, mut count) = (vec![0.0; d], vec![0.0; d], vec![0.0; d], 0.0);
    let mut values = vec![0.0; model.library.len()];
    for (index, run) in data.runs().iter().enumerate() {
        let mut along = crate::path::Along::new(&model.library, run, paths.run(index));
        for &t in run.times() {
            along.features(t, &mut values)?;
            for i in 0..d {
                let known: f64 = model.known.iter().filter(|part| part.0 == i).map(|part| values[part.1]).sum();
                let chosen = |c: &[f64]| if c.is_empty() { 0.0 } else { dot(c, &values[..model.selectable]) };
                let f = known + chosen(model.coefficients(i)) / (1.0 + chosen(model.denominator(i)));
                let rate = paths.run(index)[i].derivative(t);
                left[i] += (rate - f).powi(2);
                sums[i] += rate;
                squares[i] += rate * rate;
            }
            count += 1.0;
        }
    }
    let share = |i: usize| {
        let spread: f64 = squares[i] - sums[i] * sums[i] / count;
        // A rate that never changes is matched or not.
        if spread > 0.0 { 1.0 - left[i] / spread } else { f64::from(u8::from(left[i] == 0.0)) }
    };
    Ok((0..d).map(share).sum::<f64>() / d as f64)
}
