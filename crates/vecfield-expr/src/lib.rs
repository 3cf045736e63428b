//! Formulas as text: parse, simplify, differentiate, compile, print.
//!
//! A [`Graph`] holds every distinct sub-expression once; a [`Program`] evaluates formulas of it over any number, at one
//! point or over blocks of rows; an [`ExprField`] is a system of differential equations written as formulas.
//!
//! ```
//! use vecfield_expr::{ExprField, Graph, Registers, Scope};
//! use vecfield_traits::{ParametricField, VectorField};
//!
//! // Lorenz: at (√(β(ρ-1)), √(β(ρ-1)), ρ-1) nothing moves.
//! let mut graph = Graph::new();
//! let (states, parameters) = (["x", "y", "z"], ["sigma", "rho", "beta"]);
//! let scope = Scope::new(states.into_iter().chain(parameters).chain(["t"]))?;
//! let equations = ["sigma*(y - x)", "x*(rho - z) - y", "x*y - beta*z"]
//!     .iter()
//!     .map(|text| graph.parse(text, &scope))
//!     .collect::<Result<Vec<_>, _>>()?;
//! let lorenz = ExprField::new(&graph, &equations, &states, &parameters)?;
//!
//! let x = 72.0_f64.sqrt();
//! let (field, mut dy) = (lorenz.at(vec![10.0, 28.0, 8.0 / 3.0]), [1.0; 3]);
//! field.eval(0.0, &[x, x, 27.0], &mut dy, &mut Registers::new());
//! assert!(dy.iter().all(|rate| rate.abs() < 1e-12));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | you want | start at |
//! |---|---|
//! | a formula from text | [`Graph::parse`] with a [`Scope`]; errors are [`ParseError`]s that can draw the place |
//! | a formula that calls functions of your own | [`Graph::parse_calling`], [`Calls`] |
//! | definitions in an order in which each comes after what it needs | [`dependency_order`] |
//! | a formula from code | [`Graph`]'s constructors |
//! | fewer nodes, like terms together, products multiplied out | [`Graph::simplify`], [`Graph::expand`], [`Graph::terms`] |
//! | its slope; its slopes by everything at once | [`Graph::derivative`]; [`Graph::pullback`], [`Pullback`] |
//! | its value, fast; over columns of rows | [`Program`]; [`Program::eval_rows`], [`Program::eval_columns`] |
//! | its value and its slopes by constants over rows, in one sweep | [`Program::compile_with_slopes`] |
//! | a system of equations for a solver | [`ExprField`] |
//! | the same with an exact Jacobian, for implicit methods, and an exact pullback, for adjoints | [`SymbolicField`] |
//! | the same with its stiff part told apart, for implicit–explicit methods | [`SymbolicField::split`] |
//! | stochastic equations, evaluated for many paths at once, with their gradients | [`StochasticFormulas`] |
//! | what it is measured in, and whether its parts agree in that | [`Unit`], [`Graph::unit`] |
//! | between which numbers its values lie over a box | [`Interval`], [`IntervalProgram`] |
//! | it written out | [`Graph::to_text`], [`Graph::to_latex`], [`Graph::to_mathml`], [`Graph::to_rust`] |
//! | another function | the `op` module: one variant |
//!
//! **Architecture invariant:** nothing here recurses over the length or the depth of a formula; the parser recurses over
//! parentheses alone, to [`MAX_DEPTH`]. *Why:* formulas come from users and from searches, and a stack overflow is no error
//! message. *Checked by* `tests/it/limits.rs`.
//!
//! **Architecture invariant:** evaluation allocates nothing once its [`Registers`] are fitted. *Why:* it is the inner loop
//! of every solve.

mod choice;
mod derivative;
mod error;
mod field;
mod graph;
mod halves;
mod interval;
mod jacobian;
mod op;
mod order;
mod parse;
mod print;
mod program;
mod pullback;
mod scope;
mod simplify;
mod slopes;
mod stochastic;
mod token;
mod unit;

pub use error::{CompileError, ParseError, ParseErrorKind};
pub use field::{ExprField, SideBySide};
pub use graph::{ExprId, Graph, Node, Reachable, SymbolId};
pub use interval::{Interval, IntervalProgram};
pub use jacobian::{SPARSE_FROM, SymbolicAt, SymbolicField, SymbolicRegisters};
pub use op::{Binary, Unary, power, reserved_names};
pub use order::dependency_order;
pub use parse::{Calls, MAX_DEPTH, MAX_TEXT};
pub use print::{MAX_NODES, TextStyle};
pub use program::{Column, Program, Registers, RowRegisters};
pub use pullback::Pullback;
pub use scope::{NameError, Scope, check_name, nearest_name};
pub use simplify::MAX_EXPANDED;
pub use stochastic::{StochasticAt, StochasticFormulas, StochasticRegisters};
pub use unit::{Unit, UnitError};
