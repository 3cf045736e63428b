//! What `vecfield solve` answers for an `[ensemble]`.

use crate::Folder;

const GROWTH: &str = "title = \"Growth\"\n[parameters]\na = 1.0\n[initial]\nx = 1.0\n[equations]\nx = \"a*x*x - x\"\n\
                      [ensemble]\na = { from = 0.0, to = 0.9, count = 10 }\n[solve]\nt = [0.0, 2.0]\nsave = [1.0, 2.0]\n";

#[test]
fn answers_in_json() {
    let folder = Folder::new();
    folder.file("p.toml", GROWTH);
    let result = folder.vecfield(&["solve", "p.toml", "--json"]).json();
    assert_eq!(result["t"], serde_json::json!([1.0, 2.0]));
    assert_eq!((&result["moments"]["paths"], &result["ensemble"]["failed"]), (&10.into(), &0.into()));
    assert_eq!(result["y"], result["moments"]["mean"]);
    assert_eq!(result["ensemble"]["parameters"]["a"][9], 0.9);
    let at = |what: &serde_json::Value| what[1][0].as_f64().unwrap();
    // x = 1/(a + (1 - a) exp t).
    let exact: Vec<f64> = (0..10).map(|i| 0.1 * f64::from(i)).map(|a| 1.0 / (a + (1.0 - a) * 2.0_f64.exp())).collect();
    let mean = exact.iter().sum::<f64>() / 10.0;
    let variance = exact.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 9.0;
    assert!((at(&result["moments"]["mean"]) - mean).abs() < 1e-6);
    assert!((at(&result["moments"]["variance"]) - variance).abs() < 1e-6);
    assert!((at(&result["moments"]["quantiles"]["0.5"]) - 0.5 * (exact[4] + exact[5])).abs() < 1e-6);
}

/// One thread or three: the same bytes, but for the time taken.
#[test]
fn threads_and_repetition_do_not_matter() {
    let folder = Folder::new();
    let random = "a = { normal = [0.5, 0.1] }\nx = { uniform = [0.1, 0.9] }\n";
    folder.file("p.toml", &GROWTH.replace("a = { from = 0.0, to = 0.9, count = 10 }\n", random));
    let run = |more: &[&str], out: &str| {
        let arguments = [&["solve", "p.toml", "--paths", "300", "--out", out, "--quiet"], more].concat();
        assert_eq!(folder.vecfield(&arguments).status, Some(0));
        std::fs::read_to_string(folder.path().join(out).join("trajectories.csv")).unwrap()
    };
    let one = run(&["--threads", "1"], "one");
    assert_eq!(one, run(&["--threads", "3"], "three"));
    assert_ne!(one, run(&["--threads", "3", "--seed", "1"], "other"));
    assert_eq!((one.lines().count(), one.lines().next()), (601, Some("trajectory,t,x")));
}

#[test]
fn results_are_files_and_people_get_a_table() {
    let folder = Folder::new();
    folder.file("p.toml", GROWTH);
    let ran = folder.vecfield(&["solve", "p.toml", "--out", "run", "--plot"]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines[..2], ["Growth", "10 trajectories over a"]);
    assert!(lines[4].contains("5 %") && lines.len() == 7, "{}", ran.out);
    let members = std::fs::read_to_string(folder.path().join("run/members.csv")).unwrap();
    assert!(members.starts_with("trajectory,a,end,failed\n0,0,2,0\n"), "{members}");
    let svg = std::fs::read_to_string(folder.path().join("run/trajectory.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("middle 90 %"));
    folder.vecfield(&["solve", "p.toml", "--out", "run"]).failed(2, &["there is a result already"]);
}

#[test]
fn failed_members_are_told() {
    let folder = Folder::new();
    folder.file("p.toml", &GROWTH.replace("to = 0.9", "to = 4.5"));
    let ran = folder.vecfield(&["solve", "p.toml", "--json"]);
    let result = ran.json();
    let failed = result["ensemble"]["failed"].as_u64().unwrap();
    assert!(failed > 0 && failed < 10 && ran.err.contains("of 10 trajectories stopped early"), "{}", ran.err);
    let counts = result["moments"]["counts"].as_array().unwrap();
    assert_eq!(counts.last().unwrap().as_u64(), Some(10 - failed));
    assert!(result["ensemble"]["failures"][0]["reason"].as_str().unwrap().contains("x cannot be followed"));
    folder.file("q.toml", &GROWTH.replace("from = 0.0, to = 0.9", "from = 4.0, to = 4.5"));
    let ran = folder.vecfield(&["solve", "q.toml", "--out", "run"]);
    ran.failed(1, &["all 10 trajectories failed", "trajectories.partial.csv"]);
    assert!(folder.path().join("run/trajectories.partial.csv").exists());
}

/// The one of three that stability holds is told that it is stiff, and what to use.
#[test]
fn a_stiff_member_is_told_so() {
    let folder = Folder::new();
    let chase = "[parameters]\nk = 1.0\n[initial]\nx = 0.0\n[equations]\nx = \"k*(t^2 - x)\"\n\
                 [ensemble]\nk = [1.0, 10.0, 1e8]\n[solve]\nt = [0.0, 10.0]\nmethod = \"tsit5\"\n";
    folder.file("p.toml", chase);
    let result = folder.vecfield(&["solve", "p.toml", "--json"]).json();
    assert_eq!(result["ensemble"]["failed"], 1);
    let reason = result["ensemble"]["failures"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("the equations are stiff") && reason.contains("radau5"), "{reason}");
}

#[test]
fn what_is_wrong_is_said() {
    let folder = Folder::new();
    folder.file("p.toml", GROWTH);
    folder.vecfield(&["solve", "p.toml", "--paths", "3"]).failed(2, &["paths = 3 repeats random values"]);
    folder.vecfield(&["solve", "p.toml", "--set", "a=1"]).failed(2, &["differs from one trajectory"]);
    folder.file("q.toml", &GROWTH.replace("a = { from = 0.0, to = 0.9, count = 10 }", "file = \"none.csv\""));
    folder.vecfield(&["solve", "q.toml"]).failed(2, &["none.csv"]);
    folder.file("r.toml", &GROWTH.replace("a = { from", "c = { from"));
    folder.vecfield(&["solve", "r.toml"]).failed(2, &["r.toml:9:1", "cannot vary `c`"]);
    let plain = GROWTH.replace("[ensemble]\na = { from = 0.0, to = 0.9, count = 10 }\n", "");
    folder.file("s.toml", &plain);
    folder.vecfield(&["solve", "s.toml", "--paths", "3"]).failed(2, &["neither [noise] nor [ensemble]"]);
}
