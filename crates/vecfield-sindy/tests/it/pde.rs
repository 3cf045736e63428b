//! Partial differential equations from fields.

use crate::support::Noise;
use proptest::prelude::*;
use vecfield_data::{Trajectories, Trajectory};
use vecfield_sindy::SindyError;
use vecfield_sindy::pde::{Fields, Grid, PdeModel, PdeSindy};

const POINTS: usize = 48;
const STEP: f64 = 0.25;

/// Three waves that drift with speed `c` and decay by diffusion `nu`: `u_t = -c u_x + nu u_xx`, exactly; noise as a share of the size.
fn waves(c: f64, nu: f64, noise: f64, seed: u64) -> Trajectories {
    let length = POINTS as f64 * STEP;
    let mut random = Noise::new(seed);
    let times: Vec<f64> = (0..60).map(|k| 0.05 * f64::from(k)).collect();
    let value = |t: f64, x: f64| -> f64 {
        let wave = |mode: f64, size: f64, phase: f64| {
            let k = 2.0 * std::f64::consts::PI * mode / length;
            size * (-nu * k * k * t).exp() * (k * (x - c * t) + phase).sin()
        };
        0.4 + wave(1.0, 1.0, 0.3) + wave(2.0, 0.7, 1.0) + wave(3.0, 0.5, 2.0)
    };
    let cells = times.iter().flat_map(|&t| (0..POINTS).map(move |i| (t, STEP * i as f64)));
    let values = cells.map(|(t, x)| value(t, x) + noise * random.normal()).collect();
    let names = (0..POINTS).map(|i| format!("u_{i}")).collect();
    Trajectories::new(names, vec![], vec![Trajectory::new(times, values, vec![]).unwrap()]).unwrap()
}

fn found(data: &Trajectories, periodic: bool) -> PdeModel {
    let fields = Fields::from_columns(data, Grid { first: 0.0, step: STEP, periodic }).unwrap();
    PdeSindy { degree: 2, order: 4 }.fit(&fields).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    /// The terms are found whatever the constants, around a ring and on an interval, with noise of a hundredth, and are within four and a half
    /// standard errors (false alarms: 1 in 100,000 a coefficient) and the floor of the weak form.
    #[test]
    fn a_drifting_decaying_wave_is_found(c in 0.5..2.0_f64, nu in 0.1..0.4_f64, seed in 0..1000_u64, periodic: bool) {
        let model = found(&waves(c, nu, 0.01, seed), periodic);
        let terms: Vec<(&str, f64, f64)> = model.terms(0).collect();
        prop_assert_eq!(terms.iter().map(|term| term.0).collect::<Vec<_>>(), ["u_x", "u_xx"]);
        for ((_, value, error), exact) in terms.into_iter().zip([-c, nu]) {
            prop_assert!((value - exact).abs() < 4.5 * error + 1e-3 * exact.abs(), "{} ± {} {}", value, error, exact);
        }
        prop_assert!(model.r2(0) > 0.99 && model.inclusion(0).iter().all(|share| (0.0..=1.0).contains(share)));
    }
}

#[test]
fn clean_fields_give_many_digits() {
    let model = found(&waves(1.0, 0.25, 0.0, 1), true);
    assert_eq!(model.equations(Some(5)), ["-1*u_x + 0.25*u_xx"]);
    assert!(model.latex(Some(3))[0].contains("u"));
}

#[test]
fn what_is_no_field_is_refused() {
    let grid = Grid::parse("-8:0.25", true).unwrap();
    assert_eq!((grid.first, grid.step), (-8.0, 0.25));
    for text in ["", "1", "0:0", "0:-1", "a:b"] {
        assert!(matches!(Grid::parse(text, false), Err(SindyError::GridSyntax { .. })), "{text}");
    }
    let field = |names: &[&str], n: usize, hole: bool| {
        let times = (0..n).map(|k| k as f64).collect();
        let values = (0..n * names.len()).map(|i| if hole && i == 7 { f64::NAN } else { i as f64 }).collect();
        let names = names.iter().map(|name| name.to_string()).collect();
        let data = Trajectories::new(names, vec![], vec![Trajectory::new(times, values, vec![]).unwrap()]).unwrap();
        Fields::from_columns(&data, grid)
    };
    assert!(matches!(field(&["u_0", "x"], 30, false), Err(SindyError::NotAField { .. })));
    assert!(matches!(field(&["u_0", "u_2"], 30, false), Err(SindyError::NotAField { .. })));
    assert!(matches!(field(&["u_0", "u_1", "v_0"], 30, false), Err(SindyError::NotAField { .. })));
    assert!(matches!(field(&["u_0", "u_1"], 30, false), Err(SindyError::SmallField { .. })));
    let names: Vec<String> = (0..20).map(|i| format!("u_{i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert!(matches!(field(&names, 30, true), Err(SindyError::FieldCell { .. })));
    assert!(field(&names, 30, false).is_ok());
}
