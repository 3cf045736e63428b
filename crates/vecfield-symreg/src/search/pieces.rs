//! Laws of two pieces, `if(x > t, Σ a f, Σ b g)`: wherever a variable may part the rows, spans are sought on either side, each by itself.
//!
//! Rows near where the pieces meet are left out of both searches, so that none of a piece's rows is another's; once both pieces are known these rows say
//! where the one ends.

use vecfield_expr::{Binary, ExprId};
use vecfield_linalg::least_squares;

use super::form::{Form, Part, Role};
use super::progress::GoesOn;
use super::run::{FITTED, Run};
use crate::candidate::open;
use crate::evolve::{Sum, Token, Tree};
use crate::features::Thresholds;
use crate::relation::Relation;
use crate::span::{Breadth, Pool, Span};
use crate::weighted::Intercept;

/// Places where rows are parted, of each variable.
const PLACES: usize = 8;
/// Expressions that pieces are sums of.
const TERMS_OF: usize = 400;
/// Spans of each size that are kept of a piece, and the most terms of one.
const KEPT: usize = 4;
const LARGEST: usize = 3;
/// Rows that a piece has for each of its numbers.
const ROWS: usize = 3;
/// Laws of each number of terms that are kept to evolve.
const SEEDS: usize = 3;

/// Rows of the sample that lie below a place, about it and above it.
struct Parting {
    variable: u32,
    below: Vec<usize>,
    /// In the order of the variable.
    about: Vec<usize>,
    above: Vec<usize>,
}

/// What one side may be.
struct Piece {
    terms: Vec<u32>,
    cost: usize,
    /// What it leaves of its own rows.
    left: f64,
    /// Its squared errors at the rows about the place.
    about: Vec<f64>,
}

/// A law of two pieces.
struct Law {
    variable: u32,
    threshold: f64,
    above: Vec<u32>,
    below: Vec<u32>,
    left: f64,
    cost: usize,
}

impl Run<'_> {
    /// Fits laws of two pieces; false if it was broken off.
    pub(super) fn pieces(&mut self, goes_on: &mut GoesOn<'_>) -> bool {
        let operators = &self.settings.operators;
        if !(operators.has(Binary::Greater) && operators.has(Binary::Cond)) {
            return true;
        }
        let terms = self.terms_of_pieces();
        let mut laws: Vec<Law> = Vec::new();
        for parting in self.partings() {
            if !goes_on(1.0, self.front.entries()) {
                return false;
            }
            laws.extend(self.laws(&parting, &terms));
        }
        // Of each number of terms those that leave least.
        let count = |law: &Law| law.above.len() + law.below.len();
        laws.sort_by(|a, b| {
            (count(a), a.left, a.cost).partial_cmp(&(count(b), b.left, b.cost)).expect("no NaN among them")
        });
        for alike in laws.chunk_by(|a, b| count(a) == count(b)) {
            for (at, law) in alike.iter().take(FITTED).enumerate() {
                self.fit_law(law, at < SEEDS);
            }
        }
        true
    }

    /// The cheapest that may be terms and are no pieces themselves.
    fn terms_of_pieces(&self) -> Vec<u32> {
        let whole = |&i: &u32| !self.features.is_piece(i) && self.may_be_term(i);
        self.ordered().into_iter().filter(whole).take(TERMS_OF).collect()
    }

    /// Every way to part the rows that leaves enough on both sides.
    fn partings(&self) -> Vec<Parting> {
        let rows = self.y.len();
        let enough = 2 * ROWS;
        let mut partings = Vec::new();
        for variable in 0..self.table.names.len() as u32 {
            let values = self.features.values(variable);
            let mut order: Vec<usize> = (0..rows).collect();
            order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
            for place in 0..PLACES {
                // Equal values are on one side.
                let edge = |k: usize| {
                    let at = k * rows / PLACES;
                    order.partition_point(|&row| at < rows && values[row] < values[order[at]])
                };
                let (first, last) = (edge(place), if place + 1 == PLACES { rows } else { edge(place + 1) });
                if first >= enough && last + enough <= rows && first < last {
                    let part = |range: std::ops::Range<usize>| order[range].to_vec();
                    let (below, about, above) = (part(0..first), part(first..last), part(last..rows));
                    partings.push(Parting { variable, below, about, above });
                }
            }
        }
        partings
    }

    /// What the best pieces on both sides come to, with the threshold where they leave least.
    fn laws(&self, parting: &Parting, terms: &[u32]) -> Vec<Law> {
        let values = self.features.values(parting.variable);
        let (above, below) = (self.side(&parting.above, parting, terms), self.side(&parting.below, parting, terms));
        // The last below, those about it, the first above: the threshold is between two of these.
        let of = |row: Option<&usize>| row.map(|&row| values[row]);
        let near: Vec<f64> = of(parting.below.last())
            .into_iter()
            .chain(parting.about.iter().map(|&row| values[row]))
            .chain(of(parting.above.first()))
            .collect();
        let mut laws = Vec::new();
        for a in &above {
            for b in &below {
                let mut left = a.about.iter().sum::<f64>();
                let mut best = (left, 0);
                for (k, (a, b)) in a.about.iter().zip(&b.about).enumerate() {
                    left += b - a;
                    // Equal values are on one side.
                    if left < best.0 && near[k + 1] < near[k + 2] {
                        best = (left, k + 1);
                    }
                }
                laws.push(Law {
                    variable: parting.variable,
                    threshold: 0.5 * (near[best.1] + near[best.1 + 1]),
                    above: a.terms.clone(),
                    below: b.terms.clone(),
                    left: a.left + b.left + best.0.max(0.0),
                    cost: a.cost + b.cost,
                });
            }
        }
        laws
    }

    /// The best spans of each size through the rows of a side, the constant among them.
    fn side(&self, rows: &[usize], parting: &Parting, terms: &[u32]) -> Vec<Piece> {
        let at = |values: &[f64]| rows.iter().map(|&row| values[row]).collect::<Vec<f64>>();
        let mut pool = Pool::new(&at(&self.scale), self.intercept(Relation::Direct));
        terms.iter().for_each(|&i| pool.push(&at(self.features.values(i)), self.features.cost(i)));
        let largest = (rows.len() / ROWS).saturating_sub(1).min(LARGEST).min(self.settings.terms);
        let breadth = Breadth { largest, beam: 4 * KEPT, narrow: 60 };
        let spans = pool.spans(&at(&self.y), breadth, &mut || true);
        let best = spans.chunk_by(|a, b| a.columns.len() == b.columns.len()).flat_map(|alike| alike.iter().take(KEPT));
        let of = |span: &Span| (span.columns.iter().map(|&i| terms[i as usize]).collect(), span.cost);
        let sums = std::iter::once((Vec::new(), 0)).chain(best.map(of));
        sums.filter_map(|(chosen, cost)| self.piece(chosen, cost, rows, &parting.about)).collect()
    }

    /// A sum of these terms through some rows; `None` where there is nothing to fit.
    fn piece(&self, terms: Vec<u32>, cost: usize, rows: &[usize], about: &[usize]) -> Option<Piece> {
        let first = usize::from(self.intercept(Relation::Direct) == Intercept::Free);
        let k = terms.len() + first;
        let columns: Vec<&[f64]> = terms.iter().map(|&i| self.features.values(i)).collect();
        let row_of = |row: usize| std::iter::repeat_n(1.0, first).chain(columns.iter().map(move |column| column[row]));
        let scale = &self.scale;
        let matrix: Vec<f64> = rows.iter().flat_map(|&row| row_of(row).map(move |x| x * scale[row])).collect();
        let target: Vec<f64> = rows.iter().map(|&row| scale[row] * self.y[row]).collect();
        let solved = if k > 0 { least_squares(&matrix, rows.len(), k, &target).ok()?.x } else { Vec::new() };
        let squared = |row: usize| {
            let value: f64 = row_of(row).zip(&solved).map(|(x, number)| x * number).sum();
            (scale[row] * (value - self.y[row])).powi(2)
        };
        let left = rows.iter().map(|&row| squared(row)).sum();
        Some(Piece { left, about: about.iter().map(|&row| squared(row)).collect(), terms, cost })
    }

    /// Fits a law to all rows, and keeps it to evolve if it is to be a seed.
    fn fit_law(&mut self, law: &Law, is_seed: bool) {
        let values = self.features.values(law.variable).to_vec();
        let variable = self.graph.symbol(&self.table.names[law.variable as usize]);
        let threshold = self.graph.symbol(&open(0));
        let mut thresholds = Thresholds::beginning_with(law.threshold);
        let conditions = [self.graph.greater(variable, threshold), self.graph.greater(threshold, variable)];
        let is_above = |x: &f64| *x > law.threshold;
        let mut parts = Vec::new();
        for (terms, condition, above) in [(&law.above, conditions[0], true), (&law.below, conditions[1], false)] {
            let kept =
                |of: &[f64]| of.iter().zip(&values).map(|(&f, x)| if is_above(x) == above { f } else { 0.0 }).collect();
            for &i in terms {
                let formula = self.features.formula(&mut self.graph, &self.table.names, i, &mut thresholds);
                let formula = self.graph.cond(condition, formula);
                parts.push(Part { formula, values: kept(self.features.values(i)), role: Role::Term });
            }
        }
        if self.intercept(Relation::Direct) == Intercept::Free {
            parts.push(self.step(conditions[0], &values, is_above));
        }
        if is_seed {
            self.seeds.push(self.seed(law));
        }
        self.fit(Form { relation: Relation::Direct, factor: None, parts, inner: thresholds.numbers });
    }

    fn step(&self, formula: ExprId, values: &[f64], is_above: impl Fn(&f64) -> bool) -> Part {
        let values = values.iter().map(|x| f64::from(u8::from(is_above(x)))).collect();
        Part { formula, values, role: Role::Term }
    }

    /// The law as a sum that can evolve.
    fn seed(&self, law: &Law) -> Sum {
        let (x, t) = (Tree::leaf(Token::Variable(law.variable)), Tree::leaf(Token::Number(law.threshold)));
        let conditions = [(&x, &t), (&t, &x)].map(|(a, b)| Tree::binary(Binary::Greater, a, b));
        let held = |terms: &[u32], condition: &Tree| {
            let of = |&i: &u32| Tree::binary(Binary::Cond, condition, &Tree::of_feature(&self.features, i));
            terms.iter().map(of).collect::<Vec<Tree>>()
        };
        let mut terms = [held(&law.above, &conditions[0]), held(&law.below, &conditions[1])].concat();
        if self.intercept(Relation::Direct) == Intercept::Free {
            terms.push(conditions[0].clone());
        }
        Sum { relation: Relation::Direct, factor: None, terms, denominator: Vec::new() }
    }
}
