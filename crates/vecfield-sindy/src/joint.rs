//! Linear regression of all equations together, where relations tie their coefficients.

use crate::Library;
use crate::SindyError;
use crate::constraint::{Constraint, Relations};
use crate::model::Trapping;
use crate::refine::prior_variance;
use crate::regression::GramSystem;
use crate::sindy::{Selection, Terms};
use crate::sparse::{Constrained, MOST_JOINT};
use crate::trapping::trap;

/// The price of a term in the search by evidence, in units of `-2 log L`.
const PRICE: f64 = 5.0;
/// The same before there is a prior variance.
const START_PRICE: f64 = 13.0;

/// The relations of constraints, over `[d, p]` coefficients.
pub(crate) fn relations(constraints: &[Constraint], library: &Library, p: usize) -> Result<Relations, SindyError> {
    let mut relations = Relations::default();
    constraints.iter().try_for_each(|constraint| constraint.add_to(&mut relations, library, p))?;
    Ok(relations)
}

/// The normal equations of all equations, each in units of its own residual.
pub(crate) struct Joint {
    m: Vec<f64>,
    h: Vec<f64>,
    /// The geometric mean of the variances that these are in units of.
    variance: f64,
}

/// What a selection finds, `[d, p]` each.
pub(crate) struct Found {
    pub(crate) coefficients: Vec<f64>,
    pub(crate) stderr: Vec<f64>,
    pub(crate) trapping: Option<Trapping>,
}

impl Joint {
    pub(crate) fn new(systems: &[GramSystem], terms: &Terms) -> Self {
        let p = systems.first().map_or(0, GramSystem::len);
        let n = systems.len() * p;
        let (mut m, mut h, mut logs) = (vec![0.0; n * n], vec![0.0; n], 0.0);
        for (equation, system) in systems.iter().enumerate() {
            let places = terms.places(equation);
            let freedom = (system.rows as f64 - places.len() as f64).max(1.0);
            // A perfect fit leaves the rounding of the sums.
            let variance =
                (system.on(&places).dense_rss() / freedom).max(1e-14 * system.total / freedom).max(f64::MIN_POSITIVE);
            logs += variance.ln();
            for i in 0..p {
                let row = equation * p + i;
                h[row] = system.rhs[i] / variance;
                for j in 0..p {
                    m[row * n + equation * p + j] = system.gram[i * p + j] / variance;
                }
            }
        }
        Self { m, h, variance: (logs / systems.len().max(1) as f64).exp() }
    }

    fn constrained<'a>(&'a self, relations: &'a Relations, allowed: &'a [bool]) -> Constrained<'a> {
        Constrained { m: &self.m, h: &self.h, relations, allowed }
    }

    /// The equations by a selection, of the terms allowed.
    pub(crate) fn fit(
        &self,
        selection: Selection,
        relations: &Relations,
        terms: &Terms,
        allowed: &[bool],
    ) -> Result<Found, SindyError> {
        let library = &terms.library;
        if allowed.len() > MOST_JOINT {
            return Err(SindyError::TooManyFeatures {
                features: library.len(),
                most: MOST_JOINT / library.variables().len(),
            });
        }
        let problem = self.constrained(relations, allowed);
        let unsolved = || {
            if relations.feasible(self.h.len()) {
                SindyError::SingularSupport { feature: 0 }
            } else {
                SindyError::Contradiction
            }
        };
        let mut trapping = None;
        let theta = match selection {
            Selection::Stlsq { threshold, ridge } => problem.stlsq(threshold, ridge),
            Selection::Sr3 { threshold, penalty } => problem.sr3(threshold, penalty, 1.0 / self.variance),
            Selection::Auto => Some(self.likeliest(&problem)),
            Selection::Trapping { threshold } => {
                let (theta, found) = trap(&problem, library, threshold)?;
                trapping = Some(found);
                Some(theta)
            }
            Selection::Exact { .. }
            | Selection::Lasso { .. }
            | Selection::AdaptiveLasso { .. }
            | Selection::ElasticNet { .. }
            | Selection::Frols { .. }
            | Selection::Ssr { .. } => return Err(SindyError::ConstraintsNeedOther),
        };
        let theta = theta.filter(|theta| theta.iter().all(|c| c.is_finite())).ok_or_else(unsolved)?;
        let errors = problem.standard_errors(&theta);
        Ok(Found { coefficients: theta, stderr: errors, trapping })
    }

    /// Coefficients on a support; what relations need comes in.
    pub(crate) fn on_support(&self, support: &[bool], relations: &Relations) -> Result<Vec<f64>, SindyError> {
        let problem = self.constrained(relations, support);
        if let Some(minimum) = problem.solve(support) {
            return Ok(minimum.theta);
        }
        let mut support = support.to_vec();
        relations.required().for_each(|k| support[k] = true);
        problem.solve(&support).map(|minimum| minimum.theta).ok_or(SindyError::Contradiction)
    }

    /// Standard errors of coefficients under relations.
    pub(crate) fn standard_errors(&self, theta: &[f64], relations: &Relations) -> Vec<f64> {
        self.constrained(relations, &[]).standard_errors(theta)
    }

    /// By evidence, from nothing.
    fn likeliest(&self, problem: &Constrained<'_>) -> Vec<f64> {
        let (mut support, _) = problem.search(&vec![false; self.h.len()], START_PRICE, None);
        for _ in 0..3 {
            let Some(prior) = problem.solve(&support).and_then(|minimum| prior_variance(&minimum.theta)) else { break };
            support = problem.search(&support, PRICE, Some(prior)).0;
        }
        problem.solve(&support).map_or_else(|| vec![f64::NAN; self.h.len()], |minimum| minimum.theta)
    }
}
