//! [`Lexer`]: a text as tokens, one ahead, each with its byte span.

use core::ops::Range;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Token<'a> {
    Number(f64),
    Name(&'a str),
    Plus,
    Minus,
    Star,
    Slash,
    Caret,
    Open,
    Close,
    Comma,
    Greater,
    Less,
    /// The end of the text.
    End,
    /// Digits that are no number, such as `1.2.3` or one beyond the range of a double.
    Malformed,
    /// A character of no formula.
    Character(char),
}

pub(crate) struct Lexer<'a> {
    text: &'a str,
    token: Token<'a>,
    span: Range<usize>,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Lexer<'a> {
        let mut lexer = Lexer { text, token: Token::End, span: 0..0 };
        lexer.advance();
        lexer
    }

    /// The next token and where it stands.
    pub(crate) fn peek(&self) -> (Token<'a>, Range<usize>) {
        (self.token, self.span.clone())
    }

    /// Goes past the token that [`peek`](Lexer::peek) shows.
    pub(crate) fn advance(&mut self) {
        let rest = self.text[self.span.end..].trim_start();
        let start = self.text.len() - rest.len();
        let (token, length) = next_token(rest);
        (self.token, self.span) = (token, start..start + length);
    }
}

/// The token at the start of `rest` and its length in bytes.
fn next_token(rest: &str) -> (Token<'_>, usize) {
    let Some(first) = rest.chars().next() else { return (Token::End, 0) };
    match first {
        '+' => (Token::Plus, 1),
        '-' => (Token::Minus, 1),
        '*' => (Token::Star, 1),
        '/' => (Token::Slash, 1),
        '^' => (Token::Caret, 1),
        '(' => (Token::Open, 1),
        ')' => (Token::Close, 1),
        ',' => (Token::Comma, 1),
        '>' => (Token::Greater, 1),
        '<' => (Token::Less, 1),
        '0'..='9' | '.' => number(rest),
        'a'..='z' | 'A'..='Z' | '_' => {
            let length = rest.bytes().take_while(|&b| b == b'_' || b.is_ascii_alphanumeric()).count();
            (Token::Name(&rest[..length]), length)
        }
        other => (Token::Character(other), other.len_utf8()),
    }
}

/// Digits with at most one point and an exponent; `2e` is the number 2 before a name.
fn number(rest: &str) -> (Token<'_>, usize) {
    let bytes = rest.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut end = digits(0);
    let mut any = end > 0;
    if bytes.get(end) == Some(&b'.') {
        let fraction = digits(end + 1);
        any |= fraction > 0;
        end += 1 + fraction;
    }
    if !any || bytes.get(end) == Some(&b'.') {
        let length = bytes.iter().take_while(|&&b| b == b'.' || b.is_ascii_digit()).count();
        return (Token::Malformed, length);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let start = (end + 1 + sign).min(bytes.len());
        let exponent = digits(start);
        if exponent > 0 {
            end = start + exponent;
        }
    }
    match rest[..end].parse::<f64>() {
        Ok(value) if value.is_finite() => (Token::Number(value), end),
        _ => (Token::Malformed, end),
    }
}
