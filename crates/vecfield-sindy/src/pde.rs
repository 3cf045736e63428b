//! Partial differential equations `∂u/∂t = Σ_k θ_k φ_k(u, u_x, u_xx, ..)` from fields measured on a grid, in weak form.
//!
//! Both sides are multiplied by test functions `ψ` of compact support and integrated over space and time. Derivatives then fall on `ψ`, where
//! they are exact: `-∫∫ ψ_t u = Σ_k θ_k (-1)^a ∫∫ ∂ₓᵃψ g_k(u)` for terms `∂ₓᵃ g_k(u)`, such as `u u_x = ∂ₓ(u²/2)`; the few terms that are no
//! derivatives, such as `u u_xx`, are taken from the smoothed field. Two things make it work on noisy data:
//!
//! - the covariance of what noise does to both sides is carried (generalised least squares, iterated, since it depends on `θ`): overlapping
//!   test functions and derivatives on them give residuals that are anything but white (Bortz, Messenger and Dukic 2023, for ODEs);
//! - powers of a noisy value are replaced by Hermite polynomials, whose expectation is the power: `u² - σ²`, `u³ - 3σ²u`.
//!
//! The size of the test functions is tuned: of a few, the one is taken that leaves the smallest standard errors. Weak forms for sparse
//! regression: Messenger and Bortz 2021, Reinbold and others 2020; the idea of a library of derivatives: Rudy and others 2017.

mod assemble;
mod bump;
mod select;
mod terms;

use crate::SindyError;
use assemble::{Patches, Sizes};
use select::{Choice, choose};
pub use terms::PdeTerm;
use vecfield_data::Trajectories;
use vecfield_expr::{ExprId, Graph, TextStyle};

/// Equally spaced points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    /// The first point.
    pub first: f64,
    /// From a point to the next.
    pub step: f64,
    /// Does the last point neighbour the first?
    pub periodic: bool,
}

impl Grid {
    /// Reads `FIRST:STEP`.
    ///
    /// # Errors
    ///
    /// [`SindyError::GridSyntax`].
    pub fn parse(text: &str, periodic: bool) -> Result<Self, SindyError> {
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|v| v.is_finite());
        match text.split_once(':').map(|(first, step)| (number(first), number(step))) {
            Some((Some(first), Some(step))) if step > 0.0 => Ok(Self { first, step, periodic }),
            _ => Err(SindyError::GridSyntax { text: text.to_string() }),
        }
    }
}

/// Fields `u(t, x)` on a grid, in several runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Fields {
    names: Vec<String>,
    grid: Grid,
    points: usize,
    runs: Vec<FieldRun>,
}

#[derive(Debug, Clone, PartialEq)]
struct FieldRun {
    times: Vec<f64>,
    /// `[fields][times, points]`.
    values: Vec<Vec<f64>>,
}

/// The fewest points and times: those of the smallest test function.
const LEAST_EXTENT: usize = 2 * SIZES[0] + 3;

/// Half widths of test functions that are tried, in points.
const SIZES: [usize; 6] = [8, 12, 16, 24, 36, 54];

impl Fields {
    /// The fields of columns `u_0 .. u_{n-1}` (and `v_0 ..`, as many).
    ///
    /// # Errors
    ///
    /// [`SindyError::NotAField`] when the columns are others, [`SindyError::SmallField`], [`SindyError::FieldCell`] for a missing value.
    pub fn from_columns(data: &Trajectories, grid: Grid) -> Result<Self, SindyError> {
        let mut names: Vec<String> = Vec::new();
        let mut columns: Vec<Vec<usize>> = Vec::new();
        for (column, name) in data.variables().iter().enumerate() {
            let strange = || SindyError::NotAField { column: name.clone() };
            let (field, index) = name.rsplit_once('_').ok_or_else(strange)?;
            let index: usize = index.parse().map_err(|_| strange())?;
            let at = names.iter().position(|known| known == field).unwrap_or_else(|| {
                names.push(field.to_string());
                columns.push(Vec::new());
                names.len() - 1
            });
            if index != columns[at].len() {
                return Err(strange());
            }
            columns[at].push(column);
        }
        let points = columns[0].len();
        if let Some(other) = columns.iter().position(|columns| columns.len() != points) {
            return Err(SindyError::NotAField { column: format!("{}_{}", names[other], columns[other].len()) });
        }
        let most = data.runs().iter().map(|run| run.len()).max().unwrap_or(0);
        if points < LEAST_EXTENT || most < LEAST_EXTENT {
            return Err(SindyError::SmallField { points, times: most, needed: LEAST_EXTENT });
        }
        let mut runs = Vec::new();
        for run in data.runs().iter().filter(|run| run.len() >= LEAST_EXTENT) {
            if let Some(at) = run.values().iter().position(|value| value.is_nan()) {
                let variable = data.variables()[at % data.dim()].clone();
                return Err(SindyError::FieldCell { variable, t: run.times()[at / data.dim()] });
            }
            let gather = |columns: &Vec<usize>| {
                (0..run.len()).flat_map(|k| columns.iter().map(move |&c| run.row(k)[c])).collect()
            };
            runs.push(FieldRun { times: run.times().to_vec(), values: columns.iter().map(gather).collect() });
        }
        Ok(Self { names, grid, points, runs })
    }

    /// The names of the fields.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    fn rms(&self, field: usize) -> f64 {
        let (sum, count) = self
            .runs
            .iter()
            .flat_map(|run| &run.values[field])
            .fold((0.0, 0_usize), |(sum, count), v| (sum + v * v, count + 1));
        (sum / count as f64).sqrt()
    }

    /// White noise on a field by differences of orders 3 to 8 along time and space, the least.
    fn noise(&self, field: usize) -> f64 {
        let mut least = f64::INFINITY;
        for order in 3..=8 {
            let (mut along_t, mut along_x) = (Mean::default(), Mean::default());
            let weights: Vec<f64> =
                (0..=order).map(|k| if k % 2 == 0 { binomial(order, k) } else { -binomial(order, k) }).collect();
            for run in &self.runs {
                let (values, n) = (&run.values[field], self.points);
                for at in 0..values.len() {
                    if at / n + order < run.times.len() {
                        along_t.add(weights.iter().enumerate().map(|(k, w)| w * values[at + k * n]).sum());
                    }
                    if at % n + order < n {
                        along_x.add(weights.iter().enumerate().map(|(k, w)| w * values[at + k]).sum());
                    }
                }
            }
            let unit = binomial(2 * order, order);
            least = least.min((along_t.square() / unit).sqrt()).min((along_x.square() / unit).sqrt());
        }
        least
    }
}

/// A mean square.
#[derive(Default)]
struct Mean(f64, usize);

impl Mean {
    fn add(&mut self, value: f64) {
        self.0 += value * value;
        self.1 += 1;
    }

    fn square(&self) -> f64 {
        if self.1 == 0 { f64::INFINITY } else { self.0 / self.1 as f64 }
    }
}

fn binomial(n: usize, k: usize) -> f64 {
    (0..k).fold(1.0, |product, i| product * (n - i) as f64 / (i + 1) as f64)
}

/// Identification of partial differential equations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PdeSindy {
    /// The largest total degree of a term.
    pub degree: usize,
    /// The highest derivative, at most 4.
    pub order: usize,
}

impl Default for PdeSindy {
    fn default() -> Self {
        Self { degree: 3, order: MOST_ORDER }
    }
}

/// The highest derivative a test function has to spare.
const MOST_ORDER: usize = 4;

/// Beyond this share of a field's size its digits are not believed: quadrature errs too.
const FLOOR: f64 = 1e-5;

impl PdeSindy {
    /// The equations of the fields.
    ///
    /// # Errors
    ///
    /// [`SindyError::TooManyFeatures`], [`SindyError::SmallField`] when no test function fits.
    pub fn fit(&self, fields: &Fields) -> Result<PdeModel, SindyError> {
        let terms = terms::library(&fields.names, self.degree, self.order.min(MOST_ORDER));
        if terms.len() > MOST_TERMS {
            return Err(SindyError::TooManyFeatures { features: terms.len(), most: MOST_TERMS });
        }
        let noise: Vec<f64> = (0..fields.names.len()).map(|f| fields.noise(f)).collect();
        let believed: Vec<f64> = noise.iter().enumerate().map(|(f, s)| s.max(FLOOR * fields.rms(f))).collect();
        let mut best: Vec<Option<Choice>> = vec![None; fields.names.len()];
        for sizes in Sizes::tried(fields) {
            let patches = Patches::new(fields, &terms, &believed, sizes);
            for (equation, best) in best.iter_mut().enumerate() {
                let Some(choice) = choose(&patches, &terms, equation) else { continue };
                if best.as_ref().is_none_or(|best| choice.error < best.error) {
                    *best = Some(choice);
                }
            }
        }
        let needed = LEAST_EXTENT;
        let times = fields.runs.iter().map(|run| run.times.len()).max().unwrap_or(0);
        let best = best.into_iter().collect::<Option<Vec<Choice>>>();
        let equations = best.ok_or(SindyError::SmallField { points: fields.points, times, needed })?;
        Ok(PdeModel { names: fields.names.clone(), terms, equations, noise })
    }
}

/// The most terms that are searched.
const MOST_TERMS: usize = 200;

/// Partial differential equations that were found.
#[derive(Debug, Clone)]
pub struct PdeModel {
    names: Vec<String>,
    terms: Vec<PdeTerm>,
    equations: Vec<Choice>,
    noise: Vec<f64>,
}

impl PdeModel {
    /// The names of the fields.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The candidates.
    pub fn library(&self) -> &[PdeTerm] {
        &self.terms
    }

    /// `(key, coefficient, standard error)` of the terms of equation `i`.
    pub fn terms(&self, i: usize) -> impl Iterator<Item = (&str, f64, f64)> + '_ {
        let equation = &self.equations[i];
        let found = equation.theta.iter().zip(&equation.stderr).zip(&self.terms);
        found.filter(|((c, _), _)| **c != 0.0).map(|((&c, &e), term)| (term.key(), c, e))
    }

    /// The probability of each term to be in equation `i`, as [`Model::inclusion`](crate::Model::inclusion).
    pub fn inclusion(&self, i: usize) -> &[f64] {
        &self.equations[i].inclusion
    }

    /// `R²` of the weak form of equation `i`.
    pub fn r2(&self, i: usize) -> f64 {
        self.equations[i].r2
    }

    /// Half widths of the test functions of equation `i`, in points and in times.
    pub fn test_function(&self, i: usize) -> [usize; 2] {
        self.equations[i].sizes
    }

    /// The noise on each field, by differences.
    pub fn noise(&self) -> &[f64] {
        &self.noise
    }

    /// The right-hand sides of `∂u/∂t`, with at most `digits` significant digits, or with all.
    pub fn equations(&self, digits: Option<usize>) -> Vec<String> {
        let style = digits.map_or_else(TextStyle::default, TextStyle::digits);
        let (graph, formulas) = self.formulas();
        formulas.iter().map(|&formula| graph.to_text_styled(formula, style)).collect()
    }

    /// The same in LaTeX.
    pub fn latex(&self, digits: Option<usize>) -> Vec<String> {
        let style = digits.map_or_else(TextStyle::default, TextStyle::digits);
        let (graph, formulas) = self.formulas();
        formulas.iter().map(|&formula| graph.to_latex_styled(formula, style)).collect()
    }

    fn formulas(&self) -> (Graph, Vec<ExprId>) {
        let mut graph = Graph::new();
        let formulas = self
            .equations
            .iter()
            .map(|equation| {
                let chosen = equation.theta.iter().zip(&self.terms).filter(|(c, _)| **c != 0.0);
                let terms: Vec<(f64, ExprId)> =
                    chosen.map(|(&c, term)| (c, term.formula(&self.names, &mut graph))).collect();
                graph.linear_combination(terms)
            })
            .collect();
        (graph, formulas)
    }
}
