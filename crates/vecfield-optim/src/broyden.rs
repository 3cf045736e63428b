//! [`Broyden`]: quasi-Newton steps with a whole matrix `H ≈ (∇²f)⁻¹`, of the self-scaled Broyden family.
//!
//! ```text
//! H ← (1/τ) [H - H y yᵀH / yᵀHy + φ v vᵀ] + s sᵀ / yᵀs        v = √(yᵀHy) [s / yᵀs - H y / yᵀHy]
//! ```
//!
//! with `s` the step and `y` the change of the gradient. BFGS has `τ = φ = 1`; scaled, `H` forgets the large eigenvalues it
//! began with. `τ` and `φ` are those of Al-Baali & Khalfan (2012) as Urbán, Stefanou & Pons (2025, eqs. (13)-(23)) use them
//! for networks inside differential equations.
//!
//! `H` is kept as its lower triangle, and read and written once an iteration, read once more.

use vecfield_kernels::{Job, dot, fused, run};

use crate::error::OptimError;
use crate::line::{Line, Objective, Point, finite, largest};

/// How `H` learns from a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Scaling {
    /// BFGS: `τ = φ = 1`.
    None,
    /// BFGS with `τ = min(1, yᵀs / sᵀBs)` (Al-Baali 1998).
    Bfgs,
    /// Both `τ` and `φ` chosen by the curvature that was met (Al-Baali & Khalfan 2012).
    #[default]
    Broyden,
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stepped {
    /// To a point that is better.
    Moved,
    /// Nowhere: along the gradient itself no point is better by more than rounding.
    Stuck,
}

/// Minimises a smooth function of up to some thousand numbers by its gradient, step by step. It does not allocate.
///
/// ```
/// use vecfield_optim::{Broyden, Scaling, Stepped};
///
/// // Rosenbrock's valley.
/// let mut valley = |x: &[f64], gradient: &mut [f64]| {
///     let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
///     gradient.copy_from_slice(&[-2.0 * a - 400.0 * x[0] * b, 200.0 * b]);
///     Ok(a * a + 100.0 * b * b)
/// };
/// let mut x = [-1.2, 1.0];
/// let mut broyden = Broyden::new(2, Scaling::Broyden);
/// broyden.begin(&x, &mut valley)?;
/// while broyden.slope() > 1e-8 && broyden.step(&mut x, &mut valley) == Stepped::Moved {}
/// assert!((x[0] - 1.0).abs() < 1e-7 && (x[1] - 1.0).abs() < 1e-7);
/// # Ok::<(), vecfield_optim::OptimError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Broyden {
    scaling: Scaling,
    /// The lower triangle of `H`, row behind row.
    matrix: Vec<f64>,
    /// Has `H` learnt anything?
    fresh: bool,
    value: f64,
    gradient: Vec<f64>,
    direction: Vec<f64>,
    line: Line,
    step: Vec<f64>,
    change: Vec<f64>,
    image: Vec<f64>,
    evaluations: usize,
}

impl Broyden {
    /// For functions of `n` numbers, with `H` the identity.
    pub fn new(n: usize, scaling: Scaling) -> Broyden {
        let zeros = || vec![0.0; n];
        let mut broyden = Broyden {
            scaling,
            matrix: vec![0.0; n * (n + 1) / 2],
            fresh: true,
            value: f64::INFINITY,
            gradient: zeros(),
            direction: zeros(),
            line: Line::new(n),
            step: zeros(),
            change: zeros(),
            image: zeros(),
            evaluations: 0,
        };
        broyden.forget();
        broyden
    }

    /// Evaluates at `x`, from where steps go on; `H` stays what it is.
    ///
    /// # Errors
    ///
    /// [`OptimError::InfeasibleStart`] where the function or its gradient is not finite.
    ///
    /// # Panics
    ///
    /// If `x` has another length than this was made for.
    pub fn begin(&mut self, x: &[f64], f: &mut Objective<'_>) -> Result<f64, OptimError> {
        assert_eq!(x.len(), self.gradient.len(), "as many numbers as this was made for");
        self.evaluations += 1;
        self.value = finite(f(x, &mut self.gradient), &self.gradient);
        if !self.value.is_finite() {
            return Err(OptimError::InfeasibleStart);
        }
        run(Image { matrix: &self.matrix, x: &self.gradient, y: &mut self.direction });
        self.direction.iter_mut().for_each(|d| *d = -*d);
        Ok(self.value)
    }

    /// One step behind [`begin`](Broyden::begin), along `-H g` to where the strong Wolfe conditions hold.
    ///
    /// # Panics
    ///
    /// If `x` has another length than this was made for.
    pub fn step(&mut self, x: &mut [f64], f: &mut Objective<'_>) -> Stepped {
        assert_eq!(x.len(), self.gradient.len(), "as many numbers as this was made for");
        let mut found = self.search(x, f);
        if found.is_none() && !self.fresh {
            // Old curvature may be what misleads: once more along the gradient itself.
            self.forget();
            self.direction.iter_mut().zip(&self.gradient).for_each(|(d, g)| *d = -g);
            found = self.search(x, f);
        }
        let Some(point) = found else { return Stepped::Stuck };
        for i in 0..x.len() {
            self.step[i] = self.line.x[i] - x[i];
            self.change[i] = self.line.gradient[i] - self.gradient[i];
        }
        // sᵀBs = -α sᵀg, as s = -α H g.
        let bent = -point.at * dot(&self.step, &self.gradient);
        x.copy_from_slice(&self.line.x);
        self.gradient.copy_from_slice(&self.line.gradient);
        self.value = point.value;
        self.learn(bent);
        Stepped::Moved
    }

    fn search(&mut self, x: &[f64], f: &mut Objective<'_>) -> Option<Point> {
        let start = Point { at: 0.0, value: self.value, slope: dot(&self.direction, &self.gradient) };
        // The first step has no curvature to go by.
        let first = if self.fresh { (1.0 / largest(&self.gradient)).min(1.0) } else { 1.0 };
        self.line.search(x, &self.direction, start, first, f, &mut self.evaluations)
    }

    /// `H` after a step; the next direction with it.
    fn learn(&mut self, bent: f64) {
        run(Image { matrix: &self.matrix, x: &self.change, y: &mut self.image });
        let (along, length) = (dot(&self.step, &self.change), dot(&self.change, &self.image));
        let update = match along
            > f64::EPSILON * dot(&self.step, &self.step).sqrt() * dot(&self.change, &self.change).sqrt()
            && length > 0.0
            && length.is_finite()
        {
            true => Update::new(self.scaling, self.gradient.len(), along, length, bent),
            // A pair without curvature teaches nothing.
            false => Update { kept: 1.0, ..Update::default() },
        };
        run(Learn {
            matrix: &mut self.matrix,
            update,
            image: &self.image,
            step: &self.step,
            gradient: &self.gradient,
            next: &mut self.direction,
        });
        self.direction.iter_mut().for_each(|d| *d = -*d);
        self.fresh = false;
    }

    /// Makes `H` the identity again; the next step goes along the gradient.
    pub fn forget(&mut self) {
        self.fresh = true;
        self.matrix.fill(0.0);
        (0..self.gradient.len()).for_each(|i| self.matrix[i * (i + 1) / 2 + i] = 1.0);
    }

    /// The value at the last point.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// The largest slope there.
    pub fn slope(&self) -> f64 {
        largest(&self.gradient)
    }

    /// Evaluations of value and gradient so far.
    pub fn evaluations(&self) -> usize {
        self.evaluations
    }

    /// What is remembered: the lower triangle of `H`, row behind row; nothing where it is still the identity.
    pub fn memory(&self) -> &[f64] {
        if self.fresh { &[] } else { &self.matrix }
    }

    /// Goes on with what [`memory`](Broyden::memory) was.
    ///
    /// # Errors
    ///
    /// [`OptimError::MemoryLength`] where it is that of another function.
    pub fn resume(&mut self, memory: &[f64]) -> Result<(), OptimError> {
        if memory.is_empty() {
            self.forget();
            return Ok(());
        }
        if memory.len() != self.matrix.len() {
            return Err(OptimError::MemoryLength { found: memory.len(), expected: self.matrix.len() });
        }
        self.matrix.copy_from_slice(memory);
        self.fresh = false;
        Ok(())
    }
}

/// `H ← kept H + qq q qᵀ + qs (q sᵀ + s qᵀ) + ss s sᵀ` with `q = H y`.
#[derive(Debug, Clone, Copy, Default)]
struct Update {
    kept: f64,
    qq: f64,
    qs: f64,
    ss: f64,
}

impl Update {
    /// From `yᵀs`, `yᵀHy` and `sᵀBs`.
    fn new(scaling: Scaling, n: usize, along: f64, length: f64, bent: f64) -> Update {
        let (tau, phi) = factors(scaling, n, length / along, bent / along);
        Update {
            kept: 1.0 / tau,
            qq: (phi - 1.0) / (tau * length),
            qs: -phi / (tau * along),
            ss: phi * length / (tau * along * along) + 1.0 / along,
        }
    }
}

/// `τ` and `φ` (Urbán, Stefanou & Pons 2025, eqs. (13)-(23)), from `h = yᵀHy / yᵀs` and `b = sᵀBs / yᵀs`.
fn factors(scaling: Scaling, n: usize, h: f64, b: f64) -> (f64, f64) {
    let tau = if b > 0.0 { (1.0 / b).min(1.0) } else { 1.0 };
    match scaling {
        Scaling::None => return (1.0, 1.0),
        Scaling::Bfgs => return (tau, 1.0),
        Scaling::Broyden => {}
    }
    // a ≥ 0 by Cauchy and Schwarz; where s and y are parallel all of the family are one.
    let a = h * b - 1.0;
    if a.is_nan() || a <= 1e-12 {
        return (tau, 1.0);
    }
    let c = (a / (1.0 + a)).sqrt();
    let rho = (h * (1.0 - c)).min(1.0);
    let theta = ((rho - 1.0) / a).max(((1.0 - b) / b).min(1.0 / rho));
    let sigma = 1.0 + theta * a;
    // The root is that of a determinant over the n - 1 directions besides s.
    let root = if n > 1 { sigma.powf(-1.0 / (n as f64 - 1.0)) } else { 1.0 };
    let tau = if theta > 0.0 { tau * root.min(1.0 / theta) } else { (tau * root).min(sigma) };
    let phi = (1.0 - theta) / sigma;
    if tau > 0.0 && tau.is_finite() && phi.is_finite() { (tau, phi) } else { (1.0, 1.0) }
}

/// `y ← H x`
struct Image<'a> {
    matrix: &'a [f64],
    x: &'a [f64],
    y: &'a mut [f64],
}

impl Job for Image<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Self { matrix, x, y } = self;
        y.fill(0.0);
        let mut rest = matrix;
        for i in 0..x.len() {
            let (row, behind) = rest.split_at(i + 1);
            rest = behind;
            symmetric::<FUSED>(row, x, y);
        }
    }
}

/// `H ← ..`, and `next ← H gradient` with the new.
struct Learn<'a> {
    matrix: &'a mut [f64],
    update: Update,
    image: &'a [f64],
    step: &'a [f64],
    gradient: &'a [f64],
    next: &'a mut [f64],
}

impl Job for Learn<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Self { matrix, update: Update { kept, qq, qs, ss }, image, step, gradient, next } = self;
        next.fill(0.0);
        let mut rest = matrix;
        for i in 0..step.len() {
            let (row, behind) = rest.split_at_mut(i + 1);
            rest = behind;
            let (by_image, by_step) = (qq * image[i] + qs * step[i], qs * image[i] + ss * step[i]);
            for ((h, q), s) in row.iter_mut().zip(&image[..=i]).zip(&step[..=i]) {
                *h = fused::<FUSED>(by_image, *q, fused::<FUSED>(by_step, *s, kept * *h));
            }
            symmetric::<FUSED>(row, gradient, next);
        }
    }
}

/// What row `i` of the lower triangle adds to `y = H x`, on both sides of the diagonal.
#[inline(always)]
fn symmetric<const FUSED: bool>(row: &[f64], x: &[f64], y: &mut [f64]) {
    const PARTIAL: usize = 16;
    let i = row.len() - 1;
    let own = x[i];
    let (h, diagonal) = (&row[..i], row[i]);
    let mut partial = [0.0; PARTIAL];
    let ((h, h_rest), (x, x_rest)) = (h.as_chunks::<PARTIAL>(), x[..i].as_chunks::<PARTIAL>());
    let (below, at) = y.split_at_mut(i);
    let (y, y_rest) = below.as_chunks_mut::<PARTIAL>();
    for ((h, x), y) in h.iter().zip(x).zip(y) {
        for p in 0..PARTIAL {
            partial[p] = fused::<FUSED>(h[p], x[p], partial[p]);
            y[p] = fused::<FUSED>(h[p], own, y[p]);
        }
    }
    for (((h, x), y), partial) in h_rest.iter().zip(x_rest).zip(y_rest).zip(&mut partial) {
        *partial = fused::<FUSED>(*h, *x, *partial);
        *y = fused::<FUSED>(*h, own, *y);
    }
    let mut sum = 0.0;
    partial.iter().for_each(|part| sum += part);
    at[0] += sum + diagonal * own;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Secant: `H y = s`. With curvature along the step, `H` stays positive definite and symmetric.
        #[test]
        fn the_update_has_the_secant_property(
            s in prop::collection::vec(-1.0..1.0_f64, 5), noise in prop::collection::vec(-0.3..0.3_f64, 5), which in 0_usize..3,
        ) {
            let n = s.len();
            let mut broyden = Broyden::new(n, [Scaling::None, Scaling::Bfgs, Scaling::Broyden][which]);
            let y: Vec<f64> = s.iter().zip(&noise).enumerate().map(|(i, (s, e))| (1.0 + i as f64) * s + e).collect();
            prop_assume!(dot(&s, &y) > 1e-2);
            broyden.step.copy_from_slice(&s);
            broyden.change.copy_from_slice(&y);
            let bent = dot(&s, &s); // B is the identity
            broyden.learn(bent);
            let mut image = vec![0.0; n];
            run(Image { matrix: &broyden.matrix, x: &y, y: &mut image });
            prop_assert!(image.iter().zip(&s).all(|(a, b)| (a - b).abs() < 1e-10), "{image:?} {s:?}");
            for probe in 0..n {
                let x: Vec<f64> = (0..n).map(|i| ((7 * i + 3 * probe) as f64).sin()).collect();
                run(Image { matrix: &broyden.matrix, x: &x, y: &mut image });
                prop_assert!(dot(&x, &image) > 0.0);
            }
        }
    }
}
