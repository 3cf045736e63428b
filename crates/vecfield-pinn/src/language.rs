//! Equations as text: which names are unknowns, derivatives, coordinates and constants, and what `laplacian`, `integral` and
//! the other calls stand for.
//!
//! `u(s)` is no product, so it is given a name of its own before the text is parsed; places in messages are those of the text
//! as it was written.

use core::ops::Range;
use std::collections::BTreeMap;

use vecfield_expr::{Calls, ExprId, Graph, ParseErrorKind, Scope, dependency_order, nearest_name};

use crate::PinnError;

/// A derivative of an unknown, of order 0 for the unknown itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Jet {
    pub(crate) unknown: usize,
    /// How often by each coordinate; [`FRACTION`] for the fractional Laplacian.
    pub(crate) order: Vec<u8>,
}

/// In place of an order of derivative: the fractional Laplacian, on the first coordinate of space.
pub(crate) const FRACTION: u8 = 255;

/// Coordinates that share a name, `x1`, `x2`, .. of `x`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    pub(crate) name: String,
    /// The first of them.
    pub(crate) first: usize,
    pub(crate) count: usize,
    /// For solutions that depend on `|x|²` alone: how many coordinates the one that is left stands for.
    pub(crate) radial: Option<usize>,
}

/// What the names of a problem mean.
#[derive(Debug, Clone)]
pub(crate) struct Language {
    pub(crate) coordinates: Vec<String>,
    pub(crate) groups: Vec<Group>,
    pub(crate) unknowns: Vec<String>,
    pub(crate) parameters: BTreeMap<String, f64>,
    /// Parameters that are to be found.
    pub(crate) constants: Vec<String>,
    pub(crate) definitions: BTreeMap<String, String>,
}

/// `∫_a^b body ds`, or the body alone where there is no `s`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct IntegralText {
    pub(crate) body: ExprId,
    /// The name of `s` and the bounds.
    pub(crate) over: Option<(String, ExprId, ExprId)>,
}

/// An unknown or a derivative at another point.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Elsewhere {
    pub(crate) jet: Jet,
    /// The coordinates of that point.
    pub(crate) arguments: Vec<ExprId>,
}

/// Everything that formulas were read into.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) graph: Graph,
    pub(crate) integrals: Vec<IntegralText>,
    pub(crate) elsewhere: Vec<Elsewhere>,
    /// The exponent of the fractional Laplacian, where there is one.
    pub(crate) fraction: Option<f64>,
}

/// The names of symbols that no text can spell.
pub(crate) fn jet_symbol(jet: &Jet) -> String {
    let orders: Vec<String> = jet.order.iter().map(u8::to_string).collect();
    format!("u{}[{}]", jet.unknown, orders.join(","))
}

pub(crate) fn integral_symbol(at: usize) -> String {
    format!("integral[{at}]")
}

pub(crate) fn normal_symbol(coordinate: usize) -> String {
    format!("n[{coordinate}]")
}

/// A text can spell this one, but nobody does.
pub(crate) fn elsewhere_symbol(at: usize) -> String {
    format!("_elsewhere_{at}_")
}

impl Language {
    /// The unknown itself.
    pub(crate) fn value(&self, unknown: usize) -> Jet {
        Jet { unknown, order: vec![0; self.coordinates.len()] }
    }

    /// Coordinates other than `t`.
    pub(crate) fn space(&self) -> Vec<usize> {
        let all = 0..self.coordinates.len();
        let space: Vec<usize> = all.clone().filter(|&i| self.coordinates[i] != "t").collect();
        if space.is_empty() { all.collect() } else { space }
    }

    /// Is the coordinate `|x|²` of others?
    pub(crate) fn is_radius(&self, coordinate: usize) -> bool {
        self.groups.iter().any(|group| group.first == coordinate && group.radial.is_some())
    }

    /// What `u_xt` is, if it is a derivative; the unknown where only that much is right.
    pub(crate) fn jet(&self, name: &str) -> Result<Jet, Option<usize>> {
        if let Some(unknown) = self.unknowns.iter().position(|u| u == name) {
            return Ok(self.value(unknown));
        }
        let mut near = None;
        for (unknown, text) in self.unknowns.iter().enumerate() {
            let Some(suffix) = name.strip_prefix(text.as_str()).and_then(|rest| rest.strip_prefix('_')) else {
                continue;
            };
            let mut jet = self.value(unknown);
            if !suffix.is_empty() && self.differentiate(suffix, &mut jet.order) {
                return Ok(jet);
            }
            near = Some(unknown);
        }
        Err(near)
    }

    /// Reads `xxt` as coordinates one after the other; names may be prefixes of one another.
    fn differentiate(&self, suffix: &str, order: &mut [u8]) -> bool {
        if suffix.is_empty() {
            return true;
        }
        for (i, name) in self.coordinates.iter().enumerate() {
            if let Some(rest) = suffix.strip_prefix(name.as_str()) {
                order[i] = order[i].saturating_add(1);
                if order[i] < 16 && self.differentiate(rest, order) {
                    return true;
                }
                order[i] -= 1;
            }
        }
        false
    }

    /// Reads a formula; what it depends on are coordinates, constants, and the symbols of jets, integrals and normals.
    pub(crate) fn read(&self, key: &str, text: &str, reading: &mut Reading) -> Result<ExprId, PinnError> {
        let id = self.read_open(key, text, reading)?;
        self.close(id, reading)
    }

    /// Replaces parameters and definitions by what they stand for.
    fn close(&self, id: ExprId, reading: &mut Reading) -> Result<ExprId, PinnError> {
        if self.definitions.is_empty() {
            return Ok(id);
        }
        let names: Vec<&String> = self.definitions.keys().collect();
        let mut bodies = Vec::new();
        for name in &names {
            bodies.push(self.read_open(&format!("definitions.{name}"), &self.definitions[*name], reading)?);
        }
        let uses = |id: ExprId, graph: &Graph| -> Vec<usize> {
            let symbols = graph.symbols(id);
            (0..names.len()).filter(|&i| symbols.iter().any(|&s| graph.name(s) == names[i])).collect()
        };
        let needs: Vec<Vec<usize>> = bodies.iter().map(|&body| uses(body, &reading.graph)).collect();
        let order = dependency_order(&needs).map_err(|circle| {
            let circle: Vec<&str> = circle.iter().map(|&i| names[i].as_str()).collect();
            let reason = format!("definitions go in a circle: {}; break it", circle.join(" -> "));
            PinnError::setting(format!("definitions.{}", circle[0]), reason)
        })?;
        for i in order {
            let known: Vec<(ExprId, ExprId)> =
                needs[i].iter().map(|&j| (reading.graph.symbol(names[j]), bodies[j])).collect();
            bodies[i] = reading.graph.substitute(bodies[i], &known);
        }
        let all: Vec<(ExprId, ExprId)> =
            (0..names.len()).map(|i| (reading.graph.symbol(names[i]), bodies[i])).collect();
        let closed = reading.graph.substitute(id, &all);
        for at in 0..reading.integrals.len() {
            let body = reading.integrals[at].body;
            reading.integrals[at].body = reading.graph.substitute(body, &all);
        }
        Ok(closed)
    }

    fn read_open(&self, key: &str, text: &str, reading: &mut Reading) -> Result<ExprId, PinnError> {
        let formula = |inside: Range<usize>, reason: String| PinnError::Formula { key: key.into(), inside, reason };
        let spelled = self.spell(key, text, reading)?;
        let mut scope = Scope::default();
        let names = self.coordinates.iter().chain(&self.unknowns).chain(self.parameters.keys()).chain(&self.constants);
        let definitions = self.definitions.keys().filter(|name| key != format!("definitions.{name}"));
        let groups = self.groups.iter().map(|group| &group.name);
        // `norm2(x)`, as a coordinate, is written as a call.
        let spellable = |name: &&String| !name.contains('(');
        for name in names.filter(spellable).chain(definitions).chain(groups).chain(&spelled.names) {
            scope.insert(name.as_str()).map_err(|e| PinnError::setting(key, e.to_string()))?;
        }
        let mut calls = Operators { language: self, reading: Reading { graph: Graph::new(), ..Reading::default() } };
        core::mem::swap(&mut calls.reading.integrals, &mut reading.integrals);
        core::mem::swap(&mut calls.reading.fraction, &mut reading.fraction);
        let parsed = reading.graph.parse_calling(&spelled.text, &scope, &mut calls);
        core::mem::swap(&mut calls.reading.integrals, &mut reading.integrals);
        core::mem::swap(&mut calls.reading.fraction, &mut reading.fraction);
        let id = parsed.map_err(|e| formula(spelled.original(e.span()), e.kind().to_string()))?;
        // What the text spells in its own way gets the name it has everywhere.
        let mut canonical = Vec::new();
        for symbol in reading.graph.symbols(id) {
            let name = reading.graph.name(symbol).to_string();
            let from = reading.graph.symbol(&name);
            if let Some(&value) = self.parameters.get(&name) {
                canonical.push((from, reading.graph.constant(value)));
            } else if let Ok(jet) = self.jet(&name) {
                canonical.push((from, reading.graph.symbol(&jet_symbol(&jet))));
            } else if self.groups.iter().any(|group| group.name == name) && !self.coordinates.contains(&name) {
                let reason = format!("`{name}` stands for several coordinates; write norm2({name}), or one of them");
                return Err(formula(0..text.len(), reason));
            }
        }
        for at in spelled.first_integral..reading.integrals.len() {
            let body = reading.integrals[at].body;
            reading.integrals[at].body = self.canonical(body, reading);
            if let Some((name, a, b)) = reading.integrals[at].over.clone() {
                let (a, b) = (self.canonical(a, reading), self.canonical(b, reading));
                reading.integrals[at].over = Some((name, a, b));
            }
        }
        Ok(reading.graph.substitute(id, &canonical))
    }

    fn canonical(&self, id: ExprId, reading: &mut Reading) -> ExprId {
        let mut known = Vec::new();
        for symbol in reading.graph.symbols(id) {
            let name = reading.graph.name(symbol).to_string();
            let from = reading.graph.symbol(&name);
            if let Some(&value) = self.parameters.get(&name) {
                known.push((from, reading.graph.constant(value)));
            } else if let Ok(jet) = self.jet(&name) {
                known.push((from, reading.graph.symbol(&jet_symbol(&jet))));
            }
        }
        reading.graph.substitute(id, &known)
    }

    /// Gives `u(s)` a name, and finds the names of derivatives and of variables of integration.
    fn spell(&self, key: &str, text: &str, reading: &mut Reading) -> Result<Spelled, PinnError> {
        let mut spelled = Spelled { first_integral: reading.integrals.len(), ..Spelled::default() };
        let words = words(text);
        let called = |word: &Range<usize>| text[word.end..].trim_start().starts_with('(');
        for word in words.iter().filter(|word| &text[(*word).clone()] == "integral" && called(word)) {
            let open = word.end + text[word.end..].find('(').expect("a call has a parenthesis");
            if let Some(variable) = arguments(text, open).and_then(|(parts, _)| parts.get(1).cloned()) {
                spelled.names.push(text[variable].trim().to_string());
            }
        }
        let mut at = 0;
        let mut copied = 0;
        while at < words.len() {
            let word = words[at].clone();
            let name = &text[word.clone()];
            at += 1;
            let known = self.coordinates.iter().any(|c| c == name)
                || self.parameters.contains_key(name)
                || self.definitions.contains_key(name);
            match self.jet(name) {
                Ok(jet) if called(&word) => {
                    let open = word.end + text[word.end..].find('(').expect("a call has a parenthesis");
                    let Some((parts, close)) = arguments(text, open) else { continue };
                    if parts.len() != self.coordinates.len() {
                        let reason = format!(
                            "`{name}(..)` is at another point, which has {} coordinates, not {}; a product needs a *",
                            self.coordinates.len(),
                            parts.len()
                        );
                        return Err(PinnError::Formula { key: key.into(), inside: word.start..close, reason });
                    }
                    let mut place = Vec::new();
                    for part in parts {
                        place.push(self.argument(key, text, part, &spelled.names, reading)?);
                    }
                    let symbol = elsewhere_symbol(reading.elsewhere.len());
                    reading.elsewhere.push(Elsewhere { jet, arguments: place });
                    spelled.copy(text, copied..word.start);
                    spelled.replace(&symbol, word.start..close);
                    spelled.names.push(symbol);
                    copied = close;
                    while at < words.len() && words[at].start < close {
                        at += 1;
                    }
                }
                Ok(_) => spelled.names.push(name.to_string()),
                Err(Some(unknown)) if !known && !spelled.names.iter().any(|n| n == name) => {
                    return Err(PinnError::UnknownDerivative {
                        key: key.into(),
                        inside: word.clone(),
                        name: name.into(),
                        unknown: self.unknowns[unknown].clone(),
                        known: self.coordinates.iter().take(12).cloned().collect::<Vec<_>>().join(", "),
                    });
                }
                Err(_) => {}
            }
        }
        spelled.copy(text, copied..text.len());
        Ok(spelled)
    }

    /// One coordinate of another point: a formula of coordinates and of the variable of integration.
    fn argument(
        &self,
        key: &str,
        text: &str,
        part: Range<usize>,
        variables: &[String],
        reading: &mut Reading,
    ) -> Result<ExprId, PinnError> {
        let mut scope = Scope::default();
        let variables = variables.iter().filter(|name| self.jet(name).is_err());
        let coordinates = self.coordinates.iter().filter(|name| !name.contains('('));
        for name in coordinates.chain(self.parameters.keys()).chain(variables) {
            scope.insert(name.as_str()).map_err(|e| PinnError::setting(key, e.to_string()))?;
        }
        let id = reading.graph.parse(&text[part.clone()], &scope).map_err(|e| {
            let inside = part.start + e.span().start..part.start + e.span().end;
            PinnError::Formula { key: key.into(), inside, reason: e.kind().to_string() }
        })?;
        Ok(self.canonical(id, reading))
    }
}

/// A text as the parser reads it, with where its parts came from.
#[derive(Debug, Default)]
struct Spelled {
    text: String,
    /// Names that this text may use besides those of every text.
    names: Vec<String>,
    /// Where pieces of `text` begin, and where they were.
    pieces: Vec<(usize, Range<usize>)>,
    first_integral: usize,
}

impl Spelled {
    fn copy(&mut self, text: &str, from: Range<usize>) {
        self.pieces.push((self.text.len(), from.clone()));
        self.text.push_str(&text[from]);
    }

    fn replace(&mut self, by: &str, from: Range<usize>) {
        self.pieces.push((self.text.len(), from));
        self.text.push_str(by);
    }

    fn original(&self, span: Range<usize>) -> Range<usize> {
        let place = |at: usize| {
            let piece = self.pieces.iter().rev().find(|(begin, _)| *begin <= at);
            piece.map_or(at, |(begin, from)| (from.start + at - begin).min(from.end))
        };
        place(span.start)..place(span.end)
    }
}

/// The names in a text.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let bytes = text.as_bytes();
    let part = |b: u8| b == b'_' || b.is_ascii_alphanumeric();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at].is_ascii_digit() || bytes[at] == b'.' {
            // A number, its exponent included: `1e3` has no name in it.
            while at < bytes.len()
                && (part(bytes[at])
                    || bytes[at] == b'.'
                    || (matches!(bytes[at], b'+' | b'-') && matches!(bytes[at - 1], b'e' | b'E')))
            {
                at += 1;
            }
        } else if part(bytes[at]) {
            let begin = at;
            while at < bytes.len() && part(bytes[at]) {
                at += 1;
            }
            found.push(begin..at);
        } else {
            at += 1;
        }
    }
    found
}

/// The arguments of a call whose parenthesis opens at `open`, and where the call ends.
fn arguments(text: &str, open: usize) -> Option<(Vec<Range<usize>>, usize)> {
    let (mut depth, mut begin, mut parts) = (0_usize, open + 1, Vec::new());
    for (at, byte) in text.bytes().enumerate().skip(open) {
        match byte {
            b'(' => depth += 1,
            b')' => {
                depth -= 1;
                if depth == 0 {
                    parts.push(begin..at);
                    return Some((parts, at + 1));
                }
            }
            b',' if depth == 1 => {
                parts.push(begin..at);
                begin = at + 1;
            }
            _ => {}
        }
    }
    None
}

/// What a text may call besides the functions of every formula.
struct Operators<'a> {
    language: &'a Language,
    /// Integrals met so far; its graph is not used.
    reading: Reading,
}

const OPERATORS: [&str; 6] = ["d", "laplacian", "grad2", "norm2", "integral", "fraclap"];

fn refused(name: &str, nearest: Option<String>) -> ParseErrorKind {
    ParseErrorKind::UnknownFunction { name: name.into(), nearest }
}

impl Operators<'_> {
    fn name_of(graph: &Graph, id: ExprId) -> Option<String> {
        match graph.node(id) {
            vecfield_expr::Node::Symbol(symbol) => Some(graph.name(symbol).to_string()),
            _ => None,
        }
    }

    fn unknown_of(&self, graph: &Graph, id: ExprId) -> Result<Jet, ParseErrorKind> {
        let name = Self::name_of(graph, id).unwrap_or_else(|| graph.to_text(id));
        let found = self.language.jet(&name).ok();
        found.ok_or_else(|| ParseErrorKind::UnknownName {
            nearest: nearest_name(&name, self.language.unknowns.iter().map(String::as_str)).map(str::to_string),
            name,
            known: self.language.unknowns.join(", "),
        })
    }

    fn coordinate_of(&self, graph: &Graph, id: ExprId) -> Result<usize, ParseErrorKind> {
        let name = Self::name_of(graph, id).unwrap_or_else(|| graph.to_text(id));
        let coordinates = &self.language.coordinates;
        coordinates.iter().position(|c| *c == name).ok_or_else(|| ParseErrorKind::UnknownName {
            nearest: nearest_name(&name, coordinates.iter().map(String::as_str)).map(str::to_string),
            name,
            known: coordinates.join(", "),
        })
    }

    fn derivative(graph: &mut Graph, jet: &Jet, by: usize, times: u8) -> ExprId {
        let mut jet = jet.clone();
        jet.order[by] += times;
        graph.symbol(&jet_symbol(&jet))
    }

    /// `Σ u_ii` or `Σ u_i²` over space; over `|x|²` alone, `4 r u_rr + 2 n u_r` and `4 r u_r²` with `r = |x|²`.
    fn over_space(&self, graph: &mut Graph, jet: &Jet, laplacian: bool) -> ExprId {
        let mut terms = Vec::new();
        for by in self.language.space() {
            let radial = self.language.groups.iter().find(|g| g.first == by).and_then(|g| g.radial);
            let first = Self::derivative(graph, jet, by, 1);
            let second = Self::derivative(graph, jet, by, 2);
            let square = graph.mul(first, first);
            terms.push(match (radial, laplacian) {
                (None, true) => second,
                (None, false) => square,
                (Some(n), true) => {
                    let (r, four, twice) = (
                        graph.symbol(&self.language.coordinates[by]),
                        graph.constant(4.0),
                        graph.constant(2.0 * n as f64),
                    );
                    let spread = graph.mul(r, second);
                    let (spread, drift) = (graph.mul(four, spread), graph.mul(twice, first));
                    graph.add(spread, drift)
                }
                (Some(_), false) => {
                    let (r, four) = (graph.symbol(&self.language.coordinates[by]), graph.constant(4.0));
                    let product = graph.mul(r, square);
                    graph.mul(four, product)
                }
            });
        }
        graph.sum(terms)
    }

    fn norm2(&self, graph: &mut Graph, argument: ExprId) -> Result<ExprId, ParseErrorKind> {
        let name = Self::name_of(graph, argument).unwrap_or_default();
        if let Some(group) = self.language.groups.iter().find(|group| group.name == name) {
            if group.radial.is_some() {
                return Ok(graph.symbol(&self.language.coordinates[group.first]));
            }
            let squares: Vec<ExprId> = (group.first..group.first + group.count)
                .map(|i| {
                    let x = graph.symbol(&self.language.coordinates[i]);
                    graph.mul(x, x)
                })
                .collect();
            return Ok(graph.sum(squares));
        }
        let by = self.coordinate_of(graph, argument)?;
        let x = graph.symbol(&self.language.coordinates[by]);
        Ok(graph.mul(x, x))
    }

    fn integral(&mut self, graph: &mut Graph, arguments: &[ExprId]) -> Result<ExprId, ParseErrorKind> {
        let &[body, variable, a, b] = arguments else {
            return Err(ParseErrorKind::WrongArity { name: "integral".into(), takes: 4, given: arguments.len() });
        };
        let nested = graph.symbols(body).iter().any(|&s| graph.name(s).starts_with("integral["));
        let Some(name) = Self::name_of(graph, variable).filter(|_| !nested) else {
            return Err(refused("integral inside an integral, or over something that is no name", None));
        };
        let symbol = integral_symbol(self.reading.integrals.len());
        self.reading.integrals.push(IntegralText { body, over: Some((name, a, b)) });
        Ok(graph.symbol(&symbol))
    }

    fn fractional(&mut self, graph: &mut Graph, u: ExprId, s: ExprId) -> Result<ExprId, ParseErrorKind> {
        let mut jet = self.unknown_of(graph, u)?;
        let named = Self::name_of(graph, s).and_then(|name| self.language.parameters.get(&name).copied());
        let exponent = graph.constant_value(s).or(named);
        let Some(exponent) = exponent.filter(|s| *s > 0.0 && *s < 1.0) else {
            return Err(refused("fraclap with an exponent that is no number between 0 and 1", None));
        };
        if self.reading.fraction.is_some_and(|other| other != exponent) {
            return Err(refused("fraclap with two different exponents", None));
        }
        self.reading.fraction = Some(exponent);
        let by = self.language.space()[0];
        jet.order[by] = FRACTION;
        Ok(graph.symbol(&jet_symbol(&jet)))
    }
}

impl Calls for Operators<'_> {
    fn names(&self) -> Vec<&str> {
        OPERATORS.to_vec()
    }

    fn call(&mut self, graph: &mut Graph, name: &str, arguments: &[ExprId]) -> Result<ExprId, ParseErrorKind> {
        let arity = |takes: usize| ParseErrorKind::WrongArity { name: name.into(), takes, given: arguments.len() };
        match (name, arguments) {
            ("d", [u, by @ ..]) if !by.is_empty() => {
                let mut jet = self.unknown_of(graph, *u)?;
                for &id in by {
                    jet.order[self.coordinate_of(graph, id)?] += 1;
                }
                Ok(graph.symbol(&jet_symbol(&jet)))
            }
            ("d", _) => Err(arity(2)),
            ("laplacian" | "grad2", &[u]) => {
                let jet = self.unknown_of(graph, u)?;
                Ok(self.over_space(graph, &jet, name == "laplacian"))
            }
            ("norm2", &[x]) => self.norm2(graph, x),
            ("laplacian" | "grad2" | "norm2", _) => Err(arity(1)),
            ("integral", _) => self.integral(graph, arguments),
            ("fraclap", &[u, s]) => self.fractional(graph, u, s),
            ("fraclap", _) => Err(arity(2)),
            _ => Err(refused(name, nearest_name(name, OPERATORS).map(str::to_string))),
        }
    }
}
