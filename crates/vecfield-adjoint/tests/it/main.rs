//! Laws of fits through the solver.

mod fits;
mod sensitivities;
mod systems;
