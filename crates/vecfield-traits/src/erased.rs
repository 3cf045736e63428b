//! Fields behind a pointer: code that takes one of these is compiled once for each float, and not again for every field.
//!
//! A call through the pointer costs two nanoseconds; what it saves is the code of whole families of methods for every field
//! of a program.

mod rows;

use core::cell::RefCell;

use crate::field::{Jacobian, VectorField, Vjp};
use crate::number::Real;
use crate::structure::{Half, Mass, Partition, Sparsity};
pub use rows::{AnyRows, with_any_rows};

/// Any field that knows its Jacobian, with its memory; made by [`with_any_field`].
#[derive(Clone, Copy)]
pub struct AnyField<'a, R>(&'a dyn Asked<R>);

/// Any field that knows its Jacobian and pulls back, with its memory; made by [`with_any_vjp`].
#[derive(Clone, Copy)]
pub struct AnyVjp<'a, R>(&'a dyn AskedBack<R>);

/// Makes a call with the field behind a pointer.
///
/// ```
/// use vecfield_traits::{AnyField, Jacobian, VectorField, with_any_field};
///
/// /// y' = -y
/// struct Decay;
/// impl VectorField<f64> for Decay {
///     type Workspace = ();
///     fn workspace(&self) {}
///     fn dim(&self) -> usize { 1 }
///     fn eval(&self, _t: f64, y: &[f64], dy: &mut [f64], _work: &mut ()) { dy[0] = -y[0]; }
/// }
/// impl Jacobian<f64> for Decay {
///     fn jacobian(&self, _t: f64, _y: &[f64], jac: &mut [f64], time: &mut [f64], _work: &mut ()) {
///         (jac[0], time[0]) = (-1.0, 0.0);
///     }
/// }
///
/// // Compiled once, whatever the field.
/// fn slope(field: AnyField<'_, f64>) -> f64 {
///     let (mut jac, mut time) = ([0.0], [0.0]);
///     field.jacobian(0.0, &[2.0], &mut jac, &mut time, &mut ());
///     jac[0]
/// }
/// assert_eq!(with_any_field(&Decay, &mut (), slope), -1.0);
/// ```
pub fn with_any_field<R: Real, F: Jacobian<R>, T>(
    field: &F,
    work: &mut F::Workspace,
    call: impl FnOnce(AnyField<'_, R>) -> T,
) -> T {
    call(AnyField(&Bound { field, work: RefCell::new(work) }))
}

/// [`with_any_field`] for a field that pulls back too.
pub fn with_any_vjp<R: Real, F: Jacobian<R> + Vjp<R>, T>(
    field: &F,
    work: &mut F::Workspace,
    call: impl FnOnce(AnyVjp<'_, R>) -> T,
) -> T {
    call(AnyVjp(&Bound { field, work: RefCell::new(work) }))
}

/// What is asked of a field that knows its Jacobian.
trait Asked<R> {
    fn dim(&self) -> usize;
    fn eval(&self, t: R, y: &[R], dy: &mut [R]);
    fn eval_half(&self, half: Half, t: R, y: &[R], dy: &mut [R]);
    fn jacobian(&self, t: R, y: &[R], jac: &mut [R], time: &mut [R]);
    fn taylor(&self, t: R, y: &[R], order: usize, coefficients: &mut [R]) -> bool;
    fn smooth_within(&self, h: R) -> R;
    fn stiff_part(&self, t: R, y: &[R], dy: &mut [R]) -> bool;
    fn stiff_jacobian(&self, t: R, y: &[R], jac: &mut [R], time: &mut [R]);
    fn sparsity(&self) -> Option<&Sparsity>;
    fn mass(&self) -> Option<&Mass<R>>;
    fn partition(&self) -> Option<&Partition>;
}

/// What is asked of a field that pulls back besides.
trait AskedBack<R>: Asked<R> {
    fn parameters(&self) -> &[R];
    fn vjp(&self, t: R, y: &[R], dy_bar: &[R], y_bar: &mut [R], theta_bar: &mut [R]) -> R;
    fn vjp_deferred(&self, t: R, y: &[R], dy_bar: &[R], y_bar: &mut [R], theta_bar: &mut [R]) -> R;
    fn record(&self, times: &[R], states: &[R]);
    fn pull_recorded(&self, index: usize, t: R, y: &[R], dy_bar: &[R], y_bar: &mut [R], theta_bar: &mut [R]) -> R;
    fn keep(&self, last: usize) -> bool;
    fn take_kept(&self, dy: &[R], kept: &mut Vec<R>) -> bool;
    fn pull_kept(&self, kept: &[R], t: R, y: &[R], dy_bar: &[R], y_bar: &mut [R], theta_bar: &mut [R]) -> R;
    fn settle(&self, theta_bar: &mut [R]);
    fn vjp_along(&self, at: (R, &[R]), dot: (R, &[R]), dy_bar: &[R], y_bar: &mut [R], theta_bar: &mut [R])
    -> Option<R>;
    fn stiff_vjp(&self, t: R, y: &[R], dy_bar: &[R], y_bar: &mut [R], theta_bar: &mut [R]) -> Option<R>;
}

/// A field with its memory.
struct Bound<'a, F: VectorField<R>, R: Real> {
    field: &'a F,
    work: RefCell<&'a mut F::Workspace>,
}

impl<R: Real, F: Jacobian<R>> Asked<R> for Bound<'_, F, R> {
    fn dim(&self) -> usize {
        self.field.dim()
    }

    fn eval(&self, t: R, y: &[R], dy: &mut [R]) {
        self.field.eval(t, y, dy, &mut self.work.borrow_mut());
    }

    fn eval_half(&self, half: Half, t: R, y: &[R], dy: &mut [R]) {
        self.field.eval_half(half, t, y, dy, &mut self.work.borrow_mut());
    }

    fn jacobian(&self, t: R, y: &[R], jac: &mut [R], time: &mut [R]) {
        self.field.jacobian(t, y, jac, time, &mut self.work.borrow_mut());
    }

    fn taylor(&self, t: R, y: &[R], order: usize, coefficients: &mut [R]) -> bool {
        self.field.taylor(t, y, order, coefficients, &mut self.work.borrow_mut())
    }

    fn smooth_within(&self, h: R) -> R {
        self.field.smooth_within(h, &self.work.borrow())
    }

    fn stiff_part(&self, t: R, y: &[R], dy: &mut [R]) -> bool {
        self.field.stiff_part(t, y, dy, &mut self.work.borrow_mut())
    }

    fn stiff_jacobian(&self, t: R, y: &[R], jac: &mut [R], time: &mut [R]) {
        self.field.stiff_jacobian(t, y, jac, time, &mut self.work.borrow_mut());
    }

    fn sparsity(&self) -> Option<&Sparsity> {
        self.field.sparsity()
    }

    fn mass(&self) -> Option<&Mass<R>> {
        self.field.mass()
    }

    fn partition(&self) -> Option<&Partition> {
        self.field.partition()
    }
}

impl<R: Real, F: Jacobian<R> + Vjp<R>> AskedBack<R> for Bound<'_, F, R> {
    fn parameters(&self) -> &[R] {
        self.field.parameters()
    }

    fn vjp(&self, t: R, y: &[R], dy_bar: &[R], y_bar: &mut [R], theta_bar: &mut [R]) -> R {
        self.field.vjp(t, y, dy_bar, y_bar, theta_bar, &mut self.work.borrow_mut())
    }

    fn vjp_deferred(&self, t: R, y: &[R], dy_bar: &[R], y_bar: &mut [R], theta_bar: &mut [R]) -> R {
        self.field.vjp_deferred(t, y, dy_bar, y_bar, theta_bar, &mut self.work.borrow_mut())
    }

    fn record(&self, times: &[R], states: &[R]) {
        self.field.record(times, states, &mut self.work.borrow_mut());
    }

    fn pull_recorded(&self, index: usize, t: R, y: &[R], dy_bar: &[R], y_bar: &mut [R], theta_bar: &mut [R]) -> R {
        self.field.pull_recorded(index, t, y, dy_bar, y_bar, theta_bar, &mut self.work.borrow_mut())
    }

    fn keep(&self, last: usize) -> bool {
        self.field.keep(last, &mut self.work.borrow_mut())
    }

    fn take_kept(&self, dy: &[R], kept: &mut Vec<R>) -> bool {
        self.field.take_kept(dy, kept, &mut self.work.borrow_mut())
    }

    fn pull_kept(&self, kept: &[R], t: R, y: &[R], dy_bar: &[R], y_bar: &mut [R], theta_bar: &mut [R]) -> R {
        self.field.pull_kept(kept, t, y, dy_bar, y_bar, theta_bar, &mut self.work.borrow_mut())
    }

    fn settle(&self, theta_bar: &mut [R]) {
        self.field.settle(theta_bar, &mut self.work.borrow_mut());
    }

    fn stiff_vjp(&self, t: R, y: &[R], dy_bar: &[R], y_bar: &mut [R], theta_bar: &mut [R]) -> Option<R> {
        self.field.stiff_vjp(t, y, dy_bar, y_bar, theta_bar, &mut self.work.borrow_mut())
    }

    fn vjp_along(
        &self,
        (t, y): (R, &[R]),
        (t_dot, y_dot): (R, &[R]),
        dy_bar: &[R],
        y_bar: &mut [R],
        theta_bar: &mut [R],
    ) -> Option<R> {
        self.field.vjp_along(t, y, t_dot, y_dot, dy_bar, y_bar, theta_bar, &mut self.work.borrow_mut())
    }
}

/// Both ask the field for its rates and its Jacobian in the same words.
macro_rules! any_field {
    ($any:ident) => {
        impl<R> core::fmt::Debug for $any<'_, R> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("a field behind a pointer")
            }
        }

        impl<R: Real> VectorField<R> for $any<'_, R> {
            type Workspace = ();

            fn workspace(&self) {}

            fn dim(&self) -> usize {
                self.0.dim()
            }

            fn eval(&self, t: R, y: &[R], dy: &mut [R], _work: &mut ()) {
                self.0.eval(t, y, dy);
            }

            fn partition(&self) -> Option<&Partition> {
                self.0.partition()
            }

            fn eval_half(&self, half: Half, t: R, y: &[R], dy: &mut [R], _work: &mut ()) {
                self.0.eval_half(half, t, y, dy);
            }
        }

        impl<R: Real> Jacobian<R> for $any<'_, R> {
            fn jacobian(&self, t: R, y: &[R], jac: &mut [R], time: &mut [R], _work: &mut ()) {
                self.0.jacobian(t, y, jac, time);
            }

            fn sparsity(&self) -> Option<&Sparsity> {
                self.0.sparsity()
            }

            fn mass(&self) -> Option<&Mass<R>> {
                self.0.mass()
            }

            fn taylor(&self, t: R, y: &[R], order: usize, coefficients: &mut [R], _work: &mut ()) -> bool {
                self.0.taylor(t, y, order, coefficients)
            }

            fn smooth_within(&self, h: R, _work: &()) -> R {
                self.0.smooth_within(h)
            }

            fn stiff_part(&self, t: R, y: &[R], dy: &mut [R], _work: &mut ()) -> bool {
                self.0.stiff_part(t, y, dy)
            }

            fn stiff_jacobian(&self, t: R, y: &[R], jac: &mut [R], time: &mut [R], _work: &mut ()) {
                self.0.stiff_jacobian(t, y, jac, time);
            }
        }
    };
}
any_field!(AnyField);
any_field!(AnyVjp);

impl<R: Real> Vjp<R> for AnyVjp<'_, R> {
    fn parameters(&self) -> &[R] {
        self.0.parameters()
    }

    fn vjp(&self, t: R, y: &[R], dy_bar: &[R], y_bar: &mut [R], theta_bar: &mut [R], _work: &mut ()) -> R {
        self.0.vjp(t, y, dy_bar, y_bar, theta_bar)
    }

    fn vjp_deferred(&self, t: R, y: &[R], dy_bar: &[R], y_bar: &mut [R], theta_bar: &mut [R], _work: &mut ()) -> R {
        self.0.vjp_deferred(t, y, dy_bar, y_bar, theta_bar)
    }

    fn record(&self, times: &[R], states: &[R], _work: &mut ()) {
        self.0.record(times, states);
    }

    fn pull_recorded(
        &self,
        index: usize,
        t: R,
        y: &[R],
        dy_bar: &[R],
        y_bar: &mut [R],
        theta_bar: &mut [R],
        _work: &mut (),
    ) -> R {
        self.0.pull_recorded(index, t, y, dy_bar, y_bar, theta_bar)
    }

    fn keep(&self, last: usize, _work: &mut ()) -> bool {
        self.0.keep(last)
    }

    fn take_kept(&self, dy: &[R], kept: &mut Vec<R>, _work: &mut ()) -> bool {
        self.0.take_kept(dy, kept)
    }

    fn pull_kept(
        &self,
        kept: &[R],
        t: R,
        y: &[R],
        dy_bar: &[R],
        y_bar: &mut [R],
        theta_bar: &mut [R],
        _work: &mut (),
    ) -> R {
        self.0.pull_kept(kept, t, y, dy_bar, y_bar, theta_bar)
    }

    fn settle(&self, theta_bar: &mut [R], _work: &mut ()) {
        self.0.settle(theta_bar);
    }

    fn vjp_along(
        &self,
        t: R,
        y: &[R],
        t_dot: R,
        y_dot: &[R],
        dy_bar: &[R],
        y_bar: &mut [R],
        theta_bar: &mut [R],
        _work: &mut (),
    ) -> Option<R> {
        self.0.vjp_along((t, y), (t_dot, y_dot), dy_bar, y_bar, theta_bar)
    }

    fn stiff_vjp(
        &self,
        t: R,
        y: &[R],
        dy_bar: &[R],
        y_bar: &mut [R],
        theta_bar: &mut [R],
        _work: &mut (),
    ) -> Option<R> {
        self.0.stiff_vjp(t, y, dy_bar, y_bar, theta_bar)
    }
}
