//! Sparse regression on 50,000 rows of Lorenz's system, and the simulation of what it finds.

use serde_json::json;
use vecfield_data::{Trajectories, Trajectory};
use vecfield_sindy::{Family, Form, Library, Selection, Sindy, regression, sparse};
use vecfield_solvers::{Options, Save, solve_explicit, tableau::DOP853};
use vecfield_traits::field;

use super::measure::{Bench, Line, failed};
use crate::failure::Failure;

const ROWS: usize = 50_000;
const STEP: f64 = 1e-3;
/// Differences of this order stand in for the exact derivatives that the scripts hand over.
const ORDER: usize = 4;

fn names() -> Vec<String> {
    ["x0", "x1", "x2"].map(String::from).to_vec()
}

/// From (-8, 8, 27) at steps of 1e-3.
fn data() -> Result<Trajectories, Failure> {
    let lorenz = field(3, |_t, y: &[f64], dy: &mut [f64]| {
        (dy[0], dy[1], dy[2]) = (10.0 * (y[1] - y[0]), y[0] * (28.0 - y[2]) - y[1], y[0] * y[1] - 8.0 / 3.0 * y[2]);
    });
    let times: Vec<f64> = (0..ROWS).map(|k| STEP * k as f64).collect();
    let (span, options) = ((0.0, times[ROWS - 1]), Options::tolerances(1e-10, 1e-10));
    let run = solve_explicit(&lorenz, span, &[-8.0, 8.0, 27.0], &DOP853, &options, Save::At(&times)).map_err(failed)?;
    let run = Trajectory::new(times, run.y, vec![]).map_err(failed)?;
    Trajectories::new(names(), vec![], vec![run]).map_err(failed)
}

/// Lorenz's coefficients over a library, equation by equation.
fn truth(library: &Library) -> Vec<f64> {
    let terms = [
        (0, "x0", -10.0),
        (0, "x1", 10.0),
        (1, "x0", 28.0),
        (1, "x1", -1.0),
        (1, "x0*x2", -1.0),
        (2, "x2", -8.0 / 3.0),
        (2, "x0*x1", 1.0),
    ];
    let mut truth = vec![0.0; 3 * library.len()];
    for (equation, term, value) in terms {
        if let Some(at) = library.position(term) {
            truth[equation * library.len() + at] = value;
        }
    }
    truth
}

/// A fit with a threshold of 0.1, as named by the case: method, and degree of the library.
pub(super) fn fit(bench: &Bench, case: &'static str) -> Result<Vec<Line>, Failure> {
    let data = data()?;
    let degree = if case.ends_with('5') { 5 } else { 2 };
    let library = Library::polynomial(&names(), degree).map_err(failed)?;
    let is_ensemble = case.contains("ensemble");
    let (timing, found) = bench.time(|| {
        if is_ensemble {
            let selection = Selection::Stlsq { threshold: 0.1, ridge: 0.05 };
            let families = vec![Family::Polynomial(degree)];
            let sindy = Sindy { form: Form::FiniteDifference(ORDER), selection, ensemble: 100, ..Sindy::new(families) };
            let model = sindy.fit(&data).map_err(failed)?;
            return Ok((0..3).flat_map(|i| model.coefficients(i).to_vec()).collect::<Vec<f64>>());
        }
        let systems = regression::finite_difference(&data, &library, ORDER).map_err(failed)?;
        let solve = |system| match case.contains("sr3") {
            // The scripts' penalty of 0.1 with relaxation 1 keeps what exceeds sqrt(2 * 0.1).
            true => sparse::sr3(system, 0.2_f64.sqrt(), sparse::Penalty::L0),
            false => sparse::stlsq(system, 0.1, 0.05),
        };
        let found = systems.iter().map(solve).collect::<Result<Vec<_>, _>>().map_err(failed)?;
        Ok(found.concat())
    })?;
    let truth = truth(&library);
    let worst = found.iter().zip(&truth).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let is_exact = found.iter().zip(&truth).all(|(a, b)| (*a == 0.0) == (*b == 0.0));
    let work = json!({"rows": ROWS, "degree": degree, "features": library.len(), "models": if is_ensemble { 100 } else { 1 },
        "derivatives": format!("differences of order {ORDER}"),
        "includes": if is_ensemble { "the scores of the model" } else { "features, differences, regression" }});
    let result = json!({"max_coef_error": worst, "support_exact": is_exact});
    Ok(vec![Line::new(case, "vecfield", timing, work, result)])
}

/// 5,000 points of the model that the first fit finds.
pub(super) fn simulate(bench: &Bench) -> Result<Vec<Line>, Failure> {
    let data = data()?;
    let selection = Selection::Stlsq { threshold: 0.1, ridge: 0.05 };
    let sindy = Sindy { form: Form::FiniteDifference(ORDER), selection, ..Sindy::new(vec![Family::Polynomial(2)]) };
    let model = sindy.fit(&data).map_err(failed)?;
    let run = &data.runs()[0];
    let times = &run.times()[..5000];
    let (timing, states) = bench.time(|| model.simulate(run.row(0), times).map_err(failed))?;
    let worst = states.iter().zip(run.values()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let work = json!({"points": 5000, "dt": STEP});
    Ok(vec![Line::new("sindy_simulate_5000", "vecfield", timing, work, json!({"max_error": worst}))])
}
