//! The orders of [`Radau`], and which of them a step takes (Hairer–Wanner 1999, section 4).

use vecfield_traits::{Elementary, Real};

use super::Radau;
use super::collocation::{RADAU5, RadauTable};
use super::tables::{RADAU9, RADAU13};
use crate::options::Options;

/// The orders a [`Radau`] may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RadauOrder {
    /// Three stages.
    Five,
    /// Five stages.
    Nine,
    /// Seven stages.
    Thirteen,
    /// As the tolerance asks for, and fewer while the Newton iterations hardly converge; fixed steps keep to five.
    Variable,
}

impl RadauOrder {
    /// The method for smooth solutions.
    ///
    /// Measured on Robertson's, HIRES, the Oregonator, the pollution model and van der Pol's: order nine takes less time than
    /// five for the same error from 1e-6 on, order thirteen less than nine from 1e-11 on.
    pub(super) fn highest<R: Real>(self, options: &Options<R>) -> &'static RadauTable {
        let rtol = options.rtol.to_f64();
        match self {
            RadauOrder::Nine => &RADAU9,
            RadauOrder::Thirteen => &RADAU13,
            RadauOrder::Variable if options.step.is_none() && rtol < 3e-11 => &RADAU13,
            RadauOrder::Variable if options.step.is_none() && rtol < 3e-6 => &RADAU9,
            RadauOrder::Five | RadauOrder::Variable => &RADAU5,
        }
    }
}

/// What the choice of the order remembers (after Hairer–Wanner 1999, section 4).
#[derive(Debug, Clone, Copy)]
pub(super) struct Trend<R> {
    /// The speed of convergence of late.
    pub(super) rate: R,
    /// Steps at this order.
    pub(super) steps: u32,
    /// Have iterations failed since the last one?
    pub(super) trouble: bool,
}

impl<R: Real> Trend<R> {
    pub(super) fn fresh() -> Trend<R> {
        Trend { rate: R::zero(), steps: 0, trouble: false }
    }
}

/// Iterations as fast as this can afford more stages.
const FAST: f64 = 0.002;
/// Iterations as slow as this cannot.
const SLOW: f64 = 0.8;
/// Steps at an order before a higher one is tried.
const SETTLED: u32 = 10;

impl<R: Real> Radau<R> {
    /// Goes on with this method.
    pub(super) fn take(&mut self, table: &'static RadauTable) {
        self.table = table;
        self.factored = None;
        self.looseness = if self.fixed { R::one() } else { self.looser[table.stages() / 2 - 1] };
        let rtol = Elementary::max(self.rtol * self.looseness, R::EPSILON);
        // Fixed steps have no tolerance to speak of: the iterations go down to rounding.
        // The basis of more stages magnifies it.
        let magnified = [1.0, 10.0, 100.0][table.stages() / 2 - 1];
        let rounding = R::from_f64(10.0 * magnified) * R::EPSILON / rtol;
        self.floor = R::from_f64(10.0) * rounding;
        let s = table.stages() as f64;
        let wanted = if self.fixed { R::zero() } else { Elementary::powf(rtol, R::from_f64((s - 1.0) / (s + 1.0))) };
        self.kappa = Elementary::min(Elementary::max(rounding, wanted), R::from_f64(0.03));
    }

    /// The method for the step after one of size `h` that was accepted: one with fewer stages where the iterations hardly
    /// converge, then one with more again where they converge so fast that they would bear a longer step.
    pub(super) fn choose_order(&mut self, h: R, iterations: u32, rate: R) -> &'static RadauTable {
        if self.orders != RadauOrder::Variable {
            return self.table;
        }
        let number = R::from_f64;
        let trend = &mut self.trend;
        trend.steps += 1;
        trend.rate = Elementary::min(Elementary::max(rate, trend.rate * number(0.5)), number(10.0));
        let even = self.before.is_some_and(|(before, _)| h < number(1.2) * before && h > number(0.8) * before);
        let up = iterations > 1 && trend.rate <= number(FAST) && even && trend.steps > SETTLED;
        let down = trend.rate >= number(SLOW) || trend.trouble;
        trend.trouble = false;
        match self.table.stages() {
            7 if down => &RADAU9,
            5 if down => &RADAU5,
            5 if up => self.highest,
            3 if up && self.highest.stages() > 3 => &RADAU9,
            _ => self.table,
        }
    }
}
