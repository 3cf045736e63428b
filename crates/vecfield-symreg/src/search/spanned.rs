//! Spans of features under every relation, and the formulas that they are.

use super::form::{Form, Part, Role};
use super::run::{FITTED, Run};
use super::{EXACT, Symreg};
use crate::evolve::{Sum, Tree};
use crate::features::Thresholds;
use crate::front::Found;
use crate::relation::Relation;
use crate::span::{Breadth, Pool, Span};

/// Terms that a denominator may have beside the constant, each tried alone.
const DENOMINATORS: usize = 250;
/// The best spans of each size that are kept to evolve.
const SEEDS: usize = 4;

impl Run<'_> {
    pub(super) fn relation(&mut self, relation: Relation, goes_on: &mut dyn FnMut(&[Found]) -> bool) {
        let Some(target) = relation.target(&self.y) else { return };
        let columns = self.columns(relation);
        let pool = self.pool(&columns, relation);
        let breadth = match relation {
            Relation::Direct => {
                let narrow = self.share_of(1500 * Symreg::default().sample / target.len()).min(4000);
                Breadth { largest: 4, beam: self.share_of(150), narrow }
            }
            Relation::Quotient => Breadth { largest: 2, beam: self.share_of(120), narrow: columns.len() },
            _ => Breadth { largest: 3, beam: self.share_of(80), narrow: self.share_of(1000) },
        };
        let most = self.settings.terms;
        let terms = |breadth: Breadth| Breadth { largest: breadth.largest.min(most), ..breadth };
        if relation == Relation::Quotient {
            self.one_denominator(&columns, terms(Breadth { largest: 3, beam: 20, narrow: 60 }), goes_on);
        }
        let goes_on = &mut || goes_on(self.front.entries());
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
        let chosen = chosen(spans);
        self.keep_seeds(relation, &columns, &chosen);
        self.fit_spans(relation, &columns, chosen);
        if relation == Relation::Direct {
            self.bent(&columns, &target);
        }
    }

    /// Fits spans to all rows, of a relation, if they are not too long.
    pub(super) fn fit_spans(&mut self, relation: Relation, columns: &[Column], spans: Vec<Span>) {
        for span in spans {
            let parts: Vec<Column> = span.columns.iter().map(|&i| columns[i as usize]).collect();
            if relation == Relation::Quotient && !parts.iter().any(|part| matches!(part, Column::TimesTarget(_))) {
                continue;
            }
            let size = relation.cost() + parts.iter().map(|part| self.features.size(part.feature()) + 1).sum::<usize>();
            if size <= self.settings.max_size {
                self.fit_span(relation, &parts);
            }
        }
    }

    /// As many as there are for the usual number of expressions, in proportion to what is asked for.
    pub(super) fn share_of(&self, usual: usize) -> usize {
        (usual * self.expressions / Symreg::default().expressions).max(8)
    }

    /// Quotients whose denominator has one term beside the constant: sums are sought beside each such term in turn, since the terms
    /// of sums alone say little of the target.
    fn one_denominator(&mut self, columns: &[Column], breadth: Breadth, goes_on: &mut dyn FnMut(&[Found]) -> bool) {
        let plain: Vec<Column> = columns.iter().copied().filter(|column| matches!(column, Column::Plain(_))).collect();
        let pool = self.pool(&plain, Relation::Quotient);
        let (mut found, target): (Vec<(Span, Column)>, _) = (Vec::new(), self.y.clone());
        let goes_on = &mut || goes_on(self.front.entries());
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
            self.fit_span(Relation::Quotient, &parts);
        }
    }

    /// What a relation may combine, of units that agree.
    fn columns(&self, relation: Relation) -> Vec<Column> {
        let order = self.ordered();
        let agrees = |column: &Column| {
            let unit = self.features.unit(column.feature());
            self.units.as_ref().is_none_or(|units| match column {
                Column::TimesTarget(_) => units.allow_below(unit),
                Column::Plain(_) | Column::Logarithm(_) => units.allow_term(relation, unit),
            })
        };
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
                let (rational, other): (Vec<u32>, Vec<u32>) =
                    order.into_iter().partition(|&i| self.features.is_monomial(i));
                let agrees_anywhere = |&i: &u32| agrees(&Column::Plain(i)) || agrees(&Column::TimesTarget(i));
                let (rational, other) =
                    (rational.into_iter().filter(agrees_anywhere), other.into_iter().filter(agrees_anywhere));
                let simple = other.filter(|&i| self.features.size(i) <= 4).take(60);
                let mut taken: Vec<u32> = rational.take(400).chain(simple).collect();
                taken.sort_by_key(|&i| self.features.cost(i));
                // A factor that hardly varies says no more than that the target is itself.
                let varied = |i: u32| {
                    let sizes = self.features.values(i).iter().map(|x| x.abs());
                    let (least, most) = sizes.fold((f64::INFINITY, 0.0_f64), |(a, b), x| (a.min(x), b.max(x)));
                    least < 0.5 * most
                };
                let both = |i: u32| [Some(Column::Plain(i)), varied(i).then_some(Column::TimesTarget(i))];
                taken.into_iter().flat_map(both).flatten().filter(agrees).collect()
            }
            _ => order.into_iter().map(Column::Plain).filter(agrees).collect(),
        }
    }

    pub(super) fn pool(&self, columns: &[Column], relation: Relation) -> Pool {
        let mut pool = Pool::new(&self.scale, self.intercept(relation));
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

    /// Keeps the best spans of each size to evolve.
    pub(super) fn keep_seeds(&mut self, relation: Relation, columns: &[Column], spans: &[Span]) {
        let (mut size, mut count) = (0, 0);
        for span in spans {
            (size, count) = if span.columns.len() == size { (size, count + 1) } else { (span.columns.len(), 1) };
            if count > SEEDS {
                continue;
            }
            let mut sum = Sum { relation, factor: None, terms: Vec::new(), denominator: Vec::new() };
            if relation == Relation::Quotient {
                sum.relation = Relation::Direct;
            }
            for &i in &span.columns {
                let tree = Tree::of_feature(&self.features, columns[i as usize].feature());
                match columns[i as usize] {
                    Column::TimesTarget(_) => sum.denominator.push(tree),
                    _ => sum.terms.push(tree),
                }
            }
            self.seeds.push(sum);
        }
    }

    /// Fits the formula of a span to all rows.
    fn fit_span(&mut self, relation: Relation, columns: &[Column]) {
        let mut thresholds = Thresholds::default();
        let parts = columns.iter().map(|&column| {
            let role = match column {
                Column::Plain(_) => Role::Term,
                Column::Logarithm(_) => Role::Power,
                Column::TimesTarget(_) => Role::Denominator,
            };
            let formula = self.features.formula(&mut self.graph, &self.table.names, column.feature(), &mut thresholds);
            Part { formula, values: self.features.values(column.feature()).to_vec(), role }
        });
        let parts = parts.collect();
        self.fit(Form { relation, factor: None, parts, inner: thresholds.numbers });
    }
}

/// What a span combines.
#[derive(Debug, Clone, Copy)]
pub(super) enum Column {
    Plain(u32),
    Logarithm(u32),
    TimesTarget(u32),
}

impl Column {
    pub(super) fn feature(self) -> u32 {
        match self {
            Column::Plain(i) | Column::Logarithm(i) | Column::TimesTarget(i) => i,
        }
    }
}

/// The spans to fit: of each size the best and those that leave less than all that cost less, and of those that leave nothing the cheapest.
fn chosen(mut spans: Vec<Span>) -> Vec<Span> {
    let order = |a: &Span, b: &Span| {
        (a.columns.len(), a.left, a.cost).partial_cmp(&(b.columns.len(), b.left, b.cost)).expect("no NaN among them")
    };
    spans.sort_by(order);
    let mut exact: Vec<Span> = spans.iter().filter(|span| span.left <= EXACT).cloned().collect();
    exact.sort_by_key(|span| span.cost);
    exact.truncate(FITTED);
    for alike in spans.chunk_by(|a, b| a.columns.len() == b.columns.len()) {
        exact.extend(alike.iter().take(FITTED).cloned());
        // From what leaves least on: cheaper than all before.
        let mut cheapest = usize::MAX;
        let cheap = alike.iter().enumerate().filter(|(_, span)| {
            let cheaper = span.cost < cheapest;
            cheapest = cheapest.min(span.cost);
            cheaper
        });
        exact.extend(cheap.filter(|(at, _)| *at >= FITTED).map(|(_, span)| span.clone()));
    }
    exact
}
