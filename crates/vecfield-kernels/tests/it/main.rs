//! Accuracy over the whole range, and the laws of slices.

mod accuracy;
mod double_double;
mod lanes;
mod layers;
mod random;
mod reduction;
mod slices;

#[global_allocator]
static ALLOCATOR: vecfield_kernels::CountingAllocator = vecfield_kernels::CountingAllocator;
