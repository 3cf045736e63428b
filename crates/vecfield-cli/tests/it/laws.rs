//! What holds for every command line, drawn ones too.

use proptest::prelude::*;
use proptest::sample::select;

use crate::Folder;

const COMMANDS: [&str; 12] = [
    "solve",
    "fit",
    "discover",
    "sindy",
    "symreg",
    "train",
    "pinn",
    "predict",
    "examples",
    "bench",
    "completions",
    "man",
];

/// `x' = -a x`, whose solution is `exp(-a t)`.
const DECAY: &str = "[parameters]\na = 1.0\n[initial]\nx = 1.0\n[equations]\nx = \"-a*x\"\n\
                     [solve]\nt = [0.0, 1.0]\nrtol = 1e-9\natol = 1e-12\n";

/// A word that is no command, spelt near one or like nothing.
fn no_command() -> impl Strategy<Value = String> {
    let near = (select(&COMMANDS[..]), "[a-z]").prop_map(|(name, letter)| format!("{name}{letter}"));
    prop_oneof![near, "[a-z]{2,9}"].prop_filter("a command", |word| !COMMANDS.contains(&&word[..]) && word != "help")
}

proptest! {
    // Each case starts the program.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn an_unknown_command_is_named_with_a_way_out(word in no_command(), json in any::<bool>()) {
        let folder = Folder::new();
        let arguments = if json { vec![&word[..], "--json"] } else { vec![&word[..]] };
        folder.vecfield(&arguments).failed(2, &[&format!("'{word}'"), "Usage: vecfield", "--help"]);
    }

    /// No flag has an `x` and a `q` in its name.
    #[test]
    fn an_unknown_flag_is_named_with_a_way_out(command in select(&COMMANDS[..]), flag in "--[a-z]{1,5}xq[a-z]{0,3}") {
        let folder = Folder::new();
        folder.vecfield(&[command, &flag]).failed(2, &[&format!("'{flag}'"), "--help"]);
    }

    #[test]
    fn a_name_that_is_not_in_the_gallery_is_told_where_to_look(name in "[a-z]{3,12}x") {
        let folder = Folder::new();
        folder.vecfield(&["examples", &name]).failed(2, &[&name, "`vecfield examples` lists all"]);
        prop_assert!(folder.path().read_dir().unwrap().next().is_none(), "nothing is written");
    }

    /// The numbers of `--json` are those of the solution, in full; flags of every command stand before it or behind it; quiet or not, on
    /// one thread or two, the result is the same to the bit, and quiet there is nothing else.
    #[test]
    fn a_result_is_the_same_however_it_is_asked_for(
        a in 0.1..3.0_f64, end in 0.5..4.0_f64, saves in 2..6_usize, threads in 1..3_usize,
    ) {
        let folder = Folder::new();
        folder.file("decay.toml", DECAY);
        let times: Vec<String> = (0..saves).map(|k| (end * (k as f64 / (saves - 1) as f64)).to_string()).collect();
        let (set, span, save) = (format!("a={a}"), format!("0,{end}"), times.join(","));
        let solve = ["solve", "decay.toml", "--set", &set, "--t", &span, "--save", &save];
        let threads = threads.to_string();
        let behind = folder.vecfield(&[&solve[..], &["--json", "--quiet", "--threads", &threads]].concat());
        let before = folder.vecfield(&[&["--threads", &threads, "--quiet", "--json"], &solve[..]].concat());
        let loud = folder.vecfield(&[&solve[..], &["--json"]].concat());
        prop_assert_eq!((&behind.err[..], &before.err[..]), ("", ""));
        let mut results = [behind.json(), before.json(), loud.json()];
        for (time, y) in times.iter().zip(results[0]["y"].as_array().unwrap()) {
            let exact = (-a * time.parse::<f64>().unwrap()).exp();
            prop_assert!((y[0].as_f64().unwrap() - exact).abs() < 1e-7, "{y} is not {exact} at {time}");
        }
        prop_assert_eq!(results[0]["y"].as_array().unwrap().len(), saves);
        for result in &mut results {
            // How long it took is no result.
            result["stats"].as_object_mut().unwrap().remove("seconds").unwrap();
        }
        prop_assert_eq!(&results[0], &results[1]);
        prop_assert_eq!(&results[0], &results[2]);
    }
}

/// Every command that is done in a moment: one JSON object under `--json`, and nothing on standard error under `--quiet`.
#[test]
fn json_is_one_object_and_quiet_is_quiet() {
    let folder = Folder::new();
    folder.file("decay.toml", DECAY);
    let rows: String =
        (0..40).map(|k| format!("{t},{x}\n", t = 0.1 * f64::from(k), x = (-0.1 * f64::from(k)).exp())).collect();
    folder.file("rows.csv", &format!("t,x\n{rows}"));
    for arguments in [
        &[][..],
        &["examples"],
        &["examples", "lorenz"],
        &["solve", "decay.toml"],
        &["solve", "decay.toml", "--gradient", "x"],
        &["fit", "decay.toml", "rows.csv"],
        &["sindy", "rows.csv", "--library", "polynomial:2"],
    ] {
        let ran = folder.vecfield(&[arguments, &["--json", "--quiet"]].concat());
        assert!(ran.json().is_object(), "{arguments:?}: {}", ran.out);
        assert_eq!((&ran.err[..], ran.out.lines().count()), ("", 1), "{arguments:?}");
        let ran = folder.vecfield(&[arguments, &["--quiet"]].concat());
        assert_eq!((ran.status, &ran.err[..]), (Some(0), ""), "{arguments:?}");
        assert!(!ran.out.is_empty() && !ran.out.starts_with('{'), "{arguments:?}: {}", ran.out);
    }
}
