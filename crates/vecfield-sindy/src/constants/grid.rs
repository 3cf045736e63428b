//! Values of constants over the scales of the data, evenly in their logarithms, of both signs.

use vecfield_data::Trajectories;

/// Values of each sign, for one constant, for two and for three.
const VALUES: [usize; 3] = [120, 22, 6];
/// Beyond the smallest and the largest scale.
const BEYOND: f64 = 10.0;

/// Values for a constant that stands in formulas beside the variables, inputs or times `names`, one of `count` constants.
///
/// A constant multiplies what is beside it, or is added to it: it is of the size of that, or of its inverse.
pub(super) fn values(data: &Trajectories, names: &[String], count: usize) -> Vec<f64> {
    let mut scales = vec![1.0_f64];
    let mut add = |scale: f64| {
        if scale.is_finite() && scale > 0.0 {
            scales.extend([scale, 1.0 / scale]);
        }
    };
    for name in names {
        if let Some(i) = data.variables().iter().position(|variable| variable == name) {
            add(data.rms(i));
        } else if let Some(j) = data.inputs().iter().position(|input| input == name) {
            let values = || data.runs().iter().flat_map(|run| (0..run.len()).map(move |k| run.input_row(k)[j]));
            add((values().map(|v| v * v).sum::<f64>() / values().count().max(1) as f64).sqrt());
        } else if name == "t" {
            let longest = data.runs().iter().map(|run| run.times()[run.len() - 1] - run.times()[0]).fold(0.0, f64::max);
            add(longest);
            add(longest / data.row_count().max(1) as f64);
        }
    }
    let (least, most) = scales.iter().fold((f64::INFINITY, 0.0_f64), |(a, b), &s| (a.min(s), b.max(s)));
    let (first, last) = ((least / BEYOND).ln(), (most * BEYOND).ln());
    let n = VALUES[count.clamp(1, VALUES.len()) - 1];
    let sizes = (0..n).map(|k| (first + (last - first) * k as f64 / (n - 1) as f64).exp());
    let sizes: Vec<f64> = sizes.collect();
    sizes.iter().rev().map(|v| -v).chain(sizes.iter().copied()).collect()
}

/// The points of a grid of tuples, in order of the last constant first, whose scores are no higher than those of their neighbours along any
/// constant: the lowest `most` of them.
pub(super) fn lowest(grids: &[Vec<f64>], points: &[Vec<f64>], scores: &[f64], most: usize) -> Vec<Vec<f64>> {
    let mut low: Vec<usize> = (0..points.len())
        .filter(|&at| {
            let mut stride = 1;
            scores[at].is_finite()
                && grids.iter().rev().all(|grid| {
                    let place = at / stride % grid.len();
                    let below = (place > 0).then(|| scores[at - stride]);
                    let above = (place + 1 < grid.len()).then(|| scores[at + stride]);
                    stride *= grid.len();
                    below.into_iter().chain(above).all(|other| scores[at] <= other)
                })
        })
        .collect();
    low.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    low.truncate(most);
    low.into_iter().map(|at| points[at].clone()).collect()
}
