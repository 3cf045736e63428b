//! Laws of data sets.

use proptest::prelude::*;
use vecfield_data::{DataError, Samples, Trajectories, Trajectory};

proptest! {
    /// Slices put end to end are the whole.
    #[test]
    fn slices_partition_the_run(gaps in prop::collection::vec(0.01..2.0_f64, 2..30), cut in 0.0..1.0_f64) {
        let times: Vec<f64> = gaps.iter().scan(0.0, |t, gap| { *t += gap; Some(*t) }).collect();
        let n = times.len();
        let values: Vec<f64> = (0..2 * n).map(|i| if i % 5 == 0 { f64::NAN } else { i as f64 }).collect();
        let run = Trajectory::new(times, values, vec![]).unwrap();
        let cut = 1 + ((n - 1) as f64 * cut) as usize;
        prop_assume!(cut < n);
        let (head, tail) = (run.slice(0..cut).unwrap(), run.slice(cut..n).unwrap());
        prop_assert_eq!([head.times(), tail.times()].concat(), run.times());
        let count = |r: &Trajectory| r.observed(0).count() + r.observed(1).count();
        prop_assert_eq!(count(&head) + count(&tail), count(&run));
    }

    /// `rms² = mean² + std²`.
    #[test]
    fn moments_agree(values in prop::collection::vec(-10.0..10.0_f64, 1..40)) {
        let times = (0..values.len()).map(|i| i as f64).collect();
        let run = Trajectory::new(times, values, vec![]).unwrap();
        let data = Trajectories::new(vec!["x".into()], vec![], vec![run]).unwrap();
        let (mean, std, rms) = (data.mean(0), data.std(0), data.rms(0));
        prop_assert!((rms * rms - mean * mean - std * std).abs() < 1e-10);
    }
}

proptest! {
    /// Any shape that values fill is taken, and any other refused, however large a file says that it is.
    #[test]
    fn samples_fill_their_shape(shape in prop::collection::vec(prop_oneof![0..4_usize, Just(usize::MAX / 3)], 0..5), rows in 0..4_usize) {
        let width = shape.iter().try_fold(1_usize, |width, &n| width.checked_mul(n)).filter(|width| *width < 1 << 20);
        let values = vec![0.5; rows * width.unwrap_or(7)];
        let found = Samples::new(shape.clone(), values.clone());
        match (shape.is_empty() || shape.contains(&0), values.is_empty(), width) {
            (true, _, _) => prop_assert_eq!(found, Err(DataError::Nothing { what: "column" })),
            (_, true, _) => prop_assert_eq!(found, Err(DataError::Nothing { what: "row" })),
            (_, _, None) => prop_assert!(matches!(found, Err(DataError::Samples { what: "values", .. })), "{found:?}"),
            (_, _, Some(width)) => {
                let samples = found.unwrap();
                prop_assert_eq!((samples.len(), samples.width(), samples.shape()), (rows, width, &shape[..]));
            }
        }
    }
}

#[test]
fn refuses_what_cannot_be_a_run() {
    assert_eq!(Trajectory::new(vec![], vec![], vec![]), Err(DataError::Empty));
    let back = Trajectory::new(vec![0.0, 1.0, 1.0], vec![1.0; 3], vec![]);
    assert_eq!(back, Err(DataError::TimeOrder { row: 2, t: 1.0, before: 1.0 }));
    assert_eq!(Trajectory::new(vec![0.0, 1.0], vec![1.0; 3], vec![]), Err(DataError::Shape { values: 3, times: 2 }));
    let infinite = Trajectory::new(vec![0.0, 1.0], vec![1.0, f64::INFINITY], vec![]);
    assert_eq!(infinite, Err(DataError::NotFinite { row: 1 }));
    let missing_input = Trajectory::new(vec![0.0, 1.0], vec![1.0; 2], vec![1.0, f64::NAN]);
    assert_eq!(missing_input, Err(DataError::NotFinite { row: 1 }));
}
