//! What drives the equation: series as pieces of `dX/du`, with `u` running from 0 to 1 over each piece.

use serde::{Deserialize, Serialize};
use vecfield_data::{Trajectories, Trajectory};
use vecfield_paths::{Interpolation, LogSignatures, Path, PathError, PathOptions};

use crate::error::{NdeError, SettingError};
use crate::model::Number;
use crate::settings::ModelSettings;

/// How series become drives: what is kept of the data that a model was trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Units {
    /// Of each column.
    mean: Vec<f64>,
    scale: Vec<f64>,
    /// One over a typical length of a series.
    pace: f64,
    /// Are measurements counted?
    intensities: bool,
    /// What each number of the drive is multiplied by.
    weights: Vec<f64>,
}

/// How far time goes along a typical series, and a count of measurements: a few times the spread of a column.
const LENGTH: f64 = 4.0;

/// Windows of log-signatures, with their length in rows.
#[derive(Debug, Clone)]
struct Windows {
    logarithms: LogSignatures,
    rows: usize,
}

/// How a series drives the equation.
#[derive(Debug, Clone)]
pub(super) struct Driver {
    pub(super) units: Units,
    interpolation: Interpolation,
    windows: Option<Windows>,
}

/// A series as it drives the equation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Drive<R> {
    /// What the state begins from: the path's first value but for its time.
    pub(super) first: Vec<R>,
    /// `dX/du` of each piece, coefficients of `1, u, u²` or of `1` alone: `[pieces, coefficients, channels]`.
    numbers: Vec<R>,
    coefficients: usize,
    channels: usize,
}

impl<R: Number> Drive<R> {
    /// How many pieces there are.
    pub(super) fn len(&self) -> usize {
        self.numbers.len() / (self.coefficients * self.channels)
    }

    /// Writes `dX/du` at `s`, which counts pieces, into `rate`; at a knot, that of the piece behind it.
    pub(super) fn rate(&self, s: R, rate: &mut [R]) {
        let piece = (s.to_f64() as usize).min(self.len() - 1);
        let u = s - R::from_f64(piece as f64);
        let len = self.coefficients * self.channels;
        let own = &self.numbers[piece * len..(piece + 1) * len];
        rate.copy_from_slice(&own[len - self.channels..]);
        for lower in own[..len - self.channels].rchunks_exact(self.channels) {
            rate.iter_mut().zip(lower).for_each(|(rate, c)| *rate = *c + u * *rate);
        }
    }
}

impl Driver {
    /// That for these data.
    pub(super) fn of(settings: &ModelSettings, data: &Trajectories) -> Result<Driver, NdeError> {
        let missing = data.observed_count() < data.row_count() * data.dim();
        let scale = |v| match data.std(v) {
            std if std > 0.0 && std.is_finite() && settings.normalise() => std,
            _ => 1.0,
        };
        let mean = |v| Some(data.mean(v)).filter(|mean| mean.is_finite() && settings.normalise()).unwrap_or(0.0);
        let length = |run: &Trajectory| run.times()[run.len() - 1] - run.times()[0];
        let mean_length = data.runs().iter().map(length).sum::<f64>() / data.runs().len() as f64;
        let units = Units {
            mean: (0..data.dim()).map(mean).collect(),
            scale: (0..data.dim()).map(scale).collect(),
            pace: if settings.normalise() && mean_length > 0.0 { LENGTH / mean_length } else { 1.0 },
            intensities: settings.intensities.unwrap_or(missing),
            weights: vec![],
        };
        let mut driver = Driver::new(settings, units)?;
        driver.weigh(settings, data)?;
        Ok(driver)
    }

    /// With units that are known.
    pub(super) fn new(settings: &ModelSettings, units: Units) -> Result<Driver, NdeError> {
        let mut driver = Driver { units, interpolation: settings.interpolation(), windows: None };
        let channels = driver.path_options().channels(driver.columns());
        if let Some((depth, rows)) = settings.windows() {
            let refused = |error: PathError| SettingError::Rejected { key: "model.depth", reason: error.to_string() };
            let logarithms = LogSignatures::new(channels, depth).map_err(refused)?;
            driver.windows = Some(Windows { logarithms, rows });
        }
        Ok(driver)
    }

    /// Numbers of a rate.
    pub(super) fn channels(&self) -> usize {
        let path = || self.path_options().channels(self.columns());
        self.windows.as_ref().map_or_else(path, |windows| windows.logarithms.len())
    }

    /// Numbers that a state begins from.
    pub(super) fn inputs(&self) -> usize {
        self.path_options().channels(self.columns()) - 1
    }

    fn path_options(&self) -> PathOptions {
        // Columns have mean zero: that is what one knows of a value before it was measured.
        let options = PathOptions::new(self.interpolation).with_missing();
        let options = if self.interpolation == Interpolation::Rectilinear { options.with_time() } else { options };
        if self.units.intensities { options.with_intensities() } else { options }
    }

    /// The path through a series, with time as its first channel.
    ///
    /// Rows are interpolated by their number, and time with them as any column is: by time itself, the slope at a row that
    /// soon follows another would be that of the noise, and carried far across a gap. A rectilinear path has no slopes.
    fn path(&self, run: &Trajectory) -> Result<Path, PathError> {
        let (n, units) = (self.units.mean.len(), &self.units);
        let times: Vec<f64> = run.times().iter().map(|t| (t - run.times()[0]) * units.pace).collect();
        let cell = |(i, y): (usize, &f64)| (y - units.mean[i % n]) / units.scale[i % n];
        let values: Vec<f64> = run.values().iter().enumerate().map(cell).collect();
        if self.interpolation == Interpolation::Rectilinear {
            return self.path_options().path(&times, &values, n);
        }
        let numbers: Vec<f64> = (0..run.len()).map(|row| row as f64).collect();
        let row = |(t, row): (&f64, &[f64])| [*t].into_iter().chain(row.iter().copied()).collect::<Vec<f64>>();
        let rows: Vec<f64> = times.iter().zip(values.chunks_exact(n)).flat_map(row).collect();
        self.path_options().path(&numbers, &rows, n + 1)
    }

    /// Columns of what a path goes through.
    fn columns(&self) -> usize {
        self.units.mean.len() + usize::from(self.interpolation != Interpolation::Rectilinear)
    }

    /// Finds the weights of the numbers of a drive: log-signatures of all levels count alike, a path as it is but for its counts.
    fn weigh(&mut self, settings: &ModelSettings, data: &Trajectories) -> Result<(), NdeError> {
        let channels = self.channels();
        self.units.weights = vec![1.0; channels];
        let n = self.columns();
        if !settings.normalise() {
            return Ok(());
        }
        let (mut squares, mut pieces) = (vec![0.0; channels], 0_usize);
        for (number, run) in data.runs().iter().enumerate() {
            let drive: Drive<f64> = self.drive(number, run)?;
            for own in drive.numbers.chunks_exact(drive.coefficients * channels) {
                squares.iter_mut().zip(own).for_each(|(sum, x)| *sum += x * x);
            }
            pieces += drive.len();
        }
        let typical = pieces as f64 / data.runs().len() as f64;
        for (i, weight) in self.units.weights.iter_mut().enumerate() {
            let rms = (squares[i] / pieces as f64).sqrt();
            if !(rms > 0.0 && rms.is_finite()) {
                continue;
            }
            match self.windows {
                Some(_) => *weight = 1.0 / (rms * typical.sqrt()),
                // A count goes to the number of rows.
                None if i >= n => *weight = LENGTH / typical,
                None => {}
            }
        }
        Ok(())
    }

    /// The drive by a series, by its number for messages.
    pub(super) fn drive<R: Number>(&self, number: usize, run: &Trajectory) -> Result<Drive<R>, NdeError> {
        let path = self.path(run).map_err(|source| NdeError::Series { trajectory: number, source })?;
        let mut first = vec![0.0; path.channels()];
        path.value_within(0, 0.0, &mut first);
        let (numbers, coefficients) = match &self.windows {
            None => derivatives(&path, self.interpolation),
            Some(windows) => (windows.read(&path), 1),
        };
        let channels = self.channels();
        let weighed = |(i, x): (usize, f64)| R::from_f64(x * self.units.weights[i % channels]);
        Ok(Drive {
            first: first[1..].iter().map(|&x| R::from_f64(x)).collect(),
            numbers: numbers.into_iter().enumerate().map(weighed).collect(),
            coefficients,
            channels,
        })
    }
}

/// `dX/du` of every piece.
fn derivatives(path: &Path, interpolation: Interpolation) -> (Vec<f64>, usize) {
    let straight = matches!(interpolation, Interpolation::Linear | Interpolation::Rectilinear);
    let (n, coefficients) = (path.channels(), if straight { 1 } else { 3 });
    let one = |piece: usize| {
        let cubic = &path.piece(piece)[n..];
        (0..coefficients * n).map(move |i| (1 + i / n) as f64 * cubic[i])
    };
    ((0..path.len()).flat_map(one).collect(), coefficients)
}

impl Windows {
    /// The log-signatures of a path over windows of rows; the last window may be shorter.
    fn read(&self, path: &Path) -> Vec<f64> {
        let algebra = self.logarithms.algebra();
        let (mut signature, mut scratch) = (vec![0.0; algebra.len()], vec![0.0; algebra.level(algebra.depth()).len()]);
        let (mut increment, mut terms) = (vec![0.0; path.channels()], vec![0.0; self.logarithms.len()]);
        let mut numbers = vec![];
        for piece in 0..path.len() {
            // Of a straight piece the derivative is the increment.
            path.derivative_within(piece, 0.0, &mut increment);
            algebra.extend_with(&mut signature, &increment, &mut scratch);
            if (piece + 1).is_multiple_of(self.rows) || piece + 1 == path.len() {
                self.logarithms.of_signature(&signature, &mut terms);
                numbers.extend_from_slice(&terms);
                signature.fill(0.0);
            }
        }
        numbers
    }
}
