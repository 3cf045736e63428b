//! `vecfield fit`.

use crate::Folder;

const DECAY: &str = "[parameters]\nk = { value = 1.0, min = 0.0, max = 10.0 }\nc = 2.0\n[initial]\nx = 1.0\ny = 0.0\n\
                     [equations]\nx = \"-k*x\"\ny = \"k*x - c*y\"\n[solve]\nt = [0.0, 4.0]\n";

/// `x = 3 exp(-t/2)`, and `y` of `y' = x/2 - y` from 0: `y = 3 (exp(-t/2) - exp(-t))`.
fn chain() -> String {
    let row = |k: i32| {
        let t = 0.25 * f64::from(k);
        format!("{t},{},{}\n", 3.0 * (-t / 2.0).exp(), 3.0 * ((-t / 2.0).exp() - (-t).exp()))
    };
    (0..17).map(row).fold("t,x,y\n".into(), |text, row| text + &row)
}

#[test]
fn constants_come_back() {
    let folder = Folder::new();
    folder.file("chain.toml", DECAY);
    folder.file("chain.csv", &chain());
    let result = folder.vecfield(&["fit", "chain.toml", "chain.csv", "--json"]).json();
    let value = |name: &str| result["parameters"][name]["value"].as_f64().unwrap();
    assert!((value("k") - 0.5).abs() < 1e-6 && (value("c") - 1.0).abs() < 1e-6, "{result}");
    assert!((result["initial"]["x"].as_f64().unwrap() - 3.0).abs() < 1e-6);
    assert!(result["r2"]["y"].as_f64().unwrap() > 0.999_999);
    assert!(result["parameters"]["k"]["stderr"].as_f64().unwrap() < 1e-4);
}

#[test]
fn a_variable_may_be_unmeasured() {
    let folder = Folder::new();
    folder.file("chain.toml", &DECAY.replace("x = 1.0", "x = 3.0"));
    // Only y is measured; the known start of both makes the rates identifiable.
    let only_y: String =
        chain().lines().map(|l| l.split(',').step_by(2).collect::<Vec<_>>().join(",") + "\n").collect();
    folder.file("y.csv", &only_y);
    let result = folder.vecfield(&["fit", "chain.toml", "y.csv", "--free", "k,c", "--json"]).json();
    let value = |name: &str| result["parameters"][name]["value"].as_f64().unwrap();
    assert!((value("k") - 0.5).abs() < 1e-4 && (value("c") - 1.0).abs() < 1e-4, "{result}");
    assert_eq!(result["initial"]["x"], 3.0);
}

#[test]
fn wrong_input_is_named() {
    let folder = Folder::new();
    folder.file("chain.toml", DECAY);
    folder.file("chain.csv", &chain());
    folder.file("other.csv", &chain().replace("t,x,y", "t,x,z"));
    folder.file("negative.csv", "t,x\n0,1\n1,-0.5\n2,0.3\n");
    folder.vecfield(&["fit", "chain.toml", "chain.csv", "--free", "kk"]).failed(2, &["kk", "initial.x"]);
    folder.vecfield(&["fit", "chain.toml", "other.csv"]).failed(2, &["`z`", "chain.toml"]);
    folder.vecfield(&["fit", "chain.toml", "negative.csv", "--loss", "log"]).failed(2, &["`x`", "-0.5", "squared"]);
    folder.vecfield(&["fit", "chain.toml", "nowhere.csv"]).failed(2, &["nowhere.csv"]);
}
