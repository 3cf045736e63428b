//! [`Unit`]: what a quantity is measured in, and which formulas agree with that.

use std::collections::BTreeMap;
use std::fmt;

use crate::graph::{ExprId, Graph, Node};
use crate::op::{Binary, Unary, power};
use crate::scope::Scope;
use crate::token::{Lexer, Token};

/// Exponents that differ by less are one: they come from sums and products of a few fractions.
const ALIKE: f64 = 1e-9;

/// A product of powers of named units, `kg*m/s^2`; of none, a pure number.
///
/// Units are what their names say: `N` and `kg*m/s^2` are different ones.
///
/// ```
/// use vecfield_expr::Unit;
///
/// let force = Unit::parse("kg*m/s^2")?;
/// assert_eq!(force.over(&Unit::parse("kg")?), Unit::parse("m/s^2")?);
/// assert_eq!(force.to_string(), "kg*m/s^2");
/// assert_eq!(Unit::parse("1")?, Unit::NONE);
/// # Ok::<(), vecfield_expr::UnitError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Unit {
    /// Names and exponents, none of them zero.
    powers: BTreeMap<String, f64>,
}

impl Unit {
    /// That of a pure number.
    pub const NONE: Unit = Unit { powers: BTreeMap::new() };

    /// Reads a product of powers of names, or `1`.
    ///
    /// # Errors
    ///
    /// [`UnitError::Syntax`].
    pub fn parse(text: &str) -> Result<Unit, UnitError> {
        let wrong = |problem: String| UnitError::Syntax { text: text.to_string(), problem };
        let scope = Scope::new(names(text)).map_err(|e| wrong(e.to_string()))?;
        let mut graph = Graph::new();
        let id = graph.parse(text, &scope).map_err(|e| wrong(e.to_string()))?;
        let written = |id: ExprId| graph.symbols(id).is_empty();
        let factor = |id: ExprId| graph.constant_value(id) == Some(1.0) || !written(id);
        let product = graph.reachable(&[id]).ids().iter().all(|&id| match graph.node(id) {
            // Of an exponent, or looked at below.
            _ if written(id) => true,
            Node::Binary(Binary::Mul | Binary::Div, a, b) => factor(a) && factor(b),
            Node::Binary(Binary::Pow, _, exponent) => written(exponent),
            Node::Symbol(_) => true,
            Node::Constant(_) | Node::Binary(..) | Node::Unary(..) => false,
        });
        let named = |name: &str| Some(Unit { powers: BTreeMap::from([(name.to_string(), 1.0)]) });
        match graph.unit(id, named, Some(Unit::NONE)) {
            Ok(Some(unit)) if product && factor(id) => Ok(unit),
            _ => Err(wrong("it is no product of powers of names, such as `kg*m/s^2`, nor `1`".into())),
        }
    }

    /// Is it that of a pure number?
    pub fn is_none(&self) -> bool {
        self.powers.is_empty()
    }

    /// Names and exponents, in alphabetical order.
    pub fn powers(&self) -> impl Iterator<Item = (&str, f64)> {
        self.powers.iter().map(|(name, &exponent)| (name.as_str(), exponent))
    }

    /// The unit of a product.
    #[must_use]
    pub fn times(&self, other: &Unit) -> Unit {
        self.with(other, 1.0)
    }

    /// The unit of a quotient.
    #[must_use]
    pub fn over(&self, other: &Unit) -> Unit {
        self.with(other, -1.0)
    }

    /// The unit of a power.
    #[must_use]
    pub fn to_the(&self, exponent: f64) -> Unit {
        Unit::NONE.with(self, exponent)
    }

    fn with(&self, other: &Unit, sign: f64) -> Unit {
        let mut powers = self.powers.clone();
        for (name, &exponent) in &other.powers {
            *powers.entry(name.clone()).or_insert(0.0) += sign * exponent;
        }
        powers.retain(|_, exponent| exponent.abs() > ALIKE);
        Unit { powers }
    }
}

/// The names in a text.
fn names(text: &str) -> Vec<&str> {
    let (mut lexer, mut names) = (Lexer::new(text), Vec::new());
    loop {
        match lexer.peek().0 {
            Token::End => return names,
            Token::Name(name) => names.push(name),
            _ => {}
        }
        lexer.advance();
    }
}

impl PartialEq for Unit {
    fn eq(&self, other: &Self) -> bool {
        self.over(other).is_none()
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let factor = |name: &str, exponent: f64| match exponent {
            1.0 => name.to_string(),
            whole if whole.fract() == 0.0 => format!("{name}^{whole}"),
            // Enough digits for a third of anything.
            broken => format!("{name}^{}", (broken * 1e6).round() / 1e6),
        };
        let above: Vec<String> = self.powers().filter(|p| p.1 > 0.0).map(|(name, e)| factor(name, e)).collect();
        f.write_str(if above.is_empty() { "1" } else { "" })?;
        f.write_str(&above.join("*"))?;
        self.powers().filter(|p| p.1 < 0.0).try_for_each(|(name, e)| write!(f, "/{}", factor(name, -e)))
    }
}

/// Why a unit cannot be read, or a formula has none.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum UnitError {
    /// It is no unit.
    #[error("`{text}` is no unit: {problem}")]
    Syntax {
        /// The text.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A sum, a difference or a comparison of two quantities.
    #[error("`{left}` is in {} and `{right}` in {}; quantities of different units cannot be added or compared", units.0, units.1)]
    Unlike {
        /// One side.
        left: String,
        /// The other side.
        right: String,
        /// Their units.
        units: Box<(Unit, Unit)>,
    },
    /// A function of a quantity.
    #[error("`{argument}` is in {unit}, and `{function}` is a function of pure numbers")]
    NotPure {
        /// The function.
        function: &'static str,
        /// What it is called with.
        argument: String,
        /// The unit of that.
        unit: Unit,
    },
}

impl Graph {
    /// The unit of a formula; `None` where it can be any, as a number to be fitted can. `symbols` gives the units of names, `numbers` that of every
    /// number written in the formula, exponents and zeros apart.
    ///
    /// # Errors
    ///
    /// [`UnitError::Unlike`] and [`UnitError::NotPure`], the first one from the leaves up.
    ///
    /// ```
    /// use vecfield_expr::{Graph, Scope, Unit};
    ///
    /// let mut graph = Graph::new();
    /// let id = graph.parse("sqrt(x/g) + c", &Scope::new(["x", "g", "c"])?)?;
    /// let unit = |name: &str| match name {
    ///     "x" => Unit::parse("m").ok(),
    ///     "g" => Unit::parse("m/s^2").ok(),
    ///     _ => None,
    /// };
    /// assert_eq!(graph.unit(id, unit, Some(Unit::NONE))?, Some(Unit::parse("s")?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn unit(
        &self,
        id: ExprId,
        symbols: impl Fn(&str) -> Option<Unit>,
        numbers: Option<Unit>,
    ) -> Result<Option<Unit>, UnitError> {
        let order = self.reachable(&[id]);
        let mut units: Vec<Option<Unit>> = Vec::with_capacity(order.len());
        // What is a number whatever the names are: an exponent need not be worked out.
        let mut values: Vec<Option<f64>> = Vec::with_capacity(order.len());
        for &id in order.ids() {
            let of = |x: ExprId| units[order.position(x)].as_ref();
            let value = |x: ExprId| values[order.position(x)];
            let unit = match self.node(id) {
                // Zero metres are zero seconds.
                Node::Constant(0.0) => None,
                Node::Constant(_) => numbers.clone(),
                Node::Symbol(symbol) => symbols(self.name(symbol)),
                Node::Unary(Unary::Neg | Unary::Abs, x) => of(x).cloned(),
                Node::Unary(Unary::Sqrt, x) => of(x).map(|unit| unit.to_the(0.5)),
                Node::Unary(Unary::Sign, _) => Some(Unit::NONE),
                Node::Unary(op, x) => Some(self.pure(op.name(), x, of(x))?),
                Node::Binary(Binary::Mul, a, b) => of(a).zip(of(b)).map(|(a, b)| a.times(b)),
                Node::Binary(Binary::Div, a, b) => of(a).zip(of(b)).map(|(a, b)| a.over(b)),
                Node::Binary(Binary::Pow, base, exponent) => match value(exponent) {
                    Some(value) => of(base).map(|unit| unit.to_the(value)),
                    None => {
                        self.pure("^", exponent, of(exponent))?;
                        Some(self.pure("^", base, of(base))?)
                    }
                },
                // Of the condition only the sign counts, which has no unit.
                Node::Binary(Binary::Cond, _, chosen) => of(chosen).cloned(),
                Node::Binary(op, a, b) => match (of(a), of(b)) {
                    (Some(left), Some(right)) if left != right => {
                        let (a, b) = (self.to_text(a), self.to_text(b));
                        return Err(UnitError::Unlike {
                            left: a,
                            right: b,
                            units: Box::new((left.clone(), right.clone())),
                        });
                    }
                    _ if op == Binary::Greater => Some(Unit::NONE),
                    (left, right) => left.or(right).cloned(),
                },
            };
            let value = match self.node(id) {
                Node::Constant(value) => Some(value),
                Node::Symbol(_) => None,
                Node::Unary(op, x) => value(x).map(|x| op.apply(x)),
                Node::Binary(Binary::Pow, a, b) => value(a).zip(value(b)).map(|(a, b)| power(a, b)),
                Node::Binary(op, a, b) => value(a).zip(value(b)).map(|(a, b)| op.apply(a, b)),
            };
            units.push(unit);
            values.push(value);
        }
        Ok(units.pop().flatten())
    }

    fn pure(&self, function: &'static str, argument: ExprId, unit: Option<&Unit>) -> Result<Unit, UnitError> {
        match unit {
            Some(unit) if !unit.is_none() => {
                Err(UnitError::NotPure { function, argument: self.to_text(argument), unit: unit.clone() })
            }
            _ => Ok(Unit::NONE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Unit, UnitError};
    use crate::{Graph, Scope};

    fn unit_of(text: &str, numbers: Option<Unit>) -> Result<Option<Unit>, UnitError> {
        let mut graph = Graph::new();
        let id = graph.parse(text, &Scope::new(["x", "v", "t", "m", "n"]).unwrap()).unwrap();
        let unit = |name: &str| match name {
            "x" => Some("m"),
            "v" => Some("m/s"),
            "t" => Some("s"),
            "m" => Some("kg"),
            _ => None,
        };
        graph.unit(id, |name| unit(name).map(|text| Unit::parse(text).unwrap()), numbers)
    }

    #[test]
    fn formulas_have_the_units_of_their_parts() {
        for (text, expected) in [
            ("x + v*t", "m"),
            ("m*v^2/2", "kg*m^2/s^2"),
            ("sqrt(x)*x^1.5", "m^2"),
            ("abs(-x)/t^2", "m/s^2"),
            ("sin(x/(v*t))*m", "kg"),
            ("x - n", "m"),
            ("sign(x)", "1"),
            ("2^(x/(v*t))", "1"),
            ("max(x, v*t)", "m"),
            ("m*(x > v*t)", "kg"),
            ("cond(x, v)", "m/s"),
            ("if(x > v*t, m, 2*m)", "kg"),
        ] {
            assert_eq!(unit_of(text, Some(Unit::NONE)), Ok(Some(Unit::parse(expected).unwrap())), "{text}");
        }
        assert_eq!(unit_of("n*x", Some(Unit::NONE)), Ok(None));
        assert_eq!(unit_of("0", Some(Unit::NONE)), Ok(None));
        // A number to be fitted may be in anything.
        assert_eq!(unit_of("x + 3", None), Ok(Some(Unit::parse("m").unwrap())));
        assert_eq!(unit_of("exp(3*x)", None), Ok(Some(Unit::NONE)));
        assert_eq!(unit_of("3*x", None), Ok(None));
    }

    #[test]
    fn what_does_not_agree_is_named() {
        let message = |text: &str| unit_of(text, Some(Unit::NONE)).unwrap_err().to_string();
        assert_eq!(
            message("x + v"),
            "`x` is in m and `v` in m/s; quantities of different units cannot be added or compared"
        );
        assert_eq!(message("m*sin(x)"), "`x` is in m, and `sin` is a function of pure numbers");
        assert!(message("x + 1").contains("`1` in 1"));
        assert!(message("x > v").contains("cannot be added or compared"));
        assert!(message("if(x, x, v)").contains("cannot be added"));
        assert!(message("x^n").contains("`^`"));
    }

    #[test]
    fn units_are_products_of_powers() {
        for text in ["kg*m/s^2", "1", "m^0.5/s", "1/s", "A*s/m^3"] {
            assert_eq!(Unit::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Unit::parse("m/s/s").unwrap(), Unit::parse("m*s^-2").unwrap());
        assert_eq!(Unit::parse("(m^(1/3))^3").unwrap().to_string(), "m");
        for wrong in ["", "2*m", "m + s", "sin(m)", "m^", "-m", "0", "m*3"] {
            assert!(matches!(Unit::parse(wrong), Err(UnitError::Syntax { .. })), "{wrong}");
        }
    }
}
