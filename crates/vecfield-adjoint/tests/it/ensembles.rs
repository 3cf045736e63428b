//! Sums over thousands of runs: the gradients of their closed forms, and the same bits however the runs are shared out.

use core::ops::ControlFlow;

use vecfield_adjoint::{AdjointError, Budget, Cotangents, Discrete, Share, Total, total};
use vecfield_autodiff::Lifted;
use vecfield_solvers::{Options, SolveError, tableau::DOP853};

use crate::crossings::{Ball, bounce};

const GRAVITY: f64 = 9.81;
const RESTITUTION: f64 = 0.8;

/// The height a ball falls from, how often it bounces, and when it is looked at: in the middle of the flight after that.
fn ball(i: usize) -> (f64, u32, f64) {
    let (height, bounces) = (1.0 + 0.002 * i as f64, (i % 31) as u32);
    (height, bounces, 0.5 * (landing(height, bounces) + landing(height, bounces + 1)))
}

/// The time of landing `k`, from one; zero is the beginning.
fn landing(height: f64, k: u32) -> f64 {
    let fall = (2.0 * height / GRAVITY).sqrt();
    let flights: f64 = (1..k).map(|i| 2.0 * RESTITUTION.powi(i as i32)).sum();
    if k == 0 { 0.0 } else { fall * (1.0 + flights) }
}

/// The height at the end, and its derivatives by `g`, `e` and the first height.
fn closed_form(height: f64, k: u32, end: f64) -> (f64, [f64; 3]) {
    if k == 0 {
        return (height - 0.5 * GRAVITY * end * end, [-0.5 * end * end, 0.0, 1.0]);
    }
    let (t, fall) = (landing(height, k), (2.0 * height / GRAVITY).sqrt());
    let by_e: f64 = (1..k).map(|i| 2.0 * f64::from(i) * RESTITUTION.powi(i as i32 - 1)).sum();
    let by_t = [-t / (2.0 * GRAVITY), fall * by_e, t / (2.0 * height)];
    let (v, since) = ((2.0 * GRAVITY * height).sqrt() * RESTITUTION.powi(k as i32), end - t);
    let by_v = [v / (2.0 * GRAVITY), f64::from(k) * v / RESTITUTION, v / (2.0 * height)];
    let mut by: [f64; 3] = core::array::from_fn(|i| by_v[i] * since - (v - GRAVITY * since) * by_t[i]);
    by[0] -= 0.5 * since * since;
    (v * since - 0.5 * GRAVITY * since * since, by)
}

/// The sum of the heights of so many balls at their ends.
fn heights(count: usize, share: Share, end: impl Fn(usize) -> f64 + Sync) -> Result<Total<f64>, AdjointError> {
    let adjoint = Discrete::explicit(&DOP853, 2, &Options::tolerances(1e-12, 1e-12), Budget::everything())?;
    Ok(total(
        count,
        share,
        || (adjoint.clone(), Lifted::new(Ball, vec![GRAVITY, RESTITUTION])),
        |(adjoint, field), i| {
            let (mut events, mut go_on) = ([bounce()], |_: f64| ControlFlow::Continue(()));
            let span = (0.0, end(i));
            let solution = adjoint.solve_with_events(field, span, &[ball(i).0, 0.0], &[], &mut events, &mut go_on)?;
            let bars = Cotangents::end(&[1.0, 0.0]);
            Ok((solution.last()[0], adjoint.pull_back_with_events(field, &bars, &mut events, &mut go_on)?))
        },
    ))
}

#[test]
fn a_thousand_balls_of_up_to_thirty_bounces() -> Result<(), AdjointError> {
    let found = heights(1000, Share { threads: 2, batch: 64 }, |i| ball(i).2)?.complete()?;
    let (mut value, mut by) = (0.0, [0.0; 2]);
    for i in 0..1000 {
        let (height, bounces, end) = ball(i);
        let (last, slopes) = closed_form(height, bounces, end);
        value += last;
        (by[0], by[1]) = (by[0] + slopes[0], by[1] + slopes[1]);
        let slope = found.initial[i][0];
        assert!(
            (slope - slopes[2]).abs() <= 1e-8 * slopes[2].abs().max(1.0),
            "{i}: {slope}, closed form {}",
            slopes[2]
        );
    }
    assert!((found.value - value).abs() < 1e-7);
    for (found, wanted) in found.parameters.iter().zip(by) {
        assert!((found - wanted).abs() <= 1e-8 * wanted.abs(), "{found}, closed form {wanted}");
    }
    Ok(())
}

#[test]
fn shares_change_no_bit() -> Result<(), AdjointError> {
    let alone = heights(150, Share { threads: 1, batch: 1 }, |i| ball(i).2)?;
    for (threads, batch) in [(1, 64), (2, 1), (2, 7), (2, 64), (3, 7)] {
        assert_eq!(
            heights(150, Share { threads, batch }, |i| ball(i).2)?,
            alone,
            "{threads} threads, {batch} at a time"
        );
    }
    Ok(())
}

/// A ball is at rest after infinitely many bounces: the runs that go on past that time say so, and the others have their sum.
#[test]
fn an_accumulation_point_is_reported() -> Result<(), AdjointError> {
    let rest = |i: usize| (2.0 * ball(i).0 / GRAVITY).sqrt() * (1.0 + 2.0 * RESTITUTION / (1.0 - RESTITUTION));
    let found = heights(6, Share { threads: 2, batch: 1 }, |i| if i == 4 { 2.0 * rest(4) } else { ball(i).2 })?;
    let [(4, AdjointError::Solve(SolveError::Chattering { event: 0, t, .. }))] = found.failed[..] else {
        panic!("{:?}", found.failed)
    };
    assert!((t - rest(4)).abs() < 1e-6 * t, "{t}, at rest at {}", rest(4));
    assert!(found.initial[4].is_empty() && found.initial[5].len() == 2);
    assert!(found.complete().is_err());
    Ok(())
}
