//! The symbolic Jacobian is that of duals.

use proptest::prelude::*;
use vecfield_autodiff::ByDuals;
use vecfield_expr::{ExprField, Graph, Registers, Scope, SymbolicAt, SymbolicField, SymbolicRegisters};
use vecfield_laws::{check_parameter_vjp, check_vjp};
use vecfield_traits::{Elementary, Jacobian, ParametricField, VectorField, Vjp};

/// Equations with every kind of entry: dense and sparse, in time, and with parameters.
const EQUATIONS: [&str; 3] =
    ["a*x*(1 - y/b) + sin(t)", "x*y/(1 + z^2) - exp(-a*t)*y", "max(x, y)*z + abs(z)^1.5 - tanh(b*x)"];

proptest! {
    #[test]
    fn symbolic_is_by_duals(
        t in 0.0..2.0_f64,
        y in prop::array::uniform3(-2.0..2.0_f64),
        theta in prop::array::uniform2(0.2..2.0_f64),
    ) {
        let mut graph = Graph::new();
        let scope = Scope::new(["t", "x", "y", "z", "a", "b"]).unwrap();
        let equations = EQUATIONS.map(|text| graph.parse(text, &scope).unwrap());
        let family = SymbolicField::new(&mut graph, &equations, &["x", "y", "z"], &["a", "b"]).unwrap();
        prop_assert_eq!(family.entry_count(), 2 + 3 + 3 + 2);
        let symbolic = family.at(theta.to_vec());
        let (mut jac, mut time) = ([f64::NAN; 9], [f64::NAN; 3]);
        symbolic.jacobian(t, &y, &mut jac, &mut time, &mut symbolic.workspace());

        // The same equations as functions of the state and time alone, for the duals.
        let bound = [("a", theta[0]), ("b", theta[1])].map(|(name, value)| (graph.symbol(name), graph.constant(value)));
        let equations = equations.map(|equation| graph.substitute(equation, &bound));
        let field = ExprField::new(&graph, &equations, &["x", "y", "z"], &[""; 0]).unwrap();
        let duals = ByDuals::new(Fixed(&field));
        let (mut wanted, mut wanted_time) = ([0.0; 9], [0.0; 3]);
        duals.jacobian(t, &y, &mut wanted, &mut wanted_time, &mut duals.workspace());
        // Terms are below 10 and few; each rounds a few times.
        for (got, wanted) in jac.iter().chain(&time).zip(wanted.iter().chain(&wanted_time)) {
            prop_assert!((got - wanted).abs() <= 1e-13 * (1.0 + wanted.abs()), "{got}, by duals {wanted}");
        }
    }
}

proptest! {
    #[test]
    fn the_pullback_is_the_transpose(
        t in 0.2..2.0_f64,
        y in prop::array::uniform3(-2.0..2.0_f64),
        theta in prop::array::uniform2(0.2..2.0_f64),
        seed: u64,
    ) {
        // Differences must not step over a corner.
        prop_assume!((y[0] - y[1]).abs() > 0.05 && y[2].abs() > 0.05);
        let mut graph = Graph::new();
        let scope = Scope::new(["t", "x", "y", "z", "a", "b"]).unwrap();
        let equations = EQUATIONS.map(|text| graph.parse(text, &scope).unwrap());
        let family = SymbolicField::new(&mut graph, &equations, &["x", "y", "z"], &["a", "b"]).unwrap();
        prop_assert_eq!(check_vjp(&family.at(theta.to_vec()), t, &y, 1e-8, seed), Ok(()));
        prop_assert_eq!(check_parameter_vjp(|theta: &[f64]| family.at(theta.to_vec()), t, &y, &theta, 1e-8, seed), Ok(()));
        let along = Along { field: family.at(theta.to_vec()), t_dot: 0.7, y_dot: [0.3, -0.5, 0.9] };
        prop_assert_eq!(check_vjp(&along, t, &y, 1e-8, seed), Ok(()));
    }
}

/// `ḟ` along a fixed tangent as a field of its own, whose pullback is the second derivative of the field's.
struct Along<'a> {
    field: SymbolicAt<'a, f64>,
    t_dot: f64,
    y_dot: [f64; 3],
}

impl VectorField<f64> for Along<'_> {
    type Workspace = SymbolicRegisters<f64>;
    fn workspace(&self) -> Self::Workspace {
        self.field.workspace()
    }
    fn dim(&self) -> usize {
        3
    }
    fn eval(&self, t: f64, y: &[f64], dy: &mut [f64], work: &mut Self::Workspace) {
        let (mut jac, mut time) = ([0.0; 9], [0.0; 3]);
        self.field.jacobian(t, y, &mut jac, &mut time, work);
        for i in 0..3 {
            dy[i] = time[i] * self.t_dot + (0..3).map(|j| jac[3 * i + j] * self.y_dot[j]).sum::<f64>();
        }
    }
}

impl Vjp<f64> for Along<'_> {
    fn parameters(&self) -> &[f64] {
        self.field.parameters()
    }
    fn vjp(
        &self,
        t: f64,
        y: &[f64],
        w: &[f64],
        y_bar: &mut [f64],
        theta_bar: &mut [f64],
        work: &mut Self::Workspace,
    ) -> f64 {
        self.field.vjp_along(t, y, self.t_dot, &self.y_dot, w, y_bar, theta_bar, work).unwrap()
    }
}

#[test]
fn a_power_at_zero_has_no_slope_in_its_exponent() {
    let mut graph = Graph::new();
    let scope = Scope::new(["x", "p"]).unwrap();
    let hill = graph.parse("x^p/(1 + x^p)", &scope).unwrap();
    let family = SymbolicField::new(&mut graph, &[hill], &["x"], &["p"]).unwrap();
    let (field, mut y_bar, mut theta_bar) = (family.at(vec![2.5]), [0.0], [0.0]);
    field.vjp(0.0, &[0.0], &[1.0], &mut y_bar, &mut theta_bar, &mut field.workspace());
    assert_eq!((y_bar, theta_bar), ([0.0], [0.0]));
}

/// A chain of `n` states: each equation sees its neighbours, and time here and there.
fn chain(n: usize) -> SymbolicField {
    let names: Vec<String> = (0..n).map(|i| format!("x{i}")).collect();
    let scope = Scope::new(names.iter().map(String::as_str).chain(["t"])).unwrap();
    let mut graph = Graph::new();
    let equation = |graph: &mut Graph, i: usize| {
        let neighbours = [i.saturating_sub(1), (i + 1).min(n - 1)].map(|j| &names[j]);
        let forced = if i.is_multiple_of(3) { "*cos(t)" } else { "" };
        graph.parse(&format!("{}*{} - {}^2{forced}", neighbours[0], neighbours[1], names[i]), &scope).unwrap()
    };
    let equations: Vec<_> = (0..n).map(|i| equation(&mut graph, i)).collect();
    SymbolicField::new(&mut graph, &equations, &names, &[""; 0]).unwrap()
}

#[test]
fn a_large_sparse_jacobian_is_its_entries() {
    for (n, sparse) in [(5, false), (40, true)] {
        let family = chain(n);
        let field = family.at(vec![]);
        assert_eq!(field.sparsity().is_some(), sparse);
        let y: Vec<f64> = (0..n).map(|i| 0.3 + (i as f64).sin()).collect();
        let places = field.sparsity().map_or(n * n, |sparsity| sparsity.len());
        assert!(!sparse || places == 3 * n - 2);
        let (mut jac, mut time) = (vec![f64::NAN; places], vec![f64::NAN; n]);
        field.jacobian(0.4, &y, &mut jac, &mut time, &mut field.workspace());
        let duals = ByDuals::new(Fixed(family.field()));
        let (mut wanted, mut wanted_time) = (vec![0.0; n * n], vec![0.0; n]);
        duals.jacobian(0.4, &y, &mut wanted, &mut wanted_time, &mut duals.workspace());
        let mut found = vec![0.0; n * n];
        match field.sparsity() {
            None => found.copy_from_slice(&jac),
            Some(sparsity) => sparsity.places().zip(&jac).for_each(|((i, j), &entry)| found[i * n + j] = entry),
        }
        for (got, wanted) in found.iter().chain(&time).zip(wanted.iter().chain(&wanted_time)) {
            assert!((got - wanted).abs() < 1e-14, "{got}, by duals {wanted}");
        }
    }
}

/// A family without parameters as a field over every number.
struct Fixed<'a>(&'a ExprField);

impl<S: Elementary> VectorField<S> for Fixed<'_> {
    type Workspace = Registers<S>;
    fn workspace(&self) -> Self::Workspace {
        self.0.workspace()
    }
    fn dim(&self) -> usize {
        ParametricField::<S>::dim(self.0)
    }
    fn eval(&self, t: S, y: &[S], dy: &mut [S], work: &mut Self::Workspace) {
        self.0.eval(t, y, &[], dy, work);
    }
}

/// Parts that reach further than the equations: both Jacobians come at the places of either.
#[test]
fn a_stiff_part_has_its_jacobian_at_the_places_of_the_whole() {
    for n in [4, 40] {
        let names: Vec<String> = (0..n).map(|i| format!("x{i}")).collect();
        let scope = Scope::new(names.iter().map(String::as_str).chain(["t", "k"])).unwrap();
        let mut graph = Graph::new();
        let next = |i: usize, by: usize| &names[(i + by) % n];
        let mut all = |text: &dyn Fn(usize) -> String| -> Vec<_> {
            (0..n).map(|i| graph.parse(&text(i), &scope).unwrap()).collect()
        };
        let equations = all(&|i| format!("{}*{} + t", names[i], next(i, 1)));
        let stiff = all(&|i| if i % 2 == 0 { format!("-k*t*{}^2", next(i, 2)) } else { "0".into() });
        let split = SymbolicField::split(&mut graph, &equations, &stiff, &names, &["k"]).unwrap();
        let plain = SymbolicField::new(&mut graph, &equations, &names, &["k"]).unwrap();
        let part = SymbolicField::new(&mut graph, &stiff, &names, &["k"]).unwrap();
        let (split, plain, part) = (split.at(vec![3.0]), plain.at(vec![3.0]), part.at(vec![3.0]));
        let y: Vec<f64> = (0..n).map(|i| 0.3 + (i as f64).sin()).collect();
        let full = |field: &SymbolicAt<'_, f64>, stiff: bool| {
            let places = field.sparsity().map_or(n * n, |sparsity| sparsity.len());
            let (mut jac, mut time, mut work) = (vec![f64::NAN; places], vec![f64::NAN; n], field.workspace());
            match stiff {
                false => field.jacobian(0.4, &y, &mut jac, &mut time, &mut work),
                true => field.stiff_jacobian(0.4, &y, &mut jac, &mut time, &mut work),
            }
            let Some(sparsity) = field.sparsity() else { return (jac, time) };
            let mut full = vec![0.0; n * n];
            sparsity.places().zip(&jac).for_each(|((i, j), &entry)| full[i * n + j] = entry);
            (full, time)
        };
        assert_eq!(full(&split, false), full(&plain, false));
        assert_eq!(full(&split, true), full(&part, false));
        assert_eq!(full(&plain, true), full(&plain, false), "what is not split is stiff as a whole");
        let (mut found, mut wanted) = (vec![f64::NAN; n], vec![0.0; n]);
        assert!(split.stiff_part(0.4, &y, &mut found, &mut split.workspace()));
        part.eval(0.4, &y, &mut wanted, &mut part.workspace());
        assert_eq!(found, wanted);
        assert!(!plain.stiff_part(0.4, &y, &mut found, &mut plain.workspace()));
    }
}
