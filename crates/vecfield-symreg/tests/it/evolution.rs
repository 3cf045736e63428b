//! Formulas evolve to what no span of small expressions is, the same on any number of threads and in any order of rows.

use proptest::prelude::*;
use vecfield_laws::threads_do_not_matter;
use vecfield_symreg::{Checkpoint, Found, Search, Symreg, SymregError, Table};

use crate::search::{evolving, spread, table, value};

fn on_threads(threads: usize, settings: &Symreg, table: &Table) -> Search {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| settings.search(table, &mut |_| true))
}

/// Is the formula found with its numbers, from few enumerated expressions? Told at points of its own.
#[track_caller]
fn evolves_to(f: impl Fn(f64, f64) -> f64) {
    let search = evolving(300, 0).search(&table(0.5, 3.0, &f), &mut |_| true);
    let best = search.best();
    for k in 0..20 {
        let (x, y) = (0.5 + 2.5 * f64::from(k) / 19.0, 3.0 - 2.5 * f64::from(k) / 23.0);
        let (expected, got) = (f(x, y), value(best, x, y));
        assert!((got - expected).abs() <= 1e-7 * (1.0 + expected.abs()), "{}: {got} for {expected}", best.expression);
    }
}

#[test]
fn numbers_inside_functions_inside_products_are_found() {
    evolves_to(|x, y| x * (1.3 * x * y + 0.4).sin() * (-0.7 * y).exp());
}

#[test]
fn a_common_factor_is_found() {
    evolves_to(|x, y| (x * x + y) * ((x * y).cos() + 1.7 * x));
}

#[test]
fn threads_change_nothing() {
    let table = table(0.5, 3.0, |x, y| (x * y).sin() / (1.0 + x) + 0.01 * (17.0 * x + 29.0 * y).sin());
    let front = |threads| on_threads(threads, &evolving(12, 3), &table).front().to_vec();
    threads_do_not_matter(&[1, 2, 3], front).unwrap();
}

#[test]
fn the_seed_decides_what_evolves() {
    let table = table(0.5, 3.0, |x, y| (x * y).sin() / (1.0 + x) + 0.01 * (17.0 * x + 29.0 * y).sin());
    let front = |seed| evolving(12, seed).search(&table, &mut |_| true).front().to_vec();
    assert_ne!(front(0), front(1));
    assert_eq!(front(1), front(1));
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let [x, y] = spread(60);
    let z: Vec<f64> =
        x.iter().zip(&y).map(|(x, y)| (3.0 * x * y).sin() / (1.0 + x) + 0.01 * (31.0 * x).cos()).collect();
    let front = |order: &dyn Fn(usize) -> usize| {
        let turned = |column: &[f64]| (0..60).map(|i| column[order(i)]).collect::<Vec<f64>>();
        let table = Table::new(vec!["x".into(), "y".into()], vec![turned(&x), turned(&y)], turned(&z)).unwrap();
        evolving(8, 0).search(&table, &mut |_| true).front().to_vec()
    };
    let as_is = front(&|i| i);
    assert_eq!(as_is, front(&|i| 59 - i));
    assert_eq!(as_is, front(&|i| (7 * i) % 60));
}

#[test]
fn an_evolution_that_is_broken_off_keeps_the_best() {
    let table = table(0.5, 3.0, |x, y| (x * y).sin() / (1.0 + x) + 0.1 * (17.0 * x + 29.0 * y).sin());
    let settings = evolving(200, 0);
    let mut asked = 0;
    let cut = settings.search(&table, &mut |progress| {
        asked += usize::from(progress.share > 0.41);
        asked < 3
    });
    assert!(cut.cut() && cut.best().r2 > 0.5 && cut.front().contains(cut.best()));
}

fn keeps_its_limits(search: &Search, max_size: usize) {
    let (front, best) = (search.front(), search.best());
    assert!(front.iter().all(|found: &Found| found.complexity <= max_size && found.loss.is_finite()));
    let undominated = |pair: &[Found]| pair[0].complexity < pair[1].complexity && pair[0].loss > pair[1].loss;
    assert!(front.windows(2).all(undominated) && front.contains(best));
}

/// A row of weight `k` counts as `k` rows: the loss of the mean, which all fronts begin with, is the same, and what is far off by itself
/// does not matter where it has no weight.
#[test]
fn weights_count_rows() {
    let [x, y] = spread(30);
    let z: Vec<f64> = x.iter().zip(&y).map(|(x, y)| x * x + 3.0 * y).collect();
    let counts: Vec<usize> = (0..30).map(|i| 1 + i % 3).collect();
    let repeated = |column: &[f64]| {
        let rows = column.iter().zip(&counts);
        rows.flat_map(|(&value, &count)| std::iter::repeat_n(value, count)).collect::<Vec<f64>>()
    };
    let names = || vec!["x".to_string(), "y".to_string()];
    let weights = counts.iter().map(|&count| count as f64).collect();
    let weighted = Table::weighted(names(), vec![x.clone(), y.clone()], z.clone(), weights).unwrap();
    let long = Table::new(names(), vec![repeated(&x), repeated(&y)], repeated(&z)).unwrap();
    let [one, other] = [weighted, long].map(|table| evolving(0, 0).search(&table, &mut |_| true));
    assert!((one.front()[0].loss / other.front()[0].loss - 1.0).abs() < 1e-12);
    assert_eq!(one.best().expression, other.best().expression);

    let mut spoilt = z;
    spoilt[7] += 100.0;
    let weights = (0..30).map(|i| if i == 7 { 0.0 } else { 1.0 }).collect();
    let table = Table::weighted(names(), vec![x, y], spoilt, weights).unwrap();
    assert_eq!(evolving(0, 0).search(&table, &mut |_| true).best().expression, one.best().expression);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    /// No formula of a front is at least as small and as good as another, and none is larger than was asked for.
    #[test]
    fn a_front_is_a_front(seed in 0..1000_u64, max_size in 4..30_usize, a in 0.2..2.0_f64) {
        let table = table(0.5, 2.0, |x, y| (a * x * y).exp() / (1.0 + y) + 0.01 * (31.0 * x * y).sin());
        let settings = Symreg { max_size, ..evolving(6, seed) };
        keeps_its_limits(&settings.search(&table, &mut |_| true), max_size);
    }
}

/// Broken off anywhere, written down, read back and gone on with, twice over, a search finds what it would have found in one go.
#[test]
fn a_search_that_was_broken_off_goes_on_as_if_it_had_not_been() {
    let table = table(0.5, 3.0, |x, y| (1.7 * x).sin() / (y + 0.4) + 0.3 * x * y + 0.01 * (31.0 * x * y).sin());
    let search = Symreg { expressions: 300, generations: 14, seed: 3, ..Symreg::default() };
    let whole = search.search(&table, &mut |_| true);
    assert!(whole.checkpoint().is_none() && !whole.cut());
    for stops in [[0.0, 0.01], [0.005, 0.06], [0.06, 0.061], [0.2, 0.35], [0.35, 0.7], [0.5, 0.9]] {
        let mut parts = search.search(&table, &mut |progress| progress.share < stops[0]);
        for stop in [stops[1], f64::INFINITY] {
            let Some(checkpoint) = parts.checkpoint() else { break };
            let read = Checkpoint::parse(&checkpoint.to_text(), &table).unwrap();
            assert_eq!(&read, checkpoint);
            parts = search.resume(&table, &read, &mut |progress| progress.share < stop);
        }
        assert!(parts.checkpoint().is_none(), "{stops:?}");
        assert_eq!((parts.front(), parts.best()), (whole.front(), whole.best()), "{stops:?}");
        assert_eq!(parts.evaluations(), whole.evaluations(), "{stops:?}");
    }
}

#[test]
fn checkpoints_that_are_none_are_refused_by_their_line() {
    let table = table(0.5, 3.0, |x, y| x / y + 0.1 * (17.0 * x).sin());
    let search = Symreg { expressions: 200, generations: 30, ..Symreg::default() };
    let text = search.search(&table, &mut |progress| progress.share < 0.05).checkpoint().unwrap().to_text();
    let lines: Vec<&str> = text.lines().collect();
    let line = |word: &str| lines.iter().position(|line| line.starts_with(word)).unwrap();
    for (word, wrong) in [
        ("stage", "stage two"),
        ("found", "found 3"),
        ("member", "member 0 0;;x7;"),
        ("common", "common z"),
        ("island", "isle 3"),
    ] {
        let mut changed = lines.clone();
        changed[line(word)] = wrong;
        let error = Checkpoint::parse(&changed.join("\n"), &table).unwrap_err();
        assert_eq!(error, SymregError::BadCheckpoint { line: line(word) + 1 }, "{word}");
    }
    assert!(Checkpoint::parse("", &table).is_err());
}
