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
use crate::graph::{ExprId, Graph, SymbolId};
use crate::halves::{HalfRegisters, Halves};
use crate::program::{Program, Registers};
use crate::pullback::Pullback;

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
    /// The slopes that are not zero.
    slopes: Program,
    /// Where each slope belongs in the entries of the Jacobian followed by the slopes in time.
    places: Vec<usize>,
    /// How many entries the Jacobian is handed out as.
    entries: usize,
    sparsity: Option<Sparsity>,
    /// The states whose equation has no derivative.
    algebraic: Vec<usize>,
    pullback: Pullback,
    /// The halves for symplectic methods, where there are two.
    halves: Option<Halves>,
    /// The equations made ready for expansion, when first asked for.
    series: OnceLock<Series>,
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
        let field = ExprField::new(graph, equations, states, parameters)?;
        let inputs = input_names(states, parameters);
        let n = states.len();
        let halves = Halves::find(graph, equations, &inputs)?;
        let (mut slopes, mut rows) = (Vec::new(), Vec::with_capacity(n));
        // Row by row and by ascending column, as entries are handed out; the slope in time, column n, comes last.
        let mut columns: Vec<(SymbolId, usize)> = Vec::with_capacity(n + 1);
        let hidden = inputs[0] != "t";
        let names = inputs[1..=n].iter().chain(&inputs[..1]).enumerate().filter(|(j, _)| *j < n || !hidden);
        columns.extend(names.filter_map(|(j, name)| Some((graph.find_symbol(name)?, j))));
        columns.sort_unstable();
        for &equation in equations {
            let mut row = Vec::new();
            for symbol in graph.symbols(equation) {
                if let Ok(at) = columns.binary_search_by_key(&symbol, |column| column.0) {
                    row.push(columns[at].1);
                }
            }
            row.sort_unstable();
            row.retain(|&j| {
                let slope = graph.derivative(equation, if j == n { inputs[0] } else { inputs[j + 1] });
                let slope = graph.simplify(slope);
                let moves = graph.constant_value(slope) != Some(0.0);
                if moves {
                    slopes.push(slope);
                }
                moves
            });
            rows.push(row);
        }
        let count = rows.iter().flatten().filter(|&&j| j < n).count();
        let sparse = n >= SPARSE_FROM && 2 * count <= n * n;
        let entries = if sparse { count } else { n * n };
        let (mut places, mut next) = (Vec::with_capacity(slopes.len()), 0..count);
        for (i, row) in rows.iter().enumerate() {
            places.extend(row.iter().map(|&j| match j {
                _ if j == n => entries + i,
                _ if sparse => next.next().expect("one number an entry"),
                _ => i * n + j,
            }));
        }
        rows.iter_mut().for_each(|row| row.retain(|&j| j < n));
        let sparsity = sparse.then(|| Sparsity::from_rows(rows));
        let slopes = Program::compile(graph, &slopes, &inputs)?;
        let pullback = Pullback::compile(graph, equations, &inputs)?;
        let (algebraic, series) = (Vec::new(), OnceLock::new());
        Ok(SymbolicField { field, slopes, places, entries, sparsity, algebraic, pullback, halves, series })
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
        self.places.len()
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
    slopes: Registers<S>,
    values: Vec<S>,
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
        let SymbolicField { field, slopes, places, halves, .. } = self.family;
        SymbolicRegisters {
            field: field.program().registers(),
            slopes: slopes.registers(),
            values: vec![S::zero(); places.len()],
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
        let SymbolicField { field, slopes, places, entries, .. } = self.family;
        let n = field.size().0;
        assert_eq!((y.len(), jac.len(), time.len()), (n, *entries, n), "an entry a place and a slope per state");
        slopes.eval_parts([&[t], y, &self.theta], &mut work.values, &mut work.slopes);
        if self.family.sparsity.is_none() {
            jac.fill(R::zero());
        }
        time.fill(R::zero());
        for (&place, &value) in places.iter().zip(&work.values) {
            match place.checked_sub(*entries) {
                None => jac[place] = value,
                Some(i) => time[i] = value,
            }
        }
    }

    fn sparsity(&self) -> Option<&Sparsity> {
        self.family.sparsity.as_ref()
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
