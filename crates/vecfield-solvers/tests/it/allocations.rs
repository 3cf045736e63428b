//! Nothing is allocated between the first step and the last, by any family.

use vecfield_autodiff::{Dual, Lifted};
use vecfield_laws::allocates_nothing;
use vecfield_solvers::tableau::ALL;
use vecfield_solvers::{Dynamics, Integrator, Options, VectorField};
use vecfield_traits::Elementary;

use crate::methods;

/// Van der Pol's oscillator, stiff enough at `μ = 100` that the automatic method switches both ways.
struct VanDerPol;

impl Dynamics for VanDerPol {
    fn dim(&self) -> usize {
        2
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        dy[0] = y[1];
        dy[1] = ((S::one() - y[0] * y[0]) * y[1] - y[0]) * S::constant(100.0);
    }
}

const TIMES: [f64; 4] = [0.1, 0.7, 1.3, 2.0];

#[test]
fn every_method_solves_again_without_allocating() {
    let field = Lifted::new(VanDerPol, vec![]);
    let mut work = field.workspace();
    for method in methods() {
        let options = match method.fixed_step() {
            true => Options::fixed(1e-3),
            false => Options::tolerances(1e-6, 1e-8),
        };
        let mut integrator = Integrator::new(method, 2, &options).unwrap();
        let mut out = [0.0; 8];
        let mut again = || {
            integrator.sample_with(&field, &mut work, 0.0, &[2.0, 0.0], &TIMES, &mut out).unwrap();
        };
        again(); // the automatic method makes its implicit half at the first switch
        assert_eq!(allocates_nothing(again), Ok(()), "{}", method.name());
    }
}

#[test]
fn explicit_methods_over_duals_allocate_nothing() {
    struct OverDuals;
    impl VectorField<Dual<f64, 8>> for OverDuals {
        type Workspace = ();
        fn workspace(&self) {}
        fn dim(&self) -> usize {
            2
        }
        fn eval(&self, t: Dual<f64, 8>, y: &[Dual<f64, 8>], dy: &mut [Dual<f64, 8>], _work: &mut ()) {
            Dynamics::eval(&VanDerPol, t, y, &[], dy);
        }
    }
    for tableau in ALL {
        let mut integrator = Integrator::explicit(tableau, 2, &Options::fixed(1e-3)).unwrap();
        let y0 = [Dual::variable(2.0, 0), Dual::variable(0.0, 1)];
        let mut out = [Dual::constant(0.0); 8];
        let counted = allocates_nothing(|| {
            integrator.sample(&OverDuals, 0.0, &y0, &TIMES, &mut out).unwrap();
        });
        assert_eq!(counted, Ok(()), "{}", tableau.name);
    }
}
