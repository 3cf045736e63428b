//! Quadratic functions under linear relations: `min θᵀMθ - 2hᵀθ` on a support, with `Eθ = e` and `Aθ ≤ b`.
//!
//! Equalities are solved once, `θ = θ₀ + N z` with orthonormal `N`; what remains is free in `z`. Inequalities enter through their multipliers,
//! a quadratic problem with signs (Lawson and Hanson 1974, ch. 23); those that hold as equalities then join them.

use crate::regression::Equilibrated;
use vecfield_linalg::{Qr, axpy, dot};

/// `Σ weight θ = value`, or `≤ value`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// Coefficient and weight.
    pub(crate) parts: Vec<(usize, f64)>,
    pub(crate) value: f64,
}

impl Row {
    fn at(&self, theta: &[f64]) -> f64 {
        self.parts.iter().map(|&(k, weight)| weight * theta[k]).sum::<f64>() - self.value
    }

    /// The weight of a coefficient.
    fn weight(&self, coefficient: usize) -> f64 {
        self.parts.iter().find(|part| part.0 == coefficient).map_or(0.0, |part| part.1)
    }

    /// What rounding leaves of it.
    fn tolerance(&self, theta: &[f64]) -> f64 {
        1e-8 * (self.value.abs() + self.parts.iter().map(|&(k, weight)| (weight * theta[k]).abs()).sum::<f64>()) + 1e-14
    }
}

/// Linear relations between the coefficients of all equations.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Relations {
    pub(crate) equalities: Vec<Row>,
    /// `≤`.
    pub(crate) inequalities: Vec<Row>,
}

/// The coefficients of a support that satisfy the equalities: `θ_A = origin + basis z`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Flat {
    pub(crate) origin: Vec<f64>,
    /// Orthonormal columns, `[k, free]`.
    pub(crate) basis: Vec<f64>,
    pub(crate) free: usize,
}

/// The least value of a quadratic function under relations.
#[derive(Debug, Clone)]
pub(crate) struct Minimum {
    /// All coefficients, zero off the support.
    pub(crate) theta: Vec<f64>,
    /// `θᵀMθ - 2hᵀθ`.
    pub(crate) value: f64,
    /// Where the equalities hold, and the inequalities that hold as such.
    pub(crate) flat: Flat,
}

impl Flat {
    /// `Nᵀ v`.
    pub(crate) fn project(&self, v: &[f64]) -> Vec<f64> {
        let mut z = vec![0.0; self.free];
        v.iter().enumerate().for_each(|(i, &v)| axpy(v, &self.basis[i * self.free..(i + 1) * self.free], &mut z));
        z
    }

    /// `N z`.
    pub(crate) fn expand(&self, z: &[f64]) -> Vec<f64> {
        (0..self.origin.len()).map(|i| dot(&self.basis[i * self.free..(i + 1) * self.free], z)).collect()
    }

    /// The nearest point of the flat.
    pub(crate) fn nearest(&self, theta: &[f64]) -> Vec<f64> {
        let off: Vec<f64> = theta.iter().zip(&self.origin).map(|(t, o)| t - o).collect();
        let inside = self.expand(&self.project(&off));
        inside.iter().zip(&self.origin).map(|(a, o)| a + o).collect()
    }

    /// `NᵀMN` of a symmetric `M`.
    pub(crate) fn reduce(&self, m: &[f64]) -> Vec<f64> {
        let (k, f) = (self.origin.len(), self.free);
        let mut half = vec![0.0; k * f];
        for i in 0..k {
            for j in 0..k {
                let entry = m[i * k + j];
                if entry != 0.0 {
                    axpy(entry, &self.basis[j * f..(j + 1) * f], &mut half[i * f..(i + 1) * f]);
                }
            }
        }
        let mut reduced = vec![0.0; f * f];
        for i in 0..k {
            for a in 0..f {
                axpy(self.basis[i * f + a], &half[i * f..(i + 1) * f], &mut reduced[a * f..(a + 1) * f]);
            }
        }
        reduced
    }

    /// The diagonal of `N (NᵀMN)⁻¹ Nᵀ`.
    pub(crate) fn variances(&self, m: &[f64]) -> Option<Vec<f64>> {
        let f = self.free;
        let factor = Equilibrated::new(&self.reduce(m), f)?;
        Some((0..self.origin.len()).map(|i| factor.form(&self.basis[i * f..(i + 1) * f])).collect())
    }
}

impl Relations {
    pub(crate) fn is_empty(&self) -> bool {
        self.equalities.is_empty() && self.inequalities.is_empty()
    }

    /// The same for coefficients in units: `θ = unit · θ'`.
    pub(crate) fn in_units(&self, unit: &[f64]) -> Self {
        let of = |rows: &[Row]| {
            rows.iter()
                .map(|row| Row { parts: row.parts.iter().map(|&(k, w)| (k, w * unit[k])).collect(), value: row.value })
                .collect()
        };
        Self { equalities: of(&self.equalities), inequalities: of(&self.inequalities) }
    }

    /// Coefficients that cannot all be zero.
    pub(crate) fn required(&self) -> impl Iterator<Item = usize> + '_ {
        let never_zero = self.equalities.iter().filter(|row| row.value != 0.0);
        never_zero
            .chain(self.inequalities.iter().filter(|row| row.value < 0.0))
            .flat_map(|row| row.parts.iter().map(|part| part.0))
    }

    /// Coefficients that are multiples of each other: alone each would be zero.
    pub(crate) fn multiples(&self) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for row in self.equalities.iter().filter(|row| row.parts.len() == 2 && row.value == 0.0) {
            let mut members: Vec<usize> = row.parts.iter().map(|part| part.0).collect();
            let (near, rest): (Vec<Vec<usize>>, _) =
                groups.into_iter().partition(|group| group.iter().any(|k| members.contains(k)));
            groups = rest;
            members.extend(near.into_iter().flatten());
            members.sort_unstable();
            members.dedup();
            groups.push(members);
        }
        groups.sort_unstable();
        groups
    }

    /// Pairs of coefficients that another equality ties.
    pub(crate) fn pairs(&self) -> Vec<Vec<usize>> {
        let mut pairs = Vec::new();
        for row in self.equalities.iter().filter(|row| row.parts.len() > 2 || row.parts.len() == 2 && row.value != 0.0)
        {
            for (a, first) in row.parts.iter().enumerate() {
                pairs.extend(row.parts[..a].iter().map(|second| vec![second.0, first.0]));
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }

    /// Where the equalities hold on a support, with some inequalities as equalities; `None` where they cannot.
    pub(crate) fn flat(&self, support: &[usize], active: &[usize]) -> Option<Flat> {
        let k = support.len();
        let rows: Vec<&Row> = self.equalities.iter().chain(active.iter().map(|&at| &self.inequalities[at])).collect();
        let table: Vec<(Vec<f64>, f64)> =
            (rows.iter().map(|row| (support.iter().map(|&i| row.weight(i)).collect::<Vec<_>>(), row.value)))
                .filter(|(weights, value)| *value != 0.0 || weights.iter().any(|w| *w != 0.0))
                .collect();
        let m = table.len();
        if m == 0 || k == 0 {
            let basis = (0..k * k).map(|at| f64::from(u8::from(at % (k + 1) == 0))).collect();
            return (m == 0).then(|| Flat { origin: vec![0.0; k], basis, free: k });
        }
        // Eᵀ, with as many columns of zeros as rows want.
        let transposed: Vec<f64> = (0..k).flat_map(|i| table.iter().map(move |(weights, _)| weights[i])).collect();
        let mut qr = Qr::new(k, m);
        qr.factorize_pivoted(&transposed).ok()?;
        let rank = qr.rank(1e-10);
        // E Q = Pᵀ.. Rᵀ: forward substitution over the independent rows.
        let mut y = vec![0.0; k];
        for a in 0..rank {
            let done: f64 = (0..a).map(|b| qr.upper(b, a) * y[b]).sum();
            y[a] = (table[qr.order()[a]].1 - done) / qr.upper(a, a);
        }
        qr.apply(&mut y);
        let size = 1.0 + y.iter().map(|v| v.abs()).fold(0.0, f64::max);
        if table.iter().any(|(weights, value)| (dot(weights, &y) - value).abs() > 1e-8 * size) {
            return None;
        }
        let free = k - rank;
        let mut basis = vec![0.0; k * free];
        for a in 0..free {
            let mut column = vec![0.0; k];
            column[rank + a] = 1.0;
            qr.apply(&mut column);
            column.iter().enumerate().for_each(|(i, v)| basis[i * free + a] = *v);
        }
        Some(Flat { origin: y, basis, free })
    }

    /// The least `θᵀMθ - 2hᵀθ + ridge θᵀθ` on a support, `m` being `[n, n]`; `None` where the relations cannot hold, or features depend on
    /// each other.
    pub(crate) fn minimum(&self, m: &[f64], h: &[f64], support: &[usize], ridge: f64) -> Option<Minimum> {
        let (n, k) = (h.len(), support.len());
        let mut own: Vec<f64> = support.iter().flat_map(|&i| support.iter().map(move |&j| m[i * n + j])).collect();
        (0..k).for_each(|i| own[i * k + i] += ridge);
        let right: Vec<f64> = support.iter().map(|&i| h[i]).collect();
        let flat = self.flat(support, &[])?;
        let reduced = Reduced::new(&own, &right, &flat)?;
        let full = |theta: &[f64]| {
            let mut all = vec![0.0; n];
            support.iter().zip(theta).for_each(|(&i, &c)| all[i] = c);
            all
        };
        let mut theta = full(&reduced.theta(&flat));
        let mut flat = flat;
        let violated = |theta: &[f64]| self.inequalities.iter().any(|row| row.at(theta) > row.tolerance(theta));
        if violated(&theta) {
            flat = self.flat(support, &reduced.active(self, support, &flat)?)?;
            theta = full(&Reduced::new(&own, &right, &flat)?.theta(&flat));
            if violated(&theta) {
                return None;
            }
        }
        let chosen: Vec<f64> = support.iter().map(|&i| theta[i]).collect();
        let value = (0..k).map(|i| chosen[i] * (dot(&own[i * k..(i + 1) * k], &chosen) - 2.0 * right[i])).sum();
        Some(Minimum { theta, value, flat })
    }

    /// Are there `n` coefficients that satisfy all of them?
    pub(crate) fn feasible(&self, n: usize) -> bool {
        let unit: Vec<f64> = (0..n * n).map(|at| f64::from(u8::from(at % (n + 1) == 0))).collect();
        self.minimum(&unit, &vec![0.0; n], &(0..n).collect::<Vec<_>>(), 0.0).is_some()
    }

    /// The inequalities that hold as equalities.
    pub(crate) fn tight(&self, theta: &[f64]) -> Vec<usize> {
        let holds = |at: &usize| self.inequalities[*at].at(theta).abs() <= self.inequalities[*at].tolerance(theta);
        (0..self.inequalities.len()).filter(holds).collect()
    }

    /// The inequality that `theta` breaks most.
    pub(crate) fn broken(&self, theta: &[f64]) -> Option<usize> {
        let excess = |at: usize| self.inequalities[at].at(theta) - self.inequalities[at].tolerance(theta);
        (0..self.inequalities.len()).filter(|&at| excess(at) > 0.0).max_by(|&a, &b| excess(a).total_cmp(&excess(b)))
    }
}

/// The quadratic function on a flat.
struct Reduced {
    z: Vec<f64>,
    factor: Equilibrated,
}

impl Reduced {
    fn new(m: &[f64], h: &[f64], flat: &Flat) -> Option<Self> {
        let k = h.len();
        let moved: Vec<f64> = (0..k).map(|i| h[i] - dot(&m[i * k..(i + 1) * k], &flat.origin)).collect();
        let factor = Equilibrated::new(&flat.reduce(m), flat.free)?;
        let z = factor.solve(&flat.project(&moved));
        z.iter().all(|z| z.is_finite()).then_some(Self { z, factor })
    }

    fn theta(&self, flat: &Flat) -> Vec<f64> {
        flat.expand(&self.z).iter().zip(&flat.origin).map(|(a, b)| a + b).collect()
    }

    /// The inequalities with a multiplier: `min ½ λᵀKλ - rᵀλ`, `λ ≥ 0`, with `K = C H⁻¹ Cᵀ` and `r` what is broken without them.
    fn active(&self, relations: &Relations, support: &[usize], flat: &Flat) -> Option<Vec<usize>> {
        let at = self.theta(flat);
        let rows: Vec<(usize, Vec<f64>, f64)> = (relations.inequalities.iter().enumerate())
            .map(|(number, row)| {
                let own: Vec<f64> = support.iter().map(|&i| row.weight(i)).collect();
                (number, flat.project(&own), dot(&own, &at) - row.value)
            })
            .filter(|(_, reduced, _)| reduced.iter().any(|v| *v != 0.0))
            .collect();
        let answers: Vec<Vec<f64>> = rows.iter().map(|(_, reduced, _)| self.factor.solve(reduced)).collect();
        let count = rows.len();
        let k: Vec<f64> = (0..count * count).map(|at| dot(&rows[at / count].1, &answers[at % count])).collect();
        let r: Vec<f64> = rows.iter().map(|row| row.2).collect();
        let lambda = signed_minimum(&k, &r)?;
        Some(lambda.iter().zip(&rows).filter(|(l, _)| **l > 0.0).map(|(_, row)| row.0).collect())
    }
}

/// `min ½ λᵀKλ - rᵀλ` over `λ ≥ 0` (Lawson and Hanson 1974, ch. 23).
fn signed_minimum(k: &[f64], r: &[f64]) -> Option<Vec<f64>> {
    let n = r.len();
    let (mut lambda, mut passive) = (vec![0.0; n], vec![false; n]);
    for _ in 0..10 * n + 10 {
        let slope = |i: usize| r[i] - dot(&k[i * n..(i + 1) * n], &lambda);
        let worth = |i: usize| slope(i) / k[i * n + i].max(f64::MIN_POSITIVE).sqrt();
        let size = (0..n).map(|i| r[i].abs() / k[i * n + i].max(f64::MIN_POSITIVE).sqrt()).fold(0.0, f64::max);
        let next = (0..n).filter(|&i| !passive[i]).max_by(|&a, &b| worth(a).total_cmp(&worth(b)));
        let Some(next) = next.filter(|&i| worth(i) > 1e-10 * size) else { return Some(lambda) };
        passive[next] = true;
        loop {
            let places: Vec<usize> = (0..n).filter(|&i| passive[i]).collect();
            let own: Vec<f64> = places.iter().flat_map(|&i| places.iter().map(move |&j| k[i * n + j])).collect();
            let right: Vec<f64> = places.iter().map(|&i| r[i]).collect();
            let wanted = Equilibrated::new(&own, places.len())?.solve(&right);
            let step = (places.iter().zip(&wanted))
                .filter(|(_, w)| **w <= 0.0)
                .map(|(&i, &w)| lambda[i] / (lambda[i] - w))
                .fold(1.0, f64::min);
            for (&i, &w) in places.iter().zip(&wanted) {
                lambda[i] += step * (w - lambda[i]);
                if w <= 0.0 && lambda[i] <= 1e-14 * (1.0 + w.abs()) {
                    (lambda[i], passive[i]) = (0.0, false);
                }
            }
            if step >= 1.0 {
                break;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// The minimum obeys the relations, and no step that obeys them goes below it.
        #[test]
        fn minima_are_feasible_and_least(
            entries in prop::collection::vec(-1.0..1.0_f64, 36),
            h in prop::collection::vec(-2.0..2.0_f64, 6),
            rows in prop::collection::vec((prop::collection::vec(-1.0..1.0_f64, 6), -1.0..1.0_f64), 4),
            steps in prop::collection::vec(prop::collection::vec(-1.0..1.0_f64, 6), 40),
            drop in 0..6_usize,
        ) {
            let mut m: Vec<f64> = (0..36).map(|at| dot(&entries[at / 6 * 6..][..6], &entries[at % 6 * 6..][..6])).collect();
            (0..6).for_each(|i| m[i * 7] += 0.1);
            let row = |(weights, value): &(Vec<f64>, f64)| Row { parts: weights.iter().copied().enumerate().collect(), value: *value };
            let relations = Relations { equalities: vec![row(&rows[0])], inequalities: rows[1..].iter().map(row).collect() };
            let support: Vec<usize> = (0..6).filter(|&i| i != drop).collect();
            let value = |theta: &[f64]| (0..6).map(|i| theta[i] * (dot(&m[i * 6..(i + 1) * 6], theta) - 2.0 * h[i])).sum::<f64>();
            let feasible = |theta: &[f64]| {
                relations.equalities.iter().all(|row| row.at(theta).abs() <= row.tolerance(theta))
                    && relations.inequalities.iter().all(|row| row.at(theta) <= row.tolerance(theta))
            };
            let flat = relations.flat(&support, &[]).expect("one row of five weights can hold");
            let Some(minimum) = relations.minimum(&m, &h, &support, 0.0) else { return Ok(()) };
            prop_assert!(feasible(&minimum.theta), "{:?}", minimum.theta);
            prop_assert_eq!(minimum.theta[drop], 0.0);
            prop_assert!((value(&minimum.theta) - minimum.value).abs() < 1e-9 * (1.0 + minimum.value.abs()));
            for step in &steps {
                for size in [1.0, 0.1, 0.01] {
                    let along = flat.expand(&flat.project(&support.iter().map(|&i| size * step[i]).collect::<Vec<_>>()));
                    let mut other = minimum.theta.clone();
                    support.iter().zip(&along).for_each(|(&i, v)| other[i] += v);
                    prop_assert!(!feasible(&other) || value(&other) >= minimum.value - 1e-7 * (1.0 + minimum.value.abs()));
                }
            }
        }
    }

    /// Three inequalities that leave one point, and two that leave none.
    #[test]
    fn corners_are_found_and_contradictions_refused() {
        let row = |parts: &[(usize, f64)], value| Row { parts: parts.to_vec(), value };
        let corner = vec![row(&[(0, 1.0)], 1.0), row(&[(1, 1.0)], 2.0), row(&[(0, -1.0), (1, -1.0)], -3.0)];
        let relations = Relations { equalities: vec![], inequalities: corner };
        let (m, h) = ([1.0, 0.0, 0.0, 1.0], [5.0, 0.0]);
        let theta = relations.minimum(&m, &h, &[0, 1], 0.0).expect("(1, 2) obeys all").theta;
        assert!((theta[0] - 1.0).abs() < 1e-9 && (theta[1] - 2.0).abs() < 1e-9, "{theta:?}");
        let apart = vec![row(&[(0, 1.0)], 1.0), row(&[(0, -1.0)], -2.0)];
        assert!(Relations { equalities: vec![], inequalities: apart }.minimum(&m, &h, &[0, 1], 0.0).is_none());
        let twice = vec![row(&[(0, 1.0)], 1.0), row(&[(0, 2.0)], 3.0)];
        assert!(Relations { equalities: twice, inequalities: vec![] }.flat(&[0, 1], &[]).is_none());
    }
}
