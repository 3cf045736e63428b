//! Laws of the network over jets: closed forms, finite differences, transposes.

use proptest::prelude::*;
use vecfield_nn::Random;
use vecfield_optim::NormalEquations;

use super::BLOCK;
use super::activation::Squash;
use super::inputs::Inputs;
use super::jets::JetPlan;
use super::network::{Layout, Tape};
use super::normal::{Normal, NormalWork};
use super::points::{inside, rims};
use super::settings::Architecture;
use super::system::DeepSystem;
use crate::{Description, Problem, Table};

/// A nonlinear equation with hard conditions, in three orders of derivative.
const BURGERS: &str = "[domain]\nx = [-1, 1]\nt = [0, 1]\nunknowns = [\"u\"]\n[equations]\n\
    m = \"u_t + u*u_x - 0.1*u_xx + 0.01*d(u, x, x, t)\"\n[[condition]]\non = \"t = 0\"\nu = \"-sin(pi*x)\"\n\
    [[condition]]\non = \"x = -1\"\nu = 0\n[[condition]]\non = \"x = 1\"\nu = 0\n";

/// A system with soft conditions, normal derivatives, an unknown constant and measurements.
const SYSTEM: &str = "[parameters]\nk = {unknown = true, initial = 0.7}\n[domain]\nx = [0, 2]\ny = [-1, 1]\n\
    periodic = [\"y\"]\nunknowns = [\"u\", \"v\"]\n[equations]\na = \"laplacian(u) + k*v^2 - sin(x)*v\"\n\
    b = \"v_xy*u - exp(0.3*u)*v_x + k*u\"\n[[condition]]\non = \"x = 0\"\nu_n = \"v*cos(y)\"\n[[condition]]\n\
    on = \"x = 2\"\nv = \"sin(pi*y)\"\n[[condition]]\non = \"x = 2\"\n\"u + v_x\" = 1\n";

fn problem(text: &str) -> Problem {
    let description: Description = toml::from_str(text).unwrap();
    let measured = Table {
        columns: ["x", "y", "u", "v"].map(String::from).to_vec(),
        rows: vec![vec![0.5, 0.1, 0.3, f64::NAN], vec![1.5, -0.4, -0.2, 0.8]],
    };
    let data = if text == SYSTEM { vec![measured] } else { vec![] };
    Problem::new(&description, &data).unwrap()
}

fn system<'p>(problem: &'p Problem, squash: Squash, random: &mut Random) -> (DeepSystem<'p>, Vec<f64>) {
    let architecture = Architecture { layers: vec![9, 8], squash, harmonics: 2 };
    let mut system = DeepSystem::new(problem, &architecture, 3.0);
    let points = inside(problem, 150, random);
    let rims = rims(problem, &system.built_in(), 10, random);
    system.set_points(&points, &rims);
    let mut x = system.layout.initial(random);
    x.iter_mut().for_each(|x| *x += 0.2 * random.normal());
    x.extend_from_slice(&problem.initial);
    (system, x)
}

/// `J` by rows and points, as `(J v)` and `(Jᵀ w)`.
fn products(system: &mut DeepSystem<'_>, x: &[f64], v: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (n, rows) = (x.len(), system.row_blocks() * BLOCK);
    let (mut residuals, mut jacobian) = (vec![0.0; rows], vec![0.0; rows * n]);
    system.jacobian(x, &mut residuals, &mut jacobian);
    let (mut forward, mut back) = (vec![0.0; rows], vec![0.0; n]);
    for (block, part) in jacobian.chunks_exact(n * BLOCK).enumerate() {
        for (i, row) in part.chunks_exact(BLOCK).enumerate() {
            for (p, slope) in row.iter().enumerate() {
                forward[block * BLOCK + p] += slope * v[i];
                back[i] += slope * residuals[block * BLOCK + p];
            }
        }
    }
    (forward, back)
}

fn residuals(system: &mut DeepSystem<'_>, x: &[f64]) -> Vec<f64> {
    let rows = system.row_blocks() * BLOCK;
    let (mut residuals, mut jacobian) = (vec![0.0; rows], vec![0.0; rows * x.len()]);
    system.jacobian(x, &mut residuals, &mut jacobian);
    residuals
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// `∇ ½ r² = Jᵀ r`, and both are what finite differences along a direction say.
    #[test]
    fn gradient_jacobian_and_differences_agree(seed in 0_u64..1000, which in 0_usize..6) {
        let problem = problem(if which % 2 == 0 { BURGERS } else { SYSTEM });
        let mut random = Random::new(seed);
        let (mut system, x) = system(&problem, Squash::ALL[which / 2], &mut random);
        let v: Vec<f64> = (0..x.len()).map(|_| random.normal()).collect();
        let mut gradient = vec![0.0; x.len()];
        let cost = system.gradient(&x, &mut gradient);
        prop_assert!((cost - system.cost(&x)).abs() <= 1e-13 * cost);
        let (forward, back) = products(&mut system, &x, &v);
        let size = gradient.iter().fold(0.0_f64, |size, g| size.max(g.abs()));
        for (a, b) in gradient.iter().zip(&back) {
            prop_assert!((a - b).abs() <= 1e-12 * size, "{a} {b}");
        }
        let h = 1e-6;
        let moved = |by: f64| x.iter().zip(&v).map(|(x, v)| x + by * v).collect::<Vec<f64>>();
        let slope = (system.cost(&moved(h)) - system.cost(&moved(-h))) / (2.0 * h);
        let along: f64 = gradient.iter().zip(&v).map(|(g, v)| g * v).sum();
        // Rounding of the cost over h, and h² of a third derivative.
        prop_assert!((slope - along).abs() <= 1e-7 * (along.abs() + cost), "{slope} {along}");
        let (up, down) = (residuals(&mut system, &moved(h)), residuals(&mut system, &moved(-h)));
        let length = forward.iter().fold(0.0_f64, |size, f| size.max(f.abs()));
        for ((up, down), along) in up.iter().zip(&down).zip(&forward) {
            prop_assert!(((up - down) / (2.0 * h) - along).abs() <= 1e-7 * (1.0 + length));
        }
    }

    /// `N = sin(a x + b t + c)` has its derivatives in closed form.
    #[test]
    fn jets_of_a_single_wave_are_its_derivatives(a in -2.0..2.0_f64, b in -2.0..2.0_f64, c in -1.0..1.0_f64, n in 0_u8..4, m in 0_u8..3) {
        let problem = problem(BURGERS);
        let inputs = Inputs::new(&problem, 1);
        let layout = Layout { sizes: vec![2, 1, 1], squash: Squash::Sin };
        // Coordinates are in alphabetical order; t runs from 0 to 1 and enters as 2t - 1.
        let theta = [0.5 * b, a, c + 0.5 * b, 1.0, 0.0];
        let plan = JetPlan::new(2, [&[m, n][..]]);
        let points: Vec<f64> = (0..2 * BLOCK).map(|p| (0.37 * p as f64).fract()).collect();
        let features = inputs.at(&plan, &points);
        let mut tape = Tape::new(&layout, plan.len(), plan.highest());
        tape.forward(&layout, &plan, &theta, &features);
        let at = plan.position(&[m, n]).unwrap();
        for p in 0..BLOCK {
            let (t, x) = (points[p], points[BLOCK + p]);
            let turn = core::f64::consts::FRAC_PI_2 * f64::from(n + m);
            let exact = a.powi(n.into()) * b.powi(m.into()) * (a * x + b * t + c + turn).sin();
            prop_assert!((tape.out[at * BLOCK + p] - exact).abs() < 1e-13 * (1.0 + 32.0 * exact.abs()), "{exact}");
        }
    }

    /// What is built in holds, whatever the parameters.
    #[test]
    fn conditions_that_are_built_in_hold(seed in 0_u64..1000) {
        let problem = problem(BURGERS);
        let mut random = Random::new(seed);
        let (system, x) = system(&problem, Squash::Tanh, &mut random);
        prop_assert_eq!(system.built_in(), [0, 1, 2]);
        let s = random.uniform();
        let points = vec![vec![0.0, s, s], vec![2.0 * s - 1.0, -1.0, 1.0]];
        let values = &system.values(&x, &points)[0];
        let start = -(core::f64::consts::PI * (2.0 * s - 1.0)).sin();
        for (value, exact) in values.iter().zip([start, 0.0, 0.0]) {
            prop_assert!((value - exact).abs() < 1e-14, "{value} {exact}");
        }
    }
}

/// The normal equations are those of the Jacobian: `(JᵀJ + D) s = -g`, over several groups of columns.
#[test]
fn normal_equations_are_solved() {
    let problem = problem(BURGERS);
    let mut random = Random::new(3);
    let architecture = Architecture { layers: vec![14, 14], ..Architecture::default() };
    let mut system = DeepSystem::new(&problem, &architecture, 1.0);
    let points = inside(&problem, 500, &mut random);
    system.set_points(&points, &[]);
    let mut x = system.layout.initial(&mut random);
    x.iter_mut().for_each(|x| *x += 0.2 * random.normal());
    let n = x.len();
    assert!(n > 256, "{n} parameters are more than two groups of columns");
    let mut work = NormalWork::default();
    let mut normal = Normal::new(&mut system, &mut work);
    let (mut g, mut diagonal, mut s) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
    normal.linearize(&x, &mut g, &mut diagonal).unwrap();
    let damping: Vec<f64> = diagonal.iter().map(|d| 1e-3 * d + 1e-6).collect();
    normal.solve(&damping, &g, &vec![true; n], &mut s).unwrap();
    let curvature = normal.curvature(&s);
    let (forward, _) = products(&mut system, &x, &s);
    let square: f64 = forward.iter().map(|f| f * f).sum();
    assert!((curvature - square).abs() < 1e-8 * square, "{curvature} {square}");
    let size = g.iter().fold(0.0_f64, |size, g| size.max(g.abs()));
    let (n_blocks, mut left) = (system.row_blocks(), vec![0.0; n]);
    let (mut r, mut jacobian) = (vec![0.0; n_blocks * BLOCK], vec![0.0; n_blocks * BLOCK * n]);
    system.jacobian(&x, &mut r, &mut jacobian);
    for (part, f) in jacobian.chunks_exact(n * BLOCK).zip(forward.chunks_exact(BLOCK)) {
        for (row, left) in part.chunks_exact(BLOCK).zip(&mut left) {
            *left += row.iter().zip(f).map(|(j, f)| j * f).sum::<f64>();
        }
    }
    for i in 0..n {
        let miss = left[i] + damping[i] * s[i] + g[i];
        assert!(miss.abs() < 1e-9 * size, "{i}: {miss}");
    }
}

/// Initial value and velocity; values on one side alone; contradictions.
#[test]
fn what_can_be_built_in_is() {
    let wave = |conditions: &str| {
        let text = format!(
            "[domain]\nx = [0, 1]\nt = [0, 1]\nunknowns = [\"u\"]\n[equations]\nw = \"d(u,t,t) - u_xx\"\n{conditions}"
        );
        let problem = problem(&text);
        DeepSystem::new(&problem, &Architecture::default(), 1.0).built_in()
    };
    let on = |place: &str, what: &str| format!("[[condition]]\non = \"{place}\"\n{what}\n");
    let start = on("t = 0", "u = \"sin(pi*x)\"") + &on("t = 0", "u_t = \"x\"");
    assert_eq!(wave(&(start.clone() + &on("x = 0", "u = \"0\""))), [0, 1, 2]);
    assert_eq!(wave(&(start + &on("x = 0", "u = 1"))), [0; 0]);
    assert_eq!(wave(&on("x = 1", "u_x = 1")), [0; 0]);
}
