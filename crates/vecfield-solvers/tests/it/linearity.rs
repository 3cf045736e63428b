//! What every one-step method owes to linear algebra: steps commute with linear changes of variables and with permutations,
//! and implicit methods damp, or at least do not magnify, what decays.

use proptest::prelude::*;
use vecfield_autodiff::Lifted;
use vecfield_solvers::{Dynamics, Kind, Method, Options, Save, Stiffness, solve};
use vecfield_traits::Elementary;

use crate::methods;

/// `z = T y` for a non-linear field of `y`: `T` is the parameter, `[3, 3]` and then its inverse.
struct Transformed;

impl Dynamics for Transformed {
    fn dim(&self) -> usize {
        3
    }
    fn parameter_count(&self) -> usize {
        18
    }
    fn eval<S: Elementary>(&self, t: S, z: &[S], theta: &[S], dz: &mut [S]) {
        let (forth, back) = theta.split_at(9);
        let row = |matrix: &[S], x: [S; 3], i: usize| {
            matrix[3 * i] * x[0] + matrix[3 * i + 1] * x[1] + matrix[3 * i + 2] * x[2]
        };
        let y: [S; 3] = core::array::from_fn(|i| row(back, [z[0], z[1], z[2]], i));
        let rate = [y[1] - y[0] * y[2], t.cos() - y[0], y[0] * y[1] - y[2]];
        for (i, dz) in dz.iter_mut().enumerate() {
            *dz = row(forth, rate, i);
        }
    }
}

const IDENTITY: [f64; 9] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];

fn transformed(matrix: &[f64; 9], y: [f64; 3]) -> [f64; 3] {
    core::array::from_fn(|i| (0..3).map(|j| matrix[3 * i + j] * y[j]).sum())
}

fn end(method: Method, options: &Options<f64>, forth: [f64; 9], back: [f64; 9], y: [f64; 3]) -> [f64; 3] {
    let field = Lifted::new(Transformed, [forth, back].concat());
    let solution = solve(&field, (0.0, 1.0), &transformed(&forth, y), method, options, Save::End)
        .unwrap_or_else(|stopped| panic!("{}: {stopped}", method.name()));
    [solution.last()[0], solution.last()[1], solution.last()[2]]
}

fn near(a: [f64; 3], b: [f64; 3], bar: f64) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() < bar * (1.0 + b.abs()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// One solves for `T y` and transforms, or transforms and solves: the same, at fixed steps to rounding.
    #[test]
    fn steps_commute_with_linear_changes_of_variables(
        y in prop::array::uniform3(-1.0..1.0_f64), [a, b, c] in prop::array::uniform3(-2.0..2.0_f64),
    ) {
        let forth = [1.0, 0.0, 0.0, a, 1.0, 0.0, b, c, 1.0];
        let back = [1.0, 0.0, 0.0, -a, 1.0, 0.0, a * c - b, -c, 1.0];
        // Multistep methods choose their order by a norm, in which variables are not alike.
        for method in methods().filter(|method| method.kind() != Kind::Multistep) {
            let options = Options::fixed(0.05);
            let plain = end(method, &options, IDENTITY, IDENTITY, y);
            let other = end(method, &options, forth, back, y);
            // Iterations at fixed steps end at rounding, in the norm of the tolerance.
            prop_assert!(near(other, transformed(&forth, plain), 1e-10), "{}: {:?}, {:?}", method.name(), plain, other);
        }
    }

    /// The same with a permutation where steps are chosen: the norm does not know the order of the components.
    #[test]
    fn no_method_knows_the_order_of_the_components(y in prop::array::uniform3(-1.0..1.0_f64)) {
        let forth = [0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0];
        let back = [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
        for method in methods().filter(|method| !method.fixed_step()) {
            let options = Options::tolerances(1e-5, 1e-7);
            let plain = end(method, &options, IDENTITY, IDENTITY, y);
            let other = end(method, &options, forth, back, y);
            // Sums in another order are rounded otherwise, and steps differ in the last digits; where that decides over one
            // iteration more or a step less, by errors like those allowed.
            let bar = if method.kind() == Kind::Explicit { 1e-9 } else { 1e-4 };
            prop_assert!(near(other, transformed(&forth, plain), bar), "{}: {:?}, {:?}", method.name(), plain, other);
        }
    }
}

/// `dz/dt = λ z`, with `λ` the parameters.
struct Mode;

impl Dynamics for Mode {
    fn dim(&self) -> usize {
        2
    }
    fn parameter_count(&self) -> usize {
        2
    }
    fn eval<S: Elementary>(&self, _t: S, z: &[S], lambda: &[S], dz: &mut [S]) {
        dz[0] = lambda[0] * z[0] - lambda[1] * z[1];
        dz[1] = lambda[1] * z[0] + lambda[0] * z[1];
    }
}

/// `|R(λ)|`, by one step of one.
fn growth(method: Method, lambda: [f64; 2]) -> f64 {
    let field = Lifted::new(Mode, lambda.to_vec());
    let solution = solve(&field, (0.0, 1.0), &[1.0, 0.0], method, &Options::fixed(1.0), Save::End)
        .unwrap_or_else(|stopped| panic!("{} at {lambda:?}: {stopped}", method.name()));
    solution.last()[0].hypot(solution.last()[1])
}

#[test]
fn stiff_one_step_methods_are_a_stable_and_damp_what_is_stiff() {
    let explicit = |method: &Method| method.stiff() == Stiffness::No && !matches!(method, Method::Gauss(_));
    let one_step = Method::all().filter(|method| method.kind() == Kind::Implicit && !explicit(method));
    // `auto` begins with an explicit step.
    for method in one_step.filter(|method| *method != Method::Auto) {
        let name = method.name();
        for exponent in -8..=24 {
            let y = 10.0_f64.powf(f64::from(exponent) / 4.0);
            let found = growth(method, [0.0, y]);
            assert!(found < 1.0 + 1e-9, "{name} magnifies {y:e}i to {found}");
        }
        let far = growth(method, [-1e8, 0.0]);
        match name {
            // |R(∞)| is one for Gauss, and √3 - 1 for ROS3P.
            "gauss2" | "gauss4" | "gauss6" => assert!((far - 1.0).abs() < 1e-6, "{name}: {far}"),
            "ros3p" => assert!((far - (3.0_f64.sqrt() - 1.0)).abs() < 1e-6, "{name}: {far}"),
            _ => assert!(far < 1e-6, "{name} keeps {far} of what is stiff"),
        }
    }
}
