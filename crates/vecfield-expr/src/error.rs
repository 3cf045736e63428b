//! [`ParseError`] and [`CompileError`]: what is wrong, where, and what to do.

use core::ops::Range;

/// Why a text is not a formula, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} (at character {character})")]
pub struct ParseError {
    /// What is wrong.
    kind: Box<ParseErrorKind>,
    /// The bytes of the text that it is about.
    span: Range<usize>,
    /// The first of them as a character of the text, from 1.
    character: usize,
}

/// What can be wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// Nothing but space.
    #[error("the formula is empty; write an expression, or 0")]
    Empty,
    /// Longer than [`MAX_TEXT`](crate::MAX_TEXT).
    #[error("the formula has {bytes} bytes, more than the {limit} that are read; split it into definitions")]
    TooLong {
        /// The length of the text.
        bytes: usize,
        /// The longest that is read.
        limit: usize,
    },
    /// Nested deeper than [`MAX_DEPTH`](crate::MAX_DEPTH).
    #[error("parentheses and exponents nest deeper than {limit} levels here; name inner parts as definitions")]
    TooDeep {
        /// The deepest nesting that is read.
        limit: usize,
    },
    /// A name outside the scope.
    #[error("unknown name {name:?}; {}", name_remedy(nearest.as_deref(), known))]
    UnknownName {
        /// The name.
        name: String,
        /// The allowed name most like it.
        nearest: Option<String>,
        /// Some of the names that are allowed, separated by commas.
        known: String,
    },
    /// A call of something that is no function.
    #[error("unknown function {name:?}; {}", function_remedy(nearest.as_deref()))]
    UnknownFunction {
        /// The name that is called.
        name: String,
        /// The function most like it.
        nearest: Option<String>,
    },
    /// A quantity with parentheses behind it.
    #[error("{name:?} is not a function; for a product write {name}*(..)")]
    NotAFunction {
        /// The quantity.
        name: String,
    },
    /// A function without parentheses.
    #[error("the function {name:?} has no arguments; write {name}(..)")]
    MissingArguments {
        /// The function.
        name: String,
    },
    /// Too many or too few arguments.
    #[error("{name} takes {takes} argument{}, not {given}", if *takes == 1 { "" } else { "s" })]
    WrongArity {
        /// The function.
        name: String,
        /// How many it takes.
        takes: usize,
        /// How many the text gives it.
        given: usize,
    },
    /// Two values side by side.
    #[error("an operator is missing before {found:?}; for a product write *")]
    MissingOperator {
        /// The second value.
        found: String,
    },
    /// The text stops where a value must follow.
    #[error("the formula ends where a value must follow; add the value or remove the operator before it")]
    EndsEarly,
    /// Something else than what must stand here.
    #[error("{found:?} stands where {wanted} must; {}", if found == "*" { "for a power write ^" } else { "add it or remove the sign" })]
    Unexpected {
        /// What stands here.
        found: String,
        /// What must stand here.
        wanted: &'static str,
    },
    /// A comparison of a comparison without parentheses.
    #[error("comparisons do not chain; for a < b < c write min(a < b, b < c), which is 1 where both hold")]
    ChainedComparison,
    /// An opening parenthesis without its partner.
    #[error("this \"(\" is never closed; add \")\" where it ends")]
    Unclosed,
    /// A closing parenthesis without its partner.
    #[error("this \")\" closes nothing; remove it or add \"(\" where it begins")]
    Unopened,
    /// A comma outside a function's arguments.
    #[error("a comma only separates a function's arguments; write a decimal point as .")]
    StrayComma,
    /// A character that no formula contains.
    #[error("a formula cannot contain {character:?}; {}", character_remedy(*character))]
    Character {
        /// The character.
        character: char,
    },
    /// Digits that are no number.
    #[error("{text:?} is not a number a double can hold; write digits with at most one point, such as 0.5 or 1e-3")]
    Number {
        /// The digits.
        text: String,
    },
}

impl ParseError {
    pub(crate) fn new(kind: ParseErrorKind, span: Range<usize>, text: &str) -> ParseError {
        let character = text.get(..span.start).map_or(0, |before| before.chars().count()) + 1;
        ParseError { kind: Box::new(kind), span, character }
    }

    /// What is wrong.
    pub fn kind(&self) -> &ParseErrorKind {
        &self.kind
    }

    /// The bytes of the text that it is about; empty at the end of the text.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The message, and under it the line of `text` with the place marked; long lines are cut around the place.
    ///
    /// ```
    /// use vecfield_expr::{Graph, Scope};
    ///
    /// let text = "0.5*x + sine(x)";
    /// let error = Graph::new().parse(text, &Scope::new(["x"])?).unwrap_err();
    /// assert_eq!(
    ///     error.render(text),
    ///     "unknown function \"sine\"; did you mean \"sin\"? (at character 9)\n  0.5*x + sine(x)\n          ^^^^"
    /// );
    /// # Ok::<(), vecfield_expr::NameError>(())
    /// ```
    pub fn render(&self, text: &str) -> String {
        let (line, mark) = picture(text, &self.span);
        format!("{self}\n  {line}\n  {mark}")
    }
}

/// Why expressions cannot become a [`Program`](crate::Program).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// An expression depends on a name that is no input.
    #[error("the expression depends on {name:?}, which is not among the inputs; give it a value or substitute it")]
    Unbound {
        /// The name.
        name: String,
    },
    /// Two inputs have one name.
    #[error("the input {name:?} is given twice; each input needs a name of its own")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// As many equations as states are needed.
    #[error("{equations} equations for {states} states; give each state one equation")]
    Count {
        /// How many equations there are.
        equations: usize,
        /// How many states there are.
        states: usize,
    },
}

/// A piece of text as a message quotes it: whole unless it is very long.
pub(crate) fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        text.to_owned()
    } else {
        text.chars().take(LONGEST).chain("...".chars()).collect()
    }
}

fn name_remedy(nearest: Option<&str>, known: &str) -> String {
    match nearest {
        Some(nearest) => format!("did you mean {nearest:?}?"),
        None => format!("known names are {known}"),
    }
}

fn function_remedy(nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!("did you mean {nearest:?}?"),
        None => {
            let names: Vec<&str> = crate::op::reserved_names().filter(|&name| name != "pi").collect();
            format!("functions are {}", names.join(", "))
        }
    }
}

fn character_remedy(character: char) -> &'static str {
    match character {
        '·' | '×' | '⋅' | '∙' => "for a product write *",
        '−' | '–' | '—' => "write minus as -",
        '÷' => "for a quotient write /",
        '[' | ']' | '{' | '}' => "use ( and )",
        '=' | '≥' | '≤' => "a formula is a value, not an equation; it compares by a > b or a < b",
        '!' | '&' | '|' => "write not c as 1 - c, a and b as min(a, b), a or b as max(a, b)",
        'π' => "write pi",
        '²' | '³' | '√' => "write powers with ^ and roots with sqrt(..)",
        _ => "names are letters, digits and _, operators + - * / ^",
    }
}

/// The line that `span` begins in, cut to a readable width around it, and carets under the span.
fn picture(text: &str, span: &Range<usize>) -> (String, String) {
    const WIDTH: usize = 72;
    // A caller may show another text than the one that was read; then the place is only near.
    let boundary = |at: usize| (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let (start, end) = (boundary(span.start), boundary(span.end));
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let line: Vec<char> = text[line_start..line_end].chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let column = text[line_start..start].chars().count();
    let marked = text[start..end.clamp(start, line_end)].chars().count().max(1);
    let from = column.saturating_sub(WIDTH / 2).min(line.len().saturating_sub(WIDTH));
    let to = (from + WIDTH).min(line.len());
    let (before, after) = (if from > 0 { "..." } else { "" }, if to < line.len() { "..." } else { "" });
    let shown: String = line[from..to].iter().collect();
    let mark =
        " ".repeat(before.len() + column - from) + &"^".repeat(marked.min((to + 1).saturating_sub(column).max(1)));
    (format!("{before}{shown}{after}").trim_end().to_owned(), mark)
}
