//! [`SdeStepper`]: one step of many paths.

use vecfield_traits::DriftDiffusion;

use super::implicit::DriftImplicit;
use super::method::SdeMethod;
use super::milstein::{Milstein, MilsteinFree};
use super::platen::Platen;
use super::reversible_heun::ReversibleHeun;
use super::rossler::Sriw1;
use super::runge_kutta::RungeKutta;
use super::shifted::Shifted;

/// The motion over one step: `w` and `area` are `[columns, paths]`, the area empty where the method does not ask for it.
#[derive(Debug, Clone, Copy)]
pub struct Increment<'a> {
    /// Where the step starts.
    pub t: f64,
    /// Its size.
    pub h: f64,
    /// The increments `W`.
    pub w: &'a [f64],
    /// The space-time areas `H`.
    pub area: &'a [f64],
    /// The first path's number: what is drawn besides the motion depends on it.
    pub first_path: u64,
    /// The motion's seed.
    pub seed: u64,
}

/// Takes steps of several paths side by side. Never allocates.
pub trait SdeStepper<F: DriftDiffusion<f64>> {
    /// Begins at `y`, `[dim, paths]`.
    fn start(&mut self, _field: &F, _t: f64, _y: &[f64], _work: &mut F::Workspace) {}

    /// Replaces `y`, `[dim, paths]`, by what it is a step later.
    fn step(&mut self, field: &F, over: &Increment<'_>, y: &mut [f64], work: &mut F::Workspace);
}

/// The stepper of any method.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum AnySdeStepper {
    /// Of a table with stages of the diffusion.
    RungeKutta(RungeKutta),
    /// Of a table for additive noise.
    Shifted(Shifted),
    /// Milstein's.
    Milstein(Milstein),
    /// The same without derivatives.
    MilsteinFree(MilsteinFree),
    /// Rößler's of order 1.5.
    Sriw1(Sriw1),
    /// Reversible Heun.
    ReversibleHeun(ReversibleHeun),
    /// Platen's of weak order two.
    Platen(Platen),
    /// Euler's with the drift at the end of the step.
    DriftImplicit(DriftImplicit),
}

impl AnySdeStepper {
    /// For so many paths of `field`.
    pub fn new<F: DriftDiffusion<f64>>(method: SdeMethod, field: &F, paths: usize) -> Self {
        let size = Size { dim: field.dim(), paths, noise: field.noise() };
        let calculus = field.calculus();
        match method {
            SdeMethod::RungeKutta(tableau) => AnySdeStepper::RungeKutta(RungeKutta::new(tableau, size)),
            SdeMethod::Additive(tableau) => AnySdeStepper::Shifted(Shifted::new(tableau, size)),
            SdeMethod::Milstein => AnySdeStepper::Milstein(Milstein::new(size, calculus)),
            SdeMethod::MilsteinFree => AnySdeStepper::MilsteinFree(MilsteinFree::new(size)),
            SdeMethod::Sriw1 => AnySdeStepper::Sriw1(Sriw1::new(size)),
            SdeMethod::ReversibleHeun => AnySdeStepper::ReversibleHeun(ReversibleHeun::new(size)),
            SdeMethod::Platen => AnySdeStepper::Platen(Platen::new(size)),
            SdeMethod::DriftImplicitEuler => AnySdeStepper::DriftImplicit(DriftImplicit::new(size)),
        }
    }
}

impl<F: DriftDiffusion<f64>> SdeStepper<F> for AnySdeStepper {
    fn start(&mut self, field: &F, t: f64, y: &[f64], work: &mut F::Workspace) {
        match self {
            AnySdeStepper::ReversibleHeun(stepper) => stepper.start(field, t, y, work),
            AnySdeStepper::Shifted(stepper) => SdeStepper::<F>::start(stepper, field, t, y, work),
            _ => {}
        }
    }

    fn step(&mut self, field: &F, over: &Increment<'_>, y: &mut [f64], work: &mut F::Workspace) {
        match self {
            AnySdeStepper::RungeKutta(stepper) => stepper.step(field, over, y, work),
            AnySdeStepper::Shifted(stepper) => stepper.step(field, over, y, work),
            AnySdeStepper::Milstein(stepper) => stepper.step(field, over, y, work),
            AnySdeStepper::MilsteinFree(stepper) => stepper.step(field, over, y, work),
            AnySdeStepper::Sriw1(stepper) => stepper.step(field, over, y, work),
            AnySdeStepper::ReversibleHeun(stepper) => stepper.step(field, over, y, work),
            AnySdeStepper::Platen(stepper) => stepper.step(field, over, y, work),
            AnySdeStepper::DriftImplicit(stepper) => stepper.step(field, over, y, work),
        }
    }
}

/// How large the arrays of a group are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) dim: usize,
    pub(crate) paths: usize,
    pub(crate) noise: vecfield_traits::Noise,
}

impl Size {
    /// A state, `[dim, paths]`.
    pub(crate) fn state(&self) -> Vec<f64> {
        vec![0.0; self.dim * self.paths]
    }

    /// A diffusion.
    pub(crate) fn diffusion(&self) -> Vec<f64> {
        vec![0.0; self.noise.entries(self.dim) * self.paths]
    }
}
