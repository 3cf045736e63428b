//! Forecasts from rolling origins: the model is fitted to what was known at an origin and asked for what came next.

use crate::figure::{Entry, Figure, Swatch, WIDTH, beside_stack};
use crate::panel::{Layer, Marker, Panel, Stroke};
use crate::series::{Series, Variable};
use crate::theme::Tone;
use crate::trajectory::{Trajectory, names, panel_height};

/// The height of a panel of forecasts, as a share of one of data.
const SHARE: f64 = 0.85;

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
            let mut layers = vec![Layer::Points(fit.observed.clone(), Tone::Muted, Marker::Dot)];
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
        Figure::stack(title, description, legend, panels, WIDTH, SHARE * panel_height(variables.len()))
    }

    /// Forecast against measured in one panel; on the diagonal the forecast was right. Several variables are each put in
    /// standard deviations about the mean of what was measured.
    pub fn agreement(&self, variables: &[Variable]) -> Figure {
        let markers = [(Marker::Dot, Swatch::Dot), (Marker::Ring, Swatch::Ring)];
        let mut layers = vec![Layer::Diagonal];
        let mut legend = Vec::new();
        for (i, variable) in variables.iter().enumerate() {
            let (marker, swatch) = markers[i % 2];
            let points: Series =
                self.forecasts.iter().filter(|f| f.variable == i).map(|f| [f.observed, f.predicted]).collect();
            let points = if variables.len() > 1 { standardised(&points) } else { points };
            layers.push(Layer::Points(points, Tone::Variable(i), marker));
            legend.push(Entry::new(swatch, Tone::Variable(i), variable.name.clone()));
        }
        legend.push(Entry::new(Swatch::Dashed, Tone::Muted, "forecast = measured"));
        let unit = match variables {
            [one] => one.unit.clone(),
            _ => Some("standard deviations".into()),
        };
        let [measured, forecast] =
            ["measured", "forecast"].map(|name| Variable { name: name.into(), unit: unit.clone() });
        let panel = Panel::new(measured, forecast, layers).when_empty("no forecasts");
        let title = format!("Forecasts of {} against measurements", names(variables));
        let height = beside_stack(variables.len(), SHARE * panel_height(variables.len())).clamp(220.0, 360.0);
        Figure::grid(title, "Points on the diagonal were forecast exactly.", legend, vec![panel], 1, WIDTH, height)
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

/// Both coordinates in standard deviations of the first about its mean; left alone where that says nothing.
fn standardised(points: &Series) -> Series {
    let observed: Vec<f64> = points.finite().map(|p| p[0]).collect();
    let n = observed.len() as f64;
    let mean = observed.iter().sum::<f64>() / n;
    let deviation = (observed.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    if deviation > 0.0 { points.finite().map(|p| p.map(|v| (v - mean) / deviation)).collect() } else { points.clone() }
}
