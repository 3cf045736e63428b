//! Formulas with networks in them: what they learn, and what is refused.

use std::ops::ControlFlow;

use vecfield_data::{Trajectories, Trajectory};
use vecfield_nde::{Data, NdeError, Request, Settings, load, train};

/// Prey and predators from one start, by the classical method with steps that leave no error to be seen.
fn hunted(rows: usize) -> Trajectories {
    let rate = |[x, y]: [f64; 2]| [1.3 * x - 0.9 * x * y, -1.8 * y + 0.8 * x * y];
    let moved = |y: [f64; 2], h: f64, k: [f64; 2]| [y[0] + h * k[0], y[1] + h * k[1]];
    let (mut state, mut values, h) = ([0.44, 4.63], vec![], 0.1 / 20.0);
    for _ in 0..rows {
        values.extend(state);
        for _ in 0..20 {
            let a = rate(state);
            let b = rate(moved(state, h / 2.0, a));
            let c = rate(moved(state, h / 2.0, b));
            let d = rate(moved(state, h, c));
            let mean = [0, 1].map(|i| (a[i] + 2.0 * (b[i] + c[i]) + d[i]) / 6.0);
            state = moved(state, h, mean);
        }
    }
    let times = (0..rows).map(|k| 0.1 * k as f64).collect();
    let run = Trajectory::new(times, values, vec![]).expect("rising times");
    Trajectories::new(vec!["y".into(), "x".into()], vec![], vec![swapped(&run)]).expect("two columns")
}

/// The columns the other way round: their order is the data's, not that of the equations.
fn swapped(run: &Trajectory) -> Trajectory {
    let values = run.values().chunks_exact(2).flat_map(|row| [row[1], row[0]]).collect();
    Trajectory::new(run.times().to_vec(), values, vec![]).expect("as before")
}

const MISSING: &str = "[model]\nkind = \"ude\"\n[parameters]\na = 1\nb = { value = 1, min = 0 }\n[definitions]\n\
    eaten = \"x*y*net(x, y)\"\n[equations]\nx = \"a*x - eaten\"\ny = \"8/9*eaten - b*y\"\n[field]\nlayers = [8]\n";

#[test]
fn a_missing_term_is_learned_with_the_constants_beside_it() {
    let settings: Settings = toml::from_str(&format!(
        "{MISSING}[optimizer]\nlearning_rate = 2e-2\nphases = [{{steps = 100, horizon = 0.3}}, {{steps = 500}}]\n"
    ))
    .unwrap();
    let data = Data::Trajectories(hunted(30));
    let training = train(&settings, &data, 0, &mut |_| ControlFlow::Continue(())).expect("a training");
    let model = load(&training.checkpoint).expect("a model");
    let mse = model.evaluate(&data).expect("metrics")[0].1;
    // The variance of the data is about 1.5.
    assert!(mse < 1e-3, "{mse}");
    let constants = model.constants();
    assert_eq!(constants.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert!((constants[1].1 - 1.8).abs() < 0.1, "{constants:?}");

    // Empty cells are filled in, in the order of the data's columns.
    let first = Trajectory::new(vec![0.0, 1.0], vec![4.63, 0.44, f64::NAN, f64::NAN], vec![]).unwrap();
    let asked = hunted(30).with_runs(vec![first]).unwrap();
    let answer = model.predict(Some(&Data::Trajectories(asked)), &Request::default()).expect("a forecast");
    assert_eq!(answer.columns, ["y", "x"]);
    let there = &hunted(11).runs()[0].row(10).to_vec();
    assert!(
        (answer.values[2] - there[0]).abs() < 0.1 && (answer.values[3] - there[1]).abs() < 0.1,
        "{:?}",
        answer.values
    );
}

#[test]
fn constants_stay_where_they_may() {
    let text =
        MISSING.replace("a = 1\n", "a = { value = 0.5, max = 0.6 }\n").replace("\"ude\"", "\"ude\"\nfixed = [\"b\"]");
    let settings: Settings = toml::from_str(&format!("{text}[optimizer]\nsteps = 60\nlearning_rate = 0.1\n")).unwrap();
    let data = Data::Trajectories(hunted(30));
    let training = train(&settings, &data, 0, &mut |_| ControlFlow::Continue(())).expect("a training");
    let constants = load(&training.checkpoint).expect("a model").constants();
    assert!(constants[0].1 < 0.6 && constants[0].1 != 0.5 && constants[1].1 == 1.0, "{constants:?}");
}

/// The error of a model file: its key, the part of the formula that is wrong, and the words.
fn refused(tables: &str) -> (String, Option<String>, String) {
    let text = format!("[model]\nkind = \"ude\"\n{tables}");
    let settings: Settings = toml::from_str(&text).expect("a model file");
    let error = settings.check().expect_err(tables);
    let key = error.key();
    let formula = key.split_once('.').and_then(|(table, name)| match table {
        "equations" => settings.equations.get(name),
        "definitions" => settings.definitions.get(name),
        _ => None,
    });
    (key, error.inside().and_then(|inside| Some(formula?.0[inside].to_string())), error.to_string())
}

#[test]
fn wrong_formulas_are_refused_with_their_place() {
    let equation = |text: &str| refused(&format!("[parameters]\nalpha = 1\n[equations]\nx = \"{text}\"\n"));
    for (text, part, words) in [
        ("alpha*x - net(x, z)", "z", "unknown name \"z\""),
        ("alhpa*x + net(x)", "alhpa", "did you mean \"alpha\"?"),
        ("net(x) + net(x, t)", "net(x, t)", "net takes 1 argument, not 2"),
        ("net()", "net()", "net takes 1 argument, not 0"),
        ("2*net", "net", "has no arguments"),
        ("sine(x) + net(x)", "sine", "did you mean \"sin\"?"),
        ("alpha(x) + net(x)", "alpha", "is not a function"),
        ("net(x", "(", "never closed"),
        ("net(x) y", "y", "an operator is missing"),
    ] {
        let (key, inside, reason) = equation(text);
        assert_eq!((key.as_str(), inside.as_deref()), ("equations.x", Some(part)), "{reason}");
        assert!(reason.contains(words), "{reason}");
    }
    for (tables, key, words) in [
        ("", "equations", "a ude has [equations]"),
        ("[equations]\nx = \"-x\"\n", "equations", "neither a network nor a constant"),
        ("[parameters]\nx = 1\n[equations]\nx = \"net(x)\"\n", "equations.x", "already a constant"),
        ("[equations]\nt = \"net(t)\"\n", "equations.t", "the time"),
        ("[equations]\n2x = \"net(t)\"\n", "equations.2x", "is not a name"),
        ("[definitions]\np = \"net(q)\"\nq = \"2*p\"\n[equations]\nx = \"p\"\n", "definitions.p", "p -> q -> p"),
        ("[parameters]\na = { value = 2, max = 1 }\n[equations]\nx = \"a\"\n", "parameters.a", "rise"),
        ("fixed = [\"b\"]\n[parameters]\nbb = 1\n[equations]\nx = \"net(x)\"\n", "model.fixed", "no constant `b`"),
        ("[equations]\nx = \"net1(x)\"\n[networks.net2]\n", "networks.net2", "did you mean `net1`?"),
        ("[equations]\nx = \"net1(x)\"\n[networks.net1]\nlayers = [0]\n", "networks.net1.layers", "between 1"),
        ("[equations]\nx = \"net1(x)\"\n[field]\ntime = true\n", "field.time", "net1(x, t)"),
        ("augment = 1\n[equations]\nx = \"net1(x)\"\n", "model.augment", "has no `augment`"),
    ] {
        let (found, _, reason) = refused(tables);
        assert_eq!(found, key, "{reason}");
        assert!(reason.contains(words), "{reason}");
    }
    let other: Settings = toml::from_str("[model]\nkind = \"neural-ode\"\n[equations]\nx = \"net(x)\"\n").unwrap();
    assert_eq!(other.check().unwrap_err().key(), "equations");
}

#[test]
fn columns_are_the_variables_of_the_equations() {
    let data = Data::Trajectories(hunted(5));
    for (equations, words) in [
        ("x = \"net(x)\"\n", "the column `y` has no equation"),
        ("x = \"net(x)\"\ny = \"z\"\nz = \"y\"\n", "no column `z`"),
    ] {
        let settings: Settings = toml::from_str(&format!("[model]\nkind = \"ude\"\n[equations]\n{equations}")).unwrap();
        match train(&settings, &data, 0, &mut |_| ControlFlow::Continue(())) {
            Err(error @ NdeError::Variables { .. }) => assert!(error.to_string().contains(words), "{error}"),
            other => panic!("{other:?}"),
        }
    }
}
