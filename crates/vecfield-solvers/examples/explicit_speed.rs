//! How far the generic explicit stepper is from a loop written out by hand for one method, one system, `[f64; 3]`; and what
//! a step costs as systems grow.
//!
//! `cargo run --release -p vecfield-solvers --example explicit_speed [lorenz | ring]`

use std::hint::black_box;
use std::time::Instant;

use vecfield_solvers::tableau::{DOP853, ErrorEstimate, TSIT5, Tableau, VERNER_7};
use vecfield_solvers::{Filter, Integrator, Options, SolveError, field};

type Y = [f64; 3];

#[inline(always)]
fn lorenz(y: &Y) -> Y {
    [10.0 * (y[1] - y[0]), y[0] * (28.0 - y[2]) - y[1], y[0] * y[1] - 8.0 / 3.0 * y[2]]
}

/// A weighted sum of rates, with weights the compiler knows and zeros it leaves out.
macro_rules! sum {
    ($row:expr, $($k:ident),*) => {{
        const ROW: &[f64] = $row;
        let (mut out, mut at) = ([0.0; 3], 0);
        $(
            if at < ROW.len() && ROW[at] != 0.0 {
                for i in 0..3 { out[i] += ROW[at] * $k[i]; }
            }
            at += 1;
        )*
        let _ = at;
        out
    }};
}

macro_rules! moved {
    ($y:ident, $h:ident, $sum:expr) => {{
        let sum = $sum;
        [$y[0] + $h * sum[0], $y[1] + $h * sum[1], $y[2] + $h * sum[2]]
    }};
}

/// A whole solve, stages in local variables: the same formulas, norm and PI controller as the library's.
macro_rules! by_hand {
    ($name:ident, $table:expr, $k0:ident; $($i:literal $k:ident [$($before:ident)*]),*) => {
        fn $name(t1: f64, tolerance: f64, first: f64) -> (Y, u64) {
            const TABLE: &Tableau = &$table;
            let (mut y, mut t, mut h, mut steps) = ([1.0, 0.0, 0.0], 0.0, first, 0);
            let (mut before, mut rejected) = (0.0_f64, false);
            let mut $k0 = lorenz(&y);
            let exponent = 1.0 / f64::from(TABLE.error_exponent());
            while t < t1 {
                let last = t1 - t <= 1.01 * h;
                if last { h = t1 - t; }
                $(let $k = lorenz(&moved!(y, h, sum!(TABLE.a[$i], $($before),*)));)*
                let new = moved!(y, h, sum!(TABLE.b, $k0, $($k),*));
                let square = |e: Y| {
                    let ratio = |i: usize| e[i] / (tolerance + tolerance * y[i].abs().max(new[i].abs()));
                    ratio(0) * ratio(0) + ratio(1) * ratio(1) + ratio(2) * ratio(2)
                };
                let error = h * match TABLE.error {
                    ErrorEstimate::Embedded { .. } => {
                        const E: &[f64] = match TABLE.error { ErrorEstimate::Embedded { weights, .. } => weights, _ => &[] };
                        (square(sum!(E, $k0, $($k),*)) / 3.0).sqrt()
                    }
                    _ => {
                        const E5: &[f64] = match TABLE.error { ErrorEstimate::Pair { higher, .. } => higher, _ => &[] };
                        const E3: &[f64] = match TABLE.error { ErrorEstimate::Pair { lower, .. } => lower, _ => &[] };
                        let (five, three) = (square(sum!(E5, $k0, $($k),*)), square(sum!(E3, $k0, $($k),*)));
                        five / ((five + 0.01 * three) * 3.0).sqrt()
                    }
                };
                let log = error.max(1e-10).ln();
                if error > 1.0 {
                    rejected = true;
                    h *= (0.9 * (-exponent * log).exp()).max(0.2);
                    continue;
                }
                let largest = if rejected { 1.0 } else { 8.0 };
                let factor = (0.9 * (-exponent * (0.7 * log - 0.4 * before)).exp()).clamp(0.2, largest);
                (before, rejected, t, y, steps) = (log, false, if last { t1 } else { t + h }, new, steps + 1);
                $k0 = if TABLE.first_same_as_last() { by_hand!(@last $($k)*) } else { lorenz(&y) };
                h *= factor;
            }
            (y, steps)
        }
    };
    (@last $k:ident) => { $k };
    (@last $k:ident $($rest:ident)+) => { by_hand!(@last $($rest)+) };
}

by_hand!(tsit5, TSIT5, k0; 1 k1 [k0], 2 k2 [k0 k1], 3 k3 [k0 k1 k2], 4 k4 [k0 k1 k2 k3], 5 k5 [k0 k1 k2 k3 k4],
    6 k6 [k0 k1 k2 k3 k4 k5]);
by_hand!(verner7, VERNER_7, k0; 1 k1 [k0], 2 k2 [k0 k1], 3 k3 [k0 k1 k2], 4 k4 [k0 k1 k2 k3], 5 k5 [k0 k1 k2 k3 k4],
    6 k6 [k0 k1 k2 k3 k4 k5], 7 k7 [k0 k1 k2 k3 k4 k5 k6], 8 k8 [k0 k1 k2 k3 k4 k5 k6 k7],
    9 k9 [k0 k1 k2 k3 k4 k5 k6 k7 k8]);
by_hand!(dop853, DOP853, k0; 1 k1 [k0], 2 k2 [k0 k1], 3 k3 [k0 k1 k2], 4 k4 [k0 k1 k2 k3], 5 k5 [k0 k1 k2 k3 k4],
    6 k6 [k0 k1 k2 k3 k4 k5], 7 k7 [k0 k1 k2 k3 k4 k5 k6], 8 k8 [k0 k1 k2 k3 k4 k5 k6 k7],
    9 k9 [k0 k1 k2 k3 k4 k5 k6 k7 k8], 10 k10 [k0 k1 k2 k3 k4 k5 k6 k7 k8 k9],
    11 k11 [k0 k1 k2 k3 k4 k5 k6 k7 k8 k9 k10]);

/// The least of several times, per step, in nanoseconds.
fn best(repeats: u32, mut solve: impl FnMut() -> u64) -> f64 {
    (0..repeats)
        .map(|_| {
            let start = Instant::now();
            let steps = solve();
            start.elapsed().as_secs_f64() * 1e9 / steps as f64
        })
        .fold(f64::INFINITY, f64::min)
}

fn main() -> Result<(), SolveError> {
    match std::env::args().nth(1).as_deref() {
        Some("lorenz") => small(),
        Some("ring") => sizes(),
        _ => small().and_then(|()| sizes()),
    }
}

fn small() -> Result<(), SolveError> {
    println!("Lorenz to t = 20, rtol = atol = 1e-8, no output: ns a step, best of 200");
    println!("method    by hand  generic  ratio");
    let system = field(3, |_t, y: &[f64], dy: &mut [f64]| {
        dy[0] = 10.0 * (y[1] - y[0]);
        dy[1] = y[0] * (28.0 - y[2]) - y[1];
        dy[2] = y[0] * y[1] - 8.0 / 3.0 * y[2];
    });
    type Hand = fn(f64, f64, f64) -> (Y, u64);
    let pairs: [(&'static Tableau, Hand); 3] = [(&TSIT5, tsit5), (&VERNER_7, verner7), (&DOP853, dop853)];
    for (tableau, hand) in pairs {
        // The controller that is written out by hand.
        let controller = Filter::PI;
        let options = Options { first_step: Some(1e-3), controller, ..Options::tolerances(1e-8, 1e-8) };
        let mut integrator = Integrator::explicit(tableau, 3, &options)?;
        let mut out = [0.0; 3];
        let y0 = [1.0, 0.0, 0.0];
        let steps = integrator.sample(&system, 0.0, &y0, &[20.0], &mut out)?.steps;
        let (end, by_hand) = hand(20.0, 1e-8, 1e-3);
        assert!(steps.abs_diff(by_hand) < 3, "the same method: {steps} and {by_hand} steps, {out:?} and {end:?}");
        let floor = best(200, || black_box(hand(black_box(20.0), 1e-8, 1e-3)).1);
        let ours = best(200, || {
            integrator.sample(&system, 0.0, black_box(&y0), &[20.0], &mut out).map_or(0, |stats| stats.steps)
        });
        println!("{:<8} {floor:>8.0} {ours:>8.0} {:>6.2}", tableau.name, ours / floor);
    }
    Ok(())
}

fn sizes() -> Result<(), SolveError> {
    println!("a ring of oscillators, 1000 steps: ns a step and component (evaluations included)");
    println!("{:>8} {:>8} {:>8} {:>8}", "n", "tsit5", "verner7", "dop853");
    for n in [2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 100, 1000, 10_000, 100_000] {
        let ring = field(n, move |_t, y: &[f64], dy: &mut [f64]| {
            for i in 0..n - 1 {
                dy[i] = y[i + 1] - y[i];
            }
            dy[n - 1] = y[0] - y[n - 1];
        });
        let y0: Vec<f64> = (0..n).map(|i| (i as f64).sin()).collect();
        let mut out = vec![0.0; n];
        print!("{n:>8}");
        for tableau in [&TSIT5, &VERNER_7, &DOP853] {
            // Adaptive steps, all of them as long as the largest one: error and controller are paid for.
            let options = Options { max_step: Some(1e-3), first_step: Some(1e-3), ..Options::tolerances(1e-6, 1e-6) };
            let mut integrator = Integrator::explicit(tableau, n, &options)?;
            let steps = if n > 5000 { 10.0 } else { 1000.0 };
            let time = best(if n > 5000 { 5 } else { 20 }, || {
                integrator.sample(&ring, 0.0, &y0, &[1e-3 * steps], &mut out).map_or(0, |stats| stats.steps)
            });
            print!(" {:>8.2}", time / n as f64);
        }
        println!();
    }
    Ok(())
}
