//! Words that may not stand in code, or not everywhere.

use super::Finding;
use super::rust::{Source, has_word};

/// The only crate that may say `unsafe`.
const UNSAFE: &str = "crates/vecfield-kernels";
/// The only library that touches files.
const FILES: &str = "crates/vecfield-io";
/// Programs: they print, and read files and clocks.
const PROGRAMS: &[&str] = &["crates/vecfield-cli", "xtask", "peers", "benches"];

/// Macros of unfinished work. A note to oneself counts as well, wherever it stands.
const UNFINISHED: &[&str] = &["todo!", "unimplemented!", "dbg!"];
const NOTE_TO_SELF: &str = concat!("FIX", "ME");
const PRINTING: &[&str] = &["print!", "println!", "eprint!", "eprintln!"];
/// Of `std`: the outside world, which a library sees only through its arguments.
const OUTSIDE: &[&str] = &["fs", "env", "net", "process"];
const CLOCKS: &[&str] = &["Instant", "SystemTime"];

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut found = |line: usize, what: String| findings.push(Finding::new(format!("{}:{line}", source.path), what));
    for (index, (code, text)) in source.code.lines().zip(source.text.lines()).enumerate() {
        if has_word(code, "unsafe") && source.crate_folder() != UNSAFE {
            found(index + 1, format!("`unsafe` outside {UNSAFE}; move it there behind a safe function"));
        }
        for word in UNFINISHED.iter().filter(|word| has_word(code, word)) {
            found(index + 1, format!("`{word}` is unfinished work; finish it or take it out"));
        }
        if text.contains(NOTE_TO_SELF) {
            found(index + 1, format!("{NOTE_TO_SELF}: mend it, or say in the documentation what is missing"));
        }
    }
    if source.is_in_src() && !PROGRAMS.contains(&source.crate_folder()) {
        for (line, code) in source.lines_before_tests() {
            for what in impurities(code, source.crate_folder() == FILES) {
                found(line, what);
            }
        }
    }
    findings
}

/// What a line of a library must not do: print, read files and environment, look at the clock.
fn impurities(code: &str, may_read_files: bool) -> Vec<String> {
    let mut found = Vec::new();
    for word in PRINTING.iter().filter(|word| has_word(code, word)) {
        found.push(format!("a library does not print (`{word}`); return the text, or call an observer"));
    }
    for module in std_modules(code).filter(|module| OUTSIDE.contains(module) && !(may_read_files && *module == "fs")) {
        found.push(format!(
            "a library does not use `std::{module}`; take what it needs as an argument, or move it to {FILES}"
        ));
    }
    for word in CLOCKS.iter().filter(|word| has_word(code, word)) {
        found.push(format!("a library does not read the clock (`{word}`); count work, or ask the caller's observer"));
    }
    found
}

/// The modules of `std` that a line names: `fs` in `std::fs::read`, `fs` and `io` in `use std::{fs, io::Read}`.
fn std_modules(code: &str) -> impl Iterator<Item = &str> {
    code.match_indices("std::").flat_map(|(at, prefix)| {
        let rest = &code[at + prefix.len()..];
        let list = rest.strip_prefix('{').map_or(rest, |inside| inside.split('}').next().unwrap_or(inside));
        let is_list = list.len() != rest.len();
        let entries = list.split(',').take(if is_list { usize::MAX } else { 1 });
        entries.map(|entry| entry.trim().split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::File;

    fn findings(path: &str, text: &str) -> Vec<String> {
        check(&Source::new(&File { path: path.into(), text: text.into() })).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn unsafe_stays_in_the_kernels() {
        let text = "// unsafe is a word here\nunsafe { f() }\n";
        assert_eq!(findings("crates/vecfield-kernels/src/lib.rs", text).len(), 0);
        let elsewhere = findings("crates/vecfield-expr/tests/laws.rs", text);
        assert_eq!(elsewhere.len(), 1);
        assert!(elsewhere[0].starts_with("crates/vecfield-expr/tests/laws.rs:2: `unsafe`"));
    }

    #[test]
    fn unfinished_work_is_found_anywhere() {
        for word in UNFINISHED {
            assert_eq!(findings("xtask/src/main.rs", &format!("fn f() {{ {word}() }}")).len(), 1, "{word}");
            assert_eq!(findings("xtask/src/main.rs", &format!("// {word} in prose")).len(), 0, "{word}");
        }
        assert_eq!(findings("crates/a/src/lib.rs", &format!("// {NOTE_TO_SELF} later")).len(), 1);
    }

    #[test]
    fn libraries_do_not_print() {
        for word in PRINTING {
            let text = format!("fn f() {{ {word}(\"\") }}");
            assert_eq!(findings("crates/vecfield-data/src/lib.rs", &text).len(), 1, "{word}");
            for free in ["crates/vecfield-cli/src/main.rs", "crates/vecfield-data/examples/a.rs", "xtask/src/main.rs"] {
                assert_eq!(findings(free, &text).len(), 0, "{word} in {free}");
            }
        }
        assert_eq!(findings("crates/a/src/lib.rs", "#[cfg(test)]\nmod tests { fn f() { println!() } }").len(), 0);
    }

    #[test]
    fn libraries_do_not_see_the_outside_world() {
        let library = |text| findings("crates/vecfield-data/src/lib.rs", text).len();
        assert_eq!(library("use std::fs;"), 1);
        assert_eq!(library("use std::{env, fs::File, fmt};"), 2);
        assert_eq!(library("let now = std::time::Instant::now();"), 1);
        assert_eq!(library("use std::{fmt, time::Duration};"), 0);
        assert_eq!(library("use std::fmt; fn f(fs: u8, env: u8) {}"), 0);
        assert_eq!(findings("crates/vecfield-io/src/lib.rs", "use std::fs;").len(), 0);
        assert_eq!(findings("crates/vecfield-io/src/lib.rs", "use std::env;").len(), 1);
    }
}
