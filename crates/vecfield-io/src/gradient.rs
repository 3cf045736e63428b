//! The gradient of a quantity at the end of a solve: through initial values, equations, events and jumps of a problem.

use core::ops::ControlFlow;

use vecfield_adjoint::reverse::AnyReverse;
use vecfield_adjoint::{
    AdjointError, Budget, Cotangents, Crossing, Directions, Discrete, Gradient, Pointwise, Rewind, Unfinished,
    backsolve, push_forward,
};
use vecfield_expr::{CompileError, ExprId, ParseError, Program, Pullback, Registers, SymbolicAt};
use vecfield_solvers::reversible::{REVERSIBLE_DOP853, REVERSIBLE_TSIT5};
use vecfield_solvers::tableau::DOP853;
use vecfield_solvers::{AnyStepper, Direction as Side, Ending, Integrator, Method, Save, Solution};
use vecfield_traits::Jacobian;

use crate::problem::{Direction, Problem};
use crate::run::{Run, Solver};
use crate::system::Guarded;

/// A quantity at the end of a solve, with all that its gradient needs.
#[derive(Debug, Clone)]
pub struct Objective {
    quantity: Formula,
    /// The initial state over the parameters.
    initial: Pullback,
    guards: Vec<Formula>,
    jumps: Vec<Option<Jump>>,
    variables: usize,
}

/// Outputs over `t`, the components of the state and the parameters, with their pullback.
#[derive(Debug, Clone)]
struct Formula {
    program: Program,
    pullback: Pullback,
}

/// The components that jump, and their new values.
type Jump = (Vec<usize>, Formula);

/// The way back through a solve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Adjoint {
    /// The exact gradient of the steps that were taken, their stages kept while they fit into a gibibyte.
    Discrete,
    /// The same in the memory of 64 states and 64 steps, whatever the length of the solve.
    Checkpointed,
    /// Tangents carried along the steps: nothing is kept, and the cost grows with the number of parameters.
    Forward,
    /// The exact gradient of the steps of a reversible method, which are found again from the end: next to nothing is kept.
    Reversible,
    /// The adjoint equation integrated backwards from the end, with an estimate of its error; explicit methods, no events.
    Backsolve,
}

impl Adjoint {
    /// Every way, the default first.
    pub const ALL: [Adjoint; 5] =
        [Adjoint::Discrete, Adjoint::Checkpointed, Adjoint::Forward, Adjoint::Reversible, Adjoint::Backsolve];

    /// As users type it after `--adjoint`.
    pub fn name(self) -> &'static str {
        match self {
            Adjoint::Discrete => "discrete",
            Adjoint::Checkpointed => "checkpointed",
            Adjoint::Forward => "forward",
            Adjoint::Reversible => "reversible",
            Adjoint::Backsolve => "backsolve",
        }
    }
}

/// A quantity and its derivatives.
#[derive(Debug, Clone, PartialEq)]
pub struct Derivatives {
    /// The quantity at the end.
    pub value: f64,
    /// Its derivatives by the initial values of the variables; like all, NaN where the quantity itself has no slope at the end.
    pub initial: Vec<f64>,
    /// Its derivatives by the parameters.
    pub parameters: Vec<f64>,
    /// The largest estimated error of a derivative by an initial value or a parameter, where the way has an estimate.
    pub error: Option<f64>,
}

/// Why a quantity cannot be differentiated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectiveError {
    /// Its formula cannot be read.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// A formula does not compile.
    #[error(transparent)]
    Compile(#[from] CompileError),
}

/// A gradient that could not be had; the run is what was found of the solution.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{error}")]
pub struct NoGradient {
    /// Why.
    #[source]
    pub error: AdjointError,
    /// The solution, as far as it came.
    pub run: Run,
}

impl Objective {
    /// The quantity `text` of a problem: a formula over `t`, variables, parameters, discrete values and definitions.
    ///
    /// # Errors
    ///
    /// [`ObjectiveError`].
    pub fn new(problem: &Problem, text: &str) -> Result<Objective, ObjectiveError> {
        let mut graph = problem.graph().clone();
        let names: Vec<&str> = (problem.variables().iter().map(|v| &v.name[..]))
            .chain(problem.discrete().iter().map(|d| &d.name[..]))
            .collect();
        let parameters: Vec<&str> = problem.parameters().iter().map(|p| &p.name[..]).collect();
        let inputs: Vec<&str> = ["t"].into_iter().chain(names.iter().chain(&parameters).copied()).collect();
        let quantity = problem.quantity(&mut graph, text, &inputs)?;
        let mut formula = |outputs: &[ExprId]| -> Result<Formula, CompileError> {
            let program = Program::compile(&graph, outputs, &inputs)?;
            Ok(Formula { program, pullback: Pullback::compile(&mut graph, outputs, &inputs)? })
        };
        let place = |name: &String| names.iter().position(|known| known == name);
        let (mut guards, mut jumps) = (Vec::new(), Vec::new());
        for event in problem.events() {
            guards.push(formula(&[event.guard])?);
            // A problem is sound: whatever an event sets is a component.
            let set = event.jump.iter().filter_map(|(name, value)| Some((place(name)?, *value)));
            let (components, values): (Vec<usize>, Vec<ExprId>) = set.unzip();
            jumps.push(if components.is_empty() { None } else { Some((components, formula(&values)?)) });
        }
        let quantity = formula(&[quantity])?;
        let starts: Vec<ExprId> = problem.variables().iter().map(|v| v.initial).collect();
        let initial = Pullback::compile(&mut graph, &starts, &parameters)?;
        Ok(Objective { quantity, initial, guards, jumps, variables: starts.len() })
    }

    fn crossings<'a>(&'a self, solver: &'a Solver) -> Vec<Crossing<'a, f64>> {
        let crossing = |event: &Guarded, guard: &'a Formula, jump: &'a Option<Jump>| {
            let direction = match event.direction {
                Direction::Rising => Side::Rising,
                Direction::Falling => Side::Falling,
                Direction::Any => Side::Any,
            };
            let mut crossing = Crossing::of(direction, Box::new(Evaluated::new(guard, None)));
            if let Some((components, formula)) = jump {
                crossing = crossing.jump_of(Box::new(Evaluated::new(formula, Some(components))));
            }
            match event.stop_after {
                Some(count) => crossing.stop_after(count),
                None => crossing,
            }
        };
        let events = solver.system().events().iter().zip(&self.guards).zip(&self.jumps);
        events.map(|((event, guard), jump)| crossing(event, guard, jump)).collect()
    }
}

impl Solver {
    /// Solves the problem, and differentiates `objective` at the end. `goes_on` is asked before every step, forwards and back,
    /// with the share that is done; a run cut short has no derivatives.
    ///
    /// # Errors
    ///
    /// [`NoGradient`], with the solution as far as it came.
    pub fn differentiate(
        &self,
        objective: &Objective,
        adjoint: Adjoint,
        goes_on: &mut dyn FnMut(f64) -> bool,
    ) -> Result<(Run, Option<Derivatives>), Box<NoGradient>> {
        let n = self.initial().len();
        let failed = |error, solution: Solution<f64>| Box::new(NoGradient { error, run: self.run(solution) });
        let way = match adjoint {
            Adjoint::Discrete => self.discrete(Budget::default()),
            Adjoint::Checkpointed => self.discrete(Budget::slots(64)),
            Adjoint::Forward => return self.differentiate_forward(objective, goes_on),
            Adjoint::Reversible => self.rewind(),
            Adjoint::Backsolve => return self.differentiate_backwards(objective),
        };
        let mut way = way.map_err(|error| failed(error, Solution::empty(n)))?;
        let (start, end) = self.span();
        let mut field = self.system().symbolic().at(self.system().theta().to_vec());
        let mut crossings = objective.crossings(self);
        let share = |t: f64| (t - start) / (end - start);
        let mut ask = |share: f64| if goes_on(share) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
        let solution = way
            .solve_with_events(&mut field, (start, end), self.initial(), self.save(), &mut crossings, &mut |t| {
                ask(0.5 * share(t))
            })
            .map_err(|Unfinished { error, partial }| failed(error, *partial))?;
        if solution.ending == Ending::Stopped {
            return Ok((self.run(solution), None));
        }
        let (t, y) = way.end();
        let mut seed = objective.seed(t, y, self.system().theta());
        if !seed.has_slopes() {
            // Nothing to pull back: the formula itself has no value or no slope there.
            let (initial, parameters) = (vec![f64::NAN; objective.variables], vec![f64::NAN; seed.parameters.len()]);
            return Ok((self.run(solution), Some(Derivatives { value: seed.value, initial, parameters, error: None })));
        }
        let cotangents = Cotangents { end: &seed.state, end_time: seed.time, ..Cotangents::default() };
        let back =
            way.pull_back_with_events(&mut field, &cotangents, &mut crossings, &mut |t| ask(1.0 - 0.5 * share(t)));
        match back {
            Ok(gradient) => {
                for (sum, bar) in seed.parameters.iter_mut().zip(&gradient.parameters) {
                    *sum += bar;
                }
                let derivatives = objective.derivatives(seed, &gradient.initial, self.system().theta());
                Ok((self.run(solution), Some(derivatives)))
            }
            Err(AdjointError::Stopped) => Ok((self.run(solution), None)),
            Err(error) => Err(failed(error, solution)),
        }
    }
}

/// A solve whose steps can be passed back.
enum Way {
    Discrete(Box<Discrete<AnyStepper<f64>, AnyReverse<f64>, f64>>),
    Rewind(Box<Rewind<f64>>),
}

type Progress<'a> = &'a mut dyn FnMut(f64) -> ControlFlow<()>;

impl Way {
    fn end(&self) -> (f64, &[f64]) {
        match self {
            Way::Discrete(way) => way.end(),
            Way::Rewind(way) => way.end(),
        }
    }

    fn solve_with_events(
        &mut self,
        field: &mut SymbolicAt<'_, f64>,
        span: (f64, f64),
        y0: &[f64],
        save: &[f64],
        crossings: &mut [Crossing<'_, f64>],
        progress: Progress<'_>,
    ) -> Result<Solution<f64>, Unfinished<f64>> {
        match self {
            Way::Discrete(way) => way.solve_with_events(field, span, y0, save, crossings, progress),
            Way::Rewind(way) => way.solve_with_events(field, span, y0, save, crossings, progress),
        }
    }

    fn pull_back_with_events(
        &mut self,
        field: &mut SymbolicAt<'_, f64>,
        cotangents: &Cotangents<'_, f64>,
        crossings: &mut [Crossing<'_, f64>],
        progress: Progress<'_>,
    ) -> Result<Gradient<f64>, AdjointError> {
        match self {
            Way::Discrete(way) => way.pull_back_with_events(field, cotangents, crossings, progress),
            Way::Rewind(way) => way.pull_back_with_events(field, cotangents, crossings, progress),
        }
    }
}

impl Solver {
    /// Are there algebraic equations?
    fn is_massive(&self) -> bool {
        self.system().symbolic().at::<f64>(self.system().theta().to_vec()).mass().is_some()
    }

    fn discrete(&self, budget: Budget) -> Result<Way, AdjointError> {
        let discrete = Discrete::new(self.method(), self.initial().len(), self.options(), budget)?;
        Ok(Way::Discrete(Box::new(discrete)))
    }

    /// The reversible method of the user's choice, or one after the tolerance where the problem is not stiff.
    fn rewind(&self) -> Result<Way, AdjointError> {
        let n = self.initial().len();
        if self.is_massive() {
            return Err(AdjointError::Massive);
        }
        let method = match self.method() {
            Method::Reversible(method) => method,
            Method::Auto => {
                let field = self.system().symbolic().at(self.system().theta().to_vec());
                let mut integrator = Integrator::new(Method::Auto, n, self.options())?;
                // Without its events a problem may not reach the end; that says nothing.
                let trial = integrator.solve(&field, self.span(), self.initial(), Save::End);
                if trial.is_ok_and(|trial| trial.stats.factorizations > 0) {
                    return Err(AdjointError::Stiff);
                }
                if self.options().rtol < 1e-6 { &REVERSIBLE_DOP853 } else { &REVERSIBLE_TSIT5 }
            }
            other => return Err(AdjointError::NotReversible { method: other.name() }),
        };
        Ok(Way::Rewind(Box::new(Rewind::new(method, n, self.options())?)))
    }
}

impl Solver {
    /// [`differentiate`](Solver::differentiate) by tangents.
    fn differentiate_forward(
        &self,
        objective: &Objective,
        goes_on: &mut dyn FnMut(f64) -> bool,
    ) -> Result<(Run, Option<Derivatives>), Box<NoGradient>> {
        let (n, p, (start, end)) = (self.initial().len(), self.system().theta().len(), self.span());
        let failed = |error, solution: Solution<f64>| Box::new(NoGradient { error, run: self.run(solution) });
        let mut integrator = Integrator::new(self.method(), n, self.options())
            .map_err(|error| failed(error.into(), Solution::empty(n)))?;
        let mut field = self.system().symbolic().at(self.system().theta().to_vec());
        let mut directions = Directions::all(n, p);
        // Discrete values begin as they are.
        directions.initial.drain(objective.variables * n..n * n);
        directions.parameters.drain(objective.variables * p..n * p);
        let pushed = push_forward(
            &mut integrator,
            &mut field,
            self.system().field(),
            (start, end),
            self.initial(),
            self.save(),
            &mut objective.crossings(self),
            &directions,
            &mut |t| match goes_on((t - start) / (end - start)) {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            },
        );
        let (solution, moved) = pushed.map_err(|Unfinished { error, partial }| failed(error, *partial))?;
        if solution.ending == Ending::Stopped {
            return Ok((self.run(solution), None));
        }
        let mut seed = objective.seed(moved.t, &moved.y, self.system().theta());
        let along = moved.end.chunks_exact(n).zip(&moved.end_time);
        let slopes: Vec<f64> = along
            .map(|(tangent, time)| seed.time * time + tangent.iter().zip(&seed.state).map(|(a, b)| a * b).sum::<f64>())
            .collect();
        let (initial, parameters) = slopes.split_at(objective.variables);
        for (sum, slope) in seed.parameters.iter_mut().zip(parameters) {
            *sum += slope;
        }
        Ok((self.run(solution), Some(objective.derivatives(seed, initial, self.system().theta()))))
    }
}

impl Solver {
    /// [`differentiate`](Solver::differentiate) by the adjoint equation.
    fn differentiate_backwards(&self, objective: &Objective) -> Result<(Run, Option<Derivatives>), Box<NoGradient>> {
        let (n, theta) = (self.initial().len(), self.system().theta());
        let failed = |error| Box::new(NoGradient { error, run: self.run(Solution::empty(n)) });
        let tableau = match self.method() {
            Method::Explicit(tableau) => tableau,
            Method::Auto => &DOP853,
            _ => return Err(failed(AdjointError::NotBackwards)),
        };
        if self.is_massive() {
            return Err(failed(AdjointError::Massive));
        }
        if !objective.guards.is_empty() {
            return Err(failed(AdjointError::NotBackwards));
        }
        let field = self.system().symbolic().at(theta.to_vec());
        let end = Integrator::explicit(tableau, n, self.options())
            .and_then(|mut integrator| Ok(integrator.solve(&field, self.span(), self.initial(), Save::End)?))
            .map_err(|error| failed(error.into()))?;
        let seed = objective.seed(self.span().1, end.last(), theta);
        let cotangents = Cotangents { end: &seed.state, end_time: seed.time, ..Cotangents::default() };
        let (solution, found) =
            backsolve(tableau, &field, self.span(), self.initial(), self.save(), &cotangents, self.options())
                .map_err(failed)?;
        let error = found.initial_error.iter().chain(&found.parameter_error).fold(0.0_f64, |a, b| a.max(*b));
        let mut seed = objective.seed(self.span().1, end.last(), theta);
        for (sum, bar) in seed.parameters.iter_mut().zip(&found.gradient.parameters) {
            *sum += bar;
        }
        let derivatives = objective.derivatives(seed, &found.gradient.initial, theta);
        Ok((self.run(solution), Some(Derivatives { error: Some(error), ..derivatives })))
    }
}

/// The objective's own derivatives at the end.
struct Seed {
    value: f64,
    time: f64,
    state: Vec<f64>,
    parameters: Vec<f64>,
}

impl Seed {
    fn has_slopes(&self) -> bool {
        let numbers = [self.value, self.time].into_iter().chain(self.state.iter().chain(&self.parameters).copied());
        numbers.into_iter().all(f64::is_finite)
    }
}

impl Objective {
    fn seed(&self, t: f64, y: &[f64], theta: &[f64]) -> Seed {
        let mut quantity = Evaluated::new(&self.quantity, None);
        let mut value = [0.0];
        let (mut state, mut parameters) = (vec![0.0; y.len()], vec![0.0; theta.len()]);
        quantity.eval(t, y, theta, &mut value);
        let time = quantity.pull_back(t, y, theta, &[1.0], &mut state, &mut parameters);
        Seed { value: value[0], time, state, parameters }
    }

    /// Passes through the formulas of the initial values.
    fn derivatives(&self, seed: Seed, initial: &[f64], theta: &[f64]) -> Derivatives {
        let initial = initial[..self.variables].to_vec();
        let mut parameters = seed.parameters;
        self.initial.add([theta, &initial], &mut Registers::new(), &mut Vec::new(), |i, bar| parameters[i] += bar);
        Derivatives { value: seed.value, initial, parameters, error: None }
    }
}

/// A formula with its memory: all outputs, or new values for some components of the state.
struct Evaluated<'a> {
    formula: &'a Formula,
    components: Option<&'a Vec<usize>>,
    registers: Registers<f64>,
    back: Registers<f64>,
    inputs: Vec<f64>,
    outputs: Vec<f64>,
    bars: Vec<f64>,
}

impl<'a> Evaluated<'a> {
    fn new(formula: &'a Formula, components: Option<&'a Vec<usize>>) -> Self {
        let (registers, back) = (Registers::new(), Registers::new());
        let outputs = vec![0.0; formula.program.output_count()];
        Evaluated { formula, components, registers, back, inputs: Vec::new(), outputs, bars: Vec::new() }
    }

    fn gather(&mut self, t: f64, y: &[f64], theta: &[f64]) {
        self.inputs.clear();
        self.inputs.push(t);
        self.inputs.extend_from_slice(y);
        self.inputs.extend_from_slice(theta);
    }
}

impl Pointwise<f64> for Evaluated<'_> {
    fn eval(&mut self, t: f64, y: &[f64], theta: &[f64], out: &mut [f64]) {
        self.gather(t, y, theta);
        self.formula.program.eval(&self.inputs, &mut self.outputs, &mut self.registers);
        match self.components {
            None => out.copy_from_slice(&self.outputs),
            Some(components) => {
                out.copy_from_slice(y);
                for (&component, &value) in components.iter().zip(&self.outputs) {
                    out[component] = value;
                }
            }
        }
    }

    fn pull_back(
        &mut self,
        t: f64,
        y: &[f64],
        theta: &[f64],
        out_bar: &[f64],
        y_bar: &mut [f64],
        theta_bar: &mut [f64],
    ) -> f64 {
        self.gather(t, y, theta);
        match self.components {
            None => self.outputs.copy_from_slice(out_bar),
            Some(components) => {
                for (i, (sum, &bar)) in y_bar.iter_mut().zip(out_bar).enumerate() {
                    // The last of several values for one component is the one it has.
                    *sum += if components.contains(&i) { 0.0 } else { bar };
                }
                for (k, (weight, &component)) in self.outputs.iter_mut().zip(components).enumerate() {
                    *weight = if components[k + 1..].contains(&component) { 0.0 } else { out_bar[component] };
                }
            }
        }
        let mut t_bar = 0.0;
        let n = y.len();
        self.formula.pullback.add([&self.inputs, &self.outputs], &mut self.back, &mut self.bars, |input, bar| {
            match input.checked_sub(1) {
                None => t_bar += bar,
                Some(i) if i < n => y_bar[i] += bar,
                Some(i) => theta_bar[i - n] += bar,
            }
        });
        t_bar
    }
}
