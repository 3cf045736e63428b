//! The laws of W, H and K and of their conditional distributions, by Kolmogorov and Smirnov; and a bridge that is none.
//!
//! Seeds are fixed. Each test rejects at `p < 0.01` after Bonferroni: a right source would fail with probability 0.01 for a
//! seed drawn anew.

use vecfield_brownian::{Areas, Brownian};
use vecfield_kernels::fill_normals;

/// `P(D ≥ d)` of the greatest distance between the sample's distribution and the standard normal's (Kolmogorov's series, with
/// Stephens' correction for finite samples).
fn p_value(sample: &mut [f64]) -> f64 {
    sample.sort_by(f64::total_cmp);
    let n = sample.len() as f64;
    let distance = |(i, &x): (usize, &f64)| {
        let f = normal_cdf(x);
        (f - i as f64 / n).max((i as f64 + 1.0) / n - f)
    };
    let d = sample.iter().enumerate().map(distance).fold(0.0, f64::max);
    let lambda = (n.sqrt() + 0.12 + 0.11 / n.sqrt()) * d;
    let term = |k: i32| if k % 2 == 1 { 2.0 } else { -2.0 } * (-2.0 * f64::from(k * k) * lambda * lambda).exp();
    if lambda < 0.2 { 1.0 } else { (1..100).map(term).sum::<f64>() }
}

/// `Φ`, by the series of `erf` and, far out, the continued fraction of its complement; good to 1e-14.
fn normal_cdf(x: f64) -> f64 {
    let z = x.abs();
    let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let upper = if z < 5.0 {
        let (mut term, mut sum) = (z, z);
        for k in 1..120 {
            term *= z * z / f64::from(2 * k + 1);
            sum += term;
        }
        0.5 - density * sum
    } else {
        density / (1..60).rev().fold(z, |below, k| z + f64::from(k) / below)
    };
    if x > 0.0 { 1.0 - upper } else { upper }
}

const PATHS: usize = 20_000;
const POINTS: usize = 30;

/// Random intervals and a share at which each is cut.
fn intervals(count: usize) -> impl Iterator<Item = (f64, f64, f64)> {
    let uniform =
        |i: usize, j: u64| (vecfield_kernels::threefry([11, j], [i as u64, 0])[0] >> 11) as f64 / 2_f64.powi(53);
    (0..count).map(move |i| {
        // From a millionth of the span to all of it.
        let length = 10_f64.powf(-5.0 * uniform(i, 0));
        let s = (1.0 - length) * uniform(i, 1);
        (s, s + length, 0.05 + 0.9 * uniform(i, 2))
    })
}

#[test]
fn w_h_and_k_are_normal() {
    let mut least: f64 = 1.0;
    for (areas, terms) in [(Areas::None, 1), (Areas::SpaceTime, 2), (Areas::SpaceTimeTime, 3)] {
        let mut walker = Brownian::new(1, (0.0, 1.0)).unwrap().with_areas(areas).walker(1, 0, PATHS);
        for (s, t, _) in intervals(POINTS) {
            walker.query(s, t).unwrap();
            for (values, variance) in
                [(walker.w(), 1.0), (walker.h(), 12.0), (walker.k(), 720.0)].into_iter().take(terms)
            {
                let mut sample: Vec<f64> = values.iter().map(|x| x * (variance / (t - s)).sqrt()).collect();
                least = least.min(p_value(&mut sample));
            }
        }
    }
    assert!(least > 0.01 / (6.0 * POINTS as f64), "p = {least:e}");
}

/// What remains of `W` at a share `r` of an interval, after what the interval's own `W`, `H` and `K` say of it, is normal with
/// the bridge's variance and independent of all three (Foster, Lyons, Oberhauser 2020, theorem 2.2 and its successor).
#[test]
fn conditional_laws_are_the_bridges() {
    let mut least: f64 = 1.0;
    for (areas, terms) in [(Areas::None, 1), (Areas::SpaceTime, 2), (Areas::SpaceTimeTime, 3)] {
        let mut walker = Brownian::new(12, (0.0, 1.0)).unwrap().with_areas(areas).walker(1, 0, PATHS);
        for (s, t, r) in intervals(POINTS) {
            walker.query(s, t).unwrap();
            let whole = [walker.w().to_vec(), walker.h().to_vec(), walker.k().to_vec()];
            walker.query(s, s + r * (t - s)).unwrap();
            let q = r * (1.0 - r);
            let slopes = [r, 6.0 * q, 120.0 * q * (0.5 - r)];
            let explained = [r * r, 36.0 * q * q / 12.0, (120.0 * q * (0.5 - r)).powi(2) / 720.0];
            let variance = (t - s) * (r - explained[..terms].iter().sum::<f64>());
            let left = |i: usize| {
                let mean: f64 = (0..terms).map(|k| slopes[k] * whole[k][i]).sum();
                (walker.w()[i] - mean) / variance.sqrt()
            };
            let mut sample: Vec<f64> = (0..PATHS).map(left).collect();
            for (k, whole) in whole.iter().enumerate().take(terms) {
                let scale = [1.0_f64, 12.0, 720.0][k] / (t - s);
                // The mean of products of independent standard normals, again a standard normal when scaled.
                let product =
                    sample.iter().zip(whole).map(|(a, b)| a * b * scale.sqrt()).sum::<f64>() / (PATHS as f64).sqrt();
                least = least.min(2.0 * normal_cdf(-product.abs()));
            }
            least = least.min(p_value(&mut sample));
        }
    }
    assert!(least > 0.01 / (9.0 * POINTS as f64), "p = {least:e}");
}

/// The parts of an interval are independent: increments and areas of the left do not know those of the right.
#[test]
fn parts_are_independent() {
    let mut walker = Brownian::new(3, (0.0, 1.0)).unwrap().with_areas(Areas::SpaceTimeTime).walker(1, 0, PATHS);
    let mut worst: f64 = 0.0;
    for (s, t, r) in intervals(POINTS) {
        let middle = s + r * (t - s);
        let mut normalised = |s: f64, t: f64| {
            walker.query(s, t).unwrap();
            let scaled = |values: &[f64], v: f64| values.iter().map(|x| x * (v / (t - s)).sqrt()).collect::<Vec<_>>();
            [scaled(walker.w(), 1.0), scaled(walker.h(), 12.0), scaled(walker.k(), 720.0)]
        };
        let (left, right) = (normalised(s, middle), normalised(middle, t));
        let products = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / (PATHS as f64).sqrt();
        for i in 0..3 {
            for j in 0..3 {
                worst = worst.max(products(&left[i], &right[j]).abs());
                if i < j {
                    worst = worst.max(products(&left[i], &left[j]).abs()).max(products(&right[i], &right[j]).abs());
                }
            }
        }
    }
    let p = 2.0 * normal_cdf(-worst);
    assert!(p > 0.01 / (15.0 * POINTS as f64), "p = {p:e}");
}

/// The negative control: a bridge with a fifth too much variance in the middle is rejected by the same test, the right one
/// is not.
#[test]
fn a_wrong_bridge_is_rejected() {
    let mut z = vec![0.0; 2 * PATHS];
    fill_normals([9, 9], 1, 0, &mut z);
    let (ends, fresh) = z.split_at(PATHS);
    let middle = |variance: f64| ends.iter().zip(fresh).map(move |(w, z)| 0.5 * w + variance.sqrt() * z);
    let rest = |variance| middle(variance).zip(ends).map(|(half, w)| (half - 0.5 * w) / 0.5).collect::<Vec<_>>();
    assert!(p_value(&mut rest(0.25)) > 0.01 / POINTS as f64);
    let p = p_value(&mut rest(0.25 * 1.2));
    assert!(p < 1e-6, "p = {p:e}");
}
