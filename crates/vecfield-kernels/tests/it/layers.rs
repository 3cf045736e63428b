//! What holds of matrix products and activations.

use proptest::prelude::*;
use vecfield_kernels::{Activation, LayerMath, Matrix, Slopes, Start, Target};
use vecfield_laws::{allocates_nothing, draws as numbers};

fn fused(target: Target) -> bool {
    target != Target::BASELINE || cfg!(any(target_feature = "fma", target_arch = "aarch64"))
}

/// One entry, in the order that is promised.
fn entry(target: Target, start: f64, terms: impl Iterator<Item = (f64, f64)>) -> f64 {
    terms.fold(start, |sum, (a, b)| if fused(target) { a.mul_add(b, sum) } else { a * b + sum })
}

proptest! {
    /// Every entry is the sum in the promised order, to the bit, whatever the shape: so a row depends on no other.
    #[test]
    fn a_product_is_its_sums(m in 1..20_usize, n in 1..70_usize, k in 0..40_usize, seed in any::<u64>()) {
        let (a, b, row) = (numbers(m * k, seed), numbers(k * n, seed ^ 1), numbers(n, seed ^ 2));
        let before = numbers(m * n, seed ^ 3);
        for target in Target::all() {
            let expected = |start: &dyn Fn(usize, usize) -> f64| -> Vec<f64> {
                (0..m * n)
                    .map(|at| {
                        let (i, j) = (at / n, at % n);
                        entry(target, start(i, j), (0..k).map(|l| (a[i * k + l], b[l * n + j])))
                    })
                    .collect()
            };
            let mut c = before.clone();
            f64::multiply_on(target, (m, n, k), Matrix::rows(&a, k), &b, Start::Row(&row), &mut c);
            prop_assert_eq!(&c, &expected(&|_, j| row[j]));
            f64::multiply_on(target, (m, n, k), Matrix::rows(&a, k), &b, Start::Zero, &mut c);
            prop_assert_eq!(&c, &expected(&|_, _| 0.0));
            c.clone_from(&before);
            f64::multiply_on(target, (m, n, k), Matrix::rows(&a, k), &b, Start::Sum, &mut c);
            prop_assert_eq!(&c, &expected(&|i, j| before[i * n + j]));
            // From the transpose of a, in single precision: the same but for rounding.
            let flipped: Vec<f32> = (0..m * k).map(|at| a[at % m * k + at / m] as f32).collect();
            let b: Vec<f32> = b.iter().map(|&b| b as f32).collect();
            let mut single = vec![0.0_f32; m * n];
            f32::multiply_on(target, (m, n, k), Matrix::columns(&flipped, m), &b, Start::Zero, &mut single);
            for (single, double) in single.iter().zip(expected(&|_, _| 0.0)) {
                prop_assert!((f64::from(*single) - double).abs() < 1e-5, "{single} {double}");
            }
        }
    }

    /// Into the transpose: the same numbers.
    #[test]
    fn a_transposed_product_is_the_transpose(m in 1..9_usize, n in 1..40_usize, k in 0..9_usize, seed in any::<u64>()) {
        let (a, b) = (numbers(m * k, seed), numbers(k * n, seed ^ 1));
        let (mut c, mut flipped) = (numbers(m * n, seed ^ 2), vec![0.0; m * n]);
        (0..m * n).for_each(|at| flipped[at % n * m + at / n] = c[at]);
        f64::multiply((m, n, k), Matrix::rows(&a, k), &b, Start::Sum, &mut c);
        f64::multiply_transposed((m, n, k), Matrix::rows(&a, k), &b, Start::Sum, &mut flipped);
        prop_assert!((0..m * n).all(|at| flipped[at % n * m + at / n] == c[at]));
    }

    /// Inner products of rows: right to rounding, the same bits on machines that fuse, and for a row alone.
    #[test]
    fn inner_products_do_not_depend_on_their_rows(m in 1..9_usize, n in 1..9_usize, k in 0..70_usize, seed in any::<u64>()) {
        let (a, b, row) = (numbers(m * k, seed), numbers(n * k, seed ^ 1), numbers(n, seed ^ 2));
        let mut fusing: Option<Vec<f64>> = None;
        for target in Target::all() {
            let mut c = vec![0.0; m * n];
            f64::inner_on(target, (m, n, k), &a, &b, Start::Row(&row), &mut c);
            for (at, c) in c.iter().enumerate() {
                let (i, j) = (at / n, at % n);
                let expected: f64 = row[j] + (0..k).map(|l| a[i * k + l] * b[j * k + l]).sum::<f64>();
                prop_assert!((c - expected).abs() < 1e-14 * (k as f64 + 1.0));
                let mut alone = [0.0];
                let (a, b) = (&a[i * k..(i + 1) * k], &b[j * k..(j + 1) * k]);
                f64::inner_on(target, (1, 1, k), a, b, Start::Row(&row[j..=j]), &mut alone);
                prop_assert_eq!(alone[0], *c);
            }
            if fused(target) {
                prop_assert_eq!(fusing.get_or_insert_with(|| c.clone()), &c);
            }
        }
    }

    /// Place does not matter, derivatives asked for do not change the value, and fusing machines agree to the bit.
    #[test]
    fn an_activation_sees_one_number(z in prop::collection::vec(-30.0..30.0_f64, 1..60)) {
        let n = z.len();
        for activation in Activation::ALL {
            let mut fusing: Option<Vec<f64>> = None;
            for target in Target::all() {
                let mut whole = z.clone();
                f64::activate_on(target, activation, &mut whole, Slopes::None);
                let (mut with, mut s) = (z.clone(), vec![0.0; 3 * n]);
                let (s1, rest) = s.split_at_mut(n);
                let (s2, s3) = rest.split_at_mut(n);
                f64::activate_on(target, activation, &mut with, Slopes::Three(s1, s2, s3));
                prop_assert_eq!(&whole, &with);
                let (mut again, mut first) = (z.clone(), vec![0.0; n]);
                f64::activate_on(target, activation, &mut again, Slopes::First(&mut first));
                prop_assert_eq!(&first, &s1);
                if activation.value_tells_slope() {
                    let mut told = vec![0.0; n];
                    f64::slopes_of_values(activation, &again, &mut told);
                    prop_assert_eq!(&told, &first);
                }
                for i in 0..n {
                    let mut alone = [z[i]];
                    f64::activate_on(target, activation, &mut alone, Slopes::None);
                    prop_assert_eq!(alone[0], whole[i]);
                }
                if fused(target) {
                    prop_assert_eq!(fusing.get_or_insert_with(|| whole.clone()), &whole);
                }
            }
        }
    }

    /// Each derivative is the difference quotient of the one before.
    #[test]
    fn slopes_are_differences(z in -8.0..8.0_f64) {
        let jet = |activation, z: f64| {
            let (mut h, mut s) = ([z], [[0.0]; 3]);
            let [s1, s2, s3] = &mut s;
            f64::activate(activation, &mut h, Slopes::Three(s1, s2, s3));
            [h[0], s[0][0], s[1][0], s[2][0]]
        };
        for activation in Activation::ALL {
            if !activation.is_smooth() && z.abs() < 1e-3 {
                continue;
            }
            let h = 1e-4;
            let (low, at, high) = (jet(activation, z - h), jet(activation, z), jet(activation, z + h));
            for order in 0..3 {
                let difference = (high[order] - low[order]) / (2.0 * h);
                let scale = 1.0 + at[order + 1].abs();
                prop_assert!(
                    (difference - at[order + 1]).abs() < 1e-6 * scale,
                    "{} at {z}: derivative {} is {} and not {difference}", activation.name(), order + 1, at[order + 1]
                );
            }
        }
    }
}

fn relative(found: f64, expected: f64) -> f64 {
    (found - expected).abs() / expected.abs().max(f64::MIN_POSITIVE)
}

/// Against the formulas of `libm`, in units of the last place of `f64` and of `f32`.
#[test]
fn activations_are_as_accurate_as_stated() {
    let z: Vec<f64> = (0..4000).map(|i| (f64::from(i) * 0.618_033_988_75).fract() * 60.0 - 30.0).collect();
    for activation in Activation::ALL {
        let formula: fn(f64) -> f64 = match activation {
            Activation::Identity => |z| z,
            Activation::Tanh => f64::tanh,
            Activation::Sigmoid => |z| if z < 0.0 { z.exp() / (1.0 + z.exp()) } else { 1.0 / (1.0 + (-z).exp()) },
            Activation::Softplus => |z| z.max(0.0) + (-z.abs()).exp().ln_1p(),
            Activation::Silu => |z| if z < 0.0 { z * z.exp() / (1.0 + z.exp()) } else { z / (1.0 + (-z).exp()) },
            Activation::LipSwish => {
                |z| 0.909 * if z < 0.0 { z * z.exp() / (1.0 + z.exp()) } else { z / (1.0 + (-z).exp()) }
            }
            Activation::Gelu => continue, // below
            Activation::Elu => |z| if z > 0.0 { z } else { z.exp_m1() },
            Activation::Relu => |z| z.max(0.0),
            Activation::Sin => f64::sin,
            Activation::Cube => |z| z * z * z,
            other => panic!("give {} a reference", other.name()),
        };
        for target in Target::all() {
            let mut h = z.clone();
            f64::activate_on(target, activation, &mut h, Slopes::None);
            let mut single: Vec<f32> = z.iter().map(|&z| z as f32).collect();
            f32::activate_on(target, activation, &mut single, Slopes::None);
            for (i, &z) in z.iter().enumerate() {
                let error = relative(h[i], formula(z));
                assert!(error < 4.5 * f64::EPSILON, "{} at {z} on {target:?}: {error:e}", activation.name());
                let exact = formula(f64::from(z as f32));
                let error = relative(f64::from(single[i]), exact);
                assert!(error < 4.5 * f64::from(f32::EPSILON), "{} at {z} on {target:?}: {error:e}", activation.name());
            }
        }
    }
}

/// `z Φ(z)` to 50 digits (mpmath), rounded.
const GELU: &[(f64, f64)] = &[
    (-37.5, -1.7270073785932332e-306),
    (-30.25, -7.891136864367313e-200),
    (-20.125, -4.485582034599565e-89),
    (-12.3, -5.570309556075305e-34),
    (-8.7, -1.4436961568693623e-17),
    (-6.1, -3.235088190398793e-09),
    (-5.0, -1.4332578593959695e-06),
    (-4.2, -5.605214586680658e-05),
    (-3.3, -0.0015952996698664658),
    (-2.71875, -0.008907864083657062),
    (-2.0, -0.04550026389635842),
    (-1.5, -0.1002108019032871),
    (-1.1, -0.14923266704102092),
    (-0.7, -0.1693745565561511),
    (-0.3, -0.1146265733433142),
    (-0.05, -0.02400305970808138),
    (-1e-05, -4.999960105771961e-06),
    (1e-09, 5.000000003989423e-10),
    (0.01, 0.005039893563146316),
    (0.2, 0.11585194188782061),
    (0.55, 0.3898621722664095),
    (0.9, 0.7343458871879165),
    (1.3, 1.1741593700387065),
    (1.9, 1.8454385363495964),
    (2.6, 2.587880911138331),
    (3.4, 3.3988544404966987),
    (5.5, 5.499999895557407),
    (8.5, 8.5),
];

#[test]
fn gelu_is_accurate_in_both_tails() {
    for target in Target::all() {
        for &(z, expected) in GELU {
            let mut h = [z];
            f64::activate_on(target, Activation::Gelu, &mut h, Slopes::None);
            let error = relative(h[0], expected);
            assert!(error < 6.0 * f64::EPSILON, "gelu({z}) on {target:?}: {} for {expected}, {error:e}", h[0]);
            let (mut h, single) = ([z as f32], z as f32);
            f32::activate_on(target, Activation::Gelu, &mut h, Slopes::None);
            if (f64::from(single) - z).abs() < 1e-12 && expected.abs() > 1e-36 {
                let error = relative(f64::from(h[0]), expected);
                assert!(error < 8.0 * f64::from(f32::EPSILON), "gelu({z}) on {target:?}: {error:e} in f32");
            }
        }
    }
}

#[test]
fn ends_are_limits() {
    let ends = |activation| {
        let mut h = [f64::NEG_INFINITY, f64::INFINITY, f64::NAN, -0.0];
        f64::activate(activation, &mut h, Slopes::None);
        h
    };
    for activation in Activation::ALL {
        assert!(ends(activation)[2].is_nan(), "{} hides NaN", activation.name());
    }
    assert_eq!(ends(Activation::Tanh)[..2], [-1.0, 1.0]);
    assert_eq!(ends(Activation::Elu)[..2], [-1.0, f64::INFINITY]);
    assert_eq!(ends(Activation::Softplus)[..2], [0.0, f64::INFINITY]);
    assert_eq!(ends(Activation::Relu)[..2], [0.0, f64::INFINITY]);
    assert_eq!(ends(Activation::Sigmoid)[..2], [0.0, 1.0]);
}

#[test]
fn nothing_allocates() {
    let (a, b, mut c) = (numbers(13 * 7, 1), numbers(7 * 19, 2), vec![0.0; 13 * 19]);
    let mut slope = vec![0.0; 13 * 19];
    let counted = allocates_nothing(|| {
        f64::multiply((13, 19, 7), Matrix::rows(&a, 7), &b, Start::Zero, &mut c);
        f64::inner((13, 19, 7), &a, &b, Start::Sum, &mut c);
        Activation::ALL.iter().for_each(|&a| f64::activate(a, &mut c, Slopes::First(&mut slope)));
    });
    assert_eq!(counted, Ok(()));
}
