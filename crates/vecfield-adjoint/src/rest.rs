//! States of rest and their slopes, by the implicit function theorem.
//!
//! `f(t, y; θ) = 0` moves with `θ` as `J δy = -f_θ δθ`. Where quantities `wᵀ M y` are conserved `J` is singular and the state depends
//! on where the solution began as well. With the null spaces `J N = 0`, `Jᵀ W = 0`,
//!
//! ```text
//! ȳ₀ = Mᵀ W (Nᵀ Mᵀ W)⁻¹ Nᵀ ȳ        Jᵀ λ = ȳ - ȳ₀        θ̄ = -f_θᵀ λ
//! ```

use vecfield_linalg::{Lu, Svd, svd};
use vecfield_traits::{Jacobian, Real, Scalar, Vjp};

use crate::AdjointError;
use crate::reverse::collocation::dense_jacobian;
use crate::reverse::rosenbrock::transposed_mass;
use crate::reverse::{add_scaled, dot};

/// A state of rest, ready to be differentiated.
///
/// ```
/// use vecfield_adjoint::Rest;
/// use vecfield_autodiff::Lifted;
/// use vecfield_solvers::{Options, steady::steady_state};
/// use vecfield_traits::{Dynamics, Elementary};
///
/// /// y' = θ - y²
/// struct Root;
/// impl Dynamics for Root {
///     fn dim(&self) -> usize { 1 }
///     fn parameter_count(&self) -> usize { 1 }
///     fn eval<S: Elementary>(&self, _t: S, y: &[S], theta: &[S], dy: &mut [S]) { dy[0] = theta[0] - y[0] * y[0]; }
/// }
///
/// // It rests at √θ, whose slope is 1/(2√θ).
/// let field = Lifted::new(Root, vec![9.0]);
/// let found = steady_state(&field, 0.0, &[1.0], &Options::default())?;
/// let gradient = Rest::new(&field, 0.0, &[1.0], &found.y)?.pull_back(&[1.0]);
/// assert!((gradient.parameters[0] - 1.0 / 6.0).abs() < 1e-12);
/// assert_eq!(gradient.initial, [0.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Rest<'a, R: Real, F: Jacobian<R>> {
    field: &'a F,
    t: R,
    y: &'a [R],
    decomposition: Svd<R>,
    rank: usize,
    /// `(Nᵀ Mᵀ W)` of as many rows as quantities are conserved.
    overlap: Option<Lu<R>>,
}

/// The gradient of a quantity at rest.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RestGradient<R> {
    /// By the state the solution began at, `[n]`: zero where nothing is conserved.
    pub initial: Vec<R>,
    /// By the parameters.
    pub parameters: Vec<R>,
    /// By the time at which the field is held.
    pub t: R,
}

impl<'a, R: Real, F: Jacobian<R> + Vjp<R>> Rest<'a, R, F> {
    /// The state `y` in which the solution from `y0` comes to rest, with `t` held.
    ///
    /// # Errors
    ///
    /// [`AdjointError::Undecided`] where states of rest lie so close together that none of them moves smoothly with the
    /// parameters, and no linear quantity that is conserved tells them apart.
    pub fn new(field: &'a F, t: R, y0: &[R], y: &'a [R]) -> Result<Self, AdjointError> {
        let n = y.len();
        let mut work = field.workspace();
        let (mut jacobian, mut time) = (vec![R::zero(); n * n], vec![R::zero(); n]);
        dense_jacobian(field, false, (t, y), (&mut jacobian, &mut time), &mut work);
        let decomposition = svd(&jacobian, n, n).map_err(|_| {
            let index = jacobian.iter().position(|entry| !Scalar::is_finite(entry)).map_or(0, |at| at / n);
            AdjointError::NotFinite { parameter: false, index, t: t.to_f64() }
        })?;
        let rank = decomposition.rank(R::from_f64(100.0 * n as f64) * R::EPSILON);
        let mut rest = Rest { field, t, y, decomposition, rank, overlap: None };
        let free = n - rank;
        if free > 0 {
            rest.is_conserved(y0, &mut work)?;
            let mut lu = Lu::new(free);
            let mut massive = vec![R::zero(); n];
            lu.factorize_with(|matrix| {
                for j in 0..free {
                    massive.fill(R::zero());
                    transposed_mass(field, rest.left(rank + j), &mut massive);
                    (0..free).for_each(|i| matrix[i * free + j] = dot(rest.right(rank + i), &massive));
                }
            })
            .map_err(|_| rest.undecided())?;
            rest.overlap = Some(lu);
        }
        Ok(rest)
    }

    /// How many linear quantities the solution conserves.
    pub fn conserved(&self) -> usize {
        self.y.len() - self.rank
    }

    /// The gradient of a quantity whose derivatives by the state of rest are `y_bar`, `[n]`.
    pub fn pull_back(&self, y_bar: &[R]) -> RestGradient<R> {
        let (n, free) = (self.y.len(), self.conserved());
        let mut initial = vec![R::zero(); n];
        if let Some(overlap) = &self.overlap {
            let mut weights: Vec<R> = (0..free).map(|i| dot(self.right(self.rank + i), y_bar)).collect();
            overlap.solve(&mut weights);
            let mut left = vec![R::zero(); n];
            for (j, weight) in weights.iter().enumerate() {
                add_scaled(&mut left, *weight, self.left(self.rank + j));
            }
            transposed_mass(self.field, &left, &mut initial);
        }
        let mut lambda = vec![R::zero(); n];
        for i in 0..self.rank {
            let right = self.right(i);
            let along = dot(right, y_bar) - dot(right, &initial);
            add_scaled(&mut lambda, -along / self.decomposition.sigma[i], self.left(i));
        }
        let mut parameters = vec![R::zero(); self.field.parameters().len()];
        let mut work = self.field.workspace();
        let t = self.field.vjp(self.t, self.y, &lambda, &mut vec![R::zero(); n], &mut parameters, &mut work);
        RestGradient { initial, parameters, t }
    }

    /// How the state of rest moves with tangents of the state it began at, `[n]`, and of the parameters: one pullback a component.
    pub fn push_forward(&self, initial: &[R], parameters: &[R]) -> Vec<R> {
        let mut unit = vec![R::zero(); self.y.len()];
        let row = |i: usize| {
            unit.fill(R::zero());
            unit[i] = R::one();
            let by = self.pull_back(&unit);
            dot(&by.initial, initial) + dot(&by.parameters, parameters)
        };
        (0..self.y.len()).map(row).collect()
    }

    fn left(&self, i: usize) -> &[R] {
        &self.decomposition.u_transposed[i * self.y.len()..][..self.y.len()]
    }

    fn right(&self, i: usize) -> &[R] {
        &self.decomposition.v_transposed[i * self.y.len()..][..self.y.len()]
    }

    /// Does the field at the beginning leave alone what the Jacobian at rest does?
    fn is_conserved(&self, y0: &[R], work: &mut F::Workspace) -> Result<(), AdjointError> {
        let mut rate = vec![R::zero(); y0.len()];
        self.field.eval(self.t, y0, &mut rate, work);
        let size = rate.iter().fold(R::zero(), |size, rate| size + rate.abs());
        let moves = |i: usize| dot(self.left(i), &rate).abs() > R::from_f64(1e-8) * size;
        if (self.rank..y0.len()).any(moves) { Err(self.undecided()) } else { Ok(()) }
    }

    fn undecided(&self) -> AdjointError {
        AdjointError::Undecided { directions: self.conserved() }
    }
}
