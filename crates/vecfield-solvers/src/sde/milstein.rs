//! Milstein's method, for noise whose columns commute: the first term of the expansion that Euler's leaves out.
//!
//! ```text
//! y⁺ = y + h f + g W + ½ Σ_jk (Σ_l g_lj ∂g_k/∂y_l) (W_j W_k - h δ_jk)        (Itô; without h after Stratonovich)
//! ```
//!
//! Milstein 1974; Kloeden, Platen 1992, (10.3.3) and (10.3.16), without derivatives (11.1.3).

use vecfield_kernels::axpy;
use vecfield_traits::{Calculus, DriftDiffusion, Layout};

use super::products::{each, strike};
use super::stepper::{Increment, SdeStepper, Size};

/// With the derivatives of the field.
#[derive(Debug, Clone)]
pub struct Milstein {
    size: Size,
    /// One for Itô, whose squares lose their mean.
    loss: f64,
    f: Vec<f64>,
    g: Vec<f64>,
    gw: Vec<f64>,
    slopes: Vec<f64>,
}

impl Milstein {
    pub(crate) fn new(size: Size, calculus: Calculus) -> Self {
        let entries = match size.noise.layout {
            Layout::Diagonal => size.dim,
            Layout::Dense => size.dim * size.noise.columns * size.noise.columns,
        };
        let slopes = vec![0.0; entries * size.paths];
        Milstein { size, loss: loss(calculus), f: size.state(), g: size.diffusion(), gw: size.state(), slopes }
    }
}

fn loss(calculus: Calculus) -> f64 {
    if calculus == Calculus::Ito { 1.0 } else { 0.0 }
}

impl<F: DriftDiffusion<f64>> SdeStepper<F> for Milstein {
    fn step(&mut self, field: &F, over: &Increment<'_>, y: &mut [f64], work: &mut F::Workspace) {
        let Milstein { size, loss, f, g, gw, slopes } = self;
        let &Increment { t, h, w, .. } = over;
        field.both(t, y, f, g, work);
        field.self_slopes(t, y, slopes, work);
        strike(size.noise, g, w, gw);
        axpy(h, f, y);
        axpy(1.0, gw, y);
        let (paths, lost) = (size.paths, *loss * h);
        if size.noise.layout == Layout::Diagonal {
            let slopes = &slopes[..y.len()];
            return each(y.len().min(w.len()), |i| y[i] += 0.5 * slopes[i] * (w[i] * w[i] - lost));
        }
        let m = size.noise.columns;
        for (i, y) in y.chunks_exact_mut(paths).enumerate() {
            for (k, j) in (0..m).flat_map(|k| (0..m).map(move |j| (k, j))) {
                let slopes = &slopes[((i * m + k) * m + j) * paths..][..paths];
                let (a, b, lost) =
                    (&w[k * paths..][..paths], &w[j * paths..][..paths], if k == j { lost } else { 0.0 });
                each(paths, |p| y[p] += 0.5 * slopes[p] * (a[p] * b[p] - lost));
            }
        }
    }
}

/// With a difference in the place of the derivatives; for scalar and diagonal noise after Itô, where the error of a one-sided
/// difference is multiplied by something of mean zero.
#[derive(Debug, Clone)]
pub struct MilsteinFree {
    size: Size,
    f: Vec<f64>,
    g: [Vec<f64>; 2],
    gw: Vec<f64>,
    stage: Vec<f64>,
}

impl MilsteinFree {
    pub(crate) fn new(size: Size) -> Self {
        let g = [size.diffusion(), size.diffusion()];
        MilsteinFree { size, f: size.state(), g, gw: size.state(), stage: size.state() }
    }
}

impl<F: DriftDiffusion<f64>> SdeStepper<F> for MilsteinFree {
    fn step(&mut self, field: &F, over: &Increment<'_>, y: &mut [f64], work: &mut F::Workspace) {
        let MilsteinFree { size, f, g: [g, g_stage], gw, stage } = self;
        let &Increment { t, h, w, .. } = over;
        field.both(t, y, f, g, work);
        stage.copy_from_slice(y);
        axpy(h, f, stage);
        axpy(h.sqrt(), g, stage);
        field.diffusion(t, stage, g_stage, work);
        strike(size.noise, g, w, gw);
        axpy(h, f, y);
        axpy(1.0, gw, y);
        let (scale, motions) = (0.5 / h.sqrt(), w.len());
        // One motion for every component, or one for each.
        for start in (0..y.len()).step_by(motions.max(1)) {
            let y = &mut y[start..][..motions];
            let (g, g_stage) = (&g[start..][..motions], &g_stage[start..][..motions]);
            each(motions, |i| y[i] += scale * (g_stage[i] - g[i]) * (w[i] * w[i] - h));
        }
    }
}
