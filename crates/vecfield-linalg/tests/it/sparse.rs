//! Banded and sparse solvers agree with the dense one, orders are what they promise, nothing is allocated where it must not.

use proptest::prelude::*;
use vecfield_linalg::{
    BandedLu, Complex, Element, Gmres, Ilu, LinalgError, Lu, Preconditioner, Side, SparseLu, matmul, minimum_degree,
    norm, reverse_cuthill_mckee, sparse_matmul, sparse_matvec, sparse_matvec_transpose, zero_free_diagonal,
};
use vecfield_traits::Sparsity;

/// A pattern of up to 20 unknowns, with or without its diagonal, and entries of order one.
fn sparse() -> impl Strategy<Value = (Sparsity, Vec<f64>, Vec<f64>)> {
    (1..20_usize, any::<bool>()).prop_flat_map(|(n, with_diagonal)| {
        let places = prop::collection::vec((0..n, 0..n), 0..4 * n);
        let entries = prop::collection::vec(-1.0..1.0_f64, 5 * n);
        (places, entries, prop::collection::vec(-1.0..1.0_f64, n)).prop_map(move |(places, mut entries, b)| {
            let mut rows = vec![Vec::new(); n];
            places.iter().for_each(|&(i, j)| rows[i].push(j));
            // A permutation keeps the matrix regular by structure; the identity also gives it a diagonal.
            (0..n).for_each(|i| rows[i].push(if with_diagonal { i } else { (i + 1) % n }));
            let pattern = Sparsity::from_rows(rows);
            entries.truncate(pattern.len());
            (pattern, entries, b)
        })
    })
}

fn dense<T: Element>(pattern: &Sparsity, entries: &[T]) -> Vec<T> {
    let n = pattern.n();
    let mut a = vec![T::nought(); n * n];
    for ((i, j), &entry) in pattern.places().zip(entries) {
        a[i * n + j] = entry;
    }
    a
}

fn complex(entries: &[f64]) -> Vec<Complex<f64>> {
    entries.iter().enumerate().map(|(k, &re)| Complex::new(re, 0.7 * entries[(k * 5 + 3) % entries.len()])).collect()
}

fn size<T: Element<Real = f64>>(x: &[T]) -> f64 {
    norm(&x.iter().map(|x| x.size()).collect::<Vec<_>>())
}

/// `‖A x - b‖ / (‖A‖ ‖x‖ + ‖b‖)`.
fn backward_error<T: Element<Real = f64>>(
    pattern: &Sparsity,
    entries: &[T],
    x: &[T],
    b: &[T],
    transposed: bool,
) -> f64 {
    let mut left = vec![T::nought(); b.len()];
    match transposed {
        false => sparse_matvec(pattern, entries, x, &mut left),
        true => sparse_matvec_transpose(pattern, entries, x, &mut left),
    }
    left.iter_mut().zip(b).for_each(|(left, &b)| *left -= b);
    size(&left) / (size(entries) * size(x) + size(b))
}

/// A pivot a thousandth of its column makes multipliers, and with them rounding errors, a thousand times larger.
const THRESHOLD_GROWTH: f64 = 1e3;

fn solves_backward_stably<T: Element<Real = f64>>(
    pattern: &Sparsity,
    lu: &mut SparseLu<T>,
    entries: &[T],
    b: &[T],
) -> Result<(), TestCaseError> {
    prop_assume!(lu.factorize(entries).is_ok());
    for transposed in [false, true] {
        let mut x = b.to_vec();
        if transposed {
            lu.solve_transpose(&mut x)
        } else {
            lu.solve(&mut x)
        }
        let error = backward_error(pattern, entries, &x, b, transposed);
        prop_assert!(error < 1e-13 * THRESHOLD_GROWTH, "{error:e}");
    }
    Ok(())
}

proptest! {
    #[test]
    fn sparse_lu_solves_backward_stably((pattern, entries, b) in sparse()) {
        let mut lu = SparseLu::new(&pattern).unwrap();
        solves_backward_stably(&pattern, &mut lu, &entries, &b)?;
        // With the pivots of the first matrix, or new ones where those are too small.
        let second: Vec<f64> = entries.iter().rev().copied().collect();
        solves_backward_stably(&pattern, &mut lu, &second, &b)?;
        let mut lu = lu.like();
        solves_backward_stably(&pattern, &mut lu, &complex(&entries), &complex(&b))?;
        solves_backward_stably(&pattern, &mut lu, &complex(&second), &complex(&b))?;
    }

    /// Both find the same matrices singular, up to those so near to it that rounding decides.
    #[test]
    fn sparse_and_dense_agree_on_the_solution((pattern, entries, b) in sparse()) {
        let n = pattern.n();
        let mut full = Lu::new(n);
        let mut lu = SparseLu::new(&pattern).unwrap();
        prop_assume!(full.factorize(&dense(&pattern, &entries)).is_ok());
        let (mut x, mut y) = (b.clone(), b.clone());
        full.solve(&mut x);
        prop_assume!(norm(&x) < 1e6);
        lu.factorize(&entries).unwrap();
        lu.solve(&mut y);
        for (x, y) in x.iter().zip(&y) {
            prop_assert!((x - y).abs() < 1e-6 * (1.0 + norm(&b)));
        }
    }

    #[test]
    fn banded_lu_solves_backward_stably(
        n in 1..15_usize, lower in 0..4_usize, upper in 0..4_usize,
        entries in prop::collection::vec(-1.0..1.0_f64, 130), b in prop::collection::vec(-1.0..1.0_f64, 15),
    ) {
        let band = |i: usize| (i.saturating_sub(lower)..=(i + upper).min(n - 1)).collect::<Vec<_>>();
        let pattern = Sparsity::from_rows((0..n).map(band));
        let (entries, b) = (&entries[..pattern.len()], &b[..n]);
        let check = |transposed: bool| -> Result<(), TestCaseError> {
            let (mut real, mut twin) = (BandedLu::new(n, lower, upper), BandedLu::new(n, lower, upper));
            let places: Vec<usize> = pattern.places().map(|(i, j)| real.place(i, j)).collect();
            let fill = |band: &mut [f64]| places.iter().zip(entries).for_each(|(&place, &entry)| band[place] = entry);
            prop_assume!(real.factorize_with(fill).is_ok());
            let mut x = b.to_vec();
            if transposed { real.solve_transpose(&mut x) } else { real.solve(&mut x) }
            prop_assert!(backward_error(&pattern, entries, &x, b, transposed) < 1e-13);
            let (wide, right) = (complex(entries), complex(b));
            let fill = |band: &mut [Complex<f64>]| places.iter().zip(&wide).for_each(|(&place, &entry)| band[place] = entry);
            prop_assume!(twin.factorize_with(fill).is_ok());
            let mut x = right.clone();
            if transposed { twin.solve_transpose(&mut x) } else { twin.solve(&mut x) }
            prop_assert!(backward_error(&pattern, &wide, &x, &right, transposed) < 1e-13);
            Ok(())
        };
        check(false)?;
        check(true)?;
    }

    #[test]
    fn orders_are_permutations((pattern, _, _) in sparse()) {
        for mut order in [minimum_degree(&pattern).order, reverse_cuthill_mckee(&pattern)] {
            order.sort_unstable();
            prop_assert!(order.into_iter().eq(0..pattern.n()));
        }
        let mut rows = zero_free_diagonal(&pattern).unwrap();
        for (j, &i) in rows.iter().enumerate() {
            prop_assert!(pattern.row(i).contains(&j), "row {i} for column {j}");
        }
        let full = (0..pattern.n()).all(|j| pattern.row(j).contains(&j));
        prop_assert!(!full || rows.iter().copied().eq(0..pattern.n()));
        rows.sort_unstable();
        prop_assert!(rows.into_iter().eq(0..pattern.n()));
    }

    #[test]
    fn sparse_products_are_dense_ones((pattern, entries, b) in sparse()) {
        let n = pattern.n();
        let a = dense(&pattern, &entries);
        let second: Vec<f64> = entries.iter().rev().copied().collect();
        let (places, product) = sparse_matmul((&pattern, &entries), (&pattern, &second));
        let mut whole = vec![0.0; n * n];
        matmul(&a, &dense(&pattern, &second), &mut whole, [n, n, n]);
        for (x, y) in dense(&places, &product).iter().zip(&whole) {
            prop_assert!((x - y).abs() < 1e-14);
        }
        // ⟨A b, e⟩ = ⟨b, Aᵀ e⟩ for a vector of ones.
        let (mut forth, mut back) = (vec![0.0; n], vec![0.0; n]);
        sparse_matvec(&pattern, &entries, &b, &mut forth);
        sparse_matvec_transpose(&pattern, &entries, &vec![1.0; n], &mut back);
        let right: f64 = b.iter().zip(&back).map(|(b, x)| b * x).sum();
        prop_assert!((forth.iter().sum::<f64>() - right).abs() < 1e-13);
    }

    /// With as many directions as unknowns GMRES is a direct method, on either side of its preconditioner.
    #[test]
    fn gmres_solves_in_n_steps((pattern, mut entries, b) in sparse(), right in any::<bool>()) {
        prop_assume!(Ilu::<f64>::new(&pattern).is_ok());
        // Dominant, so that the incomplete factorisation exists and the condition stays near one.
        for ((i, j), entry) in pattern.places().zip(&mut entries) {
            *entry = if i == j { 8.0 } else { *entry };
        }
        let side = if right { Side::Right } else { Side::Left };
        krylov_solves(&pattern, &entries, &b, side)?;
        let mut wide = complex(&entries);
        for ((i, j), entry) in pattern.places().zip(&mut wide) {
            *entry = if i == j { Complex::new(3.0, -8.0) } else { *entry };
        }
        krylov_solves(&pattern, &wide, &complex(&b), side)?;
    }
}

fn krylov_solves<T: Element<Real = f64>>(
    pattern: &Sparsity,
    entries: &[T],
    b: &[T],
    side: Side,
) -> Result<(), TestCaseError> {
    let mut ilu = Ilu::new(pattern).unwrap();
    ilu.factorize(entries).unwrap();
    for preconditioner in [&mut () as &mut dyn Preconditioner<T>, &mut ilu] {
        let mut gmres = Gmres::new(pattern.n(), 30);
        let mut x = vec![T::nought(); b.len()];
        let product = |x: &[T], y: &mut [T]| sparse_matvec(pattern, entries, x, y);
        let solved = gmres.solve(product, (preconditioner, side), b, &mut x, 1e-11, 200);
        prop_assert!(solved.is_ok(), "{solved:?}");
        let error = backward_error(pattern, entries, &x, b, false);
        prop_assert!(error < 1e-10, "{error:e}");
    }
    Ok(())
}

/// The five-point Laplacian on a square of `m × m` points.
fn laplacian(m: usize) -> (Sparsity, Vec<f64>) {
    let rows = (0..m * m).map(|at| {
        let (x, y) = (at % m, at / m);
        let mut row = vec![at];
        row.extend([(x > 0).then(|| at - 1), (x + 1 < m).then_some(at + 1)].into_iter().flatten());
        row.extend([(y > 0).then(|| at - m), (y + 1 < m).then_some(at + m)].into_iter().flatten());
        row
    });
    let pattern = Sparsity::from_rows(rows);
    let entries = pattern.places().map(|(i, j)| if i == j { 4.1 } else { -1.0 }).collect();
    (pattern, entries)
}

/// Nested dissection needs `31 n log₂ n / 8` entries in each factor of a square grid (George 1973), a band `n^1.5`:
/// minimum degree must come near the first.
#[test]
fn minimum_degree_keeps_the_factors_of_a_grid_sparse() {
    let (pattern, entries) = laplacian(40);
    let n = pattern.n() as f64;
    let mut lu = SparseLu::new(&pattern).unwrap();
    lu.factorize(&entries).unwrap();
    assert!((lu.fill() as f64) < 31.0 / 4.0 * n * n.log2() * 0.6, "{} of {}", lu.fill(), n * n);
    let mut x = vec![1.0; pattern.n()];
    lu.solve(&mut x);
    assert!(backward_error(&pattern, &entries, &x, &vec![1.0; pattern.n()], false) < 1e-15);
}

#[test]
fn refills_and_solves_allocate_nothing() {
    let (pattern, mut entries) = laplacian(12);
    let n = pattern.n();
    let (mut b, mut x) = (vec![1.0; n], vec![0.0; n]);
    let mut lu = SparseLu::new(&pattern).unwrap();
    lu.factorize(&entries).unwrap();
    let mut banded = BandedLu::new(n, 12, 12);
    let (mut ilu, mut gmres) = (Ilu::new(&pattern).unwrap(), Gmres::new(n, 20));
    entries.iter_mut().for_each(|entry| *entry *= 1.5);
    let counted = vecfield_laws::allocates_nothing(|| {
        lu.factorize(&entries).unwrap();
        lu.solve(&mut b);
        lu.solve_transpose(&mut b);
        banded
            .factorize_with(|band| {
                band.iter_mut().enumerate().for_each(|(at, entry)| *entry = if at % 37 == 12 { 4.0 } else { 0.01 });
            })
            .unwrap();
        banded.solve(&mut b);
        ilu.factorize(&entries).unwrap();
        let product = |x: &[f64], y: &mut [f64]| sparse_matvec(&pattern, &entries, x, y);
        gmres.solve(product, (&mut ilu, Side::Right), &b, &mut x, 1e-8, 100).unwrap();
    });
    assert_eq!(counted, Ok(()));
}

#[test]
fn singular_and_broken_matrices_are_named() {
    // By structure: columns 0 and 2 share their only row.
    let pattern = Sparsity::from_rows([vec![0, 2], vec![1], vec![1]]);
    assert_eq!(SparseLu::<f64>::new(&pattern).err(), Some(LinalgError::Singular { column: 2 }));
    // By value, in a later matrix too.
    let pattern = Sparsity::from_rows([vec![0, 1], vec![0, 1, 2], vec![2]]);
    let mut lu = SparseLu::new(&pattern).unwrap();
    lu.factorize(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
    assert!(matches!(lu.factorize(&[1.0, 2.0, 2.0, 4.0, 0.0, 6.0]), Err(LinalgError::Singular { column: 0 | 1 })));
    let broken = lu.factorize(&[1.0, 2.0, f64::NAN, 4.0, 5.0, 6.0]);
    assert_eq!(broken, Err(LinalgError::NotFinite { row: 1, column: 0 }));
    lu.factorize(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
    let mut x = [3.0, 12.0, 6.0];
    lu.solve(&mut x);
    assert!(x.iter().all(|x| (x - 1.0_f64).abs() < 1e-14), "usable again after an error: {x:?}");

    let mut banded = BandedLu::new(2, 1, 1);
    assert_eq!(banded.factorize_with(|_| ()), Err(LinalgError::Singular { column: 0 }));
    let (at, nan) = (banded.place(1, 0), f64::NAN);
    assert_eq!(banded.factorize_with(|band| band[at] = nan), Err(LinalgError::NotFinite { row: 1, column: 0 }));

    let product = |x: &[f64], y: &mut [f64]| (y[0], y[1]) = (x[0] + x[1], x[0] + x[1]);
    let mut x = [0.0; 2];
    let failed = Gmres::new(2, 5).solve(product, (&mut (), Side::Right), &[1.0, 0.0], &mut x, 1e-10, 50);
    let Err(LinalgError::NoSolution { residual, .. }) = failed else { panic!("{failed:?}") };
    assert!((residual - 0.5_f64.sqrt()).abs() < 1e-12);
}
