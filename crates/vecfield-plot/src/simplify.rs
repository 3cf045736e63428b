//! Fewer points, same picture: a drawn path keeps only what moves it by a visible amount, and never more than its share.

/// How much one layer may draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Detail {
    /// Most markers, evenly taken.
    pub(crate) markers: usize,
    /// Most vertices of a curve.
    pub(crate) vertices: usize,
}

impl Detail {
    pub(crate) const FULL: Self = Self { markers: 2_000, vertices: 4_000 };

    pub(crate) fn halved(self) -> Self {
        Self { markers: self.markers.div_ceil(2), vertices: self.vertices.div_ceil(2) }
    }
}

/// Every how-manieth of `count` items to take so that at most `most` remain.
pub(crate) fn stride(count: usize, most: usize) -> usize {
    count.div_ceil(most.max(1)).max(1)
}

/// Runs of one curve, simplified to `tolerance`, or as much more coarsely as it takes to keep at most `most` vertices, two a run.
pub(crate) fn all_simplified(runs: &[Vec<[f64; 2]>], mut tolerance: f64, most: usize) -> Vec<Vec<[f64; 2]>> {
    let most = most.max(2);
    // The search below is quadratic at worst; five times as many vertices as may stay are enough to choose from.
    let thin = stride(runs.iter().map(Vec::len).sum(), 5 * most);
    let every = stride(runs.len(), most / 2);
    let mut kept: Vec<Vec<[f64; 2]>> = runs.iter().step_by(every).map(|run| thinned(run, thin)).collect();
    loop {
        kept = kept.iter().map(|run| simplified(run, tolerance)).collect();
        if kept.iter().map(Vec::len).sum::<usize>() <= most || kept.iter().all(|run| run.len() <= 2) {
            return kept;
        }
        tolerance *= 1.5;
    }
}

/// Every `step`-th vertex and both ends.
fn thinned(run: &[[f64; 2]], step: usize) -> Vec<[f64; 2]> {
    let mut kept: Vec<_> = run.iter().copied().step_by(step).collect();
    if step > 1
        && let Some(&last) = run.last()
    {
        kept.push(last);
    }
    kept
}

/// The path with vertices left out that lie within `tolerance` of the line through their neighbours
/// (Ramer 1972; Douglas and Peucker 1973). Both ends stay.
pub(crate) fn simplified(points: &[[f64; 2]], tolerance: f64) -> Vec<[f64; 2]> {
    if points.len() < 3 {
        return points.to_vec();
    }
    let mut keep = vec![false; points.len()];
    keep[0] = true;
    keep[points.len() - 1] = true;
    let mut pending = vec![(0, points.len() - 1)];
    while let Some((from, to)) = pending.pop() {
        let farthest = (from + 1..to)
            .map(|i| (i, distance(points[i], points[from], points[to])))
            .fold((from, 0.0), |best, next| if next.1 > best.1 { next } else { best });
        if farthest.1 > tolerance {
            keep[farthest.0] = true;
            pending.push((from, farthest.0));
            pending.push((farthest.0, to));
        }
    }
    points.iter().zip(keep).filter_map(|(point, keep)| keep.then_some(*point)).collect()
}

/// From a point to a segment, which a closed path needs (its chord has no length).
fn distance(point: [f64; 2], from: [f64; 2], to: [f64; 2]) -> f64 {
    let [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    let [px, py] = [point[0] - from[0], point[1] - from[1]];
    let length = dx * dx + dy * dy;
    let along = if length > 0.0 { ((px * dx + py * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
    (px - along * dx).hypot(py - along * dy)
}
