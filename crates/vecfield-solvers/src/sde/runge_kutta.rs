//! The stepper of a [`StochasticTableau`].

use vecfield_kernels::axpy;
use vecfield_traits::DriftDiffusion;

use super::products::{add, strike};
use super::stepper::{Increment, SdeStepper, Size};
use super::tableau::StochasticTableau;

/// Steps by a table.
#[derive(Debug, Clone)]
pub struct RungeKutta {
    tableau: &'static StochasticTableau,
    size: Size,
    /// Which stages look at the drift, the diffusion times `W`, and times `H`.
    looks: Vec<[bool; 3]>,
    f: Vec<Vec<f64>>,
    gw: Vec<Vec<f64>>,
    gh: Vec<Vec<f64>>,
    g: Vec<f64>,
    stage: Vec<f64>,
}

impl RungeKutta {
    pub(crate) fn new(tableau: &'static StochasticTableau, size: Size) -> Self {
        let stages = tableau.stages();
        let used = |rows: &[&[f64]], weights: &[f64], j: usize| {
            weights.get(j).is_some_and(|&w| w != 0.0) || rows.iter().any(|row| row.get(j).is_some_and(|&a| a != 0.0))
        };
        let looks = (0..stages).map(|j| {
            let drift = used(tableau.a, tableau.b, j);
            [drift, used(tableau.aw, tableau.bw, j), used(tableau.ah, tableau.bh, j)]
        });
        let looks: Vec<[bool; 3]> = looks.collect();
        let kept = |which: usize| -> Vec<Vec<f64>> {
            looks.iter().map(|looks| if looks[which] { size.state() } else { Vec::new() }).collect()
        };
        let (f, gw, gh) = (kept(0), kept(1), kept(2));
        RungeKutta { tableau, size, looks, f, gw, gh, g: size.diffusion(), stage: size.state() }
    }
}

impl<F: DriftDiffusion<f64>> SdeStepper<F> for RungeKutta {
    fn step(&mut self, field: &F, over: &Increment<'_>, y: &mut [f64], work: &mut F::Workspace) {
        let RungeKutta { tableau, size, looks, f, gw, gh, g, stage } = self;
        let &Increment { t, h, w, area, .. } = over;
        for i in 0..tableau.stages() {
            stage.copy_from_slice(y);
            add(stage, tableau.a[i], h, f);
            add(stage, tableau.aw[i], 1.0, gw);
            add(stage, tableau.ah.get(i).copied().unwrap_or_default(), 1.0, gh);
            let [drift, by_w, by_h] = looks[i];
            let at = t + tableau.c[i] * h;
            match (drift, by_w || by_h) {
                (true, true) => field.both(at, stage, &mut f[i], g, work),
                (true, false) => field.drift(at, stage, &mut f[i], work),
                (false, true) => field.diffusion(at, stage, g, work),
                (false, false) => {}
            }
            if by_w {
                strike(size.noise, g, w, &mut gw[i]);
            }
            if by_h {
                strike(size.noise, g, area, &mut gh[i]);
            }
        }
        for i in 0..tableau.stages() {
            let weights = [(tableau.b[i] * h, &f[i]), (tableau.bw[i], &gw[i])];
            let by_h = (tableau.bh.get(i).copied().unwrap_or(0.0), &gh[i]);
            for (weight, x) in weights.into_iter().chain([by_h]) {
                if weight != 0.0 {
                    axpy(weight, x, y);
                }
            }
        }
    }
}
