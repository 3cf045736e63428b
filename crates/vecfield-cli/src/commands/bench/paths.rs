//! A thousand paths of a thousand steps of two stochastic equations, on Brownian motions that can be asked again.

use serde_json::json;
use vecfield_solvers::sde::{Brownian, SdeMethod, Simulation, Steps};
use vecfield_traits::{Calculus, DriftDiffusion, Layout, Noise, drift_diffusion};

use super::measure::{Bench, Line, failed};
use crate::failure::Failure;

const PATHS: u64 = 1000;
const STEPS: f64 = 1000.0;

/// Leaves of a 2048th of the span, as fine as a peer's tree of tolerance 1/2000; and the finest ones.
const DEPTHS: [(u32, &str); 2] = [(11, "vecfield_tree"), (20, "vecfield_deep_tree")];

/// Geometric Brownian motion (μ = 0.05, σ = 0.2) or an Ornstein–Uhlenbeck process (θ = 1, σ = 0.3) from 1 up to time 1, by
/// Euler–Maruyama or, as Stratonovich equations, by Heun.
pub(super) fn paths(bench: &Bench, case: &'static str) -> Result<Vec<Line>, Failure> {
    let is_heun = case.ends_with("heun");
    let (calculus, method) =
        if is_heun { (Calculus::Stratonovich, "stratonovich-heun") } else { (Calculus::Ito, "euler-maruyama") };
    let noise = Noise { layout: Layout::Diagonal, ..Noise::scalar() };
    if case.contains("gbm") {
        let mu = if is_heun { 0.05 - 0.02 } else { 0.05 };
        let growth = drift_diffusion(
            1,
            noise,
            calculus,
            move |_t, x: &[f64], f: &mut [f64]| f.iter_mut().zip(x).for_each(|(f, x)| *f = mu * x),
            |_t, x: &[f64], g: &mut [f64]| g.iter_mut().zip(x).for_each(|(g, x)| *g = 0.2 * x),
        );
        let exact = (0.05_f64.exp(), 0.1_f64.exp() * 0.04_f64.exp_m1());
        return lines(bench, case, method, &growth, exact);
    }
    let back = drift_diffusion(
        1,
        noise,
        calculus,
        |_t, x: &[f64], f: &mut [f64]| f.iter_mut().zip(x).for_each(|(f, x)| *f = -x),
        |_t, _x: &[f64], g: &mut [f64]| g.fill(0.3),
    );
    lines(bench, case, method, &back, ((-1.0_f64).exp(), -0.045 * (-2.0_f64).exp_m1()))
}

fn lines<F: DriftDiffusion<f64>>(
    bench: &Bench,
    case: &'static str,
    method: &str,
    field: &F,
    (mean_exact, var_exact): (f64, f64),
) -> Result<Vec<Line>, Failure> {
    let mut lines = Vec::new();
    for (depth, peer) in DEPTHS {
        let motion = Brownian::new(1, (0.0, 1.0)).and_then(|motion| motion.with_depth(depth)).map_err(failed)?;
        let method = SdeMethod::named(method).map_err(failed)?;
        let steps = Steps::Fixed(1.0 / STEPS);
        let simulation = Simulation::new(field, method, motion, (0.0, 1.0), steps).map_err(failed)?;
        let (timing, ends) =
            bench.time(|| Ok(simulation.solve(&[1.0], 0..PATHS, &[1.0]).map_err(failed)?.y.to_vec()))?;
        let mean = ends.iter().sum::<f64>() / PATHS as f64;
        let var = ends.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / PATHS as f64;
        let rate = PATHS as f64 * STEPS / timing.seconds;
        let work = json!({"paths": PATHS, "steps": STEPS, "dtype": "f64", "path_steps_per_s": rate, "depth": depth,
            "brownian": "virtual tree"});
        let result = json!({"mean": mean, "mean_exact": mean_exact,
            "mean_z": (mean - mean_exact) / (var_exact / PATHS as f64).sqrt(), "var": var, "var_exact": var_exact});
        lines.push(Line::new(case, peer, timing, work, result));
    }
    Ok(lines)
}
