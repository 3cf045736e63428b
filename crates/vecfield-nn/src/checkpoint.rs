//! Checkpoints: named blocks of numbers and what they belong to, as bytes in the format `safetensors`.
//!
//! Numbers are kept to the bit. What is no block of numbers (descriptions, counts, the state of random numbers) is kept as
//! JSON under one key of the file's own metadata, so the same content gives the same bytes.

use std::collections::{BTreeMap, HashMap};

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use vecfield_kernels::LayerMath;

use crate::layer::Layer;
use crate::network::Network;

/// The key of the metadata under which everything but numbers stands.
const KEY: &str = "vecfield";

/// What a training goes on from: parameters and descriptions of networks, and whatever else is put in.
///
/// ```
/// use vecfield_kernels::Activation;
/// use vecfield_nn::{Checkpoint, Initialiser, Mlp, Network, Random};
///
/// let mut random = Random::new(7);
/// let mlp = Mlp::new(2, &[8], 2, Activation::Tanh);
/// let network: Network<Mlp, f32> = Network::initialised(mlp, Initialiser::Glorot, &mut random)?;
///
/// let mut checkpoint = Checkpoint::new();
/// checkpoint.put_network("model", &network)?;
/// checkpoint.note("random", &random)?;
/// let bytes = checkpoint.to_bytes()?;
///
/// let read = Checkpoint::from_bytes(&bytes)?;
/// assert_eq!(read.network::<Mlp, f32>("model")?, network);
/// assert_eq!(read.noted::<Random>("random")?, random);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Checkpoint {
    blocks: BTreeMap<String, Block>,
    notes: BTreeMap<String, Value>,
}

/// Numbers as they stand in the file, lowest byte first.
#[derive(Debug, Clone, PartialEq)]
struct Block {
    kind: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

/// Why a checkpoint cannot be written or read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The bytes are no such file.
    #[error("this is no checkpoint, or a broken one ({reason}); take an earlier one")]
    Format {
        /// What the format's reader says.
        reason: String,
    },
    /// Something that was asked for is not there.
    #[error("the checkpoint has no \"{name}\", only {there}; was it written by another kind of training?")]
    Missing {
        /// What was asked for.
        name: String,
        /// What there is.
        there: String,
    },
    /// It is there, and something else.
    #[error("\"{name}\" of the checkpoint is {found} where {expected} was expected; read it as what was written")]
    Kind {
        /// Its name.
        name: String,
        /// What it is.
        found: String,
        /// What was asked for.
        expected: String,
    },
    /// A note that cannot be written or is no such value.
    #[error("the note \"{name}\" does not fit ({reason}); read it as what was written")]
    Note {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// `f32` and `f64` in a file.
pub trait Stored: Copy {
    /// Their name there.
    #[doc(hidden)]
    const KIND: Dtype;
    /// Appends the bytes, lowest first.
    #[doc(hidden)]
    fn append(self, bytes: &mut Vec<u8>);
    /// Reads all.
    #[doc(hidden)]
    fn read(bytes: &[u8]) -> Vec<Self>;
}

macro_rules! stored {
    ($($float:ident $kind:ident;)*) => {$(
        impl Stored for $float {
            const KIND: Dtype = Dtype::$kind;

            fn append(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }

            fn read(bytes: &[u8]) -> Vec<$float> {
                bytes.as_chunks().0.iter().map(|chunk| $float::from_le_bytes(*chunk)).collect()
            }
        }
    )*};
}
stored! { f32 F32; f64 F64; }

impl Checkpoint {
    /// Nothing yet.
    pub fn new() -> Checkpoint {
        Checkpoint::default()
    }

    /// Puts in a block of numbers.
    pub fn put<R: Stored>(&mut self, name: &str, shape: &[usize], numbers: &[R]) {
        let mut bytes = Vec::with_capacity(size_of_val(numbers));
        numbers.iter().for_each(|number| number.append(&mut bytes));
        self.blocks.insert(name.into(), Block { kind: R::KIND, shape: shape.to_vec(), bytes });
    }

    /// The block of numbers of that name.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Missing`], and [`CheckpointError::Kind`] for another precision.
    pub fn get<R: Stored>(&self, name: &str) -> Result<Vec<R>, CheckpointError> {
        let block = self.blocks.get(name).ok_or_else(|| missing(name, self.blocks.keys()))?;
        if block.kind != R::KIND {
            let (found, expected) = (format!("{:?}", block.kind), format!("{:?}", R::KIND));
            return Err(CheckpointError::Kind { name: name.into(), found, expected });
        }
        Ok(R::read(&block.bytes))
    }

    /// Puts in a value that is no block of numbers.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Note`] for a value that has no JSON.
    pub fn note<T: Serialize>(&mut self, name: &str, value: &T) -> Result<(), CheckpointError> {
        let value = serde_json::to_value(value).map_err(|error| note(name, &error))?;
        self.notes.insert(name.into(), value);
        Ok(())
    }

    /// The value of that name.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Missing`]; [`CheckpointError::Note`] where it is another kind of value.
    pub fn noted<T: DeserializeOwned>(&self, name: &str) -> Result<T, CheckpointError> {
        let value = self.notes.get(name).ok_or_else(|| missing(name, self.notes.keys()))?;
        T::deserialize(value).map_err(|error| note(name, &error))
    }

    /// Puts in a network: its description as a note, its parameters block by block, all under its name.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Note`] for a layer that has no description.
    pub fn put_network<L: Layer + Serialize, R: LayerMath + Stored>(
        &mut self,
        name: &str,
        network: &Network<L, R>,
    ) -> Result<(), CheckpointError> {
        self.note(name, network.layer())?;
        for (tensor, numbers) in network.views() {
            self.put(&format!("{name}.{}", tensor.name), &tensor.shape, numbers);
        }
        Ok(())
    }

    /// The network of that name, as it was.
    ///
    /// # Errors
    ///
    /// As [`get`](Checkpoint::get) and [`noted`](Checkpoint::noted); [`CheckpointError::Note`] where the description
    /// contradicts itself, [`CheckpointError::Kind`] where a block has another shape than it says.
    pub fn network<L: Layer + DeserializeOwned, R: LayerMath + Stored>(
        &self,
        name: &str,
    ) -> Result<Network<L, R>, CheckpointError> {
        let layer: L = self.noted(name)?;
        layer.check().map_err(|error| note(name, &error))?;
        let mut theta = Vec::with_capacity(layer.parameter_count());
        for tensor in layer.tensors() {
            let name = format!("{name}.{}", tensor.name);
            theta.extend(self.get::<R>(&name)?);
            let shape = &self.blocks[&name].shape;
            if *shape != tensor.shape {
                let (found, expected) = (format!("{shape:?}"), format!("{:?}", tensor.shape));
                return Err(CheckpointError::Kind { name, found, expected });
            }
        }
        Network::new(layer, theta).map_err(|error| note(name, &error))
    }

    /// The bytes of the file; the same for the same content.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Format`] where a block does not have the numbers of its shape.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CheckpointError> {
        let mut views = Vec::with_capacity(self.blocks.len());
        for (name, block) in &self.blocks {
            let view =
                TensorView::new(block.kind, block.shape.clone(), &block.bytes).map_err(|error| format(&error))?;
            views.push((name, view));
        }
        let notes = serde_json::to_string(&self.notes).map_err(|error| format(&error))?;
        let metadata = HashMap::from([(KEY.to_owned(), notes)]);
        safetensors::serialize(views, Some(metadata)).map_err(|error| format(&error))
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Format`] where they are none, or broken; [`CheckpointError::Missing`] for a file of someone else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Checkpoint, CheckpointError> {
        let file = SafeTensors::deserialize(bytes).map_err(|error| format(&error))?;
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| format(&error))?;
        let metadata = metadata.metadata().as_ref();
        let notes = metadata.and_then(|metadata| metadata.get(KEY)).ok_or_else(|| missing(KEY, [].into_iter()))?;
        let notes = serde_json::from_str(notes).map_err(|error| format(&error))?;
        let block = |(name, view): (&str, TensorView<'_>)| {
            let block = Block { kind: view.dtype(), shape: view.shape().to_vec(), bytes: view.data().to_vec() };
            (name.to_owned(), block)
        };
        Ok(Checkpoint { blocks: file.iter().map(block).collect(), notes })
    }
}

fn format(error: &impl ToString) -> CheckpointError {
    CheckpointError::Format { reason: error.to_string() }
}

fn note(name: &str, error: &impl ToString) -> CheckpointError {
    CheckpointError::Note { name: name.into(), reason: error.to_string() }
}

fn missing<'a>(name: &str, there: impl Iterator<Item = &'a String>) -> CheckpointError {
    let there: Vec<&str> = there.map(|name| &name[..]).collect();
    let there = if there.is_empty() { "nothing of the kind".into() } else { there.join(", ") };
    CheckpointError::Missing { name: name.into(), there }
}
