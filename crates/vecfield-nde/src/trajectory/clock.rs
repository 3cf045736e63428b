//! Times as a model counts them.

use std::borrow::Cow;

use vecfield_data::{Trajectories, Trajectory};

use crate::error::NdeError;
use crate::settings::Clock;

impl Clock {
    /// The trajectories at the times of this clock.
    ///
    /// # Errors
    ///
    /// A time that has no logarithm, for the clock that asks for one.
    pub(crate) fn read(self, data: &Trajectories) -> Result<Cow<'_, Trajectories>, NdeError> {
        if self == Clock::Linear {
            return Ok(Cow::Borrowed(data));
        }
        let ticked = |(trajectory, run): (usize, &Trajectory)| {
            if let Some(t) = run.times().iter().find(|t| **t <= 0.0) {
                let what = format!("trajectory {trajectory} has a row at t = {t}, which has no logarithm");
                let remedy = "with `clock = \"log\"` all times are above zero: begin later, or leave the clock out";
                return Err(NdeError::NothingToLearn { what, remedy });
            }
            let times: Vec<f64> = run.times().iter().map(|t| t.ln()).collect();
            let apart = |times: Vec<f64>| Trajectory::new(times, run.values().to_vec(), vec![]);
            apart(times).map_err(|_| NdeError::NothingToLearn {
                what: format!("trajectory {trajectory} has rows whose times have the same logarithm"),
                remedy: "take out rows that are as good as at one time",
            })
        };
        let runs = data.runs().iter().enumerate().map(ticked).collect::<Result<Vec<_>, _>>()?;
        let clocked = Trajectories::new(data.variables().to_vec(), vec![], runs);
        Ok(Cow::Owned(clocked.expect("as many runs and variables as before")))
    }
}
