//! Laws of fits through the solver.

mod backsolve;
mod batches;
mod crossings;
mod discontinuities;
mod discrete;
mod ensembles;
mod fits;
mod forward;
mod hard;
mod integrals;
mod memory;
mod rest;
mod rewind;
mod second;
mod sensitivities;
mod stochastic;
mod systems;
