//! Rosenbrock methods: stiff, with one factorisation a step and no iteration (Hairer–Wanner II, IV.7).
//!
//! In the variables that need no multiplication by the Jacobian, with `W = M/(hγ) - J`,
//!
//! ```text
//! W k_i = f(t + c_i h, y + Σ_{j<i} a_ij k_j) + h d_i ∂f/∂t + M Σ_{j<i} c_ij k_j / h,        i = 1..s
//! y⁺ = y + Σ m_i k_i,        error estimate Σ e_i k_i
//! ```
//!
//! Stiffly accurate methods have the embedded solution as argument of their last stage, which is the error estimate. Stages
//! with one argument share its evaluation, and one at `y⁺` gives the rate that the next step begins with.

mod methods;

use vecfield_traits::{Jacobian, Real};

pub use methods::{RODAS4, RODAS5P, ROS3P, ROSENBROCK23};

use crate::combine::{Term, combine, for_blocks, sums, terms};
use crate::controller::Controller;
use crate::linear::{Linearisation, Shifted};
use crate::norm::Norm;
use crate::options::{Options, proportional};
use crate::stepper::{Attempt, Culprit, Evaluator, Formula, Stepper, worst};
use crate::{SolveError, initial};

/// Every Rosenbrock method, lowest order first.
pub const ALL: &[&RosenbrockTableau] = &[&ROSENBROCK23, &ROS3P, &RODAS4, &RODAS5P];

/// The coefficients of a Rosenbrock method.
#[derive(Debug)]
pub struct RosenbrockTableau {
    /// As users type it after `--method`.
    pub name: &'static str,
    /// Classical order.
    pub order: u32,
    /// That of the embedded method, the other of the two whose difference is the error estimate.
    pub embedded_order: u32,
    /// The diagonal coefficient `γ`.
    pub gamma: f64,
    /// `a_ij`: row `i` has `i` entries.
    pub a: &'static [&'static [f64]],
    /// `c_ij`: row `i` has `i` entries.
    pub c: &'static [&'static [f64]],
    /// `c_i`, the stage times as fractions of the step.
    pub times: &'static [f64],
    /// `d_i`, the weights of `h ∂f/∂t`.
    pub slopes: &'static [f64],
    /// `m_i`, the weights of the step.
    pub weights: &'static [f64],
    /// `e_i`, the weights of the error estimate: `m_i - e_i` are those of the embedded method.
    pub error: &'static [f64],
    /// Rows `H_r` of dense output, `y + θ(y⁺ - y) + θ(1-θ)(K₁ + θ(K₂ + θK₃))` with `K_r = Σ_i H_ri k_i`.
    pub dense: &'static [&'static [f64]],
    /// The error inside a step is `O(h^(dense_order + 1))`.
    pub dense_order: u32,
    /// What the method is for, in a few words.
    pub when: &'static str,
    /// Where the coefficients were published.
    pub source: &'static str,
}

impl RosenbrockTableau {
    /// `s`, the number of stages.
    pub const fn stages(&self) -> usize {
        self.times.len()
    }

    /// Does nothing, if the numbers can be those of a Rosenbrock method; for `const _: () = METHOD.check();`.
    ///
    /// # Panics
    ///
    /// While compiling, if they cannot.
    pub const fn check(&self) {
        let s = self.stages();
        assert!(self.a.len() == s && self.c.len() == s && self.slopes.len() == s, "one row a stage");
        assert!(self.weights.len() == s && self.error.len() == s, "one weight a stage");
        let mut i = 0;
        while i < s {
            assert!(self.a[i].len() == i && self.c[i].len() == i, "a stage looks only at earlier ones");
            i += 1;
        }
        assert!(self.times[0] == 0.0, "the first stage looks at the beginning");
        let mut row = 0;
        while row < self.dense.len() {
            assert!(self.dense[row].len() == s, "dense output weighs every stage");
            row += 1;
        }
    }

    /// Whether each stage has the argument of the one before it.
    fn repeats(&self) -> Vec<bool> {
        let same = |i: usize| {
            let length = self.a[i].len().max(self.a[i - 1].len());
            let weight = |row: &[f64], j: usize| row.get(j).copied().unwrap_or(0.0);
            self.times[i] == self.times[i - 1] && (0..length).all(|j| weight(self.a[i], j) == weight(self.a[i - 1], j))
        };
        (0..self.stages()).map(|i| i > 0 && same(i)).collect()
    }

    /// Is the argument of the last stage `y⁺`?
    fn ends_at_last_stage(&self) -> bool {
        let last = self.stages() - 1;
        self.times[last] == 1.0 && self.weights[last] == 0.0 && self.weights[..last] == *self.a[last]
    }
}

/// Steps any [`RosenbrockTableau`] over floats, with the field's own Jacobian.
#[derive(Debug, Clone)]
pub struct Rosenbrock<R: Real> {
    tableau: &'static RosenbrockTableau,
    n: usize,
    a: Vec<Box<[Term<R>]>>,
    c: Vec<Box<[Term<R>]>>,
    weights: Box<[Term<R>]>,
    error_weights: Box<[Term<R>]>,
    dense_rows: Vec<Box<[Term<R>]>>,
    /// Whether each stage has the argument of the one before it.
    repeats: Vec<bool>,
    /// Is that of the last stage the end of the step?
    ends_at_last_stage: bool,
    norm: Norm<R>,
    controller: Controller<R>,
    fixed: bool,
    y: Vec<R>,
    y_new: Vec<R>,
    rate: Vec<R>,
    /// The evaluation made last.
    rate_new: Vec<R>,
    error: Vec<R>,
    stage: Vec<R>,
    base: Vec<R>,
    /// A sum before and after the mass matrix; empty for the identity.
    sums: [Vec<R>; 2],
    /// `[s, n]`.
    k: Vec<R>,
    linearisation: Linearisation<R>,
    matrix: Shifted<R>,
    /// Is the Jacobian that of the present state?
    current: bool,
}

impl<R: Real> Rosenbrock<R> {
    /// Memory for a state of `n` components: that of the stages, and for a dense Jacobian `2n²`
    /// numbers when a solve starts.
    ///
    /// # Errors
    ///
    /// Options that cannot be used.
    pub fn new(tableau: &'static RosenbrockTableau, n: usize, options: &Options<R>) -> Result<Self, SolveError> {
        options.validate(n)?;
        let all = |rows: &[&[f64]]| rows.iter().map(|row| terms(row)).collect();
        let vector = || vec![R::zero(); n];
        // The error of the method itself, not that of one of lower order.
        let own = tableau.embedded_order > tableau.order;
        Ok(Rosenbrock {
            tableau,
            n,
            a: all(tableau.a),
            c: all(tableau.c),
            weights: terms(tableau.weights),
            error_weights: terms(tableau.error),
            dense_rows: all(tableau.dense),
            repeats: tableau.repeats(),
            ends_at_last_stage: tableau.ends_at_last_stage(),
            norm: Norm::new(&if own { proportional(options, tableau.order) } else { options.clone() }, n),
            controller: Controller::new(&options.controller, tableau.order.min(tableau.embedded_order) + 1),
            fixed: options.step.is_some(),
            y: vector(),
            y_new: vector(),
            rate: vector(),
            rate_new: vector(),
            error: vector(),
            stage: vector(),
            base: vector(),
            sums: [Vec::new(), Vec::new()],
            k: vec![R::zero(); n * tableau.stages()],
            linearisation: Linearisation::new(n, options),
            matrix: Shifted::default(),
            current: false,
        })
    }

    fn adopt<F: Jacobian<R>>(&mut self, field: &F) {
        self.linearisation.adopt(field);
        self.matrix.adopt(&self.linearisation);
        let n = if self.linearisation.mass().is_some() { self.n } else { 0 };
        self.sums.iter_mut().for_each(|sum| sum.resize(n, R::zero()));
    }

    fn factorize<F: Jacobian<R>>(&mut self, field: &mut Evaluator<'_, F, R>, t: R, h: R) -> bool {
        if !self.current {
            self.linearisation.evaluate(field, t, &self.y);
            self.current = true;
        }
        field.stats.factorizations += 1;
        let sigma = R::one() / (h * R::from_f64(self.tableau.gamma));
        self.matrix.factorize(sigma, &self.linearisation).is_ok()
    }

    fn stages<F: Jacobian<R>>(&mut self, field: &mut Evaluator<'_, F, R>, t: R, h: R) {
        let n = self.n;
        for i in 0..self.tableau.stages() {
            let (known, unknown) = self.k.split_at_mut(i * n);
            let k = &mut unknown[..n];
            if i > 0 && !self.repeats[i] {
                combine(&self.y, R::one(), &self.a[i], known, &mut self.stage);
                field.eval(t + R::from_f64(self.tableau.times[i]) * h, &self.stage, &mut self.rate_new);
            }
            let slope = h * R::from_f64(self.tableau.slopes[i]);
            let rate = if i == 0 { &self.rate } else { &self.rate_new };
            for ((base, rate), time) in self.base.iter_mut().zip(rate).zip(self.linearisation.time()) {
                *base = *rate + slope * *time;
            }
            match self.linearisation.mass() {
                None => combine(&self.base, R::one() / h, &self.c[i], known, k),
                Some(mass) => {
                    let [zero, sum] = &mut self.sums;
                    zero.fill(R::zero());
                    combine(zero, R::one() / h, &self.c[i], known, sum);
                    mass.apply(sum, k);
                    k.iter_mut().zip(&self.base).for_each(|(k, base)| *k += *base);
                }
            }
            self.matrix.solve(k);
        }
        combine(&self.y, R::one(), &self.weights, &self.k, &mut self.y_new);
        for_blocks!(n, at, B => {
            let error: [R; B] = sums(n, &self.error_weights, &self.k, at, |k| k);
            self.error[at..][..B].copy_from_slice(&error);
        });
    }

    fn error_ratio(&self) -> R {
        let size = self.norm.measure(self.n, |j| self.error[j] / self.norm.scale(j, self.y[j], self.y_new[j]));
        // Fixed steps ask only whether everything is finite.
        if self.fixed { size * R::zero() } else { size }
    }
}

impl<R: Real, F: Jacobian<R>> Stepper<F> for Rosenbrock<R> {
    type Scalar = R;

    fn dim(&self) -> usize {
        self.n
    }

    fn start(&mut self, field: &mut Evaluator<'_, F, R>, t: R, y: &[R]) -> Result<(), SolveError> {
        self.y.copy_from_slice(y);
        self.adopt(&*field.field);
        self.linearisation.settle(field, t, &mut self.y)?;
        self.controller.reset();
        self.current = false;
        field.eval_finite(t, &self.y, &mut self.rate)
    }

    fn first_step(&mut self, field: &mut Evaluator<'_, F, R>, t: R, span: R) -> R {
        let matrix = (&mut self.matrix, &mut self.rate_new[..]);
        if let Some(h) = self.linearisation.first_step(field, (t, span), (&self.y, &self.rate), matrix) {
            return h;
        }
        let trial = initial::Trial { stage: &mut self.stage, rate: &mut self.rate_new };
        initial::step(field, &self.norm, self.tableau.order, (t, span), &self.y, &self.rate, trial)
    }

    fn attempt(&mut self, field: &mut Evaluator<'_, F, R>, t: R, h: R) -> Attempt<R> {
        if !self.factorize(field, t, h) {
            return Attempt { accepted: false, factor: R::from_f64(0.5) };
        }
        self.stages(field, t, h);
        let mut error = self.error_ratio();
        if error <= R::one() {
            if !self.ends_at_last_stage {
                field.eval(t + h, &self.y_new, &mut self.rate_new);
            }
            error += self.rate_new.iter().fold(R::zero(), |sum, rate| sum + *rate * R::zero());
        }
        let accepted = error <= R::one();
        let factor = if self.fixed { R::one() } else { self.controller.factor(error) };
        Attempt { accepted, factor }
    }

    fn dense(&mut self, _field: &mut Evaluator<'_, F, R>, _t: R, _h: R, theta: R, out: &mut [R]) {
        let rest = R::one() - theta;
        // Horner's rule over the rows: K₁ + θ(K₂ + θK₃), gathered in `stage`.
        self.stage.fill(R::zero());
        for row in self.dense_rows.iter().rev() {
            for j in 0..self.n {
                let sum = row.iter().fold(R::zero(), |sum, term| sum + term.weight * self.k[term.slot * self.n + j]);
                self.stage[j] = sum + theta * self.stage[j];
            }
        }
        for j in 0..self.n {
            out[j] = rest * self.y[j] + theta * (self.y_new[j] + rest * self.stage[j]);
        }
    }

    fn commit(&mut self) {
        core::mem::swap(&mut self.y, &mut self.y_new);
        core::mem::swap(&mut self.rate, &mut self.rate_new);
        self.current = false;
    }

    fn y(&self) -> &[R] {
        &self.y
    }

    fn y_new(&self) -> &[R] {
        &self.y_new
    }

    fn trace(&self, out: &mut Vec<R>) -> Option<Formula> {
        out.extend_from_slice(&self.k);
        Some(Formula::Rosenbrock(self.tableau))
    }

    fn save(&self, out: &mut Vec<R>) -> bool {
        out.extend_from_slice(&self.y);
        out.extend_from_slice(&self.rate);
        out.extend(self.controller.memory());
        true
    }

    fn restore(&mut self, field: &mut Evaluator<'_, F, R>, saved: &[R]) {
        self.adopt(&*field.field);
        let (y, rest) = saved.split_at(self.n);
        let (rate, memory) = rest.split_at(self.n);
        self.y.copy_from_slice(y);
        self.rate.copy_from_slice(rate);
        self.controller.recall([memory[0], memory[1], memory[2]]);
        self.current = false;
    }

    fn culprit(&self) -> Culprit {
        let n = self.n;
        let slope = self.linearisation.not_finite();
        if let Some(culprit) = Culprit::spoilt(slope, &self.k, n, &[&self.y_new, &self.rate_new]) {
            return culprit;
        }
        worst(n, |j| self.error[j] / self.norm.scale(j, self.y[j], self.y_new[j]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `Γ⁻¹ = diag(1/γ) - C` and `α = A Γ`, so the times are the row sums of `α` and the slopes those of `Γ`
    /// (Hairer–Wanner II, IV.7, eqs. (7.21) to (7.25)).
    #[test]
    fn times_and_slopes_are_row_sums() {
        for tableau in ALL {
            let s = tableau.stages();
            // x = Γ·1 solves (diag(1/γ) - C) x = 1.
            let mut slopes: Vec<f64> = vec![];
            for i in 0..s {
                let sum: f64 = tableau.c[i].iter().zip(&slopes).map(|(c, x)| c * x).sum();
                slopes.push(tableau.gamma * (1.0 + sum));
                assert!((slopes[i] - tableau.slopes[i]).abs() < 1e-12, "{}: slope {i}", tableau.name);
                let time: f64 = tableau.a[i].iter().zip(&slopes).map(|(a, x)| a * x).sum();
                assert!((time - tableau.times[i]).abs() < 1e-12, "{}: time {i}", tableau.name);
            }
        }
    }

    /// `|R(z)| ≤ 1` to the left, with the limit each method has, and `R(z)` is the exponential near zero: one step for
    /// `y' = λy`.
    #[test]
    fn the_methods_are_a_stable() {
        for tableau in ALL {
            let damped = |z: f64| {
                let field =
                    vecfield_autodiff::ByDifferences::new(crate::field(1, move |_t, y: &[f64], dy: &mut [f64]| {
                        dy[0] = z * y[0];
                    }));
                let mut integrator =
                    crate::Integrator::new(crate::Method::Rosenbrock(tableau), 1, &Options::fixed(1.0)).unwrap();
                integrator.solve(&field, (0.0, 1.0), &[1.0], crate::Save::End).unwrap().last()[0]
            };
            // Lang and Verwer's method is no further L-stable than its order conditions for parabolic problems let it be.
            let limit = if *tableau.name == *ROS3P.name { 1.0 - 3.0_f64.sqrt() } else { 0.0 };
            assert!((damped(-1e8) - limit).abs() < 1e-6, "{}: {}", tableau.name, damped(-1e8));
            for exponent in -2..8 {
                let z = -10.0_f64.powi(exponent);
                assert!(damped(z).abs() <= 1.0, "{} at {z}", tableau.name);
            }
            let error = damped(-0.1) - (-0.1_f64).exp();
            assert!(error.abs() < 0.1_f64.powi(tableau.order as i32 + 1), "{}: {error:e}", tableau.name);
        }
    }
}
