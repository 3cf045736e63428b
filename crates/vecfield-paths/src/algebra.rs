//! Truncated tensors: the signatures of paths.
//!
//! The signature of a path `X: [0, 1] → ℝᵈ` is all its iterated integrals `S^{i₁..i_k} = ∫_{0<u₁<..<u_k<1} dX^{i₁} .. dX^{i_k}`, a tensor of
//! each level `k`. That of two paths one behind the other is the product of theirs (Chen 1958), and that of a straight way is
//! the exponential of its increment.

use core::ops::Range;

use crate::error::PathError;

/// No signature has more terms.
pub(crate) const MOST_TERMS: usize = 1 << 24;

/// Tensors of levels 1 to `depth` over `ℝᵈ`, level after level in one slice; that of level zero is not kept: it is one for
/// signatures, zero for their logarithms.
///
/// ```
/// use vecfield_paths::TensorAlgebra;
///
/// // Along a straight way, S^{i j} = Δᵢ Δⱼ / 2.
/// let algebra = TensorAlgebra::new(2, 2)?;
/// let mut signature = vec![0.0; algebra.len()];
/// algebra.extend(&mut signature, &[3.0, 5.0]);
/// assert_eq!(signature, [3.0, 5.0, 4.5, 7.5, 7.5, 12.5]);
/// # Ok::<(), vecfield_paths::PathError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorAlgebra {
    channels: usize,
    /// Where levels begin, level 1 at zero, and the end of the last.
    begins: Vec<usize>,
}

impl TensorAlgebra {
    /// Over so many channels to this depth.
    ///
    /// # Errors
    ///
    /// [`PathError::Terms`] without a term, or with more than 2²⁴ of them.
    pub fn new(channels: usize, depth: usize) -> Result<TensorAlgebra, PathError> {
        let (mut begins, mut level) = (vec![0_usize], 1_usize);
        for _ in 0..depth.min(64) {
            level = level.saturating_mul(channels);
            begins.push(begins[begins.len() - 1].saturating_add(level));
        }
        let terms = begins[begins.len() - 1];
        if terms == 0 || terms > MOST_TERMS || depth > 64 {
            return Err(PathError::Terms { channels, depth, terms, limit: MOST_TERMS });
        }
        Ok(TensorAlgebra { channels, begins })
    }

    /// Numbers in a value of a path.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The highest level.
    pub fn depth(&self) -> usize {
        self.begins.len() - 1
    }

    /// Numbers of all levels.
    pub fn len(&self) -> usize {
        self.begins[self.depth()]
    }

    /// Never true: there is a term.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Where the tensor of a level from 1 is, its last index the fastest.
    ///
    /// # Panics
    ///
    /// If there is no such level.
    pub fn level(&self, level: usize) -> Range<usize> {
        self.begins[level - 1]..self.begins[level]
    }

    /// The place of `S^{word}`.
    ///
    /// # Panics
    ///
    /// If the word is empty, longer than the depth, or has a letter that is no channel.
    pub fn place(&self, word: &[usize]) -> usize {
        assert!(word.iter().all(|&letter| letter < self.channels), "letters are channels");
        self.level(word.len()).start + word.iter().fold(0, |place, letter| place * self.channels + letter)
    }

    /// Continues a signature by a straight way: `S ← S ⊗ exp(increment)`. Zeros are the signature of no way at all.
    pub fn extend(&self, signature: &mut [f64], increment: &[f64]) {
        let mut scratch = vec![0.0; self.level(self.depth()).len()];
        self.extend_with(signature, increment, &mut scratch);
    }

    /// [`extend`](TensorAlgebra::extend) with room of the caller's, as much as the highest level takes; allocates nothing.
    pub fn extend_with(&self, signature: &mut [f64], increment: &[f64], scratch: &mut [f64]) {
        let d = self.channels;
        // From the top down, so that lower levels are still those of the way so far. Level k gains
        // Σ_j S_j ⊗ Δ^{k-j}/(k-j)! = (..((Δ/k + S₁) ⊗ Δ/(k-1) + S₂) ⊗ .. + S_{k-1}) ⊗ Δ.
        for level in (1..=self.depth()).rev() {
            let mut len = d;
            let by = 1.0 / level as f64;
            scratch[..d].iter_mut().zip(increment).for_each(|(to, x)| *to = x * by);
            for lower in 1..level {
                let by = 1.0 / (level - lower) as f64;
                let own = self.level(lower);
                scratch[..len].iter_mut().zip(&signature[own]).for_each(|(to, s)| *to += s);
                // In place from the back: a number makes d of them, at or behind its own place.
                for i in (0..len).rev() {
                    let x = scratch[i] * by;
                    for j in (0..d).rev() {
                        scratch[i * d + j] = x * increment[j];
                    }
                }
                len *= d;
            }
            signature[self.level(level)].iter_mut().zip(&scratch[..len]).for_each(|(to, x)| *to += x);
        }
    }

    /// The signature of the straight ways between these points, `[points, channels]`.
    pub fn of_points(&self, points: &[f64]) -> Vec<f64> {
        let d = self.channels;
        let (mut signature, mut increment) = (vec![0.0; self.len()], vec![0.0; d]);
        let mut scratch = vec![0.0; self.level(self.depth()).len()];
        for pair in points.windows(2 * d).step_by(d) {
            let (from, to) = pair.split_at(d);
            increment.iter_mut().zip(from.iter().zip(to)).for_each(|(x, (from, to))| *x = to - from);
            self.extend_with(&mut signature, &increment, &mut scratch);
        }
        signature
    }

    /// Chen's identity: writes the signature of one way with another behind it, `a ⊗ b`, into `out`.
    pub fn chain(&self, a: &[f64], b: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        self.add_product(a, b, out);
        out.iter_mut().zip(a).zip(b).for_each(|((out, a), b)| *out += a + b);
    }

    /// Adds the product of two tensors without a level zero.
    fn add_product(&self, a: &[f64], b: &[f64], out: &mut [f64]) {
        for level in 2..=self.depth() {
            for left in 1..level {
                let right = &b[self.level(level - left)];
                let to = &mut out[self.level(level)];
                for (to, &a) in to.chunks_exact_mut(right.len()).zip(&a[self.level(left)]) {
                    to.iter_mut().zip(right).for_each(|(to, b)| *to += a * b);
                }
            }
        }
    }

    /// Writes `ln S = x - x²/2 + x³/3 - ..` with `x = S - 1` into `out`.
    pub fn logarithm(&self, signature: &[f64], out: &mut [f64]) {
        // x (1 - x (1/2 - x (1/3 - ..))), from the inside out.
        self.horner(signature, out, |k| if k % 2 == 0 { -1.0 / k as f64 } else { 1.0 / k as f64 });
    }

    /// Writes `exp x = 1 + x + x²/2 + ..`, of which the one is not kept, into `out`.
    pub fn exponential(&self, x: &[f64], out: &mut [f64]) {
        self.horner(x, out, |k| 1.0 / (1..=k).map(|k| k as f64).product::<f64>());
    }

    /// `Σ_{k=1}^{depth} c_k xᵏ`.
    fn horner(&self, x: &[f64], out: &mut [f64], c: impl Fn(usize) -> f64) {
        let mut inner = vec![0.0; self.len()];
        out.iter_mut().zip(x).for_each(|(out, x)| *out = c(self.depth()) * x);
        for k in (1..self.depth()).rev() {
            inner.copy_from_slice(out);
            out.iter_mut().zip(x).for_each(|(out, x)| *out = c(k) * x);
            self.add_product(x, &inner, out);
        }
    }
}
