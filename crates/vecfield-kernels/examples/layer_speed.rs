//! Speed of matrix products (GFlop/s) and activations (ns per number, value alone and with its slope) on every target.
//!
//! `cargo run --release -p vecfield-kernels --example layer_speed`

use std::hint::black_box;
use std::time::{Duration, Instant};

use vecfield_kernels::{Activation, LayerMath, Matrix, Slopes, Start, Target};

fn main() {
    for target in Target::all() {
        for (m, n, k) in [
            (32, 64, 64),
            (32, 64, 2),
            (64, 64, 32),
            (64, 64, 64),
            (64, 64, 8),
            (8, 32, 256),
            (8, 32, 32),
            (1, 50, 2),
            (1, 64, 64),
            (256, 256, 256),
        ] {
            let (single, double) = (product::<f32>(target, (m, n, k)), product::<f64>(target, (m, n, k)));
            println!("{:9} {m:3} x {n:3} x {k:3}  f32 {single:6.1}  f64 {double:6.1} GFlop/s", target.name());
        }
        for (m, n, k) in [(32, 2, 64), (1, 2, 50)] {
            let (a, b, mut c) = (vec![1.0_f32; m * k], vec![0.5_f32; n * k], vec![0.0_f32; m * n]);
            let ns =
                nanoseconds(|| f32::inner_on(target, (m, n, k), black_box(&a), &b, Start::Zero, black_box(&mut c)));
            println!("{:9} inner {m:3} x {n:3} x {k:3}  f32 {ns:6.1} ns", target.name());
        }
        for activation in Activation::ALL {
            let (a, b) = (activated::<f32>(target, activation), activated::<f64>(target, activation));
            println!(
                "{:9} {:9} f32 {:.3} {:.3}  f64 {:.3} {:.3} ns",
                target.name(),
                activation.name(),
                a.0,
                a.1,
                b.0,
                b.1
            );
        }
    }
}

fn product<R: LayerMath>(target: Target, (m, n, k): (usize, usize, usize)) -> f64 {
    let (a, b) = (vec![R::from_f64(0.5); m * k], vec![R::from_f64(0.25); k * n]);
    let mut c = vec![R::zero(); m * n];
    let ns = nanoseconds(|| {
        R::multiply_on(
            target,
            (m, n, k),
            Matrix::rows(black_box(&a), k),
            black_box(&b),
            Start::Zero,
            black_box(&mut c),
        );
    });
    (2 * m * n * k) as f64 / ns
}

fn activated<R: LayerMath>(target: Target, activation: Activation) -> (f64, f64) {
    let z: Vec<R> = (0..2048).map(|i| R::from_f64((f64::from(i) * 0.618).fract() * 8.0 - 4.0)).collect();
    let (mut h, mut s) = (z.clone(), z.clone());
    let value = nanoseconds(|| {
        h.copy_from_slice(black_box(&z));
        R::activate_on(target, activation, &mut h, Slopes::None);
        black_box(&mut h);
    });
    let both = nanoseconds(|| {
        h.copy_from_slice(black_box(&z));
        R::activate_on(target, activation, &mut h, Slopes::First(&mut s));
        black_box(&mut h);
    });
    (value / 2048.0, both / 2048.0)
}

/// The least mean time of a block of calls; 20 ms of them, however long one takes.
fn nanoseconds(mut work: impl FnMut()) -> f64 {
    let (began, mut best) = (Instant::now(), f64::INFINITY);
    while began.elapsed() < Duration::from_millis(20) {
        let start = Instant::now();
        (0..10).for_each(|_| work());
        best = best.min(start.elapsed().as_nanos() as f64 / 10.0);
    }
    best
}
