//! Lorenz trajectories, one and a thousand, and stiff problems at four tolerances.

use serde_json::{Value, json};
use vecfield_io::{EnsembleSolver, Problem, Solver};

use super::measure::{Bench, Line, failed};
use crate::failure::Failure;

/// Our choice by itself, and a method that is a peer's too.
const METHODS: [&str; 3] = ["auto", "dop853", "tsit5"];

/// The trajectory of an ensemble that is shown.
const SHOWN: usize = 950;

/// Lorenz's system from (1, 0, 0) at tolerances of 1e-8: up to 10, up to 100, and up to 10 for a thousand ρ from 0 to 21.
pub(super) fn lorenz(bench: &Bench, case: &'static str) -> Result<Vec<Line>, Failure> {
    let (end, trajectories) = match case {
        "lorenz_long" => (100.0, 1),
        "lorenz_ensemble" => (10.0, 1000),
        _ => (10.0, 1),
    };
    let mut lines = Vec::new();
    for method in METHODS {
        let ensemble = "[ensemble]\nrho = { from = 0.0, to = 21.0, count = 1000 }\n";
        let text = format!(
            "[parameters]\nrho = 28.0\n[initial]\nx = 1.0\ny = 0.0\nz = 0.0\n\
             [equations]\nx = \"10*(y - x)\"\ny = \"x*(rho - z) - y\"\nz = \"x*y - 8/3*z\"\n\
             [solve]\nt = [0.0, {end:?}]\nsave = [{end:?}]\nrtol = 1e-8\natol = 1e-8\nmethod = \"{method}\"\n{}",
            if trajectories > 1 { ensemble } else { "" }
        );
        let problem = Problem::parse("lorenz", &text)?;
        let (timing, (last, steps)) = if trajectories > 1 {
            let solver = EnsembleSolver::new(&problem, 0).map_err(failed)?;
            let solver = solver.ok_or_else(|| failed("the problem has no ensemble"))?;
            bench.time(|| {
                let run = solver.solve(&|_| true);
                let last = run.rows(SHOWN).last().map(|(_, state)| state.to_vec());
                Ok((last, run.stats().steps))
            })?
        } else {
            let solver = Solver::new(&problem).map_err(failed)?;
            bench.time(|| {
                let run = solver.solve().map_err(failed)?;
                Ok((run.rows().last().map(<[f64]>::to_vec), run.stats().steps))
            })?
        };
        let each = timing.seconds / f64::from(trajectories);
        let work = json!({"trajectories": trajectories, "rtol": 1e-8, "atol": 1e-8, "steps": steps,
            "seconds_per_trajectory": each});
        lines.push(Line::new(case, &format!("vecfield_{method}"), timing, work, json!({"y_last": last})));
    }
    Ok(lines)
}

/// States at the ends, by other programs in quadruple precision.
const REFERENCES: &str = include_str!("references.json");

/// A stiff problem: its formulas, where it begins and ends, how absolute tolerance follows the relative one.
struct Stiff {
    names: Vec<String>,
    start: Vec<f64>,
    rates: Vec<String>,
    end: f64,
    floor: f64,
}

/// The problem by its case at relative tolerances 1e-4 to 1e-10, by `auto`; the error is the largest
/// `|y - y_ref| / (|y_ref| + floor)` at the end.
pub(super) fn stiff(bench: &Bench, case: &'static str) -> Result<Vec<Line>, Failure> {
    let references: Value = serde_json::from_str(REFERENCES).map_err(failed)?;
    let reference: Vec<f64> = references[case].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
    let stiff = problem(case);
    let mut lines = Vec::new();
    for rtol in [1e-4, 1e-6, 1e-8, 1e-10] {
        let problem = Problem::parse(case, &stiff.text(rtol))?;
        let solver = Solver::new(&problem).map_err(failed)?;
        let (timing, run) = bench.time(|| solver.solve().map_err(failed))?;
        let end = run.rows().last().unwrap_or_default();
        let misses = end.iter().zip(&reference).map(|(y, wanted)| (y - wanted).abs() / (wanted.abs() + stiff.floor));
        let stats = run.stats();
        let work = json!({"n": stiff.names.len(), "rtol": rtol, "atol": rtol * stiff.floor, "t_end": stiff.end,
            "method": run.method(), "steps": stats.steps, "nfev": stats.rhs_evals, "njev": stats.jacobian_evals,
            "nlu": stats.factorizations});
        lines.push(Line::new(case, "vecfield_auto", timing, work, json!({"error": misses.fold(0.0, f64::max)})));
    }
    Ok(lines)
}

impl Stiff {
    fn new(start: &[f64], rates: &[&str], end: f64, floor: f64) -> Stiff {
        let names = (0..start.len()).map(|i| format!("y{i}")).collect();
        Stiff { names, start: start.to_vec(), rates: rates.iter().map(|&rate| rate.into()).collect(), end, floor }
    }

    fn text(&self, rtol: f64) -> String {
        let (mut initial, mut equations) = (String::new(), String::new());
        for ((name, start), rate) in self.names.iter().zip(&self.start).zip(&self.rates) {
            initial += &format!("{name} = {start:?}\n");
            equations += &format!("{name} = \"{rate}\"\n");
        }
        let (end, atol) = (self.end, rtol * self.floor);
        format!(
            "[initial]\n{initial}[equations]\n{equations}[solve]\nt = [0.0, {end:?}]\nsave = [{end:?}]\nrtol = {rtol:e}\natol = {atol:e}\n"
        )
    }
}

fn problem(case: &str) -> Stiff {
    let rober = ["1e4*y1*y2 - 0.04*y0", "0.04*y0 - 1e4*y1*y2 - 3e7*y1*y1", "3e7*y1*y1"];
    match case {
        "rober_1e5" => Stiff::new(&[1.0, 0.0, 0.0], &rober, 1e5, 1e-6),
        "rober_1e11" => Stiff::new(&[1.0, 0.0, 0.0], &rober, 1e11, 1e-6),
        "hires" => Stiff::new(&[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0057], &HIRES, 321.8122, 1e-3),
        "orego" => Stiff::new(&[1.0, 2.0, 3.0], &OREGO, 360.0, 1.0),
        "pollu" => Stiff::new(&POLLU_START, &POLLU, 60.0, 1e-4),
        "vdpol_1e3" => Stiff::new(&[2.0, 0.0], &["y1", "1e3*(1 - y0*y0)*y1 - y0"], 2000.0, 1e-2),
        _ => brusselator(200),
    }
}

const HIRES: [&str; 8] = [
    "-1.71*y0 + 0.43*y1 + 8.32*y2 + 0.0007",
    "1.71*y0 - 8.75*y1",
    "-10.03*y2 + 0.43*y3 + 0.035*y4",
    "8.32*y1 + 1.71*y2 - 1.12*y3",
    "-1.745*y4 + 0.43*y5 + 0.43*y6",
    "-280*y5*y7 + 0.69*y3 + 1.71*y4 - 0.43*y5 + 0.69*y6",
    "280*y5*y7 - 1.81*y6",
    "1.81*y6 - 280*y5*y7",
];

const OREGO: [&str; 3] = ["77.27*(y1 + y0*(1 - 8.375e-6*y0 - y1))", "(y2 - (1 + y0)*y1)/77.27", "0.161*(y0 - y2)"];

const POLLU_START: [f64; 20] =
    [0.0, 0.2, 0.0, 0.04, 0.0, 0.0, 0.1, 0.3, 0.01, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.007, 0.0, 0.0, 0.0];

/// The air pollution problem (Verwer 1994), its reactions written out.
const POLLU: [&str; 20] = [
    "-0.35*y0 - 9e3*y10*y0 - 1.63e4*y0*y5 - 0.0474*y0*y3 - 1780*y18*y0 + 26.6*y1*y3 + 1.23e4*y4*y1 + 1.65e4*y10*y1 + 0.022*y12 + 1.2e4*y9*y1 + 5.78*y18 + 3.12*y19",
    "-26.6*y1*y3 - 1.23e4*y4*y1 - 1.65e4*y10*y1 - 1.2e4*y9*y1 + 0.35*y0 + 2.1*y18",
    "-4.8e6*y2 + 0.35*y0 + 0.0175*y3 + 4.44e11*y15 + 5.78*y18",
    "-26.6*y1*y3 - 3.5e-4*y3 - 0.0175*y3 - 0.0474*y0*y3 + 4.8e6*y2",
    "-1.23e4*y4*y1 + 2*8.6e-4*y6 + 1.5e4*y6*y5 + 1.3e-4*y8 + 1.88*y13 + 1240*y16*y5",
    "-1.5e4*y6*y5 - 2.4e4*y8*y5 - 1.63e4*y0*y5 - 1240*y16*y5 + 1.23e4*y4*y1 + 2*1e8*y15",
    "-8.6e-4*y6 - 8.2e-4*y6 - 1.5e4*y6*y5 + 1.88*y13",
    "8.6e-4*y6 + 8.2e-4*y6 + 1.5e4*y6*y5 + 1.3e-4*y8",
    "-1.3e-4*y8 - 2.4e4*y8*y5",
    "-1.2e4*y9*y1 + 1.3e-4*y8 + 1.65e4*y10*y1",
    "-1.65e4*y10*y1 - 9e3*y10*y0 + 2.4e4*y8*y5 + 0.022*y12",
    "1.65e4*y10*y1",
    "-0.022*y12 + 9e3*y10*y0",
    "-1.88*y13 + 1.2e4*y9*y1",
    "1.63e4*y0*y5",
    "-1e8*y15 - 4.44e11*y15 + 3.5e-4*y3",
    "-1240*y16*y5",
    "1240*y16*y5",
    "-2.1*y18 - 5.78*y18 - 1780*y18*y0 + 0.0474*y0*y3 + 3.12*y19",
    "-3.12*y19 + 1780*y18*y0",
];

/// The Brusselator on a line of `n` inner points, `u = 1` and `v = 3` at its ends, variables in turn.
fn brusselator(n: usize) -> Stiff {
    let d = ((n + 1) * (n + 1)) as f64 / 50.0;
    let name = |kind: char, i: usize| match (kind, i) {
        ('u', i) if i == 0 || i == n + 1 => "1".to_owned(),
        ('v', i) if i == 0 || i == n + 1 => "3".to_owned(),
        (kind, i) => format!("{kind}{i}"),
    };
    let spread =
        |kind: char, i: usize| format!("{d:?}*({} - 2*{} + {})", name(kind, i - 1), name(kind, i), name(kind, i + 1));
    let mut stiff = Stiff { names: vec![], start: vec![], rates: vec![], end: 10.0, floor: 1.0 };
    for i in 1..=n {
        let x = i as f64 / (n + 1) as f64;
        stiff.names.extend([name('u', i), name('v', i)]);
        stiff.start.extend([1.0 + (2.0 * std::f64::consts::PI * x).sin(), 3.0]);
        stiff.rates.push(format!("1 + u{i}*u{i}*v{i} - 4*u{i} + {}", spread('u', i)));
        stiff.rates.push(format!("3*u{i} - u{i}*u{i}*v{i} + {}", spread('v', i)));
    }
    stiff
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wrong formulas would miss the states that other programs reach.
    #[test]
    fn the_problems_are_those_of_the_references() {
        for case in ["rober_1e5", "rober_1e11", "hires", "orego", "pollu", "vdpol_1e3", "bruss_200"] {
            let lines = stiff(&Bench { repeat: 1 }, case).unwrap();
            let errors: Vec<f64> = lines
                .iter()
                .map(|line| serde_json::to_value(line).unwrap()["result"]["error"].as_f64().unwrap())
                .collect();
            assert!(errors[0] < 0.1 && errors[3] < 1e-6, "{case}: {errors:?}");
        }
    }
}
