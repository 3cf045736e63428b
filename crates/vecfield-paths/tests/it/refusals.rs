//! Rows that make no path, and what is said of them.

use vecfield_paths::{Interpolation, LogSignatures, PathError, PathOptions, TensorAlgebra};

#[test]
fn rows_that_make_no_path_are_refused() {
    let nan = f64::NAN;
    let hermite = PathOptions::new(Interpolation::Hermite);
    let refused = |options: PathOptions, times: &[f64], values: &[f64], word: &str| {
        let error = options.path(times, values, 1).expect_err("no path");
        assert!(error.to_string().contains(word), "{error}");
        error
    };
    assert_eq!(refused(hermite, &[], &[], "leave the series out"), PathError::Empty);
    assert_eq!(refused(hermite, &[2.0], &[1.0], "there is one, at t = 2"), PathError::OnePoint { t: 2.0 });
    refused(hermite, &[0.0, 2.0, 1.0], &[1.0; 3], "row 2, counted from 0 (t = 1 after 2)");
    refused(hermite, &[0.0, 1.0, 1.0], &[1.0; 3], "row 2");
    refused(hermite, &[0.0, nan], &[1.0; 2], "the time of row 1");
    refused(hermite, &[0.0, 1.0], &[1.0, nan], "with_missing");
    refused(hermite.with_missing(), &[0.0, 1.0], &[1.0, f64::INFINITY], "leave it out as NaN");
    refused(hermite, &[0.0, 1.0], &[1.0], "1 values do not make 2 rows");
    refused(PathOptions::new(Interpolation::Rectilinear), &[0.0, 1.0], &[1.0; 2], "time must be one of its channels");
}

#[test]
fn what_cannot_be_continued_says_so() {
    let mut path = PathOptions::new(Interpolation::Natural).path(&[0.0, 1.0], &[1.0, 2.0], 1).unwrap();
    assert!(path.append(2.0, &[0.0]).unwrap_err().to_string().contains("hermite"));
    let mut path = PathOptions::new(Interpolation::Hermite).path(&[0.0, 1.0], &[1.0, 2.0], 1).unwrap();
    let before = path.clone();
    assert!(matches!(path.append(1.0, &[0.0]), Err(PathError::TimeOrder { row: 2, .. })));
    assert!(matches!(path.append(2.0, &[f64::NAN]), Err(PathError::NotFinite { row: 2, channel: 0, .. })));
    assert_eq!(path, before, "a row that was refused leaves no trace");
}

#[test]
fn depths_have_a_limit() {
    for (channels, depth) in [(0, 2), (2, 0), (1000, 3), (2, 65), (usize::MAX, 2)] {
        assert!(matches!(TensorAlgebra::new(channels, depth), Err(PathError::Terms { .. })), "{channels}, {depth}");
    }
    let log = LogSignatures::new(2, 2).unwrap();
    assert!(log.of_points(&[0.0, f64::NAN, 1.0, 1.0]).unwrap_err().to_string().contains("channel 1 of row 0"));
    assert_eq!(log.of_points(&[0.0, 0.0]), Err(PathError::OnePoint { t: 0.0 }));
    assert_eq!(log.of_points(&[]), Err(PathError::Empty));
    assert!(matches!(log.of_points(&[1.0]), Err(PathError::Shape { .. })));
}
