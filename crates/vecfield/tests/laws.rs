//! The parts work together through the names of the facade alone.

use proptest::prelude::*;
use vecfield::prelude::*;
use vecfield::solvers::{solve_explicit, tableau::DOP853};

proptest! {
    /// From a text to a number: `y' = a y + b` has `y = (y₀ + b/a) exp(a t) - b/a`, and duals through the solve have its slope by `a`.
    #[test]
    fn a_problem_as_text_has_its_closed_form(a in -2.0..-0.1_f64, b in -2.0..2.0_f64, y0 in -3.0..3.0_f64, t in 0.1..3.0_f64) {
        let text = format!("[parameters]\na = {a:?}\nb = {b:?}\n[initial]\ny = {y0:?}\n[equations]\ny = \"a*y + b\"\n");
        let system = System::new(&Problem::parse("linear.toml", &text).unwrap()).unwrap();
        let theta = [Dual::<f64, 2>::variable(a, 0), Dual::variable(b, 1)];
        let field = system.field().at(theta.to_vec());
        let options = Options::tolerances(1e-11, 1e-12);
        let y = solve_explicit(&field, (0.0, t), &system.initial(&theta), &DOP853, &options, Save::End).unwrap().last()[0];

        let (growth, rest) = ((a * t).exp(), b / a);
        let exact = (y0 + rest) * growth - rest;
        let by_a = (y0 + rest) * growth * t - rest / a * (growth - 1.0);
        let by_b = (growth - 1.0) / a;
        // Global error: some ten steps of 1e-11 each, relative to numbers of size 30 at most.
        prop_assert!((y.value - exact).abs() < 1e-8, "{} against {exact}", y.value);
        prop_assert!((y.tangent[0] - by_a).abs() < 1e-6, "{} against {by_a}", y.tangent[0]);
        prop_assert!((y.tangent[1] - by_b).abs() < 1e-6, "{} against {by_b}", y.tangent[1]);
    }
}
