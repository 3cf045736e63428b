//! From data to normal equations.

use crate::support::Noise;
use proptest::prelude::*;
use vecfield_data::{Trajectories, Trajectory};
use vecfield_sindy::regression::{finite_difference, integral, smoothed_derivative};
use vecfield_sindy::smooth::{Criterion, Order};
use vecfield_sindy::sparse::{best_subsets, stlsq};
use vecfield_sindy::{Family, Library, Paths, SindyError};

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| name.to_string()).collect()
}

/// A damped oscillator: `x' = y`, `y' = -4 x - 0.4 y`, in closed form.
fn oscillator(t: f64, phase: f64) -> [f64; 2] {
    let omega = (4.0_f64 - 0.04).sqrt();
    let (sine, cosine) = (omega * t + phase).sin_cos();
    let decay = (-0.2 * t).exp();
    [decay * cosine, decay * (-0.2 * cosine - omega * sine)]
}

fn data(times: &[f64], phases: &[f64], missing: impl Fn(usize, usize) -> bool, sigma: f64) -> Trajectories {
    let mut noise = Noise::new(5);
    let runs = phases
        .iter()
        .map(|&phase| {
            let values = times
                .iter()
                .enumerate()
                .flat_map(|(k, &t)| {
                    let state = oscillator(t, phase);
                    [0, 1].map(|i| if missing(k, i) { f64::NAN } else { state[i] + sigma * noise.normal() })
                })
                .collect();
            Trajectory::new(times.to_vec(), values, vec![]).unwrap()
        })
        .collect();
    Trajectories::new(names(&["x", "y"]), vec![], runs).unwrap()
}

fn supports(data: &Trajectories, library: &Library, window: usize) -> Vec<(Vec<usize>, Vec<f64>)> {
    let paths = Paths::smooth(data, Order::Quintic, Criterion::Reml).unwrap();
    let systems = integral(data, &paths, library, window).unwrap();
    systems
        .iter()
        .enumerate()
        .map(|(i, system)| {
            system.check(library).unwrap();
            let best = &best_subsets(system, 3, 1).unwrap().by_size[i + 1][0];
            (best.support.clone(), best.coefficients.clone())
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Irregular times, missing cells, two runs: the sparse field is found, with its coefficients within a few per cent.
    #[test]
    fn a_sparse_field_is_found(gaps in prop::collection::vec(0.02..0.2_f64, 100..150), seed in 0..1000_usize) {
        let times: Vec<f64> = gaps.iter().scan(0.0, |t, gap| { *t += gap; Some(*t) }).collect();
        let data = data(&times, &[0.3, 2.0], |k, i| (k * 7 + i * 3 + seed) % 6 == 0, 0.005);
        let library = Library::polynomial(data.variables(), 2).unwrap();
        let found = supports(&data, &library, 60);
        prop_assert_eq!(&found[0].0, &vec![2]);
        prop_assert_eq!(&found[1].0, &vec![1, 2]);
        prop_assert!((found[0].1[0] - 1.0).abs() < 0.03, "{found:?}");
        prop_assert!((found[1].1[0] + 4.0).abs() < 0.12 && (found[1].1[1] + 0.4).abs() < 0.1, "{found:?}");
    }

    /// Exchanging the variables exchanges the equations.
    #[test]
    fn variables_may_be_permuted(gaps in prop::collection::vec(0.05..0.15_f64, 60..80)) {
        let times: Vec<f64> = gaps.iter().scan(0.0, |t, gap| { *t += gap; Some(*t) }).collect();
        let data = data(&times, &[0.3], |_, _| false, 0.01);
        let run = &data.runs()[0];
        let swapped: Vec<f64> = (0..run.len()).flat_map(|k| [run.row(k)[1], run.row(k)[0]]).collect();
        let mirror = Trajectories::new(names(&["y", "x"]), vec![], vec![Trajectory::new(times, swapped, vec![]).unwrap()]).unwrap();
        let library = Library::polynomial(data.variables(), 2).unwrap();
        let mirrored = Library::polynomial(mirror.variables(), 2).unwrap();
        let gram = |data: &Trajectories, library: &Library| {
            let paths = Paths::smooth(data, Order::Quintic, Criterion::Reml).unwrap();
            integral(data, &paths, library, 30).unwrap()
        };
        let (one, two) = (gram(&data, &library), gram(&mirror, &mirrored));
        let order = [0, 2, 1, 5, 4, 3]; // 1, y, x, y^2, y*x, x^2
        for equation in 0..2 {
            for i in 0..6 {
                let (a, b) = (one[equation].rhs[i], two[1 - equation].rhs[order[i]]);
                prop_assert!((a - b).abs() < 1e-9 * (1.0 + a.abs()));
                for j in 0..6 {
                    let (a, b) = (one[equation].gram[i * 6 + j], two[1 - equation].gram[order[i] * 6 + order[j]]);
                    prop_assert!((a - b).abs() < 1e-9 * (1.0 + a.abs()));
                }
            }
        }
    }
}

/// A row without any measurement is no row.
#[test]
fn a_missing_row_is_the_same_as_none() {
    let times: Vec<f64> = (0..80).map(|k| 0.1 * f64::from(k)).collect();
    let gappy = data(&times, &[0.3], |k, _| k % 5 == 2, 0.0);
    let kept: Vec<f64> = times.iter().copied().enumerate().filter(|(k, _)| k % 5 != 2).map(|(_, t)| t).collect();
    let short = data(&kept, &[0.3], |_, _| false, 0.0);
    let library = Library::polynomial(gappy.variables(), 2).unwrap();
    let gram = |data: &Trajectories| {
        let paths = Paths::smooth(data, Order::Quintic, Criterion::Fixed(1e-8)).unwrap();
        integral(data, &paths, &library, 10_000).unwrap()
    };
    let (one, two) = (gram(&gappy), gram(&short));
    assert_eq!(one[0].rows, two[0].rows);
    for (a, b) in one[0].gram.iter().zip(&two[0].gram) {
        assert!((a - b).abs() < 1e-6 * (1.0 + b.abs()), "{a} {b}");
    }
}

/// Differences of order `q` are exact for polynomials of degree `q`, on irregular times and at the ends.
#[test]
fn finite_differences_are_exact_for_polynomials() {
    let times = [0.0, 0.1, 0.35, 0.4, 0.7, 1.1, 1.15, 1.6];
    for order in [2_usize, 4] {
        let power = order as i32;
        let values: Vec<f64> = times.iter().map(|t: &f64| t.powi(power)).collect();
        let run = Trajectory::new(times.to_vec(), values, vec![]).unwrap();
        let data = Trajectories::new(names(&["x"]), vec![], vec![run]).unwrap();
        let library = Library::new(&[Family::Custom(format!("t^{}", power - 1))], data.variables(), &[]).unwrap();
        let system = &finite_difference(&data, &library, order).unwrap()[0];
        let (theta, rss) = system.solve(&[0], 0.0).unwrap();
        assert!((theta[0] - f64::from(power)).abs() < 1e-12 && rss < 1e-20, "{theta:?} {rss:e}");
    }
}

#[test]
fn smoothed_derivatives_serve_too() {
    let times: Vec<f64> = (0..200).map(|k| 0.05 * f64::from(k)).collect();
    let data = data(&times, &[0.3], |k, i| k % 9 == i, 0.001);
    let library = Library::polynomial(data.variables(), 2).unwrap();
    let paths = Paths::smooth(&data, Order::Quintic, Criterion::Reml).unwrap();
    let systems = smoothed_derivative(&data, &paths, &library).unwrap();
    let theta = stlsq(&systems[1], 0.1, 0.0).unwrap();
    assert!((theta[1] + 4.0).abs() < 0.02 && (theta[2] + 0.4).abs() < 0.02, "{theta:?}");
    assert!(matches!(finite_difference(&data, &library, 2), Err(SindyError::MissingCell { .. })));
}

#[test]
fn dependent_libraries_are_named() {
    let times: Vec<f64> = (0..60).map(|k| 0.1 * f64::from(k)).collect();
    let data = data(&times, &[0.3], |_, _| false, 0.0);
    let check = |text: &str| {
        let library = Library::new(&Family::parse_list(text).unwrap(), data.variables(), &[]).unwrap();
        finite_difference(&data, &library, 2).unwrap()[0].check(&library)
    };
    assert_eq!(
        check("polynomial:1,custom:2*x"),
        Err(SindyError::Collinear { first: "x".into(), second: "2*x".into() })
    );
    assert_eq!(check("polynomial:1,custom:x-x"), Err(SindyError::ZeroFeature { feature: "x - x".into() }));
    let Err(SindyError::Dependent { feature, others }) = check("polynomial:1,custom:x+y-1") else { panic!() };
    assert!(feature.contains('x') && others.contains('y') && others.contains('1'), "{feature} {others}");
    assert!(matches!(
        check("polynomial:9"),
        Err(SindyError::Dependent { .. } | SindyError::MoreFeaturesThanRows { .. })
    ));
}
