//! Files and functions that have grown long: a second idea may hide in them.

use super::Finding;
use super::rust::Source;

/// In lines: from the first a note is given, from the second the change is refused.
const FILE: (usize, usize) = (400, 800);
const FUNCTION: (usize, usize) = (60, 200);

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let lines = source.text.lines().filter(|line| !is_table_row(line)).count();
    let mut findings: Vec<Finding> =
        judge(source.path.clone(), "file", lines, FILE, "split it by concept").into_iter().collect();
    for function in functions(&source.code) {
        let place = format!("{}:{}", source.path, function.line);
        let what = format!("function `{}`", function.name);
        findings.extend(judge(place, &what, function.length, FUNCTION, "name its parts"));
    }
    findings
}

/// Numbers alone. A table of coefficients is one idea, however long.
fn is_table_row(line: &str) -> bool {
    line.contains(|c: char| c.is_ascii_digit())
        && !line.contains(|c: char| c.is_alphabetic() && !matches!(c, 'e' | 'E'))
}

fn judge(place: String, what: &str, length: usize, (note, limit): (usize, usize), remedy: &str) -> Option<Finding> {
    if length > limit {
        Some(Finding::new(place, format!("{what} has {length} lines, more than {limit}; {remedy}")))
    } else if length > note {
        Some(Finding::advice(place, format!("{what} has {length} lines; above {note}, look for a second idea")))
    } else {
        None
    }
}

struct Function<'a> {
    name: &'a str,
    line: usize,
    length: usize,
}

/// Every function with a body, nested ones too.
fn functions(code: &str) -> Vec<Function<'_>> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        if code[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + 3..];
        let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
        if name.is_empty() {
            continue; // a function pointer type
        }
        if let Some(length) = body_end(rest) {
            let line = 1 + code[..at].matches('\n').count();
            found.push(Function { name, line, length: 1 + rest[..length].matches('\n').count() });
        }
    }
    found
}

/// The offset past the closing brace of a function whose text begins at its name; `None` for a signature alone.
fn body_end(rest: &str) -> Option<usize> {
    let (mut braces, mut brackets) = (0, 0);
    for (at, c) in rest.char_indices() {
        match c {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets -= 1,
            '{' => braces += 1,
            '}' if braces == 1 && brackets == 0 => return Some(at + 1),
            '}' => braces -= 1,
            ';' if braces == 0 && brackets == 0 => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::File;

    fn findings(text: &str) -> Vec<Finding> {
        check(&Source::new(&File { path: "crates/a/src/lib.rs".into(), text: text.into() }))
    }

    fn function_of(lines: usize) -> String {
        format!("fn long(x: [u8; 3]) -> u8 {{\n{}}}\n", "    step();\n".repeat(lines - 2))
    }

    #[test]
    fn long_functions_are_noted_then_refused() {
        assert_eq!(findings(&function_of(60)), []);
        let noted = findings(&function_of(61));
        assert!(noted[0].is_advice && noted[0].what.contains("`long` has 61 lines"), "{noted:?}");
        assert!(!findings(&function_of(201))[0].is_advice);
    }

    #[test]
    fn long_files_are_noted_then_refused() {
        assert_eq!(findings(&"const A: u8 = 0;\n".repeat(400)), []);
        assert!(findings(&"const A: u8 = 0;\n".repeat(401))[0].is_advice);
        assert!(!findings(&"const A: u8 = 0;\n".repeat(801))[0].is_advice);
    }

    #[test]
    fn tables_of_numbers_do_not_count() {
        assert_eq!(findings(&"    1.0 / 6.0, -2.5e-3, [0.0, 1.0],\n".repeat(2000)), []);
        assert_eq!(findings(&"    let h = 1.0;\n".repeat(2000)).len(), 1);
        assert_eq!(findings(&"\n".repeat(2000)).len(), 1);
    }

    #[test]
    fn a_signature_has_no_length() {
        let code = format!("trait A {{\n    fn f(&self);\n{}}}\ntype F = fn (u8);\n", "\n".repeat(300));
        assert_eq!(functions(&code).len(), 0);
        let braces_in_text =
            Source::new(&File { path: "a.rs".into(), text: "fn f() {\n g(\"{\");\n}\nfn h() {}\n".into() });
        let lengths: Vec<usize> = functions(&braces_in_text.code).iter().map(|f| f.length).collect();
        assert_eq!(lengths, [3, 1]);
    }
}
