//! Draws columns of tables over their first column: the first table as points, the others as lines, as SVG on standard output.
//!
//! ```text
//! cargo run --release --package vecfield --example curves -- data/lynx-hare.csv answers.csv > picture.svg
//! ```
//!
//! Columns of one name share a panel, and are called after their files; `-` in place of the first table is no points.

use std::path::Path;

use vecfield::plot::{Entry, Figure, Layer, Marker, Panel, Series, Stroke, Swatch, Tone, Variable};

/// The header, and a row of numbers a line; an empty cell is NaN, which is a gap.
struct Table {
    names: Vec<String>,
    rows: Vec<Vec<f64>>,
}

impl Table {
    fn read(path: &str) -> Result<Self, std::io::Error> {
        let text = std::fs::read_to_string(path)?;
        let mut lines = text.lines();
        let names = lines.next().unwrap_or_default().split(',').map(Into::into).collect();
        let number = |cell: &str| cell.trim().parse().unwrap_or(f64::NAN);
        Ok(Self { names, rows: lines.map(|line| line.split(',').map(number).collect()).collect() })
    }

    fn column(&self, name: &str) -> Option<Series> {
        let at = self.names.iter().skip(1).position(|column| column == name)? + 1;
        Some(self.rows.iter().filter_map(|row| Some([row[0], *row.get(at)?])).collect())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.is_empty() {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/lynx-hare.csv");
        arguments = vec![data.to_string_lossy().into_owned()];
    }
    let points = if arguments[0] == "-" { None } else { Some(Table::read(&arguments[0])?) };
    let curves: Vec<Table> = arguments[1..].iter().map(|path| Table::read(path)).collect::<Result<_, _>>()?;
    let all: Vec<&Table> = points.iter().chain(&curves).collect();
    let first = all.first().ok_or("no table to draw")?;

    let panels = first.names[1..].iter().map(|name| {
        let dots = points
            .iter()
            .filter_map(|table| table.column(name))
            .map(|dots| Layer::Points(dots, Tone::Ink, Marker::Dot));
        let lines = curves.iter().enumerate().filter_map(|(at, table)| Some((at, table.column(name)?)));
        let lines = lines.map(|(at, line)| Layer::Line(line, Tone::Variable(at), Stroke::Solid));
        let layers = lines.chain(dots).collect();
        Panel::new(Variable::new(&first.names[0]), Variable::new(name), layers)
    });
    let called = |path: &String| Path::new(path).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let dots = points.iter().map(|_| Entry::new(Swatch::Dot, Tone::Ink, called(&arguments[0])));
    let lines = arguments[1..].iter().enumerate();
    let lines = lines.map(|(at, path)| Entry::new(Swatch::Line, Tone::Variable(at), called(path)));
    let legend = dots.chain(lines).collect();
    let words = "Columns of tables, each over the first column.";
    println!("{}", Figure::stack(first.names[1..].join(", "), words, legend, panels.collect(), 640.0, 220.0).to_svg());
    Ok(())
}
