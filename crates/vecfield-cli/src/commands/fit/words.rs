//! A fit for people.

use vecfield_adjoint::Blind;
use vecfield_plot::with_error;

use super::Outcome;
use crate::layout::{duration, number, table};

/// Trajectories whose starts are printed.
const MOST_STARTS: usize = 6;
/// Pairs of constants that are named as correlated.
const MOST_PAIRS: usize = 6;
/// A correlation that is worth a word.
const STRONG: f64 = 0.95;

impl Outcome<'_> {
    pub(super) fn for_people(&self) -> String {
        let fit = &self.fit;
        let profiled = !self.profiles.is_empty();
        let mut header = vec!["parameter", "value", "std. error", "started at"];
        if profiled {
            header.insert(3, "95 % interval");
        }
        let mut text = table(&header, &self.rows(profiled), &[0]);
        let columns = self.fitting.data().variables().iter().zip(self.quality());
        let rows: Vec<_> =
            columns.map(|(name, (r2, rmse))| vec![name.clone(), format!("{r2:.4}"), number(rmse)]).collect();
        text += &format!("\n{}\n", table(&["variable", "R2", "rms residual"], &rows, &[0]));
        let starts = self.starts();
        for (run, start) in starts.iter().enumerate().take(MOST_STARTS) {
            let values = start.iter().map(|(name, v)| format!("{name} = {}", number(v.as_f64().unwrap_or(f64::NAN))));
            let label = if starts.len() > 1 { format!(" of trajectory {}", run + 1) } else { String::new() };
            text += &format!("initial{label}: {}\n", values.collect::<Vec<_>>().join(", "));
        }
        for blind in &self.blind {
            text += &format!("the data cannot see {}\n", self.change(blind));
        }
        if let Err(reason) = &self.uncertainty {
            text += &format!("no standard errors: {reason}\n");
        }
        for (a, b, r) in self.strong_pairs() {
            text += &format!("{a} and {b} are known together only (correlation {})\n", number((1e4 * r).round() / 1e4));
        }
        let end = match (self.cut, fit.converged) {
            (true, _) => "cut short: the best so far",
            (false, true) => "converged",
            (false, false) => "stopped before it converged",
        };
        text + &format!("{end} after {} iterations, {}\n", fit.iterations, duration(self.seconds))
    }

    fn rows(&self, profiled: bool) -> Vec<Vec<String>> {
        let mut rows = vec![];
        for (k, p) in self.problem.parameters().iter().enumerate() {
            let places = self.places(k);
            let mut row = |name: String, value: f64, place: Option<usize>| {
                let (value, error) = match place.map(|place| self.stderr(place)) {
                    Some(Some(error)) => with_error(value, error),
                    Some(None) => (number(value), "not determined".into()),
                    None => (number(value), "held".into()),
                };
                let mut cells = vec![name, value, error];
                if profiled {
                    cells.push(place.map(|place| self.interval(place)).unwrap_or_default());
                }
                cells.push(number(p.value));
                rows.push(cells);
            };
            match places[..] {
                [] => row(p.name.clone(), self.fit.theta[k], None),
                [place] if !self.fitting.options().local.contains(&k) => {
                    row(p.name.clone(), self.fit.theta[k], Some(place));
                }
                _ => {
                    for (run, &place) in places.iter().enumerate() {
                        row(self.unknowns[place].clone(), self.fit.theta_of(run)[k], Some(place));
                    }
                }
            }
        }
        rows
    }

    fn interval(&self, place: usize) -> String {
        let Some((_, profile)) = self.profiles.iter().find(|(index, _)| *index == place) else { return String::new() };
        let end = |end: Option<f64>| end.map_or("open".into(), number);
        format!("{} to {}", end(profile.lower), end(profile.upper))
    }

    /// A combination as changes of one per cent.
    pub(super) fn change(&self, blind: &Blind) -> String {
        let parts = self.direction(blind).into_iter();
        let parts = parts.map(|(name, part)| format!("{name} {:+} %", (100.0 * part).round() / 100.0));
        format!("this change: {}", parts.collect::<Vec<_>>().join(", "))
    }

    /// Pairs of constants of which the data know a combination far better than each, strongest first.
    pub(super) fn strong_pairs(&self) -> Vec<(&str, &str, f64)> {
        let Ok(sure) = &self.uncertainty else { return vec![] };
        let p = self.unknowns.len();
        let mut pairs: Vec<(&str, &str, f64)> = (0..p)
            .flat_map(|i| (0..i).map(move |j| (j, i)))
            .filter(|&(j, i)| self.stderr(j).is_some() && self.stderr(i).is_some())
            .map(|(j, i)| (&*self.unknowns[j], &*self.unknowns[i], sure.correlation(j, i)))
            .filter(|(_, _, r)| r.abs() > STRONG)
            .collect();
        pairs.sort_by(|a, b| b.2.abs().total_cmp(&a.2.abs()));
        pairs.truncate(MOST_PAIRS);
        pairs
    }
}
