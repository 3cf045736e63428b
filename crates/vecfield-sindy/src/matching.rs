//! What equations are matched to: the regressions of a [`Form`] on a data set.

use crate::derivative::{Estimate, savitzky_golay, spectral, total_variation};
use crate::noise::difference_noise;
use crate::progress::Pulse;
use crate::refine::START_WINDOWS;
use crate::regression::{GramSystem, Source, integral, integral_blocks, pointwise};
use crate::sindy::{Form, Terms};
use crate::{Library, Paths, SindyError};
use vecfield_data::{Trajectories, Trajectory};

/// A data set with what a form needs beside it.
pub(crate) struct Matching<'a> {
    pub(crate) form: Form,
    pub(crate) data: &'a Trajectories,
    /// Of the forms along smoothed paths.
    pub(crate) paths: Option<&'a Paths>,
    /// Of [`Form::Measured`]: the rates at every row of the data.
    pub(crate) rates: Option<&'a Trajectories>,
    pub(crate) pulse: &'a Pulse<'a>,
}

impl Matching<'_> {
    /// The regressions, `[blocks][equations]`; `goes_on` is asked at every share of the rows.
    pub(crate) fn systems(
        &self,
        library: &Library,
        blocks: usize,
        goes_on: &dyn Fn(f64) -> bool,
    ) -> Result<Vec<Vec<GramSystem>>, SindyError> {
        let data = self.data;
        // The forms along a smoothed path are asked for with one.
        let smooth = || self.paths.ok_or(SindyError::TooFewPoints { found: 0, needed: 1 });
        let name = |variable: usize| data.variables()[variable].as_str();
        let source = match self.form {
            // Longer windows than a middling one accumulate the errors of the smoothed path.
            Form::Integral if blocks == 1 => return Ok(vec![integral(data, smooth()?, library, START_WINDOWS[1])?]),
            Form::Integral => return integral_blocks(data, smooth()?, library, START_WINDOWS[1], blocks),
            Form::FiniteDifference(order) => Source::Differences(order.max(1)),
            Form::SmoothedDerivative => Source::Curves(smooth()?),
            Form::SavitzkyGolay { window, degree } => {
                estimates(data, &|run, i| savitzky_golay(run, i, window, degree))?
            }
            Form::TotalVariation => {
                let noise = difference_noise(data);
                estimates(data, &|run, i| total_variation(run, i, name(i), noise[i]))?
            }
            Form::Spectral => {
                let noise = difference_noise(data);
                estimates(data, &|run, i| spectral(run, i, name(i), noise[i]))?
            }
            Form::Measured => Source::Measured(self.rates.ok_or(SindyError::NoRates)?),
            Form::NextValue => Source::NextValues,
        };
        pointwise(data, library, blocks, &source, goes_on)
    }

    /// The regressions on all rows, known parts subtracted.
    pub(crate) fn whole(&self, terms: &Terms) -> Result<Vec<GramSystem>, SindyError> {
        let systems = self.systems(&terms.library, 1, &|_| self.pulse.goes_on())?.swap_remove(0);
        Ok(systems.iter().enumerate().map(|(equation, system)| terms.reduced(system, equation)).collect())
    }
}

/// Values and rates that were estimated for each run and variable.
fn estimates(
    data: &Trajectories,
    estimate: &dyn Fn(&Trajectory, usize) -> Result<Estimate, SindyError>,
) -> Result<Source<'static>, SindyError> {
    let of_run = |run| (0..data.dim()).map(|variable| estimate(run, variable)).collect();
    data.runs().iter().map(of_run).collect::<Result<_, _>>().map(Source::Estimates)
}
