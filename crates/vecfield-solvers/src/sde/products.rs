//! Products of a diffusion with increments, and the sums of steppers, over all paths at once.
//!
//! Nothing is fused: every machine gives the same bits.

use vecfield_kernels::{Job, axpy, run};
use vecfield_traits::{Layout, Noise};

/// `out ← g dW`: `g` as a [`DriftDiffusion`](vecfield_traits::DriftDiffusion) lays it out, `dw` `[columns, paths]`, `out`
/// `[dim, paths]`.
pub fn strike(noise: Noise, g: &[f64], dw: &[f64], out: &mut [f64]) {
    run(Strike { noise, g, dw, out });
}

/// The transpose of [`strike`] by `g`: adds to `g_bar`, laid out like `g`, what the cotangent `out_bar` of `g dW` says of it.
pub fn strike_back(noise: Noise, out_bar: &[f64], dw: &[f64], g_bar: &mut [f64]) {
    if noise.layout == Layout::Diagonal {
        return g_bar.iter_mut().zip(out_bar.iter().zip(dw)).for_each(|(g, (out, dw))| *g += out * dw);
    }
    let paths = (dw.len() / noise.columns.max(1)).max(1);
    for (out, g) in out_bar.chunks_exact(paths).zip(g_bar.chunks_exact_mut((noise.columns * paths).max(1))) {
        for (g, dw) in g.chunks_exact_mut(paths).zip(dw.chunks_exact(paths)) {
            g.iter_mut().zip(out.iter().zip(dw)).for_each(|(g, (out, dw))| *g += out * dw);
        }
    }
}

/// `y ← y + Σ c_j x_j`, without the terms whose coefficient is zero.
pub(crate) fn add(y: &mut [f64], coefficients: &[f64], scale: f64, x: &[Vec<f64>]) {
    for (&c, x) in coefficients.iter().zip(x) {
        if c != 0.0 {
            axpy(scale * c, x, y);
        }
    }
}

/// `f(i)` for every place, compiled for wide vectors.
pub(crate) fn each<F: FnMut(usize)>(length: usize, f: F) {
    run(Each(length, f));
}

/// The first place of `[dim, paths]` that is no finite number, as path and component.
pub(crate) fn not_finite(y: &[f64], paths: usize) -> Option<(usize, usize)> {
    if run(Finite(y)) {
        return None;
    }
    let bad = |path: usize| y.iter().skip(path).step_by(paths).position(|y| !y.is_finite()).map(|i| (path, i));
    (0..paths).find_map(bad)
}

struct Strike<'a> {
    noise: Noise,
    g: &'a [f64],
    dw: &'a [f64],
    out: &'a mut [f64],
}

impl Job for Strike<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Strike { noise, g, dw, out } = self;
        if noise.layout == Layout::Diagonal {
            for ((out, g), dw) in out.iter_mut().zip(g).zip(dw) {
                *out = g * dw;
            }
            return;
        }
        let paths = dw.len() / noise.columns.max(1);
        if paths == 0 {
            return out.fill(0.0);
        }
        for (out, g) in out.chunks_exact_mut(paths).zip(g.chunks_exact(noise.columns * paths)) {
            for (column, (g, dw)) in g.chunks_exact(paths).zip(dw.chunks_exact(paths)).enumerate() {
                if column == 0 {
                    for ((out, g), dw) in out.iter_mut().zip(g).zip(dw) {
                        *out = g * dw;
                    }
                } else {
                    for ((out, g), dw) in out.iter_mut().zip(g).zip(dw) {
                        *out += g * dw;
                    }
                }
            }
        }
    }
}

struct Each<F>(usize, F);

impl<F: FnMut(usize)> Job for Each<F> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(mut self) {
        for i in 0..self.0 {
            (self.1)(i);
        }
    }
}

struct Finite<'a>(&'a [f64]);

impl Job for Finite<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> bool {
        // Times zero is zero for finite numbers and NaN for the others.
        let (blocks, rest) = self.0.as_chunks::<8>();
        let mut sums = [0.0; 8];
        for block in blocks {
            for i in 0..8 {
                sums[i] += 0.0 * block[i];
            }
        }
        sums.iter().all(|sum| *sum == 0.0) && rest.iter().all(|x| x.is_finite())
    }
}
