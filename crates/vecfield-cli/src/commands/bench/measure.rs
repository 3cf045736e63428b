//! What the cases share: the stream of random numbers, the clock, the line that is printed.

use std::time::Instant;

use serde::Serialize;
use serde_json::Value;
use vecfield_nn::Random;

use crate::failure::Failure;

/// How often each case runs.
pub(super) struct Bench {
    pub(super) repeat: usize,
}

/// Seconds of the runs.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Timing {
    /// The median.
    pub(super) seconds: f64,
    pub(super) min: f64,
    pub(super) max: f64,
    /// The first run, which is in none of the others.
    pub(super) warmup_seconds: f64,
    pub(super) repeat: usize,
}

impl Timing {
    /// That of `seconds` in any order, the first of them apart; at least two.
    pub(super) fn of(mut seconds: Vec<f64>) -> Timing {
        let warmup_seconds = seconds.remove(0);
        seconds.sort_by(f64::total_cmp);
        let median = |sorted: &[f64]| 0.5 * (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]);
        let (min, max) = (seconds[0], seconds[seconds.len() - 1]);
        Timing { seconds: median(&seconds), min, max, warmup_seconds, repeat: seconds.len() }
    }
}

/// A line of output.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    case: &'static str,
    peer: String,
    version: String,
    #[serde(flatten)]
    timing: Timing,
    work: Value,
    result: Value,
}

impl Line {
    pub(super) fn new(case: &'static str, peer: &str, timing: Timing, work: Value, result: Value) -> Line {
        let version = format!("vecfield {}", env!("CARGO_PKG_VERSION"));
        Line { case, peer: peer.into(), version, timing, work, result }
    }
}

impl Bench {
    /// Times `work`, once first and then as often as asked; what it gave last.
    pub(super) fn time<T>(&self, mut work: impl FnMut() -> Result<T, Failure>) -> Result<(Timing, T), Failure> {
        let mut seconds = Vec::with_capacity(self.repeat + 1);
        let mut once = || {
            let clock = Instant::now();
            let out = work()?;
            seconds.push(clock.elapsed().as_secs_f64());
            Ok::<T, Failure>(out)
        };
        let mut out = once()?;
        for _ in 0..self.repeat {
            out = once()?;
        }
        Ok((Timing::of(seconds), out))
    }
}

/// A failure of a computation, whatever its type.
pub(super) fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::Computation(error.to_string())
}

/// `n` numbers in [0, 1), the first of this seed.
pub(super) fn uniform(seed: u64, n: usize) -> Vec<f64> {
    let mut random = Random::new(seed);
    (0..n).map(|_| random.uniform()).collect()
}

/// Parameters of a perceptron: layer by layer the weights row by row, then the biases, uniform within `1/√inputs`.
pub(super) fn perceptron(seed: u64, sizes: &[usize]) -> Vec<f64> {
    let counts = sizes.windows(2).map(|pair| (pair[0] + 1) * pair[1]);
    let scales = sizes.windows(2).map(|pair| 1.0 / (pair[0] as f64).sqrt());
    let mut stream = uniform(seed, counts.clone().sum()).into_iter();
    let mut theta = Vec::new();
    for (count, scale) in counts.zip(scales) {
        theta.extend(stream.by_ref().take(count).map(|u| scale * (2.0 * u - 1.0)));
    }
    theta
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_that_of_the_scripts() {
        // SplitMix64 from 1234567, as its author's page prints it: 6457827717110365317, 3203168211198807973.
        let expected = [6_457_827_717_110_365_317_u64, 3_203_168_211_198_807_973];
        let expected = expected.map(|z| (z >> 11) as f64 / (1_u64 << 53) as f64);
        assert_eq!(uniform(1_234_567, 2), expected);
    }

    #[test]
    fn the_first_run_is_in_none_of_the_figures() {
        let timing = Timing::of(vec![9.0, 3.0, 1.0, 2.0, 4.0]);
        assert_eq!(
            (timing.warmup_seconds, timing.min, timing.seconds, timing.max, timing.repeat),
            (9.0, 1.0, 2.5, 4.0, 4)
        );
    }

    #[test]
    fn a_perceptron_has_all_its_parameters_within_their_bounds() {
        let theta = perceptron(1, &[2, 50, 2]);
        assert_eq!(theta.len(), 3 * 50 + 51 * 2);
        assert!(theta[..150].iter().all(|x| x.abs() <= 0.5_f64.sqrt()));
        assert!(theta[150..].iter().all(|x| x.abs() <= 50_f64.sqrt().recip()));
    }
}
