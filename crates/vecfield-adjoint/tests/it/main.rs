//! Laws of fits through the solver.

mod backsolve;
mod crossings;
mod discontinuities;
mod discrete;
mod fits;
mod forward;
mod hard;
mod memory;
mod rewind;
mod sensitivities;
mod systems;
