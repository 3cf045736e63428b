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
//! Space has one to three coordinates, each with its own points, even or not; test functions are products of bumps along each. The size of the test functions is tuned: of a few, the one is taken that leaves the smallest standard errors. Weak forms for sparse
//! regression: Messenger and Bortz 2021, Reinbold and others 2020; the idea of a library of derivatives: Rudy and others 2017.

mod assemble;
mod bump;
mod cells;
mod grid;
mod select;
mod smoothed;
mod terms;

use crate::SindyError;
use crate::progress::{GoesOn, Pulse};
use assemble::{Patches, Sizes};
use grid::Points;
pub use grid::{Axes, Axis, Grid, MOST_AXES};
use select::{Choice, choose};
pub use terms::PdeTerm;
use vecfield_data::Trajectories;
use vecfield_expr::{ExprId, Graph, TextStyle};

/// Fields `u(t, x)`, `u(t, x, y)` or `u(t, x, y, z)` on a grid, in several runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Fields {
    names: Vec<String>,
    /// One for each coordinate of space.
    space: Vec<Points>,
    runs: Vec<FieldRun>,
}

#[derive(Debug, Clone, PartialEq)]
struct FieldRun {
    /// Of time, then of space.
    axes: Vec<Points>,
    /// `[fields][times, points]`, points of the last coordinate next to each other.
    values: Vec<Vec<f64>>,
}

/// The fewest points and times: those of the smallest test function.
const LEAST_EXTENT: usize = 2 * SIZES[0] + 3;

/// Half widths of test functions that are tried, in points.
const SIZES: [usize; 6] = [8, 12, 16, 24, 36, 54];

impl Fields {
    /// The fields of columns `u_0 .. u_{n-1}` (and `v_0 ..`, as many); in two dimensions `u_0_0, u_0_1, .. u_1_0, ..`, the last number that of
    /// the last coordinate, and so on.
    ///
    /// # Errors
    ///
    /// [`SindyError::NotAField`] when the columns are others, [`SindyError::SmallField`], [`SindyError::FieldCell`] for a missing value,
    /// [`SindyError::GridPoints`] and [`SindyError::GridOrder`] for a grid that is none of these fields.
    pub fn from_columns(data: &Trajectories, axes: impl Into<Axes>) -> Result<Self, SindyError> {
        let Axes(axes) = axes.into();
        let (names, columns, counts) = columns(data, axes.len())?;
        let space: Vec<Points> =
            axes.iter().zip(&counts).map(|(axis, &count)| Points::new(axis, count)).collect::<Result<_, _>>()?;
        let points = counts.iter().copied().min().unwrap_or(0);
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
            let axes = std::iter::once(Points::times(run.times())).chain(space.iter().cloned()).collect();
            runs.push(FieldRun { axes, values: columns.iter().map(gather).collect() });
        }
        Ok(Self { names, space, runs })
    }

    /// How many coordinates of space there are.
    pub fn dimension(&self) -> usize {
        self.space.len()
    }

    /// Times of the longest run.
    fn times(&self) -> usize {
        self.runs.iter().map(|run| run.axes[0].len()).max().unwrap_or(0)
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

    /// White noise on a field by divided differences of orders 3 to 8 along time and space, the least.
    fn noise(&self, field: usize) -> f64 {
        let mut least = f64::INFINITY;
        for order in 3..=8 {
            for axis in 0..=self.dimension() {
                let mut mean = Mean::default();
                self.runs.iter().for_each(|run| run.differences(field, axis, order, &mut mean));
                least = least.min(mean.square().sqrt());
            }
        }
        least
    }
}

impl FieldRun {
    /// From a value to the next along an axis.
    fn stride(&self, axis: usize) -> usize {
        self.axes[axis + 1..].iter().map(Points::len).product()
    }

    /// Adds differences of a field along an axis whose weights have unit squares and leave nothing of polynomials below `order`.
    fn differences(&self, field: usize, axis: usize, order: usize, mean: &mut Mean) {
        let (values, points, stride) = (&self.values[field], &self.axes[axis], self.stride(axis));
        let weights: Vec<Vec<f64>> =
            (order..points.len()).map(|last| difference_weights(&points.at[last - order..=last])).collect();
        for at in 0..values.len() {
            let first = at / stride % points.len();
            if let Some(weights) = weights.get(first) {
                mean.add(weights.iter().enumerate().map(|(k, w)| w * values[at + k * stride]).sum());
            }
        }
    }
}

/// Fields by name, their columns in the order of the grid, and the points along each coordinate.
type Columns = (Vec<String>, Vec<Vec<usize>>, Vec<usize>);

/// Reads `NAME_i` or, in more dimensions, `NAME_i_j` in the order of the grid.
fn columns(data: &Trajectories, dimension: usize) -> Result<Columns, SindyError> {
    let mut names: Vec<String> = Vec::new();
    let mut columns: Vec<Vec<usize>> = Vec::new();
    let mut places: Vec<Vec<Vec<usize>>> = Vec::new();
    let strange = |column: usize| SindyError::NotAField { column: data.variables()[column].clone() };
    for (column, name) in data.variables().iter().enumerate() {
        let parts: Vec<&str> = name.rsplitn(dimension + 1, '_').collect();
        let numbers = parts[..parts.len() - 1].iter().rev().map(|part| part.parse::<usize>().ok());
        let place = numbers.collect::<Option<Vec<usize>>>().filter(|place| place.len() == dimension);
        let place = place.ok_or_else(|| strange(column))?;
        let field = parts[parts.len() - 1];
        let at = names.iter().position(|known| known == field).unwrap_or_else(|| {
            names.push(field.to_string());
            columns.push(Vec::new());
            places.push(Vec::new());
            names.len() - 1
        });
        columns[at].push(column);
        places[at].push(place);
    }
    // As many fields as a grid has points, with numbers in their names, are one field on a grid of more dimensions.
    let numbered = |name: &&String| name.rsplit_once('_').is_some_and(|(_, last)| last.parse::<usize>().is_ok());
    if names.iter().filter(numbered).count() >= LEAST_EXTENT {
        return Err(strange(0));
    }
    let count = |axis: usize| places[0].iter().map(|place| place[axis] + 1).max().unwrap_or(0);
    let counts: Vec<usize> = (0..dimension).map(count).collect();
    let wanted: Vec<Vec<usize>> = counts.iter().fold(vec![vec![]], |all: Vec<Vec<usize>>, &count| {
        all.iter().flat_map(|head| (0..count).map(move |k| head.iter().copied().chain([k]).collect())).collect()
    });
    for (field, places) in places.iter().enumerate() {
        let alike = places.iter().zip(&wanted).take_while(|(place, wanted)| place == wanted).count();
        if alike < places.len() {
            return Err(strange(columns[field][alike]));
        }
        if alike < wanted.len() {
            let missing: Vec<String> = wanted[alike].iter().map(usize::to_string).collect();
            return Err(SindyError::NotAField { column: format!("{}_{}", names[field], missing.join("_")) });
        }
    }
    Ok((names, columns, counts))
}

/// Weights of a divided difference, of unit squares.
fn difference_weights(nodes: &[f64]) -> Vec<f64> {
    let scale = nodes[nodes.len() - 1] - nodes[0];
    let weight = |k: usize| -> f64 {
        let others = (0..nodes.len()).filter(|&j| j != k);
        others.map(|j| scale / (nodes[k] - nodes[j])).product()
    };
    let weights: Vec<f64> = (0..nodes.len()).map(weight).collect();
    let norm = weights.iter().map(|w| w * w).sum::<f64>().sqrt();
    weights.iter().map(|w| w / norm).collect()
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
        self.fit_watched(fields, &|_| true)
    }

    /// The same, telling `goes_on` where it stands; at its `false` the best so far are the result, and [`PdeModel::is_cut`].
    ///
    /// # Errors
    ///
    /// As [`PdeSindy::fit`]; [`SindyError::Cut`] where an equation has nothing yet.
    pub fn fit_watched(&self, fields: &Fields, goes_on: &GoesOn<'_>) -> Result<PdeModel, SindyError> {
        let pulse = Pulse::new(goes_on);
        let terms = terms::library(&fields.names, fields.dimension(), self.degree, self.order.min(MOST_ORDER));
        if terms.len() > MOST_TERMS {
            return Err(SindyError::TooManyFeatures { features: terms.len(), most: MOST_TERMS });
        }
        let noise: Vec<f64> = (0..fields.names.len()).map(|f| fields.noise(f)).collect();
        let believed: Vec<f64> = noise.iter().enumerate().map(|(f, s)| s.max(FLOOR * fields.rms(f))).collect();
        let mut best: Vec<Option<Choice>> = vec![None; fields.names.len()];
        let (tried, equations) = (Sizes::tried(fields), fields.names.len());
        let work = (tried.len() * equations) as f64;
        for (k, &sizes) in tried.iter().enumerate() {
            if !pulse.tell("integrating", (k * equations) as f64 / work) {
                break;
            }
            let patches = Patches::new(fields, &terms, &believed, sizes);
            for (equation, best) in best.iter_mut().enumerate() {
                if !pulse.tell("choosing terms", (k * equations + equation) as f64 / work) {
                    break;
                }
                let Some(choice) = choose(&patches, &terms, equation) else { continue };
                if best.as_ref().is_none_or(|best| choice.error < best.error) {
                    *best = Some(choice);
                }
            }
        }
        let points = fields.space.iter().map(Points::len).min().unwrap_or(0);
        let none = match pulse.is_cut() {
            true => SindyError::Cut,
            false => SindyError::SmallField { points, times: fields.times(), needed: LEAST_EXTENT },
        };
        let equations = best.into_iter().collect::<Option<Vec<Choice>>>().ok_or(none)?;
        Ok(PdeModel { names: fields.names.clone(), terms, equations, noise, cut: pulse.is_cut() })
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
    cut: bool,
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

    /// Half widths of the test functions of equation `i`, in points along every coordinate of space and in times.
    pub fn test_function(&self, i: usize) -> [usize; 2] {
        self.equations[i].sizes
    }

    /// The noise on each field, by differences.
    pub fn noise(&self) -> &[f64] {
        &self.noise
    }

    /// Was the fit cut short? These are then the best equations until there.
    pub fn is_cut(&self) -> bool {
        self.cut
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
