//! From measured trajectories to governing equations: no derivative is measured, sampling may be sparse and irregular, and
//! the answer is a ranked set of laws with their uncertainties.
//!
//! ```text
//! Trajectories -> supports (all small polynomials, or the best matches of each equation; formulas composed for the smoothed rates)
//!              -> climb: from law to the likeliest law near it, by what its flow says of all features
//!              -> contest: fitted from the past at four origins, judged by forecasts
//!              -> refine: maximum likelihood on all the data, through the solver
//!              -> verdict: law, tentative or none
//! ```
//!
//! ```
//! use vecfield_data::{Trajectories, Trajectory};
//! use vecfield_discover::{Options, Unobserved, Verdict, discover};
//!
//! // Logistic growth, y' = y - y²/10, known in closed form, at 15 times.
//! let times: Vec<f64> = (0..15).map(|k| 0.6 * f64::from(k)).collect();
//! let values = times.iter().map(|t| 10.0 / (1.0 + 9.0 * (-t).exp())).collect();
//! let data = Trajectories::new(vec!["y".into()], vec![], vec![Trajectory::new(times, values, vec![])?])?;
//!
//! let found = discover(&data, &Options::default(), &Unobserved)?;
//! assert_eq!(found.verdict, Verdict::Law);
//! let terms: Vec<&str> = found.chosen.law.support.equations[0].iter().map(|&k| found.vocabulary.features()[k].key()).collect();
//! assert_eq!(terms, ["y", "y^2"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | you want | start at |
//! |---|---|
//! | the main job | [`discover`], [`Options`], [`Discovery`] |
//! | the candidates | [`model`], [`family`], [`vocabulary`], [`space`] |
//! | candidates from elsewhere | [`discover_from`], [`source`] |
//! | the judgement | [`contest`], [`origin`], [`score`], [`verdict`] |
//! | the curves of a law, with bands | [`curve`] |
//! | the numbers of a law | [`refine`](mod@refine), [`snap`] |
//! | progress, and cutting a run short | [`Observer`] |
//! | to go on with a run that was cut | [`ledger`] |
//!
//! **Architecture invariant:** one ranking for every data set: forecasts from rolling origins, the same blind starts for
//! every candidate, nothing made for one example. *Why:* an in-sample criterion prefers formulas that bend to the noise.
//! *Checked by* the tests on made data with known laws, and on pure noise.
//!
//! **Architecture invariant:** the same answer on any number of threads. *Why:* a result that cannot be repeated cannot be
//! checked. *Checked by* the law `threads_change_nothing`.

mod climb;
mod common;
mod composed;
pub mod contest;
pub mod curve;
mod discovery;
pub mod family;
mod finalists;
mod flow;
mod inner;
pub mod ledger;
pub mod matching;
pub mod model;
mod near;
mod neural;
mod observer;
pub mod origin;
mod quick;
pub mod refine;
pub mod score;
pub mod snap;
pub mod source;
pub mod space;
mod twins;
pub mod verdict;
pub mod vocabulary;

pub use contest::Forecast;
pub use discovery::{Candidate, DiscoverError, Discovery, NoiseChoice, Options, discover, discover_from};
pub use observer::{Observer, Progress, Pulse, Unobserved};
pub use refine::{Constant, Law};
pub use source::Source;
pub use verdict::Verdict;
pub use vocabulary::Vocabulary;
