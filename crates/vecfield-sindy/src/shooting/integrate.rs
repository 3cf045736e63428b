//! One window: Runge–Kutta steps of state and sensitivities.

use crate::Library;
use crate::path::input_at;
use vecfield_autodiff::Dual;
use vecfield_data::{Trajectories, Trajectory};
use vecfield_expr::{ExprId, Program, Registers};
use vecfield_linalg::axpy;
use vecfield_solvers::tableau::{DOP853, RK4, Tableau};

/// The model left the neighbourhood of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Blowup;

/// Consecutive samples of a run that share an initial state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) run: usize,
    pub(crate) first: usize,
    pub(crate) len: usize,
    /// Does its path go on into the next window's?
    pub(crate) tied: bool,
}

/// How a run is cut into windows, and how finely these are integrated.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Cut {
    /// Samples in a window, about.
    pub(crate) len: usize,
    /// How finely states are integrated, from 0 (coarse) to [`FINEST`].
    pub(crate) level: usize,
    /// The same of sensitivities, at most as finely: they lead to the minimum, states say where it is.
    pub(crate) slopes: usize,
    /// What the end of a window may be off the start of the next, in shares of the noise: small, and all windows of a run are one path. None:
    /// whatever it likes.
    pub(crate) tie: Option<f64>,
}

/// How finely to integrate: a method, and its steps in a gap of median length.
type Resolution = (&'static Tableau, usize);

/// A method and its longest time step.
#[derive(Clone, Copy)]
struct Steps {
    tableau: &'static Tableau,
    longest: f64,
}

/// From coarse to fine. Where noise hides the error of a low order its steps are cheaper.
const RESOLUTIONS: [Resolution; 6] = [(&RK4, 2), (&RK4, 4), (&DOP853, 1), (&DOP853, 2), (&DOP853, 4), (&DOP853, 8)];

/// The finest resolution there is.
pub(crate) const FINEST: usize = RESOLUTIONS.len() - 1;

/// The data cut into windows, and how finely to step.
pub(crate) struct Windows<'a> {
    pub(crate) data: &'a Trajectories,
    pub(crate) windows: Vec<Window>,
    pub(crate) cut: Cut,
    /// Of states, and of sensitivities.
    steps: [Steps; 2],
    /// States larger than this are a blow-up.
    bound: Vec<f64>,
}

const MOST_STEPS_PER_GAP: f64 = 1000.0;
const FAR: f64 = 8.0; // times the largest measurement

impl<'a> Windows<'a> {
    pub(crate) fn new(data: &'a Trajectories, cut: Cut) -> Self {
        let Cut { len, level, slopes, tie } = cut;
        let mut windows = Vec::new();
        let mut gaps = Vec::new();
        for (run, trajectory) in data.runs().iter().enumerate() {
            gaps.extend(trajectory.times().windows(2).map(|pair| pair[1] - pair[0]));
            if trajectory.len() > 1 {
                let edges = crate::regression::window_edges(trajectory.len(), len);
                windows.extend(edges.windows(2).map(|pair| {
                    let tied = tie.is_some() && pair[1] < trajectory.len();
                    Window { run, first: pair[0], len: pair[1] - pair[0], tied }
                }));
            }
        }
        gaps.sort_by(f64::total_cmp);
        let median = gaps.get(gaps.len() / 2).copied().unwrap_or(1.0);
        let bound =
            (0..data.dim()).map(|i| FAR * data.observed(i).fold(0.0, |most: f64, y| most.max(y.abs()))).collect();
        let steps = [level, slopes.min(level)].map(|level| {
            let (tableau, steps) = RESOLUTIONS[level.min(FINEST)];
            Steps { tableau, longest: median / steps as f64 }
        });
        Self { data, windows, cut, steps, bound }
    }

    /// The same windows, cut otherwise in nothing but the levels.
    pub(crate) fn at(&self, level: usize, slopes: usize) -> Self {
        Self::new(self.data, Cut { level, slopes, ..self.cut })
    }

    /// Are there ties between them?
    pub(crate) fn ties(&self) -> usize {
        self.windows.iter().filter(|window| window.tied).count()
    }

    fn run(&self, window: &Window) -> &Trajectory {
        &self.data.runs()[window.run]
    }
}

/// Where a term stands in `fᵢ = known_i + Nᵢ / (1 + Dᵢ)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// In `N`.
    Numerator,
    /// In `D`.
    Denominator,
}

/// A term of an equation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Term {
    pub(crate) equation: usize,
    /// Of the library.
    pub(crate) feature: usize,
    pub(crate) part: Part,
}

impl Term {
    /// A term of a sum.
    pub(crate) fn of_sum((equation, feature): (usize, usize)) -> Self {
        Self { equation, feature, part: Part::Numerator }
    }
}

/// A right-hand side: terms with their coefficients, the features they use compiled by themselves.
#[derive(Debug, Clone)]
pub(crate) struct Model<'a> {
    library: &'a Library,
    dim: usize,
    pub(crate) terms: Vec<Term>,
    pub(crate) coefficients: Vec<f64>,
    /// How many leading terms are free; the rest are known and added to the quotient.
    pub(crate) free: usize,
    /// Features in use, and the one of each term among them.
    used: Program,
    place: Vec<usize>,
    used_count: usize,
}

impl<'a> Model<'a> {
    pub(crate) fn new(library: &'a Library, dim: usize, terms: Vec<Term>, coefficients: Vec<f64>, free: usize) -> Self {
        let mut features: Vec<usize> = terms.iter().map(|term| term.feature).collect();
        features.sort_unstable();
        features.dedup();
        let formulas: Vec<ExprId> = features.iter().map(|&k| library.features()[k].formula()).collect();
        let used = Program::compile(library.graph(), &formulas, library.arguments())
            .expect("the library compiled with the same arguments");
        let place = terms.iter().map(|term| features.partition_point(|&k| k < term.feature)).collect();
        Self { library, dim, terms, coefficients, free, used, place, used_count: features.len() }
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
    /// To every coefficient of the first `features` of the library, equation by equation: of all numerators, then of as many
    /// denominators where these are asked for.
    All { features: usize, denominators: bool },
}

impl Columns {
    pub(crate) fn count(self, model: &Model) -> usize {
        match self {
            Columns::Free => model.free,
            Columns::All { features, denominators } => features * model.dim * (1 + usize::from(denominators)),
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
    /// `1 + D`, then `∂f/∂N` and `∂f/∂D`, per equation.
    below: Vec<f64>,
    slopes: Vec<[f64; 2]>,
    /// The sign of `1 + D` where a pass over the windows begins, and whether it has changed: between samples a pole is stepped over unseen.
    signs: Vec<f64>,
    pole: bool,
    /// Slot 0: the state; one a stage; the last: a stage's argument.
    x: Vec<Vec<f64>>,
    s: Vec<Vec<f64>>,
    /// The state where a gap begins.
    before: Vec<f64>,
}

impl Scratch {
    pub(crate) fn new() -> Self {
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
            below: Vec::new(),
            slopes: Vec::new(),
            signs: Vec::new(),
            pole: false,
            x: Vec::new(),
            s: Vec::new(),
            before: Vec::new(),
        }
    }

    /// Begins a pass over the windows.
    pub(crate) fn begin(&mut self) {
        self.signs.clear();
        self.pole = false;
    }

    /// Have the denominators of several passes the same signs?
    pub(crate) fn agree<'s>(mut passes: impl Iterator<Item = &'s Scratch>) -> bool {
        let first = passes.next();
        let alike = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| a * b > 0.0);
        first.is_none_or(|first| passes.all(|other| alike(&first.signs, &other.signs)))
    }

    fn fit(&mut self, model: &Model, columns: usize, stages: usize) {
        let (d, arguments) = (model.dim, model.library.arguments().len());
        self.arguments.resize(arguments, 0.0);
        self.dual_arguments.resize(arguments, Dual::constant(0.0));
        self.features.resize(model.used_count, 0.0);
        self.dual_features.resize(model.used_count, Dual::constant(0.0));
        self.all_features.resize(model.library.len(), 0.0);
        self.jacobian.resize(d * d, 0.0);
        self.below.resize(d, 1.0);
        self.slopes.resize(d, [1.0, 0.0]);
        self.x.resize_with(stages + 2, Vec::new);
        self.s.resize_with(stages + 2, Vec::new);
        self.x.iter_mut().for_each(|x| x.resize(d, 0.0));
        self.s.iter_mut().for_each(|s| s.resize(d * columns, 0.0));
    }
}

/// Integrates window `w` from `start`, to the first sample of the next where that is tied to it: writes the states `[samples, d]` and, when
/// `columns` are given, `∂y/∂(θ, start)` `[samples, d, columns + d]`.
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
    scratch.fit(model, count, windows.steps.iter().map(|steps| steps.tableau.b.len()).max().unwrap_or(0));
    let window = windows.windows[w];
    let run = windows.run(&window);
    scratch.x[0].copy_from_slice(start);
    scratch.s[0].fill(0.0);
    for i in 0..d.min(count) {
        scratch.s[0][i * count + count - d + i] = 1.0;
    }
    let samples = window.len + usize::from(window.tied);
    for k in 0..samples {
        states[k * d..(k + 1) * d].copy_from_slice(&scratch.x[0]);
        if count > 0 {
            sensitivities[k * d * count..(k + 1) * d * count].copy_from_slice(&scratch.s[0]);
        }
        if k + 1 == samples {
            break;
        }
        let (t0, t1) = (run.times()[window.first + k], run.times()[window.first + k + 1]);
        let [fine, coarse] = windows.steps;
        if columns.is_none() || windows.cut.slopes >= windows.cut.level {
            across(fine, model, run, (t0, t1), columns, count, scratch);
        } else {
            // Every gap begins on the fine path.
            scratch.before.clone_from(&scratch.x[0]);
            across(coarse, model, run, (t0, t1), columns, count, scratch);
            scratch.x[0].copy_from_slice(&scratch.before);
            across(fine, model, run, (t0, t1), None, 0, scratch);
        }
        // Written so that NaN counts as far.
        if scratch.pole || !scratch.x[0].iter().zip(&windows.bound).all(|(x, bound)| x.abs() < *bound) {
            return Err(Blowup);
        }
    }
    Ok(())
}

/// Runge–Kutta steps of equal length over a gap.
fn across(
    steps: Steps,
    model: &Model,
    run: &Trajectory,
    (t0, t1): (f64, f64),
    columns: Option<Columns>,
    count: usize,
    scratch: &mut Scratch,
) {
    let number = ((t1 - t0) / steps.longest * (1.0 - 1e-9)).ceil().clamp(1.0, MOST_STEPS_PER_GAP);
    let h = (t1 - t0) / number;
    for step in 0..number as usize {
        runge_kutta(steps.tableau, model, run, t0 + h * step as f64, h, columns, count, scratch);
    }
}

/// An explicit Runge–Kutta step of state and sensitivities.
#[allow(clippy::too_many_arguments)]
fn runge_kutta(
    tableau: &Tableau,
    model: &Model,
    run: &Trajectory,
    t: f64,
    h: f64,
    columns: Option<Columns>,
    count: usize,
    scratch: &mut Scratch,
) {
    let stages = tableau.b.len();
    let carried = if count > 0 { 2 } else { 1 };
    for stage in 0..stages {
        for slots in [&mut scratch.x, &mut scratch.s].into_iter().take(carried) {
            let Some((argument, head)) = slots.split_last_mut() else { return };
            argument.copy_from_slice(&head[0]);
            for (&a, k) in tableau.a[stage].iter().zip(&head[1..]).filter(|(a, _)| **a != 0.0) {
                axpy(a * h, k, argument);
            }
        }
        rates(model, run, t + tableau.c[stage] * h, columns, count, stage + 1, scratch);
    }
    for slots in [&mut scratch.x, &mut scratch.s].into_iter().take(carried) {
        let (first, rest) = slots.split_at_mut(1);
        for (&b, k) in tableau.b.iter().zip(&*rest).filter(|(b, _)| **b != 0.0) {
            axpy(b * h, k, &mut first[0]);
        }
    }
}

/// The right-hand sides at the argument in the last slot, into slot `to`.
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
    let last = scratch.x.len() - 1;
    let inputs = run.input_count();
    scratch.arguments[..d].copy_from_slice(&scratch.x[last]);
    input_at(run, t, &mut scratch.arguments[d..d + inputs]);
    if let Some(time) = scratch.arguments.get_mut(d + inputs) {
        *time = t;
    }
    let Some(columns) = columns else {
        model.used.eval(&scratch.arguments, &mut scratch.features, &mut scratch.registers);
        model.sum(scratch, to);
        return;
    };
    jacobian(model, to, scratch);
    let (head, tail) = scratch.s.split_at_mut(last);
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
            for (q, (term, &place)) in model.terms[..model.free].iter().zip(&model.place).enumerate() {
                out[term.equation * count + q] +=
                    scratch.slopes[term.equation][term.part as usize] * scratch.features[place];
            }
        }
        Columns::All { features, denominators } => {
            model.library.eval(&scratch.arguments, &mut scratch.all_features, &mut scratch.all_registers);
            for part in 0..=usize::from(denominators) {
                for i in 0..d {
                    let at = i * count + (part * d + i) * features;
                    axpy(scratch.slopes[i][part], &scratch.all_features[..features], &mut out[at..at + features]);
                }
            }
        }
    }
}

impl Model<'_> {
    /// The slope of the right-hand side by what term `at` multiplies its coefficient with.
    fn slope(&self, at: usize, slopes: &[[f64; 2]]) -> f64 {
        if at < self.free { slopes[self.terms[at].equation][self.terms[at].part as usize] } else { 1.0 }
    }

    /// The right-hand sides from the features in use, into slot `to`, and their slopes by `N` and `D`.
    fn sum(&self, scratch: &mut Scratch, to: usize) {
        let rates = &mut scratch.x[to];
        rates.fill(0.0);
        scratch.below.fill(1.0);
        let value = |at: usize| self.coefficients[at] * scratch.features[self.place[at]];
        for (at, term) in self.terms[..self.free].iter().enumerate() {
            let sum = if term.part == Part::Numerator { &mut *rates } else { &mut scratch.below };
            sum[term.equation] += value(at);
        }
        if scratch.signs.is_empty() {
            scratch.signs.extend_from_slice(&scratch.below);
        }
        scratch.pole |= scratch.below.iter().zip(&scratch.signs).any(|(below, sign)| below * sign <= 0.0);
        for ((rate, below), slopes) in rates.iter_mut().zip(&scratch.below).zip(&mut scratch.slopes) {
            *rate /= below;
            *slopes = [1.0 / below, -*rate / below];
        }
        for (at, term) in self.terms.iter().enumerate().skip(self.free) {
            rates[term.equation] += value(at);
        }
    }
}

/// The right-hand sides into slot `to`, and `∂f/∂y`, by duals of a few lanes at a time.
fn jacobian(model: &Model, to: usize, scratch: &mut Scratch) {
    let d = model.dim;
    scratch.jacobian.fill(0.0);
    for first in (0..d).step_by(LANES) {
        for (i, (dual, &value)) in scratch.dual_arguments.iter_mut().zip(&scratch.arguments).enumerate() {
            let inside = i < d && (first..first + LANES).contains(&i);
            *dual = if inside { Dual::variable(value, i - first) } else { Dual::constant(value) };
        }
        model.used.eval(&scratch.dual_arguments, &mut scratch.dual_features, &mut scratch.dual_registers);
        if first == 0 {
            for (value, dual) in scratch.features.iter_mut().zip(&scratch.dual_features) {
                *value = dual.value;
            }
            model.sum(scratch, to);
        }
        for (at, (term, &place)) in model.terms.iter().zip(&model.place).enumerate() {
            let weight = model.coefficients[at] * model.slope(at, &scratch.slopes);
            for (lane, j) in (first..d.min(first + LANES)).enumerate() {
                scratch.jacobian[term.equation * d + j] += weight * scratch.dual_features[place].tangent[lane];
            }
        }
    }
}
