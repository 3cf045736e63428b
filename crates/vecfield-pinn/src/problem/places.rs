//! Where conditions hold, and what can be seen to be wrong with them before anything is solved.

use super::{Problem, number};
use crate::PinnError;
use crate::features::lattice;
use crate::formula::Columns;

/// Where a condition holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Place {
    /// Where these coordinates have these values.
    Fixed(Vec<(usize, f64)>),
    /// The boundary of space, at all times.
    Boundary,
    /// Everywhere but in the domain, for nonlocal operators.
    Outside,
}

impl Problem {
    /// Reads `x = 0`, `x = 0, y = 1`, `boundary` or `outside`.
    pub(super) fn place(&self, key: &str, text: &str) -> Result<Place, PinnError> {
        match text.trim() {
            "boundary" => return Ok(Place::Boundary),
            "outside" => return Ok(Place::Outside),
            _ => {}
        }
        let mut fixed = Vec::new();
        for part in text.split(',') {
            let coordinates = &self.language.coordinates;
            let Some((name, value)) = part.split_once('=') else {
                let reason =
                    format!("\"{text}\" is no place; write a face as \"{} = 0\", or \"boundary\"", coordinates[0]);
                return Err(PinnError::setting(key, reason));
            };
            let (name, value) = (name.trim(), value.trim());
            let Some(at) = coordinates.iter().position(|c| c == name) else {
                let reason = format!("there is no coordinate `{name}`; the coordinates are {}", coordinates.join(", "));
                return Err(PinnError::setting(key, reason));
            };
            let known = self.language.parameters.get(value).copied();
            let Some(mut value) = known.or_else(|| number(value)) else {
                return Err(PinnError::setting(key, format!("\"{value}\" is no number; write one, as {name} = 0")));
            };
            let (low, high) = (self.low[at], self.high[at]);
            for end in [low, high] {
                // 2*pi in one place and 6.283185307179586 in another are one face.
                if (value - end).abs() <= 1e-9 * (high - low) {
                    value = end;
                }
            }
            if !(low..=high).contains(&value) {
                return Err(PinnError::OffDomain { key: key.into(), name: name.into(), value, low, high });
            }
            fixed.push((at, value));
        }
        Ok(Place::Fixed(fixed))
    }

    /// Shrinks the box to its geometry, and refuses one without a point.
    pub(super) fn fit_shape(&mut self) -> Result<(), PinnError> {
        let Some(shape) = &self.shape else { return Ok(()) };
        let space = self.language.space();
        if space.len() != shape.dims() {
            let reason = format!("the geometry has {} dimensions, space has {}", shape.dims(), space.len());
            return Err(PinnError::setting("domain.geometry", format!("{reason}; use shapes of as many dimensions")));
        }
        let (low, high) = shape.bounds();
        for (k, &i) in space.iter().enumerate() {
            self.low[i] = self.low[i].max(low[k]);
            self.high[i] = self.high[i].min(high[k]);
        }
        if space.iter().any(|&i| self.low[i] >= self.high[i]) {
            return Err(PinnError::EmptyGeometry);
        }
        let probes = lattice(4096, self.low.len(), 0.5);
        let inside = |point: &[f64]| self.contains(&self.in_box(point));
        if !probes.chunks_exact(self.low.len()).any(inside) {
            return Err(PinnError::EmptyGeometry);
        }
        Ok(())
    }

    /// A point of the reference cube in the domain's box.
    pub(crate) fn in_box(&self, point: &[f64]) -> Vec<f64> {
        let place = |i: usize| self.low[i] + 0.5 * (point[i] + 1.0) * (self.high[i] - self.low[i]);
        (0..point.len()).map(place).collect()
    }

    /// Is a point of the box in the domain?
    pub(crate) fn contains(&self, point: &[f64]) -> bool {
        let Some(shape) = &self.shape else { return true };
        let space: Vec<f64> = self.language.space().into_iter().map(|i| point[i]).collect();
        shape.contains(&space)
    }

    /// Refuses conditions that contradict one another, and warns of what is odd.
    pub(super) fn check(&mut self) -> Result<(), PinnError> {
        self.check_unknowns()?;
        let outside = self.conditions.iter().find(|c| c.place == Place::Outside);
        match (outside, self.fraction) {
            (Some(condition), None) => {
                let reason = "only equations with fraclap have conditions outside; put this one on the boundary";
                return Err(PinnError::setting(condition.formula.key.clone(), reason));
            }
            (None, Some(_)) => {
                let reason = "fraclap needs the values everywhere else; add a condition on = \"outside\"";
                return Err(PinnError::setting("condition", reason));
            }
            (Some(condition), Some(_)) => self.check_outside(condition)?,
            (None, None) => {}
        }
        for later in 0..self.conditions.len() {
            for earlier in 0..later {
                self.compare(earlier, later)?;
            }
        }
        Ok(())
    }

    /// Features of `fraclap` are those of what is nothing outside.
    fn check_outside(&self, condition: &super::Condition) -> Result<(), PinnError> {
        let dims = self.low.len();
        // A length off either end of the first coordinate that is not time.
        let space = self.language.space().first().copied().unwrap_or(0);
        let length = self.high[space] - self.low[space];
        let points: Vec<Vec<f64>> = (0..dims)
            .map(|i| match i == space {
                true => vec![
                    self.low[i] - length,
                    self.low[i] - 0.1 * length,
                    self.high[i] + 0.1 * length,
                    self.high[i] + length,
                ],
                false => vec![self.low[i] + 0.3 * (self.high[i] - self.low[i]); 4],
            })
            .collect();
        if condition.formula.at_zero(&points, &self.initial).residual.iter().any(|value| *value != 0.0) {
            let reason = "only u = 0 can hold outside so far; write the equation for what is left when the values there are \
                          taken off";
            return Err(PinnError::setting(condition.formula.key.clone(), reason));
        }
        Ok(())
    }

    fn check_unknowns(&mut self) -> Result<(), PinnError> {
        for (unknown, name) in self.language.unknowns.clone().iter().enumerate() {
            let formulas = self.equations.iter();
            let used = formulas.clone().any(|f| {
                f.jets.iter().any(|jet| jet.unknown == unknown)
                    || f.integrals.iter().any(|i| i.here.iter().chain(&i.there).any(|jet| jet.unknown == unknown))
            });
            if !used {
                let reason = format!("no equation has `{name}` in it; add one or remove the unknown");
                return Err(PinnError::setting("domain.unknowns", reason));
            }
        }
        Ok(())
    }

    /// Two conditions for one quantity: an error where they differ on the same face, a warning where faces meet.
    fn compare(&mut self, earlier: usize, later: usize) -> Result<(), PinnError> {
        let (first, second) = (&self.conditions[earlier], &self.conditions[later]);
        let plain = first.formula.jets.len() == 1 && first.formula.jets == second.formula.jets;
        let named = first.formula.name == second.formula.name;
        if !plain || !named || !first.formula.integrals.is_empty() || !second.formula.integrals.is_empty() {
            return Ok(());
        }
        let (Place::Fixed(a), Place::Fixed(b)) = (&first.place, &second.place) else { return Ok(()) };
        // Where both hold: at the values of both, if no coordinate has two.
        if a.iter().any(|(i, x)| b.iter().any(|(j, y)| i == j && x != y)) {
            return Ok(());
        }
        let dims = self.low.len();
        let points = self.on(a, b);
        let [u, v] = [first, second].map(|condition| condition.formula.at_zero(&points, &self.initial));
        // Residual = slope · jet - right: the jets that make both vanish.
        let solved = |s: &crate::formula::Slopes, i: usize| -s.residual[i] / s.by_jet[0][i];
        let size = self.size(first, a).max(self.size(second, b));
        let worst = (0..points[0].len())
            .map(|i| (i, (solved(&u, i) - solved(&v, i)).abs()))
            .filter(|(_, gap)| gap.is_finite())
            .max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((at, gap)) = worst.filter(|(_, gap)| *gap > 1e-6 * size.max(1e-300)) else { return Ok(()) };
        let place = |i: &usize| format!("{} = {}", self.language.coordinates[*i], points[*i][at]);
        let place = (0..dims).collect::<Vec<_>>().iter().map(place).collect::<Vec<_>>().join(", ");
        let (quantity, key) = (second.formula.name.clone(), second.formula.key.clone());
        let (one, two) = (solved(&u, at), solved(&v, at));
        let same = a.len() == b.len() && a.iter().all(|entry| b.contains(entry));
        if same {
            return Err(PinnError::Contradiction { key, quantity, place, first: one, second: two });
        }
        self.warnings.push(format!(
            "two conditions give {quantity} different values where they meet, at {place}: {one} and {two} (apart by {gap:e}); \
             the solution has a kink or a jump there"
        ));
        Ok(())
    }

    /// How large the values are that a condition gives.
    fn size(&self, condition: &super::Condition, fixed: &[(usize, f64)]) -> f64 {
        let points = self.on(fixed, &[]);
        let slopes = condition.formula.at_zero(&points, &self.initial);
        slopes.residual.iter().zip(&slopes.by_jet[0]).map(|(r, s)| (r / s).abs()).fold(0.0, f64::max)
    }

    /// Points where these coordinates have these values.
    fn on(&self, a: &[(usize, f64)], b: &[(usize, f64)]) -> Columns {
        let dims = self.low.len();
        let mut points: Columns = vec![vec![]; dims];
        for probe in lattice(65, dims, 0.25).chunks_exact(dims) {
            let mut point = self.in_box(probe);
            a.iter().chain(b).for_each(|&(i, value)| point[i] = value);
            points.iter_mut().zip(&point).for_each(|(column, &x)| column.push(x));
        }
        points
    }
}
