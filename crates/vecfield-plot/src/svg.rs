//! Writing well-formed SVG: every attribute and text is escaped here and nowhere else.

use std::fmt::Write as _;

/// An attribute's value.
#[derive(Clone, Copy)]
pub(crate) enum Value<'a> {
    Text(&'a str),
    Number(f64),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl From<f64> for Value<'_> {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

/// A document under construction.
#[derive(Default)]
pub(crate) struct Svg {
    out: String,
    open: Vec<&'static str>,
}

impl Svg {
    /// Starts an element that will have children; [`Svg::close`] ends it.
    pub(crate) fn open(&mut self, name: &'static str, attributes: &[(&str, Value<'_>)]) {
        self.start(name, attributes);
        self.out.push('>');
        self.open.push(name);
    }

    /// Ends the innermost open element.
    pub(crate) fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            let _ = write!(self.out, "</{name}>"); // writing to a String cannot fail
        }
    }

    /// An element without children.
    pub(crate) fn leaf(&mut self, name: &'static str, attributes: &[(&str, Value<'_>)]) {
        self.start(name, attributes);
        self.out.push_str("/>");
    }

    /// An element that holds only text.
    pub(crate) fn text(&mut self, name: &'static str, attributes: &[(&str, Value<'_>)], text: &str) {
        self.start(name, attributes);
        self.out.push('>');
        escape_into(text, &mut self.out);
        let _ = write!(self.out, "</{name}>");
    }

    /// Text that is already SVG or CSS of this crate.
    pub(crate) fn raw(&mut self, markup: &str) {
        self.out.push_str(markup);
    }

    pub(crate) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.out
    }

    fn start(&mut self, name: &str, attributes: &[(&str, Value<'_>)]) {
        self.out.push('<');
        self.out.push_str(name);
        for (key, value) in attributes {
            let _ = write!(self.out, " {key}=\"");
            match value {
                Value::Text(text) => escape_into(text, &mut self.out),
                Value::Number(number) => push_number(*number, &mut self.out),
            }
            self.out.push('"');
        }
    }
}

/// Path data: a polyline through `points`, closed or not.
pub(crate) fn path_data(points: &[[f64; 2]], closed: bool) -> String {
    let mut data = String::with_capacity(points.len() * 11 + 2);
    for (i, [x, y]) in points.iter().enumerate() {
        data.push(match i {
            0 => 'M',
            1 => 'L',
            _ => ' ',
        });
        push_number(*x, &mut data);
        data.push(' ');
        push_number(*y, &mut data);
    }
    if closed {
        data.push('Z');
    }
    data
}

/// Two decimals at most: a hundredth of a unit is invisible, and files stay small.
pub(crate) fn push_number(value: f64, out: &mut String) {
    let value = if value.is_finite() { value.clamp(-1e5, 1e5) } else { 0.0 };
    let at = out.len();
    let _ = write!(out, "{value:.2}");
    let kept = out.trim_end_matches('0').trim_end_matches('.').len();
    out.truncate(kept);
    if &out[at..] == "-0" {
        out.truncate(at);
        out.push('0');
    }
}

/// XML's five, and characters that XML 1.0 cannot hold at all replaced by U+FFFD.
fn escape_into(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
}

/// The width of `text` at `size`, estimated from the usual proportions of a sans-serif face: SVG has no way to ask.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    let em = |c: char| match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | 'I' | ' ' | '·' => 0.29,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '-' | '/' | '⁻' | '¹' | '²' | '³' => 0.36,
        '\u{202f}' => 0.2,
        'm' | 'w' | 'M' | 'W' | '%' | '—' => 0.88,
        'A'..='Z' => 0.68,
        c if (c as u32) > 0x2e80 => 1.0,
        _ => 0.56,
    };
    text.chars().map(em).sum::<f64>() * size
}

/// `text` cut to `width`, with an ellipsis if anything went.
pub(crate) fn fitted(text: &str, size: f64, width: f64) -> String {
    if text_width(text, size) <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        if text_width(&kept, size) + 0.9 * size > width {
            kept.pop();
            break;
        }
    }
    kept.trim_end().to_owned() + "…"
}
