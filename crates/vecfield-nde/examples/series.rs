//! What a neural CDE makes of series: `cargo run --release -p vecfield-nde --example series -- [spirals|strokes|areas] [MODEL.toml]`.
//!
//! * `spirals`: which way noisy spirals turn, at irregular times (256 series of 60 rows to learn from, 128 to tell);
//! * `strokes`: twenty kinds of pen strokes (3,000 series of 182 rows, 3 channels), with 30, 50 and 70 % of the rows dropped;
//! * `areas`: the sign of an area that two of six channels enclose over 18,000 rows, in loops shorter than a window (400 series).
//!
//! Data are drawn here. Each line has the accuracy on series that were not learned from, and the seconds that the training took.

use std::f64::consts::TAU;
use std::ops::ControlFlow;
use std::time::Instant;

use vecfield_data::{Trajectories, Trajectory};
use vecfield_nde::{Data, Settings, load, train};
use vecfield_nn::Random;

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let text = arguments.get(1).map(std::fs::read_to_string).transpose()?;
    let of = |default: &str| toml::from_str::<Settings>(text.as_deref().unwrap_or(default));
    match arguments.first().map(String::as_str) {
        None | Some("spirals") => {
            let settings = of(SPIRALS)?;
            for seed in 0..10 {
                judge(
                    &format!("spirals, seed {seed}"),
                    &settings,
                    seed,
                    spirals(256, 2 * seed),
                    spirals(128, 2 * seed + 1),
                )?;
            }
        }
        Some("strokes") => {
            let settings = of(STROKES)?;
            for dropped in [0.3, 0.5, 0.7] {
                let (fit, test) = (strokes(2400, dropped, 0), strokes(600, dropped, 1));
                judge(&format!("strokes, {dropped} dropped"), &settings, 0, fit, test)?;
            }
        }
        Some("areas") => match text {
            Some(text) => judge("areas", &toml::from_str(&text)?, 0, areas(300, 0), areas(100, 1))?,
            None => {
                for (depth, window) in [(2, 64), (1, 64)] {
                    let settings = toml::from_str(
                        &AREAS.replace("{depth}", &depth.to_string()).replace("{window}", &window.to_string()),
                    )?;
                    judge(
                        &format!("areas, depth {depth}, window {window}"),
                        &settings,
                        0,
                        areas(300, 0),
                        areas(100, 1),
                    )?;
                }
            }
        },
        _ => return Err("there are spirals, strokes and areas; name one of them".into()),
    }
    Ok(())
}

const SPIRALS: &str = "[model]\nkind = \"neural-cde\"\nhidden = 8\n[field]\nlayers = [128]\n[optimizer]\nsteps = 60\n";
const STROKES: &str = "[model]\nkind = \"neural-cde\"\n[optimizer]\nsteps = 1500\n";
const AREAS: &str = "[model]\nkind = \"neural-cde\"\nhidden = 8\ndepth = {depth}\nwindow = {window}\n[field]\nlayers = [32]\n[optimizer]\nsteps = 200\n";

type Labelled = (Vec<Trajectory>, Vec<i64>);

fn judge(name: &str, settings: &Settings, seed: u64, fit: Labelled, test: Labelled) -> Result<(), Error> {
    let data = |(runs, labels): Labelled| -> Result<Data, Error> {
        let columns = (0..runs[0].dim()).map(|i| format!("x{i}")).collect();
        Ok(Data::Series(Trajectories::new(columns, vec![], runs)?, labels))
    };
    let (fit, test) = (data(fit)?, data(test)?);
    let began = Instant::now();
    let training = train(settings, &fit, seed, &mut |_| ControlFlow::Continue(()))?;
    let seconds = began.elapsed().as_secs_f64();
    let metrics = load(&training.checkpoint)?.evaluate(&test)?;
    let loss = training.done.history.last().map_or(f64::NAN, |entry| entry.loss);
    let each = 1e3 * seconds / training.done.steps as f64;
    println!("{name:<28} accuracy {:.4}  training loss {loss:.4}  {seconds:.1} s, {each:.1} ms a step", metrics[0].1);
    Ok(())
}

fn spirals(count: usize, salt: u64) -> Labelled {
    let mut random = Random::new(salt);
    let one = |_| {
        let (turn, phase) = (random.below(2), TAU * random.uniform());
        let sign = if turn == 1 { 1.0 } else { -1.0 };
        let mut times: Vec<f64> = (0..60).map(|_| 2.0 * TAU * random.uniform()).collect();
        times.sort_by(f64::total_cmp);
        let mut values = vec![];
        for t in &times {
            let (r, angle) = ((-0.1 * t).exp(), sign * t + phase);
            values.extend([r * angle.cos() + 0.03 * random.normal(), r * angle.sin() + 0.03 * random.normal()]);
        }
        (Trajectory::new(times, values, vec![]).expect("times differ"), turn as i64)
    };
    (0..count).map(one).unzip()
}

/// Pen velocities and force of a letter: each kind is a smooth curve with frequencies of its own, drawn by hands that differ in
/// pace, size, slant and tremor.
fn strokes(count: usize, dropped: f64, salt: u64) -> Labelled {
    const ROWS: usize = 182;
    let mut kinds = Random::new(77);
    let kinds: Vec<Vec<f64>> = (0..20).map(|_| (0..18).map(|_| kinds.normal()).collect()).collect();
    let mut random = Random::new(1000 + salt);
    let one = |number: usize| {
        let kind = number % 20;
        let (size, pace, warp) = (1.0 + 0.15 * random.normal(), 0.1 * random.normal(), 0.15 * random.normal());
        let slant = 0.15 * random.normal();
        let (mut times, mut values) = (vec![], vec![]);
        for row in 0..ROWS {
            if row > 0 && random.uniform() < dropped {
                continue;
            }
            let part = row as f64 / (ROWS - 1) as f64;
            let s = part * (1.0 + pace) + warp * part * (1.0 - part);
            let channel = |c: usize| {
                let harmonic = |k: usize| {
                    let [a, b] = [kinds[kind][6 * c + 2 * k], kinds[kind][6 * c + 2 * k + 1]];
                    let angle = TAU * (k as f64 + 1.0) * 0.75 * s;
                    (a * angle.sin() + b * angle.cos()) / (k as f64 + 1.0)
                };
                size * (0..3).map(harmonic).sum::<f64>()
            };
            let [x, y, force] = [channel(0), channel(1), channel(2)];
            times.push(row as f64);
            values.extend([x + slant * y, y, force].map(|v| v + 0.05 * random.normal()));
        }
        (Trajectory::new(times, values, vec![]).expect("times increase"), kind as i64)
    };
    (0..count).map(one).unzip()
}

/// Six random walks; two of them go around in small circles besides, one way or the other.
fn areas(count: usize, salt: u64) -> Labelled {
    const ROWS: usize = 18_000;
    let mut random = Random::new(5000 + salt);
    let one = |_| {
        let turn = random.below(2);
        let sign = if turn == 1 { 1.0 } else { -1.0 };
        let (mut walk, mut values, mut angle) = ([0.0; 6], Vec::with_capacity(6 * ROWS), TAU * random.uniform());
        for _ in 0..ROWS {
            walk.iter_mut().for_each(|x| *x += 0.01 * random.normal());
            angle += sign * TAU / 16.0 * (1.0 + 0.5 * random.normal());
            let mut row = walk;
            row[0] += 0.02 * angle.cos();
            row[1] += 0.02 * angle.sin();
            values.extend(row);
        }
        let times = (0..ROWS).map(|row| row as f64).collect();
        (Trajectory::new(times, values, vec![]).expect("times increase"), turn as i64)
    };
    (0..count).map(one).unzip()
}
