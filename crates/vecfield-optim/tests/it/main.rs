//! Laws of nonlinear least squares.

mod covariance;
mod minima;
mod robust;
