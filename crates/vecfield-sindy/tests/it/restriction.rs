//! Symmetries and units: what equations cannot have.

use crate::support::Noise;
use vecfield_data::{Trajectories, Trajectory};
use vecfield_sindy::{Candidates, Family, Form, Model, Selection, Sindy, SindyError, Symmetry, Units};
use vecfield_solvers::{Options, Save, field, solve_explicit, tableau::DOP853};

fn measured(names: &[&str], start: &[f64], end: f64, noise: f64, rates: impl Fn(&[f64], &mut [f64])) -> Trajectories {
    let system = field(names.len(), |_t, x: &[f64], dx: &mut [f64]| rates(x, dx));
    let times: Vec<f64> = (0..=400).map(|k| end * f64::from(k) / 400.0).collect();
    let options = Options::tolerances(1e-10, 1e-12);
    let path = solve_explicit(&system, (0.0, end), start, &DOP853, &options, Save::At(&times)).unwrap();
    let mut drawn = Noise::new(3);
    let values = path.y.iter().map(|x| x + noise * drawn.normal()).collect();
    let names = names.iter().map(|name| name.to_string()).collect();
    Trajectories::new(names, vec![], vec![Trajectory::new(times, values, vec![]).unwrap()]).unwrap()
}

/// Thomas' system, the same in all three coordinates: `x' = sin y - 0.2 x` and so on.
fn thomas() -> Trajectories {
    measured(&["x", "y", "z"], &[0.4, -1.3, 2.0], 40.0, 0.1, |x, dx| {
        (0..3).for_each(|i| dx[i] = x[(i + 1) % 3].sin() - 0.2 * x[i]);
    })
}

/// A pendulum of half a metre: metres and seconds.
fn pendulum() -> Trajectories {
    measured(&["angle", "speed"], &[1.2, 0.0], 6.0, 0.01, |x, dx| {
        dx[0] = x[1];
        dx[1] = -9.81 / 0.5 * x[0].sin() - 0.3 * x[1];
    })
}

fn symmetric(selection: Selection, texts: &[&str]) -> Sindy {
    let symmetries = texts.iter().map(|text| Symmetry::parse(text).unwrap()).collect();
    let families = vec![Family::Polynomial(1), Family::Fourier(1)];
    Sindy { selection, symmetries, ..Sindy::new(families) }
}

fn terms(model: &Model, equation: usize) -> Vec<(String, f64)> {
    model.terms(equation).map(|(key, value, _)| (key.to_string(), value)).collect()
}

/// Equations that are the same in all coordinates are found as such, whatever chooses the terms; that the data are three times as many
/// makes the coefficients surer.
#[test]
fn a_cycle_ties_equations_to_each_other() {
    let data = thomas();
    let cycle = ["x: y; y: z; z: x", "x: -x; y: -y; z: -z"];
    let error = |model: &Model| model.terms(0).find(|term| term.0 == "x").unwrap().2;
    let alone = symmetric(Selection::Auto, &[]).fit(&data).unwrap();
    for selection in [Selection::Auto, Selection::Stlsq { threshold: 0.1, ridge: 0.0 }] {
        let model = symmetric(selection, &cycle).fit(&data).unwrap();
        let [x, y, z] = [0, 1, 2].map(|i| terms(&model, i));
        assert_eq!(x.len(), 2, "{selection:?}: {:?}", model.equations(Some(4)));
        for (at, (own, next)) in [("x", "sin(y)"), ("y", "sin(z)"), ("z", "sin(x)")].into_iter().enumerate() {
            let value = |key: &str| model.terms(at).find(|term| term.0 == key).unwrap().1;
            assert!((value(own) - x[0].1).abs() < 1e-9 && (value(next) - x[1].1).abs() < 1e-9, "{y:?} {z:?}");
            assert!((value(own) + 0.2).abs() < 0.01 && (value(next) - 1.0).abs() < 0.03, "{:?}", model.equations(None));
        }
        if selection == Selection::Auto {
            assert!(error(&model) < 0.8 * error(&alone), "{} {}", error(&model), error(&alone));
        }
    }
}

/// Signs alone close terms, and every selection can be had with them.
#[test]
fn signs_close_terms() {
    let data = thomas();
    let mirrored = "x: -x; y: -y; z: -z";
    for selection in [Selection::Lasso { alpha: None }, Selection::Exact { largest: 6 }, Selection::Auto] {
        let model = symmetric(selection, &[mirrored]).fit(&data).unwrap();
        let even = (0..3).flat_map(|i| terms(&model, i)).filter(|term| term.0 == "1" || term.0.starts_with("cos"));
        assert_eq!(even.count(), 0, "{selection:?}: {:?}", model.equations(Some(4)));
    }
    // Backwards in time and with the other velocity a swing without friction is the same; with friction it is not.
    let frictionless = measured(&["x", "v"], &[1.0, 0.5], 12.0, 0.001, |x, dx| {
        dx[0] = x[1];
        dx[1] = -x[0] - 0.2 * x[0].powi(3);
    });
    let reversible = Symmetry::parse("v: -v; t: -t").unwrap();
    let sindy = Sindy { symmetries: vec![reversible], ..Sindy::new(vec![Family::Polynomial(3)]) };
    let model = sindy.fit(&frictionless).unwrap();
    assert_eq!(model.equations(Some(2)), ["1*v", "-1*x - 0.2*x^3"]);
    assert!(
        model
            .inclusion(1)
            .iter()
            .zip(model.library().features())
            .all(|(p, f)| *p == 0.0 || !f.key().contains('v') || f.key().contains("v^2"))
    );
}

#[test]
fn units_leave_out_what_does_not_agree() {
    let data = pendulum();
    let task =
        |units: Units, library: &str| Sindy { units: Some(units), ..Sindy::new(Candidates::parse(library).unwrap()) };
    let units = Units::parse("t: s; angle: 1; speed: 1/s").unwrap();
    let found = |units: Units| {
        let model =
            task(units, "polynomial:2,custom:sin(angle),custom:sin(speed),custom:exp(speed)").fit(&data).unwrap();
        let with = |key: &str| {
            (0..2).any(|i| {
                model.inclusion(i).iter().zip(model.library().features()).any(|(p, f)| *p > 0.0 && f.key() == key)
            })
        };
        assert!(!with("sin(speed)") && !with("exp(speed)"), "{:?}", model.equations(Some(4)));
        model.equations(Some(2))
    };
    assert_eq!(found(units.clone()), ["1*speed", "-0.3*speed - 20*sin(angle)"]);
    // With coefficients of powers of a frequency everything that is homogeneous is allowed; with pure numbers the angle's rate is a speed.
    assert_eq!(found(units.clone().with_coefficients("1/s").unwrap()), ["1*speed", "-0.3*speed - 20*sin(angle)"]);
    let pure = task(units.with_coefficients("1").unwrap(), "polynomial:2");
    let model = Sindy { selection: Selection::Exact { largest: 3 }, form: Form::SmoothedDerivative, ..pure }
        .fit(&data)
        .unwrap();
    assert!(terms(&model, 0).iter().all(|term| term.0.ends_with("speed")), "{:?}", model.equations(Some(4)));
    assert!(terms(&model, 1).iter().all(|term| term.0 == "speed^2"), "{:?}", model.equations(Some(4)));
}

/// A constant inside a feature is in whatever unit makes the feature agree.
#[test]
fn constants_inside_have_any_unit() {
    let data = measured(&["S"], &[5.0], 8.0, 0.01, |x, dx| dx[0] = -x[0] / (1.5 + x[0]));
    let units = Some(Units::parse("t: h; S: g").unwrap());
    let library = Candidates::parse("custom:S/(K + S),custom:S").unwrap();
    let model = Sindy { units, ..Sindy::new(library) }.fit(&data).unwrap();
    assert_eq!(terms(&model, 0).len(), 1, "{:?}", model.equations(Some(4)));
    assert!((model.constants()[0].value - 1.5).abs() < 0.1, "{:?}", model.constants());
}

#[test]
fn what_cannot_be_is_refused_with_the_remedy() {
    let data = thomas();
    let fit = |texts: &[&str]| symmetric(Selection::Auto, texts).fit(&data).unwrap_err().to_string();
    assert!(fit(&["x: y"]).contains("nothing goes to `x`"));
    assert!(fit(&["x: w; w: x"]).contains("there is no `w`"));
    assert!(fit(&["x: t; t: x"]).contains("time to itself"));
    for text in ["x", "x: 2*y", "x: sin", ": x", "x: -x;"] {
        assert!(matches!(Symmetry::parse(text), Err(SindyError::SymmetrySyntax { .. })), "{text}");
    }
    assert!(matches!(Units::parse("x: m + s"), Err(SindyError::UnitSyntax { .. })));
    let strict = Units::parse("t: s; x: m; y: kg; z: K").unwrap().with_coefficients("1").unwrap();
    let shut = Sindy { units: Some(strict), ..Sindy::new(vec![Family::Polynomial(2)]) }.fit(&data);
    assert!(matches!(shut, Err(SindyError::NothingAllowed { .. })), "{shut:?}");
    let unknown = Units::parse("u: m").unwrap();
    let unknown = Sindy { units: Some(unknown), ..Sindy::new(vec![Family::Polynomial(2)]) }.fit(&data);
    assert!(matches!(unknown, Err(SindyError::UnknownVariable { .. })), "{unknown:?}");
}
