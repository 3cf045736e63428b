//! Products of flat vectors and row-major matrices.

use vecfield_traits::Real;

/// `Σ aᵢ bᵢ`, in four interleaved partial sums: the order depends on the length alone.
///
/// # Panics
///
/// If the lengths differ.
#[inline]
pub fn dot<R: Real>(a: &[R], b: &[R]) -> R {
    assert_eq!(a.len(), b.len(), "a dot product needs vectors of one length");
    let mut partial = [R::zero(); 4];
    let (a4, b4) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest = a4.remainder().iter().zip(b4.remainder()).fold(R::zero(), |sum, (&x, &y)| sum + x * y);
    for (x, y) in a4.zip(b4) {
        for lane in 0..4 {
            partial[lane] += x[lane] * y[lane];
        }
    }
    (partial[0] + partial[1]) + (partial[2] + partial[3]) + rest
}

/// `y += alpha x`.
///
/// # Panics
///
/// If the lengths differ.
#[inline]
pub fn axpy<R: Real>(alpha: R, x: &[R], y: &mut [R]) {
    assert_eq!(x.len(), y.len(), "axpy needs vectors of one length");
    for (y, &x) in y.iter_mut().zip(x) {
        *y += alpha * x;
    }
}

/// `‖x‖₂`, scaled so that squares neither overflow nor underflow.
pub fn norm<R: Real>(x: &[R]) -> R {
    let plain = dot(x, x);
    let safe = R::from_f64(1e-30) < plain && plain < R::from_f64(1e30);
    if safe || x.is_empty() {
        return plain.sqrt();
    }
    let largest = x.iter().fold(R::zero(), |largest, &entry| largest.max(entry.abs()));
    if largest == R::zero() || !largest.is_finite() {
        return largest;
    }
    largest * x.iter().fold(R::zero(), |sum, &entry| sum + (entry / largest) * (entry / largest)).sqrt()
}

/// `y = A x` for `A` of shape `[y.len(), x.len()]`.
///
/// # Panics
///
/// If `a` has another number of entries.
pub fn matvec<R: Real>(a: &[R], x: &[R], y: &mut [R]) {
    assert_eq!(a.len(), x.len() * y.len(), "the matrix must have a row per output and a column per input");
    if x.is_empty() {
        y.fill(R::zero());
        return;
    }
    for (row, y) in a.chunks_exact(x.len()).zip(y) {
        *y = dot(row, x);
    }
}

/// `y = Aᵀ x` for `A` of shape `[x.len(), y.len()]`.
///
/// # Panics
///
/// If `a` has another number of entries.
pub fn matvec_transpose<R: Real>(a: &[R], x: &[R], y: &mut [R]) {
    assert_eq!(a.len(), x.len() * y.len(), "the matrix must have a row per input and a column per output");
    y.fill(R::zero());
    if y.is_empty() {
        return;
    }
    for (row, &x) in a.chunks_exact(y.len()).zip(x) {
        axpy(x, row, y);
    }
}

/// `C = A B` for `A [m, k]`, `B [k, n]`, `C [m, n]`; each entry of `C` is summed over `k` in order.
///
/// # Panics
///
/// If a slice does not have the entries its shape says.
pub fn matmul<R: Real>(a: &[R], b: &[R], c: &mut [R], [m, k, n]: [usize; 3]) {
    assert_eq!([a.len(), b.len(), c.len()], [m * k, k * n, m * n], "the shapes must be [m, k], [k, n] and [m, n]");
    c.fill(R::zero());
    for i in 0..m {
        let row = &mut c[i * n..(i + 1) * n];
        for (l, &a_il) in a[i * k..(i + 1) * k].iter().enumerate() {
            axpy(a_il, &b[l * n..(l + 1) * n], row);
        }
    }
}

/// `G = AᵀA` (`[n, n]`, both triangles) for `A` with `n` columns.
///
/// # Panics
///
/// If `g` is not `n × n` or `a` does not fill whole rows.
pub fn gram<R: Real>(a: &[R], n: usize, g: &mut [R]) {
    assert_eq!(g.len(), n * n, "the Gram matrix is square");
    assert!(n > 0 && a.len().is_multiple_of(n), "the matrix must fill whole rows");
    g.fill(R::zero());
    for row in a.chunks_exact(n) {
        for i in 0..n {
            axpy(row[i], &row[..=i], &mut g[i * n..=i * n + i]);
        }
    }
    for i in 0..n {
        for j in 0..i {
            g[j * n + i] = g[i * n + j];
        }
    }
}
