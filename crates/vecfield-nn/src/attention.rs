//! Attention among the tokens of a row.

use serde::{Deserialize, Serialize};
use vecfield_kernels::{Function, LayerMath, Matrix, Start, dot, sum};

use crate::chain;
use crate::error::NnError;
use crate::layer::{Layer, Pass};
use crate::linear::Linear;
use crate::rows::copy_columns;
use crate::tensor::{Tensor, within};

/// Self-attention with several heads (Vaswani et al. 2017, eq. (1) and section 3.2.2): rows of `tokens × width` numbers,
///
/// ```text
/// [Q K V] = X W + b        head = softmax(Q Kᵀ / √d) V        Y = [heads] W_o + b_o        d = width / heads
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attention {
    /// Tokens of a row.
    pub tokens: usize,
    /// Numbers of a token.
    pub width: usize,
    /// Heads, a divisor of `width`.
    pub heads: usize,
}

impl Attention {
    /// Among `tokens` tokens of `width` numbers, with `heads` heads.
    pub fn new(tokens: usize, width: usize, heads: usize) -> Attention {
        Attention { tokens, width, heads }
    }

    /// To `Q`, `K` and `V`, and from the heads.
    fn parts(&self) -> [Linear; 2] {
        [Linear::new(self.width, 3 * self.width), Linear::new(self.width, self.width)]
    }

    fn passes<'a, R: LayerMath>(&self, pass: Pass<'a, R>) -> [Pass<'a, R>; 2] {
        chain::passes(&self.parts(), pass.with_rows(pass.rows * self.tokens))
    }

    /// Numbers of a token in one head, and `1/√` of it.
    fn head<R: LayerMath>(&self) -> (usize, R) {
        let d = self.width / self.heads;
        (d, R::one() / R::from_f64(d as f64).sqrt())
    }
}

/// What stands on the tape.
struct Parts<'a, R> {
    qkv: &'a mut [R],
    weights: &'a mut [R],
    joined: &'a mut [R],
    /// Room for one head: `Q`, `K`, `V`, its result, and their cotangents.
    head: &'a mut [R],
    /// Room for cotangents of the weights of one head.
    scores: &'a mut [R],
    joined_bar: &'a mut [R],
    qkv_bar: &'a mut [R],
}

impl<'a, R> Parts<'a, R> {
    fn of(layer: &Attention, rows: usize, tape: &'a mut [R]) -> Parts<'a, R> {
        let (n, t) = (rows * layer.tokens * layer.width, layer.tokens);
        let (qkv, rest) = tape.split_at_mut(3 * n);
        let (weights, rest) = rest.split_at_mut(rows * layer.heads * t * t);
        let (joined, rest) = rest.split_at_mut(n);
        let (head, rest) = rest.split_at_mut(8 * t * (layer.width / layer.heads));
        let (scores, rest) = rest.split_at_mut(t * t);
        let (joined_bar, qkv_bar) = rest.split_at_mut(n);
        Parts { qkv, weights, joined, head, scores, joined_bar, qkv_bar }
    }
}

impl Layer for Attention {
    fn check(&self) -> Result<(), NnError> {
        if self.heads == 0 || !self.width.is_multiple_of(self.heads) {
            let (found, whole) = (self.heads, self.width);
            return Err(NnError::Indivisible { what: "the width of attention", found, whole });
        }
        for (what, found) in [("the width of attention", self.width), ("the tokens of attention", self.tokens)] {
            if found == 0 {
                return Err(NnError::TooSmall { what, found, least: 1 });
            }
        }
        Ok(())
    }

    fn inputs(&self) -> usize {
        self.tokens * self.width
    }

    fn outputs(&self) -> usize {
        self.inputs()
    }

    fn tensors(&self) -> Vec<Tensor> {
        let [into, out] = self.parts();
        within("in", into.tensors()).chain(within("out", out.tensors())).collect()
    }

    fn parameter_count(&self) -> usize {
        chain::parameter_count(&self.parts())
    }

    fn packed_len(&self) -> usize {
        chain::packed_len(&self.parts())
    }

    fn pack<R: LayerMath>(&self, theta: &[R], packed: &mut [R]) {
        chain::pack(&self.parts(), theta, packed);
    }

    fn tape_len(&self, rows: usize) -> usize {
        let (n, t) = (rows * self.inputs(), self.tokens);
        8 * n + rows * self.heads * t * t + 8 * t * (self.width / self.heads) + t * t
    }

    fn record<R: LayerMath>(&self, pass: Pass<'_, R>, x: &[R], y: &mut [R], tape: &mut [R]) {
        let (t, w, (d, scale)) = (self.tokens, self.width, self.head::<R>());
        let ([into, out], [one, two]) = (self.parts(), self.passes(pass));
        let parts = Parts::of(self, pass.rows, tape);
        into.record(one, x, parts.qkv, &mut []);
        let (q, rest) = parts.head.split_at_mut(t * d);
        let (k, rest) = rest.split_at_mut(t * d);
        let (v, rest) = rest.split_at_mut(t * d);
        let result = &mut rest[..t * d];
        for row in 0..pass.rows {
            let qkv = &parts.qkv[row * t * 3 * w..][..t * 3 * w];
            for head in 0..self.heads {
                for (which, to) in [&mut *q, &mut *k, &mut *v].into_iter().enumerate() {
                    copy_columns(qkv, (3 * w, which * w + head * d), to, (d, 0), d);
                }
                let weights = &mut parts.weights[(row * self.heads + head) * t * t..][..t * t];
                R::inner((t, t, d), q, k, Start::Zero, weights);
                for scores in weights.chunks_exact_mut(t) {
                    scores.iter_mut().for_each(|score| *score *= scale);
                    softmax_in_place(scores);
                }
                R::multiply((t, d, t), Matrix::rows(weights, t), v, Start::Zero, result);
                copy_columns(result, (d, 0), &mut parts.joined[row * t * w..][..t * w], (w, head * d), d);
            }
        }
        out.record(two, parts.joined, y, &mut []);
    }

    fn pull_back<R: LayerMath>(
        &self,
        pass: Pass<'_, R>,
        x: &[R],
        tape: &mut [R],
        y_bar: &mut [R],
        x_bar: &mut [R],
        theta_bar: &mut [R],
    ) -> R {
        let (t, w, (d, scale)) = (self.tokens, self.width, self.head::<R>());
        let ([into, out], [one, two]) = (self.parts(), self.passes(pass));
        let (theta1, theta2) = theta_bar.split_at_mut(into.parameter_count());
        let parts = Parts::of(self, pass.rows, tape);
        out.pull_back(two, parts.joined, &mut [], y_bar, parts.joined_bar, theta2);
        let mut room = parts.head.chunks_exact_mut(t * d);
        let mut next = || room.next().expect("eight blocks were made");
        let (q, k, v, result_bar) = (next(), next(), next(), next());
        let (q_bar, k_bar, v_bar) = (next(), next(), next());
        for row in 0..pass.rows {
            let qkv = &parts.qkv[row * t * 3 * w..][..t * 3 * w];
            let qkv_bar = &mut parts.qkv_bar[row * t * 3 * w..][..t * 3 * w];
            for head in 0..self.heads {
                for (which, to) in [&mut *q, &mut *k, &mut *v].into_iter().enumerate() {
                    copy_columns(qkv, (3 * w, which * w + head * d), to, (d, 0), d);
                }
                copy_columns(&parts.joined_bar[row * t * w..][..t * w], (w, head * d), result_bar, (d, 0), d);
                let weights = &parts.weights[(row * self.heads + head) * t * t..][..t * t];
                R::inner((t, t, d), result_bar, v, Start::Zero, parts.scores);
                R::multiply((t, d, t), Matrix::columns(weights, t), result_bar, Start::Zero, v_bar);
                for (bars, weights) in parts.scores.chunks_exact_mut(t).zip(weights.chunks_exact(t)) {
                    let along = dot(bars, weights);
                    bars.iter_mut().zip(weights).for_each(|(bar, &weight)| *bar = scale * weight * (*bar - along));
                }
                R::multiply((t, d, t), Matrix::rows(parts.scores, t), k, Start::Zero, q_bar);
                R::multiply((t, d, t), Matrix::columns(parts.scores, t), q, Start::Zero, k_bar);
                for (which, from) in [&*q_bar, &*k_bar, &*v_bar].into_iter().enumerate() {
                    copy_columns(from, (d, 0), qkv_bar, (3 * w, which * w + head * d), d);
                }
            }
        }
        into.pull_back(one, x, &mut [], parts.qkv_bar, x_bar, theta1);
        R::zero()
    }
}

/// `e^{x_i} / Σ e^{x_j}`, with the largest subtracted first.
pub(crate) fn softmax_in_place<R: LayerMath>(x: &mut [R]) {
    let largest = x.iter().fold(-R::INFINITY, |largest, &x| if x > largest { x } else { largest });
    x.iter_mut().for_each(|x| *x -= largest);
    R::map_in_place(Function::Exp, x);
    let whole = sum(x);
    x.iter_mut().for_each(|x| *x /= whole);
}
