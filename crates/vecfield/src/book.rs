//! The pages of the book that show Rust, so that documentation tests compile and run it.

#[doc = include_str!("../../../docs/src/ensembles.md")]
mod ensembles {}
#[doc = include_str!("../../../docs/src/mathematics/how-many-formulas.md")]
mod how_many_formulas {}
#[doc = include_str!("../../../docs/src/networks.md")]
mod networks {}
#[doc = include_str!("../../../docs/src/tutorials/sde.md")]
mod sde {}
#[doc = include_str!("../../../docs/src/stochastic.md")]
mod stochastic {}
