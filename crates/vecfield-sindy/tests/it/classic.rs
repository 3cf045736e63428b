//! Regression once, over ensembles, and of maps.

use crate::support::Noise;
use vecfield_data::{Trajectories, Trajectory};
use vecfield_sindy::regression::{GramSystem, NoiseModel};
use vecfield_sindy::sparse::{lasso, sr3};
use vecfield_sindy::{Family, Form, Model, Selection, Sindy, SindyError};

/// Swings `x' = v`, `v' = -x - v/5` with noise.
fn swings(sigma: f64) -> Trajectories {
    let mut noise = Noise::new(9);
    let omega = 0.99_f64.sqrt();
    let times: Vec<f64> = (0..400).map(|k| 0.05 * f64::from(k)).collect();
    let values = times.iter().flat_map(|&t| {
        let (decay, phase) = ((-0.1 * t).exp(), omega * t);
        [decay * (phase.cos() + 0.1 / omega * phase.sin()), -decay / omega * phase.sin()]
    });
    let values = values.map(|y| y + sigma * noise.normal()).collect();
    let run = Trajectory::new(times, values, vec![]).unwrap();
    Trajectories::new(vec!["x".into(), "v".into()], vec![], vec![run]).unwrap()
}

fn keys(model: &Model, i: usize) -> Vec<String> {
    model.terms(i).map(|(key, ..)| key.to_string()).collect()
}

fn sindy(form: Form, selection: Selection) -> Sindy {
    Sindy { form, selection, ..Sindy::new(vec![Family::Polynomial(2)]) }
}

const THRESHOLD: f64 = 0.1;

#[test]
fn every_derivative_and_optimizer_finds_swings() {
    let selections = [
        Selection::Stlsq { threshold: THRESHOLD, ridge: 0.0 },
        Selection::Sr3 { threshold: THRESHOLD },
        Selection::Exact { largest: 3 },
        Selection::Lasso { alpha: Some(2e-3) },
    ];
    let forms = [
        Form::Integral,
        Form::FiniteDifference(4),
        Form::SmoothedDerivative,
        Form::SavitzkyGolay { window: 11, degree: 4 },
        Form::TotalVariation,
        Form::Spectral,
    ];
    for form in forms {
        for selection in selections {
            let model = sindy(form, selection).fit(&swings(1e-4)).unwrap();
            for (i, truth) in [vec![("v", 1.0)], vec![("x", -1.0), ("v", -0.2)]].into_iter().enumerate() {
                for (key, exact) in truth {
                    let found = model.terms(i).find(|(k, ..)| *k == key).map_or(0.0, |(_, c, _)| c);
                    assert!((found - exact).abs() < 0.02, "{form:?} {selection:?} {key}: {found}");
                }
            }
        }
    }
}

#[test]
fn ensembles_say_how_often_and_repeat() {
    let ensemble = |seed| {
        let one = sindy(Form::Integral, Selection::Stlsq { threshold: THRESHOLD, ridge: 0.0 });
        Sindy { ensemble: 40, seed, ..one }.fit(&swings(0.02)).unwrap()
    };
    let model = ensemble(1);
    assert_eq!((keys(&model, 0), keys(&model, 1)), (vec!["v".to_string()], vec!["x".to_string(), "v".to_string()]));
    assert!(model.inclusion(1).iter().all(|share| (0.0..=1.0).contains(share)));
    assert!(model.inclusion(0)[2] > 0.9 && model.inclusion(0)[0] < 0.5, "{:?}", model.inclusion(0));
    for (_, c, error) in model.terms(1) {
        assert!(error > 1e-4 && error < 0.2 * c.abs(), "{c} {error}");
    }
    assert_eq!(ensemble(1).coefficients(1), model.coefficients(1));
    assert_ne!(ensemble(2).stderr(1), model.stderr(1));
}

#[test]
fn a_map_is_found_and_iterated() {
    let (mut x, mut y, mut values) = (0.3, 0.2, Vec::new());
    for _ in 0..200 {
        values.extend([x, y]);
        (x, y) = (1.0 - 1.4 * x * x + y, 0.3 * x);
    }
    let of = |times: Vec<f64>, values: Vec<f64>| {
        let run = Trajectory::new(times, values, vec![]).unwrap();
        Trajectories::new(vec!["x".into(), "y".into()], vec![], vec![run]).unwrap()
    };
    let times: Vec<f64> = (0..200).map(f64::from).collect();
    let model = sindy(Form::NextValue, Selection::Auto).fit(&of(times.clone(), values.clone())).unwrap();
    assert!(model.is_map() && model.derivative_r2() > 0.999_999);
    assert_eq!((keys(&model, 0), keys(&model, 1)), (vec!["1".into(), "y".into(), "x^2".into()], vec!["x".to_string()]));
    let path = model.simulate(&values[..2], &[0.0, 1.0, 2.5, 4.0]).unwrap();
    for (k, row) in [0, 1, 2, 4].into_iter().enumerate() {
        assert!((path[2 * k] - values[2 * row]).abs() < 1e-9, "{k}");
    }
    let mut uneven = times.clone();
    uneven[5] += 0.2;
    let error = sindy(Form::NextValue, Selection::Auto).fit(&of(uneven, values.clone())).unwrap_err();
    assert!(matches!(error, SindyError::UnevenMap { .. }));
    values[9] = f64::NAN;
    let error = sindy(Form::NextValue, Selection::Auto).fit(&of(times, values)).unwrap_err();
    assert!(matches!(error, SindyError::MissingValue { t, .. } if t == 4.0));
}

/// With orthogonal features of unit length the solutions are known: hard and soft thresholding of `Zᵀr`, fitted again.
#[test]
fn orthogonal_features_are_thresholded() {
    let z: Vec<f64> = (0..16).map(|at| f64::from(u8::from(at % 5 == 0))).collect();
    let system = GramSystem::from_rows(&z, &[1.0, -0.5, 0.2, 0.05], NoiseModel::WhiteOnValues);
    let close = |found: Vec<f64>, wanted: [f64; 4]| found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-9);
    assert!(close(sr3(&system, 0.3).unwrap(), [1.0, -0.5, 0.0, 0.0]));
    assert!(close(sr3(&system, 0.1).unwrap(), [1.0, -0.5, 0.2, 0.0]));
    assert!(close(lasso(&system, Some(0.15)).unwrap(), [1.0, -0.5, 0.0, 0.0]));
    assert!(close(lasso(&system, Some(0.05)).unwrap(), [1.0, -0.5, 0.2, 0.0]));
}
