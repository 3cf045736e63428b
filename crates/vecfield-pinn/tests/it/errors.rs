use vecfield_pinn::{PinnError, Settings, Table, solve};

use crate::problem;

/// A problem with one thing changed.
fn heat(from: &str, to: &str) -> PinnError {
    let text = "[domain]\nx = [0, 1]\nt = [0, 1]\nunknowns = [\"u\"]\n[equations]\nheat = \"u_t - u_xx\"\n\
                [[condition]]\non = \"t = 0\"\nu = \"sin(pi*x)\"\n[[condition]]\non = \"boundary\"\nu = 0\n";
    assert!(text.contains(from), "{from}");
    problem(&text.replacen(from, to, 1), &[]).expect_err(to)
}

#[test]
fn what_is_wrong_is_named_with_its_key() {
    let cases = [
        ("u_xx", "u_z", "equations.heat", "`u_z` is no derivative of `u`: there is no coordinate `z`"),
        ("u_xx", "v_xx", "equations.heat", "unknown name"),
        ("t = 0", "t = -1", "condition.0.on", "not on the boundary"),
        ("t = 0", "s = 0", "condition.0.on", "no coordinate `s`"),
        ("t = 0", "everywhere", "condition.0.on", "is no place"),
        ("x = [0, 1]", "x = [1, 1]", "domain.x", "is empty"),
        ("unknowns = [\"u\"]", "unknowns = []", "domain.unknowns", "no unknown"),
        ("unknowns = [\"u\"]", "unknowns = [\"u\"]\ngeometry = \"disk(0,0, 1)\"", "domain.geometry", "dimensions"),
        ("boundary", "outside", "condition.1.u", "fraclap"),
        ("u = 0", "w = 0", "condition.1.w", "unknown name"),
    ];
    for (from, to, key, words) in cases {
        let error = heat(from, to);
        assert_eq!(error.key(), Some(key), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let inside = heat("u_xx", "u_z").inside().expect("a place in the formula");
    assert_eq!(inside, 6..9);
}

#[test]
fn conditions_that_contradict_one_another_are_refused_and_kinks_are_warned_of() {
    let error = heat("[[condition]]", "[[condition]]\non = \"t = 0\"\nu = \"x\"\n[[condition]]");
    assert!(matches!(error, PinnError::Contradiction { .. }), "{error}");
    let kink = problem(
        "[domain]\nx = [0, 1]\nt = [0, 1]\nunknowns = [\"u\"]\n[equations]\nheat = \"u_t - u_xx\"\n\
         [[condition]]\non = \"t = 0\"\nu = \"1\"\n[[condition]]\non = \"x = 0\"\nu = 0\n[[condition]]\non = \"x = 1\"\nu = 1\n",
        &[],
    )
    .expect("a problem with a jump is a problem");
    assert_eq!(kink.warnings().len(), 1, "{:?}", kink.warnings());
}

#[test]
fn nothing_but_zero_holds_outside() {
    let with = |value: &str| {
        problem(
            &format!(
                "[domain]\nx = [-1, 1]\nunknowns = [\"u\"]\n[equations]\nf = \"fraclap(u, 0.75) - 1\"\n[train]\npoints = 10\n\
                 [[condition]]\non = \"outside\"\nu = \"{value}\"\n"
            ),
            &[],
        )
    };
    assert_eq!(with("0").expect("a problem").warnings().len(), 1, "[train] is named");
    let error = with("exp(-x^2)").expect_err("a value that the features do not have");
    assert_eq!(error.key(), Some("condition.0.u"));
}

#[test]
fn an_empty_geometry_is_refused() {
    let error = problem(
        "[domain]\nx = [0, 1]\ny = [0, 1]\ngeometry = \"disk(0,0, 1) - rectangle(-2,-2, 2,2)\"\nunknowns = [\"u\"]\n\
         [equations]\np = \"laplacian(u)\"\n[[condition]]\non = \"boundary\"\nu = 0\n",
        &[],
    );
    assert_eq!(error.expect_err("nothing is left"), PinnError::EmptyGeometry);
}

#[test]
fn measurements_outside_the_domain_are_refused() {
    let table = Table { columns: vec!["x".into(), "u".into()], rows: vec![vec![0.5, 1.0], vec![3.0, 1.0]] };
    let text = "[domain]\nx = [0, 1]\nunknowns = [\"u\"]\n[equations]\np = \"u_xx\"\n[[data]]\nfile = \"a.csv\"\n";
    let error = problem(text, &[table]).expect_err("3 is outside");
    assert!(matches!(error, PinnError::DataOutside { row: 2, .. }), "{error}");
    let empty = Table { columns: vec!["x".into(), "u".into()], rows: vec![] };
    assert!(problem(text, &[empty]).expect_err("no rows").to_string().contains("no rows"));
}

#[test]
fn a_run_may_be_broken_off() {
    let text = "[domain]\nt = [0, 1]\nunknowns = [\"y\"]\n[equations]\nd = \"y_t + y\"\n[[condition]]\non = \"t = 0\"\ny = 1\n";
    let problem = problem(text, &[]).expect("a problem");
    let stopped = solve(&problem, None, &Settings::default(), &mut |_| false);
    assert_eq!(stopped.err(), Some(PinnError::NoTime));
    let mut asked = 0;
    let later = solve(&problem, None, &Settings::default(), &mut |progress| {
        asked += 1;
        progress.level < 2
    });
    assert!(later.expect("the first level is there").cut && asked > 1);
}
