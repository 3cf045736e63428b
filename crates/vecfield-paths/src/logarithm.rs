//! Log-signatures: as few numbers as say the same.
//!
//! The logarithm of a signature is a sum of brackets of the channels, and the brackets of Lyndon words are a basis of those. The
//! bracket of a word is the word itself and greater ones, so the coefficients follow from those of the Lyndon words alone, the
//! smallest first.

use crate::algebra::TensorAlgebra;
use crate::error::PathError;
use crate::words::{bracket, lyndon_words};

/// Log-signatures of paths in so many channels to a depth, in the Lyndon basis.
///
/// Over three channels to depth 2 these are the three increments and the three areas; the number of terms of each level is that of
/// Witt's formula.
#[derive(Debug, Clone, PartialEq)]
pub struct LogSignatures {
    algebra: TensorAlgebra,
    words: Vec<Vec<usize>>,
    /// Where the coefficient of each word is.
    places: Vec<usize>,
    /// Of each word: the smaller words whose brackets have it, and how often.
    corrections: Vec<Vec<(usize, f64)>>,
}

impl LogSignatures {
    /// Over so many channels to this depth.
    ///
    /// # Errors
    ///
    /// As [`TensorAlgebra::new`].
    pub fn new(channels: usize, depth: usize) -> Result<LogSignatures, PathError> {
        let algebra = TensorAlgebra::new(channels, depth)?;
        let words = lyndon_words(channels, depth);
        let places = words.iter().map(|word| algebra.place(word)).collect();
        let mut corrections = vec![vec![]; words.len()];
        for (number, word) in words.iter().enumerate() {
            for (other, count) in bracket(word) {
                if other == *word {
                    continue;
                }
                let found = words.binary_search_by(|known| (known.len(), known).cmp(&(other.len(), &other)));
                if let Ok(place) = found {
                    corrections[place].push((number, count as f64));
                }
            }
        }
        Ok(LogSignatures { algebra, words, places, corrections })
    }

    /// The tensors behind it.
    pub fn algebra(&self) -> &TensorAlgebra {
        &self.algebra
    }

    /// The words whose brackets the terms belong to, in the order of the terms.
    pub fn words(&self) -> &[Vec<usize>] {
        &self.words
    }

    /// How many terms there are.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Never true: there is a term.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Writes the terms of the logarithm of a signature into `out`.
    pub fn of_signature(&self, signature: &[f64], out: &mut [f64]) {
        let mut tensor = vec![0.0; self.algebra.len()];
        self.algebra.logarithm(signature, &mut tensor);
        for number in 0..self.len() {
            let smaller = self.corrections[number].iter().map(|&(smaller, count)| count * out[smaller]).sum::<f64>();
            out[number] = tensor[self.places[number]] - smaller;
        }
    }

    /// The terms for the straight ways between these points, `[points, channels]`.
    ///
    /// # Errors
    ///
    /// [`PathError::Empty`] and [`PathError::OnePoint`] without two points, [`PathError::Shape`], [`PathError::NotFinite`].
    pub fn of_points(&self, points: &[f64]) -> Result<Vec<f64>, PathError> {
        let d = self.algebra.channels();
        let rows = points.len() / d;
        if !points.len().is_multiple_of(d) {
            return Err(PathError::Shape { values: points.len(), rows, channels: d });
        }
        match rows {
            0 => return Err(PathError::Empty),
            1 => return Err(PathError::OnePoint { t: 0.0 }),
            _ => {}
        }
        if let Some(at) = points.iter().position(|x| !x.is_finite()) {
            let (row, channel, value) = (at / d, at % d, points[at]);
            return Err(PathError::NotFinite {
                row,
                channel,
                value,
                remedy: "make a `Path` of the rows, which fills gaps",
            });
        }
        let mut out = vec![0.0; self.len()];
        self.of_signature(&self.algebra.of_points(points), &mut out);
        Ok(out)
    }

    /// Writes the tensor that these terms are the coefficients of, the logarithm of a signature, into `out`.
    pub fn to_tensor(&self, terms: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        for (word, term) in self.words.iter().zip(terms) {
            for (other, count) in bracket(word) {
                out[self.algebra.place(&other)] += count as f64 * term;
            }
        }
    }
}
