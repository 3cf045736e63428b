//! What `vecfield solve` answers.

use crate::Folder;

const OSCILLATOR: &str = "title = \"Oscillator\"\n[parameters]\nw = 1.0\n[initial]\nx = 1.0\nv = \"0*w\"\n\
                          [equations]\nx = \"v\"\nv = \"-w^2*x\"\n[solve]\nt = [0.0, 6.0]\nsave = [1.0, 6.0]\nrtol = 1e-10\natol = 1e-12\n";

fn close(found: &serde_json::Value, wanted: f64, within: f64) {
    let found = found.as_f64().expect("a number");
    assert!((found - wanted).abs() <= within, "{found}, wanted {wanted}");
}

#[test]
fn a_picture_is_drawn() {
    let folder = Folder::new();
    let problem =
        "[initial]\nx = 1.0\nv = 0.0\n[equations]\nx = \"v\"\nv = \"-x\"\n[solve]\nt = [0.0, 6.0]\nsave = [6.0]\n";
    folder.file("swing.toml", problem);
    let ran = folder.vecfield(&["solve", "swing.toml", "--out", "run", "--plot", "--json"]).json();
    assert_eq!(ran["t"].as_array().unwrap().len(), 1, "the picture changes nothing of the result");
    let svg = std::fs::read_to_string(folder.path().join("run/trajectory.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("</svg>") && svg.len() > 2000);
    folder.vecfield(&["solve", "swing.toml", "--plot"]).failed(2, &["--out"]);
}

#[test]
fn answers_in_json() {
    let folder = Folder::new();
    folder.file("p.toml", OSCILLATOR);
    let result = folder.vecfield(&["solve", "p.toml", "--json"]).json();
    assert_eq!(result["variables"], serde_json::json!(["x", "v"]));
    assert_eq!(result["t"], serde_json::json!([1.0, 6.0]));
    close(&result["y"][0][0], 1.0_f64.cos(), 1e-8);
    close(&result["y"][1][1], -(6.0_f64.sin()), 1e-8);
    assert!(result["stats"]["rhs_evals"].as_u64() > result["stats"]["steps"].as_u64());
    assert_eq!(result["events"], serde_json::json!([]));
}

#[test]
fn the_command_line_overrules_the_file() {
    let folder = Folder::new();
    folder.file("p.toml", OSCILLATOR);
    let run = |more: &[&str]| folder.vecfield(&[&["solve", "p.toml", "--json"], more].concat()).json();
    let result = run(&["--set", "w=2", "--set", "x=3", "--t", "-1,0", "--save", "-0.5,0"]);
    close(&result["y"][1][0], 3.0 * 2.0_f64.cos(), 1e-7);
    let back = run(&["--t", "0,-1", "--save", "-1", "--method", "tsit5"]);
    close(&back["y"][0][1], 1.0_f64.sin(), 1e-8);
    assert_eq!(back["method"], "tsit5");
    let fixed = run(&["--method", "rk4", "--step", "0.5"]);
    assert_eq!(fixed["stats"]["steps"], 12);
}

#[test]
fn people_get_a_table() {
    let folder = Folder::new();
    folder.file("p.toml", OSCILLATOR);
    let ran = folder.vecfield(&["solve", "p.toml", "--method", "tsit5"]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines[0], "Oscillator");
    assert!(lines[1].starts_with("tsit5: ") && lines[1].contains("evaluations"), "{}", lines[1]);
    assert_eq!(lines[3..], ["t         x          v", "1  0.540302  -0.841471", "6   0.96017   0.279415"]);
}

#[test]
fn results_are_files() {
    let folder = Folder::new();
    folder.file("p.toml", OSCILLATOR);
    let ran = folder.vecfield(&["solve", "p.toml", "--out", "run", "--json", "--quiet"]);
    let table = std::fs::read_to_string(folder.path().join("run/trajectory.csv")).unwrap();
    assert!(table.starts_with("t,x,v\n1,0.5403023"), "{table}");
    assert_eq!(table.lines().count(), 3);
    let kept = std::fs::read_to_string(folder.path().join("run/result.json")).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&kept).unwrap(), ran.json());
    assert_eq!(ran.err, "");
}

#[test]
fn methods_are_listed() {
    let folder = Folder::new();
    let listed = folder.vecfield(&["solve", "--method", "list", "--json"]).json();
    let methods = listed["methods"].as_array().unwrap();
    let tsit5 = methods.iter().find(|m| m["name"] == "tsit5").expect("tsit5 is a method");
    assert_eq!((&tsit5["order"], &tsit5["kind"]), (&serde_json::json!(5), &serde_json::json!("explicit")));
    folder.file("p.toml", OSCILLATOR);
    let stochastic = |method: &serde_json::Value| method["kind"] == "stochastic";
    assert!(methods.iter().any(stochastic));
    for method in methods.iter().filter(|m| m["fixed_step"] == false && !stochastic(m)) {
        let name = method["name"].as_str().unwrap();
        let rtol = if method["order"].as_f64().is_some_and(|order| order < 4.0) { "1e-6" } else { "1e-9" };
        let result = folder.vecfield(&["solve", "p.toml", "--json", "--method", name, "--rtol", rtol]).json();
        close(&result["y"][1][0], 6.0_f64.cos(), 1e-3);
    }
    let text = folder.vecfield(&["solve", "--method", "list"]).out;
    assert!(text.contains("tsit5") && text.contains("Tsitouras"), "{text}");
}

#[test]
fn help_and_the_map() {
    let folder = Folder::new();
    for (arguments, words) in [
        (&[][..], &["What does this equation do?", "vecfield solve"][..]),
        (&["--help"], &["solve", "completions", "Try it:"]),
        (&["solve", "--help"], &["--rtol", "vecfield solve lotka-volterra.toml"]),
        (&["completions", "bash"], &["_vecfield"]),
        (&["--version"], &[env!("CARGO_PKG_VERSION")]),
    ] {
        let ran = folder.vecfield(arguments);
        assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""));
        for word in words {
            assert!(ran.out.contains(word), "{arguments:?}: {:?} lacks {word:?}", ran.out);
        }
    }
}

/// A reader that has seen enough (`| head -c 1`) ends the program quietly.
#[test]
fn a_closed_pipe_is_no_failure() {
    let folder = Folder::new();
    folder.file("p.toml", &OSCILLATOR.replace("save = [1.0, 6.0]", "save_count = 100000"));
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_vecfield"))
        .args(["solve", "p.toml", "--json"])
        .current_dir(folder.path())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(0), ""));
}

/// Ctrl-C ends a long solve with what it has so far.
#[cfg(unix)]
#[test]
fn an_interrupted_run_keeps_what_it_has() {
    let folder = Folder::new();
    folder.file("p.toml", &OSCILLATOR.replace("[0.0, 6.0]", "[0.0, 1e9]"));
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_vecfield"))
        .args(["solve", "p.toml", "--step", "1e-2", "--method", "tsit5", "--out", "run"])
        .current_dir(folder.path())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // The folder is made when Ctrl-C is listened to, right before the solve begins.
    while !folder.path().join("run").exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let code = child.wait().unwrap().code();
    let mut err = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut err).unwrap();
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("interrupted") && err.contains("run/trajectory.partial.csv"), "{err}");
    assert!(folder.path().join("run/trajectory.partial.csv").exists());
    assert!(err.contains("--resume run") && folder.path().join("run/solve.paused").exists(), "{err}");
    // What it left is of this problem alone, and whole.
    let other = folder.vecfield(&["solve", "p.toml", "--resume", "run"]);
    assert!(other.status == Some(2) && other.err.contains("other settings"), "{}", other.err);
    folder.file("run/solve.paused", "nonsense");
    let none = folder.vecfield(&["solve", "p.toml", "--step", "1e-2", "--method", "tsit5", "--resume", "run"]);
    assert!(none.status == Some(2) && none.err.contains("no run put aside"), "{}", none.err);
}

/// A run that was interrupted and gone on with leaves the very files of one that was not.
#[cfg(unix)]
#[test]
fn an_interrupted_run_goes_on() {
    let folder = Folder::new();
    folder.file("p.toml", &OSCILLATOR.replace("[0.0, 6.0]", "[0.0, 3000.0]"));
    let arguments = ["solve", "p.toml", "--step", "1e-3", "--method", "tsit5"];
    let whole = folder.vecfield(&[&arguments[..], &["--out", "whole"]].concat());
    assert_eq!(whole.status, Some(0), "{}", whole.err);
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_vecfield"))
        .args([&arguments[..], &["--out", "run", "--quiet"]].concat())
        .current_dir(folder.path())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while !folder.path().join("run").exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    if child.wait().unwrap().code() == Some(1) {
        let rest = folder.vecfield(&[&arguments[..], &["--resume", "run"]].concat());
        assert_eq!(rest.status, Some(0), "{}", rest.err);
    } // On a machine that is busy elsewhere the run may have ended before the signal came.
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("run/trajectory.csv"), read("whole/trajectory.csv"));
    for left in ["run/solve.paused", "run/trajectory.partial.csv"] {
        assert!(!folder.path().join(left).exists(), "{left}");
    }
}

/// x = a b e^{-k t} from x(0) = a b, halved when it falls to one.
const HALVED: &str = "[parameters]\na = 2.0\nb = 1.5\nk = 0.5\n[definitions]\nrate = \"-k*x\"\n[initial]\nx = \"a*b\"\n\
                      [equations]\nx = \"rate\"\n[[event]]\nname = \"one\"\nwhen = \"x - 1\"\ndirection = \"falling\"\n\
                      set = { x = \"x/2\" }\n[solve]\nt = [0.0, 4.0]\nsave = [1.0]\nrtol = 1e-10\natol = 1e-12\n";

#[test]
fn gradients_pass_through_initial_formulas_definitions_and_jumps() {
    let folder = Folder::new();
    folder.file("p.toml", HALVED);
    let x = 0.5 * 3.0 * (-2.0_f64).exp();
    for adjoint in ["discrete", "checkpointed", "forward"] {
        let arguments = ["solve", "p.toml", "--gradient", "x + rate*t", "--adjoint", adjoint, "--json"];
        let result = folder.vecfield(&arguments).json();
        let gradient = &result["gradient"];
        // x (1 - k t) at t = 4, with x = a b e^{-4k}/2.
        close(&gradient["value"], -x, 1e-8);
        close(&gradient["initial"]["x"], -x / 3.0, 1e-8);
        close(&gradient["parameters"]["a"], -x / 2.0, 1e-8);
        close(&gradient["parameters"]["b"], -x / 1.5, 1e-8);
        close(&gradient["parameters"]["k"], 4.0 * x - 4.0 * x, 1e-8);
    }
    // The time at which x first is one: log(a b)/k.
    folder.file("q.toml", &HALVED.replace("set = ", "stop_after = 1\nset = "));
    let gradient = &folder.vecfield(&["solve", "q.toml", "--gradient", "t", "--json"]).json()["gradient"];
    close(&gradient["value"], 2.0 * 3.0_f64.ln(), 1e-8);
    close(&gradient["parameters"]["a"], 1.0, 1e-8);
    close(&gradient["parameters"]["k"], -4.0 * 3.0_f64.ln(), 1e-8);
    let ran = folder.vecfield(&["solve", "q.toml", "--gradient", "t"]);
    assert!(ran.out.contains("initial.x") && ran.out.contains("derivative"), "{}", ran.out);
}

#[test]
fn a_wrong_gradient_is_refused() {
    let folder = Folder::new();
    folder.file("p.toml", HALVED);
    folder.vecfield(&["solve", "p.toml", "--gradient", "y"]).failed(2, &["--gradient", "\"y\""]);
    let arguments = ["solve", "p.toml", "--gradient", "x", "--adjoint", "discreet"];
    folder.vecfield(&arguments).failed(2, &["--adjoint", "discrete"]);
    folder.vecfield(&["solve", "p.toml", "--adjoint", "discrete"]).failed(2, &["--gradient"]);
    folder.vecfield(&["solve", "p.toml", "--gradient", "sqrt(x - 9)"]).failed(1, &["--gradient", "domain"]);
}

#[test]
fn steady_states_are_found_with_their_stability() {
    let folder = Folder::new();
    // Two genes that repress each other: the first is on where it has a head start.
    folder.file(
        "toggle.toml",
        "[initial]\na = 2.0\nb = 1.0\n[equations]\na = \"4/(1 + b^3) - a\"\nb = \"4/(1 + a^3) - b\"\n",
    );
    let result = folder.vecfield(&["solve", "toggle.toml", "--steady", "--json"]).json();
    let state = |k: usize| result["y"][0][k].as_f64().unwrap();
    let (a, b) = (state(0), state(1));
    assert!(a > 3.9 && (4.0 / (1.0 + b.powi(3)) - a).abs() < 1e-10 && (4.0 / (1.0 + a.powi(3)) - b).abs() < 1e-10);
    assert_eq!(result["steady"]["stability"], "stable");
    assert!(result["steady"]["eigenvalues"][0][0].as_f64().unwrap() < -0.5);
    let other = folder.vecfield(&["solve", "toggle.toml", "--steady", "--set", "a=0.5", "--json"]).json();
    close(&other["y"][0][1], a, 1e-9);
    folder.file("p.toml", OSCILLATOR);
    folder
        .vecfield(&["solve", "p.toml", "--steady"])
        .failed(1, &["not come to rest", "oscillates", "the last state is"]);
    folder.vecfield(&["solve", "p.toml", "--steady", "--step", "0.1"]).failed(2, &["--step"]);
}

#[test]
fn algebraic_equations_are_solved_and_differentiated() {
    let folder = Folder::new();
    let problem = "[initial]\nx = 1.0\nz = 5.0\n[equations]\nx = \"-z\"\n[algebraic]\nz = \"z^3 + z - 2*x\"\n\
                   [solve]\nt = [0.0, 1.0]\nsave = [0.0, 1.0]\n";
    folder.file("p.toml", problem);
    let result = folder.vecfield(&["solve", "p.toml", "--json"]).json();
    close(&result["y"][0][1], 1.0, 1e-9);
    folder.vecfield(&["solve", "p.toml", "--method", "tsit5"]).failed(2, &["\"tsit5\"", "radau5"]);
    // z is determined by x: its initial value is a guess without a slope.
    for adjoint in ["discrete", "forward"] {
        let arguments = ["solve", "p.toml", "--gradient", "x", "--adjoint", adjoint, "--rtol", "1e-9", "--json"];
        let gradient = &folder.vecfield(&arguments).json()["gradient"]["initial"];
        close(&gradient["z"], 0.0, 1e-12);
        let at = |x: &str| {
            let x = format!("x={x}");
            let arguments = ["solve", "p.toml", "--set", &x, "--rtol", "1e-9", "--json"];
            folder.vecfield(&arguments).json()["y"][1][0].as_f64().unwrap()
        };
        close(&gradient["x"], (at("1.001") - at("0.999")) / 0.002, 1e-5);
    }
    for adjoint in ["backsolve", "reversible"] {
        folder
            .vecfield(&["solve", "p.toml", "--gradient", "x", "--adjoint", adjoint])
            .failed(2, &["algebraic", "discrete"]);
    }
}
