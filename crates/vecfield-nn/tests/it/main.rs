//! What holds of every layer, of networks as vector fields, and of what models are written down as.

mod batches;
mod checkpoints;
mod descriptions;
mod fields;
mod instances;
mod kinds;
mod layers;
mod losses;
