//! Ratios at equal error, as a table and as diagrams.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;
use vecfield_plot::{Entry, Figure, Layer, Marker, Panel, Scale, Series, Stroke, Swatch, Tone, Variable};

use crate::fronts::{Front, geometric_mean};
use crate::run::Point;

const OURS: &str = "vecfield";
const RUST: [&str; 2] = ["diffsol", "differential-equations"];
/// Groups that ours is compared with: a heading, and the libraries in it.
const GROUPS: [(&str, &[&str]); 5] = [
    ("best Rust peer", &RUST),
    ("diffsol", &["diffsol"]),
    ("differential-equations", &["differential-equations"]),
    ("diffrax", &["diffrax"]),
    ("SciPy", &["scipy"]),
];

/// The points of JSON lines, ours or those of the Python scripts; other lines are passed over.
pub fn points(text: &str) -> Vec<Point> {
    text.lines().filter_map(|line| serde_json::from_str(line).ok().or_else(|| from_python(line))).collect()
}

fn from_python(line: &str) -> Option<Point> {
    let value: Value = serde_json::from_str(line).ok()?;
    let (library, method) = value["peer"].as_str()?.split_once('_')?;
    let good = value["result"]["success"].as_bool() != Some(false);
    Some(Point {
        case: value["case"].as_str()?.into(),
        library: library.into(),
        method: method.into(),
        rtol: value["work"]["rtol"].as_f64()?,
        seconds: value["seconds"].as_f64().filter(|_| good),
        error: value["result"]["error"].as_f64().filter(|_| good),
        failed: None,
    })
}

/// Prints the table and writes `work-precision.md` and `work-precision.svg`.
pub fn write(points: &[Point], folder: &Path) -> anyhow::Result<()> {
    let table = table(points);
    print!("{table}");
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("work-precision.md"), &table)?;
    std::fs::write(folder.join("work-precision.svg"), figure(points).to_svg())?;
    Ok(())
}

/// The problems, in the order they were run.
fn cases(points: &[Point]) -> Vec<&str> {
    let mut cases: Vec<&str> = Vec::new();
    for point in points {
        if !cases.contains(&&*point.case) {
            cases.push(&point.case);
        }
    }
    cases
}

fn front<'a>(points: &'a [Point], case: &str, belongs: impl Fn(&Point) -> bool + 'a) -> Front {
    let case = case.to_owned();
    Front::new(points.iter().filter(move |point| point.case == case && belongs(point)))
}

/// How many times longer each group takes than `auto`, and than the best of our methods, at equal error.
fn table(points: &[Point]) -> String {
    let mut text = String::from("| problem |");
    GROUPS.iter().for_each(|(name, _)| _ = write!(text, " {name} |"));
    text.push_str(" `auto` against our best |\n|---|");
    text.push_str(&"--:|".repeat(GROUPS.len() + 1));
    text.push('\n');
    let (mut auto_all, mut best_all) = (vec![Vec::new(); GROUPS.len()], vec![Vec::new(); GROUPS.len()]);
    for case in cases(points) {
        let auto = front(points, case, |point| point.library == OURS && point.method == "auto");
        let best = front(points, case, |point| point.library == OURS);
        _ = write!(text, "| {case} |");
        for (group, (_, libraries)) in GROUPS.iter().enumerate() {
            let peers = front(points, case, |point| libraries.contains(&&*point.library));
            let ratios = peers.ratios(&auto);
            match ratios.iter().copied().reduce(f64::min) {
                None => text.push_str(" |"),
                Some(least) => _ = write!(text, " {:.1} (at least {least:.1}) |", geometric_mean(&ratios)),
            }
            auto_all[group].extend(ratios);
            best_all[group].extend(peers.ratios(&best));
        }
        let against = auto.ratios(&best);
        _ = writeln!(
            text,
            " {:.2} (at most {:.2}) |",
            geometric_mean(&against),
            against.iter().copied().fold(0.0, f64::max)
        );
    }
    for (what, all) in [("all, `auto`", auto_all), ("all, our best method", best_all)] {
        _ = write!(text, "| **{what}** |");
        for ratios in all {
            match ratios.iter().copied().reduce(f64::min) {
                None => text.push_str(" |"),
                Some(least) => _ = write!(text, " **{:.1}** (at least {least:.1}) |", geometric_mean(&ratios)),
            }
        }
        text.push_str(" |\n");
    }
    text
}

/// A diagram a problem: digits to the right, seconds upwards.
fn figure(points: &[Point]) -> Figure {
    let groups: [(&str, &[&str], Tone); 5] = [
        ("vecfield, auto", &[OURS], Tone::Ink),
        ("diffsol", &["diffsol"], Tone::Variable(0)),
        ("differential-equations", &["differential-equations"], Tone::Variable(1)),
        ("diffrax", &["diffrax"], Tone::Variable(2)),
        ("SciPy", &["scipy"], Tone::Variable(4)),
    ];
    let panel = |case: &str| {
        let mut layers = Vec::new();
        for (_, libraries, tone) in groups {
            let curve = front(points, case, |point| {
                libraries.contains(&&*point.library) && (point.library != OURS || point.method == "auto")
            });
            let series: Series = curve.0.iter().map(|(error, seconds)| [-error.log10(), *seconds]).collect();
            layers.push(Layer::Line(series.clone(), tone, Stroke::Solid));
            layers.push(Layer::Points(series, tone, Marker::Dot));
        }
        Panel::new(Variable::new("correct digits"), Variable::new(case).in_units("s"), layers).scaled(Scale::Log)
    };
    let legend = groups.iter().map(|(name, _, tone)| Entry::new(Swatch::Line, *tone, *name)).collect();
    let description =
        "Seconds of a solve against the digits of its result, the fastest method of each library; lower is better.";
    Figure::grid(
        "Work and precision",
        description,
        legend,
        cases(points).into_iter().map(panel).collect(),
        3,
        960.0,
        180.0,
    )
}
