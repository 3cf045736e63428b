//! Steps that a path chooses for itself, on the motion that it met before.

use vecfield_traits::DriftDiffusion;

use super::error::SdeError;
use super::simulation::{GroupSolution, Walk};

/// Error control of one path.
pub(super) struct Control {
    pub(super) rtol: f64,
    pub(super) atol: f64,
    /// The method's strong order.
    pub(super) order: f64,
    /// Ends of rejected steps that are still ahead, the nearest last.
    pub(super) rejected: Vec<f64>,
}

impl Control {
    /// By what the step changes: the error of one is `O(h^(order + 1/2))`.
    fn factor(&self, error: f64) -> f64 {
        (0.9 * error.max(1e-10).powf(-1.0 / (self.order + 0.5))).clamp(0.2, 3.0)
    }
}

/// A path that takes more attempts does not come to an end.
const MOST_ATTEMPTS: u64 = 100_000_000;

impl<F: DriftDiffusion<f64>> Walk<'_, F> {
    /// Goes from the start of `span` to its end, keeping the states at `times`.
    pub(super) fn adapt(
        &mut self,
        span: (f64, f64),
        times: &[f64],
        control: &mut Control,
        y: &mut [f64],
        solution: &mut GroupSolution,
        goes_on: &dyn Fn(usize) -> bool,
    ) -> Result<(), SdeError> {
        let (mut t, end) = span;
        let (mut whole, mut halves) = (y.to_vec(), y.to_vec());
        let mut h = (end - t) / 64.0;
        let mut saves = times.iter().copied().skip_while(|&save| save <= span.0).peekable();
        let mut attempts = 0_u64;
        while t < end {
            attempts += 1;
            if attempts > MOST_ATTEMPTS {
                return Err(SdeError::TooManySteps { step: h, start: t, end, most: MOST_ATTEMPTS });
            }
            if attempts.is_multiple_of(1024) && !goes_on(0) {
                return Err(SdeError::Stopped);
            }
            // Neither a time to be kept nor one met in vain is passed over.
            let bound = [saves.peek().copied(), control.rejected.last().copied(), Some(end)];
            let bound = bound.into_iter().flatten().fold(end, f64::min);
            let next = if t + 1.01 * h >= bound { bound } else { t + h };
            let step = next - t;
            // Below that a half may lie inside a leaf of the motion; only a bound makes steps so short.
            let shortest = 4.0 * self.resolution();
            let error = match step < shortest {
                true => {
                    halves.copy_from_slice(y);
                    self.step(t, next, &mut halves).map(|()| 0.0)
                }
                false => self.attempt(t, next, y, &mut whole, &mut halves, control),
            }?;
            let factor = control.factor(error);
            if error <= 1.0 {
                (t, solution.steps) = (next, solution.steps + 1);
                y.copy_from_slice(&halves);
                control.rejected.retain(|&seen| seen > t);
                if saves.next_if(|&save| save <= t).is_some() {
                    solution.y.extend_from_slice(y);
                }
                // A step that a bound made short says little of the next.
                h = if next == bound { h.max(step * factor) } else { step * factor };
            } else {
                solution.rejected += 1;
                control.rejected.push(next);
                h = step * factor;
                if h < shortest {
                    return Err(SdeError::StepTooSmall { path: self.first(), t, step: h });
                }
            }
        }
        Ok(())
    }

    /// A step in one and in two; the error of the one against the tolerances, infinite where it is no number.
    fn attempt(
        &mut self,
        t: f64,
        end: f64,
        y: &[f64],
        whole: &mut [f64],
        halves: &mut [f64],
        control: &Control,
    ) -> Result<f64, SdeError> {
        whole.copy_from_slice(y);
        halves.copy_from_slice(y);
        let middle = t + 0.5 * (end - t);
        self.step_unchecked(t, end, whole)?;
        self.step_unchecked(t, middle, halves)?;
        self.step_unchecked(middle, end, halves)?;
        let scaled = |((&before, &one), &two): ((&f64, &f64), &f64)| {
            let scale = control.atol + control.rtol * before.abs().max(two.abs());
            let error = (one - two) / scale;
            error * error
        };
        let squares: f64 = y.iter().zip(whole.iter()).zip(halves.iter()).map(scaled).sum();
        let error = (squares / y.len().max(1) as f64).sqrt();
        Ok(if error.is_nan() { f64::INFINITY } else { error })
    }
}
