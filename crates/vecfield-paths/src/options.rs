//! What a path is to be: its interpolation and its channels.

use crate::cubic::{Cubic, akima_slopes, hermite, monotone_slopes, natural_slopes, part};
use crate::error::PathError;
use crate::interpolation::Interpolation;
use crate::path::Path;

/// How a [`Path`] is made of rows.
///
/// The channels of the path are, in this order: time, where it is [one of them](PathOptions::with_time); the columns of the
/// rows; and for each column [how often it was measured](PathOptions::with_intensities) so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PathOptions {
    pub(crate) interpolation: Interpolation,
    pub(crate) time: bool,
    pub(crate) intensities: bool,
    pub(crate) missing: bool,
    pub(crate) before: f64,
}

impl PathOptions {
    /// A path through columns that were measured in every row.
    pub fn new(interpolation: Interpolation) -> PathOptions {
        PathOptions { interpolation, time: false, intensities: false, missing: false, before: 0.0 }
    }

    /// The same with time as a channel, the first.
    pub fn with_time(self) -> PathOptions {
        PathOptions { time: true, ..self }
    }

    /// The same with a channel behind the columns for each of them that counts how often it was measured so far, the first
    /// row included (Kidger, Morrill, Foster & Lyons 2020, section 3.2).
    pub fn with_intensities(self) -> PathOptions {
        PathOptions { intensities: true, ..self }
    }

    /// The same with cells that may be NaN: not measured. A causal path keeps the value before; the others go from measured cell
    /// to measured cell, and stay as they are beyond the first and the last.
    pub fn with_missing(self) -> PathOptions {
        PathOptions { missing: true, ..self }
    }

    /// The value of a column before it was ever measured, of a causal path, and of one that never was; zero unless said.
    pub fn with_value_before(self, before: f64) -> PathOptions {
        PathOptions { before, ..self }
    }

    /// How the path goes between rows.
    pub fn interpolation(&self) -> Interpolation {
        self.interpolation
    }

    /// How many channels a path has through rows of so many columns.
    pub fn channels(&self, columns: usize) -> usize {
        usize::from(self.time) + columns * (1 + usize::from(self.intensities))
    }

    /// The path through `values`, `[times, columns]`.
    ///
    /// # Errors
    ///
    /// [`PathError::Empty`] and [`PathError::OnePoint`] without two rows, [`PathError::TimeOrder`] and [`PathError::Time`],
    /// [`PathError::NotFinite`] for an infinite value, and for NaN unless cells [may be missing](PathOptions::with_missing);
    /// [`PathError::Shape`]; [`PathError::TimeChannel`] for a rectilinear path without time.
    pub fn path(&self, times: &[f64], values: &[f64], columns: usize) -> Result<Path, PathError> {
        match times {
            [] => return Err(PathError::Empty),
            &[t] => return Err(PathError::OnePoint { t }),
            _ => {}
        }
        if values.len() != times.len() * columns {
            return Err(PathError::Shape { values: values.len(), rows: times.len(), channels: columns });
        }
        if self.interpolation == Interpolation::Rectilinear && !self.time {
            return Err(PathError::TimeChannel);
        }
        let mut path = Path::begun(*self, columns);
        for (row, &t) in times.iter().enumerate() {
            path.add(t, &values[row * columns..(row + 1) * columns])?;
        }
        let slopes = match self.interpolation {
            Interpolation::Natural => natural_slopes,
            Interpolation::Akima => akima_slopes,
            Interpolation::Monotone => monotone_slopes,
            _ => return Ok(path),
        };
        for column in 0..columns {
            let cells: Vec<f64> = values.iter().skip(column).step_by(columns).copied().collect();
            let channel = usize::from(self.time) + column;
            path.replace(channel, &self.through(times, &cells, slopes));
        }
        Ok(path)
    }

    /// One column's pieces between all times, through the cells that were measured.
    fn through(&self, times: &[f64], cells: &[f64], slopes: fn(&[f64], &[f64]) -> Vec<f64>) -> Vec<Cubic> {
        let (t, x): (Vec<f64>, Vec<f64>) = times.iter().zip(cells).filter(|(_, x)| !x.is_nan()).unzip();
        let constant = |x: f64| [x, 0.0, 0.0, 0.0];
        let (Some(&first), Some(&last)) = (x.first(), x.last()) else {
            return vec![constant(self.before); times.len() - 1];
        };
        let slopes = if t.len() > 1 { slopes(&t, &x) } else { vec![] };
        let piece = |ends: &[f64]| {
            // The last knot at or before this piece.
            let known = t.partition_point(|&t| t <= ends[0]);
            if known == 0 {
                return constant(first);
            }
            if known == t.len() {
                return constant(last);
            }
            let k = known - 1;
            let h = t[k + 1] - t[k];
            let whole = hermite([x[k], x[k + 1]], [h * slopes[k], h * slopes[k + 1]]);
            if ends[0] == t[k] && ends[1] == t[k + 1] {
                whole
            } else {
                part(whole, (ends[0] - t[k]) / h, (ends[1] - ends[0]) / h)
            }
        };
        times.windows(2).map(piece).collect()
    }
}
