//! The right-hand side `dz/ds = f(z) dX/ds` of many series side by side.

use vecfield_nn::{AnyLayer, Layer, Network};
use vecfield_traits::{BatchField, BatchRows, BatchVjp};

use super::drive::Drive;
use crate::model::Number;

/// A network with `hidden` inputs and `channels · hidden` outputs, the matrix `f(z)` channel by channel, and the drives of the
/// members of a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Driven<'a, R> {
    network: &'a Network<AnyLayer, R>,
    drives: &'a [&'a Drive<R>],
    channels: usize,
}

/// Memory of a [`Driven`].
pub(super) struct DrivenMemory<R> {
    scratch: Vec<R>,
    /// `f(z)`, or its cotangent.
    matrix: Vec<R>,
    rate: Vec<R>,
}

impl<'a, R: Number> Driven<'a, R> {
    pub(super) fn new(network: &'a Network<AnyLayer, R>, drives: &'a [&'a Drive<R>]) -> Driven<'a, R> {
        let layer = network.layer();
        Driven { network, drives, channels: layer.outputs() / layer.inputs() }
    }

    /// `dz = Σ_c f_c(z) dX_c`.
    fn contract(&self, rows: BatchRows<'_, R>, matrix: &[R], dz: &mut [R], rate: &mut [R]) {
        let hidden = self.width();
        for (row, dz) in dz.chunks_exact_mut(hidden).enumerate() {
            self.drives[rows.member[row]].rate(rows.t[row], rate);
            dz.fill(R::zero());
            let own = &matrix[row * hidden * self.channels..][..hidden * self.channels];
            for (column, &rate) in own.chunks_exact(hidden).zip(&*rate) {
                dz.iter_mut().zip(column).for_each(|(dz, f)| *dz += *f * rate);
            }
        }
    }
}

impl<R: Number> BatchField<R> for Driven<'_, R> {
    type Workspace = DrivenMemory<R>;

    fn workspace(&self, rows: usize) -> DrivenMemory<R> {
        let layer = self.network.layer();
        let zeros = |len| vec![R::zero(); len];
        DrivenMemory {
            scratch: zeros(layer.scratch_len(rows)),
            matrix: zeros(rows * layer.outputs()),
            rate: zeros(self.channels),
        }
    }

    fn width(&self) -> usize {
        self.network.layer().inputs()
    }

    fn eval(&self, rows: BatchRows<'_, R>, dz: &mut [R], work: &mut DrivenMemory<R>) {
        let (layer, count) = (self.network.layer(), rows.member.len());
        let matrix = &mut work.matrix[..count * layer.outputs()];
        let scratch = &mut work.scratch[..layer.scratch_len(count)];
        layer.forward(self.network.pass(count, R::zero()), rows.y, matrix, scratch);
        self.contract(rows, matrix, dz, &mut work.rate);
    }
}

impl<R: Number> BatchVjp<R> for Driven<'_, R> {
    fn parameters(&self) -> &[R] {
        self.network.theta()
    }

    fn tape_len(&self, rows: usize) -> usize {
        self.network.layer().tape_len(rows)
    }

    fn record(&self, rows: BatchRows<'_, R>, dz: &mut [R], tape: &mut [R], work: &mut DrivenMemory<R>) {
        let (layer, count) = (self.network.layer(), rows.member.len());
        let matrix = &mut work.matrix[..count * layer.outputs()];
        layer.record(self.network.pass(count, R::zero()), rows.y, matrix, tape);
        self.contract(rows, matrix, dz, &mut work.rate);
    }

    /// The contraction is linear in the matrix: its cotangent is `dz_bar dXᵀ`, and the matrix itself is not asked for again.
    fn pull_back(
        &self,
        rows: BatchRows<'_, R>,
        tape: &mut [R],
        dz_bar: &[R],
        z_bar: &mut [R],
        theta_bar: &mut [R],
        work: &mut DrivenMemory<R>,
    ) {
        let (layer, count, hidden) = (self.network.layer(), rows.member.len(), self.width());
        let matrix_bar = &mut work.matrix[..count * layer.outputs()];
        let columns = matrix_bar.chunks_exact_mut(hidden * self.channels);
        for (row, (own, dz_bar)) in columns.zip(dz_bar.chunks_exact(hidden)).enumerate() {
            self.drives[rows.member[row]].rate(rows.t[row], &mut work.rate);
            for (column, &rate) in own.chunks_exact_mut(hidden).zip(&work.rate) {
                column.iter_mut().zip(dz_bar).for_each(|(f_bar, dz_bar)| *f_bar = *dz_bar * rate);
            }
        }
        layer.pull_back(self.network.pass(count, R::zero()), rows.y, tape, matrix_bar, z_bar, theta_bar);
    }
}
