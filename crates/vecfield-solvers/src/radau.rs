//! Radau IIA of order five, for stiff problems (Hairer–Wanner II, IV.5 and IV.8, the algorithm of RADAU5).
//!
//! The three stages are the collocation conditions at the Radau points `c`, solved for `z_i = Y_i - y` by simplified Newton
//! iterations. A change of basis `w = (T⁻¹ ⊗ I) z` splits each iteration into one real and one complex system,
//!
//! ```text
//! (γ/h M - J) Δw₀ = ..        ((α + iβ)/h M - J) (Δw₁ + iΔw₂) = ..
//! ```
//!
//! The Jacobian is kept while the iterations converge fast, the factorisations while the step stays the same, and the
//! collocation polynomial of the step before predicts the stages of this one. The method is L-stable and stiffly accurate.

mod collocation;
mod newton;

use vecfield_linalg::Complex;
use vecfield_traits::{Elementary, Jacobian, Real};

pub use self::collocation::Collocation;
use self::collocation::{ALPHA, BETA, C, E, GAMMA, RADAU5, T_INVERSE, collocation, transform};
use self::newton::{ITERATIONS, Newton};
use crate::combine::{Term, combine};
use crate::linear::{Linearisation, Shifted};
use crate::options::{Norm, Options, looseness, root_mean};
use crate::stepper::{Attempt, Culprit, Evaluator, Formula, Stepper, first_not_finite};
use crate::{SolveError, initial};

/// The largest value of `|θ(θ-c₁)(θ-c₂)(θ-c₃)|` for `θ` in `[0, 1]`.
const LARGEST_NODES: f64 = 0.018_253_6;

/// The error of dense output does not accumulate, and may exceed the tolerance by this.
const DENSE_SLACK: f64 = 10.0;

/// Steps Radau IIA of order five over floats, with the field's own Jacobian.
#[derive(Debug, Clone)]
pub struct Radau5<R: Real> {
    n: usize,
    norm: Norm<R>,
    /// The norm of an error estimate of order three may be this large; see [`looseness`].
    looseness: R,
    /// Newton iterations end when the error they leave is below this.
    kappa: R,
    fixed: bool,
    y: Vec<R>,
    y_new: Vec<R>,
    rate: Vec<R>,
    rate_new: Vec<R>,
    stage: Vec<R>,
    error: Vec<R>,
    /// `[3, n]` each: stages, those of the step before, stages in the basis `T`, the field at the stages.
    z: Vec<R>,
    z_old: Vec<R>,
    w: Vec<R>,
    rates: Vec<R>,
    /// `M w`, `[3, n]`; empty for the identity.
    weighted: Vec<R>,
    /// The end of the step as the polynomial of the step before predicts it, less `y`.
    predicted: Vec<R>,
    linearisation: Linearisation<R>,
    age: Age,
    /// Where the Jacobian was evaluated.
    point: (R, Vec<R>),
    real: Shifted<R>,
    complex: Shifted<Complex<R>>,
    pair: Vec<Complex<R>>,
    /// The step the factorisations belong to.
    factored: Option<R>,
    /// The step before, with the norm of its error, for the predictor and the controller.
    before: Option<(R, R)>,
    /// The speed of convergence last seen, `θ/(1-θ)` in Hairer–Wanner II, IV.8, eq. (8.10).
    eta: R,
    rejected: bool,
}

/// What is known of the Jacobian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    Missing,
    /// Evaluated at an earlier state.
    Old,
    /// Evaluated at this state.
    Current,
}

impl<R: Real> Radau5<R> {
    /// Memory for a state of `n` components: `16n` numbers, and for a dense Jacobian `4n²` when a
    /// solve starts.
    ///
    /// # Errors
    ///
    /// Options that cannot be used.
    pub fn new(n: usize, options: &Options<R>) -> Result<Self, SolveError> {
        options.validate(n)?;
        let fixed = options.step.is_some();
        let looseness = if fixed { R::one() } else { looseness(options, 1.0 / 3.0) };
        let rtol = Elementary::max(options.rtol * looseness, R::EPSILON);
        // Fixed steps have no tolerance to speak of: the iterations go down to rounding.
        let rounding = R::from_f64(if fixed { 100.0 } else { 10.0 }) * R::EPSILON / rtol;
        let wanted = if fixed { R::zero() } else { Elementary::min(R::from_f64(0.03), rtol.sqrt()) };
        let kappa = Elementary::min(Elementary::max(rounding, wanted), R::from_f64(0.03));
        let vector = || vec![R::zero(); n];
        let stages = || vec![R::zero(); 3 * n];
        Ok(Radau5 {
            n,
            norm: Norm::new(options, n),
            looseness,
            kappa,
            fixed,
            y: vector(),
            y_new: vector(),
            rate: vector(),
            rate_new: vector(),
            stage: vector(),
            error: vector(),
            z: stages(),
            z_old: stages(),
            w: stages(),
            rates: stages(),
            weighted: Vec::new(),
            predicted: vector(),
            linearisation: Linearisation::new(n, options),
            age: Age::Missing,
            point: (R::zero(), vector()),
            real: Shifted::default(),
            complex: Shifted::default(),
            pair: vec![Complex::new(R::zero(), R::zero()); n],
            factored: None,
            before: None,
            eta: R::one(),
            rejected: false,
        })
    }

    /// An upper bound of the largest eigenvalue of the last Jacobian.
    pub(crate) fn spectral_bound(&mut self) -> R {
        self.linearisation.spectral_bound()
    }

    fn adopt<F: Jacobian<R>>(&mut self, field: &F) {
        self.linearisation.adopt(field);
        self.real.adopt(&self.linearisation);
        self.complex.adopt(&self.linearisation);
        self.weighted.resize(if self.linearisation.mass().is_some() { 3 * self.n } else { 0 }, R::zero());
    }

    fn factorize(&mut self, h: R) -> Result<(), vecfield_linalg::LinalgError> {
        let number = |x: f64| R::from_f64(x) / h;
        self.factored = None;
        self.real.factorize(number(GAMMA), &self.linearisation)?;
        self.complex.factorize(Complex::new(number(ALPHA), number(BETA)), &self.linearisation)?;
        self.factored = Some(h);
        Ok(())
    }

    /// The polynomial of the step before, continued to this step's points; zero at the first step.
    fn predict(&mut self, h: R) {
        let n = self.n;
        let Some((h_old, _)) = self.before else {
            self.z.fill(R::zero());
            self.w.fill(R::zero());
            return;
        };
        for (i, &c) in C.iter().enumerate() {
            let weights = collocation(R::one() + R::from_f64(c) * h / h_old);
            for j in 0..n {
                let [z1, z2, z3] = [self.z_old[j], self.z_old[n + j], self.z_old[2 * n + j]];
                self.z[i * n + j] = weights[0] * z1 + weights[1] * z2 + weights[2] * z3 - z3;
            }
        }
        self.predicted.copy_from_slice(&self.z[2 * n..]);
        transform(&T_INVERSE, n, &self.z, &mut self.w);
    }

    /// The norm of the error of dense output, from that of the prediction: both are `y⁗/24` times the nodes' polynomial.
    ///
    /// The filter of the error estimate damps everything along stiff directions, where the steps may become so long that
    /// the polynomial inside them is worthless though their ends are exact (Prothero and Robinson's problem).
    fn dense_norm(&self, h: R) -> R {
        let Some((h_old, _)) = self.before else { return R::zero() };
        let nodes = |theta: R| theta * C.iter().fold(R::one(), |product, &c| product * (theta - R::from_f64(c)));
        let reach = nodes(R::one() + h / h_old) * Elementary::powi(h_old / h, 4);
        let mut total = R::zero();
        for j in 0..self.n {
            let error = self.z[2 * self.n + j] - self.predicted[j];
            let ratio = error / self.norm.scale(j, self.y[j], self.y_new[j]);
            total += ratio * ratio;
        }
        R::from_f64(LARGEST_NODES / DENSE_SLACK) * root_mean(total, self.n) / reach
    }

    /// The norm of `(γ/h M - J)⁻¹ (f + M Σ e_i z_i / h)`, filtered once more where that alone would reject
    /// (Hairer–Wanner II, IV.8, eqs. (8.19) and (8.20)).
    fn error_norm<F: Jacobian<R>>(&mut self, field: &mut Evaluator<'_, F, R>, t: R, h: R) -> R {
        let norm = self.filtered(h, false);
        if norm > R::one() && (self.rejected || self.before.is_none()) {
            for j in 0..self.n {
                self.stage[j] = self.y[j] + self.error[j];
            }
            field.eval(t, &self.stage, &mut self.rate_new);
            return self.filtered(h, true);
        }
        norm
    }

    fn filtered(&mut self, h: R, again: bool) -> R {
        let n = self.n;
        let rate = if again { &self.rate_new } else { &self.rate };
        let weights = E.map(|e| R::from_f64(e) / h);
        for j in 0..n {
            self.error[j] = weights[0] * self.z[j] + weights[1] * self.z[n + j] + weights[2] * self.z[2 * n + j];
        }
        if let Some(mass) = self.linearisation.mass() {
            self.stage.copy_from_slice(&self.error);
            mass.apply(&self.stage, &mut self.error);
        }
        for j in 0..n {
            self.error[j] += rate[j];
        }
        self.real.solve(&mut self.error);
        let mut total = R::zero();
        for j in 0..n {
            let ratio = self.error[j] / self.norm.scale(j, self.y[j], self.y_new[j]);
            total += ratio * ratio;
        }
        root_mean(total, n) / self.looseness
    }

    fn refuse(&mut self, factor: f64) -> Attempt<R> {
        self.rejected = true;
        Attempt { accepted: false, factor: R::from_f64(factor) }
    }

    /// Gustafsson's predictive controller (Hairer–Wanner II, IV.8, eqs. (8.24) and (8.25)).
    fn factor(&mut self, h: R, norm: R, iterations: u32) -> R {
        let number = R::from_f64;
        let limit = f64::from(2 * ITERATIONS + 1) / f64::from(2 * ITERATIONS + iterations);
        let safety = number(0.9 * limit);
        let norm = Elementary::max(norm, number(1e-10));
        let quarter = |x: R| x.sqrt().sqrt();
        let mut factor = safety / quarter(norm);
        if let Some((h_old, norm_old)) = self.before {
            let trend = (h / h_old).abs() * quarter(norm_old / norm);
            factor *= Elementary::min(trend, R::one());
        }
        Elementary::min(Elementary::max(factor, number(0.125)), number(8.0))
    }
}

impl<R: Real, F: Jacobian<R>> Stepper<F> for Radau5<R> {
    type Scalar = R;

    fn dim(&self) -> usize {
        self.n
    }

    fn start(&mut self, field: &mut Evaluator<'_, F, R>, t: R, y: &[R]) -> Result<(), SolveError> {
        self.y.copy_from_slice(y);
        self.adopt(&*field.field);
        self.linearisation.settle(field, t, &mut self.y)?;
        (self.age, self.factored, self.before) = (Age::Missing, None, None);
        (self.eta, self.rejected) = (R::one(), false);
        field.eval(t, &self.y, &mut self.rate);
        match first_not_finite(&self.rate) {
            Some(component) => Err(SolveError::NotFinite { component, t: t.to_f64(), step: 0.0 }),
            None => Ok(()),
        }
    }

    fn first_step(&mut self, field: &mut Evaluator<'_, F, R>, t: R, span: R) -> R {
        let matrix = (&mut self.real, &mut self.rate_new[..]);
        if let Some(h) = self.linearisation.first_step(field, (t, span), (&self.y, &self.rate), matrix) {
            return h;
        }
        let trial = initial::Trial { stage: &mut self.stage, rate: &mut self.rate_new };
        initial::step(field, &self.norm, 4, (t, span), &self.y, &self.rate, trial)
    }

    fn attempt(&mut self, field: &mut Evaluator<'_, F, R>, t: R, h: R) -> Attempt<R> {
        let n = self.n;
        let (iterations, rate) = loop {
            if self.age == Age::Missing {
                self.linearisation.evaluate(field, t, &self.y);
                self.point.0 = t;
                self.point.1.copy_from_slice(&self.y);
                (self.age, self.factored) = (Age::Current, None);
            }
            if self.factored != Some(h) {
                field.stats.factorizations += 1;
                if self.factorize(h).is_err() {
                    return self.refuse(0.5);
                }
            }
            self.predict(h);
            match self.newton(field, t, h) {
                Newton::Converged { iterations, rate } => break (iterations, rate),
                Newton::Failed if self.age == Age::Old => self.age = Age::Missing,
                Newton::Failed => {
                    self.eta = R::one();
                    return self.refuse(0.5);
                }
            }
        };
        for j in 0..n {
            self.y_new[j] = self.y[j] + self.z[2 * n + j];
        }
        let norm = if self.fixed { R::zero() } else { self.error_norm(field, t, h) };
        let dense = if self.fixed { R::zero() } else { self.dense_norm(h) };
        let norm = Elementary::max(norm, dense);
        if norm.is_nan() {
            return self.refuse(0.125);
        }
        let factor = self.factor(h, norm, iterations);
        if norm > R::one() {
            if self.age == Age::Old {
                self.age = Age::Missing;
            }
            // At the very first step the prediction is worthless, and so is the estimate.
            return match self.before {
                None if !self.rejected => self.refuse(0.1),
                _ => self.refuse(factor.to_f64()),
            };
        }
        field.eval(t + h, &self.y_new, &mut self.rate_new);
        if first_not_finite(&self.rate_new).is_some() {
            return self.refuse(0.125);
        }
        let factor = if self.rejected { Elementary::min(factor, R::one()) } else { factor };
        self.rejected = false;
        self.before = Some((h, Elementary::max(norm, R::from_f64(1e-2))));
        // A Jacobian that lets the iterations converge this fast is good enough for the next step.
        self.age = if iterations > 1 && rate > R::from_f64(1e-3) { Age::Missing } else { Age::Old };
        // Keeping the step keeps the factorisations.
        let keep = self.age == Age::Old && factor >= R::one() && factor <= R::from_f64(1.2);
        Attempt { accepted: true, factor: if keep { R::one() } else { factor } }
    }

    fn dense(&mut self, _field: &mut Evaluator<'_, F, R>, _t: R, _h: R, theta: R, out: &mut [R]) {
        let weights = collocation(theta);
        let terms = [0, 1, 2].map(|slot| Term { weight: weights[slot], slot });
        combine(&self.y, R::one(), &terms, &self.z, out);
    }

    fn commit(&mut self) {
        core::mem::swap(&mut self.y, &mut self.y_new);
        core::mem::swap(&mut self.rate, &mut self.rate_new);
        core::mem::swap(&mut self.z, &mut self.z_old);
    }

    fn y(&self) -> &[R] {
        &self.y
    }

    fn y_new(&self) -> &[R] {
        &self.y_new
    }

    fn trace(&self, out: &mut Vec<R>) -> Option<Formula> {
        out.extend_from_slice(&self.z);
        self.linearisation.mass().is_none().then_some(Formula::Collocation(&RADAU5))
    }

    fn save(&self, out: &mut Vec<R>) -> bool {
        for part in [&self.y, &self.rate, &self.z_old, &self.point.1] {
            out.extend_from_slice(part);
        }
        let flag = |set: bool| if set { R::one() } else { R::zero() };
        let (h_old, norm_old) = self.before.unwrap_or((R::NAN, R::NAN));
        let old = flag(self.age == Age::Old);
        let factored = self.factored.unwrap_or(R::NAN);
        out.extend([self.point.0, old, factored, h_old, norm_old, self.eta, flag(self.rejected)]);
        true
    }

    fn restore(&mut self, field: &mut Evaluator<'_, F, R>, saved: &[R]) {
        let (vectors, numbers) = saved.split_at(6 * self.n);
        let parts = [&mut self.y, &mut self.rate, &mut self.z_old, &mut self.point.1];
        let mut at = 0;
        for part in parts {
            let length = part.len();
            part.copy_from_slice(&vectors[at..][..length]);
            at += length;
        }
        let known = |x: R| (!x.is_nan()).then_some(x);
        self.point.0 = numbers[0];
        self.before = known(numbers[3]).map(|h| (h, numbers[4]));
        (self.eta, self.rejected) = (numbers[5], numbers[6] == R::one());
        (self.age, self.factored) = (Age::Missing, None);
        self.adopt(&*field.field);
        if numbers[1] == R::one() {
            // The Jacobian and its factors are large, and soon made again.
            self.age = Age::Old;
            self.linearisation.evaluate(field, self.point.0, &self.point.1);
            if let Some(h) = known(numbers[2]) {
                // They could be factorised before, so they can be now; where not, the next attempt says so.
                let _ = self.factorize(h);
            }
        }
    }

    fn culprit(&self) -> Culprit {
        let n = self.n;
        let stages = first_not_finite(&self.rates).map(|at| at % n);
        let end = first_not_finite(&self.rate_new);
        if let Some(component) = self.linearisation.not_finite().or(stages).or(end) {
            return Culprit { component, finite: false };
        }
        let mut worst = (0, R::zero());
        for (j, &error) in self.error.iter().enumerate() {
            let ratio = (error / self.norm.scale(j, self.y[j], self.y[j])).abs();
            if ratio > worst.1 {
                worst = (j, ratio);
            }
        }
        Culprit { component: worst.0, finite: true }
    }
}
