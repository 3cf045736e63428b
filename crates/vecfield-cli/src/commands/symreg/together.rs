//! `vecfield symreg --target u,v`: formulas for several columns, and what they share.

use serde_json::{Map, Value, json};
use vecfield_symreg::{Found, Progress, Search, Symreg, Table, Together};

use super::{Arguments, entry, watched};
use crate::context::Context;
use crate::failure::Failure;
use crate::layout::{duration, table};

pub(super) fn run(arguments: &Arguments, context: &Context) -> Result<(), Failure> {
    let targets: Vec<&str> = arguments.target.split(',').map(str::trim).collect();
    for (at, target) in targets.iter().enumerate() {
        if target.is_empty() || targets[..at].contains(target) {
            let problem = "give the columns once each, with commas between them";
            return Err(Failure::Argument(format!("--target {}: {problem}", arguments.target)));
        }
    }
    if arguments.out.is_some() || arguments.resume.is_some() {
        return Err(Failure::Argument(
            "--out and --resume are for one target; leave them out, or search the targets one by one".into(),
        ));
    }
    let tables = tables(arguments, &targets, context)?;
    let settings: Vec<Symreg> = (targets.iter().zip(&tables))
        .map(|(target, table)| arguments.settings(table, target, context))
        .collect::<Result<_, _>>()?;
    if settings.iter().any(|other| *other != settings[0]) {
        return Err(Failure::Argument(
            "--target: the options mean different things for these columns (their units, or the box of their rows); search them one by one"
                .into(),
        ));
    }
    let work = |goes_on: &mut dyn FnMut(Progress<'_>) -> bool| settings[0].search_together(&tables, goes_on);
    let (together, seconds) = watched(arguments, context, tables[0].names(), work)?;
    let outcome = Outcome { together: &together, targets: &targets, seconds };
    context.result(&outcome.to_json(), |_| outcome.for_people())
}

/// A table for each target, without the others.
fn tables(arguments: &Arguments, targets: &[&str], context: &Context) -> Result<Vec<Table>, Failure> {
    let (names, columns) = arguments.columns()?;
    let given = columns.first().map_or(0, Vec::len);
    if let Some(unknown) = targets.iter().find(|target| !names.iter().any(|name| name == *target)) {
        // The table says which there are, and which is meant.
        Table::of_columns(names.clone(), columns.clone(), unknown)
            .map_err(|e| Failure::Argument(format!("--target: {e}")))?;
    }
    let of = |target: &&str| {
        let keep = |name: &str| name == *target || !targets.contains(&name);
        let kept = names.iter().zip(&columns).filter(|(name, _)| keep(name));
        let (names, columns) = kept.map(|(name, column)| (name.clone(), column.clone())).unzip();
        let table = Table::of_weighted_columns(names, columns, target, arguments.weights.as_deref());
        table.map_err(|e| arguments.refused(&e))
    };
    let tables: Vec<Table> = targets.iter().map(of).collect::<Result<_, _>>()?;
    arguments.tell_of_rows(given, tables.iter().map(Table::rows).min().unwrap_or(given), context);
    Ok(tables)
}

/// Searches with what they were made for.
struct Outcome<'a> {
    together: &'a Together,
    targets: &'a [&'a str],
    seconds: f64,
}

impl Outcome<'_> {
    fn to_json(&self) -> Value {
        let (written, chosen) = (self.together.written(), self.together.chosen());
        let of = |(at, search): (usize, &Search)| {
            let front: Vec<Value> = search.front().iter().map(|found| entry(found, &search.latex(found))).collect();
            let best = entry(&chosen[at], &self.together.latex(at));
            (self.targets[at].to_string(), json!({ "front": front, "best": best, "written": written[at] }))
        };
        let shared = self.together.shared().into_iter().map(|(name, part)| (name, json!(part)));
        json!({
            "targets": self.together.searches().iter().enumerate().map(of).collect::<Map<String, Value>>(),
            "shared": shared.collect::<Map<String, Value>>(),
            "rust": self.together.rust(self.targets),
            "evaluations": self.evaluations(),
            "cut": self.cut(),
            "seconds": self.seconds,
        })
    }

    fn evaluations(&self) -> u64 {
        self.together.searches().iter().map(Search::evaluations).sum()
    }

    fn cut(&self) -> bool {
        self.together.searches().iter().any(Search::cut)
    }

    fn for_people(&self) -> String {
        let row = |(target, found): (&&str, &Found)| {
            vec![
                target.to_string(),
                found.complexity.to_string(),
                format!("{:.3e}", found.loss),
                format!("{:.6}", found.r2),
            ]
        };
        let rows: Vec<Vec<String>> = self.targets.iter().zip(self.together.chosen()).map(row).collect();
        let heads = table(&["target", "nodes", "loss", "R2"], &rows, &[0]);
        let line = |(name, formula): (String, String)| format!("{name} = {formula}\n");
        let shared: String = self.together.shared().into_iter().map(line).collect();
        let names = self.targets.iter().map(|target| target.to_string());
        let formulas: String = names.zip(self.together.written()).map(line).collect();
        let cut = if self.cut() { ", broken off" } else { "" };
        let blank = if shared.is_empty() { "" } else { "\n" };
        format!(
            "{heads}\n{shared}{blank}{formulas}{} expressions and sums compared; {}{cut}\n",
            self.evaluations(),
            duration(self.seconds)
        )
    }
}
