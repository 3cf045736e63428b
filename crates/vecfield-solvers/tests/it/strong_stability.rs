//! Strong stability: what Euler's method keeps for short steps, these methods keep for steps `C` times as long.

use proptest::prelude::*;
use vecfield_solvers::tableau::{self, ALL, Tableau};
use vecfield_solvers::{Integrator, Options, field};

#[test]
fn coefficients_are_those_proved_optimal() {
    // Gottlieb, Ketcheson and Shu 2011, Table 4.1: s - 1 at order two, 1 and 2 at order three, 6 of ten stages at order four.
    let optimal =
        [("euler", 1.0), ("heun", 1.0), ("ssprk22", 1.0), ("ssprk33", 1.0), ("ssprk43", 2.0), ("ssprk104", 6.0)];
    for (name, expected) in optimal {
        let tableau = ALL.iter().find(|tableau| tableau.name == name).expect("a method of that name");
        let found = tableau.strong_stability();
        assert!((found - expected).abs() < 1e-9, "{name}: {found}, not {expected}");
    }
    for tableau in ALL.iter().filter(|tableau| tableau.order > 4) {
        assert_eq!(tableau.strong_stability(), 0.0, "{}: no explicit method of order five has one", tableau.name);
    }
}

const CELLS: usize = 24;

/// Total variation on a ring.
fn variation(u: &[f64]) -> f64 {
    (0..u.len()).map(|i| (u[i] - u[(i + 1) % u.len()]).abs()).sum()
}

/// One step of `u_t + g(u)_x = 0` by upwind differences, `courant` times the longest step that Euler's method may take.
fn stepped(tableau: &'static Tableau, flux: fn(f64) -> f64, u: &[f64], courant: f64) -> Vec<f64> {
    // Euler's method is monotone up to a step of one where 0 ≤ g' ≤ 1.
    let conservation = field(CELLS, move |_t, u: &[f64], du: &mut [f64]| {
        for i in 0..CELLS {
            du[i] = flux(u[(i + CELLS - 1) % CELLS]) - flux(u[i]);
        }
    });
    let mut out = vec![0.0; CELLS];
    let mut integrator = Integrator::explicit(tableau, CELLS, &Options::fixed(courant)).unwrap();
    integrator.sample(&conservation, 0.0, u, &[courant], &mut out).unwrap();
    out
}

/// Advection, and Burgers's equation on `0 ≤ u ≤ 1`.
const FLUXES: [fn(f64) -> f64; 2] = [|u| u, |u| 0.5 * u * u];

proptest! {
    /// Neither total variation nor the range of values grows, in steps as long as the coefficient promises.
    #[test]
    fn total_variation_does_not_grow(u in prop::collection::vec(prop::bool::ANY, CELLS)) {
        let u: Vec<f64> = u.into_iter().map(f64::from).collect();
        for tableau in [&tableau::SSPRK_22, &tableau::SSPRK_33, &tableau::SSPRK_43, &tableau::SSPRK_104] {
            for flux in FLUXES {
                let after = stepped(tableau, flux, &u, tableau.strong_stability() * (1.0 - 1e-9));
                prop_assert!(variation(&after) <= variation(&u) + 1e-12, "{}", tableau.name);
                prop_assert!(after.iter().all(|u| (-1e-13..=1.0 + 1e-13).contains(u)), "{}", tableau.name);
            }
        }
    }
}

/// The promise is not idle: half as much again, and total variation grows.
#[test]
fn longer_steps_break_the_bound() {
    let block: Vec<f64> = (0..CELLS).map(|i| f64::from(u8::from(i < CELLS / 2))).collect();
    for tableau in [&tableau::SSPRK_22, &tableau::SSPRK_33, &tableau::SSPRK_43, &tableau::SSPRK_104] {
        let after = stepped(tableau, FLUXES[0], &block, 1.5 * tableau.strong_stability());
        assert!(variation(&after) > variation(&block) + 1e-3, "{}", tableau.name);
    }
}
