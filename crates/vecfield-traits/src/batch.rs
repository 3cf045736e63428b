//! Many systems of one kind side by side, each at its own time.

use crate::number::Real;

/// States of some members of a batch, a row each.
#[derive(Debug, Clone, Copy)]
pub struct BatchRows<'a, R> {
    /// Which member of the batch each row is, for a field that knows something of each.
    pub member: &'a [usize],
    /// The time of each row.
    pub t: &'a [R],
    /// The states, `[rows, width]`.
    pub y: &'a [R],
}

/// `dy_r/dt = f(t_r, y_r)` for rows `r` that are evaluated together, as a network is by one product of matrices.
///
/// A row's rate depends on that row alone, to the bit: not on the rows beside it, nor on how many they are. A solver gives each
/// row its own time and takes rows out as they end, and a member's solution is then the same in every batch.
pub trait BatchField<R: Real> {
    /// Scratch memory of an evaluation.
    type Workspace;

    /// Scratch memory for up to so many rows.
    fn workspace(&self, rows: usize) -> Self::Workspace;

    /// Numbers in a row.
    fn width(&self) -> usize;

    /// Writes the rates, `[rows, width]`, into `dy`; never allocates.
    fn eval(&self, rows: BatchRows<'_, R>, dy: &mut [R], work: &mut Self::Workspace);
}

/// A [`BatchField`] that pulls cotangents back through an evaluation it recorded.
pub trait BatchVjp<R: Real>: BatchField<R> {
    /// The parameters `θ` the field is held at.
    fn parameters(&self) -> &[R];

    /// Numbers that [`record`](BatchVjp::record) writes down of so many rows; none for a field that needs none.
    fn tape_len(&self, _rows: usize) -> usize {
        0
    }

    /// [`eval`](BatchField::eval) with the same bits, leaving on the tape what [`pull_back`](BatchVjp::pull_back) needs.
    fn record(&self, rows: BatchRows<'_, R>, dy: &mut [R], _tape: &mut [R], work: &mut Self::Workspace) {
        self.eval(rows, dy, work);
    }

    /// For the cotangents `dy_bar` (`[rows, width]`) of the rates at the rows recorded: writes `(∂f/∂y)ᵀ dy_bar` of each row
    /// into `y_bar` and adds `(∂f/∂θ)ᵀ dy_bar` of all to `theta_bar`. The tape holds garbage afterwards.
    fn pull_back(
        &self,
        rows: BatchRows<'_, R>,
        tape: &mut [R],
        dy_bar: &[R],
        y_bar: &mut [R],
        theta_bar: &mut [R],
        work: &mut Self::Workspace,
    );
}
