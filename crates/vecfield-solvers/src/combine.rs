//! Linear combinations of stages, the inner loop of every explicit method: `out = y + h Σ c_j k_j`.
//!
//! Stages lie one after another in one buffer. Components are taken in blocks held in registers, so every stage is read
//! once and nothing is written twice; small systems are one block. The order of summation is that of the terms for every
//! component and every number type, which fixes the bits.

use vecfield_traits::Scalar;

/// `c_j` and the slot `j` it weighs.
#[derive(Debug, Clone, Copy)]
pub struct Term<R> {
    /// `c_j`.
    pub weight: R,
    /// `j`.
    pub slot: usize,
}

/// The terms of a row of weights; zeros are left out.
pub fn terms<R: vecfield_traits::Real>(weights: &[f64]) -> Box<[Term<R>]> {
    nonzero(weights).collect()
}

fn nonzero<R: vecfield_traits::Real>(weights: &[f64]) -> impl Iterator<Item = Term<R>> {
    let term = |(slot, &weight): (usize, &f64)| (weight != 0.0).then(|| Term { weight: R::from_f64(weight), slot });
    weights.iter().enumerate().filter_map(term)
}

/// Rows of terms, in one piece of memory.
#[derive(Debug, Clone)]
pub(crate) struct Rows<R> {
    terms: Vec<Term<R>>,
    ends: Vec<usize>,
}

impl<R: vecfield_traits::Real> Rows<R> {
    pub(crate) fn new<'a>(rows: impl Iterator<Item = &'a [f64]> + Clone) -> Rows<R> {
        let count = rows.clone().map(<[f64]>::len).sum();
        let mut found = Rows { terms: Vec::with_capacity(count), ends: Vec::with_capacity(rows.clone().count()) };
        for row in rows {
            found.terms.extend(nonzero(row));
            found.ends.push(found.terms.len());
        }
        found
    }

    /// How many rows.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }
}

impl<R> core::ops::Index<usize> for Rows<R> {
    type Output = [Term<R>];

    #[inline(always)]
    fn index(&self, row: usize) -> &[Term<R>] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.terms[start..self.ends[row]]
    }
}

/// Runs the body over blocks of consecutive components that cover `0..n`, with `$at` the first of a block and the constant `$B`
/// its size. Sixteen sums at once hide the latency of an addition.
macro_rules! for_blocks {
    ($n:expr, $at:ident, $B:ident => $body:expr) => {{
        let (n, mut $at): (usize, usize) = ($n, 0);
        while $at + 16 <= n {
            const $B: usize = 16;
            $body;
            $at += 16;
        }
        if $at + 8 <= n {
            const $B: usize = 8;
            $body;
            $at += 8;
        }
        $crate::combine::for_blocks!(@rest n, $at, $B => $body, 1, 2, 3, 4, 5, 6, 7);
    }};
    (@rest $n:ident, $at:ident, $B:ident => $body:expr, $($size:literal),*) => {
        match $n - $at {
            $($size => {
                const $B: usize = $size;
                $body;
            })*
            _ => {}
        }
    };
}
pub(crate) use for_blocks;

/// `out = y + h Σ c_j k_j`; `stages` is `[slots, n]`.
#[inline]
pub fn combine<S: Scalar>(y: &[S], h: S::Real, terms: &[Term<S::Real>], stages: &[S], out: &mut [S]) {
    for_blocks!(y.len(), at, B => combine_block::<S, B>(y, h, terms, stages, out, at));
}

/// [`combine`] for the `B` components from `at`.
#[inline(always)]
pub(crate) fn combine_block<S: Scalar, const B: usize>(
    y: &[S],
    h: S::Real,
    terms: &[Term<S::Real>],
    stages: &[S],
    out: &mut [S],
    at: usize,
) {
    let sum: [S; B] = sums(y.len(), terms, stages, at, |k| k);
    let (y, out) = (&y[at..][..B], &mut out[at..][..B]);
    for i in 0..B {
        out[i] = y[i] + sum[i].scale(h);
    }
}

/// The state at which a stage is evaluated, `out = (y + h Σ' c_j k_j) + (h c_l) k_l`, where `l` is the last term and the sum goes
/// over the others: the latest stage, which is all that the next one waits for, enters by one product and one sum.
#[inline]
pub fn stage_point<S: Scalar>(y: &[S], h: S::Real, terms: &[Term<S::Real>], stages: &[S], out: &mut [S]) {
    let Some((last, older)) = terms.split_last() else { return out.copy_from_slice(y) };
    let weight = h * last.weight;
    for_blocks!(y.len(), at, B => {
        combine_block::<S, B>(y, h, older, stages, out, at);
        let latest = &stages[last.slot * y.len() + at..][..B];
        for (out, latest) in out[at..][..B].iter_mut().zip(latest) {
            *out += latest.scale(weight);
        }
    });
}

/// `Σ c_j k_j` of what `part` takes of each number, for the `B` components from `at`.
#[inline(always)]
pub(crate) fn sums<S: Scalar, T: Scalar<Real = S::Real>, const B: usize>(
    n: usize,
    terms: &[Term<S::Real>],
    stages: &[S],
    at: usize,
    part: impl Fn(S) -> T,
) -> [T; B] {
    let mut sum = [T::zero(); B];
    for term in terms {
        let k = &stages[term.slot * n + at..][..B];
        for i in 0..B {
            sum[i] += part(k[i]).scale(term.weight);
        }
    }
    sum
}

/// The cubic Hermite polynomial of a step at a fraction `θ`.
pub(crate) fn hermite<S: Scalar>(
    h: S::Real,
    (y, y_new): (&[S], &[S]),
    (rate, rate_new): (&[S], &[S]),
    theta: S::Real,
    out: &mut [S],
) {
    let one = <S::Real as Scalar>::one();
    let (two, rest) = (one + one, one - theta);
    let change = theta * theta * (one + two * rest);
    let (first, last) = (h * theta * rest * rest, -h * theta * theta * rest);
    for i in 0..out.len() {
        out[i] = y[i] + (y_new[i] - y[i]).scale(change) + rate[i].scale(first) + rate_new[i].scale(last);
    }
}
