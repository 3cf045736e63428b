//! Forecasts from rolling origins: the model is fitted to what was known at an origin and asked for what came next.

use crate::figure::{Entry, Figure, Swatch};
use crate::panel::{Layer, Marker, Panel, Stroke};
use crate::series::{Series, Variable};
use crate::theme::Tone;
use crate::trajectory::{Trajectory, names, panel_height};

/// One forecast and what came of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// Which trajectory of the report.
    pub trajectory: usize,
    /// Which variable of the report.
    pub variable: usize,
    /// The last time the fit had seen.
    pub origin: f64,
    /// The time forecast.
    pub time: f64,
    /// What the model said.
    pub predicted: f64,
    /// What was measured.
    pub observed: f64,
}

/// Every forecast of the chosen model, ordered by trajectory, variable, origin and time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ForecastCheck {
    /// The forecasts.
    pub forecasts: Vec<Forecast>,
}

impl ForecastCheck {
    /// Forecasts in order of trajectory, variable, origin and time.
    pub fn new(forecasts: Vec<Forecast>) -> Self {
        Self { forecasts }
    }

    /// One panel a variable: what was measured in one trajectory, and from each origin the path that was forecast.
    pub fn over_time(&self, trajectory: usize, of: &Trajectory, time: &Variable, variables: &[Variable]) -> Figure {
        let panel = |(i, (fit, variable)): (usize, (&crate::Fit, &Variable))| {
            let tone = Tone::Variable(i);
            let mut layers = vec![Layer::Points(fit.observed.clone(), Tone::Muted, Marker::Faint)];
            for path in self.paths(trajectory, i) {
                layers.push(Layer::Line(path.clone(), tone, Stroke::Thin));
                layers.push(Layer::Points(path, tone, Marker::Ring));
            }
            Panel::new(time.clone(), variable.clone(), layers).coloured(tone)
        };
        let panels: Vec<_> = of.fits.iter().zip(variables).enumerate().map(panel).collect();
        let legend = vec![
            Entry::new(Swatch::Dot, Tone::Muted, "measured"),
            Entry::new(Swatch::Ring, Tone::Muted, "forecast from earlier data only"),
        ];
        let title = format!("Forecasts of {} from rolling origins", names(variables));
        let description = format!("Each line is a forecast made from the data before it, against {}.", time.label());
        Figure::stack(title, description, legend, panels, 500.0, 0.85 * panel_height(of.fits.len()))
    }

    /// Forecast against measured, one panel a variable; on the diagonal the forecast was right.
    pub fn agreement(&self, variables: &[Variable]) -> Figure {
        let panels: Vec<_> = variables
            .iter()
            .enumerate()
            .map(|(i, variable)| {
                let points: Series =
                    self.forecasts.iter().filter(|f| f.variable == i).map(|f| [f.observed, f.predicted]).collect();
                let of = |what: &str| Variable { name: what.into(), unit: variable.unit.clone() };
                let layers = vec![Layer::Diagonal, Layer::Points(points, Tone::Variable(i), Marker::Dot)];
                let panel = Panel::new(of("measured"), Variable::new(format!("{}, forecast", variable.name)), layers);
                panel.coloured(Tone::Variable(i)).when_empty("no forecasts")
            })
            .collect();
        let legend = vec![Entry::new(Swatch::Dashed, Tone::Muted, "forecast = measured")];
        let title = format!("Forecasts of {} against measurements", names(variables));
        let columns = if panels.len() == 1 { 1 } else { 2 };
        let rows = panels.len().div_ceil(columns);
        let height = if rows == 1 { 250.0 } else { 165.0 };
        Figure::grid(title, "Points on the diagonal were forecast exactly.", legend, panels, columns, 500.0, height)
    }

    /// Runs of one origin.
    fn paths(&self, trajectory: usize, variable: usize) -> Vec<Series> {
        let chosen: Vec<&Forecast> =
            self.forecasts.iter().filter(|f| (f.trajectory, f.variable) == (trajectory, variable)).collect();
        chosen
            .chunk_by(|a, b| a.origin == b.origin)
            .map(|run| run.iter().map(|f| [f.time, f.predicted]).collect())
            .collect()
    }
}
