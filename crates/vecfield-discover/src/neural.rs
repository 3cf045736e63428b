//! A neural differential equation as a source: what nobody measured, the field, is learnt through the solver and read as formulas.
//!
//! ```text
//! dy/dt = known(t, y, u) + r (c + A z + V tanh(W z + b)),   z = (y, u) in units of their spread about their means
//! ```
//!
//! The weights are fitted to the raw observations as any law's constants are, by multiple shooting with Levenberg–Marquardt: a few dozen of
//! them on tables of hundreds of rows, where second-order steps need tens of iterations and descent thousands. The field is then sampled
//! along the fitted solutions and about them, and symbolic regression names formulas for it, equation by equation (Kidger 2022, section
//! 6.1; there with Adam and evolution). Its start is linear least squares on rates of the smoothed data, with the inner weights drawn.

use crate::composed::{Rates, formulas_of, quintic, rates};
use crate::contest::blind_paths;
use crate::discovery::DiscoverError;
use crate::family::{Family, FamilyWorkspace};
use crate::matching::Matching;
use crate::model::Support;
use crate::observer::Pulse;
use crate::quick::{guesses, quick_options, scales};
use crate::source::{Formulas, Scene, Source};
use vecfield_adjoint::{AdjointError, Belief, Fit, FitOptions, Prior, Start, fit};
use vecfield_kernels::fill_normals;
use vecfield_linalg::least_squares;
use vecfield_symreg::Operators;
use vecfield_traits::{Elementary, ParametricField};

/// States at which the learnt field is looked at.
const SAMPLES: usize = 240;
/// How far from the solutions, in standard deviations of the state.
const AROUND: f64 = 0.05;
/// Spread of the inner weights, in units of the data's own.
const SPREAD: f64 = 1.2;
/// Standard deviation of a weight before the data are seen: rates of a few times their own spread are nothing unusual.
const BELIEVED: f64 = 3.0;
/// The weight of that belief in the start, which rests on rates that nobody measured.
const RIDGE: f64 = 0.05;

/// A neural differential equation, read out by symbolic regression.
#[derive(Debug, Clone)]
pub struct Neural {
    /// The operations of formulas.
    pub operators: Operators,
    /// Units of the hidden layer.
    pub hidden: usize,
}

impl Source for Neural {
    fn name(&self) -> &'static str {
        "neural"
    }

    fn formulas(&self, scene: &Scene<'_>, pulse: Pulse<'_>) -> Result<Formulas, DiscoverError> {
        let learnt = Learnt::of(scene, self.hidden, pulse)?;
        Ok(formulas_of(learnt.rates(scene), &scene.vocabulary.names(), &self.operators, pulse))
    }
}

/// A network of one hidden layer beside what is known of the equations, as a family of fields.
struct Network {
    known: Family,
    hidden: usize,
    /// Mean and spread of states and inputs.
    units: Vec<(f64, f64)>,
    /// Sizes of the rates.
    rates: Vec<f64>,
}

/// What an evaluation of a [`Network`] needs.
struct NetworkWorkspace<S> {
    known: FamilyWorkspace<S>,
    z: Vec<S>,
    layer: Vec<S>,
}

impl Network {
    /// What goes in: states and inputs.
    fn width(&self) -> usize {
        self.units.len()
    }

    /// Inner weights: `W` by rows with `b` behind each.
    fn inner(&self) -> usize {
        self.hidden * (self.width() + 1)
    }

    /// All weights: the inner ones, then for every equation `V`, `A` and `c`.
    fn weights(&self) -> usize {
        self.inner() + self.rates.len() * self.outputs()
    }

    /// Weights of one output.
    fn outputs(&self) -> usize {
        self.hidden + self.width() + 1
    }

    /// Writes `tanh(W z + b)`.
    fn layer<S: Elementary<Real = f64>>(&self, z: &[S], inner: &[S], layer: &mut [S]) {
        for (unit, weights) in layer.iter_mut().zip(inner.chunks_exact(self.width() + 1)) {
            let sum = z.iter().zip(weights).fold(weights[self.width()], |sum, (&z, &w)| sum + z * w);
            *unit = sum.tanh();
        }
    }

    /// Brings states and inputs to units of their spread about their means.
    fn scale<S: Elementary<Real = f64>>(&self, z: &mut [S]) {
        for (z, &(mean, spread)) in z.iter_mut().zip(&self.units) {
            *z = (*z - S::lift(mean)).scale(1.0 / spread);
        }
    }

    /// Adds the network's part to `dy`, at states and inputs `z` in their own units, which are overwritten.
    fn add<S: Elementary<Real = f64>>(&self, z: &mut [S], weights: &[S], layer: &mut [S], dy: &mut [S]) {
        self.scale(z);
        let (inner, outer) = weights.split_at(self.inner());
        self.layer(z, inner, layer);
        for ((dy, weights), rate) in dy.iter_mut().zip(outer.chunks_exact(self.outputs())).zip(&self.rates) {
            let terms = layer.iter().chain(z.iter()).zip(weights);
            let sum = terms.fold(weights[self.outputs() - 1], |sum, (&term, &w)| sum + term * w);
            *dy += sum.scale(*rate);
        }
    }
}

impl<S: Elementary<Real = f64>> ParametricField<S> for Network {
    type Workspace = NetworkWorkspace<S>;

    fn workspace(&self) -> NetworkWorkspace<S> {
        NetworkWorkspace {
            known: ParametricField::<S>::workspace(&self.known),
            z: vec![S::zero(); self.width()],
            layer: vec![S::zero(); self.hidden],
        }
    }

    fn dim(&self) -> usize {
        self.rates.len()
    }

    fn parameter_count(&self) -> usize {
        self.weights() + ParametricField::<S>::parameter_count(&self.known)
    }

    fn eval(&self, t: S, y: &[S], theta: &[S], dy: &mut [S], work: &mut NetworkWorkspace<S>) {
        let (weights, run) = theta.split_at(self.weights());
        let NetworkWorkspace { known, z, layer } = work;
        self.known.eval(t, y, run, dy, known);
        z[..y.len()].copy_from_slice(y);
        if let Some(run) = run.first() {
            self.known.inputs().at(run.value() as usize, t, &mut z[y.len()..]);
        }
        self.add(z, weights, layer, dy);
    }
}

/// A fitted network.
struct Learnt {
    network: Network,
    fit: Fit,
}

impl Learnt {
    /// Fits a network with so many hidden units to the data of a scene.
    fn of(scene: &Scene<'_>, hidden: usize, pulse: Pulse<'_>) -> Result<Self, DiscoverError> {
        let Scene { data, vocabulary, noise } = *scene;
        let paths = quintic(data, noise)?;
        let measured = (0..data.dim()).map(|equation| rates(vocabulary, data, &paths, equation));
        let rates = measured.collect::<Option<Vec<Rates>>>().ok_or(AdjointError::Start)?;
        let nothing = Support { equations: vec![vec![]; data.dim()] };
        let spread = |values: &[f64]| {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let square = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64;
            (mean, if square > 0.0 { square.sqrt() } else { mean.abs().max(1.0) })
        };
        let network = Network {
            known: nothing.family(vocabulary).map_err(|_| AdjointError::Start)?,
            hidden,
            units: rates[0].columns.iter().map(|column| spread(column)).collect(),
            rates: rates.iter().map(|of| spread(&of.rate).1).collect(),
        };
        let [smooth, _] = blind_paths(data, vocabulary, noise)?;
        let weights = network.start(&rates);
        let fit = network.fitted(scene, weights, &smooth, pulse)?;
        Ok(Self { network, fit })
    }

    /// The learnt part of every rate, at states along the fitted solutions, and on the chords between them, and near both.
    fn rates(&self, scene: &Scene<'_>) -> Vec<Option<Rates>> {
        let Scene { data, vocabulary, .. } = *scene;
        let dim = data.dim();
        let (mut columns, mut targets) = (vec![vec![]; self.network.width()], vec![vec![]; dim]);
        let (mut z, mut layer, mut rates) =
            (vec![0.0; self.network.width()], vec![0.0; self.network.hidden], vec![0.0; dim]);
        let pieces: Vec<(usize, usize)> =
            data.runs().iter().enumerate().flat_map(|(run, of)| (0..of.len() - 1).map(move |row| (run, row))).collect();
        let between = (SAMPLES / pieces.len().max(1)).clamp(1, 8);
        let step = (pieces.len() * between).div_ceil(SAMPLES).max(1);
        let places = pieces.iter().flat_map(|&piece| (0..between).map(move |k| (piece, k as f64 / between as f64)));
        for (sample, ((run, row), share)) in places.step_by(step).enumerate() {
            let times = data.runs()[run].times();
            let t = times[row] + share * (times[row + 1] - times[row]);
            let (left, right) = (self.fit.state(data, run, row), self.fit.state(data, run, row + 1));
            let mut aside = vec![0.0; dim];
            fill_normals([0, 2], 0, (sample * dim) as u64, &mut aside);
            let state =
                (0..dim).map(|v| left[v] + share * (right[v] - left[v]) + AROUND * self.network.units[v].1 * aside[v]);
            let arguments = vocabulary.arguments(run, t, state);
            z.copy_from_slice(&arguments[..self.network.width()]);
            for (column, &value) in columns.iter_mut().zip(&z) {
                column.push(value);
            }
            rates.fill(0.0);
            self.network.add(&mut z, &self.fit.theta[..self.network.weights()], &mut layer, &mut rates);
            for (target, &rate) in targets.iter_mut().zip(&rates) {
                target.push(rate);
            }
        }
        targets.into_iter().map(|rate| Some(Rates { columns: columns.clone(), rate })).collect()
    }
}

impl Network {
    /// Drawn inner weights, and outer ones by least squares on the rates.
    fn start(&self, rates: &[Rates]) -> Vec<f64> {
        let mut weights = vec![0.0; self.inner()];
        fill_normals([0, 1], 0, 0, &mut weights);
        weights.iter_mut().for_each(|w| *w *= SPREAD);
        let (rows, outputs) = (rates[0].rate.len(), self.outputs());
        let mut matrix = Vec::with_capacity((rows + outputs) * outputs);
        let (mut z, mut layer) = (vec![0.0; self.width()], vec![0.0; self.hidden]);
        for row in 0..rows {
            z.iter_mut().zip(&rates[0].columns).for_each(|(z, column)| *z = column[row]);
            self.scale(&mut z);
            self.layer(&z, &weights, &mut layer);
            matrix.extend(layer.iter().chain(&z).copied().chain([1.0]));
        }
        let ridge = RIDGE * (rows as f64).sqrt();
        for k in 0..outputs {
            matrix.extend((0..outputs).map(|j| if j == k { ridge } else { 0.0 }));
        }
        for (of, size) in rates.iter().zip(&self.rates) {
            let target = of.rate.iter().map(|rate| rate / size).chain(core::iter::repeat_n(0.0, outputs));
            let fitted = least_squares(&matrix, rows + outputs, outputs, &target.collect::<Vec<_>>());
            weights.extend(fitted.map_or_else(|_| vec![0.0; outputs], |fitted| fitted.x));
        }
        weights
    }

    /// The weights by maximum likelihood through the solver, with what is believed of them.
    fn fitted(
        &self,
        scene: &Scene<'_>,
        weights: Vec<f64>,
        path: &Matching,
        pulse: Pulse<'_>,
    ) -> Result<Fit, DiscoverError> {
        let Scene { data, noise, .. } = *scene;
        let prior = |parameter| Prior { parameter, belief: Belief::Normal { mean: 0.0, deviation: BELIEVED } };
        let quick = quick_options(weights.len(), data, noise, &scales(data));
        let options = FitOptions { priors: (0..weights.len()).map(prior).collect(), estimate_sigma: true, ..quick };
        let state = guesses(path, noise);
        let runs = data.runs().len();
        let numbers = self.known.thetas(&[], runs);
        let own = numbers.len() / runs;
        let theta = (0..runs).flat_map(|run| weights.iter().chain(&numbers[run * own..(run + 1) * own])).copied();
        let start = Start { theta: theta.collect(), state: &state };
        Ok(fit(self, data, &start, &options, &mut |_| pulse.flow())?)
    }
}

#[cfg(test)]
mod tests {
    use super::Learnt;
    use crate::observer::Pulse;
    use crate::source::Scene;
    use crate::vocabulary::Vocabulary;
    use vecfield_adjoint::Noise;
    use vecfield_data::{Trajectories, Trajectory};

    /// Circles of three sizes at irregular times: the field that is learnt is `(v, -x)`, along them and near them.
    #[test]
    fn the_field_of_an_oscillator_is_learnt() {
        let times: Vec<f64> = (0..30).map(|k| 0.2 * f64::from(k) + 0.05 * f64::from(k).sin()).collect();
        let run = |size: f64| {
            let values = times.iter().flat_map(|t| [size * t.cos(), -size * t.sin()]).collect();
            Trajectory::new(times.clone(), values, vec![]).unwrap()
        };
        let runs = [0.5, 1.0, 1.5].map(run).to_vec();
        let data = Trajectories::new(vec!["x".into(), "v".into()], vec![], runs).unwrap();
        let vocabulary = Vocabulary::new(data.variables(), 2, vec![]).unwrap();
        let scene = Scene { data: &data, vocabulary: &vocabulary, noise: Noise::Additive };
        let rates = Learnt::of(&scene, 8, Pulse::unobserved()).unwrap().rates(&scene);
        let (x, v) = (rates[0].as_ref().unwrap(), rates[1].as_ref().unwrap());
        for row in 0..x.rate.len() {
            let (dx, dv) = (x.columns[1][row], -x.columns[0][row]);
            assert!((x.rate[row] - dx).abs() < 0.02 && (v.rate[row] - dv).abs() < 0.02);
        }
    }
}
