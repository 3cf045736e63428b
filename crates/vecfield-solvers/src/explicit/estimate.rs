//! [`Estimate`]: the error estimate of a tableau, ready for a stepper.

use vecfield_traits::Real;

use crate::combine::{Term, terms};
use crate::tableau::{ErrorEstimate, Tableau};

/// [`ErrorEstimate`], ready for the stepper's number.
#[derive(Debug, Clone)]
pub(crate) enum Estimate<R> {
    None,
    Embedded(Box<[Term<R>]>),
    Pair { higher: Box<[Term<R>]>, lower: Box<[Term<R>]> },
}

impl<R: Real> Estimate<R> {
    /// None where the method has none, or where steps are `fixed`.
    pub(crate) fn new(tableau: &Tableau, fixed: bool) -> Estimate<R> {
        match tableau.error {
            _ if fixed => Estimate::None,
            ErrorEstimate::Fixed => Estimate::None,
            ErrorEstimate::Embedded { weights, .. } => Estimate::Embedded(terms(weights)),
            ErrorEstimate::Pair { higher, lower, .. } => Estimate::Pair { higher: terms(higher), lower: terms(lower) },
        }
    }

    /// The weights that say most of the error, if there are any.
    pub(crate) fn leading(&self) -> Option<&[Term<R>]> {
        match self {
            Estimate::None => None,
            Estimate::Embedded(weights) | Estimate::Pair { higher: weights, .. } => Some(weights),
        }
    }

    /// The square of the error ratio from the sums of squares of each estimate's; NaN as soon as anything is not finite.
    ///
    /// The next step waits for it, so no root is taken, and `h²/n` is ready before the sums are.
    pub(crate) fn squared_ratio(&self, h: R, n: usize, [first, second]: [R; 2]) -> R {
        let share = h * h / R::from_f64(n as f64);
        match self {
            Estimate::None => first,
            Estimate::Embedded(_) => first * share,
            Estimate::Pair { .. } => {
                let joined = first + R::from_f64(0.01) * second;
                if joined == R::zero() { joined } else { share * first * (first / joined) }
            }
        }
    }
}
