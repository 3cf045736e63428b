//! What every layer is: a map of rows with parameters in one flat slice, and its derivatives.

use core::fmt::Debug;

use vecfield_kernels::{Activation, LayerMath};

use crate::error::NnError;
use crate::tensor::Tensor;

/// A map of rows `x ∈ ℝ^{rows × inputs}` to `y ∈ ℝ^{rows × outputs}`, one row at a time, and its derivatives.
///
/// A layer is a description: sizes, no numbers. Parameters come in as a flat slice, in the order of
/// [`tensors`](Layer::tensors); what a pass back needs of a pass forward is kept in a *tape*, a slice of the caller's.
/// Nothing allocates. A row of `y` depends on the same row of `x` alone, to the bit.
pub trait Layer: Debug + Clone + Send + Sync {
    /// Do its sizes fit each other? Asked once, when a [`Network`](crate::Network) is made of it; the other methods rely
    /// on it.
    ///
    /// # Errors
    ///
    /// What does not fit.
    fn check(&self) -> Result<(), NnError>;

    /// Numbers in a row of `x`.
    fn inputs(&self) -> usize;

    /// Numbers in a row of `y`.
    fn outputs(&self) -> usize;

    /// The parameters: names, shapes and how they begin.
    fn tensors(&self) -> Vec<Tensor>;

    /// How many parameters there are.
    fn parameter_count(&self) -> usize;

    /// Does its value depend on time?
    fn sees_time(&self) -> bool {
        false
    }

    /// Room for the parameters in the order in which products of matrices read them.
    fn packed_len(&self) -> usize {
        0
    }

    /// Writes them there, after every change of `theta`.
    fn pack<R: LayerMath>(&self, _theta: &[R], _packed: &mut [R]) {}

    /// Room that [`record`](Layer::record) and [`pull_back`](Layer::pull_back) need.
    fn tape_len(&self, rows: usize) -> usize;

    /// The activation whose slopes at the value are all that is on the tape, if that is so.
    fn slopes_on_tape(&self) -> Option<Activation> {
        None
    }

    /// How many numbers [`keep`](Layer::keep) writes: none where the value tells the [slopes](Layer::slopes_on_tape).
    fn kept_len(&self, rows: usize) -> usize {
        if self.slopes_on_tape().is_some_and(Activation::value_tells_slope) { 0 } else { self.tape_len(rows) }
    }

    /// Copies from the tape what [`recall`](Layer::recall) cannot find again from the value `y`.
    fn keep<R: LayerMath>(&self, _rows: usize, tape: &[R], kept: &mut [R]) {
        kept.copy_from_slice(&tape[..kept.len()]);
    }

    /// Writes onto the tape what a pass back reads of it, with the bits it had when `y` was recorded.
    fn recall<R: LayerMath>(&self, _rows: usize, y: &[R], kept: &[R], tape: &mut [R]) {
        match self.slopes_on_tape() {
            Some(activation) if activation.value_tells_slope() => R::slopes_of_values(activation, y, tape),
            _ => tape.copy_from_slice(kept),
        }
    }

    /// Room that [`forward`](Layer::forward) needs.
    fn scratch_len(&self, rows: usize) -> usize {
        self.tape_len(rows)
    }

    /// Writes the layer's value at `x` into `y`. `scratch` holds garbage before and after.
    fn forward<R: LayerMath>(&self, pass: Pass<'_, R>, x: &[R], y: &mut [R], scratch: &mut [R]) {
        self.record(pass, x, y, scratch);
    }

    /// [`forward`](Layer::forward) with the same bits, leaving on the tape what a pass back needs.
    fn record<R: LayerMath>(&self, pass: Pass<'_, R>, x: &[R], y: &mut [R], tape: &mut [R]);

    /// The cotangents of what was [recorded](Layer::record): writes `(∂y/∂x)ᵀ ȳ` into `x_bar`, adds `(∂y/∂θ)ᵀ ȳ` to
    /// `theta_bar` and returns `(∂y/∂t)ᵀ ȳ`. `y_bar` and the tape hold garbage afterwards.
    fn pull_back<R: LayerMath>(
        &self,
        pass: Pass<'_, R>,
        x: &[R],
        tape: &mut [R],
        y_bar: &mut [R],
        x_bar: &mut [R],
        theta_bar: &mut [R],
    ) -> R;

    /// Numbers a row that [`pull_deferring`](Layer::pull_deferring) leaves behind; `None` for a layer that defers nothing.
    fn deferred_len(&self) -> Option<usize> {
        None
    }

    /// [`pull_back`](Layer::pull_back) of some of the rows that were recorded, and not for the parameters, whose cotangents
    /// wait in `deferred`: those of many passes are then added by one product of matrices, with the same bits. `x` and the
    /// tape are those of the recording, everything else is of the rows alone. Only for layers that
    /// [say so](Layer::deferred_len).
    #[allow(clippy::too_many_arguments)]
    fn pull_deferring<R: LayerMath>(
        &self,
        _pass: Pass<'_, R>,
        _among: Among,
        _x: &[R],
        _tape: &mut [R],
        _y_bar: &mut [R],
        _x_bar: &mut [R],
        _deferred: Deferred<'_, R>,
    ) -> R {
        unreachable!("{self:?} defers nothing, and says so");
    }

    /// Adds to `theta_bar` what the first `deferred.at` rows have left behind.
    fn settle<R: LayerMath>(&self, _deferred: Deferred<'_, R>, _theta_bar: &mut [R]) {
        unreachable!("{self:?} defers nothing, and says so");
    }

    /// Room for a pass of [jets](Jets), or `None` for a layer that carries none.
    fn jet_tape_len(&self, _rows: usize, _order: Order) -> Option<usize> {
        None
    }

    /// Carries jets forward: `x` and `y` are [`Order::blocks`] blocks of rows behind each other. Only for layers that
    /// [say so](Layer::jet_tape_len).
    fn record_jet<R: LayerMath>(
        &self,
        _pass: Pass<'_, R>,
        _jets: Jets<'_, R>,
        _x: &[R],
        _y: &mut [R],
        _tape: &mut [R],
    ) {
        unreachable!("{self:?} carries no jets, and says so");
    }

    /// [`pull_back`](Layer::pull_back) of [`record_jet`](Layer::record_jet).
    #[allow(clippy::too_many_arguments)]
    fn pull_jet<R: LayerMath>(
        &self,
        _pass: Pass<'_, R>,
        _jets: Jets<'_, R>,
        _x: &[R],
        _tape: &mut [R],
        _y_bar: &mut [R],
        _x_bar: &mut [R],
        _theta_bar: &mut [R],
    ) -> R {
        unreachable!("{self:?} carries no jets, and says so");
    }
}

/// What a pass is made with, besides the rows.
#[derive(Debug, Clone, Copy)]
pub struct Pass<'a, R> {
    /// How many rows.
    pub rows: usize,
    /// Time, for the layers that look at it.
    pub t: R,
    /// The parameters.
    pub theta: &'a [R],
    /// The parameters as [`Layer::pack`] wrote them.
    pub packed: &'a [R],
    /// Which units are dropped, for the layers that drop some; `None` when none are, as in every use but training.
    pub draw: Option<u64>,
}

impl<'a, R: Copy> Pass<'a, R> {
    /// The same for a part of the layer, whose parameters and packed parameters begin at `at`.
    pub(crate) fn part(self, at: (usize, usize), layer: &impl Layer) -> Pass<'a, R> {
        Pass {
            theta: &self.theta[at.0..at.0 + layer.parameter_count()],
            packed: &self.packed[at.1..at.1 + layer.packed_len()],
            ..self
        }
    }

    /// The same with other rows.
    pub(crate) fn with_rows(self, rows: usize) -> Pass<'a, R> {
        Pass { rows, ..self }
    }
}

/// Which rows of a recording a pass is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Among {
    /// The first.
    pub first: usize,
    /// How many were recorded.
    pub recorded: usize,
}

impl Among {
    /// The numbers of `rows` rows, with `width` in each.
    pub(crate) fn range(self, rows: usize, width: usize) -> core::ops::Range<usize> {
        self.first * width..(self.first + rows) * width
    }
}

/// What passes back have left behind for the cotangents of the parameters, row upon row.
#[derive(Debug)]
pub struct Deferred<'a, R> {
    /// [`Layer::deferred_len`] numbers for each of `capacity` rows. A layer may put them into several matrices.
    pub numbers: &'a mut [R],
    /// How many rows there is room for.
    pub capacity: usize,
    /// How many rows have been left.
    pub at: usize,
}

impl<'a, R> Deferred<'a, R> {
    /// Splits off the part of a layer with `len` numbers a row.
    pub(crate) fn split(self, len: usize) -> (Deferred<'a, R>, Deferred<'a, R>) {
        let Deferred { numbers, capacity, at } = self;
        let (own, rest) = numbers.split_at_mut(len * capacity);
        (Deferred { numbers: own, capacity, at }, Deferred { numbers: rest, capacity, at })
    }
}

/// How far a jet goes: the value, first derivatives in some directions, and second derivatives in the first of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// Directions of first derivatives.
    pub directions: usize,
    /// How many of them, from the first, have a second derivative.
    pub seconds: usize,
}

impl Order {
    /// Blocks of rows: the value, then the first, then the second derivatives.
    pub fn blocks(self) -> usize {
        1 + self.directions + self.seconds
    }
}

/// A pass of jets: the [`Order`], and how time moves along each direction.
#[derive(Debug, Clone, Copy)]
pub struct Jets<'a, R> {
    /// `dt` along each direction.
    pub t_dot: &'a [R],
    /// See [`Order::seconds`].
    pub seconds: usize,
}

impl<R> Jets<'_, R> {
    /// How far the jets go.
    pub fn order(&self) -> Order {
        Order { directions: self.t_dot.len(), seconds: self.seconds }
    }
}
