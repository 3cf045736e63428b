//! The counter-based generator: known answers, and normals that depend on nothing but their name.

use proptest::prelude::*;
use vecfield_kernels::{Target, fill_normals, fill_normals_on, threefry};

#[test]
fn known_answers() {
    // Random123, tests/kat_vectors, threefry2x64 20: counter, key, result.
    let ones = u64::MAX;
    let pi = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344, 0xa409_3822_299f_31d0, 0x082e_fa98_ec4e_6c89];
    assert_eq!(threefry([0; 2], [0; 2]), [0xc2b6_e3a8_c2c6_9865, 0x6f81_ed42_f350_084d]);
    assert_eq!(threefry([ones; 2], [ones; 2]), [0xe02c_b7c4_d95d_277a, 0xd066_33d0_893b_8b68]);
    assert_eq!(threefry([pi[2], pi[3]], [pi[0], pi[1]]), [0x263c_7d30_bb0f_0af1, 0x56be_8361_d331_1526]);
}

/// Moments up to the fourth of 2^18 normals, each within five of its standard errors (one false alarm in 4·10⁵ seeds).
#[test]
fn moments_are_the_normals() {
    let mut x = vec![0.0; 1 << 18];
    fill_normals([1, 2], 3, 0, &mut x);
    let n = x.len() as f64;
    let moment = |p: i32| x.iter().map(|x| x.powi(p)).sum::<f64>() / n;
    for (power, want, variance) in [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0_f64)] {
        let error = (moment(power) - want) / (variance / n).sqrt();
        assert!(error.abs() < 5.0, "moment {power} is off by {error:.2} standard errors");
    }
    // Neighbours, and the two lanes of one counter.
    for lag in [1, 32] {
        let covariance = x.iter().zip(&x[lag..]).map(|(a, b)| a * b).sum::<f64>() / n;
        assert!(covariance.abs() < 5.0 / n.sqrt(), "lag {lag}: {covariance:e}");
    }
}

proptest! {
    #[test]
    fn a_number_depends_on_its_name_alone(
        key in any::<[u64; 2]>(), counter in any::<u64>(), first in 0_u64..1 << 40, length in 1_usize..300, skip in 0_usize..300,
    ) {
        let mut all = vec![0.0; length];
        fill_normals(key, counter, first, &mut all);
        let skip = skip % length;
        let mut some = vec![0.0; length - skip];
        fill_normals(key, counter, first + skip as u64, &mut some);
        prop_assert_eq!(&all[skip..], &some[..]);
        // Wide instructions agree to the bit, the baseline to the last places.
        for target in Target::all() {
            fill_normals_on(target, key, counter, first + skip as u64, &mut some);
            for (a, b) in all[skip..].iter().zip(&some) {
                prop_assert!((a - b).abs() <= 4e-15 * a.abs().max(1.0), "{target:?}: {a} against {b}");
                prop_assert!(target == Target::BASELINE || a == b, "{target:?}");
            }
        }
    }
}
