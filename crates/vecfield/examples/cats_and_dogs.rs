//! Cats and dogs in 3 x 32 x 32 pixels, drawn by arithmetic: cats have ears that stand, dogs ears that hang; place, size, tilt,
//! colours and light are anyone's. Learns to tell them apart through an equation, and prints how well.
//!
//! ```text
//! cargo run --release --package vecfield --example cats_and_dogs
//! ```
//!
//! With a folder it writes the pictures there instead, as `vecfield train` reads them:
//!
//! ```text
//! cargo run --release --package vecfield --example cats_and_dogs -- pictures
//! vecfield train model.toml pictures/train-images.idx --labels pictures/train-labels.idx \
//!     --test pictures/test-images.idx --test-labels pictures/test-labels.idx
//! ```

use std::error::Error;
use std::ops::ControlFlow;
use std::path::Path;

use vecfield::data::Samples;
use vecfield::nde::{Data, Settings, load, train};
use vecfield::nn::Random;

const SIDE: usize = 32;
const PIXELS: usize = 3 * SIDE * SIDE;

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args().nth(1) {
        Some(folder) => write(Path::new(&folder)),
        None => learn(),
    }
}

/// A small model of few pictures, which takes seconds when optimised.
fn learn() -> Result<(), Box<dyn Error>> {
    let settings: Settings = toml::from_str(
        "[model]\nkind = \"ode-classifier\"\nstem = [8, 12, 16]\n[optimizer]\nbatch = 24\nsteps = 300\nlearning_rate = 1e-2\n",
    )?;
    let training = train(&settings, &samples(1000, 1)?, 0, &mut |_| ControlFlow::Continue(()))?;
    let model = load(&training.checkpoint)?;
    for (name, value) in model.evaluate(&samples(200, 2)?)? {
        println!("{name} on new pictures: {value:.3}");
    }
    Ok(())
}

/// 2000 pictures to learn from and 500 others, with their labels, as IDX.
fn write(folder: &Path) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    for (name, count, seed) in [("train", 2000, 1), ("test", 500, 2)] {
        let (pictures, labels) = pictures(count, seed);
        let header = |sizes: &[usize]| {
            let sizes = sizes.iter().flat_map(|&size| (size as u32).to_be_bytes());
            [0, 0, 8].into_iter().chain([sizes.clone().count() as u8 / 4]).chain(sizes).collect::<Vec<u8>>()
        };
        let images = [header(&[count, 3, SIDE, SIDE]), pictures].concat();
        std::fs::write(folder.join(format!("{name}-images.idx")), images)?;
        std::fs::write(folder.join(format!("{name}-labels.idx")), [header(&[count]), labels].concat())?;
    }
    Ok(())
}

fn samples(count: usize, seed: u64) -> Result<Data, Box<dyn Error>> {
    let (pictures, labels) = pictures(count, seed);
    let rows = Samples::new(vec![3, SIDE, SIDE], pictures.into_iter().map(f64::from).collect())?;
    Ok(Data::Samples(rows.with_labels(labels.into_iter().map(i64::from).collect())?))
}

/// So many pictures, every other a dog, and their labels: 0 for cats, 1 for dogs.
fn pictures(count: usize, seed: u64) -> (Vec<u8>, Vec<u8>) {
    let mut random = Random::new(seed);
    let (mut pixels, mut labels) = (Vec::with_capacity(count * PIXELS), Vec::with_capacity(count));
    for i in 0..count {
        let dog = i % 2 == 1;
        Face::of(dog, &mut random).draw(&mut random, &mut pixels);
        labels.push(u8::from(dog));
    }
    (pixels, labels)
}

/// A face from the front.
struct Face {
    dog: bool,
    centre: [f64; 2],
    radius: f64,
    tilt: f64,
    fur: [f64; 3],
    ground: [f64; 3],
    light: f64,
}

impl Face {
    fn of(dog: bool, random: &mut Random) -> Face {
        let mut within = |from: f64, to: f64| from + (to - from) * random.uniform();
        Face {
            dog,
            centre: [within(13.0, 18.0), within(15.0, 19.0)],
            radius: within(6.5, 9.5),
            tilt: within(-0.35, 0.35),
            fur: [(); 3].map(|()| within(0.2, 0.95)),
            ground: [(); 3].map(|()| within(0.0, 0.8)),
            light: within(-0.015, 0.015),
        }
    }

    /// Appends the picture, channel by channel.
    fn draw(&self, random: &mut Random, pixels: &mut Vec<u8>) {
        let (sin, cos) = self.tilt.sin_cos();
        for channel in 0..3 {
            for place in 0..SIDE * SIDE {
                let (x, y) = ((place % SIDE) as f64 - self.centre[0], (place / SIDE) as f64 - self.centre[1]);
                // Along the face, in units of its radius; downwards is positive.
                let (across, down) = ((cos * x + sin * y) / self.radius, (cos * y - sin * x) / self.radius);
                let colour = match self.part(across.abs(), down) {
                    Part::Ground => self.ground[channel],
                    Part::Fur => self.fur[channel],
                    Part::Ear => 0.75 * self.fur[channel],
                    Part::Dark => 0.05,
                };
                let lit = colour + self.light * x + 0.04 * random.normal();
                pixels.push((255.0 * lit.clamp(0.0, 1.0)) as u8);
            }
        }
    }

    /// What is at a place of either side of the face.
    fn part(&self, across: f64, down: f64) -> Part {
        let within = |x: f64, y: f64, width: f64, height: f64| {
            ((across - x) / width).powi(2) + ((down - y) / height).powi(2) < 1.0
        };
        if within(0.38, -0.2, 0.14, 0.16) || within(0.0, 0.3, 0.16, 0.12) {
            return Part::Dark;
        }
        let ear = match self.dog {
            true => within(0.95, 0.15, 0.28, 0.75),
            // A triangle on the head.
            false => (-1.5..-0.5).contains(&down) && (across - 0.65).abs() < 0.4 * (down + 1.5),
        };
        match (ear, within(0.0, 0.0, 1.0, 1.0)) {
            (true, _) => Part::Ear,
            (false, true) => Part::Fur,
            (false, false) => Part::Ground,
        }
    }
}

enum Part {
    Ground,
    Fur,
    Ear,
    Dark,
}
