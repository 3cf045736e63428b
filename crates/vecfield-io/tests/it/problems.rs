//! Laws of the problem reader.

use proptest::prelude::*;
use vecfield_expr::Program;
use vecfield_io::{Direction, Outline, Problem, ProblemError, Save, SetError, Solver, System};
use vecfield_solvers::{Method, Options, Save as At, Split, solve};
use vecfield_traits::{ParametricField, VectorField};

const GOOD: &str = r#"
title = "Predator and prey"
tags = ["ecology"]
[parameters]
a = 0.5
b = { value = 0.02, min = 0.0, max = 1.0 }
[definitions]
growth = "a*prey - eaten"   # uses one that comes later
eaten = "b*prey*predator"
twice = "2*a"
[initial]
prey = "10*twice"
predator = 4
[equations]
predator = "eaten - season*predator"
prey = "growth"
[discrete]
season = 1.0
[[event]]
when = "prey - 20"
direction = "falling"
set = { predator = "predator + 1", season = 2 }
stop_after = 3
[solve]
t = [0, 20]
save = [5.0, 10.0]
rtol = 1e-8
atol = [1e-9, 1e-10]
"#;

fn parse(text: &str) -> Result<Problem, ProblemError> {
    Problem::parse("p.toml", text)
}

proptest! {
    /// Any text is a problem or an error with the name of the file, never a panic.
    #[test]
    fn any_text(text in "\\PC{0,200}") {
        let read = parse(&text);
        prop_assert!(read.is_ok() || read.unwrap_err().to_string().starts_with("p.toml:"));
    }

    /// The same for texts near a problem: some bytes of a good one replaced, doubled or cut.
    #[test]
    fn any_slip(edits in prop::collection::vec((0..GOOD.len(), 0..4_u8, any::<char>()), 1..6)) {
        let mut text = GOOD.to_string();
        for (at, kind, c) in edits {
            let at = (0..=at.min(text.len())).rev().find(|&i| text.is_char_boundary(i)).unwrap();
            match kind {
                0 => text.insert(at, c),
                1 if at < text.len() => { text.remove(at); }
                2 => text.truncate(at),
                _ => text.insert_str(at, "\"(\n["),
            }
        }
        let read = parse(&text);
        prop_assert!(read.is_ok() || read.unwrap_err().to_string().starts_with("p.toml:"));
    }

    /// What is written is read back bit for bit.
    #[test]
    fn outlines_come_back(
        values in prop::collection::vec(prop::num::f64::NORMAL | prop::num::f64::ZERO, 1..5),
        title in "\\PC{0,20}", end in 0.1..1e6_f64,
    ) {
        let outline = Outline {
            comments: vec!["made by a test".into()],
            title: title.clone(),
            parameters: values.iter().enumerate().map(|(i, v)| (format!("p{i}"), *v)).collect(),
            variables: values.iter().enumerate().map(|(i, v)| (format!("x{i}"), *v, format!("-p{i}*x{i}"))).collect(),
            span: Some((0.0, end)),
            save: vec![end / 2.0, end],
            rtol: Some(1e-7),
            ..Outline::default()
        };
        let problem = parse(&outline.to_toml()).map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert_eq!(problem.title().unwrap_or(""), title);
        prop_assert_eq!(problem.parameters().iter().map(|p| p.value).collect::<Vec<_>>(), values.clone());
        let starts = problem.variables().iter().map(|v| problem.graph().constant_value(v.initial));
        prop_assert_eq!(starts.collect::<Option<Vec<_>>>(), Some(values));
        prop_assert_eq!(problem.settings().save(), &Save::At(vec![end / 2.0, end]));
        prop_assert_eq!((problem.settings().span(), problem.settings().rtol()), (Some((0.0, end)), 1e-7));
    }

    /// Equidistant save times begin and end exactly, and increase.
    #[test]
    fn equidistant_times(start in -1e3..1e3_f64, length in 1e-3..1e6_f64, count in 2..500_u64) {
        let mut problem = parse(GOOD).unwrap();
        let settings = problem.settings_mut();
        settings.set_span(&[start, start + length]).unwrap();
        settings.set_save_count(count).unwrap();
        let ((t0, t1), times) = settings.save_times().unwrap();
        prop_assert_eq!((times[0], times[times.len() - 1], times.len() as u64), (t0, t1, count));
        prop_assert!(times.windows(2).all(|w| w[0] < w[1]));
    }
}

#[test]
fn reads_all_parts() {
    let problem = parse(GOOD).unwrap();
    let names: Vec<_> = problem.variables().iter().map(|v| v.name.as_str()).collect();
    assert_eq!((problem.title(), problem.tags()), (Some("Predator and prey"), &["ecology".to_string()][..]));
    assert_eq!(names, ["prey", "predator"], "the order of [initial]");
    assert_eq!((problem.parameters()[1].min, problem.parameters()[1].max), (0.0, 1.0));
    let symbols = |id| {
        let graph = problem.graph();
        let mut names: Vec<_> = graph.symbols(id).into_iter().map(|s| graph.name(s)).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(symbols(problem.variables()[0].rate), ["a", "b", "predator", "prey"], "definitions are filled in");
    assert_eq!(symbols(problem.variables()[0].initial), ["a"]);
    let event = &problem.events()[0];
    assert_eq!((event.name.as_str(), event.direction, event.stop_after), ("event 1", Direction::Falling, Some(3)));
    assert_eq!(event.jump.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["predator", "season"]);
    assert_eq!(problem.settings().atol(), [1e-9, 1e-10]);
}

#[test]
fn formulas_are_compiled() {
    let mut problem = parse(GOOD).unwrap();
    problem.set("a", 1.0).unwrap();
    let system = System::new(&problem).unwrap();
    assert_eq!(
        (system.variables().len(), system.components()),
        (2, &["prey", "predator", "season"].map(String::from)[..])
    );
    let y = system.initial(system.theta());
    assert_eq!(y, [20.0, 4.0, 1.0]);
    let (field, mut dy) = (system.field().at(system.theta().to_vec()), [f64::NAN; 3]);
    field.eval(0.0, &y, &mut dy, &mut field.workspace());
    assert_eq!(dy, [20.0 - 0.02 * 20.0 * 4.0, 0.02 * 20.0 * 4.0 - 4.0, 0.0]);
    let event = &system.events()[0];
    let inputs = [&[0.0][..], &y, system.theta()].concat();
    let value = |program: &Program| {
        let mut out = vec![f64::NAN; program.output_count()];
        program.eval(&inputs, &mut out, &mut program.registers());
        out
    };
    assert_eq!(value(&event.guard), [0.0]);
    let (components, jump) = event.jump.as_ref().unwrap();
    assert_eq!((&components[..], value(jump)), (&[1, 2][..], vec![5.0, 2.0]));
}

#[test]
fn values_can_be_set() {
    let mut problem = parse(GOOD).unwrap();
    for (name, value) in [("a", 2.0), ("season", 3.0), ("prey", 4.0), ("initial.predator", 5.0)] {
        problem.set(name, value).unwrap();
    }
    let start = |i: usize| problem.graph().constant_value(problem.variables()[i].initial);
    assert_eq!((problem.parameters()[0].value, problem.discrete()[0].value), (2.0, 3.0));
    assert_eq!((start(0), start(1)), (Some(4.0), Some(5.0)));
    let unknown = problem.set("sesaon", 1.0).unwrap_err();
    assert!(unknown.to_string().contains("did you mean `season`?"));
    assert!(matches!(problem.set("a", f64::NAN), Err(SetError::NotFinite { .. })));
}

/// Every row: a change to the good problem, the place, and words the message must have.
#[test]
fn says_where_and_what_to_do() {
    for (from, to, place, words) in [
        ("title =", "titel =", "2:1", &["`titel`", "did you mean `title`"][..]),
        ("[solve]", "[slove]", "24:2", &["`slove`", "did you mean `solve`"]),
        ("rtol =", "rtoll =", "27:1", &["[solve]", "`rtoll`", "did you mean `rtol`"]),
        (
            "a*prey - eaten",
            "a*pray - eaten",
            "8:13",
            &["definitions.growth", "\"pray\"", "did you mean \"prey\"", "\n  | growth", "^^^^"],
        ),
        ("eaten - season*predator", "sine(predator)", "15:13", &["sine", "did you mean \"sin\""]),
        ("\"growth\"", "\"(growth\"", "16:9", &["equations.prey", "\")\""]),
        ("\"growth\"", "\"\"", "16:8", &["equations.prey", "empty"]),
        ("\"growth\"", "true", "16:8", &["equations.prey", "true"]),
        ("prey = \"growth\"\n", "", "12:1", &["`prey`", "no equation"]),
        ("predator = 4\n", "", "14:1", &["`predator`", "no initial value"]),
        ("predator = 4", "predator = nan", "13:12", &["initial.predator", "finite"]),
        ("predator = 4", "predator = \"prey\"", "13:12", &["`predator`", "`prey`, a variable"]),
        ("predator = 4", "predator = \"t\"", "13:12", &["`t`, a moment in time"]),
        ("\"2*a\"", "\"growth\"", "12:8", &["`prey`", "a variable"]),
        ("\"b*prey*predator\"", "\"growth\"", "8:1", &["circle", "growth -> eaten -> growth"]),
        ("a = 0.5", "prey = 0.5", "12:1", &["`prey`", "already a parameter", "variable"]),
        ("a = 0.5", "pi = 0.5", "5:1", &["\"pi\""]),
        ("a = 0.5", "t = 0.5", "5:1", &["`t`", "independent variable"]),
        ("a = 0.5", "\"a b\" = 0.5", "5:1", &["\"a b\""]),
        ("a = 0.5", "a = 0.5\na = 1", "6:1", &["TOML", "duplicate"]),
        ("a = 0.5", "a = [", "", &["TOML"]),
        ("value = 0.02", "value = 2", "6:5", &["`b`", "0, 2, 1"]),
        ("value = 0.02, min", "min", "6:1", &["[parameters.b]", "`value`"]),
        ("when = ", "whne = ", "20:1", &["[[event]]", "`whne`", "did you mean `when`"]),
        ("\"falling\"", "\"down\"", "21:13", &["falling", "\"down\""]),
        ("season = 2", "seasn = 2", "22:36", &["`seasn`", "did you mean `season`"]),
        ("season = 2", "a = 2", "22:36", &["cannot set `a`", "predator, prey, season"]),
        ("stop_after = 3", "stop_after = 0", "23:14", &["stop_after", "at least 1"]),
        ("[0, 20]", "[0, 0]", "25:5", &["`t`", "different"]),
        ("[0, 20]", "[0, 1, 2]", "25:5", &["`t`", "[0, 1, 2]"]),
        ("[0, 20]", "[0, inf]", "25:9", &["solve.t[1]", "finite"]),
        ("[5.0, 10.0]", "[5.0, 30.0]", "26:8", &["`save`", "t = 30", "outside"]),
        ("[5.0, 10.0]", "[5.0, 5.0]", "26:8", &["`save`", "after 5", "sort"]),
        ("rtol = 1e-8", "rtol = -1e-8", "27:8", &["`rtol`", "negative"]),
        ("rtol = 1e-8", "rtol = nan", "27:8", &["rtol", "finite"]),
        ("rtol = 1e-8", "save_count = 3", "27:14", &["save", "keep one"]),
        ("[1e-9, 1e-10]", "[1e-9]", "", &[]),
        ("[1e-9, 1e-10]", "[1e-9, 1, 1]", "28:8", &["3 values for 2 variables"]),
        ("rtol = 1e-8", "rtol = 0\nstep = -1", "28:8", &["`step`", "above zero"]),
        ("rtol = 1e-8", "norm = \"max\"\nlinear = \"gmres\"", "", &[]),
        ("rtol = 1e-8", "norm = \"l2\"", "27:8", &["`l2`", "rms", "max"]),
        ("rtol = 1e-8", "linear = \"spars\"", "27:10", &["`spars`", "did you mean `sparse`", "gmres"]),
        ("rtol = 1e-8", "paths = 9", "27:1", &["`paths`", "neither [noise] nor [ensemble]"]),
        ("[discrete]", "[noise]\nprey = [\"1\"]\n[discrete]", "17:2", &["[noise]", "events"]),
    ] {
        assert!(GOOD.contains(from), "{from}");
        let read = parse(&GOOD.replacen(from, to, 1));
        match (read, words) {
            (Ok(_), []) => {}
            (Ok(_), _) => panic!("{to:?} was accepted"),
            (Err(e), []) => panic!("{to:?}: {e}"),
            (Err(e), words) => {
                let said = e.to_string();
                assert!(said.starts_with(&format!("p.toml:{place}")), "{to:?}: wanted {place}: {said}");
                for word in words {
                    assert!(said.contains(word), "{to:?}: {said:?} lacks {word:?}");
                }
            }
        }
    }
    for (text, word) in [("", "[initial]"), ("[initial]\nx = 1", "[equations]"), ("[initial\nx=1", "p.toml:1:")] {
        assert!(parse(text).unwrap_err().to_string().contains(word));
    }
}

#[test]
fn deep_and_long_is_refused_quickly() {
    let deep = format!("{}prey{}", "(".repeat(200_000), ")".repeat(200_000));
    let said = parse(&GOOD.replace("growth\"", &format!("{deep}\""))).unwrap_err().to_string();
    assert!(said.len() < 2000, "{} bytes", said.len());
    let chain: String = (0..20_000).map(|i| format!("d{i} = \"d{} + 1\"\n", i + 1)).collect();
    let long = GOOD.replace("[definitions]\n", &format!("[definitions]\n{chain}d20000 = \"a\"\n"));
    assert_eq!(parse(&long).unwrap().definitions().len(), 20_004);
}

const PENDULUM: &str = include_str!("../../../../examples/pendulum.toml");

#[test]
fn algebraic_equations_are_solved_from_a_guess() {
    let mut problem = parse(PENDULUM).unwrap();
    assert!(problem.is_algebraic());
    problem.set("y", -0.6).unwrap();
    problem.set("x", 0.8).unwrap();
    let run = Solver::new(&problem).unwrap().solve().unwrap();
    for row in 0..run.times().len() {
        let [x, y, u, v, tension] = run.rows().nth(row).unwrap() else { panic!("five variables") };
        let (length, energy) = (x.hypot(*y), 0.5 * (u * u + v * v) + 9.81 * y);
        assert!((length - 1.0).abs() < 1e-5 && (energy + 0.6 * 9.81).abs() < 1e-4, "{length}, {energy}");
        assert!((tension - (u * u + v * v - 9.81 * y) / length.powi(2)).abs() < 1e-5);
    }
    let first = run.rows().next().unwrap();
    assert_eq!(first[..4], [0.8, -0.6, 0.0, 0.0]);
}

#[test]
fn wrong_algebraic_equations_are_refused() {
    let refused = |text: &str| parse(text).unwrap_err().to_string();
    let twice = PENDULUM.replace("x = \"u\"", "x = \"u\"\ntension = \"x\"");
    assert!(refused(&twice).contains("in [equations] and in [algebraic]"), "{}", refused(&twice));
    let missing = PENDULUM.replace("tension = 1.0", "# ");
    assert!(refused(&missing).contains("no initial value"), "{}", refused(&missing));
    let set = PENDULUM.to_owned() + "[[event]]\nwhen = \"x\"\nset = { tension = 1 }\n";
    assert!(refused(&set).contains("cannot set `tension`"), "{}", refused(&set));
    // The constraint of the length itself says nothing of the tension: the index is three.
    let constraint = "u^2 + v^2 - tension*(x^2 + y^2) - g*y";
    let high = parse(&PENDULUM.replace(constraint, "x^2 + y^2 - length^2")).unwrap();
    let solver = Solver::new(&high).unwrap();
    let stopped = solver.solve().unwrap_err();
    let message = stopped.error.named(solver.system().components()).to_string();
    assert!(message.contains("do not determine tension at t = 0") && message.contains("differentiate"), "{message}");
    let mut explicit = parse(PENDULUM).unwrap();
    explicit.settings_mut().set_method("tsit5").unwrap();
    let stopped = Solver::new(&explicit).unwrap().solve().unwrap_err();
    assert!(stopped.error.to_string().contains("\"tsit5\" needs equations for every dy/dt"), "{}", stopped.error);
}

/// Hundreds of equations, each with few neighbours: the band is found by itself, and the result is that of a fine grid.
#[test]
fn a_long_chain_is_solved_by_its_band() {
    let cells = 150;
    let mut text = String::from("[parameters]\nd = 1.0\n[initial]\n");
    (0..cells)
        .for_each(|i| text += &format!("u{i} = {}\n", (std::f64::consts::PI * (i as f64 + 0.5) / cells as f64).cos()));
    text += "[equations]\n";
    for i in 0..cells {
        let (left, right) = (i.max(1) - 1, (i + 1).min(cells - 1));
        text += &format!("u{i} = \"d*{}*(u{left} - 2*u{i} + u{right})\"\n", cells * cells);
    }
    text += "[solve]\nt = [0.0, 0.1]\nsave = [0.1]\n";
    let solver = Solver::new(&parse(&text).unwrap()).unwrap();
    let run = solver.solve().unwrap();
    let decay = (-std::f64::consts::PI.powi(2) * 0.1).exp();
    let exact = decay * (std::f64::consts::PI * 0.5 / cells as f64).cos();
    assert!((run.rows().next().unwrap()[0] - exact).abs() < 1e-4, "{} for {exact}", run.rows().next().unwrap()[0]);
}

const RELAXATION: &str = include_str!("../../../../examples/relaxation.toml");

proptest! {
    /// The sections of one file do what two fields do in a [`Split`].
    #[test]
    fn stiff_parts_are_those_of_a_split_field(
        order in 3..=5,
        eps in -4.0..0.0_f64,
        steps in 5..40_u32,
        start in 0.5..1.5_f64,
    ) {
        let text = RELAXATION.replace("x = 1.0", &format!("x = {start}"));
        let mut problem = parse(&text).unwrap();
        problem.set("eps", 10.0_f64.powf(eps)).unwrap();
        let method = Method::named(&format!("kc{order}-imex")).unwrap();
        let options = Options::fixed(1.0 / f64::from(steps));
        let unsplit = text.replace("[stiff]", "[discrete]").replace("x = \"relaxation\"", "");
        let part = |x: &str, y: &str| {
            let text = unsplit.replace("relaxation - 2*x", x).replace("x - y - y^2", y);
            System::new(&parse(&text).unwrap()).unwrap()
        };
        let (explicit, implicit) = (part("-2*x", "x - y - y^2"), part("relaxation", "0"));
        let whole = System::new(&problem).unwrap();
        let theta = whole.theta().to_vec();
        let [explicit, implicit] = [&explicit, &implicit].map(|part| part.symbolic().at(theta.clone()));
        let split = Split { explicit, implicit };
        let initial = whole.initial(&theta);
        let wanted = solve(&split, (0.0, 1.0), &initial, method, &options, At::End).unwrap();
        let found = solve(&whole.symbolic().at(theta), (0.0, 1.0), &initial, method, &options, At::End).unwrap();
        // The Newton iterations end at the same numbers but for what rounding of size 1/eps leaves.
        for (found, wanted) in found.last().iter().zip(wanted.last()) {
            prop_assert!((found - wanted).abs() < 1e-10, "{found}, split {wanted}");
        }
    }
}

#[test]
fn stiff_parts_never_change_the_answer() {
    let run = |text: &str, method: &str| {
        let mut problem = parse(text).unwrap();
        problem.settings_mut().set_method(method).unwrap();
        let run = Solver::new(&problem).unwrap().solve().unwrap();
        let states: Vec<f64> = run.rows().flatten().copied().collect();
        states
    };
    let plain = &RELAXATION.replace("[stiff]", "[discrete]").replace("x = \"relaxation\"", "");
    for method in ["auto", "tsit5", "radau5", "rodas5p", "bdf", "kc4"] {
        assert_eq!(run(RELAXATION, method), run(plain, method), "{method}: bit for bit");
    }
    let (split, whole) = (run(RELAXATION, "kc4-imex"), run(plain, "kc4-imex"));
    assert_ne!(split, whole, "the part is used");
    for (row, pair) in split.chunks(2).enumerate() {
        let y = (-0.2 * row as f64).exp();
        assert!((pair[0] - y * y).abs() < 1e-5 && (pair[1] - y).abs() < 1e-5, "{pair:?} for {y}");
    }
}

#[test]
fn wrong_stiff_parts_are_refused() {
    let refused = |text: &str| parse(text).unwrap_err();
    let unknown = refused(&RELAXATION.replace("x = \"relaxation\"", "xx = \"relaxation\""));
    let message = unknown.to_string();
    assert!(message.contains("no equation (did you mean `x`?)") && message.contains("can name x, y"), "{message}");
    let line = RELAXATION.lines().position(|line| line == "x = \"relaxation\"").unwrap() + 1;
    assert_eq!((unknown.line(), unknown.column()), (line, 1));
    let formula = refused(&RELAXATION.replace("x = \"relaxation\"", "x = \"relaxatoin + 1\""));
    assert_eq!((formula.line(), formula.column()), (line, 6));
    assert!(formula.to_string().contains("relaxation"), "{formula}");
    let algebraic = refused(&(PENDULUM.to_owned() + "[stiff]\ntension = \"x\"\n")).to_string();
    assert!(algebraic.contains("implicit as a whole"), "{algebraic}");
}
