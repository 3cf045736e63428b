//! Orders of convergence: `error(h) = O(h^p)`, read off errors at halved steps.

use crate::broken::Broken;
use crate::problems::Turning;

/// The slope between the last two errors that are above `floor`, where rounding begins, and below 0.3, where the error is not yet
/// `O(h^p)`; each error belongs to half the step of the one before it.
///
/// # Errors
///
/// [`Broken::NoSlope`] where no two neighbours are between the two.
pub fn observed_order(errors: &[f64], floor: f64) -> Result<f64, Broken> {
    let can_tell = |pair: &&[f64]| pair[0] < 0.3 && pair[1] > floor;
    let mut slopes = errors.windows(2).filter(can_tell).map(|pair| (pair[0] / pair[1]).log2());
    slopes.next_back().ok_or_else(|| Broken::NoSlope { errors: errors.into(), floor })
}

/// Is the order of `errors` at halved steps the one claimed, neither lower nor higher?
///
/// # Errors
///
/// [`Broken::Order`], or [`Broken::NoSlope`] as from [`observed_order`].
pub fn order_is(claimed: f64, within: f64, errors: &[f64], floor: f64) -> Result<(), Broken> {
    let observed = observed_order(errors, floor)?;
    if (observed - claimed).abs() < within {
        return Ok(());
    }
    Err(Broken::Order { observed, claimed, within, errors: errors.into() })
}

/// Is the order of `errors` at halved steps the one claimed, or higher, as it may be on a problem that is kind to the method?
///
/// # Errors
///
/// As [`order_is`].
pub fn order_is_at_least(claimed: f64, within: f64, errors: &[f64], floor: f64) -> Result<(), Broken> {
    let observed = observed_order(errors, floor)?;
    if observed > claimed - within {
        return Ok(());
    }
    Err(Broken::Order { observed, claimed, within, errors: errors.into() })
}

/// Do the steps of a one-step method converge at order `p`? Solves [`Turning`] over `[0, 2]` with 1, 2, 4, .. 256 steps.
///
/// * `step(field, t, h, y)` replaces `y(t)`, `[2]`, by its approximation at `t + h`.
///
/// # Errors
///
/// [`Broken::Order`], or [`Broken::NoSlope`] where no error lies between 1 and rounding.
pub fn steps_converge(order: f64, mut step: impl FnMut(&Turning, f64, f64, &mut [f64])) -> Result<(), Broken> {
    let mut error = |steps: u32| {
        let (h, mut y) = (2.0 / f64::from(steps), [1.0, 0.0]);
        (0..steps).for_each(|i| step(&Turning, f64::from(i) * h, h, &mut y));
        Turning::error(2.0, &y)
    };
    let errors: Vec<f64> = (0..=8).map(|k| error(1 << k)).collect();
    order_is(order, 0.3, &errors, 1e-12)
}
