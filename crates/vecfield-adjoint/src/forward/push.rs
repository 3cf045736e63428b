//! The derivative of one step, for as many directions at once as a dual has lanes.

use vecfield_autodiff::{Dual, LANES};
use vecfield_solvers::stepper::{Collocation, Formula};
use vecfield_solvers::tableau::Tableau;
use vecfield_traits::{Jacobian, ParametricField, Real, Scalar};

use crate::AdjointError;
use crate::reverse::collocation::StageMatrix;
use crate::reverse::{Taken, polynomial};

type Lanes<R> = Dual<R, LANES>;

/// Pushes tangents over a step: `prepare` once, then for each group of directions `begin`, and `dense` or `end`.
pub(super) struct Push<'f, R: Real, G: ParametricField<Lanes<R>>> {
    family: &'f G,
    work: G::Workspace,
    theta: Vec<Lanes<R>>,
    matrix: StageMatrix<R>,
    formula: Option<Formula>,
    t: Lanes<R>,
    h: Lanes<R>,
    y: Vec<Lanes<R>>,
    /// Stages `k_i` with their tangents, or stages `z_i`; `[slots, n]`.
    stages: Vec<Lanes<R>>,
    state: Vec<Lanes<R>>,
    rates: Vec<Lanes<R>>,
    column: Vec<R>,
}

impl<'f, R: Real, G: ParametricField<Lanes<R>>> Push<'f, R, G> {
    pub(super) fn new(family: &'f G, theta: &[R], n: usize) -> Self {
        let still = Lanes::lift(R::zero());
        Push {
            family,
            work: family.workspace(),
            theta: theta.iter().map(|&value| Dual::lift(value)).collect(),
            matrix: StageMatrix::default(),
            formula: None,
            t: still,
            h: still,
            y: vec![still; n],
            stages: Vec::new(),
            state: vec![still; n],
            rates: Vec::new(),
            column: Vec::new(),
        }
    }

    /// What all directions share.
    pub(super) fn prepare<F: Jacobian<R>>(
        &mut self,
        step: &Taken<'_, R>,
        field: &F,
        work: &mut F::Workspace,
    ) -> Result<(), AdjointError> {
        self.formula = Some(step.formula);
        match step.formula {
            Formula::Explicit(_) => Ok(()),
            Formula::Collocation(method) => self.matrix.factorize((method.a, method.c), field, work, step),
            _ => Err(AdjointError::NoPushForward),
        }
    }

    /// Takes up directions: tangents of the state `[lanes, n]`, of the parameters `[lanes, p]`, and of the step's beginning.
    pub(super) fn begin(
        &mut self,
        step: &Taken<'_, R>,
        tangents: &[R],
        theta_dot: &[R],
        t_dot: [R; LANES],
    ) -> Result<(), AdjointError> {
        let (n, p) = (step.y.len(), self.theta.len());
        self.t = Dual { value: step.t, tangent: t_dot };
        self.h = Dual { value: step.h, tangent: t_dot.map(|t_dot| -t_dot) };
        gather(&mut self.y, step.y, tangents, n);
        for (j, theta) in self.theta.iter_mut().enumerate() {
            theta.tangent = [R::zero(); LANES];
            for (lane, row) in theta_dot.chunks_exact(p.max(1)).enumerate() {
                theta.tangent[lane] = row[j];
            }
        }
        match step.formula {
            Formula::Explicit(tableau) => self.explicit(tableau),
            Formula::Collocation(method) => self.collocation(method, step),
            _ => return Err(AdjointError::NoPushForward),
        }
        Ok(())
    }

    fn explicit(&mut self, tableau: &Tableau) {
        let n = self.y.len();
        self.stages.resize(tableau.slots() * n, Dual::lift(R::zero()));
        for slot in 0..tableau.slots() {
            let (row, c) = tableau.slot(slot);
            let (known, unknown) = self.stages.split_at_mut(slot * n);
            weigh(&self.y, self.h, row, known, &mut self.state);
            let t = self.t + self.h.scale(R::from_f64(c));
            self.family.eval(t, &self.state, &self.theta, &mut unknown[..n], &mut self.work);
        }
    }

    fn collocation(&mut self, method: &Collocation, step: &Taken<'_, R>) {
        let (n, s) = (step.y.len(), method.c.len());
        self.stages.resize(s * n, Dual::lift(R::zero()));
        self.rates.resize(s * n, Dual::lift(R::zero()));
        for j in 0..s {
            for i in 0..n {
                self.state[i] = self.y[i] + step.stages[j * n + i];
            }
            let t = self.t + self.h.scale(R::from_f64(method.c[j]));
            self.family.eval(t, &self.state, &self.theta, &mut self.rates[j * n..][..n], &mut self.work);
        }
        // h Σ a_ij f_j, whose tangents are the right-hand sides: what the stages would move by if they did not move each other.
        for i in 0..s {
            weigh(&[], self.h, method.a[i], &self.rates, &mut self.stages[i * n..][..n]);
        }
        self.column.resize(s * n, R::zero());
        for lane in 0..LANES {
            for (entry, stage) in self.column.iter_mut().zip(&self.stages) {
                *entry = stage.tangent[lane];
            }
            self.matrix.solve(&mut self.column);
            for (stage, entry) in self.stages.iter_mut().zip(&self.column) {
                stage.tangent[lane] = *entry;
            }
        }
        for (stage, value) in self.stages.iter_mut().zip(step.stages) {
            stage.value = *value;
        }
    }

    /// Writes the tangents of the end of the step, `[lanes, n]`.
    pub(super) fn end(&mut self, tangents: &mut [R]) {
        match self.formula {
            Some(Formula::Explicit(tableau)) => {
                weigh(&self.y, self.h, tableau.b, &self.stages, &mut self.state);
            }
            Some(Formula::Collocation(method)) => {
                weigh(&self.y, Dual::lift(R::one()), method.end, &self.stages, &mut self.state);
            }
            _ => {}
        }
        scatter(&self.state, tangents);
    }

    /// Writes the tangents of the dense output at a fixed time, now the fraction `theta` of the step, and its rate there.
    pub(super) fn dense(&mut self, step: &Taken<'_, R>, theta: R, tangents: &mut [R], rate: &mut [R]) {
        let n = step.y.len();
        let (weights, h): (&[&[f64]], Lanes<R>) = match self.formula {
            Some(Formula::Explicit(tableau)) => (tableau.interpolant.weights, self.h),
            Some(Formula::Collocation(method)) => (method.dense, Dual::lift(R::one())),
            _ => (&[], Dual::lift(R::zero())),
        };
        rate.fill(R::zero());
        self.state.copy_from_slice(&self.y);
        for (slot, weights) in weights.iter().enumerate() {
            let (value, slope) = polynomial(weights, theta);
            for i in 0..n {
                let stage = self.stages[slot * n + i];
                self.state[i] += stage.scale(value) * h;
                rate[i] += stage.value * slope * h.value / step.h;
            }
        }
        // The time stays where it is while the ends of the step move.
        for (state, rate) in self.state.iter_mut().zip(rate.iter()) {
            for lane in 0..LANES {
                let fraction_dot = -(self.t.tangent[lane] + theta * self.h.tangent[lane]);
                state.tangent[lane] += *rate * fraction_dot;
            }
        }
        scatter(&self.state, tangents);
    }
}

/// `out = y + h Σ w_j k_j`; an empty `y` is zero.
fn weigh<R: Real>(y: &[Lanes<R>], h: Lanes<R>, weights: &[f64], stages: &[Lanes<R>], out: &mut [Lanes<R>]) {
    let n = out.len();
    for (i, out) in out.iter_mut().enumerate() {
        let mut sum = Dual::lift(R::zero());
        for (slot, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight != 0.0) {
            sum += stages[slot * n + i].scale(R::from_f64(weight));
        }
        *out = h * sum + y.get(i).copied().unwrap_or(Dual::lift(R::zero()));
    }
}

/// Values with the tangents `[lanes, n]`.
fn gather<R: Real>(duals: &mut [Lanes<R>], values: &[R], tangents: &[R], n: usize) {
    for (i, (dual, &value)) in duals.iter_mut().zip(values).enumerate() {
        *dual = Dual::lift(value);
        for (lane, row) in tangents.chunks_exact(n).enumerate() {
            dual.tangent[lane] = row[i];
        }
    }
}

/// The tangents, `[lanes, n]`.
fn scatter<R: Real>(duals: &[Lanes<R>], tangents: &mut [R]) {
    for (lane, row) in tangents.chunks_exact_mut(duals.len()).enumerate() {
        for (tangent, dual) in row.iter_mut().zip(duals) {
            *tangent = dual.tangent[lane];
        }
    }
}
