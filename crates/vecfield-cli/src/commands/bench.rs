//! `vecfield bench`: the program at work that other libraries do too, timed, to be run beside them.
//!
//! Cases, sizes, random numbers and printed keys are those of the scripts for the peers, so that lines of either can be
//! laid side by side; `result` shows that the work was equal.

mod formulas;
mod measure;
mod networks;
mod paths;
mod regression;
mod solves;
mod training;

use clap::Args;

use crate::context::Context;
use crate::failure::Failure;
use measure::{Bench, Line};

const EXAMPLES: &str = "Examples:
  vecfield bench                                  every case, a JSON object a line
  vecfield bench lorenz_single node_train --repeat 20
  vecfield bench list

Seconds are medians over --repeat runs after a first one; ratios to others count where both ran on the same machine,
one at a time. --threads 1 for one core.

Try it:
  vecfield bench lorenz_single";

/// Arguments of `vecfield bench`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Cases, or beginnings of their names; `list` prints all of them
    #[arg(value_name = "CASE")]
    cases: Vec<String>,
    /// Timed runs of each
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    repeat: u32,
}

/// A case: its name, and the work that gives its lines.
type Case = (&'static str, fn(&Bench) -> Result<Vec<Line>, Failure>);

/// Every case.
const CASES: &[Case] = &[
    ("node_train", training::curves),
    ("spiral", training::spiral),
    ("lorenz_single", |bench| solves::lorenz(bench, "lorenz_single")),
    ("lorenz_long", |bench| solves::lorenz(bench, "lorenz_long")),
    ("lorenz_ensemble", |bench| solves::lorenz(bench, "lorenz_ensemble")),
    ("rober_1e5", |bench| solves::stiff(bench, "rober_1e5")),
    ("rober_1e11", |bench| solves::stiff(bench, "rober_1e11")),
    ("hires", |bench| solves::stiff(bench, "hires")),
    ("orego", |bench| solves::stiff(bench, "orego")),
    ("pollu", |bench| solves::stiff(bench, "pollu")),
    ("vdpol_1e3", |bench| solves::stiff(bench, "vdpol_1e3")),
    ("bruss_200", |bench| solves::stiff(bench, "bruss_200")),
    ("sde_gbm_euler", |bench| paths::paths(bench, "sde_gbm_euler")),
    ("sde_gbm_heun", |bench| paths::paths(bench, "sde_gbm_heun")),
    ("sde_ou_euler", |bench| paths::paths(bench, "sde_ou_euler")),
    ("sde_ou_heun", |bench| paths::paths(bench, "sde_ou_heun")),
    ("pinn_3x20", |bench| networks::burgers(bench, "pinn_3x20", &[20; 3], 2540)),
    ("pinn_4x64", |bench| networks::burgers(bench, "pinn_4x64", &[64; 4], 4096)),
    ("sindy_stlsq_deg2", |bench| regression::fit(bench, "sindy_stlsq_deg2")),
    ("sindy_stlsq_deg5", |bench| regression::fit(bench, "sindy_stlsq_deg5")),
    ("sindy_sr3_deg2", |bench| regression::fit(bench, "sindy_sr3_deg2")),
    ("sindy_sr3_deg5", |bench| regression::fit(bench, "sindy_sr3_deg5")),
    ("sindy_ensemble100_deg2", |bench| regression::fit(bench, "sindy_ensemble100_deg2")),
    ("sindy_simulate_5000", regression::simulate),
    ("symreg_eval", formulas::evaluation),
];

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<(), Failure> {
    if arguments.cases == ["list"] {
        return context.print(&CASES.iter().map(|(name, _)| format!("{name}\n")).collect::<String>());
    }
    for wanted in &arguments.cases {
        if !CASES.iter().any(|(name, _)| name.starts_with(wanted.as_str())) {
            let near = vecfield_expr::nearest_name(wanted, CASES.iter().map(|(name, _)| *name));
            let hint = near.map_or_else(String::new, |name| format!(" did you mean `{name}`?"));
            let all = "`vecfield bench list` prints all of them";
            return Err(Failure::Argument(format!("there is no case \"{wanted}\";{hint} {all}")));
        }
    }
    let is_wanted = |name: &str| arguments.cases.is_empty() || arguments.cases.iter().any(|c| name.starts_with(c));
    let bench = Bench { repeat: arguments.repeat as usize };
    let mut printed = String::new();
    for (name, work) in CASES.iter().filter(|(name, _)| is_wanted(name)) {
        context.remark(&format!("bench: {name}"));
        for line in context.on_threads(|| work(&bench))?? {
            printed += &serde_json::to_string(&line).map_err(|e| Failure::Output(e.to_string()))?;
            printed.push('\n');
        }
    }
    context.print(&printed)
}
