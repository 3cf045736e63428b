//! Known inputs between their samples, as pieces of polynomials: for fields that are integrated over any number.

use vecfield_data::{Trajectories, Trajectory};
use vecfield_traits::Elementary;

/// The inputs of every run: between two samples the cubic through the four around them, the line where one of the three rises is exactly
/// zero and others are not (a step, a ramp that ends: a cubic would ring), constant outside.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Inputs {
    names: Vec<String>,
    runs: Vec<Pieces>,
}

/// The inputs of one run.
#[derive(Debug, Clone, PartialEq)]
struct Pieces {
    times: Vec<f64>,
    /// For every time and input `c` of `c₀ + s (c₁ + s (c₂ + s c₃))`, `s` the time since then; at the last one a constant.
    coefficients: Vec<[f64; 4]>,
}

/// An input between two of its samples: `c₀ + s (c₁ + s (c₂ + s c₃))` for `s` from 0 to `length` after `start`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Piece {
    /// Where it begins.
    pub start: f64,
    /// How long it is.
    pub length: f64,
    /// `c`.
    pub coefficients: [f64; 4],
}

impl Inputs {
    /// The inputs of `data`.
    pub fn new(data: &Trajectories) -> Self {
        Self { names: data.inputs().to_vec(), runs: data.runs().iter().map(Pieces::new).collect() }
    }

    /// Their names.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Writes the inputs of a run at `t` into `inputs`, `[names]`.
    ///
    /// # Panics
    ///
    /// If there is no such run.
    pub fn at<S: Elementary<Real = f64>>(&self, run: usize, t: S, inputs: &mut [S]) {
        if self.names.is_empty() {
            return;
        }
        let Pieces { times, coefficients } = &self.runs[run];
        let place = times.partition_point(|time| *time <= t.value());
        let of = &coefficients[place.saturating_sub(1) * inputs.len()..][..inputs.len()];
        if place == 0 {
            inputs.iter_mut().zip(of).for_each(|(input, c)| *input = S::lift(c[0]));
            return;
        }
        let s = t - S::lift(times[place - 1]);
        for (input, &[c0, c1, c2, c3]) in inputs.iter_mut().zip(of) {
            *input = S::lift(c0) + s * (S::lift(c1) + s * (S::lift(c2) + s.scale(c3)));
        }
    }

    /// One input of a run as a formula of `t`, with every digit: the pieces' increments, each of `min(max(t - start, 0), length)`.
    ///
    /// # Panics
    ///
    /// If there is no such run or input.
    pub fn formula(&self, run: usize, input: usize) -> String {
        let mut text = format!("{:?}", self.runs[run].coefficients[input][0]);
        for Piece { start, length, coefficients: [_, c1, c2, c3] } in self.pieces(run, input) {
            let s = format!("min(max(t - ({start:?}), 0), {length:?})");
            if c2 != 0.0 || c3 != 0.0 {
                text += &format!(" + {s}*({c1:?} + {s}*({c2:?} + {s}*({c3:?})))");
            } else if c1 != 0.0 {
                text += &format!(" + {s}*({c1:?})");
            }
        }
        text
    }

    /// The pieces of one input of a run, one after the other.
    ///
    /// # Panics
    ///
    /// If there is no such run or input.
    pub fn pieces(&self, run: usize, input: usize) -> impl Iterator<Item = Piece> + '_ {
        assert!(input < self.names.len(), "no input number {input}");
        let Pieces { times, coefficients } = &self.runs[run];
        times.windows(2).enumerate().map(move |(k, pair)| Piece {
            start: pair[0],
            length: pair[1] - pair[0],
            coefficients: coefficients[k * self.names.len() + input],
        })
    }
}

impl Pieces {
    fn new(run: &Trajectory) -> Self {
        let (times, count) = (run.times(), run.input_count());
        let mut coefficients = Vec::with_capacity(times.len() * count);
        for k in 0..times.len() - 1 {
            coefficients.extend((0..count).map(|input| piece(run, k, input)));
        }
        coefficients.extend(run.input_row(times.len() - 1).iter().map(|&value| [value, 0.0, 0.0, 0.0]));
        Self { times: times.to_vec(), coefficients }
    }
}

/// The coefficients of an input behind sample `k`.
fn piece(run: &Trajectory, k: usize, input: usize) -> [f64; 4] {
    let times = run.times();
    let value = |row: usize| run.input_row(row)[input];
    let slope = (value(k + 1) - value(k)) / (times[k + 1] - times[k]);
    let line = [value(k), slope, 0.0, 0.0];
    let first = k.saturating_sub(1).min(times.len().saturating_sub(4));
    if times.len() < 4 || (first..first + 3).any(|row| value(row) == value(row + 1)) {
        return line;
    }
    // Newton's form, with the ends of the piece as the first two nodes; then in powers of the time since its start.
    let outer: Vec<usize> = (first..first + 4).filter(|row| *row != k && *row != k + 1).collect();
    let (a, b, c) = (times[k + 1] - times[k], times[outer[0]] - times[k], times[outer[1]] - times[k]);
    let behind = |row: usize, s: f64| ((value(row) - value(k)) / s - slope) / (s - a);
    let (second, other) = (behind(outer[0], b), behind(outer[1], c));
    let third = (other - second) / (c - b);
    // value(k) + s slope + s (s - a) (second + third (s - b))
    [value(k), slope - a * (second - third * b), second - third * (a + b), third]
}

#[cfg(test)]
mod tests {
    use super::Inputs;
    use crate::path::input_at;
    use proptest::prelude::*;
    use vecfield_data::{Trajectories, Trajectory};
    use vecfield_expr::{Graph, Program, Scope};

    fn driven(inputs: &[f64], gaps: &[f64]) -> Trajectories {
        let times: Vec<f64> = gaps.iter().scan(0.0, |t, gap| Some(std::mem::replace(t, *t + gap))).collect();
        let rows: Vec<f64> = inputs.iter().flat_map(|u| [*u, 2.0 - u]).collect();
        let run = Trajectory::new(times.clone(), vec![0.0; times.len()], rows).unwrap();
        Trajectories::new(vec!["y".into()], vec!["u".into(), "w".into()], vec![run]).unwrap()
    }

    proptest! {
        /// The same curve that regressions see, steps and ramps among it.
        #[test]
        fn pieces_are_what_regressions_see(
            inputs in prop::collection::vec(prop_oneof![-2.0..2.0_f64, Just(0.5)], 2..12),
            gaps in prop::collection::vec(0.2..2.0_f64, 12), share in -0.2..1.2_f64,
        ) {
            let data = driven(&inputs, &gaps[..inputs.len()]);
            let run = &data.runs()[0];
            let t = share * run.times()[run.len() - 1];
            let (mut pieces, mut seen) = ([0.0; 2], [0.0; 2]);
            Inputs::new(&data).at(0, t, &mut pieces);
            input_at(run, t, &mut seen);
            // Lagrange's form and powers differ by rounding, which grows with the ratio of gaps.
            prop_assert!(pieces.iter().zip(&seen).all(|(a, b)| (a - b).abs() < 1e-9), "{pieces:?} for {seen:?} at {t}");
            // And the same again as formulas.
            for (input, seen) in seen.iter().enumerate() {
                let mut graph = Graph::new();
                let formula = graph.parse(&Inputs::new(&data).formula(0, input), &Scope::new(["t"]).unwrap()).unwrap();
                let program = Program::compile(&graph, &[formula], &["t"]).unwrap();
                let mut value = [0.0];
                program.eval(&[t], &mut value, &mut program.registers());
                prop_assert!((value[0] - seen).abs() < 1e-9, "{} for {seen} at {t}", value[0]);
            }
        }
    }
}
