//! One window: Runge–Kutta 4 on state and sensitivities.

use crate::path::input_at;
use crate::{Library, SindyError};
use vecfield_autodiff::Dual;
use vecfield_data::{Trajectories, Trajectory};
use vecfield_expr::{ExprId, Program, Registers};
use vecfield_linalg::axpy;

/// The model left the neighbourhood of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Blowup;

/// Consecutive samples of a run that share an initial state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) run: usize,
    pub(crate) first: usize,
    pub(crate) len: usize,
}

/// The data cut into windows, and how finely to step.
pub(crate) struct Windows<'a> {
    pub(crate) data: &'a Trajectories,
    pub(crate) windows: Vec<Window>,
    /// A time step no longer than this.
    step: f64,
    /// States larger than this are a blow-up.
    bound: Vec<f64>,
}

const MOST_STEPS_PER_GAP: f64 = 1000.0;
const FAR: f64 = 8.0; // times the largest measurement

impl<'a> Windows<'a> {
    /// Windows of about `len` samples, with `steps` integration steps in a gap of median length.
    pub(crate) fn new(data: &'a Trajectories, len: usize, steps: usize) -> Self {
        let mut windows = Vec::new();
        let mut gaps = Vec::new();
        for (run, trajectory) in data.runs().iter().enumerate() {
            gaps.extend(trajectory.times().windows(2).map(|pair| pair[1] - pair[0]));
            if trajectory.len() > 1 {
                let edges = crate::regression::window_edges(trajectory.len(), len);
                windows.extend(edges.windows(2).map(|pair| Window { run, first: pair[0], len: pair[1] - pair[0] }));
            }
        }
        gaps.sort_by(f64::total_cmp);
        let median = gaps.get(gaps.len() / 2).copied().unwrap_or(1.0);
        let bound =
            (0..data.dim()).map(|i| FAR * data.observed(i).fold(0.0, |most: f64, y| most.max(y.abs()))).collect();
        Self { data, windows, step: median / steps as f64, bound }
    }

    fn run(&self, window: &Window) -> &Trajectory {
        &self.data.runs()[window.run]
    }
}

/// A right-hand side: terms `(equation, feature, coefficient)`, with the features they use compiled by themselves.
#[derive(Debug, Clone)]
pub(crate) struct Model<'a> {
    library: &'a Library,
    dim: usize,
    /// `(equation, feature of the library)`.
    pub(crate) terms: Vec<(usize, usize)>,
    pub(crate) coefficients: Vec<f64>,
    /// How many leading terms are free; the rest are known and fixed.
    pub(crate) free: usize,
    /// Features in use, and the one of each term among them.
    used: Program,
    place: Vec<usize>,
    used_count: usize,
}

impl<'a> Model<'a> {
    pub(crate) fn new(
        library: &'a Library,
        dim: usize,
        terms: Vec<(usize, usize)>,
        coefficients: Vec<f64>,
        free: usize,
    ) -> Result<Self, SindyError> {
        let mut features: Vec<usize> = terms.iter().map(|term| term.1).collect();
        features.sort_unstable();
        features.dedup();
        let formulas: Vec<ExprId> = features.iter().map(|&k| library.features()[k].formula()).collect();
        let used = Program::compile(library.graph(), &formulas, library.arguments())
            .expect("the library compiled with the same arguments");
        let place = terms.iter().map(|term| features.partition_point(|&k| k < term.1)).collect();
        Ok(Self { library, dim, terms, coefficients, free, used, place, used_count: features.len() })
    }

    pub(crate) fn dim(&self) -> usize {
        self.dim
    }
}

/// Which sensitivities to carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Columns {
    /// To the model's free terms.
    Free,
    /// To every coefficient of the first `features` of the library, equation by equation.
    All { features: usize },
}

impl Columns {
    pub(crate) fn count(self, model: &Model) -> usize {
        match self {
            Columns::Free => model.free,
            Columns::All { features } => features * model.dim,
        }
    }
}

const LANES: usize = 4;

/// Scratch memory for one window.
pub(crate) struct Scratch {
    dual_arguments: Vec<Dual<f64, LANES>>,
    dual_features: Vec<Dual<f64, LANES>>,
    dual_registers: Registers<Dual<f64, LANES>>,
    arguments: Vec<f64>,
    features: Vec<f64>,
    registers: Registers<f64>,
    all_features: Vec<f64>,
    all_registers: Registers<f64>,
    jacobian: Vec<f64>,
    x: [Vec<f64>; 6],
    s: [Vec<f64>; 6],
}

impl Scratch {
    pub(crate) fn new() -> Self {
        let empty = || core::array::from_fn(|_| Vec::new());
        Self {
            dual_arguments: Vec::new(),
            dual_features: Vec::new(),
            dual_registers: Registers::new(),
            arguments: Vec::new(),
            features: Vec::new(),
            registers: Registers::new(),
            all_features: Vec::new(),
            all_registers: Registers::new(),
            jacobian: Vec::new(),
            x: empty(),
            s: empty(),
        }
    }

    fn fit(&mut self, model: &Model, columns: usize) {
        let (d, arguments) = (model.dim, model.library.arguments().len());
        self.arguments.resize(arguments, 0.0);
        self.dual_arguments.resize(arguments, Dual::constant(0.0));
        self.features.resize(model.used_count, 0.0);
        self.dual_features.resize(model.used_count, Dual::constant(0.0));
        self.all_features.resize(model.library.len(), 0.0);
        self.jacobian.resize(d * d, 0.0);
        self.x.iter_mut().for_each(|x| x.resize(d, 0.0));
        self.s.iter_mut().for_each(|s| s.resize(d * columns, 0.0));
    }
}

/// Integrates window `w` from `start`: writes the states `[len, d]` and, when `columns` are given, `∂y/∂(θ, start)` `[len, d, columns + d]`.
#[allow(clippy::too_many_arguments)]
pub(crate) fn integrate(
    model: &Model,
    windows: &Windows,
    w: usize,
    start: &[f64],
    columns: Option<Columns>,
    scratch: &mut Scratch,
    states: &mut [f64],
    sensitivities: &mut [f64],
) -> Result<(), Blowup> {
    let d = model.dim;
    let count = columns.map_or(0, |columns| columns.count(model) + d);
    scratch.fit(model, count);
    let window = windows.windows[w];
    let run = windows.run(&window);
    scratch.x[0].copy_from_slice(start);
    scratch.s[0].fill(0.0);
    for i in 0..d.min(count) {
        scratch.s[0][i * count + count - d + i] = 1.0;
    }
    for k in 0..window.len {
        states[k * d..(k + 1) * d].copy_from_slice(&scratch.x[0]);
        if count > 0 {
            sensitivities[k * d * count..(k + 1) * d * count].copy_from_slice(&scratch.s[0]);
        }
        if k + 1 == window.len {
            break;
        }
        let (t0, t1) = (run.times()[window.first + k], run.times()[window.first + k + 1]);
        let steps = ((t1 - t0) / windows.step * (1.0 - 1e-9)).ceil().clamp(1.0, MOST_STEPS_PER_GAP);
        let h = (t1 - t0) / steps;
        for step in 0..steps as usize {
            runge_kutta(model, run, t0 + h * step as f64, h, columns, count, scratch);
        }
        // Written so that NaN counts as far.
        if !scratch.x[0].iter().zip(&windows.bound).all(|(x, bound)| x.abs() < *bound) {
            return Err(Blowup);
        }
    }
    Ok(())
}

/// The classical Runge–Kutta step; state and sensitivities in slot 0, stages in 1 to 4, the argument in 5.
fn runge_kutta(
    model: &Model,
    run: &Trajectory,
    t: f64,
    h: f64,
    columns: Option<Columns>,
    count: usize,
    scratch: &mut Scratch,
) {
    const STAGES: [(f64, f64); 4] = [(0.0, 1.0 / 6.0), (0.5, 1.0 / 3.0), (0.5, 1.0 / 3.0), (1.0, 1.0 / 6.0)];
    for (stage, (c, _)) in STAGES.iter().enumerate() {
        for slots in [&mut scratch.x, &mut scratch.s] {
            let (head, tail) = slots.split_at_mut(5);
            tail[0].copy_from_slice(&head[0]);
            if stage > 0 {
                axpy(c * h, &head[stage], &mut tail[0]);
            }
        }
        rates(model, run, t + c * h, columns, count, stage + 1, scratch);
    }
    for slots in [&mut scratch.x, &mut scratch.s] {
        let (first, stages) = slots.split_at_mut(1);
        for ((_, b), k) in STAGES.iter().zip(&stages[..4]) {
            axpy(b * h, k, &mut first[0]);
        }
    }
}

/// The right-hand sides at the argument in slot 5, into slot `to`.
fn rates(
    model: &Model,
    run: &Trajectory,
    t: f64,
    columns: Option<Columns>,
    count: usize,
    to: usize,
    scratch: &mut Scratch,
) {
    let d = model.dim;
    let inputs = run.input_count();
    scratch.arguments[..d].copy_from_slice(&scratch.x[5]);
    input_at(run, t, &mut scratch.arguments[d..d + inputs]);
    if let Some(time) = scratch.arguments.get_mut(d + inputs) {
        *time = t;
    }
    let Some(columns) = columns else {
        model.used.eval(&scratch.arguments, &mut scratch.features, &mut scratch.registers);
        sum_terms(model, &scratch.features, &mut scratch.x[to]);
        return;
    };
    jacobian(model, scratch);
    sum_terms(model, &scratch.features, &mut scratch.x[to]);
    let (head, tail) = scratch.s.split_at_mut(5);
    let (from, out) = (&tail[0], &mut head[to]);
    out.fill(0.0);
    for i in 0..d {
        for j in 0..d {
            let slope = scratch.jacobian[i * d + j];
            if slope != 0.0 {
                axpy(slope, &from[j * count..(j + 1) * count], &mut out[i * count..(i + 1) * count]);
            }
        }
    }
    match columns {
        Columns::Free => {
            for (q, (&(equation, _), &place)) in model.terms[..model.free].iter().zip(&model.place).enumerate() {
                out[equation * count + q] += scratch.features[place];
            }
        }
        Columns::All { features } => {
            model.library.eval(&scratch.arguments, &mut scratch.all_features, &mut scratch.all_registers);
            for i in 0..d {
                axpy(1.0, &scratch.all_features[..features], &mut out[i * count + i * features..][..features]);
            }
        }
    }
}

fn sum_terms(model: &Model, features: &[f64], rates: &mut [f64]) {
    rates.fill(0.0);
    for ((&(equation, _), &place), &coefficient) in model.terms.iter().zip(&model.place).zip(&model.coefficients) {
        rates[equation] += coefficient * features[place];
    }
}

/// Features in use and `∂f/∂y`, by duals of a few lanes at a time.
fn jacobian(model: &Model, scratch: &mut Scratch) {
    let d = model.dim;
    scratch.jacobian.fill(0.0);
    for first in (0..d).step_by(LANES) {
        for (i, (dual, &value)) in scratch.dual_arguments.iter_mut().zip(&scratch.arguments).enumerate() {
            let inside = i < d && (first..first + LANES).contains(&i);
            *dual = if inside { Dual::variable(value, i - first) } else { Dual::constant(value) };
        }
        model.used.eval(&scratch.dual_arguments, &mut scratch.dual_features, &mut scratch.dual_registers);
        for ((&(equation, _), &place), &coefficient) in model.terms.iter().zip(&model.place).zip(&model.coefficients) {
            for (lane, j) in (first..d.min(first + LANES)).enumerate() {
                scratch.jacobian[equation * d + j] += coefficient * scratch.dual_features[place].tangent[lane];
            }
        }
    }
    for (value, dual) in scratch.features.iter_mut().zip(&scratch.dual_features) {
        *value = dual.value;
    }
}
