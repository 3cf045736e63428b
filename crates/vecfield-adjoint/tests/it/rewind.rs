//! Going back over the steps gives the gradient of the discrete adjoint, without its memory.

use vecfield_adjoint::{AdjointError, Budget, Cotangents, Discrete, Gradient, Rewind};
use vecfield_autodiff::Lifted;
use vecfield_laws::measure;
use vecfield_solvers::reversible::{ALL, ASYNCHRONOUS_LEAPFROG, REVERSIBLE_TSIT5};
use vecfield_solvers::{Method, Options};

use crate::discrete::family;
use crate::memory::Pendulum;
use crate::systems::LotkaVolterra;

const TIMES: [f64; 4] = [0.0, 0.33, 1.27, 2.0];

fn distance(a: &Gradient<f64>, b: &Gradient<f64>) -> f64 {
    let pairs = a.initial.iter().zip(&b.initial).chain(a.parameters.iter().zip(&b.parameters));
    pairs.chain([(&a.t0, &b.t0), (&a.t1, &b.t1)]).fold(0.0, |worst, (a, b)| worst.max((a - b).abs() / (1.0 + b.abs())))
}

#[test]
fn the_way_back_gives_the_gradient_of_the_same_steps() -> Result<(), AdjointError> {
    let weights: Vec<f64> = (1..=12).map(|i| f64::from(i).sin()).collect();
    let family = family();
    for method in ALL {
        let (cautious, fixed) = (Options::tolerances(1e-7, 1e-7), Options::fixed(0.013));
        for options in [Some(fixed), method.adaptive().then_some(cautious)].into_iter().flatten() {
            let mut field = family.at(vec![1.3, 0.2, 2.0]);
            let (span, start) = ((0.0, 2.0), [0.8, -0.3, 0.5]);
            let mut kept = Discrete::new(Method::Reversible(method), 3, &options, Budget::everything())?;
            let mut back = Rewind::new(method, 3, &options)?;
            let there = kept.solve(&mut field, span, &start, &TIMES)?;
            assert_eq!(back.solve(&mut field, span, &start, &TIMES)?.y, there.y);
            let cotangents = Cotangents { end_time: 0.7, ..Cotangents::saved(&weights) };
            let (kept, back) = (kept.pull_back(&mut field, &cotangents)?, back.pull_back(&mut field, &cotangents)?);
            let distance = distance(&back, &kept);
            assert!(distance < 1e-9, "{}, step {:?}: {distance:e}", method.name, options.step);
        }
    }
    Ok(())
}

#[test]
fn memory_does_not_grow_with_the_steps() -> Result<(), AdjointError> {
    let peak = |steps: u32| -> Result<u64, AdjointError> {
        let options = Options { max_steps: u64::MAX, ..Options::fixed(1e-3) };
        let mut found = Ok(());
        let used = measure(|| {
            let mut field = Lifted::new(Pendulum, vec![1.0]);
            found = Rewind::new(&REVERSIBLE_TSIT5, 2, &options).map_err(AdjointError::from).and_then(|mut adjoint| {
                adjoint.solve(&mut field, (0.0, f64::from(steps) * 1e-3), &[1.0, 0.0], &[])?;
                adjoint.pull_back(&mut field, &Cotangents::end(&[1.0, 0.0])).map(|_| ())
            });
        });
        found.map(|()| used.bytes_max)
    };
    let (short, long) = (peak(1_000)?, peak(100_000)?);
    assert!(long as f64 <= 1.1 * short as f64, "{short} and {long} bytes");
    Ok(())
}

/// Where volume shrinks and grows in turn the method begins anew, seldom.
#[test]
fn few_places_are_kept_where_little_is_forgotten() -> Result<(), AdjointError> {
    let mut field = Lifted::new(LotkaVolterra, vec![1.1, 0.4, 0.1, 0.4]);
    let mut adjoint = Rewind::new(&REVERSIBLE_TSIT5, 2, &Options::tolerances(1e-9, 1e-9))?;
    let steps = adjoint.solve(&mut field, (0.0, 30.0), &[10.0, 5.0], &[])?.stats.steps;
    assert!((adjoint.anchors() as u64) < steps / 3, "{} of {steps}", adjoint.anchors());
    Ok(())
}

/// A leapfrog that leads where its parasite has overgrown everything is not taken for a gradient.
#[test]
fn a_way_back_that_goes_astray_is_refused() -> Result<(), AdjointError> {
    let family = family();
    let mut field = family.at(vec![1.3, 4.0, 9.0]);
    let mut adjoint = Rewind::new(&ASYNCHRONOUS_LEAPFROG, 3, &Options::fixed(0.01))?;
    let ended = adjoint.solve(&mut field, (0.0, 20.0), &[0.8, -0.3, 0.5], &[]);
    let refused = ended.is_err()
        || matches!(
            adjoint.pull_back(&mut field, &Cotangents::end(&[1.0, 0.0, 0.0])),
            Err(AdjointError::NotReversed { .. } | AdjointError::NotFinite { .. })
        );
    assert!(refused);
    Ok(())
}
