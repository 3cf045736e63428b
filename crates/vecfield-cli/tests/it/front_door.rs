//! The first minutes: `vecfield` alone, `--help`, the gallery, completions and the manual.

use std::collections::BTreeSet;
use std::path::Path;

use crate::Folder;

/// The names under `Commands:`.
fn commands(folder: &Folder) -> Vec<String> {
    let help = folder.vecfield(&["--help"]).out;
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.split_whitespace().next().map(String::from));
    let commands: Vec<String> = names.filter(|name| name != "help").collect();
    assert!(commands.len() > 8, "{help}");
    commands
}

/// The lines under `Try it:`, which end a page of help.
fn tried(help: &str) -> Vec<String> {
    let (_, block) = help.rsplit_once("Try it:\n").unwrap_or_else(|| panic!("no `Try it:` in {help}"));
    block.lines().map(|line| line.trim().to_owned()).collect()
}

#[test]
fn alone_it_asks_six_questions_and_answers_them_from_the_gallery() {
    let folder = Folder::new();
    let map = folder.vecfield(&[]);
    assert_eq!(map.status, Some(0));
    let questions = folder.vecfield(&["--json"]).json()["questions"].as_array().unwrap().clone();
    assert_eq!(questions.len(), 6);
    let gallery = folder.vecfield(&["examples", "--json"]).json();
    let answers: Vec<&str> =
        gallery["examples"].as_array().unwrap().iter().map(|example| example["command"].as_str().unwrap()).collect();
    for question in &questions {
        let command = question["command"].as_str().unwrap();
        assert!(map.out.contains(command), "{}", map.out);
        assert!(
            command == "cargo add vecfield" || answers.iter().any(|answer| answer.starts_with(command)),
            "{command} is no command of the gallery"
        );
    }
}

/// The example at the end is the gallery's, or is short enough to be run here.
#[test]
fn help_ends_on_an_example_that_runs() {
    let folder = Folder::new();
    for command in commands(&folder) {
        let lines = tried(&folder.vecfield(&[&command, "--help"]).out);
        assert!(lines.iter().any(|line| line.starts_with(&format!("vecfield {command}"))), "{lines:?}");
        let mut written = String::new();
        for line in &lines {
            let words: Vec<&str> = line.split(' ').skip(1).collect();
            match words[0] {
                "examples" => {
                    let example = folder.vecfield(&["examples", words[1], "--json"]).json();
                    written = example["command"].as_str().unwrap().to_owned();
                }
                "bench" | "completions" | "man" | "solve" => {
                    assert_eq!(folder.vecfield(&words).status, Some(0), "{line}")
                }
                // What `train` wrote is asked for what it was trained on.
                "predict" => assert!(written.ends_with(&format!("--out {}", words[1])), "{line}"),
                _ => assert_eq!(*line, written),
            }
        }
    }
}

/// Every problem and model file of the repository, and each with its data.
#[test]
fn the_gallery_has_every_example() {
    let folder = Folder::new();
    let gallery = folder.vecfield(&["examples", "--json"]).json();
    let mut shown = BTreeSet::new();
    for example in gallery["examples"].as_array().unwrap() {
        let name = example["name"].as_str().unwrap();
        let files: Vec<&str> = example["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect();
        shown.extend(files.iter().map(|file| (*file).to_owned()));
        let written = folder.vecfield(&["examples", name, "--json"]).json();
        for file in &files {
            assert!(example["command"].as_str().unwrap().contains(file), "{name}: the command leaves out {file}");
            assert!(folder.path().join(name).join(file).is_file(), "{name}: {file} was not written");
        }
        assert_eq!(written["files"].as_array().unwrap().len(), files.len());
    }
    let gallery = Path::new(env!("CARGO_MANIFEST_DIR")).join("gallery");
    for folder in ["examples", "examples/train", "examples/pinn", "data"] {
        for entry in gallery.join(folder).read_dir().unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let is_example = name.ends_with(".toml") || name.ends_with(".csv");
            assert!(
                !is_example || shown.contains(&name),
                "{folder}/{name} is in no entry of src/commands/examples/gallery.rs"
            );
        }
    }
}

#[test]
fn examples_are_written_once_and_never_over_something_else() {
    let folder = Folder::new();
    let first = folder.vecfield(&["examples", "lynx-hare-fit"]);
    assert_eq!(first.status, Some(0), "{}", first.err);
    assert!(
        first.out.ends_with("  vecfield fit lynx-hare-fit/lynx-hare.toml lynx-hare-fit/lynx-hare.csv\n"),
        "{}",
        first.out
    );
    assert_eq!(folder.vecfield(&["examples", "lynx-hare-fit"]).status, Some(0), "the same files are there");
    folder.file("lynx-hare-fit/lynx-hare.toml", "mine");
    folder.vecfield(&["examples", "lynx-hare-fit"]).failed(2, &["lynx-hare.toml", "--force"]);
    assert_eq!(folder.vecfield(&["examples", "lynx-hare-fit", "--force"]).status, Some(0));
    let here = folder.vecfield(&["examples", "swing", "--out", "."]);
    assert!(
        here.out.contains("  vecfield sindy swing.csv --control torque --library \"polynomial:1,custom:sin(angle)\"")
    );
    folder.vecfield(&["examples", "lorentz"]).failed(2, &["did you mean \"lorenz\""]);
    folder.vecfield(&["examples", "--out", "here"]).failed(2, &["NAME"]);
}

#[test]
fn every_command_has_a_page_in_the_manual_and_is_completed() {
    let folder = Folder::new();
    assert_eq!(folder.vecfield(&["man", "--out", "pages"]).status, Some(0));
    let script = folder.vecfield(&["completions", "bash"]).out;
    for command in commands(&folder) {
        let page = std::fs::read_to_string(folder.path().join(format!("pages/vecfield-{command}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS") && page.contains("Try it:"), "{page}");
        assert_eq!(folder.vecfield(&["man", &command]).out, page);
        assert!(script.contains(&format!("vecfield__subcmd__{command}")), "{command} is not completed");
    }
    folder.vecfield(&["man", "--out", "pages"]).failed(2, &["--force"]);
    folder.vecfield(&["man", "slove"]).failed(2, &["slove"]);
}
