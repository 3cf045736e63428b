//! Reversible methods: a step back undoes a step to rounding, so that a solve can be run backwards from its end without
//! having been kept. A second state `z` goes along with `y`, and from both ends the pair is found by arithmetic alone.
//!
//! ```text
//! Heun       z⁺ = 2y - z + h f(t, z)                  y⁺ = y + h/2 (f(t, z) + f(t⁺, z⁺))
//! leapfrog   z⁺ = 2 f(t + h/2, y + h/2 z) - z         y⁺ = y + h/2 (z + z⁺)               z ≈ dy/dt
//! coupled    y⁺ = Φ_h(t, z) + λ (y - z)               z⁺ = z + y⁺ - Φ_{-h}(t⁺, y⁺)
//! ```
//!
//! The first is Kidger, Foster, Li and Lyons 2021, the second Mutze 2013 and Zhuang et al. 2021, the third McCallum and Foster 2024
//! (eq. (4)): it makes any method `Φ` reversible, at its own order. The first two are stable only where nothing decays:
//! `z` is a parasite that grows as fast as what it accompanies shrinks. With `λ < 1` the third forgets it a little in every step; the
//! step back then enlarges rounding by `1/λ`. A solve that controls its error therefore begins anew with `z = y` wherever the two have
//! parted by more than the tolerance ([`joined`](Reversible::joined)): on the way back those places have to be known, and a problem
//! that forgets its beginning has the more of them.
//!
//! **Architecture invariant:** a method is a `const` and one line in [`ALL`]. *Why:* it is then tested and listed by what
//! exists. *Checked by* `tests/it/reversible.rs`, which runs over [`ALL`].

mod methods;

use vecfield_traits::{Real, Scalar, VectorField};

pub use methods::{
    ALL, ASYNCHRONOUS_LEAPFROG, COUPLING, REVERSIBLE_BOGACKI_SHAMPINE_3, REVERSIBLE_DOP853,
    REVERSIBLE_DORMAND_PRINCE_5, REVERSIBLE_HEUN, REVERSIBLE_MIDPOINT, REVERSIBLE_RK4, REVERSIBLE_TSIT5,
    ReversibleMethod, Scheme,
};

use crate::bootstrap::Bootstrap;
use crate::controller::Controller;
use crate::explicit::ExplicitRungeKutta;
use crate::norm::Norm;
use crate::options::Options;
use crate::stepper::{Attempt, Culprit, Evaluator, Formula, Stepper, first_not_finite};
use crate::{Integrator, SolveError, initial};

/// Steps any [`ReversibleMethod`] over any [`Scalar`], forth and back.
///
/// ```
/// use vecfield_solvers::reversible::{REVERSIBLE_TSIT5, Reversible};
/// use vecfield_solvers::stepper::{Evaluator, Stepper};
/// use vecfield_solvers::{Options, field};
///
/// let mut oscillator = field(2, |_t, y: &[f64], dy: &mut [f64]| (dy[0], dy[1]) = (y[1], -y[0]));
/// let (mut work, h) = ((), 0.1);
/// let mut field = Evaluator::new(&mut oscillator, &mut work);
/// let mut stepper = Reversible::new(&REVERSIBLE_TSIT5, 2, &Options::fixed(h))?;
/// stepper.start(&mut field, 0.0, &[1.0, 0.0])?;
/// for step in 0..100 {
///     stepper.step(&mut field, f64::from(step) * h, h);
/// }
/// for step in (0..100).rev() {
///     stepper.step_back(&mut field, f64::from(step) * h, h);
/// }
/// let (y, _) = stepper.state();
/// assert!((y[0] - 1.0).abs() < 1e-14 && y[1].abs() < 1e-14);
/// # Ok::<(), vecfield_solvers::SolveError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Reversible<S: Scalar> {
    method: &'static ReversibleMethod,
    norm: Norm<S::Real>,
    controller: Controller<S::Real>,
    fixed: bool,
    y: Vec<S>,
    z: Vec<S>,
    /// Does the pair begin anew here?
    joined: bool,
    y_new: Vec<S>,
    z_new: Vec<S>,
    memory: Memory<S>,
    dense: Bootstrap<S>,
}

/// What a scheme needs besides the two states.
#[derive(Debug, Clone)]
enum Memory<S: Scalar> {
    /// The field at `(t, z)`, and whether it is known; the field at the end.
    Heun { rate: Vec<S>, known: bool, rate_new: Vec<S> },
    /// The state in the middle, and the field there.
    Leapfrog { middle: Vec<S>, rate: Vec<S> },
    /// `Φ_h` from `z`, of which `begun` says that its first stage is known, and `Φ_{-h}` from `y⁺`.
    Coupled { forth: Box<ExplicitRungeKutta<S>>, begun: bool, back: Box<ExplicitRungeKutta<S>> },
}

impl<S: Scalar> Reversible<S> {
    /// Memory for a state of `n` components.
    ///
    /// # Errors
    ///
    /// [`SolveError::StepRequired`] if the method cannot choose its steps and `options` give none; any error of the
    /// options themselves.
    pub fn new(method: &'static ReversibleMethod, n: usize, options: &Options<S::Real>) -> Result<Self, SolveError> {
        options.validate(n)?;
        if !method.adaptive() && options.step.is_none() {
            return Err(SolveError::StepRequired { method: method.name });
        }
        let vector = || vec![S::zero(); n];
        let memory = match method.scheme {
            Scheme::Heun => Memory::Heun { rate: vector(), known: false, rate_new: vector() },
            Scheme::Leapfrog => Memory::Leapfrog { middle: vector(), rate: vector() },
            Scheme::Coupled(tableau) => Memory::Coupled {
                forth: Box::new(ExplicitRungeKutta::new(tableau, n, options)?),
                begun: false,
                back: Box::new(ExplicitRungeKutta::new(tableau, n, options)?),
            },
        };
        Ok(Reversible {
            method,
            norm: Norm::new(options, n),
            // Both estimates are those of Euler's method.
            controller: Controller::new(&options.controller, 2),
            fixed: options.step.is_some(),
            y: vector(),
            z: vector(),
            joined: false,
            y_new: vector(),
            z_new: vector(),
            memory,
            dense: Bootstrap::new(n, 4),
        })
    }

    /// The method.
    pub fn method(&self) -> &'static ReversibleMethod {
        self.method
    }

    /// `y` and `z`, `[n]` each: all that a step depends on.
    pub fn state(&self) -> (&[S], &[S]) {
        (&self.y, &self.z)
    }

    /// Was `z` found from `y` alone, at the start or because the two had parted? No step back leads beyond this place.
    pub fn joined(&self) -> bool {
        self.joined
    }

    /// How far `y` is from `other`, in units of the tolerance.
    ///
    /// # Panics
    ///
    /// If `other` is too short.
    pub fn distance(&self, other: &[S]) -> S::Real {
        self.norm.measure(self.y.len(), |i| {
            let (y, other) = (self.y[i].value(), other[i].value());
            (y - other) / self.norm.scale(i, y, other)
        })
    }

    /// Takes up a pair that [`state`](Reversible::state) gave, at any time.
    ///
    /// # Panics
    ///
    /// If a slice does not fit.
    pub fn set_state(&mut self, y: &[S], z: &[S]) {
        self.y.copy_from_slice(y);
        self.z.copy_from_slice(z);
        self.joined = false;
        self.moved();
    }

    /// Goes from `t` to `t + h` without a look at the error.
    pub fn step<F: VectorField<S>>(&mut self, field: &mut Evaluator<'_, F, S>, t: S::Real, h: S::Real) {
        self.advance(field, t, h, false);
        self.turn();
    }

    /// Goes back from `t + h` to `t`: undoes [`step`](Reversible::step) of the same arguments.
    pub fn step_back<F: VectorField<S>>(&mut self, field: &mut Evaluator<'_, F, S>, t: S::Real, h: S::Real) {
        let Reversible { y: y1, z: z1, y_new: y0, z_new: z0, .. } = self;
        let half = h * S::Real::from_f64(0.5);
        match &mut self.memory {
            Memory::Heun { rate, known, rate_new } => {
                if !*known {
                    field.eval(t + h, z1, rate);
                }
                each(z0, |i| y1[i] + y1[i] - z1[i] - rate[i].scale(h));
                field.eval(t, z0, rate_new);
                each(y0, |i| y1[i] - (rate[i] + rate_new[i]).scale(half));
            }
            Memory::Leapfrog { middle, rate } => {
                each(middle, |i| y1[i] - z1[i].scale(half));
                field.eval(t + half, middle, rate);
                each(z0, |i| rate[i] + rate[i] - z1[i]);
                each(y0, |i| middle[i] - z0[i].scale(half));
            }
            Memory::Coupled { forth, back, .. } => {
                back.map(field, t + h, -h, y1);
                let landed = back.landed();
                each(z0, |i| z1[i] - (y1[i] - landed[i]));
                forth.map(field, t, h, z0);
                let landed = forth.landed();
                let rest = S::Real::one() / S::Real::from_f64(COUPLING);
                each(y0, |i| z0[i] + (y1[i] - landed[i]).scale(rest));
            }
        }
        self.turn();
    }

    /// Makes the new pair the present one.
    fn turn(&mut self) {
        core::mem::swap(&mut self.y, &mut self.y_new);
        core::mem::swap(&mut self.z, &mut self.z_new);
        self.joined = false;
        self.moved();
        if let Memory::Heun { rate, known, rate_new } = &mut self.memory {
            core::mem::swap(rate, rate_new);
            *known = true;
        }
    }

    /// Forgets what was known of the pair before.
    fn moved(&mut self) {
        match &mut self.memory {
            Memory::Heun { known, .. } => *known = false,
            Memory::Leapfrog { .. } => {}
            Memory::Coupled { begun, .. } => *begun = false,
        }
    }

    /// The pair at the end of a step, in `y_new` and `z_new`; with `control` the outcome of the error estimate too.
    fn advance<F: VectorField<S>>(
        &mut self,
        field: &mut Evaluator<'_, F, S>,
        t: S::Real,
        h: S::Real,
        control: bool,
    ) -> Attempt<S::Real> {
        let Reversible { y, z, y_new, z_new, .. } = self;
        let half = h * S::Real::from_f64(0.5);
        let passed = Attempt { accepted: true, factor: S::Real::one() };
        match &mut self.memory {
            Memory::Heun { rate, known, rate_new } => {
                if !*known {
                    field.eval(t, z, rate);
                    *known = true;
                }
                each(z_new, |i| y[i] + y[i] - z[i] + rate[i].scale(h));
                field.eval(t + h, z_new, rate_new);
                each(y_new, |i| y[i] + (rate[i] + rate_new[i]).scale(half));
            }
            Memory::Leapfrog { middle, rate } => {
                each(middle, |i| y[i] + z[i].scale(half));
                field.eval(t + half, middle, rate);
                each(z_new, |i| rate[i] + rate[i] - z[i]);
                each(y_new, |i| middle[i] + z_new[i].scale(half));
            }
            Memory::Coupled { forth, begun, back } => {
                let mut outcome = passed;
                if control {
                    if !*begun {
                        forth.place(field, t, z);
                        *begun = true;
                    }
                    outcome = forth.attempt(field, t, h);
                    if !outcome.accepted {
                        return outcome;
                    }
                } else {
                    forth.map(field, t, h, z);
                    *begun = true;
                }
                let landed = forth.landed();
                let kept = S::Real::from_f64(COUPLING);
                each(y_new, |i| landed[i] + (y[i] - z[i]).scale(kept));
                back.map(field, t + h, -h, y_new);
                let landed = back.landed();
                each(z_new, |i| z[i] + (y_new[i] - landed[i]));
                return outcome;
            }
        }
        if control { self.judge(h) } else { passed }
    }

    /// Euler's method in the two of order two: `h/2 (f(t⁺, z⁺) - f(t, z))`, and `h/2 (z⁺ - z)`.
    fn judge(&mut self, h: S::Real) -> Attempt<S::Real> {
        let (before, after) = match &self.memory {
            Memory::Heun { rate, rate_new, .. } => (rate, rate_new),
            _ => (&self.z, &self.z_new),
        };
        let ratio = |i: usize| {
            let change = after[i].value() - before[i].value();
            change / self.norm.scale(i, self.y[i].value(), self.y_new[i].value())
        };
        let size = if h < S::Real::zero() { -h } else { h };
        let error = size * S::Real::from_f64(0.5) * self.norm.measure(self.y.len(), ratio);
        Attempt { accepted: error <= S::Real::one(), factor: self.controller.factor(error) }
    }
}

impl<S: Scalar> Integrator<Reversible<S>, S::Real> {
    /// A reversible method over any number, for states of `n` components.
    ///
    /// # Errors
    ///
    /// As [`Reversible::new`].
    pub fn reversible(
        method: &'static ReversibleMethod,
        n: usize,
        options: &Options<S::Real>,
    ) -> Result<Self, SolveError> {
        Ok(Integrator::with_stepper(Reversible::new(method, n, options)?, options))
    }
}

impl<S: Scalar, F: VectorField<S>> Stepper<F> for Reversible<S> {
    type Scalar = S;

    fn dim(&self) -> usize {
        self.y.len()
    }

    fn start(&mut self, field: &mut Evaluator<'_, F, S>, t: S::Real, y: &[S]) -> Result<(), SolveError> {
        self.y.copy_from_slice(y);
        self.z.copy_from_slice(y);
        self.joined = true;
        self.controller.reset();
        self.dense.restart();
        self.moved();
        let broken = match &mut self.memory {
            Memory::Heun { rate, known, .. } => {
                field.eval(t, y, rate);
                *known = true;
                first_not_finite(rate)
            }
            Memory::Leapfrog { .. } => {
                field.eval(t, y, &mut self.z);
                first_not_finite(&self.z)
            }
            Memory::Coupled { forth, begun, .. } => {
                *begun = true;
                return forth.start(field, t, y);
            }
        };
        match broken {
            Some(component) => Err(SolveError::undefined(component, t)),
            None => Ok(()),
        }
    }

    fn first_step(&mut self, field: &mut Evaluator<'_, F, S>, t: S::Real, span: S::Real) -> S::Real {
        let (stage, rate) = (&mut self.y_new, &mut self.z_new);
        let trial = initial::Trial { stage, rate };
        match &mut self.memory {
            Memory::Heun { rate, .. } => initial::step(field, &self.norm, 2, (t, span), &self.y, rate, trial),
            Memory::Leapfrog { .. } => initial::step(field, &self.norm, 2, (t, span), &self.y, &self.z, trial),
            Memory::Coupled { forth, .. } => forth.first_step(field, t, span),
        }
    }

    fn attempt(&mut self, field: &mut Evaluator<'_, F, S>, t: S::Real, h: S::Real) -> Attempt<S::Real> {
        let outcome = self.advance(field, t, h, !self.fixed);
        if outcome.accepted && [&self.y_new, &self.z_new].into_iter().any(|x| first_not_finite(x).is_some()) {
            return Attempt { accepted: false, factor: S::Real::from_f64(0.2) };
        }
        outcome
    }

    fn dense(&mut self, field: &mut Evaluator<'_, F, S>, t: S::Real, h: S::Real, theta: S::Real, out: &mut [S]) {
        match &mut self.memory {
            Memory::Heun { rate, rate_new, .. } => {
                let known = Some((&rate[..], &rate_new[..]));
                self.dense.at(field, (t, h), (&self.y, &self.y_new), known, theta, out);
            }
            Memory::Leapfrog { .. } => {
                let known = Some((&self.z[..], &self.z_new[..]));
                self.dense.at(field, (t, h), (&self.y, &self.y_new), known, theta, out);
            }
            Memory::Coupled { forth, .. } => {
                // From `z`, as the step goes; what `y` is away from it shrinks to λ of that on the way.
                forth.reach_end(field, t, h);
                forth.dense(field, t, h, theta, out);
                let kept = S::Real::one() - theta * S::Real::from_f64(1.0 - COUPLING);
                for (out, (y, z)) in out.iter_mut().zip(self.y.iter().zip(&self.z)) {
                    *out += (*y - *z).scale(kept);
                }
            }
        }
    }

    fn commit(&mut self) {
        self.turn();
        self.dense.advance();
        // The leapfrog's second state is a velocity.
        let alike = !matches!(self.memory, Memory::Leapfrog { .. });
        if alike && !self.fixed && self.distance(&self.z) > S::Real::one() {
            self.z.copy_from_slice(&self.y);
            self.moved();
            self.joined = true;
        }
    }

    fn y(&self) -> &[S] {
        &self.y
    }

    fn y_new(&self) -> &[S] {
        &self.y_new
    }

    fn trace(&self, out: &mut Vec<S>) -> Option<Formula> {
        out.extend_from_slice(&self.z);
        out.push(if self.joined { S::one() } else { S::zero() });
        Some(Formula::Reversible(self.method))
    }

    fn save(&self, out: &mut Vec<S>) -> bool {
        let flag = |set: bool| if set { S::one() } else { S::zero() };
        out.extend_from_slice(&self.y);
        out.extend_from_slice(&self.z);
        out.push(flag(self.joined));
        out.extend(self.controller.memory().map(S::lift));
        match &self.memory {
            Memory::Heun { rate, known, .. } => {
                out.push(flag(*known));
                out.extend_from_slice(rate);
            }
            Memory::Leapfrog { .. } => {}
            Memory::Coupled { forth, .. } => return Stepper::<F>::save(&**forth, out),
        }
        true
    }

    fn restore(&mut self, field: &mut Evaluator<'_, F, S>, saved: &[S]) {
        let (y, rest) = saved.split_at(self.y.len());
        let (z, rest) = rest.split_at(self.y.len());
        self.y.copy_from_slice(y);
        self.z.copy_from_slice(z);
        self.joined = rest[0] == S::one();
        self.controller.recall([rest[1].value(), rest[2].value(), rest[3].value()]);
        self.dense.restart();
        self.moved();
        match &mut self.memory {
            Memory::Heun { rate, known, .. } => {
                *known = rest[4] == S::one();
                rate.copy_from_slice(&rest[5..]);
            }
            Memory::Leapfrog { .. } => {}
            Memory::Coupled { forth, .. } => forth.restore(field, &rest[4..]),
        }
    }

    fn culprit(&self) -> Culprit {
        let broken = [&self.y_new, &self.z_new].into_iter().find_map(|x| first_not_finite(x));
        match (&self.memory, broken) {
            (_, Some(component)) => Culprit::not_finite(component),
            (Memory::Coupled { forth, .. }, None) => Stepper::<F>::culprit(&**forth),
            _ => Culprit::inaccurate(0),
        }
    }
}

/// `out_i = value(i)`.
#[inline(always)]
fn each<S>(out: &mut [S], value: impl Fn(usize) -> S) {
    for (i, out) in out.iter_mut().enumerate() {
        *out = value(i);
    }
}
