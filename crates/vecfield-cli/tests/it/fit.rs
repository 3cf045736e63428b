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

/// From the priors' centres, with their priors and errors in proportion: within one standard error of the posterior means that
/// Carpenter (2018) prints for these data.
#[test]
fn lynx_and_hare_agree_with_the_published_posterior() {
    let folder = Folder::new();
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let (problem, data) = (format!("{root}/examples/lynx-hare.toml"), format!("{root}/data/lynx-hare.csv"));
    let result = folder.vecfield(&["fit", &problem, &data, "--json"]).json();
    for (name, mean) in [("alpha", 0.55), ("beta", 0.028), ("gamma", 0.80), ("delta", 0.024)] {
        let value = result["parameters"][name]["value"].as_f64().unwrap();
        let stderr = result["parameters"][name]["stderr"].as_f64().unwrap();
        assert!((value - mean).abs() < stderr, "{name}: {value} +- {stderr} for {mean}");
    }
    assert_eq!(result["loss"], "log");
    assert_eq!(result["converged"], true);
}

/// A column may measure a sum; of a rate and a scale that only occur as a product the data see one, and the other is named.
#[test]
fn sums_are_measured_and_unseen_combinations_named() {
    let folder = Folder::new();
    let problem = DECAY.replace("y = \"k*x - c*y\"", "y = \"k*x - c*y\"\n[fit]\nobserve = { total = \"x + y\" }\n");
    folder.file("chain.toml", &problem.replace("[solve]\nt = [0.0, 4.0]\n", ""));
    let total = |line: &str| {
        let cells: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
        format!("{},{}\n", cells[0], cells[1] + cells[2])
    };
    let table = chain().lines().skip(1).fold("t,total\n".to_string(), |text, line| text + &total(line));
    folder.file("total.csv", &table);
    let result = folder.vecfield(&["fit", "chain.toml", "total.csv", "--free", "k,c,initial.x", "--json"]).json();
    let value = |name: &str| result["parameters"][name]["value"].as_f64().unwrap();
    // The sum, (c exp(-k t) - k exp(-c t))/(c - k), is the same with the rates exchanged.
    let (less, more) = (value("k").min(value("c")), value("k").max(value("c")));
    assert!((less - 0.5).abs() < 1e-4 && (more - 1.0).abs() < 1e-4, "{result}");
    assert!(result["unidentifiable"].as_array().unwrap().is_empty());

    folder.file("product.toml", "[parameters]\na = 1.0\nb = 1.0\n[initial]\nx = 1.0\n[equations]\nx = \"-a*b*x\"\n");
    let only_x: String = chain().lines().map(|l| l.rsplit_once(',').unwrap().0.to_string() + "\n").collect();
    folder.file("x.csv", &only_x);
    let result = folder.vecfield(&["fit", "product.toml", "x.csv", "--json"]).json();
    let direction = &result["unidentifiable"][0]["direction"];
    assert!((direction["a"].as_f64().unwrap() + direction["b"].as_f64().unwrap()).abs() < 1e-3, "{result}");
    assert_eq!(result["parameters"]["a"]["stderr"], serde_json::Value::Null);
}

/// One rate for all trajectories, another for each, starts that follow a parameter.
#[test]
fn parameters_are_shared_or_of_each_trajectory() {
    let folder = Folder::new();
    folder.file(
        "decay.toml",
        "[parameters]\nk = { value = 2.0, min = 0.0, local = true }\nx0 = { value = 1.0, min = 0.0 }\n\
         z = { value = 0.25, fixed = true }\n[initial]\nx = \"x0\"\n[equations]\nx = \"-k*x + z\"\n[solve]\nt = [0.0, 3.0]\n",
    );
    let mut table = "trajectory,t,x\n".to_string();
    for (run, k) in [0.5, 0.9].into_iter().enumerate() {
        for row in 1..9 {
            let t = 0.4 * f64::from(row);
            table += &format!("{},{t},{}\n", run + 1, 0.25 / k + (3.0 - 0.25 / k) * (-k * t).exp());
        }
    }
    folder.file("decay.csv", &table);
    let result = folder.vecfield(&["fit", "decay.toml", "decay.csv", "--profile", "x0", "--json"]).json();
    for (run, k) in [0.5, 0.9].into_iter().enumerate() {
        assert!((result["parameters"]["k"]["values"][run].as_f64().unwrap() - k).abs() < 1e-5, "{result}");
    }
    assert!((result["parameters"]["x0"]["value"].as_f64().unwrap() - 3.0).abs() < 1e-5);
    assert_eq!(result["parameters"]["z"]["value"], 0.25);
    let interval = &result["parameters"]["x0"]["interval"];
    assert!(interval[0].as_f64().unwrap() < 3.0 && interval[1].as_f64().unwrap() > 3.0 - 1e-5, "{interval}");
}

/// A search that was cut short goes on from its folder and ends where the whole one does, to the last digit; stiff equations too.
#[test]
fn a_search_is_taken_up_again() {
    let folder = Folder::new();
    folder.file("chain.toml", DECAY);
    folder.file("chain.csv", &chain());
    for method in ["tsit5", "radau5"] {
        let arguments = ["fit", "chain.toml", "chain.csv", "--json", "--method", method];
        let whole = folder.vecfield(&arguments).json();
        let cut = folder.vecfield(&[&arguments[..], &["--seconds", "0", "--out", method]].concat()).json();
        assert_eq!(cut["cut"], true);
        assert!(folder.path().join(method).join("checkpoint.toml").exists());
        let resumed = folder.vecfield(&[&arguments[..], &["--resume", method]].concat()).json();
        for key in ["parameters", "initial", "iterations", "deviance", "rmse"] {
            assert_eq!(resumed[key].to_string(), whole[key].to_string(), "{key}");
        }
        assert!(!folder.path().join(method).join("checkpoint.toml").exists());
    }
    folder.vecfield(&["fit", "chain.toml", "chain.csv", "--resume", "nowhere"]).failed(2, &["checkpoint.toml"]);
}

#[test]
fn the_report_is_written() {
    let folder = Folder::new();
    folder.file("chain.toml", DECAY);
    folder.file("chain.csv", &chain().replace("1.103638323514327", "1.2"));
    let arguments = ["fit", "chain.toml", "chain.csv", "--profile", "all", "--out", "fitted"];
    assert_eq!(folder.vecfield(&arguments).status, Some(0));
    let page = std::fs::read_to_string(folder.path().join("fitted/report.html")).unwrap();
    assert!(page.contains("How surely are they known?") && page.contains("excess"));
    let solved = folder.vecfield(&["solve", "fitted/fitted.toml", "--json"]).json();
    assert!(solved["y"].as_array().unwrap().len() == 17);
    folder.vecfield(&arguments).failed(2, &["fitted.toml", "--force"]);
}
