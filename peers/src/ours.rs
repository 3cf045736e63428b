//! Our solvers on a problem, as a user of the library calls them.

use vecfield_autodiff::Lifted;
use vecfield_solvers::{Integrator, Method, Options};

use crate::problems::Case;
use crate::run::{Point, TOLERANCES, point};

/// Methods beside `auto`, for problems that are not stiff and for those that are.
const EXPLICIT: &[&str] = &["tsit5", "verner7", "dop853", "verner9"];
const STIFF: &[&str] = &["rodas5p", "radau5"];

pub fn run<C: Case>(reference: &[f64], points: &mut Vec<Point>) {
    let own = if C::STIFF { STIFF } else { EXPLICIT };
    for name in ["auto"].iter().chain(own) {
        let method = Method::named(name).expect("a method of ours");
        // One finer than the peers', so that equal errors can be compared at their finest.
        for rtol in TOLERANCES.into_iter().chain([1e-12]) {
            let field = Lifted::new(C::default(), Vec::<f64>::new());
            let solve = || {
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
