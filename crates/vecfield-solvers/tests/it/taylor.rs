//! The Taylor method: to rounding, through kinks, and where it must refuse.

use proptest::prelude::*;
use vecfield_autodiff::{ByDifferences, Lifted};
use vecfield_laws::problems::Turning;
use vecfield_solvers::{
    Dynamics, Integrator, Interrupted, Method, Options, Save, Solution, SolveError, Taylor, VectorField, field, solve,
};
use vecfield_traits::{Elementary, Jacobian};

/// A formula of one line a rate.
macro_rules! formula {
    ($name:ident, $n:expr, |$t:ident, $y:ident, $dy:ident| $body:block) => {
        #[derive(Clone)]
        struct $name;
        impl Dynamics for $name {
            fn dim(&self) -> usize {
                $n
            }
            fn eval<S: Elementary>(&self, $t: S, $y: &[S], _theta: &[S], $dy: &mut [S]) $body
        }
    };
}

formula!(Lorenz, 3, |_t, y, dy| {
    dy[0] = S::constant(10.0) * (y[1] - y[0]);
    dy[1] = y[0] * (S::constant(28.0) - y[2]) - y[1];
    dy[2] = y[0] * y[1] - S::constant(8.0 / 3.0) * y[2];
});
formula!(Kepler, 4, |_t, y, dy| {
    let r2 = y[0] * y[0] + y[1] * y[1];
    let r3 = r2 * r2.sqrt();
    (dy[0], dy[1], dy[2], dy[3]) = (y[2], y[3], -(y[0] / r3), -(y[1] / r3));
});
formula!(SquareWave, 1, |t, y, dy| {
    dy[0] = (t * S::constant(std::f64::consts::PI)).sin().sign() - y[0];
});
formula!(BangBang, 2, |_t, y, dy| {
    (dy[0], dy[1]) = (y[1], -y[0].sign());
});
formula!(Bounce, 2, |_t, y, dy| {
    // Free fall onto a spring at 0: max(-x, 0) pushes back.
    (dy[0], dy[1]) = (y[1], (-y[0]).max(S::zero()) * S::constant(25.0) - S::one());
});
formula!(Slide, 1, |t, y, dy| {
    dy[0] = -y[0].sign() + S::constant(0.5) * t.cos();
});
formula!(Square, 1, |_t, y, dy| {
    dy[0] = y[0] * y[0];
});
formula!(Cubic, 1, |t, _y, dy| {
    dy[0] = S::constant(3.0) * t * t - S::one();
});
formula!(Quartic, 1, |t, y, dy| {
    dy[0] = S::constant(4.0) * t.powi(3) * y[0];
});

fn run<D: Dynamics>(
    dynamics: D,
    span: (f64, f64),
    y0: &[f64],
    rtol: f64,
    save: Save<'_, f64>,
) -> Result<Solution<f64>, Interrupted<f64>> {
    solve(&Lifted::new(dynamics, vec![]), span, y0, Method::Taylor, &Options::tolerances(rtol, rtol), save)
}

/// Position and velocity at `t` of the orbit of eccentricity `e` through its pericentre at 0.
fn orbit(e: f64, t: f64) -> [f64; 4] {
    let turn = t.rem_euclid(std::f64::consts::TAU);
    let mut anomaly = std::f64::consts::PI;
    for _ in 0..100 {
        anomaly -= (anomaly - e * anomaly.sin() - turn) / (1.0 - e * anomaly.cos());
    }
    let (sin, cos) = anomaly.sin_cos();
    let (b, r) = ((1.0 - e * e).sqrt(), 1.0 - e * cos);
    [cos - e, b * sin, -sin / r, b * cos / r]
}

#[test]
fn an_orbit_is_followed_to_rounding() {
    for e in [0.0_f64, 0.3, 0.6] {
        let y0 = [1.0 - e, 0.0, 0.0, ((1.0 + e) / (1.0 - e)).sqrt()];
        let times: Vec<f64> = (1..=40).map(|i| 0.5 * f64::from(i)).collect();
        let solution = run(Kepler, (0.0, 20.0), &y0, 1e-15, Save::At(&times)).unwrap();
        let energy = |y: &[f64]| 0.5 * (y[2] * y[2] + y[3] * y[3]) - 1.0 / y[0].hypot(y[1]);
        for (row, &t) in times.iter().enumerate() {
            let y = solution.state(row);
            let error = y.iter().zip(orbit(e, t)).map(|(y, exact)| (y - exact).abs()).fold(0.0, f64::max);
            // A hundred steps, each with a rounding that grows linearly along the orbit.
            assert!(error < 1e-13, "e = {e}, t = {t}: {error:e}");
            assert!((energy(y) - energy(&y0)).abs() < 4e-15, "e = {e}, t = {t}");
        }
    }
}

#[test]
fn chaos_is_followed_as_far_as_rounding_allows() {
    // Series of order 40 in 50 digits. Errors grow by about e^0.9 in a unit of time, and 1e3 more in the first turns.
    for (t, exact, bar) in [
        (10.0, [-4.902687541134648, -3.743872921802919, 24.69085810279056], 1e-12),
        (20.0, [13.79319959513038, 12.9518039361925, 34.90160868113681], 1e-7),
    ] {
        let solution = run(Lorenz, (0.0, t), &[1.0, 1.0, 1.0], 1e-15, Save::End).unwrap();
        let error = solution.last().iter().zip(exact).map(|(y, exact)| (y - exact).abs()).fold(0.0, f64::max);
        assert!(error < bar, "t = {t}: {error:e}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Errors follow the tolerance, at the steps' ends and inside them, forwards and backwards.
    #[test]
    fn errors_follow_the_tolerance(exponent in 4..16_i32, end in -12.0..12.0_f64) {
        prop_assume!(end.abs() > 1.0);
        let rtol = 10.0_f64.powi(-exponent);
        let times: Vec<f64> = (1..=50).map(|i| if i == 50 { end } else { end * f64::from(i) / 50.0 }).collect();
        let solution = run(Turning, (0.0, end), &[1.0, 0.0], rtol, Save::At(&times)).unwrap();
        for (row, &t) in times.iter().enumerate() {
            let error = Turning::error(t, solution.state(row));
            prop_assert!(error < 30.0 * rtol + 3e-15, "rtol {rtol:e}, t = {t}: {error:e}");
        }
    }

    /// Save times and bounds on the step change nothing but where the steps end.
    #[test]
    fn longest_steps_are_kept(longest in 0.05..1.0_f64) {
        let options = Options { max_step: Some(longest), ..Options::tolerances(1e-13, 1e-13) };
        let field = Lifted::new(Turning, vec![]);
        let solution = solve(&field, (0.0, 5.0), &[1.0, 0.0], Method::Taylor, &options, Save::Steps).unwrap();
        prop_assert!(solution.t.windows(2).all(|t| t[1] - t[0] <= longest * 1.0101));
        prop_assert!(Turning::error(5.0, solution.last()) < 1e-12);
    }
}

#[test]
fn jumps_in_time_are_stepped_over() {
    let exact = |t: f64| {
        let (mut y, mut start, mut wave) = (2.0, 0.0, 1.0);
        while start + 1.0 < t {
            y = wave + (y - wave) * (-1.0_f64).exp();
            (start, wave) = (start + 1.0, -wave);
        }
        wave + (y - wave) * (start - t).exp()
    };
    let times = [0.5, 1.5, 5.5, 9.5];
    let solution = run(SquareWave, (0.0, 9.75), &[2.0], 1e-13, Save::At(&times)).unwrap();
    for (row, &t) in times.iter().enumerate() {
        assert!((solution.state(row)[0] - exact(t)).abs() < 1e-11, "{t}: {} {}", solution.state(row)[0], exact(t));
    }
    assert!(solution.stats.steps < 100, "{:?}", solution.stats);
}

proptest! {
    /// The solve ends on a jump or just before or after one, where its last step would be stretched over it.
    #[test]
    fn a_jump_near_the_end_is_no_obstacle(exponent in 4.0..13.0_f64, periods in 1..12_u32, beyond in -0.03..0.03_f64, on in prop::bool::ANY) {
        let end = f64::from(periods) + if on { 0.0 } else { beyond };
        let solution = run(SquareWave, (0.0, end), &[2.0], 10.0_f64.powf(-exponent), Save::End).unwrap();
        prop_assert!(solution.stats.steps + solution.stats.rejected < 500, "{:?}", solution.stats);
    }
}

#[test]
fn jumps_and_kinks_in_the_state_are_stepped_over() {
    // Parabolic arcs: back at the start after 4√2, whatever happened between.
    let period = 4.0 * 2.0_f64.sqrt();
    let solution = run(BangBang, (0.0, 5.0 * period), &[1.0, 0.0], 1e-13, Save::End).unwrap();
    let y = solution.last();
    assert!((y[0] - 1.0).abs() < 1e-11 && y[1].abs() < 1e-11, "{y:?}");
    assert!(solution.stats.steps < 150, "{:?}", solution.stats);
    // A weight dropped on a spring comes back to its height: energy is kept through every contact.
    let solution = run(Bounce, (0.0, 30.0), &[1.0, 0.0], 1e-13, Save::Steps).unwrap();
    for row in 0..solution.t.len() {
        let y = solution.state(row);
        let energy = 0.5 * y[1] * y[1] + y[0] + 12.5 * y[0].min(0.0).powi(2);
        assert!((energy - 1.0).abs() < 1e-12, "t = {}: {energy}", solution.t[row]);
    }
}

/// A series without a word on where it ends.
struct Silent<F>(F);

impl<F: Jacobian<f64>> VectorField<f64> for Silent<F> {
    type Workspace = F::Workspace;
    fn workspace(&self) -> F::Workspace {
        self.0.workspace()
    }
    fn dim(&self) -> usize {
        self.0.dim()
    }
    fn eval(&self, t: f64, y: &[f64], dy: &mut [f64], work: &mut F::Workspace) {
        self.0.eval(t, y, dy, work);
    }
}

impl<F: Jacobian<f64>> Jacobian<f64> for Silent<F> {
    fn jacobian(&self, t: f64, y: &[f64], jac: &mut [f64], time: &mut [f64], work: &mut F::Workspace) {
        self.0.jacobian(t, y, jac, time, work);
    }
    fn taylor(&self, t: f64, y: &[f64], order: usize, c: &mut [f64], work: &mut F::Workspace) -> bool {
        self.0.taylor(t, y, order, c, work)
    }
}

#[test]
fn the_defect_finds_what_the_field_does_not_tell() {
    let period = 4.0 * 2.0_f64.sqrt();
    let silent = Silent(Lifted::new(BangBang, vec![]));
    let options = Options::tolerances(1e-9, 1e-9);
    let solution = solve(&silent, (0.0, period), &[1.0, 0.0], Method::Taylor, &options, Save::End).unwrap();
    assert!(solution.stats.rejected > 0);
    // The estimate is made for smooth solutions: of a jump it sees one part in p + 1.
    assert!((solution.last()[0] - 1.0).abs() < 1e-6, "{:?}", solution.last());
    // A lacunary series: at t = 0 the last two coefficients vanish and suggest any step.
    let solution = run(Quartic, (0.0, 1.5), &[1.0], 1e-12, Save::End).unwrap();
    let exact = 1.5_f64.powi(4).exp();
    assert!((solution.last()[0] / exact - 1.0).abs() < 1e-10, "{:?}", solution.last());
}

#[test]
fn sliding_along_a_jump_stops_with_its_place() {
    // From 1 the state falls to 0, where both sides push back.
    let stopped = run(Slide, (0.0, 6.0), &[0.4], 1e-10, Save::End).unwrap_err();
    assert!(matches!(stopped.error, SolveError::StepTooSmall { .. }), "{}", stopped.error);
    assert!(stopped.partial.last()[0].abs() < 1e-12, "{:?}", stopped.partial);
}

#[test]
fn a_blow_up_is_named_with_its_time() {
    let stopped = run(Square, (0.0, 2.0), &[1.0], 1e-12, Save::End).unwrap_err();
    assert!((stopped.error.time().unwrap() - 1.0).abs() < 1e-6, "{}", stopped.error);
    // In units in which every coefficient of order ten and above overflows.
    let stopped = run(Square, (0.0, 2e-30), &[1e30], 1e-12, Save::End).unwrap_err();
    assert!((stopped.error.time().unwrap() * 1e30 - 1.0).abs() < 1e-6, "{}", stopped.error);
}

#[test]
fn polynomials_take_few_steps() {
    let solution = run(Cubic, (0.0, 3.0), &[1.0], 1e-12, Save::End).unwrap();
    assert!((solution.last()[0] - 25.0).abs() < 1e-13);
    assert!(solution.stats.steps <= 2, "{:?}", solution.stats);
}

#[test]
fn fixed_steps_converge_at_the_order_of_the_tolerance() {
    let field = Lifted::new(Turning, vec![]);
    for rtol in [1e-5, 1e-8] {
        let expected = Taylor::new(2, &Options::tolerances(rtol, rtol)).unwrap().order() as f64;
        let error = |h: f64| {
            let options = Options { step: Some(h), ..Options::tolerances(rtol, rtol) };
            let solution = solve(&field, (0.0, 4.0), &[1.0, 0.0], Method::Taylor, &options, Save::End).unwrap();
            Turning::error(4.0, solution.last())
        };
        let observed = (error(1.0) / error(0.5)).log2();
        // One more where the first term left out happens to be small.
        assert!(observed > expected - 0.5 && observed < expected + 2.5, "{observed}, not {expected}, at {rtol}");
    }
}

#[test]
fn single_precision_reaches_its_rounding() {
    let field: Lifted<_, f32> = Lifted::new(Kepler, vec![]);
    let options = Options::tolerances(1e-6_f32, 1e-6);
    let solution = solve(&field, (0.0, 6.0), &[1.0, 0.0, 0.0, 1.0], Method::Taylor, &options, Save::End).unwrap();
    let exact = orbit(0.0, 6.0);
    assert!(solution.last().iter().zip(exact).all(|(y, exact)| (f64::from(*y) - exact).abs() < 1e-5));
}

#[test]
fn a_field_without_a_series_is_refused_with_a_remedy() {
    let opaque = ByDifferences::new(field(1, |_t, y: &[f64], dy: &mut [f64]| dy[0] = -y[0]));
    let mut integrator = Integrator::new(Method::Taylor, 1, &Options::default()).unwrap();
    let stopped = integrator.solve(&opaque, (0.0, 1.0), &[1.0], Save::End).unwrap_err();
    assert!(matches!(stopped.error, SolveError::NotOffered { method: "taylor", .. }));
    assert!(stopped.error.to_string().contains("verner9"), "{}", stopped.error);
}
