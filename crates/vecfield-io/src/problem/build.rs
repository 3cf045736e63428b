//! From the tables of a file to a [`Problem`]: names first, then formulas, then what ties them together.

use std::collections::HashMap;
use std::path::Path;

use toml::de::{DeTable, DeValue};
use vecfield_expr::{ExprId, Graph, Scope, check_name, dependency_order};
use vecfield_traits::Calculus;

use super::ensemble::{Known, ensemble};
use super::error::{ProblemError, ProblemReason};
use super::fitting::{fit_settings, parameter};
use super::toml::{Entry, Section, Source};
use super::{Definition, Direction, Discrete, Event, Parameter, Problem, SettingError, Settings, Stochastic, Variable};
use crate::names::did_you_mean;

const TABLES: [&str; 15] = [
    "title",
    "source",
    "tags",
    "parameters",
    "definitions",
    "initial",
    "equations",
    "algebraic",
    "stiff",
    "noise",
    "discrete",
    "event",
    "solve",
    "ensemble",
    "fit",
];

/// Reads `text`; `file` is what messages call it.
pub(super) fn problem(file: &str, text: &str) -> Result<Problem, ProblemError> {
    let source = Source { file, text };
    let document = DeTable::parse(text).map_err(|e| {
        let message = e.message().replace('\n', ", ");
        source.error(e.span().unwrap_or(0..0), ProblemReason::Toml { message })
    })?;
    let root = Section::root(source, document.get_ref());
    root.allow(&TABLES)?;
    let (title, cited) = (root.get("title"), root.get("source"));
    let tags = root.get("tags").map(|tags| tags.texts()).transpose()?.unwrap_or_default();
    let mut builder = Builder::new(source);
    builder.names(&root)?;
    let lines = builder.lines(&root)?;
    let definitions = builder.definitions(&root)?;
    let variables = builder.variables(&lines, &definitions)?;
    let events = builder.events(&root, &definitions, &variables)?;
    let settings = settings(&root, variables.len())?;
    let noise = root.get("noise").map(|entry| stochastic(&mut builder, &root, &entry, &definitions, &variables));
    let noise = noise.transpose()?;
    let random = root.get("ensemble").is_some() || noise.is_some();
    if let (Some(paths), false) = (entries(&root, "solve")?.iter().find(|e| e.key == "paths"), random) {
        return Err(paths.key_error(ProblemReason::PathsOfNothing));
    }
    let ensemble = root.get("ensemble").map(|entry| {
        let known = Known {
            parameters: builder.parameters.iter().map(|p| p.name.as_str()).collect(),
            variables: variables.iter().map(|v| v.name.as_str()).collect(),
            discrete: builder.discrete.iter().map(|d| d.name.as_str()).collect(),
        };
        let folder = Path::new(file).parent().unwrap_or(Path::new(""));
        ensemble(&entry.table()?, &known, folder)
    });
    let ensemble = ensemble.transpose()?;
    let fit = root.get("fit").map(|fit| fit_settings(&fit.table()?, |entry| builder.observable(entry, &definitions)));
    Ok(Problem {
        fit: fit.transpose()?.unwrap_or_default(),
        ensemble,
        title: title.map(|e| e.text().map(String::from)).transpose()?,
        source: cited.map(|e| e.text().map(String::from)).transpose()?,
        tags,
        graph: builder.graph,
        parameters: builder.parameters,
        definitions: definitions.list,
        variables,
        discrete: builder.discrete,
        events,
        noise,
        settings,
    })
}

/// What a name stands for, as messages call it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Parameter,
    Definition,
    Variable,
    Discrete,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Parameter => "parameter",
            Kind::Definition => "definition",
            Kind::Variable => "variable",
            Kind::Discrete => "discrete value",
        }
    }
}

/// The definitions, and what each name is replaced by.
struct Definitions {
    list: Vec<Definition>,
    replacements: Vec<(ExprId, ExprId)>,
}

/// A variable as the file has it.
struct Lines<'a> {
    start: Entry<'a>,
    equation: Entry<'a>,
    algebraic: bool,
    stiff: Option<Entry<'a>>,
}

struct Builder<'a> {
    source: Source<'a>,
    graph: Graph,
    scope: Scope,
    kinds: HashMap<&'a str, Kind>,
    parameters: Vec<Parameter>,
    discrete: Vec<Discrete>,
}

impl<'a> Builder<'a> {
    fn new(source: Source<'a>) -> Self {
        let scope = Scope::new(["t"]).unwrap_or_default();
        Self { source, graph: Graph::new(), scope, kinds: HashMap::new(), parameters: Vec::new(), discrete: Vec::new() }
    }

    /// Every name of the problem, with the values of those that are numbers.
    fn names(&mut self, root: &Section<'a>) -> Result<(), ProblemError> {
        for entry in entries(root, "parameters")? {
            self.name(&entry, Kind::Parameter)?;
            self.parameters.push(parameter(&entry)?);
        }
        for entry in entries(root, "initial")? {
            self.name(&entry, Kind::Variable)?;
        }
        for entry in entries(root, "definitions")? {
            self.name(&entry, Kind::Definition)?;
        }
        for entry in entries(root, "discrete")? {
            self.name(&entry, Kind::Discrete)?;
            self.discrete.push(Discrete { name: entry.key.into(), value: entry.number()? });
        }
        Ok(())
    }

    fn name(&mut self, entry: &Entry<'a>, kind: Kind) -> Result<(), ProblemError> {
        if entry.key == "t" {
            return Err(entry.key_error(ProblemReason::NamedTime { kind: kind.word() }));
        }
        check_name(entry.key).map_err(|e| entry.key_error(e))?;
        if let Some(first) = self.kinds.insert(entry.key, kind) {
            let (first, second) = (first.word(), kind.word());
            return Err(entry.key_error(ProblemReason::NameTaken { name: entry.key.into(), first, second }));
        }
        self.scope.insert(entry.key).map_err(|e| entry.key_error(e))?;
        Ok(())
    }

    /// The formula (or number) of an entry, definitions not yet filled in.
    fn formula(&mut self, entry: &Entry<'a>) -> Result<ExprId, ProblemError> {
        match entry.value() {
            DeValue::String(text) => self.graph.parse(text, &self.scope).map_err(|e| {
                let reason = ProblemReason::Formula { what: entry.what.clone(), reason: e.kind().to_string() };
                entry.error_inside(e.span(), reason)
            }),
            DeValue::Float(_) | DeValue::Integer(_) => Ok(self.graph.constant(entry.number()?)),
            _ => Err(entry.kind("a formula in quotes or a finite number")),
        }
    }

    /// The definitions, each written in parameters, variables, discrete values and `t` alone.
    fn definitions(&mut self, root: &Section<'a>) -> Result<Definitions, ProblemError> {
        let entries = entries(root, "definitions")?;
        let formulas = entries.iter().map(|e| self.formula(e)).collect::<Result<Vec<_>, _>>()?;
        let position: HashMap<&str, usize> = entries.iter().enumerate().map(|(i, e)| (e.key, i)).collect();
        let needs: Vec<Vec<usize>> = formulas
            .iter()
            .map(|&f| self.graph.symbols(f).iter().filter_map(|&s| position.get(self.graph.name(s)).copied()).collect())
            .collect();
        let order = dependency_order(&needs).map_err(|circle| {
            let path: Vec<&str> = circle.iter().map(|&i| entries[i].key).collect();
            entries[circle[0]].key_error(ProblemReason::Cycle { path: path.join(" -> ") })
        })?;
        let mut expanded = formulas;
        let symbols: Vec<ExprId> = entries.iter().map(|e| self.graph.symbol(e.key)).collect();
        for i in order {
            let known: Vec<_> = needs[i].iter().map(|&j| (symbols[j], expanded[j])).collect();
            expanded[i] = self.graph.substitute(expanded[i], &known);
        }
        let replacements = symbols.into_iter().zip(expanded.iter().copied()).collect();
        let list = entries.iter().zip(&expanded).map(|(e, &formula)| Definition { name: e.key.into(), formula });
        Ok(Definitions { list: list.collect(), replacements })
    }

    fn expanded(&mut self, entry: &Entry<'a>, definitions: &Definitions) -> Result<ExprId, ProblemError> {
        let formula = self.formula(entry)?;
        Ok(self.graph.substitute(formula, &definitions.replacements))
    }

    /// What a column measures that is no variable.
    fn observable(&mut self, entry: &Entry<'a>, definitions: &Definitions) -> Result<ExprId, ProblemError> {
        if let Some(kind @ (Kind::Variable | Kind::Parameter)) = self.kinds.get(entry.key) {
            let (name, kind) = (entry.key.into(), kind.word());
            return Err(entry.key_error(ProblemReason::ObservesName { name, kind }));
        }
        self.expanded(entry, definitions)
    }

    /// Every variable has an initial value and an equation. Asked before any formula is read: a variable that is missing
    /// here is an unknown name everywhere else, which would be the lesser explanation.
    fn lines(&self, root: &Section<'a>) -> Result<Vec<Lines<'a>>, ProblemError> {
        let required = |table, example| {
            let entry = root.get(table);
            let at = entry.as_ref().map_or(0..0, |entry| entry.at.clone());
            let section = entry.map(|entry| entry.table()).transpose()?.filter(|section| !section.is_empty());
            section.ok_or_else(|| self.source.error(at, ProblemReason::MissingTable { table, example }))
        };
        let starts = required("initial", "x = 1.0")?;
        let equations = required("equations", "x = \"-x\"")?;
        let algebraic = root.get("algebraic").map(|entry| entry.table()).transpose()?;
        let constraints = algebraic.as_ref().map(Section::entries).unwrap_or_default();
        if let Some(entry) = constraints.iter().find(|e| equations.get(e.key).is_some()) {
            return Err(entry.key_error(ProblemReason::TwoEquations { variable: entry.key.into() }));
        }
        if let Some(entry) = equations.entries().iter().chain(&constraints).find(|e| starts.get(e.key).is_none()) {
            let known = starts.entries();
            let hint = did_you_mean(entry.key, known.iter().map(|start| start.key));
            return Err(entry.key_error(ProblemReason::NoInitial { variable: entry.key.into(), hint }));
        }
        let stiff = root.get("stiff").map(|entry| entry.table()).transpose()?;
        let parts = stiff.as_ref().map(Section::entries).unwrap_or_default();
        if let Some(part) = parts.iter().find(|part| equations.get(part.key).is_none()) {
            return Err(stiff_of_nothing(part, &equations, constraints.iter().any(|e| e.key == part.key)));
        }
        let lines = |start: Entry<'a>| {
            let constraint = algebraic.as_ref().and_then(|section| section.get(start.key));
            match (equations.get(start.key), constraint) {
                (Some(equation), _) => {
                    let stiff = stiff.as_ref().and_then(|section| section.get(start.key));
                    Ok(Lines { start, equation, algebraic: false, stiff })
                }
                (None, Some(equation)) => Ok(Lines { start, equation, algebraic: true, stiff: None }),
                (None, None) => Err(start.key_error(ProblemReason::NoEquation { variable: start.key.into() })),
            }
        };
        starts.entries().into_iter().map(lines).collect()
    }

    fn variables(&mut self, lines: &[Lines<'a>], definitions: &Definitions) -> Result<Vec<Variable>, ProblemError> {
        let mut variables = Vec::with_capacity(lines.len());
        for Lines { start, equation, algebraic, stiff } in lines {
            let rate = self.expanded(equation, definitions)?;
            let initial = self.expanded(start, definitions)?;
            self.known_at_start(start, initial)?;
            let stiff = stiff.as_ref().map(|part| self.expanded(part, definitions)).transpose()?;
            variables.push(Variable { name: start.key.into(), initial, rate, algebraic: *algebraic, stiff });
        }
        Ok(variables)
    }

    /// An initial value is a formula of parameters.
    fn known_at_start(&self, entry: &Entry<'a>, initial: ExprId) -> Result<(), ProblemError> {
        for symbol in self.graph.symbols(initial) {
            let name = self.graph.name(symbol);
            let kind = match self.kinds.get(name) {
                Some(Kind::Parameter) => continue,
                Some(kind) => kind.word(),
                None => "moment in time",
            };
            let (variable, name) = (entry.key.into(), name.into());
            return Err(entry.error(ProblemReason::InitialDepends { variable, name, kind }));
        }
        Ok(())
    }

    fn events(
        &mut self,
        root: &Section<'a>,
        definitions: &Definitions,
        variables: &[Variable],
    ) -> Result<Vec<Event>, ProblemError> {
        let mut events: Vec<Event> = Vec::new();
        let sections = root.get("event").map(|e| e.tables()).transpose()?.unwrap_or_default();
        for (i, section) in sections.iter().enumerate() {
            section.allow(&["name", "when", "direction", "set", "stop_after"])?;
            let name = match section.get("name") {
                Some(name) => name.text()?.to_string(),
                None => format!("event {}", i + 1),
            };
            if let (Some(entry), true) = (section.get("name"), events.iter().any(|e| e.name == name)) {
                return Err(entry.error(ProblemReason::EventNamedTwice { name }));
            }
            let guard = self.expanded(&section.require("when", "when = \"x - 1\"")?, definitions)?;
            let direction = section.get("direction").map(|d| direction(&d)).transpose()?.unwrap_or(Direction::Any);
            let stop_after = section.get("stop_after").map(|n| n.count()).transpose()?;
            let mut jump = Vec::new();
            if let Some(set) = section.get("set") {
                for entry in set.table()?.entries() {
                    self.settable(&entry, &name)?;
                    if variables.iter().any(|variable| variable.algebraic && variable.name == entry.key) {
                        let (event, variable) = (name.clone(), entry.key.into());
                        return Err(entry.key_error(ProblemReason::SetsAlgebraic { event, variable }));
                    }
                    jump.push((entry.key.to_string(), self.expanded(&entry, definitions)?));
                }
            }
            events.push(Event { name, guard, direction, jump, stop_after });
        }
        Ok(events)
    }

    fn settable(&self, entry: &Entry<'a>, event: &str) -> Result<(), ProblemError> {
        let settable = |kind: Option<&Kind>| matches!(kind, Some(Kind::Variable | Kind::Discrete));
        if settable(self.kinds.get(entry.key)) {
            return Ok(());
        }
        let mut known: Vec<&str> =
            self.kinds.iter().filter(|(_, k)| settable(Some(k))).map(|(name, _)| *name).collect();
        known.sort_unstable();
        let hint = did_you_mean(entry.key, known.iter().copied());
        let (event, name, known) = (event.into(), entry.key.into(), known.join(", "));
        Err(entry.key_error(ProblemReason::NotSettable { event, name, hint, known }))
    }
}

fn entries<'a>(root: &Section<'a>, table: &str) -> Result<Vec<Entry<'a>>, ProblemError> {
    Ok(root.get(table).map(|entry| entry.table()).transpose()?.map(|t| t.entries()).unwrap_or_default())
}

/// A part of an equation that is not there.
fn stiff_of_nothing(part: &Entry<'_>, equations: &Section<'_>, algebraic: bool) -> ProblemError {
    let variable = part.key.into();
    if algebraic {
        return part.key_error(ProblemReason::StiffAlgebraic { variable });
    }
    let known: Vec<&str> = equations.entries().iter().map(|equation| equation.key).collect();
    let hint = did_you_mean(part.key, known.iter().copied());
    part.key_error(ProblemReason::StiffOfNothing { variable, hint, known: known.join(", ") })
}

fn direction(entry: &Entry<'_>) -> Result<Direction, ProblemError> {
    match entry.text()? {
        "rising" => Ok(Direction::Rising),
        "falling" => Ok(Direction::Falling),
        "any" => Ok(Direction::Any),
        _ => Err(entry.kind("\"rising\", \"falling\" or \"any\"")),
    }
}

/// `[noise]`: a row of the diffusion for every variable it names, zeros for the others.
fn stochastic<'a>(
    builder: &mut Builder<'a>,
    root: &Section<'a>,
    entry: &Entry<'a>,
    definitions: &Definitions,
    variables: &[Variable],
) -> Result<Stochastic, ProblemError> {
    let beside = [
        ("event", "events: what a path does between two steps is not known"),
        ("discrete", "discrete values, which events alone could change"),
        ("algebraic", "algebraic equations"),
        ("stiff", "stiff part told apart (--method drift-implicit-euler takes the whole drift implicitly)"),
        ("ensemble", "[ensemble]: paths = 1000 draws the noise so often, for one set of parameters"),
    ];
    if let Some((_, what)) = beside.into_iter().find(|(table, _)| root.get(table).is_some()) {
        return Err(entry.key_error(ProblemReason::BesideNoise { what }));
    }
    let noise = entry.table()?;
    let calculus = match noise.get("interpretation") {
        None => Calculus::Ito,
        Some(entry) => match entry.text()? {
            "ito" => Calculus::Ito,
            "stratonovich" => Calculus::Stratonovich,
            _ => return Err(entry.kind("\"ito\" or \"stratonovich\"")),
        },
    };
    let lines: Vec<Entry<'a>> = noise.entries().into_iter().filter(|line| line.key != "interpretation").collect();
    let Some(first) = lines.first() else {
        return Err(entry.key_error(ProblemReason::NoNoise { for_what: String::new() }));
    };
    let columns = first.items("a list of formulas, one for each Brownian motion")?.len();
    let zero = builder.graph.constant(0.0);
    let mut diffusion = vec![vec![zero; columns]; variables.len()];
    for line in &lines {
        let Some(place) = variables.iter().position(|variable| variable.name == line.key) else {
            let hint = did_you_mean(line.key, variables.iter().map(|variable| variable.name.as_str()));
            return Err(line.key_error(ProblemReason::NoiseOfNothing { variable: line.key.into(), hint }));
        };
        let items = line.items("a list of formulas, one for each Brownian motion")?;
        if items.is_empty() {
            return Err(line.error(ProblemReason::NoNoise { for_what: format!(" for `{}`", line.key) }));
        }
        if items.len() != columns {
            let (variable, found, first) = (line.key.into(), items.len(), first.key.into());
            return Err(line.error(ProblemReason::NoiseShape { variable, found, first, expected: columns }));
        }
        for (column, item) in items.iter().enumerate() {
            diffusion[place][column] = builder.expanded(item, definitions)?;
        }
    }
    Ok(Stochastic { calculus, diffusion })
}

fn settings(root: &Section<'_>, variables: usize) -> Result<Settings, ProblemError> {
    let mut settings = Settings::default();
    let Some(entry) = root.get("solve") else { return Ok(settings) };
    let solve = entry.table()?;
    solve.allow(&[
        "t",
        "save",
        "save_count",
        "method",
        "rtol",
        "atol",
        "norm",
        "linear",
        "step",
        "max_step",
        "discontinuities",
        "paths",
    ])?;
    for setting in solve.entries() {
        let set = match setting.key {
            "t" => settings.set_span(&setting.numbers()?),
            "save" => settings.set_save(setting.numbers()?),
            "save_count" if solve.get("save").is_some() => Err(SettingError::SaveTwice),
            "save_count" => settings.set_save_count(setting.count()?),
            "method" => settings.set_method(setting.text()?),
            "rtol" => settings.set_rtol(setting.number()?),
            "atol" if matches!(setting.value(), DeValue::Array(_)) => settings.set_atol(setting.numbers()?),
            "atol" => settings.set_atol(vec![setting.number()?]),
            "norm" => settings.set_norm(setting.text()?),
            "linear" => settings.set_linear(setting.text()?),
            "step" => settings.set_step(setting.number()?),
            "max_step" => settings.set_max_step(setting.number()?),
            "discontinuities" => settings.set_discontinuities(setting.numbers()?),
            _ => settings.set_paths(setting.count()?),
        };
        set.map_err(|e| setting.error(e))?;
    }
    settings.check(variables).map_err(|e| match solve.get(e.key()) {
        Some(setting) => setting.error(e),
        None => entry.key_error(e),
    })?;
    Ok(settings)
}
