//! Rows that are evaluated again on the way back, and pulled back.

use vecfield_traits::{AnyRows, BatchRows, BatchVjp, Real};

use super::record::View;

/// Memory to evaluate rows again in.
#[derive(Debug, Clone, Default)]
pub(super) struct Apart<R> {
    dy: Vec<R>,
    tape: Vec<R>,
}

/// The cotangents of rates, which are read, of states, which are written, and of the parameters, which are added to.
pub(super) type Bars<'a, R> = (&'a [R], &'a mut [R], &'a mut [R]);

impl<R: Real> Apart<R> {
    /// Evaluates rows again and pulls them back; how many?
    pub(super) fn again(
        &mut self,
        rows: BatchRows<'_, R>,
        (dy_bar, y_bar, theta_bar): Bars<'_, R>,
        field: &AnyRows<'_, R>,
    ) -> u64 {
        let (count, len) = (rows.member.len(), field.tape_len(rows.member.len()));
        self.dy.resize(dy_bar.len(), R::zero());
        self.tape.resize(len.max(self.tape.len()), R::zero());
        field.record(rows, &mut self.dy, &mut self.tape[..len], &mut ());
        field.pull_back(rows, &mut self.tape[..len], dy_bar, y_bar, theta_bar, &mut ());
        count as u64
    }
}

/// Some rows, put together.
#[derive(Debug, Clone, Default)]
pub(super) struct Group<R> {
    /// Where each row came from.
    pub(super) row: Vec<usize>,
    member: Vec<usize>,
    t: Vec<R>,
    y: Vec<R>,
    dy_bar: Vec<R>,
    pub(super) y_bar: Vec<R>,
}

impl<R: Real> Group<R> {
    pub(super) fn clear(&mut self) {
        self.row.clear();
        self.member.clear();
        for buffer in [&mut self.t, &mut self.y, &mut self.dy_bar, &mut self.y_bar] {
            buffer.clear();
        }
    }

    pub(super) fn push(&mut self, (row, member): (usize, usize), t: R, y: &[R], dy_bar: &[R]) {
        self.row.push(row);
        self.member.push(member);
        self.t.push(t);
        self.y.extend_from_slice(y);
        self.dy_bar.extend_from_slice(dy_bar);
        self.y_bar.resize(self.y.len(), R::zero());
    }

    /// Pulls the rows back, and leaves the cotangents of their states in `y_bar`.
    pub(super) fn pull_back(&mut self, apart: &mut Apart<R>, theta_bar: &mut [R], field: &AnyRows<'_, R>) -> u64 {
        let Group { member, t, y, dy_bar, y_bar, .. } = self;
        if member.is_empty() { 0 } else { apart.again(BatchRows { member, t, y }, (dy_bar, y_bar, theta_bar), field) }
    }

    /// Pulls back those of the rows of a frame that keep a state inside their step; the others have no cotangent.
    pub(super) fn inside(
        &mut self,
        view: &View<'_, R>,
        rows: BatchRows<'_, R>,
        (dy_bar, y_bar, theta_bar): Bars<'_, R>,
        apart: &mut Apart<R>,
        field: &AnyRows<'_, R>,
    ) -> u64 {
        let width = dy_bar.len() / rows.member.len().max(1);
        let place = |row: usize| row * width..(row + 1) * width;
        self.clear();
        for row in view.rows_inside() {
            self.push((row, rows.member[row]), rows.t[row], &rows.y[place(row)], &dy_bar[place(row)]);
        }
        let pulled = self.pull_back(apart, theta_bar, field);
        y_bar.fill(R::zero());
        for (from, &row) in self.row.iter().enumerate() {
            y_bar[place(row)].copy_from_slice(&self.y_bar[place(from)]);
        }
        pulled
    }
}
