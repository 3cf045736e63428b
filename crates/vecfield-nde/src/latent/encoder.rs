//! The encoder: a recurrent network over readings of several series at once, and the way back through it.

use vecfield_nn::{AnyLayer, Layer, Network};

use super::series::Window;
use crate::model::Number;

/// What a pass over some series leaves for the way back.
///
/// Series are taken from the longest to the shortest, and begin so that all end together: those that are being read are the
/// first so many rows at every reading.
#[derive(Debug, Clone, Default)]
pub(crate) struct Encoding<R> {
    /// The series in the order of the rows, and the row of each series.
    order: Vec<usize>,
    place: Vec<usize>,
    /// How many readings each series has.
    readings: Vec<usize>,
    /// How many rows each reading has.
    rows: Vec<usize>,
    /// Rows before each reading.
    before: Vec<usize>,
    /// Rows `[reading | state before]` of each reading.
    inputs: Vec<R>,
    tapes: Vec<R>,
    /// The states after each reading, one row behind the other.
    states: Vec<R>,
    bar: Vec<R>,
    own: Vec<R>,
    input_bar: Vec<R>,
}

impl<R: Number> Encoding<R> {
    /// Reads what is shown of series of `n` variables, in the order in which they were given.
    pub(crate) fn read(&mut self, network: &Network<AnyLayer, R>, series: &[Window<'_, R>], n: usize) {
        let (layer, width) = (network.layer(), 2 * n + 1);
        let hidden = layer.outputs();
        self.arrange(series, width);
        self.inputs.clear();
        self.states.clear();
        let (mut taped, longest) = (0, self.rows.len());
        for reading in 0..longest {
            let (rows, left, start) = (self.rows[reading], longest - reading, self.inputs.len());
            let earlier = reading.checked_sub(1).map_or(0, |earlier| self.before[earlier]);
            for row in 0..rows {
                let i = self.order[row];
                let at = self.readings[i] - left;
                self.inputs.extend_from_slice(&series[i].readings[at * width..(at + 1) * width]);
                if at > 0 {
                    let state = (earlier + row) * hidden..(earlier + row + 1) * hidden;
                    self.inputs.extend_from_slice(&self.states[state]);
                } else {
                    // Nothing was read before, though there may be what is not shown.
                    self.inputs.pop();
                    self.inputs.resize(self.inputs.len() + 1 + hidden, R::zero());
                }
            }
            let needed = layer.tape_len(rows);
            self.tapes.resize(self.tapes.len().max(taped + needed), R::zero());
            let at = self.states.len();
            self.states.resize(at + rows * hidden, R::zero());
            let tape = &mut self.tapes[taped..taped + needed];
            layer.record(network.pass(rows, R::zero()), &self.inputs[start..], &mut self.states[at..], tape);
            taped += needed;
        }
    }

    /// Finds out which series is read when and where.
    fn arrange(&mut self, series: &[Window<'_, R>], width: usize) {
        self.readings.clear();
        self.readings.extend(series.iter().map(|series| series.readings.len() / width));
        self.order.clear();
        self.order.extend(0..series.len());
        self.order.sort_by_key(|&i| core::cmp::Reverse(self.readings[i]));
        self.place.resize(series.len(), 0);
        self.order.iter().enumerate().for_each(|(row, &i)| self.place[i] = row);
        let longest = self.order.first().map_or(0, |&i| self.readings[i]);
        self.rows.clear();
        self.before.clear();
        for left in (1..=longest).rev() {
            self.before.push(self.before.last().map_or(0, |before| before + self.rows[self.rows.len() - 1]));
            self.rows.push(self.order.iter().take_while(|&&i| self.readings[i] >= left).count());
        }
    }

    /// What is remembered after each reading, `[row, hidden]`: see [`row`](Encoding::row).
    pub(crate) fn states(&self) -> &[R] {
        &self.states
    }

    /// The row of a series after so many of its readings, from its end, and one more.
    pub(crate) fn row(&self, series: usize, reading: usize) -> usize {
        self.before[self.rows.len() - self.readings[series] + reading] + self.place[series]
    }

    /// The row of a series when all of it was read; `None` where there was nothing to be read.
    pub(crate) fn last(&self, series: usize) -> Option<usize> {
        Some(self.row(series, self.readings[series].checked_sub(1)?))
    }

    /// Pulls back the cotangents of the states; adds to those of the parameters.
    pub(crate) fn pull_back(&mut self, network: &Network<AnyLayer, R>, states_bar: &[R], theta_bar: &mut [R]) {
        let layer = network.layer();
        let (hidden, width) = (layer.outputs(), layer.inputs());
        self.bar.clear();
        self.bar.resize(self.order.len() * hidden, R::zero());
        let mut taped: usize = self.rows.iter().map(|&rows| layer.tape_len(rows)).sum();
        for (&rows, &before) in self.rows.iter().zip(&self.before).rev() {
            let len = layer.tape_len(rows);
            taped -= len;
            self.input_bar.resize(rows * width, R::zero());
            let tape = &mut self.tapes[taped..taped + len];
            let inputs = &self.inputs[before * width..(before + rows) * width];
            // A row's own cotangent is used up, and that of its state before takes its place.
            self.own.clear();
            let here = &states_bar[before * hidden..(before + rows) * hidden];
            self.own.extend(self.bar.iter().zip(here).map(|(&later, &here)| later + here));
            let (own, input_bar) = (&mut self.own[..], &mut self.input_bar[..rows * width]);
            layer.pull_back(network.pass(rows, R::zero()), inputs, tape, own, input_bar, theta_bar);
            for (to, from) in self.bar.chunks_exact_mut(hidden).zip(input_bar.chunks_exact(width)) {
                to.copy_from_slice(&from[width - hidden..]);
            }
        }
    }
}
