//! `A = U Σ Vᵀ` and `A = V Λ Vᵀ`.

use proptest::prelude::*;
use vecfield_linalg::{LinalgError, dot, norm, svd, symmetric_eigen};

fn orthonormal(rows: &[f64], length: usize) -> Result<(), TestCaseError> {
    let rows: Vec<&[f64]> = rows.chunks(length).collect();
    for (i, x) in rows.iter().enumerate() {
        for (j, y) in rows.iter().enumerate() {
            let exact = if i == j { 1.0 } else { 0.0 };
            prop_assert!((dot(x, y) - exact).abs() < 1e-13, "rows {i} and {j}: {}", dot(x, y));
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn singular_vectors_rebuild_the_matrix(m in 1..9_usize, n in 1..9_usize, entries in prop::collection::vec(-1.0..1.0_f64, 64), rank in 0..9_usize) {
        // Columns beyond `rank` repeat earlier ones (or are zero), so that null spaces are met too.
        let a: Vec<f64> = (0..m * n).map(|at| { let (i, j) = (at / n, at % n); if j < rank { entries[i * 8 + j] } else if rank == 0 { 0.0 } else { entries[i * 8 + j % rank] } }).collect();
        let decomposition = svd(&a, m, n).unwrap();
        let k = m.min(n);
        orthonormal(&decomposition.u_transposed, m)?;
        orthonormal(&decomposition.v_transposed, n)?;
        prop_assert!(decomposition.sigma.windows(2).all(|pair| pair[0] >= pair[1]));
        prop_assert!(decomposition.rank(1e-13) <= rank.min(k));
        for i in 0..m {
            for j in 0..n {
                let sum: f64 = (0..k).map(|l| decomposition.u_transposed[l * m + i] * decomposition.sigma[l] * decomposition.v_transposed[l * n + j]).sum();
                prop_assert!((sum - a[i * n + j]).abs() < 1e-13);
            }
        }
    }

    #[test]
    fn eigenvectors_stay_in_their_direction(n in 1..9_usize, entries in prop::collection::vec(-1.0..1.0_f64, 64), rank in 0..9_usize) {
        // Indefinite of every rank: Σ ± b bᵀ.
        let a: Vec<f64> = (0..n * n).map(|at| (0..rank.min(8)).map(|l| if l % 2 == 0 { 1.0 } else { -1.0 } * entries[l * 8 + at / n] * entries[l * 8 + at % n]).sum()).collect();
        let eigen = symmetric_eigen(&a, n).unwrap();
        orthonormal(&eigen.vectors, n)?;
        prop_assert!(eigen.values.windows(2).all(|pair| pair[0] <= pair[1]));
        for (k, &value) in eigen.values.iter().enumerate() {
            let vector = eigen.vector(k);
            let left: Vec<f64> = (0..n).map(|i| dot(&a[i * n..(i + 1) * n], vector) - value * vector[i]).collect();
            prop_assert!(norm(&left) < 1e-13);
        }
        let trace: f64 = (0..n).map(|i| a[i * n + i]).sum();
        prop_assert!((trace - eigen.values.iter().sum::<f64>()).abs() < 1e-13);
    }
}

#[test]
fn hilbert_matrix_keeps_its_smallest_eigenvalue() {
    // Eigenvalues of the 6 × 6 Hilbert matrix span seven digits; smallest from Fettis–Caslin 1967: 1.0827994845e-7.
    let n = 6;
    let a: Vec<f64> = (0..n * n).map(|at| 1.0 / ((at / n + at % n + 1) as f64)).collect();
    let smallest = symmetric_eigen(&a, n).unwrap().values[0];
    assert!((smallest / 1.082_799_484_5e-7 - 1.0).abs() < 1e-8, "{smallest:e}");
    assert!((svd(&a, n, n).unwrap().sigma[n - 1] / smallest - 1.0).abs() < 1e-8);
}

#[test]
fn refuses_what_is_not_finite() {
    assert_eq!(svd(&[1.0, f64::INFINITY], 1, 2), Err(LinalgError::NotFinite { row: 0, column: 1 }));
    assert!(symmetric_eigen(&[f64::NAN], 1).is_err());
    assert_eq!(svd::<f64>(&[], 0, 3).unwrap().sigma, vec![0.0; 0]);
}
