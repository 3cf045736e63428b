//! Which operations a formula may be made of.

use vecfield_expr::{Binary, Unary};

use crate::SymregError;

/// The operations of a search.
///
/// ```
/// use vecfield_symreg::Operators;
///
/// assert!("+,-,*,/,exp,sin".parse::<Operators>().is_ok());
/// assert!("+,*,sine".parse::<Operators>().unwrap_err().to_string().contains("sin"));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Operators {
    unary: Vec<Unary>,
    binary: Vec<Binary>,
}

/// `+ - * / ^ sqrt log exp sin cos tanh abs` and `asin`.
impl Default for Operators {
    fn default() -> Operators {
        use Unary::*;
        Operators {
            unary: vec![Sqrt, Log, Exp, Sin, Cos, Tanh, Abs, Asin],
            binary: vec![Binary::Add, Binary::Sub, Binary::Mul, Binary::Div, Binary::Pow],
        }
    }
}

impl Operators {
    /// The functions of one argument.
    pub fn unary(&self) -> &[Unary] {
        &self.unary
    }

    /// The operations of two arguments.
    pub fn binary(&self) -> &[Binary] {
        &self.binary
    }

    /// How many letters formulas of so many variables are written in: these, the operations, and one for all numbers.
    pub(crate) fn letters(&self, variables: usize) -> usize {
        variables + self.unary.len() + self.binary.len() + 1
    }

    /// Are there these operations?
    pub(crate) fn has(&self, op: Binary) -> bool {
        self.binary.contains(&op)
    }

    /// Numbers that formulas are made of from the start; others are fitted.
    pub(crate) fn constants(&self) -> &'static [f64] {
        &[1.0, 2.0]
    }

    /// Exponents that count as one operation.
    pub(crate) fn powers(&self) -> &'static [f64] {
        if self.has(Binary::Pow) || self.has(Binary::Mul) { &[2.0, 3.0] } else { &[] }
    }
}

impl std::str::FromStr for Operators {
    type Err = SymregError;

    fn from_str(text: &str) -> Result<Operators, SymregError> {
        let mut operators = Operators { unary: Vec::new(), binary: Vec::new() };
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            match (binary_named(name), Unary::named(name)) {
                (Some(op), _) => operators.binary.push(op),
                (None, Some(op)) => operators.unary.push(op),
                (None, None) => return Err(SymregError::unknown_operator(name)),
            }
        }
        if operators.binary.is_empty() && operators.unary.is_empty() {
            return Err(SymregError::NoOperators);
        }
        Ok(operators)
    }
}

/// The operation of two arguments with this sign or name.
pub(crate) fn binary_named(name: &str) -> Option<Binary> {
    use Binary::*;
    [Add, Sub, Mul, Div, Pow, Min, Max, Greater, Cond].into_iter().find(|op| op.name() == name)
}
