//! Relations between coefficients, and bounded dynamics.

use crate::support::Noise;
use vecfield_data::{Trajectories, Trajectory};
use vecfield_sindy::sparse::Penalty;
use vecfield_sindy::{Constraint, Family, Form, Model, Selection, Sindy, SindyError};
use vecfield_solvers::{Options, Save, field, solve_explicit, tableau::DOP853};

/// Lorenz' system at a step of 0.01, noise of a share of the size.
pub(crate) fn lorenz(end: f64, share: f64, seed: u64) -> Trajectories {
    let system = field(3, |_t, x: &[f64], dx: &mut [f64]| {
        dx[0] = 10.0 * (x[1] - x[0]);
        dx[1] = x[0] * (28.0 - x[2]) - x[1];
        dx[2] = x[0] * x[1] - 8.0 / 3.0 * x[2];
    });
    let times: Vec<f64> = (0..=(100.0 * end) as usize).map(|k| 0.01 * k as f64).collect();
    let options = Options::tolerances(1e-10, 1e-12);
    let path =
        solve_explicit(&system, (0.0, times[times.len() - 1]), &[-8.0, 7.0, 27.0], &DOP853, &options, Save::At(&times));
    let mut noise = Noise::new(seed);
    let values = path.unwrap().y.iter().map(|x| x + 16.0 * share * noise.normal()).collect();
    let names = ["x", "y", "z"].map(String::from).to_vec();
    Trajectories::new(names, vec![], vec![Trajectory::new(times, values, vec![]).unwrap()]).unwrap()
}

fn constraints(texts: &[&str]) -> Vec<Constraint> {
    texts.iter().map(|text| Constraint::parse(text).unwrap()).collect()
}

fn coefficient(model: &Model, equation: usize, key: &str) -> f64 {
    model.terms(equation).find(|term| term.0 == key).map_or(0.0, |term| term.1)
}

fn sindy(selection: Selection, texts: &[&str]) -> Sindy {
    Sindy { selection, constraints: constraints(texts), ..Sindy::new(vec![Family::Polynomial(2)]) }
}

/// Every selection that knows relations keeps them to rounding, and still finds the system.
#[test]
fn relations_hold_whatever_the_selection() {
    let data = lorenz(8.0, 0.01, 4);
    let ties = ["x[y] = -x[x]", "y[x*z] + z[x*y] = 0", "3*z[z] = -8"];
    let selections = [
        Selection::Auto,
        Selection::Stlsq { threshold: 0.3, ridge: 0.0 },
        Selection::Sr3 { threshold: 0.8, penalty: Penalty::L0 },
    ];
    for selection in selections {
        let model = sindy(selection, &ties).fit(&data).unwrap();
        let c = |equation, key| coefficient(&model, equation, key);
        assert!((c(0, "y") + c(0, "x")).abs() < 1e-9, "{selection:?}: {:?}", model.equations(Some(4)));
        assert!((c(1, "x*z") + c(2, "x*y")).abs() < 1e-9, "{selection:?}");
        assert!((c(2, "z") + 8.0 / 3.0).abs() < 1e-9, "{selection:?}");
        assert!((c(0, "y") - 10.0).abs() < 0.2 && (c(1, "x") - 28.0).abs() < 0.6, "{:?}", model.equations(Some(4)));
        assert_eq!(model.term_count(), 7, "{selection:?}: {:?}", model.equations(Some(4)));
        // What a relation fixes has no error, and what it ties has the same one.
        let error = |equation: usize, key| model.terms(equation).find(|term| term.0 == key).unwrap().2;
        assert!(error(2, "z") < 1e-9, "{selection:?} {}", error(2, "z"));
        assert!((error(0, "x") - error(0, "y")).abs() < 1e-9 * error(0, "x"), "{selection:?}");
    }
}

/// A bound that the truth breaks is where the coefficient ends; one that it keeps changes nothing.
#[test]
fn bounds_hold_and_idle_ones_change_nothing() {
    let data = lorenz(6.0, 0.005, 5);
    for selection in [Selection::Auto, Selection::Stlsq { threshold: 0.3, ridge: 0.0 }] {
        let free = sindy(selection, &[]).fit(&data).unwrap();
        let idle = sindy(selection, &["z[z] <= 0", "x[x] >= -11"]).fit(&data).unwrap();
        for (a, b) in (0..3).flat_map(|i| free.coefficients(i).iter().zip(idle.coefficients(i))) {
            assert!((a - b).abs() < 1e-3 * (1.0 + a.abs()), "{selection:?}: {a} {b}");
        }
        let held = sindy(selection, &["z[z] >= -2.6"]).fit(&data).unwrap();
        assert!((coefficient(&held, 2, "z") + 2.6).abs() < 1e-6, "{selection:?}: {:?}", held.equations(Some(5)));
    }
}

/// A coefficient that equations share is estimated from all of them: its error shrinks.
#[test]
fn shared_coefficients_are_surer() {
    let mut noise = Noise::new(7);
    let times: Vec<f64> = (0..200).map(|k| 0.02 * f64::from(k)).collect();
    let values =
        times.iter().flat_map(|t| [(-0.7 * t).exp(), 2.0 * (-0.7 * t).exp()].map(|v| v + 0.01 * noise.normal()));
    let run = Trajectory::new(times.clone(), values.collect(), vec![]).unwrap();
    let data = Trajectories::new(vec!["a".into(), "b".into()], vec![], vec![run]).unwrap();
    let families = vec![Family::Custom("a".into()), Family::Custom("1".into())];
    let both = vec![Family::Custom("a".into()), Family::Custom("b^2".into())];
    let fit = |families: &Vec<Family>, texts: &[&str]| {
        let form = Form::Integral;
        Sindy { form, constraints: constraints(texts), ..Sindy::new(families.clone()) }.fit(&data).unwrap()
    };
    // b' = -1.4 a, a' = -0.7 a: half of the other.
    let (alone, tied) = (fit(&families, &[]), fit(&families, &["b[a] = 2*a[a]"]));
    let error = |model: &Model| model.terms(0).find(|term| term.0 == "a").unwrap().2;
    assert!((coefficient(&tied, 1, "a") - 2.0 * coefficient(&tied, 0, "a")).abs() < 1e-9);
    assert!(error(&tied) < 0.9 * error(&alone), "{} {}", error(&tied), error(&alone));
    assert_eq!(fit(&both, &["b[a] = 2*a[a]"]).term_count(), 2);
}

/// The energy of the quadratic terms stays: `Σ xᵢ qᵢ(x) = 0` at any point.
#[test]
fn energy_is_kept() {
    let model = sindy(Selection::Stlsq { threshold: 0.0, ridge: 0.0 }, &["energy"]).fit(&lorenz(5.0, 0.05, 3)).unwrap();
    let c = |equation: usize, key: &str| coefficient(&model, equation, key);
    let energy = |x: [f64; 3]| -> f64 {
        let names = ["x", "y", "z"];
        let of = |i: usize| -> f64 {
            let pairs = (0..3).flat_map(|j| (j..3).map(move |k| (j, k)));
            pairs
                .map(|(j, k)| {
                    let key = if j == k { format!("{}^2", names[j]) } else { format!("{}*{}", names[j], names[k]) };
                    c(i, &key) * x[j] * x[k]
                })
                .sum()
        };
        (0..3).map(|i| x[i] * of(i)).sum()
    };
    for point in [[1.0, 0.0, 0.0], [1.0, 2.0, -1.0], [0.3, -0.7, 2.0]] {
        assert!(energy(point).abs() < 1e-9, "{}", energy(point));
    }
    assert!(model.term_count() > 10);
}

/// Bounded dynamics: eigenvalues below zero about the centre, and data and simulation inside the ball.
#[test]
fn trajectories_end_in_the_ball() {
    for (share, threshold) in [(0.0, 0.1), (0.02, 0.3), (0.1, 0.0)] {
        let data = lorenz(8.0, share, 2);
        let model = sindy(Selection::Trapping { threshold }, &[]).fit(&data).unwrap();
        let ball = model.trapping().unwrap();
        assert!(ball.eigenvalues.iter().all(|v| *v < 0.0), "{share}: {ball:?}");
        let out =
            |x: &[f64]| x.iter().zip(&ball.centre).map(|(x, m)| (x - m).powi(2)).sum::<f64>().sqrt() / ball.radius;
        assert!(data.runs()[0].values().chunks(3).all(|x| out(x) < 1.0), "{share}: {ball:?}");
        // From far outside trajectories come in, and stay.
        let start: Vec<f64> = ball.centre.iter().map(|m| m + 2.0 * ball.radius).collect();
        let times: Vec<f64> = (0..200).map(f64::from).collect();
        let path = model.simulate(&start, &times).unwrap();
        assert!(path.chunks(3).skip(100).all(|x| out(x) < 1.0), "{share}: {:?}", model.equations(Some(3)));
    }
}

#[test]
fn what_no_relation_is_has_a_reason() {
    let data = lorenz(3.0, 0.0, 1);
    for text in ["x[y]", "x = 3", "[y] = 2", "x[y = 2", "x[y]*x[x] = 2", "sin(x[y]) = 0", "x[y] < 2"] {
        assert!(matches!(Constraint::parse(text), Err(SindyError::ConstraintSyntax { .. })), "{text}");
    }
    let fit = |selection, texts: &[&str]| sindy(selection, texts).fit(&data).unwrap_err();
    let auto = Selection::Auto;
    assert!(matches!(fit(auto, &["w[y] = 0"]), SindyError::UnknownVariable { .. }));
    assert!(matches!(fit(auto, &["x[y^4] = 0"]), SindyError::UnknownTerm { nearest, .. } if nearest.contains('y')));
    for selection in [auto, Selection::Stlsq { threshold: 0.1, ridge: 0.0 }] {
        assert_eq!(fit(selection, &["x[y] = 1", "x[y] = 2"]), SindyError::Contradiction);
        assert_eq!(fit(selection, &["x[y] >= 1", "x[y] <= 0.5"]), SindyError::Contradiction);
    }
    assert_eq!(fit(Selection::Lasso { alpha: None }, &["x[y] = 1"]), SindyError::ConstraintsNeedOther);
    let cubic = Sindy { selection: Selection::Trapping { threshold: 0.1 }, ..Sindy::new(vec![Family::Polynomial(3)]) };
    assert!(matches!(cubic.fit(&data), Err(SindyError::NotQuadratic { .. })));
    // The order of factors is free.
    let model = sindy(auto, &["z[y*x] = 1"]).fit(&data).unwrap();
    assert!((coefficient(&model, 2, "x*y") - 1.0).abs() < 1e-12, "{:?}", model.equations(Some(5)));
}
