//! [`solve`]: from a problem to its solution, level by level, with an estimate of its error.
//!
//! Every level solves the problem anew and finer; what two levels differ by is the error of the coarser one, and the rate at
//! which differences shrink says how much smaller that of the finer one is.

mod found;
mod levels;

use crate::PinnError;
use crate::deep::{Architecture, DeepSystem, HIGHEST, Standing, total, train};
use crate::features::lattice;
use crate::formula::Columns;
use crate::mesh::Field;
use crate::problem::Problem;
use crate::unbounded::bounded;
pub(crate) use found::Pieces;
use found::Solution;
pub use found::{Constant, Found, Verdict};
use levels::Run;

/// How a problem is solved.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Stop when the estimate of the relative error is below.
    pub goal: f64,
    /// The most levels.
    pub levels: usize,
    /// No level is begun after as many multiplications, roughly.
    pub work: f64,
    /// Fixes the random choices of a deep network, unless the problem does.
    pub seed: u64,
    /// Where an earlier training of the deep network stood, to go on from there.
    pub standing: Option<Standing>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { goal: 1e-11, levels: 24, work: 4e12, seed: 0, standing: None }
    }
}

/// Where a run stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress<'a> {
    /// Newton steps or iterations of the training so far.
    pub iteration: usize,
    /// The mean square of all weighted residuals after the last.
    pub loss: f64,
    /// How much of the present level is done.
    pub share: f64,
    /// Which level, or round of a training, is under way, from 1.
    pub level: usize,
    /// What a training can go on from.
    pub standing: Option<&'a Standing>,
}

/// A box of more coordinates has no room for features.
const MOST_COORDINATES: usize = 30;
/// No estimate is smaller: what rounding leaves of a solution is seen by no comparison of levels.
const ROUNDING: f64 = 1e-12;

/// Counts steps and asks whether to go on.
pub(crate) struct Watcher<'w> {
    observe: &'w mut dyn FnMut(&Progress<'_>) -> bool,
    pub(crate) iterations: usize,
    pub(crate) residual: f64,
    pub(crate) share: f64,
    /// The windows of a march that was not finished.
    pub(crate) partial: Vec<Field>,
    level: usize,
    cut: bool,
    /// Multiplications so far, roughly.
    work: f64,
}

impl Watcher<'_> {
    pub(crate) fn go_on(&mut self) -> bool {
        let (iteration, loss) = (self.iterations, self.residual * self.residual);
        let progress = Progress { iteration, loss, share: self.share, level: self.level, standing: None };
        self.cut |= !(self.observe)(&progress);
        !self.cut
    }

    pub(crate) fn count(&mut self, iterations: usize, residual: f64, work: f64) -> Result<(), PinnError> {
        self.iterations += iterations;
        self.work += work * iterations as f64;
        self.residual = residual;
        if self.go_on() { Ok(()) } else { Err(PinnError::NoTime) }
    }
}

/// Solves a problem; `observe` is told of every step and says whether to go on.
///
/// * `wanted`: points where the solution will be asked for, coordinate by coordinate; a domain without bounds is solved where
///   they are.
///
/// # Errors
///
/// [`PinnError::Diverged`], [`PinnError::Untrained`], [`PinnError::NoTime`], [`PinnError::Unsupported`].
pub fn solve(
    problem: &Problem,
    wanted: Option<&[Vec<f64>]>,
    settings: &Settings,
    observe: &mut dyn FnMut(&Progress<'_>) -> bool,
) -> Result<Found, PinnError> {
    if problem.low.len() > MOST_COORDINATES && problem.network.is_none() {
        let reason = format!(
            "{} coordinates are too many for features in a box; a solution that depends on norm2(x) alone is solved \
             in any dimension: state the equation with laplacian, grad2 and norm2, or ask for a deep network",
            problem.low.len()
        );
        return Err(PinnError::unsupported("domain", reason));
    }
    let bounded = problem.normal.map(|_| bounded(problem, wanted)).transpose()?;
    let (problem, reach) = bounded.as_ref().map_or((problem, None), |(problem, reach)| (problem, Some(*reach)));
    let probes = match wanted {
        Some(points) if !points[0].is_empty() => {
            problem.check_wanted(points)?;
            thinned(points)
        }
        _ => probes(problem, reach),
    };
    if let Some(architecture) = &problem.network {
        return deep(problem, architecture, &probes, settings, observe);
    }
    let watcher = Watcher {
        observe: &mut *observe,
        iterations: 0,
        residual: f64::INFINITY,
        share: 0.0,
        partial: vec![],
        level: 1,
        cut: false,
        work: 0.0,
    };
    let mut run = Run::new(problem, settings, watcher, probes.clone());
    let solved = match problem.march() {
        Some(direction) => run.by_windows(direction),
        None => run.at_once(),
    };
    match solved {
        // Features that do not converge are no reason to give up.
        Err(PinnError::Diverged { .. }) if !problem.is_nonlocal() => {
            deep(problem, &Architecture::default(), &probes, settings, observe)
        }
        Err(error) => Err(error),
        Ok(()) => run.found(),
    }
}

/// Trains a deep network.
fn deep(
    problem: &Problem,
    architecture: &Architecture,
    probes: &Columns,
    settings: &Settings,
    observe: &mut dyn FnMut(&Progress<'_>) -> bool,
) -> Result<Found, PinnError> {
    if problem.is_nonlocal() {
        let reason = "a deep network knows no integrals, no fraclap and no values elsewhere; remove [network], and the \
                      weights of features are solved for";
        return Err(PinnError::unsupported("network", reason));
    }
    let formulas = problem.equations.iter().chain(problem.conditions.iter().map(|condition| &condition.formula));
    let orders = formulas.flat_map(|formula| &formula.jets).map(|jet| total(&jet.order));
    if let Some(order) = orders.max().filter(|&order| order > HIGHEST) {
        let reason = format!("derivatives of order {order}; a deep network carries those up to {HIGHEST}");
        return Err(PinnError::unsupported("equations", reason));
    }
    let seed = problem.training.seed.unwrap_or(settings.seed);
    let trained = train(problem, architecture, probes, seed, settings.standing.as_ref(), observe)?;
    let mut system = DeepSystem::new(problem, architecture, 1.0);
    let squares: f64 = system.sizes(&trained.x, probes).iter().map(|size| size * size).sum();
    let missing = crate::posed::unstated(problem);
    let verdict = match (missing.is_empty(), trained.error <= 1e-3) {
        (false, _) => Verdict::IllPosed,
        (true, true) => Verdict::Converged,
        (true, false) => Verdict::Budget,
    };
    let (network, constants) = trained.x.split_at(trained.x.len() - problem.initial.len());
    let names = problem.language.constants.iter().zip(constants);
    Ok(Found {
        unknowns: problem.language.unknowns.len(),
        loss: trained.loss,
        residual_rms: (squares / (probes[0].len() * problem.equations.len()) as f64).sqrt(),
        error_estimate: trained.error.max(ROUNDING),
        verdict,
        missing,
        iterations: trained.iterations,
        parameters: network.len(),
        constants: names.map(|(name, &value)| Constant { name: name.clone(), value, stderr: None }).collect(),
        method: trained.method,
        cut: trained.cut,
        standing: Some(trained.standing),
        solution: Solution::Deep(Box::new(problem.clone()), architecture.clone(), trained.x),
    })
}

/// Points of the domain that no level is solved at.
fn probes(problem: &Problem, reach: Option<f64>) -> Columns {
    let mut problem = problem.clone();
    if let (Some(i), Some(reach)) = (problem.open, reach) {
        problem.high[i] = reach;
    }
    let dims = problem.low.len();
    let mut columns: Columns = vec![vec![]; dims];
    for cube in lattice(1500, dims, 0.3141).chunks_exact(dims) {
        // Evenly, rather than denser towards the faces.
        let even: Vec<f64> = cube.iter().map(|x| 1.0 - 2.0 * x.acos() / core::f64::consts::PI).collect();
        let point = problem.in_box(&even);
        if problem.contains(&point) {
            columns.iter_mut().zip(&point).for_each(|(column, &x)| column.push(x));
        }
    }
    columns
}

/// At most 2,000 of the points, evenly taken.
fn thinned(points: &[Vec<f64>]) -> Columns {
    let stride = points[0].len().div_ceil(2000);
    points.iter().map(|column| column.iter().copied().step_by(stride).collect()).collect()
}

/// `‖a - b‖ / ‖b‖` over all unknowns.
pub(crate) fn difference(a: &Columns, b: &Columns) -> f64 {
    let square = |x: f64| x * x;
    let (mut top, mut bottom) = (0.0, 0.0);
    for (a, b) in a.iter().flatten().zip(b.iter().flatten()) {
        top += square(a - b);
        bottom += square(*b);
    }
    if bottom > 0.0 { (top / bottom).sqrt() } else { top.sqrt() }
}
