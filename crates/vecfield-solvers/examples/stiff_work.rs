//! Work and precision of stiff methods: the error each leaves and the time it takes, over tolerances.
//!
//! ```sh
//! cargo run --release -p vecfield-solvers --example stiff_work -- [PROBLEM,..|all] [METHOD,..|all]
//! ```
//!
//! Times are medians of nine solves, after one to warm up; errors are those at the end, the largest over the components.

use std::time::Instant;

use vecfield_autodiff::Lifted;
use vecfield_solvers::{Dynamics, Integrator, Method, Options, Save, Stiffness};
use vecfield_traits::Elementary;

#[derive(Debug, Clone, Copy)]
enum Problem {
    Robertson,
    Hires,
    Oregonator,
    Pollution,
    VanDerPol,
}

struct Case {
    name: &'static str,
    problem: Problem,
    end: f64,
    /// `atol / rtol`.
    floor: f64,
    y0: Vec<f64>,
    reference: &'static [f64],
}

fn sparse(n: usize, entries: &[(usize, f64)]) -> Vec<f64> {
    let mut y = vec![0.0; n];
    entries.iter().for_each(|&(i, value)| y[i] = value);
    y
}

fn cases() -> [Case; 6] {
    let case = |name, problem, end, floor, y0, reference| Case { name, problem, end, floor, y0, reference };
    [
        case(
            "rober_1e5",
            Problem::Robertson,
            1e5,
            1e-6,
            vec![1.0, 0.0, 0.0],
            &[0.017865921142099853, 7.274751468436478e-08, 0.9821340061103857],
        ),
        case(
            "rober_1e11",
            Problem::Robertson,
            1e11,
            1e-6,
            vec![1.0, 0.0, 0.0],
            &[2.0833401497005907e-08, 8.333360770331958e-14, 0.9999999791665167],
        ),
        case(
            "hires",
            Problem::Hires,
            321.8122,
            1e-3,
            sparse(8, &[(0, 1.0), (7, 0.0057)]),
            &[
                0.0007371312573325631,
                0.00014424857263161775,
                5.8887297409675054e-05,
                0.001175651343283142,
                0.0023863561988312224,
                0.0062389682527425015,
                0.0028499983951856623,
                0.0028500016048142963,
            ],
        ),
        case(
            "orego",
            Problem::Oregonator,
            360.0,
            1.0,
            vec![1.0, 2.0, 3.0],
            &[1.000814870318523, 1228.1785215498871, 132.05549428465258],
        ),
        case(
            "pollu",
            Problem::Pollution,
            60.0,
            1e-4,
            sparse(20, &[(1, 0.2), (3, 0.04), (6, 0.1), (7, 0.3), (8, 0.01), (16, 0.007)]),
            &[
                0.056462554800227556,
                0.13424841304223337,
                4.1397343310994175e-09,
                0.005523140207484369,
                2.0189772623021915e-07,
                1.4645418634939607e-07,
                0.07784249118997942,
                0.3245075353395969,
                0.007494013383880409,
                1.6222931573015622e-08,
                1.135863833257076e-08,
                0.0022305059757213408,
                0.00020871628827986343,
                1.3969210168401333e-05,
                0.008964884856898253,
                4.3528463693301115e-18,
                0.006899219696263394,
                0.00010078030373659387,
                1.772146513969979e-06,
                5.682943292316365e-05,
            ],
        ),
        case("vdpol", Problem::VanDerPol, 2000.0, 1e-2, vec![2.0, 0.0], &[1.706167732170454, -0.0008928097010248284]),
    ]
}

impl Dynamics for Problem {
    fn dim(&self) -> usize {
        match self {
            Problem::Robertson | Problem::Oregonator => 3,
            Problem::Hires => 8,
            Problem::Pollution => 20,
            Problem::VanDerPol => 2,
        }
    }

    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        let k = S::constant;
        match self {
            Problem::Robertson => {
                let (a, b, c) = (k(0.04) * y[0], k(1e4) * y[1] * y[2], k(3e7) * y[1] * y[1]);
                (dy[0], dy[1], dy[2]) = (b - a, a - b - c, c);
            }
            Problem::Oregonator => {
                dy[0] = k(77.27) * (y[1] + y[0] * (S::one() - k(8.375e-6) * y[0] - y[1]));
                dy[1] = (y[2] - (S::one() + y[0]) * y[1]) / k(77.27);
                dy[2] = k(0.161) * (y[0] - y[2]);
            }
            Problem::VanDerPol => {
                dy[0] = y[1];
                dy[1] = k(1e3) * (S::one() - y[0] * y[0]) * y[1] - y[0];
            }
            Problem::Hires => {
                let r = k(280.0) * y[5] * y[7] - k(1.81) * y[6];
                dy[0] = k(-1.71) * y[0] + k(0.43) * y[1] + k(8.32) * y[2] + k(0.0007);
                dy[1] = k(1.71) * y[0] - k(8.75) * y[1];
                dy[2] = k(-10.03) * y[2] + k(0.43) * y[3] + k(0.035) * y[4];
                dy[3] = k(8.32) * y[1] + k(1.71) * y[2] - k(1.12) * y[3];
                dy[4] = k(-1.745) * y[4] + k(0.43) * y[5] + k(0.43) * y[6];
                dy[5] = k(-280.0) * y[5] * y[7] + k(0.69) * y[3] + k(1.71) * y[4] - k(0.43) * y[5] + k(0.69) * y[6];
                (dy[6], dy[7]) = (r, -r);
            }
            Problem::Pollution => pollution(y, dy),
        }
    }
}

/// Verwer's air pollution model (Hairer–Wanner II, IV.10 has the source of these problems).
fn pollution<S: Elementary>(y: &[S], dy: &mut [S]) {
    const RATES: [f64; 25] = [
        0.35, 26.6, 1.23e4, 8.6e-4, 8.2e-4, 1.5e4, 1.3e-4, 2.4e4, 1.65e4, 9e3, 0.022, 1.2e4, 1.88, 1.63e4, 4.8e6,
        3.5e-4, 0.0175, 1e8, 4.44e11, 1240.0, 2.1, 5.78, 0.0474, 1780.0, 3.12,
    ];
    let r: [S; 25] = {
        let y = |i: usize| y[i];
        let products = [
            y(0),
            y(1) * y(3),
            y(4) * y(1),
            y(6),
            y(6),
            y(6) * y(5),
            y(8),
            y(8) * y(5),
            y(10) * y(1),
            y(10) * y(0),
            y(12),
            y(9) * y(1),
            y(13),
            y(0) * y(5),
            y(2),
            y(3),
            y(3),
            y(15),
            y(15),
            y(16) * y(5),
            y(18),
            y(18),
            y(0) * y(3),
            y(18) * y(0),
            y(19),
        ];
        core::array::from_fn(|i| S::constant(RATES[i]) * products[i])
    };
    let two = S::constant(2.0);
    dy[0] = -r[0] - r[9] - r[13] - r[22] - r[23] + r[1] + r[2] + r[8] + r[10] + r[11] + r[21] + r[24];
    dy[1] = -r[1] - r[2] - r[8] - r[11] + r[0] + r[20];
    dy[2] = -r[14] + r[0] + r[16] + r[18] + r[21];
    dy[3] = -r[1] - r[15] - r[16] - r[22] + r[14];
    dy[4] = -r[2] + two * r[3] + r[5] + r[6] + r[12] + r[19];
    dy[5] = -r[5] - r[7] - r[13] - r[19] + r[2] + two * r[17];
    dy[6] = -r[3] - r[4] - r[5] + r[12];
    dy[7] = r[3] + r[4] + r[5] + r[6];
    dy[8] = -r[6] - r[7];
    dy[9] = -r[11] + r[6] + r[8];
    dy[10] = -r[8] - r[9] + r[7] + r[10];
    dy[11] = r[8];
    dy[12] = -r[10] + r[9];
    dy[13] = -r[12] + r[11];
    dy[14] = r[13];
    dy[15] = -r[17] - r[18] + r[15];
    dy[16] = -r[19];
    dy[17] = r[19];
    dy[18] = -r[20] - r[21] - r[23] + r[22] + r[24];
    dy[19] = -r[24] + r[23];
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let asked = |at: usize, name: &str| {
        wanted.get(at).is_none_or(|list| list == "all" || list.split(',').any(|item| item == name))
    };
    let methods: Vec<Method> = Method::all()
        .filter(|method| method.stiff() == Stiffness::Yes && !method.fixed_step() && asked(1, method.name()))
        .collect();
    println!(
        "{:<11}{:<15}{:>6}{:>10}{:>11}{:>8}{:>7}{:>8}{:>7}{:>7}",
        "problem", "method", "rtol", "error", "µs", "steps", "reject", "rhs", "jac", "lu"
    );
    for case in cases().iter().filter(|case| asked(0, case.name)) {
        let field = Lifted::new(case.problem, vec![]);
        for &method in &methods {
            for exponent in [4, 5, 6, 7, 8, 9, 10] {
                let (lowest, _) = method.order();
                if exponent > 4 + 2 * lowest as i32 {
                    continue;
                }
                let rtol = 10.0_f64.powi(-exponent);
                let options = Options::tolerances(rtol, rtol * case.floor);
                let mut integrator = Integrator::new(method, case.y0.len(), &options)?;
                let mut times = vec![];
                let mut solved = None;
                for _ in 0..10 {
                    let begin = Instant::now();
                    solved = Some(integrator.solve(&field, (0.0, case.end), &case.y0, Save::End));
                    times.push(begin.elapsed().as_secs_f64() * 1e6);
                }
                times[1..].sort_by(f64::total_cmp);
                match solved {
                    Some(Ok(solution)) => {
                        let error =
                            |(y, reference): (&f64, &f64)| (y - reference).abs() / (reference.abs() + case.floor);
                        let worst = solution.last().iter().zip(case.reference).map(error).fold(0.0, f64::max);
                        let s = solution.stats;
                        println!(
                            "{:<11}{:<15}{:>6.0e}{:>10.1e}{:>11.1}{:>8}{:>7}{:>8}{:>7}{:>7}",
                            case.name,
                            method.name(),
                            rtol,
                            worst,
                            times[5],
                            s.steps,
                            s.rejected,
                            s.rhs_evals,
                            s.jacobian_evals,
                            s.factorizations
                        );
                    }
                    Some(Err(stopped)) => println!("{:<11}{:<15}{:>6.0e}  {stopped}", case.name, method.name(), rtol),
                    None => {}
                }
            }
        }
    }
    Ok(())
}
