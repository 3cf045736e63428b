//! Sums and inner products in one fixed order, so that every machine gives the same bits.
//!
//! Element `i` goes to partial sum `i mod 16`, and the sixteen are added pairwise: `((s₀+s₈)+(s₄+s₁₂))+..`. The order is
//! that of two AVX-512 registers of `f64`; narrower machines follow it with more registers. Products are rounded before
//! they are added: a fused multiply-add would make the baseline differ.

use vecfield_traits::Real;

use crate::dispatch::{Job, run};

const PARTIAL: usize = 16;

/// `Σ x_i`, in the order above.
///
/// ```
/// assert_eq!(vecfield_kernels::sum(&[1.0, 2.5, -0.5]), 3.0);
/// ```
pub fn sum<R: Real>(x: &[R]) -> R {
    run(Sum(x))
}

/// `Σ x_i y_i`, in the order above.
///
/// # Panics
///
/// If the lengths differ.
pub fn dot<R: Real>(x: &[R], y: &[R]) -> R {
    assert_eq!(x.len(), y.len(), "an inner product takes vectors of one length");
    run(Dot(x, y))
}

/// `y_i ← y_i + a x_i`.
///
/// # Panics
///
/// If the lengths differ.
pub fn axpy<R: Real>(a: R, x: &[R], y: &mut [R]) {
    assert_eq!(x.len(), y.len(), "a linear combination takes vectors of one length");
    run(Axpy(a, x, y));
}

struct Sum<'a, R>(&'a [R]);

impl<R: Real> Job for Sum<'_, R> {
    type Output = R;

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> R {
        let mut partial = [R::zero(); PARTIAL];
        let (blocks, rest) = self.0.as_chunks::<PARTIAL>();
        for block in blocks {
            for i in 0..PARTIAL {
                partial[i] += block[i];
            }
        }
        for (sum, &x) in partial.iter_mut().zip(rest) {
            *sum += x;
        }
        pairwise(partial)
    }
}

struct Dot<'a, R>(&'a [R], &'a [R]);

impl<R: Real> Job for Dot<'_, R> {
    type Output = R;

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> R {
        let mut partial = [R::zero(); PARTIAL];
        let ((x, x_rest), (y, y_rest)) = (self.0.as_chunks::<PARTIAL>(), self.1.as_chunks::<PARTIAL>());
        for (x, y) in x.iter().zip(y) {
            for i in 0..PARTIAL {
                partial[i] += x[i] * y[i];
            }
        }
        for ((sum, &x), &y) in partial.iter_mut().zip(x_rest).zip(y_rest) {
            *sum += x * y;
        }
        pairwise(partial)
    }
}

struct Axpy<'a, R>(R, &'a [R], &'a mut [R]);

impl<R: Real> Job for Axpy<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for (y, &x) in self.2.iter_mut().zip(self.1) {
            *y += self.0 * x;
        }
    }
}

#[inline(always)]
pub(crate) fn pairwise<R: Real>(mut partial: [R; PARTIAL]) -> R {
    let mut width = PARTIAL / 2;
    while width > 0 {
        for i in 0..width {
            let other = partial[i + width];
            partial[i] += other;
        }
        width /= 2;
    }
    partial[0]
}
