//! Laws of the solvers: what every method, dense output, event and failure must obey.

mod accuracy;
mod allocations;
mod convergence;
mod events;
mod failures;
mod laws;
mod linear;
mod multistep;
mod order_conditions;
mod resume;
mod scalars;
mod stiff;
mod strong_stability;
mod trees;
