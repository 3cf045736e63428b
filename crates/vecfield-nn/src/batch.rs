//! A network as the right-hand side of many systems side by side, each at its own time.

use vecfield_kernels::LayerMath;
use vecfield_traits::{BatchField, BatchRows, BatchVjp};

use crate::error::NnError;
use crate::layer::Layer;
use crate::network::Network;

/// `dy_r/dt = f(y_r; θ)`, or `f(y_r, t_r; θ)` with the time as the last input, for rows that need not be at one time.
///
/// ```
/// use vecfield_kernels::Activation;
/// use vecfield_nn::{BatchNetwork, Initialiser, Mlp, Network, Random};
/// use vecfield_traits::{BatchField, BatchRows};
///
/// let network = Network::initialised(Mlp::new(3, &[16], 2, Activation::Tanh), Initialiser::Glorot, &mut Random::new(3))?;
/// let field = BatchNetwork::new(&network)?; // three inputs and two outputs: it sees the time
/// let mut work = field.workspace(2);
/// let (mut both, mut one) = ([0.0_f64; 4], [0.0; 2]);
/// field.eval(BatchRows { member: &[0, 1], t: &[0.5, 2.0], y: &[1.0, -1.0, 0.0, 3.0] }, &mut both, &mut work);
/// field.eval(BatchRows { member: &[1], t: &[2.0], y: &[0.0, 3.0] }, &mut one, &mut work);
/// assert_eq!(both[2..], one);
/// # Ok::<(), vecfield_nn::NnError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct BatchNetwork<'a, L, R> {
    network: &'a Network<L, R>,
    timed: bool,
}

/// Memory of a [`BatchNetwork`].
#[derive(Debug, Clone)]
pub struct BatchMemory<R> {
    tape: Vec<R>,
    bar: Vec<R>,
    x_bar: Vec<R>,
}

impl<'a, L: Layer, R: LayerMath> BatchNetwork<'a, L, R> {
    /// The field that a network is: its outputs are the rates of its inputs, but for one input more that is the time.
    ///
    /// # Errors
    ///
    /// [`NnError::NotSquare`] where the network has neither as many inputs as outputs nor one more, or one of its layers looks
    /// at the time otherwise.
    pub fn new(network: &'a Network<L, R>) -> Result<BatchNetwork<'a, L, R>, NnError> {
        let (inputs, outputs) = (network.layer().inputs(), network.layer().outputs());
        if network.layer().sees_time() || (inputs != outputs && inputs != outputs + 1) {
            return Err(NnError::NotSquare {
                what: "a field of a batch (the time its last input, if it has it)",
                inputs,
                outputs,
            });
        }
        Ok(BatchNetwork { network, timed: inputs == outputs + 1 })
    }

    /// The network.
    pub fn network(&self) -> &'a Network<L, R> {
        self.network
    }

    /// How many numbers the inputs take on the tape; none where they are the states themselves.
    fn inputs_len(&self, rows: usize) -> usize {
        if self.timed { rows * self.network.layer().inputs() } else { 0 }
    }

    /// States, each with its time behind it.
    fn write_inputs(&self, rows: BatchRows<'_, R>, x: &mut [R]) {
        let width = self.width();
        for ((x, y), &t) in x.chunks_exact_mut(width + 1).zip(rows.y.chunks_exact(width)).zip(rows.t) {
            x[..width].copy_from_slice(y);
            x[width] = t;
        }
    }
}

impl<L: Layer, R: LayerMath> BatchField<R> for BatchNetwork<'_, L, R> {
    type Workspace = BatchMemory<R>;

    fn workspace(&self, rows: usize) -> BatchMemory<R> {
        let layer = self.network.layer();
        let zeros = |len| vec![R::zero(); len];
        BatchMemory {
            tape: zeros(self.inputs_len(rows) + layer.scratch_len(rows)),
            bar: zeros(rows * layer.outputs()),
            x_bar: zeros(self.inputs_len(rows)),
        }
    }

    fn width(&self) -> usize {
        self.network.layer().outputs()
    }

    fn eval(&self, rows: BatchRows<'_, R>, dy: &mut [R], work: &mut BatchMemory<R>) {
        let (layer, count) = (self.network.layer(), rows.member.len());
        let (x, scratch) = work.tape.split_at_mut(self.inputs_len(count));
        let scratch = &mut scratch[..layer.scratch_len(count)];
        if self.timed {
            self.write_inputs(rows, x);
        }
        layer.forward(self.network.pass(count, R::zero()), if self.timed { x } else { rows.y }, dy, scratch);
    }
}

impl<L: Layer, R: LayerMath> BatchVjp<R> for BatchNetwork<'_, L, R> {
    fn parameters(&self) -> &[R] {
        self.network.theta()
    }

    fn tape_len(&self, rows: usize) -> usize {
        self.inputs_len(rows) + self.network.layer().tape_len(rows)
    }

    fn record(&self, rows: BatchRows<'_, R>, dy: &mut [R], tape: &mut [R], _work: &mut BatchMemory<R>) {
        let (layer, count) = (self.network.layer(), rows.member.len());
        let (x, tape) = tape.split_at_mut(self.inputs_len(count));
        if self.timed {
            self.write_inputs(rows, x);
        }
        layer.record(self.network.pass(count, R::zero()), if self.timed { x } else { rows.y }, dy, tape);
    }

    fn pull_back(
        &self,
        rows: BatchRows<'_, R>,
        tape: &mut [R],
        dy_bar: &[R],
        y_bar: &mut [R],
        theta_bar: &mut [R],
        work: &mut BatchMemory<R>,
    ) {
        let (layer, count, width) = (self.network.layer(), rows.member.len(), self.width());
        let pass = self.network.pass(count, R::zero());
        let (x, tape) = tape.split_at_mut(self.inputs_len(count));
        let bar = &mut work.bar[..dy_bar.len()];
        bar.copy_from_slice(dy_bar);
        if !self.timed {
            layer.pull_back(pass, rows.y, tape, bar, y_bar, theta_bar);
            return;
        }
        let x_bar = &mut work.x_bar[..x.len()];
        layer.pull_back(pass, x, tape, bar, x_bar, theta_bar);
        for (y_bar, x_bar) in y_bar.chunks_exact_mut(width).zip(x_bar.chunks_exact(width + 1)) {
            y_bar.copy_from_slice(&x_bar[..width]);
        }
    }
}
