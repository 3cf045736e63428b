//! What moves the variables of trajectories.

use vecfield_nn::{AnyLayer, BatchNetwork, Checkpoint, Layer, Network, Tensor};
use vecfield_traits::BatchVjp;

use super::Scaling;
use crate::error::NdeError;
use crate::model::Number;
use crate::settings::Settings;

/// The rates of variables in the units of a [`Scaling`], with their parameters.
pub trait Rates<R: Number>: Clone + Send + Sync {
    /// The field at the parameters.
    type Field<'a>: BatchVjp<R>
    where
        Self: 'a;

    /// The field at the parameters.
    fn field(&self) -> Self::Field<'_>;

    /// The parameters by name, shape and role, in their order.
    fn tensors(&self) -> Vec<Tensor>;

    /// The parameters.
    fn parameters(&self) -> Vec<R>;

    /// Takes other parameters.
    fn set_parameters(&mut self, theta: &[R]);

    /// Puts in what [`load`](Rates::load) needs besides the settings, the scaling and the names of the variables.
    ///
    /// # Errors
    ///
    /// What cannot be written.
    fn save(&self, checkpoint: &mut Checkpoint) -> Result<(), NdeError>;

    /// The rates that were [saved](Rates::save).
    ///
    /// # Errors
    ///
    /// A checkpoint of something else.
    fn load(
        settings: &Settings,
        scaling: &Scaling,
        variables: &[String],
        checkpoint: &Checkpoint,
    ) -> Result<Self, NdeError>;

    /// The constants of its formulas with their values, where it has some.
    fn constants(&self) -> Vec<(String, f64)> {
        vec![]
    }
}

/// A network's outputs are the rates of its inputs.
impl<R: Number> Rates<R> for Network<AnyLayer, R> {
    type Field<'a> = BatchNetwork<'a, AnyLayer, R>;

    fn field(&self) -> BatchNetwork<'_, AnyLayer, R> {
        BatchNetwork::new(self).expect("whoever made the network asked whether it is a field")
    }

    fn tensors(&self) -> Vec<Tensor> {
        self.layer().tensors()
    }

    fn parameters(&self) -> Vec<R> {
        self.theta().to_vec()
    }

    fn set_parameters(&mut self, theta: &[R]) {
        self.update(|own| own.copy_from_slice(theta));
    }

    fn save(&self, checkpoint: &mut Checkpoint) -> Result<(), NdeError> {
        Ok(checkpoint.put_network("field", self)?)
    }

    fn load(_: &Settings, _: &Scaling, _: &[String], checkpoint: &Checkpoint) -> Result<Self, NdeError> {
        let network = checkpoint.network("field")?;
        BatchNetwork::new(&network)?;
        Ok(network)
    }
}
