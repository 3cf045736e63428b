//! Normal equations summed over windows.

use super::chain::Border;
use vecfield_linalg::{axpy, dot};

/// `JᵀJ` and `Jᵀr`.
#[derive(Default)]
pub(super) struct Normal {
    /// Of the coefficients: `[free, free]`, the lower triangle.
    pub(super) m: Vec<f64>,
    pub(super) g: Vec<f64>,
    /// Of the initial states, a window each.
    pub(super) borders: Vec<Border>,
    /// `rᵀr`.
    pub(super) squares: f64,
}

impl Normal {
    /// Of `free` coefficients over all windows, from those of their groups; gaps of ties are weighted by `tie_weights`.
    pub(super) fn sum(free: usize, mut parts: Vec<Part>, tie_weights: &[f64]) -> Self {
        let mut normal = Self { m: vec![0.0; free * free], g: vec![0.0; free], ..Self::default() };
        for part in &mut parts {
            let rows = part.block.chunks_exact(part.slopes.len());
            for (sum, row) in normal.m.chunks_exact_mut(free.max(1)).zip(rows) {
                axpy(1.0, &row[..free], sum);
            }
            axpy(1.0, &part.slopes[..free], &mut normal.g);
            normal.squares += part.squares;
            normal.borders.append(&mut part.borders);
        }
        let ties = parts.iter().flat_map(|part| &part.ties).enumerate().filter(|(_, (rows, _))| !rows.is_empty());
        for (w, (rows, gap)) in ties {
            let (before, after) = normal.borders.split_at_mut(w + 1);
            after[0].tie_to(&mut before[w], rows, gap, tie_weights);
        }
        normal
    }
}

/// What a group of windows adds to the normal equations.
pub(super) struct Part {
    free: usize,
    /// Over coefficients, summed, and the initial state of the window at hand; `[count, count]` and `[count]`.
    block: Vec<f64>,
    slopes: Vec<f64>,
    borders: Vec<Border>,
    /// Rows and residuals of the ties, where there are any.
    ties: Vec<(Vec<f64>, Vec<f64>)>,
    squares: f64,
}

impl Part {
    pub(super) fn new(free: usize, d: usize) -> Self {
        let (block, slopes) = (vec![0.0; (free + d).pow(2)], vec![0.0; free + d]);
        Self { free, block, slopes, borders: Vec::new(), ties: Vec::new(), squares: 0.0 }
    }

    /// Adds a window by its weighted rows `[rows, free + d]` and residuals; the last `d` are of the tie to the next where it has one.
    pub(super) fn add(&mut self, rows: &[f64], residuals: &[f64], tied: bool) {
        let (free, count) = (self.free, self.slopes.len());
        let d = count - free;
        self.block[free * count..].fill(0.0);
        self.slopes[free..].fill(0.0);
        add_gram(rows, count, &mut self.block);
        add_column_dots(rows, residuals, &mut self.slopes);
        let mut border = Border::new(free, d);
        for i in 0..d {
            let row = &self.block[(free + i) * count..(free + i + 1) * count];
            (0..free + d).for_each(|q| {
                let value = if q <= free + i { row[q] } else { self.block[q * count + free + i] };
                border.coupling[q * d + i] = value;
            });
        }
        border.gradient.copy_from_slice(&self.slopes[free..]);
        self.borders.push(border);
        self.squares += dot(residuals, residuals);
        let kept = if tied { d } else { 0 };
        let last = |values: &[f64], width: usize| values[values.len() - kept * width..].to_vec();
        self.ties.push((last(rows, count), last(residuals, 1)));
    }
}

/// Adds `rowsᵀ rows` to the lower triangle of `gram` (`[n, n]`), four rows at a time: the triangle is the larger operand, and is
/// passed over a quarter as often.
fn add_gram(rows: &[f64], n: usize, gram: &mut [f64]) {
    let mut quads = rows.chunks_exact(4 * n);
    for quad in &mut quads {
        let (a, rest) = quad.split_at(n);
        let (b, rest) = rest.split_at(n);
        let (c, d) = rest.split_at(n);
        for i in 0..n {
            let (ai, bi, ci, di) = (a[i], b[i], c[i], d[i]);
            let out = &mut gram[i * n..=i * n + i];
            for ((((out, a), b), c), d) in out.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                *out += (ai * a + bi * b) + (ci * c + di * d);
            }
        }
    }
    for row in quads.remainder().chunks_exact(n) {
        for i in 0..n {
            axpy(row[i], &row[..=i], &mut gram[i * n..=i * n + i]);
        }
    }
}

/// Adds `rowsᵀ residuals` to `sums`.
fn add_column_dots(rows: &[f64], residuals: &[f64], sums: &mut [f64]) {
    for (row, &r) in rows.chunks_exact(sums.len().max(1)).zip(residuals) {
        axpy(r, row, sums);
    }
}
