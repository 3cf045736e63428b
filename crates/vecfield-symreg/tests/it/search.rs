//! Formulas are found again from their values, and what is found is what it says.

use proptest::prelude::*;
use vecfield_expr::{Graph, Program, Scope};
use vecfield_symreg::{Found, Operators, Search, Symreg, Table};

/// Numbers between 0 and 1 that fill the square evenly (Roberts 2018).
pub(crate) fn spread(count: usize) -> [Vec<f64>; 2] {
    let fraction = |step: f64| (1..=count).map(|k| (0.5 + step * k as f64).fract()).collect();
    [fraction(0.754_877_666_246_692_8), fraction(0.569_840_290_998_053_3)]
}

pub(crate) fn table(low: f64, high: f64, f: impl Fn(f64, f64) -> f64) -> Table {
    let [x, y] = spread(60).map(|column| column.iter().map(|u| low + (high - low) * u).collect::<Vec<f64>>());
    let target = x.iter().zip(&y).map(|(&x, &y)| f(x, y)).collect();
    Table::new(vec!["x".into(), "y".into()], vec![x, y], target).unwrap()
}

/// The value of what was found, at one point.
pub(crate) fn value(found: &Found, x: f64, y: f64) -> f64 {
    let mut graph = Graph::new();
    let formula = graph.parse(&found.expression, &Scope::new(["x", "y"]).unwrap()).unwrap();
    let program = Program::compile(&graph, &[formula], &["x", "y"]).unwrap();
    let mut out = [0.0];
    program.eval(&[x, y], &mut out, &mut program.registers());
    out[0]
}

/// So many generations of evolution after a short look at what is small.
pub(crate) fn evolving(generations: usize, seed: u64) -> Symreg {
    Symreg { expressions: 320, generations, seed, ..Symreg::default() }
}

/// What is enumerated, without evolution.
fn search(table: &Table) -> Search {
    Symreg { generations: 0, ..Symreg::default() }.search(table, &mut |_| true)
}

#[track_caller]
fn found_again(low: f64, high: f64, f: impl Fn(f64, f64) -> f64) {
    let search = search(&table(low, high, &f));
    let best = search.best();
    for k in 0..20 {
        let (x, y) = (low + (high - low) * f64::from(k) / 19.0, high - (high - low) * f64::from(k) / 23.0);
        let (expected, got) = (f(x, y), value(best, x, y));
        assert!((got - expected).abs() <= 1e-8 * (1.0 + expected.abs()), "{}: {got} for {expected}", best.expression);
    }
}

#[test]
fn sums_of_products_are_found() {
    found_again(0.5, 3.0, |x, y| 2.5 * x * x * x - 1.3 * x * y + 0.7);
}

#[test]
fn functions_are_found() {
    found_again(0.0, 1.0, |x, y| x.sin() + (y * y).sin());
}

#[test]
fn quotients_are_found() {
    found_again(0.5, 3.0, |x, y| (x + 2.0 * y) / (1.0 + x * x));
}

#[test]
fn roots_of_sums_are_found() {
    found_again(0.5, 3.0, |x, y| (x * x + 3.0 * y * y).sqrt());
}

#[test]
fn products_of_powers_are_found() {
    found_again(0.5, 3.0, |x, y| 2.4 * x.powf(0.75) / y.sqrt());
}

#[test]
fn numbers_inside_functions_are_found() {
    found_again(0.0, 3.0, |x, y| 1.2 * (-0.5 * x).exp() * (3.0 * y).sin());
}

#[test]
fn a_search_repeats_and_can_be_broken_off() {
    let table = table(0.5, 3.0, |x, y| x / y + 0.1 * (17.0 * x).sin());
    let some = Symreg { expressions: 3000, generations: 0, ..Symreg::default() };
    let (once, again) = (some.search(&table, &mut |_| true), some.search(&table, &mut |_| true));
    assert_eq!(once.front(), again.front());
    assert_eq!(once.best(), again.best());
    let cut = some.search(&table, &mut |progress| progress.share < 0.1);
    assert!(cut.cut() && !cut.front().is_empty() && !once.cut());
    assert!(cut.evaluations() < once.evaluations());
}

/// Whoever watches sees shares that grow and fronts that only get better, as the result does.
#[test]
fn progress_shows_the_front_so_far() {
    let table = table(0.5, 3.0, |x, y| x / y + 0.1 * (17.0 * x).sin());
    let (mut shares, mut last) = (vec![0.0], Vec::<Found>::new());
    let search = evolving(6, 0).search(&table, &mut |progress| {
        shares.push(progress.share);
        assert!(last.iter().all(|before| is_outdone(before, progress.front)));
        last = progress.front.to_vec();
        true
    });
    assert!(shares.is_sorted() && shares.len() > 20 && shares.iter().all(|share| (0.0..=1.0).contains(share)));
    assert!(last.iter().all(|before| is_outdone(before, search.front())));
}

/// Is there something as simple that is no worse, or that is as simple and has fewer numbers?
fn is_outdone(before: &Found, front: &[Found]) -> bool {
    front.iter().any(|found| {
        let no_worse =
            found.loss <= before.loss || found.complexity == before.complexity && fitted(found) < fitted(before);
        found.complexity <= before.complexity && no_worse
    })
}

/// How many numbers of a formula are not whole.
fn fitted(found: &Found) -> usize {
    let mut graph = Graph::new();
    let formula = graph.parse(&found.expression, &Scope::new(["x", "y"]).unwrap()).unwrap();
    let is_fitted = |id| graph.constant_value(id).is_some_and(|value| value.fract() != 0.0);
    graph.reachable(&[formula]).ids().iter().filter(|&&id| is_fitted(id)).count()
}

#[test]
fn only_the_operators_asked_for_are_used() {
    let settings = Symreg { operators: "+,*".parse::<Operators>().unwrap(), ..evolving(20, 0) };
    let search = settings.search(&table(0.5, 2.0, |x, y| (x * y).sin()), &mut |_| true);
    for found in search.front() {
        assert!(!found.expression.contains("sin") && !found.expression.contains('/'), "{}", found.expression);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// On a front more nodes mean less loss, and the losses are those of the formulas as they are printed.
    #[test]
    fn a_front_says_the_truth(a in -3.0..3.0_f64, b in -3.0..3.0_f64, noise in 0.0..0.1_f64) {
        let table = table(0.5, 2.0, |x, y| a * x * y.ln() + b + noise * (31.0 * x * y).sin());
        let search = evolving(4, 0).search(&table, &mut |_| true);
        let [x, y] = spread(60).map(|column| column.iter().map(|u| 0.5 + 1.5 * u).collect::<Vec<f64>>());
        prop_assert!(search.front().windows(2).all(|pair| pair[0].complexity < pair[1].complexity && pair[0].loss > pair[1].loss));
        for found in search.front() {
            let errors = x.iter().zip(&y).map(|(&x, &y)| {
                value(found, x, y) - (a * x * y.ln() + b + noise * (31.0 * x * y).sin())
            });
            let loss = errors.map(|e| e * e).sum::<f64>() / 60.0;
            prop_assert!((loss - found.loss).abs() <= 1e-6 * found.loss + 1e-20, "{}: {loss} for {}", found.expression, found.loss);
        }
    }
}

/// What a line through noisy points is known to: closed forms for the errors of its numbers, and for its values elsewhere.
#[test]
fn numbers_have_their_standard_errors() {
    let x: Vec<f64> = (0..60).map(|k| 0.1 * f64::from(k)).collect();
    let y: Vec<f64> = x.iter().enumerate().map(|(k, x)| 1.7 * x + 40.3 + 0.2 * (12.9 * k as f64).sin()).collect();
    let table = Table::new(vec!["x".into()], vec![x.clone()], y.clone()).unwrap();
    let few = Symreg { operators: "+,*".parse().unwrap(), generations: 0, expressions: 100, ..Symreg::default() };
    let search = few.search(&table, &mut |_| true);
    let line = search.front().iter().find(|found| search.numbers(found).len() == 2).unwrap();
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let spread: f64 = x.iter().map(|x| (x - mean).powi(2)).sum();
    let variance = line.loss * n / (n - 2.0);
    let (slope, height) = ((variance / spread).sqrt(), (variance * (1.0 / n + mean * mean / spread)).sqrt());
    for number in search.numbers(line) {
        let expected = if number.value < 10.0 { slope } else { height };
        assert!((number.stderr - expected).abs() < 1e-6 * expected, "{number:?}, {expected}");
    }
    let elsewhere = search.predict(line, &[vec![10.0, -10.0]]);
    assert!((elsewhere[0] - 57.3).abs() < 0.3 && (elsewhere[1] - 23.3).abs() < 0.3, "{elsewhere:?}");
}

/// With as many numbers as rows anything fits: no such formula is shown.
#[test]
fn few_rows_have_no_formulas_of_as_many_numbers() {
    let x: Vec<f64> = (0..6).map(f64::from).collect();
    let y: Vec<f64> = x.iter().map(|x| (7.3 * x).sin() + 0.3 * (31.0 * x).cos()).collect();
    let table = Table::new(vec!["x".into()], vec![x], y).unwrap();
    let search = Symreg { expressions: 400, generations: 0, ..Symreg::default() }.search(&table, &mut |_| true);
    assert!(search.front().iter().all(|found| search.numbers(found).len() < 5), "{:?}", search.front());
}
