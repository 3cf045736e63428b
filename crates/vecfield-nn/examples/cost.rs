//! What a gradient costs beside the solve alone, in time and in memory, by each way to keep or find again what it needs.
//!
//! `cargo run --release -p vecfield-nn --example cost`

use std::time::Instant;

use allocation_counter::measure;
use vecfield_adjoint::{AdjointError, Budget, Cotangents, Discrete, Rewind};
use vecfield_autodiff::Lifted;
use vecfield_kernels::Activation;
use vecfield_nn::{Initialiser, Mlp, Network, NeuralField, Random};
use vecfield_solvers::reversible::REVERSIBLE_TSIT5;
use vecfield_solvers::tableau::{DOP853, TSIT5, Tableau};
use vecfield_solvers::{Integrator, Method, Options};
use vecfield_traits::{Dynamics, Elementary, Jacobian, VectorField, Vjp};

struct Lorenz;
impl Dynamics for Lorenz {
    fn dim(&self) -> usize {
        3
    }
    fn parameter_count(&self) -> usize {
        3
    }
    #[inline(always)]
    fn eval<S: Elementary>(&self, _t: S, y: &[S], theta: &[S], dy: &mut [S]) {
        dy[0] = theta[0] * (y[1] - y[0]);
        dy[1] = y[0] * (theta[1] - y[2]) - y[1];
        dy[2] = y[0] * y[1] - theta[2] * y[2];
    }
}

/// The pendulum, whose steps a reversible method finds again.
struct Pendulum;
impl Dynamics for Pendulum {
    fn dim(&self) -> usize {
        2
    }
    fn parameter_count(&self) -> usize {
        1
    }
    #[inline(always)]
    fn eval<S: Elementary>(&self, _t: S, y: &[S], theta: &[S], dy: &mut [S]) {
        (dy[0], dy[1]) = (y[1], -theta[0] * y[0].sin());
    }
}

fn network(rows: usize) -> NeuralField<Mlp, f64> {
    let mlp = Mlp::new(4, &[64, 64], 4, Activation::Tanh);
    let network = Network::initialised(mlp, Initialiser::Glorot, &mut Random::new(7));
    network.and_then(|network| NeuralField::new(network, rows)).expect("four inputs, four outputs")
}

/// The shortest of `count` runs of each, taken by turns, in seconds.
fn times<const N: usize>(count: usize, mut works: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut shortest = [f64::INFINITY; N];
    for _ in 0..count {
        for (work, shortest) in works.iter_mut().zip(&mut shortest) {
            let start = Instant::now();
            work();
            *shortest = shortest.min(start.elapsed().as_secs_f64());
        }
    }
    shortest
}

/// Value and gradient beside the solve alone.
fn beside_the_solve<F: Vjp<f64>>(
    name: &str,
    tableau: &'static Tableau,
    mut field: F,
    (end, y0): (f64, &[f64]),
    options: &Options<f64>,
) -> Result<(), AdjointError> {
    let n = y0.len();
    let times_kept: Vec<f64> = (1..=20).map(|k| end * f64::from(k) / 20.0).collect();
    let (mut out, bars) = (vec![0.0; 20 * n], vec![1.0; 20 * n]);
    let mut integrator = Integrator::explicit(tableau, n, options)?;
    let mut kept = Discrete::explicit(tableau, n, options, Budget::everything())?;
    let mut few = Discrete::explicit(tableau, n, options, Budget::slots(64))?;
    let steps = kept.solve(&mut field, (0.0, end), y0, &times_kept)?.stats.steps;
    let cell = std::cell::RefCell::new(&mut field);
    let gradient = |adjoint: &mut Discrete<_, _, f64>| {
        let field = &mut **cell.borrow_mut();
        adjoint.solve(field, (0.0, end), y0, &times_kept).expect("solved before");
        adjoint.pull_back(field, &Cotangents::saved(&bars)).expect("solved before");
    };
    let [alone, with, less] = times(
        60,
        [
            &mut || {
                let field = &**cell.borrow();
                integrator.sample(field, 0.0, y0, &times_kept, &mut out).expect("solved before");
            },
            &mut || gradient(&mut kept),
            &mut || gradient(&mut few),
        ],
    );
    println!(
        "| {name} | `{}` | {steps} | {:.1} | {:.2} | {:.2} |",
        tableau.name,
        1e6 * alone,
        with / alone,
        less / alone
    );
    Ok(())
}

/// A thousand steps with ten places, beside all stages kept.
fn with_ten_places<F: Vjp<f64>>(name: &str, mut field: F, y0: &[f64]) -> Result<(), AdjointError> {
    let (n, options) = (y0.len(), Options::fixed(0.01));
    let bars = vec![1.0; n];
    let mut kept = Discrete::explicit(&TSIT5, n, &options, Budget::everything())?;
    let mut few = Discrete::explicit(&TSIT5, n, &options, Budget::slots(10))?;
    let cell = std::cell::RefCell::new(&mut field);
    let gradient = |adjoint: &mut Discrete<_, _, f64>| {
        let field = &mut **cell.borrow_mut();
        adjoint.solve(field, (0.0, 10.0), y0, &[]).expect("nothing stops it");
        adjoint.pull_back(field, &Cotangents::end(&bars)).expect("solved before");
    };
    let [all, ten] = times(20, [&mut || gradient(&mut kept), &mut || gradient(&mut few)]);
    println!("| {name} | {:.2} | {:.2} |", few.recompute_factor(), ten / all);
    Ok(())
}

/// Going back over the steps, beside keeping the states of the same steps.
fn going_back<F: Jacobian<f64> + Vjp<f64>>(
    name: &str,
    mut field: F,
    (end, y0): (f64, &[f64]),
) -> Result<(), AdjointError> {
    let (n, options) = (y0.len(), Options::tolerances(1e-6, 1e-6));
    let bars = vec![1.0; n];
    let mut kept = Discrete::new(Method::Reversible(&REVERSIBLE_TSIT5), n, &options, Budget::everything())?;
    let mut rewind = Rewind::new(&REVERSIBLE_TSIT5, n, &options)?;
    let cell = std::cell::RefCell::new(&mut field);
    let [all, back] = times(
        20,
        [
            &mut || {
                let field = &mut **cell.borrow_mut();
                kept.solve(field, (0.0, end), y0, &[]).expect("nothing stops it");
                kept.pull_back(field, &Cotangents::end(&bars)).expect("solved before");
            },
            &mut || {
                let field = &mut **cell.borrow_mut();
                rewind.solve(field, (0.0, end), y0, &[]).expect("nothing stops it");
                rewind.pull_back(field, &Cotangents::end(&bars)).expect("the way back is found");
            },
        ],
    );
    println!("| {name} | {:.2} | {} |", back / all, rewind.anchors());
    Ok(())
}

/// The peak of the heap over a solve and the pass back, in kilobytes.
fn peak(work: impl FnOnce() -> Result<(), AdjointError>) -> Result<u64, AdjointError> {
    let mut result = Ok(());
    let used = measure(|| result = work());
    result.map(|()| used.bytes_max / 1000)
}

fn memory(steps: u32) -> Result<(), AdjointError> {
    let options = Options { max_steps: u64::MAX, ..Options::fixed(1e-3) };
    let (end, bars) = (f64::from(steps) * 1e-3, [1.0, 0.0]);
    let discrete = |budget: Budget| {
        peak(|| {
            let mut field = Lifted::new(Pendulum, vec![1.0]);
            let mut adjoint = Discrete::explicit(&TSIT5, 2, &options, budget)?;
            adjoint.solve(&mut field, (0.0, end), &[1.0, 0.0], &[])?;
            adjoint.pull_back(&mut field, &Cotangents::end(&bars)).map(|_| ())
        })
    };
    let back = peak(|| {
        let mut field = Lifted::new(Pendulum, vec![1.0]);
        let mut adjoint = Rewind::new(&REVERSIBLE_TSIT5, 2, &options)?;
        adjoint.solve(&mut field, (0.0, end), &[1.0, 0.0], &[])?;
        adjoint.pull_back(&mut field, &Cotangents::end(&bars)).map(|_| ())
    })?;
    let [kept, bytes, slots] = [Budget::everything(), Budget::bytes(1 << 16), Budget::slots(10)].map(discrete);
    println!("| {steps} | {} | {} | {} | {back} |", kept?, bytes?, slots?);
    Ok(())
}

fn main() -> Result<(), AdjointError> {
    let options = Options::tolerances(1e-8, 1e-8);
    println!("| field | method | steps | solve, µs | kept | 64 places |\n|---|---|---|---|---|---|");
    beside_the_solve("Lorenz", &TSIT5, Lifted::new(Lorenz, vec![10.0, 28.0, 8.0 / 3.0]), (2.0, &[1.0; 3]), &options)?;
    beside_the_solve("Lorenz", &DOP853, Lifted::new(Lorenz, vec![10.0, 28.0, 8.0 / 3.0]), (2.0, &[1.0; 3]), &options)?;
    beside_the_solve("pendulum", &TSIT5, Lifted::new(Pendulum, vec![1.0]), (20.0, &[1.0, 0.0]), &options)?;
    for rows in [1, 8, 64] {
        let field = network(rows);
        let y0: Vec<f64> = (0..field.dim()).map(|i| (i as f64 * 0.37).sin()).collect();
        beside_the_solve(&format!("network, {rows} rows"), &TSIT5, field, (10.0, &y0), &options)?;
    }
    println!("\n| field | steps again for each | 10 places against all kept |\n|---|---|---|");
    with_ten_places("pendulum", Lifted::new(Pendulum, vec![1.0]), &[1.0, 0.0])?;
    with_ten_places("network, 1 row", network(1), &[0.4, -0.2, 0.9, 0.1])?;
    println!("\n| field | going back against kept | places kept |\n|---|---|---|");
    going_back("pendulum", Lifted::new(Pendulum, vec![1.0]), (20.0, &[1.0, 0.0]))?;
    going_back("network, 1 row", network(1), (10.0, &[0.4, -0.2, 0.9, 0.1]))?;
    println!("\n| steps | kept, kB | 64 KiB | 10 places | going back |\n|---|---|---|---|---|");
    [1_000, 10_000, 100_000].into_iter().try_for_each(memory)
}
