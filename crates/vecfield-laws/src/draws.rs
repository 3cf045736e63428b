//! Numbers to try laws on.

use vecfield_traits::Real;

/// `count` numbers in `[-1, 1)` from SplitMix64 (Steele, Lea and Flood 2014), the same for the same `seed` anywhere.
pub fn draws<R: Real>(count: usize, seed: u64) -> Vec<R> {
    let mut state = seed;
    let mut draw = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        R::from_f64((z >> 11) as f64 * 2.0_f64.powi(-52) - 1.0)
    };
    (0..count).map(|_| draw()).collect()
}

/// Other numbers for each probe of a law.
pub(crate) fn probes<R: Real>(count: usize, seed: u64, probe: u64) -> Vec<R> {
    draws(count, seed ^ (probe << 32))
}
