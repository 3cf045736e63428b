//! Laws of nonlinear least squares and of descent.

mod broyden;
mod covariance;
mod descent;
mod lbfgs;
mod minima;
mod robust;
