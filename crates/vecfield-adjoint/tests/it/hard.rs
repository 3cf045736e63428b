//! Fits that are hard to start: rates over twelve decades, an oscillator, a network of twenty rates.

use vecfield_adjoint::{Fit, FitOptions, Initial, Noise, Progress, Scale, Start, fit};
use vecfield_data::{Trajectories, Trajectory};
use vecfield_solvers::{Options, Tolerance};
use vecfield_traits::{Dynamics, Elementary};

/// Robertson's autocatalysis (1966), with rates from 0.04 to 3·10⁷.
pub(crate) struct Robertson;

impl Dynamics for Robertson {
    fn dim(&self) -> usize {
        3
    }

    fn parameter_count(&self) -> usize {
        3
    }

    fn eval<S: Elementary>(&self, _t: S, y: &[S], k: &[S], dy: &mut [S]) {
        let (slow, fast, back) = (k[0] * y[0], k[1] * y[1] * y[1], k[2] * y[1] * y[2]);
        dy[0] = back - slow;
        dy[1] = slow - back - fast;
        dy[2] = fast;
    }
}

/// Goodwin's oscillator (1965): a product that represses its own making, `x' = k₀/(1 + (z/k₆)¹⁰) - k₁ x`, and two steps on.
pub(crate) struct Goodwin;

impl Dynamics for Goodwin {
    fn dim(&self) -> usize {
        3
    }

    fn parameter_count(&self) -> usize {
        7
    }

    fn eval<S: Elementary>(&self, _t: S, y: &[S], k: &[S], dy: &mut [S]) {
        dy[0] = k[0] / (S::one() + (y[2] / k[6]).powi(10)) - k[1] * y[0];
        dy[1] = k[2] * y[0] - k[3] * y[1];
        dy[2] = k[4] * y[1] - k[5] * y[2];
    }
}

/// Ten reversible reactions of eight species by mass action, two rates each.
pub(crate) struct Network;

/// Reactants and products; nothing where there is but one.
const REACTIONS: [([usize; 2], [usize; 2]); 10] = [
    ([0, 1], [2, NONE]),
    ([2, NONE], [3, NONE]),
    ([3, 1], [4, NONE]),
    ([4, NONE], [5, 0]),
    ([5, NONE], [6, NONE]),
    ([6, 0], [7, NONE]),
    ([7, NONE], [2, 5]),
    ([3, NONE], [6, NONE]),
    ([5, 1], [7, NONE]),
    ([4, NONE], [6, 1]),
];

const NONE: usize = usize::MAX;

impl Dynamics for Network {
    fn dim(&self) -> usize {
        8
    }

    fn parameter_count(&self) -> usize {
        20
    }

    fn eval<S: Elementary>(&self, _t: S, y: &[S], k: &[S], dy: &mut [S]) {
        dy.fill(S::zero());
        for (r, (from, to)) in REACTIONS.iter().enumerate() {
            let mass = |side: &[usize; 2]| side.iter().filter(|&&i| i != NONE).fold(S::one(), |m, &i| m * y[i]);
            let rate = k[2 * r] * mass(from) - k[2 * r + 1] * mass(to);
            from.iter().filter(|&&i| i != NONE).for_each(|&i| dy[i] -= rate);
            to.iter().filter(|&&i| i != NONE).for_each(|&i| dy[i] += rate);
        }
    }
}

/// A problem with data made from it.
pub(crate) struct Case<F> {
    pub(crate) family: F,
    pub(crate) truth: Vec<f64>,
    pub(crate) data: Trajectories,
    pub(crate) initial: Vec<Initial>,
    pub(crate) rtol: f64,
    /// How far off the constants start.
    pub(crate) factor: f64,
}

impl Case<Robertson> {
    pub(crate) fn robertson() -> Self {
        let times: Vec<f64> =
            std::iter::once(0.0).chain((0..50).map(|k| 10.0_f64.powf(-5.0 + 10.0 * f64::from(k) / 49.0))).collect();
        let truth = vec![0.04, 3e7, 1e4];
        let data = solved(&Robertson, &truth, &[&[1.0, 0.0, 0.0]], &times, 1e-14, 0.0);
        Case { family: Robertson, truth, data, initial: vec![Initial::Held; 3], rtol: 1e-10, factor: 10.0 }
    }
}

impl Case<Goodwin> {
    pub(crate) fn goodwin() -> Self {
        let times: Vec<f64> = (0..80).map(f64::from).collect();
        let truth = vec![1.0, 0.1, 0.15, 0.12, 0.1, 0.1, 2.0];
        let data = solved(&Goodwin, &truth, &[&[0.5, 0.8, 1.0]], &times, 1e-10, 0.02);
        Case { family: Goodwin, truth, data, initial: vec![], rtol: 1e-7, factor: 3.0 }
    }
}

impl Case<Network> {
    pub(crate) fn network() -> Self {
        let times: Vec<f64> = (0..40).map(|k| 0.01 * (0.2 * f64::from(k)).exp()).collect();
        let truth: Vec<f64> = (0..20).map(|k| 10.0_f64.powf(0.8 * scatter(k + 3))).collect();
        let starts: [&[f64]; 4] = [
            &[2.0, 1.0, 0.1, 0.0, 0.0, 0.1, 0.0, 0.0],
            &[0.5, 2.0, 0.0, 0.0, 0.0, 1.0, 0.3, 0.0],
            &[0.0, 0.2, 0.0, 0.0, 1.5, 0.0, 0.0, 1.0],
            &[1.0, 0.0, 0.0, 2.0, 0.0, 0.0, 1.0, 0.5],
        ];
        let data = solved(&Network, &truth, &starts, &times, 1e-10, 0.01);
        Case { family: Network, truth, data, initial: vec![], rtol: 1e-7, factor: 3.0 }
    }
}

/// A repeatable sequence that looks random, in `(-1, 1)`.
fn scatter(k: usize) -> f64 {
    let golden = 0.618_033_988_749_895;
    2.0 * ((k as f64 + 1.0) * golden * (1.0 + golden * k as f64)).fract() - 1.0
}

/// Runs from each of the starts, with errors of the share `noise` of each variable's largest value.
fn solved<F: vecfield_adjoint::Differentiable>(
    family: &F,
    theta: &[f64],
    starts: &[&[f64]],
    times: &[f64],
    rtol: f64,
    noise: f64,
) -> Trajectories {
    let n = starts[0].len();
    let options = Options::tolerances(rtol, 1e-4 * rtol);
    let run = |(r, start): (usize, &&[f64])| {
        let span = (times[0], times[times.len() - 1]);
        let save = vecfield_solvers::Save::At(times);
        let solution =
            vecfield_solvers::solve(&family.member(theta), span, start, vecfield_solvers::Method::Auto, &options, save);
        let mut y = solution.unwrap().y;
        let most: Vec<f64> =
            (0..n).map(|i| y.iter().skip(i).step_by(n).fold(0.0, |m: f64, v| m.max(v.abs()))).collect();
        for (k, v) in y.iter_mut().enumerate() {
            // Three uniform ones are near enough to normal: variance one.
            let draw: f64 = (0..3).map(|i| scatter(3 * (k + 1000 * r) + i + 17)).sum();
            *v += noise * most[k % n] * draw;
        }
        Trajectory::new(times.to_vec(), y, vec![]).unwrap()
    };
    let runs = starts.iter().enumerate().map(run).collect();
    Trajectories::new((0..n).map(|i| format!("y{i}")).collect(), vec![], runs).unwrap()
}

/// How the windows of a fit grow.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Shots {
    Multiple,
    Single,
}

impl<F: vecfield_adjoint::Differentiable> Case<F> {
    pub(crate) fn options(&self, shots: Shots) -> FitOptions {
        let p = self.truth.len();
        let scale: Vec<f64> = (0..self.data.dim()).map(|v| self.data.std(v)).collect();
        let longest = self.data.runs().iter().map(Trajectory::len).max().unwrap();
        let atol = Tolerance::Each(scale.iter().map(|s| 0.1 * self.rtol * s).collect());
        FitOptions {
            scales: vec![Scale::Log; p],
            initial: self.initial.clone(),
            windows: match shots {
                Shots::Multiple => vec![longest.div_ceil(8).max(3), longest.div_ceil(3), usize::MAX],
                Shots::Single => vec![usize::MAX],
            },
            match_first: shots == Shots::Multiple,
            solver: Options { rtol: self.rtol, atol, max_steps: 20_000, ..Options::default() },
            ..FitOptions::new(self.data.dim(), p, Noise::Additive, scale)
        }
    }

    /// Start `k`: the sign with which each constant is off is as random as `scatter`.
    pub(crate) fn start(&self, k: usize) -> Vec<f64> {
        // Bits of a number that has no pattern: every combination comes up among the starts of few constants.
        let mix = |k: usize, i: usize| ((k as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (11 + 2 * i)) & 1;
        let off = |(i, v): (usize, &f64)| if mix(k, i) == 1 { v * self.factor } else { v / self.factor };
        self.truth.iter().enumerate().map(off).collect()
    }

    pub(crate) fn fit(&self, theta: Vec<f64>, shots: Shots) -> Option<Fit> {
        self.fit_with(theta, &self.options(shots))
    }

    pub(crate) fn fit_with(&self, theta: Vec<f64>, options: &FitOptions) -> Option<Fit> {
        let state = |run: usize, row: usize, out: &mut [f64]| out.copy_from_slice(self.data.runs()[run].row(row));
        let go_on = &mut |_: &Progress<'_>| core::ops::ControlFlow::Continue(());
        fit(&self.family, &self.data, &Start { theta, state: &state }, options, go_on).ok()
    }

    /// The largest relative error of a constant.
    pub(crate) fn error(&self, fit: &Fit) -> f64 {
        fit.theta.iter().zip(&self.truth).map(|(a, b)| (a / b - 1.0).abs()).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::{Case, Shots};

    /// Rates over nine decades, a factor of ten off in every combination of signs, come back to five digits (noiseless data on
    /// twelve decades of time).
    #[test]
    fn stiff_rates_come_back_from_ten_times_off() {
        let case = Case::robertson();
        for k in 0..3 {
            let found = case.fit(case.start(k), Shots::Multiple).unwrap();
            assert!(found.converged && case.error(&found) < 1e-5, "start {k}: {:?}", found.theta);
        }
    }

    /// An oscillator three times off ends in the minimum that the truth leads to.
    #[test]
    fn an_oscillator_is_found_from_three_times_off() {
        let case = Case::goodwin();
        let best = case.fit(case.truth.clone(), Shots::Single).unwrap().deviance();
        for k in 2..4 {
            let found = case.fit(case.start(k), Shots::Multiple).unwrap();
            assert!(found.deviance() < best + 0.1, "start {k}: {} where {best} is to be had", found.deviance());
        }
    }

    /// Twenty rates, each three times too large or too small, end in the minimum that the truth leads to.
    #[test]
    fn a_network_is_found_from_three_times_off() {
        let case = Case::network();
        let options = vecfield_adjoint::FitOptions {
            optimizer: vecfield_optim::Options { cost_tolerance: 1e-3, ..Default::default() },
            estimate_sigma: false,
            ..case.options(Shots::Single)
        };
        let best = case.fit_with(case.truth.clone(), &options).unwrap();
        let found = case.fit_with(case.start(0), &options).unwrap();
        assert!(found.cost < 1.01 * best.cost, "{} where {} is to be had", found.cost, best.cost);
    }
}
