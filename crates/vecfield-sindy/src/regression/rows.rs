//! Rows into normal equations, a block of them at a time: the matrix of all features is never there.
//!
//! Pieces of consecutive rows are worked on in parallel, each by itself, and added up in their order, so that the bits do not depend on the
//! number of threads. Memory is that of the states and rates of a piece for each thread, beside the normal equations.

use super::difference_weights;
use super::gram::{GramSystem, NoiseModel};
use crate::derivative::Estimate;
use crate::{Library, Paths, SindyError};
use core::ops::Range;
use rayon::prelude::*;
use vecfield_data::{Trajectories, Trajectory};
use vecfield_expr::RowRegisters;
use vecfield_kernels::{LayerMath, Matrix, Start};
use vecfield_linalg::axpy;

/// Rows of a piece.
const PIECE: usize = 8192;
/// Rows whose features are evaluated together.
const BLOCK: usize = 256;
/// Numbers in the sums of the pieces that are at work before they are added up.
const WAVE: usize = 1 << 23;

/// Pieces at work at a time, each with the products of `width` columns.
pub(super) fn wave(width: usize) -> usize {
    (WAVE / (width * width).max(1)).clamp(4, 64)
}

/// Where states and rates come from, row by row.
pub(crate) enum Source<'a> {
    /// The measured states, and differences of this order of accuracy.
    Differences(usize),
    /// Both from smoothed curves.
    Curves(&'a Paths),
    /// Both as estimated before: per run and variable.
    Estimates(Vec<Vec<Estimate>>),
    /// The measured states, and those after them.
    NextValues,
}

impl Source<'_> {
    /// Rows of a run.
    fn rows(&self, run: &Trajectory) -> usize {
        run.len() - usize::from(matches!(self, Source::NextValues))
    }

    /// Can every row of the data be had?
    fn check(&self, data: &Trajectories) -> Result<(), SindyError> {
        let needed = match self {
            Source::Differences(order) => order + 1,
            Source::NextValues => 1,
            Source::Curves(_) | Source::Estimates(_) => return Ok(()),
        };
        for run in data.runs() {
            if let Some(at) = run.values().iter().position(|value| value.is_nan()) {
                let (variable, t) = (data.variables()[at % data.dim()].clone(), run.times()[at / data.dim()]);
                return Err(match self {
                    Source::NextValues => SindyError::MissingValue { variable, t },
                    _ => SindyError::MissingCell { variable, t },
                });
            }
            if run.len() < needed {
                return Err(SindyError::TooFewPoints { found: run.len(), needed });
            }
        }
        Ok(())
    }

    /// States and rates of `rows` of a run, `[rows, d]` each, into cleared buffers.
    fn fill(&self, index: usize, run: &Trajectory, rows: Range<usize>, states: &mut Vec<f64>, rates: &mut Vec<f64>) {
        let d = run.dim();
        states.clear();
        rates.clear();
        match self {
            Source::Differences(order) => {
                states.extend_from_slice(&run.values()[rows.start * d..rows.end * d]);
                let points = order + 1;
                let mut weights = vec![0.0; points];
                rates.resize(states.len(), 0.0);
                let last = run.len() - points;
                for (k, rate) in rows.zip(rates.chunks_exact_mut(d)) {
                    let first = k.saturating_sub(order / 2).min(last);
                    difference_weights(k - first, &run.times()[first..first + points], &mut weights);
                    // Rows are short: the loop is cheaper than a call.
                    for (row, &weight) in run.values()[first * d..].chunks_exact(d).zip(&weights) {
                        rate.iter_mut().zip(row).for_each(|(rate, y)| *rate += weight * y);
                    }
                }
            }
            Source::Curves(paths) => {
                let curves = paths.run(index);
                for &t in &run.times()[rows] {
                    states.extend(curves.iter().map(|curve| curve.value(t)));
                    rates.extend(curves.iter().map(|curve| curve.derivative(t)));
                }
            }
            Source::Estimates(estimates) => {
                for k in rows {
                    states.extend(estimates[index].iter().map(|estimate| estimate.values[k]));
                    rates.extend(estimates[index].iter().map(|estimate| estimate.rates[k]));
                }
            }
            Source::NextValues => {
                states.extend_from_slice(&run.values()[rows.start * d..rows.end * d]);
                rates.extend_from_slice(&run.values()[(rows.start + 1) * d..(rows.end + 1) * d]);
            }
        }
    }
}

/// `rateᵢ = Σ θ_ik φ_k(state)` row by row: systems `[blocks][equations]` of about equal shares of consecutive rows.
///
/// # Errors
///
/// [`SindyError::FeatureNotFinite`], and what the source cannot give.
pub(crate) fn pointwise(
    data: &Trajectories,
    library: &Library,
    blocks: usize,
    source: &Source<'_>,
) -> Result<Vec<Vec<GramSystem>>, SindyError> {
    source.check(data)?;
    let (d, p) = (data.dim(), library.len());
    let mut systems = vec![vec![GramSystem::new(p, NoiseModel::WhiteOnDerivatives); d]; blocks];
    for wave in pieces(data, source, blocks).chunks(wave(p + d)) {
        let sums: Vec<Result<Sums, SindyError>> = wave
            .par_iter()
            .map_init(|| Worker::new(library, d), |worker, piece| worker.sums(data, source, piece))
            .collect();
        for (piece, sums) in wave.iter().zip(sums) {
            sums?.add_to(&mut systems[piece.block], piece.rows.len());
        }
    }
    for block in &mut systems {
        block[0].mirror();
        let (first, rest) = block.split_at_mut(1);
        rest.iter_mut().for_each(|system| system.gram.copy_from_slice(&first[0].gram));
    }
    Ok(systems)
}

/// Consecutive rows of a run.
struct Piece {
    block: usize,
    run: usize,
    rows: Range<usize>,
}

fn pieces(data: &Trajectories, source: &Source<'_>, blocks: usize) -> Vec<Piece> {
    let total = data.row_count().max(1);
    let (mut pieces, mut before) = (Vec::new(), 0);
    for (run, trajectory) in data.runs().iter().enumerate() {
        let rows = source.rows(trajectory);
        let mut first = 0;
        while first < rows {
            let block = (before + first) * blocks / total;
            let end = ((block + 1) * total).div_ceil(blocks) - before;
            let last = end.min(rows).min(first + PIECE);
            pieces.push(Piece { block, run, rows: first..last });
            first = last;
        }
        before += rows;
    }
    pieces
}

/// The products of all columns of a piece, features and then rates, `[p + d, p + d]`, and the sums of the rates.
struct Sums {
    products: Vec<f64>,
    rates: Vec<f64>,
}

impl Sums {
    /// The features' own products go to the first equation alone, which shares them later.
    fn add_to(&self, equations: &mut [GramSystem], rows: usize) {
        let p = equations[0].len();
        let width = p + equations.len();
        for i in 0..p {
            axpy(1.0, &self.products[i * width..i * width + p], &mut equations[0].gram[i * p..(i + 1) * p]);
        }
        for (i, system) in equations.iter_mut().enumerate() {
            let row = &self.products[(p + i) * width..(p + i + 1) * width];
            axpy(1.0, &row[..p], &mut system.rhs);
            system.total += row[p + i];
            system.sum += self.rates[i];
            system.rows += rows;
        }
    }
}

/// Scratch memory of a thread.
struct Worker<'a> {
    library: &'a Library,
    d: usize,
    states: Vec<f64>,
    rates: Vec<f64>,
    /// What the library depends on, and its features: a column each.
    arguments: Vec<Vec<f64>>,
    features: Vec<Vec<f64>>,
    /// The rows of a block, features and rates.
    rows: Vec<f64>,
    registers: RowRegisters<f64>,
}

impl<'a> Worker<'a> {
    fn new(library: &'a Library, d: usize) -> Self {
        let column = || vec![0.0; BLOCK];
        Self {
            library,
            d,
            states: Vec::new(),
            rates: Vec::new(),
            arguments: (0..library.arguments().len()).map(|_| column()).collect(),
            features: (0..library.len()).map(|_| column()).collect(),
            rows: vec![0.0; BLOCK * (library.len() + d)],
            registers: RowRegisters::new(),
        }
    }

    fn sums(&mut self, data: &Trajectories, source: &Source<'_>, piece: &Piece) -> Result<Sums, SindyError> {
        let run = &data.runs()[piece.run];
        let (mut states, mut rates) = (core::mem::take(&mut self.states), core::mem::take(&mut self.rates));
        source.fill(piece.run, run, piece.rows.clone(), &mut states, &mut rates);
        let (d, width) = (self.d, self.library.len() + self.d);
        let mut sums = Sums { products: vec![0.0; width * width], rates: vec![0.0; d] };
        for first in (0..piece.rows.len()).step_by(BLOCK) {
            let count = BLOCK.min(piece.rows.len() - first);
            let of_block = first * d..(first + count) * d;
            self.evaluate(run, piece.rows.start + first, &states[of_block.clone()])?;
            self.gather(&rates[of_block]);
            let rows = &self.rows[..count * width];
            f64::multiply((width, width, count), Matrix::columns(rows, width), rows, Start::Sum, &mut sums.products);
        }
        for rates in rates.chunks_exact(d) {
            axpy(1.0, rates, &mut sums.rates);
        }
        (self.states, self.rates) = (states, rates);
        Ok(sums)
    }

    /// The features at the rows of a run from `first` on, with these states.
    fn evaluate(&mut self, run: &Trajectory, first: usize, states: &[f64]) -> Result<(), SindyError> {
        let (d, inputs) = (self.d, run.input_count());
        let count = states.len() / d;
        for (i, column) in self.arguments.iter_mut().enumerate() {
            for (k, value) in column[..count].iter_mut().enumerate() {
                *value = match i {
                    i if i < d => states[k * d + i],
                    i if i < d + inputs => run.input_row(first + k)[i - d],
                    _ => run.times()[first + k],
                };
            }
        }
        let columns: Vec<&[f64]> = self.arguments.iter().map(|column| &column[..count]).collect();
        let mut outputs: Vec<&mut [f64]> = self.features.iter_mut().map(|column| &mut column[..count]).collect();
        self.library.eval_rows(&columns, &mut outputs, &mut self.registers);
        for (k, column) in self.features.iter().enumerate() {
            // Without a way out before the end, many values are looked at together.
            let broken = column[..count].iter().fold(false, |broken, value| broken | !value.is_finite());
            if let Some(row) = broken.then(|| column[..count].iter().position(|value| !value.is_finite())).flatten() {
                let feature = self.library.features()[k].key().to_string();
                return Err(SindyError::FeatureNotFinite { feature, t: run.times()[first + row] });
            }
        }
        Ok(())
    }

    /// Features and rates side by side, row by row.
    fn gather(&mut self, rates: &[f64]) {
        let (p, d) = (self.features.len(), self.d);
        for (k, row) in self.rows.chunks_exact_mut(p + d).take(rates.len() / d).enumerate() {
            row.iter_mut().zip(&self.features).for_each(|(value, column)| *value = column[k]);
            row[p..].copy_from_slice(&rates[k * d..(k + 1) * d]);
        }
    }
}
