//! Laws of duals, of the fields they differentiate, and of the checks.

mod checks;
mod corners;
mod elementary;
mod fields;
mod jets;

#[global_allocator]
static ALLOCATOR: vecfield_kernels::CountingAllocator = vecfield_kernels::CountingAllocator;
mod series;
mod sparse;
mod stochastic;
mod tapes;
