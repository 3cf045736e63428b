//! From noise to points: the probability-flow ODE, few steps of a multistep method, the reverse SDE.

use serde::{Deserialize, Serialize};
use vecfield_nn::Random;
use vecfield_traits::{BatchField, BatchRows};

use super::noise::{Process, angle};

/// How points are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Sampler {
    /// By so many steps of DPM-Solver++ (2M).
    #[default]
    Dpm,
    /// By the probability-flow ODE, to the tolerances of `[solver]`.
    Ode,
    /// By so many Euler–Maruyama steps of the reverse SDE.
    Sde,
}

impl Sampler {
    /// Evaluations of the network for a point, unless said.
    pub(super) fn evaluations(self) -> usize {
        match self {
            Sampler::Dpm => 30,
            Sampler::Ode => 0,
            Sampler::Sde => 500,
        }
    }
}

/// The probability-flow ODE by the noise level, from a field that gives `F(u, level)` and whatever is integrated with it, such as
/// its trace: `du/dlevel = -2 (σ/α)/(1 + (σ/α)²) F`.
///
/// With the trace beside it, a solve from the lowest level to the highest gives `ln p(u) = ln N(u_end) + ∫ tr`.
#[derive(Debug, Clone, Copy)]
pub struct ProbabilityFlow<F>(pub F);

impl<F: BatchField<f64>> BatchField<f64> for ProbabilityFlow<F> {
    type Workspace = F::Workspace;

    fn workspace(&self, rows: usize) -> F::Workspace {
        self.0.workspace(rows)
    }

    fn width(&self) -> usize {
        self.0.width()
    }

    fn eval(&self, rows: BatchRows<'_, f64>, dy: &mut [f64], work: &mut F::Workspace) {
        self.0.eval(rows, dy, work);
        for (dy, &level) in dy.chunks_exact_mut(self.0.width()).zip(rows.t) {
            let [cos, sin] = angle(level);
            dy.iter_mut().for_each(|dy| *dy *= -2.0 * sin * cos);
        }
    }
}

impl Process {
    /// Takes points `u` of the highest noise level to data in so many steps of DPM-Solver++ (2M), equal in `ln(σ/α)`: `field` writes
    /// `F(u, level)` of points `[points, dim]` into its last argument.
    ///
    /// Lu, Zhou, Bao, Chen, Li & Zhu 2022, algorithm 2, with `α = cos φ` and `σ = sin φ`; the last step is of first order and ends
    /// at the data that are then predicted.
    pub fn denoise(self, steps: usize, u: &mut [f64], field: &mut impl FnMut(f64, &[f64], &mut [f64])) {
        let [low, high] = self.levels();
        let steps = steps.max(2);
        let level = |step: usize| high + (low - high) * step as f64 / (steps - 1) as f64;
        let (mut data, mut before) = (vec![0.0; u.len()], vec![0.0; u.len()]);
        for step in 0..steps {
            let [cos, sin] = angle(level(step));
            field(level(step), u, &mut data);
            data.iter_mut().zip(&*u).for_each(|(data, u)| *data = cos * u + sin * *data);
            if step + 1 == steps {
                break;
            }
            let [cos_next, sin_next] = angle(level(step + 1));
            // h is the step of ln(α/σ), twice that of levels; all steps are of one size.
            let h = 2.0 * (level(step) - level(step + 1));
            let gain = -cos_next * (-h).exp_m1();
            for (i, u) in u.iter_mut().enumerate() {
                let extrapolated = if step == 0 { data[i] } else { 1.5 * data[i] - 0.5 * before[i] };
                *u = sin_next / sin * *u + gain * extrapolated;
            }
            core::mem::swap(&mut data, &mut before);
        }
        u.copy_from_slice(&data);
    }

    /// Takes points `u` of the highest noise level to data along the reverse SDE `dx = (f x - g² ∇ ln p) dt + g dW`, in so many
    /// Euler–Maruyama steps, equal in the noise level, and a last one that takes out the noise that is left.
    ///
    /// Song et al. 2021, eq. (6). `random` has a generator for each point.
    pub fn reverse(
        self,
        steps: usize,
        u: &mut [f64],
        random: &mut [Random],
        field: &mut impl FnMut(f64, &[f64], &mut [f64]),
    ) {
        let dim = u.len() / random.len().max(1);
        let mut found = vec![0.0; u.len()];
        let times = self.grid(steps.max(1));
        for pair in times.windows(2) {
            let (t, h) = (pair[0], pair[1] - pair[0]);
            let [[alpha, sigma], [f, g2]] = [self.marginal(t), self.drift(t)];
            let [next_alpha, next_sigma] = self.marginal(pair[1]);
            let (size, next_size) = (alpha.hypot(sigma), next_alpha.hypot(next_sigma));
            let [cos, sin] = [alpha / size, sigma / size];
            field(self.level(t), u, &mut found);
            for (point, random) in random.iter_mut().enumerate() {
                for i in point * dim..(point + 1) * dim {
                    let (x, noise) = (size * u[i], sin * u[i] - cos * found[i]);
                    let drift = f * x + g2 / sigma * noise;
                    u[i] = (x + h * drift + (g2 * -h).sqrt() * random.normal()) / next_size;
                }
            }
        }
        let last = self.times()[0];
        let [cos, sin] = angle(self.level(last));
        field(self.level(last), u, &mut found);
        u.iter_mut().zip(&found).for_each(|(u, found)| *u = cos * *u + sin * found);
    }

    /// Times from the end to the beginning whose levels are equally far apart.
    fn grid(self, steps: usize) -> Vec<f64> {
        let ([low, high], [first, last]) = (self.levels(), self.times());
        let time = |step: usize| {
            let level = high + (low - high) * step as f64 / steps as f64;
            // Levels rise with time.
            let (mut from, mut to) = (first, last);
            for _ in 0..60 {
                let middle = 0.5 * (from + to);
                if self.level(middle) < level { from = middle } else { to = middle }
            }
            match step {
                0 => last,
                step if step == steps => first,
                _ => 0.5 * (from + to),
            }
        };
        (0..=steps).map(time).collect()
    }
}

/// How far two sets of points are from each other: the mean over directions of the distance of Wasserstein between their
/// shadows, `∫ |F⁻¹ - G⁻¹|`.
///
/// Two dimensions are looked at from 24 sides, more from 64 at random.
pub fn sliced_wasserstein(a: &[f64], b: &[f64], dim: usize) -> f64 {
    let mut random = Random::new(0x736c_6963_6573);
    let directions: Vec<Vec<f64>> = match dim {
        1 => vec![vec![1.0]],
        2 => (0..24)
            .map(|k| core::f64::consts::PI * k as f64 / 24.0)
            .map(|angle| vec![angle.cos(), angle.sin()])
            .collect(),
        _ => (0..64).map(|_| unit((0..dim).map(|_| random.normal()).collect())).collect(),
    };
    let shadow = |points: &[f64], direction: &[f64]| {
        let along = |point: &[f64]| point.iter().zip(direction).map(|(x, d)| x * d).sum::<f64>();
        let mut shadow: Vec<f64> = points.chunks_exact(dim).map(along).collect();
        shadow.sort_by(f64::total_cmp);
        shadow
    };
    let distance = |direction: &Vec<f64>| apart(&shadow(a, direction), &shadow(b, direction));
    directions.iter().map(distance).sum::<f64>() / directions.len() as f64
}

fn unit(mut v: Vec<f64>) -> Vec<f64> {
    let size = v.iter().map(|v| v * v).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
    v.iter_mut().for_each(|v| *v /= size);
    v
}

/// Between the quantiles of sorted numbers, as many of the one as of the other or not.
fn apart(a: &[f64], b: &[f64]) -> f64 {
    let (mut i, mut j, mut at, mut sum) = (0, 0, 0.0, 0.0);
    while i < a.len() && j < b.len() {
        let [next_a, next_b] = [(i + 1) as f64 / a.len() as f64, (j + 1) as f64 / b.len() as f64];
        let next = next_a.min(next_b);
        sum += (next - at) * (a[i] - b[j]).abs();
        at = next;
        // Both where they end together.
        i += usize::from(next_a <= next);
        j += usize::from(next_b <= next);
    }
    sum
}
