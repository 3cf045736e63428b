//! `vecfield sindy`.

use crate::Folder;

/// A damped pendulum of small swings, `x' = v`, `v' = -x - v/5`, exactly, at irregular times.
fn swings() -> String {
    let omega = 0.99_f64.sqrt();
    let row = |k: i32| {
        let t = 0.1 * f64::from(k) + 0.02 * f64::from(k).sin();
        let (decay, phase) = ((-0.1 * t).exp(), omega * t);
        let x = decay * (phase.cos() + 0.1 / omega * phase.sin());
        let v = -decay / omega * phase.sin();
        format!("{t},{x},{v}\n")
    };
    (0..120).map(row).fold("t,x,v\n".into(), |text, row| text + &row)
}

#[test]
fn sparse_equations_are_found() {
    let folder = Folder::new();
    folder.file("swings.csv", &swings());
    let result = folder.vecfield(&["sindy", "swings.csv", "--library", "polynomial:3", "--json"]).json();
    let coefficient = |equation: &str, term: &str| result["coefficients"][equation][term].as_f64().unwrap();
    assert_eq!(result["coefficients"]["x"].as_object().unwrap().len(), 1, "{result}");
    assert_eq!(result["coefficients"]["v"].as_object().unwrap().len(), 2, "{result}");
    assert!((coefficient("x", "v") - 1.0).abs() < 1e-4);
    assert!((coefficient("v", "x") + 1.0).abs() < 1e-4 && (coefficient("v", "v") + 0.2).abs() < 1e-4);
    assert!(result["score"]["trajectory_r2"].as_f64().unwrap() > 0.999);
    assert_eq!(result["library"].as_array().unwrap().len(), 10);
}

#[test]
fn a_known_part_is_kept_and_the_rest_found() {
    let folder = Folder::new();
    folder.file("swings.csv", &swings());
    let result = folder.vecfield(&["sindy", "swings.csv", "--known", "v: -x", "--simulate", "0,1", "--json"]).json();
    assert_eq!(result["coefficients"]["v"].as_object().unwrap().keys().collect::<Vec<_>>(), ["v"]);
    assert!(result["equations"]["v"].as_str().unwrap().contains('x'));
    let simulated = result["simulated"].as_array().unwrap();
    assert_eq!(simulated.len(), 2);
    assert!((simulated[0][0].as_f64().unwrap() - 1.0).abs() < 1e-12);
}

#[test]
fn wrong_input_is_named() {
    let folder = Folder::new();
    folder.file("swings.csv", &swings());
    folder.vecfield(&["sindy", "swings.csv", "--library", "polynom:3"]).failed(2, &["polynom", "--library"]);
    folder.vecfield(&["sindy", "swings.csv", "--threshold", "0.1"]).failed(2, &["--threshold", "stlsq"]);
    folder.vecfield(&["sindy", "swings.csv", "--derivative", "magic"]).failed(2, &["magic", "spline"]);
    folder.vecfield(&["sindy", "swings.csv", "--known", "w: x"]).failed(2, &["`w`"]);
    folder.vecfield(&["sindy", "swings.csv", "--simulate", "-3,1"]).failed(2, &["--simulate"]);
}
