//! Numbers inside functions, which no span finds because they are not linear: small expressions with all their numbers open, fitted from
//! several starts.

use vecfield_expr::{Binary, ExprId, Graph, Unary};

use super::progress::GoesOn;
use super::run::{FITTED, Run};
use crate::candidate::{Candidate, Rows, open};
use crate::features::{Shape, Thresholds};
use crate::relation::Relation;
use crate::units::Dimensions;
use crate::weighted::Intercept;

/// Nodes of an expression whose numbers are opened, and how many are.
const LARGEST_OPEN: usize = 5;
const STRUCTURES: usize = 1500;
/// Structures whose numbers are fitted from every start.
const PROMISING: usize = 80;
/// Where open numbers start, in turn; all structures from the first of them.
const FIRST_STARTS: usize = 3;
const STARTS: [[f64; 3]; 6] =
    [[1.0, 1.0, 1.0], [0.4, 2.5, 1.2], [2.5, 0.4, 0.7], [-0.5, 3.2, 0.3], [3.2, -0.5, 1.7], [-1.0, -0.3, 2.0]];

impl Run<'_> {
    /// Small expressions with a number before each variable, `c_0 + c_1 f(c_2 x, ..)`: what spans cannot find, because these numbers
    /// are not linear; false if it was broken off.
    pub(super) fn open_numbers(&mut self, goes_on: &mut GoesOn<'_>) -> bool {
        // A number before each variable makes everything agree, if numbers have units.
        let any = self.units.as_ref().is_some_and(Dimensions::numbers_are_any);
        let agreeing = any.then(|| {
            let mut features = self.features.without_units(self.enumerated());
            features.enumerate(&self.settings.operators);
            std::mem::replace(&mut self.features, features)
        });
        let done = self.open_structures(goes_on);
        if let Some(features) = agreeing {
            self.features = features;
        }
        done
    }

    fn open_structures(&mut self, goes_on: &mut GoesOn<'_>) -> bool {
        let sample = self.sample();
        let shifted = self.intercept(Relation::Direct) == Intercept::Free;
        let outer = if shifted { &[0.0, 1.0][..] } else { &[1.0] };
        let is_structure =
            |&i: &u32| self.features.size(i) <= LARGEST_OPEN && (1..=2).contains(&self.bends(i)) && self.is_open(i);
        let mut structures: Vec<u32> =
            self.ordered().into_iter().filter(is_structure).filter(|&i| self.may_be_term(i)).collect();
        // Functions beside each other before functions of functions.
        structures.sort_by_key(|&i| self.features.depth_of_functions(i));
        structures.truncate(STRUCTURES);
        let mut fitted: Vec<(f64, Candidate)> = Vec::new();
        for (at, &i) in structures.iter().enumerate() {
            if at.is_multiple_of(16) && !goes_on(at as f64 / structures.len() as f64, self.front.entries()) {
                return false;
            }
            let mut constants = outer.to_vec();
            let inner = self.opened(i, &mut constants);
            let scale = self.graph.symbol(&open(outer.len() - 1));
            let mut formula = self.graph.mul(scale, inner);
            if shifted {
                let shift = self.graph.symbol(&open(0));
                formula = self.graph.add(shift, formula);
            }
            let open = Candidate { formula, constants };
            fitted.extend(self.fit_from(&open, outer.len(), &STARTS[..FIRST_STARTS], &sample));
        }
        // The most promising from everywhere.
        fitted.sort_by(|a, b| a.0.total_cmp(&b.0));
        fitted.truncate(PROMISING);
        for (error, candidate) in std::mem::take(&mut fitted) {
            let begin = Candidate {
                constants: [outer, &vec![1.0; candidate.constants.len() - outer.len()]].concat(),
                ..candidate.clone()
            };
            fitted.push((error, candidate));
            fitted.extend(self.fit_from(&begin, outer.len(), &STARTS[FIRST_STARTS..], &sample));
        }
        fitted.sort_by(|a, b| a.0.total_cmp(&b.0));
        fitted.truncate(FITTED);
        for (_, candidate) in fitted {
            self.polish(candidate);
        }
        goes_on(1.0, self.front.entries())
    }

    /// The best fit of a formula's open numbers to some rows, those after the first `outer` from several starts.
    fn fit_from(
        &mut self,
        open: &Candidate,
        outer: usize,
        starts: &[[f64; 3]],
        rows: &Rows,
    ) -> Option<(f64, Candidate)> {
        let free: Vec<usize> = (0..open.constants.len()).collect();
        let fits = starts.iter().map(|start| {
            let mut candidate = open.clone();
            let inner = candidate.constants[outer..].iter_mut().enumerate();
            inner.for_each(|(k, number)| *number *= start[k % start.len()]);
            (candidate.fit(&mut self.graph, rows, &free, 25), candidate)
        });
        let best = fits.min_by(|a, b| a.0.total_cmp(&b.0));
        self.evaluations += starts.len() as u64;
        best.filter(|(error, _)| error.is_finite())
    }

    /// The rows of the sample.
    fn sample(&self) -> Rows {
        let columns = (0..self.table.names.len() as u32).map(|i| self.features.values(i).to_vec()).collect();
        Rows::plain(self.table.names.clone(), columns, self.y.clone(), self.scale.clone())
    }

    /// Would it be no other structure without the numbers in it? A factor is opened anyway.
    fn is_open(&self, i: u32) -> bool {
        match self.features.shape(i) {
            Shape::Variable(_) | Shape::Constant(_) => true,
            Shape::Unary(_, x) => self.is_open(x),
            Shape::Binary(op, a, b) => {
                let needed = match op {
                    // What begins somewhere is found with that.
                    Binary::Greater | Binary::Cond => false,
                    Binary::Add | Binary::Pow => true,
                    Binary::Div => self.features.varies(b),
                    _ => self.features.varies(a) && self.features.varies(b),
                };
                needed && self.is_open(a) && self.is_open(b)
            }
        }
    }

    /// An exponent as it is.
    fn exponent(&mut self, i: u32) -> ExprId {
        self.features.formula(&mut self.graph, &self.table.names, i, &mut Thresholds::default())
    }

    /// Operations in a feature that numbers inside do not leave by a factor.
    fn bends(&self, i: u32) -> usize {
        let is_monomial = |i: u32| self.features.is_monomial(i);
        match self.features.shape(i) {
            Shape::Variable(_) | Shape::Constant(_) => 0,
            Shape::Unary(Unary::Log | Unary::Sqrt | Unary::Abs, x) if is_monomial(x) => 0,
            Shape::Unary(_, x) => 1 + self.bends(x),
            Shape::Binary(op, a, b) => {
                usize::from(op == Binary::Div && !is_monomial(b)) + self.bends(a) + self.bends(b)
            }
        }
    }

    /// The formula of a feature with a number before each variable.
    fn opened(&mut self, i: u32, constants: &mut Vec<f64>) -> ExprId {
        let mut number = |graph: &mut Graph, value: f64| {
            constants.push(value);
            graph.symbol(&open(constants.len() - 1))
        };
        match self.features.shape(i) {
            Shape::Variable(v) => {
                let (number, x) = (number(&mut self.graph, 1.0), self.graph.symbol(&self.table.names[v as usize]));
                self.graph.mul(number, x)
            }
            Shape::Constant(value) => number(&mut self.graph, value),
            Shape::Unary(op, x) => {
                let x = self.opened(x, constants);
                self.graph.unary(op, x)
            }
            Shape::Binary(Binary::Pow, a, b) => {
                let (a, b) = (self.opened(a, constants), self.exponent(b));
                self.graph.pow(a, b)
            }
            Shape::Binary(op, a, b) => {
                let (a, b) = (self.opened(a, constants), self.opened(b, constants));
                self.graph.binary(op, a, b)
            }
        }
    }
}
