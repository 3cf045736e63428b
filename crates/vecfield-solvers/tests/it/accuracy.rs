//! The automatic method on problems whose solutions are known, smooth and not, at three tolerances.

use vecfield_autodiff::ByDuals;
use vecfield_autodiff::Dual;
use vecfield_solvers::tableau::TSIT5;
use vecfield_solvers::{Method, Options, Save, VectorField, field, solve, solve_explicit};
use vecfield_traits::Elementary;

/// A formula as a field over floats and duals.
macro_rules! formula {
    ($name:ident, $n:expr, |$t:ident, $y:ident, $dy:ident| $body:block) => {
        struct $name;
        impl<S: Elementary> VectorField<S> for $name {
            type Workspace = ();
            fn workspace(&self) {}
            fn dim(&self) -> usize {
                $n
            }
            fn eval(&self, $t: S, $y: &[S], $dy: &mut [S], _work: &mut ()) $body
        }
    };
}

/// Largest error, relative to the largest value of each component, at `times`.
fn error<F>(field: F, rtol: f64, atol: f64, y0: &[f64], times: &[f64], exact: &dyn Fn(f64) -> Vec<f64>) -> f64
where
    F: VectorField<f64> + VectorField<Dual<f64, 8>>,
{
    let end = times[times.len() - 1];
    let options = Options::tolerances(rtol, atol);
    let solution = solve(&ByDuals::new(field), (0.0, end), y0, Method::Auto, &options, Save::At(times)).unwrap();
    let exact: Vec<Vec<f64>> = times.iter().map(|&t| exact(t)).collect();
    let size = |i: usize| exact.iter().map(|y| y[i].abs()).fold(1e-300, f64::max);
    let rows = exact.iter().enumerate();
    let all = rows.flat_map(|(row, y)| y.iter().enumerate().map(move |(i, y)| (row, i, *y)));
    all.map(|(row, i, y)| (solution.state(row)[i] - y).abs() / size(i)).fold(0.0, f64::max)
}

/// Errors fall with the tolerance and stay below `bars`, for 1e-5, 1e-8 and 1e-10.
fn falls<F>(
    make: impl Fn() -> F,
    y0: &[f64],
    times: &[f64],
    exact: &dyn Fn(f64) -> Vec<f64>,
    bars: [f64; 3],
    name: &str,
) where
    F: VectorField<f64> + VectorField<Dual<f64, 8>>,
{
    let mut before = f64::INFINITY;
    for (rtol, bar) in [1e-5, 1e-8, 1e-10].into_iter().zip(bars) {
        let error = error(make(), rtol, rtol * 1e-3, y0, times, exact);
        assert!(error < bar, "{name} at {rtol:e}: error {error:e}");
        assert!(error < (1.5 * before).max(1e-8), "{name}: {error:e} after {before:e}");
        before = error;
    }
}

formula!(Kepler, 4, |_t, y, dy| {
    let r2 = y[0] * y[0] + y[1] * y[1];
    let r3 = r2 * r2.sqrt();
    (dy[0], dy[1], dy[2], dy[3]) = (y[2], y[3], -(y[0] / r3), -(y[1] / r3));
});

#[test]
fn kepler_with_eccentricity_nine_tenths() {
    let e = 0.9_f64;
    let exact = |t: f64| {
        let (turn, mut anomaly) = (t.rem_euclid(std::f64::consts::TAU), std::f64::consts::PI);
        for _ in 0..100 {
            anomaly -= (anomaly - e * anomaly.sin() - turn) / (1.0 - e * anomaly.cos());
        }
        let (sin, cos) = anomaly.sin_cos();
        let (b, r) = ((1.0 - e * e).sqrt(), 1.0 - e * cos);
        vec![cos - e, b * sin, -sin / r, b * cos / r]
    };
    let y0 = [0.1, 0.0, 0.0, ((1.0 + e) / (1.0 - e)).sqrt()];
    falls(|| Kepler, &y0, &[3.0, 6.5, 20.0, 40.0, 65.0], &exact, [0.1, 1e-5, 1e-6], "Kepler");
}

formula!(Arenstorf, 4, |_t, y, dy| {
    let mu = S::constant(0.012277471);
    let nu = S::one() - mu;
    let cube = |dx: S| {
        let r2 = dx * dx + y[1] * y[1];
        r2 * r2.sqrt()
    };
    let (far, near) = (cube(y[0] + mu), cube(y[0] - nu));
    dy[0] = y[2];
    dy[1] = y[3];
    dy[2] = y[0] + y[3] + y[3] - nu * (y[0] + mu) / far - mu * (y[0] - nu) / near;
    dy[3] = y[1] - y[2] - y[2] - nu * y[1] / far - mu * y[1] / near;
});

#[test]
fn the_arenstorf_orbit_closes() {
    let y0 = [0.994, 0.0, 0.0, -2.001_585_106_379_082_5];
    let period = 17.065_216_560_157_96;
    let exact = |_t: f64| y0.to_vec();
    // The orbit is unstable: errors grow by 1e4 or so on the way round. Components that start at zero are measured by
    // the size of the others.
    for (rtol, bar) in [(1e-8, 1e-3), (1e-10, 1e-5)] {
        let solution = solve(
            &ByDuals::new(Arenstorf),
            (0.0, period),
            &y0,
            Method::Auto,
            &Options::tolerances(rtol, rtol * 1e-3),
            Save::End,
        );
        let y = solution.unwrap();
        let error = y.last().iter().zip(exact(period)).map(|(y, exact)| (y - exact).abs()).fold(0.0, f64::max);
        assert!(error < bar, "at {rtol:e}: {error:e}");
    }
}

formula!(SquareWave, 1, |t, y, dy| {
    let wave = (t * S::constant(std::f64::consts::PI)).sin().sign();
    dy[0] = wave - y[0];
});

#[test]
fn a_field_that_jumps_at_every_integer() {
    let exact = |t: f64| {
        let (mut y, mut start, mut wave) = (2.0, 0.0, 1.0);
        while start + 1.0 < t {
            y = wave + (y - wave) * (-1.0_f64).exp();
            (start, wave) = (start + 1.0, -wave);
        }
        vec![wave + (y - wave) * (start - t).exp()]
    };
    falls(|| SquareWave, &[2.0], &[0.5, 1.5, 5.5, 9.5, 10.0], &exact, [5e-3, 5e-6, 1e-7], "square wave");
}

formula!(BangBang, 2, |_t, y, dy| {
    (dy[0], dy[1]) = (y[1], -y[0].sign());
});

#[test]
fn a_field_that_jumps_with_the_state() {
    // Parabolic arcs, a quarter of the period each: √2.
    let exact = |t: f64| {
        let quarter = 2.0_f64.sqrt();
        let phase = t.rem_euclid(4.0 * quarter);
        let (half, back) = if phase < 2.0 * quarter { (phase, false) } else { (4.0 * quarter - phase, true) };
        let (x, v) = if half < quarter {
            (1.0 - half * half / 2.0, -half)
        } else {
            let s = 2.0 * quarter - half;
            (s * s / 2.0 - 1.0, -s)
        };
        vec![x, if back { -v } else { v }]
    };
    falls(|| BangBang, &[1.0, 0.0], &[1.0, 3.0, 10.0, 20.0], &exact, [2e-2, 3e-5, 1e-6], "bang-bang");
}

/// An estimate that leaves out the end of the step lets a jump there pass.
#[test]
fn low_orders_see_jumps_wherever_in_the_step_they_are() {
    let turn = 2.0_f64.sqrt();
    for name in ["bs3", "ralston3", "ssprk33", "ssprk43", "carpenter-kennedy"] {
        let method = Method::named(name).unwrap();
        for exponent in 3..9 {
            for start in [1.0, 0.7, 1.9] {
                // Four arcs lead back to the start.
                let (rtol, period) = (10.0_f64.powi(-exponent), 4.0 * turn * f64::sqrt(start));
                let options = Options::tolerances(rtol, 1e-3 * rtol);
                let field = ByDuals::new(BangBang);
                let y = solve(&field, (0.0, 3.0 * period), &[start, 0.0], method, &options, Save::End).unwrap();
                let error = (y.last()[0] - start).abs().max(y.last()[1].abs());
                assert!(error < 0.1 * rtol.sqrt() + 3000.0 * rtol, "{name} at {rtol:e}: {error:e}");
            }
        }
    }
}

formula!(RootOfTime, 1, |t, y, dy| {
    dy[0] = t.sqrt() * y[0];
});

#[test]
fn a_field_that_is_not_smooth_where_the_solve_begins() {
    let exact = |t: f64| vec![(2.0 / 3.0 * t.powf(1.5)).exp()];
    falls(|| RootOfTime, &[1.0], &[0.01, 1.0, 4.0], &exact, [1e-5, 1e-7, 1e-8], "root of time");
}

#[test]
fn declared_discontinuities_keep_the_order_of_the_method() {
    // A force that is switched on at 1 and off at 2.5: y = 0, then t - 1, then 1.5.
    let switched = || {
        field(2, |t: f64, y: &[f64], dy: &mut [f64]| {
            dy[0] = if (1.0..2.5).contains(&t) { 1.0 } else { 0.0 };
            dy[1] = y[0];
        })
    };
    let discontinuities = vec![-3.0, 1.0, 2.5, 9.0];
    let run = |span: (f64, f64), y0: [f64; 2], discontinuities: &[f64]| {
        let options = Options { discontinuities: discontinuities.to_vec(), ..Options::tolerances(1e-9, 1e-9) };
        solve_explicit(
            &switched(),
            span,
            &y0,
            &TSIT5,
            &options,
            Save::At(&[span.0, 1.0_f64.max(span.0.min(2.5)), span.1]),
        )
        .unwrap()
    };
    let with = run((0.0, 4.0), [0.0, 0.0], &discontinuities);
    let exact = [1.5, 1.125 + 1.5 * 1.5];
    for (y, exact) in with.last().iter().zip(exact) {
        assert!((y - exact).abs() < 1e-13, "{y} for {exact}");
    }
    let without = run((0.0, 4.0), [0.0, 0.0], &[]);
    assert!(with.stats.steps + with.stats.rejected < (without.stats.steps + without.stats.rejected) / 2);
    // Backwards the same, to the start.
    let back = run((4.0, 0.0), exact, &discontinuities);
    assert!(back.last().iter().all(|y| y.abs() < 1e-13), "{:?}", back.last());
}
