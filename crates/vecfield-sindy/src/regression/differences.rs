//! First derivatives by differences on arbitrary times, for many rows at a time: weights are columns, one number for each row.

use core::ops::Range;
use vecfield_data::Trajectory;
use vecfield_kernels::{Job, fused, run};

/// Rows whose weights are there together.
const BLOCK: usize = 256;

/// Memory for differences.
#[derive(Default)]
pub(super) struct Differences {
    /// `[nodes, rows]`.
    weights: Vec<f64>,
    scratch: Vec<f64>,
}

impl Differences {
    /// Writes the derivative at `rows` of a run, of this order of accuracy and one-sided at its ends, into a column for each of its variables. The
    /// run has more than `order` samples.
    /// * `(start, values)`: the variables at the rows that are [`touched`], a column each, and the first of those rows.
    pub(super) fn derivatives(
        &mut self,
        order: usize,
        sampled: &Trajectory,
        rows: Range<usize>,
        (start, values): (usize, &[Vec<f64>]),
        rates: &mut [Vec<f64>],
    ) {
        let mut row = rows.start;
        while row < rows.end {
            let stencil = Stencil::of(row, rows.end, order, sampled.len());
            self.weigh(order, sampled.times(), &stencil);
            for (values, rates) in values.iter().zip(rates.iter_mut()) {
                let values = &values[stencil.first - start..];
                let rates = &mut rates[row - rows.start..][..stencil.count];
                run(Combine { weights: &self.weights, values, rates });
            }
            row += stencil.count;
        }
    }

    fn weigh(&mut self, order: usize, times: &[f64], stencil: &Stencil) {
        let nodes = order + 1;
        self.weights.resize(nodes * stencil.count, 0.0);
        self.scratch.resize(stencil.count, 0.0);
        let times = &times[stencil.first..stencil.first + stencil.count + order];
        run(Weigh { times, at: stencil.at, nodes, weights: &mut self.weights, scratch: &mut self.scratch });
    }
}

/// The rows of a run that differences of an order at `rows` touch.
pub(super) fn touched(rows: &Range<usize>, order: usize, samples: usize) -> Range<usize> {
    let (first, last) =
        (Stencil::of(rows.start, rows.end, order, samples), Stencil::of(rows.end - 1, rows.end, order, samples));
    first.first..last.first + order + 1
}

/// Consecutive rows whose nodes lie alike: those of the first begin at `first`, and the row is number `at` among them.
struct Stencil {
    first: usize,
    at: usize,
    count: usize,
}

impl Stencil {
    /// That of `row` and of those after it, before `end`.
    fn of(row: usize, end: usize, order: usize, samples: usize) -> Stencil {
        let last = samples - (order + 1);
        let first = row.saturating_sub(order / 2).min(last);
        let is_inside = first + order / 2 == row;
        let count = if is_inside { (last - first + 1).min(end - row).min(BLOCK) } else { 1 };
        Stencil { first, at: row - first, count }
    }
}

/// The weights `ℓᵢ'(x_at)` of Lagrange's polynomials (Berrut and Trefethen 2004, section 9.3); that of the node itself makes their sum zero, which
/// keeps constants constant to the last bit.
struct Weigh<'a> {
    times: &'a [f64],
    at: usize,
    nodes: usize,
    weights: &'a mut [f64],
    scratch: &'a mut [f64],
}

impl Job for Weigh<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Weigh { times, at, nodes, weights, scratch: below } = self;
        let count = below.len();
        let time = |node: usize| &times[node..node + count];
        let (before, from) = weights.split_at_mut(at * count);
        let (own, after) = from.split_at_mut(count);
        own.fill(0.0);
        let others = before.chunks_exact_mut(count).chain(after.chunks_exact_mut(count));
        for (i, weight) in (0..nodes).filter(|&i| i != at).zip(others) {
            for r in 0..count {
                (weight[r], below[r]) = (1.0, time(i)[r] - time(at)[r]);
            }
            for k in (0..nodes).filter(|&k| k != i && k != at) {
                let (x, own, other) = (time(i), time(at), time(k));
                for r in 0..count {
                    weight[r] *= own[r] - other[r];
                    below[r] *= x[r] - other[r];
                }
            }
            for r in 0..count {
                weight[r] /= below[r];
                own[r] -= weight[r];
            }
        }
    }
}

/// The sums of values by their weights.
struct Combine<'a> {
    weights: &'a [f64],
    values: &'a [f64],
    rates: &'a mut [f64],
}

impl Job for Combine<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Combine { weights, values, rates } = self;
        rates.fill(0.0);
        for (node, weights) in weights.chunks_exact(rates.len()).enumerate() {
            let values = &values[node..node + weights.len()];
            for ((rate, weight), value) in rates.iter_mut().zip(weights).zip(values) {
                *rate = fused::<FUSED>(*weight, *value, *rate);
            }
        }
    }
}
