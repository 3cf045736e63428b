//! Laws of what is written.

use proptest::prelude::*;
use vecfield_data::{Trajectories, Trajectory};
use vecfield_io::{OutputDir, Overwrite, TrajectoryFormat, WriteError, parse_trajectories, write_trajectories};

/// Runs of `n` variables and one input, with missing cells.
fn runs(n: usize) -> impl Strategy<Value = Trajectories> {
    let finite = prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO;
    let row = (0.001..1e3_f64, prop::collection::vec(prop::option::weighted(0.8, finite), n), finite);
    let run = prop::collection::vec(row, 2..12).prop_map(move |rows| {
        let times = rows
            .iter()
            .scan(-5.0, |t, row| {
                *t += row.0;
                Some(*t)
            })
            .collect();
        let mut values: Vec<f64> = rows.iter().flat_map(|row| row.1.iter().map(|v| v.unwrap_or(f64::NAN))).collect();
        values[..n].fill(1.0);
        Trajectory::new(times, values, rows.iter().map(|row| row.2).collect()).unwrap()
    });
    let names = move |n: usize| (0..n).map(|i| format!("x{i}")).collect::<Vec<_>>();
    prop::collection::vec(run, 1..4).prop_map(move |runs| Trajectories::new(names(n), vec!["u".into()], runs).unwrap())
}

proptest! {
    /// Read after write is the identity, bit for bit.
    #[test]
    fn trajectories_come_back(data in (1..4_usize).prop_flat_map(runs)) {
        let mut text = Vec::new();
        write_trajectories(&mut text, &data).unwrap();
        let format = TrajectoryFormat { controls: vec!["u".into()], min_rows: 1 };
        let back = parse_trajectories("d", text.as_slice(), &format).map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert_eq!(back.variables(), data.variables());
        for (a, b) in back.runs().iter().zip(data.runs()) {
            let bits = |v: &[f64]| v.iter().map(|x| if x.is_nan() { 1 } else { x.to_bits() }).collect::<Vec<_>>();
            prop_assert_eq!(bits(a.times()), bits(b.times()));
            prop_assert_eq!(bits(a.values()), bits(b.values()));
            prop_assert!((0..b.len()).all(|k| bits(a.input_row(k)) == bits(b.input_row(k))));
        }
    }
}

#[test]
fn an_earlier_result_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/results");
    let write = |overwrite, text: &'static str| {
        OutputDir::create(&path, &["a.csv"], overwrite)?.write("a.csv", |to| to.write_all(text.as_bytes()))
    };
    let file = write(Overwrite::Never, "first").unwrap();
    assert!(matches!(write(Overwrite::Never, "second"), Err(WriteError::Exists { .. })));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "first");
    write(Overwrite::Allowed, "third").unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "third");
    let under_a_file = OutputDir::create(&file, &["b"], Overwrite::Never).unwrap_err();
    assert!(matches!(under_a_file, WriteError::Io { .. }));
}

#[test]
fn a_file_that_fails_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let dir = OutputDir::create(folder.path(), &["a"], Overwrite::Never).unwrap();
    let failed = dir.write("a", |to| to.write_all(b"half").and_then(|()| Err(std::io::Error::other("disk full"))));
    assert!(failed.unwrap_err().to_string().contains("disk full"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
