//! How much memory a pass back may take.

/// The memory that the record of a solve may take, for the pass back through it.
///
/// Whatever the budget, the gradient has the same bits: what is not kept is computed again by the same operations.
///
/// | budget | kept | the pass back repeats |
/// |---|---|---|
/// | [`everything`](Budget::everything) | every stage of every step, and what evaluations [leave](vecfield_traits::Vjp::keep) | nothing |
/// | [`bytes`](Budget::bytes), while it is enough | the same | nothing |
/// | [`bytes`](Budget::bytes), a longer solve | every stage of every step | what evaluations left: the activations of a network |
/// | [`bytes`](Budget::bytes), one longer still | evenly spaced checkpoints, and the stages of one stretch between two | every step once |
/// | the same, a much longer solve | as many checkpoints as fit, then binomial ones between them | every step a few times |
///
/// The number of steps of an adaptive solve is not known before it is done. Checkpoints are therefore thinned while it runs:
/// where they no longer fit, every second one is dropped and the next are set twice as far apart. On the way back, a stretch
/// between two is divided by the binomial schedule (Griewank and Walther 2000) over the places that have become free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget(pub(crate) Limit);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    Everything,
    Bytes(usize),
    Slots(usize),
}

impl Budget {
    /// Keep every stage of every step, and what the field can leave there for the pass back.
    pub fn everything() -> Budget {
        Budget(Limit::Everything)
    }

    /// Keep at most so many bytes of checkpoints, stages and what evaluations left.
    ///
    /// The record also holds the save times and, for each jump on the way, the state after it; these are the caller's doing
    /// and not counted.
    pub fn bytes(bytes: usize) -> Budget {
        Budget(Limit::Bytes(bytes))
    }

    /// Keep at most so many checkpoints, and the stages of at most so many steps with what evaluations left there.
    pub fn slots(slots: usize) -> Budget {
        Budget(Limit::Slots(slots.max(1)))
    }
}

impl Default for Budget {
    /// One gibibyte.
    fn default() -> Budget {
        Budget::bytes(1 << 30)
    }
}

impl Limit {
    /// May stages of `steps` steps in `bytes` be kept?
    pub(crate) fn allows_traces(self, steps: usize, bytes: usize) -> bool {
        match self {
            Limit::Everything => true,
            Limit::Bytes(limit) => bytes <= limit / 2,
            Limit::Slots(slots) => steps <= slots,
        }
    }

    /// May stages, and what evaluations left for pullbacks at them, be kept in `bytes`?
    pub(crate) fn allows_kept(self, bytes: usize) -> bool {
        match self {
            Limit::Bytes(limit) => bytes <= limit / 2,
            Limit::Everything | Limit::Slots(_) => true,
        }
    }

    /// May `count` checkpoints of `each` bytes be kept?
    pub(crate) fn allows_checkpoints(self, count: usize, each: usize) -> bool {
        match self {
            Limit::Everything => true,
            Limit::Bytes(limit) => count * each <= limit / 2,
            Limit::Slots(slots) => count <= slots,
        }
    }

    /// How many steps' stages of `each` bytes may be kept at once; at least one.
    pub(crate) fn stretch(self, each: usize) -> usize {
        match self {
            Limit::Everything => usize::MAX,
            // Less a piece of memory that is not full.
            Limit::Bytes(limit) => ((limit / 2 - limit / 16) / each.max(1)).max(1),
            Limit::Slots(slots) => slots,
        }
    }

    /// How many more checkpoints of `each` bytes there is room for, beside `count`.
    pub(crate) fn room(self, count: usize, each: usize) -> usize {
        match self {
            Limit::Everything => 0,
            Limit::Bytes(limit) => (limit / 2 / each.max(1)).saturating_sub(count),
            Limit::Slots(slots) => slots.saturating_sub(count),
        }
    }
}
