//! [`Fitting`]: one fit, from its data to a [`Model`].

use crate::classic::regress;
use crate::constants::search;
use crate::matching::Matching;
use crate::model::Model;
use crate::progress::{GoesOn, Pulse};
use crate::refine::{Task, refine};
use crate::score::{Score, score, trajectory_r2};
use crate::smooth::Order;
use crate::{Form, Paths, Selection, Sindy, SindyError};
use vecfield_data::{Trajectories, Trajectory};

/// Squares of quintic monomials of larger values, or of their inverses, leave the range of a number.
const LARGEST_SIZE: f64 = 1e30;

/// Fewer samples than this say nothing about a rate.
const LEAST_ROWS: usize = 5;

/// A fit to data, with what is known beside them and who watches it.
///
/// ```
/// use vecfield_data::{Trajectories, Trajectory};
/// use vecfield_sindy::{Family, Form, Sindy};
///
/// // x' = -x/2, its rates measured: a speedometer beside an odometer.
/// let times: Vec<f64> = (0..20).map(|k| 0.2 * f64::from(k)).collect();
/// let at = |scale: f64| times.iter().map(|t| scale * (-0.5 * t).exp()).collect();
/// let column = |name: &str, values| {
///     Trajectories::new(vec![name.into()], vec![], vec![Trajectory::new(times.clone(), values, vec![])?])
/// };
/// let (data, rates) = (column("x", at(1.0))?, column("v", at(-0.5))?);
///
/// let sindy = Sindy { form: Form::Measured, ..Sindy::new(vec![Family::Polynomial(2)]) };
/// let model = sindy.on(&data).with_rates(&rates).watched(&|progress| progress.share <= 1.0).run()?;
/// assert_eq!(model.equations(Some(4)), ["-0.5*x"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct Fitting<'a> {
    sindy: &'a Sindy,
    data: &'a Trajectories,
    rates: Option<&'a Trajectories>,
    goes_on: &'a GoesOn<'a>,
}

impl<'a> Fitting<'a> {
    pub(crate) fn new(sindy: &'a Sindy, data: &'a Trajectories) -> Self {
        Self { sindy, data, rates: None, goes_on: &|_| true }
    }

    /// With the rates of the variables as they were measured, a column for each in their order, at the same times; for
    /// [`Form::Measured`].
    #[must_use]
    pub fn with_rates(self, rates: &'a Trajectories) -> Self {
        Self { rates: Some(rates), ..self }
    }

    /// Tells `goes_on` where the fit stands, and cuts it short at its `false`: what was found until then is the result, and
    /// [`Model::is_cut`].
    #[must_use]
    pub fn watched(self, goes_on: &'a GoesOn<'a>) -> Self {
        Self { goes_on, ..self }
    }

    /// The equations of the data.
    ///
    /// # Errors
    ///
    /// [`SindyError`]: a library that cannot be read or does not fit the data, too few or missing measurements; [`SindyError::Cut`] for
    /// a fit that was cut short before it had equations.
    pub fn run(self) -> Result<Model, SindyError> {
        let pulse = Pulse::new(self.goes_on);
        let model = match (self.sindy.form, self.rates) {
            (Form::Measured, Some(rates)) => {
                let (data, rates) = complete_rows(self.data, rates)?;
                fit(self.sindy, &data, Some(&rates), &pulse)
            }
            (Form::Measured, None) => Err(SindyError::NoRates),
            (_, Some(_)) => Err(SindyError::RatesNeedForm),
            (_, None) => fit(self.sindy, self.data, None, &pulse),
        }?;
        Ok(Model { cut: pulse.is_cut(), ..model })
    }
}

fn fit(
    sindy: &Sindy,
    data: &Trajectories,
    rates: Option<&Trajectories>,
    pulse: &Pulse<'_>,
) -> Result<Model, SindyError> {
    check(data)?;
    let names = sindy.candidates.constants(data.variables(), data.inputs())?;
    if sindy.rational && !names.is_empty() {
        return Err(SindyError::ConstantsNeedSums { name: names[0].clone() });
    }
    // The other forms have states of their own.
    let smoothed = matches!(sindy.form, Form::Integral | Form::SmoothedDerivative);
    let refined = (sindy.form, sindy.selection, sindy.ensemble) == (Form::Integral, Selection::Auto, 0);
    if sindy.rational && !refined {
        return Err(SindyError::RationalNeedsAuto);
    }
    pulse.tell("smoothing", 0.0);
    let paths = smoothed.then(|| Paths::smooth_for_noise(data, Order::Quintic)).transpose()?;
    let matching = Matching { form: sindy.form, data, paths: paths.as_ref(), rates, pulse };
    let constants = search(sindy, &matching, names)?;
    let terms = sindy.terms(data, &constants)?;
    let ties = sindy.relations(&terms)?;
    if sindy.rational && !ties.is_empty() {
        return Err(SindyError::ConstraintsNeedOther);
    }
    let model = match &paths {
        Some(paths) if refined => {
            let at = |constants: &[(String, f64)]| sindy.terms(data, constants);
            refine(&Task { data, paths, relations: &ties, rational: sindy.rational, at: &at, pulse }, terms)?
        }
        _ => regress(sindy, &matching, terms, &ties)?,
    };
    match &paths {
        Some(paths) => {
            let Score { derivative_r2, trajectory_r2 } = score(&model, data, paths)?;
            Ok(Model { derivative_r2, trajectory_r2, ..model })
        }
        None => {
            let trajectory_r2 = trajectory_r2(&model, data, None);
            Ok(Model { trajectory_r2, ..model })
        }
    }
}

/// Is there enough of every variable, of a size that can be reckoned with?
fn check(data: &Trajectories) -> Result<(), SindyError> {
    for variable in 0..data.dim() {
        let found = data.observed(variable).count();
        if found < LEAST_ROWS {
            return Err(SindyError::TooFewPoints { found, needed: LEAST_ROWS });
        }
        let size = data.rms(variable);
        if size != 0.0 && !(1.0 / LARGEST_SIZE..=LARGEST_SIZE).contains(&size) {
            return Err(SindyError::Unit { variable: data.variables()[variable].clone(), size });
        }
    }
    Ok(())
}

/// The rows in which every state and every rate was measured; runs without one are left out.
fn complete_rows(data: &Trajectories, rates: &Trajectories) -> Result<(Trajectories, Trajectories), SindyError> {
    if rates.dim() != data.dim() {
        return Err(SindyError::OtherRates { found: rates.dim(), wanted: data.dim() });
    }
    if !data.runs().iter().map(Trajectory::times).eq(rates.runs().iter().map(Trajectory::times)) {
        return Err(SindyError::RatesAtOtherTimes);
    }
    let (mut states_of, mut rates_of) = (Vec::new(), Vec::new());
    for (run, rates) in data.runs().iter().zip(rates.runs()) {
        let measured = |row: &usize| run.row(*row).iter().chain(rates.row(*row)).all(|value| !value.is_nan());
        let rows: Vec<usize> = (0..run.len()).filter(measured).collect();
        if !rows.is_empty() {
            states_of.push(only(run, &rows)?);
            rates_of.push(only(rates, &rows)?);
        }
    }
    if states_of.is_empty() {
        return Err(SindyError::TooFewPoints { found: 0, needed: LEAST_ROWS });
    }
    let chosen = |of: &Trajectories, runs| of.with_runs(runs).map_err(|_| SindyError::RatesAtOtherTimes);
    Ok((chosen(data, states_of)?, chosen(rates, rates_of)?))
}

/// These rows of a run.
fn only(run: &Trajectory, rows: &[usize]) -> Result<Trajectory, SindyError> {
    let times = rows.iter().map(|&row| run.times()[row]).collect();
    let values = rows.iter().flat_map(|&row| run.row(row)).copied().collect();
    let inputs = rows.iter().flat_map(|&row| run.input_row(row)).copied().collect();
    Trajectory::new(times, values, inputs).map_err(|_| SindyError::RatesAtOtherTimes)
}
