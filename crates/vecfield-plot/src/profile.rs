//! Profile likelihoods: how much worse the best fit becomes as one constant is held elsewhere.

use crate::figure::{Entry, Figure, Swatch, WIDTH};
use crate::panel::{Layer, Marker, Panel, Stroke};
use crate::series::{Series, Variable};
use crate::theme::Tone;

/// The profile of one constant.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfileCurve {
    /// The constant's name.
    pub name: String,
    /// `(value, excess of the deviance)`, increasing.
    pub points: Series,
    /// The best value.
    pub best: f64,
    /// The interval; none where it is open.
    pub lower: Option<f64>,
    /// As `lower`.
    pub upper: Option<f64>,
}

/// Profiles with the level that bounds their intervals.
#[derive(Debug, Clone, PartialEq)]
pub struct Profiles {
    /// One for each constant that was asked for.
    pub curves: Vec<ProfileCurve>,
    /// The excess at the ends of the intervals: a quantile of χ² with one degree of freedom.
    pub level: f64,
    /// What the level means: `95 %`.
    pub confidence: String,
}

impl Profiles {
    /// One panel a constant: the excess over its values, with the level that bounds the interval.
    pub fn figure(&self) -> Figure {
        let panel = |(i, curve): (usize, &ProfileCurve)| {
            let tone = Tone::Variable(i);
            let ends = [curve.lower, curve.upper].into_iter().flatten().map(|end| [end, self.level]);
            let layers = vec![
                Layer::Level(self.level, Stroke::Dashed),
                Layer::Line(curve.points.clone(), tone, Stroke::Solid),
                Layer::Points(ends.collect(), tone, Marker::Ring),
                Layer::Points([[curve.best, 0.0]].into_iter().collect(), tone, Marker::Dot),
            ];
            Panel::new(Variable::new(curve.name.clone()), Variable::new(format!("{}: excess", curve.name)), layers)
                .coloured(tone)
        };
        let panels: Vec<Panel> = self.curves.iter().enumerate().map(panel).collect();
        let legend = vec![Entry::new(Swatch::Dashed, Tone::Muted, format!("{} level", self.confidence))];
        let described: Vec<String> = self.curves.iter().map(|curve| self.describe(curve)).collect();
        let columns = panels.len().clamp(1, 2);
        Figure::grid("Profile likelihoods", described.join("; ") + ".", legend, panels, columns, WIDTH, 150.0)
    }

    fn describe(&self, curve: &ProfileCurve) -> String {
        let end = |end: Option<f64>| end.map_or("open".into(), |end| crate::significant(end, 4));
        format!("{}: {} to {}", curve.name, end(curve.lower), end(curve.upper))
    }

    /// The intervals in a sentence.
    pub(crate) fn caption(&self) -> String {
        let described: Vec<String> = self.curves.iter().map(|curve| self.describe(curve)).collect();
        format!(
            "Everything else at its best for each value; where the curve crosses the line the {} interval ends. {}.",
            self.confidence,
            described.join("; ")
        )
    }
}
