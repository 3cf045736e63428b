//! The steps of a series: some between any two of its rows, each with the reading that lies ahead.

use crate::latent::series::Series;
use crate::model::Number;

/// One step of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Step<R> {
    /// When it begins.
    pub(crate) t: R,
    /// How long it is.
    pub(crate) h: R,
    /// The reading ahead, counted from the end of the series, and how long it is to there.
    pub(crate) ahead: Option<(usize, R)>,
}

/// All steps of a series.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan<R> {
    pub(crate) steps: Vec<Step<R>>,
    /// After how many steps each row is reached.
    pub(crate) reached: Vec<usize>,
    /// The reading at the first row, if there is one: the last, counted from the end.
    pub(crate) first: Option<usize>,
}

impl<R: Number> Plan<R> {
    /// Steps of at most `step` between the rows of a series, with its readings ahead.
    pub(crate) fn of(series: &Series<R>, step: f64) -> Plan<R> {
        Plan::between(series.times(), &series.rows, step)
    }

    /// Steps between these times, with nothing ahead.
    pub(crate) fn free(times: &[R], step: f64) -> Plan<R> {
        Plan::between(times, &[], step)
    }

    /// Steps between times; `rows` are those of the readings, the last first.
    fn between(times: &[R], rows: &[usize], step: f64) -> Plan<R> {
        let mut next = rows.len();
        let mut ahead = |row: usize| {
            while next > 0 && rows[next - 1] < row {
                next -= 1;
            }
            next.checked_sub(1)
        };
        let first = ahead(0).filter(|&reading| rows[reading] == 0);
        let mut plan = Plan { steps: vec![], reached: vec![0], first };
        for (row, pair) in times.windows(2).enumerate() {
            let reading = ahead(row + 1);
            let gap = (pair[1] - pair[0]).to_f64();
            let count = (gap / step - 1e-6).ceil().max(1.0) as usize;
            let h = R::from_f64(gap / count as f64);
            plan.steps.extend((0..count).map(|k| {
                let t = pair[0] + R::from_f64(k as f64) * h;
                Step { t, h, ahead: reading.map(|reading| (reading, times[rows[reading]] - t)) }
            }));
            plan.reached.push(plan.steps.len());
        }
        plan
    }
}
