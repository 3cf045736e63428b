//! The second regime: a deep network whose parameters are trained on the residuals.

mod activation;
mod ansatz;
mod inputs;
mod jets;
mod network;
mod normal;
mod points;
mod settings;
mod standing;
mod system;
#[cfg(test)]
mod tests;
mod train;

pub use activation::Squash;
pub use standing::Standing;

pub(crate) use jets::{HIGHEST, total};
pub(crate) use settings::{Architecture, Training};
pub(crate) use system::DeepSystem;
pub(crate) use train::train;

/// Points that go through the layers together: with four jets, a row of a layer is 32 AVX-512 registers.
pub(crate) const BLOCK: usize = 64;
