//! The weak form on test functions of one size: both sides, and what noise does to them.

use super::bump::{Bump, hermite};
use super::cells::{Centre, Lines, overlap};
use super::grid::Points;
use super::smoothed::Smoothed;
use super::terms::{Orders, PdeTerm, Weak};
use super::{FieldRun, Fields, MOST_ORDER, SIZES};
use crate::regression::mirror;

/// Half widths of test functions, in points along every coordinate of space and in times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) x: usize,
    pub(super) t: usize,
}

/// How many of [`SIZES`] are tried along a coordinate of space and in time, in one dimension and in more: cells are products.
const TRIED: [[usize; 2]; 2] = [[6, 6], [3, 4]];

impl Sizes {
    /// Every pair of sizes that fits the fields several times.
    pub(super) fn tried(fields: &Fields) -> Vec<Self> {
        let points = fields.space.iter().map(Points::len).min().unwrap_or(0);
        let [space, time] = TRIED[usize::from(fields.dimension() > 1)];
        let along = |extent: usize, most: usize| {
            let sizes = SIZES.into_iter().take(most);
            sizes.filter(move |size| *size == SIZES[0] || 3 * *size <= extent).collect::<Vec<_>>()
        };
        let times = along(fields.times(), time);
        along(points, space).into_iter().flat_map(|x| times.iter().map(move |&t| Self { x, t })).collect()
    }

    /// Along time, then along every coordinate of space.
    fn along(self, dimension: usize) -> Vec<usize> {
        std::iter::once(self.t).chain(std::iter::repeat_n(self.x, dimension)).collect()
    }
}

/// The most test functions, in one dimension and in more: their covariance is a full matrix.
const MOST_PATCHES: [usize; 2] = [420, 260];

/// Fewer test functions than this do not tell the terms of a library apart.
const FEW_PATCHES: usize = 60;

/// Test functions on fields, with the weak form of every term.
pub(super) struct Patches<'a> {
    fields: &'a Fields,
    sigma: &'a [f64],
    pub(super) sizes: Sizes,
    /// Along time, then along every coordinate of space.
    halves: Vec<usize>,
    centres: Vec<Centre>,
    bump: Bump,
    /// `[patches, terms]`.
    pub(super) features: Vec<f64>,
    /// `[fields][patches]`: `-∫∫ ψ_t u`.
    pub(super) rates: Vec<Vec<f64>>,
    terms: usize,
}

impl<'a> Patches<'a> {
    pub(super) fn new(fields: &'a Fields, terms: &[PdeTerm], sigma: &'a [f64], sizes: Sizes) -> Self {
        let mut patches = Self {
            fields,
            sigma,
            sizes,
            halves: sizes.along(fields.dimension()),
            centres: centres(fields, sizes),
            bump: Bump::new(MOST_ORDER),
            features: Vec::new(),
            rates: Vec::new(),
            terms: terms.len(),
        };
        let smooth = Smoothed::new(fields, sigma, terms.iter().flat_map(PdeTerm::smooth_factors));
        let mut features = vec![0.0; patches.len() * terms.len()];
        for (k, term) in terms.iter().enumerate() {
            let (orders, values) = patches.values(term, &smooth);
            let column = patches.project(&values, 0, orders);
            column.iter().enumerate().for_each(|(row, v)| features[row * terms.len() + k] = *v);
        }
        patches.features = features;
        patches.rates = (0..fields.names.len())
            .map(|field| {
                let values: Vec<Vec<f64>> = fields.runs.iter().map(|run| run.values[field].clone()).collect();
                patches.project(&values, 1, Orders::default()).iter().map(|v| -v).collect()
            })
            .collect();
        patches
    }

    pub(super) fn len(&self) -> usize {
        self.centres.len()
    }

    /// What the test function, derived so often in space, is to be multiplied with: `[runs][times, points]`.
    fn values(&self, term: &PdeTerm, smooth: &Smoothed) -> (Orders, Vec<Vec<f64>>) {
        let runs = self.fields.runs.iter();
        match term.weak() {
            Weak::Conservative { orders, factor, exponents } => {
                let of_run = |run: &FieldRun| {
                    let at = |i: usize| {
                        let powers =
                            exponents.iter().enumerate().map(|(f, &k)| hermite(k, run.values[f][i], self.sigma[f]));
                        factor * powers.product::<f64>()
                    };
                    (0..run.values[0].len()).map(at).collect()
                };
                (orders, runs.map(of_run).collect())
            }
            Weak::Direct => {
                let factors = term.smooth_powers();
                let of_run = |(index, run): (usize, &FieldRun)| {
                    let power = |i: usize, &(f, orders, k): &(usize, Orders, usize)| {
                        smooth.of(f, orders, index)[i].powi(k as i32)
                    };
                    let at = |i: usize| factors.iter().map(|factor| power(i, factor)).product();
                    (0..run.values[0].len()).map(at).collect()
                };
                (Orders::default(), runs.enumerate().map(of_run).collect())
            }
        }
    }

    /// `∫∫ (∂ᵒʳᵈᵉʳˢ ∂ₜᵇ ψ) values` for every test function.
    fn project(&self, values: &[Vec<f64>], b: usize, orders: Orders) -> Vec<f64> {
        self.centres.iter().map(|centre| self.lines(centre, b, orders).sum(&values[centre.run])).collect()
    }

    /// The cells under a test function with the weights of its derivative and of the quadrature.
    fn lines(&self, centre: &Centre, b: usize, orders: Orders) -> Lines {
        let axes = &self.fields.runs[centre.run].axes;
        let orders = std::iter::once(b).chain(orders);
        let weighted: Vec<Vec<(usize, f64)>> = axes
            .iter()
            .zip(orders)
            .enumerate()
            .map(|(axis, (points, order))| self.along(points, centre.at[axis], self.halves[axis], order))
            .collect();
        Lines::new(axes, &weighted)
    }

    /// Points along an axis with the weights of a derivative of the bump and of the quadrature.
    fn along(&self, points: &Points, centre: usize, size: usize, derivative: usize) -> Vec<(usize, f64)> {
        let (first, last) = (centre as isize - size as isize, centre as isize + size as isize);
        let (start, end) = (points.coordinate(first), points.coordinate(last));
        let (middle, half) = (0.5 * (start + end), 0.5 * (end - start));
        let scale = half.powi(derivative as i32);
        (first + 1..last)
            .map(|k| {
                let (place, s) = (points.place(k), (points.coordinate(k) - middle) / half);
                (place, points.weight(place) / scale * self.bump.at(derivative, s))
            })
            .collect()
    }

    /// The covariance of `rates - features θ` of an equation under white noise, `[patches, patches]`.
    pub(super) fn covariance(&self, terms: &[PdeTerm], equation: usize, theta: &[f64]) -> Vec<f64> {
        let count = self.len();
        let mut covariance = vec![0.0; count * count];
        for (field, sigma) in self.sigma.iter().enumerate() {
            let influence: Vec<Vec<f64>> =
                self.centres.iter().map(|centre| self.influence(centre, field, terms, equation, theta)).collect();
            for i in 0..count {
                for j in 0..=i {
                    let axes = &self.fields.runs[self.centres[i].run].axes;
                    let pair = [&self.centres[i], &self.centres[j]];
                    let sum = overlap(axes, &self.halves, pair, [&influence[i], &influence[j]]);
                    covariance[i * count + j] += sigma * sigma * sum;
                }
            }
        }
        mirror(&mut covariance, count);
        covariance
    }

    /// `∂(rate - features θ)/∂u` of a field at the cells of a test function.
    fn influence(&self, centre: &Centre, field: usize, terms: &[PdeTerm], equation: usize, theta: &[f64]) -> Vec<f64> {
        let run = &self.fields.runs[centre.run];
        let mut influence = vec![0.0; self.halves.iter().map(|half| 2 * half - 1).product()];
        if field == equation {
            let derived = self.lines(centre, 1, Orders::default());
            influence.iter_mut().zip(derived.cells()).for_each(|(v, (_, weight))| *v -= weight);
        }
        for (term, &c) in terms.iter().zip(theta).filter(|(_, c)| **c != 0.0) {
            // What noise does to the few terms of the smoothed field is left out.
            let Weak::Conservative { orders, factor, exponents } = term.weak() else { continue };
            if exponents[field] == 0 {
                continue;
            }
            for (v, (at, weight)) in influence.iter_mut().zip(self.lines(centre, 0, orders).cells()) {
                let slope: f64 = exponents
                    .iter()
                    .enumerate()
                    .map(|(f, &k)| {
                        let u = run.values[f][at];
                        if f == field { k as f64 * u.powi(k as i32 - 1) } else { u.powi(k as i32) }
                    })
                    .product();
                *v -= c * factor * weight * slope;
            }
        }
        influence
    }

    /// Number of terms.
    pub(super) fn terms(&self) -> usize {
        self.terms
    }
}

/// Centres so dense that test functions overlap by half or more, and closer together in small fields, no more than [`MOST_PATCHES`].
fn centres(fields: &Fields, sizes: Sizes) -> Vec<Centre> {
    let halves = sizes.along(fields.dimension());
    let most = MOST_PATCHES[usize::from(fields.dimension() > 1)];
    let mut strides: Vec<usize> = halves.iter().map(|half| (half / 2).max(1)).collect();
    let mut centres = centres_at(fields, &halves, &strides);
    while centres.len() < FEW_PATCHES && strides.iter().any(|stride| *stride > 1) {
        strides.iter_mut().for_each(|stride| *stride = stride.div_ceil(2));
        centres = centres_at(fields, &halves, &strides);
    }
    while centres.len() > most {
        // The stride that is shortest beside the test function grows; time first among equals.
        let shortest = |&a: &usize, &b: &usize| (strides[a] * halves[b]).cmp(&(strides[b] * halves[a]));
        let wider = (0..strides.len()).min_by(shortest).expect("time is always there");
        strides[wider] += 1;
        centres = centres_at(fields, &halves, &strides);
    }
    centres
}

fn centres_at(fields: &Fields, halves: &[usize], strides: &[usize]) -> Vec<Centre> {
    let mut centres = Vec::new();
    for (run, field) in fields.runs.iter().enumerate() {
        let mut all: Vec<Vec<usize>> = vec![vec![]];
        for ((points, half), stride) in field.axes.iter().zip(halves).zip(strides) {
            let n = points.len();
            let span = if points.ring.is_some() { 0..n } else { *half..n.saturating_sub(*half) };
            let longer = |head: Vec<usize>| {
                span.clone().step_by(*stride).map(move |k| head.iter().copied().chain([k]).collect())
            };
            all = all.into_iter().flat_map(longer).collect();
        }
        centres.extend(all.into_iter().map(|at| Centre { run, at }));
    }
    centres
}
