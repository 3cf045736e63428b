//! Several targets: each has its formula, and what the formulas share is found and written once.

use proptest::prelude::*;
use vecfield_symreg::{Symreg, Table};

use crate::search::{spread, value};

fn tables(f: impl Fn(f64, f64) -> f64, g: impl Fn(f64, f64) -> f64) -> [Table; 2] {
    let [x, y] = spread(80).map(|column| column.into_iter().map(|x| 0.5 + 2.0 * x).collect::<Vec<f64>>());
    let of = |f: &dyn Fn(f64, f64) -> f64| {
        let z = x.iter().zip(&y).map(|(&x, &y)| f(x, y)).collect();
        Table::new(vec!["x".into(), "y".into()], vec![x.clone(), y.clone()], z).unwrap()
    };
    [of(&f), of(&g)]
}

fn settings() -> Symreg {
    Symreg { expressions: 1500, generations: 0, ..Symreg::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    /// Both are found, and a part with a number in it that is the same in both is one, though noise gives each search a number of its own.
    #[test]
    fn what_formulas_share_has_one_number(rate in 0.4..1.6_f64, size in 0.5..2.0_f64, noise in 0.0..1e-3_f64) {
        let chance = |x: f64, y: f64| noise * ((43_758.545 * (12.9898 * x + 78.233 * y).sin()).rem_euclid(1.0) - 0.5);
        let tables = tables(
            |x, y| size * (rate * x).sin() + 1.0 + chance(x, y),
            |x, y| y * (rate * x).sin() + chance(y, x),
        );
        let together = settings().search_together(&tables, &mut |_| true);
        let chosen = together.chosen();
        for (x, y) in [(0.7, 2.2), (1.9, 0.8), (2.4, 1.5)] {
            prop_assert!((value(&chosen[0], x, y) - size * (rate * x).sin() - 1.0).abs() < 0.02, "{:?}", together.written());
            prop_assert!((value(&chosen[1], x, y) - y * (rate * x).sin()).abs() < 0.02, "{:?}", together.written());
        }
        prop_assert!(together.shared().iter().any(|(_, part)| part.starts_with("sin(")), "{:?} {:?}", together.shared(), together.written());
        prop_assert!(together.written().iter().all(|formula| formula.contains('s')));
    }
}

#[test]
fn formulas_that_share_nothing_are_those_found_alone() {
    let tables = tables(|x, y| x * x + y, |x, y| (x * y).sqrt() - 2.0);
    let together = settings().search_together(&tables, &mut |_| true);
    for (table, found) in tables.iter().zip(together.chosen()) {
        assert_eq!(found, settings().search(table, &mut |_| true).best());
    }
    assert!(together.shared().is_empty());
    let code = together.rust(&["u", "v"]);
    assert!(code.starts_with("let u = ") && code.contains("\nlet v = ") && code.contains(".sqrt()"), "{code}");
}

#[test]
fn what_is_shared_is_written_before_it_is_used() {
    let tables = tables(|x, y| (x * y).sin() - x, |x, y| 2.0 * (-x * y).exp());
    let together = settings().search_together(&tables, &mut |_| true);
    let (shared, code) = (together.shared(), together.rust(&["u", "v"]));
    for (name, _) in &shared {
        let defined = code.find(&format!("let {name} =")).unwrap();
        let used = code.match_indices(name.as_str()).map(|(at, _)| at).find(|at| *at > defined + 4);
        assert!(used.is_some(), "{code}");
    }
    assert!(together.chosen().iter().all(|found| found.r2 > 1.0 - 1e-12), "{:?}", together.written());
}
