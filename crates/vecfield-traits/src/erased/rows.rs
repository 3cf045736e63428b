//! Rows of systems, by a field behind a pointer.

use core::cell::RefCell;

use crate::batch::{BatchField, BatchRows, BatchVjp};
use crate::number::Real;

/// What is asked of a field over rows.
trait Asked<R> {
    fn prepare(&self, rows: usize);
    fn width(&self) -> usize;
    fn eval(&self, rows: BatchRows<'_, R>, dy: &mut [R]);
    fn parameters(&self) -> &[R];
    fn tape_len(&self, rows: usize) -> usize;
    fn record(&self, rows: BatchRows<'_, R>, dy: &mut [R], tape: &mut [R]);
    fn pull_back(&self, rows: BatchRows<'_, R>, tape: &mut [R], dy_bar: &[R], y_bar: &mut [R], theta_bar: &mut [R]);
}

/// A field with its memory, once it is known for how many rows.
struct Bound<'a, F: BatchField<R>, R: Real> {
    field: &'a F,
    work: RefCell<Option<F::Workspace>>,
}

impl<F: BatchField<R>, R: Real> Bound<'_, F, R> {
    fn with<T>(&self, call: impl FnOnce(&mut F::Workspace) -> T) -> T {
        call(self.work.borrow_mut().as_mut().expect("`workspace` is asked for before anything is evaluated"))
    }
}

impl<R: Real, F: BatchVjp<R>> Asked<R> for Bound<'_, F, R> {
    fn prepare(&self, rows: usize) {
        *self.work.borrow_mut() = Some(self.field.workspace(rows));
    }

    fn width(&self) -> usize {
        self.field.width()
    }

    fn eval(&self, rows: BatchRows<'_, R>, dy: &mut [R]) {
        self.with(|work| self.field.eval(rows, dy, work));
    }

    fn parameters(&self) -> &[R] {
        self.field.parameters()
    }

    fn tape_len(&self, rows: usize) -> usize {
        self.field.tape_len(rows)
    }

    fn record(&self, rows: BatchRows<'_, R>, dy: &mut [R], tape: &mut [R]) {
        self.with(|work| self.field.record(rows, dy, tape, work));
    }

    fn pull_back(&self, rows: BatchRows<'_, R>, tape: &mut [R], dy_bar: &[R], y_bar: &mut [R], theta_bar: &mut [R]) {
        self.with(|work| self.field.pull_back(rows, tape, dy_bar, y_bar, theta_bar, work));
    }
}

/// Any field over rows that pulls back; made by [`with_any_rows`].
///
/// It has one memory at a time: that for which [`workspace`](BatchField::workspace) was called last.
#[derive(Clone, Copy)]
pub struct AnyRows<'a, R>(&'a dyn Asked<R>);

impl<R> core::fmt::Debug for AnyRows<'_, R> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("a field over rows behind a pointer")
    }
}

/// Makes a call with the field behind a pointer.
pub fn with_any_rows<R: Real, F: BatchVjp<R>, T>(field: &F, call: impl FnOnce(&AnyRows<'_, R>) -> T) -> T {
    call(&AnyRows(&Bound { field, work: RefCell::new(None) }))
}

impl<R: Real> BatchField<R> for AnyRows<'_, R> {
    type Workspace = ();

    fn workspace(&self, rows: usize) {
        self.0.prepare(rows);
    }

    fn width(&self) -> usize {
        self.0.width()
    }

    fn eval(&self, rows: BatchRows<'_, R>, dy: &mut [R], _work: &mut ()) {
        self.0.eval(rows, dy);
    }
}

impl<R: Real> BatchVjp<R> for AnyRows<'_, R> {
    fn parameters(&self) -> &[R] {
        self.0.parameters()
    }

    fn tape_len(&self, rows: usize) -> usize {
        self.0.tape_len(rows)
    }

    fn record(&self, rows: BatchRows<'_, R>, dy: &mut [R], tape: &mut [R], _work: &mut ()) {
        self.0.record(rows, dy, tape);
    }

    fn pull_back(
        &self,
        rows: BatchRows<'_, R>,
        tape: &mut [R],
        dy_bar: &[R],
        y_bar: &mut [R],
        theta_bar: &mut [R],
        _work: &mut (),
    ) {
        self.0.pull_back(rows, tape, dy_bar, y_bar, theta_bar);
    }
}
