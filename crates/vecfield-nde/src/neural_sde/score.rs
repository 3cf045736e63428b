//! Energy scores of parts of a series.

use vecfield_nn::Random;

use crate::latent::series::Series;
use crate::model::Number;

/// A number made of a series: a cell, or by how much it is above another, in units of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Feature<R> {
    cell: usize,
    above: Option<usize>,
    unit: R,
}

/// What is scored of a series: parts, each of some features, and what they weigh together.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Parts<R> {
    features: Vec<Feature<R>>,
    /// Where each part ends.
    ends: Vec<usize>,
    /// What each part weighs.
    weights: Vec<R>,
}

impl<R: Number> Parts<R> {
    /// Of a series: the steps from each measured cell of a variable to the next, in units in which those of a Brownian motion are
    /// alike; and the whole.
    pub(super) fn fixed(series: &Series<R>, n: usize) -> Parts<R> {
        let mut parts = Parts { features: vec![], ends: vec![], weights: vec![] };
        let rows = series.times().len();
        let mut before: Vec<Option<usize>> = vec![None; n];
        for row in 0..rows {
            for (v, before) in before.iter_mut().enumerate().filter(|(v, _)| !series.cells[row * n + v].is_nan()) {
                if let Some(earlier) = *before {
                    let gap = series.times()[row] - series.times()[earlier];
                    let unit = R::one() / gap.sqrt();
                    parts.features.push(Feature { cell: row * n + v, above: Some(earlier * n + v), unit });
                }
                *before = Some(row);
            }
            parts.close();
        }
        parts.share(0);
        let (first, cells) = (parts.ends.len(), series.cells.iter().enumerate().filter(|(_, cell)| !cell.is_nan()));
        let unit = R::from_f64(1.0 / (series.measured as f64).sqrt());
        parts.features.extend(cells.map(|(cell, _)| Feature { cell, above: None, unit }));
        parts.close();
        parts.share(first);
        parts
    }

    /// Adds each measured row together with another.
    pub(super) fn with_pairs(&self, series: &Series<R>, n: usize, random: &mut Random) -> Parts<R> {
        let (mut parts, first) = (self.clone(), self.ends.len());
        for &row in &series.rows {
            let other = series.rows[random.below(series.rows.len())];
            for cell in (row * n..(row + 1) * n).chain(if other == row { 0..0 } else { other * n..(other + 1) * n }) {
                if !series.cells[cell].is_nan() {
                    parts.features.push(Feature { cell, above: None, unit: R::one() });
                }
            }
            parts.close();
        }
        parts.share(first);
        parts
    }

    fn close(&mut self) {
        if self.features.len() > self.ends.last().copied().unwrap_or(0) {
            self.ends.push(self.features.len());
        }
    }

    /// Has the parts from number `first` on weigh one together.
    fn share(&mut self, first: usize) {
        let count = self.ends.len() - first;
        self.weights.resize(self.ends.len(), R::from_f64(1.0 / count.max(1) as f64));
    }

    /// The score of `made` series, `[made, cells]`, for one that was measured; adds its slopes, times `weight`, to `bar`.
    pub(super) fn score(&self, cells: &[R], made: &[R], weight: R, bar: &mut [R], memory: &mut Vec<R>) -> f64 {
        let count = made.len() / cells.len();
        let (one, pairs) = (R::from_f64(1.0 / count as f64), R::from_f64(1.0 / (count * (count - 1)) as f64));
        let (mut score, mut start) = (0.0, 0);
        for (&end, &part) in self.ends.iter().zip(&self.weights) {
            let features = &self.features[start..end];
            start = end;
            memory.clear();
            for of in made.chunks_exact(cells.len()).chain([cells]) {
                let value = |f: &Feature<R>| f.unit * (of[f.cell] - f.above.map_or(R::zero(), |above| of[above]));
                memory.extend(features.iter().map(value));
            }
            let width = features.len();
            for p in 0..count {
                for q in (p + 1..count).chain([count]) {
                    let [a, b] = [p, q].map(|i| &memory[i * width..(i + 1) * width]);
                    let square = a.iter().zip(b).fold(R::zero(), |sum, (&a, &b)| sum + (a - b) * (a - b));
                    let distance = square.sqrt();
                    let factor = if q == count { one } else { -pairs };
                    score += (part * factor * distance).to_f64();
                    if bar.is_empty() || distance == R::zero() {
                        continue;
                    }
                    let slope = weight * part * factor / distance;
                    for (f, (&a, &b)) in features.iter().zip(a.iter().zip(b)) {
                        let slope = slope * f.unit * (a - b);
                        for (cell, slope) in [(Some(f.cell), slope), (f.above, -slope)] {
                            let Some(cell) = cell else { continue };
                            bar[p * cells.len() + cell] += slope;
                            if q < count {
                                bar[q * cells.len() + cell] -= slope;
                            }
                        }
                    }
                }
            }
        }
        score
    }
}
