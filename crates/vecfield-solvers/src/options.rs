//! What a caller may ask of a solve: tolerances, steps, bounds.

use vecfield_traits::{Elementary, Real, Scalar};

use crate::SolveError;
use crate::controller::Filter;
use crate::linear::LinearSolver;
use crate::norm::ErrorNorm;

/// Tolerances, step sizes and bounds of a solve.
///
/// A step is accepted when the norm of `error_i / (atol_i + rtol·max(|y_i|, |y⁺_i|))` is at most one.
#[derive(Debug, Clone, PartialEq)]
pub struct Options<R> {
    /// Relative tolerance.
    pub rtol: R,
    /// Absolute tolerance.
    pub atol: Tolerance<R>,
    /// The norm in which errors are measured.
    pub norm: ErrorNorm<R>,
    /// Size of the first step; chosen from the field unless given.
    pub first_step: Option<R>,
    /// Largest step.
    pub max_step: Option<R>,
    /// Bound on the number of steps, accepted and rejected together.
    pub max_steps: u64,
    /// Take steps of exactly this size, without error control; the last one is shortened to hit the end.
    pub step: Option<R>,
    /// A bound of the absolute values of the Jacobian's eigenvalues, which stabilised methods would estimate otherwise.
    pub spectral_radius: Option<R>,
    /// How the error chooses the next step.
    pub controller: Filter,
    /// How the initial values of algebraic components are taken, where the mass matrix is singular.
    pub initial: Initial,
    /// How implicit methods solve their linear systems.
    pub linear: LinearSolver<R>,
    /// Times, ascending, where the field jumps or has a kink in `t`: a step ends there and the method begins anew, so that no
    /// step reaches across. Those outside the interval of a solve do nothing.
    pub discontinuities: Vec<R>,
}

/// An absolute tolerance: one for all components, or one each.
#[derive(Debug, Clone, PartialEq)]
pub enum Tolerance<R> {
    /// The same for all components.
    All(R),
    /// One per component.
    Each(Vec<R>),
}

/// How initial values are taken that algebraic equations determine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Initial {
    /// As guesses, from which consistent values are found; what a differential equation moves stays as given.
    #[default]
    Consistent,
    /// As they are; they must obey the equations to within the tolerance, or no step succeeds.
    AsGiven,
}

impl<R: Real> Options<R> {
    /// Relative and absolute tolerance, the same for all components.
    pub fn tolerances(rtol: R, atol: R) -> Options<R> {
        Options { rtol, atol: Tolerance::All(atol), ..Options::default() }
    }

    /// Steps of exactly `step`.
    pub fn fixed(step: R) -> Options<R> {
        Options { step: Some(step), ..Options::default() }
    }

    /// The first step, where it is not to be looked for.
    pub(crate) fn given_step(&self) -> Option<R> {
        self.step.or(self.first_step)
    }

    /// Says what is wrong with the options for a state of `n` components.
    pub(crate) fn validate(&self, n: usize) -> Result<(), SolveError> {
        let zero = R::zero();
        let bad = |option, value: R, expected| Err(SolveError::BadOption { option, value: value.to_f64(), expected });
        if !(self.rtol >= zero && self.rtol < R::one()) {
            return bad("rtol", self.rtol, "a number from 0 up to below 1");
        }
        let atol = match &self.atol {
            Tolerance::All(atol) => core::slice::from_ref(atol),
            Tolerance::Each(atol) => {
                if atol.len() != n {
                    return Err(SolveError::Dimension { what: "atol", found: atol.len(), expected: n });
                }
                atol
            }
        };
        for &atol in atol {
            if !(atol >= zero && atol.is_finite()) {
                return bad("atol", atol, "a finite number, at least 0");
            }
            if atol == zero && self.rtol == zero {
                return bad("atol", atol, "positive where rtol is 0");
            }
        }
        let positive = [
            ("first_step", self.first_step),
            ("max_step", self.max_step),
            ("step", self.step),
            ("spectral_radius", self.spectral_radius),
        ];
        for (option, value) in positive {
            if let Some(value) = value.filter(|value| !(*value > zero && value.is_finite())) {
                return bad(option, value, "a finite positive number");
            }
        }
        if self.max_steps == 0 {
            return bad("max_steps", zero, "at least 1");
        }
        if let Some(at) = self.discontinuities.iter().find(|at| !Scalar::is_finite(*at)) {
            return bad("discontinuities", *at, "finite times");
        }
        if let Some(pair) = self.discontinuities.windows(2).find(|pair| pair[0] >= pair[1]) {
            return bad("discontinuities", pair[1], "above the one before it");
        }
        self.validate_precision()
    }

    /// A tolerance below rounding asks for steps that no step can satisfy.
    fn validate_precision(&self) -> Result<(), SolveError> {
        let attainable = R::from_f64(4.0) * R::EPSILON;
        if self.step.is_none() && self.rtol > R::zero() && self.rtol < attainable {
            return Err(SolveError::BeyondPrecision { rtol: self.rtol.to_f64(), attainable: attainable.to_f64() });
        }
        Ok(())
    }
}

impl<R: Real> Default for Options<R> {
    fn default() -> Options<R> {
        Options {
            rtol: R::from_f64(1e-6),
            atol: Tolerance::All(R::from_f64(1e-9)),
            norm: ErrorNorm::RootMeanSquare,
            first_step: None,
            max_step: None,
            max_steps: 10_000_000,
            step: None,
            spectral_radius: None,
            controller: Filter::QUICK,
            initial: Initial::Consistent,
            linear: LinearSolver::Auto,
            discontinuities: Vec::new(),
        }
    }
}

/// By how much an estimate of a lower order than the method's may exceed the tolerance so that the method just meets it:
/// `(10³ rtol)^(1-power) / 10³` in place of `rtol` below `10⁻³`. With a third it is what RADAU5 does for an estimate of
/// order three and a method of order five, `rtol^(2/3)/10`.
pub(crate) fn looseness<R: Real>(options: &Options<R>, power: f64) -> R {
    let least = match &options.atol {
        Tolerance::All(atol) => *atol,
        Tolerance::Each(each) => each.iter().fold(R::one(), |least, &atol| Elementary::min(least, atol)),
    };
    // Where atol decides, it is taken relative to a state of size one.
    let tolerance = Elementary::max(options.rtol, Elementary::max(least, R::EPSILON));
    if tolerance >= R::from_f64(1e-3) {
        return R::one();
    }
    Elementary::powf(R::from_f64(1e3) * tolerance, R::from_f64(-power))
}

/// The tolerances that local errors of a method of order `p` must meet for global errors to be proportional to those asked
/// for: a step of `h` errs by `h^(p+1)`, the `1/h` steps over a unit of time by `h^p` together, so it is the `(p+1)/p`-th
/// power that each must meet. Of high orders one hardly sees it, of order one and two one does.
///
/// Below a thirtieth of the tolerance it stays at that.
pub(crate) fn proportional<R: Real>(options: &Options<R>, order: u32) -> Options<R> {
    let power = R::one() / R::from_f64(f64::from(order));
    let by = Elementary::powf(Elementary::min(R::from_f64(10.0) * options.rtol, R::one()), power);
    // No further, for steps of order one would be too many to take.
    let by = if options.rtol > R::zero() { Elementary::max(by, R::from_f64(0.03)) } else { R::one() };
    let atol = match &options.atol {
        Tolerance::All(atol) => Tolerance::All(*atol * by),
        Tolerance::Each(each) => Tolerance::Each(each.iter().map(|atol| *atol * by).collect()),
    };
    Options { rtol: options.rtol * by, atol, ..options.clone() }
}
