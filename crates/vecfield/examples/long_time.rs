//! Kepler's ellipse for two thousand revolutions, by methods that spend the same number of evaluations: how far the
//! energy strays, as a table, and as a picture if a file is named for it.
//!
//! ```text
//! cargo run --release --package vecfield --example long_time -- docs/images/energy.svg
//! ```

use std::f64::consts::TAU;

use vecfield::plot::{Entry, Figure, Layer, Panel, Scale, Series, Stroke, Swatch, Tone, Variable};
use vecfield::prelude::*;
use vecfield::solvers::{Flow, Integrator, Kind, Method, Observer, Segment};
use vecfield::traits::{Half, Jacobian, Partition};

const ECCENTRICITY: f64 = 0.6;
const REVOLUTIONS: u32 = 2_000;

/// `H = |p|²/2 - 1/|q|` in the plane; the state is `(q, p)`.
struct Kepler {
    partition: Partition,
}

impl VectorField<f64> for Kepler {
    type Workspace = ();

    fn workspace(&self) {}

    fn dim(&self) -> usize {
        4
    }

    fn eval(&self, t: f64, y: &[f64], dy: &mut [f64], work: &mut ()) {
        self.eval_half(Half::Positions, t, y, dy, work);
        self.eval_half(Half::Momenta, t, y, dy, work);
    }

    fn partition(&self) -> Option<&Partition> {
        Some(&self.partition)
    }

    fn eval_half(&self, half: Half, _t: f64, y: &[f64], dy: &mut [f64], _work: &mut ()) {
        match half {
            Half::Positions => (dy[0], dy[1]) = (y[2], y[3]),
            Half::Momenta => {
                let cube = y[0].hypot(y[1]).powi(3);
                (dy[2], dy[3]) = (-y[0] / cube, -y[1] / cube);
            }
        }
    }
}

impl Jacobian<f64> for Kepler {
    fn jacobian(&self, _t: f64, y: &[f64], jac: &mut [f64], time: &mut [f64], _work: &mut ()) {
        let r = y[0].hypot(y[1]);
        let (cube, fifth) = (r.powi(3), r.powi(5));
        jac.fill(0.0);
        time.fill(0.0);
        (jac[2], jac[7]) = (1.0, 1.0);
        (jac[8], jac[9]) = (3.0 * y[0] * y[0] / fifth - 1.0 / cube, 3.0 * y[0] * y[1] / fifth);
        (jac[12], jac[13]) = (jac[9], 3.0 * y[1] * y[1] / fifth - 1.0 / cube);
    }
}

/// The largest error of energy in every ten revolutions.
#[derive(Default)]
struct Energy {
    worst: f64,
    rows: Vec<[f64; 2]>,
}

impl Observer<f64> for Energy {
    fn step(&mut self, segment: &mut dyn Segment<f64>) -> Flow {
        let y = segment.y1();
        let energy = (y[2] * y[2] + y[3] * y[3]) / 2.0 - 1.0 / y[0].hypot(y[1]);
        self.worst = self.worst.max((energy + 0.5).abs());
        let revolutions = segment.t1() / TAU;
        if revolutions >= 10.0 * (self.rows.len() + 1) as f64 - 1e-6 {
            self.rows.push([revolutions, 2.0 * std::mem::take(&mut self.worst)]);
        }
        Flow::Continue
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let field = Kepler { partition: Partition::with_positions(4, [0, 1]) };
    let start = [1.0 - ECCENTRICITY, 0.0, 0.0, ((1.0 + ECCENTRICITY) / (1.0 - ECCENTRICITY)).sqrt()];
    // So many steps a revolution that each method evaluates the forces about 1,680 times; an adaptive one gets a tolerance.
    let steps = |count: f64| Options::fixed(TAU / count);
    let runs = [
        ("rk4", steps(420.0), Tone::Ink),
        ("verlet", steps(1680.0), Tone::Variable(0)),
        ("yoshida4", steps(560.0), Tone::Variable(1)),
        ("blanes-moan4", steps(280.0), Tone::Variable(2)),
        ("blanes-moan6", steps(168.0), Tone::Variable(3)),
        ("kahan-li8", steps(99.0), Tone::Variable(4)),
        ("gauss6", steps(54.0), Tone::Variable(5)),
        ("verner9", Options::tolerances(1e-14, 1e-14), Tone::Muted),
    ];
    let (mut layers, mut legend) = (Vec::new(), Vec::new());
    println!("method        evaluations    10 revolutions  {REVOLUTIONS} revolutions");
    for (name, options, tone) in runs {
        let method = Method::named(name)?;
        let mut energy = Energy::default();
        let mut integrator = Integrator::new(method, 4, &options)?;
        let span = (0.0, TAU * f64::from(REVOLUTIONS));
        let solution = integrator.solve_observed(&field, span, &start, Save::End, &mut energy)?;
        let evaluations = solution.stats.rhs_evals / u64::from(REVOLUTIONS);
        let (first, last) = (energy.rows[0][1], energy.rows[energy.rows.len() - 1][1]);
        println!("{name:12}  {evaluations:11}  {first:16.1e}  {last:16.1e}");
        let stroke = if method.kind() == Kind::Symplectic { Stroke::Solid } else { Stroke::Dashed };
        let swatch = if method.kind() == Kind::Symplectic { Swatch::Line } else { Swatch::Dashed };
        layers.push(Layer::Line(energy.rows.into_iter().collect::<Series>(), tone, stroke));
        legend.push(Entry::new(swatch, tone, name));
    }
    if let Some(path) = std::env::args_os().nth(1) {
        let panel = Panel::new(Variable::new("revolutions"), Variable::new("relative error of energy"), layers);
        let words = "The error of symplectic methods stays where it is, that of the others grows with time.";
        let panels = vec![panel.scaled(Scale::Log)];
        let figure = Figure::stack("Energy along Kepler's ellipse", words, legend, panels, 640.0, 280.0);
        std::fs::write(path, figure.to_svg())?;
    }
    Ok(())
}
