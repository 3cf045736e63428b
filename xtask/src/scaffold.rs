//! `cargo xtask new`: what CONTRIBUTING's "files to touch" says, done to the files.
//!
//! What comes of it compiles and keeps the laws; its formula is a placeholder for one's own.

pub(crate) mod walk;

use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use xshell::cmd;

use crate::workspace::Workspace;

/// What can be begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An explicit Runge–Kutta method.
    Method,
    /// A layer of networks.
    Layer,
    /// A family of library terms.
    Feature,
}

impl Kind {
    #[cfg(test)]
    const ALL: [Kind; 3] = [Kind::Method, Kind::Layer, Kind::Feature];

    fn named(word: &str) -> anyhow::Result<Kind> {
        match word {
            "method" => Ok(Kind::Method),
            "layer" => Ok(Kind::Layer),
            "feature" => Ok(Kind::Feature),
            _ => bail!("there is no template for a {word}; there are: method, layer, feature"),
        }
    }

    /// The crate that it goes into.
    fn package(self) -> &'static str {
        match self {
            Kind::Method => "vecfield-solvers",
            Kind::Layer => "vecfield-nn",
            Kind::Feature => "vecfield-sindy",
        }
    }

    /// The tests that judge it by its existing.
    fn tests(self) -> &'static [&'static str] {
        match self {
            Kind::Method => &["convergence", "order_conditions"],
            Kind::Layer => &["layers", "descriptions"],
            Kind::Feature => &["library"],
        }
    }

    /// Its row in CONTRIBUTING's table.
    #[cfg(test)]
    fn row(self) -> &'static str {
        match self {
            Kind::Method => "an explicit Runge–Kutta method",
            Kind::Layer => "a layer",
            Kind::Feature => "a family of library terms",
        }
    }
}

/// A file that is written, by its path from the root.
#[derive(Debug, PartialEq, Eq)]
struct Written {
    path: String,
    text: String,
}

pub(crate) fn run(workspace: &Workspace, kind: &str, name: &str) -> anyhow::Result<()> {
    let kind = Kind::named(kind)?;
    let written = apply(&workspace.root, kind, name)?;
    for path in &written {
        println!("wrote {path}");
    }
    let (package, tests) = (kind.package(), kind.tests().join(" "));
    println!("its formula is a placeholder; judge yours by\n  cargo test --package {package} --test it -- {tests}");
    Ok(())
}

/// Writes the files of a new `kind` under `root`, and returns their paths.
fn apply(root: &Path, kind: Kind, name: &str) -> anyhow::Result<Vec<String>> {
    let read = |path: &str| std::fs::read_to_string(root.join(path)).with_context(|| format!("cannot read {path}"));
    let files = files(kind, &Name::new(name)?, &read)?;
    for Written { path, text } in &files {
        std::fs::write(root.join(path), text).with_context(|| format!("cannot write {path}"))?;
    }
    let sh = xshell::Shell::new()?;
    sh.change_dir(root);
    let package = kind.package();
    cmd!(sh, "cargo fmt --package {package}").quiet().run()?;
    Ok(files.into_iter().map(|file| file.path).collect())
}

/// A name as users type it, and as Rust does.
struct Name {
    kebab: String,
    snake: String,
    constant: String,
    camel: String,
}

impl Name {
    fn new(kebab: &str) -> anyhow::Result<Name> {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let begins = kebab.starts_with(|c: char| c.is_ascii_lowercase());
        ensure!(
            begins && kebab.chars().all(is_plain),
            "a name is small letters, digits and `-`, as in my-method; this is {kebab}"
        );
        let snake = kebab.replace('-', "_");
        let camel = kebab.split('-').map(|word| {
            let (first, rest) = word.split_at(word.len().min(1));
            first.to_ascii_uppercase() + rest
        });
        Ok(Name { kebab: kebab.into(), constant: snake.to_ascii_uppercase(), camel: camel.collect(), snake })
    }

    /// A template with the name in its places.
    fn fill(&self, template: &str) -> String {
        let words =
            [("NAME", &self.kebab), ("CONST", &self.constant), ("TYPE", &self.camel), ("FUNCTION", &self.snake)];
        words.iter().fold(template.to_owned(), |text, (word, name)| text.replace(word, name))
    }
}

fn files(kind: Kind, name: &Name, read: &dyn Fn(&str) -> anyhow::Result<String>) -> anyhow::Result<Vec<Written>> {
    match kind {
        Kind::Method => method(name, read),
        Kind::Layer => layer(name, read),
        Kind::Feature => feature(name, read),
    }
}

fn method(name: &Name, read: &dyn Fn(&str) -> anyhow::Result<String>) -> anyhow::Result<Vec<Written>> {
    let Name { snake, constant, .. } = name;
    let own = format!("crates/vecfield-solvers/src/tableau/{snake}.rs");
    ensure!(read(&own).is_err(), "{own} is there already; take another name");
    let table = Edited::of("crates/vecfield-solvers/src/tableau.rs", read)?
        .after_the_last("mod ", &format!("mod {snake};"))?
        .after_the_last("pub use ", &format!("pub use {snake}::{constant};"))?
        .at_the_end_of("pub const ALL: &[&Tableau] = &[", "];", &format!("    &{constant},"))?;
    Ok(vec![Written { path: own, text: name.fill(include_str!("../templates/method.rs")) }, table.done()])
}

fn layer(name: &Name, read: &dyn Fn(&str) -> anyhow::Result<String>) -> anyhow::Result<Vec<Written>> {
    let Name { snake, camel, .. } = name;
    let own = format!("crates/vecfield-nn/src/{snake}.rs");
    ensure!(read(&own).is_err(), "{own} is there already; take another name");
    let front_page = Edited::of("crates/vecfield-nn/src/lib.rs", read)?
        .after_the_last("mod ", &format!("mod {snake};"))?
        .after_the_last("pub use ", &format!("pub use {snake}::{camel};"))?;
    let any = Edited::of("crates/vecfield-nn/src/any.rs", read)?
        .after_the_last("use crate::", &format!("use crate::{snake}::{camel};"))?
        .at_the_end_of("any_layer! {", "}", &format!("    /// [`{camel}`]\n    {camel}({camel}),"))?;
    let instances = Edited::of("crates/vecfield-nn/tests/it/instances.rs", read)?.at_the_end_of(
        "    all.extend([",
        "    ]);",
        &format!("        vecfield_nn::{camel}::new(3).into(),"),
    )?;
    let own = Written { path: own, text: name.fill(include_str!("../templates/layer.rs")) };
    Ok(vec![own, front_page.done(), any.done(), instances.done()])
}

fn feature(name: &Name, read: &dyn Fn(&str) -> anyhow::Result<String>) -> anyhow::Result<Vec<Written>> {
    let Name { kebab, snake, camel, .. } = name;
    let mut library = Edited::of("crates/vecfield-sindy/src/library.rs", read)?
        .before(
            "    /// A formula of the variables, the inputs and `t`.",
            &format!("    /// `exp(-k x)` of every variable, `k` up to this.\n    {camel}(usize),"),
        )?
        .before(
            "            \"custom\" if argument.is_empty()",
            &format!("            \"{kebab}\" => Ok(Family::{camel}(number(1)?)),"),
        )?
        .before(
            "            Family::Custom(text) => {",
            &format!("            Family::{camel}(most) => {snake}(graph, names, *most, &mut features),"),
        )?
        .instead("\"fourier\", \"custom\"]", &format!("\"fourier\", \"{kebab}\", \"custom\"]"))?
        .instead("fourier and custom", &format!("fourier, {kebab} and custom"))?;
    library.text += &name.fill(include_str!("../templates/feature.rs"));
    let help = Edited::of("crates/vecfield-cli/src/commands/sindy.rs", read)?
        .instead("custom:FORMULA, separated", &format!("{kebab}:MOST, custom:FORMULA, separated"))?;
    Ok(vec![library.done(), help.done()])
}

/// A file with lines put in at places that are known by their text.
struct Edited {
    path: &'static str,
    text: String,
}

impl Edited {
    fn of(path: &'static str, read: &dyn Fn(&str) -> anyhow::Result<String>) -> anyhow::Result<Edited> {
        Ok(Edited { path, text: read(path)? })
    }

    fn done(self) -> Written {
        Written { path: self.path.into(), text: self.text }
    }

    fn lost(&self, anchor: &str) -> String {
        format!("{} has no `{anchor}` any more: bring xtask/src/scaffold.rs up to date", self.path)
    }

    /// Puts `line` behind the last of those that begin with `start`.
    fn after_the_last(self, start: &str, line: &str) -> anyhow::Result<Edited> {
        let at = self.text.rfind(&format!("\n{start}")).with_context(|| self.lost(start))? + 1;
        let end = at + self.text[at..].find(";\n").with_context(|| self.lost(start))? + 2;
        Ok(self.put(end, line))
    }

    /// Puts `line` before the line that begins with `anchor`.
    fn before(self, anchor: &str, line: &str) -> anyhow::Result<Edited> {
        let at = self.text.find(&format!("\n{anchor}")).with_context(|| self.lost(anchor))? + 1;
        Ok(self.put(at, line))
    }

    /// Puts `line` before the first line that is `close` after one that is `open`.
    fn at_the_end_of(self, open: &str, close: &str, line: &str) -> anyhow::Result<Edited> {
        let from = self.text.find(&format!("\n{open}\n")).with_context(|| self.lost(open))?;
        let at = from + self.text[from..].find(&format!("\n{close}\n")).with_context(|| self.lost(close))? + 1;
        Ok(self.put(at, line))
    }

    fn instead(mut self, old: &str, new: &str) -> anyhow::Result<Edited> {
        ensure!(self.text.matches(old).count() == 1, self.lost(old));
        self.text = self.text.replace(old, new);
        Ok(self)
    }

    fn put(mut self, at: usize, line: &str) -> Edited {
        self.text.insert_str(at, &format!("{line}\n"));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(path: &str) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path))?)
    }

    /// CONTRIBUTING's row, taken at its word, is what the scaffold touches: as many files, and each by its name.
    #[test]
    fn the_table_names_the_files_that_are_touched() {
        let contributing = tree("CONTRIBUTING.md").unwrap();
        for kind in Kind::ALL {
            let row = format!("| {} | ", kind.row());
            let row =
                contributing.lines().find(|line| line.starts_with(&row)).unwrap_or_else(|| panic!("no row {row}"));
            let files = files(kind, &Name::new("my-toy").unwrap(), &tree).unwrap();
            let count = row.split('|').nth(2).unwrap().trim();
            assert_eq!(count, files.len().to_string(), "{row}");
            for Written { path, .. } in &files {
                let file = path.rsplit('/').next().unwrap().replace("my_toy", "<name>");
                assert!(row.contains(&format!("{file}`")), "{row} does not name {path}");
            }
        }
    }

    #[test]
    fn lines_go_where_they_belong() {
        let read =
            |_: &str| Ok("\nmod a;\nmod b;\n\npub use a::{\n    A,\n};\n\nconst ALL: [\n    A,\n];\n".to_owned());
        let edited = Edited::of("x.rs", &read).unwrap().after_the_last("mod ", "mod c;").unwrap();
        let edited = edited.after_the_last("pub use ", "pub use c::C;").unwrap();
        let edited = edited.at_the_end_of("const ALL: [", "];", "    C,").unwrap();
        let expected =
            "\nmod a;\nmod b;\nmod c;\n\npub use a::{\n    A,\n};\npub use c::C;\n\nconst ALL: [\n    A,\n    C,\n];\n";
        assert_eq!(edited.text, expected);
        assert!(edited.before("fn gone", "x").err().unwrap().to_string().contains("x.rs has no `fn gone`"));
    }

    #[test]
    fn names_are_those_of_users() {
        let name = Name::new("my-toy2").unwrap();
        assert_eq!((&name.snake[..], &name.constant[..], &name.camel[..]), ("my_toy2", "MY_TOY2", "MyToy2"));
        for wrong in ["", "My", "2b", "a_b", "a b"] {
            assert!(Name::new(wrong).is_err(), "{wrong}");
        }
    }
}
