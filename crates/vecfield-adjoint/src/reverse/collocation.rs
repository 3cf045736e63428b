//! Fully implicit Runge–Kutta methods, Radau's and Gauss's, backwards: the stages solve `M z_i = h Σ_j a_ij f(Y_j)`, so by the implicit function
//! theorem their cotangents `z̄` give, with `J_j` the Jacobian at stage `j`,
//!
//! ```text
//! (I⊗M - h [a_ij J_j])ᵀ λ = z̄        f̄_j = h Σ_i a_ij λ_i        ȳ = ȳ⁺ + .. + Σ_j J_jᵀ f̄_j
//! ```

use vecfield_linalg::Lu;
use vecfield_solvers::gauss::GaussTableau;
use vecfield_solvers::stepper::{Collocation, Formula};
use vecfield_traits::{Jacobian, Real, VectorField, Vjp};

use super::bootstrap::BootstrapReverse;
use super::stagewise::singular;
use super::{Bars, Inside, ReverseStep, Taken, add_scaled, dot, polynomial};
use crate::AdjointError;

/// The pass back through the steps of a [`Collocation`] method, or of a [`GaussTableau`].
#[derive(Debug, Clone)]
pub struct CollocationReverse<R> {
    /// The dense output of Gauss methods.
    bootstrap: BootstrapReverse<R>,
    y_new: Vec<R>,
    matrix: StageMatrix<R>,
    /// `[s, n]`: cotangents of the stages, then `λ`.
    lambda: Vec<R>,
    y_bar: Vec<R>,
    f_bar: Vec<R>,
}

impl<R: Real> Default for CollocationReverse<R> {
    fn default() -> Self {
        let nothing = Vec::new;
        CollocationReverse {
            bootstrap: BootstrapReverse::new(),
            y_new: nothing(),
            matrix: StageMatrix::default(),
            lambda: nothing(),
            y_bar: nothing(),
            f_bar: nothing(),
        }
    }
}

impl<R: Real> CollocationReverse<R> {
    /// No memory yet: the first step makes it.
    pub fn new() -> CollocationReverse<R> {
        CollocationReverse::default()
    }
}

/// The linear system of the stages, `I⊗M - h [a_ij J_j]`, factorised with the Jacobian at each stage.
#[derive(Debug, Clone)]
pub(crate) struct StageMatrix<R> {
    lu: Lu<R>,
    /// `[s, n, n]`.
    jacobians: Vec<R>,
    time: Vec<R>,
    pub(crate) state: Vec<R>,
}

impl<R: Real> Default for StageMatrix<R> {
    fn default() -> Self {
        StageMatrix { lu: Lu::new(0), jacobians: Vec::new(), time: Vec::new(), state: Vec::new() }
    }
}

impl<R: Real> StageMatrix<R> {
    /// Factorises the system of `step`.
    pub(crate) fn factorize<F: Jacobian<R>>(
        &mut self,
        (a, c): (&[&[f64]], &[f64]),
        field: &F,
        work: &mut F::Workspace,
        step: &Taken<'_, R>,
    ) -> Result<(), AdjointError> {
        let (n, s) = (step.y.len(), c.len());
        self.jacobians.resize(s * n * n, R::zero());
        self.time.resize(n, R::zero());
        if self.lu.n() != s * n {
            self.lu = Lu::new(s * n);
        }
        for j in 0..s {
            self.stage(step, j);
            let t = step.t + R::from_f64(c[j]) * step.h;
            let jacobian = &mut self.jacobians[j * n * n..][..n * n];
            dense_jacobian(field, false, (t, &self.state), (jacobian, &mut self.time), work);
        }
        let jacobians = &self.jacobians;
        let factorized = self.lu.factorize_with(|matrix| {
            let width = s * n;
            for i in 0..s {
                for j in 0..s {
                    let weight = -step.h * R::from_f64(a[i][j]);
                    for row in 0..n {
                        let entries = &mut matrix[(i * n + row) * width + j * n..][..n];
                        for (entry, slope) in entries.iter_mut().zip(&jacobians[j * n * n + row * n..]) {
                            *entry = weight * *slope;
                        }
                    }
                }
                match field.mass() {
                    None => (0..n).for_each(|row| matrix[(i * n + row) * width + i * n + row] += R::one()),
                    Some(mass) => {
                        for ((row, column), m) in mass.sparsity().places().zip(mass.entries()) {
                            matrix[(i * n + row) * width + i * n + column] += *m;
                        }
                    }
                }
            }
        });
        factorized.map_err(|_| singular(step))
    }

    /// Writes the state of stage `j` into `state`.
    pub(crate) fn stage(&mut self, step: &Taken<'_, R>, j: usize) {
        let n = step.y.len();
        self.state.clear();
        self.state.extend(step.y.iter().zip(&step.stages[j * n..]).map(|(&y, &z)| y + z));
    }

    /// Replaces `b` by `G⁻¹ b`.
    pub(crate) fn solve(&self, b: &mut [R]) {
        self.lu.solve(b);
    }

    /// Replaces `b` by `G⁻ᵀ b`.
    pub(crate) fn solve_transpose(&self, b: &mut [R]) {
        self.lu.solve_transpose(b);
    }
}

impl<R: Real> CollocationReverse<R> {
    /// From the cotangents of the stages, in `lambda`, to those of all they depend on.
    fn through_stages<F: Jacobian<R> + Vjp<R>>(
        &mut self,
        (a, c): (&[&[f64]], &[f64]),
        (field, work): (&F, &mut F::Workspace),
        step: &Taken<'_, R>,
        bars: &mut Bars<R>,
    ) -> Result<(), AdjointError> {
        let (n, s, h) = (step.y.len(), c.len(), step.h);
        if self.lambda.iter().all(|bar| *bar == R::zero()) {
            return Ok(());
        }
        self.matrix.factorize((a, c), field, work, step)?;
        self.matrix.solve_transpose(&mut self.lambda);
        for j in 0..s {
            // M z_j / h = Σ a_ji f_i is what h multiplies.
            let lambda = &self.lambda[j * n..][..n];
            bars.h += paired_with_mass(field, lambda, &step.stages[j * n..][..n]) / h;
            self.f_bar.fill(R::zero());
            for (i, row) in a.iter().enumerate() {
                add_scaled(&mut self.f_bar, h * R::from_f64(row[j]), &self.lambda[i * n..][..n]);
            }
            self.matrix.stage(step, j);
            let c = R::from_f64(c[j]);
            self.y_bar.fill(R::zero());
            let t_bar = field.vjp_deferred(
                step.t + c * h,
                &self.matrix.state,
                &self.f_bar,
                &mut self.y_bar,
                &mut bars.theta,
                work,
            );
            bars.t += t_bar;
            bars.h += c * t_bar;
            add_scaled(&mut bars.y, R::one(), &self.y_bar);
        }
        Ok(())
    }

    /// Cotangents of the stages: those of the polynomial through them, at the end and inside.
    fn polynomial(&mut self, method: &Collocation, inside: Inside<'_, R>, bars: &mut Bars<R>) {
        let n = bars.y.len();
        for (i, lambda) in self.lambda.chunks_exact_mut(n.max(1)).enumerate() {
            add_scaled(lambda, R::from_f64(method.end[i]), &bars.y);
            for (theta, bar) in inside.iter(n) {
                add_scaled(lambda, polynomial(method.dense[i], theta).0, bar);
            }
        }
        for (_, bar) in inside.iter(n) {
            add_scaled(&mut bars.y, R::one(), bar);
        }
    }

    /// The same of a Gauss method: of the end, and of the dense output by rates.
    fn rates<F: Vjp<R>>(
        &mut self,
        method: &GaussTableau,
        evaluator: (&F, &mut F::Workspace),
        step: &Taken<'_, R>,
        inside: Inside<'_, R>,
        bars: &mut Bars<R>,
    ) {
        let n = step.y.len();
        self.end(method, step);
        self.bootstrap.end_bar.copy_from_slice(&bars.y);
        bars.y.fill(R::zero());
        self.bootstrap.pull_back(evaluator, step, &self.y_new, inside, bars);
        let end_bar = &self.bootstrap.end_bar;
        add_scaled(&mut bars.y, R::one(), end_bar);
        for (i, lambda) in self.lambda.chunks_exact_mut(n.max(1)).enumerate() {
            add_scaled(lambda, R::from_f64(method.end(i)), end_bar);
        }
    }

    /// Where the step of a Gauss method ends.
    fn end(&mut self, method: &GaussTableau, step: &Taken<'_, R>) {
        let n = step.y.len();
        self.bootstrap.fit(method.order, n);
        self.y_new.clear();
        self.y_new.extend_from_slice(step.y);
        for (i, z) in step.stages.chunks_exact(n.max(1)).enumerate() {
            add_scaled(&mut self.y_new, R::from_f64(method.end(i)), z);
        }
    }
}

impl<R: Real, F: Jacobian<R> + Vjp<R>> ReverseStep<R, F> for CollocationReverse<R> {
    fn pull_back(
        &mut self,
        field: &F,
        work: &mut F::Workspace,
        step: &Taken<'_, R>,
        inside: Inside<'_, R>,
        bars: &mut Bars<R>,
    ) -> Result<(), AdjointError> {
        let n = step.y.len();
        self.y_bar.resize(n, R::zero());
        self.f_bar.resize(n, R::zero());
        self.lambda.clear();
        self.lambda.resize(step.stages.len(), R::zero());
        (bars.t, bars.h) = (R::zero(), R::zero());
        match step.formula {
            Formula::Collocation(method) => {
                self.polynomial(method, inside, bars);
                self.through_stages((method.a, method.c), (field, work), step, bars)
            }
            Formula::Gauss(method) => {
                self.rates(method, (field, &mut *work), step, inside, bars);
                self.through_stages((method.a, method.c), (field, work), step, bars)
            }
            _ => Err(AdjointError::NoPassBack),
        }
    }

    fn rate(
        &mut self,
        field: &F,
        work: &mut F::Workspace,
        step: &Taken<'_, R>,
        theta: R,
        rate: &mut [R],
    ) -> Result<(), AdjointError> {
        match step.formula {
            Formula::Collocation(method) => {
                rate.fill(R::zero());
                for (weights, z) in method.dense.iter().zip(step.stages.chunks_exact(step.y.len().max(1))) {
                    add_scaled(rate, polynomial(weights, theta).1 / step.h, z);
                }
            }
            Formula::Gauss(method) => {
                self.end(method, step);
                self.bootstrap.rate((field, work), step, &self.y_new, theta, rate);
            }
            _ => return Err(AdjointError::NoPassBack),
        }
        Ok(())
    }
}

/// `aᵀ M b`.
pub(crate) fn paired_with_mass<R: Real, F: Jacobian<R>>(field: &F, a: &[R], b: &[R]) -> R {
    match field.mass() {
        None => dot(a, b),
        Some(mass) => {
            let terms = mass.sparsity().places().zip(mass.entries()).map(|((i, j), m)| a[i] * *m * b[j]);
            terms.fold(R::zero(), |sum, term| sum + term)
        }
    }
}

/// `∂f/∂y` as a full matrix, row by row; of the implicit part of a field that is `split`.
pub(crate) fn dense_jacobian<R: Real, F: Jacobian<R>>(
    field: &F,
    split: bool,
    (t, y): (R, &[R]),
    (jac, time): (&mut [R], &mut [R]),
    work: &mut <F as VectorField<R>>::Workspace,
) {
    let n = y.len();
    let mut evaluate = |jac: &mut [R]| match split {
        false => field.jacobian(t, y, jac, time, work),
        true => field.stiff_jacobian(t, y, jac, time, work),
    };
    let Some(pattern) = field.sparsity() else { return evaluate(jac) };
    // The entries are written in front and moved to their places from the last on: none is overwritten before it is moved.
    let (entries, rest) = jac.split_at_mut(pattern.len());
    evaluate(entries);
    rest.fill(R::zero());
    for i in (0..n).rev() {
        for (at, &j) in pattern.range(i).zip(pattern.row(i)).rev() {
            let entry = core::mem::replace(&mut jac[at], R::zero());
            jac[i * n + j] = entry;
        }
    }
}
