//! Values of any size: masses of stars and charges of electrons, columns that are constant or the same as others.

use proptest::prelude::*;
use vecfield_symreg::{Symreg, Table};

use crate::search::spread;

fn settings() -> Symreg {
    Symreg { expressions: 400, generations: 4, ..Symreg::default() }
}

fn table(names: &[&str], columns: Vec<Vec<f64>>, law: impl Fn(&[f64]) -> f64) -> Table {
    let row = |at: usize| columns.iter().map(|column| column[at]).collect::<Vec<f64>>();
    let y = (0..columns[0].len()).map(|at| law(&row(at))).collect();
    Table::new(names.iter().map(|name| name.to_string()).collect(), columns, y).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// A law of powers is found in whatever units its variables are.
    #[test]
    fn powers_are_found_in_any_unit(a in -30..30_i32, b in -30..30_i32, c in -30..30_i32) {
        let [x, z] = spread(40);
        let scaled = |column: Vec<f64>, power: i32| column.iter().map(|u| (0.5 + 1.5 * u) * 10_f64.powi(power)).collect();
        let table = table(&["x", "z"], vec![scaled(x, a), scaled(z, b)], |row| 3.7 * 10_f64.powi(c) * row[0] / (row[1] * row[1]));
        let search = settings().search(&table, &mut |_| true);
        prop_assert!(search.best().r2 > 1.0 - 1e-12, "{:?}", search.best());
    }
}

#[test]
fn columns_that_say_nothing_do_not_matter() {
    let [x, z] = spread(40);
    let names = ["one", "x", "again", "z", "nothing"];
    let columns = vec![vec![1.0; 40], x.clone(), x, z, vec![0.0; 40]];
    let table = table(&names, columns, |row| 2.5 * row[1] * row[3] + row[3].exp());
    let search = settings().search(&table, &mut |_| true);
    assert!(search.best().r2 > 1.0 - 1e-12, "{:?}", search.best());
    let values = search.predict(search.best(), table.columns());
    assert!(values.iter().zip(table.target()).all(|(value, y)| (value - y).abs() < 1e-9));
}
