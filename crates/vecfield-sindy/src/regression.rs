//! From data to linear least squares, one problem per equation: integral form on windows, or derivatives.
//!
//! Integral form: `yᵢ(t_j) = c_window + Σ_k θ_ik ∫_{t_0}^{t_j} φ_k + noise`. In each window of samples both sides lose their mean, which
//! eliminates the constant, and ordinary least squares remains. For white measurement noise this is what generalised least
//! squares makes of the weak form: no test function, radius or covariance is left to choose, and nothing is differentiated.

mod gram;

use crate::path::{Along, arguments_at, evaluate};
use crate::{Library, Paths, SindyError};
pub use gram::{GramSystem, NoiseModel};
pub(crate) use gram::{inverse_diagonal, solve_on, unit_diagonal};
use vecfield_data::{Trajectories, Trajectory};
use vecfield_linalg::axpy;

// Gauss–Legendre with 5 points: exact to degree 9, so that products of quintics lose nothing on a sample interval.
const NODES: [(f64, f64); 5] = [
    (-0.906_179_845_938_664, 0.236_926_885_056_189_1),
    (-0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
    (0.0, 0.568_888_888_888_888_9),
    (0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
    (0.906_179_845_938_664, 0.236_926_885_056_189_1),
];

/// The integral form on windows of about `window` samples: one system per equation.
///
/// # Errors
///
/// [`SindyError::FeatureNotFinite`]; [`SindyError::TooFewPoints`] when no window holds three samples.
pub fn integral(
    data: &Trajectories,
    paths: &Paths,
    library: &Library,
    window: usize,
) -> Result<Vec<GramSystem>, SindyError> {
    let (d, p) = (data.dim(), library.len());
    let mut systems = vec![GramSystem::new(p, NoiseModel::WhiteOnValues); d];
    for (index, run) in data.runs().iter().enumerate() {
        let mut along = Along::new(library, run, paths.run(index));
        let integrals = feature_integrals(run, p, |t, values| along.features(t, values))?;
        for (variable, system) in systems.iter_mut().enumerate() {
            add_windows(system, run, &integrals, variable, window);
        }
    }
    systems.iter_mut().try_for_each(finish)?;
    Ok(systems)
}

/// The same with a block of systems for each window.
pub(crate) fn integral_blocks(
    data: &Trajectories,
    paths: &Paths,
    library: &Library,
    window: usize,
) -> Result<Vec<Vec<GramSystem>>, SindyError> {
    let p = library.len();
    let mut blocks = Vec::new();
    for (index, run) in data.runs().iter().enumerate() {
        let mut along = Along::new(library, run, paths.run(index));
        let integrals = feature_integrals(run, p, |t, values| along.features(t, values))?;
        for pair in window_edges(run.len(), window).windows(2) {
            let block = (0..data.dim()).map(|variable| {
                let mut system = GramSystem::new(p, NoiseModel::WhiteOnValues);
                let rows: Vec<usize> = (pair[0]..pair[1]).filter(|&k| !run.row(k)[variable].is_nan()).collect();
                add_window(&mut system, run, &integrals, variable, &rows);
                system.mirror();
                system
            });
            blocks.push(block.collect());
        }
    }
    Ok(blocks)
}

/// The integral form of `yᵢ' = κᵢ + Σ a_k φ_k / (1 + Σ b_k φ_k)`, cleared of its fraction: `yᵢ = c + ∫κᵢ + Σ a_k ∫φ_k - Σ b_k ∫φ_k (yᵢ' - κᵢ)`,
/// with the derivative of the smoothed path. Columns: `selectable` for `a`, as many for `b`, then the rest of the library; `known` are
/// the features `(equation, feature)` of `κ`.
pub(crate) fn rational_integral(
    data: &Trajectories,
    paths: &Paths,
    library: &Library,
    selectable: usize,
    known: &[(usize, usize)],
    window: usize,
) -> Result<Vec<GramSystem>, SindyError> {
    let (d, p) = (data.dim(), library.len());
    let width = p + selectable;
    let mut systems = vec![GramSystem::new(width, NoiseModel::WhiteOnValues); d];
    let mut features = vec![0.0; p];
    for (index, run) in data.runs().iter().enumerate() {
        let mut along = Along::new(library, run, paths.run(index));
        for (variable, system) in systems.iter_mut().enumerate() {
            let integrals = feature_integrals(run, width, |t, values| {
                along.features(t, &mut features)?;
                let parts = known.iter().filter(|part| part.0 == variable).map(|part| features[part.1]);
                let rate = paths.run(index)[variable].derivative(t) - parts.sum::<f64>();
                values[..selectable].copy_from_slice(&features[..selectable]);
                values[selectable..2 * selectable].fill(0.0);
                axpy(-rate, &features[..selectable], &mut values[selectable..2 * selectable]);
                values[2 * selectable..].copy_from_slice(&features[selectable..]);
                Ok(())
            })?;
            add_windows(system, run, &integrals, variable, window);
        }
    }
    systems.iter_mut().try_for_each(finish)?;
    Ok(systems)
}

fn finish(system: &mut GramSystem) -> Result<(), SindyError> {
    if system.rows < 2 {
        return Err(SindyError::TooFewPoints { found: system.rows, needed: 3 });
    }
    system.mirror();
    Ok(())
}

/// Cuts `n` samples into windows of nearly equal size, about `window` each.
pub(crate) fn window_edges(n: usize, window: usize) -> Vec<usize> {
    let count = ((n as f64 / window.max(2) as f64).round() as usize).max(1);
    (0..=count).map(|k| (k * n + count / 2) / count).collect()
}

fn add_windows(system: &mut GramSystem, run: &Trajectory, integrals: &[f64], variable: usize, window: usize) {
    for pair in window_edges(run.len(), window).windows(2) {
        let rows: Vec<usize> = (pair[0]..pair[1]).filter(|&k| !run.row(k)[variable].is_nan()).collect();
        add_window(system, run, integrals, variable, &rows);
    }
}

fn add_window(system: &mut GramSystem, run: &Trajectory, integrals: &[f64], variable: usize, rows: &[usize]) {
    if rows.len() < 2 {
        return;
    }
    let p = system.len();
    let mut mean = vec![0.0; p];
    let mut level = 0.0;
    for &k in rows {
        axpy(1.0 / rows.len() as f64, &integrals[k * p..(k + 1) * p], &mut mean);
        level += run.row(k)[variable] / rows.len() as f64;
    }
    let mut row = vec![0.0; p];
    for &k in rows {
        row.copy_from_slice(&integrals[k * p..(k + 1) * p]);
        axpy(-1.0, &mean, &mut row);
        system.add_row(&row, run.row(k)[variable] - level);
    }
    system.rows += rows.len() - 1;
}

/// `∫ φ` from the first sample to each, `[n, p]`, of what `features` writes.
fn feature_integrals(
    run: &Trajectory,
    p: usize,
    mut features: impl FnMut(f64, &mut [f64]) -> Result<(), SindyError>,
) -> Result<Vec<f64>, SindyError> {
    let n = run.len();
    let mut integrals = vec![0.0; n * p];
    let mut values = vec![0.0; p];
    for k in 1..n {
        let (before, after) = (run.times()[k - 1], run.times()[k]);
        let (middle, half) = (0.5 * (before + after), 0.5 * (after - before));
        let (done, rest) = integrals.split_at_mut(k * p);
        let row = &mut rest[..p];
        row.copy_from_slice(&done[(k - 1) * p..]);
        for (node, weight) in NODES {
            features(middle + half * node, &mut values)?;
            axpy(half * weight, &values, row);
        }
    }
    Ok(integrals)
}

/// The differential form `dyᵢ/dt = Σ θ_ik φ_k` at the samples, with differences of the given order of accuracy (one-sided at the
/// ends, on irregular times too): one system per equation.
///
/// # Errors
///
/// [`SindyError::MissingCell`], [`SindyError::FeatureNotFinite`]; [`SindyError::TooFewPoints`] when a run is shorter than
/// the stencil.
pub fn finite_difference(data: &Trajectories, library: &Library, order: usize) -> Result<Vec<GramSystem>, SindyError> {
    pointwise(data, library, 1, |_, run| Ok((run.values().to_vec(), difference_rates(data, run, order.max(1))?)))
        .map(only)
}

/// The differential form at the samples with state and derivative from the smoothed paths: one system per equation.
///
/// # Errors
///
/// [`SindyError::FeatureNotFinite`].
pub fn smoothed_derivative(
    data: &Trajectories,
    paths: &Paths,
    library: &Library,
) -> Result<Vec<GramSystem>, SindyError> {
    pointwise(data, library, 1, |index, run| Ok(smoothed_rates(paths, index, run))).map(only)
}

fn only(mut blocks: Vec<Vec<GramSystem>>) -> Vec<GramSystem> {
    blocks.swap_remove(0)
}

/// Values and derivatives of the smoothed path at the samples, `[n, d]` each.
pub(crate) fn smoothed_rates(paths: &Paths, index: usize, run: &Trajectory) -> (Vec<f64>, Vec<f64>) {
    let along = |at: fn(&crate::Curve, f64) -> f64| {
        run.times().iter().flat_map(|&t| paths.run(index).iter().map(move |curve| at(curve, t))).collect()
    };
    (along(crate::Curve::value), along(crate::Curve::derivative))
}

/// `rateᵢ = Σ θ_ik φ_k(state)` row by row, where `estimate` gives states and rates `[rows, d]` of a run, as many rows as samples or fewer:
/// systems `[blocks][equations]` of about equal shares of consecutive rows.
pub(crate) fn pointwise(
    data: &Trajectories,
    library: &Library,
    blocks: usize,
    mut estimate: impl FnMut(usize, &Trajectory) -> Result<(Vec<f64>, Vec<f64>), SindyError>,
) -> Result<Vec<Vec<GramSystem>>, SindyError> {
    let (d, p) = (data.dim(), library.len());
    let mut systems = vec![vec![GramSystem::new(p, NoiseModel::WhiteOnDerivatives); d]; blocks];
    let (mut values, mut arguments) = (vec![0.0; p], vec![0.0; library.arguments().len()]);
    let mut registers = library.registers();
    let (total, mut row) = (data.row_count().max(1), 0);
    for (index, run) in data.runs().iter().enumerate() {
        let (states, rates) = estimate(index, run)?;
        for (k, (state, rates)) in states.chunks_exact(d).zip(rates.chunks_exact(d)).enumerate() {
            arguments_at(run, k, &mut arguments);
            arguments[..d].copy_from_slice(state);
            evaluate(library, &arguments, &mut values, &mut registers, run.times()[k])?;
            let block = &mut systems[row * blocks / total];
            block[0].add_left(&values);
            for (system, &rate) in block.iter_mut().zip(rates) {
                system.add_right(&values, rate);
                system.rows += 1;
            }
            row += 1;
        }
    }
    // Equations share their features.
    for block in &mut systems {
        block[0].mirror();
        let (first, rest) = block.split_at_mut(1);
        rest.iter_mut().for_each(|system| system.gram.copy_from_slice(&first[0].gram));
    }
    Ok(systems)
}

/// `dy/dt` at the samples of a run, `[n, d]`.
pub(crate) fn difference_rates(data: &Trajectories, run: &Trajectory, order: usize) -> Result<Vec<f64>, SindyError> {
    let (n, d) = (run.len(), data.dim());
    if let Some(at) = run.values().iter().position(|value| value.is_nan()) {
        let (variable, t) = (data.variables()[at % d].clone(), run.times()[at / d]);
        return Err(SindyError::MissingCell { variable, t });
    }
    let points = order + 1;
    if n < points {
        return Err(SindyError::TooFewPoints { found: n, needed: points });
    }
    let mut rates = vec![0.0; n * d];
    let mut weights = vec![0.0; points];
    for k in 0..n {
        let first = k.saturating_sub(order / 2).min(n - points);
        difference_weights(run.times()[k], &run.times()[first..first + points], &mut weights);
        for (offset, weight) in weights.iter().enumerate() {
            axpy(*weight, run.row(first + offset), &mut rates[k * d..(k + 1) * d]);
        }
    }
    Ok(rates)
}

/// Weights of the first derivative at `at` on arbitrary nodes: the derivatives of Lagrange's polynomials.
fn difference_weights(at: f64, nodes: &[f64], weights: &mut [f64]) {
    for (i, weight) in weights.iter_mut().enumerate() {
        *weight = 0.0;
        for j in (0..nodes.len()).filter(|&j| j != i) {
            let rest = (0..nodes.len()).filter(|&k| k != i && k != j);
            let product: f64 = rest.map(|k| (at - nodes[k]) / (nodes[i] - nodes[k])).product();
            *weight += product / (nodes[i] - nodes[j]);
        }
    }
}
