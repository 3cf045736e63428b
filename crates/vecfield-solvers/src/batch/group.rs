//! Some of the rows of a batch, put together to be evaluated.

use vecfield_traits::{BatchRows, Real};

use super::BatchWitness;

/// States of some rows, and the rates there.
#[derive(Debug, Clone)]
pub(super) struct Group<R> {
    member: Vec<usize>,
    t: Vec<R>,
    y: Vec<R>,
    pub(super) rates: Vec<R>,
}

impl<R: Real> Group<R> {
    pub(super) fn new() -> Group<R> {
        Group { member: Vec::new(), t: Vec::new(), y: Vec::new(), rates: Vec::new() }
    }

    pub(super) fn clear(&mut self) {
        self.member.clear();
        self.t.clear();
        self.y.clear();
    }

    pub(super) fn push(&mut self, member: usize, t: R, y: impl Iterator<Item = R>) {
        self.member.push(member);
        self.t.push(t);
        self.y.extend(y);
    }

    pub(super) fn eval(&mut self, slot: usize, witness: &mut dyn BatchWitness<R>) {
        self.rates.resize(self.y.len(), R::zero());
        if !self.member.is_empty() {
            witness.eval(slot, BatchRows { member: &self.member, t: &self.t, y: &self.y }, &mut self.rates);
        }
    }
}
