//! The discrete adjoint is the exact derivative of the steps that were taken, by every method that has one.

use vecfield_adjoint::{AdjointError, Budget, Cotangents, Discrete, Gradient};
use vecfield_expr::{Graph, Scope, SymbolicAt, SymbolicField};
use vecfield_solvers::{Kind, Method, Options, SolveError};

/// A forced, damped, nonlinear oscillator with a fast component: every derivative is there.
const EQUATIONS: [&str; 3] = ["v", "-a*sin(x) - b*v + 0.3*cos(2*t)*z", "c*(x*x - z) + 0.1*tanh(v)"];
/// The same without damping, in two halves: the rates of `x` and `z` depend on `v`, that of `v` on them.
const SEPARABLE: [&str; 3] = ["v + 0.1*sin(t)", "-a*sin(x) - b*z*z + 0.3*cos(2*t)", "c*tanh(v)"];
const THETA: [f64; 3] = [1.3, 0.2, 2.0];
const START: [f64; 3] = [0.8, -0.3, 0.5];
/// Between steps, at none of their ends.
const TIMES: [f64; 3] = [0.33, 1.27, 2.0];
const WEIGHTS: [f64; 9] = [0.3, -1.0, 0.7, 0.2, 0.9, -0.4, 1.0, 0.5, -0.6];

pub(crate) fn family() -> SymbolicField {
    compiled(EQUATIONS)
}

/// A problem that the method takes.
fn family_for(method: Method) -> SymbolicField {
    if method.kind() == Kind::Symplectic { compiled(SEPARABLE) } else { family() }
}

fn compiled(equations: [&str; 3]) -> SymbolicField {
    let mut graph = Graph::new();
    let scope = Scope::new(["t", "x", "v", "z", "a", "b", "c"]).unwrap();
    let equations = equations.map(|text| graph.parse(text, &scope).unwrap());
    SymbolicField::new(&mut graph, &equations, &["x", "v", "z"], &["a", "b", "c"]).unwrap()
}

fn weighted(states: &[f64]) -> f64 {
    states.iter().zip(WEIGHTS).map(|(y, w)| y * w).sum()
}

/// The value and the gradient of the weighted states at `TIMES`, and the number of steps.
fn gradient(
    method: Method,
    options: &Options<f64>,
    budget: Budget,
    (t0, t1): (f64, f64),
    start: &[f64],
    theta: &[f64],
) -> Result<Option<(f64, Gradient<f64>, u64)>, AdjointError> {
    let family = family_for(method);
    let mut field: SymbolicAt<'_, f64> = family.at(theta.to_vec());
    let mut adjoint = Discrete::new(method, 3, options, budget)?;
    let times = [TIMES[0], TIMES[1], t1];
    let solution = match adjoint.solve(&mut field, (t0, t1), start, &times) {
        Err(unfinished) if has_none(&unfinished.error) => return Ok(None),
        ended => ended?,
    };
    let gradient = match adjoint.pull_back(&mut field, &Cotangents::saved(&WEIGHTS)) {
        Err(error) if has_none(&error) => return Ok(None),
        found => found?,
    };
    Ok(Some((weighted(&solution.y), gradient, solution.stats.steps)))
}

/// Is this why the method cannot solve the problem at all, or has no pass back?
fn has_none(error: &AdjointError) -> bool {
    matches!(
        error,
        AdjointError::NoPassBack | AdjointError::Solve(SolveError::NotOffered { .. } | SolveError::StepRequired { .. })
    )
}

/// `d/dh` at 0, central with one extrapolation.
fn difference(f: impl Fn(f64) -> f64) -> f64 {
    let central = |h: f64| (f(h) - f(-h)) / (2.0 * h);
    (4.0 * central(5e-4) - central(1e-3)) / 3.0
}

/// Steps of a fixed size make the numerical solution a smooth function of everything.
#[test]
fn gradients_are_finite_differences_of_the_numbers() -> Result<(), AdjointError> {
    let mut checked = 0;
    for method in Method::all() {
        let options = Options::fixed(0.0625);
        let at = |t1: f64, start: &[f64], theta: &[f64]| {
            gradient(method, &options, Budget::everything(), (0.0, t1), start, theta)
                .map(|found| found.map(|f| (f.0, f.1)))
        };
        let Some((_, found)) = at(2.03, &START, &THETA)? else { continue };
        checked += 1;
        let value = |t1: f64, start: &[f64], theta: &[f64]| at(t1, start, theta).unwrap().unwrap().0;
        for i in 0..3 {
            let moved =
                |x: &[f64; 3], h: f64| core::array::from_fn::<f64, 3, _>(|j| if i == j { x[j] + h } else { x[j] });
            let by_start = difference(|h| value(2.03, &moved(&START, h), &THETA));
            let by_theta = difference(|h| value(2.03, &START, &moved(&THETA, h)));
            // Differences are good to 1e-10; the stages of implicit methods are solved to about that.
            for (what, found, by) in [("y0", found.initial[i], by_start), ("theta", found.parameters[i], by_theta)] {
                assert!((found - by).abs() < 2e-9, "{} by {what}[{i}]: {found}, differences {by}", method.name());
            }
        }
        let by = difference(|h| value(2.03 + h, &START, &THETA));
        assert!((found.t1 - by).abs() < 2e-9, "{} by t1: {}, differences {by}", method.name(), found.t1);
    }
    assert!(checked >= 10);
    Ok(())
}

/// One step from beginning to end: then the beginning, too, is a smooth argument of the numbers.
#[test]
fn the_beginning_is_an_argument_too() -> Result<(), AdjointError> {
    for method in Method::all() {
        let family = family_for(method);
        let field = family.at(THETA.to_vec());
        let at = |t0: f64| -> Result<Option<(f64, f64)>, AdjointError> {
            let mut adjoint = Discrete::new(method, 3, &Options::fixed(1.0), Budget::everything())?;
            let mut field = field.clone();
            let solution = match adjoint.solve(&mut field, (t0, 0.3), &START, &[0.1, 0.25, 0.3]) {
                Err(unfinished) if has_none(&unfinished.error) => return Ok(None),
                ended => ended?,
            };
            match adjoint.pull_back(&mut field, &Cotangents::saved(&WEIGHTS)) {
                Err(error) if has_none(&error) => Ok(None),
                found => Ok(Some((weighted(&solution.y), found?.t0))),
            }
        };
        let Some((_, found)) = at(0.0)? else { continue };
        let by = difference(|h| at(h).unwrap().unwrap().0);
        // The weights of some interpolants are so large that differences of rounded states are good to 1e-9 only.
        assert!((found - by).abs() < 1e-8, "{} by t0: {found}, differences {by}", method.name());
    }
    Ok(())
}

fn same(a: &Gradient<f64>, b: &Gradient<f64>) -> bool {
    (&a.initial, &a.parameters, a.t0, a.t1) == (&b.initial, &b.parameters, b.t0, b.t1)
}

#[test]
fn every_budget_gives_the_same_bits() -> Result<(), AdjointError> {
    for method in Method::all() {
        let step = if method.fixed_step() { Some(0.02) } else { None };
        // A method of order one takes as many steps at 1e-3 as the others at 1e-5 and less.
        let rtol = if method.order().1 == 1 { 1e-3 } else { 1e-5 };
        let options = Options { step, ..Options::tolerances(rtol, 1e-2 * rtol) };
        let at = |budget| gradient(method, &options, budget, (0.0, 2.0), &START, &THETA);
        let Some((value, kept, steps)) = at(Budget::everything())? else { continue };
        for budget in [Budget::slots(2), Budget::slots(7), Budget::slots(64), Budget::bytes(1 << 13)] {
            match at(budget) {
                Err(AdjointError::NoCheckpoints { .. }) => {}
                found => {
                    let (again, found, _) = found?.expect("it has a pass back");
                    let repeated = found.repeated;
                    assert!(repeated <= 100 * steps, "{}: {repeated} of {steps} steps again", method.name());
                    assert!(again == value && same(&found, &kept), "{} {budget:?}", method.name());
                }
            }
        }
    }
    Ok(())
}
