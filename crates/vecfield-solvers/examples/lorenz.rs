//! Times every adaptive explicit method on the Lorenz equations, to t = 100 at rtol = atol = 1e-8.
//!
//! `cargo run --release -p vecfield-solvers --example lorenz`

use std::time::{Duration, Instant};

use vecfield_solvers::tableau::ALL;
use vecfield_solvers::{Integrator, Options, SolveError, field};

fn main() -> Result<(), SolveError> {
    let lorenz = field(3, |_t, y: &[f64], dy: &mut [f64]| {
        dy[0] = 10.0 * (y[1] - y[0]);
        dy[1] = y[0] * (28.0 - y[2]) - y[1];
        dy[2] = y[0] * y[1] - 8.0 / 3.0 * y[2];
    });
    println!("method    steps  evaluations  best of 50");
    for tableau in ALL.iter().filter(|tableau| tableau.adaptive() && tableau.order >= 3) {
        let mut integrator = Integrator::explicit(tableau, 3, &Options::tolerances(1e-8, 1e-8))?;
        let (mut best, mut out) = (Duration::MAX, [0.0; 3]);
        let mut stats = integrator.sample(&lorenz, 0.0, &[1.0, 0.0, 0.0], &[100.0], &mut out)?;
        for _ in 0..50 {
            let start = Instant::now();
            stats = integrator.sample(&lorenz, 0.0, &[1.0, 0.0, 0.0], &[100.0], &mut out)?;
            best = best.min(start.elapsed());
        }
        println!(
            "{:<8} {:>6}  {:>11}  {:>7.3} ms",
            tableau.name,
            stats.steps,
            stats.rhs_evals,
            best.as_secs_f64() * 1e3
        );
    }
    Ok(())
}
