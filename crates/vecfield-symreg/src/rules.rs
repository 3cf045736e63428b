//! What operations cost, how deep they stand in each other, and how large their arguments are.

use vecfield_expr::{Binary, ExprId, Graph, Node, Unary};

use crate::error::SymregError;
use crate::evolve::{Token, Tree};
use crate::list::{pair, parts};
use crate::operators::binary_named;

/// An operation of one argument or two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Unary(Unary),
    Binary(Binary),
}

impl Operation {
    fn named(name: &str) -> Result<Operation, SymregError> {
        let name = name.trim();
        let binary = binary_named(name).map(Operation::Binary);
        binary.or(Unary::named(name).map(Operation::Unary)).ok_or_else(|| SymregError::unknown_operator(name))
    }

    fn arity(self) -> usize {
        match self {
            Operation::Unary(_) => 1,
            Operation::Binary(_) => 2,
        }
    }
}

/// Operations that can be named: the functions, and `+ - * / ^ min max > cond`.
const NAMED: usize = Unary::FUNCTIONS.len() + 9;

/// What operations cost and where they may stand. A formula that breaks a rule is not on the front, and is not looked at where that can be told before.
///
/// ```
/// use vecfield_symreg::{Rules, Symreg, Table};
///
/// let x: Vec<f64> = (0..40).map(|i| 0.1 * f64::from(i)).collect();
/// let y = x.iter().map(|x| x.sin().exp()).collect();
/// let table = Table::new(vec!["x".into()], vec![x], y)?;
/// let rules = Rules::default().with_complexity("sin: 3; exp: 2")?.with_nested("sin in exp: 0")?.with_arguments("sin: 1")?;
/// let search = Symreg { rules, expressions: 500, generations: 3, ..Symreg::default() }.search(&table, &mut |_| true);
/// assert!(search.front().iter().all(|found| !found.expression.contains("exp(sin(x))")));
/// # Ok::<(), vecfield_symreg::SymregError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rules {
    prices: Vec<(Operation, usize)>,
    nested: Vec<Nested>,
    /// The largest sizes of the arguments of an operation.
    arguments: Vec<(Operation, Vec<Option<usize>>)>,
    /// Operations whose depth is counted.
    counted: Vec<Operation>,
}

/// So many of an operation in each other may stand inside another one.
#[derive(Debug, Clone, PartialEq)]
struct Nested {
    /// Its place among those that are counted.
    inner: usize,
    outer: Operation,
    most: usize,
}

/// An expression as the rules see it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Built {
    size: usize,
    /// How many of each operation that is counted stand in each other.
    deep: [u8; NAMED],
}

impl Built {
    /// A variable or a number.
    pub(crate) const LEAF: Built = Built { size: 1, deep: [0; NAMED] };
}

impl Rules {
    /// Operations count as so many nodes, `sin: 3; /: 2`, where a formula's complexity is told and limited; all others count as one.
    ///
    /// # Errors
    ///
    /// [`SymregError::RuleSyntax`], [`SymregError::UnknownOperator`].
    pub fn with_complexity(mut self, text: &str) -> Result<Rules, SymregError> {
        for Rule { whole, name, value } in rules(text, "sin: 3; /: 2")? {
            let nodes = count(value).filter(|&nodes| nodes > 0);
            let nodes =
                nodes.ok_or_else(|| syntax(whole, "an operation counts as one node or more, such as `sin: 3`"))?;
            self.prices.push((Operation::named(name)?, nodes));
        }
        Ok(self)
    }

    /// How many of an operation may stand in each other inside another one: `exp in exp: 0; sin in cos: 1`.
    ///
    /// # Errors
    ///
    /// [`SymregError::RuleSyntax`], [`SymregError::UnknownOperator`].
    pub fn with_nested(mut self, text: &str) -> Result<Rules, SymregError> {
        const EXAMPLE: &str = "exp in exp: 0; sin in cos: 1";
        for Rule { whole, name, value } in rules(text, EXAMPLE)? {
            let wrong = || syntax(whole, "it is no operation in another with a number, such as `exp in exp: 0`");
            let (inner, outer) = name.split_once(" in ").ok_or_else(wrong)?;
            let most = count(value).ok_or_else(wrong)?;
            let (inner, outer) = (Operation::named(inner)?, Operation::named(outer)?);
            let known = self.counted.iter().position(|counted| *counted == inner);
            let inner = known.unwrap_or_else(|| {
                self.counted.push(inner);
                self.counted.len() - 1
            });
            self.nested.push(Nested { inner, outer, most });
        }
        Ok(self)
    }

    /// The most nodes of the arguments of an operation: `exp: 5; ^: any, 1`.
    ///
    /// # Errors
    ///
    /// [`SymregError::RuleSyntax`], [`SymregError::UnknownOperator`].
    pub fn with_arguments(mut self, text: &str) -> Result<Rules, SymregError> {
        for Rule { whole, name, value } in rules(text, "exp: 5; ^: any, 1")? {
            let op = Operation::named(name)?;
            let size = |text: &str| match text.trim() {
                "any" => Some(None),
                text => count(text).filter(|&nodes| nodes > 0).map(Some),
            };
            let sizes: Option<Vec<Option<usize>>> = value.split(',').map(size).collect();
            let sizes = sizes.filter(|sizes| sizes.len() == op.arity()).ok_or_else(|| {
                let such = ["`exp: 5`", "`^: any, 1`"][op.arity() - 1];
                syntax(whole, &format!("it takes a size for each argument, a number of nodes or `any`, such as {such}"))
            })?;
            self.arguments.push((op, sizes));
        }
        Ok(self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.prices.is_empty() && self.nested.is_empty() && self.arguments.is_empty()
    }

    /// The operation on these operands; `None` where a rule is broken.
    fn built(&self, op: Operation, operands: &[Built]) -> Option<Built> {
        let fits = |(of, sizes): &(Operation, Vec<Option<usize>>)| {
            *of != op || operands.iter().zip(sizes).all(|(operand, most)| most.is_none_or(|most| operand.size <= most))
        };
        let deep = |k: usize| operands.iter().map(|operand| operand.deep[k]).max().unwrap_or(0);
        let may = |rule: &Nested| rule.outer != op || usize::from(deep(rule.inner)) <= rule.most;
        if !(self.arguments.iter().all(fits) && self.nested.iter().all(may)) {
            return None;
        }
        // The last price that was given holds.
        let price = self.prices.iter().rev().find(|(of, _)| *of == op).map_or(1, |price| price.1);
        let size = operands.iter().fold(price, |size, operand| size.saturating_add(operand.size));
        let mut built = Built { size, ..Built::LEAF };
        for (k, counted) in self.counted.iter().enumerate() {
            built.deep[k] = deep(k).saturating_add(u8::from(*counted == op));
        }
        Some(built)
    }

    pub(crate) fn unary(&self, op: Unary, x: Built) -> Option<Built> {
        self.built(Operation::Unary(op), &[x])
    }

    pub(crate) fn binary(&self, op: Binary, a: Built, b: Built) -> Option<Built> {
        self.built(Operation::Binary(op), &[a, b])
    }

    /// Does a tree keep to them?
    pub(crate) fn allow(&self, tree: &Tree) -> bool {
        self.is_empty() || self.of_tree(tree).is_some()
    }

    fn of_tree(&self, tree: &Tree) -> Option<Built> {
        tree.fold(&mut Vec::new(), |_, token, operands| match token {
            Token::Variable(_) | Token::Number(_) => Some(Built::LEAF),
            Token::Unary(op) => self.built(Operation::Unary(op), operands),
            Token::Binary(op) => self.built(Operation::Binary(op), operands),
        })
    }

    /// The nodes of a formula as they count; `None` where it breaks a rule.
    pub(crate) fn complexity(&self, graph: &Graph, formula: ExprId) -> Option<usize> {
        if self.is_empty() {
            return Some(graph.complexity(formula));
        }
        let order = graph.reachable(&[formula]);
        let mut built: Vec<Built> = Vec::with_capacity(order.ids().len());
        for &id in order.ids() {
            let of = |x: ExprId| built[order.position(x)];
            built.push(match graph.node(id) {
                // `if` is one condition of two sides.
                _ if let Some(parts) = graph.as_choice(id) => {
                    self.built(Operation::Binary(Binary::Cond), &parts.map(of))?
                }
                Node::Constant(_) | Node::Symbol(_) => Built::LEAF,
                Node::Unary(op, x) => self.unary(op, of(x))?,
                Node::Binary(op, a, b) => self.binary(op, of(a), of(b))?,
            });
        }
        built.last().map(|whole| whole.size)
    }
}

/// `name: value`.
struct Rule<'t> {
    whole: &'t str,
    name: &'t str,
    value: &'t str,
}

/// The rules of a list, which are parted by semicolons.
fn rules<'t>(text: &'t str, example: &str) -> Result<Vec<Rule<'t>>, SymregError> {
    let of = |whole: &'t str| {
        let colon = || syntax(whole, &format!("it has no colon; give a list such as `{example}`"));
        let (name, value) = pair(whole).ok_or_else(colon)?;
        Ok(Rule { whole, name, value })
    };
    let found: Vec<Rule<'t>> = parts(text).map(of).collect::<Result<_, SymregError>>()?;
    if found.is_empty() {
        return Err(syntax(text, &format!("it names none; give a list such as `{example}`")));
    }
    Ok(found)
}

fn count(text: &str) -> Option<usize> {
    text.trim().parse().ok()
}

fn syntax(text: &str, problem: &str) -> SymregError {
    SymregError::RuleSyntax { text: text.trim().into(), problem: problem.into() }
}
