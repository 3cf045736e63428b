//! What was found: equations with their errors and scores.

use crate::refine::Rival;
use crate::sindy::Terms;
use crate::{Library, SindyError};
use vecfield_expr::{ExprField, ExprId, Graph, TextStyle};
use vecfield_linalg::dot;

/// How far the equations were taken beyond linear regression.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Refinement {
    /// Not asked for, or the fit was cut short before.
    None,
    /// Coefficients and support were fitted through the solver on windows of this many samples.
    Shooting {
        /// Samples in a window.
        window: usize,
        /// Is every window tied to the next, so that a run is one path from beginning to end?
        tied: bool,
    },
    /// The equations of the regression leave the data even on short windows: they are a start, not a law.
    DidNotStart,
}

/// Sparse equations `dyᵢ/dt = known_i + Σ_k θ_ik φ_k`, or with quotients `known_i + Σ_k θ_ik φ_k / (1 + Σ_k β_ik φ_k)`.
#[derive(Debug, Clone)]
pub struct Model {
    pub(crate) library: Library,
    /// Features that can be chosen; known parts stand behind them.
    pub(crate) selectable: usize,
    /// `[variables, selectable]`; of quotients, as much again for the denominators.
    pub(crate) coefficients: Vec<f64>,
    pub(crate) stderr: Vec<f64>,
    /// Empty where no evidence was weighed.
    pub(crate) inclusion: Vec<f64>,
    pub(crate) runners_up: Vec<Rival>,
    /// Known parts: `(equation, feature)`.
    pub(crate) known: Vec<(usize, usize)>,
    pub(crate) noise: Vec<f64>,
    pub(crate) derivative_r2: f64,
    pub(crate) trajectory_r2: Option<f64>,
    pub(crate) refinement: Refinement,
    /// `[runs][samples, variables]`: the path of the last fit through the solver.
    pub(crate) path: Vec<Vec<f64>>,
    /// Of a map: the time from a value to the next.
    pub(crate) step: Option<f64>,
    pub(crate) trapping: Option<Trapping>,
    pub(crate) constants: Vec<Constant>,
    pub(crate) cut: bool,
}

/// A constant inside features, fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct Constant {
    /// Its name in the library.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// Its standard error, given the support; NaN where the likelihood cannot be linearised.
    pub stderr: f64,
}

/// Where the trajectories of a bounded quadratic system end: a ball.
#[derive(Debug, Clone, PartialEq)]
pub struct Trapping {
    /// Its centre.
    pub centre: Vec<f64>,
    /// The eigenvalues of the symmetric part of the Jacobian there, increasing, all negative.
    pub eigenvalues: Vec<f64>,
    /// Its radius.
    pub radius: f64,
}

/// Another support, and how likely it is.
#[derive(Debug, Clone, PartialEq)]
pub struct RunnerUp {
    /// Its right-hand sides.
    pub equations: Vec<String>,
    /// Its evidence over that of the chosen support.
    pub odds: f64,
}

impl Model {
    /// Equations without a term.
    pub(crate) fn empty(terms: &Terms) -> Self {
        Self {
            library: terms.library.clone(),
            selectable: terms.selectable,
            coefficients: Vec::new(),
            stderr: Vec::new(),
            inclusion: Vec::new(),
            runners_up: Vec::new(),
            known: terms.known.clone(),
            noise: Vec::new(),
            derivative_r2: f64::NAN,
            trajectory_r2: None,
            refinement: Refinement::None,
            path: Vec::new(),
            step: None,
            trapping: None,
            constants: Vec::new(),
            cut: false,
        }
    }

    /// The right-hand side of equation `i` from the values of the library, known parts included.
    pub(crate) fn rate(&self, i: usize, values: &[f64]) -> f64 {
        let known: f64 = self.known.iter().filter(|part| part.0 == i).map(|part| values[part.1]).sum();
        let chosen = |c: &[f64]| if c.is_empty() { 0.0 } else { dot(c, &values[..self.selectable]) };
        known + chosen(self.coefficients(i)) / (1.0 + chosen(self.denominator(i)))
    }

    /// The library; features beyond [`feature_count`](Model::feature_count) are known parts.
    pub fn library(&self) -> &Library {
        &self.library
    }

    /// Number of candidate features.
    pub fn feature_count(&self) -> usize {
        self.selectable
    }

    /// The state variables.
    pub fn variables(&self) -> &[String] {
        self.library.variables()
    }

    /// The coefficients of equation `i`, one per candidate feature, zero where it is not in the support.
    pub fn coefficients(&self, i: usize) -> &[f64] {
        &self.coefficients[i * self.selectable..(i + 1) * self.selectable]
    }

    /// Standard errors of the coefficients of equation `i`, given its support; zero off the support.
    pub fn stderr(&self, i: usize) -> &[f64] {
        &self.stderr[i * self.selectable..(i + 1) * self.selectable]
    }

    /// `(key, coefficient, standard error)` of the terms of equation `i`.
    pub fn terms(&self, i: usize) -> impl Iterator<Item = (&str, f64, f64)> + '_ {
        let errors = self.stderr(i);
        let terms = self.coefficients(i).iter().zip(errors).enumerate();
        terms.filter(|(_, (c, _))| **c != 0.0).map(|(k, (&c, &e))| (self.library.features()[k].key(), c, e))
    }

    /// Are right-hand sides quotients?
    pub fn is_rational(&self) -> bool {
        self.coefficients.len() > self.variables().len() * self.selectable
    }

    /// Are the equations a map, `y_{k+1} = f(y_k)`?
    pub fn is_map(&self) -> bool {
        self.step.is_some()
    }

    /// The coefficients `β` of the denominator `1 + Σ_k β_ik φ_k` of equation `i`; empty where equations are sums.
    pub fn denominator(&self, i: usize) -> &[f64] {
        let (d, p) = (self.variables().len(), self.selectable);
        self.coefficients.get((d + i) * p..(d + i + 1) * p).unwrap_or(&[])
    }

    /// The probability of each feature to be in equation `i`: its share of the evidence of the support and of all that adding, dropping or
    /// swapping one term makes of it, or of the members of an ensemble. Empty where neither was weighed; NaN where a fit was cut short before
    /// it had resampled the equation, which is then the one that all rows give.
    pub fn inclusion(&self, i: usize) -> &[f64] {
        self.inclusion.get(i * self.selectable..(i + 1) * self.selectable).unwrap_or(&[])
    }

    /// The most likely other supports, with the coefficients that the linearised likelihood predicts.
    pub fn runners_up(&self, digits: Option<usize>) -> Vec<RunnerUp> {
        let odds = |rival: &Rival| (-0.5 * rival.change).exp();
        self.runners_up
            .iter()
            .map(|rival| RunnerUp { equations: self.equations_of(&rival.theta, digits), odds: odds(rival) })
            .collect()
    }

    /// Number of terms in all equations.
    pub fn term_count(&self) -> usize {
        self.coefficients.iter().filter(|c| **c != 0.0).count()
    }

    /// The standard deviation of the noise on each variable, by the residuals of the last fit.
    pub fn noise(&self) -> &[f64] {
        &self.noise
    }

    /// `R²` of the derivative of the smoothed path, mean over equations.
    pub fn derivative_r2(&self) -> f64 {
        self.derivative_r2
    }

    /// `R²` of the runs simulated from their first states against the measurements, mean over variables; `None` where the equations cannot
    /// be integrated that far. A chaotic law has a poor one.
    pub fn trajectory_r2(&self) -> Option<f64> {
        self.trajectory_r2
    }

    /// The states at the samples of a run, `[samples, variables]`, as the last fit through the solver has them: the data without their noise.
    /// Empty where there was no such fit.
    pub fn fitted_path(&self, run: usize) -> &[f64] {
        self.path.get(run).map_or(&[], Vec::as_slice)
    }

    /// The constants inside features of the equations; the values of those that no equation has are nothing.
    pub fn constants(&self) -> &[Constant] {
        &self.constants
    }

    /// The ball that all trajectories end in, where one was asked for.
    pub fn trapping(&self) -> Option<&Trapping> {
        self.trapping.as_ref()
    }

    /// How far the equations were refined.
    pub fn refinement(&self) -> Refinement {
        self.refinement
    }

    /// Was the fit cut short? These are then the best equations until there.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// The right-hand sides as formulas, with the graph that holds them.
    pub fn formulas(&self) -> (Graph, Vec<ExprId>) {
        self.formulas_of(&self.coefficients)
    }

    fn formulas_of(&self, theta: &[f64]) -> (Graph, Vec<ExprId>) {
        let mut graph = self.library.graph().clone();
        let (d, p) = (self.variables().len(), self.selectable);
        let sum = |part: usize| -> Vec<(f64, ExprId)> {
            let coefficients = theta.get(part * p..(part + 1) * p).unwrap_or(&[]);
            let chosen = coefficients.iter().enumerate().filter(|(_, c)| **c != 0.0);
            chosen.map(|(k, &c)| (c, self.library.features()[k].formula())).collect()
        };
        let formulas = (0..d)
            .map(|i| {
                let known = self.known.iter().filter(|part| part.0 == i).map(|part| (1.0, part.1));
                let mut terms: Vec<(f64, ExprId)> =
                    known.map(|(c, k)| (c, self.library.features()[k].formula())).collect();
                let below = sum(d + i);
                if below.is_empty() {
                    terms.extend(sum(i));
                } else {
                    let above = graph.linear_combination(sum(i));
                    let one = graph.constant(1.0);
                    let below = graph.linear_combination(std::iter::once((1.0, one)).chain(below));
                    terms.push((1.0, graph.div(above, below)));
                }
                graph.linear_combination(terms)
            })
            .collect();
        (graph, formulas)
    }

    /// The right-hand sides as text, with at most `digits` significant digits, or with all.
    pub fn equations(&self, digits: Option<usize>) -> Vec<String> {
        self.equations_of(&self.coefficients, digits)
    }

    fn equations_of(&self, theta: &[f64], digits: Option<usize>) -> Vec<String> {
        let (graph, formulas) = self.formulas_of(theta);
        let style = digits.map_or_else(TextStyle::default, TextStyle::digits);
        formulas.iter().map(|&formula| graph.to_text_styled(formula, style)).collect()
    }

    /// The right-hand sides in LaTeX, with at most `digits` significant digits, or with all.
    pub fn latex(&self, digits: Option<usize>) -> Vec<String> {
        let (graph, formulas) = self.formulas();
        let style = digits.map_or_else(TextStyle::default, TextStyle::digits);
        formulas.iter().map(|&formula| graph.to_latex_styled(formula, style)).collect()
    }

    /// The right-hand sides as Rust expressions.
    pub fn rust(&self) -> Vec<String> {
        let (graph, formulas) = self.formulas();
        formulas.iter().map(|&formula| graph.to_rust(formula)).collect()
    }

    /// The equations as a vector field, for the solvers.
    ///
    /// # Errors
    ///
    /// [`SindyError::NeedsInputs`] when they depend on inputs, whose future values are not known.
    pub fn field(&self) -> Result<ExprField, SindyError> {
        let (graph, formulas) = self.formulas();
        let none: [&str; 0] = [];
        ExprField::new(&graph, &formulas, self.variables(), &none).map_err(|_| SindyError::NeedsInputs)
    }
}
