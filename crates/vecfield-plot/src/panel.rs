//! One pair of axes and what is drawn between them, as data.

use crate::series::{Band, Series, Variable, drawable};
use crate::streamlines::SampledField;
use crate::theme::Tone;
use crate::ticks::{LARGEST, widened};

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stroke {
    /// A model's curve.
    Solid,
    /// A model's path, with an arrowhead that shows its direction.
    Directed,
    /// One of many.
    Thin,
    /// A reference.
    Dashed,
}

/// How a point is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// Filled, with a rim in the background's colour.
    Dot,
    /// Open.
    Ring,
    /// Small and translucent: one of many.
    Faint,
    /// A circle around another marker.
    Halo,
}

/// One thing drawn in a panel. Later layers lie on top.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Layer {
    /// A region between two curves.
    Band(Band, Tone),
    /// A path; gaps break it.
    Line(Series, Tone, Stroke),
    /// Markers. More than a few thousand are thinned evenly, and the legend says so.
    Points(Series, Tone, Marker),
    /// Vertical lines from zero with a dot at the end.
    Stems(Series, Tone),
    /// `y = value` across the panel.
    Level(f64, Stroke),
    /// `y = x` across the panel.
    Diagonal,
    /// Text beside a point, in the panel's coordinates.
    Text([f64; 2], String),
    /// Streamlines of a field over the whole panel.
    Flow(Flow),
}

/// A planar vector field over a window, drawn as evenly spaced streamlines.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow(pub(crate) SampledField);

impl Flow {
    /// Asks `field(x, y) = [dx/dt, dy/dt]` at 49 × 49 points of the window `x × y`; values that are not finite end the lines near them.
    pub fn new(x: [f64; 2], y: [f64; 2], field: impl FnMut(f64, f64) -> [f64; 2]) -> Self {
        Self(SampledField::new(widened(x[0], x[1]).into(), widened(y[0], y[1]).into(), 49, field))
    }
}

/// How positions depend on values along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    /// Equal steps for equal differences.
    #[default]
    Linear,
    /// Equal steps for equal ratios; values that are not positive are gaps.
    Log,
}

/// One pair of axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    pub(crate) x: Variable,
    pub(crate) y: Variable,
    pub(crate) hue: Option<Tone>,
    pub(crate) layers: Vec<Layer>,
    pub(crate) x_window: Option<[f64; 2]>,
    pub(crate) y_window: Option<[f64; 2]>,
    pub(crate) y_scale: Scale,
    pub(crate) x_whole: bool,
    pub(crate) when_empty: String,
}

impl Panel {
    /// Axes for `x` (below) and `y` (named above the panel), with `layers` in the order they are painted.
    pub fn new(x: Variable, y: Variable, layers: Vec<Layer>) -> Self {
        let when_empty = "no finite values to draw".into();
        Self {
            x,
            y,
            hue: None,
            layers,
            x_window: None,
            y_window: None,
            y_scale: Scale::Linear,
            x_whole: false,
            when_empty,
        }
    }

    /// The same with a swatch of `tone` before the name of `y`.
    pub fn coloured(self, tone: Tone) -> Self {
        Self { hue: Some(tone), ..self }
    }

    /// The same with its windows given rather than fitted to the layers.
    pub fn within(self, x: [f64; 2], y: [f64; 2]) -> Self {
        Self { x_window: Some(x), y_window: Some(y), ..self }
    }

    /// The same with the horizontal window given.
    pub fn across(self, x: [f64; 2]) -> Self {
        Self { x_window: Some(x), ..self }
    }

    /// The same with ticks at whole numbers only along the horizontal axis.
    pub fn counting(self) -> Self {
        Self { x_whole: true, ..self }
    }

    /// The same with a vertical scale.
    pub fn scaled(self, y_scale: Scale) -> Self {
        Self { y_scale, ..self }
    }

    /// The same with its own words for a panel without a single finite value.
    pub fn when_empty(self, words: impl Into<String>) -> Self {
        Self { when_empty: words.into(), ..self }
    }

    /// Whether no layer has anything finite to draw.
    pub fn is_empty(&self) -> bool {
        self.extent(0).is_none()
    }

    /// The horizontal window: every layer's range and a little air.
    pub(crate) fn x_range(&self) -> [f64; 2] {
        self.x_window.or_else(|| self.extent(0).map(|range| padded(range, 0.025))).unwrap_or([0.0, 1.0])
    }

    /// The vertical window. Points decide; curves and bands widen it by at most three quarters of the points' range, so that one
    /// diverging curve or a huge band does not flatten the data.
    pub(crate) fn y_range(&self) -> [f64; 2] {
        match (self.y_window, self.y_scale) {
            (Some(window), Scale::Linear) => window,
            (Some(window), Scale::Log) => positive(window),
            (None, Scale::Linear) => self.fitted(),
            (None, Scale::Log) => positive(self.fitted()),
        }
    }

    fn fitted(&self) -> [f64; 2] {
        let kept = |layer: &&Layer| matches!(layer, Layer::Points(..) | Layer::Stems(..));
        let points =
            range_of(self.layers.iter().filter(kept).flat_map(|layer| values(layer, 1)).filter(|v| self.shows(*v)));
        let all = range_of(self.layers.iter().flat_map(|layer| values(layer, 1)).filter(|v| self.shows(*v)));
        let range = match (points, all) {
            (Some(points), Some(all)) => {
                let (low, high) = widened(points[0], points[1]);
                let air = 0.75 * (high - low);
                [all[0].max(points[0] - air).min(points[0]), all[1].min(points[1] + air).max(points[1])]
            }
            (_, all) => all.unwrap_or([0.0, 1.0]),
        };
        match self.y_scale {
            Scale::Log => [0.9 * range[0], 1.1 * range[1]],
            // Amounts read best from zero when zero is near.
            Scale::Linear if range[0] >= 0.0 && range[0] < 0.5 * range[1] => [0.0, 1.08 * range[1]],
            Scale::Linear => padded(range, 0.06),
        }
    }

    fn shows(&self, y: f64) -> bool {
        drawable(y) && (self.y_scale == Scale::Linear || y > 0.0)
    }

    fn extent(&self, coordinate: usize) -> Option<[f64; 2]> {
        range_of(self.layers.iter().flat_map(|layer| values(layer, coordinate)))
    }
}

/// A window with a logarithm: what is not positive is out of view, and fifteen decades are enough.
fn positive([low, high]: [f64; 2]) -> [f64; 2] {
    let high = if high > 1e-280 { high } else { 1.0 };
    [low.max(1e-15 * high).min(0.5 * high), high]
}

/// A range and a share of it on either side.
pub(crate) fn padded([low, high]: [f64; 2], share: f64) -> [f64; 2] {
    let (low, high) = widened(low, high);
    let air = share * (high - low);
    [(low - air).max(-LARGEST), (high + air).min(LARGEST)]
}

pub(crate) fn range_of(values: impl Iterator<Item = f64>) -> Option<[f64; 2]> {
    values.filter(|&value| drawable(value)).fold(None, |range, value| match range {
        None => Some([value, value]),
        Some([low, high]) => Some([f64::min(low, value), f64::max(high, value)]),
    })
}

/// What a layer asks of one axis.
fn values(layer: &Layer, coordinate: usize) -> Box<dyn Iterator<Item = f64> + '_> {
    match layer {
        Layer::Band(band, _) if coordinate == 0 => Box::new(band.runs().flatten().map(|row| row[0])),
        Layer::Band(band, _) => Box::new(band.runs().flatten().flat_map(|row| [row[1], row[2]])),
        Layer::Line(series, ..) | Layer::Points(series, ..) => {
            Box::new(series.finite().map(move |point| point[coordinate]))
        }
        Layer::Stems(series, _) if coordinate == 0 => Box::new(series.finite().map(|point| point[0])),
        Layer::Stems(series, _) => Box::new(series.finite().flat_map(|point| [point[1], 0.0])),
        Layer::Flow(Flow(field)) => Box::new(if coordinate == 0 { field.x } else { field.y }.into_iter()),
        Layer::Level(..) | Layer::Diagonal | Layer::Text(..) => Box::new(std::iter::empty()),
    }
}
