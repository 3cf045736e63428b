//! Instructions of the loops that everything else runs in. A count is the same on a busy machine as on an idle one.

use std::hint::black_box;

use gungraun::{library_benchmark, library_benchmark_group, main};
use vecfield_autodiff::Lifted;
use vecfield_expr::{Graph, Scope, SymbolicField};
use vecfield_linalg::Lu;
use vecfield_solvers::{AnyStepper, Dynamics, Integrator, Method, Options};
use vecfield_traits::{Elementary, Jacobian, Real, VectorField};

/// Lorenz's attractor.
struct Lorenz;
impl Dynamics for Lorenz {
    fn dim(&self) -> usize {
        3
    }
    #[inline]
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        let (y, dy) = (&y[..3], &mut dy[..3]);
        let number = |x: f64| S::lift(<S::Real as Real>::from_f64(x));
        dy[0] = number(10.0) * (y[1] - y[0]);
        dy[1] = y[0] * (number(28.0) - y[2]) - y[1];
        dy[2] = y[0] * y[1] - number(8.0 / 3.0) * y[2];
    }
}

/// Robertson's kinetics.
struct Robertson;
impl Dynamics for Robertson {
    fn dim(&self) -> usize {
        3
    }
    #[inline]
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        let (y, dy) = (&y[..3], &mut dy[..3]);
        let number = |x: f64| S::lift(<S::Real as Real>::from_f64(x));
        let (slow, fast, middle) =
            (number(0.04) * y[0], number(3e7) * y[1] * y[1], number(1e4) * y[1] * y[2]);
        dy[0] = middle - slow;
        dy[1] = slow - middle - fast;
        dy[2] = fast;
    }
}

type Ready<D> = (Integrator<AnyStepper<f64>, f64>, Lifted<D, f64>);

fn lorenz(method: &str) -> Ready<Lorenz> {
    let method = Method::named(method).expect("a method of ours");
    let integrator = Integrator::new(method, 3, &Options::tolerances(1e-8, 1e-8)).expect("valid options");
    (integrator, Lifted::new(Lorenz, Vec::new()))
}

fn robertson(method: &str) -> Ready<Robertson> {
    let method = Method::named(method).expect("a method of ours");
    let integrator = Integrator::new(method, 3, &Options::tolerances(1e-6, 1e-10)).expect("valid options");
    (integrator, Lifted::new(Robertson, Vec::new()))
}

#[library_benchmark]
#[bench::tsit5(args = ("tsit5"), setup = lorenz)]
#[bench::verner7(args = ("verner7"), setup = lorenz)]
#[bench::dop853(args = ("dop853"), setup = lorenz)]
#[bench::verner9(args = ("verner9"), setup = lorenz)]
#[bench::adams(args = ("adams"), setup = lorenz)]
#[bench::auto(args = ("auto"), setup = lorenz)]
fn lorenz_to_10((mut integrator, field): Ready<Lorenz>) -> [f64; 3] {
    let mut out = [0.0; 3];
    integrator.sample(&field, 0.0, black_box(&[1.0, 0.0, 0.0]), &[10.0], &mut out).expect("a solution");
    out
}

#[library_benchmark]
#[bench::radau5(args = ("radau5"), setup = robertson)]
#[bench::rodas5p(args = ("rodas5p"), setup = robertson)]
#[bench::bdf(args = ("bdf"), setup = robertson)]
#[bench::kvaerno5(args = ("kvaerno5"), setup = robertson)]
#[bench::auto(args = ("auto"), setup = robertson)]
fn robertson_to_1e5((mut integrator, field): Ready<Robertson>) -> [f64; 3] {
    let mut out = [0.0; 3];
    integrator.sample(&field, 0.0, black_box(&[1.0, 0.0, 0.0]), &[1e5], &mut out).expect("a solution");
    out
}

fn matrix(n: usize) -> (Lu<f64>, Vec<f64>, Vec<f64>) {
    let entry = |k: usize| ((k * 7919 + 13) % 101) as f64 - 50.0;
    let mut a: Vec<f64> = (0..n * n).map(entry).collect();
    (0..n).for_each(|i| a[i * n + i] += 200.0);
    (Lu::new(n), a, (0..n).map(entry).collect())
}

#[library_benchmark]
#[bench::of_3(args = (3), setup = matrix)]
#[bench::of_8(args = (8), setup = matrix)]
#[bench::of_30(args = (30), setup = matrix)]
fn dense_lu((mut lu, a, mut b): (Lu<f64>, Vec<f64>, Vec<f64>)) -> Vec<f64> {
    lu.factorize(black_box(&a)).expect("a regular matrix");
    lu.solve(&mut b);
    b
}

fn formula() -> SymbolicField {
    let mut graph = Graph::new();
    let scope = Scope::new(["x", "y", "mu"]).expect("good names");
    let mut parse = |text: &str| graph.parse(text, &scope).expect("a formula");
    let equations = [parse("y*exp(-x^2)"), parse("mu*(1 - x^2)*y - sin(x)")];
    SymbolicField::new(&mut graph, &equations, &["x", "y"], &["mu"]).expect("equations")
}

#[library_benchmark]
#[bench::of_2(setup = formula)]
fn formula_and_jacobian(family: SymbolicField) -> [f64; 8] {
    let field = family.at(vec![3.0]);
    let mut work = field.workspace();
    let (mut dy, mut jacobian, mut time) = ([0.0; 2], [0.0; 4], [0.0; 2]);
    field.eval(0.0, black_box(&[0.5, 1.0]), &mut dy, &mut work);
    field.jacobian(0.0, black_box(&[0.5, 1.0]), &mut jacobian, &mut time, &mut work);
    [dy[0], dy[1], jacobian[0], jacobian[1], jacobian[2], jacobian[3], time[0], time[1]]
}

library_benchmark_group!(
    name = inner_loops;
    benchmarks = lorenz_to_10, robertson_to_1e5, dense_lu, formula_and_jacobian
);
main!(library_benchmark_groups = inner_loops);
