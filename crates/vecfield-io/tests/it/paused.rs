//! Runs put aside in a file.

use proptest::prelude::*;
use vecfield_io::{Paused, PausedError, Problem, Solver};

const PROBLEM: &str = r#"
[parameters]
k = 1.5
[initial]
x = 1.0
v = 0.0
[equations]
x = "v"
v = "-k*sin(x)*season"
[discrete]
season = 1.0
[[event]]
when = "x"
direction = "falling"
set = { v = "0.97*v", season = "season + 0.1" }
[[event]]
when = "x + 0.2"
direction = "rising"
stop_after = 6
[solve]
t = [0.0, 60.0]
save_count = 37
"#;

/// The problem and its solver, by this method.
fn problem(method: &str) -> (Problem, Solver) {
    let mut problem = Problem::parse("p.toml", PROBLEM).unwrap();
    problem.settings_mut().set_method(method).unwrap();
    let solver = Solver::new(&problem).unwrap();
    (problem, solver)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Put aside anywhere, any number of times, written and read, a run comes to the same end with the same bits.
    #[test]
    fn a_run_put_aside_ends_as_if_it_had_not_been(
        every in 1..60_u32,
        method in prop::sample::select(vec!["auto", "tsit5", "dop853", "radau", "bdf", "adams", "kc4", "rodas5p", "taylor"]),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("solve.paused");
        let (problem, solver) = problem(method);
        let whole = solver.solve().unwrap();
        let mut left = every;
        let mut goes_on = |_| {
            left = if left == 0 { every } else { left - 1 };
            left > 0
        };
        let mut run = solver.solve_watched(&mut goes_on).unwrap();
        while let Some(paused) = Paused::new(&problem, &solver, &run) {
            paused.write(&mut std::fs::File::create(&path).unwrap()).unwrap();
            let read = Paused::read(&path, &problem).unwrap();
            let mut again = Vec::new();
            read.write(&mut again).unwrap();
            prop_assert_eq!(again, std::fs::read(&path).unwrap());
            run = solver.resume_watched(&read, &mut goes_on).unwrap();
        }
        prop_assert_eq!(run, whole);
    }

    /// Whatever is changed in the file is seen.
    #[test]
    fn a_damaged_file_is_refused(at in any::<prop::sample::Index>(), bit in 0..8_u32, length in any::<prop::sample::Index>()) {
        let (problem, solver) = problem("tsit5");
        let mut left = 20;
        let run = solver.solve_watched(&mut |_| { left -= 1; left > 0 }).unwrap();
        let paused = Paused::new(&problem, &solver, &run).unwrap();
        let mut bytes = Vec::new();
        paused.write(&mut bytes).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("solve.paused");
        let refused = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            Paused::read(&path, &problem).is_err()
        };
        prop_assert!(refused(&bytes[..length.index(bytes.len())]));
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(refused(&bytes));
    }
}

#[test]
fn a_run_of_another_problem_is_refused() {
    let (mut problem, solver) = problem("tsit5");
    let mut left = 20;
    let run = solver
        .solve_watched(&mut |_| {
            left -= 1;
            left > 0
        })
        .unwrap();
    assert!(run.is_cut());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("solve.paused");
    let paused = Paused::new(&problem, &solver, &run).unwrap();
    paused.write(&mut std::fs::File::create(&path).unwrap()).unwrap();
    problem.set("k", 1.6).unwrap();
    assert!(matches!(Paused::read(&path, &problem), Err(PausedError::OtherProblem { .. })));
    problem.set("k", 1.5).unwrap();
    assert!(Paused::read(&path, &problem).is_ok());
    problem.settings_mut().set_norm("max").unwrap();
    assert!(matches!(Paused::read(&path, &problem), Err(PausedError::OtherProblem { .. })));
    let gone = folder.path().join("gone");
    assert!(Paused::read(&gone, &problem).unwrap_err().to_string().contains("--resume wants the folder"));
}
