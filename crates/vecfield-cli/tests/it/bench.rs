//! `vecfield bench`: what it prints, not how long it takes.

use serde_json::Value;

use crate::Folder;

fn lines(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).expect("a JSON object a line")).collect()
}

#[test]
fn lines_have_the_keys_of_the_scripts_for_the_peers() {
    let folder = Folder::new();
    let ran = folder.vecfield(&["bench", "lorenz_single", "--repeat", "2", "--quiet"]);
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""));
    let lines = lines(&ran.out);
    assert_eq!(lines.len(), 3);
    for line in &lines {
        assert_eq!(line["case"], "lorenz_single");
        assert!(line["peer"].as_str().unwrap().starts_with("vecfield_"));
        let seconds = |key: &str| line[key].as_f64().unwrap();
        assert!(seconds("min") <= seconds("seconds") && seconds("seconds") <= seconds("max"));
        assert!(seconds("warmup_seconds") > 0.0);
        assert_eq!(line["repeat"], 2);
        // As other programs have it, to the tolerances of 1e-8 after ten units of chaos.
        let last: Vec<f64> = line["result"]["y_last"].as_array().unwrap().iter().filter_map(Value::as_f64).collect();
        for (found, wanted) in last.iter().zip([-5.857686, -5.831083, 23.932133]) {
            assert!((found - wanted).abs() < 2e-5, "{line}");
        }
    }
}

#[test]
fn a_training_step_agrees_with_the_peers_in_loss_and_gradient() {
    let ran = Folder::new().vecfield(&["bench", "spiral", "--repeat", "1"]);
    let lines = lines(&ran.out);
    // What torchdiffeq and diffrax print for the same parameters and data.
    for line in lines.iter().filter(|line| !line["peer"].as_str().unwrap().contains("after")) {
        let (loss, norm) = (line["result"]["loss"].as_f64().unwrap(), line["result"]["grad_norm"].as_f64().unwrap());
        assert!((loss - 0.077_035_8).abs() < 1e-6 && (norm - 0.105_941).abs() < 1e-6, "{line}");
    }
    assert_eq!(lines.len(), 4);
}

#[test]
fn formulas_sum_to_what_others_get() {
    let ran = Folder::new().vecfield(&["bench", "symreg_eval", "--repeat", "1"]);
    for line in lines(&ran.out) {
        let wanted = if line["work"]["rows"] == 1000 { 7_500.944_059_138 } else { 745_586.024_047_039 };
        let tolerance = if line["work"]["dtype"] == "f32" { 1e-5 } else { 1e-12 };
        let sum = line["result"]["sum"].as_f64().unwrap();
        assert!((sum / wanted - 1.0).abs() < tolerance, "{line}");
    }
}

#[test]
fn every_case_is_listed_and_a_wrong_name_is_met_with_the_nearest() {
    let folder = Folder::new();
    let listed = folder.vecfield(&["bench", "list"]);
    assert!(listed.out.lines().any(|line| line == "sindy_stlsq_deg5"), "{}", listed.out);
    let wrong = folder.vecfield(&["bench", "lorentz_single"]);
    assert_eq!((wrong.status, wrong.out.as_str()), (Some(2), ""));
    assert!(wrong.err.contains("did you mean `lorenz_single`?"), "{}", wrong.err);
    assert_eq!(folder.vecfield(&["bench", "--repeat", "0"]).status, Some(2));
}
