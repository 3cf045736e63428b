//! Formulas that no list of features holds: for each rate along the smoothed data, what symbolic regression finds.
//!
//! Rates of a smoothed path are no measurements, and a formula that follows them best is not the law. What is taken from here is a few
//! forms of rising size; their numbers are fitted to the data through the solver, and their forecasts are judged like all others'.

use crate::discovery::DiscoverError;
use crate::inner::monic;
use crate::observer::Pulse;
use crate::source::{Formulas, Scene, Source};
use crate::vocabulary::{Vocabulary, canonical};
use rayon::prelude::*;
use vecfield_adjoint::Noise;
use vecfield_data::Trajectories;
use vecfield_expr::{Binary, ExprId, Graph, Node, Scope, Unary};
use vecfield_sindy::smooth::Order;
use vecfield_sindy::{Paths, Scale, SindyError};
use vecfield_symreg::{Found, Operators, Symreg, Table};

/// Rows of the path that formulas are compared at.
const ROWS: usize = 240;
/// Formulas that are taken of a front besides the chosen one.
const TAKEN: usize = 8;
/// The largest formula, and the most terms of a sum.
const MAX_SIZE: usize = 24;
const TERMS: usize = 4;
/// Small expressions that are combined: rates of smoothed paths do not tell more of them apart.
pub(crate) const EXPRESSIONS: usize = 5000;
/// Functions inside each other: laws of motion have none that others are applied to.
const NESTING: usize = 1;

/// What symbolic regression finds in the rates of smoothed data.
#[derive(Debug, Clone)]
pub struct Composed {
    /// The operations of formulas.
    pub operators: Operators,
}

impl Source for Composed {
    fn name(&self) -> &'static str {
        "composed"
    }

    fn formulas(&self, scene: &Scene<'_>, pulse: Pulse<'_>) -> Result<Formulas, DiscoverError> {
        let Scene { data, vocabulary, noise } = *scene;
        let paths = quintic(data, noise)?;
        let rates: Vec<Option<Rates>> =
            (0..data.dim()).map(|equation| rates(vocabulary, data, &paths, equation)).collect();
        Ok(formulas_of(rates, &vocabulary.names(), &self.operators, pulse))
    }
}

/// Paths smooth enough to have rates.
pub(crate) fn quintic(data: &Trajectories, noise: Noise) -> Result<Paths, SindyError> {
    let scale = match noise {
        Noise::Additive => Scale::Values,
        Noise::Multiplicative => Scale::Logarithms,
    };
    Paths::smooth_by(data, Order::Quintic, scale, 1.0)
}

/// What is not known of one rate, row by row, where states and inputs are these.
pub(crate) struct Rates {
    pub(crate) columns: Vec<Vec<f64>>,
    pub(crate) rate: Vec<f64>,
}

/// What symbolic regression finds in the rates of each equation: formulas as lists of features; none where there are no rates.
pub(crate) fn formulas_of(
    rates: Vec<Option<Rates>>,
    names: &[String],
    operators: &Operators,
    pulse: Pulse<'_>,
) -> Formulas {
    let search = Symreg {
        operators: operators.clone(),
        max_size: MAX_SIZE,
        terms: TERMS,
        expressions: EXPRESSIONS,
        nesting: NESTING,
        // Rates of smoothed paths are not worth more: what evolves is fitted to the data themselves.
        generations: 0,
        ..Symreg::default()
    };
    let of_equation = |rates: Option<Rates>| {
        let table = rates.map(|Rates { columns, rate }| Table::new(names.to_vec(), columns, rate));
        let Some(Ok(table)) = table else { return vec![] };
        let found = search.search(&table, &mut |_| pulse.goes_on());
        let telling = telling(found.front(), found.best());
        telling.into_iter().filter_map(|found| features(found, names)).collect()
    };
    rates.into_par_iter().map(of_equation).collect()
}

/// States and inputs, and what is not known of the rate of one of them along the paths, away from the ends of runs, where rates are least known; `None` where the paths
/// are too short for any.
pub(crate) fn rates(vocabulary: &Vocabulary, data: &Trajectories, paths: &Paths, equation: usize) -> Option<Rates> {
    let mut times: Vec<(usize, f64)> = vec![];
    let between = (ROWS / 2 / data.row_count().max(1)).clamp(1, 4);
    for (run, of) in data.runs().iter().enumerate() {
        let times_of = of.times();
        let edge = usize::from(times_of.len() > 6);
        for pair in times_of[edge..times_of.len() - edge].windows(2) {
            times.extend((0..between).map(|k| (run, pair[0] + (pair[1] - pair[0]) * k as f64 / between as f64)));
        }
    }
    let step = times.len().div_ceil(ROWS).max(1);
    let chosen: Vec<(usize, f64)> = times.into_iter().step_by(step).collect();
    let library = vocabulary.library();
    let arguments =
        |run: usize, t: f64| vocabulary.arguments(run, t, paths.run(run).iter().map(|curve| curve.value(t)));
    let rows: Vec<Vec<f64>> = chosen.iter().map(|&(run, t)| arguments(run, t)).collect();
    let columns =
        (0..data.dim() + data.inputs().len()).map(|name| rows.iter().map(|row| row[name]).collect()).collect();
    let (mut registers, mut values) = (library.registers(), vec![0.0; library.len()]);
    let known = vocabulary.known_of(equation);
    let unknown = |(&(run, t), arguments): (&(usize, f64), &Vec<f64>)| {
        library.eval(arguments, &mut values, &mut registers);
        paths.run(run)[equation].derivative(t) - known.iter().map(|&k| values[k]).sum::<f64>()
    };
    let rate: Vec<f64> = chosen.iter().zip(&rows).map(unknown).collect();
    (!rate.is_empty()).then_some(Rates { columns, rate })
}

/// The chosen formula of a front, and those that gain most over simpler ones for each node they have more.
fn telling<'a>(front: &'a [Found], best: &Found) -> Vec<&'a Found> {
    let gain = |pair: &[Found]| {
        let [before, after] = [&pair[0], &pair[1]].map(|found| found.loss.max(f64::MIN_POSITIVE).ln());
        (before - after) / (pair[1].complexity - pair[0].complexity).max(1) as f64
    };
    let mut gains: Vec<(f64, usize)> = front.windows(2).map(gain).zip(1..).collect();
    gains.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut taken: Vec<usize> = gains.into_iter().take(TAKEN).map(|(_, at)| at).collect();
    taken.extend(front.iter().position(|found| found == best));
    taken.sort_unstable();
    taken.dedup();
    taken.into_iter().map(|at| &front[at]).collect()
}

/// A formula as a sum of features, by their keys.
fn features(found: &Found, names: &[String]) -> Option<Vec<String>> {
    let scope = Scope::new(names.iter().cloned()).ok()?;
    let mut graph = Graph::new();
    let formula = graph.parse(&found.expression, &scope).ok()?;
    let formula = graph.expand(formula);
    if nesting(&graph, formula) > NESTING {
        return None;
    }
    let terms = graph.terms(formula);
    let mut key = |(_, factor)| {
        let (_, form) = monic(&mut graph, factor);
        let form = graph.simplify(form);
        canonical(&graph.to_text(form), names)
    };
    terms.into_iter().map(&mut key).collect()
}

/// How many functions, broken powers among them, stand inside each other.
fn nesting(graph: &Graph, formula: ExprId) -> usize {
    match graph.node(formula) {
        Node::Constant(_) | Node::Symbol(_) => 0,
        Node::Unary(Unary::Neg | Unary::Abs, x) => nesting(graph, x),
        Node::Unary(_, x) => 1 + nesting(graph, x),
        Node::Binary(Binary::Pow, x, power) => {
            let broken = graph.constant_value(power).is_none_or(|power| power.fract() != 0.0);
            usize::from(broken) + nesting(graph, x).max(nesting(graph, power))
        }
        Node::Binary(_, a, b) => nesting(graph, a).max(nesting(graph, b)),
    }
}
