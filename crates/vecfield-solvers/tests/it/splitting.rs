//! Implicit–explicit methods on fields in two parts.

use vecfield_autodiff::{ByDifferences, Lifted};
use vecfield_solvers::dirk::tableau::PAIRS;
use vecfield_solvers::{Dynamics, Method, Options, Save, Split, field, solve};
use vecfield_traits::Elementary;

/// A rotation whose speed varies, the two components in different parts; `y(t)` is `(cos φ, sin φ)`, `φ = t + sin(t)/2`.
struct Half(usize);
impl Dynamics for Half {
    fn dim(&self) -> usize {
        2
    }
    fn eval<S: Elementary>(&self, t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        let speed = S::one() + S::constant(0.5) * t.cos();
        dy.fill(S::zero());
        dy[self.0] = if self.0 == 0 { -speed * y[1] } else { speed * y[0] };
    }
}

fn halves() -> Split<Lifted<Half>, Lifted<Half>> {
    Split { explicit: Lifted::new(Half(0), vec![]), implicit: Lifted::new(Half(1), vec![]) }
}

#[test]
fn pairs_converge_at_their_order_on_split_fields() {
    let split = halves();
    let times: Vec<f64> = (0..=40).map(|i| f64::from(i) / 20.0).collect();
    for tableau in PAIRS {
        let errors = |steps: f64| {
            let method = Method::DiagonallyImplicit(tableau);
            let options = Options::fixed(2.0 / steps);
            let solution = solve(&split, (0.0, 2.0), &[1.0, 0.0], method, &options, Save::At(&times)).unwrap();
            let error = |row: usize| {
                let (angle, y) = (times[row] + 0.5 * times[row].sin(), solution.state(row));
                (y[0] - angle.cos()).hypot(y[1] - angle.sin())
            };
            (error(40), (0..=40).map(error).fold(0.0, f64::max))
        };
        let (coarse, fine) = (errors(20.0), errors(80.0));
        let (ends, inside) = ((coarse.0 / fine.0).log2() / 2.0, (coarse.1 / fine.1).log2() / 2.0);
        assert!(ends > f64::from(tableau.order) - 0.35, "{}: order {ends:.2}", tableau.name);
        let claimed = tableau.order.min(tableau.dense_order + 1);
        assert!(inside > f64::from(claimed) - 0.4, "{}: order {inside:.2} inside", tableau.name);
    }
}

/// Advection and reaction explicit, relaxation implicit: the explicit part alone sets the steps.
#[test]
fn the_stiff_part_costs_no_steps() {
    for tableau in PAIRS {
        let steps = |rate: f64| {
            let split = Split {
                explicit: ByDifferences::new(field(2, |t: f64, y: &[f64], dy: &mut [f64]| {
                    (dy[0], dy[1]) = (-t.sin(), y[0] - y[1]);
                })),
                implicit: ByDifferences::new(field(2, move |t: f64, y: &[f64], dy: &mut [f64]| {
                    (dy[0], dy[1]) = (-rate * (y[0] - t.cos()), 0.0);
                })),
            };
            let options = Options::tolerances(1e-5, 1e-7);
            let method = Method::DiagonallyImplicit(tableau);
            let solution = solve(&split, (0.0, 10.0), &[1.0, 0.5], method, &options, Save::End).unwrap();
            // y₁' = cos t - y₁ from 1/2 is (cos t + sin t)/2.
            let exact = [10.0_f64.cos(), 0.5 * (10.0_f64.cos() + 10.0_f64.sin())];
            let error = (solution.last()[0] - exact[0]).abs().max((solution.last()[1] - exact[1]).abs());
            assert!(error < 1e-3, "{} at {rate:e}: {error:e}", tableau.name);
            solution.stats.steps
        };
        // An explicit method alone would take a million times the steps. The order falls where the forcing is explicit and
        // the relaxation towards it implicit, which costs some.
        assert!(steps(1e6) < 40 * steps(1.0), "{}", tableau.name);
    }
}

/// A field that is not split is wholly implicit: the pair is then its implicit half, bit for bit.
#[test]
fn without_a_split_a_pair_is_its_implicit_half() {
    let whole = ByDifferences::new(field(1, |t: f64, y: &[f64], dy: &mut [f64]| dy[0] = -50.0 * (y[0] - t.cos())));
    let run = |name: &str| {
        let method = Method::named(name).unwrap();
        solve(&whole, (0.0, 3.0), &[0.0], method, &Options::default(), Save::End).unwrap().y
    };
    for order in 3..=5 {
        assert_eq!(run(&format!("kc{order}")), run(&format!("kc{order}-imex")));
    }
}
