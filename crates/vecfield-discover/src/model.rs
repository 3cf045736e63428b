//! A candidate law: which features stand in each equation, as a family of fields with a constant per term, and one for every number
//! inside its features.

use crate::family::Family;
use crate::inner::{numbers, replaced};
use crate::vocabulary::Vocabulary;
use std::sync::Arc;
use vecfield_expr::{Binary, CompileError, ExprId, Graph, Node};

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

    /// The numbers inside its features, as the vocabulary has them, term by term: `0.3` of `x/(x + 0.3)`. A fit may change them; their
    /// constants follow those of the terms.
    pub fn inner(&self, vocabulary: &Vocabulary) -> Vec<f64> {
        let formulas = self.equations.iter().flatten().map(|&k| vocabulary.features()[k].formula());
        formulas.flat_map(|formula| numbers(vocabulary.graph(), formula)).collect()
    }

    /// Number of constants: one for each term, and those inside.
    pub fn constants(&self, vocabulary: &Vocabulary) -> usize {
        self.terms() + self.inner(vocabulary).len()
    }

    /// Size of the formulas: for every term its constant, those inside it, and the [`size`] of its feature.
    pub fn complexity(&self, vocabulary: &Vocabulary) -> usize {
        let sizes =
            self.equations.iter().flatten().map(|&k| size(vocabulary.graph(), vocabulary.features()[k].formula()));
        self.constants(vocabulary) + sizes.sum::<usize>()
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

    /// In natural units, what it takes to say which features stand in the equations.
    pub(crate) fn description(&self, vocabulary: &Vocabulary) -> f64 {
        self.equations.iter().flatten().map(|&k| vocabulary.description(k)).sum()
    }

    /// What is added to `-2 ln L` for the constants and features of a support, with so many cells measured: its information criterion
    /// but for what all candidates share.
    pub(crate) fn price(&self, vocabulary: &Vocabulary, cells: usize) -> f64 {
        self.constants(vocabulary) as f64 * (cells as f64).ln() + 2.0 * self.description(vocabulary)
    }

    /// The support with these features in its equations, by their keys; `None` where the vocabulary lacks one.
    pub(crate) fn of(keys: &[Vec<String>], vocabulary: &Vocabulary) -> Option<Support> {
        let set = |keys: &Vec<String>| -> Option<Vec<usize>> {
            let mut set: Vec<usize> = keys.iter().map(|key| vocabulary.position(key)).collect::<Option<_>>()?;
            set.sort_unstable();
            set.dedup();
            Some(set)
        };
        Some(Support { equations: keys.iter().map(set).collect::<Option<_>>()? })
    }

    /// The same support where its features stand at other [places](Vocabulary::places_in); `None` where one of them has none.
    pub(crate) fn moved(&self, places: &[Option<usize>]) -> Option<Support> {
        let set = |set: &Vec<usize>| -> Option<Vec<usize>> {
            let mut set: Vec<usize> = set.iter().map(|&k| places[k]).collect::<Option<_>>()?;
            set.sort_unstable();
            Some(set)
        };
        Some(Support { equations: self.equations.iter().map(set).collect::<Option<_>>()? })
    }

    /// What the features of each equation are when the numbers inside them are left open: two supports of one shape are one law.
    pub(crate) fn shape(&self, vocabulary: &Vocabulary) -> Vec<Vec<String>> {
        let mut shape = self.features(vocabulary, &vec![1.0; self.constants(vocabulary)]);
        shape.iter_mut().for_each(|set| set.sort_unstable());
        shape
    }

    /// The family of fields with a constant for every term, equation by equation, in order, and then one for every number
    /// [inside](Support::inner).
    ///
    /// # Errors
    ///
    /// [`CompileError`] when the formulas are too large to compile.
    pub fn family(&self, vocabulary: &Vocabulary) -> Result<Family, CompileError> {
        let mut graph = vocabulary.graph().clone();
        // Names that no state can have: names in formulas begin with a letter or an underscore.
        let constants: Vec<String> = (0..self.constants(vocabulary)).map(|k| format!("{k}#")).collect();
        let symbols: Vec<ExprId> = constants.iter().map(|name| graph.symbol(name)).collect();
        let equations = self.built(vocabulary, &mut graph, &symbols);
        Family::new(&graph, &equations, vocabulary.variables(), Arc::clone(vocabulary.inputs()), &constants)
    }

    /// The equations with `constants` in their places: a graph and a formula per state.
    pub fn formulas(&self, vocabulary: &Vocabulary, constants: &[f64]) -> (Graph, Vec<ExprId>) {
        let mut graph = vocabulary.graph().clone();
        let values: Vec<ExprId> = constants.iter().map(|&c| graph.constant(c)).collect();
        let formulas = self.built(vocabulary, &mut graph, &values);
        let formulas = formulas.into_iter().map(|formula| graph.simplify(formula)).collect();
        (graph, formulas)
    }

    /// The features of its terms, equation by equation, with the numbers inside them as a fit has them.
    pub fn features(&self, vocabulary: &Vocabulary, constants: &[f64]) -> Vec<Vec<String>> {
        let mut graph = vocabulary.graph().clone();
        let mut inner = constants.iter().skip(self.terms());
        let mut feature = |&k: &usize| {
            let formula = vocabulary.features()[k].formula();
            let formula = replaced(&mut graph, formula, &mut |graph, value| {
                graph.constant(inner.next().copied().unwrap_or(value))
            });
            graph.to_text(formula)
        };
        self.equations.iter().map(|terms| terms.iter().map(&mut feature).collect()).collect()
    }

    /// The equations with these constants, terms first.
    fn built(&self, vocabulary: &Vocabulary, graph: &mut Graph, constants: &[ExprId]) -> Vec<ExprId> {
        let (outer, inner) = constants.split_at(self.terms());
        let (mut outer, mut inner) = (outer.iter(), inner.iter());
        let mut equation = |(equation, terms): (usize, &Vec<usize>)| {
            let mut sum: Vec<ExprId> = vocabulary.known_formulas(equation).collect();
            for &k in terms {
                let formula = replaced(graph, vocabulary.features()[k].formula(), &mut |graph, value| {
                    inner.next().copied().unwrap_or_else(|| graph.constant(value))
                });
                if let Some(&constant) = outer.next() {
                    sum.push(graph.mul(constant, formula));
                }
            }
            graph.sum(sum)
        };
        self.equations.iter().enumerate().map(&mut equation).collect()
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
    use crate::vocabulary::Vocabulary;
    use vecfield_sindy::Known;

    fn vocabulary() -> Vocabulary {
        let known = vec![Known { variable: "y".into(), formula: "3*y".into() }];
        let polynomial = Vocabulary::new(&["x".into(), "y".into()], 3, known).unwrap();
        polynomial.with_forms(vec![vec![vec!["sin(x)".into()], vec!["y/(x + 0.5)".into()]], vec![]]).unwrap()
    }

    #[test]
    fn size_counts_the_factors() {
        let vocabulary = vocabulary();
        for (key, expected) in [("1", 0), ("x", 1), ("x*y", 2), ("x^2", 2), ("x^2*y", 3), ("y^3", 3), ("sin(x)", 2)] {
            let formula = vocabulary.features()[vocabulary.position(key).unwrap()].formula();
            assert_eq!(size(vocabulary.graph(), formula), expected, "{key}");
        }
    }

    #[test]
    fn formulas_are_the_family_at_its_constants() {
        use vecfield_traits::{ParametricField, VectorField};
        let vocabulary = vocabulary();
        let place = |key: &str| vocabulary.position(key).unwrap();
        let support = Support { equations: vec![vec![place("1"), place("x*y")], vec![]] };
        let family = support.family(&vocabulary).unwrap();
        let field = family.at(vec![2.0, -3.0]);
        let mut dy = [0.0; 2];
        field.eval(0.0, &[1.5, 2.0], &mut dy, &mut VectorField::<f64>::workspace(&field));
        assert_eq!(dy, [2.0 - 3.0 * 3.0, 6.0]);
        let (graph, formulas) = support.formulas(&vocabulary, &[2.0, -3.0]);
        assert_eq!(graph.to_text(formulas[0]), "2 - 3*x*y");
        // What is known has no constant.
        assert_eq!(graph.to_text(formulas[1]), "3*y");
    }

    #[test]
    fn numbers_inside_features_are_constants_behind_those_of_the_terms() {
        let vocabulary = vocabulary();
        let place = |key: &str| vocabulary.position(key).unwrap();
        let support = Support { equations: vec![vec![place("x"), place("y/(x + 0.5)")], vec![]] };
        assert_eq!((support.inner(&vocabulary), support.constants(&vocabulary)), (vec![0.5], 3));
        let (graph, formulas) = support.formulas(&vocabulary, &[2.0, -1.0, 0.25]);
        assert_eq!(graph.to_text(formulas[0]), "2*x - y/(x + 0.25)");
        assert_eq!(support.features(&vocabulary, &[2.0, -1.0, 0.25])[0], ["x", "y/(x + 0.25)"]);
    }
}
