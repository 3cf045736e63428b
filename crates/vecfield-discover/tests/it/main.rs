//! Laws of a discovery, on data made from known equations.

mod data;
mod discovery;
mod inputs;
mod refusals;
mod sources;
