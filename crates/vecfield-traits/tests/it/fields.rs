//! A field is the same field, to the bit, however it is wrapped.

use proptest::prelude::*;
use vecfield_traits::{
    Dynamics, Elementary, Half, Jacobian, Mass, ParametricField, Partition, Partitioned, VectorField, Vjp, WithMass,
    field, separable, with_any_field, with_any_vjp,
};

/// A swing that is pushed: `q' = θ₁ p`, `p' = -θ₀ sin q + t`.
struct Swing;

impl Dynamics for Swing {
    fn dim(&self) -> usize {
        2
    }
    fn parameter_count(&self) -> usize {
        2
    }
    fn eval<S: Elementary>(&self, t: S, y: &[S], theta: &[S], dy: &mut [S]) {
        dy[0] = theta[1] * y[1];
        dy[1] = t - theta[0] * y[0].sin();
    }
}

/// The same with its derivatives by hand.
struct ByHand([f64; 2]);

impl VectorField<f64> for ByHand {
    type Workspace = ();
    fn workspace(&self) {}
    fn dim(&self) -> usize {
        2
    }
    fn eval(&self, t: f64, y: &[f64], dy: &mut [f64], _work: &mut ()) {
        Dynamics::eval(&Swing, t, y, &self.0, dy);
    }
}

impl Jacobian<f64> for ByHand {
    fn jacobian(&self, _t: f64, y: &[f64], jac: &mut [f64], time: &mut [f64], _work: &mut ()) {
        jac.copy_from_slice(&[0.0, self.0[1], -self.0[0] * y[0].cos(), 0.0]);
        time.copy_from_slice(&[0.0, 1.0]);
    }
}

impl Vjp<f64> for ByHand {
    fn parameters(&self) -> &[f64] {
        &self.0
    }
    fn vjp(&self, _t: f64, y: &[f64], dy_bar: &[f64], y_bar: &mut [f64], theta_bar: &mut [f64], _work: &mut ()) -> f64 {
        y_bar[0] -= self.0[0] * y[0].cos() * dy_bar[1];
        y_bar[1] += self.0[1] * dy_bar[0];
        theta_bar[0] -= y[0].sin() * dy_bar[1];
        theta_bar[1] += y[1] * dy_bar[0];
        dy_bar[1]
    }
}

fn rate(field: &impl VectorField<f64, Workspace = ()>, t: f64, y: &[f64]) -> Vec<f64> {
    let mut dy = vec![f64::NAN; field.dim()];
    field.eval(t, y, &mut dy, &mut ());
    dy
}

fn slopes(field: &impl Jacobian<f64, Workspace = ()>, t: f64, y: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (mut jac, mut time) = (vec![f64::NAN; 4], vec![f64::NAN; 2]);
    field.jacobian(t, y, &mut jac, &mut time, &mut ());
    (jac, time)
}

fn pulled(field: &impl Vjp<f64, Workspace = ()>, t: f64, y: &[f64], w: &[f64]) -> (Vec<f64>, Vec<f64>, f64) {
    // What is there is added to.
    let (mut y_bar, mut theta_bar) = (vec![1.0, 2.0], vec![3.0, 4.0]);
    let t_bar = field.vjp_deferred(t, y, w, &mut y_bar, &mut theta_bar, &mut ());
    field.settle(&mut theta_bar, &mut ());
    (y_bar, theta_bar, t_bar)
}

proptest! {
    #[test]
    fn wrapped_it_is_the_same_field(
        t in -2.0..2.0_f64, y in prop::array::uniform2(-3.0..3.0_f64),
        theta in prop::array::uniform2(-2.0..2.0_f64), w in prop::array::uniform2(-1.0..1.0_f64),
    ) {
        let own = ByHand(theta);
        let (dy, jac, back) = (rate(&own, t, &y), slopes(&own, t, &y), pulled(&own, t, &y, &w));
        let partition = Partition::with_positions(2, [0]);

        let mut member = Swing.at(vec![0.0; 2]);
        member.theta_mut().copy_from_slice(&theta);
        prop_assert_eq!(rate(&member, t, &y), dy.clone());
        prop_assert_eq!(member.theta(), &theta);
        let closure = field(2, |t: f64, y: &[f64], dy: &mut [f64]| Dynamics::eval(&Swing, t, y, &theta, dy));
        prop_assert_eq!(rate(&closure, t, &y), dy.clone());
        let halves = separable(
            1,
            |_t: f64, p: &[f64], dq: &mut [f64]| dq[0] = theta[1] * p[0],
            |t: f64, q: &[f64], dp: &mut [f64]| dp[0] = t - theta[0] * q[0].sin(),
        );
        prop_assert_eq!(rate(&halves, t, &y), dy.clone());
        prop_assert_eq!(VectorField::<f64>::partition(&halves), Some(&partition));

        let split = Partitioned::new(ByHand(theta), partition.clone());
        let weighed = WithMass::new(ByHand(theta), Mass::diagonal(vec![2.0, 0.0]));
        prop_assert_eq!(weighed.mass(), Some(&Mass::diagonal(vec![2.0, 0.0])));
        prop_assert_eq!(VectorField::<f64>::partition(&split), Some(&partition));
        prop_assert_eq!((rate(&&own, t, &y), slopes(&&own, t, &y), pulled(&&own, t, &y, &w)), (dy.clone(), jac.clone(), back.clone()));
        prop_assert_eq!((rate(&split, t, &y), slopes(&split, t, &y), pulled(&split, t, &y, &w)), (dy.clone(), jac.clone(), back.clone()));
        prop_assert_eq!((rate(&weighed, t, &y), slopes(&weighed, t, &y), pulled(&weighed, t, &y, &w)), (dy.clone(), jac.clone(), back.clone()));
        let any = with_any_field(&split, &mut (), |any| (rate(&any, t, &y), slopes(&any, t, &y), any.partition().cloned()));
        prop_assert_eq!(any, (dy.clone(), jac, Some(partition)));
        let any = with_any_vjp(&own, &mut (), |any| (any.parameters().to_vec(), pulled(&any, t, &y, &w)));
        prop_assert_eq!(any, (theta.to_vec(), back));
    }

    /// Each half writes its own rates, and does not look at the state of its own half.
    #[test]
    fn halves_of_a_separable_field_look_at_each_other(
        t in -2.0..2.0_f64, q in prop::collection::vec(-3.0..3.0_f64, 3), p in prop::collection::vec(-3.0..3.0_f64, 3),
    ) {
        let forth = |t: f64, p: &[f64], dq: &mut [f64]| (0..3).for_each(|i| dq[i] = p[i] + t * p[(i + 1) % 3]);
        let back = |t: f64, q: &[f64], dp: &mut [f64]| (0..3).for_each(|i| dp[i] = t - q[i] * q[(i + 2) % 3]);
        let field = separable(3, forth, back);
        let whole = rate(&field, t, &[q.clone(), p.clone()].concat());
        for half in [Half::Positions, Half::Momenta] {
            let unknown = vec![f64::NAN; 3];
            let y = if half == Half::Positions { [unknown, p.clone()] } else { [q.clone(), unknown] }.concat();
            let mut dy = vec![f64::NAN; 6];
            field.eval_half(half, t, &y, &mut dy, &mut ());
            for &i in field.partition().unwrap().half(half) {
                prop_assert_eq!(dy[i], whole[i]);
            }
        }
    }
}
