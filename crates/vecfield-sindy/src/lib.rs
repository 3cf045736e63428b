//! Sparse identification of dynamics.
mod error;
pub mod smooth;
pub use error::SindyError;
