//! The stepper of an [`AdditiveTableau`].

use vecfield_kernels::axpy;
use vecfield_traits::DriftDiffusion;

use super::products::{add, strike};
use super::stepper::{Increment, SdeStepper, Size};
use super::tableau::AdditiveTableau;

/// Steps whose stages are shifted by the noise.
#[derive(Debug, Clone)]
pub struct Shifted {
    tableau: &'static AdditiveTableau,
    size: Size,
    f: Vec<Vec<f64>>,
    stage: Vec<f64>,
    /// The diffusion at both ends; what the end was is what the next step starts from.
    g: [Vec<f64>; 2],
    /// Where the last one was taken.
    end: Option<f64>,
    /// `g₀ W`, `g₀ H`, `g₁ W`, `g₁ H`.
    struck: [Vec<f64>; 4],
}

impl Shifted {
    pub(crate) fn new(tableau: &'static AdditiveTableau, size: Size) -> Self {
        let f = tableau.c.iter().map(|_| size.state()).collect();
        let g = [size.diffusion(), size.diffusion()];
        let struck = core::array::from_fn(|_| size.state());
        Shifted { tableau, size, f, stage: size.state(), g, end: None, struck }
    }
}

impl<F: DriftDiffusion<f64>> SdeStepper<F> for Shifted {
    fn start(&mut self, _field: &F, _t: f64, _y: &[f64], _work: &mut F::Workspace) {
        self.end = None;
    }

    fn step(&mut self, field: &F, over: &Increment<'_>, y: &mut [f64], work: &mut F::Workspace) {
        let Shifted { tableau, size, f, stage, g, end, struck } = self;
        let &Increment { t, h, w, area, .. } = over;
        let [g_start, g_end] = g;
        match *end == Some(t) {
            true => core::mem::swap(g_start, g_end),
            false => field.diffusion(t, y, g_start, work),
        }
        field.diffusion(t + h, y, g_end, work);
        *end = Some(t + h);
        let [by_w, by_h, end_by_w, end_by_h] = struck;
        strike(size.noise, g_start, w, by_w);
        strike(size.noise, g_start, area, by_h);
        strike(size.noise, g_end, w, end_by_w);
        strike(size.noise, g_end, area, end_by_h);
        for i in 0..f.len() {
            stage.copy_from_slice(y);
            add(stage, tableau.a[i], h, f);
            axpy(tableau.w[i], by_w, stage);
            axpy(tableau.s[i], by_h, stage);
            field.drift(t + tableau.c[i] * h, stage, &mut f[i], work);
        }
        add(y, tableau.b, h, f);
        axpy(0.5, by_w, y);
        axpy(0.5, end_by_w, y);
        axpy(1.0, by_h, y);
        axpy(-1.0, end_by_h, y);
    }
}
