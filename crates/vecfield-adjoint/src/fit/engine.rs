//! States of a window and their derivatives, by any method of the solvers.
//!
//! Explicit methods are run over duals, which choose their steps by the values alone. Other methods push tangents along the
//! steps that were taken ([`push_forward`]); the few that carry none pass a cotangent back for every number that is wanted. In
//! each case the derivatives are those of the numbers computed.

use core::ops::ControlFlow;

use vecfield_autodiff::{Dual, LANES};
use vecfield_solvers::{AnyStepper, ExplicitRungeKutta, Integrator, Method, Options, Save, SolveError};
use vecfield_traits::{ParametricField, Scalar};

use crate::budget::Budget;
use crate::discrete::{Cotangents, Discrete, Unfinished};
use crate::forward::{Directions, push_forward};
use crate::reverse::AnyReverse;
use crate::{AdjointError, Differentiable};

/// A window to be integrated: constants, the state at the first of the times, and the times.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leg<'t> {
    pub(crate) theta: &'t [f64],
    pub(crate) start: &'t [f64],
    pub(crate) times: &'t [f64],
}

impl Leg<'_> {
    fn span(&self) -> (f64, f64) {
        (self.times[0], self.times[self.times.len() - 1])
    }
}

/// What is differentiated, by what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'t> {
    /// Parameters, by their index; the components of the start follow them as columns.
    pub(crate) parameters: &'t [usize],
    /// Which of the states' components (`[times, dim]`) anyone looks at.
    pub(crate) components: &'t [bool],
}

/// An integrator with its memory.
pub(crate) enum Engine<'a, F: Differentiable> {
    Explicit(Box<Sampler<'a, F, f64>>, Box<Sampler<'a, F, Dual<f64, LANES>>>),
    Any(Box<Stepwise<'a, F>>),
}

impl<'a, F: Differentiable> Engine<'a, F> {
    pub(crate) fn new(family: &'a F, method: Method, options: &Options<f64>) -> Result<Self, SolveError> {
        Ok(match method {
            Method::Explicit(_) => Engine::Explicit(
                Box::new(Sampler::new(family, method, options)?),
                Box::new(Sampler::new(family, method, options)?),
            ),
            _ => Engine::Any(Box::new(Stepwise::new(family, method, options)?)),
        })
    }

    /// Writes the states at the times, `[times, dim]`.
    pub(crate) fn states(&mut self, leg: Leg<'_>, out: &mut [f64]) -> Result<(), AdjointError> {
        if let [_] = leg.times {
            out.copy_from_slice(leg.start);
            return Ok(());
        }
        match self {
            Engine::Explicit(values, _) => {
                values.field.theta_mut().copy_from_slice(leg.theta);
                Ok(values.run(leg.times, leg.start, out)?)
            }
            Engine::Any(stepwise) => stepwise.states(leg, out),
        }
    }

    /// As [`states`](Self::states), with their derivatives by the wanted parameters and then by the start, `[times, dim, columns]`.
    pub(crate) fn derivatives(
        &mut self,
        leg: Leg<'_>,
        wanted: Wanted<'_>,
        out: &mut [f64],
        slopes: &mut [f64],
    ) -> Result<(), AdjointError> {
        let (p, n) = (wanted.parameters.len(), leg.start.len());
        slopes.fill(0.0);
        if let [_] = leg.times {
            out.copy_from_slice(leg.start);
            for i in 0..n {
                slopes[i * (p + n) + p + i] = 1.0;
            }
            return Ok(());
        }
        match self {
            Engine::Explicit(_, tangents) => {
                let unknowns = p + n;
                let mut states = vec![Dual::lift(0.0); out.len()];
                for lane in (0..unknowns).step_by(LANES) {
                    let seeded = |value: f64, unknown: usize| match unknown.checked_sub(lane) {
                        Some(i) if i < LANES => Dual::variable(value, i),
                        _ => Dual::lift(value),
                    };
                    let theta = tangents.field.theta_mut();
                    for (theta, &value) in theta.iter_mut().zip(leg.theta) {
                        *theta = Dual::lift(value);
                    }
                    for (column, &index) in wanted.parameters.iter().enumerate() {
                        theta[index] = seeded(leg.theta[index], column);
                    }
                    let start: Vec<_> = leg.start.iter().enumerate().map(|(i, &y)| seeded(y, p + i)).collect();
                    tangents.run(leg.times, &start, &mut states)?;
                    let width = LANES.min(unknowns - lane);
                    for (state, row) in states.iter().zip(slopes.chunks_exact_mut(unknowns)) {
                        row[lane..lane + width].copy_from_slice(&state.tangent[..width]);
                    }
                }
                for (out, state) in out.iter_mut().zip(&states) {
                    *out = state.value;
                }
                Ok(())
            }
            Engine::Any(stepwise) => stepwise.derivatives(leg, wanted, out, slopes),
        }
    }
}

/// An explicit method over one kind of number.
pub(crate) struct Sampler<'a, F: ParametricField<S>, S: Scalar<Real = f64>> {
    field: vecfield_traits::At<'a, F, S>,
    integrator: Integrator<ExplicitRungeKutta<S>, f64>,
    work: F::Workspace,
}

impl<'a, F: ParametricField<S>, S: Scalar<Real = f64>> Sampler<'a, F, S> {
    fn new(family: &'a F, method: Method, options: &Options<f64>) -> Result<Self, SolveError> {
        let Method::Explicit(tableau) = method else { unreachable!("only explicit methods run over duals") };
        let theta = vec![S::zero(); family.parameter_count()];
        Ok(Self {
            field: family.at(theta),
            integrator: Integrator::explicit(tableau, family.dim(), options)?,
            work: family.workspace(),
        })
    }

    fn run(&mut self, times: &[f64], start: &[S], out: &mut [S]) -> Result<(), SolveError> {
        self.integrator.sample_with(&self.field, &mut self.work, times[0], start, times, out)?;
        Ok(())
    }
}

/// The way back of any method.
type Back = Discrete<AnyStepper<f64>, AnyReverse<f64>, f64>;

/// Any method, with derivatives step by step.
pub(crate) struct Stepwise<'a, F: Differentiable> {
    family: &'a F,
    integrator: Integrator<AnyStepper<f64>, f64>,
    /// In use once the method has turned out to carry no tangents.
    back: Option<Box<Back>>,
    method: Method,
}

impl<'a, F: Differentiable> Stepwise<'a, F> {
    fn new(family: &'a F, method: Method, options: &Options<f64>) -> Result<Self, SolveError> {
        let n = ParametricField::<f64>::dim(family);
        Ok(Self { family, integrator: Integrator::new(method, n, options)?, back: None, method })
    }

    fn states(&mut self, leg: Leg<'_>, out: &mut [f64]) -> Result<(), AdjointError> {
        let field = self.family.member(leg.theta);
        let solved = self.integrator.solve(&field, leg.span(), leg.start, Save::At(leg.times));
        out.copy_from_slice(&solved.map_err(|interrupted| AdjointError::Solve(interrupted.error))?.y);
        Ok(())
    }

    fn derivatives(
        &mut self,
        leg: Leg<'_>,
        wanted: Wanted<'_>,
        out: &mut [f64],
        slopes: &mut [f64],
    ) -> Result<(), AdjointError> {
        if self.back.is_none() {
            match self.forward(leg, wanted, out, slopes) {
                Err(AdjointError::NoPushForward) => {
                    let (n, options) = (leg.start.len(), self.integrator.options());
                    self.back = Some(Box::new(Discrete::new(self.method, n, options, Budget::default())?));
                }
                done => return done,
            }
        }
        self.backward(leg, wanted, out, slopes)
    }

    /// By tangents: the cost grows with the number of columns.
    fn forward(
        &mut self,
        leg: Leg<'_>,
        wanted: Wanted<'_>,
        out: &mut [f64],
        slopes: &mut [f64],
    ) -> Result<(), AdjointError> {
        let (n, p, all) = (leg.start.len(), wanted.parameters.len(), leg.theta.len());
        let m = p + n;
        let (mut initial, mut parameters) = (vec![0.0; m * n], vec![0.0; m * all]);
        for (row, &index) in wanted.parameters.iter().enumerate() {
            parameters[row * all + index] = 1.0;
        }
        for i in 0..n {
            initial[(p + i) * n + i] = 1.0;
        }
        let mut field = self.family.member(leg.theta);
        let (solution, moved) = push_forward(
            &mut self.integrator,
            &mut field,
            self.family,
            leg.span(),
            leg.start,
            leg.times,
            &mut [],
            &Directions { initial, parameters },
            &mut |_| ControlFlow::Continue(()),
        )
        .map_err(|Unfinished { error, .. }| error)?;
        out.copy_from_slice(&solution.y);
        for (q, slopes) in slopes.chunks_exact_mut(m).enumerate() {
            let (row, component) = (q / n, q % n);
            for (column, slope) in slopes.iter_mut().enumerate() {
                *slope = moved.saved[row * m * n + column * n + component];
            }
        }
        Ok(())
    }

    /// By cotangents: the cost grows with the number of wanted components.
    fn backward(
        &mut self,
        leg: Leg<'_>,
        wanted: Wanted<'_>,
        out: &mut [f64],
        slopes: &mut [f64],
    ) -> Result<(), AdjointError> {
        let back = self.back.as_mut().expect("made before the first way back");
        let mut field = self.family.member(leg.theta);
        let solved = back.solve(&mut field, leg.span(), leg.start, leg.times);
        out.copy_from_slice(&solved.map_err(|Unfinished { error, .. }| error)?.y);
        let m = wanted.parameters.len() + leg.start.len();
        let mut cotangent = vec![0.0; out.len()];
        for q in (0..out.len()).filter(|&q| wanted.components[q]) {
            cotangent[q] = 1.0;
            let gradient = back.pull_back(&mut field, &Cotangents::saved(&cotangent))?;
            cotangent[q] = 0.0;
            let by = wanted.parameters.iter().map(|&index| gradient.parameters[index]).chain(gradient.initial);
            for (slope, value) in slopes[q * m..(q + 1) * m].iter_mut().zip(by) {
                *slope = value;
            }
        }
        Ok(())
    }
}
