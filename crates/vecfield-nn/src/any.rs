//! [`AnyLayer`]: a layer chosen at run time, as a description names it.

use serde::{Deserialize, Serialize};
use vecfield_kernels::{Activation, LayerMath};

use crate::attention::Attention;
use crate::convolution::Convolution;
use crate::coupling::Coupling;
use crate::dropout::Dropout;
use crate::elementwise::Elementwise;
use crate::error::NnError;
use crate::hyper::Hyper;
use crate::layer::{Among, Deferred, Jets, Layer, Order, Pass};
use crate::linear::Linear;
use crate::mechanical::{Hamiltonian, SecondOrder};
use crate::mlp::Mlp;
use crate::norm::Norm;
use crate::pool::Pool;
use crate::recurrent::{Gru, Lstm};
use crate::residual::Residual;
use crate::sequential::Sequential;
use crate::squash::Squash;
use crate::tensor::Tensor;
use crate::timed::Timed;
use crate::tokenwise::Tokenwise;

macro_rules! any_layer {
    ($($(#[$doc:meta])* $name:ident($of:ty),)*) => {
        /// Any of the layers; in a description, `kind` names it.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "kebab-case")]
        #[non_exhaustive]
        pub enum AnyLayer {
            $($(#[$doc])* $name($of),)*
        }

        macro_rules! each {
            ($self:ident, $layer:ident => $body:expr) => {
                match $self {
                    $(AnyLayer::$name($layer) => $body,)*
                }
            };
        }

        $(
            impl From<$of> for AnyLayer {
                fn from(layer: $of) -> AnyLayer {
                    AnyLayer::$name(layer)
                }
            }
        )*
    };
}

any_layer! {
    /// [`Linear`]
    Linear(Linear),
    /// [`Mlp`]
    Mlp(Mlp),
    /// [`Elementwise`]
    Elementwise(Elementwise),
    /// [`Sequential`]
    Sequential(Sequential),
    /// [`Residual`]
    Residual(Residual),
    /// [`Coupling`]
    Coupling(Coupling),
    /// [`Convolution`]
    Convolution(Convolution),
    /// [`Pool`]
    Pool(Pool),
    /// [`Norm`]
    Norm(Norm),
    /// [`Gru`]
    Gru(Gru),
    /// [`Lstm`]
    Lstm(Lstm),
    /// [`Attention`]
    Attention(Attention),
    /// [`Tokenwise`]
    Tokenwise(Tokenwise),
    /// [`Timed`]
    Timed(Timed),
    /// [`Hyper`]
    Hyper(Hyper),
    /// [`Squash`]
    Squash(Squash),
    /// [`Dropout`]
    Dropout(Dropout),
    /// [`SecondOrder`]
    SecondOrder(SecondOrder),
    /// [`Hamiltonian`]
    Hamiltonian(Hamiltonian),
}

impl Layer for AnyLayer {
    fn check(&self) -> Result<(), NnError> {
        each!(self, layer => layer.check())
    }

    fn inputs(&self) -> usize {
        each!(self, layer => layer.inputs())
    }

    fn outputs(&self) -> usize {
        each!(self, layer => layer.outputs())
    }

    fn tensors(&self) -> Vec<Tensor> {
        each!(self, layer => layer.tensors())
    }

    fn parameter_count(&self) -> usize {
        each!(self, layer => layer.parameter_count())
    }

    fn sees_time(&self) -> bool {
        each!(self, layer => layer.sees_time())
    }

    fn packed_len(&self) -> usize {
        each!(self, layer => layer.packed_len())
    }

    fn pack<R: LayerMath>(&self, theta: &[R], packed: &mut [R]) {
        each!(self, layer => layer.pack(theta, packed));
    }

    fn tape_len(&self, rows: usize) -> usize {
        each!(self, layer => layer.tape_len(rows))
    }

    fn slopes_on_tape(&self) -> Option<Activation> {
        each!(self, layer => layer.slopes_on_tape())
    }

    fn kept_len(&self, rows: usize) -> usize {
        each!(self, layer => layer.kept_len(rows))
    }

    fn keep<R: LayerMath>(&self, rows: usize, tape: &[R], kept: &mut [R]) {
        each!(self, layer => layer.keep(rows, tape, kept));
    }

    fn recall<R: LayerMath>(&self, rows: usize, y: &[R], kept: &[R], tape: &mut [R]) {
        each!(self, layer => layer.recall(rows, y, kept, tape));
    }

    fn scratch_len(&self, rows: usize) -> usize {
        each!(self, layer => layer.scratch_len(rows))
    }

    fn forward<R: LayerMath>(&self, pass: Pass<'_, R>, x: &[R], y: &mut [R], scratch: &mut [R]) {
        each!(self, layer => layer.forward(pass, x, y, scratch));
    }

    fn record<R: LayerMath>(&self, pass: Pass<'_, R>, x: &[R], y: &mut [R], tape: &mut [R]) {
        each!(self, layer => layer.record(pass, x, y, tape));
    }

    fn pull_back<R: LayerMath>(
        &self,
        pass: Pass<'_, R>,
        x: &[R],
        tape: &mut [R],
        y_bar: &mut [R],
        x_bar: &mut [R],
        theta_bar: &mut [R],
    ) -> R {
        each!(self, layer => layer.pull_back(pass, x, tape, y_bar, x_bar, theta_bar))
    }

    fn deferred_len(&self) -> Option<usize> {
        each!(self, layer => layer.deferred_len())
    }

    fn pull_deferring<R: LayerMath>(
        &self,
        pass: Pass<'_, R>,
        among: Among,
        x: &[R],
        tape: &mut [R],
        y_bar: &mut [R],
        x_bar: &mut [R],
        deferred: Deferred<'_, R>,
    ) -> R {
        each!(self, layer => layer.pull_deferring(pass, among, x, tape, y_bar, x_bar, deferred))
    }

    fn settle<R: LayerMath>(&self, deferred: Deferred<'_, R>, theta_bar: &mut [R]) {
        each!(self, layer => layer.settle(deferred, theta_bar));
    }

    fn jet_tape_len(&self, rows: usize, order: Order) -> Option<usize> {
        each!(self, layer => layer.jet_tape_len(rows, order))
    }

    fn record_jet<R: LayerMath>(&self, pass: Pass<'_, R>, jets: Jets<'_, R>, x: &[R], y: &mut [R], tape: &mut [R]) {
        each!(self, layer => layer.record_jet(pass, jets, x, y, tape));
    }

    fn pull_jet<R: LayerMath>(
        &self,
        pass: Pass<'_, R>,
        jets: Jets<'_, R>,
        x: &[R],
        tape: &mut [R],
        y_bar: &mut [R],
        x_bar: &mut [R],
        theta_bar: &mut [R],
    ) -> R {
        each!(self, layer => layer.pull_jet(pass, jets, x, tape, y_bar, x_bar, theta_bar))
    }
}
