//! Weak orders, by moments in closed form.
//!
//! The noise of the estimate goes where it is the same for both: what is averaged is the difference between a solve and the
//! exact solution on the same path, so that few paths show a small bias. The seed is fixed.

use vecfield_solvers::sde::{Areas, Brownian, SdeMethod, Simulation, Steps};
use vecfield_traits::{Calculus, Layout, Noise, drift_diffusion};

const PATHS: u64 = 1 << 15;
const SPAN: (f64, f64) = (0.0, 1.0);

/// The bias of `E[x²]` for `dx = a x dt + b x dW`, whose solution is `exp((a - b²/2) t + b W)`, of steps of `2^-k`.
fn bias_of_growth(method: SdeMethod, k: i32) -> f64 {
    let (a, b) = (1.5, 0.3);
    let noise = Noise { layout: Layout::Diagonal, ..Noise::scalar() };
    let drift = |_t, x: &[f64], f: &mut [f64]| f.iter_mut().zip(x).for_each(|(f, x)| *f = a * x);
    let diffusion = |_t, x: &[f64], g: &mut [f64]| g.iter_mut().zip(x).for_each(|(g, x)| *g = b * x);
    let growth = drift_diffusion(1, noise, Calculus::Ito, drift, diffusion);
    let motion = Brownian::new(5, SPAN).unwrap().with_areas(Areas::SpaceTime);
    let steps = Steps::Fixed(0.5_f64.powi(k));
    let x = Simulation::new(&growth, method, motion, SPAN, steps).unwrap().solve(&[1.0], 0..PATHS, &[1.0]).unwrap().y;
    let mut walker = motion.walker(1, 0, PATHS as usize);
    walker.query(0.0, 1.0).unwrap();
    let exact = |w: f64| (a - 0.5 * b * b + b * w).exp();
    x.iter().zip(walker.w()).map(|(x, &w)| x * x - exact(w).powi(2)).sum::<f64>() / PATHS as f64
}

/// The bias of `E[x y]` for a linear equation with two motions that do not commute; antithetic paths would not cancel it.
fn bias_of_rotation(method: SdeMethod, k: i32) -> f64 {
    let coefficients = [[-1.0, 0.5, -0.5, -1.0], [0.3, 0.0, 0.0, -0.2], [0.0, 0.4, 0.1, 0.0]];
    let linear = move |which: usize, x: &[f64], out: &mut dyn FnMut(usize, usize, f64)| {
        let paths = x.len() / 2;
        let [a, b, c, d] = coefficients[which];
        for p in 0..paths {
            out(0, p, a * x[p] + b * x[paths + p]);
            out(1, p, c * x[p] + d * x[paths + p]);
        }
    };
    let drift = move |_t, x: &[f64], f: &mut [f64]| linear(0, x, &mut |i, p, value| f[i * (x.len() / 2) + p] = value);
    let diffusion = move |_t, x: &[f64], g: &mut [f64]| {
        for k in 0..2 {
            linear(1 + k, x, &mut |i, p, value| g[(i * 2 + k) * (x.len() / 2) + p] = value);
        }
    };
    let equation = drift_diffusion(2, Noise::general(2), Calculus::Ito, drift, diffusion);
    let solve = |method: SdeMethod, k: i32| {
        let motion = Brownian::new(6, SPAN).unwrap();
        let steps = Steps::Fixed(0.5_f64.powi(k));
        let simulation = Simulation::new(&equation, method, motion, SPAN, steps).unwrap();
        let y = simulation.solve(&[1.0, 2.0], 0..PATHS, &[1.0]).unwrap().y;
        let (x, y) = y.split_at(PATHS as usize);
        x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>() / PATHS as f64
    };
    solve(method, k) - solve(SdeMethod::named("platen").unwrap(), 7)
}

fn order(bias: impl Fn(i32) -> f64, first: i32) -> f64 {
    let sizes = [first, first + 1, first + 2].map(|k| bias(k).abs().log2());
    0.5 * (sizes[0] - sizes[2])
}

#[test]
fn growth() {
    for name in ["euler-maruyama", "milstein-free", "platen"] {
        let method = SdeMethod::named(name).unwrap();
        let order = order(|k| bias_of_growth(method, k), 3);
        assert!((order - method.weak_order()).abs() < 0.25, "{name}: {order:.2}, claimed {}", method.weak_order());
    }
}

#[test]
fn noise_that_does_not_commute() {
    for name in ["euler-maruyama", "platen"] {
        let method = SdeMethod::named(name).unwrap();
        let order = order(|k| bias_of_rotation(method, k), 1);
        assert!((order - method.weak_order()).abs() < 0.25, "{name}: {order:.2}, claimed {}", method.weak_order());
    }
}
