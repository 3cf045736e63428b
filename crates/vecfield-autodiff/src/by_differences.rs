//! A field's Jacobian by central differences, for fields that take plain numbers only.

use vecfield_traits::{Half, Jacobian, Partition, Real, VectorField};

/// A field over plain numbers alone, with an approximate Jacobian from `2n + 2` evaluations.
///
/// Component `y_j` is moved by `±ε^(1/3) max(|y_j|, typical_j)`, which balances the truncation `O(h²)` against the
/// rounding `O(ε/h)`: a relative error near `ε^(2/3)`, 4e-11 in `f64` (Dennis–Schnabel, Numerical Methods for
/// Unconstrained Optimization, section 5.6). Where one side leaves the domain of the field (a `√y` at 0), the difference
/// is taken between the point and the side that stays inside, with error `O(h)`.
///
/// Prefer [`ByDuals`](crate::ByDuals) whenever the field can be evaluated over duals: exact, and one evaluation for
/// eight columns.
#[derive(Debug, Clone)]
pub struct ByDifferences<F> {
    field: F,
    typical: Vec<f64>,
}

impl<F> ByDifferences<F> {
    /// For states of size about one.
    pub fn new(field: F) -> Self {
        Self::with_typical(field, Vec::new())
    }

    /// For states whose sizes differ: `typical[j] > 0` is a size below which `|y_j|` counts as small, as an absolute
    /// tolerance divided by the relative one does. Components without an entry have 1.
    pub fn with_typical(field: F, typical: Vec<f64>) -> Self {
        ByDifferences { field, typical }
    }

    /// The field itself.
    pub fn field(&self) -> &F {
        &self.field
    }

    fn step<R: Real>(&self, j: usize, y: R) -> R {
        let typical = R::from_f64(self.typical.get(j).copied().unwrap_or(1.0));
        R::from_f64(R::EPSILON.to_f64().cbrt()) * y.abs().max(typical)
    }
}

/// Memory of an evaluation (`P`) and of the differences.
#[derive(Debug, Clone)]
pub struct DifferencesWorkspace<R, P> {
    plain: P,
    y: Vec<R>,
    above: Vec<R>,
    below: Vec<R>,
    here: Vec<R>,
}

impl<R: Real, F: VectorField<R>> VectorField<R> for ByDifferences<F> {
    type Workspace = DifferencesWorkspace<R, F::Workspace>;

    fn workspace(&self) -> Self::Workspace {
        let column = || vec![R::zero(); self.field.dim()];
        DifferencesWorkspace {
            plain: self.field.workspace(),
            y: column(),
            above: column(),
            below: column(),
            here: column(),
        }
    }

    fn dim(&self) -> usize {
        self.field.dim()
    }

    #[inline]
    fn eval(&self, t: R, y: &[R], dy: &mut [R], work: &mut Self::Workspace) {
        self.field.eval(t, y, dy, &mut work.plain);
    }

    fn partition(&self) -> Option<&Partition> {
        self.field.partition()
    }

    #[inline]
    fn eval_half(&self, half: Half, t: R, y: &[R], dy: &mut [R], work: &mut Self::Workspace) {
        self.field.eval_half(half, t, y, dy, &mut work.plain);
    }
}

impl<R: Real, F: VectorField<R>> Jacobian<R> for ByDifferences<F> {
    fn jacobian(&self, t: R, y: &[R], jac: &mut [R], time: &mut [R], work: &mut Self::Workspace) {
        let n = y.len();
        let DifferencesWorkspace { plain, y: moved, above, below, here } = work;
        moved.copy_from_slice(y);
        self.field.eval(t, y, here, plain);
        for j in 0..n {
            let h = self.step(j, y[j]);
            // What was added after rounding, not `h`, is what the difference must be divided by.
            let (up, down) = (y[j] + h, y[j] - h);
            moved[j] = up;
            self.field.eval(t, moved, above, plain);
            moved[j] = down;
            self.field.eval(t, moved, below, plain);
            moved[j] = y[j];
            for i in 0..n {
                jac[i * n + j] = quotient([(down, below[i]), (y[j], here[i]), (up, above[i])]);
            }
        }
        let h = self.step(n, t);
        self.field.eval(t + h, y, above, plain);
        self.field.eval(t - h, y, below, plain);
        for i in 0..n {
            time[i] = quotient([(t - h, below[i]), (t, here[i]), (t + h, above[i])]);
        }
    }
}

/// The slope through the outer two of three points `(x, f)`, or through the middle and the one that is finite.
fn quotient<R: Real>([below, here, above]: [(R, R); 3]) -> R {
    let slope = |left: (R, R), right: (R, R)| (right.1 - left.1) / (right.0 - left.0);
    match (below.1.is_finite(), above.1.is_finite()) {
        (false, true) => slope(here, above),
        (true, false) => slope(below, here),
        _ => slope(below, above),
    }
}
