//! The norm in which errors are measured: one place for every family.

use proptest::prelude::*;
use vecfield_autodiff::Lifted;
use vecfield_solvers::ensemble::{Ensemble, Member, Rows};
use vecfield_solvers::{Dynamics, ErrorNorm, Integrator, Method, Options, Save, Solution, SolveError, field, solve};
use vecfield_traits::{Elementary, VectorField};

/// Two oscillators of different size, then components at rest.
struct Oscillators {
    resting: usize,
}

impl Dynamics for Oscillators {
    fn dim(&self) -> usize {
        4 + self.resting
    }
    fn parameter_count(&self) -> usize {
        1
    }
    fn eval<S: Elementary>(&self, t: S, y: &[S], omega: &[S], dy: &mut [S]) {
        dy[0] = y[1];
        dy[1] = -(omega[0] * omega[0]) * y[0] + t * S::constant(0.1);
        dy[2] = y[3] - y[2] * y[2] * y[2] * S::constant(1e-6);
        dy[3] = -y[2];
        dy[4..].fill(S::zero());
    }
}

fn adaptive() -> impl Iterator<Item = Method> {
    Method::all().filter(|method| !method.fixed_step())
}

fn run(method: Method, norm: ErrorNorm<f64>, omega: f64, resting: usize) -> Solution<f64> {
    let rtol = if method.order().1 < 3 { 1e-4 } else { 1e-6 };
    let options = Options { norm, ..Options::tolerances(rtol, rtol * 1e-2) };
    let mut y0 = vec![1.0, 0.0, 30.0, -20.0];
    y0.resize(4 + resting, 3.0);
    let field = Lifted::new(Oscillators { resting }, vec![omega]);
    solve(&field, (0.0, 6.0), &y0, method, &options, Save::Steps).unwrap_or_else(|e| panic!("{}: {e}", method.name()))
}

fn mean_of(ratios: &mut dyn Iterator<Item = f64>) -> f64 {
    let (sum, n) = ratios.fold((0.0, 0.0), |(sum, n), ratio| (sum + ratio * ratio, n + 1.0));
    (sum / n).sqrt()
}

fn largest_of(ratios: &mut dyn Iterator<Item = f64>) -> f64 {
    ratios.fold(0.0, |most, ratio| ratio.abs().max(most))
}

/// Neither of the two: the order of the components matters.
fn later_counts_less(ratios: &mut dyn Iterator<Item = f64>) -> f64 {
    ratios.zip(1..).fold(0.0, |most, (ratio, place)| (ratio.abs() / f64::from(place)).max(most))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Spelt out by the caller, the two norms that come with the solver take its very steps.
    #[test]
    fn a_norm_of_ones_own_is_the_same_norm(omega in 0.5..8.0_f64) {
        for method in adaptive() {
            for (own, other) in [
                (ErrorNorm::own(mean_of), ErrorNorm::RootMeanSquare),
                (ErrorNorm::own(largest_of), ErrorNorm::Maximum),
            ] {
                let (own, other) = (run(method, own, omega, 0), run(method, other, omega, 0));
                prop_assert_eq!(own.stats, other.stats, "{}", method.name());
                for (a, b) in own.last().iter().zip(other.last()) {
                    // Two estimates are joined by one formula or another, equal but for rounding.
                    prop_assert!((a - b).abs() < 1e-9 * (1.0 + b.abs()), "{}: {a} and {b}", method.name());
                }
            }
        }
    }

    /// A mean is diluted by components at rest, a maximum is not.
    #[test]
    fn components_at_rest_do_not_dilute_a_maximum(omega in 0.5..8.0_f64, resting in 1..5_usize) {
        for method in adaptive() {
            let alone = run(method, ErrorNorm::Maximum, omega, 0);
            let crowd = run(method, ErrorNorm::Maximum, omega, resting);
            prop_assert_eq!(alone.stats.steps, crowd.stats.steps, "{}", method.name());
            for (a, b) in alone.last().iter().zip(crowd.last()) {
                // Sums of other lengths are rounded otherwise in linear systems.
                prop_assert!((a - b).abs() < 1e-9 * (1.0 + a.abs()), "{}: {a} and {b}", method.name());
            }
        }
    }

    /// No lane of an ensemble steps otherwise than a solve on its own.
    #[test]
    fn lanes_measure_as_a_single_solve_does(omega in prop::collection::vec(0.5..8.0_f64, 1..20)) {
        let family = Oscillators { resting: 0 };
        let y0 = [1.0, 0.0, 30.0, -20.0];
        let members: Vec<_> = omega.chunks(1).map(|theta| Member { span: (0.0, 6.0), y0: &y0, theta }).collect();
        for norm in [ErrorNorm::Maximum, ErrorNorm::own(largest_of), ErrorNorm::own(later_counts_less)] {
            for method in ["tsit5", "dop853"].map(|name| Method::named(name).unwrap()) {
                let Method::Explicit(tableau) = method else { unreachable!() };
                let options = Options { norm: norm.clone(), ..Options::tolerances(1e-6, 1e-8) };
                let together = Ensemble::explicit(&family, tableau, &options).unwrap().solve(&members, Rows::End);
                for (index, member) in members.iter().enumerate() {
                    let mut alone = [0.0; 4];
                    let field = Lifted::new(Oscillators { resting: 0 }, member.theta.to_vec());
                    let mut integrator = Integrator::new(method, 4, &options).unwrap();
                    integrator.sample(&field, 0.0, &y0, &[6.0], &mut alone).unwrap();
                    prop_assert_eq!(together.state(index, 0), &alone[..], "{}", method.name());
                }
            }
        }
    }
}

#[test]
fn a_norm_of_ones_own_allocates_nothing() {
    let field = Lifted::new(Oscillators { resting: 3 }, vec![2.0]);
    let mut work = field.workspace();
    for method in adaptive() {
        let options = Options { norm: ErrorNorm::own(mean_of), ..Options::tolerances(1e-4, 1e-6) };
        let mut integrator = Integrator::new(method, 7, &options).unwrap();
        let mut out = [0.0; 7];
        let mut again = || {
            let y0 = [1.0, 0.0, 30.0, -20.0, 3.0, 3.0, 3.0];
            integrator.sample_with(&field, &mut work, 0.0, &y0, &[3.0], &mut out).unwrap();
        };
        again();
        assert_eq!(vecfield_laws::allocates_nothing(again), Ok(()), "{}", method.name());
    }
}

/// What a norm leaves out must still be a number.
#[test]
fn no_norm_hides_a_blow_up() {
    let blows_up = field(2, |_t, y: &[f64], dy: &mut [f64]| (dy[0], dy[1]) = (-y[0], y[1] * y[1]));
    for norm in [ErrorNorm::Maximum, ErrorNorm::own(|ratios| ratios.next().unwrap_or(0.0).abs())] {
        let options = Options { norm, ..Options::tolerances(1e-6, 1e-9) };
        let mut out = [0.0; 2];
        let mut integrator = Integrator::explicit(&vecfield_solvers::tableau::TSIT5, 2, &options).unwrap();
        let error = integrator.sample(&blows_up, 0.0, &[1.0, 1.0], &[2.0], &mut out).unwrap_err();
        let component = match error {
            SolveError::NotFinite { component, .. } | SolveError::StepTooSmall { component, .. } => component,
            other => panic!("{other}"),
        };
        assert_eq!(component, 1);
    }
}
