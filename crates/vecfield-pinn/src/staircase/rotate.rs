//! Rows rotated into a triangle above them: reflections that touch one row of the triangle and all rows below.

use vecfield_kernels::{Job, fused, run};

/// Zeroes the first `size` columns of `below` (`[rows, width]`) against the triangle in `above` (`[size, width]`).
pub(super) fn eliminate(above: &mut [f64], size: usize, width: usize, below: &mut [f64], rows: usize) {
    if rows > 0 {
        run(Eliminate { above, size, width, below, rows });
    }
}

struct Eliminate<'a> {
    above: &'a mut [f64],
    size: usize,
    width: usize,
    below: &'a mut [f64],
    rows: usize,
}

impl Job for Eliminate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Self { above, size, width, below, rows } = self;
        let mut sums = vec![0.0; width];
        let mut v = vec![0.0; rows];
        for j in 0..size {
            let mut square = 0.0;
            for (v, row) in v.iter_mut().zip(below.chunks_exact(width)) {
                *v = row[j];
                square += row[j] * row[j];
            }
            if square == 0.0 {
                continue;
            }
            let top = &mut above[j * width..(j + 1) * width];
            let head = top[j];
            let length = (head * head + square).sqrt();
            let diagonal = if head > 0.0 { -length } else { length };
            let lead = head - diagonal;
            let beta = -lead / diagonal;
            v.iter_mut().for_each(|v| *v /= lead);
            top[j] = diagonal;
            let sums = &mut sums[j + 1..];
            sums.copy_from_slice(&top[j + 1..]);
            for (row, &v) in below.chunks_exact(width).zip(&v) {
                for (sum, &entry) in sums.iter_mut().zip(&row[j + 1..]) {
                    *sum = fused::<FUSED>(v, entry, *sum);
                }
            }
            for (entry, sum) in top[j + 1..].iter_mut().zip(sums.iter_mut()) {
                *sum *= beta;
                *entry -= *sum;
            }
            for (row, &v) in below.chunks_exact_mut(width).zip(&v) {
                row[j] = 0.0;
                for (entry, &sum) in row[j + 1..].iter_mut().zip(sums.iter()) {
                    *entry = fused::<FUSED>(-v, sum, *entry);
                }
            }
        }
    }
}
