//! The laws of formulas: what is printed parses back, what is compiled is what the tree means, and no text breaks anything.

mod algebra;
mod halves;
mod intervals;
mod jacobians;
mod limits;
mod notations;
mod parsing;
mod printing;
mod programs;
mod rounded;
mod series;
mod stochastic;
mod tree;
mod whole_way;
