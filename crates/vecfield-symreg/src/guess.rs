//! Formulas that a user begins with.

use vecfield_expr::{Graph, Node, Scope};

use crate::error::SymregError;
use crate::evolve::{Token, Tree};
use crate::table::Table;

/// A formula to begin with: fitted first, and among those that evolve.
///
/// ```
/// use vecfield_symreg::{Guess, Symreg, Table};
///
/// let x: Vec<f64> = (0..30).map(|i| 0.1 * f64::from(i)).collect();
/// let y = x.iter().map(|x: &f64| 2.0 * (-1.7 * x * x).exp() * (1.0 + x)).collect();
/// let table = Table::new(vec!["x".into()], vec![x], y)?;
/// // Numbers that are not whole are fitted.
/// let guesses = vec![Guess::parse("exp(-0.5*x^2)*(1 + x)", &table)?];
/// let found = Symreg { expressions: 200, guesses, ..Symreg::default() }.search(&table, &mut |_| true);
/// assert!(found.best().r2 > 1.0 - 1e-9, "{}", found.best().expression);
/// # Ok::<(), vecfield_symreg::SymregError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Guess {
    pub(crate) tree: Tree,
}

/// Nodes of a guess at the most.
const LARGEST: usize = 200;

impl Guess {
    /// Reads a formula in the variables of `table`. Its numbers are fitted, but for whole ones and exponents.
    ///
    /// # Errors
    ///
    /// A text that is no formula of these variables, or one of more than 200 nodes.
    pub fn parse(text: &str, table: &Table) -> Result<Guess, SymregError> {
        let refused = |reason: String| SymregError::BadGuess { text: text.into(), reason };
        let scope = Scope::new(table.names.iter().cloned()).map_err(|e| refused(e.to_string()))?;
        let mut graph = Graph::new();
        let formula = graph.parse(text, &scope).map_err(|e| refused(e.to_string()))?;
        if graph.complexity(formula) > LARGEST {
            return Err(refused(format!("it has more than {LARGEST} nodes")));
        }
        // Every node once, operands first; a shared one is written as often as it is used.
        let nodes = graph.reachable(&[formula]);
        let mut trees: Vec<Tree> = Vec::with_capacity(nodes.len());
        for &id in nodes.ids() {
            let of = |id| &trees[nodes.position(id)];
            let tree = match graph.node(id) {
                Node::Constant(value) => Tree::leaf(Token::Number(value)),
                Node::Symbol(symbol) => {
                    let name = graph.name(symbol);
                    let place = table.names.iter().position(|known| known == name);
                    Tree::leaf(Token::Variable(place.expect("the scope holds the table's names alone") as u32))
                }
                Node::Unary(op, x) => Tree::unary(op, of(x)),
                Node::Binary(op, a, b) => Tree::binary(op, of(a), of(b)),
            };
            trees.push(tree);
        }
        Ok(Guess { tree: trees.swap_remove(nodes.position(formula)) })
    }
}
