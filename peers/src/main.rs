//! Work against precision, ours beside the Rust peers' in one process.
//!
//! `vecfield-peers ode [CASE]` times every solver on the problems whose names hold CASE and prints one JSON object a point.
//! `vecfield-peers references` prints the problems that are not stiff, for the Python script beside it.
//! `vecfield-peers report POINTS.jsonl FOLDER` reads such lines, the Python peers' among them, prints ratios at equal error
//! and writes a diagram and a table into FOLDER. `cargo xtask peers ode` does both.

mod fronts;
mod ours;
mod problems;
mod report;
mod run;
mod theirs;

use anyhow::{Context, bail};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["ode"] => print(&run::all("")),
        ["ode", case] => print(&run::all(case)),
        ["references"] => Ok(println!("{}", run::references())),
        ["report", points, folder] => {
            let text = std::fs::read_to_string(points).with_context(|| format!("cannot read {points}"))?;
            report::write(&report::points(&text), folder.as_ref())
        }
        _ => bail!("usage: vecfield-peers ode [CASE] | references | report POINTS.jsonl FOLDER"),
    }
}

fn print(points: &[run::Point]) -> anyhow::Result<()> {
    points.iter().try_for_each(|point| Ok(println!("{}", serde_json::to_string(point)?)))
}
