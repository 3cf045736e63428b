//! Initial states eliminated from the normal equations, window after window.
//!
//! Over `(θ, s₀, s₁, ..)` the normal equations are an arrow: coefficients have to do with every initial state, an initial state with those of
//! the windows before and after it alone, and with these only where windows are tied. From the first state to the last, each is
//! solved for by the coefficients and the next state; `O(free²)` a window.

use vecfield_linalg::{Cholesky, LinalgError, axpy, dot};

/// What a window's initial state has to do with the coefficients, with itself and with the next.
#[derive(Clone)]
pub(super) struct Border {
    /// `JᵀJ`: coefficients, then states, by this state; `[free + d, d]`.
    pub(super) coupling: Vec<f64>,
    /// `Jᵀr`.
    pub(super) gradient: Vec<f64>,
    /// Where the next window is tied to this one, `JᵀJ` of this state by that one, `[d, d]`; empty elsewhere.
    pub(super) next: Vec<f64>,
}

impl Border {
    pub(super) fn new(free: usize, d: usize) -> Self {
        Self { coupling: vec![0.0; (free + d) * d], gradient: vec![0.0; d], next: Vec::new() }
    }

    /// Takes in the rows of a tie from the window before, `(∂end/∂(θ, start) | -1)` times `weights`, and what it leaves.
    pub(super) fn tie_to(&mut self, before: &mut Border, ends: &[f64], gap: &[f64], weights: &[f64]) {
        let d = weights.len();
        let (count, free) = (ends.len() / d, ends.len() / d - d);
        before.next.resize(d * d, 0.0);
        for (i, (end, &weight)) in ends.chunks_exact(count).zip(weights).enumerate() {
            let (by_coefficients, by_start) = end.split_at(free);
            (0..free).for_each(|q| self.coupling[q * d + i] -= weight * by_coefficients[q]);
            self.coupling[(free + i) * d + i] += weight * weight;
            (0..d).for_each(|a| before.next[a * d + i] = -weight * by_start[a]);
            self.gradient[i] -= weight * gap[i];
        }
    }

    /// This window's part of `sᵀJᵀJs` beside that of the coefficients alone, `ahead` being the next window's step.
    pub(super) fn curvature(&self, coefficients: &[f64], start: &[f64], ahead: &[f64]) -> f64 {
        let d = start.len();
        let mut image = vec![0.0; d];
        let (by_coefficients, own) = self.coupling.split_at(coefficients.len() * d);
        by_coefficients.chunks_exact(d).zip(coefficients).for_each(|(row, &step)| axpy(2.0 * step, row, &mut image));
        own.chunks_exact(d).zip(start).for_each(|(row, &step)| axpy(step, row, &mut image));
        let tied: f64 = self.next.chunks_exact(d).zip(start).map(|(row, step)| step * dot(row, ahead)).sum();
        dot(&image, start) + 2.0 * tied
    }
}

/// The initial states as the coefficients have them: `sᵥ = Dᵥ⁻¹(gᵥ - Bᵥᵀθ - Eᵥsᵥ₊₁)`.
pub(crate) struct Chain {
    free: usize,
    d: usize,
    /// Per window, row `q`: `D⁻¹(Bᵀ)_q`, then `D⁻¹g`; `[windows, free + 1, d]`.
    solutions: Vec<f64>,
    /// Per window `D⁻¹E`, `[windows, d, d]`; zero where the next is not tied.
    next: Vec<f64>,
}

impl Chain {
    /// Takes the initial states out of the normal equations of the coefficients: `m` (`[free, free]`, its lower triangle) and `g`.
    /// `damping` is added to the diagonal of the states.
    pub(super) fn eliminate(
        borders: &[Border],
        damping: Option<&[f64]>,
        m: &mut [f64],
        g: &mut [f64],
    ) -> Result<Self, LinalgError> {
        let (free, d) = (g.len(), borders.first().map_or(0, |border| border.gradient.len()));
        let stride = (free + 1) * d;
        let mut chain =
            Self { free, d, solutions: vec![0.0; borders.len() * stride], next: vec![0.0; borders.len() * d * d] };
        let mut cholesky = Cholesky::new(d);
        let (mut matrix, mut coupling) = (vec![0.0; d * d], vec![0.0; stride]);
        for (w, border) in borders.iter().enumerate() {
            let (by_coefficients, own) = border.coupling.split_at(free * d);
            coupling[..free * d].copy_from_slice(by_coefficients);
            coupling[free * d..].copy_from_slice(&border.gradient);
            matrix.copy_from_slice(own);
            let before = w.checked_sub(1).map(|w| &borders[w]).filter(|before| !before.next.is_empty());
            if let Some(before) = before {
                let solved = &chain.next[(w - 1) * d * d..w * d * d];
                let solutions = &chain.solutions[(w - 1) * stride..w * stride];
                for (solved, next) in solved.chunks_exact(d).zip(before.next.chunks_exact(d)) {
                    next.iter().enumerate().for_each(|(i, next)| axpy(-next, solved, &mut matrix[i * d..(i + 1) * d]));
                }
                for (row, solution) in coupling.chunks_exact_mut(d).zip(solutions.chunks_exact(d)) {
                    before.next.chunks_exact(d).zip(solution).for_each(|(next, &value)| axpy(-value, next, row));
                }
            }
            for i in 0..d {
                // A state no measurement of the window sees stays where it is, each in its own unit; a tied one is where its neighbour is.
                let held = match own[i * d + i] {
                    _ if before.is_some() || !border.next.is_empty() => 0.0,
                    own if own > 0.0 => 1e-12 * own,
                    _ => 1.0,
                };
                matrix[i * d + i] += damping.map_or(0.0, |damping| damping[w * d + i]) + held;
            }
            cholesky.factorize(&matrix)?;
            let solutions = &mut chain.solutions[w * stride..(w + 1) * stride];
            solutions.copy_from_slice(&coupling);
            solutions.chunks_exact_mut(d).for_each(|row| cholesky.solve(row));
            if !border.next.is_empty() {
                solve_columns(&mut cholesky, &border.next, &mut chain.next[w * d * d..(w + 1) * d * d]);
            }
            for (i, row) in coupling[..free * d].chunks_exact(d).enumerate() {
                let correction = &mut m[i * free..=i * free + i];
                correction.iter_mut().zip(solutions.chunks_exact(d)).for_each(|(m, solution)| *m -= dot(row, solution));
                g[i] -= dot(row, &solutions[free * d..]);
            }
        }
        Ok(chain)
    }

    /// The steps of the initial states, `[windows, d]`, where the coefficients step by `coefficients`.
    pub(super) fn starts(&self, coefficients: &[f64], steps: &mut [f64]) {
        let (free, d) = (self.free, self.d);
        let mut ahead = vec![0.0; d];
        let windows = self.solutions.chunks_exact((free + 1) * d).zip(self.next.chunks_exact(d * d));
        for ((solutions, next), step) in windows.zip(steps.chunks_exact_mut(d)).rev() {
            let (by_coefficients, own) = solutions.split_at(free * d);
            step.copy_from_slice(own);
            by_coefficients
                .chunks_exact(d)
                .zip(coefficients)
                .filter(|(_, c)| **c != 0.0)
                .for_each(|(row, &c)| axpy(-c, row, step));
            step.iter_mut().zip(next.chunks_exact(d)).for_each(|(step, row)| *step -= dot(row, &ahead));
            ahead.copy_from_slice(step);
        }
    }
}

/// `D⁻¹E` by columns, both `[d, d]`.
fn solve_columns(cholesky: &mut Cholesky<f64>, matrix: &[f64], solved: &mut [f64]) {
    let d = matrix.len().isqrt();
    let mut column = vec![0.0; d];
    for j in 0..d {
        (0..d).for_each(|i| column[i] = matrix[i * d + j]);
        cholesky.solve(&mut column);
        (0..d).for_each(|i| solved[i * d + j] = column[i]);
    }
}
