//! Numbers of one formula fitted to all categories at once, of which some are one for all and some are each category's own.

use vecfield_expr::Graph;
use vecfield_optim::{Infeasible, LeastSquares, LevenbergMarquardt};

use crate::candidate::{Candidate, Fit, Rows, covariance_roots, to_rounding};

/// How a number of a formula differs between categories.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kept {
    /// One for all.
    Same,
    /// Each has its own.
    Own,
    /// One for all, and not fitted.
    Round(f64),
}

/// Which unknown stands for which number of which category.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    kept: Vec<Kept>,
    categories: usize,
}

impl Layout {
    pub(super) fn new(kept: &[Kept], categories: usize) -> Layout {
        Layout { kept: kept.to_vec(), categories }
    }

    fn of(&self, kept: Kept) -> usize {
        match kept {
            Kept::Same => 1,
            Kept::Own => self.categories,
            Kept::Round(_) => 0,
        }
    }

    pub(super) fn unknowns(&self) -> usize {
        self.kept.iter().map(|&kept| self.of(kept)).sum()
    }

    /// The unknown for a number of a category, if it is one.
    pub(super) fn place(&self, number: usize, category: usize) -> Option<usize> {
        let before = self.kept[..number].iter().map(|&kept| self.of(kept)).sum::<usize>();
        match self.kept[number] {
            Kept::Same => Some(before),
            Kept::Own => Some(before + category),
            Kept::Round(_) => None,
        }
    }

    /// The numbers of a category.
    pub(super) fn numbers(&self, x: &[f64], category: usize) -> Vec<f64> {
        let of = |(number, &kept): (usize, &Kept)| match (kept, self.place(number, category)) {
            (Kept::Round(value), _) => value,
            (_, Some(place)) => x[place],
            (_, None) => f64::NAN,
        };
        self.kept.iter().enumerate().map(of).collect()
    }

    /// Unknowns to begin with: of numbers that are to be one the mean over the categories.
    pub(super) fn begin(&self, numbers: &[Vec<f64>]) -> Vec<f64> {
        let mut x = Vec::with_capacity(self.unknowns());
        for (number, kept) in self.kept.iter().enumerate() {
            let own = numbers.iter().map(|numbers| numbers[number]);
            match kept {
                Kept::Same => x.push(own.sum::<f64>() / numbers.len() as f64),
                Kept::Own => x.extend(own),
                Kept::Round(_) => {}
            }
        }
        x
    }
}

/// One formula over all categories.
pub(super) struct Joint<'a> {
    fits: Vec<Fit<'a>>,
    layout: Layout,
}

impl<'a> Joint<'a> {
    /// * `all`: the place of every number of the formula.
    pub(super) fn of(
        graph: &mut Graph,
        candidate: &Candidate,
        rows: &'a [Rows],
        all: &'a [usize],
        layout: Layout,
    ) -> Option<Joint<'a>> {
        let fits = rows.iter().map(|rows| Fit::of(graph, candidate, rows, all)).collect::<Option<Vec<_>>>()?;
        Some(Joint { fits, layout })
    }

    pub(super) fn arranged(&mut self, layout: Layout) {
        self.layout = layout;
    }

    /// The least weighted sum of squares from here; infinite where the formula has no value.
    pub(super) fn descend(&mut self, x: &mut [f64], iterations: usize) -> f64 {
        if x.is_empty() {
            let mut residuals = vec![0.0; self.residual_count()];
            let valid = self.residuals(x, &mut residuals).is_ok();
            return if valid { residuals.iter().map(|r| r * r).sum() } else { f64::INFINITY };
        }
        let summary = LevenbergMarquardt::new(to_rounding(iterations)).minimize(self, x);
        summary.map_or(f64::INFINITY, |summary| 2.0 * summary.cost)
    }

    /// Standard errors of the unknowns, as [`Candidate::standard_errors`] has them.
    pub(super) fn standard_errors(&mut self, x: &[f64]) -> Vec<f64> {
        let (n, k) = (self.residual_count(), x.len());
        let (mut residuals, mut jacobian) = (vec![0.0; n], vec![0.0; n * k]);
        match self.jacobian(x, &mut residuals, &mut jacobian) {
            Ok(()) => covariance_roots(&residuals, &jacobian, k),
            Err(Infeasible) => vec![f64::NAN; k],
        }
    }
}

impl LeastSquares for Joint<'_> {
    fn parameter_count(&self) -> usize {
        self.layout.unknowns()
    }

    fn residual_count(&self) -> usize {
        self.fits.iter().map(LeastSquares::residual_count).sum()
    }

    fn residuals(&mut self, x: &[f64], mut r: &mut [f64]) -> Result<(), Infeasible> {
        for (category, fit) in self.fits.iter_mut().enumerate() {
            let (own, rest) = r.split_at_mut(fit.residual_count());
            fit.residuals(&self.layout.numbers(x, category), own)?;
            r = rest;
        }
        Ok(())
    }

    fn jacobian(&mut self, x: &[f64], mut r: &mut [f64], mut jacobian: &mut [f64]) -> Result<(), Infeasible> {
        let (width, numbers) = (x.len(), self.layout.kept.len());
        for (category, fit) in self.fits.iter_mut().enumerate() {
            let rows = fit.residual_count();
            let mut slopes = vec![0.0; rows * numbers];
            let (own, rest) = r.split_at_mut(rows);
            fit.jacobian(&self.layout.numbers(x, category), own, &mut slopes)?;
            let (part, others) = jacobian.split_at_mut(rows * width);
            part.fill(0.0);
            for number in 0..numbers {
                let Some(place) = self.layout.place(number, category) else { continue };
                for (out, slopes) in part.chunks_exact_mut(width).zip(slopes.chunks_exact(numbers)) {
                    out[place] = slopes[number];
                }
            }
            (r, jacobian) = (rest, others);
        }
        Ok(())
    }
}
