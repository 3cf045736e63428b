//! The parameters of a layer by name and shape, and where they stand in the flat slice.

/// A block of parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Its name, with the names of the layers around it before dots.
    pub name: String,
    /// Its shape; the last index runs fastest.
    pub shape: Vec<usize>,
    /// What it is for, which decides how it begins.
    pub role: Role,
}

/// What a block of parameters does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// Multiplies: `fan_in` numbers go into each result, and each number goes into `fan_out` of them.
    Weight {
        /// Numbers that a result is the sum of.
        fan_in: usize,
        /// Results that a number goes into.
        fan_out: usize,
    },
    /// Is added.
    Bias {
        /// That of the weights beside it.
        fan_in: usize,
    },
    /// Scales; begins at one.
    Scale,
    /// Shifts; begins at zero.
    Shift,
}

impl Tensor {
    /// A block of that name, shape and role.
    pub fn new(name: impl Into<String>, shape: &[usize], role: Role) -> Tensor {
        Tensor { name: name.into(), shape: shape.to_vec(), role }
    }

    /// How many numbers.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The tensors of a part, under its name.
pub(crate) fn within(name: &str, tensors: Vec<Tensor>) -> impl Iterator<Item = Tensor> + '_ {
    tensors.into_iter().map(move |tensor| Tensor { name: format!("{name}.{}", tensor.name), ..tensor })
}
