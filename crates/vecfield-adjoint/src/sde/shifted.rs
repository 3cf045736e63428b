//! Back through an [`AdditiveTableau`].

use vecfield_kernels::axpy;
use vecfield_solvers::sde::{AdditiveTableau, SdeError, strike, strike_back};
use vecfield_traits::DriftDiffusionVjp;

use super::{Pass, Retraced, add};

/// The stages of a step, and their cotangents.
pub(super) struct Stages<'a> {
    tableau: &'a AdditiveTableau,
    values: Values,
    bars: Values,
}

/// Stages and rates; the noise at both ends, as `g₀ W`, `g₀ H`, `g₁ W`, `g₁ H`.
struct Values {
    z: Vec<Vec<f64>>,
    f: Vec<Vec<f64>>,
    struck: [Vec<f64>; 4],
    g: Vec<f64>,
}

/// What the four take in the end of a step.
const STRUCK: [f64; 4] = [0.5, 1.0, 0.5, -1.0];

impl<'a> Stages<'a> {
    pub(super) fn new<F: DriftDiffusionVjp<f64>>(tableau: &'a AdditiveTableau, pass: &Pass<'_, F>) -> Self {
        let state = || vec![0.0; pass.start.len()];
        let rows = || vec![state(); tableau.c.len()];
        let values = || Values { z: rows(), f: rows(), struck: std::array::from_fn(|_| state()), g: pass.diffusion() };
        Stages { tableau, values: values(), bars: values() }
    }
}

impl<F: DriftDiffusionVjp<f64>> Retraced<F> for Stages<'_> {
    fn stages(&mut self, pass: &mut Pass<'_, F>, n: usize, y: &[f64]) -> Result<(), SdeError> {
        let (tableau, noise, over) = (self.tableau, pass.field.noise(), pass.motion.over(&pass.steps[n])?);
        let Values { z, f, struck: [by_w, by_h, end_by_w, end_by_h], g } = &mut self.values;
        for (t, by_w, by_h) in [(over.t, &mut *by_w, &mut *by_h), (over.t + over.h, end_by_w, end_by_h)] {
            pass.field.diffusion(t, y, g, &mut pass.work);
            strike(noise, g, over.w, by_w);
            strike(noise, g, over.area, by_h);
        }
        for i in 0..z.len() {
            z[i].copy_from_slice(y);
            (0..i).for_each(|j| axpy(over.h * tableau.a[i][j], &f[j], &mut z[i]));
            axpy(tableau.w[i], by_w, &mut z[i]);
            axpy(tableau.s[i], by_h, &mut z[i]);
            pass.field.drift(over.t + tableau.c[i] * over.h, &z[i], &mut f[i], &mut pass.work);
        }
        Ok(())
    }

    fn land(&self, h: f64, y: &mut [f64]) {
        self.values.f.iter().zip(self.tableau.b).for_each(|(f, b)| axpy(h * b, f, y));
        STRUCK.into_iter().zip(&self.values.struck).for_each(|(weight, struck)| axpy(weight, struck, y));
    }

    fn back(
        &mut self,
        pass: &mut Pass<'_, F>,
        n: usize,
        y: &[f64],
        y_bar: &mut [f64],
        theta_bar: &mut [f64],
    ) -> Result<(), SdeError> {
        let Stages { tableau, values, bars } = self;
        let (noise, over) = (pass.field.noise(), pass.motion.over(&pass.steps[n])?);
        for (weight, struck) in STRUCK.into_iter().zip(&mut bars.struck) {
            struck.iter_mut().zip(y_bar.iter()).for_each(|(bar, y_bar)| *bar = weight * y_bar);
        }
        for (f_bar, b) in bars.f.iter_mut().zip(tableau.b) {
            f_bar.iter_mut().zip(y_bar.iter()).for_each(|(bar, y_bar)| *bar = over.h * b * y_bar);
        }
        for i in (0..values.z.len()).rev() {
            bars.g.fill(0.0);
            let (z_bar, t) = (&mut bars.z[i], over.t + tableau.c[i] * over.h);
            z_bar.fill(0.0);
            pass.field.pull_back(t, &values.z[i], &bars.f[i], &bars.g, z_bar, theta_bar, &mut pass.work);
            add(z_bar, y_bar);
            (0..i).for_each(|j| axpy(over.h * tableau.a[i][j], z_bar, &mut bars.f[j]));
            axpy(tableau.w[i], z_bar, &mut bars.struck[0]);
            axpy(tableau.s[i], z_bar, &mut bars.struck[1]);
        }
        // The noise does not look at the state: what it owes is the parameters'.
        let none = &mut bars.f[0];
        none.fill(0.0);
        for (t, at) in [(over.t, 0), (over.t + over.h, 2)] {
            bars.g.fill(0.0);
            strike_back(noise, &bars.struck[at], over.w, &mut bars.g);
            strike_back(noise, &bars.struck[at + 1], over.area, &mut bars.g);
            pass.field.pull_back(t, y, none, &bars.g, y_bar, theta_bar, &mut pass.work);
        }
        Ok(())
    }
}
