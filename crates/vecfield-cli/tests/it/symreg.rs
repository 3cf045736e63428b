//! `vecfield symreg`.

use crate::Folder;

/// Distances and periods of the planets.
const PLANETS: &str = include_str!("../../../../examples/planets.csv");

#[test]
fn keplers_law_is_found() {
    let folder = Folder::new();
    folder.file("planets.csv", PLANETS);
    let result = folder.vecfield(&["symreg", "planets.csv", "--target", "period", "--json"]).json();
    // Measured periods follow it to a few parts in ten thousand: a factor near one, and the power 3/2.
    let best = &result["best"];
    assert!(best["complexity"].as_u64().unwrap() <= 8 && best["r2"].as_f64().unwrap() > 0.999_999, "{best}");
    let law = best["expression"].as_str().unwrap();
    assert!(["distance^1.5", "sqrt(distance^3)", "sqrt(distance)^3"].iter().any(|power| law.ends_with(power)), "{law}");
    let front = result["front"].as_array().unwrap();
    assert!(front.contains(&result["best"]));
    assert!(front.iter().all(|entry| entry["complexity"].is_u64() && entry["loss"].is_f64() && entry["r2"].is_f64()));
    assert!(result["evaluations"].as_u64().unwrap() > 1000 && result["cut"] == false);
}

#[test]
fn laws_in_pieces_say_where_they_begin() {
    let folder = Folder::new();
    folder.file("heating.csv", include_str!("../../../../examples/heating.csv"));
    let operators = "+,-,*,/,>,cond";
    let command =
        ["symreg", "heating.csv", "--target", "energy", "--operators", operators, "--generations", "0", "--json"];
    let result = folder.vecfield(&command).json();
    let best = result["best"]["expression"].as_str().unwrap();
    // Heating begins at 15.5 degrees and cooling at 23, but for noise.
    assert!(best.contains("cond(outside < 15.") && best.contains("cond(outside > 23"), "{best}");
}

#[test]
fn a_search_leaves_formulas_predictions_and_a_report() {
    let folder = Folder::new();
    folder.file("planets.csv", PLANETS);
    let command = ["symreg", "planets.csv", "--target", "period", "--generations", "0", "--out", "kepler", "--json"];
    let result = folder.vecfield(&command).json();
    let best = &result["best"];
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let formulas = read("kepler/formulas.txt");
    assert!(formulas.contains(best["expression"].as_str().unwrap()), "{formulas}");
    assert!(formulas.contains("powf(") || formulas.contains("sqrt()"), "{formulas}");
    let document: toml::Table = read("kepler/formulas.toml").parse().unwrap();
    assert_eq!(document["target"].as_str(), Some("period"));
    assert_eq!(document["best"]["expression"].as_str(), best["expression"].as_str());
    assert_eq!(document["best"]["loss"].as_float(), best["loss"].as_f64());
    assert_eq!(document["front"].as_array().unwrap().len(), result["front"].as_array().unwrap().len());
    let predictions = read("kepler/predictions.csv");
    assert!(predictions.starts_with("distance,period,prediction\n"), "{predictions}");
    assert_eq!(predictions.lines().count(), PLANETS.trim().lines().count());
    for line in predictions.lines().skip(1) {
        let cells: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
        assert!((cells[2] / cells[1] - 1.0).abs() < 5e-3, "{line}");
    }
    let report = read("kepler/report.html");
    assert!(report.contains("period") && !report.contains("dperiod") && report.contains("<svg"));
    assert!(result["numbers"].as_array().unwrap().iter().all(|number| number["stderr"].is_f64()), "{result}");
    folder.vecfield(&command).failed(2, &["--force"]);
}

/// With a ceiling that is over at once, then without: as in one go.
#[test]
fn a_search_that_was_cut_short_is_taken_up() {
    let folder = Folder::new();
    folder.file("decay.csv", &decay());
    let search = [
        "symreg",
        "decay.csv",
        "--target",
        "y",
        "--operators",
        "+,*,exp",
        "--generations",
        "6",
        "--max-size",
        "14",
        "--json",
    ];
    let with = |more: &[&str]| folder.vecfield(&[&search[..], more].concat());
    let (whole, cut) = (with(&[]).json(), with(&["--out", "found", "--seconds", "1e-9"]).json());
    assert!(cut["cut"] == true && whole["cut"] == false && cut["front"] != whole["front"]);
    assert!(with(&["--resume", "found", "--seconds", "1e-9"]).json()["cut"] == true);
    with(&["--resume", "found", "--seed", "3"]).failed(2, &["checkpoint.txt", "other options"]);
    let resumed = with(&["--resume", "found"]).json();
    assert_eq!((&resumed["front"], &resumed["evaluations"]), (&whole["front"], &whole["evaluations"]));
    // What is done cannot be gone on with.
    with(&["--resume", "found"]).failed(2, &["checkpoint.txt", "cut short"]);
}

/// `y = 3 e^(-0.7 x²) (1 + x)`, with a row that is far off and its weight.
fn decay() -> String {
    let row = |i: u32| {
        let x = 0.07 * f64::from(i);
        let y = 3.0 * (-0.7 * x * x).exp() * (1.0 + x);
        let (y, weight) = if i == 11 { (y + 5.0, 0) } else { (y, 1 + i % 2) };
        format!("{x},{y},{weight}\n")
    };
    format!("x,y,w\n{}", (0..40).map(row).collect::<String>())
}

#[test]
fn rows_without_weight_do_not_count_and_a_guess_is_begun_with() {
    let folder = Folder::new();
    folder.file("decay.csv", &decay());
    let begin = ["symreg", "decay.csv", "--target", "y", "--weights", "w", "--generations", "0", "--json"];
    let guessed = [&begin[..], &["--guess", "exp(-0.2*x^2)*(1 + x)"]].concat();
    let best = folder.vecfield(&guessed).json()["best"].clone();
    assert!(best["loss"].as_f64().unwrap() < 1e-20, "{best}");
    let misspelt = [&begin[..], &["--guess", "exp(-0.2*z^2)"]].concat();
    folder.vecfield(&misspelt).failed(2, &["--guess", "\"z\""]);
    folder.vecfield(&["symreg", "decay.csv", "--target", "y", "--weights", "v"]).failed(2, &["--weights", "`v`"]);
}

/// The row that is far off is not left out, and does not matter.
#[test]
fn a_loss_says_what_errors_cost() {
    let folder = Folder::new();
    folder.file("decay.csv", &decay());
    let begin = ["symreg", "decay.csv", "--target", "y", "--operators", "+,*,exp", "--generations", "0", "--json"];
    let with =
        |loss: &str| folder.vecfield(&[&begin[..], &["--guess", "exp(-0.2*x^2)*(1 + x)", "--loss", loss]].concat());
    let result = with("abs(predicted - target)").json();
    let best = &result["best"];
    // One row of forty is off by five.
    assert!((best["loss"].as_f64().unwrap() - 5.0 / 40.0).abs() < 1e-6, "{best}");
    assert!(result["numbers"].as_array().unwrap().iter().all(|number| number["stderr"].is_null()), "{result}");
    with("predicted").failed(2, &["--loss", "least"]);
    with("abs(predicted - y)").failed(2, &["--loss", "\"y\""]);
    let few = [&begin[..], &["--sample", "3"]].concat();
    folder.vecfield(&few).failed(2, &["--sample 3", "8"]);
}

/// Two components of one force.
#[test]
fn several_targets_share_parts() {
    let folder = Folder::new();
    let row = |i: u32| {
        let (x, y) = (0.08 * f64::from(i) - 1.0, 1.0 + 0.7 * f64::from(i * i % 13));
        let below = 1.0 + x * x;
        format!("{x},{y},{},{}\n", 3.0 / below, x / below)
    };
    folder.file("forces.csv", &format!("x,y,fx,fy\n{}", (0..40).map(row).collect::<String>()));
    let begin = ["symreg", "forces.csv", "--generations", "0"];
    let with = |more: &[&str]| folder.vecfield(&[&begin[..], more].concat());
    let result = with(&["--target", "fx,fy", "--json"]).json();
    for target in ["fx", "fy"] {
        let of = &result["targets"][target];
        assert!(
            of["best"]["r2"].as_f64().unwrap() > 1.0 - 1e-12 && !of["front"].as_array().unwrap().is_empty(),
            "{of}"
        );
        assert!(of["written"].as_str().unwrap().contains("s1"), "{of}");
    }
    assert_eq!(result["shared"]["s1"].as_str(), Some("x^2 + 1"));
    let text = with(&["--target", "fx, fy"]).out;
    assert!(text.contains("s1 = x^2 + 1") && text.lines().any(|line| line.starts_with("fx = ")), "{text}");
    with(&["--target", "fx,fz"]).failed(2, &["--target", "did you mean `fx`"]);
    with(&["--target", "fx,fx"]).failed(2, &["--target fx,fx", "once"]);
    with(&["--target", "fx,fy", "--out", "found"]).failed(2, &["--out", "one target"]);
}

/// A product of a function of either column, and a number.
#[test]
fn the_unknown_functions_of_a_template_are_found() {
    let folder = Folder::new();
    let row = |i: u32| {
        let (x, z) = (0.05 * f64::from(i), 0.2 + 0.1 * f64::from(i * 7 % 23));
        format!("{x},{z},{}\n", (x / 3.0).exp() * (z * z + 1.0) - 2.0)
    };
    folder.file("rates.csv", &format!("x,z,rate\n{}", (0..60).map(row).collect::<String>()));
    let begin = ["symreg", "rates.csv", "--target", "rate", "--generations", "0"];
    let with = |more: &[&str]| folder.vecfield(&[&begin[..], more].concat());
    let result = with(&["--template", "f(x)*g(z) + c", "--json", "--out", "found"]).json();
    assert_eq!(result["template"], "f(x)*g(z) + c");
    let best = &result["best"];
    assert!(best["r2"].as_f64().unwrap() > 1.0 - 1e-12 && result["front"].as_array().unwrap().contains(best), "{best}");
    let parts = best["parts"].as_array().unwrap();
    assert_eq!((&parts[0]["name"], &parts[1]["arguments"]), (&"f".into(), &serde_json::json!(["z"])));
    assert_eq!(parts[1]["expression"], "z^2 + 1");
    assert_eq!(best["parameters"]["c"]["value"], -2.0);

    let read = |name: &str| std::fs::read_to_string(folder.path().join("found").join(name)).unwrap();
    let document: toml::Table = read("formulas.toml").parse().unwrap();
    assert_eq!(document["template"].as_str(), Some("f(x)*g(z) + c"));
    assert_eq!(document["best"]["parts"][1]["expression"].as_str(), Some("z^2 + 1"));
    assert_eq!(document["best"]["parameters"]["c"].as_float(), Some(-2.0));
    assert!(read("formulas.txt").contains("g(z) = z^2 + 1\n") && read("report.html").contains("g(z) = "));

    let text = with(&["--template", "f(x)*g(z) + c"]).out;
    assert!(text.contains("g(z) = z^2 + 1\n") && text.contains("c = -2\n") && text.contains("rate = "), "{text}");
    with(&["--template", "f(y) + g(z)"]).failed(2, &["--template", "`y`", "the columns are x, z"]);
    with(&["--template", "f(x)", "--category", "z"]).failed(2, &["--template", "--category"]);
    let two = ["symreg", "rates.csv", "--target", "rate,z", "--template", "f(x)"];
    folder.vecfield(&two).failed(2, &["--template", "one target"]);
}

/// Three specimens that decay alike from different sizes.
#[test]
fn numbers_are_each_kinds_own() {
    let folder = Folder::new();
    let row = |i: u32| {
        let (kind, t) = (i % 3, 0.1 * f64::from(i / 3));
        format!("{t},{},{}\n", 10 * kind, (1.3 + 0.9 * f64::from(kind)) * (-0.7 * t).exp())
    };
    folder.file("samples.csv", &format!("t,specimen,count\n{}", (0..60).map(row).collect::<String>()));
    let begin = ["symreg", "samples.csv", "--target", "count", "--generations", "0"];
    let with = |more: &[&str]| folder.vecfield(&[&begin[..], more].concat());
    let result = with(&["--category", "specimen", "--json"]).json();
    assert_eq!(result["categories"], serde_json::json!([0.0, 10.0, 20.0]));
    let best = &result["best"];
    assert!(best["r2"].as_f64().unwrap() > 1.0 - 1e-12, "{best}");
    let parameters = best["parameters"].as_object().unwrap();
    assert!(parameters.len() == 1 && parameters.values().all(|own| own.as_array().unwrap().len() == 3), "{best}");
    assert!(best["expression"].as_str().unwrap().contains(parameters.keys().next().unwrap()), "{best}");
    let text = with(&["--category", "specimen"]).out;
    assert!(text.lines().any(|line| line.starts_with("specimen")) && text.contains("count = "), "{text}");
    with(&["--category", "kind"]).failed(2, &["--category", "`kind`"]);
    with(&["--category", "t"]).failed(2, &["--category", "each needs 4"]);
}

/// How long a fall takes from a height: only a root of their quotient is a time.
#[test]
fn formulas_agree_with_units() {
    let folder = Folder::new();
    let row = |i: u32| {
        let (h, g) = (0.7 * f64::from(i), 3.0 + f64::from(i * i % 11));
        format!("{h},{g},{}\n", (2.0 * h / g).sqrt())
    };
    folder.file("falls.csv", &format!("h,g,t\n{}", (1..25).map(row).collect::<String>()));
    let begin = ["symreg", "falls.csv", "--target", "t", "--generations", "4", "--json"];
    let with = |more: &[&str]| folder.vecfield(&[&begin[..], more].concat());
    let units = ["--units", "h: m; g: m/s^2; t: s", "--pure-numbers"];
    let result = with(&units).json();
    assert!(result["best"]["loss"].as_f64().unwrap() < 1e-20, "{result}");
    for entry in result["front"].as_array().unwrap() {
        let formula = entry["expression"].as_str().unwrap();
        assert!(formula == "0" || formula.contains("h/g"), "{formula}");
    }
    with(&["--units", "h: m; u: s"]).failed(2, &["--units", "`u`", "h, g, t"]);
    with(&["--units", "h: m + s"]).failed(2, &["--units", "`h: m + s`"]);
    with(&["--pure-numbers"]).failed(2, &["--units"]);
}

/// Noise makes the best formulas of these rows wiggle; a dose that does more never does less.
#[test]
fn formulas_have_the_shapes_that_are_asked_for() {
    let folder = Folder::new();
    let row = |i: u32| {
        let dose = 0.1 * f64::from(i);
        format!("{dose},{}\n", dose / (1.0 + dose) + 0.02 * (37.0 * f64::from(i)).sin())
    };
    folder.file("doses.csv", &format!("dose,response\n{}", (0..30).map(row).collect::<String>()));
    let begin = ["symreg", "doses.csv", "--target", "response", "--operators", "+,-,*,/,exp", "--generations", "2"];
    let with = |more: &[&str]| folder.vecfield(&[&begin[..], more].concat());
    let shape = ["--shape", "increasing dose; concave dose", "--shape-box", "dose: 0..20", "--json"];
    let result = with(&shape).json();
    assert!(result["best"]["r2"].as_f64().unwrap() > 0.9, "{result}");
    let verdicts = ["holds", "undecided"];
    let front = result["front"].as_array().unwrap();
    assert!(front.iter().all(|entry| verdicts.contains(&entry["shape"].as_str().unwrap())), "{result}");
    assert!(front.contains(&result["best"]));
    with(&["--shape", "increasing does"]).failed(2, &["--shape", "did you mean `dose`?"]);
    with(&["--shape", "rising dose"]).failed(2, &["--shape", "`rising`", "increasing"]);
    with(&["--shape", "positive", "--shape-box", "dose: 0"]).failed(2, &["--shape-box", "`x: 0..10`"]);
}

/// A wave in an exponential, told with and without a rule against it.
#[test]
fn formulas_keep_to_the_rules_for_operations() {
    let folder = Folder::new();
    let row = |i: u32| {
        let x = 0.1 * f64::from(i);
        format!("{x},{}\n", (2.0 * x).sin().exp())
    };
    folder.file("waves.csv", &format!("x,height\n{}", (0..40).map(row).collect::<String>()));
    let begin = ["symreg", "waves.csv", "--target", "height", "--generations", "2", "--json"];
    let with = |more: &[&str]| folder.vecfield(&[&begin[..], more].concat());
    let best = |more: &[&str]| with(more).json()["best"].clone();
    let free = best(&[]);
    assert_eq!((free["expression"].as_str(), free["complexity"].as_u64()), (Some("exp(sin(2*x))"), Some(5)));
    let dear = best(&["--complexity", "sin: 3; exp: 2"]);
    assert_eq!((dear["expression"].as_str(), dear["complexity"].as_u64()), (Some("exp(sin(2*x))"), Some(8)));
    for rule in [["--nested", "sin in exp: 0"], ["--arguments", "exp: 2"]] {
        assert_ne!(best(&rule)["expression"], free["expression"]);
    }
    with(&["--complexity", "sine: 3"]).failed(2, &["--complexity", "sine", "sin"]);
    with(&["--nested", "sin: 0"]).failed(2, &["--nested", "`exp in exp: 0`"]);
    with(&["--arguments", "^: 1"]).failed(2, &["--arguments", "`^: any, 1`"]);
}

/// Where standard error is no terminal nothing is drawn there.
#[test]
fn a_search_that_nobody_watches_draws_nothing() {
    let folder = Folder::new();
    folder.file("decay.csv", &decay());
    let command = ["symreg", "decay.csv", "--target", "y", "--operators", "+,*,exp", "--generations", "12"];
    let ran = folder.vecfield(&command);
    assert!(ran.status == Some(0) && ran.err.is_empty(), "{}", ran.err);
}

#[test]
fn threads_and_the_order_of_rows_change_nothing() {
    let folder = Folder::new();
    let text = decay();
    let (header, rows) = text.split_once('\n').unwrap();
    let turned: Vec<&str> = rows.lines().rev().collect();
    folder.file("decay.csv", &text);
    folder.file("turned.csv", &format!("{header}\n{}\n", turned.join("\n")));
    let front = |file: &str, threads: &str| {
        let few = ["--operators", "+,*,exp", "--generations", "24", "--seed", "5", "--max-size", "16"];
        let command = [&["symreg", file, "--target", "y", "--threads", threads, "--json"], &few[..]].concat();
        folder.vecfield(&command).json()["front"].clone()
    };
    let one = front("decay.csv", "1");
    assert_eq!(one, front("decay.csv", "2"));
    assert_eq!(one, front("turned.csv", "2"));
}

#[test]
fn wrong_input_is_named() {
    let folder = Folder::new();
    folder.file("planets.csv", PLANETS);
    folder.vecfield(&["symreg", "planets.csv", "--target", "perod"]).failed(2, &["--target", "`period`"]);
    let operators = ["symreg", "planets.csv", "--target", "period", "--operators", "+,sine"];
    folder.vecfield(&operators).failed(2, &["--operators", "`sine`"]);
    folder.vecfield(&["symreg", "planets.csv", "--target", "period", "--max-size", "0"]).failed(2, &["--max-size"]);
    folder.file("two.csv", "x,y\n1,2\n2,3\n");
    folder.vecfield(&["symreg", "two.csv", "--target", "y"]).failed(2, &["two.csv", "2 complete rows"]);
}
