//! Laws of fits through the solver.

mod crossings;
mod discrete;
mod fits;
mod sensitivities;
mod systems;
