//! Smoothed fields and their derivatives, for terms that are no derivatives of products: local polynomials of degree 6 along each coordinate,
//! of the half width that leaves the least risk (Mallows).

use super::grid::Points;
use super::terms::Orders;
use super::{FieldRun, Fields, MOST_ORDER};
use crate::derivative::{local_polynomial, polynomial_weights};
use std::collections::BTreeMap;

const DEGREE: usize = 6;
const HALVES: [usize; 5] = [4, 6, 8, 11, 15];

/// Derivatives of the smoothed fields, by field and orders: `[runs][times, points]`.
pub(super) struct Smoothed {
    derivatives: BTreeMap<(usize, Orders), Vec<Vec<f64>>>,
}

impl Smoothed {
    /// Those that are asked for, at noise `sigma`.
    pub(super) fn new(fields: &Fields, sigma: &[f64], wanted: impl Iterator<Item = (usize, Orders)>) -> Self {
        let kernels: Vec<Vec<Kernel>> = fields.space.iter().map(Kernel::tried).collect();
        let mut best: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut derivatives = BTreeMap::new();
        for (field, orders) in wanted {
            if derivatives.contains_key(&(field, orders)) {
                continue;
            }
            let best = best.entry(field).or_insert_with(|| {
                (0..kernels.len()).map(|axis| least_risk(fields, field, axis, sigma[field], &kernels[axis])).collect()
            });
            let of_run = |run: &FieldRun| {
                let mut values = run.values[field].clone();
                for (axis, kernels) in kernels.iter().enumerate() {
                    values = kernels[best[axis]].along(run, axis + 1, orders[axis], &values);
                }
                values
            };
            derivatives.insert((field, orders), fields.runs.iter().map(of_run).collect());
        }
        Self { derivatives }
    }

    /// A derivative in a run.
    pub(super) fn of(&self, field: usize, orders: Orders, run: usize) -> &[f64] {
        &self.derivatives[&(field, orders)][run]
    }
}

fn least_risk(fields: &Fields, field: usize, axis: usize, sigma: f64, kernels: &[Kernel]) -> usize {
    let risk = |kernel: &Kernel| {
        let mut risk = 0.0;
        for run in &fields.runs {
            let values = &run.values[field];
            let smooth = kernel.along(run, axis + 1, 0, values);
            risk += smooth.iter().zip(values).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
            risk += 2.0 * sigma * sigma * values.len() as f64 * kernel.own_weight();
        }
        risk
    };
    let risks: Vec<f64> = kernels.iter().map(risk).collect();
    (0..kernels.len()).min_by(|&a, &b| risks[a].total_cmp(&risks[b])).unwrap_or(0)
}

/// Weights of derivatives of a local polynomial on `2 half + 1` points.
struct Kernel<'a> {
    points: &'a Points,
    half: usize,
    /// `[order][point]`, one point for all where they are even.
    weights: Vec<Vec<Vec<f64>>>,
}

impl<'a> Kernel<'a> {
    fn tried(points: &'a Points) -> Vec<Self> {
        HALVES.into_iter().filter(|half| 4 * half < points.len()).map(|half| Self::new(points, half)).collect()
    }

    fn new(points: &'a Points, half: usize) -> Self {
        let weights = match points.step {
            Some(step) => {
                let scaled = local_polynomial(half, DEGREE, MOST_ORDER).into_iter().enumerate();
                let scaled = scaled.map(|(order, w)| w.iter().map(|w| w * step.powi(-(order as i32))).collect());
                scaled.map(|weights| vec![weights]).collect()
            }
            None => {
                let of_point = |i: usize, order: usize| {
                    let first = i.saturating_sub(half).min(points.len() - 2 * half - 1);
                    let nodes = points.at[first..first + 2 * half + 1].iter().map(|x| x - points.at[i]);
                    polynomial_weights(&nodes.collect::<Vec<f64>>(), 0.0, DEGREE, order)
                };
                let of_order = |order: usize| (0..points.len()).map(|i| of_point(i, order)).collect();
                (0..=MOST_ORDER).map(of_order).collect()
            }
        };
        Self { points, half, weights }
    }

    /// What a value weighs in its own smoothed one, mean over points.
    fn own_weight(&self) -> f64 {
        let weights = &self.weights[0];
        if weights.len() == 1 {
            return weights[0][self.half];
        }
        let n = self.points.len();
        let own = |i: usize| weights[i][i - i.saturating_sub(self.half).min(n - 2 * self.half - 1)];
        (0..n).map(own).sum::<f64>() / n as f64
    }

    /// The derivative along an axis of a run. At the ends of an interval of even points a row is continued by its last value; on others the
    /// polynomials are one-sided.
    fn along(&self, run: &FieldRun, axis: usize, order: usize, values: &[f64]) -> Vec<f64> {
        let (n, stride) = (self.points.len() as isize, run.stride(axis));
        let weights = &self.weights[order];
        let mut derived = vec![0.0; values.len()];
        for (at, derived) in derived.iter_mut().enumerate() {
            let i = at / stride % n as usize;
            let row = at - i * stride;
            let weights = if weights.len() == 1 { &weights[0] } else { &weights[i] };
            let first = match self.points.step {
                Some(_) => i as isize - self.half as isize,
                None => i.saturating_sub(self.half).min(n as usize - 2 * self.half - 1) as isize,
            };
            let place = |j: isize| {
                if self.points.ring.is_some() { self.points.place(j) } else { j.clamp(0, n - 1) as usize }
            };
            *derived = weights.iter().zip(first..).map(|(w, j)| w * values[row + place(j) * stride]).sum();
        }
        derived
    }
}
