//! `vecfield examples`: the gallery, which travels inside the program.

mod gallery;

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use vecfield_expr::nearest_name;
use vecfield_io::{OutputDir, Overwrite};

use crate::context::Context;
use crate::failure::Failure;
use crate::layout::table;
use gallery::{Example, GALLERY};

const EXAMPLES: &str = "Examples:
  vecfield examples                          what there is
  vecfield examples lorenz --out .           here, rather than in a folder lorenz
  vecfield examples --json                   with the files of each

Try it:
  vecfield examples lorenz
  vecfield solve lorenz/lorenz.toml";

/// Arguments of `vecfield examples`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Which one; all are listed if none is named
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Write its files to this folder; one of its name unless said
    #[arg(long, value_name = "DIR", requires = "name")]
    out: Option<PathBuf>,
    /// Replace files of those names that say something else
    #[arg(long, requires = "name")]
    force: bool,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<(), Failure> {
    match &arguments.name {
        None => context.result(&Listing::of_all(), Listing::to_text),
        Some(name) => {
            let example = named(name)?;
            let folder = arguments.out.clone().unwrap_or_else(|| example.name.into());
            let overwrite = if arguments.force { Overwrite::Allowed } else { Overwrite::Never };
            context.result(&Written::write(example, &folder, overwrite)?, Written::to_text)
        }
    }
}

/// What the gallery has.
#[derive(Serialize)]
struct Listing {
    examples: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    name: &'static str,
    shows: &'static str,
    files: Vec<&'static str>,
    /// To be typed in the folder of the files.
    command: String,
}

impl Listing {
    fn of_all() -> Self {
        let entry = |example: &Example| Entry {
            name: example.name,
            shows: example.shows,
            files: example.files.iter().map(|(name, _)| *name).collect(),
            command: example.command_in(Path::new(".")),
        };
        Self { examples: GALLERY.iter().map(entry).collect() }
    }

    fn to_text(&self) -> String {
        let rows = self.examples.iter().map(|entry| vec![entry.name.into(), entry.shows.into(), entry.command.clone()]);
        let list = table(&["name", "what it shows", "command"], &rows.collect::<Vec<_>>(), &[0, 1, 2]);
        format!("{list}\n`vecfield examples NAME` writes the files of one to a folder NAME, ready for its command.\n")
    }
}

/// An example that now lies in a folder.
#[derive(Serialize)]
struct Written {
    name: &'static str,
    shows: &'static str,
    files: Vec<PathBuf>,
    /// To be typed where the program was run.
    command: String,
}

impl Written {
    /// Files that are there already and say the same stay as they are.
    fn write(example: &Example, folder: &Path, overwrite: Overwrite) -> Result<Self, Failure> {
        let is_missing =
            |(name, text): &&(&str, &str)| std::fs::read_to_string(folder.join(name)).ok().as_deref() != Some(text);
        let missing: Vec<_> = example.files.iter().filter(is_missing).collect();
        let names: Vec<&str> = missing.iter().map(|(name, _)| *name).collect();
        let output = OutputDir::create(folder, &names, overwrite)?;
        for (name, text) in missing {
            output.write(name, |to| to.write_all(text.as_bytes()))?;
        }
        Ok(Self {
            name: example.name,
            shows: example.shows,
            files: example.files.iter().map(|(name, _)| beside(folder, name)).collect(),
            command: example.command_in(folder),
        })
    }

    fn to_text(&self) -> String {
        let files: String = self.files.iter().map(|file| format!("  {}\n", file.display())).collect();
        format!("{}\n\nwritten:\n{files}\nrun it:\n  {}\n", self.shows, self.command)
    }
}

impl Example {
    /// The command line that runs it from where the files lie in `folder`.
    fn command_in(&self, folder: &Path) -> String {
        let word = |word: &&str| match self.files.iter().any(|(name, _)| name == word) {
            true => quoted(&beside(folder, word).to_string_lossy()),
            false => quoted(word),
        };
        let words: Vec<String> = self.command.iter().map(word).collect();
        format!("vecfield {}", words.join(" "))
    }
}

fn named(name: &str) -> Result<&'static Example, Failure> {
    if let Some(example) = GALLERY.iter().find(|example| example.name == name) {
        return Ok(example);
    }
    let nearest = nearest_name(name, GALLERY.iter().map(|example| example.name));
    let hint = nearest.map_or(String::new(), |nearest| format!("did you mean \"{nearest}\"? "));
    Err(Failure::Argument(format!("there is no example \"{name}\"; {hint}`vecfield examples` lists all")))
}

/// A file of `folder`, by a path as short as people write it.
fn beside(folder: &Path, name: &str) -> PathBuf {
    if folder == Path::new(".") { name.into() } else { folder.join(name) }
}

/// A word as a shell wants it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./\\:=,+".contains(c);
    if word.chars().all(is_plain) { word.into() } else { format!("\"{word}\"") }
}
