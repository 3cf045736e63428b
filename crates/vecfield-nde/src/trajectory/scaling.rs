//! Units in which every variable has mean zero and variance one, and moves by about one in a unit of time.

use serde::{Deserialize, Serialize};
use vecfield_data::{Trajectories, Trajectory};

/// `z = (y - mean) / scale`, `τ = (t - origin) · pace`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scaling {
    /// Of each variable.
    pub mean: Vec<f64>,
    /// Of each variable.
    pub scale: Vec<f64>,
    /// The earliest time.
    pub origin: f64,
    /// Units of `τ` in one of `t`.
    pub pace: f64,
}

/// Rates are differences over at least this part of a trajectory, so that noise on neighbouring rows does not pass for motion.
const APART: f64 = 0.05;

impl Scaling {
    /// That of these data.
    pub fn of(data: &Trajectories) -> Scaling {
        let scale = |v| match data.std(v) {
            std if std > 0.0 && std.is_finite() => std,
            _ => 1.0,
        };
        let mut scaling = Scaling {
            mean: (0..data.dim()).map(|v| data.mean(v)).collect(),
            scale: (0..data.dim()).map(scale).collect(),
            ..Scaling::none(data.dim())
        };
        scaling.origin = data.runs().iter().map(|run| run.times()[0]).fold(f64::INFINITY, f64::min);
        scaling.pace = scaling.rate(data);
        scaling
    }

    /// Everything as it is.
    pub fn none(dim: usize) -> Scaling {
        Scaling { mean: vec![0.0; dim], scale: vec![1.0; dim], origin: 0.0, pace: 1.0 }
    }

    /// The root mean square of the variables' rates, in their units and one of time.
    fn rate(&self, data: &Trajectories) -> f64 {
        let (mut squares, mut time) = (0.0, 0.0);
        for run in data.runs() {
            let apart = APART * (run.times()[run.len() - 1] - run.times()[0]);
            for v in 0..run.dim() {
                let (more, long) = moves(run, v, apart);
                squares += more / (self.scale[v] * self.scale[v]);
                time += long;
            }
        }
        match (squares / time).sqrt() {
            rate if rate > 0.0 && rate.is_finite() => rate,
            // Nothing moves: the length of the longest run is a unit as good as any.
            _ => {
                let length = |run: &Trajectory| run.times()[run.len() - 1] - run.times()[0];
                let longest = data.runs().iter().map(length).fold(0.0, f64::max);
                if longest > 0.0 { 1.0 / longest } else { 1.0 }
            }
        }
    }

    /// `z` of a variable.
    pub fn state(&self, variable: usize, y: f64) -> f64 {
        (y - self.mean[variable]) / self.scale[variable]
    }

    /// `y` of a variable.
    pub fn value(&self, variable: usize, z: f64) -> f64 {
        self.mean[variable] + self.scale[variable] * z
    }

    /// `τ`.
    pub fn time(&self, t: f64) -> f64 {
        (t - self.origin) * self.pace
    }
}

/// `Σ Δy²/Δt` and `Σ Δt` of a variable over measured pairs at least so far apart.
fn moves(run: &Trajectory, variable: usize, apart: f64) -> (f64, f64) {
    let (mut squares, mut time, mut before) = (0.0, 0.0, None);
    for (t, y) in run.observed(variable) {
        let Some((t0, y0)) = before else {
            before = Some((t, y));
            continue;
        };
        if t - t0 >= apart {
            let change: f64 = y - y0;
            squares += change * change / (t - t0);
            time += t - t0;
            before = Some((t, y));
        }
    }
    (squares, time)
}
