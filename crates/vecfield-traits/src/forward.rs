//! A field around another answers as the other does: what such fields share.

/// The methods of a trait of fields, asked of the field inside; `partition`, `mass` and `taylor`, about which a field around
/// another may have its own word, are left out.
macro_rules! forward {
    (VectorField<$s:ident>: $self:ident => $inner:expr) => {
        type Workspace = F::Workspace;

        fn workspace(&$self) -> F::Workspace {
            $inner.workspace()
        }

        fn dim(&$self) -> usize {
            $inner.dim()
        }

        #[inline]
        fn eval(&$self, t: $s, y: &[$s], dy: &mut [$s], work: &mut F::Workspace) {
            $inner.eval(t, y, dy, work);
        }

        #[inline]
        fn eval_half(&$self, half: Half, t: $s, y: &[$s], dy: &mut [$s], work: &mut F::Workspace) {
            $inner.eval_half(half, t, y, dy, work);
        }
    };
    (Jacobian<$r:ident>: $self:ident => $inner:expr) => {
        fn jacobian(&$self, t: $r, y: &[$r], jac: &mut [$r], time: &mut [$r], work: &mut F::Workspace) {
            $inner.jacobian(t, y, jac, time, work);
        }

        fn sparsity(&$self) -> Option<&Sparsity> {
            $inner.sparsity()
        }

        fn smooth_within(&$self, h: $r, work: &F::Workspace) -> $r {
            $inner.smooth_within(h, work)
        }

        fn stiff_part(&$self, t: $r, y: &[$r], dy: &mut [$r], work: &mut F::Workspace) -> bool {
            $inner.stiff_part(t, y, dy, work)
        }

        fn stiff_jacobian(&$self, t: $r, y: &[$r], jac: &mut [$r], time: &mut [$r], work: &mut F::Workspace) {
            $inner.stiff_jacobian(t, y, jac, time, work);
        }
    };
    (Jvp<$r:ident>: $self:ident => $inner:expr) => {
        fn jvp(
            &$self,
            t: $r,
            y: &[$r],
            t_dot: $r,
            y_dot: &[$r],
            dy: &mut [$r],
            dy_dot: &mut [$r],
            work: &mut F::Workspace,
        ) {
            $inner.jvp(t, y, t_dot, y_dot, dy, dy_dot, work);
        }
    };
    (Vjp<$r:ident>: $self:ident => $inner:expr) => {
        fn parameters(&$self) -> &[$r] {
            $inner.parameters()
        }

        fn vjp(
            &$self,
            t: $r,
            y: &[$r],
            dy_bar: &[$r],
            y_bar: &mut [$r],
            theta_bar: &mut [$r],
            work: &mut F::Workspace,
        ) -> $r {
            $inner.vjp(t, y, dy_bar, y_bar, theta_bar, work)
        }

        fn vjp_deferred(
            &$self,
            t: $r,
            y: &[$r],
            dy_bar: &[$r],
            y_bar: &mut [$r],
            theta_bar: &mut [$r],
            work: &mut F::Workspace,
        ) -> $r {
            $inner.vjp_deferred(t, y, dy_bar, y_bar, theta_bar, work)
        }

        fn record(&$self, times: &[$r], states: &[$r], work: &mut F::Workspace) {
            $inner.record(times, states, work);
        }

        fn pull_recorded(
            &$self,
            index: usize,
            t: $r,
            y: &[$r],
            dy_bar: &[$r],
            y_bar: &mut [$r],
            theta_bar: &mut [$r],
            work: &mut F::Workspace,
        ) -> $r {
            $inner.pull_recorded(index, t, y, dy_bar, y_bar, theta_bar, work)
        }

        fn keep(&$self, last: usize, work: &mut F::Workspace) -> bool {
            $inner.keep(last, work)
        }

        fn take_kept(&$self, dy: &[$r], kept: &mut Vec<$r>, work: &mut F::Workspace) -> bool {
            $inner.take_kept(dy, kept, work)
        }

        fn pull_kept(
            &$self,
            kept: &[$r],
            t: $r,
            y: &[$r],
            dy_bar: &[$r],
            y_bar: &mut [$r],
            theta_bar: &mut [$r],
            work: &mut F::Workspace,
        ) -> $r {
            $inner.pull_kept(kept, t, y, dy_bar, y_bar, theta_bar, work)
        }

        fn settle(&$self, theta_bar: &mut [$r], work: &mut F::Workspace) {
            $inner.settle(theta_bar, work);
        }

        fn vjp_along(
            &$self,
            t: $r,
            y: &[$r],
            t_dot: $r,
            y_dot: &[$r],
            dy_bar: &[$r],
            y_bar: &mut [$r],
            theta_bar: &mut [$r],
            work: &mut F::Workspace,
        ) -> Option<$r> {
            $inner.vjp_along(t, y, t_dot, y_dot, dy_bar, y_bar, theta_bar, work)
        }

        fn stiff_vjp(
            &$self,
            t: $r,
            y: &[$r],
            dy_bar: &[$r],
            y_bar: &mut [$r],
            theta_bar: &mut [$r],
            work: &mut F::Workspace,
        ) -> Option<$r> {
            $inner.stiff_vjp(t, y, dy_bar, y_bar, theta_bar, work)
        }
    };
}
pub(crate) use forward;
