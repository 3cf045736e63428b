//! From text to graph: the grammar, read by recursive descent with a counted depth.
//!
//! ```text
//! value   = sum [ (">" | "<") sum ]                    1 or 0; a < b is b > a
//! sum     = product { ("+" | "-") product }
//! product = signed { ("*" | "/") signed }
//! signed  = { "-" | "+" } power
//! power   = atom [ "^" signed ]                        so -x^2 = -(x^2), 2^-3 is legal, x^y^z = x^(y^z)
//! atom    = number | "pi" | name | function "(" value { "," value } ")" | "(" value ")"
//! ```
//!
//! Sums and products are loops, so their length is bounded by [`MAX_TEXT`] alone; only parentheses, calls and exponents
//! recurse, and those are counted against [`MAX_DEPTH`].

use core::ops::Range;

use crate::error::{ParseError, ParseErrorKind, quoted};
use crate::graph::{ExprId, Graph, Node};
use crate::op::{Binary, CHOICE, Unary, reserved_names};
use crate::scope::{Scope, nearest_name};
use crate::token::{Lexer, Token};

/// The longest text that is read, in bytes.
pub const MAX_TEXT: usize = 16 << 20;

/// How deep parentheses, calls and exponents may nest.
pub const MAX_DEPTH: usize = 256;

impl Graph {
    /// Reads a formula.
    ///
    /// The nodes are those of the text, with nothing worked out but the sign of a number, so that evaluating them is
    /// evaluating the text; [`simplify`](Graph::simplify) is a separate step.
    ///
    /// ```
    /// use vecfield_expr::{Graph, Scope};
    ///
    /// let mut graph = Graph::new();
    /// let scope = Scope::new(["hare", "lynx"])?;
    /// let rate = graph.parse("0.55*hare - 0.028*hare*lynx", &scope)?;
    /// assert_eq!(graph.to_text(rate), "0.55*hare - 0.028*hare*lynx");
    ///
    /// let slip = graph.parse("0.55*hares", &scope).unwrap_err();
    /// assert!(slip.to_string().contains("did you mean \"hare\"?"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ParseError`], with the place; the graph may then hold parts of the text that nothing refers to.
    pub fn parse(&mut self, text: &str, scope: &Scope) -> Result<ExprId, ParseError> {
        self.parse_calling(text, scope, &mut Own)
    }

    /// Reads a formula that may also call functions of the caller's.
    ///
    /// # Errors
    ///
    /// As [`parse`](Graph::parse), and what `calls` refuses.
    pub fn parse_calling(&mut self, text: &str, scope: &Scope, calls: &mut dyn Calls) -> Result<ExprId, ParseError> {
        let fail = |kind, span| Err(ParseError::new(kind, span, text));
        if text.len() > MAX_TEXT {
            return fail(ParseErrorKind::TooLong { bytes: text.len(), limit: MAX_TEXT }, 0..0);
        }
        if text.trim().is_empty() {
            return fail(ParseErrorKind::Empty, 0..0);
        }
        let mut parser = Parser { graph: self, scope, calls, lexer: Lexer::new(text), text, depth: 0 };
        let id = parser.value()?;
        match parser.lexer.peek() {
            (Token::End, _) => Ok(id),
            (Token::Close, span) => fail(ParseErrorKind::Unopened, span),
            (Token::Comma, span) => fail(ParseErrorKind::StrayComma, span),
            (token, span) => Err(parser.unexpected(token, span, "an operator")),
        }
    }
}

/// Functions that a text may call besides those of the language.
///
/// ```
/// use vecfield_expr::{Calls, ExprId, Graph, ParseErrorKind, Scope};
///
/// struct Double;
/// impl Calls for Double {
///     fn names(&self) -> Vec<&str> { vec!["double"] }
///     fn call(&mut self, graph: &mut Graph, _name: &str, arguments: &[ExprId]) -> Result<ExprId, ParseErrorKind> {
///         match arguments {
///             &[x] => Ok(graph.add(x, x)),
///             _ => Err(ParseErrorKind::WrongArity { name: "double".into(), takes: 1, given: arguments.len() }),
///         }
///     }
/// }
///
/// let (mut graph, scope) = (Graph::new(), Scope::new(["x"])?);
/// let id = graph.parse_calling("3*double(x)", &scope, &mut Double)?;
/// assert_eq!(graph.to_text(id), "3*(x + x)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Calls {
    /// The names it knows of, for messages.
    fn names(&self) -> Vec<&str>;

    /// Is there a function of that name? Asked of names that are neither in the scope nor the language's.
    fn has(&self, name: &str) -> bool {
        self.names().contains(&name)
    }

    /// The expression that a call of a function it [has](Calls::has) stands for.
    ///
    /// # Errors
    ///
    /// What is wrong with the call.
    fn call(&mut self, graph: &mut Graph, name: &str, arguments: &[ExprId]) -> Result<ExprId, ParseErrorKind>;
}

/// None but those of the language.
struct Own;

impl Calls for Own {
    fn names(&self) -> Vec<&str> {
        vec![]
    }

    fn call(&mut self, _graph: &mut Graph, name: &str, _arguments: &[ExprId]) -> Result<ExprId, ParseErrorKind> {
        Err(ParseErrorKind::UnknownFunction { name: quoted(name), nearest: None })
    }
}

struct Parser<'a> {
    graph: &'a mut Graph,
    scope: &'a Scope,
    calls: &'a mut dyn Calls,
    lexer: Lexer<'a>,
    text: &'a str,
    depth: usize,
}

type Parsed = Result<ExprId, ParseError>;

impl<'a> Parser<'a> {
    fn value(&mut self) -> Parsed {
        let left = self.sum()?;
        let (sign, _) = self.lexer.peek();
        if !matches!(sign, Token::Greater | Token::Less) {
            return Ok(left);
        }
        self.lexer.advance();
        let right = self.sum()?;
        if let (Token::Greater | Token::Less, span) = self.lexer.peek() {
            return Err(self.error(ParseErrorKind::ChainedComparison, span));
        }
        let (larger, smaller) = if sign == Token::Greater { (left, right) } else { (right, left) };
        Ok(self.graph.intern(Node::Binary(Binary::Greater, larger, smaller)))
    }

    fn sum(&mut self) -> Parsed {
        let mut left = self.product()?;
        loop {
            let op = match self.lexer.peek().0 {
                Token::Plus => Binary::Add,
                Token::Minus => Binary::Sub,
                _ => return Ok(left),
            };
            self.lexer.advance();
            let right = self.product()?;
            left = self.graph.intern(Node::Binary(op, left, right));
        }
    }

    fn product(&mut self) -> Parsed {
        let mut left = self.signed()?;
        loop {
            let op = match self.lexer.peek().0 {
                Token::Star => Binary::Mul,
                Token::Slash => Binary::Div,
                _ => return Ok(left),
            };
            self.lexer.advance();
            let right = self.signed()?;
            left = self.graph.intern(Node::Binary(op, left, right));
        }
    }

    fn signed(&mut self) -> Parsed {
        let mut negative = false;
        loop {
            match self.lexer.peek().0 {
                Token::Minus => negative = !negative,
                Token::Plus => {}
                _ => break,
            }
            self.lexer.advance();
        }
        let value = self.power()?;
        Ok(if negative { self.graph.neg(value) } else { value })
    }

    fn power(&mut self) -> Parsed {
        let base = self.atom()?;
        let (Token::Caret, span) = self.lexer.peek() else { return Ok(base) };
        self.lexer.advance();
        self.enter(&span)?;
        let exponent = self.signed()?;
        self.depth -= 1;
        Ok(self.graph.intern(Node::Binary(Binary::Pow, base, exponent)))
    }

    fn atom(&mut self) -> Parsed {
        let (token, span) = self.lexer.peek();
        self.lexer.advance();
        match token {
            Token::Number(value) => Ok(self.graph.constant(value)),
            Token::Name(name) => self.named(name, span),
            Token::Open => {
                self.enter(&span)?;
                let inner = self.value()?;
                self.close(span)?;
                Ok(inner)
            }
            token => Err(self.unexpected(token, span, "a value")),
        }
    }

    fn named(&mut self, name: &'a str, span: Range<usize>) -> Parsed {
        let (next, open) = self.lexer.peek();
        let unary = Unary::named(name);
        let binary = Binary::named(name);
        let choice = name == CHOICE;
        let own = unary.is_some() || binary.is_some() || choice;
        let called = !own && name != "pi" && !self.scope.contains(name) && self.calls.has(name);
        if next != Token::Open {
            return if name == "pi" {
                Ok(self.graph.constant(core::f64::consts::PI))
            } else if own || called {
                Err(self.error(ParseErrorKind::MissingArguments { name: quoted(name) }, span))
            } else if self.scope.contains(name) {
                Ok(self.graph.symbol(name))
            } else {
                Err(self.unknown(name, span))
            };
        }
        if !own && !called {
            return Err(self.not_a_function(name, span));
        }
        self.lexer.advance();
        self.enter(&open)?;
        let arguments = self.arguments()?;
        let whole = span.start..self.close(open)?;
        match (unary, binary, &arguments[..]) {
            (Some(op), _, &[x]) => Ok(self.graph.intern(Node::Unary(op, x))),
            (_, Some(op), &[a, b]) => Ok(self.graph.intern(Node::Binary(op, a, b))),
            (_, _, &[condition, a, b]) if choice => Ok(self.graph.choice(condition, a, b)),
            _ if own => {
                let takes = if choice { 3 } else { 1 + usize::from(binary.is_some()) };
                let given = arguments.len();
                Err(self.error(ParseErrorKind::WrongArity { name: quoted(name), takes, given }, whole))
            }
            _ => self.calls.call(self.graph, name, &arguments).map_err(|kind| self.error(kind, whole)),
        }
    }

    /// Values up to the parenthesis that closes a call, which may be none.
    fn arguments(&mut self) -> Result<Vec<ExprId>, ParseError> {
        let mut arguments = Vec::new();
        while self.lexer.peek().0 != Token::Close || !arguments.is_empty() {
            arguments.push(self.value()?);
            if self.lexer.peek().0 != Token::Comma {
                break;
            }
            self.lexer.advance();
        }
        Ok(arguments)
    }

    /// One level deeper; `span` is what opens it.
    fn enter(&mut self, span: &Range<usize>) -> Result<(), ParseError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(ParseErrorKind::TooDeep { limit: MAX_DEPTH }, span.clone()));
        }
        Ok(())
    }

    /// Takes the parenthesis that closes the one at `open`; gives where it ends.
    fn close(&mut self, open: Range<usize>) -> Result<usize, ParseError> {
        match self.lexer.peek() {
            (Token::Close, span) => {
                self.lexer.advance();
                self.depth -= 1;
                Ok(span.end)
            }
            (Token::End, _) => Err(self.error(ParseErrorKind::Unclosed, open)),
            (Token::Comma, span) => Err(self.error(ParseErrorKind::StrayComma, span)),
            (token, span) => Err(self.unexpected(token, span, "an operator or \")\"")),
        }
    }

    fn error(&self, kind: ParseErrorKind, span: Range<usize>) -> ParseError {
        ParseError::new(kind, span, self.text)
    }

    fn unexpected(&self, token: Token<'a>, span: Range<usize>, wanted: &'static str) -> ParseError {
        let found = quoted(&self.text[span.clone()]);
        let kind = match token {
            Token::End => ParseErrorKind::EndsEarly,
            Token::Character(character) => ParseErrorKind::Character { character },
            Token::Malformed => ParseErrorKind::Number { text: found },
            Token::Number(_) | Token::Name(_) | Token::Open if wanted != "a value" => {
                ParseErrorKind::MissingOperator { found }
            }
            _ => ParseErrorKind::Unexpected { found, wanted },
        };
        self.error(kind, span)
    }

    fn unknown(&self, name: &str, span: Range<usize>) -> ParseError {
        let nearest = nearest_name(name, self.scope.names().chain(["pi"])).map(str::to_owned);
        let known = self.scope.names().chain(["pi"]).take(8).collect::<Vec<_>>().join(", ");
        self.error(ParseErrorKind::UnknownName { name: quoted(name), nearest, known }, span)
    }

    fn not_a_function(&self, name: &str, span: Range<usize>) -> ParseError {
        if name == "pi" || self.scope.contains(name) {
            return self.error(ParseErrorKind::NotAFunction { name: quoted(name) }, span);
        }
        let own: Vec<&str> = reserved_names().filter(|&reserved| reserved != "pi").collect();
        let known = own.into_iter().chain(self.calls.names());
        // What other languages call them; no edit distance would find these.
        let nearest = match name {
            "ln" => Some("log"),
            "arcsin" => Some("asin"),
            "arccos" => Some("acos"),
            "arctan" => Some("atan"),
            "sgn" | "signum" => Some("sign"),
            "fabs" => Some("abs"),
            "and" => Some("min"),
            "or" => Some("max"),
            "where" | "ifelse" | "select" | "piecewise" => Some(CHOICE),
            "heaviside" | "step" | "greater" => Some(">"),
            _ => nearest_name(name, known),
        };
        let kind = ParseErrorKind::UnknownFunction { name: quoted(name), nearest: nearest.map(str::to_owned) };
        self.error(kind, span)
    }
}
