//! Reverse mode through a stochastic solve: the exact gradient of the steps that were taken, on the paths they were taken on.
//!
//! The motion is asked again on the way back, and answers the same; nothing of it is kept. What is kept of the solution is a
//! state a step, or with reversible Heun nothing: its steps are undone, to rounding.

mod reversible_heun;
mod runge_kutta;
mod shifted;

use std::ops::Range;

use vecfield_solvers::sde::{FixedStep, Increment, SdeError, SdeMethod, SdeSolution, Simulation, Walker};
use vecfield_traits::{Calculus, Dependence, DriftDiffusionVjp};

/// What is kept of the solution for the way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SdeMemory {
    /// A state a step.
    Stored,
    /// Nothing: steps are undone. For reversible Heun.
    Reversible,
}

/// The way back through a [`Simulation`] with fixed steps.
///
/// ```
/// use vecfield_adjoint::{SdeAdjoint, SdeMemory};
/// use vecfield_expr::{Graph, Scope, StochasticFormulas};
/// use vecfield_solvers::sde::{Brownian, SdeMethod, Simulation, Steps};
/// use vecfield_traits::Calculus;
///
/// // dx = a x dt + b x ∘ dW has x = x₀ exp(a t + b W), and ∂x/∂a = t x.
/// let mut graph = Graph::new();
/// let scope = Scope::new(["x", "a", "b"])?;
/// let (drift, diffusion) = (graph.parse("a*x", &scope)?, graph.parse("b*x", &scope)?);
/// let growth = [vec![diffusion]];
/// let growth = StochasticFormulas::new(&mut graph, &[drift], &growth, &["x"], &["a", "b"], Calculus::Stratonovich)?;
/// let growth = growth.at(vec![0.5, 0.2]);
///
/// let method = SdeMethod::named("slowrk")?;
/// let motion = Brownian::new(3, (0.0, 1.0))?.with_areas(method.areas());
/// let simulation = Simulation::new(&growth, method, motion, (0.0, 1.0), Steps::Fixed(1.0 / 128.0))?;
/// let mean = |solution: &vecfield_solvers::sde::SdeSolution, bar: &mut [f64]| {
///     bar.fill(0.01);
///     solution.y.iter().sum::<f64>() / 100.0
/// };
/// let gradient = SdeAdjoint::new(&simulation, SdeMemory::Stored)?.gradient(&[1.0], 0..100, &[1.0], mean)?;
/// assert!((gradient.theta[0] - gradient.value).abs() < 1e-3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct SdeAdjoint<'a, F> {
    simulation: &'a Simulation<'a, F>,
    memory: SdeMemory,
}

/// A quantity of paths and its gradient.
#[derive(Debug, Clone, PartialEq)]
pub struct SdeGradient {
    /// The quantity.
    pub value: f64,
    /// By the initial state of every path, `[dim, paths]`.
    pub y0: Vec<f64>,
    /// By the parameters of the field.
    pub theta: Vec<f64>,
}

impl<'a, F: DriftDiffusionVjp<f64>> SdeAdjoint<'a, F> {
    /// # Errors
    ///
    /// [`SdeError::NotOffered`] for a method without a pass back, or one that is not reversible where nothing is to be kept.
    pub fn new(simulation: &'a Simulation<'a, F>, memory: SdeMemory) -> Result<Self, SdeError> {
        let method = simulation.method();
        let passes = matches!(method, SdeMethod::RungeKutta(_) | SdeMethod::Additive(_) | SdeMethod::ReversibleHeun);
        let (needs, instead) = match memory {
            _ if !passes => ("a pass back", instead(simulation.field())),
            SdeMemory::Reversible if method != SdeMethod::ReversibleHeun => {
                ("steps that can be undone", "stratonovich-reversible-heun")
            }
            _ => return Ok(SdeAdjoint { simulation, memory }),
        };
        Err(SdeError::NotOffered { method: method.name(), needs, instead })
    }

    /// The gradient of what `quantity` computes from the states at `times` of the paths of these numbers, begun at `y0`, `[dim]`
    /// or `[dim, paths]`. `quantity` writes its own derivatives by those states, `[times, dim, paths]`, into its second
    /// argument, which is zero before.
    ///
    /// All paths go side by side; the result is the same for those of any number when asked for in the same range.
    ///
    /// # Errors
    ///
    /// Those of [`Simulation::solve`].
    pub fn gradient(
        &self,
        y0: &[f64],
        paths: Range<u64>,
        times: &[f64],
        quantity: impl FnOnce(&SdeSolution, &mut [f64]) -> f64,
    ) -> Result<SdeGradient, SdeError> {
        let field = self.simulation.field();
        let (dim, count) = (field.dim(), paths.end.saturating_sub(paths.start) as usize);
        if y0.len() != dim && y0.len() != dim * count {
            return Err(SdeError::Dimension { what: "the start", found: y0.len(), expected: dim });
        }
        let steps = self.simulation.fixed_steps(times)?;
        let start: Vec<f64> = match y0.len() == dim && count != 1 {
            true => y0.iter().flat_map(|&y| std::iter::repeat_n(y, count)).collect(),
            false => y0.to_vec(),
        };
        let columns = field.noise().columns;
        let motion =
            Motion { walker: self.simulation.motion().walker(columns, paths.start, count), first: paths.start };
        let mut pass = Pass { field, motion, work: field.workspace(count), paths: count, steps, times, start };
        match self.simulation.method() {
            SdeMethod::RungeKutta(tableau) => {
                let mut family = runge_kutta::Stages::new(tableau, &pass);
                pass.retraced(&mut family, quantity)
            }
            SdeMethod::Additive(tableau) => {
                let mut family = shifted::Stages::new(tableau, &pass);
                pass.retraced(&mut family, quantity)
            }
            _ => pass.reversible_heun(self.memory, quantity),
        }
    }
}

/// A method that solves the same equation and has a pass back.
fn instead<F: DriftDiffusionVjp<f64>>(field: &F) -> &'static str {
    match (field.noise().dependence, field.calculus()) {
        (Dependence::Additive, _) => "shark",
        (_, Calculus::Ito) => "euler-maruyama",
        (_, Calculus::Stratonovich) => "stratonovich-reversible-heun",
    }
}

/// The motion of some paths.
struct Motion {
    walker: Walker,
    first: u64,
}

impl Motion {
    fn over(&mut self, step: &FixedStep) -> Result<Increment<'_>, SdeError> {
        self.walker.query(step.t, step.end)?;
        let (h, seed) = (step.end - step.t, self.walker.path().seed());
        Ok(Increment { t: step.t, h, w: self.walker.w(), area: self.walker.h(), first_path: self.first, seed })
    }
}

/// What a pass forth and back has at hand.
struct Pass<'a, F: DriftDiffusionVjp<f64>> {
    field: &'a F,
    motion: Motion,
    work: F::Workspace,
    paths: usize,
    steps: Vec<FixedStep>,
    times: &'a [f64],
    start: Vec<f64>,
}

/// A family whose steps are found again from the states at their starts.
trait Retraced<F: DriftDiffusionVjp<f64>> {
    /// The stages of step `n`, which begins at `y`.
    fn stages(&mut self, pass: &mut Pass<'_, F>, n: usize, y: &[f64]) -> Result<(), SdeError>;

    /// Takes `y` to the end of that step, of size `h`.
    fn land(&self, h: f64, y: &mut [f64]);

    /// From the cotangent of the end of that step to that of its start.
    fn back(
        &mut self,
        pass: &mut Pass<'_, F>,
        n: usize,
        y: &[f64],
        y_bar: &mut [f64],
        theta_bar: &mut [f64],
    ) -> Result<(), SdeError>;
}

impl<F: DriftDiffusionVjp<f64>> Pass<'_, F> {
    /// The gradient with the state at the start of every step kept.
    fn retraced(
        &mut self,
        family: &mut impl Retraced<F>,
        quantity: impl FnOnce(&SdeSolution, &mut [f64]) -> f64,
    ) -> Result<SdeGradient, SdeError> {
        let mut states = vec![self.start.clone()];
        for n in 0..self.steps.len() {
            let mut y = states[n].clone();
            family.stages(self, n, &y)?;
            family.land(self.steps[n].end - self.steps[n].t, &mut y);
            states.push(y);
        }
        let solution = self.saved(|n| states[n + 1].clone());
        let mut bars = vec![0.0; solution.y.len()];
        let value = quantity(&solution, &mut bars);
        let (mut y_bar, mut theta_bar) = (vec![0.0; self.start.len()], self.theta());
        for n in (0..self.steps.len()).rev() {
            self.seed(n, &bars, &mut y_bar);
            family.stages(self, n, &states[n])?;
            family.back(self, n, &states[n], &mut y_bar, &mut theta_bar)?;
        }
        self.seed_start(&bars, &mut y_bar);
        Ok(SdeGradient { value, y0: y_bar, theta: theta_bar })
    }

    /// `[times, dim, paths]` from the states that `state` gives at the end of each step.
    fn saved(&self, state: impl Fn(usize) -> Vec<f64>) -> SdeSolution {
        let mut y = vec![0.0; self.times.len() * self.start.len()];
        for k in 0..self.at_start() {
            y[k * self.start.len()..][..self.start.len()].copy_from_slice(&self.start);
        }
        for (n, step) in self.steps.iter().enumerate() {
            if let Some(k) = step.saved {
                y[k * self.start.len()..][..self.start.len()].copy_from_slice(&state(n));
            }
        }
        let (paths, dim) = (self.paths, self.field.dim());
        let steps = (self.steps.len() * paths) as u64;
        SdeSolution { times: self.times.to_vec(), dim, paths, y, steps, rejected: 0 }
    }

    /// How many of the times are the start itself.
    fn at_start(&self) -> usize {
        self.times.len() - self.steps.iter().filter(|step| step.saved.is_some()).count()
    }

    /// The cotangents that the quantity gives the end of step `n`, added to `bar`.
    fn seed(&self, n: usize, bars: &[f64], bar: &mut [f64]) {
        if let Some(k) = self.steps[n].saved {
            add(&bars[k * bar.len()..][..bar.len()], bar);
        }
    }

    /// The same of the start.
    fn seed_start(&self, bars: &[f64], bar: &mut [f64]) {
        (0..self.at_start()).for_each(|k| add(&bars[k * bar.len()..][..bar.len()], bar));
    }

    fn diffusion(&self) -> Vec<f64> {
        vec![0.0; self.field.noise().entries(self.field.dim()) * self.paths]
    }

    fn theta(&self) -> Vec<f64> {
        vec![0.0; self.field.parameters().len()]
    }
}

fn add(x: &[f64], y: &mut [f64]) {
    vecfield_kernels::axpy(1.0, x, y);
}
