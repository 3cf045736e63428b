//! `PA = LU`, `A = L Lᵀ`, `A P = Q R`: backward errors within their bounds.

use proptest::prelude::*;
use vecfield_linalg::{
    BandedCholesky, Cholesky, Complex, LinalgError, Lu, Qr, dot, gram, least_squares, matmul, matvec, matvec_transpose,
    norm,
};

/// A square matrix of up to 8 rows with entries of order one, and a right-hand side.
fn system() -> impl Strategy<Value = (usize, Vec<f64>, Vec<f64>)> {
    (1..9_usize).prop_flat_map(|n| {
        let entries = prop::collection::vec(-1.0..1.0_f64, n * n);
        (Just(n), entries, prop::collection::vec(-1.0..1.0_f64, n))
    })
}

fn rectangle() -> impl Strategy<Value = (usize, usize, Vec<f64>, Vec<f64>)> {
    (1..12_usize, 1..7_usize).prop_flat_map(|(m, n)| {
        let entries = prop::collection::vec(-1.0..1.0_f64, m * n);
        (Just(m), Just(n), entries, prop::collection::vec(-1.0..1.0_f64, m))
    })
}

/// `‖A x - b‖_∞ ≤ bound · (‖A‖ ‖x‖ + ‖b‖)`: what a backward stable solver leaves, whatever the condition.
fn backward_error(a: &[f64], x: &[f64], b: &[f64]) -> f64 {
    let mut residual = vec![0.0; b.len()];
    matvec(a, x, &mut residual);
    let size = norm(a) * norm(x) + norm(b);
    let left: Vec<f64> = residual.iter().zip(b).map(|(r, b)| r - b).collect();
    norm(&left) / size
}

fn transpose(a: &[f64], m: usize, n: usize) -> Vec<f64> {
    (0..m * n).map(|at| a[(at % m) * n + at / m]).collect()
}

/// `B Bᵀ + I`, safely positive definite.
fn definite(b: &[f64], n: usize) -> Vec<f64> {
    let mut a = vec![0.0; n * n];
    matmul(b, &transpose(b, n, n), &mut a, [n, n, n]);
    for i in 0..n {
        a[i * n + i] += 1.0;
    }
    a
}

proptest! {
    // Growth of partial pivoting at n = 8 is at most 2⁷, in practice below 10: 1e-13 is 500 ε.
    #[test]
    fn lu_solves_backward_stably((n, a, b) in system()) {
        let mut lu = Lu::new(n);
        prop_assume!(lu.factorize(&a).is_ok());
        let mut x = b.clone();
        lu.solve(&mut x);
        prop_assert!(backward_error(&a, &x, &b) < 1e-13);
        let mut x = b.clone();
        lu.solve_transpose(&mut x);
        prop_assert!(backward_error(&transpose(&a, n, n), &x, &b) < 1e-13);
    }

    #[test]
    fn determinant_is_multiplicative((n, a, _) in system(), seed in 0..1000_u32) {
        let b: Vec<f64> = (0..n * n).map(|i| f64::from((i as u32 * 37 + seed * 11) % 19) / 19.0 - 0.4).collect();
        let mut product = vec![0.0; n * n];
        matmul(&a, &b, &mut product, [n, n, n]);
        let det = |m: &[f64]| { let mut lu = Lu::new(n); lu.factorize(m).map(|()| lu.determinant()).unwrap_or(0.0) };
        // Hadamard's bound is the scale on which rounding acts.
        let scale = (0..n).map(|i| norm(&a[i * n..(i + 1) * n])).product::<f64>() * (n as f64).powi(n as i32);
        prop_assert!((det(&product) - det(&a) * det(&b)).abs() < 1e-12 * scale.max(1.0));
    }

    /// A complex system is the real one of twice the size.
    #[test]
    fn complex_lu_agrees_with_the_real_embedding((n, re, b) in system(), shift in 0.5..2.0_f64) {
        let im: Vec<f64> = (0..n * n).map(|at| if at % (n + 1) == 0 { shift } else { 0.3 * re[(at * 7) % (n * n)] }).collect();
        let a: Vec<Complex<f64>> = re.iter().zip(&im).map(|(&re, &im)| Complex::new(re, im)).collect();
        let wide = 2 * n;
        let mut real = vec![0.0; wide * wide];
        for i in 0..n {
            for j in 0..n {
                real[i * wide + j] = re[i * n + j];
                real[i * wide + n + j] = -im[i * n + j];
                real[(n + i) * wide + j] = im[i * n + j];
                real[(n + i) * wide + n + j] = re[i * n + j];
            }
        }
        let mut lu = Lu::new(n);
        prop_assume!(lu.factorize(&a).is_ok());
        let mut x: Vec<Complex<f64>> = b.iter().map(|&b| Complex::new(b, -b)).collect();
        lu.solve(&mut x);
        let flat: Vec<f64> = x.iter().map(|x| x.re).chain(x.iter().map(|x| x.im)).collect();
        let right: Vec<f64> = b.iter().copied().chain(b.iter().map(|b| -b)).collect();
        prop_assert!(backward_error(&real, &flat, &right) < 1e-13);
    }

    #[test]
    fn cholesky_solves_and_inverts((n, b, y) in system()) {
        let a = definite(&b, n);
        let mut cholesky = Cholesky::new(n);
        cholesky.factorize(&a).unwrap();
        let mut x = y.clone();
        cholesky.solve(&mut x);
        prop_assert!(backward_error(&a, &x, &y) < 1e-14);
        let mut half = y.clone();
        cholesky.solve_lower(&mut half);
        prop_assert!((dot(&half, &half) - dot(&x, &y)).abs() < 1e-13 * dot(&y, &y).max(1e-30));
        let (mut inverse, mut unit) = (vec![0.0; n * n], vec![0.0; n * n]);
        cholesky.inverse_into(&mut inverse);
        matmul(&a, &inverse, &mut unit, [n, n, n]);
        for (at, entry) in unit.iter().enumerate() {
            let exact = if at % (n + 1) == 0 { 1.0 } else { 0.0 };
            prop_assert!((entry - exact).abs() < 1e-12);
        }
        let mut lu = Lu::new(n);
        lu.factorize(&a).unwrap();
        prop_assert!((cholesky.log_det() - lu.determinant().ln()).abs() < 1e-11);
    }

    /// On a banded matrix the banded factorisation gives what the dense one gives, the band of the inverse included.
    #[test]
    fn banded_agrees_with_dense(n in 1..12_usize, p in 0..4_usize, entries in prop::collection::vec(-1.0..1.0_f64, 48), b in prop::collection::vec(-1.0..1.0_f64, 12)) {
        let width = p + 1;
        let (mut band, mut dense) = (vec![0.0; n * width], vec![0.0; n * n]);
        for i in 0..n {
            for k in 0..=p.min(i) {
                // Diagonally dominant, hence definite.
                let entry = if k == 0 { 2.0 * width as f64 } else { entries[(i * 4 + k) % 48] };
                band[i * width + k] = entry;
                dense[i * n + i - k] = entry;
                dense[(i - k) * n + i] = entry;
            }
        }
        let (mut banded, mut full) = (BandedCholesky::new(n, p), Cholesky::new(n));
        banded.factorize(&band).unwrap();
        full.factorize(&dense).unwrap();
        let (mut x, mut y) = (b[..n].to_vec(), b[..n].to_vec());
        banded.solve(&mut x);
        full.solve(&mut y);
        for (x, y) in x.iter().zip(&y) {
            prop_assert!((x - y).abs() < 1e-13);
        }
        prop_assert!((banded.log_det() - full.log_det()).abs() < 1e-12);
        let (mut inverse_band, mut inverse) = (vec![0.0; n * width], vec![0.0; n * n]);
        banded.inverse_band_into(&mut inverse_band);
        full.inverse_into(&mut inverse);
        for i in 0..n {
            for k in 0..=p.min(i) {
                prop_assert!((inverse_band[i * width + k] - inverse[i * n + i - k]).abs() < 1e-13);
            }
        }
    }

    #[test]
    fn q_is_orthonormal_and_qr_is_a((m, n, a, b) in rectangle(), pivot in any::<bool>()) {
        let mut qr = Qr::new(m, n);
        if pivot { qr.factorize_pivoted(&a).unwrap() } else { qr.factorize(&a).unwrap() }
        let mut forth = b.clone();
        qr.apply_transpose(&mut forth);
        prop_assert!((norm(&forth) - norm(&b)).abs() < 1e-14 * (1.0 + norm(&b)));
        qr.apply(&mut forth);
        for (x, y) in forth.iter().zip(&b) {
            prop_assert!((x - y).abs() < 1e-14);
        }
        for (k, &j) in qr.order().iter().enumerate() {
            let mut column: Vec<f64> = (0..m).map(|i| if i < m.min(n) { qr.upper(i, k) } else { 0.0 }).collect();
            qr.apply(&mut column);
            for i in 0..m {
                prop_assert!((column[i] - a[i * n + j]).abs() < 1e-14);
            }
        }
        if pivot {
            for k in 1..m.min(n) {
                prop_assert!(qr.upper(k, k).abs() <= qr.upper(k - 1, k - 1).abs() * (1.0 + 1e-14));
            }
        }
    }

    /// At the minimum the residual is orthogonal to every column, whatever the rank.
    #[test]
    fn least_squares_residual_is_orthogonal((m, n, mut a, b) in rectangle(), copy in any::<bool>(), scale in -8..8_i32) {
        if copy && n > 1 {
            a.chunks_mut(n).for_each(|row| row[n - 1] = -3.0 * row[0]);
        }
        a.chunks_mut(n).for_each(|row| row[0] *= 10.0_f64.powi(scale));
        let fit = least_squares(&a, m, n, &b).unwrap();
        prop_assert!(fit.rank <= m.min(n) && fit.rank + fit.dropped.len() == n);
        if copy && n > 1 {
            prop_assert!(fit.rank < n);
        }
        let mut residual = vec![0.0; m];
        matvec(&a, &fit.x, &mut residual);
        residual.iter_mut().zip(&b).for_each(|(r, b)| *r -= b);
        // The solution may be large when the columns are nearly dependent: the bound is that of a backward stable solver.
        let terms: f64 = (0..n).map(|j| fit.x[j].abs() * norm(&(0..m).map(|i| a[i * n + j]).collect::<Vec<_>>())).sum();
        prop_assert!((norm(&residual) - fit.residual_norm).abs() < 1e-12 * (terms + norm(&b)));
        let mut slope = vec![0.0; n];
        matvec_transpose(&a, &residual, &mut slope);
        for j in 0..n {
            let length = norm(&(0..m).map(|i| a[i * n + j]).collect::<Vec<_>>());
            prop_assert!(slope[j].abs() <= 1e-11 * length * (terms + norm(&b)), "column {j}: {}", slope[j]);
        }
    }

    #[test]
    fn gram_is_the_product_with_the_transpose((m, n, a, _) in rectangle()) {
        let (mut g, mut product) = (vec![0.0; n * n], vec![0.0; n * n]);
        gram(&a, n, &mut g);
        matmul(&transpose(&a, m, n), &a, &mut product, [n, m, n]);
        for (x, y) in g.iter().zip(&product) {
            prop_assert!((x - y).abs() < 1e-14);
        }
    }
}

#[test]
fn a_singular_matrix_names_its_column() {
    let mut lu = Lu::new(3);
    let dependent = [1.0, 2.0, 1.0, 2.0, 4.0, 5.0, 3.0, 6.0, 2.0];
    assert_eq!(lu.factorize(&dependent), Err(LinalgError::Singular { column: 1 }));
    let broken = [1.0, 2.0, f64::NAN, 4.0, 5.0, 6.0, 7.0, 8.0, 1.0];
    assert!(matches!(lu.factorize(&broken), Err(LinalgError::NotFinite { .. })));
    let mut cholesky = Cholesky::new(2);
    assert_eq!(
        cholesky.factorize(&[1.0, 2.0, 2.0, 1.0]),
        Err(LinalgError::NotPositiveDefinite { row: 1, pivot: -3.0 })
    );
    assert!(matches!(
        least_squares(&[1.0, f64::NAN], 2, 1, &[0.0, 0.0]),
        Err(LinalgError::NotFinite { row: 1, column: 0 })
    ));
}

#[test]
fn norms_neither_overflow_nor_underflow() {
    for scale in [1e200_f64, 1e-200] {
        assert!((norm(&[3.0 * scale, 4.0 * scale]) / scale - 5.0).abs() < 1e-14);
    }
    assert!(norm(&[f64::NAN, 1.0]).is_nan());
}
