//! Back through an [`AdditiveTableau`].

use vecfield_kernels::axpy;
use vecfield_solvers::sde::{AdditiveTableau, SdeError, SdeSolution, strike, strike_back};
use vecfield_traits::DriftDiffusionVjp;

use super::{Pass, SdeGradient, add};

/// Stages and rates of a step; the noise at both ends, as `g₀ W`, `g₀ H`, `g₁ W`, `g₁ H`.
struct Stages {
    z: Vec<Vec<f64>>,
    f: Vec<Vec<f64>>,
    struck: [Vec<f64>; 4],
    g: Vec<f64>,
}

impl<F: DriftDiffusionVjp<f64>> Pass<'_, F> {
    pub(super) fn shifted(
        &mut self,
        tableau: &AdditiveTableau,
        quantity: impl FnOnce(&SdeSolution, &mut [f64]) -> f64,
    ) -> Result<SdeGradient, SdeError> {
        let size = self.start.len();
        let state = || vec![0.0; size];
        let rows = || tableau.c.iter().map(|_| state()).collect::<Vec<_>>();
        let stages = |g| Stages { z: rows(), f: rows(), struck: std::array::from_fn(|_| state()), g };
        let (mut forth, mut bar) = (stages(self.diffusion()), stages(self.diffusion()));
        let mut states = vec![self.start.clone()];
        for n in 0..self.steps.len() {
            let mut y = states[n].clone();
            self.shifted_stages(tableau, n, &y, &mut forth)?;
            let h = self.steps[n].end - self.steps[n].t;
            (0..forth.f.len()).for_each(|i| axpy(h * tableau.b[i], &forth.f[i], &mut y));
            for (weight, struck) in [0.5, 1.0, 0.5, -1.0].into_iter().zip(&forth.struck) {
                axpy(weight, struck, &mut y);
            }
            states.push(y);
        }
        let solution = self.saved(|n| states[n + 1].clone());
        let mut bars = vec![0.0; solution.y.len()];
        let value = quantity(&solution, &mut bars);
        let (mut y_bar, mut theta_bar) = (state(), self.theta());
        for n in (0..self.steps.len()).rev() {
            self.seed(n, &bars, &mut y_bar);
            self.shifted_stages(tableau, n, &states[n], &mut forth)?;
            self.shifted_back(tableau, n, (&forth, &states[n]), &mut bar, &mut y_bar, &mut theta_bar)?;
        }
        self.seed_start(&bars, &mut y_bar);
        Ok(SdeGradient { value, y0: y_bar, theta: theta_bar })
    }

    fn shifted_stages(
        &mut self,
        tableau: &AdditiveTableau,
        n: usize,
        y: &[f64],
        stages: &mut Stages,
    ) -> Result<(), SdeError> {
        let (noise, over) = (self.field.noise(), self.motion.over(&self.steps[n])?);
        let Stages { z, f, struck: [by_w, by_h, end_by_w, end_by_h], g } = stages;
        for (t, by_w, by_h) in [(over.t, &mut *by_w, &mut *by_h), (over.t + over.h, end_by_w, end_by_h)] {
            self.field.diffusion(t, y, g, &mut self.work);
            strike(noise, g, over.w, by_w);
            strike(noise, g, over.area, by_h);
        }
        for i in 0..z.len() {
            z[i].copy_from_slice(y);
            (0..i).for_each(|j| axpy(over.h * tableau.a[i][j], &f[j], &mut z[i]));
            axpy(tableau.w[i], by_w, &mut z[i]);
            axpy(tableau.s[i], by_h, &mut z[i]);
            self.field.drift(over.t + tableau.c[i] * over.h, &z[i], &mut f[i], &mut self.work);
        }
        Ok(())
    }

    fn shifted_back(
        &mut self,
        tableau: &AdditiveTableau,
        n: usize,
        (stages, y): (&Stages, &[f64]),
        bar: &mut Stages,
        y_bar: &mut [f64],
        theta_bar: &mut [f64],
    ) -> Result<(), SdeError> {
        let (noise, over) = (self.field.noise(), self.motion.over(&self.steps[n])?);
        for (weight, struck) in [0.5, 1.0, 0.5, -1.0].into_iter().zip(&mut bar.struck) {
            struck.iter_mut().zip(y_bar.iter()).for_each(|(bar, y_bar)| *bar = weight * y_bar);
        }
        for (f_bar, b) in bar.f.iter_mut().zip(tableau.b) {
            f_bar.iter_mut().zip(y_bar.iter()).for_each(|(bar, y_bar)| *bar = over.h * b * y_bar);
        }
        for i in (0..stages.z.len()).rev() {
            bar.g.fill(0.0);
            let (z_bar, t) = (&mut bar.z[i], over.t + tableau.c[i] * over.h);
            z_bar.fill(0.0);
            self.field.pull_back(t, &stages.z[i], &bar.f[i], &bar.g, z_bar, theta_bar, &mut self.work);
            add(z_bar, y_bar);
            (0..i).for_each(|j| axpy(over.h * tableau.a[i][j], z_bar, &mut bar.f[j]));
            axpy(tableau.w[i], z_bar, &mut bar.struck[0]);
            axpy(tableau.s[i], z_bar, &mut bar.struck[1]);
        }
        // The noise does not look at the state: what it owes is the parameters'.
        let none = &mut bar.f[0];
        none.fill(0.0);
        for (t, at) in [(over.t, 0), (over.t + over.h, 2)] {
            bar.g.fill(0.0);
            strike_back(noise, &bar.struck[at], over.w, &mut bar.g);
            strike_back(noise, &bar.struck[at + 1], over.area, &mut bar.g);
            self.field.pull_back(t, y, none, &bar.g, y_bar, theta_bar, &mut self.work);
        }
        Ok(())
    }
}
