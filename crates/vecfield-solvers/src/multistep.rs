//! Multistep methods: [`Adams`] for smooth fields that are dear to evaluate, [`Bdf`] for stiff ones.
//!
//! They keep what was seen at earlier steps, of any length, as modified divided differences (Krogh 1974; Shampine–Gordon
//! 1975, ch. 5), and choose the order along with the step. They start by themselves, from order one.

mod adams;
mod bdf;
mod differences;

use crate::radau::Collocation;
use crate::tableau::{Tableau, VERNER_9};

pub use adams::Adams;
pub use bdf::Bdf;

/// The method of the first steps of a fixed size before [`Adams`].
pub const ADAMS_STARTER: &Tableau = &VERNER_9;

/// The method of the first steps of a fixed size before [`Bdf`].
pub const BDF_STARTER: &Collocation = crate::radau::FIFTH;
