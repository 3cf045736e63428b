//! [`Normal`]: `JᵀJ` of a deep network's residuals, formed, damped and solved by products of matrices.
//!
//! The lower triangle is kept in groups of [`WIDE`] columns, each with the rows from its diagonal on, `[row, column]`: a
//! group's sums stay near while the Jacobian passes by, and groups are formed in parallel. The factor `L` has the same form;
//! each group takes away what the earlier ones say (left-looking, Golub & Van Loan 4.2.8).

use rayon::prelude::*;
use vecfield_kernels::{Job, LayerMath, Matrix, Start, run, transpose};
use vecfield_linalg::LinalgError;
use vecfield_optim::{Infeasible, NormalEquations};

use super::BLOCK;
use super::system::DeepSystem;

/// Columns of a group.
const WIDE: usize = 128;
/// Rows that go to a thread at a time.
const TALL: usize = 192;

/// The normal equations at a point.
pub(crate) struct Normal<'s, 'p> {
    system: &'s mut DeepSystem<'p>,
    work: &'s mut NormalWork,
}

/// Their memory, for any number of points.
#[derive(Debug, Default)]
pub(crate) struct NormalWork {
    residuals: Vec<f64>,
    jacobian: Vec<f64>,
    matrix: Vec<Vec<f64>>,
    factor: Vec<Vec<f64>>,
    /// `[row of the block, column of the group]` of each group.
    packed: Vec<Vec<f64>>,
    turned: Vec<f64>,
    damping: Vec<f64>,
    gradient: Vec<f64>,
}

impl<'s, 'p> Normal<'s, 'p> {
    pub(crate) fn new(system: &'s mut DeepSystem<'p>, work: &'s mut NormalWork) -> Self {
        let (n, blocks) = (system.parameter_count(), system.row_blocks());
        work.residuals.resize(blocks * BLOCK, 0.0);
        work.jacobian.resize(blocks * n * BLOCK, 0.0);
        let groups = n.div_ceil(WIDE);
        let group = |g: usize| vec![0.0; (n - g * WIDE) * (n - g * WIDE).min(WIDE)];
        if work.matrix.len() != groups || work.gradient.len() != n {
            work.matrix = (0..groups).map(group).collect();
            work.factor = work.matrix.clone();
            work.packed = vec![vec![0.0; BLOCK * WIDE]; groups];
            work.turned = vec![0.0; WIDE * WIDE];
            (work.damping, work.gradient) = (vec![0.0; n], vec![0.0; n]);
        }
        Self { system, work }
    }
}

impl NormalEquations for Normal<'_, '_> {
    fn parameter_count(&self) -> usize {
        self.system.parameter_count()
    }

    fn cost(&mut self, x: &[f64]) -> Result<f64, Infeasible> {
        Ok(self.system.cost(x))
    }

    fn linearize(&mut self, x: &[f64], gradient: &mut [f64], diagonal: &mut [f64]) -> Result<f64, Infeasible> {
        let NormalWork { residuals, jacobian, matrix, packed, .. } = &mut *self.work;
        self.system.jacobian(x, residuals, jacobian);
        let n = x.len();
        let (residuals, jacobian) = (&*residuals, &*jacobian);
        matrix.par_iter_mut().zip(packed).enumerate().for_each(|(g, (group, packed))| {
            form(g * WIDE, n, jacobian, group, packed);
        });
        gradient.fill(0.0);
        for (part, r) in jacobian.chunks_exact(n * BLOCK).zip(residuals.chunks_exact(BLOCK)) {
            run(Against { part, r, sum: &mut *gradient });
        }
        for (i, diagonal) in diagonal.iter_mut().enumerate() {
            let (g, own) = (i / WIDE, i % WIDE);
            *diagonal = matrix[g][own * (n - g * WIDE).min(WIDE) + own];
        }
        let finite = gradient.iter().chain(&*diagonal).all(|number| number.is_finite());
        if finite { Ok(0.5 * vecfield_kernels::dot(residuals, residuals)) } else { Err(Infeasible) }
    }

    fn solve(&mut self, damping: &[f64], gradient: &[f64], _: &[bool], step: &mut [f64]) -> Result<(), LinalgError> {
        let NormalWork { matrix, factor, turned, damping: kept, gradient: slope, .. } = &mut *self.work;
        kept.copy_from_slice(damping);
        slope.copy_from_slice(gradient);
        factorize(matrix, damping, factor, turned)?;
        step.iter_mut().zip(gradient).for_each(|(step, g)| *step = -g);
        substitute(factor, step);
        Ok(())
    }

    /// From `(JᵀJ + D) s = -g`: `sᵀJᵀJ s = -gᵀs - sᵀDs`.
    fn curvature(&self, step: &[f64]) -> f64 {
        let damped: f64 = step.iter().zip(&self.work.damping).map(|(s, d)| d * s * s).sum();
        -vecfield_kernels::dot(step, &self.work.gradient) - damped
    }
}

/// `group ← Σ J[:, from..]ᵀ J[:, from..from + wide]`
fn form(from: usize, n: usize, jacobian: &[f64], group: &mut [f64], packed: &mut [f64]) {
    let (rows, wide) = (n - from, (n - from).min(WIDE));
    let packed = &mut packed[..BLOCK * wide];
    group.fill(0.0);
    for part in jacobian.chunks_exact(n * BLOCK) {
        let own = &part[from * BLOCK..];
        transpose(&own[..wide * BLOCK], BLOCK, packed);
        f64::multiply((rows, wide, BLOCK), Matrix::rows(own, BLOCK), packed, Start::Sum, group);
    }
}

/// `L Lᵀ = A + D`.
fn factorize(
    matrix: &[Vec<f64>],
    damping: &[f64],
    factor: &mut [Vec<f64>],
    turned: &mut [f64],
) -> Result<(), LinalgError> {
    let n = damping.len();
    for g in 0..matrix.len() {
        let (earlier, own) = factor.split_at_mut(g);
        let from = g * WIDE;
        let (own, wide) = (&mut own[0], (n - from).min(WIDE));
        own.copy_from_slice(&matrix[g]);
        (0..wide).for_each(|i| own[i * wide + i] += damping[from + i]);
        for (k, before) in earlier.iter().enumerate() {
            // Groups before the last are whole.
            let below = &before[(from - k * WIDE) * WIDE..];
            let turned = &mut turned[..WIDE * wide];
            transpose(&below[..wide * WIDE], WIDE, turned);
            turned.iter_mut().for_each(|l| *l = -*l);
            let turned = &*turned;
            own.par_chunks_mut(TALL * wide).zip(below.par_chunks(TALL * WIDE)).for_each(|(own, below)| {
                let rows = own.len() / wide;
                f64::multiply((rows, wide, WIDE), Matrix::rows(below, WIDE), turned, Start::Sum, own);
            });
        }
        let (corner, below) = own.split_at_mut(wide * wide);
        run(Corner { a: &mut *corner, n: wide })
            .map_err(|(row, pivot)| LinalgError::NotPositiveDefinite { row: from + row, pivot })?;
        let turned = &mut turned[..wide * wide];
        transpose(corner, wide, turned);
        let turned = &*turned;
        below.par_chunks_mut(TALL * wide).for_each(|rows| run(Behind { turned, rows, n: wide }));
    }
    Ok(())
}

/// `b ← (L Lᵀ)⁻¹ b`
fn substitute(factor: &[Vec<f64>], b: &mut [f64]) {
    let n = b.len();
    for (g, group) in factor.iter().enumerate() {
        let wide = (n - g * WIDE).min(WIDE);
        let (own, below) = b[g * WIDE..].split_at_mut(wide);
        let mut rows = group.chunks_exact(wide);
        for i in 0..wide {
            let Some(row) = rows.next() else { return };
            own[i] = (own[i] - vecfield_kernels::dot(&row[..i], &own[..i])) / row[i];
        }
        for (row, b) in rows.zip(below) {
            *b -= vecfield_kernels::dot(row, own);
        }
    }
    for (g, group) in factor.iter().enumerate().rev() {
        let wide = (n - g * WIDE).min(WIDE);
        let (own, below) = b[g * WIDE..].split_at_mut(wide);
        for (row, b) in group[wide * wide..].chunks_exact(wide).zip(below) {
            vecfield_kernels::axpy(-*b, row, own);
        }
        for (i, row) in group[..wide * wide].chunks_exact(wide).enumerate().rev() {
            own[i] /= row[i];
            let (earlier, at) = own.split_at_mut(i);
            vecfield_kernels::axpy(-at[0], &row[..i], earlier);
        }
    }
}

/// `sum[i] += Σ_p part[i, p] r[p]`
struct Against<'a> {
    part: &'a [f64],
    r: &'a [f64],
    sum: &'a mut [f64],
}

impl Job for Against<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        const PARTIAL: usize = 16;
        let r = self.r.as_chunks::<PARTIAL>().0;
        for (row, sum) in self.part.chunks_exact(BLOCK).zip(self.sum) {
            let mut partial = [0.0; PARTIAL];
            for (row, r) in row.as_chunks::<PARTIAL>().0.iter().zip(r) {
                for p in 0..PARTIAL {
                    partial[p] += row[p] * r[p];
                }
            }
            partial.iter().for_each(|part| *sum += part);
        }
    }
}

/// The Cholesky factor of a corner in place, by columns from the left; what is above the diagonal becomes zero.
struct Corner<'a> {
    a: &'a mut [f64],
    n: usize,
}

impl Job for Corner<'_> {
    type Output = Result<(), (usize, f64)>;

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> Self::Output {
        let Self { a, n } = self;
        for j in 0..n {
            let pivot = a[j * n + j];
            if !(pivot > 0.0 && pivot.is_finite()) {
                return Err((j, pivot));
            }
            let root = pivot.sqrt();
            a[j * n + j] = root;
            a[j * n + j + 1..(j + 1) * n].fill(0.0);
            for i in j + 1..n {
                a[i * n + j] /= root;
            }
            // Takes the column away from what is right of it.
            for i in j + 1..n {
                let l = a[i * n + j];
                let mut line = [0.0; WIDE];
                for k in j + 1..=i {
                    line[k] = a[k * n + j];
                }
                for (a, line) in a[i * n + j + 1..=i * n + i].iter_mut().zip(&line[j + 1..=i]) {
                    *a -= l * line;
                }
            }
        }
        Ok(())
    }
}

/// Rows behind a corner: `X Lᵀ = B`, with `Lᵀ` row by row.
struct Behind<'a> {
    turned: &'a [f64],
    rows: &'a mut [f64],
    n: usize,
}

impl Job for Behind<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Self { turned, rows, n } = self;
        for row in rows.chunks_exact_mut(n) {
            for l in 0..n {
                let line = &turned[l * n..(l + 1) * n];
                let x = row[l] / line[l];
                row[l] = x;
                for (b, l) in row[l + 1..].iter_mut().zip(&line[l + 1..]) {
                    *b -= x * l;
                }
            }
        }
    }
}
