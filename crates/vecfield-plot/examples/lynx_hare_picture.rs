//! The README's picture: `cargo run --release -p vecfield-plot --example lynx_hare_picture -- docs/images/lynx-hare.svg`.

use vecfield_plot::Figure;

#[allow(dead_code)] // each example takes what it needs
mod sample;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "docs/images/lynx-hare.svg".into());
    let report = sample::lynx_hare();
    let data = report.trajectories.iter().map(|run| run.figure(&report.time, &report.variables));
    let figures = data.chain(report.phase.iter().map(|phase| phase.figure())).collect();
    let description = "Left: pelts of hare and lynx over 21 years, the Lotka–Volterra law found in them and its 95 % band. \
                       Right: the same in the phase plane, over the flow of the law.";
    let picture = Figure::beside("Lynx and hare: data and law", description, figures);
    std::fs::write(&path, picture.to_svg())?;
    println!("{path}");
    Ok(())
}
