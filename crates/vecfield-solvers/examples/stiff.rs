//! Error and time of the stiff methods on stiff problems, at four tolerances.
//!
//! `cargo run --release -p vecfield-solvers --example stiff [-- METHOD ..]`

use std::time::{Duration, Instant};

use vecfield_autodiff::Lifted;
use vecfield_solvers::{Dynamics, Integrator, Method, Options, Save, SolveError, solve};
use vecfield_traits::{Elementary, Jacobian};

/// Robertson's kinetics (Hairer–Wanner II, IV.1).
struct Robertson;
impl Dynamics for Robertson {
    fn dim(&self) -> usize {
        3
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        let (slow, middle) = (S::constant(0.04) * y[0], S::constant(1e4) * y[1] * y[2]);
        let fast = S::constant(3e7) * y[1] * y[1];
        (dy[0], dy[1], dy[2]) = (middle - slow, slow - middle - fast, fast);
    }
}

/// The growth of plants by light (Hairer–Wanner II, IV.10).
struct Hires;
impl Dynamics for Hires {
    fn dim(&self) -> usize {
        8
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        let c = S::constant;
        let pair = c(280.0) * y[5] * y[7];
        let r = pair - c(1.81) * y[6];
        dy[0] = c(-1.71) * y[0] + c(0.43) * y[1] + c(8.32) * y[2] + c(0.0007);
        dy[1] = c(1.71) * y[0] - c(8.75) * y[1];
        dy[2] = c(-10.03) * y[2] + c(0.43) * y[3] + c(0.035) * y[4];
        dy[3] = c(8.32) * y[1] + c(1.71) * y[2] - c(1.12) * y[3];
        dy[4] = c(-1.745) * y[4] + c(0.43) * y[5] + c(0.43) * y[6];
        dy[5] = c(0.69) * y[3] + c(1.71) * y[4] - c(0.43) * y[5] + c(0.69) * y[6] - pair;
        (dy[6], dy[7]) = (r, -r);
    }
}

/// The Oregonator (Hairer–Wanner II, IV.10).
struct Oregonator;
impl Dynamics for Oregonator {
    fn dim(&self) -> usize {
        3
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        let s = S::constant(77.27);
        dy[0] = s * (y[1] + y[0] * (S::one() - S::constant(8.375e-6) * y[0] - y[1]));
        dy[1] = (y[2] - (S::one() + y[0]) * y[1]) / s;
        dy[2] = S::constant(0.161) * (y[0] - y[2]);
    }
}

/// Van der Pol's oscillator.
struct VanDerPol;
impl Dynamics for VanDerPol {
    fn dim(&self) -> usize {
        2
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        dy[0] = y[1];
        dy[1] = S::constant(1e3) * (S::one() - y[0] * y[0]) * y[1] - y[0];
    }
}

/// The Brusselator with diffusion on 200 points, `u` and `v` in turn.
struct Brusselator;
impl Dynamics for Brusselator {
    fn dim(&self) -> usize {
        400
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        let points = y.len() / 2;
        let spread = S::constant(((points + 1) * (points + 1)) as f64 / 50.0);
        let at = |i: usize, which: usize, edge: f64| {
            if i == 0 || i > points { S::constant(edge) } else { y[2 * (i - 1) + which] }
        };
        for i in 1..=points {
            let (u, v) = (at(i, 0, 1.0), at(i, 1, 3.0));
            let u2v = u * u * v;
            let two = S::constant(2.0);
            let (du, dv) =
                (at(i - 1, 0, 1.0) - two * u + at(i + 1, 0, 1.0), at(i - 1, 1, 3.0) - two * v + at(i + 1, 1, 3.0));
            dy[2 * i - 2] = S::one() + u2v - S::constant(4.0) * u + spread * du;
            dy[2 * i - 1] = S::constant(3.0) * u - u2v + spread * dv;
        }
    }
}

const METHODS: [&str; 4] = ["bdf", "ndf", "radau5", "rodas5p"];

fn compare<F: Jacobian<f64>>(
    name: &str,
    field: &F,
    end: f64,
    y0: &[f64],
    floor: f64,
    methods: &[String],
) -> Result<(), SolveError> {
    let exact = solve(field, (0.0, end), y0, Method::Radau5, &Options::tolerances(1e-13, floor * 1e-13), Save::End)?;
    println!("{name}\nmethod     rtol  steps  rejected  evaluations  Jacobians  factors    error        time");
    for exponent in [4, 6, 8, 10] {
        let rtol = 10.0_f64.powi(-exponent);
        for method in methods {
            let options = Options { first_step: Some(1e-6), ..Options::tolerances(rtol, rtol * floor) };
            let mut integrator = Integrator::new(Method::named(method)?, y0.len(), &options)?;
            let (mut best, mut out) = (Duration::MAX, vec![0.0; y0.len()]);
            let mut stats = integrator.sample(field, 0.0, y0, &[end], &mut out)?;
            for _ in 0..if y0.len() > 50 { 3 } else { 20 } {
                let start = Instant::now();
                stats = integrator.sample(field, 0.0, y0, &[end], &mut out)?;
                best = best.min(start.elapsed());
            }
            let error =
                out.iter().zip(exact.last()).map(|(a, b)| (a - b).abs() / (b.abs() + floor)).fold(0.0, f64::max);
            println!(
                "{method:<8}  {rtol:.0e}  {:>5}  {:>8}  {:>11}  {:>9}  {:>7}  {error:.1e}  {:>7.3} ms",
                stats.steps,
                stats.rejected,
                stats.rhs_evals,
                stats.jacobian_evals,
                stats.factorizations,
                best.as_secs_f64() * 1e3
            );
        }
    }
    Ok(())
}

fn main() -> Result<(), SolveError> {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let methods = if asked.is_empty() { METHODS.map(str::to_owned).to_vec() } else { asked };
    compare("Robertson, to 1e5", &Lifted::new(Robertson, vec![]), 1e5, &[1.0, 0.0, 0.0], 1e-6, &methods)?;
    compare("Robertson, to 1e11", &Lifted::new(Robertson, vec![]), 1e11, &[1.0, 0.0, 0.0], 1e-6, &methods)?;
    compare(
        "Hires",
        &Lifted::new(Hires, vec![]),
        321.8122,
        &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0057],
        1e-3,
        &methods,
    )?;
    compare("Oregonator", &Lifted::new(Oregonator, vec![]), 360.0, &[1.0, 2.0, 3.0], 1.0, &methods)?;
    compare("Van der Pol, 1e3", &Lifted::new(VanDerPol, vec![]), 2000.0, &[2.0, 0.0], 1e-2, &methods)?;
    let wave = |i: i32| 1.0 + (std::f64::consts::TAU * f64::from(i) / 201.0).sin();
    let start: Vec<f64> = (1..=200).flat_map(|i| [wave(i), 3.0]).collect();
    let sparse = Lifted::sparse(Brusselator, vec![], 0.0, &start);
    compare("Brusselator, 400 components", &sparse, 10.0, &start, 1.0, &methods)
}
