//! The trade-off between simplicity and success: every model tried, and those that none beats in both.

use crate::figure::{Entry, Figure, Swatch, WIDTH};
use crate::panel::{Layer, Marker, Panel, Scale, Stroke, padded, range_of};
use crate::series::{Series, Variable, drawable};
use crate::theme::Tone;

/// Which end of a score is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// An error.
    Lower,
    /// A share explained.
    Higher,
}

/// One model that was tried.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrontPoint {
    /// Its size.
    pub complexity: f64,
    /// Its success; NaN if it failed.
    pub score: f64,
}

impl FrontPoint {
    /// A model's size and success.
    pub fn new(complexity: f64, score: f64) -> Self {
        Self { complexity, score }
    }
}

/// Every model tried, by size and success.
#[derive(Debug, Clone, PartialEq)]
pub struct Front {
    /// What size counts: `terms`.
    pub complexity: Variable,
    /// What success counts: `forecast error`.
    pub score: Variable,
    /// Which end of it is good.
    pub better: Better,
    /// The models.
    pub points: Vec<FrontPoint>,
    /// The index of the one taken.
    pub chosen: Option<usize>,
}

impl Front {
    /// The models tried and which of them was taken.
    pub fn new(
        complexity: Variable,
        score: Variable,
        better: Better,
        points: Vec<FrontPoint>,
        chosen: Option<usize>,
    ) -> Self {
        Self { complexity, score, better, points, chosen }
    }

    /// Models that no other beats in size and success both, by increasing size.
    pub fn best(&self) -> Vec<FrontPoint> {
        let mut sorted = self.sorted();
        let mut best = f64::INFINITY;
        sorted.retain(|point| {
            let better = self.loss(point) < best;
            best = best.min(self.loss(point));
            better
        });
        sorted
    }

    /// The best model of each size, whether or not a smaller one beats it, by increasing size.
    pub fn best_of_each_size(&self) -> Vec<FrontPoint> {
        let mut sorted = self.sorted();
        sorted.dedup_by(|later, earlier| later.complexity == earlier.complexity);
        sorted
    }

    /// Size across, success up; scores far outside the front's range are left out of view and counted in the legend.
    pub fn figure(&self) -> Figure {
        let best = self.best();
        let chosen = self.chosen.and_then(|index| self.points.get(index));
        let window = self.window(&best, chosen);
        let inside = |p: &FrontPoint| window.is_none_or(|[low, high]| (low..=high).contains(&p.score));
        let seen: Vec<FrontPoint> = self.points.iter().copied().filter(inside).collect();
        let front = series(&best);
        let mut layers = vec![
            Layer::Points(series(&seen), Tone::Muted, Marker::Faint),
            Layer::Line(stairs(&front), Tone::Variable(0), Stroke::Thin),
            Layer::Points(front, Tone::Variable(0), Marker::Dot),
        ];
        if let Some(&point) = chosen {
            layers.extend([Marker::Dot, Marker::Halo].map(|m| Layer::Points(series(&[point]), Tone::Variable(1), m)));
        }
        let legend = legend(chosen.is_some(), self.points.len() - seen.len());
        let good = if self.better == Better::Lower { "lower" } else { "higher" };
        let description = format!(
            "{} models by {} and {} ({good} is better).",
            self.points.len(),
            self.complexity.name,
            self.score.name
        );
        let panel = self.panel(layers, &seen);
        Figure::grid("Simplicity against success", description, legend, vec![panel], 1, WIDTH, 270.0)
    }

    fn panel(&self, layers: Vec<Layer>, seen: &[FrontPoint]) -> Panel {
        let scale = match range_of(seen.iter().map(|p| p.score)) {
            Some([low, high]) if low > 0.0 && high > 12.0 * low && self.better == Better::Lower => Scale::Log,
            _ => Scale::Linear,
        };
        let panel = Panel::new(self.complexity.clone(), self.score.clone(), layers)
            .scaled(scale)
            .when_empty("no model could be scored");
        let panel = if seen.iter().all(|p| p.complexity.fract() == 0.0) { panel.counting() } else { panel };
        let sizes = range_of(seen.iter().map(|p| p.complexity)).map(size_window);
        sizes.into_iter().fold(panel, Panel::across)
    }

    /// Models that can be drawn, by increasing size and, in one size, the best first.
    fn sorted(&self) -> Vec<FrontPoint> {
        let mut sorted: Vec<_> =
            self.points.iter().copied().filter(|p| drawable(p.complexity) && drawable(p.score)).collect();
        sorted.sort_by(|a, b| a.complexity.total_cmp(&b.complexity).then(self.loss(a).total_cmp(&self.loss(b))));
        sorted
    }

    fn loss(&self, point: &FrontPoint) -> f64 {
        if self.better == Better::Lower { point.score } else { -point.score }
    }

    /// The range of scores worth seeing: the front, the chosen model, and as far again on the bad side; where the front is a
    /// single point, half of the other sizes' best.
    fn window(&self, best: &[FrontPoint], chosen: Option<&FrontPoint>) -> Option<[f64; 2]> {
        let mut sizes = self.best_of_each_size();
        sizes.sort_by(|a, b| self.loss(a).total_cmp(&self.loss(b)));
        let median = sizes.get(sizes.len() / 2).filter(|_| best.len() < 2);
        let [low, high] = range_of(best.iter().chain(chosen).chain(median).map(|p| p.score))?;
        let span = (high - low).max(0.1 * low.abs().max(high.abs()));
        Some(match self.better {
            Better::Lower => [low, high + span],
            Better::Higher => [low - span, high],
        })
    }
}

fn series(points: &[FrontPoint]) -> Series {
    points.iter().map(|p| [p.complexity, p.score]).collect()
}

fn legend(chosen: bool, unseen: usize) -> Vec<Entry> {
    let mut legend = vec![
        Entry::new(Swatch::Dot, Tone::Variable(0), "best up to its size"),
        Entry::new(Swatch::Dot, Tone::Muted, "other models"),
    ];
    if chosen {
        legend.insert(0, Entry::new(Swatch::Dot, Tone::Variable(1), "chosen"));
    }
    if unseen > 0 {
        legend.push(Entry::new(Swatch::Nothing, Tone::Muted, format!("({unseen} worse, out of view)")));
    }
    legend
}

/// A staircase: a size buys the best score of any smaller one.
fn stairs(front: &Series) -> Series {
    let points: Vec<_> = front.finite().collect();
    let corners = points.windows(2).flat_map(|pair| [pair[0], [pair[1][0], pair[0][1]]]);
    corners.chain(points.last().copied()).collect()
}

/// Air on either side, and half a size where there is only one.
fn size_window([low, high]: [f64; 2]) -> [f64; 2] {
    if low < high { padded([low, high], 0.07) } else { padded([low - 1.0, high + 1.0], 0.0) }
}
