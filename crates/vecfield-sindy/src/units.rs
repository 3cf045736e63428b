//! Units of variables: which features agree with them, and which may be in which equation.

use crate::library::Library;
use crate::{SindyError, candidates};
use vecfield_expr::Unit;

/// What variables, inputs and time are measured in, and what coefficients are made of.
///
/// A feature whose formula adds metres to seconds, or takes the sine of metres, is in no equation. Coefficients may be in anything where
/// [`coefficients`](Units::coefficients) is `None`; where it lists the units of the constants that matter, such as `m/s^2` for the
/// acceleration of gravity, a term is in an equation only if some product of powers of these makes its coefficient (Buckingham 1914).
///
/// ```
/// use vecfield_sindy::Units;
///
/// let units = Units::parse("t: s; angle: 1; speed: 1/s")?;
/// assert_eq!(units.of[2].1.to_string(), "1/s");
/// # Ok::<(), vecfield_sindy::SindyError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Units {
    /// Names and their units; those not named may be in anything.
    pub of: Vec<(String, Unit)>,
    /// The units of the constants that coefficients are products of powers of, or `None`.
    pub coefficients: Option<Vec<Unit>>,
}

impl Units {
    /// Reads `t: s; x: m; v: m/s`; coefficients may be in anything.
    ///
    /// # Errors
    ///
    /// [`SindyError::UnitSyntax`].
    pub fn parse(text: &str) -> Result<Self, SindyError> {
        let pairs = candidates::pairs(text).ok_or_else(|| SindyError::UnitSyntax {
            text: text.to_string(),
            problem: "it is no list such as `t: s; x: m; v: m/s`".into(),
        })?;
        let unit = |(name, unit): (&str, &str)| Ok((name.to_string(), parsed(unit)?));
        Ok(Self { of: pairs.into_iter().map(unit).collect::<Result<_, SindyError>>()?, coefficients: None })
    }

    /// The same with coefficients made of constants in these units, `m/s^2, m`; `1` for pure numbers.
    ///
    /// # Errors
    ///
    /// [`SindyError::UnitSyntax`].
    pub fn with_coefficients(self, text: &str) -> Result<Self, SindyError> {
        let units = text.split(',').map(parsed).collect::<Result<_, _>>()?;
        Ok(Self { coefficients: Some(units), ..self })
    }

    fn unit(&self, name: &str) -> Option<Unit> {
        self.of.iter().find(|of| of.0 == name).map(|of| of.1.clone())
    }

    /// Closes to each equation the features that it cannot have, `[d, features]`.
    pub(crate) fn restrict(&self, library: &Library, allowed: &mut [bool]) -> Result<(), SindyError> {
        for (name, _) in &self.of {
            if !library.arguments().contains(name) {
                let nearest = vecfield_expr::nearest_name(name, library.arguments().iter().map(String::as_str));
                let nearest = nearest.unwrap_or(&library.variables()[0]).to_string();
                return Err(SindyError::UnknownVariable { name: name.clone(), nearest });
            }
        }
        // Names that are none of the table's are constants to be fitted, in whatever unit; numbers are numbers.
        let unit = |formula| library.graph().unit(formula, |name| self.unit(name), Some(Unit::NONE));
        let units: Vec<_> = library.symbolic().iter().map(|&formula| unit(formula)).collect();
        let time = self.unit("t");
        for (row, variable) in allowed.chunks_mut(units.len().max(1)).zip(library.variables()) {
            let rate = self.unit(variable).zip(time.as_ref()).map(|(unit, time)| unit.over(time));
            for (open, unit) in row.iter_mut().zip(&units) {
                *open &= match (unit, &rate, &self.coefficients) {
                    (Err(_), ..) => false,
                    (Ok(Some(unit)), Some(rate), Some(constants)) => spans(constants, &rate.over(unit)),
                    (Ok(_), ..) => true,
                };
            }
        }
        Ok(())
    }
}

fn parsed(text: &str) -> Result<Unit, SindyError> {
    Unit::parse(text.trim())
        .map_err(|e| SindyError::UnitSyntax { text: text.trim().to_string(), problem: e.to_string() })
}

/// Exponents below this are rounding.
const NOTHING: f64 = 1e-9;

/// Is a unit a product of powers of `units`? Each in turn takes its largest exponent out of those behind it and of the unit.
fn spans(units: &[Unit], unit: &Unit) -> bool {
    let mut unit = unit.clone();
    let mut rest = units.to_vec();
    while let Some(next) = rest.pop() {
        let exponents: Vec<(String, f64)> = next.powers().map(|(name, e)| (name.to_string(), e)).collect();
        let Some((name, pivot)) = exponents.into_iter().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())) else {
            continue;
        };
        let without = |unit: &Unit| {
            let own = unit.powers().find(|power| power.0 == name).map_or(0.0, |power| power.1);
            unit.over(&next.to_the(own / pivot))
        };
        (unit, rest) = (without(&unit), rest.iter().map(without).collect());
    }
    unit.powers().all(|power| power.1.abs() < NOTHING)
}

#[cfg(test)]
mod tests {
    use super::spans;
    use proptest::prelude::*;
    use vecfield_expr::Unit;

    fn unit(exponents: &[i32]) -> Unit {
        let named = ["kg", "m", "s", "K"].into_iter().zip(exponents);
        named.fold(Unit::NONE, |unit, (name, &e)| unit.times(&Unit::parse(name).unwrap().to_the(f64::from(e))))
    }

    proptest! {
        /// Every product of powers is spanned; with one more dimension none is.
        #[test]
        fn products_of_powers_are_spanned(
            units in prop::collection::vec(prop::collection::vec(-2..3_i32, 3), 1..4), powers in prop::collection::vec(-2..3_i32, 4),
        ) {
            let units: Vec<Unit> = units.iter().map(|exponents| unit(exponents)).collect();
            let product = |unit: Unit, (of, &power): (&Unit, &i32)| unit.times(&of.to_the(f64::from(power) / 2.0));
            let inside = units.iter().zip(&powers).fold(Unit::NONE, product);
            prop_assert!(spans(&units, &inside), "{} in {:?}", inside, units);
            prop_assert!(!spans(&units, &inside.times(&unit(&[0, 0, 0, 1]))));
        }
    }

    #[test]
    fn gravity_and_a_length_make_a_time() {
        let of = |text: &str| Unit::parse(text).unwrap();
        assert!(spans(&[of("m/s^2"), of("m")], &of("1/s")));
        assert!(!spans(&[of("m/s^2")], &of("1/s")) && spans(&[], &of("1")) && !spans(&[of("1")], &of("m")));
    }
}
