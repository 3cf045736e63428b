//! A classical fit of many rows: time, and the most memory the process ever held.
//!
//! ```sh
//! cargo run --release -p vecfield-sindy --example many_rows -- 10000000
//! ```
//!
//! Lorenz' system, `1e7` rows and 56 features by default; the data alone are 32 bytes a row. The matrix of all features would be 448.

use std::time::Instant;
use vecfield_data::{Trajectories, Trajectory};
use vecfield_sindy::{Family, Form, Selection, Sindy};

fn lorenz([x, y, z]: [f64; 3]) -> [f64; 3] {
    [10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z]
}

/// A step of the classical Runge–Kutta method.
fn step(y: [f64; 3], h: f64) -> [f64; 3] {
    let moved = |k: [f64; 3], h: f64| core::array::from_fn(|i| y[i] + h * k[i]);
    let a = lorenz(y);
    let b = lorenz(moved(a, 0.5 * h));
    let c = lorenz(moved(b, 0.5 * h));
    let d = lorenz(moved(c, h));
    core::array::from_fn(|i| y[i] + h / 6.0 * (a[i] + 2.0 * b[i] + 2.0 * c[i] + d[i]))
}

/// The most memory that was resident, in MiB, where the system says so.
fn peak() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<f64>().ok()? / 1024.0)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rows: usize = std::env::args().nth(1).map_or(Ok(10_000_000), |text| text.parse())?;
    let (h, mut state) = (0.002, [-8.0, 7.0, 27.0]);
    let (mut times, mut values) = (Vec::with_capacity(rows), Vec::with_capacity(3 * rows));
    for k in 0..rows {
        times.push(h * k as f64);
        values.extend(state);
        state = step(state, h);
    }
    let names = ["x", "y", "z"].map(String::from).to_vec();
    let data = Trajectories::new(names, vec![], vec![Trajectory::new(times, values, vec![])?])?;
    println!("{rows} rows made: peak {:.0} MiB", peak().unwrap_or(f64::NAN));

    let selection = Selection::Stlsq { threshold: 0.1, ridge: 0.0 };
    let sindy = Sindy { form: Form::FiniteDifference(4), selection, ..Sindy::new(vec![Family::Polynomial(5)]) };
    let clock = Instant::now();
    let model = sindy.fit(&data)?;
    println!(
        "{} features, {:.1} s with the score: peak {:.0} MiB",
        model.feature_count(),
        clock.elapsed().as_secs_f64(),
        peak().unwrap_or(f64::NAN)
    );
    for (name, equation) in model.variables().iter().zip(model.equations(Some(5))) {
        println!("d{name}/dt = {equation}");
    }
    Ok(())
}
