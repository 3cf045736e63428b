//! The encoder: a recurrent network over readings of several series at once, and the way back through it.

use vecfield_nn::{AnyLayer, Layer, Network};

use super::series::Window;
use crate::model::Number;

/// What a pass over some series leaves for the way back.
///
/// Series are taken from the longest to the shortest, and begin so that all end together: those that are being read are the
/// first so many rows at every reading.
#[derive(Debug, Clone, Default)]
pub(super) struct Encoding<R> {
    /// The series in the order of the rows.
    order: Vec<usize>,
    /// How many rows each reading has.
    rows: Vec<usize>,
    /// Rows `[reading | state before]` of each reading, and where they begin.
    inputs: Vec<R>,
    tapes: Vec<R>,
    /// `[series, hidden]`, in the order of the rows.
    state: Vec<R>,
    next: Vec<R>,
    bar: Vec<R>,
    input_bar: Vec<R>,
}

impl<R: Number> Encoding<R> {
    /// Reads what is shown of series of `n` variables; writes what is remembered of each, `[series, hidden]`.
    pub(super) fn read(
        &mut self,
        network: &Network<AnyLayer, R>,
        series: &[Window<'_, R>],
        n: usize,
        remembered: &mut Vec<R>,
    ) {
        let (layer, width) = (network.layer(), 2 * n + 1);
        let hidden = layer.outputs();
        let len = |i: usize| series[i].readings.len() / width;
        self.order.clear();
        self.order.extend(0..series.len());
        self.order.sort_by_key(|&i| core::cmp::Reverse(len(i)));
        let longest = self.order.first().map_or(0, |&i| len(i));
        self.rows.clear();
        self.inputs.clear();
        self.state.clear();
        self.state.resize(series.len() * hidden, R::zero());
        self.next.resize(series.len() * hidden, R::zero());
        let mut taped = 0;
        for reading in 0..longest {
            let left = longest - reading;
            let rows = self.order.iter().take_while(|&&i| len(i) >= left).count();
            let start = self.inputs.len();
            for row in 0..rows {
                let i = self.order[row];
                let at = len(i) - left;
                self.inputs.extend_from_slice(&series[i].readings[at * width..(at + 1) * width]);
                if at == 0 {
                    // Nothing was read before, though there may be what is not shown.
                    self.inputs.pop();
                    self.inputs.push(R::zero());
                }
                self.inputs.extend_from_slice(&self.state[row * hidden..(row + 1) * hidden]);
            }
            let needed = layer.tape_len(rows);
            self.tapes.resize(self.tapes.len().max(taped + needed), R::zero());
            let (tape, next) = (&mut self.tapes[taped..taped + needed], &mut self.next[..rows * hidden]);
            layer.record(network.pass(rows, R::zero()), &self.inputs[start..], next, tape);
            self.state[..rows * hidden].copy_from_slice(next);
            taped += needed;
            self.rows.push(rows);
        }
        remembered.clear();
        remembered.resize(series.len() * hidden, R::zero());
        for (row, &i) in self.order.iter().enumerate() {
            remembered[i * hidden..(i + 1) * hidden].copy_from_slice(&self.state[row * hidden..(row + 1) * hidden]);
        }
    }

    /// Pulls back the cotangents of what is remembered; adds to those of the parameters.
    pub(super) fn pull_back(&mut self, network: &Network<AnyLayer, R>, remembered_bar: &[R], theta_bar: &mut [R]) {
        let layer = network.layer();
        let (hidden, width) = (layer.outputs(), layer.inputs());
        self.bar.clear();
        for &i in &self.order {
            self.bar.extend_from_slice(&remembered_bar[i * hidden..(i + 1) * hidden]);
        }
        let mut taped: usize = self.rows.iter().map(|&rows| layer.tape_len(rows)).sum();
        let mut read = self.inputs.len();
        for &rows in self.rows.iter().rev() {
            let len = layer.tape_len(rows);
            (taped, read) = (taped - len, read - rows * width);
            self.input_bar.resize(rows * width, R::zero());
            let (inputs, tape) = (&self.inputs[read..read + rows * width], &mut self.tapes[taped..taped + len]);
            // A row's own cotangent is used up, and that of its state before takes its place.
            self.next[..rows * hidden].copy_from_slice(&self.bar[..rows * hidden]);
            let (bar, input_bar) = (&mut self.next[..rows * hidden], &mut self.input_bar[..rows * width]);
            layer.pull_back(network.pass(rows, R::zero()), inputs, tape, bar, input_bar, theta_bar);
            for (to, from) in self.bar.chunks_exact_mut(hidden).zip(input_bar.chunks_exact(width)) {
                to.copy_from_slice(&from[width - hidden..]);
            }
        }
    }
}
