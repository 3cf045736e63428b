//! Nanoseconds per element of every function over 1000-element slices, on every target, beside `std`.
//!
//! `cargo run --release -p vecfield-kernels --example throughput`

use std::hint::black_box;
use std::time::Instant;

use vecfield_kernels::{Function, Target, VectorMath, axpy, dot, sum};

const N: usize = 1000;

fn main() {
    let targets = Target::all();
    for (precision, double) in [("f64", true), ("f32", false)] {
        print!("{precision:10} {:>9}", "std");
        targets.iter().for_each(|target| print!(" {:>9}", target.name()));
        println!("   std / best   ns per element");
        for function in Function::ALL {
            let row = if double { measure::<f64>(function, &targets) } else { measure::<f32>(function, &targets) };
            print!("{:10}", function.name());
            row.iter().for_each(|ns| print!(" {ns:9.3}"));
            println!(" {:9.1}", row[0] / row[row.len() - 1]);
        }
    }
    let (x, mut y) = (inputs::<f64>(Function::Abs), inputs::<f64>(Function::Exp));
    println!("sum        {:9.3}", nanoseconds(|| _ = black_box(sum(black_box(&x)))));
    println!("dot        {:9.3}", nanoseconds(|| _ = black_box(dot(black_box(&x), &y))));
    println!("axpy       {:9.3}", nanoseconds(|| axpy(black_box(1e-9), &x, black_box(&mut y))));
}

/// `std`, then each target.
fn measure<R: VectorMath>(function: Function, targets: &[Target]) -> Vec<f64> {
    let x = inputs::<R>(function);
    let mut y = x.clone();
    let scalar = scalar::<R>(function);
    let mut row = vec![nanoseconds(|| {
        for (y, &x) in y.iter_mut().zip(black_box(&x)) {
            *y = scalar(x);
        }
        black_box(&mut y);
    })];
    for &target in targets {
        row.push(nanoseconds(|| {
            y.copy_from_slice(black_box(&x));
            R::map_on(target, function, &mut y);
            black_box(&mut y);
        }));
    }
    row
}

fn inputs<R: VectorMath>(function: Function) -> Vec<R> {
    let positive = matches!(function, Function::Ln | Function::Sqrt);
    (0..N)
        .map(|i| (i as f64 * 0.618_033_988_75).fract() * 10.0 - if positive { 0.0 } else { 5.0 })
        .map(R::from_f64)
        .collect()
}

fn scalar<R: VectorMath>(function: Function) -> fn(R) -> R {
    match function {
        Function::Exp => R::exp,
        Function::Ln => R::ln,
        Function::Sin => R::sin,
        Function::Cos => R::cos,
        Function::Tan => R::tan,
        Function::Sinh => R::sinh,
        Function::Cosh => R::cosh,
        Function::Tanh => R::tanh,
        Function::Sigmoid => |x| R::one() / (R::one() + (-x).exp()),
        Function::Softplus => |x| (R::one() + x.exp()).ln(),
        Function::Sqrt => R::sqrt,
        Function::Abs => R::abs,
        other => unreachable!("a new function needs its line here: {}", other.name()),
    }
}

/// The fastest of many batches, per element.
fn nanoseconds(mut work: impl FnMut()) -> f64 {
    (0..60)
        .map(|_| {
            let start = Instant::now();
            (0..50).for_each(|_| work());
            start.elapsed().as_nanos() as f64 / (50 * N) as f64
        })
        .fold(f64::INFINITY, f64::min)
}
