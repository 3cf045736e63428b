//! The symbolic Jacobian is that of duals.

use proptest::prelude::*;
use vecfield_autodiff::ByDuals;
use vecfield_expr::{ExprField, Graph, Registers, Scope, SymbolicField};
use vecfield_traits::{Elementary, Jacobian, ParametricField, VectorField};

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
