//! Training in rounds: points are drawn where the residual is large, then some hundred iterations are made with them.
//!
//! Adam leaves the start; then L-BFGS, self-scaled Broyden or Levenberg–Marquardt go on, and remember over the rounds what
//! they know of the curvature. Between two draws the loss falls while the error may not: drawn early and often, both do.

use core::ops::ControlFlow;

use vecfield_nn::Random;
use vecfield_optim::{
    Broyden, Descent, Ended, Infeasible, Lbfgs, LbfgsOptions, LevenbergMarquardt, Options, Rule, Scaling, Schedule,
    Standing as Damped, Stepped,
};

use super::normal::{Normal, NormalWork};
use super::points::{Rim, adapted, inside, rims};
use super::settings::{Architecture, Method};
use super::standing::{About, Standing};
use super::system::DeepSystem;
use crate::PinnError;
use crate::formula::Columns;
use crate::problem::Problem;
use crate::solve::{Progress, difference};

/// What a training came to.
pub(crate) struct Trained {
    pub(crate) x: Vec<f64>,
    pub(crate) loss: f64,
    /// The relative error, estimated.
    pub(crate) error: f64,
    pub(crate) iterations: usize,
    pub(crate) cut: bool,
    /// What it was trained by, and why it ended.
    pub(crate) method: String,
    pub(crate) standing: Standing,
}

/// The choices that a file leaves open, made.
#[derive(Debug, Clone, Copy)]
struct Choices {
    method: Method,
    points: usize,
    iterations: usize,
    warm_up: usize,
    rate: f64,
    redraw: usize,
}

impl Choices {
    fn new(problem: &Problem, parameters: usize) -> Self {
        let training = &problem.training;
        // A whole matrix pays while it is not larger than the caches.
        let method = training.method.unwrap_or(if parameters <= 3000 { Method::Ssbroyden } else { Method::Lbfgs });
        let iterations = training.iterations.unwrap_or(if method == Method::Lm { 1000 } else { 10_000 });
        let points = training.points.unwrap_or(match problem.low.len() {
            1 => 256,
            2 => 2048,
            _ => 4096,
        });
        let warm_up = match method {
            Method::Adam => iterations,
            _ => training.warm_up.unwrap_or(500).min(iterations),
        };
        let rate = training.learning_rate.unwrap_or(if method == Method::Adam { 1e-3 } else { 5e-3 });
        let redraw = training.redraw.unwrap_or(if method == Method::Lm { 50 } else { 250 });
        Self { method, points, iterations, warm_up, rate, redraw }
    }

    /// How long a round is that begins at an iteration.
    fn round(&self, iteration: usize) -> usize {
        let end = if iteration < self.warm_up { self.warm_up } else { self.iterations };
        let left = end.saturating_sub(iteration);
        if self.redraw == 0 { left } else { left.min(self.redraw) }
    }
}

/// How a round ended.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Ending {
    Done,
    /// No step leads further with these points.
    Stuck,
    /// Numbers are no longer finite.
    Diverged,
    Cut,
}

/// Rounds without a step before a training is over.
const PATIENCE: usize = 3;
/// Below this loss rounding is all that is left.
const NOTHING: f64 = 1e-28;
/// Points that no step sees, and on each face.
const FRESH: usize = 2048;
const FRESH_FACE: usize = 128;
/// More parameters have no corrector: its matrix would be a gigabyte.
const MOST_CORRECTED: usize = 4000;

/// Trains a network, from the beginning or from where it stood.
pub(crate) fn train(
    problem: &Problem,
    architecture: &Architecture,
    probes: &Columns,
    seed: u64,
    earlier: Option<&Standing>,
    observe: &mut dyn FnMut(&Progress<'_>) -> bool,
) -> Result<Trained, PinnError> {
    let weight = problem.training.condition_weight.unwrap_or(100.0);
    let mut system = DeepSystem::new(problem, architecture, weight);
    let about = About::new(problem, architecture, seed);
    let mut random = Random::new(seed);
    let mut x = system.layout.initial(&mut random);
    x.extend_from_slice(&problem.initial);
    let choices = Choices::new(problem, x.len());
    let standing = match earlier {
        Some(standing) => {
            standing.check(&about, x.len())?;
            standing.clone()
        }
        None => Standing::new(about, x, random),
    };
    let faces = (choices.points / 16).clamp(20, 400);
    let mut unseen = Random::new(seed ^ 0x5eed);
    let fresh = inside(problem, FRESH, &mut unseen);
    let fresh_rims = rims(problem, &system.built_in(), FRESH_FACE, &mut unseen);
    let n = standing.x.len();
    let broyden = if choices.method == Method::Ssbroyden {
        Broyden::new(n, Scaling::Broyden)
    } else {
        Broyden::new(0, Scaling::None)
    };
    let lbfgs = if choices.method == Method::Lbfgs { n } else { 0 };
    let run = Run {
        problem,
        choices,
        standing,
        faces,
        fresh,
        fresh_rims,
        probes,
        observe,
        descent: Descent::new(Rule::ADAM, n),
        broyden,
        lbfgs: Lbfgs::new(lbfgs, LbfgsOptions::default()),
        normal: NormalWork::default(),
        gradient: vec![0.0; n],
    };
    run.all(&mut system)
}

struct Run<'r> {
    problem: &'r Problem,
    choices: Choices,
    standing: Standing,
    /// Points of a condition on a face.
    faces: usize,
    /// Points that no step sees.
    fresh: Columns,
    fresh_rims: Vec<Rim>,
    /// Where the solution is compared from round to round.
    probes: &'r Columns,
    observe: &'r mut dyn FnMut(&Progress<'_>) -> bool,
    descent: Descent<f64>,
    broyden: Broyden,
    lbfgs: Lbfgs,
    normal: NormalWork,
    gradient: Vec<f64>,
}

impl Run<'_> {
    fn all(mut self, system: &mut DeepSystem<'_>) -> Result<Trained, PinnError> {
        let mut ending = Ending::Done;
        let mut x = self.standing.x.clone();
        let mut best = None;
        while self.standing.iteration < self.choices.iterations && self.standing.stuck < PATIENCE {
            // A copy, to be left as it is if the round is cut.
            let mut random = self.standing.random.clone();
            self.draw(system, &mut random, &x);
            let (begun, length) = (self.standing.iteration, self.choices.round(self.standing.iteration));
            self.recall()?;
            let mut made = 0;
            ending = match (begun < self.choices.warm_up, self.choices.method) {
                (true, _) | (_, Method::Adam) => self.adam(system, &mut x, length, &mut made),
                (_, Method::Ssbroyden) => self.broyden(system, &mut x, length, &mut made),
                (_, Method::Lbfgs) => self.lbfgs(system, &mut x, length, &mut made),
                (_, Method::Lm) => self.levenberg(system, &mut x, length, &mut made)?,
            };
            let score = self.score(system, &x);
            if ending == Ending::Cut {
                best = Some((x.clone(), score, begun + made));
                break;
            }
            self.standing.iteration = begun + length;
            self.standing.random = random;
            self.standing.round += 1;
            if !score.is_finite() || ending == Ending::Diverged {
                return Self::diverged(begun + made);
            }
            let moved = ending != Ending::Stuck || made > 0;
            self.standing.stuck = if moved { 0 } else { self.standing.stuck + 1 };
            self.remember(begun < self.choices.warm_up);
            self.note(system, &x, score);
            self.standing.x.copy_from_slice(&x);
            if score < NOTHING || (self.choices.redraw == 0 && ending == Ending::Stuck) {
                break;
            }
        }
        self.finish(system, best, ending)
    }

    /// Points for a round: evenly at first, then where the residual is large.
    fn draw(&mut self, system: &mut DeepSystem<'_>, random: &mut Random, x: &[f64]) {
        let count = self.choices.points;
        // Without redraws every round has the points of the first.
        let (mut first, fixed) = (Random::new(self.standing.about.seed.wrapping_add(1)), self.choices.redraw == 0);
        let random = if fixed { &mut first } else { random };
        let points = match self.standing.round == 0 || fixed {
            true => inside(self.problem, count, random),
            false => adapted(self.problem, count, random, &mut |points| system.sizes(x, points)),
        };
        let rims = rims(self.problem, &system.built_in(), self.faces, random);
        system.set_points(&points, &rims);
    }

    /// Methods go on from what stands.
    fn recall(&mut self) -> Result<(), PinnError> {
        let [first, second] = &self.standing.averages;
        let other = |_| PinnError::OtherTraining;
        self.descent.resume(self.standing.steps, [first, second]).map_err(other)?;
        if self.choices.method == Method::Ssbroyden {
            self.broyden.resume(&self.standing.matrix).map_err(other)?;
        }
        Ok(())
    }

    fn remember(&mut self, warming: bool) {
        self.standing.steps = self.descent.steps();
        for (own, (_, memory)) in self.standing.averages.iter_mut().zip(self.descent.memory()) {
            own.copy_from_slice(memory);
        }
        if self.choices.method == Method::Ssbroyden && !warming {
            self.standing.matrix.clear();
            self.standing.matrix.extend_from_slice(self.broyden.memory());
        }
    }

    /// Shows where it stands.
    fn goes_on(&mut self, iteration: usize, cost: f64) -> bool {
        let progress = Progress {
            iteration,
            loss: 2.0 * cost,
            share: iteration as f64 / self.choices.iterations as f64,
            level: self.standing.round + 1,
            standing: Some(&self.standing),
        };
        (self.observe)(&progress)
    }

    fn adam(&mut self, system: &mut DeepSystem<'_>, x: &mut [f64], length: usize, made: &mut usize) -> Ending {
        let begun = self.standing.iteration;
        // The warm-up ends where the next method can begin: at a tenth of its rate.
        let schedule = match self.choices.method {
            Method::Adam => Schedule::Constant,
            _ => Schedule::Cosine { steps: self.choices.warm_up as u64, end: 0.1 },
        };
        while *made < length {
            let cost = system.gradient(x, &mut self.gradient);
            if !cost.is_finite() || !self.gradient.iter().all(|g| g.is_finite()) {
                return Ending::Diverged;
            }
            let rate = self.choices.rate * schedule.factor((begun + *made) as u64);
            self.descent.step(x, &self.gradient, rate);
            *made += 1;
            if !self.goes_on(begun + *made, cost) {
                return Ending::Cut;
            }
        }
        Ending::Done
    }

    fn broyden(&mut self, system: &mut DeepSystem<'_>, x: &mut [f64], length: usize, made: &mut usize) -> Ending {
        let begun = self.standing.iteration;
        let mut objective = |x: &[f64], gradient: &mut [f64]| Ok::<f64, Infeasible>(system.gradient(x, gradient));
        if self.broyden.begin(x, &mut objective).is_err() {
            return Ending::Diverged;
        }
        while *made < length {
            if self.broyden.step(x, &mut objective) == Stepped::Stuck {
                return Ending::Stuck;
            }
            *made += 1;
            if !self.goes_on(begun + *made, self.broyden.value()) {
                return Ending::Cut;
            }
        }
        Ending::Done
    }

    fn lbfgs(&mut self, system: &mut DeepSystem<'_>, x: &mut [f64], length: usize, made: &mut usize) -> Ending {
        let begun = self.standing.iteration;
        let mut lbfgs = core::mem::replace(&mut self.lbfgs, Lbfgs::new(0, LbfgsOptions::default()));
        let mut objective = |x: &[f64], gradient: &mut [f64]| Ok::<f64, Infeasible>(system.gradient(x, gradient));
        let summary = lbfgs.minimize_watched(x, &mut objective, &mut |now| {
            *made = now.iterations;
            match self.goes_on(begun + now.iterations, now.value) && now.iterations < length {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        });
        self.lbfgs = lbfgs;
        match summary.ended {
            Ended::InfeasibleStart => Ending::Diverged,
            Ended::Stopped if *made < length => Ending::Cut,
            Ended::Stopped | Ended::Iterations => Ending::Done,
            _ => Ending::Stuck,
        }
    }

    fn levenberg(
        &mut self,
        system: &mut DeepSystem<'_>,
        x: &mut [f64],
        length: usize,
        made: &mut usize,
    ) -> Result<Ending, PinnError> {
        let begun = self.standing.iteration;
        // Points change from round to round: only rounding ends one early.
        let options = Options {
            gradient_tolerance: 0.0,
            step_tolerance: 1e-15,
            cost_tolerance: 1e-15,
            target: 0.0,
            iterations: length,
            ..Options::default()
        };
        let begin = Damped { iteration: 0, damping: self.standing.damping, growth: 2.0, scale: vec![0.0; x.len()] };
        let mut work = core::mem::take(&mut self.normal);
        let mut normal = Normal::new(system, &mut work);
        let mut cut = false;
        let mut damping = begin.damping;
        let summary = LevenbergMarquardt::new(options).resume_structured(&mut normal, x, &begin, |now| {
            *made = now.iteration;
            damping = now.damping;
            cut = !self.goes_on(begun + now.iteration, now.cost);
            if cut { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        self.normal = work;
        let Ok(summary) = summary else { return Ok(Ending::Diverged) };
        if cut {
            return Ok(Ending::Cut);
        }
        // A damping that only these points asked for is forgotten.
        self.standing.damping = damping.clamp(1e-12, 1.0);
        let moved = summary.jacobians > 1;
        *made = if moved { summary.iterations.max(1) } else { 0 };
        Ok(if summary.iterations < length { Ending::Stuck } else { Ending::Done })
    }

    /// The loss at points that no step sees.
    fn score(&self, system: &mut DeepSystem<'_>, x: &[f64]) -> f64 {
        system.set_points(&self.fresh, &self.fresh_rims);
        2.0 * system.cost(x)
    }

    /// Keeps the best, and by how much the solution changed.
    fn note(&mut self, system: &DeepSystem<'_>, x: &[f64], score: f64) {
        let values: Vec<f64> = system.values(x, self.probes).concat();
        if !self.standing.values.is_empty() {
            let change = difference(&vec![self.standing.values.clone()], &vec![values.clone()]);
            self.standing.changes.push(change);
        }
        self.standing.values = values;
        if score < self.standing.score {
            self.standing.score = score;
            self.standing.best.copy_from_slice(x);
        }
    }

    fn diverged(iterations: usize) -> Result<Trained, PinnError> {
        let remedy = "lower train.learning_rate, or scale the equation so that its terms are of the order of one";
        Err(PinnError::Untrained { iterations, remedy: remedy.into() })
    }

    fn finish(
        mut self,
        system: &mut DeepSystem<'_>,
        partial: Option<(Vec<f64>, f64, usize)>,
        ending: Ending,
    ) -> Result<Trained, PinnError> {
        let (mut x, mut loss, mut iterations) =
            (self.standing.best.clone(), self.standing.score, self.standing.iteration);
        if let Some((now, score, made)) = partial {
            iterations = made;
            if score.is_finite() && score <= loss {
                (x, loss) = (now, score);
            }
        }
        if !loss.is_finite() {
            return Err(PinnError::NoTime);
        }
        let cut = ending == Ending::Cut;
        let error = self.estimate(system, &x);
        let why = match ending {
            Ending::Cut => "broken off",
            _ if loss < NOTHING => "nothing left but rounding",
            _ if self.standing.stuck >= PATIENCE || iterations < self.choices.iterations => "no step leads further",
            _ => "iterations used up",
        };
        let layers = &self.standing.about.architecture.layers;
        let method = format!(
            "deep network {}, {}, trained by {}: {why}",
            layers.iter().map(usize::to_string).collect::<Vec<_>>().join("-"),
            self.standing.about.architecture.squash.name(),
            self.choices.method.name()
        );
        Ok(Trained { x, loss, error, iterations, cut, method, standing: self.standing })
    }

    /// The relative error: by how much some steps of Levenberg–Marquardt at fresh points change the solution, and by how
    /// much the last rounds did.
    fn estimate(&mut self, system: &mut DeepSystem<'_>, x: &[f64]) -> f64 {
        let changed = self.standing.changes.iter().rev().take(2).fold(0.0_f64, |most, &change| most.max(change));
        let unknown = if self.standing.changes.is_empty() { 1.0 } else { changed };
        if x.len() > MOST_CORRECTED {
            return 3.0 * unknown;
        }
        system.set_points(&self.fresh, &self.fresh_rims);
        let mut moved = x.to_vec();
        let options = Options { iterations: CORRECTIONS, damping: 1e-6, ..Options::default() };
        let mut normal = Normal::new(system, &mut self.normal);
        let corrected = LevenbergMarquardt::new(options)
            .minimize_structured(&mut normal, &mut moved, |_| ControlFlow::Continue(()));
        if corrected.is_err() {
            return 3.0 * unknown;
        }
        let correction = difference(&system.values(&moved, self.probes), &system.values(x, self.probes));
        // An error larger than the solution is no more than that: linear steps know nothing of sizes beyond.
        let correction = if correction.is_finite() { correction } else { 1.0 };
        (3.0 * correction.max(changed.min(unknown))).min(1.0)
    }
}

/// Steps of the corrector, refused ones included.
const CORRECTIONS: usize = 10;
