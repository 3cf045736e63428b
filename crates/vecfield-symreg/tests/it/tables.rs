//! What cannot be searched is refused, and says why.

use vecfield_symreg::{Operators, SymregError, Table};

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
