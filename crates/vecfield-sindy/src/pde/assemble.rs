//! The weak form on test functions of one size: both sides, and what noise does to them.

use super::bump::{Bump, hermite};
use super::terms::{PdeTerm, Weak};
use super::{FieldRun, Fields, MOST_ORDER, SIZES};
use vecfield_linalg::dot;

/// Half widths of test functions, in points and in times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) x: usize,
    pub(super) t: usize,
}

impl Sizes {
    /// Every pair of sizes that fits the fields several times.
    pub(super) fn tried(fields: &Fields) -> Vec<Self> {
        let times = fields.runs.iter().map(|run| run.times.len()).max().unwrap_or(0);
        let fits = |extent: usize| move |size: &usize| *size == SIZES[0] || 3 * *size <= extent;
        let along = |extent: usize| SIZES.into_iter().filter(fits(extent)).collect::<Vec<_>>();
        along(fields.points).into_iter().flat_map(|x| along(times).into_iter().map(move |t| Self { x, t })).collect()
    }
}

/// The most test functions: their covariance is a full matrix.
const MOST_PATCHES: usize = 420;

/// Where a test function stands.
#[derive(Debug, Clone, Copy)]
struct Centre {
    run: usize,
    x: usize,
    t: usize,
}

/// Test functions on fields, with the weak form of every term.
pub(super) struct Patches<'a> {
    fields: &'a Fields,
    sigma: &'a [f64],
    pub(super) sizes: Sizes,
    centres: Vec<Centre>,
    /// Derivatives of the bump along `x`, weights of the quadrature included, `[order][2 mx + 1]`.
    along_x: Vec<Vec<f64>>,
    bump: Bump,
    /// `[patches, terms]`.
    pub(super) features: Vec<f64>,
    /// `[fields][patches]`: `-∫∫ ψ_t u`.
    pub(super) rates: Vec<Vec<f64>>,
    terms: usize,
}

impl<'a> Patches<'a> {
    pub(super) fn new(fields: &'a Fields, terms: &[PdeTerm], sigma: &'a [f64], sizes: Sizes) -> Self {
        let bump = Bump::new(MOST_ORDER);
        let mx = sizes.x as isize;
        let step = fields.grid.step;
        let along_x = (0..=MOST_ORDER)
            .map(|order| {
                let scale = step / (sizes.x as f64 * step).powi(order as i32);
                (-mx..=mx).map(|j| scale * bump.at(order, j as f64 / mx as f64)).collect()
            })
            .collect();
        let mut patches = Self {
            fields,
            sigma,
            sizes,
            centres: centres(fields, sizes),
            along_x,
            bump,
            features: Vec::new(),
            rates: Vec::new(),
            terms: terms.len(),
        };
        let smooth = smoothed(fields, sigma);
        let mut features = vec![0.0; patches.len() * terms.len()];
        for (k, term) in terms.iter().enumerate() {
            let (order, values) = patches.values(term, &smooth);
            let column = patches.project(&values, [order, 0]);
            column.iter().enumerate().for_each(|(row, v)| features[row * terms.len() + k] = *v);
        }
        patches.features = features;
        patches.rates = (0..fields.names.len())
            .map(|field| {
                let values: Vec<Vec<f64>> = fields.runs.iter().map(|run| run.values[field].clone()).collect();
                patches.project(&values, [0, 1]).iter().map(|v| -v).collect()
            })
            .collect();
        patches
    }

    pub(super) fn len(&self) -> usize {
        self.centres.len()
    }

    /// What the test function, derived so often in `x`, is to be multiplied with: `[runs][times, points]`.
    fn values(&self, term: &PdeTerm, smooth: &[Smoothed]) -> (usize, Vec<Vec<f64>>) {
        let runs = self.fields.runs.iter().zip(smooth);
        match term.weak() {
            Weak::Conservative { order, factor, exponents } => {
                let sign = if order % 2 == 0 { factor } else { -factor };
                let of_run = |run: &FieldRun| {
                    let at = |i: usize| {
                        let powers =
                            exponents.iter().enumerate().map(|(f, &k)| hermite(k, run.values[f][i], self.sigma[f]));
                        sign * powers.product::<f64>()
                    };
                    (0..run.values[0].len()).map(at).collect()
                };
                (order, runs.map(|(run, _)| of_run(run)).collect())
            }
            Weak::Direct => {
                let of_run = |run: &FieldRun, smooth: &Smoothed| {
                    let at = |i: usize| {
                        let powers =
                            term.exponents.iter().enumerate().map(|(f, &k)| smooth.derivatives[f][0][i].powi(k as i32));
                        let derived = term
                            .derivative
                            .map_or(1.0, |d| smooth.derivatives[d.field][d.order][i].powi(d.power as i32));
                        powers.product::<f64>() * derived
                    };
                    (0..run.values[0].len()).map(at).collect()
                };
                (0, runs.map(|(run, smooth)| of_run(run, smooth)).collect())
            }
        }
    }

    /// `∫∫ (∂ₓᵃ ∂ₜᵇ ψ) values` for every test function.
    fn project(&self, values: &[Vec<f64>], [a, b]: [usize; 2]) -> Vec<f64> {
        let n = self.fields.points;
        self.centres
            .iter()
            .map(|&centre| {
                let weights = &self.along_x[a];
                let rows = self.rows(centre, b);
                rows.iter()
                    .map(|&(t, weight)| {
                        let row = &values[centre.run][t * n..(t + 1) * n];
                        let sum: f64 = weights.iter().enumerate().map(|(j, w)| w * row[self.column(centre, j)]).sum();
                        weight * sum
                    })
                    .sum()
            })
            .collect()
    }

    fn column(&self, centre: Centre, j: usize) -> usize {
        (centre.x + self.fields.points + j - self.sizes.x) % self.fields.points
    }

    /// Times under a test function with the weights of its derivative in time and of the trapezoidal rule.
    fn rows(&self, centre: Centre, derivative: usize) -> Vec<(usize, f64)> {
        let times = &self.fields.runs[centre.run].times;
        let (first, last) = (centre.t - self.sizes.t, centre.t + self.sizes.t);
        let (middle, half) = (0.5 * (times[first] + times[last]), 0.5 * (times[last] - times[first]));
        (first + 1..last)
            .map(|t| {
                let gap = 0.5 * (times[t + 1] - times[t - 1]);
                (t, gap / half.powi(derivative as i32) * self.bump.at(derivative, (times[t] - middle) / half))
            })
            .collect()
    }

    /// The covariance of `rates - features θ` of an equation under white noise, `[patches, patches]`.
    pub(super) fn covariance(&self, terms: &[PdeTerm], equation: usize, theta: &[f64]) -> Vec<f64> {
        let count = self.len();
        let mut covariance = vec![0.0; count * count];
        for (field, sigma) in self.sigma.iter().enumerate() {
            let influence: Vec<Vec<f64>> =
                self.centres.iter().map(|&centre| self.influence(centre, field, terms, equation, theta)).collect();
            for i in 0..count {
                for j in 0..=i {
                    let sum = self.overlap(&influence, i, j);
                    covariance[i * count + j] += sigma * sigma * sum;
                }
            }
        }
        for i in 0..count {
            for j in 0..i {
                covariance[j * count + i] = covariance[i * count + j];
            }
        }
        covariance
    }

    /// `∂(rate - features θ)/∂u` of a field at the cells of a test function, `[2 mt - 1, 2 mx + 1]`.
    fn influence(&self, centre: Centre, field: usize, terms: &[PdeTerm], equation: usize, theta: &[f64]) -> Vec<f64> {
        let (n, width) = (self.fields.points, 2 * self.sizes.x + 1);
        let run = &self.fields.runs[centre.run];
        let (plain, derived) = (self.rows(centre, 0), self.rows(centre, 1));
        let mut influence = vec![0.0; plain.len() * width];
        if field == equation {
            for (row, (_, weight)) in influence.chunks_exact_mut(width).zip(&derived) {
                row.iter_mut().zip(&self.along_x[0]).for_each(|(v, w)| *v -= weight * w);
            }
        }
        for (term, &c) in terms.iter().zip(theta).filter(|(_, c)| **c != 0.0) {
            // What noise does to the few terms of the smoothed field is left out.
            let Weak::Conservative { order, factor, exponents } = term.weak() else { continue };
            if exponents[field] == 0 {
                continue;
            }
            let scale = c * if order % 2 == 0 { factor } else { -factor };
            for (row, &(t, weight)) in influence.chunks_exact_mut(width).zip(&plain) {
                for (j, v) in row.iter_mut().enumerate() {
                    let at = t * n + self.column(centre, j);
                    let slope: f64 = exponents
                        .iter()
                        .enumerate()
                        .map(|(f, &k)| {
                            let u = run.values[f][at];
                            if f == field { k as f64 * u.powi(k as i32 - 1) } else { u.powi(k as i32) }
                        })
                        .product();
                    *v -= scale * weight * self.along_x[order][j] * slope;
                }
            }
        }
        influence
    }

    /// The product of the influences of two test functions over the cells they share.
    fn overlap(&self, influence: &[Vec<f64>], i: usize, j: usize) -> f64 {
        let (a, b) = (self.centres[i], self.centres[j]);
        let (n, width, height) = (self.fields.points as isize, 2 * self.sizes.x + 1, 2 * self.sizes.t - 1);
        let down = b.t as isize - a.t as isize;
        if a.run != b.run || down.unsigned_abs() >= height {
            return 0.0;
        }
        let mut sum = 0.0;
        // Around a ring two test functions may meet twice.
        let turns: &[isize] = if self.fields.grid.periodic { &[-n, 0, n] } else { &[0] };
        for turn in turns {
            let across = b.x as isize - a.x as isize + turn;
            if across.unsigned_abs() >= width {
                continue;
            }
            let shared = width - across.unsigned_abs();
            let (left, right) = (across.max(0) as usize, (-across).max(0) as usize);
            for row in 0..height - down.unsigned_abs() {
                let (top, bottom) = (row + down.max(0) as usize, row + (-down).max(0) as usize);
                sum += dot(
                    &influence[i][top * width + left..][..shared],
                    &influence[j][bottom * width + right..][..shared],
                );
            }
        }
        sum
    }

    /// Number of terms.
    pub(super) fn terms(&self) -> usize {
        self.terms
    }
}

/// Centres so dense that test functions overlap by half or more, no more than [`MOST_PATCHES`].
fn centres(fields: &Fields, sizes: Sizes) -> Vec<Centre> {
    let span =
        |extent: usize, size: usize, ring: bool| if ring { (0, extent) } else { (size, extent.saturating_sub(size)) };
    let mut stride = [(sizes.x / 2).max(1), (sizes.t / 2).max(1)];
    loop {
        let mut centres = Vec::new();
        for (run, field) in fields.runs.iter().enumerate() {
            let (first_t, last_t) = span(field.times.len(), sizes.t, false);
            let (first_x, last_x) = span(fields.points, sizes.x, fields.grid.periodic);
            for t in (first_t..last_t).step_by(stride[1]) {
                centres.extend((first_x..last_x).step_by(stride[0]).map(|x| Centre { run, x, t }));
            }
        }
        if centres.len() <= MOST_PATCHES {
            return centres;
        }
        let wider = usize::from(stride[1] * sizes.x <= stride[0] * sizes.t);
        stride[wider] += 1;
    }
}

/// A smoothed run: derivatives in `x` of order 0 to [`MOST_ORDER`] per field, `[times, points]`.
struct Smoothed {
    derivatives: Vec<Vec<Vec<f64>>>,
}

/// Local polynomials of degree 6 along `x`, of the half width that leaves the least risk at noise `sigma` (Mallows).
fn smoothed(fields: &Fields, sigma: &[f64]) -> Vec<Smoothed> {
    let kernels: Vec<Kernel> =
        [4, 6, 8, 11, 15].into_iter().filter(|m| 4 * m < fields.points).map(Kernel::new).collect();
    let n = fields.points;
    let best: Vec<usize> = (0..fields.names.len())
        .map(|f| {
            let risk = |kernel: &Kernel| {
                let rows = fields.runs.iter().flat_map(|run| run.values[f].chunks_exact(n));
                let (mut rss, mut rows_count) = (0.0, 0.0);
                for row in rows {
                    rss += (0..n).map(|i| (kernel.at(0, row, i, fields.grid.periodic) - row[i]).powi(2)).sum::<f64>();
                    rows_count += 1.0;
                }
                rss + 2.0 * sigma[f] * sigma[f] * rows_count * n as f64 * kernel.weights[0][kernel.half]
            };
            let risks: Vec<f64> = kernels.iter().map(risk).collect();
            (0..kernels.len()).min_by(|&a, &b| risks[a].total_cmp(&risks[b])).unwrap_or(0)
        })
        .collect();
    fields
        .runs
        .iter()
        .map(|run| {
            let of_field = |f: usize| -> Vec<Vec<f64>> {
                let kernel = &kernels[best[f]];
                (0..=MOST_ORDER)
                    .map(|order| {
                        let scale = fields.grid.step.powi(-(order as i32));
                        let derived = |row: &[f64]| -> Vec<f64> {
                            (0..n).map(|i| scale * kernel.at(order, row, i, fields.grid.periodic)).collect()
                        };
                        run.values[f].chunks_exact(n).flat_map(derived).collect()
                    })
                    .collect()
            };
            Smoothed { derivatives: (0..fields.names.len()).map(of_field).collect() }
        })
        .collect()
}

/// Weights of the derivatives at the middle of a local polynomial of degree 6 on `2 half + 1` points.
struct Kernel {
    half: usize,
    weights: Vec<Vec<f64>>,
}

impl Kernel {
    fn new(half: usize) -> Self {
        Self { half, weights: crate::derivative::local_polynomial(half, 6, MOST_ORDER) }
    }

    /// The derivative at point `i` of a row; at the ends of an interval the row is continued by its last value.
    fn at(&self, order: usize, row: &[f64], i: usize, periodic: bool) -> f64 {
        let n = row.len();
        let value = |j: usize| {
            let at = i as isize + j as isize - self.half as isize;
            if periodic { row[at.rem_euclid(n as isize) as usize] } else { row[at.clamp(0, n as isize - 1) as usize] }
        };
        self.weights[order].iter().enumerate().map(|(j, w)| w * value(j)).sum()
    }
}
