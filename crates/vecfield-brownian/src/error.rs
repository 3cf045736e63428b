//! [`BrownianError`].

/// Why there is no such path, or no such increment of it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BrownianError {
    /// Not an interval.
    #[error(
        "a path needs a finite start and a later, finite end, but goes from {start} to {end}; give them in that order"
    )]
    Span {
        /// The start.
        start: f64,
        /// The end.
        end: f64,
    },
    /// None, or finer than times can tell.
    #[error(
        "the depth of a path is from 1 to {most} halvings of its span, but is {depth}; 20 resolves 1e-6 of the span"
    )]
    Depth {
        /// The depth.
        depth: u32,
        /// The largest.
        most: u32,
    },
    /// A time where the path is not.
    #[error(
        "t = {t} is outside the path's span from {start} to {end}; make a path over all the times that are asked for"
    )]
    Outside {
        /// The time.
        t: f64,
        /// Start of the path.
        start: f64,
        /// End of the path.
        end: f64,
    },
    /// An interval that ends before it starts.
    #[error("the interval from {s} to {t} ends before it starts; ask for it forwards, and change the sign of W")]
    Order {
        /// Its start.
        s: f64,
        /// Its end.
        t: f64,
    },
    /// An interval inside one leaf of the tree.
    #[error(
        "the interval from {s} to {t} is finer than the path's resolution of {resolution:e}; raise the path's depth"
    )]
    BelowResolution {
        /// Its start.
        s: f64,
        /// Its end.
        t: f64,
        /// The length of a leaf.
        resolution: f64,
    },
}
