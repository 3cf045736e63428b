//! A pipeline of one's own: growth laws from the literature compete with each other, and with nothing else.
//!
//! ```text
//! cargo run --release -p vecfield-discover --example own_source
//! ```

use vecfield_data::{Trajectories, Trajectory};
use vecfield_discover::source::{Beside, Combinations, Formulas, Scene};
use vecfield_discover::{DiscoverError, Options, Pulse, Source, Unobserved, discover_from};

/// Gompertz, Verhulst, growth that saturates beside a loss; numbers inside are where fits start.
#[derive(Debug)]
struct Literature;

impl Source for Literature {
    fn name(&self) -> &'static str {
        "literature"
    }

    fn formulas(&self, scene: &Scene<'_>, _pulse: Pulse<'_>) -> Result<Formulas, DiscoverError> {
        let laws: [&[&str]; 3] = [&["y", "y*log(y)"], &["y", "y^2"], &["y", "y/(y + 1)"]];
        let of_equation = || laws.iter().map(|law| law.iter().map(|term| (*term).to_string()).collect()).collect();
        Ok((0..scene.data.dim()).map(|_| of_equation()).collect())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Gompertz: y' = -0.8 y ln(y/3) from 0.15, with a ripple of 1 % of the capacity.
    let times: Vec<f64> = (0..50).map(|k| 0.12 * f64::from(k)).collect();
    let exact = |t: f64| 3.0 * (0.05_f64.ln() * (-0.8 * t).exp()).exp();
    let values = times.iter().enumerate().map(|(k, &t)| exact(t) + 0.03 * (7.9 * k as f64).sin()).collect();
    let data = Trajectories::new(vec!["y".into()], vec![], vec![Trajectory::new(times, values, vec![])?])?;

    let options = Options { operators: None, ..Options::default() };
    let together = Combinations { most: 50, beside: Beside::Nothing };
    let sources: [Box<dyn Source>; 2] = [Box::new(Literature), Box::new(together)];
    let found = discover_from(&sources, &data, &options, &Unobserved)?;

    let law = &found.chosen.law;
    let (graph, formulas) = law.support.formulas(&found.vocabulary, &law.theta());
    println!("{} of {} candidates: dy/dt = {}", found.verdict.name(), found.competed, graph.to_text(formulas[0]));
    assert_eq!(law.support.features(&found.vocabulary, &law.theta())[0], ["y", "y*log(y)"]);
    Ok(())
}
