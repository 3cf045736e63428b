//! Formulas from rows of measurements: `y = f(x_1, .., x_n)` with an unknown `f` of few operations.
//!
//! ```
//! use vecfield_symreg::{Symreg, Table};
//!
//! // y = 3 x / (1 + x²), from twenty rows.
//! let x: Vec<f64> = (0..20).map(|i| 0.3 * f64::from(i) - 2.0).collect();
//! let y = x.iter().map(|x| 3.0 * x / (1.0 + x * x)).collect();
//! let table = Table::new(vec!["x".into()], vec![x], y)?;
//! let search = Symreg::default().search(&table, &mut |_| true);
//! assert!(search.best().r2 > 1.0 - 1e-12, "{}", search.best().expression);
//! # Ok::<(), vecfield_symreg::SymregError>(())
//! ```
//!
//! | you want | start at |
//! |---|---|
//! | to search | [`Symreg`], [`Symreg::search`] on a [`Table`] |
//! | what was found | [`Search`], [`Found`] |
//! | its values at other rows, how surely its numbers are known | [`Search::predict`], [`Search::numbers`] |
//! | to watch a search, and to end it | [`Progress`] |
//! | to begin with formulas of your own | [`Guess`] |
//! | to go on with a search that was broken off | [`Search::checkpoint`], [`Symreg::resume`] |
//! | rows that count more than others | [`Table::weighted`] |
//! | numbers that differ between kinds of rows | [`Categories`], [`Symreg::search_by_category`] |
//! | formulas for several targets that share parts | [`Symreg::search_together`] |
//! | formulas of which a part is known | [`Template`], [`Symreg::search_template`] |
//! | errors that cost something else than their squares | [`Loss`] |
//! | which operations a formula may have | [`Operators`] |
//! | what an operation costs, and where it may stand | [`Rules`] |
//! | only formulas that agree with the units of the variables | [`Units`] |
//! | only formulas that rise, are positive or symmetric | [`Shapes`] |
//!
//! | module | holds |
//! |---|---|
//! | `features` | every small expression, once |
//! | `span` | which few of them a target is a combination of |
//! | `relation` | equations that are linear in their unknown numbers, and their solutions |
//! | `candidate` | formulas with open numbers, fitted |
//! | `categories` | one formula for rows of several kinds |
//! | `together` | formulas for several targets |
//! | `template` | formulas with unknown functions; `search/templated`, which functions these are |
//! | `front` | the best of each complexity, and the choice |
//! | `evolve` | islands of sums whose trees are recombined and whose numbers are solved |
//! | `search` | all together; `search/opened`, numbers inside functions |
//!
//! **Architecture invariant:** the same table and settings give the same front, on any number of threads and in any order of the rows.
//! *Why:* a result that nobody can repeat is none. *Checked by* `tests/it/evolution.rs`.
//!
//! This crate knows nothing about files, clocks or terminals.

mod candidate;
mod categories;
mod error;
mod evolve;
mod features;
mod front;
mod guess;
mod list;
mod loss;
mod operators;
mod random;
mod relation;
mod rules;
mod search;
mod shape;
mod span;
mod table;
mod template;
mod text;
mod together;
mod units;
mod weighted;

pub use categories::{Categories, FoundByCategory, Parameter, SearchByCategory};
pub use error::SymregError;
pub use front::Found;
pub use guess::Guess;
pub use loss::Loss;
pub use operators::Operators;
pub use rules::Rules;
pub use search::{Checkpoint, Function, Number, Progress, Search, Symreg, Templated};
pub use shape::{Shape, Shapes, Verdict};
pub use table::Table;
pub use template::Template;
pub use together::Together;
pub use units::{Numbers, Units};
