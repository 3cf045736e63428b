//! A layer with its parameters.

use vecfield_kernels::LayerMath;

use crate::aligned::Aligned;
use crate::error::NnError;
use crate::init::Initialiser;
use crate::layer::{Among, Deferred, Layer, Pass};
use crate::random::Random;
use crate::tensor::Tensor;

/// A layer with parameters: what can be evaluated.
///
/// ```
/// use vecfield_kernels::Activation;
/// use vecfield_nn::{Initialiser, Mlp, Network, Random};
///
/// let mlp = Mlp::new(2, &[50], 2, Activation::Tanh);
/// let mut network: Network<Mlp, f64> = Network::initialised(mlp, Initialiser::Glorot, &mut Random::new(1))?;
/// assert_eq!(network.theta().len(), 2 * 50 + 50 + 50 * 2 + 2);
/// assert_eq!(network.view("0.weight").map(<[f64]>::len), Some(100));
///
/// let mut memory = network.memory(3);
/// let mut y = [0.0; 6];
/// network.eval(3, 0.0, &[1.0, 0.0, 0.0, 1.0, 1.0, 1.0], &mut y, &mut memory);
/// let mut alone = [0.0; 2];
/// network.eval(1, 0.0, &[0.0, 1.0], &mut alone, &mut memory);
/// assert_eq!(y[2..4], alone); // a row's bits do not depend on the rows beside it
/// # Ok::<(), vecfield_nn::NnError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Network<L, R> {
    layer: L,
    theta: Aligned<R>,
    packed: Aligned<R>,
    draw: Option<u64>,
}

/// Room for passes over a number of rows, made once by [`Network::memory`].
#[derive(Debug, Clone, PartialEq)]
pub struct Memory<R> {
    tape: Aligned<R>,
    y_bar: Aligned<R>,
}

impl<R: Copy> Memory<R> {
    /// The tape, and a copy of a cotangent that may be used up.
    fn ready(&mut self, tape_len: usize, y_bar: &[R]) -> (&mut [R], &mut [R]) {
        let bar = &mut self.y_bar[..y_bar.len()];
        bar.copy_from_slice(y_bar);
        (&mut self.tape[..tape_len], bar)
    }
}

impl<L: Layer, R: LayerMath> Network<L, R> {
    /// The layer at these parameters.
    ///
    /// # Errors
    ///
    /// [`NnError::ParameterCount`] where the number of parameters is another; what [`Layer::check`] finds.
    pub fn new(layer: L, theta: Vec<R>) -> Result<Network<L, R>, NnError> {
        layer.check()?;
        let (found, expected) = (theta.len(), layer.parameter_count());
        if found != expected {
            return Err(NnError::ParameterCount { found, expected });
        }
        let mut network =
            Network { packed: Aligned::zeros(layer.packed_len()), layer, theta: Aligned::from(&theta[..]), draw: None };
        network.update(|_| ());
        Ok(network)
    }

    /// The layer at parameters drawn from `random`.
    ///
    /// # Errors
    ///
    /// What [`Layer::check`] finds.
    pub fn initialised(layer: L, initialiser: Initialiser, random: &mut Random) -> Result<Network<L, R>, NnError> {
        layer.check()?;
        let theta = initialiser.parameters(&layer, random);
        Network::new(layer, theta)
    }

    /// The layer.
    pub fn layer(&self) -> &L {
        &self.layer
    }

    /// The parameters.
    pub fn theta(&self) -> &[R] {
        &self.theta
    }

    /// Changes the parameters.
    pub fn update<T>(&mut self, change: impl FnOnce(&mut [R]) -> T) -> T {
        let result = change(&mut self.theta);
        self.layer.pack(&self.theta, &mut self.packed);
        result
    }

    /// Drops units, for layers that do, by this draw from now on; `None` stops it.
    pub fn set_draw(&mut self, draw: Option<u64>) {
        self.draw = draw;
    }

    /// The blocks of parameters with their numbers.
    pub fn views(&self) -> impl Iterator<Item = (Tensor, &[R])> {
        let mut rest = &self.theta[..];
        self.layer.tensors().into_iter().map(move |tensor| {
            let (own, behind) = rest.split_at(tensor.len());
            rest = behind;
            (tensor, own)
        })
    }

    /// The block of parameters of that name.
    pub fn view(&self, name: &str) -> Option<&[R]> {
        self.views().find(|(tensor, _)| tensor.name == name).map(|(_, numbers)| numbers)
    }

    /// Room for passes over up to `rows` rows.
    pub fn memory(&self, rows: usize) -> Memory<R> {
        let tape = self.layer.tape_len(rows).max(self.layer.scratch_len(rows));
        Memory { tape: Aligned::zeros(tape), y_bar: Aligned::zeros(rows * self.layer.outputs()) }
    }

    /// A pass over so many rows at time `t`.
    pub fn pass(&self, rows: usize, t: R) -> Pass<'_, R> {
        Pass { rows, t, theta: &self.theta, packed: &self.packed, draw: self.draw }
    }

    /// Writes the value at `x`, `[rows, inputs]`, into `y`, `[rows, outputs]`.
    ///
    /// # Panics
    ///
    /// If `memory` was made for fewer rows.
    pub fn eval(&self, rows: usize, t: R, x: &[R], y: &mut [R], memory: &mut Memory<R>) {
        let len = self.layer.scratch_len(rows);
        self.layer.forward(self.pass(rows, t), x, y, &mut memory.tape[..len]);
    }

    /// [`eval`](Network::eval), with what [`pull_back`](Network::pull_back) needs left in `memory`.
    ///
    /// # Panics
    ///
    /// If `memory` was made for fewer rows.
    pub fn record(&self, rows: usize, t: R, x: &[R], y: &mut [R], memory: &mut Memory<R>) {
        let len = self.layer.tape_len(rows);
        self.layer.record(self.pass(rows, t), x, y, &mut memory.tape[..len]);
    }

    /// Pulls `y_bar` back through what was last [recorded](Network::record) at the same `t` and `x`: writes `x_bar`, adds to
    /// `theta_bar` and returns the cotangent of time. Once for each recording: the memory is used up.
    #[allow(clippy::too_many_arguments)]
    pub fn pull_back(
        &self,
        rows: usize,
        t: R,
        x: &[R],
        y_bar: &[R],
        x_bar: &mut [R],
        theta_bar: &mut [R],
        memory: &mut Memory<R>,
    ) -> R {
        let (tape, bar) = memory.ready(self.layer.tape_len(rows), y_bar);
        self.layer.pull_back(self.pass(rows, t), x, tape, bar, x_bar, theta_bar)
    }

    /// Copies what was last [recorded](Network::record) to `kept`, for a pass back much later.
    pub(crate) fn keep(&self, rows: usize, memory: &Memory<R>, kept: &mut [R]) {
        self.layer.keep(rows, &memory.tape[..self.layer.tape_len(rows)], kept);
    }

    /// Leaves `memory` as it was when `y` was [recorded](Network::record) and `kept` was written.
    pub(crate) fn recall(&self, rows: usize, y: &[R], kept: &[R], memory: &mut Memory<R>) {
        self.layer.recall(rows, y, kept, &mut memory.tape[..self.layer.tape_len(rows)]);
    }

    /// [`pull_back`](Network::pull_back) of `rows` rows among those that were recorded, once for each of them, and not for
    /// the parameters, whose cotangents wait in `deferred` for [`Layer::settle`]; of layers that
    /// [defer](Layer::deferred_len). `x` is that of the recording.
    #[allow(clippy::too_many_arguments)]
    pub fn pull_deferring(
        &self,
        (rows, among): (usize, Among),
        t: R,
        x: &[R],
        y_bar: &[R],
        x_bar: &mut [R],
        deferred: Deferred<'_, R>,
        memory: &mut Memory<R>,
    ) -> R {
        let (tape, bar) = memory.ready(self.layer.tape_len(among.recorded), y_bar);
        self.layer.pull_deferring(self.pass(rows, t), among, x, tape, bar, x_bar, deferred)
    }
}
