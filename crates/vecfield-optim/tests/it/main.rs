//! Laws of nonlinear least squares and of descent.

mod covariance;
mod descent;
mod lbfgs;
mod minima;
mod robust;

#[global_allocator]
static ALLOCATOR: vecfield_kernels::CountingAllocator = vecfield_kernels::CountingAllocator;
