//! Radau IIA of orders five, nine and thirteen, for stiff problems (Hairer–Wanner II, IV.5 and IV.8, the algorithm of
//! RADAU5; Hairer–Wanner 1999, "Stiff differential equations solved by Radau methods", for the orders above five).
//!
//! The `s` stages are the collocation conditions at the Radau points `c`, solved for `z_i = Y_i - y` by simplified Newton
//! iterations. A change of basis `w = (T⁻¹ ⊗ I) z` splits each iteration into one real and `(s - 1)/2` complex systems,
//!
//! ```text
//! (γ/h M - J) Δw₀ = ..        ((α + iβ)/h M - J) (Δw₁ + iΔw₂) = ..
//! ```
//!
//! The Jacobian is kept while the iterations converge fast, the factorisations while the step stays the same, and the
//! collocation polynomial of the step before predicts the stages of this one. The method is L-stable and stiffly accurate.

mod collocation;
mod estimate;
mod newton;
mod order;
mod tables;

use vecfield_linalg::Complex;
use vecfield_traits::{Elementary, Jacobian, Real};

pub use self::collocation::Collocation;
pub(crate) use self::collocation::FIFTH;
use self::collocation::{RADAU5, RadauTable, rows, transform};
use self::newton::Newton;
pub use self::order::RadauOrder;
use self::order::Trend;
use self::tables::{RADAU9, RADAU13};
use crate::combine::combine;
use crate::linear::{Linearisation, Shifted};
use crate::norm::Norm;
use crate::options::{Options, looseness};
use crate::stepper::{Attempt, Culprit, Evaluator, Formula, Stepper, first_not_finite, worst};
use crate::{SolveError, initial};

/// Steps are not to grow beyond where the iterations gain less than this a turn.
const BEARABLE: f64 = 0.3;

/// Steps Radau IIA over floats, with the field's own Jacobian.
#[derive(Debug, Clone)]
pub struct Radau<R: Real> {
    n: usize,
    orders: RadauOrder,
    highest: &'static RadauTable,
    table: &'static RadauTable,
    /// That of the step before.
    table_old: &'static RadauTable,
    /// That of the step after.
    next: &'static RadauTable,
    trend: Trend<R>,
    /// [`looseness`] for an estimate of order `s` and a method of order `2s - 1`, with three, five and seven stages.
    looser: [R; 3],
    rtol: R,
    norm: Norm<R>,
    /// The norm of an error estimate of order `s` may be this large; see [`looseness`].
    looseness: R,
    /// Newton iterations end when the error they leave is below this.
    kappa: R,
    /// They end as well where they gain no more and change less than this.
    floor: R,
    fixed: bool,
    y: Vec<R>,
    y_new: Vec<R>,
    rate: Vec<R>,
    rate_new: Vec<R>,
    stage: Vec<R>,
    error: Vec<R>,
    /// What a unit of each component counts in the norm of the iterations.
    importance: Vec<R>,
    /// `[s, n]` each: stages, those of the step before, stages in the basis `T`, the field at the stages.
    z: Vec<R>,
    z_old: Vec<R>,
    w: Vec<R>,
    rates: Vec<R>,
    /// `M w`, `[s, n]`; empty for the identity.
    weighted: Vec<R>,
    /// The end of the step as the polynomial of the step before predicts it, less `y`.
    predicted: Vec<R>,
    linearisation: Linearisation<R>,
    age: Age,
    /// Where the Jacobian was evaluated.
    point: (R, Vec<R>),
    real: Shifted<R>,
    /// One a pair of eigenvalues.
    complex: Vec<Shifted<Complex<R>>>,
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

impl<R: Real> Radau<R> {
    /// Memory for a state of `n` components: `4s + 8` numbers a component, and for a dense Jacobian `(s + 1) n²` when a solve
    /// starts, for the most stages there may be.
    ///
    /// # Errors
    ///
    /// Options that cannot be used.
    pub fn new(orders: RadauOrder, n: usize, options: &Options<R>) -> Result<Self, SolveError> {
        options.validate(n)?;
        let highest = orders.highest(options);
        let most = highest.stages();
        let vector = || vec![R::zero(); n];
        let stages = || vec![R::zero(); most * n];
        let mut radau = Radau {
            n,
            orders,
            highest,
            table: highest,
            table_old: highest,
            next: highest,
            trend: Trend::fresh(),
            looser: [1.0 / 3.0, 2.0 / 5.0, 3.0 / 7.0].map(|power| looseness(options, power)),
            rtol: options.rtol,
            norm: Norm::new(options, n),
            looseness: R::one(),
            kappa: R::zero(),
            floor: R::zero(),
            fixed: options.step.is_some(),
            y: vector(),
            y_new: vector(),
            rate: vector(),
            rate_new: vector(),
            stage: vector(),
            error: vector(),
            importance: vector(),
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
            complex: vec![Shifted::default(); (most - 1) / 2],
            pair: vec![Complex::new(R::zero(), R::zero()); n],
            factored: None,
            before: None,
            eta: R::one(),
            rejected: false,
        };
        radau.take(highest);
        Ok(radau)
    }

    /// An upper bound of the largest eigenvalue of the last Jacobian.
    pub(crate) fn spectral_bound(&mut self) -> R {
        self.linearisation.spectral_bound()
    }

    fn adopt<F: Jacobian<R>>(&mut self, field: &F) {
        self.linearisation.adopt(field);
        self.real.adopt(&self.linearisation);
        self.complex.iter_mut().for_each(|complex| complex.adopt(&self.linearisation));
        self.weighted.resize(if self.linearisation.mass().is_some() { self.w.len() } else { 0 }, R::zero());
    }

    fn factorize(&mut self, h: R) -> Result<(), vecfield_linalg::LinalgError> {
        let number = |x: f64| R::from_f64(x) / h;
        self.factored = None;
        self.real.factorize(number(self.table.gamma), &self.linearisation)?;
        for ([alpha, beta], complex) in self.table.pairs.iter().zip(&mut self.complex) {
            complex.factorize(Complex::new(number(*alpha), number(*beta)), &self.linearisation)?;
        }
        self.factored = Some(h);
        Ok(())
    }

    /// The polynomial of the step before, continued to this step's points; zero at the first step.
    #[inline(always)]
    fn predict(&mut self, h: R, n: usize) {
        let Some((h_old, _)) = self.before else {
            self.z.fill(R::zero());
            self.w.fill(R::zero());
            return;
        };
        let old = self.table_old.stages();
        for (error, end) in self.error.iter_mut().zip(&self.z_old[(old - 1) * n..]) {
            *error = -*end;
        }
        for (i, &c) in self.table.method.c.iter().enumerate() {
            let weights = self.table_old.collocation(R::one() + R::from_f64(c) * h / h_old);
            let to = &mut self.z[i * n..(i + 1) * n];
            combine(&self.error[..n], R::one(), &weights[..old], &self.z_old, to);
        }
        let end = self.end_of(self.table);
        self.predicted.copy_from_slice(&self.z[end..end + n]);
        match self.table.stages() {
            3 => transform(&rows::<R, 3>(self.table.inverse), n, &self.z, &mut self.w),
            5 => transform(&rows::<R, 5>(self.table.inverse), n, &self.z, &mut self.w),
            _ => transform(&rows::<R, 7>(self.table.inverse), n, &self.z, &mut self.w),
        }
    }

    /// Where the last stage lies among the stages.
    fn end_of(&self, table: &RadauTable) -> usize {
        (table.stages() - 1) * self.n
    }

    fn refuse(&mut self, factor: f64) -> Attempt<R> {
        self.rejected = true;
        Attempt { accepted: false, factor: R::from_f64(factor) }
    }

    /// Gustafsson's predictive controller (Hairer–Wanner II, IV.8, eqs. (8.24) and (8.25)).
    fn factor(&mut self, h: R, norm: R, iterations: u32) -> R {
        let number = R::from_f64;
        let most = newton::iterations(self.table.stages());
        let limit = f64::from(2 * most + 1) / f64::from(2 * most + iterations);
        let safety = number(0.9 * limit);
        let norm = Elementary::max(norm, number(1e-10));
        let stages = self.table.stages();
        let root = |x: R| match stages {
            3 => x.sqrt().sqrt(),
            _ => Elementary::powf(x, number(1.0 / (stages as f64 + 1.0))),
        };
        let mut factor = safety / root(norm);
        if let Some((h_old, norm_old)) = self.before {
            let trend = (h / h_old).abs() * root(norm_old / norm);
            factor *= Elementary::min(trend, R::one());
        }
        Elementary::min(Elementary::max(factor, number(0.125)), number(8.0))
    }

    /// The same code compiled for the smallest dimensions, where loops of known length become straight lines, and for all others:
    /// a fifth of the time that a step of three equations took.
    #[inline(always)]
    fn attempt_of<F: Jacobian<R>>(&mut self, field: &mut Evaluator<'_, F, R>, t: R, h: R, n: usize) -> Attempt<R> {
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
            self.predict(h, n);
            match self.newton(field, (t, h), n) {
                Newton::Converged { iterations, rate } => break (iterations, rate),
                Newton::Failed if self.age == Age::Old => self.age = Age::Missing,
                Newton::Failed => {
                    (self.eta, self.trend.trouble) = (R::one(), true);
                    return self.refuse(0.5);
                }
            }
        };
        let end = self.end_of(self.table);
        for j in 0..n {
            self.y_new[j] = self.y[j] + self.z[end + j];
        }
        let norm = if self.fixed { R::zero() } else { self.error_norm(field, (t, h), n) };
        let dense = if self.fixed { R::zero() } else { self.dense_norm(h, n) };
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
        // With a Jacobian of this very state the speed of convergence is in proportion to the step (Gustafsson–Söderlind 1997).
        let fresh = self.age == Age::Current && iterations > 2;
        let bearable = Elementary::max(R::from_f64(BEARABLE) / rate, R::from_f64(0.5));
        let factor = if fresh { Elementary::min(factor, bearable) } else { factor };
        self.rejected = false;
        self.next = self.choose_order(h, iterations, rate);
        self.before = Some((h, Elementary::max(norm, R::from_f64(1e-2))));
        // A Jacobian that lets the iterations converge this fast is good enough for the next step.
        self.age = if iterations > 1 && rate > R::from_f64(1e-3) { Age::Missing } else { Age::Old };
        // Keeping the step keeps the factorisations.
        let keep = self.age == Age::Old && factor >= R::one() && factor <= R::from_f64(1.2);
        Attempt { accepted: true, factor: if keep { R::one() } else { factor } }
    }
}

impl<R: Real, F: Jacobian<R>> Stepper<F> for Radau<R> {
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
        self.take(self.highest);
        (self.table_old, self.next, self.trend) = (self.table, self.table, Trend::fresh());
        field.eval_finite(t, &self.y, &mut self.rate)
    }

    fn first_step(&mut self, field: &mut Evaluator<'_, F, R>, t: R, span: R) -> R {
        let matrix = (&mut self.real, &mut self.rate_new[..]);
        if let Some(h) = self.linearisation.first_step(field, (t, span), (&self.y, &self.rate), matrix) {
            return h;
        }
        let trial = initial::Trial { stage: &mut self.stage, rate: &mut self.rate_new };
        initial::step(field, &self.norm, self.table.stages() as u32 + 1, (t, span), &self.y, &self.rate, trial)
    }

    fn attempt(&mut self, field: &mut Evaluator<'_, F, R>, t: R, h: R) -> Attempt<R> {
        match self.n {
            2 => self.attempt_of(field, t, h, 2),
            3 => self.attempt_of(field, t, h, 3),
            n => self.attempt_of(field, t, h, n),
        }
    }

    fn dense(&mut self, _field: &mut Evaluator<'_, F, R>, _t: R, _h: R, theta: R, out: &mut [R]) {
        let weights = self.table.collocation(theta);
        combine(&self.y, R::one(), &weights[..self.table.stages()], &self.z, out);
    }

    fn commit(&mut self) {
        core::mem::swap(&mut self.y, &mut self.y_new);
        core::mem::swap(&mut self.rate, &mut self.rate_new);
        core::mem::swap(&mut self.z, &mut self.z_old);
        self.table_old = self.table;
        if self.next.order != self.table.order {
            self.take(self.next);
            self.trend = Trend::fresh();
        }
    }

    fn y(&self) -> &[R] {
        &self.y
    }

    fn y_new(&self) -> &[R] {
        &self.y_new
    }

    fn trace(&self, out: &mut Vec<R>) -> Option<Formula> {
        out.extend_from_slice(&self.z[..self.end_of(self.table) + self.n]);
        Some(Formula::Collocation(&self.table.method))
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
        let number = |x: u32| R::from_f64(f64::from(x));
        out.extend([number(self.table.order), number(self.table_old.order), number(self.trend.steps)]);
        out.extend([self.trend.rate, flag(self.trend.trouble)]);
        true
    }

    fn restore(&mut self, field: &mut Evaluator<'_, F, R>, saved: &[R]) {
        let (vectors, numbers) = saved.split_at(3 * self.n + self.z_old.len());
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
        let table = |order: R| match order.to_f64() as u32 {
            9 => &RADAU9,
            13 => &RADAU13,
            _ => &RADAU5,
        };
        self.take(table(numbers[7]));
        (self.table_old, self.next) = (table(numbers[8]), self.table);
        self.trend = Trend { steps: numbers[9].to_f64() as u32, rate: numbers[10], trouble: numbers[11] == R::one() };
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

    fn spectral_bound(&mut self) -> Option<R> {
        Some(Radau::spectral_bound(self))
    }

    fn culprit(&self) -> Culprit {
        let n = self.n;
        let slope = self.linearisation.not_finite();
        if let Some(culprit) = Culprit::spoilt(slope, &self.rates, n, &[&self.rate_new]) {
            return culprit;
        }
        worst(n, |j| self.error[j] / self.norm.scale(j, self.y[j], self.y[j]))
    }
}
