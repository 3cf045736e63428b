//! Backsolve: the adjoint equation integrated backwards together with the state, from a fixed number of states.
//!
//! ```text
//! dy/dt = f        da/dt = -(∂f/∂y)ᵀ a        dg/dt = -(∂f/∂θ)ᵀ a
//! ```
//!
//! The state that comes back is not the one that went forth: where a solve forgets its beginning, the way back has to invent it,
//! and the gradient is wrong without a sign of it. So the state is taken up anew at 512 places, and everything is done twice, the
//! second time with a tolerance 32 times finer: the difference is the estimate of the error. Two solves may agree by chance, so
//! no error is estimated below the finer tolerance, relative to the largest entry of the gradient.

use vecfield_solvers::tableau::Tableau;
use vecfield_solvers::{ErrorNorm, Integrator, Options, Save, Solution, SolveError, Tolerance};
use vecfield_traits::{Real, VectorField, Vjp};

use crate::AdjointError;
use crate::discrete::{Cotangents, Gradient};
use crate::reverse::{add_scaled, dot};

/// States kept on the way forth. Between two of them the state is integrated back; what a dissipative problem has forgotten
/// is then not more than it forgets in this part of the interval.
const PLACES: usize = 512;

/// By how much the second solve is more accurate.
const FINER: f64 = 1.0 / 32.0;

/// A gradient with an estimate of its error.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Estimated<R> {
    /// The gradient, of the finer of two solves.
    pub gradient: Gradient<R>,
    /// The estimated error of each entry by the initial state, `[n]`.
    pub initial_error: Vec<R>,
    /// The estimated error of each entry by the parameters.
    pub parameter_error: Vec<R>,
}

/// Solves from `t0` to `t1` by an explicit method, and integrates the adjoint equation back from there.
///
/// Of the cotangents, those of events are not used: there are none.
///
/// # Errors
///
/// Those of the solve, forwards or back: a problem that cannot be followed backwards ends there. Cotangents that do not fit.
pub fn backsolve<R: Real, F: Vjp<R>>(
    tableau: &'static Tableau,
    field: &F,
    (t0, t1): (R, R),
    y0: &[R],
    save: &[R],
    cotangents: &Cotangents<'_, R>,
    options: &Options<R>,
) -> Result<(Solution<R>, Estimated<R>), AdjointError> {
    let expected = save.len() * y0.len();
    if !cotangents.saved.is_empty() && cotangents.saved.len() != expected {
        let found = cotangents.saved.len();
        return Err(AdjointError::Dimension { what: "the cotangent of the saved states", found, expected });
    }
    let (_, coarse) = once(tableau, field, (t0, t1), y0, save, cotangents, options)?;
    let finer = |x: R| x * R::from_f64(FINER);
    let options = Options {
        // Below rounding there is nothing to gain.
        rtol: finer(options.rtol).max(R::from_f64(10.0) * R::EPSILON),
        atol: match &options.atol {
            Tolerance::All(atol) => Tolerance::All(finer(*atol)),
            Tolerance::Each(each) => Tolerance::Each(each.iter().map(|&atol| finer(atol)).collect()),
        },
        step: options.step.map(|step| step.scale(R::from_f64(0.5))),
        ..options.clone()
    };
    let (solution, gradient) = once(tableau, field, (t0, t1), y0, save, cotangents, &options)?;
    let initial_error = estimates(&gradient.initial, &coarse.initial, options.rtol);
    let parameter_error = estimates(&gradient.parameters, &coarse.parameters, options.rtol);
    Ok((solution, Estimated { gradient, initial_error, parameter_error }))
}

/// By how much the entries of two gradients differ, at least `rtol` of the largest of them.
fn estimates<R: Real>(finer: &[R], coarse: &[R], rtol: R) -> Vec<R> {
    let least = rtol * finer.iter().fold(R::zero(), |largest, entry| largest.max(entry.abs()));
    finer.iter().zip(coarse).map(|(&a, &b)| (a - b).abs() + least).collect()
}

/// There and back.
fn once<R: Real, F: Vjp<R>>(
    tableau: &'static Tableau,
    field: &F,
    (t0, t1): (R, R),
    y0: &[R],
    save: &[R],
    cotangents: &Cotangents<'_, R>,
    options: &Options<R>,
) -> Result<(Solution<R>, Gradient<R>), AdjointError> {
    let (n, p) = (y0.len(), field.parameters().len());
    let mut forth = Integrator::explicit(tableau, n, options)?;
    let kept = if save.is_empty() { Save::End } else { Save::At(save) };
    let solution = forth.solve(field, (t0, t1), y0, kept).map_err(SolveError::from)?;
    let places = places((t0, t1), save);
    let path = forth.solve(field, (t0, t1), y0, Save::At(&places)).map_err(SolveError::from)?;
    let (mut work, mut rate) = (field.workspace(), vec![R::zero(); n]);
    // State, adjoint, gradient.
    let mut state = path.last().to_vec();
    state.resize(2 * n + p, R::zero());
    add_scaled(&mut state[n..2 * n], R::one(), cotangents.end);
    let mut saved = save.len();
    let mut add_saved = |t: R, state: &mut [R]| {
        while saved > 0 && save[saved - 1] == t {
            saved -= 1;
            let row = cotangents.saved.get(saved * n..(saved + 1) * n).unwrap_or(&[]);
            add_scaled(&mut state[n..2 * n], R::one(), row);
        }
    };
    add_saved(t1, &mut state);
    field.eval(t1, &state[..n], &mut rate, &mut work);
    let t1_bar = cotangents.end_time + dot(&state[n..2 * n], &rate);
    let mut back = Integrator::explicit(tableau, 2 * n + p, &extended(options, n, p))?;
    let adjoint = Adjoint { field, n, p };
    for place in (0..places.len()).rev() {
        state[..n].copy_from_slice(path.state(place));
        let next = if place > 0 { places[place - 1] } else { t0 };
        let stretch = back.solve(&adjoint, (places[place], next), &state, Save::End).map_err(SolveError::from)?;
        state.copy_from_slice(stretch.last());
        add_saved(next, &mut state);
    }
    field.eval(t0, y0, &mut rate, &mut work);
    let (initial, parameters) = (state[n..2 * n].to_vec(), state[2 * n..].to_vec());
    let t0_bar = -dot(&initial, &rate);
    Ok((solution, Gradient { initial, parameters, t0: t0_bar, t1: t1_bar, repeated: 0 }))
}

/// The places at which the state is kept on the way forth, in its order: the save times and [`PLACES`] evenly spaced ones.
fn places<R: Real>((t0, t1): (R, R), save: &[R]) -> Vec<R> {
    let share = |i: usize| R::from_f64(i as f64 / PLACES as f64);
    let mut places: Vec<R> = (1..PLACES).map(|i| t0 + (t1 - t0) * share(i)).chain([t1]).collect();
    places.extend(save.iter().filter(|&&t| t != t0));
    places.sort_by(|a, b| {
        let order = a.partial_cmp(b).unwrap_or(core::cmp::Ordering::Equal);
        if t1 < t0 { order.reverse() } else { order }
    });
    places.dedup();
    places
}

/// The tolerances of the state for its part, and the smallest of them for adjoint and gradient; a caller's own norm is left out.
fn extended<R: Real>(options: &Options<R>, n: usize, p: usize) -> Options<R> {
    let mut each = match &options.atol {
        Tolerance::All(atol) => vec![*atol; n],
        Tolerance::Each(each) => each.clone(),
    };
    let least = each.iter().fold(R::INFINITY, |least, &atol| least.min(atol));
    each.resize(2 * n + p, least);
    let norm = match &options.norm {
        ErrorNorm::Own(_) => ErrorNorm::default(), // it is of the state
        known => known.clone(),
    };
    Options { atol: Tolerance::Each(each), norm, ..options.clone() }
}

/// State, adjoint and gradient as one field.
struct Adjoint<'f, F> {
    field: &'f F,
    n: usize,
    p: usize,
}

impl<R: Real, F: Vjp<R>> VectorField<R> for Adjoint<'_, F> {
    type Workspace = F::Workspace;

    fn workspace(&self) -> F::Workspace {
        self.field.workspace()
    }

    fn dim(&self) -> usize {
        2 * self.n + self.p
    }

    fn eval(&self, t: R, state: &[R], rates: &mut [R], work: &mut F::Workspace) {
        let (y, a) = state[..2 * self.n].split_at(self.n);
        let (dy, rest) = rates.split_at_mut(self.n);
        self.field.eval(t, y, dy, work);
        rest.fill(R::zero());
        let (da, dg) = rest.split_at_mut(self.n);
        self.field.vjp(t, y, a, da, dg, work);
        rest.iter_mut().for_each(|rate| *rate = -*rate);
    }
}
