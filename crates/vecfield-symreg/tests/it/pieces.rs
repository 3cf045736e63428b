//! Laws in pieces: steps, ramps and choices, with the values found at which they begin.

use vecfield_laws::threads_do_not_matter;
use vecfield_symreg::{Symreg, Table};

use crate::search::spread;

/// Of two variables: the first goes from 0 to 4, the second from 0 to 2.
fn table(law: impl Fn(f64, f64) -> f64) -> Table {
    let [x, z] = spread(80);
    let (x, z): (Vec<f64>, Vec<f64>) = (x.iter().map(|x| 4.0 * x).collect(), z.iter().map(|z| 2.0 * z).collect());
    let y = x.iter().zip(&z).map(|(&x, &z)| law(x, z)).collect();
    Table::new(vec!["x".into(), "z".into()], vec![x, z], y).unwrap()
}

fn settings(operators: &str) -> Symreg {
    Symreg { operators: operators.parse().unwrap(), expressions: 1500, generations: 6, ..Symreg::default() }
}

fn found(operators: &str, law: impl Fn(f64, f64) -> f64) -> String {
    let search = settings(operators).search(&table(law), &mut |_| true);
    search.best().expression.clone()
}

#[test]
fn a_step_is_where_it_begins() {
    let law = |x: f64, z: f64| z * z + if x > 1.3 { 2.5 } else { 0.0 };
    assert_eq!(found("+,-,*,>", law), "z^2 + 2.5*(x > 1.3)");
}

#[test]
fn a_choice_has_both_sides() {
    let law = |x: f64, z: f64| if x > 2.0 { 3.0 * x - z } else { 5.0 };
    assert_eq!(found("+,-,*,>,cond", law), "if(x > 2, 3*x - z, 5)");
}

#[test]
fn a_ramp_begins_between_rows() {
    let law = |x: f64, z: f64| z + 1.5 * (1.234 - x).max(0.0);
    assert_eq!(found("+,-,*,min", law), "z - 1.5*min(x, 1.234) + 1.851");
    // Either a ramp or a choice of two slopes that meet.
    let search = settings("+,-,*,>,cond").search(&table(law), &mut |_| true);
    let values = search.predict(search.best(), table(law).columns());
    assert!(search.best().expression.contains("x < 1.23") || search.best().expression.contains("x > 1.23"));
    assert!(values.iter().zip(table(law).target()).all(|(value, y)| (value - y).abs() < 1e-10));
}

#[test]
fn sides_of_other_functions() {
    let law = |x: f64, z: f64| if z > 0.8 { x.sin() } else { x * z };
    assert_eq!(found("+,-,*,/,sin,>,cond", law), "if(z < 0.8, z*x, sin(x))");
}

#[test]
fn threads_do_not_matter_to_pieces() {
    let table = table(|x, z| if x > 2.0 { 3.0 * x - z } else { 5.0 });
    let front = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| settings("+,-,*,>,cond").search(&table, &mut |_| true).front().to_vec())
    };
    threads_do_not_matter(&[1, 2], front).unwrap();
}
