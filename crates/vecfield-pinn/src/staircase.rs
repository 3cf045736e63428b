//! Least squares whose columns come in blocks, each row reaching over few of them: a staircase of triangles.
//!
//! ```text
//! | A_0          |         each block's own rows are reduced to a triangle R_k first (in parallel, blocked Householder),
//! |     A_1      |         then from the first block to the last the rows that couple blocks are rotated into it; what is
//! | C_01 C_01'   |         left of them belongs to later blocks. A border of further columns (unknown constants) and the
//! |     C_12 ..  |         right-hand side are carried along.
//! ```
//!
//! Householder's method throughout (Golub–Van Loan, 4th ed., 5.2): the condition number is never squared.

mod panels;
mod rotate;
#[cfg(test)]
mod tests;

use rayon::prelude::*;

pub(crate) use panels::Panels;
use rotate::eliminate;

/// Rows that reach over blocks `first..=last`: `[rows, columns of these blocks, border, right-hand side]`.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) rows: usize,
    pub(crate) entries: Vec<f64>,
}

/// A reduced system: `R x = b`, block upper triangular.
#[derive(Debug)]
pub(crate) struct Staircase {
    offsets: Vec<usize>,
    border: usize,
    blocks: Vec<Block>,
    /// `[border, border + 1]`, upper triangular.
    corner: Vec<f64>,
}

/// The rows of one block: `R_k` and what stands right of it, up to the columns of `last`, the border and the right-hand side.
#[derive(Debug)]
struct Block {
    size: usize,
    last: usize,
    width: usize,
    entries: Vec<f64>,
}

/// Relative to the longest column: smaller pivots are no pivots.
const NO_PIVOT: f64 = 1e-15;

impl Staircase {
    /// Reduces blocks of `sizes` columns with their own rows (made by `local`, one call a block, on any thread) and `spans`.
    ///
    /// With `damping` the length of the solution is weighed too, by that much of the longest column.
    pub(crate) fn reduce(
        sizes: &[usize],
        border: usize,
        local: impl Fn(usize) -> Panels + Sync,
        spans: Vec<Span>,
        damping: f64,
    ) -> Self {
        let mut offsets = vec![0];
        sizes.iter().for_each(|size| offsets.push(offsets[offsets.len() - 1] + size));
        let tail = border + 1;
        let reduced: Vec<(Vec<f64>, Vec<f64>)> =
            (0..sizes.len()).into_par_iter().map(|k| local(k).reduce(tail)).collect();
        let (mut corner_rows, mut blocks) = (Vec::new(), Vec::new());
        let mut waiting: Vec<Vec<Span>> = sizes.iter().map(|_| vec![]).collect();
        spans.into_iter().for_each(|span| waiting[span.first].push(span));
        for (k, (triangle, rest)) in reduced.into_iter().enumerate() {
            let size = sizes[k];
            corner_rows.extend(rest);
            let mut block = Block { size, last: k, width: size + tail, entries: triangle };
            if damping > 0.0 {
                let longest = (0..size).map(|j| block.column_length(j)).fold(0.0, f64::max);
                waiting[k].push(ridge(k, size, tail, damping * longest));
            }
            let mut now = core::mem::take(&mut waiting[k]);
            now.sort_by_key(|span| span.last);
            for span in now {
                if let Some(rest) = block.absorb(span, &offsets, tail) {
                    match rest.first <= rest.last {
                        true => waiting[rest.first].push(rest),
                        false => corner_rows.extend(rest.entries),
                    }
                }
            }
            blocks.push(block);
        }
        let corner = reduce_corner(corner_rows, border);
        Self { offsets, border, blocks, corner }
    }

    /// `x` and the border's.
    pub(crate) fn solve(&self) -> (Vec<f64>, Vec<f64>) {
        let border = self.solve_corner();
        let mut x = vec![0.0; self.offsets[self.blocks.len()]];
        for (k, block) in self.blocks.iter().enumerate().rev() {
            let right: Vec<f64> = block.entries.chunks_exact(block.width).map(|row| row[block.width - 1]).collect();
            self.back_substitute(k, &right, &border, &mut x);
        }
        (x, border)
    }

    /// Row `k` of `R x + B border = right`, for the block's own part of `x`.
    fn back_substitute(&self, k: usize, right: &[f64], border: &[f64], x: &mut [f64]) {
        let block = &self.blocks[k];
        let (begin, end) = (self.offsets[k], self.offsets[block.last + 1]);
        let floor = NO_PIVOT * block.longest_pivot();
        let inner = end - begin;
        for i in (0..block.size).rev() {
            let row = &block.entries[i * block.width..][..block.width];
            let known: f64 = vecfield_kernels::dot(&row[i + 1..inner], &x[begin + i + 1..end]);
            let beside: f64 = row[inner..inner + self.border].iter().zip(border).map(|(a, b)| a * b).sum();
            x[begin + i] = if row[i].abs() > floor { (right[i] - known - beside) / row[i] } else { 0.0 };
        }
    }

    fn solve_corner(&self) -> Vec<f64> {
        let n = self.border;
        let mut x = vec![0.0; n];
        for i in (0..n).rev() {
            let row = &self.corner[i * (n + 1)..(i + 1) * (n + 1)];
            let known: f64 = (i + 1..n).map(|j| row[j] * x[j]).sum();
            x[i] = if row[i] != 0.0 { (row[n] - known) / row[i] } else { 0.0 };
        }
        x
    }

    /// `(RᵀR)⁻¹` of the border: the covariance of the unknown constants, the rest being free, in units of the rows' variance.
    pub(crate) fn border_variance(&self) -> Vec<f64> {
        let n = self.border;
        let mut variance = vec![0.0; n];
        for column in 0..n {
            // R y = e_column gives a column of R⁻¹; the variance of entry i is the squared length of row i of R⁻¹.
            let mut y = vec![0.0; n];
            for i in (0..=column).rev() {
                let row = &self.corner[i * (n + 1)..(i + 1) * (n + 1)];
                let known: f64 = (i + 1..n).map(|j| row[j] * y[j]).sum();
                let right = f64::from(u8::from(i == column));
                y[i] = (right - known) / row[i];
            }
            variance.iter_mut().zip(&y).for_each(|(v, y)| *v += y * y);
        }
        variance
    }

    /// `x` of unit length that `A` makes shortest, and that length: inverse iteration with `RᵀR`.
    pub(crate) fn weakest(&self, iterations: usize) -> (Vec<f64>, f64) {
        let n = self.offsets[self.blocks.len()];
        // A direction without symmetry: every null direction has a part in it.
        let mut x: Vec<f64> = (0..n).map(|i| ((i as f64 + 1.0) * 0.754_877_666).fract() - 0.37).collect();
        let mut shrunk = f64::INFINITY;
        for _ in 0..iterations {
            normalise(&mut x);
            let y = self.solve_transposed(&x);
            let mut z = vec![0.0; n];
            for k in (0..self.blocks.len()).rev() {
                let right = &y[self.offsets[k]..self.offsets[k + 1]];
                self.back_substitute_bare(k, right, &mut z);
            }
            let length = vecfield_kernels::dot(&z, &z).sqrt();
            shrunk = length.sqrt().recip();
            x = z;
        }
        normalise(&mut x);
        (x, shrunk)
    }

    /// As [`back_substitute`](Staircase::back_substitute), with a tiny pivot for none: null directions must show.
    fn back_substitute_bare(&self, k: usize, right: &[f64], x: &mut [f64]) {
        let block = &self.blocks[k];
        let (begin, end) = (self.offsets[k], self.offsets[block.last + 1]);
        let floor = NO_PIVOT * block.longest_pivot();
        for i in (0..block.size).rev() {
            let row = &block.entries[i * block.width..][..block.width];
            let known = vecfield_kernels::dot(&row[i + 1..end - begin], &x[begin + i + 1..end]);
            let pivot = if row[i].abs() > floor { row[i] } else { floor };
            x[begin + i] = (right[i] - known) / pivot;
        }
    }

    /// `‖R⁻ᵀ a‖²` of a row that has nothing in the border's columns.
    pub(crate) fn leverage(&self, row: &[f64]) -> f64 {
        let y = self.solve_transposed(row);
        let mut below = vec![0.0; self.border];
        for (k, block) in self.blocks.iter().enumerate() {
            let inner = self.offsets[block.last + 1] - self.offsets[k];
            for (row, y) in block.entries.chunks_exact(block.width).zip(&y[self.offsets[k]..]) {
                below.iter_mut().zip(&row[inner..]).for_each(|(sum, b)| *sum -= b * y);
            }
        }
        let n = self.border;
        for i in 0..n {
            let known: f64 = (0..i).map(|j| self.corner[j * (n + 1) + i] * below[j]).sum();
            let pivot = self.corner[i * (n + 1) + i];
            below[i] = if pivot != 0.0 { (below[i] - known) / pivot } else { 0.0 };
        }
        vecfield_kernels::dot(&y, &y) + vecfield_kernels::dot(&below, &below)
    }

    fn solve_transposed(&self, right: &[f64]) -> Vec<f64> {
        let mut y = right.to_vec();
        for (k, block) in self.blocks.iter().enumerate() {
            let (begin, end) = (self.offsets[k], self.offsets[block.last + 1]);
            let floor = NO_PIVOT * block.longest_pivot();
            for i in 0..block.size {
                let row = &block.entries[i * block.width..][..block.width];
                let pivot = if row[i].abs() > floor { row[i] } else { floor };
                let value = y[begin + i] / pivot;
                y[begin + i] = value;
                vecfield_kernels::axpy(-value, &row[i + 1..end - begin], &mut y[begin + i + 1..end]);
            }
        }
        y
    }
}

fn normalise(x: &mut [f64]) {
    let length = vecfield_kernels::dot(x, x).sqrt().max(f64::MIN_POSITIVE);
    x.iter_mut().for_each(|x| *x /= length);
}

fn ridge(k: usize, size: usize, tail: usize, weight: f64) -> Span {
    let width = size + tail;
    let mut entries = vec![0.0; size * width];
    (0..size).for_each(|i| entries[i * width + i] = weight);
    Span { first: k, last: k, rows: size, entries }
}

impl Block {
    fn column_length(&self, j: usize) -> f64 {
        (0..=j).map(|i| self.entries[i * self.width + j].powi(2)).sum::<f64>().sqrt()
    }

    fn longest_pivot(&self) -> f64 {
        (0..self.size).map(|i| self.entries[i * self.width + i].abs()).fold(0.0, f64::max)
    }

    /// Rotates rows into this block's triangle; gives what is left of them for the blocks behind.
    fn absorb(&mut self, span: Span, offsets: &[usize], tail: usize) -> Option<Span> {
        let Span { first, last, rows, entries } = span;
        if rows == 0 {
            return None;
        }
        let reach = self.last.max(last);
        let width = offsets[reach + 1] - offsets[first] + tail;
        self.widen(reach, offsets, first, tail);
        let mut below = widened(&entries, rows, offsets[last + 1] - offsets[first], width, tail);
        eliminate(&mut self.entries, self.size, width, &mut below, rows);
        let rest: Vec<f64> = below.chunks_exact(width).flat_map(|row| row[self.size..].iter().copied()).collect();
        Some(Span { first: first + 1, last: reach, rows, entries: rest })
    }

    fn widen(&mut self, reach: usize, offsets: &[usize], first: usize, tail: usize) {
        if reach > self.last {
            let width = offsets[reach + 1] - offsets[first] + tail;
            self.entries = widened(&self.entries, self.size, self.width - tail, width, tail);
            (self.last, self.width) = (reach, width);
        }
    }
}

/// Rows with zeros between their inner part and their tail.
fn widened(entries: &[f64], rows: usize, inner: usize, width: usize, tail: usize) -> Vec<f64> {
    let mut wide = vec![0.0; rows * width];
    for (from, to) in entries.chunks_exact(inner + tail).zip(wide.chunks_exact_mut(width)) {
        to[..inner].copy_from_slice(&from[..inner]);
        to[width - tail..].copy_from_slice(&from[inner..]);
    }
    wide
}

/// The triangle of the border's rows.
fn reduce_corner(rows: Vec<f64>, border: usize) -> Vec<f64> {
    let width = border + 1;
    let mut corner = vec![0.0; width * width];
    let count = rows.len() / width;
    let mut below = rows;
    eliminate(&mut corner, width, width, &mut below, count);
    corner.truncate(border * width);
    corner
}

/// The least-squares solutions of one matrix for each of `count` right-hand sides.
pub(crate) fn solve_many(columns: usize, count: usize, panels: Panels) -> Vec<Vec<f64>> {
    let (triangle, _) = panels.reduce(count);
    let width = columns + count;
    let mut solutions = vec![vec![0.0; columns]; count];
    for (right, x) in solutions.iter_mut().enumerate() {
        for i in (0..columns).rev() {
            let row = &triangle[i * width..(i + 1) * width];
            let known = vecfield_kernels::dot(&row[i + 1..columns], &x[i + 1..]);
            x[i] = if row[i] != 0.0 { (row[columns + right] - known) / row[i] } else { 0.0 };
        }
    }
    solutions
}
