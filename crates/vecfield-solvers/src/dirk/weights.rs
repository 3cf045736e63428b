//! The weights of stages, end and error estimate, ready for the stepper's number.

use vecfield_traits::Real;

use super::tableau::{DirkError, DirkTableau};
use crate::combine::{Term, terms};

/// The rows that weigh the slots of `k`.
#[derive(Debug, Clone)]
pub(super) struct Rows<R> {
    pub(super) implicit: Weights<R>,
    pub(super) additive: Option<Weights<R>>,
    /// Is the field split, and the method a pair?
    pub(super) split: bool,
}

impl<R> Rows<R> {
    pub(super) fn used(&self) -> &Weights<R> {
        match &self.additive {
            Some(additive) if self.split => additive,
            _ => &self.implicit,
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Weights<R> {
    /// One row a stage, without its diagonal.
    pub(super) stages: Vec<Box<[Term<R>]>>,
    pub(super) end: Box<[Term<R>]>,
    pub(super) error: Box<[Term<R>]>,
}

impl<R: Real> Weights<R> {
    pub(super) fn new(tableau: &DirkTableau, explicit: Option<&[&[f64]]>) -> Weights<R> {
        let s = tableau.stages();
        let joined = |implicit: &[f64], explicit: &[f64]| {
            let mut row = implicit.to_vec();
            row.resize(s, 0.0);
            row.extend(explicit);
            terms(&row)
        };
        let both = |weights: &[f64]| joined(weights, if explicit.is_some() { weights } else { &[] });
        let stage = |i: usize| joined(&tableau.a[i][..i], explicit.map_or(&[], |rows| rows[i]));
        Weights {
            stages: (0..s).map(stage).collect(),
            end: both(tableau.a[s - 1]),
            error: match tableau.error {
                DirkError::Embedded { weights, .. } => both(weights),
                DirkError::SecondDifference => Box::default(),
            },
        }
    }
}
