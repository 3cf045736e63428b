//! One timed solve, and the problems in their order.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::problems::{self as p, Case, error};
use crate::{ours, theirs};

/// Relative tolerances of every method.
pub const TOLERANCES: [f64; 4] = [1e-4, 1e-6, 1e-8, 1e-10];

/// A short solve is repeated until this has passed, and its mean counts once.
const BLOCK: Duration = Duration::from_millis(2);
/// Blocks, of which the median counts.
const BLOCKS: usize = 5;

/// Time against error of one method at one tolerance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Point {
    pub case: String,
    pub library: String,
    pub method: String,
    pub rtol: f64,
    /// None where the solve failed.
    pub seconds: Option<f64>,
    pub error: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failed: Option<String>,
}

/// Solves once to look at the error, then times it.
pub fn point<C: Case>(
    library: &str,
    method: &str,
    rtol: f64,
    reference: &[f64],
    mut solve: impl FnMut() -> Result<Vec<f64>, String>,
) -> Point {
    let (seconds, error, failed) = match solve() {
        Ok(y) => (Some(median(&mut solve)), Some(error::<C>(&y, reference)), None),
        Err(why) => (None, None, Some(why)),
    };
    let point =
        Point { case: C::NAME.into(), library: library.into(), method: method.into(), rtol, seconds, error, failed };
    let shown = (seconds.unwrap_or(f64::NAN) * 1e3, error.unwrap_or(f64::NAN));
    eprintln!("{:<14} {library:<22} {method:<10} {rtol:.0e}  {:>9.3} ms  error {:.1e}", C::NAME, shown.0, shown.1);
    point
}

fn median(solve: &mut impl FnMut() -> Result<Vec<f64>, String>) -> f64 {
    let mut block = || {
        let clock = Instant::now();
        let mut solves = 0_u32;
        while solves == 0 || clock.elapsed() < BLOCK {
            std::hint::black_box(solve().is_ok());
            solves += 1;
        }
        clock.elapsed().as_secs_f64() / f64::from(solves)
    };
    let mut seconds: Vec<f64> = (0..BLOCKS).map(|_| block()).collect();
    seconds.sort_by(f64::total_cmp);
    seconds[BLOCKS / 2]
}

/// Runs every Rust solver on every problem whose name holds `only`.
pub fn all(only: &str) -> Vec<Point> {
    let mut points = Vec::new();
    let mut case = |name: &str, run: &dyn Fn(&mut Vec<Point>)| {
        if name.contains(only) {
            run(&mut points);
        }
    };
    macro_rules! both {
        ($case:ident, $theirs:expr) => {
            case(p::$case::NAME, &|points| {
                let reference = p::$case::reference();
                ours::run::<p::$case>(&reference, points);
                $theirs(&reference[..], points);
            });
        };
    }
    both!(Lorenz, theirs::not_stiff::<p::Lorenz, 3>);
    both!(LotkaVolterra, theirs::not_stiff::<p::LotkaVolterra, 2>);
    both!(Kepler, theirs::not_stiff::<p::Kepler, 4>);
    both!(Arenstorf, theirs::not_stiff::<p::Arenstorf, 4>);
    both!(Pleiades, theirs::not_stiff::<p::Pleiades, 28>);
    both!(Rober5, theirs::stiff::<p::Rober5, 3>);
    both!(Rober11, theirs::stiff::<p::Rober11, 3>);
    both!(Hires, theirs::stiff::<p::Hires, 8>);
    both!(Orego, theirs::stiff::<p::Orego, 3>);
    both!(Pollu, theirs::stiff::<p::Pollu, 20>);
    both!(Vdpol, theirs::stiff::<p::Vdpol, 2>);
    both!(Bruss, theirs::stiff_sparse::<p::Bruss>);
    points
}

/// The problems that are not stiff, with their ends, as JSON.
pub fn references() -> serde_json::Value {
    fn one<C: Case>() -> serde_json::Value {
        serde_json::json!({"case": C::NAME, "end": C::END, "start": C::start(), "reference": C::reference()})
    }
    serde_json::Value::Array(vec![
        one::<p::Lorenz>(),
        one::<p::LotkaVolterra>(),
        one::<p::Kepler>(),
        one::<p::Arenstorf>(),
        one::<p::Pleiades>(),
    ])
}
