//! Loops over rows that more than one layer needs, compiled for wide vectors.

use vecfield_kernels::{Job, LayerMath, run};

/// `y_bar ← y_bar · slope` and `sums_j += Σ_rows y_bar`, rows downwards; either may be left out (empty).
pub(crate) fn scale_and_sum<R: LayerMath>(y_bar: &mut [R], slope: &[R], sums: &mut [R], width: usize) {
    run(ScaleAndSum { y_bar, slope, sums, width });
}

struct ScaleAndSum<'a, R> {
    y_bar: &'a mut [R],
    slope: &'a [R],
    sums: &'a mut [R],
    width: usize,
}

impl<R: LayerMath> Job for ScaleAndSum<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let ScaleAndSum { y_bar, slope, sums, width } = self;
        for (bar, slope) in y_bar.iter_mut().zip(slope) {
            *bar *= *slope;
        }
        if !sums.is_empty() {
            for row in y_bar.chunks_exact(width) {
                for (sum, bar) in sums.iter_mut().zip(row) {
                    *sum += *bar;
                }
            }
        }
    }
}

/// Copies `width` numbers of every row: from `at` in rows of `stride` to `to_at` in rows of `to_stride`.
pub(crate) fn copy_columns<R: Copy>(
    from: &[R],
    (stride, at): (usize, usize),
    to: &mut [R],
    (to_stride, to_at): (usize, usize),
    width: usize,
) {
    for (from, to) in from.chunks_exact(stride).zip(to.chunks_exact_mut(to_stride)) {
        to[to_at..to_at + width].copy_from_slice(&from[at..at + width]);
    }
}

/// Adds `by · from`, `[rows, width]`, to the columns from `at` in rows of `stride`.
pub(crate) fn add_columns<R: LayerMath>(to: &mut [R], (stride, at): (usize, usize), from: &[R], width: usize, by: R) {
    for (to, from) in to.chunks_exact_mut(stride).zip(from.chunks_exact(width)) {
        for (to, &from) in to[at..at + width].iter_mut().zip(from) {
            *to += by * from;
        }
    }
}
