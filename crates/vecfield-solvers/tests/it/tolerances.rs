//! Tolerances mean the same for every method: the error of a solve falls with the tolerance, and is not far above it.
//!
//! On a linear and on a non-linear field, for an estimate may be blind on one of them: the embedded weights published with
//! ROS3P give nought on every linear one.

use vecfield_autodiff::Lifted;
use vecfield_solvers::{Dynamics, Method, Options, Save, solve};
use vecfield_traits::Elementary;

/// A decaying rotation, `e^{-t/10} (cos t, sin t)`.
struct Spiral;

impl Dynamics for Spiral {
    fn dim(&self) -> usize {
        2
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        let decay = S::constant(-0.1);
        (dy[0], dy[1]) = (decay * y[0] - y[1], y[0] + decay * y[1]);
    }
}

/// A rotation as fast as the radius is long, `(cos t, sin t)` on the unit circle, and a logistic growth beside it.
struct Whirl;

impl Dynamics for Whirl {
    fn dim(&self) -> usize {
        3
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        let speed = y[0] * y[0] + y[1] * y[1];
        (dy[0], dy[1]) = (-(speed * y[1]), speed * y[0]);
        dy[2] = y[2] * (S::one() - y[2]);
    }
}

const END: f64 = 8.0;

fn error<D: Dynamics>(dynamics: D, y0: &[f64], exact: &[f64], method: Method, rtol: f64) -> f64 {
    let (field, options) = (Lifted::new(dynamics, vec![]), Options::tolerances(rtol, rtol));
    let solution = solve(&field, (0.0, END), y0, method, &options, Save::End)
        .unwrap_or_else(|stopped| panic!("{} at {rtol:e}: {stopped}", method.name()));
    solution.last().iter().zip(exact).map(|(y, exact)| (y - exact).abs()).fold(0.0, f64::max)
}

#[test]
fn errors_fall_with_the_tolerance_on_linear_and_on_other_fields() {
    let decayed = (-0.1 * END).exp();
    let spiral = [decayed * END.cos(), decayed * END.sin()];
    let whirl = [END.cos(), END.sin(), 1.0 / (1.0 + 9.0 * (-END).exp())];
    let mut broken = Vec::new();
    for method in Method::all().filter(|method| !method.fixed_step()) {
        // Orders one and two would take steps without number.
        let finest = match method.order().1 {
            1 => 4,
            2 => 6,
            _ => 9,
        };
        let fields: [(&str, &dyn Fn(f64) -> f64); 2] = [
            ("linear", &|rtol| error(Spiral, &[1.0, 0.0], &spiral, method, rtol)),
            ("non-linear", &|rtol| error(Whirl, &[1.0, 0.0, 0.1], &whirl, method, rtol)),
        ];
        for (kind, error) in fields {
            let tolerances = (3..=finest).map(|exponent| 10.0_f64.powi(-exponent));
            let errors: Vec<(f64, f64)> = tolerances.map(|rtol| (rtol, error(rtol))).collect();
            let near = errors.iter().all(|(rtol, error)| *error < 1000.0 * rtol);
            // Per decade of the tolerance about half a decade of the error (order one) or more, unless it is small anyway; errors
            // that happen to cancel are no measure for the next.
            let fallen = |before: &[(f64, f64)], rtol: f64| {
                let ahead = before.iter().map(|(coarse, error)| error * (rtol / coarse).powf(0.4));
                2.0 * ahead.fold(5.0 * rtol, f64::max)
            };
            let falls = (1..errors.len()).all(|k| errors[k].1 < fallen(&errors[..k], errors[k].0));
            if !(near && falls) {
                broken.push(format!("{}, {kind}: {errors:?}", method.name()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
