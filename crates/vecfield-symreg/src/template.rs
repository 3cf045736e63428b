//! Templates: formulas of which some functions are unknown.

use std::collections::BTreeSet;

use vecfield_expr::{Calls, ExprId, Graph, Node, ParseError, ParseErrorKind, Scope, nearest_name, reserved_names};

use crate::error::SymregError;
use crate::table::{Table, free_prefix};

/// What is known of a formula's form: `f(x)*g(z) + c`, with unknown functions `f` and `g` and a number `c` to be fitted.
///
/// Names of columns are variables, names of the language's functions are these; whatever else has parentheses behind it is an unknown function, and any
/// other name a number to be fitted. What an unknown function is given are columns or expressions of columns, in each of its calls others if need be.
///
/// ```
/// use vecfield_symreg::{Table, Template};
///
/// let x: Vec<f64> = (0..10).map(f64::from).collect();
/// let table = Table::new(vec!["x".into(), "z".into()], vec![x.clone(), x.clone()], x)?;
/// let template = Template::parse("exp(f(x) - f(z)) + c*g(x*z)", &table)?;
/// assert_eq!(template.functions().collect::<Vec<_>>(), ["f(x)", "g(u1)"]);
/// assert_eq!(template.numbers(), ["c"]);
///
/// let slip = Template::parse("f(y) + c", &table).unwrap_err();
/// assert!(slip.to_string().contains("the columns are x, z"), "{slip}");
/// # Ok::<(), vecfield_symreg::SymregError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Template {
    text: String,
    pub(crate) graph: Graph,
    /// In the table's columns, the [values of calls](call) and the numbers by their names.
    pub(crate) formula: ExprId,
    pub(crate) names: Vec<String>,
    pub(crate) unknowns: Vec<Unknown>,
    pub(crate) calls: Vec<Call>,
    numbers: Vec<String>,
}

/// A function that is searched.
#[derive(Debug, Clone)]
pub(crate) struct Unknown {
    pub(crate) name: String,
    /// What its arguments are called in its own formula.
    pub(crate) arguments: Vec<String>,
}

/// An unknown function at arguments.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    pub(crate) unknown: usize,
    /// In the table's columns.
    pub(crate) arguments: Vec<ExprId>,
}

/// What the value of a call is called in a template's graph: no name of a user's column has a space.
pub(crate) fn call(index: usize) -> String {
    format!("call {index}")
}

impl Template {
    /// Reads a template over the columns of `table`.
    ///
    /// # Errors
    ///
    /// [`SymregError::Template`]: a text that is no formula, no unknown function in it, one with different numbers of arguments, one that is named nearly
    /// as a function of the language, and an argument with something else in it than columns.
    pub fn parse(text: &str, table: &Table) -> Result<Template, SymregError> {
        let refused = |problem: String| SymregError::Template { text: text.into(), problem };
        let names = table.names();
        let words = words(text);
        let known = |name: &str| names.iter().any(|own| own == name) || reserved_names().any(|own| own == name);
        let of = |called: bool| {
            let chosen = words.iter().filter(move |(name, call)| *call == called && !known(name));
            chosen.map(|(name, _)| name.to_string()).collect::<BTreeSet<String>>()
        };
        let functions = of(true);
        let numbers: Vec<String> = of(false).into_iter().filter(|name| !functions.contains(name)).collect();
        if functions.is_empty() {
            let problem = "there is no unknown function in it; write one as f(x) with columns as arguments, or give a formula whose numbers alone are \
                           unknown as a guess";
            return Err(refused(problem.into()));
        }
        if let Some(problem) = functions.iter().find_map(|name| slip(name)) {
            return Err(refused(problem));
        }
        let scope = Scope::new(names.iter().chain(&numbers).cloned()).map_err(|e| refused(e.to_string()))?;
        let mut reader = Reader { functions: functions.into_iter().collect(), names, ..Reader::default() };
        let mut graph = Graph::new();
        let parsed = graph.parse_calling(text, &scope, &mut reader);
        let formula = parsed.map_err(|e: ParseError| refused(reader.problem.take().unwrap_or(e.to_string())))?;
        let Reader { functions, calls, .. } = reader;
        let unknowns = functions
            .into_iter()
            .enumerate()
            .map(|(at, name)| {
                let first = calls.iter().find(|call| call.unknown == at).expect("it is a name with parentheses");
                Unknown { name, arguments: argument_names(&graph, &first.arguments, names) }
            })
            .collect();
        let names = names.to_vec();
        Ok(Template { text: text.into(), graph, formula, names, unknowns, calls, numbers })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The unknown functions with their arguments, such as `f(x)`: as their formulas call these, which are the columns of the first call where it is given
    /// columns.
    pub fn functions(&self) -> impl Iterator<Item = String> {
        self.unknowns.iter().map(|unknown| format!("{}({})", unknown.name, unknown.arguments.join(", ")))
    }

    /// The numbers to be fitted, in alphabetical order.
    pub fn numbers(&self) -> &[String] {
        &self.numbers
    }

    /// Where a function is called.
    pub(crate) fn calls_of(&self, unknown: usize) -> impl Iterator<Item = usize> {
        (0..self.calls.len()).filter(move |&at| self.calls[at].unknown == unknown)
    }
}

/// The names in a text, each with whether parentheses follow.
fn words(text: &str) -> Vec<(&str, bool)> {
    let letter = |c: char| c == '_' || c.is_ascii_alphabetic();
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_number = first == '.' || first.is_ascii_digit();
        let is_end = |c: char| !(letter(c) || c.is_ascii_digit() || is_number && c == '.');
        if !is_number && !letter(first) {
            rest = &rest[first.len_utf8()..];
            continue;
        }
        // A number takes its letters with it: 1e5 holds no name.
        let (word, after) = rest.split_at(rest.find(is_end).unwrap_or(rest.len()));
        if !is_number {
            words.push((word, after.trim_start().starts_with('(')));
        }
        rest = after;
    }
    words
}

/// What speaks against a name: one that is nearly a known function's would hide a slip.
fn slip(name: &str) -> Option<String> {
    let scope = Scope::default();
    let error = Graph::new().parse(&format!("{name}(0)"), &scope).err()?;
    match error.kind() {
        ParseErrorKind::UnknownFunction { nearest: Some(near), .. } => Some(format!(
            "`{name}` is no function of the language; write {near}(..) if that is meant, and give an unknown function a name that is less like it"
        )),
        _ => None,
    }
}

/// Columns where the arguments are different ones, else names of their own.
fn argument_names(graph: &Graph, arguments: &[ExprId], names: &[String]) -> Vec<String> {
    let of = |&id: &ExprId| match graph.node(id) {
        Node::Symbol(symbol) => Some(graph.name(symbol).to_string()),
        _ => None,
    };
    let columns: Option<Vec<String>> = arguments.iter().map(of).collect();
    let different = |columns: &Vec<String>| columns.iter().collect::<BTreeSet<_>>().len() == columns.len();
    columns.filter(different).unwrap_or_else(|| {
        let prefix = free_prefix(names, &["u", "argument", "argument_"]);
        (1..=arguments.len()).map(|k| format!("{prefix}{k}")).collect()
    })
}

/// Takes the calls of unknown functions down.
#[derive(Default)]
struct Reader<'a> {
    functions: Vec<String>,
    names: &'a [String],
    calls: Vec<Call>,
    /// What is wrong with a call, where the parser has no words for it.
    problem: Option<String>,
}

impl Calls for Reader<'_> {
    fn names(&self) -> Vec<&str> {
        self.functions.iter().map(String::as_str).collect()
    }

    fn call(&mut self, graph: &mut Graph, name: &str, arguments: &[ExprId]) -> Result<ExprId, ParseErrorKind> {
        let unknown = self.functions.iter().position(|known| known == name).expect("the parser asks for known names");
        let arity = |takes: usize| ParseErrorKind::WrongArity { name: name.into(), takes, given: arguments.len() };
        let before = self.calls.iter().find(|call| call.unknown == unknown);
        let takes = before.map_or(arguments.len(), |call| call.arguments.len());
        if arguments.is_empty() || takes != arguments.len() {
            return Err(arity(takes.max(1)));
        }
        for &argument in arguments {
            if let Some(problem) = self.wrong_argument(graph, name, argument) {
                self.problem = Some(problem);
                return Err(arity(takes));
            }
        }
        let new = Call { unknown, arguments: arguments.to_vec() };
        let place = self.calls.iter().position(|call| *call == new).unwrap_or_else(|| {
            self.calls.push(new);
            self.calls.len() - 1
        });
        Ok(graph.symbol(&call(place)))
    }
}

impl Reader<'_> {
    fn wrong_argument(&self, graph: &Graph, name: &str, argument: ExprId) -> Option<String> {
        let symbols = graph.symbols(argument);
        let mut inside = symbols.iter().map(|&symbol| graph.name(symbol));
        let Some(wrong) = inside.find(|inside| !self.names.iter().any(|own| own == inside)) else {
            let constant = symbols.is_empty();
            return constant
                .then(|| format!("`{name}` is given a number; give it columns, or write a name for its value"));
        };
        let columns = self.names.join(", ");
        if wrong.contains(' ') {
            return Some(format!(
                "`{name}` is given another unknown function; give it the columns that hang together, the columns are {columns}"
            ));
        }
        let near = nearest_name(wrong, self.names.iter().map(String::as_str));
        let hint = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
        Some(format!(
            "`{name}` is given `{wrong}`, which is no column{hint}; the columns are {columns}, and a number inside is part of `{name}` anyway"
        ))
    }
}
