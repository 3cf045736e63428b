//! [`Found`]: a solution with what it is worth, and what it is made of.

use crate::deep::{Architecture, DeepSystem, Standing};
use crate::formula::Columns;
use crate::language::Jet;
use crate::mesh::Field;
use crate::problem::Problem;

/// What a solution is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Finer features change it no more than the estimate says.
    Converged,
    /// It was broken off, or there was no room for finer features.
    Budget,
    /// The equations and conditions do not determine it.
    IllPosed,
}

impl Verdict {
    /// As users read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Converged => "converged",
            Self::Budget => "budget",
            Self::IllPosed => "ill-posed",
        }
    }
}

/// A constant that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Constant {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// Its standard error, where measurements tell one.
    pub stderr: Option<f64>,
}

/// A solution with what is known about it.
#[derive(Debug, Clone)]
pub struct Found {
    pub(super) solution: Solution,
    pub(super) unknowns: usize,
    /// The mean square of all weighted residuals.
    pub loss: f64,
    /// The root mean square of the equations' residuals at fresh points.
    pub residual_rms: f64,
    /// The relative L2 error, estimated without knowing the solution.
    pub error_estimate: f64,
    /// What it is worth.
    pub verdict: Verdict,
    /// What is missing, where the verdict is ill-posed.
    pub missing: Vec<String>,
    /// Newton steps.
    pub iterations: usize,
    /// How many coefficients the solution has.
    pub parameters: usize,
    /// The constants that were to be found.
    pub constants: Vec<Constant>,
    /// What the solution is made of.
    pub method: String,
    /// Was it broken off?
    pub cut: bool,
    /// What its training can go on from, where it was trained.
    pub standing: Option<Standing>,
}

/// What a solution is made of.
#[derive(Debug, Clone)]
pub(super) enum Solution {
    /// Features with weights that were solved for.
    Features(Pieces),
    /// A deep network for this problem, with these parameters.
    Deep(Box<Problem>, Architecture, Vec<f64>),
}

impl Found {
    /// The unknowns (in order) at points, coordinate by coordinate, as [`Problem::points`] gives them.
    pub fn values(&self, points: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let points = points.to_vec();
        match &self.solution {
            Solution::Features(pieces) => (0..self.unknowns).map(|unknown| pieces.values(unknown, &points)).collect(),
            Solution::Deep(problem, architecture, x) => DeepSystem::new(problem, architecture, 1.0).values(x, &points),
        }
    }
}

/// The fields that a solution is made of, window by window.
#[derive(Debug, Clone)]
pub(crate) struct Pieces {
    /// The coordinate that windows follow one another in, and whether upwards.
    pub(crate) march: Option<(usize, bool)>,
    pub(crate) windows: Vec<Field>,
}

impl Pieces {
    pub(super) fn method(&self, radial: bool) -> String {
        let mesh = &self.windows[0].mesh;
        let degrees = &mesh.features.degrees;
        let degrees = match degrees.len() {
            1..=3 => degrees.iter().map(usize::to_string).collect::<Vec<_>>().join(" x "),
            many => format!("up to {} in each of {many} coordinates", degrees.iter().max().unwrap_or(&0)),
        };
        let elements = self.windows.iter().map(|field| field.mesh.elements()).max().unwrap_or(1);
        let mut text = format!("solved last layer of {} features ({degrees})", mesh.features.count());
        if elements > 1 {
            text += &format!(", up to {elements} elements");
        }
        if radial {
            text += ", by rotational symmetry";
        }
        if self.windows.len() > 1 {
            text += &format!(", {} windows", self.windows.len());
        }
        text
    }

    pub(super) fn values(&self, unknown: usize, points: &Columns) -> Vec<f64> {
        let dims = points.len();
        self.jet(&Jet { unknown, order: vec![0; dims] }, points)
    }

    /// A jet at any points of the domain.
    pub(super) fn jet(&self, jet: &Jet, points: &Columns) -> Vec<f64> {
        let Some((coordinate, upwards)) = self.march else { return self.windows[0].jet(jet, points) };
        let rows = points[0].len();
        let mut by_window: Vec<Vec<usize>> = vec![vec![]; self.windows.len()];
        for row in 0..rows {
            let t = points[coordinate][row];
            let before = |field: &Field| {
                if upwards { field.mesh.high[coordinate] < t } else { field.mesh.low[coordinate] > t }
            };
            by_window[self.windows.partition_point(before).min(self.windows.len() - 1)].push(row);
        }
        let mut values = vec![0.0; rows];
        for (field, rows) in self.windows.iter().zip(by_window).filter(|(_, rows)| !rows.is_empty()) {
            let part: Columns = points.iter().map(|column| rows.iter().map(|&row| column[row]).collect()).collect();
            for (row, value) in rows.iter().zip(field.jet(jet, &part)) {
                values[*row] = value;
            }
        }
        values
    }
}
