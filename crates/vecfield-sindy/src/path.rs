//! Smoothed paths: what the data say about the state between the samples.

use crate::smooth::{Criterion, Order, SmoothingSpline};
use crate::{Library, SindyError};
use vecfield_data::{Trajectories, Trajectory};
use vecfield_expr::Registers;

/// In which scale values are smooth and noise is even.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    /// As measured.
    #[default]
    Values,
    /// Natural logarithms: a path of positive values stays positive, and noise is in proportion.
    Logarithms,
}

/// A smoothed variable of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    spline: SmoothingSpline,
    scale: Scale,
}

impl Curve {
    /// The value at `t`.
    pub fn value(&self, t: f64) -> f64 {
        match self.scale {
            Scale::Values => self.spline.value(t),
            Scale::Logarithms => self.spline.value(t).exp(),
        }
    }

    /// The derivative at `t`.
    pub fn derivative(&self, t: f64) -> f64 {
        match self.scale {
            Scale::Values => self.spline.derivative(t),
            Scale::Logarithms => self.value(t) * self.spline.derivative(t),
        }
    }
}

/// A curve per variable and run, with a noise level per variable.
#[derive(Debug, Clone)]
pub struct Paths {
    /// `[runs][variables]`
    curves: Vec<Vec<Curve>>,
    noise: Vec<f64>,
}

impl Paths {
    /// Smooths every variable of `data`, its runs together; missing cells are left out.
    ///
    /// # Errors
    ///
    /// [`SindyError::TooFewPoints`] when a variable is never measured in a run, or fewer than four times in all.
    pub fn smooth(data: &Trajectories, order: Order, criterion: Criterion) -> Result<Self, SindyError> {
        Self::smooth_each(data, order, Scale::Values, |_| criterion)
    }

    /// As [`smooth`](Paths::smooth), for the least risk at the noise that differences show
    /// ([`difference_noise`](crate::noise::difference_noise)); by restricted maximum likelihood where they show none.
    ///
    /// For integral matching this is the better choice on dense samples: the likelihood takes a curve for rougher than it is.
    ///
    /// # Errors
    ///
    /// As [`smooth`](Paths::smooth).
    pub fn smooth_for_noise(data: &Trajectories, order: Order) -> Result<Self, SindyError> {
        let noise = crate::noise::difference_noise(data);
        let criterion = |variable: usize| match noise[variable] {
            noise if noise > 0.0 => Criterion::KnownNoise(noise),
            _ => Criterion::Reml,
        };
        Self::smooth_each(data, order, Scale::Values, criterion)
    }

    /// As [`smooth`](Paths::smooth) by restricted maximum likelihood, in `scale`, with the penalty `stiffness` times the
    /// likeliest one: below 1 the curves follow the data more closely.
    ///
    /// # Errors
    ///
    /// As [`smooth`](Paths::smooth). Logarithms of values that are not positive are missing cells.
    pub fn smooth_by(data: &Trajectories, order: Order, scale: Scale, stiffness: f64) -> Result<Self, SindyError> {
        let likeliest = Self::smooth_each(data, order, scale, |_| Criterion::Reml)?;
        if stiffness == 1.0 {
            return Ok(likeliest);
        }
        let penalty = |variable: usize| stiffness * likeliest.curves[0][variable].spline.lambda();
        Self::smooth_each(data, order, scale, |variable| Criterion::Fixed(penalty(variable)))
    }

    fn smooth_each(
        data: &Trajectories,
        order: Order,
        scale: Scale,
        criterion: impl Fn(usize) -> Criterion,
    ) -> Result<Self, SindyError> {
        let mut curves = vec![Vec::with_capacity(data.dim()); data.runs().len()];
        let mut noise = Vec::with_capacity(data.dim());
        let scaled = |(t, y): (f64, f64)| match scale {
            Scale::Values => Some((t, y)),
            Scale::Logarithms => (y > 0.0).then(|| (t, y.ln())),
        };
        for variable in 0..data.dim() {
            let series: Vec<(Vec<f64>, Vec<f64>)> =
                data.runs().iter().map(|run| run.observed(variable).filter_map(scaled).unzip()).collect();
            let found = series.iter().map(|(times, _)| times.len()).sum();
            if found < 4 {
                return Err(SindyError::TooFewPoints { found, needed: 4 });
            }
            let slices: Vec<(&[f64], &[f64])> = series.iter().map(|(t, y)| (&t[..], &y[..])).collect();
            let smooth = SmoothingSpline::fit_runs(&slices, order, criterion(variable))?;
            noise.push(smooth[0].noise());
            for (run, curve) in curves.iter_mut().zip(smooth) {
                run.push(Curve { spline: curve, scale });
            }
        }
        Ok(Self { curves, noise })
    }

    /// The curves of a run, one per variable.
    pub fn run(&self, run: usize) -> &[Curve] {
        &self.curves[run]
    }

    /// The noise's standard deviation of each variable.
    pub fn noise(&self) -> &[f64] {
        &self.noise
    }
}

/// Evaluates a library along curves.
pub(crate) struct Along<'a> {
    library: &'a Library,
    run: &'a Trajectory,
    curves: &'a [Curve],
    arguments: Vec<f64>,
    registers: Registers<f64>,
}

impl<'a> Along<'a> {
    pub(crate) fn new(library: &'a Library, run: &'a Trajectory, curves: &'a [Curve]) -> Self {
        let arguments = vec![0.0; library.arguments().len()];
        Self { library, run, curves, arguments, registers: library.registers() }
    }

    /// Writes the features at time `t` into `values`.
    pub(crate) fn features(&mut self, t: f64, values: &mut [f64]) -> Result<(), SindyError> {
        let (n, m) = (self.curves.len(), self.run.input_count());
        for (argument, curve) in self.arguments.iter_mut().zip(self.curves) {
            *argument = curve.value(t);
        }
        input_at(self.run, t, &mut self.arguments[n..n + m]);
        if let Some(time) = self.arguments.get_mut(n + m) {
            *time = t;
        }
        evaluate(self.library, &self.arguments, values, &mut self.registers, t)
    }
}

/// Evaluates a library at a point, which must give numbers.
pub(crate) fn evaluate(
    library: &Library,
    arguments: &[f64],
    values: &mut [f64],
    registers: &mut Registers<f64>,
    t: f64,
) -> Result<(), SindyError> {
    library.eval(arguments, values, registers);
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(at) => Err(SindyError::FeatureNotFinite { feature: library.features()[at].key().to_string(), t }),
    }
}

/// What is not known of inputs between their samples, in shares of their root mean square: the largest, over inputs, of the median of what the
/// cubic through every second sample misses those between by, divided by 16, since a cubic is of fourth order. Jumps are few, and the median
/// does not see them.
pub(crate) fn unknown_between(data: &Trajectories) -> f64 {
    let of_input = |input: usize| {
        let (mut missed, mut squares, mut count) = (Vec::new(), 0.0, 0.0);
        for run in data.runs() {
            let (times, value) = (run.times(), |k: usize| run.input_row(k)[input]);
            (0..run.len()).for_each(|k| squares += value(k) * value(k));
            count += run.len() as f64;
            missed.extend((3..run.len().saturating_sub(3)).map(|k| {
                let around = [k - 3, k - 1, k + 1, k + 3].map(|at| (times[at], value(at)));
                (lagrange(&around, times[k]) - value(k)).abs() / 16.0
            }));
        }
        missed.sort_by(f64::total_cmp);
        let size = f64::sqrt(squares / f64::max(count, 1.0));
        missed.get(missed.len() / 2).filter(|_| size > 0.0).map_or(0.0, |missed| missed / size)
    };
    (0..data.inputs().len()).map(of_input).fold(0.0, f64::max)
}

/// The polynomial through points at `t`.
fn lagrange(points: &[(f64, f64)], t: f64) -> f64 {
    let term = |k: usize| {
        let others = (0..points.len()).filter(|&j| j != k);
        points[k].1 * others.map(|j| (t - points[j].0) / (points[k].0 - points[j].0)).product::<f64>()
    };
    (0..points.len()).map(term).sum()
}

/// The inputs at `t`: the cubic through four samples, the line where one of the three rises is exactly zero and others are not (a step, a
/// ramp that ends: a cubic would ring), constant outside.
pub(crate) fn input_at(run: &Trajectory, t: f64, inputs: &mut [f64]) {
    if inputs.is_empty() {
        return;
    }
    let times = run.times();
    let after = times.partition_point(|&time| time <= t);
    if after == 0 || after == times.len() {
        inputs.copy_from_slice(run.input_row(after.min(times.len() - 1)));
        return;
    }
    let share = (t - times[after - 1]) / (times[after] - times[after - 1]);
    let (left, right) = (run.input_row(after - 1), run.input_row(after));
    for ((input, &left), &right) in inputs.iter_mut().zip(left).zip(right) {
        *input = left + share * (right - left);
    }
    let first = after.saturating_sub(2).min(times.len().saturating_sub(4));
    if times.len() < 4 {
        return;
    }
    let nodes = &times[first..first + 4];
    for (i, input) in inputs.iter_mut().enumerate() {
        let values: [f64; 4] = core::array::from_fn(|k| run.input_row(first + k)[i]);
        if values.windows(2).any(|pair| pair[0] == pair[1]) {
            continue;
        }
        *input = lagrange(&core::array::from_fn::<_, 4, _>(|k| (nodes[k], values[k])), t);
    }
}
