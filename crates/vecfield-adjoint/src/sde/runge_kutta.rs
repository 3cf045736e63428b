//! Back through a [`StochasticTableau`]: stages are found again from the state at the start of the step.

use vecfield_kernels::axpy;
use vecfield_solvers::sde::{SdeError, StochasticTableau, strike, strike_back};
use vecfield_traits::DriftDiffusionVjp;

use super::{Pass, Retraced, add};

/// The stages of a step, and their cotangents.
pub(super) struct Stages<'a> {
    tableau: &'a StochasticTableau,
    values: Values,
    bars: Values,
}

/// Stages and evaluations.
struct Values {
    z: Vec<Vec<f64>>,
    f: Vec<Vec<f64>>,
    gw: Vec<Vec<f64>>,
    gh: Vec<Vec<f64>>,
    g: Vec<f64>,
}

impl<'a> Stages<'a> {
    pub(super) fn new<F: DriftDiffusionVjp<f64>>(tableau: &'a StochasticTableau, pass: &Pass<'_, F>) -> Self {
        let rows = || vec![vec![0.0; pass.start.len()]; tableau.stages()];
        let values = || Values { z: rows(), f: rows(), gw: rows(), gh: rows(), g: pass.diffusion() };
        Stages { tableau, values: values(), bars: values() }
    }
}

impl<F: DriftDiffusionVjp<f64>> Retraced<F> for Stages<'_> {
    fn stages(&mut self, pass: &mut Pass<'_, F>, n: usize, y: &[f64]) -> Result<(), SdeError> {
        let Stages { tableau, values, .. } = self;
        let (noise, over) = (pass.field.noise(), pass.motion.over(&pass.steps[n])?);
        for i in 0..tableau.stages() {
            let mut z = std::mem::take(&mut values.z[i]);
            z.copy_from_slice(y);
            for j in 0..i {
                let weights = [over.h * tableau.a[i][j], tableau.aw[i][j], weight_of(tableau.ah, i, j)];
                combine(&mut z, weights, values, j);
            }
            pass.field.both(over.t + tableau.c[i] * over.h, &z, &mut values.f[i], &mut values.g, &mut pass.work);
            strike(noise, &values.g, over.w, &mut values.gw[i]);
            if tableau.uses_area() {
                strike(noise, &values.g, over.area, &mut values.gh[i]);
            }
            values.z[i] = z;
        }
        Ok(())
    }

    fn land(&self, h: f64, y: &mut [f64]) {
        let tableau = self.tableau;
        for i in 0..tableau.stages() {
            combine(y, [h * tableau.b[i], tableau.bw[i], weight(tableau.bh, i)], &self.values, i);
        }
    }

    fn back(
        &mut self,
        pass: &mut Pass<'_, F>,
        n: usize,
        _y: &[f64],
        y_bar: &mut [f64],
        theta_bar: &mut [f64],
    ) -> Result<(), SdeError> {
        let Stages { tableau, values, bars } = self;
        let (noise, over) = (pass.field.noise(), pass.motion.over(&pass.steps[n])?);
        for i in 0..tableau.stages() {
            let weights = [over.h * tableau.b[i], tableau.bw[i], weight(tableau.bh, i)];
            for (weight, bar) in weights.into_iter().zip([&mut bars.f[i], &mut bars.gw[i], &mut bars.gh[i]]) {
                bar.iter_mut().zip(y_bar.iter()).for_each(|(bar, y_bar)| *bar = weight * y_bar);
            }
        }
        for i in (0..tableau.stages()).rev() {
            let z_bar = &mut bars.z[i];
            bars.g.fill(0.0);
            z_bar.fill(0.0);
            strike_back(noise, &bars.gw[i], over.w, &mut bars.g);
            if tableau.uses_area() {
                strike_back(noise, &bars.gh[i], over.area, &mut bars.g);
            }
            let t = over.t + tableau.c[i] * over.h;
            pass.field.pull_back(t, &values.z[i], &bars.f[i], &bars.g, z_bar, theta_bar, &mut pass.work);
            add(z_bar, y_bar);
            for j in 0..i {
                axpy(over.h * tableau.a[i][j], z_bar, &mut bars.f[j]);
                axpy(tableau.aw[i][j], z_bar, &mut bars.gw[j]);
                axpy(weight_of(tableau.ah, i, j), z_bar, &mut bars.gh[j]);
            }
        }
        Ok(())
    }
}

fn combine(out: &mut [f64], weights: [f64; 3], values: &Values, j: usize) {
    for (weight, x) in weights.into_iter().zip([&values.f[j], &values.gw[j], &values.gh[j]]) {
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
