//! `A = U Σ Vᵀ` and `A = V Λ Vᵀ`.

use proptest::prelude::*;
use vecfield_linalg::{LinalgError, Lu, dot, eigenvalues, matmul, norm, svd, symmetric_eigen};

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

proptest! {
    /// Eigenvalues put in by a similarity come out; rounding is magnified by the condition of the similarity, below 100 here.
    #[test]
    fn eigenvalues_are_those_put_in(
        pairs in prop::collection::vec((-3.0..3.0_f64, 0.1..3.0_f64), 0..4),
        singles in prop::collection::vec(-3.0..3.0_f64, 1..5),
        mix in prop::collection::vec(-1.0..1.0_f64, 121),
        scale in -3..3_i32,
    ) {
        let n = 2 * pairs.len() + singles.len();
        let mut block = vec![0.0; n * n];
        let mut wanted: Vec<(f64, f64)> = singles.iter().map(|&x| (x, 0.0)).collect();
        for (k, &(re, im)) in pairs.iter().enumerate() {
            let i = 2 * k;
            (block[i * n + i], block[i * n + i + 1]) = (re, im);
            (block[(i + 1) * n + i], block[(i + 1) * n + i + 1]) = (-im, re);
            wanted.extend([(re, im), (re, -im)]);
        }
        for (k, &x) in singles.iter().enumerate() {
            let i = 2 * pairs.len() + k;
            block[i * n + i] = x;
        }
        // A = S B S⁻¹, S dominant and badly scaled.
        let mut s: Vec<f64> = (0..n * n).map(|at| 0.4 * mix[at % 121] / n as f64).collect();
        (0..n).for_each(|i| s[i * n + i] += 1.0);
        s.chunks_mut(n).enumerate().for_each(|(i, row)| row.iter_mut().for_each(|x| *x *= 10.0_f64.powi(scale * (i % 3) as i32)));
        let mut lu = Lu::new(n);
        let transposed = |a: &[f64]| (0..n * n).map(|at| a[(at % n) * n + at / n]).collect::<Vec<f64>>();
        lu.factorize(&transposed(&s)).unwrap();
        let mut product = vec![0.0; n * n];
        matmul(&s, &block, &mut product, [n, n, n]);
        product.chunks_mut(n).for_each(|row| lu.solve(row));
        let mut found: Vec<(f64, f64)> = eigenvalues(&product, n).unwrap().iter().map(|z| (z.re, z.im)).collect();
        prop_assert!(found.windows(2).all(|pair| pair[0].0 >= pair[1].0));
        for (re, im) in wanted {
            let distance = |z: &(f64, f64)| (z.0 - re).hypot(z.1 - im);
            let nearest = (0..found.len()).min_by(|&a, &b| distance(&found[a]).total_cmp(&distance(&found[b]))).unwrap();
            // Close eigenvalues are ill-conditioned together: their errors are roots of rounding.
            prop_assert!(distance(&found[nearest]) < 1e-4, "{re} + {im}i, nearest {:?}", found[nearest]);
            found.swap_remove(nearest);
        }
    }
}

#[test]
fn eigenvalues_of_defective_and_degenerate_matrices() {
    // A Jordan block of size three: the cube root of rounding.
    let jordan = eigenvalues(&[2.0_f64, 1.0, 0.0, 0.0, 2.0, 1.0, 0.0, 0.0, 2.0], 3).unwrap();
    assert!(jordan.iter().all(|z| (z.re - 2.0).hypot(z.im) < 1e-4));
    // A cyclic permutation: the roots of one, on which an unshifted iteration stands still.
    let mut cycle = vec![0.0_f64; 36];
    (0..6).for_each(|i| cycle[i * 6 + (i + 1) % 6] = 1.0);
    for z in eigenvalues(&cycle, 6).unwrap() {
        assert!((z.re.hypot(z.im) - 1.0_f64).abs() < 1e-13);
    }
    assert!(eigenvalues::<f64>(&[], 0).unwrap().is_empty());
    assert_eq!(eigenvalues(&[0.0; 9], 3).unwrap().len(), 3);
    assert!(matches!(eigenvalues(&[1.0, f64::NAN, 0.0, 1.0], 2), Err(LinalgError::NotFinite { row: 0, column: 1 })));
}
