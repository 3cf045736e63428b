//! `vecfield symreg`.

use crate::Folder;

/// Distances and periods of the planets.
const PLANETS: &str = include_str!("../../../../examples/planets.csv");

#[test]
fn keplers_law_is_found() {
    let folder = Folder::new();
    folder.file("planets.csv", PLANETS);
    let result = folder.vecfield(&["symreg", "planets.csv", "--target", "period", "--json"]).json();
    // Measured periods follow it to a few parts in ten thousand: a factor near one, and the power 3/2.
    let best = &result["best"];
    assert!(best["complexity"].as_u64().unwrap() <= 8 && best["r2"].as_f64().unwrap() > 0.999_999, "{best}");
    let front = result["front"].as_array().unwrap();
    assert!(front.contains(&result["best"]));
    assert!(front.iter().all(|entry| entry["complexity"].is_u64() && entry["loss"].is_f64() && entry["r2"].is_f64()));
    assert!(result["evaluations"].as_u64().unwrap() > 1000 && result["cut"] == false);
}

#[test]
fn wrong_input_is_named() {
    let folder = Folder::new();
    folder.file("planets.csv", PLANETS);
    folder.vecfield(&["symreg", "planets.csv", "--target", "perod"]).failed(2, &["--target", "`period`"]);
    let operators = ["symreg", "planets.csv", "--target", "period", "--operators", "+,sine"];
    folder.vecfield(&operators).failed(2, &["--operators", "`sine`"]);
    folder.vecfield(&["symreg", "planets.csv", "--target", "period", "--max-size", "0"]).failed(2, &["--max-size"]);
    folder.file("two.csv", "x,y\n1,2\n2,3\n");
    folder.vecfield(&["symreg", "two.csv", "--target", "y"]).failed(2, &["two.csv", "2 complete rows"]);
}
