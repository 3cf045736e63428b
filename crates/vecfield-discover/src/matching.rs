//! Blind starts: constants from integral matching along a smoothed path, with no derivative taken.
//!
//! Along the path `x(t)` that a smoother lays through the data, `dy/dt = Σ θₖ φₖ(y)` says
//! `y(t) = c + Σ θₖ ∫ φₖ(x) dt` with one constant `c` per run. Linear least squares gives the `θ` of any support from one
//! Gram matrix of all features.

use crate::model::Support;
use crate::vocabulary::Vocabulary;
use vecfield_adjoint::Noise;
use vecfield_data::Trajectories;
use vecfield_sindy::regression::{GramSystem, integral};
use vecfield_sindy::smooth::Order;
use vecfield_sindy::{Paths, Scale, SindyError};

/// Integrals of all features along a smoothed path, as normal equations for every equation, and the path's states.
#[derive(Debug, Clone)]
pub struct Matching {
    dim: usize,
    systems: Vec<GramSystem>,
    /// Path at every row of every run (`[rows, dim]`).
    states: Vec<f64>,
    /// First row of each run in `states`.
    offsets: Vec<usize>,
}

impl Matching {
    /// Smooths `data` in the noise model's scale and integrates every feature along the path; a `stiffness` below 1 follows
    /// the data more closely than is likeliest.
    ///
    /// # Errors
    ///
    /// [`SindyError`] when a variable has too few values to smooth.
    pub fn new(data: &Trajectories, vocabulary: &Vocabulary, noise: Noise, stiffness: f64) -> Result<Self, SindyError> {
        let scale = match noise {
            Noise::Additive => Scale::Values,
            Noise::Multiplicative => Scale::Logarithms,
        };
        let paths = Paths::smooth_by(data, Order::Cubic, scale, stiffness)?;
        let (mut states, mut offsets) = (vec![], vec![]);
        for (index, run) in data.runs().iter().enumerate() {
            offsets.push(states.len());
            for &t in run.times() {
                states.extend(paths.run(index).iter().map(|curve| curve.value(t)));
            }
        }
        // One window: a run's free constant is its only one.
        let systems = integral(data, &paths, vocabulary.library(), usize::MAX)?;
        let unknown =
            |(equation, system): (usize, GramSystem)| system.reduced(vocabulary.len(), &vocabulary.known_of(equation));
        let systems = systems.into_iter().enumerate().map(unknown).collect();
        Ok(Self { dim: data.dim(), systems, states, offsets })
    }

    /// The path at a row of a run.
    pub fn state(&self, run: usize, row: usize) -> &[f64] {
        &self.states[self.offsets[run] + row * self.dim..][..self.dim]
    }

    /// Least-squares constants of the terms `set` in equation `equation`, and what they leave of the data's sum of squares
    /// about the runs' means (as a fraction). `None` when the integrals are collinear.
    pub fn solve(&self, equation: usize, set: &[usize]) -> Option<(Vec<f64>, f64)> {
        if set.is_empty() {
            return Some((vec![], 1.0));
        }
        let system = &self.systems[equation];
        let (theta, rss) = system.solve(set, 0.0).ok()?;
        let left = if system.total > 0.0 { (rss / system.total).max(0.0) } else { 0.0 };
        theta.iter().all(|t| t.is_finite()).then_some((theta, left))
    }

    /// Starting constants of every term of `support`, equation by equation, and the numbers inside them as the vocabulary has them.
    pub fn start(&self, support: &Support, vocabulary: &Vocabulary) -> Option<Vec<f64>> {
        let mut theta = Vec::with_capacity(support.terms());
        for (equation, set) in support.equations.iter().enumerate() {
            theta.extend(self.solve(equation, set)?.0);
        }
        theta.extend(support.inner(vocabulary));
        Some(theta)
    }
}
