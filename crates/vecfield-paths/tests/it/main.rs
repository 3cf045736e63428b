//! Laws of paths and of their signatures.

mod paths;
mod refusals;
mod signatures;
mod streams;

use proptest::prelude::*;

/// Increasing times, and rows of `columns` values at each; about one cell in `gaps` is missing, none for zero.
fn rows(columns: usize, gaps: u32) -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    let row = (0.05..2.0_f64, prop::collection::vec((-3.0..3.0_f64, 0..gaps.max(1)), columns));
    prop::collection::vec(row, 2..12).prop_map(move |rows| {
        let times = rows.iter().scan(-1.0, |t, (step, _)| {
            *t += step;
            Some(*t)
        });
        let cell = |&(x, gap): &(f64, u32)| if gaps > 0 && gap == 0 { f64::NAN } else { x };
        (times.collect(), rows.iter().flat_map(|(_, cells)| cells.iter().map(cell)).collect())
    })
}
