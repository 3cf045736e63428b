//! A thousand paths of a thousand steps on one thread, of motions that can be asked again: geometric Brownian motion and
//! Ornstein–Uhlenbeck, by Euler–Maruyama and Heun, with leaves of a 2048th of the span and of a millionth; and the span a
//! thousand times as long and as short.
//!
//! `cargo run --release -p vecfield-solvers --example sde_speed` prints a JSON object a line.

use std::time::Instant;

use vecfield_solvers::sde::{Brownian, SdeError, SdeMethod, Simulation, Steps};
use vecfield_traits::{Calculus, DriftDiffusion, Layout, Noise, drift_diffusion};

const PATHS: u64 = 1000;
const STEPS: f64 = 1000.0;

fn main() -> Result<(), SdeError> {
    for depth in [11, 20] {
        for (scheme, calculus) in [("euler", Calculus::Ito), ("heun", Calculus::Stratonovich)] {
            let mu = if scheme == "euler" { 0.05 } else { 0.05 - 0.02 };
            let noise = Noise { layout: Layout::Diagonal, ..Noise::scalar() };
            let growth = drift_diffusion(
                1,
                noise,
                calculus,
                move |_t, x: &[f64], f: &mut [f64]| f.iter_mut().zip(x).for_each(|(f, x)| *f = mu * x),
                |_t, x: &[f64], g: &mut [f64]| g.iter_mut().zip(x).for_each(|(g, x)| *g = 0.2 * x),
            );
            time("gbm", scheme, &growth, depth, 1.0)?;
            let back = drift_diffusion(
                1,
                noise,
                calculus,
                |_t, x: &[f64], f: &mut [f64]| f.iter_mut().zip(x).for_each(|(f, x)| *f = -x),
                |_t, _x: &[f64], g: &mut [f64]| g.fill(0.3),
            );
            time("ou", scheme, &back, depth, 1.0)?;
            for scale in [1e-3, 1e3] {
                let slow = drift_diffusion(
                    1,
                    noise,
                    calculus,
                    move |_t, x: &[f64], f: &mut [f64]| f.iter_mut().zip(x).for_each(|(f, x)| *f = -x / scale),
                    move |_t, _x: &[f64], g: &mut [f64]| g.fill(0.3 / f64::sqrt(scale)),
                );
                time("ou", scheme, &slow, depth, scale)?;
            }
        }
    }
    Ok(())
}

/// The least of seven runs.
fn time<F: DriftDiffusion<f64>>(case: &str, scheme: &str, field: &F, depth: u32, end: f64) -> Result<(), SdeError> {
    let name = if scheme == "euler" { "euler-maruyama" } else { "stratonovich-heun" };
    let motion = Brownian::new(1, (0.0, end))?.with_depth(depth)?;
    let simulation = Simulation::new(field, SdeMethod::named(name)?, motion, (0.0, end), Steps::Fixed(end / STEPS))?;
    let (mut seconds, mut mean) = (f64::INFINITY, 0.0);
    for _ in 0..7 {
        let clock = Instant::now();
        let solution = simulation.solve(&[1.0], 0..PATHS, &[end])?;
        seconds = clock.elapsed().as_secs_f64().min(seconds);
        mean = solution.y.iter().sum::<f64>() / PATHS as f64;
    }
    println!(
        "{{\"case\":\"sde_{case}_{scheme}\",\"peer\":\"vecfield\",\"depth\":{depth},\"end\":{end},\"seconds\":{seconds},\
         \"mean\":{mean}}}"
    );
    Ok(())
}
