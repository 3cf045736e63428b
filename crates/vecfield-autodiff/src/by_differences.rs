//! A field's Jacobian by central differences, for fields that take plain numbers only.

use std::sync::Arc;

use vecfield_traits::{Half, Jacobian, Partition, Real, Sparsity, VectorField};

use crate::compressed::Compressed;

/// A field over plain numbers alone, with an approximate Jacobian from two evaluations a column, or two a
/// [colour](crate::Colouring) where its [places](ByDifferences::with_sparsity) are known, and three more.
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
    compressed: Option<Arc<Compressed>>,
}

impl<F> ByDifferences<F> {
    /// For states of size about one.
    pub fn new(field: F) -> Self {
        Self::with_typical(field, Vec::new())
    }

    /// For states whose sizes differ: `typical[j] > 0` is a size below which `|y_j|` counts as small, as an absolute
    /// tolerance divided by the relative one does. Components without an entry have 1.
    pub fn with_typical(field: F, typical: Vec<f64>) -> Self {
        ByDifferences { field, typical, compressed: None }
    }

    /// The same, whose Jacobian holds only the places of `pattern`, which must be all that can differ from zero: what lies
    /// elsewhere is added to other columns.
    ///
    /// ```
    /// use vecfield_autodiff::ByDifferences;
    /// use vecfield_traits::{Jacobian, Sparsity, VectorField, field};
    ///
    /// // Heat along a rod: a tridiagonal Jacobian, found by nine evaluations whatever the number of cells.
    /// const CELLS: usize = 1000;
    /// let rod = field(CELLS, |_t, u: &[f64], du: &mut [f64]| {
    ///     for i in 0..CELLS {
    ///         let (left, right) = (u[i.saturating_sub(1)], u[(i + 1).min(CELLS - 1)]);
    ///         du[i] = left - 2.0 * u[i] + right;
    ///     }
    /// });
    /// let rows = (0..CELLS).map(|i| (i.saturating_sub(1)..(i + 2).min(CELLS)).collect());
    /// let rod = ByDifferences::new(rod).with_sparsity(Sparsity::from_rows(rows));
    /// let (mut entries, mut time) = (vec![0.0; 3 * CELLS - 2], vec![0.0; CELLS]);
    /// rod.jacobian(0.0, &[1.0; CELLS], &mut entries, &mut time, &mut rod.workspace());
    /// assert!((entries[3] + 2.0).abs() < 1e-9); // row 1: 1, -2, 1
    /// ```
    pub fn with_sparsity(self, pattern: Sparsity) -> Self {
        ByDifferences { compressed: Some(Compressed::new(pattern)), ..self }
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
        self.field.eval(t, y, here, plain);
        let compressed = self.compressed.as_deref();
        for direction in 0..compressed.map_or(n, Compressed::directions) {
            let carried = |j: usize| compressed.map_or(j, |compressed| compressed.direction(j)) == direction;
            // What was added after rounding, not the step, is what the difference must be divided by.
            let up = |j: usize| y[j] + self.step(j, y[j]);
            let down = |j: usize| y[j] - self.step(j, y[j]);
            let shift = |moved: &mut [R], to: &dyn Fn(usize) -> R| {
                moved.iter_mut().enumerate().for_each(|(j, moved)| *moved = if carried(j) { to(j) } else { y[j] });
            };
            shift(moved, &up);
            self.field.eval(t, moved, above, plain);
            shift(moved, &down);
            self.field.eval(t, moved, below, plain);
            let partial = |i: usize, j: usize| quotient([(down(j), below[i]), (y[j], here[i]), (up(j), above[i])]);
            match compressed {
                None => (0..n).for_each(|i| jac[i * n + direction] = partial(i, direction)),
                Some(compressed) => {
                    let places = compressed.sparsity.places().enumerate().filter(|(_, (_, j))| carried(*j));
                    places.for_each(|(place, (i, j))| jac[place] = partial(i, j));
                }
            }
        }
        let h = self.step(n, t);
        self.field.eval(t + h, y, above, plain);
        self.field.eval(t - h, y, below, plain);
        for i in 0..n {
            time[i] = quotient([(t - h, below[i]), (t, here[i]), (t + h, above[i])]);
        }
    }

    fn sparsity(&self) -> Option<&Sparsity> {
        self.compressed.as_deref().map(|compressed| &compressed.sparsity)
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
