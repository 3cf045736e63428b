//! Backward differentiation formulas of orders one to five for stiff problems, `M dy/dt = f(t, y)`, with a fixed leading
//! coefficient (Jackson–Sacks-Davis 1980; Brenan–Campbell–Petzold 1996, ch. 5, the algorithm of DASSL).
//!
//! The polynomial through the latest values predicts the state and its rate; the corrected state satisfies the equation
//!
//! ```text
//! p = Σ_{m≤k} β_m φ_m     p' = (1/h) Σ_{m≤k} s_m β_m φ_m     M (p' + (c/h) e) = f(t + h, p + e)     y⁺ = p + e
//! ```
//!
//! with `s_m = Σ_{i<m} α_i` and, for equal steps and others alike, `c = (1 - κ) γ_k`, `γ_k = Σ_{j≤k} 1/j`. `κ = 0` gives BDF;
//! a little less damping at infinity gives the numerical differentiation formulas, whose errors are smaller
//! (Klopfenstein 1971; Shampine–Reichelt 1997, Table 1).
//!
//! Dense output is the polynomial through the new value and the `k` before it.

mod newton;
mod selection;
mod start;

use vecfield_traits::{Jacobian, Real};

use self::newton::{Linear, Newton};
use self::selection::Selection;
use super::differences::{Differences, SLOTS, Stride};
use crate::norm::Norm;
use crate::options::Options;
use crate::radau::{Radau, RadauOrder};
use crate::stepper::{Attempt, Culprit, Evaluator, Formula, Stepper, first_not_finite, worst};
use crate::{SolveError, initial};

/// The highest order; the formula of order six is hardly stable, that of order seven not at all.
const HIGHEST: usize = 5;

/// `γ_k`.
const HARMONIC: [f64; HIGHEST + 2] = {
    let mut gamma = [0.0; HIGHEST + 2];
    let mut k = 1;
    while k < gamma.len() {
        gamma[k] = gamma[k - 1] + 1.0 / k as f64;
        k += 1;
    }
    gamma
};

/// `κ_k` of the numerical differentiation formulas (Shampine–Reichelt 1997, Table 1).
const NUMERICAL: [f64; HIGHEST + 1] = [0.0, -0.1850, -1.0 / 9.0, -0.0823, -0.0415, 0.0];

/// Steps backward differentiation formulas over floats, choosing order and step.
///
/// Steps of a fixed size begin with five of [`Radau`], of the same order, which give the history.
#[derive(Debug, Clone)]
pub struct Bdf<R: Real> {
    n: usize,
    norm: Norm<R>,
    /// `κ_k`.
    kappa: [R; HIGHEST + 1],
    /// Of the state.
    differences: Differences<R>,
    stride: Stride<R>,
    /// `β_m` and `s_m β_m / h`.
    weights: [(R, R); SLOTS],
    /// `s_m`.
    slopes: [R; SLOTS],
    y: Vec<R>,
    y_new: Vec<R>,
    /// `p` and `p'`.
    predicted: Vec<R>,
    slope: Vec<R>,
    /// `e`.
    correction: Vec<R>,
    rate: Vec<R>,
    residual: Vec<R>,
    /// `p' + σ e`, which a mass matrix multiplies.
    moved: Vec<R>,
    /// One over the error allowed in each component.
    weight: Vec<R>,
    linear: Linear<R>,
    newton: Newton<R>,
    selection: Selection,
    /// No step has been taken since the start.
    fresh: bool,
    /// The step of the first difference, until a step is accepted.
    begun: Option<R>,
    failures: u32,
    /// The method of the first steps of a fixed size, while they last.
    starter: Option<Box<Radau<R>>>,
    starting: bool,
    fixed: bool,
}

impl<R: Real> Bdf<R> {
    /// Backward differentiation formulas for a state of `n` components: seventeen vectors, and matrices when a solve starts.
    ///
    /// # Errors
    ///
    /// Options that cannot be used.
    pub fn new(n: usize, options: &Options<R>) -> Result<Self, SolveError> {
        Bdf::with([0.0; HIGHEST + 1], n, options)
    }

    /// Numerical differentiation formulas: smaller errors, and a little less stable, at orders one to four.
    ///
    /// # Errors
    ///
    /// Options that cannot be used.
    pub fn numerical(n: usize, options: &Options<R>) -> Result<Self, SolveError> {
        Bdf::with(NUMERICAL, n, options)
    }

    fn with(kappa: [f64; HIGHEST + 1], n: usize, options: &Options<R>) -> Result<Self, SolveError> {
        options.validate(n)?;
        let fixed = options.step.is_some();
        let starter = if fixed { Some(Box::new(Radau::new(RadauOrder::Five, n, options)?)) } else { None };
        let vector = || vec![R::zero(); n];
        Ok(Bdf {
            n,
            norm: Norm::new(options, n),
            kappa: kappa.map(R::from_f64),
            differences: Differences::new(n, HIGHEST + 2),
            stride: Stride::none(),
            weights: [(R::zero(), R::zero()); SLOTS],
            slopes: [R::zero(); SLOTS],
            y: vector(),
            y_new: vector(),
            predicted: vector(),
            slope: vector(),
            correction: vector(),
            rate: vector(),
            residual: vector(),
            moved: vector(),
            weight: vector(),
            linear: Linear::new(n, options),
            newton: Newton::new(options),
            selection: Selection::new(fixed),
            fresh: true,
            begun: None,
            failures: 0,
            starter,
            starting: false,
            fixed,
        })
    }

    /// The order of the step last tried.
    pub fn order(&self) -> usize {
        self.selection.order
    }

    /// `c = (1 - κ) γ_k`.
    fn leading(&self) -> R {
        let k = self.selection.order;
        (R::one() - self.kappa[k]) * R::from_f64(HARMONIC[k])
    }

    fn predict(&mut self, h: R) {
        self.differences.stride(h, &mut self.stride);
        let used = self.selection.order + 1;
        let mut slope = R::zero();
        for m in 0..=used {
            self.slopes[m] = slope;
            self.weights[m] = (self.stride.beta[m], slope * self.stride.beta[m] / h);
            slope += self.stride.alpha[m];
        }
        let (predicted, rate) = (&mut self.predicted, &mut self.slope);
        let (norm, y, weight) = (&self.norm, &self.y, &mut self.weight);
        self.differences.sums(&self.weights[..used], |i, value, slope| {
            predicted[i] = value;
            rate[i] = slope;
            weight[i] = R::one() / norm.scale(i, y[i], value);
        });
    }

    fn refuse(&mut self, factor: R) -> Attempt<R> {
        self.selection.rising = false;
        self.failures += 1;
        Attempt { accepted: false, factor }
    }

    /// Norms of `e` plus the scaled differences of the orders below, and of `e` less that of the order above.
    fn difference_norms(&self) -> [R; 4] {
        let k = self.selection.order;
        let (one, two) = (k, k.saturating_sub(1));
        let above = (k + 1).min(self.differences.known().saturating_sub(1)).min(HIGHEST);
        let rows = [one, two, above].map(|m| (self.differences.row(m), self.stride.beta[m]));
        self.norm.measures(self.n, |i| {
            let (e, weight) = (self.correction[i], self.weight[i]);
            let [one, two, above] = rows.map(|(row, beta)| beta * row[i]);
            [e, e + one, e + one + two, e - above].map(|error| error * weight)
        })
    }
}

impl<R: Real, F: Jacobian<R>> Stepper<F> for Bdf<R> {
    type Scalar = R;

    fn dim(&self) -> usize {
        self.n
    }

    fn start(&mut self, field: &mut Evaluator<'_, F, R>, t: R, y: &[R]) -> Result<(), SolveError> {
        self.y.copy_from_slice(y);
        self.linear.adopt(&*field.field);
        self.linear.linearisation.settle(field, t, &mut self.y)?;
        self.differences.row_mut(0).copy_from_slice(&self.y);
        self.differences.restart(1, R::zero());
        (self.linear.evaluated, self.linear.factored) = (false, None);
        self.newton.forget();
        self.selection = Selection::new(self.fixed);
        (self.fresh, self.begun, self.failures) = (true, None, 0);
        self.starting = self.starter.is_some();
        if let Some(starter) = &mut self.starter {
            return starter.start(field, t, y);
        }
        field.eval_finite(t, &self.y, &mut self.rate)
    }

    fn first_step(&mut self, field: &mut Evaluator<'_, F, R>, t: R, span: R) -> R {
        if self.linear.linearisation.mass().is_some() {
            return self.first_step_with_mass(field, t, span);
        }
        let trial = initial::Trial { stage: &mut self.predicted, rate: &mut self.residual };
        initial::step(field, &self.norm, 2, (t, span), &self.y, &self.rate, trial)
    }

    fn attempt(&mut self, field: &mut Evaluator<'_, F, R>, t: R, h: R) -> Attempt<R> {
        if self.starting {
            return self.begin(field, t, h);
        }
        if self.fresh && self.first_difference(field, t, h).is_err() {
            return self.refuse(R::from_f64(0.25));
        }
        self.predict(h);
        let Some(iterations) = self.solve(field, t, h) else {
            return self.refuse(R::from_f64(0.25));
        };
        let norms = self.difference_norms();
        let errors = self.errors(&norms);
        if errors.test.is_nan() {
            return self.refuse(R::from_f64(0.25));
        }
        if errors.test > R::one() && !self.fixed {
            self.failures += 1;
            let factor = self.selection.reject(&errors, self.failures);
            return Attempt { accepted: false, factor };
        }
        self.newton.learn(iterations);
        Attempt { accepted: true, factor: self.selection.accept(&errors) }
    }

    fn dense(&mut self, field: &mut Evaluator<'_, F, R>, t: R, h: R, theta: R, out: &mut [R]) {
        if let Some(starter) = self.starter.as_mut().filter(|_| self.starting) {
            return starter.dense(field, t, h, theta, out);
        }
        let (mut basis, mut weights) = (R::one(), self.weights);
        for m in 0..=self.selection.order {
            weights[m].0 = basis * self.stride.beta[m];
            if m < self.selection.order {
                basis *= theta * self.stride.alpha[m] + R::one() - self.stride.alpha[m];
            }
        }
        let correction = &self.correction;
        let used = self.selection.order + 1;
        self.differences.sums(&weights[..used], |i, value, _| out[i] = value + basis * correction[i]);
    }

    fn commit(&mut self) {
        let used = self.selection.order + 1;
        self.differences.advance(&self.stride, used, &self.correction);
        core::mem::swap(&mut self.y, &mut self.y_new);
        self.linear.age = self.linear.age.saturating_add(1);
        (self.begun, self.failures) = (None, 0);
        self.selection.order = self.selection.next;
        if let Some(starter) = self.starter.as_mut().filter(|_| self.starting) {
            Stepper::<F>::commit(&mut **starter);
            self.starting = self.differences.known() <= HIGHEST;
            (self.selection.order, self.selection.next) = (HIGHEST, HIGHEST);
            self.fresh = false;
        }
    }

    fn y(&self) -> &[R] {
        &self.y
    }

    fn y_new(&self) -> &[R] {
        &self.y_new
    }

    fn trace(&self, out: &mut Vec<R>) -> Option<Formula> {
        let (k, flag) = (self.selection.order, if self.starting { R::one() } else { R::zero() });
        out.extend([R::from_f64(k as f64), self.leading(), self.begun.unwrap_or(R::zero()), flag]);
        out.extend_from_slice(self.differences.spans(k));
        (1..=k).for_each(|m| out.extend_from_slice(self.differences.row(m)));
        out.extend_from_slice(&self.correction);
        match self.starter.as_ref().filter(|_| self.starting) {
            None => Some(Formula::Backward),
            Some(starter) => Stepper::<F>::trace(&**starter, out).map(|_| Formula::Backward),
        }
    }

    fn save(&self, out: &mut Vec<R>) -> bool {
        out.extend_from_slice(&self.y);
        self.differences.save(out);
        let flag = |set: bool| if set { R::one() } else { R::zero() };
        let Linear { factored, point, evaluated, age, .. } = &self.linear;
        out.extend([R::from_f64(self.selection.order as f64), flag(self.selection.rising), self.newton.rate]);
        out.extend([flag(*evaluated), factored.unwrap_or(R::NAN), R::from_f64(f64::from(*age)), point.0]);
        out.extend_from_slice(&point.1);
        out.push(flag(self.starting));
        self.starter.as_ref().filter(|_| self.starting).is_none_or(|starter| Stepper::<F>::save(&**starter, out))
    }

    fn restore(&mut self, field: &mut Evaluator<'_, F, R>, saved: &[R]) {
        let (y, rest) = saved.split_at(self.n);
        self.y.copy_from_slice(y);
        let rest = self.differences.restore(rest);
        let ([order, rising, rate, evaluated, factored, age, time], rest) = split(rest);
        let (point, rest) = rest.split_at(self.n);
        let order = order.to_f64() as usize;
        self.selection = Selection { order, next: order, rising: rising == R::one() };
        (self.newton.rate, self.fresh, self.failures) = (rate, false, 0);
        self.linear.adopt(&*field.field);
        (self.linear.evaluated, self.linear.factored) = (false, None);
        if evaluated == R::one() {
            // Matrices are large, and soon made again.
            self.linear.evaluate(field, time, point);
            if !factored.is_nan() {
                // They could be factorised before, so they can be now; where not, the next attempt says so.
                let _ = self.linear.factorize(factored);
            }
        }
        self.linear.age = age.to_f64() as u32;
        self.starting = rest[0] == R::one();
        if let Some(starter) = self.starter.as_mut().filter(|_| self.starting) {
            starter.restore(field, &rest[1..]);
        }
    }

    fn culprit(&self) -> Culprit {
        let jacobian = self.linear.linearisation.not_finite();
        let state = [&self.rate, &self.y_new].into_iter().find_map(|x| first_not_finite(x));
        if let Some(component) = state.or(jacobian) {
            return Culprit::not_finite(component);
        }
        worst(self.n, |i| self.correction[i] * self.weight[i])
    }
}

/// The first numbers of a slice, and the rest.
fn split<R: Real, const N: usize>(numbers: &[R]) -> ([R; N], &[R]) {
    let (first, rest) = numbers.split_at(N);
    (core::array::from_fn(|i| first[i]), rest)
}
