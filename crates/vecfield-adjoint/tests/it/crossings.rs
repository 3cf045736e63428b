//! Times of events and states through jumps have the gradients of their closed forms.

use core::ops::ControlFlow;

use vecfield_adjoint::{AdjointError, Budget, Cotangents, Crossing, Discrete};
use vecfield_autodiff::Lifted;
use vecfield_solvers::{Method, Options, tableau::DOP853};
use vecfield_traits::{Dynamics, Elementary};

/// A ball under gravity `g` with restitution `e`: parameters `[g, e]`, state `[height, velocity]`.
pub(crate) struct Ball;

impl Dynamics for Ball {
    fn dim(&self) -> usize {
        2
    }
    fn parameter_count(&self) -> usize {
        2
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], theta: &[S], dy: &mut [S]) {
        (dy[0], dy[1]) = (y[1], -theta[0]);
    }
}

pub(crate) fn bounce<'a>() -> Crossing<'a, f64> {
    Crossing::falling(|_t, y, _theta, out| out[0] = y[0])
        .jump(|_t, y, theta, out| (out[0], out[1]) = (y[0], -theta[1] * y[1]))
}

const GRAVITY: f64 = 9.81;
const RESTITUTION: f64 = 0.8;
const HEIGHT: f64 = 2.0;

/// The time of bounce `k`, from one, and its derivatives by `g`, `e` and the first height.
///
/// The first fall lasts `τ = √(2h/g)`, and each flight after it `2τe^k`.
fn time_of(k: u32) -> (f64, [f64; 3]) {
    let fall = (2.0 * HEIGHT / GRAVITY).sqrt();
    let flights = 1.0 + (1..k).map(|i| 2.0 * RESTITUTION.powi(i as i32)).sum::<f64>();
    let by_e = (1..k).map(|i| 2.0 * f64::from(i) * RESTITUTION.powi(i as i32 - 1)).sum::<f64>();
    let t = fall * flights;
    (t, [-t / (2.0 * GRAVITY), fall * by_e, t / (2.0 * HEIGHT)])
}

/// `h(T)` for a time after bounce `k`, and its derivatives: with `v = g τ e^k` the speed after it,
/// `h = v (T - t_k) - g (T - t_k)²/2`.
fn height_after(k: u32, end: f64) -> (f64, [f64; 3]) {
    let (t, by) = time_of(k);
    let (v, since) = ((2.0 * GRAVITY * HEIGHT).sqrt() * RESTITUTION.powi(k as i32), end - t);
    let by_v = [v / (2.0 * GRAVITY), f64::from(k) * v / RESTITUTION, v / (2.0 * HEIGHT)];
    let slope = |i: usize| by_v[i] * since - (v - GRAVITY * since) * by[i];
    let by_g = slope(0) - 0.5 * since * since;
    (v * since - 0.5 * GRAVITY * since * since, [by_g, slope(1), slope(2)])
}

#[test]
fn ten_bounces_have_the_gradients_of_their_closed_form() -> Result<(), AdjointError> {
    let end = 0.5 * (time_of(10).0 + time_of(11).0);
    for budget in [Budget::everything(), Budget::slots(2)] {
        let mut field = Lifted::new(Ball, vec![GRAVITY, RESTITUTION]);
        let mut adjoint = Discrete::explicit(&DOP853, 2, &Options::tolerances(1e-12, 1e-12), budget)?;
        let mut events = [bounce()];
        let mut go_on = |_: f64| ControlFlow::Continue(());
        let solution =
            adjoint.solve_with_events(&mut field, (0.0, end), &[HEIGHT, 0.0], &[], &mut events, &mut go_on)?;
        assert_eq!(solution.events.len(), 10);
        let mut check = |cotangents: &Cotangents<'_, f64>, wanted: [f64; 3]| -> Result<(), AdjointError> {
            let found = adjoint.pull_back_with_events(&mut field, cotangents, &mut events, &mut go_on)?;
            for (found, wanted) in [found.parameters[0], found.parameters[1], found.initial[0]].iter().zip(wanted) {
                assert!((found - wanted).abs() <= 1e-8 * wanted.abs().max(1.0), "{found}, closed form {wanted}");
            }
            Ok(())
        };
        for k in 1..=10_u32 {
            let (t, by) = time_of(k);
            assert!((solution.events[k as usize - 1].t - t).abs() < 1e-10);
            let mut times = [0.0; 10];
            times[k as usize - 1] = 1.0;
            check(&Cotangents { event_times: &times, ..Cotangents::default() }, by)?;
        }
        let (height, by) = height_after(10, end);
        assert!((solution.last()[0] - height).abs() < 1e-10);
        check(&Cotangents::end(&[1.0, 0.0]), by)?;
    }
    Ok(())
}

/// The time of the tenth landing as the end of the solve, and the state there, by the stiff method.
#[test]
fn the_end_moves_with_the_event_that_makes_it() -> Result<(), AdjointError> {
    let mut field = Lifted::new(Ball, vec![GRAVITY, RESTITUTION]);
    let mut adjoint = Discrete::new(Method::Radau5, 2, &Options::tolerances(1e-10, 1e-10), Budget::everything())?;
    let mut events = [bounce().stop_after(4)];
    let mut go_on = |_: f64| ControlFlow::Continue(());
    let solution = adjoint.solve_with_events(&mut field, (0.0, 99.0), &[HEIGHT, 0.0], &[], &mut events, &mut go_on)?;
    let (t, by) = time_of(4);
    assert!((solution.events[3].t - t).abs() < 1e-9);
    let time = Cotangents { end_time: 1.0, ..Cotangents::default() };
    let found = adjoint.pull_back_with_events(&mut field, &time, &mut events, &mut go_on)?;
    for (found, wanted) in [found.parameters[0], found.parameters[1], found.initial[0]].iter().zip(by) {
        assert!((found - wanted).abs() < 1e-8, "{found}, closed form {wanted}");
    }
    // The height there is zero whatever the parameters, and the energy there is known: v² = 2 g h e⁶.
    let found = adjoint.pull_back_with_events(&mut field, &Cotangents::end(&[1.0, 0.0]), &mut events, &mut go_on)?;
    assert!(found.parameters.iter().chain(&found.initial).all(|slope| slope.abs() < 1e-8));
    let v = solution.last()[1];
    let found = adjoint.pull_back_with_events(&mut field, &Cotangents::end(&[0.0, 1.0]), &mut events, &mut go_on)?;
    let wanted = [v / (2.0 * GRAVITY), 3.0 * v / RESTITUTION, v / (2.0 * HEIGHT)];
    for (found, wanted) in [found.parameters[0], found.parameters[1], found.initial[0]].iter().zip(wanted) {
        assert!((found - wanted).abs() < 1e-8, "{found}, closed form {wanted}");
    }
    Ok(())
}
