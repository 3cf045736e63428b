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
    folder.vecfield(&["sindy", "swings.csv", "--derivative", "savgol:4:2"]).failed(2, &["savgol:4:2", "odd"]);
    folder.vecfield(&["sindy", "swings.csv", "--pde", "--grid", "0"]).failed(2, &["--grid", "FIRST:STEP"]);
    folder.vecfield(&["sindy", "swings.csv", "--pde", "--grid", "0:1"]).failed(2, &["`x`", "u_0"]);
    folder.vecfield(&["sindy", "swings.csv", "--discrete"]).failed(2, &["not even"]);
    folder.vecfield(&["sindy", "swings.csv", "--known", "w: x"]).failed(2, &["`w`"]);
    folder.vecfield(&["sindy", "swings.csv", "--simulate", "-3,1"]).failed(2, &["--simulate"]);
}

/// Logistic growth in steps: `x_{k+1} = 2.9 x - 1.9 x²`.
#[test]
fn a_map_is_found() {
    let folder = Folder::new();
    let mut x = 0.1;
    let mut text = String::from("t,x\n");
    for k in 0..60 {
        text += &format!("{k},{x}\n");
        x = 2.9 * x - 1.9 * x * x;
    }
    folder.file("growth.csv", &text);
    let result = folder.vecfield(&["sindy", "growth.csv", "--discrete", "--simulate", "0,1", "--json"]).json();
    assert!((result["coefficients"]["x"]["x"].as_f64().unwrap() - 2.9).abs() < 1e-6, "{result}");
    assert!((result["simulated"][1][0].as_f64().unwrap() - 0.271).abs() < 1e-6, "{result}");
}

#[test]
fn a_quotient_has_equations_and_no_coefficients() {
    let folder = Folder::new();
    // x' = -x/(1 + x) from x(0) = 2: log x + x = log 2 + 2 - t, by Newton's method.
    let row = |k: i32| {
        let t = 0.05 * f64::from(k);
        let mut x: f64 = 2.0 * (-0.6 * t).exp();
        for _ in 0..60 {
            x -= (x.ln() + x - 2.0_f64.ln() - 2.0 + t) / (1.0 / x + 1.0);
            x = x.max(1e-9);
        }
        format!("{t},{x}\n")
    };
    folder.file("decay.csv", &(0..100).map(row).fold(String::from("t,x\n"), |text, row| text + &row));
    let result = folder.vecfield(&["sindy", "decay.csv", "--implicit", "--library", "polynomial:2", "--json"]).json();
    assert!(result.get("coefficients").is_none());
    assert!(result["equations"]["x"].as_str().unwrap().contains("/(1 + "), "{result}");
}

#[test]
fn results_are_written() {
    let folder = Folder::new();
    folder.file("swings.csv", &swings());
    folder.vecfield(&["sindy", "swings.csv", "--out", "found", "--json"]).json();
    let solved = folder.vecfield(&["solve", "found/equations.toml", "--json"]).json();
    assert_eq!(solved["variables"].as_array().unwrap().len(), 2);
    let again = folder.vecfield(&["sindy", "swings.csv", "--out", "found"]);
    again.failed(2, &["--force"]);
}
