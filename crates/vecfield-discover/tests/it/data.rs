//! Data made from equations in closed form or through the solver, and what is asked of laws found in them.

use vecfield_data::{Trajectories, Trajectory};
use vecfield_discover::Discovery;
use vecfield_solvers::{Options, Save, field, solve_explicit, tableau::DOP853};

/// A repeatable sequence of nearly normal numbers: the sum of twelve uniforms, less six.
pub(crate) struct Scatter(u64);

impl Scatter {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03)
    }

    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// One run with these names and values, row by row.
pub(crate) fn table(names: &[&str], times: Vec<f64>, values: Vec<f64>) -> Trajectories {
    let run = Trajectory::new(times, values, vec![]).unwrap();
    Trajectories::new(names.iter().map(|n| (*n).to_string()).collect(), vec![], vec![run]).unwrap()
}

/// `y' = rate y (1 - y/capacity)` from a twentieth of the capacity, at irregular times, noise of so many percent of the
/// capacity.
pub(crate) fn logistic(rate: f64, capacity: f64, rows: usize, percent: f64, seed: u64) -> Trajectories {
    let mut scatter = Scatter::new(seed);
    let times: Vec<f64> = (0..rows).map(|k| (8.0 * k as f64 + (k as f64 * 1.7).sin()) / (rows as f64 * rate)).collect();
    let values = times
        .iter()
        .map(|t| capacity / (1.0 + 19.0 * (-rate * t).exp()) + 0.01 * percent * capacity * scatter.normal())
        .collect();
    table(&["y"], times, values)
}

/// Predator and prey over two cycles or more, every seventh cell missing, noise of so many percent of each variable's mean.
pub(crate) fn predator_prey(percent: f64, rows: usize, seed: u64) -> Trajectories {
    let law = field(2, |_t, y: &[f64], dy: &mut [f64]| {
        dy[0] = 0.6 * y[0] - 0.5 * y[0] * y[1];
        dy[1] = 0.45 * y[0] * y[1] - 0.7 * y[1];
    });
    let times: Vec<f64> = (0..rows).map(|k| 0.6 * k as f64).collect();
    let span = (times[0], times[times.len() - 1]);
    let options = Options::tolerances(1e-10, 1e-12);
    let exact = solve_explicit(&law, span, &[1.0, 0.6], &DOP853, &options, Save::At(&times)).unwrap();
    let mut scatter = Scatter::new(seed);
    let noisy = |(i, v): (usize, &f64)| {
        let noise = 0.01 * percent * 1.4 * scatter.normal();
        if i % 7 == 5 { f64::NAN } else { v + noise }
    };
    table(&["prey", "predator"], times, exact.y.iter().enumerate().map(noisy).collect())
}

/// Predator and prey from three starts, noise of so many percent of each variable's mean.
pub(crate) fn predators_and_prey(percent: f64, rows: usize, seed: u64) -> Trajectories {
    let law = field(2, |_t, y: &[f64], dy: &mut [f64]| {
        dy[0] = 0.6 * y[0] - 0.5 * y[0] * y[1];
        dy[1] = 0.45 * y[0] * y[1] - 0.7 * y[1];
    });
    let times: Vec<f64> = (0..rows).map(|k| 0.4 * k as f64).collect();
    let mut scatter = Scatter::new(seed);
    let run = |start: &[f64; 2]| {
        let (span, options) = ((0.0, times[rows - 1]), Options::tolerances(1e-10, 1e-12));
        let exact = solve_explicit(&law, span, start, &DOP853, &options, Save::At(&times)).unwrap();
        let values = exact.y.iter().map(|v| v + 0.01 * percent * 1.4 * scatter.normal()).collect();
        Trajectory::new(times.clone(), values, vec![]).unwrap()
    };
    let runs = [[1.0, 0.6], [2.0, 1.0], [1.2, 2.0]].iter().map(run).collect();
    Trajectories::new(vec!["prey".into(), "predator".into()], vec![], runs).unwrap()
}

/// `x' = y/(1 + y)`, `y' = -x/(1 + x)` from many starts, a few irregular times each, noise of so many percent of the range.
pub(crate) fn saturating(runs: usize, rows: usize, percent: f64, seed: u64) -> Trajectories {
    let law = field(2, |_t, y: &[f64], dy: &mut [f64]| {
        dy[0] = y[1] / (1.0 + y[1]);
        dy[1] = -y[0] / (1.0 + y[0]);
    });
    let mut scatter = Scatter::new(seed);
    let run = |_| {
        let start = [0.2 + 0.7 * scatter.uniform(), 0.2 + 0.7 * scatter.uniform()];
        let mut times: Vec<f64> = (1..rows).map(|_| 6.0 * scatter.uniform()).chain([0.0]).collect();
        times.sort_by(f64::total_cmp);
        let span = (0.0, times[times.len() - 1]);
        let exact = solve_explicit(&law, span, &start, &DOP853, &Options::tolerances(1e-10, 1e-12), Save::At(&times));
        let values = exact.unwrap().y.iter().map(|v| v + 0.01 * percent * scatter.normal()).collect();
        Trajectory::new(times, values, vec![]).unwrap()
    };
    let runs = (0..runs).map(run).collect();
    Trajectories::new(vec!["x".into(), "y".into()], vec![], runs).unwrap()
}

/// The law found is that of [`saturating`], far outside of the data too, where a polynomial that fits them is lost.
pub(crate) fn assert_saturating(found: &Discovery) {
    let (graph, formulas) = found.chosen.law.support.formulas(&found.vocabulary, &found.chosen.law.theta());
    let program = vecfield_expr::Program::compile(&graph, &formulas, &["x", "y"]).unwrap();
    let mut rates = [0.0; 2];
    for (x, y) in [(0.2_f64, 0.6_f64), (-0.3, 0.1), (1.5, 3.0), (3.0, 2.0)] {
        program.eval(&[x, y], &mut rates, &mut program.registers());
        let text: Vec<String> = formulas.iter().map(|&f| graph.to_text(f)).collect();
        assert!((rates[0] - y / (1.0 + y)).abs() < 0.1 && (rates[1] + x / (1.0 + x)).abs() < 0.1, "{text:?}");
    }
}
