//! [`StochasticFormulas`]: stochastic differential equations given as formulas, evaluated for many paths at once.

use vecfield_kernels::sum;
use vecfield_traits::{Calculus, Dependence, DriftDiffusion, DriftDiffusionVjp, Layout, Noise};

use crate::error::CompileError;
use crate::field::input_names;
use crate::graph::{ExprId, Graph};
use crate::program::{Program, RowRegisters};

/// `dy = f(t, y; θ) dt + g(t, y; θ) dW` with every component of `f` and every entry of `g` a formula.
///
/// What is known of the noise is read off the formulas: whether the strength depends on the state, whether every component has
/// a motion of its own, whether the columns commute.
///
/// ```
/// use vecfield_expr::{Graph, Scope, StochasticFormulas};
/// use vecfield_traits::{Calculus, DriftDiffusion, Noise};
///
/// // Two stocks, each with its own noise.
/// let mut graph = Graph::new();
/// let scope = Scope::new(["x", "y", "sigma"])?;
/// let drift = [graph.parse("0.05*x", &scope)?, graph.parse("0.03*y", &scope)?];
/// let none = graph.constant(0.0);
/// let diffusion = [vec![graph.parse("sigma*x", &scope)?, none], vec![none, graph.parse("0.1*y", &scope)?]];
/// let stocks = StochasticFormulas::new(&mut graph, &drift, &diffusion, &["x", "y"], &["sigma"], Calculus::Ito)?;
/// let stocks = stocks.at(vec![0.2]);
/// assert_eq!(stocks.noise(), Noise::diagonal(2));
///
/// // Three paths side by side.
/// let (mut g, mut work) = ([0.0; 6], stocks.workspace(3));
/// stocks.diffusion(0.0, &[1.0, 2.0, 3.0, 1.0, 1.0, 1.0], &mut g, &mut work);
/// assert_eq!(g, [0.2, 0.4, 0.2 * 3.0, 0.1, 0.1, 0.1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct StochasticFormulas {
    calculus: Calculus,
    noise: Noise,
    states: usize,
    parameters: usize,
    drift: Program,
    diffusion: Program,
    both: Program,
    /// `Σ_l g_lj ∂g_ik/∂y_l`, where there are not too many.
    slopes: Option<Program>,
    /// `∂f/∂y`, likewise.
    jacobian: Option<Program>,
    /// Over `t`, states, parameters, cotangents of drift and diffusion: the cotangents that are not zero by structure.
    pullback: Program,
    /// The state or, behind those, the parameter each belongs to.
    places: Vec<usize>,
}

/// Derivatives are worked out up to so many of them.
const MOST_DERIVATIVES: usize = 4096;

impl StochasticFormulas {
    /// The equation whose component `i` has the drift `drift[i]` and the diffusion `diffusion[i]`, one formula a motion.
    ///
    /// # Errors
    ///
    /// [`CompileError`]: a name that is neither `t`, a state nor a parameter, two quantities of one name, or not one drift and
    /// one row of the diffusion per state, with rows of one length.
    pub fn new<N: AsRef<str>, P: AsRef<str>>(
        graph: &mut Graph,
        drift: &[ExprId],
        diffusion: &[Vec<ExprId>],
        states: &[N],
        parameters: &[P],
        calculus: Calculus,
    ) -> Result<Self, CompileError> {
        let columns = diffusion.first().map_or(0, Vec::len);
        for equations in [drift.len(), diffusion.len()] {
            if equations != states.len() {
                return Err(CompileError::Count { equations, states: states.len() });
            }
        }
        if let Some(row) = diffusion.iter().find(|row| row.len() != columns) {
            return Err(CompileError::Count { equations: row.len(), states: columns });
        }
        let names: Vec<&str> = states.iter().map(AsRef::as_ref).collect();
        let inputs = input_names(states, parameters);
        let flows = flows(graph, diffusion, &names);
        let noise = known_of(graph, diffusion, &names, &flows);
        let entries: Vec<ExprId> = match noise.layout {
            Layout::Diagonal => (0..names.len()).map(|i| diffusion[i][i]).collect(),
            Layout::Dense => diffusion.iter().flatten().copied().collect(),
        };
        let slopes = (!flows.is_empty()).then(|| match noise.layout {
            Layout::Diagonal => (0..names.len()).map(|i| flows[(i * columns + i) * columns + i]).collect(),
            Layout::Dense => flows,
        });
        let slopes = slopes.map(|slopes: Vec<ExprId>| Program::compile(graph, &slopes, &inputs)).transpose()?;
        let jacobian = (names.len() * names.len() <= MOST_DERIVATIVES)
            .then(|| drift.iter().flat_map(|&f| names.iter().map(move |name| (f, *name))).collect::<Vec<_>>());
        let jacobian = jacobian.map(|pairs| {
            let slopes: Vec<ExprId> = pairs.into_iter().map(|(f, name)| graph.derivative(f, name)).collect();
            Program::compile(graph, &slopes, &inputs)
        });
        let outputs = [drift, &entries].concat();
        // No formula can write these names.
        let weights: Vec<String> = (0..outputs.len()).map(|i| format!("cotangent of output {i}")).collect();
        let weighted: Vec<_> = outputs.iter().zip(&weights).map(|(&output, w)| (output, graph.symbol(w))).collect();
        let bars = graph.pullback(&weighted, &inputs[1..]);
        let (places, bars): (Vec<_>, Vec<_>) =
            bars.into_iter().enumerate().filter_map(|(place, bar)| Some((place, bar?))).unzip();
        let with_weights: Vec<&str> = inputs.iter().copied().chain(weights.iter().map(String::as_str)).collect();
        Ok(StochasticFormulas {
            calculus,
            noise,
            states: names.len(),
            parameters: parameters.len(),
            drift: Program::compile(graph, drift, &inputs)?,
            diffusion: Program::compile(graph, &entries, &inputs)?,
            both: Program::compile(graph, &outputs, &inputs)?,
            slopes,
            jacobian: jacobian.transpose()?,
            pullback: Program::compile(graph, &bars, &with_weights)?,
            places,
        })
    }

    /// The equation at these parameters.
    ///
    /// # Panics
    ///
    /// If `theta` does not have one value per parameter.
    pub fn at(&self, theta: Vec<f64>) -> StochasticAt<'_> {
        assert_eq!(theta.len(), self.parameters, "one value per parameter");
        StochasticAt { formulas: self, theta }
    }

    /// What is known of its noise.
    pub fn noise(&self) -> Noise {
        self.noise
    }

    /// How it is meant.
    pub fn calculus(&self) -> Calculus {
        self.calculus
    }
}

/// `Σ_l g_lj ∂g_ik/∂y_l` as `[states (i), columns (k), columns (j)]`; none where they are too many.
fn flows(graph: &mut Graph, diffusion: &[Vec<ExprId>], states: &[&str]) -> Vec<ExprId> {
    let columns = diffusion.first().map_or(0, Vec::len);
    if states.len() * columns * columns > MOST_DERIVATIVES {
        return Vec::new();
    }
    let mut flows = Vec::with_capacity(states.len() * columns * columns);
    for row in diffusion {
        for &entry in row {
            let slopes: Vec<ExprId> = states.iter().map(|name| graph.derivative(entry, name)).collect();
            for j in 0..columns {
                let terms: Vec<ExprId> = (0..states.len()).map(|l| graph.mul(diffusion[l][j], slopes[l])).collect();
                flows.push(graph.sum(terms));
            }
        }
    }
    flows
}

fn known_of(graph: &mut Graph, diffusion: &[Vec<ExprId>], states: &[&str], flows: &[ExprId]) -> Noise {
    let columns = diffusion.first().map_or(0, Vec::len);
    let is_zero = |graph: &Graph, id: ExprId| graph.constant_value(id) == Some(0.0);
    let own = states.len() == columns
        && (0..columns).all(|i| (0..columns).all(|k| i == k || is_zero(graph, diffusion[i][k])));
    let looks_at = |graph: &Graph, id: ExprId, l: usize| {
        graph.find_symbol(states[l]).is_some_and(|state| graph.symbols(id).contains(&state))
    };
    let others = |graph: &Graph, i: usize, id: ExprId| (0..states.len()).any(|l| l != i && looks_at(graph, id, l));
    let additive = diffusion.iter().flatten().all(|&g| (0..states.len()).all(|l| !looks_at(graph, g, l)));
    let single = columns == 1 || own && (0..columns).all(|i| !others(graph, i, diffusion[i][i]));
    let dependence = match additive {
        true => Dependence::Additive,
        false if single || commutes(graph, states.len(), columns, flows) => Dependence::Commutative,
        false => Dependence::General,
    };
    // Where a component's own motion depends on others, methods for diagonal noise would be wrong.
    Noise { columns, layout: if single && columns > 1 { Layout::Diagonal } else { Layout::Dense }, dependence }
}

/// Is every difference of flows zero, once written out?
fn commutes(graph: &mut Graph, states: usize, columns: usize, flows: &[ExprId]) -> bool {
    if flows.is_empty() {
        return false;
    }
    let at = |i: usize, k: usize, j: usize| flows[(i * columns + k) * columns + j];
    for i in 0..states {
        for (j, k) in (0..columns).flat_map(|j| (0..j).map(move |k| (j, k))) {
            let difference = graph.sub(at(i, k, j), at(i, j, k));
            let written_out = graph.expand(difference);
            let written_out = graph.simplify(written_out);
            // Rounded constants may leave a trace of a term: another method is then used, which is right all the same.
            if graph.constant_value(written_out) != Some(0.0) {
                return false;
            }
        }
    }
    true
}

/// [`StochasticFormulas`] at fixed parameters; made by [`StochasticFormulas::at`].
#[derive(Debug, Clone, PartialEq)]
pub struct StochasticAt<'a> {
    formulas: &'a StochasticFormulas,
    theta: Vec<f64>,
}

/// Memory of an evaluation of [`StochasticAt`].
#[derive(Debug, Clone)]
pub struct StochasticRegisters {
    t: Vec<f64>,
    /// The parameters, a column each.
    theta: Vec<f64>,
    out: Vec<f64>,
    drift: RowRegisters<f64>,
    diffusion: RowRegisters<f64>,
    both: RowRegisters<f64>,
    others: RowRegisters<f64>,
}

impl StochasticAt<'_> {
    /// `[t, y, θ]` for so many paths.
    fn fill<'w>(&self, t: f64, paths: usize, times: &'w mut [f64], theta: &'w mut [f64]) -> [&'w [f64]; 2] {
        let (times, columns) = (&mut times[..paths], &mut theta[..paths * self.theta.len()]);
        times.fill(t);
        for (column, &value) in columns.chunks_exact_mut(paths.max(1)).zip(&self.theta) {
            column.fill(value);
        }
        [times, columns]
    }
}

impl DriftDiffusion<f64> for StochasticAt<'_> {
    type Workspace = StochasticRegisters;

    fn workspace(&self, paths: usize) -> StochasticRegisters {
        let StochasticFormulas { drift, diffusion, both, pullback, states, .. } = self.formulas;
        StochasticRegisters {
            t: vec![0.0; paths],
            theta: vec![0.0; paths * self.theta.len()],
            out: vec![0.0; paths * (states + self.noise().entries(*states)).max(pullback.output_count())],
            drift: drift.row_registers(),
            diffusion: diffusion.row_registers(),
            both: both.row_registers(),
            others: RowRegisters::new(),
        }
    }

    fn dim(&self) -> usize {
        self.formulas.states
    }

    fn noise(&self) -> Noise {
        self.formulas.noise
    }

    fn calculus(&self) -> Calculus {
        self.formulas.calculus
    }

    fn drift(&self, t: f64, y: &[f64], f: &mut [f64], work: &mut StochasticRegisters) {
        let paths = y.len() / self.dim().max(1);
        let [times, theta] = self.fill(t, paths, &mut work.t, &mut work.theta);
        self.formulas.drift.eval_stacked([times, y, theta], paths, f, &mut work.drift);
    }

    fn diffusion(&self, t: f64, y: &[f64], g: &mut [f64], work: &mut StochasticRegisters) {
        let paths = y.len() / self.dim().max(1);
        let [times, theta] = self.fill(t, paths, &mut work.t, &mut work.theta);
        self.formulas.diffusion.eval_stacked([times, y, theta], paths, g, &mut work.diffusion);
    }

    fn both(&self, t: f64, y: &[f64], f: &mut [f64], g: &mut [f64], work: &mut StochasticRegisters) {
        let paths = y.len() / self.dim().max(1);
        let [times, theta] = self.fill(t, paths, &mut work.t, &mut work.theta);
        let out = &mut work.out[..f.len() + g.len()];
        self.formulas.both.eval_stacked([times, y, theta], paths, out, &mut work.both);
        f.copy_from_slice(&out[..f.len()]);
        g.copy_from_slice(&out[f.len()..]);
    }

    fn self_slopes(&self, t: f64, y: &[f64], slopes: &mut [f64], work: &mut StochasticRegisters) -> bool {
        let Some(program) = &self.formulas.slopes else { return false };
        let paths = y.len() / self.dim().max(1);
        let [times, theta] = self.fill(t, paths, &mut work.t, &mut work.theta);
        program.eval_stacked([times, y, theta], paths, slopes, &mut work.others);
        true
    }

    fn drift_jacobian(&self, t: f64, y: &[f64], jacobian: &mut [f64], work: &mut StochasticRegisters) -> bool {
        let Some(program) = &self.formulas.jacobian else { return false };
        let paths = y.len() / self.dim().max(1);
        let [times, theta] = self.fill(t, paths, &mut work.t, &mut work.theta);
        program.eval_stacked([times, y, theta], paths, jacobian, &mut work.others);
        true
    }
}

impl DriftDiffusionVjp<f64> for StochasticAt<'_> {
    fn parameters(&self) -> &[f64] {
        &self.theta
    }

    fn pull_back(
        &self,
        t: f64,
        y: &[f64],
        f_bar: &[f64],
        g_bar: &[f64],
        y_bar: &mut [f64],
        theta_bar: &mut [f64],
        work: &mut StochasticRegisters,
    ) {
        let (states, paths) = (self.dim(), y.len() / self.dim().max(1));
        let [times, theta] = self.fill(t, paths, &mut work.t, &mut work.theta);
        let out = &mut work.out[..paths * self.formulas.places.len()];
        self.formulas.pullback.eval_stacked([times, y, theta, f_bar, g_bar], paths, out, &mut work.others);
        for (&place, bars) in self.formulas.places.iter().zip(out.chunks_exact(paths.max(1))) {
            match place.checked_sub(states) {
                None => y_bar[place * paths..][..paths].iter_mut().zip(bars).for_each(|(y_bar, bar)| *y_bar += bar),
                Some(parameter) => theta_bar[parameter] += sum(bars),
            }
        }
    }
}
