//! Formulas of the book: `$..$` in a line and `$$..$$` on lines of their own become MathML, which every browser sets by
//! itself, with no script and no font from elsewhere.
//!
//! A code span or a fenced block keeps its dollars, and `\$` is one. mdBook asks for this as a preprocessor, in its JSON;
//! `cargo xtask tidy` asks each page first, to name the line of a formula that does not parse.

use std::io::Read as _;

use anyhow::{Context as _, anyhow};
use pulldown_latex::config::DisplayMode;
use pulldown_latex::{Parser, RenderConfig, Storage, push_mathml};
use serde_json::Value;

/// A formula that cannot be set.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// Where it begins, counted from one.
    pub line: usize,
    pub what: String,
}

/// Answers mdBook: the book on standard input comes back with its formulas set.
pub(crate) fn preprocess() -> anyhow::Result<()> {
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input)?;
    let [_context, mut book]: [Value; 2] = serde_json::from_str(&input).context("mdBook sends `[context, book]`")?;
    set_chapters(&mut book)?;
    println!("{book}");
    Ok(())
}

/// Every chapter, whatever mdBook's version nests it in.
fn set_chapters(value: &mut Value) -> anyhow::Result<()> {
    match value {
        Value::Array(items) => items.iter_mut().try_for_each(set_chapters),
        Value::Object(entries) => {
            let place = entries.get("source_path").and_then(Value::as_str).unwrap_or("a page").to_owned();
            if let Some(Value::String(page)) = entries.get_mut("content") {
                *page = typeset(page).map_err(|error| anyhow!("{place}:{}: {}", error.line, error.what))?;
            }
            entries.values_mut().try_for_each(set_chapters)
        }
        _ => Ok(()),
    }
}

/// The page with MathML in place of its formulas.
pub(crate) fn typeset(page: &str) -> Result<String, Unreadable> {
    let mut set = String::with_capacity(page.len());
    let mut at = 0;
    let mut fence: Option<&str> = None;
    while at < page.len() {
        let rest = &page[at..];
        let line = &rest[..rest.find('\n').map_or(rest.len(), |end| end + 1)];
        let is_line_start = at == 0 || page.as_bytes()[at - 1] == b'\n';
        let mark = ["```", "~~~"].into_iter().find(|mark| is_line_start && line.trim_start().starts_with(mark));
        if let Some(mark) = mark.filter(|mark| fence.is_none_or(|open| open == *mark)) {
            fence = if fence.is_none() { Some(mark) } else { None };
        }
        if fence.is_some() || mark.is_some() {
            set.push_str(line);
            at += line.len();
            continue;
        }
        let Some(stop) = line.find(['`', '$', '\\']) else {
            set.push_str(line);
            at += line.len();
            continue;
        };
        set.push_str(&line[..stop]);
        at += stop;
        at += piece(&page[at..], &mut set)
            .map_err(|what| Unreadable { line: 1 + page[..at].matches('\n').count(), what })?;
    }
    Ok(set)
}

/// Passes on what begins with a backtick, a dollar or a backslash; returns its length.
fn piece(rest: &str, set: &mut String) -> Result<usize, String> {
    if let Some(after) = rest.strip_prefix("$$") {
        let formula = after.split_once("$$").ok_or("`$$` is not closed")?.0;
        *set += &mathml(formula, DisplayMode::Block)?;
        return Ok(formula.len() + 4);
    }
    if let Some(after) = rest.strip_prefix('$') {
        let paragraph = after.split("\n\n").next().unwrap_or_default();
        let formula =
            paragraph.split_once('$').ok_or("`$` is not closed in its paragraph; write `\\$` for a dollar")?.0;
        *set += &mathml(formula, DisplayMode::Inline)?;
        return Ok(formula.len() + 2);
    }
    let ticks = rest.len() - rest.trim_start_matches('`').len();
    let span = if ticks > 0 {
        let close = rest[ticks..].find(&rest[..ticks]);
        close.map_or(ticks, |close| close + 2 * ticks)
    } else {
        1 + rest[1..].chars().next().map_or(0, char::len_utf8) // a backslash and what it escapes
    };
    set.push_str(rest[..span].strip_prefix("\\$").map_or(&rest[..span], |_| "$"));
    Ok(span)
}

fn mathml(formula: &str, display_mode: DisplayMode) -> Result<String, String> {
    let storage = Storage::new();
    let errors = Parser::new(formula, &storage).filter_map(Result::err);
    if let Some(error) = errors.map(|error| error.to_string()).next() {
        let first = error.lines().next().unwrap_or_default().to_owned();
        return Err(format!("`{}`: {first}", formula.trim()));
    }
    let mut set = String::new();
    let config = RenderConfig { display_mode, ..RenderConfig::default() };
    push_mathml(&mut set, Parser::new(formula, &storage), config).map_err(|error| error.to_string())?;
    Ok(hidden_from_markdown(&set))
}

/// On one line, and with nothing in it that Markdown or HTML would take for its own.
fn hidden_from_markdown(mathml: &str) -> String {
    let mut plain = mathml.replace("<mo><</mo>", "<mo>&lt;</mo>").replace("<mo>></mo>", "<mo>&gt;</mo>");
    plain = plain.replace("\"minsize", "\" minsize").replace("\"maxsize", "\" maxsize"); // what stands together is no tag to Markdown
    for (sign, entity) in [
        ("\n", " "),
        ("|", "&#124;"),
        ("*", "&#42;"),
        ("_", "&#95;"),
        ("~", "&#126;"),
        ("[", "&#91;"),
        ("]", "&#93;"),
        ("\\", "&#92;"),
    ] {
        plain = plain.replace(sign, entity);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_mathml() {
        let set = typeset("Let $a_1 < b$ be.\n\n$$\n\\frac{dy}{dt} = f\n$$\n").unwrap();
        assert!(set.starts_with("Let <math display=\"inline\"><msub><mi>a</mi>"), "{set}");
        assert!(set.contains("<mo>&lt;</mo>") && set.contains("<math display=\"block\"><mfrac>"), "{set}");
        assert_eq!(set.lines().count(), 3, "a formula is one line: {set}");
    }

    #[test]
    fn code_keeps_its_dollars() {
        for text in ["`$a$` b\n", "``$a` $`` b\n", "```sh\n$ echo $A\n```\nc\n", "~~~\n```\n$\n~~~\n", "\\\\ a `b\n"] {
            assert_eq!(typeset(text).as_deref(), Ok(text));
        }
        assert_eq!(typeset("5 \\$ a").as_deref(), Ok("5 $ a"));
    }

    #[test]
    fn what_cannot_be_set_is_named_with_its_line() {
        for text in ["a\n\n$\\oops$\n", "a\n\n$a\n\nb$\n", "a\n\n$$ a\n", "a\n`$`\n$x^{$\n"] {
            assert_eq!(typeset(text).map_err(|error| error.line), Err(3), "{text:?}");
        }
    }

    #[test]
    fn markdown_sees_no_signs_of_its_own() {
        let set = typeset("| $|a|$ | $[b*c]$ |\n").unwrap();
        assert_eq!(set.matches('|').count(), 3, "{set}");
        assert!(!set.contains(['[', ']', '*']), "{set}");
        assert!(!typeset("$\\Big|x\\Big|$").unwrap().contains("\"m"), "attributes stand apart");
    }

    #[test]
    fn every_chapter_is_set() {
        let chapter = |content: &str, inner: Vec<Value>| serde_json::json!({"Chapter": {"content": content, "source_path": "a.md", "sub_items": inner}});
        let mut book = serde_json::json!({"items": [chapter("$a$", vec![chapter("$b$", vec![])])]});
        set_chapters(&mut book).unwrap();
        assert_eq!(book.to_string().matches("<math").count(), 2);
        let error = set_chapters(&mut serde_json::json!([chapter("$", vec![])])).unwrap_err();
        assert!(error.to_string().starts_with("a.md:1: "), "{error}");
    }
}
