//! What methods share that solve their stages one after the other: one matrix of the size of the state.

use vecfield_linalg::Lu;
use vecfield_traits::{Jacobian, Real};

use super::Taken;
use crate::AdjointError;

/// The memory of a pass back, stage by stage.
#[derive(Debug, Clone)]
pub(super) struct Stagewise<R> {
    pub(super) lu: Lu<R>,
    pub(super) jacobian: Vec<R>,
    pub(super) time: Vec<R>,
    /// Cotangents of the stages, `[s, n]`.
    pub(super) k_bar: Vec<R>,
    pub(super) state: Vec<R>,
    pub(super) u: Vec<R>,
    /// What a stage gives to the state it starts from.
    pub(super) y_bar: Vec<R>,
    pub(super) end_bar: Vec<R>,
}

/// `σM - J`, with a Jacobian row by row.
pub(super) fn shifted<R: Real, F: Jacobian<R>>(matrix: &mut [R], sigma: R, field: &F, jacobian: &[R]) {
    let n = field.dim();
    for (entry, slope) in matrix.iter_mut().zip(jacobian) {
        *entry = -*slope;
    }
    match field.mass() {
        None => (0..n).for_each(|i| matrix[i * n + i] += sigma),
        Some(mass) => {
            for ((i, j), m) in mass.sparsity().places().zip(mass.entries()) {
                matrix[i * n + j] += sigma * *m;
            }
        }
    }
}

impl<R: Real> Stagewise<R> {
    /// No memory yet: the first step makes it.
    pub(super) fn new() -> Stagewise<R> {
        let nothing = Vec::new;
        Stagewise {
            lu: Lu::new(0),
            jacobian: nothing(),
            time: nothing(),
            k_bar: nothing(),
            state: nothing(),
            u: nothing(),
            y_bar: nothing(),
            end_bar: nothing(),
        }
    }

    /// Makes ready for steps of `s` stages and `n` components.
    pub(super) fn fit(&mut self, n: usize, s: usize) {
        if self.lu.n() != n {
            self.lu = Lu::new(n);
        }
        self.jacobian.resize(n * n, R::zero());
        self.k_bar.resize(s * n, R::zero());
        for buffer in [&mut self.time, &mut self.state, &mut self.u, &mut self.y_bar, &mut self.end_bar] {
            buffer.resize(n, R::zero());
        }
    }
}

/// The transposed system of this step has no solution.
pub(super) fn singular<R: Real>(step: &Taken<'_, R>) -> AdjointError {
    AdjointError::SingularStage { t: step.t.to_f64(), step: step.h.to_f64() }
}
