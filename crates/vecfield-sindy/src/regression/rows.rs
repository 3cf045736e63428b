//! Rows into normal equations, a block of them at a time: the matrix of all features is never there.
//!
//! Pieces of consecutive rows are worked on in parallel, each by itself, and added up in their order, so that the bits do not depend on the
//! number of threads. Memory is that of the states and rates of a piece for each thread, beside the normal equations.

use super::differences::{Differences, touched};
use super::gram::{GramSystem, NoiseModel};
use crate::derivative::Estimate;
use crate::{Library, Paths, SindyError};
use core::ops::Range;
use rayon::prelude::*;
use vecfield_data::{Trajectories, Trajectory};
use vecfield_expr::RowRegisters;
use vecfield_kernels::{LayerMath, Matrix, Start, sum};
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

/// States and rates, a column for each variable, and memory for differences.
type Columns<'a> = (&'a mut [Vec<f64>], &'a mut [Vec<f64>], &'a mut Differences);

/// Where states and rates come from, row by row.
pub(crate) enum Source<'a> {
    /// The measured states, and differences of this order of accuracy.
    Differences(usize),
    /// Both from smoothed curves.
    Curves(&'a Paths),
    /// Both as estimated before: per run and variable.
    Estimates(Vec<Vec<Estimate>>),
    /// The measured states, and the rates measured with them; no cell is missing.
    Measured(&'a Trajectories),
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
            Source::Curves(_) | Source::Estimates(_) | Source::Measured(_) => return Ok(()),
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

    /// States and rates of `rows` of a run, in cleared columns for each variable; at which place of the states' columns the first of them is.
    fn fill(&self, index: usize, run: &Trajectory, rows: Range<usize>, (states, rates, scratch): Columns<'_>) -> usize {
        let cells = |run: &Trajectory, rows: Range<usize>, columns: &mut [Vec<f64>]| {
            let d = columns.len();
            for (i, column) in columns.iter_mut().enumerate() {
                column.extend(run.values()[rows.start * d + i..rows.end * d].iter().step_by(d));
            }
        };
        match self {
            Source::Differences(order) => {
                let around = touched(&rows, *order, run.len());
                cells(run, around.clone(), states);
                rates.iter_mut().for_each(|column| column.resize(rows.len(), 0.0));
                scratch.derivatives(*order, run, rows.clone(), (around.start, states), rates);
                return rows.start - around.start;
            }
            Source::Curves(paths) => {
                for ((curve, states), rates) in paths.run(index).iter().zip(states).zip(rates) {
                    states.extend(run.times()[rows.clone()].iter().map(|&t| curve.value(t)));
                    rates.extend(run.times()[rows.clone()].iter().map(|&t| curve.derivative(t)));
                }
            }
            Source::Estimates(estimates) => {
                for ((estimate, states), rates) in estimates[index].iter().zip(states).zip(rates) {
                    states.extend_from_slice(&estimate.values[rows.clone()]);
                    rates.extend_from_slice(&estimate.rates[rows.clone()]);
                }
            }
            Source::Measured(of) => {
                cells(run, rows.clone(), states);
                cells(&of.runs()[index], rows, rates);
            }
            Source::NextValues => {
                cells(run, rows.clone(), states);
                cells(run, rows.start + 1..rows.end + 1, rates);
            }
        }
        0
    }
}

/// `rateᵢ = Σ θ_ik φ_k(state)` row by row: systems `[blocks][equations]` of about equal shares of consecutive rows. `goes_on` is told the
/// share of the rows that is done.
///
/// # Errors
///
/// [`SindyError::FeatureNotFinite`], what the source cannot give, and [`SindyError::Cut`] where it does not go on.
pub(crate) fn pointwise(
    data: &Trajectories,
    library: &Library,
    blocks: usize,
    source: &Source<'_>,
    goes_on: &dyn Fn(f64) -> bool,
) -> Result<Vec<Vec<GramSystem>>, SindyError> {
    source.check(data)?;
    let (d, p) = (data.dim(), library.len());
    let mut systems = vec![vec![GramSystem::new(p, NoiseModel::WhiteOnDerivatives); d]; blocks];
    let (pieces, at_once) = (pieces(data, source, blocks), wave(p + d));
    for (k, wave) in pieces.chunks(at_once).enumerate() {
        if !goes_on((k * at_once) as f64 / pieces.len() as f64) {
            return Err(SindyError::Cut);
        }
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
    /// A column each.
    states: Vec<Vec<f64>>,
    rates: Vec<Vec<f64>>,
    /// What the library depends on beside the states: inputs and time.
    arguments: Vec<Vec<f64>>,
    features: Vec<Vec<f64>>,
    /// The rows of a block, features and rates.
    rows: Vec<f64>,
    differences: Differences,
    registers: RowRegisters<f64>,
}

impl<'a> Worker<'a> {
    fn new(library: &'a Library, d: usize) -> Self {
        let columns = |count: usize| vec![vec![0.0; BLOCK]; count];
        Self {
            library,
            states: columns(d),
            rates: columns(d),
            arguments: columns(library.arguments().len() - d),
            features: columns(library.len()),
            rows: vec![0.0; BLOCK * (library.len() + d)],
            differences: Differences::default(),
            registers: RowRegisters::new(),
        }
    }

    fn sums(&mut self, data: &Trajectories, source: &Source<'_>, piece: &Piece) -> Result<Sums, SindyError> {
        let run = &data.runs()[piece.run];
        let (d, width) = (self.rates.len(), self.library.len() + self.rates.len());
        let mut sums = Sums { products: vec![0.0; width * width], rates: vec![0.0; d] };
        for first in piece.rows.clone().step_by(BLOCK) {
            let block = first..piece.rows.end.min(first + BLOCK);
            self.states.iter_mut().chain(&mut self.rates).for_each(Vec::clear);
            let offset =
                source.fill(piece.run, run, block.clone(), (&mut self.states, &mut self.rates, &mut self.differences));
            self.evaluate(run, block.clone(), offset)?;
            self.gather();
            let rows = &self.rows[..block.len() * width];
            f64::multiply(
                (width, width, block.len()),
                Matrix::columns(rows, width),
                rows,
                Start::Sum,
                &mut sums.products,
            );
            sums.rates.iter_mut().zip(&self.rates).for_each(|(total, rates)| *total += sum(rates));
        }
        Ok(sums)
    }

    /// The features at these rows of a run; the state of the first is at place `offset`.
    fn evaluate(&mut self, run: &Trajectory, rows: Range<usize>, offset: usize) -> Result<(), SindyError> {
        let (inputs, first, count) = (run.input_count(), rows.start, rows.len());
        for (i, column) in self.arguments.iter_mut().enumerate() {
            for (k, value) in column[..count].iter_mut().enumerate() {
                *value = if i < inputs { run.input_row(first + k)[i] } else { run.times()[first + k] };
            }
        }
        let states = self.states.iter().map(|column| &column[offset..offset + count]);
        let columns: Vec<&[f64]> = states.chain(self.arguments.iter().map(|column| &column[..count])).collect();
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
    fn gather(&mut self) {
        let (width, count) = (self.features.len() + self.rates.len(), self.rates[0].len());
        let columns =
            self.features.iter().map(|column| &column[..count]).chain(self.rates.iter().map(|column| &column[..]));
        for (i, column) in columns.enumerate() {
            self.rows[i..].iter_mut().step_by(width).zip(column).for_each(|(place, value)| *place = *value);
        }
    }
}
