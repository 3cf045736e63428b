//! Formulas for several targets of one table, and the parts that they share.

use std::collections::{HashMap, HashSet};

use vecfield_expr::{ExprId, Graph, Scope};

use crate::candidate::{Candidate, Rows, open};
use crate::front::{Found, is_number};
use crate::guess::Guess;
use crate::search::{Progress, Search, Symreg};
use crate::table::{Table, free_prefix};

/// Nodes of a part that is worth a name.
const PART: usize = 3;
/// Parts of what was found for one target that the search for the next begins with.
const BEGUN: usize = 12;
/// How often the choices of all targets are gone through.
const ROUNDS: usize = 4;

/// What was found for several targets.
#[derive(Debug, Clone)]
pub struct Together {
    searches: Vec<Search>,
    chosen: Vec<Found>,
    graph: Graph,
    formulas: Vec<ExprId>,
    shared: Vec<(String, ExprId)>,
}

impl Symreg {
    /// Searches a formula for each of several targets of the same variables. Each search begins with the parts of what was found before; the choice
    /// among sizes is that of the shortest description of all, in which a part that several formulas share is written once, numbers included.
    ///
    /// ```
    /// use vecfield_symreg::{Symreg, Table};
    ///
    /// let x: Vec<f64> = (0..40).map(|i| 0.1 * f64::from(i)).collect();
    /// let of = |f: fn(f64) -> f64| Table::new(vec!["x".into()], vec![x.clone()], x.iter().map(|&x| f(x)).collect());
    /// let tables = [of(|x| 3.0 / (1.0 + x * x))?, of(|x| x / (1.0 + x * x))?];
    /// let settings = Symreg { expressions: 400, generations: 0, ..Symreg::default() };
    /// let together = settings.search_together(&tables, &mut |_| true);
    /// assert_eq!(together.shared().len(), 1, "{together:?}");
    /// assert!(together.written().iter().all(|formula| formula.contains("s1")));
    /// # Ok::<(), vecfield_symreg::SymregError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If there is no table, or their variables are not the same.
    pub fn search_together(&self, tables: &[Table], goes_on: &mut dyn FnMut(Progress<'_>) -> bool) -> Together {
        let names = tables[0].names();
        assert!(tables.iter().all(|table| table.names() == names), "the same variables for each target");
        let mut searches: Vec<Search> = Vec::with_capacity(tables.len());
        for (i, table) in tables.iter().enumerate() {
            let parts = searches.iter().flat_map(|search| parts_to_begin_with(search, table));
            let settings = Symreg { guesses: self.guesses.iter().cloned().chain(parts).collect(), ..self.clone() };
            let done = |share: f64| (i as f64 + share) / tables.len() as f64;
            searches.push(
                settings.search(table, &mut |progress| goes_on(Progress { share: done(progress.share), ..progress })),
            );
        }
        Together::of(self, searches, tables)
    }
}

/// The parts of the chosen formula of a search, for another to begin with.
fn parts_to_begin_with(search: &Search, table: &Table) -> Vec<Guess> {
    let (graph, formula) = search.formula(search.best());
    let order = graph.reachable(&[formula]);
    let large = order.ids().iter().rev().filter(|&&id| graph.complexity(id) >= PART).take(BEGUN);
    // What has a number that no guess can hold, or is too long, is none.
    large.filter_map(|&id| Guess::parse(&graph.to_text(id), table).ok()).collect()
}

impl Together {
    fn of(settings: &Symreg, searches: Vec<Search>, tables: &[Table]) -> Together {
        let names = tables[0].names();
        let scope = Scope::new(names.iter().cloned()).expect("a table has names that formulas can hold");
        let mut graph = Graph::new();
        let mut read = |found: &Found| graph.parse(&found.expression, &scope).expect("what is printed can be read");
        let fronts: Vec<Vec<(Found, ExprId)>> = searches
            .iter()
            .map(|search| search.front().iter().map(|found| (found.clone(), read(found))).collect())
            .collect();
        let mut choice: Vec<(Found, ExprId)> = (searches.iter().zip(&fronts))
            .map(|(search, front)| front[search.front().iter().position(|f| f == search.best()).unwrap_or(0)].clone())
            .collect();
        for _ in 0..ROUNDS {
            let before: Vec<ExprId> = choice.iter().map(|(_, formula)| *formula).collect();
            for i in 0..choice.len() {
                let others: Vec<ExprId> = (0..choice.len()).filter(|&j| j != i).map(|j| choice[j].1).collect();
                let tied = tied(&mut graph, &choice[i], &others, &tables[i], settings);
                let length = |graph: &Graph, (found, formula): &(Found, ExprId)| {
                    searches[i].length(found) - saved(graph, *formula, &others, &searches[i])
                };
                let all = fronts[i].iter().chain(&tied).chain([&choice[i]]);
                let best = all.min_by(|a, b| length(&graph, a).total_cmp(&length(&graph, b)));
                choice[i] = best.expect("a front has a formula").clone();
            }
            if choice.iter().map(|(_, formula)| *formula).eq(before) {
                break;
            }
        }
        let (chosen, formulas): (Vec<Found>, Vec<ExprId>) = choice.into_iter().unzip();
        let shared = shared(&graph, &formulas, names);
        Together { searches, chosen, graph, formulas, shared }
    }

    /// The search for each target.
    pub fn searches(&self) -> &[Search] {
        &self.searches
    }

    /// The formula that is chosen for each target: of its front, or one of these with a number that another formula has.
    pub fn chosen(&self) -> &[Found] {
        &self.chosen
    }

    /// The chosen formula for a target as LaTeX, whole.
    ///
    /// # Panics
    ///
    /// If there are not so many targets.
    pub fn latex(&self, target: usize) -> String {
        self.graph.to_latex(self.formulas[target])
    }

    /// The parts that stand in several formulas, or several times in one, by name.
    pub fn shared(&self) -> Vec<(String, String)> {
        let mut graph = self.graph.clone();
        let written = |at: usize| {
            let (name, part) = &self.shared[at];
            let shorter = self.with_names(&mut graph, *part, at);
            (name.clone(), graph.to_text(shorter))
        };
        (0..self.shared.len()).map(written).collect()
    }

    /// The formulas in which what they share is called by its name.
    pub fn written(&self) -> Vec<String> {
        let mut graph = self.graph.clone();
        let written = |&formula: &ExprId| {
            let shorter = self.with_names(&mut graph, formula, self.shared.len());
            graph.to_text(shorter)
        };
        self.formulas.iter().map(written).collect()
    }

    /// A formula with the first `count` shared parts by their names.
    fn with_names(&self, graph: &mut Graph, formula: ExprId, count: usize) -> ExprId {
        // The largest first, so that a part is not torn by those in it.
        self.shared[..count].iter().rev().fold(formula, |formula, (name, part)| {
            let symbol = graph.symbol(name);
            graph.substitute(formula, &[(*part, symbol)])
        })
    }

    /// Rust statements: what is shared, and then a value for each of `targets`.
    pub fn rust(&self, targets: &[&str]) -> String {
        let mut graph = self.graph.clone();
        let mut text = String::new();
        for (at, (name, part)) in self.shared.iter().enumerate() {
            let part = self.with_names(&mut graph, *part, at);
            text += &format!("let {name} = {};\n", graph.to_rust(part));
        }
        for (target, &formula) in targets.iter().zip(&self.formulas) {
            let formula = self.with_names(&mut graph, formula, self.shared.len());
            text += &format!("let {target} = {};\n", graph.to_rust(formula));
        }
        text
    }
}

/// What a formula need not write again beside the others: the nodes and numbers of the largest parts that these have too, less a name for each.
fn saved(graph: &Graph, formula: ExprId, others: &[ExprId], search: &Search) -> f64 {
    let known = graph.reachable(others);
    let known: HashSet<ExprId> = known.ids().iter().copied().collect();
    let (mut open, mut saved) = (vec![formula], 0.0);
    while let Some(id) = open.pop() {
        let nodes = graph.complexity(id);
        if nodes >= PART && known.contains(&id) {
            let numbers = graph.reachable(&[id]).ids().iter().filter(|&&id| is_fitted(graph, id)).count();
            saved += search.written_length(nodes - 1, numbers);
        } else {
            open.extend(graph.arguments(id));
        }
    }
    saved
}

fn is_fitted(graph: &Graph, id: ExprId) -> bool {
    graph.constant_value(id).is_some_and(is_number)
}

/// The formula with a part of another in the place of one that differs from it in its numbers alone, its other numbers fitted anew; one for each such
/// pair.
fn tied(
    graph: &mut Graph,
    (found, formula): &(Found, ExprId),
    others: &[ExprId],
    table: &Table,
    settings: &Symreg,
) -> Vec<(Found, ExprId)> {
    // Other numbers may have other units, and break a shape.
    if settings.units.is_some() || settings.shapes.is_some() {
        return Vec::new();
    }
    let mut forms: HashMap<String, Vec<ExprId>> = HashMap::new();
    for &id in graph.reachable(others).ids() {
        if has_numbers(graph, id) {
            forms.entry(form(graph, id)).or_default().push(id);
        }
    }
    let own: Vec<ExprId> = graph.reachable(&[*formula]).ids().to_vec();
    let rows = Rows::of(table, settings.loss.clone());
    let mut made = Vec::new();
    for id in own.into_iter().filter(|&id| has_numbers(graph, id)).collect::<Vec<_>>() {
        for other in forms.get(&form(graph, id)).cloned().unwrap_or_default() {
            if other != id {
                made.extend(refitted(graph, (found, *formula), (id, other), &rows));
            }
        }
    }
    made
}

fn has_numbers(graph: &Graph, id: ExprId) -> bool {
    graph.complexity(id) >= PART && graph.reachable(&[id]).ids().iter().any(|&id| is_fitted(graph, id))
}

/// A part without its numbers.
fn form(graph: &Graph, id: ExprId) -> String {
    let mut blank = graph.clone();
    let numbers: Vec<ExprId> =
        graph.reachable(&[id]).ids().iter().copied().filter(|&id| is_fitted(graph, id)).collect();
    let hole = blank.symbol("a number");
    let replaced: Vec<(ExprId, ExprId)> = numbers.into_iter().map(|number| (number, hole)).collect();
    let id = blank.substitute(id, &replaced);
    blank.to_text(id)
}

/// A formula with another part in the place of one, its numbers outside of that fitted.
fn refitted(
    graph: &mut Graph,
    (found, formula): (&Found, ExprId),
    (part, by): (ExprId, ExprId),
    rows: &Rows,
) -> Option<(Found, ExprId)> {
    // The part as a name, so that its numbers are not among those that are fitted.
    let place = graph.symbol("the part");
    let around = graph.substitute(formula, &[(part, place)]);
    let numbers: Vec<ExprId> =
        graph.reachable(&[around]).ids().iter().copied().filter(|&id| is_fitted(graph, id)).collect();
    let opened: Vec<(ExprId, ExprId)> =
        numbers.iter().enumerate().map(|(k, &id)| (id, graph.symbol(&open(k)))).collect();
    let constants: Vec<f64> = numbers.iter().filter_map(|&id| graph.constant_value(id)).collect();
    let around = graph.substitute(around, &opened);
    let formula = graph.substitute(around, &[(place, by)]);
    let mut candidate = Candidate { formula, constants };
    let all: Vec<usize> = (0..candidate.constants.len()).collect();
    let loss = candidate.fit(graph, rows, &all, 30) / rows.y.len() as f64;
    let formula = candidate.closed(graph);
    let whole = if found.r2 < 1.0 { found.loss / (1.0 - found.r2) } else { f64::INFINITY };
    let r2 = if rows.loss.is_none() { 1.0 - loss / whole } else { found.r2 };
    let tied = Found { loss, r2, expression: graph.to_text(formula), ..found.clone() };
    loss.is_finite().then_some((tied, formula))
}

/// Parts of at least [`PART`] nodes that stand more than once, the smallest first, by names that are no variable's.
fn shared(graph: &Graph, formulas: &[ExprId], names: &[String]) -> Vec<(String, ExprId)> {
    let mut uses: HashMap<ExprId, usize> = HashMap::new();
    // Uses by different parents: what stands inside something shared stands there once.
    let order = graph.reachable(formulas);
    formulas.iter().for_each(|&formula| *uses.entry(formula).or_default() += 1);
    for &id in order.ids() {
        graph.arguments(id).for_each(|argument| *uses.entry(argument).or_default() += 1);
    }
    let prefix = free_prefix(names, &["s", "part", "shared_"]);
    let often = |id: &&ExprId| graph.complexity(**id) >= PART && uses.get(*id).is_some_and(|&count| count > 1);
    let named = |(k, &id): (usize, &ExprId)| (format!("{prefix}{}", k + 1), id);
    order.ids().iter().filter(often).enumerate().map(named).collect()
}
