//! Problems that say how they are fitted, and checkpoints as text.

use proptest::prelude::*;
use vecfield_adjoint::{Belief, Checkpoint, Finished, Initial, Observed, Scale};
use vecfield_io::{
    FitRequest, Fitting, FittingError, Misfit, Problem, TrajectoryFormat, checkpoint_from_text, checkpoint_to_text,
    parse_trajectories,
};
use vecfield_optim::Standing;

const PROBLEM: &str = r#"
[parameters]
k = { value = 1.0, min = 0.0, prior = { lognormal = [0.5, 0.3] }, local = true }
c = { value = -2.0, prior = { normal = [-1.0, 0.5] } }
x0 = { value = 3.0, fixed = true }
[initial]
x = "x0"
y = "k"
z = 0.0
[equations]
x = "-k*x"
y = "c*y"
z = "x"
[fit]
observe = { total = "x + y", late = "t*z" }
sigma = { total = 0.1, late = 0.2, x = 0.3 }
loss = "huber"
"#;

fn parse(text: &str) -> Result<Problem, String> {
    Problem::parse("problem.toml", text).map_err(|e| e.to_string())
}

fn data(text: &str) -> vecfield_data::Trajectories {
    parse_trajectories("data.csv", text.as_bytes(), &TrajectoryFormat::default()).unwrap()
}

#[test]
fn a_problem_says_how_it_is_fitted() {
    let problem = parse(PROBLEM).unwrap();
    assert_eq!(problem.parameters()[0].prior, Some(Belief::Lognormal { median: 0.5, deviation: 0.3 }));
    assert_eq!((problem.parameters()[0].local, problem.parameters()[2].fixed), (true, true));
    let table = data("trajectory,t,total,late,x\n1,0,1,1,1\n1,1,2,,2\n2,0,1,1,1\n2,1,2,2,2\n");
    let fitting = Fitting::new(&problem, &table, &FitRequest::default()).unwrap();
    let options = fitting.options();
    assert_eq!((&options.free[..], &options.local[..]), (&[0, 1][..], &[0][..]));
    assert_eq!(options.scales, [Scale::Log, Scale::Linear]);
    assert_eq!((&options.sigma[..], options.estimate_sigma), (&[0.1, 0.2, 0.3][..], false));
    assert!(matches!(options.observed[..], [Observed::Quantity(_), Observed::Quantity(_), Observed::State(0)]));
    // x0 is held, so what it gives is a number; k moves, and y with it.
    assert!(matches!(options.initial[..], [Initial::Free, Initial::Quantity(_), Initial::Free]));
    assert_eq!((fitting.misfit(), options.priors.len()), (Misfit::Huber, 2));
    assert_eq!(fitting.unknowns(), ["k (trajectory 1)", "k (trajectory 2)", "c"]);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (from, to, words) in [
        ("lognormal = [0.5, 0.3]", "lognormal = [0.5, 0.0]", "a median above zero"),
        ("lognormal = [0.5, 0.3]", "uniform = [0.0, 1.0]", "uniform"),
        ("local = true", "local = 1", "true or false"),
        ("\"huber\"", "\"huge\"", "\"squared\", \"huber\" or \"log\""),
        ("total = \"x + y\"", "total = \"x + w\"", "w"),
        ("total = \"x + y\"", "z = \"x + y\"", "`z` is a variable already"),
        ("sigma = { total = 0.1,", "sigma = { total = -0.1,", "above zero"),
        ("loss = ", "los = ", "did you mean `loss`"),
    ] {
        let text = PROBLEM.replace(from, to);
        assert_ne!(text, PROBLEM);
        let error = parse(&text).unwrap_err();
        assert!(error.starts_with("problem.toml:") && error.contains(words), "{error}");
    }
    let problem = parse(PROBLEM).unwrap();
    let refused = |table: &str| Fitting::new(&problem, &data(table), &FitRequest::default()).unwrap_err();
    assert!(matches!(refused("t,totl\n0,1\n1,2\n"), FittingError::Column { hint, .. } if hint.contains("total")));
    assert!(matches!(refused("t,total\n0,1\n1,2\n"), FittingError::Sigma { column } if column == "late"));
}

proptest! {
    /// A checkpoint reads back bit for bit.
    #[test]
    fn checkpoints_come_back(
        numbers in prop::collection::vec(any::<f64>().prop_filter("not NaN", |v| !v.is_nan()), 1..20),
        stage in 0..9_usize,
        stands in any::<bool>(),
        converged in any::<bool>(),
    ) {
        let checkpoint = Checkpoint {
            stage,
            round: stage + 1,
            thetas: numbers.clone(),
            x: numbers.iter().rev().copied().collect(),
            sigma: vec![],
            iterations: 17,
            standing: stands.then(|| Standing { iteration: 3, damping: numbers[0], growth: 2.0, scale: numbers.clone() }),
            before: converged.then(|| Finished {
                stage: 0,
                thetas: vec![0.1],
                x: numbers.clone(),
                sigma: numbers.clone(),
                iterations: 5,
                converged,
            }),
        };
        let read = checkpoint_from_text(&checkpoint_to_text(&checkpoint)).unwrap();
        prop_assert_eq!(format!("{read:?}"), format!("{checkpoint:?}"));
    }

    /// No text makes the reader panic.
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC*") {
        let _ = checkpoint_from_text(&text);
    }
}
