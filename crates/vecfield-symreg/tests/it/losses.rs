//! Losses that are no squares: what is found is least by the loss that was asked for.

use proptest::prelude::*;
use vecfield_laws::threads_do_not_matter;
use vecfield_symreg::{Checkpoint, Loss, Symreg, Table};

use crate::search::spread;

fn with_loss(text: &str, table: &Table, generations: usize) -> Symreg {
    let loss = Some(Loss::parse(text, table).unwrap());
    Symreg { expressions: 200, generations, loss, ..Symreg::default() }
}

fn points() -> [Vec<f64>; 2] {
    spread(90).map(|column| column.into_iter().map(|x| 0.5 + 2.5 * x).collect())
}

fn right(x: f64, y: f64) -> f64 {
    2.0 * (1.5 * x).sin() * y + 0.5 * x
}

/// Waves over a slope, of which one row in ten is wrong by as much as the whole.
fn with_outliers() -> Table {
    let [x, y] = points();
    let z = (x.iter().zip(&y).enumerate())
        .map(|(i, (&x, &y))| right(x, y) + if i % 10 == 2 { 5.0 + f64::from(i as u32 % 7) } else { 0.0 })
        .collect();
    Table::new(vec!["x".into(), "y".into()], vec![x, y], z).unwrap()
}

#[test]
fn rows_that_are_wrong_do_not_matter_where_large_errors_cost_little_more() {
    let table = with_outliers();
    let search = with_loss("log(1 + ((predicted - target)/0.001)^2)", &table, 40).search(&table, &mut |_| true);
    let ([x, y], best) = (points(), search.best());
    let values = search.predict(best, &[x.clone(), y.clone()]);
    for ((x, y), value) in x.iter().zip(&y).zip(values) {
        let right = right(*x, *y);
        // Errors far below a thousandth cost nothing to speak of.
        assert!((value - right).abs() < 0.01, "{}: {value} for {right}", best.expression);
    }
}

#[test]
fn a_search_with_a_loss_goes_on_as_if_it_had_never_stopped() {
    let table = with_outliers();
    let settings = with_loss("abs(predicted - target)", &table, 8);
    let whole = settings.search(&table, &mut |_| true);
    for until in [0.35, 0.8] {
        let cut = settings.search(&table, &mut |progress| progress.share < until);
        let Some(checkpoint) = cut.checkpoint() else { continue };
        let read = Checkpoint::parse(&checkpoint.to_text(), &table).unwrap();
        assert_eq!(&read, checkpoint);
        let rest = settings.resume(&table, &read, &mut |_| true);
        assert_eq!((rest.front(), rest.evaluations()), (whole.front(), whole.evaluations()), "cut at {until}");
    }
}

#[test]
fn threads_change_nothing_with_a_loss() {
    let table = with_outliers();
    let settings = with_loss("abs(predicted - target)^1.2", &table, 8);
    let front = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| settings.search(&table, &mut |_| true).front().to_vec())
    };
    threads_do_not_matter(&[1, 2, 3], front).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// As many rows lie below a quantile as it says.
    #[test]
    fn quantiles_part_the_rows(quantile in 0.15..0.85_f64, slope in 0.5..3.0_f64) {
        let x: Vec<f64> = (0..200).map(|i| 0.02 * f64::from(i)).collect();
        let y: Vec<f64> = x.iter().enumerate().map(|(i, x)| slope * x + (f64::from(i as u32) * 0.618_034).fract()).collect();
        let table = Table::new(vec!["x".into()], vec![x.clone()], y.clone()).unwrap();
        let text = format!("max({quantile}*(target - predicted), {}*(predicted - target))", 1.0 - quantile);
        let settings = Symreg { max_size: 5, ..with_loss(&text, &table, 0) };
        let search = settings.search(&table, &mut |_| true);
        let line = search.front().iter().find(|found| found.complexity == 5).unwrap_or(search.best());
        let values = search.predict(line, &[x]);
        let below = y.iter().zip(values).filter(|(y, value)| *y < value).count() as f64 / 200.0;
        prop_assert!((below - quantile).abs() < 0.05, "{}: {below} for {quantile}", line.expression);
    }

    /// Squares as a formula are squares: fronts are the same but for rounding.
    #[test]
    fn squares_are_the_loss_that_there_is(a in 0.5..2.0_f64, noise in 0.01..0.1_f64) {
        let x: Vec<f64> = (0..60).map(|i| 0.05 * f64::from(i)).collect();
        let y: Vec<f64> = x.iter().map(|x| a * x.exp() + noise * (37.0 * x).sin()).collect();
        let table = Table::new(vec!["x".into()], vec![x], y).unwrap();
        let plain = Symreg { loss: None, ..with_loss("(predicted - target)^2", &table, 0) }.search(&table, &mut |_| true);
        let given = with_loss("(predicted - target)^2", &table, 0).search(&table, &mut |_| true);
        let [plain, given] = [plain.best(), given.best()];
        prop_assert_eq!(plain.complexity, given.complexity);
        prop_assert!((plain.loss - given.loss).abs() < 1e-6 * plain.loss, "{} {}", plain.expression, given.expression);
        prop_assert!((plain.r2 - given.r2).abs() < 1e-9);
    }
}
