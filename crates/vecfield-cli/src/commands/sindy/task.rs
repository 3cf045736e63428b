//! Arguments as a task of the library.

use clap::ValueEnum;
use vecfield_data::Trajectories;
use vecfield_sindy::pde::PdeSindy;
use vecfield_sindy::sparse::Penalty;
use vecfield_sindy::{Bag, Candidates, Constraint, Form, Known, Selection, Sindy, SindyError, Symmetry, Units};

use super::Arguments;
use super::rates::Rates;
use crate::failure::Failure;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Bagged {
    /// Blocks of rows
    Rows,
    /// Terms
    Library,
    /// Rows and terms
    Both,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Relaxed {
    /// The same for each that is not zero
    L0,
    /// Their absolute values
    L1,
    /// Absolute values, clipped at five thresholds
    Cad,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Optimizer {
    /// By evidence, refined through the solver
    Auto,
    /// Sequentially thresholded least squares
    Stlsq,
    /// Sparse relaxed regularised regression
    Sr3,
    /// The L1 path, fitted again on its supports
    Lasso,
    /// The L1 path, each coefficient in units of what least squares gives it
    AdaptiveLasso,
    /// The path of L1 and L2 penalties together, fitted again on its supports
    ElasticNet,
    /// Forward regression: what explains most comes next
    Frols,
    /// Stepwise sparse regression: the smallest coefficient goes
    Ssr,
    /// Best subsets by the Bayesian information criterion
    Exact,
    /// Bounded quadratic dynamics
    Trapping,
}

/// The most terms of an equation that best subsets are searched for.
const LARGEST_SUBSET: usize = 8;

/// The highest derivative of fields of more than one dimension, where none is given.
const PLANE_ORDER: usize = 2;

/// What PySINDy and its papers start from.
const THRESHOLD: f64 = 0.1;

/// That of scikit-learn.
const L1_RATIO: f64 = 0.5;

impl Arguments {
    /// What is to be fitted.
    pub(super) fn task(&self, data: &Trajectories) -> Result<Sindy, Failure> {
        let argument = |flag: &str, e: SindyError| Failure::Argument(format!("{flag}: {e}"));
        let candidates = Candidates::parse(&self.library(data)).map_err(|e| argument("--library", e))?;
        let selection = self.selection()?;
        let known = self.known.iter().map(|text| Known::parse(text).map_err(|e| argument("--known", e)));
        let known = known.collect::<Result<_, _>>()?;
        let constraints =
            self.constraint.iter().map(|text| Constraint::parse(text).map_err(|e| argument("--constraint", e)));
        let constraints = constraints.collect::<Result<_, _>>()?;
        let symmetries = self.symmetry.iter().map(|text| Symmetry::parse(text).map_err(|e| argument("--symmetry", e)));
        let symmetries = symmetries.collect::<Result<_, _>>()?;
        let units =
            self.units.as_deref().map(|text| Units::parse(text).map_err(|e| argument("--units", e))).transpose()?;
        let units = match (units, &self.coefficient_units) {
            (Some(units), Some(text)) => {
                Some(units.with_coefficients(text).map_err(|e| argument("--coefficient-units", e))?)
            }
            (units, _) => units,
        };
        Ok(Sindy {
            form: self.form()?,
            selection,
            known,
            constraints,
            symmetries,
            units,
            rational: self.implicit,
            ensemble: self.ensemble.map_or(0, usize::from),
            bag: match self.bag.unwrap_or(Bagged::Rows) {
                Bagged::Rows => Bag::Rows,
                Bagged::Library => Bag::Library,
                Bagged::Both => Bag::Both,
            },
            ..Sindy::new(candidates)
        })
    }

    fn selection(&self) -> Result<Selection, Failure> {
        use Optimizer::{AdaptiveLasso, ElasticNet, Frols, Lasso, Sr3, Ssr, Stlsq, Trapping};
        let belongs = [
            ("--threshold", self.threshold.is_some(), &[Stlsq, Sr3, Frols, Ssr, Trapping][..]),
            ("--alpha", self.alpha.is_some(), &[Stlsq, Lasso, AdaptiveLasso, ElasticNet][..]),
            ("--l1-ratio", self.l1_ratio.is_some(), &[ElasticNet][..]),
            ("--penalty", self.penalty.is_some(), &[Sr3][..]),
        ];
        for (flag, given, of) in belongs {
            if given && !of.contains(&self.optimizer) {
                let names =
                    of.iter().filter_map(|optimizer| Some(optimizer.to_possible_value()?.get_name().to_owned()));
                let words = names.collect::<Vec<_>>().join(" or ");
                return Err(Failure::Argument(format!(
                    "{flag} belongs to --optimizer {words}; add that, or leave it out"
                )));
            }
        }
        let numbers = [("--threshold", self.threshold), ("--alpha", self.alpha), ("--l1-ratio", self.l1_ratio)];
        if let Some((flag, bad)) =
            numbers.into_iter().find_map(|(flag, v)| Some((flag, v.filter(|v| !(v.is_finite() && *v >= 0.0))?)))
        {
            return Err(Failure::Argument(format!("{flag} {bad}: give a number, 0 or larger")));
        }
        let l1_ratio = self.l1_ratio.unwrap_or(L1_RATIO);
        if !(l1_ratio > 0.0 && l1_ratio <= 1.0) {
            return Err(Failure::Argument(format!("--l1-ratio {l1_ratio}: give a number above 0 and at most 1")));
        }
        let threshold = self.threshold.unwrap_or(THRESHOLD);
        let penalty = match self.penalty {
            None | Some(Relaxed::L0) => Penalty::L0,
            Some(Relaxed::L1) => Penalty::L1,
            Some(Relaxed::Cad) => Penalty::Cad,
        };
        Ok(match self.optimizer {
            Optimizer::Auto => Selection::Auto,
            Optimizer::Exact => Selection::Exact { largest: LARGEST_SUBSET },
            Stlsq => Selection::Stlsq { threshold, ridge: self.alpha.unwrap_or(0.0) },
            Sr3 => Selection::Sr3 { threshold, penalty },
            Lasso => Selection::Lasso { alpha: self.alpha },
            AdaptiveLasso => Selection::AdaptiveLasso { alpha: self.alpha },
            ElasticNet => Selection::ElasticNet { alpha: self.alpha, l1_ratio },
            Frols => Selection::Frols { tolerance: self.threshold },
            Ssr => Selection::Ssr { threshold: self.threshold },
            Trapping => Selection::Trapping { threshold },
        })
    }

    /// How far the terms of a field go: `polynomial:DEGREE,derivative:ORDER`; in a plane there are many derivatives of each order.
    pub(super) fn field_task(&self, dimension: usize) -> Result<PdeSindy, Failure> {
        let mut task = PdeSindy::default();
        if dimension > 1 {
            task.order = PLANE_ORDER;
        }
        for part in self.library.iter().flat_map(|text| text.split(',')) {
            let number =
                part.split_once(':').and_then(|(kind, n)| Some((kind.trim(), n.trim().parse::<usize>().ok()?)));
            match number {
                Some(("polynomial", n)) if n <= 6 => task.degree = n,
                Some(("derivative", n)) if (1..=4).contains(&n) => task.order = n,
                _ => {
                    let known = "for a field give polynomial:DEGREE (up to 6) and derivative:ORDER (1 to 4)";
                    return Err(Failure::Argument(format!("--library {part}: {known}")));
                }
            }
        }
        Ok(task)
    }

    /// The library asked for; quotients of few variables get higher degrees.
    fn library(&self, data: &Trajectories) -> String {
        let degree = match data.dim() + data.inputs().len() {
            1 if self.implicit => 4,
            2 | 3 if self.implicit => 3,
            _ => 2,
        };
        self.library.clone().unwrap_or_else(|| format!("polynomial:{degree}"))
    }

    fn form(&self) -> Result<Form, Failure> {
        if self.discrete {
            return Ok(Form::NextValue);
        }
        let Some(derivative) = self.derivative.as_deref().filter(|_| !self.weak) else { return Ok(Form::Integral) };
        if Rates::named(Some(derivative)).is_some() {
            return Ok(Form::Measured);
        }
        let refused = || {
            let known = "give finite-difference:ORDER (1 to 8), savgol:WINDOW:DEGREE (an odd window above the degree), spline, tv, spectral, or columns:NAME,.. (measured rates)";
            Failure::Argument(format!("--derivative {derivative}: {known}"))
        };
        let mut parts = derivative.split(':');
        let kind = parts.next().unwrap_or_default();
        let numbers = parts.map(str::parse::<usize>).collect::<Result<Vec<_>, _>>().map_err(|_| refused())?;
        match (kind, &numbers[..]) {
            ("spline", []) => Ok(Form::SmoothedDerivative),
            ("tv", []) => Ok(Form::TotalVariation),
            ("spectral", []) => Ok(Form::Spectral),
            ("savgol", []) => Ok(Form::SavitzkyGolay { window: 11, degree: 4 }),
            ("savgol", &[window, degree]) if window % 2 == 1 && degree >= 1 && window > degree => {
                Ok(Form::SavitzkyGolay { window, degree })
            }
            ("finite-difference", []) => Ok(Form::FiniteDifference(2)),
            ("finite-difference", &[order]) if (1..=8).contains(&order) => Ok(Form::FiniteDifference(order)),
            _ => Err(refused()),
        }
    }
}
