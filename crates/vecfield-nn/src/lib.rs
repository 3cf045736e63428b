//! Neural networks as maps of rows with derivatives written by hand, and as vector fields `dy/dt = f_θ(t, y)`.
//!
//! A *layer* is data: sizes, no numbers. Its parameters are one flat slice with named views, its memory is the caller's, its
//! shapes are checked once.
//!
//! ```
//! use vecfield_kernels::Activation;
//! use vecfield_nn::{Initialiser, Mlp, Network, NeuralField, Random};
//! use vecfield_solvers::{Options, Save, solve_explicit, tableau::TSIT5};
//!
//! // dy/dt = W₂ tanh(W₁ y + b₁) + b₂ for three states side by side, solved like any other field.
//! let mlp = Mlp::new(2, &[50], 2, Activation::Tanh);
//! let network = Network::initialised(mlp, Initialiser::Glorot, &mut Random::new(1))?;
//! let field = NeuralField::new(network, 3)?;
//! let starts = [2.0, 0.0, 1.0, 1.0, 0.0, -1.0];
//! let solution = solve_explicit(&field, (0.0, 1.0), &starts, &TSIT5, &Options::tolerances(1e-6, 1e-6), Save::End)?;
//! assert_eq!(solution.last().len(), 6);
//!
//! // The description goes to a file and comes back.
//! let text = serde_json::to_string(field.network().layer())?;
//! assert_eq!(serde_json::from_str::<Mlp>(&text)?, *field.network().layer());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | you want | start at |
//! |---|---|
//! | the layers there are, by name | [`AnyLayer`] |
//! | a layer of your own | [`Layer`] |
//! | fully connected layers | [`Linear`], [`Mlp`]; activations alone, [`Elementwise`] |
//! | layers behind each other, around each other | [`Sequential`], [`Residual`], [`Coupling`] |
//! | images and signals | [`Convolution`], [`Pool`], [`Window`]; normalised, [`Norm`] |
//! | sequences | [`Gru`], [`Lstm`]; [`Attention`], [`Tokenwise`] |
//! | accelerations, energies | [`SecondOrder`], [`Hamiltonian`] |
//! | time as an input | [`Timed`], [`Squash`], [`Hyper`] |
//! | numbers dropped in training | [`Dropout`], [`Network::set_draw`] |
//! | losses | [`loss`] |
//! | what a training goes on from, as bytes | [`Checkpoint`] |
//! | parameters, and passes forward and back | [`Network`] |
//! | how parameters begin | [`Initialiser`], [`Random`] |
//! | a network as the right-hand side of an equation | [`NeuralField`] |
//! | the same for many systems, each with its own steps | [`BatchNetwork`] |
//! | derivatives by inputs carried forward, as a PINN needs them | [`Jets`], [`Layer::record_jet`] |
//!
//! **Architecture invariant:** a row's result depends on this row alone, to the bit: not on how many rows are beside it, nor
//! on which. *Why:* a batch is a way to be fast, never another answer. *Checked by* `tests/it/layers.rs`.
//!
//! **Architecture invariant:** no pass allocates. *Why:* the field is the inner loop of every solve. *Checked by*
//! `tests/it/layers.rs`.
//!
//! This crate knows nothing about solvers, files, threads or clocks.

mod aligned;
mod any;
mod attention;
mod batch;
mod chain;
mod checkpoint;
mod convolution;
mod coupling;
mod described;
mod dropout;
mod elementwise;
mod error;
mod field;
mod hyper;
mod init;
mod last;
mod layer;
mod linear;
pub mod loss;
mod mechanical;
mod mlp;
mod network;
mod norm;
mod pool;
mod random;
mod recurrent;
mod residual;
mod rows;
mod sequential;
mod squash;
mod tensor;
mod timed;
mod tokenwise;
mod window;

pub use any::AnyLayer;
pub use attention::Attention;
pub use batch::{BatchMemory, BatchNetwork};
pub use checkpoint::{Checkpoint, CheckpointError, Stored};
pub use convolution::Convolution;
pub use coupling::Coupling;
pub use dropout::Dropout;
pub use elementwise::Elementwise;
pub use error::NnError;
pub use field::{FieldMemory, NeuralField, Pushing};
pub use hyper::Hyper;
pub use init::Initialiser;
pub use layer::{Among, Deferred, Jets, Layer, Order, Pass};
pub use linear::Linear;
pub use mechanical::{Hamiltonian, SecondOrder};
pub use mlp::Mlp;
pub use network::{Memory, Network};
pub use norm::Norm;
pub use pool::{Pool, Take};
pub use random::Random;
pub use recurrent::{Gru, Lstm};
pub use residual::Residual;
pub use sequential::Sequential;
pub use squash::Squash;
pub use tensor::{Role, Tensor};
pub use timed::{Embedding, Timed};
pub use tokenwise::Tokenwise;
pub use window::Window;
