//! What holds of every layer, of networks as vector fields, and of what models are written down as.

mod batches;
mod checkpoints;
mod descriptions;
mod fields;
mod instances;
mod kinds;
mod layers;
mod losses;

#[global_allocator]
static ALLOCATOR: vecfield_kernels::CountingAllocator = vecfield_kernels::CountingAllocator;
