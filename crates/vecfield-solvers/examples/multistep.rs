//! Evaluations that Adams methods and explicit Runge–Kutta methods need for the error they leave, on problems that are smooth.
//!
//! `cargo run --release -p vecfield-solvers --example multistep`

use std::time::Instant;

use vecfield_autodiff::Lifted;
use vecfield_solvers::{Dynamics, Integrator, Method, Options, Save, SolveError, solve};
use vecfield_traits::Elementary;

/// Seven stars in a plane (Hairer–Nørsett–Wanner I, II.10).
struct Pleiades;
impl Dynamics for Pleiades {
    fn dim(&self) -> usize {
        28
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        for i in 0..7 {
            let (mut ax, mut ay) = (S::zero(), S::zero());
            for j in (0..7).filter(|&j| j != i) {
                let (dx, dy) = (y[j] - y[i], y[7 + j] - y[7 + i]);
                let r2 = dx * dx + dy * dy;
                let pull = S::constant((j + 1) as f64) / (r2 * r2.sqrt());
                ax += dx * pull;
                ay += dy * pull;
            }
            (dy[i], dy[7 + i], dy[14 + i], dy[21 + i]) = (y[14 + i], y[21 + i], ax, ay);
        }
    }
}

struct Lorenz;
impl Dynamics for Lorenz {
    fn dim(&self) -> usize {
        3
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        dy[0] = S::constant(10.0) * (y[1] - y[0]);
        dy[1] = y[0] * (S::constant(28.0) - y[2]) - y[1];
        dy[2] = y[0] * y[1] - S::constant(8.0 / 3.0) * y[2];
    }
}

/// Kepler's problem.
struct TwoBody;
impl Dynamics for TwoBody {
    fn dim(&self) -> usize {
        4
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        let r2 = y[0] * y[0] + y[1] * y[1];
        let r3 = r2 * r2.sqrt();
        (dy[0], dy[1], dy[2], dy[3]) = (y[2], y[3], -(y[0] / r3), -(y[1] / r3));
    }
}

fn compare<D: Dynamics>(name: &str, dynamics: D, end: f64, y0: &[f64]) -> Result<(), SolveError> {
    let field = Lifted::new(dynamics, vec![]);
    let exact =
        solve(&field, (0.0, end), y0, Method::named("verner9")?, &Options::tolerances(1e-14, 1e-14), Save::End)?;
    println!("{name}\nmethod    rtol     steps  rejected  evaluations    error      time");
    for exponent in [6, 8, 10, 12] {
        let rtol = 10.0_f64.powi(-exponent);
        for method in ["adams", "tsit5", "verner7", "dop853", "verner9"] {
            let mut integrator = Integrator::new(Method::named(method)?, y0.len(), &Options::tolerances(rtol, rtol))?;
            let mut out = vec![0.0; y0.len()];
            let start = Instant::now();
            let stats = integrator.sample(&field, 0.0, y0, &[end], &mut out)?;
            let seconds = start.elapsed().as_secs_f64();
            let error = out.iter().zip(exact.last()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            println!(
                "{method:<8}  {rtol:.0e}  {:>6}  {:>8}  {:>11}  {error:.1e}  {:>7.3} ms",
                stats.steps,
                stats.rejected,
                stats.rhs_evals,
                seconds * 1e3
            );
        }
    }
    Ok(())
}

fn main() -> Result<(), SolveError> {
    let stars = [
        3.0, 3.0, -1.0, -3.0, 2.0, -2.0, 2.0, 3.0, -3.0, 2.0, 0.0, 0.0, -4.0, 4.0, //
        0.0, 0.0, 0.0, 0.0, 0.0, 1.75, -1.5, 0.0, 0.0, 0.0, -1.25, 1.0, 0.0, 0.0,
    ];
    compare("Pleiades, to t = 3", Pleiades, 3.0, &stars)?;
    compare("Lorenz, to t = 10", Lorenz, 10.0, &[1.0, 0.0, 0.0])?;
    let e = 0.5_f64;
    compare(
        "Two bodies, eccentricity 1/2, ten turns",
        TwoBody,
        62.8,
        &[1.0 - e, 0.0, 0.0, ((1.0 + e) / (1.0 - e)).sqrt()],
    )
}
