//! Symmetries of equations: what they leave of the coefficients.

use crate::constraint::{Relations, Row};
use crate::library::Library;
use crate::{SindyError, candidates};
use std::collections::HashMap;
use vecfield_expr::ExprId;

/// A change of variables and of time that leaves the equations as they are: each variable goes to another one, or to its negative.
///
/// ```
/// use vecfield_sindy::Symmetry;
///
/// // Lorenz' equations do not tell left from right; Thomas' do not tell which coordinate is which.
/// let mirror = Symmetry::parse("x: -x; y: -y")?;
/// let cycle = Symmetry::parse("x: y; y: z; z: x")?;
/// assert!(mirror != cycle && Symmetry::parse("x: 2*x").is_err());
/// # Ok::<(), vecfield_sindy::SindyError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Symmetry {
    /// The text it was read from, for messages.
    text: String,
    /// Name, what it goes to, and the sign before that; names that are not there stay as they are.
    images: Vec<(String, String, f64)>,
}

impl Symmetry {
    /// Reads `x: -x; y: -y`, `x: y; y: z; z: x`, or `v: -v; t: -t`.
    ///
    /// # Errors
    ///
    /// [`SindyError::SymmetrySyntax`].
    pub fn parse(text: &str) -> Result<Self, SindyError> {
        let wrong = |problem: &str| SindyError::SymmetrySyntax { text: text.to_string(), problem: problem.to_string() };
        let pairs = candidates::pairs(text).ok_or_else(|| wrong("it is no list of names with what they go to"))?;
        let image = |(name, image): (&str, &str)| {
            let (sign, image) = image.strip_prefix('-').map_or((1.0, image), |rest| (-1.0, rest.trim()));
            vecfield_expr::check_name(image).map_err(|_| wrong("a name goes to a name, or to its negative"))?;
            Ok((name.to_string(), image.to_string(), sign))
        };
        Ok(Self { text: text.to_string(), images: pairs.into_iter().map(image).collect::<Result<_, SindyError>>()? })
    }

    /// What each of the library's arguments goes to, with its sign.
    fn places(&self, library: &Library) -> Result<Vec<(usize, f64)>, SindyError> {
        let names = library.arguments();
        let wrong = |problem: String| SindyError::SymmetrySyntax { text: self.text.clone(), problem };
        let place = |name: &str| {
            let place = names.iter().position(|other| other == name);
            place.ok_or_else(|| wrong(format!("there is no `{name}`; there are {}", names.join(", "))))
        };
        let mut places: Vec<(usize, f64)> = (0..names.len()).map(|k| (k, 1.0)).collect();
        for (name, image, sign) in &self.images {
            places[place(name)?] = (place(image)?, *sign);
        }
        let states = library.variables().len();
        let kind = |k: usize| if names[k] == "t" { 2 } else { usize::from(k >= states) };
        let mut reached = vec![false; names.len()];
        places.iter().for_each(|&(k, _)| reached[k] = true);
        let kinds = places.iter().enumerate().all(|(from, &(to, _))| kind(from) == kind(to));
        match reached.iter().position(|reached| !reached) {
            Some(missed) => Err(wrong(format!("nothing goes to `{}`", names[missed]))),
            None if !kinds => Err(wrong("states go to states, inputs to inputs, and time to itself".into())),
            None => Ok(places),
        }
    }

    /// Closes features to equations that cannot have them, `[d, p]` of more features than the library's own, and adds what ties coefficients to each other.
    ///
    /// With `S` the change of states and `c` that of time the equations obey `f(S y) = S f(y) / c`; a feature that the library has no image of
    /// has no place in them.
    pub(crate) fn restrict(
        &self,
        library: &Library,
        allowed: &mut [bool],
        ties: &mut Relations,
    ) -> Result<(), SindyError> {
        let places = self.places(library)?;
        let images = images(library, &places);
        let d = library.variables().len();
        let p = allowed.len() / d;
        let time = library.arguments().iter().position(|name| name == "t").map_or(1.0, |t| places[t].1);
        for equation in 0..d {
            let (other, sign) = (places[equation].0, places[equation].1 * time);
            for (feature, image) in images.iter().enumerate() {
                let at = equation * p + feature;
                let Some((image, flipped)) = *image else {
                    allowed[at] = false;
                    continue;
                };
                let (to, factor) = (other * p + image, sign * flipped);
                if to != at {
                    ties.equalities.push(Row { parts: vec![(at, 1.0), (to, -factor)], value: 0.0 });
                } else if factor < 0.0 {
                    allowed[at] = false;
                }
            }
        }
        // What is closed to one is closed to all that are tied to it.
        while let Some((open, closed)) = ties.equalities.iter().find_map(|row| half_open(row, allowed)) {
            allowed[open] = allowed[closed];
        }
        ties.equalities.retain(|row| row.parts.iter().any(|&(k, _)| allowed[k]));
        Ok(())
    }
}

/// The open one of two coefficients that are each other's, and the closed one.
fn half_open(row: &Row, allowed: &[bool]) -> Option<(usize, usize)> {
    match row.parts[..] {
        [(a, _), (b, _)] if row.value == 0.0 && allowed[a] && !allowed[b] => Some((a, b)),
        [(a, _), (b, _)] if row.value == 0.0 && allowed[b] && !allowed[a] => Some((b, a)),
        _ => None,
    }
}

/// For every feature the one that it goes to, with a sign before it; none where the library lacks it.
fn images(library: &Library, places: &[(usize, f64)]) -> Vec<Option<(usize, f64)>> {
    let mut graph = library.graph().clone();
    let symbols: Vec<ExprId> = library.arguments().iter().map(|name| graph.symbol(name)).collect();
    let changes = places.iter().enumerate().filter(|&(from, &(to, sign))| from != to || sign < 0.0);
    let changes: Vec<(ExprId, ExprId)> = changes
        .map(|(from, &(to, sign))| (symbols[from], if sign < 0.0 { graph.neg(symbols[to]) } else { symbols[to] }))
        .collect();
    let forms: Vec<ExprId> = library.symbolic().iter().map(|&formula| graph.expand(formula)).collect();
    let known: HashMap<ExprId, usize> = forms.iter().enumerate().map(|(k, &form)| (form, k)).collect();
    let mut image = |&formula: &ExprId| {
        let changed = graph.substitute(formula, &changes);
        let positive = graph.expand(changed);
        let negative = graph.neg(changed);
        let negative = graph.expand(negative);
        known.get(&positive).map(|&k| (k, 1.0)).or_else(|| known.get(&negative).map(|&k| (k, -1.0)))
    };
    library.symbolic().iter().map(&mut image).collect()
}
