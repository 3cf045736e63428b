//! [`solve`]: from a problem to its solution, level by level, with an estimate of its error.
//!
//! Every level solves the problem anew and finer; what two levels differ by is the error of the coarser one, and the rate at
//! which differences shrink says how much smaller that of the finer one is.

use crate::PinnError;
use crate::deep::{Architecture, DeepSystem, HIGHEST, Standing, total, train};
use crate::features::lattice;
use crate::formula::{At, Columns};
use crate::march::{Level, march};
use crate::mesh::Field;
use crate::problem::Problem;
use crate::refine::Refinement;
use crate::unbounded::bounded;

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

/// What a solution is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Finer features change it no more than the estimate says.
    Converged,
    /// It was broken off, or there was no room for finer features.
    Budget,
    /// The equations and conditions do not determine it.
    IllPosed,
}

impl Verdict {
    /// As users read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Converged => "converged",
            Self::Budget => "budget",
            Self::IllPosed => "ill-posed",
        }
    }
}

/// A constant that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Constant {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// Its standard error, where measurements tell one.
    pub stderr: Option<f64>,
}

/// A solution with what is known about it.
#[derive(Debug, Clone)]
pub struct Found {
    solution: Solution,
    unknowns: usize,
    /// The mean square of all weighted residuals.
    pub loss: f64,
    /// The root mean square of the equations' residuals at fresh points.
    pub residual_rms: f64,
    /// The relative L2 error, estimated without knowing the solution.
    pub error_estimate: f64,
    /// What it is worth.
    pub verdict: Verdict,
    /// What is missing, where the verdict is ill-posed.
    pub missing: Vec<String>,
    /// Newton steps.
    pub iterations: usize,
    /// How many coefficients the solution has.
    pub parameters: usize,
    /// The constants that were to be found.
    pub constants: Vec<Constant>,
    /// What the solution is made of.
    pub method: String,
    /// Was it broken off?
    pub cut: bool,
    /// What its training can go on from, where it was trained.
    pub standing: Option<Standing>,
}

/// What a solution is made of.
#[derive(Debug, Clone)]
enum Solution {
    /// Features with weights that were solved for.
    Features(Pieces),
    /// A deep network for this problem, with these parameters.
    Deep(Box<Problem>, Architecture, Vec<f64>),
}

impl Found {
    /// The unknowns (in order) at points, coordinate by coordinate, as [`Problem::points`] gives them.
    pub fn values(&self, points: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let points = points.to_vec();
        match &self.solution {
            Solution::Features(pieces) => (0..self.unknowns).map(|unknown| pieces.values(unknown, &points)).collect(),
            Solution::Deep(problem, architecture, x) => DeepSystem::new(problem, architecture, 1.0).values(x, &points),
        }
    }
}

/// The fields that a solution is made of, window by window.
#[derive(Debug, Clone)]
pub(crate) struct Pieces {
    /// The coordinate that windows follow one another in, and whether upwards.
    pub(crate) march: Option<(usize, bool)>,
    pub(crate) windows: Vec<Field>,
}

impl Pieces {
    fn method(&self, radial: bool) -> String {
        let mesh = &self.windows[0].mesh;
        let degrees = &mesh.features.degrees;
        let degrees = match degrees.len() {
            1..=3 => degrees.iter().map(usize::to_string).collect::<Vec<_>>().join(" x "),
            many => format!("up to {} in each of {many} coordinates", degrees.iter().max().unwrap_or(&0)),
        };
        let elements = self.windows.iter().map(|field| field.mesh.elements()).max().unwrap_or(1);
        let mut text = format!("solved last layer of {} features ({degrees})", mesh.features.count());
        if elements > 1 {
            text += &format!(", up to {elements} elements");
        }
        if radial {
            text += ", by rotational symmetry";
        }
        if self.windows.len() > 1 {
            text += &format!(", {} windows", self.windows.len());
        }
        text
    }

    fn values(&self, unknown: usize, points: &Columns) -> Vec<f64> {
        let dims = points.len();
        self.jet(&crate::language::Jet { unknown, order: vec![0; dims] }, points)
    }

    /// A jet at any points of the domain.
    fn jet(&self, jet: &crate::language::Jet, points: &Columns) -> Vec<f64> {
        let Some((coordinate, upwards)) = self.march else { return self.windows[0].jet(jet, points) };
        let rows = points[0].len();
        let mut by_window: Vec<Vec<usize>> = vec![vec![]; self.windows.len()];
        for row in 0..rows {
            let t = points[coordinate][row];
            let before = |field: &Field| {
                if upwards { field.mesh.high[coordinate] < t } else { field.mesh.low[coordinate] > t }
            };
            by_window[self.windows.partition_point(before).min(self.windows.len() - 1)].push(row);
        }
        let mut values = vec![0.0; rows];
        for (field, rows) in self.windows.iter().zip(by_window).filter(|(_, rows)| !rows.is_empty()) {
            let part: Columns = points.iter().map(|column| rows.iter().map(|&row| column[row]).collect()).collect();
            for (row, value) in rows.iter().zip(field.jet(jet, &part)) {
                values[*row] = value;
            }
        }
        values
    }
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
    let mut run = Run {
        problem,
        settings,
        watcher,
        probes: probes.clone(),
        levels: vec![],
        best: None,
        constants: vec![],
        uncertainty: None,
        partial: None,
    };
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

struct Run<'r> {
    problem: &'r Problem,
    settings: &'r Settings,
    watcher: Watcher<'r>,
    probes: Columns,
    /// By how much each level differs from the one before.
    levels: Vec<f64>,
    best: Option<Finest>,
    constants: Vec<Constant>,
    /// What noise in the measurements leaves open.
    uncertainty: Option<f64>,
    /// By how much a finer solution differs that was not finished, where there is one.
    partial: Option<f64>,
}

/// The finest level so far.
struct Finest {
    pieces: Pieces,
    values: Columns,
    residual: f64,
    missing: Vec<String>,
}

impl Run<'_> {
    fn by_windows(&mut self, direction: (usize, bool)) -> Result<(), PinnError> {
        for level in 0..self.settings.levels.min(6) {
            self.watcher.level = level + 1;
            self.watcher.share = 0.0;
            let tolerance = [1e-4, 1e-5, 1e-7, 1e-9, 1e-11, 1e-13][level];
            let single = self.problem.low.len() == 1;
            let degrees = (0..self.problem.low.len())
                .map(|i| match (i == direction.0, single, self.problem.low.len() > 2) {
                    (_, true, _) => 14 + 2 * level,
                    (true, _, false) => 7 + 2 * level,
                    (false, _, false) => 10 + 2 * level,
                    // Two dimensions of space: what is not needed is costly.
                    (true, _, true) => 7 + level,
                    (false, _, true) => 8 + level,
                })
                .collect();
            let level = Level { tolerance, degrees, first: if level == 0 { 0.1 } else { 0.05 } };
            match march(self.problem, direction, &level, &mut self.watcher) {
                Ok((pieces, missing)) => {
                    let residual = self.watcher.residual;
                    self.accept(pieces, residual, missing);
                }
                Err(error) if self.best.is_none() => return Err(error),
                Err(_) => {
                    self.compare_partial(direction);
                    break;
                }
            }
            if self.done() {
                break;
            }
        }
        Ok(())
    }

    /// What an unfinished finer march says of the error of the finest that was finished.
    fn compare_partial(&mut self, (coordinate, upwards): (usize, bool)) {
        let windows = core::mem::take(&mut self.watcher.partial);
        let (Some(best), Some(last)) = (&self.best, windows.last()) else { return };
        let mesh = &last.mesh;
        let reached = if upwards { mesh.high[coordinate] } else { mesh.low[coordinate] };
        let covered: Vec<usize> = (0..self.probes[0].len())
            .filter(|&row| {
                if upwards { self.probes[coordinate][row] <= reached } else { self.probes[coordinate][row] >= reached }
            })
            .collect();
        if covered.len() < 10 {
            return;
        }
        let points: Columns =
            self.probes.iter().map(|column| covered.iter().map(|&row| column[row]).collect()).collect();
        let finer = Pieces { march: Some((coordinate, upwards)), windows };
        let at = |pieces: &Pieces| (0..best.values.len()).map(|u| pieces.values(u, &points)).collect::<Columns>();
        self.partial = Some(difference(&at(&best.pieces), &at(&finer)));
    }

    fn at_once(&mut self) -> Result<(), PinnError> {
        let mut refinement = Refinement::new(self.problem);
        let (mut score, mut before, mut stale) = (f64::INFINITY, f64::INFINITY, 0);
        for level in 0..self.settings.levels {
            self.watcher.level = level + 1;
            match refinement.solve(&mut self.watcher) {
                Ok(true) => self.keep(&refinement, &mut score),
                Ok(false) => {}
                Err(error) if self.best.is_none() => return Err(error),
                Err(_) => break,
            }
            // With measurements: on until finer features do nothing but follow their noise.
            stale = if refinement.fit.is_some() && score >= 0.99 * before { stale + 1 } else { 0 };
            before = score;
            let noise = refinement.fit.as_ref().is_some_and(|fit| fit.score > 1.05 * score);
            if noise || stale >= 2 || (self.done() && self.problem.data.is_empty()) || !refinement.grow() {
                break;
            }
        }
        if self.best.is_none() {
            let remedy = "start from other values of unknown constants, or approach the hard case through easier ones";
            let (residual, iterations) = (self.watcher.residual, self.watcher.iterations);
            return Err(PinnError::Diverged { residual, iterations, remedy: remedy.into() });
        }
        Ok(())
    }

    /// Takes over a level that is better than the best so far.
    fn keep(&mut self, refinement: &Refinement<'_>, score: &mut f64) {
        let Some(best) = &refinement.best else { return };
        // Cut into elements a smooth solution may be worse resolved than before, for once.
        if self.best.as_ref().is_some_and(|kept| best.residual > 10.0 * kept.residual && refinement.fit.is_none()) {
            return;
        }
        if let Some(fit) = &refinement.fit {
            if fit.score >= *score {
                // Finer features that follow the noise are not taken, but say by how much the first may be wrong.
                if let (Some(kept), []) = (&self.best, &self.levels[..]) {
                    let finer = self.values(&Pieces { march: None, windows: vec![best.field.clone()] });
                    self.levels.push(difference(&kept.values, &finer));
                }
                return;
            }
            *score = fit.score;
            self.uncertainty = Some(fit.uncertainty);
        }
        let names = self.problem.language.constants.iter().enumerate();
        let stderr = |i: usize| refinement.fit.as_ref().and_then(|fit| fit.stderr.get(i).copied());
        self.constants = names
            .map(|(i, name)| Constant { name: name.clone(), value: best.constants[i], stderr: stderr(i) })
            .collect();
        let pieces = Pieces { march: None, windows: vec![best.field.clone()] };
        self.accept(pieces, best.residual, refinement.missing.clone().unwrap_or_default());
    }

    /// The unknowns where levels are compared.
    fn values(&self, pieces: &Pieces) -> Columns {
        let unknowns = self.problem.language.unknowns.len();
        (0..unknowns).map(|unknown| pieces.values(unknown, &self.probes)).collect()
    }

    fn accept(&mut self, pieces: Pieces, residual: f64, missing: Vec<String>) {
        let values = self.values(&pieces);
        if let Some(best) = &self.best {
            self.levels.push(difference(&best.values, &values));
        }
        self.best = Some(Finest { pieces, values, residual, missing });
    }

    /// Is the estimate good enough, or do differences no longer shrink?
    fn done(&self) -> bool {
        let stuck = match self.levels[..] {
            [.., a, b, c] => c < 1e-9 && c > 0.3 * b && b > 0.3 * a,
            _ => false,
        };
        // Features around a shape reach no more.
        let goal = if self.problem.shape.is_some() { self.settings.goal.max(1e-9) } else { self.settings.goal };
        self.estimate() < goal || stuck || self.watcher.work > self.settings.work
    }

    fn estimate(&self) -> f64 {
        let estimate = match self.levels[..] {
            // Early windows know little of late errors: three times what they show.
            _ if self.partial.is_some() => 3.0 * self.partial.unwrap_or(1.0),
            [] => 1.0,
            [last] => last,
            // A box around a shape has features to spare: what damping them costs is the same at every level.
            [.., last] if self.problem.shape.is_some() => 3.0 * last + 1e-10,
            [.., before, last] => {
                let rate = (last / before.max(1e-300)).clamp(0.02, 0.9);
                last * rate / (1.0 - rate)
            }
        };
        estimate.max(ROUNDING).max(self.uncertainty.unwrap_or(0.0))
    }

    fn found(self) -> Result<Found, PinnError> {
        let estimate = self.estimate();
        let Some(best) = self.best else { return Err(PinnError::NoTime) };
        // What noise leaves open is no lack of convergence.
        let settled = self.uncertainty.is_some_and(|uncertainty| uncertainty >= estimate) && !self.watcher.cut;
        let verdict = match (best.missing.is_empty(), estimate <= 1e-3 || settled) {
            (false, _) => Verdict::IllPosed,
            (true, true) => Verdict::Converged,
            (true, false) => Verdict::Budget,
        };
        let residual_rms = residual_rms(self.problem, &best.pieces, &self.constants, &self.probes);
        let method = best.pieces.method(self.problem.language.groups.iter().any(|group| group.radial.is_some()));
        let parameters = best.pieces.windows.iter().map(|field| field.coefficients.len()).sum();
        Ok(Found {
            unknowns: self.problem.language.unknowns.len(),
            solution: Solution::Features(best.pieces),
            loss: best.residual * best.residual,
            residual_rms,
            error_estimate: estimate,
            verdict,
            missing: best.missing,
            iterations: self.watcher.iterations,
            parameters,
            method,
            constants: self.constants,
            cut: self.watcher.cut,
            standing: None,
        })
    }
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

fn residual_rms(problem: &Problem, pieces: &Pieces, constants: &[Constant], probes: &Columns) -> f64 {
    let constants: Vec<f64> = constants.iter().map(|c| c.value).collect();
    let (mut sum, mut count) = (0.0, 0);
    for equation in &problem.equations {
        let jets: Columns = equation.jets.iter().map(|jet| pieces.jet(jet, probes)).collect();
        let integrals: Columns = (equation.integrals.iter())
            .map(|i| crate::integrals::evaluate(i, probes, &constants, &pieces.windows[0]).values)
            .collect();
        let at =
            At { coordinates: probes, normals: &vec![], constants: &constants, jets: &jets, integrals: &integrals };
        for r in equation.eval(at).residual {
            sum += r * r;
            count += 1;
        }
    }
    (sum / f64::from(count.max(1))).sqrt()
}
