//! A path is itself in any company; steps that change meet the same path without bias; reversible steps are undone.

use std::ops::Range;

use proptest::prelude::*;
use vecfield_solvers::sde::{
    ALL, AnySdeStepper, Areas, Brownian, Increment, SdeError, SdeMethod, SdeSolution, SdeStepper, Simulation, Steps,
};
use vecfield_traits::{Calculus, DriftDiffusion, Noise, drift_diffusion};

use super::problems::{Equation, Kind};

const SPAN: (f64, f64) = (0.0, 1.0);
const KINDS: [Kind; 5] = [Kind::Additive, Kind::Scalar, Kind::Diagonal, Kind::Commutative, Kind::General];

/// On several threads where there are any.
fn all(
    simulation: &Simulation<'_, Equation>,
    y0: &[f64],
    paths: Range<u64>,
    times: &[f64],
) -> Result<SdeSolution, SdeError> {
    #[cfg(feature = "parallel")]
    return simulation.solve_parallel(y0, paths, times, &|_| true);
    #[cfg(not(feature = "parallel"))]
    simulation.solve(y0, paths, times)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]
    /// Any sub-range of paths, in groups or alone, on one thread or several, has the bits of the whole.
    #[test]
    fn company_does_not_matter(seed in any::<u64>(), first in 0_u64..600, count in 1_u64..40, calculus in any::<bool>()) {
        let calculus = if calculus { Calculus::Ito } else { Calculus::Stratonovich };
        let motion = Brownian::new(seed, SPAN).unwrap().with_areas(Areas::SpaceTime);
        for kind in KINDS {
            let equation = Equation { calculus, kind };
            for method in ALL.iter().filter(|method| method.check(&equation).is_ok()) {
                for steps in [Steps::Fixed(0.13), Steps::Adaptive { rtol: 0.05, atol: 0.05 }] {
                    let Ok(simulation) = Simulation::new(&equation, *method, motion, SPAN, steps) else { continue };
                    let times = [0.0, 0.3, 1.0];
                    let part = simulation.solve(&equation.start(), first..first + count, &times).unwrap();
                    let alone = simulation.solve(&equation.start(), first + count / 2..first + count / 2 + 1, &times);
                    let more = all(&simulation, &equation.start(), first..first + count + 300, &times);
                    let (alone, more) = (alone.unwrap(), more.unwrap());
                    for time in 0..3 {
                        for i in 0..part.dim {
                            let at = |solution: &SdeSolution, path: u64| {
                                solution.at(time)[i * solution.paths + path as usize]
                            };
                            prop_assert_eq!(at(&part, count / 2), at(&alone, 0), "{}", method.name());
                            prop_assert_eq!(at(&part, count - 1), at(&more, count - 1), "{}", method.name());
                        }
                    }
                }
            }
        }
    }

    /// Forth and back is the identity, to rounding, for every kind of noise.
    #[test]
    fn reversible_steps_are_undone(seed in any::<u64>(), h in 0.01..0.3_f64) {
        for kind in KINDS {
            let equation = Equation { calculus: Calculus::Stratonovich, kind };
            let AnySdeStepper::ReversibleHeun(mut stepper) = AnySdeStepper::new(SdeMethod::ReversibleHeun, &equation, 3) else {
                unreachable!("the stepper of its method")
            };
            let columns = DriftDiffusion::noise(&equation).columns;
            let mut walker = Brownian::new(seed, SPAN).unwrap().walker(columns, 0, 3);
            let start: Vec<f64> = equation.start().iter().flat_map(|&y| [y, 0.5 * y, 0.1]).collect();
            let mut y = start.clone();
            stepper.start(&equation, 0.0, &y, &mut ());
            let times = [0.0, h, 2.0 * h, 3.0 * h];
            for back in [false, true] {
                let order: Vec<usize> = if back { vec![2, 1, 0] } else { vec![0, 1, 2] };
                for k in order {
                    walker.query(times[k], times[k + 1]).unwrap();
                    let over = Increment { t: times[k], h, w: walker.w(), area: &[], first_path: 0, seed };
                    match back {
                        false => stepper.step(&equation, &over, &mut y, &mut ()),
                        true => stepper.step_back(&equation, &over, &mut y, &mut ()),
                    }
                }
            }
            for (a, b) in y.iter().zip(&start) {
                prop_assert!((a - b).abs() < 1e-12, "{kind:?}: {a} against {b}");
            }
        }
    }
}

/// Where the noise is strong only near `x = 0`, steps are rejected for what the path did. Passing over such times would choose
/// the paths: the mean of a martingale would move.
#[test]
fn rejected_steps_do_not_bias() {
    let drift = |_t, _x: &[f64], f: &mut [f64]| f.fill(0.0);
    let diffusion =
        |_t, x: &[f64], g: &mut [f64]| g.iter_mut().zip(x).for_each(|(g, x)| *g = 1.5 * x / (1.0 + x * x).sqrt());
    let martingale = drift_diffusion(1, Noise::scalar(), Calculus::Ito, drift, diffusion);
    let method = SdeMethod::named("milstein-free").unwrap();
    let motion = Brownian::new(4, SPAN).unwrap();
    let steps = Steps::Adaptive { rtol: 0.02, atol: 0.02 };
    let solution =
        Simulation::new(&martingale, method, motion, SPAN, steps).unwrap().solve(&[1.0], 0..4000, &[1.0]).unwrap();
    assert!(solution.rejected > solution.paths as u64 / 4, "{} rejected", solution.rejected);
    let n = solution.paths as f64;
    let mean = solution.y.iter().sum::<f64>() / n;
    let variance = solution.y.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let error = (mean - 1.0) / (variance / n).sqrt();
    assert!(error.abs() < 4.0, "the mean is {mean}, off by {error:.1} standard errors");
}

/// Adaptive and fixed steps go to the same solution on the same path.
#[test]
fn tolerances_hold_the_path() {
    let equation = Equation { calculus: Calculus::Stratonovich, kind: Kind::Scalar };
    let method = SdeMethod::named("slowrk").unwrap();
    let motion = Brownian::new(8, SPAN).unwrap().with_areas(Areas::SpaceTime);
    let solve =
        |steps| Simulation::new(&equation, method, motion, SPAN, steps).unwrap().solve(&[0.2], 0..50, &[1.0]).unwrap();
    let fine = solve(Steps::Fixed(1.0 / 4096.0));
    for tolerance in [1e-2, 1e-3, 1e-4] {
        let solution = solve(Steps::Adaptive { rtol: tolerance, atol: tolerance });
        let error = solution.y.iter().zip(&fine.y).map(|(a, b)| (a - b).abs() / (1.0 + b.abs())).fold(0.0, f64::max);
        assert!(error < 10.0 * tolerance, "tolerance {tolerance}: {error:e}");
    }
}

#[test]
fn steps_do_not_allocate() {
    for kind in KINDS {
        let equation = Closed(Equation { calculus: Calculus::Ito, kind });
        for method in ALL.iter().filter(|method| method.check(&equation).is_ok()) {
            let motion = Brownian::new(1, SPAN).unwrap().with_areas(Areas::SpaceTime);
            let count = |steps: f64| {
                let simulation = Simulation::new(&equation, *method, motion, SPAN, Steps::Fixed(1.0 / steps)).unwrap();
                vecfield_laws::measure(|| drop(simulation.solve(&equation.0.start(), 0..20, &[1.0]))).count_total
            };
            assert_eq!(count(4.0), count(64.0), "{} {kind:?}", method.name());
        }
    }
}

/// The same equations with every coefficient a constant: evaluating the others allocates.
struct Closed(Equation);

impl DriftDiffusion<f64> for Closed {
    type Workspace = ();

    fn workspace(&self, _paths: usize) {}

    fn dim(&self) -> usize {
        self.0.dim()
    }

    fn noise(&self) -> Noise {
        self.0.noise()
    }

    fn calculus(&self) -> Calculus {
        self.0.calculus()
    }

    fn drift(&self, _t: f64, _y: &[f64], f: &mut [f64], _work: &mut ()) {
        f.fill(0.1);
    }

    fn diffusion(&self, _t: f64, _y: &[f64], g: &mut [f64], _work: &mut ()) {
        g.fill(0.2);
    }

    fn self_slopes(&self, _t: f64, _y: &[f64], slopes: &mut [f64], _work: &mut ()) -> bool {
        slopes.fill(0.0);
        true
    }

    fn drift_jacobian(&self, _t: f64, _y: &[f64], jacobian: &mut [f64], _work: &mut ()) -> bool {
        jacobian.fill(0.0);
        true
    }
}
