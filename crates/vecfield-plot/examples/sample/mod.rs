//! Sample reports for the examples and tests: real measurements, laws fitted here by a small Levenberg–Marquardt around
//! RK4, so that the pictures are honest without any other crate. The rival models' scores are made up.

use vecfield_plot::*;

/// Hudson Bay pelts in thousands, 21 years (Elton and Nicholson 1942, as printed by Odum).
const HARE: [f64; 21] = [
    30.0, 47.2, 70.2, 77.4, 36.3, 20.6, 18.1, 21.4, 22.0, 25.4, 27.1, 40.3, 57.0, 76.6, 52.3, 19.5, 11.2, 7.6, 14.6,
    16.2, 24.7,
];
const LYNX: [f64; 21] = [
    4.0, 6.1, 9.8, 35.2, 59.4, 41.7, 19.0, 13.0, 8.3, 9.1, 7.4, 8.0, 12.3, 19.5, 45.7, 51.1, 29.7, 15.8, 9.7, 10.1, 8.6,
];
/// Yeast growing in a flask, hourly (Carlson 1913).
const YEAST: [f64; 19] = [
    9.6, 18.3, 29.0, 47.2, 71.1, 119.1, 174.6, 257.3, 350.7, 441.0, 513.3, 559.7, 594.8, 629.4, 640.8, 651.1, 655.9,
    659.6, 661.8,
];

type Law = fn(&[f64], &[f64]) -> Vec<f64>;

fn lotka_volterra(p: &[f64], y: &[f64]) -> Vec<f64> {
    vec![p[0] * y[0] - p[1] * y[0] * y[1], p[3] * y[0] * y[1] - p[2] * y[1]]
}

fn logistic(p: &[f64], y: &[f64]) -> Vec<f64> {
    vec![p[0] * y[0] * (1.0 - y[0] / p[1])]
}

fn lorenz(p: &[f64], y: &[f64]) -> Vec<f64> {
    vec![p[0] * (y[1] - y[0]), y[0] * (p[1] - y[2]) - y[1], y[0] * y[1] - p[2] * y[2]]
}

/// RK4 through `times`, 40 steps an interval; one row of states a time.
pub(crate) fn march(law: Law, p: &[f64], y0: &[f64], times: &[f64]) -> Vec<Vec<f64>> {
    let moved = |y: &[f64], k: &[f64], h: f64| y.iter().zip(k).map(|(y, k)| y + h * k).collect::<Vec<_>>();
    let mut y = y0.to_vec();
    let mut rows = vec![y.clone()];
    for pair in times.windows(2) {
        let h = (pair[1] - pair[0]) / 40.0;
        for _ in 0..40 {
            let k1 = law(p, &y);
            let k2 = law(p, &moved(&y, &k1, 0.5 * h));
            let k3 = law(p, &moved(&y, &k2, 0.5 * h));
            let k4 = law(p, &moved(&y, &k3, h));
            for i in 0..y.len() {
                y[i] += h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]);
            }
        }
        rows.push(y.clone());
    }
    rows
}

/// Constants and initial state, with their covariance.
struct Fitted {
    theta: Vec<f64>,
    covariance: Vec<Vec<f64>>,
    sigma: f64,
}

/// Least squares over constants and initial state; `data[variable][time]`.
fn fit(law: Law, constants: usize, start: &[f64], times: &[f64], data: &[Vec<f64>]) -> Fitted {
    let residuals = |theta: &[f64]| -> Vec<f64> {
        let rows = march(law, &theta[..constants], &theta[constants..], times);
        (0..data.len())
            .flat_map(|i| rows.iter().zip(&data[i]).map(move |(row, y)| row[i] - y).collect::<Vec<_>>())
            .collect()
    };
    let cost = |r: &[f64]| r.iter().map(|r| r * r).sum::<f64>();
    let (mut theta, mut damping, n) = (start.to_vec(), 1e-2, start.len());
    let normal = |theta: &[f64], r: &[f64]| {
        let columns: Vec<Vec<f64>> = (0..n)
            .map(|j| {
                let mut moved = theta.to_vec();
                let h = 1e-6 * theta[j].abs().max(1e-3);
                moved[j] += h;
                residuals(&moved).iter().zip(r).map(|(a, b)| (a - b) / h).collect()
            })
            .collect();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let a: Vec<Vec<f64>> = columns.iter().map(|u| columns.iter().map(|v| dot(u, v)).collect()).collect();
        (a, columns.iter().map(|u| -dot(u, r)).collect::<Vec<f64>>())
    };
    let mut r = residuals(&theta);
    for _ in 0..60 {
        let (mut a, b) = normal(&theta, &r);
        (0..n).for_each(|j| a[j][j] *= 1.0 + damping);
        let inverse = inverted(a);
        let next: Vec<f64> =
            (0..n).map(|i| theta[i] + inverse[i].iter().zip(&b).map(|(a, b)| a * b).sum::<f64>()).collect();
        let tried = residuals(&next);
        if cost(&tried) < cost(&r) {
            (theta, r, damping) = (next, tried, damping * 0.3);
        } else {
            damping *= 5.0;
        }
    }
    let sigma = (cost(&r) / (r.len() - n) as f64).sqrt();
    let covariance = inverted(normal(&theta, &r).0)
        .into_iter()
        .map(|row| row.into_iter().map(|c| c * sigma * sigma).collect())
        .collect();
    Fitted { theta, covariance, sigma }
}

/// Gauss–Jordan.
fn inverted(mut a: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let n = a.len();
    let mut inverse: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    for i in 0..n {
        let pivot = (i..n).max_by(|&p, &q| a[p][i].abs().total_cmp(&a[q][i].abs())).unwrap_or(i);
        a.swap(i, pivot);
        inverse.swap(i, pivot);
        let scale = a[i][i];
        for j in 0..n {
            a[i][j] /= scale;
            inverse[i][j] /= scale;
        }
        for k in (0..n).filter(|&k| k != i) {
            let factor = a[k][i];
            for j in 0..n {
                a[k][j] -= factor * a[i][j];
                inverse[k][j] -= factor * inverse[i][j];
            }
        }
    }
    inverse
}

/// Curves with 95 % bands for a new measurement: the fit's covariance by the delta method, and the noise.
fn fits(law: Law, constants: usize, fitted: &Fitted, times: &[f64], data: &[Vec<f64>]) -> Vec<Fit> {
    let (first, last) = (times[0], times[times.len() - 1]);
    let fine: Vec<f64> = (0..=240).map(|k| first + (last - first) * f64::from(k) / 240.0).collect();
    let run = |theta: &[f64]| march(law, &theta[..constants], &theta[constants..], &fine);
    let rows = run(&fitted.theta);
    let moved: Vec<_> = (0..fitted.theta.len())
        .map(|j| {
            let h = 1e-5 * fitted.theta[j].abs().max(1e-3);
            let mut theta = fitted.theta.clone();
            theta[j] += h;
            (h, run(&theta))
        })
        .collect();
    (0..data.len())
        .map(|i| {
            let column: Vec<f64> = rows.iter().map(|row| row[i]).collect();
            let half: Vec<f64> = (0..fine.len())
                .map(|k| {
                    let gradient: Vec<f64> = moved.iter().map(|(h, rows)| (rows[k][i] - column[k]) / h).collect();
                    let spread: f64 = gradient
                        .iter()
                        .zip(&fitted.covariance)
                        .map(|(g, row)| g * row.iter().zip(&gradient).map(|(c, g)| c * g).sum::<f64>())
                        .sum();
                    1.96 * (spread + fitted.sigma.powi(2)).sqrt()
                })
                .collect();
            let lower: Vec<f64> = column.iter().zip(&half).map(|(y, h)| y - h).collect();
            let upper: Vec<f64> = column.iter().zip(&half).map(|(y, h)| y + h).collect();
            let band = Band::new("95 % band for a measurement", &fine, &lower, &upper).expect("columns of one length");
            let series = |x: &[f64], y: &[f64]| Series::new(x, y).expect("columns of one length");
            Fit::new(series(times, &data[i]), series(&fine, &column)).with_band(band)
        })
        .collect()
}

fn formula(markup: &str) -> MathMl {
    MathMl::new(markup).expect("the sample's formulas are MathML")
}

fn product(coefficient: &str, factors: &[&str]) -> String {
    let factors: Vec<String> = factors
        .iter()
        .map(|name| format!("<mo>\u{2062}</mo><mspace width=\"0.17em\"></mspace><mi>{name}</mi>"))
        .collect();
    format!("<mn>{coefficient}</mn>{}", factors.concat())
}

/// The lynx and the hare.
pub(crate) fn lynx_hare() -> Report {
    let times: Vec<f64> = (0..21).map(f64::from).collect();
    let data = [HARE.to_vec(), LYNX.to_vec()];
    let fitted = fit(lotka_volterra, 4, &[0.4812, 0.02483, 0.926, 0.02753, 34.91, 3.862], &times, &data);
    let p = fitted.theta.clone();
    let variables =
        vec![Variable::new("hare").in_units("thousand pelts"), Variable::new("lynx").in_units("thousand pelts")];
    let year = Variable::new("t").in_units("years");
    let [a, b, c, d] = [p[0], p[1], p[2], p[3]].map(|value| significant(value, 4));
    let hare = formula(&format!("{}<mo>−</mo>{}", product(&a, &["hare"]), product(&b, &["hare", "lynx"])));
    let lynx = formula(&format!("{}<mo>−</mo>{}", product(&d, &["hare", "lynx"]), product(&c, &["lynx"])));
    let equations = vec![
        Equation::new("hare", MathMl::name("hare"), hare, format!("{a}*hare - {b}*hare*lynx")),
        Equation::new("lynx", MathMl::name("lynx"), lynx, format!("{d}*hare*lynx - {c}*lynx")),
    ];
    let run = Trajectory::new("Hudson Bay", fits(lotka_volterra, 4, &fitted, &times, &data));
    let at_data = march(lotka_volterra, &p[..4], &p[4..], &times);
    let residuals = (0..2)
        .map(|i| times.iter().zip(&at_data).zip(&data[i]).map(|((t, row), y)| [*t, y - row[i]]).collect())
        .collect();
    let r2 = |i: usize| {
        let mean = data[i].iter().sum::<f64>() / 21.0;
        let left: f64 = at_data.iter().zip(&data[i]).map(|(row, y)| (y - row[i]).powi(2)).sum();
        1.0 - left / data[i].iter().map(|y| (y - mean).powi(2)).sum::<f64>()
    };
    let mut report = Report::new(
        "Lynx and hare",
        Verdict::Law,
        "The records follow the Lotka–Volterra law of predator and prey. It forecasts the next five years with about two thirds of the error of its best rival, with four constants known to a few percent.",
        year,
        variables.clone(),
        equations.clone(),
        vec![run.clone()],
    );
    report.source = "lynx-hare.csv: 21 yearly measurements of 2 variables, no missing cell".into();
    report.method = "Integral matching of all sums of up to three quadratic terms, refined through the solver by multiple shooting, ranked by forecasts from rolling origins.".into();
    report.noise = "Additive, one level for both variables: preferred to multiplicative noise by the likelihood (117.4 against 142.3).".into();
    report.facts = vec![
        Fact::new("R² hare", significant(r2(0), 3), "of the variance"),
        Fact::new("R² lynx", significant(r2(1), 3), "of the variance"),
        Fact::new("Forecast error", "0.178", "standard deviations"),
        Fact::new("Terms", "4", "of 12 offered"),
    ];
    let errors: Vec<f64> = (0..6).map(|i| fitted.covariance[i][i].sqrt()).collect();
    let named = [
        ("a", "hare in d hare/dt"),
        ("b", "hare·lynx in d hare/dt"),
        ("c", "lynx in d lynx/dt"),
        ("d", "hare·lynx in d lynx/dt"),
        ("hare(0)", "initial"),
        ("lynx(0)", "initial"),
    ];
    report.constants =
        named.iter().enumerate().map(|(i, (name, role))| Constant::new(*name, *role, p[i], Some(errors[i]))).collect();
    let path = |x: &Fit, y: &Fit| -> [Series; 2] {
        let pair = |a: &Series, b: &Series| a.points().iter().zip(b.points()).map(|(a, b)| [a[1], b[1]]).collect();
        [pair(&x.observed, &y.observed), pair(&x.model, &y.model)]
    };
    let [observed, model] = path(&run.fits[0], &run.fits[1]);
    let portrait = PhasePortrait::new(variables[0].clone(), variables[1].clone(), vec![observed], vec![model]);
    let law = p.clone();
    report.phase = vec![Phase::Portrait(portrait.with_field(move |x, y| {
        let rate = lotka_volterra(&law, &[x, y]);
        [rate[0], rate[1]]
    }))];
    report.residuals = Some(Residuals::new("measured − model", residuals));
    report.forecasts = Some(ForecastCheck::new(lynx_hare_forecasts(&times, &data, &p)));
    report.front = Some(sample_front());
    report.alternatives = rivals(equations);
    report.notes = vec![
        Note::info("Times are regular, one a year; no cell is missing and no value repeats."),
        Note::warning(
            "Pelts are what trappers brought in, not animals counted: effort and prices changed over these years.",
        ),
        Note::info("Two oscillations are seen. Forecasts beyond one period have not been tested."),
    ];
    report.commands = vec![
        Command::new("Solve the equations, to any time", "vecfield solve lynx-hare/equations.toml --t 0,40"),
        Command::new("Fit them to other data", "vecfield fit lynx-hare/equations.toml other.csv"),
        Command::new("Make this page again", "vecfield discover data/lynx-hare.csv --out lynx-hare --force"),
    ];
    report.provenance = "vecfield 0.1.0, seed 0.".into();
    report
}

/// Refitted at each origin from the years up to it.
fn lynx_hare_forecasts(times: &[f64], data: &[Vec<f64>; 2], start: &[f64]) -> Vec<Forecast> {
    let mut forecasts = Vec::new();
    for origin in [12, 14, 16, 18] {
        let known: Vec<Vec<f64>> = data.iter().map(|column| column[..=origin].to_vec()).collect();
        let past = fit(lotka_volterra, 4, start, &times[..=origin], &known);
        let rows = march(lotka_volterra, &past.theta[..4], &past.theta[4..], times);
        for variable in 0..2 {
            for k in origin + 1..times.len().min(origin + 6) {
                let (predicted, observed) = (rows[k][variable], data[variable][k]);
                forecasts.push(Forecast {
                    trajectory: 0,
                    variable,
                    origin: times[origin],
                    time: times[k],
                    predicted,
                    observed,
                });
            }
        }
    }
    forecasts.sort_by_key(|f| (f.variable, f.origin as i64, f.time as i64));
    forecasts
}

/// Made-up rivals: only the chosen score and its runner-up's are measured ones.
fn sample_front() -> Front {
    let mut state = 7_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let floor = [1.1, 0.82, 0.55, 0.178, 0.27, 0.31, 0.36, 0.45];
    let mut points: Vec<FrontPoint> = (0..8).map(|i| FrontPoint::new(f64::from(i as u8 + 1), floor[i])).collect();
    for _ in 0..400 {
        let size = (random() * 8.0).floor();
        points.push(FrontPoint::new(size + 1.0, floor[size as usize] + 0.05 + 1.6 * random() * random()));
    }
    points.push(FrontPoint::new(6.0, 1e9));
    points.push(FrontPoint::new(5.0, f64::NAN));
    Front::new(
        Variable::new("terms"),
        Variable::new("forecast error").in_units("standard deviations"),
        Better::Lower,
        points,
        Some(3),
    )
}

fn rivals(chosen: Vec<Equation>) -> Vec<Alternative> {
    let model = |hare: &str, lynx: &str| {
        vec![
            Equation::new("hare", MathMl::name("hare"), formula(hare), "…"),
            Equation::new("lynx", MathMl::name("lynx"), formula(lynx), "…"),
        ]
    };
    let square = "<mo>−</mo><mn>0.00071</mn><mo>\u{2062}</mo><mspace width=\"0.17em\"></mspace><msup><mi>hare</mi><mn>2</mn></msup>";
    let five = model(
        &format!("{}<mo>−</mo>{}{square}", product("0.532", &["hare"]), product("0.0252", &["hare", "lynx"])),
        &format!("{}<mo>−</mo>{}", product("0.0274", &["hare", "lynx"]), product("0.921", &["lynx"])),
    );
    let three = model(
        &format!("{}<mo>−</mo>{}", product("0.311", &["hare"]), product("0.0171", &["hare", "lynx"])),
        &format!("<mn>11.4</mn><mo>−</mo>{}", product("0.52", &["lynx"])),
    );
    let two = model(&format!("<mo>−</mo>{}", product("0.61", &["lynx"])), &product("0.39", &["hare"]));
    vec![
        Alternative::new(chosen, 4.0, 0.96, 0.178, Standing::Chosen),
        Alternative::new(
            five,
            5.0,
            0.962,
            0.27,
            Standing::Rejected("One more term, and its forecasts are worse by half.".into()),
        ),
        Alternative::new(
            three,
            3.0,
            0.61,
            0.55,
            Standing::Rejected("Simpler, but its forecasts are three times worse.".into()),
        ),
        Alternative::new(two, 2.0, 0.34, 0.82, Standing::Rejected("Little better than persistence (1.06).".into())),
    ]
}

/// One variable: yeast.
pub(crate) fn yeast() -> Report {
    let times: Vec<f64> = (0..19).map(f64::from).collect();
    let data = [YEAST.to_vec()];
    let fitted = fit(logistic, 2, &[0.54, 660.0, 9.6], &times, &data);
    let p = fitted.theta.clone();
    let [r, k] = [p[0], p[1]].map(|value| significant(value, 4));
    let right = formula(&format!(
        "<mn>{r}</mn><mo>\u{2062}</mo><mspace width=\"0.17em\"></mspace><mi>biomass</mi><mo>\u{2062}</mo><mspace width=\"0.17em\"></mspace><mrow><mo>(</mo><mn>1</mn><mo>−</mo><mfrac><mi>biomass</mi><mn>{k}</mn></mfrac><mo>)</mo></mrow>"
    ));
    let biomass = Variable::new("biomass");
    let hours = Variable::new("t").in_units("hours");
    let run = Trajectory::new("flask", fits(logistic, 2, &fitted, &times, &data));
    let observed = run.fits[0].observed.clone();
    let mut report = Report::new(
        "Yeast",
        Verdict::Tentative,
        "Growth is logistic. A cubic law forecasts nearly as well, and these data can't tell them apart.",
        hours.clone(),
        vec![biomass.clone()],
        vec![Equation::new("biomass", MathMl::name("biomass"), right, format!("{r}*biomass*(1 - biomass/{k})"))],
        vec![run],
    );
    let errors: Vec<f64> = (0..3).map(|i| fitted.covariance[i][i].sqrt()).collect();
    report.constants = ["r", "K", "biomass(0)"]
        .iter()
        .enumerate()
        .map(|(i, name)| Constant::new(*name, "", p[i], Some(errors[i])))
        .collect();
    let rows = march(logistic, &p[..2], &p[2..], &times);
    let residuals = times.iter().zip(&rows).zip(&YEAST).map(|((t, row), y)| [*t, y - row[0]]).collect();
    report.residuals = Some(Residuals::new("measured − model", vec![residuals]));
    let law = p.clone();
    report.phase = vec![Phase::Rate(RateCurve::new(biomass, hours, &[observed], move |y| logistic(&law, &[y])[0]))];
    report
}

/// Three variables and two trajectories with missing cells: the Lorenz system, of one made-up run each.
pub(crate) fn lorenz_runs() -> Report {
    let constants = [10.0, 28.0, 8.0 / 3.0];
    let times: Vec<f64> = (0..=120).map(|k| 0.05 * f64::from(k)).collect();
    let fine: Vec<f64> = (0..=1500).map(|k| 0.004 * f64::from(k)).collect();
    let variables: Vec<Variable> = ["x", "y", "z"].map(Variable::new).into();
    let mut runs = Vec::new();
    let mut planes: Vec<(Vec<Series>, Vec<Series>)> = vec![(vec![], vec![]), (vec![], vec![]), (vec![], vec![])];
    for (n, y0) in [[1.0, 1.0, 20.0], [-6.0, -8.0, 26.0]].iter().enumerate() {
        let (coarse, smooth) = (march(lorenz, &constants, y0, &times), march(lorenz, &constants, y0, &fine));
        let measured = |i: usize, k: usize| {
            if (k + 3 * i + n).is_multiple_of(11) {
                f64::NAN
            } else {
                coarse[k][i] + (12.9 * (k * (i + 2)) as f64).sin()
            }
        };
        let fits = (0..3).map(|i| {
            let observed = (0..times.len()).map(|k| [times[k], measured(i, k)]).collect();
            Fit::new(observed, fine.iter().zip(&smooth).map(|(t, row)| [*t, row[i]]).collect())
        });
        runs.push(Trajectory::new(format!("run {}", n + 1), fits.collect()));
        for (plane, (i, j)) in planes.iter_mut().zip([(0, 2), (0, 1), (1, 2)]) {
            plane.0.push((0..times.len()).map(|k| [measured(i, k), measured(j, k)]).collect());
            plane.1.push(smooth.iter().map(|row| [row[i], row[j]]).collect());
        }
    }
    let equations = [
        (
            "x",
            "<mn>10</mn><mo>\u{2062}</mo><mspace width=\"0.17em\"></mspace><mrow><mo>(</mo><mi>y</mi><mo>−</mo><mi>x</mi><mo>)</mo></mrow>",
            "10*(y - x)",
        ),
        (
            "y",
            "<mi>x</mi><mo>\u{2062}</mo><mspace width=\"0.17em\"></mspace><mrow><mo>(</mo><mn>28</mn><mo>−</mo><mi>z</mi><mo>)</mo></mrow><mo>−</mo><mi>y</mi>",
            "x*(28 - z) - y",
        ),
        (
            "z",
            "<mi>x</mi><mo>\u{2062}</mo><mspace width=\"0.17em\"></mspace><mi>y</mi><mo>−</mo><mn>2.667</mn><mo>\u{2062}</mo><mspace width=\"0.17em\"></mspace><mi>z</mi>",
            "x*y - 2.667*z",
        ),
    ];
    let equations =
        equations.map(|(name, markup, text)| Equation::new(name, MathMl::name(name), formula(markup), text)).into();
    let mut report = Report::new(
        "Lorenz",
        Verdict::Law,
        "The Lorenz system.",
        Variable::new("t"),
        variables.clone(),
        equations,
        runs,
    );
    report.phase = planes
        .into_iter()
        .zip([(0, 2), (0, 1), (1, 2)])
        .map(|((observed, model), (i, j))| {
            Phase::Portrait(PhasePortrait::new(variables[i].clone(), variables[j].clone(), observed, model))
        })
        .collect();
    report
}
