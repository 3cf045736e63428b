//! The cells under a test function: products of points along time and every coordinate of space.

use super::grid::Points;

/// Where a test function stands: in which run, and at which time and points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Centre {
    pub(super) run: usize,
    /// `[time, space..]`.
    pub(super) at: Vec<usize>,
}

/// Cells as lines along the last coordinate: where each begins with its weight, and the offsets within it with theirs.
pub(super) struct Lines {
    pub(super) starts: Vec<(usize, f64)>,
    pub(super) along: Vec<(usize, f64)>,
}

impl Lines {
    /// The product of weighted points of each axis.
    pub(super) fn new(axes: &[Points], weighted: &[Vec<(usize, f64)>]) -> Self {
        let strides: Vec<usize> =
            (0..axes.len()).map(|axis| axes[axis + 1..].iter().map(Points::len).product()).collect();
        let (last, outer) = weighted.split_last().expect("there is time at least");
        let mut starts = vec![(0, 1.0)];
        for (points, stride) in outer.iter().zip(&strides) {
            starts = starts
                .iter()
                .flat_map(|&(start, weight)| points.iter().map(move |&(k, w)| (start + k * stride, weight * w)))
                .collect();
        }
        Self { starts, along: last.clone() }
    }

    /// `Σ weight · value`.
    pub(super) fn sum(&self, values: &[f64]) -> f64 {
        let line = |start: usize| self.along.iter().map(|&(k, w)| w * values[start + k]).sum::<f64>();
        self.starts.iter().map(|&(start, weight)| weight * line(start)).sum()
    }

    /// Every cell with its weight, line after line.
    pub(super) fn cells(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        let line = |&(start, weight): &(usize, f64)| self.along.iter().map(move |&(k, w)| (start + k, weight * w));
        self.starts.iter().flat_map(line)
    }
}

/// The product of what two test functions of half widths `sizes` have on the cells they share, each `[2 size - 1]` along every axis.
pub(super) fn overlap(axes: &[Points], sizes: &[usize], centres: [&Centre; 2], values: [&[f64]; 2]) -> f64 {
    if centres[0].run != centres[1].run {
        return 0.0;
    }
    let mut starts = vec![[0, 0]];
    let mut width = 1;
    let (mut sum, last) = (0.0, axes.len() - 1);
    for (axis, (points, size)) in axes.iter().zip(sizes).enumerate() {
        let extent = 2 * size - 1;
        let shift = centres[1].at[axis] as isize - centres[0].at[axis] as isize;
        let n = points.len() as isize;
        // Around a ring two test functions may meet twice.
        let turns: &[isize] = if points.ring.is_some() { &[-n, 0, n] } else { &[0] };
        let shared = turns.iter().map(|turn| shift + turn).filter(|shift| shift.unsigned_abs() < extent);
        let pieces: Vec<[usize; 3]> = shared
            .map(|shift| [shift.max(0) as usize, (-shift).max(0) as usize, extent - shift.unsigned_abs()])
            .collect();
        if axis == last {
            for &[a, b] in &starts {
                for &[left, right, count] in &pieces {
                    let (a, b) = (a * extent + left, b * extent + right);
                    sum += vecfield_linalg::dot(&values[0][a..a + count], &values[1][b..b + count]);
                }
            }
        } else {
            let next = |&[a, b]: &[usize; 2]| {
                let of_piece = move |&[left, right, count]: &[usize; 3]| {
                    (0..count).map(move |k| [a * extent + left + k, b * extent + right + k])
                };
                pieces.iter().flat_map(of_piece).collect::<Vec<_>>()
            };
            starts = starts.iter().flat_map(next).collect();
        }
        width *= extent;
    }
    debug_assert_eq!(width, values[0].len());
    sum
}
