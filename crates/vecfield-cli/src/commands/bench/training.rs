//! A training step of two neural differential equations: forecast, gradient through the solver, one update.

use serde_json::json;
use vecfield_adjoint::{Budget, Cotangents, Discrete, reverse::ExplicitReverse};
use vecfield_kernels::{Activation, LayerMath};
use vecfield_nn::{AnyLayer, Elementwise, Layer, Mlp, Network, NeuralField, Sequential};
use vecfield_optim::{Descent, Rule};
use vecfield_solvers::tableau::{DOP853, DORMAND_PRINCE_5, TSIT5, Tableau};
use vecfield_solvers::{ExplicitRungeKutta, Filter, Options, Save, solve_explicit};
use vecfield_traits::{Real, field};

use super::measure::{Bench, Line, failed, perceptron, uniform};
use crate::failure::Failure;

/// Training steps after which the step is timed once more: a trained field takes more steps of the solver.
const LATER: usize = 500;

/// A workload: curves side by side, their times, what is compared and how it descends.
struct Workload {
    case: &'static str,
    sizes: &'static [usize],
    /// `[rows, dim]`.
    starts: Vec<f64>,
    times: Vec<f64>,
    /// `[times, rows, dim]`.
    data: Vec<f64>,
    tolerances: (f64, f64),
    method: &'static Tableau,
    rule: Rule,
    learning_rate: f64,
    is_absolute: bool,
}

/// 32 curves of `y' = (x₁, -x₀)`, `x = y/(1 + y)`, at 100 times up to 10; 2-64-64-2 softplus; mean squared error.
pub(super) fn curves(bench: &Bench) -> Result<Vec<Line>, Failure> {
    let times: Vec<f64> = (0..100).map(|i| 10.0 * f64::from(i) / 99.0).collect();
    let starts: Vec<f64> = uniform(5678, 64).iter().map(|u| -0.6 + 1.6 * u).collect();
    let truth = field(2, |_t, y: &[f64], dy: &mut [f64]| {
        (dy[0], dy[1]) = (y[1] / (1.0 + y[1]), -y[0] / (1.0 + y[0]));
    });
    let mut data = vec![0.0; 100 * 64];
    let options = Options::tolerances(1e-9, 1e-9);
    for (row, start) in starts.chunks(2).enumerate() {
        let run = solve_explicit(&truth, (0.0, 10.0), start, &DOP853, &options, Save::At(&times)).map_err(failed)?;
        for (time, state) in run.y.chunks(2).enumerate() {
            data[time * 64 + 2 * row..][..2].copy_from_slice(state);
        }
    }
    let workload = Workload {
        case: "node_train",
        sizes: &[2, 64, 64, 2],
        starts,
        times,
        data,
        tolerances: (1e-3, 1e-6),
        method: &TSIT5,
        rule: Rule::ADA_BELIEF,
        learning_rate: 3e-3,
        is_absolute: false,
    };
    workload.lines(bench, Mlp::new(2, &[64, 64], 2, Activation::Softplus))
}

/// 20 windows of 10 points of the spiral `y' = A y³`; 2-50-2 tanh on `y³`; mean absolute error.
pub(super) fn spiral(bench: &Bench) -> Result<Vec<Line>, Failure> {
    let times: Vec<f64> = (0..1000).map(|i| 25.0 * f64::from(i) / 999.0).collect();
    let truth = field(2, |_t, y: &[f64], dy: &mut [f64]| {
        let cube = [y[0].powi(3), y[1].powi(3)];
        (dy[0], dy[1]) = (-0.1 * cube[0] - 2.0 * cube[1], 2.0 * cube[0] - 0.1 * cube[1]);
    });
    let options = Options::tolerances(1e-9, 1e-9);
    let run = solve_explicit(&truth, (0.0, 25.0), &[2.0, 0.0], &DOP853, &options, Save::At(&times)).map_err(failed)?;
    let first: Vec<usize> = uniform(7, 20).iter().map(|u| (990.0 * u) as usize).collect();
    let at = |point: usize| &run.y[2 * point..2 * point + 2];
    let workload = Workload {
        case: "spiral",
        sizes: &[2, 50, 2],
        starts: first.iter().flat_map(|&first| at(first).to_vec()).collect(),
        times: times[..10].to_vec(),
        data: (0..10).flat_map(|k| first.iter().flat_map(move |&first| at(first + k).to_vec())).collect(),
        tolerances: (1e-7, 1e-9),
        method: &DORMAND_PRINCE_5,
        rule: Rule::RMS_PROP,
        learning_rate: 1e-3,
        is_absolute: true,
    };
    let layers: Vec<AnyLayer> =
        vec![Elementwise::new(2, Activation::Cube).into(), Mlp::new(2, &[50], 2, Activation::Tanh).into()];
    workload.lines(bench, Sequential::new(layers).map_err(failed)?)
}

impl Workload {
    /// In single and double precision, from the starting parameters and from those after [`LATER`] steps.
    fn lines<L: Layer + Clone>(&self, bench: &Bench, layer: L) -> Result<Vec<Line>, Failure> {
        let mut lines = self.of::<L, f32>(bench, layer.clone(), "f32")?;
        lines.extend(self.of::<L, f64>(bench, layer, "f64")?);
        Ok(lines)
    }

    fn of<L: Layer, R: LayerMath>(&self, bench: &Bench, layer: L, dtype: &str) -> Result<Vec<Line>, Failure> {
        let mut training = Training::<L, R>::new(self, layer)?;
        let first = training.line(self, bench, &format!("vecfield_{dtype}"))?;
        for _ in 0..LATER {
            training.descend(self)?;
        }
        Ok(vec![first, training.line(self, bench, &format!("vecfield_{dtype}_after_{LATER}"))?])
    }
}

impl Workload {
    /// The relative tolerance; in numbers that cannot tell so fine a one, the finest that they can.
    fn rtol<R: Real>(&self) -> f64 {
        self.tolerances.0.max(4.1 * R::EPSILON.to_f64())
    }
}

/// A network in training.
struct Training<L, R: Real> {
    descent: Descent<R>,
    field: NeuralField<L, R>,
    adjoint: Discrete<ExplicitRungeKutta<R>, ExplicitReverse<R>, R>,
    span: (R, R),
    starts: Vec<R>,
    times: Vec<R>,
    data: Vec<R>,
    bars: Vec<R>,
}

/// What a step saw.
struct Seen {
    loss: f64,
    norm: f64,
    steps: u64,
}

impl<L: Layer, R: LayerMath> Training<L, R> {
    fn new(work: &Workload, layer: L) -> Result<Self, Failure> {
        let convert = |x: &[f64]| x.iter().map(|&x| R::from_f64(x)).collect::<Vec<R>>();
        let theta = perceptron(1, work.sizes);
        let network = Network::new(layer, convert(&theta)).map_err(failed)?;
        let field = NeuralField::new(network, work.starts.len() / 2).map_err(failed)?;
        let mut options = Options::tolerances(R::from_f64(work.rtol::<R>()), R::from_f64(work.tolerances.1));
        // As the peers do.
        options.first_step = Some(R::from_f64(work.times[1] - work.times[0]));
        options.controller = Filter { limits: [0.2, 10.0], ..Filter::INTEGRAL };
        let adjoint =
            Discrete::explicit(work.method, work.starts.len(), &options, Budget::default()).map_err(failed)?;
        let end = work.times[work.times.len() - 1];
        Ok(Training {
            descent: Descent::new(work.rule, theta.len()),
            field,
            adjoint,
            span: (R::zero(), R::from_f64(end)),
            starts: convert(&work.starts),
            times: convert(&work.times),
            data: convert(&work.data),
            bars: vec![R::zero(); work.data.len()],
        })
    }

    /// Forecast, gradient, update.
    fn descend(&mut self, work: &Workload) -> Result<Seen, Failure> {
        let Self { descent, field, adjoint, bars, .. } = self;
        let solution = adjoint.solve(field, self.span, &self.starts, &self.times).map_err(failed)?;
        let share = R::one() / R::from_f64(self.data.len() as f64);
        let mut loss = R::zero();
        for ((bar, &y), &wanted) in bars.iter_mut().zip(&solution.y).zip(&self.data) {
            let miss = y - wanted;
            if work.is_absolute {
                loss += share * miss.abs();
                *bar = share * miss.sign();
            } else {
                loss += share * miss * miss;
                *bar = (share + share) * miss;
            }
        }
        let steps = solution.stats.steps;
        let gradient = adjoint.pull_back(field, &Cotangents::saved(bars)).map_err(failed)?.parameters;
        let norm = gradient.iter().map(|g| g.to_f64().powi(2)).sum::<f64>().sqrt();
        field.network_mut().update(|theta| descent.step(theta, &gradient, work.learning_rate));
        Ok(Seen { loss: loss.to_f64(), norm, steps })
    }

    /// Times a step that begins at the same parameters each time.
    fn line(&mut self, work: &Workload, bench: &Bench, peer: &str) -> Result<Line, Failure> {
        let (theta, descent) = (self.field.network().theta().to_vec(), self.descent.clone());
        let (timing, seen) = bench.time(|| {
            self.descent.clone_from(&descent);
            self.field.network_mut().update(|kept| kept.copy_from_slice(&theta));
            self.descend(work)
        })?;
        self.descent = descent;
        self.field.network_mut().update(|kept| kept.copy_from_slice(&theta));
        let rows = work.starts.len() / 2;
        let described = json!({"batch": rows, "points": work.times.len(), "sizes": work.sizes, "rtol": work.rtol::<R>(),
            "atol": work.tolerances.1, "steps": seen.steps, "step_shared_by_batch": true});
        Ok(Line::new(work.case, peer, timing, described, json!({"loss": seen.loss, "grad_norm": seen.norm})))
    }
}
