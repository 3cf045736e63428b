//! The files of a search: the formulas to go on with, what the chosen one says of every row, and a report.

use std::path::Path;

use vecfield_expr::TextStyle;
use vecfield_io::{OutputDir, write_table};
use vecfield_plot::{
    Alternative, Better, Constant, Equation, Fact, Fit, Front, FrontPoint, MathMl, Report, Residuals, Series, Standing,
    Trajectory, Variable, Verdict, significant,
};
use vecfield_symreg::Found;

use super::{Arguments, CHECKPOINT, Outcome};
use crate::commands::pages;
use crate::context::Context;
use crate::failure::Failure;

pub(super) const FILES: [&str; 4] = ["formulas.txt", "formulas.toml", "predictions.csv", "report.html"];

/// Leaves the files of a search, says so, and takes away where an earlier one could be taken up if this one is done.
pub(super) fn leave(
    outcome: &Outcome<'_>,
    arguments: &Arguments,
    folder: &OutputDir,
    context: &Context,
) -> Result<(), Failure> {
    if outcome.search.checkpoint().is_none() {
        folder.remove(CHECKPOINT)?;
    }
    write(outcome, &arguments.data, folder)?;
    context.remark(&format!("wrote {} to {}", FILES.join(", "), folder.path().display()));
    Ok(())
}

/// Writes [`FILES`].
fn write(outcome: &Outcome<'_>, file: &Path, folder: &OutputDir) -> Result<(), Failure> {
    let page = Page::new(outcome);
    let report =
        page.report(file).render().map_err(|e| Failure::Computation(format!("the report cannot be written: {e}")))?;
    folder.write("formulas.txt", |to| write!(to, "{}", listing(outcome)))?;
    folder.write("formulas.toml", |to| write!(to, "{}", document(outcome)))?;
    let names: Vec<&str> =
        outcome.rows.names().iter().map(String::as_str).chain([outcome.target, "prediction"]).collect();
    folder.write("predictions.csv", |to| write_table(to, &names, &page.table()))?;
    folder.write("report.html", |to| write!(to, "{report}"))?;
    Ok(())
}

/// Every formula of the front, and the chosen one in LaTeX and Rust.
fn listing(outcome: &Outcome<'_>) -> String {
    let (search, target) = (outcome.search, outcome.target);
    let best = search.best();
    let mut text = format!("nodes, {}, formula\n\n", outcome.cost());
    for found in search.front() {
        text += &format!("{}, {:e}, {target} = {}\n", found.complexity, found.loss, found.expression);
    }
    text += &format!("\nchosen\n\n{target} = {}\n", best.expression);
    if let Some(form) = &outcome.form {
        text += &format!("\nits parts, by {target} = {}\n\n{}", form.text, form.lines(best));
    }
    text += &format!("\nLaTeX\n\n{target} = {}\n", search.latex(best));
    text += &format!("\nRust\n\nlet {target} = {};\n", search.rust(best));
    text
}

/// The same as TOML, for programs.
fn document(outcome: &Outcome<'_>) -> String {
    let search = outcome.search;
    let entry = |found: &Found| {
        let form = outcome.form.as_ref().map_or_else(String::new, |form| form.fields(found));
        format!(
            "complexity = {}\nloss = {:e}\nr2 = {:e}\nexpression = {:?}\nlatex = {:?}\nrust = {:?}\n{form}",
            found.complexity,
            found.loss,
            found.r2,
            found.expression,
            search.latex(found),
            search.rust(found)
        )
    };
    let numbers = search.numbers(search.best()).into_iter().map(|number| {
        let stderr = if number.stderr.is_finite() { format!(", stderr = {:e}", number.stderr) } else { String::new() };
        format!("{{ value = {:e}{stderr} }}", number.value)
    });
    let template = outcome.form.as_ref().map_or_else(String::new, |form| format!("template = {:?}\n", form.text));
    let head = format!(
        "{template}target = {:?}\nvariables = {:?}\nloss = {:?}\n",
        outcome.target,
        outcome.rows.names(),
        outcome.cost()
    );
    let numbers = numbers.collect::<Vec<_>>().join(", ");
    let front: String = search.front().iter().map(|found| format!("\n[[front]]\n{}", entry(found))).collect();
    format!("{head}\n[best]\n{}numbers = [{numbers}]\n{front}", entry(search.best()))
}

/// The chosen formula over the rows of the search.
struct Page<'a> {
    outcome: &'a Outcome<'a>,
    predicted: Vec<f64>,
}

impl<'a> Page<'a> {
    fn new(outcome: &'a Outcome<'a>) -> Page<'a> {
        let predicted = outcome.search.predict(outcome.search.best(), outcome.rows.columns());
        Page { outcome, predicted }
    }

    /// Rows of variables, target and prediction.
    fn table(&self) -> Vec<f64> {
        let rows = self.outcome.rows;
        let row = |at: usize| {
            let own = rows.columns().iter().map(move |column| column[at]);
            own.chain([rows.target()[at], self.predicted[at]])
        };
        (0..rows.rows()).flat_map(row).collect()
    }

    fn report(&self, file: &Path) -> Report {
        let Outcome { search, target, rows, .. } = self.outcome;
        let best = search.best();
        let (across, fit) = self.fit();
        let mut residuals: Vec<[f64; 2]> =
            fit.observed.finite().zip(self.left()).map(|(point, left)| [point[0], left]).collect();
        // Neighbours are those of the figure.
        residuals.sort_by(|a, b| a[0].total_cmp(&b[0]));
        let mut report = Report::new(
            pages::title(file),
            self.verdict(),
            format!("{} nodes explain {} of the variance of {target}.", best.complexity, share(best.r2)),
            across,
            vec![Variable::new(*target)],
            std::iter::once(self.equation(best))
                .chain(self.outcome.form.iter().flat_map(|form| form.equations(best)))
                .collect(),
            vec![Trajectory::new("all rows", vec![fit])],
        );
        report.source = format!("{}: {} rows, {} variables", pages::file_name(file), rows.rows(), rows.names().len());
        let form = self.outcome.form.as_ref().map(|form| format!("The form {} was given. ", form.text));
        report.method = form.unwrap_or_default()
            + "Small expressions enumerated and combined under relations that are linear in their numbers, then sums of trees evolved; \
               the choice is the shortest description.";
        report.facts = vec![
            Fact::new("R²", significant(best.r2, 6), ""),
            match self.outcome.loss {
                Some(_) => Fact::new(self.outcome.cost(), significant(best.loss, 3), ""),
                None => Fact::new("root of the mean squared error", significant(best.loss.sqrt(), 3), ""),
            },
            Fact::new("compared", search.evaluations().to_string(), "expressions and sums"),
        ];
        report.residuals = Some(Residuals::new("measured − formula", vec![residuals.into_iter().collect::<Series>()]));
        let number = |(k, number): (usize, vecfield_symreg::Number)| {
            let stderr = Some(number.stderr).filter(|e| e.is_finite());
            Constant::new(format!("number {}", k + 1), String::new(), number.value, stderr)
        };
        report.constants = search.numbers(best).into_iter().enumerate().map(number).collect();
        report.front = Some(front(self.outcome));
        report.alternatives = search.front().iter().map(|found| self.alternative(found)).collect();
        report.provenance = format!("vecfield {}", env!("CARGO_PKG_VERSION"));
        report
    }

    /// One variable: the data and the curve; several: measurements over predictions, and where these are equal.
    fn fit(&self) -> (Variable, Fit) {
        let Outcome { search, target, rows, .. } = self.outcome;
        if let [x] = rows.columns() {
            let observed = x.iter().zip(rows.target()).map(|(&x, &y)| [x, y]).collect();
            let (low, high) = range(x);
            let fine: Vec<f64> = (0..=FINE).map(|k| low + (high - low) * f64::from(k) / f64::from(FINE)).collect();
            let values = search.predict(search.best(), std::slice::from_ref(&fine));
            let curve = fine.into_iter().zip(values).map(|(x, y)| [x, y]).collect();
            return (Variable::new(&rows.names()[0]), Fit::new(observed, curve));
        }
        let observed = self.predicted.iter().zip(rows.target()).map(|(&x, &y)| [x, y]).collect();
        let (low, high) = range(&self.predicted);
        (
            Variable::new(format!("{target} by the formula")),
            Fit::new(observed, [[low, low], [high, high]].into_iter().collect()),
        )
    }

    fn left(&self) -> impl Iterator<Item = f64> + '_ {
        self.outcome.rows.target().iter().zip(&self.predicted).map(|(y, predicted)| y - predicted)
    }

    /// A formula that leaves but rounding is a law; one that was broken off is not finished.
    fn verdict(&self) -> Verdict {
        match self.outcome.search {
            search if search.best().r2 > 1.0 - 1e-12 => Verdict::Law,
            search if search.cut() => Verdict::Unfinished,
            _ => Verdict::Tentative,
        }
    }

    fn equation(&self, found: &Found) -> Equation {
        let (graph, formula) = self.outcome.search.formula(found);
        let style = TextStyle::digits(pages::DIGITS);
        let text = graph.to_text_styled(formula, style);
        let right = pages::typeset(&graph.to_mathml_styled(formula, style), &text);
        Equation::of_value(self.outcome.target, MathMl::name(self.outcome.target), right, text)
    }

    fn alternative(&self, found: &Found) -> Alternative {
        let best = self.outcome.search.best();
        let standing = if found == best {
            Standing::Chosen
        } else if found.complexity < best.complexity {
            Standing::Rejected("shorter, and leaves more".into())
        } else {
            Standing::Rejected("leaves less, by more than its length is worth".into())
        };
        Alternative::new(vec![self.equation(found)], found.complexity as f64, found.r2, found.loss, standing)
    }
}

/// Points of a curve, less one.
const FINE: u32 = 400;

fn range(values: &[f64]) -> (f64, f64) {
    let finite = values.iter().filter(|v| v.is_finite());
    finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &v| (low.min(v), high.max(v)))
}

/// A share of one with the digits that tell it from one.
fn share(r2: f64) -> String {
    if r2 > 1.0 - 1e-12 { "all".into() } else { format!("{} %", significant(100.0 * r2, 5)) }
}

fn front(outcome: &Outcome<'_>) -> Front {
    let search = outcome.search;
    let points = search.front().iter().map(|found| FrontPoint::new(found.complexity as f64, found.loss)).collect();
    let chosen = search.front().iter().position(|found| found == search.best());
    Front::new(Variable::new("nodes"), Variable::new(outcome.cost()), Better::Lower, points, chosen)
}
