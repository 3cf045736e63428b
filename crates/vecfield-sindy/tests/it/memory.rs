//! Memory of fits over many rows, and their bits on several threads.

use crate::support::Noise;
use vecfield_data::{Trajectories, Trajectory};
use vecfield_laws::{measure, threads_do_not_matter};
use vecfield_sindy::{Family, Form, Model, Selection, Sindy};

/// Swings `x' = v`, `v' = -x - v/5` with noise, a third of the cells of `x` missing where `gaps`.
fn swings(rows: usize, gaps: bool) -> Trajectories {
    let mut noise = Noise::new(9);
    let omega = 0.99_f64.sqrt();
    let times: Vec<f64> = (0..rows).map(|k| 0.05 * k as f64).collect();
    let values = times.iter().enumerate().flat_map(|(k, &t)| {
        let (decay, phase) = ((-0.1 * (t % 40.0)).exp(), omega * (t % 40.0));
        let x = decay * (phase.cos() + 0.1 / omega * phase.sin()) + 1e-3 * noise.normal();
        let v = -decay / omega * phase.sin() + 1e-3 * noise.normal();
        [if gaps && k % 3 == 1 { f64::NAN } else { x }, v]
    });
    let run = Trajectory::new(times.clone(), values.collect(), vec![]).unwrap();
    Trajectories::new(vec!["x".into(), "v".into()], vec![], vec![run]).unwrap()
}

fn sindy(form: Form, ensemble: usize) -> Sindy {
    let selection = Selection::Stlsq { threshold: 0.05, ridge: 0.0 };
    Sindy { form, selection, ensemble, ..Sindy::new(vec![Family::Polynomial(4)]) }
}

fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

/// 15 features of 40,000 rows are 4.8 MB; a fit holds a small part of it, and twice the rows take no more.
#[test]
fn the_feature_matrix_is_never_there() {
    let peak = |rows: usize, form: Form, ensemble: usize| {
        let data = swings(rows, false);
        let sindy = sindy(form, ensemble);
        on_threads(1, || measure(|| assert!(sindy.fit(&data).is_ok())).bytes_max)
    };
    for (form, ensemble) in [(Form::FiniteDifference(2), 0), (Form::FiniteDifference(4), 5), (Form::NextValue, 0)] {
        let (some, twice) = (peak(40_000, form, ensemble), peak(80_000, form, ensemble));
        // The simulation that the score needs holds its states, 100,000 rows at most: two numbers a row.
        let states = 2 * 8 * 40_000;
        assert!(some < 2_000_000 + states, "{form:?}: {some}");
        assert!(twice < some + some / 4 + 2 * states, "{form:?}: {some} {twice}");
    }
}

fn bits(model: &Model) -> Vec<u64> {
    let of =
        |i: usize| model.coefficients(i).iter().chain(model.stderr(i)).chain(model.inclusion(i)).map(|v| v.to_bits());
    (0..model.variables().len()).flat_map(of).chain(model.noise().iter().map(|v| v.to_bits())).collect()
}

/// Every form on one, two and three threads; with an ensemble; and refined through the solver.
#[test]
fn threads_change_no_bit() {
    let gappy = swings(3000, true);
    let whole = swings(20_000, false);
    let auto = Sindy::new(vec![Family::Polynomial(2)]);
    let rational = Sindy { rational: true, ..auto.clone() };
    let short = swings(300, true);
    let cases: [(&Sindy, &Trajectories); 6] = [
        (&sindy(Form::FiniteDifference(4), 0), &whole),
        (&sindy(Form::FiniteDifference(2), 20), &whole),
        (&sindy(Form::Integral, 20), &gappy),
        (&sindy(Form::SmoothedDerivative, 0), &gappy),
        (&auto, &short),
        (&rational, &short),
    ];
    for (at, (sindy, data)) in cases.into_iter().enumerate() {
        let of = |threads| bits(&on_threads(threads, || sindy.fit(data)).unwrap());
        threads_do_not_matter(&[1, 2, 3], of).unwrap_or_else(|broken| panic!("case {at}: {broken}"));
    }
}
