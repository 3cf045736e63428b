//! Back through a [`StochasticTableau`]: stages are found again from the state at the start of the step.

use vecfield_kernels::axpy;
use vecfield_solvers::sde::{SdeError, SdeSolution, StochasticTableau, strike, strike_back};
use vecfield_traits::DriftDiffusionVjp;

use super::{Pass, SdeGradient, add};

/// Stages, evaluations and their cotangents.
struct Stages {
    z: Vec<Vec<f64>>,
    f: Vec<Vec<f64>>,
    gw: Vec<Vec<f64>>,
    gh: Vec<Vec<f64>>,
    g: Vec<f64>,
    z_bar: Vec<f64>,
}

impl<F: DriftDiffusionVjp<f64>> Pass<'_, F> {
    pub(super) fn runge_kutta(
        &mut self,
        tableau: &StochasticTableau,
        quantity: impl FnOnce(&SdeSolution, &mut [f64]) -> f64,
    ) -> Result<SdeGradient, SdeError> {
        let size = self.start.len();
        let state = || vec![0.0; size];
        let rows = || (0..tableau.stages()).map(|_| state()).collect::<Vec<_>>();
        let mut stages = Stages { z: rows(), f: rows(), gw: rows(), gh: rows(), g: self.diffusion(), z_bar: state() };
        let mut states = vec![self.start.clone()];
        for n in 0..self.steps.len() {
            let mut y = states[n].clone();
            self.stages(tableau, n, &y, &mut stages)?;
            let h = self.steps[n].end - self.steps[n].t;
            for i in 0..tableau.stages() {
                combine(&mut y, [h * tableau.b[i], tableau.bw[i], weight(tableau.bh, i)], &stages, i);
            }
            states.push(y);
        }
        let solution = self.saved(|n| states[n + 1].clone());
        let mut bars = vec![0.0; solution.y.len()];
        let value = quantity(&solution, &mut bars);
        let (mut y_bar, mut theta_bar) = (state(), self.theta());
        let mut bar = Stages { z: rows(), f: rows(), gw: rows(), gh: rows(), g: self.diffusion(), z_bar: state() };
        for n in (0..self.steps.len()).rev() {
            self.seed(n, &bars, &mut y_bar);
            self.stages(tableau, n, &states[n], &mut stages)?;
            self.back(tableau, n, &stages, &mut bar, &mut y_bar, &mut theta_bar)?;
        }
        self.seed_start(&bars, &mut y_bar);
        Ok(SdeGradient { value, y0: y_bar, theta: theta_bar })
    }

    fn stages(
        &mut self,
        tableau: &StochasticTableau,
        n: usize,
        y: &[f64],
        stages: &mut Stages,
    ) -> Result<(), SdeError> {
        let (noise, over) = (self.field.noise(), self.motion.over(&self.steps[n])?);
        for i in 0..tableau.stages() {
            let mut z = std::mem::take(&mut stages.z[i]);
            z.copy_from_slice(y);
            for j in 0..i {
                let weights = [over.h * tableau.a[i][j], tableau.aw[i][j], weight_of(tableau.ah, i, j)];
                combine(&mut z, weights, stages, j);
            }
            self.field.both(over.t + tableau.c[i] * over.h, &z, &mut stages.f[i], &mut stages.g, &mut self.work);
            strike(noise, &stages.g, over.w, &mut stages.gw[i]);
            if tableau.uses_area() {
                strike(noise, &stages.g, over.area, &mut stages.gh[i]);
            }
            stages.z[i] = z;
        }
        Ok(())
    }

    /// From the cotangent of the step's end to that of its start.
    fn back(
        &mut self,
        tableau: &StochasticTableau,
        n: usize,
        stages: &Stages,
        bar: &mut Stages,
        y_bar: &mut [f64],
        theta_bar: &mut [f64],
    ) -> Result<(), SdeError> {
        let (noise, over) = (self.field.noise(), self.motion.over(&self.steps[n])?);
        for i in 0..tableau.stages() {
            let weights = [over.h * tableau.b[i], tableau.bw[i], weight(tableau.bh, i)];
            for (weight, bar) in weights.into_iter().zip([&mut bar.f[i], &mut bar.gw[i], &mut bar.gh[i]]) {
                bar.iter_mut().zip(y_bar.iter()).for_each(|(bar, y_bar)| *bar = weight * y_bar);
            }
        }
        for i in (0..tableau.stages()).rev() {
            bar.g.fill(0.0);
            bar.z_bar.fill(0.0);
            strike_back(noise, &bar.gw[i], over.w, &mut bar.g);
            if tableau.uses_area() {
                strike_back(noise, &bar.gh[i], over.area, &mut bar.g);
            }
            let t = over.t + tableau.c[i] * over.h;
            self.field.pull_back(t, &stages.z[i], &bar.f[i], &bar.g, &mut bar.z_bar, theta_bar, &mut self.work);
            add(&bar.z_bar, y_bar);
            for j in 0..i {
                axpy(over.h * tableau.a[i][j], &bar.z_bar, &mut bar.f[j]);
                axpy(tableau.aw[i][j], &bar.z_bar, &mut bar.gw[j]);
                axpy(weight_of(tableau.ah, i, j), &bar.z_bar, &mut bar.gh[j]);
            }
        }
        Ok(())
    }
}

fn combine(out: &mut [f64], weights: [f64; 3], stages: &Stages, j: usize) {
    for (weight, x) in weights.into_iter().zip([&stages.f[j], &stages.gw[j], &stages.gh[j]]) {
        if weight != 0.0 {
            axpy(weight, x, out);
        }
    }
}

/// Weights of an area that is not used are zero.
fn weight(weights: &[f64], i: usize) -> f64 {
    weights.get(i).copied().unwrap_or(0.0)
}

fn weight_of(weights: &[&[f64]], i: usize, j: usize) -> f64 {
    weights.get(i).map_or(0.0, |row| weight(row, j))
}
