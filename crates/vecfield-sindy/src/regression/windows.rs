//! The integral form, window by window: integrals are kept for one window at a time, and windows are worked on in parallel and added up in
//! their order.

use super::gram::{GramSystem, NoiseModel};
use super::rows::wave;
use crate::path::Along;
use crate::{Library, Paths, SindyError};
use core::ops::Range;
use rayon::prelude::*;
use vecfield_data::{Trajectories, Trajectory};
use vecfield_kernels::{LayerMath, Matrix, Start};
use vecfield_linalg::axpy;

// Gauss–Legendre with 5 points: exact to degree 9, so that products of quintics lose nothing on a sample interval.
const NODES: [(f64, f64); 5] = [
    (-0.906_179_845_938_664, 0.236_926_885_056_189_1),
    (-0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
    (0.0, 0.568_888_888_888_888_9),
    (0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
    (0.906_179_845_938_664, 0.236_926_885_056_189_1),
];

/// Windows that are worked on together.
const PIECE: usize = 16;

/// What is integrated.
pub(super) enum Integrand<'a> {
    /// The features, the same for every equation.
    Features,
    /// `φ_k` and `-φ_k (yᵢ' - κᵢ)` of the first `selectable` features, then the others; `known` are the features `(equation, feature)` of
    /// `κ`.
    Quotient {
        /// Features of numerators and denominators.
        selectable: usize,
        /// The known parts.
        known: &'a [(usize, usize)],
    },
}

/// Cuts `n` samples into windows of nearly equal size, about `window` each.
pub(crate) fn window_edges(n: usize, window: usize) -> Vec<usize> {
    let count = ((n as f64 / window.max(2) as f64).round() as usize).max(1);
    (0..=count).map(|k| (k * n + count / 2) / count).collect()
}

/// The integral form on windows of about `window` samples: `[blocks][equations]`, at most so many blocks of consecutive windows.
pub(super) fn integrated(
    data: &Trajectories,
    paths: &Paths,
    library: &Library,
    integrand: &Integrand<'_>,
    window: usize,
    blocks: usize,
) -> Result<Vec<Vec<GramSystem>>, SindyError> {
    let d = data.dim();
    let width = library.len() + if let Integrand::Quotient { selectable, .. } = integrand { *selectable } else { 0 };
    let windows: Vec<(usize, Range<usize>)> = (data.runs().iter().enumerate())
        .flat_map(|(run, trajectory)| {
            let edges = window_edges(trajectory.len(), window);
            (1..edges.len()).map(move |k| (run, edges[k - 1]..edges[k])).collect::<Vec<_>>()
        })
        .collect();
    let blocks = blocks.min(windows.len()).max(1);
    let block = |at: usize| at * blocks / windows.len().max(1);
    // No piece is in two blocks.
    let (mut pieces, mut first) = (Vec::new(), 0);
    while first < windows.len() {
        let alike = (first..windows.len().min(first + PIECE)).take_while(|&at| block(at) == block(first)).count();
        pieces.push(first..first + alike);
        first += alike;
    }
    let mut systems = vec![vec![GramSystem::new(width, NoiseModel::WhiteOnValues); d]; blocks];
    for group in pieces.chunks(wave(width + d)) {
        let work = |piece: &Range<usize>| {
            let mut sums = Sums::new(width, d);
            for (run, rows) in &windows[piece.clone()] {
                sums.add(data, paths, library, integrand, *run, rows.clone())?;
            }
            Ok(sums)
        };
        let done: Vec<Result<Sums, SindyError>> = group.par_iter().map(work).collect();
        for (piece, sums) in group.iter().zip(done) {
            sums?.add_to(&mut systems[block(piece.start)]);
        }
    }
    systems.iter_mut().flatten().for_each(GramSystem::mirror);
    Ok(systems)
}

/// What a piece adds.
struct Sums {
    /// Products of features and values where a window has no gap: equations share their features.
    shared: Vec<f64>,
    /// Rows of each equation in those windows.
    rows: usize,
    /// The others.
    own: Vec<GramSystem>,
}

impl Sums {
    fn new(width: usize, d: usize) -> Self {
        let all = width + d;
        Self { shared: vec![0.0; all * all], rows: 0, own: vec![GramSystem::new(width, NoiseModel::WhiteOnValues); d] }
    }

    fn add(
        &mut self,
        data: &Trajectories,
        paths: &Paths,
        library: &Library,
        integrand: &Integrand<'_>,
        index: usize,
        rows: Range<usize>,
    ) -> Result<(), SindyError> {
        let run = &data.runs()[index];
        let d = data.dim();
        let mut along = Along::new(library, run, paths.run(index));
        match integrand {
            Integrand::Features => {
                let p = library.len();
                let integrals = feature_integrals(run, rows.clone(), p, |t, values| along.features(t, values))?;
                let complete = !run.values()[rows.start * d..rows.end * d].iter().any(|value| value.is_nan());
                if complete {
                    self.add_complete(run, &integrals, rows);
                } else {
                    (0..d).for_each(|variable| add_measured(&mut self.own[variable], run, &integrals, variable, &rows));
                }
            }
            Integrand::Quotient { selectable, known } => {
                let (n, width) = (*selectable, library.len() + selectable);
                let mut features = vec![0.0; library.len()];
                for variable in 0..d {
                    let integrals = feature_integrals(run, rows.clone(), width, |t, values| {
                        along.features(t, &mut features)?;
                        let parts = known.iter().filter(|part| part.0 == variable).map(|part| features[part.1]);
                        let rate = paths.run(index)[variable].derivative(t) - parts.sum::<f64>();
                        values[..n].copy_from_slice(&features[..n]);
                        values[n..2 * n].fill(0.0);
                        axpy(-rate, &features[..n], &mut values[n..2 * n]);
                        values[2 * n..].copy_from_slice(&features[n..]);
                        Ok(())
                    })?;
                    add_measured(&mut self.own[variable], run, &integrals, variable, &rows);
                }
            }
        }
        Ok(())
    }

    /// A window without a gap: the means go, and all products are taken at once.
    fn add_complete(&mut self, run: &Trajectory, integrals: &[f64], rows: Range<usize>) {
        let (len, d) = (rows.len(), run.dim());
        if len < 2 {
            return;
        }
        let p = integrals.len() / len;
        let width = p + d;
        let mut table = Vec::with_capacity(len * width);
        for (row, k) in integrals.chunks_exact(p.max(1)).zip(rows) {
            table.extend_from_slice(row);
            table.extend_from_slice(run.row(k));
        }
        let mut mean = vec![0.0; width];
        table.chunks_exact(width).for_each(|row| axpy(1.0 / len as f64, row, &mut mean));
        table.chunks_exact_mut(width).for_each(|row| axpy(-1.0, &mean, row));
        let shape = (width, width, len);
        f64::multiply(shape, Matrix::columns(&table, width), &table, Start::Sum, &mut self.shared);
        self.rows += len - 1;
    }

    fn add_to(&self, equations: &mut [GramSystem]) {
        let p = equations.first().map_or(0, GramSystem::len);
        let width = p + equations.len();
        for (i, (system, own)) in equations.iter_mut().zip(&self.own).enumerate() {
            for k in 0..p {
                axpy(1.0, &self.shared[k * width..k * width + p], &mut system.gram[k * p..(k + 1) * p]);
            }
            let row = &self.shared[(p + i) * width..(p + i + 1) * width];
            axpy(1.0, &row[..p], &mut system.rhs);
            system.total += row[p + i];
            system.rows += self.rows;
            system.add(own);
        }
    }
}

fn add_measured(system: &mut GramSystem, run: &Trajectory, integrals: &[f64], variable: usize, rows: &Range<usize>) {
    let measured: Vec<usize> = rows.clone().filter(|&k| !run.row(k)[variable].is_nan()).collect();
    if measured.len() < 2 {
        return;
    }
    let p = system.len();
    let integral = |k: usize| &integrals[(k - rows.start) * p..(k - rows.start + 1) * p];
    let (mut mean, mut level) = (vec![0.0; p], 0.0);
    for &k in &measured {
        axpy(1.0 / measured.len() as f64, integral(k), &mut mean);
        level += run.row(k)[variable] / measured.len() as f64;
    }
    let mut row = vec![0.0; p];
    for &k in &measured {
        row.copy_from_slice(integral(k));
        axpy(-1.0, &mean, &mut row);
        system.add_row(&row, run.row(k)[variable] - level);
    }
    system.rows += measured.len() - 1;
}

/// `∫ φ` from the first of `rows` to each, `[rows, p]`, of what `features` writes.
fn feature_integrals(
    run: &Trajectory,
    rows: Range<usize>,
    p: usize,
    mut features: impl FnMut(f64, &mut [f64]) -> Result<(), SindyError>,
) -> Result<Vec<f64>, SindyError> {
    let mut integrals = vec![0.0; rows.len() * p];
    let mut values = vec![0.0; p];
    let times = &run.times()[rows];
    for k in 1..times.len() {
        let (middle, half) = (0.5 * (times[k - 1] + times[k]), 0.5 * (times[k] - times[k - 1]));
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
