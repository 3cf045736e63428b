//! [`Panels`]: a tall matrix in panels of 32 columns, and its blocked Householder reduction.
//!
//! `I - V T Vᵀ` is the product of a panel's reflections (Schreiber and Van Loan 1989); every other panel is updated by three
//! matrix products, in parallel, each in one fixed order.

use rayon::prelude::*;
use vecfield_kernels::{Job, LayerMath, Matrix, Start, fused, run};

/// Columns of a panel.
const WIDTH: usize = 32;

/// `[rows, columns + tail]`; the tail (border and right-hand side) begins a panel of its own.
#[derive(Debug, Clone)]
pub(crate) struct Panels {
    rows: usize,
    columns: usize,
    panels: Vec<Vec<f64>>,
}

impl Panels {
    pub(crate) fn new(rows: usize, columns: usize, tail: usize) -> Self {
        // A triangle needs as many rows as columns; missing ones are zero.
        let rows = rows.max(columns);
        let count = columns.div_ceil(WIDTH) + tail.div_ceil(WIDTH);
        Self { rows, columns, panels: vec![vec![0.0; rows * WIDTH]; count] }
    }

    /// Copies a row to its place.
    pub(crate) fn set_row(&mut self, row: usize, entries: &[f64], tail: &[f64]) {
        for (panel, part) in self.panels.iter_mut().zip(entries.chunks(WIDTH)) {
            panel[row * WIDTH..][..part.len()].copy_from_slice(part);
        }
        let first = self.columns.div_ceil(WIDTH);
        for (panel, part) in self.panels[first..].iter_mut().zip(tail.chunks(WIDTH)) {
            panel[row * WIDTH..][..part.len()].copy_from_slice(part);
        }
    }

    /// The first `columns` entries of a row.
    pub(crate) fn row(&self, row: usize, columns: usize) -> Vec<f64> {
        (0..columns).map(|j| self.panels[j / WIDTH][row * WIDTH + j % WIDTH]).collect()
    }

    /// The triangle with its tail, `[columns, columns + tail]`, and the tail's own triangle below, `[tail, tail]`.
    pub(super) fn reduce(mut self, tail: usize) -> (Vec<f64>, Vec<f64>) {
        let pivots = self.columns.div_ceil(WIDTH);
        for p in 0..pivots {
            let (done, rest) = self.panels.split_at_mut(p + 1);
            let (first, count) = (p * WIDTH, WIDTH.min(self.columns - p * WIDTH));
            let panel = &mut done[p][first * WIDTH..];
            let (v, t) = factor(panel, self.rows - first, count);
            let update = |panel: &mut Vec<f64>| apply(&v, &t, count, &mut panel[first * WIDTH..]);
            if rest.len() * (self.rows - first) > 4096 {
                rest.par_iter_mut().for_each(update);
            } else {
                rest.iter_mut().for_each(update);
            }
        }
        let (n, width) = (self.columns, self.columns + tail);
        let mut triangle = vec![0.0; n * width];
        for i in 0..n {
            for j in i..n {
                triangle[i * width + j] = self.panels[j / WIDTH][i * WIDTH + j % WIDTH];
            }
            for j in 0..tail {
                triangle[i * width + n + j] = self.panels[pivots + j / WIDTH][i * WIDTH + j % WIDTH];
            }
        }
        let mut below = Vec::with_capacity((self.rows - n) * tail);
        for i in n..self.rows {
            below.extend((0..tail).map(|j| self.panels[pivots + j / WIDTH][i * WIDTH + j % WIDTH]));
        }
        let mut corner = vec![0.0; tail * tail];
        super::eliminate(&mut corner, tail, tail, &mut below, self.rows - n);
        (triangle, corner)
    }
}

/// Reflects the first `count` columns of a panel to a triangle; gives `V` (`[rows, count]`) and `T` (`[count, count]`).
fn factor(panel: &mut [f64], rows: usize, count: usize) -> (Vec<f64>, Vec<f64>) {
    run(Factor { panel, rows, count })
}

struct Factor<'a> {
    panel: &'a mut [f64],
    rows: usize,
    count: usize,
}

impl Job for Factor<'_> {
    type Output = (Vec<f64>, Vec<f64>);

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> Self::Output {
        let Self { panel, rows, count } = self;
        let mut v = vec![0.0; rows * count];
        let mut t = vec![0.0; count * count];
        for j in 0..count.min(rows) {
            let mut square = 0.0;
            for row in panel.chunks_exact(WIDTH).skip(j + 1) {
                square += row[j] * row[j];
            }
            let head = panel[j * WIDTH + j];
            let length = (head * head + square).sqrt();
            if length == 0.0 {
                continue;
            }
            let diagonal = if head > 0.0 { -length } else { length };
            let lead = head - diagonal;
            let beta = -lead / diagonal;
            v[j * count + j] = 1.0;
            for i in j + 1..rows {
                v[i * count + j] = panel[i * WIDTH + j] / lead;
            }
            // sums = vᵀ panel, along rows of whole panels.
            let mut sums = [0.0; WIDTH];
            for i in j..rows {
                let (x, row) = (v[i * count + j], &panel[i * WIDTH..(i + 1) * WIDTH]);
                for l in 0..WIDTH {
                    sums[l] = fused::<FUSED>(x, row[l], sums[l]);
                }
            }
            sums.iter_mut().for_each(|sum| *sum *= beta);
            for i in j..rows {
                let (x, row) = (-v[i * count + j], &mut panel[i * WIDTH..(i + 1) * WIDTH]);
                for l in j..WIDTH {
                    row[l] = fused::<FUSED>(x, sums[l], row[l]);
                }
            }
            panel[j * WIDTH + j] = diagonal;
            // T: column j is -beta T (Vᵀ v_j) above the diagonal.
            let mut inner = [0.0; WIDTH];
            for i in j..rows {
                let x = v[i * count + j];
                for l in 0..j {
                    inner[l] = fused::<FUSED>(v[i * count + l], x, inner[l]);
                }
            }
            for i in 0..j {
                let sum: f64 = (i..j).map(|l| t[i * count + l] * inner[l]).sum();
                t[i * count + j] = -beta * sum;
            }
            t[j * count + j] = beta;
        }
        (v, t)
    }
}

/// `panel ← (I - V Tᵀ Vᵀ) panel`: the reflections in the order in which they were made.
fn apply(v: &[f64], t: &[f64], count: usize, panel: &mut [f64]) {
    let rows = panel.len() / WIDTH;
    let mut inner = vec![0.0; count * WIDTH];
    f64::multiply((count, WIDTH, rows), Matrix::columns(v, count), panel, Start::Zero, &mut inner);
    let mut turned = vec![0.0; count * WIDTH];
    f64::multiply((count, WIDTH, count), Matrix::columns(t, count), &inner, Start::Zero, &mut turned);
    turned.iter_mut().for_each(|x| *x = -*x);
    f64::multiply((rows, WIDTH, count), Matrix::rows(v, count), &turned, Start::Sum, panel);
}
