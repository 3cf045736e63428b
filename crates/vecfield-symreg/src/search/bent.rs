//! Sums of steps, ramps and a few simple terms: laws that bend and step at some values, and are simple between them.
//!
//! Where something begins is known only roughly as long as one compares spans, so spans that differ in that alone are one law, of which the best is
//! fitted to all rows; else the best few would all be the same.

use std::collections::HashMap;

use super::run::{FITTED, Run};
use super::spanned::Column;
use crate::features::Thresholds;
use crate::relation::Relation;
use crate::span::{Breadth, Span};

/// Terms that are no pieces, the cheapest; and pieces.
const SIMPLE: usize = 12;
const PIECES: usize = 300;
/// Terms of a sum.
const LONGEST: usize = 5;
/// Spans of each size that grow, for the usual number of expressions.
const BEAM: usize = 600;
/// Spans of one law that are fitted.
const ALIKE: usize = 2;

impl Run<'_> {
    /// Fits sums of pieces, given what a sum may combine.
    pub(super) fn bent(&mut self, columns: &[Column], target: &[f64]) {
        let (pieces, whole): (Vec<Column>, Vec<Column>) =
            columns.iter().partition(|column| self.features.is_piece(column.feature()));
        if pieces.is_empty() {
            return;
        }
        let columns: Vec<Column> = whole.into_iter().take(SIMPLE).chain(pieces.into_iter().take(PIECES)).collect();
        let pool = self.pool(&columns, Relation::Direct);
        let largest = self.settings.terms.min(LONGEST);
        let breadth = Breadth { largest, beam: self.share_of(BEAM), narrow: columns.len() };
        let spans = self.of_different_laws(pool.spans(target, breadth, &mut || true), &columns);
        self.keep_seeds(Relation::Direct, &columns, &spans);
        self.fit_spans(Relation::Direct, &columns, spans);
    }

    /// The best of each size, few of each law, the smallest first.
    fn of_different_laws(&mut self, mut spans: Vec<Span>, columns: &[Column]) -> Vec<Span> {
        let names: Vec<String> = columns.iter().map(|column| self.without_thresholds(column.feature())).collect();
        spans.sort_by(|a, b| {
            (a.columns.len(), a.left).partial_cmp(&(b.columns.len(), b.left)).expect("no NaN among them")
        });
        let mut laws: HashMap<Vec<&str>, usize> = HashMap::new();
        let (mut size, mut count) = (0, 0);
        spans.retain(|span| {
            if span.columns.len() != size {
                (size, count) = (span.columns.len(), 0);
            }
            let mut law: Vec<&str> = span.columns.iter().map(|&i| names[i as usize].as_str()).collect();
            law.sort_unstable();
            let alike = laws.entry(law).or_default();
            *alike += 1;
            count += usize::from(*alike <= ALIKE);
            *alike <= ALIKE && count <= FITTED
        });
        spans
    }

    /// What a feature is, wherever its pieces begin.
    fn without_thresholds(&mut self, i: u32) -> String {
        let formula = self.features.formula(&mut self.graph, &self.table.names, i, &mut Thresholds::default());
        self.graph.to_text(formula)
    }
}
