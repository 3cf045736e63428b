//! Which samples come next.

use vecfield_nn::Random;

/// Every sample once in each epoch, in an order of its own. An epoch whose rest is smaller than a batch ends before it: every
/// batch is full.
#[derive(Debug, Clone)]
pub(super) struct Batches {
    order: Vec<usize>,
    /// Where the order of this epoch was drawn from.
    from: Random,
    /// Where the next one is.
    random: Random,
    place: usize,
}

impl Batches {
    pub(super) fn new(samples: usize, random: Random) -> Batches {
        let mut batches = Batches { order: (0..samples).collect(), from: random.clone(), random, place: 0 };
        batches.begin();
        batches
    }

    /// The next `count` samples; all of them, in their order, where that is how many there are.
    pub(super) fn next(&mut self, count: usize) -> &[usize] {
        if count >= self.order.len() {
            self.order.sort_unstable();
            return &self.order;
        }
        if self.place + count > self.order.len() {
            self.begin();
        }
        self.place += count;
        &self.order[self.place - count..self.place]
    }

    /// What [`resume`](Batches::resume) goes on from: where the order was drawn from, and how many samples of it are gone.
    pub(super) fn state(&self) -> (Random, usize) {
        (self.from.clone(), self.place)
    }

    pub(super) fn resume(&mut self, (from, place): (Random, usize)) {
        self.random = from;
        self.begin();
        self.place = place.min(self.order.len());
    }

    fn begin(&mut self) {
        self.from = self.random.clone();
        self.order.sort_unstable();
        self.random.shuffle(&mut self.order);
        self.place = 0;
    }
}
