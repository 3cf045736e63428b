//! The discrete adjoint is the exact derivative of the steps that were taken, by every method that has one.

use vecfield_adjoint::{AdjointError, Budget, Cotangents, Discrete, Gradient};
use vecfield_expr::{Graph, Scope, SymbolicAt, SymbolicField};
use vecfield_laws::difference;
use vecfield_solvers::{Kind, Method, Options};

/// A forced, damped, nonlinear oscillator with a fast component: every derivative is there.
const EQUATIONS: [&str; 3] = ["v", "-a*sin(x) - b*v + 0.3*cos(2*t)*z", "c*(x*x - z) + 0.1*tanh(v)"];
/// The same without damping, in two halves: the rates of `x` and `z` depend on `v`, that of `v` on them.
const SEPARABLE: [&str; 3] = ["v + 0.1*sin(t)", "-a*sin(x) - b*z*z + 0.3*cos(2*t)", "c*tanh(v)"];
const THETA: [f64; 3] = [1.3, 0.2, 2.0];
const START: [f64; 3] = [0.8, -0.3, 0.5];
/// Between steps, at none of their ends.
const TIMES: [f64; 3] = [0.33, 1.27, 2.0];
const WEIGHTS: [f64; 9] = [0.3, -1.0, 0.7, 0.2, 0.9, -0.4, 1.0, 0.5, -0.6];

/// The part of [`EQUATIONS`] that implicit–explicit pairs treat implicitly.
const STIFF: [&str; 3] = ["0", "-b*v", "-c*z + 0.05*tanh(v)*cos(t)"];
/// An algebraic equation, the last, for `z`.
const ALGEBRAIC: [&str; 3] =
    ["v + 0.1*z", "-a*sin(x) - b*v + 0.3*cos(2*t)*z", "z + 0.1*z*z*z - c*x + 0.2*sin(t) - 0.1*v"];

/// What a method is to be shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Problem {
    Whole,
    Separable,
    Split,
    Algebraic,
}

impl Problem {
    const ALL: [Problem; 4] = [Problem::Whole, Problem::Separable, Problem::Split, Problem::Algebraic];

    pub(crate) fn family(self) -> SymbolicField {
        let mut graph = Graph::new();
        let scope = Scope::new(["t", "x", "v", "z", "a", "b", "c"]).unwrap();
        let mut parse = |texts: [&str; 3]| texts.map(|text| graph.parse(text, &scope).unwrap());
        let equations = parse(match self {
            Problem::Whole | Problem::Split => EQUATIONS,
            Problem::Separable => SEPARABLE,
            Problem::Algebraic => ALGEBRAIC,
        });
        let stiff = parse(STIFF);
        let (states, parameters) = (["x", "v", "z"], ["a", "b", "c"]);
        match self {
            Problem::Split => SymbolicField::split(&mut graph, &equations, &stiff, &states, &parameters).unwrap(),
            _ => {
                let family = SymbolicField::new(&mut graph, &equations, &states, &parameters).unwrap();
                family.with_algebraic(if self == Problem::Algebraic { vec![2] } else { vec![] })
            }
        }
    }

    /// Is the method different for it?
    fn suits(self, method: Method) -> bool {
        let pair = matches!(method, Method::DiagonallyImplicit(tableau) if tableau.explicit.is_some());
        match self {
            Problem::Whole => method.kind() != Kind::Symplectic,
            Problem::Separable => method.kind() == Kind::Symplectic,
            Problem::Split => pair,
            Problem::Algebraic => method.mass(),
        }
    }
}

/// Methods without a pass back.
const WITHOUT: [&str; 2] = ["gbs", "taylor"];

/// Every method that has one, with the problems it is shown.
fn cases() -> impl Iterator<Item = (Method, Problem)> {
    let with = Method::all().filter(|method| !WITHOUT.contains(&method.name()));
    with.flat_map(|method| Problem::ALL.map(|problem| (method, problem)))
        .filter(|(method, problem)| problem.suits(*method))
}

/// How far differences of the numbers can be trusted, where everything else is smooth to `otherwise`. Diagonally implicit
/// methods resolve the rate of an algebraic component at the beginning from residuals of 1e-16 times 1e10; the trapezoidal rule
/// remembers it.
fn noise((method, problem): (Method, Problem), remembered: bool, otherwise: f64) -> f64 {
    let resolved = problem == Problem::Algebraic && matches!(method, Method::DiagonallyImplicit(_));
    if resolved && (remembered || method.name() == "trapezoid") { 1e-4 } else { otherwise }
}

pub(crate) fn family() -> SymbolicField {
    Problem::Whole.family()
}

fn weighted(states: &[f64]) -> f64 {
    states.iter().zip(WEIGHTS).map(|(y, w)| y * w).sum()
}

/// The value and the gradient of the weighted states at `TIMES`, and the number of steps.
fn gradient(
    (method, problem): (Method, Problem),
    options: &Options<f64>,
    budget: Budget,
    (t0, t1): (f64, f64),
    start: &[f64],
    theta: &[f64],
) -> Result<(f64, Gradient<f64>, u64), AdjointError> {
    let family = problem.family();
    let mut field: SymbolicAt<'_, f64> = family.at(theta.to_vec());
    let mut adjoint = Discrete::new(method, 3, options, budget)?;
    let times = [TIMES[0], TIMES[1], t1];
    let solution = adjoint.solve(&mut field, (t0, t1), start, &times)?;
    let gradient = adjoint.pull_back(&mut field, &Cotangents::saved(&WEIGHTS))?;
    Ok((weighted(&solution.y), gradient, solution.stats.steps))
}

#[test]
fn methods_without_a_pass_back_say_so() {
    for name in WITHOUT {
        let at = (Method::named(name).unwrap(), Problem::Whole);
        let refused = gradient(at, &Options::fixed(0.0625), Budget::everything(), (0.0, 2.0), &START, &THETA);
        assert_eq!(refused.unwrap_err(), AdjointError::NoPassBack, "{name}");
    }
}

/// Steps of a fixed size make the numerical solution a smooth function of everything.
#[test]
fn gradients_are_finite_differences_of_the_numbers() -> Result<(), AdjointError> {
    for (method, problem) in cases() {
        let (name, noise) = (format!("{} {problem:?}", method.name()), noise((method, problem), false, 2e-9));
        let options = Options::fixed(0.0625);
        let at = |t1: f64, start: &[f64], theta: &[f64]| {
            gradient((method, problem), &options, Budget::everything(), (0.0, t1), start, theta)
        };
        let (_, found, _) = at(2.03, &START, &THETA)?;
        let value = |t1: f64, start: &[f64], theta: &[f64]| at(t1, start, theta).unwrap().0;
        for i in 0..3 {
            let moved =
                |x: &[f64; 3], h: f64| core::array::from_fn::<f64, 3, _>(|j| if i == j { x[j] + h } else { x[j] });
            let by_start = difference(|h| value(2.03, &moved(&START, h), &THETA));
            let by_theta = difference(|h| value(2.03, &START, &moved(&THETA, h)));
            // Differences are good to 1e-10; the stages of implicit methods are solved to about that.
            for (what, found, by) in [("y0", found.initial[i], by_start), ("theta", found.parameters[i], by_theta)] {
                assert!((found - by).abs() < noise, "{name} by {what}[{i}]: {found}, differences {by}");
            }
        }
        let by = difference(|h| value(2.03 + h, &START, &THETA));
        assert!((found.t1 - by).abs() < noise, "{name} by t1: {}, differences {by}", found.t1);
    }
    Ok(())
}

/// One step from beginning to end: then the beginning, too, is a smooth argument of the numbers.
#[test]
fn the_beginning_is_an_argument_too() -> Result<(), AdjointError> {
    for (method, problem) in cases() {
        let family = problem.family();
        let field = family.at(THETA.to_vec());
        let at = |t0: f64| -> Result<(f64, f64), AdjointError> {
            let mut adjoint = Discrete::new(method, 3, &Options::fixed(1.0), Budget::everything())?;
            let mut field = field.clone();
            let solution = adjoint.solve(&mut field, (t0, 0.3), &START, &[0.1, 0.25, 0.3])?;
            let found = adjoint.pull_back(&mut field, &Cotangents::saved(&WEIGHTS))?;
            Ok((weighted(&solution.y), found.t0))
        };
        let (_, found) = at(0.0)?;
        let by = difference(|h| at(h).unwrap().0);
        // The weights of some interpolants are so large that differences of rounded states are good to 1e-9 only.
        let noise = noise((method, problem), true, 1e-8);
        assert!((found - by).abs() < noise, "{} {problem:?} by t0: {found}, differences {by}", method.name());
    }
    Ok(())
}

/// Steps chosen by the tolerance, of any length and order: all methods approach one gradient.
#[test]
fn adaptive_gradients_are_those_of_the_equation() -> Result<(), AdjointError> {
    for problem in Problem::ALL {
        let tight = Options::tolerances(1e-12, 1e-12);
        let reference = if problem == Problem::Algebraic { Method::Radau5 } else { Method::named("verner9")? };
        let (_, truth, _) = gradient((reference, problem), &tight, Budget::everything(), (0.0, 2.0), &START, &THETA)?;
        for (method, _) in cases().filter(|case| case.1 == problem && !case.0.fixed_step()) {
            let rtol = if method.order().1 < 4 { 1e-6 } else { 1e-9 };
            let options = Options { max_steps: 1_000_000, ..Options::tolerances(rtol, rtol) };
            let (_, found, steps) =
                gradient((method, problem), &options, Budget::default(), (0.0, 2.0), &START, &THETA)?;
            // The first step of a multistep method is so short that its error, within the tolerance, has a slope by t0 beyond.
            let numbers = |g: &Gradient<f64>| [&g.initial[..], &g.parameters, &[g.t1]].concat();
            for (i, (found, truth)) in numbers(&found).into_iter().zip(numbers(&truth)).enumerate() {
                let name = method.name();
                assert!((found - truth).abs() < 2e3 * rtol, "{name} {problem:?} {i}: {found}, not {truth} ({steps})");
            }
        }
    }
    Ok(())
}

fn same(a: &Gradient<f64>, b: &Gradient<f64>) -> bool {
    (&a.initial, &a.parameters, a.t0, a.t1) == (&b.initial, &b.parameters, b.t0, b.t1)
}

#[test]
fn every_budget_gives_the_same_bits() -> Result<(), AdjointError> {
    for (method, problem) in cases() {
        let step = if method.fixed_step() { Some(0.02) } else { None };
        // Methods of orders one and two take as many steps at 1e-3 as the others at 1e-5 and less.
        let rtol = if method.order().1 <= 2 { 1e-3 } else { 1e-5 };
        let options = Options { step, ..Options::tolerances(rtol, 1e-2 * rtol) };
        let at = |budget| gradient((method, problem), &options, budget, (0.0, 2.0), &START, &THETA);
        let (value, kept, steps) = at(Budget::everything())?;
        for budget in [Budget::slots(2), Budget::slots(7), Budget::slots(64), Budget::bytes(1 << 13)] {
            match at(budget) {
                Err(AdjointError::NoCheckpoints { .. }) => {}
                found => {
                    let (again, found, _) = found?;
                    let repeated = found.repeated;
                    assert!(repeated <= 100 * steps, "{}: {repeated} of {steps} steps again", method.name());
                    assert!(again == value && same(&found, &kept), "{} {budget:?}", method.name());
                }
            }
        }
    }
    Ok(())
}
