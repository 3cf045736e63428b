//! `y₁ = x₁ + f(x₂)`, `y₂ = x₂ + g(y₁)`: a block that can be undone, whatever `f` and `g` are.

use serde::{Deserialize, Serialize};
use vecfield_kernels::LayerMath;

use crate::any::AnyLayer;
use crate::error::NnError;
use crate::layer::{Layer, Pass};
use crate::rows::{add_columns, copy_columns};
use crate::tensor::{Tensor, within};

/// An additive coupling block (Dinh, Krueger & Bengio 2014; Gomez, Ren, Urtasun & Grosse 2017, eq. (6)).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coupling {
    /// `f`, from the second part of a row to the first.
    pub first: Box<AnyLayer>,
    /// `g`, from the first part of a row to the second.
    pub second: Box<AnyLayer>,
}

impl Coupling {
    /// From `f` and `g`.
    pub fn new(first: impl Into<AnyLayer>, second: impl Into<AnyLayer>) -> Coupling {
        Coupling { first: Box::new(first.into()), second: Box::new(second.into()) }
    }

    /// Writes the `x` that goes to `y` into `x`, to rounding. `tape` is of [`tape_len`](Layer::tape_len).
    pub fn undo<R: LayerMath>(&self, pass: Pass<'_, R>, y: &[R], x: &mut [R], tape: &mut [R]) {
        let (m, n) = (self.first.outputs(), self.second.outputs());
        let (one, two) = self.passes(pass);
        let parts = Parts::of(self, pass.rows, tape);
        x.copy_from_slice(y);
        copy_columns(y, (m + n, 0), parts.y1, (m, 0), m);
        self.second.record(two, parts.y1, parts.out2, parts.tape2);
        add_columns(x, (m + n, m), parts.out2, n, -R::one());
        copy_columns(x, (m + n, m), parts.x2, (n, 0), n);
        self.first.record(one, parts.x2, parts.out1, parts.tape1);
        add_columns(x, (m + n, 0), parts.out1, m, -R::one());
    }

    fn passes<'a, R: LayerMath>(&self, pass: Pass<'a, R>) -> (Pass<'a, R>, Pass<'a, R>) {
        let at = (self.first.parameter_count(), self.first.packed_len());
        (pass.part((0, 0), &*self.first), pass.part(at, &*self.second))
    }
}

/// What stands on the tape.
struct Parts<'a, R> {
    x2: &'a mut [R],
    y1: &'a mut [R],
    out1: &'a mut [R],
    out2: &'a mut [R],
    tape1: &'a mut [R],
    tape2: &'a mut [R],
}

impl<'a, R> Parts<'a, R> {
    fn of(block: &Coupling, rows: usize, tape: &'a mut [R]) -> Parts<'a, R> {
        let (m, n) = (rows * block.first.outputs(), rows * block.second.outputs());
        let (x2, rest) = tape.split_at_mut(n);
        let (y1, rest) = rest.split_at_mut(m);
        let (out1, rest) = rest.split_at_mut(m);
        let (out2, rest) = rest.split_at_mut(n);
        let (tape1, rest) = rest.split_at_mut(block.first.tape_len(rows));
        let tape2 = &mut rest[..block.second.tape_len(rows)];
        Parts { x2, y1, out1, out2, tape1, tape2 }
    }
}

impl Layer for Coupling {
    fn check(&self) -> Result<(), NnError> {
        for (a, b) in [(&self.first, &self.second), (&self.second, &self.first)] {
            a.check()?;
            b.check()?;
            let (inputs, outputs) = (b.inputs(), a.outputs());
            if inputs != outputs {
                return Err(NnError::Mismatch { layer: 1, outputs, inputs });
            }
        }
        Ok(())
    }

    fn inputs(&self) -> usize {
        self.first.outputs() + self.second.outputs()
    }

    fn outputs(&self) -> usize {
        self.inputs()
    }

    fn tensors(&self) -> Vec<Tensor> {
        within("first", self.first.tensors()).chain(within("second", self.second.tensors())).collect()
    }

    fn parameter_count(&self) -> usize {
        self.first.parameter_count() + self.second.parameter_count()
    }

    fn sees_time(&self) -> bool {
        self.first.sees_time() || self.second.sees_time()
    }

    fn packed_len(&self) -> usize {
        self.first.packed_len() + self.second.packed_len()
    }

    fn pack<R: LayerMath>(&self, theta: &[R], packed: &mut [R]) {
        let (theta1, theta2) = theta.split_at(self.first.parameter_count());
        let (packed1, packed2) = packed.split_at_mut(self.first.packed_len());
        self.first.pack(theta1, packed1);
        self.second.pack(theta2, packed2);
    }

    fn tape_len(&self, rows: usize) -> usize {
        2 * rows * self.inputs() + self.first.tape_len(rows) + self.second.tape_len(rows)
    }

    fn record<R: LayerMath>(&self, pass: Pass<'_, R>, x: &[R], y: &mut [R], tape: &mut [R]) {
        let (m, n) = (self.first.outputs(), self.second.outputs());
        let (one, two) = self.passes(pass);
        let parts = Parts::of(self, pass.rows, tape);
        y.copy_from_slice(x);
        copy_columns(x, (m + n, m), parts.x2, (n, 0), n);
        self.first.record(one, parts.x2, parts.out1, parts.tape1);
        add_columns(y, (m + n, 0), parts.out1, m, R::one());
        copy_columns(y, (m + n, 0), parts.y1, (m, 0), m);
        self.second.record(two, parts.y1, parts.out2, parts.tape2);
        add_columns(y, (m + n, m), parts.out2, n, R::one());
    }

    fn pull_back<R: LayerMath>(
        &self,
        pass: Pass<'_, R>,
        _x: &[R],
        tape: &mut [R],
        y_bar: &mut [R],
        x_bar: &mut [R],
        theta_bar: &mut [R],
    ) -> R {
        let (m, n, rows) = (self.first.outputs(), self.second.outputs(), pass.rows);
        let (one, two) = self.passes(pass);
        let parts = Parts::of(self, rows, tape);
        let (theta1, theta2) = theta_bar.split_at_mut(self.first.parameter_count());
        // x_bar is room for the cotangents of a part until it is written at the end.
        let (for_y1, for_x2) = x_bar.split_at_mut(rows * m);
        copy_columns(y_bar, (m + n, m), parts.out2, (n, 0), n);
        let mut t_bar = self.second.pull_back(two, parts.y1, parts.tape2, parts.out2, for_y1, theta2);
        add_columns(y_bar, (m + n, 0), for_y1, m, R::one());
        copy_columns(y_bar, (m + n, 0), parts.out1, (m, 0), m);
        t_bar += self.first.pull_back(one, parts.x2, parts.tape1, parts.out1, for_x2, theta1);
        add_columns(y_bar, (m + n, m), for_x2, n, R::one());
        x_bar.copy_from_slice(y_bar);
        t_bar
    }
}
