//! What being wrong costs, where that is not the square of the error.

use vecfield_expr::{Graph, Program, Scope};

use crate::error::SymregError;
use crate::table::Table;

/// The name of what a formula gives, in a loss.
const PREDICTED: &str = "predicted";
/// The name of what was measured.
const TARGET: &str = "target";

/// What a row costs, as a formula in `predicted` and `target`: `abs(predicted - target)` for rows of which some are quite wrong,
/// `(predicted/target - 1)^2` for errors in proportion, `max(0.9*(target - predicted), 0.1*(predicted - target))` for the quantile that nine in ten
/// rows lie below.
///
/// Formulas are searched by least squares whose weights are those at which the best formula so far costs what the loss says (iteratively reweighted:
/// Holland and Welsch 1977, <https://doi.org/10.1080/03610927708827533>), their numbers fitted and the front kept by the loss itself.
///
/// ```
/// use vecfield_symreg::{Loss, Symreg, Table};
///
/// // A parabola; every fifth row was measured by somebody who slept.
/// let x: Vec<f64> = (0..50).map(|i| 0.1 * f64::from(i)).collect();
/// let y = x.iter().enumerate().map(|(i, x)| if i % 5 == 0 { 40.0 - x } else { 1.5 * x * x + 7.0 }).collect();
/// let table = Table::new(vec!["x".into()], vec![x], y)?;
/// let loss = Some(Loss::parse("abs(predicted - target)", &table)?);
/// let found = Symreg { expressions: 200, generations: 0, loss, ..Symreg::default() }.search(&table, &mut |_| true);
/// assert_eq!(found.best().expression, "1.5*x^2 + 7");
/// # Ok::<(), vecfield_symreg::SymregError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Loss {
    text: String,
    /// The loss, and its slope by what is predicted.
    program: Program,
}

impl PartialEq for Loss {
    fn eq(&self, other: &Loss) -> bool {
        self.text == other.text
    }
}

/// Rows and errors, in standard deviations of the target, that a loss is tried at.
const TRIED: usize = 64;
const ERRORS: [f64; 6] = [-3.0, -0.5, -0.01, 0.01, 0.5, 3.0];
/// The share of the median error below which errors weigh alike, while numbers are fitted: a kink has no weight at zero.
pub(crate) const FITTING: f64 = 1e-3;
/// The same while formulas are compared: rows that a wrong formula fits by chance are to count no more than half the others.
pub(crate) const COMPARING: f64 = 1.0;

impl Loss {
    /// Reads a loss, and tries it on the rows of `table`.
    ///
    /// # Errors
    ///
    /// [`SymregError::BadLoss`] for a text that is no formula of the two, or one that is not least where a formula is right.
    pub fn parse(text: &str, table: &Table) -> Result<Loss, SymregError> {
        let refused = |reason: String| SymregError::BadLoss { text: text.into(), reason };
        let names = [PREDICTED, TARGET].map(String::from);
        let scope = Scope::new(names.clone()).expect("two names");
        let mut graph = Graph::new();
        let formula = graph.parse(text, &scope).map_err(|e| {
            refused(format!(
                "{e}; a loss is a formula in `{PREDICTED}` and `{TARGET}`, such as `abs(predicted - target)`"
            ))
        })?;
        let program = Program::compile_with_slopes(&mut graph, formula, &names[..1], &names);
        let loss = Loss { text: text.into(), program: program.map_err(|e| refused(e.to_string()))? };
        match loss.breach(&table.target) {
            Some((y, wrong, cost, least)) => Err(refused(format!(
                "where the target is {y} a formula that says {wrong} costs {cost}, and one that is right {least}; give one that is least where \
                 formulas are right, and a number wherever the target is"
            ))),
            None => Ok(loss),
        }
    }

    /// A target, and a wrong value that costs no more than the right one.
    fn breach(&self, target: &[f64]) -> Option<(f64, f64, f64, f64)> {
        let n = target.len();
        let mean = target.iter().sum::<f64>() / n as f64;
        let deviation = (target.iter().map(|y| (y - mean) * (y - mean)).sum::<f64>() / n as f64).sqrt();
        let count = n.min(TRIED);
        let rows: Vec<f64> = (0..count).map(|i| target[i * n / count]).collect();
        let least = self.least(&rows);
        let tried = ERRORS.iter().flat_map(|error| {
            let wrong: Vec<f64> = rows.iter().map(|y| y + error * deviation.max(f64::MIN_POSITIVE)).collect();
            let (costs, _) = self.costs(&wrong, &rows);
            (0..count).map(move |i| (i, wrong[i], costs[i], error.abs() > 1.0)).collect::<Vec<_>>()
        });
        // Small errors may be free. Where a wrong value has no cost, a logarithm of what is negative, formulas that say it are out.
        let breaks =
            |i: usize, cost: f64, large: bool| !least[i].is_finite() || cost < least[i] || large && cost <= least[i];
        tried
            .into_iter()
            .find(|&(i, _, cost, large)| breaks(i, cost, large))
            .map(|(i, wrong, cost, _)| (rows[i], wrong, cost, least[i]))
    }

    /// The text that was read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The loss of each row, and its slope by what is predicted.
    fn costs(&self, predicted: &[f64], target: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let (mut costs, mut slopes) = (vec![0.0; target.len()], vec![0.0; target.len()]);
        let outputs = &mut [&mut costs[..], &mut slopes[..]];
        self.program.eval_rows(&[predicted, target], outputs, &mut self.program.row_registers());
        (costs, slopes)
    }

    /// What it costs to be right.
    pub(crate) fn least(&self, target: &[f64]) -> Vec<f64> {
        self.costs(target, target).0
    }

    /// What each row costs beyond what it costs to be right, its [`least`](Loss::least).
    pub(crate) fn excess(&self, predicted: &[f64], target: &[f64], least: &[f64]) -> Vec<f64> {
        let (mut costs, _) = self.costs(predicted, target);
        costs.iter_mut().zip(least).for_each(|(cost, least)| *cost -= least);
        costs
    }

    /// Weights by which the squares of these errors have the slopes of their loss: `l'(p)/2(p - y)`. Zero where that is none.
    /// * `near`: errors of less than this share of their median weigh as if they were so large.
    pub(crate) fn weights(&self, predicted: &[f64], target: &[f64], near: f64) -> Vec<f64> {
        let mut sizes: Vec<f64> = predicted.iter().zip(target).map(|(p, y)| (p - y).abs()).collect();
        sizes.sort_by(f64::total_cmp);
        let least = near * sizes[sizes.len() / 2];
        let apart: Vec<f64> = (predicted.iter().zip(target))
            .map(|(&p, &y)| {
                let near = least.max(1e-12 * y.abs()).max(f64::MIN_POSITIVE);
                if (p - y).abs() >= near { p } else { y + near.copysign(p - y) }
            })
            .collect();
        let (_, slopes) = self.costs(&apart, target);
        let weight = |((&p, &y), slope): ((&f64, &f64), f64)| 0.5 * slope / (p - y);
        let usable = |weight: f64| if weight.is_finite() { weight.max(0.0) } else { 0.0 };
        apart.iter().zip(target).zip(slopes).map(weight).map(usable).collect()
    }

    /// By which power of the errors it grows, at these: two for squares, one for sizes (Euler's theorem on homogeneous functions). One at the least:
    /// what hardly grows says how many rows are wrong, and nothing of them.
    pub(crate) fn degree(&self, predicted: &[f64], target: &[f64]) -> f64 {
        let (_, slopes) = self.costs(predicted, target);
        let whole: f64 = self.excess(predicted, target, &self.least(target)).iter().sum();
        let along: f64 = slopes.iter().zip(predicted.iter().zip(target)).map(|(slope, (p, y))| slope * (p - y)).sum();
        let degree = along / whole;
        if degree.is_finite() { degree.clamp(1.0, 10.0) } else { 2.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::Loss;
    use crate::table::Table;
    use proptest::prelude::*;

    fn table(target: Vec<f64>) -> Table {
        let x = (0..target.len()).map(|i| i as f64).collect();
        Table::new(vec!["x".into()], vec![x], target).unwrap()
    }

    proptest! {
        /// A row's weight times its error is half the slope of the loss there, and the power is what the loss is one of.
        #[test]
        fn weights_have_the_slopes_of_the_loss(power in 1.0..4.0_f64, errors in prop::collection::vec(0.1..3.0_f64, 8)) {
            let target: Vec<f64> = (0..8).map(|i| f64::from(i) - 2.5).collect();
            let predicted: Vec<f64> =
                target.iter().zip(&errors).enumerate().map(|(i, (y, e))| if i % 2 == 0 { y + e } else { y - e }).collect();
            let loss = Loss::parse(&format!("abs(predicted - target)^{power}"), &table(target.clone())).unwrap();
            prop_assert!((loss.degree(&predicted, &target) - power).abs() < 1e-9);
            for ((weight, cost), error) in
                loss.weights(&predicted, &target, 0.01).iter().zip(loss.excess(&predicted, &target, &loss.least(&target))).zip(&errors)
            {
                prop_assert!((cost - error.powf(power)).abs() < 1e-9 * cost);
                prop_assert!((2.0 * weight * error - power * error.powf(power - 1.0)).abs() < 1e-9 * power);
            }
        }
    }

    #[test]
    fn losses_that_reward_errors_are_refused() {
        let table = table(vec![1.0, 2.0, 3.0, 5.0]);
        for (text, part) in [
            ("abs(predicted)", "right"),
            ("(predicted - target)^3", "right"),
            ("(predicted - y)^2", "\"y\""),
            ("(predicted", "such as"),
            ("log(target - 4)*(predicted - target)^2", "right"),
        ] {
            let error = Loss::parse(text, &table).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
        for text in ["abs(predicted - target)", "(predicted/target - 1)^2", "predicted - target*log(predicted)"] {
            assert!(Loss::parse(text, &table).is_ok(), "{text}");
        }
    }
}
