//! The law's own picture: the flow in the phase plane, or for one variable its rate against its value.

use crate::figure::{Entry, Figure, Swatch, WIDTH, beside_stack};
use crate::panel::{Flow, Layer, Marker, Panel, Stroke, padded, range_of};
use crate::series::{Series, Variable};
use crate::theme::Tone;
use crate::ticks::widened;
use crate::trajectory::panel_height;

/// Two variables against each other: measured points and the model's path over the streamlines of the vector field.
///
/// ```
/// use vecfield_plot::{PhasePortrait, Series, Variable};
///
/// let circle: Series = (0..=100).map(|k| f64::from(k) * 0.0628).map(|t| [t.cos(), -t.sin()]).collect();
/// let portrait = PhasePortrait::new(Variable::new("x"), Variable::new("v"), vec![], vec![circle])
///     .with_field(|x, v| [v, -x]);
/// assert!(portrait.figure().to_svg().contains("class=\"flow\""));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PhasePortrait {
    x: Variable,
    y: Variable,
    observed: Vec<Series>,
    model: Vec<Series>,
    flow: Option<Flow>,
}

impl PhasePortrait {
    /// `observed` and `model` hold one path `(x, y)` a trajectory.
    pub fn new(x: Variable, y: Variable, observed: Vec<Series>, model: Vec<Series>) -> Self {
        Self { x, y, observed, model, flow: None }
    }

    /// The same over the streamlines of `field(x, y) = [dx/dt, dy/dt]`, which is asked at points of the window. Right for an
    /// autonomous law of these two variables alone; leave it out where the rates depend on anything else.
    pub fn with_field(mut self, field: impl FnMut(f64, f64) -> [f64; 2]) -> Self {
        let (x, y) = self.window();
        self.flow = Some(Flow::new(x, y, field));
        self
    }

    /// The ranges of `x` and `y` shown.
    pub fn window(&self) -> ([f64; 2], [f64; 2]) {
        let along = |k: usize| {
            let range = |paths: &[Series]| {
                range_of(paths.iter().flat_map(|path| path.finite().map(|p| p[k]).collect::<Vec<_>>()))
            };
            let (observed, model) = (range(&self.observed), range(&self.model));
            let range = match (observed, model) {
                // As far as the data, and a little farther with the model: a model that diverges must not hide the data.
                (Some(data), Some(model)) => {
                    let (low, high) = widened(data[0], data[1]);
                    let air = 0.5 * (high - low);
                    [model[0].max(low - air).min(low), model[1].min(high + air).max(high)]
                }
                (data, model) => data.or(model).unwrap_or([0.0, 1.0]),
            };
            if range[0] >= 0.0 && range[0] < 0.4 * range[1] { [0.0, 1.07 * range[1]] } else { padded(range, 0.07) }
        };
        (along(0), along(1))
    }

    /// The picture.
    pub fn figure(&self) -> Figure {
        self.figure_of_height(beside_stack(2, panel_height(2)))
    }

    pub(crate) fn figure_of_height(&self, height: f64) -> Figure {
        let (x, y) = self.window();
        let mut layers: Vec<Layer> = self.flow.iter().cloned().map(Layer::Flow).collect();
        layers.extend(self.model.iter().map(|path| Layer::Line(path.clone(), Tone::Ink, Stroke::Directed)));
        layers.extend(self.observed.iter().map(|path| Layer::Points(path.clone(), Tone::Accent, Marker::Dot)));
        let panel = Panel::new(self.x.clone(), self.y.clone(), layers).within(x, y);
        let any = |paths: &[Series]| paths.iter().any(|path| path.finite().next().is_some());
        let mut legend = Vec::new();
        if any(&self.observed) {
            legend.push(Entry::new(Swatch::Dot, Tone::Accent, "measured"));
        }
        if any(&self.model) {
            legend.push(Entry::new(Swatch::Line, Tone::Ink, "model"));
        }
        if self.flow.is_some() {
            legend.push(Entry::new(Swatch::Flow, Tone::Muted, "flow of the law"));
        }
        let title = format!("{} against {}: the phase plane", self.y.name, self.x.name);
        let count: usize = self.observed.iter().map(|path| path.finite().count()).sum();
        let flow = if self.flow.is_some() { ", over streamlines of the law's vector field" } else { "" };
        let description = format!(
            "{count} measured points and the model's path in the plane of {} and {}{flow}.",
            self.x.label(),
            self.y.label()
        );
        Figure::grid(title, description, legend, vec![panel], 1, WIDTH, height)
    }
}

/// For a law of one variable: `dy/dt = f(y)` against `y`, with the equilibria and the slopes between measurements.
#[derive(Debug, Clone, PartialEq)]
pub struct RateCurve {
    variable: Variable,
    time: Variable,
    law: Series,
    slopes: Series,
    /// Where `f` vanishes: attracting and repelling.
    equilibria: [Series; 2],
}

impl RateCurve {
    /// `observed` holds one series `(t, y)` a trajectory; `law(y)` is asked at points of the range they cover, zero included if near.
    pub fn new(variable: Variable, time: Variable, observed: &[Series], mut law: impl FnMut(f64) -> f64) -> Self {
        let values = range_of(observed.iter().flat_map(|series| series.finite().map(|p| p[1]).collect::<Vec<_>>()));
        let range = values.unwrap_or([0.0, 1.0]);
        let [low, high] =
            if range[0] >= 0.0 && range[0] < 0.4 * range[1] { [0.0, 1.06 * range[1]] } else { padded(range, 0.06) };
        let curve: Vec<[f64; 2]> =
            (0..=240).map(|k| low + (high - low) * f64::from(k) / 240.0).map(|y| [y, law(y)]).collect();
        let mut equilibria = [Vec::new(), Vec::new()];
        for (i, pair) in curve.windows(2).enumerate() {
            let [[y0, f0], [y1, f1]] = [pair[0], pair[1]];
            let (attracting, at) = match () {
                () if f0 * f1 < 0.0 => (f0 > 0.0, y0 - f0 * (y1 - y0) / (f1 - f0)),
                () if f0 == 0.0 && f1 != 0.0 => (f1 < 0.0 && (i == 0 || curve[i - 1][1] > 0.0), y0),
                () => continue,
            };
            equilibria[usize::from(!attracting)].push([at, 0.0]);
        }
        let slopes = observed.iter().flat_map(slopes).collect();
        Self {
            variable,
            time,
            law: curve.into_iter().collect(),
            slopes,
            equilibria: equilibria.map(|points| points.into_iter().collect()),
        }
    }

    /// The picture.
    pub fn figure(&self) -> Figure {
        let rate = Variable::new(format!("d{}/d{}", self.variable.name, self.time.name));
        let [attracting, repelling] = &self.equilibria;
        let layers = vec![
            Layer::Level(0.0, Stroke::Dashed),
            Layer::Points(self.slopes.clone(), Tone::Accent, Marker::Dot),
            Layer::Line(self.law.clone(), Tone::Ink, Stroke::Solid),
            Layer::Points(attracting.clone(), Tone::Variable(0), Marker::Dot),
            Layer::Points(repelling.clone(), Tone::Variable(0), Marker::Ring),
        ];
        let panel = Panel::new(self.variable.clone(), rate, layers);
        let mut legend = vec![
            Entry::new(Swatch::Dot, Tone::Accent, "slopes of the data"),
            Entry::new(Swatch::Line, Tone::Ink, "law"),
        ];
        if attracting.finite().next().is_some() {
            legend.push(Entry::new(Swatch::Dot, Tone::Variable(0), "attracting"));
        }
        if repelling.finite().next().is_some() {
            legend.push(Entry::new(Swatch::Ring, Tone::Variable(0), "repelling"));
        }
        let title = format!("Rate of {} against its value", self.variable.name);
        let found: Vec<String> =
            self.equilibria.iter().flat_map(Series::finite).map(|p| crate::significant(p[0], 4)).collect();
        let at = if found.is_empty() { "none in view".into() } else { found.join(", ") };
        let description = format!("The law's rate of change against {}; equilibria: {at}.", self.variable.label());
        Figure::grid(title, description, legend, vec![panel], 1, WIDTH, panel_height(1))
    }
}

/// Slopes between neighbours, at the middle of their values.
fn slopes(series: &Series) -> Vec<[f64; 2]> {
    let points: Vec<_> = series.finite().collect();
    points
        .windows(2)
        .map(|pair| {
            let [[t0, y0], [t1, y1]] = [pair[0], pair[1]];
            [0.5 * (y0 + y1), (y1 - y0) / (t1 - t0)]
        })
        .collect()
}

/// What stands beside the data in a report.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// A plane of two variables.
    Portrait(PhasePortrait),
    /// A rate against its one variable.
    Rate(RateCurve),
}

impl Phase {
    /// The picture.
    pub fn figure(&self) -> Figure {
        match self {
            Self::Portrait(portrait) => portrait.figure(),
            Self::Rate(curve) => curve.figure(),
        }
    }

    /// The picture, as high as the data of `variables` panels beside it.
    pub(crate) fn figure_beside(&self, variables: usize) -> Figure {
        match self {
            Self::Portrait(portrait) => {
                portrait.figure_of_height(beside_stack(variables, panel_height(variables)).clamp(260.0, 400.0))
            }
            Self::Rate(curve) => curve.figure(),
        }
    }
}
