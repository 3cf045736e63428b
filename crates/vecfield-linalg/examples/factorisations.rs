//! What a factorisation and a solve cost: `cargo run --release -p vecfield-linalg --example factorisations`.
//!
//! Dense systems of the sizes of chemical kinetics, and the Jacobian of a two-species reaction on a square grid.

use std::hint::black_box;
use std::time::Instant;

use vecfield_linalg::{Complex, Element, Lu, SparseLu};
use vecfield_traits::Sparsity;

fn main() {
    println!("dense n   factorise    solve   complex factorise    solve   (ns)");
    for n in [2, 3, 4, 6, 8, 12, 20, 30, 60, 100] {
        let real = matrix(n);
        let complex: Vec<Complex<f64>> = real.iter().map(|&x| Complex::new(x, 0.3 * x)).collect();
        let (factorise, solve) = dense(n, &real);
        let (factorise_complex, solve_complex) = dense(n, &complex);
        println!("{n:7} {factorise:11.0} {solve:8.0} {factorise_complex:19.0} {solve_complex:8.0}");
    }
    println!("grid   unknowns  non-zeros  in factors       work   plan   first   again   solve   (ms)");
    for m in [20, 50, 100] {
        let pattern = grid(m);
        let entries: Vec<f64> = pattern.places().map(|(i, j)| if i == j { 9.0 } else { -1.0 }).collect();
        let (mut lu, plan) = timed(1, || SparseLu::new(&pattern).expect("the diagonal is full"));
        let start = Instant::now();
        lu.factorize(&entries).expect("the matrix is dominant");
        let first = start.elapsed().as_nanos() as f64;
        let (_, again) = timed(5, || lu.factorize(&entries).expect("the matrix is dominant"));
        let mut x = vec![1.0; pattern.n()];
        let (_, solve) = timed(5, || lu.solve(black_box(&mut x)));
        let [plan, first, again, solve] = [plan, first, again, solve].map(|ns| ns / 1e6);
        let (n, places, fill) = (pattern.n(), pattern.len(), lu.fill());
        println!("{m:4} {n:10} {places:10} {fill:11} {:10} {plan:6.1} {first:7.1} {again:7.1} {solve:7.2}", lu.work());
    }
}

fn matrix(n: usize) -> Vec<f64> {
    let entry =
        |at: usize| ((at * 7919 + 13) % 101) as f64 / 101.0 - 0.5 + if at.is_multiple_of(n + 1) { 3.0 } else { 0.0 };
    (0..n * n).map(entry).collect()
}

fn dense<T: Element>(n: usize, a: &[T]) -> (f64, f64) {
    let repeats = 2_000_000 / (n * n * n + 100);
    let mut lu = Lu::new(n);
    let (_, factorise) = timed(repeats, || lu.factorize(black_box(a)).expect("the matrix is dominant"));
    let mut x = vec![T::unit(); n];
    let (_, solve) = timed(repeats, || {
        lu.solve(black_box(&mut x));
        x.fill(T::unit());
    });
    (factorise, solve)
}

/// Two species on `m × m` points: each sees its four neighbours and the other species.
fn grid(m: usize) -> Sparsity {
    Sparsity::from_rows((0..2 * m * m).map(|at| {
        let (species, x, y) = (at % 2, at / 2 % m, at / 2 / m);
        let place = |x: usize, y: usize| 2 * (y * m + x) + species;
        vec![
            at,
            at ^ 1,
            place((x + 1) % m, y),
            place((x + m - 1) % m, y),
            place(x, (y + 1) % m),
            place(x, (y + m - 1) % m),
        ]
    }))
}

/// The last result, and nanoseconds of the fastest of five rounds of calls.
fn timed<A>(repeats: usize, mut f: impl FnMut() -> A) -> (A, f64) {
    let round = repeats.div_ceil(5);
    let mut fastest = f64::INFINITY;
    let mut last = f();
    for _ in 0..repeats / round {
        let start = Instant::now();
        for _ in 0..round {
            last = f();
        }
        fastest = fastest.min(start.elapsed().as_nanos() as f64 / round as f64);
    }
    (last, fastest)
}
