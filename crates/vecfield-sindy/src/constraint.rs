//! What is known of coefficients: linear relations between those of any equations.
//!
//! `x[y]` is the coefficient of the term `y` in the equation of `x`. Relations are affine in such coefficients: `x[y] = -x[x]`, `z[z] <= 0`,
//! `2*x[x] - y[y]/3 = 8/3`. A field whose quadratic part keeps the energy `Σ xᵢ²/2` obeys one relation for each cubic monomial.

mod relations;

pub(crate) use relations::{Flat, Minimum, Relations, Row};

use crate::{Library, SindyError};
use vecfield_expr::{Graph, Program, Scope};

/// A relation between coefficients.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Constraint {
    /// `Σ weight · coefficient = value`, or `≤`, or `≥`.
    Linear(LinearConstraint),
    /// The quadratic terms of all equations together keep `Σ xᵢ²`: `Σᵢ xᵢ qᵢ(x) = 0` (Schlegel and Noack 2015).
    EnergyPreserving,
}

/// How the two sides of a relation compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// They are equal.
    Equal,
    /// The left one is at most the right one.
    AtMost,
    /// The left one is at least the right one.
    AtLeast,
}

/// `Σ weight · coefficient` compared with `value`.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearConstraint {
    /// The text it was read from, for messages.
    pub text: String,
    /// Weight, variable whose equation is meant, term.
    pub parts: Vec<(f64, String, String)>,
    /// The comparison.
    pub comparison: Comparison,
    /// The other side.
    pub value: f64,
}

impl Constraint {
    /// Reads `x[y] = -x[x]`, `z[z] <= 0`, or `energy`.
    ///
    /// # Errors
    ///
    /// [`SindyError::ConstraintSyntax`].
    pub fn parse(text: &str) -> Result<Self, SindyError> {
        if text.trim() == "energy" {
            return Ok(Self::EnergyPreserving);
        }
        let wrong =
            |problem: &str| SindyError::ConstraintSyntax { text: text.to_string(), problem: problem.to_string() };
        let (formula, names) = placeholders(text).map_err(wrong)?;
        let comparisons =
            [("<=", Comparison::AtMost), (">=", Comparison::AtLeast), ("=", Comparison::Equal)].into_iter();
        let found = comparisons.filter_map(|(sign, comparison)| Some((formula.split_once(sign)?, comparison))).next();
        let ((left, right), comparison) = found.ok_or_else(|| wrong("there is no `=`, `<=` or `>=`"))?;
        if names.is_empty() {
            return Err(wrong("there is no coefficient"));
        }
        let (weights, level) = affine(&format!("({left}) - ({right})"), names.len()).map_err(|e| wrong(&e))?;
        let parts = weights.into_iter().zip(names).map(|(weight, (variable, term))| (weight, variable, term)).collect();
        Ok(Self::Linear(LinearConstraint { text: text.to_string(), parts, comparison, value: -level }))
    }

    /// Adds its rows over the coefficients `[d, p]` of the first `p` features of a library.
    pub(crate) fn add_to(&self, relations: &mut Relations, library: &Library, p: usize) -> Result<(), SindyError> {
        match self {
            Self::Linear(linear) => linear.add_to(relations, library, p),
            Self::EnergyPreserving => {
                energy_rows(library, p).into_iter().for_each(|row| relations.equalities.push(row));
                Ok(())
            }
        }
    }
}

impl LinearConstraint {
    fn add_to(&self, relations: &mut Relations, library: &Library, p: usize) -> Result<(), SindyError> {
        let mut row = Row { parts: Vec::new(), value: self.value };
        for (weight, variable, term) in &self.parts {
            let equation = library.equation(variable)?;
            let feature = library.feature(term).filter(|k| *k < p).ok_or_else(|| {
                let keys = library.features()[..p].iter().map(|feature| feature.key());
                let nearest =
                    vecfield_expr::nearest_name(term, keys.clone()).unwrap_or_else(|| library.features()[0].key());
                SindyError::UnknownTerm { term: term.clone(), nearest: nearest.to_string() }
            })?;
            match row.parts.iter_mut().find(|part| part.0 == equation * p + feature) {
                Some(part) => part.1 += weight,
                None => row.parts.push((equation * p + feature, *weight)),
            }
        }
        row.parts.retain(|part| part.1 != 0.0);
        match self.comparison {
            Comparison::Equal => relations.equalities.push(row),
            Comparison::AtMost => relations.inequalities.push(row),
            Comparison::AtLeast => {
                row.value = -row.value;
                row.parts.iter_mut().for_each(|part| part.1 = -part.1);
                relations.inequalities.push(row);
            }
        }
        Ok(())
    }
}

/// A variable and a term.
type Named = (String, String);

/// The text with `name[term]` replaced by symbols `c0, c1, ..`, and the pairs these stand for.
fn placeholders(text: &str) -> Result<(String, Vec<Named>), &'static str> {
    let (mut formula, mut names, mut rest) = (String::new(), Vec::new(), text);
    while let Some((before, after)) = rest.split_once('[') {
        let name = before.rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default();
        let (term, behind) = after.split_once(']').ok_or("a `[` is not closed")?;
        if name.is_empty() || term.trim().is_empty() {
            return Err("a coefficient is written `variable[term]`");
        }
        formula += &before[..before.len() - name.len()];
        formula += &format!("c{}", names.len());
        names.push((name.to_string(), term.trim().to_string()));
        rest = behind;
    }
    Ok((formula + rest, names))
}

/// Weights and level of a formula that is affine in `c0 .. c{n-1}`.
fn affine(formula: &str, n: usize) -> Result<(Vec<f64>, f64), String> {
    let symbols: Vec<String> = (0..n).map(|k| format!("c{k}")).collect();
    let scope = Scope::new(symbols.iter().cloned()).map_err(|error| error.to_string())?;
    let mut graph = Graph::new();
    let id = graph.parse(formula, &scope).map_err(|error| error.to_string())?;
    let program = Program::compile(&graph, &[id], &symbols).map_err(|error| error.to_string())?;
    let mut registers = program.registers();
    let mut at = |point: &[f64]| {
        let mut value = [0.0];
        program.eval(point, &mut value, &mut registers);
        value[0]
    };
    let level = at(&vec![0.0; n]);
    let unit = |k: usize| (0..n).map(|j| f64::from(u8::from(j == k))).collect::<Vec<_>>();
    let weights: Vec<f64> = (0..n).map(|k| at(&unit(k)) - level).collect();
    // An affine function is what its values at the corners say, everywhere.
    let point: Vec<f64> = (0..n).map(|k| 1.7 + 0.3 * k as f64).collect();
    let wanted = level + vecfield_linalg::dot(&weights, &point);
    let size = 1.0 + level.abs() + weights.iter().map(|w| w.abs()).sum::<f64>();
    if (at(&point) - wanted).abs() <= 1e-9 * size * point.len() as f64 && size.is_finite() {
        Ok((weights, level))
    } else {
        Err("it is not linear in the coefficients".to_string())
    }
}

/// `Σᵢ xᵢ qᵢ(x)`, monomial by monomial.
fn energy_rows(library: &Library, p: usize) -> Vec<Row> {
    let names = library.variables();
    let d = names.len();
    let place = |a: usize, b: usize| library.monomial(&[a, b]).filter(|k| *k < p);
    let mut rows = Vec::new();
    for i in 0..d {
        for j in i..d {
            for k in j..d {
                let mut row = Row { parts: Vec::new(), value: 0.0 };
                let mut splits = vec![(i, [j, k]), (j, [i, k]), (k, [i, j])];
                splits.dedup_by_key(|split| split.0);
                for (equation, [a, b]) in splits {
                    if let Some(feature) = place(a, b) {
                        row.parts.push((equation * p + feature, 1.0));
                    }
                }
                if !row.parts.is_empty() {
                    rows.push(row);
                }
            }
        }
    }
    rows
}
