//! [`SymbolicField`]: equations together with their symbolic Jacobian, both compiled.
//!
//! Only the entries that are not zero by structure are computed, with what they share worked out once, so a sparse system
//! costs what its entries cost. From [`SPARSE_FROM`] states on a Jacobian that is mostly zero is handed out as its entries
//! alone, so that a solver can work in proportion to them.

use std::sync::OnceLock;

use vecfield_autodiff::{Dual, Series, SeriesMemory};
use vecfield_traits::{Elementary, Half, Jacobian, Mass, Partition, Real, Sparsity, VectorField, Vjp};

use crate::error::CompileError;
use crate::field::{ExprField, input_names};
use crate::graph::{ExprId, Graph};
use crate::halves::{HalfRegisters, Halves};
use crate::program::{Program, Registers};
use crate::pullback::Pullback;
use crate::slopes::{Layout, Rows, SlopeRegisters, Slopes};

/// The number of states from which on a Jacobian declares where it is zero; below, a full matrix is as fast.
pub const SPARSE_FROM: usize = 13;

/// An [`ExprField`] that also knows `∂f/∂y` and `∂f/∂t` as formulas, and its pullback; and whether its equations fall into
/// positions and momenta, as those of a separable Hamiltonian do.
///
/// ```
/// use vecfield_expr::{Graph, Scope, SymbolicField};
/// use vecfield_traits::{Jacobian, VectorField};
///
/// let mut graph = Graph::new();
/// let scope = Scope::new(["t", "x", "y", "mu"])?;
/// let equations = [graph.parse("y", &scope)?, graph.parse("mu*(1 - x^2)*y - x + t", &scope)?];
/// let family = SymbolicField::new(&mut graph, &equations, &["x", "y"], &["mu"])?;
///
/// let field = family.at(vec![3.0]);
/// let (mut jacobian, mut time, mut work) = ([0.0; 4], [0.0; 2], field.workspace());
/// field.jacobian(0.0, &[2.0, 1.0], &mut jacobian, &mut time, &mut work);
/// assert_eq!((jacobian, time), ([0.0, 1.0, -13.0, -9.0], [0.0, 1.0]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SymbolicField {
    field: ExprField,
    slopes: Slopes,
    /// How this Jacobian and that of the stiff part are handed out.
    layout: Layout,
    stiff: Option<StiffPart>,
    /// The states whose equation has no derivative.
    algebraic: Vec<usize>,
    pullback: Pullback,
    /// The halves for symplectic methods, where there are two.
    halves: Option<Halves>,
    /// The equations made ready for expansion, when first asked for.
    series: OnceLock<Series>,
}

/// What implicit–explicit methods treat implicitly.
#[derive(Debug, Clone, PartialEq)]
struct StiffPart {
    program: Program,
    slopes: Slopes,
    pullback: Pullback,
}

impl SymbolicField {
    /// The field of [`ExprField::new`], with its slopes; the graph grows by them.
    ///
    /// # Errors
    ///
    /// As [`ExprField::new`].
    pub fn new<N: AsRef<str>, P: AsRef<str>>(
        graph: &mut Graph,
        equations: &[ExprId],
        states: &[N],
        parameters: &[P],
    ) -> Result<SymbolicField, CompileError> {
        Self::assemble(graph, equations, None, states, parameters)
    }

    /// The same, where implicit–explicit methods treat `stiff`, a formula a state, implicitly and the rest of the equations
    /// explicitly. The equations are the whole of it all the same, and to every other method `stiff` makes no difference.
    ///
    /// ```
    /// use vecfield_expr::{Graph, Scope, SymbolicField};
    /// use vecfield_traits::{Jacobian, VectorField};
    ///
    /// let mut graph = Graph::new();
    /// let scope = Scope::new(["t", "u"])?;
    /// let whole = graph.parse("-1000*(u - cos(t)) - sin(t)", &scope)?;
    /// let stiff = graph.parse("-1000*(u - cos(t))", &scope)?;
    /// let family = SymbolicField::split(&mut graph, &[whole], &[stiff], &["u"], &[""; 0])?;
    ///
    /// let field = family.at(vec![]);
    /// let (mut part, mut work) = ([0.0], field.workspace());
    /// assert!(field.stiff_part(0.0, &[3.0], &mut part, &mut work));
    /// assert_eq!(part, [-2000.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`ExprField::new`], of the equations and of the parts.
    pub fn split<N: AsRef<str>, P: AsRef<str>>(
        graph: &mut Graph,
        equations: &[ExprId],
        stiff: &[ExprId],
        states: &[N],
        parameters: &[P],
    ) -> Result<SymbolicField, CompileError> {
        if stiff.len() != states.len() {
            return Err(CompileError::Count { equations: stiff.len(), states: states.len() });
        }
        Self::assemble(graph, equations, Some(stiff), states, parameters)
    }

    fn assemble<N: AsRef<str>, P: AsRef<str>>(
        graph: &mut Graph,
        equations: &[ExprId],
        stiff: Option<&[ExprId]>,
        states: &[N],
        parameters: &[P],
    ) -> Result<SymbolicField, CompileError> {
        let field = ExprField::new(graph, equations, states, parameters)?;
        let inputs = input_names(states, parameters);
        let halves = Halves::find(graph, equations, &inputs)?;
        let rows = Rows::of(graph, equations, &inputs);
        let part = stiff.map(|stiff| (stiff, Rows::of(graph, stiff, &inputs)));
        let layout = match &part {
            None => Layout::holding(states.len(), &[&rows]),
            Some((_, part)) => Layout::holding(states.len(), &[&rows, part]),
        };
        let stiff = part.map(|(stiff, rows)| {
            let program = Program::compile(graph, stiff, &inputs)?;
            let pullback = Pullback::compile(graph, stiff, &inputs)?;
            Ok(StiffPart { program, slopes: Slopes::compile(graph, &rows, &layout, &inputs)?, pullback })
        });
        Ok(SymbolicField {
            field,
            slopes: Slopes::compile(graph, &rows, &layout, &inputs)?,
            stiff: stiff.transpose()?,
            layout,
            algebraic: Vec::new(),
            pullback: Pullback::compile(graph, equations, &inputs)?,
            halves,
            series: OnceLock::new(),
        })
    }

    /// The same, where the equations of these states are `0 = f_i` instead of `dy_i/dt = f_i`.
    ///
    /// # Panics
    ///
    /// If there is no such state.
    pub fn with_algebraic(self, states: Vec<usize>) -> SymbolicField {
        let n = self.field.size().0;
        assert!(states.iter().all(|&state| state < n), "there are {n} states");
        SymbolicField { algebraic: states, ..self }
    }

    /// The equations alone, a family over any number.
    pub fn field(&self) -> &ExprField {
        &self.field
    }

    /// The equations as a propagator of Taylor series, with inputs `t`, states, parameters.
    pub fn series(&self) -> &Series {
        self.series.get_or_init(|| Series::new(&self.field.program().tape()))
    }

    /// How many entries of `∂f/∂y` and `∂f/∂t` are not zero by structure.
    pub fn entry_count(&self) -> usize {
        self.slopes.len()
    }

    /// The member of the family at `theta`, with its Jacobian.
    ///
    /// # Panics
    ///
    /// If `theta` does not have one value per parameter.
    pub fn at<R: Real>(&self, theta: Vec<R>) -> SymbolicAt<'_, R> {
        assert_eq!(theta.len(), self.field.size().1, "one value per parameter");
        let mut diagonal = vec![R::one(); self.field.size().0];
        self.algebraic.iter().for_each(|&state| diagonal[state] = R::zero());
        let mass = (!self.algebraic.is_empty()).then(|| Mass::diagonal(diagonal));
        SymbolicAt { family: self, theta, mass }
    }
}

/// A [`SymbolicField`] with its parameters filled in: a field for implicit methods.
#[derive(Debug, Clone)]
pub struct SymbolicAt<'a, R> {
    family: &'a SymbolicField,
    theta: Vec<R>,
    mass: Option<Mass<R>>,
}

impl<R> SymbolicAt<'_, R> {
    /// The parameters the family is held at.
    pub fn theta(&self) -> &[R] {
        &self.theta
    }

    /// The same parameters, to be changed in place.
    pub fn theta_mut(&mut self) -> &mut [R] {
        &mut self.theta
    }
}

/// The memory of a [`SymbolicAt`].
#[derive(Debug, Clone)]
pub struct SymbolicRegisters<S> {
    field: Registers<S>,
    slopes: SlopeRegisters<S>,
    stiff: Option<(Registers<S>, SlopeRegisters<S>)>,
    pullback: Registers<S>,
    bars: Vec<S>,
    /// The pullback and its tangent, made when first asked for.
    along: Along<S>,
    halves: Option<HalfRegisters<S>>,
    series: SeriesMemory<S>,
    /// Time, states and parameters, where they must lie together.
    inputs: Vec<S>,
}

/// Memory for a pullback over duals.
#[derive(Debug, Clone)]
struct Along<S> {
    inputs: Vec<Dual<S, 1>>,
    bars: Vec<Dual<S, 1>>,
    registers: Registers<Dual<S, 1>>,
}

impl<S: Elementary> VectorField<S> for SymbolicAt<'_, S> {
    type Workspace = SymbolicRegisters<S>;

    fn workspace(&self) -> SymbolicRegisters<S> {
        let SymbolicField { field, slopes, stiff, halves, .. } = self.family;
        SymbolicRegisters {
            field: field.program().registers(),
            slopes: slopes.registers(),
            stiff: stiff.as_ref().map(|part| (part.program.registers(), part.slopes.registers())),
            pullback: Registers::new(),
            bars: Vec::new(),
            along: Along { inputs: Vec::new(), bars: Vec::new(), registers: Registers::new() },
            halves: halves.as_ref().map(Halves::registers),
            series: SeriesMemory::new(),
            inputs: Vec::new(),
        }
    }

    fn dim(&self) -> usize {
        self.family.field.size().0
    }

    #[inline]
    fn eval(&self, t: S, y: &[S], dy: &mut [S], work: &mut SymbolicRegisters<S>) {
        self.family.field.write(t, y, &self.theta, dy, &mut work.field);
    }

    fn partition(&self) -> Option<&Partition> {
        self.family.halves.as_ref().map(Halves::partition)
    }

    #[inline]
    fn eval_half(&self, half: Half, t: S, y: &[S], dy: &mut [S], work: &mut SymbolicRegisters<S>) {
        match (&self.family.halves, &mut work.halves) {
            (Some(halves), Some(work)) => halves.write(half, (t, y, &self.theta), dy, work),
            _ => self.eval(t, y, dy, work),
        }
    }
}

impl<R: Real> Jacobian<R> for SymbolicAt<'_, R> {
    fn jacobian(&self, t: R, y: &[R], jac: &mut [R], time: &mut [R], work: &mut SymbolicRegisters<R>) {
        let SymbolicField { slopes, layout, .. } = self.family;
        slopes.write(layout, [&[t], y, &self.theta], (jac, time), &mut work.slopes);
    }

    fn sparsity(&self) -> Option<&Sparsity> {
        self.family.layout.sparsity()
    }

    fn mass(&self) -> Option<&Mass<R>> {
        self.mass.as_ref()
    }

    fn taylor(&self, t: R, y: &[R], order: usize, coefficients: &mut [R], work: &mut SymbolicRegisters<R>) -> bool {
        if self.mass.is_some() {
            return false; // algebraic equations do not say what moves
        }
        work.inputs.clear();
        work.inputs.push(t);
        work.inputs.extend_from_slice(y);
        work.inputs.extend_from_slice(&self.theta);
        self.family.series().expand(&mut work.series, &work.inputs, order, coefficients);
        true
    }

    fn smooth_within(&self, h: R, work: &SymbolicRegisters<R>) -> R {
        self.family.series().smooth_within(&work.series, h)
    }

    fn stiff_part(&self, t: R, y: &[R], dy: &mut [R], work: &mut SymbolicRegisters<R>) -> bool {
        let (Some(part), Some((work, _))) = (&self.family.stiff, &mut work.stiff) else { return false };
        part.program.eval_parts([&[t], y, &self.theta], dy, work);
        true
    }

    fn stiff_jacobian(&self, t: R, y: &[R], jac: &mut [R], time: &mut [R], work: &mut SymbolicRegisters<R>) {
        match (&self.family.stiff, &mut work.stiff) {
            (Some(part), Some((_, work))) => {
                part.slopes.write(&self.family.layout, [&[t], y, &self.theta], (jac, time), work);
            }
            _ => self.jacobian(t, y, jac, time, work),
        }
    }
}

impl<R: Real> Vjp<R> for SymbolicAt<'_, R> {
    fn parameters(&self) -> &[R] {
        &self.theta
    }

    fn vjp(
        &self,
        t: R,
        y: &[R],
        dy_bar: &[R],
        y_bar: &mut [R],
        theta_bar: &mut [R],
        work: &mut SymbolicRegisters<R>,
    ) -> R {
        let mut t_bar = R::zero();
        self.family.pullback.add([&[t], y, &self.theta, dy_bar], &mut work.pullback, &mut work.bars, |input, bar| {
            add_bar(input, bar, &mut t_bar, y_bar, theta_bar)
        });
        t_bar
    }

    fn vjp_along(
        &self,
        t: R,
        y: &[R],
        t_dot: R,
        y_dot: &[R],
        dy_bar: &[R],
        y_bar: &mut [R],
        theta_bar: &mut [R],
        work: &mut SymbolicRegisters<R>,
    ) -> Option<R> {
        let mut t_dot_bar = R::zero();
        let Along { inputs, bars, registers } = &mut work.along;
        let moving = |(&value, &dot): (&R, &R)| Dual { value, tangent: [dot] };
        inputs.clear();
        inputs.push(moving((&t, &t_dot)));
        inputs.extend(y.iter().zip(y_dot).map(moving));
        inputs.extend(self.theta.iter().chain(dy_bar).map(|&value| Dual::constant(value)));
        self.family.pullback.add([&inputs[..]], registers, bars, |input, bar| {
            add_bar(input, bar.tangent[0], &mut t_dot_bar, y_bar, theta_bar);
        });
        Some(t_dot_bar)
    }

    fn stiff_vjp(
        &self,
        t: R,
        y: &[R],
        dy_bar: &[R],
        y_bar: &mut [R],
        theta_bar: &mut [R],
        work: &mut SymbolicRegisters<R>,
    ) -> Option<R> {
        let part = self.family.stiff.as_ref()?;
        let mut t_bar = R::zero();
        part.pullback.add([&[t], y, &self.theta, dy_bar], &mut work.pullback, &mut work.bars, |input, bar| {
            add_bar(input, bar, &mut t_bar, y_bar, theta_bar)
        });
        Some(t_bar)
    }
}

/// Adds the cotangent of one of the inputs `t, y, θ` to where it belongs.
#[inline]
fn add_bar<R: Real>(input: usize, bar: R, t_bar: &mut R, y_bar: &mut [R], theta_bar: &mut [R]) {
    match input.checked_sub(1) {
        None => *t_bar += bar,
        Some(i) if i < y_bar.len() => y_bar[i] += bar,
        Some(i) => theta_bar[i - y_bar.len()] += bar,
    }
}
