//! What can be wrong with a model.

/// Why a model cannot be made or read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NnError {
    /// Two layers behind each other do not fit.
    #[error(
        "layer {layer} takes {inputs} numbers and gets {outputs}; give it as many inputs as the layer before has outputs"
    )]
    Mismatch {
        /// The second of the two, counted from zero.
        layer: usize,
        /// Outputs of the first.
        outputs: usize,
        /// Inputs of the second.
        inputs: usize,
    },
    /// A chain without layers.
    #[error("a model needs at least one layer")]
    Empty,
    /// Sizes that contradict each other.
    #[error("{what}: {found} does not divide {whole}; choose a divisor")]
    Indivisible {
        /// What is divided.
        what: &'static str,
        /// By what.
        found: usize,
        /// How many.
        whole: usize,
    },
    /// A size that must be larger.
    #[error("{what} is {found}; it must be at least {least}")]
    TooSmall {
        /// Which size.
        what: &'static str,
        /// What was given.
        found: usize,
        /// What is needed.
        least: usize,
    },
    /// A model used where inputs and outputs must agree.
    #[error(
        "{what} needs a model with as many outputs as inputs, and this one has {inputs} inputs and {outputs} outputs"
    )]
    NotSquare {
        /// What needs it.
        what: &'static str,
        /// Inputs.
        inputs: usize,
        /// Outputs.
        outputs: usize,
    },
    /// A number out of its range.
    #[error("{what} is {found}; it must lie in {range}")]
    OutOfRange {
        /// Which number.
        what: &'static str,
        /// What was given.
        found: f64,
        /// What is allowed.
        range: &'static str,
    },
    /// Not as many parameters as the model has.
    #[error(
        "the model has {expected} parameters and {found} were given; initialise it anew or load those of the same model"
    )]
    ParameterCount {
        /// How many were given.
        found: usize,
        /// How many there are.
        expected: usize,
    },
}
