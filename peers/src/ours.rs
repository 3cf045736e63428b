//! Our solvers on a problem, as a user of the library calls them.

use vecfield_autodiff::Lifted;
use vecfield_solvers::{Integrator, Method, Options};

use crate::problems::Case;
use crate::run::{Point, TOLERANCES, point};

/// Methods beside `auto`, for problems that are not stiff and for those that are.
const EXPLICIT: &[&str] = &["tsit5", "verner7", "dop853", "verner9"];
const STIFF: &[&str] = &["rodas5p", "radau5", "bdf", "kc4"];

pub fn run<C: Case>(reference: &[f64], points: &mut Vec<Point>) {
    let own = if C::STIFF { STIFF } else { EXPLICIT };
    for name in ["auto"].iter().chain(own) {
        let method = Method::named(name).expect("a method of ours");
        // Beyond the peers' at both ends, so that equal errors can be compared at their loosest and finest.
        for rtol in [1e-2, 1e-3].into_iter().chain(TOLERANCES).chain([1e-12]) {
            let solve = || {
                let field = field::<C>();
                let options = Options::tolerances(rtol, rtol * C::SCALE);
                let mut integrator = Integrator::new(method, C::N, &options).map_err(|e| e.to_string())?;
                let mut out = vec![0.0; C::N];
                integrator.sample(&field, 0.0, &C::start(), &[C::END], &mut out).map_err(|e| e.to_string())?;
                Ok(out)
            };
            points.push(point::<C>("vecfield", name, rtol, reference, solve));
        }
    }
}

/// The formula with its Jacobian; from a dozen variables on only the entries that can differ from zero, as for problem files.
fn field<C: Case>() -> Lifted<C, f64> {
    if C::N > 12 {
        Lifted::sparse(C::default(), Vec::new(), 0.0, &C::start())
    } else {
        Lifted::new(C::default(), Vec::new())
    }
}
