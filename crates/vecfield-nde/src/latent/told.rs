//! What series are taken to be, as a trained model answers.

use vecfield_data::Trajectories;

use crate::data::{Metric, Prediction, RowsOf};

/// What a series is taken to be, `[rows, variables]`, and its evidence bound; in the data's units.
pub(crate) struct Told {
    pub(crate) values: Vec<f64>,
    pub(crate) elbo: f64,
}

/// `rmse` over the measured cells, and the mean `elbo` of a series.
pub(crate) fn metrics(data: &Trajectories, told: &[Told]) -> Vec<Metric> {
    let (mut squares, mut count) = (0.0, 0_u64);
    for (run, told) in data.runs().iter().zip(told) {
        for (y, found) in run.values().iter().zip(&told.values).filter(|(y, _)| !y.is_nan()) {
            squares += (y - found) * (y - found);
            count += 1;
        }
    }
    let elbo = told.iter().map(|told| told.elbo).sum::<f64>() / told.len() as f64;
    vec![("rmse".into(), (squares / count.max(1) as f64).sqrt()), ("elbo".into(), elbo)]
}

/// The trajectories with their empty cells filled in.
pub(crate) fn filled(data: &Trajectories, told: Vec<Told>) -> Prediction {
    let filled = data.runs().iter().zip(told).flat_map(|(run, told)| {
        let fill = |(given, found): (&f64, f64)| if given.is_nan() { found } else { *given };
        run.values().iter().zip(told.values).map(fill).collect::<Vec<_>>()
    });
    Prediction { of: RowsOf::Times, columns: data.variables().to_vec(), values: filled.collect() }
}

/// Series that were drawn: rows `[trajectory, t, variables]`.
pub(crate) fn drawn(variables: &[String], values: Vec<f64>) -> Prediction {
    let columns = ["trajectory", "t"].map(String::from).into_iter().chain(variables.iter().cloned()).collect();
    Prediction { of: RowsOf::Nothing, columns, values }
}
