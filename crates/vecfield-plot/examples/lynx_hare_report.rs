//! Sample reports, one each for one, two and three variables, to look at:
//! `cargo run --release -p vecfield-plot --example lynx_hare_report -- DIR`.

use std::path::PathBuf;

#[allow(dead_code)] // each example takes what it needs
mod sample;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "target/reports".into()));
    std::fs::create_dir_all(&folder)?;
    let reports = [("lynx-hare", sample::lynx_hare()), ("yeast", sample::yeast()), ("lorenz", sample::lorenz_runs())];
    for (name, report) in reports {
        let page = report.render()?;
        let path = folder.join(format!("{name}.html"));
        std::fs::write(&path, &page)?;
        println!("{} ({} kB)", path.display(), page.len() / 1000);
    }
    Ok(())
}
