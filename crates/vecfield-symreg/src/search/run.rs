//! A search under way: what it has looked at, and what it has found.

use vecfield_expr::{ExprId, Graph, Scope};
use vecfield_kernels::dot;

use super::Symreg;
use super::checkpoint::{Checkpoint, Evolution};
use super::progress::GoesOn;
use crate::candidate::{Candidate, Rows, open};
use crate::evolve::Sum;
use crate::features::{Allowed, Features};
use crate::front::{Front, Measure};
use crate::loss::COMPARING;
use crate::relation::Relation;
use crate::table::Table;
use crate::units::Dimensions;
use crate::weighted::Intercept;

/// The part of the expressions that are enumerated by their size; products of those fill the rest.
const ENUMERATED: f64 = 0.6;
/// Spans of each size that are fitted to all rows.
pub(super) const FITTED: usize = 12;

pub(super) struct Run<'a> {
    pub(super) settings: &'a Symreg,
    /// How many small expressions there are to be combined at this stage.
    pub(super) expressions: usize,
    pub(super) table: &'a Table,
    pub(super) measured: usize,
    pub(super) rows: Rows,
    pub(super) units: Option<Dimensions>,
    pub(super) features: Features,
    /// Which rows are the sample.
    sample: Vec<usize>,
    /// The target at the sample.
    pub(super) y: Vec<f64>,
    /// The roots of the weights at the sample.
    pub(super) scale: Vec<f64>,
    pub(super) variance: f64,
    /// The mean loss of the best constant, and the power of the errors that the loss is.
    whole: f64,
    pub(super) degree: f64,
    /// The formula at whose errors the sample is weighed, if the loss is no square.
    pub(super) weighing: Option<String>,
    pub(super) graph: Graph,
    pub(super) front: Front,
    /// Sums to evolve from: spans that were best, and what evolved before.
    pub(super) seeds: Vec<Sum>,
    pub(super) evolved: Vec<Sum>,
    pub(super) evaluations: u64,
    /// The evolution to go on with at the stage that comes next.
    pub(super) evolution: Option<Evolution>,
}

impl<'a> Run<'a> {
    /// * `measured`: the rows of the table that say something new; others are images of these.
    pub(super) fn new(settings: &'a Symreg, table: &'a Table, measured: usize) -> Run<'a> {
        let n = table.rows();
        let count = n.min(settings.sample.max(1));
        let sample: Vec<usize> = (0..count).map(|i| i * n / count).collect();
        let at = |column: &[f64]| sample.iter().map(|&row| column[row]).collect::<Vec<f64>>();
        let columns: Vec<Vec<f64>> = table.columns.iter().map(|column| at(column)).collect();
        let scale: Vec<f64> = table.weights.iter().map(|w| w.sqrt()).collect();
        let units = settings.units.as_ref().map(Dimensions::of);
        let variance = table.variance();
        let allowed = Allowed { nesting: settings.nesting, dimensions: units.clone(), rules: settings.rules.clone() };
        Run {
            settings,
            expressions: 0,
            table,
            measured,
            rows: Rows::of(table, settings.loss.clone()),
            features: Features::of(&columns, 0, allowed),
            units,
            y: at(&table.target),
            scale: at(&scale),
            sample,
            variance,
            whole: variance,
            degree: 2.0,
            weighing: None,
            graph: Graph::new(),
            front: Front::by(Measure::of(&settings.operators, table.names.len(), measured, 2.0, variance)),
            seeds: Vec::new(),
            evolved: Vec::new(),
            evaluations: 0,
            evolution: None,
        }
    }

    /// Where it stands before a stage.
    pub(super) fn checkpoint(&self, stage: usize) -> Checkpoint {
        Checkpoint {
            stage,
            evaluations: self.evaluations,
            front: self.front.entries().to_vec(),
            seeds: self.seeds.clone(),
            evolved: self.evolved.clone(),
            weighing: self.weighing.clone(),
            evolution: None,
        }
    }

    /// As it stood then.
    pub(super) fn take_up(&mut self, checkpoint: Checkpoint) {
        self.evaluations = checkpoint.evaluations;
        self.front.take_up(checkpoint.front);
        (self.seeds, self.evolved) = (checkpoint.seeds, checkpoint.evolved);
        self.weighing = checkpoint.weighing;
        self.evolution = checkpoint.evolution;
    }

    /// Forgets the formulas that were tried: what comes does not hang on what has been.
    pub(super) fn clear(&mut self) {
        self.graph = Graph::new();
    }

    /// The best constant, and zero, with what they cost: by the first losses are measured.
    pub(super) fn begin(&mut self) -> [(Candidate, f64); 2] {
        let (weights, y) = (&self.table.weights, &self.rows.y);
        // The weights are one on average.
        let mean = dot(weights, y) / y.len() as f64;
        let formula = self.graph.symbol(&open(0));
        let of = |value: f64| Candidate { formula, constants: vec![value] };
        let (mut constant, zero) = (of(mean), of(0.0));
        let least = match &self.rows.loss {
            Some(_) => constant.fit(&mut self.graph, &self.rows, &[0], 20),
            None => self.variance * y.len() as f64,
        };
        if let Some(loss) = &self.rows.loss {
            self.whole = least / self.rows.y.len() as f64;
            self.degree = loss.degree(&vec![constant.constants[0]; self.rows.y.len()], &self.rows.y);
            self.front.compare_by(self.measure());
        }
        let error = zero.error(&mut self.graph, &self.rows);
        [(constant, least), (zero, error)]
    }

    /// Takes the constant, which any other formula must beat; zero where that has not the unit or the shape that is asked for, as zero has any.
    pub(super) fn constant(&mut self) {
        for (candidate, error) in self.begin() {
            if self.front.entries().is_empty() {
                self.take(candidate, error);
            }
        }
    }

    /// Weighs the sample so that squares have the slopes of the loss at the errors of the formula that has the least now, or of the one that it was
    /// weighed by when the search was broken off.
    pub(super) fn weigh(&mut self) {
        let Some(loss) = &self.settings.loss else { return };
        if self.evolution.is_none() {
            // The errors of a constant say nothing of the rows.
            self.weighing = self.front.entries()[1..].last().map(|found| found.expression.clone());
        }
        let Some(by) = &self.weighing else { return };
        let scope = Scope::new(self.rows.names.iter().cloned()).expect("a table has names that formulas can hold");
        let mut graph = Graph::new();
        let formula = graph.parse(by, &scope).expect("what is printed can be read");
        let values = Candidate { formula, constants: Vec::new() }.values(&mut graph, &self.rows);
        let Some(values) = values else { return };
        let weights = loss.weights(&values, &self.rows.y, COMPARING);
        let scales: Vec<f64> = self.sample.iter().map(|&row| self.rows.scale[row] * weights[row].sqrt()).collect();
        let size = scales.iter().map(|s| s * s).sum::<f64>() / scales.len() as f64;
        // Where all is fitted, or nothing is lost, every row counts as it did.
        if size > 0.0 && size.is_finite() {
            self.scale = scales.iter().map(|s| s / size.sqrt()).collect();
        }
    }

    /// The number beside the terms of a relation.
    pub(super) fn intercept(&self, relation: Relation) -> Intercept {
        self.units.as_ref().map_or(Intercept::Free, |units| units.intercept(relation))
    }

    /// Do the operations of a formula without open numbers agree in their units, and does it give the target's?
    pub(super) fn agrees(&self, formula: ExprId) -> bool {
        self.settings.units.as_ref().is_none_or(|units| units.agree(&self.graph, formula, &self.table.names))
    }

    /// Enumerates so many expressions and looks among their spans; false if it was broken off.
    pub(super) fn enumerate(&mut self, expressions: usize, goes_on: &mut GoesOn<'_>) -> bool {
        self.seeds.clear();
        self.gather(expressions);
        self.evaluations += self.features.len() as u64;
        for (stage, relation) in Relation::ALL.into_iter().enumerate() {
            let share = stage as f64 / Relation::ALL.len() as f64;
            if !goes_on(share, self.front.entries()) {
                return false;
            }
            let agrees = self.units.as_ref().is_none_or(|units| units.allow(relation));
            if agrees && relation.allowed(&self.settings.operators) {
                self.relation(relation, &mut |front| goes_on(share, front));
            }
            if self.is_exact() {
                break;
            }
        }
        if !self.is_exact() && !self.pieces(goes_on) {
            return false;
        }
        goes_on(1.0, self.front.entries())
    }

    /// Makes the features of a stage.
    pub(super) fn gather(&mut self, expressions: usize) {
        self.expressions = expressions;
        self.features.restart(self.enumerated());
        self.features.enumerate(&self.settings.operators);
        self.multiply();
        self.features.enumerate_pieces(&self.settings.operators, self.table.names.len(), expressions / 2);
    }

    /// Expressions that are enumerated by their size at this stage.
    pub(super) fn enumerated(&self) -> usize {
        (ENUMERATED * self.expressions as f64) as usize
    }

    /// The place on the front of the formula to choose.
    pub(super) fn choice(&self) -> usize {
        self.front.best()
    }

    /// The description length of the choice.
    pub(super) fn description(&self) -> f64 {
        self.front.shortest()
    }

    pub(super) fn measure(&self) -> Measure {
        Measure::of(&self.settings.operators, self.table.names.len(), self.measured, self.degree, self.whole)
    }

    /// A mean loss that only rounding leaves.
    pub(super) fn floor(&self) -> f64 {
        self.measure().floor
    }

    pub(super) fn is_exact(&self) -> bool {
        self.shortest_exact().is_some()
    }

    /// Nodes of the shortest formula that leaves nothing.
    pub(super) fn shortest_exact(&self) -> Option<usize> {
        self.front.entries().iter().find(|found| found.loss <= self.floor()).map(|found| found.complexity)
    }

    /// Has a feature a unit with which it may be a term of a sum?
    pub(super) fn may_be_term(&self, i: u32) -> bool {
        self.units.as_ref().is_none_or(|units| units.allow_term(Relation::Direct, self.features.unit(i)))
    }

    /// Features that vary, the smallest first.
    pub(super) fn ordered(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.features.len() as u32).filter(|&i| self.features.varies(i)).collect();
        order.sort_by_key(|&i| self.features.cost(i));
        order
    }
}
