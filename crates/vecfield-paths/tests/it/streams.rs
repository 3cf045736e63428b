//! Rows more change nothing that was; later values change nothing that is earlier.

use proptest::prelude::*;
use vecfield_paths::{Interpolation, PathOptions};

use crate::rows;

fn causal() -> impl Iterator<Item = PathOptions> {
    let options = |kind| PathOptions::new(kind).with_time().with_intensities().with_missing();
    Interpolation::ALL.into_iter().filter(|kind| kind.is_causal()).map(options)
}

proptest! {
    #[test]
    fn a_path_continued_is_the_path_through_all((times, values) in rows(2, 3), known in 2..6_usize) {
        let known = known.min(times.len());
        for options in causal() {
            let whole = options.path(&times, &values, 2).unwrap();
            let mut path = options.path(&times[..known], &values[..2 * known], 2).unwrap();
            for row in known..times.len() {
                let before: Vec<Vec<f64>> = (0..path.len()).map(|piece| path.piece(piece).to_vec()).collect();
                path.append(times[row], &values[2 * row..2 * row + 2]).unwrap();
                for (piece, before) in before.iter().enumerate() {
                    prop_assert_eq!(path.piece(piece), &before[..]);
                }
            }
            prop_assert_eq!(path, whole);
        }
    }

    #[test]
    fn later_values_change_nothing_before_them(
        (times, values) in rows(2, 3), known in 1..6_usize, other in prop::collection::vec(-9.0..9.0_f64, 24), at in 0.0..1.0_f64,
    ) {
        let known = known.min(times.len());
        let mut changed = values.clone();
        changed[2 * known..].iter_mut().zip(&other).for_each(|(x, other)| *x = *other);
        let s = times[0] + at * (times[known - 1] - times[0]);
        for options in causal() {
            let outputs = [&values, &changed].map(|values| {
                let path = options.path(&times, values, 2).unwrap();
                let (mut x, mut dx) = ([0.0; 5], [0.0; 5]);
                path.value(path.parameter(s), &mut x);
                path.derivative(path.parameter(s), &mut dx);
                // At the last known row the path may already lean towards the next.
                if s < times[known - 1] { (x, dx) } else { (x, [0.0; 5]) }
            });
            prop_assert_eq!(outputs[0], outputs[1], "{}", options.interpolation().name());
        }
    }
}

#[test]
fn others_do_change() {
    let values = [0.0, 1.0, 0.0, 2.0];
    for kind in [Interpolation::Natural, Interpolation::Akima, Interpolation::Monotone] {
        let early = |last: f64| {
            let path =
                PathOptions::new(kind).path(&[0.0, 1.0, 2.0, 3.0], &[&values[..3], &[last]].concat(), 1).unwrap();
            let mut x = [0.0];
            path.value(1.5, &mut x);
            x
        };
        assert!(early(2.0) != early(-7.0), "{}", kind.name());
    }
}
