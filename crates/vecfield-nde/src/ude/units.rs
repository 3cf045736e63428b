//! The sizes of what goes into networks and comes out of them, and of the steps that constants take.

use serde::{Deserialize, Serialize};
use vecfield_data::Trajectories;
use vecfield_expr::Registers;

use super::equations::Equations;
use super::stages::{Compiled, Stages};
use crate::trajectory::Scaling;

/// Units of networks and constants, found on the data with every network at zero.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Units {
    pub(super) networks: Vec<NetworkUnits>,
    /// By how much each constant moves where its parameter moves by one, and nothing bounds it.
    pub(super) constants: Vec<f64>,
}

/// The network computes `output · f((x - mean) / scale)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NetworkUnits {
    pub(super) mean: Vec<f64>,
    pub(super) scale: Vec<f64>,
    pub(super) output: f64,
}

/// So many rows are looked at.
const ROWS: usize = 2000;

impl Units {
    /// Everything as it is.
    pub(super) fn none(equations: &Equations) -> Units {
        let network = |&(_, inputs): &(String, usize)| NetworkUnits {
            mean: vec![0.0; inputs],
            scale: vec![1.0; inputs],
            output: 1.0,
        };
        let size = |value: f64| if value == 0.0 { 1.0 } else { value.abs() };
        Units {
            networks: equations.networks.iter().map(network).collect(),
            constants: equations.constants.iter().map(|(_, constant, _)| size(constant.value)).collect(),
        }
    }

    /// Those of these data: arguments get mean zero and variance one; a network's output, and a constant, the size that moves
    /// some rate by as much as the variable moves.
    pub(super) fn of(equations: &Equations, stages: &Stages, data: &Trajectories, scaling: &Scaling) -> Units {
        let mut units = Units::none(equations);
        let rows = rows(equations, stages, data);
        // All calls of a network together.
        let mut seen: Vec<Vec<Vec<f64>>> = equations.networks.iter().map(|&(_, inputs)| vec![vec![]; inputs]).collect();
        for stage in &stages.stages {
            let arguments = values(&stage.arguments, &rows);
            for (network, places) in &stages.calls[stage.calls.clone()] {
                for (input, place) in places.clone().enumerate() {
                    seen[*network][input].extend(arguments.iter().map(|row| row[place]));
                }
            }
        }
        for (own, seen) in units.networks.iter_mut().zip(seen) {
            (own.mean, own.scale) = seen.into_iter().map(|values| moments(values.into_iter())).unzip();
        }
        let sizes: Vec<f64> = scaling.scale.iter().map(|scale| scale * scaling.pace).collect();
        let slopes = slopes(&stages.rates, &rows, &sizes);
        let unit = |slope: f64, otherwise: f64| match 1.0 / slope {
            unit if unit > 0.0 && unit.is_finite() => unit,
            _ => otherwise,
        };
        for (network, own) in units.networks.iter_mut().enumerate() {
            let calls = (0..stages.calls.len()).filter(|&call| stages.calls[call].0 == network);
            own.output = unit(calls.map(|call| slopes[stages.call(call)]).fold(0.0, f64::max), 1.0);
        }
        for (constant, own) in units.constants.iter_mut().enumerate() {
            *own = unit(slopes[stages.constant(constant)], *own);
        }
        units
    }
}

/// The inputs of the programs at rows of the data: cells that were not measured at their means, networks at zero.
fn rows(equations: &Equations, stages: &Stages, data: &Trajectories) -> Vec<Vec<f64>> {
    let means: Vec<f64> = (0..data.dim()).map(|v| data.mean(v)).collect();
    let every = data.row_count().div_ceil(ROWS).max(1);
    let all = data.runs().iter().flat_map(|run| (0..run.len()).map(move |row| (run.times()[row], run.row(row))));
    let inputs = |(t, cells): (f64, &[f64])| {
        let cells = cells.iter().zip(&means).map(|(&cell, &mean)| if cell.is_nan() { mean } else { cell });
        let constants = equations.constants.iter().map(|(_, constant, _)| constant.value);
        let mut inputs: Vec<f64> = [t].into_iter().chain(cells).chain(constants).collect();
        inputs.resize(stages.inputs(), 0.0);
        inputs
    };
    all.step_by(every).map(inputs).collect()
}

fn values(formulas: &Compiled, rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut registers = Registers::new();
    let value = |row: &Vec<f64>| {
        let mut outputs = vec![0.0; formulas.program.output_count()];
        formulas.program.eval(row, &mut outputs, &mut registers);
        outputs
    };
    rows.iter().map(value).collect()
}

/// Mean and standard deviation of the finite ones; a deviation of one where they do not differ.
fn moments(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let finite: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    let count = finite.len() as f64;
    let mean = finite.iter().sum::<f64>() / count;
    let deviation = (finite.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count).sqrt();
    match (mean.is_finite(), deviation > 1e-12 * mean.abs() && deviation.is_finite()) {
        (true, true) => (mean, deviation),
        (true, false) => (mean, 1.0),
        (false, _) => (0.0, 1.0),
    }
}

/// Of each input the largest of the rates' slopes, root mean squares over the rows, in units of `sizes`.
fn slopes(rates: &Compiled, rows: &[Vec<f64>], sizes: &[f64]) -> Vec<f64> {
    let inputs = rates.program.input_count();
    let (mut registers, mut bars, mut largest) = (Registers::new(), Vec::new(), vec![0.0_f64; inputs]);
    for (rate, size) in sizes.iter().enumerate() {
        let mut weights = vec![0.0; sizes.len()];
        weights[rate] = 1.0 / size;
        let (mut squares, mut counts) = (vec![0.0; inputs], vec![0_u32; inputs]);
        for row in rows {
            rates.pullback.add([row, &weights], &mut registers, &mut bars, |input, slope: f64| {
                if slope.is_finite() {
                    squares[input] += slope * slope;
                    counts[input] += 1;
                }
            });
        }
        for (input, largest) in largest.iter_mut().enumerate() {
            *largest = largest.max((squares[input] / f64::from(counts[input].max(1))).sqrt());
        }
    }
    largest
}
