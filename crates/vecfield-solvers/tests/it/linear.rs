//! Whatever structure the linear systems are solved in, the solution is the same, memory follows the non-zeros, and nothing
//! is allocated once it is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use vecfield_autodiff::Lifted;
use vecfield_laws::{allocates_nothing, measure};
use vecfield_solvers::linear::{Krylov, LinearSolver, Linearisation, Precondition, Preconditioning};
use vecfield_solvers::{Dynamics, Integrator, Method, Options, Save, VectorField, solve};
use vecfield_traits::{Elementary, Jacobian};

/// The Brusselator with diffusion on a line (Hairer–Wanner II, IV.10) or on a square, periodic; the species of a cell are
/// neighbours (`interleaved`), or all of one species come first.
#[derive(Clone, Copy)]
struct Brusselator {
    cells: usize,
    line: bool,
    interleaved: bool,
}

impl Brusselator {
    fn line(cells: usize) -> Self {
        Brusselator { cells, line: true, interleaved: true }
    }

    fn square(side: usize) -> Self {
        Brusselator { cells: side * side, line: false, interleaved: true }
    }

    fn at(&self, species: usize, cell: usize) -> usize {
        if self.interleaved { 2 * cell + species } else { species * self.cells + cell }
    }

    /// `Σ (neighbour - here)`, with the boundary value where a line ends.
    fn spread<S: Elementary>(&self, y: &[S], species: usize, cell: usize, boundary: f64) -> S {
        let here = y[self.at(species, cell)];
        let there = |cell: Option<usize>| cell.map_or(S::constant(boundary), |cell| y[self.at(species, cell)]) - here;
        if self.line {
            return there(cell.checked_sub(1)) + there(Some(cell + 1).filter(|cell| *cell < self.cells));
        }
        let side = self.cells.isqrt();
        let (x, y) = (cell % side, cell / side);
        let wrap = |x: usize, y: usize| there(Some((y % side) * side + x % side));
        wrap(x + 1, y) + wrap(x + side - 1, y) + wrap(x, y + 1) + wrap(x, y + side - 1)
    }

    fn start(&self) -> Vec<f64> {
        let mut y = vec![3.0; 2 * self.cells];
        for cell in 0..self.cells {
            y[self.at(0, cell)] = 1.0 + (core::f64::consts::TAU * (cell + 1) as f64 / (self.cells + 1) as f64).sin();
        }
        y
    }

    fn sparse(self) -> Lifted<Brusselator> {
        Lifted::sparse(self, vec![], 0.0, &self.start())
    }
}

impl Dynamics for Brusselator {
    fn dim(&self) -> usize {
        2 * self.cells
    }

    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        let points = if self.line { self.cells } else { self.cells.isqrt() } as f64 + 1.0;
        let diffusion = S::constant(0.02 * points * points);
        for cell in 0..self.cells {
            let (u, v) = (y[self.at(0, cell)], y[self.at(1, cell)]);
            let reaction = u * u * v;
            dy[self.at(0, cell)] =
                S::one() + reaction - S::constant(4.0) * u + diffusion * self.spread(y, 0, cell, 1.0);
            dy[self.at(1, cell)] = S::constant(3.0) * u - reaction + diffusion * self.spread(y, 1, cell, 3.0);
        }
    }
}

fn by(linear: LinearSolver<f64>) -> Options<f64> {
    Options { linear, ..Options::tolerances(1e-6, 1e-6) }
}

fn end(field: &impl Jacobian<f64>, y0: &[f64], method: &str, options: &Options<f64>) -> Vec<f64> {
    let method = Method::named(method).unwrap();
    solve(field, (0.0, 0.5), y0, method, options, Save::End).unwrap().last().to_vec()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

const STIFF: [&str; 2] = ["radau5", "rodas5p"];

#[test]
fn every_structure_gives_the_same_solution() {
    for interleaved in [true, false] {
        let problem = Brusselator { interleaved, ..Brusselator::line(16) };
        let (dense, sparse, y0) = (Lifted::new(problem, vec![]), problem.sparse(), problem.start());
        for method in STIFF {
            let reference = end(&dense, &y0, method, &by(LinearSolver::Auto));
            for linear in [LinearSolver::Auto, LinearSolver::Dense, LinearSolver::Banded, LinearSolver::Sparse] {
                // Direct solutions differ by rounding, which the choice of steps may magnify.
                let found = end(&sparse, &y0, method, &by(linear.clone()));
                assert!(
                    distance(&found, &reference) < 1e-8,
                    "{method}, {linear:?}: {:e}",
                    distance(&found, &reference)
                );
            }
            for preconditioner in [Preconditioning::None, Preconditioning::Incomplete] {
                let krylov = Krylov { preconditioner, ..Krylov::default() };
                for field in [&sparse, &dense] {
                    let found = end(field, &y0, method, &by(LinearSolver::Gmres(krylov.clone())));
                    assert!(distance(&found, &reference) < 1e-5, "{method}: {:e}", distance(&found, &reference));
                }
            }
        }
    }
}

/// The inverse of the diagonal of `σM - J`, counting its uses.
#[derive(Debug)]
struct Diagonal {
    inverse: Vec<f64>,
    uses: Arc<AtomicUsize>,
}

impl Precondition<f64> for Diagonal {
    fn instance(&self) -> Box<dyn Precondition<f64>> {
        Box::new(Diagonal { inverse: vec![], uses: Arc::clone(&self.uses) })
    }

    fn prepare(&mut self, sigma: f64, linearisation: &Linearisation<f64>) {
        let pattern = linearisation.sparsity().expect("the field declares its sparsity");
        self.inverse.clear();
        for ((i, j), entry) in pattern.places().zip(linearisation.entries()) {
            if i == j {
                self.inverse.push(1.0 / (sigma - entry));
            }
        }
    }

    fn apply(&mut self, x: &mut [f64]) {
        self.uses.fetch_add(1, Ordering::Relaxed);
        x.iter_mut().zip(&self.inverse).for_each(|(x, inverse)| *x *= inverse);
    }
}

#[test]
fn gmres_takes_a_users_preconditioner() {
    let problem = Brusselator::line(16);
    let (sparse, y0) = (problem.sparse(), problem.start());
    let uses = Arc::new(AtomicUsize::new(0));
    let own = Preconditioning::Own(Arc::new(Diagonal { inverse: vec![], uses: Arc::clone(&uses) }));
    let krylov = Krylov { preconditioner: own, ..Krylov::default() };
    for method in STIFF {
        let before = uses.load(Ordering::Relaxed);
        let found = end(&sparse, &y0, method, &by(LinearSolver::Gmres(krylov.clone())));
        let reference = end(&sparse, &y0, method, &by(LinearSolver::Auto));
        assert!(distance(&found, &reference) < 1e-5);
        assert!(uses.load(Ordering::Relaxed) > before, "{method}");
    }
}

/// The most memory a solve of a few steps has at one time.
fn peak_bytes(problem: Brusselator, span: f64) -> u64 {
    let (field, y0) = (problem.sparse(), problem.start());
    let options = Options { first_step: Some(span / 2.0), ..Options::tolerances(1e-3, 1e-3) };
    let measured = measure(|| {
        solve(&field, (0.0, span), &y0, Method::Radau5, &options, Save::End).unwrap();
    });
    measured.bytes_max
}

#[test]
fn memory_follows_the_non_zeros() {
    // Radau's vectors take 24 numbers a component, the real and the complex band 3·7 more, Jacobian and places the rest.
    let line = peak_bytes(Brusselator::line(200), 1e-3);
    assert!(line < 400 * 8 * 120, "{line} bytes");
    // Dense matrices would take 9.6 GB; the two factorisations have about two million non-zeros each.
    let square = peak_bytes(Brusselator::square(100), 1e-6);
    assert!(square < 160_000_000, "{square} bytes");
}

#[test]
fn the_automatic_method_becomes_implicit_for_large_sparse_fields() {
    /// The heat equation on a line, as stiff as its grid is fine.
    struct Heat(usize);
    impl Dynamics for Heat {
        fn dim(&self) -> usize {
            self.0
        }
        fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
            let n = self.0;
            let scale = S::constant((n as f64 + 1.0).powi(2));
            for i in 0..n {
                let left = if i > 0 { y[i - 1] } else { S::zero() };
                let right = if i + 1 < n { y[i + 1] } else { S::zero() };
                dy[i] = scale * (left - y[i] - y[i] + right);
            }
        }
    }
    let n = 5000;
    let y0: Vec<f64> = (1..=n).map(|i| (core::f64::consts::PI * i as f64 / (n as f64 + 1.0)).sin()).collect();
    let field = Lifted::sparse(Heat(n), vec![], 0.0, &y0);
    let options = Options::tolerances(1e-4, 1e-7);
    let solution = solve(&field, (0.0, 0.05), &y0, Method::Auto, &options, Save::End).unwrap();
    // The slowest mode alone decays, as exp(-π² t); explicit steps would number a million.
    let exact = (-core::f64::consts::PI.powi(2) * 0.05).exp();
    let error = solution.last().iter().zip(&y0).map(|(y, y0)| (y - exact * y0).abs()).fold(0.0, f64::max);
    assert!(error < 1e-4, "{error:e}");
    assert!(solution.stats.steps < 200, "{:?}", solution.stats);
}

#[test]
fn no_structure_allocates_in_a_second_solve() {
    let problem = Brusselator::line(16);
    let (field, y0) = (problem.sparse(), problem.start());
    let mut work = field.workspace();
    let times = [0.1, 0.2];
    let mut out = vec![0.0; times.len() * y0.len()];
    let gmres = LinearSolver::Gmres(Krylov::default());
    for linear in [LinearSolver::Auto, LinearSolver::Dense, LinearSolver::Banded, LinearSolver::Sparse, gmres] {
        for method in STIFF {
            let mut integrator =
                Integrator::new(Method::named(method).unwrap(), y0.len(), &by(linear.clone())).unwrap();
            let mut again = || {
                integrator.sample_with(&field, &mut work, 0.0, &y0, &times, &mut out).unwrap();
            };
            again();
            assert_eq!(allocates_nothing(again), Ok(()), "{method}, {linear:?}");
        }
    }
}
