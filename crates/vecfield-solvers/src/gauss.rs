//! Gauss–Legendre methods, collocation at the Gauss points: of the highest order their stages allow, symmetric, A-stable,
//! symplectic for every Hamiltonian and true to every quadratic invariant (Hairer–Lubich–Wanner, Geometric Numerical
//! Integration, II.1.3, IV.2 and VI.4; Hairer–Wanner II, IV.5).
//!
//! ```text
//! z_i = h Σ_j a_ij f(t + c_j h, y + z_j)        y⁺ = y + Σ_i d_i z_i,   d = A⁻ᵀ b
//! ```
//!
//! The stage equations are solved by repeating them as they stand while that converges fast, and by simplified Newton
//! iterations where it does not (Hairer–Lubich–Wanner VIII.6). With a step of a given size the iterations go on until
//! rounding ends them, and states are summed with a carry: what the method keeps is then kept to rounding.

mod iterations;
mod methods;

use vecfield_linalg::Complex;
use vecfield_traits::{Elementary, Jacobian, Real};

pub use methods::{ALL, GAUSS_2, GAUSS_4, GAUSS_6, GaussTableau};

use self::iterations::{Age, Iteration, Solved};
use self::methods::{Estimate, lagrange};
use crate::SolveError;
use crate::bootstrap::Bootstrap;
use crate::controller::Controller;
use crate::initial;
use crate::linear::{Linearisation, Shifted};
use crate::norm::Norm;
use crate::options::{Options, looseness};
use crate::stepper::{Attempt, Culprit, Evaluator, Formula, Stepper, first_not_finite, worst};

/// Steps any [`GaussTableau`] over floats, with the field's own Jacobian where it is needed.
#[derive(Debug, Clone)]
pub struct Gauss<R: Real> {
    method: &'static GaussTableau,
    n: usize,
    norm: Norm<R>,
    /// The norm of the error estimate, which is of a lower order than the method, may be this large.
    looseness: R,
    /// Iterations end when the error they leave is below this.
    kappa: R,
    fixed: bool,
    controller: Controller<R>,
    y: Vec<R>,
    y_new: Vec<R>,
    /// What rounding took from `y` and `y_new`.
    carry: Vec<R>,
    carry_new: Vec<R>,
    rate: Vec<R>,
    rate_new: Vec<R>,
    stage: Vec<R>,
    error: Vec<R>,
    /// `[s, n]` each: stages, those of the step before, stages in the basis of the method, the field at the stages.
    z: Vec<R>,
    z_old: Vec<R>,
    w: Vec<R>,
    rates: Vec<R>,
    weights: Weights<R>,
    iteration: Iteration,
    linearisation: Linearisation<R>,
    age: Age,
    /// Where the Jacobian was evaluated.
    point: (R, Vec<R>),
    real: Shifted<R>,
    complex: Shifted<Complex<R>>,
    pair: Vec<Complex<R>>,
    /// The step the factorisations belong to.
    factored: Option<R>,
    /// The step before, whose stages predict those of the next.
    before: Option<R>,
    /// The speed of convergence last seen, `θ/(1-θ)` in Hairer–Wanner II, IV.8, eq. (8.10).
    eta: R,
    dense: Bootstrap<R>,
}

/// The coefficients in the stepper's number.
#[derive(Debug, Clone)]
struct Weights<R> {
    c: Vec<R>,
    /// Row by row, `[s, s]`: the method, its basis and the inverse of that.
    a: Vec<R>,
    basis: Vec<R>,
    inverse: Vec<R>,
    /// `d`.
    end: Vec<R>,
    estimate: Estimate<R>,
}

impl<R: Real> Gauss<R> {
    /// Memory for a state of `n` components: `(4s + 9)n` numbers, and what a dense Jacobian takes when one is needed.
    ///
    /// # Errors
    ///
    /// Options that cannot be used.
    pub fn new(method: &'static GaussTableau, n: usize, options: &Options<R>) -> Result<Self, SolveError> {
        options.validate(n)?;
        let s = method.stages();
        let fixed = options.step.is_some();
        // Global errors are of order 2s: they are proportional to the tolerance where the estimate, of order s + 1, is the
        // (s + 1)/2s-th power of it.
        let (estimate, steps) = (f64::from(method.estimated()), f64::from(method.order));
        let looseness = if fixed { R::one() } else { looseness(options, 1.0 - estimate / steps) };
        let rtol = Elementary::max(options.rtol, R::EPSILON);
        let wanted = Elementary::min(R::from_f64(0.03), rtol.sqrt());
        let kappa = Elementary::min(Elementary::max(R::from_f64(10.0) * R::EPSILON / rtol, wanted), R::from_f64(0.03));
        let vector = || vec![R::zero(); n];
        let stages = || vec![R::zero(); s * n];
        Ok(Gauss {
            method,
            n,
            norm: Norm::new(options, n),
            looseness,
            kappa,
            fixed,
            controller: Controller::new(&options.controller, method.estimated()),
            y: vector(),
            y_new: vector(),
            carry: vector(),
            carry_new: vector(),
            rate: vector(),
            rate_new: vector(),
            stage: vector(),
            error: vector(),
            z: stages(),
            z_old: stages(),
            w: stages(),
            rates: stages(),
            weights: Weights::new(method),
            iteration: Iteration::Plain,
            linearisation: Linearisation::new(n, options),
            age: Age::Missing,
            point: (R::zero(), vector()),
            real: Shifted::default(),
            complex: Shifted::default(),
            pair: vec![Complex::new(R::zero(), R::zero()); n],
            factored: None,
            before: None,
            eta: R::one(),
            dense: Bootstrap::new(n, method.order),
        })
    }

    /// The method.
    pub fn method(&self) -> &'static GaussTableau {
        self.method
    }

    /// Takes the structure of the field.
    fn adopt<F: Jacobian<R>>(&mut self, field: &F) {
        self.linearisation.adopt(field);
        self.real.adopt(&self.linearisation);
        self.complex.adopt(&self.linearisation);
        (self.age, self.factored) = (Age::Missing, None);
        self.dense.restart();
    }

    /// The polynomial of the step before, continued to this step's points; zero at the first step.
    fn predict(&mut self, h: R) {
        let n = self.n;
        let Some(h_old) = self.before else {
            self.z.fill(R::zero());
            return;
        };
        let c = &self.weights.c;
        for (i, z) in self.z.chunks_exact_mut(n.max(1)).enumerate() {
            let theta = R::one() + c[i] * h / h_old;
            z.fill(R::zero());
            for (k, (end, old)) in self.weights.end.iter().zip(self.z_old.chunks_exact(n.max(1))).enumerate() {
                let weight = lagrange(c, k, theta) - *end;
                for (z, old) in z.iter_mut().zip(old) {
                    *z += weight * *old;
                }
            }
        }
    }

    /// `y⁺ = y + Σ d_i z_i`, what is rounded off kept for the next step.
    fn finish(&mut self) {
        for j in 0..self.n {
            let mut change = self.carry[j];
            for (i, end) in self.weights.end.iter().enumerate() {
                change += *end * self.z[i * self.n + j];
            }
            self.y_new[j] = self.y[j] + change;
            self.carry_new[j] = change - (self.y_new[j] - self.y[j]);
        }
    }

    /// The norm of the error estimate, the larger of the defects at both ends; NaN as soon as anything is not finite.
    fn error_norm(&mut self, h: R) -> R {
        let n = self.n;
        let Estimate { rate, start, end } = &self.weights.estimate;
        for j in 0..n {
            let (mut first, mut last) = (-h * *rate * self.rate[j], -h * *rate * self.rate_new[j]);
            for (i, (start, end)) in start.iter().zip(end).enumerate() {
                first += *start * self.z[i * n + j];
                last += *end * self.z[i * n + j];
            }
            // A maximum, but NaN if either is.
            self.error[j] = if last.abs() <= first.abs() { first } else { last + first * R::zero() };
        }
        if self.iteration == Iteration::Newton {
            self.filter(h);
        }
        self.norm.measure(n, |j| self.error[j] / self.norm.scale(j, self.y[j], self.y_new[j])) / self.looseness
    }

    /// `σ (σ - J)⁻¹` on the estimate, with an eigenvalue `σ` of `A⁻¹/h`: rates magnify along stiff directions what the
    /// stages do not (Hairer–Wanner II, IV.8, eq. (8.20)).
    fn filter(&mut self, h: R) {
        if let Some(gamma) = self.method.gamma {
            self.real.solve(&mut self.error);
            self.error.iter_mut().for_each(|error| *error *= R::from_f64(gamma) / h);
        } else if let Some((alpha, beta)) = self.method.pair {
            let sigma = Complex::new(R::from_f64(alpha) / h, R::from_f64(beta) / h);
            for (pair, error) in self.pair.iter_mut().zip(&self.error) {
                *pair = Complex::new(*error * sigma.re, *error * sigma.im);
            }
            self.complex.solve(&mut self.pair);
            self.error.iter_mut().zip(&self.pair).for_each(|(error, pair)| *error = pair.re);
        }
    }

    fn refuse(&mut self, factor: f64) -> Attempt<R> {
        Attempt { accepted: false, factor: R::from_f64(factor) }
    }
}

impl<R: Real, F: Jacobian<R>> Stepper<F> for Gauss<R> {
    type Scalar = R;

    fn dim(&self) -> usize {
        self.n
    }

    fn start(&mut self, field: &mut Evaluator<'_, F, R>, t: R, y: &[R]) -> Result<(), SolveError> {
        if field.field.mass().is_some() {
            return Err(SolveError::NotOffered {
                method: self.method.name,
                needs: "a mass matrix that is the identity",
                remedy: "solve for the derivatives, or use radau5",
            });
        }
        self.y.copy_from_slice(y);
        self.carry.fill(R::zero());
        self.controller.reset();
        self.adopt(&*field.field);
        (self.iteration, self.before, self.eta) = (Iteration::Plain, None, R::one());
        field.eval_finite(t, &self.y, &mut self.rate)
    }

    fn first_step(&mut self, field: &mut Evaluator<'_, F, R>, t: R, span: R) -> R {
        let trial = initial::Trial { stage: &mut self.stage, rate: &mut self.rate_new };
        initial::step(field, &self.norm, self.method.estimated(), (t, span), &self.y, &self.rate, trial)
    }

    fn attempt(&mut self, field: &mut Evaluator<'_, F, R>, t: R, h: R) -> Attempt<R> {
        if let Solved::Failed = self.stages(field, t, h) {
            return self.refuse(0.5);
        }
        self.finish();
        if self.fixed {
            return Attempt { accepted: first_not_finite(&self.y_new).is_none(), factor: R::one() };
        }
        field.eval(t + h, &self.y_new, &mut self.rate_new);
        let norm = self.error_norm(h);
        let factor = self.controller.factor(norm);
        let accepted = norm <= R::one();
        if !accepted && self.age == Age::Old {
            self.age = Age::Missing;
        }
        // Keeping the step keeps the factorisations.
        let keep = accepted && self.factored.is_some() && factor >= R::one() && factor <= R::from_f64(1.2);
        Attempt { accepted, factor: if keep { R::one() } else { factor } }
    }

    fn dense(&mut self, field: &mut Evaluator<'_, F, R>, t: R, h: R, theta: R, out: &mut [R]) {
        let known = (!self.fixed).then_some((&self.rate[..], &self.rate_new[..]));
        self.dense.at(field, (t, h), (&self.y, &self.y_new), known, theta, out);
    }

    fn commit(&mut self) {
        core::mem::swap(&mut self.y, &mut self.y_new);
        core::mem::swap(&mut self.carry, &mut self.carry_new);
        core::mem::swap(&mut self.rate, &mut self.rate_new);
        core::mem::swap(&mut self.z, &mut self.z_old);
        if self.age == Age::Current {
            self.age = Age::Old;
        }
        self.dense.advance();
    }

    fn y(&self) -> &[R] {
        &self.y
    }

    fn y_new(&self) -> &[R] {
        &self.y_new
    }

    fn trace(&self, out: &mut Vec<R>) -> Option<Formula> {
        out.extend_from_slice(&self.z);
        Some(Formula::Gauss(self.method))
    }

    fn save(&self, out: &mut Vec<R>) -> bool {
        for part in [&self.y, &self.carry, &self.rate, &self.z_old, &self.point.1] {
            out.extend_from_slice(part);
        }
        let flag = |set: bool| if set { R::one() } else { R::zero() };
        let optional = |h: Option<R>| h.unwrap_or(R::NAN);
        out.extend([self.point.0, flag(self.iteration == Iteration::Newton), flag(self.age != Age::Missing)]);
        out.extend([optional(self.factored), optional(self.before), self.eta]);
        out.extend(self.controller.memory());
        self.dense.save(out);
        true
    }

    fn restore(&mut self, field: &mut Evaluator<'_, F, R>, saved: &[R]) {
        self.adopt(&*field.field);
        let mut rest = saved;
        for part in [&mut self.y, &mut self.carry, &mut self.rate, &mut self.z_old, &mut self.point.1] {
            let (first, behind) = rest.split_at(part.len());
            part.copy_from_slice(first);
            rest = behind;
        }
        let known = |x: R| (!x.is_nan()).then_some(x);
        self.point.0 = rest[0];
        self.iteration = if rest[1] == R::one() { Iteration::Newton } else { Iteration::Plain };
        (self.before, self.eta) = (known(rest[4]), rest[5]);
        self.controller.recall([rest[6], rest[7], rest[8]]);
        self.dense.restore(&rest[9..]);
        if rest[2] == R::one() {
            // The Jacobian and its factors are large, and soon made again.
            self.age = Age::Old;
            let (t, y) = &self.point;
            self.linearisation.evaluate(field, *t, y);
            if let Some(h) = known(rest[3]) {
                // They could be factorised before, so they can be now; where not, the next attempt says so.
                let _ = self.factorize(h);
            }
        }
    }

    fn culprit(&self) -> Culprit {
        let slope = self.linearisation.not_finite();
        if let Some(culprit) = Culprit::spoilt(slope, &self.rates, self.n, &[&self.y_new, &self.rate_new]) {
            return culprit;
        }
        worst(self.n, |j| self.error[j] / self.norm.scale(j, self.y[j], self.y[j]))
    }
}

impl<R: Real> Weights<R> {
    fn new(method: &GaussTableau) -> Weights<R> {
        let flat = |rows: &[&[f64]]| rows.iter().flat_map(|row| row.iter().map(|&x| R::from_f64(x))).collect();
        Weights {
            c: method.c.iter().map(|&c| R::from_f64(c)).collect(),
            a: flat(method.a),
            basis: flat(method.basis),
            inverse: flat(method.inverse),
            end: (0..method.stages()).map(|i| R::from_f64(method.end(i))).collect(),
            estimate: method.estimate(),
        }
    }
}
