//! What evolves: `y = a + F (c_0 + Σ c_i f_i) / (1 - Σ d_j h_j)` under a relation. Trees are searched, the numbers before them solved.

use vecfield_kernels::dot;

use super::tree::{Stack, Tree};
use super::vary::Limits;
use crate::features::Features;
use crate::relation::Relation;
use crate::weighted::Intercept;

/// Expressions whose combination is to be the target.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sum {
    pub(crate) relation: Relation,
    /// What multiplies the whole sum.
    pub(crate) factor: Option<Tree>,
    /// The terms of the sum; of a product of powers, its factors.
    pub(crate) terms: Vec<Tree>,
    /// The terms of the denominator beside the one.
    pub(crate) denominator: Vec<Tree>,
}

impl Sum {
    /// Nodes of the formula, as far as they can be told before it is simplified.
    pub(crate) fn size(&self) -> usize {
        let of = |trees: &[Tree]| trees.iter().map(|tree| tree.size() + 1).sum::<usize>();
        let factor = self.factor.as_ref().map_or(0, |factor| factor.size() + 1);
        let quotient = if self.denominator.is_empty() { 0 } else { 2 };
        self.relation.cost() + of(&self.terms) + of(&self.denominator) + factor + quotient
    }

    pub(crate) fn trees(&self) -> impl Iterator<Item = &Tree> {
        self.factor.iter().chain(&self.terms).chain(&self.denominator)
    }

    pub(crate) fn trees_mut(&mut self) -> impl Iterator<Item = &mut Tree> {
        self.factor.iter_mut().chain(&mut self.terms).chain(&mut self.denominator)
    }
}

/// A part of a column that the basis does not have: less is rounding.
const INDEPENDENT: f64 = 1e-10;

/// The sample of rows that sums are solved at, and the memory for it.
#[derive(Debug, Clone)]
pub(crate) struct Bench<'a> {
    pub(crate) features: &'a Features,
    /// Features that can be terms, from the cheapest on.
    pub(crate) terms: Vec<u32>,
    /// The sample, a column for each variable.
    columns: Vec<&'a [f64]>,
    scale: &'a [f64],
    relation: Relation,
    intercept: Intercept,
    /// What the relation makes of the target; the same centred, where there is a number beside the terms.
    target: Vec<f64>,
    centred: Vec<f64>,
    total: f64,
    stack: Stack,
    /// `[columns taken, rows]`: an orthonormal basis of the columns, centred; `R` of `columns = basis R`, a column for each.
    basis: Vec<Vec<f64>>,
    triangle: Vec<Vec<f64>>,
    taken: usize,
    /// Of the linear problem, and of what it was made from: they differ for a quotient.
    residual: Vec<f64>,
    errors: Vec<f64>,
    factor: Vec<f64>,
    scratch: Vec<f64>,
}

impl<'a> Bench<'a> {
    /// `None` if the relation cannot hold for the target.
    /// * `scale`: the roots of the rows' weights.
    pub(crate) fn new(
        features: &'a Features,
        y: &'a [f64],
        scale: &'a [f64],
        relation: Relation,
        limits: &Limits<'_>,
    ) -> Option<Bench<'a>> {
        let target = relation.target(y)?;
        let intercept = limits.units.map_or(Intercept::Free, |units| units.intercept(relation));
        let may_be_term = |&i: &u32| limits.units.is_none_or(|units| units.allow_term(relation, features.unit(i)));
        let terms: Vec<u32> = limits.order.iter().copied().filter(may_be_term).collect();
        let mut centred = target.clone();
        intercept.enter(&mut centred, scale);
        let total = dot(&centred, &centred);
        let rows = y.len();
        (total > 0.0 && total.is_finite()).then(|| Bench {
            features,
            terms,
            columns: (0..limits.variables as u32).map(|i| features.values(i)).collect(),
            scale,
            relation,
            intercept,
            residual: centred.clone(),
            errors: centred.clone(),
            target,
            centred,
            total,
            stack: Stack::default(),
            basis: Vec::new(),
            triangle: Vec::new(),
            taken: 0,
            factor: vec![1.0; rows],
            scratch: vec![0.0; rows],
        })
    }

    /// Solves a sum for its numbers; the share of the target's variance that is left over. `None` where a tree has no values, or
    /// a denominator changes its sign.
    pub(crate) fn solve(&mut self, sum: &Sum) -> Option<f64> {
        self.taken = 0;
        self.residual.copy_from_slice(&self.centred);
        self.factor.fill(1.0);
        let mut scratch = std::mem::take(&mut self.scratch);
        let solved = self.solve_with(sum, &mut scratch);
        self.scratch = scratch;
        solved
    }

    fn solve_with(&mut self, sum: &Sum, scratch: &mut [f64]) -> Option<f64> {
        if let Some(factor) = &sum.factor {
            if !factor.values_into(&self.columns, self.features.largest(), &mut self.stack, scratch) {
                return None;
            }
            self.factor.copy_from_slice(scratch);
            // Beside a sum whose terms make it up it is none of its own.
            self.take(scratch);
        }
        for term in &sum.terms {
            if !(self.column(term, scratch) && self.take(scratch)) {
                return None;
            }
        }
        for term in &sum.denominator {
            if !term.values_into(&self.columns, self.features.largest(), &mut self.stack, scratch) {
                return None;
            }
            scratch.iter_mut().zip(&self.target).for_each(|(x, y)| *x *= y);
            if !self.take(scratch) {
                return None;
            }
        }
        self.errors.copy_from_slice(&self.residual);
        if !sum.denominator.is_empty() {
            self.divide(sum, scratch)?;
        }
        let left = dot(&self.errors, &self.errors);
        left.is_finite().then_some(left / self.total)
    }

    /// The values of a term as they enter the linear problem.
    pub(crate) fn column(&mut self, term: &Tree, out: &mut [f64]) -> bool {
        if !term.values_into(&self.columns, self.features.largest(), &mut self.stack, out) {
            return false;
        }
        self.entered(out)
    }

    /// Turns values of a term into those that enter the linear problem.
    pub(crate) fn entered(&self, out: &mut [f64]) -> bool {
        if self.relation == Relation::Product {
            out.iter_mut().for_each(|x| *x = x.abs().ln());
            return out.iter().all(|x| x.is_finite());
        }
        out.iter_mut().zip(&self.factor).for_each(|(x, factor)| *x *= factor);
        true
    }

    /// Centres a column if there is a number beside it, and puts what is new of it into the basis; false where nothing is.
    fn take(&mut self, column: &[f64]) -> bool {
        let (at, rows) = (self.taken, column.len());
        if self.basis.len() == at {
            self.basis.push(vec![0.0; rows]);
            self.triangle.push(Vec::new());
        }
        let (known, new) = self.basis.split_at_mut(at);
        let q = &mut new[0];
        q.copy_from_slice(column);
        self.intercept.enter(q, self.scale);
        let whole = dot(q, q);
        let triangle = &mut self.triangle[at];
        triangle.clear();
        triangle.resize(at + 1, 0.0);
        let mut own = whole;
        for _ in 0..2 {
            let before = own;
            for (known, entry) in known.iter().zip(triangle.iter_mut()) {
                let along = dot(known, q);
                q.iter_mut().zip(known).for_each(|(q, known)| *q -= along * known);
                *entry += along;
            }
            own = dot(q, q);
            // Once is enough unless most of the column was in the basis (Giraud et al. 2005).
            if own > 0.01 * before {
                break;
            }
        }
        if !own.is_finite() || own <= INDEPENDENT * whole {
            return false;
        }
        let length = own.sqrt();
        q.iter_mut().for_each(|q| *q /= length);
        triangle[at] = length;
        let along = dot(q, &self.residual);
        self.residual.iter_mut().zip(&*q).for_each(|(r, q)| *r -= along * q);
        self.taken += 1;
        true
    }

    /// Turns the errors of the equation multiplied out, which was solved, into those of the quotient: over the denominator.
    fn divide(&mut self, sum: &Sum, scratch: &mut [f64]) -> Option<()> {
        let numbers = self.numbers();
        let mut below = vec![1.0; scratch.len()];
        // The denominator's columns were the last to be taken.
        for (term, number) in sum.denominator.iter().zip(&numbers[self.taken - sum.denominator.len()..]) {
            term.values_into(&self.columns, self.features.largest(), &mut self.stack, scratch);
            below.iter_mut().zip(&*scratch).for_each(|(below, x)| *below -= number * x);
        }
        let one_sign = below.iter().all(|&x| x > 0.0) || below.iter().all(|&x| x < 0.0);
        let size = below.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
        // What is nearly zero everywhere says that the target is itself.
        if !one_sign || size < 1e-6 {
            return None;
        }
        self.errors.iter_mut().zip(&below).for_each(|(r, below)| *r /= below);
        Some(())
    }

    /// The numbers before the columns of the last sum: of its factor if that is a column of its own, its terms and its denominator.
    pub(crate) fn numbers(&self) -> Vec<f64> {
        let k = self.taken;
        let mut numbers: Vec<f64> = self.basis[..k].iter().map(|q| dot(q, &self.centred)).collect();
        for i in (0..k).rev() {
            numbers[i] /= self.triangle[i][i];
            for j in 0..i {
                numbers[j] -= self.triangle[i][j] * numbers[i];
            }
        }
        numbers
    }

    /// The errors of the last sum, row by row.
    pub(crate) fn errors(&self) -> &[f64] {
        &self.errors
    }

    /// By how much a further column would lower what the last sum left, as a share of the target's variance.
    pub(crate) fn gain(&self, column: &mut [f64]) -> f64 {
        self.intercept.enter(column, self.scale);
        let whole = dot(column, column);
        let inside: f64 = self.basis[..self.taken].iter().map(|q| dot(q, column)).map(|x| x * x).sum();
        let own = whole - inside;
        if own.is_nan() || own <= 1e-8 * whole {
            return 0.0;
        }
        let along = dot(&self.residual, column);
        along * along / own / self.total
    }

    pub(crate) fn rows(&self) -> usize {
        self.scale.len()
    }
}
