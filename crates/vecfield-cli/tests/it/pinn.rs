//! `vecfield pinn`.

use crate::Folder;

const DECAY: &str = "[domain]\nt = [0, 2]\nunknowns = [\"y\"]\n[equations]\ndecay = \"y_t + y\"\n\
                     [[condition]]\non = \"t = 0\"\ny = \"1\"\n";

const HEAT: &str = "[domain]\nx = [0, 1]\nt = [0, 0.2]\nunknowns = [\"u\"]\n[equations]\nheat = \"u_t - u_xx\"\n\
                    [[condition]]\non = \"t = 0\"\nu = \"sin(pi*x)\"\n[[condition]]\non = \"boundary\"\nu = 0\n";

#[test]
fn the_first_network_of_every_textbook_is_solved_to_rounding() {
    let folder = Folder::new();
    folder.file("decay.toml", DECAY);
    folder.file("points.csv", "t\n0\n0.5\n2\n");
    let result =
        folder.vecfield(&["pinn", "decay.toml", "--evaluate", "points.csv", "--out", "solved", "--json"]).json();
    for (value, t) in result["values"]["y"].as_array().unwrap().iter().zip([0.0, 0.5, 2.0]) {
        assert!((value.as_f64().unwrap() - f64::exp(-t)).abs() < 1e-12, "{value}");
    }
    assert_eq!(result["points"], 3);
    assert_eq!(result["verdict"], "converged");
    assert_eq!(result["cut"], false);
    assert!(result["error_estimate"].as_f64().unwrap() < 1e-10);
    assert!(!result["history"].as_array().unwrap().is_empty());
    let solution = std::fs::read_to_string(folder.path().join("solved/solution.csv")).unwrap();
    assert!(solution.starts_with("t,y\n0"), "{solution}");
    folder.vecfield(&["pinn", "decay.toml", "--out", "solved"]).failed(2, &["there is a result already"]);
}

#[test]
fn what_is_missing_is_named() {
    let folder = Folder::new();
    folder.file("open.toml", &DECAY[..DECAY.find("[[condition]]").unwrap()]);
    let result = folder.vecfield(&["pinn", "open.toml", "--json"]).json();
    assert_eq!(result["verdict"], "ill-posed");
    assert!(result["missing"][0].as_str().unwrap().contains("t = 0"), "{}", result["missing"]);
    folder.file("half.toml", &HEAT.replace("\"boundary\"", "\"x = 0\""));
    let result = folder.vecfield(&["pinn", "half.toml", "--json"]).json();
    assert_eq!(result["verdict"], "ill-posed");
    assert!(result["missing"][0].as_str().unwrap().contains("x = 1"), "{}", result["missing"]);
}

#[test]
fn wrong_input_is_named_with_its_place() {
    let folder = Folder::new();
    folder.file("points.csv", "x,t\n0.5,0.1\n");
    let cases: [(&str, &str, &[&str]); 8] = [
        ("u_xx", "u_zz", &["heat.toml:6:15", "`u_zz`", "no coordinate `zz`"]),
        ("u_xx", "u_xx*", &["heat.toml:6", "ends where a value must follow"]),
        ("t = 0\"", "t = -2\"", &["heat.toml:8:6", "not on the boundary"]),
        ("x = [0, 1]", "x = [1, 0]", &["heat.toml:2:5", "empty"]),
        ("x = [0, 1]", "x = \"wide\"", &["heat.toml:", "[low, high]"]),
        ("u = 0", "w = 0", &["heat.toml:12:5", "w"]),
        ("[equations]\nheat = \"u_t - u_xx\"", "[equations]", &["heat.toml", "no equation"]),
        ("[[condition]]", "[[condition]]\non = \"t = 0\"\nu = \"1\"\n[[condition]]", &["different values"]),
    ];
    for (from, to, words) in cases {
        folder.file("heat.toml", &HEAT.replacen(from, to, 1));
        folder.vecfield(&["pinn", "heat.toml", "--evaluate", "points.csv"]).failed(2, words);
    }
    folder.file("heat.toml", HEAT);
    folder.vecfield(&["pinn", "heat.toml", "--evaluate", "none.csv"]).failed(2, &["none.csv"]);
    folder.file("points.csv", "x\n0.5\n");
    folder.vecfield(&["pinn", "heat.toml", "--evaluate", "points.csv"]).failed(2, &["points.csv", "`t`"]);
    folder.file("points.csv", "x,t\n0.5,7\n");
    folder.vecfield(&["pinn", "heat.toml", "--evaluate", "points.csv"]).failed(2, &["outside the domain", "t"]);
    folder.file("observed.csv", "x,t,u\n0.5,7,1\n");
    folder.file("heat.toml", &(HEAT.to_string() + "[[data]]\nfile = \"observed.csv\"\n"));
    folder.vecfield(&["pinn", "heat.toml"]).failed(2, &["outside the domain"]);
    folder.file("disk.toml", &HEAT.replace("unknowns", "y = [0, 1]\ngeometry = \"disk(5,5, 1)\"\nunknowns"));
    folder.vecfield(&["pinn", "disk.toml"]).failed(2, &["disk.toml:5", "geometry"]);
}

const TRAINED: &str =
    "[network]\nlayers = [8, 8]\n[train]\npoints = 64\nwarm_up = 100\niterations = 300\nredraw = 50\n";

#[test]
fn a_deep_network_is_trained_where_the_file_asks_for_one() {
    let folder = Folder::new();
    folder.file("points.csv", "t\n0\n0.5\n2\n");
    for method in ["lbfgs", "ssbroyden", "lm"] {
        folder.file("deep.toml", &format!("{DECAY}{TRAINED}method = \"{method}\"\n"));
        let result = folder.vecfield(&["pinn", "deep.toml", "--evaluate", "points.csv", "--json"]).json();
        for (value, t) in result["values"]["y"].as_array().unwrap().iter().zip([0.0, 0.5, 2.0]) {
            assert!((value.as_f64().unwrap() - f64::exp(-t)).abs() < 1e-4, "{method}: {value} at {t}");
        }
        assert!(result["method"].as_str().unwrap().contains(method), "{}", result["method"]);
        assert_eq!(result["coefficients"], 8 * 2 + 9 * 8 + 9);
    }
}

#[test]
fn a_training_that_goes_on_is_one_that_never_stopped() {
    let folder = Folder::new();
    folder.file("points.csv", "t\n0.5\n");
    for method in ["adam", "lbfgs", "ssbroyden", "lm"] {
        let (short, whole) = (format!("short-{method}"), format!("whole-{method}"));
        let file = format!("{DECAY}{TRAINED}method = \"{method}\"\n");
        folder.file("short.toml", &file.replace("iterations = 300", "iterations = 150"));
        folder.file("whole.toml", &file);
        let train = |arguments: &[&str]| {
            folder.vecfield(&[&["pinn", "--evaluate", "points.csv", "--json", "--quiet"], arguments].concat()).json()
        };
        train(&["short.toml", "--out", &short, "--threads", "2"]);
        let resumed = train(&["whole.toml", "--resume", &short]);
        let at_once = train(&["whole.toml", "--out", &whole, "--threads", "1"]);
        assert_eq!(resumed["values"], at_once["values"], "{method}");
        assert_eq!(resumed["loss"], at_once["loss"], "{method}");
        let bytes = |name: &str| std::fs::read(folder.path().join(name).join("checkpoint.safetensors")).unwrap();
        assert!(bytes(&short) == bytes(&whole), "{method}: the checkpoints differ");
    }
    folder.file("other.toml", &format!("{DECAY}{}", TRAINED.replace("[8, 8]", "[8, 9]")));
    folder.vecfield(&["pinn", "other.toml", "--resume", "short-lm"]).failed(2, &["another problem, network"]);
    folder.vecfield(&["pinn", "other.toml", "--resume", "nowhere"]).failed(2, &["nowhere", "--out"]);
}

#[test]
fn what_a_deep_network_cannot_do_is_said_at_its_key() {
    let folder = Folder::new();
    let file = format!("{DECAY}{TRAINED}");
    let cases: [(&str, &str, &[&str]); 6] = [
        ("layers = [8, 8]", "layers = []", &["deep.toml:10", "hidden layers"]),
        ("layers = [8, 8]", "layers = [8, 0]", &["deep.toml:10", "0 neurons"]),
        ("layers = [8, 8]", "activation = \"relu\"", &["deep.toml:10", "tanh, sin, silu"]),
        ("redraw = 50", "method = \"bfgs\"", &["deep.toml:15", "ssbroyden"]),
        ("points = 64", "points = 0", &["deep.toml:12", "0 points"]),
        ("y_t + y", "y_t + y(t/2)", &["deep.toml", "deep network"]),
    ];
    for (from, to, words) in cases {
        folder.file("deep.toml", &file.replacen(from, to, 1));
        folder.vecfield(&["pinn", "deep.toml"]).failed(2, words);
    }
    folder.file("deep.toml", &file.replace("points = 64", "points = 64\nlearning_rate = 1e300\nmethod = \"adam\""));
    folder.vecfield(&["pinn", "deep.toml", "--json"]).failed(1, &["learning_rate"]);
    folder.file("deep.toml", &file.replace("[[condition]]\non = \"t = 0\"\ny = \"1\"\n", ""));
    let result = folder.vecfield(&["pinn", "deep.toml", "--json"]).json();
    assert_eq!(result["verdict"], "ill-posed");
}
