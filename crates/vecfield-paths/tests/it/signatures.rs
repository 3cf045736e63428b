//! Signatures against iterated integrals, Chen's identity, shuffles; log-signatures back and forth.

use proptest::prelude::*;
use vecfield_paths::{LogSignatures, TensorAlgebra};

fn points(channels: usize, most: usize) -> impl Strategy<Value = Vec<f64>> {
    (2..=most).prop_flat_map(move |rows| prop::collection::vec(-1.0..1.0_f64, rows * channels))
}

/// `∫_{0<u₁<..<u_k<1} dX^{i₁} .. dX^{i_k}` as it is written: integrals of integrals, polynomials of the fraction of every piece.
fn iterated_integral(points: &[f64], channels: usize, word: &[usize]) -> f64 {
    let rows = points.len() / channels;
    // The inner integral so far: one polynomial a piece, of value one for the empty word.
    let mut inner: Vec<Vec<f64>> = vec![vec![1.0]; rows - 1];
    let mut total = 0.0;
    for &letter in word {
        total = 0.0;
        for (piece, polynomial) in inner.iter_mut().enumerate() {
            let rise = points[(piece + 1) * channels + letter] - points[piece * channels + letter];
            let integrated = polynomial.iter().enumerate().map(|(k, c)| rise * c / (k as f64 + 1.0));
            *polynomial = [total].into_iter().chain(integrated).collect();
            total = polynomial.iter().sum();
        }
    }
    total
}

fn words(channels: usize, length: usize) -> Vec<Vec<usize>> {
    (0..length).fold(vec![vec![]], |words, _| {
        words.iter().flat_map(|word| (0..channels).map(move |letter| [&word[..], &[letter]].concat())).collect()
    })
}

proptest! {
    /// To depth 5, every word; sums of a few dozen products of numbers below one hundred: 1e-12 is a thousand roundings.
    #[test]
    fn signatures_are_iterated_integrals(points in points(2, 9)) {
        let algebra = TensorAlgebra::new(2, 5).unwrap();
        let signature = algebra.of_points(&points);
        for word in (1..=5).flat_map(|length| words(2, length)) {
            let (found, direct) = (signature[algebra.place(&word)], iterated_integral(&points, 2, &word));
            prop_assert!((found - direct).abs() < 1e-12 * (1.0 + direct.abs()), "{word:?}: {found}, {direct}");
        }
    }

    #[test]
    fn signatures_of_three_channels_are_too(points in points(3, 6)) {
        let algebra = TensorAlgebra::new(3, 4).unwrap();
        let signature = algebra.of_points(&points);
        for word in (1..=4).flat_map(|length| words(3, length)) {
            let (found, direct) = (signature[algebra.place(&word)], iterated_integral(&points, 3, &word));
            prop_assert!((found - direct).abs() < 1e-12 * (1.0 + direct.abs()), "{word:?}: {found}, {direct}");
        }
    }

    /// Chen: two ways one behind the other.
    #[test]
    fn ways_are_chained(a in points(3, 6), b in points(3, 6)) {
        let algebra = TensorAlgebra::new(3, 4).unwrap();
        let last = &a[a.len() - 3..];
        let moved: Vec<f64> = b.iter().enumerate().map(|(i, x)| x - b[i % 3] + last[i % 3]).collect();
        let both = algebra.of_points(&[&a[..], &moved[3..]].concat());
        let mut chained = vec![0.0; algebra.len()];
        algebra.chain(&algebra.of_points(&a), &algebra.of_points(&b), &mut chained);
        for (both, chained) in both.iter().zip(&chained) {
            prop_assert!((both - chained).abs() < 1e-11 * (1.0 + both.abs()));
        }
    }

    /// There and back again is nowhere.
    #[test]
    fn a_way_and_its_way_back_cancel(points in points(2, 7)) {
        let back: Vec<f64> = points.chunks(2).rev().skip(1).flatten().copied().collect();
        let log = LogSignatures::new(2, 4).unwrap();
        for term in log.of_points(&[points, back].concat()).unwrap() {
            prop_assert!(term.abs() < 1e-11, "{term}");
        }
    }

    /// The brackets of the terms sum to the logarithm, every word of it, and its exponential is the signature.
    #[test]
    fn log_signatures_say_all(points in points(3, 6)) {
        let log = LogSignatures::new(3, 4).unwrap();
        let algebra = log.algebra();
        let signature = algebra.of_points(&points);
        let (mut tensor, mut back) = (vec![0.0; algebra.len()], vec![0.0; algebra.len()]);
        log.to_tensor(&log.of_points(&points).unwrap(), &mut tensor);
        algebra.exponential(&tensor, &mut back);
        for (found, expected) in back.iter().zip(&signature) {
            prop_assert!((found - expected).abs() < 1e-11 * (1.0 + expected.abs()));
        }
    }

    /// The log-signature to depth 4 from direct iterated integrals: `ln(1 + x)` word by word, and the smallest words first.
    #[test]
    fn log_signatures_are_those_of_direct_integrals(points in points(2, 8)) {
        let log = LogSignatures::new(2, 4).unwrap();
        let algebra = log.algebra();
        let mut direct = vec![0.0; algebra.len()];
        for word in (1..=4).flat_map(|length| words(2, length)) {
            direct[algebra.place(&word)] = iterated_integral(&points, 2, &word);
        }
        let mut expected = vec![0.0; log.len()];
        log.of_signature(&direct, &mut expected);
        // The first terms are known in closed form.
        let s = |word: &[usize]| iterated_integral(&points, 2, word);
        let area = 0.5 * (s(&[0, 1]) - s(&[1, 0]));
        prop_assert!((expected[2] - area).abs() < 1e-12);
        // [0, [0, 1]] = 001 - 2·010 + 100, whose coefficient is that of 001 in the logarithm.
        let third = s(&[0, 0, 1]) - 0.5 * (s(&[0]) * s(&[0, 1]) + s(&[0, 0]) * s(&[1])) + s(&[0]) * s(&[0]) * s(&[1]) / 3.0;
        prop_assert!((expected[3] - third).abs() < 1e-12 * (1.0 + third.abs()));
        for (found, expected) in log.of_points(&points).unwrap().iter().zip(&expected) {
            prop_assert!((found - expected).abs() < 1e-12 * (1.0 + expected.abs()), "{found}, {expected}");
        }
    }
}

/// Witt's formula: `1/k Σ_{e | k} μ(k/e) dᵉ` terms of level `k`.
#[test]
fn there_are_as_many_terms_as_brackets() {
    for (channels, counts) in [(2, [2, 1, 2, 3, 6]), (3, [3, 3, 8, 18, 48]), (7, [7, 21, 112, 588, 3360])] {
        let log = LogSignatures::new(channels, if channels == 7 { 4 } else { 5 }).unwrap();
        for (level, count) in counts.iter().enumerate().take(log.algebra().depth()) {
            assert_eq!(log.words().iter().filter(|word| word.len() == level + 1).count(), *count);
        }
    }
}
