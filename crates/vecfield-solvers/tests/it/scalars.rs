//! Explicit methods over duals take the steps they take over floats.

use proptest::prelude::*;
use vecfield_autodiff::Dual;
use vecfield_solvers::tableau::ALL;
use vecfield_solvers::{Integrator, Options, VectorField};
use vecfield_traits::Elementary;

/// A pendulum with a driven pivot.
struct Pendulum;

impl<S: Elementary> VectorField<S> for Pendulum {
    type Workspace = ();
    fn workspace(&self) {}
    fn dim(&self) -> usize {
        2
    }
    fn eval(&self, t: S, y: &[S], dy: &mut [S], _work: &mut ()) {
        dy[0] = y[1];
        dy[1] = -(y[0].sin() * (S::one() + t.cos().scale(S::constant(0.3).value())));
    }
}

type Two = Dual<f64, 2>;

fn options(fixed: bool) -> Options<f64> {
    if fixed { Options::fixed(0.02) } else { Options::tolerances(1e-7, 1e-9) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_value_of_a_dual_is_the_float_bit_for_bit(y in prop::array::uniform2(-2.0..2.0_f64)) {
        let times = [0.3, 1.0, 2.7];
        for tableau in ALL {
            let options = options(!tableau.adaptive());
            let mut plain = [0.0; 6];
            let floats = Integrator::explicit(tableau, 2, &options).unwrap()
                .sample(&Pendulum, 0.0, &y, &times, &mut plain).unwrap();
            let mut dual = [Two::constant(0.0); 6];
            let y0 = [Two::variable(y[0], 0), Two::variable(y[1], 1)];
            let duals = Integrator::explicit(tableau, 2, &options).unwrap()
                .sample(&Pendulum, 0.0, &y0, &times, &mut dual).unwrap();
            prop_assert_eq!(floats, duals, "{}", tableau.name);
            for (x, d) in plain.iter().zip(&dual) {
                prop_assert_eq!(x.to_bits(), d.value.to_bits(), "{}", tableau.name);
            }
        }
    }

    /// The tangents are the derivatives of the solution, steps held: central differences of fixed steps agree.
    #[test]
    fn tangents_are_derivatives(y in prop::array::uniform2(-2.0..2.0_f64)) {
        for tableau in ALL {
            let options = options(true);
            let end = |y: [f64; 2]| {
                let mut out = [0.0; 2];
                let mut integrator = Integrator::explicit(tableau, 2, &options).unwrap();
                integrator.sample(&Pendulum, 0.0, &y, &[2.0], &mut out).unwrap();
                out
            };
            let mut dual = [Two::constant(0.0); 2];
            let y0 = [Two::variable(y[0], 0), Two::variable(y[1], 1)];
            let mut integrator = Integrator::explicit(tableau, 2, &options).unwrap();
            integrator.sample(&Pendulum, 0.0, &y0, &[2.0], &mut dual).unwrap();
            let eps = 1e-5;
            for j in 0..2 {
                let moved = |sign: f64| { let mut y = y; y[j] += sign * eps; end(y) };
                let (up, down) = (moved(1.0), moved(-1.0));
                for i in 0..2 {
                    let difference = (up[i] - down[i]) / (2.0 * eps);
                    // Truncation is ε²·y‴ ≈ 1e-9, rounding 1e-16/ε = 1e-11.
                    prop_assert!((dual[i].tangent[j] - difference).abs() < 1e-7, "{}", tableau.name);
                }
            }
        }
    }
}

#[test]
fn single_precision_solves_too() {
    for tableau in ALL.iter().filter(|tableau| tableau.adaptive()) {
        let mut out = [0.0_f32; 2];
        let mut integrator = Integrator::explicit(tableau, 2, &Options::tolerances(1e-4_f32, 1e-5)).unwrap();
        integrator.sample(&Pendulum, 0.0, &[1.0, 0.0], &[3.0], &mut out).unwrap();
        let mut exact = [0.0_f64; 2];
        let mut integrator = Integrator::explicit(tableau, 2, &Options::tolerances(1e-10, 1e-10)).unwrap();
        let loose = if tableau.order < 3 { 1e-2 } else { 2e-3 };
        if tableau.order >= 3 {
            integrator.sample(&Pendulum, 0.0, &[1.0, 0.0], &[3.0], &mut exact).unwrap();
            assert!((f64::from(out[0]) - exact[0]).abs() < loose, "{}: {out:?}, not {exact:?}", tableau.name);
        }
    }
}
