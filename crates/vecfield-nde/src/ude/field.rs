//! The rates that formulas and networks give together, for many rows at once.

use vecfield_expr::Registers;
use vecfield_nn::{AnyLayer, Layer, Network};
use vecfield_traits::{BatchField, BatchRows, BatchVjp};

use super::stages::Compiled;
use super::universal::{Shared, Universal};
use crate::model::Number;

/// A [`Universal`] as a field over rows.
#[derive(Debug, Clone, Copy)]
pub struct UniversalField<'a, R>(pub(super) &'a Universal<R>);

/// Memory of a [`UniversalField`].
#[derive(Debug, Clone)]
pub struct UniversalMemory<R> {
    tape: Vec<R>,
    /// Of each stage and of the rates: for the formulas, and for their pullback.
    registers: Vec<[Registers<R>; 2]>,
    bars: Vec<R>,
    /// Arguments of a stage, or their cotangents.
    arguments: Vec<R>,
    /// Cotangents of the programs' inputs.
    inputs_bar: Vec<R>,
    /// Cotangents of a network's arguments and value.
    x_bar: Vec<R>,
    y_bar: Vec<R>,
    weights: Vec<R>,
}

/// What a call leaves on the tape: what went in, what came out, what the network wrote.
fn call_lens<R: Number>(network: &Network<AnyLayer, R>, rows: usize) -> [usize; 3] {
    let layer = network.layer();
    [rows * layer.inputs(), rows, layer.tape_len(rows)]
}

impl<R: Number> UniversalField<'_, R> {
    /// Time, variables and constants in the data's units, and room for the calls.
    fn write_inputs(&self, rows: BatchRows<'_, R>, inputs: &mut [R]) {
        let Shared { stages, scaling, .. } = &*self.0.shared;
        let n = stages.variables;
        let (origin, pace) = (R::from_f64(scaling.origin), R::from_f64(scaling.pace));
        for (row, inputs) in inputs.chunks_exact_mut(stages.inputs()).enumerate() {
            inputs[0] = origin + rows.t[row] / pace;
            for v in 0..n {
                inputs[1 + v] = R::from_f64(scaling.mean[v]) + R::from_f64(scaling.scale[v]) * rows.y[row * n + v];
            }
            let (constants, calls) = inputs[1 + n..].split_at_mut(stages.constants);
            constants.copy_from_slice(&self.0.constants);
            calls.fill(R::zero());
        }
    }

    /// How much a variable moves in the solver's units where its rate is one.
    fn rate_unit(&self, variable: usize) -> R {
        let scaling = &self.0.shared.scaling;
        R::from_f64(1.0 / (scaling.scale[variable] * scaling.pace))
    }

    /// The calls of a stage: their arguments brought to the networks' units, and their values put among the inputs.
    fn call<'t>(
        &self,
        stage: usize,
        count: usize,
        inputs: &mut [R],
        mut tape: &'t mut [R],
        work: &UniversalMemory<R>,
    ) -> &'t mut [R] {
        let Shared { stages, units, .. } = &*self.0.shared;
        let (width, own) = (stages.inputs(), &stages.stages[stage]);
        let outputs = own.arguments.program.output_count();
        for call in own.calls.clone() {
            let (index, ref places) = stages.calls[call];
            let (network, units) = (&self.0.networks[index], &units.networks[index]);
            let [x, y, behind] = pieces(&mut tape, call_lens(network, count));
            for (row, x) in x.chunks_exact_mut(places.len()).enumerate() {
                for (j, x) in x.iter_mut().enumerate() {
                    let argument = work.arguments[row * outputs + places.start + j];
                    *x = (argument - R::from_f64(units.mean[j])) / R::from_f64(units.scale[j]);
                }
            }
            network.layer().record(network.pass(count, R::zero()), x, y, behind);
            for (row, &y) in y.iter().enumerate() {
                inputs[row * width + stages.call(call)] = R::from_f64(units.output) * y;
            }
        }
        tape
    }

    /// [`call`](Self::call) back: from the cotangents of the calls among those of the inputs to those of the arguments.
    fn call_back<'t>(
        &self,
        stage: usize,
        count: usize,
        mut tape: &'t mut [R],
        theta_bar: &mut [R],
        work: &mut UniversalMemory<R>,
    ) -> &'t mut [R] {
        let Shared { stages, units, .. } = &*self.0.shared;
        let (width, own) = (stages.inputs(), &stages.stages[stage]);
        let outputs = own.arguments.program.output_count();
        for call in own.calls.clone().rev() {
            let (index, ref places) = stages.calls[call];
            let (network, units) = (&self.0.networks[index], &units.networks[index]);
            let lens = call_lens(network, count);
            let front = tape.len() - lens.iter().sum::<usize>();
            let (before, mut last) = tape.split_at_mut(front);
            tape = before;
            let [x, _, behind] = pieces(&mut last, lens);
            let (y_bar, x_bar) = (&mut work.y_bar[..count], &mut work.x_bar[..x.len()]);
            for (row, bar) in y_bar.iter_mut().enumerate() {
                *bar = R::from_f64(units.output) * work.inputs_bar[row * width + stages.call(call)];
            }
            let begin = self.0.begin(index);
            let theta_bar = &mut theta_bar[begin..begin + network.theta().len()];
            network.layer().pull_back(network.pass(count, R::zero()), x, behind, y_bar, x_bar, theta_bar);
            for (row, bar) in x_bar.chunks_exact(places.len()).enumerate() {
                for (j, &bar) in bar.iter().enumerate() {
                    work.arguments[row * outputs + places.start + j] = bar / R::from_f64(units.scale[j]);
                }
            }
        }
        tape
    }
}

/// The front of a tape in pieces; the tape is then what is behind them.
fn pieces<'t, R>(tape: &mut &'t mut [R], lens: [usize; 3]) -> [&'t mut [R]; 3] {
    lens.map(|len| {
        let (piece, behind) = core::mem::take(tape).split_at_mut(len);
        *tape = behind;
        piece
    })
}

/// Adds the cotangents of the inputs of formulas, row by row, for those of their outputs.
fn pull_formulas<R: Number>(
    formulas: &Compiled,
    inputs: &[R],
    weights: &[R],
    inputs_bar: &mut [R],
    registers: &mut Registers<R>,
    bars: &mut Vec<R>,
) {
    let (width, outputs) = (formulas.program.input_count(), formulas.program.output_count());
    let rows = inputs.chunks_exact(width).zip(weights.chunks_exact(outputs)).zip(inputs_bar.chunks_exact_mut(width));
    for ((inputs, weights), inputs_bar) in rows {
        formulas.pullback.add([inputs, weights], registers, bars, |input, bar| inputs_bar[input] += bar);
    }
}

impl<R: Number> BatchField<R> for UniversalField<'_, R> {
    type Workspace = UniversalMemory<R>;

    fn workspace(&self, rows: usize) -> UniversalMemory<R> {
        let zeros = |len| vec![R::zero(); len];
        let stages = &self.0.shared.stages;
        let arguments = stages.stages.iter().map(|stage| stage.arguments.program.output_count()).max();
        let compiled = stages.stages.iter().map(|stage| &stage.arguments).chain([&stages.rates]);
        let inputs = self.0.networks.iter().map(|network| network.layer().inputs()).max();
        UniversalMemory {
            tape: zeros(self.tape_len(rows)),
            registers: compiled.map(|own| [own.program.registers(), Registers::new()]).collect(),
            bars: vec![],
            arguments: zeros(rows * arguments.unwrap_or(0)),
            inputs_bar: zeros(rows * stages.inputs()),
            x_bar: zeros(rows * inputs.unwrap_or(0)),
            y_bar: zeros(rows),
            weights: zeros(rows * stages.variables),
        }
    }

    fn width(&self) -> usize {
        self.0.shared.stages.variables
    }

    fn eval(&self, rows: BatchRows<'_, R>, dy: &mut [R], work: &mut UniversalMemory<R>) {
        let mut tape = core::mem::take(&mut work.tape);
        self.record(rows, dy, &mut tape, work);
        work.tape = tape;
    }
}

impl<R: Number> BatchVjp<R> for UniversalField<'_, R> {
    fn parameters(&self) -> &[R] {
        &self.0.theta
    }

    fn tape_len(&self, rows: usize) -> usize {
        let stages = &self.0.shared.stages;
        let calls = stages.calls.iter().map(|&(network, _)| call_lens(&self.0.networks[network], rows));
        rows * stages.inputs() + calls.flatten().sum::<usize>()
    }

    fn record(&self, rows: BatchRows<'_, R>, dy: &mut [R], tape: &mut [R], work: &mut UniversalMemory<R>) {
        let (count, stages) = (rows.member.len(), &self.0.shared.stages);
        let width = stages.inputs();
        let (inputs, mut rest) = tape.split_at_mut(count * width);
        self.write_inputs(rows, inputs);
        for (s, stage) in stages.stages.iter().enumerate() {
            let program = &stage.arguments.program;
            let arguments = work.arguments.chunks_exact_mut(program.output_count());
            for (inputs, arguments) in inputs.chunks_exact(width).zip(arguments) {
                program.eval(inputs, arguments, &mut work.registers[s][0]);
            }
            rest = self.call(s, count, inputs, rest, work);
        }
        let registers = &mut work.registers[stages.stages.len()][0];
        for (inputs, dy) in inputs.chunks_exact(width).zip(dy.chunks_exact_mut(stages.variables)) {
            stages.rates.program.eval(inputs, dy, registers);
            dy.iter_mut().enumerate().for_each(|(v, rate)| *rate *= self.rate_unit(v));
        }
    }

    fn pull_back(
        &self,
        rows: BatchRows<'_, R>,
        tape: &mut [R],
        dy_bar: &[R],
        y_bar: &mut [R],
        theta_bar: &mut [R],
        work: &mut UniversalMemory<R>,
    ) {
        let (count, shared) = (rows.member.len(), &*self.0.shared);
        let (stages, n) = (&shared.stages, shared.stages.variables);
        let width = stages.inputs();
        let len = self.tape_len(count);
        let (inputs, mut rest) = tape[..len].split_at_mut(count * width);
        work.inputs_bar[..count * width].fill(R::zero());
        for (i, (weight, &bar)) in work.weights.iter_mut().zip(dy_bar).enumerate() {
            *weight = bar * self.rate_unit(i % n);
        }
        {
            let UniversalMemory { weights, inputs_bar, registers, bars, .. } = &mut *work;
            let registers = &mut registers[stages.stages.len()][1];
            pull_formulas(&stages.rates, inputs, weights, inputs_bar, registers, bars);
        }
        for (s, stage) in stages.stages.iter().enumerate().rev() {
            rest = self.call_back(s, count, rest, theta_bar, work);
            let UniversalMemory { arguments, inputs_bar, registers, bars, .. } = &mut *work;
            pull_formulas(&stage.arguments, inputs, arguments, inputs_bar, &mut registers[s][1], bars);
        }
        for (row, bars) in work.inputs_bar[..count * width].chunks_exact(width).enumerate() {
            for v in 0..n {
                y_bar[row * n + v] = R::from_f64(shared.scaling.scale[v]) * bars[1 + v];
            }
            for (k, &(constant, _)) in shared.ways.iter().enumerate() {
                theta_bar[k] += self.0.slopes[k] * bars[stages.constant(constant)];
            }
        }
    }
}
