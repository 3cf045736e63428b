//! Trainings, and what they obey.

mod cde;
mod diffusion;
mod kinds;
mod laws;
mod settings;
mod stochastic;
mod structures;
mod training;
mod ude;

use vecfield_data::{Trajectories, Trajectory};

/// Turns of a damped oscillator from several starts, at irregular times of different lengths, some cells missing.
fn turns(starts: &[[f64; 2]]) -> Trajectories {
    let run = |(number, start): (usize, &[f64; 2])| {
        let rows = 12 + 3 * (number % 3);
        let time = |k: usize| 0.25 * k as f64 + 0.08 * ((k * (number + 2)) as f64).sin();
        let times: Vec<f64> = (0..rows).map(|k| if k == 0 { 0.0 } else { time(k) }).collect();
        let state = |&t: &f64| {
            let (sin, cos) = (2.0 * t).sin_cos();
            let shrunk = (-0.1 * t).exp();
            [3.0 + shrunk * (start[0] * cos + start[1] * sin), 20.0 * shrunk * (start[1] * cos - start[0] * sin)]
        };
        let mut values: Vec<f64> = times.iter().flat_map(state).collect();
        values[2 * 5] = f64::NAN;
        values[2 * 7 + 1] = f64::NAN;
        Trajectory::new(times, values, vec![]).expect("increasing times")
    };
    let runs = starts.iter().enumerate().map(run).collect();
    Trajectories::new(vec!["x".into(), "v".into()], vec![], runs).expect("two columns")
}
