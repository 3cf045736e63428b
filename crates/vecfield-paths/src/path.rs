//! A path: cubic pieces between knots, for all channels.

use crate::cubic::{Cubic, hermite};
use crate::error::PathError;
use crate::interpolation::Interpolation;
use crate::options::PathOptions;

/// A path `X(s)` through rows, made by [`PathOptions::path`].
///
/// Its parameter `s` is the time of the data; of a [rectilinear](Interpolation::Rectilinear) path, along which time stands still
/// now and then, it counts pieces instead, two for each row, and [`parameter`](Path::parameter) says where a time is.
///
/// Between two knots all channels are cubics. Whoever goes through a path piece by piece takes the derivative
/// [within](Path::derivative_within) one, which has no doubt about which side of a knot is meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    options: PathOptions,
    columns: usize,
    /// Of the rows.
    times: Vec<f64>,
    /// In the parameter.
    knots: Vec<f64>,
    /// `[pieces, 4, channels]`, cubics of the fraction of a piece.
    pieces: Vec<f64>,
    /// The row under way and the one before it, all channels.
    row: Vec<f64>,
    before: Vec<f64>,
    /// The slope by time of the piece before.
    slope: Vec<f64>,
}

impl Path {
    /// Without a row yet.
    pub(crate) fn begun(options: PathOptions, columns: usize) -> Path {
        let channels = options.channels(columns);
        let mut row = vec![options.before; channels];
        if options.intensities {
            row[channels - columns..].fill(0.0);
        }
        let before = row.clone();
        let slope = vec![0.0; channels];
        Path { options, columns, times: vec![], knots: vec![], pieces: vec![], row, before, slope }
    }

    /// How it was made.
    pub fn options(&self) -> &PathOptions {
        &self.options
    }

    /// Numbers in a value.
    pub fn channels(&self) -> usize {
        self.row.len()
    }

    /// The times of its rows.
    pub fn times(&self) -> &[f64] {
        &self.times
    }

    /// Where its pieces meet, both ends included, in the parameter.
    pub fn knots(&self) -> &[f64] {
        &self.knots
    }

    /// How many pieces there are: one fewer than knots.
    pub fn len(&self) -> usize {
        self.knots.len() - 1
    }

    /// Never true: a path has a piece.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The coefficients of a piece, `[4, channels]`: `X = Σ c_k uᵏ` at the fraction `u` of it.
    ///
    /// # Panics
    ///
    /// If there is no such piece.
    pub fn piece(&self, piece: usize) -> &[f64] {
        let len = 4 * self.channels();
        &self.pieces[piece * len..(piece + 1) * len]
    }

    /// The parameters inside the path at which a derivative of this order may jump: where a solver whose order is higher should
    /// stop. None where it is continuous.
    pub fn breaks(&self, order: usize) -> &[f64] {
        let counted = self.options.intensities && order > 0;
        if counted || order > self.options.interpolation.smoothness() { &self.knots[1..self.len()] } else { &[] }
    }

    /// The parameter at a time of the data: that time itself, or for a rectilinear path the last place at which it is.
    pub fn parameter(&self, t: f64) -> f64 {
        if self.options.interpolation != Interpolation::Rectilinear {
            return t;
        }
        let last = self.times.len() - 1;
        let row = self.times.partition_point(|&own| own <= t).saturating_sub(1).min(last.saturating_sub(1));
        let [from, to] = [self.times[row], self.times[row + 1]];
        let within = (t - from) / (to - from);
        if within >= 1.0 { 2.0 * (row + 1) as f64 } else { 2.0 * row as f64 + within }
    }

    /// Writes the value at `s`, `[channels]`, into `x`. Beyond its ends the path goes on as its first and last pieces do.
    pub fn value(&self, s: f64, x: &mut [f64]) {
        let (piece, u) = self.locate(s);
        self.value_within(piece, u, x);
    }

    /// Writes the derivative by `s`, `[channels]`, into `dx`; at a knot, that of the piece behind it.
    pub fn derivative(&self, s: f64, dx: &mut [f64]) {
        let (piece, u) = self.locate(s);
        self.derivative_within(piece, u, dx);
        let h = self.knots[piece + 1] - self.knots[piece];
        dx.iter_mut().for_each(|dx| *dx /= h);
    }

    /// Writes the value at a fraction `u` of a piece into `x`.
    ///
    /// # Panics
    ///
    /// If there is no such piece.
    pub fn value_within(&self, piece: usize, u: f64, x: &mut [f64]) {
        let c = self.piece(piece);
        let n = self.channels();
        for (i, x) in x.iter_mut().enumerate().take(n) {
            *x = c[i] + u * (c[n + i] + u * (c[2 * n + i] + u * c[3 * n + i]));
        }
    }

    /// Writes the derivative by the fraction of the piece, not by `s`, at a fraction `u` of it into `dx`: what a solver
    /// integrates over `u` from 0 to 1, however long the piece is.
    ///
    /// # Panics
    ///
    /// If there is no such piece.
    pub fn derivative_within(&self, piece: usize, u: f64, dx: &mut [f64]) {
        let c = self.piece(piece);
        let n = self.channels();
        for (i, dx) in dx.iter_mut().enumerate().take(n) {
            *dx = c[n + i] + u * (2.0 * c[2 * n + i] + u * 3.0 * c[3 * n + i]);
        }
    }

    /// A row more at its end; what the path was before, it stays, to the bit.
    ///
    /// # Errors
    ///
    /// [`PathError::NotCausal`] for an interpolation that later rows change; a time or a value that does not fit.
    pub fn append(&mut self, t: f64, values: &[f64]) -> Result<(), PathError> {
        if !self.options.interpolation.is_causal() {
            let name = self.options.interpolation.name();
            return Err(PathError::NotCausal { name, causal: "hermite, linear or rectilinear" });
        }
        self.add(t, values)
    }

    /// A row more; of interpolations that look at later rows a straight piece, to be [replaced](Path::replace).
    pub(crate) fn add(&mut self, t: f64, values: &[f64]) -> Result<(), PathError> {
        self.check(t, values)?;
        self.before.copy_from_slice(&self.row);
        let own = usize::from(self.options.time);
        if self.options.time {
            self.row[0] = t;
        }
        for (column, value) in values.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
            self.row[own + column] = *value;
            if self.options.intensities {
                self.row[own + self.columns + column] += 1.0;
            }
        }
        match self.times.last() {
            None => self.knots.push(if self.options.interpolation == Interpolation::Rectilinear { 0.0 } else { t }),
            Some(&earlier) => self.add_piece(earlier, t),
        }
        self.times.push(t);
        Ok(())
    }

    fn check(&self, t: f64, values: &[f64]) -> Result<(), PathError> {
        let row = self.times.len();
        if !t.is_finite() {
            return Err(PathError::Time { row, t });
        }
        if let Some(&before) = self.times.last().filter(|&&before| t <= before) {
            return Err(PathError::TimeOrder { row, t, before });
        }
        if values.len() != self.columns {
            return Err(PathError::Shape { values: values.len(), rows: 1, channels: self.columns });
        }
        let bad = |value: &f64| value.is_infinite() || (value.is_nan() && !self.options.missing);
        match values.iter().position(bad) {
            Some(channel) if values[channel].is_nan() => {
                let remedy = "measure it, or say that cells may be missing (`with_missing`)";
                Err(PathError::NotFinite { row, channel, value: values[channel], remedy })
            }
            Some(channel) => {
                Err(PathError::NotFinite { row, channel, value: values[channel], remedy: "leave it out as NaN" })
            }
            None => Ok(()),
        }
    }

    /// The piece from the row before to the row under way.
    fn add_piece(&mut self, from: f64, to: f64) {
        let (n, first) = (self.channels(), self.knots.len() == 1);
        let last = self.knots[self.knots.len() - 1];
        if self.options.interpolation == Interpolation::Rectilinear {
            // Time moves first, and whatever was found at its end is taken in then.
            self.push(
                |i, [before, row]| if i == 0 { [before, row - before, 0.0, 0.0] } else { [before, 0.0, 0.0, 0.0] },
            );
            self.push(|i, [before, row]| if i == 0 { [row, 0.0, 0.0, 0.0] } else { [before, row - before, 0.0, 0.0] });
            self.knots.extend([last + 1.0, last + 2.0]);
            return;
        }
        let h = to - from;
        let straight = self.options.interpolation != Interpolation::Hermite;
        let slope = core::mem::take(&mut self.slope);
        // Counts go straight whatever the columns do: they are no measurements.
        let columns = usize::from(self.options.time) + self.columns;
        self.push(|i, [before, row]| {
            let rise = row - before;
            if straight || first || i >= columns {
                [before, rise, 0.0, 0.0]
            } else {
                hermite([before, row], [h * slope[i], rise])
            }
        });
        self.slope = slope;
        for i in 0..n {
            self.slope[i] = (self.row[i] - self.before[i]) / h;
        }
        self.knots.push(to);
    }

    /// A piece from the channel's number, its value at the row before and at the row under way.
    fn push(&mut self, cubic: impl Fn(usize, [f64; 2]) -> Cubic) {
        let (n, at) = (self.channels(), self.pieces.len());
        self.pieces.resize(at + 4 * n, 0.0);
        for i in 0..n {
            for (k, c) in cubic(i, [self.before[i], self.row[i]]).into_iter().enumerate() {
                self.pieces[at + k * n + i] = c;
            }
        }
    }

    /// Puts these cubics in the place of those of a channel.
    pub(crate) fn replace(&mut self, channel: usize, cubics: &[Cubic]) {
        let n = self.channels();
        for (piece, cubic) in self.pieces.chunks_exact_mut(4 * n).zip(cubics) {
            for (k, c) in cubic.iter().enumerate() {
                piece[k * n + channel] = *c;
            }
        }
    }

    /// The piece at `s`, and the fraction of it.
    fn locate(&self, s: f64) -> (usize, f64) {
        let piece = self.knots.partition_point(|&knot| knot <= s).saturating_sub(1).min(self.len() - 1);
        let [from, to] = [self.knots[piece], self.knots[piece + 1]];
        (piece, (s - from) / (to - from))
    }
}
