//! Fewer points, same picture: a drawn path keeps only what moves it by a visible amount.

/// Most vertices of one drawn path; beyond it every k-th point is taken first.
const MOST: usize = 20_000;

/// Indices to keep of `count` markers so that at most `most` are drawn: every k-th, evenly from the first.
pub(crate) fn stride(count: usize, most: usize) -> usize {
    count.div_ceil(most.max(1)).max(1)
}

/// The path with vertices left out that lie within `tolerance` of the line through their neighbours
/// (Ramer 1972; Douglas and Peucker 1973). Both ends stay.
pub(crate) fn simplified(points: &[[f64; 2]], tolerance: f64) -> Vec<[f64; 2]> {
    let step = stride(points.len(), MOST);
    let mut thinned: Vec<[f64; 2]> = points.iter().copied().step_by(step).collect();
    if let (Some(last), Some(kept)) = (points.last(), thinned.last())
        && last != kept
    {
        thinned.push(*last);
    }
    if thinned.len() < 3 {
        return thinned;
    }
    let mut keep = vec![false; thinned.len()];
    keep[0] = true;
    keep[thinned.len() - 1] = true;
    let mut pending = vec![(0, thinned.len() - 1)];
    while let Some((from, to)) = pending.pop() {
        let farthest = (from + 1..to)
            .map(|i| (i, distance(thinned[i], thinned[from], thinned[to])))
            .fold((from, 0.0), |best, next| if next.1 > best.1 { next } else { best });
        if farthest.1 > tolerance {
            keep[farthest.0] = true;
            pending.push((from, farthest.0));
            pending.push((farthest.0, to));
        }
    }
    thinned.iter().zip(keep).filter_map(|(point, keep)| keep.then_some(*point)).collect()
}

/// From a point to a segment, which a closed path needs (its chord has no length).
fn distance(point: [f64; 2], from: [f64; 2], to: [f64; 2]) -> f64 {
    let [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    let [px, py] = [point[0] - from[0], point[1] - from[1]];
    let length = dx * dx + dy * dy;
    let along = if length > 0.0 { ((px * dx + py * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
    (px - along * dx).hypot(py - along * dy)
}
