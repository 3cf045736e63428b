//! What all rows of a batch share: the method and its tolerances.

use vecfield_traits::Real;

use crate::combine::{Rows, Term, for_blocks, sums};
use crate::controller::Law;
use crate::explicit::Estimate;
use crate::norm::Norm;
use crate::tableau::Tableau;
use crate::{Options, SolveError};

/// A method, ready for rows of a width.
#[derive(Debug, Clone)]
pub(super) struct Plan<R> {
    pub(super) tableau: &'static Tableau,
    pub(super) width: usize,
    pub(super) options: Options<R>,
    /// One row of weights a slot.
    pub(super) rows: Rows<R>,
    pub(super) times: Vec<R>,
    pub(super) error: Estimate<R>,
    pub(super) norm: Norm<R>,
    pub(super) law: Law<R>,
}

impl<R: Real> Plan<R> {
    pub(super) fn new(tableau: &'static Tableau, width: usize, options: &Options<R>) -> Result<Self, SolveError> {
        options.validate(width)?;
        if !tableau.adaptive() && options.step.is_none() {
            return Err(SolveError::StepRequired { method: tableau.name });
        }
        if let Some(at) = options.discontinuities.first() {
            let expected = "left out: members of a batch have no common time; cut their spans there instead";
            return Err(SolveError::BadOption { option: "discontinuities", value: at.to_f64(), expected });
        }
        let slots = (0..tableau.slots()).map(|slot| tableau.slot(slot));
        Ok(Plan {
            tableau,
            width,
            options: options.clone(),
            rows: Rows::new(slots.clone().map(|(row, _)| row)),
            times: slots.map(|(_, time)| R::from_f64(time)).collect(),
            error: Estimate::new(tableau, options.step.is_some()),
            norm: Norm::new(options, width),
            law: Law::new(&options.controller, tableau.error_exponent()),
        })
    }

    /// Is the state at the end that of no stage, so that the field is evaluated there once more?
    pub(super) fn ends_apart(&self) -> bool {
        self.tableau.end_slot() == self.tableau.stages()
    }
}

/// [`combine`](crate::stepper::combine) for rows with a step each, `out = y + h Σ c_j k_j` with the same bits; `h` holds a row's
/// step once for each of its numbers, and `stages` is `[slots, rows, width]`.
pub fn combine_each<R: Real>(y: &[R], h: &[R], terms: &[Term<R>], stages: &[R], out: &mut [R]) {
    for_blocks!(y.len(), at, B => combine_each_block::<R, B>(y, h, terms, stages, out, at));
}

#[inline(always)]
fn combine_each_block<R: Real, const B: usize>(
    y: &[R],
    h: &[R],
    terms: &[Term<R>],
    stages: &[R],
    out: &mut [R],
    at: usize,
) {
    let sum: [R; B] = sums(y.len(), terms, stages, at, |k: R| k);
    let (y, h, out) = (&y[at..][..B], &h[at..][..B], &mut out[at..][..B]);
    for i in 0..B {
        out[i] = y[i] + sum[i] * h[i];
    }
}

/// The states at which a slot before the end is evaluated, from the rates of the slots before it: as
/// [`combine_each`], and with the bits of a solve's own stages.
pub fn stage_points<R: Real>(y: &[R], h: &[R], terms: &[Term<R>], stages: &[R], out: &mut [R]) {
    let Some((last, older)) = terms.split_last() else { return out.copy_from_slice(y) };
    for_blocks!(y.len(), at, B => {
        combine_each_block::<R, B>(y, h, older, stages, out, at);
        let latest = &stages[last.slot * y.len() + at..][..B];
        for ((out, h), latest) in out[at..][..B].iter_mut().zip(&h[at..][..B]).zip(latest) {
            *out += latest.scale(*h * last.weight);
        }
    });
}

/// `Σ c_j k_j`.
pub(super) fn weighted<R: Real>(terms: &[Term<R>], stages: &[R], out: &mut [R]) {
    let n = out.len();
    for_blocks!(n, at, B => {
        let sum: [R; B] = sums(n, terms, stages, at, |k: R| k);
        out[at..][..B].copy_from_slice(&sum);
    });
}
