//! What is refused, and with which remedy.

use vecfield_solvers::sde::{Areas, Brownian, SdeError, SdeMethod, Simulation, Steps};
use vecfield_traits::{Calculus, Noise, drift_diffusion};

use super::problems::{Equation, Kind};

fn refuse(kind: Kind, calculus: Calculus, method: &str) -> String {
    let equation = Equation { calculus, kind };
    let method = SdeMethod::named(method).unwrap();
    method.check(&equation).expect_err("it does not solve this").to_string()
}

#[test]
fn methods_of_the_other_calculus_or_for_other_noise() {
    let wrong = refuse(Kind::Scalar, Calculus::Ito, "stratonovich-heun");
    assert!(wrong.contains("solves Stratonovich equations") && wrong.contains("use `sriw1`"), "{wrong}");
    let wrong = refuse(Kind::General, Calculus::Stratonovich, "euler-maruyama");
    assert!(wrong.contains("use `spark`"), "{wrong}");
    let wrong = refuse(Kind::Diagonal, Calculus::Ito, "shark");
    assert!(wrong.contains("is for additive noise") && wrong.contains("has diagonal noise"), "{wrong}");
    let wrong = refuse(Kind::General, Calculus::Ito, "sriw1");
    assert!(wrong.contains("does not commute; use `euler-maruyama`"), "{wrong}");
    let unknown = SdeMethod::named("sriv1").unwrap_err().to_string();
    assert!(unknown.contains("did you mean `sriw1`"), "{unknown}");
}

#[test]
fn what_a_run_cannot_begin_with() {
    let equation = Equation { calculus: Calculus::Ito, kind: Kind::Scalar };
    let motion = Brownian::new(0, (0.0, 1.0)).unwrap();
    let method = SdeMethod::named("sriw1").unwrap();
    let ask = |motion, span, steps| Simulation::new(&equation, method, motion, span, steps).map(|_| ()).unwrap_err();
    let with_areas = motion.with_areas(Areas::SpaceTime);
    assert!(matches!(ask(motion, (0.0, 1.0), Steps::Fixed(0.1)), SdeError::NoAreas { .. }));
    assert!(matches!(ask(with_areas, (1.0, 0.0), Steps::Fixed(0.1)), SdeError::Span { .. }));
    assert!(matches!(ask(with_areas, (0.0, 2.0), Steps::Fixed(0.1)), SdeError::Brownian(_)));
    assert!(matches!(ask(with_areas, (0.0, 1.0), Steps::Fixed(-0.1)), SdeError::BadValue { .. }));
    assert!(matches!(ask(with_areas, (0.0, 1.0), Steps::Fixed(1e-300)), SdeError::TooManySteps { .. }));
    let simulation = Simulation::new(&equation, method, with_areas, (0.0, 1.0), Steps::Fixed(0.1)).unwrap();
    assert!(matches!(simulation.solve(&[0.0; 2], 0..3, &[1.0]), Err(SdeError::Dimension { .. })));
    assert!(matches!(simulation.solve(&[0.0], 0..3, &[1.0, 0.5]), Err(SdeError::BadValue { .. })));
    #[cfg(feature = "parallel")]
    assert!(matches!(simulation.solve_parallel(&[0.0], 0..3, &[1.0], &|_| false), Err(SdeError::Stopped)));
}

#[test]
fn a_path_that_stops_being_a_number_is_named() {
    let drift = |_t, x: &[f64], f: &mut [f64]| f.iter_mut().zip(x).for_each(|(f, x)| *f = x.ln());
    let diffusion = |_t, x: &[f64], g: &mut [f64]| g.copy_from_slice(x);
    let equation = drift_diffusion(1, Noise::scalar(), Calculus::Ito, drift, diffusion);
    let method = SdeMethod::named("euler-maruyama").unwrap();
    let motion = Brownian::new(0, (0.0, 1.0)).unwrap();
    let simulation = Simulation::new(&equation, method, motion, (0.0, 1.0), Steps::Fixed(0.25)).unwrap();
    let error = simulation.solve(&[0.5], 0..1000, &[1.0]).unwrap_err();
    assert!(matches!(error, SdeError::NotFinite { component: 0, .. }), "{error}");
    assert!(error.to_string().contains("sqrt(max(x, 0))"));
}
