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
fn products_and_libraries_of_equations_are_taken() {
    let folder = Folder::new();
    folder.file("swings.csv", &swings());
    let library = "x: polynomial:1; v: polynomial:1,custom:x*fourier:1";
    let result = folder.vecfield(&["sindy", "swings.csv", "--library", library, "--json"]).json();
    let keys = ["1", "x", "v", "x*sin(x)", "x*cos(x)", "x*sin(v)", "x*cos(v)"];
    assert_eq!(result["library"], serde_json::json!(keys), "{result}");
    assert_eq!(result["coefficients"]["v"].as_object().unwrap().keys().collect::<Vec<_>>(), ["v", "x"]);
    folder
        .vecfield(&["sindy", "swings.csv", "--library", "x: polynomial:1"])
        .failed(2, &["--library", "`v`", "v: polynomial:2"]);
    folder.vecfield(&["sindy", "swings.csv", "--library", "w: polynomial:1; fourier:1"]).failed(2, &["`w`"]);
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

/// A weight on a spring: its speed and its force are measured, and rows are no path.
#[test]
fn measured_rates_are_matched() {
    let folder = Folder::new();
    let row = |k: i32| {
        let (x, v) = ((0.7 * f64::from(k)).sin(), (1.3 * f64::from(k)).cos());
        let force = if k == 5 { String::new() } else { (-4.0 * x - 0.5 * v).to_string() };
        format!("{k},{x},{v},{v},{force}\n")
    };
    folder.file("spring.csv", &(0..30).map(row).fold(String::from("t,x,v,speed,force\n"), |text, row| text + &row));
    let asked = ["sindy", "spring.csv", "--derivative", "columns:speed,force"];
    let result = folder.vecfield(&[&asked[..], &["--json"]].concat()).json();
    let terms = |equation: &str| {
        let terms = result["coefficients"][equation].as_object().unwrap().iter();
        terms.map(|(key, c)| (key.clone(), (c.as_f64().unwrap() * 1e9).round() / 1e9)).collect::<Vec<_>>()
    };
    assert_eq!(terms("x"), [("v".to_string(), 1.0)]);
    assert_eq!(terms("v"), [("v".to_string(), -0.5), ("x".to_string(), -4.0)]);
    assert_eq!(result["variables"], serde_json::json!(["x", "v"]));

    let omega = 3.9375_f64.sqrt();
    let path = |k: i32| {
        let t = 0.1 * f64::from(k);
        let (decay, (sin, cos)) = ((-0.25 * t).exp(), (omega * t).sin_cos());
        format!("{t},{},{}\n", decay * (cos + 0.25 / omega * sin), -4.0 / omega * decay * sin)
    };
    folder.file("other.csv", &(0..30).map(path).fold(String::from("t,x,v\n"), |text, row| text + &row));
    let tested = folder.vecfield(&[&asked[..], &["--test", "other.csv", "--json"]].concat()).json();
    assert!(tested["test"]["trajectory_r2"].as_f64().unwrap() > 0.999_999, "{tested}");

    let wrong = |derivative: &str, words: &[&str]| {
        folder.vecfield(&["sindy", "spring.csv", "--derivative", derivative]).failed(2, words);
    };
    wrong("columns:speed,thrust", &["--derivative", "`thrust`", "x, v, speed, force"]);
    wrong("columns:speed", &["speed", "x, v, force"]);
    wrong("columns:speed,speed", &["`speed`", "twice"]);
    wrong("columns:x,v,speed,force", &["every column"]);
}

/// A fit with no time has the regression; one that was let go has more.
#[test]
fn a_limit_of_time_leaves_the_best_until_then() {
    let folder = Folder::new();
    folder.file("swings.csv", &swings());
    let cut = folder.vecfield(&["sindy", "swings.csv", "--seconds", "1e-9", "--json"]).json();
    assert_eq!((&cut["cut"], &cut["refined"]), (&true.into(), &false.into()));
    assert!(cut["coefficients"]["v"]["x"].as_f64().unwrap() < -0.9, "{cut}");
    let told = folder.vecfield(&["sindy", "swings.csv", "--seconds", "1e-9", "--out", "made"]);
    assert!(told.out.contains("cut short") && !told.err.contains("leave the data"), "{}{}", told.out, told.err);
    let page = std::fs::read_to_string(folder.path().join("made/report.html")).unwrap();
    assert!(page.contains("cut short"));
    let whole = folder.vecfield(&["sindy", "swings.csv", "--seconds", "600", "--json"]).json();
    assert_eq!((&whole["cut"], &whole["refined"]), (&false.into(), &true.into()));
    folder.vecfield(&["sindy", "swings.csv", "--seconds", "nan"]).failed(2, &["--seconds"]);
}

/// `x' = exp(-x/2) - 2` has a closed form: with `u = exp(x/2)`, `u' = 1/2 - u`, so that `u = 1/2 + (u0 - 1/2) exp(-t)`.
#[test]
fn constants_inside_terms_are_fitted_and_told() {
    let folder = Folder::new();
    let mut text = String::from("trajectory,t,x\n");
    for (run, start) in [(1, 0.1_f64), (2, 2.0), (3, 7.0)] {
        for k in 0..60 {
            let t = 0.05 * f64::from(k);
            text += &format!("{run},{t},{}\n", 2.0 * (0.5 + (start - 0.5) * (-t).exp()).ln());
        }
    }
    folder.file("relaxing.csv", &text);
    let ask = ["sindy", "relaxing.csv", "--library", "polynomial:2,custom:exp(-k*x)"];
    let result = folder.vecfield(&[&ask[..], &["--json"]].concat()).json();
    let constant = |key: &str| result["constants"]["k"][key].as_f64().unwrap();
    assert!((constant("value") - 0.5).abs() < 1e-4 && constant("stderr") < 1e-3, "{result}");
    let terms = result["coefficients"]["x"].as_object().unwrap();
    assert_eq!(terms.keys().collect::<Vec<_>>(), ["1", "exp(-k*x)"], "{result}");
    let equation = result["equations"]["x"].as_str().unwrap();
    assert!(equation.contains("exp(-0.5") || equation.contains("exp(-0.4999"), "{result}");
    let shown = folder.vecfield(&[&ask[..], &["--out", "found"]].concat());
    assert!(shown.out.contains("k = 0.") && shown.out.contains("std. error"), "{}", shown.out);
    folder.vecfield(&["solve", "found/equations.toml", "--json"]).json();
    folder.vecfield(&[&ask[..], &["--implicit"]].concat()).failed(2, &["`k`", "--implicit"]);
}

#[test]
fn every_optimizer_can_be_asked_for() {
    let folder = Folder::new();
    folder.file("swings.csv", &swings());
    let with = |more: &[&str]| folder.vecfield(&[&["sindy", "swings.csv", "--json"][..], more].concat());
    for optimizer in [
        &["stlsq"][..],
        &["sr3"],
        &["exact"],
        &["frols"],
        &["frols", "--threshold", "1e-4"],
        &["ssr"],
        &["ssr", "--threshold", "0.1"],
        &["sr3", "--penalty", "l1", "--threshold", "0.05"],
        &["sr3", "--penalty", "cad", "--threshold", "0.05"],
        &["lasso", "--alpha", "1e-3"],
        &["adaptive-lasso"],
        &["elastic-net", "--alpha", "1e-3", "--l1-ratio", "0.8"],
    ] {
        let result = with(&[&["--optimizer"][..], optimizer].concat()).json();
        let value = result["coefficients"]["v"]["x"].as_f64().unwrap();
        assert!((value + 1.0).abs() < 2e-3, "{optimizer:?}: {result}");
    }
    with(&["--optimizer", "ssr", "--alpha", "1"]).failed(2, &["--alpha", "elastic-net"]);
    with(&["--optimizer", "lasso", "--l1-ratio", "0.5"]).failed(2, &["--l1-ratio", "elastic-net"]);
    with(&["--optimizer", "stlsq", "--penalty", "l1"]).failed(2, &["--penalty", "sr3"]);
    with(&["--optimizer", "elastic-net", "--l1-ratio", "0"]).failed(2, &["--l1-ratio", "above 0"]);
}

#[test]
fn ensembles_lack_rows_or_terms() {
    let folder = Folder::new();
    folder.file("swings.csv", &swings());
    let with = |more: &[&str]| folder.vecfield(&[&["sindy", "swings.csv", "--json"][..], more].concat());
    for bag in ["rows", "library", "both"] {
        let result = with(&["--optimizer", "stlsq", "--ensemble", "30", "--bag", bag]).json();
        assert!(result["inclusion"]["v"]["x"].as_f64().unwrap() > 0.9, "{bag}: {result}");
    }
    with(&["--bag", "library"]).failed(2, &["--ensemble"]);
}

/// Heat in a plane, `u_t = (u_xx + u_yy)/5`, on points that are even along one coordinate and not along the other.
#[test]
fn a_field_in_a_plane_is_found() {
    let folder = Folder::new();
    let n = 26;
    let x: Vec<f64> = (0..n).map(|i| 0.25 * f64::from(i)).collect();
    let y: Vec<f64> = (0..n).map(|i| 0.2 * f64::from(i) + 0.004 * f64::from(i * i)).collect();
    let points = x.iter().zip(&y).map(|(x, y)| format!("{x},{y}\n"));
    folder.file("points.csv", &points.fold("x,y\n".into(), |text: String, row| text + &row));
    let name = |field: &str| (0..n * n).map(|k| format!(",{field}_{}_{}", k / n, k % n)).collect::<String>();
    let mut text = format!("t{}\n", name("u"));
    for k in 0..36 {
        let t = 0.05 * f64::from(k);
        // More waves than linear terms, or these depend on each other.
        let waves =
            [[1.0, 0.0, 0.3], [0.0, 1.3, 1.0], [1.1, 0.9, 2.0], [0.6, -1.5, 0.7], [1.9, 0.4, 1.4], [0.3, 2.0, 2.6]];
        let wave = |[k, l, phase]: [f64; 3], x: f64, y: f64| {
            (-(k * k + l * l) / 5.0 * t).exp() * (k * x + l * y + phase).sin()
        };
        let value = |x: f64, y: f64| waves.iter().map(|&w: &[f64; 3]| wave(w, x, y)).sum::<f64>();
        let row: String = x.iter().flat_map(|&x| y.iter().map(move |&y| format!(",{}", value(x, y)))).collect();
        text += &format!("{t}{row}\n");
    }
    folder.file("plate.csv", &text);
    let ask = ["sindy", "plate.csv", "--pde", "--library", "polynomial:1,derivative:2", "--json"];
    let result = folder.vecfield(&[&ask[..], &["--grid", "points.csv"]].concat()).json();
    let terms = result["coefficients"]["u"].as_object().unwrap();
    assert_eq!(terms.keys().collect::<Vec<_>>(), ["u_xx", "u_yy"], "{result}");
    assert!(terms.values().all(|c| (c.as_f64().unwrap() - 0.2).abs() < 2e-3), "{result}");
    folder.vecfield(&[&ask[..], &["--grid", "0:0.25"]].concat()).failed(2, &["`u_0_0`"]);
    folder.vecfield(&[&ask[..], &["--grid", "points.csv", "--periodic"]].concat()).failed(2, &["--grid", "interval"]);
    folder.file("short.csv", "x,y\n0,0\n1,1\n");
    folder.vecfield(&[&ask[..], &["--grid", "short.csv"]].concat()).failed(2, &["2 points", "26"]);
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

#[test]
fn relations_between_coefficients_are_kept() {
    let folder = Folder::new();
    folder.file("swings.csv", &swings());
    let tied = ["sindy", "swings.csv", "--constraint", "x[v] = -v[x]", "--constraint", "v[v] <= -0.25", "--json"];
    let result = folder.vecfield(&tied).json();
    let coefficient = |equation: &str, term: &str| result["coefficients"][equation][term].as_f64().unwrap();
    assert!((coefficient("x", "v") + coefficient("v", "x")).abs() < 1e-9, "{result}");
    assert!((coefficient("v", "v") + 0.25).abs() < 1e-6, "{result}");
    let wrong = |relation: &str, words: &[&str]| {
        folder.vecfield(&["sindy", "swings.csv", "--constraint", relation]).failed(2, words);
    };
    wrong("x[v]", &["--constraint", "`=`"]);
    wrong("x[w] = 1", &["`w`"]);
    wrong("q[x] = 1", &["`q`"]);
    folder
        .vecfield(&["sindy", "swings.csv", "--constraint", "x[v] = 1", "--constraint", "x[v] = 2"])
        .failed(2, &["contradict"]);
    folder
        .vecfield(&["sindy", "swings.csv", "--constraint", "x[v] = 1", "--optimizer", "lasso"])
        .failed(2, &["optimizers"]);
}

/// `x' = u - x` with `u = sin(t)` from `x(0) = start`: `(sin t - cos t)/2 + (start + 1/2) exp(-t)`.
fn driven(start: f64) -> String {
    let row = |k: i32| {
        let t = 0.05 * f64::from(k);
        format!("{t},{},{}\n", 0.5 * (t.sin() - t.cos()) + (start + 0.5) * (-t).exp(), t.sin())
    };
    (0..120).map(row).fold("t,x,u\n".into(), |text: String, row| text + &row)
}

#[test]
fn equations_are_scored_on_other_runs_and_driven_by_inputs() {
    let folder = Folder::new();
    folder.file("one.csv", &driven(1.0));
    folder.file("other.csv", &driven(-2.0));
    folder.file("swings.csv", &swings());
    let with = |more: &[&str]| folder.vecfield(&[&["sindy", "one.csv", "--control", "u", "--json"][..], more].concat());
    let result = with(&["--test", "other.csv", "--simulate", "1,2"]).json();
    for score in [&result["score"], &result["test"]] {
        assert!(score["trajectory_r2"].as_f64().unwrap() > 0.999_99, "{result}");
        assert!(score["derivative_r2"].as_f64().unwrap() > 0.999, "{result}");
    }
    let at = |t: f64| 0.5 * (t.sin() - t.cos()) + 1.5 * (-t).exp();
    for (k, t) in [1.0, 2.0].into_iter().enumerate() {
        assert!((result["simulated"][k][0].as_f64().unwrap() - at(t)).abs() < 1e-4, "{result}");
    }
    with(&["--test", "swings.csv"]).failed(2, &["swings.csv", "`u`"]);
    folder.vecfield(&["sindy", "swings.csv", "--test", "one.csv"]).failed(2, &["one.csv", "x, u", "x, v"]);
}

#[test]
fn symmetries_and_units_close_terms() {
    let folder = Folder::new();
    folder.file("swings.csv", &swings());
    let with = |more: &[&str]| folder.vecfield(&[&["sindy", "swings.csv", "--json"][..], more].concat());
    let mirrored = with(&["--symmetry", "x: -x; v: -v"]).json();
    let terms = |result: &serde_json::Value, of: &str| result["inclusion"][of].as_object().unwrap().clone();
    assert!(!terms(&mirrored, "v").contains_key("1") && !terms(&mirrored, "v").contains_key("x^2"), "{mirrored}");
    assert!((mirrored["coefficients"]["v"]["x"].as_f64().unwrap() + 1.0).abs() < 2e-3, "{mirrored}");
    let units = ["--units", "t: s; x: m; v: m/s", "--library", "polynomial:2,custom:sin(x)"];
    let homogeneous = with(&units).json();
    assert!(!terms(&homogeneous, "v").contains_key("sin(x)"), "{homogeneous}");
    let pure = with(&[&units[..], &["--coefficient-units", "1/s", "--optimizer", "exact"]].concat()).json();
    assert!((pure["coefficients"]["v"]["x"].as_f64().unwrap() + 1.0).abs() < 2e-3, "{pure}");
    with(&["--symmetry", "x: 2*x"]).failed(2, &["--symmetry", "x: -x; y: -y"]);
    with(&["--symmetry", "x: v"]).failed(2, &["nothing goes to `x`"]);
    with(&["--units", "x: m + s"]).failed(2, &["--units", "kg*m/s^2"]);
    with(&["--units", "u: m"]).failed(2, &["`u`"]);
    with(&["--coefficient-units", "1"]).failed(2, &["--units"]);
    with(&["--units", "t: s; x: m; v: kg", "--coefficient-units", "1"]).failed(2, &["no term of the library"]);
}

#[test]
fn bounded_dynamics_have_a_ball() {
    let folder = Folder::new();
    // A spiral, x' = v - x/2, v' = -x - v/2: exp(-t/2) (cos t, -sin t).
    let row = |k: i32| {
        let t = 0.05 * f64::from(k);
        format!("{t},{},{}\n", (-0.5 * t).exp() * t.cos(), -(-0.5 * t).exp() * t.sin())
    };
    folder.file("spiral.csv", &(0..150).map(row).fold("t,x,v\n".into(), |text: String, row| text + &row));
    let bounded = ["--optimizer", "trapping", "--threshold", "0.05"];
    let of = |file: &'static str| [&["sindy", file][..], &bounded, &["--json"]].concat();
    let result = folder.vecfield(&of("spiral.csv")).json();
    assert!(result["trapping"]["radius"].as_f64().unwrap() < 0.1, "{result}");
    let eigenvalues = result["trapping"]["eigenvalues"].as_array().unwrap();
    assert!(eigenvalues.iter().all(|v| (v.as_f64().unwrap() + 0.5).abs() < 0.01), "{result}");
    let other = ["sindy", "spiral.csv", "--library", "polynomial:3", "--optimizer", "trapping"];
    folder.vecfield(&other).failed(2, &["polynomial:2", "x^3"]);
}

/// Tables and libraries of which no equation can be believed are refused, with what to do.
#[test]
fn tables_that_cannot_serve_are_refused_with_the_remedy() {
    let folder = Folder::new();
    let table = |name: &str, rows: usize, row: &dyn Fn(f64) -> String| {
        let rows = (0..rows).map(|k| format!("{},{}\n", 0.1 * k as f64, row(0.1 * k as f64)));
        folder.file(name, &rows.fold("t,x,y\n".into(), |text: String, row| text + &row));
    };
    let classical = ["--derivative", "finite-difference:2", "--optimizer", "stlsq"];
    let refused = |file: &str, more: &[&str], words: &[&str]| {
        folder.vecfield(&[&["sindy", file][..], more].concat()).failed(2, words);
    };
    // Collinear columns, and collinear features: both names.
    table("twice.csv", 60, &|t| format!("{},{}", t.sin(), 2.0 * t.sin()));
    refused("twice.csv", &["--library", "polynomial:1"], &["`x`", "`y`", "proportional"]);
    table("swing.csv", 60, &|t| format!("{},{}", t.cos(), -t.sin()));
    refused("swing.csv", &["--library", "polynomial:1,custom:3*x"], &["`x`", "3*x"]);
    refused("swing.csv", &["--library", "polynomial:2", classical[0], classical[1]], &["combination", "x^2"]);
    // More features than rows, and a trajectory of two points.
    table("few.csv", 12, &|t| format!("{},{}", t.exp(), (-t * t).exp()));
    refused("few.csv", &["--library", "polynomial:5"], &["21 features", "smaller library"]);
    table("two.csv", 2, &|t| format!("{},{}", t.exp(), (-t).exp()));
    refused("two.csv", &[], &["2", "at least"]);
    // A constant column is a multiple of 1, a column of zeros none at all.
    table("flat.csv", 60, &|t| format!("{},3", t.exp()));
    refused("flat.csv", &["--library", "polynomial:1"], &["`1`", "`y`"]);
    table("zero.csv", 60, &|t| format!("{},0", t.exp()));
    refused("zero.csv", &["--library", "polynomial:1"], &["`y`", "zero"]);
    // A missing cell where every one is needed, and an infinite one.
    let gap =
        |t: f64| format!("{},{}", t.cos(), if t > 1.95 && t < 2.05 { "nan".into() } else { format!("{}", -t.sin()) });
    table("gap.csv", 60, &gap);
    refused("gap.csv", &classical, &["`y`", "--weak"]);
    assert!(
        folder.vecfield(&["sindy", "gap.csv", "--library", "polynomial:1", "--json"]).json()["equations"].is_object()
    );
    table("infinite.csv", 60, &|t| format!("{},{}", t.cos(), if t > 3.0 { "inf".into() } else { format!("{t}") }));
    refused("infinite.csv", &[], &["inf"]);
    // Units that differ wildly: no threshold serves both, evidence does.
    table("units.csv", 120, &|t| {
        format!("{:e},{:e}", 1e9 * (-0.1 * t).exp() * t.cos(), 1e-9 * (-0.1 * t).exp() * t.sin())
    });
    refused("units.csv", &classical, &["`x`", "`y`", "units"]);
    let result = folder.vecfield(&["sindy", "units.csv", "--library", "polynomial:2", "--json"]).json();
    for (equation, other) in [("x", "y"), ("y", "x")] {
        let terms: Vec<&String> = result["coefficients"][equation].as_object().unwrap().keys().collect();
        assert!(terms.len() == 2 && terms.iter().all(|term| *term == equation || *term == other), "{result}");
    }
}
