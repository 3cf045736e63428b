//! Equations whose solutions are known in closed form.

use vecfield_traits::{Dynamics, Elementary, VectorField};

/// A rotation whose speed varies: from `(1, 0)` the solution is `(cos φ, sin φ)` with `φ = t + sin(t)/2`.
///
/// Neither linear with constant coefficients nor autonomous, so that no order condition is spared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turning;

impl Turning {
    /// `f(t, y)`, over any number.
    pub fn rate<S: Elementary>(&self, t: S, y: [S; 2]) -> [S; 2] {
        let speed = S::one() + t.cos() * S::constant(0.5);
        [-(speed * y[1]), speed * y[0]]
    }

    /// The solution from `(1, 0)` at `t = 0`.
    pub fn solution(t: f64) -> [f64; 2] {
        let angle = t + 0.5 * t.sin();
        [angle.cos(), angle.sin()]
    }

    /// How far `y` is from the [solution](Turning::solution) at `t`, in the Euclidean norm.
    pub fn error(t: f64, y: &[f64]) -> f64 {
        let exact = Self::solution(t);
        (y[0] - exact[0]).hypot(y[1] - exact[1])
    }
}

impl Dynamics for Turning {
    fn dim(&self) -> usize {
        2
    }
    fn eval<S: Elementary>(&self, t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        [dy[0], dy[1]] = self.rate(t, [y[0], y[1]]);
    }
}

impl<S: Elementary> VectorField<S> for Turning {
    type Workspace = ();
    fn workspace(&self) {}
    fn dim(&self) -> usize {
        2
    }
    fn eval(&self, t: S, y: &[S], dy: &mut [S], _work: &mut ()) {
        [dy[0], dy[1]] = self.rate(t, [y[0], y[1]]);
    }
}
