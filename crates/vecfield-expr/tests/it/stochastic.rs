//! What formulas say of their noise, and that their pullback is the transpose of their slope.

use proptest::prelude::*;
use vecfield_expr::{Graph, Scope, StochasticFormulas};
use vecfield_traits::{Calculus, Dependence, DriftDiffusion, DriftDiffusionVjp, Layout, Noise};

fn equation(drift: [&str; 2], diffusion: [&[&str]; 2]) -> StochasticFormulas {
    let mut graph = Graph::new();
    let scope = Scope::new(["x", "y", "a", "b", "t"]).unwrap();
    let drift = drift.map(|f| graph.parse(f, &scope).unwrap());
    let diffusion = diffusion.map(|row| row.iter().map(|g| graph.parse(g, &scope).unwrap()).collect::<Vec<_>>());
    StochasticFormulas::new(&mut graph, &drift, &diffusion, &["x", "y"], &["a", "b"], Calculus::Ito).unwrap()
}

#[test]
fn noise_is_read_off_the_formulas() {
    let noise = |diffusion| equation(["x", "y"], diffusion).noise();
    assert_eq!(noise([&["a*t", "1"], &["0", "b"]]), Noise::additive(2));
    assert_eq!(noise([&["x*y"], &["sin(x)"]]), Noise::scalar());
    assert_eq!(noise([&["x^2", "0"], &["0", "sqrt(y)"]]), Noise::diagonal(2));
    let own = noise([&["a", "0"], &["0", "b"]]);
    assert_eq!((own.layout, own.dependence), (Layout::Diagonal, Dependence::Additive));
    // Of each other's strength: no method for diagonal noise may have it.
    assert_eq!(noise([&["y", "0"], &["0", "x"]]), Noise::general(2));
    let rotations = noise([&["a*x", "b*y"], &["a*y", "-b*x"]]);
    assert_eq!((rotations.layout, rotations.dependence), (Layout::Dense, Dependence::Commutative));
    assert_eq!(noise([&["0.3*x", "0.4*y"], &["-0.2*y", "0.1*x"]]), Noise::general(2));
}

proptest! {
    #[test]
    fn pullback_and_slopes_are_the_derivatives(
        y in prop::array::uniform8(-1.5..1.5_f64), theta in prop::array::uniform2(0.2..1.5_f64), t in 0.0..2.0_f64,
        f_bar in prop::array::uniform8(-1.0..1.0_f64), g_bar in prop::array::uniform16(-1.0..1.0_f64),
    ) {
        // Four paths.
        let formulas = equation(["a*x*y - b*sin(x)", "exp(-x) + t*y"], [&["a*x", "y^2 + b"], &["cos(x*y)", "a*b"]]);
        let score = |y: &[f64], theta: [f64; 2]| {
            let field = formulas.at(theta.to_vec());
            let (mut f, mut g, mut work) = (vec![0.0; 8], vec![0.0; 16], field.workspace(4));
            field.both(t, y, &mut f, &mut g, &mut work);
            let (mut alone, mut part) = (vec![0.0; 8], vec![0.0; 4]);
            field.drift(t, y, &mut alone, &mut work);
            assert_eq!(f, alone);
            // The last path alone.
            field.diffusion(t, &[y[3], y[7]], &mut part, &mut work);
            assert_eq!(part, [g[3], g[7], g[11], g[15]]);
            let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            product(&f, &f_bar) + product(&g, &g_bar)
        };
        let field = formulas.at(theta.to_vec());
        let (mut y_bar, mut theta_bar, mut work) = (vec![0.0; 8], vec![0.0; 2], field.workspace(4));
        field.pull_back(t, &y, &f_bar, &g_bar, &mut y_bar, &mut theta_bar, &mut work);
        let close = |bar: f64, above: f64, below: f64| (bar - (above - below) / 2e-6).abs() < 1e-6 * (1.0 + bar.abs());
        for i in 0..8 {
            let moved = |by: f64| { let mut y = y; y[i] += by; score(&y, theta) };
            prop_assert!(close(y_bar[i], moved(1e-6), moved(-1e-6)), "state {i}");
        }
        for i in 0..2 {
            let moved = |by: f64| { let mut theta = theta; theta[i] += by; score(&y, theta) };
            prop_assert!(close(theta_bar[i], moved(1e-6), moved(-1e-6)), "parameter {i}");
        }
        // Columns moved along each other: g_j by finite differences of g_k.
        let (mut slopes, mut g) = (vec![0.0; 8], vec![0.0; 4]);
        let state = [y[0], y[4]];
        prop_assert!(field.self_slopes(t, &state, &mut slopes, &mut work));
        field.diffusion(t, &state, &mut g, &mut work);
        for j in 0..2 {
            let mut moved = |by: f64| {
                let mut out = vec![0.0; 4];
                field.diffusion(t, &[state[0] + by * g[j], state[1] + by * g[2 + j]], &mut out, &mut work);
                out
            };
            let (above, below) = (moved(1e-6), moved(-1e-6));
            for i in 0..2 {
                for k in 0..2 {
                    let place = i * 2 + k;
                    prop_assert!(close(slopes[place * 2 + j], above[place], below[place]), "{i} {k} {j}");
                }
            }
        }
    }
}
