//! TOML files that are read as values of a caller's type, with the place of whatever is wrong with them.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};

use crate::names::did_you_mean;
use crate::problem::locate;

/// A TOML file with its text, so that what is found wrong later can be said with its place.
///
/// ```
/// use vecfield_io::Document;
///
/// #[derive(serde::Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct Settings { rate: f64 }
///
/// let document = Document::new("model.toml", "rate = 0.1");
/// assert_eq!(document.read::<Settings>()?.rate, 0.1);
/// let refused = document.refuse("rate", "0.1 is too large; give less").to_string();
/// assert!(refused.starts_with("model.toml:1:8: 0.1 is too large"));
///
/// let wrong = Document::new("model.toml", "rat = 0.1").read::<Settings>().err().unwrap().to_string();
/// assert!(wrong.starts_with("model.toml:1:1: there is no key `rat` here (did you mean `rate`?)"), "{wrong}");
/// # Ok::<(), vecfield_io::DocumentError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    file: String,
    text: String,
}

/// Why a TOML file is refused: the place, the reason, and the line with the place marked under it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// The file cannot be read.
    #[error("{file}: cannot read it: {reason}; check the path")]
    Unreadable {
        /// The file.
        file: String,
        /// The system's reason.
        reason: String,
    },
    /// Something in it is wrong.
    #[error("{file}:{line}:{column}: {reason}{picture}")]
    At {
        /// The file.
        file: String,
        /// One-based.
        line: usize,
        /// One-based, in characters.
        column: usize,
        /// What is wrong and what to do.
        reason: String,
        /// The line with the place marked.
        picture: String,
    },
}

/// No file is larger: 64 MiB.
const LARGEST: u64 = 1 << 26;

impl Document {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`DocumentError::Unreadable`].
    pub fn open(path: &Path) -> Result<Document, DocumentError> {
        let file = path.display().to_string();
        let unreadable = |reason: String| DocumentError::Unreadable { file: file.clone(), reason };
        let metadata = std::fs::metadata(path).map_err(|e| unreadable(e.to_string()))?;
        if metadata.is_dir() {
            return Err(unreadable("it is a folder".into()));
        }
        if metadata.len() > LARGEST {
            return Err(unreadable(format!("it is larger than {LARGEST} bytes")));
        }
        let bytes = std::fs::read(path).map_err(|e| unreadable(e.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|_| unreadable("it is not text in UTF-8".into()))?;
        Ok(Document { file, text })
    }

    /// A text; `file` is what messages call it.
    pub fn new(file: impl Into<String>, text: impl Into<String>) -> Document {
        Document { file: file.into(), text: text.into() }
    }

    /// The text as a value.
    ///
    /// # Errors
    ///
    /// What is no TOML, or no such value: [`DocumentError::At`].
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, DocumentError> {
        toml::from_str(&self.text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            self.at(span, plain(error.message()))
        })
    }

    /// An error about the value of the key whose path is `key`, as in `optimizer.batch` or `condition.0.on`; about the table, or the beginning of
    /// the file, where the key is not there.
    pub fn refuse(&self, key: &str, reason: impl fmt::Display) -> DocumentError {
        self.at(self.place(key).unwrap_or(0..0), reason.to_string())
    }

    /// An error about the bytes `inside` of the text, such as a formula, that is the value of a key.
    ///
    /// ```
    /// let document = vecfield_io::Document::new("model.toml", "[equations]\nx = \"2*z\"");
    /// let refused = document.refuse_inside("equations.x", 2..3, "there is no z").to_string();
    /// assert!(refused.starts_with("model.toml:2:8: there is no z"));
    /// ```
    pub fn refuse_inside(&self, key: &str, inside: Range<usize>, reason: impl fmt::Display) -> DocumentError {
        let whole = self.place(key).unwrap_or(0..0);
        let raw = self.text.get(whole.clone()).unwrap_or_default();
        // Without escapes and over one line the text stands in the file as it is, and its parts are where they seem to be.
        let quotes = raw.len() - raw.trim_start_matches(['"', '\'']).len();
        let plain = matches!(quotes, 1 | 2) && (raw.starts_with('\'') || !raw.contains('\\'));
        let span = if plain { whole.start + quotes + inside.start..whole.start + quotes + inside.end } else { whole };
        self.at(span, reason.to_string())
    }

    fn place(&self, key: &str) -> Option<Range<usize>> {
        let document = DeTable::parse(&self.text).ok()?;
        let (mut table, mut list, mut found) = (document.get_ref(), None::<&[_]>, None);
        for name in key.split('.') {
            let value = match list.take() {
                Some(items) => name.parse::<usize>().ok().and_then(|at| items.get(at)),
                None => table.get_key_value(name).map(|(_, value)| value),
            };
            let Some(value) = value else { break };
            found = Some(value.span());
            match value.get_ref() {
                DeValue::Table(inner) => table = inner,
                DeValue::Array(items) => list = Some(items.as_ref()),
                _ => break,
            }
        }
        found
    }

    fn at(&self, span: Range<usize>, reason: String) -> DocumentError {
        let (line, column, picture) = locate(&self.text, span);
        DocumentError::At { file: self.file.clone(), line, column, reason, picture }
    }
}

/// What a deserialiser says, with the nearest name and the remedy.
fn plain(message: &str) -> String {
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match (&names[..], message) {
        ([wrong, known @ ..], message) if message.starts_with("unknown field") => {
            format!(
                "there is no key `{wrong}` here{}; there are {}",
                did_you_mean(wrong, known.iter().copied()),
                known.join(", ")
            )
        }
        ([wrong, known @ ..], message) if message.starts_with("unknown variant") => {
            format!(
                "\"{wrong}\" is no choice here{}; there are {}",
                did_you_mean(wrong, known.iter().copied()),
                known.join(", ")
            )
        }
        ([missing, ..], message) if message.starts_with("missing field") => format!("`{missing}` is missing; add it"),
        _ => kinds(message),
    }
}

/// A message about a value of the wrong kind, in words for people.
fn kinds(message: &str) -> String {
    let split = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
    let Some((found, expected)) = split.and_then(|rest| rest.rsplit_once(", expected ")) else {
        return message.replace('\n', ", ");
    };
    let expected = match expected {
        "f64" => "a number",
        "u64" | "usize" => "a whole number, at least 0",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a string" => "text in quotes",
        other if other.starts_with("struct") => "a table",
        other => other,
    };
    format!("this must be {expected}, but is {found}")
}
