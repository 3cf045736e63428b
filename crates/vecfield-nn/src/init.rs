//! How parameters begin.

use vecfield_traits::Real;

use crate::layer::Layer;
use crate::random::Random;
use crate::tensor::{Role, Tensor};

/// How the weights of a model begin; scales begin at one, shifts at zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Initialiser {
    /// Uniform, variance `2 / (fan_in + fan_out)`; biases zero (Glorot & Bengio 2010, eq. (16)).
    #[default]
    Glorot,
    /// Normal, variance `2 / (fan_in + fan_out)`; biases zero.
    GlorotNormal,
    /// Normal, variance `2 / fan_in`, for ReLU and its kin; biases zero (He, Zhang, Ren & Sun 2015, eq. (10)).
    He,
    /// Normal, variance `1 / fan_in`; biases zero (LeCun, Bottou, Orr & Müller 1998, section 4.6).
    LeCun,
    /// Orthonormal rows or columns; biases zero (Saxe, McClelland & Ganguli 2014).
    Orthogonal,
    /// Uniform in `±1/√fan_in`, weights and biases.
    Uniform,
}

impl Initialiser {
    /// All of them, in the order of the enum.
    pub const ALL: [Initialiser; 6] = [
        Initialiser::Glorot,
        Initialiser::GlorotNormal,
        Initialiser::He,
        Initialiser::LeCun,
        Initialiser::Orthogonal,
        Initialiser::Uniform,
    ];

    /// Parameters for `layer`, drawn from `random` in the order of its tensors.
    pub fn parameters<R: Real>(self, layer: &impl Layer, random: &mut Random) -> Vec<R> {
        let mut theta = Vec::with_capacity(layer.parameter_count());
        for tensor in layer.tensors() {
            theta.extend(self.tensor(&tensor, random).into_iter().map(R::from_f64));
        }
        theta
    }

    fn tensor(self, tensor: &Tensor, random: &mut Random) -> Vec<f64> {
        let n = tensor.len();
        let (fan_in, fan_out) = match tensor.role {
            Role::Scale => return vec![1.0; n],
            Role::Shift => return vec![0.0; n],
            Role::Bias { fan_in } if self == Initialiser::Uniform => (fan_in, fan_in),
            Role::Bias { .. } => return vec![0.0; n],
            Role::Weight { fan_in, fan_out } => (fan_in.max(1), fan_out.max(1)),
        };
        let (sum, fan_in) = ((fan_in + fan_out) as f64, fan_in.max(1) as f64);
        let mut uniform = |bound: f64| (0..n).map(|_| bound * (2.0 * random.uniform() - 1.0)).collect();
        match self {
            Initialiser::Glorot => uniform((6.0 / sum).sqrt()),
            Initialiser::Uniform => uniform(1.0 / fan_in.sqrt()),
            Initialiser::GlorotNormal => normal(n, (2.0 / sum).sqrt(), random),
            Initialiser::He => normal(n, (2.0 / fan_in).sqrt(), random),
            Initialiser::LeCun => normal(n, (1.0 / fan_in).sqrt(), random),
            Initialiser::Orthogonal => orthogonal(tensor.shape[0], n / tensor.shape[0].max(1), random),
        }
    }
}

fn normal(n: usize, deviation: f64, random: &mut Random) -> Vec<f64> {
    (0..n).map(|_| deviation * random.normal()).collect()
}

/// A matrix with orthonormal rows, or columns where there are fewer of those: Gram–Schmidt, twice, of normal vectors.
fn orthogonal(rows: usize, columns: usize, random: &mut Random) -> Vec<f64> {
    let (count, len) = (rows.min(columns), rows.max(columns));
    let mut vectors: Vec<Vec<f64>> = Vec::with_capacity(count);
    while vectors.len() < count {
        let mut vector = normal(len, 1.0, random);
        for _ in 0..2 {
            for earlier in &vectors {
                let along: f64 = vector.iter().zip(earlier).map(|(a, b)| a * b).sum();
                vector.iter_mut().zip(earlier).for_each(|(v, e)| *v -= along * e);
            }
        }
        let length = vector.iter().map(|v| v * v).sum::<f64>().sqrt();
        // A vector that was almost a combination of the earlier ones is drawn anew.
        if length > 1e-6 {
            vector.iter_mut().for_each(|v| *v /= length);
            vectors.push(vector);
        }
    }
    let at = |i: usize, j: usize| if rows <= columns { vectors[i][j] } else { vectors[j][i] };
    (0..rows * columns).map(|place| at(place / columns, place % columns)).collect()
}
