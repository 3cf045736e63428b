//! A network as the right-hand side of a differential equation, over a batch of states.

use vecfield_kernels::LayerMath;
use vecfield_traits::{Jacobian, Jvp, Sparsity, VectorField, Vjp};

use crate::error::NnError;
use crate::last::{Last, left_at};
use crate::layer::{Among, Deferred, Jets, Layer, Order};
use crate::network::{Memory, Network};

/// `dy/dt = f(t, y; θ)` for `rows` states side by side, `y ∈ ℝ^{rows × d}`, with a network for `f`.
///
/// ```
/// use vecfield_kernels::Activation;
/// use vecfield_nn::{Initialiser, Mlp, Network, NeuralField, Random};
/// use vecfield_traits::{VectorField, Vjp};
///
/// let network = Network::initialised(Mlp::new(2, &[16], 2, Activation::Tanh), Initialiser::Glorot, &mut Random::new(3))?;
/// let field = NeuralField::new(network, 1)?;
/// let (mut dy, mut work) = ([0.0_f64; 2], field.workspace());
/// field.eval(0.0, &[1.0, -1.0], &mut dy, &mut work);
///
/// // ∂(dy₀)/∂θ by the pullback of (1, 0): the bias of the first output counts once.
/// let (mut y_bar, mut theta_bar) = ([0.0; 2], vec![0.0; field.parameters().len()]);
/// field.vjp(0.0, &[1.0, -1.0], &[1.0, 0.0], &mut y_bar, &mut theta_bar, &mut work);
/// assert_eq!(theta_bar[theta_bar.len() - 2..], [1.0, 0.0]);
/// # Ok::<(), vecfield_nn::NnError>(())
/// ```
#[derive(Debug, Clone)]
pub struct NeuralField<L, R> {
    network: Network<L, R>,
    rows: usize,
    sparsity: Option<Sparsity>,
}

/// Memory of a [`NeuralField`]: tapes, cotangents and jets.
#[derive(Debug, Clone)]
pub struct FieldMemory<R> {
    memory: Memory<R>,
    value: Vec<R>,
    x_bar: Vec<R>,
    waiting: Waiting<R>,
    recorded: Recorded<R>,
    last: Last<R>,
    jets: JetMemory<R>,
}

/// The places recorded last; room is made for the first.
#[derive(Debug, Clone)]
struct Recorded<R> {
    memory: Memory<R>,
    x: Vec<R>,
    value: Vec<R>,
    /// Rows there is room for, and rows that are there.
    room: usize,
    rows: usize,
}

/// What evaluations owe the parameters and have not been asked for yet; room is made when the first is to wait.
#[derive(Debug, Clone)]
struct Waiting<R> {
    numbers: Vec<R>,
    /// Rows there is room for, and rows that wait.
    capacity: usize,
    rows: usize,
}

/// So many rows may wait: the product that adds them is then as quick as one of any length, and what they left is not far
/// away in the processor's caches.
const WAITING_ROWS: usize = 64;

/// So many rows may be recorded together: sixteen stages of one row; the tape of many is away in slower caches when it is read.
const RECORDED_ROWS: usize = 16;

impl<R: LayerMath> Waiting<R> {
    /// What waits, as the layer looks at it.
    fn deferred(&mut self) -> Deferred<'_, R> {
        Deferred { numbers: &mut self.numbers, capacity: self.capacity, at: self.rows }
    }
}

/// Room for jets; made when the first are asked for, as most solves ask for none.
#[derive(Debug, Clone)]
struct JetMemory<R> {
    tape: Vec<R>,
    x: Vec<R>,
    y: Vec<R>,
    x_bar: Vec<R>,
    theta_bar: Vec<R>,
}

impl<R: LayerMath> JetMemory<R> {
    fn fit(&mut self, tape: usize, n: usize, theta: usize) {
        for (buffer, len) in [
            (&mut self.tape, tape),
            (&mut self.x, n),
            (&mut self.y, n),
            (&mut self.x_bar, n),
            (&mut self.theta_bar, theta),
        ] {
            if buffer.len() < len {
                buffer.resize(len, R::zero());
            }
        }
    }
}

impl<L: Layer, R: LayerMath> NeuralField<L, R> {
    /// The field of `rows` states.
    ///
    /// # Errors
    ///
    /// [`NnError::NotSquare`] where the network does not have as many outputs as inputs.
    pub fn new(network: Network<L, R>, rows: usize) -> Result<NeuralField<L, R>, NnError> {
        let (inputs, outputs) = (network.layer().inputs(), network.layer().outputs());
        if inputs != outputs {
            return Err(NnError::NotSquare { what: "a vector field", inputs, outputs });
        }
        // One block for each row: no row looks at another.
        let sparsity = (rows > 1).then(|| {
            Sparsity::from_rows((0..rows * inputs).map(|i| (i / inputs * inputs..(i / inputs + 1) * inputs).collect()))
        });
        Ok(NeuralField { network, rows, sparsity })
    }

    /// The network.
    pub fn network(&self) -> &Network<L, R> {
        &self.network
    }

    /// The network, to be trained.
    pub fn network_mut(&mut self) -> &mut Network<L, R> {
        &mut self.network
    }

    /// How many states.
    pub fn rows(&self) -> usize {
        self.rows
    }

    fn width(&self) -> usize {
        self.network.layer().inputs()
    }

    /// How many rows may wait: whole evaluations.
    fn capacity(&self) -> usize {
        WAITING_ROWS / self.rows.max(1) * self.rows
    }

    /// The numbers a row that an evaluation leaves behind, if it is worth while.
    fn deferring(&self) -> Option<usize> {
        self.network.layer().deferred_len().filter(|_| self.capacity() > self.rows)
    }

    /// Makes room for one more evaluation that waits.
    fn make_room(&self, len: usize, theta_bar: &mut [R], work: &mut FieldMemory<R>) {
        if work.waiting.rows == work.waiting.capacity {
            self.settle(theta_bar, work);
        }
        work.waiting.numbers.resize(len * work.waiting.capacity, R::zero());
    }

    /// Pulls back through what is on the tape, recorded at `(t, y)`; what it owes the parameters is added.
    fn pull_now(
        &self,
        (t, y): (R, &[R]),
        dy_bar: &[R],
        y_bar: &mut [R],
        theta_bar: &mut [R],
        work: &mut FieldMemory<R>,
    ) -> R {
        self.settle(theta_bar, work);
        let FieldMemory { memory, x_bar, .. } = work;
        let t_bar = self.network.pull_back(self.rows, t, y, dy_bar, x_bar, theta_bar, memory);
        add(y_bar, x_bar);
        t_bar
    }

    /// [`pull_now`](Self::pull_now), but what it owes the parameters waits, if that is worth while.
    fn pull_later(
        &self,
        (t, y): (R, &[R]),
        dy_bar: &[R],
        y_bar: &mut [R],
        theta_bar: &mut [R],
        work: &mut FieldMemory<R>,
    ) -> R {
        let Some(len) = self.deferring() else { return self.pull_now((t, y), dy_bar, y_bar, theta_bar, work) };
        self.make_room(len, theta_bar, work);
        let FieldMemory { memory, x_bar, waiting, .. } = work;
        let all = Among { first: 0, recorded: self.rows };
        let t_bar = self.network.pull_deferring((self.rows, all), t, y, dy_bar, x_bar, waiting.deferred(), memory);
        waiting.rows += self.rows;
        add(y_bar, x_bar);
        t_bar
    }
}

impl<L: Layer, R: LayerMath> VectorField<R> for NeuralField<L, R> {
    type Workspace = FieldMemory<R>;

    fn workspace(&self) -> FieldMemory<R> {
        let n = self.rows * self.width();
        let empty = JetMemory { tape: vec![], x: vec![], y: vec![], x_bar: vec![], theta_bar: vec![] };
        let memory = self.network.memory(self.rows);
        let waiting = Waiting { numbers: vec![], capacity: self.capacity(), rows: 0 };
        let recorded = Recorded { memory: self.network.memory(0), x: vec![], value: vec![], room: 0, rows: 0 };
        let (value, x_bar) = (vec![R::zero(); n], vec![R::zero(); n]);
        FieldMemory { memory, value, x_bar, waiting, recorded, last: Last::none(), jets: empty }
    }

    fn dim(&self) -> usize {
        self.rows * self.width()
    }

    fn eval(&self, t: R, y: &[R], dy: &mut [R], work: &mut FieldMemory<R>) {
        let FieldMemory { memory, last, .. } = work;
        let Some(record) = last.next() else { return self.network.eval(self.rows, t, y, dy, memory) };
        self.network.record(self.rows, t, y, dy, memory);
        self.network.keep(self.rows, memory, record.write((t, y), dy));
    }
}

impl<L: Layer, R: LayerMath> Vjp<R> for NeuralField<L, R> {
    fn parameters(&self) -> &[R] {
        self.network.theta()
    }

    fn vjp(&self, t: R, y: &[R], dy_bar: &[R], y_bar: &mut [R], theta_bar: &mut [R], work: &mut FieldMemory<R>) -> R {
        self.network.record(self.rows, t, y, &mut work.value, &mut work.memory);
        self.pull_now((t, y), dy_bar, y_bar, theta_bar, work)
    }

    /// Of networks that [defer](Layer::deferred_len), where there are few rows: many pay for their own products.
    fn vjp_deferred(
        &self,
        t: R,
        y: &[R],
        dy_bar: &[R],
        y_bar: &mut [R],
        theta_bar: &mut [R],
        work: &mut FieldMemory<R>,
    ) -> R {
        self.network.record(self.rows, t, y, &mut work.value, &mut work.memory);
        self.pull_later((t, y), dy_bar, y_bar, theta_bar, work)
    }

    /// As one batch, of networks that [defer](Layer::deferred_len) and do not see the time, where there are few rows: their
    /// weights are then read once for all of them.
    fn record(&self, times: &[R], states: &[R], work: &mut FieldMemory<R>) {
        let (rows, recorded) = (times.len() * self.rows, &mut work.recorded);
        recorded.rows = 0;
        if self.deferring().is_none() || self.network.layer().sees_time() || rows > RECORDED_ROWS || times.len() < 2 {
            return;
        }
        if recorded.room < rows {
            *recorded = Recorded {
                memory: self.network.memory(rows),
                x: states.to_vec(),
                value: states.to_vec(),
                room: rows,
                rows,
            };
        }
        let Recorded { memory, x, value, .. } = recorded;
        x[..states.len()].copy_from_slice(states);
        self.network.record(rows, times[0], states, &mut value[..states.len()], memory);
        recorded.rows = rows;
    }

    fn pull_recorded(
        &self,
        index: usize,
        t: R,
        y: &[R],
        dy_bar: &[R],
        y_bar: &mut [R],
        theta_bar: &mut [R],
        work: &mut FieldMemory<R>,
    ) -> R {
        let among = Among { first: index * self.rows, recorded: work.recorded.rows };
        let Some(len) = self.deferring().filter(|_| among.first < among.recorded) else {
            return self.vjp_deferred(t, y, dy_bar, y_bar, theta_bar, work);
        };
        self.make_room(len, theta_bar, work);
        let FieldMemory { recorded: Recorded { memory, x, .. }, x_bar, waiting, .. } = work;
        let x = &x[..among.recorded * self.width()];
        let t_bar = self.network.pull_deferring((self.rows, among), t, x, dy_bar, x_bar, waiting.deferred(), memory);
        waiting.rows += self.rows;
        add(y_bar, x_bar);
        t_bar
    }

    fn keep(&self, last: usize, work: &mut FieldMemory<R>) -> bool {
        work.last.keep(last, self.dim(), self.network.layer().kept_len(self.rows));
        true
    }

    fn take_kept(&self, dy: &[R], kept: &mut Vec<R>, work: &mut FieldMemory<R>) -> bool {
        work.last.take(dy, kept)
    }

    fn pull_kept(
        &self,
        kept: &[R],
        t: R,
        y: &[R],
        dy_bar: &[R],
        y_bar: &mut [R],
        theta_bar: &mut [R],
        work: &mut FieldMemory<R>,
    ) -> R {
        let t_seen = self.network.layer().sees_time().then_some(t);
        let Some((dy, left)) = left_at(kept, t_seen, y) else {
            return self.vjp_deferred(t, y, dy_bar, y_bar, theta_bar, work);
        };
        self.network.recall(self.rows, dy, left, &mut work.memory);
        self.pull_later((t, y), dy_bar, y_bar, theta_bar, work)
    }

    fn settle(&self, theta_bar: &mut [R], work: &mut FieldMemory<R>) {
        if work.waiting.rows > 0 {
            self.network.layer().settle(work.waiting.deferred(), theta_bar);
            work.waiting.rows = 0;
        }
    }

    /// Of networks that carry [jets](Layer::jet_tape_len).
    fn vjp_along(
        &self,
        t: R,
        y: &[R],
        t_dot: R,
        y_dot: &[R],
        dy_bar: &[R],
        y_bar: &mut [R],
        theta_bar: &mut [R],
        work: &mut FieldMemory<R>,
    ) -> Option<R> {
        let layer = self.network.layer();
        let n = self.rows * self.width();
        let len = layer.jet_tape_len(self.rows, FIRST)?;
        self.settle(theta_bar, work);
        let jets = &mut work.jets;
        jets.fit(len, 2 * n, 0);
        jets.x[..n].copy_from_slice(y);
        jets.x[n..2 * n].copy_from_slice(y_dot);
        let (pass, along) = (self.network.pass(self.rows, t), Jets { t_dot: &[t_dot], seconds: 0 });
        layer.record_jet(pass, along, &jets.x[..2 * n], &mut jets.y[..2 * n], &mut jets.tape[..len]);
        // The cotangent of the tangent alone; the value's is zero.
        jets.y[..n].fill(R::zero());
        jets.y[n..2 * n].copy_from_slice(dy_bar);
        let JetMemory { tape, x, y: bar, x_bar, .. } = jets;
        let (bar, x_bar) = (&mut bar[..2 * n], &mut x_bar[..2 * n]);
        let t_bar = layer.pull_jet(pass, along, &x[..2 * n], &mut tape[..len], bar, x_bar, theta_bar);
        for (to, &bar) in y_bar.iter_mut().zip(&x_bar[..n]) {
            *to += bar;
        }
        Some(t_bar)
    }
}

/// `to += from`.
fn add<R: LayerMath>(to: &mut [R], from: &[R]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to += from;
    }
}

/// One direction.
const FIRST: Order = Order { directions: 1, seconds: 0 };

/// A network whose layers all carry jets, so that tangents can be pushed through it; made by [`NeuralField::pushing`].
#[derive(Debug, Clone, Copy)]
pub struct Pushing<'a, L, R>(&'a NeuralField<L, R>);

impl<L: Layer, R: LayerMath> NeuralField<L, R> {
    /// The same field with tangents, if every layer of its network carries them.
    pub fn pushing(&self) -> Option<Pushing<'_, L, R>> {
        self.network.layer().jet_tape_len(self.rows, FIRST).map(|_| Pushing(self))
    }
}

impl<L: Layer, R: LayerMath> VectorField<R> for Pushing<'_, L, R> {
    type Workspace = FieldMemory<R>;

    fn workspace(&self) -> FieldMemory<R> {
        self.0.workspace()
    }

    fn dim(&self) -> usize {
        self.0.dim()
    }

    fn eval(&self, t: R, y: &[R], dy: &mut [R], work: &mut FieldMemory<R>) {
        self.0.eval(t, y, dy, work);
    }
}

impl<L: Layer, R: LayerMath> Jvp<R> for Pushing<'_, L, R> {
    fn jvp(&self, t: R, y: &[R], t_dot: R, y_dot: &[R], dy: &mut [R], dy_dot: &mut [R], work: &mut FieldMemory<R>) {
        let (field, layer) = (self.0, self.0.network.layer());
        let n = field.rows * field.width();
        let len = layer.jet_tape_len(field.rows, FIRST).expect("`pushing` has asked");
        let jets = &mut work.jets;
        jets.fit(len, 2 * n, 0);
        jets.x[..n].copy_from_slice(y);
        jets.x[n..2 * n].copy_from_slice(y_dot);
        let (pass, along) = (field.network.pass(field.rows, t), Jets { t_dot: &[t_dot], seconds: 0 });
        layer.record_jet(pass, along, &jets.x[..2 * n], &mut jets.y[..2 * n], &mut jets.tape[..len]);
        dy.copy_from_slice(&jets.y[..n]);
        dy_dot.copy_from_slice(&jets.y[n..2 * n]);
    }
}

impl<L: Layer, R: LayerMath> Jacobian<R> for NeuralField<L, R> {
    /// Row `i` of every block by one pullback, and `∂f/∂t` with it where there is one state; several states take a pullback
    /// of each component for that.
    fn jacobian(&self, t: R, y: &[R], jac: &mut [R], time: &mut [R], work: &mut FieldMemory<R>) {
        let (rows, d) = (self.rows, self.width());
        let FieldMemory { memory, value, x_bar, jets, .. } = work;
        jets.fit(0, rows * d, self.parameters().len());
        let (bar, theta_bar) = (&mut jets.x[..rows * d], &mut jets.theta_bar);
        for i in 0..d {
            bar.fill(R::zero());
            (0..rows).for_each(|row| bar[row * d + i] = R::one());
            self.network.record(rows, t, y, value, memory);
            time[i] = self.network.pull_back(rows, t, y, bar, x_bar, theta_bar, memory);
            for row in 0..rows {
                // Entries stand row by row, `d` to a row.
                jac[(row * d + i) * d..][..d].copy_from_slice(&x_bar[row * d..][..d]);
            }
        }
        if rows > 1 && !self.network.layer().sees_time() {
            time.fill(R::zero());
        } else if rows > 1 {
            for place in 0..rows * d {
                bar.fill(R::zero());
                bar[place] = R::one();
                self.network.record(rows, t, y, value, memory);
                time[place] = self.network.pull_back(rows, t, y, bar, x_bar, theta_bar, memory);
            }
        }
    }

    fn sparsity(&self) -> Option<&Sparsity> {
        self.sparsity.as_ref()
    }
}
