//! What cannot be discovered is refused with the reason, and a run that is cut still answers.

use crate::data::{logistic, table};
use core::sync::atomic::{AtomicUsize, Ordering};
use vecfield_adjoint::Noise;
use vecfield_discover::{DiscoverError, NoiseChoice, Observer, Options, Progress, Unobserved, Verdict, discover};

#[test]
fn too_few_rows() {
    let data = table(&["y"], vec![0.0, 1.0, 2.0], vec![1.0, 2.0, 3.0]);
    let refused = discover(&data, &Options::default(), &Unobserved).unwrap_err();
    assert_eq!(refused, DiscoverError::TooFewRows { rows: 3 });
}

#[test]
fn logarithms_of_negative_values() {
    let data = table(&["y"], (0..10).map(f64::from).collect(), (0..10).map(|k| f64::from(k) - 3.0).collect());
    let options = Options { noise: NoiseChoice::Only(Noise::Multiplicative), ..Options::default() };
    let refused = discover(&data, &options, &Unobserved).unwrap_err();
    assert_eq!(refused, DiscoverError::NotPositive { variable: "y".into(), value: -3.0 });
}

#[test]
fn a_constant_is_no_law() {
    let data = table(&["y"], (0..30).map(f64::from).collect(), vec![1.0; 30]);
    let found = discover(&data, &Options::default(), &Unobserved).unwrap();
    assert_eq!(found.verdict, Verdict::None);
}

/// Goes on so many times.
struct For(AtomicUsize);

impl Observer for For {
    fn goes_on(&self, _progress: Progress) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

/// Wherever it is cut, a run ends with an answer that says it was cut, or with the reason why there is none.
#[test]
fn a_cut_run_says_so() {
    let data = logistic(0.7, 30.0, 18, 2.0, 1);
    for calls in [0, 1, 5, 40, 60] {
        match discover(&data, &Options::default(), &For(AtomicUsize::new(calls))) {
            Ok(found) => assert!(found.cut, "after {calls} calls"),
            Err(reason) => assert!(matches!(reason, DiscoverError::CutTooSoon { .. }), "{reason}"),
        }
    }
}
