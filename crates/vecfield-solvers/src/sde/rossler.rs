//! SRIW1, of strong order 1.5 for Itô equations with scalar or diagonal noise (Rößler 2010, table 6.1).
//!
//! ```text
//! H⁰_i = y + h Σ_j A⁰_ij f(H⁰_j) + I₁₀/h Σ_j B⁰_ij g(H¹_j)
//! H¹_i = y + h Σ_j A¹_ij f(H⁰_j) + √h Σ_j B¹_ij g(H¹_j)
//! y⁺   = y + h Σ_i α_i f(H⁰_i) + Σ_i (β¹_i W + β²_i I₁₁/√h + β³_i I₁₀/h + β⁴_i I₁₁₁/h) g(H¹_i)
//! ```
//!
//! with `I₁₁ = (W² - h)/2`, `I₁₁₁ = (W³ - 3 h W)/6` and `I₁₀ = h (W/2 + H)`.

use vecfield_traits::DriftDiffusion;

use super::products::{add, each};
use super::stepper::{Increment, SdeStepper, Size};

const STAGES: usize = 4;
const C0: [f64; STAGES] = [0.0, 0.75, 0.0, 0.0];
const C1: [f64; STAGES] = [0.0, 0.25, 1.0, 0.25];
const A0: [&[f64]; STAGES] = [&[], &[0.75], &[], &[]];
const B0: [&[f64]; STAGES] = [&[], &[1.5], &[], &[]];
/// The paper's last row is `0, 0, ¼`: its third stage of the drift stands where the first does.
const A1: [&[f64]; STAGES] = [&[], &[0.25], &[1.0], &[0.25]];
const B1: [&[f64]; STAGES] = [&[], &[0.5], &[-1.0], &[-5.0, 3.0, 0.5]];
const ALPHA: [f64; STAGES] = [1.0 / 3.0, 2.0 / 3.0, 0.0, 0.0];
const BETA: [[f64; STAGES]; 4] = [
    [-1.0, 4.0 / 3.0, 2.0 / 3.0, 0.0],
    [-1.0, 4.0 / 3.0, -1.0 / 3.0, 0.0],
    [2.0, -4.0 / 3.0, -2.0 / 3.0, 0.0],
    [-2.0, 5.0 / 3.0, -2.0 / 3.0, 1.0],
];

/// Steps of SRIW1.
#[derive(Debug, Clone)]
pub struct Sriw1 {
    f: Vec<Vec<f64>>,
    g: Vec<Vec<f64>>,
    /// A stage of the drift, and one of the diffusion.
    stages: [Vec<f64>; 2],
    /// `I₁₀/h` times a combination of diffusions.
    along: Vec<f64>,
}

impl Sriw1 {
    pub(crate) fn new(size: Size) -> Self {
        let four = || (0..STAGES).map(|_| size.state()).collect();
        Sriw1 { f: four(), g: four(), stages: [size.state(), size.state()], along: size.state() }
    }
}

impl<F: DriftDiffusion<f64>> SdeStepper<F> for Sriw1 {
    fn step(&mut self, field: &F, over: &Increment<'_>, y: &mut [f64], work: &mut F::Workspace) {
        let Sriw1 { f, g, stages: [drifting, diffusing], along } = self;
        let &Increment { t, h, w, area, .. } = over;
        // One motion for every component, or one for each: a motion's numbers repeat every `motions`.
        let motions = w.len().max(1);
        for i in 0..STAGES {
            drifting.copy_from_slice(y);
            add(drifting, A0[i], h, f);
            along.fill(0.0);
            add(along, B0[i], 1.0, g);
            for (y, along) in drifting.chunks_exact_mut(motions).zip(along.chunks_exact(motions)) {
                each(motions, |p| y[p] += along[p] * (0.5 * w[p] + area[p]));
            }
            diffusing.copy_from_slice(y);
            add(diffusing, A1[i], h, f);
            add(diffusing, B1[i], h.sqrt(), g);
            if ALPHA[i] != 0.0 {
                field.drift(t + C0[i] * h, drifting, &mut f[i], work);
            }
            field.diffusion(t + C1[i] * h, diffusing, &mut g[i], work);
        }
        add(y, &ALPHA, h, f);
        let root = h.sqrt();
        for (i, g) in g.iter().enumerate() {
            let [b1, b2, b3, b4] = BETA.map(|beta| beta[i]);
            for (y, g) in y.chunks_exact_mut(motions).zip(g.chunks_exact(motions)) {
                each(motions, |p| {
                    let w = w[p];
                    let (twice, thrice) = (0.5 * (w * w - h) / root, (w * w * w - 3.0 * h * w) / (6.0 * h));
                    y[p] += (b1 * w + b2 * twice + b3 * (0.5 * w + area[p]) + b4 * thrice) * g[p];
                });
            }
        }
    }
}
