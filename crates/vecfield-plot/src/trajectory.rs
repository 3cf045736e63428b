//! Data against the model, over time.

use crate::figure::{Entry, Figure, Swatch, WIDTH};
use crate::panel::{Layer, Marker, Panel, Stroke, padded, range_of};
use crate::series::{Band, Series, Variable};
use crate::simplify::{Detail, stride};
use crate::theme::Tone;

/// More points than this hide a curve.
const CLOUD: usize = 200;

/// One variable of one trajectory: what was measured, and what the model says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fit {
    /// `(t, value)` as measured; a missing cell is NaN.
    pub observed: Series,
    /// `(t, value)` of the model, on a grid fine enough for a smooth curve.
    pub model: Series,
    /// Where the model is unsure.
    pub band: Option<Band>,
}

impl Fit {
    /// Measurements and the model's curve, without a band.
    pub fn new(observed: Series, model: Series) -> Self {
        Self { observed, model, band: None }
    }

    /// The same with a band.
    pub fn with_band(self, band: Band) -> Self {
        Self { band: Some(band), ..self }
    }
}

/// One run of the experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct Trajectory {
    /// What to call it where there are several.
    pub label: String,
    /// One for each variable of the report, in its order.
    pub fits: Vec<Fit>,
}

impl Trajectory {
    /// A run with one [`Fit`] a variable.
    pub fn new(label: impl Into<String>, fits: Vec<Fit>) -> Self {
        Self { label: label.into(), fits }
    }

    /// One panel a variable over a common time axis: measured points, the model's curve, its band.
    pub fn figure(&self, time: &Variable, variables: &[Variable]) -> Figure {
        let xs = |fit: &Fit| fit.observed.finite().chain(fit.model.finite()).map(|p| p[0]).collect::<Vec<_>>();
        let window = range_of(self.fits.iter().flat_map(xs)).map(|range| padded(range, 0.02));
        let panel = |(i, (fit, variable)): (usize, (&Fit, &Variable))| {
            let panel =
                Panel::new(time.clone(), variable.clone(), fit.layers(Tone::Variable(i))).coloured(Tone::Variable(i));
            window.into_iter().fold(panel, Panel::across)
        };
        let panels: Vec<_> = self.fits.iter().zip(variables).enumerate().map(panel).collect();
        let names = names(variables);
        let title = format!("{names} over {}: data and model", time.name);
        Figure::stack(
            title,
            self.describe(time, variables),
            self.legend(),
            panels,
            WIDTH,
            panel_height(variables.len()),
        )
    }

    fn legend(&self) -> Vec<Entry> {
        let most = self.fits.iter().map(|fit| fit.observed.finite().count()).max().unwrap_or(0);
        let k = stride(most, Detail::FULL.markers);
        let measured = if k > 1 { format!("measured (1 of {k} drawn)") } else { "measured".into() };
        let mut legend = Vec::new();
        if most > 0 {
            legend.push(Entry::new(Swatch::Dot, Tone::Muted, measured));
        }
        if self.fits.iter().any(|fit| fit.model.finite().next().is_some()) {
            legend.push(Entry::new(Swatch::Line, Tone::Muted, "model"));
        }
        if let Some(band) = self.fits.iter().find_map(|fit| fit.band.as_ref()) {
            legend.push(Entry::new(Swatch::Band, Tone::Ink, band.label()));
        }
        legend
    }

    fn describe(&self, time: &Variable, variables: &[Variable]) -> String {
        let counts: Vec<String> = self
            .fits
            .iter()
            .zip(variables)
            .map(|(fit, variable)| format!("{}: {} measured points", variable.name, fit.observed.finite().count()))
            .collect();
        format!("Measured points and the model's curve against {}. {}.", time.label(), counts.join("; "))
    }
}

impl Fit {
    fn layers(&self, tone: Tone) -> Vec<Layer> {
        let mut layers: Vec<Layer> = self.band.iter().map(|band| Layer::Band(band.clone(), tone)).collect();
        let curve = Layer::Line(self.model.clone(), tone, Stroke::Solid);
        // A few points lie on the curve, a cloud of them behind it.
        if self.observed.finite().count() > CLOUD {
            layers.extend([Layer::Points(self.observed.clone(), tone, Marker::Faint), curve]);
        } else {
            layers.extend([curve, Layer::Points(self.observed.clone(), tone, Marker::Dot)]);
        }
        layers
    }
}

/// Panels shrink where there are many.
pub(crate) fn panel_height(count: usize) -> f64 {
    match count {
        0 | 1 => 270.0,
        2 => 145.0,
        3 => 112.0,
        _ => 92.0,
    }
}

/// `hare and lynx`, `x, y and z`.
pub(crate) fn names(variables: &[Variable]) -> String {
    match variables {
        [] => "nothing".into(),
        [one] => one.name.clone(),
        [first @ .., last] => {
            let first: Vec<_> = first.iter().map(|variable| variable.name.as_str()).collect();
            format!("{} and {}", first.join(", "), last.name)
        }
    }
}
