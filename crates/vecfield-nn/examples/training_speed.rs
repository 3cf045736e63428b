//! A training step of two neural ODEs (value, gradient and AdaBelief), timed: the spiral of one trajectory, and 32 curves side
//! by side; at their starting parameters, and after 500 steps.
//!
//! `cargo run --release -p vecfield-nn --example training_speed [SECONDS]`

use std::hint::black_box;
use std::time::Instant;

use vecfield_adjoint::{Budget, Cotangents, Discrete};
use vecfield_kernels::{Activation, LayerMath};
use vecfield_nn::{AnyLayer, Elementwise, Layer, Mlp, Network, NeuralField, Random, Sequential};
use vecfield_optim::{Descent, Rule};
use vecfield_solvers::{Filter, Options, Save, solve_explicit, tableau::TSIT5};
use vecfield_traits::{Real, VectorField, Vjp, field};

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let seconds: f64 = std::env::args().nth(1).map_or(Ok(1.0), |text| text.parse())?;
    spiral::<f64>(seconds)?;
    spiral::<f32>(seconds)?;
    curves::<f32>(seconds)?;
    curves::<f64>(seconds)
}

/// `y' = A y³` from (2, 0), 30 times up to 1.5; the network gets `y³`.
fn spiral<R: LayerMath>(seconds: f64) -> Result<(), Error> {
    let truth = field(2, |_t, y: &[f64], dy: &mut [f64]| {
        let cube = [y[0].powi(3), y[1].powi(3)];
        (dy[0], dy[1]) = (-0.1 * cube[0] + 2.0 * cube[1], -2.0 * cube[0] - 0.1 * cube[1]);
    });
    let times: Vec<f64> = (0..30).map(|i| 1.5 * f64::from(i) / 29.0).collect();
    let options = Options::tolerances(1e-9, 1e-9);
    let data = solve_explicit(&truth, (0.0, 1.5), &[2.0, 0.0], &TSIT5, &options, Save::At(&times))?;
    let layers: Vec<AnyLayer> =
        vec![Elementwise::new(2, Activation::Cube).into(), Mlp::new(2, &[50], 2, Activation::Tanh).into()];
    let layer = Sequential::new(layers)?;
    let theta = stream(1, &[2, 50, 2]);
    let mut training = Training::<_, R>::new(layer, &theta, 1, (0.0, 1.5), &[2.0, 0.0], &times, &data.y, (1e-3, 1e-6))?;
    training.report("spiral 2-50-2", seconds)
}

/// `y' = (x₁, -x₀)`, `x = y / (1 + y)`, from 32 starts, 100 times up to 10.
fn curves<R: LayerMath>(seconds: f64) -> Result<(), Error> {
    let truth = field(2, |_t, y: &[f64], dy: &mut [f64]| {
        (dy[0], dy[1]) = (y[1] / (1.0 + y[1]), -y[0] / (1.0 + y[0]));
    });
    let times: Vec<f64> = (0..100).map(|i| 10.0 * f64::from(i) / 99.0).collect();
    let mut random = Random::new(5678);
    let starts: Vec<f64> = (0..64).map(|_| -0.6 + 1.6 * random.uniform()).collect();
    let mut data = vec![0.0; 100 * 64];
    let options = Options::tolerances(1e-9, 1e-9);
    for (row, start) in starts.chunks(2).enumerate() {
        let one = solve_explicit(&truth, (0.0, 10.0), start, &TSIT5, &options, Save::At(&times))?;
        for (time, state) in one.y.chunks(2).enumerate() {
            data[time * 64 + 2 * row..][..2].copy_from_slice(state);
        }
    }
    let theta = stream(1, &[2, 64, 64, 2]);
    let layer = Mlp::new(2, &[64, 64], 2, Activation::Softplus);
    let mut training = Training::<_, R>::new(layer, &theta, 32, (0.0, 10.0), &starts, &times, &data, (1e-3, 1e-6))?;
    training.report("curves 2-64-64-2, 32 rows", seconds)
}

/// Parameters as the peers begin: one stream, `U(-1, 1)/√inputs`, weights and biases layer by layer.
fn stream(seed: u64, sizes: &[usize]) -> Vec<f64> {
    let mut random = Random::new(seed);
    let mut theta = Vec::new();
    for pair in sizes.windows(2) {
        let scale = 1.0 / (pair[0] as f64).sqrt();
        theta.extend((0..pair[0] * pair[1] + pair[1]).map(|_| scale * (2.0 * random.uniform() - 1.0)));
    }
    theta
}

type Adjoint<R> = Discrete<vecfield_solvers::ExplicitRungeKutta<R>, vecfield_adjoint::reverse::ExplicitReverse<R>, R>;

struct Training<L, R: Real> {
    descent: Descent<R>,
    field: NeuralField<L, R>,
    adjoint: Adjoint<R>,
    span: (R, R),
    starts: Vec<R>,
    times: Vec<R>,
    data: Vec<R>,
    bars: Vec<R>,
}

impl<L: Layer, R: LayerMath> Training<L, R> {
    #[allow(clippy::too_many_arguments)]
    fn new(
        layer: L,
        theta: &[f64],
        rows: usize,
        span: (f64, f64),
        starts: &[f64],
        times: &[f64],
        data: &[f64],
        (rtol, atol): (f64, f64),
    ) -> Result<Self, Error> {
        let convert = |x: &[f64]| x.iter().map(|&x| R::from_f64(x)).collect::<Vec<R>>();
        let field = NeuralField::new(Network::new(layer, convert(theta))?, rows)?;
        let mut options = Options::tolerances(R::from_f64(rtol), R::from_f64(atol));
        // As the peers do.
        options.first_step = Some(R::from_f64(times[1] - times[0]));
        options.controller = Filter { limits: [0.2, 10.0], ..Filter::INTEGRAL };
        let adjoint = Discrete::explicit(&TSIT5, starts.len(), &options, Budget::default())?;
        Ok(Training {
            descent: Descent::new(Rule::ADA_BELIEF, theta.len()),
            field,
            adjoint,
            span: (R::from_f64(span.0), R::from_f64(span.1)),
            starts: convert(starts),
            times: convert(times),
            data: convert(data),
            bars: convert(&vec![0.0; data.len()]),
        })
    }

    /// Mean squared error, its gradient, and the steps taken.
    fn step(&mut self) -> Result<(f64, Vec<R>, u64), Error> {
        let solution = self.adjoint.solve(&mut self.field, self.span, &self.starts, &self.times)?;
        let scale = R::one() / R::from_f64(self.data.len() as f64);
        let mut loss = R::zero();
        for ((bar, &y), &data) in self.bars.iter_mut().zip(&solution.y).zip(&self.data) {
            let miss = y - data;
            loss += scale * miss * miss;
            *bar = (R::one() + R::one()) * scale * miss;
        }
        let gradient = self.adjoint.pull_back(&mut self.field, &Cotangents::saved(&self.bars))?;
        Ok((loss.to_f64(), gradient.parameters, solution.stats.steps))
    }

    fn report(&mut self, name: &str, seconds: f64) -> Result<(), Error> {
        self.time(name, seconds)?;
        for _ in 0..500 {
            let (_, gradient, _) = self.step()?;
            self.field.network_mut().update(|theta| self.descent.step(theta, &gradient, 3e-3));
        }
        self.time(&format!("{name} after 500 steps"), seconds)
    }

    /// Times a step that starts from the same parameters each time.
    fn time(&mut self, name: &str, seconds: f64) -> Result<(), Error> {
        let theta = self.field.network().theta().to_vec();
        let (loss, gradient, steps) = self.step()?;
        let norm = gradient.iter().map(|g| g.to_f64().powi(2)).sum::<f64>().sqrt();
        let (mut times, begin) = (Vec::new(), Instant::now());
        while begin.elapsed().as_secs_f64() < seconds {
            let start = Instant::now();
            let mut descent = self.descent.clone();
            let (_, gradient, _) = self.step()?;
            self.field.network_mut().update(|theta| descent.step(theta, &gradient, 3e-3));
            times.push(start.elapsed().as_secs_f64() * 1e3);
            self.field.network_mut().update(|kept| kept.copy_from_slice(&theta));
        }
        times.sort_by(f64::total_cmp);
        let (eval, vjp) = self.evaluations();
        println!(
            "{name}, f{}: median {:.4} ms, least {:.4} ms of {}; {steps} steps, loss {loss:.8}, gradient norm {norm:.6}; \
             an evaluation {eval:.2} us, a pullback {vjp:.2} us",
            8 * size_of::<R>(),
            times[times.len() / 2],
            times[0],
            times.len(),
        );
        Ok(())
    }

    /// The least time of an evaluation and of a pullback of the field, in microseconds.
    fn evaluations(&self) -> (f64, f64) {
        let (n, mut work) = (self.starts.len(), self.field.workspace());
        let (mut dy, mut y_bar) = (vec![R::zero(); n], vec![R::zero(); n]);
        let mut theta_bar = vec![R::zero(); self.field.parameters().len()];
        let least = |work: &mut dyn FnMut()| {
            let mut least = f64::INFINITY;
            for _ in 0..200 {
                let start = Instant::now();
                (0..20).for_each(|_| work());
                least = least.min(start.elapsed().as_secs_f64() * 1e6 / 20.0);
            }
            least
        };
        let eval = least(&mut || self.field.eval(R::zero(), black_box(&self.starts), &mut dy, &mut work));
        let vjp = least(&mut || {
            let (y, bar) = (black_box(&self.starts), black_box(&dy));
            self.field.vjp(R::zero(), y, bar, &mut y_bar, &mut theta_bar, &mut work);
        });
        (eval, vjp)
    }
}
