//! Rust source with its comments and texts blanked out, so that a rule about code does not trip over prose.

use crate::workspace::File;

/// A source file, read twice: as it is, and as code alone.
pub(super) struct Source {
    pub path: String,
    pub text: String,
    /// As long as `text` in every line, with blanks for comments and for what stands between quotes.
    pub code: String,
}

impl Source {
    pub(super) fn new(file: &File) -> Self {
        Self { path: file.path.clone(), text: file.text.clone(), code: blank(&file.text) }
    }

    /// Code lines with their numbers, up to the unit tests at the bottom of the file.
    pub(super) fn lines_before_tests(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.code.lines().enumerate().map(|(index, line)| (index + 1, line));
        lines.take_while(|(_, line)| !line.trim_start().starts_with("#[cfg(test)]"))
    }

    /// The folder of the crate: `crates/vecfield-io` for `crates/vecfield-io/src/lib.rs`.
    pub(super) fn crate_folder(&self) -> &str {
        let mut slashes = self.path.match_indices('/').map(|(at, _)| at);
        let end = if self.path.starts_with("crates/") { slashes.nth(1) } else { slashes.next() };
        &self.path[..end.unwrap_or(0)]
    }

    /// Part of the library or program itself: not a test, an example or a benchmark.
    pub(super) fn is_in_src(&self) -> bool {
        self.path[self.crate_folder().len()..].starts_with("/src/")
    }
}

/// Whether `word` stands in `line` with no letter, digit or underscore at either end.
pub(super) fn has_word(line: &str, word: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].chars().next_back().is_some_and(joins) && !line[at + word.len()..].chars().next().is_some_and(joins)
    })
}

fn blank(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = match chars[at] {
            '/' if chars.get(at + 1) == Some(&'/') => line_end(&chars, at),
            '/' if chars.get(at + 1) == Some(&'*') => block_end(&chars, at),
            '"' => text_end(&chars, at),
            'r' if !joins_before(&chars, at) && raw_hashes(&chars, at).is_some() => raw_end(&chars, at),
            '\'' => quote_end(&chars, at),
            _ => at,
        };
        if end == at {
            code.push(chars[at]);
            at += 1;
        } else {
            code.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    code
}

fn joins_before(chars: &[char], at: usize) -> bool {
    at > 0 && (chars[at - 1].is_alphanumeric() && chars[at - 1] != 'b' || chars[at - 1] == '_')
}

fn line_end(chars: &[char], at: usize) -> usize {
    chars[at..].iter().position(|c| *c == '\n').map_or(chars.len(), |length| at + length)
}

fn block_end(chars: &[char], at: usize) -> usize {
    let (mut depth, mut i) = (0, at);
    while i + 1 < chars.len() {
        match (chars[i], chars[i + 1]) {
            ('/', '*') => (depth, i) = (depth + 1, i + 2),
            ('*', '/') if depth == 1 => return i + 2,
            ('*', '/') => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
    }
    chars.len()
}

fn text_end(chars: &[char], at: usize) -> usize {
    let mut i = at + 1;
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    (i + 1).min(chars.len())
}

/// The number of `#` between `r` and the quote of a raw text.
fn raw_hashes(chars: &[char], at: usize) -> Option<usize> {
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    (chars.get(at + 1 + hashes) == Some(&'"')).then_some(hashes)
}

fn raw_end(chars: &[char], at: usize) -> usize {
    let hashes = raw_hashes(chars, at).unwrap_or(0);
    let mut i = at + hashes + 2;
    while i < chars.len() {
        if chars[i] == '"' && chars[i + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes {
            return i + 1 + hashes;
        }
        i += 1;
    }
    chars.len()
}

/// The end of a character literal; `at` itself for a lifetime.
fn quote_end(chars: &[char], at: usize) -> usize {
    match chars.get(at + 1) {
        Some('\\') => chars[at + 3..].iter().position(|c| *c == '\'').map_or(chars.len(), |length| at + 4 + length),
        Some(_) if chars.get(at + 2) == Some(&'\'') => at + 3,
        _ => at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(text: &str) -> String {
        Source::new(&File { path: "crates/a/src/lib.rs".into(), text: text.into() }).code
    }

    #[test]
    fn comments_and_texts_are_blanked() {
        assert_eq!(code_of("a // b\nc").replace(' ', ""), "a\nc");
        assert_eq!(code_of("a /* b /* c */ d */ e").replace(' ', ""), "ae");
        assert_eq!(code_of(r#"f("unsafe \" {") + 1"#).replace(' ', ""), "f()+1");
        assert_eq!(code_of("f(r#\"a \" b\"#, br\"c\") + 1").replace(' ', ""), "f(,b)+1");
        assert_eq!(code_of(r"['\'', '\u{7f}', '{'] &'a x").replace(' ', ""), "[,,]&'ax");
    }

    #[test]
    fn lines_keep_their_numbers() {
        let text = "a\n\"b\nc\"\n/* d\n e */ f\n#[cfg(test)]\nmod tests {}\n";
        let source = Source::new(&File { path: "crates/a/src/lib.rs".into(), text: text.into() });
        assert_eq!(source.code.lines().count(), text.lines().count());
        assert_eq!(source.lines_before_tests().map(|(number, _)| number).last(), Some(5));
    }

    #[test]
    fn the_crate_of_a_file_is_known() {
        let at = |path: &str| Source::new(&File { path: path.into(), text: String::new() });
        assert_eq!(at("crates/a/src/b/c.rs").crate_folder(), "crates/a");
        assert_eq!(at("xtask/src/main.rs").crate_folder(), "xtask");
        assert!(at("crates/a/src/b/c.rs").is_in_src());
        assert!(!at("crates/a/tests/src.rs").is_in_src());
    }

    #[test]
    fn words_are_whole() {
        assert!(has_word("print!(", "print!"));
        assert!(!has_word("eprint!(", "print!"));
        assert!(!has_word("unsafely", "unsafe"));
    }
}
