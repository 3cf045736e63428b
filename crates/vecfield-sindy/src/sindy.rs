//! [`Sindy`]: from a data set to a [`Model`].

use crate::constraint::{Constraint, Relations};
use crate::joint::relations;
use crate::library::Slope;
use crate::regression::GramSystem;
use crate::sparse::Penalty;
use crate::{Candidates, Fitting, Library, Model, SindyError, Symmetry, Units};
use vecfield_data::Trajectories;

/// What the equations are matched to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Form {
    /// Values, by integrals of the features along the smoothed path.
    #[default]
    Integral,
    /// Differences of this order of accuracy, features on the raw samples.
    FiniteDifference(usize),
    /// Derivative and features of the smoothed path.
    SmoothedDerivative,
    /// The same of local polynomials through so many neighbours.
    SavitzkyGolay {
        /// Measurements in a window.
        window: usize,
        /// Degree of the polynomials.
        degree: usize,
    },
    /// The same of the path whose slopes vary least in total.
    TotalVariation,
    /// The same of a sine series; times must be even.
    Spectral,
    /// Rates that were measured with the states, features on the raw samples: [`Fitting::with_rates`].
    Measured,
    /// The next values: a map `y_{k+1} = f(y_k)` instead of a differential equation.
    NextValue,
}

/// How the terms are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum Selection {
    /// By evidence, refined through the solver with the support still free (integral form).
    #[default]
    Auto,
    /// Best subsets of up to so many terms an equation; their number by the Bayesian information criterion.
    Exact {
        /// The most terms of an equation.
        largest: usize,
    },
    /// Sequentially thresholded least squares.
    Stlsq {
        /// Coefficients below this are dropped.
        threshold: f64,
        /// Ridge penalty on the way.
        ridge: f64,
    },
    /// Sparse relaxed regularised regression.
    Sr3 {
        /// Coefficients below this are dropped.
        threshold: f64,
        /// What is paid for the others.
        penalty: Penalty,
    },
    /// LASSO, fitted again on its support.
    Lasso {
        /// The penalty; the path's best by the Bayesian information criterion without one.
        alpha: Option<f64>,
    },
    /// LASSO with a penalty inverse to what least squares gives a coefficient, fitted again on its support.
    AdaptiveLasso {
        /// The penalty; the path's best by the Bayesian information criterion without one.
        alpha: Option<f64>,
    },
    /// Elastic net, fitted again on its support.
    ElasticNet {
        /// The penalty; the path's best by the Bayesian information criterion without one.
        alpha: Option<f64>,
        /// The share of the penalty on absolute values, above 0 and at most 1; the rest is on squares.
        l1_ratio: f64,
    },
    /// Forward regression with orthogonal least squares.
    Frols {
        /// The share of the squares of the right-hand sides that may be left; the best by the Bayesian information criterion without one.
        tolerance: Option<f64>,
    },
    /// Stepwise sparse regression: the smallest coefficient goes.
    Ssr {
        /// Coefficients below this go; the best by the Bayesian information criterion without one.
        threshold: Option<f64>,
    },
    /// Bounded quadratic dynamics: sequential thresholding under [`Constraint::EnergyPreserving`], with a region that no trajectory leaves.
    Trapping {
        /// Coefficients below this are dropped.
        threshold: f64,
    },
}

/// What the members of an ensemble differ in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Bag {
    /// Blocks of rows, drawn with replacement.
    #[default]
    Rows,
    /// Terms: one in ten is left out, and one at least. A term's share is that of the members that were offered it.
    Library,
    /// Rows and terms.
    Both,
}

impl Selection {
    /// Does it compare coefficients with each other or with a threshold, whatever the units?
    pub(crate) fn compares_sizes(self) -> bool {
        matches!(self, Self::Stlsq { .. } | Self::Sr3 { .. } | Self::Ssr { .. } | Self::Trapping { .. })
    }
}

/// A part of an equation that is known: `x' = formula + ..`.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// The variable whose equation it is in.
    pub variable: String,
    /// The part, a formula of variables, inputs and `t`.
    pub formula: String,
}

impl Known {
    /// Reads `x: 1.3*x`.
    ///
    /// # Errors
    ///
    /// [`SindyError::KnownSyntax`].
    pub fn parse(text: &str) -> Result<Self, SindyError> {
        match text.split_once(':') {
            Some((variable, formula)) if !variable.trim().is_empty() && !formula.trim().is_empty() => {
                Ok(Self { variable: variable.trim().to_string(), formula: formula.trim().to_string() })
            }
            _ => Err(SindyError::KnownSyntax { text: text.to_string() }),
        }
    }
}

/// Sparse identification: a library, a form, a selection.
///
/// ```
/// use vecfield_data::{Trajectories, Trajectory};
/// use vecfield_sindy::{Sindy, Family};
///
/// // Logistic growth x' = 2 x - 0.5 x² from x(0) = 0.2: x = 4 / (1 + 19 exp(-2 t)).
/// let times: Vec<f64> = (0..60).map(|k| 0.08 * f64::from(k)).collect();
/// let values = times.iter().map(|t| 4.0 / (1.0 + 19.0 * (-2.0 * t).exp())).collect();
/// let run = Trajectory::new(times, values, vec![])?;
/// let data = Trajectories::new(vec!["x".into()], vec![], vec![run])?;
///
/// let model = Sindy::new(vec![Family::Polynomial(3)]).fit(&data)?;
/// assert_eq!(model.equations(Some(4)), ["2*x - 0.5*x^2"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Sindy {
    /// The terms that each equation may have.
    pub candidates: Candidates,
    /// What is matched.
    pub form: Form,
    /// How terms are chosen.
    pub selection: Selection,
    /// Known parts of equations.
    pub known: Vec<Known>,
    /// Relations between coefficients.
    pub constraints: Vec<Constraint>,
    /// What leaves the equations as they are.
    pub symmetries: Vec<Symmetry>,
    /// What variables are measured in.
    pub units: Option<Units>,
    /// Are right-hand sides quotients of two sums over the library? For automatic selection in integral form.
    pub rational: bool,
    /// Members of an ensemble, whose majority decides on a term; 0 for none.
    pub ensemble: usize,
    /// What its members differ in.
    pub bag: Bag,
    /// What fixes the resampling.
    pub seed: u64,
}

/// A library as equations use it.
pub(crate) struct Terms {
    pub(crate) library: Library,
    /// Features that can be chosen; known parts stand behind them.
    pub(crate) selectable: usize,
    /// `(equation, feature)` of each known part.
    pub(crate) known: Vec<(usize, usize)>,
    /// Which equation may have which of the features that can be chosen, `[d, selectable]`; slopes are no equation's.
    pub(crate) allowed: Vec<bool>,
    /// Slopes of features in the constants inside them.
    pub(crate) slopes: Vec<Slope>,
    /// Constants inside features.
    pub(crate) constants: Vec<(String, f64)>,
    /// What symmetries leave of the coefficients.
    pub(crate) ties: Relations,
}

impl Terms {
    /// The features that equation `i` may have.
    pub(crate) fn places(&self, i: usize) -> Vec<usize> {
        (0..self.selectable).filter(|k| self.allowed[i * self.selectable + k]).collect()
    }

    /// A regression on the whole library as one on the features that can be chosen: known parts go to the right-hand side.
    pub(crate) fn reduced(&self, system: &GramSystem, equation: usize) -> GramSystem {
        let fixed: Vec<usize> = self.known.iter().filter(|part| part.0 == equation).map(|part| part.1).collect();
        system.reduced(self.selectable, &fixed)
    }

    /// Of values for each feature, `[n, selectable]`, those that are no slopes.
    pub(crate) fn without_slopes(&self, values: &[f64]) -> Vec<f64> {
        let own = self.selectable - self.slopes.len();
        values.chunks(self.selectable).flat_map(|row| &row[..own]).copied().collect()
    }

    /// The same without slopes.
    pub(crate) fn closed(&self) -> Result<Self, SindyError> {
        let count = self.slopes.len();
        let own = self.selectable - count;
        Ok(Self {
            library: self.library.clone().without(&self.slopes)?,
            selectable: own,
            known: self.known.iter().map(|&(equation, feature)| (equation, feature - count)).collect(),
            allowed: self.allowed.chunks(self.selectable).flat_map(|row| &row[..own]).copied().collect(),
            slopes: Vec::new(),
            constants: self.constants.clone(),
            ties: self.ties.clone(),
        })
    }
}

impl Sindy {
    /// Integral form, automatic selection, nothing known.
    pub fn new(candidates: impl Into<Candidates>) -> Self {
        Self {
            candidates: candidates.into(),
            form: Form::default(),
            selection: Selection::default(),
            known: Vec::new(),
            constraints: Vec::new(),
            symmetries: Vec::new(),
            units: None,
            rational: false,
            ensemble: 0,
            bag: Bag::default(),
            seed: 0,
        }
    }

    /// A fit to `data`.
    pub fn on<'a>(&'a self, data: &'a Trajectories) -> Fitting<'a> {
        Fitting::new(self, data)
    }

    /// The equations of `data`: [`Fitting::run`] with nothing beside them.
    ///
    /// # Errors
    ///
    /// As [`Fitting::run`].
    pub fn fit(&self, data: &Trajectories) -> Result<Model, SindyError> {
        self.on(data).run()
    }

    pub(crate) fn relations(&self, terms: &Terms) -> Result<Relations, SindyError> {
        let energy = Constraint::EnergyPreserving;
        let trapping = matches!(self.selection, Selection::Trapping { .. }) && !self.constraints.contains(&energy);
        let constraints: Vec<Constraint> = self.constraints.iter().cloned().chain(trapping.then_some(energy)).collect();
        let mut relations = relations(&constraints, &terms.library, terms.selectable)?;
        relations.equalities.extend(terms.ties.equalities.iter().cloned());
        Ok(relations)
    }

    /// The library at values of the constants inside its features.
    pub(crate) fn terms(&self, data: &Trajectories, constants: &[(String, f64)]) -> Result<Terms, SindyError> {
        let (library, mut own) = self.candidates.library(data.variables(), data.inputs(), constants)?;
        let count = library.len();
        if let Some(units) = &self.units {
            units.restrict(&library, &mut own)?;
        }
        let (library, slopes) = library.with_slopes()?;
        let selectable = library.len();
        let (library, known) = library.with_known(&self.known)?;
        let allowed = own.chunks(count.max(1)).flat_map(|row| {
            row.iter().copied().chain(core::iter::repeat_n(false, selectable - count)).collect::<Vec<_>>()
        });
        let (mut allowed, mut ties): (Vec<bool>, _) = (allowed.collect(), Relations::default());
        for symmetry in &self.symmetries {
            symmetry.restrict(&library, &mut allowed, &mut ties)?;
        }
        let terms = Terms { library, selectable, known, allowed, slopes, constants: constants.to_vec(), ties };
        match (0..data.dim()).find(|&i| terms.places(i).is_empty()) {
            Some(shut) => Err(SindyError::NothingAllowed { variable: data.variables()[shut].clone() }),
            None => Ok(terms),
        }
    }
}
