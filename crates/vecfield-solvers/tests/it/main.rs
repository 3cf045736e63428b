//! Laws of the solvers: what every method, dense output, event and failure must obey.

mod convergence;
mod events;
mod failures;
mod order_conditions;
mod stiff;
