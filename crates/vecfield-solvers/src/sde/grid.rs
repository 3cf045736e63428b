//! The times of a run with fixed steps: multiples of the step from the start, and the times at which the state is wanted.

use super::error::SdeError;

/// More steps than this are a slip of the pen.
const MOST: u64 = 1 << 32;

/// Times in order, each once, and which of them are kept.
#[derive(Debug, Clone)]
pub(crate) struct Grid {
    start: f64,
    end: f64,
    step: f64,
    count: u64,
    saves: Vec<f64>,
}

impl Grid {
    pub(crate) fn new((start, end): (f64, f64), step: f64, saves: &[f64]) -> Result<Self, SdeError> {
        if !(step.is_finite() && step > 0.0) {
            return Err(SdeError::BadValue { what: "the step", value: step, expected: "finite and above zero" });
        }
        // A last step that rounding alone makes is none.
        let count = ((end - start) / step * (1.0 - 1e-12)).ceil();
        if count > MOST as f64 {
            return Err(SdeError::TooManySteps { step, start, end, most: MOST });
        }
        Ok(Grid { start, end, step, count: (count as u64).max(1), saves: saves.to_vec() })
    }

    /// Calls `visit(t, t⁺, saved)` for every step, `saved` the place of `t⁺` among the times that are wanted.
    pub(crate) fn walk<E>(&self, mut visit: impl FnMut(f64, f64, Option<usize>) -> Result<(), E>) -> Result<(), E> {
        let slack = 1e-9 * self.step;
        let mut t = self.start;
        let mut next = self.saves.iter().take_while(|&&save| save <= self.start + slack).count();
        for k in 1..=self.count {
            // From its number, not from the one before: rounding would accumulate.
            let node = if k == self.count { self.end } else { self.start + k as f64 * self.step };
            while let Some(&save) = self.saves.get(next).filter(|&&save| save <= node + slack) {
                visit(t, save, Some(next))?;
                (t, next) = (save, next + 1);
            }
            if node - t > slack {
                visit(t, node, None)?;
                t = node;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(step: f64, saves: &[f64]) -> Vec<(f64, Option<usize>)> {
        let mut seen = Vec::new();
        let walked = Grid::new((0.0, 1.0), step, saves).unwrap().walk(|_, t, saved| {
            seen.push((t, saved));
            Ok::<(), ()>(())
        });
        walked.unwrap();
        seen
    }

    #[test]
    fn steps_and_save_times_are_met() {
        assert_eq!(times(0.5, &[1.0]), [(0.5, None), (1.0, Some(0))]);
        assert_eq!(times(0.4, &[0.0, 0.4, 0.5]), [(0.4, Some(1)), (0.5, Some(2)), (0.8, None), (1.0, None)]);
        assert_eq!(times(2.0, &[1.0]), [(1.0, Some(0))]);
        assert_eq!(times(0.1, &[1.0]).len(), 10);
        assert_eq!(times(1.0 / 49.0, &[]).len(), 49);
    }
}
