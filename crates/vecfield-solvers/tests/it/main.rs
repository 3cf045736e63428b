//! Laws of the solvers: what every method, dense output, event and failure must obey.

mod accuracy;
mod algebraic;
mod allocations;
mod batches;
mod controllers;
mod convergence;
mod diagonally_implicit;
mod ensembles;
mod events;
mod extrapolation;
mod failures;
mod gauss;
mod laws;
mod linear;
mod linearity;
mod multistep;
mod norms;
mod order_conditions;
mod resume;
mod reversible;
mod rosenbrock;
mod scalars;
mod splitting;
mod stabilised;
mod steady;
mod stiff;
mod strong_stability;
mod symplectic;
mod taylor;
mod tolerances;
mod trees;

/// Every method that takes any field, and is stable where it decays.
fn methods() -> impl Iterator<Item = vecfield_solvers::Method> {
    use vecfield_solvers::{Kind, Method};
    Method::all().filter(|method| !matches!(method.kind(), Kind::Symplectic | Kind::Reversible))
}
