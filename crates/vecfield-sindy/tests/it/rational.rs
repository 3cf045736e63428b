//! Quotients.

use crate::support::Noise;
use vecfield_data::{Trajectories, Trajectory};
use vecfield_sindy::{Family, Form, Known, Selection, Sindy, SindyError};
use vecfield_solvers::{Options, Save, field, solve_explicit, tableau::DOP853};

/// Michaelis–Menten kinetics with an influx, `x' = 0.6 - 1.5 x/(0.3 + x)`, from several starts; noise of this size.
fn enzyme(sigma: f64) -> Trajectories {
    let mut noise = Noise::new(3);
    let kinetics = field(1, |_t, x: &[f64], dx: &mut [f64]| dx[0] = 0.6 - 1.5 * x[0] / (0.3 + x[0]));
    let times: Vec<f64> = (0..61).map(|k| 0.06 * f64::from(k)).collect();
    let runs = [0.02, 0.5, 1.0, 1.6, 2.4, 3.0].map(|start| {
        let options = Options::tolerances(1e-10, 1e-12);
        let solution = solve_explicit(&kinetics, (0.0, 3.6), &[start], &DOP853, &options, Save::At(&times)).unwrap();
        let values = solution.y.iter().map(|x| x + sigma * noise.normal()).collect();
        Trajectory::new(times.clone(), values, vec![]).unwrap()
    });
    Trajectories::new(vec!["x".into()], vec![], runs.to_vec()).unwrap()
}

fn keys(coefficients: &[f64]) -> Vec<usize> {
    (0..coefficients.len()).filter(|&k| coefficients[k] != 0.0).collect()
}

/// `(0.6 - 3x) / (1 + x/0.3)`: the numerator and the denominator without a common factor.
#[test]
fn a_quotient_is_found_in_lowest_terms() {
    for sigma in [0.0, 0.005] {
        let sindy = Sindy { rational: true, ..Sindy::new(vec![Family::Polynomial(4)]) };
        let model = sindy.fit(&enzyme(sigma)).unwrap();
        assert!(model.is_rational());
        assert_eq!((keys(model.coefficients(0)), keys(model.denominator(0))), (vec![0, 1], vec![1]), "{sigma}");
        let found = [model.coefficients(0)[0], model.coefficients(0)[1], model.denominator(0)[1]];
        for (found, exact) in found.into_iter().zip([0.6, -3.0, 1.0 / 0.3]) {
            assert!((found - exact).abs() < 1e-5 + 12.0 * sigma * exact.abs(), "{sigma}: {found} {exact}");
        }
        assert!(model.equations(Some(3))[0].contains('/'));
        let run = &enzyme(0.0).runs()[2].clone();
        let path = model.simulate(run.row(0), run.times()).unwrap();
        assert!(path.iter().zip(run.values()).all(|(a, b)| (a - b).abs() < 1e-4 + 3.0 * sigma), "{sigma}");
    }
}

/// Monod's growth with decay, `X' = 0.8 S X/(0.5 + S) - 0.15 X`, `S' = -1.6 S X/(0.5 + S)`: two equations whose numerators and denominators
/// are products of different variables. From one start and without decay `S + 2X` would never change, and no data could tell which law it is.
#[test]
fn growth_on_a_substrate_is_found() {
    let growth = field(2, |_t, y: &[f64], dy: &mut [f64]| {
        let rate = y[0] * y[1] / (0.5 + y[1]);
        (dy[0], dy[1]) = (0.8 * rate - 0.15 * y[0], -1.6 * rate);
    });
    let times: Vec<f64> = (0..80).map(|k| 0.1 * f64::from(k)).collect();
    for sigma in [0.0, 0.003] {
        let mut noise = Noise::new(11);
        let runs = [[0.1, 2.0], [0.3, 1.0], [0.2, 3.0]].map(|start| {
            let options = Options::tolerances(1e-10, 1e-12);
            let solution = solve_explicit(&growth, (0.0, 7.9), &start, &DOP853, &options, Save::At(&times)).unwrap();
            let values = solution.y.iter().map(|y| y + sigma * noise.normal()).collect();
            Trajectory::new(times.clone(), values, vec![]).unwrap()
        });
        let data = Trajectories::new(vec!["X".into(), "S".into()], vec![], runs.to_vec()).unwrap();
        let model = Sindy { rational: true, ..Sindy::new(vec![Family::Polynomial(2)]) }.fit(&data).unwrap();
        // 1, X, S, X², X S, S².
        assert_eq!((keys(model.coefficients(0)), keys(model.denominator(0))), (vec![1, 4], vec![2]), "{sigma}");
        assert_eq!((keys(model.coefficients(1)), keys(model.denominator(1))), (vec![4], vec![2]), "{sigma}");
        for (found, exact) in [
            (model.coefficients(0)[1], -0.15),
            (model.coefficients(0)[4], 1.3),
            (model.denominator(0)[2], 2.0),
            (model.coefficients(1)[4], -3.2),
            (model.denominator(1)[2], 2.0),
        ] {
            assert!((found - exact).abs() < (1e-5 + 12.0 * sigma) * exact.abs(), "{sigma}: {found} {exact}");
        }
    }
}

/// A known influx stands outside the quotient.
#[test]
fn known_parts_are_added_to_the_quotient() {
    let known = vec![Known::parse("x: 0.6").unwrap()];
    let sindy = Sindy { rational: true, known, ..Sindy::new(vec![Family::Polynomial(3)]) };
    let model = sindy.fit(&enzyme(0.0)).unwrap();
    assert_eq!((keys(model.coefficients(0)), keys(model.denominator(0))), (vec![1], vec![1]));
    assert!((model.coefficients(0)[1] + 5.0).abs() < 1e-4, "{:?}", model.coefficients(0));
}

#[test]
fn quotients_are_for_automatic_selection() {
    let selection = Selection::Exact { largest: 3 };
    for sindy in [
        Sindy { rational: true, selection, ..Sindy::new(vec![Family::Polynomial(2)]) },
        Sindy { rational: true, form: Form::SmoothedDerivative, ..Sindy::new(vec![Family::Polynomial(2)]) },
    ] {
        assert_eq!(sindy.fit(&enzyme(0.0)).unwrap_err(), SindyError::RationalNeedsAuto);
    }
}
