//! Where the Newton iterations of a stage begin: at the rate of the polynomial through rates known already.

use vecfield_traits::Real;

use super::tableau::DirkTableau;

/// Rates of one step that the polynomial goes through, at most.
const NODES: usize = 3;
/// Nodes closer than this part of the step magnify what the iterations left.
const APART: f64 = 0.05;
/// A step this many times the one before learns nothing from it.
const FAR: f64 = 4.0;

/// Predicts the rate of each stage from those before it and from the beginning of the step before.
#[derive(Debug, Clone)]
pub(super) struct Predictor<R> {
    /// `c_i`.
    times: Vec<R>,
    /// Stages each stage is predicted from.
    nodes: Vec<Vec<usize>>,
    /// When the step before began, in units of this one: negative.
    history: Option<R>,
}

impl<R: Real> Predictor<R> {
    pub(super) fn new(tableau: &DirkTableau) -> Predictor<R> {
        let c = tableau.c;
        let nodes = (0..c.len()).map(|i| {
            let mut near: Vec<usize> = (0..i).collect();
            near.sort_by(|&j, &k| (c[j] - c[i]).abs().total_cmp(&(c[k] - c[i]).abs()));
            let mut chosen: Vec<usize> = Vec::new();
            for j in near {
                if chosen.len() < NODES && chosen.iter().all(|&k| (c[j] - c[k]).abs() > APART) {
                    chosen.push(j);
                }
            }
            chosen
        });
        Predictor { times: c.iter().map(|&c| R::from_f64(c)).collect(), nodes: nodes.collect(), history: None }
    }

    /// Begins a step that is `ratio` times the one before, if there is one.
    pub(super) fn prepare(&mut self, ratio: Option<R>) {
        self.history = ratio.filter(|ratio| *ratio <= R::from_f64(FAR)).map(|ratio| -R::one() / ratio);
    }

    /// Writes `scale` times the predicted rate of stage `i` into `x`; `k` is `[s, n]`, `before` the rate at the beginning
    /// of the step before.
    pub(super) fn predict(&self, i: usize, k: &[R], before: &[R], scale: R, x: &mut [R]) {
        let (n, at) = (x.len(), self.times[i]);
        let nodes = &self.nodes[i];
        let history = self.history.filter(|_| nodes.len() < NODES);
        let weight = |own: R, skip: usize, beyond: Option<R>| {
            let others = nodes.iter().filter(|&&j| j != skip).map(|&j| self.times[j]).chain(beyond);
            others.fold(scale, |product, other| product * (at - other) / (own - other))
        };
        x.fill(R::zero());
        for &j in nodes {
            let weight = weight(self.times[j], j, history);
            for (x, k) in x.iter_mut().zip(&k[j * n..(j + 1) * n]) {
                *x += weight * *k;
            }
        }
        if let Some(begin) = history {
            let weight = weight(begin, usize::MAX, None);
            for (x, k) in x.iter_mut().zip(before) {
                *x += weight * *k;
            }
        }
    }
}
