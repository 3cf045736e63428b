//! One row of a batch as a field of its own, for methods that take systems one by one.

use std::cell::Cell;

use vecfield_traits::{AnyRows, BatchField, BatchRows, BatchVjp, Jacobian, Real, VectorField, Vjp};

/// A member of a batch alone. It counts its pullbacks.
///
/// Derivatives by time are left out of pullbacks, as nobody here asks for them, and differences in the Jacobian, where only
/// Rosenbrock methods look at them.
pub(super) struct Row<'a, R> {
    field: &'a AnyRows<'a, R>,
    member: [usize; 1],
    pullbacks: Cell<u64>,
}

/// Memory of a [`Row`].
pub(super) struct Memory<R> {
    tape: Vec<R>,
    value: Vec<R>,
    bar: Vec<R>,
    theta_bar: Vec<R>,
}

impl<'a, R> Row<'a, R> {
    pub(super) fn new(field: &'a AnyRows<'a, R>, member: usize) -> Row<'a, R> {
        Row { field, member: [member], pullbacks: Cell::new(0) }
    }

    pub(super) fn pullbacks(&self) -> u64 {
        self.pullbacks.get()
    }
}

impl<R: Real> VectorField<R> for Row<'_, R> {
    type Workspace = Memory<R>;

    fn workspace(&self) -> Self::Workspace {
        let (width, zeros) = (self.field.width(), |n| vec![R::zero(); n]);
        self.field.workspace(1);
        Memory { tape: zeros(self.field.tape_len(1)), value: zeros(width), bar: zeros(width), theta_bar: vec![] }
    }

    fn dim(&self) -> usize {
        self.field.width()
    }

    fn eval(&self, t: R, y: &[R], dy: &mut [R], _work: &mut Self::Workspace) {
        self.field.eval(BatchRows { member: &self.member, t: &[t], y }, dy, &mut ());
    }
}

impl<R: Real> Vjp<R> for Row<'_, R> {
    fn parameters(&self) -> &[R] {
        self.field.parameters()
    }

    fn vjp(&self, t: R, y: &[R], dy_bar: &[R], y_bar: &mut [R], theta_bar: &mut [R], work: &mut Self::Workspace) -> R {
        self.pullbacks.set(self.pullbacks.get() + 1);
        let (rows, Memory { tape, value, bar, .. }) = (BatchRows { member: &self.member, t: &[t], y }, work);
        self.field.record(rows, value, tape, &mut ());
        self.field.pull_back(rows, tape, dy_bar, bar, theta_bar, &mut ());
        for (to, &from) in y_bar.iter_mut().zip(bar.iter()) {
            *to += from;
        }
        R::zero()
    }
}

impl<R: Real> Jacobian<R> for Row<'_, R> {
    fn jacobian(&self, t: R, y: &[R], jac: &mut [R], time: &mut [R], work: &mut Self::Workspace) {
        let (width, member) = (self.field.width(), &self.member);
        let Memory { tape, value, bar, theta_bar } = work;
        theta_bar.resize(self.field.parameters().len(), R::zero());
        let rows = BatchRows { member, t: &[t], y };
        for (i, row) in jac.chunks_exact_mut(width).enumerate() {
            self.field.record(rows, value, tape, &mut ());
            bar.fill(R::zero());
            bar[i] = R::one();
            self.field.pull_back(rows, tape, bar, row, theta_bar, &mut ());
        }
        // A central difference: its error is about the cube root of rounding, squared.
        let step = R::EPSILON.powf(R::from_f64(1.0 / 3.0)) * (R::one() + t.abs());
        self.field.eval(BatchRows { member, t: &[t + step], y }, time, &mut ());
        self.field.eval(BatchRows { member, t: &[t - step], y }, value, &mut ());
        for (ahead, &behind) in time.iter_mut().zip(value.iter()) {
            *ahead = (*ahead - behind) / (step + step);
        }
    }
}
