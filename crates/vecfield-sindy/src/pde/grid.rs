//! Where fields are measured: points along each coordinate of space.

use crate::SindyError;

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

/// Gaps that differ by less, in shares of themselves, are equal.
const EVEN: f64 = 1e-9;
/// `1/√3`.
const GAUSS: f64 = 0.577_350_269_189_625_8;

/// The most coordinates of space.
pub const MOST_AXES: usize = 3;

/// Their names in derivatives: `u_x`, `u_yy`.
pub(super) const AXIS_NAMES: [&str; MOST_AXES] = ["x", "y", "z"];

/// The points along one coordinate of space.
#[derive(Debug, Clone, PartialEq)]
pub enum Axis {
    /// As many as the fields have, equally spaced.
    Even(Grid),
    /// These, increasing; an interval, no ring.
    Points(Vec<f64>),
}

/// The points of space: all combinations of those along each coordinate.
#[derive(Debug, Clone, PartialEq)]
pub struct Axes(pub Vec<Axis>);

impl From<Grid> for Axes {
    fn from(grid: Grid) -> Self {
        Self(vec![Axis::Even(grid)])
    }
}

impl Axes {
    /// Reads `FIRST:STEP` for each coordinate, with commas between them.
    ///
    /// # Errors
    ///
    /// [`SindyError::GridSyntax`].
    pub fn parse(text: &str, periodic: bool) -> Result<Self, SindyError> {
        let axes: Vec<Axis> =
            text.split(',').map(|part| Grid::parse(part, periodic).map(Axis::Even)).collect::<Result<_, _>>()?;
        if axes.len() > MOST_AXES {
            return Err(SindyError::GridSyntax { text: text.to_string() });
        }
        Ok(Self(axes))
    }
}

/// Points along a coordinate, measured.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Points {
    pub(super) at: Vec<f64>,
    /// Of a ring, once around.
    pub(super) ring: Option<f64>,
    /// The distance of equally spaced ones.
    pub(super) step: Option<f64>,
}

impl Points {
    /// Those of an axis with `count` points.
    pub(super) fn new(axis: &Axis, count: usize) -> Result<Self, SindyError> {
        match axis {
            Axis::Even(grid) => Ok(Self {
                at: (0..count).map(|i| grid.first + grid.step * i as f64).collect(),
                ring: grid.periodic.then_some(grid.step * count as f64),
                step: Some(grid.step),
            }),
            Axis::Points(at) if at.len() != count => Err(SindyError::GridPoints { points: at.len(), columns: count }),
            Axis::Points(at) => match at.windows(2).position(|pair| !(pair[1] > pair[0] && pair[1].is_finite())) {
                Some(k) => Err(SindyError::GridOrder { before: at[k], after: at[k + 1] }),
                None => Ok(Self { at: at.clone(), ring: None, step: None }),
            },
        }
    }

    /// Times, which are an interval.
    pub(super) fn times(at: &[f64]) -> Self {
        let step = (at[at.len() - 1] - at[0]) / (at.len() - 1).max(1) as f64;
        let even = at.windows(2).all(|pair| (pair[1] - pair[0] - step).abs() <= EVEN * step);
        Self { at: at.to_vec(), ring: None, step: even.then_some(step) }
    }

    /// What point `k` weighs in an integral over functions that vanish at both ends: of a cubic through four neighbours on every gap, which on
    /// equally spaced points is the trapezoidal rule.
    pub(super) fn weight(&self, k: usize) -> f64 {
        if let Some(step) = self.step {
            return step;
        }
        let last = self.len() as isize - 1;
        let gaps = (k as isize - 2..=k as isize + 1).filter(|gap| (0..last).contains(gap));
        let weight = |gap: isize| {
            let (left, right) = (self.at[gap as usize], self.at[gap as usize + 1]);
            let nodes: Vec<usize> =
                (gap - 1..=gap + 2).filter(|j| (0..=last).contains(j)).map(|j| j as usize).collect();
            if !nodes.contains(&k) {
                return 0.0;
            }
            // Two points of Gauss are exact for cubics.
            let basis = |x: f64| -> f64 {
                let others = nodes.iter().filter(|&&j| j != k);
                others.map(|&j| (x - self.at[j]) / (self.at[k] - self.at[j])).product()
            };
            let (middle, half) = (0.5 * (left + right), 0.5 * (right - left));
            half * (basis(middle - half * GAUSS) + basis(middle + half * GAUSS))
        };
        gaps.map(weight).sum()
    }

    pub(super) fn len(&self) -> usize {
        self.at.len()
    }

    /// The place of point `k`, counted on around a ring.
    pub(super) fn place(&self, k: isize) -> usize {
        k.rem_euclid(self.len() as isize) as usize
    }

    /// Its coordinate, counted on around a ring.
    pub(super) fn coordinate(&self, k: isize) -> f64 {
        let n = self.len() as isize;
        self.at[self.place(k)] + self.ring.unwrap_or(0.0) * k.div_euclid(n) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums over uneven points integrate cubics exactly, whatever the points.
    #[test]
    fn uneven_points_integrate_cubics() {
        let at: Vec<f64> = (0..15).map(|i| 0.1 * f64::from(i) + 0.04 * f64::from(i).sin()).collect();
        let points = Points::new(&Axis::Points(at.clone()), 15).expect("they increase");
        // At the ends a gap has three points, so that the function is taken to vanish there.
        let bump = |x: f64| (x - at[0]) * (at[14] - x);
        let sum: f64 = (1..14).map(|k| points.weight(k) * bump(at[k])).sum();
        let length = at[14] - at[0];
        assert!((sum - length.powi(3) / 6.0).abs() < 1e-12, "{sum}");
    }
}
