//! Transposed matrices.

use crate::dispatch::{Job, run};

/// `to ← fromᵀ`, of `from` in rows of `width`.
///
/// ```
/// let mut to = [0.0; 6];
/// vecfield_kernels::transpose(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3, &mut to);
/// assert_eq!(to, [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
/// ```
///
/// # Panics
///
/// If the lengths differ, or there is no whole number of rows.
pub fn transpose<R: Copy>(from: &[R], width: usize, to: &mut [R]) {
    assert_eq!(from.len(), to.len(), "a matrix is as large as its transpose");
    if from.is_empty() {
        return;
    }
    assert!(from.len().is_multiple_of(width), "a matrix has whole rows");
    run(Transpose { from, to, width });
}

struct Transpose<'a, R> {
    from: &'a [R],
    to: &'a mut [R],
    width: usize,
}

impl<R: Copy> Job for Transpose<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        /// In squares, so that what is read across the rows stays near.
        const SIDE: usize = 8;
        let Self { from, to, width } = self;
        let height = from.len() / width;
        for i in (0..height).step_by(SIDE) {
            let tall = (height - i).min(SIDE);
            for (j, line) in to.chunks_exact_mut(height).enumerate() {
                for (k, to) in line[i..i + tall].iter_mut().enumerate() {
                    *to = from[(i + k) * width + j];
                }
            }
        }
    }
}
