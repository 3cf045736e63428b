//! [`Moments`]: what many trajectories have in common at each time.

/// Mean, variance and quantiles over trajectories, for every time and variable (`[times, variables]`).
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    /// How many trajectories came to each time.
    pub counts: Vec<usize>,
    /// The means.
    pub mean: Vec<f64>,
    /// The variances (divided by one less than the number; zero for one).
    pub variance: Vec<f64>,
    /// The quantiles at [`Moments::LEVELS`], each `[times, variables]`.
    pub quantiles: Vec<Vec<f64>>,
}

impl Moments {
    /// Which quantiles are taken.
    pub const LEVELS: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

    /// Of `values`, `[trajectories, times, variables]`. A trajectory counts at the times at which all its variables are
    /// numbers; there must be one at every time.
    pub(crate) fn new(values: &[f64], times: usize, variables: usize) -> Moments {
        let mut moments = Moments {
            counts: Vec::with_capacity(times),
            mean: Vec::with_capacity(times * variables),
            variance: Vec::with_capacity(times * variables),
            quantiles: vec![Vec::with_capacity(times * variables); Moments::LEVELS.len()],
        };
        let size = (times * variables).max(1);
        let mut sample = Vec::with_capacity(values.len() / size);
        for time in 0..times {
            let rows = || values.chunks_exact(size).map(|member| &member[time * variables..][..variables]);
            let whole = |row: &&[f64]| row.iter().all(|value| value.is_finite());
            moments.counts.push(rows().filter(whole).count());
            for variable in 0..variables {
                sample.clear();
                sample.extend(rows().filter(whole).map(|row| row[variable]));
                moments.add(&mut sample);
            }
        }
        moments
    }

    /// Of `values`, `[times, variables, trajectories]`, all of them numbers.
    pub(crate) fn of_columns(values: &[f64], times: usize, variables: usize) -> Moments {
        let all = values.len() / (times * variables).max(1);
        let mut moments = Moments::new(&[], 0, variables);
        moments.counts = vec![all; times];
        let mut sample = Vec::with_capacity(all);
        for column in values.chunks_exact(all.max(1)) {
            sample.clear();
            sample.extend_from_slice(column);
            moments.add(&mut sample);
        }
        moments
    }

    fn add(&mut self, sample: &mut [f64]) {
        let (mean, variance) = mean_and_variance(sample);
        self.mean.push(mean);
        self.variance.push(variance);
        sample.sort_unstable_by(f64::total_cmp);
        for (quantile, level) in self.quantiles.iter_mut().zip(Moments::LEVELS) {
            quantile.push(between(sample, level));
        }
    }
}

/// The variance is divided by one less than the number, and zero for one.
pub(crate) fn mean_and_variance(sample: &[f64]) -> (f64, f64) {
    let count = sample.len() as f64;
    // The mean of deviations from one of the numbers loses nothing where they are large and close together.
    let near = sample.first().copied().unwrap_or(0.0);
    let mean = near + sample.iter().map(|x| (x - near) / count).sum::<f64>();
    let squares: f64 = sample.iter().map(|x| (x - mean) * (x - mean)).sum();
    (mean, if sample.len() > 1 { squares / (count - 1.0) } else { 0.0 })
}

/// The quantile of sorted numbers, with straight lines between them (Hyndman and Fan 1996, definition 7).
fn between(sorted: &[f64], level: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = level * last as f64;
    let (low, share) = (place.floor() as usize, place.fract());
    let high = sorted[(low + 1).min(last)];
    sorted[low] + (high - sorted[low]) * share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_few_numbers() {
        // Four trajectories, two times, one variable; the last one ends before the second time.
        let moments = Moments::new(&[1.0, 10.0, 2.0, 20.0, 3.0, 30.0, 6.0, f64::NAN], 2, 1);
        assert_eq!(moments.counts, [4, 3]);
        assert_eq!(moments.mean, [3.0, 20.0]);
        assert!((moments.variance[0] - 14.0 / 3.0).abs() < 1e-14 && moments.variance[1] == 100.0);
        assert_eq!(moments.quantiles[2], [2.5, 20.0]);
        assert!((moments.quantiles[4][0] - 5.55).abs() < 1e-14);
        let one = Moments::new(&[7.0], 1, 1);
        assert_eq!((one.mean[0], one.variance[0], one.quantiles[0][0]), (7.0, 0.0, 7.0));
        let far = Moments::new(&[1e16, 1e16 + 2.0, 1e16 + 4.0], 1, 1);
        assert_eq!((far.mean[0], far.variance[0]), (1e16 + 2.0, 4.0));
    }
}
