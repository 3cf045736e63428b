//! Fits from bad first guesses: how often they converge, from single shooting and as `fit` does it.
//!
//! `cargo run --release -p vecfield-adjoint --example hard_fits`

#[path = "../tests/it/hard.rs"]
#[allow(dead_code)]
mod hard;

use hard::{Case, Shots};
use std::time::Instant;
use vecfield_adjoint::{Differentiable, Fit};

const STARTS: usize = 10;

fn main() {
    println!("{:<12} {:<18} {:>10} {:>14} {:>14}", "problem", "shooting", "converged", "slowest (s)", "worst error");
    let robertson = Case::robertson();
    // Without noise, the constants themselves.
    show("robertson", &robertson, |fit| robertson.error(fit) < 1e-5);
    let goodwin = Case::goodwin();
    show("goodwin", &goodwin, at_the_minimum(&goodwin));
    let network = Case::network();
    show("network", &network, at_the_minimum(&network));
}

/// With noise, the minimum that a start at the truth leads to, or a better one.
fn at_the_minimum<F: Differentiable>(case: &Case<F>) -> impl Fn(&Fit) -> bool {
    let best = case.fit(case.truth.clone(), Shots::Single).map(|fit| fit.deviance());
    move |fit| best.is_none_or(|best| fit.deviance() < best + 0.1)
}

fn show<F: Differentiable>(name: &str, case: &Case<F>, converged: impl Fn(&Fit) -> bool) {
    for (shots, word) in [(Shots::Single, "single"), (Shots::Multiple, "multiple, matched")] {
        let (mut count, mut slowest, mut worst) = (0, 0.0_f64, 0.0_f64);
        for k in 0..STARTS {
            let clock = Instant::now();
            let found = case.fit(case.start(k), shots);
            slowest = slowest.max(clock.elapsed().as_secs_f64());
            if std::env::var_os("VERBOSE").is_some() {
                let told = found.as_ref().map(|f| (f.iterations, f.converged, case.error(f), f.deviance()));
                println!("  {k} {:.2} s {told:?}", clock.elapsed().as_secs_f64());
            }
            if let Some(fit) = found.filter(|fit| converged(fit)) {
                count += 1;
                worst = worst.max(case.error(&fit));
            }
        }
        println!("{name:<12} {word:<18} {count:>4} of {STARTS:<2} {slowest:>14.2} {worst:>14.1e}");
    }
}
