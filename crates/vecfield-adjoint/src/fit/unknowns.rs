//! The unknowns of a fit: constants shared by all runs or one for each, in their scales, then the start of every window.

use super::options::{FitOptions, Initial, Scale};
use super::shooting::Window;
use crate::AdjointError;

/// One unknown constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Which parameter it is.
    pub(crate) parameter: usize,
    /// Its place among the free ones.
    pub(crate) place: usize,
    /// The run it belongs to, where it is not shared.
    pub(crate) run: Option<usize>,
    pub(crate) scale: Scale,
}

/// The layout of the unknowns, and the constants that are held.
#[derive(Debug, Clone)]
pub(crate) struct Unknowns {
    pub(crate) slots: Vec<Slot>,
    /// Constants of every run, `[runs, parameters]`.
    base: Vec<f64>,
    parameters: usize,
    dim: usize,
}

impl Unknowns {
    /// `thetas` are the constants of every run, `[runs, parameters]`.
    pub(crate) fn new(options: &FitOptions, runs: usize, thetas: &[f64], dim: usize) -> Self {
        let mut slots = Vec::new();
        for (place, &parameter) in options.free.iter().enumerate() {
            let scale = options.scale(place);
            let slot = |run| Slot { parameter, place, run, scale };
            match options.local.contains(&parameter) {
                true => slots.extend((0..runs).map(|run| slot(Some(run)))),
                false => slots.push(slot(None)),
            }
        }
        Self { slots, base: thetas.to_vec(), parameters: thetas.len() / runs.max(1), dim }
    }

    /// Number of unknown constants.
    pub(crate) fn constants(&self) -> usize {
        self.slots.len()
    }

    /// Number of parameters, unknown or not.
    pub(crate) fn parameters(&self) -> usize {
        self.parameters
    }

    /// The constants of a run.
    pub(crate) fn theta_into(&self, x: &[f64], run: usize, theta: &mut [f64]) {
        theta.copy_from_slice(&self.base[run * self.parameters..][..self.parameters]);
        for (slot, &x) in self.slots.iter().zip(x).filter(|(slot, _)| slot.run.is_none_or(|own| own == run)) {
            theta[slot.parameter] = slot.value(x);
        }
    }

    /// Constants of every run at `x`, `[runs, parameters]`.
    pub(crate) fn thetas(&self, x: &[f64]) -> Vec<f64> {
        let mut thetas = self.base.clone();
        for (run, theta) in thetas.chunks_exact_mut(self.parameters.max(1)).enumerate() {
            self.theta_into(x, run, theta);
        }
        thetas
    }

    /// The unknown constants in their scales.
    ///
    /// # Errors
    ///
    /// [`AdjointError::NotPositive`].
    pub(crate) fn constants_of(&self, thetas: &[f64]) -> Result<Vec<f64>, AdjointError> {
        let of = |slot: &Slot| {
            let value = thetas[slot.run.unwrap_or(0) * self.parameters + slot.parameter];
            match slot.scale {
                Scale::Linear => Ok(value),
                Scale::Log if value > 0.0 => Ok(value.ln()),
                Scale::Log => Err(AdjointError::NotPositive { parameter: slot.parameter, value }),
            }
        };
        self.slots.iter().map(of).collect()
    }

    /// Bounds of every unknown: those of the constants, and a point for a start that is no unknown after all.
    pub(crate) fn limits(&self, x: &[f64], windows: &[Window], options: &FitOptions) -> (Vec<f64>, Vec<f64>) {
        let mut lower = vec![f64::NEG_INFINITY; x.len()];
        let mut upper = vec![f64::INFINITY; x.len()];
        for (k, slot) in self.slots.iter().enumerate() {
            let Some(&(low, high)) = options.bounds.get(slot.place) else { continue };
            (lower[k], upper[k]) = match slot.scale {
                Scale::Linear => (low, high),
                Scale::Log => (if low > 0.0 { low.ln() } else { f64::NEG_INFINITY }, high.ln()),
            };
        }
        for (k, _) in self.free_starts(windows, options).iter().enumerate().filter(|(_, free)| !**free) {
            let unknown = self.constants() + k;
            (lower[unknown], upper[unknown]) = (x[unknown], x[unknown]);
        }
        (lower, upper)
    }

    /// Which components of the windows' starts are free.
    fn free_starts(&self, windows: &[Window], options: &FitOptions) -> Vec<bool> {
        let of = |window: &Window| {
            let first = window.rows.start == 0;
            (0..self.dim).map(move |state| !first || matches!(options.initial(state), Initial::Free))
        };
        windows.iter().flat_map(of).collect()
    }

    /// Which unknowns are free.
    pub(crate) fn free(&self, windows: &[Window], options: &FitOptions) -> Vec<bool> {
        let mut free = vec![true; self.constants()];
        free.extend(self.free_starts(windows, options));
        free
    }
}

impl Slot {
    /// The constant at this unknown.
    pub(crate) fn value(&self, x: f64) -> f64 {
        match self.scale {
            Scale::Linear => x,
            Scale::Log => x.exp(),
        }
    }

    /// The derivative of the constant by the unknown, where the constant is `value`.
    pub(crate) fn slope(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => 1.0,
            Scale::Log => value,
        }
    }
}
