//! A thousand Lorenz systems from ρ = 0 to ρ = 21: side by side, and one after another.
//!
//! `cargo run --release -p vecfield-solvers --example lorenz_ensemble`

use std::time::Instant;

use vecfield_solvers::ensemble::{Ensemble, Member, Rows};
use vecfield_solvers::tableau::{DOP853, DORMAND_PRINCE_5, TSIT5, Tableau, VERNER_7, VERNER_9};
use vecfield_solvers::{Dynamics, Integrator, Options};
use vecfield_traits::{Elementary, ParametricField};

/// x' = σ(y - x), y' = x(ρ - z) - y, z' = xy - βz.
struct Lorenz;

impl Dynamics for Lorenz {
    fn dim(&self) -> usize {
        3
    }
    fn parameter_count(&self) -> usize {
        1
    }
    #[inline(always)]
    fn eval<S: Elementary>(&self, _t: S, y: &[S], rho: &[S], dy: &mut [S]) {
        dy[0] = S::constant(10.0) * (y[1] - y[0]);
        dy[1] = y[0] * (rho[0] - y[2]) - y[1];
        dy[2] = y[0] * y[1] - S::constant(8.0 / 3.0) * y[2];
    }
}

fn main() {
    let rhos: Vec<f64> = (0..1000).map(|i| 21.0 * f64::from(i) / 999.0).collect();
    let start = [1.0, 0.0, 0.0];
    let members: Vec<Member<'_>> =
        rhos.chunks(1).map(|theta| Member { span: (0.0, 10.0), y0: &start, theta }).collect();
    let options = Options::tolerances(1e-8, 1e-8);
    println!("method        steps  side by side    alone    ratio  us/trajectory  y of member 950");
    for tableau in [&TSIT5, &DORMAND_PRINCE_5, &VERNER_7, &DOP853, &VERNER_9] {
        compare(tableau, &members, &options);
    }
}

fn compare(tableau: &'static Tableau, members: &[Member<'_>], options: &Options<f64>) {
    let ensemble = Ensemble::explicit(&Lorenz, tableau, options).expect("good options");
    let mut integrator = Integrator::explicit(tableau, 3, options).expect("good options");
    let mut ends = vec![0.0; 3 * members.len()];
    let (mut abreast, mut alone) = (f64::INFINITY, f64::INFINITY);
    let mut solution = ensemble.solve(members, Rows::End);
    for _ in 0..7 {
        let clock = Instant::now();
        solution = ensemble.solve(members, Rows::End);
        abreast = abreast.min(clock.elapsed().as_secs_f64());
        let clock = Instant::now();
        for (member, end) in members.iter().zip(ends.chunks_mut(3)) {
            let field = Lorenz.at(member.theta.to_vec());
            integrator.sample(&field, 0.0, member.y0, &[10.0], end).expect("a smooth solution");
        }
        alone = alone.min(clock.elapsed().as_secs_f64());
    }
    assert_eq!(solution.y, ends, "side by side as alone, bit for bit");
    let (steps, each) = (solution.stats().steps, abreast / members.len() as f64 * 1e6);
    println!(
        "{:12} {steps:6} {:10.2} ms {:6.2} ms {:6.2} {each:14.2} {:?}",
        tableau.name,
        abreast * 1e3,
        alone * 1e3,
        alone / abreast,
        solution.state(950, 0)
    );
}
