//! Minima that are known (Moré–Garbow–Hillstrom 1981), bounds, invariance, failure.

use proptest::prelude::*;
use std::ops::ControlFlow;
use vecfield_linalg::{Cholesky, LinalgError};
use vecfield_optim::{
    FromResiduals, Infeasible, LeastSquares, LevenbergMarquardt, NormalEquations, OptimError, Options, Stop,
};

struct Rosenbrock;

impl LeastSquares for Rosenbrock {
    fn parameter_count(&self) -> usize {
        2
    }
    fn residual_count(&self) -> usize {
        2
    }
    fn residuals(&mut self, x: &[f64], r: &mut [f64]) -> Result<(), Infeasible> {
        (r[0], r[1]) = (10.0 * (x[1] - x[0] * x[0]), 1.0 - x[0]);
        Ok(())
    }
    fn jacobian(&mut self, x: &[f64], r: &mut [f64], jacobian: &mut [f64]) -> Result<(), Infeasible> {
        self.residuals(x, r)?;
        jacobian.copy_from_slice(&[-20.0 * x[0], 10.0, -1.0, 0.0]);
        Ok(())
    }
}

fn minimum<F: FnMut(&[f64], &mut [f64])>(n: usize, m: usize, f: F, start: &[f64]) -> (Vec<f64>, f64, Stop) {
    let mut x = start.to_vec();
    let options = Options { iterations: 300, ..Options::default() };
    let summary = LevenbergMarquardt::new(options).minimize(&mut FromResiduals::new(n, m, f), &mut x).unwrap();
    (x, summary.cost, summary.stop)
}

#[test]
fn known_minima_are_found() {
    let (x, cost, _) = minimum(
        4,
        4,
        |x, r| {
            // Powell's singular function: the Jacobian is singular at the minimum.
            r[0] = x[0] + 10.0 * x[1];
            r[1] = 5.0_f64.sqrt() * (x[2] - x[3]);
            r[2] = (x[1] - 2.0 * x[2]).powi(2);
            r[3] = 10.0_f64.sqrt() * (x[0] - x[3]).powi(2);
        },
        &[3.0, -1.0, 0.0, 1.0],
    );
    assert!(cost < 1e-20 && x.iter().all(|x| x.abs() < 1e-3), "{x:?} {cost:e}");

    let (x, cost, stop) = minimum(
        3,
        10,
        |x, r| {
            // Box's three-dimensional function.
            for (i, r) in r.iter_mut().enumerate() {
                let t = 0.1 * (i + 1) as f64;
                *r = (-t * x[0]).exp() - (-t * x[1]).exp() - x[2] * ((-t).exp() - (-10.0 * t).exp());
            }
        },
        &[0.0, 10.0, 20.0],
    );
    assert!(cost < 1e-18 && (x[0] - 1.0).abs() < 1e-6 && (x[1] - 10.0).abs() < 1e-5, "{x:?} {cost:e} {stop:?}");

    let bard = [0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39];
    let (_, cost, stop) = minimum(
        3,
        15,
        |x, r| {
            for (i, r) in r.iter_mut().enumerate() {
                let (u, v) = ((i + 1) as f64, (15 - i) as f64);
                *r = bard[i] - (x[0] + u / (v * x[1] + u.min(v) * x[2]));
            }
        },
        &[1.0, 1.0, 1.0],
    );
    assert!((2.0 * cost - 8.214_877e-3).abs() < 1e-8 && stop.converged(), "{cost} {stop:?}");
}

#[test]
fn rosenbrock_takes_few_steps() {
    let mut x = [-1.2, 1.0];
    let summary = LevenbergMarquardt::new(Options::default()).minimize(&mut Rosenbrock, &mut x).unwrap();
    assert!((x[0] - 1.0).abs() < 1e-12 && (x[1] - 1.0).abs() < 1e-12);
    assert!(summary.stop.converged() && summary.iterations < 40, "{summary:?}");
}

#[test]
fn active_bounds_hold_and_the_rest_is_minimal() {
    // With x0 ≤ 0.5 Rosenbrock's minimum is at the bound, on the parabola.
    let mut optimizer =
        LevenbergMarquardt::new(Options::default()).bounded(&[-2.0, -2.0], &[0.5, f64::INFINITY]).unwrap();
    for start in [[-1.2, 1.0], [0.5, -2.0], [0.4, 5.0]] {
        let mut x = start;
        let summary = optimizer.minimize(&mut Rosenbrock, &mut x).unwrap();
        assert!(x[0] == 0.5 && (x[1] - 0.25).abs() < 1e-9, "{x:?} {summary:?}");
        assert_eq!(optimizer.free(), [false, true]);
    }
    let empty = LevenbergMarquardt::new(Options::default()).bounded(&[1.0], &[0.0]);
    assert!(matches!(empty, Err(OptimError::EmptyBox { parameter: 0, .. })));
}

#[test]
fn an_infeasible_step_is_shortened() {
    // ln is undefined beyond the start's first full step.
    struct Log;
    impl LeastSquares for Log {
        fn parameter_count(&self) -> usize {
            1
        }
        fn residual_count(&self) -> usize {
            1
        }
        fn residuals(&mut self, x: &[f64], r: &mut [f64]) -> Result<(), Infeasible> {
            if x[0] <= 0.0 {
                return Err(Infeasible);
            }
            r[0] = x[0].ln();
            Ok(())
        }
        fn jacobian(&mut self, x: &[f64], r: &mut [f64], jacobian: &mut [f64]) -> Result<(), Infeasible> {
            jacobian[0] = 1.0 / x[0];
            self.residuals(x, r)
        }
    }
    let mut x = [20.0];
    LevenbergMarquardt::new(Options::default()).minimize(&mut Log, &mut x).unwrap();
    assert!((x[0] - 1.0).abs() < 1e-9);
    assert_eq!(
        LevenbergMarquardt::new(Options::default()).minimize(&mut Log, &mut [-1.0]),
        Err(OptimError::InfeasibleStart)
    );
}

#[test]
fn an_observer_can_break_off_and_a_budget_is_kept() {
    let mut x = [-1.2, 1.0];
    let mut seen = 0;
    let summary = LevenbergMarquardt::new(Options::default())
        .minimize_observed(&mut Rosenbrock, &mut x, |progress| {
            seen += 1;
            if progress.iteration == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert_eq!((summary.stop, summary.iterations, seen), (Stop::Cancelled, 3, 4));
    let options = Options { iterations: 2, ..Options::default() };
    let summary = LevenbergMarquardt::new(options).minimize(&mut Rosenbrock, &mut [-1.2, 1.0]).unwrap();
    assert_eq!(summary.stop, Stop::Budget);
}

#[test]
fn a_wrong_jacobian_is_no_endless_loop() {
    struct Wrong;
    impl LeastSquares for Wrong {
        fn parameter_count(&self) -> usize {
            1
        }
        fn residual_count(&self) -> usize {
            1
        }
        fn residuals(&mut self, x: &[f64], r: &mut [f64]) -> Result<(), Infeasible> {
            r[0] = 1.0 + x[0];
            Ok(())
        }
        fn jacobian(&mut self, x: &[f64], r: &mut [f64], jacobian: &mut [f64]) -> Result<(), Infeasible> {
            jacobian[0] = -1.0;
            self.residuals(x, r)
        }
    }
    let summary = LevenbergMarquardt::new(Options::default()).minimize(&mut Wrong, &mut [0.5]).unwrap();
    assert_eq!(summary.stop, Stop::NoProgress);
    assert!(summary.iterations < 40);
}

/// Rosenbrock through its own normal equations, which must walk the same path.
struct Structured {
    normal: [f64; 4],
}

impl NormalEquations for Structured {
    fn parameter_count(&self) -> usize {
        2
    }
    fn cost(&mut self, x: &[f64]) -> Result<f64, Infeasible> {
        let mut r = [0.0; 2];
        Rosenbrock.residuals(x, &mut r)?;
        Ok(0.5 * (r[0] * r[0] + r[1] * r[1]))
    }
    fn linearize(&mut self, x: &[f64], gradient: &mut [f64], diagonal: &mut [f64]) -> Result<f64, Infeasible> {
        let (mut r, mut j) = ([0.0; 2], [0.0; 4]);
        Rosenbrock.jacobian(x, &mut r, &mut j)?;
        self.normal = [
            j[0] * j[0] + j[2] * j[2],
            j[0] * j[1] + j[2] * j[3],
            j[0] * j[1] + j[2] * j[3],
            j[1] * j[1] + j[3] * j[3],
        ];
        (gradient[0], gradient[1]) = (j[0] * r[0] + j[2] * r[1], j[1] * r[0] + j[3] * r[1]);
        (diagonal[0], diagonal[1]) = (self.normal[0], self.normal[3]);
        self.cost(x)
    }
    fn solve(
        &mut self,
        damping: &[f64],
        gradient: &[f64],
        _free: &[bool],
        step: &mut [f64],
    ) -> Result<(), LinalgError> {
        let mut damped = self.normal;
        damped[0] += damping[0];
        damped[3] += damping[1];
        let mut cholesky = Cholesky::new(2);
        cholesky.factorize(&damped)?;
        (step[0], step[1]) = (-gradient[0], -gradient[1]);
        cholesky.solve(step);
        Ok(())
    }
    fn curvature(&self, step: &[f64]) -> f64 {
        step[0] * (self.normal[0] * step[0] + 2.0 * self.normal[1] * step[1]) + step[1] * step[1] * self.normal[3]
    }
}

#[test]
fn structured_and_dense_agree() {
    let (mut x, mut y) = ([-1.2, 1.0], [-1.2, 1.0]);
    let mut optimizer = LevenbergMarquardt::new(Options::default());
    let dense = optimizer.minimize(&mut Rosenbrock, &mut x).unwrap();
    let structured = optimizer
        .minimize_structured(&mut Structured { normal: [0.0; 4] }, &mut y, |_| ControlFlow::Continue(()))
        .unwrap();
    assert_eq!(dense.iterations, structured.iterations);
    assert!((x[0] - y[0]).abs() < 1e-12 && (x[1] - y[1]).abs() < 1e-12);
}

/// `y = a exp(-b t) + c` in units that stretch each parameter.
fn exponential<'a>(data: &'a [f64], units: [f64; 3]) -> impl FnMut(&[f64], &mut [f64]) + 'a {
    move |x, r| {
        for (i, (r, y)) in r.iter_mut().zip(data).enumerate() {
            let t = 0.25 * i as f64;
            *r = x[0] / units[0] * (-x[1] / units[1] * t).exp() + x[2] / units[2] - y;
        }
    }
}

proptest! {
    #[test]
    fn exponentials_are_fitted(a in 0.5..5.0_f64, b in 0.2..2.0_f64, c in -1.0..1.0_f64) {
        let data: Vec<f64> = (0..40).map(|i| a * (-b * 0.25 * f64::from(i)).exp() + c).collect();
        let (x, cost, stop) = minimum(3, 40, exponential(&data, [1.0; 3]), &[1.0, 1.0, 0.0]);
        prop_assert!((x[0] - a).abs() + (x[1] - b).abs() + (x[2] - c).abs() < 1e-6, "{x:?} {cost:e} {stop:?}");
    }

    /// Iterates in stretched units are the stretched iterates: same count, same minimum.
    #[test]
    fn scaling_the_parameters_changes_nothing(exponents in prop::array::uniform3(-9..9_i32), wiggle in 0.0..0.3_f64) {
        let data: Vec<f64> = (0..30).map(|i| 2.0 * (-0.2 * f64::from(i)).exp() + 0.5 + wiggle * (7.0 * f64::from(i)).sin()).collect();
        // Powers of two scale without rounding; the differences of the Jacobian are relative, beyond their floor.
        let units = exponents.map(|e| 2.0_f64.powi(e.max(0)));
        let run = |units: [f64; 3]| {
            let mut x = [1.0 * units[0], 1.0 * units[1], 0.3 * units[2]];
            let mut problem = FromResiduals::new(3, 30, exponential(&data, units));
            let summary = LevenbergMarquardt::new(Options::default()).minimize(&mut problem, &mut x).unwrap();
            ([x[0] / units[0], x[1] / units[1], x[2] / units[2]], summary)
        };
        let ((plain, one), (stretched, two)) = (run([1.0; 3]), run(units));
        prop_assert_eq!(one.iterations, two.iterations);
        for (x, y) in plain.iter().zip(&stretched) {
            prop_assert!((x - y).abs() < 1e-9 * (1.0 + x.abs()), "{plain:?} {stretched:?}");
        }
    }

    /// In a random box, the minimum of a random quadratic satisfies the conditions of Karush, Kuhn and Tucker.
    #[test]
    fn bounded_minima_satisfy_kkt(a in prop::collection::vec(-1.0..1.0_f64, 24), b in prop::collection::vec(-3.0..3.0_f64, 6), lower in prop::collection::vec(-1.0..0.0_f64, 4), width in prop::collection::vec(0.1..1.5_f64, 4)) {
        let upper: Vec<f64> = lower.iter().zip(&width).map(|(l, w)| l + w).collect();
        let residual = |x: &[f64], r: &mut [f64]| {
            for i in 0..6 {
                r[i] = (0..4).map(|j| a[i * 4 + j] * x[j]).sum::<f64>() - b[i];
            }
        };
        let mut x = vec![0.0; 4];
        let options = Options { iterations: 500, ..Options::default() };
        let mut optimizer = LevenbergMarquardt::new(options).bounded(&lower, &upper).unwrap();
        let summary = optimizer.minimize(&mut FromResiduals::new(4, 6, residual), &mut x).unwrap();
        let mut r = [0.0; 6];
        residual(&x, &mut r);
        for j in 0..4 {
            let slope: f64 = (0..6).map(|i| a[i * 4 + j] * r[i]).sum();
            prop_assert!((lower[j]..=upper[j]).contains(&x[j]));
            if x[j] > lower[j] {
                prop_assert!(slope < 1e-5, "{j}: {slope} {x:?} {summary:?}");
            }
            if x[j] < upper[j] {
                prop_assert!(slope > -1e-5, "{j}: {slope} {x:?} {summary:?}");
            }
        }
    }
}

/// A structured problem for runs that are broken off: Rosenbrock's function through its dense normal equations.
struct Banana {
    normal: [f64; 4],
}

impl NormalEquations for Banana {
    fn parameter_count(&self) -> usize {
        2
    }
    fn cost(&mut self, x: &[f64]) -> Result<f64, Infeasible> {
        let mut r = [0.0; 2];
        Rosenbrock.residuals(x, &mut r)?;
        Ok(0.5 * (r[0] * r[0] + r[1] * r[1]))
    }
    fn linearize(&mut self, x: &[f64], gradient: &mut [f64], diagonal: &mut [f64]) -> Result<f64, Infeasible> {
        let (mut r, mut j) = ([0.0; 2], [0.0; 4]);
        Rosenbrock.jacobian(x, &mut r, &mut j)?;
        for a in 0..2 {
            gradient[a] = j[a] * r[0] + j[2 + a] * r[1];
            for b in 0..2 {
                self.normal[2 * a + b] = j[a] * j[b] + j[2 + a] * j[2 + b];
            }
            diagonal[a] = self.normal[3 * a];
        }
        self.cost(x)
    }
    fn solve(
        &mut self,
        damping: &[f64],
        gradient: &[f64],
        _free: &[bool],
        step: &mut [f64],
    ) -> Result<(), LinalgError> {
        let mut cholesky = Cholesky::new(2);
        let [a, b, c, d] = self.normal;
        cholesky.factorize(&[a + damping[0], b, c, d + damping[1]])?;
        step.copy_from_slice(&[-gradient[0], -gradient[1]]);
        cholesky.solve(step);
        Ok(())
    }
    fn curvature(&self, step: &[f64]) -> f64 {
        let [a, b, c, d] = self.normal;
        step[0] * (a * step[0] + b * step[1]) + step[1] * (c * step[0] + d * step[1])
    }
}

proptest! {
    /// A run that is broken off before any of its trial steps and taken up again ends in the same bits after as many steps.
    #[test]
    fn a_broken_run_goes_on_as_if_it_had_not_stopped(start in prop::array::uniform2(-2.0..2.0_f64), at in 0_usize..30) {
        let mut whole = start;
        let mut minimizer = LevenbergMarquardt::new(Options::default());
        let mut problem = Banana { normal: [0.0; 4] };
        let summary =
            minimizer.minimize_structured(&mut problem, &mut whole, |_| ControlFlow::Continue(())).unwrap();
        let (mut x, mut standing) = (start, None);
        let first = minimizer.minimize_structured(&mut problem, &mut x, |progress| {
            standing = Some(progress.standing());
            if progress.iteration == at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if first.unwrap().stop == Stop::Cancelled {
            let again = LevenbergMarquardt::new(Options::default()).resume_structured(
                &mut Banana { normal: [0.0; 4] },
                &mut x,
                &standing.unwrap(),
                |_| ControlFlow::Continue(()),
            );
            prop_assert_eq!(again.unwrap().iterations, summary.iterations);
        }
        prop_assert_eq!(x.map(f64::to_bits), whole.map(f64::to_bits));
    }
}
