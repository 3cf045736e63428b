//! [`Walker`]: increments of many paths at once, with the last nodes of the tree at hand.
//!
//! An interval is cut into the largest nodes of the tree that it holds, and a part of a leaf at either end; their
//! coefficients are joined from left to right, by Chen's relation. Of every level the walker keeps the two halves it made
//! last: those a query needs and the next one, later in time, needs again. A cold walker makes the same numbers.

use vecfield_kernels::{Job, fill_normals, run};

use crate::error::BrownianError;
use crate::legendre::{MOST, Split, contraction};
use crate::path::{Areas, Brownian, Place};

/// Asks for increments of some paths; made by [`Brownian::walker`].
///
/// Results are `[columns, paths]`: motion by motion, the paths side by side.
#[derive(Debug, Clone)]
pub struct Walker {
    path: Brownian,
    columns: usize,
    first: u64,
    paths: usize,
    /// The whole span, `[terms, columns, paths]`.
    root: Vec<f64>,
    /// The halves made last, by the level of their parent; behind them the parts of a leaf.
    families: Vec<Family>,
    /// How an interval is halved.
    half: Split,
    /// Fresh normals of a split.
    fresh: Vec<f64>,
    /// What was asked for, `[terms, columns, paths]`.
    out: Vec<f64>,
}

/// The two parts of one interval.
#[derive(Debug, Clone)]
struct Family {
    /// Whose, and cut where.
    parent: Option<Place>,
    parts: [Vec<f64>; 2],
}

/// No normals are asked of the tree's node 0: they are the root's.
const ROOT: u64 = 0;

impl Walker {
    pub(crate) fn new(path: Brownian, columns: usize, first: u64, paths: usize) -> Self {
        let size = path.areas().terms() * columns * paths;
        let family = || Family { parent: None, parts: [vec![0.0; size], vec![0.0; size]] };
        let families = (0..=path.depth()).map(|_| family()).collect();
        let (fresh, out) = (vec![0.0; size], vec![0.0; size]);
        let half = Split::at(path.areas().terms(), 0.5);
        let mut walker = Walker { path, columns, first, paths, root: vec![0.0; size], families, half, fresh, out };
        draw(&walker.path, ROOT, (columns, first, paths), &mut walker.root);
        walker
    }

    /// The motion it walks.
    pub fn path(&self) -> &Brownian {
        &self.path
    }

    /// How many motions a path has.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// How many paths there are side by side.
    pub fn paths(&self) -> usize {
        self.paths
    }

    /// Looks at the interval from `s` to `t`; [`w`](Walker::w), [`h`](Walker::h) and [`k`](Walker::k) are then its own.
    ///
    /// Never allocates. Cheapest forwards in time, from where the last one ended: then a step as long as a node of the tree
    /// takes one new normal a path.
    ///
    /// # Errors
    ///
    /// [`BrownianError::Outside`], [`BrownianError::Order`], [`BrownianError::BelowResolution`].
    pub fn query(&mut self, s: f64, t: f64) -> Result<(), BrownianError> {
        let (from, to) = (self.path.place(s)?, self.path.place(t)?);
        if from.leaf > to.leaf || (from.leaf == to.leaf && from.share > to.share) {
            return Err(BrownianError::Order { s, t });
        }
        if from == to {
            self.out.fill(0.0);
            return Ok(());
        }
        if from.leaf == to.leaf && from.share > 0.0 {
            return Err(BrownianError::BelowResolution { s, t, resolution: self.path.resolution() });
        }
        match self.path.areas() {
            Areas::None => self.gather::<1>(from, to),
            Areas::SpaceTime => self.gather::<2>(from, to),
            Areas::SpaceTimeTime => self.gather::<MOST>(from, to),
        }
        Ok(())
    }

    /// The increments, `[columns, paths]`.
    pub fn w(&self) -> &[f64] {
        &self.out[..self.columns * self.paths]
    }

    /// The space-time areas, `[columns, paths]`; empty where the path has none.
    pub fn h(&self) -> &[f64] {
        self.out.chunks_exact((self.columns * self.paths).max(1)).nth(1).unwrap_or_default()
    }

    /// The space-time-time areas, `[columns, paths]`; empty where the path has none.
    pub fn k(&self) -> &[f64] {
        self.out.chunks_exact((self.columns * self.paths).max(1)).nth(2).unwrap_or_default()
    }

    fn gather<const T: usize>(&mut self, from: Place, to: Place) {
        let (depth, leaf) = (self.path.depth(), self.path.resolution());
        let mut gathered = 0.0;
        let mut next = from.leaf;
        if from.share > 0.0 {
            self.cut::<T>(from);
            self.join::<T>(self.families.len() - 1, 1, &mut gathered, (1.0 - from.share) * leaf);
            next += 1;
        }
        while next < to.leaf {
            // The largest node that begins here and does not reach beyond the end.
            let most = (to.leaf - next).ilog2().min(depth);
            let size = if next == 0 { most } else { next.trailing_zeros().min(most) };
            let (level, index) = (depth - size, next >> size);
            let length = self.path.length(level);
            match level {
                0 => add::<T>(&mut self.out, &self.root, &mut gathered, length),
                _ => {
                    self.halve::<T>(level - 1, index >> 1);
                    self.join::<T>(level as usize - 1, (index & 1) as usize, &mut gathered, length);
                }
            }
            next += 1 << size;
        }
        if to.share > 0.0 {
            self.cut::<T>(to);
            self.join::<T>(self.families.len() - 1, 0, &mut gathered, to.share * leaf);
        }
        // From coefficients to W, H and K.
        let factors = [1.0, -1.0 / 12.0_f64.sqrt(), 1.0 / 720.0_f64.sqrt()];
        let width = self.columns * self.paths;
        for (term, factor) in factors.iter().enumerate().take(T).skip(1) {
            self.out[term * width..][..width].iter_mut().for_each(|x| *x *= factor);
        }
    }

    /// Sees to it that the halves of node `index` of `level` are at hand.
    fn halve<const T: usize>(&mut self, level: u32, index: u64) {
        let wanted = Place { leaf: index, share: 0.5 };
        if self.families[level as usize].parent == Some(wanted) {
            return;
        }
        // Up to the first ancestor whose halves are at hand, then down again.
        let mut top = level;
        while top > 0 && self.families[top as usize - 1].parent.map(|p| p.leaf) != Some(index >> (level - top + 1)) {
            top -= 1;
        }
        for level_now in top..=level {
            self.split::<T>(level_now as usize, level_now, Place { leaf: index >> (level - level_now), share: 0.5 });
        }
    }

    /// Sees to it that the parts of a leaf, cut at a share of it, are at hand.
    fn cut<const T: usize>(&mut self, at: Place) {
        let last = self.families.len() - 1;
        if self.families[last].parent != Some(at) {
            let depth = self.path.depth();
            self.halve::<T>(depth - 1, at.leaf >> 1);
            self.split::<T>(last, depth, at);
        }
    }

    /// Cuts a node of `level`, at hand, into the parts that `families[slot]` holds.
    fn split<const T: usize>(&mut self, slot: usize, level: u32, at: Place) {
        let number = (1 << level) + at.leaf;
        draw(&self.path, number, (self.columns, self.first, self.paths), &mut self.fresh);
        let (above, family) = self.families.split_at_mut(slot);
        let parent = match level {
            0 => &self.root,
            _ => &above[level as usize - 1].parts[(at.leaf & 1) as usize],
        };
        let [left, right] = &mut family[0].parts;
        let split = if at.share == 0.5 { self.half } else { Split::at(T, at.share) };
        run(Cut::<T> { split, parent, fresh: &self.fresh, left, right });
        family[0].parent = Some(at);
    }

    fn join<const T: usize>(&mut self, slot: usize, part: usize, gathered: &mut f64, length: f64) {
        add::<T>(&mut self.out, &self.families[slot].parts[part], gathered, length);
    }
}

/// Writes the normals of a node, `[terms, columns, paths]`.
fn draw(path: &Brownian, node: u64, (columns, first, paths): (usize, u64, usize), out: &mut [f64]) {
    for (place, out) in out.chunks_exact_mut(paths.max(1)).enumerate() {
        let (term, column) = (place / columns, place % columns);
        fill_normals([path.seed(), (term as u64) << 32 | column as u64], node, first, out);
    }
}

/// The parts of an interval from its coefficients and fresh normals.
struct Cut<'a, const T: usize> {
    split: Split,
    parent: &'a [f64],
    fresh: &'a [f64],
    left: &'a mut [f64],
    right: &'a mut [f64],
}

impl<const T: usize> Job for Cut<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Cut { split, parent, fresh, left, right } = self;
        let width = (parent.len() / T).max(1);
        for (part, out) in [left, right].into_iter().enumerate() {
            for (term, out) in out.chunks_exact_mut(width).enumerate() {
                let (whole, mix) = (&split.whole[part][term], &split.fresh[part][term]);
                set(out, mix[0], &fresh[..width]);
                for k in 1..T {
                    accumulate(out, mix[k], &fresh[k * width..][..width]);
                }
                // The whole has a part in terms from its own on.
                for k in term..T {
                    accumulate(out, whole[k], &parent[k * width..][..width]);
                }
            }
        }
    }
}

#[inline(always)]
fn set(out: &mut [f64], factor: f64, x: &[f64]) {
    for (out, x) in out.iter_mut().zip(x) {
        *out = factor * x;
    }
}

#[inline(always)]
fn accumulate(out: &mut [f64], factor: f64, x: &[f64]) {
    for (out, x) in out.iter_mut().zip(x) {
        *out += factor * x;
    }
}

/// Puts a piece of `length`, with coefficients of unit strength, behind what was gathered over `gathered`.
fn add<const T: usize>(out: &mut [f64], piece: &[f64], gathered: &mut f64, length: f64) {
    if *gathered == 0.0 {
        run(Begin { out, piece, scale: length.sqrt() });
    } else {
        let share = *gathered / (*gathered + length);
        run(Join::<T> {
            out,
            piece,
            scale: length.sqrt(),
            before: contraction(share),
            behind: contraction(1.0 - share),
        });
    }
    *gathered += length;
}

struct Begin<'a> {
    out: &'a mut [f64],
    piece: &'a [f64],
    scale: f64,
}

impl Job for Begin<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        set(self.out, self.scale, self.piece);
    }
}

struct Join<'a, const T: usize> {
    out: &'a mut [f64],
    piece: &'a [f64],
    scale: f64,
    before: [[f64; MOST]; MOST],
    behind: [[f64; MOST]; MOST],
}

impl<const T: usize> Job for Join<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Join { out, piece, scale, before, behind } = self;
        let width = (out.len() / T).max(1);
        // Higher terms first: each needs those below it as they were.
        for k in (0..T).rev() {
            let (lower, rest) = out.split_at_mut(k * width);
            let out = &mut rest[..width];
            if k > 0 {
                out.iter_mut().for_each(|x| *x *= before[k][k]);
            }
            for j in 0..k {
                accumulate(out, before[k][j], &lower[j * width..][..width]);
            }
            for j in 0..=k {
                let sign = if (k + j) % 2 == 0 { scale } else { -scale };
                accumulate(out, sign * behind[k][j], &piece[j * width..][..width]);
            }
        }
    }
}
