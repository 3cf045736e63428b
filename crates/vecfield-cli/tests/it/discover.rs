//! `vecfield discover`.

use crate::Folder;

/// Logistic growth to 10 at irregular times, a cell missing, noise of about 1 %.
fn growth() -> String {
    let noise = [0.3, -0.8, 1.1, -0.2, 0.6, -1.3, 0.9, 0.1, -0.5, 0.7, -0.9, 0.4, 1.2, -0.6, -0.1, 0.8, -1.0, 0.5];
    let row = |(k, noise): (usize, &f64)| {
        let t = 0.5 * k as f64 + 0.1 * (k as f64).sin();
        let value = 10.0 / (1.0 + 19.0 * (-t).exp()) + 0.1 * noise;
        if k == 6 { format!("{t},\n") } else { format!("{t},{value}\n") }
    };
    noise.iter().enumerate().map(row).fold("t,y\n".into(), |text, row| text + &row)
}

#[test]
fn a_law_is_found_written_and_solved() {
    let folder = Folder::new();
    folder.file("growth.csv", &growth());
    let result = folder.vecfield(&["discover", "growth.csv", "--noise", "additive", "--out", "found", "--json"]).json();
    assert_eq!(result["verdict"], "law", "{result}");
    let terms = result["parameters_stderr"]["y"].as_object().unwrap();
    assert_eq!(terms.keys().collect::<Vec<_>>(), ["y", "y^2"]);
    assert!(result["r2"]["all"].as_f64().unwrap() > 0.99 && result["forecast_r2"].as_f64().unwrap() > 0.9);
    assert!(result["alternatives"].as_array().unwrap().len() <= 12);

    let solved = folder.vecfield(&["solve", "found/equations.toml", "--json"]).json();
    let (rows, last) = (solved["y"].as_array().unwrap(), solved["t"].as_array().unwrap().len() - 1);
    assert!((rows[last][0].as_f64().unwrap() - 10.0).abs() < 0.3);
    let page = std::fs::read_to_string(folder.path().join("found/report.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("<math") && !page.contains("https://"));
    let curve = std::fs::read_to_string(folder.path().join("found/trajectory.csv")).unwrap();
    assert!(curve.starts_with("t,y\n") && curve.lines().count() > 100);

    let again = folder.vecfield(&["discover", "growth.csv", "--noise", "additive", "--out", "found"]);
    again.failed(2, &["found", "--force"]);
}

#[test]
fn threads_change_nothing() {
    let folder = Folder::new();
    folder.file("growth.csv", &growth());
    let on = |threads: &str| {
        let mut result = folder.vecfield(&["discover", "growth.csv", "--json", "--threads", threads]).json();
        result["seconds"] = 0.into();
        result.to_string()
    };
    assert_eq!(on("1"), on("2"));
}

#[test]
fn people_are_told_what_and_how_sure() {
    let folder = Folder::new();
    folder.file("growth.csv", &growth());
    let ran = folder.vecfield(&["discover", "growth.csv"]);
    for words in ["A law", "dy/dt = ", "std. error", "forecasts from 4 origins", "Alternatives"] {
        assert!(ran.out.contains(words), "{words:?} in {}", ran.out);
    }
}

#[test]
fn a_cut_run_says_so() {
    let folder = Folder::new();
    folder.file("growth.csv", &growth());
    let ran = folder.vecfield(&["discover", "growth.csv", "--seconds", "1e-6", "--json"]);
    match ran.status {
        Some(0) => assert_eq!(ran.json()["cut"], true),
        _ => ran.failed(1, &["candidates"]),
    }
}

/// `y' = 2u - y/2` from `y(0) = 0`, in closed form: `u = 1 - t/2` until `t = 1`, and a half from there on.
fn heated() -> String {
    let row = |k: i32| {
        let t = 0.1 * f64::from(k);
        // Up to the kink u = 1 - t/2: y = 8 - 2t - 8 e^{-t/2}; behind it towards 2.
        let warm = |t: f64| 8.0 - 2.0 * t - 8.0 * (-0.5 * t).exp();
        let y = if t <= 1.0 { warm(t) } else { 2.0 + (warm(1.0) - 2.0) * (-0.5 * (t - 1.0)).exp() };
        format!("{t},{},{}\n", y + 0.002 * (13.7 * f64::from(k)).sin(), (1.0 - 0.5 * t).max(0.5))
    };
    (0..50).map(row).fold("t,y,power\n".into(), |text, row| text + &row)
}

/// A law with an input is written with the input as the fit had it, and solving that gives the fitted curve.
#[test]
fn what_drives_the_system_is_no_state() {
    let folder = Folder::new();
    folder.file("heated.csv", &heated());
    let ran = folder.vecfield(&[
        "discover",
        "heated.csv",
        "--control",
        "power",
        "--method",
        "sindy",
        "--noise",
        "additive",
        "--out",
        "found",
        "--json",
    ]);
    let result = ran.json();
    assert_eq!(result["variables"], serde_json::json!(["y"]));
    assert_eq!(result["inputs"], serde_json::json!(["power"]));
    assert_eq!(result["verdict"], "law", "{result}");
    let terms = result["parameters_stderr"]["y"].as_object().unwrap();
    assert_eq!(terms.keys().collect::<Vec<_>>(), ["power", "y"], "{result}");

    let problem = std::fs::read_to_string(folder.path().join("found/equations.toml")).unwrap();
    assert!(problem.contains("[definitions]\npower = "), "{problem}");
    let solved = folder.vecfield(&["solve", "found/equations.toml", "--json"]).json();
    let measured: Vec<f64> =
        heated().lines().skip(1).map(|line| line.split(',').nth(1).unwrap().parse().unwrap()).collect();
    let states = solved["y"].as_array().unwrap();
    assert_eq!(states.len(), measured.len());
    for (state, measured) in states.iter().zip(measured) {
        assert!((state[0].as_f64().unwrap() - measured).abs() < 0.01, "{state} for {measured}");
    }
    let page = std::fs::read_to_string(folder.path().join("found/report.html")).unwrap();
    assert!(page.contains("The input power is given"));
    folder.vecfield(&["discover", "heated.csv", "--control", "current"]).failed(2, &["current", "--control"]);
}

/// A run that is cut, again and again, and goes on each time, says in the end what one that never was says.
#[test]
fn a_cut_run_goes_on() {
    let folder = Folder::new();
    folder.file("growth.csv", &growth());
    let without_time = |mut result: serde_json::Value| {
        result["seconds"] = 0.into();
        result.to_string()
    };
    let whole = folder.vecfield(&["discover", "growth.csv", "--noise", "additive", "--json"]).json();
    let cut = ["discover", "growth.csv", "--noise", "additive", "--seconds", "0.4", "--json"];
    folder.vecfield(&[&cut[..], &["--out", "found"]].concat());
    let ledger = folder.path().join("found/ledger.json");
    // Where the machine is quick, the first run was done.
    if ledger.exists() {
        folder.vecfield(&["discover", "growth.csv", "--resume", "found"]).failed(2, &["ledger.json", "other options"]);
        folder.vecfield(&[&cut[..], &["--resume", "found"]].concat());
    }
    if ledger.exists() {
        let resumed =
            folder.vecfield(&["discover", "growth.csv", "--noise", "additive", "--json", "--resume", "found"]).json();
        assert_eq!(without_time(resumed), without_time(whole));
    }
    assert!(!ledger.exists(), "a run that is done leaves nothing to go on with");
    folder
        .vecfield(&["discover", "growth.csv", "--noise", "additive", "--resume", "found"])
        .failed(2, &["ledger.json"]);
}

#[test]
fn what_cannot_be_learnt_from_is_refused() {
    let folder = Folder::new();
    folder.file("short.csv", "t,y\n0,1\n1,2\n2,3\n");
    folder.vecfield(&["discover", "short.csv"]).failed(2, &["short.csv", "3 rows", "6"]);
    folder.file("negative.csv", &growth().replace("\n0,", "\n0,-"));
    folder.vecfield(&["discover", "negative.csv", "--noise", "multiplicative"]).failed(2, &["`y`", "additive"]);
}
