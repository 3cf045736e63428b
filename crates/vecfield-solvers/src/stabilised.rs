//! Stabilised explicit methods of order two, for mildly stiff fields whose Jacobian has eigenvalues near the negative real
//! axis: parabolic equations after discretisation in space. With `s` stages their stability interval is of length `O(s²)`, so
//! a step of any length costs the square root of what Euler's method would pay.
//!
//! ```text
//! Y_1 = y + μ̃_1 h F_0
//! Y_j = (1 - μ_j - ν_j) y + μ_j Y_{j-1} + ν_j Y_{j-2} + μ̃_j h F_{j-1} + γ̃_j h F_0,    F_j = f(t + c_j h, Y_j),    y⁺ = Y_s
//! ```
//!
//! The number of stages follows from the spectral radius `ρ` of the Jacobian, given in the
//! [options](crate::Options::spectral_radius) or found by a power method on the field itself (Sommeijer, Shampine and Verwer
//! 1998). Memory is a handful of states, whatever the number of stages.
//!
//! Left out are ROCK2 and ROCK4 (Abdulle and Medovikov 2001, Abdulle 2002), whose near-optimal polynomials exist as tables of thousands
//! of numbers alone. The interval of ROCK2 is `0.81 s²` long, that of RKC `0.65 s²`, that is a tenth fewer stages. ROCK4, with
//! `0.35 s²` and order four, gains where tolerances are tight, and there Radau IIA on sparse factors, of order nine and more, gains more.

mod polynomials;

use vecfield_traits::{Elementary, Real, Scalar, VectorField};

pub use polynomials::{Polynomials, Stage};

use crate::controller::Controller;
use crate::norm::Norm;
use crate::options::{Options, proportional};
use crate::radius::PowerMethod;
use crate::stepper::{Attempt, Culprit, Evaluator, Formula, Stepper, first_not_finite, worst};
use crate::{SolveError, combine, initial};

/// Steps after which the spectral radius is estimated again (Sommeijer, Shampine and Verwer 1998, section 3.2).
const RADIUS_HOLDS_FOR: u32 = 25;

/// Steps [`Polynomials`] over any number. Errors and the spectral radius are measured by values alone, so duals take the
/// steps floats take.
#[derive(Debug, Clone)]
pub struct Stabilised<S: Scalar> {
    polynomials: Polynomials,
    norm: Norm<S::Real>,
    controller: Controller<S::Real>,
    fixed: bool,
    /// Stages beyond which rounding inside a step would outgrow the tolerance.
    most_stages: u32,
    given: Option<S::Real>,
    power: PowerMethod<S::Real>,
    radius: Option<S::Real>,
    /// Accepted steps since the radius was estimated.
    age: u32,
    /// The size of the last step tried.
    tried: S::Real,
    /// Of the step tried last.
    stage_count: u32,
    y: Vec<S>,
    y_new: Vec<S>,
    before: Vec<S>,
    /// The field at the beginning, inside and at the end of the step.
    rates: [Vec<S>; 3],
    stage: Vec<S>,
}

impl<S: Scalar> Stabilised<S> {
    /// Memory for a state of `n` components.
    ///
    /// # Errors
    ///
    /// Options that cannot be used.
    pub fn new(polynomials: Polynomials, n: usize, options: &Options<S::Real>) -> Result<Self, SolveError> {
        options.validate(n)?;
        let vector = || vec![S::zero(); n];
        // Rounding grows as s²: s² ε stays a tenth below the tolerance (Sommeijer, Shampine and Verwer 1998, section 3.1).
        let most = (options.rtol.to_f64() / (10.0 * S::Real::EPSILON.to_f64())).sqrt().clamp(2.0, 20_000.0);
        Ok(Stabilised {
            polynomials,
            norm: Norm::new(&proportional(options, 2), n),
            controller: Controller::new(&options.controller, 3),
            fixed: options.step.is_some(),
            most_stages: most as u32,
            given: options.spectral_radius,
            power: PowerMethod::new(n),
            radius: options.spectral_radius,
            age: 0,
            tried: S::Real::zero(),
            stage_count: 0,
            y: vector(),
            y_new: vector(),
            before: vector(),
            rates: [vector(), vector(), vector()],
            stage: vector(),
        })
    }

    fn radius<F: VectorField<S>>(&mut self, field: &mut Evaluator<'_, F, S>, t: S::Real) -> S::Real {
        match self.radius {
            Some(radius) => radius,
            None => {
                let [start, inside, _] = &mut self.rates;
                let radius = self.power.estimate(field, t, (&self.y, start), (&mut self.stage, inside));
                (self.radius, self.age) = (Some(radius), 0);
                radius
            }
        }
    }

    /// All stages: the state at the end and the field there.
    fn stages<F: VectorField<S>>(&mut self, field: &mut Evaluator<'_, F, S>, (t, h): (S::Real, S::Real), stages: u32) {
        let mut all = self.polynomials.stages(stages);
        let number = S::Real::from_f64;
        let [start, inside, end] = &mut self.rates;
        // `stage` is Y_{j-1}, `before` Y_{j-2}, which Y_j replaces.
        self.before.copy_from_slice(&self.y);
        let mut time = t;
        if let Some(first) = all.next() {
            let size = h * number(first.rate);
            for ((stage, y), rate) in self.stage.iter_mut().zip(&self.y).zip(&*start) {
                *stage = *y + rate.scale(size);
            }
            time = t + h * number(first.time);
        }
        for stage in all {
            field.eval(time, &self.stage, inside);
            let [mu, nu] = [number(stage.previous), number(stage.before)];
            let rest = number(1.0 - stage.previous - stage.before);
            let [rate, first] = [h * number(stage.rate), h * number(stage.first_rate)];
            for i in 0..self.y.len() {
                self.before[i] = self.y[i].scale(rest)
                    + self.stage[i].scale(mu)
                    + self.before[i].scale(nu)
                    + inside[i].scale(rate)
                    + start[i].scale(first);
            }
            core::mem::swap(&mut self.before, &mut self.stage);
            time = t + h * number(stage.time);
        }
        self.y_new.copy_from_slice(&self.stage);
        field.eval(t + h, &self.y_new, end);
    }

    /// The error ratio of `0.8 (y - y⁺) + 0.4 h (F_0 + F_s)`, the third-order defect of the step (Sommeijer, Shampine and
    /// Verwer 1998, equation (2.8)).
    fn error(&self, i: usize, h: S::Real) -> S::Real {
        let number = S::Real::from_f64;
        let [start, _, end] = &self.rates;
        number(0.8) * (self.y[i].value() - self.y_new[i].value())
            + number(0.4) * h * (start[i].value() + end[i].value())
    }

    fn error_ratio(&self, h: S::Real) -> S::Real {
        let scale = |i: usize| self.norm.scale(i, self.y[i].value(), self.y_new[i].value());
        self.norm.measure(self.y.len(), |i| self.error(i, h) / scale(i))
    }
}

impl<S: Scalar, F: VectorField<S>> Stepper<F> for Stabilised<S> {
    type Scalar = S;

    fn dim(&self) -> usize {
        self.y.len()
    }

    fn start(&mut self, field: &mut Evaluator<'_, F, S>, t: S::Real, y: &[S]) -> Result<(), SolveError> {
        self.y.copy_from_slice(y);
        self.controller.reset();
        self.power.reset();
        self.radius = self.given;
        field.eval_finite(t, &self.y, &mut self.rates[0])
    }

    fn first_step(&mut self, field: &mut Evaluator<'_, F, S>, t: S::Real, span: S::Real) -> S::Real {
        let [start, inside, _] = &mut self.rates;
        let trial = initial::Trial { stage: &mut self.stage, rate: inside };
        initial::step(field, &self.norm, 3, (t, span), &self.y, start, trial)
    }

    fn attempt(&mut self, field: &mut Evaluator<'_, F, S>, t: S::Real, h: S::Real) -> Attempt<S::Real> {
        let radius = self.radius(field, t);
        let stages = self.polynomials.stages_for((h.abs() * radius).to_f64());
        if stages > self.most_stages && !self.fixed {
            let longest = S::Real::from_f64(self.polynomials.stability(self.most_stages));
            return Attempt { accepted: false, factor: S::Real::from_f64(0.9) * longest / (h.abs() * radius) };
        }
        (self.tried, self.stage_count) = (h, stages);
        self.stages(field, (t, h), stages);
        let error = self.error_ratio(h);
        let accepted = if self.fixed { !error.is_nan() } else { error <= S::Real::one() };
        if !accepted {
            // An estimate that was too small shows as an error that is too large.
            self.radius = self.given;
        }
        let factor = if self.fixed { S::Real::one() } else { self.controller.factor(error) };
        Attempt { accepted, factor }
    }

    fn dense(&mut self, _field: &mut Evaluator<'_, F, S>, _t: S::Real, h: S::Real, theta: S::Real, out: &mut [S]) {
        combine::hermite(h, (&self.y, &self.y_new), (&self.rates[0], &self.rates[2]), theta, out);
    }

    fn commit(&mut self) {
        core::mem::swap(&mut self.y, &mut self.y_new);
        self.rates.swap(0, 2);
        self.age += 1;
        if self.age >= RADIUS_HOLDS_FOR {
            self.radius = self.given;
        }
    }

    fn y(&self) -> &[S] {
        &self.y
    }

    fn y_new(&self) -> &[S] {
        &self.y_new
    }

    fn trace(&self, out: &mut Vec<S>) -> Option<Formula> {
        out.push(S::constant(f64::from(self.stage_count)));
        Some(Formula::Stabilised(self.polynomials))
    }

    fn save(&self, out: &mut Vec<S>) -> bool {
        out.extend_from_slice(&self.y);
        out.extend_from_slice(&self.rates[0]);
        out.extend(self.power.direction().iter().map(|x| S::lift(*x)));
        out.extend(self.controller.memory().map(S::lift));
        out.push(S::lift(self.radius.unwrap_or(S::Real::NAN)));
        out.push(S::lift(S::Real::from_f64(f64::from(self.age))));
        true
    }

    fn restore(&mut self, _field: &mut Evaluator<'_, F, S>, saved: &[S]) {
        let n = self.y.len();
        let (y, rest) = saved.split_at(n);
        let (rate, rest) = rest.split_at(n);
        let (direction, rest) = rest.split_at(n);
        self.y.copy_from_slice(y);
        self.rates[0].copy_from_slice(rate);
        self.power.set_direction(direction.iter().map(Scalar::value));
        self.controller.recall([rest[0].value(), rest[1].value(), rest[2].value()]);
        self.radius = Some(rest[3].value()).filter(|radius| !radius.is_nan());
        self.age = rest[4].value().to_f64() as u32;
    }

    fn culprit(&self) -> Culprit {
        if let Some(component) = first_not_finite(&self.y_new).or_else(|| first_not_finite(&self.rates[2])) {
            return Culprit::not_finite(component);
        }
        worst(self.y.len(), |i| {
            self.error(i, self.tried) / self.norm.scale(i, self.y[i].value(), self.y_new[i].value())
        })
    }
}
