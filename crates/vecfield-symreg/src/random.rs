//! Random choices: a stream of Threefry's words for each key, so that an island draws the same whatever the others do.

use vecfield_kernels::threefry;

/// The random numbers of one island.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    key: [u64; 2],
    drawn: u64,
}

impl Stream {
    pub(crate) fn new(seed: u64, island: u64) -> Stream {
        Stream { key: [seed, island], drawn: 0 }
    }

    /// How many numbers have been drawn.
    pub(crate) fn drawn(&self) -> u64 {
        self.drawn
    }

    /// As after so many numbers.
    pub(crate) fn skip_to(&mut self, drawn: u64) {
        self.drawn = drawn;
    }

    /// Uniform in `[0, 1)`.
    pub(crate) fn uniform(&mut self) -> f64 {
        self.drawn += 1;
        (threefry(self.key, [self.drawn, 0])[0] >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Normal with mean zero and variance one (Box and Muller 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let (u, v) = (self.uniform(), self.uniform());
        (-2.0 * (-u).ln_1p()).sqrt() * (core::f64::consts::TAU * v).cos()
    }

    /// Uniform among `0..n`, of which there is one at least.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((self.uniform() * n as f64) as usize).min(n.saturating_sub(1))
    }

    /// One of `0..n`, the first far likelier than the last.
    pub(crate) fn early(&mut self, n: usize) -> usize {
        let u = self.uniform();
        ((u * u * u * n as f64) as usize).min(n.saturating_sub(1))
    }

    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> Option<T> {
        (!items.is_empty()).then(|| items[self.below(items.len())])
    }

    /// True with this probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }
}
