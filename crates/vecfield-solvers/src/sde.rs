//! Stochastic differential equations `dy = f(t, y) dt + g(t, y) dW` on paths that can be asked again.
//!
//! The motion is a [`Brownian`], a function of a seed: refining the steps, rejecting one or running backwards meets the same
//! path. Paths run side by side, [`GROUP`] at a time, one instruction for many; a path's result does not depend on its company.
//!
//! ```
//! use vecfield_brownian::Brownian;
//! use vecfield_solvers::sde::{SdeMethod, Simulation, Steps};
//! use vecfield_traits::{Calculus, Noise, drift_diffusion};
//!
//! // dx = x/2 dt + x dW after Itô is x = exp(W).
//! let drift = |_t, x: &[f64], f: &mut [f64]| f.iter_mut().zip(x).for_each(|(f, x)| *f = 0.5 * x);
//! let diffusion = |_t, x: &[f64], g: &mut [f64]| g.copy_from_slice(x);
//! let stock = drift_diffusion(1, Noise::scalar(), Calculus::Ito, drift, diffusion);
//! let method = SdeMethod::named("sriw1")?;
//! let motion = Brownian::new(7, (0.0, 1.0))?.with_areas(method.areas());
//! let simulation = Simulation::new(&stock, method, motion, (0.0, 1.0), Steps::Fixed(1.0 / 256.0))?;
//! let solution = simulation.solve(&[1.0], 0..100, &[1.0])?;
//!
//! let mut walker = motion.walker(1, 0, 100);
//! walker.query(0.0, 1.0)?;
//! let errors = solution.at(0).iter().zip(walker.w()).map(|(x, w)| (x / w.exp() - 1.0).abs());
//! assert!(errors.sum::<f64>() / 100.0 < 1e-3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | you want | start at |
//! |---|---|
//! | to solve | [`Simulation`] |
//! | a method, and what it can do | [`SdeMethod`], [`ALL`] |
//! | another method as a table | [`StochasticTableau`], [`AdditiveTableau`] |
//! | an equation | [`vecfield_traits::DriftDiffusion`] |
//!
//! Orders are strong ones, of the mean distance from the solution on the same path, and depend on the noise: the table of every
//! method says for which it holds. A method of the other calculus, or for other noise, is refused by name.
//!
//! **Architecture invariant:** the result of a path is a function of the motion, the steps and the path's number, to the bit:
//! not of its group or of the number of threads. *Why:* a simulation is then reproducible, and any path of it can be looked at
//! alone. *Checked by* `tests/sde/paths.rs`.

mod adaptive;
mod error;
mod grid;
mod implicit;
mod method;
mod milstein;
mod platen;
mod products;
mod reversible_heun;
mod rossler;
mod runge_kutta;
mod shifted;
mod simulation;
mod stepper;
pub mod tableau;

pub use error::SdeError;
pub use method::{ALL, SdeMethod};
pub use products::{strike, strike_back};
pub use reversible_heun::ReversibleHeun;
pub use simulation::{FixedStep, GROUP, SdeSolution, Simulation, Steps};
pub use stepper::{AnySdeStepper, Increment, SdeStepper};
pub use tableau::{AdditiveTableau, StochasticTableau};
pub use vecfield_brownian::{Areas, Brownian, Walker};
