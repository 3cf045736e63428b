//! Fields: duals against differences, and the adjoint as the transpose.

use proptest::prelude::*;
use vecfield_autodiff::{ByDifferences, ByDuals, Dual, Lifted, gradient, gradient_into, hessian, jacobian};
use vecfield_laws::allocates_nothing;
use vecfield_traits::{Dynamics, Elementary, Jacobian, Jvp, Scalar, VectorField, Vjp, field};

/// `n` coupled pendulums with a forced, damped end: every kind of dependence, for any number of columns.
#[derive(Clone, Copy)]
pub(crate) struct Chain(pub(crate) usize);

impl Dynamics for Chain {
    fn dim(&self) -> usize {
        self.0
    }
    fn parameter_count(&self) -> usize {
        3
    }
    fn eval<S: Elementary>(&self, t: S, y: &[S], theta: &[S], dy: &mut [S]) {
        let n = self.0;
        for i in 0..n {
            let next = y[(i + 1) % n];
            dy[i] = theta[0] * y[i].sin() * next - theta[1] * y[i] / (S::one() + next * next);
        }
        dy[0] += theta[2] * (t * y[n - 1]).cos();
    }
}

impl<S: Elementary> VectorField<S> for Chain {
    type Workspace = ();
    fn workspace(&self) {}
    fn dim(&self) -> usize {
        self.0
    }
    fn eval(&self, t: S, y: &[S], dy: &mut [S], _work: &mut ()) {
        let theta = [0.7, 1.3, 0.4].map(S::constant);
        Dynamics::eval(self, t, y, &theta, dy);
    }
}

fn jacobian_of<F: Jacobian<f64>>(field: &F, t: f64, y: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let n = y.len();
    let (mut jac, mut time) = (vec![f64::NAN; n * n], vec![f64::NAN; n]);
    field.jacobian(t, y, &mut jac, &mut time, &mut field.workspace());
    (jac, time)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn state() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(-2.0..2.0_f64, 1..20)
}

proptest! {
    /// 1 to 19 columns: below, at and beyond one and two sweeps.
    #[test]
    fn duals_agree_with_differences(y in state(), t in -2.0..2.0_f64) {
        let chain = Chain(y.len());
        let (exact, exact_time) = jacobian_of(&ByDuals::new(chain), t, &y);
        let (near, near_time) = jacobian_of(&ByDifferences::new(chain), t, &y);
        for (a, b) in exact.iter().zip(&near).chain(exact_time.iter().zip(&near_time)) {
            prop_assert!((a - b).abs() < 1e-8, "{a} against {b}");
        }
    }

    /// The family and its member have the same Jacobian, bit for bit.
    #[test]
    fn lifting_changes_nothing(y in state(), t in -2.0..2.0_f64) {
        let chain = Chain(y.len());
        let lifted = Lifted::new(chain, vec![0.7, 1.3, 0.4]);
        prop_assert_eq!(jacobian_of(&ByDuals::new(chain), t, &y), jacobian_of(&lifted, t, &y));
    }

    /// `⟨w, J v⟩ = ⟨Jᵀ w, v⟩`, time included, and `J v` is the product with the Jacobian.
    #[test]
    fn pullback_is_the_transpose(y in state(), t in -2.0..2.0_f64, t_dot in -1.0..1.0_f64, seed in any::<u64>()) {
        let n = y.len();
        let v: Vec<f64> = (0..n).map(|i| ((seed >> (i % 60)) % 17) as f64 / 8.0 - 1.0).collect();
        let w: Vec<f64> = (0..n).map(|i| ((seed >> (i % 59)) % 13) as f64 / 6.0 - 1.0).collect();
        let lifted = Lifted::new(Chain(n), vec![0.3, -0.8, 1.1]);
        let mut work = lifted.workspace();
        let (mut dy, mut dy_dot) = (vec![0.0; n], vec![0.0; n]);
        lifted.jvp(t, &y, t_dot, &v, &mut dy, &mut dy_dot, &mut work);
        let (mut y_bar, mut theta_bar) = (vec![0.0; n], vec![0.0; 3]);
        let t_bar = lifted.vjp(t, &y, &w, &mut y_bar, &mut theta_bar, &mut work);
        let (forward, backward) = (dot(&w, &dy_dot), dot(&y_bar, &v) + t_bar * t_dot);
        prop_assert!((forward - backward).abs() < 1e-12 * (n as f64 + forward.abs()), "{forward} against {backward}");

        let (jac, time) = jacobian_of(&lifted, t, &y);
        for i in 0..n {
            let row = dot(&jac[i * n..(i + 1) * n], &v) + time[i] * t_dot;
            prop_assert!((row - dy_dot[i]).abs() < 1e-12);
        }
        let mut plain = vec![0.0; n];
        lifted.eval(t, &y, &mut plain, &mut work);
        prop_assert_eq!(plain, dy);
    }

    /// The gradient is the only row of the Jacobian, the Hessian the Jacobian of the gradient.
    #[test]
    fn hessian_is_the_jacobian_of_the_gradient(x in state()) {
        fn energy<S: Elementary>(x: &[S]) -> S {
            let n = x.len();
            (0..n).fold(S::zero(), |sum, i| sum + (x[i] * x[(i + 1) % n]).sin() + x[i].powi(3))
        }
        let n = x.len();
        let row = jacobian(|x, y| y[0] = energy(x), 1, &x);
        prop_assert_eq!(&row, &gradient(energy, &x));
        let h = hessian(energy, &x);
        let mut duals = vec![Dual::constant(0.0); n];
        let mut moved = x.clone();
        let step = 1e-5;
        let (mut above, mut below) = (vec![0.0; n], vec![0.0; n]);
        for j in 0..n {
            moved[j] = x[j] + step;
            gradient_into(energy, &moved, &mut above, &mut duals);
            moved[j] = x[j] - step;
            gradient_into(energy, &moved, &mut below, &mut duals);
            moved[j] = x[j];
            for i in 0..n {
                let expected = (above[i] - below[i]) / (2.0 * step);
                prop_assert!((h[i * n + j] - expected).abs() < 1e-7, "({i}, {j}): {} against {expected}", h[i * n + j]);
                prop_assert_eq!(h[i * n + j], h[j * n + i]);
            }
        }
    }
}

#[test]
fn differences_stay_inside_the_domain() {
    let root = ByDifferences::new(field(1, |_t, y: &[f64], dy: &mut [f64]| dy[0] = (y[0] * y[0] * y[0]).sqrt() + y[0]));
    let (jac, time) = jacobian_of(&root, 0.0, &[0.0]);
    assert!((jac[0] - 1.0).abs() < 0.01, "the derivative of x + x√x at 0 is 1, found {}", jac[0]);
    assert_eq!(time, [0.0]);
}

#[test]
fn differences_follow_the_typical_size() {
    // A concentration of 1e-9 in x / (x + 1e-9): a step of size 1 would see the plateau.
    let saturation = field(1, |_t, y: &[f64], dy: &mut [f64]| dy[0] = y[0] / (y[0] + 1e-9));
    let (jac, _) = jacobian_of(&ByDifferences::with_typical(saturation, vec![1e-9]), 0.0, &[1e-9]);
    assert!((jac[0] * 4e-9 - 1.0).abs() < 1e-8);
}

#[test]
fn a_still_state_at_a_branch_point_does_not_poison_its_neighbours() {
    /// Torricelli's outflow from a full tank into an empty one.
    struct Tanks;
    impl<S: Elementary> VectorField<S> for Tanks {
        type Workspace = ();
        fn workspace(&self) {}
        fn dim(&self) -> usize {
            2
        }
        fn eval(&self, _t: S, y: &[S], dy: &mut [S], _work: &mut ()) {
            dy[0] = -y[0].sqrt();
            dy[1] = y[0].sqrt() - y[1].sqrt();
        }
    }
    let (jac, time) = jacobian_of(&ByDuals::new(Tanks), 0.0, &[4.0, 0.0]);
    assert_eq!(jac, [-0.25, 0.0, 0.25, f64::NEG_INFINITY]);
    assert_eq!(time, [0.0; 2]);
}

#[test]
fn an_empty_field_and_an_empty_function() {
    assert_eq!(gradient(|_| Dual::constant(3.0), &[]), Vec::<f64>::new());
    assert_eq!(hessian::<f64>(|_| Scalar::constant(3.0), &[]), Vec::<f64>::new());
    assert_eq!(jacobian(|_, y| y[0] = Dual::constant(1.0), 1, &[]), Vec::<f64>::new());
}

#[test]
fn nothing_allocates_once_the_workspace_is_made() {
    let n = 11;
    let y = vec![0.4; n];
    let (mut jac, mut time, mut dy) = (vec![0.0; n * n], vec![0.0; n], vec![0.0; n]);
    let (by_duals, by_differences) = (ByDuals::new(Chain(n)), ByDifferences::new(Chain(n)));
    let lifted = Lifted::new(Chain(n), vec![0.7, 1.3, 0.4]);
    let mut works = (by_duals.workspace(), by_differences.workspace(), lifted.workspace());
    let mut theta_bar = [0.0; 3];
    let counted = allocates_nothing(|| {
        by_duals.jacobian(0.1, &y, &mut jac, &mut time, &mut works.0);
        by_differences.jacobian(0.1, &y, &mut jac, &mut time, &mut works.1);
        lifted.jacobian(0.1, &y, &mut jac, &mut time, &mut works.2);
        lifted.jvp(0.1, &y, 1.0, &y, &mut dy, &mut time, &mut works.2);
        lifted.vjp(0.1, &y, &y, &mut dy, &mut theta_bar, &mut works.2);
    });
    assert_eq!(counted, Ok(()));
}
