//! The simplified Newton iterations of [`Bdf`], and how long matrices are used again (Brenan–Campbell–Petzold 1996,
//! sect. 5.2.2).

use vecfield_linalg::LinalgError;
use vecfield_traits::{Elementary, Jacobian, Real};

use super::Bdf;
use crate::linear::{Linearisation, Shifted};
use crate::options::Options;
use crate::stepper::Evaluator;

/// Iterations of one step, at most.
const ITERATIONS: u32 = 5;

/// The same for fixed steps, which cannot be made smaller to make the iterations converge.
const ITERATIONS_FIXED: u32 = 50;

/// What of the error allowed the iterations may leave.
const LEFT: f64 = 0.05;

/// Convergence slower than this calls for a new Jacobian with the next factors.
const SLOW: f64 = 0.1;

/// Convergence faster than this is not counted on at the next step.
const FASTEST: f64 = 1e-3;

/// Factors are used again while `c/h` is within this fraction of theirs.
const DRIFT: f64 = 0.2;

/// Steps after which the Jacobian is evaluated anew, whatever the iterations say: they see what it does to the components that
/// weigh most. Of those that have decayed to nothing beside their tolerance it holds what they were, and as many times too much
/// of the other components' corrections goes into them.
const OLDEST: u32 = 20;

/// The Jacobian and the factors of `σM - J`, and what is known of their worth.
#[derive(Debug, Clone)]
pub(super) struct Linear<R: Real> {
    pub(super) linearisation: Linearisation<R>,
    pub(super) factors: Shifted<R>,
    /// `σ` of the factors.
    pub(super) factored: Option<R>,
    /// Where the Jacobian was evaluated.
    pub(super) point: (R, Vec<R>),
    pub(super) evaluated: bool,
    /// Steps since.
    pub(super) age: u32,
}

/// What is known of the convergence of iterations past.
#[derive(Debug, Clone)]
pub(super) struct Newton<R> {
    /// Iterations end when the error they leave is below this ..
    left: R,
    /// .. or when a change is, which is then one of rounding.
    rounding: R,
    /// `ρ` seen last.
    pub(super) rate: R,
    limit: u32,
}

/// How the iterations of a step went.
#[derive(Debug, Clone, Copy)]
pub(super) struct Iterations<R> {
    /// The last ratio of two changes; none after one iteration.
    rate: Option<R>,
}

impl<R: Real> Newton<R> {
    pub(super) fn new(options: &Options<R>) -> Newton<R> {
        let fixed = options.step.is_some();
        // Fixed steps have no tolerance to speak of: the iterations go down to rounding.
        let rounding =
            R::from_f64(if fixed { 100.0 } else { 10.0 }) * R::EPSILON / Elementary::max(options.rtol, R::EPSILON);
        let left = Elementary::max(rounding, if fixed { R::zero() } else { R::from_f64(LEFT) });
        let limit = if fixed { ITERATIONS_FIXED } else { ITERATIONS };
        Newton { left, rounding, rate: R::one(), limit }
    }

    /// Knows nothing, after a new Jacobian.
    pub(super) fn forget(&mut self) {
        self.rate = R::one();
    }

    pub(super) fn slow(&self) -> bool {
        self.rate > R::from_f64(SLOW)
    }

    /// What a step's iterations say of the next. Convergence seen at earlier steps is trusted less with every step
    /// (Hairer–Wanner II, IV.8): taken at its word, errors of single iterations add up, and cost half of the speed.
    pub(super) fn learn(&mut self, iterations: Iterations<R>) {
        match iterations.rate {
            Some(rate) => self.rate = Elementary::max(rate, R::from_f64(FASTEST)),
            None => self.rate = Elementary::powf(self.rate, R::from_f64(0.8)),
        }
    }
}

impl<R: Real> Linear<R> {
    pub(super) fn new(n: usize, options: &Options<R>) -> Linear<R> {
        Linear {
            linearisation: Linearisation::new(n, options),
            factors: Shifted::default(),
            factored: None,
            point: (R::zero(), vec![R::zero(); n]),
            evaluated: false,
            age: 0,
        }
    }

    pub(super) fn adopt<F: Jacobian<R>>(&mut self, field: &F) {
        self.linearisation.adopt(field);
        self.factors.adopt(&self.linearisation);
    }

    pub(super) fn evaluate<F: Jacobian<R>>(&mut self, field: &mut Evaluator<'_, F, R>, t: R, y: &[R]) {
        self.linearisation.evaluate(field, t, y);
        self.point.0 = t;
        self.point.1.copy_from_slice(y);
        (self.evaluated, self.age, self.factored) = (true, 0, None);
    }

    pub(super) fn factorize(&mut self, sigma: R) -> Result<(), LinalgError> {
        self.factored = None;
        self.factors.factorize(sigma, &self.linearisation)?;
        self.factored = Some(sigma);
        Ok(())
    }
}

impl<R: Real> Bdf<R> {
    /// The corrected state, if the iterations converge: with the Jacobian at hand, or else with a new one.
    pub(super) fn solve<F: Jacobian<R>>(
        &mut self,
        field: &mut Evaluator<'_, F, R>,
        t: R,
        h: R,
    ) -> Option<Iterations<R>> {
        let sigma = self.leading() / h;
        loop {
            let drifted = |factored: R| (sigma - factored).abs() > R::from_f64(DRIFT) * factored.abs();
            let old = self.linear.age >= OLDEST;
            if old || self.linear.factored.is_none_or(drifted) {
                let worn = old || self.newton.slow();
                if !self.linear.evaluated || (worn && self.linear.age > 0) {
                    self.linear.evaluate(field, t + h, &self.predicted);
                    self.newton.forget();
                }
                field.stats.factorizations += 1;
                self.linear.factorize(sigma).ok()?;
            }
            let converged = self.iterate(field, t + h, sigma);
            if converged.is_some() || self.linear.age == 0 {
                return converged;
            }
            (self.linear.evaluated, self.linear.factored) = (false, None);
        }
    }

    /// Solves `M (p' + σ e) = f(t, p + e)` for `e`; `None` if the iterations do not converge.
    fn iterate<F: Jacobian<R>>(&mut self, field: &mut Evaluator<'_, F, R>, t: R, sigma: R) -> Option<Iterations<R>> {
        let factored = self.linear.factored?;
        // Factors for another σ: this halves the error of the stiffest and of the slowest components alike.
        let relaxation = R::from_f64(2.0) / (R::one() + sigma / factored);
        let errors_to_newton = self.stride.alpha[self.selection.order];
        self.correction.fill(R::zero());
        self.y_new.copy_from_slice(&self.predicted);
        let (mut rate, mut before) = (None, R::zero());
        for iteration in 1..=self.newton.limit {
            field.eval(t, &self.y_new, &mut self.rate);
            self.residual(sigma);
            self.linear.factors.solve(&mut self.residual);
            for i in 0..self.n {
                self.correction[i] += self.residual[i] * relaxation;
                self.y_new[i] = self.predicted[i] + self.correction[i];
            }
            let ratio = |i: usize| self.residual[i] * relaxation * self.weight[i];
            let size = errors_to_newton * self.norm.measure(self.n, ratio);
            if !size.is_finite() {
                return None;
            }
            if size <= self.newton.rounding {
                return Some(Iterations { rate });
            }
            let mut seen = self.newton.rate;
            if iteration > 1 {
                seen = size / before;
                if seen >= R::from_f64(0.9) {
                    return None;
                }
                rate = Some(seen);
            }
            if seen < R::one() && seen / (R::one() - seen) * size <= self.newton.left {
                return Some(Iterations { rate });
            }
            before = size;
        }
        None
    }

    /// `f - M (p' + σ e)`.
    fn residual(&mut self, sigma: R) {
        match self.linear.linearisation.mass() {
            None => {
                for i in 0..self.n {
                    self.residual[i] = self.rate[i] - self.slope[i] - sigma * self.correction[i];
                }
            }
            Some(mass) => {
                for i in 0..self.n {
                    self.moved[i] = self.slope[i] + sigma * self.correction[i];
                }
                mass.apply(&self.moved, &mut self.residual);
                for (residual, rate) in self.residual.iter_mut().zip(&self.rate) {
                    *residual = *rate - *residual;
                }
            }
        }
    }
}
