//! Columns to draw: named variables, series, bands. Cells that are not finite are gaps.

use crate::error::PlotError;
use crate::ticks::LARGEST;

/// A measured quantity, as it is written on an axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name in the data and in the equations.
    pub name: String,
    /// Its unit, if known: `thousand pelts`, `years`.
    pub unit: Option<String>,
}

impl Variable {
    /// A variable whose unit is not known.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), unit: None }
    }

    /// The same variable with a unit.
    pub fn in_units(self, unit: impl Into<String>) -> Self {
        Self { unit: Some(unit.into()), ..self }
    }

    /// `hare (thousand pelts)`.
    pub fn label(&self) -> String {
        match &self.unit {
            Some(unit) => format!("{} ({unit})", self.name),
            None => self.name.clone(),
        }
    }
}

/// Points `(xₖ, yₖ)` in order, for instance a variable over time or a path in the phase plane. A point with a
/// coordinate that is not finite is a gap: lines break there, markers are left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    points: Vec<[f64; 2]>,
}

impl Series {
    /// From two columns of equal length.
    ///
    /// # Errors
    /// [`PlotError::Length`] if they are not.
    pub fn new(x: &[f64], y: &[f64]) -> Result<Self, PlotError> {
        same_length("a series' y column", x.len(), y.len())?;
        Ok(Self { points: x.iter().zip(y).map(|(&x, &y)| [x, y]).collect() })
    }

    /// The points, gaps included.
    pub fn points(&self) -> &[[f64; 2]] {
        &self.points
    }

    /// The points that can be drawn.
    pub fn finite(&self) -> impl Iterator<Item = [f64; 2]> + '_ {
        self.points.iter().copied().filter(|point| point.iter().all(|&value| drawable(value)))
    }

    /// Maximal runs of points without a gap.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &[[f64; 2]]> {
        self.points.split(|point| !point.iter().all(|&value| drawable(value))).filter(|run| !run.is_empty())
    }
}

impl FromIterator<[f64; 2]> for Series {
    fn from_iter<I: IntoIterator<Item = [f64; 2]>>(points: I) -> Self {
        Self { points: points.into_iter().collect() }
    }
}

/// A band `lowerₖ ≤ y ≤ upperₖ` over `xₖ`, with a name such as `95 % band`.
#[derive(Debug, Clone, PartialEq)]
pub struct Band {
    label: String,
    /// `(x, lower, upper)`.
    rows: Vec<[f64; 3]>,
}

impl Band {
    /// From three columns of equal length. `label` is what the legend calls it.
    ///
    /// # Errors
    /// [`PlotError::Length`] if their lengths differ.
    pub fn new(label: impl Into<String>, x: &[f64], lower: &[f64], upper: &[f64]) -> Result<Self, PlotError> {
        same_length("a band's lower edge", x.len(), lower.len())?;
        same_length("a band's upper edge", x.len(), upper.len())?;
        let rows = x.iter().zip(lower).zip(upper).map(|((&x, &lower), &upper)| [x, lower, upper]).collect();
        Ok(Self { label: label.into(), rows })
    }

    /// What the legend calls it.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The rows `[x, lower, upper]`, gaps included.
    pub fn rows(&self) -> &[[f64; 3]] {
        &self.rows
    }

    pub(crate) fn runs(&self) -> impl Iterator<Item = &[[f64; 3]]> {
        self.rows.split(|row| !row.iter().all(|&value| drawable(value))).filter(|run| !run.is_empty())
    }
}

pub(crate) fn drawable(value: f64) -> bool {
    value.abs() <= LARGEST
}

pub(crate) fn same_length(what: &'static str, expected: usize, found: usize) -> Result<(), PlotError> {
    if expected == found { Ok(()) } else { Err(PlotError::Length { what, expected, found }) }
}
