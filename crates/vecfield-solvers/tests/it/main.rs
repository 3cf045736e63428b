//! Laws of the solvers: what every method, dense output, event and failure must obey.

mod accuracy;
mod allocations;
mod convergence;
mod diagonally_implicit;
mod ensembles;
mod events;
mod failures;
mod laws;
mod linear;
mod multistep;
mod order_conditions;
mod resume;
mod scalars;
mod stabilised;
mod stiff;
mod strong_stability;
mod symplectic;
mod trees;

/// Every method that takes any field.
fn methods() -> impl Iterator<Item = vecfield_solvers::Method> {
    vecfield_solvers::Method::all().filter(|method| method.kind() != vecfield_solvers::Kind::Symplectic)
}
