//! First-order descent: a [`Rule`], groups of parameters, and what the rule remembers.

use core::ops::Range;

use serde::{Deserialize, Serialize};
use vecfield_kernels::LayerMath;

use crate::error::OptimError;
use crate::orthogonal::Room;
use crate::rule::{BESIDE_MUON, Rule, Update};

/// Parameters that are treated alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Which.
    pub range: Range<usize>,
    /// Their rate is this times the common one.
    #[serde(default = "one")]
    pub rate: f64,
    /// How they decay.
    #[serde(default)]
    pub decay: Decay,
    /// Rows and columns, where they are a matrix; [`Rule::Muon`] asks.
    #[serde(default)]
    pub shape: Option<[usize; 2]>,
}

fn one() -> f64 {
    1.0
}

impl Group {
    /// At the common rate, without decay.
    pub fn new(range: Range<usize>) -> Group {
        Group { range, rate: 1.0, decay: Decay::None, shape: None }
    }

    /// With this factor to the rate.
    pub fn rate(self, rate: f64) -> Group {
        Group { rate, ..self }
    }

    /// With decay.
    pub fn decay(self, decay: Decay) -> Group {
        Group { decay, ..self }
    }

    /// As a matrix.
    pub fn matrix(self, rows: usize, columns: usize) -> Group {
        Group { shape: Some([rows, columns]), ..self }
    }
}

/// How parameters are drawn to zero.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Decay {
    /// Not.
    #[default]
    None,
    /// `λ θ` is added to the gradient: the penalty `½ λ |θ|²`.
    Penalty(f64),
    /// `θ ← (1 - α λ) θ` beside the rule's own step (Loshchilov & Hutter 2019).
    Decoupled(f64),
}

/// A rule at work: it moves parameters against their gradient, and remembers what the rule says.
///
/// All it remembers is data: [`steps`](Descent::steps) and [`memory`](Descent::memory) go to a checkpoint, and
/// [`resume`](Descent::resume) goes on from there with the same bits.
///
/// ```
/// use vecfield_optim::{Descent, Rule};
///
/// // ½ (x² + 10 y²)
/// let mut descent = Descent::new(Rule::ADAM, 2);
/// let mut x = [3.0_f64, -2.0];
/// for _ in 0..2000 {
///     let gradient = [x[0], 10.0 * x[1]];
///     descent.step(&mut x, &gradient, 0.01);
/// }
/// assert!(x[0].abs() < 1e-6 && x[1].abs() < 1e-6);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Descent<R> {
    rule: Rule,
    groups: Vec<Group>,
    steps: u64,
    first: Vec<R>,
    second: Vec<R>,
    room: Room<R>,
    direction: Vec<R>,
}

impl<R: LayerMath> Descent<R> {
    /// One group of `n` parameters.
    pub fn new(rule: Rule, n: usize) -> Descent<R> {
        Descent::grouped(rule, n, vec![Group::new(0..n)]).expect("one group of all parameters")
    }

    /// Groups of `n` parameters; those in no group stay as they are.
    ///
    /// # Errors
    ///
    /// [`OptimError::Groups`] where groups overlap, reach beyond `n` or are no matrix of their shape.
    pub fn grouped(rule: Rule, n: usize, mut groups: Vec<Group>) -> Result<Descent<R>, OptimError> {
        groups.sort_by_key(|group| group.range.start);
        let mut end = 0;
        for group in &groups {
            let Range { start, end: stop } = group.range;
            let fits = group.shape.is_none_or(|[rows, columns]| rows * columns == stop.saturating_sub(start));
            if start < end || stop < start || stop > n || !fits {
                return Err(OptimError::Groups { start, end: stop, parameters: n });
            }
            end = stop;
        }
        let (mut room, mut longest) = (Room::default(), 0);
        if let Rule::Muon { .. } = rule {
            for [rows, columns] in groups.iter().filter_map(|group| group.shape) {
                room.fit(rows, columns);
                longest = longest.max(rows * columns);
            }
        }
        let second = if rule.has_second() { n } else { 0 };
        let zeros = |n| vec![R::zero(); n];
        Ok(Descent { rule, groups, steps: 0, first: zeros(n), second: zeros(second), room, direction: zeros(longest) })
    }

    /// The rule.
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// The groups, from the first parameter.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// What the rule remembers of each parameter, by name; empty for what it does not use.
    pub fn memory(&self) -> [(&'static str, &[R]); 2] {
        [("first", &self.first), ("second", &self.second)]
    }

    /// Goes on after so many steps with what [`memory`](Descent::memory) was.
    ///
    /// # Errors
    ///
    /// [`OptimError::MemoryLength`] where it is that of another rule or of other parameters.
    pub fn resume(&mut self, steps: u64, memory: [&[R]; 2]) -> Result<(), OptimError> {
        for (own, from) in [&self.first, &self.second].into_iter().zip(memory) {
            if own.len() != from.len() {
                return Err(OptimError::MemoryLength { found: from.len(), expected: own.len() });
            }
        }
        self.steps = steps;
        self.first.copy_from_slice(memory[0]);
        self.second.copy_from_slice(memory[1]);
        Ok(())
    }

    /// Moves `theta` by one step at the given rate.
    ///
    /// # Panics
    ///
    /// If `theta` or `gradient` does not have the number of parameters this was made for.
    pub fn step(&mut self, theta: &mut [R], gradient: &[R], rate: f64) {
        assert_eq!(theta.len(), self.first.len(), "as many parameters as the descent was made for");
        assert_eq!(gradient.len(), theta.len(), "a slope for each parameter");
        self.steps += 1;
        for group in &self.groups {
            let rate = rate * group.rate;
            let (added, taken) = match group.decay {
                Decay::None => (0.0, 0.0),
                Decay::Penalty(lambda) => (lambda, 0.0),
                Decay::Decoupled(lambda) => (0.0, rate * lambda),
            };
            let range = group.range.clone();
            let second = if self.second.is_empty() { &mut [][..] } else { &mut self.second[range.clone()] };
            let update = Update {
                rule: self.rule,
                step: self.steps,
                rate,
                added,
                taken,
                theta: &mut theta[range.clone()],
                gradient: &gradient[range.clone()],
                first: &mut self.first[range],
                second,
            };
            match (self.rule, group.shape) {
                (Rule::Muon { momentum }, Some(shape)) => {
                    muon(update, momentum, shape, &mut self.room, &mut self.direction);
                }
                (Rule::Muon { .. }, None) => {
                    Update { rule: BESIDE_MUON.0, rate: rate * BESIDE_MUON.1, taken: taken * BESIDE_MUON.1, ..update }
                        .apply();
                }
                _ => update.apply(),
            }
        }
    }
}

/// `v ← μ v + g`, `θ ← θ - α √max(1, rows/columns) O` with `O` near the orthogonal matrix nearest to `g + μ v`.
fn muon<R: LayerMath>(
    update: Update<'_, R>,
    momentum: f64,
    [rows, columns]: [usize; 2],
    room: &mut Room<R>,
    direction: &mut [R],
) {
    let Update { rate, added, taken, theta, gradient, first, .. } = update;
    let (mu, added) = (R::from_f64(momentum), R::from_f64(added));
    let direction = &mut direction[..theta.len()];
    for i in 0..theta.len() {
        let g = gradient[i] + added * theta[i];
        first[i] = mu * first[i] + g;
        direction[i] = g + mu * first[i];
    }
    room.orthogonalise(direction, rows, columns);
    let rate = R::from_f64(rate * (rows as f64 / columns.max(1) as f64).max(1.0).sqrt());
    let kept = R::from_f64(1.0 - taken);
    for (theta, &direction) in theta.iter_mut().zip(&*direction) {
        *theta = kept * *theta - rate * direction;
    }
}
