//! Models as text.

use crate::constraint::lorenz;
use crate::sindy::data;
use crate::support::Noise;
use proptest::prelude::*;
use vecfield_data::{Trajectories, Trajectory};
use vecfield_sindy::{Candidates, Family, Form, Known, Model, Selection, Sindy, SindyError};

/// A driven decay `x' = u - x/2`, slowly sampled, with `u` known.
fn driven() -> Trajectories {
    let times: Vec<f64> = (0..80).map(|k| 0.1 * f64::from(k)).collect();
    let inputs: Vec<f64> = times.iter().map(|t| t.sin()).collect();
    let values = times.iter().map(|t| 2.8 * (-0.5 * t).exp() + (0.5 * t.sin() - t.cos()) / 1.25).collect();
    let run = Trajectory::new(times, values, inputs).unwrap();
    Trajectories::new(vec!["x".into()], vec!["u".into()], vec![run]).unwrap()
}

/// Says everything that can be asked of a model, to the last bit.
fn told(model: &Model, data: &Trajectories) -> String {
    let d = data.dim();
    let run = &data.runs()[0];
    let of = |i: usize| (model.coefficients(i), model.stderr(i), model.inclusion(i), model.denominator(i));
    format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        model.equations(None),
        (0..d).map(of).collect::<Vec<_>>(),
        model.library().features().iter().map(|feature| feature.key()).collect::<Vec<_>>(),
        model.runners_up(None),
        (model.noise(), model.derivative_r2(), model.trajectory_r2()),
        model.refinement(),
        model.constants(),
        model.trapping(),
        model.fitted_path(0),
        (model.is_map(), model.is_rational(), model.is_cut(), model.feature_count()),
        (model.library().arguments(), run.len()),
    )
}

#[test]
fn every_kind_of_model_comes_back() {
    let pair = data(0.02, 5, true, [1.0; 2]);
    let (even, bounded) = (driven(), lorenz(8.0, 0.0, 2));
    let library = |text: &str| Sindy::new(Candidates::parse(text).unwrap());
    let known = vec![Known::parse("hare: hare").unwrap()];
    let stlsq = Selection::Stlsq { threshold: 0.05, ridge: 0.0 };
    let kinds = [
        (Sindy { known, ..library("polynomial:2") }, &pair),
        (Sindy { rational: true, ..library("polynomial:2") }, &pair),
        (library("polynomial:1*fourier:1,polynomial:2,custom:x^3 - exp(-x)"), &even),
        (library("polynomial:1,custom:exp(-k*x)"), &even),
        (Sindy { form: Form::NextValue, selection: stlsq, ..library("polynomial:1") }, &even),
        (Sindy { selection: Selection::Trapping { threshold: 0.1 }, ..library("polynomial:2") }, &bounded),
        (Sindy { ensemble: 9, selection: stlsq, ..library("polynomial:2") }, &even),
    ];
    for (k, (sindy, data)) in kinds.into_iter().enumerate() {
        let Ok(model) = sindy.fit(data) else { panic!("kind {k}") };
        let text = model.to_text();
        let again = Model::parse(&text).unwrap_or_else(|e| panic!("kind {k}: {e}\n{text}"));
        assert_eq!(told(&again, data), told(&model, data), "kind {k}");
        assert_eq!(again.to_text(), text);
        if !model.is_map() {
            let (before, after) = (model.score(data).unwrap(), again.score(data).unwrap());
            assert!((before.derivative_r2 - after.derivative_r2).abs() < 1e-12, "kind {k}");
        }
    }
}

proptest! {
    /// A text of which something was lost is refused, or is a model.
    #[test]
    fn torn_texts_do_no_harm(seed in any::<u64>(), lost in 0.0..1.0_f64) {
        let model = Sindy::new(vec![Family::Polynomial(1)]).fit(&driven()).unwrap();
        let text = model.to_text();
        let mut noise = Noise::new(seed);
        let torn: String = text.chars().filter(|_| noise.uniform() > 0.02 * lost).collect();
        match Model::parse(&torn) {
            Ok(model) => prop_assert!(!model.equations(None).is_empty()),
            Err(error) => prop_assert!(matches!(error, SindyError::BadModel { .. }), "{error}"),
        }
    }
}
