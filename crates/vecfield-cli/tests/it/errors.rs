//! Bad input: status 2, the place, the remedy; a computation that fails: status 1.

use crate::Folder;

const GOOD: &str = "[parameters]\na = 1.0\n[initial]\nx = 1.0\ny = 0.0\n[equations]\nx = \"-a*y\"\ny = \"x\"\n\
                    [solve]\nt = [0.0, 1.0]\nsave = [1.0]\n";

/// Every row: a change to the good problem, and words the message must have.
#[test]
fn bad_problems() {
    let folder = Folder::new();
    for (from, to, words) in [
        ("\"x\"", "\"alpha*x\"", &["p.toml:8:6", "alpha", "^^^^^"][..]),
        ("\"-a*y\"", "\"-a*yy\"", &["p.toml:7:9", "did you mean \"y\""]),
        ("\"x\"", "\"(x\"", &["p.toml:8:6", "\")\""]),
        ("\"x\"", "\"x +\"", &["p.toml:8", "x +"]),
        ("[solve]", "[slove]", &["p.toml:9:2", "slove", "solve"]),
        ("save = [1.0]", "save = [1.0]\nmethod = \"rk45x\"", &["p.toml:12:10", "rk45x", "--method list"]),
        ("t = [0.0, 1.0]\nsave = [1.0]", "", &["--t 0,10"]),
        ("x = 1.0\ny", "x = \"log(a - 1)\"\ny", &["initial", "`x`", "finite"]),
    ] {
        folder.file("p.toml", &GOOD.replacen(from, to, 1));
        folder.vecfield(&["solve", "p.toml", "--json"]).failed(2, words);
    }
}

/// Every row: arguments, and words the message must have.
#[test]
fn bad_arguments() {
    let folder = Folder::new();
    folder.file("p.toml", GOOD);
    for (arguments, words) in [
        (&["slove"][..], &["slove"][..]),
        (&["solve"], &["PROBLEM.toml"]),
        (&["solve", "nowhere.toml"], &["nowhere.toml"]),
        (&["solve", "."], &["folder"]),
        (&["solve", "p.toml", "--rtoll", "1"], &["--rtoll", "--rtol"]),
        (&["solve", "p.toml", "--rtol", "-1"], &["--rtol", "negative"]),
        (&["solve", "p.toml", "--atol", "1,2,3"], &["--atol", "3 values for 2 variables"]),
        (&["solve", "p.toml", "--step", "0"], &["--step", "above zero"]),
        (&["solve", "p.toml", "--t", "0"], &["--t", "two different"]),
        (&["solve", "p.toml", "--t", "0,0.5"], &["save", "outside"]),
        (&["solve", "p.toml", "--save", "2"], &["--save", "outside"]),
        (&["solve", "p.toml", "--set", "zz=1"], &["--set zz=1", "a, x, y"]),
        (&["solve", "p.toml", "--set", "a"], &["--set a:", "number"]),
        (&["solve", "p.toml", "--method", "tsit6"], &["tsit6", "did you mean `tsit5`"]),
        (&["solve", "p.toml", "--gradient", "x + zz"], &["--gradient", "zz"]),
        (&["solve", "p.toml", "--threads", "0"], &["--threads"]),
        (&["completions", "dos"], &["dos"]),
    ] {
        folder.vecfield(arguments).failed(2, words);
    }
}

#[test]
fn computations_that_cannot_finish() {
    let folder = Folder::new();
    let blows_up = "[initial]\nx = 1.0\n[equations]\nx = \"x^2\"\n[solve]\nt = [0.0, 2.0]\n";
    folder.file("p.toml", blows_up);
    let ran = folder.vecfield(&["solve", "p.toml", "--json", "--out", "run"]);
    ran.failed(1, &["t = ", "x", "last good state", "run/trajectory.partial.csv"]);
    let partial = std::fs::read_to_string(folder.path().join("run/trajectory.partial.csv")).unwrap();
    assert!(partial.starts_with("t,x\n0,1\n0.02,1.02"), "{partial}");
    folder.file("p.toml", &blows_up.replace("x^2", "1/(x - 1)"));
    folder.vecfield(&["solve", "p.toml"]).failed(1, &["x", "not finite", "t = 0"]);
}

#[test]
fn earlier_results_stay() {
    let folder = Folder::new();
    folder.file("p.toml", GOOD);
    assert_eq!(folder.vecfield(&["solve", "p.toml", "--out", "run"]).status, Some(0));
    folder.vecfield(&["solve", "p.toml", "--out", "run"]).failed(2, &["trajectory.csv", "--force"]);
    assert_eq!(folder.vecfield(&["solve", "p.toml", "--out", "run", "--force"]).status, Some(0));
}
