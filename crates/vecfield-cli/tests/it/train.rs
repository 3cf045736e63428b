//! `vecfield train` and `vecfield predict`.

use crate::Folder;

/// Three turns of an oscillator, rows of the trajectories mixed, one cell missing.
fn turns() -> String {
    let mut text = String::from("trajectory,t,x,v\n");
    for k in 0..12 {
        let t = 0.25 * f64::from(k);
        for (number, phase) in [(7, 0.0_f64), (3, 1.0)] {
            let (sin, cos) = (t + phase).sin_cos();
            let v = if k == 4 { String::new() } else { (-sin).to_string() };
            text += &format!("{number},{t},{cos},{v}\n");
        }
    }
    text
}

const MODEL: &str =
    "[model]\nkind = \"neural-ode\"\n[field]\nlayers = [8]\n[optimizer]\nlearning_rate = 0.02\nsteps = 60\n";

fn ready() -> Folder {
    let folder = Folder::new();
    folder.file("model.toml", MODEL);
    folder.file("turns.csv", &turns());
    folder
}

#[test]
fn a_model_is_trained_written_and_asked() {
    let folder = ready();
    let train = ["train", "model.toml", "turns.csv", "--test", "turns.csv", "--out", "made"];
    let result = folder.vecfield(&[&train[..], &["--json"]].concat()).json();
    assert_eq!((&result["kind"], &result["steps"], &result["cut"]), (&"neural-ode".into(), &60.into(), &false.into()));
    assert_eq!(result["parameters"], 2 * 8 + 8 + 8 * 2 + 2);
    assert_eq!(result["metrics"]["train_mse"], result["metrics"]["test_mse"]);
    assert!(result["nfe"]["forward"].as_f64().unwrap() > 6.0);
    for key in ["seconds", "startup_seconds", "step_seconds"] {
        assert!(result[key].as_f64().unwrap() > 0.0, "{key} in {result}");
    }
    assert_eq!(result["checkpoint"], "made/model.safetensors");
    let history = std::fs::read_to_string(folder.path().join("made/history.csv")).unwrap();
    assert!(history.starts_with("step,phase,loss,") && history.lines().count() == 61);

    // What is there stays, unless told otherwise.
    folder.vecfield(&train).failed(2, &["made/model.safetensors", "--force"]);

    // Rows are answered in their order; what was given stays.
    folder.file("ask.csv", "trajectory,t,v,x\n5,0,0,1\n2,0,1,0\n5,1,,\n2,0.5,,0.25\n");
    let answer = folder.vecfield(&["predict", "made", "ask.csv"]);
    let rows: Vec<&str> = answer.out.lines().collect();
    assert_eq!(rows[..3], ["trajectory,t,x,v", "5,0,1,0", "2,0,0,1"], "{}", answer.err);
    assert!(rows[3].starts_with("5,1,") && rows[4].starts_with("2,0.5,0.25,") && rows.len() == 5);
    let x: f64 = rows[3].split(',').nth(2).unwrap().parse().unwrap();
    assert!(x.is_finite() && x < 1.0);
}

#[test]
fn threads_and_interruptions_change_nothing() {
    let folder = ready();
    let file = |name: &str| std::fs::read(folder.path().join(name).join("model.safetensors")).unwrap();
    let out = |name: &str, more: &[&str]| {
        let ran = folder.vecfield(&[&["train", "model.toml", "turns.csv", "--out", name, "--json"], more].concat());
        assert_eq!(ran.status, Some(0), "{}", ran.err);
        file(name)
    };
    let whole = out("whole", &["--threads", "1"]);
    assert_eq!(whole, out("threads", &["--threads", "2"]));
    assert_ne!(whole, out("seed", &["--seed", "1"]));
    out("part", &["--seconds", "1e-9"]);
    let resumed = folder.vecfield(&["train", "model.toml", "turns.csv", "--resume", "part", "--json"]).json();
    assert_eq!(resumed["cut"], false);
    assert_eq!(whole, file("part"));
}

#[test]
fn people_are_told_how_it_went() {
    let folder = ready();
    let ran = folder.vecfield(&["train", "model.toml", "turns.csv"]);
    for words in ["A neural-ode of 42 parameters", "60 steps", "train_mse"] {
        assert!(ran.out.contains(words), "{words:?} in {}", ran.out);
    }
}

#[test]
fn wrong_input_is_told_with_its_place() {
    let folder = ready();
    for (text, words) in [
        ("[model]\nkind = \"neural-od\"\n", &["wrong.toml:2:8", "did you mean `neural-ode`"][..]),
        ("[model]\nkind = \"neural-ode\"\n[field]\nlayer = [3]\n", &["wrong.toml:4:1", "did you mean `layers`"]),
        ("[model]\nkind = \"neural-ode\"\n[solver]\nrtol = \"small\"\n", &["wrong.toml:4:8", "a number"]),
        ("[model]\nkind = \"neural-ode\"\n[solver]\nrtol = 3\n", &["wrong.toml:4:8", "between"]),
        ("[model]\nkind = \"neural-ode\"\n[optimizer]\nname = \"sgd\"\nbetas = [0.9, 0.9]\n", &["wrong.toml:5:9"]),
        ("[field]\n", &["`model` is missing"]),
        ("[model\n", &["wrong.toml:1"]),
    ] {
        folder.file("wrong.toml", text);
        folder.vecfield(&["train", "wrong.toml", "turns.csv"]).failed(2, words);
    }
    folder.vecfield(&["train", "model.toml"]).failed(2, &["trajectories"]);
    folder.vecfield(&["train", "model.toml", "none.csv"]).failed(2, &["none.csv"]);
    folder.vecfield(&["predict", "none", "turns.csv"]).failed(2, &["model.safetensors"]);
    folder.vecfield(&["train", "model.toml", "turns.csv", "--resume", "none"]).failed(2, &["model.safetensors"]);
}

#[test]
fn columns_that_the_model_does_not_know_are_refused() {
    let folder = ready();
    folder.vecfield(&["train", "model.toml", "turns.csv", "--out", "made", "--seconds", "1e-9"]);
    folder.file("ask.csv", "t,y\n0,1\n1,\n");
    folder.vecfield(&["predict", "made", "ask.csv"]).failed(2, &["ask.csv", "x, v"]);
    folder.vecfield(&["predict", "made"]).failed(2, &["times asked for"]);
    folder.vecfield(&["predict", "made", "turns.csv", "--samples", "3"]).failed(2, &["--samples"]);
}

#[test]
fn labels_belong_to_kinds_that_learn_them() {
    let folder = ready();
    folder.file("labels.csv", "trajectory,label\n7,0\n3,1\n");
    folder
        .vecfield(&["train", "model.toml", "turns.csv", "--labels", "labels.csv"])
        .failed(2, &["labels.csv", "no labels"]);
}

/// Growth that is known, and what holds it back, which is not: y' = r y - y² from four starts.
fn grown() -> String {
    let mut text = String::from("trajectory,t,y\n");
    for (number, start) in [0.1, 0.3, 0.8, 1.5_f64].into_iter().enumerate() {
        for k in 0..8 {
            let (t, e) = (0.4 * f64::from(k), (0.4 * f64::from(k)).exp());
            text += &format!("{number},{t},{}\n", start * e / (1.0 - start + start * e));
        }
    }
    text
}

#[test]
fn formulas_are_trained_with_networks_in_them() {
    let folder = Folder::new();
    folder.file("grown.csv", &grown());
    let model = "[model]\nkind = \"ude\"\nfixed = [\"r\"]\n[parameters]\nr = 1\ns = { value = 1, min = 0 }\n[equations]\n\
                 y = \"r*y - s*net1(y)\"\n[field]\nlayers = [6]\n[optimizer]\nlearning_rate = 0.03\nphases = [{ steps = 100, horizon = 0.3 }, { steps = 200 }]\n";
    folder.file("model.toml", model);
    let result = folder.vecfield(&["train", "model.toml", "grown.csv", "--out", "made", "--json"]).json();
    assert!(result["metrics"]["train_mse"].as_f64().unwrap() < 1e-3, "{result}");
    assert!(result["constants"]["r"] == 1.0 && result["constants"]["s"].as_f64().unwrap() > 0.0, "{result}");
    folder.file("ask.csv", "t,y\n0,0.5\n1,\n");
    let answer = folder.vecfield(&["predict", "made", "ask.csv"]).out;
    let y: f64 = answer.lines().nth(2).unwrap().split(',').nth(1).unwrap().parse().unwrap();
    let exact = 0.5 * 1_f64.exp() / (0.5 + 0.5 * 1_f64.exp());
    assert!((y - exact).abs() < 0.05, "{y} and {exact}");
    let people = folder.vecfield(&["train", "model.toml", "grown.csv", "--seconds", "1e-9"]).out;
    assert!(people.contains("A ude of") && people.contains("constant"), "{people}");

    for (from, to, words) in [
        ("net1(y)", "net1(z)", &["model.toml:8:19", "unknown name"][..]),
        ("r*y -", "rr*y -", &["model.toml:8:6", "did you mean \"r\"?"]),
        ("s = {", "s = { most = 2,", &["model.toml:6:", "most"]),
        ("r = 1", "r = \"one\"", &["model.toml:5:5", "a number"]),
        ("y = \"r", "x = \"r", &["model.toml:8:", "unknown name \"y\""]),
        ("y = \"r*y - s*net1(y)", "x = \"r*x - s*net1(x)", &["grown.csv", "the column `y` has no equation"]),
    ] {
        folder.file("model.toml", &model.replacen(from, to, 1));
        folder.vecfield(&["train", "model.toml", "grown.csv"]).failed(2, words);
    }
}
