//! Second derivatives through a solve: the product of a Hessian with a vector, forward over reverse.
//!
//! A tangent of everything the solve starts from travels along the steps, as the second part of a dual number; the pass back
//! over the same steps, in dual numbers too, then has the gradient as its values and the derivative of the gradient along that
//! tangent as its tangents. Steps are chosen by values alone, so the product is exact: the derivative of the gradient of the
//! numbers that were computed. It costs about three gradients, however many parameters there are.

use vecfield_autodiff::{Dual, LANES, Second};
use vecfield_solvers::stepper::Stepper;
use vecfield_solvers::tableau::Tableau;
use vecfield_solvers::{
    ExplicitRungeKutta, Flow, Integrator, Options, Save, Segment, Solution, SolveError, Step, Witness,
};
use vecfield_traits::{ParametricField, Real, Scalar, VectorField};

use crate::AdjointError;

/// A number that moves along the vector of the product.
pub type Moving<R> = Dual<R, 1>;

/// A family whose Hessians can be had: every [`Dynamics`](vecfield_traits::Dynamics), and every formula.
pub trait TwiceDifferentiable<R: Real>: ParametricField<Moving<R>> + ParametricField<Second<R>> {}

impl<R: Real, F: ParametricField<Moving<R>> + ParametricField<Second<R>>> TwiceDifferentiable<R> for F {}

/// A solve with a tangent, for products of Hessians with that tangent.
///
/// ```
/// use vecfield_adjoint::{Curvature, Tangent};
/// use vecfield_solvers::{Options, tableau::DOP853};
/// use vecfield_traits::{Dynamics, Elementary};
///
/// /// y' = -θ y
/// struct Decay;
/// impl Dynamics for Decay {
///     fn dim(&self) -> usize { 1 }
///     fn parameter_count(&self) -> usize { 1 }
///     fn eval<S: Elementary>(&self, _t: S, y: &[S], theta: &[S], dy: &mut [S]) { dy[0] = -theta[0] * y[0]; }
/// }
///
/// // L = y(2)² = 9 exp(-4θ): second derivative 144 exp(-4θ).
/// let mut curvature = Curvature::new(&DOP853, 1, &Options::tolerances(1e-11, 1e-11))?;
/// let along_theta = Tangent { initial: &[0.0], parameters: &[1.0] };
/// let moved = curvature.solve(&Decay, &[0.5], (0.0, 2.0), &[3.0], &[2.0], along_theta)?;
/// // ∂L/∂y = 2y, which moves as 2ẏ.
/// let bars: Vec<_> = moved.y.iter().map(|&y| y + y).collect();
/// let found = curvature.pull_back(&Decay, &bars)?;
/// assert!((found.parameters[0].value + 36.0 * (-2.0_f64).exp()).abs() < 1e-8);
/// assert!((found.parameters[0].tangent[0] - 144.0 * (-2.0_f64).exp()).abs() < 1e-7);
/// # Ok::<(), vecfield_adjoint::AdjointError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Curvature<R: Real> {
    tableau: &'static Tableau,
    integrator: Integrator<ExplicitRungeKutta<Moving<R>>, R>,
    theta: Vec<Moving<R>>,
    steps: Steps<R>,
    save: Vec<R>,
    t0: R,
    n: usize,
}

/// A tangent of all that a solve starts from: the vector that Hessians are multiplied with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tangent<'a, R> {
    /// Of the initial state, `[n]`.
    pub initial: &'a [R],
    /// Of the parameters.
    pub parameters: &'a [R],
}

/// A gradient and its derivative along the tangent: the values and the tangents of its entries.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct HessianProduct<R: Real> {
    /// By the initial state, `[n]`.
    pub initial: Vec<Moving<R>>,
    /// By the parameters.
    pub parameters: Vec<Moving<R>>,
}

impl<R: Real> Curvature<R> {
    /// An explicit method for states of `n` components.
    ///
    /// # Errors
    ///
    /// Options that the method cannot use.
    pub fn new(tableau: &'static Tableau, n: usize, options: &Options<R>) -> Result<Self, SolveError> {
        let integrator = Integrator::explicit(tableau, n, options)?;
        let (theta, steps, save) = (Vec::new(), Steps::default(), Vec::new());
        Ok(Curvature { tableau, integrator, theta, steps, save, t0: R::zero(), n })
    }

    /// Solves, with the tangents of the states at the times `save` beside them: what a loss makes its cotangents of.
    ///
    /// # Errors
    ///
    /// Those of the solve; a tangent that does not fit.
    pub fn solve<G: TwiceDifferentiable<R>>(
        &mut self,
        family: &G,
        theta: &[R],
        span: (R, R),
        y0: &[R],
        save: &[R],
        tangent: Tangent<'_, R>,
    ) -> Result<Solution<Moving<R>>, AdjointError> {
        let slices = [
            ("the tangent of the initial state", tangent.initial.len(), y0.len()),
            ("the tangent of the parameters", tangent.parameters.len(), theta.len()),
        ];
        for (what, found, expected) in slices {
            if found != expected {
                return Err(AdjointError::Dimension { what, found, expected });
            }
        }
        let moving = |values: &[R], dots: &[R]| -> Vec<Moving<R>> {
            values.iter().zip(dots).map(|(&value, &dot)| Dual { value, tangent: [dot] }).collect()
        };
        self.theta = moving(theta, tangent.parameters);
        self.save = save.to_vec();
        self.t0 = span.0;
        self.steps.clear();
        let mut field = family.at(self.theta.clone());
        let start = moving(y0, tangent.initial);
        let solved = self.integrator.run_witnessed(&mut field, span, &start, Save::At(save), &mut [], &mut self.steps);
        solved.map_err(|interrupted| interrupted.error.into())
    }

    /// The gradient of a quantity with these cotangents of the saved states, `[times, n]`, through the last
    /// [`solve`](Self::solve), and its derivative along the tangent. The cotangents' own tangents are those of the loss's slopes:
    /// the product of its Hessian with the tangents of the states.
    ///
    /// # Errors
    ///
    /// Cotangents that do not fit, or that become infinite.
    pub fn pull_back<G: TwiceDifferentiable<R>>(
        &mut self,
        family: &G,
        cotangents: &[Moving<R>],
    ) -> Result<HessianProduct<R>, AdjointError> {
        let (n, expected) = (self.n, self.save.len() * self.n);
        if cotangents.len() != expected {
            let what = "the cotangent of the saved states";
            return Err(AdjointError::Dimension { what, found: cotangents.len(), expected });
        }
        let mut back = Back::new(family, self.tableau, &self.theta, n);
        let mut saved = self.save.len();
        for &Head { t, h, at } in self.steps.heads.iter().rev() {
            let last = saved;
            let after = |time: R| if h < R::zero() { time < t } else { time > t };
            while saved > 0 && after(self.save[saved - 1]) {
                saved -= 1;
            }
            let inside = self.save[saved..last].iter().zip(cotangents[saved * n..].chunks_exact(n));
            back.step(family, (t, h), &self.steps.numbers[at..], inside.map(|(&save, bar)| ((save - t) / h, bar)));
            let finite = |bar: &Moving<R>| Scalar::is_finite(&bar.value) && Scalar::is_finite(&bar.tangent[0]);
            if let Some(index) = back.y_bar.iter().position(|bar| !finite(bar)) {
                return Err(AdjointError::NotFinite { parameter: false, index, t: t.to_f64() });
            }
        }
        for bar in cotangents[..saved * n].chunks_exact(n) {
            add(&mut back.y_bar, bar, R::one());
        }
        Ok(HessianProduct { initial: back.y_bar, parameters: back.theta_bar })
    }
}

/// Where steps begin, and the states and stages there.
#[derive(Debug, Clone)]
struct Steps<R: Real> {
    heads: Vec<Head<R>>,
    /// The state, then the stages, `[1 + s, n]` a step.
    numbers: Vec<Moving<R>>,
}

#[derive(Debug, Clone, Copy)]
struct Head<R> {
    t: R,
    h: R,
    at: usize,
}

impl<R: Real> Default for Steps<R> {
    fn default() -> Self {
        Steps { heads: Vec::new(), numbers: Vec::new() }
    }
}

impl<R: Real> Steps<R> {
    fn clear(&mut self) {
        self.heads.clear();
        self.numbers.clear();
    }
}

impl<R: Real, F: VectorField<Moving<R>>> Witness<F, ExplicitRungeKutta<Moving<R>>> for Steps<R> {
    fn step(&mut self, step: &mut Step<'_, '_, F, ExplicitRungeKutta<Moving<R>>>) -> Flow {
        self.heads.push(Head { t: step.t0(), h: step.h(), at: self.numbers.len() });
        self.numbers.extend_from_slice(Stepper::<F>::y(step.stepper()));
        Stepper::<F>::trace(step.stepper(), &mut self.numbers);
        Flow::Continue
    }
}

/// The pass back, by the formulas at the head of [`crate::reverse`]'s explicit family.
struct Back<'a, R: Real, G: TwiceDifferentiable<R>> {
    tableau: &'static Tableau,
    theta: &'a [Moving<R>],
    /// `[slots, n]`: the stages, with those that only dense output needs behind, and their cotangents.
    k: Vec<Moving<R>>,
    k_bar: Vec<Moving<R>>,
    state: Vec<Moving<R>>,
    state_bar: Vec<Moving<R>>,
    y_bar: Vec<Moving<R>>,
    theta_bar: Vec<Moving<R>>,
    work: <G as ParametricField<Moving<R>>>::Workspace,
    second: <G as ParametricField<Second<R>>>::Workspace,
    y_seeds: Vec<Second<R>>,
    theta_seeds: Vec<Second<R>>,
    dy: Vec<Second<R>>,
}

impl<'a, R: Real, G: TwiceDifferentiable<R>> Back<'a, R, G> {
    fn new(family: &G, tableau: &'static Tableau, theta: &'a [Moving<R>], n: usize) -> Self {
        let zeros = |count: usize| vec![Moving::constant(R::zero()); count];
        let seeds = |count: usize| vec![Second::constant(Moving::constant(R::zero())); count];
        Back {
            tableau,
            theta,
            k: zeros(tableau.slots() * n),
            k_bar: zeros(tableau.slots() * n),
            state: zeros(n),
            state_bar: zeros(n),
            y_bar: zeros(n),
            theta_bar: zeros(theta.len()),
            work: ParametricField::<Moving<R>>::workspace(family),
            second: ParametricField::<Second<R>>::workspace(family),
            y_seeds: seeds(n),
            theta_seeds: seeds(theta.len()),
            dy: seeds(n),
        }
    }

    fn step<'b>(
        &mut self,
        family: &G,
        (t, h): (R, R),
        numbers: &[Moving<R>],
        inside: impl Iterator<Item = (R, &'b [Moving<R>])>,
    ) where
        R: 'b,
    {
        let (n, s, slots) = (self.state.len(), self.tableau.stages(), self.tableau.slots());
        let (y, stages) = numbers.split_at(n);
        self.k[..s * n].copy_from_slice(&stages[..s * n]);
        self.k_bar.fill(Moving::constant(R::zero()));
        for (j, weight) in self.tableau.b.iter().enumerate() {
            add(&mut self.k_bar[j * n..][..n], &self.y_bar, h * R::from_f64(*weight));
        }
        let mut last = s;
        for (theta, bar) in inside {
            if last == s {
                last = slots;
                self.extend(family, (t, h), y);
            }
            add(&mut self.y_bar, bar, R::one());
            for (slot, weights) in self.tableau.interpolant.weights.iter().enumerate() {
                add(&mut self.k_bar[slot * n..][..n], bar, h * crate::reverse::polynomial(weights, theta).0);
            }
        }
        for j in (0..last).rev() {
            let (row, c) = self.tableau.slot(j);
            self.stage(h, y, row);
            self.pull_field(family, t + h * R::from_f64(c), j);
            add(&mut self.y_bar, &self.state_bar, R::one());
            for (i, weight) in row.iter().enumerate() {
                add(&mut self.k_bar[i * n..][..n], &self.state_bar, h * R::from_f64(*weight));
            }
        }
    }

    /// The stages that only dense output needs.
    fn extend(&mut self, family: &G, (t, h): (R, R), y: &[Moving<R>]) {
        let n = y.len();
        for slot in self.tableau.stages()..self.tableau.slots() {
            let (row, c) = self.tableau.slot(slot);
            self.stage(h, y, row);
            let t = Moving::constant(t + h * R::from_f64(c));
            family.eval(t, &self.state, self.theta, &mut self.k[slot * n..][..n], &mut self.work);
        }
    }

    /// Writes the state of a stage.
    fn stage(&mut self, h: R, y: &[Moving<R>], row: &[f64]) {
        let n = y.len();
        self.state.copy_from_slice(y);
        for (i, weight) in row.iter().enumerate() {
            add(&mut self.state, &self.k[i * n..][..n], h * R::from_f64(*weight));
        }
    }

    /// From the cotangent of stage `j` to that of its state, and to the parameters.
    fn pull_field(&mut self, family: &G, t: R, j: usize) {
        let (n, directions) = (self.state.len(), self.state.len() + self.theta.len());
        let t = Second::constant(Moving::constant(t));
        for first in (0..directions).step_by(LANES) {
            seed(&mut self.y_seeds, &self.state, 0, first);
            seed(&mut self.theta_seeds, self.theta, n, first);
            family.eval(t, &self.y_seeds, &self.theta_seeds, &mut self.dy, &mut self.second);
            for (lane, i) in (first..directions.min(first + LANES)).enumerate() {
                let mut sum = Moving::constant(R::zero());
                for (rate, bar) in self.dy.iter().zip(&self.k_bar[j * n..]) {
                    sum += rate.tangent[lane] * *bar;
                }
                match i.checked_sub(n) {
                    None => self.state_bar[i] = sum,
                    Some(i) => self.theta_bar[i] += sum,
                }
            }
        }
    }
}

/// `to += by · from`.
fn add<R: Real>(to: &mut [Moving<R>], from: &[Moving<R>], by: R) {
    if by != R::zero() {
        for (to, from) in to.iter_mut().zip(from) {
            *to += from.scale(by);
        }
    }
}

/// Seeds variables, the first of which has number `index`, for a sweep over the directions `first..first + LANES`.
fn seed<R: Real>(seeds: &mut [Second<R>], values: &[Moving<R>], index: usize, first: usize) {
    for (j, (seed, &value)) in seeds.iter_mut().zip(values).enumerate() {
        *seed = Second::constant(value);
        if let Some(slot) = seed.tangent.get_mut((index + j).wrapping_sub(first)) {
            *slot = Moving::constant(R::one());
        }
    }
}
