//! Neural differential equations learned from data: `dy/dt = f_θ(t, y)` with `θ` from trajectories, labels or points.
//!
//! A *kind* says what is learned from which data, [`Settings`] say how, a [`Trainer`] descends: it knows a model only by its
//! parameters and by what samples cost.
//!
//! ```
//! use std::ops::ControlFlow;
//! use vecfield_data::{Trajectories, Trajectory};
//! use vecfield_nde::{Data, Kind, Request, Settings, load, train};
//!
//! // Three turns of an oscillator, y = (cos t, -sin t), at irregular times.
//! let times: Vec<f64> = (0..40).map(|k| 0.1 * k as f64 + 0.03 * (k as f64).sin()).collect();
//! let values = times.iter().flat_map(|t| [t.cos(), -t.sin()]).collect();
//! let runs = vec![Trajectory::new(times, values, vec![])?];
//! let data = Data::Trajectories(Trajectories::new(vec!["x".into(), "v".into()], vec![], runs)?);
//!
//! let settings: Settings = toml::from_str("[model]\nkind = \"neural-ode\"\n[optimizer]\nsteps = 100\nlearning_rate = 1e-2")?;
//! let training = train(&settings, &data, 0, &mut |_| ControlFlow::Continue(()))?;
//!
//! // What is kept is bytes, and a model again.
//! let model = load(&vecfield_nn::Checkpoint::from_bytes(&training.checkpoint.to_bytes()?)?)?;
//! assert!(model.evaluate(&data)?[0].1 < 0.1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | you want | start at |
//! |---|---|
//! | to train as a file says | [`train`], [`resume`], [`Settings`] |
//! | to watch or break off a training | [`Progress`] |
//! | a trained model, from what a training left | [`load`], [`Trained`] |
//! | the kinds of models, and what they take | [`Kind`], [`Data`] |
//! | a kind of your own | [`Model`]; how it joins the others, `kind.rs` |
//! | to train a model without a file | [`Trainer`], [`Plan`]; the model of a kind, [`trajectory::Forecaster`] |
//! | to solve for many trajectories, and back | [`Flow`] |
//!
//! | module | holds |
//! |---|---|
//! | `settings` | the tables of a model file |
//! | `kind` | the registry: names, data, keys, defaults of each kind |
//! | `model` | what a trainer asks of a model |
//! | `trainer` | batches, phases, steps, what is skipped and kept |
//! | `training` | from settings and data to a checkpoint, and from that to a model |
//! | `stack` | several networks as one model |
//! | `classes` | logits, probabilities, and how good they are |
//! | `chance` | random numbers as functions of draws and samples |
//! | `chain` | stochastic steps of many series, free or steered along readings, and back |
//! | `points` | what densities of points share: units, rows carried, what is asked of them |
//! | `parallel` | chunks of a batch on threads, summed in their order |
//! | `flow` | many solves by one network, and the pass back |
//! | `trajectory` | the kinds `neural-ode` and `augmented-ode` |
//! | `classifier` | the kind `ode-classifier` |
//! | `latent` | the kind `latent-ode` |
//! | `latent_sde` | the kind `latent-sde` |
//! | `neural_sde` | the kind `neural-sde` |
//! | `cde` | the kind `neural-cde` |
//! | `cnf` | the kind `cnf` |
//! | `diffusion` | the kind `diffusion` |
//! | `ude` | the kind `ude` |
//!
//! **Architecture invariant:** the same settings, data and seed give the same bits on any number of threads, and so does a
//! training that was broken off and resumed. *Why:* a result that nobody can repeat is none. *Checked by*
//! `tests/it/training.rs`.
//!
//! **Architecture invariant:** the trainer knows no kind, a kind no trainer. *Why:* what one kind needs (a phase, a skipped
//! batch, an average) all have. *Checked by* review: `trainer.rs` names `Model` alone.
//!
//! This crate knows nothing about files, clocks or terminals.

pub mod cde;
mod chain;
mod chance;
mod classes;
pub mod classifier;
pub mod cnf;
mod data;
pub mod diffusion;
mod error;
mod flow;
mod kind;
pub mod latent;
pub mod latent_sde;
mod model;
pub mod neural_sde;
mod parallel;
mod points;
mod settings;
mod stack;
mod trainer;
mod training;
pub mod trajectory;
pub mod ude;

pub use data::{Data, DataKind, Metric, Prediction, Request, RowsOf};
pub use error::{NdeError, SettingError};
pub use flow::Flow;
pub use kind::{Defaults, Description, Kind};
pub use model::{Cost, Model, Number, Pass, Work};
pub use settings::{
    AdjointName, Clock, Constant, FieldSettings, Formula, Formulas, Memory, ModelSettings, NetworkSettings,
    OptimizerSettings, Phase, PhaseSettings, Plan, Precision, RuleName, ScheduleName, Settings, Solver, SolverSettings,
    Starts, Structure, Trace,
};
pub use trainer::{Done, Entry, Keep, Standing, Trainer};
pub use training::{Progress, Trained, Training, Watcher, kind_of, load, resume, settings_of, train};
