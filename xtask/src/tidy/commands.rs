//! Commands that the documents name exist, and so do the files they are given.

use super::Finding;
use crate::flags;
use crate::workspace::File;

/// Cargo's own verbs that a document may use.
const CARGO: &[&str] = &["add", "bench", "build", "clippy", "doc", "fmt", "install", "run", "test", "xtask"];
/// Fenced blocks that hold commands.
const SHELLS: &[&str] = &["", "sh", "bash", "console"];

/// A command line that a document shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    /// The document and the line, as `README.md:12`.
    pub place: String,
    /// Program first. `cargo run --release -- solve a.toml` stands here as `vecfield solve a.toml`.
    pub words: Vec<String>,
    /// In a block of its own rather than amid a sentence: whole, and ready to be typed.
    pub is_whole: bool,
}

impl Command {
    fn new(place: &str, text: &str, is_whole: bool) -> Option<Self> {
        let words = words(text);
        let program = words.first().map(String::as_str);
        let runs = program == Some("cargo") && words.get(1).is_some_and(|verb| verb == "run");
        let words = match words.iter().position(|word| word == "--") {
            Some(at)
                if runs
                    && !words[..at].iter().any(|word| word == "--example" || word == "-p" || word == "--package") =>
            {
                std::iter::once("vecfield".to_owned()).chain(words[at + 1..].iter().cloned()).collect()
            }
            _ if matches!(program, Some("cargo" | "vecfield")) => words,
            _ => return None,
        };
        Some(Self { place: place.into(), words, is_whole })
    }

    pub(crate) fn is_vecfield(&self) -> bool {
        self.words[0] == "vecfield"
    }

    /// The verb after the program; `None` where a placeholder or a flag stands there.
    pub(crate) fn verb(&self) -> Option<&str> {
        self.words
            .get(1)
            .map(String::as_str)
            .filter(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-'))
    }

    /// What follows `--out`; of `vecfield examples NAME` without one, the name.
    pub(crate) fn written_folder(&self) -> Option<&str> {
        let at = match self.words.iter().position(|word| word == "--out") {
            Some(at) => at + 1,
            None if self.is_vecfield() && self.verb() == Some("examples") => 2,
            None => return None,
        };
        self.words.get(at).map(String::as_str)
    }
}

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let commands: Vec<Command> = files.iter().filter(|file| file.path.ends_with(".md")).flat_map(commands_in).collect();
    let subcommands = subcommands(files);
    let written: Vec<&str> = commands.iter().filter_map(Command::written_folder).collect();
    let mut findings = Vec::new();
    for command in &commands {
        findings.extend(unknown_verb(command, &subcommands).map(|what| Finding::new(&command.place, what)));
        for path in command.words.iter().filter(|word| command.is_whole && looks_like_a_file(word)) {
            let folder = format!("{path}/");
            let exists = files.iter().any(|file| file.path == *path || file.path.starts_with(&folder));
            let is_written = written
                .iter()
                .any(|out| path == out || path.strip_prefix(out).is_some_and(|rest| rest.starts_with('/')));
            if !exists && !is_written {
                let what = format!("`{path}` is neither in the tree nor written by an earlier `--out`");
                findings.push(Finding::new(&command.place, what));
            }
        }
    }
    for verb in subcommands.iter().filter(|verb| *verb != "help") {
        if !commands.iter().any(|command| command.is_vecfield() && command.verb() == Some(verb)) {
            findings.push(Finding::new("docs", format!("no document shows `vecfield {verb}`")));
        }
    }
    findings
}

/// The command lines of a document: those in fenced shell blocks, and those in code spans.
pub(crate) fn commands_in(document: &File) -> Vec<Command> {
    let mut commands = Vec::new();
    let mut fence: Option<bool> = None; // inside a block; true: a shell's
    let mut continued = String::new();
    for (index, line) in document.text.lines().enumerate() {
        let place = format!("{}:{}", document.path, index + 1);
        if let Some(info) = line.trim_start().strip_prefix("```") {
            fence = if fence.is_none() { Some(SHELLS.contains(&info.trim())) } else { None };
        } else if fence == Some(true) {
            let line = line.trim().trim_start_matches("$ ");
            if let Some(start) = line.strip_suffix('\\') {
                continued.push_str(start);
            } else {
                commands.extend(Command::new(&place, &format!("{continued}{line}"), true));
                continued.clear();
            }
        } else if fence.is_none() {
            let spans = line.split('`').skip(1).step_by(2);
            commands.extend(spans.filter_map(|span| Command::new(&place, span, false)));
        }
    }
    commands
}

/// The words of a command line up to a comment, a pipe or a redirection; quotes hold words together.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut word, mut quote) = (None::<String>, None);
    for c in text.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '"' | '\'') => (quote, word) = (Some(c), Some(word.unwrap_or_default())),
            (None, '#' | '|' | '>' | '&' | ';') if word.is_none() => break,
            (None, _) if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// Why the verb of a command is not one that works.
fn unknown_verb(command: &Command, subcommands: &[String]) -> Option<String> {
    let verb = command.verb()?;
    if command.is_vecfield() {
        let known = subcommands.iter().any(|known| known == verb);
        return (!known).then(|| format!("`vecfield {verb}` does not exist; there are: {}", subcommands.join(", ")));
    }
    if !CARGO.contains(&verb) {
        return Some(format!("`cargo {verb}` is not a verb that a fresh machine has"));
    }
    if verb == "xtask" && command.words.len() > 2 {
        let arguments = command.words[2..].iter().map(Into::into).collect();
        return flags::Xtask::from_vec(arguments).err().map(|error| error.to_string());
    }
    None
}

fn looks_like_a_file(word: &str) -> bool {
    let has_extension = [".csv", ".toml", ".md", ".rs", ".py", ".json", ".html"].iter().any(|end| word.ends_with(end));
    has_extension && !word.starts_with('-') && !word.contains("..")
}

/// The sub-commands of the program: the variants of the enum that derives `Subcommand`, as clap spells them.
fn subcommands(files: &[File]) -> Vec<String> {
    let cli = files.iter().filter(|file| file.path.starts_with("crates/vecfield-cli/src/"));
    let mut found: Vec<String> =
        cli.flat_map(|file| subcommand_variants(&file.text)).map(|name| kebab(&name)).collect();
    if !found.is_empty() {
        found.push("help".into());
    }
    found
}

fn subcommand_variants(text: &str) -> Vec<String> {
    let is_derive = |line: &str| line.trim_start().starts_with("#[derive(") && line.contains("Subcommand");
    let body = text.lines().skip_while(|line| !is_derive(line)).skip_while(|line| !line.contains("enum ")).skip(1);
    let variants = body
        .take_while(|line| !line.starts_with('}'))
        .filter(|line| line.starts_with("    ") && !line.starts_with("     "));
    let names = variants.map(|line| line.trim().split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default());
    names.filter(|name| name.starts_with(|c: char| c.is_ascii_uppercase())).map(Into::into).collect()
}

fn kebab(name: &str) -> String {
    let mut text = String::new();
    for (at, c) in name.char_indices() {
        if c.is_ascii_uppercase() && at > 0 {
            text.push('-');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.into(), text: text.into() }
    }

    fn cli() -> File {
        let text = "#[derive(clap::Subcommand)]\nenum Command {\n    /// Solves.\n    Solve(Solve),\n    Examples(E),\n    TwoWords {\n        Field: u8,\n    },\n}\nfn Other() {}\n";
        file("crates/vecfield-cli/src/main.rs", text)
    }

    fn findings(document: &str) -> Vec<String> {
        let rest = file("docs/b.md", "`vecfield solve`, `vecfield two-words`, `vecfield examples`");
        let files = [file("README.md", document), rest, cli(), file("data/a.csv", "")];
        check(&files).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn subcommands_are_read_from_the_program() {
        assert_eq!(subcommands(&[cli()]), ["solve", "examples", "two-words", "help"]);
    }

    #[test]
    fn commands_are_found_where_they_are_shown() {
        let text = "Run `vecfield solve` or `cargo xtask ci`, `other x`.\n```sh\n$ vecfield solve a.toml --t \"0, 1\" | head # why\ncargo run --release -- solve \\\n  b.toml\n```\n```text\nvecfield lost\n```\n";
        let commands = commands_in(&file("README.md", text));
        let lines: Vec<String> = commands.iter().map(|command| command.words.join(" ")).collect();
        let expected = ["vecfield solve", "cargo xtask ci", "vecfield solve a.toml --t 0, 1", "vecfield solve b.toml"];
        assert_eq!(lines, expected);
        assert_eq!(commands[3].place, "README.md:5");
    }

    #[test]
    fn unknown_verbs_are_found() {
        assert_eq!(
            findings("`vecfield solve`, `vecfield CMD --help`, `vecfield --help`, `cargo test`, `cargo xtask tidy`")
                .len(),
            0
        );
        assert!(findings("`vecfield solv`")[0].contains("there are: solve, examples, two-words, help"));
        assert_eq!(findings("`cargo xtask tidi`").len(), 1);
        assert_eq!(findings("`cargo xtask docs --chek`").len(), 1);
        assert_eq!(findings("`cargo nextest`").len(), 1);
        assert_eq!(findings("```\ncargo run --release -- solv data/a.csv\n```").len(), 1);
    }

    #[test]
    fn every_subcommand_is_documented() {
        let found = check(&[file("README.md", "`vecfield solve`, `vecfield examples`"), cli()]);
        assert_eq!(
            found.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["docs: no document shows `vecfield two-words`"]
        );
    }

    #[test]
    fn missing_files_are_found() {
        assert_eq!(findings("```\nvecfield solve data/a.csv --out found\nvecfield solve found/b.toml\n```").len(), 0);
        assert_eq!(findings("```\nvecfield examples b\nvecfield solve b/b.toml\n```").len(), 0);
        assert!(findings("```\nvecfield solve data/b.csv\n```")[0].contains("`data/b.csv`"));
        assert_eq!(findings("```\nvecfield solve foundling/b.toml\n```").len(), 1);
    }
}
