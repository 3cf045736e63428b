//! Dense output for methods that bring none: a polynomial through both ends of the step, with the field's rates at both
//! ends and at points inside.
//!
//! The cubic Hermite polynomial is in error by `O(h⁴)`. The field evaluated on it gives rates that are as good, and a
//! polynomial that meets one of them is in error by `O(h⁵)`; the field on that one, at two points, leads to `O(h⁶)`, and so
//! on: bootstrapping (Enright, Jackson, Nørsett and Thomsen 1986; Hairer–Nørsett–Wanner I, II.6).
//!
//! With rates `k_i` at the nodes `x_i` (`x₀ = 0`, `x₁ = 1`), their Lagrange polynomials `l_i` and `ω = Π (x - x_i)`,
//!
//! ```text
//! y(t + θh) = y + W(θ) (y⁺ - y) + h Σ k_i (L_i(θ) - W(θ) L_i(1)),    L_i = ∫₀ l_i,   W = ∫₀ ω / ∫₀¹ ω
//! ```

use vecfield_traits::{Real, Scalar, VectorField};

use crate::stepper::Evaluator;

/// The nodes inside the step, round by round: chosen for small weights and a small error.
const INSIDE: [&[f64]; 5] = [&[], &[0.2], &[0.2, 0.8], &[0.15, 0.75, 0.9], &[0.1, 0.25, 0.75, 0.9]];

/// Rates of one step, and the polynomials that weigh them.
#[derive(Debug, Clone)]
pub(crate) struct Bootstrap<S: Scalar> {
    rounds: Vec<Round<S::Real>>,
    /// `[2 + nodes inside, n]`.
    rates: Vec<S>,
    /// The rates of the round that is being made.
    next: Vec<S>,
    stage: Vec<S>,
    /// Is the rate at the beginning known from the end of the step before?
    begun: bool,
    ready: bool,
}

/// The weights of one round of a dense output by rates alone: polynomials in `θ`, lowest power first (that of `θ¹`).
#[derive(Debug, Clone)]
pub struct Round<R> {
    /// The nodes whose rates it meets, besides both ends.
    pub inside: Vec<R>,
    /// `W`, of the change over the step.
    pub change: Vec<R>,
    /// `L_i - W L_i(1)`, of `h k_i`: the beginning, the end, the nodes inside.
    pub rates: Vec<Vec<R>>,
}

/// The rounds that make the dense output of a method of this order which brings none: the rates inside of each are evaluated
/// on the polynomial of the round before.
pub fn rounds<R: Real>(order: u32) -> Vec<Round<R>> {
    let last = (order.clamp(4, 8) - 4) as usize;
    INSIDE[..=last].iter().map(|inside| Round::new(inside)).collect()
}

impl<S: Scalar> Bootstrap<S> {
    /// A polynomial in error by `O(h^order)`, four at least and eight at most, for `n` components.
    pub(crate) fn new(n: usize, order: u32) -> Bootstrap<S> {
        let last = (order.clamp(4, 8) - 4) as usize;
        let vector = |slots| vec![S::zero(); slots * n];
        Bootstrap {
            rounds: rounds(order),
            rates: vector(2 + last),
            next: vector(last),
            stage: vector(1),
            begun: false,
            ready: false,
        }
    }

    /// Forgets everything: a new solve, or a jump.
    pub(crate) fn restart(&mut self) {
        (self.begun, self.ready) = (false, false);
    }

    /// Goes on to the next step, which begins where this one ended.
    pub(crate) fn advance(&mut self) {
        if self.ready {
            let n = self.stage.len();
            self.rates.copy_within(n..2 * n, 0);
        }
        (self.begun, self.ready) = (self.ready, false);
    }

    /// Appends what the next step takes over from those before it.
    pub(crate) fn save(&self, out: &mut Vec<S>) {
        out.push(if self.begun { S::one() } else { S::zero() });
        out.extend_from_slice(&self.rates[..self.stage.len()]);
    }

    /// Takes up what [`save`](Bootstrap::save) wrote.
    pub(crate) fn restore(&mut self, saved: &[S]) {
        (self.begun, self.ready) = (saved[0] == S::one(), false);
        self.rates[..self.stage.len()].copy_from_slice(&saved[1..]);
    }

    /// Writes the state at `t + θh` into `out`; the first call of a step evaluates the field, at the ends only where their
    /// rates are not `known`.
    pub(crate) fn at<F: VectorField<S>>(
        &mut self,
        field: &mut Evaluator<'_, F, S>,
        (t, h): (S::Real, S::Real),
        (y, y_new): (&[S], &[S]),
        known: Option<(&[S], &[S])>,
        theta: S::Real,
        out: &mut [S],
    ) {
        if !self.ready {
            self.ends(field, (t, h), (y, y_new), known);
            self.inside(field, (t, h), (y, y_new));
            self.ready = true;
        }
        if let Some(round) = self.rounds.last() {
            round.write(h, (y, y_new), &self.rates, theta, out);
        }
    }

    fn ends<F: VectorField<S>>(
        &mut self,
        field: &mut Evaluator<'_, F, S>,
        (t, h): (S::Real, S::Real),
        (y, y_new): (&[S], &[S]),
        known: Option<(&[S], &[S])>,
    ) {
        let (first, rest) = self.rates.split_at_mut(y.len());
        let last = &mut rest[..y.len()];
        if let Some((start, end)) = known {
            first.copy_from_slice(start);
            last.copy_from_slice(end);
            return;
        }
        if !self.begun {
            field.eval(t, y, first);
        }
        field.eval(t + h, y_new, last);
    }

    fn inside<F: VectorField<S>>(
        &mut self,
        field: &mut Evaluator<'_, F, S>,
        (t, h): (S::Real, S::Real),
        (y, y_new): (&[S], &[S]),
    ) {
        let n = self.stage.len();
        for pair in self.rounds.windows(2) {
            let nodes = &pair[1].inside;
            for (&theta, rate) in nodes.iter().zip(self.next.chunks_exact_mut(n)) {
                pair[0].write(h, (y, y_new), &self.rates, theta, &mut self.stage);
                field.eval(t + theta * h, &self.stage, rate);
            }
            let made = nodes.len() * n;
            self.rates[2 * n..][..made].copy_from_slice(&self.next[..made]);
        }
    }
}

impl<R: Real> Round<R> {
    fn new(inside: &[f64]) -> Round<R> {
        let nodes: Vec<f64> = [0.0, 1.0].iter().chain(inside).copied().collect();
        let at_one = |polynomial: &[f64]| polynomial.iter().sum::<f64>();
        let omega = nodes.iter().fold(vec![1.0], |product, x| times(&product, *x));
        let whole = integral(&omega);
        let change: Vec<f64> = whole.iter().map(|w| w / at_one(&whole)).collect();
        let rate = |i: usize| {
            let others = || nodes.iter().enumerate().filter(move |(j, _)| *j != i).map(|(_, x)| *x);
            let size: f64 = others().map(|x| nodes[i] - x).product();
            let lagrange = others().fold(vec![1.0 / size], |product, x| times(&product, x));
            let mut weight = integral(&lagrange);
            let end = at_one(&weight);
            weight.resize(change.len(), 0.0);
            weight.iter().zip(&change).map(|(l, w)| R::from_f64(l - w * end)).collect()
        };
        Round {
            inside: inside.iter().map(|&x| R::from_f64(x)).collect(),
            rates: (0..nodes.len()).map(rate).collect(),
            change: change.into_iter().map(R::from_f64).collect(),
        }
    }

    fn write<S: Scalar<Real = R>>(&self, h: R, (y, y_new): (&[S], &[S]), rates: &[S], theta: R, out: &mut [S]) {
        let at = |polynomial: &[R]| polynomial.iter().rev().fold(R::zero(), |sum, &w| (sum + w) * theta);
        let (n, change) = (y.len(), at(&self.change));
        for ((out, y), y_new) in out.iter_mut().zip(y).zip(y_new) {
            *out = *y + (*y_new - *y).scale(change);
        }
        for (weight, rate) in self.rates.iter().zip(rates.chunks_exact(n.max(1))) {
            let weight = h * at(weight);
            for (out, rate) in out.iter_mut().zip(rate) {
                *out += rate.scale(weight);
            }
        }
    }
}

/// `(θ - x) p(θ)`, lowest power first.
fn times(p: &[f64], x: f64) -> Vec<f64> {
    let mut product = vec![0.0; p.len() + 1];
    for (power, coefficient) in p.iter().enumerate() {
        product[power] -= x * coefficient;
        product[power + 1] += coefficient;
    }
    product
}

/// `∫₀ p`, whose lowest power is `θ¹`.
fn integral(p: &[f64]) -> Vec<f64> {
    (1_u32..).zip(p).map(|(power, coefficient)| coefficient / f64::from(power)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stepper::Stats;
    use vecfield_traits::field;

    /// Rates of time alone are integrated exactly up to the degree of the polynomial.
    #[test]
    fn polynomials_of_the_degree_are_met() {
        for order in 4..=8_u32 {
            let power = i32::try_from(order).unwrap() - 1;
            let mut f =
                field(1, move |t: f64, _y: &[f64], dy: &mut [f64]| dy[0] = f64::from(power) * t.powi(power - 1));
            let mut evaluator = Evaluator { field: &mut f, work: &mut (), stats: Stats::default() };
            let mut dense = Bootstrap::new(1, order);
            let (t, h, mut out) = (0.5_f64, 0.75, [0.0]);
            for theta in [0.1, 0.3, 0.5, 0.77, 0.9] {
                let ends = (&[t.powi(power)][..], &[(t + h).powi(power)][..]);
                dense.at(&mut evaluator, (t, h), ends, None, theta, &mut out);
                let exact = (t + theta * h).powi(power);
                // The coefficients of the weights reach a thousand, and cancel to about one.
                assert!((out[0] - exact).abs() < 1e-12, "order {order} at {theta}: {} and {exact}", out[0]);
            }
        }
    }
}
