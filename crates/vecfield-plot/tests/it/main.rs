//! Laws of the figures and of the report.

mod figures;
mod numbers;
mod report;
#[path = "../../examples/sample/mod.rs"]
mod sample;
