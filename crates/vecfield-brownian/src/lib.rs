//! Brownian motion as a function: `W(s, t)` and its space-time areas over any interval, from a seed.
//!
//! ```text
//! W = W_t - W_s        H = 1/h ∫ (W_r - W_s - (r-s)/h W) dr        K = 1/h² ∫ (W_r - W_s - (r-s)/h W)(h/2 - (r-s)) dr
//! ```
//!
//! are independent, with variances `h`, `h/12` and `h/720` for `h = t - s` (Foster, Lyons, Oberhauser 2020; Jelinčič,
//! Foster, Kidger 2024). They are the first Legendre coefficients of the white noise over the interval, up to a factor, and a
//! path is a binary tree of them: halving an interval turns the coefficients of the whole and as many fresh normals into
//! those of the halves, by an orthogonal matrix.
//!
//! ```
//! use vecfield_brownian::{Areas, Brownian};
//!
//! let path = Brownian::new(7, (0.0, 2.0))?.with_areas(Areas::SpaceTime);
//! let mut walker = path.walker(1, 0, 1000); // one Brownian motion in each of 1,000 paths
//! walker.query(0.3, 1.1)?;
//! let (whole, area) = (walker.w().to_vec(), walker.h().to_vec());
//!
//! // Asked again in parts, in another order, it is the same motion.
//! walker.query(0.7, 1.1)?;
//! let later = walker.w().to_vec();
//! walker.query(0.3, 0.7)?;
//! assert!((0..1000).all(|i| (walker.w()[i] + later[i] - whole[i]).abs() < 1e-14));
//! let variance = area.iter().map(|h| h * h).sum::<f64>() / 1000.0;
//! assert!((variance / (0.8 / 12.0) - 1.0).abs() < 0.2);
//! # Ok::<(), vecfield_brownian::BrownianError>(())
//! ```
//!
//! | you want | start at |
//! |---|---|
//! | a path, or millions of them | [`Brownian`] |
//! | increments and areas, for many paths at once | [`Walker`] |
//! | to know which areas a method needs | [`Areas`] |
//! | the numbers under it | [`vecfield_kernels::fill_normals`] |
//!
//! **Architecture invariant:** an increment is a function of the path's seed, span, depth and areas, the number of the path
//! and the interval, to the bit: not of what was asked before, of the paths beside it, or of the thread. *Why:* an adaptive
//! step that was rejected, and a reverse pass, must meet the same motion. *Checked by* `tests/it/function.rs`.
//!
//! **Architecture invariant:** memory is constant, and [`Walker::query`] does not allocate. *Why:* it is called in every
//! step of every solve. *Checked by* `tests/it/function.rs`.

mod error;
mod legendre;
mod path;
mod walker;

pub use error::BrownianError;
pub use path::{Areas, Brownian};
pub use walker::Walker;
