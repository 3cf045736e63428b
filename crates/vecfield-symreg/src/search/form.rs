//! A formula of parts whose numbers are linear: solved at the sample, fitted to all rows, rounded, and taken to the front.

use vecfield_expr::ExprId;
use vecfield_linalg::least_squares;

use super::choices::chosen;
use super::quotient::reduced;
use super::rounding::outlasts_rounding;
use super::run::Run;
use crate::candidate::{Candidate, open};
use crate::front::{Found, number_length, numbers};
use crate::relation::Relation;
use crate::shape::Verdict;
use crate::weighted::Intercept;

/// Terms of sums that are fitted without a number beside them too.
const PROPORTIONAL: usize = 3;

/// Where a part stands in a formula.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// `c f` in the sum.
    Term,
    /// `|f|^c` in a product of powers.
    Power,
    /// `- d f` under the line, beside the one.
    Denominator,
}

/// An expression with its values at the sample.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) formula: ExprId,
    pub(super) values: Vec<f64>,
    pub(super) role: Role,
}

/// `a + F Σ c f` over `1 - Σ d h` under a relation, or `a Π |f|^c`.
#[derive(Debug, Clone)]
pub(super) struct Form {
    pub(super) relation: Relation,
    /// `F`, which multiplies all terms.
    pub(super) factor: Option<(ExprId, Vec<f64>)>,
    pub(super) parts: Vec<Part>,
    /// The open numbers inside the parts, from number zero on.
    pub(super) inner: Vec<f64>,
}

impl Form {
    /// A part as it enters the linear problem.
    fn column(&self, part: &Part, target: &[f64]) -> Vec<f64> {
        let values = part.values.iter();
        match (part.role, &self.factor) {
            (Role::Power, _) => values.map(|x| x.abs().ln()).collect(),
            (Role::Denominator, _) => values.zip(target).map(|(x, y)| x * y).collect(),
            (Role::Term, Some((_, factor))) => values.zip(factor).map(|(x, f)| x * f).collect(),
            (Role::Term, None) => part.values.clone(),
        }
    }
}

impl Run<'_> {
    /// Solves a form for its numbers at the sample, and fits the formula to all rows.
    pub(super) fn fit(&mut self, mut form: Form) {
        let Some(target) = form.relation.target(&self.y) else { return };
        let with_number = self.intercept(form.relation) == Intercept::Free;
        let (m, first) = (target.len(), usize::from(with_number));
        let k = form.parts.len() + first;
        if k == 0 {
            return;
        }
        let columns: Vec<Vec<f64>> = form.parts.iter().map(|part| form.column(part, &target)).collect();
        let scale = &self.scale;
        let row_of = |row: usize| std::iter::repeat_n(1.0, first).chain(columns.iter().map(move |column| column[row]));
        let matrix: Vec<f64> = (0..m).flat_map(|row| row_of(row).map(move |x| x * scale[row])).collect();
        let weighted: Vec<f64> = target.iter().zip(scale).map(|(y, scale)| y * scale).collect();
        let Ok(solved) = least_squares(&matrix, m, k, &weighted) else { return };
        // What takes no part is left out.
        let whole = spread(&target);
        let takes_part: Vec<bool> = (columns.iter().zip(&solved.x[first..]))
            .map(|(column, number)| spread(column) * number.abs() > 1e-8 * whole)
            .collect();
        if takes_part.contains(&false) && takes_part.contains(&true) {
            let mut takes_part = takes_part.into_iter();
            form.parts.retain(|_| takes_part.next() == Some(true));
            return self.fit(form);
        }
        let scaled = self.units.as_ref().is_some_and(|units| units.need_scale(form.relation));
        let formula = self.formula(&form, with_number, scaled);
        let mut linear = solved.x;
        if form.relation == Relation::Product || scaled {
            linear[0] = if self.y[0] < 0.0 { -linear[0].exp() } else { linear[0].exp() };
        }
        let (beside, parts) = (form.inner.len(), form.parts.len());
        let counts = with_number && linear[0].abs() > 1e-8 * whole;
        let candidate = Candidate { formula, constants: [form.inner, linear].concat() };
        // What is proportional is so through noise too, where a number beside it is never quite zero.
        // `exp(c*log(x))` is a product of powers in other words, and so is `sqrt(c*x)`.
        let is_beside = matches!(form.relation, Relation::Direct | Relation::Exponential) && !scaled;
        let proportional = counts && is_beside && (1..=PROPORTIONAL).contains(&parts);
        let without = proportional.then(|| self.without_number(&candidate, beside));
        self.polish(candidate);
        if let Some(without) = without {
            self.polish(without);
        }
    }

    /// A formula in which one of the open numbers is zero.
    fn without_number(&mut self, candidate: &Candidate, number: usize) -> Candidate {
        let replaced = [(self.graph.symbol(&open(number)), self.graph.constant(0.0))];
        let formula = self.graph.substitute(candidate.formula, &replaced);
        Candidate { formula, constants: candidate.constants.clone() }
    }

    /// The formula of a form, its linear numbers open after the inner ones: that beside the terms, if there is one, then those before them. Where
    /// `scaled`, the first stands before the exponential that the relation is solved by.
    fn formula(&mut self, form: &Form, with_number: bool, scaled: bool) -> ExprId {
        let graph = &mut self.graph;
        let first = form.inner.len();
        let count = usize::from(with_number) + form.parts.len();
        let mut numbers = (first..first + count).map(|i| graph.symbol(&open(i))).collect::<Vec<_>>().into_iter();
        let (one, zero) = (graph.constant(1.0), graph.constant(0.0));
        let alone = if with_number { numbers.next() } else { None }.unwrap_or(zero);
        let (mut sum, mut product, mut below) = (zero, one, one);
        for (part, number) in form.parts.iter().zip(numbers) {
            match part.role {
                Role::Power => {
                    // A factor that is negative everywhere is taken by its size.
                    let signs = part.values.iter().fold((false, false), |(n, p), &x| (n || x < 0.0, p || x > 0.0));
                    let base = match signs {
                        (true, true) => graph.unary(vecfield_expr::Unary::Abs, part.formula),
                        (true, false) => graph.neg(part.formula),
                        _ => part.formula,
                    };
                    let power = graph.pow(base, number);
                    product = graph.mul(product, power);
                }
                role => {
                    let term = graph.mul(number, part.formula);
                    match role {
                        Role::Denominator => below = graph.sub(below, term),
                        _ => sum = graph.add(sum, term),
                    }
                }
            }
        }
        if form.relation == Relation::Product {
            return graph.mul(alone, product);
        }
        if let Some((factor, _)) = form.factor {
            sum = graph.mul(factor, sum);
        }
        if scaled {
            let quotient = graph.div(sum, below);
            let size = form.relation.solved(graph, quotient, false);
            return graph.mul(alone, size);
        }
        let above = graph.add(alone, sum);
        let quotient = graph.div(above, below);
        form.relation.solved(graph, quotient, self.y[0] < 0.0)
    }

    /// Fits all numbers of a formula to all rows, rounds those that are meant round, and takes it.
    pub(super) fn polish(&mut self, mut candidate: Candidate) {
        let thresholds = self.thresholds(&candidate);
        self.place_thresholds(&mut candidate, &thresholds);
        let all = self.movable(&candidate, &thresholds);
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
        let floor = self.floor() * self.rows.y.len() as f64;
        // A number that is round is none to write down: as much as that saves, the fit may lose.
        let measured = self.measured;
        let allowed = (self.degree * number_length(measured) / measured as f64).exp();
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
            let free: Vec<usize> = all.iter().copied().filter(|&i| !held[i]).collect();
            let changed = rounded.fit(&mut self.graph, &self.rows, &free, 10);
            let allowed = changed <= floor || changed <= error * allowed && error > floor;
            if allowed && self.agrees_closed(&rounded) {
                (candidate, error) = (rounded, changed);
            }
        }
        error = self.tie_thresholds(&mut candidate, &thresholds, error * allowed).unwrap_or(error);
        // A number that is one by chance, and carries a unit, has to be seen.
        if !self.agrees_closed(&candidate) {
            let ones = candidate.constants.iter_mut().filter(|number| number.abs() == 1.0);
            ones.for_each(|number| *number = number.next_up());
        }
        let simpler = self.without_idle_comparison(&candidate);
        self.take(candidate, error);
        if let Some(simpler) = simpler {
            self.polish(simpler);
        }
    }

    fn agrees_closed(&mut self, candidate: &Candidate) -> bool {
        self.units.is_none() || {
            let closed = candidate.closed(&mut self.graph);
            self.agrees(closed)
        }
    }

    /// Is a formula without open numbers not known to break a shape?
    fn has_shape(&mut self, formula: ExprId) -> bool {
        let Some(shapes) = &self.settings.shapes else { return true };
        // In a graph of its own: slopes are no formulas of the search.
        let mut graph = self.graph.clone();
        shapes.verdict(&mut graph, formula, &self.table.names) != Verdict::Broken
    }

    /// The weighted sum of squared errors of a formula without open numbers.
    fn squares(&mut self, formula: ExprId) -> f64 {
        let values = Candidate { formula, constants: Vec::new() }.values(&mut self.graph, &self.rows);
        values.map_or(f64::INFINITY, |values| self.rows.squares(&values))
    }

    pub(super) fn take(&mut self, candidate: Candidate, error: f64) {
        let n = self.rows.y.len() as f64;
        let floor = self.floor() * n;
        let (mut formula, mut error) = (candidate.closed(&mut self.graph), error);
        for in_other_words in [reduced, chosen] {
            let Some(written) = in_other_words(&mut self.graph, formula) else { continue };
            let closed = Candidate { formula: written, constants: Vec::new() };
            let again = closed.error(&mut self.graph, &self.rows);
            if again <= floor.max(error * (1.0 + 1e-9)) && self.agrees(written) {
                (formula, error) = (written, again);
            }
        }
        let loss = error / n;
        let Some(complexity) = self.settings.rules.complexity(&self.graph, formula) else { return };
        let numbers = numbers(&self.graph, formula);
        // As many numbers as rows fit anything; the mean stays, so that there is something.
        let fits_anything = numbers + 1 >= self.measured && complexity > 1;
        if complexity > self.settings.max_size || fits_anything || !self.front.welcomes(complexity, loss, numbers) {
            return;
        }
        if !self.agrees(formula) || !self.has_shape(formula) {
            return;
        }
        let deviation = self.variance * n;
        let squares = if self.rows.loss.is_none() { error } else { self.squares(formula) };
        if complexity > 1 && !outlasts_rounding(&self.graph, formula, &self.rows, squares, deviation) {
            return;
        }
        let r2 = if self.variance > 0.0 { 1.0 - squares / n / self.variance } else { 1.0 };
        let expression = self.graph.to_text(formula);
        self.front.insert(Found { complexity, loss, r2, expression, numbers });
    }
}

fn spread(x: &[f64]) -> f64 {
    let (least, most) = x.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &x| (a.min(x), b.max(x)));
    most - least
}

/// The simple fraction nearest to a number, if one is near.
pub(crate) fn round_to(x: f64) -> Option<f64> {
    let near = |q: f64| ((x * q).round() / q, q);
    let within = |&(round, q): &(f64, f64)| (round - x).abs() <= 0.02 / (q * q) * x.abs().max(1.0);
    [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0].into_iter().map(near).find(within).map(|(round, _)| round)
}
