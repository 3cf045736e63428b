//! A candidate law: which features stand in each equation, as a family of fields with a constant per term.

use vecfield_expr::{Binary, CompileError, ExprField, ExprId, Graph, Node};
use vecfield_sindy::Library;

/// Which features stand in each equation: for every state, feature numbers in increasing order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Support {
    /// One list per state.
    pub equations: Vec<Vec<usize>>,
}

impl Support {
    /// Number of terms in all equations: one constant each.
    pub fn terms(&self) -> usize {
        self.equations.iter().map(Vec::len).sum()
    }

    /// Size of the formulas: for every term its constant, and the [`size`] of its feature.
    pub fn complexity(&self, library: &Library) -> usize {
        self.equations.iter().flatten().map(|&k| 1 + size(library.graph(), library.features()[k].formula())).sum()
    }

    /// Does every equation hold the terms it has in `other`?
    pub fn contains(&self, other: &Support) -> bool {
        self.equations.iter().zip(&other.equations).all(|(mine, theirs)| theirs.iter().all(|k| mine.contains(k)))
    }

    /// The supports with one term less.
    pub fn parts(&self) -> Vec<Support> {
        let mut parts = Vec::with_capacity(self.terms());
        for (equation, terms) in self.equations.iter().enumerate() {
            for left_out in 0..terms.len() {
                let mut part = self.clone();
                part.equations[equation].remove(left_out);
                parts.push(part);
            }
        }
        parts
    }

    /// The family of fields with a constant for every term, equation by equation, in order.
    ///
    /// # Errors
    ///
    /// [`CompileError`] when the formulas are too large to compile.
    pub fn family(&self, library: &Library) -> Result<ExprField, CompileError> {
        let mut graph = library.graph().clone();
        let mut constants = Vec::new();
        let mut equations = Vec::new();
        for terms in &self.equations {
            let mut sum = Vec::new();
            for &k in terms {
                // A name no state can have: names in formulas begin with a letter or an underscore.
                let name = format!("{}#", constants.len());
                let constant = graph.symbol(&name);
                sum.push(graph.mul(constant, library.features()[k].formula()));
                constants.push(name);
            }
            equations.push(graph.sum(sum));
        }
        ExprField::new(&graph, &equations, library.variables(), &constants)
    }

    /// The equations with `constants` in the places of their terms: a graph and a formula per state.
    pub fn formulas(&self, library: &Library, constants: &[f64]) -> (Graph, Vec<ExprId>) {
        let mut graph = library.graph().clone();
        let mut constants = constants.iter();
        let formulas = self
            .equations
            .iter()
            .map(|terms| {
                let weighed = terms.iter().zip(&mut constants).map(|(&k, &c)| (c, library.features()[k].formula()));
                let weighed: Vec<(f64, ExprId)> = weighed.collect();
                let sum = graph.linear_combination(weighed);
                graph.simplify(sum)
            })
            .collect();
        (graph, formulas)
    }
}

/// The size of a feature: how many names are multiplied or applied in it. `1` has size 0, `x` 1, `x*y` and `x^2` 2,
/// `sin(x)` 2.
pub fn size(graph: &Graph, formula: ExprId) -> usize {
    let reachable = graph.reachable(&[formula]);
    let mut sizes = vec![0_usize; reachable.len()];
    for (place, &id) in reachable.ids().iter().enumerate() {
        let of = |argument: ExprId| sizes[reachable.position(argument)];
        sizes[place] = match graph.node(id) {
            Node::Constant(_) => 0,
            Node::Symbol(_) => 1,
            Node::Unary(_, x) => 1 + of(x),
            Node::Binary(Binary::Pow, x, exponent) => match graph.constant_value(exponent) {
                // A square is a product of two; a large or broken power costs no more than a function.
                Some(power) if power.fract() == 0.0 && (1.0..=8.0).contains(&power) => of(x) * power as usize,
                _ => 1 + of(x) + of(exponent),
            },
            Node::Binary(_, a, b) => of(a) + of(b),
        };
    }
    sizes.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{Support, size};
    use vecfield_sindy::{Family, Library};

    fn library() -> Library {
        let families = [Family::Polynomial(3), Family::Custom("sin(x)".into())];
        Library::new(&families, &["x".into(), "y".into()], &[]).unwrap()
    }

    #[test]
    fn size_counts_the_factors() {
        let library = library();
        for (key, expected) in [("1", 0), ("x", 1), ("x*y", 2), ("x^2", 2), ("x^2*y", 3), ("y^3", 3), ("sin(x)", 2)] {
            let formula = library.features()[library.position(key).unwrap()].formula();
            assert_eq!(size(library.graph(), formula), expected, "{key}");
        }
    }

    #[test]
    fn formulas_are_the_family_at_its_constants() {
        use vecfield_traits::{ParametricField, VectorField};
        let library = library();
        let place = |key: &str| library.position(key).unwrap();
        let support = Support { equations: vec![vec![place("1"), place("x*y")], vec![]] };
        let family = support.family(&library).unwrap();
        let field = family.at(vec![2.0, -3.0]);
        let mut dy = [0.0; 2];
        field.eval(0.0, &[1.5, 2.0], &mut dy, &mut VectorField::<f64>::workspace(&field));
        assert_eq!(dy, [2.0 - 3.0 * 3.0, 0.0]);
        let (graph, formulas) = support.formulas(&library, &[2.0, -3.0]);
        assert_eq!(graph.to_text(formulas[0]), "2 - 3*x*y");
        assert_eq!(graph.to_text(formulas[1]), "0");
    }
}
