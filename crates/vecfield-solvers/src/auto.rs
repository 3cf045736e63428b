//! The automatic method: an explicit one suited to the tolerance, and Radau IIA while the problem is stiff.
//!
//! With a mass matrix the implicit method takes every step.
//!
//! **To stiff.** Stability, not accuracy, limits an explicit step where `h|λ|` stays at the edge of the stability region, with
//! `λ` estimated from two evaluations of the field at the same time, for nothing (Shampine; Hairer–Wanner II, IV.2):
//!
//! ```text
//! |λ| ≈ ‖f(t + h, y⁺) - k_s‖ / ‖y⁺ - Y_s‖
//! ```
//!
//! At tight tolerances the error estimate of a method of high order sees the decaying mode well inside the region, and holds
//! the step there: far from its edge it is then the slowness of the solution, whose rate hardly changes over a step, that
//! tells stiffness from accuracy.
//!
//! **Back.** Where `h` times a bound of the Jacobian's eigenvalues stays inside the stability region, the explicit method
//! could take the same steps for less.

use vecfield_traits::{Jacobian, Real};

use crate::any::family;
use crate::erased::AnyFamily;
use crate::explicit::{ExplicitRungeKutta, Strain};
use crate::linear::LinearSolver;
use crate::stepper::{Attempt, Culprit, Evaluator, Formula, Stepper};
use crate::tableau::{TSIT5, Tableau, VERNER_7, VERNER_9};
use crate::{Method, Options, SolveError};

/// Where the edge begins: at tight tolerances Verner 9 settles at 0.91 of its region.
const AT_EDGE: f64 = 0.75;
/// Where a step that hardly changes the rate is held by the decaying mode: Verner 9 at 1e-10 settles at 0.4 of its region on
/// Robertson's problem, where accuracy alone would change the rate by a tenth.
const HELD: f64 = 0.25;
/// A change of rate over a step that accuracy does not ask for, even at 1e-14.
const HARDLY: f64 = 0.01;
/// Explicit steps at the edge of stability before the switch (Hairer–Wanner II, IV.2).
const STIFF_AFTER: u32 = 15;
/// Explicit steps inside it that clear the suspicion.
const CLEARED_AFTER: u32 = 6;
/// While nothing is suspected only one explicit step in so many is looked at.
const LOOK_EVERY: u32 = 4;
/// Implicit steps well inside the explicit method's stability region before the first switch back; doubled each time.
const RELAXED_AFTER: u32 = 8;

/// Components up to which the implicit method is considered for a field that declares no sparsity: its dense matrices then
/// take half a gigabyte.
const LARGEST_DENSE: usize = 4000;

/// Steps an explicit method or [`Radau`](crate::Radau), whichever the problem wants at the time.
///
/// The memory of [`Radau`](crate::Radau), which sees the field behind a pointer, is made at the first switch to it and kept. States of more than 4000 components stay with the
/// explicit method, unless the field declares its sparsity or [`Options::linear`] says how to solve.
#[derive(Debug, Clone)]
pub struct Auto<R: Real> {
    n: usize,
    options: Options<R>,
    explicit: ExplicitRungeKutta<R>,
    stability: R,
    /// Is the implicit method thinkable?
    solvable: bool,
    implicit: Option<AnyFamily<R>>,
    /// Is there a mass matrix, which the implicit method alone can solve with?
    weighted: bool,
    /// Is the step being taken implicit?
    stiff: bool,
    /// Shall the next one be of the other kind?
    switch: bool,
    suspicion: Suspicion,
    /// Implicit steps that an explicit method could have taken.
    relaxed: u32,
    patience: u32,
}

/// How much speaks for a problem being stiff.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Suspicion {
    at_edge: u32,
    inside: u32,
    /// Steps not looked at since the last that was.
    unseen: u32,
}

impl Suspicion {
    /// Looks at an explicit step of a method of this stability, if it is its turn; is the suspicion confirmed?
    #[inline(always)]
    pub(crate) fn see<R: Real>(&mut self, strain: impl FnOnce() -> Strain<R>, stability: R) -> bool {
        if self.at_edge == 0 && self.unseen + 1 < LOOK_EVERY {
            self.unseen += 1;
            return false;
        }
        self.unseen = 0;
        let strain = strain();
        let share = strain.reach / stability;
        if share > R::from_f64(AT_EDGE) || (share > R::from_f64(HELD) && strain.turn < R::from_f64(HARDLY)) {
            (self.at_edge, self.inside) = (self.at_edge + 1, 0);
        } else {
            self.inside += 1;
            if self.inside == CLEARED_AFTER {
                self.at_edge = 0;
            }
        }
        self.confirmed()
    }

    /// Have there been enough steps at the edge?
    pub(crate) fn confirmed(&self) -> bool {
        self.at_edge == STIFF_AFTER
    }
}

impl<R: Real> Auto<R> {
    /// Memory for a state of `n` components.
    ///
    /// # Errors
    ///
    /// Options that cannot be used.
    pub fn new(n: usize, options: &Options<R>) -> Result<Self, SolveError> {
        let (tableau, stability) = suited_to(options);
        Ok(Auto {
            n,
            options: options.clone(),
            explicit: ExplicitRungeKutta::new(tableau, n, options)?,
            stability: R::from_f64(stability),
            solvable: n <= LARGEST_DENSE,
            implicit: None,
            weighted: false,
            stiff: false,
            switch: false,
            suspicion: Suspicion::default(),
            relaxed: 0,
            patience: RELAXED_AFTER,
        })
    }

    /// Goes on for an explicit stepper of the same method that has confirmed the suspicion at `y`: the next step is
    /// implicit.
    pub(crate) fn take_over(&mut self, y: &[R]) {
        (self.stiff, self.switch, self.patience) = (false, true, RELAXED_AFTER);
        // Nobody suspects a field that the implicit method could not solve, or one with a mass.
        (self.solvable, self.weighted) = (true, false);
        self.explicit.stand_at(y);
    }

    fn watch_explicit(&mut self, h: R) {
        let stiff = self.suspicion.see(|| self.explicit.strain(h), self.stability);
        self.switch = stiff && self.solvable;
    }

    fn watch_implicit(&mut self, h: R, bound: R) {
        if h.abs() * bound < R::from_f64(0.5) * self.stability {
            self.relaxed += 1;
        } else {
            self.relaxed = 0;
        }
        self.switch = self.relaxed == self.patience && !self.weighted;
    }

    fn change<F: Jacobian<R>>(&mut self, field: &mut Evaluator<'_, F, R>, t: R) -> Result<(), SolveError> {
        (self.switch, self.suspicion, self.relaxed) = (false, Suspicion::default(), 0);
        if self.stiff {
            if let Some(implicit) = &self.implicit {
                self.explicit.start(field, t, Stepper::<F>::y(implicit))?;
            }
            self.patience = self.patience.saturating_mul(2);
        } else {
            self.implicit_part()?;
            if let Some(implicit) = &mut self.implicit {
                let y = Stepper::<F>::y(&self.explicit);
                implicit.start(field, t, y)?;
            }
        }
        self.stiff = !self.stiff;
        Ok(())
    }

    /// The implicit method, made if it was not yet.
    fn implicit_part(&mut self) -> Result<&mut AnyFamily<R>, SolveError> {
        let implicit = match self.implicit.take() {
            Some(implicit) => implicit,
            None => family(Method::Radau, self.n, &self.options)?,
        };
        Ok(self.implicit.insert(implicit))
    }

    fn implicit(&self) -> Option<&AnyFamily<R>> {
        self.implicit.as_ref().filter(|_| self.stiff)
    }
}

impl<R: Real, F: Jacobian<R>> Stepper<F> for Auto<R> {
    type Scalar = R;

    fn dim(&self) -> usize {
        self.n
    }

    fn start(&mut self, field: &mut Evaluator<'_, F, R>, t: R, y: &[R]) -> Result<(), SolveError> {
        (self.stiff, self.switch) = (false, false);
        (self.suspicion, self.relaxed) = (Suspicion::default(), 0);
        self.patience = RELAXED_AFTER;
        self.solvable = solvable(&*field.field, &self.options);
        self.weighted = field.field.mass().is_some();
        if self.weighted {
            self.stiff = true;
            let implicit = self.implicit_part()?;
            return implicit.start(field, t, y);
        }
        self.explicit.start(field, t, y)
    }

    fn first_step(&mut self, field: &mut Evaluator<'_, F, R>, t: R, span: R) -> R {
        match self.implicit.as_mut().filter(|_| self.stiff) {
            None => self.explicit.first_step(field, t, span),
            Some(implicit) => implicit.first_step(field, t, span),
        }
    }

    fn attempt(&mut self, field: &mut Evaluator<'_, F, R>, t: R, h: R) -> Attempt<R> {
        if self.switch && self.change(field, t).is_err() {
            return Attempt { accepted: false, factor: R::zero() };
        }
        match self.implicit.as_mut().filter(|_| self.stiff) {
            None => {
                let attempt = self.explicit.attempt(field, t, h);
                if attempt.accepted {
                    self.watch_explicit(h);
                }
                attempt
            }
            Some(implicit) => {
                let attempt = implicit.attempt(field, t, h);
                if attempt.accepted
                    && let Some(bound) = Stepper::<F>::spectral_bound(implicit)
                {
                    self.watch_implicit(h, bound);
                }
                attempt
            }
        }
    }

    fn dense(&mut self, field: &mut Evaluator<'_, F, R>, t: R, h: R, theta: R, out: &mut [R]) {
        match self.implicit.as_mut().filter(|_| self.stiff) {
            None => self.explicit.dense(field, t, h, theta, out),
            Some(implicit) => implicit.dense(field, t, h, theta, out),
        }
    }

    fn commit(&mut self) {
        match self.implicit.as_mut().filter(|_| self.stiff) {
            None => Stepper::<F>::commit(&mut self.explicit),
            Some(implicit) => Stepper::<F>::commit(implicit),
        }
    }

    fn y(&self) -> &[R] {
        self.implicit().map_or_else(|| Stepper::<F>::y(&self.explicit), Stepper::<F>::y)
    }

    fn y_new(&self) -> &[R] {
        self.implicit().map_or_else(|| Stepper::<F>::y_new(&self.explicit), Stepper::<F>::y_new)
    }

    fn trace(&self, out: &mut Vec<R>) -> Option<Formula> {
        match self.implicit() {
            None => Stepper::<F>::trace(&self.explicit, out),
            Some(implicit) => Stepper::<F>::trace(implicit, out),
        }
    }

    fn save(&self, out: &mut Vec<R>) -> bool {
        let flag = |set: bool| if set { R::one() } else { R::zero() };
        let count = |n: u32| R::from_f64(f64::from(n));
        out.extend([flag(self.stiff), flag(self.switch)]);
        let Suspicion { at_edge, inside, unseen } = self.suspicion;
        out.extend([at_edge, inside, unseen, self.relaxed, self.patience].map(count));
        match self.implicit() {
            None => Stepper::<F>::save(&self.explicit, out),
            Some(implicit) => Stepper::<F>::save(implicit, out),
        }
    }

    fn restore(&mut self, field: &mut Evaluator<'_, F, R>, saved: &[R]) {
        let (numbers, stepper) = saved.split_at(7);
        let count = |x: R| x.to_f64() as u32;
        (self.stiff, self.switch) = (numbers[0] == R::one(), numbers[1] == R::one());
        self.weighted = field.field.mass().is_some();
        self.suspicion = Suspicion { at_edge: count(numbers[2]), inside: count(numbers[3]), unseen: count(numbers[4]) };
        (self.relaxed, self.patience) = (count(numbers[5]), count(numbers[6]));
        if !self.stiff {
            return self.explicit.restore(field, stepper);
        }
        let new = || family(Method::Radau, self.n, &self.options).expect("options that served before");
        let implicit = self.implicit.get_or_insert_with(new);
        implicit.restore(field, stepper);
    }

    fn culprit(&self) -> Culprit {
        self.implicit().map_or_else(|| Stepper::<F>::culprit(&self.explicit), Stepper::<F>::culprit)
    }
}

/// Is the implicit method thinkable for this field?
pub(crate) fn solvable<R: Real, F: Jacobian<R>>(field: &F, options: &Options<R>) -> bool {
    let structured = field.sparsity().is_some() || options.linear != LinearSolver::Auto;
    structured || field.dim() <= LARGEST_DENSE
}

/// The explicit method that needs the least work for the error it leaves, with its real stability.
///
/// Measured on Pleiades, Kepler, Lorenz, Hodgkin–Huxley and five more: at 1e-3 and below Verner 7 costs as much as Tsitouras 5 and
/// leaves a tenth of its error or less; below 1e-5 Verner 9 is as good as it and DOP853 or better at equal error, from 1e-7 on
/// far better.
pub(crate) fn suited_to<R: Real>(options: &Options<R>) -> (&'static Tableau, f64) {
    let rtol = options.rtol.to_f64();
    let at = if rtol > 1e-3 {
        0
    } else if rtol >= 1e-5 {
        1
    } else {
        2
    };
    EXPLICIT[at]
}

/// By tolerance, each with its [`Tableau::real_stability`], which takes longer than many a solve.
const EXPLICIT: [(&Tableau, f64); 3] = [(&TSIT5, 3.5), (&VERNER_7, 4.625), (&VERNER_9, 4.46875)];

#[cfg(test)]
mod tests {
    use super::EXPLICIT;

    #[test]
    fn stability_intervals_are_those_of_the_tableaux() {
        for (tableau, stability) in EXPLICIT {
            assert_eq!(stability, tableau.real_stability(), "{}", tableau.name);
        }
    }
}
