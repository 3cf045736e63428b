//! What `vecfield solve` answers for a problem with `[noise]`.

use crate::Folder;

const STOCK: &str = "title = \"Stock\"\n[parameters]\nmu = 0.1\nsigma = 0.3\n[initial]\nx = 1.0\n[equations]\nx = \"mu*x\"\n\
                     [noise]\nx = [\"sigma*x\"]\n[solve]\nt = [0.0, 1.0]\nsave = [0.5, 1.0]\nstep = 0.03125\n";

#[test]
fn answers_in_json() {
    let folder = Folder::new();
    folder.file("p.toml", STOCK);
    let arguments = ["solve", "p.toml", "--paths", "4000", "--expect", "log(x)", "--expect", "x^2", "--json"];
    let result = folder.vecfield(&arguments).json();
    assert_eq!(result["t"], serde_json::json!([0.5, 1.0]));
    assert_eq!((&result["moments"]["paths"], &result["method"]), (&4000.into(), &"sriw1".into()));
    assert_eq!(result["y"], result["moments"]["mean"]);
    // Four and a half standard errors: one false alarm in 1.5e5 seeds.
    for (quantity, want) in [("log(x)", 0.1 - 0.045), ("x^2", (0.2_f64 + 0.09).exp())] {
        let expect = &result["moments"]["expect"][quantity];
        let (mean, stderr) = (expect["mean"][1].as_f64().unwrap(), expect["stderr"][1].as_f64().unwrap());
        assert!(stderr > 0.0 && (mean - want).abs() < 4.5 * stderr, "{quantity}: {mean} +- {stderr}, not {want}");
    }
}

/// One thread or three, and more paths: the same numbers.
#[test]
fn threads_do_not_matter_and_seeds_do() {
    let folder = Folder::new();
    folder.file("p.toml", STOCK);
    let run = |more: &[&str]| {
        let result = folder.vecfield(&[&["solve", "p.toml", "--paths", "700", "--json"], more].concat()).json();
        result["moments"].to_string()
    };
    let one = run(&["--threads", "1"]);
    assert_eq!(one, run(&["--threads", "3"]));
    assert_ne!(one, run(&["--seed", "1"]));
    assert_ne!(one, run(&["--method", "milstein"]));
}

#[test]
fn results_are_files_and_people_get_a_table() {
    let folder = Folder::new();
    folder.file("p.toml", STOCK);
    let ran = folder.vecfield(&["solve", "p.toml", "--paths", "50", "--expect", "x", "--out", "run", "--plot"]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    assert!(ran.out.starts_with("Stock\n50 paths by sriw1") && ran.out.contains("standard error"), "{}", ran.out);
    let moments = std::fs::read_to_string(folder.path().join("run/moments.csv")).unwrap();
    assert!(moments.starts_with("t,mean_x,variance_x,quantile_0.05_x,"), "{moments}");
    let svg = std::fs::read_to_string(folder.path().join("run/trajectory.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("25 of 50 paths"), "{}", &svg[..200]);
}

#[test]
fn tolerances_choose_the_steps() {
    let folder = Folder::new();
    folder.file("p.toml", &STOCK.replace("step = 0.03125\n", "rtol = 1e-4\natol = 1e-5\n"));
    let result = folder.vecfield(&["solve", "p.toml", "--paths", "20", "--json"]).json();
    assert!(result["stats"]["rejected"].as_u64().unwrap() > 0, "{}", result["stats"]);
}

#[test]
fn what_is_wrong_is_told() {
    let folder = Folder::new();
    let ask = |from: &str, to: &str, more: &[&str], status: i32, words: &[&str]| {
        assert!(STOCK.contains(from), "{from}");
        folder.file("p.toml", &STOCK.replacen(from, to, 1));
        folder.vecfield(&[&["solve", "p.toml"], more].concat()).failed(status, words);
    };
    ask("x = [\"sigma*x\"]", "z = [\"sigma*x\"]", &[], 2, &["p.toml:10:1", "`z`", "no equation"]);
    ask("x = [\"sigma*x\"]", "x = [\"sigma*z\"]", &[], 2, &["p.toml:10:13", "z"]);
    ask("x = [\"sigma*x\"]", "x = []", &[], 2, &["p.toml:10:5", "no formula for `x`"]);
    ask("x = [\"sigma*x\"]", "x = \"sigma*x\"", &[], 2, &["p.toml:10:5", "a list of formulas"]);
    ask("x = [\"sigma*x\"]", "x = [\"sigma*x\"]\ninterpretation = \"levy\"", &[], 2, &["p.toml:11:18", "stratonovich"]);
    let two = "y = 1.0\n[equations]\ny = \"0\"\n";
    let noise = "[noise]\ny = [\"1\", \"0\"]\n";
    folder.file("p.toml", &STOCK.replace("[equations]\n", two).replace("[noise]\n", noise));
    folder.vecfield(&["solve", "p.toml"]).failed(2, &["p.toml:13:5", "`x` has 1 columns", "`y` has 2"]);
    ask("[solve]", "[[event]]\nwhen = \"x - 2\"\n[solve]", &[], 2, &["[noise]", "events"]);
    ask("title", "title", &["--method", "tsit5"], 2, &["`tsit5`", "ordinary", "`sriw1`"]);
    ask("title", "title", &["--method", "spark"], 2, &["`spark`", "Stratonovich", "`sriw1`"]);
    ask("title", "title", &["--method", "shark"], 2, &["additive", "`sriw1`"]);
    ask("title", "title", &["--expect", "y"], 2, &["--expect", "y"]);
    ask("title", "title", &["--expect", "log(x - 5)"], 2, &["log(x - 5)", "path 0"]);
    ask("title", "title", &["--gradient", "x"], 2, &["--gradient", "[noise]"]);
    ask("t = [0.0, 1.0]\nsave = [0.5, 1.0]", "t = [1.0, 0.0]", &[], 2, &["forwards"]);
    ask("\"mu*x\"", "\"log(x - 1)\"", &[], 1, &["`x` of path 0", "--step"]);
    ask("[noise]\nx = [\"sigma*x\"]\n", "", &["--expect", "x"], 2, &["--expect", "no [noise]"]);
    ask("[noise]\nx = [\"sigma*x\"]\n", "", &["--method", "sriw1"], 2, &["`sriw1`", "stochastic"]);
}
