//! The law behind the Hudson Bay pelt records of 1900–1920, printed with its rivals.
//!
//! ```text
//! cargo run --release -p vecfield-discover --example lynx_hare
//! ```

use vecfield_data::{DataError, Trajectories, Trajectory};
use vecfield_discover::{Candidate, DiscoverError, Options, Unobserved, Vocabulary, discover};

/// Pelts in thousands, hare and lynx, year by year from 1900 (after Howard 2009; see `data/README.md`).
const PELTS: [[f64; 2]; 21] = [
    [30.0, 4.0],
    [47.2, 6.1],
    [70.2, 9.8],
    [77.4, 35.2],
    [36.3, 59.4],
    [20.6, 41.7],
    [18.1, 19.0],
    [21.4, 13.0],
    [22.0, 8.3],
    [25.4, 9.1],
    [27.1, 7.4],
    [40.3, 8.0],
    [57.0, 12.3],
    [76.6, 19.5],
    [52.3, 45.7],
    [19.5, 51.1],
    [11.2, 29.7],
    [7.6, 15.8],
    [14.6, 9.7],
    [16.2, 10.1],
    [24.7, 8.6],
];

fn pelts() -> Result<Trajectories, DataError> {
    let times = (0..PELTS.len()).map(|year| year as f64).collect();
    let run = Trajectory::new(times, PELTS.concat(), vec![])?;
    Trajectories::new(vec!["hare".into(), "lynx".into()], vec![], vec![run])
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = pelts()?;
    let found: Result<_, DiscoverError> = discover(&data, &Options::default(), &Unobserved);
    let found = found?;
    println!("{} of {} candidates, {} noise", found.verdict.name(), found.competed, found.noise.name());
    for (noise, log_likelihood) in &found.noise_evidence {
        println!("  log-likelihood under {} noise: {log_likelihood:.1}", noise.name());
    }
    println!(
        "forecast R2 {:.3}; nulls {:.2} and {:.2}",
        found.forecast_r2,
        found.nulls[0].mean(),
        found.nulls[1].mean()
    );
    for candidate in std::iter::once(&found.chosen).chain(&found.alternatives) {
        print_candidate(candidate, &found.vocabulary);
    }
    Ok(())
}

fn print_candidate(candidate: &Candidate, vocabulary: &Vocabulary) {
    let law = &candidate.law;
    println!(
        "score {:.3}  R2 {:.3}  BIC {:.1}  complexity {}",
        candidate.score.mean(),
        law.r2_all,
        law.bic,
        law.complexity
    );
    let mut constants = law.constants.iter();
    for (state, terms) in vocabulary.variables().iter().zip(&law.support.equations) {
        let written: Vec<String> = terms
            .iter()
            .zip(&mut constants)
            .map(|(&k, c)| {
                format!("({:.5} ± {:.5}) {}", c.value, c.stderr.unwrap_or(f64::NAN), vocabulary.features()[k].key())
            })
            .collect();
        println!("    {state}' = {}", written.join(" + "));
    }
}
