//! What lies between the axes, layer by layer.

use crate::draw::Axes;
use crate::number::significant;
use crate::panel::{Flow, Layer, Marker, Panel, Stroke};
use crate::series::{Band, Series};
use crate::simplify::{Detail, all_simplified, simplified, stride};
use crate::svg::{Svg, path_data};
use crate::theme::Tone;

/// Markers that answer the pointer with their values; more would weigh the file down.
const MOST_HOVERS: usize = 200;
/// Markers beyond which they get in each other's way.
const CROWD: usize = 60;
/// A tenth of a unit is below what any screen shows at the sizes used here.
const TOLERANCE: f64 = 0.1;

pub(crate) fn draw_layer(svg: &mut Svg, layer: &Layer, panel: &Panel, axes: &Axes, detail: Detail) {
    match layer {
        Layer::Band(band, tone) => draw_band(svg, band, *tone, axes, detail),
        Layer::Line(series, tone, stroke) => {
            let runs: Vec<Vec<_>> = series.runs().map(|run| run.iter().map(|&p| axes.at(p)).collect()).collect();
            draw_paths(svg, &runs, *tone, *stroke, detail);
        }
        Layer::Points(series, tone, marker) => draw_points(svg, series, *tone, *marker, panel, axes, detail),
        Layer::Stems(series, tone) => draw_stems(svg, series, *tone, axes, detail),
        Layer::Level(value, stroke) => {
            let y = axes.y(*value);
            draw_paths(svg, &[vec![[0.0, y], [axes.width, y]]], Tone::Muted, *stroke, detail);
        }
        Layer::Diagonal => {
            let (low, high) = (axes.x[0].min(axes.y[0]), axes.x[1].max(axes.y[1]));
            draw_paths(svg, &[vec![axes.at([low, low]), axes.at([high, high])]], Tone::Muted, Stroke::Dashed, detail);
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

/// All runs of one curve as one element.
fn draw_paths(svg: &mut Svg, runs: &[Vec<[f64; 2]>], tone: Tone, stroke: Stroke, detail: Detail) {
    let kind = match stroke {
        Stroke::Solid | Stroke::Directed => "line",
        Stroke::Thin => "thin",
        Stroke::Dashed => "dash",
    };
    let class = format!("{kind} s-{}", tone.class());
    let thinned = all_simplified(runs, TOLERANCE, detail.vertices);
    let data: String =
        thinned.iter().map(|run| path_data(run, false) + if run.len() == 1 { "h0" } else { "" }).collect();
    svg.leaf("path", &[("class", (&class).into()), ("d", (&data).into())]);
    if let (Stroke::Directed, Some(path)) = (stroke, runs.first()) {
        draw_arrowhead(svg, &format!("f-{}", tone.class()), path, vertex_at(path, 0.06), 1.7);
    }
}

fn draw_band(svg: &mut Svg, band: &Band, tone: Tone, axes: &Axes, detail: Detail) {
    let edge = |k: usize| -> Vec<Vec<[f64; 2]>> {
        let runs: Vec<Vec<_>> =
            band.runs().map(|run| run.iter().map(|row| axes.at([row[0], row[k]])).collect()).collect();
        all_simplified(&runs, TOLERANCE, detail.vertices / 2)
    };
    let outline = |(lower, upper): (Vec<[f64; 2]>, Vec<[f64; 2]>)| {
        let around: Vec<_> = lower.into_iter().chain(upper.into_iter().rev()).collect();
        path_data(&around, true)
    };
    let data: String = edge(1).into_iter().zip(edge(2)).map(outline).collect();
    svg.leaf("path", &[("class", (&format!("band f-{}", tone.class())).into()), ("d", (&data).into())]);
}

fn draw_points(svg: &mut Svg, series: &Series, tone: Tone, marker: Marker, panel: &Panel, axes: &Axes, detail: Detail) {
    let (class, radius) = match marker {
        Marker::Dot => (format!("dot f-{}", tone.class()), 4.0),
        Marker::Ring => (format!("ring s-{}", tone.class()), 3.6),
        Marker::Faint => (format!("faint f-{}", tone.class()), 3.2),
        Marker::Halo => (format!("halo s-{}", tone.class()), 8.5),
    };
    let count = series.finite().count();
    let drawn = series.finite().step_by(stride(count, detail.markers));
    // Crowded markers shrink, so that a thousand of them still show a curve.
    let radius = if count > CROWD { radius * (CROWD as f64 / count as f64).sqrt().max(0.45) } else { radius };
    if count > MOST_HOVERS.min(detail.markers) {
        return draw_cloud(svg, drawn.map(|point| axes.at(point)), tone, marker, radius);
    }
    let class = if count > CROWD { class + " many" } else { class };
    for point in drawn {
        let [x, y] = axes.at(point);
        svg.open("circle", &[("class", (&class).into()), ("cx", x.into()), ("cy", y.into()), ("r", radius.into())]);
        let [x, y] = point.map(|value| significant(value, 4));
        svg.text("title", &[], &format!("{} {x}, {} {y}", panel.x.name, panel.y.name));
        svg.close();
    }
}

/// Many markers as one path of dots: a point of no length, drawn with round ends as wide as the marker.
fn draw_cloud(svg: &mut Svg, points: impl Iterator<Item = [f64; 2]>, tone: Tone, marker: Marker, radius: f64) {
    let data: String = points.map(|point| path_data(&[point], false) + "h0").collect();
    let class = format!("{} s-{}", if marker == Marker::Faint { "cloud dim" } else { "cloud" }, tone.class());
    svg.leaf("path", &[("class", (&class).into()), ("stroke-width", (2.0 * radius).into()), ("d", (&data).into())]);
}

fn draw_stems(svg: &mut Svg, series: &Series, tone: Tone, axes: &Axes, detail: Detail) {
    let zero = axes.y(0.0);
    let count = series.finite().count();
    let ends: Vec<_> = series.finite().step_by(stride(count, detail.markers)).map(|point| axes.at(point)).collect();
    let stems: String = ends.iter().map(|&[x, y]| path_data(&[[x, zero], [x, y]], false)).collect();
    svg.leaf("path", &[("class", (&format!("stem s-{}", tone.class())).into()), ("d", (&stems).into())]);
    let radius = if count > CROWD { 1.6 } else { 3.2 };
    draw_cloud(svg, ends.into_iter(), tone, Marker::Dot, radius);
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
