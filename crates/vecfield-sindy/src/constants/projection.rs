//! Coefficients and constants on a support, to first order in the constants: normal equations of both together.

use crate::model::Constant;
use crate::regression::{Equilibrated, GramSystem};
use crate::sindy::Terms;
use vecfield_linalg::dot;

/// The normal equations of the coefficients of a support, least squares there, and of the constants inside its features.
pub(crate) struct Projection {
    /// The width of coefficients `[d, selectable]`, and where those of the support are.
    width: usize,
    support: Vec<usize>,
    /// All constants, and the places of those that the support has.
    names: Vec<(String, f64)>,
    used: Vec<usize>,
    factor: Equilibrated,
    /// Of the constants in use.
    gradient: Vec<f64>,
    score: f64,
}

/// Standard errors of coefficients and constants.
pub(crate) struct Errors {
    /// `[d, selectable]`, zero off the support.
    pub(crate) coefficients: Vec<f64>,
    /// Of those that the support has.
    pub(crate) constants: Vec<Constant>,
}

impl Projection {
    /// `None` where no feature of the support of `theta`, `[d, selectable]`, has a constant inside, or some depend on each other.
    pub(crate) fn new(systems: &[GramSystem], terms: &Terms, theta: &[f64]) -> Option<Self> {
        let p = terms.selectable;
        let support: Vec<usize> = (0..theta.len()).filter(|&at| theta[at] != 0.0).collect();
        let inside = |slope: &&crate::library::Slope| support.iter().any(|at| at % p == slope.feature);
        let mut used: Vec<usize> = terms.slopes.iter().filter(inside).map(|slope| slope.constant).collect();
        used.sort_unstable();
        used.dedup();
        if used.is_empty() {
            return None;
        }
        let n = support.len() + used.len();
        let (mut m, mut gradient, mut score) = (vec![0.0; n * n], vec![0.0; n], 0.0);
        for (i, system) in systems.iter().enumerate() {
            let own: Vec<usize> = (0..support.len()).filter(|&a| support[a] / p == i).collect();
            if own.is_empty() {
                continue;
            }
            let places: Vec<usize> = own.iter().map(|&a| support[a] % p).collect();
            let (fitted, left) = system.solve(&places, 0.0).ok()?;
            let rows = system.rows as f64;
            // A perfect fit leaves the rounding of the sums.
            let left = left.max(f64::EPSILON * system.total).max(f64::MIN_POSITIVE);
            let weight = (rows - places.len() as f64).max(1.0) / left;
            score += rows * left.ln();
            // Columns as combinations of features: those of the support, and `Σ_k θ_k ∂φ_k/∂c`.
            let mut columns: Vec<(usize, Vec<f64>)> = Vec::new();
            for (&a, &place) in own.iter().zip(&places) {
                columns.push((a, (0..p).map(|k| f64::from(u8::from(k == place))).collect()));
            }
            for (j, constant) in used.iter().enumerate() {
                let mut column = vec![0.0; p];
                for slope in terms.slopes.iter().filter(|slope| slope.constant == *constant) {
                    let coefficient = places.iter().position(|&place| place == slope.feature).map(|at| fitted[at]);
                    column[slope.place] = coefficient.unwrap_or(0.0);
                }
                columns.push((support.len() + j, column));
            }
            let images: Vec<Vec<f64>> = columns
                .iter()
                .map(|(_, column)| (0..p).map(|k| dot(&system.gram[k * p..(k + 1) * p], column)).collect())
                .collect();
            for ((a, column), image) in columns.iter().zip(&images) {
                let explained: f64 = places.iter().zip(&fitted).map(|(&place, c)| c * image[place]).sum();
                gradient[*a] += weight * (dot(column, &system.rhs) - explained);
                for (b, other) in &columns {
                    m[a * n + b] += weight * dot(other, image);
                }
            }
        }
        let factor = Equilibrated::new(&m, n)?;
        Some(Self { width: theta.len(), support, names: terms.constants.clone(), used, factor, gradient, score })
    }

    /// `Σ n log RSS` over equations.
    pub(crate) fn score(&self) -> f64 {
        self.score
    }

    /// The Gauss–Newton step of every constant, coefficients at their best.
    pub(crate) fn change(&self) -> Vec<f64> {
        let step = self.factor.solve(&self.gradient);
        let mut change = vec![0.0; self.names.len()];
        self.used.iter().zip(&step[self.support.len()..]).for_each(|(&j, &delta)| change[j] = delta);
        change
    }

    pub(crate) fn errors(&self) -> Errors {
        let variances = self.factor.inverse_diagonal();
        let errors: Vec<f64> = variances.iter().map(|v| v.max(0.0).sqrt()).collect();
        let mut coefficients = vec![0.0; self.width];
        self.support.iter().zip(&errors).for_each(|(&at, &error)| coefficients[at] = error);
        let constant = |(&j, &stderr): (&usize, &f64)| {
            let (name, value) = self.names[j].clone();
            Constant { name, value, stderr }
        };
        let constants = self.used.iter().zip(&errors[self.support.len()..]).map(constant).collect();
        Errors { coefficients, constants }
    }
}
