//! Linear combinations of stages, the inner loop of every explicit method: `out = y + h Σ c_j k_j`.
//!
//! Stages lie one after another in one buffer. Components are taken in blocks held in registers, so every stage is read
//! once and nothing is written twice; small systems are one block. The order of summation is that of the terms for every
//! component and every number type, which fixes the bits.

use vecfield_traits::Scalar;

/// `c_j` and the slot `j` it weighs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Term<R> {
    pub(crate) weight: R,
    pub(crate) slot: usize,
}

/// The terms of a row of weights; zeros are left out.
pub(crate) fn terms<R: vecfield_traits::Real>(weights: &[f64]) -> Box<[Term<R>]> {
    let term = |(slot, &weight): (usize, &f64)| (weight != 0.0).then(|| Term { weight: R::from_f64(weight), slot });
    weights.iter().enumerate().filter_map(term).collect()
}

/// `out = y + h Σ c_j k_j`; `stages` is `[slots, n]`.
#[inline]
pub(crate) fn combine<S: Scalar>(y: &[S], h: S::Real, terms: &[Term<S::Real>], stages: &[S], out: &mut [S]) {
    match y.len() {
        1 => block::<S, 1>(y, h, terms, stages, out, 0),
        2 => block::<S, 2>(y, h, terms, stages, out, 0),
        3 => block::<S, 3>(y, h, terms, stages, out, 0),
        4 => block::<S, 4>(y, h, terms, stages, out, 0),
        n => {
            let mut at = 0;
            while at + 8 <= n {
                block::<S, 8>(y, h, terms, stages, out, at);
                at += 8;
            }
            while at < n {
                block::<S, 1>(y, h, terms, stages, out, at);
                at += 1;
            }
        }
    }
}

#[inline(always)]
fn block<S: Scalar, const B: usize>(
    y: &[S],
    h: S::Real,
    terms: &[Term<S::Real>],
    stages: &[S],
    out: &mut [S],
    at: usize,
) {
    let n = y.len();
    let mut sum = [S::zero(); B];
    for term in terms {
        let k = &stages[term.slot * n + at..][..B];
        for i in 0..B {
            sum[i] += k[i].scale(term.weight);
        }
    }
    let (y, out) = (&y[at..][..B], &mut out[at..][..B]);
    for i in 0..B {
        out[i] = y[i] + sum[i].scale(h);
    }
}

/// `Σ c_j k_j`, its values only, block by block: `each(i, sum_i)` in the order of the components.
#[inline]
pub(crate) fn for_each_sum<S: Scalar>(
    n: usize,
    terms: &[Term<S::Real>],
    stages: &[S],
    mut each: impl FnMut(usize, S::Real),
) {
    let mut at = 0;
    while at + 3 <= n {
        for (i, sum) in sums::<S, 3>(n, terms, stages, at).into_iter().enumerate() {
            each(at + i, sum);
        }
        at += 3;
    }
    while at < n {
        each(at, sums::<S, 1>(n, terms, stages, at)[0]);
        at += 1;
    }
}

#[inline(always)]
fn sums<S: Scalar, const B: usize>(n: usize, terms: &[Term<S::Real>], stages: &[S], at: usize) -> [S::Real; B] {
    let mut sum = [<S::Real as Scalar>::zero(); B];
    for term in terms {
        let k = &stages[term.slot * n + at..][..B];
        for i in 0..B {
            sum[i] += k[i].value() * term.weight;
        }
    }
    sum
}
