//! Tables of TOML with their places: the one layer between the parser and the meaning of a problem.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{ProblemError, ProblemReason};
use crate::names::did_you_mean;

/// The text of a problem, and what messages call it.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
}

impl Source<'_> {
    pub(super) fn error(&self, span: Range<usize>, reason: impl Into<ProblemReason>) -> ProblemError {
        ProblemError::at(self.file, self.text, span, reason.into())
    }
}

/// A key with its value.
pub(super) struct Entry<'a> {
    pub(super) source: Source<'a>,
    pub(super) key: &'a str,
    /// Where the key stands.
    pub(super) at: Range<usize>,
    /// What messages call the value: the path of the key.
    pub(super) what: String,
    value: &'a Spanned<DeValue<'a>>,
}

/// A table, with the name messages give it.
pub(super) struct Section<'a> {
    source: Source<'a>,
    /// As a message writes it: `[solve]`.
    pub(super) name: String,
    path: String,
    /// Where the table is named.
    pub(super) at: Range<usize>,
    table: &'a DeTable<'a>,
}

impl<'a> Section<'a> {
    /// The whole file.
    pub(super) fn root(source: Source<'a>, table: &'a DeTable<'a>) -> Self {
        Self { source, name: "a problem".into(), path: String::new(), at: 0..0, table }
    }

    /// The entries, in the order of the file.
    pub(super) fn entries(&self) -> Vec<Entry<'a>> {
        let mut entries: Vec<_> = self.table.iter().map(|(key, value)| self.entry(key, value)).collect();
        entries.sort_by_key(|entry| entry.at.start);
        entries
    }

    /// Has it no key at all?
    pub(super) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// The value of one key.
    pub(super) fn get(&self, key: &str) -> Option<Entry<'a>> {
        self.table.get_key_value(key).map(|(key, value)| self.entry(key, value))
    }

    /// Refuses keys that nobody reads.
    pub(super) fn allow(&self, known: &[&str]) -> Result<(), ProblemError> {
        match self.entries().into_iter().find(|entry| !known.contains(&entry.key)) {
            None => Ok(()),
            Some(entry) => {
                let hint = did_you_mean(entry.key, known.iter().copied());
                let (key, known) = (entry.key.into(), known.join(", "));
                let reason = ProblemReason::UnknownKey { table: self.name.clone(), key, hint, known };
                Err(self.source.error(entry.at, reason))
            }
        }
    }

    /// An error about the table as a whole.
    pub(super) fn error(&self, reason: impl Into<ProblemReason>) -> ProblemError {
        self.source.error(self.at.clone(), reason)
    }

    /// A key that must be there.
    pub(super) fn require(&self, key: &'static str, example: &'static str) -> Result<Entry<'a>, ProblemError> {
        self.get(key).ok_or_else(|| {
            let reason = ProblemReason::MissingKey { table: self.name.clone(), key, example };
            self.source.error(self.at.clone(), reason)
        })
    }

    fn entry(&self, key: &'a Spanned<std::borrow::Cow<'a, str>>, value: &'a Spanned<DeValue<'a>>) -> Entry<'a> {
        let (at, key) = (key.span(), key.get_ref().as_ref());
        let what = if self.path.is_empty() { key.into() } else { format!("{}.{key}", self.path) };
        Entry { source: self.source, key, at, what, value }
    }
}

impl<'a> Entry<'a> {
    /// An error about the value.
    pub(super) fn error(&self, reason: impl Into<ProblemReason>) -> ProblemError {
        self.source.error(self.value.span(), reason)
    }

    /// An error about the key.
    pub(super) fn key_error(&self, reason: impl Into<ProblemReason>) -> ProblemError {
        self.source.error(self.at.clone(), reason)
    }

    /// The value as a table.
    pub(super) fn table(&self) -> Result<Section<'a>, ProblemError> {
        match self.value.get_ref() {
            DeValue::Table(table) => Ok(Section {
                source: self.source,
                name: format!("[{}]", self.what),
                path: self.what.clone(),
                at: self.at.clone(),
                table,
            }),
            _ => Err(self.kind("a table")),
        }
    }

    /// The value as a finite number.
    pub(super) fn number(&self) -> Result<f64, ProblemError> {
        number(self.value.get_ref()).filter(|v| v.is_finite()).ok_or_else(|| self.kind("a finite number"))
    }

    /// The value as yes or no.
    pub(super) fn flag(&self) -> Result<bool, ProblemError> {
        match self.value.get_ref() {
            DeValue::Boolean(flag) => Ok(*flag),
            _ => Err(self.kind("true or false")),
        }
    }

    /// The value as a whole number of at least one.
    pub(super) fn count(&self) -> Result<u64, ProblemError> {
        let count = match self.value.get_ref() {
            DeValue::Integer(i) => u64::from_str_radix(i.as_str(), i.radix()).ok().filter(|n| *n > 0),
            _ => None,
        };
        count.ok_or_else(|| self.kind("a whole number of at least 1"))
    }

    /// The value as finite numbers.
    pub(super) fn numbers(&self) -> Result<Vec<f64>, ProblemError> {
        self.items("a list of numbers")?.iter().map(Entry::number).collect()
    }

    /// The values of a list, each as an entry of its own; `expected` says in a message what the list is of.
    pub(super) fn items(&self, expected: &'static str) -> Result<Vec<Entry<'a>>, ProblemError> {
        let DeValue::Array(items) = self.value.get_ref() else { return Err(self.kind(expected)) };
        let item = |(i, value): (usize, &'a Spanned<DeValue<'a>>)| {
            let at = value.span();
            Entry { source: self.source, key: self.key, at, what: format!("{}[{i}]", self.what), value }
        };
        Ok(items.iter().enumerate().map(item).collect())
    }

    /// The value as tables: `[[event]]`.
    pub(super) fn tables(&self) -> Result<Vec<Section<'a>>, ProblemError> {
        let DeValue::Array(items) = self.value.get_ref() else { return Err(self.kind("a list of tables")) };
        let section = |value: &'a Spanned<DeValue<'a>>| match value.get_ref() {
            DeValue::Table(table) => {
                let name = format!("[[{}]]", self.what);
                Ok(Section { source: self.source, name, path: self.what.clone(), at: value.span(), table })
            }
            _ => Err(self.kind("a list of tables")),
        };
        items.iter().map(section).collect()
    }

    /// The value as text.
    pub(super) fn text(&self) -> Result<&'a str, ProblemError> {
        match self.value.get_ref() {
            DeValue::String(text) => Ok(text.as_ref()),
            _ => Err(self.kind("text in quotes")),
        }
    }

    /// The value as a list of texts.
    pub(super) fn texts(&self) -> Result<Vec<String>, ProblemError> {
        let DeValue::Array(items) = self.value.get_ref() else { return Err(self.kind("a list of texts")) };
        let text = |value: &'a Spanned<DeValue<'a>>| match value.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            _ => Err(self.kind("a list of texts")),
        };
        items.iter().map(text).collect()
    }

    /// The value as a number, a table or a text, for keys that take more than one kind.
    pub(super) fn value(&self) -> &'a DeValue<'a> {
        self.value.get_ref()
    }

    /// An error about the part `span` of the text that is the value.
    pub(super) fn error_inside(&self, span: Range<usize>, reason: ProblemReason) -> ProblemError {
        let at = self.value.span();
        let raw = self.source.text.get(at.clone()).unwrap_or_default();
        let inside = match self.value.get_ref() {
            // Without escapes the text stands in the file as it is, and its parts are where they seem to be.
            DeValue::String(text) => raw.find(text.as_ref()).filter(|_| !text.is_empty()),
            _ => None,
        };
        match inside {
            Some(offset) => self.source.error(at.start + offset + span.start..at.start + offset + span.end, reason),
            None => self.source.error(at, reason),
        }
    }

    /// The value is of the wrong kind.
    pub(super) fn kind(&self, expected: &'static str) -> ProblemError {
        let found = match self.value.get_ref() {
            DeValue::String(text) => format!("the text \"{}\"", text.chars().take(40).collect::<String>()),
            DeValue::Integer(i) => i.to_string(),
            DeValue::Float(f) => f.to_string(),
            DeValue::Boolean(b) => b.to_string(),
            DeValue::Datetime(d) => format!("the date {d}"),
            DeValue::Array(_) => "a list".into(),
            DeValue::Table(_) => "a table".into(),
        };
        self.error(ProblemReason::Kind { what: self.what.clone(), expected, found })
    }
}

fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Float(f) => f.as_str().parse().ok(),
        // Beyond 64 bits a decimal integer is still a number.
        DeValue::Integer(i) if i.radix() == 10 => i.as_str().parse().ok(),
        DeValue::Integer(i) => u64::from_str_radix(i.as_str(), i.radix()).ok().map(|n| n as f64),
        _ => None,
    }
}
