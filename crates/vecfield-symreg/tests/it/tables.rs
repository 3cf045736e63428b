//! What cannot be searched is refused, and says why.

use vecfield_symreg::{Guess, Operators, SymregError, Table};

#[test]
fn tables_that_cannot_be_searched_are_refused() {
    let names = |all: &[&str]| all.iter().map(|name| name.to_string()).collect::<Vec<_>>();
    let unknown = Table::of_columns(names(&["time", "height"]), vec![vec![0.0; 5]; 2], "heigt").unwrap_err();
    assert!(unknown.to_string().contains("did you mean `height`?"), "{unknown}");
    let alone = Table::of_columns(names(&["y"]), vec![vec![0.0; 5]], "y").unwrap_err();
    assert_eq!(alone, SymregError::NoVariables { name: "y".into() });
    let spaced = Table::of_columns(names(&["a b", "y"]), vec![vec![0.0; 5]; 2], "y").unwrap_err();
    assert!(matches!(spaced, SymregError::BadName { .. }), "{spaced}");
    // Rows with a missing cell do not count.
    let gappy = Table::new(names(&["x"]), vec![vec![1.0, f64::NAN, 2.0, 3.0, 4.0]], vec![1.0, 1.0, f64::NAN, 2.0, 3.0]);
    assert_eq!(gappy.unwrap_err(), SymregError::TooFewRows { rows: 3, least: 4 });
}

#[test]
fn operators_are_read_from_text() {
    let some: Operators = "+, *,sin".parse().unwrap();
    assert_eq!((some.binary().len(), some.unary().len()), (2, 1));
    assert_eq!("".parse::<Operators>(), Err(SymregError::NoOperators));
    assert!("+,cosine".parse::<Operators>().unwrap_err().to_string().contains("cosine"));
}

#[test]
fn weights_and_guesses_that_are_none_are_refused() {
    let (x, y) = (vec![1.0, 2.0, 3.0, 4.0, 5.0], vec![1.0, 4.0, 9.0, 16.0, 25.0]);
    let table = |weights: Vec<f64>| Table::weighted(vec!["x".into()], vec![x.clone()], y.clone(), weights);
    assert_eq!(table(vec![1.0, -2.0, 1.0, 1.0, 1.0]).unwrap_err(), SymregError::BadWeight { row: 2, weight: -2.0 });
    assert_eq!(table(vec![1.0, 0.0, 0.0, 1.0, 1.0]).unwrap_err(), SymregError::TooFewRows { rows: 3, least: 4 });
    let table = table(vec![1.0; 5]).unwrap();
    assert!(Guess::parse("x^2 + 1.5", &table).is_ok());
    let unknown = Guess::parse("exp(z)", &table).unwrap_err();
    assert!(unknown.to_string().contains("`exp(z)`"), "{unknown}");
}
