//! The field of a flow with what is integrated along it: the change of the density, and the costs of motion.

use vecfield_nn::{Jets, Layer, Network};
use vecfield_traits::{BatchField, BatchRows, BatchVjp};

use crate::model::Number;

/// `z' = f(z, t)` and, behind it in each row, `ℓ' = tr ∂f/∂z`, `e' = |f|²` and `j' = |∂f/∂z|²_F`.
///
/// The trace is `Σ_k vₖᵀ (∂f/∂z) vₖ` over the probes `vₖ` of a member (Chen et al. 2018, eq. (8)): exact over unit vectors, an
/// estimate without bias over one random vector (Grathwohl et al. 2019) or over an orthonormal sketch and one random vector
/// across it (Meyer et al. 2021). Both integrals of motion are those of Finlay et al. (2020), eqs. (6) and (8).
///
/// All derivatives are carried forward with the value, one block of rows for each probe.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Density<'a, L, R> {
    network: &'a Network<L, R>,
    /// Numbers of a point.
    dim: usize,
    /// How many probes a member has.
    count: usize,
    /// `[members, count, dim]`; empty for unit vectors.
    probes: &'a [R],
    still: &'a [R],
}

/// What is integrated along, behind the point.
pub(crate) const ALONG: usize = 3;

/// Memory of a [`Density`].
pub(crate) struct DensityMemory<R> {
    tape: Vec<R>,
    y_bar: Vec<R>,
    x_bar: Vec<R>,
}

impl<'a, L: Layer, R: Number> Density<'a, L, R> {
    /// A network of `dim + 1` inputs, a point and the time, and `dim` outputs, all of whose layers carry jets; `still` are
    /// `count` zeros.
    pub(crate) fn new(network: &'a Network<L, R>, probes: &'a [R], still: &'a [R]) -> Density<'a, L, R> {
        Density { network, dim: network.layer().outputs(), count: still.len(), probes, still }
    }

    fn blocks(&self) -> usize {
        1 + self.count
    }

    fn jets(&self) -> Jets<'a, R> {
        Jets { t_dot: self.still, seconds: 0 }
    }

    /// Numbers of the inputs, of the outputs and of the layers' own tape.
    fn lens(&self, rows: usize) -> [usize; 3] {
        let (layer, order) = (self.network.layer(), self.jets().order());
        let own = layer.jet_tape_len(rows, order).expect("layers that carry jets, as was asked before");
        [self.blocks() * rows * layer.inputs(), self.blocks() * rows * self.dim, own]
    }

    /// Component `i` of a probe of a member.
    fn probe(&self, member: usize, k: usize, i: usize) -> R {
        if self.probes.is_empty() {
            return if i == k { R::one() } else { R::zero() };
        }
        self.probes[(member * self.count + k) * self.dim + i]
    }

    /// Points with their time behind them, then the probes, along which time stands still.
    fn write_inputs(&self, rows: BatchRows<'_, R>, x: &mut [R]) {
        let (count, dim) = (rows.member.len(), self.dim);
        for (row, x) in x.chunks_exact_mut(dim + 1).enumerate() {
            let (block, row) = (row / count, row % count);
            if block == 0 {
                x[..dim].copy_from_slice(&rows.y[row * (dim + ALONG)..][..dim]);
                x[dim] = rows.t[row];
            } else {
                (0..dim).for_each(|i| x[i] = self.probe(rows.member[row], block - 1, i));
                x[dim] = R::zero();
            }
        }
    }

    /// The rates, from the value and its derivatives along the probes.
    fn write_rates(&self, rows: BatchRows<'_, R>, y: &[R], dy: &mut [R]) {
        let (count, dim) = (rows.member.len(), self.dim);
        for (row, dy) in dy.chunks_exact_mut(dim + ALONG).enumerate() {
            let value = &y[row * dim..][..dim];
            dy[..dim].copy_from_slice(value);
            let (mut trace, mut energy, mut frobenius) = (R::zero(), R::zero(), R::zero());
            value.iter().for_each(|&f| energy += f * f);
            for k in 0..self.count {
                for (i, &moved) in y[((1 + k) * count + row) * dim..][..dim].iter().enumerate() {
                    trace += self.probe(rows.member[row], k, i) * moved;
                    frobenius += moved * moved;
                }
            }
            dy[dim..].copy_from_slice(&[trace, energy, frobenius]);
        }
    }

    /// The cotangents of the value and of its derivatives, from those of the rates.
    fn write_bars(&self, rows: BatchRows<'_, R>, y: &[R], dy_bar: &[R], y_bar: &mut [R]) {
        let (count, dim) = (rows.member.len(), self.dim);
        let two = R::one() + R::one();
        for (row, dy_bar) in dy_bar.chunks_exact(dim + ALONG).enumerate() {
            let [trace, energy, frobenius] = [dy_bar[dim], two * dy_bar[dim + 1], two * dy_bar[dim + 2]];
            for i in 0..dim {
                y_bar[row * dim + i] = dy_bar[i] + energy * y[row * dim + i];
            }
            for k in 0..self.count {
                let start = ((1 + k) * count + row) * dim;
                for i in 0..dim {
                    y_bar[start + i] = trace * self.probe(rows.member[row], k, i) + frobenius * y[start + i];
                }
            }
        }
    }
}

impl<L: Layer, R: Number> BatchField<R> for Density<'_, L, R> {
    type Workspace = DensityMemory<R>;

    fn workspace(&self, rows: usize) -> DensityMemory<R> {
        let [inputs, outputs, own] = self.lens(rows);
        let zeros = |len| vec![R::zero(); len];
        DensityMemory { tape: zeros(inputs + outputs + own), y_bar: zeros(outputs), x_bar: zeros(inputs) }
    }

    fn width(&self) -> usize {
        self.dim + ALONG
    }

    fn eval(&self, rows: BatchRows<'_, R>, dy: &mut [R], work: &mut DensityMemory<R>) {
        let mut tape = core::mem::take(&mut work.tape);
        self.record(rows, dy, &mut tape, work);
        work.tape = tape;
    }
}

impl<L: Layer, R: Number> BatchVjp<R> for Density<'_, L, R> {
    fn parameters(&self) -> &[R] {
        self.network.theta()
    }

    fn tape_len(&self, rows: usize) -> usize {
        self.lens(rows).iter().sum()
    }

    fn record(&self, rows: BatchRows<'_, R>, dy: &mut [R], tape: &mut [R], _work: &mut DensityMemory<R>) {
        let count = rows.member.len();
        let [inputs, outputs, own] = self.lens(count);
        let (x, rest) = tape.split_at_mut(inputs);
        let (y, rest) = rest.split_at_mut(outputs);
        self.write_inputs(rows, x);
        let pass = self.network.pass(count, R::zero());
        self.network.layer().record_jet(pass, self.jets(), x, y, &mut rest[..own]);
        self.write_rates(rows, y, dy);
    }

    fn pull_back(
        &self,
        rows: BatchRows<'_, R>,
        tape: &mut [R],
        dy_bar: &[R],
        y_bar: &mut [R],
        theta_bar: &mut [R],
        work: &mut DensityMemory<R>,
    ) {
        let (count, dim) = (rows.member.len(), self.dim);
        let [inputs, outputs, own] = self.lens(count);
        let (x, rest) = tape.split_at_mut(inputs);
        let (y, rest) = rest.split_at_mut(outputs);
        let (bar, x_bar) = (&mut work.y_bar[..outputs], &mut work.x_bar[..inputs]);
        self.write_bars(rows, y, dy_bar, bar);
        let pass = self.network.pass(count, R::zero());
        self.network.layer().pull_jet(pass, self.jets(), x, &mut rest[..own], bar, x_bar, theta_bar);
        // Nothing depends on what has been integrated so far.
        y_bar.fill(R::zero());
        for (y_bar, x_bar) in y_bar.chunks_exact_mut(dim + ALONG).zip(x_bar.chunks_exact(dim + 1)) {
            y_bar[..dim].copy_from_slice(&x_bar[..dim]);
        }
    }
}
