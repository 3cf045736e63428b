//! Examples in a model's units, and what chance does to them in training.

use serde::{Deserialize, Serialize};
use vecfield_data::Samples;
use vecfield_nn::Random;

use crate::chance::of_sample;
use crate::model::Number;

/// Units in which inputs have mean zero and variance one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Units {
    /// One for all inputs, or one for each.
    mean: Vec<f64>,
    scale: Vec<f64>,
}

/// Columns whose ranges differ by less share their unit.
const ALIKE: f64 = 20.0;

impl Units {
    /// Those of images, and of columns whose ranges are much the same, are common to all; else each column has its own.
    pub(super) fn of(examples: &Samples) -> Units {
        let inputs = examples.width();
        let columns: Vec<Spread> =
            (0..inputs).map(|i| Spread::of(examples.values().iter().skip(i).step_by(inputs))).collect();
        let ranges = columns.iter().map(|column| column.range).filter(|&range| range > 0.0);
        let (least, most) = ranges.fold((f64::INFINITY, 0.0), |(a, b): (f64, f64), range| (a.min(range), b.max(range)));
        if examples.shape().len() > 1 || most < ALIKE * least {
            let whole = Spread::of(examples.values().iter());
            return Units { mean: vec![whole.mean], scale: vec![whole.scale] };
        }
        Units {
            mean: columns.iter().map(|column| column.mean).collect(),
            scale: columns.iter().map(|column| column.scale).collect(),
        }
    }

    /// Appends a row in these units.
    pub(super) fn append<R: Number>(&self, row: &[f64], to: &mut Vec<R>) {
        let each = self.mean.iter().cycle().zip(self.scale.iter().cycle());
        to.extend(row.iter().zip(each).map(|(x, (mean, scale))| R::from_f64((x - mean) / scale)));
    }
}

/// How numbers lie.
struct Spread {
    mean: f64,
    scale: f64,
    range: f64,
}

impl Spread {
    fn of<'a>(numbers: impl Iterator<Item = &'a f64> + Clone) -> Spread {
        let count = numbers.clone().count().max(1) as f64;
        let mean = numbers.clone().sum::<f64>() / count;
        let variance = numbers.clone().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count;
        let ends = numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &x| (a.min(x), b.max(x)));
        Spread { mean, scale: if variance > 0.0 { variance.sqrt() } else { 1.0 }, range: ends.1 - ends.0 }
    }
}

/// Numbers dropped on either side of the equation (Srivastava et al. 2014): not within it, where they would make another
/// equation of it at every step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dropout<'a> {
    pub(super) rate: f64,
    pub(super) draw: u64,
    pub(super) samples: &'a [usize],
}

/// Streams of random numbers of their own.
pub(super) const BEFORE: u64 = 0x6265_666f_7265;
pub(super) const BEHIND: u64 = 0x6265_6869_6e64;

impl Dropout<'_> {
    /// Drops numbers of the rows of all samples, or their cotangents: the same ones every time.
    pub(super) fn apply<R: Number>(&self, side: u64, rows: &mut [R]) {
        let kept = R::from_f64(1.0 / (1.0 - self.rate));
        let width = rows.len() / self.samples.len().max(1);
        for (row, &sample) in rows.chunks_exact_mut(width.max(1)).zip(self.samples) {
            let mut random = of_sample(self.draw ^ side, sample);
            for x in row {
                *x = if random.uniform() < self.rate { R::zero() } else { *x * kept };
            }
        }
    }
}

/// What is done to an example each time it is seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chance {
    /// The standard deviation of noise, in the model's units.
    pub(super) noise: f64,
    /// Images move by up to so many pixels in each direction.
    pub(super) shift: usize,
    pub(super) image: Option<[usize; 3]>,
}

impl Chance {
    /// Appends an example, moved and blurred as `random` says.
    pub(super) fn append<R: Number>(&self, example: &[R], random: &mut Random, to: &mut Vec<R>) {
        let start = to.len();
        match self.image.filter(|_| self.shift > 0) {
            Some(image) => self.shifted(example, image, random, to),
            None => to.extend_from_slice(example),
        }
        if self.noise > 0.0 {
            to[start..].iter_mut().for_each(|x| *x += R::from_f64(self.noise * random.normal()));
        }
    }

    /// What moves in at an edge is what was there before.
    fn shifted<R: Number>(
        &self,
        example: &[R],
        [channels, height, width]: [usize; 3],
        random: &mut Random,
        to: &mut Vec<R>,
    ) {
        let mut by = || random.below(2 * self.shift + 1) as isize - self.shift as isize;
        let (down, across) = (by(), by());
        let moved = |at: usize, by: isize, len: usize| (at as isize - by).clamp(0, len as isize - 1) as usize;
        for channel in 0..channels {
            for row in 0..height {
                let from = (channel * height + moved(row, down, height)) * width;
                to.extend((0..width).map(|column| example[from + moved(column, across, width)]));
            }
        }
    }
}
