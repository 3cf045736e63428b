//! A model behind a pointer, so that what trains one is compiled once for each number, and not again for every kind.
//!
//! A call through the pointer costs nanoseconds, a chunk of samples milliseconds.

use std::any::Any;

use vecfield_nn::{Checkpoint, Tensor};

use super::{Cost, Model, Number, Pass};
use crate::error::NdeError;

/// [`Model`] in a form that can be behind a pointer.
trait Asked<R: Number>: Sync {
    fn cloned(&self) -> Box<dyn Asked<R>>;
    fn tensors(&self) -> Vec<Tensor>;
    fn parameters(&self) -> Vec<R>;
    fn set_parameters(&mut self, theta: &[R]);
    fn samples(&self) -> usize;
    fn chunk(&self) -> usize;
    fn memory(&self) -> Box<dyn Any + Send>;
    fn cost(&self, samples: &[usize], pass: &Pass, gradient: &mut [R], memory: &mut dyn Any) -> Cost;
    fn save(&self, theta: &[R], checkpoint: &mut Checkpoint) -> Result<(), NdeError>;
}

impl<R: Number, M: Model<R, Memory: 'static> + Clone + 'static> Asked<R> for M {
    fn cloned(&self) -> Box<dyn Asked<R>> {
        Box::new(self.clone())
    }

    fn tensors(&self) -> Vec<Tensor> {
        Model::tensors(self)
    }

    fn parameters(&self) -> Vec<R> {
        Model::parameters(self)
    }

    fn set_parameters(&mut self, theta: &[R]) {
        Model::set_parameters(self, theta);
    }

    fn samples(&self) -> usize {
        Model::samples(self)
    }

    fn chunk(&self) -> usize {
        Model::chunk(self)
    }

    fn memory(&self) -> Box<dyn Any + Send> {
        Box::new(Model::memory(self))
    }

    fn cost(&self, samples: &[usize], pass: &Pass, gradient: &mut [R], memory: &mut dyn Any) -> Cost {
        let memory = memory.downcast_mut().expect("the memory that this model made");
        Model::cost(self, samples, pass, gradient, memory)
    }

    fn save(&self, theta: &[R], checkpoint: &mut Checkpoint) -> Result<(), NdeError> {
        Model::save(self, theta, checkpoint)
    }
}

/// Any model.
pub(crate) struct AnyModel<R>(Box<dyn Asked<R>>);

impl<R: Number> AnyModel<R> {
    pub(crate) fn new(model: impl Model<R, Memory: 'static> + Clone + 'static) -> AnyModel<R> {
        AnyModel(Box::new(model))
    }
}

impl<R: Number> Clone for AnyModel<R> {
    fn clone(&self) -> Self {
        AnyModel(self.0.cloned())
    }
}

impl<R: Number> Model<R> for AnyModel<R> {
    type Memory = Box<dyn Any + Send>;

    fn tensors(&self) -> Vec<Tensor> {
        self.0.tensors()
    }

    fn parameters(&self) -> Vec<R> {
        self.0.parameters()
    }

    fn set_parameters(&mut self, theta: &[R]) {
        self.0.set_parameters(theta);
    }

    fn samples(&self) -> usize {
        self.0.samples()
    }

    fn chunk(&self) -> usize {
        self.0.chunk()
    }

    fn memory(&self) -> Self::Memory {
        self.0.memory()
    }

    fn cost(&self, samples: &[usize], pass: &Pass, gradient: &mut [R], memory: &mut Self::Memory) -> Cost {
        self.0.cost(samples, pass, gradient, &mut **memory)
    }

    fn save(&self, theta: &[R], checkpoint: &mut Checkpoint) -> Result<(), NdeError> {
        self.0.save(theta, checkpoint)
    }
}
