//! Orders read off errors.

use proptest::prelude::*;
use vecfield_laws::{Broken, observed_order, order_is, order_is_at_least};

proptest! {
    /// `c h^p` above a floor of rounding has order `p`, wherever rounding begins.
    #[test]
    fn the_order_of_a_power_is_its_exponent(p in 0.5..9.0_f64, c in 0.01..1.0_f64, halvings in 3..12, noise in -1.0..1.0_f64) {
        let floor = 1e-12;
        let errors: Vec<f64> = (1..halvings).map(|k| c * 0.5_f64.powf(p * f64::from(k)) + 1e-14 * noise).collect();
        match observed_order(&errors, floor) {
            Ok(order) => prop_assert!((order - p).abs() < 0.1, "{order} for {p}"),
            Err(_) => prop_assert!(errors.windows(2).all(|pair| pair[0] >= 0.3 || pair[1] <= floor)),
        }
    }
}

#[test]
fn a_higher_order_is_at_least_a_lower_one_and_not_it() {
    let cubic = [0.1, 0.1 / 8.0, 0.1 / 64.0];
    assert_eq!(order_is(3.0, 0.1, &cubic, 1e-12), Ok(()));
    assert_eq!(order_is_at_least(2.0, 0.1, &cubic, 1e-12), Ok(()));
    assert!(order_is(2.0, 0.1, &cubic, 1e-12).is_err());
    assert!(order_is_at_least(4.0, 0.1, &cubic, 1e-12).is_err());
}

#[test]
fn errors_that_say_nothing_are_no_order() {
    for errors in [&[][..], &[0.1], &[1.0, 0.5], &[1e-14, 1e-15], &[f64::NAN, f64::NAN]] {
        assert!(matches!(observed_order(errors, 1e-12), Err(Broken::NoSlope { .. })), "{errors:?}");
    }
}
