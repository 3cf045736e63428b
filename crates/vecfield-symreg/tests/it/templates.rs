//! Formulas of a given form: the unknown functions in it are found, whatever stands around them.

use proptest::prelude::*;
use vecfield_laws::threads_do_not_matter;
use vecfield_symreg::{Loss, Symreg, SymregError, Table, Template, Templated};

use crate::search::spread;

fn settings() -> Symreg {
    Symreg { expressions: 300, generations: 0, ..Symreg::default() }
}

fn table(rows: usize, f: impl Fn(f64, f64) -> f64) -> Table {
    let [x, z] = spread(rows).map(|column| column.into_iter().map(|u| 0.3 + 2.2 * u).collect::<Vec<f64>>());
    let y = x.iter().zip(&z).map(|(&x, &z)| f(x, z)).collect();
    Table::new(vec!["x".into(), "z".into()], vec![x, z], y).unwrap()
}

fn found(template: &str, table: &Table) -> Templated {
    let template = Template::parse(template, table).unwrap();
    settings().search_template(table, &template, &mut |_| true).unwrap()
}

/// The chosen formula leaves nothing.
#[track_caller]
fn exact(template: &str, f: impl Fn(f64, f64) -> f64) -> Templated {
    let found = found(template, &table(60, f));
    let best = found.search().best();
    assert!(best.r2 > 1.0 - 1e-12, "{best:?} {:?}", found.functions(best));
    found
}

fn expressions(found: &Templated) -> Vec<String> {
    found.functions(found.search().best()).iter().map(|function| function.expression.clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3))]

    /// What the template leaves free is not written: neither a factor between the functions nor a number that could be in either.
    #[test]
    fn products_of_functions_are_found(size in 0.5..3.0_f64, rate in 0.4..1.4_f64, c in -2.0..2.0_f64) {
        let found = found("f(x)*g(z) + c", &table(60, |x, z| size * (rate * x).exp() * (z * z + 2.0) + c));
        let best = found.search().best();
        prop_assert!(best.r2 > 1.0 - 1e-12, "{best:?} {:?}", found.functions(best));
        let functions = found.functions(best);
        prop_assert_eq!(functions.iter().map(|function| function.numbers.len()).sum::<usize>(), 2, "{:?}", functions);
        prop_assert!((found.numbers(best)[0].1.value - c).abs() < 1e-6, "{:?}", found.numbers(best));
    }
}

#[test]
fn functions_inside_of_others_are_found() {
    let found = exact("exp(f(x)) + g(z)", |x, z| (1.5 - x * x).exp() + 2.0 * z.ln());
    assert!(expressions(&found)[0].contains("x^2"), "{:?}", expressions(&found));
    let found = exact("sqrt(f(x) + g(z))", |x, z| (x.exp() + z * z * z).sqrt());
    assert!(expressions(&found)[0].contains("exp(x)"), "{:?}", expressions(&found));
}

#[test]
fn a_factor_that_is_free_is_not_written() {
    let found = exact("f(x)/g(z)", |x, z| (x - 1.1) / (z + 1.234));
    assert_eq!(expressions(&found), ["x - 1.1", "z + 1.234"]);
}

#[test]
fn functions_of_two_arguments_are_found() {
    let found = exact("f(x, z) + sin(g(x))", |x, z| x / (x + z) + (2.0 * x).sin());
    let functions = found.functions(found.search().best());
    assert_eq!(functions[0].arguments, ["x", "z"]);
}

#[test]
fn one_function_stands_in_several_places() {
    let found = exact("f(x) - f(z) + k*x*z", |x, z| (0.8 * x).exp() - (0.8 * z).exp() + 0.25 * x * z);
    assert!(expressions(&found)[0].starts_with("exp(0.8*x)"), "{:?}", expressions(&found));
    assert_eq!(found.numbers(found.search().best())[0].0, "k");
}

#[test]
fn arguments_are_expressions_too() {
    let found = exact("x*f(x/z)", |x, z| x * (x / z + 1.0).sqrt());
    assert_eq!(expressions(&found), ["sqrt(u1 + 1)"]);
}

#[test]
fn noise_leaves_the_form_and_the_errors_of_its_numbers() {
    let chance = |x: f64, z: f64| 0.02 * ((43_758.545 * (12.9898 * x + 78.233 * z).sin()).rem_euclid(1.0) - 0.5);
    let table = table(80, |x, z| 1.7 * x * x * (z + 0.6) + 0.9 + chance(x, z));
    let template = Template::parse("f(x)*g(z) + c", &table).unwrap();
    // A law of few terms: longer sums would be looked for in vain, as nothing is exact.
    let found = Symreg { terms: 3, ..settings() }.search_template(&table, &template, &mut |_| true).unwrap();
    let best = found.search().best();
    let (functions, c) = (found.functions(best), &found.numbers(best)[0].1);
    assert!(best.r2 > 0.9999 && best.complexity <= 8, "{best:?} {functions:?}");
    assert!((c.value - 0.9).abs() < 4.0 * c.stderr && c.stderr < 0.01, "{c:?}");
}

#[test]
fn neither_threads_nor_the_order_of_rows_change_a_search_of_a_template() {
    let of = |turned: bool, threads: usize| {
        let [mut x, mut z] = spread(40);
        if turned {
            x.reverse();
            z.reverse();
        }
        let y = x.iter().zip(&z).map(|(x, z)| (1.3 * x).sin() * (1.0 + z) + 0.01 * (37.0 * x * z).sin()).collect();
        let table = Table::new(vec!["x".into(), "z".into()], vec![x, z], y).unwrap();
        let template = Template::parse("f(x)*g(z)", &table).unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let search = || {
            Symreg { expressions: 100, terms: 2, sample: 24, operators: "+,*,sin".parse().unwrap(), ..settings() }
                .search_template(&table, &template, &mut |_| true)
        };
        pool.install(search).unwrap().search().front().to_vec()
    };
    threads_do_not_matter(&[1, 2], |threads| of(false, threads)).unwrap();
    assert_eq!(of(false, 1), of(true, 2));
}

#[test]
fn a_search_of_a_template_that_is_cut_has_a_result() {
    let table = table(40, |x, z| x.sin() + z);
    let template = Template::parse("f(x) + g(z)", &table).unwrap();
    let mut last = 0.0;
    let cut = settings().search_template(&table, &template, &mut |progress| {
        assert!(progress.share >= last && !progress.front.is_empty());
        last = progress.share;
        false
    });
    let cut = cut.unwrap();
    assert!(cut.search().cut() && !cut.search().front().is_empty());
    assert_eq!(cut.functions(cut.search().best()).len(), 2);
}

#[test]
fn what_is_no_template_is_refused_with_a_remedy() {
    let table = table(20, |x, z| x + z);
    let refused = |text: &str| Template::parse(text, &table).unwrap_err().to_string();
    let told = |text: &str, words: &[&str]| {
        let message = refused(text);
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
    };
    told("x + c*z", &["no unknown function", "f(x)"]);
    told("f(xx) + g(z)", &["`f` is given `xx`", "the columns are x, z"]);
    told("f(c*x)", &["`f` is given `c`", "part of `f`"]);
    told("f(g(x))", &["another unknown function", "x, z"]);
    told("f(2)", &["`f` is given a number"]);
    told("f(x) + f(x, z)", &["f takes 1 argument, not 2", "at character 8"]);
    told("f()", &["f takes 1 argument, not 0"]);
    told("ln(x) + f(z)", &["`ln`", "log(..)"]);
    told("x(z) + f(x)", &["not a function"]);
    told("f(x) + ", &["ends where a value must follow"]);
    told("f(x) + 1e5*f", &["f", "no arguments"]);

    let of = |settings: Symreg, text: &str| {
        let template = Template::parse(text, &table).unwrap();
        settings.search_template(&table, &template, &mut |_| true).unwrap_err()
    };
    let loss = Some(Loss::parse("abs(predicted - target)", &table).unwrap());
    let asked = of(Symreg { loss, ..settings() }, "f(x)");
    assert!(matches!(asked, SymregError::NotWithTemplate { .. }), "{asked}");
    let nowhere = of(settings(), "f(x) + log(-x)").to_string();
    assert!(nowhere.contains("no value at some rows"), "{nowhere}");
    let outside = of(settings(), "f(log(x - 1))").to_string();
    assert!(outside.contains("argument"), "{outside}");
}
