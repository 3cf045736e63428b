//! What holds of every function over slices.

use proptest::prelude::*;
use vecfield_kernels::{Function, Target, VectorMath, axpy, dot, sum};
use vecfield_laws::allocates_nothing;

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![4 => -20.0..20.0_f64, 1 => prop::num::f64::ANY, 1 => Just(2e7)]
}

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

proptest! {
    /// The result for an element depends on neither its place nor its neighbours; `_into` and in place agree.
    #[test]
    fn place_does_not_matter(x in prop::collection::vec(number(), 0..120), cut in 0..120_usize) {
        for function in Function::ALL {
            for target in Target::all() {
                let mut whole = x.clone();
                f64::map_on(target, function, &mut whole);
                let mut parts = x.clone();
                let (left, right) = parts.split_at_mut(cut.min(x.len()));
                f64::map_on(target, function, left);
                f64::map_on(target, function, right);
                prop_assert!(whole.iter().zip(&parts).all(|(&a, &b)| same(a, b)), "{} on {target:?}", function.name());

                let single: Vec<f32> = x.iter().map(|&x| x as f32).collect();
                let mut whole = single.clone();
                f32::map_on(target, function, &mut whole);
                for (&x, &y) in single.iter().zip(&whole) {
                    let mut alone = [x];
                    f32::map_on(target, function, &mut alone);
                    prop_assert!(same(f64::from(alone[0]), f64::from(y)), "{}({x:e}) on {target:?}", function.name());
                }
            }
            let (mut into, mut in_place) = (vec![0.0; x.len()], x.clone());
            f64::map_into(function, &x, &mut into);
            f64::map_in_place(function, &mut in_place);
            prop_assert!(into.iter().zip(&in_place).all(|(&a, &b)| same(a, b)));
        }
    }

    /// Targets with a fused multiply-add give the same bits; `sqrt` and `abs` do everywhere.
    #[test]
    fn targets_agree(x in prop::collection::vec(number(), 1..80)) {
        for function in Function::ALL {
            let exact = matches!(function, Function::Sqrt | Function::Abs);
            let results: Vec<Vec<f64>> = Target::all()
                .into_iter()
                .filter(|target| exact || *target != Target::BASELINE)
                .map(|target| {
                    let mut y = x.clone();
                    f64::map_on(target, function, &mut y);
                    y
                })
                .collect();
            for pair in results.windows(2) {
                prop_assert!(pair[0].iter().zip(&pair[1]).all(|(&a, &b)| same(a, b)), "{}", function.name());
            }
        }
    }
}

#[test]
fn each_name_is_its_function() {
    let x = [0.3, 0.7];
    let mut y = [0.0; 2];
    macro_rules! names {
        ($($into:ident $in_place:ident $expected:expr;)*) => {$(
            f64::$into(&x, &mut y);
            let mut z = x;
            f64::$in_place(&mut z);
            assert_eq!(y, z);
            let expected: fn(f64) -> f64 = $expected;
            assert!((y[1] - expected(0.7)).abs() < 1e-15, stringify!($into));
        )*};
    }
    names! {
        exp_into exp_in_place f64::exp;
        ln_into ln_in_place f64::ln;
        sin_into sin_in_place f64::sin;
        cos_into cos_in_place f64::cos;
        tan_into tan_in_place f64::tan;
        sinh_into sinh_in_place f64::sinh;
        cosh_into cosh_in_place f64::cosh;
        tanh_into tanh_in_place f64::tanh;
        sigmoid_into sigmoid_in_place |x| 1.0 / (1.0 + (-x).exp());
        softplus_into softplus_in_place |x| x.exp().ln_1p();
        sqrt_into sqrt_in_place f64::sqrt;
        abs_into abs_in_place f64::abs;
    }
    let names: std::collections::HashSet<_> = Function::ALL.into_iter().map(Function::name).collect();
    assert_eq!(names.len(), Function::ALL.len());
}

#[test]
fn nothing_allocates() {
    let (x, mut y) = ([0.3; 77], [0.5; 77]);
    let counted = allocates_nothing(|| {
        for function in Function::ALL {
            f64::map_into(function, &x, &mut y);
        }
        axpy(sum(&x), &x, &mut y);
        y[0] = dot(&x, &y);
    });
    assert_eq!(counted, Ok(()));
}
