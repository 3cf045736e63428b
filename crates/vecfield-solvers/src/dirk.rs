//! Diagonally implicit Runge–Kutta methods: stiff, one stage after another, one factorisation for all of them
//! (Hairer–Wanner II, IV.6; Kennedy–Carpenter 2016, "Diagonally implicit Runge–Kutta methods for ordinary differential
//! equations: a review"), and their additive pairs with an explicit method for fields that are split.
//!
//! A stage `Y = b + x`, with `b` what the stages before it give, solves `M x/(hγ) = f(b + x)` by simplified Newton
//! iterations,
//!
//! ```text
//! (σM - J) Δx = f(b + x) - σM x,        σ = 1/(hγ),        k = σx
//! ```
//!
//! so rates come from the stages rather than from the field, which would magnify along stiff directions what the iterations
//! leave. The Jacobian is kept while they converge, the factors while the step stays the same. They begin at the rate that
//! a polynomial through the rates of the stages before, and of the beginning of the step before, predicts.
//!
//! The error estimate is filtered by `(σM - J)⁻¹ σM` (Hosea–Shampine 1996, section 3), which leaves what varies slowly
//! alone and damps what the method itself damps.

mod estimate;
mod kennedy_carpenter;
mod kvaerno;
mod newton;
mod predictor;
pub mod tableau;
mod weights;

use vecfield_traits::{Elementary, Jacobian, Real};

use self::newton::Newton;
use self::predictor::Predictor;
use self::tableau::DirkTableau;
use self::weights::{Rows, Weights};
use crate::combine::{Term, combine};
use crate::controller::Controller;
use crate::linear::{Linearisation, Shifted};
use crate::norm::Norm;
use crate::options::{Options, proportional};
use crate::stepper::{Attempt, Culprit, Evaluator, Formula, Stepper, first_not_finite, worst};
use crate::{SolveError, initial};

/// A Jacobian with which the iterations gain less than this a turn is evaluated anew for the next step.
const SLOW: f64 = 0.1;

/// Steps after which the Jacobian is evaluated anew, whatever the iterations say: they see what it does to the components that
/// weigh most, not to those that decay to nothing beside them.
const JACOBIAN_HOLDS_FOR: u32 = 50;

/// Steps any [`DirkTableau`] over floats, with the field's own Jacobian.
///
/// A pair with an explicit method treats a field that is not split as wholly implicit.
#[derive(Debug, Clone)]
pub struct DiagonallyImplicit<R: Real> {
    tableau: &'static DirkTableau,
    n: usize,
    rows: Rows<R>,
    times: Vec<R>,
    polynomials: Vec<Vec<R>>,
    /// Dense output's weights at the `θ` asked for last.
    dense: Vec<Term<R>>,
    predictor: Predictor<R>,
    norm: Norm<R>,
    controller: Controller<R>,
    /// Newton iterations end when what they leave is below this part of the tolerance.
    kappa: R,
    /// They end as well where they gain no more and change less than this.
    floor: R,
    fixed: bool,
    y: Vec<R>,
    y_new: Vec<R>,
    /// What the stages before give.
    base: Vec<R>,
    /// The unknown of the stage, `hγk`.
    x: Vec<R>,
    stage: Vec<R>,
    change: Vec<R>,
    scaled: Vec<R>,
    /// `[s, n]`; `[2s, n]` for pairs, the explicit rates behind the implicit ones.
    k: Vec<R>,
    begin: Begin,
    /// The step with which the rate at the beginning was resolved, until a step is accepted.
    resolved: Option<R>,
    /// The rate at the beginning of the step before, and that step.
    before: Vec<R>,
    step_before: Option<R>,
    linearisation: Linearisation<R>,
    age: Age,
    /// Accepted steps since the Jacobian was evaluated.
    held: u32,
    /// Where the Jacobian was evaluated.
    point: (R, Vec<R>),
    factors: Shifted<R>,
    /// The step the factors belong to.
    factored: Option<R>,
    /// The speed of convergence last seen, `θ/(1-θ)` in Hairer–Wanner II, IV.8, eq. (8.10).
    eta: R,
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

/// What is known of the rate at the beginning of the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begin {
    Known,
    /// The end of the step before was not its last stage.
    Missing,
    /// `M` times it is known.
    Massive,
}

impl<R: Real> DiagonallyImplicit<R> {
    /// Memory for a state of `n` components: the stages and some vectors, and for a dense Jacobian `2n²` numbers when a
    /// solve starts.
    ///
    /// # Errors
    ///
    /// Options that cannot be used.
    pub fn new(tableau: &'static DirkTableau, n: usize, options: &Options<R>) -> Result<Self, SolveError> {
        options.validate(n)?;
        let fixed = options.step.is_some();
        let own = tableau.error.exponent() > tableau.order;
        let options = &if own && !fixed { proportional(options, tableau.order) } else { options.clone() };
        let rtol = Elementary::max(options.rtol, R::EPSILON);
        // Fixed steps have no tolerance to speak of: the iterations go down to rounding.
        let rounding = R::EPSILON / rtol;
        let wanted = R::from_f64(if fixed { 0.0 } else { newton::KAPPA });
        let vector = || vec![R::zero(); n];
        let additive = tableau.explicit.map(|explicit| Weights::new(tableau, Some(explicit)));
        let slots = tableau.stages() * if additive.is_some() { 2 } else { 1 };
        let polynomials = tableau.interpolant.iter();
        Ok(DiagonallyImplicit {
            tableau,
            n,
            rows: Rows { implicit: Weights::new(tableau, None), additive, split: false },
            times: tableau.c.iter().map(|&c| R::from_f64(c)).collect(),
            polynomials: polynomials.map(|row| row.iter().map(|&w| R::from_f64(w)).collect()).collect(),
            dense: Vec::with_capacity(slots),
            predictor: Predictor::new(tableau),
            norm: Norm::new(options, n),
            controller: Controller::new(&options.controller, tableau.error.exponent()),
            kappa: Elementary::max(R::from_f64(4.0) * rounding, wanted),
            floor: R::from_f64(100.0) * rounding,
            fixed,
            y: vector(),
            y_new: vector(),
            base: vector(),
            x: vector(),
            stage: vector(),
            change: vector(),
            scaled: vector(),
            k: vec![R::zero(); n * slots],
            begin: Begin::Missing,
            resolved: None,
            before: vector(),
            step_before: None,
            linearisation: Linearisation::new(n, options),
            age: Age::Missing,
            held: 0,
            point: (R::zero(), vector()),
            factors: Shifted::default(),
            factored: None,
            eta: R::one(),
        })
    }

    fn sigma(&self, h: R) -> R {
        R::one() / (h * R::from_f64(self.tableau.gamma()))
    }

    /// The rates at the beginning, that of the explicit part apart.
    fn begin<F: Jacobian<R>>(&mut self, field: &mut Evaluator<'_, F, R>, t: R) {
        let (implicit, explicit) = self.k.split_at_mut(self.tableau.stages() * self.n);
        let implicit = &mut implicit[..self.n];
        if self.rows.split {
            field.stiff_part(t, &self.y, implicit);
            let explicit = &mut explicit[..self.n];
            field.eval(t, &self.y, explicit);
            subtract(explicit, implicit);
        } else {
            field.eval(t, &self.y, implicit);
        }
        self.begin = Begin::Known;
    }

    /// From `M y'` to `y'`. `M y' = f` says nothing of the rates of algebraic variables, but `J y' + ∂f/∂t = 0` on the rows
    /// of constraints does: `(σM - J) y' = σf + ∂f/∂t` has both in the limit of large `σ`.
    fn resolve(&mut self, h: R) -> bool {
        let sigma = R::one() / (h * Elementary::powf(R::EPSILON, R::from_f64(0.6)));
        (self.factored, self.resolved) = (None, Some(h));
        if self.factors.factorize(sigma, &self.linearisation).is_err() {
            return false;
        }
        let rate = &mut self.k[..self.n];
        for (rate, time) in rate.iter_mut().zip(self.linearisation.time()) {
            *rate = sigma * *rate + *time;
        }
        self.factors.solve(rate);
        self.begin = Begin::Known;
        true
    }

    /// Evaluates the Jacobian, that of the implicit part of a split field, at `point`.
    fn linearise<F: Jacobian<R>>(&mut self, field: &mut Evaluator<'_, F, R>) {
        let (t, y) = &self.point;
        match self.rows.split {
            true => self.linearisation.evaluate_stiff(field, *t, y),
            false => self.linearisation.evaluate(field, *t, y),
        }
    }

    fn factorize(&mut self, h: R) -> bool {
        let done = self.factors.factorize(self.sigma(h), &self.linearisation).is_ok();
        self.factored = done.then_some(h);
        done
    }

    /// Takes the structure of the field.
    fn adopt<F: Jacobian<R>>(&mut self, field: &mut Evaluator<'_, F, R>, t: R) {
        self.linearisation.adopt(&*field.field);
        self.factors.adopt(&self.linearisation);
        let pair = self.rows.additive.is_some() && self.linearisation.mass().is_none();
        self.rows.split = pair && field.stiff_part(t, &self.y, &mut self.change);
        (self.age, self.factored) = (Age::Missing, None);
    }

    /// Makes everything ready that the stages need; false where a matrix is singular.
    fn prepare<F: Jacobian<R>>(&mut self, field: &mut Evaluator<'_, F, R>, t: R, h: R) -> bool {
        if self.begin == Begin::Missing {
            self.begin(field, t);
        }
        if self.age == Age::Missing {
            self.point.0 = t;
            self.point.1.copy_from_slice(&self.y);
            self.linearise(field);
            (self.age, self.held, self.factored) = (Age::Current, 0, None);
        }
        if self.begin == Begin::Massive && !self.resolve(h) {
            return false;
        }
        if self.factored != Some(h) {
            field.stats.factorizations += 1;
            return self.factorize(h);
        }
        true
    }

    /// All stages, and the end of the step.
    fn stages<F: Jacobian<R>>(&mut self, field: &mut Evaluator<'_, F, R>, t: R, h: R) -> Newton<R> {
        let (n, s, sigma) = (self.n, self.tableau.stages(), self.sigma(h));
        self.predictor.prepare(self.step_before.map(|before| h / before));
        let (mut slowest, mut most) = (R::zero(), 0);
        for i in 1..s {
            let time = t + self.times[i] * h;
            combine(&self.y, h, &self.rows.used().stages[i], &self.k, &mut self.base);
            self.predictor.predict(i, &self.k, &self.before, R::one() / sigma, &mut self.x);
            match self.newton(field, time, sigma) {
                Newton::Converged { iterations, rate } => {
                    slowest = Elementary::max(slowest, rate);
                    most = most.max(iterations);
                }
                Newton::Failed => return Newton::Failed,
            }
            for (j, k) in self.k[i * n..(i + 1) * n].iter_mut().enumerate() {
                *k = sigma * self.x[j];
                self.stage[j] = self.base[j] + self.x[j];
            }
            if self.rows.split {
                let explicit = &mut self.k[(s + i) * n..][..n];
                field.eval(time, &self.stage, explicit);
                field.stiff_part(time, &self.stage, &mut self.change);
                subtract(explicit, &self.change);
            }
        }
        if self.rows.split {
            combine(&self.y, h, &self.rows.used().end, &self.k, &mut self.y_new);
        } else {
            self.y_new.copy_from_slice(&self.stage);
        }
        // Steps whose stages all began well enough say nothing of the speed: trust in it wanes.
        self.eta = match most {
            1 => Elementary::powf(self.eta, R::from_f64(0.8)),
            _ => Elementary::max(slowest / (R::one() - slowest), R::EPSILON),
        };
        Newton::Converged { iterations: most, rate: slowest }
    }
}

impl<R: Real, F: Jacobian<R>> Stepper<F> for DiagonallyImplicit<R> {
    type Scalar = R;

    fn dim(&self) -> usize {
        self.n
    }

    fn start(&mut self, field: &mut Evaluator<'_, F, R>, t: R, y: &[R]) -> Result<(), SolveError> {
        self.y.copy_from_slice(y);
        self.controller.reset();
        self.adopt(field, t);
        self.linearisation.settle(field, t, &mut self.y)?;
        (self.step_before, self.resolved, self.eta) = (None, None, R::one());
        self.begin(field, t);
        if self.linearisation.mass().is_some() {
            self.begin = Begin::Massive;
        }
        match first_not_finite(&self.k[..self.n]) {
            Some(component) => Err(SolveError::undefined(component, t)),
            None => Ok(()),
        }
    }

    fn first_step(&mut self, field: &mut Evaluator<'_, F, R>, t: R, span: R) -> R {
        field.eval(t, &self.y, &mut self.change);
        let matrix = (&mut self.factors, &mut self.scaled[..]);
        if let Some(h) = self.linearisation.first_step(field, (t, span), (&self.y, &self.change), matrix) {
            return h;
        }
        let trial = initial::Trial { stage: &mut self.stage, rate: &mut self.scaled };
        initial::step(field, &self.norm, self.tableau.error.exponent(), (t, span), &self.y, &self.change, trial)
    }

    fn attempt(&mut self, field: &mut Evaluator<'_, F, R>, t: R, h: R) -> Attempt<R> {
        let number = R::from_f64;
        let (iterations, rate) = loop {
            if !self.prepare(field, t, h) {
                return Attempt { accepted: false, factor: number(0.5) };
            }
            match self.stages(field, t, h) {
                Newton::Converged { iterations, rate } => break (iterations, rate),
                Newton::Failed if self.age == Age::Old => self.age = Age::Missing,
                Newton::Failed => {
                    self.eta = R::one();
                    return Attempt { accepted: false, factor: number(0.3) };
                }
            }
        };
        let norm = self.error_norm(h);
        // Fixed steps ask only whether everything is finite.
        let norm = if self.fixed { norm * R::zero() } else { norm };
        let factor = if self.fixed { R::one() } else { self.controller.factor(norm) };
        if norm.is_nan() || norm > R::one() {
            if self.age == Age::Old {
                self.age = Age::Missing;
            }
            return Attempt { accepted: false, factor };
        }
        self.step_before = Some(h);
        self.held += 1;
        let worn = self.held >= JACOBIAN_HOLDS_FOR && !self.fixed;
        self.age = if worn || (iterations > 1 && rate > number(SLOW)) { Age::Missing } else { Age::Old };
        // Keeping the step keeps the factors.
        let keep = self.age == Age::Old && factor >= R::one() && factor <= number(1.2);
        Attempt { accepted: true, factor: if keep { R::one() } else { factor } }
    }

    fn dense(&mut self, _field: &mut Evaluator<'_, F, R>, _t: R, h: R, theta: R, out: &mut [R]) {
        let s = self.tableau.stages();
        self.dense.clear();
        for (slot, polynomial) in self.polynomials.iter().enumerate() {
            let weight = polynomial.iter().rev().fold(R::zero(), |sum, &w| (sum + w) * theta);
            self.dense.push(Term { weight, slot });
        }
        if self.rows.split {
            for slot in 0..s {
                let weight = self.dense[slot].weight;
                self.dense.push(Term { weight, slot: s + slot });
            }
        }
        combine(&self.y, h, &self.dense, &self.k, out);
    }

    fn commit(&mut self) {
        let n = self.n;
        core::mem::swap(&mut self.y, &mut self.y_new);
        self.before.copy_from_slice(&self.k[..n]);
        self.resolved = None;
        if self.rows.split {
            self.begin = Begin::Missing;
        } else {
            let last = self.tableau.stages() - 1;
            self.k.copy_within(last * n..(last + 1) * n, 0);
        }
    }

    fn y(&self) -> &[R] {
        &self.y
    }

    fn y_new(&self) -> &[R] {
        &self.y_new
    }

    fn trace(&self, out: &mut Vec<R>) -> Option<Formula> {
        let slots = self.tableau.stages() * if self.rows.split { 2 } else { 1 };
        out.extend_from_slice(&self.k[..slots * self.n]);
        if self.linearisation.mass().is_some() {
            out.push(self.resolved.unwrap_or(R::zero()));
        }
        Some(if self.rows.split { Formula::Additive(self.tableau) } else { Formula::Dirk(self.tableau) })
    }

    fn save(&self, out: &mut Vec<R>) -> bool {
        for part in [&self.y, &self.k[..self.n], &self.before, &self.point.1] {
            out.extend_from_slice(part);
        }
        let flag = |set: bool| if set { R::one() } else { R::zero() };
        let optional = |h: Option<R>| h.unwrap_or(R::NAN);
        out.extend([
            self.point.0,
            flag(self.age == Age::Old),
            optional(self.factored),
            optional(self.step_before),
            self.eta,
        ]);
        out.extend(self.controller.memory());
        out.push(R::from_f64(f64::from(self.held)));
        true
    }

    fn restore(&mut self, field: &mut Evaluator<'_, F, R>, saved: &[R]) {
        let n = self.n;
        let (vectors, numbers) = saved.split_at(4 * n);
        self.y.copy_from_slice(&vectors[..n]);
        self.adopt(field, numbers[0]);
        self.k[..n].copy_from_slice(&vectors[n..2 * n]);
        self.before.copy_from_slice(&vectors[2 * n..3 * n]);
        self.resolved = None;
        self.point.0 = numbers[0];
        self.point.1.copy_from_slice(&vectors[3 * n..]);
        let known = |x: R| (!x.is_nan()).then_some(x);
        (self.step_before, self.eta) = (known(numbers[3]), numbers[4]);
        self.controller.recall([numbers[5], numbers[6], numbers[7]]);
        self.held = numbers[8].to_f64() as u32;
        self.begin = if self.rows.split { Begin::Missing } else { Begin::Known };
        if numbers[1] == R::one() {
            // The Jacobian and its factors are large, and soon made again.
            self.age = Age::Old;
            self.linearise(field);
            if let Some(h) = known(numbers[2]) {
                // They could be factorised before, so they can be now; where not, the next attempt says so.
                let _ = self.factorize(h);
            }
        }
    }

    fn culprit(&self) -> Culprit {
        let n = self.n;
        let slope = self.linearisation.not_finite();
        if let Some(culprit) = Culprit::spoilt(slope, &self.k, n, &[&self.stage, &self.change]) {
            return culprit;
        }
        worst(n, |i| self.scaled[i] / self.norm.scale(i, self.y[i], self.y[i]))
    }
}

fn subtract<R: Real>(from: &mut [R], what: &[R]) {
    from.iter_mut().zip(what).for_each(|(from, what)| *from -= *what);
}
