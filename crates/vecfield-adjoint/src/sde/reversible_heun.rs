//! Back through reversible Heun: the places where the field was evaluated are kept, or found again by undoing the steps.
//!
//! With bars for cotangents, of what a step leaves `(y, ŷ, f̂, ĝ)` and, primed, of what it found:
//!
//! ```text
//! f̂̄ += ½ h ȳ       ĝ̄ += ½ ȳ Wᵀ       ŷ̄ += (∂f/∂y)ᵀ f̂̄ + (∂g/∂y)ᵀ ĝ̄
//! ȳ′ = ȳ + 2 ŷ̄     ŷ̄′ = -ŷ̄     f̂̄′ = h (½ ȳ + ŷ̄)     ĝ̄′ = (½ ȳ + ŷ̄) Wᵀ
//! ```

use vecfield_kernels::axpy;
use vecfield_solvers::sde::{AnySdeStepper, SdeError, SdeMethod, SdeSolution, SdeStepper, strike_back};
use vecfield_traits::DriftDiffusionVjp;

use super::{Pass, SdeGradient, SdeMemory, add};

impl<F: DriftDiffusionVjp<f64>> Pass<'_, F> {
    pub(super) fn reversible_heun(
        &mut self,
        memory: SdeMemory,
        quantity: impl FnOnce(&SdeSolution, &mut [f64]) -> f64,
    ) -> Result<SdeGradient, SdeError> {
        let AnySdeStepper::ReversibleHeun(mut stepper) =
            AnySdeStepper::new(SdeMethod::ReversibleHeun, self.field, self.paths)
        else {
            unreachable!("reversible Heun has its own stepper")
        };
        let (field, noise) = (self.field, self.field.noise());
        let mut y = self.start.clone();
        stepper.start(field, self.steps.first().map_or(0.0, |step| step.t), &y, &mut self.work);
        let (mut shadows, mut ends) = (Vec::new(), vec![Vec::new(); self.steps.len()]);
        for n in 0..self.steps.len() {
            stepper.step(field, &self.motion.over(&self.steps[n])?, &mut y, &mut self.work);
            if memory == SdeMemory::Stored {
                shadows.push(stepper.shadow().to_vec());
            }
            if self.steps[n].saved.is_some() {
                ends[n] = y.clone();
            }
        }
        let solution = self.saved(|n| ends[n].clone());
        let mut bars = vec![0.0; solution.y.len()];
        let value = quantity(&solution, &mut bars);
        let state = || vec![0.0; self.start.len()];
        let (mut y_bar, mut shadow_bar, mut f_bar, mut both) = (state(), state(), state(), state());
        let (mut g_bar, mut theta_bar) = (self.diffusion(), self.theta());
        for n in (0..self.steps.len()).rev() {
            self.seed(n, &bars, &mut y_bar);
            let (step, over) = (self.steps[n], self.motion.over(&self.steps[n])?);
            axpy(0.5 * over.h, &y_bar, &mut f_bar);
            both.iter_mut().zip(&y_bar).for_each(|(both, y_bar)| *both = 0.5 * y_bar);
            strike_back(noise, &both, over.w, &mut g_bar);
            let place = shadows.get(n).map_or(stepper.shadow(), Vec::as_slice);
            let (shadow_bar_then, work) = (&mut shadow_bar, &mut self.work);
            field.pull_back(step.end, place, &f_bar, &g_bar, shadow_bar_then, &mut theta_bar, work);
            add(&shadow_bar, &mut both);
            axpy(2.0, &shadow_bar, &mut y_bar);
            shadow_bar.iter_mut().for_each(|bar| *bar = -*bar);
            f_bar.iter_mut().zip(&both).for_each(|(f_bar, both)| *f_bar = over.h * both);
            g_bar.fill(0.0);
            strike_back(noise, &both, over.w, &mut g_bar);
            if memory == SdeMemory::Reversible {
                stepper.step_back(field, &over, &mut y, work);
            }
        }
        let t = self.steps.first().map_or(0.0, |step| step.t);
        field.pull_back(t, &self.start, &f_bar, &g_bar, &mut y_bar, &mut theta_bar, &mut self.work);
        add(&shadow_bar, &mut y_bar);
        self.seed_start(&bars, &mut y_bar);
        Ok(SdeGradient { value, y0: y_bar, theta: theta_bar })
    }
}
