//! Random numbers as a function: Threefry-2x64 with 20 rounds (Salmon, Moraes, Dror, Shaw 2011, section 4.2), and standard
//! normals from its words by Box and Muller.
//!
//! A number is named, not drawn: the same key, counter and lane give the same bits in any order and on any thread.

use crate::dispatch::{Job, Target, run_on};
use crate::logarithm;
use crate::trigonometric;

/// The parity word of the key schedule (Skein 1.3).
const PARITY: u64 = 0x1bd1_1bda_a9fc_1a22;

/// Two words of 64 random bits, a bijection of `counter` for every `key`.
///
/// ```
/// // The first known answer of Random123.
/// assert_eq!(vecfield_kernels::threefry([0, 0], [0, 0]), [0xc2b6_e3a8_c2c6_9865, 0x6f81_ed42_f350_084d]);
/// ```
#[inline(always)]
pub fn threefry(key: [u64; 2], counter: [u64; 2]) -> [u64; 2] {
    let last = PARITY ^ key[0] ^ key[1];
    let mut words = [counter[0].wrapping_add(key[0]), counter[1].wrapping_add(key[1])];
    // Written out: a loop would keep the loop over lanes from becoming vector instructions.
    words = inject(mix(words, FIRST), key[1], last, 1);
    words = inject(mix(words, SECOND), last, key[0], 2);
    words = inject(mix(words, FIRST), key[0], key[1], 3);
    words = inject(mix(words, SECOND), key[1], last, 4);
    inject(mix(words, FIRST), last, key[0], 5)
}

/// Bits by which words are rotated in rounds 1 to 4 and 5 to 8 of every eight (Salmon et al. 2011, table 2).
const FIRST: [u32; 4] = [16, 42, 12, 31];
const SECOND: [u32; 4] = [16, 32, 24, 21];

/// Four rounds.
#[inline(always)]
fn mix([mut a, mut b]: [u64; 2], rotations: [u32; 4]) -> [u64; 2] {
    a = a.wrapping_add(b);
    b = b.rotate_left(rotations[0]) ^ a;
    a = a.wrapping_add(b);
    b = b.rotate_left(rotations[1]) ^ a;
    a = a.wrapping_add(b);
    b = b.rotate_left(rotations[2]) ^ a;
    a = a.wrapping_add(b);
    b = b.rotate_left(rotations[3]) ^ a;
    [a, b]
}

/// The key goes in after every four rounds, rotated and counted.
#[inline(always)]
fn inject([a, b]: [u64; 2], first: u64, second: u64, number: u64) -> [u64; 2] {
    [a.wrapping_add(first), b.wrapping_add(second).wrapping_add(number)]
}

/// Lanes that share their counters in pairs: lane `i` below the half takes the cosine, lane `i + HALF` the sine.
const BLOCK: usize = 64;
const HALF: usize = BLOCK / 2;

/// Writes standard normals: `out[i]` is a function of `key`, `counter` and the lane `first + i` alone.
///
/// The words of one counter give two lanes a number each, so that a lane's number costs half a counter; a lane's number does
/// not depend on which others are asked for. The largest is 8.6, beyond which a normal lies once in 10¹⁷.
///
/// ```
/// let (mut all, mut some) = ([0.0; 100], [0.0; 3]);
/// vecfield_kernels::fill_normals([7, 0], 1, 0, &mut all);
/// vecfield_kernels::fill_normals([7, 0], 1, 50, &mut some);
/// assert_eq!(all[50..53], some);
/// ```
pub fn fill_normals(key: [u64; 2], counter: u64, first: u64, out: &mut [f64]) {
    fill_normals_on(Target::best(), key, counter, first, out);
}

/// [`fill_normals`] with the given instructions: for tests and measurements.
pub fn fill_normals_on(target: Target, key: [u64; 2], counter: u64, first: u64, out: &mut [f64]) {
    run_on(target, Fill { key, counter, first, out });
}

struct Fill<'a> {
    key: [u64; 2],
    counter: u64,
    first: u64,
    out: &'a mut [f64],
}

impl Job for Fill<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Fill { key, counter, first, out } = self;
        let until_block = (first.wrapping_neg() % BLOCK as u64) as usize;
        let (head, rest) = out.split_at_mut(until_block.min(out.len()));
        one_by_one::<FUSED>(key, counter, first, head);
        let mut lane = first + head.len() as u64;
        let (blocks, tail) = rest.as_chunks_mut::<BLOCK>();
        for block in blocks {
            let base = lane / BLOCK as u64 * HALF as u64;
            let (low, high) = block.split_at_mut(HALF);
            let mut words = ([0; HALF], [0; HALF]);
            for i in 0..HALF {
                [words.0[i], words.1[i]] = threefry(key, [counter, base + i as u64]);
            }
            for i in 0..HALF {
                (low[i], high[i]) = pair::<FUSED>([words.0[i], words.1[i]]);
            }
            lane += BLOCK as u64;
        }
        one_by_one::<FUSED>(key, counter, lane, tail);
    }
}

#[inline(always)]
fn one_by_one<const FUSED: bool>(key: [u64; 2], counter: u64, first: u64, out: &mut [f64]) {
    for (lane, out) in (first..).zip(out) {
        let (block, place) = (lane / BLOCK as u64, lane % BLOCK as u64);
        let words = threefry(key, [counter, block * HALF as u64 + place % HALF as u64]);
        let (low, high) = pair::<FUSED>(words);
        *out = if place < HALF as u64 { low } else { high };
    }
}

/// `√(-2 ln u) (cos 2πv, sin 2πv)` with `u` and `v` from the upper 52 bits of the words, centred in their cells.
#[inline(always)]
fn pair<const FUSED: bool>([u, v]: [u64; 2]) -> (f64, f64) {
    const HALF_CELL: f64 = 1.110_223_024_625_156_5e-16; // 2^-53
    let unit = |word: u64| f64::from_bits(1.0_f64.to_bits() | (word >> 12)) - 1.0 + HALF_CELL;
    let radius = (-2.0 * logarithm::ln::<f64, FUSED>(unit(u))).sqrt();
    let (sin, cos) = trigonometric::sin_cos_of_turn::<FUSED>(unit(v));
    (radius * cos, radius * sin)
}
