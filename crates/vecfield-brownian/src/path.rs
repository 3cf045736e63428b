//! [`Brownian`]: which motion it is.

use crate::error::BrownianError;
use crate::legendre::MOST;
use crate::walker::Walker;

/// Independent Brownian motions over a span of time, infinitely many of them: a seed and how to read it.
///
/// The span is halved [`depth`](Brownian::depth) times; inside the last halves, the leaves, each time has its own law to the
/// last digit, but two times in one leaf know of each other only through the leaf's ends. An interval within one leaf is
/// refused. What the motion is depends on the span only by its scale: over `[0, 1000]` it is `√1000` times that over `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Brownian {
    seed: u64,
    start: f64,
    end: f64,
    depth: u32,
    areas: Areas,
}

/// What is known of an interval besides the increment `W`. A path with more areas is another path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Areas {
    /// `W` alone.
    #[default]
    None,
    /// `W` and `H`, the space-time Lévy area.
    SpaceTime,
    /// `W`, `H` and `K`, the space-time-time Lévy area.
    SpaceTimeTime,
}

impl Areas {
    /// How many numbers an interval has.
    pub(crate) fn terms(self) -> usize {
        match self {
            Areas::None => 1,
            Areas::SpaceTime => 2,
            Areas::SpaceTimeTime => MOST,
        }
    }
}

/// A time as a leaf and the share of the leaf that lies before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Place {
    pub(crate) leaf: u64,
    pub(crate) share: f64,
}

impl Brownian {
    /// The greatest depth: a leaf is then a few hundred times what times in double precision can tell.
    pub const MOST_DEPTH: u32 = 40;

    /// The motions of `seed` over `span`, with `W` alone and leaves of `2⁻²⁰` of the span, a millionth.
    ///
    /// # Errors
    ///
    /// [`BrownianError::Span`] unless `span` is two finite times, the later one second.
    pub fn new(seed: u64, span: (f64, f64)) -> Result<Self, BrownianError> {
        let (start, end) = span;
        if !((end - start).is_finite() && start < end) {
            return Err(BrownianError::Span { start, end });
        }
        Ok(Brownian { seed, start, end, depth: 20, areas: Areas::None })
    }

    /// The same seed read to another depth, which is another path. A query at a time that is no sum of few halvings costs
    /// a normal for every level below those that the last query was in.
    ///
    /// # Errors
    ///
    /// [`BrownianError::Depth`] unless it is between 1 and [`MOST_DEPTH`](Brownian::MOST_DEPTH).
    pub fn with_depth(self, depth: u32) -> Result<Self, BrownianError> {
        if !(1..=Self::MOST_DEPTH).contains(&depth) {
            return Err(BrownianError::Depth { depth, most: Self::MOST_DEPTH });
        }
        Ok(Brownian { depth, ..self })
    }

    /// The same seed with other areas, which is another path.
    pub fn with_areas(self, areas: Areas) -> Self {
        Brownian { areas, ..self }
    }

    /// Who asks for increments: of `columns` independent motions in each of `paths` paths, from number `first` on.
    pub fn walker(&self, columns: usize, first: u64, paths: usize) -> Walker {
        Walker::new(*self, columns, first, paths)
    }

    /// Start and end.
    pub fn span(&self) -> (f64, f64) {
        (self.start, self.end)
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// How often the span is halved.
    pub fn depth(&self) -> u32 {
        self.depth
    }

    /// What is known of an interval.
    pub fn areas(&self) -> Areas {
        self.areas
    }

    /// The length of a leaf.
    pub fn resolution(&self) -> f64 {
        self.length(self.depth)
    }

    /// The length of an interval `level` halvings down.
    pub(crate) fn length(&self, level: u32) -> f64 {
        (self.end - self.start) * 0.5_f64.powi(level as i32)
    }

    /// Where `t` is. A time that rounding may have moved off a leaf's end is that end.
    pub(crate) fn place(&self, t: f64) -> Result<Place, BrownianError> {
        let leaves = (1_u64 << self.depth) as f64;
        let x = (t - self.start) / (self.end - self.start) * leaves;
        // The quotient carries a few roundings of relative size 2^-53, and so may the times of a loop over steps.
        let slack = leaves * 2.0_f64.powi(-49);
        if !(-slack..=leaves + slack).contains(&x) {
            return Err(BrownianError::Outside { t, start: self.start, end: self.end });
        }
        let nearest = x.round();
        let (leaf, share) = if (x - nearest).abs() <= slack { (nearest, 0.0) } else { (x.floor(), x - x.floor()) };
        Ok(Place { leaf: leaf as u64, share })
    }
}
