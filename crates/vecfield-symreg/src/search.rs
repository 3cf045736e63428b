//! The search: small expressions, spans of them under every relation, numbers inside functions, and the front of what fits.

mod opened;

use vecfield_expr::{Binary, ExprId, Graph};
use vecfield_linalg::least_squares;

use crate::candidate::{Candidate, Rows, open};
use crate::features::{Features, Shape};
use crate::front::{Found, Front, numbers};
use crate::operators::Operators;
use crate::relation::Relation;
use crate::span::{Breadth, Pool, Span};
use crate::table::Table;

/// What to search for, and how far.
#[derive(Debug, Clone, PartialEq)]
pub struct Symreg {
    /// The operations of a formula.
    pub operators: Operators,
    /// The most nodes of a formula.
    pub max_size: usize,
    /// The most terms of a sum: how often sums grow by one.
    pub generations: usize,
    /// How many small expressions there are to be combined, and in proportion how many sums are kept to be made longer.
    pub expressions: usize,
    /// How many functions stand inside each other at the most, from zero to two.
    pub nesting: usize,
}

impl Default for Symreg {
    fn default() -> Symreg {
        Symreg { operators: Operators::default(), max_size: 40, generations: 6, expressions: 20_000, nesting: 2 }
    }
}

/// What a search found.
#[derive(Debug, Clone)]
pub struct Search {
    front: Vec<Found>,
    best: usize,
    graph: Graph,
    evaluations: u64,
    cut: bool,
}

impl Search {
    /// The best formula of each complexity, the simplest first.
    pub fn front(&self) -> &[Found] {
        &self.front
    }

    /// The one that describes the data most briefly.
    pub fn best(&self) -> &Found {
        &self.front[self.best]
    }

    /// A formula of the front as LaTeX.
    pub fn latex(&self, found: &Found) -> String {
        self.graph.to_latex(found.formula)
    }

    /// Expressions and spans of expressions that were compared with the data.
    pub fn evaluations(&self) -> u64 {
        self.evaluations
    }

    /// Did the caller break it off?
    pub fn cut(&self) -> bool {
        self.cut
    }
}

/// Rows that expressions are compared at; formulas are fitted to all.
const SAMPLE: usize = 64;
/// The part of the expressions that are enumerated by their size; products of those fill the rest.
const ENUMERATED: f64 = 0.6;
/// Functions that are factors of products.
const FUNCTIONS: usize = 80;
/// Products of powers that are factors beside a function.
const MONOMIALS: usize = 250;
/// Terms that a denominator may have beside the constant, each tried alone.
const DENOMINATORS: usize = 250;
/// Spans of each size that are fitted to all rows.
const FITTED: usize = 12;
/// A share of the variance that only rounding leaves.
const EXACT: f64 = 1e-22;

impl Symreg {
    /// Searches formulas for the target of `table`; `goes_on` is told the share that is done, and may break it off.
    pub fn search(&self, table: &Table, goes_on: &mut dyn FnMut(f64) -> bool) -> Search {
        let mut run = Run::new(self, table);
        run.constant();
        let cut = run.stages(goes_on);
        let floor = EXACT * run.variance.max(f64::MIN_POSITIVE);
        let letters = table.names.len() + self.operators.unary().len() + self.operators.binary().len() + 1;
        let best = run.front.best(table.rows(), letters, floor);
        Search { front: run.front.into_entries(), best, graph: run.graph, evaluations: run.evaluations, cut }
    }
}

/// A search under way.
struct Run<'a> {
    settings: &'a Symreg,
    table: &'a Table,
    rows: Rows,
    features: Features,
    /// The target at the sample.
    y: Vec<f64>,
    variance: f64,
    graph: Graph,
    front: Front,
    evaluations: u64,
}

impl<'a> Run<'a> {
    fn new(settings: &'a Symreg, table: &'a Table) -> Run<'a> {
        let n = table.rows();
        let count = n.min(SAMPLE);
        let chosen: Vec<usize> = (0..count).map(|i| i * n / count).collect();
        let at = |column: &[f64]| chosen.iter().map(|&row| column[row]).collect::<Vec<f64>>();
        let columns: Vec<Vec<f64>> = table.columns.iter().map(|column| at(column)).collect();
        let x = (0..n).flat_map(|row| table.columns.iter().map(move |column| column[row])).collect();
        let mean = table.target.iter().sum::<f64>() / n as f64;
        Run {
            settings,
            table,
            rows: Rows { names: table.names.clone(), x, y: table.target.clone() },
            features: Features::of(&columns, (ENUMERATED * settings.expressions as f64) as usize, settings.nesting),
            y: at(&table.target),
            variance: table.target.iter().map(|y| (y - mean) * (y - mean)).sum::<f64>() / n as f64,
            graph: Graph::new(),
            front: Front::default(),
            evaluations: 0,
        }
    }

    /// The mean, which any other formula must beat.
    fn constant(&mut self) {
        let formula = self.graph.symbol(&open(0));
        let mean = self.rows.y.iter().sum::<f64>() / self.rows.y.len() as f64;
        self.take(Candidate { formula, constants: vec![mean] }, self.variance * self.rows.y.len() as f64);
    }

    /// True if it was broken off.
    fn stages(&mut self, goes_on: &mut dyn FnMut(f64) -> bool) -> bool {
        self.features.enumerate(&self.settings.operators);
        self.multiply();
        self.evaluations += self.features.len() as u64;
        let stages = Relation::ALL.len() + 1;
        for (stage, relation) in Relation::ALL.into_iter().enumerate() {
            let share = stage as f64 / stages as f64;
            if !goes_on(share) {
                return true;
            }
            if relation.allowed(&self.settings.operators) {
                self.relation(relation, &mut || goes_on(share));
            }
        }
        if !self.is_exact() {
            let begun = 1.0 - 1.0 / stages as f64;
            self.open_numbers(&mut |share| goes_on(begun + share / stages as f64));
        }
        !goes_on(1.0)
    }

    fn is_exact(&self) -> bool {
        self.front.entries().iter().any(|found| found.loss <= EXACT * self.variance)
    }

    /// Adds products: of powers of variables, whole and up to four in all (six of one variable alone), of functions with small ones
    /// of these, and of two functions.
    fn multiply(&mut self) {
        let operators = &self.settings.operators;
        if !operators.has(Binary::Mul) {
            return;
        }
        let features = &mut self.features;
        let variables: Vec<u32> =
            (0..self.table.names.len() as u32).filter(|&i| matches!(features.shape(i), Shape::Variable(_))).collect();
        let is_function = |i: &u32| matches!(features.shape(*i), Shape::Unary(..)) && features.size(*i) <= 4;
        let mut functions: Vec<u32> = (0..features.len() as u32).filter(is_function).collect();
        functions.sort_by_key(|&i| features.cost(i));
        functions.truncate(FUNCTIONS);
        features.allow(self.settings.expressions);
        let mut atoms = variables.clone();
        if operators.has(Binary::Div) {
            let one = features.constant(1.0);
            atoms.extend(variables.iter().filter_map(|&x| features.binary(Binary::Div, one, x)));
        }
        let squares: Vec<u32> = atoms.iter().filter_map(|&x| features.product(x, x)).collect();
        atoms.extend(squares);
        let factors = if variables.len() <= 2 { 4 } else { 3 };
        let (mut monomials, mut level) = (atoms.clone(), atoms.clone());
        for _ in 1..factors {
            let mut next = Vec::new();
            for &x in &level {
                next.extend(atoms.iter().filter_map(|&atom| features.product(x, atom)));
            }
            next.sort_unstable();
            next.dedup();
            monomials.extend(&next);
            level = next;
        }
        monomials.sort_unstable();
        monomials.dedup();
        monomials.sort_by_key(|&i| features.cost(i));
        monomials.truncate(MONOMIALS);
        for (at, &function) in functions.iter().enumerate() {
            if let Some(square) = features.product(function, function) {
                for &factor in monomials.iter().take(MONOMIALS / 8) {
                    features.product(square, factor);
                }
            }
            let few = if at < FUNCTIONS / 2 { MONOMIALS } else { MONOMIALS / 5 };
            for &factor in monomials.iter().take(few).chain(&functions[..at]) {
                features.product(function, factor);
            }
        }
    }

    /// Features that vary, the smallest first.
    fn ordered(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.features.len() as u32).filter(|&i| self.features.varies(i)).collect();
        order.sort_by_key(|&i| self.features.cost(i));
        order
    }

    fn relation(&mut self, relation: Relation, goes_on: &mut dyn FnMut() -> bool) {
        let Some(target) = relation.target(&self.y) else { return };
        let columns = self.columns(relation);
        let pool = self.pool(&columns);
        let breadth = match relation {
            Relation::Direct => {
                let narrow = self.share_of(1500 * SAMPLE / target.len()).min(4000);
                Breadth { largest: 4, beam: self.share_of(150), narrow }
            }
            Relation::Quotient => Breadth { largest: 2, beam: self.share_of(120), narrow: columns.len() },
            _ => Breadth { largest: 3, beam: self.share_of(80), narrow: self.share_of(1000) },
        };
        let generations = self.settings.generations;
        let terms = |breadth: Breadth| Breadth { largest: breadth.largest.min(generations), ..breadth };
        if relation == Relation::Quotient {
            self.one_denominator(&columns, terms(Breadth { largest: 3, beam: 20, narrow: 60 }), goes_on);
        }
        let mut spans = pool.spans(&target, terms(breadth), goes_on);
        // Long sums of simple terms: the fewer there are to choose from, the surer the right ones are kept.
        for narrow in [8, 14, 25, 45, 80] {
            let simple = pool.cheapest(narrow);
            spans.extend(simple.spans(
                &target,
                terms(Breadth { largest: usize::MAX, beam: self.share_of(200), narrow }),
                goes_on,
            ));
        }
        self.evaluations += (pool.len() * breadth.largest) as u64;
        for span in chosen(spans) {
            let parts: Vec<Column> = span.columns.iter().map(|&i| columns[i as usize]).collect();
            if relation == Relation::Quotient && !parts.iter().any(|part| matches!(part, Column::TimesTarget(_))) {
                continue;
            }
            let size = relation.cost() + parts.iter().map(|part| self.features.size(part.feature()) + 1).sum::<usize>();
            if size <= self.settings.max_size {
                self.fit(relation, &parts, &target);
            }
        }
    }

    /// As many as there are for the usual number of expressions, in proportion to what is asked for.
    fn share_of(&self, usual: usize) -> usize {
        (usual * self.settings.expressions / Symreg::default().expressions).max(8)
    }

    /// Quotients whose denominator has one term beside the constant: sums are sought beside each such term in turn, since the terms
    /// of sums alone say little of the target.
    fn one_denominator(&mut self, columns: &[Column], breadth: Breadth, goes_on: &mut dyn FnMut() -> bool) {
        let plain: Vec<Column> = columns.iter().copied().filter(|column| matches!(column, Column::Plain(_))).collect();
        let pool = self.pool(&plain);
        let (mut found, target): (Vec<(Span, Column)>, _) = (Vec::new(), self.y.clone());
        for &term in
            columns.iter().filter(|column| matches!(column, Column::TimesTarget(_))).take(self.share_of(DENOMINATORS))
        {
            let spans = chosen(pool.spans_beside(Some(&self.values(term)), &target, breadth, goes_on));
            found.extend(spans.into_iter().map(|span| (span, term)));
        }
        found.sort_by(|a, b| (a.0.left, a.0.cost).partial_cmp(&(b.0.left, b.0.cost)).expect("no NaN among them"));
        found.truncate(FITTED);
        for (span, term) in found {
            let parts: Vec<Column> = span.columns.iter().map(|&i| plain[i as usize]).chain([term]).collect();
            self.fit(Relation::Quotient, &parts, &target);
        }
    }

    /// What a relation may combine.
    fn columns(&self, relation: Relation) -> Vec<Column> {
        let order = self.ordered();
        match relation {
            Relation::Product => {
                let one_sign = |i: &u32| {
                    let values = self.features.values(*i);
                    values.iter().all(|&x| x > 0.0) || values.iter().all(|&x| x < 0.0)
                };
                order.into_iter().filter(one_sign).take(1000).map(Column::Logarithm).collect()
            }
            Relation::Quotient => {
                // Of like cost beside each other, so that the first few of both are among the first few.
                let rational = order.into_iter().filter(|&i| self.features.is_monomial(i)).take(400);
                // A factor that hardly varies says no more than that the target is itself.
                let varied = |i: u32| {
                    let sizes = self.features.values(i).iter().map(|x| x.abs());
                    let (least, most) = sizes.fold((f64::INFINITY, 0.0_f64), |(a, b), x| (a.min(x), b.max(x)));
                    least < 0.5 * most
                };
                let both = |i: u32| [Some(Column::Plain(i)), varied(i).then_some(Column::TimesTarget(i))];
                rational.flat_map(both).flatten().collect()
            }
            _ => order.into_iter().map(Column::Plain).collect(),
        }
    }

    fn pool(&self, columns: &[Column]) -> Pool {
        let mut pool = Pool::new(self.features.rows());
        // A term takes its number and its sign too.
        columns.iter().for_each(|&column| pool.push(&self.values(column), self.features.cost(column.feature()) + 3));
        pool
    }

    fn values(&self, column: Column) -> Vec<f64> {
        let values = self.features.values(column.feature());
        match column {
            Column::Plain(_) => values.to_vec(),
            Column::Logarithm(_) => values.iter().map(|x| x.abs().ln()).collect(),
            Column::TimesTarget(_) => values.iter().zip(&self.y).map(|(x, y)| x * y).collect(),
        }
    }

    /// Solves a relation for its numbers at the sample and for the target, and fits the formula to all rows.
    fn fit(&mut self, relation: Relation, parts: &[Column], target: &[f64]) {
        let (m, k) = (target.len(), parts.len() + 1);
        let columns: Vec<Vec<f64>> = parts.iter().map(|&part| self.values(part)).collect();
        let matrix: Vec<f64> =
            (0..m).flat_map(|row| std::iter::once(1.0).chain(columns.iter().map(move |column| column[row]))).collect();
        let Ok(solved) = least_squares(&matrix, m, k, target) else { return };
        // What takes no part is left out.
        let spread = spread(target);
        let parts_taking: Vec<Column> = (parts.iter().zip(&columns).zip(&solved.x[1..]))
            .filter(|((_, column), number)| self::spread(column) * number.abs() > 1e-8 * spread)
            .map(|((&part, _), _)| part)
            .collect();
        if parts_taking.len() < parts.len() && !parts_taking.is_empty() {
            return self.fit(relation, &parts_taking, target);
        }
        let negative = self.y[0] < 0.0;
        let formulas: Vec<ExprId> = (parts.iter())
            .map(|part| self.features.formula(&mut self.graph, &self.table.names, part.feature()))
            .collect();
        let numbers: Vec<ExprId> = (0..k).map(|i| self.graph.symbol(&open(i))).collect();
        let mut constants = solved.x;
        let graph = &mut self.graph;
        let formula = match relation {
            Relation::Product => {
                constants[0] = if negative { -constants[0].exp() } else { constants[0].exp() };
                let power = |i: usize, f: ExprId, graph: &mut Graph| {
                    // A factor that is negative everywhere is taken by its size.
                    let base = if self.features.values(parts[i].feature())[0] < 0.0 { graph.neg(f) } else { f };
                    graph.pow(base, numbers[i + 1])
                };
                let factors: Vec<ExprId> = formulas.iter().enumerate().map(|(i, &f)| power(i, f, graph)).collect();
                let product = graph.product(factors);
                graph.mul(numbers[0], product)
            }
            _ => {
                let mut sums = [numbers[0], graph.constant(1.0)];
                for ((&f, part), &number) in formulas.iter().zip(parts).zip(&numbers[1..]) {
                    let term = graph.mul(number, f);
                    match part {
                        Column::TimesTarget(_) => sums[1] = graph.sub(sums[1], term),
                        _ => sums[0] = graph.add(sums[0], term),
                    }
                }
                let quotient = graph.div(sums[0], sums[1]);
                relation.solved(graph, quotient, negative)
            }
        };
        self.polish(Candidate { formula, constants });
    }

    /// Fits all numbers of a formula to all rows, rounds those that are meant round, and takes it.
    fn polish(&mut self, mut candidate: Candidate) {
        let all: Vec<usize> = (0..candidate.constants.len()).collect();
        let before = candidate.error(&mut self.graph, &self.rows);
        let mut fitted = candidate.clone();
        let after = fitted.fit(&mut self.graph, &self.rows, &all, 20);
        let mut error = before;
        if after < before {
            (candidate, error) = (fitted, after);
        }
        if !error.is_finite() {
            return;
        }
        let n = self.rows.y.len() as f64;
        let floor = EXACT * self.variance * n;
        let mut held = vec![false; candidate.constants.len()];
        // From the one that is nearest to a round number on.
        for _ in 0..held.len() {
            let distance =
                |i: usize| round_to(candidate.constants[i]).map(|r| ((r - candidate.constants[i]).abs(), i, r));
            let nearest = (0..held.len()).filter(|&i| !held[i]).filter_map(distance).min_by(|a, b| a.0.total_cmp(&b.0));
            let Some((_, i, round)) = nearest else { break };
            let mut rounded = candidate.clone();
            rounded.constants[i] = round;
            held[i] = true;
            let free: Vec<usize> = (0..held.len()).filter(|&i| !held[i]).collect();
            let changed = rounded.fit(&mut self.graph, &self.rows, &free, 10);
            // What a number costs to write down (the penalty of the description length).
            if changed <= floor || changed <= error * (1.0 + n.ln() / n) && error > floor {
                (candidate, error) = (rounded, changed);
            }
        }
        self.take(candidate, error);
    }

    fn take(&mut self, candidate: Candidate, error: f64) {
        let loss = error / self.rows.y.len() as f64;
        let formula = candidate.closed(&mut self.graph);
        let complexity = self.graph.complexity(formula);
        if complexity > self.settings.max_size || !self.front.welcomes(complexity, loss) {
            return;
        }
        let r2 = if self.variance > 0.0 { 1.0 - loss / self.variance } else { 1.0 };
        let expression = self.graph.to_text(formula);
        let numbers = numbers(&self.graph, formula);
        self.front.insert(Found { complexity, loss, r2, expression, formula, numbers });
    }
}

/// What a span combines.
#[derive(Debug, Clone, Copy)]
enum Column {
    Plain(u32),
    Logarithm(u32),
    TimesTarget(u32),
}

impl Column {
    fn feature(self) -> u32 {
        match self {
            Column::Plain(i) | Column::Logarithm(i) | Column::TimesTarget(i) => i,
        }
    }
}

/// The spans to fit: of each size the best, and of those that leave nothing the cheapest.
fn chosen(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by(|a, b| (a.columns.len(), a.left).partial_cmp(&(b.columns.len(), b.left)).expect("no NaN among them"));
    let mut exact: Vec<Span> = spans.iter().filter(|span| span.left <= EXACT).cloned().collect();
    exact.sort_by_key(|span| span.cost);
    exact.truncate(FITTED);
    let (mut size, mut count) = (0, 0);
    for span in spans {
        (size, count) = if span.columns.len() == size { (size, count + 1) } else { (span.columns.len(), 0) };
        if count < FITTED {
            exact.push(span);
        }
    }
    exact
}

fn spread(x: &[f64]) -> f64 {
    let (least, most) = x.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &x| (a.min(x), b.max(x)));
    most - least
}

/// The simple fraction nearest to a number, if one is near.
fn round_to(x: f64) -> Option<f64> {
    let near = |q: f64| ((x * q).round() / q, q);
    let within = |&(round, q): &(f64, f64)| (round - x).abs() <= 0.02 / (q * q) * x.abs().max(1.0);
    [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0].into_iter().map(near).find(within).map(|(round, _)| round)
}
