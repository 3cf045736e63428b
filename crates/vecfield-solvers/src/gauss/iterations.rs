//! The stage equations of [`Gauss`] solved: as they stand, or by simplified Newton iterations (Hairer–Wanner II, IV.8).

use vecfield_linalg::{Complex, LinalgError};
use vecfield_traits::{Elementary, Jacobian, Real};

use super::Gauss;
use crate::stepper::Evaluator;

/// Iterations of one step, at most.
const ITERATIONS: u32 = 10;

/// The same for fixed steps, which go down to rounding and cannot be made smaller.
const ITERATIONS_FIXED: u32 = 100;

/// Plain iterations that shrink the error by less than this are given up: an iteration of Newton's is then worth its
/// factorisation.
const SLOW: f64 = 0.35;

/// The same for the first two of any kind, whose changes need not yet tell.
const TURNS: f64 = 3.0;

/// How the stage equations are solved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Iteration {
    /// `z ← h A f(z)`.
    Plain,
    /// With the Jacobian of the field.
    Newton,
}

/// What is known of the Jacobian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    Missing,
    /// Evaluated at an earlier state.
    Old,
    /// Evaluated at this state.
    Current,
}

/// Are the stages of a step found?
pub(super) enum Solved {
    Converged,
    Failed,
}

impl<R: Real> Gauss<R> {
    /// Finds the stages `z` of the step from `t` to `t + h`.
    pub(super) fn stages<F: Jacobian<R>>(&mut self, field: &mut Evaluator<'_, F, R>, t: R, h: R) -> Solved {
        if self.iteration == Iteration::Plain {
            self.predict(h);
            if let Solved::Converged = self.iterate(field, t, h) {
                return self.found(h);
            }
            (self.iteration, self.age) = (Iteration::Newton, Age::Missing);
        }
        loop {
            if self.age == Age::Missing {
                self.linearisation.evaluate(field, t, &self.y);
                self.point.0 = t;
                self.point.1.copy_from_slice(&self.y);
                (self.age, self.factored) = (Age::Current, None);
            }
            // Times of fixed steps are multiples of the step, whose differences vary by rounding.
            let same = R::from_f64(1e-6) * h.abs();
            if self.factored.is_none_or(|factored| (factored - h).abs() > same) {
                field.stats.factorizations += 1;
                if self.factorize(h).is_err() {
                    return Solved::Failed;
                }
            }
            self.predict(h);
            match self.iterate(field, t, h) {
                Solved::Converged => return self.found(h),
                Solved::Failed if self.age == Age::Old => self.age = Age::Missing,
                Solved::Failed => {
                    self.eta = R::one();
                    return Solved::Failed;
                }
            }
        }
    }

    /// Looks ahead to the next step.
    fn found(&mut self, h: R) -> Solved {
        self.before = Some(h);
        // The spectral radius of A is below a half: plain iterations are sure to converge fast again.
        let easy = R::from_f64(0.2);
        if self.age == Age::Current && h.abs() * self.linearisation.spectral_bound() < easy {
            self.iteration = Iteration::Plain;
        }
        // A Jacobian that lets the iterations converge this fast is good enough for the next step.
        let slow = R::from_f64(0.1);
        if self.iteration == Iteration::Newton && self.eta > slow {
            self.age = Age::Missing;
        }
        Solved::Converged
    }

    pub(super) fn factorize(&mut self, h: R) -> Result<(), LinalgError> {
        let number = |x: f64| R::from_f64(x) / h;
        self.factored = None;
        if let Some(gamma) = self.method.gamma {
            self.real.factorize(number(gamma), &self.linearisation)?;
        }
        if let Some((alpha, beta)) = self.method.pair {
            self.complex.factorize(Complex::new(number(alpha), number(beta)), &self.linearisation)?;
        }
        self.factored = Some(h);
        Ok(())
    }

    /// Iterates from the prediction in `z`.
    fn iterate<F: Jacobian<R>>(&mut self, field: &mut Evaluator<'_, F, R>, t: R, h: R) -> Solved {
        let n = self.n;
        if self.iteration == Iteration::Newton {
            transform(&self.weights.inverse, n, &self.z, &mut self.w);
        }
        self.eta = Elementary::powf(Elementary::max(self.eta, R::EPSILON), R::from_f64(0.8));
        let limit = if self.fixed { ITERATIONS_FIXED } else { ITERATIONS };
        let mut before = [None; 2];
        for iteration in 1..=limit {
            for (i, &c) in self.weights.c.iter().enumerate() {
                for j in 0..n {
                    self.stage[j] = self.y[j] + self.z[i * n + j];
                }
                field.eval(t + c * h, &self.stage, &mut self.rates[i * n..][..n]);
            }
            let change = match self.iteration {
                Iteration::Plain => self.plain(h),
                Iteration::Newton => self.newton(h),
            };
            let size = (change / R::from_f64(self.method.stages() as f64)).sqrt();
            if !size.is_finite() {
                return Solved::Failed;
            }
            match self.judge(size, before, limit - iteration) {
                Some(solved) => return solved,
                None => before = [Some(size), before[0]],
            }
        }
        Solved::Failed
    }

    /// Do the iterations end here, after a change of this size and the two before it?
    fn judge(&mut self, size: R, [before, earlier]: [Option<R>; 2], left: u32) -> Option<Solved> {
        if size == R::zero() {
            return Some(Solved::Converged);
        }
        let Some(before) = before else { return self.near_enough(size) };
        // Errors that turn, or positions and momenta that take turns, make every other change small: two are one.
        let rate = earlier.map_or(size / before, |earlier| (size / earlier).sqrt());
        // In units of the tolerance, what rounding in the field and the sums may leave.
        let rounding = R::from_f64(1e4) * R::EPSILON / self.norm.rtol();
        if self.fixed && size <= rounding {
            // What rounding leaves does not shrink, and tells nothing of the speed of convergence.
            if rate < R::from_f64(0.1) {
                self.eta = rate;
            }
            let stalled = earlier.is_some() && rate >= R::from_f64(0.9);
            return (stalled || left == 0).then_some(Solved::Converged);
        }
        let slow = match (self.iteration, earlier) {
            (Iteration::Plain, Some(_)) => SLOW,
            (Iteration::Newton, Some(_)) => 0.99,
            (Iteration::Newton, None) if self.age == Age::Old => 0.99,
            (_, None) => TURNS,
        };
        if rate >= R::from_f64(slow) {
            return Some(Solved::Failed);
        }
        if rate < R::one() {
            self.eta = rate / (R::one() - rate);
            let left = i32::try_from(left).unwrap_or(i32::MAX);
            if !self.fixed && Elementary::powi(rate, left) / (R::one() - rate) * size > self.kappa {
                return Some(Solved::Failed);
            }
        }
        self.near_enough(size)
    }

    /// Is what is left below the tolerance? Fixed steps have none, and go on to rounding.
    fn near_enough(&self, size: R) -> Option<Solved> {
        (!self.fixed && self.eta * size <= self.kappa).then_some(Solved::Converged)
    }

    /// `z ← h A f`; the squares of the norms of the change, summed over the stages.
    fn plain(&mut self, h: R) -> R {
        let (n, s) = (self.n, self.method.stages());
        let mut total = R::zero();
        for (z, row) in self.z.chunks_exact_mut(n.max(1)).zip(self.weights.a.chunks_exact(s)) {
            for (j, z) in z.iter_mut().enumerate() {
                let sum = row.iter().enumerate().fold(R::zero(), |sum, (k, &a)| sum + a * self.rates[k * n + j]);
                self.error[j] = h * sum - *z;
                *z = h * sum;
            }
            let size = self.norm.of(&self.error, &self.y);
            total += size * size;
        }
        total
    }

    /// One simplified Newton iteration in the basis of the method: `(Λ/h - J) Δw = T⁻¹ f - Λ w / h`; the squares of the
    /// norms of the change, summed over the stages.
    fn newton(&mut self, h: R) -> R {
        let n = self.n;
        let number = |x: f64| R::from_f64(x) / h;
        // `z` is free until the update.
        transform(&self.weights.inverse, n, &self.rates, &mut self.z);
        let mut total = R::zero();
        let mut first = 0;
        if let Some(gamma) = self.method.gamma.map(number) {
            for j in 0..n {
                self.error[j] = self.z[j] - gamma * self.w[j];
            }
            self.real.solve(&mut self.error);
            self.w.iter_mut().zip(&self.error).for_each(|(w, change)| *w += *change);
            let size = self.norm.of(&self.error, &self.y);
            total += size * size;
            first = n;
        }
        if let Some((alpha, beta)) = self.method.pair {
            let (alpha, beta) = (number(alpha), number(beta));
            for j in 0..n {
                let (w1, w2) = (self.w[first + j], self.w[first + n + j]);
                let (re, im) = (self.z[first + j], self.z[first + n + j]);
                self.pair[j] = Complex::new(re - (alpha * w1 - beta * w2), im - (alpha * w2 + beta * w1));
            }
            self.complex.solve(&mut self.pair);
            for (j, change) in self.pair.iter().enumerate() {
                self.w[first + j] += change.re;
                self.w[first + n + j] += change.im;
            }
            let ratios = |j: usize| {
                let scale = self.norm.scale(j, self.y[j], self.y[j]);
                [self.pair[j].re / scale, self.pair[j].im / scale]
            };
            let [re, im] = self.norm.measures(n, ratios);
            total += re * re + im * im;
        }
        transform(&self.weights.basis, n, &self.w, &mut self.z);
        total
    }
}

/// `to = (M ⊗ I) from`, both `[s, n]`.
fn transform<R: Real>(matrix: &[R], n: usize, from: &[R], to: &mut [R]) {
    let s = from.len() / n.max(1);
    for i in 0..s {
        for j in 0..n {
            let row = matrix[i * s..][..s].iter().enumerate();
            to[i * n + j] = row.fold(R::zero(), |sum, (k, &m)| sum + m * from[k * n + j]);
        }
    }
}
