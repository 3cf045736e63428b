//! What a template leaves free: `f(x)*g(z)` is the same whatever factor goes from `f` to `g`.
//!
//! Such numbers are told by the Jacobian, whose columns hang together, and one after the other is held at one or zero.

use vecfield_expr::Graph;
use vecfield_optim::LeastSquares;

use super::settle::{Judge, Settling};
use crate::candidate::{Fit, Rows};

/// Of a column of the Jacobian what has to be its own, as a share of its square: rounding leaves less.
const OWN: f64 = 1e-11;
/// What holding a number that is free may cost, as a share.
const NOTHING: f64 = 1e-6;
/// Ways to hold what is free that are gone on with.
const WAYS: usize = 4;
/// Rows by which ways are told apart: what a template leaves free is so at any.
const TELLING: usize = 200;

impl Settling {
    /// Numbers held at one or zero until the rows tell all that are left, in the ways that are shortest.
    pub(super) fn ways_to_hold(mut self, graph: &mut Graph, rows: &Rows, judge: &Judge<'_>) -> Vec<Settling> {
        if !self.leaves_free(graph, rows) {
            return vec![self];
        }
        let few = rows.spread(TELLING);
        self.fit(graph, &few);
        let mut ways = vec![self];
        // One as well as the other leaves as many free.
        while ways[0].leaves_free(graph, &few) {
            let longer = holding_one_more(&ways, (graph, &few), judge);
            if longer.is_empty() {
                break;
            }
            ways = longer;
        }
        ways.iter_mut().for_each(|way| way.fit(graph, rows));
        ways
    }

    /// With the function that a number is of multiplied so that the number has a value, and the other functions by the same, its inverse, or not.
    fn multiplied(&self, number: usize, value: f64) -> Vec<Settling> {
        let (factor, owner) = (value / self.whole.constants[number], self.owners.get(number));
        let by = |others: f64| {
            let mut start = self.clone();
            for i in self.free() {
                start.whole.constants[i] *= match self.owners.get(i) {
                    own if own == owner => factor,
                    Some(_) => others,
                    None => 1.0,
                };
            }
            start
        };
        let factors = [1.0, factor, 1.0 / factor].into_iter().filter(|_| value != 0.0 && factor.is_finite());
        factors.map(by).collect()
    }

    fn holds_the_same(&self, other: &Settling) -> bool {
        let of = |way: &Settling, i: usize| way.held[i].then_some(way.whole.constants[i]);
        (0..self.held.len()).all(|i| of(self, i) == of(other, i))
    }

    /// Is there a number that the others can make up for?
    fn leaves_free(&self, graph: &mut Graph, rows: &Rows) -> bool {
        self.slopes(graph, rows).is_some_and(|columns| hang_together(&columns))
    }

    /// The numbers that the others can make up for.
    fn superfluous(&self, graph: &mut Graph, rows: &Rows) -> Vec<usize> {
        let Some(columns) = self.slopes(graph, rows) else { return Vec::new() };
        let is_told_by_others = |at: usize| {
            let others = columns.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, column)| column.clone());
            depends(&others.collect::<Vec<_>>(), &columns[at])
        };
        let free = self.free();
        (0..free.len()).filter(|&at| is_told_by_others(at)).map(|at| free[at]).collect()
    }

    /// The columns of the Jacobian by the numbers that are not held.
    fn slopes(&self, graph: &mut Graph, rows: &Rows) -> Option<Vec<Vec<f64>>> {
        let (free, n) = (self.free(), rows.y.len());
        let k = free.len();
        let x: Vec<f64> = free.iter().map(|&i| self.whole.constants[i]).collect();
        let (mut residuals, mut jacobian) = (vec![0.0; n], vec![0.0; n * k]);
        Fit::of(graph, &self.whole, rows, &free)?.jacobian(&x, &mut residuals, &mut jacobian).ok()?;
        Some((0..k).map(|i| jacobian.iter().skip(i).step_by(k).copied().collect()).collect())
    }
}

/// Each with one more number held, where the others make up for that; the shortest.
fn holding_one_more(ways: &[Settling], (graph, rows): (&mut Graph, &Rows), judge: &Judge<'_>) -> Vec<Settling> {
    let mut longer: Vec<(f64, Settling)> = Vec::new();
    for way in ways {
        let superfluous = way.superfluous(graph, rows);
        let allowed = way.floor(rows, judge.measure).max(way.cost * (1.0 + NOTHING));
        let mut held = |starts: Vec<Settling>, number: usize, value: f64| {
            let mut tried = starts.into_iter().map(|start| start.with(graph, rows, number, value));
            let other = tried.find(|other| other.cost <= allowed)?;
            let settled = other.written(graph, judge)?;
            Some((settled.length(judge.measure), other))
        };
        for &number in &superfluous {
            let as_it_is = || vec![way.clone()];
            // Near a pole only what is multiplied as a whole leads there; minus one says no more than one.
            let one = held(as_it_is(), number, 1.0)
                .or_else(|| held(way.multiplied(number, 1.0), number, 1.0))
                .or_else(|| held(as_it_is(), number, -1.0));
            let zero = held(as_it_is(), number, 0.0);
            for (length, other) in zero.into_iter().chain(one) {
                if !longer.iter().any(|(_, known)| known.holds_the_same(&other)) {
                    longer.push((length, other));
                }
            }
        }
    }
    longer.sort_by(|a, b| a.0.total_cmp(&b.0));
    longer.into_iter().take(WAYS).map(|(_, way)| way).collect()
}

/// Is one of some columns a sum of others, or nothing?
fn hang_together(columns: &[Vec<f64>]) -> bool {
    (0..columns.len()).any(|at| depends(&columns[..at], &columns[at]))
}

/// Is a column a sum of others, or nothing?
fn depends(others: &[Vec<f64>], column: &[f64]) -> bool {
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(others.len());
    for other in others {
        basis.extend(own_direction(&basis, other));
    }
    own_direction(&basis, column).is_none()
}

/// What a column has beside an orthonormal basis, of length one; `None` if that is nothing but rounding.
fn own_direction(basis: &[Vec<f64>], column: &[f64]) -> Option<Vec<f64>> {
    let square = |column: &[f64]| column.iter().map(|s| s * s).sum::<f64>();
    let mut own = column.to_vec();
    // Twice, so that what is left is at right angles to rounding (Kahan and Parlett).
    for _ in 0..2 {
        for other in basis {
            let share = other.iter().zip(&own).map(|(a, b)| a * b).sum::<f64>();
            own.iter_mut().zip(other).for_each(|(own, other)| *own -= share * other);
        }
    }
    let left = square(&own);
    (left > OWN * square(column)).then(|| own.iter().map(|x| x / left.sqrt()).collect())
}

#[cfg(test)]
mod tests {
    use super::{depends, hang_together};

    #[test]
    fn columns_hang_together_whatever_their_size() {
        let column = |f: fn(f64) -> f64| (0..9).map(|i| f(f64::from(i))).collect::<Vec<f64>>();
        let (one, x, line) = (column(|_| 1.0), column(|x| 1e-9 * x), column(|x| 3e5 * (1.0 - x / 3.0)));
        let square = column(|x| 1e9 * x * x);
        assert!(!hang_together(&[one.clone(), x.clone(), square.clone()]));
        assert!(hang_together(&[one.clone(), x.clone(), line.clone()]));
        assert!(hang_together(&[x.clone(), column(|_| 0.0), one.clone()]));
        // Each of those that hang together depends on the others, and none besides.
        assert!(depends(&[x.clone(), square.clone(), line.clone()], &one));
        assert!(!depends(&[one, x, line], &square));
    }
}
