//! The Taylor method: steps along the series of the solution, of an order that follows from the tolerance.
//!
//! ```text
//! y(t + h) ≈ Σ y⁽ᵏ⁾/k! hᵏ,  k ≤ p = ⌈c·ln(1/rtol)⌉ + 1
//! h = min over j = p-1, p of ‖y⁽ʲ⁾/j!‖^(-1/j)
//! ```
//!
//! with norms in units of the tolerance: the last two terms are each as large as what is allowed, and what is left out
//! smaller (Jorba–Zou 2005, "A software package for the numerical integration of ODEs by means of high-order Taylor methods",
//! section 3). That choice looks at the beginning of the step alone. The end is looked at too: the *defect*, by which the
//! slope of the polynomial differs from the field there, is `p + 1` times the first term left out over `h`, and a step
//! whose defect is too large is repeated with a smaller one.
//!
//! The sum of the small and the large is compensated: what the last addition of a step rounds away is added in the next.
//!
//! **Formulas with kinks** (`abs`, `sign`, `min`, `max`) are followed piece by piece: the field says how far the series holds
//! ([`smooth_within`](vecfield_traits::Jacobian::smooth_within)), a step ends just beyond a change of branch, and the next
//! begins on the new one. Where branches change without end, as they do where a solution slides along a discontinuity, the
//! solve stops and says where.

use vecfield_traits::{Elementary, Jacobian, Real, Scalar};

use crate::norm::Norm;
use crate::options::Tolerance;
use crate::stepper::{Attempt, Culprit, Evaluator, Stepper, first_not_finite};
use crate::{Options, SolveError};

/// Orders that are used.
pub(crate) const ORDERS: [u32; 2] = [8, 30];
/// `p` per factor `e` of accuracy. An operation costs `a p + b p²`: with `a = 0` one half is best (Jorba–Zou, section 3.1), with
/// `b = 0` one. Measured on Lorenz, two bodies, van der Pol and Pleiades from 1e-8 to 1e-15: 0.75 takes two thirds of the
/// steps that 0.55 takes, at four fifths of its time.
const ORDER_PER_NEPER: f64 = 0.75;
/// Makes the terms left out, a third of the last one in sum, a tenth of the tolerance.
const SAFETY: f64 = 0.95;
/// A step may be this much longer than the best, so that a last one can be stretched.
const STRETCH: f64 = 1.05;
/// Where a step is refused for reaching past a change of branch, the next is at most this part of it: one that is hardly shorter
/// than what is left of the solve would be stretched to its end again.
const WELL_SHORT: f64 = 0.98;
/// Changes of branch that follow each other at the resolution of time before a solve gives up.
const LONGEST_CHATTER: u32 = 100;
/// Steps up to this multiple of the shortest step over a change of branch count as being at the resolution of time.
const RESOLVED: f64 = 64.0;
/// How much longer than the step before a step may be where nothing is known of the solve's length.
const LARGEST_GROWTH: f64 = 1e3;
/// Where the defect of a step that ends on a change of branch is measured: on the branch that it belongs to.
const BEFORE_KINK: f64 = 0.95;

/// Steps the Taylor series of a field that can write it: `vecfield-expr`'s formulas, and Rust formulas in `vecfield-autodiff`'s
/// `Lifted`.
#[derive(Debug, Clone)]
pub struct Taylor<R: Real> {
    n: usize,
    order: usize,
    norm: Norm<R>,
    fixed: bool,
    now: Point<R>,
    next: Point<R>,
    /// The step from `now` to `next`, as `t` resolves it.
    h: R,
    /// The length of the solve.
    span: R,
    rate: Vec<R>,
    stage: Vec<R>,
    slope: Vec<R>,
    /// How many steps in a row ended on a change of branch at the resolution of time.
    chatter: u32,
    culprit: Culprit,
}

/// A point of the solution and the series there.
#[derive(Debug, Clone)]
struct Point<R> {
    t: R,
    y: Vec<R>,
    /// What rounding left out of `y`.
    low: Vec<R>,
    /// `[order + 1, n]`.
    series: Vec<R>,
    /// The highest order whose coefficients are finite.
    degree: usize,
    /// The step that the last two coefficients suggest.
    best: R,
    /// How far the series is known to hold, and whether it ends there on a change of branch.
    smooth: R,
    ends: bool,
}

impl<R: Real> Taylor<R> {
    /// Memory for a state of `n` components.
    ///
    /// # Errors
    ///
    /// Options that cannot be used.
    pub fn new(n: usize, options: &Options<R>) -> Result<Self, SolveError> {
        options.validate(n)?;
        let order = order_for(options);
        let point = Point {
            t: R::zero(),
            y: vec![R::zero(); n],
            low: vec![R::zero(); n],
            series: vec![R::zero(); (order + 1) * n],
            degree: order,
            best: R::zero(),
            smooth: R::zero(),
            ends: false,
        };
        Ok(Taylor {
            n,
            order,
            norm: Norm::new(options, n),
            fixed: options.step.is_some(),
            next: point.clone(),
            now: point,
            h: R::zero(),
            span: R::INFINITY,
            rate: vec![R::zero(); n],
            stage: vec![R::zero(); n],
            slope: vec![R::zero(); n],
            chatter: 0,
            culprit: Culprit::inaccurate(0),
        })
    }

    /// The order of the series.
    pub fn order(&self) -> usize {
        self.order
    }

    /// `y⁺` of the step `h` from `now`, with what rounding leaves out, and `h` times the slope there.
    fn advance(&mut self, h: R) {
        let Taylor { now, next, stage, slope, .. } = self;
        now.sums(h, stage, slope);
        for i in 0..self.n {
            let (y, term) = (now.y[i], stage[i] + now.low[i]);
            let sum = y + term;
            // Knuth's exact error of a sum.
            let kept = sum - y;
            next.low[i] = (y - (sum - kept)) + (term - kept);
            next.y[i] = sum;
        }
    }

    /// The error of the step `h`, in units of the tolerance, by the defect at `θh`; NaN where anything is not finite.
    fn error_ratio<F: Jacobian<R>>(&mut self, field: &mut Evaluator<'_, F, R>, h: R, theta: R) -> R {
        let (n, s) = (self.n, h * theta);
        let Taylor { now, next, stage, slope, rate, .. } = self;
        if theta == R::one() {
            stage.copy_from_slice(&next.y);
        } else {
            now.sums(s, stage, slope);
            (0..n).for_each(|i| stage[i] = now.y[i] + (stage[i] + now.low[i]));
        }
        field.eval(now.t + s, stage, rate);
        let terms = R::from_f64((now.degree + 1) as f64);
        // The defect grows as the power of the order from there to the end.
        let growth = Elementary::powi(theta, -(now.degree as i32));
        let mut worst = (R::zero(), 0);
        for i in 0..n {
            let (found, expected) = (s * rate[i], slope[i]);
            // What rounding alone can make of it says nothing of the series.
            let rounding = R::from_f64(8.0) * R::EPSILON * (now.y[i].abs() + found.abs() + expected.abs());
            let defect = Elementary::max((found - expected).abs() - rounding, R::zero());
            rate[i] = defect * growth / terms + (found + next.y[i]) * R::zero();
            let ratio = rate[i] / self.norm.scale(i, now.y[i], next.y[i]);
            if ratio > worst.0 {
                worst = (ratio, i);
            }
        }
        self.culprit = match first_not_finite(rate).or_else(|| first_not_finite(&next.y)) {
            Some(component) => Culprit::not_finite(component),
            None => Culprit::inaccurate(worst.1),
        };
        self.norm.of(rate, &next.y)
    }
}

impl<R: Real> Point<R> {
    /// The series at this point; false if the field has none.
    fn expand<F: Jacobian<R>>(&mut self, field: &mut Evaluator<'_, F, R>, norm: &Norm<R>) -> bool {
        let (n, order) = (self.y.len(), self.order());
        (self.smooth, self.ends) = (R::zero(), false);
        if !field.taylor(self.t, &self.y, order, &mut self.series) {
            return false;
        }
        let broken = first_not_finite(&self.series).map_or(order + 1, |at| at / n);
        self.degree = broken.saturating_sub(1);
        self.best = R::INFINITY;
        for j in self.degree.max(2) - 1..=self.degree {
            let term = &self.series[j * n..][..n];
            let size = term
                .iter()
                .enumerate()
                .fold(R::zero(), |size, (i, c)| Elementary::max(size, c.abs() / norm.scale(i, self.y[i], self.y[i])));
            if size > R::zero() {
                let step = Elementary::powf(size, R::from_f64(-1.0 / j as f64)) * R::from_f64(SAFETY);
                self.best = Elementary::min(self.best, step);
            }
        }
        true
    }

    /// The first component whose value or rate is not finite.
    fn first_broken(&self) -> Option<usize> {
        let n = self.y.len();
        first_not_finite(&self.series[..2 * n]).map(|at| at % n)
    }

    /// Looks for changes of branch up to `h`; the series must be the one that the field wrote last.
    fn look<F: Jacobian<R>>(&mut self, field: &Evaluator<'_, F, R>, h: R) {
        self.smooth = field.smooth_within(h).abs();
        self.ends = self.smooth < h.abs();
    }

    /// The longest step: the best one, or just beyond a change of branch.
    fn longest(&self) -> R {
        if self.ends { Elementary::min(self.best, beyond(self.smooth, self.t)) } else { self.best }
    }

    fn order(&self) -> usize {
        (self.series.len() / self.y.len().max(1)).saturating_sub(1)
    }

    /// `Σ c_k sᵏ` and `Σ k c_k sᵏ` over `k ≥ 1`: how far the state moves, and `s` times the slope there.
    fn sums(&self, s: R, sum: &mut [R], slope: &mut [R]) {
        sum.fill(R::zero());
        slope.fill(R::zero());
        let n = self.y.len();
        for k in (1..=self.degree).rev() {
            let (row, number) = (&self.series[k * n..][..n], R::from_f64(k as f64));
            for ((sum, slope), &c) in sum.iter_mut().zip(&mut *slope).zip(row) {
                *sum = (*sum + c) * s;
                *slope = (*slope + c * number) * s;
            }
        }
    }
}

impl<R: Real, F: Jacobian<R>> Stepper<F> for Taylor<R> {
    type Scalar = R;

    fn dim(&self) -> usize {
        self.n
    }

    fn start(&mut self, field: &mut Evaluator<'_, F, R>, t: R, y: &[R]) -> Result<(), SolveError> {
        self.now.t = t;
        self.now.y.copy_from_slice(y);
        self.now.low.fill(R::zero());
        (self.chatter, self.span) = (0, R::INFINITY);
        if !self.now.expand(field, &self.norm) {
            return Err(SolveError::NotOffered {
                method: "taylor",
                needs: "the Taylor series of its solution",
                remedy: "use verner9, or give the field as a formula",
            });
        }
        match self.now.first_broken() {
            Some(component) => Err(SolveError::undefined(component, t)),
            None => Ok(()),
        }
    }

    fn first_step(&mut self, field: &mut Evaluator<'_, F, R>, _t: R, span: R) -> R {
        self.span = span.abs();
        let h = Elementary::min(self.now.best, self.span);
        self.now.look(field, with_sign(h, span));
        Elementary::min(h, self.now.longest())
    }

    fn attempt(&mut self, field: &mut Evaluator<'_, F, R>, t: R, h: R) -> Attempt<R> {
        // The sum `t + h` is rounded, and the state must belong to it.
        let rounded = (t + h) - t;
        let h = if self.fixed || rounded == R::zero() { h } else { rounded };
        (self.h, self.now.t) = (h, t);
        if !self.fixed && !self.now.ends && h.abs() > self.now.smooth {
            self.now.look(field, h);
        }
        let ends = self.now.ends && h.abs() >= self.now.smooth;
        let longest = self.now.longest();
        if !self.fixed && h.abs() > longest * R::from_f64(STRETCH)
            || ends && h.abs() > longest * R::from_f64(1.0 + 1e-9)
        {
            return refuse(Elementary::min(longest / h.abs(), R::from_f64(WELL_SHORT)));
        }
        self.advance(h);
        let error = self.error_ratio(field, h, if ends { R::from_f64(BEFORE_KINK) } else { R::one() });
        let at_resolution = ends && h.abs() <= beyond(R::zero(), t) * R::from_f64(RESOLVED);
        self.chatter = if at_resolution { self.chatter + 1 } else { 0 };
        if self.chatter > LONGEST_CHATTER {
            return refuse(R::zero());
        }
        if error.is_nan() || !(self.fixed || at_resolution || error <= R::one()) {
            return refuse(repeated(error, self.now.degree));
        }
        self.next.t = t + h;
        self.next.expand(field, &self.norm);
        if let Some(component) = self.next.first_broken() {
            self.culprit = Culprit::not_finite(component);
            return refuse(R::from_f64(0.2));
        }
        if self.fixed {
            return Attempt { accepted: true, factor: R::one() };
        }
        // A polynomial would be followed to infinity.
        let farthest = if self.span < R::INFINITY { self.span } else { h.abs() * R::from_f64(LARGEST_GROWTH) };
        let ahead = Elementary::min(self.next.best, farthest);
        self.next.look(field, with_sign(ahead, h));
        Attempt { accepted: true, factor: Elementary::min(ahead, self.next.longest()) / h.abs() }
    }

    fn dense(&mut self, _field: &mut Evaluator<'_, F, R>, _t: R, _h: R, theta: R, out: &mut [R]) {
        self.now.sums(self.h * theta, out, &mut self.slope);
        for (out, (y, low)) in out.iter_mut().zip(self.now.y.iter().zip(&self.now.low)) {
            *out = *y + (*out + *low);
        }
    }

    fn commit(&mut self) {
        core::mem::swap(&mut self.now, &mut self.next);
    }

    fn y(&self) -> &[R] {
        &self.now.y
    }

    fn y_new(&self) -> &[R] {
        &self.next.y
    }

    fn save(&self, out: &mut Vec<R>) -> bool {
        out.push(self.now.t);
        out.push(R::from_f64(f64::from(self.chatter)));
        out.push(self.span);
        out.extend_from_slice(&self.now.y);
        out.extend_from_slice(&self.now.low);
        true
    }

    fn restore(&mut self, field: &mut Evaluator<'_, F, R>, saved: &[R]) {
        let (head, state) = saved.split_at(3);
        let (y, low) = state.split_at(self.n);
        self.now.t = head[0];
        (self.chatter, self.span) = (head[1].to_f64() as u32, head[2]);
        self.now.y.copy_from_slice(y);
        self.now.low.copy_from_slice(low);
        self.now.expand(field, &self.norm);
    }

    fn culprit(&self) -> Culprit {
        self.culprit
    }
}

fn refuse<R>(factor: R) -> Attempt<R> {
    Attempt { accepted: false, factor }
}

/// The order that costs least for the tolerance.
fn order_for<R: Real>(options: &Options<R>) -> usize {
    let smallest = |atol: &[R]| atol.iter().fold(1.0_f64, |least, atol| least.min(atol.to_f64()));
    let tolerance = match (&options.atol, options.rtol.to_f64()) {
        (_, rtol) if rtol > 0.0 => rtol,
        (Tolerance::All(atol), _) => smallest(&[*atol]),
        (Tolerance::Each(atol), _) => smallest(atol),
    };
    let order = (-ORDER_PER_NEPER * tolerance.max(f64::MIN_POSITIVE).ln()).ceil() + 1.0;
    order.clamp(f64::from(ORDERS[0]), f64::from(ORDERS[1])) as usize
}

/// The step to a change of branch, and so much further that the time and the state can tell.
fn beyond<R: Real>(smooth: R, t: R) -> R {
    smooth + R::from_f64(16.0) * R::EPSILON * (smooth + t.abs()) + R::MIN_POSITIVE / R::EPSILON
}

/// The factor to the step that repeats one of this error.
fn repeated<R: Real>(error: R, degree: usize) -> R {
    if !Scalar::is_finite(&error) {
        return R::from_f64(0.2);
    }
    let factor = Elementary::powf(error, R::from_f64(-1.0 / (degree + 1) as f64)) * R::from_f64(0.9);
    Elementary::min(Elementary::max(factor, R::from_f64(0.1)), R::from_f64(0.9))
}

fn with_sign<R: Real>(size: R, sign: R) -> R {
    if sign < R::zero() { -size } else { size }
}
