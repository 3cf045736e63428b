//! Reversible Heun (Kidger, Foster, Li, Lyons 2021, algorithm 1): a step back undoes a step, to rounding.
//!
//! ```text
//! ŷ⁺ = 2y - ŷ + f̂ h + ĝ W        y⁺ = y + ½ (f̂ + f̂⁺) h + ½ (ĝ + ĝ⁺) W
//! ```
//!
//! with `f̂ = f(t, ŷ)` and `ĝ = g(t, ŷ)`, evaluated once a step.

use vecfield_kernels::axpy;
use vecfield_traits::DriftDiffusion;

use super::products::strike;
use super::stepper::{Increment, SdeStepper, Size};

/// Steps of reversible Heun, with the second state they carry.
#[derive(Debug, Clone)]
pub struct ReversibleHeun {
    size: Size,
    shadow: Vec<f64>,
    f: Vec<f64>,
    g: Vec<f64>,
    gw: Vec<f64>,
}

impl ReversibleHeun {
    pub(crate) fn new(size: Size) -> Self {
        let (shadow, f, gw) = (size.state(), size.state(), size.state());
        ReversibleHeun { size, shadow, f, g: size.diffusion(), gw }
    }

    /// `ŷ`.
    pub fn shadow(&self) -> &[f64] {
        &self.shadow
    }

    /// Takes back a step that [`step`](SdeStepper::step) took over the same increment.
    pub fn step_back<F: DriftDiffusion<f64>>(
        &mut self,
        field: &F,
        over: &Increment<'_>,
        y: &mut [f64],
        work: &mut F::Workspace,
    ) {
        self.half(-1.0, over, y);
        field.both(over.t, &self.shadow, &mut self.f, &mut self.g, work);
        self.rest(-1.0, over, y);
    }

    /// Half of the step with the old evaluation, which the shadow takes whole.
    fn half(&mut self, sign: f64, over: &Increment<'_>, y: &mut [f64]) {
        strike(self.size.noise, &self.g, over.w, &mut self.gw);
        self.shadow.iter_mut().zip(y.iter()).for_each(|(shadow, y)| *shadow = 2.0 * y - *shadow);
        axpy(sign * over.h, &self.f, &mut self.shadow);
        axpy(sign, &self.gw, &mut self.shadow);
        self.rest_of(sign, over.h, y);
    }

    /// The other half, with the new one.
    fn rest(&mut self, sign: f64, over: &Increment<'_>, y: &mut [f64]) {
        strike(self.size.noise, &self.g, over.w, &mut self.gw);
        self.rest_of(sign, over.h, y);
    }

    fn rest_of(&self, sign: f64, h: f64, y: &mut [f64]) {
        axpy(0.5 * sign * h, &self.f, y);
        axpy(0.5 * sign, &self.gw, y);
    }
}

impl<F: DriftDiffusion<f64>> SdeStepper<F> for ReversibleHeun {
    fn start(&mut self, field: &F, t: f64, y: &[f64], work: &mut F::Workspace) {
        self.shadow.copy_from_slice(y);
        field.both(t, y, &mut self.f, &mut self.g, work);
    }

    fn step(&mut self, field: &F, over: &Increment<'_>, y: &mut [f64], work: &mut F::Workspace) {
        self.half(1.0, over, y);
        field.both(over.t + over.h, &self.shadow, &mut self.f, &mut self.g, work);
        self.rest(1.0, over, y);
    }
}
