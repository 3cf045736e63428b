//! The rows of a CSV file, one at a time: memory is that of one line.
//!
//! Lines are split here rather than by a CSV reader, so that the line number in a message is exact (blank lines and both
//! line ends included) and a binary file without line ends cannot fill the memory. Cells within a line are split by
//! `csv-core`, quotes included.

use std::io::{BufRead, Read};
use std::ops::Range;

use csv_core::ReadRecordResult;

use super::TableError;

/// No table has a longer line: 64 MiB is over two million columns.
const LONGEST_LINE: u64 = 1 << 26;

/// Walks over the rows below the header.
pub(super) struct Rows<R> {
    file: String,
    reader: R,
    columns: Vec<String>,
    /// Number of the line last read, one-based.
    line: u64,
    rows: u64,
    bytes: Vec<u8>,
    cells: Cells,
}

impl<R: BufRead> Rows<R> {
    /// Reads and checks the header.
    pub(super) fn new(file: &str, reader: R) -> Result<Self, TableError> {
        let mut rows = Self {
            file: file.into(),
            reader,
            columns: Vec::new(),
            line: 0,
            rows: 0,
            bytes: Vec::new(),
            cells: Cells::default(),
        };
        if !rows.next_line()? {
            return Err(TableError::Empty { file: rows.file });
        }
        rows.columns = rows.header()?;
        Ok(rows)
    }

    /// Names of the columns.
    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    pub(super) fn into_columns(self) -> Vec<String> {
        self.columns
    }

    /// The line of the current row.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Goes to the next row, past blank lines; false at the end of the file.
    pub(super) fn advance(&mut self) -> Result<bool, TableError> {
        if !self.next_line()? {
            return Ok(false);
        }
        let (found, expected) = (self.cells.len(), self.columns.len());
        if found != expected {
            return Err(TableError::Ragged { file: self.file.clone(), line: self.line, found, expected });
        }
        self.rows += 1;
        Ok(true)
    }

    /// Refuses a table that ended right after its header.
    pub(super) fn require_a_row(&self) -> Result<(), TableError> {
        if self.rows == 0 {
            return Err(TableError::NoRows { file: self.file.clone(), columns: self.columns.join(", ") });
        }
        Ok(())
    }

    /// The text of a cell of the current row.
    pub(super) fn text(&self, column: usize) -> &str {
        self.cells.get(column)
    }

    /// The number in a cell of the current row, NaN when it is empty.
    pub(super) fn number(&self, column: usize) -> Result<f64, TableError> {
        let text = self.text(column);
        if text.is_empty() {
            return Ok(f64::NAN);
        }
        match text.parse::<f64>() {
            Ok(value) if value.is_infinite() => Err(TableError::Infinite {
                file: self.file.clone(),
                line: self.line,
                column: self.columns[column].clone(),
                text: clipped(text),
            }),
            Ok(value) => Ok(value),
            Err(_) => Err(TableError::NotANumber {
                file: self.file.clone(),
                line: self.line,
                column: self.columns[column].clone(),
                text: clipped(text),
            }),
        }
    }

    /// Reads the next line that is not blank into `cells`; false at the end of the file.
    fn next_line(&mut self) -> Result<bool, TableError> {
        loop {
            self.bytes.clear();
            let read = (&mut self.reader).take(LONGEST_LINE).read_until(b'\n', &mut self.bytes);
            let read = read.map_err(|e| TableError::Unreadable { file: self.file.clone(), reason: e.to_string() })?;
            if read == 0 {
                return Ok(false);
            }
            self.line += 1;
            if read as u64 == LONGEST_LINE && self.bytes.last() != Some(&b'\n') {
                return Err(TableError::LongLine { file: self.file.clone(), line: self.line, limit: LONGEST_LINE });
            }
            let text = str::from_utf8(&self.bytes).ok().map(|text| match self.line {
                1 => text.trim_start_matches('\u{feff}'),
                _ => text,
            });
            // A lone carriage return ends lines only in files of the 1990s; inside a line it is as wrong as a NUL.
            let text = text.map(|text| text.trim_end_matches(['\n', '\r']));
            let Some(text) = text.filter(|text| !text.contains(|c: char| c.is_control() && c != '\t')) else {
                return Err(TableError::NotText { file: self.file.clone(), line: self.line });
            };
            if text.trim().is_empty() {
                continue;
            }
            if !self.cells.split(text) {
                return Err(TableError::Quote { file: self.file.clone(), line: self.line });
            }
            return Ok(true);
        }
    }

    /// The column names in the current line.
    fn header(&self) -> Result<Vec<String>, TableError> {
        let file = || self.file.clone();
        let names: Vec<&str> = (0..self.cells.len()).map(|i| self.cells.get(i)).collect();
        let header = || clipped(&names.join(","));
        if let [only] = names[..] {
            let separators = [(';', "semicolons"), ('\t', "tabs"), ('|', "bars"), (' ', "spaces")];
            if let Some((_, separator)) = separators.into_iter().find(|(c, _)| only.contains(*c)) {
                return Err(TableError::Separator { file: file(), separator, header: header() });
            }
        }
        if names.iter().all(|name| name.parse::<f64>().is_ok()) {
            return Err(TableError::NoHeader { file: file(), header: header() });
        }
        let mut seen = std::collections::HashMap::new();
        for (i, name) in names.iter().enumerate() {
            if name.is_empty() {
                return Err(TableError::UnnamedColumn { file: file(), position: i + 1 });
            }
            if let Some(first) = seen.insert(*name, i) {
                let column = clipped(name);
                return Err(TableError::DuplicateColumn { file: file(), column, first: first + 1, second: i + 1 });
            }
        }
        Ok(names.into_iter().map(String::from).collect())
    }
}

/// The cells of one line, without the spaces around them.
#[derive(Default)]
struct Cells {
    text: String,
    bounds: Vec<Range<usize>>,
    quoted: Quoted,
}

impl Cells {
    /// Splits a line; false when a quote is left open.
    fn split(&mut self, line: &str) -> bool {
        self.text.clear();
        self.bounds.clear();
        // Numbers have no quotes, and cutting at commas is five times as fast as reading all of CSV.
        if !line.contains('"') {
            self.text.push_str(line);
            let mut start = 0;
            for (end, _) in line.match_indices(',') {
                self.bounds.push(start..end);
                start = end + 1;
            }
            self.bounds.push(start..line.len());
            return true;
        }
        self.quoted.split(line, &mut self.text, &mut self.bounds)
    }

    fn len(&self) -> usize {
        self.bounds.len()
    }

    fn get(&self, i: usize) -> &str {
        self.text[self.bounds[i].clone()].trim()
    }
}

/// Splits lines that have quotes.
#[derive(Default)]
struct Quoted {
    /// Made when the first quote comes: its tables take microseconds to build.
    reader: Option<csv_core::Reader>,
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Quoted {
    fn split(&mut self, line: &str, cells: &mut String, bounds: &mut Vec<Range<usize>>) -> bool {
        // An open quote: csv-core would silently close it at the end of the line.
        if line.bytes().filter(|b| *b == b'"').count() % 2 == 1 {
            return false;
        }
        // Unquoting never makes text longer, and a line has at most one cell more than it has commas.
        self.text.resize(line.len(), 0);
        self.ends.resize(line.len() + 1, 0);
        let reader = self.reader.get_or_insert_with(csv_core::Reader::new);
        reader.reset();
        let (mut taken, mut written, mut count) = (0, 0, 0);
        loop {
            let (line, text, ends) = (&line.as_bytes()[taken..], &mut self.text[written..], &mut self.ends[count..]);
            let (result, read, wrote, ended) = reader.read_record(line, text, ends);
            (taken, written, count) = (taken + read, written + wrote, count + ended);
            match result {
                // Fed with nothing more, the reader ends the record.
                ReadRecordResult::InputEmpty => continue,
                ReadRecordResult::Record | ReadRecordResult::End => break,
                ReadRecordResult::OutputFull => self.text.resize(2 * self.text.len() + 1, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(2 * self.ends.len() + 1, 0),
            }
        }
        // Cut at quotes and commas, which are no part of another character, UTF-8 stays UTF-8.
        let Ok(text) = str::from_utf8(&self.text[..written]) else { return false };
        cells.push_str(text);
        let starts = [0].iter().chain(&self.ends[..count]);
        bounds.extend(starts.zip(&self.ends[..count]).map(|(&start, &end)| start..end));
        true
    }
}

/// At most forty characters of a text, for a message.
fn clipped(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}..", &text[..end]),
        None => text.into(),
    }
}
