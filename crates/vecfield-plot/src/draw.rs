//! From a [`Panel`]'s data to SVG elements inside a rectangle.

use crate::number::significant;
use crate::panel::{Flow, Layer, Marker, Panel, Scale, Stroke};
use crate::series::{Band, Series};
use crate::simplify::{simplified, stride};
use crate::svg::{Svg, fitted, path_data, text_width};
use crate::theme::Tone;
use crate::ticks::Ticks;

/// Most markers of one layer.
pub(crate) const MOST_MARKERS: usize = 2_000;
/// Markers that answer the pointer with their values; more would weigh the file down.
const MOST_HOVERS: usize = 200;
/// A tenth of a unit is below what any screen shows at the sizes used here.
const TOLERANCE: f64 = 0.1;
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
struct Axes {
    x: [f64; 2],
    y: [f64; 2],
    scale: Scale,
    width: f64,
    height: f64,
}

impl Axes {
    fn new(panel: &Panel, frame: Frame) -> Self {
        Self { x: panel.x_range(), y: panel.y_range(), scale: panel.y_scale, width: frame.width, height: frame.height }
    }

    fn x(&self, value: f64) -> f64 {
        share(value, self.x) * self.width
    }

    fn y(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => share(value, self.y),
            Scale::Log if value > 0.0 => share(value.ln(), self.y.map(f64::ln)),
            Scale::Log => -10.0,
        };
        (1.0 - share) * self.height
    }

    fn at(&self, point: [f64; 2]) -> [f64; 2] {
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
pub(crate) fn draw(svg: &mut Svg, panel: &Panel, frame: Frame, below: Below) {
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
        draw_layer(svg, layer, panel, &axes);
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
    for (value, label) in linear_ticks(axes.x, frame.width, 62.0) {
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

fn draw_layer(svg: &mut Svg, layer: &Layer, panel: &Panel, axes: &Axes) {
    match layer {
        Layer::Band(band, tone) => draw_band(svg, band, *tone, axes),
        Layer::Line(series, tone, stroke) => {
            for run in series.runs() {
                let path: Vec<_> = run.iter().map(|&point| axes.at(point)).collect();
                draw_path(svg, &path, *tone, *stroke);
            }
        }
        Layer::Points(series, tone, marker) => draw_points(svg, series, *tone, *marker, panel, axes),
        Layer::Stems(series, tone) => draw_stems(svg, series, *tone, axes),
        Layer::Level(value, stroke) => {
            let y = axes.y(*value);
            draw_path(svg, &[[0.0, y], [axes.width, y]], Tone::Muted, *stroke);
        }
        Layer::Diagonal => {
            let (low, high) = (axes.x[0].min(axes.y[0]), axes.x[1].max(axes.y[1]));
            draw_path(svg, &[axes.at([low, low]), axes.at([high, high])], Tone::Muted, Stroke::Dashed);
        }
        Layer::Text(at, text) => draw_text(svg, axes.at(*at), text, axes),
        Layer::Flow(Flow(field)) => {
            for line in field.streamlines() {
                let path: Vec<_> = line.iter().map(|[x, y]| [x * axes.width, (1.0 - y) * axes.height]).collect();
                draw_streamline(svg, &path);
            }
        }
    }
}

fn draw_path(svg: &mut Svg, path: &[[f64; 2]], tone: Tone, stroke: Stroke) {
    let kind = match stroke {
        Stroke::Solid | Stroke::Directed => "line",
        Stroke::Thin => "thin",
        Stroke::Dashed => "dash",
    };
    let class = format!("{kind} s-{}", tone.class());
    svg.leaf("path", &[("class", (&class).into()), ("d", (&path_data(&simplified(path, TOLERANCE), false)).into())]);
    if stroke == Stroke::Directed {
        draw_arrowhead(svg, &format!("f-{}", tone.class()), path, vertex_at(path, 0.06), 1.7);
    }
}

fn draw_band(svg: &mut Svg, band: &Band, tone: Tone, axes: &Axes) {
    let class = format!("band f-{}", tone.class());
    for run in band.runs() {
        let edge =
            |k: usize| simplified(&run.iter().map(|row| axes.at([row[0], row[k]])).collect::<Vec<_>>(), TOLERANCE);
        let mut outline = edge(1);
        outline.extend(edge(2).into_iter().rev());
        svg.leaf("path", &[("class", (&class).into()), ("d", (&path_data(&outline, true)).into())]);
    }
}

fn draw_points(svg: &mut Svg, series: &Series, tone: Tone, marker: Marker, panel: &Panel, axes: &Axes) {
    let (class, radius) = match marker {
        Marker::Dot => (format!("dot f-{}", tone.class()), 4.0),
        Marker::Ring => (format!("ring s-{}", tone.class()), 3.6),
        Marker::Faint => (format!("faint f-{}", tone.class()), 3.2),
        Marker::Halo => (format!("halo s-{}", tone.class()), 8.5),
    };
    let count = series.finite().count();
    // Crowded markers shrink, so that a thousand of them still show a curve.
    let crowded = count > 60;
    let radius = if crowded { radius * (60.0 / count as f64).sqrt().max(0.45) } else { radius };
    let class = if crowded { class + " many" } else { class };
    let hover = panel.hover && count <= MOST_HOVERS;
    for point in series.finite().step_by(stride(count, MOST_MARKERS)) {
        let [x, y] = axes.at(point);
        let place = [("class", (&class).into()), ("cx", x.into()), ("cy", y.into()), ("r", radius.into())];
        if hover {
            svg.open("circle", &place);
            let [x, y] = point.map(|value| significant(value, 4));
            svg.text("title", &[], &format!("{} {x}, {} {y}", panel.x.name, panel.y.name));
            svg.close();
        } else {
            svg.leaf("circle", &place);
        }
    }
}

fn draw_stems(svg: &mut Svg, series: &Series, tone: Tone, axes: &Axes) {
    let zero = axes.y(0.0);
    let count = series.finite().count();
    let (stem, dot) = (format!("stem s-{}", tone.class()), format!("f-{}", tone.class()));
    let radius = if count > 60 { 1.6 } else { 3.2 };
    for point in series.finite().step_by(stride(count, MOST_MARKERS)) {
        let [x, y] = axes.at(point);
        svg.leaf("path", &[("class", (&stem).into()), ("d", (&path_data(&[[x, zero], [x, y]], false)).into())]);
        svg.leaf("circle", &[("class", (&dot).into()), ("cx", x.into()), ("cy", y.into()), ("r", radius.into())]);
    }
}

/// Beside the point, on the side with more room.
fn draw_text(svg: &mut Svg, [x, y]: [f64; 2], text: &str, axes: &Axes) {
    let (dx, anchor) = if x > 0.6 * axes.width { (-13.0, "end") } else { (13.0, "start") };
    let dy = if y < 20.0 { 16.0 } else { -8.0 };
    svg.text(
        "text",
        &[("class", "name".into()), ("x", (x + dx).into()), ("y", (y + dy).into()), ("text-anchor", anchor.into())],
        text,
    );
}

/// A line of flow with an arrowhead in its middle.
fn draw_streamline(svg: &mut Svg, path: &[[f64; 2]]) {
    svg.leaf("path", &[("class", "flow".into()), ("d", (&path_data(&simplified(path, 0.25), false)).into())]);
    draw_arrowhead(svg, "tip", path, path.len() / 2, 1.0);
}

/// An arrowhead on `path` at its vertex `at`, pointing onwards.
fn draw_arrowhead(svg: &mut Svg, class: &str, path: &[[f64; 2]], at: usize, size: f64) {
    let (Some(&[x, y]), Some(&[bx, by])) = (path.get(at), path.get(at.saturating_sub(1))) else { return };
    let [x, y] = [0.5 * (x + bx), 0.5 * (y + by)];
    let length = (x - bx).hypot(y - by);
    if length > 0.0 {
        let [ux, uy] = [(x - bx) / length, (y - by) / length];
        let corner = |along: f64, aside: f64| {
            let (along, aside) = (size * along, size * aside);
            [x + along * ux - aside * uy, y + along * uy + aside * ux]
        };
        let head = [corner(4.8, 0.0), corner(-3.2, 3.2), corner(-1.6, 0.0), corner(-3.2, -3.2)];
        svg.leaf("path", &[("class", class.into()), ("d", (&path_data(&head, true)).into())]);
    }
}

/// The vertex nearest to `share` of a path's length.
fn vertex_at(path: &[[f64; 2]], share: f64) -> usize {
    let lengths: Vec<f64> = path.windows(2).map(|p| (p[1][0] - p[0][0]).hypot(p[1][1] - p[0][1])).collect();
    let mut left = share * lengths.iter().sum::<f64>();
    lengths
        .iter()
        .take_while(|length| {
            left -= **length;
            left > 0.0
        })
        .count()
}
