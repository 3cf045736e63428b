//! Derivatives beside those written by hand and by other crates, in nanoseconds: `cargo bench --bench derivatives`.
//!
//! Forward: the Jacobian of Lorenz's equations, and of mass-action kinetics of twenty species. Reverse: the gradient of
//! Rosenbrock's function of a hundred variables, recorded anew for each gradient as a formula with branches needs.

use std::hint::black_box;
use std::time::Instant;

use nalgebra::SVector;
use num_dual::{DualNum, jacobian};
use vecfield_autodiff::{Lifted, vjp};
use vecfield_traits::{Dynamics, Elementary, Jacobian};

struct Lorenz;
impl Dynamics for Lorenz {
    fn dim(&self) -> usize {
        3
    }
    #[inline(always)]
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        dy[0] = (y[1] - y[0]) * S::constant(10.0);
        dy[1] = y[0] * (S::constant(28.0) - y[2]) - y[1];
        dy[2] = y[0] * y[1] - y[2] * S::constant(8.0 / 3.0);
    }
}

fn lorenz_by_hand(y: &[f64], jac: &mut [f64]) {
    jac.copy_from_slice(&[-10.0, 10.0, 0.0, 28.0 - y[2], -1.0, -y[0], y[1], y[0], -8.0 / 3.0]);
}

fn lorenz_num_dual<D: DualNum<Primitive = f64> + Copy>(y: SVector<D, 3>) -> SVector<D, 3> {
    SVector::from([(y[1] - y[0]) * 10.0, y[0] * (-y[2] + 28.0) - y[1], y[0] * y[1] - y[2] * (8.0 / 3.0)])
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
            let flux = y[a] * y[b] * S::constant(rate(i));
            dy[a] -= flux;
            dy[b] -= flux;
            dy[c] += flux;
        }
    }
}

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

fn kinetics_num_dual<D: DualNum<Primitive = f64> + Copy>(y: SVector<D, SPECIES>) -> SVector<D, SPECIES> {
    let mut dy = SVector::from_element(D::zero());
    for i in 0..SPECIES {
        let [a, b, c] = reaction(i);
        let flux = y[a] * y[b] * rate(i);
        dy[a] -= flux;
        dy[b] -= flux;
        dy[c] += flux;
    }
    dy
}

fn valley<S: Elementary>(x: &[S]) -> S {
    x.windows(2).fold(S::zero(), |sum, pair| {
        let (steep, flat) = (pair[1] - pair[0] * pair[0], S::one() - pair[0]);
        sum + steep * steep * S::constant(100.0) + flat * flat
    })
}

fn valley_by_hand(x: &[f64], gradient: &mut [f64]) {
    gradient.fill(0.0);
    for i in 1..x.len() {
        let (steep, flat) = (x[i] - x[i - 1] * x[i - 1], 1.0 - x[i - 1]);
        gradient[i - 1] -= 400.0 * steep * x[i - 1] + 2.0 * flat;
        gradient[i] += 200.0 * steep;
    }
}

fn valley_by_reverse(tape: &reverse::Tape, x: &[f64]) -> Vec<f64> {
    tape.clear();
    let x = tape.add_vars(x);
    let mut sum = tape.add_var(0.0);
    for pair in x.windows(2) {
        let (steep, flat) = (pair[1] - pair[0] * pair[0], 1.0 - pair[0]);
        sum = sum + steep * steep * 100.0 + flat * flat;
    }
    sum.grad()[..x.len()].to_vec()
}

/// Nanoseconds a call, the least of many short runs: a run that is not interrupted counts.
fn nanoseconds(mut work: impl FnMut()) -> f64 {
    let mut run = |count: u32| {
        let start = Instant::now();
        (0..count).for_each(|_| work());
        start.elapsed().as_secs_f64() * 1e9 / f64::from(count)
    };
    let count = (100_000.0 / run(100).max(1.0)) as u32 + 1;
    (0..200).map(|_| run(count)).fold(f64::INFINITY, f64::min)
}

fn by_duals<F: Jacobian<f64>>(field: &F, y: &[f64]) -> f64 {
    let n = y.len();
    let places = field.sparsity().map_or(n * n, |pattern| pattern.len());
    let (mut entries, mut time, mut work) = (vec![0.0; places], vec![0.0; n], field.workspace());
    nanoseconds(|| field.jacobian(0.0, black_box(y), black_box(&mut entries), &mut time, &mut work))
}

fn by_hand(y: &[f64], jacobian: fn(&[f64], &mut [f64])) -> f64 {
    let mut jac = vec![0.0; y.len() * y.len()];
    nanoseconds(|| jacobian(black_box(y), black_box(&mut jac)))
}

fn main() {
    println!("| | by hand | here | here, sparse | num-dual | reverse |\n|---|---|---|---|---|---|");
    let y = [1.0, 2.0, 20.0];
    let (hand, here) = (by_hand(&y, lorenz_by_hand), by_duals(&Lifted::new(Lorenz, vec![]), &y));
    let theirs = nanoseconds(|| {
        black_box(jacobian(lorenz_num_dual, black_box(&SVector::from(y))));
    });
    println!("| Jacobian of Lorenz | {hand:.1} | {here:.1} | | {theirs:.1} | |");

    let y: [f64; SPECIES] = core::array::from_fn(|i| 1.0 + 0.05 * i as f64);
    let (hand, here) = (by_hand(&y, kinetics_by_hand), by_duals(&Lifted::new(Kinetics, vec![]), &y));
    let sparse = by_duals(&Lifted::sparse(Kinetics, vec![], 0.0, &y), &y);
    let theirs = nanoseconds(|| {
        black_box(jacobian(kinetics_num_dual, black_box(&SVector::from(y))));
    });
    println!("| Jacobian of the kinetics | {hand:.0} | {here:.0} | {sparse:.0} | {theirs:.0} | |");

    let x: Vec<f64> = (0..100).map(|i| 0.5 + 0.01 * f64::from(i)).collect();
    let mut gradient = vec![0.0; x.len()];
    let hand = nanoseconds(|| valley_by_hand(black_box(&x), black_box(&mut gradient)));
    let here = nanoseconds(|| drop(black_box(vjp(|x, y| y[0] = valley(x), black_box(&x), &[1.0]))));
    let tape = reverse::Tape::new();
    let theirs = nanoseconds(|| drop(black_box(valley_by_reverse(&tape, black_box(&x)))));
    println!("| gradient of Rosenbrock | {hand:.0} | {here:.0} | | | {theirs:.0} |");
}
