//! `vecfield symreg --category NAME`: one formula for rows of several kinds.

use serde_json::{Map, Value, json};
use vecfield_expr::TextStyle;
use vecfield_symreg::{Categories, FoundByCategory, Parameter, Progress, SearchByCategory};

use super::{Arguments, DIGITS, number_to_json, watched, with_its_error};
use crate::context::Context;
use crate::failure::Failure;
use crate::layout::{duration, number as number_text, table};

pub(super) fn run(arguments: &Arguments, category: &str, context: &Context) -> Result<(), Failure> {
    let (names, columns) = arguments.columns()?;
    let given = columns.first().map_or(0, Vec::len);
    let weights = arguments.weights.as_deref();
    let categories = Categories::of_columns(names, columns, &arguments.target, weights, category);
    let categories = categories.map_err(|e| arguments.refused(&e))?;
    arguments.tell_of_rows(given, categories.whole().rows(), context);
    let settings = arguments.settings(categories.whole(), &arguments.target, context)?;
    let names = categories.whole().names();
    let work = |goes_on: &mut dyn FnMut(Progress<'_>) -> bool| settings.search_by_category(&categories, goes_on);
    let (search, seconds) = watched(arguments, context, names, work)?;
    let outcome = Outcome { search: &search, categories: &categories, target: &arguments.target, category, seconds };
    context.result(&outcome.to_json(), |_| outcome.for_people())
}

/// A search with what it was made for.
struct Outcome<'a> {
    search: &'a SearchByCategory,
    categories: &'a Categories,
    target: &'a str,
    category: &'a str,
    seconds: f64,
}

impl Outcome<'_> {
    fn to_json(&self) -> Value {
        let entry = |found: &FoundByCategory| {
            let (graph, formula) = self.search.formula(found);
            let numbers = |own: &Parameter| (own.name.clone(), own.values.iter().map(number_to_json).collect());
            let mut entry = super::entry(&found.found, &graph.to_latex(formula));
            entry["parameters"] = found.parameters.iter().map(numbers).collect::<Map<String, Value>>().into();
            entry
        };
        json!({
            "target": self.target,
            "category": self.category,
            "categories": self.categories.labels(),
            "front": self.search.front().iter().map(entry).collect::<Vec<_>>(),
            "best": entry(self.search.best()),
            "evaluations": self.search.evaluations(),
            "cut": self.search.cut(),
            "seconds": self.seconds,
        })
    }

    fn for_people(&self) -> String {
        let best = self.search.best();
        let row = |found: &FoundByCategory| {
            let (graph, formula) = self.search.formula(found);
            let text = graph.to_text_styled(formula, TextStyle::digits(DIGITS));
            let chosen = if found == best { "*" } else { "" };
            let found = &found.found;
            let numbers = [found.complexity.to_string(), format!("{:.3e}", found.loss), format!("{:.6}", found.r2)];
            [&numbers[..], &[text, chosen.into()]].concat()
        };
        let rows: Vec<Vec<String>> = self.search.front().iter().map(row).collect();
        let front = table(&["nodes", "loss", "R2", "formula", ""], &rows, &[3, 4]);
        let cut = if self.search.cut() { ", broken off" } else { "" };
        format!(
            "{front}\n{} = {}\n{}{} expressions and sums compared; {}{cut}\n",
            self.target,
            best.found.expression,
            self.parameters(best),
            self.search.evaluations(),
            duration(self.seconds)
        )
    }

    /// The numbers of each category.
    fn parameters(&self, found: &FoundByCategory) -> String {
        if found.parameters.is_empty() {
            return format!("every {} has the same numbers\n", self.category);
        }
        let heads: Vec<&str> =
            [self.category].into_iter().chain(found.parameters.iter().map(|own| own.name.as_str())).collect();
        let row = |(at, &label): (usize, &f64)| {
            let own = found.parameters.iter().map(|own| with_its_error(&own.values[at]));
            [number_text(label)].into_iter().chain(own).collect()
        };
        let rows: Vec<Vec<String>> = self.categories.labels().iter().enumerate().map(row).collect();
        format!("\n{}\n", table(&heads, &rows, &[]))
    }
}
