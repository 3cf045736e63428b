//! What units say of formulas: none of a front breaks them, and there is less to look at.

use proptest::prelude::*;
use vecfield_expr::Unit;
use vecfield_symreg::{Numbers, Search, Symreg, SymregError, Table, Units};

use crate::search::{evolving, spread, table};

type Law3 = fn(f64, f64, f64) -> f64;
type Law2 = fn(f64, f64) -> f64;

/// Rows of two variables, and of a third that goes its own way.
fn three(f: impl Fn(f64, f64, f64) -> f64) -> Table {
    let [x, y] = spread(60).map(|column| column.iter().map(|u| 0.5 + 1.5 * u).collect::<Vec<f64>>());
    let z: Vec<f64> = (0..60).map(|k| 1.0 + (0.37 * f64::from(k)).fract()).collect();
    let target = (0..60).map(|i| f(x[i], y[i], z[i])).collect();
    Table::new(["x", "y", "z"].map(String::from).into(), vec![x, y, z], target).unwrap()
}

#[track_caller]
fn all_agree(search: &Search, units: &Units, table: &Table) {
    for found in search.front() {
        let (graph, formula) = search.formula(found);
        let unit = units.of_formula(graph, formula, table.names());
        let unit = unit.unwrap_or_else(|e| panic!("{}: {e}", found.expression));
        if let (Some(unit), Some(target)) = (unit, units.target()) {
            assert_eq!(&unit, target, "{}", found.expression);
        }
    }
}

fn numbers() -> impl Strategy<Value = Numbers> {
    prop_oneof![Just(Numbers::Any), Just(Numbers::Pure)]
}

fn read(text: &str, numbers: Numbers, table: &Table) -> Units {
    let units = Units::parse(text, "q", table).unwrap();
    if numbers == Numbers::Pure { units.with_pure_numbers() } else { units }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// Whatever the data are and whatever the units: enumeration, relations, opened numbers and evolution keep to them.
    #[test]
    fn every_formula_of_a_front_agrees(
        seed in 0..1000_u64, a in 0.3..3.0_f64, law in 0..4_usize, numbers in numbers(),
        units in prop::sample::select(vec![
            "x: m; y: s; q: m/s", "x: m; y: m; z: s; q: m", "x: m; y: s; z: 1; q: 1", "x: kg; y: m/s; z: m; q: kg*m^2/s^2",
            "x: m; y: s", "x: m; z: m; q: s", "q: K", "x: m; y: m; z: m; q: 1/m^2",
        ]),
    ) {
        let laws: [Law3; 4] = [
            |x, y, z| x / y + 0.1 * z,
            |x, y, z| x.sin() * y + (z * y).exp(),
            |x, y, z| (x * x + y * z).sqrt(),
            |x, y, z| x * y * y / (x + z),
        ];
        let noise = |x: f64, y: f64| 0.01 * (31.0 * x * y).sin();
        let table = three(|x, y, z| laws[law](a * x, y, z) + noise(x, y));
        let units = read(units, numbers, &table);
        let search = Symreg { units: Some(units.clone()), ..evolving(5, seed) }.search(&table, &mut |_| true);
        all_agree(&search, &units, &table);
        prop_assert!(search.front().iter().all(|found| found.loss.is_finite()));
    }

    /// What units are called is all one.
    #[test]
    fn the_name_of_a_unit_does_not_matter(seed in 0..1000_u64, numbers in numbers(), a in 0.3..3.0_f64) {
        let table = three(|x, y, z| a * x / (y + z) + 0.01 * (31.0 * x * y).sin());
        let front = |text: &str| {
            let units = Some(read(text, numbers, &table));
            Symreg { units, ..evolving(4, seed) }.search(&table, &mut |_| true).front().to_vec()
        };
        prop_assert_eq!(front("x: m; y: s; z: s; q: m/s"), front("x: zoll; y: ahour; z: ahour; q: zoll/ahour"));
    }
}

/// The law is found either way, with units by fewer evaluations.
#[test]
fn units_save_evaluations() {
    let laws: [(&str, Law3); 3] = [
        ("x: m; y: m; z: kg; q: kg*m^2", |x, y, z| 0.5 * z * x * x + 0.25 * z * y * y),
        ("x: m; y: m/s; z: s; q: m", |x, y, z| (x * x + 0.7 * y * y * z * z).sqrt()),
        ("x: m; y: m; z: K; q: K", |x, y, z| z * (x / y).sin() + 0.3 * z),
    ];
    for (text, law) in laws {
        let table = three(law);
        let units = read(text, Numbers::Pure, &table);
        let free = evolving(60, 0).search(&table, &mut |_| true);
        let bound = Symreg { units: Some(units.clone()), ..evolving(60, 0) }.search(&table, &mut |_| true);
        all_agree(&bound, &units, &table);
        for search in [&free, &bound] {
            assert!(search.best().r2 > 1.0 - 1e-12, "{text}: {}", search.best().expression);
        }
        let (fewer, more) = (bound.evaluations(), free.evaluations());
        assert!(fewer < more, "{text}: {fewer} with units, {more} without");
    }
}

/// Numbers with units stand where units ask for them: inside functions, before exponentials, and where they are one.
#[test]
fn numbers_carry_units_where_they_may() {
    let laws: [(&str, Law2); 3] = [
        ("x: m; y: s; q: m", |x, y| x + y),
        ("x: m; y: s; q: kg", |x, y| 1.4 * (-0.7 * x).exp() * (1.9 * y).sin()),
        ("x: m; y: s; q: kg", |x, y| (0.4 * x + 0.3 * y * y).exp()),
    ];
    for (text, law) in laws {
        let table = table(0.5, 3.0, law);
        let units = read(text, Numbers::Any, &table);
        let search = Symreg { units: Some(units.clone()), ..Symreg::default() }.search(&table, &mut |_| true);
        all_agree(&search, &units, &table);
        assert!(search.best().r2 > 1.0 - 1e-10, "{text}: {}", search.best().expression);
    }
}

/// Nothing but zero has the unit of any target.
#[test]
fn pure_numbers_alone_are_no_lengths() {
    let table = table(0.5, 3.0, |x, y| x * y + 1.0);
    let units = read("x: s; y: s; q: m", Numbers::Pure, &table);
    let search = Symreg { units: Some(units), ..evolving(3, 0) }.search(&table, &mut |_| true);
    assert_eq!(search.front().iter().map(|found| &found.expression[..]).collect::<Vec<_>>(), ["0"]);
}

#[test]
fn units_that_cannot_be_used_are_refused() {
    let table = table(0.5, 3.0, |x, y| x * y);
    let refused = |text: &str| Units::parse(text, "q", &table).unwrap_err();
    assert!(refused("x: m; qq: s").to_string().contains("did you mean `q`?"));
    assert!(matches!(refused("x: m + s"), SymregError::UnitSyntax { text, .. } if text == "x: m + s"));
    assert!(matches!(refused("x m"), SymregError::UnitSyntax { .. }));
    assert!(matches!(refused(" ; "), SymregError::UnitSyntax { .. }));
    assert_eq!(refused("x: m; x: s"), SymregError::UnitTwice { name: "x".into() });
    assert!(matches!(refused("x: a*b*c*d*e; y: f*g*h*i"), SymregError::TooManyUnits { most: 8, .. }));
    let units = Units::new(vec![("q".into(), Unit::parse("m").unwrap())], "q", &table).unwrap();
    assert_eq!((units.variables(), units.numbers()), (&[None, None][..], Numbers::Any));
}
