//! Jacobians by duals beside those written by hand: Lorenz's equations, and mass-action kinetics of twenty species.
//!
//! `cargo run --release -p vecfield-autodiff --example jacobians`

use std::hint::black_box;
use std::time::Instant;

use vecfield_autodiff::Lifted;
use vecfield_traits::{Dynamics, Elementary, Jacobian};

struct Lorenz;
impl Dynamics for Lorenz {
    fn dim(&self) -> usize {
        3
    }
    #[inline(always)]
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        let constant = S::constant;
        dy[0] = (y[1] - y[0]) * constant(10.0);
        dy[1] = y[0] * (constant(28.0) - y[2]) - y[1];
        dy[2] = y[0] * y[1] - y[2] * constant(8.0 / 3.0);
    }
}

fn lorenz_by_hand(y: &[f64], jac: &mut [f64]) {
    jac.copy_from_slice(&[-10.0, 10.0, 0.0, 28.0 - y[2], -1.0, -y[0], y[1], y[0], -8.0 / 3.0]);
}

const SPECIES: usize = 20;

/// `A_i + A_{i+1} → A_{i+2}`, indices around the circle, each with its own rate.
struct Kinetics;

fn rate(i: usize) -> f64 {
    0.5 + 0.1 * i as f64
}

fn reaction(i: usize) -> [usize; 3] {
    [i, (i + 1) % SPECIES, (i + 2) % SPECIES]
}

impl Dynamics for Kinetics {
    fn dim(&self) -> usize {
        SPECIES
    }
    #[inline(always)]
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        dy[..SPECIES].fill(S::zero());
        for i in 0..SPECIES {
            let [a, b, c] = reaction(i);
            let flux = (y[a] * y[b]).scale(S::Real::from_f64(rate(i)));
            dy[a] -= flux;
            dy[b] -= flux;
            dy[c] += flux;
        }
    }
}

use vecfield_traits::Real as _;

fn kinetics_by_hand(y: &[f64], jac: &mut [f64]) {
    jac.fill(0.0);
    for i in 0..SPECIES {
        let [a, b, c] = reaction(i);
        for (column, slope) in [(a, rate(i) * y[b]), (b, rate(i) * y[a])] {
            jac[a * SPECIES + column] -= slope;
            jac[b * SPECIES + column] -= slope;
            jac[c * SPECIES + column] += slope;
        }
    }
}

/// Nanoseconds a call, the least of twenty runs of `count`.
fn nanoseconds(count: u32, mut work: impl FnMut()) -> f64 {
    let run = |work: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..count).for_each(|_| work());
        start.elapsed().as_secs_f64() * 1e9 / f64::from(count)
    };
    (0..20).map(|_| run(&mut work)).fold(f64::INFINITY, f64::min)
}

fn compare<F: Jacobian<f64>>(name: &str, field: &F, y: &[f64], by_hand: impl Fn(&[f64], &mut [f64])) {
    let n = y.len();
    let places = field.sparsity().map_or(n * n, |pattern| pattern.len());
    let (mut entries, mut time, mut work) = (vec![0.0; places], vec![0.0; n], field.workspace());
    let (mut jac, mut dy) = (vec![0.0; n * n], vec![0.0; n]);
    let duals = nanoseconds(20_000, || field.jacobian(0.0, black_box(y), &mut entries, &mut time, &mut work));
    let value = nanoseconds(20_000, || field.eval(0.0, black_box(y), black_box(&mut dy), &mut work));
    let hand = nanoseconds(20_000, || by_hand(black_box(y), black_box(&mut jac)));
    println!("| {name} | {value:.0} | {hand:.0} | {duals:.0} | {:.2} |", duals / hand);
}

fn main() {
    println!("| Jacobian | field, ns | by hand, ns | by duals, ns | ratio |\n|---|---|---|---|---|");
    compare("Lorenz", &Lifted::new(Lorenz, vec![]), &[1.0, 2.0, 20.0], lorenz_by_hand);
    let y: Vec<f64> = (0..SPECIES).map(|i| 1.0 + 0.05 * i as f64).collect();
    compare("kinetics, whole", &Lifted::new(Kinetics, vec![]), &y, kinetics_by_hand);
    compare("kinetics, sparse", &Lifted::sparse(Kinetics, vec![], 0.0, &y), &y, kinetics_by_hand);
}
