//! Pictures of laws of motion: figures as SVG, and the report of a discovery as one HTML page that needs no network.
//!
//! A figure is data (panels with layers of points, curves and bands) before it is markup. Values that are not finite become
//! gaps, an empty figure says so in words, and every figure carries its own description for those who cannot see it.
//!
//! ```
//! use vecfield_plot::{Fit, Series, Trajectory, Variable};
//!
//! // y' = -y, measured every second, one cell missing.
//! let model: Series = (0..=60).map(|k| 0.1 * f64::from(k)).map(|t| [t, (-t).exp()]).collect();
//! let measured = Series::new(&[0.0, 1.0, 2.0, 3.0], &[1.02, 0.35, f64::NAN, 0.06])?;
//! let run = Trajectory::new("run 1", vec![Fit::new(measured, model)]);
//! let svg = run.figure(&Variable::new("t").in_units("s"), &[Variable::new("y")]).to_svg();
//! assert_eq!(svg.matches("<circle class=\"dot f-v0\"").count(), 3);
//! # Ok::<(), vecfield_plot::PlotError>(())
//! ```
//!
//! | you want | start at |
//! |---|---|
//! | the page of a discovery, or of a fit | [`Report`] |
//! | data against a model over time | [`Trajectory::figure`] |
//! | the flow in the plane; a rate against its variable | [`PhasePortrait`], [`RateCurve`] |
//! | what a fit leaves; how it forecasts | [`Residuals`], [`ForecastCheck`] |
//! | how surely a constant is known | [`Profiles`] |
//! | simplicity against success | [`Front`] |
//! | a figure of your own | [`Panel`], [`Layer`], [`Figure`] |
//! | formulas on a page | [`MathMl`] |
//! | round ticks, rounded numbers | [`Ticks`], [`significant`], [`with_error`] |
//!
//! # Why the SVG is written here
//!
//! `plotters` 0.3 was tried first. Its SVG backend writes every colour into every element, so one picture cannot serve light and
//! dark pages; it rounds positions to whole pixels, joins a line across NaN (drawn as a point on the axis), and has no
//! titles, descriptions or clipping. A writer of escaped elements and a page of ticks were smaller than the way round all that.
//!
//! # How much is drawn
//!
//! Curves keep the vertices that move them by more than a tenth of a unit (a figure is 440 wide), 4,000 at most; a layer draws 2,000
//! markers at most, evenly taken, and the legend says so. A report that would grow beyond 1.9 MB is drawn with half as many, and half
//! again until it fits, and says so too. Values beyond ±1e300 are gaps like NaN.
//!
//! **Architecture invariant:** data in, text out: no files, no clock, no other vecfield crate, no network reference in what is
//! written. *Why:* a page must show the same in ten years, offline. *Checked by* `tests/it/report.rs`.

mod draw;
mod error;
mod figure;
mod forecast;
mod front;
mod heat;
mod marks;
mod mathml;
mod number;
mod page;
mod panel;
mod phase;
mod profile;
mod report;
mod residuals;
mod series;
mod simplify;
mod streamlines;
mod svg;
mod theme;
mod ticks;
mod trajectory;

pub use error::PlotError;
pub use figure::{Entry, Figure, Swatch};
pub use forecast::{Forecast, ForecastCheck};
pub use front::{Better, Front, FrontPoint};
pub use heat::{HeatCell, HeatMap};
pub use mathml::MathMl;
pub use number::{significant, with_error};
pub use panel::{Flow, Layer, Marker, Panel, Scale, Stroke};
pub use phase::{Phase, PhasePortrait, RateCurve};
pub use profile::{ProfileCurve, Profiles};
pub use report::{Alternative, Command, Constant, Equation, Fact, Level, Note, Report, Standing, Verdict};
pub use residuals::Residuals;
pub use series::{Band, Series, Variable};
pub use theme::Tone;
pub use ticks::Ticks;
pub use trajectory::{Fit, Trajectory};
