//! Products with sparse matrices: a [`Sparsity`] and its entries, row by row.

use crate::Element;
use vecfield_traits::Sparsity;

/// `y = A x`.
///
/// # Panics
///
/// If a slice does not fit the pattern.
pub fn sparse_matvec<T: Element>(pattern: &Sparsity, entries: &[T], x: &[T], y: &mut [T]) {
    assert_eq!(
        [entries.len(), x.len(), y.len()],
        [pattern.len(), pattern.n(), pattern.n()],
        "the slices fit the pattern"
    );
    for (i, y) in y.iter_mut().enumerate() {
        let mut sum = T::nought();
        for (&j, &entry) in pattern.row(i).iter().zip(&entries[pattern.range(i)]) {
            sum += entry * x[j];
        }
        *y = sum;
    }
}

/// `y = Aᵀ x`.
///
/// # Panics
///
/// If a slice does not fit the pattern.
pub fn sparse_matvec_transpose<T: Element>(pattern: &Sparsity, entries: &[T], x: &[T], y: &mut [T]) {
    assert_eq!(
        [entries.len(), x.len(), y.len()],
        [pattern.len(), pattern.n(), pattern.n()],
        "the slices fit the pattern"
    );
    y.fill(T::nought());
    for (i, &x) in x.iter().enumerate() {
        for (&j, &entry) in pattern.row(i).iter().zip(&entries[pattern.range(i)]) {
            y[j] += entry * x;
        }
    }
}

/// `C = A B`: the pattern of the product and its entries. Allocates.
///
/// # Panics
///
/// If the sizes differ or the entries do not fit their patterns.
pub fn sparse_matmul<T: Element>(
    (a, a_entries): (&Sparsity, &[T]),
    (b, b_entries): (&Sparsity, &[T]),
) -> (Sparsity, Vec<T>) {
    assert_eq!(a.n(), b.n(), "a product needs matrices of one size");
    assert_eq!([a_entries.len(), b_entries.len()], [a.len(), b.len()], "one entry a place");
    let columns = |i: usize| a.row(i).iter().flat_map(|&k| b.row(k).iter().copied()).collect();
    let pattern = Sparsity::from_rows((0..a.n()).map(columns));
    let (mut entries, mut row) = (Vec::with_capacity(pattern.len()), vec![T::nought(); a.n()]);
    for i in 0..a.n() {
        for (&k, &a_ik) in a.row(i).iter().zip(&a_entries[a.range(i)]) {
            for (&j, &b_kj) in b.row(k).iter().zip(&b_entries[b.range(k)]) {
                row[j] += a_ik * b_kj;
            }
        }
        entries.extend(pattern.row(i).iter().map(|&j| core::mem::replace(&mut row[j], T::nought())));
    }
    (pattern, entries)
}
