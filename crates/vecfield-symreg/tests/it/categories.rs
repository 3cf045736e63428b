//! One formula for rows of several kinds: which numbers are shared, which are not, and what they are.

use proptest::prelude::*;
use vecfield_laws::threads_do_not_matter;
use vecfield_symreg::{Categories, SearchByCategory, Symreg, SymregError};

fn settings() -> Symreg {
    Symreg { expressions: 300, generations: 0, ..Symreg::default() }
}

/// Rows of so many kinds, in turn; `y = f(kind, x)`.
fn categories(kinds: usize, rows: usize, f: impl Fn(usize, f64) -> f64) -> Categories {
    let kind: Vec<f64> = (0..rows).map(|i| (i % kinds) as f64 * 10.0).collect();
    let x: Vec<f64> = (0..rows).map(|i| 0.2 + 3.0 * (i as f64 * 0.618_034).fract()).collect();
    let y = x.iter().enumerate().map(|(i, &x)| f(i % kinds, x)).collect();
    Categories::new(vec!["x".into()], vec![x], y, vec![1.0; rows], &kind).unwrap()
}

fn values(search: &SearchByCategory, parameter: usize) -> Vec<f64> {
    search.best().parameters[parameter].values.iter().map(|number| number.value).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    /// What differs is each category's own, what does not is one number, whatever the values are.
    #[test]
    fn numbers_are_shared_where_they_are_the_same(
        more in prop::collection::vec(0.1..1.0_f64, 4),
        rate in 0.3..1.5_f64,
        seed in 0.0..6.0_f64,
    ) {
        let sizes: Vec<f64> = more.iter().enumerate().map(|(k, more)| k as f64 + more).collect();
        // As good as chance.
        let noise = |x: f64| 1e-3 * ((43_758.545 * (seed + 12.9898 * x).sin()).rem_euclid(1.0) - 0.5);
        let found = settings().search_by_category(&categories(4, 120, |kind, x| sizes[kind] * (-rate * x).exp() + noise(x)), &mut |_| true);
        let best = found.best();
        prop_assert!(best.parameters.len() == 1, "{best:?}");
        // Whatever the formula's form is.
        for (kind, size) in sizes.iter().enumerate() {
            for (x, value) in [0.5, 1.5, 2.5].iter().zip(found.predict(best, kind, &[vec![0.5, 1.5, 2.5]])) {
                prop_assert!((value - size * (-rate * x).exp()).abs() < 2e-3, "{best:?}");
            }
        }
        prop_assert!(best.parameters[0].values.iter().all(|number| number.stderr > 0.0 && number.stderr < 0.05));
    }
}

#[test]
fn numbers_inside_functions_differ_too() {
    let rates = [0.4, 0.9, 1.7];
    let found =
        settings().search_by_category(&categories(3, 90, |kind, x| 2.5 * (rates[kind] * x).sin() + 0.7), &mut |_| true);
    let best = found.best();
    assert!(best.found.r2 > 1.0 - 1e-12 && best.parameters.len() == 1, "{best:?}");
    let got = values(&found, 0);
    assert!(got.iter().zip(rates).all(|(got, rate)| (got.abs() - rate).abs() < 1e-6), "{best:?}");
    // And at points of its own.
    let at = [0.3, 1.1, 2.9];
    for (kind, rate) in rates.iter().enumerate() {
        for (x, value) in at.iter().zip(found.predict(best, kind, &[at.to_vec()])) {
            assert!((value - 2.5 * (rate * x).sin() - 0.7).abs() < 1e-6, "{best:?}");
        }
    }
}

#[test]
fn categories_that_are_alike_are_one() {
    let found = settings().search_by_category(&categories(3, 60, |_, x| 3.0 * x * x + 1.0), &mut |_| true);
    let best = found.best();
    assert!(best.parameters.is_empty() && best.found.expression == "3*x^2 + 1", "{best:?}");
}

#[test]
fn a_search_by_category_that_is_cut_has_a_result_and_threads_change_nothing() {
    let categories = categories(3, 60, |kind, x| (1.0 + kind as f64) * x.sqrt() + 0.01 * (37.0 * x).sin());
    let cut = settings().search_by_category(&categories, &mut |progress| progress.share < 0.02);
    assert!(cut.cut() && !cut.front().is_empty());
    let front = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let search = pool.install(|| settings().search_by_category(&categories, &mut |_| true));
        // Errors that are not known are not equal.
        format!("{:?}", search.front())
    };
    threads_do_not_matter(&[1, 2], front).unwrap();
}

#[test]
fn categories_that_cannot_be_told_apart_are_refused() {
    let of = |kind: &[f64]| {
        let x: Vec<f64> = (0..kind.len()).map(|i| i as f64).collect();
        Categories::new(vec!["x".into()], vec![x.clone()], x, vec![1.0; kind.len()], kind)
    };
    assert_eq!(of(&[1.0; 8]).unwrap_err(), SymregError::OneCategory);
    let small = of(&[1.0, 1.0, 1.0, 1.0, 2.0, 2.0, f64::NAN]).unwrap_err();
    assert_eq!(small, SymregError::SmallCategory { label: 2.0, rows: 2, least: 4 });
}
