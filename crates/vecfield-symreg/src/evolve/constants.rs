//! Numbers inside trees by variable projection (Golub and Pereyra 1973): the numbers before trees are solved at every step, so that
//! Levenberg–Marquardt moves the inner ones alone.

use vecfield_optim::{Infeasible, LeastSquares, LevenbergMarquardt, Options};

use super::sum::{Bench, Sum};
use super::tree::Token;

/// Trial steps for one sum.
const STEPS: usize = 8;
/// Numbers that are moved together at the most.
const MOST: usize = 6;

/// Moves the open numbers of a sum downhill; what is left over afterwards, `None` where there is nothing to move.
pub(crate) fn tune(sum: &mut Sum, bench: &mut Bench<'_>) -> Option<f64> {
    let places = open(sum);
    if places.is_empty() || places.len() > MOST {
        return None;
    }
    let mut x: Vec<f64> = places.iter().map(|&(tree, at)| value(sum, tree, at)).collect();
    let options = Options { iterations: STEPS, damping: 1e-2, ..Options::default() };
    let mut problem = Projected { sum: sum.clone(), bench, places: &places };
    LevenbergMarquardt::new(options).minimize(&mut problem, &mut x).ok()?;
    problem.set(&x);
    let moved = problem.sum;
    let left = bench.solve(&moved)?;
    *sum = moved;
    Some(left)
}

/// Which tokens of which trees are open.
fn open(sum: &Sum) -> Vec<(usize, usize)> {
    let of = |(i, tree): (usize, &super::tree::Tree)| {
        (0..tree.size()).filter(|&at| tree.is_open(at)).map(|at| (i, at)).collect::<Vec<_>>()
    };
    sum.trees().enumerate().flat_map(of).collect()
}

fn value(sum: &Sum, tree: usize, at: usize) -> f64 {
    match sum.trees().nth(tree).map(|tree| tree.tokens()[at]) {
        Some(Token::Number(value)) => value,
        _ => unreachable!("open tokens are numbers"),
    }
}

struct Projected<'p, 'a> {
    sum: Sum,
    bench: &'p mut Bench<'a>,
    places: &'p [(usize, usize)],
}

impl Projected<'_, '_> {
    fn set(&mut self, x: &[f64]) {
        for (&(tree, at), &value) in self.places.iter().zip(x) {
            if let Some(tree) = self.sum.trees_mut().nth(tree) {
                tree.set(at, Token::Number(value));
            }
        }
    }
}

impl LeastSquares for Projected<'_, '_> {
    fn parameter_count(&self) -> usize {
        self.places.len()
    }

    fn residual_count(&self) -> usize {
        self.bench.rows()
    }

    fn residuals(&mut self, x: &[f64], r: &mut [f64]) -> Result<(), Infeasible> {
        self.set(x);
        self.bench.solve(&self.sum).ok_or(Infeasible)?;
        r.copy_from_slice(self.bench.errors());
        Ok(())
    }

    /// By differences of the projected residual: with so few rows and numbers they cost less than a derivative that is compiled once.
    fn jacobian(&mut self, x: &[f64], r: &mut [f64], jacobian: &mut [f64]) -> Result<(), Infeasible> {
        self.residuals(x, r)?;
        let (n, mut near) = (x.len(), x.to_vec());
        for j in 0..n {
            let h = 1e-7 * x[j].abs().max(0.1);
            near[j] = x[j] + h;
            self.set(&near);
            self.bench.solve(&self.sum).ok_or(Infeasible)?;
            for (i, (&moved, &here)) in self.bench.errors().iter().zip(&*r).enumerate() {
                jacobian[i * n + j] = (moved - here) / h;
            }
            near[j] = x[j];
        }
        Ok(())
    }
}
