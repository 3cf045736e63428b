//! What features would change in the solution of a law, to first order: candidates near a law are compared by their likelihood, at the cost
//! of a linear solve each, and no rate of a smoothed path is asked.
//!
//! Let `f` be the field of a law and `x(t)` its fitted solution. A field `g` near `f` moves the solution by
//! `δ(t) = ∫ Φ(t, s) (g - f)(x(s)) ds + Φ(t, t₀) δ(t₀)`, with `Φ` the flow of the law's variational equation. With `g` a sum of
//! features this is linear in its constants, and what `g` leaves of the data is a least-squares problem with one column per equation
//! and feature: one Gauss–Newton step from the law to every other law at once (variational equations: Hairer, Nørsett & Wanner 1993,
//! I.14, formula 14.9 of Gröbner and Alekseev being the exact form).

use crate::family::Family;
use crate::quick::{scales, solver_options};
use crate::refine::{Law, noise_levels};
use crate::vocabulary::Vocabulary;
use std::collections::BTreeMap;
use vecfield_adjoint::{Noise, Window};
use vecfield_autodiff::{Dual, LANES};
use vecfield_data::Trajectories;
use vecfield_expr::Registers;
use vecfield_linalg::{Lu, axpy, dot, norm};
use vecfield_sindy::regression::{GramSystem, NoiseModel};
use vecfield_solvers::tableau::TSIT5;
use vecfield_solvers::{ExplicitRungeKutta, Integrator};
use vecfield_traits::{ParametricField, VectorField};

/// Nodes and weights of Gauss's quadrature of order 6 on `[0, 1]`.
const GAUSS: [(f64, f64); 3] =
    [(0.112_701_665_379_258_31, 5.0 / 18.0), (0.5, 8.0 / 18.0), (0.887_298_334_620_741_7, 5.0 / 18.0)];
/// Pieces of the time between two rows, each with its own quadrature.
const PIECES: usize = 2;

/// A feature in an equation.
pub(crate) type Column = (usize, usize);

/// The least-squares problem of all fields made of some columns, near a law.
pub(crate) struct Flow {
    places: BTreeMap<Column, usize>,
    system: GramSystem,
}

impl Flow {
    /// The responses of `columns` along the solution of `law`; `None` where that cannot be integrated.
    ///
    /// The support of the law and the columns are of the same `vocabulary`.
    pub(crate) fn along(
        data: &Trajectories,
        vocabulary: &Vocabulary,
        law: &Law,
        noise: Noise,
        columns: &[Column],
    ) -> Option<Flow> {
        let mut along = Along::new(data, vocabulary, law, columns)?;
        let sigma = noise_levels(data, &law.fit, noise);
        let mut rows = Rows::default();
        for window in &law.fit.windows {
            let block = along.window(window, noise, &sigma)?;
            rows.push(block, data.dim(), columns.len());
        }
        let mut system = GramSystem::from_rows(&rows.columns, &rows.targets, NoiseModel::WhiteOnValues);
        system.rows = data.observed_count();
        let places = columns.iter().copied().enumerate().map(|(place, column)| (column, place)).collect();
        Some(Flow { places, system })
    }

    /// The best constants of some columns, and what they leave of the data in units of the law's noise.
    pub(crate) fn solve(&self, columns: impl IntoIterator<Item = Column>) -> Option<(Vec<f64>, f64)> {
        let places: Vec<usize> =
            columns.into_iter().map(|column| self.places.get(&column).copied()).collect::<Option<_>>()?;
        if places.is_empty() {
            return Some((vec![], self.system.total));
        }
        let (theta, left) = self.system.solve(&places, 0.0).ok()?;
        (left.is_finite() && theta.iter().all(|t| t.is_finite())).then_some((theta, left))
    }
}

/// Rows of the least-squares problem.
#[derive(Default)]
struct Rows {
    columns: Vec<f64>,
    targets: Vec<f64>,
}

/// The rows of one window: columns, target, and slopes by the window's start.
#[derive(Default)]
struct Block {
    columns: Vec<f64>,
    targets: Vec<f64>,
    starts: Vec<f64>,
}

impl Rows {
    /// Adds what of a block cannot be had by moving the start of its window.
    fn push(&mut self, mut block: Block, dim: usize, columns: usize) {
        let rows = block.targets.len();
        for s in 0..dim {
            // One direction of the start, made orthogonal to those before it, is taken out of everything.
            let mut direction: Vec<f64> = (0..rows).map(|row| block.starts[row * dim + s]).collect();
            let length = norm(&direction);
            if length <= f64::EPSILON {
                continue;
            }
            direction.iter_mut().for_each(|d| *d /= length);
            project_out(&direction, &mut block.starts, dim);
            project_out(&direction, &mut block.columns, columns);
            project_out(&direction, &mut block.targets, 1);
        }
        self.columns.extend(block.columns);
        self.targets.extend(block.targets);
    }
}

/// Takes a unit vector out of every column of a row-major matrix.
fn project_out(direction: &[f64], matrix: &mut [f64], columns: usize) {
    if columns == 0 {
        return;
    }
    let mut along = vec![0.0; columns];
    for (&d, row) in direction.iter().zip(matrix.chunks_exact(columns)) {
        axpy(d, row, &mut along);
    }
    for (&d, row) in direction.iter().zip(matrix.chunks_exact_mut(columns)) {
        axpy(-d, &along, row);
    }
}

/// The way along the solution of a law, with its memory.
struct Along<'a> {
    data: &'a Trajectories,
    vocabulary: &'a Vocabulary,
    law: &'a Law,
    columns: &'a [Column],
    /// Features known of each equation.
    known: Vec<Vec<usize>>,
    family: Family,
    integrator: Integrator<ExplicitRungeKutta<Dual<f64, LANES>>, f64>,
    lu: Lu<f64>,
    registers: Registers<f64>,
    /// Values of all features.
    features: Vec<f64>,
}

/// The state at a time, and its slopes by the state at the row before (`[dim, dim]`).
struct Node {
    state: Vec<f64>,
    flow: Vec<f64>,
}

impl<'a> Along<'a> {
    fn new(
        data: &'a Trajectories,
        vocabulary: &'a Vocabulary,
        law: &'a Law,
        columns: &'a [Column],
    ) -> Option<Along<'a>> {
        let dim = data.dim();
        let options = solver_options(&scales(data), 1e-6, data.row_count());
        Some(Along {
            data,
            vocabulary,
            law,
            columns,
            known: (0..dim).map(|equation| vocabulary.known_of(equation)).collect(),
            family: law.support.family(vocabulary).ok()?,
            integrator: Integrator::explicit(&TSIT5, dim, &options).ok()?,
            lu: Lu::new(dim),
            registers: vocabulary.library().registers(),
            features: vec![0.0; vocabulary.library().len()],
        })
    }

    /// The rows of one window.
    fn window(&mut self, window: &Window, noise: Noise, sigma: &[f64]) -> Option<Block> {
        let (dim, count) = (self.data.dim(), self.columns.len());
        let run = &self.data.runs()[window.run];
        // Of every component of the state: the slopes by the columns, by the law itself, by the start of the window.
        let mut responses = vec![0.0; dim * (count + 1 + dim)];
        let width = count + 1 + dim;
        for s in 0..dim {
            responses[s * width + count + 1 + s] = 1.0;
        }
        let mut block = Block::default();
        for row in window.rows.clone() {
            if row > window.rows.start {
                self.advance(window.run, row - 1, &mut responses)?;
            }
            let state = self.law.fit.state(self.data, window.run, row);
            for (v, &observed) in run.row(row).iter().enumerate().filter(|(_, observed)| !observed.is_nan()) {
                let (residual, slope) = match noise {
                    Noise::Additive => (observed - state[v], 1.0),
                    Noise::Multiplicative => (observed.ln() - state[v].ln(), 1.0 / state[v]),
                };
                let weight = 1.0 / sigma[v];
                let response = &responses[v * width..(v + 1) * width];
                block.columns.extend(response[..count].iter().map(|r| weight * slope * r));
                block.targets.push(weight * (residual + slope * response[count]));
                block.starts.extend(response[count + 1..].iter().map(|r| weight * slope * r));
            }
        }
        block.targets.iter().all(|target| target.is_finite()).then_some(block)
    }

    /// Carries the responses from one row to the next.
    fn advance(&mut self, run: usize, row: usize, responses: &mut [f64]) -> Option<()> {
        let (dim, count) = (self.data.dim(), self.columns.len());
        let width = count + 1 + dim;
        let times = &self.data.runs()[run].times()[row..row + 2];
        let step = (times[1] - times[0]) / PIECES as f64;
        let piece = |p: usize| times[0] + p as f64 * step;
        let nodes = (0..PIECES).flat_map(|p| GAUSS.map(|(place, weight)| (piece(p) + place * step, weight * step)));
        let (mut at, mut weights): (Vec<f64>, Vec<f64>) = nodes.unzip();
        at.push(times[1]);
        weights.push(0.0);
        let nodes = self.nodes(run, times[0], self.law.fit.state(self.data, run, row).to_vec(), &at)?;
        let (last, inner) = nodes.split_last()?;
        let mut gained = vec![0.0; dim * width];
        for ((node, &weight), &t) in inner.iter().zip(&weights).zip(&at) {
            let kick = self.kick(&last.flow, &node.flow)?;
            self.features_at(run, t, &node.state);
            let own = self.own(run, t, &node.state);
            for (component, gained) in gained.chunks_exact_mut(width).enumerate() {
                let kick = &kick[component * dim..(component + 1) * dim];
                for (gained, &(equation, feature)) in gained.iter_mut().zip(self.columns) {
                    *gained += weight * kick[equation] * self.features[feature];
                }
                gained[count] += weight * dot(kick, &own);
            }
        }
        let before = responses.to_vec();
        responses.copy_from_slice(&gained);
        for (component, response) in responses.chunks_exact_mut(width).enumerate() {
            for (other, before) in before.chunks_exact(width).enumerate() {
                axpy(last.flow[component * dim + other], before, response);
            }
        }
        Some(())
    }

    /// States of a run at `times` from `start` at `t0`, with their slopes by `start`.
    fn nodes(&mut self, run: usize, t0: f64, start: Vec<f64>, times: &[f64]) -> Option<Vec<Node>> {
        let dim = start.len();
        let theta: Vec<Dual<f64, LANES>> = self.law.fit.theta_of(run).iter().map(|&c| Dual::constant(c)).collect();
        let field = ParametricField::<Dual<f64, LANES>>::at(&self.family, theta);
        let mut nodes: Vec<Node> =
            times.iter().map(|_| Node { state: vec![0.0; dim], flow: vec![0.0; dim * dim] }).collect();
        let mut out = vec![Dual::constant(0.0); times.len() * dim];
        for lane in (0..dim).step_by(LANES) {
            let seeded = |(i, &y): (usize, &f64)| match i.checked_sub(lane) {
                Some(direction) if direction < LANES => Dual::variable(y, direction),
                _ => Dual::constant(y),
            };
            let start: Vec<Dual<f64, LANES>> = start.iter().enumerate().map(seeded).collect();
            self.integrator.sample(&field, t0, &start, times, &mut out).ok()?;
            let directions = LANES.min(dim - lane);
            for (node, states) in nodes.iter_mut().zip(out.chunks_exact(dim)) {
                for (component, state) in states.iter().enumerate() {
                    node.state[component] = state.value;
                    node.flow[component * dim + lane..][..directions].copy_from_slice(&state.tangent[..directions]);
                }
            }
        }
        Some(nodes)
    }

    /// `Φ(end, s) = Φ(end, row) Φ(s, row)⁻¹`, `[dim, dim]`.
    fn kick(&mut self, end: &[f64], node: &[f64]) -> Option<Vec<f64>> {
        let dim = self.data.dim();
        // Rows of `X Φ = E` are solutions of `Φᵀ xᵀ = eᵀ`.
        let transposed: Vec<f64> = (0..dim * dim).map(|at| node[(at % dim) * dim + at / dim]).collect();
        self.lu.factorize(&transposed).ok()?;
        let mut kick = end.to_vec();
        kick.chunks_exact_mut(dim).for_each(|row| self.lu.solve(row));
        Some(kick)
    }

    /// All features at a state; one that is not finite there is nothing.
    fn features_at(&mut self, run: usize, t: f64, state: &[f64]) {
        let arguments = self.vocabulary.arguments(run, t, state.iter().copied());
        let library = self.vocabulary.library();
        library.eval(&arguments, &mut self.features, &mut self.registers);
        self.features.iter_mut().filter(|value| !value.is_finite()).for_each(|value| *value = 0.0);
    }

    /// The law's field without what is known of it, after [`features_at`](Self::features_at).
    fn own(&self, run: usize, t: f64, state: &[f64]) -> Vec<f64> {
        let field = self.family.of_run(&self.law.fit.theta, run);
        let mut rates = vec![0.0; state.len()];
        field.eval(t, state, &mut rates, &mut VectorField::<f64>::workspace(&field));
        for (rate, known) in rates.iter_mut().zip(&self.known) {
            *rate -= known.iter().map(|&k| self.features[k]).sum::<f64>();
        }
        rates
    }
}

#[cfg(test)]
mod tests {
    use super::{Column, Flow};
    use crate::contest::Contest;
    use crate::model::Support;
    use crate::observer::Pulse;
    use crate::vocabulary::Vocabulary;
    use vecfield_adjoint::Noise;
    use vecfield_data::{Trajectories, Trajectory};

    /// `x' = v`, `v' = -x - 2c v`, from (1, 0), in closed form.
    fn damped(c: f64) -> Trajectories {
        let times: Vec<f64> = (0..40).map(|k| 0.15 * f64::from(k)).collect();
        let w = (1.0 - c * c).sqrt();
        let state = |t: f64| {
            let (decay, sin, cos) = ((-c * t).exp(), (w * t).sin(), (w * t).cos());
            [decay * (cos + c / w * sin), -decay * sin / w]
        };
        let values = times.iter().flat_map(|&t| state(t)).collect();
        let run = Trajectory::new(times, values, vec![]).unwrap();
        Trajectories::new(vec!["x".into(), "v".into()], vec![], vec![run]).unwrap()
    }

    /// What the flow of the law without damping says of the damping of nearly undamped data.
    fn damping(c: f64) -> f64 {
        let data = damped(c);
        let vocabulary = Vocabulary::new(data.variables(), 1, vec![]).unwrap();
        let contest = Contest::new(&data, vocabulary, Noise::Additive).unwrap();
        let place = |key| contest.vocabulary().position(key).unwrap();
        let without = Support { equations: vec![vec![place("v")], vec![place("x")]] };
        let law = contest.refine(&without, Pulse::unobserved()).unwrap();
        let columns: Vec<Column> = vec![(0, place("v")), (1, place("x")), (1, place("v"))];
        let flow = Flow::along(&data, contest.vocabulary(), &law, Noise::Additive, &columns).unwrap();
        let (theta, left) = flow.solve(columns.iter().copied()).unwrap();
        let (_, more) = flow.solve(columns[..2].iter().copied()).unwrap();
        assert!(left < 0.2 * more, "the missing term explains most: {left} of {more}");
        theta[2]
    }

    /// Halving the distance to the law makes the error of what the flow says four times smaller.
    #[test]
    fn the_flow_is_right_to_first_order() {
        let [far, near] = [0.02, 0.01].map(|c| (damping(c) + 2.0 * c).abs());
        assert!(near < 2e-3 && (2.5..8.0).contains(&(far / near)), "{far} {near}");
    }
}
