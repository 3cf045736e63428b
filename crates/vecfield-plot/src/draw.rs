//! From a [`Panel`]'s data to SVG elements inside a rectangle.

use crate::marks::draw_layer;
use crate::number::{fixed, significant};
use crate::panel::{Panel, Scale};
use crate::simplify::Detail;
use crate::svg::{Svg, fitted, text_width};
use crate::ticks::Ticks;

const TICK_SIZE: f64 = 12.0;

/// A rectangle in a figure's coordinates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Frame {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
    /// Where the panel's name begins: the left edge of its tick labels' room.
    pub(crate) edge: f64,
}

/// The map from values to positions within a frame of the given size.
pub(crate) struct Axes {
    pub(crate) x: [f64; 2],
    pub(crate) y: [f64; 2],
    scale: Scale,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Axes {
    fn new(panel: &Panel, frame: Frame) -> Self {
        Self { x: panel.x_range(), y: panel.y_range(), scale: panel.y_scale, width: frame.width, height: frame.height }
    }

    pub(crate) fn x(&self, value: f64) -> f64 {
        share(value, self.x) * self.width
    }

    pub(crate) fn y(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => share(value, self.y),
            Scale::Log if value > 0.0 => share(value.ln(), self.y.map(f64::ln)),
            Scale::Log => -10.0,
        };
        (1.0 - share) * self.height
    }

    pub(crate) fn at(&self, point: [f64; 2]) -> [f64; 2] {
        [self.x(point[0]), self.y(point[1])]
    }

    fn y_ticks(&self) -> Vec<(f64, String)> {
        match self.scale {
            Scale::Linear => linear_ticks(self.y, self.height, 42.0),
            Scale::Log => log_ticks(self.y),
        }
    }
}

/// Halves first: the difference of two large values of opposite sign overflows.
fn share(value: f64, [low, high]: [f64; 2]) -> f64 {
    ((0.5 * value - 0.5 * low) / (0.5 * high - 0.5 * low)).clamp(-100.0, 100.0)
}

fn linear_ticks([low, high]: [f64; 2], length: f64, spacing: f64) -> Vec<(f64, String)> {
    let ticks = Ticks::covering(low, high, (length / spacing).round().clamp(2.0, 8.0) as usize);
    let slack = 1e-9 * (high - low);
    let inside = |value: &&f64| (low - slack..=high + slack).contains(*value);
    ticks.values().iter().filter(inside).map(|&value| (value, ticks.label(value))).collect()
}

fn x_ticks(panel: &Panel, range: [f64; 2], width: f64) -> Vec<(f64, String)> {
    let ticks = linear_ticks(range, width, 62.0);
    if panel.x_whole {
        ticks.into_iter().filter(|(value, _)| value.fract() == 0.0).map(|(v, _)| (v, fixed(v, 0))).collect()
    } else {
        ticks
    }
}

/// Powers of ten, with 2 and 5 between them where there are few.
fn log_ticks([low, high]: [f64; 2]) -> Vec<(f64, String)> {
    let decades = low.log10().floor() as i32..=high.log10().ceil() as i32;
    let factors: &[f64] = if (high / low).log10() < 2.5 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let every = ((high / low).log10() / 7.0).ceil().max(1.0) as i32;
    let values = decades.filter(|d| d % every == 0).flat_map(|d| factors.iter().map(move |f| f * 10_f64.powi(d)));
    values.filter(|value| (low..=high).contains(value)).map(|value| (value, significant(value, 2))).collect()
}

/// Room that tick labels need left of a panel.
pub(crate) fn left_margin(panel: &Panel, height: f64) -> f64 {
    let axes = Axes { x: [0.0, 1.0], y: panel.y_range(), scale: panel.y_scale, width: 1.0, height };
    let widest = axes.y_ticks().iter().map(|(_, label)| text_width(label, TICK_SIZE)).fold(0.0, f64::max);
    (widest + 12.0).clamp(22.0, 110.0)
}

/// Whether the labels and the name under a panel are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Below {
    Labels,
    Nothing,
}

/// Draws the panel; `frame` is the area between the axes.
pub(crate) fn draw(svg: &mut Svg, panel: &Panel, frame: Frame, below: Below, detail: Detail) {
    heading(svg, panel, frame);
    if panel.is_empty() {
        let (x, y) = (frame.x + 0.5 * frame.width, frame.y + 0.5 * frame.height);
        let bottom = frame.y + frame.height;
        let right = frame.x + frame.width;
        svg.leaf(
            "line",
            &[
                ("class", "axis".into()),
                ("x1", frame.x.into()),
                ("x2", right.into()),
                ("y1", bottom.into()),
                ("y2", bottom.into()),
            ],
        );
        let words = fitted(&panel.when_empty, 13.0, frame.width);
        svg.text(
            "text",
            &[("class", "empty".into()), ("x", x.into()), ("y", y.into()), ("text-anchor", "middle".into())],
            &words,
        );
        return;
    }
    let axes = Axes::new(panel, frame);
    scaffold(svg, panel, &axes, frame, below);
    // A nested document clips what leaves the panel, and needs no ids that could clash with another figure's.
    let place =
        [("x", frame.x.into()), ("y", frame.y.into()), ("width", frame.width.into()), ("height", frame.height.into())];
    svg.open("svg", &place);
    for layer in &panel.layers {
        draw_layer(svg, layer, panel, &axes, detail);
    }
    svg.close();
}

fn heading(svg: &mut Svg, panel: &Panel, frame: Frame) {
    let mut x = frame.edge + 2.0;
    if let Some(tone) = panel.hue {
        let class = format!("f-{}", tone.class());
        svg.leaf(
            "circle",
            &[("class", (&class).into()), ("cx", (x + 4.5).into()), ("cy", (frame.y - 17.5).into()), ("r", 4.5.into())],
        );
        x += 15.0;
    }
    let label = fitted(&panel.y.label(), 13.0, frame.x + frame.width - x);
    svg.text("text", &[("class", "head".into()), ("x", x.into()), ("y", (frame.y - 13.0).into())], &label);
}

/// Grid, tick labels, the axis and its name.
fn scaffold(svg: &mut Svg, panel: &Panel, axes: &Axes, frame: Frame, below: Below) {
    let (right, bottom) = (frame.x + frame.width, frame.y + frame.height);
    for (value, label) in axes.y_ticks() {
        let y = frame.y + axes.y(value);
        svg.leaf(
            "line",
            &[
                ("class", "grid".into()),
                ("x1", frame.x.into()),
                ("x2", right.into()),
                ("y1", y.into()),
                ("y2", y.into()),
            ],
        );
        svg.text(
            "text",
            &[("x", (frame.x - 7.0).into()), ("y", (y + 4.0).into()), ("text-anchor", "end".into())],
            &label,
        );
    }
    svg.leaf(
        "line",
        &[
            ("class", "axis".into()),
            ("x1", frame.x.into()),
            ("x2", right.into()),
            ("y1", bottom.into()),
            ("y2", bottom.into()),
        ],
    );
    for (value, label) in x_ticks(panel, axes.x, frame.width) {
        let x = frame.x + axes.x(value);
        svg.leaf(
            "line",
            &[
                ("class", "axis".into()),
                ("x1", x.into()),
                ("x2", x.into()),
                ("y1", bottom.into()),
                ("y2", (bottom + 4.0).into()),
            ],
        );
        if below == Below::Labels {
            svg.text(
                "text",
                &[("x", x.into()), ("y", (bottom + 18.0).into()), ("text-anchor", "middle".into())],
                &label,
            );
        }
    }
    if below == Below::Labels {
        let name = fitted(&panel.x.label(), 12.5, frame.width);
        let x = frame.x + 0.5 * frame.width;
        svg.text(
            "text",
            &[
                ("class", "name".into()),
                ("x", x.into()),
                ("y", (bottom + 37.0).into()),
                ("text-anchor", "middle".into()),
            ],
            &name,
        );
    }
}
