//! Sums of products of the coefficients of two rows, four terms at a time.

use vecfield_traits::Real;

/// Coefficients that a convolution takes at a time: one AVX2 register of `f64`.
pub(super) const WIDTH: usize = 4;
/// Zeros before each row. The last block of a convolution reaches over the end of the coefficients of one operand, where
/// zeros are, and before the beginning of the other.
pub(super) const FRONT: usize = WIDTH;

/// `Σ x_j y_{k-j}` over `1 ≤ j < k`, of rows with their fronts.
#[inline(always)]
pub(super) fn convolve<R: Real>(x: &[R], y: &[R], k: usize) -> R {
    let mut sums = [R::zero(); WIDTH];
    for (x, y) in blocks(x, k).iter().zip(y[..FRONT + k].rchunks_exact(WIDTH)) {
        for l in 0..WIDTH {
            sums[l] += x[l] * y[WIDTH - 1 - l];
        }
    }
    total(sums)
}

/// `Σ (up j - down) x_j y_{k-j}` over `1 ≤ j < k`, where `numbers[j] = j`.
#[inline(always)]
pub(super) fn weighted<R: Real>(x: &[R], y: &[R], k: usize, (up, down): (R, R), numbers: &[R]) -> R {
    let mut sums = [R::zero(); WIDTH];
    let numbers = numbers[1..].as_chunks::<WIDTH>().0;
    for ((x, y), j) in blocks(x, k).iter().zip(y[..FRONT + k].rchunks_exact(WIDTH)).zip(numbers) {
        for l in 0..WIDTH {
            sums[l] += (j[l] * up - down) * (x[l] * y[WIDTH - 1 - l]);
        }
    }
    total(sums)
}

/// `x_1, x_2, ..` up to and a little beyond `x_{k-1}`.
#[inline(always)]
fn blocks<R>(x: &[R], k: usize) -> &[[R; WIDTH]] {
    x[FRONT + 1..][..(k - 1).next_multiple_of(WIDTH)].as_chunks().0
}

/// `Σ x_j x_{k-j}` over `1 ≤ j < k`: each product once, then doubled.
#[inline(always)]
pub(super) fn square<R: Real>(x: &[R], k: usize) -> R {
    let x = &x[FRONT..];
    let pairs = (k - 1) / 2;
    let (mut sums, blocks) = ([R::zero(); WIDTH], pairs / WIDTH);
    for block in 0..blocks {
        let first = 1 + block * WIDTH;
        let (a, b) = (&x[first..][..WIDTH], &x[k + 1 - first - WIDTH..][..WIDTH]);
        for l in 0..WIDTH {
            sums[l] += a[l] * b[WIDTH - 1 - l];
        }
    }
    let mut sum = total(sums);
    for j in 1 + blocks * WIDTH..=pairs {
        sum += x[j] * x[k - j];
    }
    let middle = if k.is_multiple_of(2) { x[k / 2] * x[k / 2] } else { R::zero() };
    sum + sum + middle
}

#[inline(always)]
fn total<R: Real>([a, b, c, d]: [R; WIDTH]) -> R {
    (a + c) + (b + d)
}
