//! From the tables of a model file to formulas in one graph, with the calls of networks cut out of them.
//!
//! A call stands in a formula as a symbol that no text can write; its arguments are formulas of their own.

use std::collections::HashMap;

use vecfield_expr::{
    Calls, ExprId, Graph, NameError, Node, ParseErrorKind, Scope, check_name, dependency_order, nearest_name,
};

use crate::error::SettingError;
use crate::settings::{Constant, Formula, Formulas, LAYERS, Settings, unfit};

/// The formulas of a model, read.
pub(super) struct Equations {
    pub(super) graph: Graph,
    /// By name, each with whether it stays as it is.
    pub(super) constants: Vec<(String, Constant, bool)>,
    /// The rate of each variable, definitions filled in.
    pub(super) rates: Vec<(String, ExprId)>,
    /// The networks that the rates depend on: names and numbers of inputs.
    pub(super) networks: Vec<(String, usize)>,
    /// Their calls, each behind those that its arguments depend on.
    pub(super) calls: Vec<Call>,
}

/// A call of a network.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    /// Which, by its place.
    pub(super) network: usize,
    /// What stands in formulas for it.
    pub(super) symbol: String,
    pub(super) arguments: Vec<ExprId>,
}

impl Equations {
    /// Reads the formulas of a model file.
    ///
    /// # Errors
    ///
    /// The first that is wrong.
    pub(super) fn read(settings: &Settings) -> Result<Equations, SettingError> {
        if settings.equations.is_empty() {
            let reason = "a ude has [equations], the rate of each variable; add, for example\n  [equations]\n  \
                          x = \"a*x - net1(x, y)\"";
            return Err(SettingError::Rejected { key: "equations", reason: reason.into() });
        }
        if settings.field.time.is_some() {
            let reason =
                "the networks of formulas see what they are given: leave `time` out, and write net1(x, t)".into();
            return Err(SettingError::Rejected { key: "field.time", reason });
        }
        let scope = scope(settings)?;
        let constants = constants(settings)?;
        let networks = Networks { declared: settings.networks.keys().cloned().collect(), ..Networks::default() };
        let mut reader = Reader { graph: Graph::new(), scope, networks, expanded: vec![] };
        let definitions = reader.formulas("definitions", &settings.definitions)?;
        let equations = reader.formulas("equations", &settings.equations)?;
        reader.define(&definitions)?;
        let rates: Vec<_> = equations.into_iter().map(|(name, id)| (name, reader.expand(id))).collect();
        let equations = reader.finish(constants, rates);
        equations.check_networks(settings)?;
        if equations.networks.is_empty() && equations.constants.iter().all(|(_, _, fixed)| *fixed) {
            let reason = "these equations have neither a network nor a constant that is trained; write net1(..) for what \
                          is not known";
            return Err(SettingError::Rejected { key: "equations", reason: reason.into() });
        }
        Ok(equations)
    }

    fn check_networks(&self, settings: &Settings) -> Result<(), SettingError> {
        for (name, own) in &settings.networks {
            let key = format!("networks.{name}");
            check_name(name).map_err(|error| misnamed(&key, &error))?;
            if !self.networks.iter().any(|(used, _)| used == name) {
                let used: Vec<&str> = self.networks.iter().map(|(used, _)| used.as_str()).collect();
                let there = if used.is_empty() { "no network".into() } else { used.join(", ") };
                let reason = format!("no equation calls `{name}`{}; they call {there}", did_you_mean(name, used));
                return Err(SettingError::Formula { key, inside: None, reason });
            }
            if let Some(found) = unfit(own.layers.as_deref().unwrap_or_default()) {
                let (key, reason) = (format!("{key}.layers"), format!("{key}.layers is {found}; it must be {LAYERS}"));
                return Err(SettingError::Formula { key, inside: None, reason });
            }
        }
        Ok(())
    }
}

/// All names that formulas may use: one thing each.
fn scope(settings: &Settings) -> Result<Scope, SettingError> {
    let mut scope = Scope::new(["t"]).unwrap_or_default();
    let mut kinds: HashMap<&str, &str> = HashMap::new();
    let names = settings.parameters.keys().map(|name| ("parameters", "constant", name));
    let names = names.chain(settings.definitions.keys().map(|name| ("definitions", "definition", name)));
    let names = names.chain(settings.equations.keys().map(|name| ("equations", "variable", name)));
    for (table, kind, name) in names {
        let key = format!("{table}.{name}");
        let refused = |reason| SettingError::Formula { key: key.clone(), inside: None, reason };
        if name == "t" {
            return Err(refused(format!("`t` is the time in every formula; choose another name for this {kind}")));
        }
        if let Some(first) = kinds.insert(name, kind) {
            return Err(refused(format!("`{name}` is already a {first}; choose another name for this {kind}")));
        }
        if settings.networks.contains_key(name) {
            return Err(refused(format!("`{name}` is already a network; choose another name for this {kind}")));
        }
        scope.insert(name.as_str()).map_err(|error| misnamed(&key, &error))?;
    }
    Ok(scope)
}

fn misnamed(key: &str, error: &NameError) -> SettingError {
    SettingError::Formula { key: key.into(), inside: None, reason: error.to_string() }
}

fn constants(settings: &Settings) -> Result<Vec<(String, Constant, bool)>, SettingError> {
    let fixed = settings.model.fixed.as_deref().unwrap_or_default();
    if let Some(name) = fixed.iter().find(|name| !settings.parameters.contains_key(*name)) {
        let known: Vec<&str> = settings.parameters.keys().map(String::as_str).collect();
        let there = if known.is_empty() { "none".into() } else { known.join(", ") };
        let reason = format!("there is no constant `{name}`{}; [parameters] has {there}", did_you_mean(name, known));
        return Err(SettingError::Rejected { key: "model.fixed", reason });
    }
    let constant = |(name, &constant): (&String, &Constant)| {
        let Constant { value, min, max } = constant;
        if !(value.is_finite() && min <= value && value <= max && min < max) {
            let reason = format!(
                "the constant `{name}`: min, value and max must be finite and rise, but are {min}, {value}, {max}; to hold a \
                 constant add it to `fixed` in [model]"
            );
            return Err(SettingError::Formula { key: format!("parameters.{name}"), inside: None, reason });
        }
        Ok((name.clone(), constant, fixed.contains(name)))
    };
    settings.parameters.iter().map(constant).collect()
}

/// ` (did you mean `x`?)`, or nothing where no known name is near.
fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest_name(name, known).map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default()
}

/// Formulas on their way.
struct Reader {
    graph: Graph,
    scope: Scope,
    networks: Networks,
    /// Symbols of definitions and of calls as they were written, with what they stand for.
    expanded: Vec<(ExprId, ExprId)>,
}

/// Names of networks, and the calls met so far.
#[derive(Default)]
struct Networks {
    declared: Vec<String>,
    used: Vec<(String, usize)>,
    calls: Vec<Call>,
    /// Places of calls, by what they are and by their symbols.
    made: HashMap<(usize, Vec<ExprId>), usize>,
    places: HashMap<String, usize>,
}

impl Calls for Networks {
    fn names(&self) -> Vec<&str> {
        self.declared.iter().chain(self.used.iter().map(|(name, _)| name)).map(String::as_str).collect()
    }

    fn has(&self, name: &str) -> bool {
        name.starts_with("net") || self.declared.iter().any(|declared| declared == name)
    }

    fn call(&mut self, graph: &mut Graph, name: &str, arguments: &[ExprId]) -> Result<ExprId, ParseErrorKind> {
        let given = arguments.len();
        let network = self.used.iter().position(|(used, _)| used == name);
        let takes = network.map_or(given.max(1), |network| self.used[network].1);
        if takes != given {
            return Err(ParseErrorKind::WrongArity { name: name.into(), takes, given });
        }
        let network = network.unwrap_or_else(|| {
            self.used.push((name.into(), given));
            self.used.len() - 1
        });
        Ok(self.standing_for(graph, network, arguments.to_vec()))
    }
}

impl Networks {
    /// The symbol of a call; of the same arguments the same.
    fn standing_for(&mut self, graph: &mut Graph, network: usize, arguments: Vec<ExprId>) -> ExprId {
        let place = self.calls.len();
        let (key, name) = ((network, arguments), &self.used[network].0);
        if let Some(&made) = self.made.get(&key) {
            return graph.symbol(&self.calls[made].symbol);
        }
        let symbol = format!("call {place} of {name}");
        let id = graph.symbol(&symbol);
        self.places.insert(symbol.clone(), place);
        self.calls.push(Call { network, symbol, arguments: key.1.clone() });
        self.made.insert(key, place);
        id
    }

    /// The calls that formulas depend on, by their places, rising: arguments before what uses them.
    fn within(&self, graph: &Graph, formulas: &[ExprId]) -> Vec<usize> {
        let (mut waiting, mut met) = (formulas.to_vec(), vec![false; self.calls.len()]);
        while let Some(id) = waiting.pop() {
            for symbol in graph.symbols(id) {
                let Some(&place) = self.places.get(graph.name(symbol)) else { continue };
                if !core::mem::replace(&mut met[place], true) {
                    waiting.extend_from_slice(&self.calls[place].arguments);
                }
            }
        }
        (0..met.len()).filter(|&place| met[place]).collect()
    }
}

impl Reader {
    fn formulas(&mut self, table: &str, formulas: &Formulas) -> Result<Vec<(String, ExprId)>, SettingError> {
        let mut read = |(name, Formula(text)): (&String, &Formula)| {
            let parsed = self.graph.parse_calling(text, &self.scope, &mut self.networks);
            let id = parsed.map_err(|error| {
                let key = format!("{table}.{name}");
                let reason = format!("{key}: {}", error.kind());
                SettingError::Formula { key, inside: Some(error.span()), reason }
            })?;
            Ok((name.clone(), id))
        };
        formulas.iter().map(&mut read).collect()
    }

    /// Fills the definitions into each other.
    fn define(&mut self, definitions: &[(String, ExprId)]) -> Result<(), SettingError> {
        let places: HashMap<&str, usize> =
            definitions.iter().enumerate().map(|(place, (name, _))| (name.as_str(), place)).collect();
        let needs = |&(_, id): &(String, ExprId)| {
            let calls = self.networks.within(&self.graph, &[id]);
            let arguments = calls.into_iter().flat_map(|call| self.networks.calls[call].arguments.iter().copied());
            let symbols = [id].into_iter().chain(arguments).flat_map(|id| self.graph.symbols(id));
            let mut needs: Vec<usize> = symbols.filter_map(|s| places.get(self.graph.name(s)).copied()).collect();
            needs.sort_unstable();
            needs.dedup();
            needs
        };
        let needs: Vec<Vec<usize>> = definitions.iter().map(needs).collect();
        let order = dependency_order(&needs).map_err(|circle| {
            let path: Vec<&str> = circle.iter().map(|&place| definitions[place].0.as_str()).collect();
            let reason = format!(
                "the definitions go round in a circle: {}; write one of them without the others",
                path.join(" -> ")
            );
            SettingError::Formula { key: format!("definitions.{}", path[0]), inside: None, reason }
        })?;
        for place in order {
            let (name, id) = &definitions[place];
            let (symbol, whole) = (self.graph.symbol(name), self.expand(*id));
            self.expanded.push((symbol, whole));
        }
        Ok(())
    }

    /// The formula with the definitions filled in that are there by now, in arguments too.
    fn expand(&mut self, id: ExprId) -> ExprId {
        for place in self.networks.within(&self.graph, &[id]) {
            let Call { network, symbol, arguments } = self.networks.calls[place].clone();
            let whole = arguments.into_iter().map(|id| self.graph.substitute(id, &self.expanded)).collect();
            let (from, to) = (self.graph.symbol(&symbol), self.networks.standing_for(&mut self.graph, network, whole));
            if from != to {
                self.expanded.push((from, to));
            }
        }
        self.graph.substitute(id, &self.expanded)
    }

    /// What the rates depend on.
    fn finish(self, constants: Vec<(String, Constant, bool)>, rates: Vec<(String, ExprId)>) -> Equations {
        let Reader { graph, networks: Networks { used, calls, .. }, .. } = &self;
        let roots: Vec<ExprId> = rates.iter().map(|&(_, id)| id).collect();
        let within = self.networks.within(graph, &roots);
        let called: Vec<usize> =
            (0..used.len()).filter(|&network| within.iter().any(|&call| calls[call].network == network)).collect();
        let renumbered = |&place: &usize| {
            let network = called.binary_search(&calls[place].network).expect("it is called");
            Call { network, ..calls[place].clone() }
        };
        let (calls, networks) =
            (within.iter().map(renumbered).collect(), called.iter().map(|&network| used[network].clone()).collect());
        Equations { graph: self.graph, constants, rates, networks, calls }
    }
}

impl Equations {
    /// How deep calls nest: 0 for one whose arguments need no call, and so on, in their order.
    pub(super) fn depths(&self) -> Vec<usize> {
        let place: HashMap<&str, usize> =
            self.calls.iter().enumerate().map(|(place, call)| (call.symbol.as_str(), place)).collect();
        let mut depths: Vec<usize> = Vec::with_capacity(self.calls.len());
        for call in &self.calls {
            let within = self.graph.reachable(&call.arguments);
            let inner = within.ids().iter().filter_map(|&id| match self.graph.node(id) {
                Node::Symbol(symbol) => place.get(self.graph.name(symbol)).map(|&inner| depths[inner] + 1),
                _ => None,
            });
            depths.push(inner.max().unwrap_or(0));
        }
        depths
    }
}
